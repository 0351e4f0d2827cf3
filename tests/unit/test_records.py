"""Records: legs, missed offers and agent time, from events."""

import json
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import (
    AVAILABLE,
    BREAK,
    LUNCH,
    OFFLINE,
    Legs,
    World,
    clock,
    example_one,
    example_two,
    profile,
    queue,
    random_history,
    status,
    statuses,
    user,
)
from ringfloor.domain import events
from ringfloor.domain.contact import Contact
from ringfloor.domain.facts import AgentTime, Leg, MissedOffer
from ringfloor.projections.records import Records

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
VECTORS = json.loads((SHARED / "spec" / "metrics-examples.json").read_text())
HISTORIES = st.lists(st.integers(0, 2**40), min_size=40, max_size=140)
AT = clock("10:00:00")


def folded(history, records=None):
    records = records or Records()
    return [fact for event, at in history for fact in records.on(event, at)]


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


def milliseconds(text):
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def length(seconds):
    return None if seconds is None else round(seconds * 1000)


EXAMPLES = {"example1": example_one, "example2": example_two}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_legs_of_the_worked_examples(example):
    legs = {leg.contact_id: leg for leg in of(Leg, folded(EXAMPLES[example]()))}
    assert legs.keys() == {row["ContactId"] for row in VECTORS[example]["legs"]}
    for row in VECTORS[example]["legs"]:
        leg = legs[row["ContactId"]]
        assert leg.queue_id == row["QueueName"]
        assert (leg.channel, leg.initiation_method) == (row["Channel"], row["InitiationMethod"])
        for member, name in (
            ("initiated_at", "InitiationTimestamp"),
            ("disconnected_at", "DisconnectTimestamp"),
            ("enqueued_at", "EnqueueTimestamp"),
            ("dequeued_at", "DequeueTimestamp"),
            ("connected_to_agent_at", "ConnectedToAgentTimestamp"),
            ("transfer_completed_at", "TransferCompletedTimestamp"),
        ):
            assert getattr(leg, member) == milliseconds(row.get(name)), (leg.contact_id, member)
        assert leg.agent_id == row.get("Agent")
        assert leg.interaction_ms == length(row.get("AgentInteractionDuration"))
        assert (leg.hold_ms or 0) == length(row.get("CustomerHoldDuration", 0))
        assert leg.holds == row.get("NumberOfHolds", 0)
        assert (leg.after_contact_work_ms or 0) == length(row.get("AfterContactWorkDuration", 0))
        assert leg.pre_disconnect_state == row["PreDisconnectState"]
        assert leg.disconnect_reason == row.get("DisconnectReason", "CONTACT_FLOW_DISCONNECT")
        assert leg.previous_contact_id == row.get("PreviousContactId")
        assert leg.next_contact_id == row.get("NextContactId")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_missed_offers_of_the_worked_examples(example):
    missed = of(MissedOffer, folded(EXAMPLES[example]()))
    assert [(fact.at, fact.agent_id, fact.queue_id, fact.channel) for fact in missed] == [
        (milliseconds(row["at"]), row["Agent"], row["QueueName"], row["Channel"])
        for row in VECTORS[example]["missed"]
    ]


def time_of(facts, agent_id, kind, start, end):
    return sum(
        max(0, min(fact.ended_at, end) - max(fact.started_at, start))
        for fact in of(AgentTime, facts)
        if (fact.agent_id, fact.kind) == (agent_id, kind)
    )


@pytest.mark.parametrize(
    ("example", "agent_id", "expected"),
    [
        ("example1", "Ann", VECTORS["example1"]["expected"]["occ"][0]),
        ("example1", "Bob", VECTORS["example1"]["expected"]["occ"][2]),
        ("example2", "Dee", VECTORS["example2"]["expected"]["occDee"]),
    ],
)
def test_the_occupancy_of_the_worked_examples(example, agent_id, expected):
    facts = folded(EXAMPLES[example]())
    start, end = (second * 1000 for second in VECTORS["example1"]["epoch"])
    if example == "example2":
        start, end = clock("11:00:00"), clock("11:15:00")
    assert time_of(facts, agent_id, "contact", start, end) == length(expected["contact"])
    assert time_of(facts, agent_id, "idle", start, end) == length(expected["idle"])


# Agent time


class AnnsDay:
    """One agent, Ann, in profile p."""

    def __init__(self):
        self.records, self.legs, self.told = Records(), Legs(), []
        setup = (*statuses(), queue("q"), profile("p", {"VOICE": 1}, []), user("Ann", "p"))
        self.tell(0, *setup)

    def tell(self, second, *told):
        for event in told:
            self.told += self.records.on(event, AT + second * 1000)

    @property
    def times(self):
        return stretches(self.told)


