"""The explorable page: a document complete in itself, shown in a notebook or written to a file.

The page is made of the files that lie beside this module. Its script is a few modules of plain
JavaScript, which import from each other; in the page they are one module. Nothing is loaded from
elsewhere, and the page says so to the browser, which runs only this script, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import os
import pathlib
import re

from rmsprop.study import atomic

# The modules of the script, each after those that it imports from.
SCRIPTS = ("optimizers.js", "settings.js", "sentences.js", "drawing.js", "explore.js")

# The height of the page inside of a notebook, where it scrolls, in pixels.
_HEIGHT = 900


class Explorable:
    """The page on which optimizers are explored, as `rmsprop.study.explore` returns it.

    A notebook shows it in the output of a cell; `write` keeps it in a file.
    """

    def __init__(self) -> None:
        self._page = page()

    def write(self, file: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the page to a file, whole or not at all.

        Args:
            file: The file, for example `rmsprop-explore.html`; an earlier one is replaced.

        Returns:
            The path of the file.

        Raises:
            WriteError: The file cannot be written; an earlier one is then as it was.
        """
        target = pathlib.Path(file)
        atomic.write(target, self._page.encode())
        return target

    def _repr_html_(self) -> str:
        """The page as a frame of its own, so that nothing of it meets the styles of a notebook."""
        return (
            f'<iframe title="Explore RMSprop" srcdoc="{html.escape(self._page)}"'
            f' style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return "Explorable(); .write('rmsprop-explore.html') makes a page to open in a browser"


def explore() -> Explorable:
    """A page on which gradient descent, AdaGrad, RMSprop and Adam are explored.

    A reader chooses a function and its start, moves learning rates, decay, eps, AdaGrad's starting
    value and momentum, and sees the paths, the effective learning rates and every step, with what
    each setting means at its value. The numbers are those of the library in float64: in each step

        v       <-  decay * v + (1 - decay) * g^2         AdaGrad: v + g^2
        update   =  learning rate / sqrt(v + eps) * g     or learning rate / (sqrt(v) + eps) * g

    Public as `rmsprop.study.explore`. The command `rmsprop explore` writes the same page to a file.

    Returns:
        The page. A notebook shows it in the output of a cell.

    Example:
        >>> from rmsprop import study
        >>> study.explore().write("rmsprop-explore.html").name
        'rmsprop-explore.html'
    """
    return Explorable()


def page() -> str:
    """The page, a complete HTML document."""
    script = "".join(_without_imports(_resource(name)) for name in SCRIPTS)
    script = f"\n{script}"  # as it stands in the document, for the hash is of every character
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "@HASH@": f"'sha256-{digest}'",
        "@STYLE@": _resource("explore.css"),
        "\n@SCRIPT@": script,
    }
    document = _resource("explore.html")
    for place, part in parts.items():
        document = document.replace(place, part)
    return document


def _without_imports(module: str) -> str:
    """A module of the script as a part of one module: without what it imports and exports."""
    without = re.sub(r"^import .*;\n", "", module, flags=re.M)
    return re.sub(r"^export ", "", without, flags=re.M)


def _resource(name: str) -> str:
    """The text of a file that lies beside this module."""
    return importlib.resources.files("rmsprop.study.explorer").joinpath(name).read_text("utf-8")
