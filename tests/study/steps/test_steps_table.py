"""The printed table of every step."""

import re
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
        names = settings.pop("optimizer", "rmsprop").split(",")
        print_table([minimise(FUNCTIONS[function], optimizer=name, **settings) for name in names])
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "sgd,adagrad,rmsprop"])
def test_table_fits_80_columns_and_is_aligned(printed, function, optimizer):
    out = printed(function, optimizer=optimizer)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    start = next(i for i, line in enumerate(lines) if line.startswith("----"))
    rule, rows = lines[start], [lines[start - 1], *lines[start + 1 : lines.index("", start)]]
    bars = [i for i, character in enumerate(rule) if character == "+"]
    gaps = [i for i, character in enumerate(rule) if character == " "]
    assert bool(bars) != bool(gaps)
    for row in rows:
        assert [i for i, character in enumerate(row) if character == "|"] == bars
        assert {row[i] for i in gaps if i < len(row)} <= {" "}
    assert out.isascii()
    assert [line for line in lines if line != line.rstrip()] == []
    assert "\x1b" not in out
    assert "…" not in out


def test_table_of_two_coordinates_has_two_rows_a_step(printed):
    rows = table_cells(printed("two-weights", steps=1))
    assert [row[:2] for row in rows] == [["0", "A"], ["", "B"], ["1", "A"], ["", "B"]]
    # v = 0.001 and 10 at the first step; each rate is 0.1 / sqrt(v + 1e-8).
    assert rows[0][2:] == ["4.0000", "40.4000", "0.1000", "1.000e-3", "3.162262", "0.3162"]
    assert rows[1][2:] == ["4.0000", "", "10.0000", "10.0000", "0.031623", "0.3162"]
    assert rows[2][2:] == ["3.6838", "37.2061", "", "", "", ""]


def test_table_of_several_optimizers_has_a_row_of_each(printed):
    out = printed("valley", optimizer="sgd,adagrad,rmsprop", steps=1)
    rows = table_cells(out)
    names = ["sgd", "adagrad", "rmsprop"]
    assert [row[:3] for row in rows] == [
        [step if (name, i) == ("sgd", "x1") else "", name if i == "x1" else "", i]
        for step in ("0", "1")
        for name in names
        for i in ("x1", "x2")
    ]
    head = next(line for line in out.splitlines() if line.startswith("Step"))
    assert re.findall(r"Eff. LR|[^ |]+", head) == [
        *("Step", "With", "x", "f(x)", "Gradient", "v", "Eff. LR", "Update"),
    ]
    # 4 - 0.019 * 4; 4 - 0.5; 4 - 0.1 * 4 / sqrt(0.1 * 16)
    assert [row[3] for row in rows[6::2]] == ["3.9240", "3.5000", "3.6838"]
    assert [row[6] for row in rows[:6:2]] == ["", "16.0000", "1.6000"]
    assert "v of adagrad is Sum g^2, which includes" in out
    assert "v of rmsprop is E[g^2], which includes" in out
    title = out.split("\n\n")[0].splitlines()
    assert title[0].startswith("sgd, adagrad and rmsprop on ")
    assert title[1:] == [
        "sgd: learning rate 0.019",
        "adagrad: learning rate 0.5, eps 1e-07 inside the root",
        "rmsprop: learning rate 0.1, decay 0.9, eps 1e-08 inside the root",
    ]
    for name in names:
        assert f"\n{name}: f went from 58 to " in out


def test_table_of_one_accumulator_heads_it_by_its_name(printed):
    out = printed(optimizer="sgd,rmsprop", steps=1)
    assert "E[g^2]" in next(line for line in out.splitlines() if line.startswith("Step"))
    assert [row[5] for row in table_cells(out)] == ["", "6.4000", "", ""]


def test_table_tells_the_ratio_of_the_two_rates(printed):
    out = printed("two-weights", eps=0)
    assert "Effective LR of A over that of B, last step: 100." in out
    assert "over that of" not in printed("two-weights", optimizer="sgd")


def test_table_says_that_the_two_weights_fall_for_ever(printed):
    assert "has no minimum: it falls for ever" in printed("two-weights")
    assert "no minimum" not in printed("valley")


