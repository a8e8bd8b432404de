"""What the tests of the study share: a cache of their own, figures that take no time, a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# The browser speaks to no server of its maker, neither about the page nor about itself.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def cached_data(tmp_path_factory):
    """A folder of these tests' own: so that no data made by another version are read.

    The same for all processes that share their work.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return tmp_path_factory.mktemp("cache")
    return tmp_path_factory.getbasetemp().parent / f"cache-{run}"


@pytest.fixture(scope="module")
def shared_cache(cached_data):
    """For `pytestmark = pytest.mark.usefixtures("shared_cache")`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(cached_data))
        yield


@pytest.fixture
def plain(monkeypatch):
    """Figures that take no time, for tests of the folder and the command alone."""
    from rmsprop.study import plots, style

    monkeypatch.setattr(style, "png", lambda figure: b"PNG")
    monkeypatch.setattr(style, "svg", lambda figure: "<svg></svg>")
    for name in plots.__all__:
        monkeypatch.setattr(plots, name, lambda *_: None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, without a window.

    Where Playwright or the browser is missing, a test that asks for it is skipped; it fails there
    if the environment variable `RMSPROP_BROWSER` is `required`. The scope is a module because
    Playwright's event loop runs in this thread until the fixture ends, and no other can start.
    """
    refuse = pytest.fail if os.environ.get("RMSPROP_BROWSER") == "required" else pytest.skip
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        refuse(f"there is no browser; install one of {', '.join(PROGRAMS)}.")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        refuse("Playwright is not installed; pip install 'rmsprop[browser]' installs it.")
    with (
        sync_playwright() as playwright,
        # There is no sandbox for root.
        playwright.chromium.launch(
            executable_path=program, args=QUIET, chromium_sandbox=False
        ) as browser,
    ):
        yield browser


@pytest.fixture
def new_page(chromium: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """A function that makes a blank page: `with new_page(width=360, dark=True) as page:`.

    The page is offline. It may open files, one after the other; the test fails at the end of the
    block if the page has asked for anything else, in the network or in the folder.
    """

    @contextlib.contextmanager
    def blank(width: int, dark: bool = False) -> Iterator[Page]:
        requests: list[str] = []
        with chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            offline=True,
            service_workers="block",
        ) as context:
            page = context.new_page()

            def note(request: Request) -> None:
                opens = request.is_navigation_request() and request.frame == page.main_frame
                if not (opens and request.url.startswith("file:")):
                    requests.append(request.url)

            context.on("request", note)
            context.route_web_socket("**", lambda socket: requests.append(socket.url))
            yield page
        assert not requests, f"the page asks for {', '.join(requests)}"

    return blank
