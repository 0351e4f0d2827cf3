"""G.711: mu-law and A-law, and the arithmetic of 16-bit sound.

The one module that imports audioop, for everybody: deprecated in Python 3.11, gone from 3.13, where
the package audioop-lts brings the same module back under the same name.

pcm is little-endian 16-bit sound at 8 kHz, one channel, unless it says otherwise.
"""

import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

assert sys.byteorder == "little", "audioop speaks the machine's own byte order, and so do frames"

RATE = 8_000
FRAME_MS = 20
FRAME_SAMPLES = RATE * FRAME_MS // 1_000
FRAME_BYTES = FRAME_SAMPLES * 2
SILENCE = bytes(FRAME_BYTES)
"""One frame of nothing."""

PCMU = 0
PCMA = 8
"""Payload types (RFC 3551)."""

SILENT = {PCMU: b"\xff" * FRAME_SAMPLES, PCMA: b"\xd5" * FRAME_SAMPLES}
"""One frame of nothing, encoded."""


def decode(payload_type: int, data: bytes) -> bytes:
    """PCMU or PCMA as pcm: two bytes for each one."""
    return audioop.alaw2lin(data, 2) if payload_type == PCMA else audioop.ulaw2lin(data, 2)


def encode(payload_type: int, pcm: bytes) -> bytes:
    """Pcm as PCMU or PCMA: one byte for each two."""
    return audioop.lin2alaw(pcm, 2) if payload_type == PCMA else audioop.lin2ulaw(pcm, 2)


def add(one: bytes, other: bytes) -> bytes:
    """The sum of two sounds of the same length, clipped."""
    return audioop.add(one, other, 2)


def mul(pcm: bytes, factor: float) -> bytes:
    """Louder or quieter, clipped."""
    return audioop.mul(pcm, 2, factor)


def rms(pcm: bytes) -> int:
    """How loud: the root mean square, 0 to 32768."""
    return audioop.rms(pcm, 2)


def peak(pcm: bytes) -> int:
    """The largest absolute sample."""
    return audioop.max(pcm, 2)


def stereo(left: bytes, right: bytes) -> bytes:
    """Two sounds of the same length as the channels of one."""
    both = bytearray(2 * len(left))
    both[::4], both[1::4] = left[::2], left[1::2]
    both[2::4], both[3::4] = right[::2], right[1::2]
    return bytes(both)


def mono(pcm: bytes) -> bytes:
    """Both channels of a stereo sound as one, each at half its level."""
    return audioop.tomono(pcm, 2, 0.5, 0.5)


def likeness(one: bytes, other: bytes) -> float:
    """How much two sounds of the same length are alike but for their level: -1 to 1, correlation.

    Silence is like nothing.
    """
    level, other_level = rms(one), rms(other)
    if not level or not other_level:
        return 0.0
    return audioop.findfactor(one, other) * other_level / level
