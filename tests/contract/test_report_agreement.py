"""What a report shows besides metrics, against plain loops and against the metrics themselves."""

import math
from collections.abc import Iterator
from itertools import count, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.base.limits import REPORT_AGENTS_MAX
from ringfloor.base.time import DAY, HOUR, MINUTE
from ringfloor.domain.facts import AgentTime, Fact, HandTime, Leg
from ringfloor.node.history import History
from ringfloor.projections import report
from ringfloor.projections.historical_metrics import BY_NAME_V2
from ringfloor.projections.historical_sql import Asked, Condition
from ringfloor.projections.metric_data_v2_request import AskedMetric, QueryV2
from ringfloor.projections.report import PERCENTILES, Plan, Range, Reported, cells

START = 1_772_665_200_000
"""Thu 5 Mar 2026, 00:00 in Berlin."""
END = START + 3 * HOUR
ZONE = "Europe/Berlin"
INSTANCES = count(1)


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    store = History.open(None, pytest.fail)
    yield store
    store.close()


def a_plan(**changes: Any) -> Plan:
    period, marks = cells(START, END, ZONE)
    members = {
        "start": START,
        "end": END,
        "period": period,
        "marks": marks,
        "day": Range(START, END),
        "conditions": (Condition("QUEUE", ("q1", "q2")),),
        "profile_ids": ("p1",),
    }
    return Plan(**members | changes)


def a_leg(number: int, at: int, waited: int | None, queue: str = "q1") -> Leg:
    return Leg(
        contact_id=f"c{number}",
        channel="VOICE",
        queue_id=queue,
        initiation_method="INBOUND",
        initiated_at=at - HOUR,
        disconnected_at=at,
        enqueued_at=None if waited is None else at - HOUR,
        dequeued_at=None if waited is None else at - HOUR + waited,
    )


def told(
    history: History, facts: list[Fact], plan: Plan, still_open: int = 0, **names: str
) -> tuple[str, Reported]:
    """The answer, and the instance that it is of; the first facts are open."""
    instance = f"i{next(INSTANCES)}"
    history.load(instance, 1, facts[still_open:])
    running: Any = facts[:still_open]
    return instance, history.report(instance, plan, names, running, END)


def nearest_rank(waits: list[int], percentile: int) -> int:
    return sorted(waits)[math.ceil(percentile * len(waits) / 100) - 1]


def by_hand(waits: list[int]) -> report.Waits:
    ranks = tuple(nearest_rank(waits, each) for each in PERCENTILES)
    return report.Waits(len(waits), max(waits), ranks)


