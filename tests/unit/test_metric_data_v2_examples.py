"""The worked examples of the metrics specification in GetMetricDataV2, and what was open then."""

from typing import Any

import pytest
from msgspec import structs

from ringfloor.base.errors import Refusal
from ringfloor.domain.facts import AgentTime, Fact, HandTime, Occurrence, Offer
from ringfloor.node.history import History
from ringfloor.operations.metric_explanations import header_text
from ringfloor.projections import historical_answer
from ringfloor.projections.historical_answer import RowsV2, question_of_v2
from ringfloor.projections.historical_sql import Condition
from ringfloor.projections.metric_data_v2_request import QueryV2, parse
from unit.test_historical_examples import AGENT_TIME, EXAMPLES, NOW, a_leg, instant

INSTANCE = "i"
RANGES = {"example1": ("10:00:00", "10:15:00"), "example2": ("11:00:00", "11:15:00")}
PROFILES = ("ann", "bob", "cid", "dee")


def an_offer(agent: str, at: str, outcome: str, queue: str = "P") -> Offer:
    return Offer(
        contact_id="c",
        channel="VOICE",
        queue_id=queue,
        agent_id=agent,
        routing_profile_id=agent,
        offered_at=instant(at) - 5_000,
        ended_at=instant(at),
        outcome=outcome,
    )


OFFERS = {
    "example1": [
        an_offer("ann", "10:00:32", "accepted", "S"),
        an_offer("bob", "10:03:25", "missed"),
        an_offer("bob", "10:03:40", "accepted"),
        an_offer("ann", "10:06:25", "accepted"),
    ],
    "example2": [
        an_offer("bob", "11:02:20", "rejected"),
        an_offer("bob", "11:04:12", "customer_left"),
    ],
}


def everything(example: str) -> list[Fact]:
    legs = [a_leg(fact) for fact in EXAMPLES[example]["legs"]]
    legs = [structs.replace(leg, routing_profile_id=leg.agent_id) for leg in legs]
    enqueued = [
        Occurrence(
            kind="enqueued",
            at=leg.enqueued_at,
            contact_id=leg.contact_id,
            channel=leg.channel,
            queue_id=leg.queue_id,
        )
        for leg in legs
        if leg.enqueued_at is not None
    ]
    return [*legs, *enqueued, *OFFERS[example], *AGENT_TIME[example]]


@pytest.fixture(scope="module")
def history():
    history = History.open(None, pytest.fail)
    for sequence, example in enumerate(RANGES, start=1):
        history.load(INSTANCE, sequence, everything(example))
    yield history
    history.close()


def by(key: str, *values: str) -> dict[str, Any]:
    return {"FilterKey": key, "FilterValues": list(values)}


def a_query(example: str, *metrics: dict[str, Any], **changes: Any) -> QueryV2:
    start, end = changes.pop("range", RANGES[example])
    request = {
        "StartTime": instant(start) / 1000,
        "EndTime": instant(end) / 1000,
        "Filters": [by("QUEUE", "S", "P")],
        "Groupings": ["QUEUE"],
        "Metrics": list(metrics),
    } | changes
    return parse(request, NOW + 1_000_000, lambda _kind, value, _key: value)


def values(rows: RowsV2) -> dict[Any, list[float | None]]:
    return {row.dimensions[0]: row.values for row in rows}


def within(name: str, comparison: str, seconds: int) -> dict[str, Any]:
    return {
        "Name": name,
        "Threshold": [{"Comparison": comparison, "ThresholdValue": seconds}],
    }


@pytest.mark.parametrize(
    ("metric", "s", "p"),
    [
        ({"Name": "ABANDONMENT_RATE"}, 100 / 3, 0),
        ({"Name": "CONTACTS_CREATED"}, 3, 4),
        (within("SUM_CONTACTS_ANSWERED_IN_X", "LT", 45), 1, 2),
        (within("SUM_CONTACTS_ANSWERED_IN_X", "LTE", 30), 1, 1),
        (within("SUM_CONTACTS_ANSWERED_IN_X", "LT", 30), 1, 0),
        (within("CONTACTS_REMOVED_FROM_QUEUE_IN_X", "LTE", 60), 3, 3),
        (within("CONTACTS_REMOVED_FROM_QUEUE_IN_X", "LT", 60), 2, 2),
        ({"Name": "AVG_HOLD_TIME_ALL_CONTACTS"}, 30, 0),
    ],
    ids=lambda case: case["Name"] if isinstance(case, dict) else "",
)
def test_by_queue(history, metric, s, p):
    found = values(history.answer_v2(INSTANCE, a_query("example1", metric), []))
    assert found == {"S": [pytest.approx(s)], "P": [pytest.approx(p)]}


def test_what_was_enqueued_counts_at_once(history):
    query = a_query(
        "example1", {"Name": "CONTACTS_QUEUED_BY_ENQUEUE"}, range=("10:00:00", "10:05:00")
    )
    assert values(history.answer_v2(INSTANCE, query, [])) == {"S": [3], "P": [2]}


