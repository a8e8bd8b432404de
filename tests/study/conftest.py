"""Most comparisons here run a few steps of a small problem; pages are opened in a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from browser_faults import LOAD, UNFOLD, faults_of

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


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly(compiled_quickly: None) -> None:
    """To compile their programs is most of the work."""


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """`with small_files(1000):` no file can be longer, as if the disk were full."""
    resource = pytest.importorskip("resource", reason="the system has no limit of a file's size")

    @contextlib.contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


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
        refuse("Playwright is not installed; pip install '.[browser]' installs it.")
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


@pytest.fixture
def examine(new_page: Any) -> Callable[..., list[str]]:
    """What is wrong with the page of an address; everything folded in it is opened before."""

    def faults(address: str, width: int, dark: bool = False) -> list[str]:
        messages: list[str] = []
        with new_page(width, dark) as page:
            page.on("console", lambda entry: messages.append(f"console {entry.type}: {entry.text}"))
            page.on("pageerror", lambda e: messages.append(f"exception: {e.name}: {e.message}"))
            page.goto(address)
            page.locator("details").evaluate_all(UNFOLD)
            page.locator("img").evaluate_all(LOAD)
            return [*faults_of(page), *messages]

    return faults
