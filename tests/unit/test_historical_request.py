"""GetMetricData requests: what is refused and how, what is filled in, and the answer's form."""

from typing import Any

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import TABLE
from ringfloor.projections.historical_metrics import METRICS
from ringfloor.projections.historical_request import Row, metric_results, parse

NOW = 1_709_640_000_000  # 2024-03-05 12:00:00
START = 1_709_632_800
END = 1_709_633_700
DAY = 86_400


class _LeftOut:
    def __repr__(self):
        return "left out"


DROP = _LeftOut()
"""As a value in a change: leave the member out."""


def a_request(**changes: Any) -> dict[str, Any]:
    request = {
        "StartTime": float(START),
        "EndTime": float(END),
        "Filters": {"Queues": ["sales"], "Channels": ["VOICE"]},
        "HistoricalMetrics": [{"Name": "CONTACTS_QUEUED", "Statistic": "SUM", "Unit": "COUNT"}],
    } | changes
    return {member: value for member, value in request.items() if value is not DROP}


def queue(text: str) -> str:
    if text.startswith("arn:foreign"):
        raise Refusal("InvalidParameterException", f"Queues: {text} is of another instance")
    return text.rpartition("/")[2]


def asked(*metrics: dict[str, Any], **changes: Any):
    return parse(a_request(HistoricalMetrics=list(metrics), **changes), NOW, queue)


def level(seconds: object = 20, comparison: object = "LT") -> dict[str, Any]:
    threshold = {"Comparison": comparison, "ThresholdValue": seconds}
    return {
        "Name": "SERVICE_LEVEL",
        "Threshold": {name: value for name, value in threshold.items() if value is not DROP},
    }


def test_a_request_becomes_a_query():
    query = parse(
        a_request(
            Filters={"Queues": ["arn:x/sales", "help", "sales"], "Channels": ["CHAT", "VOICE"]},
            Groupings=["CHANNEL", "QUEUE"],
            HistoricalMetrics=[level(20), {"Name": "OCCUPANCY"}],
            MaxResults=7,
            InstanceId="i",
            NextToken="t",
        ),
        NOW,
        queue,
    )
    assert (query.start, query.end) == (START * 1000, END * 1000)
    assert query.queue_ids == ("sales", "help")
    assert query.channels == ("CHAT", "VOICE")
    assert query.groupings == ("CHANNEL", "QUEUE")
    assert [one.metric.name for one in query.asked] == ["SERVICE_LEVEL", "OCCUPANCY"]
    assert [one.threshold_ms for one in query.asked] == [20_000, None]
    assert query.results_max == 7


@pytest.mark.parametrize(
    ("where", "queue_ids", "channels"),
    [
        ({"Queues": ["a"]}, ("a",), None),
        ({"Queues": ["a"], "Channels": []}, ("a",), None),
        ({"Queues": ["a"], "Channels": None, "RoutingProfiles": None}, ("a",), None),
        ({"Channels": ["TASK", "TASK", "EMAIL"]}, None, ("TASK", "EMAIL")),
    ],
)
def test_filters(where, queue_ids, channels):
    query = parse(a_request(Filters=where), NOW, queue)
    assert (query.queue_ids, query.channels) == (queue_ids, channels)


@pytest.mark.parametrize("groupings", [DROP, None, []])
def test_no_grouping(groupings):
    assert parse(a_request(Groupings=groupings), NOW, queue).groupings == ()


def test_the_page_has_100_rows_unless_said():
    assert parse(a_request(), NOW, queue).results_max == 100


