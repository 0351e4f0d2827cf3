"""Chat: how a chat begins, who comes and leaves, what is said.

What a flow says is said by the SYSTEM; what it asks the customer, his next message answers. How a
chat goes on from contact to contact is engine.chat_contacts'. Sources: behaviour specification,
sections 2.6, 5.7, 6.4 and 7.5.
"""

from collections.abc import Iterator

import msgspec

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    CHAT_CONNECT_MS,
    CHAT_MESSAGE_BYTES_MAX,
    CHAT_RECENT_MAX,
    CHAT_TIMER_MINUTES_MAX,
    CHAT_TIMER_MINUTES_MIN,
)
from ringfloor.base.time import Duration
from ringfloor.domain import chat as words
from ringfloor.domain import dialogue
from ringfloor.domain.chat import (
    Chat,
    Participant,
    Receipt,
    customer,
    is_in,
)
from ringfloor.domain.commands import (
    AddParticipant,
    ConnectParticipant,
    ContinueChat,
    Hear,
    LeaveChat,
    MarkReceipt,
    SendChatItem,
    SetChatTimers,
    StartChat,
)
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    ChatContinued,
    ChatItemAdded,
    ChatStarted,
    ChatStreamStarted,
    ChatTimersSet,
    ContactConnectedToSystem,
    ContactInitiated,
    Event,
    FlowEntered,
    ParticipantAdded,
    ParticipantLeft,
    ReceiptMarked,
)
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine import connection, entry
from ringfloor.engine.chat_state import next_step
from ringfloor.engine.state import Center
from ringfloor.engine.transcript import (
    Lines,
    check_message,
    check_room,
    has_room,
    joining,
    json_object,
    leaving,
    made_with,
    of_contact,
    present,
)

# Beginnings


def start(center: Center, command: StartChat, seed: Seed) -> Iterator[Event]:
    """StartChatContact. A client token that started a live contact starts nothing."""
    if entry.begun_with(center, command.client_token) is not None:
        return
    entry.check_flow(center, command.flow_id)
    entry.check_attributes(command.attributes)
    entry.check_quota(center, "CHAT", command.quota, "LimitExceededException")
    if command.initial_message is not None:
        check_message(command.content_types, *command.initial_message)
    born, chat = _born(center, command, derive(seed, 0))
    yield ContactInitiated(born)
    yield ChatStarted(chat)
    if command.topic is not None:
        yield ChatStreamStarted(chat.id, words.first_stream_id(chat.id), command.topic)
    yield ContactConnectedToSystem(born.id)
    lines = Lines(center, chat)
    if chat.continued_from is not None:
        yield lines.event(words.REHYDRATED, None)
    if command.initial_message is not None:
        yield lines.add("MESSAGE", *command.initial_message, customer(chat))
    yield FlowEntered(born.id, command.flow_id)


def _born(center: Center, command: StartChat, chat_id: str) -> tuple[Contact, Chat]:
    born = Contact(
        id=chat_id,
        channel="CHAT",
        initiation_method="API",
        stage="IN_FLOW",
        initiated_at=center.at,
        updated_at=center.at,
        flow_id=command.flow_id,
        attributes=command.attributes,
        segment_attributes=command.segment_attributes,
        client_token=command.client_token,
        related_contact_id=command.related_contact_id,
        association_id=command.association_id,
        customer_id=command.customer_id,
        chat_id=chat_id,
        expires_at=center.at + command.life_ms,
    )
    who = Participant(
        id=words.customer_id(chat_id),
        role="CUSTOMER",
        display_name=command.display_name,
        contact_id=chat_id,
    )
    chat = Chat(
        id=chat_id,
        contact_id=chat_id,
        started_at=center.at,
        expires_at=center.at + command.life_ms,
        participants={who.id: who},
        content_types=command.content_types,
        connect_by=center.at + CHAT_CONNECT_MS,
        exits=command.exits,
        continued_from=command.continued_from,
        past=command.past,
    )
    return born, chat


