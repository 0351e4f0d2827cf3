"""Transfers through the public interfaces: two desktops, boto3, phones, a virtual clock."""

from typing import Any

import pytest

from acceptance.center import PASSWORD, FirstCenter

THIRD = "+12065559177"


class Desk:
    """An agent at a desktop."""

    def __init__(self, center: FirstCenter, username: str) -> None:
        self.server = center.server
        login = {"instance": center.instance, "username": username, "password": PASSWORD}
        self.token = self.server.ask("POST", "/auth/login", login)["accessToken"]

    def do(self, operation: str, **members: Any) -> Any:
        headers = {
            "X-Amz-Target": f"AmazonConnectCTIService.{operation}",
            "X-Amz-Bearer": self.token,
        }
        return self.server.ask("POST", "/api", members, **headers)

    def choose(self, status: str) -> None:
        self.do("PutAgentState", state={"name": status, "type": ""})

    def look(self) -> Any:
        return self.do("GetAgentSnapshot")["snapshot"]

    def contact(self) -> Any:
        (contact,) = self.look()["contacts"]
        return contact

    def accept(self) -> str:
        contact_id = self.contact()["contactId"]
        self.do("AcceptContact", contactId=contact_id)
        return contact_id

    def parties(self) -> dict[str, str]:
        return {
            each["connectionId"]: each["state"]["type"] for each in self.contact()["connections"]
        }

    def hang_up(self, contact_id: str) -> None:
        self.do("DestroyConnection", contactId=contact_id, connectionId=f"{contact_id}/agent")
        self.do("ClearContact", contactId=contact_id)


