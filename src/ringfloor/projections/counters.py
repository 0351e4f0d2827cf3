"""Counters: what the real-time metrics are read from, and the facts that they count.

projections.realtime folds events into Facts and keeps Counters in step; projections.current_rows
reads Counters. recount computes Counters from Facts alone: it builds them after a snapshot is
loaded, and tests and the simulator hold the kept ones against it.

Rules:
- An agent counts for a queue through his routing profile, and belongs to exactly one. Agents are
  therefore counted per routing profile and status, and a queue adds up the profiles that serve it.
- A profile serves a queue on the channels that its rows name and that it has a slot for.
- Contacts are counted per queue and channel: their own; within those per subtype, and per active
  step of their routing criteria while they wait or ring. A contact of an agent queue, or of a queue
  that does not exist, has no queue here and counts in no queue; its agent is busy all the same.
- Channels are numbered by their place in CHANNELS; a set of channels is a mask of those bits.

Source: metrics specification, sections 1.1 and 1.2 (from the administrator guide's definitions).
"""

from collections.abc import Iterable, Mapping
from operator import add
from typing import Literal, NamedTuple

from msgspec import Struct, field
from sortedcontainers import SortedList

from ringfloor.base.time import Instant
from ringfloor.domain.criteria import Criteria, Skill
from ringfloor.domain.vocabulary import CHANNELS, StatusType

NUMBERS: Mapping[str, int] = {channel: number for number, channel in enumerate(CHANNELS)}
ALL_CHANNELS = (1 << len(CHANNELS)) - 1
"""The mask of all channels."""

Stage = Literal["IN_FLOW", "SCHEDULED", "IN_QUEUE", "OFFERED", "WITH_AGENT", "ENDED"]
"""Where a contact is, as far as the metrics tell it apart. OFFERED: until agent and customer are
joined, or the contact waits again."""

IN_LINE = frozenset({"SCHEDULED", "IN_QUEUE", "OFFERED"})
"""Stages in which a contact counts in its queue by itself, and not by the agent who holds it."""

Grip = Literal["CONNECTING", "CONNECTED", "PAUSED", "ENDED", "MISSED"]
"""How an agent holds a contact, as far as the metrics tell it apart. CONNECTED: on hold too, and an
agent's own call from its first ring, a callback from the first ring of the customer. PAUSED: his,
but in no slot. ENDED: after contact work. MISSED: rejected or failed too."""

WEIGHTS: Mapping[Grip, tuple[int, int]] = {
    "CONNECTING": (0, 0),
    "CONNECTED": (1, 0),
    "PAUSED": (1, 0),
    "ENDED": (1, 1),
    "MISSED": (0, 0),
}
"""What a held contact adds to active and work of its queue and channel."""

LineKey = tuple[str, int]
"""Queue id and channel number."""

HandKey = tuple[str, int, str]
"""Queue id, channel number and subtype."""

NO_SLOTS = (0,) * len(CHANNELS)


def mask_of(channels: tuple[str, ...]) -> int:
    """The channels as a mask."""
    return sum(1 << NUMBERS[channel] for channel in dict.fromkeys(channels))


_NUMBERS_IN = tuple(
    tuple(number for number in range(len(CHANNELS)) if mask >> number & 1)
    for mask in range(ALL_CHANNELS + 1)
)


def numbers_in(mask: int) -> tuple[int, ...]:
    """The numbers of the channels in a mask."""
    return _NUMBERS_IN[mask]


# Facts


class ProfileFacts(Struct, array_like=True):
    """A routing profile. queues: queue id to the mask of its rows. slots: by channel number."""

    queues: dict[str, int]
    slots: list[int]
    mixes: int
    """Channels beside which an agent may take other channels (ROUTE_ANY_CHANNEL)."""

    def open_channels(self) -> int:
        """The mask of the channels that have a slot at all."""
        return sum(1 << number for number, slots in enumerate(self.slots) if slots)

    def served(self) -> dict[str, int]:
        """Queue id to the mask of channels on which the agents can take its contacts."""
        opened = self.open_channels()
        return {queue: mask & opened for queue, mask in self.queues.items() if mask & opened}