# Who is there


def add_participant(center: Center, command: AddParticipant, seed: Seed) -> Iterator[Event]:
    """CreateParticipant: a bot of the user's may come in; he joins when he connects."""
    chat = of_contact(center, command.contact_id)
    if made_with(chat, "", command.client_token) is not None:
        return
    bots = [each for each in present(chat) if each.role == "CUSTOM_BOT"]
    if len(bots) >= command.quota:
        raise Refusal(
            "ServiceQuotaExceededException",
            f"ContactId: {command.contact_id!r} has {command.quota} such participants, the limit",
        )
    yield ParticipantAdded(
        chat.id,
        Participant(
            id=derive(seed, 0),
            role="CUSTOM_BOT",
            display_name=command.display_name,
            contact_id=chat.contact_id,
        ),
        command.client_token,
    )


def _who(center: Center, chat_id: str, participant_id: str) -> tuple[Chat, Participant]:
    """The chat and the participant, who has not left; refuses with AccessDeniedException."""
    chat = center.chats.get(chat_id)
    who = None if chat is None else chat.participants.get(participant_id)
    if chat is None or who is None or who.left_at is not None:
        raise Refusal("AccessDeniedException", "ConnectionToken: is nobody's who is in a chat")
    return chat, who


def connect(center: Center, command: ConnectParticipant) -> Iterator[Event]:
    """The participant is there."""
    chat, who = _who(center, command.chat_id, command.participant_id)
    if who.joined_at is None:
        yield from joining(chat, who, Lines(center, chat))


def leave(center: Center, command: LeaveChat) -> Iterator[Event]:
    """DisconnectParticipant. Who has left already leaves no more."""
    chat = center.chats.get(command.chat_id)
    who = None if chat is None else chat.participants.get(command.participant_id)
    if chat is None or who is None or who.left_at is not None:
        return
    contact = center.contacts[who.contact_id]
    match who.role:
        case "CUSTOMER" if "AGENT" in chat.exits and contact.stage == "CONNECTED":
            yield from _all_leave(center, contact, "CUSTOMER_DISCONNECT")
        case "CUSTOMER":
            yield from leaving(chat, who, Lines(center, chat))
            yield from connection.ending(contact, "CUSTOMER_DISCONNECT")
        case "AGENT":
            yield from connection.disconnect_flow(center, contact, "AGENT_DISCONNECT")
        case "SUPERVISOR":
            yield from connection.ending(contact, "AGENT_DISCONNECT")
        case _:
            yield from leaving(chat, who, Lines(center, chat))


def _all_leave(center: Center, contact: Contact, reason: DisconnectReason) -> Iterator[Event]:
    """All agents of a chat leave, its customer may stay for the disconnect flow."""
    yield from connection.others_leave(center, contact, reason)
    yield from connection.disconnect_flow(center, contact, reason, all_leave=True)


def has_bot(center: Center, contact: Contact) -> bool:
    """Whether a bot of the user's is in the contact's chat."""
    chat = center.chats.get(contact.chat_id or "")
    return chat is not None and any(each.role == "CUSTOM_BOT" for each in present(chat))


def continue_(center: Center, command: ContinueChat) -> Iterator[Event]:
    """CreatePersistentContactAssociation: the transcript begins with that of an ended chat."""
    chat = of_contact(center, command.contact_id)
    if chat.continued_from == command.source_id:
        return
    if chat.continued_from is not None:
        rule = f"continues {chat.continued_from} already"
        raise invalid_request("InitialContactId", command.contact_id, rule)
    yield ChatContinued(chat.id, command.source_id, command.past)
    yield Lines(center, chat).event(words.REHYDRATED, None)


# What participants say


