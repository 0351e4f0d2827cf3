"""Kinds: how the API names each kind of resource, as one table.

Called by operations.crud, operations.updates and operations.search, which hold the verbs. Adding a
kind is a row here, a row in domain.resources and, if it demands more than the model, a check in
operations.checks. What a description, a listing or an answer shows is decided by the model alone:
a face offers all that is known of a resource, and the members of the output choose.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ringfloor.base.errors import not_found
from ringfloor.base.time import seconds
from ringfloor.domain.resources import KINDS, Properties, Resource, key_of
from ringfloor.engine.state import Center
from ringfloor.operations import hierarchy, prompt_files
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.flow_contents import digest
from ringfloor.operations.registry import Params

More = Callable[[Center, Resource], Properties]
"""Members of a description that are not properties."""


Adds = Callable[[Context, Params], Awaitable[Properties]]
"""Properties that come of a request and are no members of it; may refuse."""


class Crud(NamedTuple):
    """How the API speaks of one kind."""

    kind: str
    noun: str
    """Create{noun}, Describe{noun}, Delete{noun}; the member that holds a description."""
    plural: str
    """List{plural}."""
    id_member: str
    """In requests, and in Create's answer. Descriptions and listings may say Id instead."""
    arn_member: str
    """In Create's answer. Descriptions and listings may say Arn instead. Empty: there is none."""
    summary: str
    """The member that holds a listing."""
    verbs: tuple[str, ...]
    aliases: Mapping[str, str] = {}
    """Members to the property that they show under another name, dots between the names down."""
    filters: Mapping[str, str] = {}
    """Parameters of List to the property whose values they list, likewise."""
    more: More = lambda _center, _resource: {}
    wrapper: str | None = None
    """The member that holds a description, where it is not the noun; empty: the answer itself."""
    by_name: bool = False
    """The id member of requests carries the name."""
    listed_whole: bool = False
    """A listing shows whole descriptions."""
    adds: Adds | None = None
    """Further properties of what is made; asked once the request is found to be good."""


ALL = ("Create", "Describe", "List", "Delete")
READ = ("Describe", "List")


def _profile_counts(center: Center, resource: Resource) -> Properties:
    rows = resource.properties.get("QueueConfigs") or []
    manual = resource.properties.get("ManualAssignmentQueueConfigs") or []
    return {
        "InstanceId": center.home.instance_id,
        "NumberOfAssociatedQueues": len(rows),
        "NumberOfAssociatedManualAssignmentQueues": len(manual),
        "NumberOfAssociatedUsers": sum(1 for _ in center.users_of(resource.id)),
        "IsDefault": False,
        "AssociatedQueueIds": sorted({row["QueueReference"]["QueueId"] for row in rows}),
        "AssociatedManualAssignmentQueueIds": sorted(
            {row["QueueReference"]["QueueId"] for row in manual}
        ),
    }


def _flow_digest(_center: Center, resource: Resource) -> Properties:
    return {"FlowContentSha256": digest(resource.properties["Content"])}


def _parents(center: Center, hours: Resource) -> Properties:
    above = hours.properties.get("ParentHoursOfOperationConfigs") or []
    found = [center.resources[hours.kind][each["HoursOfOperationId"]] for each in above]
    return {
        "ParentHoursOfOperations": [
            {"Id": each.id, "Name": each.name, "Arn": center.home.arn_of(each.kind, each.id)}
            for each in found
        ]
    }


def _hours_arn(center: Center, override: Resource) -> Properties:
    hours = override.properties["HoursOfOperationId"]
    return {"HoursOfOperationArn": center.home.arn_of("hours_of_operation", hours)}


def _organization(center: Center, _resource: Resource) -> Properties:
    return {"OrganizationResourceId": center.home.instance_id}


