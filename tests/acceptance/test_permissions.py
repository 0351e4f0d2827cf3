"""Who may do what in a contact center: users, sessions and policies against a running server."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.conftest import REGION, Server

ACCOUNT = "123456789012"


def connected(
    server: Server, key: str, secret: str, token: str | None = None, service: str = "connect"
) -> Any:
    return boto3.client(
        service,
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    names = [f"connect:{action}" for action in actions]
    return {"Effect": "Allow", "Action": names, "Resource": on, **more}


class Desk:
    """A contact center, and users who may do little in it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.center = FirstCenter(server)
        self.iam = server.client("iam")
        self.arn = self.center.queue_arn.partition("/queue/")[0]

    def user(self, *statements: dict[str, Any], **tags: str) -> Any:
        """The connect client of a new user with this policy."""
        return connected(self.server, *self.key(*statements, **tags))

    def key(self, *statements: dict[str, Any], **tags: str) -> tuple[str, str]:
        """The key pair of a new user with this policy."""
        name = f"user-{len(self.iam.list_users()['Users'])}"
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.iam.create_user(UserName=name, Tags=listed)
        self.iam.put_user_policy(
            UserName=name, PolicyName="own", PolicyDocument=policy(*statements)
        )
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.fixture
def desk(server: Server) -> Desk:
    return Desk(server)


