"""Chat state: what the events of a chat do, and what happens to it by itself.

    idle --> idle event --> automatic disconnection

These clocks run while the customer and an agent, or a bot of the user's, are both in, each from the
last thing that its participant has done. One timer of the contact that the chat has come to tells
whatever is next. Source: behaviour specification, section 5.7.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ringfloor.base.limits import (
    CHAT_RECENT_MAX,
)
from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import chat as words
from ringfloor.domain.chat import (
    Chat,
    Message,
    Participant,
    Receipt,
    is_in,
)
from ringfloor.domain.events import (
    ChatContinued,
    ChatEnded,
    ChatItemAdded,
    ChatMoved,
    ChatStarted,
    ChatStreamStarted,
    ChatStreamStopped,
    ChatTimersSet,
    ParticipantAdded,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantSilenced,
    ReceiptMarked,
)
from ringfloor.engine import chat_figures
from ringfloor.engine.schedule import set_timer
from ringfloor.engine.state import Center

TIMER = "chat"
"""The timer of the contact that a chat has come to."""


# What happens by itself


class Step(NamedTuple):
    """When somebody who does nothing will be told of, and how."""

    at: Instant
    content_type: str


def next_step(chat: Chat, who: Participant) -> Step | None:
    """What happens next to somebody who does nothing."""
    if chat.together_since is None or not is_in(who):
        return None
    minutes = {each.type: each.minutes for each in chat.timers if each.role == who.role}
    idle, off = minutes.get("IDLE"), minutes.get("DISCONNECT_NONCUSTOMER")
    since = max(chat.together_since, who.active_at or 0)
    if who.idle_at is None and idle is not None:
        return Step(since + idle * MINUTE, words.IDLE)
    if off is not None:
        return Step((who.idle_at or since) + off * MINUTE, words.AUTO_DISCONNECTED)
    return None


def next_due(chat: Chat) -> Instant | None:
    """When something happens to the chat by itself, but for its end."""
    steps = (next_step(chat, each) for each in chat.participants.values())
    instants = [each.at for each in steps if each is not None]
    if chat.connect_by is not None:
        instants.append(chat.connect_by)
    return min(instants, default=None)


def wind(center: Center, chat: Chat) -> None:
    """Set the timer to what happens next."""
    contact = center.contacts.get(chat.contact_id)
    if contact is not None and contact.stage != "ENDED":
        at = next_due(chat)
        set_timer(center, contact, TIMER, None if at is None else max(at, center.at))


# What the events do


def started(center: Center, event: ChatStarted, _at: Instant) -> None:
    born = event.chat
    chat = msgspec.structs.replace(
        born,
        participants={
            name: msgspec.structs.replace(each) for name, each in born.participants.items()
        },
        timers=list(born.timers),
        streams=dict(born.streams),
        tokens=dict(born.tokens),
        recent={},
    )
    center.chats[chat.id] = chat
    wind(center, chat)


def participant_added(center: Center, event: ParticipantAdded, _at: Instant) -> None:
    chat = center.chats[event.chat_id]
    who = event.participant
    chat.participants[who.id] = msgspec.structs.replace(who)
    if event.client_token is not None:
        _remember(chat.tokens, f" {event.client_token}", who.id)


def participant_joined(center: Center, event: ParticipantJoined, at: Instant) -> None:
    chat = center.chats[event.chat_id]
    who = chat.participants[event.participant_id]
    who.joined_at = who.active_at = at
    if who.role == "CUSTOMER":
        chat.connect_by = None
    agents = [each for each in chat.participants.values() if each.role == "AGENT" and is_in(each)]
    if len(agents) > 1:
        for each in agents:
            chat_figures.among_several(center.contacts[each.contact_id])
    _gather(center, chat, at)


def participant_left(center: Center, event: ParticipantLeft, at: Instant) -> None:
    chat = center.chats[event.chat_id]
    chat.participants[event.participant_id].left_at = at
    _gather(center, chat, at)


def participant_silenced(center: Center, event: ParticipantSilenced, _at: Instant) -> None:
    center.chats[event.chat_id].participants[event.participant_id].silent = event.silent


def _gather(center: Center, chat: Chat, at: Instant) -> None:
    """Timers run while the customer and somebody who serves him are both in."""
    there = {each.role for each in chat.participants.values() if is_in(each)}
    together = "CUSTOMER" in there and not there.isdisjoint(("AGENT", "CUSTOM_BOT"))
    if together and chat.together_since is None:
        chat.together_since = at
    elif not together:
        chat.together_since = None
        for each in chat.participants.values():
            each.idle_at = None
    wind(center, chat)


def item_added(center: Center, event: ChatItemAdded, at: Instant) -> None:
    chat, item = center.chats[event.chat_id], event.item
    chat.items += 1
    chat.bytes += len((item.content or "").encode())
    if event.client_token is not None:
        _remember(chat.tokens, f"{item.participant_id} {event.client_token}", item.id)
    if item.type != "EVENT":
        _remember(chat.recent, item.id, Message(participant_id=item.participant_id))
    who = chat.participants.get(item.participant_id or "")
    beside = who is not None and who.role == "AGENT" and who.contact_id != item.contact_id
    contact = center.contacts.get(item.contact_id)
    if contact is not None:
        chat_figures.count(contact, item, at, by_another=beside)
    if who is not None and beside:
        chat_figures.count(center.contacts[who.contact_id], item, at)
    if who is None:
        return
    if item.content_type == words.IDLE:
        who.idle_at = at
    elif item.type != "EVENT":
        who.active_at = at
        who.idle_at = None
    if chat.timers:
        wind(center, chat)


def _remember(store: dict[str, Any], key: str, value: object) -> None:
    store[key] = value
    while len(store) > CHAT_RECENT_MAX:
        del store[next(iter(store))]


def receipt_marked(center: Center, event: ReceiptMarked, _at: Instant) -> None:
    message = center.chats[event.chat_id].recent[event.message_id]
    message.receipts[event.participant_id] = Receipt(event.delivered_at, event.read_at)


def moved(center: Center, event: ChatMoved, at: Instant) -> None:
    chat = center.chats[event.chat_id]
    before = center.contacts.get(chat.contact_id)
    chat.contact_id = event.contact_id
    after = center.contacts[event.contact_id]
    if after.joins:  # it takes the customer over
        after.joins = False
        after.updated_at = at
        if before is not None:
            before.next_contact_id, before.transfer_completed_at = after.id, at
    for each in chat.participants.values():
        if each.user_id is None:
            each.contact_id = event.contact_id
    wind(center, chat)


def timers_set(center: Center, event: ChatTimersSet, _at: Instant) -> None:
    chat = center.chats[event.chat_id]
    told = {(each.role, each.type): each for each in (*chat.timers, *event.timers)}
    chat.timers = [each for each in told.values() if each.minutes is not None]
    wind(center, chat)


def continued(center: Center, event: ChatContinued, _at: Instant) -> None:
    chat = center.chats[event.chat_id]
    chat.continued_from, chat.past = event.contact_id, event.past


def stream_started(center: Center, event: ChatStreamStarted, _at: Instant) -> None:
    chat = center.chats[event.chat_id]
    chat.streams[event.stream_id] = event.endpoint
    if event.client_token is not None:
        _remember(chat.tokens, f"stream {event.client_token}", event.stream_id)


def stream_stopped(center: Center, event: ChatStreamStopped, _at: Instant) -> None:
    del center.chats[event.chat_id].streams[event.stream_id]


def ended(center: Center, event: ChatEnded, _at: Instant) -> None:
    chat = center.chats.pop(event.chat_id)
    contact = center.contacts.get(chat.contact_id)
    if contact is not None:
        set_timer(center, contact, TIMER, None)


# What must be true


def astray(center: Center) -> Iterator[str]:
    """Chats that are not with a live contact, whose timer is wrong, or who have too few people."""
    for chat in center.chats.values():
        contact = center.contacts.get(chat.contact_id)
        if contact is None or contact.stage == "ENDED" or contact.chat_id != chat.id:
            yield f"chat {chat.id} has come to {chat.contact_id}, which is over"
            continue
        expected = next_due(chat)
        if expected is not None:
            expected = max(expected, min(center.at, contact.timers.get(TIMER, center.at)))
        if contact.timers.get(TIMER) != expected:
            yield f"chat {chat.id} is due {contact.timers.get(TIMER)}, not {expected}"
        for who in chat.participants.values():
            at_work = center.contacts.get(who.contact_id)
            gone = at_work is None or at_work.stage == "ENDED"
            if who.left_at is None and gone:
                yield f"{who.id} is in chat {chat.id} by {who.contact_id}, which is over"
    for contact in center.contacts.values():
        if contact.stage == "ENDED" or contact.chat_id is None:
            continue
        told = center.chats.get(contact.chat_id)
        if told is not None:
            beside = contact.joins or contact.monitors is not None
            if beside == (told.contact_id == contact.id):
                yield f"{contact.id} is beside chat {told.id}, or has it, but not both"
        else:
            yield f"{contact.id} is live, but its chat {contact.chat_id} is not"
