"""`ringfloor flow import` against a running server: names resolved, all or nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acceptance.center import FirstCenter, greeting_flow
from acceptance.conftest import KEY, REGION, SECRET


class Importer:
    """A center, a directory with flows, and the command that brings them together."""

    def __init__(self, server: Any, directory: Path) -> None:
        self.center = FirstCenter(server)
        self.connect, self.instance = self.center.connect, self.center.instance
        self.directory = directory

    def write(self, name: str, flow: Any) -> None:
        text = flow if isinstance(flow, str) else json.dumps(flow, indent=2)
        (self.directory / name).write_text(text)

    def run(self, *arguments: str, secret: str = SECRET, address: str = "") -> tuple[int, str, str]:
        """Exit status, output and errors of `ringfloor flow import`."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "ringfloor", "flow", "import", *arguments),
                *("--instance", self.instance),
                *("--endpoint", address or self.center.server.address, "--region", REGION),
            ],
            cwd=self.directory,
            env={"RINGFLOOR_ACCESS_KEY_ID": KEY, "RINGFLOOR_SECRET_ACCESS_KEY": secret},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def flows(self) -> dict[str, dict[str, Any]]:
        pages = self.connect.get_paginator("list_contact_flows").paginate(InstanceId=self.instance)
        return {row["Name"]: row for page in pages for row in page["ContactFlowSummaryList"]}

    def content(self, name: str) -> Any:
        """What is published under a name."""
        described = self.connect.describe_contact_flow(
            InstanceId=self.instance, ContactFlowId=self.flows()[name]["Id"]
        )["ContactFlow"]
        assert described["Status"] == "PUBLISHED"
        return json.loads(described["Content"])


@pytest.fixture
def importer(server, tmp_path) -> Importer:
    return Importer(server, tmp_path)


