"""Chat: who writes to whom, and what a transcript consists of.

A chat is one conversation of a customer with flows and agents; it is called by its first contact
and outlives each of its contacts. Instants are milliseconds. Called by engine.chat and by whoever
shows a chat. Sources: behaviour specification, sections 5.7 and 7.5; botocore's connectparticipant
model (2018-09-07).
"""

from typing import Literal

from msgspec import Struct, field

from ringfloor.base.ids import derive
from ringfloor.base.time import Duration, Instant

ParticipantRole = Literal["AGENT", "CUSTOMER", "SYSTEM", "CUSTOM_BOT", "SUPERVISOR"]

SYSTEM_NAME = "SYSTEM_MESSAGE"
"""Display name of what flows say."""

ItemType = Literal["MESSAGE", "EVENT", "ATTACHMENT"]

# Content types

TEXT = "text/plain"
MARKDOWN = "text/markdown"
JSON = "application/json"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
INTERACTIVE_RESPONSE = "application/vnd.amazonaws.connect.message.interactive.response"

MESSAGES: tuple[str, ...] = (TEXT, MARKDOWN, JSON, INTERACTIVE, INTERACTIVE_RESPONSE)
"""What a message can be."""

STRUCTURED = frozenset({JSON, INTERACTIVE, INTERACTIVE_RESPONSE})
"""Those whose content is a JSON object."""

_EVENT = "application/vnd.amazonaws.connect.event."

ACKNOWLEDGED = _EVENT + "connection.acknowledged"
TYPING = _EVENT + "typing"
JOINED = _EVENT + "participant.joined"
LEFT = _EVENT + "participant.left"
IDLE = _EVENT + "participant.idle"
RETURNED = _EVENT + "participant.returned"
AUTO_DISCONNECTED = _EVENT + "participant.autodisconnection"
TRANSFERRED = _EVENT + "transfer.succeeded"
ENDED = _EVENT + "chat.ended"
REHYDRATED = _EVENT + "chat.rehydrated"
DELIVERED = _EVENT + "message.delivered"
READ = _EVENT + "message.read"


class ChatAttachment(Struct, frozen=True, array_like=True):
    """A file that belongs to an item; its bytes are kept elsewhere. size: in bytes."""

    id: str
    name: str
    content_type: str
    size: int


class ChatItem(Struct, frozen=True, array_like=True):
    """One line of a transcript."""

    id: str
    at: Instant
    type: ItemType
    content_type: str
    content: str | None
    participant_id: str | None
    """Whose doing it is; None: the chat's own."""
    role: ParticipantRole | None
    display_name: str | None
    contact_id: str
    """The contact that the chat had come to then."""
    attachments: tuple[ChatAttachment, ...] = ()


class Receipt(Struct, frozen=True, array_like=True):
    """How far a message has come at one of those it was for."""

    delivered_at: Instant | None = None
    read_at: Instant | None = None


class Participant(Struct, kw_only=True, omit_defaults=True):
    """Somebody in a chat."""

    id: str
    role: ParticipantRole
    display_name: str
    contact_id: str
    """The contact that brings him; the customer's is always the present one."""
    user_id: str | None = None
    """Of agents and supervisors."""
    joined_at: Instant | None = None
    left_at: Instant | None = None
    active_at: Instant | None = None
    """When he last did anything."""
    idle_at: Instant | None = None
    """Since when he counts as idle."""
    silent: bool = False
    """A supervisor who only reads."""


class Message(Struct, kw_only=True, omit_defaults=True):
    """What must be known of a recent message to mark who has received it."""

    participant_id: str | None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    """By the participant's id."""


TimerRole = Literal["CUSTOMER", "AGENT"]
TimerType = Literal["IDLE", "DISCONNECT_NONCUSTOMER"]


class ChatTimer(Struct, frozen=True, array_like=True):
    """What happens when participants of a role do nothing for so long. minutes: None: nothing."""

    role: TimerRole
    type: TimerType
    minutes: int | None


class Past(Struct, frozen=True, array_like=True):
    """An ended chat that this one continues. until: the contact after which it counts no more."""

    chat_id: str
    until: str | None = None


class Chat(Struct, kw_only=True, omit_defaults=True):
    """One conversation; its id is that of its first contact."""

    id: str
    contact_id: str
    """The contact that it has come to."""
    started_at: Instant
    expires_at: Instant
    """When it is over at the latest."""
    participants: dict[str, Participant] = field(default_factory=dict)
    """By id, in the order in which they came."""
    content_types: tuple[str, ...] = (TEXT,)
    """What its messages may be."""
    connect_by: Instant | None = None
    """When it is over, if the customer has not connected."""
    together_since: Instant | None = None
    """Since when the customer and an agent, or a bot of the user's, are both in."""
    timers: list[ChatTimer] = field(default_factory=list)
    exits: tuple[str, ...] = ()
    """DisconnectOnCustomerExit."""
    continued_from: str | None = None
    """The contact of an ended chat that this one continues."""
    past: tuple[Past, ...] = ()
    """What comes before it in the transcript, earliest first."""
    items: int = 0
    """How many there are, and how many bytes of content."""
    bytes: int = 0
    streams: dict[str, str] = field(default_factory=dict)
    """Topics that are told of every line, by the id of the stream."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Recent client tokens, by participant, to the item that each has made."""
    recent: dict[str, Message] = field(default_factory=dict)
    """Recent messages by id."""


class Talker(Struct, kw_only=True, omit_defaults=True):
    """What one side of a conversation has written in one contact."""

    participant_id: str
    messages: int = 0
    characters: int = 0
    responses: int = 0
    response_ms: Duration = 0
    longest_response_ms: Duration = 0
    last_at: Instant | None = None


class Figures(Struct, kw_only=True, omit_defaults=True):
    """How the conversation of one contact has gone."""

    messages: int = 0
    bot_messages: int = 0
    bot_characters: int = 0
    turns: int = 0
    customer_spoke: bool | None = None
    """Whether the customer had the last word; None: nobody has spoken."""
    spoke_since: Instant = 0
    """Since when that side has had the word."""
    supervised: bool = False
    """Whether a supervisor has written, too, or there was more than one agent."""
    customer: Talker | None = None
    agent: Talker | None = None
    first_response_at: Instant | None = None
    """The agent's first message."""


class Session(Struct, frozen=True, array_like=True):
    """The transcript of a chat that has ended, as history keeps it."""

    chat_id: str
    last_contact_id: str
    past: tuple[Past, ...]
    items: list[ChatItem]
    receipts: dict[str, dict[str, Receipt]]
    """By the message's id, then the participant's."""


def customer_id(chat_id: str) -> str:
    """The participant's id of the customer of a chat; known before anything is read."""
    return derive(bytes.fromhex(chat_id.replace("-", "")), 1)


def first_stream_id(chat_id: str) -> str:
    """The stream that a chat has from its beginning on, if it has one."""
    return derive(bytes.fromhex(chat_id.replace("-", "")), 3)


def customer(chat: Chat) -> Participant:
    """The customer of a chat."""
    return chat.participants[customer_id(chat.id)]


def is_in(participant: Participant) -> bool:
    """Whether he is in the chat now."""
    return participant.joined_at is not None and participant.left_at is None


def acting(chat: Chat, contact_id: str, user_id: str) -> Participant | None:
    """The participant that an agent or supervisor is by this contact."""
    for each in chat.participants.values():
        if each.contact_id == contact_id and each.user_id == user_id:
            return each
    return None