def send(center: Center, command: SendChatItem, seed: Seed) -> Iterator[Event]:
    """A message, or files. A client token that has sent an item lately sends nothing."""
    chat, who = _who(center, command.chat_id, command.participant_id)
    if made_with(chat, who.id, command.client_token) is not None:
        return
    if not is_in(who):
        raise invalid_request("ConnectionToken", who.id, "has not connected to the chat")
    if who.silent:
        raise Refusal("AccessDeniedException", "ConnectionToken: is of somebody who only reads")
    if command.type == "EVENT":
        rule = "is no event that belongs to a transcript"
        raise invalid_parameter("ContentType", command.content_type, rule)
    if command.type == "MESSAGE":
        check_message(chat.content_types, command.content_type, command.content or "")
    check_room(chat, command.content)
    lines = Lines(center, chat)
    if who.idle_at is not None:
        yield lines.event(words.RETURNED, who)
    line = lines.add(
        command.type,
        command.content_type,
        command.content,
        who,
        command.attachments,
        derive(seed, 0),
    )
    yield msgspec.structs.replace(line, client_token=command.client_token)


def sent(center: Center, command: SendChatItem, seed: Seed) -> str:
    """The item that the command has made, or its client token before."""
    chat = center.chats.get(command.chat_id)
    known = chat and made_with(chat, command.participant_id, command.client_token)
    return known or derive(seed, 0)


def added(center: Center, command: AddParticipant, seed: Seed) -> str:
    """The participant whom the command has made, or its client token before."""
    chat = of_contact(center, command.contact_id)
    return made_with(chat, "", command.client_token) or derive(seed, 0)


def mark(center: Center, command: MarkReceipt) -> Iterator[Event]:
    """Somebody has received a message of somebody else, or has read it."""
    chat, who = _who(center, command.chat_id, command.participant_id)
    message = chat.recent.get(command.message_id)
    if message is None:
        rule = f"is none of the last {CHAT_RECENT_MAX} messages of this chat"
        raise invalid_parameter("Content", command.message_id, rule)
    if who.silent:
        raise Refusal("AccessDeniedException", "ConnectionToken: is of somebody who only reads")
    if sum(is_in(each) and not each.silent for each in chat.participants.values()) > 2:
        rule = "is in a chat of more than two, which has no receipts"
        raise Refusal("ResourceConflictException", f"Content: {command.message_id!r} {rule}")
    if message.participant_id == who.id:
        raise invalid_parameter("Content", command.message_id, "is a message of one's own")
    before = message.receipts.get(who.id, Receipt())
    delivered = center.at if before.delivered_at is None else before.delivered_at
    read = center.at if command.kind == "READ" and before.read_at is None else before.read_at
    if Receipt(delivered, read) != before:
        yield ReceiptMarked(chat.id, command.message_id, who.id, delivered, read)


# What flows say and ask


def said(center: Center, contact: Contact, prompt: dialogue.Prompt) -> tuple[Event, ...] | None:
    """A flow's text, as a message of the system; None: it cannot be said.

    Of a contact that joins a chat nothing is said: the customer is another contact's.
    """
    chat = center.chats.get(contact.chat_id or "")
    if chat is None or prompt.kind != "text":
        return None
    if not prompt.value or contact.joins:
        return ()
    if not has_room(chat, prompt.value) or len(prompt.value.encode()) > CHAT_MESSAGE_BYTES_MAX:
        return None
    lines = Lines(center, chat, contact.id)
    return (lines.by_system(words.TEXT, prompt.value),)


def shown(
    center: Center, contact: Contact, ask: dialogue.ShowView, number: int
) -> tuple[Event, ...] | None:
    """A view for the customer, as an interactive message; None: his client shows none.

    number: of the ask that is about to be made; with it he asks DescribeView what to show.
    """
    chat = center.chats.get(contact.chat_id or "")
    if chat is None or contact.joins or words.INTERACTIVE not in chat.content_types:
        return None
    content = {
        "templateType": VIEW,
        "version": "1.0",
        "data": {"content": {"title": ask.view, "viewToken": f"{contact.id}/{number}"}},
    }
    text = msgspec.json.encode(content).decode()
    if not has_room(chat, text):
        return None
    lines = Lines(center, chat, contact.id)
    return (lines.by_system(words.INTERACTIVE, text),)


