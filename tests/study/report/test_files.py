"""The page, the folder that survives interruptions, and the table for the terminal."""

import html.parser
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import numpy as np
import pytest
from rich.console import Console

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.folder import StudyFolder
from rmsprop.study.report import files, plots, sentences, table

GRIDS = {
    "rmsprop": {"learning_rate": [1e-2, 1e-1], "one_minus_decay": [0.3, 0.03]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}
KINDS = ("budget", "effective-rates", "heat-rmsprop", "learning-rates", "loss", "schedules")
OVERVIEW = ("differences.png", "memory.png")
EVIL = '<script>alert("\'&")</script>'


def _small(**attributes):
    return synthetic.task(GRIDS, seeds=5, steps=10, **attributes)


@pytest.fixture(scope="module")
def comparison():
    """A task with a path, one with diverged runs; every text of it tries to be HTML."""
    texts = dict.fromkeys(("title", "citation", "data_sha256", "report_label"), EVIL)
    grids = {**GRIDS, f"adam{EVIL}": GRIDS["adagrad"]}
    evil = synthetic.task(grids, seeds=5, steps=10, diverged={"adagrad": [0]}, **texts)
    root = {
        **synthetic.ROOT,
        "command": EVIL,
        "device": EVIL,
        "created": EVIL,
        "settings": json.dumps({EVIL: [EVIL]}),
        "versions": json.dumps({"rmsprop": EVIL, EVIL: EVIL}),
    }
    return Comparison.of({"valley": _small(path=True), "evil": evil}, root)


# Pictures of a task whose first optimizer has two hyper-parameters tuned.
OF_EVERY_TASK = (
    *("budget", "effective-rates", "heat-rmsprop", "learning-rates", "loss", "schedules"),
)


@pytest.fixture(scope="module")
def folder(comparison, tmp_path_factory):
    """A report."""
    made = tmp_path_factory.mktemp("report") / "deep" / "folder"
    files.write(comparison, made, {"valley": synthetic.surface})
    return made


class _Page(html.parser.HTMLParser):
    """Tags with their attributes, text, and a check that tags are closed in order."""

    EMPTY = ("meta", "link", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(folder):
    """The page, taken apart."""
    return _Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_folder_holds_page_figures_and_numbers(folder, comparison):
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "figures",
        "index.html",
        "results.nc",
    ]
    names = [entry.name for entry in (folder / "figures").iterdir()]
    expected = [f"{task}-{kind}.png" for task in ("evil", "valley") for kind in OF_EVERY_TASK]
    expected += ["valley-path.png", "differences.png", "memory.png"]
    assert sorted(names) == sorted(expected)
    for name in names:
        assert (folder / "figures" / name).read_bytes()[:4] == b"\x89PNG"
    assert Comparison.load(folder).tree.identical(comparison.tree)


def test_the_page_needs_nothing_else(page, folder):
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "object", "video")
        for name in ("src", "href"):
            target = attributes.get(name) or "data:"
            inside = target.startswith(("data:", "#"))
            assert inside or (tag == "a" and (folder / target).is_file()), target
    text = (folder / "index.html").read_text(encoding="utf-8")
    sheet = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import", sheet)
    policy = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_links_within_the_page_lead_somewhere(page):
    targets = {attributes.get("id") for _, attributes in page.tags}
    links = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert {"task-valley", "task-evil", "answers", "numbers", "settings"} <= set(links)
    assert set(links) <= targets


def test_every_figure_is_inside_and_described(page, folder):
    images = page.all("img")
    assert len(images) == len(list((folder / "figures").iterdir()))
    for image in images:
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml"
        ElementTree.fromstring(unquote(data))
        assert len(image["alt"]) > 40
    assert any("0." in image["alt"] for image in images), "numbers are told too"
    assert any(EVIL in image["alt"] for image in images), "a quote does not end it"


