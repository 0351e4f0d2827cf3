"""Contact events: what Amazon EventBridge is told of a contact, in AWS's JSON.

Called by engine.run's witness, right after an event was applied: the contact is as it was at that
moment. Members that have no value are left out; timestamps are ISO 8601 with milliseconds. Sources:
behaviour specification, section 2.5; Amazon Connect administrator guide, Contact events data model.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base.time import Instant, iso, iso_milliseconds
from ringfloor.domain import criteria, events
from ringfloor.domain.contact import Contact, association
from ringfloor.domain.resources import Properties
from ringfloor.engine import hierarchy
from ringfloor.engine.contact_records import tags
from ringfloor.engine.state import Center
from ringfloor.engine.view import segment_attributes


class ContactEvent(NamedTuple):
    """One event. detail: as the bus has it."""

    contact_id: str
    detail: Properties


def contact_events(center: Center, event: events.Event) -> Iterator[ContactEvent]:
    """What is told of this event, which has just been applied."""
    found = TOLD.get(type(event))
    for contact, kind, updated in found(center, event) if found else ():
        yield ContactEvent(contact.id, detail(center, contact, kind, updated))


def envelope(center: Center, told: ContactEvent, identifier: str, at: Instant) -> Properties:
    """A contact event as the bus delivers it."""
    home = center.home
    return {
        "version": "0",
        "id": identifier,
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "account": home.account,
        "time": iso(at),
        "region": home.region,
        "resources": [home.contact_arn(told.contact_id), home.arn],
        "detail": told.detail,
    }


Told = Iterator[tuple[Contact, str, tuple[str, ...]]]
"""The contact, the event's type, and which properties were updated."""


def _initiated(center: Center, event: events.ContactInitiated) -> Told:
    contact = center.contacts[event.contact.id]
    yield contact, "INITIATED", ()
    if contact.channel != "VOICE" and contact.connected_to_system_at is not None:
        yield contact, "CONNECTED_TO_SYSTEM", ()


def _of(kind: str, *updated: str) -> Callable[[Center, Any], Told]:
    def told(center: Center, event: Any) -> Told:  # noqa: ANN401  any event of a contact
        contact = center.contacts.get(event.contact_id)
        if contact is not None:
            yield contact, kind, updated

    return told


UPDATED = "CONTACT_DATA_UPDATED"
STEP_STATUS = "RoutingCriteria.Step.Status"


def _sought(center: Center, event: events.RoutingCriteriaSet) -> Told:
    contact = center.contacts[event.contact_id]
    if contact.criteria[-1].activated_at is not None:
        yield contact, UPDATED, (STEP_STATUS,)


def _updated(center: Center, event: events.ContactUpdated) -> Told:
    if event.segment_attributes:
        yield center.contacts[event.contact_id], UPDATED, ("Segment Attributes",)


def _scheduled(center: Center, event: events.ContactScheduled) -> Told:
    contact = center.contacts[event.contact_id]
    if contact.initiated_at != center.at:  # moved, not made so
        yield contact, UPDATED, ("ScheduledTimestamp",)


def _completed(_center: Center, event: events.ContactCompleted) -> Told:
    yield event.contact, "COMPLETED", ()


TOLD: Mapping[type[Struct], Callable[[Center, Any], Told]] = {
    events.ContactInitiated: _initiated,
    events.ContactConnectedToSystem: _of("CONNECTED_TO_SYSTEM"),
    events.ContactEnqueued: _of("QUEUED"),
    events.ContactConnectedToAgent: _of("CONNECTED_TO_AGENT"),
    events.TaskPaused: _of("PAUSED"),
    events.TaskResumed: _of("RESUMED"),
    events.ContactScheduled: _scheduled,
    events.ExpirySet: _of(UPDATED, "Segment Attributes"),
    events.ContactEnded: _of("DISCONNECTED"),
    events.ContactCompleted: _completed,
    events.AttributesUpdated: _of(UPDATED, "UserDefinedAttributes"),
    events.ContactTagged: _of(UPDATED, "Tags"),
    events.RoutingCriteriaSet: _sought,
    events.RoutingStepExpired: _of(UPDATED, STEP_STATUS),
    events.ContactUpdated: _updated,
}
"""What has no row is told to nobody."""


