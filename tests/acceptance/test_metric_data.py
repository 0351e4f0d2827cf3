"""GetMetricData and GetMetricDataV2 with boto3 and the AWS CLI, and why rows are missing."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.test_cli_clients import environment, shell

PLAIN = ("CONTACTS_HANDLED", "CONTACTS_QUEUED", "AVG_HANDLE_TIME", "AVG_HOLD_TIME")


class Asked:
    """A center whose agent has taken one call of 100 seconds and 20 of after contact work."""

    def __init__(self, server: Any) -> None:
        self.center = center = FirstCenter(server)
        self.begun = center.now()
        center.act("available")
        self.contact = center.dial()
        center.advance(5)
        center.act("accept")
        center.advance(100)
        center.act("hangup")
        center.advance(20)
        center.act("complete")
        center.advance(1_000)  # idle, beyond the border of a quarter
        self.arn = center.connect.describe_instance(InstanceId=center.instance)["Instance"]["Arn"]

    def request(self, *names: str, **changes: Any) -> dict[str, Any]:
        return {
            "ResourceArn": self.arn,
            "StartTime": self.begun,
            "EndTime": self.center.now(),
            "Filters": [{"FilterKey": "QUEUE", "FilterValues": [self.center.queue_arn]}],
            "Groupings": ["QUEUE"],
            "Metrics": [{"Name": name} for name in names],
        } | changes

    def answer(self, *names: str, **changes: Any) -> dict[str, Any]:
        return self.center.connect.get_metric_data_v2(**self.request(*names, **changes))

    def values(self, *names: str, **changes: Any) -> dict[str, float | None]:
        [row] = self.answer(*names, **changes)["MetricResults"]
        return {each["Metric"]["Name"]: each.get("Value") for each in row["Collections"]}


@pytest.fixture(scope="module")
def asked(server):
    return Asked(server)


def test_a_call_counts_by_queue(asked):
    [row] = asked.answer(*PLAIN)["MetricResults"]
    assert row["Dimensions"] == {"QUEUE": asked.center.queue}
    interval = row["MetricInterval"]
    assert interval["Interval"] == "TOTAL"
    assert interval["StartTime"].timestamp() == pytest.approx(asked.begun, abs=1e-3)
    values = {each["Metric"]["Name"]: each.get("Value") for each in row["Collections"]}
    assert values["CONTACTS_HANDLED"] == 1.0
    assert values["AVG_HANDLE_TIME"] == pytest.approx(120, abs=6)
    assert "AVG_HOLD_TIME" in values
    assert values["AVG_HOLD_TIME"] is None  # the entry is there, without a value


def test_an_agents_time_by_agent_and_interval(asked):
    agent = [{"FilterKey": "AGENT", "FilterValues": [asked.center.agent]}]
    found = asked.values(
        "AGENT_OCCUPANCY",
        "SUM_ONLINE_TIME_AGENT",
        "SUM_CONTACT_TIME_AGENT",
        Filters=agent,
        Groupings=["AGENT", "ROUTING_PROFILE"],
    )
    assert 0 < found["AGENT_OCCUPANCY"] < 1
    assert found["AGENT_OCCUPANCY"] == pytest.approx(
        found["SUM_CONTACT_TIME_AGENT"] / found["SUM_ONLINE_TIME_AGENT"]
    )
    rows = asked.answer(
        "SUM_ONLINE_TIME_AGENT",
        Filters=agent,
        Groupings=[],
        Interval={"IntervalPeriod": "FIFTEEN_MIN", "TimeZone": "Asia/Kathmandu"},
    )["MetricResults"]
    cut = [row["Collections"][0]["Value"] for row in rows]
    assert sum(cut) == pytest.approx(found["SUM_ONLINE_TIME_AGENT"])


def test_metrics_with_filters_of_their_own_and_thresholds(asked):
    def handled(*methods: str, **more: Any) -> dict[str, Any]:
        own = {"MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": list(methods)} | more
        return {"Name": "CONTACTS_HANDLED", "MetricFilters": [own]}

    level = {"Name": "SERVICE_LEVEL", "Threshold": [{"Comparison": "LTE", "ThresholdValue": 60.0}]}
    metrics = [handled("API"), handled("API", Negate=True), level]
    [row] = asked.answer(Metrics=metrics)["MetricResults"]
    assert [each["Metric"] for each in row["Collections"]] == metrics
    assert sum(each["Value"] for each in row["Collections"][:2]) == 1.0


def test_pages_are_frozen_and_tokens_bound_to_their_request(asked):
    who = [{"FilterKey": "AGENT", "FilterValues": [asked.center.agent]}]
    asked_for = asked.request(
        "SUM_ONLINE_TIME_AGENT",
        Filters=who,
        Groupings=["AGENT"],
        Interval={"IntervalPeriod": "FIFTEEN_MIN"},
        EndTime=asked.center.now(),
    )
    connect = asked.center.connect
    whole = connect.get_metric_data_v2(**asked_for)["MetricResults"]
    page = connect.get_metric_data_v2(**asked_for, MaxResults=1)
    token = {"NextToken": page["NextToken"]}
    asked.center.advance(10)
    rest = connect.get_metric_data_v2(**asked_for, **token)
    assert page["MetricResults"] + rest["MetricResults"] == whole
    assert "NextToken" not in rest
    with pytest.raises(ClientError) as refused:
        connect.get_metric_data_v2(**asked_for | {"Groupings": []}, **token)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"Metrics": [{"Name": "CONTACTS_INCOMING"}]}, "InvalidRequestException", 400),
        ({"Groupings": ["QUEUE"] * 5}, "InvalidRequestException", 400),
        ({"Interval": {"IntervalPeriod": "MONTH"}}, "InvalidParameterException", 400),
        (
            {"ResourceArn": "arn:aws:connect:us-east-1:1:instance/x"},
            "ResourceNotFoundException",
            404,
        ),
    ],
)
def test_what_is_wrong_is_refused(asked, changes, code, status):
    with pytest.raises(ClientError) as refused:
        asked.answer("CONTACTS_HANDLED", **changes)
    response = refused.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_what_has_no_data_has_no_rows(asked):
    assert asked.answer("AVG_TALK_TIME", "CONTACTS_HANDLED")["MetricResults"] != []
    assert asked.answer("AVG_TALK_TIME")["MetricResults"] == []


def test_the_aws_cli_asks_for_a_routing_step_of_3000_characters(asked):
    expression = json.dumps({"AttributeCondition": {"Name": "x" * 2_900}})
    filters = [
        {"FilterKey": "QUEUE", "FilterValues": [asked.center.queue]},
        {"FilterKey": "ROUTING_STEP_EXPRESSION", "FilterValues": [expression]},
        {"FilterKey": "AGENT", "StringCondition": {"Comparison": "NOT_EXISTS"}},
    ]
    answer = shell(
        f"aws connect get-metric-data-v2 --resource-arn {asked.arn} --metrics"
        f" Name=CONTACTS_HANDLED --start-time {asked.begun} --end-time {asked.center.now()}"
        f" --interval TimeZone=Europe/Berlin,IntervalPeriod=DAY --filters '{json.dumps(filters)}'",
        environment(asked.center.server.address),
    )
    assert json.loads(answer) == {"MetricResults": []}


def explained(connect: Any, operation: str, **request: Any) -> tuple[str | None, dict[str, Any]]:
    """The answer's explanation, asked for by a header that is not signed."""

    def ask(request: Any, **_: Any) -> None:
        request.headers["x-ringfloor-explain"] = "1"

    event = "before-send.connect.*"
    connect.meta.events.register(event, ask)
    try:
        answer = getattr(connect, operation)(**request)
    finally:
        connect.meta.events.unregister(event, ask)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return headers.get("x-ringfloor-explanation"), answer


