"""Contact: how a contact begins, walks its flow and reaches a queue.

    outbound  DIALING --answer--> IN_FLOW --transfer to queue--> IN_QUEUE --> (connection)
    inbound                       IN_FLOW
    callback  SCHEDULED ---------------------initial delay-----> IN_QUEUE

A flow advances one ask at a time. An ask that the center can answer itself (attributes, target
queue, another flow) is answered at once: FlowStepped carries the outcome and Advance goes on. An
ask of the world (play, gather, invoke) waits for Hear with its number. A flow that ends without a
queue or an agent ends the contact. Sources: behaviour specification, sections 2.3, 2.4, 5.4, 6.2.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    ATTRIBUTES_BYTES_MAX,
    CLIENT_TOKEN_MS,
    CONTACT_REFERENCES_MAX,
    CONTACT_TAGS_MAX,
    FLOW_ACTIONS_PER_TURN_MAX,
    FLOW_MODULES_DEEP_MAX,
    SCHEDULE_AHEAD_MS,
)
from ringfloor.base.time import DAY, Instant, seconds
from ringfloor.domain import changes, dialogue
from ringfloor.domain.commands import (
    Advance,
    ConnectSystem,
    ExpireRecords,
    Hear,
    LoseChannel,
    StartInboundContact,
    StartOutboundContact,
    StopContact,
    TagContact,
    UpdateAttributes,
    UpdateContact,
    UpdateRoutingData,
    UpdateSchedule,
)
from ringfloor.domain.contact import Contact, Reference, kept_since
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactChange,
    ContactConnectedToSystem,
    ContactEnqueued,
    ContactInitiated,
    ContactScheduled,
    ContactTagged,
    ContactUpdated,
    DelayPassed,
    Event,
    FlowEntered,
    FlowStepped,
    ModuleEntered,
    ModuleLeft,
    RecordAmended,
    RecordsExpired,
    RoutingDataUpdated,
    TargetQueueSet,
)
from ringfloor.domain.vocabulary import Channel, DisconnectReason, InitiationMethod
from ringfloor.engine import connection, flows, queue
from ringfloor.engine.schedule import set_deadline
from ringfloor.engine.state import Center
from ringfloor.flow import interpreter

NO_MATCHING_ERROR = dialogue.Failed("NoMatchingError")

# Beginnings


def start_outbound(center: Center, command: StartOutboundContact, seed: Seed) -> Iterator[Event]:
    """Dial a customer. A client token that started a live contact starts nothing."""
    token = command.client_token
    if begun_with(center, token) is not None:
        return
    assert center.instance is not None
    if not center.instance.properties.get("OutboundCallsEnabled"):
        raise Refusal(
            "OutboundContactNotPermittedException",
            f"InstanceId: outbound calls are not enabled for {center.instance.id!r}",
        )
    _check_entry_flow(center, command.flow_id)
    if command.queue_id is not None:
        center.resource("queue", command.queue_id, "QueueId")
    check_attributes(command.attributes)
    _check_references(command.references)
    _check_lines(center, command.quota)
    contact_id = derive(seed, 0)
    yield ContactInitiated(
        Contact(
            id=contact_id,
            channel="VOICE",
            initiation_method="API",
            stage="DIALING",
            initiated_at=center.at,
            updated_at=center.at,
            flow_id=command.flow_id,
            customer_number=command.to,
            system_number=command.from_number,
            queue_id=command.queue_id,
            attributes=command.attributes,
            client_token=token,
            name=command.name,
            description=command.description,
            related_contact_id=command.related_contact_id,
            association_id=command.association_id,
            references=command.references,
        ),
        command.dial_ms,
    )


def begun_with(center: Center, token: str | None) -> str | None:
    """The live contact that this client token has started, while the token is good."""
    contact = center.contacts.get(center.client_tokens.get(token or "", ""))
    if contact is None or contact.initiated_at + CLIENT_TOKEN_MS <= center.at:
        return None
    return contact.id


def start_inbound(center: Center, command: StartInboundContact) -> Iterator[Event]:
    """A customer is on the line; his flow begins with FlowEntered. Told twice, he begins once."""
    if command.contact_id in center.contacts:
        return
    assert center.instance is not None
    if command.channel == "VOICE" and not center.instance.properties.get("InboundCallsEnabled"):
        raise invalid_request("InstanceId", center.instance.id, "takes no inbound calls")
    flow_id = command.flow_id
    if command.to is not None:
        number = center.names["phone_number"].get(command.to)
        if number is None:
            raise not_found("To", command.to, "claimed phone number")
        properties = center.resources["phone_number"][number].properties
        flow_id = flow_id or properties.get("ContactFlowId")
        if flow_id is None:
            raise invalid_request("To", command.to, "has no flow: associate one with the number")
    if flow_id is None:
        raise invalid_request("ContactFlowId", None, "is needed where no number is called")
    _check_entry_flow(center, flow_id)
    if command.channel == "VOICE":
        _check_lines(center, command.quota)
    yield ContactInitiated(
        Contact(
            id=command.contact_id,
            channel=command.channel,
            initiation_method="INBOUND",
            stage="IN_FLOW",
            initiated_at=center.at,
            updated_at=center.at,
            connected_to_system_at=center.at,
            flow_id=flow_id,
            customer_number=command.from_number,
            system_number=command.to,
        )
    )
    yield FlowEntered(command.contact_id, flow_id)


def _check_entry_flow(center: Center, flow_id: str) -> None:
    flow = center.resource("contact_flow", flow_id, "ContactFlowId")
    if flow.properties["Type"] != "CONTACT_FLOW":
        raise invalid_request("ContactFlowId", flow_id, "is not of type CONTACT_FLOW")
    if flow_id not in center.flows:
        raise invalid_request("ContactFlowId", flow_id, "is not published")
    if flow.properties.get("State") == "ARCHIVED":
        raise invalid_request("ContactFlowId", flow_id, "is archived")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """User attributes have a bound over all pairs; refuses with InvalidParameterException."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    if size > ATTRIBUTES_BYTES_MAX:
        raise invalid_parameter(
            "Attributes", f"{size} bytes", f"exceed {ATTRIBUTES_BYTES_MAX} bytes over all pairs"
        )


