"""State: everything one contact center knows, and nothing that it does.

Facts come first: resources, agents, contacts, client tokens. A snapshot is the facts. Indexes
follow: each can be rebuilt from the facts, and exists because some event would otherwise cost more
than what it touches. Only the apply functions of the engine write here.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple

from msgspec import Struct, field
from sortedcontainers import SortedList

from ringfloor.base.errors import not_found
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.call import Call
from ringfloor.domain.chat import Chat
from ringfloor.domain.contact import Agent, Contact, record_months
from ringfloor.domain.resources import KINDS, Home, Properties, Resource
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine.demand import Demand, Idle, PoolKey, Standing
from ringfloor.flow.language import Flow


class Instance(Struct, kw_only=True):
    """The instance itself."""

    id: str
    region: str
    account: str
    alias: str
    properties: Properties
    created_at: Instant
    tags: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    deleted: bool = False


class Row(NamedTuple):
    """One queue and channel of a routing profile."""

    queue_id: str
    channel: Channel
    priority: int
    delay_ms: Duration


class Profile(NamedTuple):
    """A routing profile as routing reads it."""

    id: str
    rows: tuple[Row, ...]
    """By priority, best first."""
    concurrency: dict[Channel, int]
    mixes: frozenset[Channel]
    """Channels beside which an agent may take other channels (ROUTE_ANY_CHANNEL)."""
    inbound_only: bool = False
    """Calls that the agent has made do not start his wait anew (TIME_SINCE_LAST_INBOUND)."""


class Edition(Struct):
    """A flow's content as it was published; kept while its flow or any contact uses it."""

    content: str
    flow: Flow
    users: int = 0


class Group:
    """The contacts of a line that the same agents may have.

    A place is (priority, start of wait less its adjustment, turn, contact id): sorted, it is the
    order of service. ripe holds, for each delay that some routing profile has, the places of those
    who have waited that long.
    """

    __slots__ = ("order", "ripe")

    def __init__(self) -> None:
        self.order: SortedList[Place] = SortedList()
        self.ripe: dict[Duration, SortedList[Place]] = {}


class Line:
    """The contacts that wait for one queue and channel, by the expression of their active step."""

    __slots__ = ("groups",)

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        """Of contacts without an active step under the empty text."""

    def places(self) -> "Iterator[Place]":
        """Everybody in line, in the order of service."""
        return merge(*(group.order for group in self.groups.values()))

    def first(self, count: int) -> "list[Place]":
        """The first so many in line."""
        return list(islice(self.places(), count))


Place = tuple[int, Instant, int, str]
LineKey = tuple[str, Channel]

Deadline = tuple[Instant, int, str, str, Duration]
"""(at, turn, contact id, name of a timer or "" for the contact's stage, delay in ms or 0)."""


