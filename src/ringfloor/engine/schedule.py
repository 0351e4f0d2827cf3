"""Schedule: the instants at which something happens by itself.

A contact has at most one deadline of its stage (Contact.deadline_at: dialing, ringing, a callback's
initial delay, after contact work), one for each of its timers (Contact.timers, by name: a flow that
waits, the end of a chat ...) and, while it waits, one for each delay of the routing profiles that
serve its queue. Deadlines of one instant are ordered by the contact's turn.
"""

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.contact import Contact
from ringfloor.engine.state import Center

STAGE = ""
DELAY = "delay"
"""What a deadline is of, where it is not of a timer."""

EXPIRY = "expiry"
"""The timer at whose end a contact's life is over."""


def set_deadline(center: Center, contact: Contact, at: Instant | None) -> None:
    """Give the contact's stage a deadline, or none; the one before is forgotten."""
    if contact.deadline_at is not None:
        center.deadlines.remove((contact.deadline_at, contact.turn, contact.id, STAGE, 0))
    contact.deadline_at = at
    if at is not None:
        center.deadlines.add((at, contact.turn, contact.id, STAGE, 0))


def set_timer(center: Center, contact: Contact, name: str, at: Instant | None) -> None:
    """Set a timer of the contact, or stop it; the instant before is forgotten."""
    before = contact.timers.pop(name, None)
    if before is not None:
        center.deadlines.remove((before, contact.turn, contact.id, name, 0))
    if at is not None:
        contact.timers[name] = at
        center.deadlines.add((at, contact.turn, contact.id, name, 0))


def stop_timers(center: Center, contact: Contact) -> None:
    """Nothing happens to the contact by itself any more, but for the deadline of its stage."""
    for name in list(contact.timers):
        set_timer(center, contact, name, None)


def take_turn(center: Center, contact: Contact) -> None:
    """The contact comes after everything else; its deadlines and timers stay as they are."""
    for name, at in contact.timers.items():
        center.deadlines.remove((at, contact.turn, contact.id, name, 0))
    if contact.deadline_at is not None:
        center.deadlines.remove((contact.deadline_at, contact.turn, contact.id, STAGE, 0))
    contact.turn = center.next_turn()
    reschedule(center, contact)


def reschedule(center: Center, contact: Contact) -> None:
    """Put what the contact itself knows of its deadlines into the schedule."""
    for name, at in contact.timers.items():
        center.deadlines.add((at, contact.turn, contact.id, name, 0))
    if contact.deadline_at is not None:
        center.deadlines.add((contact.deadline_at, contact.turn, contact.id, STAGE, 0))


def set_delay(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """Tell when the contact will have waited delay_ms."""
    center.deadlines.add(_delay(contact, delay_ms))


def drop_delay(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """The contact has waited that long, or waits no more."""
    center.deadlines.discard(_delay(contact, delay_ms))


def is_delay_set(center: Center, contact: Contact, delay_ms: Duration) -> bool:
    """Whether the end of this delay is yet to come."""
    return _delay(contact, delay_ms) in center.deadlines


def _delay(contact: Contact, delay_ms: Duration) -> tuple[Instant, int, str, str, Duration]:
    assert contact.enqueued_at is not None
    return contact.enqueued_at + delay_ms, contact.turn, contact.id, DELAY, delay_ms


def next_deadline(center: Center) -> Instant | None:
    """The instant at which Expire is due."""
    return center.deadlines[0][0] if center.deadlines else None
