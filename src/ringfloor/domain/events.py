"""Events: what has happened, in the past tense. The journal is a list of these and nothing else.

The engine writes them, everybody folds them. Each carries what a fold needs that does not hold the
engine's state. Encoded as tagged arrays: fields are only ever added at the end, with a default, so
that old journals stay readable; a tag is never used again for something else.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.call_events import *  # noqa: F403  a part of these events
from ringfloor.domain.call_events import CallEvent
from ringfloor.domain.chat_events import *  # noqa: F403  a part of these events
from ringfloor.domain.chat_events import ChatEvent
from ringfloor.domain.contact import (
    Contact,
    RecordingStatus,
    Reference,
    Side,
    Sound,
    Voice,
)
from ringfloor.domain.criteria import Step
from ringfloor.domain.dialogue import Ask, Heard, Passed, Session
from ringfloor.domain.resources import Properties
from ringfloor.domain.structs import EventStruct
from ringfloor.domain.vocabulary import (
    Channel,
    DisconnectReason,
    PreDisconnectState,
    StatusType,
)

MissReason = Literal["unanswered", "rejected", "customer_left"]


# The instance and its resources


class InstanceCreated(EventStruct, frozen=True):
    """The first event of every journal."""

    instance_id: str
    region: str
    account: str
    alias: str
    properties: Properties
    """Members of the API's Instance that do not change with the state."""
    tags: dict[str, str]
    client_token: str | None


class InstanceUpdated(EventStruct, frozen=True):
    """changes: the properties that have a new value."""

    changes: Properties


class InstanceDeleted(EventStruct, frozen=True):
    instance_id: str


class ResourceCreated(EventStruct, frozen=True):
    kind: str
    id: str
    properties: Properties
    tags: dict[str, str]
    client_token: str | None = None


class ResourceUpdated(EventStruct, frozen=True):
    """changes: the members that have a new value; None takes a member away."""

    kind: str
    id: str
    changes: dict[str, Any]


class ResourceTagged(EventStruct, frozen=True):
    """tags: the tags that have a new value; None takes a tag away."""

    kind: str
    id: str
    tags: dict[str, str | None]


class ResourceDeleted(EventStruct, frozen=True):
    kind: str
    id: str


# A contact


class ContactInitiated(EventStruct, frozen=True):
    """contact: the leg as it was born; stage DIALING (outbound), IN_FLOW or SCHEDULED."""

    contact: Contact
    dial_ms: Duration = 0
    """How long an outbound call may ring."""


class ContactScheduled(EventStruct, frozen=True):
    """A callback that will enter the queue when its initial delay is over, or a task to come.

    queue_id: None of a task, whose flow begins then.
    """

    contact_id: str
    queue_id: str | None
    channel: Channel
    until: Instant


class ContactConnectedToSystem(EventStruct, frozen=True):
    """The far end answered."""

    contact_id: str


class FlowEntered(EventStruct, frozen=True):
    """One side of the contact starts a flow from its beginning."""

    contact_id: str
    flow_id: str
    side: Side = "customer"
    flow_type: str = "CONTACT_FLOW"
    """What it runs as: decides what happens when it is over."""


class ModuleEntered(EventStruct, frozen=True):
    """The contact starts a module; the flow or module that has invoked it waits.

    module_id: the edition that it runs: an id, or an id and a version (`id:3`).
    """

    contact_id: str
    module_id: str
    input: dict[str, str]
    side: Side = "customer"


class ModuleLeft(EventStruct, frozen=True):
    """The module is over. outcome: what the action that has invoked it hears."""

    contact_id: str
    outcome: Heard
    side: Side = "customer"


class FlowStepped(EventStruct, frozen=True):
    """The flow has come to its next ask. outcome: what it hears at once, if the world need not."""

    contact_id: str
    session: Session
    ask: Ask
    outcome: Heard | None
    side: Side = "customer"
    heard: Heard | None = None
    """What answered the ask before."""
    path: tuple[Passed, ...] = ()
    """The actions that it has left on the way, for the trace."""
    action_type: str = ""
    """Of the action that asks, where the session stands."""
    as_before: tuple[str, ...] = ()
    """Members that session leaves out: they are as they were at the step before."""


class FlowFinished(EventStruct, frozen=True):
    """The flow of this side is over, and the contact lives on."""

    contact_id: str
    side: Side
    ask: Ask | None = None
    """What it still waited for, so that it can be stopped; number: of that ask."""
    number: int = 0


class AttributesUpdated(EventStruct, frozen=True):
    """attributes: the pairs that have a new value."""

    contact_id: str
    attributes: dict[str, str]


