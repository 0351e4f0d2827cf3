r"""Overlay: what is corrected or added to botocore's models, each row reviewed by hand.

Called by aws.model when it compiles a service. Rules:

* A `pattern` of the model is enforced only if its shape stands in PATTERNS, with the reviewed text
  that is enforced in its place (no runaway backtracking, `\Z` for `$`, ASCII digits). Every other
  pattern stands in PATTERNS_OFF with the reason. A pattern in neither fails a test, so that an
  update of botocore is read before it is believed.
* AWS's own tooling has spoilt 13 patterns by escaping them twice (its PhoneNumber would refuse
  every number), and 10 use classes such as \p{L} which Python's `re` does not know.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Overlay(NamedTuple):
    """The corrections of one service."""

    unreadable: str
    """Error code of a request that cannot be read: unparsable, wrong type, member missing."""

    invalid: str
    """Error code of a well-formed value that breaks a length, range, enum, size or pattern."""

    patterns: Mapping[str, str]
    """Shape name to the regular expression that is enforced, in Python's syntax."""

    greedy: frozenset[str]
    """Labels that, last in their template, take the rest of the path: unencoded ARNs."""

    sizes: Mapping[str, tuple[int | None, int | None]] = MappingProxyType({})
    """Shape name to the least and greatest size that is enforced, instead of the model's."""


# \p{L}\p{N} and _ are Python's \w; \p{Z} is spelled out because \s also takes control characters.
_SEPARATORS = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

PATTERNS: Mapping[str, str] = {
    "CommonHumanReadableName": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]{1,127}\Z",
    "ContactFlowModuleAlias": r"^(?:[$0-9a-zA-Z][_-]?)+\Z",
    "ContactFlowModuleDescription": r"\S",
    "ContactFlowModuleName": r"\S",
    "CreateSecurityProfileName": r"^[ a-zA-Z0-9_@-]+\Z",
    "DateTimeFormat": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z?\Z",
    "DateYearMonthDayFormat": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z",
    "Description250": r"^\S(?:.*\S)?\Z",
    "DirectoryAlias": r"^(?!d-)[0-9a-zA-Z]+(?:-+[0-9a-zA-Z]+)*\Z",
    "DirectoryId": r"^d-[0-9a-f]{10}\Z",
    "EmailAddress": r"[^\s@]+@[^\s@]+\.[^\s@]+",
    "FlowContentSha256": r"^[a-zA-Z0-9]{64}\Z",
    "FlowModuleContentSha256": r"^[a-zA-Z0-9]{64}\Z",
    "HoursOfOperationOverrideYearMonthDayDateFormat": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z",
    "Name128": r"^\S(?:.*\S)?\Z",
    "Password": r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])\S{8,64}\Z",
    "SourceApplicationName": r"^[a-zA-Z0-9_ -]+\Z",
    "TagKey": rf"^(?!aws:)[\w{_SEPARATORS}.:/=+\-@]*\Z",
    "TestCaseSha256": r"^[a-zA-Z0-9]{64}\Z",
    "WorkspaceName": r"\S",
}

_ESCAPED_TWICE = "AWS's own tooling escaped it twice; as it stands it refuses good values"
_IDENTIFIER = "an id or ARN: the handler looks it up and says what is not found"
_OUTPUT = "only in answers, which are ours"
_TEXT = "free text: the character classes protect nothing here"
_UNANCHORED = "anchored at the start only; whether AWS means the whole value is not known"

