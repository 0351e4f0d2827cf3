"""Model: what a history of half hours says of the next days.

    expected(day)[cell] = level(weekday) x short term x day of the month x share of the cell

All factors are learnt day by day, in the order of days; what is expected of a day depends on days
that have been learnt and on nothing else. Called by forecast.scores and cli_forecast. Rules:

- Levels are logarithms of whole days. A day that is far from what was expected of it (a failure, a
  holiday that nobody named) is not learnt from, unless the last day of that weekday, or the last
  days whatever they were, were as far off to the same side: then the center has changed. A
  weekday that was so off for three weeks begins anew with them: its first day was no usual one, or
  it opens now.
- Weekdays that come to at least half of the busiest are alike in what is beyond their level: the
  short term, the trend and the day of the month (pay days) are learnt from them together, and what
  one of them tells moves the levels of all a little. The others follow their own level.
- The shares of a weekday are its own as far as its contacts can tell them, else those of the last
  days with about the same shares. A single half hour that bursts is cut to what chance allows.
- Named holidays are learnt apart, by their words, and nothing else is learnt from them. Of a word
  that has not been seen, the quietest weekday is expected.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import expm1, log, log1p, sqrt
from statistics import median

CELLS = 48
"""Half hours of a day, by the clocks of a zone."""
WEEKDAYS = 7

Cells = list[float]

# Chosen with the whole year 1999 in view that docs/staffing.md reports of, which also says what was
# varied and what it costs.
LEVEL_RATE = 0.1
"""By which the level of a weekday follows its days."""
QUIET_LEVEL_RATE = 0.2
"""The same, where nothing else does."""
COMMON_RATE = 0.03
"""By which the levels of all busy weekdays follow each of their days."""
SHORT_RATE = 0.3
SHORT_LASTS = 0.8
"""What is left of the short term after a day."""
TREND_RATE = 0.0007
"""Of a day, by what a day is off."""
TREND_LASTS = 0.99
UNUSUAL = 0.5
"""Off by so much more than chance, as a logarithm: 40 % less, 65 % more."""
RUN_DAYS = 4
"""Unusual to one side, one after the other: a center that has changed."""
RUN_WEEKS = 3
"""The same of one weekday, which has then another level."""
MOVES = 0.3
"""By which a day moves anything at most."""
CHANCE_DEVIATIONS = 2.0
"""Of Poisson's law, that are left to chance."""
MONTH_DAYS_PRIOR = 2.0
"""Days that a day of the month must outweigh."""
NEIGHBOUR = 0.5
"""Weight of the days of the month beside it."""
OWN_LASTS = 0.9
"""What is left of a weekday's cells after a week."""
POOL_LASTS = 0.8
"""What is left of everybody's cells after a day."""
POOL_CONTACTS = 3_000.0
"""What a weekday's own cells must outweigh."""
ALIKE = 0.25
"""Shares that differ by more in all have nothing in common."""
BURST_DEVIATIONS = 3.0
BURST_SHARE = 0.1
"""Of what is expected: by how much a cell differs beside Poisson's law."""


