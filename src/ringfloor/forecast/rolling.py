"""Rolling: a history walked day by day, each day foretold from the days before it.

    walk(days, ahead).told(7)    what is expected of the seventh day after the history, with bands
    walk(days, ahead).scores     how far off that would have been on each day of it

Called by cli_forecast. Nothing here sees a day before it is foretold: the model, the bands and the
means of four weeks learn a day after all that is scored of it has been said. Rules:

- A band is to hold 80 % of what comes. Its ends are quantiles of past errors, of forecasts as far
  ahead for cells in which about as many were expected, on the scale of square roots, where the
  errors of many and of few are alike.
- Scored are days of which the four weeks before are known, so that both ways can say something.
- WAPE: the sum of all errors without their signs, by the contacts that came.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from math import log2, sqrt

from msgspec import Struct, field

from ringfloor.base.limits import FORECAST_ERRORS_MAX, FORECAST_ERRORS_MIN
from ringfloor.forecast.history import Day
from ringfloor.forecast.model import WEEKDAYS, Cells, Model

BAND = 0.8
"""Share of cells, and of days, that a band has within."""
TAIL = (1 - BAND) / 2
WEEKS = 4
"""Whose mean is what forecasts are held against."""
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Progress = Callable[[int, int], None]
"""Told how many days of how many are done."""


class Band(Struct, frozen=True):
    """What is expected, and between which numbers four fifths of what comes will be.

    None: too few past errors are known.
    """

    expected: float
    low: float | None = None
    high: float | None = None


class Told(Struct, frozen=True):
    """A day to come. cells: by half hour."""

    date: date
    total: Band
    cells: tuple[Band, ...]


class Error(Struct):
    """How far forecasts were off. wape, mean_of_four_weeks: 0.25 is 25 % of what came."""

    days: int = 0
    contacts: int = 0
    errors: float = 0.0
    others: float = 0.0
    """Those of the means of four weeks."""

    @property
    def wape(self) -> float | None:
        """None: nothing came."""
        return self.errors / self.contacts if self.contacts else None

    @property
    def wape_of_means(self) -> float | None:
        return self.others / self.contacts if self.contacts else None

    def count(self, came: Sequence[float], told: Sequence[float], mean: Sequence[float]) -> None:
        self.days += 1
        self.contacts += round(sum(came))
        self.errors += sum(abs(a - b) for a, b in zip(told, came, strict=True))
        self.others += sum(abs(a - b) for a, b in zip(mean, came, strict=True))


class Score(Struct):
    """Of forecasts so many days ahead."""

    ahead: int
    cells: Error = field(default_factory=Error)
    totals: Error = field(default_factory=Error)
    """Of whole days."""
    by_weekday: list[Error] = field(default_factory=lambda: [Error() for _ in range(WEEKDAYS)])
    within: int = 0
    banded: int = 0
    """Cells that had a band, and those of them that were within it."""

    @property
    def coverage(self) -> float | None:
        return self.within / self.banded if self.banded else None


class Errors:
    """Past errors of forecasts as far ahead, on the scale of square roots."""

    def __init__(self) -> None:
        self._by_size: dict[int, _Last] = {}
        self._all = _Last()

    def learn(self, expected: float, came: float) -> None:
        """So much was expected, so much came."""
        off = _root(came) - _root(expected)
        self._by_size.setdefault(_size(expected), _Last()).learn(off)
        self._all.learn(off)

    def band(self, expected: float) -> Band:
        """Of so many that are expected."""
        known = self._by_size.get(_size(expected), self._all)
        known = known if known.enough else self._all
        if not known.enough:
            return Band(expected)
        below, above = known.tails
        low, high = _count(_root(expected) + below), _count(_root(expected) + above)
        return Band(expected, min(low, expected), max(high, expected))


class _Last:
    """The last errors, and the same in their order."""

    __slots__ = ("_oldest", "_ordered")

    def __init__(self) -> None:
        self._oldest: deque[float] = deque()
        self._ordered: list[float] = []

    def learn(self, off: float) -> None:
        self._oldest.append(off)
        insort(self._ordered, off)
        if len(self._oldest) > FORECAST_ERRORS_MAX:
            del self._ordered[bisect_left(self._ordered, self._oldest.popleft())]

    @property
    def enough(self) -> bool:
        return len(self._ordered) >= FORECAST_ERRORS_MIN

    @property
    def tails(self) -> tuple[float, float]:
        """The errors that a tenth is below, and above."""
        last = len(self._ordered) - 1
        return self._ordered[round(TAIL * last)], self._ordered[round((1 - TAIL) * last)]


def _root(count: float) -> float:
    return sqrt(count + 0.375)


def _count(root: float) -> float:
    return max(0.0, max(0.0, root) ** 2 - 0.375)


def _size(expected: float) -> int:
    return int(log2(expected + 1))


class Walk:
    """A history being walked. ahead: the horizons in days that are told of, and scored."""

    def __init__(self, ahead: Sequence[int], holidays: Mapping[date, str] | None = None) -> None:
        self.model = Model(holidays)
        self.scores = {each: Score(each) for each in ahead}
        self._cells = {each: Errors() for each in ahead}
        self._totals = {each: Errors() for each in ahead}
        self._waiting: dict[date, dict[int, Told]] = {}
        self._means: dict[date, dict[int, Cells]] = {}
        self._weeks: list[deque[tuple[int, ...]]] = [deque(maxlen=WEEKS) for _ in range(WEEKDAYS)]

    def learn(self, day: Day) -> None:
        """Score what was said of a day, learn it, and say what is expected of the next ones."""
        told, means = self._waiting.pop(day.date, {}), self._means.pop(day.date, {})
        for ahead, said in told.items():
            self._learn_errors(ahead, said, day)
            if ahead in means:
                self._score(ahead, said, means[ahead], day)
        self.model.learn(day.date, day.counts)
        self._weeks[day.date.weekday()].append(day.counts)
        for ahead in self.scores:
            later = day.date + timedelta(ahead)
            self._waiting.setdefault(later, {})[ahead] = self.told(ahead)
            weeks = self._weeks[later.weekday()]
            if len(weeks) == WEEKS:
                mean = [sum(cells) / WEEKS for cells in zip(*weeks, strict=True)]
                self._means.setdefault(later, {})[ahead] = mean

    def told(self, ahead: int) -> Told:
        """What is expected of the day that is so many after the last one; there has been one."""
        assert self.model.last is not None, "a history has a day"
        day = self.model.last + timedelta(ahead)
        expected = self.model.expected(day)
        total = self._totals[ahead].band(sum(expected))
        return Told(day, total, tuple(map(self._cells[ahead].band, expected)))

    def _learn_errors(self, ahead: int, said: Told, day: Day) -> None:
        for cell, came in zip(said.cells, day.counts, strict=True):
            self._cells[ahead].learn(cell.expected, came)
        self._totals[ahead].learn(said.total.expected, sum(day.counts))

    def _score(self, ahead: int, said: Told, mean: Cells, day: Day) -> None:
        score = self.scores[ahead]
        expected = [each.expected for each in said.cells]
        score.cells.count(day.counts, expected, mean)
        score.by_weekday[day.date.weekday()].count(day.counts, expected, mean)
        total = [float(sum(day.counts))]
        score.totals.count(total, [sum(expected)], [sum(mean)])
        for cell, came in zip(said.cells, day.counts, strict=True):
            if cell.low is not None and cell.high is not None:
                score.banded += 1
                score.within += cell.low <= came <= cell.high


def walk(
    days: Sequence[Day],
    ahead: Sequence[int],
    holidays: Mapping[date, str] | None = None,
    progress: Progress = lambda _done, _of: None,
) -> Walk:
    """A whole history, in the order of its days."""
    found = Walk(ahead, holidays)
    for number, day in enumerate(days, 1):
        found.learn(day)
        progress(number, len(days))
    return found
