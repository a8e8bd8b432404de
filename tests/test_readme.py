"""What the README and the pages of docs/ show is what happens."""

import importlib
import json
import re
import runpy
import shlex
import tomllib
from pathlib import Path

import pytest

from rmsprop.commands import command_line

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {"README.md": README, "CONTRIBUTING.md": (ROOT / "CONTRIBUTING.md").read_text()} | {
    f"docs/{path.name}": path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))
}
NUMBER = r"\b[\d.,]*\d(?:e[+-]\d+)?"
# The blocks of the recipes have a test of their own, which needs what they define, those of moved
# runs are programs that need PyTorch and Keras, those for several devices need eight, and those for
# a cluster need one.
ELSEWHERE = ("docs/recipes.md", "docs/move.md", "docs/sharding.md", "docs/cluster.md")
WITH_EXAMPLES = [
    name for name, text in PAGES.items() if "```python" in text and name not in ELSEWHERE
]
SLOW = {*WITH_EXAMPLES} - {"README.md"}
LINKS = [
    (name, target)
    for name, text in PAGES.items()
    for target in re.findall(r'\]\((?!https?:)([^) ]+)(?: "[^"]*")?\)', text)
]


def _blocks(page, language=r"\w*"):
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.S)


def _block(page, start):
    """The fenced block whose text begins so."""
    return next(block for block in _blocks(page) if block.startswith(start))


def _prose(page):
    return " ".join(PAGES[page].split())


def _cells(page, begin, end):
    """The rows of the generated table on a page, without its head."""
    lines = PAGES[page].split(begin)[1].split(end)[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return rows[1:]


def test_the_findings_are_those_of_the_reports_that_were_recorded(monkeypatch):
    """What the pages say of the comparison is written from its results, and by nobody's hand."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "study")
    writer = importlib.import_module("write_findings")
    parts = writer.parts_of(json.loads(writer.RECORD.read_text()))
    for part, content in parts.items():
        pages = [name for name in writer.PAGES if writer.marks(part)[0] in PAGES[name]]
        assert len(pages) == 1, part
        assert writer.written(PAGES[pages[0]], parts) == PAGES[pages[0]]
        wrong = PAGES[pages[0]].replace(content, content.replace("RMSprop", "SGD"))
        assert writer.written(wrong, parts) != wrong
        assert writer.written(wrong, parts) == PAGES[pages[0]]


@pytest.fixture
def record(monkeypatch):
    """The script that writes the table of the benchmarks, and what they recorded."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    writer = importlib.import_module("write_table")
    return writer, writer.Record(json.loads((writer.HERE / "recorded.json").read_text()))


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=[pytest.mark.slow] * (p in SLOW)) for p in WITH_EXAMPLES]
)
@pytest.mark.standard_promotion("a reader's own interpreter")
@pytest.mark.usefixtures("shared_cache")
def test_the_examples_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    """Pasted one after another into one interpreter."""
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for block in _blocks(page, "python"):
        exec(compile(block, page, "exec"), namespace)


def test_the_example_is_the_one_in_examples_and_prints_that(capsys):
    code = _block("README.md", "import jax\n")
    example = (ROOT / "examples" / "quickstart.py").read_text().split('"""\n\n', 1)[1]
    assert [line for line in code.splitlines() if line] == [
        line for line in example.splitlines() if line
    ]
    assert len([line for line in code.splitlines() if line]) == 12
    runpy.run_path(str(ROOT / "examples" / "quickstart.py"))
    assert capsys.readouterr().out == _block("README.md", "flat ")


def test_the_table_of_steps_is_what_the_command_prints(capsys):
    assert command_line.main(["steps", "--steps", "4"]) == 0
    printed = capsys.readouterr().out
    assert [line.rstrip() for line in printed.strip().splitlines()] == _block(
        "docs/commands.md", "rmsprop on x**2"
    ).strip().splitlines()


@pytest.mark.slow
def test_the_table_of_conventions_is_what_the_command_prints(capsys):
    (command,) = re.findall(
        r"^rmsprop (conventions .*?)\n```", PAGES["docs/conventions.md"], re.M | re.S
    )
    assert command_line.main(shlex.split(command.replace("\\\n", ""))) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = _block("docs/conventions.md", "tensorflow.rmsprop (the first)").splitlines()
    assert [re.sub(NUMBER, "#", line) for line in printed] == [
        re.sub(NUMBER, "#", line) for line in shown
    ]
    for found, expected in zip(printed, shown, strict=True):
        numbers = [
            [float(word.replace(",", "")) for word in re.findall(NUMBER, line)]
            for line in (found, expected)
        ]
        # Three digits are shown, and the last one may round the other way elsewhere.
        assert numbers[0] == pytest.approx(numbers[1], rel=0.02)


