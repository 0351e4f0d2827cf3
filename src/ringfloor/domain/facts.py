"""Facts: what history is asked about. Final legs, offers, agents' time, flows, steps, bots.

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


class Staff(Struct, frozen=True, kw_only=True):
    """Whose time or contact it was: agent, routing profile, place in the hierarchy, as of then."""

    agent_id: str | None = None
    routing_profile_id: str | None = None
    level_one: str | None = None
    level_two: str | None = None
    level_three: str | None = None
    level_four: str | None = None
    level_five: str | None = None
    """Ids of the groups above him and his own, from the top."""


class Keys(Staff, frozen=True, kw_only=True):
    """By what facts of a contact are grouped and filtered; None: the fact has no such thing."""

    contact_id: str
    channel: Channel
    queue_id: str | None = None
    """None also for an agent's own queue."""
    initiation_method: InitiationMethod = "INBOUND"
    subtype: str | None = None
    """Segment attribute connect:Subtype: connect:Telephony, connect:Chat ..."""


class Leg(Keys, frozen=True, kw_only=True):
    """One contact leg, final: it has ended and its after contact work is over.

    Staff: of the agent whom it was connected to.
    """

    initiation_method: InitiationMethod
    initiated_at: Instant
    disconnected_at: Instant
    connected_to_system_at: Instant | None = None
    enqueued_at: Instant | None = None
    dequeued_at: Instant | None = None
    connected_to_agent_at: Instant | None = None
    interaction_ms: Duration | None = None
    """Connected time without hold and pause."""
    hold_ms: Duration | None = None
    longest_hold_ms: Duration | None = None
    holds: int = 0
    after_contact_work_ms: Duration | None = None
    after_contact_work_ended_at: Instant | None = None
    pause_ms: Duration | None = None
    transfer_completed_at: Instant | None = None
    transferred_to: str | None = None
    """Number of the third party whom the customer was left with."""
    pre_disconnect_state: PreDisconnectState | None = None
    disconnect_reason: DisconnectReason | None = None
    previous_contact_id: str | None = None
    next_contact_id: str | None = None
    initial_contact_id: str | None = None
    related_contact_id: str | None = None
    association_id: str | None = None
    """The first contact of its tree; itself, if it is the first."""
    callback_wait_ms: Duration | None = None
    """Of a customer-first callback: in queue before it was dialled, and after."""
    routing_step: str | None = None
    """Expression of the step that it was joined in, else of the last that was active."""
    first_response_at: Instant | None = None
    """The agent's first message; this and the next of chats only."""
    conversation_close_ms: Duration | None = None
    """From the customer's last message to the end."""
    messages: int | None = None
    bot_messages: int | None = None
    agent_messages: int | None = None
    agent_characters: int | None = None
    agent_responses: int | None = None
    agent_response_ms: Duration | None = None
    customer_messages: int | None = None
    customer_characters: int | None = None
    customer_responses: int | None = None
    customer_response_ms: Duration | None = None
    conversation_abandoned: bool = False
    """By the agent or by the customer."""
    target_queue_id: str | None = None
    """As the contact has it: an agent's own queue, too, and one that it never entered."""
    name: str | None = None
    scheduled_at: Instant | None = None
    expires_at: Instant | None = None
    attributes: dict[str, str] = {}
    """This and the next: what contacts are searched by."""
    segment_attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    preferred_agents: tuple[str, ...] = ()
    """Agents whom its routing criteria have sought by name."""
    record: bytes = b""
    """The whole contact as DescribeContact needs it; opaque to whoever counts."""


OfferOutcome = Literal["accepted", "missed", "rejected", "customer_left", "failed", "own_call"]
"""accepted: joined to the customer; failed: the agent's phone was lost before that. own_call: no
offer, but a call that he made, as long as it connected, joined in the end or not."""


class Offer(Keys, frozen=True, kw_only=True):
    """One offer of a contact to an agent, from its first ring until it was decided."""

    offered_at: Instant
    """Of his own call: when he began it."""
    ended_at: Instant
    """When the two were joined, or the agent was told that he has missed it. Counts then."""
    outcome: OfferOutcome


class Occurrence(Keys, frozen=True, kw_only=True):
    """Something that counts when it happens, not when the contact is final."""

    kind: Literal["enqueued", "connected"]
    at: Instant


class HandTime(Keys, frozen=True, kw_only=True):
    """A stretch in which an Available agent had one contact in his hands.

    Connected, on hold, paused, in after contact work, or being dialled for him.
    """

    started_at: Instant
    ended_at: Instant


class AgentTime(Staff, frozen=True, kw_only=True):
    """A stretch of an agent's time online, of one kind (section 2.5)."""

    agent_id: str
    routing_profile_id: str
    kind: Literal["contact", "idle", "non_productive"]
    """contact, idle: while Available; non_productive: in a custom status."""
    started_at: Instant
    ended_at: Instant
    in_error: bool = False
    """Whether he had a missed, rejected or failed contact that he had not cleared."""
    status_id: str | None = None


StepOutcome = Literal["joined", "expired", "left"]


class StepEntry(Keys, frozen=True, kw_only=True):
    """A contact in a step of its routing criteria. Counts when it was entered."""

    expression: str
    """The API's Expression as JSON, keys sorted, no blanks."""
    entered_at: Instant
    left_at: Instant | None = None
    """None: it is in it yet."""
    outcome: StepOutcome | None = None
    """left: other criteria, another queue, or the end of the contact."""


FlowOutcome = Literal[
    "DROPPED",
    "DISCONNECTED_PARTICIPANT",
    "ENDED_FLOW_EXECUTION",
    "TRANSFERED_TO_AGENT",
    "TRANSFERED_TO_PHONE_NUMBER",
    "TRANSFERED_TO_FLOW",
    "TRANSFERED_TO_QUEUE",
    "RETURNED_TO_FLOW",
]
"""The API's words, with its one R."""


class FlowRun(Keys, frozen=True, kw_only=True):
    """A contact in a flow or a module, from its beginning. Counts when it was started."""

    flow_id: str
    """FLOWS_RESOURCE_ID: of the flow; of a module, that of the flow it was invoked by."""
    module_id: str | None = None
    flow_type: str
    published_at: Instant | None = None
    """Of the edition that ran, where that is known."""
    started_at: Instant
    ended_at: Instant | None = None
    """None: it runs yet."""
    outcome: FlowOutcome | None = None
    next_flow_id: str | None = None
    next_queue_id: str | None = None


BotOutcome = Literal["SUCCESS", "FAILED", "DROPPED", "SWITCHED"]


class BotConversation(Keys, frozen=True, kw_only=True):
    """What a flow had a bot talk about with the customer. Counts when the flow was started.

    intent: None of the conversation as a whole; else one of its intents, counted by itself.
    """

    bot_id: str
    bot_alias: str | None = None
    bot_version: str | None = None
    bot_locale: str | None = None
    flow_id: str
    module_id: str | None = None
    flow_type: str
    published_at: Instant | None = None
    action_id: str
    flow_started_at: Instant
    started_at: Instant
    ended_at: Instant
    turns: int
    intent: str | None = None
    outcome: BotOutcome
    conversation_outcome: BotOutcome
    """Of the conversation that the intent belongs to; of a whole one its own."""


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


Counted = Leg | Offer | Occurrence | HandTime | AgentTime | StepEntry | FlowRun | BotConversation
"""What metrics are made of."""

Fact = Counted | Transcript | Trace | Amendment | Expiry
