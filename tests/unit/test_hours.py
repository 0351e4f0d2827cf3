"""Hours of operation: plans, overrides and recurrences, against minutes looked at one by one."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.domain.hours import (
    DAY_MINUTES,
    DAYS,
    Override,
    Span,
    effective,
    holding,
    holds,
    planned,
    span,
)

MONDAY = date(2026, 11, 16)
WEEKDAYS = DAYS[:5]


def entry(day: str, start: str, end: str) -> dict:
    times = [
        dict(zip(("Hours", "Minutes"), map(int, text.split(":")), strict=True))
        for text in (start, end)
    ]
    return {"Day": day, "StartTime": times[0], "EndTime": times[1]}


NINE_TO_FIVE = [entry(day, "9:00", "17:00") for day in WEEKDAYS]


def override(kind="STANDARD", config=(), first=MONDAY, last=None, made=1, **pattern) -> Override:
    last = last or first + timedelta(6)
    return Override("o", kind, first, last, list(config), pattern or None, made)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ("9:00", "17:30", Span(540, 1050)),
        ("0:00", "0:00", Span(0, DAY_MINUTES)),
        ("22:00", "0:00", Span(1320, DAY_MINUTES)),
        ("22:00", "6:00", None),
        ("9:00", "9:00", None),
    ],
)
def test_spans(start, end, wanted):
    assert span(entry("MONDAY", start, end)) == wanted


def test_a_plan_joins_what_touches():
    config = [entry("MONDAY", "9:00", "12:00"), entry("MONDAY", "12:00", "13:00")]
    config += [entry("MONDAY", "12:30", "14:00"), entry("MONDAY", "15:00", "16:00")]
    assert planned(config, MONDAY) == [Span(540, 840), Span(900, 960)]
    assert planned(config, MONDAY + timedelta(1)) == []


def test_a_standard_override_stands_in_place_of_the_plan():
    reduced = override(config=[entry("MONDAY", "10:00", "12:00")])
    assert effective(NINE_TO_FIVE, [reduced], MONDAY) == [Span(600, 720)]
    assert effective(NINE_TO_FIVE, [reduced], MONDAY + timedelta(1)) == []  # named no Tuesday
    assert effective(NINE_TO_FIVE, [reduced], MONDAY + timedelta(7)) == [Span(540, 1020)]
    later = override(config=[entry("MONDAY", "8:00", "9:00")], made=2)
    assert effective(NINE_TO_FIVE, [later, reduced], MONDAY) == [Span(480, 540)]
    closed = override("CLOSED", [entry("MONDAY", "0:00", "0:00")], made=3)
    assert effective(NINE_TO_FIVE, [reduced, closed], MONDAY) == [Span(600, 720)]


def test_open_adds_and_closed_takes_away():
    longer = override("OPEN", [entry("MONDAY", "16:00", "19:00")])
    lunch = override("CLOSED", [entry("MONDAY", "12:00", "13:00")])
    assert effective(NINE_TO_FIVE, [longer, lunch], MONDAY) == [Span(540, 720), Span(780, 1140)]
    assert effective(NINE_TO_FIVE, [longer, lunch], MONDAY + timedelta(1)) == [Span(540, 1020)]
    assert holding([longer, lunch], MONDAY + timedelta(1)) == []


YEARS = {"first": date(2026, 1, 1), "last": date(2030, 12, 31)}


@pytest.mark.parametrize(
    ("pattern", "dates"),
    [
        ({"Frequency": "WEEKLY", "Interval": 2}, ["2026-01-01", "2026-01-03", "2026-01-12"]),
        ({"Frequency": "MONTHLY", "Interval": 1}, ["2026-01-01", "2026-02-01", "2026-03-01"]),
        (
            {"Frequency": "MONTHLY", "Interval": 3, "ByMonthDay": [15]},
            ["2026-01-15", "2026-04-15", "2026-07-15"],
        ),
        (
            {"Frequency": "MONTHLY", "Interval": 1, "ByMonthDay": [31]},
            ["2026-01-31", "2026-03-31", "2026-05-31"],
        ),
        (
            {"Frequency": "MONTHLY", "Interval": 1, "ByMonthDay": [-1]},
            ["2026-01-31", "2026-02-28", "2026-03-31"],
        ),
        (
            {"Frequency": "YEARLY", "Interval": 1, "ByMonth": [12], "ByMonthDay": [25]},
            ["2026-12-25", "2027-12-25", "2028-12-25"],
        ),
        (
            {"Frequency": "YEARLY", "Interval": 2, "ByMonth": [2], "ByMonthDay": [29]},
            ["2028-02-29"],
        ),
    ],
)
def test_recurrences(pattern, dates):
    """dates: the first ones; of a weekly pattern a few that are among them."""
    rule = override("CLOSED", **YEARS, **pattern)
    days = [date(2026, 1, 1) + timedelta(number) for number in range(365 * 5)]
    found = [day.isoformat() for day in days if holds(rule, day)]
    if pattern["Frequency"] == "WEEKLY":
        assert set(dates) <= set(found)
        assert "2026-01-05" not in found
        assert "2026-01-11" not in found
    else:
        assert found[: len(dates)] == dates


@pytest.mark.parametrize(
    ("occurrence", "wanted"),
    [(1, "2026-11-05"), (2, "2026-11-12"), (4, "2026-11-26"), (-1, "2026-11-26")],
)
def test_the_nth_thursday(occurrence, wanted):
    """Thanksgiving: the fourth Thursday of November, whose weekday the entries name."""
    config = [entry("THURSDAY", "0:00", "0:00")]
    pattern = {"Frequency": "YEARLY", "Interval": 1, "ByMonth": [11]}
    rule = override("CLOSED", config, **YEARS, **pattern, ByWeekdayOccurrence=[occurrence])
    plan = [entry(day, "0:00", "0:00") for day in DAYS]
    closed = [
        day.isoformat()
        for number in range(365)
        if not effective(plan, [rule], day := date(2026, 1, 1) + timedelta(number))
    ]
    assert closed == [wanted]


TIMES = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 59])).map(
    lambda time: f"{time[0]}:{time[1]:02}"
)
CONFIG = st.lists(st.builds(entry, st.sampled_from(DAYS[:2]), TIMES, TIMES), max_size=4)
OVERRIDES = st.lists(
    st.builds(override, st.sampled_from(["OPEN", "CLOSED"]), CONFIG, made=st.integers(0, 9)),
    max_size=4,
)


@given(CONFIG, OVERRIDES)
def test_minute_by_minute(config, overrides):
    def covers(entries, minute: int) -> bool:
        spans = [span(each) for each in entries if each["Day"] == "MONDAY"]
        return any(each is not None and each.start <= minute < each.end for each in spans)

    found = effective(config, overrides, MONDAY)
    assert all(one.end < other.start for one, other in pairwise(found))
    for minute in range(0, DAY_MINUTES, 7):
        opened = covers(config, minute) or any(
            covers(each.config, minute) for each in overrides if each.kind == "OPEN"
        )
        closed = any(covers(each.config, minute) for each in overrides if each.kind == "CLOSED")
        assert any(each.start <= minute < each.end for each in found) == (opened and not closed)
