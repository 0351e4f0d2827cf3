"""Scores: estimates against what came of them, and bands that are kept calibrated.

Scored are contacts that waited and were answered, each asked once, when it came into the queue: of
who abandons nobody knows how long it would have waited. Rules:

- A band is conformal: what an estimator says is low and high is moved by quantiles of how far the
  last waits were from it. Only waits that were over at the moment of asking count.
- No estimate is negative, and no band ends below its beginning.

Pure: called by cli_waits with estimates of any kind.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import sqrt
from typing import NamedTuple

from msgspec import Struct

from ringfloor.base.limits import WAIT_BAND_SAMPLES_MAX, WAIT_BAND_SAMPLES_MIN
from ringfloor.base.time import SECOND, Instant

BAND = 0.8
"""Share of waits that a band has within."""
TAIL = (1 - BAND) / 2


class Estimate(NamedTuple):
    """What an estimator says by itself, in seconds. low, high: of its band before calibration."""

    point_s: float
    low_s: float
    high_s: float


class Outcome(NamedTuple):
    """A contact that was answered: when it asked, when it was answered."""

    at: Instant
    over_at: Instant

    @property
    def waited_s(self) -> float:
        return (self.over_at - self.at) / SECOND


class Score(Struct, frozen=True):
    """How good an estimator is. Seconds, but for contacts and coverage, a share of them."""

    contacts: int
    mae_s: float
    rmse_s: float
    bias_s: float
    """Positive: it says too much."""
    coverage: float | None
    band_mean_s: float | None
    """How wide it is; None: there was none yet for some contact."""


class Offset:
    """How far the last waits were from an edge of a band."""

    __slots__ = ("_oldest", "_ordered", "_share")

    def __init__(self, share: float) -> None:
        self._share = share
        self._oldest: deque[float] = deque()
        self._ordered: list[float] = []

    def learn(self, off_s: float) -> None:
        """A wait was longer than the edge by so much."""
        self._oldest.append(off_s)
        insort(self._ordered, off_s)
        if len(self._oldest) > WAIT_BAND_SAMPLES_MAX:
            del self._ordered[bisect_left(self._ordered, self._oldest.popleft())]

    @property
    def known(self) -> bool:
        return len(self._ordered) >= WAIT_BAND_SAMPLES_MIN

    @property
    def seconds(self) -> float:
        """By how much the edge has to be moved; the split conformal quantile, n + 1 of n."""
        count = len(self._ordered)
        above = self._share > 0.5
        rank = int((count + 1) * self._share + above) - 1
        return self._ordered[min(max(rank, 0), count - 1)]


class Band:
    """The band of one estimator, as its waits come to an end."""

    __slots__ = ("_high", "_low")

    def __init__(self) -> None:
        self._low, self._high = Offset(TAIL), Offset(1 - TAIL)

    def learn(self, told: Estimate, waited_s: float) -> None:
        """So long has been waited, after this was told."""
        self._low.learn(waited_s - told.low_s)
        self._high.learn(waited_s - told.high_s)

    def around(self, told: Estimate) -> tuple[float, float] | None:
        """Low and high in seconds; None: too few waits are known."""
        if not self._low.known:
            return None
        low_s = max(0.0, told.low_s + self._low.seconds)
        return low_s, max(low_s, told.high_s + self._high.seconds)


def score(
    told: Sequence[Estimate],
    outcomes: Sequence[Outcome],
    *,
    before: Iterable[tuple[Estimate, Outcome]] = (),
) -> Score:
    """Of estimates, one for each outcome, in the order of asking.

    before: earlier ones that the band was calibrated with.
    """
    band = Band()
    over: list[tuple[Instant, int, Estimate, float]] = []
    for number, (estimate, outcome) in enumerate(before):
        heappush(over, (outcome.over_at, -1 - number, estimate, outcome.waited_s))
    errors: list[float] = []
    widths: list[float] = []
    within = 0
    for number, (estimate, outcome) in enumerate(zip(told, outcomes, strict=True)):
        while over and over[0][0] <= outcome.at:
            _, _, earlier, waited_s = heappop(over)
            band.learn(earlier, waited_s)
        errors.append(max(0.0, estimate.point_s) - outcome.waited_s)
        edges = band.around(estimate)
        if edges is not None:
            widths.append(edges[1] - edges[0])
            within += edges[0] <= outcome.waited_s <= edges[1]
        heappush(over, (outcome.over_at, number, estimate, outcome.waited_s))
    count = len(errors)
    if not count:
        return Score(0, 0.0, 0.0, 0.0, None, None)
    whole = len(widths) == count
    return Score(
        contacts=count,
        mae_s=sum(map(abs, errors)) / count,
        rmse_s=sqrt(sum(each * each for each in errors) / count),
        bias_s=sum(errors) / count,
        coverage=within / count if whole else None,
        band_mean_s=sum(widths) / count if whole else None,
    )


def plain(point_s: float) -> Estimate:
    """Of an estimator that knows no band by itself."""
    return Estimate(point_s, point_s, point_s)
