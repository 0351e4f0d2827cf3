"""Host: the gateway's side of the link: whoever carries calls, and the one server that it has.

`ringfloor gateway` makes a Host, a carrier that tells it its events, and lets serve run both. Host
itself is sans-IO: it is given bytes and instants.

Rules
* Who cannot prove the key is cut off at once. A server that lives keeps the gateway; another gets
  it when that one's connection is gone, or has been silent for too long.
* A server that comes back after its connection broke goes on where it was: nothing is lost, nothing
  comes twice. Any other begins a new session and is told how things stand. What its predecessor was
  not told, or did not live to keep, it learns from that, and from this: a playback, gather or
  recording that was over before is answered by its outcome when it is asked for once more, once.
* Whoever lags behind too far is made to begin anew; so all that is kept is bounded.
* Without a server for GATEWAY_GRACE_MS, or when told to stop, everything is hung up, and it ends.
"""

import asyncio
import fcntl
import logging
import os
import socket
import stat
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from typing_extensions import override

from ringfloor.base.errors import Fault
from ringfloor.base.ids import secret
from ringfloor.base.limits import (
    GATEWAY_FINISHED_MAX,
    GATEWAY_GRACE_MS,
    GATEWAY_HANG_UPS_MAX,
    GATEWAY_SOCKET_PATH_BYTES_MAX,
    GATEWAY_STOP_MS,
    LINK_BEAT_MS,
    LINK_SILENT_MS,
    LINK_VISITORS_MAX,
)
from ringfloor.base.time import Clock, Instant, seconds
from ringfloor.gateway.link import (
    KEY_BYTES,
    NONCE_BYTES,
    Busy,
    Commands,
    Events,
    GatewayEnd,
    Hello,
    Inflow,
    LinkBroken,
    Outflow,
    Send,
    Stop,
    ToGateway,
    TooLong,
    TooMany,
    Welcome,
    WrongKey,
)
from ringfloor.telephony.carrier import Carrier
from ringfloor.telephony.commands import (
    Command,
    Gather,
    HangUp,
    Play,
    StartRecording,
    StopRecording,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelIncoming,
    ChannelUnheld,
    EndpointRegistered,
    EndpointUnregistered,
    Event,
    GatherFinished,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
)

log = logging.getLogger(__name__)


class Memory:
    """What a server that was away has to be told."""

    def __init__(self) -> None:
        self.incoming: dict[str, ChannelIncoming] = {}
        self.held: dict[str, bool] = {}
        self.recordings: dict[str, None] = {}
        self.registered: dict[str, None] = {}
        self.hung_up: OrderedDict[str, ChannelHungUp] = OrderedDict()
        self.recorded: OrderedDict[str, RecordingFinished | RecordingFailed] = OrderedDict()
        self._finished: OrderedDict[str, PlaybackFinished | GatherFinished] = OrderedDict()
        self._of_channel: dict[str, list[str]] = {}

    def outcomes(self) -> dict[str, Event]:
        """Of what is over or, of recordings, under way, by what was asked for."""
        under_way = {f"recording {name}": RecordingStarted(name) for name in self.recordings}
        recorded = {f"recording {name}": event for name, event in self.recorded.items()}
        return {**self._finished, **under_way, **recorded}

    def keep(self, event: Event) -> None:
        """An event has happened."""
        match event:
            case ChannelIncoming():
                self.incoming[event.channel_id] = event
            case ChannelAnswered():
                self.incoming.pop(event.channel_id, None)
            case ChannelHeld() | ChannelUnheld():
                self.held[event.channel_id] = isinstance(event, ChannelHeld)
            case ChannelHungUp():
                self._forget(event.channel_id)
                _put(self.hung_up, event.channel_id, event, GATEWAY_HANG_UPS_MAX)
            case PlaybackFinished():
                self._finish(f"playback {event.playback_id}", event)
            case GatherFinished():
                self._finish(f"gather {event.gather_id}", event)
            case RecordingStarted():
                self.recordings[event.recording_id] = None
            case RecordingFinished() | RecordingFailed():
                self.recordings.pop(event.recording_id, None)
                _put(self.recorded, event.recording_id, event, GATEWAY_FINISHED_MAX)
            case EndpointRegistered():
                self.registered[event.number] = None
            case EndpointUnregistered():
                self.registered.pop(event.number, None)
            case _:
                pass

    def _finish(self, key: str, event: PlaybackFinished | GatherFinished) -> None:
        _put(self._finished, key, event, GATEWAY_FINISHED_MAX)
        self._of_channel.setdefault(event.channel_id, []).append(key)

    def _forget(self, channel_id: str) -> None:
        """Of a channel that is gone only its end is told."""
        self.incoming.pop(channel_id, None)
        self.held.pop(channel_id, None)
        for key in self._of_channel.pop(channel_id, ()):
            self._finished.pop(key, None)


