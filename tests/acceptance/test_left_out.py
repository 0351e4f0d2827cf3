"""What is left out, empty or endless, in requests and in answers."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter, greeting_flow


def test_what_is_left_out_is_named(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance}
    asked = {
        "Concurrency": lambda: connect.create_routing_profile(
            **at,
            Name="half",
            Description="A channel without a number",
            DefaultOutboundQueueId=center.queue,
            MediaConcurrencies=[{"Channel": "VOICE"}],
        ),
        "FlowModuleId": lambda: connect.create_security_profile(
            **at, SecurityProfileName="half", AllowedFlowModules=[{"Type": "MCP"}]
        ),
    }
    for member, call in asked.items():
        with pytest.raises(ClientError, match=member) as refused:
            call()
        assert 400 <= refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_an_empty_description_takes_it_away(server):
    center = FirstCenter(server)
    status = center.found("list_agent_statuses", "AgentStatusSummaryList", "Available")["Id"]
    at = {"InstanceId": center.instance, "AgentStatusId": status}
    center.connect.update_agent_status(**at, Description="Ready")
    described = center.connect.describe_agent_status(**at)["AgentStatus"]
    assert described["Description"] == "Ready"
    center.connect.update_agent_status(**at, Description="")
    assert "Description" not in center.connect.describe_agent_status(**at)["AgentStatus"]


def test_a_user_that_is_found_has_a_name_and_no_addresses(server):
    center = FirstCenter(server)
    at = {"InstanceId": center.instance}
    told = {"FirstName": "Ann", "LastName": "Agent", "Email": "ann@example.com"}
    center.connect.update_user_identity_info(**at, UserId=center.agent, IdentityInfo=told)
    [found] = center.connect.search_users(**at)["Users"]
    assert found["IdentityInfo"] == {"FirstName": "Ann", "LastName": "Agent"}
    user = center.connect.describe_user(**at, UserId=center.agent)["User"]
    assert user["IdentityInfo"] == told


def test_names_without_a_bound_are_paged(server):
    center = FirstCenter(server)
    at, long = {"InstanceId": center.instance}, "日" * 3_000
    for name in (long + "b", long + "a", long):
        center.connect.create_contact_flow(
            **at, Name=name, Type="CONTACT_FLOW", Content=greeting_flow(center.queue_arn)
        )
    for operation, member in (
        ("list_contact_flows", "ContactFlowSummaryList"),
        ("search_contact_flows", "ContactFlows"),
    ):
        everything = getattr(center.connect, operation)(**at)[member]
        pages = center.connect.get_paginator(operation).paginate(
            **at, PaginationConfig={"PageSize": 1}
        )
        assert [row["Id"] for page in pages for row in page[member]] == [
            row["Id"] for row in everything
        ]
        assert {row["Name"] for row in everything} >= {long, long + "a", long + "b"}
