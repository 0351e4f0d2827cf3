"""Realtime: the fold keeps the counts that a count from scratch finds."""

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
    profile,
    profile_properties,
    queue,
    random_history,
    status,
    statuses,
    user,
)
from ringfloor.domain import events
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import NUMBERS, Counters, Facts, LineCount, recount
from ringfloor.projections.realtime import Realtime

VOICE, CHAT = NUMBERS["VOICE"], NUMBERS["CHAT"]
AT = clock("10:00:00")
HISTORIES = st.lists(st.integers(0, 2**40), min_size=40, max_size=120)


def a_center(slots=None, mixes=(), agents=("a",), rows=(("q", "VOICE"), ("q", "CHAT"))):
    realtime = Realtime()
    tell(realtime, *statuses(), queue("q"), queue("r"))
    tell(realtime, profile("p", slots or {"VOICE": 1, "CHAT": 3}, rows, mixes))
    for agent in agents:
        tell(realtime, user(agent, "p"), status(agent, AVAILABLE))
    return realtime


def tell(realtime, *told, at=AT):
    for event in told:
        realtime.on(event, at)
    assert realtime.counters == recount(realtime.facts)


def queued(realtime, legs, contact_id, channel="VOICE", queue_id="q", at=AT):
    tell(
        realtime,
        legs.begin(contact_id, at, channel),
        legs.enqueue(contact_id, queue_id, at),
        at=at,
    )


def group(realtime, profile_id="p", status_id=AVAILABLE):
    return realtime.counters.groups[profile_id][status_id]


def line(realtime, channel=VOICE, queue_id="q"):
    return realtime.counters.lines.get((queue_id, channel), LineCount())


@settings(max_examples=150, deadline=None)
@given(HISTORIES)
def test_counters_equal_a_recount_after_every_event(numbers):
    realtime = Realtime()
    for event, at in random_history(numbers):
        realtime.on(event, at)
        assert realtime.counters == recount(realtime.facts), event


@settings(max_examples=50, deadline=None)
@given(HISTORIES, st.integers(0, 120))
def test_a_snapshot_goes_on_as_if_nothing_had_been(numbers, cut):
    history = list(random_history(numbers))
    realtime = Realtime()
    for event, at in history[:cut]:
        realtime.on(event, at)
    restored = Realtime.load(realtime.dump())
    assert restored == realtime
    assert restored.dump() == realtime.dump()
    for event, at in history[cut:]:
        realtime.on(event, at)
        restored.on(event, at)
    assert restored == realtime


@settings(max_examples=50, deadline=None)
@given(HISTORIES)
def test_the_fold_agrees_with_the_world_about_agents_and_contacts(numbers):
    world, realtime = World(), Realtime()
    for event, at in random_history(numbers, world):
        realtime.on(event, at)
    groups = [each for by in realtime.counters.groups.values() for each in by.values()]
    people = world.people.values()
    assert sum(each.agents for each in groups) == len(world.people)
    assert sum(each.online for each in groups) == sum(each.status != OFFLINE for each in people)
    assert sum(each.staffed for each in groups) == sum(each.status == AVAILABLE for each in people)
    assert sum(each.available for each in groups) == sum(
        each.status == AVAILABLE and not each.held for each in people
    )
    assert sum(sum(each.on_contact[1:]) for each in groups) == sum(
        any(state in ("CONNECTED", "ENDED") for state in each.held.values()) for each in people
    )
    assert sum(sum(each.in_error[1:]) for each in groups) == sum(
        "MISSED" in each.held.values() for each in people
    )
    lines = realtime.counters.lines
    legs = world.legs.legs.values()
    assert sum(len(each.waiting) for each in lines.values()) == sum(
        leg.stage == "IN_QUEUE" and leg.queue_id in realtime.facts.queues for leg in legs
    )
    for (queue_id, channel), each in lines.items():
        waits = [
            (leg.enqueued_at, leg.id)
            for leg in legs
            if (leg.stage, leg.queue_id, leg.channel) == ("IN_QUEUE", queue_id, CHANNELS[channel])
        ]
        assert list(each.waiting) == sorted(waits)


