"""Invariants: what is true of a center between any two commands, as one list.

Tests, the simulator and, sampled, production ask violations(); an empty list is health. Each
invariant is a function that yields what is wrong, in words that name the culprits.
"""

from collections.abc import Callable, Iterator

from ringfloor.domain.call import Party, agent_leg, is_agent_leg, living, talking
from ringfloor.domain.contact import Contact
from ringfloor.domain.criteria import satisfied
from ringfloor.domain.resources import KINDS, references
from ringfloor.engine import (
    callback,
    chat_state,
    connection,
    entry,
    flows,
    queue,
    routing,
    schedule,
    staff,
)
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
        "OFFERED": {"CONNECTING", "INCOMING"},
        "ACCEPTED": {"CONNECTING", "PENDING"},
        "DIALING": {"CONNECTING"},
        "CONNECTED": {"CONNECTED", "CONNECTED_ONHOLD"},
        "PAUSED": {"PAUSED"},
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
        alone = contact.stage in ("DIALING", "PAUSED") and contact.agent_id is None
        worked = contact.after_contact_work_ended_at is not None
        alone |= contact.stage == "ENDED" and (worked or contact.connected_to_agent_at is None)
        if contact.stage in fits and not alone:
            agent_id = contact.agent_id or ""
            holder = center.agents.get(agent_id)
            if holder is None or contact.id not in holder.contacts:
                yield f"{contact.id} is {contact.stage} with {agent_id}, who does not hold it"


def slots_are_kept(center: Center) -> Iterator[str]:
    """Nobody holds more contacts of a channel than his profile says, voice never more than one."""
    for agent in center.agents.values():
        held = [each.channel for each in agent.contacts.values() if not each.assigned]
        if held.count("VOICE") > 1:
            yield f"{agent.id} holds {held.count('VOICE')} voice contacts"