VIEW = "ViewResource"
"""The template type of an interactive message that is a view, and of its answer."""


def hears(center: Center, event: ChatItemAdded) -> Iterator[Hear]:
    """What the flow of a contact, if it waits for its customer, hears of his message."""
    item = event.item
    contact = center.contacts.get(item.contact_id)
    run = None if contact is None else contact.runs.get("customer")
    if contact is None or run is None or item.role != "CUSTOMER" or item.type == "EVENT":
        return
    heard: dialogue.Heard | None = None
    match run.ask:
        case dialogue.Receive() if item.content is not None:
            heard = dialogue.Said(item.content)
        case dialogue.ShowView() if item.content_type == words.INTERACTIVE_RESPONSE:
            answer = json_object(item.content) or {}
            action, data = answer.get("action"), answer.get("data")
            if answer.get("templateType") == VIEW and isinstance(action, str):
                heard = dialogue.ViewAnswer(action, data if isinstance(data, dict) else {})
        case dialogue.Wait(events=events) if RETURNS in events:
            heard = dialogue.Result(RETURNS)
        case _:
            pass
    if heard is not None:
        yield Hear(contact.id, run.number, heard)


RETURNS = "CustomerReturned"
BOT_LEFT = "BotParticipantDisconnected"
"""What a flow may wait for."""


def bot_left(center: Center, event: ParticipantLeft) -> Iterator[Hear]:
    """A flow that waits for a bot of the user's hears that it has left."""
    chat = center.chats.get(event.chat_id)
    contact = None if chat is None else center.contacts.get(chat.contact_id)
    run = None if contact is None else contact.runs.get("customer")
    if (
        contact is not None
        and chat is not None
        and run is not None
        and chat.participants[event.participant_id].role == "CUSTOM_BOT"
        and isinstance(run.ask, dialogue.Wait)
        and BOT_LEFT in run.ask.events
    ):
        yield Hear(contact.id, run.number, dialogue.Result(BOT_LEFT))


# What happens by itself


def set_timers(center: Center, command: SetChatTimers) -> Iterator[Event]:
    """UpdateParticipantRoleConfig."""
    chat = of_contact(center, command.contact_id)
    for each in command.timers:
        if each.minutes is not None and not (
            CHAT_TIMER_MINUTES_MIN <= each.minutes <= CHAT_TIMER_MINUTES_MAX
        ):
            rule = f"is not between {CHAT_TIMER_MINUTES_MIN} and {CHAT_TIMER_MINUTES_MAX}"
            raise invalid_parameter("ParticipantTimerDurationInMinutes", each.minutes, rule)
    yield ChatTimersSet(chat.id, command.timers)


def due(center: Center, contact: Contact, _delay_ms: Duration) -> Iterator[Event]:
    """The timer of a chat has run out: nobody has come, or somebody does nothing."""
    chat = center.chats[contact.chat_id or ""]
    if chat.connect_by is not None and chat.connect_by <= center.at:
        yield from connection.ending(contact, "CUSTOMER_CONNECTION_NOT_ESTABLISHED")
        return
    lines = Lines(center, chat)
    for who in chat.participants.values():
        step = next_step(chat, who)
        if step is None or step.at > center.at:
            continue
        yield lines.event(step.content_type, who)
        if step.content_type != words.AUTO_DISCONNECTED:
            continue
        if who.role == "AGENT" and who.contact_id != contact.id:
            yield from connection.ending(center.contacts[who.contact_id], "IDLE_DISCONNECT")
            continue
        if contact.stage != "CONNECTED":
            yield from connection.ending(contact, "IDLE_DISCONNECT")
        elif who.role == "AGENT":
            yield from connection.disconnect_flow(center, contact, "IDLE_DISCONNECT")
        else:
            yield from _all_leave(center, contact, "IDLE_DISCONNECT")
        return
