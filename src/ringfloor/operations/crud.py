"""CRUD: Create, Describe, List and Delete of every kind of resource, from one table.

A row says how the API names a kind's operations and members; the verbs below do the rest. Adding a
kind is a row here, a row in domain.resources and, if it demands more than the model, a check in
operations.checks.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ringfloor.base.errors import invalid_request
from ringfloor.base.limits import LIST_ROWS_DEFAULT
from ringfloor.base.time import seconds
from ringfloor.domain.commands import CreateResource, DeleteResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine.state import Center
from ringfloor.operations import hierarchy
from ringfloor.operations.checks import CHECKS, flow_digest
from ringfloor.operations.context import (
    Context,
    given,
    identifier,
    with_ids,
)
from ringfloor.operations.registry import Handler, Params, Result, register

More = Callable[[Center, Resource], Properties]
"""Members of a description that are not properties."""


class Crud(NamedTuple):
    """How the API speaks of one kind."""

    kind: str
    noun: str
    """Create{noun}, Describe{noun}, Delete{noun}; the member that holds a description."""
    plural: str
    """List{plural}."""
    id_member: str
    """In requests, and in Create's answer."""
    arn_member: str
    """In Create's answer."""
    inner: tuple[str, str]
    """The members of a description that are its id and ARN."""
    described: tuple[str, ...]
    """Properties that a description shows."""
    summary: str
    """The member that holds a listing."""
    summarised: Mapping[str, str]
    """Members of a listing's row to the properties they show."""
    verbs: tuple[str, ...]
    filters: Mapping[str, str] = {}
    """Parameters of List to the property whose values they list."""
    more: More = lambda _center, _resource: {}
    wrapper: str | None = None
    """The member that holds a description, where it is not the noun."""


ALL = ("Create", "Describe", "List", "Delete")
READ = ("Describe", "List")


def _profile_counts(center: Center, resource: Resource) -> Properties:
    rows = resource.properties.get("QueueConfigs") or []
    return {
        "InstanceId": center.home.instance_id,
        "NumberOfAssociatedQueues": len(rows),
        "NumberOfAssociatedManualAssignmentQueues": 0,
        "NumberOfAssociatedUsers": sum(1 for _ in center.users_of(resource.id)),
        "IsDefault": False,
        "AssociatedQueueIds": sorted({row["QueueReference"]["QueueId"] for row in rows}),
    }


def _flow_digest(_center: Center, resource: Resource) -> Properties:
    return {"FlowContentSha256": flow_digest(resource.properties["Content"])}


def _organization(center: Center, _resource: Resource) -> Properties:
    return {"OrganizationResourceId": center.home.instance_id}


ROWS = (
    Crud(
        "agent_status",
        "AgentStatus",
        "AgentStatuses",
        "AgentStatusId",
        "AgentStatusARN",
        ("AgentStatusId", "AgentStatusARN"),
        ("Name", "Description", "Type", "DisplayOrder", "State"),
        "AgentStatusSummaryList",
        {"Name": "Name", "Type": "Type"},
        ("Create", *READ),
        filters={"AgentStatusTypes": "Type"},
    ),
    Crud(
        "contact_flow",
        "ContactFlow",
        "ContactFlows",
        "ContactFlowId",
        "ContactFlowArn",
        ("Id", "Arn"),
        ("Name", "Type", "State", "Status", "Description", "Content"),
        "ContactFlowSummaryList",
        {
            "Name": "Name",
            "ContactFlowType": "Type",
            "ContactFlowState": "State",
            "ContactFlowStatus": "Status",
        },
        ALL,
        filters={"ContactFlowTypes": "Type"},
        more=_flow_digest,
    ),
    Crud(
        "hierarchy_group",
        "UserHierarchyGroup",
        "UserHierarchyGroups",
        "HierarchyGroupId",
        "HierarchyGroupArn",
        ("Id", "Arn"),
        ("Name",),
        "UserHierarchyGroupSummaryList",
        {"Name": "Name"},
        ALL,
        more=hierarchy.standing,
        wrapper="HierarchyGroup",
    ),
    Crud(
        "hours_of_operation",
        "HoursOfOperation",
        "HoursOfOperations",
        "HoursOfOperationId",
        "HoursOfOperationArn",
        ("HoursOfOperationId", "HoursOfOperationArn"),
        ("Name", "Description", "TimeZone", "Config"),
        "HoursOfOperationSummaryList",
        {"Name": "Name"},
        ALL,
    ),
    Crud(
        "prompt",
        "Prompt",
        "Prompts",
        "PromptId",
        "PromptARN",
        ("PromptId", "PromptARN"),
        ("Name", "Description"),
        "PromptSummaryList",
        {"Name": "Name"},
        READ,
    ),
    Crud(
        "queue",
        "Queue",
        "Queues",
        "QueueId",
        "QueueArn",
        ("QueueId", "QueueArn"),
        (
            "Name",
            "Description",
            "OutboundCallerConfig",
            "OutboundEmailConfig",
            "HoursOfOperationId",
            "MaxContacts",
            "Status",
        ),
        "QueueSummaryList",
        {"Name": "Name", "QueueType": "QueueType"},
        ALL,
        filters={"QueueTypes": "QueueType"},
    ),
    Crud(
        "routing_profile",
        "RoutingProfile",
        "RoutingProfiles",
        "RoutingProfileId",
        "RoutingProfileArn",
        ("RoutingProfileId", "RoutingProfileArn"),
        (
            "Name",
            "Description",
            "MediaConcurrencies",
            "DefaultOutboundQueueId",
            "AgentAvailabilityTimer",
        ),
        "RoutingProfileSummaryList",
        {"Name": "Name"},
        ALL,
        more=_profile_counts,
    ),
    Crud(
        "security_profile",
        "SecurityProfile",
        "SecurityProfiles",
        "SecurityProfileId",
        "SecurityProfileArn",
        ("Id", "Arn"),
        ("SecurityProfileName", "Description"),
        "SecurityProfileSummaryList",
        {"Name": "SecurityProfileName"},
        READ,
        more=_organization,
    ),
    Crud(
        "user",
        "User",
        "Users",
        "UserId",
        "UserArn",
        ("Id", "Arn"),
        (
            "Username",
            "IdentityInfo",
            "PhoneConfig",
            "DirectoryUserId",
            "SecurityProfileIds",
            "RoutingProfileId",
            "HierarchyGroupId",
            "AutoAcceptConfigs",
            "AfterContactWorkConfigs",
            "PhoneNumberConfigs",
            "PersistentConnectionConfigs",
            "VoiceEnhancementConfigs",
        ),
        "UserSummaryList",
        {"Username": "Username"},
        ALL,
    ),
)