def lines_hold_the_waiting(center: Center) -> Iterator[str]:
    """Who is IN_QUEUE stands in line once, at his place; nobody else does."""
    standing = {
        place[3]: (key, place) for key, line in center.lines.items() for place in line.places()
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
        for *_, contact_id in line.places():
            contact = center.contacts[contact_id]
            for delay in queue.delays(center, key):
                due = schedule.is_delay_set(center, contact, delay)
                if due == queue.is_ripe(center, contact, delay):
                    yield f"{contact_id}: delay {delay} is {'due and ripe' if due else 'lost'}"


def counts_are_true(center: Center) -> Iterator[str]:
    """The number of contacts per queue is what one gets by counting."""
    counted: dict[str, int] = {}
    ages: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for contact in center.contacts.values():
        dequeued = contact.dequeued_at is not None
        aside = contact.stage == "PAUSED" and contact.agent_id is None
        joining = contact.stage == "ACCEPTED" and contact.enqueued_at is not None and not dequeued
        if contact.stage in ("IN_QUEUE", "OFFERED") or aside or joining:
            assert contact.queue_id is not None
            assert contact.enqueued_at is not None
            if dequeued:
                yield f"{contact.id} is {contact.stage}, dequeued at {contact.dequeued_at}"
            counted[contact.queue_id] = counted.get(contact.queue_id, 0) + 1
            key = contact.queue_id, contact.channel
            ages.setdefault(key, []).append((contact.enqueued_at, contact.id))
    if counted != center.queued:
        yield f"counted {counted}, kept {center.queued}"
    if {key: sorted(each) for key, each in ages.items()} != {
        key: list(each) for key, each in center.waits.items()
    }:
        yield f"enqueued {ages}, kept {center.waits}"


def staff_is_counted(center: Center) -> Iterator[str]:
    """The sums of each routing profile are what one gets by looking at its users."""
    counted: dict[str, list[int]] = {}
    for agent in center.agents.values():
        sums = counted.setdefault(routing.profile_of(center, agent).id, [])
        one = (1, *staff.marks(center, agent))
        sums[:] = [a + b for a, b in zip(sums or [0] * len(one), one, strict=True)]
    if counted != center.staff:
        yield f"counted {counted}, kept {center.staff}"


def chains_are_whole(center: Center) -> Iterator[str]:
    """Each contact is in its chain; all of a chain have the same attributes."""
    counted: dict[str, set[str]] = {}
    for contact in center.contacts.values():
        counted.setdefault(contact.initial_contact_id or contact.id, set()).add(contact.id)
    if counted != {key: set(each) for key, each in center.chains.items()}:
        yield f"counted {counted}, kept {center.chains}"
    for chain in counted.values():
        told = [center.contacts[each].attributes for each in sorted(chain)]
        if any(each != told[0] for each in told):
            yield f"{sorted(chain)} do not share {told}"


def flows_fit_the_stage(center: Center) -> Iterator[str]:
    """A side is in a flow that belongs to where its contact is, and waits in it for something."""
    for contact in center.contacts.values():
        for side, run in contact.runs.items():
            if run.flow_type in STAGES and contact.stage not in STAGES[run.flow_type]:
                yield f"{contact.id} is {contact.stage}, its {side} in {run.flow_type}"
        whispers = [each for each in contact.runs.values() if each.flow_type in flows.WHISPERS]
        if len(whispers) > 1 or (flows.WHISPER in contact.timers) != bool(whispers):
            yield f"{contact.id}: whispers {whispers}, timers {contact.timers}"
        cleans = [each for each in contact.runs.values() if each.flow_type == flows.CLEANS_UP]
        if (flows.CLEAN_UP in contact.timers) != bool(cleans):
            yield f"{contact.id}: cleans up by {cleans}, timers {contact.timers}"
        for side, name in flows.ASK.items():
            waits = contact.runs.get(side)
            if name in contact.timers and (waits is None or waits.ask is None):
                yield f"{contact.id}: its {side} waits for nothing until {contact.timers[name]}"


STAGES = {
    "CUSTOMER_QUEUE": {"IN_QUEUE", "OFFERED", "ACCEPTED"},
    flows.CLEANS_UP: {"ENDED"},
    "AGENT_WHISPER": {"ACCEPTED"},
    "CUSTOMER_WHISPER": {"ACCEPTED"},
    "OUTBOUND_WHISPER": {"ACCEPTED", "DIALING"},
}
"""As what a flow runs, to where its contact is then."""


def defaults_are_known(center: Center) -> Iterator[str]:
    """The instance's own flows are found by their type."""
    counted: dict[str, set[str]] = {}
    for flow in center.resources["contact_flow"].values():
        if flow.properties.get("IsDefault"):
            counted.setdefault(flow.properties["Type"], set()).add(flow.id)
    if counted != {key: set(each) for key, each in center.defaults.items()}:
        yield f"counted {counted}, kept {center.defaults}"


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


def pools_of_expressions_hold_who_meets_them(center: Center) -> Iterator[str]:
    """Of the free agents those stand in an expression's pools who meet it, and nobody else."""
    for expression, sought in center.demand.sought.items():
        expected: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        for agent_id, (idle, keys) in center.placed.items():
            skills = center.demand.skills.get(agent_id, {})
            if satisfied(sought.meaning, agent_id, skills):
                for key in keys:
                    expected.setdefault(key, []).append(idle)
        actual = {key: list(pool) for key, pool in sought.pools.items()}
        if {key: sorted(each) for key, each in expected.items()} != actual:
            yield f"{expression}: expected {expected}, standing {actual}"


def expressions_are_counted(center: Center) -> Iterator[str]:
    """An expression has so many contacts as seek agents by it, now or in a later step."""
    counted: dict[str, int] = {}
    for contact in center.contacts.values():
        for expression in contact.criteria[-1].needs if contact.criteria else ():
            counted[expression] = counted.get(expression, 0) + 1
    kept = {text: each.contacts for text, each in center.demand.sought.items() if each.contacts}
    if counted != kept:
        yield f"counted {counted}, kept {kept}"


def steps_are_active_in_turn(center: Center) -> Iterator[str]:
    """At most one step of the last criteria is active, in a queue of agents; its clock is set."""
    for contact in center.contacts.values():
        for number, each in enumerate(reversed(contact.criteria)):
            active = [step for step in each.steps if step.status == "ACTIVE"]
            allowed = number == 0 and not each.over and contact.queue_id not in center.agents
            if len(active) > allowed:
                yield f"{contact.id} has active steps {active}"
        step = contact.criteria[-1].active if contact.criteria else None
        if contact.timers.get(routing.STEP) != (step.expires_at if step else None):
            yield f"{contact.id}: step ends {step}, timers {contact.timers}"


def nobody_waits_for_a_free_agent(center: Center) -> Iterator[str]:
    """No contact waits while an agent is free who may take it."""
    for contact in center.contacts.values():
        if contact.stage == "IN_QUEUE":
            agent_id = routing.agent_for(center, contact)
            if agent_id is not None:
                yield f"{contact.id} waits although {agent_id} is free"


def deadlines_are_known(center: Center) -> Iterator[str]:
    """Each deadline belongs to a live contact, and each contact's deadline is in the schedule."""
    known = {schedule.STAGE: 0}
    for at, turn, contact_id, name, delay in center.deadlines:
        contact = center.contacts.get(contact_id)
        if contact is None or contact.turn != turn:
            yield f"deadline {at} of {contact_id} is nobody's"
        elif name != schedule.DELAY:
            known[name] = known.get(name, 0) + 1
            expected = contact.timers.get(name) if name else contact.deadline_at
            if at != expected or delay:
                yield f"{name or 'stage'} of {contact_id} is due {at}, not {expected}"
    counted = {schedule.STAGE: 0}
    for contact in center.contacts.values():
        if contact.deadline_at is not None:
            counted[schedule.STAGE] += 1
        elif contact.stage in ("OFFERED", "DIALING", "SCHEDULED"):
            yield f"{contact.id} is {contact.stage} for ever"
        for name in contact.timers:
            counted[name] = counted.get(name, 0) + 1
    if counted != known:
        yield f"contacts have {counted}, the schedule has {known}"


def timestamps_are_in_order(center: Center) -> Iterator[str]:
    """A contact's instants follow each other as its life does."""
    for contact in center.contacts.values():
        first = connection.is_agent_first(contact)  # its customer comes last
        instants = [
            contact.initiated_at,
            None if first else contact.connected_to_system_at,
            contact.enqueued_at,
            contact.dequeued_at,
            contact.connected_to_system_at if first else None,
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


def paused_since_some_time(center: Center) -> Iterator[str]:
    """Who is PAUSED knows since when; nobody else does."""
    for contact in center.contacts.values():
        if (contact.stage == "PAUSED") != (contact.paused_at is not None):
            yield f"{contact.id} is {contact.stage}, paused at {contact.paused_at}"


def going_and_dialled_are_counted(center: Center) -> Iterator[str]:
    """How many contacts are under way, and who is dialled to be called back, is as one counts."""
    going: dict[str, int] = {}
    dialled: dict[str, str] = {}
    for contact in center.contacts.values():
        if contact.stage != "ENDED":
            for counted in entry.counted_as(contact):
                going[counted] = going.get(counted, 0) + 1
            if callback.was_dialled_first(contact):
                dialled[contact.id] = contact.callback.queue_id if contact.callback else ""
    if going != center.going:
        yield f"under way {going}, kept {center.going}"
    if dialled != center.dialled:
        yield f"dialled {dialled}, kept {center.dialled}"


def calls_are_alive(center: Center) -> Iterator[str]:
    """In a call are at least two, one of them a customer or an agent; each by his live contact."""
    for call in center.calls.values():
        there = talking(call)
        if len(there) < 2 or not any(each.role in ("customer", "agent") for each in there):
            yield f"{call.id} goes on with {[each.leg for each in there]}"
        for party in living(call):
            contact = center.contacts.get(party.contact_id)
            if contact is None or contact.stage == "ENDED" or contact.call_id != call.id:
                yield f"{party.leg} in {call.id} is {party.contact_id}'s, which is not there"
            elif not _party_fits(party, contact):
                yield f"{party} in {call.id} does not fit {contact.stage}, held {contact.held_at}"
    for contact in center.contacts.values():
        if contact.channel == "VOICE" and contact.stage == "CONNECTED":
            call_of = center.calls.get(contact.call_id or "")
            if call_of is None or agent_leg(contact) not in call_of.parties:
                yield f"{contact.id} is CONNECTED and in no call"


def _party_fits(party: Party, contact: Contact) -> bool:
    """Whether a party is where its contact says."""
    if is_agent_leg(party.leg):
        return party.state == "connecting" or party.leg == agent_leg(contact)
    if party.role == "customer" and contact.stage == "CONNECTED":
        return (party.state == "hold") == (contact.held_at is not None)
    return True


def legs_have_one_owner(center: Center) -> Iterator[str]:
    """A customer's leg that is not its contact's own is known to be the one live contact's."""
    counted: dict[str, str] = {}
    for contact in center.contacts.values():
        leg = contact.customer_leg
        if leg is not None and contact.stage != "ENDED" and not is_agent_leg(leg):
            if leg in counted:
                yield f"{leg} is of {counted[leg]} and of {contact.id}"
            counted[leg] = contact.id
    if counted != center.legs:
        yield f"counted {counted}, kept {center.legs}"


def chats_follow_their_contacts(center: Center) -> Iterator[str]:
    """A chat is with a live contact of its own, its people by such; its timer is what is next."""
    yield from chat_state.astray(center)


INVARIANTS: tuple[Invariant, ...] = (
    offers_are_mutual,
    slots_are_kept,
    lines_hold_the_waiting,
    delays_are_told_once,
    counts_are_true,
    staff_is_counted,
    chains_are_whole,
    flows_fit_the_stage,
    defaults_are_known,
    pools_hold_the_free,
    pools_of_expressions_hold_who_meets_them,
    expressions_are_counted,
    steps_are_active_in_turn,
    nobody_waits_for_a_free_agent,
    deadlines_are_known,
    timestamps_are_in_order,
    references_resolve,
    editions_are_counted,
    chats_follow_their_contacts,
    calls_are_alive,
    legs_have_one_owner,
    paused_since_some_time,
    going_and_dialled_are_counted,
)
