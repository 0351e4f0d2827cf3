"""Logged contacts: what the log of another contact center says of a contact that is over.

ringfloor.call_logs reads them, the command ImportContacts carries them, and the engine makes them
contacts of this center, final from the beginning. Instants and durations are milliseconds.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX, WIRE_SECONDS_MAX
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain.contact import PRIORITY_DEFAULT, Contact
from ringfloor.domain.vocabulary import (
    Channel,
    DisconnectReason,
    InitiationMethod,
    PreDisconnectState,
)


class LoggedContact(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One contact of a log."""

    id: str
    """Made of the log and the row: the same whenever it is read."""
    initiated_at: Instant
    disconnected_at: Instant
    channel: Channel = "VOICE"
    initiation_method: InitiationMethod = "INBOUND"
    queue: str | None = None
    """Its name; in a command, its id."""
    agent: str | None = None
    """His user name; in a command, his id."""
    connected_to_system_at: Instant | None = None
    enqueued_at: Instant | None = None
    dequeued_at: Instant | None = None
    connected_to_agent_at: Instant | None = None
    hold_ms: Duration = 0
    holds: int = 0
    after_contact_work_ms: Duration | None = None
    priority: int = PRIORITY_DEFAULT
    age_adjustment_ms: Duration = 0
    """By how much longer he counts as waiting than he does."""
    customer_number: str | None = None
    system_number: str | None = None
    name: str | None = None
    disconnect_reason: DisconnectReason | None = None
    attributes: dict[str, str] = {}

    @property
    def over_at(self) -> Instant:
        """When nobody had to do with it any more."""
        return self.disconnected_at + (self.after_contact_work_ms or 0)


MOMENTS = (
    "initiated_at",
    "connected_to_system_at",
    "enqueued_at",
    "dequeued_at",
    "connected_to_agent_at",
    "disconnected_at",
)
"""In the order of a contact's life."""

NEEDS = {
    "enqueued_at": ("queue", "needs a queue"),
    "dequeued_at": ("enqueued_at", "needs a time of entry into the queue"),
    "agent": ("connected_to_agent_at", "needs a time of connection to the agent"),
    "hold_ms": ("connected_to_agent_at", "needs a time of connection to the agent"),
    "after_contact_work_ms": ("connected_to_agent_at", "needs a time of connection to the agent"),
}
"""What makes no sense without something else."""


NUMBERS = (
    "initiated_at",
    "disconnected_at",
    "holds",
    "hold_ms",
    "after_contact_work_ms",
    "priority",
    "age_adjustment_ms",
)
NUMBER_MAX = WIRE_SECONDS_MAX * SECOND
"""Of what is counted, and of milliseconds: the end of the year 9999."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII).fullmatch


class Wrong(NamedTuple):
    """A member that breaks a rule."""

    member: str
    value: object
    rule: str


def wrongs(contact: LoggedContact) -> Iterator[Wrong]:
    """What cannot be true of a contact; nothing, if it can be imported."""
    told = {name: getattr(contact, name) for name in MOMENTS}
    known = [(name, at) for name, at in told.items() if at is not None]
    for (earlier, before), (later, after) in pairwise(known):
        if after < before:
            yield Wrong(later, after, f"is before {earlier}")
    for member, (other, rule) in NEEDS.items():
        if getattr(contact, member) and getattr(contact, other) is None:
            yield Wrong(member, getattr(contact, member), rule)
    if contact.enqueued_at is not None and contact.dequeued_at is None:
        yield Wrong("dequeued_at", None, "is left out, and the contact was in the queue")
    for member in NUMBERS:
        value = getattr(contact, member) or 0
        if not 0 <= (abs(value) if member == "age_adjustment_ms" else value) <= NUMBER_MAX:
            yield Wrong(member, value, f"is not between 0 and {NUMBER_MAX}")
    if not _ID(contact.id):
        yield Wrong("id", contact.id, "is not up to 64 letters, digits and hyphens")
    if contact.priority < 1:
        yield Wrong("priority", contact.priority, "is less than 1, the best")
    talked = contact.disconnected_at - (contact.connected_to_agent_at or 0)
    if contact.hold_ms > max(talked, 0):
        yield Wrong("hold_ms", contact.hold_ms, "is longer than the conversation")
    size = sum(len(each.encode()) for pair in contact.attributes.items() for each in pair)
    if size > ATTRIBUTES_BYTES_MAX:
        yield Wrong("attributes", f"{size} bytes", f"exceed {ATTRIBUTES_BYTES_MAX} over all pairs")


def final(logged: LoggedContact, routing_profile_id: str | None) -> Contact:
    """The contact as this center would have kept it. routing_profile_id: the agent's."""
    connected_at = logged.connected_to_agent_at
    works = connected_at is not None and logged.after_contact_work_ms is not None
    return Contact(
        id=logged.id,
        channel=logged.channel,
        initiation_method=logged.initiation_method,
        stage="ENDED",
        initiated_at=logged.initiated_at,
        updated_at=logged.over_at,
        customer_number=logged.customer_number,
        system_number=logged.system_number,
        name=logged.name,
        attributes=logged.attributes,
        connected_to_system_at=logged.connected_to_system_at,
        queue_id=logged.queue,
        enqueued_at=logged.enqueued_at,
        dequeued_at=logged.dequeued_at,
        priority=logged.priority,
        age_adjustment_ms=logged.age_adjustment_ms,
        agent_id=logged.agent,
        routing_profile_id=routing_profile_id,
        connected_to_agent_at=connected_at,
        holds=logged.holds,
        hold_ms=logged.hold_ms,
        longest_hold_ms=logged.hold_ms if logged.holds == 1 else 0,
        after_contact_work_started_at=logged.disconnected_at if works else None,
        after_contact_work_ended_at=logged.over_at if works else None,
        pre_disconnect_state=_state(logged),
        disconnect_reason=logged.disconnect_reason or _reason(logged),
        disconnected_at=logged.disconnected_at,
    )


def _state(logged: LoggedContact) -> PreDisconnectState:
    if logged.connected_to_agent_at is not None:
        return "CONNECTED"
    return "IN_FLOW" if logged.enqueued_at is None else "IN_QUEUE"


def _reason(logged: LoggedContact) -> DisconnectReason:
    """Who waits and is never answered has hung up; who ended a conversation nobody has said."""
    waited = logged.enqueued_at is not None and logged.connected_to_agent_at is None
    return "CUSTOMER_DISCONNECT" if waited else "OTHER"
