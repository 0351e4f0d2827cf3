"""Operations that the first contact does not need: pages, tags, deletion, limits, sign-in."""

import socket

import pytest
from botocore.exceptions import ClientError

from acceptance.center import CUSTOMER, PASSWORD, FirstCenter

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def center(server):
    return FirstCenter(server)


def refused(call, *arguments, **parameters):
    """Code and message of what is refused."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def some_queues(center, count):
    hours = center.found("list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours")
    return [
        center.connect.create_queue(
            InstanceId=center.instance, Name=f"queue {number}", HoursOfOperationId=hours["Id"]
        )["QueueId"]
        for number in range(count)
    ]


# Pages


LISTS = [
    ("list_agent_statuses", "AgentStatusSummaryList"),
    ("list_contact_flows", "ContactFlowSummaryList"),
    ("list_hours_of_operations", "HoursOfOperationSummaryList"),
    ("list_prompts", "PromptSummaryList"),
    ("list_queues", "QueueSummaryList"),
    ("list_routing_profiles", "RoutingProfileSummaryList"),
    ("list_security_profiles", "SecurityProfileSummaryList"),
    ("list_users", "UserSummaryList"),
]


@pytest.mark.parametrize(("operation", "member"), LISTS)
def test_pages_of_one_are_the_whole_listing(center, operation, member):
    ask = getattr(center.connect, operation)
    whole = ask(InstanceId=center.instance)
    assert "NextToken" not in whole
    pages, token = [], {}
    while True:
        page = ask(InstanceId=center.instance, MaxResults=1, **token)
        pages += page[member]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == whole[member]
    names = [row.get("Name") or row["Username"] for row in pages]
    assert names == sorted(names)


def test_a_token_is_good_for_its_own_question_only(center):
    queues = center.connect.list_queues
    token = queues(InstanceId=center.instance, MaxResults=1)["NextToken"]
    assert queues(InstanceId=center.instance, MaxResults=1, NextToken=token)["QueueSummaryList"]
    other = FirstCenter(center.server)
    for call, parameters in (
        (queues, {"InstanceId": other.instance, "MaxResults": 1}),
        (queues, {"InstanceId": center.instance, "MaxResults": 1, "QueueTypes": ["STANDARD"]}),
        (center.connect.list_users, {"InstanceId": center.instance, "MaxResults": 1}),
    ):
        assert refused(call, NextToken=token, **parameters)[0] == "InvalidParameterException"
    spoilt = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    code, message = refused(queues, InstanceId=center.instance, MaxResults=1, NextToken=spoilt)
    assert code == "InvalidParameterException"
    assert spoilt not in message


def test_a_token_lives_five_minutes(center):
    queues = center.connect.list_queues
    token = queues(InstanceId=center.instance, MaxResults=1)["NextToken"]
    center.advance(299)
    assert queues(InstanceId=center.instance, MaxResults=1, NextToken=token)["QueueSummaryList"]
    center.advance(2)
    code, _ = refused(queues, InstanceId=center.instance, MaxResults=1, NextToken=token)
    assert code == "InvalidParameterException"


def test_a_page_goes_on_after_what_was_seen(center):
    some_queues(center, 4)
    page = center.connect.list_queues(InstanceId=center.instance, MaxResults=3)
    center.connect.delete_queue(
        InstanceId=center.instance, QueueId=page["QueueSummaryList"][1]["Id"]
    )
    rest = center.connect.list_queues(
        InstanceId=center.instance, MaxResults=3, NextToken=page["NextToken"]
    )
    names = [row["Name"] for each in (page, rest) for row in each["QueueSummaryList"]]
    assert names == ["BasicQueue", "queue 0", "queue 1", "queue 2", "queue 3", "sales"]


# Tags


def test_tags_are_set_changed_listed_and_taken_away(center):
    connect, arn = center.connect, center.queue_arn
    connect.tag_resource(resourceArn=arn, tags={"team": "red", "floor": "4"})
    connect.tag_resource(resourceArn=arn, tags={"team": "blue"})
    tags = {"team": "blue", "floor": "4"}
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == tags
    described = connect.describe_queue(InstanceId=center.instance, QueueId=center.queue)["Queue"]
    assert described["Tags"] == tags
    connect.untag_resource(resourceArn=arn, tagKeys=["team", "nothing"])
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == {"floor": "4"}


def test_a_resource_without_tags_has_an_empty_list(center):
    assert center.connect.list_tags_for_resource(resourceArn=center.queue_arn)["tags"] == {}


def test_tags_that_are_refused(center):
    connect, arn = center.connect, center.queue_arn
    for tags in ({"aws:x": "1"}, {"AWS:x": "1"}):
        code, _ = refused(connect.tag_resource, resourceArn=arn, tags=tags)
        assert code == "InvalidParameterException"
    connect.tag_resource(resourceArn=arn, tags={str(number): "" for number in range(50)})
    connect.tag_resource(resourceArn=arn, tags={"49": "again"})
    code, message = refused(connect.tag_resource, resourceArn=arn, tags={"50": ""})
    assert (code, "51" in message) == ("InvalidParameterException", True)
    for wrong in (arn.replace(center.queue, NOBODY), arn.replace("/queue/", "/agent/"), "x"):
        for call, more in (
            (connect.tag_resource, {"tags": {"a": "b"}}),
            (connect.untag_resource, {"tagKeys": ["a"]}),
            (connect.list_tags_for_resource, {}),
        ):
            assert refused(call, resourceArn=wrong, **more)[0] == "ResourceNotFoundException"


# Deletion


def test_a_queue_in_use_stays(center):
    connect = center.connect
    delete = {"InstanceId": center.instance, "QueueId": center.queue}
    code, _ = refused(connect.delete_queue, **delete)
    assert code == "ResourceInUseException"
    connect.describe_queue(**delete)
    (unused,) = some_queues(center, 1)
    connect.delete_queue(InstanceId=center.instance, QueueId=unused)
    for call in (connect.delete_queue, connect.describe_queue):
        code, _ = refused(call, InstanceId=center.instance, QueueId=unused)
        assert code == "ResourceNotFoundException"


def test_a_user_with_a_contact_cannot_be_used_up(center):
    connect = center.connect
    center.act("available")
    contact = center.dial()
    center.advance(0)
    center.act("accept")
    user = {"InstanceId": center.instance, "UserId": center.agent}
    code, _ = refused(connect.delete_user, **user)
    assert code in ("ResourceInUseException", "InvalidRequestException")
    assert center.contact(contact)["AgentInfo"]["Id"] == center.agent
    center.act("hangup")
    center.act("complete")
    center.act("offline")
    connect.delete_user(**user)
    assert refused(connect.describe_user, **user)[0] == "ResourceNotFoundException"
    assert refused(connect.delete_user, **user)[0] == "ResourceNotFoundException"
    assert center.contact(contact)["AgentInfo"]["Id"] == center.agent


# Metrics


def values(page):
    return [each["Value"] for row in page["MetricResults"] for each in row["Collections"]]


def waiting_in_two_queues(center):
    """One contact in the center's queue, one in BasicQueue."""
    flow = center.found("list_contact_flows", "ContactFlowSummaryList", "Sample inbound flow")
    basic = center.server.sandbox(
        "POST",
        f"phones/{CUSTOMER}/call",
        {"InstanceId": center.instance, "ContactFlowId": flow["Id"]},
    )["ContactId"]
    contacts = [center.dial(), basic]
    center.advance(0)
    return contacts


