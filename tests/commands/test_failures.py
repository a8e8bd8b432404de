"""What the command line says where something is wrong: one form of line, for whatever finds it."""

import argparse
import os
import re
import subprocess
import sys

import pytest
from jax.errors import JaxRuntimeError

from rmsprop.commands import command_line, failures, output, steps
from rmsprop.commands.options import as_typed
from rmsprop.study.results.labelled import Results
from synthetic_results import comparison

CALLS = ("torch.rmsprop(0.1)", "keras.rmsprop(0.1)")


def error_line(capsys, *words):
    """The line that a command prints which is refused, without what all such lines begin with."""
    try:
        code = command_line.main([*words])
    except SystemExit as ended:  # of argparse
        code = ended.code
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert re.fullmatch(r"rmsprop: error: [^\n]*[.?]\n", printed.err), printed.err
    return printed.err.removeprefix("rmsprop: error: ").rstrip()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "the following arguments are required: command. See rmsprop --help."),
        (
            ("comapre",),
            r"there is no command comapre; it must be .* Did you mean compare or map\? See .*",
        ),
        (("compare", "--taks", "x"), r"there is no option --taks\. Did you mean --tasks\? See .*"),
        (("--stepz", "steps"), r"there is no option --stepz\. Did you mean --steps.*\? See .*"),
        (("steps", "square"), r"there is no argument square\. See rmsprop steps --help\."),
        (("compare", "--seeds"), r"--seeds: expected one argument\. See rmsprop compare --help\."),
        (("compare", "--seeds", "x"), r"--seeds is 'x'; it must be a whole number\. See .*"),
        (("compare", "--memory", "1K"), r"--memory is '1K'; it must be at least 1 MB, .*"),
        (("steps", "--decay", "x"), r"--decay is 'x'; it must be a number\. See .*"),
        (("steps", "--function", "sqare"), r"--function is 'sqare'; .* Did you mean square\? .*"),
        (("steps", "--optimizer", "adam"), r"--optimizer is 'adam'; it must be one of rmsprop,.*"),
        (("steps", "--learning-rate", "-1"), r"--learning-rate is -1; it must be a finite .*"),
        (("steps", "--optimizer", "sgd", "--no-eps-in-sqrt"), r"--no-eps-in-sqrt is given, but .*"),
        (("conventions", *CALLS, "--steps", "x"), r"--steps is 'x'; it must be numbers of steps.*"),
        (("conventions", *CALLS, "--scale", "0"), r"--scale is 0\.0; it must be .*"),
        (("conventions", *CALLS, "--gradients", "nowhere.npy"), r"--gradients is nowhere\.npy; .*"),
    ],
)
def test_every_error_has_one_form_and_names_the_option_as_typed(capsys, words, sentence):
    assert re.fullmatch(sentence, error_line(capsys, *words))


@pytest.mark.parametrize("command", ["compare", "report", "steps", "explore", "conventions"])
def test_no_option_of_a_command_is_left_out_of_its_names(command):
    _, commands = command_line._parser()
    options = commands[command].options
    assert options.pop("help") == "--help"
    assert all(option == f"--{name.replace('_', '-')}" for name, option in options.items())
    assert options


def test_words_of_the_language_stay():
    given = argparse.Namespace(options={"steps": "--steps", "first_seed": "--first-seed"})
    sentence = "first_seed is 2; the steps of a run, problem.first_seed and first_seed=2 stay."
    expected = "--first-seed is 2; the steps of a run, problem.first_seed and first_seed=2 stay."
    assert as_typed(sentence, given) == expected


@pytest.mark.parametrize("words", [("steps",), ("conventions", *CALLS)])
def test_more_steps_than_fit_into_memory_are_refused_before_the_first(capsys, monkeypatch, words):
    monkeypatch.setattr(steps, "minimise", lambda *_, **__: pytest.fail("ran"))
    line = error_line(capsys, *words, "--steps", "1000000000000")
    assert re.fullmatch(
        r"--steps is 1,000,000,000,000; it must be at most [\d,]+ here, .* about [\d,]+ TB .*", line
    )


