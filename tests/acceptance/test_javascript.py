"""The SDK for JavaScript makes a contact center, reads it, is refused, and measures."""

from collections.abc import Iterator

import pytest

from acceptance.center import PASSWORD, FirstCenter
from acceptance.conftest import KEY, REGION, SECRET
from javascript import Program


class Sdk:
    """A ConnectClient of the SDK, as seen from here."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __call__(self, operation, **params):
        heard = self.program.ask({"operation": operation, "params": params})
        assert "error" not in heard, heard["error"]
        assert heard["metadata"]["httpStatusCode"] == 200
        assert heard["metadata"]["requestId"]
        return heard["output"]

    def pages(self, operation, size, **params):
        heard = self.program.ask({"operation": operation, "params": params, "pageSize": size})
        assert "error" not in heard, heard["error"]
        return heard["pages"]

    def refused(self, operation, **params):
        heard = self.program.ask({"operation": operation, "params": params})
        assert heard["error"]["ours"], heard
        return heard["error"]["name"], heard["metadata"]["httpStatusCode"], heard["error"]


@pytest.fixture
def sdk(server) -> Iterator[Sdk]:
    program = Program("sdk.mjs", ADDRESS=server.address, REGION=REGION, KEY=KEY, SECRET=SECRET)
    yield Sdk(program)
    program.close()


@pytest.mark.slow
def test_a_center_made_by_the_javascript_sdk(sdk):
    instance = sdk(
        "CreateInstance",
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias="by-javascript",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
        Tags={"made by": "JavaScript, ü"},
    )["Id"]
    described = sdk("DescribeInstance", InstanceId=instance)["Instance"]
    assert described["InstanceStatus"] == "ACTIVE"
    assert described["CreatedTime"]["$date"] > 1_000_000_000_000
    assert described["Tags"] == {"made by": "JavaScript, ü"}

    [hours] = sdk("ListHoursOfOperations", InstanceId=instance)["HoursOfOperationSummaryList"]
    queue = sdk(
        "CreateQueue",
        InstanceId=instance,
        Name="sales",
        HoursOfOperationId=hours["Id"],
        MaxContacts=3,
    )["QueueId"]
    assert sdk("DescribeQueue", InstanceId=instance, QueueId=queue)["Queue"]["MaxContacts"] == 3

    profiles = sdk("ListRoutingProfiles", InstanceId=instance)["RoutingProfileSummaryList"]
    securities = sdk("ListSecurityProfiles", InstanceId=instance)["SecurityProfileSummaryList"]
    user = {
        "InstanceId": instance,
        "Password": PASSWORD,
        "IdentityInfo": {"FirstName": "Ann", "LastName": "Agent"},
        "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": False},
        "SecurityProfileIds": [each["Id"] for each in securities if each["Name"] == "Agent"],
        "RoutingProfileId": profiles[0]["Id"],
    }
    names = [f"ann{number}" for number in range(5)]
    ids = [sdk("CreateUser", **user, Username=name)["UserId"] for name in names]

    pages = sdk.pages("ListUsers", 2, InstanceId=instance)
    assert [len(page["UserSummaryList"]) for page in pages] == [2, 2, 1]
    assert sorted(each["Id"] for page in pages for each in page["UserSummaryList"]) == sorted(ids)
    assert "NextToken" not in pages[-1]

    sdk(
        "UpdateUserPhoneConfig",
        InstanceId=instance,
        UserId=ids[0],
        PhoneConfig={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+12065550100"},
    )
    ann = sdk("DescribeUser", InstanceId=instance, UserId=ids[0])["User"]
    assert ann["PhoneConfig"]["DeskPhoneNumber"] == "+12065550100"
    assert "UserSummaryList" in sdk("ListUsers", InstanceId=instance, MaxResults=1)

    name, status, error = sdk.refused("CreateUser", **user, Username="ann0")
    assert (name, status, error["fault"]) == ("DuplicateResourceException", 409, "client")
    assert "ann0" in error["message"]
    assert sdk.refused("DescribeUser", InstanceId=instance, UserId="nobody")[:2] == (
        "ResourceNotFoundException",
        404,
    )
    assert sdk.refused("ListUsers", InstanceId=instance, MaxResults=5_000)[:2] == (
        "InvalidParameterException",
        400,
    )
    assert sdk("DeleteUser", InstanceId=instance, UserId=ids[1]) == {}
    [page] = sdk.pages("ListUsers", 100, InstanceId=instance)
    assert len(page["UserSummaryList"]) == 4


@pytest.mark.slow
def test_contacts_and_metrics_for_the_javascript_sdk(sdk, server):
    center = FirstCenter(server)
    contact = sdk(
        "StartOutboundVoiceContact",
        InstanceId=center.instance,
        DestinationPhoneNumber=center.customer,
        ContactFlowId=center.flow,
        QueueId=center.queue,
        Attributes={"language": "日本語"},
    )["ContactId"]
    attributes = sdk("GetContactAttributes", InstanceId=center.instance, InitialContactId=contact)
    assert attributes["Attributes"] == {"language": "日本語"}
    described = sdk("DescribeContact", InstanceId=center.instance, ContactId=contact)["Contact"]
    assert abs(described["InitiationTimestamp"]["$date"] / 1000 - center.now()) < 60

    center.advance(5)
    current = sdk(
        "GetCurrentMetricData",
        InstanceId=center.instance,
        Filters={"Queues": [center.queue], "Channels": ["VOICE"]},
        Groupings=["QUEUE"],
        CurrentMetrics=[{"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}],
    )
    [row] = current["MetricResults"]
    assert row["Collections"][0]["Value"] == 1
    assert current["DataSnapshotTime"]["$date"] / 1000 == pytest.approx(center.now(), abs=60)

    assert sdk("StopContact", InstanceId=center.instance, ContactId=contact) == {}
    end = int(center.now()) // 300 * 300 + 300
    history = sdk(
        "GetMetricData",
        InstanceId=center.instance,
        StartTime={"$date": (end - 3600) * 1000},
        EndTime={"$date": end * 1000},
        Filters={"Queues": [center.queue]},
        HistoricalMetrics=[{"Name": "CONTACTS_QUEUED", "Unit": "COUNT", "Statistic": "SUM"}],
    )
    assert history["MetricResults"][0]["Collections"][0]["Value"] == 1
    assert sdk.refused("StopContact", InstanceId=center.instance, ContactId="nothing")[1] >= 400
