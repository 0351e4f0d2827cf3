"""`ringfloor flow check`: every problem at once, on its line, with what to write instead."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_builders import a_document, an_action
from ringfloor.cli import main
from ringfloor.flow import catalog
from ringfloor.flow.advice import BLOCKS, EXAMPLES, findings
from ringfloor.flow.envelope import MODULE, Unreadable, letters
from ringfloor.flow.names import KINDS, misused, names
from ringfloor.flow.positions import positions

FLOW = a_document(an_action("MessageParticipant", {"Text": "Hello."}, identifier="greet"))

BROKEN = """\
{
  "Version": "2019-10-30",
  "StartAction": "greet",
  "Actions": [
    {"Identifier": "greet", "Type": "PlayPrompt", "Parameters": {}, "Transitions": {}},
    {
      "Identifier": "choose",
      "Type": "UpdateContactTargetQueue",
      "Parameters": {
        "QueueId": ""
      },
      "Transitions": {
        "NextAction": "nobody",
        "Errors": [{"ErrorType": "NoMatchingError",
                    "NextAction": "greet"}]
      }
    }
  ]
}
"""


# Positions

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def paths(value: Any, path: str = "") -> list[str]:
    """Of all parts of a JSON value, in their order."""
    found = []
    if isinstance(value, dict):
        steps = [(f"{path}.{name}" if path else name, each) for name, each in value.items()]
    else:
        steps = [(f"{path}[{at}]", each) for at, each in enumerate(value)]
    for step, each in steps:
        found.append(step)
        if isinstance(each, dict | list):
            found += paths(each, step)
    return found


@given(
    st.dictionaries(st.text(), VALUES) | st.lists(VALUES),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_every_part_of_a_text_has_a_place(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    where = positions(text)
    lines = text.split("\n")
    for path in paths(value):
        place = where.at(path)
        rest = "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
        assert rest[0] not in " \t\n,:]}", path


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("Actions[0].Type", 5),
        ("Actions[1].Parameters.QueueId", 10),
        ("Actions[1].Transitions.Errors[0].NextAction", 15),
        ("Actions[1].Parameters.Missing.deep[3]", 9),
        ("Actions[7]", 4),
        ("", 1),
    ],
)
def test_a_part_or_what_should_hold_it_is_found(path, line):
    assert positions(BROKEN).at(path).line == line


# Envelopes

DESCRIBED = {"Name": "Hold", "Type": "CUSTOMER_HOLD", "Content": json.dumps(FLOW)}
EXPORTED = {**FLOW, "Metadata": {"name": "Main", "type": "customerQueue"}}


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (FLOW, [(None, None)]),
        (EXPORTED, [("Main", "CUSTOMER_QUEUE")]),
        ({"ContactFlow": DESCRIBED}, [("Hold", "CUSTOMER_HOLD")]),
        ({"ContactFlow": {"Name": "x", "Content": EXPORTED}}, [("x", "CUSTOMER_QUEUE")]),
        ({"ContactFlowModule": {"Name": "Ask", "Content": FLOW}}, [("Ask", MODULE)]),
        ({**FLOW, "Settings": {}}, [(None, MODULE)]),
        (a_document(an_action("EndFlowModuleExecution")), [(None, MODULE)]),
        ([DESCRIBED, EXPORTED], [("Hold", "CUSTOMER_HOLD"), ("Main", "CUSTOMER_QUEUE")]),
        ({"ContactFlow": {"Content": "no JSON"}}, [(None, None)]),
    ],
)
def test_a_flow_is_found_however_it_came(file, found):
    read = letters(json.dumps(file, indent=1))
    assert [(letter.name, letter.flow_type) for letter in read] == found


def test_a_problem_has_its_line_inside_an_envelope():
    text = '{"ContactFlow": {"Name": "x",\n"Content":\n' + BROKEN + "}}"
    (letter,) = letters(text)
    assert letter.at("Actions[1].Parameters.QueueId").line == 12
    sealed = json.dumps({"Name": "x", "Content": BROKEN}, indent=1)
    (letter,) = letters(sealed)
    assert letter.at("Actions[1].Parameters.QueueId").line == 3


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"a":\n\n 1,}', 3, "not JSON"),
        ('{"ä":\n "b"', 2, "not JSON"),
        ("3", 1, "neither a flow"),
        ("[]", 1, "empty"),
        ("[\n3]", 2, "neither a flow"),
        ("[" * 9_000, 1, "not JSON"),
    ],
)
def test_what_is_no_flow_is_refused_with_its_line(text, line, reason):
    with pytest.raises(Unreadable, match=reason) as caught:
        letters(text)
    assert caught.value.place.line == line


# Findings


def test_all_problems_are_told_at_once_each_on_its_line():
    (letter,) = letters(BROKEN)
    found = findings(letter, "CONTACT_FLOW", lenient=False)
    assert [(each.line, each.action, each.parameter) for each in found] == [
        (5, "greet", "Type"),
        (10, "choose", "QueueId"),
        (13, "choose", "Transitions.NextAction"),
    ]
    assert all(each.instead for each in found)
    assert "MessageParticipant" in found[0].instead
    assert "${queue:Sales}" in found[1].instead
    runs = findings(letter, "CONTACT_FLOW", lenient=True)
    assert [each.parameter for each in runs] == ["Type", "Transitions.NextAction"]


def worst(type_: str) -> dict[str, Any]:
    """An action in which all is wrong that can be."""
    row = catalog.CATALOG[type_]
    given = {key: [[]] for key in [*row.needs, *row.takes]}
    when = {("NumberLessOrEqualTo", "?"): "lost"}
    return an_action(type_, {**given, "Nonsense": ""}, when=when, errors=("NoSuchError",))


@pytest.mark.parametrize("type_", sorted(catalog.CATALOG))
def test_every_problem_of_every_type_says_where_it_is_and_what_to_write(type_):
    for document in (a_document(worst(type_)), a_document(an_action(type_, then=None))):
        (letter,) = letters(json.dumps(document))
        for found in findings(letter, "AGENT_HOLD", lenient=False):
            assert found.path, found
            assert (found.action, found.type) == ("it", type_)
            listed = "Properties: [" in found.message  # which names what to write
            assert found.instead or listed or "Nonsense" in found.parameter, found


def test_advice_proposes_what_there_is():
    for type_, words in BLOCKS.items():
        assert type_ not in catalog.CATALOG
        assert words.split()[0] in catalog.CATALOG
    known = {kind for row in catalog.CATALOG.values() for _, kind in row.references}
    assert known >= EXAMPLES.keys()
    for example in EXAMPLES.values():
        assert example[2:].partition(":")[0] in KINDS


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("${queu:Sales}", "no known kind"),
        ("${flow:Main}", "a flow, where a queue"),
        ("${queue:}", "no name"),
        ("${queue:Sales}", None),
        ("$${queu:Sales}", None),
    ],
)
def test_a_name_that_cannot_be_meant_is_found_without_a_server(value, wrong):
    action = an_action("UpdateContactTargetQueue", {"QueueId": value}, errors=("NoMatchingError",))
    (letter,) = letters(json.dumps(a_document(action)))
    found = misused(letter, names(letter.content))
    assert [wrong in each.message for each in found] == ([True] if wrong else [])


# The command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "main.json"
    path.write_text(BROKEN)
    return path


def test_the_command_tells_files_lines_and_what_to_write(file, capsys):
    assert main(["flow", "check", str(file)]) == 1
    told = capsys.readouterr()
    assert f"{file}:5: greet (PlayPrompt) Type: Invalid Action type" in told.out
    assert "    That block is the type MessageParticipant" in told.out
    assert told.err == "1 flow: 3 problems\n"


def test_the_command_speaks_json(file, capsys):
    assert main(["flow", "check", str(file), "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["line"] for row in rows] == [5, 10, 13]
    assert rows[1]["parameter"] == "QueueId"
    assert {row["flow_type"] for row in rows} == {"CONTACT_FLOW"}


def test_the_type_comes_from_the_option_the_file_or_the_default(tmp_path, capsys):
    hold = a_document(
        an_action("MessageParticipantIteratively", {"Messages": [{"Text": "x"}]}, then=None)
    )
    plain, told = tmp_path / "plain.json", tmp_path / "told.json"
    plain.write_text(json.dumps(hold))
    told.write_text(json.dumps({"Name": "h", "Type": "CUSTOMER_HOLD", "Content": hold}))
    assert main(["flow", "check", str(plain)]) == 1
    assert "CUSTOMER_HOLD" in capsys.readouterr().out
    assert main(["flow", "check", str(plain), "--type", "CUSTOMER_HOLD"]) == 0
    assert main(["flow", "check", str(told), str(told)]) == 0
    assert main(["flow", "check", str(plain), "--lenient"]) == 0


def test_files_that_cannot_be_used_are_all_named(tmp_path, file, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text('{\n"a": }')
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"\xe4": 1}')
    missing = tmp_path / "missing.json"
    assert main(["flow", "check", str(bad), str(missing), str(latin), str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    for each in (f"{bad}:2:", f"{missing}: cannot be read", f"{latin}: cannot be read"):
        assert each in told.err


def test_a_byte_order_mark_is_no_problem(tmp_path):
    path = tmp_path / "marked.json"
    path.write_bytes(b"\xef\xbb\xbf" + msgspec.json.encode(FLOW))
    assert main(["flow", "check", str(path)]) in {0, 1}


def test_help_teaches_by_example(capsys):
    for action in ("check", "draw", "import"):
        with pytest.raises(SystemExit):
            main(["flow", action, "--help"])
        assert f"  ringfloor flow {action} " in capsys.readouterr().out
