"""Doors: the tables are total, and run keeps its word: all or nothing, time never backwards."""

from typing import get_args

import pytest

from engine_builders import START, Driver, ProfileOf, a_center, contents, differences
from ringfloor.base.errors import Fault, Refusal
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.commands import Command
from ringfloor.domain.contact import Callback, Held
from ringfloor.domain.events import Event, Outcome, decode_outcome, encode_outcome
from ringfloor.domain.structs import CommandStruct, EventStruct
from ringfloor.engine import connection, decisions, engine, entry
from ringfloor.engine.effects import effects
from ringfloor.engine.invariants import slots_are_kept
from ringfloor.telephony import commands as telephony


def test_everything_that_can_be_wanted_has_a_decision():
    assert set(engine.DECIDE) == set(get_args(Command))


def test_everything_that_can_happen_is_applied():
    assert set(engine.APPLY) == set(get_args(Event))


def test_only_what_can_happen_has_consequences():
    assert set(engine.REACT) <= set(get_args(Event))


@pytest.mark.parametrize("union", [Event, dialogue.Ask, dialogue.Heard])
def test_no_two_words_of_the_journal_have_the_same_tag(union):
    tags = [kind.__struct_config__.tag for kind in get_args(union)]
    assert len(set(tags)) == len(tags)
    assert None not in tags


def test_every_struct_of_the_union_is_in_the_union():
    """Nobody writes an event or a command and forgets to name it."""
    for module, base, union in (
        (events, EventStruct, Event),
        (commands, CommandStruct, Command),
    ):
        defined = {
            each
            for each in vars(module).values()
            if isinstance(each, type) and issubclass(each, base) and each is not base
        }
        assert defined == set(get_args(union))


def test_time_does_not_run_backwards():
    center = a_center()
    center.available("a1")
    before = contents(center.center)
    center.at -= 1
    with pytest.raises(Fault):
        center.available("a1")
    assert contents(center.center) == before


def test_what_comes_to_nothing_leaves_no_trace_not_even_of_time():
    center = a_center()
    before = contents(center.center)
    center.at += 1_000
    assert center.run(commands.Expire()).events == ()
    assert center.run(commands.LoseChannel("nobody", "CUSTOMER_DISCONNECT")).events == ()
    with pytest.raises(Refusal):
        center.run(commands.StopContact("nobody"))
    assert contents(center.center) == before


def test_the_deadline_is_that_of_whatever_is_due_first():
    center = a_center(work_s=30)
    assert engine.next_deadline(center.center) is None
    center.available("a1")
    center.enqueue("c1", "sales")
    assert engine.next_deadline(center.center) == START + 20_000
    center.ledger("""
        5 s    a1 accepts c1          ContactConnectedToAgent c1 a1
    """)
    assert engine.next_deadline(center.center) is None
    center.ledger("""
        6 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
    """)
    assert engine.next_deadline(center.center) == START + 36_000


def test_expiring_before_the_time_is_nothing():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    center.at += 19_999
    assert center.run(commands.Expire()).events == ()


def test_one_expire_is_one_deadline():
    center = a_center(agents=2)
    center.available("a1", "a2")
    center.enqueue("c1", "sales")
    center.enqueue("c2", "sales")
    center.at += 20_000
    first, second = center.run(commands.Expire()).events, center.run(commands.Expire()).events
    assert [center.told(event) for event in (*first, *second)] == [
        "OfferMissed c1 a1 unanswered",
        "OfferMissed c2 a2 unanswered",
    ]


def test_consequences_without_end_are_our_fault(monkeypatch):
    monkeypatch.setattr(engine, "REACTIONS_PER_COMMAND_MAX", 3)
    center = a_center()
    center.run(commands.SetAgentStatus(center.ids["a1"], center.ids["Available"]))
    with pytest.raises(Fault, match="no end"):
        center.enqueue("c1", "sales")


def test_old_events_can_be_read_without_the_members_that_came_later():
    """Members are only added at the end, with a default."""
    late = events.ContactInitiated.__struct_fields__.index("dial_ms")
    assert late == len(events.ContactInitiated.__struct_fields__) - 1
    center = a_center()
    center.enqueue("c1", "sales")
    (at, happened) = center.log[-1]
    assert decode_outcome(encode_outcome(Outcome(at, happened))).events == happened


def test_whose_snapshot_has_changed_is_told():
    center = a_center(agents=2)
    a1, a2 = center.ids["a1"], center.ids["a2"]
    center.available("a1", "a2")
    assert center.enqueue("c1", "sales").agents == {a1}
    center.at += 20_000
    assert center.run(commands.Expire()).agents == {a1, a2}
    assert center.run(commands.AcceptContact(a2, "c1")).agents == {a2}
    assert center.run(commands.HoldContact(a2, "c1")).agents == {a2}
    assert center.run(commands.ResumeContact(a2, "c1")).agents == {a2}
    assert center.run(commands.UpdateAttributes("c1", {"k": "v"})).agents == {a2}
    assert center.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT")).agents == {a2}
    assert center.run(commands.ClearContact(a2, "c1")).agents == {a2}
    assert center.update("user", "a1", Tag="x").agents == {a1}
    assert center.update("queue", "sales", Description="x").agents == set()


# Snapshots


def test_a_snapshot_in_the_moment_a_delay_ends_does_not_lose_it():
    """More may happen in the instant of a delay before it is stepped: a full turn, a tie."""
    center = a_center(profiles={"slow": "sales 1 +10"})
    center.available("a1")
    center.enqueue("c1", "sales")
    center.at += 10_000
    center.update("queue", "sales", Description="x")
    restored = engine.restore(engine.image(center.center))
    assert not differences(center.center, restored)


