"""Routing: which contact for this agent, which agent for this contact."""

import pytest

from engine_builders import NUMBER, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import ContactEnqueued, ContactInitiated
from ringfloor.engine import queue

# Which contact for this agent


def test_first_come_first_served():
    a_center().ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c2 call sales          ContactEnqueued c2 sales
        2 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 22 s
    """)


def test_first_come_first_served_within_one_moment():
    a_center(agents=2).ledger("""
        0 s    c2 call sales          ContactEnqueued c2 sales
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 21 s
        1 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 21 s
    """)


def test_who_enters_the_queue_first_comes_first_whoever_called_first():
    center = a_center()
    hello = an_action("hello", "MessageParticipant", {"Text": "Hello"}, "on")
    there = an_action("on", "TransferToFlow", {"ContactFlowId": center.ids["to sales"]})
    center.a_flow("welcome", a_content(hello, there))
    center.ledger("""
        0 s    c1 enters welcome      -
        0 s    c2 call sales          ContactEnqueued c2 sales
        0 s    c1 hears done          ContactEnqueued c1 sales
        0 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 20 s
    """)


def test_first_come_first_served_across_queues_and_channels_of_equal_priority():
    center = a_center(
        queues=["sales", "support"],
        agents=3,
        profiles={"all": ProfileOf("sales, support, sales/CHAT", chat=1)},
    )
    center.ledger("""
        0 s    c1 call support        ContactEnqueued c1 support
        1 s    c2 chat sales          ContactEnqueued c2 sales
        2 s    c3 call sales          ContactEnqueued c3 sales
        3 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 23 s
        3 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c2 a2 until 23 s
        3 s    a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c3 a3 until 23 s
    """)


def test_the_priority_of_the_profiles_row_beats_any_wait():
    center = a_center(queues=["sales", "support"], profiles={"p": "sales 2, support 1"})
    center.ledger("""
        0 s       c1 call sales          ContactEnqueued c1 sales
        3600 s    c2 call support        ContactEnqueued c2 support
        3601 s    a1 status Available    AgentStatusChanged a1 Available;
                                         ContactOffered c2 a1 until 3621 s
    """)


def waiting(center: Driver, alias: str, queue: str, **members: object) -> None:
    """A contact in the queue that has what no command can give it yet."""
    center.name(alias, alias)
    contact = Contact(
        id=alias,
        channel="VOICE",
        initiation_method="INBOUND",
        stage="IN_FLOW",
        initiated_at=center.at,
        updated_at=center.at,
        connected_to_system_at=center.at,
        customer_number=NUMBER,
        **members,  # type: ignore[arg-type]
    )
    center.happen(
        ContactInitiated(contact), ContactEnqueued(alias, center.ids[queue], contact.channel)
    )


def test_the_priority_of_the_contact_beats_its_age_but_not_the_profiles_row():
    center = a_center(agents=3, queues=["sales", "support"], profiles={"p": "sales 2, support 1"})
    waiting(center, "c1", "sales")
    waiting(center, "c2", "sales", priority=1)
    waiting(center, "c3", "support", priority=9)
    center.ledger("""
        1 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c3 a1 until 21 s
        1 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c2 a2 until 21 s
        1 s    a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c1 a3 until 21 s
    """)


def test_an_adjusted_age_moves_a_contact_forward_but_not_past_its_priority():
    center = a_center(agents=3)
    waiting(center, "c1", "sales")
    center.at += 60_000
    waiting(center, "c2", "sales", age_adjustment_ms=61_000)
    waiting(center, "c3", "sales", age_adjustment_ms=999_000, priority=6)
    center.ledger("""
        61 s   a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 81 s
        61 s   a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 81 s
        61 s   a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c3 a3 until 81 s
    """)


def test_an_agent_gets_nothing_from_queues_that_are_not_in_his_profile():
    center = a_center(
        agents={"a1": "sales", "a2": "support"},
        queues=["sales", "support"],
        profiles={"sales": "sales", "support": "support"},
    )
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call support        ContactEnqueued c1 support; ContactOffered c1 a2 until 21 s
        2 s    c2 call support        ContactEnqueued c2 support
    """
    )


