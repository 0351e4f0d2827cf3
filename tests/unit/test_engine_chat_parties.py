"""Chats that several agents serve: who is asked in, who leaves with whom, whose customer it is."""

import pytest

from engine_builders import FLOW_NOISE, ProfileOf, a_center, a_content, an_action, to_queue
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import CHAT_PARTIES_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import chat, commands, events
from ringfloor.engine import chat_parties, engine
from ringfloor.engine.chat_figures import shown as figures_of

CHATS = {"basic": ProfileOf("sales/CHAT, support/CHAT", voice=0, chat=2)}
NOISE = (
    *FLOW_NOISE,
    events.ContactAccepted,
    events.ContactConnectedToSystem,
    events.ContactDequeued,
    events.ContactSucceeded,
    events.FlowFinished,
    events.ChatStarted,
    events.ParticipantAdded,
    events.ParticipantJoined,
    events.ParticipantLeft,
)


@pytest.fixture
def center():
    center = a_center(agents=4, queues=["sales", "support"], profiles=CHATS)
    center.run(commands.UpdateInstance({"MultiPartyChatConference": True}))
    for alias in ("a2", "a3", "a4"):
        flow = center.a_flow(
            f"on to-{alias}", to_queue({"AgentId": center.ids[alias]}), "AGENT_TRANSFER"
        )
        config = {
            "QuickConnectType": "USER",
            "UserConfig": {"UserId": center.ids[alias], "ContactFlowId": flow},
        }
        named = {"Name": f"to-{alias}", "QuickConnectConfig": config}
        center.create("quick_connect", f"to-{alias}", named)
    center.available("a1")
    return center


def a_talk(center, alias="c1"):
    """Carol and a1; everybody else is there."""
    center.run(
        commands.StartChat(
            flow_id=center.way_to("sales"),
            display_name="Carol",
            life_ms=90_000 * SECOND,
            content_types=chat.MESSAGES,
            client_token=alias,
        )
    )
    center.name(alias, next(iter(center.center.chats)))
    center.ledger(
        """
        at    command          events
        2 s   c1 connects      ChatItemAdded c1 CUSTOMER participant.joined
        3 s   a1 accepts c1    ContactConnectedToAgent c1 a1;
                               ChatItemAdded c1 AGENT participant.joined
    """,
        hide=NOISE,
    )
    for each in ("a2", "a3", "a4"):
        center.available(each)


def with_a2(center):
    """a1 has asked a2 in, who has come."""
    a_talk(center)
    center.ledger(
        """
        at    command              events
        4 s   a1 adds c1 to-a2 c2  ContactEnqueued c2 a2; ContactOffered c2 a2 until 24 s
        5 s   a2 accepts c2        ContactConnectedToAgent c2 a2;
                                   ChatItemAdded c2 AGENT participant.joined
    """,
        hide=NOISE,
    )


def test_two_agents_and_a_customer_talk_and_the_one_who_joined_leaves(center):
    with_a2(center)
    center.ledger(
        """
        at    command           events
        6 s   c1 writes hello   ChatItemAdded c1 CUSTOMER 'hello'
        7 s   a2:c1 writes hi   ChatItemAdded c1 AGENT 'hi'
        8 s   a1:c1 writes ah   ChatItemAdded c1 AGENT 'ah'
        9 s   a2 hangs-up c2    ContactEnded c2 AGENT_DISCONNECT CONNECTED;
                                ChatItemAdded c2 AGENT participant.left
        10 s  a2:c1 writes no   refused AccessDenied
        11 s  a2 clears c2      ContactCleared c2 a2; ContactCompleted c2
        12 s  a1 hangs-up c1    ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                ChatItemAdded c1 AGENT participant.left;
                                ChatItemAdded c1 chat.ended; ChatEnded c1
    """,
        hide=NOISE,
    )
    first = center.contact("c1")
    assert first.transfer_completed_at is None, "nobody has taken its customer over"
    assert first.next_contacts == [center.ids["c2"]]


def test_the_contact_that_joins_is_one_of_the_chain_and_has_its_own_record(center):
    with_a2(center)
    second, first = center.contact("c2"), center.contact("c1")
    assert (second.initiation_method, second.previous_contact_id) == ("TRANSFER", first.id)
    assert (second.chat_id, second.joins, first.joins) == (first.chat_id, True, False)
    assert second.attributes == first.attributes
    assert second.expires_at == first.expires_at
    (made,) = first.handed_on
    assert (made.contact_id, made.type) == (second.id, "USER")
    assert center.center.chats[first.chat_id].contact_id == first.id


