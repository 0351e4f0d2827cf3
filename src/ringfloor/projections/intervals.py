"""Intervals: how a range of time is cut by the calendar of a time zone.

Called by metric_data_v2_request (borders) and historical_sql (the number of an instant's interval).

Rules:
- Quarters, half hours and hours begin where the zone's clocks show a full one; days at their
  midnight, weeks with Monday. The first and the last are cut at the ends of the range.
- A day on which the clocks are changed has 23 or 25 hours, or what the zone made of it; an hour
  that the clocks show twice is two, and so is one within which they are changed.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from ringfloor.base import zones
from ringfloor.base.time import HOUR, MINUTE, Duration, Instant

Period = Literal["FIFTEEN_MIN", "THIRTY_MIN", "HOUR", "DAY", "WEEK", "TOTAL"]

LENGTHS: dict[Period, Duration] = {
    "FIFTEEN_MIN": 15 * MINUTE,
    "THIRTY_MIN": 30 * MINUTE,
    "HOUR": HOUR,
}
"""Of the periods that are equally long."""


def marks(start: Instant, end: Instant, period: Period, zone: str) -> tuple[Instant, ...]:
    """Where the intervals of [start, end) begin, and where the last one ends.

    The first lies at start or before, the last at end or after; they ascend.
    """
    match period:
        case "TOTAL":
            return start, end
        case "DAY":
            found = _days(start, end, zone, 1)
        case "WEEK":
            found = _days(start, end, zone, 7)
        case _:
            found = _clock(start, end, zone, LENGTHS[period])
    return tuple(dict.fromkeys(found))


def _days(start: Instant, end: Instant, zone: str, step: int) -> Iterator[Instant]:
    day = zones.local(start, zone).date()
    if step == 7:
        day -= timedelta(days=day.weekday())
    begins = zones.beginning(day, zone)
    yield begins
    while begins < end:
        day += timedelta(days=step)
        begins = zones.beginning(day, zone)
        yield begins


def _clock(start: Instant, end: Instant, zone: str, length: Duration) -> Iterator[Instant]:
    yield start - (start + zones.offset(start, zone)) % length
    at = start
    while at < end:
        offset = zones.offset(at, zone)
        full = at + length - (at + offset) % length
        if zones.offset(full - 1, zone) == offset:
            at = full
        else:  # the clocks are changed before
            at = bisect_left(
                range(full), x=True, lo=at, key=lambda t: zones.offset(t, zone) != offset
            )
        yield at


class _Run(NamedTuple):
    """Marks that are equally far apart: from the number first on, beginning at begins."""

    first: int
    begins: Instant
    length: Duration


def _runs(marks: Sequence[Instant]) -> list[_Run]:
    runs: list[_Run] = []
    for number, (begins, ends) in enumerate(pairwise(marks)):
        if not runs or runs[-1].length != ends - begins:
            runs.append(_Run(number, begins, ends - begins))
    return runs


def number_sql(marks: Sequence[Instant], moment: str) -> str:
    """SQL for the number of the interval that a moment, inside the range, lies in.

    A division, and a comparison for each change of the intervals' length. Parameters: numbers().
    """
    runs = _runs(marks)
    terms = [f"({moment} - $begins_{n}) // $length_{n} + $first_{n}" for n in range(len(runs))]
    if len(runs) == 1:
        return terms[0]
    whens = " ".join(
        f"WHEN {moment} < $begins_{n} THEN {term}" for n, term in enumerate(terms[:-1], start=1)
    )
    return f"CASE {whens} ELSE {terms[-1]} END"


def numbers(marks: Sequence[Instant]) -> dict[str, int]:
    """The parameters of number_sql."""
    found: dict[str, int] = {}
    for n, run in enumerate(_runs(marks)):
        found |= {f"first_{n}": run.first, f"begins_{n}": run.begins, f"length_{n}": run.length}
    return found
