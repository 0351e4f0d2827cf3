"""Resources: the table of kinds, and what one resource is.

A contact center is configured with resources of some twenty kinds (queues, users, flows ...). They
differ in their nouns, not in their life: each has an id, an ARN, a name that is unique within its
kind, references to other resources, a quota. KINDS holds a row per kind; engine.directory and
operations.crud work from the rows alone. Properties are the API's own members, as JSON values.

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

    @property
    def name(self) -> str:
        """The name that is unique within the kind."""
        return str(self.properties[KINDS[self.kind].name_member])


class Reference(NamedTuple):
    """Where a kind's properties hold ids of another kind.

    path: member names down to the id; "*" stands for every element of a list.
    """

    path: tuple[str, ...]
    kind: str


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
        "contact_flow",
        "contact-flow",
        "flow",
        500,
        "AWS default (100 for older accounts)",
    ),
    Kind(
        "hierarchy_group",
        "agent-group",
        "hierarchy group",
        500,
        "AWS default",
        references=(Reference(("ParentGroupId",), "hierarchy_group"),),
    ),
    Kind("hours_of_operation", "operating-hours", "hours of operation", 100, "AWS default"),
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
        ),
    ),
    Kind(
        "security_profile",
        "security-profile",
        "security profile",
        100,
        "AWS default",
        name_member="SecurityProfileName",
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
        ),
        name_member="Username",
    ),
)

KINDS: Mapping[str, Kind] = {row.name: row for row in _ROWS}


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

    def contact_arn(self, contact_id: str) -> str:
        """The ARN of a contact of this instance."""
        return f"{self.arn}/contact/{contact_id}"
