"""Chance: the common random numbers of a simulation.

Called by everything in a scenario that happens by chance. A number belongs to who it is about, what
it is for and which time it is: `chance.uniform("callers/claims/17", "patience", 1)`. It does not
depend on what else has happened, so two runs of one seed differ only by what was changed between
them.
"""

from collections.abc import Callable
from hashlib import blake2b

from ringfloor.base.ids import Seed

Deal = Callable[[], float]
"""The next number between 0 and 1, both excluded."""

_PER_HASH = 8
_BYTES = 8
_STEPS = 1 << 52


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
        name = f"{whom}/{purpose}/{number}/".encode()
        key = self._key
        dealt: list[float] = []
        block = 0

        def draw() -> float:
            nonlocal block
            if not dealt:
                told = name + block.to_bytes(8, "big")
                digest = blake2b(told, digest_size=_PER_HASH * _BYTES, key=key).digest()
                parts = range(0, len(digest), _BYTES)
                dealt.extend(_number(digest[at : at + _BYTES]) for at in reversed(parts))
                block += 1
            return dealt.pop()

        return draw


def _number(digest: bytes) -> float:
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / _STEPS
