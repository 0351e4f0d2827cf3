"""Permissions: what security profiles grant, and what may be done with it; decided here alone.

A user has every permission of each of his security profiles. The four profiles that come with an
instance have what SEEDED says until somebody updates them. Called by the agent service before each
of its operations (allowed), by operations.security_profiles for the names, and by whoever shows a
user what he may do (granted, desktop). Requests of the API do not ask here: the principals who sign
them have policies instead (operations.iam).

Sources: the names are those of AWS's list of security profile permissions, and of what
ListSecurityProfilePermissions is known to answer for Admin; the groups of SEEDED follow the
administrator guide's sentence on each profile.
"""

from collections.abc import Iterable, Mapping

from ringfloor.base.errors import Refusal
from ringfloor.domain.resources import Resource
from ringfloor.engine.state import Center

AGENT = "BasicAgentAccess"
OUTBOUND = "OutboundCallAccess"

_VERBS: Mapping[str, str] = {
    "AccessMetrics.AgentActivityAudit": "Access",
    "AccessMetrics.Dashboards": "Access",
    "AccessMetrics.DashboardsWithMyData": "View",
    "AccessMetrics.HistoricalMetrics": "Access",
    "AccessMetrics.RealTimeMetrics": "Access",
    "AgentGrouping": "Create Edit EnableAndDisable View",
    "AgentStates": "Create Edit EnableAndDisable View",
    "AgentTimeCard": "View",
    "Analytics.PerformanceMetrics": "Access",
    "AnalyticsConnectors": "Edit View",
    "Audio": "View",
    "AudioDeviceSettings": "Access",
    "AutomatedVoiceInteraction.Recordings.Redacted": "Access DownloadButton",
    "AutomatedVoiceInteraction.Recordings.Unredacted": "Access DownloadButton",
    "AutomatedVoiceInteraction.Transcripts.Redacted": "Access",
    "AutomatedVoiceInteraction.Transcripts.Unredacted": "Access",
    "Bots": "Create Delete Edit View",
    "CallRecordings.Redacted": "Access DownloadButton",
    "CallRecordings.Unredacted": "Access DownloadButton",
    "Campaigns": "Create Delete Edit Manage View",
    "Capacity": "Edit Publish View",
    "CaseComments": "Delete Edit",
    "CaseContacts": "Delete",
    "CaseCustomRelatedItems": "Delete Edit",
    "CaseFields": "Create Edit View",
    "CaseFiles": "Delete",
    "CaseHistory": "View",
    "CaseTemplates": "Create Edit View",
    "Cases": "Create Delete Edit View",
    "CoachingSessions": "Create Delete Edit View",
    "Cobrowse": "Access",
    "ConfigureContactAttributes": "View",
    "ContactAttributes": "View",
    "ContactFlowModules": "Create Delete Edit Execute Publish View",
    "ContactFlows": "Create Delete Edit Publish View",
    "ContactLensCustomVocabulary": "Edit View",
    "ContactLensPostContactSummary": "View",
    "ContactSearch": "View",
    "ContactSearchQuickViewWidget": "Create Delete Edit View",
    "ContactSearchSampleContacts": "View",
    "ContactSearchWithCharacteristics": "Access View",
    "ContactSearchWithKeywords": "Access View",
    "ContactTranscripts.Redacted": "Access",
    "ContactTranscripts.Unredacted": "Access DownloadButton",
    "Contacts.Tag": "Edit",
    "ContentManagement": "Create Delete Edit View",
    "ContentManagement.MessageTemplates": "Create Delete Edit View",
    "CustomMetrics": "Create Delete Edit Publish View",
    "CustomViews": "Access",
    "CustomerProfiles": "Create Edit View",
    "CustomerProfiles.CalculatedAttributes": "Create Delete Edit View",
    "CustomerProfiles.ProfileExplorer": "Create Delete Edit View",
    "CustomerProfiles.Segments": "Create Delete Export View",
    "DataTables": "Create Delete Edit EditExpressionValues ManageValues View",
    "EmailAddresses": "Create Edit Remove View",
    "Evaluation": "Create Delete Edit View",
    "EvaluationAssistant": "Access",
    "EvaluationCalibrationSessions": "Create Delete Edit View",
    "EvaluationForms": "Create Delete Edit View",
    "EvaluationReviewRequest": "Create Delete View",
    "EvaluationReviews": "Create View",
    "FileAttachments.Configurations": "Edit View",
    "ForecastScheduleInterval": "Edit View",
    "Forecasting": "Edit Publish View",
    "GraphTrends": "View",
    "HistoricalChanges": "View",
    "HoursOfOperation": "Create Delete Edit View",
    "InformationExtraction.Definitions": "Create Delete Edit View",
    "InformationExtraction.Results": "View",
    "ManualAssignAnyContact": "Enable",
    "ManualAssignMyContacts": "Enable",
    "MetricsReports": "Create Delete Edit Publish Schedule Share View",
    "MyCaseComments": "Delete Edit",
    "MyCaseContacts": "Delete",
    "MyCaseCustomRelatedItems": "Delete Edit",
    "MyCases": "Delete",
    "MyCoachingSessions": "Create Delete Edit View",
    "MyContacts": "View",
    "MyReceivedEvaluations": "View",
    "OutboundEmail": "Create",
    "PhoneNumbers": "Claim Edit Release View",
    "PredefinedAttributes": "Create Delete Edit View",
    "Prompts": "Create Delete Edit View",
    "QConnectAIAgents": "Create Delete Edit View",
    "QConnectAIPrompts": "Create Delete Edit View",
    "QConnectGuardrails": "Create Delete Edit View",
    "Queues": "Create Delete Edit EditExpressions EnableAndDisable Purge View",
    "RealtimeContactLens": "View",
    "RedactedData": "View",
    "ReportSchedules": "Create Delete Edit View",
    "ReportsAdmin": "Access Delete Publish Schedule View",
    "RequireEndContactConfirmation": "Enabled",
    "RestrictContactAccessByHierarchy": "View",
    "RestrictPhoneTypeSettings": "Access",
    "RestrictTaskCreation": "Access",
    "RoutingPolicies": "Create Delete Edit View",
    "Rules": "Create Delete Edit View",
    "RulesGenerativeAI": "Create Delete Edit View",
    "Scheduling": "Edit Publish View",
    "ScreenRecording": "Access Delete Download",
    "ScreenRecording.Redacted": "Access Download",
    "SecurityProfiles": "Create Delete Edit View",
    "SelfAssignContacts": "Access",
    "StaffCalendar": "Edit View",
    "StopContact": "Enabled",
    "TaskTemplates": "Create Delete Edit View",
    "TeamCalendar": "Edit View",
    "TestCases": "Create Delete Edit Execute Publish View",
    "ThemeDetection": "Create Delete View",
    "TimeOff": "Approve Edit View",
    "TimeOffBalance": "Edit View",
    "Transcript": "View",
    "TransferContact": "Enabled",
    "TransferDestinations": "Create Delete Edit View",
    "UnredactedData": "View",
    "UpdateContactSchedule": "Enabled",
    "Users": "Create Delete Edit EditPermission EnableAndDisable View",
    "VideoContact": "Access",
    "Views": "Create Edit Remove View",
    "VoiceId": "Access",
    "VoiceIdAttributesAndSearch": "View",
    "VoiceIdUpdateSpeakerId": "Access",
    "Wisdom": "View",
    "Workspaces": "Assign Create Delete Edit EditVisibility View",
}
"""What is granted on what: both words with a dot between them are a permission."""

