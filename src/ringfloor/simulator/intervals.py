"""Intervals: what several replications say together, and how far it may be from the truth.

Called by the commands that simulate one scenario several times. Replications know nothing of each
other, so the interval is that of Student's t: with 95 of 100 such sets of replications it holds the
mean of all that there could be. A figure may have no value in some replications (nobody was
answered); then the interval is of the others.
"""

from collections.abc import Mapping, Sequence
from math import atan, cos, pi, sin, sqrt
from statistics import fmean, stdev
from typing import Any

from msgspec import Struct

LEVEL = 0.95


class Interval(Struct, frozen=True):
    """mean, and the bounds of its interval; None: a single value tells no bounds."""

    mean: float
    low: float | None
    high: float | None
    replications: int
    """That had a value."""

    @property
    def off(self) -> float | None:
        """Half of it."""
        return None if self.high is None else self.high - self.mean


def interval(values: Sequence[float | None], level: float = LEVEL) -> Interval | None:
    """Of what independent replications found; None: no value at all."""
    told = [each for each in values if each is not None]
    if not told:
        return None
    mean = fmean(told)
    if len(told) == 1:
        return Interval(mean, None, None, 1)
    off = student(len(told) - 1, level) * stdev(told) / sqrt(len(told))
    return Interval(mean, mean - off, mean + off, len(told))


def student(freedom: int, level: float = LEVEL) -> float:
    """Student's t: how many deviations of the mean hold so much. freedom: one less than values."""
    low, high = 0.0, 1.0
    while _inside(high, freedom) < level:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(middle, freedom) < level else (low, middle)
    return high


def _inside(deviations: float, freedom: int) -> float:
    """How likely t is between minus and plus that: the finite series for whole numbers."""
    angle = atan(deviations / sqrt(freedom))
    odd = freedom % 2
    term, total = cos(angle) if odd else 1.0, 0.0
    for number in range(1 + odd, freedom, 2):
        total += term
        term *= cos(angle) ** 2 * number / (number + 1)
    return (angle + sin(angle) * total) * 2 / pi if odd else sin(angle) * total


def together(trees: Sequence[Any]) -> Any:  # noqa: ANN401  JSON
    """Intervals in place of the numbers of JSON trees that are alike; all else is left out.

    Of objects the members that all have, of lists as many as all have; null is no value.
    """
    known = [each for each in trees if each is not None]
    if not known or any(isinstance(each, str | bool) for each in known):
        return None
    first = known[0]
    if isinstance(first, Mapping):
        found = {
            name: together([each[name] for each in known])
            for name in first
            if all(name in each for each in known)
        }
        return {name: each for name, each in found.items() if each is not None}
    if isinstance(first, Sequence):
        return [together(each) for each in zip(*known, strict=False)]
    return interval(trees)
