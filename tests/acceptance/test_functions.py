"""InvokeLambdaFunction: an ARN bound to an HTTP address, and what the flow makes of the reply."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from acceptance.center import CUSTOMER, FirstCenter

ARN = "arn:aws:lambda:us-east-1:123456789012:function:lookup"


class Function:
    """A function behind HTTP; keeps the events it was sent."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.replies: list[tuple[int, bytes]] = []
        function = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                function.events.append(json.loads(body))
                status, reply = function.replies.pop(0)
                self.send_response(status)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def function() -> Iterator[Function]:
    made = Function()
    yield made
    made.server.shutdown()
    made.server.server_close()


def lookup_flow(arn: str) -> str:
    def say(identifier: str, text: str) -> dict:
        return {
            "Identifier": identifier,
            "Type": "MessageParticipant",
            "Parameters": {"Text": text},
            "Transitions": {"NextAction": "bye", "Errors": [], "Conditions": []},
        }

    call = {
        "Identifier": "call",
        "Type": "InvokeLambdaFunction",
        "Parameters": {
            "LambdaFunctionARN": arn,
            "InvocationTimeLimitSeconds": "3",
            "LambdaInvocationAttributes": {"from": "$.CustomerEndpoint.Address"},
        },
        "Transitions": {
            "NextAction": "known",
            "Errors": [{"NextAction": "unknown", "ErrorType": "NoMatchingError"}],
            "Conditions": [],
        },
    }
    actions = [
        call,
        say("known", "Hello $.External.name"),
        say("unknown", "Hello stranger"),
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "call", "Actions": actions})


def test_a_flow_asks_a_function(start, function):
    server = start(
        "--memory", "--sandbox", "--clock", "virtual", "--function", f"{ARN}={function.address}"
    )
    center = FirstCenter(server)

    def heard(arn: str, *replies: tuple[int, bytes]) -> list[str]:
        function.replies[:] = replies
        flow = center.connect.create_contact_flow(
            InstanceId=center.instance,
            Name=f"lookup {len(function.events)} {arn[-8:]}",
            Type="CONTACT_FLOW",
            Content=lookup_flow(arn),
        )["ContactFlowId"]
        contact = server.sandbox(
            "POST",
            f"phones/{CUSTOMER}/call",
            {"InstanceId": center.instance, "ContactFlowId": flow},
        )["ContactId"]
        center.advance(0)  # waits for the function
        assert center.contact(contact)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
        said = server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
        return [each["value"] for each in said if each["kind"] == "text"]

    assert heard(ARN, (200, b'{"name": "Ann"}')) == ["Hello Ann"]
    event = function.events[0]
    assert event["Name"] == "ContactFlowEvent"
    assert event["Details"]["Parameters"] == {"from": CUSTOMER}
    assert event["Details"]["ContactData"]["CustomerEndpoint"]["Address"] == CUSTOMER
    assert heard(f"{ARN}:live", (200, b'{"name": "Bob"}')) == ["Hello Bob"]
    assert heard(ARN, (500, b""), (429, b""), (200, b'{"name": "Cid"}')) == ["Hello Cid"]
    assert heard(ARN, *[(500, b"")] * 3) == ["Hello stranger"]
    assert heard(ARN, (200, b'{"name": {"nested": 1}}')) == ["Hello stranger"]
    assert heard(ARN, (200, b"x" * 40_000)) == ["Hello stranger"]
    assert heard("arn:aws:lambda:us-east-1:123456789012:function:nobody") == ["Hello stranger"]
    assert heard(function.address, (200, b'{"name": "Dee"}')) == ["Hello Dee"]


def test_the_address_of_a_block_counts_in_a_sandbox_only(start, function):
    server = start("--memory", "--limits", "none")
    assert server.refused("POST", f"/_ringfloor/phones/{CUSTOMER}/call", {})[0] == 404
    assert function.events == []


def test_a_disconnect_flow_asks_a_function_when_nobody_is_left(start, function):
    center = FirstCenter(
        start(
            "--memory", "--sandbox", "--clock", "virtual", "--function", f"{ARN}={function.address}"
        )
    )

    def action(name: str, type_: str, parameters: dict, then: str) -> dict:
        errors = [{"NextAction": "bye", "ErrorType": "NoMatchingError"}]
        transitions = {"NextAction": then, "Errors": errors, "Conditions": []}
        parameters = {"Parameters": parameters, "Transitions": transitions}
        return {"Identifier": name, "Type": type_, **parameters}

    bye = {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}}
    bye["Transitions"] = {}

    def flow(name: str, *actions: dict) -> str:
        start_at = actions[0]["Identifier"]
        content = {"Version": "2019-10-30", "StartAction": start_at, "Actions": [*actions, bye]}
        return center.connect.create_contact_flow(
            InstanceId=center.instance,
            Name=name,
            Type="CONTACT_FLOW",
            Content=json.dumps(content),
        )["ContactFlowId"]

    asked = {"LambdaFunctionARN": ARN, "InvocationTimeLimitSeconds": "3"}
    noted = {"Attributes": {"ticket": "$.External.name"}}
    last = flow(
        "last",
        action("say", "MessageParticipant", {"Text": "Are you there?"}, "ask"),
        action("ask", "InvokeLambdaFunction", asked, "note"),
        action("note", "UpdateContactAttributes", noted, "bye"),
    )
    hooks = {"EventHooks": {"CustomerRemaining": last}}
    first = flow("first", action("hook", "UpdateContactEventHooks", hooks, "bye"))
    function.replies[:] = [(200, b'{"name": "T-1"}')]
    contact = center.server.sandbox(
        "POST", f"phones/{CUSTOMER}/call", {"InstanceId": center.instance, "ContactFlowId": first}
    )["ContactId"]
    center.advance(0)  # waits for the function
    assert function.events[0]["Details"]["ContactData"]["ContactId"] == contact
    assert center.contact(contact)["Attributes"] == {"ticket": "T-1"}
    heard = center.server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
    assert not [each for each in heard if each["kind"] == "text"], "nobody is there to hear it"