def test_the_chat_passes_to_who_has_joined_when_its_agent_leaves(center):
    with_a2(center)
    center.ledger(
        """
        at    command           events
        6 s   a1 hangs-up c1    ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                ChatItemAdded c2 AGENT participant.left; ChatMoved c2
        7 s   c1 writes still?  ChatItemAdded c2 CUSTOMER 'still?'
        8 s   a1 clears c1      ContactCleared c1 a1; ContactCompleted c1
        9 s   c1 exits          ChatItemAdded c2 CUSTOMER participant.left;
                                ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED;
                                ChatItemAdded c2 chat.ended; ChatEnded c2
    """,
        hide=NOISE,
    )
    assert not center.contact("c2").joins


def test_who_takes_a_customer_over_completes_the_transfer(center):
    with_a2(center)
    center.run(commands.LeaveContact(center.ids["a1"], center.ids["c1"]))
    first = center.contact("c1")
    assert first.transfer_completed_at == center.at
    assert first.next_contact_id == center.ids["c2"]


def test_who_is_there_comes_before_who_is_awaited(center):
    a_talk(center)
    center.ledger(
        """
        at    command              events
        4 s   a1 adds c1 to-a2 c2  ContactEnqueued c2 a2; ContactOffered c2 a2 until 24 s
        5 s   a1 adds c1 to-a3 c3  ContactEnqueued c3 a3; ContactOffered c3 a3 until 25 s
        6 s   a3 accepts c3        ContactConnectedToAgent c3 a3;
                                   ChatItemAdded c3 AGENT participant.joined
        7 s   a1 hangs-up c1       ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                   ChatItemAdded c3 AGENT participant.left; ChatMoved c3
        8 s   a3 hangs-up c3       ContactEnded c3 AGENT_DISCONNECT CONNECTED;
                                   ChatItemAdded c2 AGENT participant.left; ChatMoved c2;
                                   ChatItemAdded c2 transfer.succeeded
        9 s   a2 accepts c2        ContactConnectedToAgent c2 a2;
                                   ChatItemAdded c2 AGENT participant.joined
    """,
        hide=NOISE,
    )


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ("c1 exits", "CUSTOMER_DISCONNECT"),
        ("c1 stopped", "API"),
    ],
)
def test_all_leave_with_the_customer(center, ends, reason):
    with_a2(center)
    center.ledger(
        """
        at    command              events
        6 s   a2 adds c2 to-a3 c3  ContactEnqueued c3 a3; ContactOffered c3 a3 until 26 s
        6 s   a4 monitors c2 m1    ContactConnectedToAgent m1 a4;
                                   MonitorStateChanged m1 a4 SILENT_MONITOR
    """,
        hide=NOISE,
    )
    left = "ChatItemAdded c1 CUSTOMER participant.left; " if "exits" in ends else ""
    center.ledger(
        f"""
        at    command   events
        7 s   {ends}    {left}ContactEnded c1 {reason} CONNECTED;
                        ChatItemAdded c1 chat.ended; ChatEnded c1;
                        ContactEnded m1 {reason} CONNECTED;
                        ContactEnded c2 {reason} CONNECTED;
                        OfferMissed c3 a3 customer_left; ContactEnded c3 {reason} IN_QUEUE;
                        ContactCleared m1 a4; ContactCompleted c3; ContactCompleted m1
    """,
        hide=NOISE,
    )


def test_a_chat_that_is_over_is_over_for_all(center):
    with_a2(center)
    center.ledger(
        """
        at       command  events
        90000 s  -        ContactEnded c1 EXPIRED CONNECTED; ChatItemAdded c1 chat.ended;
                          ChatEnded c1; ContactEnded c2 EXPIRED CONNECTED
    """,
        hide=NOISE,
    )


def test_who_hands_the_chat_on_takes_everybody_with_him(center):
    with_a2(center)
    center.ledger(
        """
        at    command                 events
        6 s   a2 hands-on c2 c3 to-a3
                                      ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                      ContactEnded c2 AGENT_DISCONNECT CONNECTED; ChatMoved c3;
                                      ChatItemAdded c3 transfer.succeeded;
                                      ChatItemAdded c1 AGENT participant.left;
                                      ChatItemAdded c3 AGENT participant.left;
                                      ContactEnqueued c3 a3; ContactOffered c3 a3 until 26 s
    """,
        hide=NOISE,
    )
    assert not center.contact("c3").joins