class TwoDesks(FirstCenter):
    """ann takes sales and support, bob support; quick connects to bob, to support and out."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        connect, instance = self.connect, self.instance
        hours = self.found("list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours")
        self.support = connect.create_queue(
            InstanceId=instance, Name="support", HoursOfOperationId=hours["Id"]
        )["QueueId"]
        security = self.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
        manager = self.found(
            "list_security_profiles", "SecurityProfileSummaryList", "CallCenterManager"
        )
        row = {
            "QueueReference": {"QueueId": self.support, "Channel": "VOICE"},
            "Priority": 1,
            "Delay": 0,
        }
        connect.associate_routing_profile_queues(
            InstanceId=instance, RoutingProfileId=self.profile, QueueConfigs=[row]
        )
        second = connect.create_routing_profile(
            InstanceId=instance,
            Name="supporters",
            Description="Takes support",
            DefaultOutboundQueueId=self.queue,
            MediaConcurrencies=[{"Channel": "VOICE", "Concurrency": 1}],
            QueueConfigs=[row],
        )["RoutingProfileId"]
        self.bob = connect.create_user(
            InstanceId=instance,
            Username="bob",
            Password=PASSWORD,
            IdentityInfo={"FirstName": "Bob", "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            SecurityProfileIds=[security["Id"], manager["Id"]],
            RoutingProfileId=second,
        )["UserId"]
        flows = {
            name: self.found("list_contact_flows", "ContactFlowSummaryList", name)["Id"]
            for name in ("Default agent transfer", "Default queue transfer")
        }
        self.to_bob = self._quick_connect(
            "bob",
            QuickConnectType="USER",
            UserConfig={"UserId": self.bob, "ContactFlowId": flows["Default agent transfer"]},
        )
        self.to_support = self._quick_connect(
            "support",
            QuickConnectType="QUEUE",
            QueueConfig={"QueueId": self.support, "ContactFlowId": flows["Default queue transfer"]},
        )
        self.outside = self._quick_connect(
            "outside", QuickConnectType="PHONE_NUMBER", PhoneConfig={"PhoneNumber": THIRD}
        )
        connect.associate_queue_quick_connects(
            InstanceId=instance,
            QueueId=self.queue,
            QuickConnectIds=[self.to_bob, self.to_support, self.outside],
        )

    def _quick_connect(self, name: str, **config: Any) -> str:
        return self.connect.create_quick_connect(
            InstanceId=self.instance, Name=name, QuickConnectConfig=config
        )["QuickConnectId"]

    def call(self) -> str:
        """A customer calls, through the flow into sales."""
        return self.server.sandbox(
            "POST",
            f"phones/{self.customer}/call",
            {"InstanceId": self.instance, "ContactFlowId": self.flow},
        )["ContactId"]

    def heard(self, channel: str) -> list[str]:
        heard = self.server.sandbox("GET", f"contacts/{channel}/heard")["heard"]
        return [f"{each['kind']} {each['value']}" for each in heard]


@pytest.fixture
def center(server):
    return TwoDesks(server)


@pytest.fixture
def ann(center):
    """She talks to a customer."""
    ann = Desk(center, "ann")
    ann.choose("Available")
    center.call()
    ann.accept()
    return ann


def endpoint(ann: Desk, name: str) -> Any:
    """As the desktop finds it."""
    queue = ann.contact()["queue"]["queueARN"]
    found = ann.do("GetEndpoints", queueARNs=[queue])["endpoints"]
    return next(each for each in found if each["name"] == name)


def test_a_warm_transfer_with_swap_and_conference(center, ann):
    contact = ann.contact()["contactId"]
    bob = Desk(center, "bob")
    bob.choose("Available")
    ann.do("CreateAdditionalConnection", contactId=contact, endpoint=endpoint(ann, "bob"))
    center.advance(3)
    bobs = bob.accept()
    leg = f"{bobs}/agent"
    assert ann.parties() == {f"{contact}/agent": "connected", contact: "hold", leg: "connected"}
    ann.do("ToggleActiveConnections", contactId=contact, connectionId=leg)
    assert ann.parties()[leg] == "hold"
    ann.do("ConferenceConnections", contactId=contact)
    users = f"agent:{center.agent}, agent:{center.bob}"
    assert center.heard(contact)[-1] == f"joined {users}"
    ann.do("HoldConnection", contactId=contact, connectionId=contact)
    center.advance(10)
    ann.do("ResumeConnection", contactId=contact, connectionId=contact)
    ann.hang_up(contact)
    assert center.heard(contact)[-1] == f"joined agent:{center.bob}"
    assert set(bob.parties()) == {leg, contact}
    first, second = center.contact(contact), center.contact(bobs)
    assert first["DisconnectReason"] == "OTHER"
    (following,) = first["NextContacts"]
    made = following["NextContactMetadata"]["QuickConnectContactData"]
    assert (following["Type"], made["ContactId"], made["QuickConnectName"]) == (
        "QUICK_CONNECT",
        bobs,
        "bob",
    )
    assert made["InitiationTimestamp"] == second["InitiationTimestamp"]
    assert (second["InitiationMethod"], second["PreviousContactId"]) == ("TRANSFER", contact)
    assert second["AgentInfo"]["Id"] == center.bob
    center.server.sandbox("POST", f"contacts/{contact}/hangup", {})
    center.advance(1)
    assert center.contact(bobs)["DisconnectReason"] == "CUSTOMER_DISCONNECT"
    assert bob.look()["state"]["name"] == "AfterCallWork"


def test_a_cold_transfer_to_a_queue(center, ann):
    contact = ann.contact()["contactId"]
    ann.do("CreateAdditionalConnection", contactId=contact, endpoint=endpoint(ann, "support"))
    center.advance(1)
    (waiting,) = [each for each, state in ann.parties().items() if state == "connecting"]
    ann.choose("Offline")  # when she has left
    ann.hang_up(contact)
    waits = waiting.removesuffix("/agent")
    described = center.contact(waits)
    assert described["QueueInfo"]["Id"] == center.support
    bob = Desk(center, "bob")
    bob.choose("Available")
    assert bob.accept() == waits
    assert center.heard(contact)[-1] == f"joined agent:{center.bob}"
    bob.hang_up(waits)
    assert center.contact(waits)["DisconnectReason"] == "AGENT_DISCONNECT"
    assert center.contact(contact)["DisconnectReason"] == "OTHER"


def test_an_outside_party_stays_with_the_customer(center, ann):
    contact = ann.contact()["contactId"]
    center.server.sandbox("PUT", f"phones/{THIRD}", {"behaviour": "answer", "answer_after": 5})
    ann.do("CreateAdditionalConnection", contactId=contact, endpoint=endpoint(ann, "outside"))
    (third,) = [each for each, state in ann.parties().items() if state == "connecting"]
    center.advance(5)
    ann.do("ConferenceConnections", contactId=contact)
    ann.do("SendDigits", contactId=contact, connectionId=third, digits="1#")
    assert "digits 1#" in center.heard(third)
    ann.hang_up(contact)
    assert center.heard(contact)[-1] == f"joined {THIRD}"
    center.server.sandbox("POST", f"contacts/{third}/hangup", {})
    center.advance(1)
    described = center.contact(third)
    assert described["InitiationMethod"] == "EXTERNAL_OUTBOUND"
    assert described["DisconnectReason"] == "THIRD_PARTY_DISCONNECT"


def test_a_supervisor_listens_and_a_call_is_recorded(center, ann):
    contact = ann.contact()["contactId"]
    connect, instance = center.connect, center.instance
    monitor = connect.monitor_contact(
        InstanceId=instance,
        ContactId=contact,
        UserId=center.bob,
        AllowedMonitorCapabilities=["SILENT_MONITOR", "BARGE"],
    )["ContactId"]
    with pytest.raises(connect.exceptions.AccessDeniedException):
        connect.monitor_contact(InstanceId=instance, ContactId=contact, UserId=center.agent)
    bob = Desk(center, "bob")
    assert bob.contact()["contactId"] == monitor
    assert bob.parties()[f"{monitor}/agent"] == "silent_monitor"
    assert center.heard(contact)[-1] == f"joined agent:{center.agent}"
    bob.do("UpdateMonitorParticipantState", contactId=monitor, targetMonitorMode="BARGE")
    users = f"agent:{center.agent}, agent:{center.bob}"
    assert center.heard(contact)[-1] == f"joined {users}"
    ids = {"InstanceId": instance, "ContactId": contact, "InitialContactId": contact}
    connect.start_contact_recording(
        **ids, VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"}
    )
    connect.suspend_contact_recording(**ids)
    connect.resume_contact_recording(**ids)
    connect.stop_contact_recording(**ids)
    (recording,) = center.contact(contact)["Recordings"]
    assert {"StartTimestamp", "StopTimestamp"} < set(recording)
    with pytest.raises(connect.exceptions.InvalidRequestException):
        connect.start_contact_recording(
            **ids, VoiceRecordingConfiguration={"VoiceRecordingTrack": "ALL"}
        )
    center.server.sandbox("POST", f"contacts/{contact}/hangup", {})
    center.advance(1)
    assert bob.look()["contacts"] == []
    assert center.contact(monitor)["InitiationMethod"] == "MONITOR"


def test_an_agent_calls_out(center):
    bob = Desk(center, "bob")
    center.server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "busy"})
    dialled = {"type": "phone_number", "phoneNumber": center.customer}
    bob.do("CreateOutboundContact", endpoint=dialled)
    center.advance(1)
    assert bob.look()["state"]["name"] == "LineEngagedCustomer"
    failed = bob.contact()["contactId"]
    bob.do("ClearContact", contactId=failed)
    assert center.contact(failed)["DisconnectReason"] == "TELECOM_BUSY"
    center.server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "answer"})
    bob.do("CreateOutboundContact", endpoint=dialled)
    center.advance(1)
    called = bob.contact()["contactId"]
    assert bob.look()["state"]["name"] == "Busy"
    bob.hang_up(called)
    described = center.contact(called)
    assert described["InitiationMethod"] == "OUTBOUND"
    assert described["QueueInfo"] == {"Id": center.queue}
