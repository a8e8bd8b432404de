"""Links to folders of the repository.

A folder is no page and cannot be copied to the site. Where `project.urls` of `pyproject.toml` has a
`Repository`, its page there is linked; until then the folder's name stands without a link.
"""

import tomllib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class _Folders(SphinxPostTransform):
    default_priority = 5  # before MyST resolves its references, which warns of what is no page

    def run(self, **kwargs: object) -> None:
        root = Path(self.env.srcdir)
        address = self.config.repository_address
        for node in list(self.document.findall(addnodes.pending_xref)):
            if node.get("reftype") != "myst":
                continue
            page = Path(self.env.doc2path(node["refdoc"]))
            folder = (page.parent / node["reftarget"]).resolve()
            if not folder.is_dir() or not folder.is_relative_to(root):
                continue
            children = node.deepcopy().children
            if address:
                target = f"{address}/tree/main/{folder.relative_to(root)}"
                node.replace_self(nodes.reference("", "", *children, refuri=target))
            else:
                node.replace_self(children)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    text = (Path(app.srcdir) / "pyproject.toml").read_text()
    urls = tomllib.loads(text)["project"].get("urls", {})
    app.add_config_value("repository_address", urls.get("Repository", ""), "env", types={str})
    app.add_post_transform(_Folders)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
