"""Language: content becomes a flow, or is refused with every problem it has."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_builders import a_document, an_action, real_flows, type_of
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    FLOW_ACTIONS_MAX,
    FLOW_CONTENT_CHARS_MAX,
    FLOW_PROBLEMS_MAX,
)
from ringfloor.flow.catalog import CATALOG
from ringfloor.flow.language import Condition, Flow, parse, static_references

NME = ("NoMatchingError",)
NMC = ("NoMatchingCondition",)
TIMEOUT = ("InputTimeLimitExceeded",)
MENU = {"InputTimeLimitSeconds": "5"}
STORE = {
    "InputTimeLimitSeconds": "5",
    "StoreInput": "True",
    "InputValidation": {"CustomValidation": {"MaximumLength": "4"}},
}
PHONE = {**STORE, "InputValidation": {"PhoneNumberValidation": {"NumberFormat": "E164"}}}
INVOKE = {"LambdaFunctionARN": "arn:f", "InvocationTimeLimitSeconds": "3"}
TRUE_FALSE = {("Equals", "True"): "a", ("Equals", "False"): "b"}
LOOPS = {("Equals", "ContinueLooping"): "a", ("Equals", "DoneLooping"): "b"}
STAFFED = {"MetricType": "NumberOfAgentsStaffed"}
HOLD = {"Messages": [{"Text": "x"}]}
MEDIA = {"Uri": "s3://b/k", "SourceType": "S3", "MediaType": "Audio"}
RECORDING = "UpdateContactRecordingAndAnalyticsBehavior"


def problems(content: str, flow_type: str = "CONTACT_FLOW", **how: bool) -> list[str]:
    """What a content is refused for, in the service's words, without what to write instead."""
    return [". ".join(message.split(". ")[:2]) for message in told(content, flow_type, **how)]


def told(content: str, flow_type: str = "CONTACT_FLOW", **how: bool) -> list[str]:
    """What a content is refused for; published unless said otherwise."""
    try:
        parse(content, flow_type, **({"published": True} | how))
    except Refusal as refusal:
        refused = refusal
    else:
        return []
    assert (refused.code, refused.message) == ("InvalidContactFlowException", None)
    listed: Any = refused.members["problems"]
    assert all(list(problem) == ["message"] for problem in listed)
    return [problem["message"] for problem in listed]


def problems_of(action: dict[str, Any], flow_type: str = "CONTACT_FLOW", **how: bool) -> list[str]:
    """What a flow is refused for that has this action first."""
    document = a_document(action)
    if flow_type == "CUSTOMER_HOLD":
        for end in document["Actions"][1:]:
            end |= {"Type": "MessageParticipantIteratively", "Parameters": HOLD}
    return problems(json.dumps(document), flow_type, **how)


# Accepted