def _put(kept: OrderedDict[str, Any], key: str, value: object, at_most: int) -> None:
    kept[key] = value
    while len(kept) > at_most:
        kept.popitem(last=False)


def _asked_for(command: Command) -> str | None:
    """What a command asks for that has one outcome."""
    match command:
        case Play():
            return f"playback {command.playback_id}"
        case Gather():
            return f"gather {command.gather_id}"
        case StartRecording() | StopRecording():
            return f"recording {command.recording_id}"
        case _:
            return None


class _Session:
    """What one server, in one of its lives, has been told and has asked."""

    def __init__(self, server: str, answers: dict[str, Event]) -> None:
        self.server = server
        self.answers = answers
        """Outcomes from before its time, each until it is told."""
        self.events: Outflow[tuple[Instant, Event]] = Outflow()
        self.commands = Inflow()


class Visitor:
    """One connection to a host, from its first byte to its last."""

    def __init__(
        self, host: "Host", end: GatewayEnd, close: Callable[[], None], now: Instant
    ) -> None:
        self._host = host
        self.end = end
        self.close = close
        self.heard_at = now

    def receive(self, data: bytes, now: Instant) -> None:
        """Bytes have come. Never raises: what is wrong ends the connection."""
        try:
            heard = self.end.receive(data)
            if heard or self.end.proved:
                self.heard_at = now
            for message in heard:
                self._host.hears(self, message, now)
        except LinkBroken as error:
            self._host.refuse(self, error, now)
        self._host.run_due(now)

    def lost(self, now: Instant) -> None:
        """The connection is gone."""
        self._host.leave(self, now)


