"""Channels: how many contacts an agent may have at once, and which beside which."""

import pytest

from engine_builders import ProfileOf, a_center

NEITHER = ProfileOf("sales, sales/CHAT", chat=2)
VOICE_MIXES = NEITHER._replace(mixes="VOICE")
CHAT_MIXES = NEITHER._replace(mixes="CHAT")
BOTH_MIX = NEITHER._replace(mixes="VOICE CHAT")


@pytest.mark.parametrize(
    ("profile", "chats"),
    [(NEITHER, False), (CHAT_MIXES, False), (VOICE_MIXES, True), (BOTH_MIX, True)],
)
def test_beside_a_call_there_are_chats_only_where_voice_mixes(profile, chats):
    center = a_center(profiles={"p": profile})
    center.available("a1")
    center.enqueue("c1", "sales", "VOICE")
    center.enqueue("c2", "sales", "CHAT")
    assert ("c2" in center.agent("a1").contacts) == chats


@pytest.mark.parametrize(
    ("profile", "calls"),
    [(NEITHER, False), (VOICE_MIXES, False), (CHAT_MIXES, True), (BOTH_MIX, True)],
)
def test_beside_a_chat_there_are_calls_only_where_chat_mixes(profile, calls):
    center = a_center(profiles={"p": profile})
    center.available("a1")
    center.enqueue("c1", "sales", "CHAT")
    center.enqueue("c2", "sales", "VOICE")
    assert ("c2" in center.agent("a1").contacts) == calls


def test_every_channel_at_work_must_mix():
    center = a_center(
        profiles={"p": ProfileOf("sales, sales/CHAT, sales/TASK", chat=2, task=1, mixes="CHAT")}
    )
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 22 s
        3 s    c3 task sales          ContactEnqueued c3 sales
        4 s    c4 chat sales          ContactEnqueued c4 sales
        5 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        6 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        7 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        8 s    a1 clears c2           ContactCleared c2 a1; ContactCompleted c2;
                                      ContactOffered c3 a1 until 28 s
    """)


def test_a_channel_that_does_not_mix_still_takes_more_of_its_own():
    a_center(profiles={"p": VOICE_MIXES}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 chat sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 22 s
        3 s    c3 chat sales          ContactEnqueued c3 sales; ContactOffered c3 a1 until 23 s
        4 s    c4 chat sales          ContactEnqueued c4 sales
    """)


def test_as_many_as_the_concurrency_and_after_contact_work_counts():
    a_center(profiles={"p": ProfileOf("sales/CHAT", chat=2)}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 chat sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 22 s
        3 s    c3 chat sales          ContactEnqueued c3 sales
        4 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        5 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        6 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        7 s    a1 clears c2           ContactCleared c2 a1; ContactCompleted c2;
                                      ContactOffered c3 a1 until 27 s
    """)


def test_an_agent_who_becomes_available_gets_contacts_until_his_slots_are_full():
    a_center(profiles={"p": ProfileOf("sales/CHAT", chat=2)}).ledger("""
        0 s    c1 chat sales          ContactEnqueued c1 sales
        1 s    c2 chat sales          ContactEnqueued c2 sales
        2 s    c3 chat sales          ContactEnqueued c3 sales
        3 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 23 s;
                                      ContactOffered c2 a1 until 23 s
    """)


def test_a_channel_that_is_not_in_the_profile_is_never_offered():
    a_center(profiles={"p": "sales, sales/CHAT"}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales
    """)


def test_a_channel_that_leaves_the_profile_blocks_the_others_while_it_lasts():
    center = a_center(profiles={"p": BOTH_MIX})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
    """)
    center.update("routing_profile", "p", **ProfileOf("sales").properties(center.ids))
    center.ledger("""
        3 s    c2 call sales          ContactEnqueued c2 sales
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1;
                                      ContactOffered c2 a1 until 25 s
    """)


def test_more_concurrency_brings_more_contacts_at_once():
    center = a_center(profiles={"p": ProfileOf("sales/CHAT", chat=1)})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 chat sales          ContactEnqueued c2 sales
    """)
    done = center.update("routing_profile", "p", **ProfileOf("", chat=2).properties(center.ids))
    assert [type(event).__name__ for event in done.events] == ["ResourceUpdated"]
    done = center.update(
        "routing_profile", "p", **ProfileOf("sales/CHAT", chat=2).properties(center.ids)
    )
    assert [center.told(event) for event in done.events] == [
        "ResourceUpdated routing_profile p",
        "ContactOffered c2 a1 until 22 s",
    ]


def test_less_concurrency_than_contacts_gives_nothing_until_enough_are_gone():
    center = a_center(profiles={"p": ProfileOf("sales/CHAT", chat=3)})
    center.available("a1")
    for alias in ("c1", "c2", "c3", "c4"):
        center.enqueue(alias, "sales", "CHAT")
    center.ledger("""
        1 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        1 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        1 s    a1 accepts c3          ContactConnectedToAgent c3 a1
    """)
    center.update("routing_profile", "p", **ProfileOf("sales/CHAT", chat=2).properties(center.ids))
    center.ledger("""
        2 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        2 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        3 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        4 s    a1 clears c2           ContactCleared c2 a1; ContactCompleted c2;
                                      ContactOffered c4 a1 until 24 s
    """)
