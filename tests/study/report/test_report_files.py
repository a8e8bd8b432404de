"""The folder of a report, which survives interruptions and overwrites nothing of others."""

import csv
import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from small_comparisons import GRIDS, KINDS, small_task

import synthetic_results as synthetic
from rmsprop.study import atomic
from rmsprop.study.comparison import Comparison
from rmsprop.study.folder import StudyFolder
from rmsprop.study.report import files, plots

CONTENT = ["differences.csv", "figures", "index.html", "results.csv", "results.nc"]


def test_the_folder_holds_page_figures_and_numbers(folder, comparison):
    assert sorted(entry.name for entry in folder.iterdir()) == CONTENT
    names = [entry.name for entry in (folder / "figures").iterdir()]
    expected = [f"{task}-{kind}.png" for task in ("evil", "valley") for kind in KINDS]
    expected += ["valley-path.png", "differences.png", "memory.png", "profile.png"]
    assert sorted(names) == sorted(expected)
    for name in names:
        assert (folder / "figures" / name).read_bytes()[:4] == b"\x89PNG"
    assert Comparison.load(folder).tree.identical(comparison.tree)


def test_the_csv_files_have_every_difference_and_every_result(folder, comparison):
    def lines(name):
        with open(folder / name, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    differences = lines("differences.csv")
    assert [float(line["estimate"]) for line in differences] == [
        row.estimate for row in comparison.differences()
    ]
    assert [line["verdict"] for line in differences] == [
        row.verdict for row in comparison.differences()
    ]
    results = lines("results.csv")
    assert len(results) == sum(
        len(comparison.summary(task, setting=setting))
        for task in comparison.tasks
        for setting in comparison.settings(task)
    )
    (row,) = (row for row in comparison.summary("valley") if row.optimizer == "adagrad")
    (line,) = (
        line
        for line in results
        if (line["task"], line["optimizer"], line["setting"]) == ("valley", "adagrad", "tuned")
    )
    assert float(line["metric"]) == row.metric.value
    assert float(line["final_loss_high"]) == row.final_loss.high
    assert json.loads(line["hyperparameters"]) == row.hyperparameters


def test_one_optimizer_can_be_reported(tmp_path, plain):
    alone = synthetic.task({"adagrad": GRIDS["adagrad"]}, steps=10)
    page = files.write(Comparison.of({"t": alone}, synthetic.ROOT), tmp_path)
    assert "AdaGrad measured" in page.read_text(encoding="utf-8")
    assert sorted(entry.name for entry in (tmp_path / "figures").iterdir()) == [
        "memory.png",
        *(f"t-{kind}.png" for kind in sorted({*KINDS} - {"heat-rmsprop"})),
    ]


def test_optimizers_whose_names_are_no_file_names_keep_their_figures(tmp_path, plain):
    grids = dict.fromkeys(["../a", "/ a", "./a"], GRIDS["rmsprop"])
    files.write(Comparison.of({"t": synthetic.task(grids, steps=10)}, synthetic.ROOT), tmp_path)
    heats = sorted(entry.name for entry in (tmp_path / "figures").glob("*heat*"))
    assert heats == ["t-heat--a-1.png", "t-heat-.-a-2.png", "t-heat-..-a-0.png"]
    assert not list(tmp_path.parent.glob("*.png"))


def test_a_new_report_replaces_the_earlier_one_and_nothing_else(
    comparison, other_comparison, tmp_path, plain
):
    files.write(comparison, tmp_path)
    for name in ("notes.txt", "figures/mine.png"):
        (tmp_path / name).write_text("mine")
    files.write(other_comparison, tmp_path)
    figures = sorted(entry.name for entry in (tmp_path / "figures").iterdir())
    ours = [f"other-{kind}.png" for kind in KINDS]
    assert figures == sorted(["differences.png", "memory.png", "mine.png", *ours])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert Comparison.load(tmp_path).tasks == ("other",)


def test_a_report_that_cannot_be_written_names_the_folder(
    comparison, earlier, small_files, monkeypatch
):
    """Wherever the disk is full: at a picture, the page or the numbers."""
    before = _state(earlier)
    for limit in (2, 1000, 20_000):
        with (
            small_files(limit),
            pytest.raises(atomic.WriteError, match=f"^the folder {earlier} cannot be"),
        ):
            files.write(comparison, earlier)
        assert _state(earlier) == before

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(atomic.WriteError, match=r"there is no room left; free some\.$"):
        files.write(comparison, earlier)
    assert _state(earlier) == before


def _state(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError("No space left on device")])
@pytest.mark.parametrize("where", ["loss_curves", "path"])
def test_an_interruption_while_drawing_changes_nothing(
    failure, where, comparison, earlier, monkeypatch
):
    before = _state(earlier)

    def fails(*_):
        raise failure

    monkeypatch.setattr(plots, where, fails)
    with pytest.raises(failure if isinstance(failure, type) else type(failure)):
        files.write(comparison, earlier)
    assert _state(earlier) == before
    assert sorted(entry.name for entry in earlier.iterdir()) == CONTENT