class ContactTagged(EventStruct, frozen=True):
    """tags: the tags that have a new value; None takes a tag away."""

    contact_id: str
    tags: dict[str, str | None]


class ContactUpdated(EventStruct, frozen=True):
    """What users say of a contact. None: as before; of the maps, what has a new value."""

    contact_id: str
    name: str | None
    description: str | None
    references: dict[str, Reference]
    segment_attributes: dict[str, str]
    language: str | None = None
    customer_id: str | None = None


class HooksSet(EventStruct, frozen=True):
    """Other flows at events of the contact, from now on. disabled: whether none runs at all."""

    contact_id: str
    hooks: dict[str, str]
    disabled: dict[str, bool]


class VoiceSet(EventStruct, frozen=True):
    contact_id: str
    voice: Voice


class StreamingSet(EventStruct, frozen=True):
    contact_id: str
    enabled: bool


class RecordingBehaviorSet(EventStruct, frozen=True):
    """behavior: the parameters of the action, references resolved."""

    contact_id: str
    behavior: dict[str, Any]


class RoutingDataUpdated(EventStruct, frozen=True):
    """The contact ranks otherwise among those who wait. None: as before."""

    contact_id: str
    priority: int | None
    age_adjustment_ms: Duration | None


class RoutingCriteriaSet(EventStruct, frozen=True):
    """Other criteria from now on; in a standard queue the first step is active at once.

    Otherwise it is when the contact is enqueued.
    """

    contact_id: str
    steps: tuple[Step, ...]


class RoutingStepExpired(EventStruct, frozen=True):
    """The active step has ended, and the next one, if there is one, is active."""

    contact_id: str


class TargetQueueSet(EventStruct, frozen=True):
    contact_id: str
    queue_id: str


class ContactEnqueued(EventStruct, frozen=True):
    """The wait begins; the flow is over."""

    contact_id: str
    queue_id: str
    channel: Channel
    direct: bool = False
    """At this one agent it rings or not at all."""


class DelayPassed(EventStruct, frozen=True):
    """The contact has waited long enough for the routing profiles that come in after delay_ms."""

    contact_id: str
    delay_ms: Duration


class ContactOffered(EventStruct, frozen=True):
    """The contact rings at an agent until the instant given; it keeps its place meanwhile."""

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    until: Instant
    assigned: bool = False
    """By hand, whatever the agent's status and slots; he accepts it himself."""
    desk_phone: str | None = None
    """Number of the agent's phone, which rings meanwhile; he accepts by picking it up."""


class OfferMissed(EventStruct, frozen=True):
    """The agent did not take the offer. The contact waits on, unless the customer has left."""

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    reason: MissReason
    leg: str | None = None
    """Channel of the desk phone that has rung with it and is to be gone."""


class ContactAccepted(EventStruct, frozen=True):
    """The agent takes the contact; he is rung up, and whispers play before the two are joined."""

    contact_id: str
    agent_id: str
    routing_profile_id: str


class AgentLegConnected(EventStruct, frozen=True):
    """The agent's own phone is up."""

    contact_id: str
    agent_id: str


class AgentLegLost(EventStruct, frozen=True):
    """The phone of the agent who has accepted is gone before the customer was dequeued.

    The agent is told; the contact waits on, at its old place. leg: the channel that is to be gone.
    """

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    leg: str = ""


class ContactDequeued(EventStruct, frozen=True):
    """The wait is over: an agent is ready. Without this event, ContactConnectedToAgent ends it."""

    contact_id: str
    agent_id: str


class ContactConnectedToAgent(EventStruct, frozen=True):
    contact_id: str
    agent_id: str
    routing_profile_id: str


class ContactHeld(EventStruct, frozen=True):
    contact_id: str


class ContactResumed(EventStruct, frozen=True):
    contact_id: str


class ContactEnded(EventStruct, frozen=True):
    """The conversation is over. With an agent connected his after contact work begins."""

    contact_id: str
    reason: DisconnectReason
    pre_disconnect_state: PreDisconnectState


class ContactSucceeded(EventStruct, frozen=True):
    """The contact goes over into another one of its chain, or has asked for it."""

    contact_id: str
    next_contact_id: str


class TaskPaused(EventStruct, frozen=True):
    """Nobody works on the task for now. agent_id: whose it stays; None: it was in queue."""

    contact_id: str
    agent_id: str | None = None


class TaskResumed(EventStruct, frozen=True):
    """The task is where it was: with this agent, or in this queue, at its old place."""

    contact_id: str
    agent_id: str | None
    queue_id: str
    channel: Channel
    enqueued_at: Instant


