"""Chats: who comes, writes and leaves, what flows say and ask, timers, transfers."""

import json

import msgspec
import pytest

from engine_builders import (
    FLOW_NOISE,
    START,
    ProfileOf,
    a_center,
    a_content,
    an_action,
    to_queue,
)
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import CHAT_MESSAGE_BYTES_MAX, CHAT_STREAMS_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import chat, commands, dialogue, events
from ringfloor.engine import chat_state, transcript
from ringfloor.engine.chat_figures import shown as figures_of
from ringfloor.engine.chat_streams import Notification, envelope, notifications

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
    center = a_center(agents=2, queues=["sales", "support"], profiles=CHATS)
    center.available("a1")
    return center


def quick_connect(center, name, target, flow_type="AGENT_TRANSFER"):
    """A quick connect of that name to an agent, whose flow goes to his own queue."""
    flow = center.a_flow(f"on {name}", to_queue({"AgentId": center.ids[target]}), flow_type)
    config = {"UserId": center.ids[target], "ContactFlowId": flow}
    config = {"QuickConnectType": "USER", "UserConfig": config}
    center.create("quick_connect", name, {"Name": name, "QuickConnectConfig": config})


def test_a_chat_is_taken_talked_and_ended_by_its_customer(center):
    center.ledger(
        """
        at    command                 events
        1 s   c1 starts-chat sales    ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s   c1 connects             ChatItemAdded c1 CUSTOMER participant.joined
        2 s   c1 connects             -
        3 s   a1 accepts c1           ContactConnectedToAgent c1 a1;
                                      ChatItemAdded c1 AGENT participant.joined
        4 s   c1 writes hello         ChatItemAdded c1 CUSTOMER 'hello'
        4 s   c1 writes hello         -
        5 s   a1:c1 writes yes?       ChatItemAdded c1 AGENT 'yes?'
        6 s   c1 exits                ChatItemAdded c1 CUSTOMER participant.left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED;
                                      ChatItemAdded c1 chat.ended; ChatEnded c1
        7 s   c1 exits                -
        8 s   a1 clears c1            ContactCleared c1 a1; ContactCompleted c1
    """,
        hide=NOISE,
    )


def test_a_customer_who_does_not_connect_within_five_minutes_is_not_waited_for(center):
    center.ledger(
        """
        at     command                 events
        1 s    c1 starts-chat sales    ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        1 s    c1 starts-chat sales    -
        21 s   -                       OfferMissed c1 a1 unanswered
        301 s  -                       ContactEnded c1 CUSTOMER_CONNECTION_NOT_ESTABLISHED IN_QUEUE;
                                       ChatItemAdded c1 chat.ended; ChatEnded c1;
                                       ContactCompleted c1
        302 s  c1 connects             refused AccessDenied
    """,
        hide=NOISE,
    )


def test_a_chat_is_over_after_its_time_wherever_it_is(center):
    center.ledger(
        """
        at       command                 events
        1 s      c1 starts-chat sales    ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s      c1 connects             ChatItemAdded c1 CUSTOMER participant.joined
        3 s      a1 accepts c1           ContactConnectedToAgent c1 a1;
                                         ChatItemAdded c1 AGENT participant.joined
        90001 s  -                       ContactEnded c1 EXPIRED CONNECTED;
                                         ChatItemAdded c1 chat.ended; ChatEnded c1
    """,
        hide=NOISE,
    )


def test_stopping_and_the_agent_leaving_end_a_chat_without_a_disconnect_flow(center):
    center.ledger(
        """
        at    command                 events
        1 s   c1 starts-chat sales    ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s   a1 accepts c1           ContactConnectedToAgent c1 a1;
                                      ChatItemAdded c1 AGENT participant.joined
        3 s   c2 starts-chat sales    ContactEnqueued c2 sales; ContactOffered c2 a1 until 23 s
        4 s   a1 hangs-up c1          ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                      ChatItemAdded c1 AGENT participant.left;
                                      ChatItemAdded c1 chat.ended; ChatEnded c1
        5 s   c2 stopped              OfferMissed c2 a1 customer_left; ContactEnded c2 API IN_QUEUE;
                                      ChatItemAdded c2 chat.ended; ChatEnded c2; ContactCompleted c2
    """,
        hide=NOISE,
    )