def test_the_position_is_the_rank_in_line_and_none_while_it_rings():
    """0 while it rings, as the metrics specification says; those behind have moved up."""
    center = a_center()
    for alias in ("c1", "c2", "c3"):
        center.enqueue(alias, "sales")

    def positions() -> list[int]:
        contacts = (center.contact(alias) for alias in ("c1", "c2", "c3"))
        return [queue.position(center.center, contact) for contact in contacts]

    assert positions() == [1, 2, 3]
    center.available("a1")
    assert positions() == [0, 1, 2]
    center.pass_time(20_000)
    assert positions() == [1, 2, 3]


# Agent queues


def test_an_agents_own_queue_comes_before_everything():
    center = a_center(agents=2)
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        9 s    c2 call a1             ContactEnqueued c2 a1
        10 s   a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 30 s
        11 s   c3 call sales          ContactEnqueued c3 sales
        12 s   a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 32 s
    """)


def test_a_contact_in_an_agents_own_queue_waits_for_him_alone():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        2 s    c1 call a1             ContactEnqueued c1 a1; ContactOffered c1 a1 until 22 s
        3 s    c2 call a1             ContactEnqueued c2 a1
        22 s   -                      OfferMissed c1 a1 unanswered
        30 s   a1 clears c1           ContactCleared c1 a1; ContactOffered c1 a1 until 50 s
    """)


def test_an_agents_own_queue_needs_a_channel_that_he_takes():
    a_center(profiles={"chat": ProfileOf("sales/CHAT", chat=1, voice=0)}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call a1             ContactEnqueued c1 a1
        2 s    c2 chat a1             ContactEnqueued c2 a1; ContactOffered c2 a1 until 22 s
    """)


def test_an_agents_own_queue_holds_ten_contacts():
    center = a_center()
    for number in range(10):
        center.enqueue(f"c{number}", "a1")
    center.ledger("""
        1 s    c10 call a1            -
        2 s    c10 hears done         ContactEnded c10 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c10
        3 s    c0 leaves              ContactEnded c0 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c0
        4 s    c11 call a1            ContactEnqueued c11 a1
        5 s    c12 call a1            -
    """)


# Delay


def test_a_row_with_a_delay_takes_contacts_that_have_waited_so_long():
    a_center(profiles={"slow": "sales 1 +10"}).ledger("""
        0 s      a1 status Available  AgentStatusChanged a1 Available
        1 s      c1 call sales        ContactEnqueued c1 sales
        11 s     -                    DelayPassed c1 10 s; ContactOffered c1 a1 until 31 s
    """)


def test_others_may_take_a_contact_before_its_delay_is_over():
    center = a_center(
        agents={"a1": "fast", "a2": "slow"}, profiles={"fast": "sales", "slow": "sales 1 +10"}
    )
    center.ledger("""
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call sales          ContactEnqueued c1 sales
        5 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 25 s
        6 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        60 s   -                      -
    """)


def test_waiting_goes_on_while_it_rings():
    center = a_center(
        agents={"a1": "fast", "a2": "slow"}, profiles={"fast": "sales", "slow": "sales 1 +10"}
    )
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        11 s   -                      -
        21 s   -                      OfferMissed c1 a1 unanswered;
                                      ContactOffered c1 a2 until 41 s
    """)


def test_a_miss_before_the_delay_is_over_does_not_shorten_or_lengthen_it():
    center = a_center(
        agents={"a1": "fast", "a2": "slow"}, profiles={"fast": "sales", "slow": "sales 1 +30"}
    )
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        9 s    a1 rejects c1          OfferMissed c1 a1 rejected
        31 s   -                      DelayPassed c1 30 s; ContactOffered c1 a2 until 51 s
    """)


def test_a_delay_decides_when_a_row_counts_and_gives_no_boost():
    center = a_center(
        queues=["sales", "support"], profiles={"p": "sales 1 +10, support 2"}, agents=3
    )
    center.ledger("""
        0 s    c1 call support        ContactEnqueued c1 support
        1 s    c2 call sales          ContactEnqueued c2 sales
        5 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 25 s
        6 s    c3 call support        ContactEnqueued c3 support
        11 s   -                      DelayPassed c2 10 s
        12 s   a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c2 a2 until 32 s
        13 s   a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c3 a3 until 33 s
    """)


def test_each_of_several_delays_is_told_once():
    center = a_center(
        agents={"a1": "p1", "a2": "p2", "a3": "p3"},
        profiles={"p1": "sales 1 +5", "p2": "sales 1 +9", "p3": "sales 2 +5"},
    )
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        5 s    -                      DelayPassed c1 5 s
        9 s    -                      DelayPassed c1 9 s
        99 s   -                      -
    """)