def test_the_page_is_for_phones_and_for_the_dark(page, folder):
    metas = {a.get("name"): a.get("content") for a in page.all("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "@media(prefers-color-scheme:dark)" in text
    assert "@media (max-width: 46rem)" in text
    assert all(attributes.get("data-label") for attributes in page.all("td")), "heads of the list"


def test_the_answer_comes_first(page, comparison):
    text = "".join(page.text)
    places = [text.index("compared"), *(text.index(x) for x in sentences.answers(comparison))]
    # Behind them, for the contents before them name these headings too.
    for heading in ("Numbers", "How to read", "Settings and versions"):
        places.append(text.index(heading, places[-1]))
    assert places == sorted(places)


def test_everything_is_escaped_and_shown(page, folder):
    raw = (folder / "index.html").read_text(encoding="utf-8")
    assert "<script" not in raw
    text = "".join(page.text)
    # as title, citation, hash, label, edge, command, device, date, setting, version and name
    assert text.count(EVIL) > 15
    assert json.dumps([EVIL]) in text


def test_the_table_fits_80_columns(comparison):
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(table.table(comparison))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    for row in comparison.summary():
        assert str(row.metric) in text
        assert f"{row.diverged} of {row.runs}" in text
    assert "decay 0.97" in text
    assert "result [95 %]" in text
    assert "test error (share of images), lower is better" in text


def test_names_are_no_markup():
    grids = {"[red]": GRIDS["adagrad"], "b": GRIDS["adagrad"]}
    odd = Comparison.of({"t": synthetic.task(grids, steps=10, label="[bold]")}, synthetic.ROOT)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table.table(odd))
    assert "[red]" in captured.get()
    assert "[bold]" in captured.get()


def test_one_optimizer_can_be_reported(tmp_path, plain):
    alone = synthetic.task({"adagrad": GRIDS["adagrad"]}, steps=10)
    page = files.write(Comparison.of({"t": alone}, synthetic.ROOT), tmp_path)
    assert "AdaGrad measured" in page.read_text(encoding="utf-8")
    assert sorted(entry.name for entry in (tmp_path / "figures").iterdir()) == [
        "memory.png",
        *(f"t-{kind}.png" for kind in sorted({*OF_EVERY_TASK} - {"heat-rmsprop"})),
    ]


def test_optimizers_whose_names_are_no_file_names_keep_their_figures(tmp_path, plain):
    grids = dict.fromkeys(["../a", "/ a", "./a"], GRIDS["rmsprop"])
    files.write(Comparison.of({"t": synthetic.task(grids, steps=10)}, synthetic.ROOT), tmp_path)
    heats = sorted(entry.name for entry in (tmp_path / "figures").glob("*heat*"))
    assert heats == ["t-heat--a-1.png", "t-heat-.-a-2.png", "t-heat-..-a-0.png"]
    assert not list(tmp_path.parent.glob("*.png"))


@pytest.fixture(scope="module")
def other():
    """A comparison to replace the first by."""
    return Comparison.of({"other": _small()}, synthetic.ROOT)


def test_a_new_report_replaces_the_earlier_one_and_nothing_else(comparison, other, tmp_path, plain):
    files.write(comparison, tmp_path)
    for name in ("notes.txt", "figures/mine.png"):
        (tmp_path / name).write_text("mine")
    files.write(other, tmp_path)
    figures = sorted(entry.name for entry in (tmp_path / "figures").iterdir())
    ours = [f"other-{kind}.png" for kind in OF_EVERY_TASK]
    assert figures == sorted(["differences.png", "memory.png", "mine.png", *ours])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert Comparison.load(tmp_path).tasks == ("other",)


def _state(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError("No space left on device")])
@pytest.mark.parametrize("where", ["loss_curves", "path"])
def test_an_interruption_while_drawing_changes_nothing(
    failure, where, comparison, other, tmp_path, plain, monkeypatch
):
    files.write(other, tmp_path)
    before = _state(tmp_path)

    def fails(*_):
        raise failure

    monkeypatch.setattr(plots, where, fails)
    with pytest.raises(failure if isinstance(failure, type) else type(failure)):
        files.write(comparison, tmp_path)
    assert _state(tmp_path) == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "figures",
        "index.html",
        "results.nc",
    ]


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
one.summary(), two.summary()  # kept, so that the child has them
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
    """kill -9: 0 is the saving of the numbers, 1 to 10 the moves, the last of them the page's."""
    cases = [
        f"{tmp_path / f'{number}{earlier}'}:{number}:{earlier}"
        for number, earlier in ((0, True), (1, True), (10, True), (0, False), (3, False))
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


def test_ctrl_c_during_the_moves_waits_for_them(comparison, other, tmp_path, plain, monkeypatch):
    files.write(other, tmp_path)
    save = _saved_before(comparison, tmp_path)
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
            files.write(comparison, tmp_path)
    finally:
        after = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, handler)
    assert after is signal.default_int_handler, "Ctrl-C works as before"
    assert moved[-1] == "index.html"
    assert Comparison.load(tmp_path).tasks == ("valley", "evil")
    assert "task-evil" in (tmp_path / "index.html").read_text(encoding="utf-8")


