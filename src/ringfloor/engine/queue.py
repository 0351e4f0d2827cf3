"""Queue: who waits where, in which order.

A contact stands in the line of its queue and channel from ContactEnqueued until it leaves the
queue, except while it rings at an agent: then it is out of the line but keeps its place, and a
missed offer puts it back exactly there. Costs: log(waiting) per entry, exit and rank.
"""

from sortedcontainers import SortedList

from ringfloor.base.time import Duration
from ringfloor.domain.contact import Contact
from ringfloor.engine.schedule import drop_delay, set_delay
from ringfloor.engine.state import Center, Line, LineKey, Place

AGENT_QUEUE_CONTACTS_MAX = 10
"""Contacts that may wait for one particular agent (behaviour specification, 1.8)."""


def line_key(contact: Contact) -> LineKey:
    """The line that the contact belongs to."""
    assert contact.queue_id is not None
    return contact.queue_id, contact.channel


def place(contact: Contact) -> Place:
    """Where the contact ranks: priority, adjusted start of wait, turn (section 4.1)."""
    assert contact.enqueued_at is not None
    start = contact.enqueued_at - contact.age_adjustment_ms
    return contact.priority, start, contact.turn, contact.id


def delays(center: Center, key: LineKey) -> list[Duration]:
    """The delays of the routing profiles that serve this line, without zero."""
    return sorted({delay for delay in center.rows.get(key, {}).values() if delay})


def enter(center: Center, contact: Contact) -> None:
    """Stand in line, at one's place."""
    key = line_key(contact)
    line = center.lines.setdefault(key, Line())
    line.order.add(place(contact))
    for delay in delays(center, key):
        _tell_delay(center, line, contact, delay)


def _tell_delay(center: Center, line: Line, contact: Contact, delay_ms: Duration) -> None:
    """Ripe at once if that much is known to have passed; else there is a deadline, perhaps due."""
    if delay_ms <= contact.waited_ms:
        line.ripe.setdefault(delay_ms, SortedList()).add(place(contact))
    else:
        set_delay(center, contact, delay_ms)


def leave(center: Center, contact: Contact) -> None:
    """Step out of line."""
    key = line_key(contact)
    line = center.lines[key]
    line.order.remove(place(contact))
    for ripe in line.ripe.values():
        ripe.discard(place(contact))
    for delay in delays(center, key):
        drop_delay(center, contact, delay)
    if not line.order:
        del center.lines[key]


def ripen(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """The contact has waited delay_ms."""
    drop_delay(center, contact, delay_ms)
    contact.waited_ms = max(contact.waited_ms, delay_ms)
    line = center.lines[line_key(contact)]
    line.ripe.setdefault(delay_ms, SortedList()).add(place(contact))


def head(center: Center, key: LineKey, delay_ms: Duration) -> Place | None:
    """The first in line among those who have waited delay_ms."""
    line = center.lines.get(key)
    if line is None:
        return None
    order = line.order if delay_ms == 0 else line.ripe.get(delay_ms)
    return order[0] if order else None


def is_ripe(center: Center, contact: Contact, delay_ms: Duration) -> bool:
    """Whether the contact, standing in line, has waited delay_ms."""
    if delay_ms == 0:
        return True
    ripe = center.lines[line_key(contact)].ripe.get(delay_ms)
    return ripe is not None and place(contact) in ripe


def position(center: Center, contact: Contact) -> int:
    """Rank in line, from 1; 0 while the contact rings at an agent (metrics specification, 3.1)."""
    if contact.stage == "OFFERED":
        return 0
    return int(center.lines[line_key(contact)].order.index(place(contact))) + 1


def is_full(center: Center, queue_id: str) -> bool:
    """Whether the queue takes no further contact (MaxContacts, or the bound of agent queues)."""
    waiting = center.queued.get(queue_id, 0)
    if queue_id in center.agents:
        return waiting >= AGENT_QUEUE_CONTACTS_MAX
    most = center.resources["queue"][queue_id].properties.get("MaxContacts")
    return most is not None and waiting >= most


def reline(center: Center, key: LineKey, before: list[Duration]) -> None:
    """The delays of this line have changed; the places have not.

    A new delay that has ended already is ripe at once: the agents it is for are matched next. One
    that others wait for, too, and that nobody has stepped yet, keeps its deadline.
    """
    line = center.lines.get(key)
    if line is None:
        return
    after = delays(center, key)
    gone = [delay for delay in before if delay not in after]
    new = [delay for delay in after if delay not in before]
    for delay in gone:
        line.ripe.pop(delay, None)
    for *_, contact_id in line.order:
        contact = center.contacts[contact_id]
        assert contact.enqueued_at is not None
        due = min((delay for delay in before if delay > contact.waited_ms), default=None)
        ended = center.at - contact.enqueued_at - 1
        for delay in gone:
            drop_delay(center, contact, delay)
        for delay in new:
            if delay <= ended and (due is None or delay < due):
                contact.waited_ms = max(contact.waited_ms, delay)
            _tell_delay(center, line, contact, delay)


def look_at_the_clock(center: Center, contact: Contact) -> None:
    """Remember how long the contact has waited: every delay that ended before this instant.

    One that ends at this very instant has its deadline yet to come.
    """
    assert contact.enqueued_at is not None
    contact.waited_ms = max(contact.waited_ms, center.at - contact.enqueued_at - 1)