class Host:
    """Serves a carrier to one server at a time."""

    def __init__(self, key: bytes, now: Instant) -> None:
        """now: the grace begins."""
        self.life = secret(16).hex()
        """Of this process; a server tells by it that its calls are not here."""
        self.refused = 0
        """Connections that could not prove the key."""
        self.over = ""
        """Why it ends."""
        self.wake: Callable[[], None] = lambda: None
        """Called by carriers when run_due has something to do; set by serve."""
        self._key = key
        self._carrier: Carrier | None = None
        self._memory = Memory()
        self._session: _Session | None = None
        self._server: Visitor | None = None
        self._visitors: dict[Visitor, None] = {}
        self._alone_since: Instant | None = now
        self._beat_at: Instant = now + LINK_BEAT_MS

    def connect(self, carrier: Carrier) -> None:
        """Serve this carrier; it was built with hear as its callback."""
        self._carrier = carrier

    def hear(self, event: Event, at: Instant) -> None:
        """An event of the carrier."""
        self._memory.keep(event)
        self._tell(event, at)

    def live(self) -> int:
        """How many calls there are."""
        assert self._carrier is not None
        return len(self._carrier.channels())

    # Connections

    def visit(self, send: Send, close: Callable[[], None], now: Instant) -> Visitor | None:
        """Somebody has connected; None: too many have whom nobody knows."""
        if sum(not each.end.proved for each in self._visitors) >= LINK_VISITORS_MAX:
            close()
            return None
        end = GatewayEnd(self._key, secret(NONCE_BYTES), send)
        visitor = Visitor(self, end, close, now)
        self._visitors[visitor] = None
        end.begin()
        return visitor

    def leave(self, visitor: Visitor, now: Instant) -> None:
        """A connection is gone, or of no more use."""
        self._visitors.pop(visitor, None)
        if visitor is self._server:
            self._server = None
            self._alone_since = now
            log.info("the server is gone; %d calls are kept for it", self.live())

    def refuse(self, visitor: Visitor, error: LinkBroken, now: Instant) -> None:
        """Cut a connection off."""
        if isinstance(error, WrongKey):
            self.refused += 1
        log.warning("a connection to the gateway is cut off: %s", error)
        self.leave(visitor, now)
        visitor.close()

    def hears(self, visitor: Visitor, message: ToGateway, now: Instant) -> None:
        """A message of somebody who knows the key. Raises LinkBroken."""
        if isinstance(message, Hello):
            self._welcome(visitor, message, now)
            return
        if visitor is not self._server or self._session is None:
            raise LinkBroken("a message of somebody who has not been welcomed")
        match message:
            case Commands():
                self._session.events.acknowledged(message.seen)
                for command in self._session.commands.new(message.first, message.commands):
                    self._perform(command, now)
                if message.commands:
                    self._flush(always=True, now=now)
            case Stop():
                self.over = "the server says so"
        self.wake()

    def _welcome(self, visitor: Visitor, hello: Hello, now: Instant) -> None:
        known = self._session is not None and self._session.server == hello.server
        other = self._server
        if other is not None and other is not visitor:
            if not known and now - other.heard_at < LINK_SILENT_MS:
                visitor.end.say(Busy())
                raise LinkBroken("another server holds this gateway, and lives")
            self.leave(other, now)
            other.close()
        resumed = known and hello.gateway == self.life
        if self._session is None or not resumed:
            self._session = _Session(hello.server, self._memory.outcomes())
        self._session.events.acknowledged(hello.seen if resumed else 0)
        self._session.events.again()
        self._server = visitor
        self._alone_since = None
        visitor.end.say(self._standing(self._session, resumed=resumed))
        log.info("a server is here, %s", "again" if resumed else "and is told how things stand")

    def _standing(self, session: _Session, *, resumed: bool) -> Welcome:
        assert self._carrier is not None
        memory = self._memory
        told = () if resumed else tuple(memory.hung_up.values())
        return Welcome(
            self.life,
            os.getpid(),
            resumed,
            session.commands.seen,
            tuple(replace(channel, memory=b"") for channel in self._carrier.channels()),
            tuple(memory.incoming.values()),
            tuple(memory.held.items()),
            tuple(memory.recordings),
            told,
            () if resumed else tuple(memory.recorded.values()),
            tuple(memory.registered),
        )

    # Commands and events

    def _perform(self, command: Command, now: Instant) -> None:
        assert self._carrier is not None
        assert self._session is not None
        asked_for = _asked_for(command)
        outcome = None if asked_for is None else self._session.answers.get(asked_for)
        if outcome is None:
            self._carrier.perform(command, now)
            return
        if asked_for is not None:
            del self._session.answers[asked_for]
        if isinstance(outcome, RecordingStarted):  # it goes on, and may be stopped by this
            self._carrier.perform(command, now)
        if not isinstance(outcome, RecordingStarted) or isinstance(command, StartRecording):
            self._tell(outcome, now)

    def _tell(self, event: Event, at: Instant) -> None:
        if self._session is None:
            return
        try:
            self._session.events.push((at, event))
        except TooLong as error:
            log.error("an event is not told: %s: %s", type(event).__name__, error)  # noqa: TRY400
        except TooMany as error:
            log.warning("the server lags behind and must begin anew: %s", error)
            self._session = None

    def _flush(self, now: Instant, *, always: bool = False) -> None:
        """Send what may be sent. always: also if that is only how far we are."""
        if self._server is None or self._session is None:
            return
        first, events = self._session.events.batch()
        if events or always:
            seen = self._session.commands.seen
            self._server.end.say_batch(Events, first, events, seen)
            self._beat_at = now + LINK_BEAT_MS

    # Time

    def next_due(self) -> Instant:
        """When run_due has something to do."""
        assert self._carrier is not None
        dues = [self._beat_at, self._carrier.next_due()]
        if self._alone_since is not None and not self.over:
            dues.append(self._alone_since + GATEWAY_GRACE_MS)
        return min(due for due in dues if due is not None)

    def run_due(self, now: Instant) -> None:
        """Let happen what is due by now, and tell of it."""
        assert self._carrier is not None
        self._carrier.run_due(now)
        if self._server is not None and self._session is None:  # it lags behind
            server = self._server
            self.leave(server, now)
            server.close()
        self._flush(now)
        if now >= self._beat_at:
            self._beat_at = now + LINK_BEAT_MS
            self._flush(now, always=True)
            for visitor in [
                each for each in self._visitors if now - each.heard_at > LINK_SILENT_MS
            ]:
                self.refuse(visitor, LinkBroken("nothing was heard of it for too long"), now)
        if self._alone_since is not None and now - self._alone_since >= GATEWAY_GRACE_MS:
            self.over = self.over or "no server came"

    def hang_up(self, now: Instant) -> None:
        """The end: let go of all far ends, and finish what is recorded."""
        assert self._carrier is not None
        cause = Q850.TEMPORARY_FAILURE if self._server is None else Q850.NORMAL_CLEARING
        for channel in self._carrier.channels():
            self._carrier.perform(HangUp(channel.channel_id, cause), now)
        for name in list(self._memory.recordings):
            self._carrier.perform(StopRecording(name), now)
        self.run_due(now)

    def close(self) -> None:
        """Let go of all connections."""
        for visitor in list(self._visitors):
            visitor.close()

    def quiet(self) -> bool:
        """Whether nothing is left to end."""
        return not self.live() and not self._memory.recordings


