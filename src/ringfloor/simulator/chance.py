"""Chance: the common random numbers of a simulation.

Called by everything in a scenario that happens by chance. A number belongs to who it is about, what
it is for and which time it is: `chance.uniform("callers/claims/17", "patience", 1)`. It does not
depend on what else has happened, so two runs of one seed differ only by what was changed between
them.

The first numbers of neighbours in a crowd (callers/claims/16 to /23) come out of one hash, so that
whoever asks for all of them (simulator.sketch) pays for one.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import count
from struct import Struct

from ringfloor.base.ids import Seed

Deal = Callable[[], float]
"""The next number between 0 and 1, both excluded."""

NEIGHBOURS = 8
"""How many of a crowd have their first numbers in common."""

_BYTES = 8
_DIGITS = 16
"""From so many on a number is a name like any other."""

_STEPS = 1 << 52
_parts = Struct(f">{NEIGHBOURS}Q").unpack


class Chance:
    """All chance of one seed."""

    __slots__ = ("_key",)

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big")

    def uniform(self, whom: str, purpose: str, number: int = 0) -> float:
        """The one number for this purpose."""
        name = f"{whom}/{purpose}/{number}".encode()
        return _number(blake2b(name, digest_size=_BYTES, key=self._key).digest())

    def seed(self, whom: str, purpose: str, number: int = 0) -> Seed:
        """A seed of the engine's for this purpose: the ids and the chance of a command."""
        name = f"{whom}/{purpose}/{number}/seed".encode()
        return blake2b(name, digest_size=16, key=self._key).digest()

    def deal(self, whom: str, purpose: str, number: int = 0) -> Deal:
        """As many numbers for this purpose as are needed; the first is not that of uniform."""
        return self._dealt(whom, purpose, number).__next__

    def neighbours(self, crowd: str, place: int, purpose: str, number: int = 0) -> list[float]:
        """The first numbers that are dealt to members place * NEIGHBOURS and on of a crowd."""
        return next(self.firsts(crowd, purpose, number, place))

    def firsts(
        self, crowd: str, purpose: str, number: int = 0, place: int = 0
    ) -> Iterator[list[float]]:
        """The same of all further ones, too, NEIGHBOURS at a time."""
        return self._blocks(f"{crowd}/*/{purpose}/{number}/", place)

    def _dealt(self, whom: str, purpose: str, number: int) -> Iterator[float]:
        crowd, _, member = whom.rpartition("/")
        if member.isdecimal() and len(member) < _DIGITS:
            place, at = divmod(int(member), NEIGHBOURS)
            yield self.neighbours(crowd, place, purpose, number)[at]
        for block in self._blocks(f"{whom}/{purpose}/{number}/"):
            yield from block

    def _blocks(self, name: str, first: int = 0) -> Iterator[list[float]]:
        told, key, size, step = name.encode(), self._key, NEIGHBOURS * _BYTES, 1 / _STEPS
        for block in count(first):
            digest = blake2b(told + block.to_bytes(8, "big"), digest_size=size, key=key).digest()
            yield [((each >> 12) + 0.5) * step for each in _parts(digest)]


def _number(digest: bytes) -> float:
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / _STEPS
