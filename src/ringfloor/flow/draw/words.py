"""Words: how the console calls actions, their branches and what they are given.

boxes asks for the title of an action, the text that tells what it does, and the names of its
branches. Types without a title here are shown by their own name, taken apart.

Source: Amazon Connect administrator guide, Flow block definitions; behaviour specification, 6.4.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from ringfloor.flow.document import Action, Condition
from ringfloor.flow.references import as_text
from ringfloor.flow.values import is_true


class Sort(StrEnum):
    """What an action is about; each has a colour."""

    TALK = "talk"
    CONTACT = "contact"
    BRANCH = "branch"
    WORLD = "world"
    END = "end"


TITLES: Mapping[str, tuple[str, Sort]] = {
    "MessageParticipant": ("Play prompt", Sort.TALK),
    "MessageParticipantIteratively": ("Loop prompts", Sort.TALK),
    "GetParticipantInput": ("Get customer input", Sort.TALK),
    "ConnectParticipantWithLexBot": ("Get customer input (Lex)", Sort.TALK),
    "ShowView": ("Show view", Sort.TALK),
    "UpdateContactTextToSpeechVoice": ("Set voice", Sort.TALK),
    "UpdateContactAttributes": ("Set contact attributes", Sort.CONTACT),
    "UpdateFlowAttributes": ("Set flow attributes", Sort.CONTACT),
    "UpdateContactData": ("Set contact data", Sort.CONTACT),
    "UpdateContactTargetQueue": ("Set working queue", Sort.CONTACT),
    "UpdateContactRoutingBehavior": ("Change routing priority / age", Sort.CONTACT),
    "UpdateRoutingCriteria": ("Set routing criteria", Sort.CONTACT),
    "UpdateContactRoutingCriteria": ("Set routing criteria", Sort.CONTACT),
    "UpdateContactRecordingBehavior": ("Set recording and analytics", Sort.CONTACT),
    "UpdateContactRecordingAndAnalyticsBehavior": ("Set recording and analytics", Sort.CONTACT),
    "UpdateContactMediaStreamingBehavior": ("Start or stop media streaming", Sort.CONTACT),
    "UpdateContactMediaProcessing": ("Set media processing", Sort.CONTACT),
    "UpdateContactCallbackNumber": ("Set callback number", Sort.CONTACT),
    "UpdatePreviousContactParticipantState": ("Hold customer or agent", Sort.CONTACT),
    "UpdateFlowLoggingBehavior": ("Set logging behavior", Sort.CONTACT),
    "TagContact": ("Contact tags", Sort.CONTACT),
    "UntagContact": ("Contact tags: remove", Sort.CONTACT),
    "UnTagContact": ("Contact tags: remove", Sort.CONTACT),
    "CreateTask": ("Create task", Sort.CONTACT),
    "PauseContact": ("Pause contact", Sort.CONTACT),
    "ResumeContact": ("Resume contact", Sort.CONTACT),
    "Compare": ("Check contact attributes", Sort.BRANCH),
    "CheckHoursOfOperation": ("Check hours of operation", Sort.BRANCH),
    "CheckMetricData": ("Check queue status", Sort.BRANCH),
    "GetMetricData": ("Get queue metrics", Sort.BRANCH),
    "DistributeByPercentage": ("Distribute by percentage", Sort.BRANCH),
    "Loop": ("Loop", Sort.BRANCH),
    "Wait": ("Wait", Sort.BRANCH),
    "CheckOutboundCallStatus": ("Check call progress", Sort.BRANCH),
    "CheckVoiceId": ("Check Voice ID", Sort.BRANCH),
    "StartVoiceIdStream": ("Set Voice ID", Sort.CONTACT),
    "InvokeLambdaFunction": ("AWS Lambda function", Sort.WORLD),
    "InvokeFlowModule": ("Invoke module", Sort.WORLD),
    "GetCustomerProfile": ("Customer profiles: get", Sort.WORLD),
    "CreateCustomerProfile": ("Customer profiles: create", Sort.WORLD),
    "UpdateCustomerProfile": ("Customer profiles: update", Sort.WORLD),
    "AssociateContactToCustomerProfile": ("Customer profiles: associate", Sort.WORLD),
    "GetCustomerProfileObject": ("Customer profiles: get object", Sort.WORLD),
    "GetCalculatedAttributesForCustomerProfile": ("Customer profiles: calculated", Sort.WORLD),
    "CreateCase": ("Cases: create", Sort.WORLD),
    "GetCase": ("Cases: get", Sort.WORLD),
    "UpdateCase": ("Cases: update", Sort.WORLD),
    "CreatePersistentContactAssociation": ("Persistent chat", Sort.CONTACT),
    "CreateWisdomSession": ("Connect assistant", Sort.WORLD),
    "CompleteOutboundCall": ("Call phone number", Sort.WORLD),
    "CreateCallbackContact": ("Transfer to queue: callback", Sort.CONTACT),
    "TransferContactToQueue": ("Transfer to queue", Sort.END),
    "DequeueContactAndTransferToQueue": ("Transfer to queue", Sort.END),
    "TransferContactToAgent": ("Transfer to agent", Sort.END),
    "TransferToFlow": ("Transfer to flow", Sort.END),
    "TransferParticipantToThirdParty": ("Transfer to phone number", Sort.WORLD),
    "DisconnectParticipant": ("Disconnect", Sort.END),
    "EndFlowExecution": ("End flow / Resume", Sort.END),
    "EndFlowModuleExecution": ("Return", Sort.END),
}

HOOKS: Mapping[str, str] = {
    "CustomerQueue": "Set customer queue flow",
    "CustomerHold": "Set hold flow (customer)",
    "AgentHold": "Set hold flow (agent)",
    "CustomerWhisper": "Set whisper flow (customer)",
    "AgentWhisper": "Set whisper flow (agent)",
    "CustomerRemaining": "Set disconnect flow",
    "DisconnectAgentUI": "Set disconnect flow (agent)",
    "DefaultAgentUI": "Set agent's default view flow",
    "PauseContact": "Set pause flow",
    "ResumeContact": "Set resume flow",
}


def heading(action: Action) -> tuple[str, Sort]:
    """What the console calls an action."""
    given = action.parameters
    if action.type == "GetParticipantInput" and is_true(given.get("StoreInput")):
        return "Store customer input", Sort.TALK
    if action.type == "CheckMetricData" and "Agents" in as_text(given.get("MetricType")):
        return "Check staffing", Sort.BRANCH
    if action.type == "UpdateContactEventHooks":
        hooks = given.get("EventHooks")
        first = next(iter(hooks), "") if isinstance(hooks, dict) else ""
        return HOOKS.get(first, "Set event flow"), Sort.CONTACT
    return TITLES.get(action.type) or (apart(action.type), Sort.CONTACT)


def apart(name: str) -> str:
    """UpdateContactData as words: Update contact data."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).split()
    rest = (word if word.isupper() else word.lower() for word in words[1:])
    return " ".join([*words[:1], *rest])


