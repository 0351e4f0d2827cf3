"""Invariants: what is true of a center between any two commands, as one list.

Tests, the simulator and, sampled, production ask violations(); an empty list is health. Each
invariant is a function that yields what is wrong, in words that name the culprits.
"""

from collections.abc import Callable, Iterator

from ringfloor.domain.resources import KINDS, references
from ringfloor.engine import flows, queue, routing
from ringfloor.engine.state import Center

Invariant = Callable[[Center], Iterator[str]]


def violations(center: Center) -> list[str]:
    """Everything that is wrong with the center; costs a pass over all of it."""
    if center.instance is None:
        return []
    return [
        f"{invariant.__name__}: {wrong}" for invariant in INVARIANTS for wrong in invariant(center)
    ]


def offers_are_mutual(center: Center) -> Iterator[str]:
    """A contact with an agent is held by exactly that agent, in the state that fits its stage."""
    fits = {
        "OFFERED": {"CONNECTING"},
        "CONNECTED": {"CONNECTED", "CONNECTED_ONHOLD"},
        "ENDED": {"ENDED"},
    }
    for agent in center.agents.values():
        for held in agent.contacts.values():
            if held.state in routing.BLOCKING:
                continue
            contact = center.contacts.get(held.contact_id)
            if contact is None:
                yield f"{agent.id} holds {held.contact_id}, which is gone"
            elif contact.agent_id != agent.id or held.state not in fits.get(contact.stage, ()):
                yield f"{agent.id} has {contact.id} {held.state}, it is {contact.stage}"
            elif (held.state == "CONNECTED_ONHOLD") != (contact.held_at is not None):
                yield f"{contact.id}: {held.state} but held_at {contact.held_at}"
    for contact in center.contacts.values():
        if contact.stage in fits:
            agent_id = contact.agent_id or ""
            holder = center.agents.get(agent_id)
            if holder is None or contact.id not in holder.contacts:
                yield f"{contact.id} is {contact.stage} with {agent_id}, who does not hold it"


def slots_are_kept(center: Center) -> Iterator[str]:
    """Nobody holds more contacts of a channel than his profile says, voice never more than one."""
    for agent in center.agents.values():
        held = [each.channel for each in agent.contacts.values()]
        if held.count("VOICE") > 1:
            yield f"{agent.id} holds {held.count('VOICE')} voice contacts"


def lines_hold_the_waiting(center: Center) -> Iterator[str]:
    """Who is IN_QUEUE stands in line once, at his place; nobody else does."""
    standing = {
        place[3]: (key, place) for key, line in center.lines.items() for place in line.order
    }
    waiting = {each.id: each for each in center.contacts.values() if each.stage == "IN_QUEUE"}
    for contact_id in sorted(standing.keys() ^ waiting.keys()):
        yield f"{contact_id} is in line or waiting, but not both"
    for contact_id in sorted(standing.keys() & waiting.keys()):
        contact = waiting[contact_id]
        if standing[contact_id] != (queue.line_key(contact), queue.place(contact)):
            yield f"{contact_id} stands at {standing[contact_id]}"


def delays_are_told_once(center: Center) -> Iterator[str]:
    """For each delay a waiting contact is either ripe or has a deadline."""
    for key, line in center.lines.items():
        for *_, contact_id in line.order:
            contact = center.contacts[contact_id]
            assert contact.enqueued_at is not None
            for delay in queue.delays(center, key):
                at = contact.enqueued_at + delay
                due = (at, contact.turn, contact_id, delay) in center.deadlines
                if due == queue.is_ripe(center, contact, delay):
                    yield f"{contact_id}: delay {delay} is {'due and ripe' if due else 'lost'}"


def counts_are_true(center: Center) -> Iterator[str]:
    """The number of contacts per queue is what one gets by counting."""
    counted: dict[str, int] = {}
    for contact in center.contacts.values():
        if contact.stage in ("IN_QUEUE", "OFFERED"):
            assert contact.queue_id is not None
            counted[contact.queue_id] = counted.get(contact.queue_id, 0) + 1
    if counted != center.queued:
        yield f"counted {counted}, kept {center.queued}"


