"""A page in headless Chromium without a network, driven through its DevTools protocol.

``python -m harness.selfcheck.browser PAGE -o FILE.png`` takes a picture of the top of one.

The browser is spoken to through two pipes, so that no port is opened and nothing is needed but
Chromium itself: see https://chromedevtools.github.io/devtools-protocol.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

from harness.errors import UnableError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = "FERRYBENCH_CHROMIUM"
"""The environment variable that names the browser, where it is not found by its usual names."""
AXE = "FERRYBENCH_AXE"
"""The environment variable that names axe-core's script."""
AXE_PLACE = Path(".page-check/node_modules/axe-core/axe.min.js")
"""Where ``make page-check`` installs it."""
WAIT_S = 60.0
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # the pages are our own
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=127.0.0.1:9",  # where nobody listens: the network is off
    "--remote-debugging-pipe",
)
_MOVING = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads from 3 and writes to 4, either of which may be the end of the other pipe."""
Event = dict[str, Any]


def chromium() -> str:
    """The path of the browser; "" where there is none."""
    named = os.environ.get(CHROMIUM, "")
    return named or next(filter(None, map(shutil.which, NAMES)), "")


def axe_script(root: Path) -> Path | None:
    """axe-core's script, as named by the environment or installed in a checkout."""
    path = Path(os.environ.get(AXE) or root / AXE_PLACE)
    return path if path.is_file() else None


class Browser:
    """A running Chromium with one page, and what that page said."""

    def __init__(self, process: subprocess.Popen[bytes], reads: int, writes: int) -> None:
        self._process = process
        self._reads, self._writes = reads, writes
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[Event] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._reads)
        os.close(self._writes)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result.

        Raises:
            UnableError: the browser refuses it, or does not answer in time.
        """
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._writes, rest) :]
        deadline = time.monotonic() + WAIT_S
        while True:
            answer = self._message(deadline, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise UnableError(f"Chromium: {method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _message(self, deadline: float, what: str) -> Event:
        """The next message; events are also kept."""
        while b"\0" not in self._buffer:
            ready, _, _ = select([self._reads], [], [], max(0.0, deadline - time.monotonic()))
            read = os.read(self._reads, 1 << 20) if ready else b""
            if not read:
                raise UnableError(f"Chromium does not answer to {what}")
            self._buffer += read
        one, _, self._buffer = self._buffer.partition(b"\0")
        message: Event = json.loads(one)
        if "method" in message:
            self.events.append(message)
        return message

    def attach(self) -> None:
        """Take hold of an empty page, and listen to all that it says and asks for."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page and wait until that is done."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=page.absolute().as_uri())
        self.until("Page.loadEventFired")

    def until(self, method: str) -> Event:
        """Wait for an event.

        Raises:
            UnableError: it does not come.
        """
        deadline = time.monotonic() + WAIT_S
        while True:
            for event in self.events:
                if event["method"] == method:
                    return event
            self._message(deadline, method)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to, once it is settled.

        Raises:
            UnableError: it throws.
        """
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            said = found["exceptionDetails"]
            text = said.get("exception", {}).get("description", said["text"])
            raise UnableError(f"the page: {text}")
        return found["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """A key of the keyboard, down and up."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text, code=key)

    def screenshot(self) -> bytes:
        """The page as PNG, as far as it is in view."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    @property
    def complaints(self) -> list[str]:
        """Everything that stands on the console, and dialogs that were opened."""
        texts: dict[str, Callable[[Event], Any]] = {
            "Runtime.consoleAPICalled": lambda one: [each.get("value") for each in one["args"]],
            "Runtime.exceptionThrown": lambda one: one["exceptionDetails"],
            "Log.entryAdded": lambda one: one["entry"]["text"],
            "Page.javascriptDialogOpening": lambda one: one["message"],
        }
        return [
            f"{event['method']}: {texts[event['method']](event['params'])}"
            for event in self.events
            if event["method"] in texts
        ]

    @property
    def fetched(self) -> list[str]:
        """What was asked for from anywhere, beside the page itself and data within it."""
        return [
            url
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
            for url in [str(event["params"]["request"]["url"])]
            if not url.startswith(("file:", "data:"))
        ]


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of its own, with an empty profile that goes with it.

    Raises:
        UnableError: there is none.
    """
    path = chromium()
    if not path:
        raise UnableError(f"no Chromium here: install one, or name it with {CHROMIUM}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        ends = (str(theirs_in), str(theirs_out))
        process = subprocess.Popen(
            [sys.executable, "-c", _MOVING, *ends, path, *_ARGUMENTS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        with Browser(process, ours_in, ours_out) as found:
            found.attach()
            yield found


def main() -> None:
    """Take a picture of what of a page is in view at first."""
    parser = argparse.ArgumentParser(prog="python -m harness.selfcheck.browser")
    parser.add_argument("page", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    said = parser.parse_args()
    with browser() as found:
        found.open(said.page, width=said.width, height=said.height, dark=said.dark)
        time.sleep(2)  # while figures are drawn
        said.output.write_bytes(found.screenshot())


if __name__ == "__main__":
    main()
