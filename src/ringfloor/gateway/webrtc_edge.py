"""WebRTC edge: the process that carries the sound of browsers.

    python -P -m ringfloor.gateway.webrtc_edge SETTINGS  < socket

Started by gateway.webrtc. It reads what anybody may send, some of it in C, so it has a process of
its own: when it dies, browsers are lost and nothing else. Standard input is one end of a pair of
UNIX sockets: orders come in and news goes out, a line of JSON each; when the other end closes, the
process ends.

    browser <- one UDP port for all: STUN, DTLS, SRTP -> rtp.io <- plain RTP -> our leg

Rules
* A browser is known by its ICE password: who asks with it is answered (ICE-lite), and from then on
  what comes from there is his. Everything else that comes to the port is dropped, unanswered.
* What goes to a browser goes where his last DTLS or SRTP came from: so he may change networks.
* rtp.io (RTPProxy in a library, with its module dtls_gw) terminates DTLS and SRTP, on the loopback
  only. Its own ice_lite is not used: it knows no browser behind a NAT, which has not told the
  address that it is seen with.
* A browser sends all the time. Who has been heard and then is silent is told of once.
"""

import re
import selectors
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from ringfloor.base.limits import (
    BROWSER_IDLE_SECONDS,
    BROWSER_SILENT_MS,
    BROWSER_SOURCES_MAX,
    WEBRTC_EDGE_ORDER_BYTES_MAX,
)
from ringfloor.base.time import SECOND, Instant, WallClock
from ringfloor.gateway import stun

INSIDE = "127.0.0.1"
PACKET_BYTES_MAX = 2048
PACKETS_AT_ONCE = 200
"""Read from one socket before the others have their turn."""

ENGINE_SECONDS = 2
"""For rtp.io to answer a command; then it is stuck, and the process dies of it."""

_ADDED = re.compile("([0-9]{1,5}) ")
_OPENED = re.compile("([0-9]{1,5}) .* passive SHA-256 ([0-9A-F:]{95})")

Address = tuple[Any, ...]
"""As sockets tell it; host and port come first."""


class Settings(Struct, frozen=True):
    """Where browsers find it; port 0: any."""

    host: str
    port: int


class Ready(Struct, frozen=True, tag=True):
    """The first news: the port for browsers."""

    port: int


class Open(Struct, frozen=True, tag=True):
    """A session. host, port: where our leg hears. Opened or Failed is the answer."""

    name: str
    """No blanks: it is a word of rtp.io's commands, as the fingerprint is (SHA-256)."""
    ufrag: str
    password: str
    fingerprint: str
    host: str
    port: int


class Opened(Struct, frozen=True, tag=True):
    """inside_port: where our leg sends to. fingerprint: ours, SHA-256."""

    name: str
    inside_port: int
    fingerprint: str


class Failed(Struct, frozen=True, tag=True):
    """name: "" instead of Ready."""

    name: str
    reason: str


class Drop(Struct, frozen=True, tag=True):
    name: str


class Silent(Struct, frozen=True, tag=True):
    """Nothing has come from this browser for BROWSER_SILENT_MS."""

    name: str


Order = Open | Drop
News = Ready | Opened | Failed | Silent


class Session:
    """One browser."""

    def __init__(self, order: Open, relay: socket.socket) -> None:
        self.name = order.name
        self.ufrag = order.ufrag
        self.password = order.password
        self.relay = relay
        """Connected to rtp.io; what goes in there comes from the browser."""
        self.browser: Address | None = None
        self.sources: deque[Address] = deque()
        self.heard_at: Instant | None = None