def _check_references(references: Mapping[str, Reference]) -> None:
    if len(references) > CONTACT_REFERENCES_MAX:
        rule = f"are more than {CONTACT_REFERENCES_MAX} of one contact"
        raise invalid_parameter("References", len(references), rule)


def _check_lines(center: Center, quota: int | None) -> None:
    """Whether there may be another call; refuses with LimitExceededException."""
    if quota is None:
        return
    calls = sum(
        each.channel == "VOICE" and each.stage != "ENDED" for each in center.contacts.values()
    )
    if calls >= quota:
        raise Refusal("LimitExceededException", f"InstanceId: {quota} calls at once are the limit")


# What clients and the world say

STAYS: frozenset[InitiationMethod] = frozenset(
    {"DISCONNECT", "TRANSFER", "QUEUE_TRANSFER", "EXTERNAL_OUTBOUND", "MONITOR"}
)
"""How a call has begun that StopContact does not end."""

STOPPED: Mapping[Channel, DisconnectReason] = {
    "VOICE": "OTHER",
    "CHAT": "API",
    "TASK": "API",
    "EMAIL": "API",
}


def stop(center: Center, command: StopContact) -> Iterator[Event]:
    """StopContact: the contact ends where it is."""
    contact = center.contacts.get(command.contact_id)
    if contact is None or contact.stage == "ENDED":
        raise connection.unknown_contact(command.contact_id)
    if contact.channel == "VOICE" and contact.initiation_method in STAYS:
        rule = f"is a call that began as {contact.initiation_method}, which cannot be stopped"
        raise invalid_request("ContactId", contact.id, rule)
    yield from connection.ending(contact, STOPPED[contact.channel])


Amend = UpdateAttributes | TagContact | UpdateContact
"""What may be asked of a contact that has ended, too."""


def amend(center: Center, command: Amend) -> Iterator[Event]:
    """Something is said of a contact; it is live, or kept and the command has its record."""
    live = center.contacts.get(command.contact_id)
    contact = live or command.record
    if contact is None or (live is None and contact.initiated_at < kept_since(center.at)):
        field = "InitialContactId" if isinstance(command, UpdateAttributes) else "ContactId"
        raise not_found(field, command.contact_id, "contact")
    change = CHANGES[type(command)](contact, command)
    yield change if live is not None else RecordAmended(change)


