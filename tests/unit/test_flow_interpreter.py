"""Interpreter: every step ends in an ask, and the same input makes the same step."""

import json
import time
from functools import cache
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_builders import VIEW, a_flow, an_action, first, real_flows, type_of, walk
from ringfloor.base.errors import Refusal
from ringfloor.domain.dialogue import (
    Answer,
    Digits,
    Disconnect,
    Done,
    End,
    Failed,
    Heard,
    Left,
    Passed,
    Play,
    Prompt,
    Result,
    Said,
    Session,
    ViewAnswer,
)
from ringfloor.flow.catalog import CATALOG, row_of
from ringfloor.flow.defaults import default_flows, sample_inbound
from ringfloor.flow.interpreter import begin, step
from ringfloor.flow.language import Flow, parse

MENU_FLOW = a_flow(
    an_action("MessageParticipant", {"Text": "Hello"}, then="menu", identifier="hello"),
    an_action(
        "GetParticipantInput",
        {"Text": "Press 1", "InputTimeLimitSeconds": "5"},
        identifier="menu",
        when={("Equals", "1"): "ask", ("Equals", "2"): "bye"},
        errors=("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded"),
    ),
    an_action(
        "InvokeLambdaFunction",
        {"LambdaFunctionARN": "arn:f", "InvocationTimeLimitSeconds": "3"},
        identifier="ask",
        then="which",
        errors=("NoMatchingError",),
    ),
    an_action(
        "Compare",
        {"ComparisonValue": "$.External.tier"},
        identifier="which",
        when={("Equals", "gold"): "thank"},
        errors=("NoMatchingCondition",),
    ),
    an_action("MessageParticipant", {"Text": "$.External.words"}, identifier="thank", then="hello"),
)


def test_a_contact_walks_a_flow():
    heards = [Done(), Digits("1", "max_digits"), Answer({"tier": "gold", "words": "Hi"}), Done()]
    steps = walk(MENU_FLOW, heards)
    assert [taken.session.action for taken in steps] == ["hello", "menu", "ask", "thank", "hello"]
    assert steps[3].ask == Play(Prompt("text", "Hi"))
    assert steps[-1].session.external == {"tier": "gold", "words": "Hi"}


def test_hearing_nothing_asks_again():
    before = walk(MENU_FLOW, [Done()])[-1]
    assert before.session.action == "menu"
    again = step(MENU_FLOW, before.session, None, VIEW)
    assert (again.session, again.ask, again.path) == (before.session, before.ask, ())


def test_a_step_tells_what_was_left_on_its_way_and_how():
    heards = [
        Done(),
        Digits("1", "max_digits"),
        Answer({"tier": "gold", "words": "Hi"}),
        Failed("X"),
    ]
    steps = walk(MENU_FLOW, heards)
    assert [taken.path for taken in steps] == [
        (),
        (Passed("hello", "MessageParticipant"),),
        (Passed("menu", "GetParticipantInput", "1"),),
        (
            Passed("ask", "InvokeLambdaFunction"),
            Passed("which", "Compare", "gold"),
        ),
        (Passed("thank", "MessageParticipant", "X"),),
    ]
    assert [taken.action_type for taken in steps[:-1]] == [
        "MessageParticipant",
        "GetParticipantInput",
        "InvokeLambdaFunction",
        "MessageParticipant",
    ]


def test_a_session_that_has_not_begun_has_nothing_to_hear():
    assert step(MENU_FLOW, begin("f1"), Done(), VIEW) == first(MENU_FLOW)
    assert begin("f1") == Session(flow_id="f1")


def test_a_step_changes_nothing_that_it_was_given():
    flow = a_flow(an_action("InvokeLambdaFunction", {"LambdaFunctionARN": "f"}))
    session = first(flow, external={"old": "1"}).session
    view = json.loads(json.dumps(VIEW))
    step(flow, session, Answer({"new": "2"}), view)
    assert session == Session(flow_id="f1", action="it", external={"old": "1"})
    assert view == VIEW


