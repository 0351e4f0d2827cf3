"""WAV: recordings of any usual kind, read and made what telephones carry.

Called by operations, which take prompts, and by the gateway, which plays and speaks. What comes out
is 16 bit little-endian PCM at 8 kHz, mono ("pcm"). A file is judged by its own words and never
believed about its length.
"""

import math
import struct
import warnings
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ringfloor.base.limits import SOUND_BYTES_MAX, SOUND_SECONDS_MAX

with warnings.catch_warnings():  # it leaves Python with 3.13; its successor has the same name
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 8_000
"""Samples per second of everything inside."""

RATES = (8_000, 48_000)
"""The lowest and the highest that are read."""

HEADER_BYTES = 44

_PCM, _ALAW, _ULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE


class _Format(NamedTuple):
    tag: int
    channels: int
    rate: int
    bits: int


def header(data_bytes: int, channels: int = 1) -> bytes:
    """The header of a file of 16 bit PCM at 8 kHz, so many bytes of sound following."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        HEADER_BYTES - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        channels,
        RATE,
        RATE * channels * 2,
        channels * 2,
        16,
        b"data",
        data_bytes,
    )


def written(pcm: bytes) -> bytes:
    """Sound as a file."""
    return header(len(pcm)) + pcm


def normalised(file: bytes) -> bytes:
    """A WAV file as one of 8 kHz, mono, 16 bit; ValueError says what rule it breaks.

    Read are PCM of 8 and 16 bit and G.711 (A-law, mu-law), mono or stereo, 8 to 48 kHz, of
    SOUND_SECONDS_MAX and SOUND_BYTES_MAX at most.
    """
    return written(read(file))


def read(file: bytes, seconds_max: int = SOUND_SECONDS_MAX) -> bytes:
    """The pcm of a WAV file; as normalised."""
    return b"".join(reading(file, seconds_max))


def reading(file: bytes, seconds_max: int = SOUND_SECONDS_MAX) -> Iterator[bytes]:
    """The same piece by piece, half a millisecond of work each, for who must not be away longer."""
    if len(file) > SOUND_BYTES_MAX:
        raise ValueError(f"has more than {SOUND_BYTES_MAX} bytes")
    form, data = _chunks(file)
    _check(form)
    data = data[: len(data) // _frame_bytes(form) * _frame_bytes(form)]
    if not data:
        raise ValueError("has no sound in it")
    if len(data) > seconds_max * form.rate * _frame_bytes(form):
        raise ValueError(f"is longer than {seconds_max} seconds")
    pcm = _linear(form, data)
    if form.channels == 2:
        pcm = audioop.tomono(pcm, 2, 0.5, 0.5)
    yield from _resampled(pcm, form.rate)


def _chunks(file: bytes) -> tuple[_Format, bytes]:
    if len(file) < 12 or file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        raise ValueError("is no WAV file (RIFF, WAVE)")
    form: _Format | None = None
    at = 12
    while at + 8 <= len(file):
        name, size = struct.unpack_from("<4sI", file, at)
        at += 8
        if name == b"fmt ":
            form = _format(file[at : at + min(size, 40)])
        elif name == b"data":
            if form is None:
                raise ValueError("has its data before its format")
            return form, file[at : at + size]
        at += size + size % 2
    raise ValueError("has no data")


def _format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise ValueError("has a format that is cut off")
    tag, channels, rate, _bytes, _align, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    return _Format(tag, channels, rate, bits)


def _check(form: _Format) -> None:
    if form.tag not in {_PCM, _ALAW, _ULAW}:
        raise ValueError(f"has format {form.tag}; PCM (1), A-law (6) and mu-law (7) are read")
    if form.bits not in ({8, 16} if form.tag == _PCM else {8}):
        raise ValueError(f"has {form.bits} bits per sample; PCM has 8 or 16 here, G.711 has 8")
    if form.channels not in {1, 2}:
        raise ValueError(f"has {form.channels} channels; 1 or 2 are read")
    if not RATES[0] <= form.rate <= RATES[1]:
        raise ValueError(f"has {form.rate} samples per second; {RATES[0]} to {RATES[1]} are read")


def _frame_bytes(form: _Format) -> int:
    return form.channels * form.bits // 8


def _linear(form: _Format, data: bytes) -> bytes:
    if form.tag == _ALAW:
        return audioop.alaw2lin(data, 2)
    if form.tag == _ULAW:
        return audioop.ulaw2lin(data, 2)
    if form.bits == 8:  # the only one that is unsigned
        return audioop.lin2lin(audioop.bias(data, 1, -128), 1, 2)
    return data


# Rates

_HALF = 15
"""Samples on either side that the filter looks at."""

_PASS_HZ = 3_500
"""Where what telephones carry ends; half is left there."""

_BLOCK = 4_096
"""Samples at a time; an even number."""


def _resampled(pcm: bytes, rate: int) -> Iterator[bytes]:
    """16 bit mono of that rate at 8 kHz: what is above 3.5 kHz is taken away first."""
    if rate == RATE:
        yield pcm
        return
    gain = 1
    if rate < 2 * RATE:  # more samples first: a straight line between few is a poor guess
        pcm, rate, gain = audioop.tostereo(audioop.mul(pcm, 2, 0.5), 2, 1, 0), rate * 2, 4
    elif rate >= 4 * RATE:  # half of them will do
        halves = []
        pcm = pcm + bytes(len(pcm) % 4)
        for block in _filtered(pcm, rate, rate / 4):
            halves.append(audioop.tomono(block, 2, 1, 0))
            yield b""
        pcm, rate = b"".join(halves), rate // 2
    state = None
    for block in _filtered(pcm, rate, _PASS_HZ, gain):
        less, state = audioop.ratecv(block, 2, 1, rate, RATE, state)
        yield less


@cache
def _weights(rate: int, cut_hz: float) -> tuple[float, ...]:
    """A low pass: a sinc in a Hamming window, its middle first; its sum over both sides is 1."""
    step = 2 * cut_hz / rate
    taps = [step]
    for at in range(1, _HALF + 1):
        window = 0.54 + 0.46 * math.cos(math.pi * at / (_HALF + 1))
        taps.append(math.sin(math.pi * step * at) / (math.pi * at) * window)
    total = taps[0] + 2 * sum(taps[1:])
    return tuple(each / total for each in taps)


def _filtered(pcm: bytes, rate: int, cut_hz: float, gain: float = 1) -> Iterator[bytes]:
    """The same rate without what is above, block by block, in 32 bits with two to spare."""
    weights = _weights(rate, cut_hz)
    margin = bytes(2 * _HALF)
    wide = audioop.mul(audioop.lin2lin(margin + pcm + margin, 2, 4), 4, 0.25)
    for start in range(0, len(pcm) * 2, _BLOCK * 4):
        size = min(_BLOCK * 4, len(pcm) * 2 - start)
        middle = start + _HALF * 4
        total = audioop.mul(wide[middle : middle + size], 4, weights[0])
        for at in range(1, _HALF + 1):
            before, after = middle - at * 4, middle + at * 4
            pair = audioop.add(wide[before : before + size], wide[after : after + size], 4)
            total = audioop.add(total, audioop.mul(pair, 4, weights[at]), 4)
        yield audioop.lin2lin(audioop.mul(total, 4, 4 * gain), 4, 2)