class HeldFacts(Struct, frozen=True, array_like=True):
    """A contact in an agent's hands."""

    queue_id: str | None
    channel: int
    grip: Grip
    subtype: str


class AgentFacts(Struct, array_like=True):
    """A user. held: contact id to how he holds it. levels: (name, value, level) of what he can."""

    profile_id: str
    status_id: str
    status_type: StatusType
    held: dict[str, HeldFacts] = field(default_factory=dict)
    levels: tuple[tuple[str, str, float], ...] = ()

    def skills(self) -> dict[Skill, float]:
        """His proficiencies, as domain.criteria reads them."""
        return {(name, value): level for name, value, level in self.levels}


class ContactFacts(Struct, array_like=True):
    """A contact that is not completed. queue_id and enqueued_at: of its queue stay."""

    channel: int
    stage: Stage
    subtype: str
    queue_id: str | None = None
    enqueued_at: Instant = 0
    agent_id: str | None = None
    criteria: Criteria | None = None
    """The last routing criteria that it was given, as they were while it was in line."""

    def step(self) -> str | None:
        """The expression of the step by which agents are sought for it now."""
        if self.criteria is None or self.stage not in {"IN_QUEUE", "OFFERED"}:
            return None
        active = self.criteria.active
        return None if active is None else active.expression


class Facts(Struct, array_like=True):
    """What has been seen, as far as it counts. layout: snapshots with another are not read."""

    layout: Literal[2] = 2
    offline_status_id: str = ""
    queues: set[str] = field(default_factory=set)
    profiles: dict[str, ProfileFacts] = field(default_factory=dict)
    agents: dict[str, AgentFacts] = field(default_factory=dict)
    contacts: dict[str, ContactFacts] = field(default_factory=dict)


# How one agent counts


class Card(NamedTuple):
    """What one agent adds to the counts of his routing profile and status."""

    profile_id: str
    status_id: str
    online: int
    staffed: int
    available: int
    on_contact: int
    """Mask of the channels on which he has a contact connected, on hold or in after work."""
    in_error: int
    """Mask of the channels on which he has a missed, rejected or failed contact."""
    free: tuple[int, ...]
    """Free slots by channel number."""

    @property
    def group(self) -> tuple[str, str]:
        """Where the agent is counted."""
        return self[:2]


def card(agent: AgentFacts, profile: ProfileFacts) -> Card:
    """How an agent counts now."""
    on_contact = in_error = 0
    for held in agent.held.values():
        if held.grip == "MISSED":
            in_error |= 1 << held.channel
        elif held.grip != "CONNECTING":
            on_contact |= 1 << held.channel
    routable = agent.status_type == "ROUTABLE"
    return Card(
        agent.profile_id,
        agent.status_id,
        int(agent.status_type != "OFFLINE"),
        int(routable),
        int(routable and not agent.held),
        on_contact,
        in_error,
        _free(agent, profile, in_error) if routable else NO_SLOTS,
    )


def _free(agent: AgentFacts, profile: ProfileFacts, in_error: int) -> tuple[int, ...]:
    if not agent.held:
        return tuple(profile.slots)
    free = list(profile.slots)
    busy = 0
    for held in agent.held.values():
        if held.grip == "PAUSED":
            continue
        free[held.channel] -= 1
        busy |= 1 << held.channel
    exclusive = busy & ~profile.mixes
    for number, slots in enumerate(free):
        if slots < 0 or in_error >> number & 1 or exclusive & ~(1 << number):
            free[number] = 0
    return tuple(free)


# Counters


def _by_mask() -> list[int]:
    return [0] * (ALL_CHANNELS + 1)