def test_the_table_of_speed_is_the_record_of_the_benchmarks(record):
    writer, _ = record
    shown = PAGES["docs/speed.md"].split(writer.BEGIN)[1].split(writer.END)[0]
    assert shown.strip() == writer.text_of_the_page().strip()


def test_what_is_said_of_speed_is_the_record_of_the_benchmarks(record):
    writer, recorded = record
    large = recorded.race("1,000,000 rows of 64")
    given, made = (
        large[f"Optax, dense, {how}"]["ratio"] / large["RMSprop"]["ratio"]
        for how in ("gradient given", "from row gradients")
    )
    tables = _prose("docs/embedding_tables.md")
    assert f"step is {made:.0f} times as fast as Optax's dense one from the same" in tables
    assert f"and {given:.0f} times as fast as one that is given the gradient" in tables
    grown = recorded.race("1,000 rows touched")["1,000,000 rows"]["ratio"]
    assert f"1,000 rows of 1,000,000 take {grown:.1f} times" in tables
    narrow = [
        line["ratio"] for line in recorded.lines if line["contender"] == "bfloat16 accumulators"
    ]
    assert (
        f"it takes {min(narrow):.2f} to {max(narrow):.2f} of the time of the step in float32"
        in _prose("docs/half_precision.md")
    )
    steps = [
        recorded.race(f"step, {key}, {tree}")["this library"]["ratio"]
        for key in writer.OPTIMIZERS
        for tree in writer.TREES
    ]
    readme = _prose("README.md")
    assert f"takes {min(steps):.2f} to {max(steps):.2f} of the time of Optax's" in readme
    assert f"`rmsprop.rows` is {made:.0f} times as fast as Optax's dense step" in readme


def test_what_is_said_of_an_accelerator_is_its_record():
    goals = {
        goal["work"]: goal["figure"]
        for goal in json.loads((ROOT / "tests/benchmarks/recorded-nvidia-h200.json").read_text())[
            "goals"
        ]
    }
    faster = f"{goals['rows, times faster than dense Optax']:.0f} times as fast as Optax's"
    assert faster in _prose("README.md")
    assert faster in " ".join((ROOT / "CHANGELOG.md").read_text().split())
    assert goals["bandwidth of a copy"] == pytest.approx(1, abs=0.02)  # "the time of a copy"


def test_what_the_readme_says_of_parity_is_the_table():
    rows = _cells("docs/parity.md", "<!-- parity:", "<!-- end of parity -->")
    runs = sum(int(row[2]) for row in rows)
    double, single = (max((row[i] for row in rows if row[i] != "–"), key=float) for i in (3, 4))
    readme = _prose("README.md")
    assert f"Over {runs} runs of {len(rows)} functions the parameters differ" in readme
    assert f"by at most {double} in float64 and {single} in float32" in readme
    frameworks = {row[0] for row in rows} - {"the papers"}
    assert f"the two optimizers as {len(frameworks)} frameworks compute them" in readme


def test_what_the_readme_says_of_pitfalls_is_the_table():
    rows = _cells("docs/pitfalls.md", "<!-- pitfalls:", "<!-- end of pitfalls -->")
    readme = _prose("README.md")
    assert f"puts {len(rows)} cases through three libraries" in readme
    (shown,) = re.findall(r"^\| case \| Optax .*?\n.*?\n\| (.*?) \|$", README, re.M)
    assert shown.split(" | ") in rows


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_left_to_fill_in(page):
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", PAGES[page])


def test_nobody_is_told_to_install_what_is_on_no_index():
    notebooks = [path.read_text() for path in (ROOT / "examples" / "notebooks").glob("*.ipynb")]
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py")]
    assert notebooks
    for text in (*PAGES.values(), *notebooks, *sources):
        assert not re.search(r"""pip install (-\S+ )*["']?rmsprop""", text)


def test_the_files_that_contributing_names_are_there():
    names = re.findall(r"`((?:src|tests|docs|examples|\.ci)/[\w./-]+)`", PAGES["CONTRIBUTING.md"])
    assert len(names) > 20
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_steps_of_ci_that_contributing_names_are_there():
    script = (ROOT / ".ci" / "run").read_text()
    steps = re.findall(r"^run_([\w-]+)\(\)", script, re.M)
    assert re.findall(r'^  "([\w-]+) +.*"$', script, re.M) == steps
    named = re.findall(r"bash \.ci/run ([a-z ]+)`", " ".join(PAGES.values()))
    assert {step for words in named for step in words.split()} <= set(steps)


def test_what_is_written_in_two_files_is_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"version: {project['version']}\n" in (ROOT / "CITATION.cff").read_text()
    (ruff,) = [x for x in project["optional-dependencies"]["dev"] if x.startswith("ruff")]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert set(re.findall(r"ruff==[\d.]+", hooks)) == {ruff}


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_point_to_files_and_headings(page, target):
    name, _, heading = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.exists()
    if heading:
        titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
        anchors = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
        assert heading in anchors
