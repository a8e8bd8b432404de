"""The command `rmsprop steps`: its options, what it prints and writes, and what it refuses."""

import argparse
import ast
import inspect
import re
import sys

import numpy as np
import pytest

from rmsprop.commands import steps
from rmsprop.commands.command_line import main
from rmsprop.commands.options import Parser
from rmsprop.study.steps import functions, picture, sentences, table
from rmsprop.study.steps import minimise as module
from rmsprop.study.steps.functions import FUNCTIONS
from steps_by_hand import GRADIENTS, loop, table_cells


@pytest.fixture
def printed(capsys, monkeypatch):
    """Runs the command with the given words and returns what it prints, as into a pipe."""
    for variable in ("FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)

    def run(*words):
        parser = Parser()
        steps.add_arguments(parser)
        assert steps.run(parser.parse_args([str(word) for word in words])) == 0
        return capsys.readouterr().out

    return run


def test_table_of_the_worked_example(printed):
    out = printed()
    header = next(line for line in out.splitlines() if "Step" in line)
    assert [cell.strip() for cell in header.split("|")] == [
        "Step",
        "x",
        "f(x)",
        "Gradient",
        "E[g^2]",
        "Effective LR",
        "Update",
    ]
    rows = table_cells(out)
    assert len(rows) == 31
    assert rows[0] == ["0", "4.0000", "16.0000", "8.0000", "6.4000", "0.039528", "0.3162"]
    # The second row by hand: x = 4 - 0.1 / sqrt(6.4) * 8, f = x^2, g = 2 x,
    # E[g^2] = 5.76 + 0.1 g^2, 0.1 / sqrt(E[g^2]), ...
    assert rows[1] == ["1", "3.6838", "13.5702", "7.3675", "11.1881", "0.029897", "0.2203"]
    assert rows[30] == ["30", "0.8813", "0.7767", "", "", "", ""]
    assert "Each row is one moment" in out
    assert "f went from 16 to 0.776736 in 30 steps." in out


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("", {}),
        ("--optimizer adagrad", {"optimizer": "adagrad"}),
        ("--optimizer sgd", {"optimizer": "sgd"}),
        ("--learning-rate 0.3", {"learning_rate": 0.3}),
        ("--decay 0.5", {"decay": 0.5}),
        ("--eps 0.5", {"eps": 0.5}),
        ("--eps 0.5 --eps-in-sqrt", {"eps": 0.5, "eps_in_sqrt": True}),
        ("--eps 0.5 --no-eps-in-sqrt", {"eps": 0.5, "eps_in_sqrt": False}),
        ("--initial 3", {"initial": 3.0}),
        ("--optimizer adagrad --initial 3", {"optimizer": "adagrad", "initial": 3.0}),
        ("--start -2.5", {"start": -2.5}),
        ("--steps 7", {"steps": 7}),
        ("--function x**2 --steps 2", {"function": "square", "steps": 2}),
        ("--function valley", {"function": "valley"}),
        ("--function valley --start 2 -1", {"function": "valley", "start": [2.0, -1.0]}),
        ("--function valley --start -2e-1 -.5", {"function": "valley", "start": [-0.2, -0.5]}),
        (
            "--function rosenbrock --steps 30",
            {"function": "rosenbrock", "steps": 30},
        ),
        ("--function valley --optimizer sgd", {"function": "valley", "optimizer": "sgd"}),
        ("--function two-weights", {"function": "two-weights"}),
    ],
)
def test_options_reach_the_steps(printed, words, arguments):
    """Each option changes the printed numbers to those of a loop written out."""
    rows = table_cells(printed(*words.split()))
    optimizer = arguments.get("optimizer", "rmsprop")
    function = arguments.get("function", "square")
    settings = {
        "decay": 0.9,
        "eps": 1e-7 if optimizer == "adagrad" else 1e-8,
        "eps_in_sqrt": True,
        "initial": 0.0,
        "learning_rate": FUNCTIONS[function].learning_rates.get(optimizer, 0.1),
        "steps": 30,
        "start": FUNCTIONS[function].start,
    } | {k: v for k, v in arguments.items() if k != "function"}
    settings["start"] = np.atleast_1d(settings["start"])
    x, g, v, rate, update = loop(GRADIENTS[function], **({"optimizer": optimizer} | settings))
    count = x.shape[1]
    assert len(rows) == (settings["steps"] + 1) * count
    # The first steps, before a path that bounces off the walls tells roundings apart.
    for row, cells in enumerate(rows[: 2 * count]):
        at = step, i = divmod(row, count)
        before = settings["start"][i] if step == 0 else x[step - 1, i]
        assert float(cells[1 + (count > 1)]) == pytest.approx(before, rel=5.01e-4, abs=5.01e-5)
        numbers = (g[at], *([] if optimizer == "sgd" else [v[at]]), rate[at], update[at])
        for cell, number in zip(cells[-len(numbers) :], numbers, strict=True):
            # Printed with four decimals or four digits, hence half a unit of either.
            assert float(cell) == pytest.approx(number, rel=5.01e-4, abs=5.01e-5)


