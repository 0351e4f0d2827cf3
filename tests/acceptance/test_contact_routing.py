"""Who is sought for a contact that waits: routing criteria, and offers by hand, with boto3."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter


@pytest.fixture(scope="module")
def center(server):
    return FirstCenter(server)


def attribute(name: str, level: float) -> dict[str, object]:
    return {
        "AttributeCondition": {
            "Name": "connect:Language",
            "Value": name,
            "ProficiencyLevel": level,
            "ComparisonOperator": "NumberGreaterOrEqualTo",
        }
    }


@pytest.fixture
def waiting(center):
    """A contact in queue, and nobody there who could have it."""
    center.act("offline")
    contact = center.dial()
    center.advance(5)
    yield contact
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)


def described(center: FirstCenter, contact: str) -> dict[str, object]:
    found = center.connect.describe_contact(InstanceId=center.instance, ContactId=contact)
    return found["Contact"]


def test_criteria_are_set_shown_and_step_on(center, waiting):
    steps = [
        {"Expression": attribute("English", 3), "Expiry": {"DurationInSeconds": 30}},
        {"Expression": {"OrExpression": [attribute("French", 1), attribute("Dutch", 2)]}},
    ]
    center.connect.update_contact_routing_data(
        InstanceId=center.instance, ContactId=waiting, RoutingCriteria={"Steps": steps}
    )
    criteria = described(center, waiting)["RoutingCriteria"]
    assert [step["Status"] for step in criteria["Steps"]] == ["ACTIVE", "INACTIVE"]
    assert [step["Expression"] for step in criteria["Steps"]] == [
        step["Expression"] for step in steps
    ]
    first = criteria["Steps"][0]["Expiry"]
    length = first["ExpiryTimestamp"] - criteria["ActivationTimestamp"]
    assert (first["DurationInSeconds"], length.total_seconds()) == (30, 30)
    assert criteria["Index"] == 0
    center.advance(30)
    criteria = described(center, waiting)["RoutingCriteria"]
    assert [step["Status"] for step in criteria["Steps"]] == ["EXPIRED", "ACTIVE"]


WRONG = [
    {"RoutingCriteria": {"Steps": []}},
    {"RoutingCriteria": {"Steps": [{"Expression": {}}]}},
    {"QueuePriority": 1, "QueueTimeAdjustmentSeconds": 1},
    {},
]


@pytest.mark.parametrize("members", WRONG, ids=str)
def test_what_is_no_routing_data_is_refused(center, waiting, members):
    with pytest.raises(ClientError, match="InvalidParameterException"):
        center.connect.update_contact_routing_data(
            InstanceId=center.instance, ContactId=waiting, **members
        )
    assert "RoutingCriteria" not in described(center, waiting)


def test_priority_and_criteria_in_one_request(center, waiting):
    center.connect.update_contact_routing_data(
        InstanceId=center.instance,
        ContactId=waiting,
        QueuePriority=2,
        RoutingCriteria={"Steps": [{"Expression": attribute("English", 3)}]},
    )
    contact = described(center, waiting)
    assert (contact["QueuePriority"], len(contact["RoutingCriteria"]["Steps"])) == (2, 1)


def test_a_contact_is_given_to_a_user_whatever_his_status(center, waiting):
    center.connect.associate_contact_with_user(
        InstanceId=center.instance, ContactId=waiting, UserId=center.agent
    )
    center.act("accept")
    assert described(center, waiting)["AgentInfo"]["Id"] == center.agent


def test_what_cannot_be_given_away(center, waiting):
    def give(contact: str, user: str) -> None:
        center.connect.associate_contact_with_user(
            InstanceId=center.instance, ContactId=contact, UserId=user
        )

    nobody = "00000000-0000-4000-8000-000000000000"
    for contact, user in ((nobody, center.agent), (waiting, nobody)):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            give(contact, user)
    give(waiting, center.agent)
    with pytest.raises(ClientError, match="InvalidRequestException"):
        give(waiting, center.agent)
