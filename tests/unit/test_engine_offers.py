"""Offers: who rings how long, what a miss does to contact and agent, and who rings next."""

from engine_builders import ProfileOf, a_center

CHATS = {"chat": ProfileOf("sales/CHAT", chat=2)}


def test_an_offer_rings_for_20_seconds_and_then_goes_to_the_next_best_agent():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        23 s   -                      OfferMissed c1 a1 unanswered;
                                      ContactOffered c1 a2 until 43 s
        43 s   -                      OfferMissed c1 a2 unanswered
    """)


def test_an_agent_may_accept_up_to_the_last_moment():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        22.999 s   a1 accepts c1      ContactConnectedToAgent c1 a1
        60 s   -                      -
    """)


def test_a_contact_that_was_missed_cannot_be_accepted_any_more():
    a_center().ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        23 s   -                      OfferMissed c1 a1 unanswered
        23 s   a1 accepts c1          refused InvalidRequest
        23 s   a1 rejects c1          refused InvalidRequest
    """)


def test_an_agent_who_missed_gets_nothing_until_he_clears_it_and_then_the_same_contact():
    center = a_center()
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        23 s   -                      OfferMissed c1 a1 unanswered
        30 s   c2 call sales          ContactEnqueued c2 sales
        40 s   a1 clears c1           ContactCleared c1 a1; ContactOffered c1 a1 until 60 s
        41 s   a1 accepts c1          ContactConnectedToAgent c1 a1
    """)
    assert center.contact("c1").offers == 2


def test_a_missed_contact_blocks_every_channel():
    a_center(
        profiles={"all": ProfileOf("sales, sales/CHAT", chat=2, mixes="VOICE CHAT")}
    ).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        23 s   -                      OfferMissed c1 a1 unanswered
        24 s   c2 chat sales          ContactEnqueued c2 sales
        25 s   c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        26 s   a1 clears c1           ContactCleared c1 a1; ContactOffered c2 a1 until 46 s
    """)


def test_a_rejected_call_shows_as_missed_and_a_rejected_chat_as_rejected():
    voice, chat = a_center(agents=2), a_center(agents=2, profiles=CHATS)
    for center, begins in ((voice, "call"), (chat, "chat")):
        center.ledger(f"""
            0 s    a1 status Available    AgentStatusChanged a1 Available
            1 s    a2 status Available    AgentStatusChanged a2 Available
            3 s    c1 {begins} sales      ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
            5 s    a1 rejects c1          OfferMissed c1 a1 rejected;
                                          ContactOffered c1 a2 until 25 s
        """)
    assert voice.agent("a1").contacts["c1"].state == "MISSED"
    assert chat.agent("a1").contacts["c1"].state == "REJECTED"


def test_a_missed_chat_shows_as_missed():
    center = a_center(profiles=CHATS)
    center.available("a1")
    center.enqueue("c1", "sales", "CHAT")
    center.pass_time(20_000)
    assert center.agent("a1").contacts["c1"].state == "MISSED"


def test_a_contact_keeps_its_place_when_its_offer_is_missed():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        3 s    c3 call sales          ContactEnqueued c3 sales
        21 s   -                      OfferMissed c1 a1 unanswered
        25 s   a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 45 s
    """)


def test_offers_that_end_in_the_same_moment_go_back_in_the_order_of_their_wait():
    a_center(agents=4).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        1 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 21 s
        2 s    c3 call sales          ContactEnqueued c3 sales
        21 s   -                      OfferMissed c1 a1 unanswered; OfferMissed c2 a2 unanswered
        22 s   a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c1 a3 until 42 s
        23 s   a4 status Available    AgentStatusChanged a4 Available;
                                      ContactOffered c2 a4 until 43 s
    """)


def test_a_longer_wait_rings_first_when_two_offers_end_in_the_same_moment():
    a_center(agents=3).ledger("""
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a2 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        5 s    a2 rejects c1          OfferMissed c1 a2 rejected
        6 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 26 s
        6 s    a2 clears c1           ContactCleared c1 a2; ContactOffered c2 a2 until 26 s
        26 s   -                      OfferMissed c1 a1 unanswered; OfferMissed c2 a2 unanswered
        27 s   a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c1 a3 until 47 s
    """)


def test_a_customer_who_hangs_up_while_it_rings_leaves_a_missed_contact_behind():
    center = a_center(agents=2)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        5 s    c1 leaves              OfferMissed c1 a1 customer_left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        6 s    a1 clears c1           ContactCleared c1 a1; ContactOffered c2 a1 until 26 s
    """)