def test_whoever_has_left_leaves_no_trace():
    realtime, legs = a_center(), Legs()
    queued(realtime, legs, "c")
    tell(realtime, legs.offer("c", "a", AT), legs.miss("c"), *legs.clear("c", "a", AT))
    tell(realtime, legs.offer("c", "a", AT), legs.connect("c", "a", AT), *legs.end("c", AT))
    tell(realtime, *legs.clear("c", "a", AT))
    tell(
        realtime,
        events.ResourceDeleted("user", "a"),
        events.ResourceDeleted("routing_profile", "p"),
        events.ResourceDeleted("queue", "q"),
        events.ResourceDeleted("queue", "r"),
    )
    assert realtime.counters == Counters()
    assert realtime.facts == Facts(offline_status_id=OFFLINE)


def test_an_offered_contact_is_not_in_queue_and_a_missed_one_is_again_at_its_old_time():
    realtime, legs = a_center(agents=("a", "b")), Legs()
    queued(realtime, legs, "early")
    queued(realtime, legs, "late", at=AT + 5_000)
    tell(realtime, legs.offer("early", "a", AT + 6_000))
    assert list(line(realtime).waiting) == [(AT + 5_000, "late")]
    assert line(realtime).offered == 1
    tell(realtime, legs.miss("early"), at=AT + 26_000)
    assert list(line(realtime).waiting) == [(AT, "early"), (AT + 5_000, "late")]
    assert group(realtime).in_error[1 << VOICE] == 1


def test_a_missed_offer_stays_with_the_agent_while_another_takes_the_contact():
    realtime, legs = a_center(agents=("a", "b")), Legs()
    queued(realtime, legs, "c")
    tell(realtime, legs.offer("c", "a", AT), legs.miss("c"), legs.offer("c", "b", AT))
    tell(realtime, legs.connect("c", "b", AT), *legs.end("c", AT), *legs.clear("c", "b", AT))
    assert "c" not in realtime.facts.contacts
    assert group(realtime).in_error[1 << VOICE] == 1
    assert group(realtime).available == 1
    tell(realtime, events.ContactCleared("c", "a"))
    assert group(realtime).in_error[1 << VOICE] == 0
    assert group(realtime).available == 2


def test_a_callback_is_scheduled_until_it_is_in_queue_or_ends():
    realtime, legs = a_center(), Legs()
    for name in ("c", "d"):
        tell(realtime, legs.begin(name, AT, method="CALLBACK", stage="SCHEDULED"))
        assert line(realtime).scheduled == (name == "d")
        tell(realtime, legs.schedule(name, "q", AT + 30_000))
    assert line(realtime).scheduled == 2
    tell(realtime, legs.enqueue("c", "q", AT + 30_000), at=AT + 30_000)
    assert (line(realtime).scheduled, len(line(realtime).waiting)) == (1, 1)
    tell(realtime, *legs.end("d", AT + 31_000))
    assert line(realtime).scheduled == 0


def test_a_contact_of_an_agent_queue_counts_nowhere_but_keeps_its_agent_busy():
    realtime, legs = a_center(), Legs()
    queued(realtime, legs, "c", queue_id="a")
    assert realtime.counters.lines == {}
    tell(realtime, legs.offer("c", "a", AT))
    assert group(realtime).available == 0
    tell(realtime, legs.connect("c", "a", AT), *legs.end("c", AT))
    assert realtime.counters.lines == {}
    assert realtime.counters.hands == {"p": {}}
    assert group(realtime).on_contact[1 << VOICE] == 1
    assert group(realtime).free[VOICE] == 0


