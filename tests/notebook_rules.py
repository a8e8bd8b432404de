"""What holds for every notebook of examples/notebooks, read from the file without running it.

A notebook is a dictionary, as `json` or `nbformat` read it. CONTRIBUTING.md explains the rules.
"""

import ast
import base64
import pathlib
import re
import struct

FIRST_CELL = pathlib.Path(__file__).parents[1] / "examples" / "notebooks" / "first_cell.py"

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

# Of an image, in characters of base64 and in pixels; a text is at least so wide in a browser.
LONGEST_IMAGE, WIDEST_IMAGE = 700_000, 1400

# Folders of a machine, at the beginning of a path.
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~-])/(?:home|root|content|tmp|usr|Users|opt|mnt)/|\b[A-Z]:\\"
)
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=\s\\]+")

# A number that a sentence says: of digits, with a sign, a point, groups of three, and a power.
NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")


def text(value):
    """A text of a notebook, which a file holds as a list of lines."""
    return value if isinstance(value, str) else "".join(value)


def faults(notebook, *, fresh=False):
    """The sentences that say where a notebook breaks a rule.

    Args:
        notebook: The notebook with outputs.
        fresh: Whether the outputs are of another run than those that its sentences were written
            from. Then the numbers under a cell with the tag `varies` may be others.
    """
    if {key: dict(value) for key, value in notebook["metadata"].items()} != METADATA:
        yield f"its metadata are {dict(notebook['metadata'])}; they must be {METADATA}"
    cells = notebook["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if not code or text(code[0]["source"]).strip() != FIRST_CELL.read_text().strip():
        yield "its first code cell is not examples/notebooks/first_cell.py"
    if code and "hide-input" not in code[0]["metadata"].get("tags", ()):
        yield "its first code cell lacks the tag hide-input, by which the site folds it"
    if [cell["execution_count"] for cell in code] != list(range(1, len(code) + 1)):
        yield "its cells were not run once each from top to bottom"
    for place, cell in enumerate(cells):
        following = cells[place + 1] if place + 1 < len(cells) else None
        for fault in _faults_of_cell(cell, following, fresh):
            yield f"cell {place}: {fault}"


def _faults_of_cell(cell, following, fresh):
    if set(cell["metadata"]) - {"tags"}:
        yield f"its metadata are {dict(cell['metadata'])}; only tags are kept"
    source = text(cell["source"])
    if ABSOLUTE_PATH.search(source):
        yield "its source has an absolute path"
    if cell["cell_type"] != "code":
        return
    kinds = {output["output_type"] for output in cell["outputs"]}
    if "error" in kinds:
        yield "it failed"
    if any(output.get("name") == "stderr" for output in cell["outputs"]):
        yield "it wrote warnings or errors"
    calls = _calls(source)
    if "print" in calls and "stream" not in kinds:
        yield "it prints, and has no output"
    if calls & {"show", "display"} and not kinds & {"display_data", "execute_result"}:
        yield "it shows something, and has no output"
    for output in cell["outputs"]:
        yield from _faults_of_output(output)
    if cell["outputs"]:
        yield from _faults_of_sentence(cell, following, fresh)


def _calls(source):
    """The names of the functions that a cell calls at its top level, or in a loop there."""
    names, nodes = set(), list(ast.parse(source).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            names.add(getattr(node.func, "id", getattr(node.func, "attr", "")))
        nodes += ast.iter_child_nodes(node)
    return names


def _faults_of_output(output):
    data = {kind: text(value) for kind, value in output.get("data", {}).items()}
    for kind, value in {"text": text(output.get("text", "")), **data}.items():
        if kind in ("image/png", "image/gif"):
            width = _width(kind, value)
            if len(value) > LONGEST_IMAGE or width > WIDEST_IMAGE:
                yield f"an image has {len(value)} characters and {width} pixels across"
        elif ABSOLUTE_PATH.search(EMBEDDED.sub("", value)):
            yield "its output has an absolute path"


def _width(kind, image):
    head = base64.b64decode(image[:32])
    return struct.unpack(">I", head[16:20] if kind == "image/png" else b"\0\0" + head[7:5:-1])[0]


def _faults_of_sentence(cell, following, fresh):
    """Under a result stands a quotation, whose numbers are those of the result."""
    said = sentence(following)
    if not said:
        yield "no Markdown cell that begins with > says what its result shows"
        return
    numbers = NUMBER.findall(said.replace("−", "-"))
    statements = ast.walk(ast.parse(text(cell["source"])))
    checked = any(isinstance(statement, ast.Assert) for statement in statements)
    if not numbers and not checked:
        yield "the sentence under it has no number, and it has no assert"
    if fresh and "varies" in cell["metadata"].get("tags", ()):
        return
    printed = " ".join(
        text(output.get("text", "")) + text(output.get("data", {}).get("text/plain", ""))
        for output in cell["outputs"]
    )
    printed = set(NUMBER.findall(printed.replace("−", "-")))
    for number in numbers:
        if number not in printed:
            yield f"the sentence under it says {number}, and it did not print that"


def sentence(cell):
    """What a Markdown cell says of the result above it: the quotation at its beginning."""
    if cell is None or cell["cell_type"] != "markdown":
        return ""
    lines = text(cell["source"]).splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return " ".join(line[1:].strip() for line in lines[:end])
