"""RTP: packets as bytes, and what their numbers say of a source (RFC 3550).

The legs call it: for each packet parse, then Reception.take. Nothing of this has a clock; `now` is
milliseconds on a clock that only goes forward.

Rules
* What is no RTP of version 2 is refused as Malformed and nothing else (RFC 3550, appendix A.1).
* A source is one SSRC. Its sequence numbers wrap; a small step back is a packet out of order, a
  packet that was there before is a duplicate, and a large jump counts once a second packet goes on
  from it: then the source has begun anew.
* Another SSRC becomes the source once two of its packets came in a row, or at once if the one
  before it has gone, has said BYE or is not expected any more.
"""

from struct import Struct

from ringfloor.base.limits import RTP_BYTES_MAX
from ringfloor.base.time import Duration, Instant

HEADER_BYTES = 12
SAMPLES_PER_MS = 8

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")
_PLAIN = 0x80
"""Version 2, no padding, no extension, no contributing sources: nearly every packet there is."""

_DROPOUT_MAX = 3_000
_MISORDER_MAX = 100
_SEEN = 128
_SEEN_MASK = (1 << _SEEN) - 1
_JITTER_STEP_MAX = 10_000 * SAMPLES_PER_MS
_GONE_MS: Duration = 200

Packet = tuple[int, bool, int, int, int, bytes]
"""payload type, marker, sequence, timestamp, ssrc, payload."""


class Malformed(Exception):
    """Not a packet of this protocol; it is dropped and counted."""


def build(head: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """A packet; head: the payload type, plus MARKER for the first of something."""
    return _HEADER.pack(_PLAIN, head, sequence, timestamp, ssrc) + payload


MARKER = 0x80


def parse(data: bytes) -> Packet:
    """The packet. Raises Malformed."""
    if not HEADER_BYTES <= len(data) <= RTP_BYTES_MAX:
        raise Malformed("too short or too long")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    payload = data[HEADER_BYTES:] if first == _PLAIN else _payload(first, data)
    return second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, payload


def _payload(first: int, data: bytes) -> bytes:
    """Without contributing sources, header extension and padding."""
    if first >> 6 != 2:
        raise Malformed("another version")
    begin, end = HEADER_BYTES + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if begin + 4 > end:
            raise Malformed("an extension without its length")
        begin += 4 + 4 * _EXTENSION.unpack_from(data, begin)[1]
    if first & 0x20:
        if not data[-1]:
            raise Malformed("padding of no length")
        end -= data[-1]
    if begin > end:
        raise Malformed("more header than packet")
    return data[begin:end]


DROPPED, TAKEN, RESTARTED = 0, 1, 2
"""A packet is a duplicate or of no source; goes on; or is the first of something new."""


class Reception:
    """What has come of a leg's sound, over all its sources.

    received, lost: packets, duplicates not counted. jitter: RFC 3550's, in samples.
    """

    def __init__(self) -> None:
        self.ssrc = -1
        """Of the source that is heard; -1: none."""
        self.duplicates = 0
        self.received = 0
        self._received_before = 0
        self._lost_before = 0
        self._first = 0
        self._newest = 0
        """The highest sequence number, cycles included."""
        self._seen = 0
        """Which of the last packets were there; bit 0 is the newest."""
        self._candidate: tuple[int, int] | None = None
        self._welcome = True
        self._heard: Instant = 0
        self._transit = 0
        self._jitter_16 = 0
        self._told = (0, 0)

    def take(self, ssrc: int, sequence: int, timestamp: int, now: Instant) -> int:
        """One packet's numbers: DROPPED, TAKEN or RESTARTED."""
        if ssrc != self.ssrc:
            return self._other(ssrc, sequence, timestamp, now)
        ahead = (sequence - self._newest) & 0xFFFF
        if ahead == 1:
            self._newest += 1
            self._seen = (self._seen << 1 | 1) & _SEEN_MASK
        elif 0 < ahead < _DROPOUT_MAX:
            self._newest += ahead
            self._seen = (self._seen << min(ahead, _SEEN) | 1) & _SEEN_MASK
        elif 0 < ahead <= 0x10000 - _MISORDER_MAX:
            return self._other(ssrc, sequence, timestamp, now)
        else:
            bit = 1 << (-ahead & 0xFFFF)
            if self._seen & bit:
                self.duplicates += 1
                return DROPPED
            self._seen |= bit
        self.received += 1
        self._heard = now
        self._measure(timestamp, now)
        return TAKEN

    def _other(self, ssrc: int, sequence: int, timestamp: int, now: Instant) -> int:
        """A packet that is not the next of the source: the first of another one, or a stray."""
        quiet = self._welcome or now - self._heard >= _GONE_MS
        if not (quiet and ssrc != self.ssrc) and self._candidate != (ssrc, sequence):
            self._candidate = (ssrc, (sequence + 1) & 0xFFFF)
            return DROPPED
        self._received_before, self._lost_before = self.received, self.lost
        self.ssrc, self._first, self._newest, self._seen = ssrc, sequence, sequence, 1
        self._candidate, self._welcome, self._told = None, False, (0, 0)
        self.received += 1
        self._heard, self._transit = now, now * SAMPLES_PER_MS - timestamp
        return RESTARTED

    def _measure(self, timestamp: int, now: Instant) -> None:
        transit = now * SAMPLES_PER_MS - timestamp
        step = abs(transit - self._transit)
        self._transit = transit
        if step <= _JITTER_STEP_MAX:  # else the clock was set, or has wrapped
            self._jitter_16 += step - ((self._jitter_16 + 8) >> 4)

    def welcome(self) -> None:
        """Whatever source comes next is the far end's: it has moved, or said BYE."""
        self._welcome = True

    @property
    def jitter(self) -> int:
        return self._jitter_16 >> 4

    @property
    def expected(self) -> int:
        """Of the source that is heard."""
        return self._newest - self._first + 1 if self.ssrc >= 0 else 0

    @property
    def lost(self) -> int:
        of_source = self.expected - (self.received - self._received_before)
        return self._lost_before + max(0, of_source)

    def report(self) -> tuple[int, int, int, int]:
        """For a receiver report: fraction lost since the last one (of 256), lost, highest, jitter.

        Of the source that is heard; the highest sequence number carries its cycles.
        """
        expected, received = self.expected, self.received - self._received_before
        expected_now, received_now = expected - self._told[0], received - self._told[1]
        self._told = expected, received
        lost_now = max(0, expected_now - received_now)
        fraction = min(255, (lost_now << 8) // expected_now) if expected_now > 0 else 0
        return fraction, max(0, expected - received), self._newest & 0xFFFFFFFF, self.jitter
