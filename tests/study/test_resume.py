"""A study that is killed goes on where it was, and ends with the same numbers, bit for bit."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import rmsprop
from rmsprop.commands import command_line
from rmsprop.study import atomic, compare, folder
from rmsprop.study.comparison import Comparison
from rmsprop.study.running import progress
from tiny_problem import tiny

pytestmark = pytest.mark.optimized("several runs have to give the same bits")
TESTS = Path(__file__).parents[1]
VOLATILE = ["seconds_per_run", "compile_seconds"]
WORDS = (
    "compare",
    "--problem",
    "tiny_problem:slow",
    "--seeds",
    "4",
    "--tuning-seeds",
    "2",
    "--schedules",
    "constant",
    "--no-references",
    "--quiet",
)


def _command(out, cache):
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "RMSPROP_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-m", "rmsprop", *WORDS, "--out", str(out)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=out.parent,
    )


def _finished(out, cache):
    process = _command(out, cache)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return Comparison.load(out).task("slow").drop_vars(VOLATILE)


def _chunks(out):
    return {f.name: f.read_bytes() for f in (out / folder.RUNS).glob("*.chunk")}


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(tmp_path):
    """Killed four times, at a random moment of each of the first four fifths of its chunks."""
    cache = tmp_path / "cache"
    whole = _finished(tmp_path / "whole", cache)
    count = len(_chunks(tmp_path / "whole"))
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    out = tmp_path / "killed"
    kills = 0
    for part in range(4):
        until = count * (part + draw.random()) / 5
        before = len(_chunks(out)) if out.exists() else 0
        process = _command(out, cache)
        while process.poll() is None and len(list((out / folder.RUNS).glob("*.chunk"))) < until:
            time.sleep(0.002)
        time.sleep(draw.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:  # this test got no processor while a fifth of the chunks ended
            break
        kills += 1
        assert len(_chunks(out)) >= before  # nothing that has ended is lost
    assert kills >= 3
    assert _finished(out, cache).identical(whole)
    # Each of its runs was made once: a study that was never killed keeps just as many.
    assert _chunks(out).keys() == _chunks(tmp_path / "whole").keys()


@pytest.mark.slow
def test_ctrl_c_is_said_and_the_same_command_goes_on(tmp_path):
    """Interrupted as soon as some runs have ended: no page, no half file, and nothing lost."""
    out, cache = tmp_path / "report", tmp_path / "cache"
    process = _command(out, cache)
    while process.poll() is None and not _chunks(out):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == command_line.INTERRUPTED
    assert "the same command goes on from here" in " ".join(errors.split())
    assert "Traceback" not in errors
    kept = _chunks(out)
    assert {f.name for f in out.iterdir()} == {folder.DEFINITION, folder.RUNS}
    assert _finished(out, cache).sizes["seed"] == 4
    assert kept.items() <= _chunks(out).items()


def _study(where, **changes):
    call = {"seeds": 3, "tuning_seeds": 2, "folder": where, "schedules": "constant", **changes}
    return compare(tiny(), {"rmsprop": rmsprop.rmsprop}, **call)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that has ended, and its folder, which is not to be changed."""
    where = tmp_path_factory.mktemp("finished")
    return _study(where), where


@pytest.fixture
def first(finished, tmp_path):
    """A study that has ended; a copy of its folder is the test's own."""
    result, where = finished
    shutil.copytree(where, tmp_path, dirs_exist_ok=True)
    return result


def test_a_finished_study_runs_nothing_again(first, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "rmsprop.study.running.engine.Engine.compile", lambda self: pytest.fail("it was compiled")
    )
    assert _study(tmp_path).task("tiny").identical(first.task("tiny"))  # times too


def test_a_damaged_chunk_is_run_again_and_said(first, tmp_path):
    damaged = sorted((tmp_path / folder.RUNS).glob("*.chunk"), key=lambda f: f.stat().st_size)[-1]
    damaged.write_bytes(damaged.read_bytes()[:-5])
    shown = _Recorder()
    again = _study(tmp_path, progress=shown)
    drop = lambda result: result.task("tiny").drop_vars(VOLATILE)  # noqa: E731
    assert drop(again).identical(drop(first))
    assert len(shown.said) == 1
    assert re.fullmatch(rf"{damaged} was damaged and has been made again\.", shown.said[0])


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_a_damaged_record_of_the_compilation_is_made_again_once(tmp_path):
    """Otherwise every resume would compile again, and end with another time."""
    records = [
        file for file in (tmp_path / folder.RUNS).iterdir() if file.name.startswith("compiled-")
    ]
    assert len(records) == 2
    for record in records:  # of the optimizer, and of the defaults that are shipped
        record.write_bytes(record.read_bytes()[:-5])
    mended, later = _study(tmp_path), _study(tmp_path)
    seconds = mended.task("tiny")["compile_seconds"]
    assert seconds.identical(later.task("tiny")["compile_seconds"])


class _Recorder(progress.Silent):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.mark.usefixtures("first")
def test_other_settings_are_refused_before_anything_runs(tmp_path):
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    with pytest.raises(
        ValueError,
        match=r"holds a study with other settings: the number of seeds \(--seeds\): 3 there, 2 now",
    ):
        _study(tmp_path, seeds=2)
    with pytest.raises(ValueError, match=r"steps of a run .* task tiny: 20 there, 30 now.*--out"):
        _study(tmp_path, steps=30)
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before


@pytest.mark.slow
def test_a_loss_that_has_changed_is_run_again(first, tmp_path):
    """The settings are the same, the program is another: nothing of the old one is taken."""
    steep = tiny(loss=lambda p, noise: 3.0 * np.float32(0.5) * ((p - noise) ** 2).sum())
    call = {"seeds": 3, "tuning_seeds": 2, "folder": tmp_path, "schedules": "constant"}
    again = compare(steep, {"rmsprop": rmsprop.rmsprop}, **call)
    assert (again.task("tiny")["loss"].values != first.task("tiny")["loss"].values).all()


@pytest.mark.slow
def test_a_disk_that_is_full_is_one_sentence_and_what_has_ended_is_kept(tmp_path):
    """A limit on the size of files, as the system sets it: writing fails as on a full disk."""
    out = tmp_path / "report"
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from rmsprop.commands import command_line\n"
        "sys.exit(command_line.main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "RMSPROP_CACHE": str(tmp_path / "cache")}
    environment["JAX_COMPILATION_CACHE_DIR"] = ""
    done = subprocess.run(
        [sys.executable, "-c", code, *WORDS, "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    assert re.search(
        r"rmsprop: error: .*cannot be written to: a file would be larger than is allowed there",
        done.stderr,
    )
    assert "Traceback" not in done.stderr
    assert not list(out.rglob(f"{atomic.UNFINISHED}*"))
    assert _finished(out, tmp_path / "cache").sizes["seed"] == 4
