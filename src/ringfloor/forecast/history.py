"""History: what came in each half hour of each day, from counts in a CSV file or from moments.

    date,interval,calls          interval: 1 is the first of the day, 240 of six minutes
    date,time,contacts           time: 08:30

Called by cli_forecast. Days are of the clocks of a zone: an hour that they show twice has all that
came in both, one that they leap over has nothing. A day that is not in a file of counts is not
known; one between the first and the last of a log had nobody. Rows of the same interval that differ
in further columns (a queue, a channel) are added up; rows that do not are a mistake.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from ringfloor.base import zones
from ringfloor.base.errors import Fault, shown
from ringfloor.base.limits import FORECAST_COUNT_MAX, FORECAST_HISTORY_DAYS_MAX
from ringfloor.base.time import DAY, Instant
from ringfloor.forecast.model import CELLS

DAY_MINUTES = 24 * 60
CELL_MINUTES = DAY_MINUTES // CELLS
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Of what can be told of a day, and of days after it."""
COUNTS = ("calls", "contacts", "count")
"""Names of the column that counts."""


class Day(NamedTuple):
    """What came in the half hours of a day."""

    date: date
    counts: tuple[int, ...]


def of_moments(moments: Iterable[Instant], zone: str) -> list[Day]:
    """The days from the first moment to the last; raises Fault if there are too many."""
    found: dict[date, list[int]] = {}
    for at in moments:
        local = zones.local(at, zone)
        cells = found.setdefault(local.date(), [0] * CELLS)
        cells[(local.hour * 60 + local.minute) // CELL_MINUTES] += 1
    if not found:
        return []
    first, last = min(found), max(found)
    _check_length((last - first).days + 1)
    every = (first + timedelta(number) for number in range((last - first).days + 1))
    return [Day(each, tuple(found.get(each, [0] * CELLS))) for each in every]


def of_counts(
    lines: Iterable[str], name: str, minutes: int | None = None, zone: str = "UTC"
) -> list[Day]:
    """The days of a CSV file. minutes: of an interval; None: as many as its numbers say.

    zone: on whose long days clock times may stand twice. Raises Fault, naming the line.
    """
    rows = csv.DictReader(lines)
    columns = [each.strip() for each in rows.fieldnames or ()]
    rows.fieldnames = columns
    count = next((each for each in columns if each in COUNTS), None)
    when = next((each for each in columns if each in ("interval", "time")), None)
    if "date" not in columns or when is None or count is None:
        there = ", ".join(columns) or "none"
        raise Fault(
            f"{name}: its columns are {there}; they must be date, then interval or time, then one"
            f" of {', '.join(COUNTS)}"
        )
    read = list(_once(_rows(rows, name, when, count), name, zone))
    if when == "interval":
        minutes = minutes or _minutes(max((each.place for each in read), default=1), name)
        read = [each._replace(place=(each.place - 1) * minutes) for each in read]
    found: dict[date, list[int]] = {}
    for row in read:
        if not 0 <= row.place < DAY_MINUTES:
            raise Fault(f"{name}:{row.line}: interval is beyond the end of the day")
        cells = found.setdefault(row.date, [0] * CELLS)
        cells[row.place // CELL_MINUTES] += row.came
    _check_length(len(found))
    return [Day(each, tuple(found[each])) for each in sorted(found)]


class _Row(NamedTuple):
    """place: minutes since midnight, or the number of the interval."""

    line: int
    date: date
    place: int
    came: int
    others: tuple[str, ...]
    """What stands in further columns."""


def _once(read: Iterable[_Row], name: str, zone: str) -> Iterator[_Row]:
    """Each row; raises Fault where one stands twice."""
    seen: dict[tuple[date, int, tuple[str, ...]], int] = {}
    for row in read:
        before = seen.setdefault((row.date, row.place, row.others), row.line)
        if before != row.line and not _is_long(row.date, zone):
            raise Fault(
                f"{name}:{row.line}: the interval of line {before} once more; only hours that the"
                f" clocks of {zone} show twice may be"
            )
        yield row


def _is_long(day: date, zone: str) -> bool:
    """Whether clocks are set back on it."""
    return zones.beginning(day + timedelta(1), zone) - zones.beginning(day, zone) > DAY


def _rows(rows: "csv.DictReader[str]", name: str, when: str, count: str) -> Iterator[_Row]:
    further = [each for each in rows.fieldnames or () if each not in ("date", when, count)]
    for row in rows:
        line = rows.line_num

        def wrong(column: str, rule: str, line: int = line, row: Mapping[str, str] = row) -> Fault:
            return Fault(f"{name}:{line}: column {column}: {shown(row[column])} {rule}")

        try:
            day = date.fromisoformat((row["date"] or "").strip())
        except ValueError as error:
            raise wrong("date", "is no date such as 2026-11-20") from error
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise wrong("date", f"is no day of the years {FIRST_YEAR} to {LAST_YEAR}")
        place = _place((row[when] or "").strip(), when)
        if place is None:
            rule = "is no clock time such as 08:30" if when == "time" else "is no number from 1 on"
            raise wrong(when, rule)
        text = (row[count] or "").strip()
        if not text.isdecimal() or int(text) > FORECAST_COUNT_MAX:
            raise wrong(count, f"is no whole number from 0 to {FORECAST_COUNT_MAX}")
        others = tuple(row[each] or "" for each in further)
        yield _Row(line, day, place, int(text), others)


def _place(text: str, when: str) -> int | None:
    if when == "interval":
        return int(text) if text.isdecimal() and 1 <= int(text) <= DAY_MINUTES else None
    hours, _, minutes = text.partition(":")
    minutes = minutes.partition(":")[0]
    if not (hours.isdecimal() and minutes.isdecimal()):
        return None
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _minutes(last: int, name: str) -> int:
    """Of an interval, when the last of a day has this number; raises Fault."""
    found = DAY_MINUTES // last
    if DAY_MINUTES % last or CELL_MINUTES % found:
        raise Fault(
            f"{name}: the last interval of a day is {last}, which cuts no half hours; say with"
            " --minutes how long an interval is"
        )
    return found


def _check_length(days: int) -> None:
    if days > FORECAST_HISTORY_DAYS_MAX:
        raise Fault(f"{days} days are more than the {FORECAST_HISTORY_DAYS_MAX} of a history")
