"""Records: legs and agents' time, from events; what is true of any history."""

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
    World,
    clock,
    example_one,
    example_two,
    random_history,
    status,
)
from record_builders import (
    AT,
    AnnsDay,
    clearing,
    ending,
    folded,
    in_hand,
    of,
    ringing,
    stretches,
    talking,
)
from ringfloor.domain import events
from ringfloor.domain.chat import Figures, Talker
from ringfloor.domain.contact import RETENTION_TAG, Callback, Contact, forgotten_at
from ringfloor.domain.facts import AgentTime, HandTime, Leg, Occurrence, Offer
from ringfloor.projections.records import FOLDS, RETENTION, Records

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
VECTORS = json.loads((SHARED / "spec" / "metrics-examples.json").read_text())
HISTORIES = st.lists(st.integers(0, 2**40), min_size=40, max_size=140)


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
    offers = of(Offer, folded(EXAMPLES[example]()))
    assert [
        (fact.ended_at, fact.agent_id, fact.queue_id, fact.channel)
        for fact in offers
        if fact.outcome not in ("accepted", "own_call")
    ] == [
        (milliseconds(row["at"]), row["Agent"], row["QueueName"], row["Channel"])
        for row in VECTORS[example]["missed"]
    ]


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_counts_at_once_in_the_worked_examples(example):
    told = of(Occurrence, folded(EXAMPLES[example]()))
    for kind, name in (
        ("enqueued", "EnqueueTimestamp"),
        ("connected", "ConnectedToAgentTimestamp"),
    ):
        found = {fact.contact_id: fact.at for fact in told if fact.kind == kind}
        rows = [row for row in VECTORS[example]["legs"] if row.get(name)]
        if kind == "connected":  # a builder of the examples joins C4b without an event of its own
            rows = [row for row in rows if row["ContactId"] != "C4b"]
            found.pop("C4b", None)
        assert found == {row["ContactId"]: milliseconds(row[name]) for row in rows}


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


def test_time_offline_is_not_told():
    day = AnnsDay()
    for second, status_id in ((10, AVAILABLE), (30, BREAK), (40, LUNCH), (50, OFFLINE)):
        day.tell(second, status("Ann", status_id))
    day.tell(60, status("Ann", AVAILABLE), status("Ann", OFFLINE))
    assert day.times == [("idle", 10, 30), ("non_productive", 30, 40), ("non_productive", 40, 50)]
    assert [fact.status_id for fact in of(AgentTime, day.told)] == [AVAILABLE, BREAK, LUNCH]


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
    assert day.times == [
        ("idle", 0, 30),
        ("idle", 30, 40),
        ("idle", 40, 45),
        ("contact", 45, 70),
        ("idle", 70, 80),
    ]
    assert [fact.in_error for fact in of(AgentTime, day.told)] == [False, True, False, False, False]
    assert in_hand(day.told) == [("c", 45, 70)]
    assert [type(fact) for fact in day.told] == [
        *(Occurrence, Offer, AgentTime, AgentTime),
        *(AgentTime, Offer, Occurrence),
        *(AgentTime, HandTime, Leg, AgentTime),
    ]


def test_in_error_until_the_last_missed_contact_is_cleared_in_any_status():
    day = AnnsDay()
    day.tell(0, status("Ann", BREAK))
    for second, name in ((10, "c"), (20, "d")):
        ringing(day, second - 5, name)
        day.tell(second, day.legs.miss(name))
    day.tell(30, *day.legs.clear("c", "Ann", AT + 30_000))
    day.tell(40, *day.legs.clear("d", "Ann", AT + 40_000))
    day.tell(50, status("Ann", OFFLINE))
    assert [(fact.started_at - AT, fact.in_error) for fact in of(AgentTime, day.told)] == [
        (0, False),
        (10_000, True),
        (40_000, False),
    ]


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
    assert in_hand(day.told) == [("c", 10, 30), ("d", 20, 40)]


