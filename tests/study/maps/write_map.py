"""Writes what the map found into docs/map.md, and its pictures into docs/figures.

    rmsprop map --planes all --out FOLDER
    python tests/study/maps/write_map.py --record FOLDER

keeps the findings in `recorded_map.json` and writes them into the page; without this option it
writes what is kept. With `--check` it writes nothing and fails where the page does not say what is
kept, which is a test as well (`test_map_page.py`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from pathlib import Path

import against_itself
import beyond
import places_page
import placing
import spacing

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
RECORD = HERE / "recorded_map.json"
SPACING = HERE / "recorded_spacing.json"
PAGE = ROOT / "docs" / "map.md"
FIGURES = ROOT / "docs" / "figures"
PICTURES = ("number-linear", "drift-noise-linear", "shrinking-drift-constant")
WIDTH = 120


def findings_of(folder: Path) -> dict[str, object]:
    """What a map found, in the words and with the digits of its page.

    Args:
        folder: The folder of the map.
    """
    from rmsprop.study import Map
    from rmsprop.study.maps import plots, sentences

    result = Map.load(folder)
    marks = plots.marks(result)
    planes = {}
    for name in result.planes:
        definition = result.definition(name)
        width = len(definition.x_values)
        grids = {}
        for line in result.lines:
            words = [
                f"{plots.ratio_words(cell.ratio.value)} {plots.mark_of(cell, marks)}"
                for cell in result.cells(name, line)
            ]
            grids[line] = [words[i : i + width] for i in range(0, len(words), width)]
        planes[name] = {
            "x": definition.x,
            "y": definition.y,
            "x_values": [f"{value:g}" for value in definition.x_values],
            "y_values": [f"{value:g}" for value in definition.y_values],
            "grids": grids,
            "counts": {
                line: [*sentences.counts(result.cells(name, line), result.optimizers).values()]
                for line in result.lines
            },
            "sentence": sentences.of_plane(result, name),
        }
    return {"answer": sentences.paragraph(result), "planes": planes}


def parts_of(record: dict) -> dict[str, str]:
    """Each part of the page, by its name."""
    blocks = [
        _counts(record["planes"]),
        _wrapped(
            "The cells below hold ratios of AdaGrad's risk to RMSprop's, with R where RMSprop is"
            " better and A where AdaGrad is, in brackets where a difference of 5 % is not shown; ="
            " is equal within 5 %, ? undecided."
        ),
    ]
    for name, plane in record["planes"].items():
        picture = next((x for x in PICTURES[1:] if x.startswith(name)), None)
        blocks.append(f"### {name}")
        blocks.append(_wrapped(plane["sentence"]))
        if picture:
            blocks.append(f"![The plane {name} as a heat map](figures/map-{picture}.png)")
        for line in ("constant", "linear"):
            heads = [f"{line}: {plane['y']} \\ {plane['x']}", *plane["x_values"]]
            rows = zip(plane["y_values"], plane["grids"][line], strict=True)
            lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
            lines += [f"| {' | '.join([value, *cells])} |" for value, cells in rows]
            blocks.append("\n".join(lines))
    return {
        "answer": _wrapped(record["answer"]),
        "itself": _wrapped(_against_itself(json.loads(against_itself.RECORD.read_text()))),
        "planes": "\n\n".join(blocks),
        "spacing": _spacing(json.loads(SPACING.read_text())),
        **_places(),
    }


def _places() -> dict[str, str]:
    """The parts on the tasks of the comparison, and on the planes beside the map."""
    places, answers = json.loads(placing.RECORD.read_text()), placing.winners()
    rounds, other = placing.tested(places, answers), json.loads(beyond.RECORD.read_text())
    return {
        "places": "\n\n".join(
            [
                places_page.place_table(places, answers),
                _wrapped(places_page.agreement_words(places, answers)),
            ]
        ),
        "far": places_page.far_table(other),
        "rest": _wrapped(places_page.rest_words(other)),
        "candidates": "\n\n".join(
            [places_page.candidate_table(rounds), _wrapped(places_page.candidate_words(rounds))]
        ),
    }


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, break_on_hyphens=False))


def _counts(planes: dict) -> str:
    """How many cells of each plane say what, under each line of schedules."""
    lines = ("own", "constant", "linear")
    rows = [
        "| RMSprop better, AdaGrad better, equal, undecided | each its own schedule | constant"
        " | linear |",
        "|---|--:|--:|--:|",
    ]
    for name, plane in planes.items():
        cells = [", ".join(map(str, plane["counts"][line])) for line in lines]
        rows.append(f"| [{name}](#{name}) | {' | '.join(cells)} |")
    return "\n".join(rows)


def _against_itself(record: dict) -> str:
    """How often RMSprop was better than itself, in a sentence."""
    shares = against_itself.shares(record["counts"])
    rates = [f"{100 * shares[x]['before']:.1f}" for x in ("own", "constant", "linear")]
    left = [f"{100 * shares[x]['after']:.1f}" for x in ("own", "constant", "linear")]
    return (
        f"RMSprop against itself, each with its own tuning seeds and its own noise"
        f" ({len(record['counts'])} maps of six cells, {record['seeds']} seeds): before the"
        f" correction it is better than itself in {rates[0]} % of the cells under each its own"
        f" schedule, in {rates[1]} % under a constant rate and in {rates[2]} % under linear decay;"
        f" after it in"
        f" {left[0]}, {left[1]} and {left[2]} %."
    )


def _spacing(record: dict) -> str:
    """The cells of `spacing.PLANE` with the grids of the map, and with as fine ones for both."""
    heads = [f"{spacing.PLANE.y} \\ {spacing.PLANE.x}"]
    heads += [f"{value:g}" for value in spacing.PLANE.x_values]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    width = len(heads) - 1
    for row, value in enumerate(spacing.PLANE.y_values):
        here = slice(row * width, (row + 1) * width)
        pairs = zip(record["usual"][here], record["fine"][here], strict=True)
        lines.append(f"| {' | '.join([f'{value:g}', *(' → '.join(pair) for pair in pairs)])} |")
    return "\n".join(lines)


def written(text: str, parts: dict[str, str]) -> str:
    """The page with its parts."""
    for part, content in parts.items():
        begin = f"<!-- {part}: written by tests/study/maps/write_map.py -->"
        end = f"<!-- end of {part} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
    return text


def main(words: list[str]) -> int:
    """Records, writes or checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args(words)
    if arguments.record:
        record = findings_of(arguments.record)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        for picture in PICTURES:
            source = arguments.record / "figures" / f"{picture}.png"
            shutil.copyfile(source, FIGURES / f"map-{picture}.png")
    before = PAGE.read_text()
    after = written(before, parts_of(json.loads(RECORD.read_text())))
    if arguments.check and after != before:
        print(f"{PAGE.name} does not say what {RECORD.name} holds; write it again.")
        return 1
    if not arguments.check:
        PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