@pytest.mark.parametrize(
    ("action", "flow_type"),
    [
        (an_action("MessageParticipant", {"Text": "Hi"}), "CONTACT_FLOW"),
        (an_action("MessageParticipant", {"Media": MEDIA}, errors=NME), "AGENT_TRANSFER"),
        (
            an_action("MessageParticipant", {"SSML": "x", "SkipWhenDTMFBufferEnabled": "false"}),
            "CUSTOMER_WHISPER",
        ),
        (
            an_action(
                "MessageParticipantIteratively",
                {"Messages": [{"Text": "x"}], "InterruptFrequencySeconds": 30},
                when={("Equals", "MessagesInterrupted"): "a"},
                then=None,
            ),
            "CUSTOMER_QUEUE",
        ),
        (
            an_action(
                "GetParticipantInput",
                {**MENU, "Text": "x", "StoreInput": False},
                when={("Equals", "1"): "a", ("Equals", "*"): "b"},
                errors=NME + NMC + TIMEOUT,
            ),
            "CONTACT_FLOW",
        ),
        (an_action("GetParticipantInput", STORE, errors=NME), "QUEUE_TRANSFER"),
        (
            an_action("GetParticipantInput", PHONE, errors=(*NME, "InvalidPhoneNumber")),
            "CONTACT_FLOW",
        ),
        (
            an_action(
                "GetParticipantInput",
                {
                    **STORE,
                    "InputEncryption": {"EncryptionKeyId": "k", "Key": "pem"},
                    "DTMFConfiguration": {
                        "InputTerminationSequence": "*1#",
                        "DisableCancelKey": True,
                        "InterdigitTimeLimitSeconds": "$.Attributes.wait",
                    },
                },
                errors=NME,
            ),
            "CONTACT_FLOW",
        ),
        (an_action("InvokeLambdaFunction", INVOKE, errors=NME), "CUSTOMER_WHISPER"),
        (
            an_action(
                "InvokeLambdaFunction",
                {
                    "LambdaFunctionARN": "$.FlowAttributes.f",
                    "InvocationTimeLimitSeconds": 8,
                    "LambdaInvocationAttributes": {"a": "$.External.b"},
                    "InvocationType": "ASYNCHRONOUS",
                    "ResponseValidation": {"ResponseType": "JSON"},
                },
                errors=NME,
            ),
            "CONTACT_FLOW",
        ),
        (
            an_action("UpdateContactAttributes", {"Attributes": {"a": "b"}}, errors=NME),
            "CONTACT_FLOW",
        ),
        (an_action("UpdateContactTargetQueue", {"QueueId": "q"}, errors=NME), "CONTACT_FLOW"),
        (an_action("TransferContactToQueue", errors=(*NME, "QueueAtCapacity")), "CONTACT_FLOW"),
        (
            an_action("TransferContactToQueue", then=None, errors=(*NME, "QueueAtCapacity")),
            "CONTACT_FLOW",
        ),
        (
            an_action(
                "Compare",
                {"ComparisonValue": "$.External.list[0]"},
                when={("NumberLessOrEqualTo", "3"): "a", ("TextContains", "x"): "b"},
                errors=NMC,
            ),
            "CUSTOMER_HOLD",
        ),
        (
            an_action("TransferToFlow", {"ContactFlowId": "$.Attributes.f"}, errors=NME),
            "CONTACT_FLOW",
        ),
        (
            an_action("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Disabled"}),
            "CONTACT_FLOW",
        ),
        (an_action("CheckHoursOfOperation", when=TRUE_FALSE, errors=NME), "CONTACT_FLOW"),
        (
            an_action(
                "CheckMetricData",
                STAFFED,
                when={("NumberGreaterThan", "0"): "a"},
                errors=NME + NMC,
            ),
            "QUEUE_TRANSFER",
        ),
        (
            an_action(
                "CheckMetricData",
                {"MetricType": "OldestContactInQueueAgeSeconds"},
                when={("Equals", "300000"): "a"},
                errors=NME + NMC,
            ),
            "CONTACT_FLOW",
        ),
        (an_action("Loop", {"LoopCount": "0"}, when=LOOPS), "CONTACT_FLOW"),
        (
            an_action(
                "Wait",
                {"TimeLimitSeconds": "60", "Events": ["BotParticipantDisconnected"]},
                when={
                    ("Equals", "WaitCompleted"): "a",
                    ("Equals", "BotParticipantDisconnected"): "b",
                },
                errors=(*NME, "ParticipantNotFound"),
            ),
            "CONTACT_FLOW",
        ),
        (an_action("UpdateContactEventHooks", {"EventHooks": {"AgentHold": "f"}}, errors=NME), "x"),
        (an_action("UntagContact", {"TagKeys": ["a"]}, errors=NME), "CAMPAIGN"),
        (an_action("EndFlowModuleExecution", then=None), "MODULE"),
        (
            an_action(
                "TransferParticipantToThirdParty",
                {"ThirdPartyPhoneNumber": "+1", "ContinueFlowExecution": "False"},
                errors=NME,
            ),
            "CONTACT_FLOW",
        ),
        (an_action(RECORDING, {"VoiceBehavior": {}}, errors=(*NME, "ChannelMismatch")), "MODULE"),
        (
            an_action(
                "CreateContact",
                {"Whatever": 1, "Data": {"List": [""]}},
                when={("Equals", "1"): "a"},
                errors=("Odd",),
            ),
            "CONTACT_FLOW",
        ),
        (an_action("UpdateContactMediaProcessing", {"New": {}}, errors=NME), "CONTACT_FLOW"),
    ],
)
def test_what_the_service_accepts_is_accepted(action, flow_type):
    assert problems_of(action, flow_type) == []


def test_a_flow_holds_what_was_written():
    action = an_action(
        "Compare",
        {"ComparisonValue": "$.Channel"},
        when={("Equals", "CHAT"): "chat"},
        errors=NMC,
    )
    flow = parse(json.dumps(a_document(action)), "CONTACT_FLOW", published=True)
    assert flow.start == "it"
    found = flow.actions["it"]
    assert (found.type, found.parameters) == ("Compare", {"ComparisonValue": "$.Channel"})
    assert (found.next, found.errors) == ("next", (("NoMatchingCondition",) * 2,))
    assert found.conditions == (Condition("Equals", "CHAT", "chat"),)
    assert set(flow.actions) == {"it", "next", "chat", "NoMatchingCondition"}


def test_operands_may_be_numbers_and_booleans():
    action = an_action("Compare", {"ComparisonValue": "$.A.b"}, errors=NMC)
    action["Transitions"]["Conditions"] = [
        {"NextAction": "a", "Condition": {"Operator": "Equals", "Operands": [given]}}
        for given in (5, 1.5, True)
    ]
    flow = parse(json.dumps(a_document(action)), "CONTACT_FLOW", published=True)
    assert [condition.operand for condition in flow.actions["it"].conditions] == [
        "5",
        "1.5",
        "true",
    ]


