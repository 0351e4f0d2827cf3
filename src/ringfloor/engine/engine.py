"""Engine: the doors of the contact center.

    decide(center, command, seed) -> Decision     reads only; refuses, or says what happened
    apply(center, event, at)                      total; the same at first run and at replay
    react(center, event) -> commands              what the engine now asks of itself
    run(center, command, at, seed) -> Done        decide, apply, react, to a fixed point
    image(center) / restore(image)                a snapshot and back

The tables: DECIDE and TIMERS in decisions, APPLY here, REACT in reactions; tests hold them total.
All events of one decision are applied before anything reacts to the first of
them. A refusal is possible only before the first event is applied.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.ids import Seed, branch, derive
from ringfloor.base.limits import (
    FLOW_ACTIONS_PER_TURN_MAX,
    FLOW_CONTACTS_PER_TURN_MAX,
    REACTIONS_PER_COMMAND_MAX,
)
from ringfloor.base.time import Instant
from ringfloor.domain import commands, events
from ringfloor.domain.call import Call
from ringfloor.domain.chat import Chat
from ringfloor.domain.contact import Agent, Contact
from ringfloor.domain.resources import Resource
from ringfloor.engine import (
    agent,
    answers,
    call,
    callback,
    chat,
    chat_parties,
    chat_state,
    chat_streams,
    connection,
    contact,
    contact_answers,
    directory,
    entry,
    flows,
    joining,
    monitor,
    recordings,
    routing,
    task,
)
from ringfloor.engine.decisions import DECIDE, TIMERS, decide
from ringfloor.engine.effects import Effect, effects
from ringfloor.engine.reactions import REACT, goes_on, react
from ringfloor.engine.schedule import next_deadline, reschedule
from ringfloor.engine.state import Center, Instance

__all__ = [
    "APPLY",
    "DECIDE",
    "REACT",
    "TIMERS",
    "Center",
    "Done",
    "apply",
    "decide",
    "image",
    "next_deadline",
    "react",
    "restore",
    "run",
]


class Done(NamedTuple):
    """What a command led to."""

    events: tuple[events.Event, ...]
    effects: tuple[Effect, ...]
    """For the world, once the events are durable."""
    agents: frozenset[str]
    """Ids of the agents whose snapshot has changed."""
    answer: str
    """The id of what was made, where the command makes something; else empty."""


Witness = Callable[[Center, events.Event], None]
"""Who wants to look at the center right after each event was applied; he changes nothing."""


class _Work:
    """What has come of a command so far, and what is still to be considered."""

    __slots__ = ("agents", "begun", "effects", "events", "pending", "witness")

    def __init__(self, witness: Witness | None) -> None:
        self.witness = witness
        self.events: list[events.Event] = []
        self.effects: list[Effect] = []
        self.agents: set[str] = set()
        self.begun = 0
        """How many contacts flows have begun."""
        self.pending: deque[tuple[commands.Command, int]] = deque()


# apply

Apply = Callable[[Center, Any, Instant], None]


def _contact_ended(center: Center, event: events.ContactEnded, at: Instant) -> None:
    call.ended(center, event, at)
    over = center.contacts[event.contact_id]
    monitor.watch_over(over, at)
    recordings.over(over, at)


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
    events.FlowEntered: answers.flow_entered,
    events.ModuleEntered: answers.module_entered,
    events.ModuleLeft: answers.module_left,
    events.FlowStepped: answers.flow_stepped,
    events.FlowFinished: answers.flow_finished,
    events.ContactSucceeded: answers.succeeded,
    events.AttributesUpdated: contact.changed,
    events.ContactTagged: contact.changed,
    events.ContactUpdated: contact.changed,
    events.HooksSet: contact_answers.hooks_set,
    events.VoiceSet: contact_answers.voice_set,
    events.StreamingSet: contact_answers.streaming_set,
    events.RecordingBehaviorSet: contact_answers.recording_behavior_set,
    events.RoutingDataUpdated: contact.routing_data_updated,
    events.RoutingCriteriaSet: routing.criteria_arrived,
    events.RoutingStepExpired: routing.step_expired,
    events.TargetQueueSet: contact.target_queue_set,
    events.ContactEnqueued: contact.enqueued,
    events.DelayPassed: contact.delay_passed,
    events.ContactOffered: connection.offered,
    events.OfferMissed: connection.missed,
    events.ContactAccepted: joining.accepted,
    events.AgentLegConnected: joining.agent_leg_connected,
    events.AgentLegLost: joining.agent_leg_lost,
    events.ContactDequeued: joining.dequeued,
    events.ContactConnectedToAgent: call.connected,
    events.ContactHeld: call.put_on_hold,
    events.ContactResumed: call.resumed,
    events.PartyAdded: call.added,
    events.PartyJoined: call.joined,
    events.PartyHeld: call.held,
    events.PartyResumed: call.back,
    events.PartyMuted: call.muted,
    events.PartyLeft: call.party_left,
    events.DigitsPressed: call.pressed,
    events.CustomerPassed: call.customer_passed,
    events.MonitorStateChanged: monitor.state_changed,
    events.RecordingChanged: recordings.changed,
    events.RecordingStored: contact.changed,
    events.SoundMeasured: contact.changed,
    events.ContactEnded: _contact_ended,
    events.TaskPaused: task.paused,
    events.TaskResumed: task.resumed,
    events.ExpirySet: task.expiry_set,
    events.CallbackNumberSet: callback.number_set,
    events.CustomerDialled: callback.customer_dialled,
    events.CallbackUnanswered: callback.not_answered,
    events.ContactCleared: connection.cleared,
    events.ContactCompleted: connection.completed,
    events.RecordAmended: contact.past,
    events.RecordsExpired: contact.past,
    events.ContactImported: contact.past,
    events.AgentStatusChanged: agent.status_changed,
    events.NextStatusChanged: agent.next_status_changed,
    events.AgentPresenceChanged: agent.presence_changed,
    events.ChatStarted: chat_state.started,
    events.ParticipantAdded: chat_state.participant_added,
    events.ParticipantJoined: chat_state.participant_joined,
    events.ParticipantLeft: chat_state.participant_left,
    events.ParticipantSilenced: chat_state.participant_silenced,
    events.ChatItemAdded: chat_state.item_added,
    events.ReceiptMarked: chat_state.receipt_marked,
    events.ChatMoved: chat_state.moved,
    events.ChatTimersSet: chat_state.timers_set,
    events.ChatContinued: chat_state.continued,
    events.ChatStreamStarted: chat_state.stream_started,
    events.ChatStreamStopped: chat_state.stream_stopped,
    events.ChatEnded: chat_state.ended,
}


def apply(center: Center, event: events.Event, at: Instant) -> None:
    """Let it have happened."""
    center.at = at
    APPLY[type(event)](center, event, at)


def run(
    center: Center,
    command: commands.Command,
    at: Instant,
    seed: Seed,
    witness: Witness | None = None,
) -> Done:
    """Carry a command out with all its consequences.

    at: not before anything that has happened; seed: the chance the command may use.
    Raises Refusal, or whatever else the decision raised: nothing has changed. Raises Fault once
    something has: the center must not be used any more.
    """
    before = center.at
    if at < before:
        raise Fault(f"time runs backwards: {at} is before {before}")
    center.at = at
    work = _Work(witness)
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
        broken = type(command).__name__  # and not what it says, which is the caller's
        raise Fault(f"{broken} broke off in the middle: {error!r}") from error
    return Done(
        tuple(work.events),
        tuple(work.effects),
        frozenset(work.agents),
        _answer(center, command, seed),
    )


def _consequences(center: Center, first: tuple[events.Event, ...], seed: Seed, work: _Work) -> None:
    _settle(center, first, 0, work)
    for number in range(REACTIONS_PER_COMMAND_MAX):
        if not work.pending:
            return
        consequence, actions = work.pending.popleft()
        happened = decide(center, consequence, branch(seed, number))
        if happened:
            _settle(center, happened, actions, work)
    raise Fault("there is no end of consequences")


def _settle(center: Center, happened: tuple[events.Event, ...], actions: int, work: _Work) -> None:
    if happened and type(happened[0]) is events.FlowStepped:
        work.begun += sum(isinstance(each, events.ContactInitiated) for each in happened)
    if work.begun > FLOW_CONTACTS_PER_TURN_MAX:
        actions = FLOW_ACTIONS_PER_TURN_MAX  # whatever flow goes on ends
    walked = 0
    for event in happened:
        apply(center, event, center.at)
        if type(event) is events.FlowStepped:
            walked += flows.work(center, event)
        if work.witness is not None:
            work.witness(center, event)
        work.effects.extend(effects(center, event))
        work.agents.update(concerns(center, event))
    for event in happened:
        step = goes_on(event, actions + max(walked, 1))
        if step is not None:
            work.pending.append((step, step.actions))
        for consequence in react(center, event):
            work.pending.append((consequence, actions))
    work.events.extend(happened)


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
            return _those_of(center, event)


def _those_of(center: Center, event: events.Event) -> Iterable[str]:
    """Who is in the call or chat that it is about, and the agent whom it names."""
    agent_id = getattr(event, "agent_id", None)
    there = call.concerned(center, event)
    if there is None:
        there = chat_parties.concerned(center, event)
    if there is None:
        contact = center.contacts.get(getattr(event, "contact_id", ""))
        there = [contact.agent_id] if contact and contact.agent_id and not agent_id else []
    return there if agent_id is None or agent_id in there else [*there, agent_id]


def _answer(center: Center, command: commands.Command, seed: Seed) -> str:
    match command:
        case (
            commands.StartOutboundContact(client_token=token)
            | commands.StartChat(client_token=token)
            | commands.StartTask(client_token=token)
            | commands.TransferTask(client_token=token)
        ):
            made = derive(seed, 0)
            return entry.begun_with(center, token) or made
        case commands.CreateResource():
            return directory.made_with(center, command) or command.id or derive(seed, 0)
        case commands.CreateInstance(instance_id=identifier):
            return identifier
        case commands.StartInboundContact(contact_id=identifier):
            return identifier
        case commands.MonitorContact(client_token=token):
            return entry.begun_with(center, token) or derive(seed, 0)
        case commands.SendChatItem():
            return chat.sent(center, command, seed)
        case commands.StartChatStream():
            return chat_streams.started_as(center, command, seed)
        case commands.AddParticipant():
            return chat.added(center, command, seed)
        case commands.DialOut() | commands.AddParty() | commands.TransferChat():
            return derive(seed, 0)
        case _:
            return ""


# Snapshots


IMAGE: Literal[2] = 2
"""Which form the facts have; a snapshot in another is not read, the journal is."""


class Image(Struct, frozen=True, array_like=True):
    """The facts of a center; everything else is derived from them."""

    form: Literal[2]
    instance: Instance | None
    at: Instant
    turn: int
    resources: list[Resource]
    agents: list[Agent]
    contacts: list[Contact]
    superseded: list[str]
    """Contents of flows that only contacts still run."""
    calls: list[Call]
    chats: list[Chat]
    dialled_until: int = 0


_decode_image = msgspec.msgpack.Decoder(Image).decode
_encode_image = msgspec.msgpack.Encoder().encode


def image(center: Center) -> bytes:
    """The center as a snapshot."""
    resources = [each for kind in center.resources.values() for each in kind.values()]
    return _encode_image(
        Image(
            IMAGE,
            center.instance,
            center.at,
            center.turn,
            resources,
            list(center.agents.values()),
            list(center.contacts.values()),
            flows.superseded(center),
            list(center.calls.values()),
            list(center.chats.values()),
            center.dialled_until,
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
    call.restore(center, facts.calls)
    center.chats = {each.id: each for each in facts.chats}
    center.dialled_until = facts.dialled_until
    flows.restore(center, facts.superseded)
    for each in facts.agents:
        routing.stand(center, each)
    return center


def _restore_contact(center: Center, each: Contact) -> None:
    center.contacts[each.id] = each
    if each.stage != "ENDED":
        for counted in entry.counted_as(each):
            center.going[counted] = center.going.get(counted, 0) + 1
    if each.client_token is not None and each.stage != "ENDED":
        center.client_tokens[each.client_token] = each.id  # a later one of the same comes later
    connection.link(center, each)
    reschedule(center, each)
    routing.restore_demand(center, each)
    callback.remember(center, each)
    contact.stand_in_queue(center, each)
