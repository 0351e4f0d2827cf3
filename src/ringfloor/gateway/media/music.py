"""Music: what there is to hear without any file, made of sine waves when a gateway begins.

Called by gateway.media.sounds. The music is our own: broken chords on something like bells, sixteen
seconds that join on to themselves, quiet enough to be listened to for long, and within what
telephones carry.
"""

import math
from array import array
from collections.abc import Iterable
from functools import cache

from ringfloor.gateway.media import g711

_BEAT = 4_000
"""Samples: half a second."""

_CHORDS = (  # halftones above middle C, in the order in which they sound
    (0, 7, 12, 16, 19, 16, 12, 7),
    (-3, 4, 9, 12, 16, 12, 9, 4),
    (-7, 5, 9, 12, 17, 12, 9, 5),
    (-5, 2, 7, 14, 17, 14, 11, 7),
)
_PARTIALS = ((1, 1.0, 0.9), (2, 0.35, 0.5), (3, 0.12, 0.25))
"""Of a bell: times its pitch, how loud, and the seconds after which a third of it is left."""

_RINGS = 14_000
"""Samples that a bell is heard for."""

_LOUD = 4_000
"""The highest sample of one bell."""


@cache
def music() -> bytes:
    """Pcm to be looped."""
    beats = [note for chord in _CHORDS for note in chord]
    length = len(beats) * _BEAT * 2
    total = bytes(length)
    for at, note in enumerate(beats):
        start = at * _BEAT * 2
        rung = _bell(note)
        placed = (bytes(start) + rung).ljust(length, b"\0")
        total = g711.add(total, placed[:length])
        if len(placed) > length:  # it rings on over the beginning
            total = g711.add(total, placed[length:].ljust(length, b"\0"))
    return total


@cache
def beep() -> bytes:
    """Pcm of a short signal that somebody is there now."""
    return tone(900, 300)


@cache
def ringback() -> bytes:
    """Pcm of what is heard while it rings elsewhere: two seconds of tone in six (ITU-T E.180)."""
    sounding = g711.add(tone(440, 2_000, 3_000), tone(480, 2_000, 3_000))
    return sounding.ljust(6 * g711.RATE * 2, b"\0")


@cache
def tone(hertz: int, lasts_ms: int, loud: int = 6_000) -> bytes:
    """Pcm of a pure tone that begins and ends softly."""
    samples = g711.RATE * lasts_ms // 1_000
    soft = min(80, samples // 2)
    return _pcm(
        loud
        * min(1, at / soft, (samples - 1 - at) / soft)
        * math.sin(2 * math.pi * hertz * at / g711.RATE)
        for at in range(samples)
    )


@cache
def _bell(note: int) -> bytes:
    hertz = 261.63 * 2 ** (note / 12)
    sound = [0.0] * _RINGS
    for times, loud, fades in _PARTIALS:
        turn = 2 * math.pi * hertz * times / g711.RATE
        keep = math.exp(-1 / (fades * g711.RATE))
        # A damped wave by its two last samples: far quicker than a sine each.
        one, two = 2 * keep * math.cos(turn), keep * keep
        before, last = -loud * math.sin(turn) / keep, 0.0
        for at in range(_RINGS):
            sound[at] += last
            before, last = last, one * last - two * before
    fall = 800
    for at in range(fall):
        sound[-1 - at] *= at / fall
    return _pcm(_LOUD * each / 1.2 for each in sound)


def _pcm(samples: Iterable[float]) -> bytes:
    return array("h", [round(each) for each in samples]).tobytes()
