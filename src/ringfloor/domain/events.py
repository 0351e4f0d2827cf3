"""Events: what has happened, in the past tense. The journal is a list of these and nothing else.

The engine writes them, everybody folds them. Each carries what a fold needs that does not hold the
engine's state. Encoded as tagged arrays: fields are only ever added at the end, with a default, so
that old journals stay readable; a tag is never used again for something else.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.dialogue import Ask, Heard, Session
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import (
    Channel,
    DisconnectReason,
    PreDisconnectState,
    StatusType,
)

MissReason = Literal["unanswered", "rejected", "customer_left"]


class _Event(Struct, frozen=True, array_like=True, tag=True):
    pass


# The instance and its resources


class InstanceCreated(_Event, frozen=True):
    """The first event of every journal."""

    instance_id: str
    region: str
    account: str
    alias: str
    properties: Properties
    """Members of the API's Instance that do not change with the state."""
    tags: dict[str, str]
    client_token: str | None


class InstanceUpdated(_Event, frozen=True):
    """changes: the properties that have a new value."""

    changes: Properties


class InstanceDeleted(_Event, frozen=True):
    instance_id: str


class ResourceCreated(_Event, frozen=True):
    kind: str
    id: str
    properties: Properties
    tags: dict[str, str]
    client_token: str | None = None


class ResourceUpdated(_Event, frozen=True):
    """changes: the members that have a new value; None takes a member away."""

    kind: str
    id: str
    changes: dict[str, Any]


class ResourceTagged(_Event, frozen=True):
    """tags: the tags that have a new value; None takes a tag away."""

    kind: str
    id: str
    tags: dict[str, str | None]


class ResourceDeleted(_Event, frozen=True):
    kind: str
    id: str


# A contact


class ContactInitiated(_Event, frozen=True):
    """contact: the leg as it was born; stage DIALING (outbound), IN_FLOW or SCHEDULED."""

    contact: Contact
    dial_ms: Duration = 0
    """How long an outbound call may ring."""


class ContactScheduled(_Event, frozen=True):
    """A callback that will enter the queue when its initial delay is over."""

    contact_id: str
    queue_id: str
    channel: Channel
    until: Instant


class ContactConnectedToSystem(_Event, frozen=True):
    """The far end answered."""

    contact_id: str


class FlowEntered(_Event, frozen=True):
    """The contact starts a flow from its beginning."""

    contact_id: str
    flow_id: str


class ModuleEntered(_Event, frozen=True):
    """The contact starts a module; the flow or module that has invoked it waits.

    module_id: the edition that it runs: an id, or an id and a version (`id:3`).
    """

    contact_id: str
    module_id: str
    input: dict[str, str]


class ModuleLeft(_Event, frozen=True):
    """The module is over. outcome: what the action that has invoked it hears."""

    contact_id: str
    outcome: Heard


class FlowStepped(_Event, frozen=True):
    """The flow has come to its next ask. outcome: what it hears at once, if the world need not."""

    contact_id: str
    session: Session
    ask: Ask
    outcome: Heard | None


class AttributesUpdated(_Event, frozen=True):
    """attributes: the pairs that have a new value."""

    contact_id: str
    attributes: dict[str, str]


class ContactTagged(_Event, frozen=True):
    """tags: the tags that have a new value; None takes a tag away."""

    contact_id: str
    tags: dict[str, str | None]


class ContactUpdated(_Event, frozen=True):
    """What users say of a contact. None: as before; of the maps, what has a new value."""

    contact_id: str
    name: str | None
    description: str | None
    references: dict[str, Reference]
    segment_attributes: dict[str, str]


class RoutingDataUpdated(_Event, frozen=True):
    """The contact ranks otherwise among those who wait. None: as before."""

    contact_id: str
    priority: int | None
    age_adjustment_ms: Duration | None


class TargetQueueSet(_Event, frozen=True):
    contact_id: str
    queue_id: str


class ContactEnqueued(_Event, frozen=True):
    """The wait begins; the flow is over."""

    contact_id: str
    queue_id: str
    channel: Channel


class DelayPassed(_Event, frozen=True):
    """The contact has waited long enough for the routing profiles that come in after delay_ms."""

    contact_id: str
    delay_ms: Duration


class ContactOffered(_Event, frozen=True):
    """The contact rings at an agent until the instant given; it keeps its place meanwhile."""

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    until: Instant


class OfferMissed(_Event, frozen=True):
    """The agent did not take the offer. The contact waits on, unless the customer has left."""

    contact_id: str
    agent_id: str
    queue_id: str
    channel: Channel
    reason: MissReason


class ContactConnectedToAgent(_Event, frozen=True):
    contact_id: str
    agent_id: str
    routing_profile_id: str


class ContactHeld(_Event, frozen=True):
    contact_id: str


class ContactResumed(_Event, frozen=True):
    contact_id: str


class ContactEnded(_Event, frozen=True):
    """The conversation is over. With an agent connected his after contact work begins."""

    contact_id: str
    reason: DisconnectReason
    pre_disconnect_state: PreDisconnectState


class ContactCleared(_Event, frozen=True):
    """An agent is rid of a missed or failed offer, or has finished after contact work."""

    contact_id: str
    agent_id: str


class ContactCompleted(_Event, frozen=True):
    """The leg is final. contact: the whole of it, for records; the engine forgets it."""

    contact: Contact


ContactChange = AttributesUpdated | ContactTagged | ContactUpdated
"""What may be said of a contact after its end, too."""


class RecordAmended(_Event, frozen=True):
    """Something has been said of a contact that was final already."""

    change: ContactChange


class RecordsExpired(_Event, frozen=True):
    """What is known of contacts initiated before this instant is no longer kept."""

    before: Instant


# An agent


class AgentStatusChanged(_Event, frozen=True):
    agent_id: str
    status_id: str
    status_type: StatusType


class NextStatusChanged(_Event, frozen=True):
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
    | AttributesUpdated
    | ContactTagged
    | ContactUpdated
    | RoutingDataUpdated
    | TargetQueueSet
    | ContactEnqueued
    | DelayPassed
    | ContactOffered
    | OfferMissed
    | ContactConnectedToAgent
    | ContactHeld
    | ContactResumed
    | ContactEnded
    | ContactCleared
    | ContactCompleted
    | RecordAmended
    | RecordsExpired
    | AgentStatusChanged
    | NextStatusChanged
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
