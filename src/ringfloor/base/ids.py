"""Ids: where chance enters, and how everything else is derived from it.

This module is the only door to the machine's randomness. A command is prepared with one seed; all
ids that its decision needs are derived from that seed by number, so a decision made twice names
the same things twice.
"""

import os
import random
from collections.abc import Callable
from hashlib import blake2b
from itertools import count

Seed = bytes
"""16 bytes, drawn once per command."""

Draw = Callable[[], Seed]
"""Where a node gets its seeds from: chance() in production, dice(n) in tests and simulations."""


_KEY = os.urandom(32)
_DRAWN = count()


def chance() -> Seed:
    """A seed that nobody can foresee: the operating system's chance, drawn on once per process.

    A keyed hash of a running number; asking the system each time costs ten times as much.
    """
    return blake2b(next(_DRAWN).to_bytes(16, "big"), key=_KEY, digest_size=16).digest()


def secret(size: int) -> bytes:
    """Key material from the operating system."""
    return os.urandom(size)


def dice(number: int) -> Draw:
    """A reproducible source of seeds: the same number always deals the same sequence."""
    deal = random.Random(number)  # noqa: S311  reproducible on purpose
    return lambda: deal.randbytes(16)


Dice = random.Random
"""A reproducible generator."""


def generator(number: int) -> Dice:
    """A reproducible generator for traffic and simulations."""
    return random.Random(number)  # noqa: S311  reproducible on purpose


def branch(seed: Seed, number: int) -> Seed:
    """The number-th seed of a seed: for what follows from a command, so that no id comes twice."""
    return blake2b(seed, digest_size=16, person=number.to_bytes(16, "big")).digest()


def derive(seed: Seed, number: int) -> str:
    """The number-th id of a seed: a lower-case UUID (version 4 layout, RFC 9562)."""
    digest = bytearray(blake2b(seed, digest_size=16, salt=number.to_bytes(16, "big")).digest())
    digest[6] = (digest[6] & 0x0F) | 0x40
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
