"""Transcript: how a chat's next lines are made, and what can be written.

Called by the decisions about chats. Whatever a transcript shows is a ChatItemAdded. Ids of what
belongs to a chat are derived from its own, by number; those of a participant's messages are given.
Sources: behaviour specification, sections 1.8 and 5.7.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ringfloor.base.errors import invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    CHAT_BYTES_MAX,
    CHAT_ITEMS_MAX,
    CHAT_MESSAGE_BYTES_MAX,
)
from ringfloor.domain import chat as words
from ringfloor.domain.chat import (
    Chat,
    ChatAttachment,
    ChatItem,
    ItemType,
    Participant,
    is_in,
)
from ringfloor.domain.events import (
    ChatItemAdded,
    Event,
    ParticipantJoined,
    ParticipantLeft,
)
from ringfloor.engine.state import Center
from ringfloor.flow.blocks import checked_reply

_OWN_ITEMS = 16
"""Ids of a chat are derived from its own: those below are for participants."""

_SYSTEM = Participant(id="", role="SYSTEM", display_name=words.SYSTEM_NAME, contact_id="")
"""Whoever speaks for a flow."""


class Lines:
    """Makes the next lines of a chat's transcript within one decision.

    contact_id: what they are of; None: the contact that the chat has come to.
    """

    def __init__(self, center: Center, chat: Chat, contact_id: str | None = None) -> None:
        self._center = center
        self._chat = chat
        self._contact_id = contact_id or chat.contact_id
        self._made = 0

    def add(
        self,
        type_: ItemType,
        content_type: str,
        content: str | None,
        who: Participant | None,
        attachments: tuple[ChatAttachment, ...] = (),
        item_id: str | None = None,
    ) -> ChatItemAdded:
        """who: None: the chat itself."""
        number = _OWN_ITEMS + self._chat.items + self._made
        self._made += 1
        item = ChatItem(
            id=item_id or derive(seed_of(self._chat.id), number),
            at=self._center.at,
            type=type_,
            content_type=content_type,
            content=content,
            participant_id=None if who is None else who.id or None,
            role=None if who is None else who.role,
            display_name=None if who is None else who.display_name,
            contact_id=self._contact_id,
            attachments=attachments,
        )
        return ChatItemAdded(self._chat.id, item)

    def by_system(self, content_type: str, content: str) -> ChatItemAdded:
        """A flow says something."""
        return self.add("MESSAGE", content_type, content, _SYSTEM)

    def event(self, content_type: str, who: Participant | None) -> ChatItemAdded:
        """Something has happened to somebody, or to the chat."""
        return self.add("EVENT", content_type, None, who)


def seed_of(identifier: str) -> Seed:
    """An id as the seed of what belongs to it."""
    return bytes.fromhex(identifier.replace("-", ""))


def present(chat: Chat) -> list[Participant]:
    """Who may be in the chat, connected or not yet."""
    return [each for each in chat.participants.values() if each.left_at is None]


def joining(chat: Chat, who: Participant, lines: Lines) -> Iterator[Event]:
    """Somebody is there."""
    yield ParticipantJoined(chat.id, who.id, who.user_id)
    if not who.silent:
        yield lines.event(words.JOINED, who)


def leaving(chat: Chat, who: Participant, lines: Lines) -> Iterator[Event]:
    """Somebody is there no more."""
    if is_in(who) and not who.silent:
        yield lines.event(words.LEFT, who)
    yield ParticipantLeft(chat.id, who.id, who.user_id)


def of_contact(center: Center, contact_id: str) -> Chat:
    """The chat that a live contact is a part of; refuses with ResourceNotFoundException."""
    contact = center.contacts.get(contact_id)
    chat = center.chats.get(contact.chat_id or "") if contact is not None else None
    if contact is None or contact.stage == "ENDED" or chat is None:
        raise not_found("ContactId", contact_id, "live chat contact")
    return chat


def made_with(chat: Chat, participant_id: str, token: str | None) -> str | None:
    """What this client token has made lately, in this participant's name."""
    return None if token is None else chat.tokens.get(f"{participant_id} {token}")


# What can be said


def check_message(allowed: tuple[str, ...], content_type: str, content: str) -> None:
    """Whether a chat of these content types takes the message; refuses if not."""
    if content_type not in allowed:
        rule = f"is not among what this chat supports: {', '.join(allowed)}"
        raise invalid_parameter("ContentType", content_type, rule)
    size = len(content.encode())
    if not 0 < size <= CHAT_MESSAGE_BYTES_MAX:
        rule = f"is not between 1 and {CHAT_MESSAGE_BYTES_MAX} bytes"
        raise invalid_parameter("Content", f"{size} bytes", rule)
    if content_type in words.STRUCTURED and json_object(content) is None:
        raise invalid_parameter("Content", content, "is no JSON object")


def json_object(content: str | None) -> dict[str, Any] | None:
    """JSON that a flow could keep; None: it is anything else."""
    try:
        value = checked_reply(msgspec.json.decode(content or ""), is_map=False)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def check_room(chat: Chat, content: str | None) -> None:
    """Whether the chat takes another item; refuses if not."""
    if not has_room(chat, content):
        rule = f"has {CHAT_ITEMS_MAX} items or {CHAT_BYTES_MAX} bytes, which is the limit"
        raise invalid_request("ContactId", chat.id, rule)


def has_room(chat: Chat, content: str | None) -> bool:
    """Whether the chat takes another item of this content."""
    size = len((content or "").encode())
    return chat.items < CHAT_ITEMS_MAX and chat.bytes + size <= CHAT_BYTES_MAX
