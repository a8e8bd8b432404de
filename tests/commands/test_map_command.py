"""The command `rmsprop map`: what it prints and writes, and what it refuses."""

import csv
from dataclasses import replace

import pytest

from rmsprop import study
from rmsprop.commands import command_line
from rmsprop.commands import map as map_command
from rmsprop.study.maps import making, planes
from rmsprop.study.maps.ordering import ordering_of

TINY = study.Plane("tiny", "noise", (0.1, 0.3, 1.0), "drift", (0.0, 0.03, 0.1), {"horizon": 20.0})


@pytest.fixture(autouse=True)
def tiny_plane(monkeypatch):
    """A plane that takes a second; compiled programs stay in memory."""
    monkeypatch.setattr(planes, "PLANES", {**planes.PLANES, "tiny": TINY})
    monkeypatch.setattr(map_command, "keep_compiled_programs", lambda: None)


def _map(folder, *words):
    return command_line.main(["map", "--planes", "tiny", "--out", str(folder), *words])


@pytest.mark.usefixtures("compiled_quickly", "plain")
def test_the_whole_command(tmp_path, capsys):
    out = tmp_path / "map"
    assert _map(out, "--seeds", "6") == 0
    printed = capsys.readouterr()
    assert "RMSprop is better than AdaGrad in" in printed.out.replace("\n", " ")
    assert "tiny, under linear decay" in printed.out
    assert all(len(line.rstrip()) <= 80 for line in printed.out.splitlines()[:-1])
    assert str(out / "index.html") in printed.out.replace("\n", "")
    page = (out / "index.html").read_text()
    assert page.count("<figure") == 3 + 3  # a plane and the number, under each line
    assert "http://" not in page.replace("http://www.w3.org", "")
    figures = {file.name for file in (out / "figures").iterdir()}
    names = ("own", "constant", "linear")
    assert figures == {f"{what}-{line}.png" for what in ("tiny", "number") for line in names}
    result = study.Map.load(out)
    assert result.planes == ("tiny",)
    assert "--seeds 6" in result.tree.attrs["command"]
    with open(out / "cells.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 9
    cells = [cell for line in result.lines for cell in result.cells("tiny", line)]
    assert [float(row["ratio"]) for row in rows] == [cell.ratio.value for cell in cells]
    assert [row["verdict"] for row in rows] == [cell.verdict for cell in cells]
    assert all(mark in str(result) for mark in ("?", "noise"))
    ordering = ordering_of(result, "linear")
    assert [cell.number for cell in ordering.cells] == sorted(
        cell.number for cell in ordering.cells
    )
    assert len(ordering.cells) == 6


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--planes", "tinny"], "plane 'tinny' is unknown"),
        (["--seeds", "1"], "--seeds is 1; it must be at least 2"),
        (["--optimizer", "x"], "optimizer 'x' is unknown"),
        (["--optimizer", "rmsprop"], "optimizer rmsprop is named twice"),
        (["--optimizer", "rmsprop"] * 3, "a map is of two optimizers"),
        (["--schedules", "cosine"], "schedule 'cosine' is unknown"),
    ],
)
def test_what_cannot_be_mapped_is_refused(tmp_path, capsys, words, sentence):
    assert _map(tmp_path / "map", *words) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "map").exists()


@pytest.mark.usefixtures("compiled_quickly")
def test_a_map_that_no_memory_holds_is_refused(tmp_path, capsys):
    """What 400 seeds draw is 4 tables of 400 x 20 x 16 numbers of 4 bytes: 2 MB alone."""
    assert _map(tmp_path / "map", "--seeds", "400", "--memory", "1M") == 2
    assert "and memory allows 1 MB; allow more with --memory" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_quickly", "plain")
def test_the_page_of_a_map_is_written_again(tmp_path, capsys, monkeypatch):
    out = tmp_path / "map"
    assert _map(out, "--seeds", "2", "--tuning-seeds", "1", "--schedules", "constant") == 0
    printed = capsys.readouterr().out
    page = (out / "index.html").read_text()
    (out / "index.html").write_text(page.replace("<h1>", "<h1>old "))
    monkeypatch.setattr(making, "run", lambda *_: pytest.fail("ran"))
    assert command_line.main(["report", str(out)]) == 0
    assert capsys.readouterr().out == printed
    assert (out / "index.html").read_text() == page
    assert command_line.main(["report", str(out), "--out", str(tmp_path / "new"), "--quiet"]) == 0
    assert (tmp_path / "new" / "index.html").read_text() == page
    assert (tmp_path / "new" / "cells.csv").is_file()


@pytest.mark.usefixtures("compiled_quickly", "plain")
def test_an_interrupted_map_leaves_a_page_of_what_has_ended(tmp_path, capsys, monkeypatch):
    out, tune = tmp_path / "map", making.tune
    monkeypatch.setattr(planes, "PLANES", {**planes.PLANES, "other": replace(TINY, name="other")})

    def interrupted(*arguments):
        if (out / "results.nc").exists():
            raise KeyboardInterrupt
        return tune(*arguments)

    monkeypatch.setattr(making, "tune", interrupted)
    words = ["map", "--planes", "tiny,other", "--seeds", "2", "--tuning-seeds", "1"]
    words += ["--schedules", "constant", "--out", str(out)]
    assert command_line.main(words) == command_line.INTERRUPTED
    assert "The report is written of what has ended: tiny." in capsys.readouterr().err
    assert study.Map.load(out).planes == ("tiny",)
    assert 'id="plane-tiny"' in (out / "index.html").read_text()
    assert command_line.main(["report", str(out)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    sentence = "Still missing from this study: other. To finish it, run: rmsprop map --planes"
    assert sentence in printed


def test_a_map_without_a_plane_is_said_to_be_one(tmp_path, capsys):
    (tmp_path / "study.json").write_text('{"kind": "map"}')
    assert command_line.main(["report", str(tmp_path)]) == command_line.WRONG_USE
    assert "holds a map of which no plane has ended. Give the command" in capsys.readouterr().err