def modified(center: Center, resource: Resource) -> Properties:
    """When and where a resource was last changed."""
    return {
        "LastModifiedTime": seconds(resource.modified_at),
        "LastModifiedRegion": center.home.region,
    }


def create(row: Crud) -> Handler:
    """Create{noun}."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        home = desk.center.home
        properties = given(params, without=frozenset({"InstanceId", "Tags"}))
        properties = with_ids(home, row.kind, properties)
        check = CHECKS.get(row.kind)
        if check is not None:
            properties = await check(desk.center, properties)
        made = await context.submit(
            desk,
            CreateResource(
                kind=row.kind,
                properties=properties,
                tags=params.Tags or {},
                quota=KINDS[row.kind].quota if context.service.quotas else None,
            ),
        )
        result: Properties = {row.id_member: made, row.arn_member: home.arn_of(row.kind, made)}
        if row.kind == "contact_flow":
            result["FlowContentSha256"] = flow_digest(properties["Content"])
        return result

    return handler


def describe(row: Crud) -> Handler:
    """Describe{noun}."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        sent = getattr(params, row.id_member)
        wanted = identifier(center.home, row.kind, sent, row.id_member)

        def question() -> Result:
            resource = center.resource(row.kind, wanted, row.id_member)
            id_member, arn_member = row.inner
            shown = {
                name: value for name, value in resource.properties.items() if name in row.described
            }
            return {
                row.wrapper or row.noun: {
                    id_member: resource.id,
                    arn_member: center.home.arn_of(row.kind, resource.id),
                    **shown,
                    **row.more(center, resource),
                    **modified(center, resource),
                    "Tags": dict(resource.tags),
                }
            }

        return await context.read(question)

    return handler


def _summary(row: Crud, center: Center, resource: Resource) -> Properties:
    shown = {member: resource.properties[name] for member, name in row.summarised.items()}
    times = {} if row.kind == "contact_flow" else modified(center, resource)  # it has none there
    arn = center.home.arn_of(row.kind, resource.id)
    return {"Id": resource.id, "Arn": arn, **shown, **times}


def list_(row: Crud) -> Handler:
    """List{plural}: by name."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        wanted = {
            member: set(getattr(params, parameter))
            for parameter, member in row.filters.items()
            if getattr(params, parameter)
        }

        def question() -> Result:
            resources = sorted(
                (
                    resource
                    for resource in center.resources[row.kind].values()
                    if all(resource.properties[name] in values for name, values in wanted.items())
                ),
                key=lambda resource: (resource.name, resource.id),
            )
            rows = [((each.name, each.id), _summary(row, center, each)) for each in resources]
            return context.page(params, row.summary, rows, LIST_ROWS_DEFAULT)

        return await context.read(question)

    return handler


def delete(row: Crud) -> Handler:
    """Delete{noun}; a default flow stays."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        sent = getattr(params, row.id_member)
        wanted = identifier(desk.center.home, row.kind, sent, row.id_member)
        resource = desk.center.resource(row.kind, wanted, row.id_member)
        if resource.properties.get("IsDefault"):
            raise invalid_request(row.id_member, wanted, "is a default and cannot be deleted")
        await context.submit(desk, DeleteResource(row.kind, wanted))
        return {}

    return handler


VERBS: Mapping[str, Callable[[Crud], Handler]] = {
    "Create": create,
    "Describe": describe,
    "List": list_,
    "Delete": delete,
}

for _row in ROWS:
    for _verb in _row.verbs:
        register(f"{_verb}{_row.plural if _verb == 'List' else _row.noun}", VERBS[_verb](_row))