def stretches(facts):
    return [
        (fact.kind, (fact.started_at - AT) // 1000, (fact.ended_at - AT) // 1000)
        for fact in of(AgentTime, facts)
    ]


def talking(day, second, name):
    at = AT + second * 1000
    day.tell(second, day.legs.begin(name, at), day.legs.enqueue(name, "q", at))
    day.tell(second, day.legs.offer(name, "Ann", at), day.legs.connect(name, "Ann", at))


def ending(day, second, name):
    day.tell(second, *day.legs.end(name, AT + second * 1000))


def clearing(day, second, name):
    day.tell(second, *day.legs.clear(name, "Ann", AT + second * 1000))


def test_only_available_time_is_told():
    day = AnnsDay()
    for second, status_id in ((10, AVAILABLE), (30, BREAK), (40, LUNCH), (50, OFFLINE)):
        day.tell(second, status("Ann", status_id))
    day.tell(60, status("Ann", AVAILABLE), status("Ann", OFFLINE))
    assert day.times == [("idle", 10, 30)]


def test_ringing_and_missing_are_idle_and_talk_hold_and_after_contact_work_are_contact():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    at = AT + 10_000
    day.tell(10, day.legs.begin("c", at), day.legs.enqueue("c", "q", at))
    day.tell(10, day.legs.offer("c", "Ann", at))
    day.tell(30, day.legs.miss("c"))
    day.tell(40, *day.legs.clear("c", "Ann", AT + 40_000))
    day.tell(40, day.legs.offer("c", "Ann", AT + 40_000))
    day.tell(45, day.legs.connect("c", "Ann", AT + 45_000))
    day.tell(50, day.legs.hold("c", AT + 50_000))
    ending(day, 60, "c")
    clearing(day, 70, "c")
    day.tell(80, status("Ann", OFFLINE))
    assert day.times == [("idle", 0, 45), ("contact", 45, 70), ("idle", 70, 80)]
    assert [type(fact) for fact in day.told] == [MissedOffer, AgentTime, AgentTime, Leg, AgentTime]


def test_two_contacts_at_once_are_one_stretch():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    talking(day, 10, "c")
    talking(day, 20, "d")
    for second, name in ((30, "c"), (40, "d")):
        ending(day, second, name)
        clearing(day, second, name)
    day.tell(50, status("Ann", BREAK))
    assert day.times == [("idle", 0, 10), ("contact", 10, 40), ("idle", 40, 50)]


def test_contact_time_in_another_status_is_not_told():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    talking(day, 10, "c")
    day.tell(20, status("Ann", BREAK))
    day.tell(30, status("Ann", AVAILABLE))
    ending(day, 35, "c")
    clearing(day, 40, "c")
    assert day.times == [("idle", 0, 10), ("contact", 10, 20), ("contact", 30, 40)]


def test_a_change_of_routing_profile_splits_and_only_a_change_does():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    talking(day, 10, "c")
    for second, changes in (
        (15, {"RoutingProfileId": "p"}),
        (20, {"RoutingProfileId": "q"}),
        (25, {"SecurityProfileIds": []}),
    ):
        day.tell(second, events.ResourceUpdated("user", "Ann", changes))
    day.tell(26, events.ResourceUpdated("queue", "q", {"Name": "x"}))
    ending(day, 30, "c")
    clearing(day, 30, "c")
    assert day.times == [("idle", 0, 10), ("contact", 10, 20), ("contact", 20, 30)]
    assert [fact.routing_profile_id for fact in of(AgentTime, day.told)] == ["p", "p", "q"]


def test_a_status_of_the_same_type_goes_on():
    day = AnnsDay()
    for second in (0, 10):
        day.tell(second, status("Ann", AVAILABLE))
    day.tell(20, status("Ann", OFFLINE))
    assert day.times == [("idle", 0, 20)]


def test_deleting_a_user_ends_his_time():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    day.tell(5, events.ResourceDeleted("queue", "x"), events.ResourceDeleted("user", "Ann"))
    assert day.times == [("idle", 0, 5)]
    assert day.records.open_times(AT + 9_000) == []


def test_open_times_are_told_without_ending_them():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    assert day.records.open_times(AT) == []
    assert stretches(day.records.open_times(AT + 7_000)) == [("idle", 0, 7)]
    talking(day, 8, "c")
    assert stretches(day.records.open_times(AT + 9_000)) == [("contact", 8, 9)]
    day.tell(10, status("Ann", BREAK))
    assert day.records.open_times(AT + 11_000) == []
    assert day.times == [("idle", 0, 8), ("contact", 8, 10)]


def test_an_agents_own_call_is_contact_time_from_its_first_ring_until_it_fails():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    own = {"stage": "DIALING", "queue_id": "q", "agent_id": "Ann"}
    day.tell(10, day.legs.begin("c", AT + 10_000, method="OUTBOUND", **own))
    day.tell(30, *day.legs.end("c", AT + 30_000, "TELECOM_UNANSWERED"))
    day.tell(40, status("Ann", OFFLINE))
    assert day.times == [("idle", 0, 10), ("contact", 10, 30), ("idle", 30, 40)]
    [leg] = of(Leg, day.told)
    assert (leg.queue_id, leg.interaction_ms, leg.hold_ms) == ("q", None, None)


# Legs


def test_a_leg_carries_the_whole_contact():
    day = AnnsDay()
    talking(day, 10, "c")
    day.tell(20, day.legs.hold("c", AT + 20_000))
    day.tell(25, day.legs.resume("c", AT + 25_000))
    ending(day, 30, "c")
    contact = day.legs.legs["c"]
    clearing(day, 45, "c")
    [leg] = of(Leg, day.told)
    assert msgspec.msgpack.decode(leg.record, type=Contact) == contact
    assert (leg.interaction_ms, leg.hold_ms, leg.longest_hold_ms) == (15_000, 5_000, 5_000)
    assert (leg.after_contact_work_ms, leg.pause_ms, leg.holds) == (15_000, None, 1)


def test_a_leg_without_an_agent_has_no_interaction_and_no_hold():
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT), day.legs.enqueue("c", "q", AT))
    day.tell(5, *day.legs.end("c", AT + 5_000))
    [leg] = day.told
    assert (leg.interaction_ms, leg.hold_ms, leg.longest_hold_ms) == (None, None, None)
    assert (leg.after_contact_work_ms, leg.holds, leg.agent_id) == (None, 0, None)
    assert (leg.queue_id, leg.enqueued_at, leg.dequeued_at) == ("q", AT, AT + 5_000)


