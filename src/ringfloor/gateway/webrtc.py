"""WebRTC: browsers as the far ends of legs: DTLS-SRTP and ICE outside, plain RTP inside.

The switch calls attach with a browser's offer and release when the leg is over. The media itself
flows through gateway.webrtc_edge, a process of its own; start or the first attach starts it. Rules:

* The answer is written here, never copied from the offer: one audio line, UDP/TLS/RTP/SAVPF, PCMU
  and telephone-event and nothing else, rtcp-mux, ICE-lite, passive in DTLS. An offer that has
  nothing of it is refused, in words. What goes into commands of the edge is checked by its grammar.
* The edge has one UDP port for all browsers; the candidates of the answer name the addresses under
  which it is reached.
* A second offer for a leg takes the place of the first: the page was loaded again.
* A browser that falls silent is gone: its page was closed, or its network has failed. Whoever made
  this is told, within seconds.
* An edge that dies or does not answer is ended, and its browsers are gone; the next attach starts a
  new one. Other legs notice nothing.

Sources: RFC 8829 (JSEP), RFC 8839 (ICE in SDP), RFC 8842 (DTLS), RFC 5763, RFC 8445 (ICE-lite).
"""

import asyncio
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from ringfloor.base.errors import Fault
from ringfloor.base.ids import secret
from ringfloor.base.limits import (
    BROWSER_EDGE_ANSWER_SECONDS,
    BROWSER_LEGS_MAX,
    WEBRTC_OFFER_CHARACTERS_MAX,
    WEBRTC_OFFER_LINES_MAX,
)
from ringfloor.gateway.media.sdp import Remote
from ringfloor.gateway.signalling import OfferRefused
from ringfloor.gateway.webrtc_edge import (
    INSIDE,
    Drop,
    Failed,
    News,
    Open,
    Opened,
    Order,
    Ready,
    Settings,
    Silent,
)

log = logging.getLogger(__name__)

PCMU = 0

# Offers


class Offer(NamedTuple):
    """What matters of a browser's offer, all of it checked."""

    mid: str | None
    bundled: bool
    ufrag: str
    password: str
    fingerprint: str
    """SHA-256, upper case."""
    keys: int | None
    """The payload type of its telephone-event with 8000 Hz."""
    number: str
    """Of its session, for the answer's own line."""


_ICE = r"[A-Za-z0-9+/]"
_UFRAG = re.compile(_ICE + r"{4,64}")
_PASSWORD = re.compile(_ICE + r"{22,128}")
_FINGERPRINT = re.compile(r"sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.IGNORECASE)
_MID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,32}")
_AUDIO = re.compile(r"audio [0-9]{1,5} UDP/TLS/RTP/SAVPF((?: [0-9]{1,3}){1,64})")
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9-]{1,32})/([0-9]{1,6})(?:/[0-9]{1,2})?")
_ORIGIN = re.compile(r"\S{1,64} ([0-9]{1,20}) ")


def read_offer(text: str) -> Offer:
    """Read a browser's offer; raises OfferRefused."""
    if len(text) > WEBRTC_OFFER_CHARACTERS_MAX:
        raise OfferRefused(f"the offer is longer than {WEBRTC_OFFER_CHARACTERS_MAX} characters")
    lines = text.splitlines()
    if len(lines) > WEBRTC_OFFER_LINES_MAX:
        raise OfferRefused(f"the offer has more than {WEBRTC_OFFER_LINES_MAX} lines")
    media = [line[2:] for line in lines if line.startswith("m=")]
    audio = _AUDIO.fullmatch(media[0]) if len(media) == 1 else None
    if audio is None:
        raise OfferRefused("the offer needs one media line: audio over UDP/TLS/RTP/SAVPF")
    attributes = _attributes(lines)
    payloads = [int(each) for each in audio[1].split()]
    if PCMU not in payloads:
        raise OfferRefused("the offer has no PCMU, which is all that is spoken here")
    if "rtcp-mux" not in attributes:
        raise OfferRefused("the offer has no rtcp-mux")
    if attributes.get("setup", [""])[0] not in {"actpass", "active"}:
        raise OfferRefused("the offer wants the other side to begin DTLS (a=setup)")
    mid = attributes.get("mid", [None])[0]
    if mid is not None and not _MID.fullmatch(mid):
        raise OfferRefused("a=mid: is no token")
    origin = next((_ORIGIN.match(line, 2) for line in lines if line.startswith("o=")), None)
    return Offer(
        mid,
        f"BUNDLE {mid}" in attributes.get("group", []),
        _only(_UFRAG, attributes, "ice-ufrag")[0],
        _only(_PASSWORD, attributes, "ice-pwd")[0],
        _only(_FINGERPRINT, attributes, "fingerprint")[1].upper(),
        _keys(payloads, attributes.get("rtpmap", [])),
        "0" if origin is None else origin[1],
    )


