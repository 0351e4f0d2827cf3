"""Chromium: a headless browser for tests, over the DevTools protocol.

The machine's own Chromium or Chrome is preferred; without one, that of the package
@sparticuz/chromium in tests/node is unpacked once, next to it (`make test` installs the package).
Where there is neither, the tests that need a browser skip and say why; where CI is set they fail.
"""

import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

import javascript

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = javascript.HOME / "node_modules/@sparticuz/chromium"
UNPACKED = PACKAGE / "unpacked"
UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
"""
ANSWER_SECONDS = 30
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{own}</dir><dir>/usr/share/fonts</dir><cachedir>{home}/fonts</cachedir></fontconfig>
"""
"""The package's own file looks for fonts where AWS has them, and finds none."""

TELLING = """(async () => {
  try { return await (EXPRESSION); }
  catch (error) { throw error instanceof Error ? error : new Error(JSON.stringify(error)); }
})()"""
"""Libraries also throw what is no Error."""

OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests run as root in containers, where Chromium's own does not start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
)


class Executable:
    """A browser that can be started here, and what it needs around it."""

    def __init__(self) -> None:
        own = next((path for path in map(shutil.which, NAMES) if path), None)
        self.libraries: Path | None = None
        if own is not None:
            self.path = Path(own)
            return
        if not PACKAGE.is_dir() or platform.machine() != "x86_64":
            javascript.missing("no Chromium on the path; `make node` has one for x86-64")
        self.path = UNPACKED / "chromium"
        self.libraries = UNPACKED / "al2023/lib"
        if not self.path.exists():
            unpack()

    def environment(self, home: Path) -> dict[str, str]:
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC"}
        if self.libraries is not None:  # of Chromium's own libraries few machines have all
            variables["LD_LIBRARY_PATH"] = str(self.libraries)
            fonts = home / "fonts.conf"
            fonts.write_text(FONTS.format(own=UNPACKED / "fonts/fonts", home=home))
            variables["FONTCONFIG_FILE"] = str(fonts)
        return variables


def unpack() -> None:
    """Unpack the package's browser whole or not at all; two workers may do so at once."""
    with tempfile.TemporaryDirectory(dir=PACKAGE, prefix="unpacking-") as made:
        program = Path(made) / "unpack.mjs"
        program.write_text(UNPACK)
        subprocess.run(
            [javascript.executable(), str(program)],
            check=True,
            capture_output=True,
            # The package unpacks its libraries only where it believes to be on AWS.
            env={"PATH": os.environ["PATH"], "TMPDIR": made, "AWS_EXECUTION_ENV": "nodejs20.x"},
        )
        try:
            Path(made).rename(UNPACKED)
        except OSError:
            assert UNPACKED.is_dir(), "another worker was quicker, or else this is wrong"
        else:
            Path(made).mkdir()  # for the end of the with


class Page:
    """One tab. Answers and events of the protocol arrive over one socket, in order."""

    def __init__(self, socket: ClientConnection, address: str) -> None:
        self._socket = socket
        self._address = address
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.complaints: list[str] = []
        """What the console said in red, and exceptions that nobody caught."""
        self.logged: list[str] = []
        """What the browser itself said in red, such as what a policy forbade."""
        self.requested: list[str] = []
        """Every address that was asked for anything."""

    def attach(self) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Runtime", "Page", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Any:
        """A command of the protocol and its answer."""
        number = next(self._numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            command["sessionId"] = self._session
        self._socket.send(json.dumps(command))
        while True:
            said = json.loads(self._socket.recv(timeout=ANSWER_SECONDS))
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                return said["result"]
            self._hear(said)

    @contextmanager
    def beside(self) -> "Iterator[Page]":
        """Another tab of the same browser; it is closed at the end."""
        with _opened(self._address) as page:
            yield page
            page.ask("Page.close")

    def open(self, address: str) -> None:
        """Go there; run asks once the page's scripts have run."""
        self.ask("Page.navigate", url=address)
        self.run(
            "new Promise(done => document.readyState === 'complete' ? done(1)"
            " : addEventListener('load', () => done(1)))"
        )

    def run(self, expression: str) -> Any:
        """The value of an expression, or of what it promises; fails with what it throws."""
        answer = self.ask(
            "Runtime.evaluate",
            expression=TELLING.replace("EXPRESSION", expression),
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            thrown = details.get("exception", {})
            pytest.fail(f"{thrown.get('description') or thrown.get('value') or details['text']}")
        return answer["result"].get("value")

    def call(self, function: str, *arguments: Any) -> Any:
        """As run: a function of the page with JSON arguments."""
        return self.run(f"{function}({', '.join(json.dumps(each) for each in arguments)})")

    def _hear(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        if said.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            words = (str(each.get("value", each.get("description"))) for each in params["args"])
            self.complaints.append(" ".join(words))
        elif said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif said.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.logged.append(params["entry"]["text"])
        elif said.get("method") == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])


def with_microphone(recording: Path) -> tuple[str, ...]:
    """Options of a browser whose microphone, a WAV file over and over, any page may use."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
        "--autoplay-policy=no-user-gesture-required",
    )


@contextmanager
def browser(*options: str) -> Iterator[Page]:
    """A browser with nobody's profile, and one page of it."""
    executable = Executable()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [
                str(executable.path),
                *OPTIONS,
                *options,
                f"--user-data-dir={home}/profile",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=executable.environment(Path(home)),
        )
        assert process.stderr is not None
        reader: Thread | None = None
        try:
            address = _address(process)
            reader = Thread(target=process.stderr.read, daemon=True)  # or it would fill up
            reader.start()
            with _opened(address) as page:
                yield page
        finally:
            process.kill()
            process.wait()
            if reader is not None:
                reader.join()
            process.stderr.close()


@contextmanager
def _opened(address: str) -> Iterator[Page]:
    with connect(address, max_size=None, max_queue=None, ping_interval=None) as socket:
        page = Page(socket, address)
        page.attach()
        yield page


def _address(process: "subprocess.Popen[str]") -> str:
    """Where the browser listens, as it says itself."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"DevTools listening on (ws://\S+)", line):
            return found[1]
    pytest.fail(f"the browser did not start: {''.join(said)}")
