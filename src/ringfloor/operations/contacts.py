"""Contacts: start, stop, describe.

A live contact is read from its center, a final one from the record that the history keeps, for as
long as records are kept.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar, get_args

import msgspec

from ringfloor.aws.access import Environment, accesses
from ringfloor.aws.request import ask
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import CONTACT_TAGS_MAX, DIAL_MS
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.domain import commands, criteria
from ringfloor.domain.contact import (
    Contact,
    HandedOn,
    Reference,
    ReferenceType,
    association,
    kept_since,
)
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.resources import Home, Properties
from ringfloor.engine import chat_figures, hierarchy
from ringfloor.engine.contact_records import RECORDED, quality, tags
from ringfloor.engine.entry import check_attributes
from ringfloor.engine.state import Center
from ringfloor.engine.view import caller_id, endpoint, segment_attributes
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.operations.context import Context, identifier, not_yet
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.operations.tags import tags_of

T = TypeVar("T")

_EPOCH_SECONDS = re.compile(r"[0-9]+")
_ATTRIBUTE_KEY = re.compile(r"[0-9A-Za-z_-]+")

NOT_DIALLED = ("+447",)
"""Beginnings of numbers that AWS opens on request only: with its limits they are refused."""

REFERENCE_TYPES: tuple[ReferenceType, ...] = get_args(ReferenceType)

_decode_contact = msgspec.msgpack.Decoder(Contact).decode


@operation("StartOutboundVoiceContact")
async def start_outbound_voice_contact(context: Context, params: Params) -> Result:
    """Dial a customer and take him through a flow (behaviour specification, section 5.4)."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home
    _check_traffic(params)
    check_number("DestinationPhoneNumber", params.DestinationPhoneNumber)
    if context.service.quotas.defaults and params.DestinationPhoneNumber.startswith(NOT_DIALLED):
        raise Refusal(
            "DestinationNotAllowedException",
            f"DestinationPhoneNumber: {params.DestinationPhoneNumber!r} begins with one of"
            f" {', '.join(NOT_DIALLED)}; such numbers may not be called",
        )
    flow_id = identifier(home, "contact_flow", params.ContactFlowId, "ContactFlowId")
    queue_id = None
    if params.QueueId is not None:
        queue_id = identifier(home, "queue", params.QueueId, "QueueId")
    source = await context.read(lambda: _source(desk.center, params.SourcePhoneNumber, queue_id))
    attributes = attributes_of(params)
    check_attributes(attributes)
    association_id = None
    if params.RelatedContactId is not None:
        await check_readable(context, desk, params.RelatedContactId)
        copied, association_id = await find(
            context,
            desk,
            params.RelatedContactId,
            lambda related: (related.attributes, association(related)),
            "RelatedContactId",
        )
        attributes = {**copied, **attributes}
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
            association_id=association_id,
            references=references_of(params),
            dial_ms=(params.RingTimeoutInSeconds or DIAL_MS // SECOND) * SECOND,
            quota=context.service.quotas.of("call"),
        ),
    )
    return {"ContactId": contact_id}


def _check_traffic(params: Params) -> None:
    """Campaigns, and what only they may ask for, are not there yet."""
    if params.TrafficType not in (None, "GENERAL"):
        raise not_yet("TrafficType", params.TrafficType)
    for member in ("CampaignId", "OutboundStrategy"):
        if getattr(params, member) is not None:
            raise not_yet(member, "...")
    detection = params.AnswerMachineDetectionConfig
    if detection is not None and detection.EnableAnswerMachineDetection:
        raise invalid_request("EnableAnswerMachineDetection", True, "needs TrafficType CAMPAIGN")
    if detection is not None and detection.AwaitAnswerMachinePrompt:
        raise invalid_request(
            "AwaitAnswerMachinePrompt", True, "needs EnableAnswerMachineDetection"
        )


def attributes_of(params: Params) -> dict[str, str]:
    """The user attributes of a request; their keys are letters, digits, dashes, underscores."""
    attributes = dict(params.Attributes or {})
    for key in attributes:
        if _ATTRIBUTE_KEY.fullmatch(key) is None:
            rule = "is no key: alphanumeric, dash and underscore characters only"
            raise invalid_parameter("Attributes", key, rule)
    return attributes


def references_of(params: Params) -> dict[str, Reference]:
    """The references of a request, of the types that calls have."""
    return {name: _reference(given) for name, given in (params.References or {}).items()}


def _reference(given: Params) -> Reference:
    if given.Type not in REFERENCE_TYPES:
        types = ", ".join(REFERENCE_TYPES)
        raise invalid_parameter("Type", given.Type, f"is no reference of a call: one of {types}")
    for member in ("Status", "Arn", "StatusReason"):
        if getattr(given, member) is not None:
            rule = "belongs to attachments, which calls do not have"
            raise invalid_parameter(member, getattr(given, member), rule)
    if given.Type == "DATE" and _EPOCH_SECONDS.fullmatch(given.Value or "") is None:
        raise invalid_parameter("Value", given.Value, "is no date: seconds since the epoch")
    return Reference(given.Type, given.Value)