def pools_hold_the_free(center: Center) -> Iterator[str]:
    """An agent stands in the pools of the channels he may take, and nowhere else."""
    expected: dict[str, set[tuple[str, str]]] = {}
    for agent in center.agents.values():
        profile = routing.profile_of(center, agent)
        for channel in routing.open_channels(center, agent):
            expected.setdefault(agent.id, set()).add((profile.id, channel))
    actual: dict[str, set[tuple[str, str]]] = {}
    for key, pool in center.pools.items():
        for _, _, agent_id in pool:
            actual.setdefault(agent_id, set()).add(key)
    if expected != actual:
        yield f"expected {expected}, standing {actual}"


def nobody_waits_for_a_free_agent(center: Center) -> Iterator[str]:
    """No contact waits while an agent is free who may take it."""
    for contact in center.contacts.values():
        if contact.stage == "IN_QUEUE":
            agent_id = routing.agent_for(center, contact)
            if agent_id is not None:
                yield f"{contact.id} waits although {agent_id} is free"


def deadlines_are_known(center: Center) -> Iterator[str]:
    """Each deadline belongs to a live contact, and each contact's deadline is in the schedule."""
    for at, turn, contact_id, delay in center.deadlines:
        contact = center.contacts.get(contact_id)
        if contact is None or contact.turn != turn or (not delay and contact.deadline_at != at):
            yield f"deadline {at} of {contact_id} is nobody's"
    for contact in center.contacts.values():
        at_end = contact.deadline_at
        if at_end is not None and (at_end, contact.turn, contact.id, 0) not in center.deadlines:
            yield f"{contact.id} has lost its deadline {at_end}"
        if contact.stage in ("OFFERED", "DIALING", "SCHEDULED") and at_end is None:
            yield f"{contact.id} is {contact.stage} for ever"


def timestamps_are_in_order(center: Center) -> Iterator[str]:
    """A contact's instants follow each other as its life does."""
    for contact in center.contacts.values():
        instants = [
            contact.initiated_at,
            contact.connected_to_system_at,
            contact.enqueued_at,
            contact.dequeued_at,
            contact.connected_to_agent_at,
            contact.disconnected_at,
            contact.after_contact_work_ended_at,
        ]
        known = [each for each in instants if each is not None]
        if known != sorted(known):
            yield f"{contact.id}: {instants}"


def references_resolve(center: Center) -> Iterator[str]:
    """Every id that a resource names exists; names and reverse references are those one counts."""
    for kind in KINDS.values():
        names = {each.key: each.id for each in center.resources[kind.name].values()}
        if names != center.names[kind.name]:
            yield f"names of {kind.name}: {center.names[kind.name]}"
    counted: dict[str, dict[tuple[str, str], int]] = {}
    for kind in KINDS.values():
        for resource in center.resources[kind.name].values():
            for reference, other in references(kind, resource.properties):
                if reference.binding and other not in center.resources[reference.kind]:
                    yield f"{kind.name} {resource.id} names {other}, which is gone"
                by = counted.setdefault(other, {})
                by[kind.name, resource.id] = by.get((kind.name, resource.id), 0) + 1
    if counted != center.referrers:
        yield "reverse references differ from the references"


def editions_are_counted(center: Center) -> Iterator[str]:
    """An edition of a flow is kept for exactly those who use it."""
    yield from flows.miscounted(center)


INVARIANTS: tuple[Invariant, ...] = (
    offers_are_mutual,
    slots_are_kept,
    lines_hold_the_waiting,
    delays_are_told_once,
    counts_are_true,
    pools_hold_the_free,
    nobody_waits_for_a_free_agent,
    deadlines_are_known,
    timestamps_are_in_order,
    references_resolve,
    editions_are_counted,
)
