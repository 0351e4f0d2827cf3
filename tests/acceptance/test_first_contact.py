"""The acceptance story: boto3 runs a contact center from creation to metrics."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from acceptance.center import OWN_NUMBER, FirstCenter

STEPS = (
    "AGENTS_ONLINE",
    "AGENTS_AVAILABLE",
    "AGENTS_STAFFED",
    "AGENTS_ON_CONTACT",
    "AGENTS_AFTER_CONTACT_WORK",
    "AGENTS_ERROR",
    "CONTACTS_IN_QUEUE",
    "OLDEST_CONTACT_AGE",
    "SLOTS_ACTIVE",
    "SLOTS_AVAILABLE",
)

COUNTS = [
    {"Name": name, "Unit": "COUNT", "Statistic": "SUM"}
    for name in ("CONTACTS_QUEUED", "CONTACTS_HANDLED", "API_CONTACTS_HANDLED", "CONTACTS_MISSED")
]
TIMES = [
    {"Name": name, "Unit": "SECONDS", "Statistic": statistic}
    for name, statistic in (
        ("QUEUE_ANSWER_TIME", "AVG"),
        ("QUEUED_TIME", "MAX"),
        ("HANDLE_TIME", "AVG"),
        ("HOLD_TIME", "AVG"),
        ("INTERACTION_TIME", "AVG"),
        ("AFTER_CONTACT_WORK_TIME", "AVG"),
    )
]


def epoch(at: datetime) -> float:
    return at.astimezone(UTC).timestamp()


def test_a_new_instance_has_what_clients_look_up(server):
    center = FirstCenter(server)
    connect, instance = center.connect, center.instance
    described = connect.describe_instance(InstanceId=instance)["Instance"]
    assert described["InstanceStatus"] == "ACTIVE"
    pages = connect.get_paginator("list_instances").paginate()
    assert instance in [each["Id"] for page in pages for each in page["InstanceSummaryList"]]
    profiles = connect.list_routing_profiles(InstanceId=instance)["RoutingProfileSummaryList"]
    assert "Basic Routing Profile" in [each["Name"] for each in profiles]
    security = connect.list_security_profiles(InstanceId=instance)["SecurityProfileSummaryList"]
    assert {"Admin", "Agent", "CallCenterManager", "QualityAnalyst"} <= {
        each["Name"] for each in security
    }
    flows = connect.list_contact_flows(InstanceId=instance)["ContactFlowSummaryList"]
    assert {
        "Default agent hold",
        "Default agent transfer",
        "Default agent whisper",
        "Default customer hold",
        "Default customer queue",
        "Default customer whisper",
        "Default outbound",
        "Default queue transfer",
    } <= {each["Name"] for each in flows}
    basic = connect.describe_queue(InstanceId=instance, QueueId=center.basic_queue["Id"])["Queue"]
    number = basic["OutboundCallerConfig"]["OutboundCallerIdNumberId"]
    claimed = connect.describe_phone_number(PhoneNumberId=number)["ClaimedPhoneNumberSummary"]
    assert claimed["PhoneNumber"] == OWN_NUMBER
    user = connect.describe_user(InstanceId=instance, UserId=center.agent)["User"]
    assert user["Username"] == "ann"
    assert user["RoutingProfileId"] == center.profile
    users = connect.list_users(InstanceId=instance)["UserSummaryList"]
    assert [each["Username"] for each in users] == ["ann"]


def test_a_contact_from_dialling_to_metrics(server):
    center = FirstCenter(server)
    server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "answer", "answer_after": 4})
    begun = center.now()
    contact = center.dial(ClientToken="first")
    assert center.dial(ClientToken="first") == contact
    assert "ConnectedToSystemTimestamp" not in center.contact(contact)
    center.advance(4)
    described = center.contact(contact)
    assert epoch(described["InitiationTimestamp"]) == begun
    assert epoch(described["ConnectedToSystemTimestamp"]) == begun + 4
    assert described["InitiationMethod"] == "API"
    assert described["CustomerEndpoint"]["Address"] == center.customer
    assert described["SystemEndpoint"]["Address"] == OWN_NUMBER
    heard = server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
    assert heard[0] == {"kind": "text", "value": "Hello from the flow."}

    assert described["QueueInfo"]["Id"] == center.queue
    assert epoch(described["QueueInfo"]["EnqueueTimestamp"]) == begun + 4
    assert center.position(contact) == {"POSITION_IN_QUEUE": 1.0}
    second = center.dial()
    center.advance(4)
    assert center.position(second) == {"POSITION_IN_QUEUE": 2.0}
    assert center.current("CONTACTS_IN_QUEUE", "OLDEST_CONTACT_AGE", "AGENTS_ONLINE") == {
        "CONTACTS_IN_QUEUE": 2,
        "OLDEST_CONTACT_AGE": 4,
        "AGENTS_ONLINE": 0,
    }
    center.connect.stop_contact(InstanceId=center.instance, ContactId=second)
    assert center.contact(second)["DisconnectReason"] == "OTHER"

    def steps():
        return dict(zip(STEPS, center.current(*STEPS).values(), strict=True))

    center.advance(6)  # ten seconds in queue
    center.act("available")
    assert steps() == {
        "AGENTS_ONLINE": 1,
        "AGENTS_AVAILABLE": 0,
        "AGENTS_STAFFED": 1,
        "AGENTS_ON_CONTACT": 0,
        "AGENTS_AFTER_CONTACT_WORK": 0,
        "AGENTS_ERROR": 0,
        "CONTACTS_IN_QUEUE": 0,
        "OLDEST_CONTACT_AGE": 0,
        "SLOTS_ACTIVE": 0,
        "SLOTS_AVAILABLE": 0,
    }
    assert center.position(contact) == {"POSITION_IN_QUEUE": 0.0, "ESTIMATED_WAIT_TIME": 0.0}
    center.advance(20)
    missed = steps()
    assert (missed["AGENTS_ERROR"], missed["CONTACTS_IN_QUEUE"]) == (1, 1)
    assert missed["OLDEST_CONTACT_AGE"] == 30
    center.act("available")
    center.advance(2)
    center.act("accept")
    connected = steps()
    assert (connected["AGENTS_ON_CONTACT"], connected["SLOTS_ACTIVE"]) == (1, 1)
    center.advance(30)
    center.act("hold")
    center.advance(10)
    center.act("resume")
    center.advance(20)
    center.act("hangup")
    working = steps()
    assert (working["AGENTS_AFTER_CONTACT_WORK"], working["AGENTS_ON_CONTACT"]) == (1, 1)
    assert center.history(*COUNTS)["CONTACTS_HANDLED"] == 0
    center.advance(15)
    center.act("complete")
    free = steps()
    assert (free["AGENTS_AVAILABLE"], free["SLOTS_AVAILABLE"]) == (1, 1)

    assert center.history(*COUNTS) == {
        "CONTACTS_QUEUED": 2,
        "CONTACTS_HANDLED": 1,
        "API_CONTACTS_HANDLED": 1,
        "CONTACTS_MISSED": 1,
    }
    assert center.history(*TIMES) == {
        "QUEUE_ANSWER_TIME": 32,
        "QUEUED_TIME": 32,
        "HANDLE_TIME": 75,
        "HOLD_TIME": 10,
        "INTERACTION_TIME": 50,
        "AFTER_CONTACT_WORK_TIME": 15,
    }
    final = center.contact(contact)
    assert final["DisconnectReason"] == "AGENT_DISCONNECT"
    assert final["AgentInfo"]["Id"] == center.agent
    assert epoch(final["AgentInfo"]["ConnectedToAgentTimestamp"]) == begun + 36
    assert epoch(final["DisconnectTimestamp"]) == begun + 96
    assert final["AgentInfo"]["AfterContactWorkDuration"] == 15
    with pytest.raises(ClientError, match="not in queue"):
        center.position(contact)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("busy", "TELECOM_BUSY"),
        ("invalid", "TELECOM_NUMBER_INVALID"),
        ("no-answer", "TELECOM_TIMEOUT"),
    ],
)
def test_phones_that_do_not_answer(server, behaviour, reason):
    center = FirstCenter(server)
    server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": behaviour})
    contact = center.dial()
    center.advance(60)
    final = center.contact(contact)
    assert final["DisconnectReason"] == reason
    assert "ConnectedToSystemTimestamp" not in final


def test_a_customer_calls_a_claimed_number_and_a_flow(server):
    center = FirstCenter(server)
    number = center.connect.list_phone_numbers_v2(InstanceId=center.instance)[
        "ListPhoneNumbersSummaryList"
    ][0]["PhoneNumberId"]
    status, message = server.refused(
        "POST",
        f"/_ringfloor/phones/{center.customer}/call",
        {"InstanceId": center.instance, "To": OWN_NUMBER},
    )
    assert (status, "has no flow" in message) == (400, True)
    center.connect.associate_phone_number_contact_flow(
        InstanceId=center.instance, PhoneNumberId=number, ContactFlowId=center.flow
    )
    for where in ({"To": OWN_NUMBER}, {"ContactFlowId": center.flow}):
        contact = server.sandbox(
            "POST", f"phones/{center.customer}/call", {"InstanceId": center.instance, **where}
        )["ContactId"]
        described = center.contact(contact)
        assert described["InitiationMethod"] == "INBOUND"
        assert described["QueueInfo"]["Id"] == center.queue
        server.sandbox("POST", f"contacts/{contact}/hangup", {})
        center.advance(0)
        assert center.contact(contact)["DisconnectReason"] == "CUSTOMER_DISCONNECT"