# Refused: the texts of the service


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            an_action("PlayPrompt", {"Text": "x"}),
            "Invalid Action type. Type: PlayPrompt, Path: Actions[0].Type",
        ),
        (
            an_action("TransferContactToQueue", errors=NME),
            "Action is missing required error. Error: QueueAtCapacity, Path: Actions[0]",
        ),
        (
            an_action("Compare", {"ComparisonValue": "$.Channel"}, errors=NMC + NME),
            "Invalid Action error. Error: NoMatchingError, Path: Actions[0]",
        ),
        (
            an_action("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, errors=NME),
            "Invalid Action error. Error: NoMatchingError, Path: Actions[0]",
        ),
        (
            an_action("GetParticipantInput", STORE, errors=NME + TIMEOUT),
            "Invalid Action error. Error: InputTimeLimitExceeded, Path: Actions[0]",
        ),
        (
            an_action("GetParticipantInput", PHONE, errors=NME),
            "Action is missing required error. Error: InvalidPhoneNumber, Path: Actions[0]",
        ),
        (
            an_action("GetParticipantInput", MENU, errors=NME + NMC),
            "Action is missing required error. Error: InputTimeLimitExceeded, Path: Actions[0]",
        ),
        (
            an_action("TransferContactToQueue", {"QueueId": "q"}, errors=(*NME, "QueueAtCapacity")),
            "Invalid Action property name. Path: Actions[0].Parameters.QueueId",
        ),
        (
            an_action("UpdateContactTargetQueue", {"QueueId": {"Id": "q"}}, errors=NME),
            "Invalid Action property value. Path: Actions[0].Parameters.QueueId",
        ),
        (
            an_action("Compare", {"ComparisonValue": "gold"}, errors=NMC),
            "Invalid Action property value. Path: Actions[0].Parameters.ComparisonValue",
        ),
        (
            an_action(
                "InvokeLambdaFunction", {**INVOKE, "InvocationTimeLimitSeconds": 9}, errors=NME
            ),
            "Invalid Action property value. Path: Actions[0].Parameters.InvocationTimeLimitSeconds",
        ),
        (
            an_action("UpdateContactAttributes", {"Attributes": {"a": ""}}, errors=NME),
            "Invalid Action property value. Path: Actions[0].Parameters.Attributes.a",
        ),
        (
            an_action("InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, errors=NME),
            (
                "Action is missing required property. Path: "
                "Actions[0].Parameters.InvocationTimeLimitSeconds"
            ),
        ),
        (
            an_action("MessageParticipant", {"Text": "x"}, then=None),
            "Action is missing required property. Path: Actions[0].Transitions.NextAction",
        ),
        (
            an_action("DisconnectParticipant"),
            "Action does not support transitions. Path: Actions[0]",
        ),
        (
            an_action("DisconnectParticipant", then=None, errors=NME),
            "Action does not support transitions. Path: Actions[0]",
        ),
        (
            an_action("DisconnectParticipant", then=None, when={("Equals", "1"): "a"}),
            "Action does not support transitions. Path: Actions[0]",
        ),
        (
            an_action(
                "GetParticipantInput",
                {**STORE, "DTMFConfiguration": {"DisableInput": "True"}},
                errors=NME,
            ),
            "Invalid Action property value. Path: Actions[0].Parameters.DTMFConfiguration",
        ),
        (
            an_action("GetParticipantInput", {**STORE, "InputValidation": {}}, errors=NME),
            "Invalid Action property value. Path: Actions[0].Parameters.InputValidation",
        ),
        (
            an_action("InvokeLambdaFunction", {**INVOKE, "ResponseValidation": {}}, errors=NME),
            "Invalid Action property value. Path: Actions[0].Parameters.ResponseValidation",
        ),
        (
            an_action("MessageParticipant", {"Text": "x"}, when={("Equals", "1"): "a"}),
            "Action does not support conditions. Path: Actions[0]",
        ),
        (
            an_action("GetParticipantInput", STORE, when={("Equals", "1"): "a"}, errors=NME),
            "Action does not support conditions. Path: Actions[0]",
        ),
        (
            an_action("MessageParticipant", {"Text": "x", "SSML": "y"}),
            (
                "Only one of these properties may be defined. Properties: [Text, SSML], "
                "Path: Actions[0].Parameters"
            ),
        ),
        (
            an_action("MessageParticipant"),
            (
                "At least one of the following properties must be set. Properties: "
                "[Parameters.PromptId, Parameters.Text, Parameters.SSML, Parameters.Media], "
                "Path: Actions[0].Parameters"
            ),
        ),
        (
            an_action("CheckHoursOfOperation", when={("Equals", "True"): "a"}, errors=NME),
            "Invalid Action property value. Path: Actions[0].Transitions.Conditions",
        ),
        (
            an_action("CheckMetricData", STAFFED, when={("Equals", "0"): "a"}, errors=NME + NMC),
            (
                "Invalid Action property value. Path: "
                "Actions[0].Transitions.Conditions[0].Condition.Operator"
            ),
        ),
        (
            an_action(
                "GetParticipantInput",
                MENU,
                when={("Equals", "12"): "a"},
                errors=NME + NMC + TIMEOUT,
            ),
            (
                "Invalid Action property value. Path: "
                "Actions[0].Transitions.Conditions[0].Condition.Operands"
            ),
        ),
        (
            an_action("EndFlowExecution", then=None),
            "Invalid Action type. Type: EndFlowExecution, Path: Actions[0].Type",
        ),
        (
            an_action(RECORDING, {"ChatBehavior": {}}, errors=(*NME, "ChannelMismatch")),
            (
                "Action is missing required error. Error: InFlightRedactionConfigurationFailed, "
                "Path: Actions[0]"
            ),
        ),
        (
            an_action(
                "TransferParticipantToThirdParty",
                {"ThirdPartyPhoneNumber": "+1"},
                errors=(*NME, "CallFailed"),
            ),
            (
                "Action is missing required error. Error: ConnectionTimeLimitExceeded, "
                "Path: Actions[0]"
            ),
        ),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_words(action, expected):
    assert problems_of(action) == [expected]
    assert problems_of(action, published=False) == []


KEYED = {("KeyExists", "tier"): "a"}


@pytest.mark.parametrize(
    ("action", "instead"),
    [
        (an_action("MessageParticipent", {"Text": "x"}), "Did you mean MessageParticipant?"),
        (an_action("Nonsense"), None),
        (
            an_action("EndFlowExecution", then=None),
            (
                "It is not available in a flow of type CONTACT_FLOW, but in AGENT_WHISPER, "
                "CUSTOMER_QUEUE, CUSTOMER_WHISPER and OUTBOUND_WHISPER"
            ),
        ),
        (an_action("MessageParticipant", {"Text": "x", "Txt": "y"}), "Did you mean Text?"),
        (
            an_action("UpdateContactTargetQueue", {"QueueId": "q", "Zzz": "y"}, errors=NME),
            "Known are AgentId and QueueId",
        ),
        (
            an_action("TransferContactToQueue", {"Zzz": "q"}, errors=(*NME, "QueueAtCapacity")),
            "This action takes no parameters",
        ),
        (
            an_action("InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, errors=NME),
            "It must be a whole number from 1 to 8",
        ),
        (
            an_action("GetParticipantInput", {"InputTimeLimitSeconds": "180"}, errors=NME + NMC),
            "It must be a whole number from 1 to 179",
        ),
        (
            an_action("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "On"}),
            "It must be Enabled or Disabled",
        ),
        (
            an_action("Loop", {"LoopCount": "many"}, when=LOOPS),
            "It must be a whole number from 0 to 100, or a reference to one",
        ),
        (
            an_action("Compare", {"ComparisonValue": "gold"}, errors=NMC),
            "It must be one reference such as $.Attributes.name and nothing else",
        ),
        (
            an_action("UpdateContactAttributes", {"Attributes": {"a": ""}}, errors=NME),
            "It must not be empty; leave it out instead",
        ),
        (
            an_action("UpdateFlowAttributes", {"FlowAttributes": {"a": "b"}}, errors=NME),
            (
                "It must be an object, each an object with {Value: any value; "
                "Type (optional): a text, with or without references}"
            ),
        ),
        (
            an_action("MessageParticipant", {"Text": "x", "SSML": "y"}),
            "Keep one of them",
        ),
        (
            an_action("TransferContactToQueue", errors=NME),
            'Transitions.Errors needs {"ErrorType": "QueueAtCapacity", "NextAction": ...}',
        ),
        (
            an_action("Compare", {"ComparisonValue": "$.A.b"}, errors=(*NMC, "Whatever")),
            "It fails with NoMatchingCondition",
        ),
        (
            an_action("MessageParticipant", {"Text": "x"}, errors=("NoMatchingEror",)),
            "Did you mean NoMatchingError?",
        ),
        (
            an_action(
                "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, errors=("X",)
            ),
            "This action has no errors",
        ),
        (an_action("DisconnectParticipant"), "Transitions must be {}"),
        (
            an_action("MessageParticipant", {"Text": "x"}, when={("Equals", "1"): "a"}),
            "It has no result; a Compare after it can ask for a value",
        ),
        (
            an_action("CheckMetricData", STAFFED, when={("Equals", "0"): "a"}, errors=NME + NMC),
            "It must be NumberGreaterThan",
        ),
        (
            an_action(
                "GetParticipantInput",
                MENU,
                when={("Equals", "12"): "a"},
                errors=NME + NMC + TIMEOUT,
            ),
            "It must be a list of one entry: one key, 0 to 9, * or #",
        ),
        (
            an_action("CheckHoursOfOperation", then="x", errors=NME),
            "It needs a condition Equals False and one Equals True",
        ),
        (
            an_action("MessageParticipant", {"Text": "x"}, then=None),
            "It must be the Identifier of the action that follows",
        ),
        (
            an_action("DisconnectParticipant", identifier="a:b", then=None),
            (
                r"It must have 1 to 50 characters, none of % : ( \ / ) = $ , ; [ ] { }, and be no "
                "name that JavaScript reserves, such as constructor"
            ),
        ),
        (
            an_action("Compare", {"ComparisonValue": "$.A.b"}, when={("And", "x"): "a"}),
            (
                "It must be Equals, KeyExists, NumberGreaterOrEqualTo, NumberGreaterThan, "
                "NumberLessOrEqualTo, NumberLessThan, TextContains, TextEndsWith or TextStartsWith"
            ),
        ),
        (
            an_action("TransferToFlow", {"ContactFlowId": "$.A and b"}, errors=NME),
            "It must be a text, or one reference such as $.Attributes.name and nothing else",
        ),
    ],
)
def test_a_problem_ends_with_what_to_write_instead(action, instead):
    message = told(json.dumps(a_document(action)))[0]
    if instead is None:
        assert message.endswith("Path: Actions[0].Type")
    else:
        assert message.endswith(f". {instead}")


def test_a_lost_branch_says_what_it_names_and_what_may_be_meant():
    document = a_document(an_action("MessageParticipant", {"Text": "x"}, then="good bye"))
    document["Actions"][1]["Identifier"] = "goodbye"
    assert told(json.dumps(document)) == [
        (
            "Invalid Action property value. Path: Actions[0].Transitions.NextAction. "
            "No action has the Identifier 'good bye'. Did you mean goodbye?"
        )
    ]
    document |= {"StartAction": "itt"}
    assert told(json.dumps(document))[0].endswith("It must name one of Actions. Did you mean it?")


def test_many_long_unknown_names_are_refused_at_once():
    actions = [
        {"Identifier": f"n{number}", "Type": f"Messageparticipant{number}", "Parameters": {}}
        for number in range(3_000)
    ]
    long = [{"Identifier": "x", "Type": "T" * 20_000, "Parameters": {}}]
    document = {"Version": "2019-10-30", "StartAction": "0", "Actions": long + actions}
    assert len(told(json.dumps(document))) == FLOW_PROBLEMS_MAX


@pytest.mark.parametrize(
    ("type_", "parameters", "more"),
    [
        ("Compare", {"ComparisonValue": "$.External.a"}, {"when": KEYED, "errors": NMC}),
        ("UpdateContactRoutingBehavior", {"QueuePriority": "$.Attributes.p"}, {}),
        ("UpdateContactRoutingBehavior", {"QueueTimeAdjustmentSeconds": "-60"}, {}),
        ("UpdateRoutingCriteria", {"RoutingCriteria": "$.External.criteria"}, {"errors": NME}),
        ("UpdateContactRoutingCriteria", {"RoutingCriteria": {"Steps": []}}, {"errors": NME}),
        (
            "TransferParticipantToThirdParty",
            {
                "ThirdPartyPhoneNumber": "$.Attributes.n",
                "ThirdPartyConnectionTimeLimitSeconds": "$.Attributes.s",
                "ThirdPartyDTMFDigits": "1,,$.Attributes.pin",
                "ContinueFlowExecution": "False",
                "CallerId": {"Number": "$.SystemEndpoint.Address", "Name": "us"},
            },
            {"errors": NME},
        ),
        (
            "CreateCallbackContact",
            {
                "InitialCallDelaySeconds": "$.Attributes.d",
                "MaximumConnectionAttempts": "$.Attributes.m",
                "RetryDelaySeconds": "600",
                "QueueId": "$.Queue.ARN",
            },
            {"errors": NME},
        ),
        (
            "ShowView",
            {
                "ViewResource": {"Id": "v", "Version": "Latest"},
                "InvocationTimeLimitSeconds": "$.Attributes.s",
                "ViewData": {"Items": ["$.Attributes.a"]},
            },
            {"errors": (*NMC, *NME, "TimeLimitExceeded")},
        ),
        (
            "UpdateFlowAttributes",
            {"FlowAttributes": {"a": {"Value": "$.External.b", "Type": "String"}}},
            {"errors": NME},
        ),
        (
            "CreateTask",
            {
                "Name": "$.Attributes.n",
                "ContactFlowId": "$.Attributes.f",
                "DelaySeconds": "60",
                "References": {"link": {"Type": "URL", "Value": "$.External.url"}},
            },
            {"errors": NME},
        ),
        (
            "InvokeFlowModule",
            {"FlowModuleId": "$.Attributes.m", "Input": {"a": "$.External.b"}},
            {"when": {("Equals", "found"): "a"}, "errors": NME + NMC},
        ),
        (
            "ConnectParticipantWithLexBot",
            {
                "Text": "Hi $.Customer.FirstName",
                "LexV2Bot": {"AliasArn": "$.FlowAttributes.bot"},
                "LexSessionAttributes": {"a": "$.Attributes.b"},
                "LexTimeoutSeconds": {"Text": "300"},
            },
            {"when": {("Equals", "Order"): "a"}, "errors": NME + NMC + TIMEOUT},
        ),
        ("UpdateContactData", {"Name": "$.External.name"}, {"errors": NME}),
        ("TagContact", {"Tags": {"a": "$.Attributes.b"}}, {"errors": NME}),
        (
            "Wait",
            {"TimeLimitSeconds": "$.Attributes.s"},
            {"when": {("Equals", "WaitCompleted"): "a"}, "errors": NME},
        ),
    ],
)
def test_values_may_be_dynamic_where_the_service_has_them_so(type_, parameters, more):
    assert told(json.dumps(a_document(an_action(type_, parameters, **more)))) == []


def test_a_module_gives_back_a_branch_and_data():
    back = an_action(
        "EndFlowModuleExecution",
        {"Result": "found", "ResultData": {"id": "$.External.id"}},
        then=None,
    )
    assert told(json.dumps(a_document(back)), "MODULE") == []


def test_lenient_asks_only_for_what_a_flow_needs_to_run():
    sloppy = an_action("TransferContactToQueue", {"QueueId": "q", "x": ""}, then=None)
    assert len(problems_of(sloppy)) == 5
    assert problems_of(sloppy, lenient=True) == []
    assert problems_of(an_action("PlayPrompt"), lenient=True) == [
        "Invalid Action type. Type: PlayPrompt, Path: Actions[0].Type"
    ]


def test_all_problems_are_told_at_once():
    document = a_document(
        an_action("MessageParticipant", {"Txt": "x"}, errors=("QueueAtCapacity",)),
        an_action("Nonsense", identifier="other"),
    )
    document["Version"] = "2018"
    assert problems(json.dumps(document)) == [
        "Invalid property value. Path: Version",
        "Invalid Action property name. Path: Actions[0].Parameters.Txt",
        (
            "At least one of the following properties must be set. Properties: "
            "[Parameters.PromptId, Parameters.Text, Parameters.SSML, Parameters.Media], "
            "Path: Actions[0].Parameters"
        ),
        "Invalid Action error. Error: QueueAtCapacity, Path: Actions[0]",
        "Invalid Action type. Type: Nonsense, Path: Actions[1].Type",
    ]


# The document


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"StartAction": "nowhere"}, "StartAction"),
        ({"StartAction": ["it"]}, "StartAction"),
        ({"StartAction": None}, "StartAction"),
        ({"Version": None}, "Version"),
    ],
)
def test_a_document_names_its_version_and_its_start(change, expected):
    document = a_document(an_action("DisconnectParticipant", then=None)) | change
    assert [problem.split(". ")[1] for problem in problems(json.dumps(document))] == [
        f"Path: {expected}"
    ]


