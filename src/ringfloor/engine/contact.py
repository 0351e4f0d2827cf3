"""Contact: how a contact begins, walks its flow and reaches a queue.

    outbound  DIALING --answer--> IN_FLOW --transfer to queue--> IN_QUEUE --> (connection)
    inbound                       IN_FLOW
    callback  SCHEDULED ---------------------initial delay-----> IN_QUEUE

What its flows ask is answered in engine.answers; a flow that ends without a queue or an agent ends
the contact. Sources: behaviour specification, sections 2.3, 2.4 and 5.4.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

import msgspec
from sortedcontainers import SortedList

from ringfloor.base.errors import invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import (
    CONTACT_TAGS_MAX,
    SCHEDULE_AHEAD_MS,
)
from ringfloor.base.time import DAY, Instant, seconds
from ringfloor.domain import changes
from ringfloor.domain.call import customer_leg
from ringfloor.domain.commands import (
    ConnectSystem,
    ExpireRecords,
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
from ringfloor.domain.contact import Contact, kept_since
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactChange,
    ContactConnectedToSystem,
    ContactEnqueued,
    ContactImported,
    ContactInitiated,
    ContactScheduled,
    ContactTagged,
    ContactUpdated,
    DelayPassed,
    Event,
    FlowEntered,
    RecordAmended,
    RecordsExpired,
    RoutingDataUpdated,
    TargetQueueSet,
)
from ringfloor.domain.vocabulary import Channel, DisconnectReason, InitiationMethod
from ringfloor.engine import (
    call,
    connection,
    flows,
    joining,
    outbound,
    queue,
    routing,
    transfer,
)
from ringfloor.engine.entry import (
    begun_with,
    check_attributes,
    check_dialling,
    check_flow,
    check_quota,
    check_references,
    counted_as,
    dialled,
    is_out,
)
from ringfloor.engine.schedule import EXPIRY, set_deadline, set_timer, take_turn
from ringfloor.engine.state import Center

# Beginnings


def start_outbound(center: Center, command: StartOutboundContact, seed: Seed) -> Iterator[Event]:
    """Dial a customer. A client token that started a live contact starts nothing."""
    token = command.client_token
    if begun_with(center, token) is not None:
        return
    check_dialling(center, command.to, "DestinationPhoneNumber")
    check_flow(center, command.flow_id)
    if command.queue_id is not None:
        center.resource("queue", command.queue_id, "QueueId")
    check_attributes(command.attributes)
    check_references(command.references)
    check_quota(center, "VOICE", command.quota, "LimitExceededException")
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
    check_flow(center, flow_id)
    if command.channel == "VOICE":
        check_quota(center, "VOICE", command.quota, "LimitExceededException")
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
            attributes=command.attributes,
            headers=command.headers,
        )
    )
    yield FlowEntered(command.contact_id, flow_id)


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
    kept = kept_since(center.at, center.record_months)
    if contact is None or (live is None and contact.initiated_at < kept):
        field = "InitialContactId" if isinstance(command, UpdateAttributes) else "ContactId"
        raise not_found(field, command.contact_id, "contact")
    change = CHANGES[type(command)](contact, command)
    yield change if live is not None else RecordAmended(change)
    if live is None and isinstance(command, UpdateAttributes):
        for each in center.chains.get(contact.initial_contact_id or contact.id, ()):
            yield AttributesUpdated(each, command.attributes)  # the others share them
            return


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
    check_references({**contact.references, **command.references})
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
    contact = routing.waiting(center, command.contact_id)
    if command.steps is None or (command.priority, command.age_adjustment_ms) != (None, None):
        yield RoutingDataUpdated(contact.id, command.priority, command.age_adjustment_ms)
    if command.steps is not None:
        yield routing.criteria_set(center, contact, command.steps)


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
    queue_id = None if contact.flow_id is not None else contact.queue_id
    yield ContactScheduled(contact.id, queue_id, contact.channel, command.until)


def expire_records(center: Center, _command: ExpireRecords) -> Iterator[Event]:
    """What is no longer kept is forgotten."""
    yield RecordsExpired(kept_since(center.at, center.record_months))


def connect(center: Center, command: ConnectSystem) -> Iterator[Event]:
    """The callee has answered; stale news is no news."""
    leg = command.contact_id
    contact = center.contacts.get(center.legs.get(leg, leg))
    if contact is None or contact.stage != "DIALING":
        return
    dialled = customer_leg(contact) if contact.call_id is None else contact.id
    if leg != dialled:
        return  # of an attempt before, or a customer's who waits for a third party
    if connection.is_agent_first(contact):
        yield ContactConnectedToSystem(contact.id)
        yield from joining.outbound_whisper(center, contact)
    elif contact.call_id is not None:
        yield from transfer.answered(center, contact)
    elif outbound.is_new(contact):
        yield from outbound.answered(contact)
    else:
        assert contact.flow_id is not None
        yield ContactConnectedToSystem(contact.id)
        yield FlowEntered(contact.id, contact.flow_id)


def lose_channel(center: Center, command: LoseChannel) -> Iterator[Event]:
    """A channel that is no agent's is gone; stale news is no news."""
    yield from call.lose_leg(center, command.contact_id, command.reason)


