"""Chats: started, continued, streamed, joined by a bot, timed.

What a chat does then is decided by engine.chat; its participants speak to the participant service.
Sources: behaviour specification, section 5.7; botocore's model.
"""

import re
from typing import NamedTuple

from ringfloor.base.errors import invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import CHAT_BOTS_MAX, CHAT_MINUTES_DEFAULT, CHAT_PAST_MAX
from ringfloor.base.time import MINUTE, Instant, iso_milliseconds
from ringfloor.domain import chat as words
from ringfloor.domain import commands
from ringfloor.domain.chat import ChatTimer, Past
from ringfloor.domain.contact import association
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations import chat_tokens, chat_transcripts
from ringfloor.operations.contact_data import segment_value
from ringfloor.operations.contacts import attributes_of, check_readable, find
from ringfloor.operations.context import Context, identifier, not_yet
from ringfloor.operations.registry import Params, Result, operation

SUBTYPE = "connect:Subtype"
SUBTYPES = ("connect:Chat", "connect:Guide")
"""What a chat may be called; a guide needs interactive messages."""


class Thread(NamedTuple):
    """What a chat continues. contact_id: the contact of an ended chat that is named for it."""

    contact_id: str
    past: tuple[Past, ...]
    association_id: str


@operation("StartChatContact")
async def start_chat_contact(context: Context, params: Params) -> Result:
    """A new chat; its customer connects with the token that is answered."""
    desk = context.desk(params.InstanceId)
    if params.ConnectionTypes is not None:
        raise not_yet("ConnectionTypes", "...")
    topic = _topic(context, params.ChatStreamingConfiguration)
    types = _content_types(params)
    segment = await context.read(lambda: _segment(desk.center, params, types))
    attributes = attributes_of(params)
    related, association_id = params.RelatedContactId, None
    thread: Thread | None = None
    if params.PersistentChat is not None:
        if related is not None:
            raise invalid_request("RelatedContactId", related, "excludes PersistentChat")
        given = params.PersistentChat
        thread = await _thread(context, desk, given.RehydrationType, given.SourceContactId)
        related, association_id = thread.contact_id, thread.association_id
    elif related is not None:
        await check_readable(context, desk, related)
        copied, association_id = await find(
            context,
            desk,
            related,
            lambda each: (dict(each.attributes), association(each)),
            "RelatedContactId",
        )
        attributes = {**copied, **attributes}
    life_ms = (params.ChatDurationInMinutes or CHAT_MINUTES_DEFAULT) * MINUTE
    message = params.InitialMessage
    chat_id = await context.submit(
        desk,
        commands.StartChat(
            flow_id=identifier(
                desk.center.home, "contact_flow", params.ContactFlowId, "ContactFlowId"
            ),
            display_name=params.ParticipantDetails.DisplayName,
            attributes=attributes,
            segment_attributes=segment,
            content_types=types,
            initial_message=None if message is None else (message.ContentType, message.Content),
            life_ms=life_ms,
            client_token=params.ClientToken,
            related_contact_id=related,
            association_id=association_id,
            customer_id=params.CustomerId,
            topic=topic,
            exits=tuple(params.DisconnectOnCustomerExit or ()),
            continued_from=None if thread is None else thread.contact_id,
            past=() if thread is None else thread.past,
            quota=context.service.quotas.of("chat"),
        ),
    )
    expires = await context.read(lambda: _expires(desk.center, chat_id, context.now + life_ms))
    answer = {
        "ContactId": chat_id,
        "ParticipantId": words.customer_id(chat_id),
        "ParticipantToken": _token(context, desk, chat_id, words.customer_id(chat_id), expires),
    }
    if topic is not None:
        answer["StreamingId"] = words.first_stream_id(chat_id)
    if thread is not None:
        answer["ContinuedFromContactId"] = thread.contact_id
    return answer


def _content_types(params: Params) -> tuple[str, ...]:
    given = tuple(params.SupportedMessagingContentTypes or (words.TEXT,))
    for each in given:
        if each not in words.MESSAGES:
            rule = f"is none of {', '.join(words.MESSAGES)}"
            raise invalid_parameter("SupportedMessagingContentTypes", each, rule)
    if words.TEXT not in given:
        raise invalid_parameter("SupportedMessagingContentTypes", given, "must have text/plain")
    return given


def _segment(center: Center, params: Params, types: tuple[str, ...]) -> dict[str, str]:
    told = {}
    for name, given in (params.SegmentAttributes or {}).items():
        if name != SUBTYPE:
            told[name] = segment_value(center, name, given)
            continue
        if given.ValueString not in SUBTYPES:
            rule = f"is none of {', '.join(SUBTYPES)}"
            raise invalid_parameter(SUBTYPE, given.ValueString, rule)
        interactive = {words.INTERACTIVE, words.INTERACTIVE_RESPONSE}
        if given.ValueString == "connect:Guide" and not interactive.issubset(types):
            rule = f"needs {' and '.join(sorted(interactive))}"
            raise invalid_parameter("SupportedMessagingContentTypes", types, rule)
        told[name] = given.ValueString
    return told


def _expires(center: Center, chat_id: str, otherwise: Instant) -> Instant:
    """When the chat must be over; one that is over already: when it would have been."""
    chat = center.chats.get(chat_id)
    return otherwise if chat is None else chat.expires_at


def _token(
    context: Context, desk: Desk, chat_id: str, participant_id: str, expires: Instant
) -> str:
    claims = chat_tokens.Claims(desk.instance_id, chat_id, participant_id)
    return chat_tokens.participant_token(context.service.sealer, claims, expires)