@pytest.mark.parametrize(
    "identifier",
    ["", "x" * 51, "constructor", "a:b", "a/b", "a\\b", "50%", "a,b", "{a}", "[a]", "a=b", "$a"],
)
def test_identifiers_are_restricted(identifier):
    document = a_document(an_action("DisconnectParticipant", identifier=identifier, then=None))
    assert problems(json.dumps(document)) == [
        "Invalid Action property value. Path: Actions[0].Identifier"
    ]


@pytest.mark.parametrize("identifier", ["x" * 50, "ask the customer", "größe", "a#b.c-d_e|f?"])
def test_identifiers_may_be_words(identifier):
    document = a_document(an_action("DisconnectParticipant", identifier=identifier, then=None))
    assert problems(json.dumps(document)) == []


def test_identifiers_are_unique_and_the_first_one_counts():
    document = a_document(
        an_action("DisconnectParticipant", then=None), an_action("Wait", {"x": 1}, then=None)
    )
    assert problems(json.dumps(document), lenient=True) == [
        "Duplicate Action identifier. Identifier: it, Path: Actions[1].Identifier"
    ]
    flow = parse(json.dumps(document), "CONTACT_FLOW", published=False)
    assert flow.actions["it"].type == "DisconnectParticipant"


def test_branches_lead_to_actions():
    action = an_action(
        "Compare", {"ComparisonValue": "$.A.b"}, when={("Equals", "1"): "a"}, errors=NMC
    )
    document = a_document(action)
    del document["Actions"][1:]
    assert problems(json.dumps(document)) == [
        "Invalid Action property value. Path: Actions[0].Transitions.NextAction",
        "Invalid Action property value. Path: Actions[0].Transitions.Errors[0].NextAction",
        "Invalid Action property value. Path: Actions[0].Transitions.Conditions[0].NextAction",
    ]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"Operator": "And", "Operands": ["1"]}, ["Operator"]),
        ({"Operator": "Not", "Operands": [{"Operator": "Equals"}]}, ["Operator", "Operands"]),
        ({"Operator": {}, "Operands": ["1"]}, ["Operator"]),
        ({"Operator": "Equals", "Operands": ["1", "2"]}, ["Operands"]),
        ({"Operator": "Equals", "Operands": [""]}, ["Operands"]),
        ({"Operator": "Equals", "Operands": [{"Operator": "Equals"}]}, ["Operands"]),
        ({"Operator": "Equals"}, ["Operands"]),
        ({}, ["Operator", "Operands"]),
    ],
)
def test_a_condition_has_one_operator_and_one_operand(test, expected):
    action = an_action("Compare", {"ComparisonValue": "$.A.b"}, errors=NMC)
    action["Transitions"]["Conditions"] = [{"NextAction": "a", "Condition": test}]
    where = "Invalid Action property value. Path: Actions[0].Transitions.Conditions[0].Condition"
    expected = [f"{where}.{name}" for name in expected]
    assert problems_of(action, lenient=True) == expected
    assert problems_of(action, published=False) == []


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", r"Content is not JSON: .*"),
        ("{", r"Content is not JSON: .*"),
        ('"\ud800"', r"Content is not JSON: .*"),
        ("[" * 5_000, r"Content is not JSON: it is nested too deeply"),
        ("[]", r"Content must be a JSON object with StartAction and Actions"),
        ("null", r"Content must be a JSON object.*"),
        (
            '{"modules": [], "start": "x"}',
            r"Content is an export of the old .* DescribeContactFlow",
        ),
        (
            '{"Metadata": ' + "[" * 65 + "]" * 65 + "}",
            r"Content is nested deeper than 64 levels",
        ),
        (
            " " * (FLOW_CONTENT_CHARS_MAX + 1),
            r"Content has 256001 characters; at most 256000 are allowed",
        ),
        ('{"Actions": {}}', r"Invalid property value\. Path: Actions"),
        ('{"Actions": [1]}', r"Invalid Action property value\. Path: Actions\[0\]"),
        ('{"Actions": [{}]}', r"Action is missing required property\. Path: .*\.Identifier"),
        (
            '{"Actions": [{"Identifier": 1, "Type": "Wait"}]}',
            r"Invalid Action property value\. Path: Actions\[0\]\.Identifier",
        ),
        (
            '{"Actions": [{"Identifier": "a", "Type": "Wait", "Transitions": []}]}',
            r"Invalid Action property value\. Path: Actions\[0\]\.Transitions",
        ),
        (
            '{"Actions": [{"Identifier": "a", "Type": "Wait", "Transitions": {"Errors": [1]}}]}',
            r"Invalid Action property value\. Path: Actions\[0\]\.Transitions\.Errors\[0\]",
        ),
    ],
)
def test_content_has_a_shape(content, expected, published):
    assert re.fullmatch(expected, problems(content, published=published)[0])


