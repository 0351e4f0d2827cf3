"""Access table: the resources of each operation of the Amazon Connect API.

Read by aws.access, which says how. A member's name says what kind of resource it is (NAMED); what
the names do not say stands in a row of ROWS.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
Connect". Where rows differ from it, the agreement test says why.
"""

from collections.abc import Mapping
from typing import NamedTuple

NAMED: Mapping[str, str] = {
    "AgentStatusId": "agent-state",
    "AuthenticationProfileId": "authentication-profile",
    "ContactFlowId": "contact-flow",
    "ContactFlowModuleId": "flow-module",
    "ContactId": "contact",
    "DataTableId": "data-table",
    "DefaultOutboundQueueId": "queue",
    "EmailAddressId": "email-address",
    "EvaluationFormId": "evaluation-form",
    "EvaluationId": "contact-evaluation",
    "ExtractionDefinitionId": "extraction-definition",
    "FileId": "file",
    "FileIds": "file",
    "FlowId": "contact-flow",
    "HierarchyGroupId": "agent-group",
    "HoursOfOperationId": "operating-hours",
    "Id": "/traffic-distribution-group",
    "InitialContactId": "contact",
    "IntegrationAssociationId": "integration-association",
    "MetricId": "metric",
    "NotificationId": "notification",
    "ParentGroupId": "agent-group",
    "PhoneNumberId": "/phone-number",
    "PreviousContactId": "contact",
    "PromptId": "prompt",
    "QueueId": "queue",
    "QuickConnectId": "transfer-destination",
    "QuickConnectIds": "transfer-destination",
    "RelatedContactId": "contact",
    "RoutingProfileId": "routing-profile",
    "RuleId": "rule",
    "SecurityProfileId": "security-profile",
    "SecurityProfileIds": "security-profile",
    "TaskTemplateId": "task-template",
    "TestCaseId": "test-case",
    "TrafficDistributionGroupId": "/traffic-distribution-group",
    "UseCaseId": "use-case",
    "UserId": "agent",
    "ViewId": "view",
    "VocabularyId": "vocabulary",
    "WorkspaceId": "workspace",
}
"""Member to the ARN's segment after instance/{id}/; after the account where it begins with /."""


class Row(NamedTuple):
    """What the names of an operation's members do not say of its resources."""

    also: tuple[str, ...] = ()
    """Resources to ask about besides, in the forms of NAMED; INSTANCE is the instance itself."""
    deeper: tuple[tuple[str, str], ...] = ()
    """Paths of members in members, to a form; lists on the way are walked."""
    without: tuple[str, ...] = ()
    """Members that are named like a resource and not asked about."""
    alias: str = ""
    """Another form in which policies write the instance; {} is the caller's aws:userid."""


INSTANCE = ""

_TOO = Row(also=(INSTANCE,))
_PHONE_NUMBERS = Row(also=("/phone-number/*",))
_FLOW_ASSOCIATIONS = Row(also=(INSTANCE, "/phone-number/*"))  # they are the instance's own
_CONTACT_ONLY = Row(without=("QueueId", "UserId"), also=(INSTANCE,))
_QUEUES_OF_PROFILE = (
    ("QueueConfigs.QueueReference.QueueId", "queue"),
    ("ManualAssignmentQueueConfigs.QueueReference.QueueId", "queue"),
)
_QUICK_CONNECT = (
    ("QuickConnectConfig.UserConfig.UserId", "agent"),
    ("QuickConnectConfig.UserConfig.ContactFlowId", "contact-flow"),
    ("QuickConnectConfig.QueueConfig.QueueId", "queue"),
    ("QuickConnectConfig.QueueConfig.ContactFlowId", "contact-flow"),
    ("QuickConnectConfig.FlowConfig.ContactFlowId", "contact-flow"),
)
_OUTBOUND_CALLER = (
    ("OutboundCallerConfig.OutboundCallerIdNumberId", "/phone-number"),
    ("OutboundCallerConfig.OutboundFlowId", "contact-flow"),
)
_METRIC_FILTERS = (("Filters.Queues", "queue"), ("Filters.RoutingProfiles", "routing-profile"))
_RESTRICTED = (("AllowedFlowModules.FlowModuleId", "flow-module"),)
_SECURITY_PROFILES = (("SecurityProfiles.Id", "security-profile"),)