@pytest.mark.parametrize("heard", [None, Done(), Failed("X")])
def test_a_session_beyond_its_flow_is_at_a_dead_end(heard):
    session = Session(flow_id="f1", action="gone")
    taken = step(MENU_FLOW, session, heard, VIEW)
    assert (taken.session, taken.ask) == (session, End("dead_end"))


def test_a_flow_without_actions_is_a_dead_end():
    assert step(Flow("", {}), begin("f1"), None, {}).ask == End("dead_end")


@pytest.mark.parametrize(
    ("error", "errors", "expected"),
    [
        ("QueueAtCapacity", ("NoMatchingError", "QueueAtCapacity"), "QueueAtCapacity"),
        ("QueueAtCapacity", ("NoMatchingError",), "NoMatchingError"),
        ("NoMatchingError", ("NoMatchingError",), "NoMatchingError"),
        ("NoMatchingCondition", ("NoMatchingError", "NoMatchingCondition"), "NoMatchingCondition"),
        ("NoMatchingCondition", ("NoMatchingError",), "next"),
        ("QueueAtCapacity", (), None),
        ("NoMatchingError", ("QueueAtCapacity",), None),
    ],
)
def test_an_error_takes_its_branch_or_that_of_all_errors(error, errors, expected):
    flow = a_flow(an_action("TransferContactToQueue", errors=errors))
    taken = step(flow, first(flow).session, Failed(error), VIEW)
    assert taken.session.action == (expected or "it")
    assert taken.ask == (Disconnect() if expected else End("dead_end"))


def test_an_endless_loop_ends():
    flow = a_flow(
        an_action("Compare", {"ComparisonValue": "$.Channel"}, identifier="a", then="b"),
        an_action("Compare", {"ComparisonValue": "$.Channel"}, identifier="b", then="a"),
    )
    assert first(flow).ask == End("too_many_actions")


@pytest.mark.parametrize(
    ("operator", "long"),
    [
        ("KeyExists", json.dumps({str(-number): 1 for number in range(1, 4_000)})),
        ("NumberGreaterThan", "-" + "9" * 60_000),
    ],
)
def test_a_long_result_is_read_once_for_all_conditions(operator, long):
    when = {(operator, str(number)): "it" for number in range(300)}
    action = an_action("Compare", {"ComparisonValue": "$.Attributes.x"}, then="it", when=when)
    begun = time.monotonic()
    assert first(a_flow(action), {"Attributes": {"x": long}}).ask == End("too_many_actions")
    assert time.monotonic() - begun < 10  # else most of a minute


def test_an_empty_message_cannot_loop_for_ever_either():
    flow = a_flow(an_action("MessageParticipant", {"Text": "$.Nothing"}, then="it"))
    assert first(flow).ask == End("too_many_actions")


# A driver that answers at random


def everything() -> dict[str, Flow]:
    """Every flow that can run: real, default, and one of all executable blocks."""
    flows = {"menu": MENU_FLOW}
    for name, content in real_flows().items():
        try:
            flows[name] = parse(content, type_of(content), published=True, lenient=True)
        except Refusal:
            flows[name] = parse(content, type_of(content), published=False)
    for default in (*default_flows(), sample_inbound("arn:q")):
        flows[default.name] = parse(json.dumps(default.content), default.type, published=True)
    return flows