def test_contact_time_in_another_status_is_no_contact_time():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    talking(day, 10, "c")
    day.tell(20, status("Ann", BREAK))
    day.tell(30, status("Ann", AVAILABLE))
    ending(day, 35, "c")
    clearing(day, 40, "c")
    assert day.times == [
        ("idle", 0, 10),
        ("contact", 10, 20),
        ("non_productive", 20, 30),
        ("contact", 30, 40),
    ]
    assert in_hand(day.told) == [("c", 10, 20), ("c", 30, 40)]


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
    assert day.records.open(AT + 9_000) == []


def test_what_runs_yet_is_told_without_ending_it():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    assert day.records.open(AT) == []
    assert stretches(day.records.open(AT + 7_000)) == [("idle", 0, 7)]
    talking(day, 8, "c")
    for _ in range(2):
        assert stretches(day.records.open(AT + 9_000)) == [("contact", 8, 9)]
        assert in_hand(day.records.open(AT + 9_000)) == [("c", 8, 9)]
    day.tell(10, status("Ann", BREAK))
    assert stretches(day.records.open(AT + 11_000)) == [("non_productive", 10, 11)]
    assert in_hand(day.records.open(AT + 11_000)) == []
    assert day.times == [("idle", 0, 8), ("contact", 8, 10)]
    day.tell(12, status("Ann", OFFLINE))
    assert day.records.open(AT + 13_000) == []


def test_the_hierarchy_is_told_from_the_top_as_it_was_then():
    """A stretch is cut when the group changes; a contact stays where he stood when he took it."""
    day = AnnsDay()
    for group, parent in (("world", None), ("east", "world"), ("west", "world")):
        properties = {"Name": group, **({"ParentGroupId": parent} if parent else {})}
        day.tell(0, events.ResourceCreated("hierarchy_group", group, properties, {}))
    day.tell(0, status("Ann", AVAILABLE))
    day.tell(10, events.ResourceUpdated("user", "Ann", {"HierarchyGroupId": "east"}))
    talking(day, 10, "c")
    day.tell(20, events.ResourceUpdated("user", "Ann", {"HierarchyGroupId": "west"}))
    ending(day, 30, "c")
    clearing(day, 30, "c")
    day.tell(40, events.ResourceUpdated("user", "Ann", {"HierarchyGroupId": None}))
    day.tell(40, events.ResourceDeleted("hierarchy_group", "west"))
    day.tell(50, status("Ann", OFFLINE))
    assert [(fact.level_one, fact.level_two) for fact in of(AgentTime, day.told)] == [
        (None, None),
        ("world", "east"),
        ("world", "west"),
        ("world", "west"),
        (None, None),
    ]
    for kind in (Offer, HandTime, Leg):
        [fact] = of(kind, day.told)
        assert (fact.level_one, fact.level_two, fact.level_three) == ("world", "east", None)
    [enqueued, connected] = of(Occurrence, day.told)
    assert (enqueued.agent_id, connected.agent_id) == (None, "Ann")
    assert (enqueued.level_one, connected.level_two) == (None, "east")


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
    [leg] = of(Leg, day.told)
    assert (leg.interaction_ms, leg.hold_ms, leg.longest_hold_ms) == (None, None, None)
    assert (leg.after_contact_work_ms, leg.holds, leg.agent_id) == (None, 0, None)
    assert (leg.queue_id, leg.enqueued_at, leg.dequeued_at) == ("q", AT, AT + 5_000)


def test_a_leg_of_an_agent_queue_has_no_queue():
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT), day.legs.enqueue("c", "Ann", AT))
    day.tell(5, *day.legs.end("c", AT + 5_000))
    assert of(Leg, day.told)[0].queue_id is None


def test_an_offer_of_an_agent_queue_has_no_queue():
    for queue_id, told in (("q", "q"), ("Ann", None)):
        day = AnnsDay()
        day.tell(0, day.legs.begin("c", AT), day.legs.enqueue("c", queue_id, AT))
        day.tell(0, day.legs.offer("c", "Ann", AT))
        day.tell(20, day.legs.miss("c"))
        [fact] = of(Offer, day.told)
        assert fact.queue_id == told


