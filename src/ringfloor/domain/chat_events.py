"""Chat events: what has happened in chats. Part of domain.events, and under its rules."""

from ringfloor.base.time import Instant
from ringfloor.domain.chat import Chat, ChatItem, ChatTimer, Participant, Past
from ringfloor.domain.structs import EventStruct


class ChatStarted(EventStruct, frozen=True):
    """chat: as it was born, its customer not connected yet; its contact has just begun."""

    chat: Chat


class ParticipantAdded(EventStruct, frozen=True):
    """Somebody may come into the chat. client_token: with which he was asked for."""

    chat_id: str
    participant: Participant
    client_token: str | None = None


class ParticipantJoined(EventStruct, frozen=True):
    """Somebody is there, for the first time. user_id: of an agent or supervisor."""

    chat_id: str
    participant_id: str
    user_id: str | None


class ParticipantLeft(EventStruct, frozen=True):
    chat_id: str
    participant_id: str
    user_id: str | None


class ParticipantSilenced(EventStruct, frozen=True):
    """A supervisor only reads from now on, or may write, too."""

    chat_id: str
    participant_id: str
    silent: bool


class ChatItemAdded(EventStruct, frozen=True):
    """The transcript has another line. client_token: with which its participant sent it."""

    chat_id: str
    item: ChatItem
    client_token: str | None = None


class ReceiptMarked(EventStruct, frozen=True):
    """participant_id: who has received the message, or has read it."""

    chat_id: str
    message_id: str
    participant_id: str
    delivered_at: Instant
    read_at: Instant | None


class ChatMoved(EventStruct, frozen=True):
    """The chat goes on as another contact."""

    chat_id: str
    contact_id: str


class ChatTimersSet(EventStruct, frozen=True):
    """timers: those that have a new value."""

    chat_id: str
    timers: tuple[ChatTimer, ...]


class ChatContinued(EventStruct, frozen=True):
    """The chat continues one that has ended. contact_id: that one's; past: what comes before."""

    chat_id: str
    contact_id: str
    past: tuple[Past, ...]


class ChatStreamStarted(EventStruct, frozen=True):
    """endpoint: the topic that is told of every line from now on."""

    chat_id: str
    stream_id: str
    endpoint: str
    client_token: str | None = None


class ChatStreamStopped(EventStruct, frozen=True):
    chat_id: str
    stream_id: str


class ChatEnded(EventStruct, frozen=True):
    """contact_id: its last contact."""

    chat_id: str
    contact_id: str


ChatEvent = (
    ChatStarted
    | ParticipantAdded
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantSilenced
    | ChatItemAdded
    | ReceiptMarked
    | ChatMoved
    | ChatTimersSet
    | ChatContinued
    | ChatStreamStarted
    | ChatStreamStopped
    | ChatEnded
)

__all__ = [
    "ChatContinued",
    "ChatEnded",
    "ChatEvent",
    "ChatItemAdded",
    "ChatMoved",
    "ChatStarted",
    "ChatStreamStarted",
    "ChatStreamStopped",
    "ChatTimersSet",
    "ParticipantAdded",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantSilenced",
    "ReceiptMarked",
]
