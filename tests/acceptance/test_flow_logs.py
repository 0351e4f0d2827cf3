"""Flow logs: a line for each action, where the instance and a flow want it."""

import json

import pytest

from acceptance.center import FirstCenter
from acceptance.test_streams import MILLISECONDS, lines, until

LOGGED = [
    ("SetLoggingBehavior", "log"),
    ("PlayPrompt", "greet"),
    ("SetQueue", "choose"),
    ("Transfer", "enqueue"),
]


def logging(content: str) -> str:
    """The same flow, which switches logging on first."""
    flow = json.loads(content)
    log = {
        "Identifier": "log",
        "Type": "UpdateFlowLoggingBehavior",
        "Parameters": {"FlowLoggingBehavior": "Enabled"},
        "Transitions": {"NextAction": flow["StartAction"], "Errors": [], "Conditions": []},
    }
    return json.dumps({**flow, "StartAction": "log", "Actions": [log, *flow["Actions"]]})


@pytest.mark.parametrize("wanted", ["true", "false"])
def test_what_a_flow_does_is_logged_where_the_instance_wants_it(start, tmp_path, wanted):
    options = [
        option
        for name in ("flow-logs", "contact-events")
        for option in ("--stream", f"{name}={tmp_path / name}.jsonl")
    ]
    center = FirstCenter(start("--memory", "--sandbox", "--clock", "virtual", *options))
    connect, instance = center.connect, center.instance
    connect.update_instance_attribute(
        InstanceId=instance, AttributeType="CONTACTFLOW_LOGS", Value=wanted
    )
    flow = connect.describe_contact_flow(InstanceId=instance, ContactFlowId=center.flow)
    connect.update_contact_flow_content(
        InstanceId=instance,
        ContactFlowId=center.flow,
        Content=logging(flow["ContactFlow"]["Content"]),
    )
    contact = center.dial()
    center.advance(5)
    connect.stop_contact(InstanceId=instance, ContactId=contact)
    until(
        lambda: (
            [each for each in lines(tmp_path, "contact-events") if "COMPLETED" in str(each)] or None
        )
    )
    if wanted == "false":
        assert lines(tmp_path, "flow-logs") == []
        return
    until(lambda: len(lines(tmp_path, "flow-logs")) >= len(LOGGED) or None)
    told = lines(tmp_path, "flow-logs")[: len(LOGGED)]
    assert [(each["ContactFlowModuleType"], each["Identifier"]) for each in told] == LOGGED
    for each in told:
        assert each["ContactId"] == contact
        assert each["ContactFlowId"] == flow["ContactFlow"]["Arn"]
        assert each["ContactFlowName"] == "greeting"
        assert MILLISECONDS.fullmatch(each["Timestamp"])
    assert [each["Parameters"] for each in told[:3]] == [
        {"LoggingBehavior": "Enable"},
        {"Text": "Hello from the flow.", "TextToSpeechType": "text"},
        {"Queue": center.queue_arn},
    ]