def test_saved_content_may_be_unfinished():
    assert parse("{}", "CONTACT_FLOW", published=False) == Flow("", {})
    draft = {
        "StartAction": "a",
        "Actions": [
            {
                "Identifier": "a",
                "Type": "Unheard",
                "Parameters": None,
                "Transitions": {
                    "NextAction": "",
                    "Errors": [{"ErrorType": "X"}],
                    "Conditions": [{"Condition": {}}],
                },
            }
        ],
    }
    action = parse(json.dumps(draft), "CONTACT_FLOW", published=False).actions["a"]
    assert (action.next, action.errors) == (None, (("X", ""),))


def test_a_flow_has_250_actions_at_most():
    ends = [
        an_action("DisconnectParticipant", identifier=f"a{number}", then=None)
        for number in range(FLOW_ACTIONS_MAX + 1)
    ]
    assert problems(json.dumps(a_document(*ends[:-1]))) == []
    assert problems(json.dumps(a_document(*ends))) == ["Content has 251 actions; at most 250 fit"]


def test_a_refusal_stays_readable():
    assert len(problems(json.dumps({"Actions": [0] * 50_000}))) == FLOW_PROBLEMS_MAX


# What a flow names


def test_static_references_are_found_wherever_they_stand():
    flow = a_document(
        an_action("UpdateContactTargetQueue", {"AgentId": "u1"}, identifier="a"),
        an_action("UpdateContactTargetQueue", {"QueueId": "$.Attributes.q"}, identifier="b"),
        an_action("UpdateContactTargetQueue", {"QueueId": "q1"}, identifier="c"),
        an_action("InvokeLambdaFunction", INVOKE, identifier="d"),
        an_action("TransferToFlow", {"ContactFlowId": "f1"}, identifier="e"),
        an_action("UpdateContactEventHooks", {"EventHooks": {"AgentHold": "f2"}}, identifier="f"),
        an_action(
            "MessageParticipantIteratively",
            {"Messages": [{"PromptId": "p1"}, {"Text": "x"}, {"PromptId": "p2"}, 7]},
            identifier="g",
        ),
        an_action("CheckHoursOfOperation", {"HoursOfOperationId": "h1"}, identifier="h"),
        an_action("InvokeFlowModule", {"FlowModuleId": "m1"}, identifier="i"),
        an_action("GetParticipantInput", {"PromptId": "p3"}, identifier="j"),
        an_action("ConnectParticipantWithLexBot", {"LexV2Bot": {"AliasArn": "b"}}, identifier="l"),
        an_action("ShowView", {"ViewResource": {"Id": "v"}}, identifier="m"),
        an_action("ShowView", {"ViewResource": "v"}, identifier="n"),
        an_action("UpdateContactEventHooks", {"EventHooks": []}, identifier="k"),
    )
    assert static_references(parse(json.dumps(flow), "CONTACT_FLOW", published=False)) == (
        ("agent", "u1", "a", "AgentId"),
        ("queue", "q1", "c", "QueueId"),
        ("function", "arn:f", "d", "LambdaFunctionARN"),
        ("flow", "f1", "e", "ContactFlowId"),
        ("flow", "f2", "f", "EventHooks.*"),
        ("prompt", "p1", "g", "Messages[].PromptId"),
        ("prompt", "p2", "g", "Messages[].PromptId"),
        ("hours", "h1", "h", "HoursOfOperationId"),
        ("module", "m1", "i", "FlowModuleId"),
        ("prompt", "p3", "j", "PromptId"),
        ("bot", "b", "l", "LexV2Bot.AliasArn"),
        ("view", "v", "m", "ViewResource.Id"),
    )