def _saved_before(comparison, folder):
    """`save` without its own `os.replace`."""
    comparison.save(folder / ".rmsprop-test")
    content = (folder / ".rmsprop-test" / "results.nc").read_bytes()

    def save(self, folder):
        (folder / "results.nc").write_bytes(content)
        return folder / "results.nc"

    return save


def test_a_report_can_be_written_in_any_thread(other, tmp_path, plain):
    thread = threading.Thread(target=files.write, args=(other, tmp_path))
    thread.start()
    thread.join()
    assert (tmp_path / "index.html").is_file()


def test_prepare_takes_new_empty_and_earlier_folders(other, tmp_path, plain):
    new = tmp_path / "a" / "b"
    assert files.prepare(new) == new
    assert not new.exists(), "nothing is made before there is something to keep"
    assert files.prepare(str(tmp_path)) == tmp_path
    files.write(other, tmp_path)
    assert files.prepare(tmp_path) == tmp_path
    assert files.prepare(pathlib.Path(os.path.relpath(tmp_path / "c"))).name == "c"


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
        files.write(Comparison.of({"t": _small()}, synthetic.ROOT), strange)
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
    with pytest.raises(ValueError, match=r"cannot be written to \(Permission denied\); change"):
        files.prepare(tmp_path / "new")
    with pytest.raises(ValueError, match=r"cannot be written to \(File name too long\)"):
        files.prepare(tmp_path / ("x" * 1000))


def test_a_foreign_page_is_not_overwritten_where_a_killed_run_left_something(tmp_path):
    (tmp_path / "index.html").write_text("a stranger's page")
    (tmp_path / ".rmsprop-left").mkdir()
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.prepare(tmp_path)


def test_the_folder_of_a_study_that_was_stopped_is_ours(other, tmp_path, plain):
    study = StudyFolder(tmp_path)
    study.begin({"seeds": 8})
    study.put("a", {"x": np.zeros(2)})
    before = _state(tmp_path)
    assert files.prepare(tmp_path) == tmp_path
    files.write(other, tmp_path)
    assert before.items() <= _state(tmp_path).items(), "what has been run is kept"
    assert files.prepare(tmp_path) == tmp_path
    (tmp_path / "index.html").write_text("a stranger's page")
    with pytest.raises(ValueError, match="no report of rmsprop"):
        files.prepare(tmp_path)


def test_loaded_results_make_the_same_page(comparison, folder, tmp_path, plain):
    """Also without a surface: the paths are drawn alone."""
    files.write(Comparison.load(folder), tmp_path)
    loaded = (tmp_path / "index.html").read_text(encoding="utf-8")
    files.write(comparison, tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == loaded


def test_a_page_without_a_folder_links_to_nothing(other):
    text = other.to_html()
    page = _Page(text)
    assert len(page.all("img")) == len(KINDS) + len(OVERVIEW)
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert "results.nc" not in text


def test_all_numbers_are_on_the_page(folder, page, comparison):
    text = "".join(page.text)
    for setting in ("tuned", "default"):
        for row in comparison.summary(setting=setting):
            for number in (row.metric, row.final_loss, row.last_loss, row.online_loss):
                assert str(number) in text
    for words in (
        *("steps to a good run, tuned", "trials", "expected best of 27 trials"),
        *("learning rates within 5 % of the best", "seconds to compile, once"),
    ):
        assert words in text


def test_every_schedule_has_its_numbers(tmp_path, plain):
    several = _small(schedules=("constant", "linear"))
    made = Comparison.of({"t": several}, synthetic.ROOT)
    text = files.write(made, tmp_path).read_text(encoding="utf-8")
    for row in made.summary(schedule="linear"):
        assert str(row.metric).split()[0] in text
    assert "schedule linear to 0" in text
    assert "t under the schedule constant: RMSprop reaches" in text


def test_a_comparison_shows_itself(comparison):
    text = str(comparison)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    console = Console(width=80)
    with console.capture() as captured:
        console.print(comparison)
    assert "result [95 %]" in captured.get()
    short = _Page(comparison._repr_html_())
    for row in comparison.summary():
        assert str(row.metric) in "".join(short.text)


def test_a_page_of_all_tasks_stays_small(folder):
    """Eleven tasks with all their pictures in 4 MB, so that it opens at once."""
    size = (folder / "index.html").stat().st_size
    assert size / 2 * 11 < 4e6
