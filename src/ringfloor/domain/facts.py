"""Facts: what history is asked about. Final legs, missed offers and agent time.

projections.records folds events into these; projections.historical keeps and counts them. Instants
and durations are milliseconds. Definitions: metrics specification, section 0.2.
"""

from typing import Literal

from msgspec import Struct

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.events import ContactChange
from ringfloor.domain.vocabulary import (
    Channel,
    DisconnectReason,
    InitiationMethod,
    PreDisconnectState,
)


class Leg(Struct, frozen=True, kw_only=True):
    """One contact leg, final: it has ended and its after contact work is over."""

    contact_id: str
    queue_id: str | None
    channel: Channel
    initiation_method: InitiationMethod
    initiated_at: Instant
    disconnected_at: Instant
    enqueued_at: Instant | None = None
    dequeued_at: Instant | None = None
    connected_to_agent_at: Instant | None = None
    agent_id: str | None = None
    routing_profile_id: str | None = None
    interaction_ms: Duration | None = None
    """Connected time without hold and pause."""
    hold_ms: Duration | None = None
    longest_hold_ms: Duration | None = None
    holds: int = 0
    after_contact_work_ms: Duration | None = None
    pause_ms: Duration | None = None
    transfer_completed_at: Instant | None = None
    pre_disconnect_state: PreDisconnectState | None = None
    disconnect_reason: DisconnectReason | None = None
    previous_contact_id: str | None = None
    next_contact_id: str | None = None
    initial_contact_id: str | None = None
    related_contact_id: str | None = None
    association_id: str | None = None
    """The first contact of its tree; itself, if it is the first."""
    record: bytes = b""
    """The whole contact as DescribeContact needs it; opaque to whoever counts."""


class MissedOffer(Struct, frozen=True, kw_only=True):
    """One offer that the agent did not take: no answer, reject, or the customer left meanwhile."""

    contact_id: str
    agent_id: str
    queue_id: str | None
    """None if the contact waited for this agent in particular."""
    channel: Channel
    at: Instant


class AgentTime(Struct, frozen=True, kw_only=True):
    """A stretch of an agent's Available time, with a contact or idle (section 2.5)."""

    agent_id: str
    routing_profile_id: str
    kind: Literal["contact", "idle"]
    started_at: Instant
    ended_at: Instant


class Transcript(Struct, frozen=True, kw_only=True):
    """All that was said in a chat that has ended."""

    contact_id: str
    """Of its first contact."""
    started_at: Instant
    session: bytes
    """A domain.chat.Session; opaque to whoever keeps it."""


class Trace(Struct, frozen=True, kw_only=True):
    """What a contact, final, has been through in its flows."""

    contact_id: str
    initiated_at: Instant
    steps: bytes
    """A projections.traces.Kept; opaque to whoever keeps it."""


class Amendment(Struct, frozen=True, kw_only=True):
    """Something that was said of a leg after it was final; its record is then another."""

    change: ContactChange
    at: Instant


class Expiry(Struct, frozen=True, kw_only=True):
    """Nothing of before this instant is kept any more: no leg initiated, nothing else over."""

    before: Instant


Fact = Leg | MissedOffer | AgentTime | Transcript | Trace | Amendment | Expiry