# What an action is given

_UNTOLD = frozenset(
    {
        "DTMFConfiguration",
        "InputTimeLimitSeconds",
        "InputEncryption",
        "InvocationTimeLimitSeconds",
        "InvocationType",
        "LexSessionAttributes",
        "MediaStreamType",
        "ProfileResponseData",
        "ResponseValidation",
        "SensitiveDataConfiguration",
        "SkipWhenDTMFBufferEnabled",
        "StoreInput",
        "TargetContact",
        "TextToSpeechEngine",
        "ViewData",
    }
)
"""What does not help to see what happens."""

_PLAIN = frozenset(
    {
        "AliasArn",
        "AgentId",
        "Attributes",
        "ComparisonValue",
        "ContactFlowId",
        "EventHooks",
        "FlowAttributes",
        "FlowLoggingBehavior",
        "FlowModuleId",
        "HoursOfOperationId",
        "Id",
        "LambdaFunctionARN",
        "LexV2Bot",
        "Media",
        "Messages",
        "MetricType",
        "PreviousContactParticipantState",
        "PromptId",
        "QueueId",
        "RecordingBehavior",
        "SSML",
        "Text",
        "TextToSpeechVoice",
        "ThirdPartyPhoneNumber",
        "Uri",
        "ViewResource",
    }
)
"""Whose value speaks for itself."""