def test_timers_run_while_both_are_in_idle_first_then_the_end(center):
    center.ledger(
        """
        at     command                                            events
        1 s    c1 starts-chat sales   ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c1 times CUSTOMER/IDLE=2 CUSTOMER/DISCONNECT_NONCUSTOMER=3 AGENT/IDLE=4
                                      ChatTimersSet c1 3
        3 s    a1 accepts c1          ContactConnectedToAgent c1 a1;
                                      ChatItemAdded c1 AGENT participant.joined
        200 s  c1 connects            ChatItemAdded c1 CUSTOMER participant.joined
        210 s  a1:c1 writes hi        ChatItemAdded c1 AGENT 'hi'
        320 s  -                      ChatItemAdded c1 CUSTOMER participant.idle
        400 s  c1 writes here         ChatItemAdded c1 CUSTOMER participant.returned;
                                      ChatItemAdded c1 CUSTOMER 'here'
        450 s  -                      ChatItemAdded c1 AGENT participant.idle
        520 s  -                      ChatItemAdded c1 CUSTOMER participant.idle
        700 s  -                      ChatItemAdded c1 CUSTOMER participant.autodisconnection;
                                      ContactEnded c1 IDLE_DISCONNECT CONNECTED;
                                      ChatItemAdded c1 chat.ended; ChatEnded c1
    """,
        hide=NOISE,
    )


def test_a_timer_that_is_unset_does_nothing_and_times_have_bounds(center):
    center.ledger(
        """
        at    command                   events
        1 s   c1 starts-chat sales      ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s   c1 times CUSTOMER/IDLE=1     refused InvalidParameter
        2 s   c1 times CUSTOMER/IDLE=481   refused InvalidParameter
        2 s   c1 times CUSTOMER/IDLE=2  ChatTimersSet c1 1
        3 s   c1 times CUSTOMER/IDLE=   ChatTimersSet c1 1
        4 s   c1 connects               ChatItemAdded c1 CUSTOMER participant.joined
        5 s   a1 accepts c1             ContactConnectedToAgent c1 a1;
                                        ChatItemAdded c1 AGENT participant.joined
    """,
        hide=NOISE,
    )
    assert center.contact("c1").timers.keys() == {"expiry"}


def test_receipts_are_marked_once_by_those_who_did_not_write_it(center):
    center.ledger(
        """
        at    command                   events
        1 s   c1 starts-chat sales      ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s   a1 accepts c1             ContactConnectedToAgent c1 a1;
                                        ChatItemAdded c1 AGENT participant.joined
        3 s   c1 connects               ChatItemAdded c1 CUSTOMER participant.joined
        4 s   c1 writes hello           ChatItemAdded c1 CUSTOMER 'hello'
        5 s   a1:c1 receives hello      ReceiptMarked c1 delivered
        5 s   a1:c1 receives hello      -
        6 s   a1:c1 reads hello         ReceiptMarked c1 read
        7 s   a1:c1 receives hello      -
        8 s   c1 reads hello            refused InvalidParameter
    """,
        hide=NOISE,
    )


def test_a_chat_is_handed_on_at_once_and_its_timers_with_it(center):
    quick_connect(center, "to-a2", "a2")
    center.available("a2")
    center.ledger(
        """
        at     command                   events
        1 s    c1 starts-chat sales      ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1             ContactConnectedToAgent c1 a1;
                                         ChatItemAdded c1 AGENT participant.joined
        3 s    c1 connects               ChatItemAdded c1 CUSTOMER participant.joined
        4 s    c1 times CUSTOMER/IDLE=5  ChatTimersSet c1 1
        5 s    a1 hands-on c1 c2 to-a2   ContactEnded c1 AGENT_DISCONNECT CONNECTED; ChatMoved c2;
                                         ChatItemAdded c2 transfer.succeeded;
                                         ChatItemAdded c2 AGENT participant.left;
                                         ContactEnqueued c2 a2; ContactOffered c2 a2 until 25 s
        6 s    a2 accepts c2             ContactConnectedToAgent c2 a2;
                                         ChatItemAdded c2 AGENT participant.joined
        7 s    c1 writes hello           ChatItemAdded c2 CUSTOMER 'hello'
        8 s    a1:c1 writes bye          refused AccessDenied
        307 s  -                         ChatItemAdded c2 CUSTOMER participant.idle
        308 s  c1 exits                  ChatItemAdded c2 CUSTOMER participant.left;
                                         ContactEnded c2 CUSTOMER_DISCONNECT CONNECTED;
                                         ChatItemAdded c2 chat.ended; ChatEnded c2
    """,
        hide=NOISE,
    )
    second = center.contact("c2")
    assert (second.initiation_method, second.chat_id) == ("TRANSFER", center.ids["c1"])
    (made,) = center.contact("c1").handed_on
    assert (made.contact_id, made.name, made.type) == (second.id, "to-a2", "USER")
    assert second.previous_contact_id == second.initial_contact_id == center.ids["c1"]