def test_by_agent(history):
    who = [by("ROUTING_PROFILE", *PROFILES)]
    names = ("AGENT_OCCUPANCY", "AGENT_NON_RESPONSE", "AGENT_ANSWER_RATE")
    query = a_query(
        "example1", *({"Name": name} for name in names), Filters=who, Groupings=["AGENT"]
    )
    assert values(history.answer_v2(INSTANCE, query, [])) == {
        "ann": [pytest.approx(480 / 900), 0, 100],
        "bob": [pytest.approx(375 / 900), 1, 50],
    }
    names = ("AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS", "AGENT_NON_RESPONSE")
    query = a_query(
        "example2", *({"Name": name} for name in names), Filters=who, Groupings=["AGENT"]
    )
    assert values(history.answer_v2(INSTANCE, query, [])) == {"bob": [1, 2]}


SAME = {
    "AVG_HANDLE_TIME": "HANDLE_TIME",
    "AVG_AFTER_CONTACT_WORK_TIME": "AFTER_CONTACT_WORK_TIME",
    "AVG_INTERACTION_TIME": "INTERACTION_TIME",
    "AVG_INTERACTION_AND_HOLD_TIME": "INTERACTION_AND_HOLD_TIME",
    "AVG_HOLD_TIME": "HOLD_TIME",
    "MAX_QUEUED_TIME": "QUEUED_TIME",
    "AVG_ABANDON_TIME": "ABANDON_TIME",
    "AVG_QUEUE_ANSWER_TIME": "QUEUE_ANSWER_TIME",
    "AGENT_NON_RESPONSE": "CONTACTS_MISSED",
}
INCOMING = ("INBOUND", "TRANSFER", "QUEUE_TRANSFER")
FILTERED = {
    "CONTACTS_HANDLED_INCOMING": ("CONTACTS_HANDLED", "INITIATION_METHOD", *INCOMING),
    "CONTACTS_HANDLED_OUTBOUND": ("CONTACTS_HANDLED", "INITIATION_METHOD", "OUTBOUND"),
    "CALLBACK_CONTACTS_HANDLED": ("CONTACTS_HANDLED", "INITIATION_METHOD", "CALLBACK"),
    "API_CONTACTS_HANDLED": ("CONTACTS_HANDLED", "INITIATION_METHOD", "API"),
    "CONTACTS_AGENT_HUNG_UP_FIRST": ("CONTACTS_HANDLED", "DISCONNECT_REASON", "AGENT_DISCONNECT"),
    "CONTACTS_TRANSFERRED_IN": ("CONTACTS_CREATED", "INITIATION_METHOD", *INCOMING[1:]),
}


@pytest.mark.parametrize(("example", "queue"), [("example1", "S"), ("example1", "P")])
def test_v2_says_of_a_queue_what_the_example_says_in_v1(history, example, queue):
    expected = EXAMPLES[example]["expected"][queue]
    metrics: list[dict[str, Any]] = [{"Name": name} for name in SAME]
    for name, key, *chosen in FILTERED.values():
        own = {"MetricFilterKey": key, "MetricFilterValues": chosen}
        metrics.append({"Name": name, "MetricFilters": [own]})
    found = values(history.answer_v2(INSTANCE, a_query(example, *metrics), []))[queue]
    names = (*SAME.values(), *FILTERED)
    assert dict(zip(names, found, strict=True)) == {
        name: None if expected[name] is None else pytest.approx(expected[name]) for name in names
    }


# What was open when it was asked


def test_what_has_become_final_since_it_was_read_counts_once():
    history = History.open(None, pytest.fail)
    start, read = instant("10:00:00"), instant("10:05:00")
    times = {
        "contact_id": "c",
        "channel": "VOICE",
        "agent_id": "ann",
        "routing_profile_id": "p",
    }
    open_facts: list[Fact] = [
        AgentTime(
            agent_id="ann", routing_profile_id="p", kind="contact", started_at=start, ended_at=read
        ),
        HandTime(**times, started_at=start, ended_at=read),
    ]
    query = a_query(
        "example1",
        {"Name": "SUM_CONTACT_TIME_AGENT"},
        {"Name": "AVG_AGENT_CONCURRENCY"},
        Filters=[by("ROUTING_PROFILE", "p")],
        Groupings=["AGENT"],
        range=("10:00:00", "10:05:00"),
    )
    assert values(history.answer_v2(INSTANCE, query, open_facts, read)) == {"ann": [300, 1]}
    history.load(INSTANCE, 1, [structs.replace(fact, ended_at=read + 9) for fact in open_facts])
    assert values(history.answer_v2(INSTANCE, query, open_facts, read)) == {"ann": [300, 1]}
    history.close()


# How large an answer may be