def goes_to(flow: str) -> Any:
    """A flow that names another."""
    end = {"Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
    return {
        "Version": "2019-10-30",
        "StartAction": "go",
        "Actions": [
            {
                "Identifier": "go",
                "Type": "TransferToFlow",
                "Parameters": {"ContactFlowId": flow},
                "Transitions": {
                    "NextAction": "end",
                    "Errors": [{"ErrorType": "NoMatchingError", "NextAction": "end"}],
                },
            },
            {"Identifier": "end", **end},
        ],
    }


def test_a_flow_by_names_is_created_then_changed(importer):
    importer.write("hello.json", greeting_flow("${queue:sales}"))
    status, out, errors = importer.run("hello.json", "--name", "Hello there")
    assert (status, errors) == (0, "")
    arn = importer.flows()["Hello there"]["Arn"]
    assert out == f"hello.json: flow 'Hello there' (CONTACT_FLOW) created {arn}\n"
    actions = {each["Identifier"]: each for each in importer.content("Hello there")["Actions"]}
    assert actions["choose"]["Parameters"] == {"QueueId": importer.center.queue_arn}
    importer.write("hello.json", greeting_flow("${queue:BasicQueue}", "Changed."))
    status, out, _ = importer.run("hello.json", "--name", "Hello there")
    assert (status, out) == (0, f"hello.json: flow 'Hello there' (CONTACT_FLOW) changed {arn}\n")
    assert importer.content("Hello there")["Actions"][0]["Parameters"] == {"Text": "Changed."}


def test_flows_and_modules_that_name_each_other_come_together(importer):
    importer.write("a.json", goes_to("${flow:b}"))
    importer.write(
        "b.json", {"Name": "b", "Type": "AGENT_TRANSFER", "Content": goes_to("${flow:a}")}
    )
    ask = goes_to("x")
    ask["Actions"][0] |= {"Type": "InvokeFlowModule", "Parameters": {"FlowModuleId": "${module:m}"}}
    importer.write("c.json", ask)
    module = goes_to("${flow:greeting}")
    module["Actions"][0] |= {"Type": "UpdateContactAttributes"}
    module["Actions"][0]["Parameters"] = {"Attributes": {"flow": "${flow:greeting}"}}
    module["Actions"][1]["Type"] = "EndFlowModuleExecution"
    importer.write("m.json", module)
    status, out, errors = importer.run("a.json", "b.json", "c.json", "m.json")
    assert (status, errors) == (0, ""), out
    flows = importer.flows()
    assert flows["b"]["ContactFlowType"] == "AGENT_TRANSFER"
    assert importer.content("a")["Actions"][0]["Parameters"]["ContactFlowId"] == flows["b"]["Arn"]
    assert importer.content("b")["Actions"][0]["Parameters"]["ContactFlowId"] == flows["a"]["Arn"]
    (found,) = importer.connect.list_contact_flow_modules(InstanceId=importer.instance)[
        "ContactFlowModulesSummaryList"
    ]
    assert importer.content("c")["Actions"][0]["Parameters"]["FlowModuleId"] == found["Arn"]
    described = importer.connect.describe_contact_flow_module(
        InstanceId=importer.instance, ContactFlowModuleId=found["Id"]
    )["ContactFlowModule"]
    assert flows["greeting"]["Arn"] in described["Content"]


def test_every_unknown_name_is_told_and_nothing_is_imported(importer):
    before = importer.flows()
    importer.write("good.json", goes_to("${flow:greeting}"))
    importer.write("bad.json", greeting_flow("${queue:salse}"))
    importer.write("worse.json", goes_to("${flow:nowhere at all}"))
    status, out, errors = importer.run("good.json", "bad.json", "worse.json")
    assert status == 1
    assert "bad.json:1: choose (UpdateContactTargetQueue) QueueId: The instance has no queue" in out
    assert "write ${queue:sales}" in out
    assert "worse.json:9: go (TransferToFlow) ContactFlowId: The instance has no flow named" in out
    assert "3 flows: 2 problems" in errors
    assert "nothing has been imported" in errors
    assert importer.flows() == before


def test_a_check_changes_nothing(importer):
    before = importer.flows()
    importer.write("new.json", goes_to("${flow:greeting}"))
    status, out, _ = importer.run("new.json", "--check")
    assert (status, out) == (0, "new.json: flow 'new' (CONTACT_FLOW) would be created\n")
    assert importer.flows() == before


def test_what_the_server_refuses_is_told_with_its_file(importer):
    nobody = "00000000-0000-4000-8000-000000000000"
    importer.write("lost.json", goes_to(nobody))
    status, out, errors = importer.run("lost.json")
    assert (status, out) == (1, "")
    assert "lost.json: flow 'lost': InvalidContactFlowException" in errors
    assert nobody in errors
    assert "created, as drafts: 'lost'" in errors
    assert importer.flows()["lost"]["ContactFlowStatus"] == "SAVED"
    importer.write("lost.json", goes_to("${flow:greeting}"))
    assert importer.run("lost.json")[0] == 0
    assert importer.flows()["lost"]["ContactFlowStatus"] == "PUBLISHED"


def test_names_that_nobody_can_list_are_told(importer):
    flow = goes_to("${flow:greeting}")
    flow["Actions"][0]["Type"] = "UpdateContactAttributes"
    flow["Actions"][0]["Parameters"] = {"Attributes": {"view": "${view:Form}"}}
    importer.write("view.json", flow)
    status, out, errors = importer.run("view.json")
    assert status == 1
    assert "no view named 'Form'" in out or "ListViews, for names of the kind view" in errors


def test_a_type_cannot_change(importer):
    importer.write("greeting.json", greeting_flow(importer.center.queue_arn))
    status, _, errors = importer.run("greeting.json", "--type", "CUSTOMER_HOLD")
    assert status == 2
    assert "'greeting' of the instance is a CONTACT_FLOW, not a CUSTOMER_HOLD" in errors


def test_wrong_usage_and_wrong_keys_are_told(importer):
    importer.write("a.json", goes_to("x"))
    importer.write("b.json", goes_to("x"))
    status, _, errors = importer.run("a.json", "b.json", "--name", "x")
    assert (status, "--name is for one flow" in errors) == (2, True)
    status, _, errors = importer.run("a.json", "a.json")
    assert (status, "more than one file has the flow 'a'" in errors) == (2, True)
    importer.write("a.json", goes_to("${flow:greeting}"))
    status, _, errors = importer.run("a.json", secret="wrong")
    assert (status, "InvalidSignatureException" in errors) == (1, True)
    status, _, errors = importer.run("a.json", address="http://127.0.0.1:9")
    assert (status, "no answer from http://127.0.0.1:9" in errors) == (1, True)
    importer.instance = "00000000-0000-4000-8000-000000000000"
    status, _, errors = importer.run("a.json")
    assert (status, "ResourceNotFoundException" in errors) == (1, True)