def test_any_agent_may_send_another_away(center):
    with_a2(center)
    center.ledger(
        """
        at    command                events
        6 s   a2 adds c2 to-a3 c3    ContactEnqueued c3 a3; ContactOffered c3 a3 until 26 s
        7 s   a1 drops c1 c3/agent   OfferMissed c3 a3 customer_left;
                                     ContactEnded c3 AGENT_DISCONNECT IN_QUEUE; ContactCompleted c3
        8 s   a1 drops c1 c3/agent   refused InvalidRequest
        9 s   a2 drops c2 c1/agent   ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                     ChatItemAdded c2 AGENT participant.left; ChatMoved c2
        9 s   a3 drops c2 c2/agent   refused ContactNotFound
        10 s  a2 drops c2 c2/agent   ContactEnded c2 AGENT_DISCONNECT CONNECTED;
                                     ChatItemAdded c2 AGENT participant.left;
                                     ChatItemAdded c2 chat.ended; ChatEnded c2
    """,
        hide=NOISE,
    )


def test_who_does_not_come_leaves_the_others_alone(center):
    a_talk(center)
    center.ledger(
        """
        at    command              events
        4 s   a1 adds c1 to-a2 c2  ContactEnqueued c2 a2; ContactOffered c2 a2 until 24 s
        24 s  -                    OfferMissed c2 a2 unanswered
        25 s  c2 stopped           ContactEnded c2 API IN_QUEUE; ContactCompleted c2
        26 s  c1 writes hello      ChatItemAdded c1 CUSTOMER 'hello'
    """,
        hide=NOISE,
    )


def test_what_the_flow_of_who_joins_says_is_not_for_the_customer(center):
    a_talk(center)
    bye = an_action("bye", "DisconnectParticipant")
    says = an_action("says", "MessageParticipant", {"Text": "boo"}, "show")
    view = {"ViewResource": {"Id": "form", "Version": "1"}, "InvocationTimeLimitSeconds": "60"}
    show = an_action("show", "ShowView", view, "bye", NoMatchingError="rest")
    waits = {"TimeLimitSeconds": "5", "Events": ["CustomerReturned"]}
    rest = an_action("rest", "Wait", waits, "bye", NoMatchingError="bye")
    rest["Transitions"]["Conditions"] = [
        {"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": [each]}}
        for each in ("WaitCompleted", "CustomerReturned")
    ]
    flow = center.a_flow("talks", a_content(says, show, rest, bye), "QUEUE_TRANSFER")
    config = {
        "QuickConnectType": "QUEUE",
        "QueueConfig": {"QueueId": center.ids["support"], "ContactFlowId": flow},
    }
    center.create("quick_connect", "to-support", {"Name": "s", "QuickConnectConfig": config})
    center.ledger(
        """
        at    command                   events
        4 s   a1 adds c1 to-support c2  -
        5 s   c1 writes no              ChatItemAdded c1 CUSTOMER 'no'
        9 s   -                         ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                        ContactCompleted c2
    """,
        hide=NOISE,
    )


@pytest.mark.parametrize("leaves", ["hangs up", "drops himself"])
def test_no_disconnect_flow_runs_while_somebody_serves_the_customer(center, leaves):
    flow = center.a_flow("survey", a_content(an_action("bye", "DisconnectParticipant")))
    hook = {"EventHooks": {"CustomerRemaining": flow}}
    hooked = an_action("hook", "UpdateContactEventHooks", hook, "aim")
    aim = an_action("aim", "UpdateContactTargetQueue", {"QueueId": center.ids["sales"]}, "enter")
    enter = an_action("enter", "TransferContactToQueue", {}, "bye")
    bye = an_action("bye", "DisconnectParticipant")
    begin = center.a_flow("begin", a_content(hooked, aim, enter, bye))
    done = center.run(
        commands.StartChat(flow_id=begin, display_name="Carol", life_ms=90_000 * SECOND)
    )
    center.name("c1", done.answer)
    center.available("a2")
    center.ledger(
        """
        at    command              events
        2 s   c1 connects          ChatItemAdded c1 CUSTOMER participant.joined
        3 s   a1 accepts c1        ContactConnectedToAgent c1 a1;
                                   ChatItemAdded c1 AGENT participant.joined
        4 s   a1 adds c1 to-a2 c2  ContactEnqueued c2 a2; ContactOffered c2 a2 until 24 s
        5 s   a2 accepts c2        ContactConnectedToAgent c2 a2;
                                   ChatItemAdded c2 AGENT participant.joined
        6 s   a1 hangs-up c1       ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                   ChatItemAdded c2 AGENT participant.left; ChatMoved c2
        7 s   a1 clears c1         ContactCleared c1 a1; ContactCompleted c1
    """,
        hide=NOISE,
    )
    his = center.ids["a2"], center.ids["c2"]
    drops = leaves == "drops himself"
    done = center.run(
        commands.DropParty(*his, center.leg("c2/agent")) if drops else commands.LeaveContact(*his)
    )
    born = [each.contact for each in done.events if isinstance(each, events.ContactInitiated)]
    assert [(each.initiation_method, each.joins) for each in born] == [("DISCONNECT", False)]


