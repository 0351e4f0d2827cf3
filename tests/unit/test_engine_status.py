"""Agent statuses: what an agent chooses, when it takes effect, and what becomes of his contacts."""

from engine_builders import ProfileOf, a_center
from ringfloor.domain.commands import SetAgentStatus


def test_a_new_agent_is_offline_and_gets_contacts_once_he_is_available():
    center = a_center()
    assert center.agent("a1").status_type == "OFFLINE"
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        5 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 25 s
    """)
    assert center.agent("a1").status_type == "ROUTABLE"


def test_a_custom_status_takes_no_contacts():
    a_center().ledger("""
        0 s    a1 status Break        AgentStatusChanged a1 Break
        1 s    c1 call sales          ContactEnqueued c1 sales
        2 s    a1 status Lunch        AgentStatusChanged a1 Lunch
        3 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 23 s
    """)


def test_choosing_the_status_one_has_is_nothing():
    center = a_center()
    center.ledger("""
        0 s    a1 status Offline      -
        1 s    a1 status Available    AgentStatusChanged a1 Available
        9 s    a1 status Available    -
    """)
    assert center.agent("a1").status_since == center.at - 8_000


def test_a_status_chosen_while_a_contact_rings_talks_or_waits_on_hold_is_the_next_status():
    a_center(agents=3).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        2 s    a3 status Available    AgentStatusChanged a3 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        4 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 24 s
        5 s    c3 call sales          ContactEnqueued c3 sales; ContactOffered c3 a3 until 25 s
        6 s    a2 accepts c2          ContactConnectedToAgent c2 a2
        7 s    a3 accepts c3          ContactConnectedToAgent c3 a3
        8 s    a3 holds c3            ContactHeld c3
        9 s    a1 status Break        NextStatusChanged a1 Break
        9 s    a2 status Break        NextStatusChanged a2 Break
        9 s    a3 status Break        NextStatusChanged a3 Break
    """)


def test_the_next_status_takes_effect_when_all_slots_are_free_and_nothing_is_offered_before():
    center = a_center(work_s=10)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    c2 call sales          ContactEnqueued c2 sales
        4 s    a1 status Offline      NextStatusChanged a1 Offline
        9 s    a1 hangs-up c1         ContactEnded c1 AGENT_DISCONNECT CONNECTED
        19 s   -                      ContactCleared c1 a1; ContactCompleted c1;
                                      AgentStatusChanged a1 Offline
    """)
    agent = center.agent("a1")
    assert (agent.status_type, agent.next_status_id, agent.next_status_since) == (
        "OFFLINE",
        None,
        None,
    )


def test_the_status_shown_stays_until_the_next_one_takes_effect():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    center.ledger("""
        7 s    a1 status Break        NextStatusChanged a1 Break
    """)
    agent = center.agent("a1")
    assert agent.status_id == center.ids["Available"]
    assert agent.next_status_id == center.ids["Break"]
    assert agent.next_status_since == center.at


def test_choosing_the_present_status_takes_the_next_one_back():
    a_center(profiles={"chat": ProfileOf("sales/CHAT", chat=2)}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    a1 status Break        NextStatusChanged a1 Break
        4 s    c2 chat sales          ContactEnqueued c2 sales
        5 s    a1 status Available    NextStatusChanged a1 nothing;
                                      ContactOffered c2 a1 until 25 s
    """)


def test_another_choice_replaces_the_next_status():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    a1 status Break        NextStatusChanged a1 Break
        4 s    a1 status Lunch        NextStatusChanged a1 Lunch
        5 s    a1 status Lunch        -
        6 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        7 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1;
                                      AgentStatusChanged a1 Lunch
    """)


def test_a_status_chosen_in_after_contact_work_clears_the_contact_and_takes_effect():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        3 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 status Break        ContactCleared c1 a1; AgentStatusChanged a1 Break;
                                      ContactCompleted c1
    """)


def test_choosing_available_in_after_contact_work_ends_it_and_brings_the_next_contact():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        3 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 status Available    ContactCleared c1 a1; ContactCompleted c1;
                                      ContactOffered c2 a1 until 25 s
    """)


def test_after_contact_work_under_a_next_status_ends_with_whatever_is_chosen_then():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    a1 status Break        NextStatusChanged a1 Break
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 status Available    ContactCleared c1 a1; NextStatusChanged a1 nothing;
                                      ContactCompleted c1
        6 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 26 s
    """)


def test_a_status_chosen_with_a_missed_contact_clears_it():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        21 s   -                      OfferMissed c1 a1 unanswered
        22 s   a1 status Break        ContactCleared c1 a1; AgentStatusChanged a1 Break
        23 s   a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 43 s
    """)


def test_one_contact_still_talking_keeps_a_new_status_waiting_whatever_the_others_do():
    a_center(profiles={"chat": ProfileOf("sales/CHAT", chat=3)}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        1 s    c2 chat sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        2 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s    a1 status Break        NextStatusChanged a1 Break
        5 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        6 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        7 s    a1 clears c2           ContactCleared c2 a1; ContactCompleted c2;
                                      AgentStatusChanged a1 Break
    """)


def test_several_contacts_in_after_contact_work_are_cleared_together():
    a_center(profiles={"chat": ProfileOf("sales/CHAT", chat=2)}).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        1 s    c2 chat sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        2 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 status Offline      ContactCleared c1 a1; ContactCleared c2 a1;
                                      AgentStatusChanged a1 Offline;
                                      ContactCompleted c1; ContactCompleted c2
    """)


def test_unknown_agents_and_statuses_and_disabled_statuses_are_refused():
    center = a_center()
    center.update("agent_status", "Lunch", State="DISABLED")
    center.ledger("""
        0 s    a1 status Lunch        refused InvalidRequest
        0 s    a9 status Available    refused ResourceNotFound
        0 s    a1 status Nowhere      refused ResourceNotFound
    """)


def test_a_supervisor_uses_the_same_door_as_the_agent():
    center = a_center()
    done = center.run(SetAgentStatus(center.ids["a1"], center.ids["Available"]))
    assert done.agents == {center.ids["a1"]}
    assert not done.effects