def test_why_rows_are_missing(asked):
    center = asked.center
    early = asked.request("CONTACTS_HANDLED", EndTime=asked.begun + 1)
    why, answer = explained(center.connect, "get_metric_data_v2", **early)
    assert answer["MetricResults"] == []
    assert why.startswith(f"0 rows; queue {center.queue} has none: contacts that have ended: 0")
    assert "nearest 20" in why
    unknown = [{"FilterKey": "QUEUE", "FilterValues": ["nobody"]}]
    why, _ = explained(
        center.connect, "get_metric_data_v2", **asked.request("CONTACTS_HANDLED", Filters=unknown)
    )
    assert "queue nobody has none: this queue is unknown" in why
    end = int(center.now()) // 300 * 300 + 300
    v1 = {
        "InstanceId": center.instance,
        "StartTime": end - 3_600,
        "EndTime": end,
        "Filters": {"Queues": [center.queue], "Channels": ["TASK"]},
        "HistoricalMetrics": [{"Name": "CONTACTS_HANDLED"}],
    }
    why, answer = explained(center.connect, "get_metric_data", **v1)
    assert answer["MetricResults"] == []
    assert why.startswith("0 rows; there is none: ")
    assert "1 kept out by CHANNEL" in why


NOBODY = ["nobody"]


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        (
            "CONTACTS_HANDLED",
            {"CHANNEL": ["CHAT"]},
            r"ended: 0 in the range, 1 kept out by CHANNEL",
        ),
        (
            "CONTACTS_HANDLED",
            {"CHANNEL": ["CHAT"], "AGENT": NOBODY},
            r"ended: 0 in the range, 1 kept out by several filters",
        ),
        (
            "AVG_HANDLE_TIME",
            {"Groupings": ["AGENT_HIERARCHY_LEVEL_ONE"]},
            r"ended: 1 in the range, 1 without AGENT_HIERARCHY_LEVEL_ONE",
        ),
        ("AVG_TALK_TIME", {}, r"there is no data for AVG_TALK_TIME"),
        ("STEP_CONTACTS_QUEUED", {}, r"in routing steps: 0 in the range, nearest nowhere"),
        (
            "SUM_IDLE_TIME_AGENT",
            {"QUEUE": None, "AGENT": NOBODY},
            r"agents' time: 0 in the range, [3-9] kept out by AGENT, nearest nowhere",
        ),
        ("AGENT_NON_RESPONSE", {"AGENT": NOBODY}, r"offers: 0 in the range, 1 kept out by AGENT"),
        (
            "CONTACTS_QUEUED_BY_ENQUEUE",
            {"CHANNEL": ["TASK"]},
            r"connected contacts: 0 in the range, 2 kept out by CHANNEL",
        ),
    ],
)
def test_what_is_said_of_an_empty_answer_is_true(asked, name, changes, words):
    filters = {"QUEUE": [asked.center.queue]}
    filters |= {key: values for key, values in changes.items() if key != "Groupings"}
    request = asked.request(
        name,
        Filters=[{"FilterKey": k, "FilterValues": v} for k, v in filters.items() if v is not None],
        Groupings=changes.get("Groupings", []),
    )
    why, answer = explained(asked.center.connect, "get_metric_data_v2", **request)
    assert answer["MetricResults"] == []
    assert re.search(words, why), why


