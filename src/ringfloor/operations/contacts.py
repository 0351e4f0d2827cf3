"""Contacts: start, stop, describe, attributes.

A live contact is read from its center, a final one from the record that the history keeps.
"""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import DIAL_MS
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Contact
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine.contact import caller_id, check_attributes, endpoint
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, identifier, not_yet
from ringfloor.operations.registry import Params, Result, operation

T = TypeVar("T")

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")

_decode_contact = msgspec.msgpack.Decoder(Contact).decode


@operation("StartOutboundVoiceContact")
async def start_outbound_voice_contact(context: Context, params: Params) -> Result:
    """Dial a customer and take him through a flow (behaviour specification, section 5.4)."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    for member in ("AnswerMachineDetectionConfig", "CampaignId", "OutboundStrategy"):
        if getattr(params, member) is not None:
            raise not_yet(member, "...")
    if params.TrafficType not in (None, "GENERAL"):
        raise not_yet("TrafficType", params.TrafficType)
    check_number("DestinationPhoneNumber", params.DestinationPhoneNumber)
    flow_id = identifier(home, "contact_flow", params.ContactFlowId, "ContactFlowId")
    queue_id = None
    if params.QueueId is not None:
        queue_id = identifier(home, "queue", params.QueueId, "QueueId")
    source = await context.read(lambda: _source(desk.center, params.SourcePhoneNumber, queue_id))
    attributes = dict(params.Attributes or {})
    check_attributes(attributes)
    if params.RelatedContactId is not None:
        related = await find(context, desk, params.RelatedContactId, lambda each: each.attributes)
        attributes = {**related, **attributes}
    contact_id = await context.submit(
        desk,
        commands.StartOutboundContact(
            to=params.DestinationPhoneNumber,
            from_number=source,
            flow_id=flow_id,
            queue_id=queue_id,
            attributes=attributes,
            client_token=params.ClientToken,
            name=params.Name,
            description=params.Description,
            related_contact_id=params.RelatedContactId,
            dial_ms=(params.RingTimeoutInSeconds or DIAL_MS // SECOND) * SECOND,
        ),
    )
    return {"ContactId": contact_id}


def check_number(field: str, number: str) -> None:
    """A phone number in E.164."""
    if _E164.fullmatch(number) is None:
        raise invalid_parameter(field, number, "is no E.164 number: + and 2 to 15 digits")


def _source(center: Center, number: str | None, queue_id: str | None) -> str:
    """The number that the callee sees."""
    if number is not None:
        check_number("SourcePhoneNumber", number)
        if number not in center.names["phone_number"]:
            raise not_found("SourcePhoneNumber", number, "phone number")
        return number
    if queue_id is None:
        raise invalid_request("QueueId", None, "or SourcePhoneNumber is needed")
    center.resource("queue", queue_id, "QueueId")
    found = caller_id(center, queue_id)
    if found is None:
        raise invalid_request("QueueId", queue_id, "has no outbound caller id number")
    return found


@operation("StopContact")
async def stop_contact(context: Context, params: Params) -> Result:
    """End a contact where it is."""
    desk = context.desk(params.InstanceId)
    await context.submit(desk, commands.StopContact(params.ContactId))
    return {}


@operation("UpdateContactAttributes")
async def update_contact_attributes(context: Context, params: Params) -> Result:
    """New values for some user attributes of a live contact."""
    desk = context.desk(params.InstanceId)
    update = commands.UpdateAttributes(params.InitialContactId, dict(params.Attributes))
    await context.submit(desk, update)
    return {}


@operation("GetContactAttributes")
async def get_contact_attributes(context: Context, params: Params) -> Result:
    """The user attributes, live or final."""
    desk = context.desk(params.InstanceId)
    contact_id = params.InitialContactId
    attributes = await find(context, desk, contact_id, lambda contact: dict(contact.attributes))
    return {"Attributes": attributes}


@operation("DescribeContact")
async def describe_contact(context: Context, params: Params) -> Result:
    """A contact with its timestamps, live or final."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    return await find(
        context, desk, params.ContactId, lambda contact: {"Contact": view(home, contact)}
    )