# Sockets

TROUBLED_MS = 100
"""After a turn that failed."""


class _Line(asyncio.Protocol):
    """A connection on the loop."""

    _visitor: Visitor | None = None

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's are of no such class
        self._visitor = self._host.visit(transport.write, transport.close, self._clock.now())

    @override
    def data_received(self, data: bytes) -> None:
        if self._visitor is not None:
            self._visitor.receive(data, self._clock.now())

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._visitor is not None:
            self._visitor.lost(self._clock.now())


def checked_path(path: Path) -> Path:
    """The path of a socket; raises Fault if there can be none."""
    length = len(os.fsencode(path))
    if length > GATEWAY_SOCKET_PATH_BYTES_MAX:
        raise Fault(
            f"{path} is {length} bytes long, and the path of a UNIX socket has at most"
            f" {GATEWAY_SOCKET_PATH_BYTES_MAX}: choose a data directory with a shorter path"
        )
    return path


def read_key(path: Path) -> bytes:
    """The key of a gateway, which is made if there is none; raises Fault."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secret(8).hex()}")
        descriptor = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret(KEY_BYTES))
        with suppress(FileExistsError):  # somebody else was quicker
            os.link(fresh, path)
        fresh.unlink()
    kept = path.stat()
    if kept.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or kept.st_uid != os.geteuid():
        raise Fault(f"others can read {path}, or made it: delete it while no gateway runs")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Fault(f"{path} is not {KEY_BYTES} bytes long; delete it while no gateway runs")
    return key


class _Turns:
    """Calls the host when something is due, and soon after somebody has woken it."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._soon = False
        self.changed = asyncio.Event()

    def wake(self) -> None:
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self.turn)

    def turn(self) -> None:
        self._soon = False
        later = TROUBLED_MS
        try:
            self._host.run_due(self._clock.now())
            later = max(self._host.next_due() - self._clock.now(), 1)
        finally:  # whatever is wrong with one call is logged by the loop, and the others go on
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(seconds(later), self.turn)
            self.changed.set()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


async def serve(host: Host, path: Path, clock: Clock) -> None:
    """Serve at this socket until host.over, then hang up. Raises Fault if it cannot be had.

    The directory is the operator's alone; so is the socket.
    """
    checked_path(path)
    _check_directory(path.parent)
    lock = _locked(path.with_suffix(".lock"))
    turns = _Turns(host, clock)
    host.wake = turns.wake
    try:
        listener = _listener(path)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: _Line(host, clock), sock=listener)
        turns.turn()
        try:
            while not host.over:
                await turns.changed.wait()
                turns.changed.clear()
            log.info("the gateway ends: %s; %d calls are hung up", host.over, host.live())
            host.hang_up(clock.now())
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds(GATEWAY_STOP_MS)):
                    while not host.quiet():
                        turns.wake()
                        await turns.changed.wait()
                        turns.changed.clear()
        finally:
            turns.end()
            server.close()
            host.close()
            _remove(path)
    finally:
        os.close(lock)


def _check_directory(directory: Path) -> None:
    mode = directory.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Fault(f"others can write to {directory}: chmod 700 it")


def _locked(path: Path) -> int:
    """The lock that a gateway holds as long as it lives, however it dies."""
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Fault(f"another gateway uses {path.parent}") from error
    return lock


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a dead one: we hold the lock
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    except OSError as error:
        listener.close()
        raise Fault(f"cannot listen on {path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return listener
