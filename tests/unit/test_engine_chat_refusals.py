"""Chats: what is refused, in which words, and what a topic is told to the letter."""

import json

import pytest

from engine_builders import (
    START,
    ProfileOf,
    a_center,
    a_content,
    an_action,
)
from ringfloor.base import limits
from ringfloor.base.errors import Refusal
from ringfloor.base.time import SECOND
from ringfloor.domain import chat, commands, dialogue, events
from ringfloor.engine import chat as chats
from ringfloor.engine import chat_contacts, chat_state, transcript
from ringfloor.engine.chat_streams import envelope, notifications

CHATS = {"basic": ProfileOf("sales/CHAT, support/CHAT", voice=0, chat=8)}
TOPIC = "arn:aws:sns:us-east-1:123456789012:chats"
NUMBER = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": "+12065550177"}}


@pytest.fixture
def center():
    """a1 talks with the customer of c1; m1 watches them."""
    center = a_center(agents=8, queues=["sales", "support"], profiles=CHATS)
    center.available("a1")
    begin = commands.StartChat(
        flow_id=center.way_to("sales"),
        display_name="Carol",
        life_ms=90_000 * SECOND,
        content_types=chat.MESSAGES,
    )
    center.name("c1", center.run(begin).answer)
    ids = center.ids
    center.run(commands.ConnectParticipant(ids["c1"], chat.customer_id(ids["c1"])))
    center.run(commands.AcceptContact(ids["a1"], ids["c1"]))
    watch = watching(contact_id=ids["c1"], agent_id=ids["a2"], client_token="m1")
    center.name("m1", center.run(watch).answer)
    center.create("quick_connect", "out", {"Name": "out", "QuickConnectConfig": NUMBER})
    return center


def watching(**members):
    return commands.MonitorContact(capabilities=("SILENT_MONITOR",), **members)


def refused(center, command):
    with pytest.raises(Refusal) as caught:
        center.run(command)
    return caught.value.code.removesuffix("Exception"), caught.value.message


def a_bot(**more):
    return commands.AddParticipant(**{"display_name": "Bot", "quota": 1, **more})


def timers(minutes):
    return (chat.ChatTimer("CUSTOMER", "IDLE", minutes),)


