"""What stands behind flows: Python callables, bots, encrypted input; and the trace of it all."""

import json
import subprocess
import sys
from typing import Any

import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import KEY, REGION, SECRET
from acceptance.test_permissions import Desk, allow
from sealing import KEY_ID, a_pair, opened

ARN = "arn:aws:lambda:us-east-1:123456789012:function:lookup"
BOT = "arn:aws:lex:us-east-1:123456789012:bot-alias/BOT1/ALIAS1"
TYPED = "4111111111111111"

CALLABLES = """
class Lookup:
    @staticmethod
    def find(event):
        return {"name": event["Details"]["Parameters"]["who"] + "!"}

def wait_for_ever(event):
    import threading
    threading.Event().wait()

def book(event):
    return {"sessionState": {"dialogAction": {"type": "Close"}, "intent": {"name": event["text"]}}}
"""


def action(identifier: str, type_: str, parameters: Any, then: str = "", *errors: str, **more: Any):
    ways: dict[str, Any] = {"NextAction": then} if then else {}
    if then:
        ways["Errors"] = [{"NextAction": "failed", "ErrorType": error} for error in errors]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": parameters,
        "Transitions": {**ways, **more},
    }


FAILED = (
    action("failed", "MessageParticipant", {"Text": "Failed"}, "bye"),
    action("bye", "DisconnectParticipant", {}),
)


def flow(*actions: Any) -> str:
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": actions[0]["Identifier"],
            "Actions": [*actions, *FAILED],
        }
    )


def call(center: FirstCenter, content: str, name: str = "of the test") -> str:
    """A customer calls, straight into a flow of this content."""
    made = center.connect.create_contact_flow(
        InstanceId=center.instance, Name=name, Type="CONTACT_FLOW", Content=content
    )["ContactFlowId"]
    body = {"InstanceId": center.instance, "ContactFlowId": made}
    contact = center.server.sandbox("POST", f"phones/{center.customer}/call", body)
    center.advance(0)
    return str(contact["ContactId"])


def heard(center: FirstCenter, contact: str) -> list[str]:
    said = center.server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
    return [each["value"] for each in said if each["kind"] == "text"]


@pytest.fixture
def modules(tmp_path) -> dict[str, str]:
    """An environment in which Python finds our callables."""
    (tmp_path / "callables.py").write_text(CALLABLES)
    return {"PYTHONPATH": str(tmp_path)}


def invoke(arn: str) -> str:
    parameters = {
        "LambdaFunctionARN": arn,
        "InvocationTimeLimitSeconds": "1",
        "LambdaInvocationAttributes": {"who": "Ann"},
    }
    return flow(
        action("ask", "InvokeLambdaFunction", parameters, "say", "NoMatchingError"),
        action("say", "MessageParticipant", {"Text": "Hello $.External.name"}, "bye"),
    )


def test_functions_and_bots_are_python_callables(start, modules):
    slow = ARN.replace("lookup", "slow")
    center = FirstCenter(
        start(
            *("--memory", "--sandbox", "--clock", "virtual"),
            *("--function", f"{ARN}=python:callables:Lookup.find"),
            *("--function", f"{slow}=python:callables:wait_for_ever"),
            *("--bot", f"{BOT}=python:callables:book"),
            environment=modules,
        )
    )
    assert heard(center, call(center, invoke(ARN), "one")) == ["Hello Ann!"]
    assert heard(center, call(center, invoke(slow), "two")) == ["Failed"]
    bot = {"Text": "What?", "LexV2Bot": {"AliasArn": BOT}}
    wanted = [{"NextAction": "say", "Condition": {"Operator": "Equals", "Operands": ["12"]}}]
    errors = "NoMatchingCondition", "NoMatchingError"
    contact = call(
        center,
        flow(
            action("bot", "ConnectParticipantWithLexBot", bot, "bye", *errors, Conditions=wanted),
            action("say", "MessageParticipant", {"Text": "It is $.Lex.IntentName"}, "bye"),
        ),
        "three",
    )
    center.server.sandbox("POST", f"contacts/{contact}/press", {"digits": "12#"})
    center.advance(0)
    assert heard(center, contact) == ["What?", "It is 12"]
    assert "no answer within 1000 ms" in center.server.log()
    status, _ = center.server.stop()  # though a callable never comes back
    assert status == 0


@pytest.mark.parametrize(
    ("word", "problem"), [((), "give --python"), (("--python",), "cannot be imported")]
)
def test_callables_are_the_operators_word_outside_of_a_sandbox(word, problem):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ringfloor", "serve", "--memory", "--port", "0"),
            *("--function", f"{ARN}=python:no_such_module:find", *word),
        ],
        env={"RINGFLOOR_ACCESS_KEY_ID": KEY, "RINGFLOOR_SECRET_ACCESS_KEY": SECRET},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, problem in done.stderr) == (1, True)