@pytest.mark.parametrize(
    ("name", "groupings", "words"),
    [
        (
            "OCCUPANCY",
            ["QUEUE"],
            r"nobody has none: this queue is unknown, .* Available time: 0 in the range, nearest n",
        ),
        ("OCCUPANCY", [], r"Available time: 0 in the range, [2-9] kept out by QUEUE, nearest"),
        ("CONTACTS_MISSED", [], r"offers that were missed: 0 in the range, nearest nowhere"),
    ],
)
def test_what_is_said_of_an_empty_answer_of_the_older_operation_is_true(
    asked, name, groupings, words
):
    center = asked.center
    end = int(center.now()) // 300 * 300 + 300
    why, answer = explained(
        center.connect,
        "get_metric_data",
        InstanceId=center.instance,
        StartTime=end - 3_600,
        EndTime=end,
        Filters={"Queues": NOBODY},
        Groupings=groupings,
        HistoricalMetrics=[{"Name": name}],
    )
    assert answer["MetricResults"] == []
    assert re.search(words, why), why


SPITE = (
    "'; DROP TABLE leg; --",
    '"); DELETE FROM leg; SELECT ("',
    "' OR 1=1 --",
    "$instance",
    "q') UNION SELECT record FROM leg --",
    "\\'\\\\; ATTACH '/etc/passwd'",
    "%_[]*?{}\N{SNOWMAN}",
)