# Flows


def a_chat_in(center, *actions, alias="c1", **more):
    """A chat that begins in a flow of these actions; everything that happens at once."""
    flow = center.a_flow(f"flow of {alias}", a_content(*actions))
    done = center.run(
        commands.StartChat(flow_id=flow, display_name="Carol", life_ms=90_000 * SECOND, **more)
    )
    center.name(alias, done.answer)
    return done.events


def told(center, happened):
    """What a ledger would tell of these events, without noise."""
    return [center.told(each) for each in happened if not isinstance(each, NOISE)]


BYE = an_action("bye", "DisconnectParticipant")
REST = an_action("rest", "Wait", {"TimeLimitSeconds": "100"}, "bye", NoMatchingError="bye")
REST["Transitions"]["Conditions"] = [
    {"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": ["WaitCompleted"]}}
]


def says(identifier, text, then="bye"):
    return an_action(identifier, "MessageParticipant", {"Text": text}, then)


def test_a_flow_speaks_as_the_system_after_the_first_message(center):
    happened = a_chat_in(
        center,
        says("say", "welcome", "recording"),
        an_action(
            "recording", "MessageParticipant", {"PromptId": "x"}, "bye", NoMatchingError="text"
        ),
        says("text", "only text"),
        BYE,
        initial_message=(chat.TEXT, "hello"),
    )
    assert told(center, happened) == [
        "ChatItemAdded c1 CUSTOMER 'hello'",
        "ChatItemAdded c1 SYSTEM 'welcome'",
        "ChatItemAdded c1 SYSTEM 'only text'",
        "ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW",
        "ChatItemAdded c1 chat.ended",
        "ChatEnded c1",
        "ContactCompleted c1",
    ]
    names = [each.item.display_name for each in happened if isinstance(each, events.ChatItemAdded)]
    assert names == ["Carol", "SYSTEM_MESSAGE", "SYSTEM_MESSAGE", None]


VIEW_FLOW = (
    an_action(
        "show",
        "ShowView",
        {"ViewResource": {"Id": "form", "Version": "1"}, "InvocationTimeLimitSeconds": "60"},
        "bye",
        NoMatchingCondition="bye",
        NoMatchingError="failed",
        TimeLimitExceeded="late",
    ),
    says("chosen", "$.Views.ViewResultData.color"),
    says("failed", "failed"),
    says("late", "late"),
    BYE,
)
VIEW_FLOW[0]["Transitions"]["Conditions"] = [
    {"NextAction": "chosen", "Condition": {"Operator": "Equals", "Operands": ["Next"]}}
]


def an_answer(center, content):
    return commands.SendChatItem(
        chat_id=center.ids["c1"],
        participant_id=chat.customer_id(center.ids["c1"]),
        type="MESSAGE",
        content_type=chat.INTERACTIVE_RESPONSE,
        content=content,
    )


def test_a_view_is_shown_and_answered(center):
    happened = a_chat_in(center, *VIEW_FLOW, content_types=chat.MESSAGES)
    shown = next(each.item for each in happened if isinstance(each, events.ChatItemAdded))
    content = json.loads(shown.content)
    assert (shown.content_type, content["templateType"]) == (chat.INTERACTIVE, "ViewResource")
    contact = center.contact("c1")
    token = f"{contact.id}/{contact.runs['customer'].number}"
    assert content["data"]["content"]["viewToken"] == token
    center.ledger("1 s  c1 connects  ChatItemAdded c1 CUSTOMER participant.joined", hide=NOISE)
    answer = {"templateType": "ViewResource", "action": "Next", "data": {"color": "red"}}
    other = center.run(an_answer(center, '{"templateType":"Panel","action":"Next"}')).events
    assert len(told(center, other)) == 1, "the flow waits on"
    answered = center.run(an_answer(center, json.dumps(answer))).events
    assert "ChatItemAdded c1 SYSTEM 'red'" in told(center, answered)


