"""Scenario: a contact center and the people of a simulation, as values.

Made of a file by simulator.scenario_file, or by whoever has such figures. Instants are milliseconds
since the epoch, clock times minutes since midnight of the scenario's zone.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from msgspec import Struct, field

from ringfloor.base import zones
from ringfloor.base.time import HOUR, MINUTE, Duration, Instant
from ringfloor.domain.vocabulary import Channel
from ringfloor.simulator.distributions import Distribution, constant

HALF_HOUR_MINUTES = 30
AT_ONCE = constant(0)

Mixed = Mapping[str, float]
"""What may happen, by its weight."""


class Holds(Struct, frozen=True, kw_only=True):
    """How often agents put customers on hold in the middle of a call, and for how long."""

    chance: float
    lasts: Distribution


class Queue(Struct, frozen=True, kw_only=True):
    """A queue, and how long its contacts take. max_contacts: in it; None: no bound."""

    handle: Distribution
    after_work: Distribution = AT_ONCE
    max_contacts: int | None = None
    holds: Holds | None = None
    hands_on: Mixed = {}
    """Shares of its contacts that agents hand on to other queues; the rest is over."""


class Row(Struct, frozen=True, kw_only=True):
    """Of a routing profile."""

    queue: str
    channel: Channel = "VOICE"
    priority: int = 1
    delay_seconds: int = 0


class Profile(Struct, frozen=True, kw_only=True):
    """A routing profile. concurrency: how many contacts of a channel at once."""

    rows: tuple[Row, ...]
    concurrency: Mapping[Channel, int]


class Stretch(Struct, frozen=True):
    """Of a day, in minutes; what ends before it begins ends on the next day."""

    begins: int
    ends: int
    status: str = ""
    """Of a break."""


class Shift(Struct, frozen=True, kw_only=True):
    """When agents are at work, every day."""

    work: Stretch
    breaks: tuple[Stretch, ...] = ()


class Group(Struct, frozen=True, kw_only=True):
    """Agents who are alike. Without shifts they stay until nobody is left."""

    count: int
    profile: str
    shifts: tuple[Shift, ...] = ()
    answers: Distribution = AT_ONCE
    """From the ring until it is taken."""
    misses: float = 0.0
    """The share of offers that are not taken."""
    returns: Distribution = AT_ONCE
    """From a missed offer until the agent can be offered contacts again."""
    pace: float = 1.0
    """By which what an agent does takes longer than the queue says."""
    handle: Mapping[str, Distribution] = {}
    """By queue, instead of the queue's own; likewise after_work."""
    after_work: Mapping[str, Distribution] = {}
    proficiencies: Mapping[str, Mapping[str, int]] = {}
    """Levels of 1 to 5 by attribute and value, for the routing criteria of flows."""

    @property
    def takes_all(self) -> bool:
        """Whether whatever is offered is taken at once."""
        return self.answers.is_zero and not self.misses


class Retries(Struct, frozen=True, kw_only=True):
    """What a caller does who has given up."""

    chance: float
    after: Distribution
    at_most: int


class Callers(Struct, frozen=True, kw_only=True):
    """Customers who are alike. arrivals: expected in the half hours of a day, by their beginning.

    Exactly one of queue and flow. evenly: they come by the clock and not at random.
    """

    arrivals: Mapping[int, float]
    queue: str | None = None
    flow: str | None = None
    channels: Mapping[Channel, float] = field(default_factory=lambda: {"VOICE": 1.0})
    evenly: bool = False
    patience: Distribution | None = None
    """In queue; None: without end."""
    retries: Retries | None = None
    keys: Mixed = {}
    """What is pressed, or written, when a flow asks; an empty text: nothing."""
    thinks: Distribution = AT_ONCE
    attributes: Mapping[str, str] = {}
    priority: int | None = None
    """Rank in the queue, if it is not the usual."""


class Speech(Struct, frozen=True, kw_only=True):
    """How long what flows say takes. words_per_minute: 0: no time."""

    words_per_minute: int = 0
    prompt_seconds: float = 0.0


class Function(Struct, frozen=True, kw_only=True):
    """What stands behind a function: one answer or another, but for a share that fails.

    answers: JSON, each with its weight.
    """

    answers: tuple[tuple[float, Mapping[str, Any]], ...] = ((1.0, {}),)
    takes: Distribution = AT_ONCE
    fails: float = 0.0


class Bot(Struct, frozen=True, kw_only=True):
    """What stands behind a bot: it understands at once, this or that by weight."""

    intents: Mixed
    says: str = ""
    """Before it is through."""
    takes: Distribution = AT_ONCE
    fails: float = 0.0


class Scenario(Struct, frozen=True, kw_only=True):
    """A whole scenario. flows: content by name."""

    name: str
    start: Instant
    end: Instant
    zone: str = "UTC"
    seed: int = 1
    thresholds: tuple[int, ...] = (20,)
    speech: Speech = Speech()
    queues: Mapping[str, Queue]
    flows: Mapping[str, str] = {}
    functions: Mapping[str, Function] = {}
    """By name or ARN; all others fail."""
    bots: Mapping[str, Bot] = {}
    """By alias ARN, id or name; all others fail."""
    profiles: Mapping[str, Profile]
    groups: Mapping[str, Group]
    callers: Mapping[str, Callers]


# Clocks


def moment(day: date, minutes: int, zone: str) -> Instant:
    """When clocks show so many minutes after midnight; where they leap over it, an hour later."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    found = zones.instant(wall, zone)
    return found if found is not None else (zones.instant(wall + timedelta(hours=1), zone) or 0)


def days(scenario: Scenario, before: int = 0) -> Iterator[date]:
    """The dates that the scenario touches, and so many before them."""
    last = zones.local(scenario.end - 1, scenario.zone).date()
    day = zones.local(scenario.start, scenario.zone).date() - timedelta(days=before)
    while day <= last:
        yield day
        day += timedelta(days=1)


class Span(NamedTuple):
    """From one moment to another."""

    begins: Instant
    ends: Instant


def spans(scenario: Scenario, stretch: Stretch) -> Iterator[Span]:
    """The stretches of its days that begin before the scenario ends, cut to its start."""
    longer = 24 * 60 if stretch.ends <= stretch.begins else 0
    for day in days(scenario, before=1):
        begins = moment(day, stretch.begins, scenario.zone)
        ends = moment(day, stretch.ends + longer, scenario.zone)
        found = Span(max(begins, scenario.start), ends)
        if found.begins < min(found.ends, scenario.end):
            yield found


class Part(NamedTuple):
    """A stretch of time with so many expected arrivals."""

    begins: Instant
    ends: Instant
    expected: float


def curve(scenario: Scenario, callers: Callers) -> Iterator[Part]:
    """The expected arrivals in the scenario, in the order of time.

    Half hours that clocks leap over have none; those that clocks show twice have theirs twice.
    """
    begins = scenario.start - _since_half_hour(scenario)
    while begins < scenario.end:
        shown = zones.local(begins, scenario.zone)
        expected = callers.arrivals.get(shown.hour * 60 + shown.minute, 0)
        ends = begins + HOUR // 2
        inside = Span(max(begins, scenario.start), min(ends, scenario.end))
        if expected > 0:
            share = (inside.ends - inside.begins) / (ends - begins)
            yield Part(inside.begins, inside.ends, expected * share)
        begins = ends


def _since_half_hour(scenario: Scenario) -> Duration:
    """How long before the start clocks showed a full or half hour."""
    shown = zones.local(scenario.start, scenario.zone)
    return shown.minute % HALF_HOUR_MINUTES * MINUTE + scenario.start % MINUTE