PATTERNS_OFF: Mapping[str, str] = {
    "ACGRInstanceArn": _OUTPUT,
    "ACGRInstanceIdOrArn": _IDENTIFIER,
    "ACGRTrafficDistributionGroupArn": _OUTPUT,
    "ACGRTrafficDistributionGroupId": _OUTPUT,
    "AiAgentId": _IDENTIFIER,
    "AuthenticationError": _TEXT,
    "AuthenticationErrorDescription": _TEXT,
    "AwsRegion": "a name that the handler looks up",
    "CommonHumanReadableDescription": "demands a character, yet clients send empty descriptions",
    "ContactTagKey": "the range +-= takes in digits and punctuation that AWS does not mean",
    "CurrentMetricId": _IDENTIFIER,
    "CustomerProfilesDomainName": _IDENTIFIER,
    "DataTableDescription": _ESCAPED_TWICE,
    "DataTableName": _TEXT,
    "EntityId": "refuses nothing",
    "EvaluationFormMetricName": _TEXT,
    "FileExtension": _TEXT,
    "FileName": _TEXT,
    "GuidString": _IDENTIFIER,
    "IAMRestrictedPrimaryValue": _TEXT,
    "InstanceIdOrArn": _IDENTIFIER,
    "IpCidr": "has no full stop, so that it refuses every IPv4 address",
    "MediaSource": _ESCAPED_TWICE,
    "Page": _ESCAPED_TWICE,
    "PhoneNumber": _ESCAPED_TWICE,
    "PhoneNumberDescription": "refuses nothing: the class takes every character",
    "PhoneNumberPrefix": _ESCAPED_TWICE,
    "PhoneNumberWorkflowMessage": "refuses nothing: the class takes every character",
    "PrimaryAttributeContextKeyName": _TEXT,
    "ReferenceArn": _UNANCHORED,
    "RegionName": "a name that the handler looks up",
    "RuleName": _UNANCHORED,
    "S3Uri": _ESCAPED_TWICE,
    "SensitivePhoneNumber": "the telephony seam also dials extensions and SIP addresses",
    "SlaName": _TEXT,
    "Slug": _ESCAPED_TWICE,
    "ThemeImageLink": _ESCAPED_TWICE,
    "ThemeString": _ESCAPED_TWICE,
    "TrafficDistributionGroupId": _OUTPUT,
    "TrafficDistributionGroupIdOrArn": _IDENTIFIER,
    "ViewAction": _TEXT,
    "ViewContentSha256": "takes one character where a digest has 64",
    "ViewDescription": _TEXT,
    "ViewId": _IDENTIFIER,
    "ViewName": _TEXT,
    "ViewsClientToken": _TEXT,
    "ViewsInstanceId": _IDENTIFIER,
    "ViewsNextToken": "a token of ours, checked when it is opened",
    "VocabularyName": _UNANCHORED,
    "VocabularyNextToken": "a token of ours, checked when it is opened",
    "WorkspaceAssociatedResourceName": _OUTPUT,
    "WorkspaceDescription": _ESCAPED_TWICE,
    "WorkspaceErrorCode": _OUTPUT,
    "WorkspaceTitle": _ESCAPED_TWICE,
}

SIZES: Mapping[str, tuple[int | None, int | None]] = {
    "ResourceArnOrId": (None, 3_000),
    **dict.fromkeys(
        (
            *("FilterValueList", "FiltersV2List", "GroupingsV2", "MetricFiltersV2List"),
            *("MetricFilterValueList", "ThresholdCollections"),
        ),
        (None, None),
    ),
}
"""Of GetMetricDataV2. Values: as long as a routing step expression may be, of which the model does
not know. Lists: the handler counts them, and refuses them by the code that is known for what does
not fit together; with NOT_EXISTS, FilterValues may be empty."""

_NAME = r"^[0-9A-Za-z_+=,.@-]+\Z"
_LATIN = r"^[\t\n\r\x20-\xff]+\Z"
_TAG = rf"^[\w{_SEPARATORS}.:/=+\-@]"

