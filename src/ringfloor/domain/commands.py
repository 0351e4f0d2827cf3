"""Commands: what somebody wants, in the imperative. The engine decides; it may refuse.

From outside: operations, the agent service, carriers, functions, the passing of time. From inside:
the consequences that engine.react finds. Commands are never journaled; their events are.
"""

from msgspec import field

from ringfloor.base.limits import TASK_LIFE_MS
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.call_commands import *  # noqa: F403  a part of these commands
from ringfloor.domain.call_commands import CallCommand
from ringfloor.domain.chat_commands import *  # noqa: F403  a part of these commands
from ringfloor.domain.chat_commands import ChatCommand
from ringfloor.domain.contact import (
    Contact,
    Reference,
    Side,
    Template,
)
from ringfloor.domain.criteria import Step
from ringfloor.domain.dialogue import Heard
from ringfloor.domain.logged import LoggedContact
from ringfloor.domain.resources import Properties
from ringfloor.domain.structs import CommandStruct
from ringfloor.domain.vocabulary import Channel, DisconnectReason

# The instance and its resources


class CreateInstance(CommandStruct, frozen=True, kw_only=True):
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


class UpdateInstance(CommandStruct, frozen=True):
    changes: Properties


class DeleteInstance(CommandStruct, frozen=True):
    pass


class CreateResource(CommandStruct, frozen=True, kw_only=True):
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


class UpdateResource(CommandStruct, frozen=True):
    """expected: values that these properties must still have, or ConditionalOperationFailed."""

    kind: str
    id: str
    changes: Properties
    expected: Properties | None = None


class TagResource(CommandStruct, frozen=True):
    kind: str
    id: str
    tags: dict[str, str | None]


class DeleteResource(CommandStruct, frozen=True):
    kind: str
    id: str


# Contacts


class StartOutboundContact(CommandStruct, frozen=True, kw_only=True):
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


class StartInboundContact(CommandStruct, frozen=True, kw_only=True):
    """A customer calls: to a claimed number, whose flow answers, or straight into a flow."""

    contact_id: str
    channel: Channel = "VOICE"
    from_number: str
    to: str | None = None
    flow_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    quota: int | None = None
    """How many calls there may be at once; None: no bound."""
    headers: dict[str, str] = field(default_factory=dict)
    """SIP headers that flows may ask for, by name."""


class StartTask(CommandStruct, frozen=True, kw_only=True):
    """StartTaskContact. The contact's id is the first of the seed.

    target_id: a queue or user that the flow finds set. previous: the contact before it, live or as
    history has it; the two share their attributes. at: when the flow begins, if not now.
    """

    name: str
    flow_id: str
    description: str | None = None
    target_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    segment_attributes: dict[str, str] = field(default_factory=dict)
    client_token: str | None = None
    previous: Contact | None = None
    related_contact_id: str | None = None
    association_id: str | None = None
    template: Template | None = None
    quick_connect_id: str | None = None
    at: Instant | None = None
    life_ms: Duration = TASK_LIFE_MS
    quota: int | None = None
    """How many tasks there may be at once; None: no bound."""


class TransferTask(CommandStruct, frozen=True, kw_only=True):
    """TransferContact. The new contact's id is the first of the seed."""

    contact_id: str
    flow_id: str
    target_id: str | None = None
    client_token: str | None = None
    quick_connect_id: str | None = None
    """By which an agent hands it on."""


class PauseTask(CommandStruct, frozen=True):
    """flow_id: what runs at this, instead of what the contact's hook says."""

    contact_id: str
    flow_id: str | None = None


class ResumeTask(CommandStruct, frozen=True):
    """flow_id: as in PauseTask."""

    contact_id: str
    flow_id: str | None = None


class FinishTask(CommandStruct, frozen=True):
    """The agent has done it."""

    agent_id: str
    contact_id: str


class SetExpiry(CommandStruct, frozen=True):
    """A task lives so long from its beginning on."""

    contact_id: str
    life_ms: Duration


class StopContact(CommandStruct, frozen=True):
    contact_id: str


class UpdateAttributes(CommandStruct, frozen=True):
    """record: the contact as history has it, if it is no longer live."""

    contact_id: str
    attributes: dict[str, str]
    record: Contact | None = None


class TagContact(CommandStruct, frozen=True):
    """tags: None takes a tag away. record: as in UpdateAttributes."""

    contact_id: str
    tags: dict[str, str | None]
    record: Contact | None = None


class UpdateContact(CommandStruct, frozen=True, kw_only=True):
    """None: as before; the maps add to what is there. record: as in UpdateAttributes."""

    contact_id: str
    name: str | None = None
    description: str | None = None
    references: dict[str, Reference] = field(default_factory=dict)
    segment_attributes: dict[str, str] = field(default_factory=dict)
    record: Contact | None = None


