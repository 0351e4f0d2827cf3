"""Opening: hours of operation, their overrides and their parents', on the clock of their zone."""

from datetime import UTC, datetime

import pytest

from engine_builders import a_center
from ringfloor.base.time import SECOND
from ringfloor.domain import commands
from ringfloor.engine import opening

NINE_TO_FIVE = {"StartTime": {"Hours": 9, "Minutes": 0}, "EndTime": {"Hours": 17, "Minutes": 30}}
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def at(text):
    """An instant by its UTC time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def hours(driver, name, **more):
    properties = {
        "Name": name,
        "TimeZone": "Europe/Berlin",
        "Config": [{"Day": day, **NINE_TO_FIVE} for day in WEEK],
    }
    driver.create("hours_of_operation", name, {**properties, **more})


def override(driver, owner, name, kind, first, last, *days, begin=9, recurrence=None):
    config = [
        {
            "Day": day,
            "StartTime": {"Hours": begin, "Minutes": 0},
            "EndTime": {"Hours": 17, "Minutes": 30},
        }
        for day in days
    ]
    properties = {
        "HoursOfOperationId": driver.ids[owner],
        "Name": name,
        "OverrideType": kind,
        "EffectiveFrom": first,
        "EffectiveTill": last,
        "Config": config,
    }
    if recurrence is not None:
        properties["RecurrenceConfig"] = {"RecurrencePattern": recurrence}
    driver.at += 1
    driver.run(commands.CreateResource(kind="hours_of_operation_override", properties=properties))


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-01-05T07:59:59", False),
        ("2026-01-05T08:00:00", True),
        ("2026-01-05T16:29:59", True),
        ("2026-01-05T16:30:00", False),
        ("2026-07-06T06:59:59", False),
        ("2026-07-06T07:00:00", True),
        ("2026-01-10T12:00:00", False),
        ("2026-01-04T23:30:00", False),
    ],
    ids=["early", "opens", "still", "closes", "summer: early", "summer", "Saturday", "Sunday"],
)
def test_hours_are_those_of_their_zone(instant, is_open):
    driver = a_center()
    hours(driver, "office")
    assert opening.is_open(driver.center, driver.ids["office"], at(instant)) is is_open


NOON = "2026-01-{:02}T12:00:00"


def days_open(driver, name):
    """The days of January 2026 on which these hours are open at noon, UTC."""
    identifier = driver.ids[name]
    return [
        day
        for day in range(1, 32)
        if opening.is_open(driver.center, identifier, at(NOON.format(day)))
    ]


WORKDAYS = [1, 2, *range(5, 10), *range(12, 17), *range(19, 24), *range(26, 31)]


def test_what_an_override_says_holds_on_its_dates():
    driver = a_center()
    hours(driver, "office")
    assert days_open(driver, "office") == WORKDAYS
    override(driver, "office", "ball", "STANDARD", "2026-01-12", "2026-01-18", "SATURDAY")
    assert days_open(driver, "office") == sorted({*WORKDAYS, 17} - {12, 13, 14, 15, 16})
    override(driver, "office", "fair", "OPEN", "2026-01-24", "2026-01-25", "SATURDAY", "SUNDAY")
    assert {24, 25} <= {*days_open(driver, "office")}
    override(driver, "office", "move", "CLOSED", "2026-01-05", "2026-01-06", "MONDAY")
    assert 5 not in days_open(driver, "office")
    assert 6 in days_open(driver, "office")


def test_of_two_overrides_the_one_made_last_stands():
    driver = a_center()
    hours(driver, "office")
    override(driver, "office", "first", "STANDARD", "2026-01-05", "2026-01-05", "MONDAY", begin=16)
    assert 5 not in days_open(driver, "office")
    override(driver, "office", "second", "STANDARD", "2026-01-05", "2026-01-05", "MONDAY")
    assert 5 in days_open(driver, "office")


def test_hours_obey_their_parents_overrides_and_their_own_go_before():
    driver = a_center()
    hours(driver, "company")
    hours(
        driver,
        "office",
        ParentHoursOfOperationConfigs=[{"HoursOfOperationId": driver.ids["company"]}],
    )
    override(driver, "office", "own", "STANDARD", "2026-01-07", "2026-01-07", "WEDNESDAY")
    override(driver, "company", "party", "STANDARD", "2026-01-07", "2026-01-08", "SUNDAY")
    assert 7 in days_open(driver, "office")
    assert 8 not in days_open(driver, "office")
    assert {7, 8}.isdisjoint(days_open(driver, "company"))
    found = opening.overrides(
        driver.center, driver.center.resources["hours_of_operation"][driver.ids["office"]]
    )
    assert [(each.name, each.made) for each in found] == [("party", 0), ("own", 1)]


def test_an_override_may_recur():
    driver = a_center()
    hours(driver, "office")
    pattern = {"Frequency": "WEEKLY", "Interval": 2}
    override(
        driver,
        "office",
        "weekly",
        "CLOSED",
        "2026-01-01",
        "2026-12-31",
        "FRIDAY",
        recurrence=pattern,
    )
    assert days_open(driver, "office") == sorted({*WORKDAYS} - {2, 16, 30})
