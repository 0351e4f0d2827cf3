"""Resources: the table of kinds, and what one resource is.

A contact center is configured with resources of some twenty kinds (queues, users, flows ...). They
differ in their nouns, not in their life: each has an id, an ARN, a name that is unique within its
kind, references to other resources, a quota. KINDS holds a row per kind; engine.directory and
operations.kinds work from the rows alone. Properties are the API's own members, as JSON values.

Sources: behaviour specification, sections 1.1 (ARNs) and 1.8 (quotas); botocore's connect model.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from ringfloor.base.time import Instant

Properties = dict[str, Any]
"""Members of the API, JSON values only."""


class Resource(Struct, kw_only=True):
    """One resource of one instance."""

    kind: str
    id: str
    properties: Properties
    tags: dict[str, str] = field(default_factory=dict)
    created_at: Instant = 0
    modified_at: Instant = 0
    client_token: str | None = None
    """Of the request that made it; the same token makes nothing new for a while."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return str(self.properties[KINDS[self.kind].name_member])

    @property
    def key(self) -> str:
        """Its name, unique within the kind; of what has an owner: with the owner's id."""
        return key_of(KINDS[self.kind], self.properties)


class Reference(NamedTuple):
    """Where a kind's properties hold ids of another kind.

    path: member names down to the id; "*" stands for every element of a list.
    """

    path: tuple[str, ...]
    kind: str
    binding: bool = True
    """Whether what it names cannot be deleted before; if not, it may name what is gone."""


class Kind(NamedTuple):
    """One row: what is special about a kind of resource."""

    name: str
    segment: str
    """The ARN segment after instance/{id}/; also the singular in the ids of the wire."""
    title: str
    """How a message to a person names it."""
    quota: int
    """Default quota per instance at AWS; enforced with --limits aws."""
    quota_reason: str
    references: tuple[Reference, ...] = ()
    name_member: str = "Name"
    deletable: bool = True
    own_arn: bool = False
    """True where the ARN is not nested under the instance (phone numbers)."""
    owner: str | None = None
    """The property that names the resource which this one belongs to, where there is one.

    Names are then unique within the owner, the quota is per owner, and it is deleted with its
    owner. The property is also one of the references. What has no ARN has no segment.
    """
    holds_owner: bool = False
    """Whether, instead of going with its owner, it keeps the owner from being deleted."""