_WHOLE = (
    "AccessMetrics",
    AGENT,
    "ChatTestMode",
    "DeleteCallRecordings",
    "DownloadCallRecordings",
    "ListenCallRecordings",
    "ManagerBargeIn",
    "ManagerListenIn",
    OUTBOUND,
)
"""Permissions of one word."""


def _on(*things: str) -> frozenset[str]:
    """Every permission on these things."""
    return frozenset(f"{thing}.{verb}" for thing in things for verb in _VERBS[thing].split())


PERMISSIONS = _on(*_VERBS) | frozenset(_WHOLE)
"""All that there are."""

RESTRICTIONS = _on(
    "RequireEndContactConfirmation",
    "RestrictContactAccessByHierarchy",
    "RestrictPhoneTypeSettings",
    "RestrictTaskCreation",
)
"""Those that take something away from who has them."""

_METRICS = {"AccessMetrics"} | _on(
    "AccessMetrics.AgentActivityAudit",
    "AccessMetrics.Dashboards",
    "AccessMetrics.HistoricalMetrics",
    "AccessMetrics.RealTimeMetrics",
    "AgentTimeCard",
    "ContactAttributes",
    "ContactSearch",
    "MetricsReports",
    "ReportSchedules",
)

SEEDED: Mapping[str, frozenset[str]] = {
    "Admin": PERMISSIONS - RESTRICTIONS,
    "Agent": frozenset({AGENT, OUTBOUND, "TransferDestinations.View"}) | _on("AudioDeviceSettings"),
    "CallCenterManager": frozenset({AGENT, OUTBOUND, "ManagerBargeIn", "ManagerListenIn"})
    | _METRICS
    | {"SecurityProfiles.View"}
    | _on(
        "AgentGrouping",
        "AgentStates",
        "ContactFlowModules",
        "ContactFlows",
        "HistoricalChanges",
        "HoursOfOperation",
        "PhoneNumbers",
        "PredefinedAttributes",
        "Prompts",
        "Queues",
        "RoutingPolicies",
        "StopContact",
        "TaskTemplates",
        "TransferContact",
        "TransferDestinations",
        "Users",
    ),
    "QualityAnalyst": frozenset({"DownloadCallRecordings", "ListenCallRecordings"})
    | _METRICS
    | _on(
        "CallRecordings.Redacted",
        "CallRecordings.Unredacted",
        "ContactTranscripts.Redacted",
        "ContactTranscripts.Unredacted",
        "Evaluation",
        "EvaluationForms",
        "GraphTrends",
    ),
}
"""What the profiles that come with an instance grant, by their names."""