class Model:
    """What has been learnt up to a day."""

    def __init__(self, holidays: Mapping[date, str] | None = None) -> None:
        """holidays: the words of days that are like no weekday, past and to come."""
        self.holidays = holidays or {}
        self.last: date | None = None
        """The last day that was learnt."""
        self._levels: list[float | None] = [None] * WEEKDAYS
        self._off: list[int] = [0] * WEEKDAYS
        """To which side the last day of this weekday was unusual; 0: it was not."""
        self._odd: list[list[float]] = [[] for _ in range(WEEKDAYS)]
        """The last days of this weekday that were unusual to one side, one after the other."""
        self._short = 0.0
        self._run = 0
        """Days that were unusual to one side, one after the other; below 0: too few came."""
        self._trend = 0.0
        self._month = [(0.0, 0.0)] * 32
        """By day of the month: sum and number of what was left unexplained."""
        self._own: list[Cells] = [[0.0] * CELLS for _ in range(WEEKDAYS)]
        self._pool: list[Cells] = [[0.0] * CELLS for _ in range(WEEKDAYS)]
        self._kinds: dict[str, list[Sequence[float]]] = {}
        """Holidays by their words."""

    # What is told

    def expected(self, day: date) -> Cells:
        """Contacts in the half hours of a day that has not been learnt; nothing is known: zeros."""
        if day in self.holidays:
            return self._holiday(self.holidays[day])
        total = max(0.0, expm1(self._level(day)))
        return [total * each for each in self._shares(day.weekday())]

    def _level(self, day: date) -> float:
        """The logarithm of one more than the contacts of a day."""
        level = self._levels[day.weekday()]
        if level is None:
            return self._usual_level()
        if not self._is_busy(day.weekday()):
            return level
        ahead = 1 if self.last is None else max(1, (day - self.last).days)
        short = self._short * SHORT_LASTS ** (ahead - 1)
        trend = self._trend * (1 - TREND_LASTS**ahead) / (1 - TREND_LASTS)
        return level + short + trend + self._day_of_month(day.day)

    def _usual_level(self) -> float:
        """Of a weekday that has never been seen: the mean of the others."""
        known = [each for each in self._levels if each is not None]
        return sum(known) / len(known) if known else 0.0

    def _is_busy(self, weekday: int) -> bool:
        level = self._levels[weekday]
        return level is not None and level >= max(filter(None, self._levels), default=0) - log(2)

    def _day_of_month(self, number: int) -> float:
        total = count = 0.0
        for beside, weight in ((0, 1.0), (-1, NEIGHBOUR), (1, NEIGHBOUR)):
            if 1 <= number + beside <= 31:
                off, days = self._month[number + beside]
                total += weight * off
                count += weight * days
        return total / (count + MONTH_DAYS_PRIOR)

    def _shares(self, weekday: int) -> Cells:
        """Of the half hours, in all 1."""
        own = self._own[weekday]
        own_total = sum(own)
        shared = [0.0] * CELLS
        for other in range(WEEKDAYS):
            cells = self._pool[other]
            weight = 1.0 if not own_total else _likeness(own, self._own[other])
            if weight:
                for number, each in enumerate(cells):
                    shared[number] += weight * each
        shared_total = sum(shared)
        if not shared_total:
            return [each / own_total for each in own] if own_total else [1 / CELLS] * CELLS
        part = POOL_CONTACTS / shared_total
        whole = own_total + POOL_CONTACTS
        return [(a + part * b) / whole for a, b in zip(own, shared, strict=True)]

    def _holiday(self, word: str) -> Cells:
        """The mean of those of the word and of one quietest weekday."""
        known = [number for number in range(WEEKDAYS) if self._levels[number] is not None]
        seen: list[Sequence[float]] = list(self._kinds.get(word, ()))
        if known:
            quietest = min(known, key=lambda number: self._levels[number] or 0.0)
            total = max(0.0, expm1(self._levels[quietest] or 0.0))
            seen.append([total * each for each in self._shares(quietest)])
        return [sum(cells) / len(seen) for cells in zip(*seen, strict=True)] or [0.0] * CELLS

    # What is learnt

    def learn(self, day: date, counts: Sequence[int]) -> None:
        """The contacts that came in the half hours of a day, which is after all that are known."""
        assert self.last is None or day > self.last, "days are learnt in their order"
        assert len(counts) == CELLS, "a day has 48 half hours"
        passed = 1 if self.last is None else (day - self.last).days
        level = self._level(day)
        self._pass(passed)
        self.last = day
        if day in self.holidays:
            self._kinds.setdefault(self.holidays[day], []).append(counts)
            return
        weekday, total = day.weekday(), log1p(sum(counts))
        if self._levels[weekday] is None:
            self._levels[weekday] = total
            self._own[weekday] = [float(each) for each in counts]
            self._pool[weekday] = [float(each) for each in counts]
            return
        chance = CHANCE_DEVIATIONS / sqrt(1 + max(0.0, expm1(level)))
        off = total - level
        side = (off > 0) - (off < 0)
        unusual = side if abs(off) > UNUSUAL + chance else 0
        self._run = self._run + unusual if self._run * unusual > 0 else unusual
        before, self._off[weekday] = self._off[weekday], unusual
        odd = self._odd[weekday] if unusual == before else []
        self._odd[weekday] = odd = [*odd, total] if unusual else []
        if len(odd) == RUN_WEEKS:
            self._levels[weekday], self._odd[weekday] = median(odd), []
            self._learn_cells(weekday, counts)
            return
        if unusual and before != unusual and abs(self._run) < RUN_DAYS:
            return
        self._learn_level(day, off, total)
        self._learn_cells(weekday, counts)

    def _pass(self, days: int) -> None:
        """Time goes by."""
        for _ in range(days):
            for weekday in range(WEEKDAYS):
                if self._is_busy(weekday):
                    self._levels[weekday] = (self._levels[weekday] or 0.0) + self._trend
            self._short *= SHORT_LASTS
            self._trend *= TREND_LASTS
        left = POOL_LASTS**days
        self._pool = [[left * each for each in cells] for cells in self._pool]

    def _learn_level(self, day: date, off: float, total: float) -> None:
        weekday = day.weekday()
        level = self._levels[weekday] or 0.0
        if not self._is_busy(weekday):
            self._levels[weekday] = level + QUIET_LEVEL_RATE * _cut(total - level)
            return
        lasting = _cut(off + self._short)
        self._levels[weekday] = level + LEVEL_RATE * lasting
        for other in filter(self._is_busy, range(WEEKDAYS)):
            self._levels[other] = (self._levels[other] or 0.0) + COMMON_RATE * lasting
        self._trend += TREND_RATE * lasting
        self._short += SHORT_RATE * _cut(off)
        left = total - (self._levels[weekday] or 0.0) - self._short
        sums, days = self._month[day.day]
        self._month[day.day] = (sums + _cut(left), days + 1)

    def _learn_cells(self, weekday: int, counts: Sequence[int]) -> None:
        total = sum(counts)
        own, pool = self._own[weekday], self._pool[weekday]
        for number, (share, came) in enumerate(zip(self._shares(weekday), counts, strict=True)):
            mean = total * share
            deviation = sqrt(mean + (BURST_SHARE * mean) ** 2 + 1)
            burst = BURST_DEVIATIONS * deviation
            learnt = max(mean - burst, min(mean + burst, came))
            own[number] = OWN_LASTS * own[number] + learnt
            pool[number] += learnt


def _cut(off: float) -> float:
    return max(-MOVES, min(MOVES, off))


def _likeness(one: Cells, other: Cells) -> float:
    """How far two days have the same shares: 1 all the same, 0 nothing to do with each other."""
    first, second = sum(one), sum(other)
    if not first or not second:
        return 0.0
    apart = sum(abs(a / first - b / second) for a, b in zip(one, other, strict=True)) / 2
    return max(0.0, 1 - apart / ALIKE) ** 2