class UpdateRoutingData(CommandStruct, frozen=True):
    """None: as before."""

    contact_id: str
    priority: int | None = None
    age_adjustment_ms: Duration | None = None
    steps: tuple[Step, ...] | None = None
    """Of routing criteria."""


class AssignContact(CommandStruct, frozen=True):
    """Offer a contact in queue to this agent, whatever his status and slots."""

    contact_id: str
    agent_id: str


class UpdateSchedule(CommandStruct, frozen=True):
    """A scheduled contact begins at another instant."""

    contact_id: str
    until: Instant


class ExpireRecords(CommandStruct, frozen=True):
    """Forget the contacts that are no longer kept."""


# What the world answers


class ConnectSystem(CommandStruct, frozen=True):
    """The far end of an outbound call has answered."""

    contact_id: str


class LoseChannel(CommandStruct, frozen=True):
    """The customer's channel is gone. reason: what that means for the contact."""

    contact_id: str
    reason: DisconnectReason


class ConnectAgent(CommandStruct, frozen=True):
    """The agent's own phone is up. leg: how many the contact had before it."""

    contact_id: str
    leg: int = 0


class LoseAgent(CommandStruct, frozen=True):
    """The agent's leg is gone without his saying so. leg: as in ConnectAgent."""

    contact_id: str
    leg: int = 0


class Hear(CommandStruct, frozen=True):
    """The world answers the ask of this number."""

    contact_id: str
    ask: int
    heard: Heard


# Agents


class SetAgentStatus(CommandStruct, frozen=True):
    """An agent or a supervisor chooses a status; while he is busy it becomes his next status."""

    agent_id: str
    status_id: str


class AcceptContact(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str


class RejectContact(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str


class ClearContact(CommandStruct, frozen=True):
    """Ends after contact work, or puts a missed or failed offer away."""

    agent_id: str
    contact_id: str


class HoldContact(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str


class ResumeContact(CommandStruct, frozen=True):
    agent_id: str
    contact_id: str


class LeaveContact(CommandStruct, frozen=True):
    """The agent hangs up."""

    agent_id: str
    contact_id: str


class AgentVanished(CommandStruct, frozen=True):
    """No desktop of the agent has asked for anything for long."""

    agent_id: str


class AgentReturned(CommandStruct, frozen=True):
    """A desktop of the agent asks again."""

    agent_id: str


class GiveUp(CommandStruct, frozen=True):
    """The one agent whom the contact was for has not taken it."""

    contact_id: str


# Time, and consequences


class Expire(CommandStruct, frozen=True):
    """The earliest deadline is due."""


class Advance(CommandStruct, frozen=True):
    """The flow of a contact goes on with what it has just heard."""

    contact_id: str
    side: Side = "customer"
    heard: Heard | None = None
    actions: int = 0
    """How many it has done since it last waited for anybody; a heavy one counts for several."""


class CompleteContact(CommandStruct, frozen=True):
    """Nothing more can happen to this leg."""

    contact_id: str


class CleanUp(CommandStruct, frozen=True):
    """A contact has ended: run its disconnect flow for nobody, if it has one to be run."""

    contact_id: str


class MatchContact(CommandStruct, frozen=True):
    """Look for an agent for this contact."""

    contact_id: str


class MatchCallbacks(CommandStruct, frozen=True):
    """Dial those who wait for a customer-first callback of this queue, while agents are free."""

    queue_id: str


class MatchAgent(CommandStruct, frozen=True):
    """Look for a contact for this agent."""

    agent_id: str


class TakeNextStatus(CommandStruct, frozen=True):
    """The agent is free: his next status takes effect."""

    agent_id: str


class ImportContacts(CommandStruct, frozen=True):
    """Contacts of another center's log, none of which is known here; all of them, or none."""

    contacts: tuple[LoggedContact, ...]


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
    | StartTask
    | TransferTask
    | PauseTask
    | ResumeTask
    | FinishTask
    | SetExpiry
    | StopContact
    | UpdateAttributes
    | TagContact
    | UpdateContact
    | UpdateRoutingData
    | AssignContact
    | UpdateSchedule
    | ExpireRecords
    | ConnectSystem
    | LoseChannel
    | ConnectAgent
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
    | CleanUp
    | CallCommand
    | AgentVanished
    | AgentReturned
    | GiveUp
    | MatchContact
    | MatchCallbacks
    | MatchAgent
    | TakeNextStatus
    | ImportContacts
    | ChatCommand
)