def test_an_agents_own_call_is_a_contact_from_its_first_ring_and_in_error_when_it_fails():
    realtime, legs = a_center(), Legs()
    dialled = {"method": "OUTBOUND", "stage": "DIALING", "queue_id": "q", "agent_id": "a"}
    tell(realtime, legs.begin("c", AT, **dialled))
    assert (group(realtime).on_contact[1 << VOICE], line(realtime).active) == (1, 1)
    tell(realtime, *legs.end("c", AT + 60_000, "TELECOM_UNANSWERED"))
    assert (group(realtime).available, line(realtime)) == (0, LineCount())
    assert group(realtime).in_error[1 << VOICE] == 1
    tell(realtime, events.ContactCleared("c", "a"))
    assert (group(realtime).available, line(realtime)) == (1, LineCount())


def test_an_agent_whose_phone_is_lost_before_he_is_joined_is_in_error_and_the_contact_waits_on():
    realtime, legs = a_center(), Legs()
    queued(realtime, legs, "c", "VOICE")
    tell(realtime, legs.offer("c", "a", AT), events.ContactAccepted("c", "a", "p"))
    assert (group(realtime).on_contact[1 << VOICE], len(line(realtime).waiting)) == (0, 0)
    tell(realtime, events.AgentLegLost("c", "a", "q", "VOICE"))
    assert (group(realtime).in_error[1 << VOICE], len(line(realtime).waiting)) == (1, 1)


def test_a_customer_who_leaves_in_a_whisper_leaves_his_agent_in_error():
    realtime, legs = a_center(), Legs()
    queued(realtime, legs, "c", "VOICE")
    tell(realtime, legs.offer("c", "a", AT), events.ContactAccepted("c", "a", "p"))
    tell(realtime, events.ContactDequeued("c", "a"), *legs.end("c", AT))
    assert (group(realtime).in_error[1 << VOICE], line(realtime)) == (1, LineCount())
    tell(realtime, events.ContactCleared("c", "a"))
    assert (group(realtime).available, realtime.facts.contacts) == (1, {})


def test_after_contact_work_counts_by_the_contacts_own_queue_and_channel():
    realtime, legs = a_center(rows=[("q", "CHAT")]), Legs()
    queued(realtime, legs, "c", "CHAT", queue_id="r")
    tell(realtime, legs.offer("c", "a", AT), legs.connect("c", "a", AT), *legs.end("c", AT))
    assert (line(realtime, CHAT, "r").active, line(realtime, CHAT, "r").work) == (1, 1)
    assert line(realtime, CHAT) == LineCount()
    hand = realtime.counters.hands["p"]["r", CHAT, "connect:Chat"]
    assert (hand.active, hand.work) == (1, 1)


@pytest.mark.parametrize(
    ("mixes", "held", "free"),
    [
        ((), {}, (1, 3)),
        ((), {"CHAT": ["CONNECTED"]}, (0, 2)),
        (("CHAT",), {"CHAT": ["CONNECTED"]}, (1, 2)),
        (("VOICE",), {"CHAT": ["CONNECTED"]}, (0, 2)),
        ((), {"CHAT": ["CONNECTING", "CONNECTED", "ENDED"]}, (0, 0)),
        ((), {"VOICE": ["ENDED"]}, (0, 0)),
        (("VOICE",), {"VOICE": ["CONNECTED"]}, (0, 3)),
        (("VOICE", "CHAT"), {"VOICE": ["CONNECTED"], "CHAT": ["CONNECTED"]}, (0, 2)),
        (("VOICE", "CHAT"), {"CHAT": ["MISSED"]}, (1, 0)),
        ((), {"CHAT": ["MISSED"]}, (0, 0)),
    ],
)
def test_free_slots_follow_concurrency_and_cross_channel_behavior(mixes, held, free):
    realtime, legs = a_center(mixes=mixes), Legs()
    for channel, grips in held.items():
        for number, grip in enumerate(grips):
            name = f"{channel}{number}"
            queued(realtime, legs, name, channel)
            tell(realtime, legs.offer(name, "a", AT))
            if grip == "MISSED":
                tell(realtime, legs.miss(name))
            elif grip != "CONNECTING":
                tell(realtime, legs.connect(name, "a", AT))
                if grip == "ENDED":
                    tell(realtime, *legs.end(name, AT))
    assert (group(realtime).free[VOICE], group(realtime).free[CHAT]) == free
    tell(realtime, status("a", BREAK))
    assert group(realtime, status_id=BREAK).free == [0, 0, 0, 0]