def chatted(agent, customer, *, joined=True):
    """A chat in which each side has written so many messages; it ends 60 s after it began."""
    day = AnnsDay()
    if joined:
        ringing(day, 0, "c", channel="CHAT")
        day.tell(5, day.legs.connect("c", "Ann", AT + 5_000))
    else:
        day.tell(0, day.legs.begin("c", AT, channel="CHAT"), day.legs.enqueue("c", "q", AT))
    figures = Figures(messages=agent + customer + 2, bot_messages=2)
    for name, count, last in (("agent", agent, 20_000), ("customer", customer, 45_000)):
        if count:
            talker = Talker(participant_id=name, messages=count, characters=count * 10)
            talker.responses, talker.response_ms, talker.last_at = 1, count * 1_000, AT + last
            setattr(figures, name, talker)
    figures.first_response_at = AT + 20_000 if agent else None
    day.tell(60, *day.legs.end("c", AT + 60_000, figures=figures))
    clearing(day, 60, "c")
    [leg] = of(Leg, day.told)
    return leg


def test_a_leg_of_a_chat_carries_its_figures():
    leg = chatted(3, 2)
    assert (leg.messages, leg.bot_messages, leg.subtype) == (7, 2, "connect:Chat")
    assert (leg.first_response_at, leg.conversation_close_ms) == (AT + 20_000, 15_000)
    assert (leg.agent_messages, leg.agent_characters) == (3, 30)
    assert (leg.agent_responses, leg.agent_response_ms) == (1, 3_000)
    assert (leg.customer_messages, leg.customer_characters) == (2, 20)
    assert (leg.customer_responses, leg.customer_response_ms) == (1, 2_000)
    silent = chatted(1, 0)
    assert (silent.conversation_close_ms, silent.customer_messages) == (None, None)


@pytest.mark.parametrize(
    ("agent", "customer", "joined", "abandoned"),
    [(1, 1, True, False), (0, 1, True, True), (1, 0, True, True), (0, 0, False, False)],
)
def test_a_conversation_is_abandoned_in_which_one_side_was_silent(
    agent, customer, joined, abandoned
):
    assert chatted(agent, customer, joined=joined).conversation_abandoned == abandoned


@pytest.mark.parametrize(("before", "told"), [(0, 5_000), (7_000, 12_000)])
def test_the_wait_of_a_customer_who_was_called_back_first(before, told):
    plan = Callback(queue_id="q", attempts=1, retry_ms=0, flow_id="f", waited_ms=before)
    day = AnnsDay()
    ringing(day, 0, "c", method="CALLBACK_CUSTOMER_FIRST_DIALED", callback=plan)
    day.tell(5, day.legs.connect("c", "Ann", AT + 5_000), *day.legs.end("c", AT + 9_000))
    clearing(day, 9, "c")
    assert of(Leg, day.told)[0].callback_wait_ms == told


def test_a_subtype_that_was_given_is_told():
    day = AnnsDay()
    given = {"connect:Subtype": "connect:SMS"}
    day.tell(0, day.legs.begin("c", AT, channel="CHAT", segment_attributes=given))
    day.tell(0, day.legs.enqueue("c", "q", AT), day.legs.begin("d", AT))
    day.tell(1, events.ContactUpdated("d", None, None, {}, {"connect:Subtype": "connect:WebRTC"}))
    day.tell(1, events.ContactUpdated("c", "x", None, {}, {}), day.legs.enqueue("d", "q", AT))
    day.tell(2, *day.legs.end("c", AT + 2_000))
    told = {(type(fact), fact.contact_id): fact.subtype for fact in day.told}
    assert told == {
        (Occurrence, "c"): "connect:SMS",
        (Leg, "c"): "connect:SMS",
        (Occurrence, "d"): "connect:WebRTC",
    }


def test_a_target_queue_that_was_never_reached_is_no_queue():
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT, queue_id="q"), *day.legs.end("c", AT + 5_000))
    assert of(Leg, day.told)[0].queue_id is None


# Any history