class Edge:
    """All of them, on one thread."""

    def __init__(self, settings: Settings, owner: socket.socket, engine: Any) -> None:  # noqa: ANN401  it has no types
        """engine: rtp.io's; it ends when it is let go of."""
        self._owner = owner
        self._engine = engine
        self._media: socket.socket = engine.rtpp_sock
        self._media.settimeout(ENGINE_SECONDS)
        self._clock = WallClock()
        self._now = self._clock.now()
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._door = socket.socket(family, socket.SOCK_DGRAM)
        self._door.bind((settings.host, settings.port))
        self._door.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._read(self._door, self._from_browsers)
        self._read(owner, self._from_owner)
        self._names: dict[str, Session] = {}
        self._ufrags: dict[str, Session] = {}
        self._sources: dict[Address, Session] = {}
        self._orders = bytearray()
        self._owned = True

    def run(self) -> None:
        """Until the owner is gone."""
        self._tell(Ready(self._door.getsockname()[1]))
        looked_at = self._now
        while self._owned:
            ready = self._selector.select(timeout=1)
            self._now = self._clock.now()
            for key, _ in ready:
                key.data()
            if self._now - looked_at >= SECOND:
                looked_at = self._now
                self._look()

    def _read(self, source: socket.socket, heard: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, heard)

    def _look(self) -> None:
        """Who has fallen silent."""
        for session in self._names.values():
            if session.heard_at is not None and self._now - session.heard_at >= BROWSER_SILENT_MS:
                session.heard_at = None
                self._tell(Silent(session.name))

    # Packets

    def _from_browsers(self) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet, source = self._door.recvfrom(PACKET_BYTES_MAX)
            except OSError:  # no more, or an ICMP error about something sent
                return
            if not packet:
                continue
            if packet[0] < 4:
                self._asked(packet, source)
            elif 20 <= packet[0] < 64 or 128 <= packet[0] < 192:  # DTLS, SRTP (RFC 7983)
                session = self._sources.get(source)
                if session is not None:
                    session.browser = source
                    session.heard_at = self._now
                    _send(session.relay, packet)

    def _asked(self, packet: bytes, source: Address) -> None:
        request = stun.read(packet)
        session = None if request is None else self._ufrags.get(request.user)
        if request is None or session is None or not request.is_of(session.password):
            return
        if self._sources.get(source) is not session:
            self._adopt(session, source)
        answer = stun.success(request, session.password, source[0], source[1])
        try:
            self._door.sendto(answer, source)
        except OSError:  # it is asked again
            return

    def _adopt(self, session: Session, source: Address) -> None:
        before = self._sources.get(source)
        if before is not None:
            before.sources.remove(source)
        self._sources[source] = session
        session.sources.append(source)
        if len(session.sources) > BROWSER_SOURCES_MAX:
            del self._sources[session.sources.popleft()]

    def _to_browser(self, session: Session) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = session.relay.recv(PACKET_BYTES_MAX)
                if session.browser is not None:
                    self._door.sendto(packet, session.browser)
            except OSError:  # no more, or it cannot be sent: as if it were lost on the way
                return

    # Orders

    def _from_owner(self) -> None:
        try:
            said = self._owner.recv(65_536)
        except OSError:
            said = b""
        self._orders += said
        self._owned = bool(said) and len(self._orders) <= WEBRTC_EDGE_ORDER_BYTES_MAX
        while self._owned and (end := self._orders.find(b"\n")) >= 0:
            order = msgspec.json.decode(self._orders[:end], type=Order)
            del self._orders[: end + 1]
            if isinstance(order, Open):
                self._tell(self._open(order))
            elif isinstance(order, Drop):
                self._drop(order.name)

    def _tell(self, news: News) -> None:
        try:
            self._owner.sendall(msgspec.json.encode(news) + b"\n")
        except OSError:
            self._owned = False

    def _open(self, order: Open) -> News:
        """U makes the side of our leg, L that of the browser, who is the caller.

        A: our leg is where it says it is; otherwise rtp.io would take whoever speaks first, such as
        the leg's own port for reports.
        """
        relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        relay.bind((INSIDE, 0))
        relay.setblocking(False)
        here = f"{INSIDE} {relay.getsockname()[1]}"
        name = order.name
        added = self._ask(f"U {name} {here} f && M4:1 A SHA-256 {order.fingerprint}")
        opened = self._ask(f"LA {name} {order.host} {order.port} f t && M4:1 S")
        inside, outside = _ADDED.match(added), _OPENED.match(opened)
        if inside is None or outside is None:
            relay.close()
            self._ask(f"D {name} f t")
            return Failed(name, f"rtp.io says {added!r} and {opened!r}")
        relay.connect((INSIDE, int(outside[1])))
        session = self._names[name] = self._ufrags[order.ufrag] = Session(order, relay)
        self._read(relay, lambda: self._to_browser(session))
        return Opened(name, int(inside[1]), outside[2])

    def _drop(self, name: str) -> None:
        session = self._names.pop(name, None)
        if session is None:
            return
        del self._ufrags[session.ufrag]
        for source in session.sources:
            del self._sources[source]
        self._selector.unregister(session.relay)
        session.relay.close()
        self._ask(f"D {name} f t")

    def _ask(self, command: str) -> str:
        self._media.sendall(command.encode() + b"\n")
        return self._media.recv(PACKET_BYTES_MAX).decode("latin-1").strip()


def _send(to: socket.socket, packet: bytes) -> None:
    try:
        to.send(packet)
    except OSError:  # as if it were lost on the way
        return


def main() -> None:
    """Until standard input ends."""
    settings = msgspec.json.decode(sys.argv[1], type=Settings)
    with socket.socket(fileno=sys.stdin.fileno()) as owner:
        try:
            edge = _edge(settings, owner)
        except (ImportError, OSError) as error:
            owner.sendall(msgspec.json.encode(Failed("", _reason(settings, error))) + b"\n")
        else:
            edge.run()


def _edge(settings: Settings, owner: socket.socket) -> Edge:
    from rtp.io import rtpproxy  # noqa: PLC0415  nobody else shall load it, not even by accident

    engine = rtpproxy(
        ttl=BROWSER_IDLE_SECONDS,
        setup_ttl=BROWSER_IDLE_SECONDS,
        debug_level="crit",
        modules=("dtls_gw",),
        extra_args=("-F", "-l", INSIDE),
    )
    return Edge(settings, owner, engine)


def _reason(settings: Settings, error: ImportError | OSError) -> str:
    if isinstance(error, ImportError):
        return "browsers need one more package: pip install 'ringfloor[voice]'"
    return f"UDP port {settings.port} of {settings.host} cannot be had: {error.strerror}"


if __name__ == "__main__":
    main()
