"""Advice: each problem of a flow with its place, its action, and what to write instead.

`ringfloor flow check` and `import` show findings. What is wrong is decided by language.parse alone,
in the words that the API answers: what is wrong, `Path: ...`, and what to write instead. This
module takes those apart, finds the line, and knows better only what holds for files: that things
can be called by name, and which action a block of the console is.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Refusal
from ringfloor.flow import catalog, language
from ringfloor.flow.envelope import Letter


class Finding(Struct, frozen=True):
    """One problem. action, type, parameter: empty where it is about none.

    message: what is wrong. instead: what to write; empty where nobody knows.
    """

    line: int
    column: int
    path: str
    action: str
    type: str
    parameter: str
    message: str
    instead: str


def findings(letter: Letter, flow_type: str, *, lenient: bool) -> list[Finding]:
    """All problems of a flow, in the order of its text; no more than FLOW_PROBLEMS_MAX."""
    try:
        language.parse(letter.content, flow_type, published=True, lenient=lenient)
    except Refusal as refusal:
        problems = refusal.members["problems"]
        assert isinstance(problems, list), "as language says"
        actions = _actions(letter.content)
        found = [_finding(letter, actions, problem["message"]) for problem in problems]
        return sorted(found, key=lambda each: (each.line, each.column))
    return []


_PARTS = re.compile(r"(?s)(.*?)[.,]? Path: (.*?)(?:\. (.*))?")
"""What is wrong, where, and what to write instead."""


def _finding(letter: Letter, actions: list[Any], message: str) -> Finding:
    parts = _PARTS.fullmatch(message)
    wrong, path, instead = parts.groups("") if parts else (message, "", "")
    number = re.match(r"Actions\[([0-9]+)\]\.?", path)
    given = actions[int(number[1])] if number and int(number[1]) < len(actions) else None
    action = given if isinstance(given, dict) else {}
    type_ = _text(action.get("Type"))
    inside = path[number.end() :] if number else path
    place = letter.at(path)
    return Finding(
        place.line,
        place.column,
        path,
        _text(action.get("Identifier")),
        type_,
        inside.removeprefix("Parameters."),
        wrong,
        _better(type_, inside, action.get("Parameters")) or instead,
    )


def _better(type_: str, inside: str, parameters: object) -> str:
    """What to write instead, where a file allows more than the API does."""
    if inside == "Type":
        block = BLOCKS.get(type_)
        return f"That block is the type {block}" if block else ""
    row = catalog.row_of(type_, parameters if isinstance(parameters, dict) else {})
    parameter = re.sub(r"\[[0-9]+\]", "[]", inside.removeprefix("Parameters."))
    for name, kind in row.references if row is not None else ():
        if kind in EXAMPLES and (
            parameter == name or (name.endswith(".*") and parameter.startswith(name[:-1]))
        ):
            return f'Name it ("{EXAMPLES[kind]}"), or give its ARN, its id or one reference'
    return ""


def _actions(content: str) -> list[Any]:
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    found = document.get("Actions") if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


def _text(given: object) -> str:
    return given if isinstance(given, str) else ""


EXAMPLES: Mapping[str, str] = {
    "queue": "${queue:Sales}",
    "agent": "${agent:ann}",
    "prompt": "${prompt:Beep.wav}",
    "flow": "${flow:Main menu}",
    "module": "${module:Ask for number}",
    "hours": "${hours:Basic Hours}",
    "function": "${lambda:look-up-customer}",
    "view": "${view:Form}",
}
"""How things are called by name, by catalog's word for their kind."""

BLOCKS: Mapping[str, str] = {
    "ChangeRoutingPriority": "UpdateContactRoutingBehavior",
    "CheckContactAttributes": "Compare",
    "CheckQueueStatus": "CheckMetricData with MetricType NumberOfContactsInQueue",
    "CheckStaffing": "CheckMetricData with MetricType NumberOfAgentsStaffed",
    "Disconnect": "DisconnectParticipant",
    "EndFlow": "EndFlowExecution",
    "GetCustomerInput": "GetParticipantInput or ConnectParticipantWithLexBot",
    "HoldCustomerOrAgent": "UpdatePreviousContactParticipantState",
    "LoopPrompts": "MessageParticipantIteratively",
    "PlayPrompt": "MessageParticipant",
    "SetCallbackNumber": "UpdateContactCallbackNumber",
    "SetContactAttributes": "UpdateContactAttributes",
    "SetCustomerQueueFlow": "UpdateContactEventHooks with the hook CustomerQueue",
    "SetDisconnectFlow": "UpdateContactEventHooks with the hook CustomerRemaining",
    "SetHoldFlow": "UpdateContactEventHooks with the hook CustomerHold or AgentHold",
    "SetLoggingBehavior": "UpdateFlowLoggingBehavior",
    "SetRecordingBehavior": "UpdateContactRecordingBehavior",
    "SetVoice": "UpdateContactTextToSpeechVoice",
    "SetWhisperFlow": "UpdateContactEventHooks with the hook CustomerWhisper or AgentWhisper",
    "SetWorkingQueue": "UpdateContactTargetQueue",
    "StoreCustomerInput": "GetParticipantInput with StoreInput True",
    "TransferContactToFlow": "TransferToFlow",
    "TransferToPhoneNumber": "TransferParticipantToThirdParty",
    "TransferToQueue": "TransferContactToQueue",
}
"""What people write who know a block by its name in the console, and the type that it has."""