def test_a_longer_delay_in_the_profile_applies_to_those_who_wait():
    a_center(profiles={"p": "sales 1 +5"}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales
        2 s    p rows sales 1 +9      ResourceUpdated routing_profile p
        10 s   -                      DelayPassed c1 9 s; ContactOffered c1 a1 until 30 s
    """)


def test_a_shorter_delay_in_the_profile_applies_to_those_who_wait():
    a_center(profiles={"p": "sales 1 +50"}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales
        8 s    c2 call sales          ContactEnqueued c2 sales
        9 s    p rows sales 1 +5      ResourceUpdated routing_profile p;
                                      ContactOffered c1 a1 until 29 s
        13 s   -                      DelayPassed c2 5 s
    """)


@pytest.mark.parametrize("late_ms", [0, 1, 5_000])
def test_a_delay_that_is_due_when_another_profile_changes_is_not_lost(late_ms):
    """An update may come between the instant of a delay and the look at the schedule."""
    center = a_center(
        agents={"a1": "p1", "a2": "p2"}, profiles={"p1": "sales 1 +10", "p2": "sales 1 +10"}
    )
    center.available("a1")
    center.enqueue("c1", "sales")
    center.at += 10_000 + late_ms
    center.update("routing_profile", "p2", **ProfileOf("sales 1 +5").properties(center.ids))
    center.pass_time(0)
    assert "c1" in center.agent("a1").contacts


# Which agent for this contact


def test_the_agent_who_has_been_available_longest():
    a_center(agents=3).ledger("""
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    a3 status Available    AgentStatusChanged a3 Available
        2 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a2 until 23 s
        3 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a3 until 23 s
        3 s    c3 call sales          ContactEnqueued c3 sales; ContactOffered c3 a1 until 23 s
    """)


def test_agents_available_since_the_same_moment_are_taken_in_their_order():
    a_center(agents=3).ledger("""
        0 s    a3 status Available    AgentStatusChanged a3 Available
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a2 status Available    AgentStatusChanged a2 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a3 until 23 s
        3 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 23 s
        3 s    c3 call sales          ContactEnqueued c3 sales; ContactOffered c3 a2 until 23 s
    """)


def test_the_wait_of_an_agent_starts_when_his_contact_is_cleared():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        5 s    a2 status Available    AgentStatusChanged a2 Available
        6 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 26 s
        7 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        8 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        9 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        10 s   c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 30 s
    """)


def test_the_wait_of_an_agent_starts_when_he_comes_back():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        5 s    a2 status Available    AgentStatusChanged a2 Available
        6 s    a1 status Break        AgentStatusChanged a1 Break
        7 s    a1 status Available    AgentStatusChanged a1 Available
        8 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a2 until 28 s
    """)


def test_a_missed_offer_puts_the_agent_last():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        5 s    a2 status Available    AgentStatusChanged a2 Available
        6 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 26 s
        7 s    c1 leaves              OfferMissed c1 a1 customer_left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        8 s    a1 clears c1           ContactCleared c1 a1
        9 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 29 s
    """)


@pytest.mark.parametrize("first", ["a1", "a2"])
def test_the_rows_priority_is_ignored_between_agents(first):
    center = a_center(agents={"a1": "p1", "a2": "p2"}, profiles={"p1": "sales 1", "p2": "sales 9"})
    second = "a2" if first == "a1" else "a1"
    center.ledger(f"""
        0 s    {first} status Available    AgentStatusChanged {first} Available
        1 s    {second} status Available   AgentStatusChanged {second} Available
        2 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 {first} until 22 s
    """)


# Changes of configuration


def test_a_new_profile_brings_an_agent_the_contacts_of_its_queues():
    center = a_center(
        agents={"a1": "sales"},
        queues=["sales", "support"],
        profiles={"sales": "sales", "support": "support"},
    )
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call support        ContactEnqueued c1 support
        2 s    a1 profile support     ResourceUpdated user a1; ContactOffered c1 a1 until 22 s
        3 s    c2 call sales          ContactEnqueued c2 sales
    """)


