"""Conversation: hold, hanging up, after contact work with and without a limit, the final leg."""

import pytest

from engine_builders import START, ProfileOf, a_center
from ringfloor.domain.commands import (
    AcceptContact,
    ClearContact,
    HoldContact,
    LeaveContact,
    LoseChannel,
    ResumeContact,
)
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import ContactCompleted


def talking(**options: object):
    """a1 talks to c1 since 2 s."""
    center = a_center(**options)  # type: ignore[arg-type]
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
    """)
    return center


def final(center) -> Contact:
    """The one leg that is final."""
    (leg,) = (
        event.contact
        for _, happened in center.log
        for event in happened
        if isinstance(event, ContactCompleted)
    )
    return leg


def test_hold_and_resume_are_counted_and_timed():
    center = talking()
    center.ledger("""
        3 s    a1 holds c1            ContactHeld c1
        5 s    a1 resumes c1          ContactResumed c1
        6 s    a1 holds c1            ContactHeld c1
        16 s   a1 resumes c1          ContactResumed c1
        17 s   a1 hangs-up c1         ContactEnded c1 AGENT_DISCONNECT CONNECTED
        18 s   a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
    """)
    leg = final(center)
    assert (leg.holds, leg.hold_ms, leg.longest_hold_ms) == (2, 12_000, 10_000)


def test_hold_does_not_move_the_start_of_the_agents_state():
    center = talking()
    since = center.agent("a1").contacts["c1"].since
    center.ledger("""
        5 s    a1 holds c1            ContactHeld c1
    """)
    assert center.agent("a1").contacts["c1"].state == "CONNECTED_ONHOLD"
    assert center.agent("a1").contacts["c1"].since == since


@pytest.mark.parametrize(
    ("words", "reason"),
    [("c1 leaves", "CUSTOMER_DISCONNECT"), ("a1 hangs-up c1", "AGENT_DISCONNECT")],
)
def test_a_contact_that_ends_on_hold_says_so_and_its_hold_ends_with_it(words, reason):
    center = talking()
    center.ledger(f"""
        4 s    a1 holds c1            ContactHeld c1
        9 s    {words}                ContactEnded c1 {reason} CONNECTED_ONHOLD
        9 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
    """)
    leg = final(center)
    assert (leg.holds, leg.hold_ms, leg.longest_hold_ms) == (1, 5_000, 5_000)
    assert leg.pre_disconnect_state == "CONNECTED_ONHOLD"


def test_holding_a_chat_asks_nothing_of_the_telephone():
    center = a_center(profiles={"chat": ProfileOf("sales/CHAT", chat=1)})
    center.available("a1")
    center.enqueue("c1", "sales", "CHAT")
    center.run(AcceptContact(center.ids["a1"], "c1"))
    for command in (HoldContact, ResumeContact, LeaveContact):
        assert center.run(command(center.ids["a1"], "c1")).effects == ()


def test_what_does_not_fit_the_state_of_the_contact_is_refused():
    talking().ledger("""
        3 s    a1 resumes c1          refused InvalidRequest
        3 s    a1 clears c1           refused InvalidRequest
        4 s    a1 holds c1            ContactHeld c1
        5 s    a1 holds c1            refused InvalidRequest
        6 s    a1 hangs-up c1         ContactEnded c1 AGENT_DISCONNECT CONNECTED_ONHOLD
        7 s    a1 hangs-up c1         refused InvalidRequest
        7 s    a1 holds c1            refused InvalidRequest
        7 s    c1 stopped             refused ContactNotFound
        7 s    c1 leaves              -
        7 s    c1 drops-out           -
        8 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        9 s    a1 clears c1           refused ContactNotFound
        9 s    c1 stopped             refused ContactNotFound
        9 s    c1 leaves              -
        9 s    c1 drops-out           -
    """)


def test_somebody_elses_contact_cannot_be_touched():
    center = talking(agents=2)
    for command in (HoldContact, ResumeContact, LeaveContact, ClearContact):
        center.ledger(
            """
            3 s    it                 refused ContactNotFound
            """,
            it=command(center.ids["a2"], "c1"),
        )


def test_after_contact_work_without_a_limit_waits_for_the_agent():
    talking().ledger("""
        3 s      c1 leaves            ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s      c2 call sales        ContactEnqueued c2 sales
        90000 s  -                    -
        90001 s  a1 clears c1         ContactCleared c1 a1; ContactCompleted c1;
                                      ContactOffered c2 a1 until 90021 s
    """)


def test_after_contact_work_ends_at_its_limit_to_the_millisecond():
    center = talking(work_s=30)
    center.ledger("""
        3 s       c1 leaves           ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s       c2 call sales       ContactEnqueued c2 sales
        32.999 s  -                   -
        33 s      -                   ContactCleared c1 a1; ContactCompleted c1;
                                      ContactOffered c2 a1 until 53 s
    """)
    leg = final(center)
    assert leg.after_contact_work_started_at == START + 3_000
    assert leg.after_contact_work_ended_at == START + 33_000


def test_after_contact_work_may_end_before_its_limit():
    talking(work_s=30).ledger("""
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        99 s   -                      -
    """)


def test_the_limit_can_be_set_per_channel():
    center = a_center(
        work_s=30,
        profiles={"all": ProfileOf("sales, sales/CHAT", chat=1, mixes="VOICE CHAT")},
    )
    limits = [{"Channel": "CHAT", "AfterContactWorkConfig": {"AfterContactWorkTimeLimit": 5}}]
    center.update("user", "a1", AfterContactWorkConfigs=limits)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        1 s    c2 chat sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        2 s    a1 accepts c2          ContactConnectedToAgent c2 a1
        10 s   c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        10 s   c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED
        15 s   -                      ContactCleared c2 a1; ContactCompleted c2
        40 s   -                      ContactCleared c1 a1; ContactCompleted c1
    """)