KILLED = """
import os, pathlib, signal, sys
import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files, plots
from rmsprop.study.report.plots import export

for name in plots.__all__:
    setattr(plots, name, lambda *_: None)
export.png, export.svg = lambda figure: b"PNG", lambda figure: "<svg></svg>"
one, two = (
    Comparison.of({name: synthetic.task(steps=10)}, synthetic.ROOT) for name in ("one", "two")
)
one.summary(), two.summary()  # computed here, so that the child has them
replace, done = os.replace, 0

def killed(source, target):
    global done
    if done == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1
    replace(source, target)

for case in sys.argv[1:]:
    folder, number, earlier = case.split(":")
    if earlier == "True":
        files.write(one, folder)
    child = os.fork()
    if child == 0:
        os.replace = killed
        files.write(two, folder)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    page = pathlib.Path(folder, "index.html")
    text = page.read_text() if page.exists() else ""
    assert ("task-one" in text, "task-two" in text) == (earlier == "True", False), case
    assert text.endswith("</html>\\n") or earlier == "False", case
    files.write(two, folder)  # what is left behind does not stop a later report
    assert "task-two" in page.read_text(), case
    assert not pathlib.Path(folder, "figures", "one-loss.png").exists(), case
    print(case)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process that is then killed")
def test_killed_at_any_move_the_earlier_page_is_whole(tmp_path):
    """kill -9: 0 is the saving of the numbers, 1 to 12 the moves, the last of them the page's."""
    cases = [
        f"{tmp_path / f'{number}{earlier}'}:{number}:{earlier}"
        for number, earlier in ((0, True), (1, True), (12, True), (0, False), (3, False))
    ]
    paths = os.pathsep.join([*filter(None, sys.path), str(pathlib.Path(__file__).parent)])
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *cases],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == cases


def test_ctrl_c_during_the_moves_waits_for_them(comparison, folder, earlier, monkeypatch):
    content = (folder / "results.nc").read_bytes()

    def save(self, folder):
        """Without an `os.replace` of its own."""
        (folder / "results.nc").write_bytes(content)
        return folder / "results.nc"

    replace, moved = os.replace, []

    def interrupted(source, target):
        if not moved:
            signal.raise_signal(signal.SIGINT)
        moved.append(pathlib.Path(target).name)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(Comparison, "save", save)
        with pytest.raises(KeyboardInterrupt):
            files.write(comparison, earlier)
    finally:
        after = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)
    assert after is signal.default_int_handler, "Ctrl-C works as before"
    assert moved[-1] == "index.html"
    assert Comparison.load(earlier).tasks == ("valley", "evil")
    assert "task-evil" in (earlier / "index.html").read_text(encoding="utf-8")


def test_a_report_can_be_written_in_any_thread(other_comparison, tmp_path, plain):
    thread = threading.Thread(target=files.write, args=(other_comparison, tmp_path))
    thread.start()
    thread.join()
    assert (tmp_path / "index.html").is_file()