def test_a_new_queue_in_a_profile_brings_its_agents_the_contacts_of_it():
    center = a_center(agents=2, queues=["sales", "support"], profiles={"p": "sales"})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        2 s    c1 call support        ContactEnqueued c1 support
        3 s    c2 call support        ContactEnqueued c2 support
        4 s    p rows sales, support  ResourceUpdated routing_profile p;
                                      ContactOffered c1 a1 until 24 s;
                                      ContactOffered c2 a2 until 24 s
    """)


def test_a_change_of_a_profile_serves_its_agents_longest_available_first():
    center = a_center(agents=2, queues=["sales", "support"], profiles={"p": "sales"})
    center.ledger("""
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    a1 status Available    AgentStatusChanged a1 Available
        2 s    c1 call support        ContactEnqueued c1 support
        4 s    p rows sales, support  ResourceUpdated routing_profile p;
                                      ContactOffered c1 a2 until 24 s
    """)


def test_a_change_of_a_profile_gives_what_the_same_contacts_would_get_one_by_one():
    """The agent who has been available longest comes first for each contact, not in turns."""
    chats = {"p": ProfileOf("", chat=2)}
    at_once = a_center(agents=2, queues=["sales"], profiles=chats)
    at_once.ledger("""
        0 s    a1 status Available      AgentStatusChanged a1 Available
        1 s    a2 status Available      AgentStatusChanged a2 Available
        2 s    c1 chat sales            ContactEnqueued c1 sales
        3 s    c2 chat sales            ContactEnqueued c2 sales
        4 s    c3 chat sales            ContactEnqueued c3 sales
        5 s    p rows sales/CHAT        ResourceUpdated routing_profile p;
                                        ContactOffered c1 a1 until 25 s;
                                        ContactOffered c2 a1 until 25 s;
                                        ContactOffered c3 a2 until 25 s
    """)
    one_by_one = a_center(agents=2, profiles={"p": ProfileOf("sales/CHAT", chat=2)})
    one_by_one.ledger("""
        0 s    a1 status Available      AgentStatusChanged a1 Available
        1 s    a2 status Available      AgentStatusChanged a2 Available
        2 s    c1 chat sales            ContactEnqueued c1 sales; ContactOffered c1 a1 until 22 s
        3 s    c2 chat sales            ContactEnqueued c2 sales; ContactOffered c2 a1 until 23 s
        4 s    c3 chat sales            ContactEnqueued c3 sales; ContactOffered c3 a2 until 24 s
    """)


def test_a_profile_may_have_no_queues_but_the_agents_own():
    center = a_center()
    center.update("routing_profile", "basic", QueueConfigs=None)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales
        2 s    c2 call a1             ContactEnqueued c2 a1; ContactOffered c2 a1 until 22 s
    """)


def test_a_queue_that_leaves_a_profile_keeps_its_contacts_and_its_ringing_offers():
    center = a_center(agents=2, queues=["sales", "support"], profiles={"p": "sales, support"})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call support        ContactEnqueued c1 support; ContactOffered c1 a1 until 21 s
        2 s    c2 call support        ContactEnqueued c2 support
        3 s    p rows sales           ResourceUpdated routing_profile p
        4 s    a2 status Available    AgentStatusChanged a2 Available
        21 s   -                      OfferMissed c1 a1 unanswered
        22 s   p rows sales, support  ResourceUpdated routing_profile p;
                                      ContactOffered c1 a2 until 42 s
    """)


def test_a_disabled_queue_still_hands_out_the_contacts_it_has():
    center = a_center()
    center.enqueue("c1", "sales")
    center.update("queue", "sales", Status="DISABLED")
    center.ledger("""
        1 s    c2 call sales          ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c2
        2 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 22 s
    """)