def paged(center, ask, change, stamp):
    """Pages of one row: as they were when the first was asked for, and for five minutes only."""
    whole = ask()
    assert values(whole) == [1, 1]
    first = ask(MaxResults=1)
    change()
    assert ask()["MetricResults"] != whole["MetricResults"]
    second = ask(MaxResults=1, NextToken=first["NextToken"])
    assert first["MetricResults"] + second["MetricResults"] == whole["MetricResults"]
    assert first.get(stamp) == second.get(stamp)
    assert "NextToken" not in second
    code, _ = refused(ask, MaxResults=1, NextToken=first["NextToken"], Groupings=[])
    assert code == "InvalidParameterException"
    center.advance(299)
    assert ask(MaxResults=1, NextToken=first["NextToken"])["MetricResults"]
    center.advance(2)
    code, _ = refused(ask, MaxResults=1, NextToken=first["NextToken"])
    assert code == "InvalidParameterException"


def test_pages_of_current_metrics_are_frozen_and_expire(center):
    contacts = waiting_in_two_queues(center)

    def ask(**more):
        return center.connect.get_current_metric_data(
            **{
                "InstanceId": center.instance,
                "Filters": {"Queues": [center.queue, center.basic_queue["Id"]]},
                "Groupings": ["QUEUE"],
                "CurrentMetrics": [{"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}],
                **more,
            }
        )

    def change():
        for contact in contacts:
            center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)

    assert ask(MaxResults=1)["ApproximateTotalCount"] == 2
    paged(center, ask, change, "DataSnapshotTime")


def test_pages_of_historical_metrics_are_frozen_and_expire(center):
    def end_all():
        for contact in waiting_in_two_queues(center):
            center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)

    end = int(center.now()) // 300 * 300 + 300
    end_all()

    def ask(**more):
        return center.connect.get_metric_data(
            **{
                "InstanceId": center.instance,
                "StartTime": end - 3600,
                "EndTime": end,
                "Filters": {"Queues": [center.queue, center.basic_queue["Id"]]},
                "Groupings": ["QUEUE"],
                "HistoricalMetrics": [
                    {"Name": "CONTACTS_QUEUED", "Unit": "COUNT", "Statistic": "SUM"}
                ],
                **more,
            }
        )

    paged(center, ask, end_all, "none")