async def find(context: Context, desk: Desk, contact_id: str, look: Callable[[Contact], T]) -> T:
    """Look at a contact, live or final; refuses with ResourceNotFoundException."""

    def question() -> tuple[T] | None:
        contact = desk.center.contacts.get(contact_id)
        return None if contact is None else (look(contact),)

    live = await context.read(question)
    if live is not None:
        return live[0]
    record = await context.node.analyse(
        desk, lambda history: history.leg(desk.instance_id, contact_id)
    )
    if record is None:
        raise not_found("ContactId", contact_id, "contact")
    return look(_decode_contact(record))


def _times(**instants: Instant | None) -> Properties:
    return {name: seconds(at) for name, at in instants.items() if at is not None}


def view(home: Home, contact: Contact) -> Properties:
    """A contact as DescribeContact shows it; members that have no value are left out."""
    members: Properties = {
        "Arn": home.contact_arn(contact.id),
        "Id": contact.id,
        "ContactAssociationId": contact.initial_contact_id or contact.id,
        "InitialContactId": contact.initial_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "RelatedContactId": contact.related_contact_id,
        "InitiationMethod": contact.initiation_method,
        "Name": contact.name,
        "Description": contact.description,
        "Channel": contact.channel,
        "QueueInfo": _queue_info(contact),
        "AgentInfo": _agent_info(contact),
        "CustomerEndpoint": endpoint(contact.customer_number),
        "SystemEndpoint": endpoint(contact.system_number),
        "QueuePriority": contact.priority,
        "QueueTimeAdjustmentSeconds": contact.age_adjustment_ms // SECOND or None,
        "DisconnectReason": contact.disconnect_reason,
        "Attributes": dict(contact.attributes) or None,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Telephony"}}
        if contact.channel == "VOICE"
        else None,
        **_times(
            InitiationTimestamp=contact.initiated_at,
            ConnectedToSystemTimestamp=contact.connected_to_system_at,
            DisconnectTimestamp=contact.disconnected_at,
            LastUpdateTimestamp=contact.updated_at,
        ),
    }
    return {name: value for name, value in members.items() if value is not None}


def _queue_info(contact: Contact) -> Properties | None:
    if contact.queue_id is None:
        return None
    return {"Id": contact.queue_id, **_times(EnqueueTimestamp=contact.enqueued_at)}


def _agent_info(contact: Contact) -> Properties | None:
    if contact.connected_to_agent_at is None:
        return None
    started, ended = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    info = {
        "Id": contact.agent_id,
        "AgentInitiatedHoldDuration": contact.hold_ms // SECOND,
        **_times(
            AcceptedByAgentTimestamp=contact.connected_to_agent_at,
            ConnectedToAgentTimestamp=contact.connected_to_agent_at,
            AfterContactWorkStartTimestamp=started,
            AfterContactWorkEndTimestamp=ended,
        ),
    }
    if started is not None and ended is not None:
        info["AfterContactWorkDuration"] = (ended - started) // SECOND
    return info


@operation("PutUserStatus")
async def put_user_status(context: Context, params: Params) -> Result:
    """A supervisor chooses an agent's status."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    await context.submit(
        desk,
        commands.SetAgentStatus(
            identifier(home, "user", params.UserId, "UserId"),
            identifier(home, "agent_status", params.AgentStatusId, "AgentStatusId"),
        ),
    )
    return {}


@operation("DismissUserContact")
async def dismiss_user_contact(context: Context, params: Params) -> Result:
    """Put away an agent's missed, failed or finished contact."""
    desk = context.desk(params.InstanceId)
    user_id = identifier(desk.center.home, "user", params.UserId, "UserId")
    try:
        await context.submit(desk, commands.ClearContact(user_id, params.ContactId))
    except Refusal as refusal:
        if refusal.code == "ContactNotFoundException":  # not among this operation's errors
            raise not_found("ContactId", params.ContactId, "contact of this user") from refusal
        raise
    return {}
