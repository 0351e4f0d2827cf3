"""Engine: the doors of the contact center.

    decide(center, command, seed) -> Decision     reads only; refuses, or says what happened
    apply(center, event, at)                      total; the same at first run and at replay
    react(center, event) -> commands              what the engine now asks of itself
    run(center, command, at, seed) -> Done        decide, apply, react, to a fixed point
    image(center) / restore(image)                a snapshot and back

DECIDE and APPLY are the tables of everything that can be wanted and everything that can happen; a
test holds them total. All events of one decision are applied before anything reacts to the first of
them. A refusal is possible only before the first event is applied.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault, Refusal, invalid_request, not_found
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import REACTIONS_PER_COMMAND_MAX
from ringfloor.base.time import Instant
from ringfloor.domain import commands, events
from ringfloor.domain.contact import Agent, Contact
from ringfloor.domain.resources import Resource
from ringfloor.engine import agent, birth, connection, contact, directory, flows, routing
from ringfloor.engine.effects import Effect, effects
from ringfloor.engine.schedule import next_deadline, set_deadline
from ringfloor.engine.state import Center, Instance

__all__ = ["Center", "Done", "apply", "decide", "image", "next_deadline", "react", "restore", "run"]


class Done(NamedTuple):
    """What a command led to."""

    events: tuple[events.Event, ...]
    effects: tuple[Effect, ...]
    """For the world, once the events are durable."""
    agents: frozenset[str]
    """Ids of the agents whose snapshot has changed."""
    answer: str
    """The id of what was made, where the command makes something; else empty."""


class _Work:
    """What has come of a command so far, and what is still to be considered."""

    __slots__ = ("agents", "effects", "events", "pending")

    def __init__(self) -> None:
        self.events: list[events.Event] = []
        self.effects: list[Effect] = []
        self.agents: set[str] = set()
        self.pending: deque[tuple[commands.Command, int]] = deque()


# decide


def _create_instance(
    center: Center, command: commands.CreateInstance, seed: Seed
) -> Iterator[events.Event]:
    if center.instance is not None:
        raise Refusal("DuplicateResourceException", f"InstanceId: {command.instance_id} exists")
    yield from birth.instance(command, seed)


def _delete_instance(
    center: Center, command: commands.DeleteInstance, _seed: Seed
) -> Iterator[events.Event]:
    del command
    if center.contacts:
        count = len(center.contacts)
        raise invalid_request("InstanceId", center.home.instance_id, f"has {count} live contacts")
    yield events.InstanceDeleted(center.home.instance_id)


def _expire(center: Center, _command: commands.Expire, _seed: Seed) -> Iterator[events.Event]:
    due = center.deadlines[0] if center.deadlines else None
    if due is None or due[0] > center.at:
        return
    _, _, contact_id, delay_ms = due
    late = center.contacts[contact_id]
    if delay_ms:
        yield events.DelayPassed(contact_id, delay_ms)
        return
    match late.stage:
        case "DIALING":
            yield from connection.ending(late, "TELECOM_TIMEOUT")
        case "SCHEDULED":
            assert late.queue_id is not None
            yield events.ContactEnqueued(contact_id, late.queue_id, late.channel)
        case "OFFERED":
            yield connection.unanswered(late)
        case _:
            assert late.stage == "ENDED"
            assert late.agent_id is not None
            yield events.ContactCleared(contact_id, late.agent_id)


def _seedless(
    function: Callable[[Center, Any], Iterator[events.Event]],
) -> Callable[[Center, Any, Seed], Iterator[events.Event]]:
    return lambda center, command, _seed: function(center, command)


def _match(
    function: Callable[[Center, Any, Instant], Iterator[events.Event]],
) -> Callable[[Center, Any, Seed], Iterator[events.Event]]:
    return lambda center, command, _seed: function(center, command, connection.ring_until(center))


Decide = Callable[[Center, Any, Seed], Iterator[events.Event]]

DECIDE: Mapping[type[Struct], Decide] = {
    commands.CreateInstance: _create_instance,
    commands.UpdateInstance: _seedless(directory.update_instance),
    commands.DeleteInstance: _delete_instance,
    commands.CreateResource: directory.create,
    commands.UpdateResource: _seedless(directory.update),
    commands.TagResource: _seedless(directory.tag),
    commands.DeleteResource: _seedless(directory.delete),
    commands.StartOutboundContact: contact.start_outbound,
    commands.StartInboundContact: _seedless(contact.start_inbound),
    commands.StopContact: _seedless(contact.stop),
    commands.UpdateAttributes: _seedless(contact.amend),
    commands.TagContact: _seedless(contact.amend),
    commands.UpdateContact: _seedless(contact.amend),
    commands.UpdateRoutingData: _seedless(contact.update_routing_data),
    commands.UpdateSchedule: _seedless(contact.update_schedule),
    commands.ExpireRecords: _seedless(contact.expire_records),
    commands.ConnectSystem: _seedless(contact.connect),
    commands.LoseChannel: _seedless(contact.lose_channel),
    commands.LoseAgent: _seedless(connection.lose_agent),
    commands.Hear: _seedless(contact.hear),
    commands.Advance: _seedless(contact.advance),
    commands.SetAgentStatus: _seedless(agent.set_status),
    commands.TakeNextStatus: _seedless(agent.take_next_status),
    commands.AcceptContact: _seedless(connection.accept),
    commands.RejectContact: _seedless(connection.reject),
    commands.HoldContact: _seedless(connection.hold),
    commands.ResumeContact: _seedless(connection.resume),
    commands.LeaveContact: _seedless(connection.leave),
    commands.ClearContact: _seedless(connection.clear),
    commands.CompleteContact: _seedless(connection.complete),
    commands.MatchContact: _match(routing.match_contact),
    commands.MatchAgent: _match(routing.match_agent),
    commands.Expire: _expire,
}


def decide(center: Center, command: commands.Command, seed: Seed) -> tuple[events.Event, ...]:
    """What happens now that this is wanted; raises Refusal and changes nothing."""
    instance = center.instance
    begins = instance is None and isinstance(command, commands.CreateInstance)
    if not begins and (instance is None or instance.deleted):
        raise not_found("InstanceId", instance and instance.id, "instance")
    return tuple(DECIDE[type(command)](center, command, seed))


# apply

Apply = Callable[[Center, Any, Instant], None]

APPLY: Mapping[type[Struct], Apply] = {
    events.InstanceCreated: directory.instance_created,
    events.InstanceUpdated: directory.instance_updated,
    events.InstanceDeleted: directory.instance_deleted,
    events.ResourceCreated: directory.created,
    events.ResourceUpdated: directory.updated,
    events.ResourceTagged: directory.tagged,
    events.ResourceDeleted: directory.deleted,
    events.ContactInitiated: contact.initiated,
    events.ContactScheduled: contact.scheduled,
    events.ContactConnectedToSystem: contact.connected_to_system,
    events.FlowEntered: contact.flow_entered,
    events.ModuleEntered: contact.module_entered,
    events.ModuleLeft: contact.module_left,
    events.FlowStepped: contact.flow_stepped,
    events.AttributesUpdated: contact.changed,
    events.ContactTagged: contact.changed,
    events.ContactUpdated: contact.changed,
    events.RoutingDataUpdated: contact.routing_data_updated,
    events.TargetQueueSet: contact.target_queue_set,
    events.ContactEnqueued: contact.enqueued,
    events.DelayPassed: contact.delay_passed,
    events.ContactOffered: connection.offered,
    events.OfferMissed: connection.missed,
    events.ContactConnectedToAgent: connection.connected,
    events.ContactHeld: connection.put_on_hold,
    events.ContactResumed: connection.resumed,
    events.ContactEnded: connection.ended,
    events.ContactCleared: connection.cleared,
    events.ContactCompleted: connection.completed,
    events.RecordAmended: contact.past,
    events.RecordsExpired: contact.past,
    events.AgentStatusChanged: agent.status_changed,
    events.NextStatusChanged: agent.next_status_changed,
}


def apply(center: Center, event: events.Event, at: Instant) -> None:
    """Let it have happened."""
    center.at = at
    APPLY[type(event)](center, event, at)


# react


def _offered(center: Center, event: events.ContactOffered) -> Iterator[commands.Command]:
    if connection.accepts_by_itself(center, center.agents[event.agent_id], event.channel):
        yield commands.AcceptContact(event.agent_id, event.contact_id)
    yield commands.MatchAgent(event.agent_id)


def _missed(_center: Center, event: events.OfferMissed) -> Iterator[commands.Command]:
    if event.reason != "customer_left":
        yield commands.MatchContact(event.contact_id)


def _ended(center: Center, event: events.ContactEnded) -> Iterator[commands.Command]:
    if center.contacts[event.contact_id].connected_to_agent_at is None:
        yield commands.CompleteContact(event.contact_id)


def _cleared(center: Center, event: events.ContactCleared) -> Iterator[commands.Command]:
    contact = center.contacts.get(event.contact_id)
    if contact is not None and contact.after_contact_work_ended_at is not None:
        yield commands.CompleteContact(event.contact_id)
    yield commands.TakeNextStatus(event.agent_id)
    yield commands.MatchAgent(event.agent_id)


ROUTED = frozenset({"RoutingProfileId", "QueueConfigs", "MediaConcurrencies"})
"""Properties that routing looks at."""


def _updated(center: Center, event: events.ResourceUpdated) -> Iterator[commands.Command]:
    if ROUTED.isdisjoint(event.changes):
        return
    if event.kind == "user":
        yield commands.MatchAgent(event.id)
    elif event.kind == "routing_profile":
        slots = sum(center.profiles[event.id].concurrency.values())
        agents = sorted(
            center.users_of(event.id), key=lambda each: (each.idle_since, each.idle_turn, each.id)
        )
        for each in agents:  # whoever is first is served in full before the next
            for _ in range(slots):
                yield commands.MatchAgent(each.id)


def _match_contact(_center: Center, event: Any) -> Iterator[commands.Command]:  # noqa: ANN401  any event of a contact
    yield commands.MatchContact(event.contact_id)


def _match_agent(_center: Center, event: Any) -> Iterator[commands.Command]:  # noqa: ANN401  any event of an agent
    yield commands.MatchAgent(event.agent_id)


React = Callable[[Center, Any], Iterable[commands.Command]]

REACT: Mapping[type[Struct], React] = {
    events.ContactEnqueued: _match_contact,
    events.DelayPassed: _match_contact,
    events.ContactOffered: _offered,
    events.OfferMissed: _missed,
    events.ContactEnded: _ended,
    events.ContactCleared: _cleared,
    events.AgentStatusChanged: _match_agent,
    events.NextStatusChanged: _match_agent,
    events.ResourceUpdated: _updated,
}
"""What has no row has no consequence."""


def react(center: Center, event: events.Event) -> Iterable[commands.Command]:
    """The consequences of an event, as commands; each may turn out to be nothing."""
    found = REACT.get(type(event))
    return found(center, event) if found else ()


def run(center: Center, command: commands.Command, at: Instant, seed: Seed) -> Done:
    """Carry a command out with all its consequences.

    at: not before anything that has happened; seed: the chance the command may use.
    Raises Refusal, or whatever else the decision raised: nothing has changed. Raises Fault once
    something has: the center must not be used any more.
    """
    before = center.at
    if at < before:
        raise Fault(f"time runs backwards: {at} is before {before}")
    center.at = at
    work = _Work()
    try:
        first = decide(center, command, seed)
    except BaseException:
        center.at = before
        raise
    if not first:
        center.at = before
    try:
        _consequences(center, first, seed, work)
    except Exception as error:
        raise Fault(f"{command} broke off in the middle: {error!r}") from error
    return Done(
        tuple(work.events),
        tuple(work.effects),
        frozenset(work.agents),
        _answer(center, command, seed),
    )


def _consequences(center: Center, first: tuple[events.Event, ...], seed: Seed, work: _Work) -> None:
    _settle(center, first, 0, work)
    for _ in range(REACTIONS_PER_COMMAND_MAX):
        if not work.pending:
            return
        consequence, actions = work.pending.popleft()
        _settle(center, decide(center, consequence, seed), actions, work)
    raise Fault("there is no end of consequences")


def _settle(center: Center, happened: tuple[events.Event, ...], actions: int, work: _Work) -> None:
    for event in happened:
        apply(center, event, center.at)
        work.effects.extend(effects(center, event))
        work.agents.update(concerns(center, event))
    for event in happened:
        step = goes_on(event, actions + 1)
        if step is not None:
            work.pending.append((step, actions + 1))
        for consequence in react(center, event):
            work.pending.append((consequence, actions))
    work.events.extend(happened)


def goes_on(event: events.Event, actions: int) -> commands.Advance | None:
    """The next step of a flow that need not wait. actions: done since it last waited."""
    match event:
        case (
            events.FlowEntered(contact_id=contact_id) | events.ModuleEntered(contact_id=contact_id)
        ):
            return commands.Advance(contact_id, None, actions)
        case events.ModuleLeft(contact_id=contact_id, outcome=outcome):
            return commands.Advance(contact_id, outcome, actions)
        case events.FlowStepped(contact_id=contact_id, outcome=outcome) if outcome is not None:
            return commands.Advance(contact_id, outcome, actions)
        case _:
            return None


def concerns(center: Center, event: events.Event) -> Iterable[str]:
    """The agents whose snapshot shows this event, which has just been applied."""
    match event:
        case (
            events.ResourceUpdated(kind="user", id=user_id)
            | events.ResourceDeleted(kind="user", id=user_id)
        ):
            return (user_id,)
        case events.ResourceUpdated(kind="routing_profile", id=profile_id):
            return [each.id for each in center.users_of(profile_id)]
        case events.ContactCompleted():
            return ()
        case _:
            agent_id = getattr(event, "agent_id", None)
            if agent_id is None:
                contact = center.contacts.get(getattr(event, "contact_id", ""))
                agent_id = contact.agent_id if contact else None
            return () if agent_id is None else (agent_id,)


def _answer(center: Center, command: commands.Command, seed: Seed) -> str:
    match command:
        case commands.StartOutboundContact(client_token=token):
            made = derive(seed, 0)
            return contact.begun_with(center, token) or made
        case commands.CreateResource():
            return directory.made_with(center, command) or command.id or derive(seed, 0)
        case commands.CreateInstance(instance_id=identifier):
            return identifier
        case commands.StartInboundContact(contact_id=identifier):
            return identifier
        case _:
            return ""


# Snapshots


class Image(Struct, frozen=True, array_like=True):
    """The facts of a center; everything else is derived from them."""

    instance: Instance | None
    at: Instant
    turn: int
    resources: list[Resource]
    agents: list[Agent]
    contacts: list[Contact]
    superseded: list[str]
    """Contents of flows that only contacts still run."""


_decode_image = msgspec.msgpack.Decoder(Image).decode
_encode_image = msgspec.msgpack.Encoder().encode


def image(center: Center) -> bytes:
    """The center as a snapshot."""
    resources = [each for kind in center.resources.values() for each in kind.values()]
    return _encode_image(
        Image(
            center.instance,
            center.at,
            center.turn,
            resources,
            list(center.agents.values()),
            list(center.contacts.values()),
            flows.superseded(center),
        )
    )


def restore(snapshot: bytes) -> Center:
    """The center of a snapshot, its indexes built anew; raises msgspec.MsgspecError."""
    facts = _decode_image(snapshot)
    center = Center()
    center.instance, center.at, center.turn = facts.instance, facts.at, facts.turn
    for resource in facts.resources:
        directory.put(center, resource)
    center.agents = {each.id: each for each in facts.agents}
    for live in facts.contacts:
        _restore_contact(center, live)
    flows.restore(center, facts.superseded)
    for each in facts.agents:
        routing.stand(center, each)
    return center


def _restore_contact(center: Center, each: Contact) -> None:
    center.contacts[each.id] = each
    if each.client_token is not None and each.stage != "ENDED":
        center.client_tokens[each.client_token] = each.id  # a later one of the same comes later
    if each.deadline_at is not None:
        at, each.deadline_at = each.deadline_at, None
        set_deadline(center, each, at)
    contact.stand_in_queue(center, each)
