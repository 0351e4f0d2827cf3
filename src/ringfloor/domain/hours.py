"""Hours: when hours of operation are open on a date, with overrides and recurrences.

Called by operations.hours. Values only: a weekly plan and overrides are the API's own members, a
date is local to the time zone of the hours, a span is in minutes of that day. Rules:

* An entry from 00:00 to 00:00 is the whole day; an end at 00:00 is the midnight after.
* A STANDARD override (or one without type) stands in place of the plan on its dates: a weekday
  that it does not name is closed then. Where several hold, the one made last does.
* Where none holds, OPEN overrides add their spans to the plan and CLOSED ones take theirs away.
* Without a recurrence an override holds on each of its dates, with one on those that recur.

Sources: behaviour specification, section 1.4; RecurrencePattern of botocore's model; AWS's
administrator guide on overrides.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
DAY_MINUTES = 24 * 60

Entry = Mapping[str, Any]
"""{Day, StartTime {Hours, Minutes}, EndTime {...}}."""


class Span(NamedTuple):
    """Minutes from midnight; end is not included, 1440 is the midnight after."""

    start: int
    end: int


class Override(NamedTuple):
    """An override as it was stored. made: its place in the order of creation."""

    name: str
    kind: str
    """STANDARD, OPEN or CLOSED."""
    first: date
    last: date
    config: Sequence[Entry]
    pattern: Mapping[str, Any] | None
    made: int


def span(entry: Entry) -> Span | None:
    """The span of an entry; None if it ends before it starts."""
    start, end = _minutes(entry["StartTime"]), _minutes(entry["EndTime"]) or DAY_MINUTES
    return Span(start, end) if start < end else None


def _minutes(time: Mapping[str, int]) -> int:
    return time["Hours"] * 60 + time["Minutes"]


def planned(config: Iterable[Entry], day: date) -> list[Span]:
    """The spans of a weekly plan on a date, joined where they touch."""
    name = DAYS[day.weekday()]
    return joined(
        found for entry in config if entry.get("Day") == name and (found := span(entry)) is not None
    )


def holds(override: Override, day: date) -> bool:
    """Whether an override speaks of a date."""
    if not override.first <= day <= override.last:
        return False
    return override.pattern is None or _recurs(override.pattern, override.first, day)


def _recurs(pattern: Mapping[str, Any], first: date, day: date) -> bool:
    months = (day.year - first.year) * 12 + day.month - first.month
    match pattern["Frequency"]:
        case "WEEKLY":
            weeks = (_monday(day) - _monday(first)).days // 7
            return bool(weeks % pattern["Interval"] == 0)
        case "MONTHLY":
            return months % pattern["Interval"] == 0 and _in_month(pattern, first, day)
        case _:
            wanted = pattern.get("ByMonth") or [first.month]
            years = day.year - first.year
            return (
                years % pattern["Interval"] == 0
                and day.month in wanted
                and _in_month(pattern, first, day)
            )


def _monday(day: date) -> date:
    return day - timedelta(day.weekday())


def _in_month(pattern: Mapping[str, Any], first: date, day: date) -> bool:
    """Whether the date is the one of its month that the pattern means."""
    following = (day.replace(day=28) + timedelta(4)).replace(day=1)
    days = (following - timedelta(1)).day
    occurrences = pattern.get("ByWeekdayOccurrence")
    if occurrences:
        return (day.day - 1) // 7 + 1 in occurrences or -((days - day.day) // 7 + 1) in occurrences
    wanted = pattern.get("ByMonthDay") or [first.day]
    return day.day in wanted or day.day - days - 1 in wanted


def holding(overrides: Iterable[Override], day: date) -> list[Override]:
    """The overrides that shape a date: the last STANDARD one, or else all OPEN and CLOSED ones.

    A recurring one that names no span on that weekday has nothing to say.
    """
    found = sorted((each for each in overrides if holds(each, day)), key=lambda each: each.made)
    standard = [each for each in found if each.kind == "STANDARD"]
    if standard:
        return standard[-1:]
    return [each for each in found if planned(each.config, day)]


def effective(config: Iterable[Entry], overrides: Iterable[Override], day: date) -> list[Span]:
    """When it is open on a date."""
    shaping = holding(overrides, day)
    if shaping and shaping[0].kind == "STANDARD":
        return planned(shaping[0].config, day)
    spans = planned(config, day)
    for each in shaping:
        if each.kind == "OPEN":
            spans = joined([*spans, *planned(each.config, day)])
    for each in shaping:
        if each.kind == "CLOSED":
            spans = _without(spans, planned(each.config, day))
    return spans


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same minutes in as few spans as there can be, in order."""
    result: list[Span] = []
    for each in sorted(spans):
        if result and each.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, each.end))
        else:
            result.append(each)
    return result


def _without(spans: list[Span], gone: list[Span]) -> list[Span]:
    for hole in gone:
        spans = [
            part
            for each in spans
            for part in (
                Span(each.start, min(each.end, hole.start)),
                Span(max(each.start, hole.end), each.end),
            )
            if part.start < part.end
        ]
    return spans