_ROWS = (
    Kind(
        "agent_status",
        "agent-state",
        "agent status",
        50,
        "AWS default; fixed there",
        deletable=False,
    ),
    Kind(
        "analytics_association",
        "",
        "association of an analytics data set",
        500,
        "AWS names none; its data sets for ten accounts",
        name_member="Share",
    ),
    Kind(
        "ai_agent",
        "",
        "AI agent with security profiles",
        100,
        "AWS names none; AI agents live in another service",
        references=(Reference(("SecurityProfileIds", "*"), "security_profile"),),
        name_member="EntityArn",
    ),
    Kind(
        "approved_origin",
        "",
        "approved origin",
        100,
        "AWS names none; frames a page of many sites",
        name_member="Origin",
    ),
    Kind(
        "authentication_profile",
        "authentication-profile",
        "authentication profile",
        1,
        "the default one; AWS has no operation that makes another",
        deletable=False,
    ),
    Kind(
        "contact_flow",
        "contact-flow",
        "flow",
        500,
        "AWS default (100 for older accounts)",
        references=(Reference(("ModuleIds", "*"), "contact_flow_module"),),
    ),
    Kind(
        "contact_flow_alias",
        "",
        "flow alias",
        100,
        "AWS names none; per flow",
        references=(
            Reference(("ContactFlowId",), "contact_flow"),
            Reference(("VersionId",), "contact_flow_version"),
        ),
        owner="ContactFlowId",
        holds_owner=True,
    ),
    Kind(
        "contact_flow_module",
        "flow-module",
        "flow module",
        200,
        "AWS default",
        references=(Reference(("ModuleIds", "*"), "contact_flow_module"),),
    ),
    Kind(
        "contact_flow_module_alias",
        "",
        "flow module alias",
        100,
        "AWS names none; per module",
        references=(
            Reference(("ContactFlowModuleId",), "contact_flow_module"),
            Reference(("VersionId",), "contact_flow_module_version"),
        ),
        owner="ContactFlowModuleId",
        holds_owner=True,
    ),
    Kind(
        "contact_flow_module_version",
        "",
        "flow module version",
        100,
        "AWS names none; per module",
        references=(
            Reference(("ContactFlowModuleId",), "contact_flow_module"),
            Reference(("ModuleIds", "*"), "contact_flow_module"),
        ),
        name_member="Version",
        owner="ContactFlowModuleId",
    ),
    Kind(
        "contact_flow_version",
        "",
        "flow version",
        100,
        "AWS names none; per flow",
        references=(
            Reference(("ContactFlowId",), "contact_flow"),
            Reference(("ModuleIds", "*"), "contact_flow_module"),
        ),
        name_member="Version",
        owner="ContactFlowId",
    ),
    Kind(
        "flow_association",
        "",
        "flow association",
        500,
        "AWS names none; as many as flows",
        references=(Reference(("FlowId",), "contact_flow"),),
        name_member="Resource",
    ),
    Kind(
        "hierarchy_group",
        "agent-group",
        "hierarchy group",
        500,
        "AWS default",
        references=(Reference(("ParentGroupId",), "hierarchy_group"),),
    ),
    Kind(
        "hours_of_operation",
        "operating-hours",
        "hours of operation",
        100,
        "AWS default",
        references=(
            Reference(
                ("ParentHoursOfOperationConfigs", "*", "HoursOfOperationId"), "hours_of_operation"
            ),
        ),
    ),
    Kind(
        "hours_of_operation_override",
        "",
        "hours of operation override",
        50,
        "AWS default; fixed there",
        references=(Reference(("HoursOfOperationId",), "hours_of_operation"),),
        owner="HoursOfOperationId",
    ),
    Kind(
        "integration_association",
        "integration-association",
        "integration association",
        50,
        "AWS names none for all types together",
        name_member="IntegrationArn",
    ),
    Kind(
        "lambda_function",
        "",
        "associated Lambda function",
        50,
        "AWS default",
        name_member="FunctionArn",
    ),
    Kind("lex_bot", "", "associated Lex bot", 70, "AWS default", name_member="Bot"),
    Kind("lex_v2_bot", "", "associated Lex V2 bot", 100, "AWS default", name_member="AliasArn"),
    Kind(
        "phone_number",
        "phone-number",
        "phone number",
        5,
        "AWS default",
        references=(Reference(("ContactFlowId",), "contact_flow"),),
        name_member="PhoneNumber",
        own_arn=True,
    ),
    Kind(
        "predefined_attribute",
        "",
        "predefined attribute",
        150,
        "AWS default",
    ),
    Kind("prompt", "prompt", "prompt", 500, "AWS default"),
    Kind(
        "queue",
        "queue",
        "queue",
        50,
        "AWS default",
        references=(
            Reference(("HoursOfOperationId",), "hours_of_operation"),
            Reference(("OutboundCallerConfig", "OutboundCallerIdNumberId"), "phone_number"),
            Reference(("OutboundCallerConfig", "OutboundFlowId"), "contact_flow"),
            Reference(("QuickConnectIds", "*"), "quick_connect"),
        ),
    ),
    Kind(
        "quick_connect",
        "transfer-destination",
        "quick connect",
        100,
        "AWS default",
        references=(
            Reference(("QuickConnectConfig", "UserConfig", "UserId"), "user", binding=False),
            Reference(("QuickConnectConfig", "UserConfig", "ContactFlowId"), "contact_flow"),
            Reference(("QuickConnectConfig", "QueueConfig", "QueueId"), "queue"),
            Reference(("QuickConnectConfig", "QueueConfig", "ContactFlowId"), "contact_flow"),
            Reference(("QuickConnectConfig", "FlowConfig", "ContactFlowId"), "contact_flow"),
        ),
    ),
    Kind(
        "routing_profile",
        "routing-profile",
        "routing profile",
        100,
        "AWS default",
        references=(
            Reference(("DefaultOutboundQueueId",), "queue"),
            Reference(("QueueConfigs", "*", "QueueReference", "QueueId"), "queue"),
            Reference(("ManualAssignmentQueueConfigs", "*", "QueueReference", "QueueId"), "queue"),
        ),
    ),
    Kind(
        "security_profile",
        "security-profile",
        "security profile",
        100,
        "AWS default",
        references=(
            Reference(("AllowedAccessControlHierarchyGroupId",), "hierarchy_group"),
            Reference(("AllowedFlowModules", "*", "FlowModuleId"), "contact_flow_module"),
        ),
        name_member="SecurityProfileName",
    ),
    Kind("security_key", "", "security key", 2, "AWS default; fixed there", name_member="Key"),
    Kind(
        "storage_config",
        "",
        "storage configuration",
        13,
        "one for each type of what can be stored",
        name_member="ResourceType",
    ),
    Kind(
        "use_case",
        "use-case",
        "use case",
        2,
        "one of each type; per integration association",
        references=(Reference(("IntegrationAssociationId",), "integration_association"),),
        name_member="UseCaseType",
        owner="IntegrationAssociationId",
    ),
    Kind(
        "task_template",
        "task-template",
        "task template",
        50,
        "AWS default",
        references=(
            Reference(("ContactFlowId",), "contact_flow"),
            Reference(("SelfAssignFlowId",), "contact_flow"),
            Reference(("ContactHooks", "WrapUpFlowId"), "contact_flow"),
        ),
    ),
    Kind(
        "user",
        "agent",
        "user",
        500,
        "AWS default",
        references=(
            Reference(("RoutingProfileId",), "routing_profile"),
            Reference(("SecurityProfileIds", "*"), "security_profile"),
            Reference(("HierarchyGroupId",), "hierarchy_group"),
            Reference(("Proficiencies", "*", "AttributeId"), "predefined_attribute"),
        ),
        name_member="Username",
    ),
    Kind("vocabulary", "vocabulary", "vocabulary", 20, "AWS default", name_member="VocabularyName"),
    Kind(
        "default_vocabulary",
        "",
        "default vocabulary",
        100,
        "one per language",
        references=(Reference(("VocabularyId",), "vocabulary"),),
        name_member="LanguageCode",
    ),
)

