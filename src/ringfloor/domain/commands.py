"""Commands: what somebody wants, in the imperative. The engine decides; it may refuse.

From outside: operations, the agent service, carriers, functions, the passing of time. From inside:
the consequences that engine.react finds. Commands are never journaled; their events are.
"""

from msgspec import Struct, field

from ringfloor.base.time import Duration, Instant
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.dialogue import Heard
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import Channel, DisconnectReason


class _Command(Struct, frozen=True):
    pass


# The instance and its resources


class CreateInstance(_Command, frozen=True, kw_only=True):
    """Answers the id of the instance, which the caller has chosen. Seeds what AWS seeds."""

    instance_id: str
    region: str
    account: str
    alias: str
    properties: Properties
    tags: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    number: str | None = None
    """A phone number that the new instance owns and that is BasicQueue's outbound caller id."""


class UpdateInstance(_Command, frozen=True):
    changes: Properties


class DeleteInstance(_Command, frozen=True):
    pass


class CreateResource(_Command, frozen=True, kw_only=True):
    """Answers the id: the first of the seed, or that of what the client token has made already.

    id: where it is not the seed's, because the resource comes from another instance.
    quota: how many of the kind there may be (per owner, where it has one); None: no bound.
    """

    kind: str
    properties: Properties
    id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    quota: int | None = None
    client_token: str | None = None


class UpdateResource(_Command, frozen=True):
    """expected: values that these properties must still have, or ConditionalOperationFailed."""

    kind: str
    id: str
    changes: Properties
    expected: Properties | None = None


class TagResource(_Command, frozen=True):
    kind: str
    id: str
    tags: dict[str, str | None]


class DeleteResource(_Command, frozen=True):
    kind: str
    id: str


# Contacts


class StartOutboundContact(_Command, frozen=True, kw_only=True):
    """StartOutboundVoiceContact. The contact's id is the first of the seed."""

    to: str
    from_number: str
    flow_id: str
    queue_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    name: str | None = None
    description: str | None = None
    related_contact_id: str | None = None
    association_id: str | None = None
    references: dict[str, Reference] = field(default_factory=dict)
    dial_ms: Duration
    quota: int | None = None
    """How many calls there may be at once; None: no bound."""


class StartInboundContact(_Command, frozen=True, kw_only=True):
    """A customer calls: to a claimed number, whose flow answers, or straight into a flow."""

    contact_id: str
    channel: Channel = "VOICE"
    from_number: str
    to: str | None = None
    flow_id: str | None = None
    quota: int | None = None
    """How many calls there may be at once; None: no bound."""


class StopContact(_Command, frozen=True):
    contact_id: str


class UpdateAttributes(_Command, frozen=True):
    """record: the contact as history has it, if it is no longer live."""

    contact_id: str
    attributes: dict[str, str]
    record: Contact | None = None


class TagContact(_Command, frozen=True):
    """tags: None takes a tag away. record: as in UpdateAttributes."""

    contact_id: str
    tags: dict[str, str | None]
    record: Contact | None = None


class UpdateContact(_Command, frozen=True, kw_only=True):
    """None: as before; the maps add to what is there. record: as in UpdateAttributes."""

    contact_id: str
    name: str | None = None
    description: str | None = None
    references: dict[str, Reference] = field(default_factory=dict)
    segment_attributes: dict[str, str] = field(default_factory=dict)
    record: Contact | None = None


class UpdateRoutingData(_Command, frozen=True):
    """None: as before."""

    contact_id: str
    priority: int | None = None
    age_adjustment_ms: Duration | None = None


class UpdateSchedule(_Command, frozen=True):
    """A scheduled contact begins at another instant."""

    contact_id: str
    until: Instant


class ExpireRecords(_Command, frozen=True):
    """Forget the contacts that are no longer kept."""


# What the world answers


class ConnectSystem(_Command, frozen=True):
    """The far end of an outbound call has answered."""

    contact_id: str


class LoseChannel(_Command, frozen=True):
    """The customer's channel is gone. reason: what that means for the contact."""

    contact_id: str
    reason: DisconnectReason


class LoseAgent(_Command, frozen=True):
    """The agent's leg is gone without his saying so."""

    contact_id: str


class Hear(_Command, frozen=True):
    """The world answers the ask of this number."""

    contact_id: str
    ask: int
    heard: Heard


# Agents


class SetAgentStatus(_Command, frozen=True):
    """An agent or a supervisor chooses a status; while he is busy it becomes his next status."""

    agent_id: str
    status_id: str


class AcceptContact(_Command, frozen=True):
    agent_id: str
    contact_id: str


class RejectContact(_Command, frozen=True):
    agent_id: str
    contact_id: str


class ClearContact(_Command, frozen=True):
    """Ends after contact work, or puts a missed or failed offer away."""

    agent_id: str
    contact_id: str


class HoldContact(_Command, frozen=True):
    agent_id: str
    contact_id: str


class ResumeContact(_Command, frozen=True):
    agent_id: str
    contact_id: str


class LeaveContact(_Command, frozen=True):
    """The agent hangs up."""

    agent_id: str
    contact_id: str


# Time, and consequences


class Expire(_Command, frozen=True):
    """The earliest deadline is due."""


class Advance(_Command, frozen=True):
    """The flow of a contact goes on with what it has just heard."""

    contact_id: str
    heard: Heard | None = None
    actions: int = 0
    """How many it has done since it last waited for anybody."""


class CompleteContact(_Command, frozen=True):
    """Nothing more can happen to this leg."""

    contact_id: str


class MatchContact(_Command, frozen=True):
    """Look for an agent for this contact."""

    contact_id: str


class MatchAgent(_Command, frozen=True):
    """Look for a contact for this agent."""

    agent_id: str


class TakeNextStatus(_Command, frozen=True):
    """The agent is free: his next status takes effect."""

    agent_id: str


Command = (
    CreateInstance
    | UpdateInstance
    | DeleteInstance
    | CreateResource
    | UpdateResource
    | TagResource
    | DeleteResource
    | StartOutboundContact
    | StartInboundContact
    | StopContact
    | UpdateAttributes
    | TagContact
    | UpdateContact
    | UpdateRoutingData
    | UpdateSchedule
    | ExpireRecords
    | ConnectSystem
    | LoseChannel
    | LoseAgent
    | Hear
    | SetAgentStatus
    | AcceptContact
    | RejectContact
    | ClearContact
    | HoldContact
    | ResumeContact
    | LeaveContact
    | Expire
    | Advance
    | CompleteContact
    | MatchContact
    | MatchAgent
    | TakeNextStatus
)