def test_the_catalog_knows_every_type_of_the_specification():
    assert len(CATALOG) >= 65
    for type_, row in CATALOG.items():
        assert set(row.one_of + row.at_most_one) <= row.takes.keys(), type_
        assert not row.operators or row.follows != "none", type_
        assert row.follows in {"required", "optional", "none"}, type_


# Real flows

UNKNOWN_TYPE = r"Invalid Action type\. Type: \w+, Path: Actions\[\d+\]\.Type(\. Did .*)?"
WRONG_PLACE = r"Invalid Action type\..* It is not available in a flow of type OUTBOUND_WHISPER, .*"
NO_TARGET = r"Invalid Action property value\. Path: Actions\[\d+\]\.Transitions.*\.NextAction\. .*"
NO_ERROR = r"Action is missing required error\..*"
EMPTY = r"Invalid Action property value\. Path: .*\.(QueueId|ContactFlowId|AliasArn)\. .* empty.*"
TEMPLATE = r"Invalid Action property value\. Path: .*(LambdaFunctionARN|HoursOfOperationId)\. .*"
NO_PROPERTY = r"Action is missing required property\..*InvocationTimeLimitSeconds\. .*"
EXTRA_PROPERTY = r"Invalid Action property name\. Path: Actions\[\d+\]\.Parameters\.QueueId\. .*"

