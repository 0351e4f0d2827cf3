"""Realtime: the contact center of this moment, folded from its events into counters.

The node owns one per instance and tells it every durable event, in order; operations ask
projections.current_rows, which reads the counters. A snapshot is the facts; the counters are
counted anew when it is loaded.

Rules:
- An event costs what it touches: an agent's event changes the counts of his routing profile, a
  contact's event those of its queue and channel. Only a change of a routing profile looks at all
  its agents.
- A contact that rings at an agent is not in queue; missed, it is again, with its old enqueue time.
  Whispers change nothing: it rings, as it were, until the two are joined.
- A missed offer stays in the agent's hands until he clears it, whatever becomes of the contact.
- A next status changes nothing until it is taken; holding and resuming change nothing that counts.
- An agent's own call (a contact born with an agent) is in his hands from its first ring on.

Sources: metrics specification, sections 0.3, 1.1 and 7; domain.events for the life of a contact.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.events import Event
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import (
    NUMBERS,
    WEIGHTS,
    AgentFacts,
    Card,
    ContactFacts,
    Counters,
    Facts,
    Grip,
    GroupCount,
    HandCount,
    HeldFacts,
    LineCount,
    LineKey,
    ProfileFacts,
    Stage,
    card,
    recount,
)
from ringfloor.projections.waiting import Staffing

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Facts).decode

ROUTE_ANY_CHANNEL = "ROUTE_ANY_CHANNEL"

JOINED = ("CONNECTED", "CONNECTED_ONHOLD")
"""PreDisconnectState of contacts that ended with their agent."""


class Realtime:
    """Facts and counters of one instance, in step."""

    __slots__ = ("counters", "facts")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self.facts = Facts()
        self.counters = Counters()

    def on(self, event: Event, at: Instant) -> None:
        """Let it have happened. at: when, not before anything told earlier."""
        fold = self._ON.get(type(event))
        if fold is not None:
            fold(self, event, at)

    def dump(self) -> bytes:
        """The facts as a snapshot; the same facts are always the same bytes."""
        return _encode(self.facts)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self.facts = _decode(snapshot)
        self.counters = recount(self.facts)
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        if not isinstance(other, Realtime):
            return NotImplemented
        return self.facts == other.facts and self.counters == other.counters

    def staffing(self, queue_id: str, channel: str) -> Staffing:
        """The agents who can be offered such a contact, for an estimate of its wait."""
        bit = 1 << NUMBERS[channel]
        staffed = free = 0
        for profile_id, mask in self.counters.serving.get(queue_id, {}).items():
            if mask & bit:
                for group in self.counters.groups[profile_id].values():
                    staffed += group.staffed
                    free += group.free[NUMBERS[channel]]
        return Staffing(staffed, free)

    # Resources

    def _resource_created(self, event: events.ResourceCreated, _at: Instant) -> None:
        match event.kind:
            case "queue":
                self.facts.queues.add(event.id)
            case "routing_profile":
                counters = self.counters
                counters.users[event.id] = set()
                counters.groups[event.id] = {}
                counters.hands[event.id] = {}
                self.facts.profiles[event.id] = ProfileFacts({}, [0] * len(CHANNELS), 0)
                self._configure(event.id, event.properties)
            case "user":
                self._join(event.id, event.properties["RoutingProfileId"])
            case "agent_status" if event.properties["Type"] == "OFFLINE":
                self.facts.offline_status_id = event.id
            case _:
                pass

    def _resource_updated(self, event: events.ResourceUpdated, _at: Instant) -> None:
        if event.kind == "routing_profile":
            self._configure(event.id, event.changes)
        elif event.kind == "user" and "RoutingProfileId" in event.changes:
            self._reassign(event.id, event.changes["RoutingProfileId"])

    def _resource_deleted(self, event: events.ResourceDeleted, _at: Instant) -> None:
        facts, counters = self.facts, self.counters
        match event.kind:
            case "queue":
                facts.queues.discard(event.id)
            case "routing_profile":
                self._serve(event.id, facts.profiles[event.id].served(), {})
                del facts.profiles[event.id], counters.users[event.id]
                del counters.groups[event.id], counters.hands[event.id]
            case "user":
                agent = facts.agents[event.id]
                for contact_id in list(agent.held):
                    self._let_go(event.id, contact_id)
                self._count_out(counters.cards.pop(event.id))
                counters.users[agent.profile_id].remove(event.id)
                del facts.agents[event.id]
            case _:
                pass

    def _configure(self, profile_id: str, changes: Properties) -> None:
        profile = self.facts.profiles[profile_id]
        before = profile.served()
        if "MediaConcurrencies" in changes:
            profile.slots = [0] * len(CHANNELS)
            profile.mixes = 0
            for entry in changes["MediaConcurrencies"] or ():
                number = NUMBERS[entry["Channel"]]
                profile.slots[number] = entry["Concurrency"]
                behavior = entry.get("CrossChannelBehavior") or {}
                if behavior.get("BehaviorType") == ROUTE_ANY_CHANNEL:
                    profile.mixes |= 1 << number
        if "QueueConfigs" in changes:
            profile.queues = {}
            for entry in changes["QueueConfigs"] or ():
                row = entry["QueueReference"]
                mask = profile.queues.get(row["QueueId"], 0)
                profile.queues[row["QueueId"]] = mask | 1 << NUMBERS[row["Channel"]]
        self._serve(profile_id, before, profile.served())
        for agent_id in self.counters.users[profile_id]:
            self._recount_agent(agent_id)

    def _serve(self, profile_id: str, before: Mapping[str, int], now: Mapping[str, int]) -> None:
        serving = self.counters.serving
        for queue_id in before:
            del serving[queue_id][profile_id]
            if not serving[queue_id]:
                del serving[queue_id]
        for queue_id, mask in now.items():
            serving.setdefault(queue_id, {})[profile_id] = mask

    # Agents

    def _join(self, agent_id: str, profile_id: str) -> None:
        self.facts.agents[agent_id] = AgentFacts(
            profile_id, self.facts.offline_status_id, "OFFLINE"
        )
        self.counters.users[profile_id].add(agent_id)
        self._recount_agent(agent_id)

    def _reassign(self, agent_id: str, profile_id: str) -> None:
        agent = self.facts.agents[agent_id]
        for held in agent.held.values():
            self._count_held(agent.profile_id, held, None)
        self.counters.users[agent.profile_id].remove(agent_id)
        agent.profile_id = profile_id
        self.counters.users[profile_id].add(agent_id)
        for held in agent.held.values():
            self._count_held(profile_id, None, held)
        self._recount_agent(agent_id)

    def _status_changed(self, event: events.AgentStatusChanged, _at: Instant) -> None:
        agent = self.facts.agents[event.agent_id]
        agent.status_id = event.status_id
        agent.status_type = event.status_type
        self._recount_agent(event.agent_id)

    def _recount_agent(self, agent_id: str) -> None:
        """The agent may count differently now."""
        agent = self.facts.agents[agent_id]
        cards = self.counters.cards
        before = cards.get(agent_id)
        now = card(agent, self.facts.profiles[agent.profile_id])
        if now == before:
            return
        cards[agent_id] = now
        groups = self.counters.groups[now.profile_id]
        group = groups.get(now.status_id)
        if group is None:
            group = groups[now.status_id] = GroupCount()
        if before is not None and before.group == now.group:
            group.change(before, now)
        else:
            group.add(now, 1)
            if before is not None:
                self._count_out(before)

    def _count_out(self, before: Card) -> None:
        groups = self.counters.groups[before.profile_id]
        group = groups[before.status_id]
        group.add(before, -1)
        if not group.agents:
            del groups[before.status_id]

    # What agents hold

    def _grip(self, agent_id: str, contact_id: str, grip: Grip) -> None:
        """The agent now holds the contact in this way."""
        contact = self.facts.contacts[contact_id]
        agent = self.facts.agents[agent_id]
        before = agent.held.get(contact_id)
        now = agent.held[contact_id] = HeldFacts(contact.queue_id, contact.channel, grip)
        self._count_held(agent.profile_id, before, now)
        self._recount_agent(agent_id)

    def _let_go(self, agent_id: str, contact_id: str) -> None:
        agent = self.facts.agents[agent_id]
        self._count_held(agent.profile_id, agent.held.pop(contact_id), None)
        self._recount_agent(agent_id)

    def _count_held(self, profile_id: str, before: HeldFacts | None, now: HeldFacts | None) -> None:
        """One contact passes from one grip to another; None: the agent does not hold it."""
        held = now or before
        if held is None or held.queue_id is None:
            return
        offered, active, work = WEIGHTS[now.grip if now else "MISSED"]
        was_offered, was_active, was_work = WEIGHTS[before.grip if before else "MISSED"]
        key = held.queue_id, held.channel
        line = self._line(key)
        line.offered += offered - was_offered
        if active or was_active:
            line.active += active - was_active
            line.work += work - was_work
            hands = self.counters.hands[profile_id]
            hand = hands.get(key)
            if hand is None:
                hand = hands[key] = HandCount()
            hand.active += active - was_active
            hand.work += work - was_work
            if not hand.active:
                del hands[key]
        self._drop_empty(key, line)

    # Contacts

    def _line(self, key: LineKey) -> LineCount:
        line = self.counters.lines.get(key)
        if line is None:
            line = self.counters.lines[key] = LineCount()
        return line

    def _drop_empty(self, key: LineKey, line: LineCount) -> None:
        if line.holds_nothing():
            del self.counters.lines[key]

    def _move(self, contact_id: str, stage: Stage) -> ContactFacts:
        """The contact is at this stage now; its queue and enqueue time stay."""
        contact = self.facts.contacts[contact_id]
        before, contact.stage = contact.stage, stage
        if contact.queue_id is not None and before != stage:
            key = contact.queue_id, contact.channel
            line = self._line(key)
            if stage == "IN_QUEUE":
                line.waiting.add((contact.enqueued_at, contact_id))
            elif stage == "SCHEDULED":
                line.scheduled += 1
            if before == "IN_QUEUE":
                line.waiting.remove((contact.enqueued_at, contact_id))
            elif before == "SCHEDULED":
                line.scheduled -= 1
            self._drop_empty(key, line)
        return contact

    def _counting_queue(self, queue_id: str | None) -> str | None:
        return queue_id if queue_id in self.facts.queues else None

    def _initiated(self, event: events.ContactInitiated, _at: Instant) -> None:
        born = event.contact
        self.facts.contacts[born.id] = ContactFacts(NUMBERS[born.channel], "IN_FLOW")
        if born.agent_id is not None:
            contact = self.facts.contacts[born.id]
            contact.queue_id = self._counting_queue(born.queue_id)
            self._hand_over(born.id, born.agent_id)

    def _scheduled(self, event: events.ContactScheduled, _at: Instant) -> None:
        contact = self._move(event.contact_id, "IN_FLOW")
        contact.queue_id = self._counting_queue(event.queue_id)
        self._move(event.contact_id, "SCHEDULED")

    def _enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        contact = self._move(event.contact_id, "IN_FLOW")
        contact.queue_id = self._counting_queue(event.queue_id)
        contact.enqueued_at = at
        self._move(event.contact_id, "IN_QUEUE")

    def _offered(self, event: events.ContactOffered, _at: Instant) -> None:
        self._grip(event.agent_id, event.contact_id, "CONNECTING")
        self._move(event.contact_id, "OFFERED").agent_id = event.agent_id

    def _missed(self, event: events.OfferMissed | events.AgentLegLost, _at: Instant) -> None:
        self._move(event.contact_id, "IN_QUEUE").agent_id = None
        self._grip(event.agent_id, event.contact_id, "MISSED")

    def _connected(self, event: events.ContactConnectedToAgent, _at: Instant) -> None:
        self._hand_over(event.contact_id, event.agent_id)

    def _hand_over(self, contact_id: str, agent_id: str) -> None:
        self._grip(agent_id, contact_id, "CONNECTED")
        self._move(contact_id, "WITH_AGENT").agent_id = agent_id

    def _ended(self, event: events.ContactEnded, _at: Instant) -> None:
        contact = self._move(event.contact_id, "ENDED")
        if contact.agent_id is not None and event.pre_disconnect_state in JOINED:
            self._grip(contact.agent_id, event.contact_id, "ENDED")
        elif contact.agent_id is not None:  # he has it on his screen as failed, and clears it
            self._grip(contact.agent_id, event.contact_id, "MISSED")
            contact.agent_id = None

    def _paused(self, event: events.TaskPaused, _at: Instant) -> None:
        if event.agent_id is None:
            self._move(event.contact_id, "IN_FLOW")
        else:
            self._grip(event.agent_id, event.contact_id, "PAUSED")

    def _resumed(self, event: events.TaskResumed, _at: Instant) -> None:
        if event.agent_id is None:
            self._move(event.contact_id, "IN_QUEUE")
        else:
            self._grip(event.agent_id, event.contact_id, "CONNECTED")

    def _dialled(self, event: events.CustomerDialled, _at: Instant) -> None:
        self._hand_over(event.contact_id, event.agent_id)

    def _unanswered(self, event: events.CallbackUnanswered, _at: Instant) -> None:
        self._grip(event.agent_id, event.contact_id, "MISSED")
        self._move(event.contact_id, "SCHEDULED").agent_id = None

    def _cleared(self, event: events.ContactCleared, _at: Instant) -> None:
        self._let_go(event.agent_id, event.contact_id)

    def _completed(self, event: events.ContactCompleted, _at: Instant) -> None:
        contact_id = event.contact.id
        agent_id = self._move(contact_id, "ENDED").agent_id
        if agent_id is not None:
            agent = self.facts.agents.get(agent_id)
            if agent is not None and contact_id in agent.held:
                self._let_go(agent_id, contact_id)
        del self.facts.contacts[contact_id]

    _ON: ClassVar[Mapping[type, Callable[[Any, Any, Instant], None]]] = {
        events.ResourceCreated: _resource_created,
        events.ResourceUpdated: _resource_updated,
        events.ResourceDeleted: _resource_deleted,
        events.AgentStatusChanged: _status_changed,
        events.ContactInitiated: _initiated,
        events.ContactScheduled: _scheduled,
        events.ContactEnqueued: _enqueued,
        events.ContactOffered: _offered,
        events.OfferMissed: _missed,
        events.AgentLegLost: _missed,
        events.ContactConnectedToAgent: _connected,
        events.ContactEnded: _ended,
        events.TaskPaused: _paused,
        events.TaskResumed: _resumed,
        events.CustomerDialled: _dialled,
        events.CallbackUnanswered: _unanswered,
        events.ContactCleared: _cleared,
        events.ContactCompleted: _completed,
    }
    """What has no row changes no count."""
