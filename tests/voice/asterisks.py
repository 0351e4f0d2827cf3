"""Asterisk for tests: the machine's own, or the one that `make asterisk` unpacked, under our files.

The configuration is that of docs/asterisk, with ports of its own, so that what the guide says is
what was tried.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".asterisk"
GUIDE = ROOT / "docs/asterisk"
MODULES = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
PASSWORD = "a password of the tests"
READY_SECONDS = 20


@dataclass
class Installed:
    """An Asterisk of 22 or later, and the root of its files."""

    root: Path

    def command(self, config: str) -> list[str]:
        inside = ["/usr/sbin/asterisk", "-f", "-C", config]
        return inside if self.root == Path("/") else ["chroot", str(self.root), *inside]


def installed() -> Installed:
    """The Asterisk to be tried; skips, aloud, where there is none."""
    if (UNPACKED / "usr/sbin/asterisk").exists() and os.geteuid() == 0:
        return Installed(UNPACKED)
    own = shutil.which("asterisk")
    if own is not None:
        told = subprocess.run([own, "-V"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"Asterisk (\d+)", told)
        if version and int(version[1]) >= 22:
            return Installed(Path("/"))
    pytest.skip("WITHOUT ASTERISK: none of version 22 is here; `make phones` brings one")


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass
class Running:
    """A running Asterisk."""

    url: str
    sip_port: int
    home: Path
    """Its directory, as we see it; inside it is at theirs."""
    theirs: str
    process: subprocess.Popen[str]
    log: list[str]

    @property
    def recordings(self) -> Path:
        return self.home / "spool/recording"


@contextmanager
def running(trunk_port: int) -> Iterator[Running]:
    """An Asterisk whose trunk is a phone at this port of loopback."""
    asterisk = installed()
    (asterisk.root / "tmp").mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="ringfloor-", dir=asterisk.root / "tmp"))
    theirs = f"/{home.relative_to(asterisk.root)}"
    http_port, sip_port = _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)
    for name in ("etc", "spool/recording", "run", "log", "sounds"):
        (home / name).mkdir(parents=True)
    changes = {
        "http.conf": [("bindport = 8088", f"bindport = {http_port}")],
        "ari.conf": [("password = CHANGE-ME", f"password = {PASSWORD}")],
        "pjsip.conf": [
            ("bind = 127.0.0.1:5060", f"bind = 127.0.0.1:{sip_port}"),
            ("contact = sip:127.0.0.1:5080", f"contact = sip:127.0.0.1:{trunk_port}"),
        ],
    }
    for file in GUIDE.glob("*.conf"):
        text = file.read_text()
        for old, new in changes.get(file.name, []):
            assert old in text, f"{file.name} has no longer {old!r}"
            text = text.replace(old, new)
        (home / "etc" / file.name).write_text(text)
    (home / "etc/asterisk.conf").write_text(
        "[directories]\n"
        f"astetcdir => {theirs}/etc\nastmoddir => {MODULES}\nastvarlibdir => /var/lib/asterisk\n"
        f"astdbdir => {theirs}/run\nastkeydir => {theirs}/run\nastdatadir => /usr/share/asterisk\n"
        f"astspooldir => {theirs}/spool\nastrundir => {theirs}/run\nastlogdir => {theirs}/log\n"
        "[options]\nverbose = 3\n"
    )
    (home / "etc/logger.conf").write_text("[logfiles]\nconsole => notice,warning,error\n")
    process = subprocess.Popen(
        asterisk.command(f"{theirs}/etc/asterisk.conf"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    log: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            if "Asterisk Ready" in line:
                ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(READY_SECONDS), "".join(log[-40:])
        url = f"http://127.0.0.1:{http_port}/ari"
        yield Running(url, sip_port, home, theirs, process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(home, ignore_errors=True)


def write_tone(file: Path, frames: list[int]) -> None:
    """A WAV of samples."""
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", "NONE"))
        out.writeframes(b"".join(each.to_bytes(2, "little", signed=True) for each in frames))
    file.chmod(0o644)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
