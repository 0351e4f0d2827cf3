"""Queue: who waits where, in which order.

A contact stands in the line of its queue and channel from ContactEnqueued until it leaves the
queue, except while it rings at an agent: then it is out of the line but keeps its place, and a
missed offer puts it back exactly there. In line it stands in the group of those who seek agents by
the same expression of routing criteria; most seek by none. Costs: log(waiting) per entry and exit;
the first in line for an agent, and the rank of a contact without criteria, look once at each group,
or at each expression that the agent meets, if those are fewer.
"""

from collections.abc import Mapping
from typing import cast

from sortedcontainers import SortedList

from ringfloor.base.limits import AGENT_QUEUE_CONTACTS_MAX, QUEUE_OVERSHOOT_PERCENT
from ringfloor.base.time import Duration
from ringfloor.domain.contact import Contact
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine.schedule import drop_delay, set_delay
from ringfloor.engine.state import Center, Group, Line, LineKey, Place

ANYBODY = ""
"""The group of contacts that any agent of the queue may have."""


CALLBACK_LINE = cast("Channel", "CALLBACK")
"""Where customer-first callbacks stand, instead of a channel's line: no agent is offered them."""


def line_key(contact: Contact) -> LineKey:
    """The line that the contact belongs to."""
    assert contact.queue_id is not None
    if contact.callback is not None and contact.callback.dialled_id is not None:
        return contact.queue_id, CALLBACK_LINE
    return contact.queue_id, contact.channel


def place(contact: Contact) -> Place:
    """Where the contact ranks: priority, adjusted start of wait, turn (section 4.1)."""
    assert contact.enqueued_at is not None
    since = contact.enqueued_at if contact.ranks_from is None else contact.ranks_from
    start = since - contact.age_adjustment_ms
    return contact.priority, start, contact.turn, contact.id


def sought_by(contact: Contact) -> str:
    """The expression by which agents are sought for the contact now: its group."""
    step = contact.criteria[-1].active if contact.criteria else None
    return ANYBODY if step is None else step.expression


def delays(center: Center, key: LineKey) -> list[Duration]:
    """The delays of the routing profiles that serve this line, without zero."""
    return sorted({delay for delay in center.rows.get(key, {}).values() if delay})


def enter(center: Center, contact: Contact) -> None:
    """Stand in line, at one's place."""
    key = line_key(contact)
    line = center.lines.setdefault(key, Line())
    group = line.groups.setdefault(sought_by(contact), Group())
    group.order.add(place(contact))
    for delay in delays(center, key):
        _tell_delay(center, group, contact, delay)


def _tell_delay(center: Center, group: Group, contact: Contact, delay_ms: Duration) -> None:
    """Ripe at once if that much is known to have passed; else there is a deadline, perhaps due."""
    if delay_ms <= contact.waited_ms:
        group.ripe.setdefault(delay_ms, SortedList()).add(place(contact))
    else:
        set_delay(center, contact, delay_ms)


def leave(center: Center, contact: Contact) -> None:
    """Step out of line."""
    key = line_key(contact)
    line = center.lines[key]
    group = line.groups[sought_by(contact)]
    group.order.remove(place(contact))
    for ripe in group.ripe.values():
        ripe.discard(place(contact))
    for delay in delays(center, key):
        drop_delay(center, contact, delay)
    if not group.order:
        del line.groups[sought_by(contact)]
        if not line.groups:
            del center.lines[key]


def group_of(center: Center, contact: Contact) -> Group:
    """The group in which the contact stands in line."""
    return center.lines[line_key(contact)].groups[sought_by(contact)]


def ripen(center: Center, contact: Contact, delay_ms: Duration) -> None:
    """The contact has waited delay_ms."""
    drop_delay(center, contact, delay_ms)
    contact.waited_ms = max(contact.waited_ms, delay_ms)
    group = group_of(center, contact)
    group.ripe.setdefault(delay_ms, SortedList()).add(place(contact))


NO_EXPRESSIONS: Mapping[str, None] = {}


