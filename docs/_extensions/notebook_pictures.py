"""Pictures in the outputs of notebooks have a text for those who do not see them.

Sphinx would take the name of the file, which is a hash. What a picture shows stands in the sentence
under it, as the rules of the notebooks have it.
"""

from docutils import nodes
from sphinx.application import Sphinx

TEXT = "Picture of the result; the sentence below says what it shows."


def _describe(_app: Sphinx, document: nodes.document, _name: str) -> None:
    for picture in document.findall(nodes.image):
        picture.setdefault("alt", TEXT)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-resolved", _describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
