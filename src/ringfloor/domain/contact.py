"""Contact and agent as values: what the engine holds and what a final record consists of.

One contact is one leg: one channel, at most one queue stay, at most one agent (behaviour
specification, section 2). Instants and durations are milliseconds.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any, Literal

from msgspec import Struct, field

from ringfloor.base.limits import RECORD_MONTHS, RECORD_MONTHS_MAX, WIRE_SECONDS_MAX
from ringfloor.base.time import DAY, SECOND, Duration, Instant, months_before
from ringfloor.domain.chat import Figures
from ringfloor.domain.criteria import Criteria
from ringfloor.domain.dialogue import Ask, Session
from ringfloor.domain.vocabulary import (
    AgentContactState,
    Channel,
    DisconnectReason,
    InitiationMethod,
    PreDisconnectState,
    StatusType,
)

Stage = Literal[
    "DIALING",
    "IN_FLOW",
    "SCHEDULED",
    "IN_QUEUE",
    "OFFERED",
    "ACCEPTED",
    "CONNECTED",
    "TALKING",
    "PAUSED",
    "ENDED",
]
"""Where a live contact is.

ACCEPTED: an agent has taken it, and whispers play, or a callback is dialled, before the two are
joined. TALKING: a third party whom somebody has added to a call. PAUSED: a task that nobody works
on for now. ENDED: the conversation is over, after contact work goes on.
"""

Side = Literal["customer", "agent"]
"""The two sides of a contact; each is in at most one flow at a time."""


class Voice(Struct, frozen=True, array_like=True):
    """Who speaks texts to the customer."""

    name: str
    engine: str | None = None
    style: str | None = None


PRIORITY_DEFAULT = 5
"""QueuePriority of a contact that nobody ranked; 1 is best."""


ReferenceType = Literal["URL", "NUMBER", "STRING", "DATE", "EMAIL"]
"""What a voice contact may refer to; the API's other types come with attachments and e-mail."""


class Reference(Struct, frozen=True, array_like=True):
    """Something outside that belongs to the contact, shown to the agent."""

    type: ReferenceType
    value: str | None = None


class Caller(Struct, frozen=True, array_like=True):
    """A flow or module that waits for the module it has invoked."""

    session: Session
    edition: str