def check_number(field: str, number: str) -> None:
    """A phone number in E.164."""
    if not is_e164(number):
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
    if params.DisconnectReason is not None:
        rule = "is for outbound campaigns only"
        raise invalid_parameter("DisconnectReason", params.DisconnectReason.Code, rule)
    await context.submit(desk, commands.StopContact(params.ContactId))
    return {}


@operation("DescribeContact")
async def describe_contact(context: Context, params: Params) -> Result:
    """A contact with its timestamps, live or final."""
    desk = context.desk(params.InstanceId)
    return await find(
        context, desk, params.ContactId, lambda contact: {"Contact": view(desk.center, contact)}
    )


async def find(
    context: Context,
    desk: Desk,
    contact_id: str,
    look: Callable[[Contact], T],
    field: str = "ContactId",
) -> T:
    """Look at a contact, live or final; refuses with ResourceNotFoundException."""

    def question() -> tuple[T] | None:
        contact = desk.center.contacts.get(contact_id)
        return None if contact is None else (look(contact),)

    live = await context.read(question)
    if live is not None:
        return live[0]
    return look(await final(context, desk, contact_id, field))


async def tags_of_ended(node: Node, instance: str, contact_id: str) -> Mapping[str, str]:
    """The tags of a contact that has ended, for decisions about it; none if there is none."""
    desk = node.desks.get(instance.rsplit("/", 1)[-1])
    if desk is None or contact_id in desk.center.contacts:
        return {}
    record = await node.analyse(desk, lambda history: history.leg(desk.instance_id, contact_id))
    return {} if record is None else _decode_contact(record).tags


async def check_readable(context: Context, desk: Desk, contact_id: str) -> None:
    """Whether the caller may read a contact whose attributes he has copied.

    Refuses with AccessDeniedException where no policy allows him DescribeContact of it.
    """
    accounts, sender = context.service.accounts, context.principal
    if not accounts.asks(sender):
        return  # nothing need be looked up
    ended = await tags_of_ended(context.node, desk.instance_id, contact_id)

    def tags(arn: str) -> Mapping[str, str]:
        return ended or tags_of(context.node, arn)

    environment = Environment(
        context.source,
        context.now,
        context.service.region,
        context.headers,
        tags,
        secure=context.secure,
    )
    arn = desk.center.home.contact_arn(contact_id)
    ask(accounts, sender, lambda: accesses("connect:DescribeContact", (arn,), sender, environment))


async def final(context: Context, desk: Desk, contact_id: str, field: str = "ContactId") -> Contact:
    """A final contact that is still kept; refuses with ResourceNotFoundException."""
    record = await context.node.analyse(
        desk, lambda history: history.leg(desk.instance_id, contact_id)
    )
    contact = None if record is None else _decode_contact(record)
    if contact is None or contact.initiated_at < kept_since(context.now, desk.center.record_months):
        raise not_found(field, contact_id, "contact")
    return contact


def _times(**instants: Instant | None) -> Properties:
    return {name: seconds(at) for name, at in instants.items() if at is not None}


def view(center: Center, contact: Contact) -> Properties:
    """A contact as DescribeContact shows it; members that have no value are left out.

    DisconnectDetails is one of them: nobody looks for potential issues of disconnected calls.
    """
    home = center.home
    members: Properties = {
        "Arn": home.contact_arn(contact.id),
        "Id": contact.id,
        "ContactAssociationId": association(contact),
        "InitialContactId": contact.initial_contact_id,
        "PreviousContactId": contact.previous_contact_id,
        "RelatedContactId": contact.related_contact_id,
        "InitiationMethod": method(contact.initiation_method),
        "TotalPauseCount": contact.pauses or None,
        "TotalPauseDurationInSeconds": contact.pause_ms // SECOND if contact.pauses else None,
        "TaskTemplateInfo": _template(home, contact),
        "Name": contact.name,
        "Description": contact.description,
        "Channel": contact.channel,
        "QueueInfo": _queue_info(contact),
        "AgentInfo": _agent_info(center, contact),
        "CustomerEndpoint": endpoint(contact.customer_number),
        "SystemEndpoint": _system_endpoint(contact),
        "RoutingCriteria": routing_criteria(contact),
        "QueuePriority": contact.priority,
        "QueueTimeAdjustmentSeconds": contact.age_adjustment_ms // SECOND or None,
        "DisconnectReason": contact.disconnect_reason,
        "QualityMetrics": quality(contact),
        "Recordings": _recordings(contact),
        "CustomerId": contact.customer_id,
        "ChatMetrics": chat_figures.shown(contact, seconds),
        "Attributes": dict(contact.attributes) or None,
        "Tags": _tags(home, contact),
        "SegmentAttributes": segment_attributes(contact) or None,
        "NextContacts": [_handed_on(each) for each in contact.handed_on[:NEXT_MAX]] or None,
        **_times(
            InitiationTimestamp=contact.initiated_at,
            ScheduledTimestamp=contact.scheduled_at,
            ConnectedToSystemTimestamp=contact.connected_to_system_at,
            DisconnectTimestamp=contact.disconnected_at,
            LastUpdateTimestamp=contact.updated_at,
            LastPausedTimestamp=contact.last_paused_at,
            LastResumedTimestamp=contact.last_resumed_at,
        ),
    }
    return {name: value for name, value in members.items() if value is not None}


