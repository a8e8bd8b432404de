"""Runs notebooks from top to bottom and fails where a cell fails.

With --write the outputs are saved into the notebook, without the times and versions of this
machine. With --check what tests/notebook_rules.py asks of a notebook must hold for the new outputs.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import notebook_rules


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="the notebooks")
    parser.add_argument("--write", action="store_true", help="save the outputs into them")
    parser.add_argument("--check", action="store_true", help="check the new outputs by the rules")
    parser.add_argument("--limit", type=float, help="the longest time of a notebook, in seconds")
    arguments = parser.parse_args()
    os.environ.pop("MPLBACKEND", None)  # figures are drawn into the notebook
    faults = [
        f"{file.name}: {fault}"
        for file in arguments.files
        for fault in run(file, arguments.write, arguments.check, arguments.limit)
    ]
    sys.exit("\n".join(faults) or None)


def run(file: Path, write: bool, check: bool, limit: float | None) -> list[str]:
    """Runs a notebook, prints how long it took, and returns what is wrong with it."""
    notebook = nbformat.read(file, as_version=4)
    resources = {"metadata": {"path": str(file.parent)}}
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources, record_timing=False
    )
    begin = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - begin
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"{file.name}: {cells} cells ran in {seconds:.0f} s")
    clean(notebook)
    faults = list(notebook_rules.faults(notebook, fresh=True)) if check else []
    if limit is not None and seconds > limit:
        faults.append(f"it took {seconds:.0f} s; it may take {limit:.0f} s")
    if write:
        nbformat.write(notebook, file)
    return faults


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leaves what every run of a notebook has alike."""
    notebook.metadata = nbformat.from_dict(notebook_rules.METADATA)
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)


def merged(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs of a cell, with the pieces joined in which the text of one stream arrives."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    main()