KINDS: Mapping[str, Kind] = {row.name: row for row in _ROWS}


def key_of(kind: Kind, properties: Mapping[str, Any], name: str | None = None) -> str:
    """Under what a resource of these properties is found; name: if not the properties' own."""
    own = str(properties[kind.name_member]) if name is None else name
    return own if kind.owner is None else f"{properties[kind.owner]}/{own}"


def references(kind: Kind, properties: Mapping[str, Any]) -> Iterator[tuple[Reference, str]]:
    """Every id of another resource that these properties hold, with the row that says where."""
    for reference in kind.references:
        for value in _at(properties, reference.path):
            yield reference, value


def _at(value: Any, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401  JSON
    if value is None:
        return
    if not path:
        yield value
    elif path[0] == "*":
        for element in value:
            yield from _at(element, path[1:])
    else:
        yield from _at(value.get(path[0]), path[1:])


class Home(NamedTuple):
    """Where an instance lives; ARNs are written from it."""

    region: str
    account: str
    instance_id: str

    @property
    def arn(self) -> str:
        """arn:aws:connect:{region}:{account}:instance/{id}."""
        return f"arn:aws:connect:{self.region}:{self.account}:instance/{self.instance_id}"

    def arn_of(self, kind: str, identifier: str) -> str:
        """The ARN of a resource of this instance."""
        row = KINDS[kind]
        if row.own_arn:
            return f"arn:aws:connect:{self.region}:{self.account}:{row.segment}/{identifier}"
        return f"{self.arn}/{row.segment}/{identifier}"

    def queue_arn(self, identifier: str, *, of_agent: bool) -> str:
        """The ARN of a queue, or of the agent queue of the user of this id."""
        return (
            f"{self.arn}/queue/agent/{identifier}" if of_agent else self.arn_of("queue", identifier)
        )

    def contact_arn(self, contact_id: str) -> str:
        """The ARN of a contact of this instance."""
        return f"{self.arn}/contact/{contact_id}"