# Agents


def test_a_supervisor_chooses_an_agents_status(center):
    connect = center.connect
    statuses = {
        row["Name"]: row["Id"]
        for row in connect.list_agent_statuses(InstanceId=center.instance)["AgentStatusSummaryList"]
    }
    put = {"InstanceId": center.instance, "UserId": center.agent}
    connect.put_user_status(**put, AgentStatusId=statuses["Available"])
    center.advance(0)
    assert center.current("AGENTS_AVAILABLE") == {"AGENTS_AVAILABLE": 1}
    connect.put_user_status(**put, AgentStatusId=statuses["Offline"])
    assert center.current("AGENTS_AVAILABLE").get("AGENTS_AVAILABLE", 0) == 0
    code, _ = refused(connect.put_user_status, **put, AgentStatusId=NOBODY)
    assert code == "ResourceNotFoundException"
    put["UserId"] = NOBODY
    code, _ = refused(connect.put_user_status, **put, AgentStatusId=statuses["Offline"])
    assert code == "ResourceNotFoundException"


def test_a_missed_contact_is_dismissed(center):
    connect = center.connect
    center.act("available")
    contact = center.dial()
    center.advance(0)
    dismiss = {"InstanceId": center.instance, "UserId": center.agent, "ContactId": contact}
    code, _ = refused(connect.dismiss_user_contact, **dismiss)  # it rings
    assert code == "InvalidRequestException"
    center.advance(21)
    connect.dismiss_user_contact(**dismiss)
    code, _ = refused(connect.dismiss_user_contact, **{**dismiss, "ContactId": NOBODY})
    assert code == "ResourceNotFoundException"
    code, _ = refused(connect.dismiss_user_contact, **{**dismiss, "UserId": NOBODY})
    assert code == "ResourceNotFoundException"


# Limits