ROWS = (
    Crud(
        "agent_status",
        "AgentStatus",
        "AgentStatuses",
        "AgentStatusId",
        "AgentStatusARN",
        "AgentStatusSummaryList",
        ("Create", *READ),
        filters={"AgentStatusTypes": "Type"},
    ),
    Crud(
        "authentication_profile",
        "AuthenticationProfile",
        "AuthenticationProfiles",
        "AuthenticationProfileId",
        "",
        "AuthenticationProfileSummaryList",
        READ,
    ),
    Crud(
        "contact_flow",
        "ContactFlow",
        "ContactFlows",
        "ContactFlowId",
        "ContactFlowArn",
        "ContactFlowSummaryList",
        ("Create", "List", "Delete"),
        aliases={
            "ContactFlowType": "Type",
            "ContactFlowState": "State",
            "ContactFlowStatus": "Status",
        },
        filters={"ContactFlowTypes": "Type"},
        more=_flow_digest,
    ),
    Crud(
        "contact_flow_module",
        "ContactFlowModule",
        "ContactFlowModules",
        "ContactFlowModuleId",
        "",
        "ContactFlowModulesSummaryList",
        ("Create", "List", "Delete"),
        filters={"ContactFlowModuleState": "State"},
    ),
    Crud(
        "hierarchy_group",
        "UserHierarchyGroup",
        "UserHierarchyGroups",
        "HierarchyGroupId",
        "HierarchyGroupArn",
        "UserHierarchyGroupSummaryList",
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
        "HoursOfOperationSummaryList",
        ALL,
        more=_parents,
    ),
    Crud(
        "hours_of_operation_override",
        "HoursOfOperationOverride",
        "HoursOfOperationOverrides",
        "HoursOfOperationOverrideId",
        "",
        "HoursOfOperationOverrideList",
        ALL,
        more=_hours_arn,
        listed_whole=True,
    ),
    Crud(
        "integration_association",
        "IntegrationAssociation",
        "IntegrationAssociations",
        "IntegrationAssociationId",
        "IntegrationAssociationArn",
        "IntegrationAssociationSummaryList",
        ("Create", "List", "Delete"),
        filters={"IntegrationType": "IntegrationType", "IntegrationArn": "IntegrationArn"},
    ),
    Crud(
        "predefined_attribute",
        "PredefinedAttribute",
        "PredefinedAttributes",
        "Name",
        "",
        "PredefinedAttributeSummaryList",
        ALL,
        by_name=True,
    ),
    Crud(
        "prompt",
        "Prompt",
        "Prompts",
        "PromptId",
        "PromptARN",
        "PromptSummaryList",
        ALL,
        adds=prompt_files.sound,
    ),
    Crud(
        "queue",
        "Queue",
        "Queues",
        "QueueId",
        "QueueArn",
        "QueueSummaryList",
        ALL,
        filters={"QueueTypes": "QueueType"},
    ),
    Crud(
        "quick_connect",
        "QuickConnect",
        "QuickConnects",
        "QuickConnectId",
        "QuickConnectARN",
        "QuickConnectSummaryList",
        ALL,
        aliases={"QuickConnectType": "QuickConnectConfig.QuickConnectType"},
        filters={"QuickConnectTypes": "QuickConnectConfig.QuickConnectType"},
    ),
    Crud(
        "routing_profile",
        "RoutingProfile",
        "RoutingProfiles",
        "RoutingProfileId",
        "RoutingProfileArn",
        "RoutingProfileSummaryList",
        ALL,
        more=_profile_counts,
    ),
    Crud(
        "security_profile",
        "SecurityProfile",
        "SecurityProfiles",
        "SecurityProfileId",
        "SecurityProfileArn",
        "SecurityProfileSummaryList",
        ALL,
        aliases={"Name": "SecurityProfileName"},
        more=_organization,
    ),
    Crud(
        "use_case",
        "UseCase",
        "UseCases",
        "UseCaseId",
        "UseCaseArn",
        "UseCaseSummaryList",
        ("Create", "List", "Delete"),
    ),
    Crud(
        "task_template",
        "TaskTemplate",
        "TaskTemplates",
        "TaskTemplateId",
        "",
        "TaskTemplates",
        ("Create", "Get", "List", "Delete"),
        filters={"Status": "Status", "Name": "Name"},
        more=lambda center, _template: {"InstanceId": center.home.instance_id},
    ),
    Crud(
        "user",
        "User",
        "Users",
        "UserId",
        "UserArn",
        "UserSummaryList",
        ALL,
    ),
    Crud(
        "vocabulary",
        "Vocabulary",
        "Vocabularies",
        "VocabularyId",
        "VocabularyArn",
        "VocabularySummaryList",
        ("Create", "Describe", "Delete"),
        aliases={"Name": "VocabularyName"},
    ),
)

BY_KIND: Mapping[str, Crud] = {row.kind: row for row in ROWS}


def modified(center: Center, resource: Resource) -> Properties:
    """When and where a resource was last changed."""
    return {
        "LastModifiedTime": seconds(resource.modified_at),
        "LastModifiedRegion": center.home.region,
    }


def property_at(resource: Resource, path: str) -> Any:  # noqa: ANN401  JSON
    """The property under these names, dots between them; None if there is none."""
    found: Any = resource.properties
    for name in path.split("."):
        found = None if found is None else found.get(name)
    return found


def face(row: Crud, center: Center, resource: Resource) -> Properties:
    """All that can be shown of a resource without much work, under every name that it may have."""
    arn = center.home.arn_of(row.kind, resource.id)
    properties = resource.properties
    named = {} if row.by_name else {row.id_member: resource.id}
    return {
        **properties,
        **{
            member: value
            for member, path in row.aliases.items()
            if (value := property_at(resource, path)) is not None
        },
        "InstanceId": center.home.instance_id,
        "Id": resource.id,
        "Arn": arn,
        **named,
        **({row.arn_member: arn} if row.arn_member else {}),
        **modified(center, resource),
        "CreatedTime": seconds(resource.created_at),
        "Tags": dict(resource.tags),
    }


def described(row: Crud, center: Center, resource: Resource) -> Properties:
    """All that can be shown of a resource."""
    return {**face(row, center, resource), **row.more(center, resource)}


def chosen(members: frozenset[str], face: Properties) -> Properties:
    """What the model has members for."""
    return {name: value for name, value in face.items() if name in members}


def owner_of(center: Center, kind: str, params: Params) -> str:
    """The id of the resource that the request says the wanted one belongs to, which is there."""
    member = KINDS[kind].owner
    assert member is not None
    above = next(each.kind for each in KINDS[kind].references if each.path == (member,))
    wanted = identifier(center.home, above, getattr(params, member), member)
    return center.resource(above, wanted, member).id


def located(
    center: Center, kind: str, member: str, params: Params, *, by_name: bool = False
) -> Resource:
    """The resource that a member of a request names; refuses with ResourceNotFoundException."""
    row = KINDS[kind]
    sent = getattr(params, member)
    owner = {} if row.owner is None else {row.owner: owner_of(center, kind, params)}
    if by_name:
        wanted = center.names[kind].get(key_of(row, owner, sent), "")
    else:
        wanted = identifier(center.home, kind, sent, member)
    found = center.resources[kind].get(wanted)
    if found is None or not owner.items() <= found.properties.items():
        raise not_found(member, sent, row.title)
    return found