@pytest.mark.parametrize("text", SPITE)
def test_nothing_of_a_request_is_run_as_sql(asked, text):
    """A text that names nothing finds nothing, or is refused; what is there stays there."""
    center, connect = asked.center, asked.center.connect
    before = asked.values("CONTACTS_HANDLED", "AVG_HANDLE_TIME")
    end = int(center.now()) // 300 * 300 + 300
    for key in ("QUEUE", "AGENT", "CHANNEL", "Q_CONNECT_ENABLED", "ROUTING_STEP_EXPRESSION", text):
        filters = [{"FilterKey": "QUEUE", "FilterValues": [text]}]
        filters += [{"FilterKey": key, "FilterValues": [text, json.dumps(text)]}]
        found_nothing(
            connect.get_metric_data_v2, asked.request("CONTACTS_HANDLED", Filters=filters)
        )
    only = [{"MetricFilterKey": "DISCONNECT_REASON", "MetricFilterValues": [text]}]
    [row] = asked.answer("x", Metrics=[{"Name": "CONTACTS_HANDLED", "MetricFilters": only}])[
        "MetricResults"
    ]
    assert row["Collections"][0]["Value"] == 0
    for changes in (
        {"Metrics": [{"Name": text}]},
        {"Groupings": [text]},
        {"Interval": {"IntervalPeriod": text}},
        {"Interval": {"IntervalPeriod": "DAY", "TimeZone": text}},
    ):
        found_nothing(connect.get_metric_data_v2, asked.request("CONTACTS_HANDLED", **changes))
    older = {
        "InstanceId": center.instance,
        "StartTime": end - 3_600,
        "EndTime": end,
        "Filters": {"Queues": [text]},
        "HistoricalMetrics": [{"Name": "CONTACTS_HANDLED"}, {"Name": "OCCUPANCY"}],
    }
    for changes in ({}, {"Filters": {"Channels": [text]}}, {"Groupings": [text]}):
        found_nothing(connect.get_metric_data, older | changes)
    span = {"Type": "INITIATION_TIMESTAMP", "StartTime": asked.begun, "EndTime": center.now()}
    attribute = {"Key": text, "Values": [text]}
    for criteria in (
        {"AgentIds": [text]},
        {"QueueIds": [text]},
        {"InitiationMethods": [text]},
        {"Channels": [text]},
        {"Name": {"SearchText": [text.ljust(5)], "MatchType": "MATCH_ANY"}},
        {"SearchableContactAttributes": {"Criteria": [attribute]}},
        {"SearchableSegmentAttributes": {"Criteria": [attribute]}},
    ):
        request = {"InstanceId": center.instance, "TimeRange": span, "SearchCriteria": criteria}
        found_nothing(connect.search_contacts, request)
    found_nothing(
        connect.search_contacts,
        {
            "InstanceId": center.instance,
            "TimeRange": span,
            "Sort": {"FieldName": text, "Order": "ASCENDING"},
        },
    )
    assert asked.values("CONTACTS_HANDLED", "AVG_HANDLE_TIME") == before


def found_nothing(ask: Any, request: dict[str, Any]) -> None:
    """Nothing is found, or the client is told that his request is wrong."""
    try:
        answer = ask(**request)
    except ClientError as error:
        answer = error.response
    told = answer["ResponseMetadata"]["HTTPStatusCode"]
    found = answer.get("MetricResults") or answer.get("Contacts")
    assert (told, found) in ((200, None), (200, []), (400, None), (404, None))


def test_who_does_not_ask_why_is_not_told(asked):
    headers = asked.answer("CONTACTS_HANDLED")["ResponseMetadata"]["HTTPHeaders"]
    assert "x-ringfloor-explanation" not in headers


def test_a_contact_that_is_not_final_is_said_to_be(asked):
    center = FirstCenter(asked.center.server)
    begun = center.now()
    center.act("available")
    center.dial()
    center.advance(5)
    center.act("accept")
    center.advance(10)
    center.act("hangup")
    center.advance(1)
    request = {
        "ResourceArn": center.instance,
        "StartTime": begun,
        "EndTime": center.now(),
        "Filters": [{"FilterKey": "QUEUE", "FilterValues": [center.queue]}],
        "Metrics": [{"Name": "CONTACTS_CREATED"}],
    }
    why, answer = explained(center.connect, "get_metric_data_v2", **request)
    assert answer["MetricResults"] == []
    assert why.endswith(", 1 in after contact work, not final yet")