ROWS: Mapping[str, Row] = {
    "AssociateContactWithUser": _TOO,
    "AssociateDefaultVocabulary": Row(without=("VocabularyId",)),
    "AssociateFlow": _PHONE_NUMBERS,
    "AssociateRoutingProfileQueues": Row(deeper=_QUEUES_OF_PROFILE),
    "AssociateSecurityProfiles": Row(also=(INSTANCE,), deeper=_SECURITY_PROFILES),
    "AssociateTrafficDistributionGroupUser": _TOO,
    "AssociateUserProficiencies": _TOO,
    "AssociateWorkspace": Row(deeper=(("ResourceArns", ""),)),
    "BatchGetFlowAssociation": _FLOW_ASSOCIATIONS,
    "BatchPutContact": Row(also=(INSTANCE,), deeper=(("ContactDataRequestList.QueueId", "queue"),)),
    "ClaimPhoneNumber": Row(also=(INSTANCE, "/phone-number/*"), deeper=(("TargetArn", ""),)),
    "CreateAgentStatus": Row(also=("agent-state/*",)),
    "CreateAttachedFile": Row(also=("file/*",)),
    "CreateContact": Row(also=(INSTANCE,), deeper=(("UserInfo.UserId", "agent"),)),
    "CreateContactFlow": Row(also=("contact-flow/*",)),
    "CreateContactFlowModule": Row(also=("flow-module/*",)),
    "CreateDataTable": Row(also=("data-table/*",)),
    "CreateEvaluationForm": Row(also=("evaluation-form/*",)),
    "CreateExtractionDefinition": Row(also=("extraction-definition/*",)),
    "CreateHoursOfOperation": Row(also=("operating-hours/*",)),
    "CreateHoursOfOperationOverride": _TOO,
    "CreateIntegrationAssociation": Row(also=(INSTANCE, "integration-association/*")),
    "CreateMetric": Row(also=("metric/*",)),
    "CreateNotification": Row(also=(INSTANCE,), deeper=(("Recipients", ""),)),
    "CreateParticipant": _TOO,
    "CreatePersistentContactAssociation": _TOO,
    "CreatePrompt": Row(also=("prompt/*",)),
    "CreateQueue": Row(also=("queue/*",), deeper=_OUTBOUND_CALLER),
    "CreateQuickConnect": Row(also=("transfer-destination/*",), deeper=_QUICK_CONNECT),
    "CreateRoutingProfile": Row(also=("routing-profile/*",), deeper=_QUEUES_OF_PROFILE),
    "CreateRule": Row(also=("rule/*",)),
    "CreateSecurityProfile": Row(
        also=("security-profile/*",),
        deeper=(*_RESTRICTED, ("AllowedAccessControlHierarchyGroupId", "agent-group")),
    ),
    "CreateTaskTemplate": Row(also=("task-template/*",), without=("ContactFlowId",)),
    "CreateTestCase": Row(also=("test-case/*",), without=("TestCaseId",)),
    "CreateTrafficDistributionGroup": Row(also=(INSTANCE, "/traffic-distribution-group/*")),
    "CreateUseCase": Row(also=(INSTANCE, "use-case/*")),
    "CreateUser": Row(also=("agent/*",)),
    "CreateUserHierarchyGroup": Row(also=("agent-group/*",)),
    "CreateView": Row(also=("view/*",)),
    "CreateVocabulary": Row(also=("vocabulary/*",)),
    "CreateWorkspace": Row(also=("workspace/*",)),
    "CreateWorkspacePage": Row(deeper=(("ResourceArn", ""),)),
    "DeleteHoursOfOperationOverride": _TOO,
    "DeleteIntegrationAssociation": _TOO,
    "DeletePushNotificationRegistration": Row(without=("ContactId",)),
    "DeleteUseCase": Row(also=(INSTANCE,), without=("IntegrationAssociationId",)),
    "DescribeHoursOfOperationOverride": _TOO,
    "DisassociateFlow": _FLOW_ASSOCIATIONS,
    "DisassociateSecurityProfiles": Row(also=(INSTANCE,), deeper=_SECURITY_PROFILES),
    "DisassociateTrafficDistributionGroupUser": _TOO,
    "DisassociateUserProficiencies": _TOO,
    "DismissUserContact": Row(without=("ContactId",)),
    "GetContactMetrics": _TOO,
    "GetCurrentMetricData": Row(deeper=_METRIC_FILTERS),
    "GetCurrentUserData": Row(
        deeper=(
            *_METRIC_FILTERS,
            ("Filters.Agents", "agent"),
            ("Filters.UserHierarchyGroups", "agent-group"),
        )
    ),
    "GetEffectiveHoursOfOperations": _TOO,
    "GetFederationToken": Row(alias="user/{}"),
    "GetFlowAssociation": _FLOW_ASSOCIATIONS,
    "GetMetricData": Row(deeper=_METRIC_FILTERS[:1]),
    "ImportPhoneNumber": Row(also=(INSTANCE, "/phone-number/*")),
    "ListAgentStatuses": Row(also=("agent-state/*",)),
    "ListContactEvaluations": Row(without=("ContactId",)),
    "ListContactFlows": Row(also=("contact-flow/*",)),
    "ListHoursOfOperationOverrides": _TOO,
    "ListPhoneNumbers": Row(also=("phone-number/*",)),
    "ListPhoneNumbersV2": _PHONE_NUMBERS,
    "ListQueues": Row(also=("queue/*",)),
    "ListQuickConnects": Row(also=("transfer-destination/*",)),
    "ListSecurityProfileFlowModules": _TOO,
    "ListTrafficDistributionGroups": Row(also=("/traffic-distribution-group/*",)),
    "ListUseCases": Row(without=("IntegrationAssociationId",)),
    "ListUserProficiencies": _TOO,
    "MonitorContact": _TOO,
    "PauseContact": _TOO,
    "PutUserStatus": _TOO,
    "ResumeContact": _TOO,
    "SearchAvailablePhoneNumbers": _PHONE_NUMBERS,
    "SearchHoursOfOperationOverrides": Row(also=(INSTANCE, "operating-hours/*")),
    "SearchVocabularies": Row(also=("vocabulary/*",)),
    "SearchWorkspaceAssociations": Row(also=("workspace/*",)),
    "StartAttachedFileUpload": Row(also=("file/*",)),
    "StartContactEvaluation": Row(also=("contact-evaluation/*",)),
    "StartContactMediaProcessing": _TOO,
    "StartContactStreaming": Row(without=("ContactId",)),
    "StartEmailContact": Row(without=("RelatedContactId",)),
    "StartOutboundChatContact": _TOO,
    "StartOutboundEmailContact": Row(without=("ContactId",)),
    "StartOutboundVoiceContact": Row(
        also=("contact/*",), without=("ContactFlowId", "QueueId", "RelatedContactId")
    ),
    "StartScreenSharing": _TOO,
    "StartWebRTCContact": Row(without=("RelatedContactId",)),
    "StopContactMediaProcessing": _TOO,
    "StopContactStreaming": Row(without=("ContactId",)),
    "TransferContact": _CONTACT_ONLY,
    "UpdateHoursOfOperationOverride": _TOO,
    "UpdateParticipantRoleConfig": _TOO,
    "UpdatePhoneNumber": Row(also=(INSTANCE,), deeper=(("TargetArn", ""),)),
    "UpdateQueueOutboundCallerConfig": Row(deeper=_OUTBOUND_CALLER),
    "UpdateQuickConnectConfig": Row(deeper=_QUICK_CONNECT),
    "UpdateSecurityProfile": Row(
        deeper=(*_RESTRICTED, ("AllowedAccessControlHierarchyGroupId", "agent-group"))
    ),
    "UpdateTaskTemplate": Row(without=("ContactFlowId",)),
    "UpdateUserNotificationStatus": Row(without=("NotificationId",)),
    "UpdateUserProficiencies": _TOO,
    "UpdateWorkspacePage": Row(deeper=(("ResourceArn", ""),)),
}
"""By operation; an operation without a row is what its members' names say."""

FILTERS_V2: Mapping[str, str] = {
    "AGENT": "agent",
    "AGENT_HIERARCHY_LEVEL_ONE": "agent-group",
    "AGENT_HIERARCHY_LEVEL_TWO": "agent-group",
    "AGENT_HIERARCHY_LEVEL_THREE": "agent-group",
    "AGENT_HIERARCHY_LEVEL_FOUR": "agent-group",
    "AGENT_HIERARCHY_LEVEL_FIVE": "agent-group",
    "QUEUE": "queue",
    "ROUTING_PROFILE": "routing-profile",
}
"""FilterKey of GetMetricDataV2 to the form of its values."""
