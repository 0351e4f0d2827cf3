"""DTMF: keys as telephone events, in and out (RFC 4733), and out as tones.

Rules
* A key is one timestamp. It is complete with its end bit; with the first packet of the next key; or
  when nothing more has come of it for KEY_LOST_MS, should all its end packets have been lost.
* A key is told once: end packets come three times, and packets may come late.
* A key held for long comes in segments, each with a timestamp of its own that goes on where the one
  before it ended (2.5.1.3); some senders do so with every packet. It is still one key.
* Out: 100 ms of the key, updates each 20 ms, the last one three times, then silence until 80 ms
  after the key; a comma is a second of silence.
"""

from collections import deque
from functools import cache
from math import pi, sin
from struct import Struct, pack
from typing import NamedTuple

from ringfloor.base.limits import KEY_LOST_MS, KEYS_HEARD_MAX, KEYS_PRESSED_MAX
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.media.g711 import FRAME_SAMPLES, RATE, SILENCE

KEYS = "0123456789*#ABCD"
"""By their event numbers (RFC 4733, table 3)."""

_EVENT = Struct("!BBH")
_END = 0x80
_VOLUME = 10
"""-10 dBm0, as telephones press."""
_TONE_TICKS = 5
_END_TICKS = 2
_GAP_TICKS = 4
_PAUSE_TICKS = 50
_ECHO = 2 * RATE
"""Samples: packets of the key before may be so old; what is older is another clock."""
_LOW = (697, 770, 852, 941)
_HIGH = (1209, 1336, 1477, 1633)
_PAD = ("123A", "456B", "789C", "*0#D")
_LEVEL = 5_000
"""Of each of the two tones, of 32,767: -16 dB of full scale, about -10 dBm0."""


class Digit(NamedTuple):
    """One key, complete."""

    key: str
    duration_ms: Duration


class Heard:
    """The keys that come in on one leg."""

    __slots__ = ("_begin", "_complete", "_done", "_duration", "_event", "_first", "_heard")

    def __init__(self) -> None:
        self._complete: list[Digit] = []
        self._event = -1
        """The key that is down; -1: none."""
        self._first = self._begin = self._duration = 0
        self._heard: Instant = 0
        self._done: tuple[int, int, int] | None = None
        """The key before: its event, the timestamp of its last segment, and where it ended."""

    def restart(self) -> None:
        """Timestamps have begun anew: another source. A key that was down is complete."""
        self._finish()
        self._done = None

    def take(self, timestamp: int, marker: bool, payload: bytes, now: Instant) -> None:
        """One packet of telephone-event; what is too short or no key is left out."""
        if len(payload) < _EVENT.size:
            return
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(KEYS) or self._is_echo(event, timestamp, marker=marker):
            return
        if self._event < 0:
            self._press(event, timestamp)
        elif timestamp != self._begin and not self._continues(event, timestamp, marker=marker):
            if -_ECHO < _since(timestamp, self._begin) < 0:
                return
            self._finish()
            self._press(event, timestamp)
        self._duration = max(self._duration, duration)
        self._heard = now
        if flags & _END:
            self._finish()

    def _is_echo(self, event: int, timestamp: int, *, marker: bool) -> bool:
        """Whether it belongs to the key that has been told."""
        if self._done is None:
            return False
        key, begin, end = self._done
        if -_ECHO < _since(timestamp, begin) <= 0:
            return True
        return event == key and not marker and _since(timestamp, end) < FRAME_SAMPLES

    def _press(self, event: int, timestamp: int) -> None:
        self._event, self._first, self._begin, self._duration = event, timestamp, timestamp, 0

    def _continues(self, event: int, timestamp: int, *, marker: bool) -> bool:
        """Whether it is a further segment of the key that is down; if so, that is under way."""
        since = _since(timestamp, self._begin)
        further = event == self._event and not marker
        if not (further and 0 < since <= self._duration + FRAME_SAMPLES):
            return False
        self._begin, self._duration = timestamp, 0
        return True

    def _finish(self) -> None:
        if self._event < 0:
            return
        whole = _since(self._begin, self._first) + self._duration
        if len(self._complete) < KEYS_HEARD_MAX:
            self._complete.append(Digit(KEYS[self._event], whole * 1_000 // RATE))
        self._done = self._event, self._begin, self._begin + self._duration
        self._event = -1

    def due(self, now: Instant) -> list[Digit]:
        """The keys that are complete and have not been told."""
        if self._event >= 0 and now - self._heard >= KEY_LOST_MS:
            self._finish()
        if not self._complete:
            return []
        complete, self._complete = self._complete, []
        return complete


def _since(timestamp: int, other: int) -> int:
    """Samples from the other timestamp on; negative: before it."""
    return ((timestamp - other + 0x80000000) & 0xFFFFFFFF) - 0x80000000


Step = tuple[int, int]
"""What a tick sends: the event, -1: silence; and which tick of the key it is, from 0."""

_SILENT: Step = (-1, 0)


class Pressed:
    """The keys that go out on one leg, tick by tick."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: deque[Step] = deque()

    def __bool__(self) -> bool:
        return bool(self._steps)

    def press(self, digits: str) -> None:
        """After those that are still to be pressed; what is no key and no comma is left out."""
        for key in digits[:KEYS_PRESSED_MAX].upper():
            if len(self._steps) > KEYS_PRESSED_MAX * _PAUSE_TICKS:
                return
            if key == ",":
                self._steps.extend([_SILENT] * _PAUSE_TICKS)
            elif key in KEYS:
                event = KEYS.index(key)
                self._steps.extend((event, tick) for tick in range(_TONE_TICKS + _END_TICKS))
                self._steps.extend([_SILENT] * (_GAP_TICKS - _END_TICKS))

    def step(self) -> Step:
        """What this tick sends."""
        return self._steps.popleft()


@cache
def payload(event: int, tick: int) -> bytes:
    """The packet of a tick of a key."""
    end = _END if tick >= _TONE_TICKS - 1 else 0
    return _EVENT.pack(event, end | _VOLUME, min(tick + 1, _TONE_TICKS) * FRAME_SAMPLES)


@cache
def tone(event: int, tick: int) -> bytes:
    """The same in band: a frame of pcm (ITU-T Q.23), for far ends that offer no telephone-event."""
    if tick >= _TONE_TICKS:
        return SILENCE
    row = next(n for n, keys in enumerate(_PAD) if KEYS[event] in keys)
    pair = _LOW[row], _HIGH[_PAD[row].index(KEYS[event])]
    samples = [
        round(sum(_LEVEL * sin(2 * pi * frequency * at / RATE) for frequency in pair))
        for at in range(tick * FRAME_SAMPLES, (tick + 1) * FRAME_SAMPLES)
    ]
    return pack(f"<{FRAME_SAMPLES}h", *samples)
