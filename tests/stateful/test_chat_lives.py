"""Chats in any order of deeds: invariants, replay, transcripts as a mere listener knows them."""

from collections import Counter
from contextlib import suppress

import pytest

from engine_builders import ProfileOf, a_center, a_content, an_action, to_queue
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import generator
from ringfloor.base.time import SECOND
from ringfloor.domain import chat, commands, events
from ringfloor.projections.counters import recount
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.transcripts import Transcripts, kept

DEEDS_PER_LIFE = 150
PAUSES = (0, 0, 0, 1, 1, 5, 21, 130)
"""Seconds between two deeds."""
BYE = an_action("bye", "DisconnectParticipant")


def waits(identifier, seconds, then, **events_and_targets):
    """A Wait; events_and_targets: event of the flow language to where it leads."""
    asked = {"TimeLimitSeconds": str(seconds), "Events": list(events_and_targets)}
    errors = {"NoMatchingError": "bye", "ParticipantNotFound": "bye"}
    action = an_action(identifier, "Wait", asked, then, **errors)
    action["Transitions"]["Conditions"] = [
        {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [event]}}
        for event, target in {**events_and_targets, "WaitCompleted": then}.items()
    ]
    return action


def a_chat_center(chance):
    profile = ProfileOf("sales/CHAT, support/CHAT 2", voice=0, chat=2)
    center = a_center(
        agents=3,
        queues=["sales", "support"],
        profiles={"basic": profile},
        work_s=chance.choice((0, 5)),
        auto_accept=chance.random() < 0.3,
    )
    center.a_flow(
        "survey",
        a_content(
            an_action("ask", "MessageParticipant", {"Text": "and?"}, "rest"),
            waits("rest", 30, "bye", CustomerReturned="bye"),
            BYE,
        ),
    )
    hook = {"EventHooks": {"CustomerRemaining": center.ids["survey"]}}
    sales = {"QueueId": center.ids["sales"]}
    center.a_flow(
        "talks",
        a_content(
            an_action("hello", "MessageParticipant", {"Text": "hello"}, "show"),
            an_action(
                "show",
                "ShowView",
                {"ViewResource": {"Id": "v", "Version": "1"}, "InvocationTimeLimitSeconds": "20"},
                "hook",
                NoMatchingCondition="hook",
                NoMatchingError="hook",
                TimeLimitExceeded="wait",
            ),
            waits("wait", 25, "hook", BotParticipantDisconnected="bye"),
            an_action("hook", "UpdateContactEventHooks", hook, "target"),
            an_action("target", "UpdateContactTargetQueue", sales, "enter", NoMatchingError="bye"),
            an_action(
                "enter",
                "TransferContactToQueue",
                {},
                "bye",
                QueueAtCapacity="bye",
                NoMatchingError="bye",
            ),
            BYE,
        ),
    )
    flow = center.a_flow("on a2", to_queue({"AgentId": center.ids["a2"]}), "AGENT_TRANSFER")
    config = {"UserId": center.ids["a2"], "ContactFlowId": flow}
    config = {"QuickConnectType": "USER", "UserConfig": config}
    center.create("quick_connect", "to a2", {"Name": "to a2", "QuickConnectConfig": config})
    return center


def somebody(center, chance):
    """A chat and a participant, if there are any."""
    found = [(each.id, who) for each in center.center.chats.values() for who in each.participants]
    return chance.choice(found) if found else ("nobody", "nobody")