def test_a_leg_of_an_agent_queue_has_no_queue():
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT), day.legs.enqueue("c", "Ann", AT))
    day.tell(5, *day.legs.end("c", AT + 5_000))
    assert of(Leg, day.told)[0].queue_id is None


def test_a_missed_offer_of_an_agent_queue_has_no_queue():
    records = Records()
    for queue_id, told in (("q", "q"), ("Ann", None)):
        event = events.OfferMissed("c", "Ann", queue_id, "VOICE", "unanswered")
        [fact] = records.on(event, AT)
        assert isinstance(fact, MissedOffer)
        assert fact.queue_id == told


def test_a_target_queue_that_was_never_reached_is_no_queue():
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT, queue_id="q"), *day.legs.end("c", AT + 5_000))
    assert of(Leg, day.told)[0].queue_id is None


# Any history


@settings(max_examples=80, deadline=None)
@given(HISTORIES)
def test_agent_time_is_what_a_plain_watch_over_the_world_measures(numbers):
    world, records = World(), Records()
    watched: dict[tuple[str, str, str], int] = {}
    told, then = [], None
    for told_now in _moments(world, numbers):
        now = told_now[0][1] if told_now else world.at
        if then is not None:
            for key in then[1]:
                watched[key] = watched.get(key, 0) + now - then[0]
        told += folded(told_now, records)
        then = now, _kinds(world)
    end = then[0] + 1_000
    for key in then[1]:
        watched[key] = watched.get(key, 0) + 1_000
    measured: dict[tuple[str, str, str], int] = {}
    for fact in [*of(AgentTime, told), *records.open_times(end)]:
        assert fact.ended_at > fact.started_at
        key = fact.agent_id, fact.routing_profile_id, fact.kind
        measured[key] = measured.get(key, 0) + fact.ended_at - fact.started_at
    assert measured == {key: total for key, total in watched.items() if total}


def _moments(world, numbers):
    yield world.begin()
    for number in numbers:
        yield world.step(number)


def _kinds(world):
    return [
        (
            agent_id,
            person.profile,
            "contact" if {"CONNECTED", "ENDED"} & set(person.held.values()) else "idle",
        )
        for agent_id, person in world.people.items()
        if person.status == AVAILABLE
    ]


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_every_leg_and_every_missed_offer_is_told_once(numbers):
    history = list(random_history(numbers))
    told = folded(history)
    completed = [event.contact for event, _ in history if type(event) is events.ContactCompleted]
    assert [leg.contact_id for leg in of(Leg, told)] == [contact.id for contact in completed]
    for leg, contact in zip(of(Leg, told), completed, strict=True):
        assert msgspec.msgpack.decode(leg.record, type=Contact) == contact
        if leg.connected_to_agent_at is not None:
            talk = leg.disconnected_at - leg.connected_to_agent_at
            assert leg.interaction_ms + leg.hold_ms == talk
            assert leg.interaction_ms >= 0
    missed = [(event.contact_id, at) for event, at in history if type(event) is events.OfferMissed]
    assert [(fact.contact_id, fact.at) for fact in of(MissedOffer, told)] == missed


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_the_stretches_of_an_agent_do_not_overlap(numbers):
    last: dict[str, int] = {}
    for fact in of(AgentTime, folded(random_history(numbers))):
        assert fact.started_at >= last.get(fact.agent_id, 0)
        last[fact.agent_id] = fact.ended_at


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.integers(0, 120))
def test_a_snapshot_goes_on_as_if_nothing_had_been(numbers, cut):
    history = list(random_history(numbers))
    records = Records()
    folded(history[:cut], records)
    restored = Records.load(records.dump())
    assert restored == records
    assert folded(history[cut:], records) == folded(history[cut:], restored)
    assert restored == records
    assert restored.dump() == records.dump()


def test_foreign_bytes_are_refused():
    with pytest.raises(msgspec.MsgspecError):
        Records.load(b"\xc0")


def test_records_of_different_histories_are_not_equal():
    assert AnnsDay().records != Records()
    assert Records() != 5