# What the events do


def initiated(center: Center, event: ContactInitiated, at: Instant) -> None:
    contact = _own(event.contact)
    contact.turn = center.next_turn()
    center.contacts[contact.id] = contact
    for counted in counted_as(contact):
        center.going[counted] = center.going.get(counted, 0) + 1
    if is_out(contact):
        dialled(center, at)
    connection.link(center, contact)
    if contact.client_token is not None:
        center.client_tokens[contact.client_token] = contact.id
    if contact.stage == "DIALING":
        if contact.flow_id is not None:
            flows.bind(center, contact, contact.flow_id)
        set_deadline(center, contact, at + event.dial_ms)
    outbound.taken(center, contact, at)
    if contact.expires_at is not None:
        set_timer(center, contact, EXPIRY, contact.expires_at)
    if contact.initiation_method == "CALLBACK_CUSTOMER_FIRST_DIALED":
        assert contact.callback is not None
        center.dialled[contact.id] = contact.callback.queue_id


def _own(born: Contact) -> Contact:
    """A contact that shares no container with the event that tells of it."""
    return msgspec.structs.replace(
        born,
        **{name: copy(getattr(born, name)) for name in CONTAINERS},
    )


CONTAINERS = tuple(
    field.name
    for field in msgspec.structs.fields(Contact)
    if field.default_factory is not msgspec.NODEFAULT
)


def scheduled(center: Center, event: ContactScheduled, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    contact.stage = "SCHEDULED"
    contact.queue_id = contact.queue_id if event.queue_id is None else event.queue_id
    contact.scheduled_at = event.until
    contact.updated_at = at
    set_deadline(center, contact, event.until)


def connected_to_system(center: Center, event: ContactConnectedToSystem, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    set_deadline(center, contact, None)
    contact.stage = "IN_FLOW" if contact.agent_id is None else "ACCEPTED"
    contact.connected_to_system_at = at
    contact.updated_at = at


def changed(center: Center, event: ContactChange, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    if not isinstance(event, AttributesUpdated):
        changes.change(contact, event, at)
        return
    for each in center.chains[contact.initial_contact_id or contact.id]:  # they share them
        changes.change(center.contacts[each], event, at)


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


def past(
    _center: Center, _event: RecordAmended | RecordsExpired | ContactImported, _at: Instant
) -> None:
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
    contact.direct = event.direct
    contact.dequeued_at = contact.accepted_at = None
    contact.waited_ms = 0
    center.dialled.pop(contact.id, None)
    take_turn(center, contact)
    flows.leave(center, contact, "customer")
    contact.updated_at = at
    routing.activate(center, contact, at)
    stand_in_queue(center, contact)


def stand_in_queue(center: Center, contact: Contact) -> None:
    """Count the contact in its queue and, unless it rings at an agent, stand it in line."""
    if connection.is_waiting(contact):
        assert contact.queue_id is not None
        center.queued[contact.queue_id] = center.queued.get(contact.queue_id, 0) + 1
        waits = center.waits.setdefault((contact.queue_id, contact.channel), SortedList())
        waits.add((contact.enqueued_at, contact.id))
    if contact.stage == "IN_QUEUE":
        queue.enter(center, contact)


def delay_passed(center: Center, event: DelayPassed, _at: Instant) -> None:
    queue.ripen(center, center.contacts[event.contact_id], event.delay_ms)