def test_several_optimizers_each_take_the_options_that_they_have(printed):
    words = "--optimizer sgd,adagrad,rmsprop --steps 1 --learning-rate 0.5 --decay 0.5 --initial 36"
    rows = table_cells(printed(*words.split()))
    assert [row[1] for row in rows[:3]] == ["sgd", "adagrad", "rmsprop"]
    assert [row[5] for row in rows[:3]] == ["", "100.00", "50.0000"]
    # 0.5 * 8, 0.5 * 8 / sqrt(36 + 64), 0.5 * 8 / sqrt(0.5 * 36 + 0.5 * 64)
    assert [row[7] for row in rows[:3]] == ["4.0000", "0.4000", "0.5657"]


def test_every_reaches_the_table(printed):
    assert [row[0] for row in table_cells(printed("--every", 20))] == ["0", "20", "30"]


def test_condition_reaches_the_steps(printed):
    rows = table_cells(printed("--function", "valley", "--condition", 7, "--steps", 1))
    assert rows[1][4] == "7.0000"


def test_every_option_is_explained():
    parser = argparse.ArgumentParser()
    steps.add_arguments(parser)
    for action in parser._actions:
        assert action.help
        if action.dest != "help":
            assert "(default: " in action.help
    help_text = " ".join(parser.format_help().split())
    for default in (
        "(default: 0.1; valley sgd 0.019, adagrad 0.5; rosenbrock sgd 0.002, adagrad 1, rmsprop",
        "(default: 30; rosenbrock 1000)",
        "(default: 0.9)",
        "adagrad 1e-07",
        "rosenbrock -1.2 1",
    ):
        assert default in help_text


@pytest.mark.parametrize("checked", [module, functions, sentences, table, picture, steps])
def test_module_imports_no_extra_outside_of_functions(checked):
    """So that a missing extra is one sentence, and `rmsprop --help` is quick."""
    tree = ast.parse(inspect.getsource(checked))
    names = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    assert names
    assert not {name.split(".")[0] for name in names} & {"rich", "matplotlib", "xarray", "scipy"}