def test_a_profile_with_fewer_slots_than_contacts_has_none_free():
    realtime, legs = a_center(), Legs()
    for name in ("c", "d"):
        queued(realtime, legs, name, "CHAT")
        tell(realtime, legs.offer(name, "a", AT))
    tell(
        realtime,
        events.ResourceUpdated("routing_profile", "p", profile_properties({"CHAT": 1}, [])),
    )
    assert group(realtime).free == [0, 0, 0, 0]
    assert realtime.counters.serving == {}


def test_a_channel_without_a_slot_serves_no_queue():
    realtime = a_center(slots={"VOICE": 1, "CHAT": 0})
    assert realtime.counters.serving == {"q": {"p": 1 << VOICE}}
    tell(realtime, profile("chat", {"VOICE": 1}, [("r", "CHAT")]))
    assert "r" not in realtime.counters.serving
    assert realtime.staffing("q", "VOICE") == (1, 1)
    assert realtime.staffing("q", "CHAT") == (0, 0)
    assert realtime.staffing("unknown", "VOICE") == (0, 0)


def test_staffing_adds_up_the_profiles_that_serve_queue_and_channel():
    realtime, legs = a_center(agents=("a", "b", "c")), Legs()
    tell(realtime, profile("only r", {"VOICE": 1}, [("r", "VOICE")]), user("d", "only r"))
    tell(realtime, status("d", AVAILABLE), status("c", BREAK))
    assert realtime.staffing("q", "VOICE") == (2, 2)
    queued(realtime, legs, "1")
    tell(realtime, legs.offer("1", "a", AT), legs.connect("1", "a", AT))
    assert realtime.staffing("q", "VOICE") == (2, 1)
    tell(realtime, profile("both", {"VOICE": 1}, [("q", "VOICE")]), user("e", "both"))
    tell(realtime, status("e", AVAILABLE))
    assert realtime.staffing("q", "VOICE") == (3, 2)


def test_a_next_status_changes_no_count():
    realtime = a_center()
    before = realtime.dump()
    tell(realtime, events.NextStatusChanged("a", BREAK))
    assert realtime.dump() == before


def test_thirty_agents_in_custom_statuses_one_of_them_on_a_contact():
    names = [f"agent {number}" for number in range(30)]
    realtime, legs = a_center(agents=names), Legs()
    queued(realtime, legs, "c")
    tell(realtime, legs.offer("c", names[0], AT), legs.connect("c", names[0], AT))
    for number, name in enumerate(names):
        tell(realtime, status(name, BREAK if number % 2 else LUNCH))
    groups = list(realtime.counters.groups["p"].values())
    assert [each.agents for each in groups] == [15, 15]
    assert sum(each.online for each in groups) == 30
    assert sum(sum(each.on_contact[1:]) for each in groups) == 1
    assert sum(each.online - each.staffed for each in groups) == 30
    assert sum(each.available for each in groups) == 0
    assert sum(sum(each.in_error[1:]) for each in groups) == 0


def test_foreign_bytes_are_refused():
    with pytest.raises(msgspec.MsgspecError):
        Realtime.load(b"\x93\x01\x02\x03")
    with pytest.raises(msgspec.MsgspecError):
        Realtime.load(b"")


@pytest.mark.parametrize("facts", [("st-offline", [], {}, {}, {}), ("", ["q"], {}, {}, {})])
def test_a_snapshot_of_another_layout_is_refused(facts):
    """Its contacts have no steps, its agents no proficiencies: it is folded anew."""
    with pytest.raises(msgspec.MsgspecError):
        Realtime.load(msgspec.msgpack.encode(facts))


def test_different_centers_are_not_equal():
    assert a_center() != Realtime()
    assert a_center() != "a center"
