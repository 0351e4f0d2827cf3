"""Practice: what an operator has instances do where AWS says nothing, or says two things.

An instance keeps what differs from the usual among its own properties: so it stands in the journal,
and a replay does what was done whatever the server is started with. Called by config, and by the
app, which tells instances; the engine looks at the properties. Source: choices 3, 5 and 13 of
section 9 of the behaviour specification.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.limits import RING_MS
from ringfloor.base.time import Duration
from ringfloor.domain.destinations import of_instance as rules_of_instance
from ringfloor.domain.resources import Properties

CallbackRank = Literal["call", "callback"]

CallbackDuration = Literal["wait", "delay"]


class Practice(Struct, frozen=True, kw_only=True):
    """What is done in all instances of a server."""

    ring_ms: Duration = RING_MS
    """How long an offer rings."""
    callback_rank: CallbackRank = "call"
    """Where a callback stands in line: by when the call began that asked for it, or by its own
    entry into the queue."""
    callback_duration: CallbackDuration = "wait"
    """What Queue.Duration of a callback's record counts: its wait, or the initial delay, too."""
    destinations: tuple[str, ...] = ()
    """Rules of where calls may lead (domain.destinations), also those of single instances."""
    outbound_rate: tuple[int, int] | None = None
    """Calls out per second, and at once; None: as many as one likes."""
    outbound_calls: int | None = None
    """Calls out that may be under way."""
    recording_days: int | None = None
    """How long recordings are kept; None: for ever."""


USUAL = Practice()


RING = "RingMs"
RANK = "CallbackRank"
DURATION = "CallbackDuration"
DESTINATIONS = "Destinations"
OUTBOUND_RATE = "OutboundRate"
OUTBOUND_CALLS = "OutboundCallsMax"
RECORDING_DAYS = "RecordingDays"

FIELDS = {
    RING: "ring_ms",
    RANK: "callback_rank",
    DURATION: "callback_duration",
    DESTINATIONS: "destinations",
    OUTBOUND_RATE: "outbound_rate",
    OUTBOUND_CALLS: "outbound_calls",
    RECORDING_DAYS: "recording_days",
}
"""Property of an instance to what it says."""


def changes(practice: Practice) -> Properties:
    """The properties of an instance that is to work so; None: there is none."""
    wanted = {name: _json(getattr(practice, field)) for name, field in FIELDS.items()}
    usual = {name: _json(getattr(USUAL, field)) for name, field in FIELDS.items()}
    return {name: None if value == usual[name] else value for name, value in wanted.items()}


def of_instance(practice: Practice, alias: str) -> Practice:
    """What is done in the instance of this alias."""
    return replace(practice, destinations=rules_of_instance(practice.destinations, alias))


def kept(practice: Practice) -> Properties:
    """The properties of a new instance that works so, beside its others."""
    return {name: value for name, value in changes(practice).items() if value is not None}


def is_followed(properties: Properties, practice: Practice) -> bool:
    """Whether an instance of these properties works so already."""
    return all(properties.get(name) == value for name, value in changes(practice).items())


def ring_ms(properties: Properties) -> Duration:
    """How long an offer of this instance rings."""
    found: Duration = properties.get(RING, RING_MS)
    return found


def ranks_by_call(properties: Properties) -> bool:
    """Whether a callback stands in line where its call would."""
    return RANK not in properties


def counts_delay(properties: Properties) -> bool:
    """Whether the initial delay of a callback is part of its Queue.Duration."""
    return DURATION in properties


def destinations(properties: Properties) -> tuple[str, ...]:
    """The rules of where calls of this instance may lead (domain.destinations)."""
    return tuple(properties.get(DESTINATIONS) or ())


def outbound_rate(properties: Properties) -> tuple[int, int] | None:
    """Calls out per second, and at once; None: as many as one likes."""
    found = properties.get(OUTBOUND_RATE)
    return None if found is None else (found[0], found[1])


def outbound_calls(properties: Properties) -> int | None:
    """How many calls out may be under way; None: as many as one likes."""
    return properties.get(OUTBOUND_CALLS)


def recording_days(properties: Properties) -> int | None:
    """How many days recordings are kept; None: for ever."""
    return properties.get(RECORDING_DAYS)


def _json(value: object) -> object:
    """As a property is read back."""
    return list(value) if isinstance(value, tuple) else value
