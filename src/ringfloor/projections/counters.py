"""Counters: what the real-time metrics are read from, and the facts that they count.

projections.realtime folds events into Facts and keeps Counters in step; projections.current_rows
reads Counters. recount computes Counters from Facts alone: it builds them after a snapshot is
loaded, and tests and the simulator hold the kept ones against it.

Rules:
- An agent counts for a queue through his routing profile, and belongs to exactly one. Agents are
  therefore counted per routing profile and status, and a queue adds up the profiles that serve it.
- A profile serves a queue on the channels that its rows name and that it has a slot for.
- Contacts are counted per queue and channel: their own. A contact of an agent queue, or of a queue
  that does not exist, has no queue here and counts in no queue; its agent is busy all the same.
- Channels are numbered by their place in CHANNELS; a set of channels is a mask of those bits.

Source: metrics specification, sections 1.1 and 1.2 (from the administrator guide's definitions).
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from msgspec import Struct, field
from sortedcontainers import SortedList

from ringfloor.base.time import Instant
from ringfloor.domain.vocabulary import CHANNELS, StatusType

NUMBERS: Mapping[str, int] = {channel: number for number, channel in enumerate(CHANNELS)}
ALL_CHANNELS = (1 << len(CHANNELS)) - 1
"""The mask of all channels."""

Stage = Literal["IN_FLOW", "SCHEDULED", "IN_QUEUE", "OFFERED", "WITH_AGENT", "ENDED"]
"""Where a contact is, as far as the metrics tell it apart."""

Grip = Literal["CONNECTING", "CONNECTED", "PAUSED", "ENDED", "MISSED"]
"""How an agent holds a contact, as far as the metrics tell it apart. CONNECTED: on hold too, and an
agent's own call from its first ring, a callback from the first ring of the customer. PAUSED: his,
but in no slot. ENDED: after contact work. MISSED: rejected or failed too."""

WEIGHTS: Mapping[Grip, tuple[int, int, int]] = {
    "CONNECTING": (1, 0, 0),
    "CONNECTED": (0, 1, 0),
    "PAUSED": (0, 1, 0),
    "ENDED": (0, 1, 1),
    "MISSED": (0, 0, 0),
}
"""What a held contact adds to offered, active and work of its queue and channel."""

LineKey = tuple[str, int]
"""Queue id and channel number."""

NO_SLOTS = (0,) * len(CHANNELS)


def mask_of(channels: tuple[str, ...]) -> int:
    """The channels as a mask."""
    return sum(1 << NUMBERS[channel] for channel in dict.fromkeys(channels))


def numbers_in(mask: int) -> Iterator[int]:
    """The numbers of the channels in a mask."""
    return (number for number in range(len(CHANNELS)) if mask >> number & 1)


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


class AgentFacts(Struct, array_like=True):
    """A user. held: contact id to how he holds it."""

    profile_id: str
    status_id: str
    status_type: StatusType
    held: dict[str, HeldFacts] = field(default_factory=dict)


class ContactFacts(Struct, array_like=True):
    """A contact that is not completed. queue_id and enqueued_at: of its queue stay."""

    channel: int
    stage: Stage
    queue_id: str | None = None
    enqueued_at: Instant = 0
    agent_id: str | None = None


class Facts(Struct, array_like=True):
    """What has been seen, as far as it counts."""

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


class LineCount(Struct):
    """The contacts of one queue and channel."""

    waiting: SortedList[tuple[Instant, str]] = field(default_factory=SortedList)
    """(enqueued at, contact id) of those in queue and not offered, longest wait first."""
    scheduled: int = 0
    offered: int = 0
    active: int = 0
    """In the hands of agents: connected, on hold or in after contact work."""
    work: int = 0
    """Of those, in after contact work."""

    def holds_nothing(self) -> bool:
        """Whether no contact is left."""
        return not (self.waiting or self.scheduled or self.offered or self.active)


class HandCount(Struct):
    """The contacts of one queue and channel in the hands of one routing profile's agents."""

    active: int = 0
    work: int = 0


class Counters(Struct):
    """All counts. Entries that count nothing are taken away, so equal counts are equal."""

    cards: dict[str, Card] = field(default_factory=dict)
    """Agent id to how he is counted."""
    users: dict[str, set[str]] = field(default_factory=dict)
    """Routing profile id to its agents."""
    serving: dict[str, dict[str, int]] = field(default_factory=dict)
    """Queue id to the routing profiles that serve it, with the mask of channels."""
    groups: dict[str, dict[str, GroupCount]] = field(default_factory=dict)
    """Routing profile id to status id to its agents in that status."""
    hands: dict[str, dict[LineKey, HandCount]] = field(default_factory=dict)
    """Routing profile id to what its agents hold."""
    lines: dict[LineKey, LineCount] = field(default_factory=dict)


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
    _recount_groups(counters)
    _recount_lines(counters, facts)
    return counters


def _recount_groups(counters: Counters) -> None:
    together: dict[tuple[str, str], list[Card]] = {}
    for one in counters.cards.values():
        together.setdefault((one.profile_id, one.status_id), []).append(one)
    for (profile_id, status_id), cards in together.items():
        on_contact = [one.on_contact for one in cards]
        in_error = [one.in_error for one in cards]
        counters.groups[profile_id][status_id] = GroupCount(
            agents=len(cards),
            online=sum(one.online for one in cards),
            staffed=sum(one.staffed for one in cards),
            available=sum(one.available for one in cards),
            on_contact=[on_contact.count(mask) for mask in range(ALL_CHANNELS + 1)],
            in_error=[in_error.count(mask) for mask in range(ALL_CHANNELS + 1)],
            free=[sum(one.free[number] for one in cards) for number in range(len(CHANNELS))],
        )


def _recount_lines(counters: Counters, facts: Facts) -> None:
    lines = counters.lines
    for contact_id, contact in facts.contacts.items():
        if contact.queue_id is None or contact.stage not in {"SCHEDULED", "IN_QUEUE"}:
            continue
        line = lines.setdefault((contact.queue_id, contact.channel), LineCount())
        if contact.stage == "SCHEDULED":
            line.scheduled += 1
        else:
            line.waiting.add((contact.enqueued_at, contact_id))
    for agent in facts.agents.values():
        hands = counters.hands[agent.profile_id]
        for held in agent.held.values():
            if held.queue_id is None or held.grip == "MISSED":
                continue
            key = held.queue_id, held.channel
            line = lines.setdefault(key, LineCount())
            if held.grip == "CONNECTING":
                line.offered += 1
                continue
            hand = hands.setdefault(key, HandCount())
            hand.active += 1
            line.active += 1
            if held.grip == "ENDED":
                hand.work += 1
                line.work += 1
