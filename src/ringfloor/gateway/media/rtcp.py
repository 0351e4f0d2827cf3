"""RTCP: reports on what was sent and received (RFC 3550, section 6), and what they say of a call.

The legs call it. Times are milliseconds on the leg's own clock; on the wire they stand as NTP
timestamps of that clock, which is allowed to begin anywhere.
"""

from struct import Struct
from typing import NamedTuple

from ringfloor.base.limits import ROUND_TRIP_MS_MAX, RTCP_INTERVAL_MS, RTP_BYTES_MAX
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.media.rtp import Malformed, Reception

_SENDER, _RECEIVER, _DESCRIPTION, _BYE = 200, 201, 202, 203
TYPES = range(192, 224)
"""The second bytes of what is no sound, where both share a port (RFC 5761, section 4)."""
_CNAME = 1
_HEAD = Struct("!BBH")
_SSRC = Struct("!I")
_SENT = Struct("!IIIII")
_BLOCK = Struct("!IIIIII")


class Block(NamedTuple):
    """What a receiver says of one source."""

    ssrc: int
    fraction: int
    """Lost since its last report, of 256."""
    lost: int
    """Packets in all; negative: duplicates."""
    highest: int
    jitter: int
    """Samples."""
    last: int
    """The middle of the NTP timestamp of the last sender report it had; 0: none."""
    delay: int
    """Since then, in 1/65536 s."""


class Sent(NamedTuple):
    """What a sender says of itself."""

    ssrc: int
    ntp: int
    """Its clock: 32 bits of seconds, 32 of their fraction."""
    timestamp: int
    packets: int
    octets: int


class Reports(NamedTuple):
    """One compound packet."""

    ssrc: int
    """Whose."""
    sent: Sent | None
    blocks: tuple[Block, ...]
    byes: tuple[int, ...]


def parse(data: bytes) -> Reports:
    """The reports of a compound packet; types that are not known are passed over.

    Raises Malformed (RFC 3550, appendix A.2).
    """
    if not 8 <= len(data) <= RTP_BYTES_MAX:
        raise Malformed("too short or too long")
    sent: Sent | None = None
    whose, blocks, byes = -1, list[Block](), list[int]()
    at = 0
    while at < len(data):
        kind, count, body, at = _packet(data, at)
        if whose < 0:
            if kind not in (_SENDER, _RECEIVER) or len(body) < 4:
                raise Malformed("a compound packet begins with a report")
            (whose,) = _SSRC.unpack_from(body)
        if kind in (_SENDER, _RECEIVER):
            said, found = _report(kind, count, body)
            sent = said or sent
            blocks += found
        elif kind == _BYE:
            if len(body) < 4 * count:
                raise Malformed("fewer sources than it says")
            byes += [_SSRC.unpack_from(body, 4 * n)[0] for n in range(count)]
    return Reports(whose, sent, tuple(blocks), tuple(byes))


def _packet(data: bytes, at: int) -> tuple[int, int, bytes, int]:
    """One packet of a compound: its type, its count, its body, where the next one begins."""
    if at + 4 > len(data):
        raise Malformed("half a head")
    first, kind, words = _HEAD.unpack_from(data, at)
    if first >> 6 != 2:
        raise Malformed("another version")
    end = at + 4 + 4 * words
    if end > len(data):
        raise Malformed("longer than it is")
    body = data[at + 4 : end]
    if first & 0x20:
        if end != len(data) or not body or not 0 < body[-1] <= len(body):
            raise Malformed("padding in the middle, or of no length")
        body = body[: -body[-1]]
    return kind, first & 0x1F, body, end


def _report(kind: int, count: int, body: bytes) -> tuple[Sent | None, list[Block]]:
    """A sender's or receiver's report; what profiles add at its end is passed over."""
    begin = 4 + (_SENT.size if kind == _SENDER else 0)
    if len(body) < begin + count * _BLOCK.size:
        raise Malformed("fewer blocks than it says")
    sent = None
    if kind == _SENDER:
        seconds, fraction, timestamp, packets, octets = _SENT.unpack_from(body, 4)
        ssrc = _SSRC.unpack_from(body)[0]
        sent = Sent(ssrc, seconds << 32 | fraction, timestamp, packets, octets)
    blocks = []
    for n in range(count):
        ssrc, losses, *rest = _BLOCK.unpack_from(body, begin + n * _BLOCK.size)
        lost = losses & 0xFFFFFF
        blocks.append(Block(ssrc, losses >> 24, lost - ((lost & 0x800000) << 1), *rest))
    return sent, blocks