class GroupCount(Struct):
    """The agents of one routing profile in one status."""

    agents: int = 0
    online: int = 0
    staffed: int = 0
    available: int = 0
    on_contact: list[int] = field(default_factory=_by_mask)
    """By mask of channels: how many have contacts on exactly these."""
    in_error: list[int] = field(default_factory=_by_mask)
    free: list[int] = field(default_factory=lambda: list(NO_SLOTS))
    """Free slots by channel number."""

    def add(self, one: Card, sign: int) -> None:
        """Count an agent in (1) or out (-1)."""
        self.agents += sign
        self.online += sign * one.online
        self.staffed += sign * one.staffed
        self.available += sign * one.available
        self.on_contact[one.on_contact] += sign
        self.in_error[one.in_error] += sign
        for number, slots in enumerate(one.free):
            self.free[number] += sign * slots

    def merge(self, other: "GroupCount") -> None:
        """Count the agents of another group in, none of whom is in this one."""
        self.agents += other.agents
        self.online += other.online
        self.staffed += other.staffed
        self.available += other.available
        self.on_contact = list(map(add, self.on_contact, other.on_contact))
        self.in_error = list(map(add, self.in_error, other.in_error))
        self.free = list(map(add, self.free, other.free))

    def change(self, before: Card, now: Card) -> None:
        """Count an agent of this group in another way: the same as out and in again, but quick."""
        self.online += now.online - before.online
        self.staffed += now.staffed - before.staffed
        self.available += now.available - before.available
        if now.on_contact != before.on_contact:
            self.on_contact[before.on_contact] -= 1
            self.on_contact[now.on_contact] += 1
        if now.in_error != before.in_error:
            self.in_error[before.in_error] -= 1
            self.in_error[now.in_error] += 1
        if now.free != before.free:
            for number, slots in enumerate(now.free):
                self.free[number] += slots - before.free[number]


Groups = dict[str, dict[str, GroupCount]]
"""Routing profile id to status id to the agents in that status."""


def count_card(groups: Groups, before: Card | None, now: Card | None) -> None:
    """One agent counts in another way than before; None: he does not count at all."""
    if before is not None and now is not None and before.group == now.group:
        groups[now.profile_id][now.status_id].change(before, now)
        return
    if now is not None:
        statuses = groups.setdefault(now.profile_id, {})
        group = statuses.get(now.status_id)
        if group is None:
            group = statuses[now.status_id] = GroupCount()
        group.add(now, 1)
    if before is not None:
        statuses = groups[before.profile_id]
        group = statuses[before.status_id]
        group.add(before, -1)
        if not group.agents:
            del statuses[before.status_id]


class HandCount(Struct):
    """Contacts in the hands of agents: connected, on hold or in after contact work."""

    active: int = 0
    work: int = 0
    """Of those, in after contact work."""


class LineCount(HandCount):
    """The contacts of one queue and channel, or those of them with one subtype or active step."""

    waiting: SortedList[tuple[Instant, str]] = field(default_factory=SortedList)
    """(enqueued at, contact id) of those in queue and not offered, longest wait first."""
    scheduled: int = 0
    offered: int = 0

    def holds_nothing(self) -> bool:
        """Whether no contact is left."""
        return not (self.active or self.offered or self.scheduled or self.waiting)

    def count(self, contact_id: str, contact: ContactFacts, sign: int) -> None:
        """Count a contact that is in line in (1) or out (-1)."""
        if contact.stage == "SCHEDULED":
            self.scheduled += sign
        elif contact.stage == "OFFERED":
            self.offered += sign
        elif sign > 0:
            self.waiting.add((contact.enqueued_at, contact_id))
        else:
            self.waiting.remove((contact.enqueued_at, contact_id))


class Line(LineCount):
    """All the contacts of one queue and channel, and its parts."""

    subtypes: dict[str, LineCount] = field(default_factory=dict)
    """By subtype."""
    steps: dict[str, LineCount] = field(default_factory=dict)
    """By expression of the active step; only those waiting and ringing."""

    def counts(self, subtype: str, step: str | None) -> tuple[LineCount, ...]:
        """The counts in which a contact of that subtype and step stands, made where missing."""
        part = self.subtypes.get(subtype) or _made(self.subtypes, subtype)
        return (self, part) if step is None else (self, part, _made(self.steps, step))

    def tidy(self, subtype: str, step: str | None) -> None:
        """Take parts away that count nothing any more."""
        part = self.subtypes.get(subtype)
        if part is not None and part.holds_nothing():
            del self.subtypes[subtype]
        if step is not None and step in self.steps and self.steps[step].holds_nothing():
            del self.steps[step]


