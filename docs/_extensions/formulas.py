"""Formulas are MathML, made where the site is built: a browser draws them without a script.

The conversion is the one of docutils. It raises an error for what it does not know, which becomes a
warning here, so that the build fails.
"""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_LOGGER = logging.getLogger(__name__)
_SYNONYMS = {r"\dots": r"\ldots"}  # what docutils knows by one name only
# A half is written \tfrac12 in TeX, where docutils reads the one number 12.
_DIGITS_OF_FRACTION = re.compile(r"(\\[dt]?frac) *(\d) *(\d)")


def _mathml(node: nodes.Element, block: bool) -> str:
    tex = node.astext()
    for name, known in _SYNONYMS.items():
        tex = tex.replace(name, known)
    tex = _DIGITS_OF_FRACTION.sub(r"\1{\2}{\3}", tex)
    try:
        return tex2mathml(tex, as_block=block)
    except MathError as error:
        _LOGGER.warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def _inline(translator: HTML5Translator, node: nodes.Element) -> None:
    translator.body.append(f'<span class="math">{_mathml(node, block=False)}</span>')
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.Element) -> None:
    # Focusable, for one that is wider than the page is moved by the arrow keys. What moves is the
    # inner box: browsers do not count how far MathML itself reaches.
    formula = f"<div>{_mathml(node, block=True)}</div>"
    translator.body.append(f'<div class="math" tabindex="0">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