IAM_PATTERNS: Mapping[str, str] = {
    "accessKeyIdType": r"^[0-9A-Za-z_]+\Z",
    "accountAliasType": r"^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]\Z",
    "customSuffixType": _NAME,
    "existingUserNameType": _NAME,
    "groupNameType": _NAME,
    "instanceProfileNameType": _NAME,
    "markerType": r"^[\x20-\xff]+\Z",
    "pathPrefixType": r"^/[\x21-\x7f]*\Z",
    "pathType": r"^/(?:[\x21-\x7e]+/)?\Z",
    "policyDocumentType": _LATIN,
    "policyNameType": _NAME,
    "policyPathType": r"^(?:/[A-Za-z0-9.,+@=_-]+)*/\Z",
    "policyVersionIdType": r"^v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?\Z",
    "roleDescriptionType": r"^[\t\n\r\x20-\x7e\xa1-\xff]*\Z",
    "roleNameType": _NAME,
    "tagKeyType": rf"{_TAG}+\Z",
    "tagValueType": rf"{_TAG}*\Z",
    "userNameType": _NAME,
}
"""Of IAM: the names, paths and texts of what this server has."""

STS_PATTERNS: Mapping[str, str] = {
    "accessKeyIdType": r"^[0-9A-Za-z_]*\Z",
    "externalIdType": r"^[0-9A-Za-z_+=,.@:/-]*\Z",
    "roleSessionNameType": _NAME,
    "serialNumberType": r"^[0-9A-Za-z_+=/:,.@-]*\Z",
    "sessionPolicyDocumentType": _LATIN,
    "sourceIdentityType": _NAME,
    "tagKeyType": rf"{_TAG}+\Z",
    "tagValueType": rf"{_TAG}*\Z",
    "tokenCodeType": r"^[0-9]*\Z",
    "unrestrictedSessionPolicyDocumentType": _LATIN,
    "userNameType": _NAME,
}

_NOT_HERE = "of a kind of thing that this server does not have"

IAM_PATTERNS_OFF: Mapping[str, str] = dict.fromkeys(
    (
        *("AttachmentName", "CertificationKeyType", "CertificationValueType"),
        *("OrganizationIdType", "SAMLProviderNameType", "accountIdType", "accountPropertyKeyType"),
        *("authenticationCodeType", "certificateBodyType", "certificateChainType"),
        *("certificateIdType", "delegationRequestDescriptionType", "delegationRequestIdType"),
        *("notesType", "notificationChannelType", "organizationsEntityPathType"),
        *("organizationsPolicyIdType", "ownerIdType", "passwordType", "policyParameterNameType"),
        *("policyParameterValueType", "privateKeyIdType", "privateKeyType"),
        *("publicKeyFingerprintType", "publicKeyIdType", "publicKeyMaterialType"),
        *("redirectUrlType", "requestMessageType", "requestorNameType", "requestorWorkflowIdType"),
        *("rolePathPatternType", "roleTemplateDescriptionType", "roleTemplateNameType"),
        *("serialNumberType", "serverCertificateNameType", "serviceCredentialAlias"),
        *("serviceNamespaceType", "serviceSpecificCredentialId", "serviceUserName"),
        *("tagTemplateKeyType", "tagTemplateValueType", "virtualMFADeviceName"),
    ),
    _NOT_HERE,
) | {"entityNameType": _OUTPUT, "idType": _OUTPUT}

STS_PATTERNS_OFF: Mapping[str, str] = {
    "arnType": _ESCAPED_TWICE,
    "assumedRoleIdType": _OUTPUT,
    "federatedIdType": _OUTPUT,
}

DEFAULT = Overlay(
    unreadable="ValidationException",
    invalid="ValidationException",
    patterns={},
    greedy=frozenset(),
)
"""Smithy's rule for REST-JSON services that say nothing else."""

OVERLAYS: Mapping[str, Overlay] = {
    "connect": Overlay(
        unreadable="InvalidRequestException",
        invalid="InvalidParameterException",
        patterns=PATTERNS,
        greedy=frozenset({"resourceArn"}),
        sizes=SIZES,
    ),
    "iam": Overlay("ValidationError", "ValidationError", IAM_PATTERNS, frozenset()),
    "sts": Overlay("ValidationError", "ValidationError", STS_PATTERNS, frozenset()),
}
"""By botocore's service name; a service that is not here has DEFAULT."""
