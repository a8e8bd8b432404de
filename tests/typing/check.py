"""Typing as a user meets it: `python tests/typing/check.py`, with pyright and mypy installed.

Both checkers, at their strictest, have to pass `user_script.py`, and to report in `typos.py` every
line that is marked, and no other.  The marks are comments at the ends of lines:

    # error            both checkers report the line
    # untyped Optax    pyright reports it, and mypy cannot: Optax ships no types (no `py.typed`), so
                       that to mypy its types are `Any`, and what inherits from them has any name
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"
# Optax has no types of its own: said for it alone, so that strict checkers take its sources.
MYPY = f"""
[mypy]
strict = true
mypy_path = {SOURCE}
follow_imports = silent
pretty = false
[mypy-optax.*]
ignore_missing_imports = true
"""
PYRIGHT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "extraPaths": [str(SOURCE)],
    # What Optax, which has no types of its own, leaves open is nothing that a user can mend.
    "reportMissingTypeStubs": False,
    "reportUnknownMemberType": False,
    # In `typos.py` expressions stand alone.
    "reportUnusedExpression": False,
}


def run_mypy(file: Path, folder: Path) -> dict[int, str]:
    """The lines of a file that mypy reports, with its first message for each."""
    configuration = folder / "mypy.ini"
    configuration.write_text(MYPY)
    command = [sys.executable, "-m", "mypy", f"--config-file={configuration}"]
    command += [f"--cache-dir={folder / 'cache'}", "--no-error-summary", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if ran.returncode not in (0, 1):
        sys.exit(f"mypy did not run:\n{ran.stdout}{ran.stderr}")
    messages: dict[int, str] = {}
    for path, line, text in re.findall(r"^(.*?):(\d+): error: (.*)$", ran.stdout, re.M):
        if (folder / path).resolve() != file.resolve():
            sys.exit(f"mypy reports another file, {path}:{line}: {text}")
        messages.setdefault(int(line), text)
    return messages


def run_pyright(file: Path, folder: Path) -> dict[int, str]:
    """The lines of a file that pyright reports, with its first message for each."""
    configuration = folder / "pyrightconfig.json"
    configuration.write_text(json.dumps({**PYRIGHT, "include": [os.path.relpath(file, folder)]}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--project", str(configuration)]
    command += ["--pythonpath", sys.executable]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        report = json.loads(ran.stdout)
    except json.JSONDecodeError:
        sys.exit(f"pyright did not run:\n{ran.stdout}{ran.stderr}")
    if report["summary"]["filesAnalyzed"] != 1:
        sys.exit(f"pyright has looked at {report['summary']['filesAnalyzed']} files and not at one")
    messages: dict[int, str] = {}
    for entry in report["generalDiagnostics"]:
        if entry["severity"] == "error":
            line = entry["range"]["start"]["line"] + 1
            messages.setdefault(line, entry["message"].splitlines()[0])
    return messages


def marked_lines(file: Path, marks: set[str]) -> set[int]:
    """The numbers of the lines that end in one of these marks."""
    endings = tuple(f"  # {mark}" for mark in marks)
    lines = file.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith(endings)}


def complaints(file: Path, expected: set[int], messages: dict[int, str], checker: str) -> list[str]:
    """What a checker reports and should not, and what it should report and does not."""
    lines = file.read_text().splitlines()
    return [
        f"{checker} reports {file.name}:{n}, {lines[n - 1].strip()!r}: {messages[n]}"
        for n in sorted(messages.keys() - expected)
    ] + [
        f"{checker} does not report {file.name}:{n}, {lines[n - 1].strip()!r}"
        for n in sorted(expected - messages.keys())
    ]


def main() -> None:
    """The command line."""
    os.environ["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"
    script, typos = HERE / "user_script.py", HERE / "typos.py"
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for checker, run, own in (
            ("pyright", run_pyright, {"untyped Optax"}),
            ("mypy", run_mypy, set[str]()),
        ):
            errors += complaints(script, set(), run(script, Path(folder)), checker)
            expected = marked_lines(typos, {"error"} | own)
            errors += complaints(typos, expected, run(typos, Path(folder)), checker)
    print(*errors, sep="\n")
    count = len(marked_lines(typos, {"error"}))
    print(f"{count} slips of the pen looked for in {typos.name}; {len(errors)} complaints")
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