REFUSED = {
    "a second bot": (
        lambda ids: a_bot(contact_id=ids["c1"]),
        "ServiceQuotaExceeded",
        "ContactId: {c1!r} has 1 such participants, the limit",
    ),
    "another past": (
        lambda ids: commands.ContinueChat(ids["c1"], "x" * 36, ()),
        "InvalidRequest",
        "InitialContactId: {c1!r} continues " + "p" * 36 + " already",
    ),
    "too short": (
        lambda ids: commands.SetChatTimers(ids["c1"], timers(1)),
        "InvalidParameter",
        "ParticipantTimerDurationInMinutes: 1 is not between 2 and 480",
    ),
    "too long": (
        lambda ids: commands.SetChatTimers(ids["c1"], timers(481)),
        "InvalidParameter",
        "ParticipantTimerDurationInMinutes: 481 is not between 2 and 480",
    ),
    "handed on by nobody": (
        lambda ids: commands.TransferChat(ids["a3"], ids["c1"], ids["out"]),
        "ContactNotFound",
        "ContactId: no live contact {c1!r} here",
    ),
    "handed on by a supervisor": (
        lambda ids: commands.TransferChat(ids["a2"], ids["m1"], ids["out"]),
        "InvalidRequest",
        "ContactId: {m1!r} is a CHAT that is CONNECTED, no chat that he serves",
    ),
    "handed on to nothing": (
        lambda ids: commands.TransferChat(ids["a1"], ids["c1"], "nothing"),
        "ResourceNotFound",
        "EndpointARN: no quick connect 'nothing' here",
    ),
    "handed on to a number": (
        lambda ids: commands.TransferChat(ids["a1"], ids["c1"], ids["out"]),
        "InvalidRequest",
        "EndpointARN: {out!r} is a phone number; this is a chat",
    ),
    "watched by nobody": (
        lambda ids: watching(contact_id=ids["c1"], agent_id="nobody"),
        "ResourceNotFound",
        "UserId: no user 'nobody' here",
    ),
    "a supervisor watched": (
        lambda ids: watching(contact_id=ids["m1"], agent_id=ids["a3"]),
        "InvalidRequest",
        "ContactId: {m1!r} is no chat of an agent and a customer",
    ),
    "watched twice": (
        lambda ids: watching(contact_id=ids["c1"], agent_id=ids["a2"]),
        "InvalidRequest",
        "UserId: {a2!r} is in this chat already",
    ),
    "more than he may": (
        lambda ids: commands.SetMonitorState(ids["a2"], ids["m1"], "BARGE"),
        "InvalidRequest",
        "TargetMonitorMode: 'BARGE' is not among SILENT_MONITOR",
    ),
    "a stream that is none": (
        lambda ids: commands.StopChatStream(ids["c1"], "s" * 36),
        "ResourceNotFound",
        "StreamingId: no stream of this chat '" + "s" * 36 + "' here",
    ),
    "somebody else sent away": (
        lambda ids: commands.DropParty(ids["a1"], ids["c1"], "x/agent"),
        "InvalidRequest",
        "ConnectionId: 'x/agent' is of no agent in this chat",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_and_why(center, case):
    asked, code, message = REFUSED[case]
    center.run(a_bot(contact_id=center.ids["c1"]))
    center.run(commands.ContinueChat(center.ids["c1"], "p" * 36, ()))
    told = refused(center, asked(center.ids))
    assert told[0] == code
    wanted = message.format(**{name: center.ids[name] for name in ("c1", "m1", "a2", "out")})
    assert told[1] == wanted


def test_the_bounds_of_timers_are_within(center):
    for minutes in (limits.CHAT_TIMER_MINUTES_MIN, limits.CHAT_TIMER_MINUTES_MAX):
        center.run(commands.SetChatTimers(center.ids["c1"], timers(minutes)))


def test_so_many_supervisors_and_streams_and_no_more(center):
    ids = center.ids
    for number in range(3, limits.CALL_MONITORS_MAX + 2):
        center.run(watching(contact_id=ids["c1"], agent_id=ids[f"a{number}"]))
    code, message = refused(center, watching(contact_id=ids["c1"], agent_id=ids["a8"]))
    assert code == "ServiceQuotaExceeded"
    assert message == f"ContactId: {ids['c1']!r} is monitored by 5 already"
    again = watching(contact_id=ids["c1"], agent_id=ids["a8"], client_token="m1")
    assert center.run(again).events == ()
    for number in range(limits.CHAT_STREAMS_MAX):
        center.run(commands.StartChatStream(ids["c1"], f"{TOPIC}{number}", str(number)))
    code, message = refused(center, commands.StartChatStream(ids["c1"], TOPIC, "x"))
    assert code == "LimitExceeded"
    assert message == f"ContactId: {ids['c1']!r} has 5 streams, the limit"


def test_a_full_chat_says_which_it_is(center, monkeypatch):
    monkeypatch.setattr(transcript, "CHAT_ITEMS_MAX", 1)
    talk = center.center.chats[center.ids["c1"]]
    with pytest.raises(Refusal) as caught:
        transcript.check_room(talk, "x")
    assert caught.value.message == (
        f"ContactId: {talk.id!r} has 1 items or 4194304 bytes, which is the limit"
    )


@pytest.mark.parametrize(("text", "found"), [("{}", {}), ("[]", None), ("", None), ("{", None)])
def test_json_that_is_an_object(text, found):
    assert transcript.json_object(text) == found


def test_a_message_of_the_longest_size_is_one(monkeypatch):
    monkeypatch.setattr(transcript, "CHAT_MESSAGE_BYTES_MAX", 4)
    transcript.check_message((chat.TEXT,), chat.TEXT, "öö")
    for content, told in (("ööö", "6 bytes"), ("", "0 bytes")):
        with pytest.raises(Refusal) as caught:
            transcript.check_message((chat.TEXT,), chat.TEXT, content)
        assert caught.value.message == f"Content: {told!r} is not between 1 and 4 bytes"
    with pytest.raises(Refusal) as caught:
        transcript.check_message((chat.TEXT, chat.JSON), chat.MARKDOWN, "x")
    assert caught.value.message == (
        "ContentType: 'text/markdown' is not among what this chat supports:"
        " text/plain, application/json"
    )


# What comes of it


def test_a_supervisor_may_leave_by_his_own_token_or_vanish(center):
    ids = center.ids
    monitor = next(
        each for each in center.center.chats[ids["c1"]].participants.values() if each.silent
    )
    again = watching(contact_id=ids["c1"], agent_id=ids["a3"])
    center.name("m2", center.run(again).answer)
    for command, contact, reason in (
        (commands.LeaveChat(ids["c1"], monitor.id), "m1", "AGENT_DISCONNECT"),
        (commands.LoseAgent(ids["m2"], 0), "m2", "AGENT_NETWORK_DISCONNECT"),
    ):
        happened = center.run(command).events
        ended = [
            (each.contact_id, each.reason)
            for each in happened
            if isinstance(each, events.ContactEnded)
        ]
        assert ended == [(ids[contact], reason)]
    assert center.contact("c1").stage == "CONNECTED"
    assert center.run(commands.LeaveChat("nothing", monitor.id)).events == ()
    assert center.run(commands.LeaveChat(ids["c1"], "nobody")).events == ()


def test_a_chat_that_only_a_bot_serves_ends_with_its_idle_customer(center):
    rest = an_action("rest", "Wait", {"TimeLimitSeconds": "9000"}, "bye", NoMatchingError="bye")
    rest["Transitions"]["Conditions"] = [
        {"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": ["WaitCompleted"]}}
    ]
    bye = an_action("bye", "DisconnectParticipant")
    flow = center.a_flow("rests", a_content(rest, bye))
    begin = commands.StartChat(flow_id=flow, display_name="Dan", life_ms=90_000 * SECOND)
    center.name("c2", center.run(begin).answer)
    c2 = center.ids["c2"]
    bot = center.run(a_bot(contact_id=c2)).answer
    for who in (bot, chat.customer_id(c2)):
        center.run(commands.ConnectParticipant(c2, who))
    off = chat.ChatTimer("CUSTOMER", "DISCONNECT_NONCUSTOMER", 2)
    center.run(commands.SetChatTimers(c2, (off,)))
    happened = center.pass_time(120 * SECOND)
    ended = [each for each in happened if isinstance(each, events.ContactEnded)]
    assert [(each.contact_id, each.reason) for each in ended] == [(c2, "IDLE_DISCONNECT")]


def test_the_timer_goes_along_and_leaves_nothing_behind(center):
    ids = center.ids
    center.run(commands.SetChatTimers(ids["c1"], timers(5)))
    assert chat_state.TIMER in center.contact("c1").timers
    flow = center.way_to("support")
    center.create(
        "quick_connect",
        "flow",
        {
            "Name": "flow",
            "QuickConnectConfig": {
                "QuickConnectType": "FLOW",
                "FlowConfig": {"ContactFlowId": flow},
            },
        },
    )
    center.name("c2", center.run(commands.TransferChat(ids["a1"], ids["c1"], ids["flow"])).answer)
    assert chat_state.TIMER not in center.contact("c1").timers
    assert center.contact("c2").expires_at == START + 90_000 * SECOND
    assert center.center.chats[ids["c1"]].contact_id == ids["c2"]


def test_what_has_been_read_stays_read(center):
    ids = center.ids
    center.run(commands.LeaveContact(ids["a2"], ids["m1"]))
    said = commands.SendChatItem(
        chat_id=ids["c1"],
        participant_id=chat.customer_id(ids["c1"]),
        type="MESSAGE",
        content_type=chat.TEXT,
        content="hello",
    )
    message = center.run(said).answer
    ann = next(
        each.id
        for each in center.center.chats[ids["c1"]].participants.values()
        if each.user_id == ids["a1"]
    )
    (read,) = center.run(commands.MarkReceipt(ids["c1"], ann, message, "READ")).events
    assert (read.delivered_at, read.read_at) == (center.at, center.at)
    for kind in ("DELIVERED", "READ"):
        assert center.run(commands.MarkReceipt(ids["c1"], ann, message, kind)).events == ()


def test_a_view_is_shown_as_clients_know_it(center, monkeypatch):
    contact, ask = (
        center.contact("c1"),
        dialogue.ShowView(view="form", version=None, data={}, timeout_ms=1),
    )
    (line,) = chats.shown(center.center, contact, ask, 7)
    assert json.loads(line.item.content) == {
        "templateType": "ViewResource",
        "version": "1.0",
        "data": {"content": {"title": "form", "viewToken": f"{contact.id}/7"}},
    }
    assert line.item.contact_id == contact.id
    monkeypatch.setattr(transcript, "CHAT_BYTES_MAX", 10)
    assert chats.shown(center.center, contact, ask, 7) is None


def test_a_topic_is_told_a_line_to_the_letter(center):
    ids = center.ids
    command = commands.StartChatStream(ids["c1"], TOPIC, "t")
    done = center.run(command)
    (started,) = done.events
    assert done.answer == started.stream_id == center.run(command).answer
    said = commands.SendChatItem(
        chat_id=ids["c1"],
        participant_id=chat.customer_id(ids["c1"]),
        type="MESSAGE",
        content_type=chat.TEXT,
        content="hello",
    )
    (added,) = center.run(said).events
    (told,) = notifications(center.center, added)
    assert (told.topic, told.chat_id) == (TOPIC, ids["c1"])
    shown = envelope(center.center, told, "message-id", START)
    message = json.loads(shown.pop("Message"))
    at = "2023-11-14T22:13:20.000Z"
    common = {
        "ContactId": ids["c1"],
        "InitialContactId": ids["c1"],
        "ContentType": "text/plain",
        "ParticipantRole": "CUSTOMER",
        "Type": "MESSAGE",
    }
    assert message == {
        **common,
        "AbsoluteTime": at,
        "Content": "hello",
        "DisplayName": "Carol",
        "Id": added.item.id,
        "ParticipantId": chat.customer_id(ids["c1"]),
    }
    home = center.center.home
    attributes = {
        **common,
        "AccountId": home.account,
        "InstanceId": home.instance_id,
        "MessageVisibility": "ALL",
    }
    assert shown == {
        "Type": "Notification",
        "MessageId": "message-id",
        "TopicArn": TOPIC,
        "Timestamp": at,
        "MessageAttributes": {
            name: {"Type": "String", "Value": value} for name, value in attributes.items()
        },
    }
    stopped = center.run(commands.StopChatStream(ids["c1"], started.stream_id)).events
    assert stopped == (events.ChatStreamStopped(ids["c1"], started.stream_id),)
    assert list(notifications(center.center, added)) == []


@pytest.mark.parametrize("method", ["TRANSFER", "QUEUE_TRANSFER", "DISCONNECT"])
def test_which_moves_are_told_as_transfers(center, method):
    contact = center.contact("c1")
    talk = center.center.chats[contact.id]
    contact.initiation_method = method
    lines = transcript.Lines(center.center, talk)
    told = list(chat_contacts._moving(talk, contact, lines))
    assert len(told) == (1 if method == "DISCONNECT" else 2)


def _over(center):
    center.contact("c1").stage = "ENDED"


def _other_timer(center):
    center.contact("c1").timers[chat_state.TIMER] = START + 1


def _gone(center):
    center.center.contacts[center.ids["m1"]].stage = "ENDED"


def _nowhere(center):
    center.contact("m1").chat_id = "nowhere"


def _two_masters(center):
    center.contact("m1").monitors = None


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (lambda _: None, []),
        (_over, ["which is over"]),
        (_other_timer, ["is due"]),
        (_gone, ["which is over"]),
        (_nowhere, ["is not"]),
        (_two_masters, ["not both"]),
    ],
)
def test_what_must_be_true_of_chats_is_noticed(center, breaks, told):
    breaks(center)
    found = list(chat_state.astray(center.center))
    for words, message in zip(told, found, strict=True):
        assert words in message