def test_a_customer_who_leaves_a_ringing_chat_leaves_it_rejected():
    """ContactState in the behaviour specification, section 2.3: REJECTED."""
    center = a_center(profiles=CHATS)
    center.available("a1")
    center.enqueue("c1", "sales", "CHAT")
    center.ledger("""
        5 s    c1 leaves              OfferMissed c1 a1 customer_left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
    """)
    assert center.agent("a1").contacts["c1"].state == "REJECTED"


def test_accepting_by_oneself_takes_no_time_and_leaves_no_ring():
    a_center(auto_accept=True).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s;
                                      ContactConnectedToAgent c1 a1
        60 s   -                      -
    """)


def test_accepting_by_oneself_can_be_set_per_channel():
    center = a_center(profiles={"all": ProfileOf("sales, sales/CHAT", chat=1, mixes="VOICE CHAT")})
    center.update("user", "a1", AutoAcceptConfigs=[{"Channel": "CHAT", "AutoAccept": True}])
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s;
                                      ContactConnectedToAgent c1 a1
        4 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a1 until 24 s
    """)


def test_accepting_by_oneself_takes_every_chat_at_once():
    center = a_center(agents={}, profiles={"chat": ProfileOf("sales/CHAT", chat=3)})
    center.an_agent("a1", "chat", auto_accept=True)
    center.ledger("""
        0 s    c1 chat sales          ContactEnqueued c1 sales
        1 s    c2 chat sales          ContactEnqueued c2 sales
        2 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 22 s;
                                      ContactConnectedToAgent c1 a1;
                                      ContactOffered c2 a1 until 22 s;
                                      ContactConnectedToAgent c2 a1
        60 s   -                      -
    """)


def test_only_the_agent_who_rings_can_take_or_decline():
    a_center(agents=2).ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a2 accepts c1          refused ContactNotFound
        2 s    a2 rejects c1          refused ContactNotFound
        2 s    a9 accepts c1          refused ContactNotFound
        2 s    a1 accepts c9          refused ContactNotFound
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        2 s    a1 accepts c1          refused InvalidRequest
        2 s    a1 rejects c1          refused InvalidRequest
    """)


def test_a_contact_that_rings_is_still_in_the_queue():
    center = a_center()
    center.available("a1")
    center.enqueue("c1", "sales")
    assert center.contact("c1").dequeued_at is None
    assert center.center.queued == {center.ids["sales"]: 1}
    center.ledger("""
        5 s    a1 accepts c1          ContactConnectedToAgent c1 a1
    """)
    assert center.contact("c1").dequeued_at == center.at
    assert center.center.queued == {}


def test_every_offer_counts_as_an_attempt():
    center = a_center(agents=3)
    center.available("a1", "a2", "a3")
    center.enqueue("c1", "sales")
    center.ledger("""
        20 s   -                      OfferMissed c1 a1 unanswered;
                                      ContactOffered c1 a2 until 40 s
        25 s   a2 rejects c1          OfferMissed c1 a2 rejected;
                                      ContactOffered c1 a3 until 45 s
        26 s   a3 accepts c1          ContactConnectedToAgent c1 a3
    """)
    assert center.contact("c1").offers == 3


def test_an_offer_that_is_noticed_late_ends_when_it_is_noticed():
    a_center().ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        30 s   -                      OfferMissed c1 a1 unanswered
        """,
        late=True,
    )