async def _thread(context: Context, desk: Desk, how: str | None, source: str | None) -> Thread:
    """The ended chat that is to be continued, with all that it continues itself."""
    if how is None or source is None:
        rule = "needs RehydrationType and SourceContactId"
        raise invalid_request("PersistentChat", how or source, rule)
    await check_readable(context, desk, source)
    chat_id, root = await find(
        context,
        desk,
        source,
        lambda each: (each.chat_id, association(each)),
        "SourceContactId",
    )
    if chat_id is None:
        raise invalid_parameter("SourceContactId", source, "is no chat")
    if how == "ENTIRE_PAST_SESSION" and source != chat_id:
        raise invalid_parameter(
            "SourceContactId", source, f"is not the first of its chat, {chat_id}"
        )
    if await context.read(lambda: chat_id in desk.center.chats):
        raise invalid_request("SourceContactId", source, "belongs to a chat that goes on")
    session = await chat_transcripts.ended(context.node, desk, chat_id)
    if session is None:
        raise not_found("SourceContactId", source, "chat whose transcript is kept")
    if how == "ENTIRE_PAST_SESSION":
        last, contact_id = Past(chat_id), session.last_contact_id
    else:
        last, contact_id = Past(chat_id, source), source
    return Thread(contact_id, (*session.past, last)[-CHAT_PAST_MAX:], root)


@operation("CreatePersistentContactAssociation")
async def create_persistent_contact_association(context: Context, params: Params) -> Result:
    """A chat that goes on continues one that has ended."""
    desk = context.desk(params.InstanceId)
    thread = await _thread(context, desk, params.RehydrationType, params.SourceContactId)
    await context.submit(
        desk, commands.ContinueChat(params.InitialContactId, thread.contact_id, thread.past)
    )
    return {"ContinuedFromContactId": thread.contact_id}


@operation("StartContactStreaming")
async def start_contact_streaming(context: Context, params: Params) -> Result:
    """A topic is told of every message of a chat."""
    desk = context.desk(params.InstanceId)
    topic = _topic(context, params.ChatStreamingConfiguration)
    assert topic is not None
    stream_id = await context.submit(
        desk, commands.StartChatStream(params.ContactId, topic, params.ClientToken)
    )
    return {"StreamingId": stream_id}


def _topic(context: Context, given: Params | None) -> str | None:
    """The topic that is named; nobody would hear of it if the server had no such stream."""
    if given is None:
        return None
    topic: str = given.StreamingEndpointArn
    if TOPIC.fullmatch(topic) is None:
        raise invalid_parameter("StreamingEndpointArn", topic, "is no ARN of a standard SNS topic")
    if not context.node.streams.has("chat-messages"):
        rule = "would reach nobody: start the server with --stream chat-messages=TARGET"
        raise invalid_request("StreamingEndpointArn", topic, rule)
    return topic


TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


@operation("StopContactStreaming")
async def stop_contact_streaming(context: Context, params: Params) -> Result:
    """The topic is told no more."""
    desk = context.desk(params.InstanceId)
    await context.submit(desk, commands.StopChatStream(params.ContactId, params.StreamingId))
    return {}


@operation("CreateParticipant")
async def create_participant(context: Context, params: Params) -> Result:
    """A bot of the user's may come into a chat."""
    desk = context.desk(params.InstanceId)
    details = params.ParticipantDetails
    if details.ParticipantRole != "CUSTOM_BOT":
        rule = "cannot be added to a chat: only CUSTOM_BOT can"
        raise invalid_request("ParticipantRole", details.ParticipantRole, rule)
    if details.DisplayName is None:
        raise invalid_request("DisplayName", None, "is needed")
    if details.ParticipantCapabilities is not None:
        raise invalid_request("ParticipantCapabilities", "...", "are for calls only")
    participant_id = await context.submit(
        desk,
        commands.AddParticipant(
            contact_id=params.ContactId,
            display_name=details.DisplayName,
            client_token=params.ClientToken,
            quota=CHAT_BOTS_MAX,
        ),
    )

    def chat_of() -> tuple[str, Instant]:
        chat_id = desk.center.contacts[params.ContactId].chat_id or ""
        return chat_id, _expires(desk.center, chat_id, context.now)

    chat_id, expires = await context.read(chat_of)
    return {
        "ParticipantId": participant_id,
        "ParticipantCredentials": {
            "ParticipantToken": _token(context, desk, chat_id, participant_id, expires),
            "Expiry": iso_milliseconds(expires),
        },
    }


@operation("UpdateParticipantRoleConfig")
async def update_participant_role_config(context: Context, params: Params) -> Result:
    """What happens when the customer or an agent does nothing for so long."""
    desk = context.desk(params.InstanceId)
    chat = params.ChannelConfiguration.Chat
    if chat is None:
        raise invalid_request("ChannelConfiguration", None, "needs Chat")
    timers = tuple(_timer(each) for each in chat.ParticipantTimerConfigList)
    if len({(each.role, each.type) for each in timers}) < len(timers):
        rule = "has a timer twice"
        raise invalid_parameter("ParticipantTimerConfigList", len(timers), rule)
    await context.submit(desk, commands.SetChatTimers(params.ContactId, timers))
    return {}


def _timer(given: Params) -> ChatTimer:
    value = given.TimerValue
    minutes = value.ParticipantTimerDurationInMinutes
    if (minutes is None) == (value.ParticipantTimerAction is None):
        rule = "needs ParticipantTimerAction or ParticipantTimerDurationInMinutes, not both"
        raise invalid_parameter("TimerValue", minutes, rule)
    return ChatTimer(given.ParticipantRole, given.TimerType, minutes)