UNRUNNABLE = {
    "amazon-connect-copy__flow-Orphaned-20Flow__70fd47a037": [UNKNOWN_TYPE],
    "claude-connect-skills__create-from-scratch__bed297f1d4": [NO_TARGET],
    "sample-aicc-builder-for-amaz__callback-pattern__b151e30206": [UNKNOWN_TYPE],
}
"""Real flows that no leniency saves, and why: invented types, branches to nowhere."""

UNPUBLISHABLE = {
    **UNRUNNABLE,
    "amazon-connect-copy__flow-Main-20IVR__3983e19b39": [NO_ERROR],
    "amazon-connect-copy__flow-Orphaned-20Flow__70fd47a037": [
        UNKNOWN_TYPE,
        NO_ERROR,
        NO_PROPERTY,
        WRONG_PLACE,
    ],
    "amazon-connect-experience-bu__contact-flow-dtmf0-content__c4cc505616": [EMPTY],
    "amazon-connect-experience-bu__contact-flow-dtmf0__0e69328252": [EMPTY],
    "amazon-connect-experience-bu__contact-flow-hop-content__35803bcbb9": [EMPTY, TEMPLATE],
    "amazon-connect-experience-bu__contact-flow-journey-content__b80dda89b7": [EMPTY],
    "amazon-connect-experience-bu__contact-flow-setup-content__4f3e2955c2": [EMPTY],
    "amazon-connect-integration__sample-contact-flow-load-test__c82817fa4e": [TEMPLATE],
    "amazon-connect-integration__sample-contact-flow__88ec1118f6": [TEMPLATE],
    "amazon-connect-step-by-step-__SBS-Lex-Integration-Handler__9b21ec5c7f": [EMPTY],
    "sample-aicc-builder-for-amaz__callback-pattern__b151e30206": [UNKNOWN_TYPE, EXTRA_PROPERTY],
    "sample-aicc-builder-for-amaz__q-in-connect-self-service__55a00ed960": [
        NO_ERROR,
        EXTRA_PROPERTY,
    ],
}
"""Real flows that are refused as PUBLISHED, and why: besides those, templates with holes to fill,
and generated flows that the service would not take either."""

