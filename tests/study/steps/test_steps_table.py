"""The printed table of every step."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.study.steps import table as tabulation
from rmsprop.study.steps.functions import FUNCTIONS
from rmsprop.study.steps.minimise import OPTIMIZERS, minimise
from rmsprop.study.steps.table import print_table, table
from steps_by_hand import table_cells


@pytest.fixture
def printed(capsys, monkeypatch):
    """Minimises a function and returns what is printed of its steps, as into a pipe."""
    for variable in ("FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)

    def run(function="square", **settings):
        print_table(minimise(FUNCTIONS[function], **settings))
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_table_fits_80_columns_and_is_aligned(printed, function, optimizer):
    out = printed(function, optimizer=optimizer, learning_rate=0.01)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    rule = next(line for line in lines if line.startswith("-----"))
    rows = [rule.replace("+", "|"), *(line for line in lines if " | " in line)]
    assert len({tuple(i for i, c in enumerate(row) if c == "|") for row in rows}) == 1
    assert out.isascii()
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in out
    assert "…" not in out


def test_table_of_two_coordinates_has_two_rows_a_step(printed):
    rows = table_cells(printed("two-weights", steps=2))
    assert [row[:2] for row in rows] == [["1", "A"], ["", "B"], ["2", "A"], ["", "B"]]
    # v = 0.001 and 10 at the first step; each rate is 0.1 / sqrt(v + 1e-8).
    assert rows[0][2:] == ["3.6838", "0.1000", "1.000e-03", "3.162262", "0.3162"]
    assert rows[1][2:] == ["3.6838", "10.0000", "10.0000", "0.031623", "0.3162"]


def test_table_tells_the_ratio_of_the_two_rates(printed):
    out = printed("two-weights", eps=0)
    assert "Effective LR of A over that of B, last step: 100." in out


@pytest.mark.parametrize(
    ("optimizer", "header", "cell"),
    [
        ("rmsprop", "E[g^2]", "6.4000"),
        ("adagrad", "Sum g^2", "64.0000"),
        ("sgd", "E[g^2]", "-"),
    ],
)
def test_table_heads_the_accumulator(printed, optimizer, header, cell):
    out = printed(optimizer=optimizer, steps=1)
    assert f" {header} |" in out
    assert table_cells(out)[0][3] == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.0, "0.0000"),
        (0.01, "0.0100"),
        (0.00999, "9.990e-03"),
        (-9999.0, "-9999.0000"),
        (10000.0, "1.000e+04"),
        (-1e-300, "-1.000e-300"),
        (np.inf, "inf"),
        (np.nan, "nan"),
    ],
)
def test_table_of_numbers_of_any_size(value, cell):
    assert tabulation._number(value) == cell


def test_table_names_a_divergence(printed):
    out = printed("rosenbrock", optimizer="sgd")
    # x grows as the cube of itself: by hand 20, 3e5, 1e18, 1e56, 6e169, and then beyond 1e308.
    assert "Diverged: x is not finite from step 6 on." in out
    assert "inf" in table_cells(out)[10]


def test_table_names_a_divergence_of_the_function_alone(printed):
    out = printed(optimizer="sgd", learning_rate=1e50, steps=4)
    # x = 4 * (-2e50)^4 = 6.4e201 is finite, its square is not.
    assert "Diverged: f is not finite from step 4 on." in out


def test_table_names_a_run_that_went_up(printed):
    out = printed(optimizer="sgd", learning_rate=1.5, steps=1)
    # x = 4 - 1.5 * 8 = -8.
    assert "f went from 16 to 64 in 1 step." in out
    assert "It ended above its start." in out
    assert "above its start" not in printed(steps=1)


def test_table_is_not_cut_on_a_narrow_screen(printed, monkeypatch):
    wide = printed("rosenbrock")
    monkeypatch.setenv("COLUMNS", "30")
    assert printed("rosenbrock") == wide


def test_table_title_names_the_settings(printed):
    out = printed(eps_in_sqrt=False, eps=0.5, initial=2, decay=0.75)
    words = " ".join(out.split())
    assert "learning rate 0.1, decay 0.75, eps 0.5 outside the root, E[g^2] from 2" in words
    assert "learning rate / (sqrt(E[g^2]) + eps)" in words


def test_table_takes_three_coordinates():
    run = minimise(lambda x: jnp.sum(x**2), [1.0, 2.0, 3.0], steps=2)
    assert len(table_cells("\n".join(table(run)))) == 6


def test_table_prints_without_packages_beyond_jax_and_optax(tmp_path):
    """As after `pip install .` alone: the same columns as with everything installed."""
    code = (
        "import sys\n"
        "for name in ('rich', 'xarray', 'matplotlib', 'scipy.stats', 'h5netcdf', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from rmsprop.commands import command_line\n"
        "sys.exit(command_line.main(['steps', '--steps', '2', '--function', 'two-weights']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    header = next(line for line in done.stdout.splitlines() if "Step" in line)
    assert [cell.strip() for cell in header.split("|")] == [
        "Step",
        "Weight",
        "x",
        "Gradient",
        "E[g^2]",
        "Effective LR",
        "Update",
    ]
    assert [row[:2] for row in table_cells(done.stdout)] == [
        ["1", "A"],
        ["", "B"],
        ["2", "A"],
        ["", "B"],
    ]