def test_prepare_takes_new_empty_and_earlier_folders(other_comparison, tmp_path, plain):
    new = tmp_path / "a" / "b"
    assert files.prepare(new) == new
    assert not new.exists(), "nothing is made before there is something to keep"
    assert files.prepare(str(tmp_path)) == tmp_path
    files.write(other_comparison, tmp_path)
    assert files.prepare(tmp_path) == tmp_path
    assert files.prepare(pathlib.Path(os.path.relpath(tmp_path / "c"))).name == "c"


def test_results_alone_are_a_report_that_is_written_where_they_lie(other_comparison, tmp_path):
    other_comparison.save(tmp_path)
    assert files.prepare(tmp_path, tmp_path) == tmp_path
    assert files.prepare(tmp_path, os.path.relpath(tmp_path)) == tmp_path
    words = r"such as results\.nc; name a new or empty folder with --out"
    for source in (None, tmp_path.parent):
        with pytest.raises(ValueError, match=words):
            files.prepare(tmp_path, source)
    (tmp_path / "index.html").write_text("a stranger's page")
    with pytest.raises(ValueError, match=r"such as index\.html; name a new"):
        files.prepare(tmp_path, tmp_path)


def test_prepare_refuses_what_would_overwrite_something(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="file is a file, but the report needs a folder; name"):
        files.prepare(tmp_path / "file")
    with pytest.raises(ValueError, match="file is a file"):
        files.prepare(tmp_path / "file" / "below")
    strange = tmp_path / "site"
    strange.mkdir()
    (strange / "index.html").write_text("<h1>My own page</h1>")
    with pytest.raises(ValueError, match=r"no report of rmsprop, such as index\.html; name a new"):
        files.prepare(strange)
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.write(Comparison.of({"t": small_task()}, synthetic.ROOT), strange)
    assert [entry.name for entry in strange.iterdir()] == ["index.html"]
    assert (strange / "index.html").read_text() == "<h1>My own page</h1>"
    (strange / "index.html").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.prepare(strange)


def test_prepare_refuses_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refuses(**_):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuses)
    with pytest.raises(ValueError, match=r"cannot be written to: permission is denied; change"):
        files.prepare(tmp_path / "new")
    with pytest.raises(ValueError, match=r"cannot be written to: a name is too long; name another"):
        files.prepare(tmp_path / ("x" * 1000))


def test_a_foreign_page_is_not_overwritten_where_a_killed_run_left_something(tmp_path):
    (tmp_path / "index.html").write_text("a stranger's page")
    (tmp_path / ".rmsprop-left").mkdir()
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.prepare(tmp_path)


def test_the_folder_of_a_study_that_was_stopped_is_ours(other_comparison, tmp_path, plain):
    study = StudyFolder(tmp_path)
    study.begin({"seeds": 8, "tasks": {}})
    study.put("a", {"x": np.zeros(2)})
    before = _state(tmp_path)
    assert files.prepare(tmp_path) == tmp_path
    files.write(other_comparison, tmp_path)
    assert before.items() <= _state(tmp_path).items(), "what has been run is kept"
    assert files.prepare(tmp_path) == tmp_path
    (tmp_path / "index.html").write_text("a stranger's page")
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.prepare(tmp_path)


@pytest.mark.parametrize("name", ["figures", "index.html", "results.nc", "runs", "study.json"])
def test_a_link_in_the_place_of_a_part_is_refused(
    other_comparison, earlier, tmp_path_factory, name
):
    """Pictures were removed from the folder that `figures` pointed to."""
    others = tmp_path_factory.mktemp("others") / name
    if (earlier / name).exists():
        (earlier / name).rename(others)
    else:
        others.mkdir()
    (earlier / name).symlink_to(others)
    before = _state(others.parent), _state(earlier)
    for call in (files.prepare, lambda folder: files.write(other_comparison, folder)):
        with pytest.raises(ValueError, match=rf"{name} is a link to {others}, .*; remove the link"):
            call(earlier)
    assert (_state(others.parent), _state(earlier)) == before
    assert (earlier / name).is_symlink()