def a_deed(center, chance, number):
    """Somebody wants something, sensible or not; answers what he wants."""
    contact = chance.choice([*center.center.contacts, "nobody"])
    agent = center.ids[f"a{chance.randint(1, 3)}"]
    his = chance.choice([*center.center.agents[agent].contacts, contact])
    chat_id, who = somebody(center, chance)
    known = center.center.chats.get(chat_id)
    message = chance.choice([*(known.recent if known else ()), "nothing"])
    response = '{"templateType": "ViewResource", "action": "Next", "data": {"a": 1}}'
    content_type, content = chance.choice(
        ((chat.TEXT, "hi"), (chat.TEXT, "there"), (chat.INTERACTIVE_RESPONSE, response))
    )
    timer = chat.ChatTimer(
        chance.choice(("CUSTOMER", "AGENT")),
        chance.choice(("IDLE", "DISCONNECT_NONCUSTOMER")),
        chance.choice((None, 2, 3)),
    )
    receipt = chance.choice(("READ", "DELIVERED"))
    state = chance.choice(("BARGE", "SILENT_MONITOR"))
    deeds = (
        (
            2,
            lambda: commands.StartChat(
                flow_id=center.ids[chance.choice(("talks", "to sales", "to support"))],
                display_name="Carol",
                life_ms=chance.choice((600, 90_000)) * SECOND,
                content_types=chance.choice(((chat.TEXT,), chat.MESSAGES)),
                exits=chance.choice(((), ("AGENT",))),
                client_token=chance.choice((None, f"t{number % 7}")),
            ),
        ),
        (5, lambda: commands.ConnectParticipant(chat_id, who)),
        (
            5,
            lambda: commands.SendChatItem(
                chat_id=chat_id,
                participant_id=who,
                type="MESSAGE",
                content_type=content_type,
                content=content,
                client_token=chance.choice((None, f"m{number % 5}")),
            ),
        ),
        (2, lambda: commands.MarkReceipt(chat_id, who, message, receipt)),
        (1, lambda: commands.LeaveChat(chat_id, who)),
        (1, lambda: commands.AddParticipant(contact_id=contact, display_name="bot", quota=1)),
        (3, lambda: commands.SetChatTimers(contact, (timer,))),
        (1, lambda: commands.ContinueChat(contact, "before", (chat.Past("before"),))),
        (1, lambda: commands.TransferChat(agent, his, center.ids["to a2"])),
        (
            3,
            lambda: commands.MonitorContact(
                agent_id=agent,
                contact_id=contact,
                capabilities=("SILENT_MONITOR", "BARGE"),
            ),
        ),
        (6, lambda: commands.SetMonitorState(agent, his, state)),
        (0.5, lambda: commands.AgentVanished(agent)),
        (1, lambda: commands.AgentReturned(agent)),
        (1, lambda: commands.StopContact(contact)),
        (6, lambda: commands.AcceptContact(agent, his)),
        (1, lambda: commands.RejectContact(agent, his)),
        (1, lambda: commands.LeaveContact(agent, his)),
        (4, lambda: commands.ClearContact(agent, his)),
        (
            4,
            lambda: commands.SetAgentStatus(
                agent, center.ids[chance.choice(("Available", "Available", "Break"))]
            ),
        ),
    )
    weights, wishes = zip(*deeds, strict=True)
    return chance.choices(wishes, weights)[0]()


def a_life(seed):
    chance = generator(seed)
    center = a_chat_center(chance)
    for number in range(DEEDS_PER_LIFE):
        with suppress(Refusal):
            center.run(a_deed(center, chance, number))
        center.pass_time(chance.choice(PAUSES) * SECOND)
    return center


class Listener:
    """Who has listened from the beginning, and what each chat was: from the events alone."""

    def __init__(self):
        self.chats = {}
        self.over = {}
        self.there = {}

    def on(self, event):
        match event:
            case events.ChatStarted(chat=born):
                self.chats[born.id] = []
                self.there[born.id] = set()
            case events.ChatItemAdded(chat_id=chat_id, item=item):
                assert item.id not in {each.id for each in self.chats[chat_id]}, "an id comes twice"
                if item.type == "MESSAGE" and item.role != "SYSTEM" and self.chats[chat_id]:
                    assert item.participant_id in self.there[chat_id], "who writes has joined"
                self.chats[chat_id].append(item)
            case events.ParticipantJoined(chat_id=chat_id, participant_id=who):
                assert who not in self.there[chat_id], "nobody joins twice"
                self.there[chat_id].add(who)
            case events.ParticipantLeft(chat_id=chat_id, participant_id=who):
                self.there[chat_id].discard(who)
            case events.ChatEnded(chat_id=chat_id):
                items = self.over[chat_id] = self.chats.pop(chat_id)
                assert items[-1].content_type == chat.ENDED
                assert sum(each.content_type == chat.ENDED for each in items) == 1


@pytest.mark.parametrize("seed", range(40))
def test_chats_keep_their_promises(seed):
    center = a_life(seed)
    center.check_history()
    listener, transcripts, realtime, final = Listener(), Transcripts(), Realtime(), {}
    for at, happened in center.log:
        for event in happened:
            listener.on(event)
            realtime.on(event, at)
            for fact in transcripts.on(event, at):
                final[fact.contact_id] = kept(fact.session).items
    assert final == listener.over
    assert {name: transcripts.session(name).items for name in center.center.chats} == listener.chats
    assert realtime.counters == recount(realtime.facts)
    assert Transcripts.load(transcripts.dump()) == transcripts


def test_these_lives_see_everything_that_chats_do():
    seen = Counter()
    for seed in range(40):
        for _, happened in a_life(seed).log:
            seen.update(type(event).__name__ for event in happened)
            seen.update(
                event.item.content_type.rpartition("event.")[2]
                for event in happened
                if isinstance(event, events.ChatItemAdded)
            )
            seen.update(
                event.reason for event in happened if isinstance(event, events.ContactEnded)
            )
    expected = (
        "ChatMoved ChatContinued ParticipantSilenced ReceiptMarked participant.idle "
        "participant.returned participant.autodisconnection transfer.succeeded chat.rehydrated "
        "AGENT_NETWORK_DISCONNECT IDLE_DISCONNECT CUSTOMER_CONNECTION_NOT_ESTABLISHED EXPIRED"
    )
    assert set(expected.split()) <= seen.keys()