@pytest.mark.parametrize(
    ("metric", "room"),
    [
        ({"Name": "CONTACTS_HANDLED"}, 6),  # two rows of a queue, how many there are, a count
        (
            {
                "Name": "SERVICE_LEVEL",
                "Threshold": [{"Comparison": "LT", "ThresholdValue": 20}],
            },
            8,
        ),
    ],
    ids=["rows", "thresholds"],
)
def test_an_answer_of_too_many_numbers_is_refused(history, monkeypatch, metric, room):
    query = a_query("example1", metric)
    monkeypatch.setattr(historical_answer, "ANSWER_NUMBERS_MAX", room)
    assert len(history.answer_v2(INSTANCE, query, ())) == 2
    monkeypatch.setattr(historical_answer, "ANSWER_NUMBERS_MAX", room - 1)
    with pytest.raises(Refusal, match=r"Groupings: .*QUEUE.* less at once") as refused:
        history.answer_v2(INSTANCE, query, ())
    assert refused.value.code == "InvalidRequestException"


def test_what_an_answer_holds_is_counted_over_all_kinds_of_facts(history, monkeypatch):
    query = a_query("example1", {"Name": "CONTACTS_HANDLED"}, {"Name": "AGENT_NON_RESPONSE"})
    size = history.answer_v2(INSTANCE, query, ()).size
    assert size == 6 + 6
    monkeypatch.setattr(historical_answer, "ANSWER_NUMBERS_MAX", size - 1)
    with pytest.raises(Refusal, match="ask for less"):
        history.answer_v2(INSTANCE, query, ())


# Why rows are missing

ENDED, DAY = "contacts that have ended", "2024-03-05"


@pytest.mark.parametrize(
    ("changes", "queues", "words"),
    [
        (
            {"range": ("10:15:00", "10:20:00")},
            ["S", "P"],
            [
                f"{ENDED}: 0 in the range, nearest {DAY}T10:05:32.000Z and {DAY}T11:02:15.000Z",
                f"{ENDED}: 0 in the range, nearest {DAY}T10:10:45.000Z and {DAY}T11:04:12.000Z",
            ],
        ),
        ({}, ["X"], ["contacts that have ended: 0 in the range, nearest nowhere"]),
        (
            {"Filters": [by("QUEUE", "S", "P"), by("CHANNEL", "CHAT")]},
            ["P"],
            [
                "contacts that have ended: 0 in the range, 4 kept out by CHANNEL, nearest nowhere",
            ],
        ),
        (
            {"Groupings": ["QUEUE", "AGENT_HIERARCHY_LEVEL_ONE"]},
            ["S"],
            ["contacts that have ended: 3 in the range, 3 without AGENT_HIERARCHY_LEVEL_ONE"],
        ),
    ],
)
def test_an_explanation_says_what_is_there_instead(history, changes, queues, words):
    query = a_query("example1", {"Name": "CONTACTS_HANDLED"}, **changes)
    question, asked = question_of_v2(INSTANCE, query)
    found = history.explain(question, asked, queues)
    assert [each.queue_id for each in found] == queues
    assert [reason for each in found for reason in each.reasons] == words


def test_an_explanation_of_what_has_no_data_and_of_agents_time(history):
    query = a_query("example1", {"Name": "AVG_TALK_TIME"})
    [found] = history.explain(*question_of_v2(INSTANCE, query), ["S"])
    assert found.reasons == ["there is no data for AVG_TALK_TIME"]
    query = a_query(
        "example1", {"Name": "AGENT_OCCUPANCY"}, Filters=[by("AGENT", "eve")], Groupings=[]
    )
    [found] = history.explain(*question_of_v2(INSTANCE, query), None)
    times = [time for time in AGENT_TIME["example1"] if time.ended_at > instant("10:00:00")]
    [reason] = found.reasons
    assert reason.startswith("stretches of agents' time: 0 in the range")
    assert reason.endswith(f"{len(times)} kept out by AGENT, nearest nowhere")


def test_a_stretch_that_ends_where_the_range_begins_is_the_nearest(history):
    query = a_query(
        "example1",
        {"Name": "SUM_IDLE_TIME_AGENT"},
        Filters=[by("ROUTING_PROFILE", "S and P")],
        Groupings=[],
        range=("10:15:00", "10:20:00"),
    )
    assert {time.ended_at for time in AGENT_TIME["example1"]} >= {instant("10:15:00")}
    profiles = {time.routing_profile_id for time in AGENT_TIME["example1"]}
    query = structs.replace(query, conditions=(Condition("ROUTING_PROFILE", tuple(profiles)),))
    [found] = history.explain(*question_of_v2(INSTANCE, query), None)
    assert found.reasons[0].startswith("stretches of agents' time: 0 in the range, nearest")
    assert f"nearest {DAY}T10:15:00.000Z" in found.reasons[0]


def test_an_explanation_cannot_break_out_of_its_header():
    assert (
        header_text("queue a\r\nset-cookie: é\x7f has none") == b"queue a??set-cookie: ?? has none"
    )
    assert len(header_text("x" * 10_000)) == 4_000