def test_an_idle_agent_leaves_alone_and_all_leave_an_idle_customer(center):
    with_a2(center)
    center.ledger(
        """
        at     command                             events
        6 s    c1 times AGENT/DISCONNECT_NONCUSTOMER=2  ChatTimersSet c1 1
        60 s   a1:c1 writes here                   ChatItemAdded c1 AGENT 'here'
        125 s  -                                   ChatItemAdded c1 AGENT participant.autodisconnection;
                                                   ContactEnded c2 IDLE_DISCONNECT CONNECTED;
                                                   ChatItemAdded c2 AGENT participant.left
        130 s  a1 adds c1 to-a3 c3                 ContactEnqueued c3 a3;
                                                   ContactOffered c3 a3 until 150 s
        131 s  a3 accepts c3                       ContactConnectedToAgent c3 a3;
                                                   ChatItemAdded c3 AGENT participant.joined
        180 s  -                                   ChatItemAdded c1 AGENT participant.autodisconnection;
                                                   ContactEnded c1 IDLE_DISCONNECT CONNECTED;
                                                   ChatItemAdded c3 AGENT participant.left; ChatMoved c3
        181 s  c3 times AGENT/DISCONNECT_NONCUSTOMER= CUSTOMER/DISCONNECT_NONCUSTOMER=4
                                                   ChatTimersSet c1 2
        182 s  a3 adds c3 to-a4 c4                 ContactEnqueued c4 a4;
                                                   ContactOffered c4 a4 until 202 s
        183 s  a4 accepts c4                       ContactConnectedToAgent c4 a4;
                                                   ChatItemAdded c4 AGENT participant.joined
        243 s  -                                   ChatItemAdded c3 CUSTOMER participant.autodisconnection;
                                                   ContactEnded c4 IDLE_DISCONNECT CONNECTED;
                                                   ContactEnded c3 IDLE_DISCONNECT CONNECTED;
                                                   ChatItemAdded c4 AGENT participant.left;
                                                   ChatItemAdded c3 chat.ended; ChatEnded c3
    """,  # noqa: E501  a ledger
        hide=NOISE,
    )


def test_an_agent_who_vanishes_leaves_the_customer_with_the_others(center):
    with_a2(center)
    happened = center.run(commands.AgentVanished(center.ids["a1"])).events
    assert [center.told(each) for each in happened if not isinstance(each, NOISE)] == [
        "AgentPresenceChanged a1 vanished",
        "ContactEnded c1 AGENT_NETWORK_DISCONNECT CONNECTED",
        "ChatItemAdded c2 AGENT participant.left",
        "ChatMoved c2",
    ]


def test_there_are_no_receipts_among_more_than_two(center):
    with_a2(center)
    center.ledger(
        """
        at    command              events
        6 s   a1:c1 writes hello   ChatItemAdded c1 AGENT 'hello'
        7 s   c1 reads hello       refused ResourceConflict
        8 s   a2 hangs-up c2       ContactEnded c2 AGENT_DISCONNECT CONNECTED;
                                   ChatItemAdded c2 AGENT participant.left
        9 s   c1 reads hello       ReceiptMarked c1 read
    """,
        hide=NOISE,
    )


def test_each_contact_counts_what_its_own_agent_writes(center):
    with_a2(center)
    center.ledger(
        """
        at    command            events
        6 s   c1 writes hello    ChatItemAdded c1 CUSTOMER 'hello'
        8 s   a2:c1 writes hi!   ChatItemAdded c1 AGENT 'hi!'
        9 s   a1:c1 writes ah    ChatItemAdded c1 AGENT 'ah'
    """,
        hide=NOISE,
    )
    first, second = (figures_of(center.contact(each), lambda at: at) for each in ("c1", "c2"))
    for figures, messages, turns in ((first, 3, 1), (second, 1, 0)):
        told = figures["ChatContactMetrics"]
        assert (told["MultiParty"], told["TotalMessages"]) == (True, messages)
        assert told["ConversationTurnCount"] == turns
    assert first["AgentMetrics"]["MessageLengthInChars"] == 2
    assert first["AgentMetrics"]["NumResponses"] == 0, "the other one had answered"
    assert second["AgentMetrics"]["MessageLengthInChars"] == 3
    assert "CustomerMetrics" not in second