def _made(parts: dict[str, LineCount], name: str) -> LineCount:
    part = parts.get(name)
    if part is None:
        part = parts[name] = LineCount()
    return part


class Counters(Struct):
    """All counts. Entries that count nothing are taken away, so equal counts are equal."""

    cards: dict[str, Card] = field(default_factory=dict)
    """Agent id to how he is counted."""
    users: dict[str, set[str]] = field(default_factory=dict)
    """Routing profile id to its agents."""
    serving: dict[str, dict[str, int]] = field(default_factory=dict)
    """Queue id to the routing profiles that serve it, with the mask of channels."""
    groups: Groups = field(default_factory=dict)
    hands: dict[str, dict[HandKey, HandCount]] = field(default_factory=dict)
    """Routing profile id to what its agents hold, by queue, channel and subtype."""
    lines: dict[LineKey, Line] = field(default_factory=dict)
    skilled: dict[Skill, set[str]] = field(default_factory=dict)
    """Proficiency to the agents who have it, at whatever level."""


# The same from scratch


def recount(facts: Facts) -> Counters:
    """The counters that these facts have, by plain loops; one pass over everything."""
    counters = Counters()
    for profile_id, profile in facts.profiles.items():
        counters.users[profile_id] = set()
        counters.groups[profile_id] = {}
        counters.hands[profile_id] = {}
        for queue_id, mask in profile.served().items():
            counters.serving.setdefault(queue_id, {})[profile_id] = mask
    for agent_id, agent in facts.agents.items():
        counters.users[agent.profile_id].add(agent_id)
        counters.cards[agent_id] = card(agent, facts.profiles[agent.profile_id])
        for skill in agent.skills():
            counters.skilled.setdefault(skill, set()).add(agent_id)
    counters.groups.update(groups_of(counters.cards.values()))
    _recount_lines(counters, facts)
    return counters


def groups_of(cards: Iterable[Card]) -> Groups:
    """The agents of these cards by routing profile and status, counted from scratch."""
    together: dict[tuple[str, str], list[Card]] = {}
    for one in cards:
        together.setdefault(one.group, []).append(one)
    groups: Groups = {}
    for (profile_id, status_id), alike in together.items():
        on_contact = [one.on_contact for one in alike]
        in_error = [one.in_error for one in alike]
        groups.setdefault(profile_id, {})[status_id] = GroupCount(
            agents=len(alike),
            online=sum(one.online for one in alike),
            staffed=sum(one.staffed for one in alike),
            available=sum(one.available for one in alike),
            on_contact=[on_contact.count(mask) for mask in range(ALL_CHANNELS + 1)],
            in_error=[in_error.count(mask) for mask in range(ALL_CHANNELS + 1)],
            free=[sum(one.free[number] for one in alike) for number in range(len(CHANNELS))],
        )
    return groups


def merge(groups: Groups, more: Groups) -> None:
    """Count other agents in."""
    for profile_id, statuses in more.items():
        known = groups.setdefault(profile_id, {})
        for status_id, group in statuses.items():
            if status_id in known:
                known[status_id].merge(group)
            else:
                known[status_id] = group


def _recount_lines(counters: Counters, facts: Facts) -> None:
    lines = counters.lines
    for contact_id, contact in facts.contacts.items():
        if contact.queue_id is None or contact.stage not in IN_LINE:
            continue
        line = lines.setdefault((contact.queue_id, contact.channel), Line())
        for part in line.counts(contact.subtype, contact.step()):
            part.count(contact_id, contact, 1)
    for agent in facts.agents.values():
        hands = counters.hands[agent.profile_id]
        for held in agent.held.values():
            active, work = WEIGHTS[held.grip]
            if held.queue_id is None or not active:
                continue
            hand = hands.setdefault((held.queue_id, held.channel, held.subtype), HandCount())
            line = lines.setdefault((held.queue_id, held.channel), Line())
            counts: list[HandCount] = [hand, *line.counts(held.subtype, None)]
            for count in counts:
                count.active += active
                count.work += work
