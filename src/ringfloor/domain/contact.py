"""Contact and agent as values: what the engine holds and what a final record consists of.

One contact is one leg: one channel, at most one queue stay, at most one agent (behaviour
specification, section 2). Instants and durations are milliseconds.
"""

from typing import Literal

from msgspec import Struct, field

from ringfloor.base.limits import RECORD_MONTHS, WIRE_SECONDS_MAX
from ringfloor.base.time import DAY, SECOND, Duration, Instant, months_before
from ringfloor.domain.dialogue import Ask, Session
from ringfloor.domain.vocabulary import (
    AgentContactState,
    Channel,
    DisconnectReason,
    InitiationMethod,
    PreDisconnectState,
    StatusType,
)

Stage = Literal["DIALING", "IN_FLOW", "SCHEDULED", "IN_QUEUE", "OFFERED", "CONNECTED", "ENDED"]
"""Where a live contact is. ENDED: the conversation is over, after contact work goes on."""

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
    """Which edition of its flow the contact runs, or will run when it is answered."""
    session: Session | None = None
    """Where the contact stands in its flow."""
    ask: Ask | None = None
    """What the flow waits for; asks is its number."""
    asks: int = 0
    """How many things the flow has asked of the world; names the next one."""
    association_id: str | None = None
    """The first contact of the tree that related contacts make; None: this one."""
    tags: dict[str, str] = field(default_factory=dict)
    """What users have tagged it with."""
    references: dict[str, Reference] = field(default_factory=dict)
    """By name."""
    segment_attributes: dict[str, str] = field(default_factory=dict)
    """Those that users have given, by the name of a predefined attribute."""
    callers: list[Caller] = field(default_factory=list)
    """Who waits for the module that the contact is in, the innermost last."""


class Held(Struct, kw_only=True, omit_defaults=True):
    """A contact as one agent holds it; it occupies one slot of its channel."""

    contact_id: str
    channel: Channel
    state: AgentContactState
    since: Instant


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


def association(contact: Contact) -> str:
    """The first contact of the tree that the contact belongs to."""
    return contact.association_id or contact.initial_contact_id or contact.id


def kept_since(now: Instant) -> Instant:
    """What is known of contacts that were initiated before this is no longer kept."""
    return months_before(now, RECORD_MONTHS)


def forgotten_at(initiated_at: Instant) -> Instant | None:
    """The first midnight, UTC, at which a contact is no longer kept; None: calendars end before."""
    midnight = (initiated_at // DAY + RECORD_MONTHS * 30) * DAY
    while midnight < WIRE_SECONDS_MAX * SECOND:
        if initiated_at < kept_since(midnight):
            return midnight
        midnight += DAY
    return None
