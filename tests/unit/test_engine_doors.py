"""Doors: the tables are total, and run keeps its word: all or nothing, time never backwards."""

from typing import get_args

import pytest

from engine_builders import START, Driver, a_center, contents, differences
from ringfloor.base.errors import Fault, Refusal
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.commands import Command
from ringfloor.domain.events import Event, Outcome, decode_outcome, encode_outcome
from ringfloor.domain.structs import CommandStruct, EventStruct
from ringfloor.engine import engine


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
