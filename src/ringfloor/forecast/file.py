"""File: a forecast as JSON, written by `ringfloor forecast` and read by `ringfloor staff`.

Dates are ISO 8601, half hours clock times of the zone, counts expected contacts; low and high hold
four fifths of what comes, shares are of 1.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.forecast.history import CELL_MINUTES, Day
from ringfloor.forecast.model import CELLS
from ringfloor.forecast.rolling import NAMES, Error, Score, Told

DECIMALS = 3


class HalfHour(Struct, frozen=True, omit_defaults=True):
    """time: when it begins, such as 08:30."""

    time: str
    expected: float
    low: float | None = None
    high: float | None = None


class ForecastDay(Struct, frozen=True, omit_defaults=True):
    """One day to come."""

    date: date
    half_hours: tuple[HalfHour, ...]
    weekday: str | None = None
    holiday: str | None = None
    """The word it was named by."""
    expected: float | None = None
    low: float | None = None
    high: float | None = None


class Errors(Struct, frozen=True):
    """WAPE of forecasts, and of the mean of the last four same weekdays; None: nothing came."""

    days: int
    contacts: int
    wape: float | None
    wape_of_means: float | None


class Scored(Struct, frozen=True):
    """How far off forecasts so many days ahead would have been. coverage: of the bands."""

    ahead_days: int
    half_hours: Errors
    whole_days: Errors
    coverage: float | None
    by_weekday: Mapping[str, Errors]
    """By half hours."""


class Forecast(Struct, frozen=True):
    """The whole file."""

    source: str
    zone: str
    first_day: date
    last_day: date
    """Of what was learnt from."""
    days: tuple[ForecastDay, ...]
    scores: tuple[Scored, ...] = ()
    days_known: int = 0
    """Of those from the first to the last."""


def made(
    source: str,
    zone: str,
    learnt: Sequence[Day],
    told: Sequence[Told],
    scores: Sequence[Score],
    holidays: Mapping[date, str],
) -> Forecast:
    """What is written."""
    return Forecast(
        source=source,
        zone=zone,
        first_day=learnt[0].date,
        last_day=learnt[-1].date,
        days=tuple(_day(each, holidays.get(each.date)) for each in told),
        scores=tuple(_scored(each) for each in scores),
        days_known=len(learnt),
    )


def _day(told: Told, holiday: str | None) -> ForecastDay:
    return ForecastDay(
        date=told.date,
        weekday=NAMES[told.date.weekday()],
        holiday=holiday,
        expected=_rounded(told.total.expected),
        low=_end(told.total.low),
        high=_end(told.total.high),
        half_hours=tuple(
            HalfHour(clock(number), _rounded(cell.expected), _end(cell.low), _end(cell.high))
            for number, cell in enumerate(told.cells)
        ),
    )


def clock(cell: int) -> str:
    """When a half hour of a day begins."""
    return "{:02}:{:02}".format(*divmod(cell * CELL_MINUTES, 60))


CLOCKS = {clock(number): number * CELL_MINUTES for number in range(CELLS)}
"""Minutes since midnight by what clocks show."""


def _scored(score: Score) -> Scored:
    return Scored(
        ahead_days=score.ahead,
        half_hours=_errors(score.cells),
        whole_days=_errors(score.totals),
        coverage=score.coverage,
        by_weekday={
            name: _errors(each)
            for name, each in zip(NAMES, score.by_weekday, strict=True)
            if each.days
        },
    )


def _errors(error: Error) -> Errors:
    return Errors(error.days, error.contacts, error.wape, error.wape_of_means)


def _rounded(number: float) -> float:
    return round(number, DECIMALS)


def _end(number: float | None) -> float | None:
    return None if number is None else _rounded(number)


def read(content: bytes, name: str) -> Mapping[date, Mapping[int, float]]:
    """Expected contacts by day and by minutes since midnight; raises Fault. name: of the file."""
    try:
        found = msgspec.json.decode(content, type=_Read)
    except msgspec.MsgspecError as error:
        raise Fault(
            f"{name} is no forecast as `ringfloor forecast --json` writes it: {error}"
        ) from error
    days: dict[date, dict[int, float]] = {}
    for day in found.days:
        cells = days.setdefault(day.date, {})
        for each in day.half_hours:
            if each.time not in CLOCKS or not 0 <= each.expected < float("inf"):
                raise Fault(f"{name}: {day.date} {each.time}: {each.expected} is no forecast")
            cells[CLOCKS[each.time]] = each.expected
    return days


class _Read(Struct):
    """Of a forecast, what is needed; others may write as much."""

    days: tuple[ForecastDay, ...]
