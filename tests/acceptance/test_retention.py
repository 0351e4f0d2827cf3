"""How long records are kept: 24 months, or as long as the instance's tag says."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

TAG = "ringfloor:record-months"
DAY = 24 * 60 * 60


def is_kept(center: FirstCenter, contact_id: str) -> bool:
    try:
        center.contact(contact_id)
    except center.connect.exceptions.ResourceNotFoundException:
        return False
    return True


@pytest.fixture
def center(fresh):
    return FirstCenter(fresh)


@pytest.fixture
def arn(center) -> str:
    return center.connect.describe_instance(InstanceId=center.instance)["Instance"]["Arn"]


def finished(center: FirstCenter) -> str:
    contact_id = center.dial()
    center.advance(5)
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact_id)
    return contact_id


def test_an_instance_keeps_its_records_as_long_as_its_tag_says(center, arn: str) -> None:
    contact_id = finished(center)
    center.advance(40 * DAY)
    assert is_kept(center, contact_id)

    center.connect.tag_resource(resourceArn=arn, tags={TAG: "2"})
    assert is_kept(center, contact_id)
    center.advance(23 * DAY)
    assert not is_kept(center, contact_id)
    center.connect.untag_resource(resourceArn=arn, tagKeys=[TAG])
    center.advance(DAY)
    assert not is_kept(center, contact_id), "it is gone for good"


def test_a_longer_time_than_aws_has_can_be_asked_for(center, arn: str) -> None:
    center.connect.tag_resource(resourceArn=arn, tags={TAG: "36"})
    contact_id = finished(center)
    center.advance(800 * DAY)
    assert is_kept(center, contact_id)


@pytest.fixture(scope="module")
def shared_center(server):
    return FirstCenter(server)


@pytest.mark.parametrize("value", ["0", "121", "", "1.5", "-1", "two", "٣"])
def test_what_is_no_number_of_months_is_refused(shared_center, value: str) -> None:
    connect = shared_center.connect
    for attempt in (
        lambda: connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
            InstanceAlias="keeps-odd-months",
            Tags={TAG: value},
        ),
        lambda: connect.tag_resource(
            resourceArn=connect.list_instances()["InstanceSummaryList"][0]["Arn"],
            tags={TAG: value},
        ),
    ):
        with pytest.raises(ClientError, match="1 to 120") as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] in (
            "InvalidParameterException",
            "InvalidRequestException",
        )