@pytest.mark.parametrize(
    ("content_types", "text"), [(chat.MESSAGES, "late"), ((chat.TEXT,), "failed")]
)
def test_a_view_has_its_time_and_needs_a_client_that_shows_it(center, content_types, text):
    happened = a_chat_in(center, *VIEW_FLOW, content_types=content_types)
    happened += center.pass_time(60 * SECOND)
    assert f"ChatItemAdded c1 SYSTEM '{text}'" in told(center, happened)


def test_a_flow_waits_for_the_customer_to_write(center):
    wait = an_action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "100", "Events": ["CustomerReturned"]},
        "bye",
        NoMatchingError="bye",
    )
    wait["Transitions"]["Conditions"] = [
        {
            "NextAction": "back",
            "Condition": {"Operator": "Equals", "Operands": ["CustomerReturned"]},
        },
        {"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": ["WaitCompleted"]}},
    ]
    a_chat_in(center, wait, says("back", "welcome back"), BYE)
    center.ledger(
        """
        at    command          events
        1 s   c1 connects      ChatItemAdded c1 CUSTOMER participant.joined
        2 s   c1 writes hi     ChatItemAdded c1 CUSTOMER 'hi';
                               ChatItemAdded c1 SYSTEM 'welcome back';
                               ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                               ChatItemAdded c1 chat.ended; ChatEnded c1; ContactCompleted c1
    """,
        hide=NOISE,
    )


def test_the_customer_stays_for_the_disconnect_flow(center):
    survey = center.a_flow("survey", a_content(says("ask", "how was it?", "rest"), REST, BYE))
    hook = {"EventHooks": {"CustomerRemaining": survey}}
    enqueue = json.loads(to_queue({"QueueId": center.ids["sales"]}))["Actions"]
    a_chat_in(center, an_action("hook", "UpdateContactEventHooks", hook, "target"), *enqueue)
    center.ledger(
        """
        at    command          events
        1 s   a1 accepts c1    ContactConnectedToAgent c1 a1;
                               ChatItemAdded c1 AGENT participant.joined
        2 s   c1 connects      ChatItemAdded c1 CUSTOMER participant.joined
    """,
        hide=NOISE,
    )
    happened = center.run(commands.LeaveContact(center.ids["a1"], center.ids["c1"])).events
    second = center.center.chats[center.ids["c1"]].contact_id
    center.name("c2", second)
    assert told(center, happened) == [
        "ContactEnded c1 AGENT_DISCONNECT CONNECTED",
        "ChatMoved c2",
        "ChatItemAdded c2 AGENT participant.left",
        "ChatItemAdded c2 SYSTEM 'how was it?'",
    ]
    assert center.contact("c2").initiation_method == "DISCONNECT"
    center.ledger(
        """
        at     command          events
        3 s    c1 writes good   ChatItemAdded c2 CUSTOMER 'good'
        102 s  -                ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                ChatItemAdded c2 chat.ended; ChatEnded c2; ContactCompleted c2
    """,
        hide=NOISE,
    )


# Supervisors, bots, limits


def a_talk(center):
    center.ledger(
        """
        at    command                 events
        1 s   c1 starts-chat sales    ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s   c1 connects             ChatItemAdded c1 CUSTOMER participant.joined
        3 s   a1 accepts c1           ContactConnectedToAgent c1 a1;
                                      ChatItemAdded c1 AGENT participant.joined
    """,
        hide=NOISE,
    )