NEEDED: Mapping[str, str] = {"CreateOutboundContact": OUTBOUND}
"""Operation of the agent service to the permission without which it is refused."""

FORBIDDING: Mapping[str, str] = {
    "CreateTaskContact": "RestrictTaskCreation.Access",
    "UpdateAgentConfiguration": "RestrictPhoneTypeSettings.Access",
}
"""Operation of the agent service to the permission with which it is refused."""

DESKTOP: Mapping[str, str] = {OUTBOUND: "outboundCall", "VoiceId.Access": "voiceId"}
"""Permissions that amazon-connect-streams asks for, to its names."""


def of_profile(profile: Resource) -> Iterable[str]:
    """What a security profile grants, without order."""
    found: Iterable[str] | None = profile.properties.get("Permissions")
    return SEEDED.get(profile.name, ()) if found is None else found


def granted(center: Center, user_id: str) -> frozenset[str]:
    """What a user may do."""
    profiles = center.resources["security_profile"]
    held = center.resources["user"][user_id].properties["SecurityProfileIds"]
    return frozenset().union(*(of_profile(profiles[each]) for each in held))


def allowed(center: Center, user_id: str, operation: str) -> None:
    """Whether a user may call an operation of the agent service.

    Refuses with AccessDeniedException, at which amazon-connect-streams shows that access is denied.
    """
    has = granted(center, user_id)
    for permission in (AGENT, NEEDED.get(operation, AGENT)):
        if permission not in has:
            raise _denied(operation, f"needs {permission}, which none of them grants")
    if FORBIDDING.get(operation) in has:
        raise _denied(operation, f"is taken away by {FORBIDDING[operation]}")


def _denied(operation: str, why: str) -> Refusal:
    return Refusal(
        "AccessDeniedException", f"{operation}: by the security profiles of this user it {why}"
    )


def desktop(center: Center, user_id: str) -> list[str]:
    """What a user may do, in the words of amazon-connect-streams, sorted."""
    has = granted(center, user_id)
    return sorted(word for permission, word in DESKTOP.items() if permission in has)