def denied(call: Any, **params: Any) -> str:
    """What AWS's words say after `is not authorized to perform: connect:`."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Code"] == "AccessDeniedException"
    who, _, what = answer["Error"]["Message"].partition(" is not authorized to perform: connect:")
    assert who.startswith("User: arn:aws:")
    return what


def code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def test_metrics_are_asked_for_each_queue(desk: Desk) -> None:
    center = desk.center
    ann = desk.user(allow("GetCurrentMetricData", on=center.queue_arn))
    params = {
        "InstanceId": center.instance,
        "CurrentMetrics": [{"Name": "AGENTS_ONLINE", "Unit": "COUNT"}],
    }
    ann.get_current_metric_data(**params, Filters={"Queues": [center.queue]})
    ann.get_current_metric_data(**params, Filters={"Queues": [center.queue_arn]})
    other = f"{desk.arn}/queue/{center.basic_queue['Id']}"
    both = {"Queues": [center.queue, center.basic_queue["Id"]]}
    assert denied(ann.get_current_metric_data, **params, Filters=both) == (
        f"GetCurrentMetricData on resource: {other} because no identity-based policy allows the"
        " connect:GetCurrentMetricData action"
    )
    forbidding = desk.user(
        allow("*"),
        allow("GetCurrentMetricData", on=other) | {"Effect": "Deny"},
    )
    assert denied(forbidding.get_current_metric_data, **params, Filters=both) == (
        f"GetCurrentMetricData on resource: {other} with an explicit deny in an identity-based"
        " policy"
    )


def test_the_policies_of_2018_work(desk: Desk) -> None:
    center = desk.center
    ann = desk.user(allow("StartOutboundVoiceContact", "StopContact", on=f"{desk.arn}/contact/*"))
    contact = ann.start_outbound_voice_contact(
        InstanceId=center.instance,
        ContactFlowId=center.flow,
        DestinationPhoneNumber=center.customer,
        QueueId=center.queue,
    )["ContactId"]
    ann.stop_contact(InstanceId=center.instance, ContactId=contact)
    assert denied(ann.list_queues, InstanceId=center.instance).startswith(
        f"ListQueues on resource: {desk.arn}/queue/*"
    )


def test_who_copies_attributes_may_read_them(desk: Desk) -> None:
    center = desk.center
    related = center.dial(Attributes={"secret": "x"})
    asked = {
        "InstanceId": center.instance,
        "ContactFlowId": center.flow,
        "DestinationPhoneNumber": center.customer,
        "QueueId": center.queue,
        "RelatedContactId": related,
    }
    start = allow("StartOutboundVoiceContact")
    blind = desk.user(start)
    assert denied(blind.start_outbound_voice_contact, **asked).startswith(
        f"DescribeContact on resource: {desk.arn}/contact/{related}"
    )
    reader = desk.user(start, allow("DescribeContact", on=f"{desk.arn}/contact/{related}"))
    made = reader.start_outbound_voice_contact(**asked)["ContactId"]
    assert center.contact(made)["Attributes"] == {"secret": "x"}


def test_tags_decide(desk: Desk) -> None:
    center = desk.center
    own = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    ann = desk.user(
        allow("DescribeQueue", "TagResource", Condition=own),
        allow("CreateHoursOfOperation", Condition={
            "StringEquals": {"aws:RequestTag/team": "red"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
        }),
        team="red",
    )  # fmt: skip
    queue = {"InstanceId": center.instance, "QueueId": center.queue}
    denied(ann.describe_queue, **queue)
    center.connect.tag_resource(resourceArn=center.queue_arn, tags={"Team": "red"})
    ann.describe_queue(**queue)
    ann.tag_resource(resourceArn=center.queue_arn, tags={"Team": "blue"})
    denied(ann.describe_queue, **queue)
    denied(ann.tag_resource, resourceArn=center.queue_arn, tags={"Team": "red"})

    hours = {"InstanceId": center.instance, "TimeZone": "UTC", "Config": []}
    denied(ann.create_hours_of_operation, **hours, Name="a")
    denied(ann.create_hours_of_operation, **hours, Name="b", Tags={"team": "red", "site": "x"})
    ann.create_hours_of_operation(**hours, Name="c", Tags={"team": "red"})


def test_tags_of_a_contact_decide(desk: Desk) -> None:
    center = desk.center
    tagged, other = center.dial(), center.dial()
    at = {"InstanceId": center.instance}
    center.connect.tag_contact(**at, ContactId=tagged, Tags={"case": "open"})
    user = desk.user(
        allow("StopContact", Condition={"StringEquals": {"aws:ResourceTag/case": "open"}})
    )
    denied(user.stop_contact, **at, ContactId=other)
    user.stop_contact(**at, ContactId=tagged)
    curious = desk.user(
        allow("DescribeContact"),
        {
            "Effect": "Deny",
            "Action": "connect:DescribeContact",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/case": "open"}},
        },
    )
    assert curious.describe_contact(**at, ContactId=other)["Contact"]["Id"] == other
    for instance in (center.instance, desk.arn):  # also now that it has ended
        denied(curious.describe_contact, InstanceId=instance, ContactId=tagged)


def test_a_permission_on_one_instance_opens_no_other(desk: Desk) -> None:
    inside = desk.user(allow("*", on=[desk.arn, f"{desk.arn}/*"]))
    other = FirstCenter(desk.server)
    inside.describe_instance(InstanceId=desk.center.instance)
    inside.describe_instance(InstanceId=desk.arn)
    inside.describe_queue(InstanceId=desk.arn, QueueId=desk.center.queue)
    mine, theirs = desk.center.instance, other.instance
    denied(inside.describe_instance, InstanceId=theirs)
    denied(inside.describe_queue, InstanceId=theirs, QueueId=other.queue)
    denied(inside.describe_queue, InstanceId=theirs, QueueId=desk.center.queue_arn)
    denied(inside.list_tags_for_resource, resourceArn=other.queue_arn)
    # What policies allow under an instance is not another instance by the end of its name.
    disguised = f"{mine}/agent/{theirs}"
    refused = code(inside.describe_instance, InstanceId=disguised)
    assert refused == "ResourceNotFoundException"
    refused = code(inside.describe_queue, InstanceId=disguised, QueueId=other.queue)
    assert refused == "ResourceNotFoundException"
    refused = code(inside.describe_queue, InstanceId=mine, QueueId=other.queue_arn)
    assert refused == "AccessDeniedException"


def test_a_qualifier_hides_no_flow_from_a_deny(desk: Desk) -> None:
    flow = f"{desk.arn}/contact-flow/{desk.center.flow}"
    ann = desk.user(allow("*"), allow("DescribeContactFlow", on=flow) | {"Effect": "Deny"})
    for named in (desk.center.flow, flow, f"{flow}:$SAVED", f"{desk.center.flow}:$LATEST"):
        denied(ann.describe_contact_flow, InstanceId=desk.center.instance, ContactFlowId=named)


def test_a_session_is_narrowed_and_knows_its_role(desk: Desk) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/team/night-{desk.center.alias}"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    name = role.rpartition("/")[2]
    desk.iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=policy(trust))
    as_itself = {"ArnEquals": {"aws:PrincipalArn": role}}
    desk.iam.put_role_policy(
        RoleName=name,
        PolicyName="own",
        PolicyDocument=policy(allow("List*", "DescribeInstance", Condition=as_itself)),
    )
    assume = {"RoleArn": role, "RoleSessionName": "ann"}
    own = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    sts = connected(desk.server, *desk.key(own), service="sts")
    for narrowing, listing in (({}, True), ({"Policy": policy(allow("DescribeInstance"))}, False)):
        session = sts.assume_role(**assume, **narrowing)["Credentials"]
        night = connected(
            desk.server,
            session["AccessKeyId"],
            session["SecretAccessKey"],
            session["SessionToken"],
        )
        night.describe_instance(InstanceId=desk.center.instance)
        if listing:
            night.list_users(InstanceId=desk.center.instance)
        else:
            denied(night.list_users, InstanceId=desk.center.instance)
        denied(night.delete_instance, InstanceId=desk.center.instance)


def test_members_come_before_permissions_and_permissions_before_the_rest(desk: Desk) -> None:
    nobody = desk.user(allow("Nothing"))
    refused = code(nobody.list_users, InstanceId=desk.center.instance, MaxResults=100_000)
    assert refused == "InvalidParameterException"
    denied(nobody.list_users, InstanceId="11111111-2222-4333-8444-555555555555")
    denied(nobody.list_test_cases, InstanceId=desk.center.instance)