@pytest.mark.parametrize(("rate", "said"), [(0.0201, True), (0.02, False), (0.019, False)])
def test_table_names_the_limit_of_gradient_descent_in_the_valley(printed, rate, said):
    """Also where the run has only begun to climb, or has not yet."""
    out = " ".join(printed("valley", optimizer="sgd", learning_rate=rate, steps=3).split())
    sentence = f"The learning rate {rate} exceeds 2 / condition = 0.02, beyond which gradient"
    assert (sentence in out) == said
    other = printed("valley", optimizer="rmsprop", learning_rate=rate, steps=3)
    assert "exceeds" not in other


@pytest.mark.parametrize(
    ("steps", "every", "shown"),
    [
        (60, None, [*range(61)]),
        (61, None, [*range(0, 61, 5), 61]),
        (1000, None, [*range(0, 1001, 50)]),
        (1000, 1, [*range(1001)]),
        (10, 4, [0, 4, 8, 10]),
        (3, 100, [0, 3]),
    ],
)
def test_table_of_a_long_run_is_in_part(printed, steps, every, shown):
    run = minimise(FUNCTIONS["square"], steps=steps)
    out = "\n".join(table([run], every))
    rows = table_cells(out)
    assert [int(row[0]) for row in rows] == shown
    for row in rows:
        assert float(row[1]) == pytest.approx(run.x[int(row[0]), 0], rel=5e-4, abs=5e-5)
    distance = shown[1] - shown[0]
    assert (f"One step in {every or distance} is shown" in out) == (distance > 1)


@pytest.mark.parametrize(
    ("optimizer", "header", "cell"),
    [("rmsprop", "E[g^2]", "6.4000"), ("adagrad", "Sum g^2", "64.0000")],
)
def test_table_heads_the_accumulator(printed, optimizer, header, cell):
    out = printed(optimizer=optimizer, steps=1)
    assert f" {header} |" in out
    assert table_cells(out)[0][4] == cell


def test_table_of_sgd_has_no_column_for_what_it_does_not_have(printed):
    out = printed(optimizer="sgd", steps=1)
    head = next(line for line in out.splitlines() if line.startswith("Step"))
    assert [x.strip() for x in head.split("|")] == [
        *("Step", "x", "f(x)", "Gradient", "Effective LR", "Update"),
    ]
    assert table_cells(out)[0] == ["0", "4.0000", "16.0000", "8.0000", "0.100000", "0.8000"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.0, "0.0000"),
        (0.01, "0.0100"),
        (0.00999, "9.990e-3"),
        (-99.9, "-99.9000"),
        (-999.0, "-999.00"),
        (999.996, "1.000e3"),
        (10000.0, "1.000e4"),
        (-1e-300, "-1.000e-300"),
        (np.inf, "inf"),
        (np.nan, "nan"),
    ],
)
def test_table_of_numbers_of_any_size(value, cell):
    assert tabulation.number(value) == cell


def test_table_names_a_divergence(printed):
    out = printed("rosenbrock", optimizer="sgd", learning_rate=0.1, steps=30)
    # x grows as the cube of itself: by hand 20, 3e5, 1e18, 1e56, 6e169, and then beyond 1e308.
    assert "Diverged: x is not finite from step 6 on." in out
    assert "-inf" in table_cells(out)[12]


def test_table_names_a_divergence_of_the_function_alone(printed):
    out = printed(optimizer="sgd", learning_rate=1e50, steps=4)
    # x = 4 * (-2e50)^4 = 6.4e201 is finite, its square is not.
    assert "Diverged: f is not finite from step 4 on." in out


def test_table_says_that_a_start_is_too_far_away(printed):
    # Its square is beyond 1e308.
    out = printed(start=1e200, steps=2)
    assert "f is not finite at the start; choose a start nearer to 0." in out
    assert "learning rate." not in out


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
    assert len(table_cells("\n".join(table([run])))) == 9


@pytest.mark.slow
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
        "f(x)",
        "Gradient",
        "E[g^2]",
        "Effective LR",
        "Update",
    ]
    assert [row[:2] for row in table_cells(done.stdout)] == [
        [step, "A"] if i == 0 else ["", "B"] for step in "012" for i in range(2)
    ]
