"""Distributions: how long things take, by name.

    constant = 30 s     exponential, lognormal, erlang, weibull, uniform     observed, mixture

Called by simulator.scenario, which reads them, and by whoever draws. Numbers are seconds inside and
milliseconds when drawn. Where one uniform number is enough the draw is monotone in it, which is
what makes common random numbers common.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from math import exp, gamma, log, prod, sqrt
from statistics import NormalDist, fmean
from typing import NamedTuple

from ringfloor.base.time import SECOND, Duration
from ringfloor.simulator.chance import NEIGHBOURS, Chance, Deal

Draw = Callable[[Deal], float]


class Distribution(NamedTuple):
    """How long something takes. mean: seconds; draw: seconds out of uniform numbers.

    numbers: how many of these it takes, where 0 gives the mean; None: it depends.
    """

    mean: float
    draw: Draw
    is_zero: bool = False
    """Whether it never takes any time."""
    numbers: int | None = None

    def ms(self, deal: Deal) -> Duration:
        """A length."""
        return round(self.draw(deal) * SECOND)


class Kind(NamedTuple):
    """A named distribution and its parameters. above: what each must be more than, if anything."""

    doc: str
    parameters: Mapping[str, str]
    make: Callable[..., Distribution]


def constant(value: float) -> Distribution:
    """Always the same."""
    return Distribution(value, lambda _deal: value, not value, numbers=0)


def exponential(mean: float) -> Distribution:
    """Without memory."""
    negative = -mean
    return Distribution(mean, lambda deal: negative * log(1 - deal()), numbers=1)


def uniform(low: float, high: float) -> Distribution:
    """Anything in between, alike."""
    return Distribution((low + high) / 2, lambda deal: low + (high - low) * deal(), numbers=1)


_STANDARD = NormalDist()


def lognormal(mean: float, deviation: float) -> Distribution:
    """A long tail; what talk times of people mostly are."""
    square = log(1 + (deviation / mean) ** 2)
    middle, spread = log(mean) - square / 2, sqrt(square)
    return Distribution(
        mean, lambda deal: exp(middle + spread * _STANDARD.inv_cdf(deal())), numbers=1
    )


def erlang(mean: float, shape: int) -> Distribution:
    """So many exponential parts, one after the other."""
    scale = mean / shape
    return Distribution(
        mean, lambda deal: -scale * log(prod(1 - deal() for _ in range(shape)) or 5e-324)
    )


def weibull(mean: float, shape: float) -> Distribution:
    """Patience that grows (shape below 1) or wears out (above 1)."""
    scale = mean / gamma(1 + 1 / shape)
    return Distribution(mean, lambda deal: scale * (-log(1 - deal())) ** (1 / shape), numbers=1)


def observed(values: Sequence[float]) -> Distribution:
    """One of these, alike: as measured."""
    ordered = sorted(values)
    return Distribution(fmean(ordered), lambda deal: ordered[int(deal() * len(ordered))], numbers=1)


def mixture(of: Sequence[Distribution], weights: Sequence[float]) -> Distribution:
    """One of several, by weight."""
    total = sum(weights)
    limits = [each / total for each in accumulate(weights)]

    def draw(deal: Deal) -> float:
        chosen = deal()
        number = next((at for at, limit in enumerate(limits) if chosen < limit), len(of) - 1)
        return of[number].draw(deal)

    mean = sum(each.mean * weight for each, weight in zip(of, weights, strict=True)) / total
    return Distribution(mean, draw)


KINDS: Mapping[str, Kind] = {
    "constant": Kind("always the same", {"value": "seconds"}, constant),
    "exponential": Kind("without memory", {"mean": "seconds"}, exponential),
    "lognormal": Kind(
        "with a long tail", {"mean": "seconds", "deviation": "seconds, standard"}, lognormal
    ),
    "erlang": Kind(
        "so many exponential parts, one after the other",
        {"mean": "seconds", "shape": "whole, 1 to 100"},
        erlang,
    ),
    "weibull": Kind(
        "growing (shape below 1) or wearing out (above 1)",
        {"mean": "seconds", "shape": "0.1 to 100"},
        weibull,
    ),
    "uniform": Kind("alike in between", {"low": "seconds", "high": "seconds"}, uniform),
    "observed": Kind("one of these, alike", {"values": "list of seconds"}, observed),
    "mixture": Kind(
        "one of several, by weight",
        {"of": "list of distributions", "weights": "list of numbers"},
        mixture,
    ),
}
"""What a scenario may name; a number alone is constant, a text the name of one of the file's."""


# Of many at once


class Lengths:
    """How long something takes each member of a crowd: common random numbers, many at a time."""

    __slots__ = ("_chance", "_crowd", "_known", "_number", "_of", "_ordered", "_purpose")

    def __init__(
        self, chance: Chance, crowd: str, purpose: str, number: int, of: Distribution
    ) -> None:
        self._chance, self._crowd, self._of = chance, crowd, of
        self._purpose, self._number = purpose, number
        self._known: dict[int, list[Duration]] = {}
        self._ordered: list[Duration] = []

    def __call__(self, member: int) -> Duration:
        place = member // NEIGHBOURS
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._drawn(place * NEIGHBOURS, NEIGHBOURS)
        return known[member % NEIGHBOURS]

    def in_order(self, members: int) -> list[Duration]:
        """That of members 1 to so many; not to be changed."""
        if len(self._ordered) != members:
            self._ordered = self._drawn(0, members + 1)[1:]
        return self._ordered

    def _drawn(self, first: int, size: int) -> list[Duration]:
        """That of so many from the first on, who is first among neighbours."""
        of, chance, about = self._of, self._chance, (self._purpose, self._number)
        if of.numbers is None:
            members = range(first, first + size)
            return [of.ms(chance.deal(f"{self._crowd}/{each}", *about)) for each in members]
        if not of.numbers:
            return [round(of.mean * SECOND)] * size
        firsts = chance.firsts(self._crowd, *about, first // NEIGHBOURS)
        deal, draw = chain.from_iterable(firsts).__next__, of.draw
        return [round(draw(deal) * SECOND) for _ in range(size)]


class Draws:
    """All lengths of one seed: whoever plays the same day several times draws them once."""

    __slots__ = ("_known", "chance")

    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed)
        self._known: dict[tuple[str, str, int, Distribution], Lengths] = {}

    def lengths(self, crowd: str, purpose: str, number: int, of: Distribution) -> Lengths:
        key = crowd, purpose, number, of
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Lengths(self.chance, *key)
        return known