class ExpirySet(EventStruct, frozen=True):
    """The contact's life is over at another instant."""

    contact_id: str
    at: Instant


class CallbackNumberSet(EventStruct, frozen=True):
    """Where a queued callback would call."""

    contact_id: str
    number: str


class CustomerDialled(EventStruct, frozen=True):
    """An agent waits for the customer, whose phone rings until the instant given.

    shown_as: another caller id than the contact's system number.
    """

    contact_id: str
    agent_id: str
    until: Instant
    shown_as: str | None = None


class CallbackUnanswered(EventStruct, frozen=True):
    """The customer could not be had. The agent is told; the callback is tried again then."""

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    reason: DisconnectReason
    until: Instant


class AgentPresenceChanged(EventStruct, frozen=True):
    """present: a desktop of the agent asks for his snapshot."""

    agent_id: str
    present: bool


class ContactCleared(EventStruct, frozen=True):
    """An agent is rid of a missed or failed offer, or has finished after contact work."""

    contact_id: str
    agent_id: str


class ContactCompleted(EventStruct, frozen=True):
    """The leg is final. contact: the whole of it, for records; the engine forgets it."""

    contact: Contact


class RecordingStored(EventStruct, frozen=True):
    """What the contact's recording has come to: it is kept, or no longer. None: as before."""

    contact_id: str
    status: RecordingStatus
    location: str | None = None
    deletion_reason: str | None = None


class SoundMeasured(EventStruct, frozen=True):
    """How good the connection of a side was, now that its channel is gone."""

    contact_id: str
    side: Side
    sound: Sound


ContactChange = AttributesUpdated | ContactTagged | ContactUpdated | RecordingStored | SoundMeasured
"""What may be said of a contact after its end, too."""


class RecordAmended(EventStruct, frozen=True):
    """Something has been said of a contact that was final already."""

    change: ContactChange


class RecordsExpired(EventStruct, frozen=True):
    """What is known of contacts initiated before this instant is no longer kept."""

    before: Instant


class ContactImported(EventStruct, frozen=True):
    """A contact of another center's log is one of ours from now on, final."""

    contact: Contact


# An agent


class AgentStatusChanged(EventStruct, frozen=True):
    agent_id: str
    status_id: str
    status_type: StatusType


class NextStatusChanged(EventStruct, frozen=True):
    """status_id: what the agent will take when he is free; None: nothing any more."""

    agent_id: str
    status_id: str | None


Event = (
    InstanceCreated
    | InstanceUpdated
    | InstanceDeleted
    | ResourceCreated
    | ResourceUpdated
    | ResourceTagged
    | ResourceDeleted
    | ContactInitiated
    | ContactScheduled
    | ContactConnectedToSystem
    | FlowEntered
    | ModuleEntered
    | ModuleLeft
    | FlowStepped
    | FlowFinished
    | AttributesUpdated
    | ContactTagged
    | ContactUpdated
    | HooksSet
    | VoiceSet
    | StreamingSet
    | RecordingBehaviorSet
    | RoutingDataUpdated
    | RoutingCriteriaSet
    | RoutingStepExpired
    | TargetQueueSet
    | ContactEnqueued
    | DelayPassed
    | ContactOffered
    | OfferMissed
    | ContactAccepted
    | AgentLegConnected
    | AgentLegLost
    | ContactDequeued
    | ContactConnectedToAgent
    | ContactHeld
    | ContactResumed
    | ContactEnded
    | ContactSucceeded
    | TaskPaused
    | TaskResumed
    | ExpirySet
    | CallbackNumberSet
    | CustomerDialled
    | CallbackUnanswered
    | AgentPresenceChanged
    | ContactCleared
    | ContactCompleted
    | RecordingStored
    | SoundMeasured
    | RecordAmended
    | RecordsExpired
    | AgentStatusChanged
    | NextStatusChanged
    | CallEvent
    | ChatEvent
    | ContactImported
)


class Origin(Struct, frozen=True, array_like=True):
    """Who caused a record: the audit trail's part of it."""

    principal: str = ""
    """ARN of the caller; empty for the center itself (deadlines, carriers)."""
    source: str = ""
    """The caller's network address."""
    request_id: str = ""
    operation: str = ""


class Outcome(Struct, frozen=True, array_like=True):
    """What one command led to: the payload of one journal record."""

    at: Instant
    events: tuple[Event, ...]
    origin: Origin = Origin()


encode_outcome = msgspec.msgpack.Encoder().encode
decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
