"""Names instead of ARNs: what stands for what, and which names lead nowhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_builders import a_document, an_action
from ringfloor.aws.model import raw_model
from ringfloor.flow import catalog
from ringfloor.flow.envelope import letters
from ringfloor.flow.names import KINDS, kinds, known_by, names, resolved, unresolved

ARN = "arn:aws:connect:us-east-1:111122223333:instance/i"
KNOWN = {
    "queue": {"Sales": [f"{ARN}/queue/q1"], "Twice": ["a", "b"], "Ä b:c": [f"{ARN}/queue/q2"]},
    "flow": {"Main menu": [f"{ARN}/contact-flow/f1"]},
    "lambda": {},
}


def a_flow(parameters: dict[str, Any], type_: str = "InvokeLambdaFunction") -> str:
    return json.dumps(a_document(an_action(type_, parameters)), indent=1)


def parameters(content: str) -> Any:
    return json.loads(content)["Actions"][0]["Parameters"]


@pytest.mark.parametrize(
    ("written", "stands_for"),
    [
        ("${queue:Sales}", f"{ARN}/queue/q1"),
        ("${flow:Main menu}:live", f"{ARN}/contact-flow/f1:live"),
        ("a ${queue:Sales} b ${queue:Ä b:c}", f"a {ARN}/queue/q1 b {ARN}/queue/q2"),
        ("$${queue:Sales}", "${queue:Sales}"),
        ("$${HOME} ${HOME} $5", "${HOME} ${HOME} $5"),
        ("$.Attributes.queue", "$.Attributes.queue"),
        ("", ""),
    ],
)
def test_names_become_arns_wherever_they_stand_in_parameters(written, stands_for):
    given = {"Text": written, "deep": {"list": [{"in": written}, 3, None]}}
    found = parameters(resolved(a_flow(given), KNOWN))
    assert found == {"Text": stands_for, "deep": {"list": [{"in": stands_for}, 3, None]}}


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_a_flow_without_names_stays_as_it_is_written(given):
    content = a_flow({name: each for name, each in given.items() if "$" not in str(each)})
    assert names(content) == []
    assert resolved(content, {}) == content


def test_names_outside_parameters_are_left_alone():
    document = a_document(an_action("DisconnectParticipant", identifier="${queue:x}"))
    document["Metadata"] = {"name": "${flow:y}"}
    assert names(json.dumps(document)) == []


def test_nothing_is_found_in_what_is_no_flow():
    for content in ("no JSON", "[]", '{"Actions": 3}', '{"Actions": [3, {"Parameters": 4}]}'):
        assert names(content) == []


@pytest.mark.parametrize(
    ("value", "message", "instead"),
    [
        ("${queue:Salse}", "no queue named 'Salse'", "write ${queue:Sales}"),
        ("${queue:sales}", "no queue named 'sales'", "write ${queue:Sales}"),
        ("${queue:zzzzzz}", "no queue named", "there are Sales, Twice, Ä b:c"),
        ("${queue:Twice}", "2 things of the kind queue", "the ARN of one of them: a, b"),
        ("${lambda:f}", "is a function, where a queue", "write ${queue:NAME}"),
        ("${qeue:Sales}", "no known kind", "write ${queue:Sales}"),
        ("${Q:Sales:Q}", "no known kind", "the kinds are"),
        ("${queue:}", "has no name", "write ${queue:NAME}"),
        ("${queue:Sales}", None, None),
    ],
)
def test_a_name_that_leads_nowhere_is_told_with_its_line(value, message, instead):
    content = a_flow({"QueueId": value}, "UpdateContactTargetQueue")
    (letter,) = letters(content)
    found = unresolved(letter, names(content), KNOWN)
    if message is None:
        assert found == []
        return
    (problem,) = found
    line = content[: content.index('"QueueId"')].count("\n") + 1
    assert (problem.line, problem.action, problem.parameter) == (line, "it", "QueueId")
    assert message in problem.message
    assert instead in problem.instead


def test_an_instance_without_any_says_so():
    content = a_flow({"x": "${lambda:f}"})
    (letter,) = letters(content)
    (problem,) = unresolved(letter, names(content), KNOWN)
    assert problem.instead == "the instance has none"


def test_only_the_kinds_that_are_used_are_asked_for():
    content = a_flow({"a": "${queue:x} ${flow:y} ${queue:z}", "b": "${nonsense:w}"})
    assert kinds(names(content)) == ["flow", "queue"]


def test_functions_are_known_by_name_and_qualifier():
    arns = [f"arn:aws:lambda:us-east-1:1:function:{name}" for name in ("f", "g:live", "g:old")]
    assert known_by("lambda", arns) == {
        "f": [arns[0]],
        "g": arns[1:],
        "g:live": [arns[1]],
        "g:old": [arns[2]],
    }
    rows = [{"Username": "ann", "Arn": "x"}, {"Username": "ann", "Arn": "y"}]
    assert known_by("agent", rows) == {"ann": ["x", "y"]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_listed_as_the_model_says(kind):
    row, model = KINDS[kind], raw_model("connect")
    shapes, trait = model["shapes"], model["operations"][row.operation]
    assert row.parameters.keys() <= shapes[trait["input"]["shape"]]["members"].keys()
    output = shapes[trait["output"]["shape"]]["members"]
    assert {row.rows, "NextToken"} <= output.keys()
    element = shapes[shapes[output[row.rows]["shape"]]["member"]["shape"]]
    assert {row.name, row.arn} - {""} <= element.get("members", {}).keys()


def test_what_the_language_can_name_has_a_kind():
    named = {kind for row in catalog.CATALOG.values() for _, kind in row.references}
    nameless = {"bot"}  # the API lists no names of bots' aliases
    assert named - nameless - {"function"} <= KINDS.keys()
