"""The site, as Sphinx builds it: `bash .ci/site` says how.

The source is the whole repository, so that a link in a page is the same on the site as it is where
the repository is read: a page leads to a page, a file is copied to the site as a download, and the
notebooks are pages where they lie.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_extensions"))

with (ROOT / "pyproject.toml").open("rb") as file:
    _project = tomllib.load(file)["project"]

project = _project["name"]
author = _project["authors"][0]["name"]
version = release = _project["version"]
project_copyright = author

root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/**.rst",
    "examples/notebooks/*.ipynb",
    "examples/loops/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [".*", "**/.*", "build", "dist", "src", "tests", "**/__pycache__"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "myst_nb",
    "formulas",
    "notebook_pictures",
    "plain_docstrings",
    "repository",
    "standalone_pages",
]

# Pages. A heading's anchor is the one that it has where the repository is read.
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the outputs are in the notebooks; another step of .ci/run runs them
nb_merge_streams = True

# The reference, from the docstrings.
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstring says what may be passed
autosummary_generate = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 72
python_display_short_literal_types = True
default_role = "py:obj"
highlight_language = "none"  # what a docstring shows as it is; examples are known by their >>>
add_module_names = False

# Every reference has to lead somewhere. A word in a docstring's backticks may be any code, and
# becomes a link where it is a public name. Types in the signature of a class are not linked where
# they are of other packages, words, or private; `WriteError` is an OSError with its own sentence.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    ("py:class", r"(jax|numpy|optax|typing|collections|xarray)\..*|ArrayTree|'\w+'"),
    ("py:class", r"rmsprop\.(frameworks\._|study\.)[\w.]+"),
    ("py:exc", r"WriteError"),
]

templates_path = []
html_domain_indices = False  # the index of all names is enough
html_theme = "sphinx_book_theme"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the field for searching is in the sidebar
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "path_to_docs": "docs",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