def _attributes(lines: Sequence[str]) -> Mapping[str, list[str]]:
    """All of them, of the session and of its one media line: the latter stand last."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value.strip())
    return found


def _only(
    pattern: re.Pattern[str], attributes: Mapping[str, list[str]], name: str
) -> re.Match[str]:
    """The last such attribute that fits: that of the media line goes before the session's."""
    fits = [found for each in attributes.get(name, []) if (found := pattern.fullmatch(each))]
    if not fits:
        raise OfferRefused(f"the offer has no a={name} that can be used")
    return fits[-1]


def _keys(payloads: Sequence[int], maps: Sequence[str]) -> int | None:
    for each in maps:
        found = _RTPMAP.fullmatch(each)
        if found is None or found[2].lower() != "telephone-event" or found[3] != "8000":
            continue
        if int(found[1]) in payloads and 95 < int(found[1]) < 128:
            return int(found[1])
    return None


class Session(NamedTuple):
    """What the edge has opened for a browser."""

    port: int
    ufrag: str
    password: str
    fingerprint: str


def answer(offer: Offer, session: Session, addresses: Sequence[str]) -> str:
    """The SDP answer. addresses: where browsers reach the edge, the best first."""
    payloads = [PCMU] if offer.keys is None else [PCMU, offer.keys]
    kind = "IP6" if ":" in addresses[0] else "IP4"
    lines = [
        "v=0",
        f"o=- {offer.number} 1 IN {kind} {addresses[0]}",
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {offer.mid}"] if offer.bundled else []),
        "a=ice-lite",
        f"m=audio {session.port} UDP/TLS/RTP/SAVPF {' '.join(map(str, payloads))}",
        f"c=IN {kind} {addresses[0]}",
        *([] if offer.mid is None else [f"a=mid:{offer.mid}"]),
        f"a=ice-ufrag:{session.ufrag}",
        f"a=ice-pwd:{session.password}",
        f"a=fingerprint:sha-256 {session.fingerprint}",
        "a=setup:passive",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
    ]
    if offer.keys is not None:
        lines += [f"a=rtpmap:{offer.keys} telephone-event/8000", f"a=fmtp:{offer.keys} 0-15"]
    for rank, address in enumerate(addresses):
        priority = (126 << 24) | ((65535 - rank) << 8) | 255  # RFC 8445, section 5.1.2.1
        lines.append(f"a=candidate:{rank + 1} 1 udp {priority} {address} {session.port} typ host")
    return "\r\n".join([*lines, "a=end-of-candidates", ""])


# The edge


class EdgeLost(Exception):
    """The edge has died, or says what nobody understands."""


class Edge:
    """The process; made by start."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: int,
    ) -> None:
        self.process = process
        self.port = port
        self._reader = reader
        self._writer = writer
        self._asked: dict[str, asyncio.Future[Opened]] = {}

    @staticmethod
    async def start(settings: Settings) -> "Edge":
        """Raises EdgeLost if it does not come up."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "ringfloor.gateway.webrtc_edge"),
                msgspec.json.encode(settings).decode(),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                # Not ours, which may hold passwords: it reads what strangers send.
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            line = await asyncio.wait_for(reader.readline(), BROWSER_EDGE_ANSWER_SECONDS)
            first = msgspec.json.decode(line, type=Ready | Failed)
        except (OSError, TimeoutError, msgspec.MsgspecError) as error:
            first = Failed("", f"it did not start: {error!r}")
        if isinstance(first, Failed):
            writer.close()
            _kill(process)
            await process.wait()
            raise EdgeLost(first.reason)
        return Edge(process, reader, writer, first.port)

    async def open(self, order: Open) -> Opened:
        """Raises EdgeLost."""
        answered = asyncio.get_running_loop().create_future()
        self._asked[order.name] = answered
        try:
            self._write(order)
            return await asyncio.wait_for(answered, BROWSER_EDGE_ANSWER_SECONDS)
        except TimeoutError as error:
            self.end()
            raise EdgeLost("it does not answer") from error
        finally:
            del self._asked[order.name]

    def drop(self, name: str) -> None:
        """Forget a session."""
        self._write(Drop(name))

    def _write(self, order: Order) -> None:
        self._writer.write(msgspec.json.encode(order) + b"\n")

    async def listen(self, silent: Callable[[str], None]) -> None:
        """Until it ends. silent: told of sessions whose browser has fallen silent."""
        try:
            while line := await self._reader.readline():
                news: News = msgspec.json.decode(line, type=News)
                if isinstance(news, Silent):
                    silent(news.name)
                elif isinstance(news, Opened | Failed):
                    self._answered(news)
        except (OSError, ValueError) as error:
            log.warning("the edge for browsers cannot be understood: %r", error)
        self.end()
        await self.process.wait()
        for each in self._asked.values():
            if not each.done():
                each.set_exception(EdgeLost("it has died"))

    def _answered(self, news: Opened | Failed) -> None:
        asked = self._asked.get(news.name)
        if asked is None or asked.done():
            return
        if isinstance(news, Opened):
            asked.set_result(news)
        else:
            asked.set_exception(EdgeLost(news.reason))

    def end(self) -> None:
        """Also where it does not want to; nothing if it has ended."""
        self._writer.close()
        _kill(self.process)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