@settings(max_examples=80, deadline=None)
@given(HISTORIES)
def test_agent_time_is_what_a_plain_watch_over_the_world_measures(numbers):
    world, records = World(), Records()
    watched: dict[tuple[object, ...], int] = {}
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
    measured: dict[tuple[object, ...], int] = {}
    still = of(AgentTime, records.open(end)) + of(HandTime, records.open(end))
    for fact in [*of(AgentTime, told), *of(HandTime, told), *still]:
        assert fact.ended_at > fact.started_at
        key = fact.agent_id, getattr(fact, "contact_id", None)
        if isinstance(fact, AgentTime):
            key = (
                fact.agent_id,
                fact.routing_profile_id,
                fact.kind,
                fact.status_id,
                fact.in_error,
            )
        measured[key] = measured.get(key, 0) + fact.ended_at - fact.started_at
    assert measured == {key: total for key, total in watched.items() if total}


def _moments(world, numbers):
    yield world.begin()
    for number in numbers:
        yield world.step(number)


def _kinds(world):
    """By what the time that passes now is told of every agent, and of every contact he has."""
    found = []
    for agent_id, person in world.people.items():
        if person.status == OFFLINE:
            continue
        hands = [each for each, state in person.held.items() if state in {"CONNECTED", "ENDED"}]
        kind = "non_productive"
        if person.status == AVAILABLE:
            kind = "contact" if hands else "idle"
            found += [(agent_id, each) for each in hands]
        in_error = "MISSED" in person.held.values()
        found.append((agent_id, person.profile, kind, person.status, in_error))
    return found


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_every_leg_and_every_missed_offer_is_told_once(numbers):
    history = list(random_history(numbers))
    told = folded(history)
    own = {
        event.contact.id
        for event, _ in history
        if type(event) is events.ContactInitiated and event.contact.agent_id is not None
    }
    completed = [event.contact for event, _ in history if type(event) is events.ContactCompleted]
    assert [leg.contact_id for leg in of(Leg, told)] == [contact.id for contact in completed]
    for leg, contact in zip(of(Leg, told), completed, strict=True):
        assert msgspec.msgpack.decode(leg.record, type=Contact) == contact
        if leg.connected_to_agent_at is not None:
            talk = leg.disconnected_at - leg.connected_to_agent_at
            assert leg.interaction_ms + leg.hold_ms == talk
            assert leg.interaction_ms >= 0
    decided = [
        (event.contact_id, at)
        for event, at in history
        if type(event) is events.OfferMissed
        or (type(event) is events.ContactConnectedToAgent and event.contact_id not in own)
    ]
    offers = [fact for fact in of(Offer, told) if fact.outcome != "own_call"]
    assert [(fact.contact_id, fact.ended_at) for fact in offers] == decided
    calls = [fact for fact in of(Offer, told) if fact.outcome == "own_call"]
    assert {fact.contact_id for fact in calls} <= own


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


# How long it is kept


def founded(**tags):
    return events.InstanceCreated("i", "us-east-1", "1", "a", {}, tags, None)


@pytest.mark.parametrize(
    ("tags", "retagged", "months"),
    [
        ({}, {}, 24),
        ({RETENTION_TAG: "3"}, {}, 3),
        ({}, {RETENTION_TAG: "3"}, 3),
        ({RETENTION_TAG: "3"}, {RETENTION_TAG: None}, 24),
        ({RETENTION_TAG: "3"}, {"other": "5"}, 3),
    ],
)
def test_the_tag_of_the_instance_says_for_how_long(tags, retagged, months):
    records = Records()
    records.on(founded(**tags), AT)
    assert records.expires_at is None
    folded(example_one(), records)
    records.on(events.ResourceTagged("instance", "i", retagged), AT)
    records.on(events.ResourceTagged("queue", "S", {RETENTION_TAG: "7"}), AT)
    oldest = clock("09:58:00")
    assert records.expires_at == forgotten_at(oldest, months)
    assert Records.load(records.dump()).expires_at == records.expires_at
    records.on(events.RecordsExpired(oldest + 40 * 86_400_000), AT)
    assert records.expires_at == forgotten_at(oldest + 40 * 86_400_000, months)


def test_whatever_changes_how_long_records_are_kept_is_folded():
    assert FOLDS.keys() >= RETENTION, "or nobody looks ahead"