class Callback(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a queued callback calls, and how often it tries."""

    queue_id: str
    """The queue, or the agent, it was made for."""
    attempts: int
    """How often the customer is dialled at most, if he does not answer."""
    retry_ms: Duration
    """From one attempt that failed until the contact is in queue again."""
    tried: int = 0
    flow_id: str | None = None
    """Customer first: the flow that he is in when he has answered. None: the agent first."""
    dialled_id: str | None = None
    """Customer first, in queue: the id of the contact that will dial him."""
    waited_ms: Duration = 0
    """Customer first, dialled: how long it was in queue before that."""
    delay_ms: Duration = 0
    """Agent first: from its beginning until it was in queue for the first time."""


class Template(Struct, frozen=True, array_like=True):
    """The task template that a task was made with, as it was called then."""

    id: str
    name: str


class HandedOn(Struct, frozen=True, array_like=True):
    """A contact that a quick connect has made of another, and the quick connect as it was then."""

    contact_id: str
    initiated_at: Instant
    quick_connect_id: str
    name: str
    type: str


class Before(Struct, frozen=True, array_like=True):
    """Where a flow was before its last step. waited: for the world, which has answered."""

    session: Session
    waited: bool


class Run(Struct, kw_only=True, omit_defaults=True):
    """One side of a contact in a flow."""

    flow_type: str
    """What it runs as: decides what happens when the run is over."""
    session: Session
    edition: str
    """Which edition of its flow it runs."""
    ask: Ask | None = None
    """What the flow waits for; number is that of the ask among all of the contact's."""
    number: int = 0
    callers: list[Caller] = field(default_factory=list)
    """Who waits for the module that it is in, the innermost last."""
    hops: int = 0
    """How many flows it has come through, one after the other."""
    before: Before | None = None
    """While the contact's flows are logged, for the log."""
    estimates: int = 0
    """How often it has asked for waits, which are told at once, since it asked anything else."""


MonitorState = Literal["SILENT_MONITOR", "BARGE"]


class Watch(Struct, frozen=True, array_like=True):
    """A stretch of time in which a supervisor did this with a call."""

    state: MonitorState
    since: Instant
    until: Instant | None = None


Track = Literal["FROM_AGENT", "TO_AGENT", "ALL"]

RecordingState = Literal["RECORDING", "SUSPENDED", "STOPPED"]


RecordingStatus = Literal["AVAILABLE", "DELETED"]


class Recording(Struct, frozen=True, array_like=True):
    """What is known of the recording of a contact."""

    track: Track
    state: RecordingState
    started_at: Instant
    stopped_at: Instant | None = None
    location: str | None = None
    """Its storage key; None: there is none (yet), or there was no sound (simulated phones)."""
    status: RecordingStatus | None = None
    """Of what is stored."""
    deletion_reason: str | None = None


SoundIssue = Literal["HighPacketLoss", "HighRoundTripTime", "HighJitterBuffer"]
"""What may have spoilt a connection, in the API's words."""


class Sound(Struct, frozen=True, array_like=True):
    """How good the connection of a side was."""

    score: float
    """Mean opinion score, from 1 on."""
    issues: tuple[SoundIssue, ...] = ()


class Contact(Struct, kw_only=True, omit_defaults=True):
    """One leg, live or final."""

    id: str
    channel: Channel
    initiation_method: InitiationMethod
    stage: Stage
    initiated_at: Instant
    updated_at: Instant
    flow_id: str | None = None
    """The flow that the contact started with."""
    customer_number: str | None = None
    system_number: str | None = None
    name: str | None = None
    description: str | None = None
    initial_contact_id: str | None = None
    previous_contact_id: str | None = None
    next_contact_id: str | None = None
    related_contact_id: str | None = None
    client_token: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    connected_to_system_at: Instant | None = None
    queue_id: str | None = None
    """The target queue; the queue the contact waits in once enqueued_at is set."""
    enqueued_at: Instant | None = None
    dequeued_at: Instant | None = None
    turn: int = 0
    """Order among contacts enqueued at the same instant."""
    priority: int = PRIORITY_DEFAULT
    age_adjustment_ms: Duration = 0
    offers: int = 0
    """AgentConnectionAttempts: every offer, the accepted one included."""
    agent_id: str | None = None
    """The agent whom the contact is offered to, then the agent who took it."""
    routing_profile_id: str | None = None
    """The agent's routing profile when he took the contact."""
    connected_to_agent_at: Instant | None = None
    held_at: Instant | None = None
    holds: int = 0
    hold_ms: Duration = 0
    longest_hold_ms: Duration = 0
    after_contact_work_started_at: Instant | None = None
    after_contact_work_ended_at: Instant | None = None
    transfer_completed_at: Instant | None = None
    pre_disconnect_state: PreDisconnectState | None = None
    disconnect_reason: DisconnectReason | None = None
    disconnected_at: Instant | None = None
    waited_ms: Duration = 0
    """How long it is known to have waited: delays up to this have passed."""
    deadline_at: Instant | None = None
    """When the stage ends by itself: dialing, ringing, a callback's delay, after contact work."""
    edition: str | None = None
    """Which edition of its flow the contact will run when it is answered."""
    asks: int = 0
    """How many things its flows have asked; names the next one."""
    association_id: str | None = None
    """The first contact of the tree that related contacts make; None: this one."""
    tags: dict[str, str] = field(default_factory=dict)
    """What users have tagged it with."""
    references: dict[str, Reference] = field(default_factory=dict)
    """By name."""
    segment_attributes: dict[str, str] = field(default_factory=dict)
    """Those that users have given, by the name of a predefined attribute."""
    runs: dict[Side, Run] = field(default_factory=dict)
    """The flows that its sides are in."""
    timers: dict[str, Instant] = field(default_factory=dict)
    """What else happens by itself, by the name of its row in engine.TIMERS, and when."""
    customer_leg: str | None = None
    """Channel of the customer; None: the one that has the contact's own id."""
    call_id: str | None = None
    """The conversation of several legs that the contact belongs to, in Center.calls."""
    chat_id: str | None = None
    """The chat that it is a part of, in Center.chats."""
    accepted_at: Instant | None = None
    hooks: dict[str, str] = field(default_factory=dict)
    """Key of UpdateContactEventHooks to the id of the flow that runs at that event."""
    hooks_disabled: list[str] = field(default_factory=list)
    """Events at which no flow runs."""
    next_contacts: list[str] = field(default_factory=list)
    """Contacts that this one has gone over into, in order."""
    customer_id: str | None = None
    language: str | None = None
    callback_number: str | None = None
    """Where a queued callback would call; None: the customer's number."""
    callback: Callback | None = None
    """What a queued callback is to do."""
    ranks_from: Instant | None = None
    """Since when it waits, for its place in line; None: since it was enqueued."""
    scheduled_at: Instant | None = None
    """When a scheduled task begins, or a callback enters its queue."""
    expires_at: Instant | None = None
    """When its life is over."""
    paused_at: Instant | None = None
    last_paused_at: Instant | None = None
    last_resumed_at: Instant | None = None
    pauses: int = 0
    pause_ms: Duration = 0
    agent_pause_ms: Duration = 0
    """Of these, while an agent had it."""
    links: int = 0
    """How many contacts were before it in its chain of tasks."""
    template: Template | None = None
    started_with: str | None = None
    """Quick connect that it was started with, or handed on by."""
    direct: bool = False
    """Offered to one agent only: it does not wait for him."""
    transferred_to: str | None = None
    """Number of the third party whom the customer was left with."""
    monitors: str | None = None
    """The call that it monitors."""
    capabilities: tuple[MonitorState, ...] = ()
    """What its supervisor may do."""
    watches: list[Watch] = field(default_factory=list)
    """What he has done, in order."""
    recording: Recording | None = None
    criteria: list[Criteria] = field(default_factory=list)
    """Its last sets of routing criteria; the last of them counts."""
    agent_ready_at: Instant | None = None
    """Since when the phone of the agent who has accepted it is up."""
    agent_legs: int = 0
    """How many agents' phones it had before this one; names the leg of the one it has."""
    voice: Voice | None = None
    streaming: bool = False
    """Whether the customer's audio is streamed."""
    recording_behavior: dict[str, Any] | None = None
    """What its flows have said of recording, as the action's parameters say it."""
    figures: Figures | None = None
    """Of a chat: how the conversation has gone."""
    handed_on: list[HandedOn] = field(default_factory=list)
    """Those of its next contacts that quick connects have made."""
    logging: bool = False
    """Whether what its flows do is logged."""
    joins: bool = False
    """Of another agent in a chat: its customer is another contact's."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the SIP request by which the customer called: those that flows may ask for, by name."""
    desk_phone: str | None = None
    """Number of the agent's desk phone, where that has rung with the offer."""
    sound: dict[Side, Sound] = field(default_factory=dict)
    """Of the channels that have ended."""


HIS_OWN: frozenset[InitiationMethod] = frozenset({"OUTBOUND", "MONITOR"})
"""How contacts begin that are an agent's from their birth: he calls, or listens to a call."""


SHOWN_OF_LOST = (
    "id",
    "channel",
    "initiation_method",
    "stage",
    "initiated_at",
    "updated_at",
    "customer_number",
    "system_number",
    "name",
    "description",
    "initial_contact_id",
    "previous_contact_id",
    "related_contact_id",
    "association_id",
    "attributes",
    "references",
    "segment_attributes",
    "connected_to_system_at",
    "disconnected_at",
    "queue_id",
    "enqueued_at",
    "agent_id",
    "agent_legs",
    "customer_leg",
    "language",
    "expires_at",
)
"""What an agent is shown of a contact that he has no longer."""


def lost(contact: Contact) -> Contact:
    """As much of a contact as is shown to an agent who loses it; shares no container with it."""
    return Contact(**{name: copy(getattr(contact, name)) for name in SHOWN_OF_LOST})


class Held(Struct, kw_only=True, omit_defaults=True):
    """A contact as one agent holds it; it occupies one slot of its channel."""

    contact_id: str
    channel: Channel
    state: AgentContactState
    since: Instant
    error: str | None = None
    """Why it is ERROR, in the words of the agent's state: FailedConnectCustomer ..."""
    assigned: bool = False
    """Given to him by hand, whatever his status and slots."""
    last: Contact | None = None
    """What is shown of a contact that he has missed, or that has failed: as it was then."""


class Agent(Struct, kw_only=True, omit_defaults=True):
    """A user as routing sees him."""

    id: str
    status_id: str
    status_type: StatusType
    status_since: Instant
    next_status_id: str | None = None
    next_status_since: Instant | None = None
    contacts: dict[str, Held] = field(default_factory=dict)
    idle_since: Instant = 0
    """Start of the wait that longest available agent compares."""
    idle_turn: int = 0
    """Order among agents idle since the same instant."""
    vanished: bool = False
    """Whether his desktops have gone without signing out."""


SUBTYPES: Mapping[Channel, str] = {
    "VOICE": "connect:Telephony",
    "CHAT": "connect:Chat",
    "TASK": "connect:Task",
    "EMAIL": "connect:Email",
}
"""What connect:Subtype says of a channel, unless it was given (behaviour specification, 2.2)."""


def segment_texts(contact: Contact) -> dict[str, str]:
    """The segment attributes that are texts: AWS's own, then those that users have given."""
    return {"connect:Subtype": SUBTYPES[contact.channel], **contact.segment_attributes}


def association(contact: Contact) -> str:
    """The first contact of the tree that the contact belongs to."""
    return contact.association_id or contact.initial_contact_id or contact.id


RETENTION_TAG = "ringfloor:record-months"
"""Tag of an instance: for how many months what is known of its contacts is kept."""


def record_months(tags: Mapping[str, str]) -> int:
    """For how long an instance with these tags keeps records; without the tag as long as AWS."""
    given = tags.get(RETENTION_TAG, "")
    return int(given) if is_record_months(given) else RECORD_MONTHS


def is_record_months(given: str) -> bool:
    """Whether this is a value of RETENTION_TAG."""
    return given.isascii() and given.isdigit() and 1 <= int(given[:5]) <= RECORD_MONTHS_MAX


def kept_since(now: Instant, months: int) -> Instant:
    """What is known of contacts that were initiated before this is no longer kept."""
    return months_before(now, months)


def forgotten_at(initiated_at: Instant, months: int) -> Instant | None:
    """The first midnight, UTC, at which a contact is no longer kept; None: calendars end before."""
    midnight = (initiated_at // DAY + months * 28) * DAY
    while midnight < WIRE_SECONDS_MAX * SECOND:
        if initiated_at < kept_since(midnight, months):
            return midnight
        midnight += DAY
    return None
