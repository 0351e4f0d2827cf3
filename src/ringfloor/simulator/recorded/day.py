"""Recorded: a day of a center as it was, in values that can happen once more.

Made of a journal by recorded.journals, of another center's log by recorded.logs, and
played by recorded.replay. Everything that people did is told as how long it took them, counted
from what they answered to, so that it still makes sense where something else has changed. Instants
and durations are milliseconds.

    leg     one contact: how it came, what its flows heard, who was offered it
    turn    one wait of a customer and what became of it, however many legs it went through
    mark    an agent's status from a moment on
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.commands import (
    CreateResource,
    DeleteResource,
    TagResource,
    UpdateInstance,
    UpdateResource,
)
from ringfloor.domain.contact import Contact, Side
from ringfloor.domain.dialogue import Heard
from ringfloor.domain.vocabulary import DisconnectReason

Place = tuple[Side, str, str]
"""Where a flow asks: which side's it is, the id of the flow, the action."""

Edit = CreateResource | DeleteResource | TagResource | UpdateInstance | UpdateResource
"""What somebody changed in the course of the day."""


class Said(Struct, frozen=True):
    """What an ask of a flow has heard, and when. heard: None: nothing, for so long at least."""

    heard: Heard | None
    after: Duration


class Offer(Struct):
    """What an agent did when it rang."""

    agent_id: str
    outcome: Literal["accepted", "missed", "rejected", "left"]
    """left: nobody knows; the customer was gone, or the record ends."""
    after: Duration
    leg: Duration = 0
    """From then until his phone was up."""
    back: Duration | None = None
    """From a miss until he had put it away; None: it is not known."""


class Service(Struct, frozen=True):
    """How long an agent had to do with it. work: after contact work."""

    agent_id: str
    talk: Duration
    work: Duration
    by_agent: bool = False
    """Whether the agent ended it."""


class Turn(Struct):
    """A wait, from the first queue until an agent was there or the customer was not."""

    queue_id: str
    since: Instant
    waited: Duration = 0
    gave_up: bool = False
    """Otherwise he would have waited longer than he did; nobody knows how long."""
    reason: DisconnectReason = "CUSTOMER_DISCONNECT"
    """Of who gave up."""
    connected_at: Instant | None = None
    service: Service | None = None
    """None: nobody had it, or the record ends before it was over."""


class Leg(Struct):
    """A contact."""

    born: Contact
    """As it began; of another center's log, with the entry flow that was made for it."""
    turn: Turn | None = None
    """None: it never came into a queue."""
    said: dict[Place, list[Said]] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    dials: list[tuple[Duration, DisconnectReason | None]] = field(default_factory=list)
    """How long a customer's phone rang, and why he was not had, if he was not."""
    left: Duration | None = None
    """How long it was there before the customer hung up, if it was in no queue."""
    made: list[str] = field(default_factory=list)
    """The contacts that its flows have begun, in order."""
    handed_on: list[tuple[str, Duration]] = field(default_factory=list)
    """Those that its agent has put into a queue, and how long after he had it."""

    @property
    def id(self) -> str:
        return self.born.id


class Mark(Struct, frozen=True):
    """An agent chooses a status."""

    at: Instant
    agent_id: str
    status_id: str


class Day(Struct, frozen=True, kw_only=True):
    """All of a day."""

    name: str
    instance_id: str
    zone: str
    begins: Instant
    ends: Instant
    """The day itself."""
    start: Instant
    """When the first thing happened in it: from here on it is played."""
    center: bytes
    """The center as it was then (engine.image)."""
    records: bytes
    """What was known of contacts and agents who were there (Records.dump)."""
    waiting: bytes
    """What estimates of waits are made of (Waiting.dump)."""
    legs: Mapping[str, Leg]
    """By id."""
    arrivals: tuple[str, ...]
    """Legs that came from outside, in order."""
    there: tuple[str, ...]
    """Legs that were there already."""
    marks: tuple[Mark, ...]
    edits: tuple[tuple[Instant, Edit], ...] = ()
    clearings: tuple[tuple[Instant, str, str], ...] = ()
    """When which agent put away which contact that he had missed before the day began."""
    speech_rate: float = 150
    """Words a minute of what flows say; 0: what they say takes no time."""
    own_work: int = 0
    """How many contacts agents began themselves; they are away for that time."""
    unfinished: int = 0
    """Contacts of which the record does not tell how they ended."""
    inferred: bool = False
    """Whether agents' presence is a guess: the log does not tell it."""
    after_last: Instant = 0
    """Up to when the record tells what became of the day's contacts."""

    def turns(self) -> list[Turn]:
        """Every wait once, in the order of time."""
        found = {id(leg.turn): leg.turn for leg in self.legs.values() if leg.turn is not None}
        return sorted(found.values(), key=lambda turn: turn.since)
