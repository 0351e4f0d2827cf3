"""Updates with boto3: what was changed is described so, and the floor obeys at once."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter, greeting_flow


def code(call) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


def test_a_user_changes(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance, "UserId": center.agent}
    connect.update_user_identity_info(**at, IdentityInfo={"FirstName": "Anna", "LastName": "Agent"})
    connect.update_user_phone_config(
        **at, PhoneConfig={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+12065550111"}
    )
    admin = center.found("list_security_profiles", "SecurityProfileSummaryList", "Admin")["Id"]
    connect.update_user_security_profiles(**at, SecurityProfileIds=[admin])
    basic = center.found(
        "list_routing_profiles", "RoutingProfileSummaryList", "Basic Routing Profile"
    )
    connect.update_user_routing_profile(**at, RoutingProfileId=basic["Arn"])
    user = connect.describe_user(**at)["User"]
    assert user["IdentityInfo"] == {"FirstName": "Anna", "LastName": "Agent"}
    assert user["PhoneConfig"]["DeskPhoneNumber"] == "+12065550111"
    assert user["SecurityProfileIds"] == [admin]
    assert user["RoutingProfileId"] == basic["Id"]
    assert "PasswordHash" not in user
    assert code(
        lambda: connect.update_user_phone_config(**at, PhoneConfig={"PhoneType": "DESK_PHONE"})
    ) == ("InvalidParameterException")
    nobody = "00000000-0000-4000-8000-000000000000"
    assert code(lambda: connect.update_user_routing_profile(**at, RoutingProfileId=nobody)) == (
        "ResourceNotFoundException"
    )


def test_a_queue_changes_and_a_disabled_one_takes_nobody(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance, "QueueId": center.queue}
    connect.update_queue_name(**at, Name="Sales", Description="Sells")
    connect.update_queue_max_contacts(**at, MaxContacts=1)
    queue = connect.describe_queue(**at)["Queue"]
    assert (queue["Name"], queue["Description"], queue["MaxContacts"]) == ("Sales", "Sells", 1)
    assert code(lambda: connect.update_queue_name(**at, Name="BasicQueue")) == (
        "DuplicateResourceException"
    )
    first, second = center.dial(), center.dial()
    assert center.position(first) == {"POSITION_IN_QUEUE": 1.0}
    assert center.contact(second)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"  # it was full
    connect.update_queue_max_contacts(**at)
    assert "MaxContacts" not in connect.describe_queue(**at)["Queue"]
    connect.update_queue_status(**at, Status="DISABLED")
    third = center.dial()
    assert center.contact(third)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    center.act("available")  # who waits already is still served
    center.act("accept")
    assert center.contact(first)["AgentInfo"]["Id"] == center.agent


def test_a_routing_profile_changes_and_its_agents_with_it(server):
    center = FirstCenter(server)
    connect = center.connect
    at = {"InstanceId": center.instance, "RoutingProfileId": center.profile}
    basic = center.basic_queue["Id"]

    def rows() -> list[tuple[str, str, int, int]]:
        answer = connect.list_routing_profile_queues(**at)
        return [
            (each["QueueName"], each["Channel"], each["Priority"], each["Delay"])
            for each in answer["RoutingProfileQueueConfigSummaryList"]
        ]

    def row(queue: str, channel: str, priority: int, delay: int = 0) -> dict:
        return {
            "QueueReference": {"QueueId": queue, "Channel": channel},
            "Priority": priority,
            "Delay": delay,
        }

    assert rows() == [("sales", "VOICE", 1, 0)]
    assert code(
        lambda: connect.associate_routing_profile_queues(**at, QueueConfigs=[row(basic, "CHAT", 1)])
    ) == ("InvalidParameterException")
    connect.associate_routing_profile_queues(**at, QueueConfigs=[row(basic, "VOICE", 2, 30)])
    assert rows() == [("sales", "VOICE", 1, 0), ("BasicQueue", "VOICE", 2, 30)]
    connect.update_routing_profile_queues(**at, QueueConfigs=[row(center.queue, "VOICE", 3)])
    assert rows() == [("BasicQueue", "VOICE", 2, 30), ("sales", "VOICE", 3, 0)]
    connect.disassociate_routing_profile_queues(
        **at, QueueReferences=[{"QueueId": center.queue, "Channel": "VOICE"}]
    )
    assert rows() == [("BasicQueue", "VOICE", 2, 30)]
    described = connect.describe_routing_profile(**at)["RoutingProfile"]
    assert described["NumberOfAssociatedQueues"] == 1
    assert described["NumberOfAssociatedUsers"] == 1

    waiting = center.dial()  # in sales, which nobody serves now
    center.act("available")
    assert center.position(waiting) == {"POSITION_IN_QUEUE": 1.0}
    connect.associate_routing_profile_queues(**at, QueueConfigs=[row(center.queue, "VOICE", 1)])
    rung = {"POSITION_IN_QUEUE": 0.0, "ESTIMATED_WAIT_TIME": 0.0}
    assert center.position(waiting) == rung
    connect.update_routing_profile_name(**at, Name="all")
    connect.update_routing_profile_default_outbound_queue(**at, DefaultOutboundQueueId=basic)
    connect.update_routing_profile_agent_availability_timer(
        **at, AgentAvailabilityTimer="TIME_SINCE_LAST_INBOUND"
    )
    assert code(
        lambda: connect.update_routing_profile_concurrency(
            **at, MediaConcurrencies=[{"Channel": "VOICE", "Concurrency": 2}]
        )
    ) == ("InvalidParameterException")
    described = connect.describe_routing_profile(**at)["RoutingProfile"]
    assert described["Name"] == "all"
    assert described["DefaultOutboundQueueId"] == basic


def test_a_flow_changes_for_whoever_comes_later(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance, "ContactFlowId": center.flow}
    before = connect.describe_contact_flow(**at)["ContactFlow"]["FlowContentSha256"]
    connect.update_contact_flow_content(**at, Content=greeting_flow(center.queue_arn, "New words."))
    assert connect.describe_contact_flow(**at)["ContactFlow"]["FlowContentSha256"] != before
    contact = center.dial()
    heard = server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
    assert heard[0]["value"] == "New words."
    assert code(lambda: connect.update_contact_flow_content(**at, Content="{}")) == (
        "InvalidContactFlowException"
    )
    connect.update_contact_flow_name(**at, Name="hello")
    connect.update_contact_flow_metadata(**at, ContactFlowState="ARCHIVED")
    described = connect.describe_contact_flow(**at)["ContactFlow"]
    assert (described["Name"], described["State"]) == ("hello", "ARCHIVED")
    assert code(center.dial) == "InvalidRequestException"


def test_hours_and_statuses_change(server):
    center = FirstCenter(server)
    connect, instance = center.connect, center.instance
    day = {
        "Day": "MONDAY",
        "StartTime": {"Hours": 9, "Minutes": 0},
        "EndTime": {"Hours": 17, "Minutes": 0},
    }
    hours = connect.create_hours_of_operation(
        InstanceId=instance, Name="office", TimeZone="Europe/Berlin", Config=[day]
    )["HoursOfOperationId"]
    at = {"InstanceId": instance, "HoursOfOperationId": hours}
    connect.update_hours_of_operation(**at, TimeZone="America/Chicago")
    described = connect.describe_hours_of_operation(**at)["HoursOfOperation"]
    assert (described["Name"], described["TimeZone"]) == ("office", "America/Chicago")
    assert code(lambda: connect.update_hours_of_operation(**at, TimeZone="Mars/Olympus")) == (
        "InvalidParameterException"
    )
    lunch = connect.create_agent_status(InstanceId=instance, Name="Lunch", State="ENABLED")
    at = {"InstanceId": instance, "AgentStatusId": lunch["AgentStatusId"]}
    connect.put_user_status(**at, UserId=center.agent)
    assert center.current("AGENTS_NON_PRODUCTIVE", "AGENTS_ONLINE") == {
        "AGENTS_NON_PRODUCTIVE": 1,
        "AGENTS_ONLINE": 1,
    }
    connect.update_agent_status(**at, Name="Dinner", State="DISABLED")
    described = connect.describe_agent_status(**at)["AgentStatus"]
    assert (described["Name"], described["State"], described["Type"]) == (
        "Dinner",
        "DISABLED",
        "CUSTOM",
    )
    assert code(lambda: connect.put_user_status(**at, UserId=center.agent)) == (
        "InvalidRequestException"
    )
    available = center.found("list_agent_statuses", "AgentStatusSummaryList", "Available")["Id"]
    assert code(
        lambda: connect.update_agent_status(
            InstanceId=instance, AgentStatusId=available, State="DISABLED"
        )
    ) == ("InvalidParameterException")
