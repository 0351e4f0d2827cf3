"""Blocks: every executable action, every parameter, every branch."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_builders import VIEW, a_flow, an_action, asks, first, hears, place
from ringfloor.base import codec
from ringfloor.base.limits import (
    ATTRIBUTES_BYTES_MAX,
    FLOW_INPUT_DIGITS_MAX,
    FLOW_PROMPT_CHARS_MAX,
    FUNCTION_BYTES_MAX,
)
from ringfloor.domain.dialogue import (
    Answer,
    Digits,
    Disconnect,
    Done,
    Encryption,
    End,
    EnterFlow,
    EnterModule,
    Failed,
    Gather,
    Invoke,
    LeaveModule,
    Play,
    Prompt,
    SetAttributes,
    SetLogging,
    SetTargetQueue,
    TransferToQueue,
)
from ringfloor.flow.blocks import BLOCKS, ERROR_BRANCH, checked_reply, lambda_event
from ringfloor.flow.catalog import CATALOG
from ringfloor.flow.interpreter import step

ERROR = ("NoMatchingError",)
"""What every example has, so that a failure shows itself as a place."""


def test_every_type_of_the_language_is_executed_or_fails_for_a_reason():
    assert set(BLOCKS) | set(ERROR_BRANCH) == set(CATALOG)
    assert not set(BLOCKS) & set(ERROR_BRANCH)
    assert len(BLOCKS) == 46
    assert all(ERROR_BRANCH.values())


# MessageParticipant


@pytest.mark.parametrize(
    ("parameters", "view", "expected"),
    [
        ({"Text": "Hi $.Attributes.name"}, {}, Play(Prompt("text", "Hi Ann"))),
        ({"SSML": "<speak>$.Channel</speak>"}, {}, Play(Prompt("ssml", "<speak>VOICE</speak>"))),
        ({"PromptId": "p1"}, {}, Play(Prompt("prompt_id", "p1"))),
        ({"PromptId": "$.Queue.ARN"}, {}, Play(Prompt("prompt_id", "arn:aws:connect:q1"))),
        ({"PromptId": "$.Attributes.none"}, {}, "NoMatchingError"),
        ({"Media": {"Uri": "s3://b/k"}}, {}, "NoMatchingError"),
        ({}, {}, "NoMatchingError"),
        ({"Text": "$.Attributes.none"}, {}, "next"),
        ({"Text": 5}, {}, Play(Prompt("text", "5"))),
        ({"Text": "x" * FLOW_PROMPT_CHARS_MAX}, {}, Play(Prompt("text", "x" * 6_000))),
        ({"Text": "x" * (FLOW_PROMPT_CHARS_MAX + 1)}, {}, "NoMatchingError"),
        ({"Text": "Hi"}, {"Channel": "CHAT"}, Play(Prompt("text", "Hi"))),
        ({"SSML": "<speak/>"}, {"Channel": "CHAT"}, "NoMatchingError"),
        ({"PromptId": "p1"}, {"Channel": "CHAT"}, "NoMatchingError"),
        ({"Text": "Hi"}, {"Channel": "TASK"}, "next"),
        ({"PromptId": "p1"}, {"Channel": "TASK"}, "next"),
        ({"Text": "Hi"}, {"Channel": "EMAIL"}, "next"),
    ],
)
def test_a_message_is_played(parameters, view, expected):
    assert asks("MessageParticipant", parameters, **view) == expected


def test_a_message_leads_on():
    assert place(hears("MessageParticipant", {"Text": "x"}, Done())) == "next"
    assert place(hears("MessageParticipant", {"Text": "x"}, Failed("Whatever"))) == ERROR[0]
    assert hears("MessageParticipant", {"Text": "x"}, Failed("X"), ()).ask == End("dead_end")


# Input as it is asked for

MENU = {"Text": "Press 1", "InputTimeLimitSeconds": "5"}
STORE = {
    "Text": "Your number",
    "InputTimeLimitSeconds": 10,
    "StoreInput": "True",
    "InputValidation": {"CustomValidation": {"MaximumLength": "4"}},
}
KEY = {"EncryptionKeyId": "k", "Key": "$.Attributes.queue"}
INPUT_ERRORS = ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded")
MENU_ASKS = Gather(
    prompt=Prompt("text", "Press 1"),
    max_digits=1,
    first_digit_ms=5_000,
    inter_digit_ms=5_000,
    terminators="",
    cancel_key=False,
)
STORE_ASKS = Gather(
    prompt=Prompt("text", "Your number"),
    max_digits=4,
    first_digit_ms=10_000,
    inter_digit_ms=5_000,
    terminators="#",
    cancel_key=True,
)


def keypad(**configuration: Any) -> dict[str, Any]:
    return STORE | {"DTMFConfiguration": configuration}


def validated(validation: Any) -> dict[str, Any]:
    return STORE | {"InputValidation": validation}


def a_phone(number_format: str = "E164", country: Any = None) -> dict[str, Any]:
    form = {"NumberFormat": number_format} | ({"CountryCode": country} if country else {})
    return validated({"PhoneNumberValidation": form})


def changed(gather: Gather, **changes: Any) -> Gather:
    return Gather(**{name: getattr(gather, name) for name in gather.__struct_fields__} | changes)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (MENU, MENU_ASKS),
        (MENU | {"StoreInput": "False"}, MENU_ASKS),
        (MENU | {"Text": "$.Attributes.none"}, changed(MENU_ASKS, prompt=None)),
        ({"InputTimeLimitSeconds": 7}, changed(MENU_ASKS, prompt=None, first_digit_ms=7_000)),
        ({}, changed(MENU_ASKS, prompt=None)),
        ({"InputTimeLimitSeconds": "soon"}, changed(MENU_ASKS, prompt=None)),
        (
            {"SSML": "<speak/>", "InputTimeLimitSeconds": 999},
            changed(MENU_ASKS, prompt=Prompt("ssml", "<speak/>"), first_digit_ms=180_000),
        ),
        ({"PromptId": "p1"}, changed(MENU_ASKS, prompt=Prompt("prompt_id", "p1"))),
        (STORE, STORE_ASKS),
        (STORE | {"StoreInput": True}, STORE_ASKS),
        (keypad(DisableCancelKey="True"), changed(STORE_ASKS, cancel_key=False)),
        (keypad(DisableCancelKey=True), changed(STORE_ASKS, cancel_key=False)),
        (keypad(DisableCancelKey="False"), STORE_ASKS),
        (keypad(InputTerminationSequence="99"), changed(STORE_ASKS, terminators="99")),
        (
            keypad(InputTerminationSequence="*1"),
            changed(STORE_ASKS, terminators="*1", cancel_key=False),
        ),
        (keypad(InterdigitTimeLimitSeconds="2"), changed(STORE_ASKS, inter_digit_ms=2_000)),
        (
            keypad(InterdigitTimeLimitSeconds="$.Attributes.count"),
            changed(STORE_ASKS, inter_digit_ms=12_000),
        ),
        (STORE | {"DTMFConfiguration": "x"}, STORE_ASKS),
        (
            validated({"CustomValidation": {"MaximumLength": "$.Attributes.count"}}),
            changed(STORE_ASKS, max_digits=12),
        ),
        (validated({"CustomValidation": 4}), changed(STORE_ASKS, max_digits=FLOW_INPUT_DIGITS_MAX)),
        (validated(None), changed(STORE_ASKS, max_digits=FLOW_INPUT_DIGITS_MAX)),
        (a_phone(), changed(STORE_ASKS, max_digits=18)),
        (STORE | {"InputEncryption": KEY}, changed(STORE_ASKS, encryption=Encryption("k", "q7"))),
        (MENU | {"InputEncryption": KEY}, MENU_ASKS),
        (STORE | {"InputEncryption": {"EncryptionKeyId": "k"}}, "NoMatchingError"),
        (STORE | {"InputEncryption": "k"}, "NoMatchingError"),
        (a_phone() | {"InputEncryption": KEY}, "NoMatchingError"),
        (MENU | {"Text": "x" * (FLOW_PROMPT_CHARS_MAX + 1)}, "NoMatchingError"),
        ({"PromptId": "$.Attributes.none"}, "NoMatchingError"),
        ({"Media": {"Uri": "s3://b/k"}}, "NoMatchingError"),
    ],
)
def test_input_is_asked_for(parameters, expected):
    assert asks("GetParticipantInput", parameters) == expected


@pytest.mark.parametrize("channel", ["CHAT", "TASK", "EMAIL"])
def test_input_needs_a_telephone(channel):
    assert asks("GetParticipantInput", MENU, Channel=channel) == "NoMatchingError"
    assert asks("GetParticipantInput", STORE, Channel=channel) == "NoMatchingError"


def test_a_menu_of_a_task_is_at_once_out_of_time():
    flow = a_flow(an_action("GetParticipantInput", MENU, errors=INPUT_ERRORS))
    assert place(first(flow, VIEW | {"Channel": "TASK"})) == "InputTimeLimitExceeded"


def test_encrypted_input_is_stored_as_it_was_heard():
    cipher = "bm90IGEgc2VjcmV0IGFueSBtb3Jl" * 20
    parameters = STORE | {"InputEncryption": KEY}
    taken = hears("GetParticipantInput", parameters, Digits(cipher, "terminated"))
    assert (place(taken), taken.session.stored_input) == ("next", cipher)
    clear = hears("GetParticipantInput", parameters, Digits("4111111111111111", "terminated"))
    assert (place(clear), clear.session.stored_input) == ("NoMatchingError", None)
    silent = hears("GetParticipantInput", parameters, Digits("", "no_input"))
    assert silent.session.stored_input == "Timeout"
    endless = hears("GetParticipantInput", parameters, Digits("x" * 5_000, "terminated"))
    assert place(endless) == "NoMatchingError"


# Input as it is heard


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (Digits("1", "max_digits"), "one"),
        (Digits("#", "max_digits"), "hash"),
        (Digits("2", "max_digits"), "NoMatchingCondition"),
        (Digits("", "no_input"), "InputTimeLimitExceeded"),
        (Digits("", "cancelled"), "InputTimeLimitExceeded"),
        (Failed("InputTimeLimitExceeded"), "InputTimeLimitExceeded"),
        (Failed("NoMatchingError"), "NoMatchingError"),
        (Done(), "NoMatchingError"),
        (Answer({}), "NoMatchingError"),
    ],
)
def test_a_menu_branches_on_the_key(heard, expected):
    when = {("Equals", "1"): "one", ("Equals", "#"): "hash"}
    taken = hears("GetParticipantInput", MENU, heard, INPUT_ERRORS, when)
    assert place(taken) == expected
    assert taken.session.stored_input is None


@pytest.mark.parametrize(
    ("parameters", "typed", "expected", "stored"),
    [
        (STORE, "1234", "next", "1234"),
        (STORE, "12", "next", "12"),
        (STORE, "*1#", "next", "*1#"),
        (STORE, "", "next", "Timeout"),
        (STORE, "12345", "NoMatchingError", "before"),
        (a_phone(), "4930123456", "next", "+4930123456"),
        (a_phone(), "", "next", "Timeout"),
        (a_phone(), "123", "InvalidPhoneNumber", "before"),
        (a_phone(), "4930*23456", "InvalidPhoneNumber", "before"),
        (a_phone("Local", "US"), "2065550100", "next", "+12065550100"),
        (a_phone("Local", "DE"), "030123456", "next", "+4930123456"),
        (a_phone("Local", "DE"), "0", "InvalidPhoneNumber", "before"),
        (a_phone("Local"), "030123456", "InvalidPhoneNumber", "before"),
        (a_phone("Local", 7), "030123456", "InvalidPhoneNumber", "before"),
    ],
)
def test_stored_input_is_checked_and_kept(parameters, typed, expected, stored):
    action = an_action("GetParticipantInput", parameters, errors=(*ERROR, "InvalidPhoneNumber"))
    flow = a_flow(action)
    asked = first(flow, VIEW, stored_input="before")
    taken = step(flow, asked.session, Digits(typed, "terminated"), VIEW)
    assert (place(taken), taken.session.stored_input) == (expected, stored)


# InvokeLambdaFunction

INVOKE = {"LambdaFunctionARN": "arn:f", "InvocationTimeLimitSeconds": "3"}
JSON_REPLY = INVOKE | {"ResponseValidation": {"ResponseType": "JSON"}}
LATER = INVOKE | {"InvocationType": "ASYNCHRONOUS"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (INVOKE, Invoke(function_arn="arn:f", parameters={}, timeout_ms=3_000)),
        (
            JSON_REPLY,
            Invoke(function_arn="arn:f", parameters={}, timeout_ms=3_000, response_type="JSON"),
        ),
        (LATER, Invoke(function_arn="arn:f", parameters={}, timeout_ms=3_000, asynchronous=True)),
        (
            {"LambdaFunctionARN": "$.Attributes.queue", "InvocationTimeLimitSeconds": 60},
            Invoke(function_arn="q7", parameters={}, timeout_ms=8_000),
        ),
        (
            {
                "LambdaFunctionARN": "arn:f",
                "LambdaInvocationAttributes": {
                    "who": "$.Attributes.name",
                    "none": "$.Attributes.none",
                    "five": 5,
                    "map": {"a": "$.Channel"},
                },
            },
            Invoke(
                function_arn="arn:f",
                parameters={"who": "Ann", "none": "", "five": "5", "map": '{"a":"VOICE"}'},
                timeout_ms=3_000,
            ),
        ),
        ({"LambdaFunctionARN": "$.Attributes.none"}, "NoMatchingError"),
        ({"LambdaFunctionARN": ["arn:f"]}, "NoMatchingError"),
        (
            INVOKE | {"LambdaInvocationAttributes": {"a": "x" * FUNCTION_BYTES_MAX}},
            "NoMatchingError",
        ),
    ],
)
def test_a_function_is_asked_for(parameters, expected):
    assert asks("InvokeLambdaFunction", parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "heard", "expected", "external"),
    [
        (INVOKE, Answer({"a": "b", "n": 1, "t": True, "z": None}), "next", None),
        (INVOKE, Answer({}), "next", {}),
        (INVOKE, Answer({"a": {"b": 1}}), "NoMatchingError", "before"),
        (INVOKE, Answer({"a": []}), "NoMatchingError", "before"),
        (INVOKE, Answer([]), "NoMatchingError", "before"),
        (INVOKE, Answer("text"), "NoMatchingError", "before"),
        (INVOKE, Answer(None), "NoMatchingError", "before"),
        (INVOKE, Answer({"a": "x" * FUNCTION_BYTES_MAX}), "NoMatchingError", "before"),
        (INVOKE, Done(), "NoMatchingError", "before"),
        (INVOKE, Digits("1", "terminated"), "NoMatchingError", "before"),
        (INVOKE, Failed("TimeLimitExceeded"), "NoMatchingError", "before"),
        (JSON_REPLY, Answer({"a": {"b": [1, 2]}}), "next", None),
        (JSON_REPLY, Answer([1, {"b": None}]), "next", None),
        (JSON_REPLY, Answer("text"), "next", None),
        (JSON_REPLY, Answer(2**70), "NoMatchingError", "before"),
        (LATER, Done(), "next", "before"),
        (LATER, Answer({"a": "b"}), "next", "before"),
        (LATER, Failed("NoMatchingError"), "NoMatchingError", "before"),
    ],
)
def test_a_reply_replaces_external_when_it_has_the_asked_shape(
    parameters, heard, expected, external
):
    flow = a_flow(an_action("InvokeLambdaFunction", parameters, errors=ERROR))
    asked = first(flow, VIEW, external="before")
    taken = step(flow, asked.session, heard, VIEW)
    assert place(taken) == expected
    assert taken.session.external == (heard.payload if external is None else external)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "payload", [object(), {(1, 2): 3}, "\ud800", 2**64, nested(65), nested(5_000)]
)
def test_what_is_not_json_or_cannot_be_journalled_is_no_reply(payload):
    with pytest.raises(ValueError, match=r"."):
        checked_reply(payload, is_map=False)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=10,
    ),
    st.booleans(),
)
def test_a_checked_reply_can_be_journalled(payload, is_map):
    try:
        reply = checked_reply(payload, is_map=is_map)
    except ValueError:
        return
    assert codec.decoder(Any).decode(codec.encode(reply)) == reply
    assert checked_reply(reply, is_map=is_map) == reply


def test_a_function_gets_the_contact_and_its_parameters():
    event = lambda_event(VIEW, {"a": "b"})
    json.dumps(event)
    assert event["Name"] == "ContactFlowEvent"
    assert event["Details"]["Parameters"] == {"a": "b"}
    assert event["Details"]["ContactData"] == {
        "Attributes": VIEW["Attributes"],
        "AwsRegion": "eu-west-1",
        "Channel": "VOICE",
        "ContactId": "c1",
        "CustomerEndpoint": VIEW["CustomerEndpoint"],
        "CustomerId": None,
        "Description": None,
        "InitialContactId": None,
        "InitiationMethod": None,
        "InstanceARN": None,
        "LanguageCode": None,
        "MediaStreams": {"Customer": {"Audio": None}},
        "Name": None,
        "PreviousContactId": None,
        "Queue": {"ARN": "arn:aws:connect:q1", "Name": "Sales", "OutboundCallerId": None},
        "References": {},
        "RelatedContactId": None,
        "SegmentAttributes": {},
        "SystemEndpoint": None,
        "Tags": {},
    }
    assert lambda_event({}, {})["Details"]["ContactData"]["Queue"] is None


# UpdateContactAttributes


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"Attributes": {"a": "$.Attributes.name!", "b": 5, "c": True, "d": "$.Nothing"}},
            SetAttributes({"a": "Ann!", "b": "5", "c": "true", "d": ""}),
        ),
        ({"Attributes": {"of $.Attributes.name": "b"}}, SetAttributes({"of Ann": "b"})),
        (
            {"Attributes": {"a": "b"}, "TargetContact": "Related"},
            SetAttributes({"a": "b"}, "Related"),
        ),
        ({"Attributes": {}, "TargetContact": "Current"}, SetAttributes({})),
        ({}, SetAttributes({})),
        ({"Attributes": {"a": "é" * (ATTRIBUTES_BYTES_MAX // 2)}}, "NoMatchingError"),
    ],
)
def test_attributes_are_set(parameters, expected):
    assert asks("UpdateContactAttributes", parameters) == expected


def test_attributes_lead_on_or_fail():
    attributes = {"Attributes": {"a": "b"}}
    assert place(hears("UpdateContactAttributes", attributes, Done())) == "next"
    assert place(hears("UpdateContactAttributes", attributes, Failed("X"))) == "NoMatchingError"


# Compare


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        ("Equals", "gold", "gold", True),
        ("Equals", "gold", "Gold", False),
        ("Equals", "true", True, True),
        ("Equals", "5", 5, True),
        ("TextStartsWith", "go", "gold", True),
        ("TextStartsWith", "ld", "gold", False),
        ("TextEndsWith", "ld", "gold", True),
        ("TextEndsWith", "go", "gold", False),
        ("TextContains", "ol", "gold", True),
        ("TextContains", "lo", "gold", False),
        ("NumberGreaterThan", "9", "10", True),
        ("NumberGreaterThan", "10", "10.0", False),
        ("NumberGreaterOrEqualTo", "10", "10.0", True),
        ("NumberGreaterOrEqualTo", "10", "9.99", False),
        ("NumberLessThan", "-1.5", "-2", True),
        ("NumberLessThan", "-2", "-1.5", False),
        ("NumberLessOrEqualTo", "12345678901234567890", "12345678901234567890", True),
        ("NumberLessOrEqualTo", "12345678901234567890", "12345678901234567891", False),
        ("NumberLessOrEqualTo", ".5", 0.25, True),
        ("NumberGreaterThan", "0", "many", False),
        ("NumberGreaterThan", "zero", "1", False),
        ("NumberLessThan", "5", "nan", False),
        ("NumberLessThan", "5", "1_000", False),
        ("NumberLessThan", "5", " 4", False),
        ("NumberLessThan", "5", "1e-9", False),
        ("Unheard", "5", "5", False),
        ("KeyExists", "a", {"a": None}, True),
        ("KeyExists", "b", {"a": 1}, False),
        ("KeyExists", "a", "a", False),
        ("KeyExists", "a", ["a"], False),
    ],
)
def test_a_value_is_held_against_an_operand(operator, operand, value, holds):
    action = an_action(
        "Compare",
        {"ComparisonValue": "$.Attributes.x"},
        when={(operator, operand): "yes"},
        errors=("NoMatchingCondition",),
    )
    taken = first(a_flow(action), {"Attributes": {"x": value}})
    assert place(taken) == ("yes" if holds else "NoMatchingCondition")


def test_the_first_condition_that_holds_wins():
    when = {("TextContains", "o"): "first", ("Equals", "gold"): "second"}
    action = an_action("Compare", {"ComparisonValue": "$.Attributes.tier"}, when=when)
    assert place(first(a_flow(action), VIEW)) == "first"


@pytest.mark.parametrize("value", ["$.Attributes.none", "$.Nothing.at.all", "", None, 5])
def test_nothing_matches_no_condition(value):
    action = an_action(
        "Compare",
        {"ComparisonValue": value},
        when={("TextStartsWith", ""): "yes"},
        errors=("NoMatchingCondition",),
    )
    assert place(first(a_flow(action), VIEW)) == "NoMatchingCondition"


def test_without_a_branch_for_no_match_the_next_action_follows():
    for value in ("$.Attributes.none", "$.Attributes.tier"):
        action = an_action("Compare", {"ComparisonValue": value}, when={("Equals", "x"): "yes"})
        assert place(first(a_flow(action), VIEW)) == "next"


# Queues, flows, logging and ends


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"QueueId": "q1"}, SetTargetQueue(queue_id="q1")),
        ({"QueueId": "$.Attributes.queue"}, SetTargetQueue(queue_id="q7")),
        ({"AgentId": "u1"}, SetTargetQueue(agent_id="u1")),
        ({"QueueId": "$.Attributes.none"}, "NoMatchingError"),
        ({"QueueId": {"QueueId": "q"}}, "NoMatchingError"),
        ({}, "NoMatchingError"),
    ],
)
def test_a_target_queue_is_set(parameters, expected):
    assert asks("UpdateContactTargetQueue", parameters) == expected


def test_a_target_queue_leads_on_or_fails():
    queue = {"QueueId": "q1"}
    assert place(hears("UpdateContactTargetQueue", queue, Done())) == "next"
    assert place(hears("UpdateContactTargetQueue", queue, Failed("X"))) == "NoMatchingError"


def test_a_granted_transfer_to_queue_ends_the_flow():
    errors = ("QueueAtCapacity", *ERROR)
    assert asks("TransferContactToQueue", {}) == TransferToQueue()
    assert hears("TransferContactToQueue", {}, Done(), errors).ask == End("finished")
    full = hears("TransferContactToQueue", {}, Failed("QueueAtCapacity"), errors)
    assert place(full) == "QueueAtCapacity"
    assert place(hears("TransferContactToQueue", {}, Failed("X"), errors)) == "NoMatchingError"
    unbranched = hears("TransferContactToQueue", {}, Failed("QueueAtCapacity"))
    assert place(unbranched) == "NoMatchingError"


def test_a_granted_transfer_to_flow_ends_the_flow():
    flow = {"ContactFlowId": "f2"}
    assert asks("TransferToFlow", flow) == EnterFlow("f2")
    assert asks("TransferToFlow", {"ContactFlowId": "$.Attributes.queue"}) == EnterFlow("q7")
    assert asks("TransferToFlow", {"ContactFlowId": "$.Attributes.none"}) == "NoMatchingError"
    assert hears("TransferToFlow", flow, Done()).ask == End("finished")
    assert place(hears("TransferToFlow", flow, Failed("NoMatchingError"))) == "NoMatchingError"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"FlowModuleId": "m"}, EnterModule("m", {})),
        ({"FlowModuleId": "$.Attributes.queue"}, EnterModule("q7", {})),
        (
            {"FlowModuleId": "m", "Input": {"who": "$.Attributes.name!", "n": 5, "no": "$.None"}},
            EnterModule("m", {"who": "Ann!", "n": "5", "no": ""}),
        ),
        ({"FlowModuleId": "m", "Input": "no object"}, EnterModule("m", {})),
        ({"FlowModuleId": "$.Attributes.none"}, "NoMatchingError"),
        ({"Input": {}}, "NoMatchingError"),
        (
            {"FlowModuleId": "m", "Input": {"k": "x" * ATTRIBUTES_BYTES_MAX}},
            "NoMatchingError",
        ),
    ],
)
def test_a_module_is_entered(parameters, expected):
    assert asks("InvokeFlowModule", parameters) == expected


def test_a_module_leads_on_or_fails():
    assert place(hears("InvokeFlowModule", {"FlowModuleId": "m"}, Done())) == "next"
    failed = hears("InvokeFlowModule", {"FlowModuleId": "m"}, Failed("NoMatchingError"))
    assert place(failed) == "NoMatchingError"


def test_a_module_knows_its_input():
    flow = a_flow(an_action("MessageParticipant", {"Text": "[$.Modules.Input.who]"}))
    assert first(flow, module_input={"who": "Ann"}).ask == Play(Prompt("text", "[Ann]"))
    assert first(flow).ask == Play(Prompt("text", "[]"))


def test_the_end_of_a_module_is_its_end():
    flow = a_flow(an_action("EndFlowModuleExecution", then=None))
    asked = first(flow)
    assert asked.ask == LeaveModule()
    assert step(flow, asked.session, Done(), VIEW).ask == End("finished")


def test_logging_is_switched():
    on, off = {"FlowLoggingBehavior": "Enabled"}, {"FlowLoggingBehavior": "Disabled"}
    assert asks("UpdateFlowLoggingBehavior", on) == SetLogging(enabled=True)
    assert asks("UpdateFlowLoggingBehavior", off) == SetLogging(enabled=False)
    flow = a_flow(an_action("UpdateFlowLoggingBehavior", on))
    assert place(step(flow, first(flow).session, Done(), VIEW)) == "next"


def test_disconnect_ends_the_flow():
    flow = a_flow(an_action("DisconnectParticipant", then=None))
    asked = first(flow)
    assert asked.ask == Disconnect()
    assert step(flow, asked.session, Done(), VIEW).ask == End("finished")
    assert step(flow, asked.session, Failed("X"), VIEW).ask == End("dead_end")


def test_the_end_of_a_flow_is_the_end():
    flow = a_flow(an_action("EndFlowExecution", then=None))
    asked = first(flow)
    assert asked.ask == End("finished")
    assert step(flow, asked.session, Done(), VIEW).ask == End("finished")


# What is not executed


@pytest.mark.parametrize("type_", [*sorted(ERROR_BRANCH), "NeverHeardOf"])
def test_every_other_type_fails(type_):
    assert asks(type_, {"TimeLimitSeconds": "1"}) == "NoMatchingError"
    assert first(a_flow(an_action(type_))).ask == End("dead_end")