def test_aws_limits_throttle_by_the_centers_clock(start):
    server = start("--memory", "--sandbox", "--clock", "virtual", "--limits", "aws")
    connect = server.client()

    def ask():
        return refused(
            connect.get_metric_data,
            InstanceId=NOBODY,
            StartTime=0,
            EndTime=300,
            Filters={"Queues": [NOBODY]},
            HistoricalMetrics=[{"Name": "CONTACTS_HANDLED", "Unit": "COUNT", "Statistic": "SUM"}],
        )[0]

    assert [ask() == "ThrottlingException" for _ in range(10)] == [False] * 8 + [True] * 2
    server.sandbox("POST", "clock", {"advance": 0.2})
    assert [ask() == "ThrottlingException" for _ in range(2)] == [False, True]
    asked = [connect.list_instances for _ in range(5)]
    assert all(call()["InstanceSummaryList"] == [] for call in asked)
    assert refused(connect.list_instances) == ("ThrottlingException", "Rate exceeded")


def test_aws_quotas(start):
    server = start("--memory", "--sandbox", "--clock", "virtual", "--limits", "aws")
    connect = server.client()

    def create(alias):
        server.sandbox("POST", "clock", {"advance": 5})
        return connect.create_instance(
            IdentityManagementType="SAML",
            InstanceAlias=alias,
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )["Id"]

    first = create("one")
    create("two")
    code, message = refused(create, "three")
    assert (code, "its quota is 2" in message) == ("ServiceQuotaExceededException", True)
    connect.delete_instance(InstanceId=first)
    assert create("three")


def test_an_operator_sets_rates_and_quotas(start):
    center = FirstCenter(
        start(
            *("--memory", "--sandbox", "--clock", "virtual"),
            *("--rate", "DescribeQueue=1/2", "--rate", "iam:ListUsers=1/1", "--quota", "user=2"),
        )
    )
    connect, at = center.connect, {"InstanceId": center.instance}

    def user(name):
        return connect.create_user(
            **at,
            Username=name,
            Password=PASSWORD,
            IdentityInfo={"FirstName": name.title(), "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            SecurityProfileIds=[
                center.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")["Id"]
            ],
            RoutingProfileId=center.profile,
        )

    user("bob")
    code, message = refused(user, "carol")
    assert (code, "its quota is 2" in message) == ("LimitExceededException", True)
    for _ in range(2):
        connect.describe_queue(**at, QueueId=center.queue)
    throttled = refused(connect.describe_queue, **at, QueueId=center.queue)
    assert throttled == ("ThrottlingException", "Rate exceeded")
    for _ in range(20):
        connect.describe_user(**at, UserId=center.agent)
    iam = center.server.client("iam")
    iam.list_users()
    assert refused(iam.list_users) == ("Throttling", "Rate exceeded")
    for _ in range(20):
        iam.list_groups()


# The sandbox


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clock", {"advance": 1e300}),
        ("POST", "clock", {"advance": 1e12}),
        ("POST", "clock", {"advance": -0.001}),
        ("POST", "clock", {"set": 1e308}),
        ("POST", "clock", {"set": -1}),
        ("POST", "clock", {"set": 1, "advance": 1}),
        ("POST", "clock", {}),
        ("PUT", f"phones/{CUSTOMER}", {"behaviour": "answer", "answer_after": 1e308}),
        ("PUT", f"phones/{CUSTOMER}", {"behaviour": "answer", "answer_after": -1}),
    ],
)
def test_a_sandbox_refuses_times_that_no_calendar_has(server, method, path, body):
    before = server.sandbox("GET", "clock")
    assert server.refused(method, f"/_ringfloor/{path}", body)[0] == 400
    assert server.sandbox("GET", "clock") == before


def test_a_request_whose_client_leaves_in_the_middle_does_nothing(server, center):
    host, port = server.address.removeprefix("http://").rsplit(":", 1)
    head = f"POST /_ringfloor/agents/{center.agent}/available HTTP/1.1\r\nhost: localhost\r\n"
    for _ in range(3):
        with socket.create_connection((host, int(port))) as line:
            line.sendall(head.encode() + b"content-length: 2\r\n\r\n")
    center.advance(0)
    assert center.current("AGENTS_AVAILABLE").get("AGENTS_AVAILABLE", 0) == 0