NEXT_MAX = 24
"""Of the model's NextContacts, which knows those that quick connects have made."""


def _handed_on(made: HandedOn) -> Properties:
    data = {
        "ContactId": made.contact_id,
        "QuickConnectId": made.quick_connect_id,
        "QuickConnectName": made.name,
        "QuickConnectType": made.type,
        **_times(InitiationTimestamp=made.initiated_at),
    }
    return {
        "Type": "QUICK_CONNECT",
        "NextContactMetadata": {"QuickConnectContactData": data},
    }


NO_SYSTEM_ENDPOINT = ("MONITOR", "QUEUE_TRANSFER", "CALLBACK")
"""Initiation methods whose contacts show none, as DescribeContact says."""


def _system_endpoint(contact: Contact) -> Mapping[str, str] | None:
    if contact.initiation_method in NO_SYSTEM_ENDPOINT:
        return None
    return endpoint(contact.system_number)


def _tags(home: Home, contact: Contact) -> dict[str, str]:
    """Tags of users, then AWS's own, as far as the six entries that the model allows go."""
    return dict(list(tags(home, contact).items())[:CONTACT_TAGS_MAX])


def method(initiation_method: str) -> str:
    """How a contact began, in the words of the API, which has one for all callbacks."""
    return "CALLBACK" if initiation_method.startswith("CALLBACK") else initiation_method


def _template(home: Home, contact: Contact) -> Properties | None:
    if contact.template is None:
        return None
    arn = home.arn_of("task_template", contact.template.id)
    return {"Arn": arn, "Name": contact.template.name}


def _queue_info(contact: Contact) -> Properties | None:
    if contact.queue_id is None:
        return None
    return {"Id": contact.queue_id, **_times(EnqueueTimestamp=contact.enqueued_at)}


SHOWN_STATUS = {"DEACTIVATED": "INACTIVE", "INTERRUPTED": "EXPIRED"}
"""What DescribeContact says of steps whose status its model does not have."""


def routing_criteria(contact: Contact) -> Properties | None:
    """The last routing criteria of the contact."""
    if not contact.criteria:
        return None
    told = criteria.shown(contact.criteria[-1], seconds)
    for step in told["Steps"]:
        step["Status"] = SHOWN_STATUS.get(step["Status"], step["Status"])
    return told


def _recordings(contact: Contact) -> list[Properties] | None:
    """What is known of the recording; without sound there is no place where it is stored."""
    recording = contact.recording
    if recording is None:
        return None
    stored = {
        "StorageType": None if recording.location is None else "S3",
        "Location": recording.location,
        "Status": recording.status,
        "DeletionReason": recording.deletion_reason,
    }
    return [
        {
            "MediaStreamType": "AUDIO",
            "ParticipantType": RECORDED[recording.track],
            **{name: value for name, value in stored.items() if value is not None},
            **_times(StartTimestamp=recording.started_at, StopTimestamp=recording.stopped_at),
        }
    ]


def _transitions(contact: Contact) -> list[Properties]:
    """From when to when a supervisor was there; the model has no word for what he did."""
    first, last = contact.watches[0], contact.watches[-1]
    return [
        {
            "State": "CONNECTED",
            **_times(StateStartTimestamp=first.since, StateEndTimestamp=last.until),
        }
    ]


def _agent_info(center: Center, contact: Contact) -> Properties | None:
    """The agent whom the contact was connected to; the groups are those that he has now."""
    if contact.connected_to_agent_at is None:
        return None
    groups = hierarchy.of_user(center, contact.agent_id or "")
    started, ended = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    info = {
        "Id": contact.agent_id,
        "AgentInitiatedHoldDuration": contact.hold_ms // SECOND,
        **(
            {"AgentPauseDurationInSeconds": contact.agent_pause_ms // SECOND}
            if contact.pauses
            else {}
        ),
        **_times(
            AcceptedByAgentTimestamp=contact.accepted_at or contact.connected_to_agent_at,
            ConnectedToAgentTimestamp=contact.connected_to_agent_at,
            AfterContactWorkStartTimestamp=started,
            AfterContactWorkEndTimestamp=ended,
        ),
    }
    if groups:
        info["HierarchyGroups"] = {
            f"Level{number}": {"Arn": center.home.arn_of("hierarchy_group", group.id)}
            for number, group in enumerate(groups, 1)
        }
    if contact.watches:
        info["StateTransitions"] = _transitions(contact)
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