def test_the_memory_of_a_picture_is_counted(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("rmsprop.commands.options.available_memory", lambda: 88 * 1000)
    assert command_line.main(["steps", "--steps", "1000"]) == 0
    capsys.readouterr()
    picture = ("--plot", str(tmp_path / "steps.png"))
    assert "at most 333 here" in error_line(capsys, "steps", "--steps", "334", *picture)
    assert "at most 1,000 here" in error_line(capsys, "steps", "--steps", "1001")


NOWHERE = FileNotFoundError(2, os.strerror(2), "/data/digits.csv")
FULL = OSError(28, os.strerror(28))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NOWHERE, "/data/digits.csv cannot be read or written: it does not exist; .* its name."),
        (FULL, "out cannot be read or written: there is no room left; free some."),
        (OSError(28, os.strerror(28), "x.png"), "x.png cannot be .* no room left; free some."),
        (PermissionError(13, os.strerror(13), b"x"), "x cannot be .*: permission is denied; .*"),
        (IsADirectoryError(21, os.strerror(21), "x"), "x cannot be .*: a folder stands where .*"),
        (OSError(40, os.strerror(40), "x"), "x cannot be .*: its links lead in a circle; .*"),
        (OSError(74, os.strerror(74), "x"), "x cannot be .*: the system says 'Bad message'; .*"),
        (OSError(28, "the folder x is full; free some."), "the folder x is full; free some."),
        (OSError("a sentence of ours."), "a sentence of ours."),
        (MemoryError("Unable to allocate 8 TiB"), "there is not enough memory .*8 TiB.*"),
        (MemoryError(), r"there is not enough memory \(MemoryError\)\. Ask for less, .*"),
        (
            JaxRuntimeError("RESOURCE_EXHAUSTED: Out.\nmore"),
            r"there .* \(RESOURCE_EXHAUSTED: Out\)\..*",
        ),
        (JaxRuntimeError("INTERNAL: bug"), r"JAX cannot run this: INTERNAL: bug\. RMSPROP_TRACE.*"),
    ],
)
def test_texts_of_the_system_become_sentences(error, sentence):
    given = argparse.Namespace(options={}, out="out")
    assert re.fullmatch(sentence, failures.sentence_of(error, given))


@pytest.mark.parametrize("error", [MemoryError("8 TiB"), JaxRuntimeError("INTERNAL: bug"), NOWHERE])
def test_no_error_of_the_system_is_a_traceback(capsys, monkeypatch, error):
    def failing(*_, **__):
        raise error

    monkeypatch.setattr(steps, "minimise", failing)
    assert error_line(capsys, "steps")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("steps",), marks=pytest.mark.slow),
        pytest.param(("--help",), marks=pytest.mark.slow),
        pytest.param(("conventions", *CALLS), marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_behind_the_output_is_one_sentence(words):
    code = "import sys; from rmsprop.commands import command_line; sys.exit(command_line.main())"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": ""},  # argparse drops an error while it writes
        )
    assert done.returncode == 2
    assert re.fullmatch(
        r"rmsprop: error: the standard output cannot be .* no room left; .*\n", done.stderr
    )


@pytest.fixture
def results(tmp_path):
    """A folder with results."""
    folder = tmp_path / "results"
    Results(comparison().tree).save(folder)
    return folder


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("closed", ["out", pytest.param("err", marks=pytest.mark.slow)])
def test_a_pipe_that_closes_before_a_table_of_rich_is_no_error(results, monkeypatch, closed):
    """`rmsprop compare | head -1`: rich would end the program with 1."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, f"std{closed}", pipe)
        if closed == "out":
            assert command_line.main(["report", str(results), "--out", f"{results}-again"]) == 0
        else:
            shown = output.console(stderr=True)
            shown.print("About 100 runs")
            shown.print("more")
            assert shown.quiet


def test_without_an_output_nothing_is_printed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert command_line.main(["steps", "--steps", "1"]) == 0
    sys.stdout.close()