def _attributes(contact: Contact, command: UpdateAttributes) -> ContactChange:
    check_attributes({**contact.attributes, **command.attributes})
    return AttributesUpdated(contact.id, command.attributes)


def _tags(contact: Contact, command: TagContact) -> ContactChange:
    after = changes.retagged(contact.tags, command.tags)
    if len(after) > CONTACT_TAGS_MAX:
        rule = f"are more than {CONTACT_TAGS_MAX} on one contact"
        raise invalid_parameter("Tags", len(after), rule)
    return ContactTagged(contact.id, command.tags)


def _data(contact: Contact, command: UpdateContact) -> ContactChange:
    _check_references({**contact.references, **command.references})
    return ContactUpdated(
        contact.id,
        command.name,
        command.description,
        command.references,
        command.segment_attributes,
    )


CHANGES: Mapping[type, Callable[[Contact, Any], ContactChange]] = {
    UpdateAttributes: _attributes,
    TagContact: _tags,
    UpdateContact: _data,
}


def update_routing_data(center: Center, command: UpdateRoutingData) -> Iterator[Event]:
    """UpdateContactRoutingData: another rank, now or when the contact will be in queue."""
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        raise not_found("ContactId", command.contact_id, "live contact")
    if contact.stage in ("CONNECTED", "ENDED"):
        raise Refusal(
            "ResourceConflictException",
            f"ContactId: {contact.id!r} is {contact.stage}; it waits for nobody any more",
        )
    yield RoutingDataUpdated(contact.id, command.priority, command.age_adjustment_ms)


def update_schedule(center: Center, command: UpdateSchedule) -> Iterator[Event]:
    """UpdateContactSchedule: a task that waits for its time waits for another."""
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        raise not_found("ContactId", command.contact_id, "live contact")
    if contact.channel != "TASK" or contact.stage != "SCHEDULED":
        raise invalid_request("ContactId", contact.id, "is not a scheduled task")
    ahead = command.until - center.at
    if not 0 <= ahead <= SCHEDULE_AHEAD_MS:
        rule = f"is not within the {SCHEDULE_AHEAD_MS // DAY} days from now"
        raise invalid_parameter("ScheduledTime", seconds(command.until), rule)
    assert contact.queue_id is not None
    yield ContactScheduled(contact.id, contact.queue_id, contact.channel, command.until)


def expire_records(center: Center, _command: ExpireRecords) -> Iterator[Event]:
    """What is no longer kept is forgotten."""
    yield RecordsExpired(kept_since(center.at))


def connect(center: Center, command: ConnectSystem) -> Iterator[Event]:
    """The callee has answered; stale news is no news."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.stage == "DIALING":
        assert contact.flow_id is not None
        yield ContactConnectedToSystem(contact.id)
        yield FlowEntered(contact.id, contact.flow_id)


def lose_channel(center: Center, command: LoseChannel) -> Iterator[Event]:
    """The customer's channel is gone; stale news is no news."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.stage != "ENDED":
        yield from connection.ending(contact, command.reason)


def hear(center: Center, command: Hear) -> Iterator[Event]:
    """The world has answered an ask; an answer to another ask is stale."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.ask is not None and contact.asks == command.ask:
        yield from advance(center, Advance(contact.id, command.heard))


# The flow


def advance(center: Center, command: Advance) -> Iterator[Event]:
    """One step of the contact's flow, to its next ask."""
    contact = center.contacts.get(command.contact_id)
    if contact is None or contact.stage != "IN_FLOW" or contact.session is None:
        return
    flow = flows.running(center, contact)
    step = interpreter.step(flow, contact.session, command.heard, view(center, contact))
    ask = step.ask
    if command.actions >= FLOW_ACTIONS_PER_TURN_MAX:
        ask = dialogue.End("too_many_actions")
    outcome, consequences = _answer(center, contact, ask)
    yield FlowStepped(contact.id, step.session, ask, outcome)
    yield from consequences


