"""Chat streams: messages of a chat, told to a topic as they come.

StartContactStreaming names the topic of a live chat; from then on each line of its transcript is a
notification to that topic, in the form in which Amazon SNS delivers it to an HTTP address. Called
by the decisions about chats, and by the node's streams for every event. Source: Amazon Connect
administrator guide, real-time chat message streaming.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ringfloor.base.errors import Refusal, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import CHAT_STREAMS_MAX
from ringfloor.base.time import Instant, iso_milliseconds
from ringfloor.domain.chat import ChatItem
from ringfloor.domain.commands import StartChatStream, StopChatStream
from ringfloor.domain.events import ChatItemAdded, ChatStreamStarted, ChatStreamStopped, Event
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center
from ringfloor.engine.transcript import made_with, of_contact


def start(center: Center, command: StartChatStream, seed: Seed) -> Iterator[Event]:
    """The chat is told to another topic. A client token that has begun a stream begins none."""
    chat = of_contact(center, command.contact_id)
    if made_with(chat, STREAM, command.client_token) is not None:
        return
    if len(chat.streams) >= CHAT_STREAMS_MAX:
        raise Refusal(
            "LimitExceededException",
            f"ContactId: {command.contact_id!r} has {CHAT_STREAMS_MAX} streams, the limit",
        )
    yield ChatStreamStarted(chat.id, derive(seed, 0), command.endpoint, command.client_token)


def started_as(center: Center, command: StartChatStream, seed: Seed) -> str:
    """The stream that the command has begun, or its client token before."""
    chat = of_contact(center, command.contact_id)
    return made_with(chat, STREAM, command.client_token) or derive(seed, 0)


STREAM = "stream"
"""In whose name the client tokens of streams are kept."""


def stop(center: Center, command: StopChatStream) -> Iterator[Event]:
    """The topic is told no more."""
    chat = of_contact(center, command.contact_id)
    if command.stream_id not in chat.streams:
        raise not_found("StreamingId", command.stream_id, "stream of this chat")
    yield ChatStreamStopped(chat.id, command.stream_id)


class Notification(NamedTuple):
    """A line of a chat that a topic is told of."""

    topic: str
    chat_id: str
    item: ChatItem


def notifications(center: Center, event: Event) -> Iterator[Notification]:
    """What topics are told of this event, which has just been applied."""
    if isinstance(event, ChatItemAdded):
        for topic in center.chats[event.chat_id].streams.values():
            yield Notification(topic, event.chat_id, event.item)


def envelope(center: Center, told: Notification, identifier: str, at: Instant) -> Properties:
    """A notification as SNS delivers it; everybody in the chat may see what it says."""
    item, home = told.item, center.home
    message = {
        "AbsoluteTime": iso_milliseconds(item.at),
        "Content": item.content,
        "ContentType": item.content_type,
        "Id": item.id,
        "Type": item.type,
        "ParticipantId": item.participant_id,
        "DisplayName": item.display_name,
        "ParticipantRole": item.role,
        "Attachments": [
            {
                "AttachmentId": file.id,
                "AttachmentName": file.name,
                "ContentType": file.content_type,
                "Status": "APPROVED",
            }
            for file in item.attachments
        ]
        or None,
        "InitialContactId": told.chat_id,
        "ContactId": item.contact_id,
    }
    attributes = {
        "InitialContactId": told.chat_id,
        "ContactId": item.contact_id,
        "ParticipantRole": item.role,
        "InstanceId": home.instance_id,
        "AccountId": home.account,
        "Type": item.type,
        "ContentType": item.content_type,
        "MessageVisibility": "ALL",
    }
    given = {name: value for name, value in message.items() if value is not None}
    return {
        "Type": "Notification",
        "MessageId": identifier,
        "TopicArn": told.topic,
        "Message": msgspec.json.encode(given).decode(),
        "Timestamp": iso_milliseconds(at),
        "MessageAttributes": {
            name: {"Type": "String", "Value": value}
            for name, value in attributes.items()
            if value is not None
        },
    }