class Center:
    """One contact center."""

    __slots__ = (
        "agents",
        "at",
        "calls",
        "chains",
        "chats",
        "client_tokens",
        "contacts",
        "counted",
        "deadlines",
        "defaults",
        "demand",
        "dialled",
        "dialled_until",
        "editions",
        "flows",
        "going",
        "instance",
        "legs",
        "lines",
        "made_with",
        "names",
        "placed",
        "pools",
        "profiles",
        "queued",
        "referrers",
        "resources",
        "rows",
        "staff",
        "turn",
        "waits",
    )

    def __init__(self) -> None:  # noqa: PLR0915  one line a fact or index
        # Facts
        self.instance: Instance | None = None
        self.at: Instant = 0
        self.turn = 0
        """Runs with everything whose order must be told apart within one instant."""
        self.resources: dict[str, dict[str, Resource]] = {kind: {} for kind in KINDS}
        self.agents: dict[str, Agent] = {}
        self.contacts: dict[str, Contact] = {}
        self.calls: dict[str, Call] = {}
        """Conversations of agents and customers who have been joined."""
        self.chats: dict[str, Chat] = {}
        """Chats that have not ended, by the id of their first contact."""
        self.client_tokens: dict[str, str] = {}
        """Client token to the id of the live contact that it started."""
        self.dialled_until = 0
        """When calls out will not count for their rate any more, in microseconds."""
        # Indexes
        self.names: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        """Kind and key to the id of the resource that is found under it."""
        self.made_with: dict[tuple[str, str], str] = {}
        """Kind and client token to the id of the resource that was made with it."""
        self.referrers: dict[str, dict[tuple[str, str], int]] = {}
        """Id of a resource to the (kind, id) of those that name it, and how often."""
        self.chains: dict[str, dict[str, None]] = {}
        """First contact of a chain to those of it that are known here."""
        self.defaults: dict[str, dict[str, None]] = {}
        """Type of flow to the instance's own of that type."""
        self.flows: dict[str, str] = {}
        """Published flow to its present edition."""
        self.editions: dict[str, Edition] = {}
        """By digest of the content."""
        self.profiles: dict[str, Profile] = {}
        self.rows: dict[LineKey, dict[str, Duration]] = {}
        """Queue and channel to the profiles that have it, with their delay."""
        self.legs: dict[str, str] = {}
        """Customer's leg to the contact that has it, where another began with it."""
        self.lines: dict[LineKey, Line] = {}
        self.pools: dict[PoolKey, SortedList[Idle]] = {}
        """Routing profile and channel to the agents who may take such a contact now."""
        self.demand = Demand()
        """The same by expression, for contacts that seek agents by routing criteria."""
        self.placed: dict[str, Standing] = {}
        """Agent id to his entry in the pools and the pools it stands in."""
        self.counted: dict[str, tuple[str, tuple[int, ...]]] = {}
        """Agent id to the routing profile with which he counts, and as what (engine.staff)."""
        self.staff: dict[str, list[int]] = {}
        """Routing profile to how many users it has, and the sums of what they count as."""
        self.waits: dict[LineKey, SortedList[tuple[Instant, str]]] = {}
        """Queue and channel to when who is counted in it was enqueued, oldest first."""
        self.queued: dict[str, int] = {}
        """Queue id to the number of contacts enqueued, offered ones included."""
        self.dialled: dict[str, str] = {}
        """Customer-first callbacks dialled and not yet in queue, to the queue that they are for."""
        self.going: dict[str, int] = {}
        """The number of contacts that have not ended: of each channel, callbacks for themselves."""
        self.deadlines: SortedList[Deadline] = SortedList()

    @property
    def home(self) -> Home:
        """Where this instance lives."""
        assert self.instance is not None
        return Home(self.instance.region, self.instance.account, self.instance.id)

    def next_turn(self) -> int:
        """The next running number; called by apply functions only."""
        self.turn += 1
        return self.turn

    @property
    def record_months(self) -> int:
        """For how long what is known of contacts is kept."""
        return record_months({} if self.instance is None else self.instance.tags)

    def resource(self, kind: str, identifier: str, field: str = "Id") -> Resource:
        """The resource of that id; refuses with ResourceNotFoundException."""
        found = self.resources[kind].get(identifier)
        if found is None:
            raise not_found(field, identifier, KINDS[kind].title)
        return found

    def named(self, kind: str, key: str) -> str:
        """The id of the resource that is found under this key; KeyError if there is none."""
        return self.names[kind][key]

    def owned(self, identifier: str) -> Iterator[Resource]:
        """What belongs to a resource, in a stable order."""
        for kind, each in self.referrers.get(identifier, {}):
            owner = KINDS[kind].owner
            resource = self.resources[kind][each]
            if owner is not None and resource.properties[owner] == identifier:
                yield resource

    def users_of(self, profile_id: str) -> Iterator[Agent]:
        """The agents of a routing profile, in a stable order."""
        for kind, identifier in self.referrers.get(profile_id, {}):
            if kind == "user":
                yield self.agents[identifier]
