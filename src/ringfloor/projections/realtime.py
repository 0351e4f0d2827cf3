"""Realtime: the contact center of this moment, folded from its events into counters.

The node owns one per instance and tells it every durable event, in order; operations ask
projections.current_rows, which reads the counters. A snapshot is the facts; the counters are
counted anew when it is loaded.

Rules:
- An event costs what it touches: an agent's event changes the counts of his routing profile and
  of the expressions that he meets (projections.meeting), a contact's event those of its queue and
  channel, its subtype and its routing step. Only a change of a routing profile looks at all its
  agents.
- A contact that rings at an agent is not in queue; missed, it is again, with its old enqueue time.
  Whispers change nothing: it rings, as it were, until the two are joined.
- A missed offer stays in the agent's hands until he clears it, whatever becomes of the contact.
- A next status changes nothing until it is taken; holding and resuming change nothing that counts.
- An agent's own call (a contact born with an agent) is in his hands from its first ring on.
- Who listens to a call is on a contact; as a contact that listening counts nowhere.
- Steps of routing criteria are active as in engine.routing: from the queue on, and nowhere but in
  queues of agents who share them.

Sources: metrics specification, sections 0.3, 1.1 and 7; domain.events for the life of a contact.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.contact import segment_texts
from ringfloor.domain.criteria import Criteria, activated, moved_on
from ringfloor.domain.events import Event
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.counters import (
    IN_LINE,
    NUMBERS,
    WEIGHTS,
    AgentFacts,
    ContactFacts,
    Counters,
    Facts,
    Grip,
    Groups,
    HandCount,
    HeldFacts,
    Line,
    LineKey,
    ProfileFacts,
    Stage,
    card,
    count_card,
    recount,
)
from ringfloor.projections.meeting import Meeting
from ringfloor.projections.waiting import Staffing

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Facts).decode

ROUTE_ANY_CHANNEL = "ROUTE_ANY_CHANNEL"

SUBTYPE = "connect:Subtype"
"""The segment attribute."""

JOINED = ("CONNECTED", "CONNECTED_ONHOLD")
"""PreDisconnectState of contacts that ended with their agent."""


class Realtime:
    """Facts and counters of one instance, in step."""

    __slots__ = ("counters", "facts", "meeting")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self.facts = Facts()
        self.counters = Counters()
        self.meeting = Meeting()
        """Not a part of the value: it follows from the facts."""

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

    def groups(self, step: str | None = None) -> Groups:
        """How all agents count, or those who meet the expression of a routing step."""
        if step is None:
            return self.counters.groups
        return self.meeting.groups(step, self.facts, self.counters)

    def prepare(self, step: str) -> bool:
        """Some work towards groups(step), which many agents make long; whether it is done."""
        return self.meeting.prepare(step, self.facts, self.counters)

    def staffing(self, queue_id: str, channel: str, step: str | None = None) -> Staffing:
        """The agents who can be offered such a contact, for an estimate of its wait."""
        bit = 1 << NUMBERS[channel]
        groups = self.groups(step)
        staffed = free = 0
        for profile_id, mask in self.counters.serving.get(queue_id, {}).items():
            if mask & bit:
                for group in groups.get(profile_id, {}).values():
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
                self._join(event.id, event.properties)
            case "agent_status" if event.properties["Type"] == "OFFLINE":
                self.facts.offline_status_id = event.id
            case _:
                pass

    def _resource_updated(self, event: events.ResourceUpdated, _at: Instant) -> None:
        if event.kind == "routing_profile":
            self._configure(event.id, event.changes)
        elif event.kind == "user":
            if "RoutingProfileId" in event.changes:
                self._reassign(event.id, event.changes["RoutingProfileId"])
            if "Proficiencies" in event.changes:
                self._learn(event.id, event.changes)

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
                self._learn(event.id, {}, gone=True)
                count_card(counters.groups, counters.cards.pop(event.id), None)
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

    def _join(self, agent_id: str, properties: Properties) -> None:
        profile_id = properties["RoutingProfileId"]
        self.facts.agents[agent_id] = AgentFacts(
            profile_id, self.facts.offline_status_id, "OFFLINE"
        )
        self.counters.users[profile_id].add(agent_id)
        self._recount_agent(agent_id)
        self._learn(agent_id, properties)

    def _learn(self, agent_id: str, properties: Properties, *, gone: bool = False) -> None:
        """What the agent can do, as his proficiencies now say."""
        agent, skilled = self.facts.agents[agent_id], self.counters.skilled
        for skill in agent.skills():
            skilled[skill].remove(agent_id)
            if not skilled[skill]:
                del skilled[skill]
        agent.levels = tuple(
            (row["AttributeName"], row["AttributeValue"], row["Level"])
            for row in properties.get("Proficiencies") or ()
        )
        for skill in agent.skills():
            skilled.setdefault(skill, set()).add(agent_id)
        self.meeting.learned(agent_id, None if gone else agent, self.counters.cards[agent_id])

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
        count_card(self.counters.groups, before, now)
        if before is not None:
            self.meeting.recounted(agent_id, before, now)

    # What agents hold

    def _grip(self, agent_id: str, contact_id: str, grip: Grip) -> None:
        """The agent now holds the contact in this way."""
        contact = self.facts.contacts[contact_id]
        agent = self.facts.agents[agent_id]
        before = agent.held.get(contact_id)
        now = HeldFacts(contact.queue_id, contact.channel, grip, contact.subtype)
        agent.held[contact_id] = now
        self._count_held(agent.profile_id, before, now)
        self._recount_agent(agent_id)

    def _let_go(self, agent_id: str, contact_id: str) -> None:
        agent = self.facts.agents[agent_id]
        self._count_held(agent.profile_id, agent.held.pop(contact_id), None)
        self._recount_agent(agent_id)

    def _count_held(self, profile_id: str, before: HeldFacts | None, now: HeldFacts | None) -> None:
        """One contact passes from one grip to another; None: the agent does not hold it."""
        if now is not None and now.queue_id is not None and WEIGHTS[now.grip][0]:
            self._count_in_hand(profile_id, now, 1)
        if before is not None and before.queue_id is not None and WEIGHTS[before.grip][0]:
            self._count_in_hand(profile_id, before, -1)
            self._tidy((before.queue_id, before.channel), before.subtype, None)

    def _count_in_hand(self, profile_id: str, held: HeldFacts, sign: int) -> None:
        assert held.queue_id is not None
        key = held.queue_id, held.channel, held.subtype
        hands = self.counters.hands[profile_id]
        hand = hands.get(key)
        if hand is None:
            hand = hands[key] = HandCount()
        active, work = WEIGHTS[held.grip]
        active, work = sign * active, sign * work
        hand.active += active
        hand.work += work
        for count in self._line((held.queue_id, held.channel)).counts(held.subtype, None):
            count.active += active
            count.work += work
        if not hand.active:
            del hands[key]

    # Contacts

    def _line(self, key: LineKey) -> Line:
        line = self.counters.lines.get(key)
        if line is None:
            line = self.counters.lines[key] = Line()
        return line

    def _tidy(self, key: LineKey, subtype: str, step: str | None) -> None:
        """What counts nothing any more is taken away."""
        line = self.counters.lines.get(key)
        if line is None:
            return
        if line.holds_nothing():
            del self.counters.lines[key]
        else:
            line.tidy(subtype, step)

    def _become(self, contact_id: str, **changes: Any) -> ContactFacts:  # noqa: ANN401  of each type
        """The contact is otherwise in these members of its facts, and counts so in its line."""
        contact = self.facts.contacts[contact_id]
        before = self._count_in_line(contact_id, contact, -1)
        for member, value in changes.items():
            setattr(contact, member, value)
        self._count_in_line(contact_id, contact, 1)
        if before is not None:
            self._tidy(*before)
        return contact

    def _count_in_line(
        self, contact_id: str, contact: ContactFacts, sign: int
    ) -> tuple[LineKey, str, str | None] | None:
        """Count the contact in (1) or out (-1) as it is; where it counts, None: nowhere."""
        if contact.queue_id is None or contact.stage not in IN_LINE:
            return None
        place = (contact.queue_id, contact.channel), contact.subtype, contact.step()
        for count in self._line(place[0]).counts(place[1], place[2]):
            count.count(contact_id, contact, sign)
        return place

    def _move(self, contact_id: str, stage: Stage, agent_id: str | None) -> ContactFacts:
        """The contact is at this stage now, and with this agent; its queue stays."""
        return self._become(contact_id, stage=stage, agent_id=agent_id)

    def _counting_queue(self, queue_id: str | None) -> str | None:
        return queue_id if queue_id in self.facts.queues else None

    def _initiated(self, event: events.ContactInitiated, _at: Instant) -> None:
        born = event.contact
        contact = self.facts.contacts[born.id] = ContactFacts(
            NUMBERS[born.channel],
            "IN_FLOW",
            segment_texts(born)[SUBTYPE],
            criteria=born.criteria[-1] if born.criteria else None,
        )
        if born.agent_id is not None:
            if born.initiation_method != "MONITOR":
                contact.queue_id = self._counting_queue(born.queue_id)
            self._hand_over(born.id, born.agent_id)

    def _updated(self, event: events.ContactUpdated, _at: Instant) -> None:
        subtype = event.segment_attributes.get(SUBTYPE)
        if subtype is None:
            return
        contact = self._become(event.contact_id, subtype=subtype)
        agent = self.facts.agents.get(contact.agent_id or "")
        held = agent.held.get(event.contact_id) if agent is not None else None
        if held is not None and contact.agent_id is not None:
            self._grip(contact.agent_id, event.contact_id, held.grip)

    def _criteria_set(self, event: events.RoutingCriteriaSet, at: Instant) -> None:
        contact = self.facts.contacts[event.contact_id]
        criteria = Criteria(event.steps)
        if contact.stage in ("IN_QUEUE", "OFFERED"):
            criteria = activated(criteria, at, first=contact.queue_id is not None)
        self._become(event.contact_id, criteria=criteria)

    def _step_expired(self, event: events.RoutingStepExpired, at: Instant) -> None:
        criteria = self.facts.contacts[event.contact_id].criteria
        if criteria is not None and criteria.active is not None:
            self._become(event.contact_id, criteria=moved_on(criteria, at))

    def _scheduled(self, event: events.ContactScheduled, _at: Instant) -> None:
        queue_id = self._counting_queue(event.queue_id)
        self._become(event.contact_id, stage="SCHEDULED", queue_id=queue_id)

    def _enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        criteria = self.facts.contacts[event.contact_id].criteria
        queue_id = self._counting_queue(event.queue_id)
        if criteria is not None:
            criteria = activated(criteria, at, first=queue_id is not None)
        self._become(
            event.contact_id,
            stage="IN_QUEUE",
            queue_id=queue_id,
            enqueued_at=at,
            criteria=criteria,
        )

    def _offered(self, event: events.ContactOffered, _at: Instant) -> None:
        self._grip(event.agent_id, event.contact_id, "CONNECTING")
        self._move(event.contact_id, "OFFERED", event.agent_id)

    def _missed(self, event: events.OfferMissed | events.AgentLegLost, _at: Instant) -> None:
        self._move(event.contact_id, "IN_QUEUE", None)
        self._grip(event.agent_id, event.contact_id, "MISSED")

    def _connected(self, event: events.ContactConnectedToAgent, _at: Instant) -> None:
        self._hand_over(event.contact_id, event.agent_id)

    def _hand_over(self, contact_id: str, agent_id: str) -> None:
        self._grip(agent_id, contact_id, "CONNECTED")
        self._move(contact_id, "WITH_AGENT", agent_id)

    def _ended(self, event: events.ContactEnded, _at: Instant) -> None:
        contact_id = event.contact_id
        agent_id = self.facts.contacts[contact_id].agent_id
        joined = event.pre_disconnect_state in JOINED
        self._move(contact_id, "ENDED", agent_id if joined else None)
        if agent_id is not None:  # not joined, he has it on his screen as failed, and clears it
            self._grip(agent_id, contact_id, "ENDED" if joined else "MISSED")

    def _paused(self, event: events.TaskPaused, _at: Instant) -> None:
        if event.agent_id is None:
            self._move(event.contact_id, "IN_FLOW", None)
        else:
            self._grip(event.agent_id, event.contact_id, "PAUSED")

    def _resumed(self, event: events.TaskResumed, _at: Instant) -> None:
        if event.agent_id is None:
            self._move(event.contact_id, "IN_QUEUE", None)
        else:
            self._grip(event.agent_id, event.contact_id, "CONNECTED")

    def _dialled(self, event: events.CustomerDialled, _at: Instant) -> None:
        self._hand_over(event.contact_id, event.agent_id)

    def _unanswered(self, event: events.CallbackUnanswered, _at: Instant) -> None:
        self._grip(event.agent_id, event.contact_id, "MISSED")
        self._move(event.contact_id, "SCHEDULED", None)

    def _cleared(self, event: events.ContactCleared, _at: Instant) -> None:
        self._let_go(event.agent_id, event.contact_id)

    def _completed(self, event: events.ContactCompleted, _at: Instant) -> None:
        contact_id = event.contact.id
        agent_id = self._become(contact_id, stage="ENDED").agent_id
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
        events.ContactUpdated: _updated,
        events.RoutingCriteriaSet: _criteria_set,
        events.RoutingStepExpired: _step_expired,
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