def test_a_supervisor_reads_barges_in_and_goes_with_the_contact(center):
    quick_connect(center, "to-a2", "a2")
    a_talk(center)
    center.ledger(
        """
        at    command              events
        4 s   a2 monitors c1 m1 BARGE  ContactConnectedToAgent m1 a2;
                                   MonitorStateChanged m1 a2 SILENT_MONITOR
        4 s   a1 monitors c1 m2    refused InvalidRequest
        5 s   a2:c1 writes hm      refused AccessDenied
        6 s   a2 barges m1         MonitorStateChanged m1 a2 BARGE;
                                   ParticipantSilenced c1 False;
                                   ChatItemAdded c1 SUPERVISOR participant.joined
        6 s   a2 barges m1         -
        6 s   a2 hands-on m1 c9 to-a2   refused InvalidRequest
        7 s   a2:c1 writes hello   ChatItemAdded c1 SUPERVISOR 'hello'
        8 s   a2 listens m1        MonitorStateChanged m1 a2 SILENT_MONITOR;
                                   ParticipantSilenced c1 True;
                                   ChatItemAdded c1 SUPERVISOR participant.left
        9 s   a1 hangs-up c1       ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                   ChatItemAdded c1 AGENT participant.left;
                                   ChatItemAdded c1 chat.ended; ChatEnded c1;
                                   ContactEnded m1 AGENT_DISCONNECT CONNECTED;
                                   ContactCleared m1 a2; ContactCompleted m1
    """,
        hide=NOISE,
    )


def test_a_supervisor_may_go_before_and_takes_nobody_with_him(center):
    survey = center.a_flow("survey", a_content(says("ask", "how was it?", "rest"), REST, BYE))
    hook = {"EventHooks": {"CustomerRemaining": survey}}
    actions = an_action("hook", "UpdateContactEventHooks", hook, "target"), *to_sales(center)
    a_chat_in(center, *actions)
    center.ledger(
        """
        at    command              events
        2 s   c1 connects          ChatItemAdded c1 CUSTOMER participant.joined
        3 s   a1 accepts c1        ContactConnectedToAgent c1 a1;
                                   ChatItemAdded c1 AGENT participant.joined
        4 s   a2 monitors c1 m1    ContactConnectedToAgent m1 a2;
                                   MonitorStateChanged m1 a2 SILENT_MONITOR
        4 s   a2 monitors c1 m2    refused InvalidRequest
        5 s   a2 barges m1         refused InvalidRequest
        5 s   a2 hangs-up m1       ContactEnded m1 AGENT_DISCONNECT CONNECTED;
                                   ContactCleared m1 a2; ContactCompleted m1
        6 s   c1 writes hello      ChatItemAdded c1 CUSTOMER 'hello'
    """,
        hide=NOISE,
    )


def test_an_agent_whose_desktop_is_gone_leaves_his_chats(center):
    a_talk(center)
    happened = center.run(commands.AgentVanished(center.ids["a1"])).events
    assert told(center, happened) == [
        "AgentPresenceChanged a1 vanished",
        "ContactEnded c1 AGENT_NETWORK_DISCONNECT CONNECTED",
        "ChatItemAdded c1 AGENT participant.left",
        "ChatItemAdded c1 chat.ended",
        "ChatEnded c1",
    ]


def test_a_chat_cannot_be_completed_as_a_task_is(center):
    a_talk(center)
    with pytest.raises(Refusal, match=r"ContactId: .* is not a task"):
        center.run(commands.FinishTask(center.ids["a1"], center.ids["c1"]))


def test_an_agent_whose_desktop_is_back_keeps_his_chats(center):
    center.run(commands.AgentVanished(center.ids["a1"]))
    a_talk(center)
    happened = center.run(commands.AgentReturned(center.ids["a1"])).events
    assert told(center, happened) == ["AgentPresenceChanged a1 present"]


def test_a_bot_comes_once_writes_and_is_missed_by_the_flow_that_waits_for_it(center):
    wait = an_action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "100", "Events": ["BotParticipantDisconnected"]},
        "bye",
        NoMatchingError="bye",
        ParticipantNotFound="alone",
    )
    gone = {"Operator": "Equals", "Operands": ["BotParticipantDisconnected"]}
    wait["Transitions"]["Conditions"] = [{"NextAction": "gone", "Condition": gone}]
    hello = an_action("rest", "Wait", {"TimeLimitSeconds": "9"}, "wait", NoMatchingError="bye")
    done = {"Operator": "Equals", "Operands": ["WaitCompleted"]}
    hello["Transitions"]["Conditions"] = [{"NextAction": "wait", "Condition": done}]
    actions = (hello, wait, says("alone", "nobody"), says("gone", "it is gone"), BYE)
    a_chat_in(center, *actions)
    bot = commands.AddParticipant(
        contact_id=center.ids["c1"], display_name="bot", client_token="t", quota=1
    )
    first = center.run(bot)
    assert center.run(bot) == first._replace(events=(), agents=frozenset())
    another = commands.AddParticipant(contact_id=bot.contact_id, display_name="b", quota=1)
    with pytest.raises(Refusal, match="ServiceQuotaExceeded"):
        center.run(another)
    center.ledger(
        """
        at    command              events
        1 s   bot:c1 writes early  refused InvalidRequest
        1 s   bot:c1 connects      ChatItemAdded c1 CUSTOM_BOT participant.joined
        2 s   bot:c1 writes beep   ChatItemAdded c1 CUSTOM_BOT 'beep'
        9 s   -                    -
        10 s  bot:c1 exits         ChatItemAdded c1 CUSTOM_BOT participant.left;
                                   ChatItemAdded c1 SYSTEM 'it is gone';
                                   ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                   ChatItemAdded c1 chat.ended; ChatEnded c1; ContactCompleted c1
    """,
        hide=NOISE,
    )
    alone = (*a_chat_in(center, *actions, alias="c2"), *center.pass_time(9 * SECOND))
    assert "ChatItemAdded c2 SYSTEM 'nobody'" in told(center, alone)