def test_a_fraction_of_a_second_is_cut():
    query = parse(a_request(StartTime=START + 0.999, EndTime=END + 0.5), NOW, queue)
    assert (query.start, query.end) == (START * 1000, END * 1000)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START - START % 300, END),
        (NOW // 1000 - DAY, NOW // 1000 - 300),
        (NOW // 1000, NOW // 1000 + 3_600),  # the future is empty, not wrong
        (NOW // 1000 - 300, NOW // 1000 + DAY - 600),
    ],
)
def test_times_that_are_accepted(start, end):
    query = parse(a_request(StartTime=start, EndTime=end), NOW, queue)
    assert (query.start, query.end) == (start * 1000, end * 1000)


def test_the_start_may_lie_24_hours_back_rounded_down_to_5_minutes():
    late = NOW + 299_999
    assert parse(a_request(StartTime=NOW // 1000 - DAY), late, queue).start == NOW - DAY * 1000
    with pytest.raises(Refusal, match="24 hours before"):
        parse(a_request(StartTime=NOW // 1000 - DAY), NOW + 300_000, queue)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_takes_its_pairs_fills_what_is_left_out_and_refuses_others(metric):
    threshold = (
        {"Threshold": {"Comparison": "LT", "ThresholdValue": 15}}
        if metric.name == "SERVICE_LEVEL"
        else {}
    )
    for name in (metric.name, *metric.aliases):
        for statistic, unit in metric.pairs:
            echo = {"Name": name, "Statistic": statistic, "Unit": unit} | threshold
            for sent in ({"Statistic": statistic}, {"Unit": unit}, echo):
                assert asked({"Name": name, **threshold, **sent}).asked[0].echo == echo
        statistic, unit = metric.pairs[0]
        assert asked({"Name": name, **threshold}).asked[0].echo == {
            "Name": name,
            "Statistic": statistic,
            "Unit": unit,
            **threshold,
        }
        for statistic in ("SUM", "MAX", "AVG"):
            for unit in ("COUNT", "SECONDS", "PERCENT"):
                if (statistic, unit) not in metric.pairs:
                    with pytest.raises(Refusal, match="Invalid unit/statistic") as refused:
                        asked({"Name": name, "Statistic": statistic, "Unit": unit, **threshold})
                    assert refused.value.code == "InvalidParameterException"


def test_a_metric_and_a_threshold_may_be_asked_twice():
    query = asked(*[level(20)] * 20, {"Name": "HOLD_TIME"}, {"Name": "AVG_HOLD_TIME"})
    assert len(query.asked) == 22
    assert [one.echo["Name"] for one in query.asked[20:]] == ["HOLD_TIME", "AVG_HOLD_TIME"]


@pytest.mark.parametrize("seconds", [1, 15.0, 604_800])
def test_thresholds_that_are_accepted(seconds):
    one = asked(level(seconds)).asked[0]
    assert one.threshold_ms == seconds * 1000
    assert one.echo["Threshold"] == {"Comparison": "LT", "ThresholdValue": float(seconds)}


SHAPES: list[tuple[dict[str, Any], str]] = [
    *[
        ({member: DROP}, member)
        for member in ("StartTime", "EndTime", "Filters", "HistoricalMetrics")
    ],
    ({"StartTime": "2024-03-05T10:00:00Z"}, "StartTime"),
    ({"StartTime": None}, "StartTime"),
    ({"StartTime": True}, "StartTime"),
    ({"StartTime": float("nan")}, "StartTime"),
    ({"EndTime": float("inf")}, "EndTime"),
    ({"EndTime": 3e17}, "EndTime"),
    ({"StartTime": 10**400}, "StartTime"),
    ({"Filters": []}, "Filters"),
    ({"Filters": None}, "Filters"),
    ({"Filters": {"Queues": "sales"}}, "Queues"),
    ({"Filters": {"Queues": [7]}}, "Queues"),
    ({"Filters": {"Channels": {"VOICE": 1}}}, "Channels"),
    ({"Groupings": "QUEUE"}, "Groupings"),
    ({"HistoricalMetrics": {}}, "HistoricalMetrics"),
    ({"HistoricalMetrics": ["CONTACTS_QUEUED"]}, "HistoricalMetrics"),
    ({"HistoricalMetrics": [level("20")]}, "ThresholdValue"),
    ({"MaxResults": "7"}, "MaxResults"),
    ({"MaxResults": 7.5}, "MaxResults"),
]

VALUES: list[tuple[dict[str, Any], str]] = [
    ({"StartTime": START + 60}, "an interval of 5 minutes.*StartTime: 1709632860"),
    ({"EndTime": END + 1}, "an interval of 5 minutes.*EndTime: 1709633701"),
    ({"EndTime": START}, "EndTime must be later than StartTime"),
    ({"EndTime": START - 300}, "EndTime must be later than StartTime"),
    ({"StartTime": START - DAY + 900}, "must be less than 24 hours"),
    ({"StartTime": NOW // 1000 - DAY - 300, "EndTime": END - 7_200}, "24 hours before"),
    ({"Filters": {}}, "Filters"),
    ({"Filters": {"Channels": []}}, "Filters"),
    ({"Filters": {"Queues": []}}, "Queues"),
    ({"Filters": {"Queues": [], "Channels": ["VOICE"]}}, "Queues"),
    ({"Filters": {"Queues": ["q"] * 101}}, "Queues exceeds the limit of 100"),
    ({"Filters": {"Queues": ["arn:foreign/q"]}}, "arn:foreign/q"),
    ({"Filters": {"Channels": ["VOICE"] * 5}}, "Channels exceeds the limit of 4"),
    ({"Filters": {"Channels": ["FAX"]}}, "FAX"),
    ({"Filters": {"Queues": ["q"], "RoutingStepExpressions": ["x"]}}, "RoutingStepExpressions"),
    ({"Filters": {"Queues": ["q"], "RoutingProfiles": ["x"]}}, "RoutingProfiles"),
    ({"Filters": {"Channels": ["VOICE"], "Colours": 1}}, "Colours"),
    ({"Groupings": ["ROUTING_PROFILE"]}, "ROUTING_PROFILE"),
    ({"Groupings": ["QUEUE", "ROUTING_STEP_EXPRESSION"]}, "ROUTING_STEP_EXPRESSION"),
    ({"Groupings": ["QUEUE", "QUEUE"]}, "twice"),
    ({"Groupings": ["QUEUE", "CHANNEL", "QUEUE"]}, "Groupings exceeds the limit of 2"),
    ({"HistoricalMetrics": []}, "HistoricalMetrics"),
    ({"HistoricalMetrics": [{"Name": "OCCUPANCY"}] * 101}, "HistoricalMetrics exceeds"),
    ({"HistoricalMetrics": [{}]}, "Invalid metric name"),
    ({"HistoricalMetrics": [{"Name": "CONTACTS_INCOMING"}]}, "Invalid metric name: CONTACTS_INC"),
    ({"HistoricalMetrics": [{"Name": "occupancy"}]}, "Invalid metric name: occupancy"),
    ({"HistoricalMetrics": [{"Name": "ABANDON_TIME", "Unit": "PERCENT"}]}, "Invalid unit/stat"),
    (
        {"HistoricalMetrics": [{"Name": "ABANDON_TIME", "Unit": "COUNT", "Statistic": "AVG"}]},
        "Invalid unit/statistic for metric ABANDON_TIME",
    ),
    (
        {"HistoricalMetrics": [{**level(20), "Name": "QUEUED_TIME"}]},
        "Threshold is valid for SERVICE_LEVEL only",
    ),
    *[
        ({"HistoricalMetrics": [threshold]}, "Invalid Threshold for SERVICE_LEVEL")
        for threshold in (
            level(20, "LTE"),
            level(20, "lt"),
            level(20, DROP),
            level(DROP),
            level(0),
            level(-5),
            level(20.5),
            level(604_801),
            level(float("nan")),
            level(float("inf")),
            {"Name": "SERVICE_LEVEL", "Threshold": {}},
        )
    ],
    ({"HistoricalMetrics": [level(20)] * 21}, "Maximum of 20 SERVICE_LEVEL metrics per request"),
    ({"MaxResults": 0}, "MaxResults exceeds"),
    ({"MaxResults": 101}, "MaxResults exceeds the limit of 100"),
]


@pytest.mark.parametrize(("change", "text"), SHAPES, ids=str)
def test_what_cannot_be_read_is_an_invalid_request(change, text):
    with pytest.raises(Refusal, match=text) as refused:
        parse(a_request(**change), NOW, queue)
    assert refused.value.code == "InvalidRequestException"


@pytest.mark.parametrize(("change", "text"), VALUES, ids=lambda value: str(value)[:80])
def test_what_breaks_a_rule_is_an_invalid_parameter(change, text):
    with pytest.raises(Refusal, match=text) as refused:
        parse(a_request(**change), NOW, queue)
    assert refused.value.code == "InvalidParameterException"


@pytest.mark.parametrize("threshold", [{}, {"Threshold": None}])
def test_a_service_level_without_threshold_is_refused_in_amazon_connects_own_words(threshold):
    with pytest.raises(Refusal) as refused:
        asked({"Name": "SERVICE_LEVEL", "Statistic": "AVG", "Unit": "PERCENT", **threshold})
    assert refused.value.code == "InvalidParameterException"
    assert refused.value.message == (
        "You must specify a Threshold when you retrieve SERVICE_LEVEL metrics."
    )


def test_shapes_are_checked_before_values():
    with pytest.raises(Refusal) as refused:
        parse(a_request(StartTime=START + 1, Groupings="QUEUE"), NOW, queue)
    assert refused.value.code == "InvalidRequestException"


def test_metric_results():
    query = asked(
        {"Name": "CONTACTS_HANDLED"},
        {"Name": "ABANDON_TIME", "Statistic": "SUM", "Unit": "COUNT"},
        level(45),
        Groupings=["QUEUE", "CHANNEL"],
    )
    rows = [Row("sales", "VOICE", [3.0, None, 12.5]), Row("sales", "CHAT", [0.0, 1.5, None])]
    metrics = [
        {"Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"},
        {"Name": "ABANDON_TIME", "Statistic": "SUM", "Unit": "COUNT"},
        {
            "Name": "SERVICE_LEVEL",
            "Statistic": "AVG",
            "Unit": "PERCENT",
            "Threshold": {"Comparison": "LT", "ThresholdValue": 45.0},
        },
    ]
    sales = {"Id": "sales", "Arn": "arn:sales"}
    assert metric_results(query, rows, lambda queue_id: f"arn:{queue_id}") == [
        {
            "Dimensions": {"Queue": sales, "Channel": "VOICE"},
            "Collections": [
                {"Metric": metrics[0], "Value": 3.0},
                {"Metric": metrics[2], "Value": 12.5},
            ],
        },
        {
            "Dimensions": {"Queue": sales, "Channel": "CHAT"},
            "Collections": [
                {"Metric": metrics[0], "Value": 0.0},
                {"Metric": metrics[1], "Value": 1.5},
            ],
        },
    ]


def test_an_ungrouped_row_has_no_dimensions():
    query = asked({"Name": "CONTACTS_CONSULTED"})
    assert metric_results(query, [Row(None, None, [None])], str) == [{"Collections": []}]
    assert metric_results(query, [], str) == []


def test_the_limits_of_history_are_in_the_table():
    named = {limit.name: limit.value for limit in TABLE}
    assert named["SERVICE_LEVELS_MAX"] == 20
    assert named["METRIC_QUEUES_MAX"] == 100