def _answer(
    center: Center, contact: Contact, ask: dialogue.Ask
) -> tuple[dialogue.Heard | None, tuple[Event, ...]]:
    """What the center says to an ask at once (None: the world answers), and what follows."""
    match ask:
        case dialogue.Play() | dialogue.Gather():
            return None, ()
        case dialogue.Invoke(asynchronous=asynchronous):
            return (dialogue.Done() if asynchronous else None), ()
        case dialogue.SetLogging():
            return dialogue.Done(), ()
        case dialogue.SetAttributes():
            return _set_attributes(contact, ask)
        case dialogue.SetTargetQueue():
            return _set_target_queue(center, contact, ask)
        case dialogue.TransferToQueue():
            return _transfer_to_queue(center, contact)
        case dialogue.EnterFlow(flow_id=flow_id):
            entered = flows.entered_by(center, "contact_flow", flow_id)
            if entered is None:
                return NO_MATCHING_ERROR, ()
            return None, (FlowEntered(contact.id, entered),)
        case dialogue.EnterModule():
            return _enter_module(center, contact, ask)
        case dialogue.Disconnect() | dialogue.End() | dialogue.LeaveModule():
            return None, tuple(_over(contact, ask))


def _enter_module(
    center: Center, contact: Contact, ask: dialogue.EnterModule
) -> tuple[dialogue.Heard | None, tuple[Event, ...]]:
    entered = flows.entered_by(center, "contact_flow_module", ask.module_id)
    if entered is None or len(contact.callers) >= FLOW_MODULES_DEEP_MAX:
        return NO_MATCHING_ERROR, ()
    return None, (ModuleEntered(contact.id, entered, ask.input),)


def _over(
    contact: Contact, ask: dialogue.Disconnect | dialogue.End | dialogue.LeaveModule
) -> Iterator[Event]:
    """Back to the caller where a module is over or has nowhere to go; else the contact ends."""
    if contact.callers and isinstance(ask, dialogue.LeaveModule):
        yield ModuleLeft(contact.id, dialogue.Done())
    elif contact.callers and ask == dialogue.End("dead_end"):
        yield ModuleLeft(contact.id, NO_MATCHING_ERROR)
    else:
        yield from connection.ending(contact, "CONTACT_FLOW_DISCONNECT")


def _set_attributes(
    contact: Contact, ask: dialogue.SetAttributes
) -> tuple[dialogue.Heard, tuple[Event, ...]]:
    if ask.target != "Current":
        return NO_MATCHING_ERROR, ()
    try:
        check_attributes({**contact.attributes, **ask.attributes})
    except Refusal:
        return NO_MATCHING_ERROR, ()
    return dialogue.Done(), (AttributesUpdated(contact.id, ask.attributes),)


def _set_target_queue(
    center: Center, contact: Contact, ask: dialogue.SetTargetQueue
) -> tuple[dialogue.Heard, tuple[Event, ...]]:
    identifier = last_segment(ask.queue_id or ask.agent_id or "")
    known = center.resources["queue"] if ask.queue_id else center.resources["user"]
    if identifier not in known:
        return NO_MATCHING_ERROR, ()
    return dialogue.Done(), (TargetQueueSet(contact.id, identifier),)


def _transfer_to_queue(
    center: Center, contact: Contact
) -> tuple[dialogue.Heard | None, tuple[Event, ...]]:
    target = contact.queue_id
    if target is None:
        return NO_MATCHING_ERROR, ()
    if target not in center.agents:
        resource = center.resources["queue"].get(target)
        if resource is None or resource.properties["Status"] != "ENABLED":
            return NO_MATCHING_ERROR, ()
    if queue.is_full(center, target):
        return dialogue.Failed("QueueAtCapacity"), ()
    return None, (ContactEnqueued(contact.id, target, contact.channel),)


def last_segment(identifier: str) -> str:
    """The id of an id or ARN."""
    return identifier.rsplit("/", 1)[-1]


def view(center: Center, contact: Contact) -> dict[str, Any]:
    """What $-references of a flow can see of this contact (section 6.3)."""
    home = center.home
    return {
        "ContactId": contact.id,
        "InitialContactId": contact.initial_contact_id or contact.id,
        "PreviousContactId": contact.previous_contact_id,
        "RelatedContactId": contact.related_contact_id,
        "Channel": contact.channel,
        "InitiationMethod": contact.initiation_method,
        "InstanceARN": home.arn,
        "AwsRegion": home.region,
        "LanguageCode": "en-US",
        "Name": contact.name,
        "Description": contact.description,
        "CustomerEndpoint": endpoint(contact.customer_number),
        "SystemEndpoint": endpoint(contact.system_number),
        "CustomerCallbackNumber": contact.customer_number,
        "Attributes": contact.attributes,
        "Queue": _queue_view(center, contact.queue_id),
    }