REAL = real_flows()


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("lenient", [True, False])
def test_real_flows_are_accepted_or_refused_for_a_known_reason(name, lenient):
    content = REAL[name]
    found = told(content, type_of(content), lenient=lenient)
    reasons = (UNRUNNABLE if lenient else UNPUBLISHABLE).get(name, [])
    unexplained = [
        problem for problem in found if not any(re.fullmatch(reason, problem) for reason in reasons)
    ]
    assert unexplained == []
    unused = [
        reason for reason in reasons if not any(re.fullmatch(reason, problem) for problem in found)
    ]
    assert unused == []


@pytest.mark.parametrize("name", REAL)
def test_every_real_flow_can_be_saved(name):
    flow = parse(REAL[name], "CONTACT_FLOW", published=False)
    assert len(flow.actions) == len(json.loads(REAL[name])["Actions"])
    assert flow.start in flow.actions


# Never anything but a Refusal


def attempt(content: str) -> None:
    for published, lenient in ((False, False), (True, True), (True, False)):
        problems(content, "CONTACT_FLOW", published=published, lenient=lenient)


@settings(deadline=None)
@given(st.text() | st.text(alphabet='{}[]",:01 \\u', max_size=60))
def test_any_text_is_parsed_or_refused(content):
    attempt(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from(["", "$.A", "5", "True"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Text", "Condition", "NextAction"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def replaced(value: Any, number: int, other: Any) -> tuple[Any, int]:
    """A copy of a JSON value with its number-th part replaced; what is left of the number."""
    if number == 0:
        return other, -1
    number -= 1
    if isinstance(value, dict):
        copy: Any = {}
        for key, member in value.items():
            copy[key], number = replaced(member, number, other) if number >= 0 else (member, -1)
        return copy, number
    if isinstance(value, list):
        copy = []
        for member in value:
            entry, number = replaced(member, number, other) if number >= 0 else (member, -1)
            copy.append(entry)
        return copy, number
    return value, number


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(REAL)), st.integers(0, 600), json_values)
def test_a_real_flow_with_a_wrong_part_is_parsed_or_refused(name, number, other):
    document = json.loads(REAL[name])
    document.pop("Metadata", None)
    attempt(json.dumps(replaced(document, number, other)[0]))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(REAL)), st.integers(0, 20_000), st.integers(0, 40), st.text())
def test_a_real_flow_with_torn_text_is_parsed_or_refused(name, place, size, other):
    content = REAL[name]
    attempt(content[:place] + other + content[place + size :])