def test_a_snapshot_keeps_who_is_served_first_when_a_profile_changes():
    center = a_center(agents=2, queues=["sales", "support"], profiles={"p": "sales"})
    center.available("a1", "a2")
    center.update("user", "a1", Tag="x")
    center.enqueue("c1", "support")
    restored = engine.restore(engine.image(center.center))
    rows = center.ids["sales"], center.ids["support"]
    change = commands.UpdateResource(
        "routing_profile",
        center.ids["p"],
        {
            "QueueConfigs": [
                {"QueueReference": {"QueueId": row, "Channel": "VOICE"}, "Priority": 1, "Delay": 0}
                for row in rows
            ]
        },
    )
    seed = center.deal()
    live = engine.run(center.center, change, center.at, seed)
    assert engine.run(restored, change, center.at, seed) == live


def test_a_snapshot_of_nothing_is_nothing():
    empty = Driver().center
    assert not differences(engine.restore(engine.image(empty)), empty)


def test_foreign_bytes_are_no_snapshot():
    with pytest.raises(engine.msgspec.MsgspecError):
        engine.restore(b"foreign")


def test_who_decides_gets_the_center_the_command_and_what_else_he_needs():
    center, command, seed = a_center(), commands.StopContact("c1"), bytes(16)
    rings_until = connection.ring_until(center.center)
    matching = decisions._match(lambda *given: iter(given))
    assert tuple(matching(center.center, command, seed)) == (center.center, command, rings_until)
    asked = decisions._by_channel(
        lambda *given: iter(("chat", *given)), lambda *given: iter(("other", *given))
    )
    center.enqueue("c1", "sales")
    for channel, decided in (("VOICE", "other"), ("CHAT", "chat"), ("TASK", "other")):
        center.contact("c1").channel = channel
        given = decided, center.center, command, seed
        assert tuple(asked(center.center, command, seed)) == given
    unknown = commands.StopContact("nobody")
    assert next(asked(center.center, unknown, seed)) == "other"


def test_who_holds_too_many_calls_is_found():
    center = a_center()
    held = center.agent("a1").contacts
    for alias, channel, assigned in (
        ("c1", "VOICE", False),
        ("c2", "CHAT", False),
        ("c3", "CHAT", False),
        ("c4", "VOICE", True),
    ):
        held[alias] = Held(
            contact_id=alias, channel=channel, state="CONNECTED", since=START, assigned=assigned
        )
    assert list(slots_are_kept(center.center)) == []
    held["c4"].assigned = False
    agent = center.ids["a1"]
    assert list(slots_are_kept(center.center)) == [f"{agent} holds 2 voice contacts"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Type": "CUSTOMER_QUEUE"}, "is not of type CONTACT_FLOW or AGENT_TRANSFER"),
        ({"Status": "SAVED"}, "is not published"),
        ({"State": "ARCHIVED"}, "is archived"),
    ],
)
def test_a_contact_begins_in_a_flow_that_is_published_and_of_the_right_type(changes, why):
    center = a_center()
    flow = center.way_to("sales")
    types = ("CONTACT_FLOW", "AGENT_TRANSFER")
    entry.check_flow(center.center, flow, types)
    properties = center.center.resources["contact_flow"][flow].properties
    if "Status" in changes:
        del center.center.flows[flow]
    properties.update(changes)
    with pytest.raises(Refusal) as refusal:
        entry.check_flow(center.center, flow, types)
    assert refusal.value.code == "InvalidRequestException"
    assert str(refusal.value).partition(": ")[2] == f"ContactFlowId: {flow!r} {why}"
    with pytest.raises(Refusal, match="ContactFlowId: no flow"):
        entry.check_flow(center.center, "nowhere")


@pytest.mark.parametrize("channel", ["VOICE", "TASK"])
def test_those_who_are_joined_in_a_call_get_a_bridge(channel):
    center = a_center(profiles={"p": ProfileOf("sales, sales/TASK", voice=1, task=1)})
    center.available("a1")
    center.enqueue("c1", "sales", channel)
    center.run(commands.AcceptContact(center.ids["a1"], "c1"))
    assert center.contact("c1").stage == "CONNECTED"
    joined = events.ContactConnectedToAgent("c1", center.ids["a1"], center.ids["p"])
    found = [type(each) for each in effects(center.center, joined)]
    assert found[:1] == ([telephony.CreateBridge] if channel == "VOICE" else [])


@pytest.mark.parametrize(
    ("method", "flow", "dialled", "matched"),
    [
        ("INBOUND", None, None, None),
        ("CALLBACK", None, None, None),
        ("CALLBACK", "f", None, None),
        ("CALLBACK", "f", "c2", "here"),
        ("CALLBACK_CUSTOMER_FIRST_DIALED", "f", None, "meant"),
    ],
)
def test_who_waits_is_matched_and_callbacks_with_him(method, flow, dialled, matched):
    """Of a customer-first call in another queue, those of the queue that it was meant for."""
    center = a_center()
    center.enqueue("c1", "sales")
    contact = center.contact("c1")
    contact.initiation_method = method
    if method != "INBOUND":
        contact.callback = Callback(
            queue_id="meant", attempts=1, retry_ms=0, flow_id=flow, dialled_id=dialled
        )
    wanted = engine.react(center.center, events.ContactEnqueued("c1", "here", "VOICE"))
    more = () if matched is None else (commands.MatchCallbacks(matched),)
    assert tuple(wanted) == (commands.MatchContact("c1"), *more)
