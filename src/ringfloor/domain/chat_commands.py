"""Chat commands: what somebody wants of a chat. Part of domain.commands, and under its rules."""

from typing import Literal

from msgspec import field

from ringfloor.base.time import Duration
from ringfloor.domain.chat import ChatAttachment, ChatTimer, ItemType, Past
from ringfloor.domain.structs import CommandStruct


class StartChat(CommandStruct, frozen=True, kw_only=True):
    """StartChatContact. The contact's id, which is the chat's, is the first of the seed.

    continued_from: a contact of an ended chat; past: what of ended chats comes before this one.
    """

    flow_id: str
    display_name: str
    attributes: dict[str, str] = field(default_factory=dict)
    segment_attributes: dict[str, str] = field(default_factory=dict)
    content_types: tuple[str, ...] = ("text/plain",)
    initial_message: tuple[str, str] | None = None
    """Content type and content."""
    life_ms: Duration
    client_token: str | None = None
    related_contact_id: str | None = None
    association_id: str | None = None
    customer_id: str | None = None
    exits: tuple[str, ...] = ()
    topic: str | None = None
    """Told of every line."""
    continued_from: str | None = None
    past: tuple[Past, ...] = ()
    quota: int | None = None
    """How many chats there may be at once; None: no bound."""


class AddParticipant(CommandStruct, frozen=True, kw_only=True):
    """CreateParticipant: a bot of the user's. Answers the participant's id.

    quota: how many of them a chat may have.
    """

    contact_id: str
    display_name: str
    client_token: str | None = None
    quota: int


class ConnectParticipant(CommandStruct, frozen=True):
    """He is there. Told twice, he joins once."""

    chat_id: str
    participant_id: str


class SendChatItem(CommandStruct, frozen=True, kw_only=True):
    """Answers the item's id, also where the client token has made it already."""

    chat_id: str
    participant_id: str
    type: ItemType
    content_type: str
    content: str | None = None
    client_token: str | None = None
    attachments: tuple[ChatAttachment, ...] = ()


class MarkReceipt(CommandStruct, frozen=True):
    """He has received the message, or has read it. Told twice, it counts once."""

    chat_id: str
    participant_id: str
    message_id: str
    kind: Literal["DELIVERED", "READ"]


class LeaveChat(CommandStruct, frozen=True):
    """DisconnectParticipant. Who has left already leaves no more."""

    chat_id: str
    participant_id: str


class SetChatTimers(CommandStruct, frozen=True):
    """UpdateParticipantRoleConfig."""

    contact_id: str
    timers: tuple[ChatTimer, ...]


class ContinueChat(CommandStruct, frozen=True):
    """CreatePersistentContactAssociation. source_id: a contact of an ended chat."""

    contact_id: str
    source_id: str
    past: tuple[Past, ...]


class StartChatStream(CommandStruct, frozen=True):
    """StartContactStreaming. Answers the stream's id."""

    contact_id: str
    endpoint: str
    client_token: str | None = None


class StopChatStream(CommandStruct, frozen=True):
    contact_id: str
    stream_id: str


class TransferChat(CommandStruct, frozen=True):
    """The agent hands the chat on at once. The new contact's id is the first of the seed."""

    agent_id: str
    contact_id: str
    quick_connect_id: str


class SettleChat(CommandStruct, frozen=True):
    """A contact of the chat has begun, got an agent, or ended: the chat follows."""

    chat_id: str
    contact_id: str


ChatCommand = (
    StartChat
    | AddParticipant
    | ConnectParticipant
    | SendChatItem
    | MarkReceipt
    | LeaveChat
    | SetChatTimers
    | ContinueChat
    | StartChatStream
    | StopChatStream
    | TransferChat
    | SettleChat
)

__all__ = [
    "AddParticipant",
    "ChatCommand",
    "ConnectParticipant",
    "ContinueChat",
    "LeaveChat",
    "MarkReceipt",
    "SendChatItem",
    "SetChatTimers",
    "SettleChat",
    "StartChat",
    "StartChatStream",
    "StopChatStream",
    "TransferChat",
]