def endpoint(number: str | None) -> dict[str, str] | None:
    """A telephone endpoint in the API's form."""
    return None if number is None else {"Address": number, "Type": "TELEPHONE_NUMBER"}


def _queue_view(center: Center, queue_id: str | None) -> dict[str, Any] | None:
    resource = center.resources["queue"].get(queue_id or "")
    if resource is None:
        return None
    return {
        "Name": resource.name,
        "ARN": center.home.arn_of("queue", resource.id),
        "OutboundCallerId": endpoint(caller_id(center, resource.id)),
    }


def caller_id(center: Center, queue_id: str) -> str | None:
    """The number that calls on behalf of a queue show."""
    config = center.resources["queue"][queue_id].properties.get("OutboundCallerConfig") or {}
    number = center.resources["phone_number"].get(config.get("OutboundCallerIdNumberId") or "")
    return number.name if number else None


# What the events do


def initiated(center: Center, event: ContactInitiated, at: Instant) -> None:
    contact = msgspec.structs.replace(
        event.contact, attributes=dict(event.contact.attributes), turn=center.next_turn()
    )
    center.contacts[contact.id] = contact
    if contact.client_token is not None:
        center.client_tokens[contact.client_token] = contact.id
    if contact.stage == "DIALING":
        assert contact.flow_id is not None
        flows.bind(center, contact, contact.flow_id)
        set_deadline(center, contact, at + event.dial_ms)


def scheduled(center: Center, event: ContactScheduled, _at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.stage = "SCHEDULED"
    contact.queue_id = event.queue_id
    set_deadline(center, contact, event.until)


def connected_to_system(center: Center, event: ContactConnectedToSystem, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    set_deadline(center, contact, None)
    contact.stage = "IN_FLOW"
    contact.connected_to_system_at = at
    contact.updated_at = at


def flow_entered(center: Center, event: FlowEntered, _at: Instant) -> None:
    flows.enter(center, center.contacts[event.contact_id], event.flow_id)


def module_entered(center: Center, event: ModuleEntered, _at: Instant) -> None:
    flows.call(center, center.contacts[event.contact_id], event.module_id, event.input)


def module_left(center: Center, event: ModuleLeft, _at: Instant) -> None:
    flows.come_back(center, center.contacts[event.contact_id])


def flow_stepped(center: Center, event: FlowStepped, _at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.session = event.session
    contact.asks += 1
    contact.ask = event.ask if event.outcome is None else None


def changed(center: Center, event: ContactChange, at: Instant) -> None:
    changes.change(center.contacts[event.contact_id], event, at)


def routing_data_updated(center: Center, event: RoutingDataUpdated, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    stands = contact.stage == "IN_QUEUE"
    if stands:
        queue.leave(center, contact)
    if event.priority is not None:
        contact.priority = event.priority
    if event.age_adjustment_ms is not None:
        contact.age_adjustment_ms = event.age_adjustment_ms
    contact.updated_at = at
    if stands:
        queue.enter(center, contact)


def past(_center: Center, _event: RecordAmended | RecordsExpired, _at: Instant) -> None:
    """The center holds no ended contacts; those who keep them are told."""


def target_queue_set(center: Center, event: TargetQueueSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.queue_id = event.queue_id
    contact.updated_at = at


def enqueued(center: Center, event: ContactEnqueued, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    set_deadline(center, contact, None)
    contact.stage = "IN_QUEUE"
    contact.queue_id = event.queue_id
    contact.enqueued_at = at
    contact.turn = center.next_turn()
    flows.leave(center, contact)
    contact.updated_at = at
    stand_in_queue(center, contact)


def stand_in_queue(center: Center, contact: Contact) -> None:
    """Count the contact in its queue and, unless it rings at an agent, stand it in line."""
    if contact.stage in ("IN_QUEUE", "OFFERED"):
        assert contact.queue_id is not None
        center.queued[contact.queue_id] = center.queued.get(contact.queue_id, 0) + 1
    if contact.stage == "IN_QUEUE":
        queue.enter(center, contact)


def delay_passed(center: Center, event: DelayPassed, _at: Instant) -> None:
    queue.ripen(center, center.contacts[event.contact_id], event.delay_ms)
