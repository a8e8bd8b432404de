"""Checks a built site: its links lead somewhere and to every page, and all that is loaded is in it.

`python .ci/check_site.py build/site` reads every page as a browser does. A link within the site has
to lead to a file, and to an element of it where it names one; to every page but the first leads a
link of another. Scripts, style sheets, pictures and fonts have to be part of the site, so that it
is whole without a network. Links to other sites are left alone.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# What a browser loads by itself: the attribute of each element.
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
STYLE_SHEETS = {"stylesheet", "icon", "preload", "modulepreload"}


class Link(NamedTuple):
    """An address in a page, and whether the browser loads it by itself."""

    address: str
    loaded: bool


class Page(HTMLParser):
    """The links of a page, and the names of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser for each element."""
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag in LOADED and LOADED[tag] in values:
            self.links.append(Link(values[LOADED[tag]], loaded=True))
        elif tag == "link" and "href" in values:
            loaded = bool(STYLE_SHEETS & set(values.get("rel", "").split()))
            self.links.append(Link(values["href"], loaded))
        elif tag == "a" and "href" in values:
            self.links.append(Link(values["href"], loaded=False))


def faults(site: Path) -> Iterator[str]:
    """A sentence for each link that leads nowhere, and for what comes from elsewhere."""
    site = site.resolve()
    files = sorted(site.rglob("*.html"))
    # The theme's own templates lie among what it brings.
    pages = {path: Page(path.read_text()) for path in files if "_static" not in path.parts}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            fault = _fault(link, path, pages)
            if fault:
                yield f"{path.relative_to(site)}: {link.address} {fault}"
    reached = {
        target
        for path, page in pages.items()
        for link in page.links
        if (target := _target(link, path)) != path
    }
    for path in sorted(pages.keys() - reached - {site / "index.html"}):
        yield f"{path.relative_to(site)}: no link leads to it"
    for path in sorted(site.rglob("*.css")):
        for address in re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]*)", path.read_text()):
            yield f"{path.relative_to(site)}: {address} is loaded from elsewhere"


def _target(link: Link, path: Path) -> Path | None:
    """The file that a link of a page leads to; None where it leads out of the site."""
    scheme, host, address, _, _ = urlsplit(link.address)
    if scheme or host:
        return None
    target = (path.parent / unquote(address)).resolve() if address else path
    return target / "index.html" if target.is_dir() else target


def _fault(link: Link, path: Path, pages: dict[Path, Page]) -> str | None:
    target, fragment = _target(link, path), urlsplit(link.address).fragment
    if target is None:
        inside = link.address.startswith("data:")
        return "is loaded from elsewhere" if link.loaded and not inside else None
    if not target.exists():
        return "is not there"
    # A page may keep its settings in its address, as the explorable one does.
    is_name = bool(fragment) and "=" not in fragment and target in pages
    if is_name and unquote(fragment) not in pages[target].names:
        return "names no element of that page"
    return None


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="the folder of the built site")
    site = parser.parse_args().site
    found = list(faults(site))
    for sentence in found:
        print(sentence, file=sys.stderr)
    pages = len(list(site.rglob("*.html")))
    if not pages or found:
        sys.exit(f"{pages} pages in {site}: {len(found)} faults")
    print(f"{pages} pages in {site}: every link within the site leads somewhere, and to every page")


if __name__ == "__main__":
    main()