def build(ssrc: int, cname: str, sent: Sent | None, block: Block | None, *, bye: bool) -> bytes:
    """A compound packet: our report, our name, and BYE if we go."""
    blocks = b"" if block is None else _block(block)
    count = int(block is not None)
    if sent is None:
        report = _framed(_RECEIVER, count, _SSRC.pack(ssrc) + blocks)
    else:
        said = _SENT.pack(
            sent.ntp >> 32 & 0xFFFFFFFF,
            sent.ntp & 0xFFFFFFFF,
            sent.timestamp & 0xFFFFFFFF,
            sent.packets & 0xFFFFFFFF,
            sent.octets & 0xFFFFFFFF,
        )
        report = _framed(_SENDER, count, _SSRC.pack(ssrc) + said + blocks)
    name = cname.encode()[:255]
    item = _SSRC.pack(ssrc) + bytes((_CNAME, len(name))) + name
    described = _framed(_DESCRIPTION, 1, item + bytes(4 - len(item) % 4))
    return report + described + (_framed(_BYE, 1, _SSRC.pack(ssrc)) if bye else b"")


def _block(block: Block) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
    return _BLOCK.pack(
        block.ssrc,
        block.fraction << 24 | lost,
        block.highest & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last,
        min(block.delay, 0xFFFFFFFF),
    )


def _framed(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def ntp(now: Instant) -> int:
    """An instant as an NTP timestamp of the leg's clock."""
    return (now << 32) // 1_000 & 0xFFFFFFFFFFFFFFFF


def middle(timestamp: int) -> int:
    """The middle 32 bits of an NTP timestamp: 1/65536 s."""
    return timestamp >> 16 & 0xFFFFFFFF


class Reporting:
    """One leg's reports: when they are due, what they say, and what the far end's say of it."""

    def __init__(self, ssrc: int, cname: str) -> None:
        self.ssrc = ssrc
        self.cname = cname
        self.far_lost = 0
        """Of our packets, as the far end says."""
        self.round_trip_ms: Duration | None = None
        self._due: Instant | None = None
        self._count = 0
        self._last = self._last_of = 0
        """The middle of their last report's NTP timestamp, and of which source it was."""
        self._last_came: Instant = 0
        self._last_told: Instant | None = None

    def is_due(self, now: Instant) -> bool:
        """Whether a report is to be sent at this instant; a true answer is given once.

        Half to one and a half times RTCP_INTERVAL_MS lie between two, by a hash of the SSRC: legs
        that begin together do not report together (RFC 3550, section 6.2), and no chance is used.
        """
        if self._due is None:
            self._due = now + self._interval() // 2
            return False
        if now < self._due:
            return False
        self._due = now + self._interval()
        return True

    def _interval(self) -> Duration:
        self._count += 1
        mixed = (self.ssrc ^ self._count * 0x9E3779B1) * 0x85EBCA6B & 0xFFFFFFFF
        return RTCP_INTERVAL_MS // 2 + (mixed >> 16) * RTCP_INTERVAL_MS // 0x10000

    def report(
        self, reception: Reception, sent: Sent | None, now: Instant, *, bye: bool = False
    ) -> bytes:
        """What is to be sent: a sender's report if something was sent, and how we hear."""
        self._last_told = now if sent is not None else self._last_told
        return build(self.ssrc, self.cname, sent, self._heard(reception, now), bye=bye)

    def _heard(self, reception: Reception, now: Instant) -> Block | None:
        if reception.ssrc < 0:
            return None
        last = self._last if self._last_of == reception.ssrc else 0
        delay = (now - self._last_came) * 65_536 // 1_000 if last else 0
        return Block(reception.ssrc, *reception.report(), last, delay)

    def take(self, reports: Reports, now: Instant) -> None:
        """What the far end says."""
        if reports.sent is not None:
            self._last, self._last_of = middle(reports.sent.ntp), reports.sent.ssrc
            self._last_came = now
        for block in reports.blocks:
            if block.ssrc == self.ssrc:
                self.far_lost = max(0, block.lost)
                self._measure(block, now)

    def _measure(self, block: Block, now: Instant) -> None:
        """The round trip: from our report to theirs, less what lay in between at their side."""
        if not block.last or self._last_told is None:
            return
        trip = (middle(ntp(now)) - block.last - block.delay) & 0xFFFFFFFF
        if trip > 0x7FFFFFFF:  # a clock of theirs that runs fast, on a short way
            trip = 0 if 0x100000000 - trip < 65_536 else trip
        found = trip * 1_000 // 65_536
        if found <= ROUND_TRIP_MS_MAX:
            self.round_trip_ms = found