def card_flow(pem: str) -> str:
    parameters = {
        "Text": "Your card",
        "StoreInput": "True",
        "InputTimeLimitSeconds": "5",
        "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
        "InputEncryption": {"EncryptionKeyId": KEY_ID, "Key": pem},
    }
    kept = {"Attributes": {"card": "$.StoredCustomerInput"}, "TargetContact": "Current"}
    return flow(
        action("card", "GetParticipantInput", parameters, "keep", "NoMatchingError"),
        action("keep", "UpdateContactAttributes", kept, "bye", "NoMatchingError"),
    )


def test_a_card_number_is_opened_by_its_owner_alone(start, tmp_path):
    data = tmp_path / "data"
    server = start("--data", str(data), "--sandbox", "--clock", "virtual")
    center, pair = FirstCenter(server), a_pair()
    contact = call(center, card_flow(pair.certificate))
    server.sandbox("POST", f"contacts/{contact}/press", {"digits": TYPED})
    center.advance(0)
    attributes = center.connect.get_contact_attributes(
        InstanceId=center.instance, InitialContactId=contact
    )["Attributes"]
    assert opened(attributes["card"], pair) == TYPED
    trace = Trace(server, center.instance, contact)
    card = trace.steps()[0]
    assert card["Asked"].startswith(f"gather up to 16 keys, encrypted with {KEY_ID}")
    assert attributes["card"].startswith(card["Heard"].split("…")[0])
    assert TYPED not in server.log()
    server.stop()
    assert all(
        TYPED.encode() not in each.read_bytes() for each in data.rglob("*") if each.is_file()
    )


class Trace:
    """The trace of one contact, by the command line."""

    def __init__(self, server: Any, instance: str, contact: str) -> None:
        self.given = contact, "--instance", instance, "--endpoint", server.address

    def run(self, *options: str, key: tuple[str, str] = (KEY, SECRET)) -> tuple[int, str, str]:
        """Exit status, output and errors of `ringfloor trace`."""
        done = subprocess.run(
            [sys.executable, "-m", "ringfloor", "trace", *self.given, *options],
            env={
                "RINGFLOOR_ACCESS_KEY_ID": key[0],
                "RINGFLOOR_SECRET_ACCESS_KEY": key[1],
                "RINGFLOOR_REGION": REGION,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def steps(self) -> list[dict[str, Any]]:
        status, out, errors = self.run("--json")
        assert status == 0, errors
        steps: list[dict[str, Any]] = json.loads(out)["Steps"]
        return steps


MENU = flow(
    action(
        "menu",
        "GetParticipantInput",
        {"Text": "Press 1", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        "bye",
        "NoMatchingCondition",
        "NoMatchingError",
        "InputTimeLimitExceeded",
        Conditions=[{"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": ["1"]}}],
    )
)


def test_the_trace_of_a_contact_while_it_lives_and_when_it_is_over(server):
    center = FirstCenter(server)
    contact = call(center, MENU, "Main menu")
    trace = Trace(server, center.instance, contact)
    (step,) = trace.steps()
    assert (step["FlowName"], step["Action"], step["Type"]) == (
        "Main menu",
        "menu",
        "GetParticipantInput",
    )
    assert "Outcome" not in step
    center.advance(6)
    status, out, _ = trace.run()
    assert status == 0
    menu, failed, bye = (line.split() for line in out.splitlines()[1:])
    assert menu[-2:] == ["no_input", "InputTimeLimitExceeded"]
    assert failed[2:6] == ["Main", "menu", "failed", "MessageParticipant"]
    assert bye[2:] == ["Main", "menu", "bye", "DisconnectParticipant", "disconnect"]


def test_who_may_describe_a_contact_may_see_its_trace(server):
    desk = Desk(server)
    center = desk.center
    mine, other = (call(center, MENU, name) for name in ("mine", "other"))
    key = desk.key(allow("DescribeContact", on=f"{desk.arn}/contact/{mine}"))
    assert Trace(server, center.instance, mine).run(key=key)[0] == 0
    status, _, errors = Trace(server, center.instance, other).run(key=key)
    assert status == 1
    assert "not authorized to perform: connect:DescribeContact" in errors
    for instance, contact, word in (
        (center.instance, "7d3a3c0a-0000-4000-8000-000000000000", "ContactId"),
        ("7d3a3c0a-0000-4000-8000-000000000000", mine, "InstanceId"),
    ):
        status, _, errors = Trace(server, instance, contact).run()
        assert (status, word in errors) == (1, True)
    assert Trace(server, center.instance, mine).run(key=(KEY, "wrong"))[0] == 1
    path = f"/_ringfloor/instances/{center.instance}/contacts/{mine}/trace"
    assert server.refused("GET", path)[0] == 403


def test_a_trace_needs_no_sandbox(start):
    server = start("--memory")
    instance = server.client().create_instance(
        IdentityManagementType="SAML",
        InstanceAlias="plain",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    contact = "7d3a3c0a-0000-4000-8000-000000000000"
    status, _, errors = Trace(server, instance, contact).run()
    assert (status, "ResourceNotFoundException" in errors) == (1, True)
    path = f"/_ringfloor/instances/{instance}/contacts/{contact}/trace"
    assert server.refused("GET", path)[0] == 403