def told(action: Action, display: Mapping[str, Any]) -> Iterator[str]:
    """What an action is given, a line each. display: the console's own names of its parameters."""
    for name, given in action.parameters.items():
        if name not in _UNTOLD:
            yield from _told(name, given, display.get(name))


def _told(name: str, given: object, display: object) -> Iterator[str]:
    shown = _displayed(display)
    label = "" if name in _PLAIN else f"{apart(name)}: "
    if shown:
        yield f"{label}{shown}"
    elif isinstance(given, dict):
        below = display if isinstance(display, dict) else {}
        for member, each in given.items():
            if name in _MAPS:
                value = each.get("Value") if isinstance(each, dict) else each
                yield f"{member} = {as_text(value)}"
            elif member not in _DULL and each not in ("", None):
                yield from _told(member, each, below.get(member))
    elif isinstance(given, list):
        for each in given:
            if isinstance(each, dict):
                yield from _told(name, each, None)
            else:
                yield f"{label}{as_text(each)}"
                label = "and "
    elif as_text(given):
        yield f"{label}{_short(name, as_text(given))}"


_MAPS = frozenset(
    {"Attributes", "FlowAttributes", "LambdaInvocationAttributes", "Tags", "Input", "References"}
)
_DULL = frozenset({"Version", "SourceType", "MediaType"})


def _displayed(display: object) -> str:
    """The name that the console knows for an ARN."""
    if not isinstance(display, dict):
        return ""
    found = display.get("displayName") or display.get("text")
    return found if isinstance(found, str) else ""


def _short(name: str, text: str) -> str:
    """What says most of a value: the name in a name, the last part of an ARN, a spoken text."""
    if name in {"Text", "SSML"}:
        spoken = re.sub("<[^>]*>", " ", text) if name == "SSML" else text
        return f"“{' '.join(spoken.split())}”"
    named = re.fullmatch(r"\$\{[a-z_]+:([^{}]*)\}(.*)", text)
    if named:
        return f"{named[1]}{named[2]}"
    if text.startswith("arn:"):
        return re.split(r"[/]|:function:", text)[-1]
    return text


# Branches

_OPERATORS = {
    "Equals": "=",
    "NumberGreaterThan": ">",
    "NumberGreaterOrEqualTo": "≥",
    "NumberLessThan": "<",
    "NumberLessOrEqualTo": "≤",
    "TextStartsWith": "starts with",
    "TextEndsWith": "ends with",
    "TextContains": "contains",
    "KeyExists": "has",
}
_RESULTS = {
    ("CheckHoursOfOperation", "True"): "In hours",
    ("CheckHoursOfOperation", "False"): "Out of hours",
    ("Loop", "ContinueLooping"): "Looping",
    ("Loop", "DoneLooping"): "Complete",
    ("Wait", "WaitCompleted"): "Time expired",
    ("MessageParticipantIteratively", "MessagesInterrupted"): "Interrupted",
}
_ERRORS = {
    "NoMatchingError": "Error",
    "NoMatchingCondition": "No match",
    "InputTimeLimitExceeded": "Timeout",
    "TimeLimitExceeded": "Timeout",
    "ConnectionTimeLimitExceeded": "Timeout",
    "QueueAtCapacity": "At capacity",
}


def condition(action: Action, given: Condition) -> str:
    """What the branch of a condition is called."""
    result = _RESULTS.get((action.type, given.operand))
    if result and given.operator == "Equals":
        return result
    if action.type == "GetParticipantInput":
        return f"Pressed {given.operand}"
    return f"{_OPERATORS.get(given.operator, given.operator)} {given.operand}"


def error(name: str) -> str:
    """What the branch of an error is called."""
    return _ERRORS.get(name) or apart(name)