def test_a_channel_without_a_limit_of_its_own_has_none():
    center = talking(work_s=30)
    center.update("user", "a1", AfterContactWorkConfigs=[{"Channel": "VOICE"}])
    center.ledger("""
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        99 s   -                      -
    """)


def test_an_agent_without_a_telephone_has_no_limit_and_accepts_nothing_by_himself():
    center = a_center(work_s=30, auto_accept=True)
    center.update("user", "a1", PhoneConfig=None)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        99 s   -                      -
    """)


def test_a_contact_is_changed_by_being_taken_and_by_ending():
    center = talking()
    assert center.contact("c1").updated_at == START + 2_000
    center.ledger("""
        9 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
    """)
    assert center.contact("c1").updated_at == START + 9_000


def test_the_agents_state_begins_anew_with_each_stage():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    since = [center.agent("a1").contacts["c1"].since]
    for command in (
        AcceptContact(center.ids["a1"], "c1"),
        LoseChannel("c1", "CUSTOMER_DISCONNECT"),
    ):
        center.at += 1_000
        center.run(command)
        since.append(center.agent("a1").contacts["c1"].since)
    assert since == [START, START + 1_000, START + 2_000]


def test_a_missed_contact_is_missed_since_its_ring_ended():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    center.pass_time(25_000)
    assert center.agent("a1").contacts["c1"].since == START + 20_000


def test_who_puts_a_missed_contact_aside_sees_it_while_another_agent_talks_with_it():
    center = a_center(agents=2)
    center.available("a1")
    center.enqueue("c1", "sales")
    center.pass_time(21_000)
    center.available("a2")
    center.run(AcceptContact(center.ids["a2"], "c1"))
    done = center.run(ClearContact(center.ids["a1"], "c1"))
    assert "c1" not in center.agent("a1").contacts
    assert center.ids["a1"] in done.agents


def test_the_limit_is_that_of_the_moment_the_work_began():
    center = talking(work_s=30)
    center.ledger("""
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
    """)
    center.update("user", "a1", PhoneConfig={"AfterContactWorkTimeLimit": 600})
    center.ledger("""
        33 s   -                      ContactCleared c1 a1; ContactCompleted c1
    """)


def test_an_agent_whose_leg_is_lost_has_hung_up():
    talking().ledger("""
        3 s    c1 drops-out           ContactEnded c1 AGENT_DISCONNECT CONNECTED
    """)


def test_a_lost_leg_of_an_agent_who_does_not_talk_is_no_news():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s    c1 drops-out           -
        2 s    c9 drops-out           -
    """)


def test_a_contact_that_is_stopped_by_the_api_still_has_after_contact_work():
    center = talking()
    center.ledger("""
        3 s    c1 stopped             ContactEnded c1 OTHER CONNECTED
        4 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
    """)
    assert final(center).disconnect_reason == "OTHER"


def test_the_final_leg_knows_its_whole_life():
    center = talking(work_s=20)
    center.ledger("""
        5 s    c1 attributes k=v      AttributesUpdated c1 k=v
        9 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        29 s   -                      ContactCleared c1 a1; ContactCompleted c1
    """)
    leg = final(center)
    assert (leg.initiated_at, leg.connected_to_system_at, leg.enqueued_at) == (START + 1_000,) * 3
    assert (leg.dequeued_at, leg.connected_to_agent_at) == (START + 2_000,) * 2
    assert (leg.disconnected_at, leg.updated_at) == (START + 9_000, START + 29_000)
    assert (leg.queue_id, leg.agent_id) == (center.ids["sales"], center.ids["a1"])
    assert leg.routing_profile_id == center.ids["basic"]
    assert leg.attributes == {"k": "v"}
    assert leg.offers == 1
    assert center.center.contacts == {}


def test_attributes_can_be_set_until_after_contact_work_is_over():
    talking().ledger("""
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s    c1 attributes k=v      AttributesUpdated c1 k=v
        5 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        6 s    c1 attributes k=w      refused ResourceNotFound
    """)
