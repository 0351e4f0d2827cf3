"""Recorded logs: what is guessed of another center's agents, and its day once more."""

from collections.abc import Mapping
from datetime import date

import pytest

from days import changed, replayed
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.domain.logged import LoggedContact
from ringfloor.simulator.recorded.comparison import ALL, really
from ringfloor.simulator.recorded.day import Day
from ringfloor.simulator.recorded.logs import record
from scenarios import START

DAY = date(2025, 11, 16)


def call(number: int, came: float, waited: float, talked: float | None, **more) -> LoggedContact:
    """Seconds after 08:00. talked: None: gave up."""
    at = START + round(came * SECOND)
    until = at + round(waited * SECOND)
    members = {
        "id": f"c{number}",
        "queue": "sales",
        "initiated_at": at,
        "enqueued_at": at,
        "dequeued_at": until,
        "disconnected_at": until,
    }
    if talked is not None:
        members |= {
            "agent": "ann",
            "connected_to_agent_at": until,
            "disconnected_at": until + round(talked * SECOND),
        }
    return LoggedContact(**members | more)


def day_of(*contacts: LoggedContact) -> Day:
    return record(contacts, DAY, "UTC", "log").day


def told(day: Day) -> Mapping[str, list[tuple[float, str]]]:
    """Agents' statuses, by seconds after 08:00."""
    run = replayed(day)
    names = {each.id: each.name for each in run.work.center.resources["user"].values()}
    statuses = {each.id: each.name for each in run.work.center.resources["agent_status"].values()}
    found: dict[str, list[tuple[float, str]]] = {name: [] for name in names.values()}
    for mark in day.marks:
        found[names[mark.agent_id]].append(((mark.at - START) / SECOND, statuses[mark.status_id]))
    return found


def work_of(day: Day) -> dict[str, float]:
    return {
        name: leg.turn.service.work / SECOND
        for name, leg in day.legs.items()
        if leg.turn.service is not None
    }


def test_who_lets_nobody_wait_is_there_from_the_first_to_the_last():
    day = day_of(call(1, 0, 0, 60), call(2, 300, 0, 60), call(3, 1000, 0, 60))
    assert told(day) == {"ann": [(0, "Available"), (1060, "Offline")]}
    assert work_of(day) == {"c1": 0, "c2": 0, "c3": 0}


def test_who_lets_somebody_wait_is_writing_up():
    """The second was there before the first had ended, and was taken 40 s after that."""
    day = day_of(call(1, 0, 0, 60), call(2, 20, 80, 60), call(3, 400, 0, 60), call(4, 463, 0, 9))
    assert told(day) == {"ann": [(0, "Available"), (472, "Offline")]}
    assert work_of(day) == {"c1": 40, "c2": 40, "c3": 3, "c4": 0}, "as usual, if there is time"


def test_who_lets_somebody_wait_for_long_is_away():
    day = day_of(call(1, 0, 0, 60), call(2, 20, 640, 60))
    assert told(day)["ann"] == [
        (0, "Available"),
        (60, "Away"),
        (660, "Available"),
        (720, "Offline"),
    ]


def test_half_an_hour_without_anybody_is_a_break_and_ringing_is_none():
    day = day_of(call(1, 0, 0, 60), call(2, 2000, 4, 60), call(3, 2400, 8, 60))
    assert [status for _, status in told(day)["ann"]] == [
        "Available",
        "Away",
        "Available",
        "Offline",
    ]
    assert work_of(day)["c2"] == 0


def test_others_queues_do_not_concern_him():
    other = {"queue": "help", "agent": "bob"}
    day = day_of(
        call(1, 0, 0, 60),
        call(2, 50, 200, 60, **other),
        call(3, 300, 0, 60),
        call(4, 10, 5, 9, **other),
    )
    assert told(day)["ann"] == [(0, "Available"), (360, "Offline")]
    assert work_of(day)["c1"] == 0
    profiles = {leg.turn.queue_id for leg in day.legs.values()}
    assert len(profiles) == 2


def test_a_log_that_tells_after_contact_work_is_believed():
    day = day_of(
        call(1, 0, 0, 60, after_contact_work_ms=15 * SECOND),
        call(2, 20, 80, 60, after_contact_work_ms=5 * SECOND),
    )
    assert work_of(day) == {"c1": 15, "c2": 5}
    assert (75, "Away") in told(day)["ann"]


def test_a_day_that_can_have_been_so_is_played_so():
    """One agent, waits that follow from his talks, one who gives up, one who comes first."""
    contacts = [
        call(1, 0, 0, 100),
        call(2, 10, 90, 50),
        call(3, 20, 60, None),
        call(4, 30, 120, 30),
        call(5, 100, 50, 20, age_adjustment_ms=90 * SECOND),
        call(6, 400, 0, 30, agent=None),
        call(7, 500, 0, 30),
    ]
    contacts[3] = call(4, 30, 140, 30)
    day = day_of(*contacts)
    run = replayed(day)
    assert [run.outcomes[n].waited / SECOND for n in range(7)] == [0, 90, 60, 140, 50, 0, 0]
    assert not +run.drawn
    found = really(record(contacts, DAY, "UTC", "log"), (60,))[ALL]
    assert (found["arrivals"], found["answered"], found["abandoned"]) == (7, 6, 1)
    assert found["service_level_60_percent"] == pytest.approx(100 * 4 / 7)
    assert found["wait_p80_seconds"] == 90
    assert found["answer_seconds"] == pytest.approx((0 + 90 + 140 + 50 + 0 + 0) / 6)
    more = replayed(day, changed(day, '[[staff]]\nadd = 1\nlike = "ann"'))
    assert more.outcomes[1].waited == 0


def test_only_those_who_came_on_that_day_are_of_it():
    night = 16 * 3600 - 30
    contacts = [call(1, 0, 0, 60), call(2, night, 20, 120), call(3, night + 40, 0, 60)]
    day = day_of(*contacts)
    assert set(day.legs) == {"c1", "c2"}
    assert day.ends == START + 16 * HOUR
    assert day.after_last == day.ends + 110 * SECOND
    run = replayed(day)
    assert run.until >= day.ends + 2 * MINUTE
    assert run.outcomes[1].waited == 20 * SECOND


def test_a_log_without_agents_cannot_be_played():
    with pytest.raises(Fault, match="names no agents"):
        day_of(call(1, 0, 10, None))
