"""The command `rmsprop map`: what it prints and writes, and what it refuses."""

import csv

import pytest

from rmsprop import study
from rmsprop.commands import command_line
from rmsprop.commands import map as map_command
from rmsprop.study.maps import planes
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
