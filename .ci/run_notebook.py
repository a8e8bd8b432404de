"""Runs a notebook from top to bottom and fails where a cell fails.

With --write the outputs are saved into the notebook.
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the notebook")
    parser.add_argument("--write", action="store_true", help="save the outputs into it")
    arguments = parser.parse_args()
    notebook = nbformat.read(arguments.file, as_version=4)
    resources = {"metadata": {"path": str(arguments.file.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"{arguments.file.name}: {cells} cells ran")
    if arguments.write:
        nbformat.write(notebook, arguments.file)


if __name__ == "__main__":
    main()
