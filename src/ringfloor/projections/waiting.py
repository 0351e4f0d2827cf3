"""Waiting: how long contacts will probably wait, from all that is known of queues and agents.

The node owns one per instance and tells it every durable event, in order; it folds them into a
waits.floor.Floor and is asked for a contact, or for who would come now. Rules:

- A line is a queue on one channel. Contacts in a step of routing criteria stand in a line of that
  step, whose agents are those of the queue who meet its expression. Agents' own queues are lines of
  which no agent is known.
- In line is who waits, also while it rings. The wait is over when an agent has it; who leaves
  otherwise (gives up, is called back, goes elsewhere) is lost to the line; a paused task, and who
  goes to another line, is put aside. After contact work is the agent's. Calls that agents make
  themselves are none of a line.
- An agent is there for his lines while his status, or the next one that he has chosen, is one in
  which contacts are routed to him.
- Nothing is said of a line for which no agent is there. Who is first waits 0 while an agent is
  free, and so does who rings. All else is told by waits.model: the median, P50, in whole seconds.
- The same events give the same estimates; asking changes nothing. An event costs what it touches; a
  routing profile that is changed, and an expression that nobody has sought by for long, the agents
  who serve the queues.

Sources: metrics specification, sections 3.1 and 3.2; domain.events for the life of a contact.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.limits import WAIT_STEPS_IDLE_MAX
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.domain import events
from ringfloor.domain.contact import PRIORITY_DEFAULT
from ringfloor.domain.criteria import Criteria, Skill, activated, compiled, moved_on, satisfied
from ringfloor.domain.events import Event
from ringfloor.domain.resources import Properties
from ringfloor.projections.announcements import Circumstances
from ringfloor.waits.estimators import NO_TIME, Quantiles
from ringfloor.waits.floor import Floor
from ringfloor.waits.model import WaitModel, tell
from ringfloor.waits.order import Class
from ringfloor.waits.views import look

Line = tuple[str, str]
"""Queue id, or agent id, and channel."""

NEXT = "an agent is there"
"""By what a wait of 0 is told."""


class Staffing(NamedTuple):
    """The agents of a queue and channel: those Available, busy or not, and their free slots."""

    staffed: int
    free: int


class Estimate(NamedTuple):
    """What is told of a wait. circumstances: what it was made of."""

    quantiles: Quantiles
    circumstances: Circumstances

    @property
    def wait_ms(self) -> Duration:
        """The number of the API: the median, in whole seconds."""
        return rounded(self.quantiles.p50_s) * SECOND


def rounded(seconds: float) -> int:
    """To whole seconds, halves up."""
    return int(seconds + 0.5)


def line_of(queue_id: str, channel: str, step: str | None = None) -> str:
    """What the floor calls a line, or that of a routing step in it."""
    return f"{queue_id} {channel} {step}" if step else f"{queue_id} {channel}"


class Profile(Struct, array_like=True):
    """A routing profile: its rows without those assigned by hand, and slots by channel."""

    rows: list[Line] = field(default_factory=list)
    by_hand: list[Line] = field(default_factory=list)
    slots: dict[str, int] = field(default_factory=dict)

    def lines(self) -> dict[Line, int]:
        """Lines that its agents take, and how many contacts at once."""
        rows = (row for row in self.rows if row not in self.by_hand)
        return {row: self.slots[row[1]] for row in rows if self.slots.get(row[1])}


class Agent(Struct, array_like=True):
    """A user. levels: (name, value, level) of what he can."""

    profile_id: str
    is_routable: bool = False
    next_status_id: str | None = None
    levels: tuple[tuple[str, str, float], ...] = ()

    def skills(self) -> dict[Skill, float]:
        """His proficiencies, as domain.criteria reads them."""
        return {(name, value): level for name, value, level in self.levels}


class Contact(Struct, array_like=True):
    """A contact that is not over. line, since: where it is in line, and since when it counts so.

    step: the expression that it seeks by there.
    """

    channel: str
    priority: int
    age_adjustment_ms: Duration
    criteria: Criteria | None
    ranks_from: Instant | None
    line: Line | None = None
    since: Instant = 0
    step: str | None = None


class _Facts(Struct, array_like=True):
    layout: Literal[3] = 3
    """Snapshots with another are not read."""
    statuses: dict[str, bool] = field(default_factory=dict)
    """Agent status id to whether contacts are routed to agents who have it."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    steps: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Queue id, channel and expression to how many are in line by it."""
    idle: dict[tuple[str, str, str], None] = field(default_factory=dict)
    """Those of them that nobody is in, the one left first foremost."""


