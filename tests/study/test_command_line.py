"""The command `rmsprop compare`: its words, what it writes, and what it refuses."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny import tiny

from rmsprop.study import command_line, problems
from rmsprop.study.results import Comparison


@pytest.fixture(autouse=True)
def tiny_task(monkeypatch):
    """A task that takes a second, beside the real ones; compiled programs stay in memory."""
    monkeypatch.setitem(problems.TASKS, "tiny", tiny)
    monkeypatch.setattr(command_line, "_keep_compiled_programs", lambda: None)


def _compare(folder, *words):
    return command_line.main(["compare", "--tasks", "tiny", "--out", str(folder), *words])


def test_the_whole_command(tmp_path, capsys):
    out = tmp_path / "report"
    assert _compare(out, "--seeds", "3", "--steps", "15") == 0
    printed = capsys.readouterr()
    assert "RMSprop" in printed.out
    assert "AdaGrad" in printed.out
    assert str(out / "index.html") in printed.out.replace("\n", "")
    assert all(len(line.rstrip()) <= 80 for line in printed.out.splitlines()[:-1])
    page = (out / "index.html").read_text()
    assert "<svg" in page or "data:image" in page
    assert not re.search(r'(src|href)="https?://', page.replace('href="https://doi', ""))
    assert list(out.glob("**/*.png"))
    loaded = Comparison.load(out)
    assert loaded.tasks == ("tiny",)
    assert loaded.task("tiny").sizes["seed"] == 3
    assert loaded.task("tiny").sizes["step"] == 15
    assert "--seeds 3" in loaded.tree.attrs["command"]


def test_the_same_command_gives_the_same_numbers(tmp_path):
    for name in ("one", "two"):
        assert _compare(tmp_path / name, "--seeds", "2", "--quiet") == 0
    one, two = (Comparison.load(tmp_path / name).task("tiny") for name in ("one", "two"))
    volatile = ["seconds_per_run", "compile_seconds"]
    assert one.drop_vars(volatile).identical(two.drop_vars(volatile))


def test_quiet_prints_nothing(tmp_path, capsys):
    assert _compare(tmp_path / "report", "--seeds", "2", "--quiet") == 0
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_any_factory_can_be_named(tmp_path):
    words = ["--optimizer", "rmsprop", "--optimizer", "mine=optax:adam", "--seeds", "2", "--quiet"]
    assert _compare(tmp_path / "report", *words) == 0
    task = Comparison.load(tmp_path / "report").task("tiny")
    assert list(task["optimizer"].values) == ["rmsprop", "mine"]
    assert np.isfinite(task["one_minus_b2"].sel(optimizer="mine")).any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tasks", "digit"], r"'digit' is unknown; .*digits"),
        (["--optimizer", "rmsprob"], r"optimizer 'rmsprob' is unknown; name rmsprop, adagrad"),
        (["--seeds", "1"], r"seeds is 1; it must be at least 2"),
        (["--steps", "3"], r"steps is 3; it must be at least 10"),
        (["--tasks", "tiny,tiny"], r"task tiny is named twice"),
    ],
)
def test_wrong_words_are_one_sentence(tmp_path, capsys, words, sentence):
    out = tmp_path / "report"
    assert _compare(out, *words) == command_line.WRONG_USE
    printed = capsys.readouterr()
    assert re.fullmatch(rf"rmsprop: error: .*{sentence}.*\n", printed.err)
    assert not out.exists()


def test_an_output_path_that_is_a_file(tmp_path, capsys):
    file = tmp_path / "report"
    file.write_text("precious")
    assert _compare(file) == command_line.WRONG_USE
    assert re.fullmatch(r"rmsprop: error: .*is a file.*\n", capsys.readouterr().err)
    assert file.read_text() == "precious"


def test_a_missing_extra_is_one_sentence(tmp_path):
    """As it is after `pip install .` alone: no module of the extra can be imported."""
    code = (
        "import sys\n"
        "for name in ('rich', 'xarray', 'matplotlib', 'scipy.stats', 'h5netcdf', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from rmsprop.study import command_line\n"
        "sys.exit(command_line.main(sys.argv[1:]))"
    )
    for command in (["compare", "--out", str(tmp_path / "report")], ["steps"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == command_line.WRONG_USE
        assert re.fullmatch(r"rmsprop: error: .*pip install 'rmsprop\[study\]'.*\n", done.stderr)
    assert not (tmp_path / "report").exists()


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["compare", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--tasks", "--optimizer", "--seeds", "--steps", "--out", "--quiet"):
        assert option in printed
    assert printed.count("default:") == 6


@pytest.mark.parametrize("delay", [2.0, 6.0])
def test_ctrl_c_leaves_an_earlier_report_whole(tmp_path, delay):
    out = tmp_path / "report"
    assert _compare(out, "--seeds", "2", "--quiet") == 0
    before = {f: f.read_bytes() for f in out.rglob("*") if f.is_file()}
    words = ["compare", "--tasks", "digits", "--out", str(out), "--steps", "2000"]
    with subprocess.Popen(
        [sys.executable, "-m", "rmsprop", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RMSPROP_CACHE": str(tmp_path / "cache")},
    ) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode in (command_line.INTERRUPTED, -signal.SIGINT)
    if process.returncode == command_line.INTERRUPTED:
        assert "interrupted" in errors
    assert {f: f.read_bytes() for f in out.rglob("*") if f.is_file()} == before
    assert [f.name for f in tmp_path.iterdir() if f.name not in ("report", "cache")] == []


def test_names_and_folders_are_no_markup(tmp_path, capsys):
    out = tmp_path / "o[a]"
    assert _compare(out, "--seeds", "2", "--optimizer", "a[/b]=optax:sgd") == 0
    assert "o[a]" in capsys.readouterr().out.replace("\n", "")


def test_an_optimizer_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "my_own_optimizer.py").write_text(
        "import optax\ndef make(learning_rate):\n    return optax.sgd(learning_rate)\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["--optimizer", "mine=my_own_optimizer:make", "--seeds", "2", "--quiet"]
    assert _compare(tmp_path / "report", *words) == 0


def test_a_pipe_that_closes_early_is_no_error():
    code = "import sys; from rmsprop.study import command_line; sys.exit(command_line.main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, "steps", "--steps", "3000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 0
    assert errors == ""