class Browsers:
    """The browsers that are attached, by leg. Used on one event loop, on which close is awaited."""

    def __init__(
        self,
        addresses: Sequence[str],
        listen: tuple[str, int],
        *,
        gone: Callable[[str], None] | None = None,
    ) -> None:
        """addresses: those that browsers are told; listen: host and port that the edge binds.

        gone: told of each leg that has lost its browser: the page was closed, its network has
        failed, or the edge has died. A leg whose page was only loaded again is told of too; the
        next attach puts that right.
        """
        assert addresses, "nobody could reach it"
        self._addresses = tuple(addresses)
        self._settings = Settings(*listen)
        self._gone = gone
        self._edge: Edge | None = None
        self._starting = asyncio.Lock()
        self._legs: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._legs)

    async def start(self) -> None:
        """Start the edge beforehand. Raises Fault, which says what it needs."""
        try:
            await self._running()
        except EdgeLost as error:
            raise Fault(str(error)) from error

    async def attach(self, leg_id: str, offer_sdp: str, host: str, port: int) -> tuple[str, Remote]:
        """The answer for a browser, and where our leg, which hears there, sends to.

        Raises OfferRefused, also where there is no room or no edge; the text says why.
        """
        offer = read_offer(offer_sdp)
        self.release(leg_id)
        if len(self._legs) >= BROWSER_LEGS_MAX:
            raise OfferRefused(f"{BROWSER_LEGS_MAX} browsers are attached: as many as can be")
        self._count += 1
        name = self._legs[leg_id] = f"b{self._count}"
        self._names[name] = leg_id
        word = secret(24).hex()
        ufrag, password = f"{self._count:x}{word[:8]}", word[8:]
        try:
            edge = await self._running()
            opened = await edge.open(Open(name, ufrag, password, offer.fingerprint, host, port))
        except EdgeLost as error:
            log.warning("the edge for browsers: %s", error)
            self._forget(name)
            raise OfferRefused("browsers cannot be reached now; see the gateway's log") from error
        if self._legs.get(leg_id) != name:
            edge.drop(name)
            raise OfferRefused("the leg was released meanwhile")
        session = Session(edge.port, ufrag, password, opened.fingerprint)
        inside = opened.inside_port
        remote = Remote(INSIDE, inside, inside, payload=PCMU, dtmf=offer.keys)
        return answer(offer, session, self._addresses), remote

    def release(self, leg_id: str) -> None:
        """Forget the browser of a leg; nothing if there is none."""
        name = self._legs.get(leg_id)
        if name is not None:
            self._forget(name)
            if self._edge is not None:
                self._edge.drop(name)

    async def close(self) -> None:
        """Forget them all, and end the edge."""
        self._legs.clear()
        self._names.clear()
        if self._edge is not None:
            self._edge.end()
        await asyncio.gather(*self._tasks)

    def _forget(self, name: str) -> None:
        leg_id = self._names.pop(name, None)
        if leg_id is not None and self._legs.get(leg_id) == name:
            del self._legs[leg_id]

    async def _running(self) -> Edge:
        async with self._starting:
            if self._edge is None:
                self._edge = await Edge.start(self._settings)
                task = asyncio.get_running_loop().create_task(self._watch(self._edge))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return self._edge

    async def _watch(self, edge: Edge) -> None:
        """When it ends, whoever ends it, its browsers are gone."""
        await edge.listen(self._silent)
        self._edge = None
        names = list(self._names)
        if names:
            log.error("the edge for browsers has died, and %d browsers with it", len(names))
        for name in names:
            self._silent(name)
            self._forget(name)

    def _silent(self, name: str) -> None:
        leg_id = self._names.get(name)
        if leg_id is not None and self._gone is not None:
            self._gone(leg_id)