class _Snapshot(Struct, array_like=True):
    facts: _Facts
    floor: Floor


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


class Waiting:
    """The estimates of one instance. model: set by who has trained one; no part of the value."""

    __slots__ = ("_facts", "_lines", "_seeking", "_serving", "_users", "floor", "model")
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._facts = _Facts()
        self.floor = Floor()
        self.model: WaitModel | None = None
        self._users: dict[str, dict[str, None]] = {}
        """Routing profile id to its agents; this and what follows is told by the facts."""
        self._lines: dict[str, dict[Line, int]] = {}
        """Routing profile id to the lines that its agents take, and how many contacts at once."""
        self._serving: dict[Line, dict[str, None]] = {}
        """The routing profiles that take a line."""
        self._seeking: dict[Line, dict[str, None]] = {}
        """Expressions that contacts in a line seek by."""

    def on(self, event: Event, at: Instant) -> None:
        """Let it have happened. at: when, not before anything told earlier."""
        fold = self._ON.get(type(event))
        if fold is not None:
            fold(self, event, at)

    # Questions

    def estimate(
        self,
        queue_id: str,
        channel: str,
        *,
        position: int,
        free: bool,
        now: Instant,
        step: str | None = None,
        contact_id: str | None = None,
    ) -> Estimate | None:
        """The wait still to come; None: nothing is known.

        position: rank in line from 1, 0 while ringing; for a new contact those in line and 1.
        free: whether an agent is, for this line. step: the expression of a routing step, in which a
        new contact would be; contact_id: who asks, if he is in line already.
        """
        there = self.floor.waiting.get(contact_id or "")
        kind = Class(line_of(queue_id, channel, step), PRIORITY_DEFAULT, 0)
        if there is not None:
            kind = there.kind
        view = look(self.floor, kind, now, contact_id=None if there is None else contact_id)
        is_next = position <= 1 and (free or position == 0)
        if not free:  # an agent who has missed an offer, say, is there and takes nobody
            view = view._replace(room_told=0.0)
        told = None if is_next or not view.slots_told else tell(view, self.model)
        if told is None and not is_next:
            return None
        return Estimate(
            NO_TIME if told is None else told.quantiles,
            Circumstances(
                kind=kind,
                ahead=view.ahead_told,
                agents=view.slots_told,
                served_per_s=1 / view.drain_s,
                lost_per_s=1 / view.loss_s,
                by=NEXT if told is None else told.by,
                version=None if told is None else told.version,
                is_next=is_next,
            ),
        )

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return _encode(_Snapshot(self._facts, self.floor))

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._facts, self.floor = msgspec.structs.astuple(_decode(snapshot))
        facts = self._facts
        for profile_id, profile in facts.profiles.items():
            self._users[profile_id] = {}
            self._serve(profile_id, profile)
        for agent_id, agent in facts.agents.items():
            self._users[agent.profile_id][agent_id] = None
        for queue_id, channel, expression in facts.steps:
            self._seeking.setdefault((queue_id, channel), {})[expression] = None
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        if not isinstance(other, Waiting):
            return NotImplemented
        return self._facts == other._facts and self.floor == other.floor

    # Resources

    def _created(self, event: events.ResourceCreated, at: Instant) -> None:
        facts, properties = self._facts, event.properties
        match event.kind:
            case "agent_status":
                facts.statuses[event.id] = properties["Type"] == "ROUTABLE"
            case "routing_profile":
                facts.profiles[event.id] = Profile()
                self._users[event.id] = {}
                self._lines[event.id] = {}
                self._configure(event.id, properties, at)
            case "user":
                profile_id = properties["RoutingProfileId"]
                facts.agents[event.id] = Agent(profile_id, levels=_levels(properties))
                self._users[profile_id][event.id] = None
            case _:
                pass

    def _updated(self, event: events.ResourceUpdated, at: Instant) -> None:
        if event.kind == "routing_profile":
            self._configure(event.id, event.changes, at)
        elif event.kind == "user":
            agent = self._facts.agents[event.id]
            if "RoutingProfileId" in event.changes:
                del self._users[agent.profile_id][event.id]
                agent.profile_id = event.changes["RoutingProfileId"]
                self._users[agent.profile_id][event.id] = None
            if "Proficiencies" in event.changes:
                agent.levels = _levels(event.changes)
            if not event.changes.keys().isdisjoint(("RoutingProfileId", "Proficiencies")):
                self._staff(event.id, at)

    def _deleted(self, event: events.ResourceDeleted, at: Instant) -> None:
        facts = self._facts
        match event.kind:
            case "agent_status":
                facts.statuses.pop(event.id, None)
            case "routing_profile":
                del facts.profiles[event.id]
                self._serve(event.id, Profile())
                del self._users[event.id], self._lines[event.id]
            case "user":
                agent = facts.agents.pop(event.id)
                del self._users[agent.profile_id][event.id]
                self.floor.dismissed(event.id, at)
            case "queue":
                for key in [key for key in facts.idle if key[0] == event.id]:
                    self._forget_step(key)
            case _:
                pass

    def _configure(self, profile_id: str, changes: Properties, at: Instant) -> None:
        profile = self._facts.profiles[profile_id]
        if "MediaConcurrencies" in changes:
            profile.slots = {
                entry["Channel"]: entry["Concurrency"]
                for entry in changes["MediaConcurrencies"] or ()
            }
        if "QueueConfigs" in changes:
            profile.rows = _rows(changes["QueueConfigs"])
        if "ManualAssignmentQueueConfigs" in changes:
            profile.by_hand = _rows(changes["ManualAssignmentQueueConfigs"])
        self._serve(profile_id, profile)
        for agent_id in self._users[profile_id]:
            self._staff(agent_id, at)

    def _serve(self, profile_id: str, profile: Profile) -> None:
        """The routing profile is otherwise than it was."""
        for line in self._lines.get(profile_id, ()):
            self._serving[line].pop(profile_id)
            if not self._serving[line]:
                del self._serving[line]
        self._lines[profile_id] = profile.lines()
        for line in self._lines[profile_id]:
            self._serving.setdefault(line, {})[profile_id] = None

    # Agents

    def _status_changed(self, event: events.AgentStatusChanged, at: Instant) -> None:
        agent = self._facts.agents[event.agent_id]
        agent.is_routable = event.status_type == "ROUTABLE"
        agent.next_status_id = None
        self._staff(event.agent_id, at)

    def _next_status(self, event: events.NextStatusChanged, at: Instant) -> None:
        self._facts.agents[event.agent_id].next_status_id = event.status_id
        self._staff(event.agent_id, at)

    def _staff(self, agent_id: str, at: Instant) -> None:
        """The agent is there for other lines than before, perhaps."""
        facts = self._facts
        agent = facts.agents[agent_id]
        is_there = agent.is_routable
        if agent.next_status_id is not None:
            is_there = facts.statuses.get(agent.next_status_id, False)
        slots: dict[str, int] = {}
        if is_there:
            for line, count in self._lines[agent.profile_id].items():
                slots[line_of(*line)] = count
                for expression in self._seeking.get(line, ()):
                    if satisfied(compiled(expression), agent_id, agent.skills()):
                        slots[line_of(*line, expression)] = count
        self.floor.staffed(agent_id, slots, at)

    # Steps of routing criteria

    def _seek(self, line: Line, expression: str, at: Instant) -> None:
        """One more contact seeks by it."""
        key = (*line, expression)
        self._facts.idle.pop(key, None)
        if key in self._facts.steps:
            self._facts.steps[key] += 1
            return
        self._facts.steps[key] = 1
        self._seeking.setdefault(line, {})[expression] = None
        meaning, agents = compiled(expression), self._facts.agents
        for profile_id in self._serving.get(line, ()):
            for agent_id in self._users[profile_id]:
                if satisfied(meaning, agent_id, agents[agent_id].skills()):
                    self._staff(agent_id, at)

    def _seek_no_more(self, line: Line, expression: str) -> None:
        key = (*line, expression)
        self._facts.steps[key] -= 1
        if not self._facts.steps[key]:
            self._facts.idle[key] = None
            if len(self._facts.idle) > WAIT_STEPS_IDLE_MAX:
                self._forget_step(next(iter(self._facts.idle)))

    def _forget_step(self, key: tuple[str, str, str]) -> None:
        """Agents are told without it when they next change."""
        queue_id, channel, expression = key
        del self._facts.steps[key], self._facts.idle[key]
        seeking = self._seeking[queue_id, channel]
        del seeking[expression]
        if not seeking:
            del self._seeking[queue_id, channel]

    # In line

    def _come(self, contact_id: str, line: Line, since: Instant, at: Instant) -> None:
        """The contact is in line. since: at, or as which it ranks."""
        contact = self._facts.contacts[contact_id]
        contact.line, contact.since = line, since
        self._stand(contact_id, contact, at, None if since == at else since)

    def _stand(self, contact_id: str, contact: Contact, at: Instant, since: Instant | None) -> None:
        assert contact.line is not None
        contact.step = self._step(contact)
        if contact.step is not None:
            self._seek(contact.line, contact.step, at)
        line = line_of(*contact.line, contact.step)
        kind = Class(line, contact.priority, contact.age_adjustment_ms)
        self.floor.came(contact_id, kind, at, since)

    def _step(self, contact: Contact) -> str | None:
        """The expression that it seeks by; in agents' own queues nobody does."""
        active = None if contact.criteria is None else contact.criteria.active
        own = contact.line is not None and contact.line[0] in self._facts.agents
        return None if active is None or own else active.expression

    def _leave(self, contact_id: str) -> Contact | None:
        """The contact is in line no more; None: it was not. The floor is told by who asks."""
        contact = self._facts.contacts.get(contact_id)
        if contact is None or contact.line is None:
            return None
        if contact.step is not None:
            self._seek_no_more(contact.line, contact.step)
        contact.line = contact.step = None
        return contact

    def _change(self, contact_id: str, at: Instant, **changes: Any) -> None:  # noqa: ANN401  of each type
        """The contact is otherwise, and stands so, if it is in line."""
        contact = self._facts.contacts.get(contact_id)
        if contact is None:
            return
        line = contact.line
        self._leave(contact_id)
        for member, value in changes.items():
            setattr(contact, member, value)
        if line is not None:
            contact.line = line
            self.floor.withdrawn(contact_id, at)
            self._stand(contact_id, contact, at, contact.since)

    # Contacts

    def _initiated(self, event: events.ContactInitiated, _at: Instant) -> None:
        born = event.contact
        self._facts.contacts[born.id] = Contact(
            born.channel,
            born.priority,
            born.age_adjustment_ms,
            born.criteria[-1] if born.criteria else None,
            born.ranks_from,
        )

    def _routing_updated(self, event: events.RoutingDataUpdated, at: Instant) -> None:
        contact = self._facts.contacts.get(event.contact_id)
        changes: dict[str, Any] = {}
        if event.priority is not None:
            changes["priority"] = event.priority
        if event.age_adjustment_ms is not None:
            changes["age_adjustment_ms"] = event.age_adjustment_ms
        if contact is not None and changes:
            self._change(event.contact_id, at, **changes)

    def _criteria_set(self, event: events.RoutingCriteriaSet, at: Instant) -> None:
        contact = self._facts.contacts.get(event.contact_id)
        if contact is not None:
            criteria = Criteria(event.steps)
            if contact.line is not None:
                criteria = activated(criteria, at)
            self._change(event.contact_id, at, criteria=criteria)

    def _step_expired(self, event: events.RoutingStepExpired, at: Instant) -> None:
        contact = self._facts.contacts.get(event.contact_id)
        if contact is not None and contact.criteria is not None and contact.criteria.active:
            self._change(event.contact_id, at, criteria=moved_on(contact.criteria, at))

    def _enqueued(self, event: events.ContactEnqueued, at: Instant) -> None:
        contact = self._facts.contacts.get(event.contact_id)
        if contact is None:
            return
        if contact.criteria is not None:
            contact.criteria = activated(contact.criteria, at)
        since = at if contact.ranks_from is None else min(contact.ranks_from, at)
        self._come(event.contact_id, (event.queue_id, event.channel), since, at)

    def _answered(
        self, event: events.ContactDequeued | events.ContactConnectedToAgent, at: Instant
    ) -> None:
        """An agent has it; with whichever of the two comes first."""
        there = self.floor.waiting.get(event.contact_id)
        if there is not None and self._leave(event.contact_id) is not None:
            self.floor.answered(event.contact_id, there.kind, event.agent_id, at)

    def _ended(self, event: events.ContactEnded, at: Instant) -> None:
        if self._leave(event.contact_id) is not None:
            self.floor.abandoned(event.contact_id, at)

    def _paused(self, event: events.TaskPaused, at: Instant) -> None:
        if self._leave(event.contact_id) is not None:
            self.floor.withdrawn(event.contact_id, at)

    def _resumed(self, event: events.TaskResumed, at: Instant) -> None:
        if event.agent_id is None and event.contact_id in self._facts.contacts:
            line = event.queue_id, event.channel
            self._come(event.contact_id, line, min(event.enqueued_at, at), at)

    def _unanswered(self, event: events.CallbackUnanswered, at: Instant) -> None:
        """The customer could not be had: neither answered nor lost."""
        if self._leave(event.contact_id) is not None:
            self.floor.withdrawn(event.contact_id, at)
        self.floor.ended(event.contact_id, at)

    def _cleared(self, event: events.ContactCleared, at: Instant) -> None:
        service = self.floor.serving.get(event.contact_id)
        if service is not None and service.agent == event.agent_id:
            self.floor.ended(event.contact_id, at)

    def _completed(self, event: events.ContactCompleted, at: Instant) -> None:
        contact_id = event.contact.id
        if self._leave(contact_id) is not None:
            self.floor.abandoned(contact_id, at)
        self.floor.ended(contact_id, at)
        self._facts.contacts.pop(contact_id, None)

    _ON: ClassVar[Mapping[type, Callable[[Any, Any, Instant], None]]] = {
        events.ResourceCreated: _created,
        events.ResourceUpdated: _updated,
        events.ResourceDeleted: _deleted,
        events.AgentStatusChanged: _status_changed,
        events.NextStatusChanged: _next_status,
        events.ContactInitiated: _initiated,
        events.RoutingDataUpdated: _routing_updated,
        events.RoutingCriteriaSet: _criteria_set,
        events.RoutingStepExpired: _step_expired,
        events.ContactEnqueued: _enqueued,
        events.ContactDequeued: _answered,
        events.ContactConnectedToAgent: _answered,
        events.ContactEnded: _ended,
        events.TaskPaused: _paused,
        events.TaskResumed: _resumed,
        events.CallbackUnanswered: _unanswered,
        events.ContactCleared: _cleared,
        events.ContactCompleted: _completed,
    }
    """What has no row moves no line."""


def _rows(entries: Iterable[Properties] | None) -> list[Line]:
    rows = (entry["QueueReference"] for entry in entries or ())
    return [(row["QueueId"], row["Channel"]) for row in rows]


def _levels(properties: Properties) -> tuple[tuple[str, str, float], ...]:
    return tuple(
        (row["AttributeName"], row["AttributeValue"], row["Level"])
        for row in properties.get("Proficiencies") or ()
    )
