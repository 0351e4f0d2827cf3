"""`ringfloor flow run`: a person, or a script, walks through a flow in the terminal."""

import io
import json
from pathlib import Path

import pytest

from engine_builders import a_content, an_action
from ringfloor.cli import main

FLOWS = Path(__file__).parents[1] / "flows"
BYE = an_action("bye", "DisconnectParticipant")


def run(capsys, *arguments):
    """Exit status, and the lines of output and of errors."""
    status = main(["flow", "run", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out.splitlines(), told.err.splitlines()


def test_a_call_is_told_with_its_way(capsys):
    status, out, _ = run(
        capsys,
        FLOWS / "main.json",
        *("--press", "2", "--press", "w30", "--press", "t", "--press", "q"),
        *("--function", 'find-customer={"tier": "gold"}', "--attribute", "language=de"),
    )
    assert status == 0
    assert out[:2] == ["(stand-in: queue Sales)", "00:00  For sales press one."]
    assert "00:30  over: CUSTOMER_DISCONNECT" in out
    assert out.count("  00:00  main: menu (GetParticipantInput)  -> 2") == 2
    assert out[-2:] == ['attributes: {"language": "de", "tier": "gold"}', "queue: Sales"]


def test_nothing_pressed_is_waited_for(capsys):
    _, out, _ = run(capsys, FLOWS / "main.json", "--press", "", "--press", "x")
    assert "00:05  over: CONTACT_FLOW_DISCONNECT" in out
    assert "  00:05  main: menu (GetParticipantInput)  -> InputTimeLimitExceeded" in out


def test_a_chat_is_typed(capsys):
    typed = ("It is broken", "Send {", 'Send {"order": "4711"}', "q")
    presses = [part for each in typed for part in ("--press", each)]
    _, out, _ = run(capsys, FLOWS / "chat.json", "--chat", "--bot", "*=Return", *presses)
    assert out[1] == "00:00  What can I do for you?"
    assert any(line.startswith("(what is filled in is no JSON") for line in out)
    assert "  00:00  chat: form (ShowView)  -> Send" in out
    assert out[-2:] == ['attributes: {"order": "4711"}', "queue: Sales"]


def test_a_person_is_asked_what_the_flow_waits_for(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("?\n\n"))
    _, out, _ = run(capsys, FLOWS / "main.json")
    assert (
        "00:00  a key, within 5 s > (keys are 0-9 * #; Enter, w SECONDS, t, q do the rest)" in out
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello\n"))
    _, out, _ = run(capsys, FLOWS / "chat.json", "--chat", "--bot", "*=Return")
    assert out[2].startswith("00:00  a message > 00:00  a choice in the view form > ")


def test_a_flow_leads_to_the_others_that_are_given(capsys, tmp_path):
    to = {"ContactFlowId": "${flow:second}"}
    first = a_content(an_action("on", "TransferToFlow", to, NoMatchingError="bye"), BYE)
    second = a_content(an_action("say", "MessageParticipant", {"Text": "Second."}, "bye"), BYE)
    for name, content in (("first", first), ("second", second)):
        (tmp_path / f"{name}.json").write_text(content)
    _, out, _ = run(capsys, tmp_path / "first.json", tmp_path / "second.json", "--press", "q")
    assert "00:00  Second." in out
    assert not [line for line in out if "stand-in" in line]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.json"], "No such file"),
        (["main.json", "--attribute", "x"], "--attribute: 'x' is not NAME=VALUE"),
        (["main.json", "--function", "f={"], "--function f: '{' is not JSON"),
        (["main.json", "--bot", "=x"], "--bot: '=x' is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_run_is_told(capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(FLOWS)
    status, _, errors = run(capsys, *arguments)
    assert (status, told in errors[0]) == (1, True), errors


def test_all_problems_of_a_flow_are_told(capsys, tmp_path):
    broken = json.loads(a_content(an_action("one", "NoSuchThing", {}, "nowhere")))
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    status, _, errors = run(capsys, tmp_path / "broken.json")
    assert (status, len(errors)) == (1, 2)
