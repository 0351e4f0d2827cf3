"""Intervals: where quarters, hours, days and weeks begin, in zones that change their clocks."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base import zones
from ringfloor.projections.intervals import marks, number_sql, numbers

HOUR = 3_600_000
DAY = 24 * HOUR


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(local.timestamp() * 1000)


def utc(instants: tuple[int, ...]) -> list[str]:
    return [f"{datetime.fromtimestamp(each / 1000, UTC):%d %H:%M}" for each in instants]


@pytest.mark.parametrize(
    ("start", "end", "period", "zone", "expected"),
    [
        # The whole range is one interval, whatever the zone.
        ("2024-03-05T10:07", "2024-03-05T11:01", "TOTAL", "Asia/Tokyo", "05 10:07, 05 11:01"),
        # The first and the last reach beyond the range.
        (
            "2024-03-05T10:07",
            "2024-03-05T10:31",
            "FIFTEEN_MIN",
            "UTC",
            "05 10:00, 05 10:15, 05 10:30, 05 10:45",
        ),
        (
            "2024-03-05T10:00",
            "2024-03-05T11:00",
            "THIRTY_MIN",
            "UTC",
            "05 10:00, 05 10:30, 05 11:00",
        ),
        # Nepal is 5:45 ahead: its hours begin at quarters of ours.
        (
            "2024-03-05T10:00",
            "2024-03-05T11:20",
            "HOUR",
            "Asia/Kathmandu",
            "05 09:15, 05 10:15, 05 11:15, 05 12:15",
        ),
        # A day of 23 hours, and one of 25.
        (
            "2024-03-09T12:00",
            "2024-03-11T12:00",
            "DAY",
            "America/New_York",
            "09 05:00, 10 05:00, 11 04:00, 12 04:00",
        ),
        (
            "2024-11-02T12:00",
            "2024-11-04T12:00",
            "DAY",
            "America/New_York",
            "02 04:00, 03 04:00, 04 05:00, 05 05:00",
        ),
        # An hour that the clocks leave out is none; one that they show twice is two.
        (
            "2024-03-10T06:00",
            "2024-03-10T08:00",
            "HOUR",
            "America/New_York",
            "10 06:00, 10 07:00, 10 08:00",
        ),
        (
            "2024-11-03T05:00",
            "2024-11-03T07:00",
            "HOUR",
            "America/New_York",
            "03 05:00, 03 06:00, 03 07:00",
        ),
        # Lord Howe Island changes by half an hour: hours of 30 minutes.
        (
            "2024-04-06T14:00",
            "2024-04-06T16:00",
            "HOUR",
            "Australia/Lord_Howe",
            "06 14:00, 06 15:00, 06 15:30, 06 16:30",
        ),
        # Beirut leaps over midnight: its day begins at one o'clock.
        (
            "2024-03-30T00:00",
            "2024-03-31T12:00",
            "DAY",
            "Asia/Beirut",
            "29 22:00, 30 22:00, 31 21:00",
        ),
        # Havana sees midnight twice: the day begins with the first.
        (
            "2024-11-02T12:00",
            "2024-11-03T12:00",
            "DAY",
            "America/Havana",
            "02 04:00, 03 04:00, 04 05:00",
        ),
        # Samoa had no 30 December in 2011.
        (
            "2011-12-29T20:00",
            "2011-12-31T00:00",
            "DAY",
            "Pacific/Apia",
            "29 10:00, 30 10:00, 31 10:00",
        ),
        # Weeks begin with Monday.
        (
            "2024-03-06T00:00",
            "2024-03-20T00:00",
            "WEEK",
            "UTC",
            "04 00:00, 11 00:00, 18 00:00, 25 00:00",
        ),
        ("2024-03-04T00:00", "2024-03-11T00:00", "WEEK", "UTC", "04 00:00, 11 00:00"),
        ("2024-03-10T23:00", "2024-03-11T00:00", "WEEK", "Europe/Berlin", "10 23:00, 17 23:00"),
    ],
)
def test_intervals_begin_where_the_clocks_of_the_zone_say_so(start, end, period, zone, expected):
    assert ", ".join(utc(marks(at(start), at(end), period, zone))) == expected


ZONES = st.sampled_from(
    ("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")
)


@given(
    start=st.integers(at("2024-01-01"), at("2025-01-01")),
    length=st.integers(1, 3 * DAY),
    period=st.sampled_from(("FIFTEEN_MIN", "THIRTY_MIN", "HOUR", "DAY", "WEEK", "TOTAL")),
    zone=ZONES,
)
def test_intervals_cover_the_range_without_gaps_and_their_numbers_are_found(
    start, length, period, zone
):
    end = start + length
    found = marks(start, end, period, zone)
    assert found[0] <= start < found[1]
    assert found[-2] < end <= found[-1]
    assert list(found) == sorted(set(found))
    for number, (begins, ends) in enumerate(pairwise(found)):
        for instant in {max(begins, start), (begins + ends) // 2, min(ends, end) - 1}:
            if start <= instant < end:
                assert evaluated(found, instant) == number


def evaluated(found: tuple[int, ...], instant: int) -> int:
    """What the SQL says of an instant, read as Python."""
    text = number_sql(found, str(instant))
    for name, value in sorted(numbers(found).items(), reverse=True):
        text = text.replace(f"${name}", str(value))
    if not text.startswith("CASE"):
        return int(eval(text))
    *whens, last = text.removeprefix("CASE WHEN ").removesuffix(" END").split(" ELSE ")
    for when in whens[0].split(" WHEN "):
        condition, _, then = when.partition(" THEN ")
        if eval(condition):
            return int(eval(then))
    return int(eval(last))


def test_a_year_of_days_needs_a_comparison_for_each_change_of_the_clocks_only():
    found = marks(at("2024-02-20"), at("2024-03-20"), "DAY", "America/New_York")
    assert number_sql(found, "x").count("WHEN") == 2
    assert "WHEN" not in number_sql(marks(at("2024-02-20"), at("2024-03-20"), "DAY", "UTC"), "x")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "a\x00b"])
def test_what_is_no_zone_is_not_known(name):
    assert not zones.known(name)


def test_a_zone_tells_its_offset_to_the_second():
    assert zones.known("Europe/Berlin")
    assert zones.offset(at("2024-07-01T00:00"), "Europe/Berlin") == 2 * HOUR
    assert zones.offset(at("2024-01-01T00:00"), "America/New_York") == -5 * HOUR
    assert zones.offset(at("1900-01-01T00:00"), "Europe/Amsterdam") % 60_000 != 0
