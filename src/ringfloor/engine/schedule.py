"""Schedule: the instants at which something happens by itself.

A contact has at most one deadline of its stage (Contact.deadline_at: dialing, ringing, a callback's
initial delay, after contact work) and, while it waits, one for each delay of the routing profiles
that serve its queue. Deadlines of one instant are ordered by the contact's turn.
"""

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.contact import Contact
from ringfloor.engine.state import Center


def set_deadline(center: Center, contact: Contact, at: Instant | None) -> None:
    """Give the contact's stage a deadline, or none; the one before is forgotten."""
    if contact.deadline_at is not None:
        center.deadlines.remove((contact.deadline_at, contact.turn, contact.id, 0))
    contact.deadline_at = at
    if at is not None:
        center.deadlines.add((at, contact.turn, contact.id, 0))


def set_delay(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """Tell when the contact will have waited delay_ms."""
    assert contact.enqueued_at is not None
    center.deadlines.add((contact.enqueued_at + delay_ms, contact.turn, contact.id, delay_ms))


def drop_delay(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """The contact has waited that long, or waits no more."""
    assert contact.enqueued_at is not None
    center.deadlines.discard((contact.enqueued_at + delay_ms, contact.turn, contact.id, delay_ms))


def next_deadline(center: Center) -> Instant | None:
    """The instant at which Expire is due."""
    return center.deadlines[0][0] if center.deadlines else None