def test_who_else_is_in_the_chat_hears_of_who_comes_and_goes(center):
    a_talk(center)

    def concerned(command):
        return {center.aliases[each] for each in center.run(command).agents}

    quick_connect = center.ids["to-a2"]
    ids = center.ids
    adds = commands.AddParty(
        agent_id=ids["a1"], contact_id=ids["c1"], quick_connect_id=quick_connect
    )
    done = center.run(adds)
    center.name("c2", done.answer)
    assert {center.aliases[each] for each in done.agents} == {"a1", "a2"}
    assert concerned(commands.AcceptContact(ids["a2"], ids["c2"])) == {"a1", "a2"}
    assert concerned(commands.LeaveContact(ids["a2"], ids["c2"])) == {"a1", "a2"}
    assert concerned(commands.ClearContact(ids["a2"], ids["c2"])) == {"a2"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"contact_id": "nobody"}, "ContactNotFound"),
        ({"agent_id": "a4"}, "ContactNotFound"),
        ({"quick_connect_id": None}, "EndpointARN"),
        ({"quick_connect_id": "nothing"}, "EndpointARN"),
        ({"quick_connect_id": "to-number"}, "phone number"),
        ({"quick_connect_id": "to-a2"}, "in this chat already"),
    ],
)
def test_who_cannot_be_added(center, changes, error):
    with_a2(center)
    number = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550177"}}
    center.create("quick_connect", "to-number", {"Name": "n", "QuickConnectConfig": number})
    asked = {"agent_id": "a1", "contact_id": "c1", "quick_connect_id": "to-a3", **changes}
    told = {name: center.ids.get(each, each) for name, each in asked.items()}
    with pytest.raises(Refusal) as caught:
        center.run(commands.AddParty(**told))
    assert error in f"{caught.value.code} {caught.value.message}"


def test_a_chat_has_one_agent_where_the_instance_does_not_want_more(center):
    center.run(commands.UpdateInstance({"MultiPartyChatConference": False}))
    a_talk(center)
    with pytest.raises(Refusal, match="MULTI_PARTY_CHAT_CONFERENCE"):
        center.run(
            commands.AddParty(
                agent_id=center.ids["a1"],
                contact_id=center.ids["c1"],
                quick_connect_id=center.ids["to-a2"],
            )
        )


def test_six_parties_are_enough(center):
    a_talk(center)
    flow = center.a_flow(
        "on to-support", to_queue({"QueueId": center.ids["support"]}), "QUEUE_TRANSFER"
    )
    config = {
        "QuickConnectType": "QUEUE",
        "QueueConfig": {"QueueId": center.ids["support"], "ContactFlowId": flow},
    }
    center.create("quick_connect", "to-support", {"Name": "s", "QuickConnectConfig": config})
    adds = commands.AddParty(
        agent_id=center.ids["a1"],
        contact_id=center.ids["c1"],
        quick_connect_id=center.ids["to-support"],
    )
    for _ in range(CHAT_PARTIES_MAX - 2):
        center.run(adds)
    with pytest.raises(Refusal, match="limit"):
        center.run(adds)
    contact = center.contact("c1")
    assert len(chat_parties.others(center.center, contact)) == CHAT_PARTIES_MAX - 2
    copied = engine.restore(engine.image(center.center))
    again = chat_parties.others(copied, copied.contacts[contact.id])
    assert [each.id for each in again] == [
        each.id for each in chat_parties.others(center.center, contact)
    ]


def test_a_supervisor_watches_one_of_the_agents_and_goes_with_him(center):
    with_a2(center)
    center.ledger(
        """
        at    command            events
        6 s   a1 monitors c2 m1  refused InvalidRequest
        7 s   a3 monitors c2 m1  ContactConnectedToAgent m1 a3;
                                 MonitorStateChanged m1 a3 SILENT_MONITOR
        8 s   a2 hangs-up c2     ContactEnded c2 AGENT_DISCONNECT CONNECTED;
                                 ChatItemAdded c2 AGENT participant.left;
                                 ContactEnded m1 AGENT_DISCONNECT CONNECTED;
                                 ContactCleared m1 a3; ContactCompleted m1
    """,
        hide=NOISE,
    )
    assert chat.is_in(chat.customer(center.center.chats[center.ids["c1"]]))
