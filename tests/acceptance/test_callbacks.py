"""Queued callbacks through boto3, with simulated phones on the virtual clock."""

import json
import re

import pytest

from acceptance.center import FirstCenter


def asking(queue_arn: str, **parameters: str) -> str:
    """A flow that makes a callback and hangs up."""
    wanted = {
        "QueueId": queue_arn,
        "InitialCallDelaySeconds": "30",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "60",
        **parameters,
    }
    actions = [
        {
            "Identifier": "make",
            "Type": "CreateCallbackContact",
            "Parameters": wanted,
            "Transitions": {
                "NextAction": "bye",
                "Errors": [{"NextAction": "bye", "ErrorType": "NoMatchingError"}],
            },
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "make", "Actions": actions})


class CallbackCenter(FirstCenter):
    """Whoever calls its flow asks to be called back."""

    def __init__(self, server):
        super().__init__(server)
        self.asks = self.flow_of("asks", asking(self.queue_arn))
        self.act("available")

    def flow_of(self, name, content):
        return self.connect.create_contact_flow(
            InstanceId=self.instance, Name=name, Type="CONTACT_FLOW", Content=content
        )["ContactFlowId"]

    def phone(self, behaviour, answer_after=0):
        self.server.sandbox(
            "PUT",
            f"phones/{self.customer}",
            {"behaviour": behaviour, "answer_after": answer_after},
        )

    def call(self, flow=None):
        """A customer calls; answers the contact that will call him back."""
        call = self.server.sandbox(
            "POST",
            f"phones/{self.customer}/call",
            {"InstanceId": self.instance, "ContactFlowId": flow or self.asks},
        )["ContactId"]
        self.advance(0)
        tree = self.connect.list_associated_contacts(InstanceId=self.instance, ContactId=call)
        (made,) = [
            each["ContactId"]
            for each in tree["ContactSummaryList"]
            if each.get("PreviousContactId") == call
        ]
        return made

    def answer(self):
        """The agent takes what rings; whispers are heard."""
        self.act("accept")
        self.advance(5)

    def state(self, contact_id):
        """The contact as the agent sees it."""
        _, said = self.server.refused("POST", f"/_ringfloor/agents/{self.agent}/resume", {})
        held = re.search(f"{contact_id} ([A-Z_]+)", said)
        return held and held.group(1)


@pytest.fixture
def center(server):
    return CallbackCenter(server)


def test_an_agent_calls_the_customer_back(center):
    begun = center.now()
    waiting = center.call()
    shown = center.contact(waiting)
    assert (shown["InitiationMethod"], shown["Channel"]) == ("CALLBACK", "VOICE")
    assert shown["CustomerEndpoint"]["Address"] == center.customer
    assert shown["ScheduledTimestamp"].timestamp() == begun + 30
    assert "EnqueueTimestamp" not in shown["QueueInfo"]
    names = ("CONTACTS_SCHEDULED", "CONTACTS_IN_QUEUE")
    assert center.current(*names) == {"CONTACTS_SCHEDULED": 1, "CONTACTS_IN_QUEUE": 0}
    center.advance(30)
    assert center.current(*names) == {"CONTACTS_SCHEDULED": 0, "CONTACTS_IN_QUEUE": 0}
    assert center.state(waiting) == "INCOMING"
    center.phone("answer", answer_after=10)
    center.advance(2)
    center.answer()
    center.advance(20)
    assert center.state(waiting) == "CONNECTED"
    shown = center.contact(waiting)
    info = shown["AgentInfo"]
    assert shown["QueueInfo"]["EnqueueTimestamp"].timestamp() == begun + 30
    assert info["ConnectedToAgentTimestamp"] >= shown["ConnectedToSystemTimestamp"]
    assert info["AcceptedByAgentTimestamp"].timestamp() == begun + 32, "before anybody was dialled"
    center.act("hangup")
    center.act("complete")
    handled = {"Name": "CALLBACK_CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"}
    assert center.history(handled) == {"CALLBACK_CONTACTS_HANDLED": 1}


def test_who_does_not_answer_is_called_once_more(center):
    waiting = center.call()
    center.advance(30)
    center.phone("busy")
    center.answer()
    assert center.state(waiting) == "ERROR"
    assert center.current("CONTACTS_SCHEDULED") == {"CONTACTS_SCHEDULED": 1}
    center.act("complete")
    center.advance(60)
    center.answer()
    shown = center.contact(waiting)
    assert shown["DisconnectReason"] == "TELECOM_BUSY"
    assert "AgentInfo" not in shown
    assert center.state(waiting) == "ERROR"
    center.act("complete")
    assert center.state(waiting) is None


def test_who_lets_it_ring_is_called_once_more(center):
    waiting = center.call()
    center.advance(30)
    center.phone("no-answer")
    center.answer()
    center.advance(60)
    assert center.state(waiting) == "ERROR"
    center.act("complete")
    assert center.current("CONTACTS_SCHEDULED") == {"CONTACTS_SCHEDULED": 1}
    center.phone("answer")
    center.advance(60)
    center.answer()
    assert center.state(waiting) == "CONNECTED"


def test_a_callback_can_be_stopped(center):
    waiting = center.call()
    center.connect.stop_contact(InstanceId=center.instance, ContactId=waiting)
    assert center.contact(waiting)["DisconnectReason"] == "OTHER"
    center.advance(60)
    assert center.state(waiting) is None


def test_a_customer_first_callback_dials_while_the_agent_is_free(center):
    flow = center.flow_of("asks first", asking(center.queue_arn, ContactFlowId=center.flow))
    center.phone("answer", answer_after=3)
    waiting = center.call(flow)
    first = center.contact(waiting)
    assert (first["InitiationMethod"], first["DisconnectReason"]) == ("CALLBACK", "OTHER")
    tree = center.connect.list_associated_contacts(InstanceId=center.instance, ContactId=waiting)
    (dialled,) = [
        each["ContactId"]
        for each in tree["ContactSummaryList"]
        if each.get("PreviousContactId") == waiting
    ]
    assert center.state(dialled) is None
    center.advance(3)
    assert center.state(dialled) == "CONNECTING"
    center.answer()
    assert center.state(dialled) == "CONNECTED"


def test_practice_is_told_to_new_instances_and_after_a_restart_to_those_there_are(start, tmp_path):
    """How long an offer rings: of the instance that is made, and again when it is set otherwise."""

    def begin(*options):
        return start("--data", str(tmp_path), "--sandbox", "--clock", "virtual", *options)

    def missed_after(seconds):
        asked = {"InstanceId": center.instance, "ContactId": center.dial()}
        center.advance(seconds - 1)
        with pytest.raises(center.connect.exceptions.InvalidRequestException):
            center.connect.dismiss_user_contact(UserId=center.agent, **asked)
        center.advance(1)
        center.connect.dismiss_user_contact(UserId=center.agent, **asked)  # and is rung again
        center.connect.stop_contact(**asked)
        center.connect.dismiss_user_contact(UserId=center.agent, **asked)

    center = FirstCenter(begin("--ring-seconds", "5"))
    center.act("available")
    missed_after(5)
    for options, seconds in ((("--ring-seconds", "9"), 9), ((), 20)):
        center.server.stop()
        server = begin(*options)
        center.server, center.connect = server, server.client()
        missed_after(seconds)
