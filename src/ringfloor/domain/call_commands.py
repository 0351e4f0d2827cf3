"""Call commands: what is wanted of calls, and of their recordings. Part of domain.commands."""

from typing import Literal

from msgspec import field

from ringfloor.domain.contact import MonitorState, Sound, Track
from ringfloor.domain.structs import CommandStruct

# leg: which party of the call is meant.


class DialOut(CommandStruct, frozen=True, kw_only=True):
    """The agent calls somebody. The contact's id is the first of the seed."""

    agent_id: str
    to: str
    queue_id: str | None = None
    """Whose caller id is shown; None: the default outbound queue of his routing profile."""
    related_contact_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    association_id: str | None = None
    quota: int | None = None


class AddParty(CommandStruct, frozen=True, kw_only=True):
    """The agent dials somebody else, the customer on hold; exactly one of the two.

    The new contact's id is the first of the seed.
    """

    agent_id: str
    contact_id: str
    quick_connect_id: str | None = None
    number: str | None = None


class HoldParty(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str
    leg: str


class ResumeParty(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str
    leg: str


class DropParty(CommandStruct, frozen=True):
    """With his own leg the agent leaves."""

    agent_id: str
    contact_id: str
    leg: str


class MuteParty(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str
    leg: str
    muted: bool


class PressDigits(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str
    leg: str
    digits: str


class SwapParties(CommandStruct, frozen=True):
    """Who was on hold talks, and the other way round."""

    agent_id: str
    contact_id: str


class JoinParties(CommandStruct, frozen=True):
    """Everybody talks with everybody."""

    agent_id: str
    contact_id: str


class MonitorContact(CommandStruct, frozen=True, kw_only=True):
    """A supervisor listens in. The new contact's id is the first of the seed."""

    agent_id: str
    contact_id: str
    capabilities: tuple[MonitorState, ...]
    client_token: str | None = None


class SetMonitorState(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str
    state: MonitorState


RecordingAction = Literal["START", "SUSPEND", "RESUME", "STOP"]


class ChangeRecording(CommandStruct, frozen=True, kw_only=True):
    """track: needed to start."""

    contact_id: str
    initial_contact_id: str
    action: RecordingAction
    track: Track | None = None


class BeginRecording(CommandStruct, frozen=True):
    """Agent and customer are joined: record them, if the contact's flows have said so."""

    contact_id: str


class KeepRecording(CommandStruct, frozen=True):
    """The contact's recording is stored. location: its storage key."""

    contact_id: str
    location: str


class LoseRecording(CommandStruct, frozen=True):
    """There is no recording, or it has broken off; stale news is no news."""

    contact_id: str


class DropRecording(CommandStruct, frozen=True):
    """The contact's recording is no longer stored. reason: as its record tells it."""

    contact_id: str
    reason: str


class MeasureSound(CommandStruct, frozen=True):
    """A channel is gone, and this is how good its connection was."""

    leg: str
    sound: Sound


class SettleCall(CommandStruct, frozen=True):
    """Somebody has left the call: whoever cannot go on without him ends."""

    call_id: str


CallCommand = (
    DialOut
    | AddParty
    | HoldParty
    | ResumeParty
    | DropParty
    | MuteParty
    | PressDigits
    | SwapParties
    | JoinParties
    | MonitorContact
    | SetMonitorState
    | ChangeRecording
    | BeginRecording
    | KeepRecording
    | LoseRecording
    | DropRecording
    | MeasureSound
    | SettleCall
)

__all__ = [
    "AddParty",
    "BeginRecording",
    "CallCommand",
    "ChangeRecording",
    "DialOut",
    "DropParty",
    "DropRecording",
    "HoldParty",
    "JoinParties",
    "KeepRecording",
    "LoseRecording",
    "MeasureSound",
    "MonitorContact",
    "MuteParty",
    "PressDigits",
    "RecordingAction",
    "ResumeParty",
    "SetMonitorState",
    "SettleCall",
    "SwapParties",
]
