"""Catalog: what each type of action allows. One row per type, executable here or not.

language checks PUBLISHED content against it and finds static references by it. A row says which
parameters a type needs and takes, which errors it must and may have, which conditions, whether
something follows, and in which flow types it stands. Some types have two forms; then `form` picks
the row by the parameters.

Where the language reference, the console and the service disagree, the row is what the service was
seen to accept; where that is unknown, the union. Sources: behaviour specification, section 6.4;
Amazon Connect API reference, Flow language, Actions.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ringfloor.base.limits import FLOW_INPUT_DIGITS_MAX
from ringfloor.flow.values import (
    Rule,
    anything,
    boolean,
    each,
    either,
    is_true,
    keys,
    listing,
    mapping,
    path,
    record,
    several,
    single,
    text,
    whole,
    word,
)

NO_MATCHING_ERROR = "NoMatchingError"
NO_MATCHING_CONDITION = "NoMatchingCondition"
TIME_LIMIT = "InputTimeLimitExceeded"

NME = (NO_MATCHING_ERROR,)
NMC = (NO_MATCHING_CONDITION,)

EQUALS = frozenset({"Equals"})
NUMBERS = frozenset(
    {"NumberGreaterThan", "NumberGreaterOrEqualTo", "NumberLessThan", "NumberLessOrEqualTo"}
)
OPERATORS = EQUALS | NUMBERS | {"TextStartsWith", "TextEndsWith", "TextContains", "KeyExists"}
"""Each takes one operand. And, Or and Not stand in the reference only: no service takes them."""

FLOW_TYPES = frozenset(
    {
        "CONTACT_FLOW",
        "CUSTOMER_QUEUE",
        "CUSTOMER_HOLD",
        "CUSTOMER_WHISPER",
        "AGENT_HOLD",
        "AGENT_WHISPER",
        "OUTBOUND_WHISPER",
        "AGENT_TRANSFER",
        "QUEUE_TRANSFER",
    }
)
"""The flow types that restrict their actions; CAMPAIGN and MODULE allow what any of these does."""
_INBOUND = frozenset({"CONTACT_FLOW"})
_QUEUE = frozenset({"CUSTOMER_QUEUE"})
_TRANSFER = frozenset({"AGENT_TRANSFER", "QUEUE_TRANSFER"})
_OUTBOUND = frozenset({"OUTBOUND_WHISPER"})
_HOLD = frozenset({"CUSTOMER_HOLD", "AGENT_HOLD"})
_ENTRY = _INBOUND | _TRANSFER
_TALK = _ENTRY | _QUEUE
_MODULE = frozenset({"MODULE"})

Parameters = Mapping[str, Any]


class Row(NamedTuple):
    """What one type of action allows."""

    needs: Mapping[str, Rule] = {}
    takes: Mapping[str, Rule] = {}
    one_of: tuple[str, ...] = ()
    """Exactly one of these parameters; they stand in takes too."""
    at_most_one: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """Errors that must have a branch."""
    may_fail: tuple[str, ...] = ()
    """Further errors that may have one."""
    operators: frozenset[str] = frozenset()
    """Operators of conditions; empty: no conditions."""
    operands: Rule = anything
    outcomes: frozenset[str] = frozenset()
    """Operands that must all have a condition."""
    follows: str = "required"
    """NextAction: required, optional, or none for a terminal action."""
    flow_types: frozenset[str] = FLOW_TYPES
    references: tuple[tuple[str, str], ...] = ()
    """(parameter, kind): `a.b` is b of a, `a[].b` b of each entry, `a.*` every value of a."""
    open: bool = False
    """Parameters, errors and conditions beyond these are not known, so they are let pass."""
    form: Callable[[Parameters], "Row"] | None = None


# What rows share

_MEDIA = record({"Uri": text, "SourceType": word("S3"), "MediaType": word("Audio")})
_PROMPT: dict[str, Rule] = {"PromptId": single, "Text": text, "SSML": text, "Media": _MEDIA}
_PROMPTS = tuple(_PROMPT)
_PROMPT_REFERENCE = (("PromptId", "prompt"),)

_QUEUE_OR_AGENT: dict[str, Rule] = {"QueueId": single, "AgentId": single}
_EITHER = tuple(_QUEUE_OR_AGENT)
_QUEUE_REFERENCE = (("QueueId", "queue"), ("AgentId", "agent"))

_END = Row(follows="none")
_PLAIN = Row(errors=NME)
_FREE = Row(errors=NME, open=True)
"""A type of which only the name and the usual error are known."""
_PROFILE = Row(
    needs={"ProfileRequestData": mapping}, takes={"ProfileResponseData": listing}, errors=NME
)
_KEY_PRESSES = frozenset("0123456789*#")
_one_key = Rule("one key, 0 to 9, * or #", lambda operand: operand in _KEY_PRESSES)
_terminator = Rule(
    "1 to 5 of the keys 0 to 9, * and #",
    lambda given: isinstance(given, str) and 1 <= len(given) <= 5 and set(given) <= _KEY_PRESSES,
)
_caller_id = record({}, {"Number": single, "Name": text})


# Types with two forms

_INPUT: dict[str, Rule] = {
    **_PROMPT,
    "StoreInput": boolean,
    "DTMFConfiguration": record(
        {},
        {
            "InputTerminationSequence": _terminator,
            "DisableCancelKey": boolean,
            "InterdigitTimeLimitSeconds": whole(1, 20, dynamic=True),
        },
    ),
}
_WAITS: dict[str, Rule] = {"InputTimeLimitSeconds": whole(1, 179)}
_MENU = Row(
    needs=_WAITS,
    takes=_INPUT,
    at_most_one=_PROMPTS,
    errors=(*NMC, *NME, TIME_LIMIT),
    operators=EQUALS,
    operands=_one_key,
    flow_types=_TALK,
    references=_PROMPT_REFERENCE,
)
_STORE = _MENU._replace(
    needs={
        **_WAITS,
        "InputValidation": record(
            {},
            {
                "PhoneNumberValidation": record(
                    {"NumberFormat": word("Local", "E164")}, {"CountryCode": text}
                ),
                "CustomValidation": record(
                    {"MaximumLength": whole(1, FLOW_INPUT_DIGITS_MAX, dynamic=True)}
                ),
            },
            exactly=1,
        ),
    },
    takes={**_INPUT, "InputEncryption": record({"EncryptionKeyId": text, "Key": text})},
    errors=NME,
    operators=frozenset(),
)
_STORE_PHONE = _STORE._replace(takes=_INPUT, errors=(*NME, "InvalidPhoneNumber"))


def _input(parameters: Parameters) -> Row:
    if not is_true(parameters.get("StoreInput")):
        return _MENU
    validation = parameters.get("InputValidation")
    phone = isinstance(validation, dict) and "PhoneNumberValidation" in validation
    return _STORE_PHONE if phone else _STORE


_DIAL = Row(
    needs={"ThirdPartyPhoneNumber": single},
    takes={
        "ThirdPartyConnectionTimeLimitSeconds": whole(0, 600, dynamic=True),
        "ContinueFlowExecution": boolean,
        "ThirdPartyDTMFDigits": Rule(
            "at most 50 of 0 to 9, * # and the comma, or a reference",
            lambda given: (
                isinstance(given, str)
                and ("$." in given or (len(given) <= 50 and set(given) <= _KEY_PRESSES | {","}))
            ),
        ),
        "CallerId": _caller_id,
    },
    errors=NME,
    flow_types=_TALK,
)
_DIAL_AND_RETURN = _DIAL._replace(errors=(*NME, "CallFailed", "ConnectionTimeLimitExceeded"))


def _dial(parameters: Parameters) -> Row:
    given = parameters.get("ContinueFlowExecution", True)
    return _DIAL_AND_RETURN if is_true(given) else _DIAL


_RECORDING = ("VoiceBehavior", "ChatBehavior", "ScreenRecordingBehavior")
_RECORD = Row(
    takes=dict.fromkeys(_RECORDING, mapping),
    one_of=_RECORDING,
    errors=(*NME, "ChannelMismatch"),
)
_RECORD_CHAT = _RECORD._replace(errors=(*_RECORD.errors, "InFlightRedactionConfigurationFailed"))

_AGENT_METRICS = ("NumberOfAgentsAvailable", "NumberOfAgentsStaffed", "NumberOfAgentsOnline")
_QUEUE_METRICS = ("OldestContactInQueueAgeSeconds", "NumberOfContactsInQueue")
METRIC_TYPES = _AGENT_METRICS + _QUEUE_METRICS
_METRIC = Row(
    needs={"MetricType": word(*METRIC_TYPES)},
    takes=_QUEUE_OR_AGENT,
    at_most_one=_EITHER,
    errors=(*NME, *NMC),
    operators=EQUALS | NUMBERS,
    flow_types=_TALK,
    references=_QUEUE_REFERENCE,
)
_STAFFING = _METRIC._replace(operators=frozenset({"NumberGreaterThan"}), operands=word("0"))

_BOT_LEFT = "BotParticipantDisconnected"
_WAIT = Row(
    needs={"TimeLimitSeconds": whole(1, 604_800, dynamic=True)},
    takes={
        "Events": several(text),
        "ContinueExecution": anything,
        "MinimumWaitTimeSeconds": anything,
    },
    errors=NME,
    may_fail=("ParticipantNotFound",),
    operators=EQUALS,
    outcomes=frozenset({"WaitCompleted"}),
)


def _wait(parameters: Parameters) -> Row:
    events = [event for event in _list(parameters.get("Events")) if isinstance(event, str)]
    errors = (*NME, "ParticipantNotFound") if _BOT_LEFT in events else NME
    return _WAIT._replace(errors=errors, outcomes=_WAIT.outcomes | set(events))


def _list(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


_HOOKS = frozenset(
    {
        "AgentHold",
        "AgentWhisper",
        "CustomerHold",
        "CustomerQueue",
        "CustomerRemaining",
        "CustomerWhisper",
        "DefaultAgentUI",
        "DisconnectAgentUI",
        "PauseContact",
        "ResumeContact",
    }
)
_ROUTING = Row(
    needs={"RoutingCriteria": either(record({"Steps": several(mapping)}), path)},
    errors=NME,
    flow_types=_TALK,
)
_CASE = Row(errors=NME, may_fail=("ContactNotLinked",), open=True)
_UNTAG = Row(needs={"TagKeys": several(text, least=1)}, errors=NME)
CONTACT_TEXTS = ("Name", "Description", "LanguageCode", "CustomerId")
CONTACT_ELSEWHERE = (
    "WisdomSessionArn",
    "WatchlistId",
    "IsVoiceIdStreamingEnabled",
    "IsVoiceAuthenticationEnabled",
    "IsFraudDetectionEnabled",
    "VoiceAuthenticationThreshold",
    "VoiceAuthenticationResponseTime",
    "FraudDetectionThreshold",
)
"""Data of services that do not exist here: Wisdom, and Voice ID."""
_TARGET: dict[str, Rule] = {"TargetContact": word("Current", "Related")}
_SECONDS = whole(1, 259_200, dynamic=True)

CATALOG: Mapping[str, Row] = {
    # Participant actions
    "MessageParticipant": Row(
        takes={**_PROMPT, "SkipWhenDTMFBufferEnabled": boolean},
        one_of=_PROMPTS,
        may_fail=NME,
        flow_types=FLOW_TYPES - _HOLD,
        references=_PROMPT_REFERENCE,
    ),
    "MessageParticipantIteratively": Row(
        needs={
            "Messages": several(record({}, _PROMPT, exactly=1), least=1),
        },
        takes={"InterruptFrequencySeconds": whole(1, 604_800, dynamic=True)},
        may_fail=NME,
        operators=EQUALS,
        operands=word("MessagesInterrupted"),
        follows="optional",
        flow_types=_QUEUE | _HOLD,
        references=(("Messages[].PromptId", "prompt"),),
    ),
    "GetParticipantInput": _MENU._replace(form=_input),
    "ConnectParticipantWithLexBot": Row(
        takes={
            **_PROMPT,
            "LexInitializationData": mapping,
            "LexBot": record({"Name": text, "Alias": text}, {"Region": text}),
            "LexV2Bot": record({"AliasArn": text}),
            "LexSessionAttributes": mapping,
            "LexTimeoutSeconds": anything,
        },
        one_of=("LexBot", "LexV2Bot"),
        at_most_one=(*_PROMPTS, "LexInitializationData"),
        errors=(*NMC, *NME),
        may_fail=(TIME_LIMIT,),
        operators=EQUALS,
        flow_types=_TALK,
        references=(*_PROMPT_REFERENCE, ("LexV2Bot.AliasArn", "bot")),
        open=True,
    ),
    "ShowView": Row(
        needs={
            "ViewResource": record({"Id": single}, {"Version": anything}),
            "InvocationTimeLimitSeconds": whole(1, 10**9, dynamic=True),
        },
        takes={"ViewData": mapping, "SensitiveDataConfiguration": mapping},
        errors=(*NMC, *NME, "TimeLimitExceeded"),
        operators=EQUALS,
        flow_types=_INBOUND | _QUEUE,
        references=(("ViewResource.Id", "view"),),
    ),
    "TransferParticipantToThirdParty": _DIAL._replace(form=_dial),
    "DisconnectParticipant": _END,
    # Contact actions
    "UpdateContactAttributes": Row(needs={"Attributes": mapping}, takes=_TARGET, errors=NME),
    "UpdateContactTargetQueue": Row(
        takes=_QUEUE_OR_AGENT,
        one_of=_EITHER,
        errors=NME,
        flow_types=_ENTRY,
        references=_QUEUE_REFERENCE,
    ),
    "TransferContactToQueue": Row(
        errors=("QueueAtCapacity", *NME), follows="optional", flow_types=_ENTRY
    ),
    "DequeueContactAndTransferToQueue": Row(
        takes=_QUEUE_OR_AGENT,
        at_most_one=_EITHER,
        errors=("QueueAtCapacity", *NME),
        follows="optional",
        flow_types=_QUEUE,
        references=_QUEUE_REFERENCE,
    ),
    "TransferContactToAgent": _END._replace(flow_types=_TRANSFER),
    "UpdateContactEventHooks": Row(
        needs={"EventHooks": keys(_HOOKS, single)},
        takes={
            "EventHooksConfiguration": keys(_HOOKS, record({}, {"DisableExecution": boolean})),
        },
        errors=NME,
        references=(("EventHooks.*", "flow"),),
    ),
    "UpdateContactRoutingBehavior": Row(
        takes={
            "QueuePriority": whole(1, 2**63 - 1, dynamic=True),
            "QueueTimeAdjustmentSeconds": whole(-(10**9), 10**9, dynamic=True),
        },
        one_of=("QueuePriority", "QueueTimeAdjustmentSeconds"),
        flow_types=_TALK | _OUTBOUND,
    ),
    "UpdateRoutingCriteria": _ROUTING,
    "UpdateContactRoutingCriteria": _ROUTING,
    "UpdateContactRecordingBehavior": Row(
        needs={"RecordingBehavior": mapping},
        takes={"AnalyticsBehavior": mapping},
        flow_types=_TALK | _OUTBOUND,
    ),
    "UpdateContactRecordingAndAnalyticsBehavior": _RECORD._replace(
        form=lambda given: _RECORD_CHAT if "ChatBehavior" in given else _RECORD
    ),
    "UpdateContactMediaStreamingBehavior": Row(
        needs={"MediaStreamingState": word("Enabled", "Disabled")},
        takes={"MediaStreamType": word("Audio"), "Participants": listing},
        errors=NME,
        flow_types=FLOW_TYPES - _HOLD,
    ),
    "UpdateContactMediaProcessing": _FREE,
    "UpdateContactTextToSpeechVoice": Row(
        needs={"TextToSpeechVoice": text},
        takes={"TextToSpeechEngine": text, "TextToSpeechStyle": text},
        may_fail=NME,
    ),
    "UpdateContactData": Row(
        takes={
            **dict.fromkeys(CONTACT_TEXTS, text),
            **dict.fromkeys(CONTACT_ELSEWHERE, anything),
            "References": mapping,
            "SegmentAttributes": mapping,
            **_TARGET,
        },
        errors=NME,
    ),
    "UpdateContactCallbackNumber": Row(
        needs={"CallbackNumber": path},
        errors=("InvalidCallbackNumber", "CallbackNumberNotDialable"),
        flow_types=_TALK,
    ),
    "UpdatePreviousContactParticipantState": Row(
        needs={"PreviousContactParticipantState": word("AgentOnHold", "CustomerOnHold", "OffHold")},
        errors=NME,
        flow_types=_ENTRY | _OUTBOUND,
    ),
    "CompleteOutboundCall": Row(takes={"CallerId": _caller_id}, flow_types=_OUTBOUND),
    "CreateTask": Row(
        needs={"Name": text},
        takes={
            "ContactFlowId": single,
            "TaskTemplateId": single,
            "Description": text,
            "Attributes": mapping,
            "References": mapping,
            "DelaySeconds": whole(1, 518_400, dynamic=True),
            "ScheduledTime": text,
        },
        at_most_one=("DelaySeconds", "ScheduledTime"),
        errors=NME,
        references=(("ContactFlowId", "flow"),),
        open=True,
    ),
    "TagContact": Row(needs={"Tags": each(anything, least=1, most=6)}, errors=NME),
    "UntagContact": _UNTAG,
    "UnTagContact": _UNTAG,
    "InvokeFlowModule": Row(
        needs={"FlowModuleId": single},
        takes={"Input": mapping},
        errors=NME,
        may_fail=NMC,
        operators=EQUALS,
        references=(("FlowModuleId", "module"),),
    ),
    "EndFlowModuleExecution": _END._replace(
        takes={"Result": text, "ResultData": mapping}, flow_types=_MODULE
    ),
    "CreateCase": _CASE,
    "UpdateCase": _CASE,
    "GetCase": _CASE._replace(errors=(*NME, "MultipleFound", "NoneFound")),
    "CreateWisdomSession": Row(needs={"WisdomAssistantArn": text}, errors=NME),
    "PauseContact": _FREE,
    "ResumeContact": _FREE,
    "StartOutboundChatContact": _FREE,
    # Flow control actions
    "Compare": Row(needs={"ComparisonValue": path}, errors=NMC, operators=OPERATORS),
    "CheckHoursOfOperation": Row(
        takes={"HoursOfOperationId": single},
        errors=NME,
        operators=EQUALS,
        operands=word("True", "False"),
        outcomes=frozenset({"True", "False"}),
        flow_types=_TALK,
        references=(("HoursOfOperationId", "hours"),),
    ),
    "CheckMetricData": _METRIC._replace(
        form=lambda given: _STAFFING if given.get("MetricType") in _AGENT_METRICS else _METRIC
    ),
    "GetMetricData": Row(
        takes={**_QUEUE_OR_AGENT, "QueueChannel": text},
        at_most_one=_EITHER,
        errors=NME,
        references=_QUEUE_REFERENCE,
    ),
    "DistributeByPercentage": Row(
        errors=NMC,
        operators=frozenset({"NumberLessThan"}),
        operands=whole(1, 101),
        flow_types=_TALK | _OUTBOUND,
    ),
    "Loop": Row(
        needs={"LoopCount": whole(0, 100, dynamic=True)},
        may_fail=NME,
        operators=EQUALS,
        operands=word("ContinueLooping", "DoneLooping"),
        outcomes=frozenset({"ContinueLooping", "DoneLooping"}),
    ),
    "TransferToFlow": Row(
        needs={"ContactFlowId": single},
        errors=NME,
        flow_types=_ENTRY,
        references=(("ContactFlowId", "flow"),),
    ),
    "EndFlowExecution": _END._replace(
        flow_types=_QUEUE | _OUTBOUND | {"CUSTOMER_WHISPER", "AGENT_WHISPER"}
    ),
    "UpdateFlowLoggingBehavior": Row(needs={"FlowLoggingBehavior": word("Enabled", "Disabled")}),
    "UpdateFlowAttributes": Row(
        needs={"FlowAttributes": each(record({"Value": anything}, {"Type": text}))}, errors=NME
    ),
    "Wait": _WAIT._replace(form=_wait),
    "CheckOutboundCallStatus": Row(errors=NME, operators=EQUALS),
    "CheckVoiceId": Row(needs={"CheckVoiceIdOption": text}, errors=NME, operators=EQUALS),
    "StartVoiceIdStream": _PLAIN,
    # Interactions
    "InvokeLambdaFunction": Row(
        needs={"LambdaFunctionARN": single, "InvocationTimeLimitSeconds": whole(1, 8)},
        takes={
            "LambdaInvocationAttributes": mapping,
            "InvocationType": word("SYNCHRONOUS", "ASYNCHRONOUS"),
            "ResponseValidation": record({"ResponseType": word("STRING_MAP", "JSON")}),
        },
        errors=NME,
        references=(("LambdaFunctionARN", "function"),),
    ),
    "CreateCallbackContact": Row(
        needs={
            "InitialCallDelaySeconds": _SECONDS,
            "MaximumConnectionAttempts": whole(1, 10**9, dynamic=True),
            "RetryDelaySeconds": _SECONDS,
        },
        takes={**_QUEUE_OR_AGENT, "ContactFlowId": single, "CallerId": _caller_id},
        at_most_one=_EITHER,
        errors=NME,
        flow_types=_TALK,
        references=(*_QUEUE_REFERENCE, ("ContactFlowId", "flow")),
    ),
    "GetCustomerProfile": _PROFILE._replace(errors=(*NME, "MultipleFoundError", "NoneFoundError")),
    "CreateCustomerProfile": _PROFILE,
    "UpdateCustomerProfile": _PROFILE,
    "AssociateContactToCustomerProfile": _PROFILE,
    "GetCustomerProfileObject": _PROFILE._replace(errors=(*NME, "NoneFoundError"), open=True),
    "GetCalculatedAttributesForCustomerProfile": _PROFILE._replace(open=True),
    # Seen in exports, described nowhere
    **dict.fromkeys(
        (
            "RouteContactToAgent",
            "LoadContactContent",
            "AuthenticateParticipant",
            "CheckSegmentMembership",
            "EvaluateDataTableValues",
            "ListDataTableValues",
            "UpsertDataTableValues",
            "CreatePersistentContactAssociation",
            "RenderMessageTemplate",
            "StartOutboundEmailContact",
            "CreateContact",
        ),
        Row(open=True, follows="optional"),
    ),
}


def row_of(type_: str, parameters: Parameters) -> Row | None:
    """The row of an action; None: the language has no such type."""
    row = CATALOG.get(type_)
    return row.form(parameters) if row is not None and row.form is not None else row


def cannot_fail(type_: str) -> bool:
    """Whether an action of this type may have no error branch at all."""
    row = CATALOG.get(type_)
    return row is not None and not (row.errors or row.may_fail or row.open)


def stands_in(row: Row, flow_type: str) -> bool:
    """Whether an action may stand in a flow of this type."""
    if flow_type in FLOW_TYPES:
        return flow_type in row.flow_types
    return flow_type == "MODULE" or bool(row.flow_types & FLOW_TYPES)