def head(
    center: Center, key: LineKey, delay_ms: Duration, met: Mapping[str, None] = NO_EXPRESSIONS
) -> Place | None:
    """The first in line for an agent among those who have waited delay_ms.

    met: the expressions of routing criteria that he meets.
    """
    line = center.lines.get(key)
    if line is None:
        return None
    groups = line.groups
    first = _first(groups[ANYBODY], delay_ms) if ANYBODY in groups else None
    fewer, others = (met, groups) if len(met) < len(groups) else (groups, met)
    for expression in fewer:
        if expression in others:
            place = _first(groups[expression], delay_ms)
            if place is not None and (first is None or place < first):
                first = place
    return first


def _first(group: Group, delay_ms: Duration) -> Place | None:
    order = group.order if delay_ms == 0 else group.ripe.get(delay_ms)
    return order[0] if order else None


def is_ripe(center: Center, contact: Contact, delay_ms: Duration) -> bool:
    """Whether the contact, standing in line, has waited delay_ms."""
    if delay_ms == 0:
        return True
    ripe = group_of(center, contact).ripe.get(delay_ms)
    return ripe is not None and place(contact) in ripe


QUEUED = frozenset({"IN_QUEUE", "OFFERED", "ACCEPTED"})
"""Stages of a contact that is in its queue: one that rings, or that an agent has taken but has not
been joined to, keeps its place."""


def has_place(contact: Contact) -> bool:
    """Whether the contact is in its queue, so that it has a position there."""
    waits = contact.enqueued_at is not None and contact.dequeued_at is None
    return waits and contact.stage in QUEUED


def position(center: Center, contact: Contact) -> int:
    """Rank in line, from 1; 0 while the contact rings at an agent (metrics specification, 3.1).

    With an active step of routing criteria, the rank among those with the same expression.
    """
    if contact.stage != "IN_QUEUE":
        return 0
    expression, own = sought_by(contact), place(contact)
    groups = center.lines[line_key(contact)].groups
    counted = groups.values() if expression == ANYBODY else (groups[expression],)
    return sum(int(group.order.bisect_left(own)) for group in counted) + 1


def length(center: Center, queue_id: str, channel: str) -> int:
    """How many stand in line; who rings does not."""
    line = center.lines.get((queue_id, cast("Channel", channel)))
    return 0 if line is None else sum(len(group.order) for group in line.groups.values())


def is_closed(center: Center, queue_id: str) -> bool:
    """Whether the queue takes nobody: there is none of that id, or it is disabled.

    Who waits in a disabled queue is still served.
    """
    if queue_id in center.agents:
        return False
    resource = center.resources["queue"].get(queue_id)
    return resource is None or resource.properties["Status"] != "ENABLED"


def is_full(center: Center, queue_id: str, *, overshoot: bool = False) -> bool:
    """Whether the queue takes no further contact (MaxContacts, or the bound of agent queues).

    overshoot: the contact may exceed MaxContacts by QUEUE_OVERSHOOT_PERCENT, rounded down: a
    callback whose delay is over, a transfer from another queue or through a quick connect.
    """
    waiting = center.queued.get(queue_id, 0)
    if queue_id in center.agents:
        return waiting >= AGENT_QUEUE_CONTACTS_MAX
    most = center.resources["queue"][queue_id].properties.get("MaxContacts")
    if most is None:
        return False
    return bool(waiting >= most + (most * QUEUE_OVERSHOOT_PERCENT // 100 if overshoot else 0))


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
    for group in line.groups.values():
        for delay in gone:
            group.ripe.pop(delay, None)
    for *_, contact_id in list(line.places()):
        contact = center.contacts[contact_id]
        assert contact.enqueued_at is not None
        due = min((delay for delay in before if delay > contact.waited_ms), default=None)
        ended = center.at - contact.enqueued_at - 1
        for delay in gone:
            drop_delay(center, contact, delay)
        for delay in new:
            if delay <= ended and (due is None or delay < due):
                contact.waited_ms = max(contact.waited_ms, delay)
            _tell_delay(center, group_of(center, contact), contact, delay)


def look_at_the_clock(center: Center, contact: Contact) -> None:
    """Remember how long the contact has waited: every delay that ended before this instant.

    One that ends at this very instant has its deadline yet to come.
    """
    assert contact.enqueued_at is not None
    contact.waited_ms = max(contact.waited_ms, center.at - contact.enqueued_at - 1)
