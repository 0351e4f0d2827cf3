"""Process: the gateway that a server has, as a process of its own, and the connection to it.

The app makes one when a voice file is given. It finds a gateway that lives (of a server before this
one, which has died or left its calls to it), or starts one; connects, and connects again; starts it
again when it dies, ever more slowly if it dies at once. What the gateway says of itself goes to
gateway.log beside its socket.

    gateway.sock    where it listens        gateway.key    what both sides prove to know
    gateway.lock    held while it lives     gateway.log    its standard error
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from typing_extensions import override

from ringfloor.base.limits import (
    GATEWAY_BACKOFF_MS_MAX,
    GATEWAY_GRACE_MS,
    GATEWAY_HUNG_MS,
    GATEWAY_LOG_BYTES_MAX,
    GATEWAY_LOG_LINES,
    GATEWAY_RETRY_MS,
    GATEWAY_START_MS,
    GATEWAY_STOP_MS,
    LINK_BEAT_MS,
    LINK_SILENT_MS,
)
from ringfloor.base.time import SECOND, Duration, seconds
from ringfloor.gateway.host import checked_path, read_key
from ringfloor.gateway.link import LinkBroken
from ringfloor.gateway.remote import Remote
from ringfloor.telephony.carrier import OnEvent

log = logging.getLogger(__name__)

SOCKET, KEY, LOG = "gateway.sock", "gateway.key", "gateway.log"

BACKOFF_MS = 500
"""Between the first two starts."""

STRANGER_MS = 1_000
"""Between attempts at a gateway that is there and will not have us, or is not ours."""

Found = Literal["gateway", "stranger", "nobody"]


class GatewayProcess:
    """The gateway of a server. remote: the carrier that it is."""

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        on_event: OnEvent,
        wake: Callable[[], None],
    ) -> None:
        """command: starts a gateway that listens in this directory. Raises Fault."""
        self._command = command
        self._environment = environment
        self._path = checked_path(directory / SOCKET)
        self._log = directory / LOG
        self.remote = Remote(on_event, wake, read_key(directory / KEY))
        self._child: subprocess.Popen[bytes] | None = None
        self._log_offset = 0
        self._backoff: Duration = BACKOFF_MS
        self._start_at = 0.0
        """Not before then is it started again, on the loop's clock."""
        self._unanswered_since: float | None = None
        self._line: _Line | None = None
        self._trouble = ""
        self._hurried = False
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have a gateway; returns when there is one, or when it has been waited for long enough."""
        self._keeper = asyncio.create_task(self._keep())
        await self._until(lambda: self.remote.connected or self._hurried, GATEWAY_START_MS)
        if not self.remote.connected:
            log.error("no gateway could be had; the calls of before are given up")

    def hurry(self) -> None:
        """Wait no longer for a gateway: the server ends."""
        self._hurried = True
        self._changed.set()

    async def close(self, *, keep: bool) -> None:
        """Let go. keep: with calls up the gateway goes on, for a server that comes soon."""
        live = self.remote.live()
        leave = keep and live > 0
        told = self.remote.connected and not leave
        if leave:
            await self._until(self.remote.has_said_all, GATEWAY_STOP_MS)
            log.info(
                "%d calls go on in the gateway (process %d), for %d s without a server",
                live,
                self.remote.gateway_pid,
                GATEWAY_GRACE_MS // SECOND,
            )
        self._closing.set()
        if told:
            self.remote.stop()
            await self._until(lambda: not self.remote.connected, GATEWAY_STOP_MS + SECOND)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._line is not None:
            self._line.abort()
        if self._child is not None and not leave:
            _end(self._child, told=told)

    async def _until(self, is_so: Callable[[], bool], at_most: Duration) -> bool:
        """Wait for something that the connection brings; whether it came in time."""
        try:
            async with asyncio.timeout(seconds(at_most)):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    # The connection

    async def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                found = await self._connect()
                pause = STRANGER_MS if self._closing.is_set() else self._look_after(found)
            except OSError as error:  # such as a full disk, where its log is
                log.error("no gateway can be had: %s", error)  # noqa: TRY400
                pause = STRANGER_MS
                if self._line is not None:
                    self._line.abort()
            await self._pause(pause)

    async def _pause(self, at_most: Duration) -> None:
        try:
            async with asyncio.timeout(seconds(at_most)):
                await self._closing.wait()
        except TimeoutError:
            pass

    async def _connect(self) -> Found:
        """Connect, and stay connected as long as that lasts."""
        loop = asyncio.get_running_loop()
        line = _Line(self.remote, self._changed, loop)
        try:
            await loop.create_unix_connection(lambda: line, os.fspath(self._path))
        except OSError:
            self._trouble = ""
            return "nobody"
        self._line = line
        began = loop.time()
        welcomed = False
        while not line.over:
            if self.remote.connected and not welcomed:
                welcomed = True
                self._welcomed()
            try:
                async with asyncio.timeout(seconds(LINK_BEAT_MS)):
                    await line.news.wait()
                line.news.clear()
            except TimeoutError:
                self.remote.beat()
                _bound(self._log)
                if loop.time() - line.heard_at > seconds(LINK_SILENT_MS):
                    line.abort("nothing was heard of it for too long")
        self._line = None
        self._lost(line.trouble, welcomed=welcomed)
        if welcomed and loop.time() - began > seconds(LINK_SILENT_MS):
            self._backoff = BACKOFF_MS
        return "gateway" if welcomed else "stranger"

    def _welcomed(self) -> None:
        self._unanswered_since = None
        pid, live = self.remote.gateway_pid, self.remote.live()
        log.info("the gateway is process %d; it has %d calls", pid, live)

    def _lost(self, trouble: str, *, welcomed: bool) -> None:
        if self._closing.is_set():
            return
        if welcomed:
            log.warning("the gateway is gone, and %d calls wait: %s", self.remote.live(), trouble)
        elif trouble != self._trouble:
            log.warning("the gateway in %s cannot be used: %s", self._path.parent, trouble)
        self._trouble = "" if welcomed else trouble

    # The process

    def _look_after(self, found: Found) -> Duration:
        """See to it that there is a gateway; how long to wait before the next attempt."""
        now = asyncio.get_running_loop().time()
        child = self._child
        if child is not None and child.poll() is not None:
            self._report(child.returncode)
            child = self._child = None
            self._start_at = now + seconds(self._backoff)
            self._backoff = min(self._backoff * 2, GATEWAY_BACKOFF_MS_MAX)
        if child is not None:
            self._unanswered_since = self._unanswered_since or now
            if now - self._unanswered_since > seconds(GATEWAY_HUNG_MS):
                log.error("the gateway (process %d) does not answer, and is killed", child.pid)
                child.kill()
        elif found == "nobody" and now >= self._start_at:
            self._begin(now)
        return STRANGER_MS if found == "stranger" else GATEWAY_RETRY_MS

    def _begin(self, now: float) -> None:
        _bound(self._log)
        self._log_offset = self._log.stat().st_size if self._log.exists() else 0
        self._unanswered_since = now
        descriptor = os.open(self._log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            self._child = subprocess.Popen(  # noqa: S603  our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(self._environment),
                start_new_session=True,  # it outlives this server, and Ctrl-C is not for it
            )
        except OSError as error:
            log.error("the gateway cannot be started: %s", error)  # noqa: TRY400
            self._start_at = now + seconds(self._backoff)
        finally:
            os.close(descriptor)

    def _report(self, status: int) -> None:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        said = _tail(self._log, self._log_offset)
        log.error("the gateway has ended %s%s", how, f"; its last words:\n{said}" if said else "")


def _end(child: "subprocess.Popen[bytes]", *, told: bool) -> None:
    """Wait for the end of a process, which has been told to end or is told now."""
    if not told and child.poll() is None:
        child.terminate()
    try:
        child.wait(seconds(GATEWAY_STOP_MS))
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def gateway_command(voice: Path, data: Path) -> list[str]:
    """What starts a gateway. -P: what lies where the server was started is not imported."""
    own = [sys.executable, "-P", "-m", "ringfloor", "gateway"]
    return [*own, "--voice", os.fspath(voice), "--data", os.fspath(data)]


class _Line(asyncio.Protocol):
    """A connection on the loop."""

    def __init__(
        self, remote: Remote, changed: asyncio.Event, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.over = False
        self.trouble = "it closed the connection"
        self.heard_at = loop.time()
        self.news = asyncio.Event()
        self._loop = loop
        self._remote = remote
        self._changed = changed
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's are of no such class
        self._transport = transport
        self._remote.open(transport.write, self.abort)

    @override
    def data_received(self, data: bytes) -> None:
        if self.over or self._transport is None or self._transport.is_closing():
            return
        self.heard_at = self._loop.time()
        was_connected = self._remote.connected
        try:
            self._remote.receive(data)
        except LinkBroken as error:
            self.abort(str(error))
        if self._remote.connected != was_connected:
            self.news.set()
        self._changed.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over:
            self.over = True
            self._remote.lost()
            self.news.set()
            self._changed.set()

    def abort(self, why: str = "") -> None:
        """End the connection now."""
        self.trouble = why or self.trouble
        if self._transport is not None:
            self._transport.abort()


def _bound(path: Path) -> None:
    """Put what a log has aside when it is long; whoever writes to it appends, and goes on."""
    if path.exists() and path.stat().st_size > GATEWAY_LOG_BYTES_MAX:
        path.with_name(path.name + ".1").write_bytes(path.read_bytes()[-GATEWAY_LOG_BYTES_MAX:])
        os.truncate(path, 0)


def _tail(path: Path, offset: int) -> str:
    """The last lines that have been logged since."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(offset if offset <= size else 0, size - 8_192))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-GATEWAY_LOG_LINES:])