@given(
    st.lists(
        st.tuples(
            st.integers(-2, 2 * 3 * 2).map(lambda half: START + half * 15 * MINUTE),
            st.one_of(st.none(), st.integers(0, 5), st.integers(0, HOUR)),
            st.sampled_from(("q1", "q2", "q3")),
        ),
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_waits_agree_with_a_loop_and_with_the_longest_of_the_metrics(history, legs):
    plan = a_plan()
    facts: list[Fact] = [a_leg(number, *each) for number, each in enumerate(legs)]
    instance, found = told(history, facts, plan)
    kept = [(at, waited) for at, waited, queue in legs if waited is not None and queue != "q3"]
    expected = {
        number: by_hand(waits)
        for number, (since, until) in enumerate(pairwise(plan.marks))
        if (waits := [waited for at, waited in kept if since <= at < until])
    }
    assert found.waits == expected
    whole = [waited for at, waited in kept if START <= at < END]
    assert found.all_waits == (by_hand(whole) if whole else None)
    asked = AskedMetric(asked=Asked(BY_NAME_V2["MAX_QUEUED_TIME"]), echo={})
    query = QueryV2(
        start=START,
        end=END,
        period=plan.period,
        marks=plan.marks,
        conditions=plan.conditions,
        groupings=(),
        asked=(asked,),
        results_max=100,
    )
    rows = history.answer_v2(instance, query, ())
    longest = {row.interval: row.values[0] for row in rows if row.values[0] is not None}
    assert longest == {number: each.longest / 1000 for number, each in expected.items()}


@pytest.mark.slow
def test_percentiles_are_by_nearest_rank_for_any_number_of_waits(history):
    rng = Random(7)
    begins, facts, expected = START, list[Fact](), dict[int, report.Waits]()
    marks = tuple(START + number * MINUTE for number in range(202))
    for number in range(201):
        waits = [rng.randrange(0, 50 * MINUTE) for _ in range(number)]
        facts += [a_leg(number * 1000 + n, begins, waited) for n, waited in enumerate(waits)]
        begins += MINUTE
        if waits:
            expected[number] = by_hand(waits)
    _, found = told(history, facts, a_plan(marks=marks, end=marks[-1]))
    assert found.waits == expected


def an_agents_day(agent: str, rng: Random, profile: str) -> list[AgentTime]:
    """Stretches end to end, some of them out of the range."""
    at, stretches = START - HOUR, list[AgentTime]()
    while at < END + HOUR:
        until = at + rng.choice((1, 60_000, 17 * MINUTE, HOUR))
        kind = rng.choice(("contact", "idle", "non_productive"))
        stretches.append(
            AgentTime(
                agent_id=agent,
                routing_profile_id=profile,
                kind=kind,
                started_at=at,
                ended_at=until,
                status_id="lunch" if kind == "non_productive" else "available",
            )
        )
        at = until + (0 if rng.random() < 0.8 else 10 * MINUTE)
    return stretches


@given(st.integers(0, 1 << 20), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_presences_cover_the_agents_time_and_nothing_else(history, seed, still_open):
    rng = Random(seed)
    days = {agent: an_agents_day(agent, rng, "p1") for agent in ("a1", "a2")}
    facts: list[Fact] = [each for day in days.values() for each in day]
    facts += an_agents_day("a3", rng, "p2")  # serves other queues
    _, found = told(history, facts, a_plan(), still_open, a1="Zoe", a2="Ann")
    presences = found.agents.presences
    assert list(presences) == [each for each in ("a2", "a1") if each in presences]
    for agent, day in days.items():
        minutes = {
            (at, each.status_id, each.kind != "non_productive")
            for each in day
            for at in range(START + 1, END, 997)
            if each.started_at <= at < each.ended_at and at % 7 == 0
        }
        shown = presences[agent]
        assert minutes == {
            (at, each.status_id, each.is_available)
            for each in shown
            for at in range(START + 1, END, 997)
            if each.since <= at < each.until and at % 7 == 0
        }
        assert all(START <= each.since < each.until <= END for each in shown)
        lasted = sum(min(e.ended_at, END) - max(e.started_at, START) for e in day if _in(e))
        assert sum(each.until - each.since for each in shown) == lasted
        for one, two in pairwise(shown):
            assert one.until <= two.since
            assert (one.until, *one[2:]) != (two.since, *two[2:])  # else they were one


def _in(each: AgentTime) -> bool:
    return each.started_at < END and each.ended_at > START


def test_contacts_in_hand_are_shown_whatever_their_queue(history):
    online = an_agents_day("a1", Random(1), "p1")
    hands: list[Fact] = [
        HandTime(
            contact_id=f"c{number}",
            channel=channel,
            queue_id=queue,
            agent_id="a1",
            routing_profile_id="p1",
            started_at=START + since * MINUTE,
            ended_at=START + until * MINUTE,
        )
        for number, (channel, queue, since, until) in enumerate(
            (("CHAT", "q9", 5, 20), ("VOICE", "q1", 30, 999), ("CHAT", None, 5, 10))
        )
    ]
    _, found = told(history, [*online, *hands], a_plan())
    assert found.agents.works == {
        "a1": [
            report.Work(START + 5 * MINUTE, START + 10 * MINUTE, "CHAT"),
            report.Work(START + 5 * MINUTE, START + 20 * MINUTE, "CHAT"),
            report.Work(START + 30 * MINUTE, END, "VOICE"),
        ]
    }


def test_a_report_shows_so_many_agents_and_counts_the_others(history, monkeypatch):
    many = [each for n in range(REPORT_AGENTS_MAX + 5) for each in _online(f"a{n:03}")]
    _, found = told(history, many, a_plan())
    assert list(found.agents.presences) == [f"a{n:03}" for n in range(REPORT_AGENTS_MAX)]
    assert found.agents.left_out == 5
    monkeypatch.setattr(report, "REPORT_STRETCHES_MAX", 7)
    _, found = told(history, many, a_plan())
    assert len(found.agents.presences) == 7
    _, found = told(history, many, a_plan(profile_ids=()))
    assert found.agents == report.Agents({}, {}, 0)


def _online(agent: str) -> list[Fact]:
    place = {"agent_id": agent, "routing_profile_id": "p1", "status_id": "available"}
    return [AgentTime(**place, kind="idle", started_at=START, ended_at=END)]


@pytest.mark.parametrize(
    ("length", "period", "count"),
    [(2 * DAY, "THIRTY_MIN", 96), (2 * DAY + 1, "HOUR", 49), (7 * DAY + 1, "DAY", 8)],
)
def test_longer_reports_have_longer_cells(length, period, count):
    found, marks = cells(START, START + length, ZONE)
    assert (found, len(marks) - 1) == (period, count)
