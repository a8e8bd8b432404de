"""A real browser, driven over the DevTools protocol through a pipe, with the standard library only.

Chromium reads commands from its file descriptor 3 and writes answers and events to 4: JSON, each
message ended by a zero byte. No port is opened.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds for one message
EVENTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

PLACE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

# Everything that is folded is opened, and everything that would be loaded later is loaded.
OPEN = """
document.querySelectorAll('details').forEach(x => { x.open = true });
Promise.all([...document.images].map(image => {
  image.loading = 'eager';
  return image.decode().catch(() => null);
})).then(() => true)
"""
EXAMINE = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => below.map((x, i) => x + (top[i] - x) * top[3] / 255);
  const paper = document.documentElement.appendChild(document.createElement('p'));
  paper.style.background = 'Canvas';
  const plain = rgba(getComputedStyle(paper).backgroundColor).slice(0, 3);
  paper.remove();
  const behind = element => element === null ? plain
    : over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  const texts = {};
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some(x => x.nodeType === 3 && x.data.trim());
    if (!own || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const back = behind(element);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const found = [over(rgba(style.color), back), back, large, element.textContent.slice(0, 30)];
    texts[JSON.stringify(found.slice(0, 3))] = found;
  }
  const root = document.documentElement;
  const right = x => x.getBoundingClientRect().right + scrollX;
  return {
    images: [...document.images].map(x => ({
      alt: x.alt, inside: x.src.startsWith('data:'), loaded: x.complete && x.naturalWidth > 0,
      seen: x.getBoundingClientRect().width > 0 && x.getBoundingClientRect().height > 0,
    })),
    over: root.scrollWidth - innerWidth,
    widest: [...document.body.querySelectorAll('*')].reduce(
      (a, b) => right(b) > right(a) ? b : a, document.body).outerHTML.slice(0, 60),
    levels: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(x => +x.tagName[1]),
    texts: Object.values(texts),
  };
})()
"""


def program():
    """The browser, None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def contrast(one, other):
    """Contrast ratio of two colours, each of three numbers up to 255, as WCAG 2 defines it."""

    def luminance(colour):
        parts = [x / 255 for x in colour]
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Browser:
    """A browser. Use as a context.

    Raises:
        FileNotFoundError: there is none.
    """

    def __init__(self):
        found = program()
        if found is None:
            raise FileNotFoundError(f"there is no browser; install one of {', '.join(PROGRAMS)}.")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._command = [found, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._left, self._number, self._events = b"", 0, []

    def __enter__(self):
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        # Copies far above 4, so that what becomes 3 in the child does not overwrite the other.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (reads, writes)]

        nothing = subprocess.DEVNULL
        # A function to be called in the child would have the fork of a process with JAX's threads
        # warn, so that a second Python gives the two their numbers and becomes the browser.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", PLACE, *map(str, high), *self._command],
            pass_fds=high,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
        )
        for end in (reads, writes, *high):
            os.close(end)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, TimeoutError, EOFError):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def call(self, method, session=None, **parameters):
        """The result of a command; events that arrive meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._to, content) :]
        number = self._number
        answer = self._until(method, lambda message: message.get("id") == number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, method, session):
        """The next event of a kind in a session, or one that has come already."""
        for event in self._events:
            if (event.get("method"), event.get("sessionId")) == (method, session):
                return event
        return self._until(
            method, lambda m: (m.get("method"), m.get("sessionId")) == (method, session)
        )

    def faults(self, address, width, dark=False):
        """What is wrong with a page, in words: everything folded in it is opened before."""
        with self._shown(address, width, dark) as session:
            seen = self._evaluate(EXAMINE, session)
            told = [_told(e) for e in self._events if e.get("sessionId") == session]
        return [*filter(None, told), *_faults(seen)]

    def screenshot(self, address, width, dark=False, folded=True):
        """The whole page as PNG."""
        with self._shown(address, width, dark, folded) as session:
            height = self._evaluate("document.documentElement.scrollHeight", session)
            self._resize(session, width, min(height, 16_000))
            found = self.call("Page.captureScreenshot", session, format="png")
        return base64.b64decode(found["data"])

    @contextlib.contextmanager
    def _shown(self, address, width, dark, folded=False):
        """A page, opened and loaded; gives its session."""
        self._events.clear()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            for domain in ("Page", "Runtime", "Log"):
                self.call(f"{domain}.enable", session)
            self._resize(session, width, 800)
            self.call("Emulation.setScrollbarsHidden", session, hidden=True)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            self.call("Emulation.setEmulatedMedia", session, features=[scheme])
            self._events.clear()
            went = self.call("Page.navigate", session, url=address)
            if "errorText" in went:
                raise RuntimeError(f"{address} cannot be opened: {went['errorText']}")
            self.wait("Page.loadEventFired", session)
            self._evaluate(OPEN.split(";", 1)[1] if folded else OPEN, session)
            yield session
        finally:
            self.call("Target.closeTarget", targetId=target)

    def _resize(self, session, width, height):
        self.call(
            *("Emulation.setDeviceMetricsOverride", session),
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def _evaluate(self, expression, session):
        """The value of an expression of JavaScript, of a promise what it promises."""
        found = self.call(
            *("Runtime.evaluate", session),
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def _until(self, what, wanted):
        """The first message that is wanted; the others are kept."""
        end = time.monotonic() + PATIENCE
        while True:
            while b"\0" not in self._left:
                ready, _, _ = select.select([self._from], [], [], max(0, end - time.monotonic()))
                if not ready:
                    raise TimeoutError(f"no answer to {what} in {PATIENCE} seconds")
                part = os.read(self._from, 1 << 20)
                if not part:
                    raise EOFError("the browser has ended")
                self._left += part
            content, self._left = self._left.split(b"\0", 1)
            message = json.loads(content)
            if wanted(message):
                return message
            self._events.append(message)


def _told(event):
    """What an event says of a page, None where it is nothing bad."""
    if event.get("method") not in EVENTS:
        return None
    parameters = event["params"]
    if event["method"] == "Runtime.consoleAPICalled":
        words = [str(x.get("value", x.get("description"))) for x in parameters["args"]]
        return f"console {parameters['type']}: {' '.join(words)}"
    if event["method"] == "Runtime.exceptionThrown":
        details = parameters["exceptionDetails"]
        told = details.get("exception", {}).get("description", details["text"])
        return f"exception: {told}"
    return f"log {parameters['entry']['level']}: {parameters['entry']['text']}"


def _faults(seen):
    """What is wrong with what `EXAMINE` has seen."""
    for image in seen["images"]:
        name = f"the picture {image['alt'].strip()[:40]!r}"
        if not image["loaded"]:
            yield f"{name} {'is broken' if image['inside'] else 'was not loaded'}"
        if not image["seen"]:
            yield f"{name} cannot be seen"
        if not image["alt"].strip():
            yield "a picture has no alternative text"
    if seen["over"] > 0:
        yield f"the page is {seen['over']} pixels too wide: {seen['widest']}"
    levels = seen["levels"]
    if levels.count(1) != 1:
        yield f"there are {levels.count(1)} headings of level 1"
    for before, after in itertools.pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"
    for colour, back, large, text in seen["texts"]:
        found = contrast(colour, back)
        if found < (3 if large else 4.5):
            yield f"contrast of {found:.2f} of the text {text!r}"