def detail(
    center: Center, contact: Contact, kind: str, updated: tuple[str, ...] = ()
) -> Properties:
    """A contact event about the contact as it is now."""
    members: Properties = {
        "eventType": kind,
        "contactId": contact.id,
        "initialContactId": contact.initial_contact_id,
        "previousContactId": contact.previous_contact_id,
        "relatedContactId": contact.related_contact_id,
        "contactAssociationId": association(contact),
        "channel": contact.channel,
        "instanceArn": center.home.arn,
        "initiationMethod": contact.initiation_method,
        "disconnectReason": contact.disconnect_reason,
        "customerId": contact.customer_id,
        "queueInfo": _queue(center, contact),
        "agentInfo": _agent(center, contact),
        "tags": tags(center.home, contact),
        "segmentAttributes": segment_attributes(contact) or None,
        "routingCriteria": _routing_criteria(contact),
        "updatedProperties": list(updated) or None,
        "customerEndpoint": _endpoint(contact.customer_number),
        "systemEndpoint": _endpoint(contact.system_number),
        **_instants(
            initiationTimestamp=contact.initiated_at,
            connectedToSystemTimestamp=contact.connected_to_system_at,
            scheduledTimestamp=contact.scheduled_at,
            disconnectTimestamp=contact.disconnected_at,
        ),
    }
    return {name: value for name, value in members.items() if value is not None}


def _instants(**instants: Instant | None) -> dict[str, str]:
    return {name: iso_milliseconds(at) for name, at in instants.items() if at is not None}


def _routing_criteria(contact: Contact) -> Properties | None:
    if not contact.criteria:
        return None
    told: Properties = lower(criteria.shown(contact.criteria[-1], iso_milliseconds))
    return told


def lower(value: Any) -> Any:  # noqa: ANN401  JSON
    """The same with members that begin with a small letter."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lower(each) for name, each in value.items()}
    return [lower(each) for each in value] if isinstance(value, list) else value


def _queue(center: Center, contact: Contact) -> Properties | None:
    if contact.queue_id is None or contact.enqueued_at is None:
        return None
    agents = contact.queue_id in center.agents
    return {
        "queueArn": center.home.queue_arn(contact.queue_id, of_agent=agents),
        "queueType": "AGENT" if agents else "STANDARD",
        **_instants(enqueueTimestamp=contact.enqueued_at, dequeueTimestamp=contact.dequeued_at),
    }


def _agent(center: Center, contact: Contact) -> Properties | None:
    if contact.connected_to_agent_at is None or contact.agent_id is None:
        return None
    groups = hierarchy.of_user(center, contact.agent_id)
    started, ended = contact.after_contact_work_started_at, contact.after_contact_work_ended_at
    info: Properties = {
        "agentArn": center.home.arn_of("user", contact.agent_id),
        **_instants(
            connectedToAgentTimestamp=contact.connected_to_agent_at,
            acceptedByAgentTimestamp=contact.accepted_at or contact.connected_to_agent_at,
            afterContactWorkStartTimestamp=started,
            afterContactWorkEndTimestamp=ended,
        ),
    }
    if groups:
        info["hierarchyGroups"] = {
            f"level{number}": {"arn": center.home.arn_of("hierarchy_group", group.id)}
            for number, group in enumerate(groups, 1)
        }
    if started is not None and ended is not None:
        info["afterContactWorkDuration"] = (ended - started) // 1_000
    return info


def _endpoint(number: str | None) -> Properties | None:
    return None if number is None else {"type": "TELEPHONE_NUMBER", "address": number}