def a_message(center, **more):
    given = {"type": "MESSAGE", "content_type": chat.TEXT, "content": "x", **more}
    customer = chat.customer_id(center.ids["c1"])
    return commands.SendChatItem(chat_id=center.ids["c1"], participant_id=customer, **given)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"content": "x" * CHAT_MESSAGE_BYTES_MAX}, None),
        ({"content": "é" * (CHAT_MESSAGE_BYTES_MAX // 2) + "x"}, "InvalidParameter"),
        ({"content": ""}, "InvalidParameter"),
        ({"content_type": "text/html"}, "InvalidParameter"),
        ({"content_type": chat.JSON, "content": '{"a": 1}'}, None),
        ({"content_type": chat.JSON, "content": "[" * 10_000}, "InvalidParameter"),
        ({"content_type": chat.JSON, "content": "{" + '"a":' + "9" * 30 + "}"}, "InvalidParameter"),
        ({"type": "EVENT", "content_type": chat.TYPING, "content": None}, "InvalidParameter"),
        ({"participant_id": "somebody"}, "AccessDenied"),
        ({"chat_id": "another"}, "AccessDenied"),
    ],
)
def test_what_can_be_sent(center, more, error):
    a_talk(center)
    command = msgspec.structs.replace(a_message(center), **more)
    if error is None:
        assert len(center.run(command).events) == 1
    else:
        with pytest.raises(Refusal, match=error):
            center.run(command)


def test_a_chat_has_a_bound_on_its_items_and_their_bytes(center, monkeypatch):
    a_talk(center)
    monkeypatch.setattr(transcript, "CHAT_ITEMS_MAX", 3)
    center.run(a_message(center))
    with pytest.raises(Refusal, match="is the limit"):
        center.run(a_message(center))
    monkeypatch.setattr(transcript, "CHAT_ITEMS_MAX", 100)
    monkeypatch.setattr(transcript, "CHAT_BYTES_MAX", 5)
    center.run(a_message(center, content="four"))
    with pytest.raises(Refusal, match="is the limit"):
        center.run(a_message(center))


def test_only_so_many_tokens_and_messages_are_remembered(center, monkeypatch):
    a_talk(center)
    monkeypatch.setattr(chat_state, "CHAT_RECENT_MAX", 2)
    for name in ("one", "two", "three"):
        center.run(a_message(center, content=name, client_token=name))
    kept = center.center.chats[center.ids["c1"]]
    assert len(kept.tokens) == len(kept.recent) == 2
    assert not center.run(a_message(center, client_token="two")).events
    assert center.run(a_message(center, client_token="one")).events


def test_there_may_be_so_many_chats_at_once(center):
    a_chat_in(center, *to_sales(center), quota=1)
    with pytest.raises(Refusal, match="LimitExceeded"):
        a_chat_in(center, *to_sales(center), alias="c2", quota=1)


def to_sales(center):
    return json.loads(to_queue({"QueueId": center.ids["sales"]}))["Actions"]


@pytest.mark.parametrize("stays", [True, False])
def test_a_customer_who_leaves_may_go_through_the_disconnect_flow(center, stays):
    survey = center.a_flow("survey", a_content(says("ask", "how was it?", "rest"), REST, BYE))
    hook = {"EventHooks": {"CustomerRemaining": survey}}
    actions = an_action("hook", "UpdateContactEventHooks", hook, "target"), *to_sales(center)
    a_chat_in(center, *actions, exits=("AGENT",) if stays else ())
    center.ledger(
        """
        at    command          events
        1 s   a1 accepts c1    ContactConnectedToAgent c1 a1;
                               ChatItemAdded c1 AGENT participant.joined
        2 s   c1 connects      ChatItemAdded c1 CUSTOMER participant.joined
    """,
        hide=NOISE,
    )
    customer = chat.customer_id(center.ids["c1"])
    happened = center.run(commands.LeaveChat(center.ids["c1"], customer)).events
    lines = [
        each.item.content or each.item.content_type.rpartition(".")[2]
        for each in happened
        if isinstance(each, events.ChatItemAdded)
    ]
    assert lines == (["left", "how was it?"] if stays else ["left", "ended"])
    left = {each.participant_id for each in happened if isinstance(each, events.ParticipantLeft)}
    assert (customer in left) is not stays


def test_a_chat_that_continues_another_says_so(center):
    happened = a_chat_in(
        center, *to_sales(center), continued_from="before", past=(chat.Past("before"),)
    )
    assert told(center, happened)[0] == "ChatItemAdded c1 chat.rehydrated"
    a_chat_in(center, *to_sales(center), alias="c2")
    later = commands.ContinueChat(center.ids["c2"], "before", (chat.Past("before"),))
    assert told(center, center.run(later).events) == [
        "ChatContinued before c2",
        "ChatItemAdded c2 chat.rehydrated",
    ]
    assert not center.run(later).events
    with pytest.raises(Refusal, match="continues before already"):
        center.run(commands.ContinueChat(center.ids["c2"], "other", ()))


def test_how_a_conversation_goes_is_counted(center):
    a_chat_in(center, says("say", "welcome", "target"), *to_sales(center))
    center.ledger(
        """
        at    command           events
        1 s   c1 connects       ChatItemAdded c1 CUSTOMER participant.joined
        2 s   c1 writes hello   ChatItemAdded c1 CUSTOMER 'hello'
        3 s   c1 writes there   ChatItemAdded c1 CUSTOMER 'there'
        10 s  a1 accepts c1     ContactConnectedToAgent c1 a1;
                                ChatItemAdded c1 AGENT participant.joined
        12 s  a1:c1 writes hi   ChatItemAdded c1 AGENT 'hi'
        13 s  a1:c1 writes yes  ChatItemAdded c1 AGENT 'yes'
        17 s  c1 writes bye     ChatItemAdded c1 CUSTOMER 'bye'
        20 s  a1 hangs-up c1    ContactEnded c1 AGENT_DISCONNECT CONNECTED;
                                ChatItemAdded c1 AGENT participant.left;
                                ChatItemAdded c1 chat.ended; ChatEnded c1
    """,
        hide=NOISE,
    )
    figures = figures_of(center.contact("c1"), lambda at: (at - START) // SECOND)
    assert figures["ChatContactMetrics"] == {
        "MultiParty": False,
        "TotalMessages": 6,
        "TotalBotMessages": 1,
        "TotalBotMessageLengthInChars": 7,
        "ConversationTurnCount": 3,
        "ConversationCloseTimeInMillis": 3_000,
        "AgentFirstResponseTimestamp": 12,
        "AgentFirstResponseTimeInMillis": 2_000,
    }
    agent, customer = figures["AgentMetrics"], figures["CustomerMetrics"]
    names = ("MessagesSent", "NumResponses", "MessageLengthInChars", "TotalResponseTimeInMillis")
    assert [agent[name] for name in names] == [2, 1, 5, 10_000]
    assert [customer[name] for name in names] == [3, 2, 13, 7_000]
    assert (customer["MaxResponseTimeInMillis"], customer["LastMessageTimestamp"]) == (5_000, 17)


def test_topics_are_told_every_line_while_they_are_streamed_to(center):
    a_chat_in(center, *to_sales(center))
    center.run(commands.ConnectParticipant(center.ids["c1"], chat.customer_id(center.ids["c1"])))
    begin = commands.StartChatStream(center.ids["c1"], "topic", "token")
    first = center.run(begin)
    assert center.run(begin) == first._replace(events=(), agents=frozenset())
    notified = []

    def write(text):
        happened = center.run(a_message(center, content=text)).events
        for event in happened:
            notified.extend(notifications(center.center, event))

    write("heard")
    other = center.run(commands.StartChatStream(center.ids["c1"], "other"))
    assert [each.stream_id for each in other.events] == [other.answer]
    write("by both")
    center.run(commands.StopChatStream(center.ids["c1"], first.answer))
    write("by one")
    with pytest.raises(Refusal, match="ResourceNotFound"):
        center.run(commands.StopChatStream(center.ids["c1"], first.answer))
    assert [(each.topic, each.item.content) for each in notified] == [
        ("topic", "heard"),
        ("topic", "by both"),
        ("other", "by both"),
        ("other", "by one"),
    ]
    shown = envelope(center.center, notified[0], "id", center.at)
    message = json.loads(shown["Message"])
    assert (shown["Type"], shown["TopicArn"], shown["MessageId"]) == ("Notification", "topic", "id")
    assert (message["Content"], message["ParticipantRole"]) == ("heard", "CUSTOMER")
    assert "Attachments" not in message
    assert shown["MessageAttributes"]["Type"] == {"Type": "String", "Value": "MESSAGE"}
    for _ in range(CHAT_STREAMS_MAX - 1):
        center.run(commands.StartChatStream(center.ids["c1"], "more"))
    with pytest.raises(Refusal, match="LimitExceeded"):
        center.run(commands.StartChatStream(center.ids["c1"], "more"))
    center.check_history()


def test_a_chat_may_be_streamed_from_its_first_line_on(center):
    happened = a_chat_in(
        center, *to_sales(center), topic="topic", initial_message=(chat.TEXT, "help")
    )
    kinds = [type(each) for each in happened]
    assert kinds.index(events.ChatStreamStarted) < kinds.index(events.ChatItemAdded)
    streams = center.center.chats[center.ids["c1"]].streams
    assert streams == {chat.first_stream_id(center.ids["c1"]): "topic"}


def test_files_are_lines_like_messages(center):
    a_talk(center)
    file = chat.ChatAttachment("f1", "a.png", "image/png", 7)
    sent = msgspec.structs.replace(
        a_message(center),
        type="ATTACHMENT",
        content_type="image/png",
        content=None,
        attachments=(file,),
    )
    (added,) = center.run(sent).events
    assert (added.item.type, added.item.attachments) == ("ATTACHMENT", (file,))
    told_to = Notification("topic", center.ids["c1"], added.item)
    message = json.loads(envelope(center.center, told_to, "id", center.at)["Message"])
    assert message["Attachments"] == [
        {
            "AttachmentId": "f1",
            "AttachmentName": "a.png",
            "ContentType": "image/png",
            "Status": "APPROVED",
        }
    ]


def test_a_bot_hears_what_the_customer_writes_while_a_flow_listens(center):
    bot = an_action(
        "bot",
        "ConnectParticipantWithLexBot",
        {"Text": "how can I help?", "LexBot": {"Name": "b", "Region": "r", "Alias": "a"}},
        "bye",
        NoMatchingCondition="bye",
        NoMatchingError="bye",
        InputTimeLimitExceeded="late",
    )
    happened = a_chat_in(center, bot, says("late", "too late"), BYE)
    assert told(center, happened) == ["ChatItemAdded c1 SYSTEM 'how can I help?'"]
    center.run(commands.ConnectParticipant(center.ids["c1"], chat.customer_id(center.ids["c1"])))
    happened = center.run(a_message(center, content="my order")).events
    asked = [each.ask for each in happened if isinstance(each, events.FlowStepped)]
    assert isinstance(asked[0], dialogue.InvokeBot)
    assert "my order" in json.dumps(asked[0].event)
    a_chat_in(center, bot, says("late", "too late"), BYE, alias="c2")
    center.run(commands.ConnectParticipant(center.ids["c2"], chat.customer_id(center.ids["c2"])))
    assert "ChatItemAdded c2 SYSTEM 'too late'" in told(center, center.pass_time(3600 * SECOND))
    del bot["Parameters"]["Text"]
    assert told(center, a_chat_in(center, bot, BYE, alias="c3")) == []
    assert isinstance(center.runs("c3").ask, dialogue.Receive)
