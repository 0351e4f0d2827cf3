"""Call events: what has happened in calls. Part of domain.events, and under its rules."""

from ringfloor.domain.call import Party
from ringfloor.domain.contact import MonitorState, Recording
from ringfloor.domain.structs import EventStruct
from ringfloor.domain.vocabulary import DisconnectReason


class PartyAdded(EventStruct, frozen=True):
    """Somebody comes into a call, or is being dialled for it; with the first, the call begins."""

    call_id: str
    contact_id: str
    party: Party


class PartyJoined(EventStruct, frozen=True):
    """Who was dialled has answered."""

    call_id: str
    contact_id: str
    leg: str


class PartyHeld(EventStruct, frozen=True):
    """Somebody other than the customer is on hold."""

    call_id: str
    contact_id: str
    leg: str


class PartyResumed(EventStruct, frozen=True):
    call_id: str
    contact_id: str
    leg: str


class PartyMuted(EventStruct, frozen=True):
    """forced: by somebody else."""

    call_id: str
    contact_id: str
    leg: str
    muted: bool
    forced: bool = False


class PartyLeft(EventStruct, frozen=True):
    """Somebody has left the call, and his contact goes on. reason: None: he is just not in it."""

    call_id: str
    contact_id: str
    leg: str
    reason: DisconnectReason | None


class DigitsPressed(EventStruct, frozen=True):
    """An agent presses keys towards somebody in the call."""

    call_id: str
    contact_id: str
    leg: str
    digits: str


class CustomerPassed(EventStruct, frozen=True):
    """Another contact has the customer from now on: a transfer is complete."""

    contact_id: str
    next_contact_id: str


class MonitorStateChanged(EventStruct, frozen=True):
    contact_id: str
    agent_id: str
    state: MonitorState


class RecordingChanged(EventStruct, frozen=True):
    """resumed: it had been suspended."""

    contact_id: str
    recording: Recording
    resumed: bool = False


CallEvent = (
    PartyAdded
    | PartyJoined
    | PartyHeld
    | PartyResumed
    | PartyMuted
    | PartyLeft
    | DigitsPressed
    | CustomerPassed
    | MonitorStateChanged
    | RecordingChanged
)