def test_picture_replaces_an_earlier_one_and_leaves_nothing_else(printed, tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(b"earlier")
    out = printed("--steps", 2, "--plot", file)
    assert out.rstrip().endswith(f"The picture is in {file}")
    assert file.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--optimizer sgd --decay 0.9", r"decay is 0.9, but the optimizer sgd has no decay"),
        ("--optimizer adagrad --decay 0.9", r"no decay.*choose the optimizer rmsprop\."),
        ("--optimizer sgd --eps 0", r"eps is 0.*choose the optimizer rmsprop or adagrad\."),
        ("--optimizer sgd --eps-in-sqrt", r"eps_in_sqrt is True, but"),
        ("--optimizer sgd --no-eps-in-sqrt", r"eps_in_sqrt is False, but"),
        ("--optimizer sgd --initial 0", r"initial is 0.*has no initial"),
        ("--condition 10", r"condition is 10, but the function square.*the function valley\."),
        ("--condition 10 --function x**2", r"the function square has no condition"),
        ("--condition 10 --function rosenbrock", r"the function rosenbrock has no condition"),
        ("--condition 0.5 --function valley", r"condition is 0.5; it must be .*at least 1"),
        ("--condition nan --function valley", r"condition is nan; it must be"),
        ("--condition inf --function valley", r"condition is inf; it must be"),
        ("--start 1 2", r"start is \[1.0, 2.0\]; x\*\*2 needs 1 number, for x\."),
        ("--start 1 --function valley", r"needs 2 numbers, for x1 and x2\."),
        ("--start nan", r"start is \[nan\]; it must be a finite number"),
        ("--start 1 inf --function valley", r"start is \[1.0, inf\]; it must be a finite"),
        ("--steps 0", r"steps is 0; it must be at least 1"),
        ("--every 0", r"every is 0; it must be at least 1, which shows all steps"),
        ("--optimizer sgd,adagrad --decay 0.9", r"decay is 0.9, but .* no decay"),
        ("--learning-rate -0.1", r"learning_rate is -0.1; it must be .* at least 0"),
        ("--learning-rate inf", r"learning_rate is inf; it must be"),
        ("--learning-rate nan", r"learning_rate is nan; it must be"),
        ("--decay 1", r"decay is 1.0; it must be .* below 1"),
        ("--decay -0.1", r"decay is -0.1; it must be"),
        ("--eps -1", r"eps is -1.0; it must be"),
        ("--eps -1 --optimizer adagrad", r"eps is -1.0; it must be"),
        ("--initial -1", r"initial is -1; it must be .*at least 0"),
        ("--initial nan --optimizer adagrad", r"initial is nan; it must be"),
    ],
)
def test_refusal_of_settings(printed, capsys, words, message):
    with pytest.raises(ValueError, match=message) as caught:
        printed(*words.split())
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        "--optimizer adam",
        "--optimizer sgd,adam",
        "--optimizer sgd,sgd",
        "--optimizer sgd,",
        "--function cube",
        "--steps 1.5",
    ],
)
def test_refusal_by_the_parser(printed, capsys, words):
    with pytest.raises(SystemExit) as caught:
        printed(*words.split())
    assert caught.value.code == 2
    assert words.split()[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("picture.gif", r"picture\.gif; it must end in \.png, \.svg or \.pdf"),
        ("picture", r"it must end in"),
        ("missing/picture.png", r"the folder \S*missing does not exist\. Make it first"),
        ("folder.png", r"folder\.png; that is a folder"),
        ("file/picture.png", r"does not exist"),
    ],
)
def test_refusal_of_a_file_before_anything_is_computed(
    printed, tmp_path, monkeypatch, name, message
):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(steps, "minimise", lambda *_, **__: pytest.fail("computed"))
    with pytest.raises(ValueError, match=message):
        printed("--plot", tmp_path / name)


def test_refusal_of_a_folder_that_cannot_be_written_to(printed, tmp_path, monkeypatch):
    monkeypatch.setattr(picture.os, "access", lambda *_: False)
    with pytest.raises(ValueError, match="cannot be written to"):
        printed("--plot", tmp_path / "picture.png")


@pytest.mark.parametrize("words", [["--decay", "2"], ["--plot", "picture.gif"]])
def test_refusal_is_one_line_and_an_exit_code_on_the_command_line(capsys, words):
    assert main(["steps", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"rmsprop: error: [^\n]*\n", err)


def test_refusal_of_a_missing_package_is_one_line_on_the_command_line(
    capsys, monkeypatch, tmp_path
):
    package, words = "matplotlib", ["--plot", "picture.png"]
    monkeypatch.chdir(tmp_path)
    for loaded in [*sys.modules]:
        if loaded.split(".")[0] == package:
            monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["steps", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"rmsprop: error: .*{package}.*\.\[study\].*\n", err)
    assert not [*tmp_path.iterdir()]