FLOWS = cache(everything)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
words = st.sampled_from(["true", "Yes", "$.Channel", "nextQuestion", "1"])
payloads = st.dictionaries(st.sampled_from(["isOpen", "nextQuestion", "a"]), words) | st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
replies = st.dictionaries(st.text(max_size=3), scalars | st.lists(scalars, max_size=2), max_size=3)
parts = scalars | st.fixed_dictionaries({}, optional={"name": scalars, "slots": replies})
states = st.fixed_dictionaries(
    {},
    optional={
        "dialogAction": st.sampled_from([{"type": "ElicitSlot"}, {"type": "Close"}, {}, 5]),
        "intent": parts | st.just({"name": "Order"}),
        "sessionAttributes": replies,
    },
)
messages = st.lists(
    scalars
    | st.fixed_dictionaries(
        {"content": scalars},
        optional={"contentType": st.sampled_from(["PlainText", "SSML", "CustomPayload"])},
    ),
    max_size=3,
)
bot_replies = st.fixed_dictionaries(
    {},
    optional={
        "sessionState": states | scalars,
        "messages": messages | scalars,
        "interpretations": st.lists(st.fixed_dictionaries({"intent": parts}) | scalars, max_size=2),
        "dialogState": st.sampled_from(["ElicitSlot", "Fulfilled"]),
        "intentName": scalars,
    },
)
errors = st.sampled_from(
    ["NoMatchingError", "NoMatchingCondition", "QueueAtCapacity", "InputTimeLimitExceeded", "X"]
)
reasons = st.sampled_from(
    ["terminated", "max_digits", "inter_digit_timeout", "no_input", "cancelled"]
)
heards: st.SearchStrategy[Heard] = st.one_of(
    st.just(Done()),
    st.builds(Digits, st.text(alphabet="0123456789*#", max_size=4), reasons),
    st.builds(Failed, errors),
    st.builds(Answer, payloads | bot_replies),
    st.builds(Result, st.sampled_from(["True", "31", "MessagesInterrupted", "WaitCompleted", ""])),
    st.builds(Said, st.text(max_size=5)),
    st.builds(ViewAnswer, st.sampled_from(["Next", ""]), replies),
    st.builds(Left, st.none() | st.just("found"), replies),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_heard_every_step_ends_in_an_ask(data):
    assert len(FLOWS()) >= 80
    flow = FLOWS()[data.draw(st.sampled_from(sorted(FLOWS())))]
    channel = data.draw(st.sampled_from(["VOICE", "CHAT", "TASK", None]))
    script = data.draw(st.lists(journalled(heards), max_size=12))
    steps = walk(flow, script, VIEW | {"Channel": channel})
    assert len(steps) == len(script) + 1
    assert steps == walk(flow, script, VIEW | {"Channel": channel})


def journalled(strategy: st.SearchStrategy[Heard]) -> st.SearchStrategy[Heard]:
    """Only what the journal can hold: whole numbers of 64 bits, and numbers that are some."""
    return strategy.filter(lambda heard: plain(msgspec.to_builtins(heard)))


def plain(payload: Any) -> bool:
    if isinstance(payload, dict):
        return all(map(plain, payload.values()))
    if isinstance(payload, list):
        return all(map(plain, payload))
    if isinstance(payload, float):
        return isfinite(payload)
    return not isinstance(payload, int) or -(2**63) <= payload < 2**64


PARAMETER_NAMES = {
    name
    for type_ in CATALOG
    for parameters in ({}, {"StoreInput": "True"}, {"ContinueFlowExecution": "False"})
    if (row := row_of(type_, parameters)) is not None
    for name in {*row.needs, *row.takes}
}
parameter_names = st.sampled_from(sorted(PARAMETER_NAMES))
inner_names = st.sampled_from(
    [
        "CustomValidation",
        "MaximumLength",
        "PhoneNumberValidation",
        "NumberFormat",
        "CountryCode",
        "InterdigitTimeLimitSeconds",
        "ResponseType",
        "EncryptionKeyId",
        "Key",
        "Text",
        "Value",
        "Steps",
        "AliasArn",
        "Name",
        "Number",
        "Id",
        "InitialMessage",
        "DisableExecution",
        "AgentHold",
        "$.Channel",
    ]
)
parameter_values = st.recursive(
    scalars.filter(plain)
    | st.sampled_from(["True", "$.Attributes", "$.External", "$.Lex", "5", "Local", "JSON"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(inner_names, inner, max_size=3),
    max_leaves=6,
)
TYPES = sorted(CATALOG)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(TYPES),
            st.dictionaries(parameter_names, parameter_values, max_size=5),
            st.integers(0, 4),
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(journalled(heards), max_size=8),
    st.sampled_from(["VOICE", "CHAT", "TASK", "EMAIL", "X", None]),
)
def test_saved_flows_with_any_parameters_can_be_walked(actions, script, channel):
    flow = a_flow(
        *(
            an_action(type_, parameters, identifier=str(number), then=str(then))
            for number, (type_, parameters, then) in enumerate(actions)
        )
    )
    walk(flow, script, VIEW | {"Channel": channel})
