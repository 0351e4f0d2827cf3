"""GetMetricDataV2 requests: what is refused and how, what is filled in, and the answer's form."""

from typing import Any

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.projections.historical_answer import RowV2
from ringfloor.projections.historical_metrics import BY_NAME_V2, METRICS, METRICS_V2
from ringfloor.projections.historical_sql import Condition
from ringfloor.projections.metric_data_v2_request import WrittenRows, parse
from ringfloor.projections.metric_terms import TEST_TYPE

NOW = 1_709_640_000_000  # 2024-03-05 12:00:00
DAY = 86_400
START = NOW / 1000 - 7_200
END = NOW / 1000 - 3_600
PARAMETER, REQUEST = "InvalidParameterException", "InvalidRequestException"
HANDLED = {"Name": "CONTACTS_HANDLED"}


class _LeftOut:
    def __repr__(self):
        return "left out"


DROP: Any = _LeftOut()
"""As a value in a change: leave the member out."""


def resolve(kind: str, value: str, key: str) -> str:
    if value.startswith("arn:foreign"):
        raise Refusal(PARAMETER, f"{key}: {value} is no ARN of a {kind} of this instance")
    return value.rpartition("/")[2]


def parsed(**changes: Any):
    request = {
        "ResourceArn": "i",
        "StartTime": START,
        "EndTime": END,
        "Filters": [by("QUEUE", "q1")],
        "Metrics": [HANDLED],
    } | changes
    given = {member: value for member, value in request.items() if value is not DROP}
    return parse(given, NOW, resolve)


def by(key: str, *values: str) -> dict[str, Any]:
    return {"FilterKey": key, "FilterValues": list(values)}


def lacking(key: str, **more: Any) -> dict[str, Any]:
    return {"FilterKey": key, "StringCondition": {"Comparison": "NOT_EXISTS"}, **more}


def metric(name: str = "CONTACTS_HANDLED", **more: Any) -> dict[str, Any]:
    return {"Metrics": [{"Name": name, **more}]}


def level(value: object = 20, comparison: object = "LT", name: str = "SERVICE_LEVEL"):
    return metric(name, Threshold=[{"Comparison": comparison, "ThresholdValue": value}])


def only(key: object = "INITIATION_METHOD", *values: str, **more: Any) -> dict[str, Any]:
    return {"MetricFilterKey": key, "MetricFilterValues": list(values), **more}


def every(period: object, zone: object = "UTC", **more: Any) -> dict[str, Any]:
    return {"Interval": {"IntervalPeriod": period, "TimeZone": zone}, **more}


QUEUES = [f"q{n}" for n in range(101)]
EVERY_KEY = [by("QUEUE", "q"), by("CHANNEL", "VOICE"), by("AGENT", "a"), by("ROUTING_PROFILE", "p")]
LEVELS = [by(f"AGENT_HIERARCHY_LEVEL_{n}", "g") for n in ("ONE", "TWO")]
CASE = "AVG_CASE_RESOLUTION_TIME"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        # Names: section 5, row 2, in the words of Amazon Connect.
        (metric("NOTHING"), REQUEST, "^InvalidRequestException: Invalid metric name: NOTHING$"),
        (metric("service_level"), REQUEST, "Invalid metric name"),
        ({"Metrics": [{}]}, REQUEST, "Name and MetricId"),
        (
            {"Metrics": [{"Name": "CONTACTS_HANDLED", "MetricId": "x"}]},
            REQUEST,
            "Name and MetricId",
        ),
        ({"Metrics": [{"MetricId": "x"}]}, PARAMETER, "MetricId"),
        ({"Metrics": [{"MetricId": "0a5e0000-0000-4000-8000-000000000001"}]}, PARAMETER, "custom"),
        ({"Metrics": [{"MetricId": "arn:aws:connect:us-east-1:aws:metric/X"}]}, REQUEST, "name: X"),
        (
            {
                "Metrics": [{"MetricId": "arn:aws:connect:us-east-1:aws:metric/CONTACTS_HANDLED"}]
                * 21
            },
            REQUEST,
            "MetricId: 21",
        ),
        ({"Metrics": []}, REQUEST, "Metrics: 0"),
        ({"Metrics": [HANDLED] * 201}, REQUEST, "Metrics: 201"),
        # What cannot be read.
        ({"Metrics": DROP}, REQUEST, "metrics|Metrics"),
        ({"StartTime": DROP}, REQUEST, "StartTime"),
        ({"StartTime": "now"}, REQUEST, "StartTime"),
        ({"StartTime": float("nan")}, REQUEST, "StartTime"),
        ({"Filters": "QUEUE"}, REQUEST, "Filters"),
        # Row 7 and 19: times.
        ({"EndTime": START}, PARAMETER, "EndTime: .* later than StartTime"),
        ({"EndTime": NOW / 1000 + 0.001}, PARAMETER, "later than now"),
        (
            {"StartTime": NOW / 1000 - 92 * DAY - 0.001, "EndTime": NOW / 1000 - 91 * DAY},
            PARAMETER,
            "92 days",
        ),
        *[
            (every(period, StartTime=END - days * DAY), PARAMETER, f"less than {days} days")
            for period, days in (
                ("FIFTEEN_MIN", 3),
                ("THIRTY_MIN", 3),
                ("HOUR", 3),
                ("DAY", 35),
                ("WEEK", 35),
                ("TOTAL", 35),
            )
        ],
        ({"StartTime": END - 35 * DAY}, PARAMETER, "less than 35 days"),
        (every("MONTH"), PARAMETER, "IntervalPeriod"),
        (every("DAY", "Mars/Olympus"), PARAMETER, "TimeZone"),
        (every("TOTAL", "Mars/Olympus"), PARAMETER, "TimeZone"),
        # Row 20: how many, and what must be there.
        ({"Filters": []}, REQUEST, "Filters: 0"),
        ({"Filters": [by("CHANNEL", "VOICE")]}, REQUEST, "none of AGENT"),
        ({"Filters": [*EVERY_KEY, *LEVELS]}, REQUEST, "Filters: 6"),
        ({"Filters": [by("QUEUE", *QUEUES)]}, REQUEST, "FilterValues: 101"),
        (
            {"Filters": [by("QUEUE", *QUEUES[:99]), by("AGENT", "a", "b")]},
            REQUEST,
            "FilterValues: 101",
        ),
        ({"Filters": [by("QUEUE", "q"), by("QUEUE", "r")]}, REQUEST, "twice"),
        ({"Filters": [by("QUEUE")]}, REQUEST, "names nothing"),
        ({"Filters": [{"FilterValues": ["q"]}]}, REQUEST, "FilterKey"),
        (
            {"Groupings": ["QUEUE", "CHANNEL", "AGENT", "ROUTING_PROFILE", "FEATURE"]},
            REQUEST,
            "Groupings: 5",
        ),
        ({"Groupings": ["QUEUE", "QUEUE"]}, REQUEST, "twice"),
        (metric(MetricFilters=[only("INITIATION_METHOD", "API")] * 3), REQUEST, "MetricFilters: 3"),
        (metric(MetricFilters=[only()]), REQUEST, "MetricFilterValues: 0"),
        (
            metric(MetricFilters=[only("INITIATION_METHOD", *["API"] * 11)]),
            REQUEST,
            "MetricFilterValues: 11",
        ),
        (metric("SERVICE_LEVEL"), REQUEST, "Threshold.* needed"),
        (metric("SUM_CONTACTS_ANSWERED_IN_X", Threshold=[]), REQUEST, "Threshold.* needed"),
        (metric(Threshold=[{"Comparison": "LT", "ThresholdValue": 5}]), REQUEST, "Threshold"),
        ({"Metrics": level()["Metrics"] * 21}, REQUEST, "SERVICE_LEVEL: 21"),
        # Row 21: what does not fit together.
        ({"Groupings": ["DISCONNECT_REASON"]}, REQUEST, "no grouping of CONTACTS_HANDLED"),
        ({"Groupings": ["NOTHING"]}, REQUEST, "no grouping"),
        ({"Groupings": ["FEATURE"]}, REQUEST, "no grouping"),
        (
            {"Filters": [by("QUEUE", "q"), by("BOT_ID", "b")]},
            REQUEST,
            "no filter of CONTACTS_HANDLED",
        ),
        (metric("AGENT_OCCUPANCY"), REQUEST, "QUEUE.* no filter of AGENT_OCCUPANCY"),
        (
            metric("SUM_ONLINE_TIME_AGENT")
            | {"Filters": [by("AGENT", "a"), by("CHANNEL", "VOICE")]},
            REQUEST,
            "no filter",
        ),
        (
            {"Metrics": [HANDLED, {"Name": "STEP_CONTACTS_QUEUED"}], "Groupings": ["CHANNEL"]},
            REQUEST,
            "no grouping of STEP",
        ),
        (metric(CASE) | {"Filters": [by("CASE_STATUS", "open")]}, REQUEST, "CASE_TEMPLATE_ARN"),
        (
            metric("FLOWS_OUTCOME")
            | {"Filters": [by("FLOW_TYPE", "x")], "Groupings": ["FLOWS_NEXT_RESOURCE_ID"]},
            REQUEST,
            "no grouping",
        ),
        (
            metric("AVG_HANDLE_TIME", MetricFilters=[only("INITIATION_METHOD", "API")]),
            REQUEST,
            "no metric filter",
        ),
        (metric(MetricFilters=[only("FLOWS_RESOURCE_TYPE", "x")]), REQUEST, "no metric filter"),
        (metric(MetricFilters=[only(None, "x")]), REQUEST, "no metric filter"),
        (
            level(name="SERVICE_LEVEL") | {"Filters": [by("QUEUE", "q"), by("AGENT", "a")]},
            REQUEST,
            "no filter",
        ),
        # Row 22, and values that break a rule of their own.
        (
            {"Filters": [by("QUEUE", "q"), lacking("AGENT", FilterValues=["a"])]},
            PARAMETER,
            "NOT_EXISTS",
        ),
        (
            {"Filters": [{"FilterKey": "QUEUE", "StringCondition": {"Comparison": "EXISTS"}}]},
            PARAMETER,
            "NOT_EXISTS",
        ),
        ({"Filters": [by("QUEUE", "arn:foreign/q")]}, PARAMETER, "QUEUE"),
        ({"Filters": [by("QUEUE", "")]}, PARAMETER, "250 characters"),
        ({"Filters": [by("QUEUE", "q" * 251)]}, PARAMETER, "250 characters"),
        ({"Filters": [by("QUEUE", "q"), by("CHANNEL", "FAX")]}, PARAMETER, "no channel"),
        (
            {"Filters": [by("QUEUE", "q"), by("Q_CONNECT_ENABLED", "true")]},
            PARAMETER,
            "TRUE nor FALSE",
        ),
        ({"Filters": [by("QUEUE", "q"), by("ROUTING_STEP_EXPRESSION", "{")]}, PARAMETER, "JSON"),
        (
            {"Filters": [by("QUEUE", "q"), by("ROUTING_STEP_EXPRESSION", f'"{"x" * 3_000}"')]},
            PARAMETER,
            "3000 characters",
        ),
        (
            metric("FLOWS_STARTED") | {"Filters": [by("RESOURCE_PUBLISHED_TIMESTAMP", "noon")]},
            PARAMETER,
            "ISO 8601",
        ),
        (metric(MetricFilters=[only("INITIATION_METHOD", "FAX")]), PARAMETER, "FAX"),
        (
            metric(
                "SUM_CONNECTING_TIME_AGENT", MetricFilters=[only("INITIATION_METHOD", "TRANSFER")]
            ),
            PARAMETER,
            "TRANSFER",
        ),
        *[
            (
                metric(name, MetricFilters=[only("INITIATION_METHOD", "OUTBOUND", Negate=True)]),
                REQUEST,
                "Negate: True is not applicable",
            )
            for name in ("AVG_AGENT_CONNECTING_TIME", "SUM_CONNECTING_TIME_AGENT")
        ],
        (
            metric("PERCENT_FLOWS_OUTCOME")
            | {"Filters": [by("FLOW_TYPE", "x")], "Groupings": ["FLOWS_OUTCOME_TYPE"]},
            REQUEST,
            "no grouping of PERCENT_FLOWS_OUTCOME",
        ),
        ({"Filters": [by("QUEUE", "q"), by(TEST_TYPE, "x")]}, PARAMETER, "FLOW_VALIDATION"),
        *[(level(value), PARAMETER, "ThresholdValue") for value in (0, 0.5, 604_801, 1.5, None)],
        *[(level(20, comparison), PARAMETER, "Comparison") for comparison in ("GT", "lt", None)],
        (
            level(20, "LT", "CAMPAIGN_CONTACTS_ABANDONED_AFTER_X")
            | {"Filters": [by("CAMPAIGN", "c")]},
            PARAMETER,
            "GT",
        ),
        *[({"MaxResults": size}, PARAMETER, "MaxResults") for size in (0, 101)],
    ],
)
def test_what_breaks_a_rule_is_refused(changes, code, words):
    with pytest.raises(Refusal, match=words) as refused:
        parsed(**changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name", sorted({n for m in METRICS for n in m.v1.names} - BY_NAME_V2.keys())
)
def test_the_names_of_get_metric_data_alone_are_invalid_here(name):
    with pytest.raises(Refusal) as refused:
        parsed(**metric(name))
    assert (refused.value.code, refused.value.message) == (REQUEST, f"Invalid metric name: {name}")


@pytest.mark.parametrize("each", METRICS_V2, ids=lambda each: each.v2.names[0])
def test_every_metric_is_accepted_by_all_its_names_with_each_of_its_filters_and_groupings(each):
    v2 = each.v2
    threshold = [{"Comparison": c, "ThresholdValue": 5.0} for c in v2.comparisons[:1]]
    # A filter that authorises, or the one that is needed, or else any.
    authorising = next((k for k in ("QUEUE", "AGENT", "CAMPAIGN") if k in v2.filters), None)
    needed = v2.required or authorising or min(v2.filters)
    for name in v2.names:
        entry = {"Name": name} | ({"Threshold": threshold} if threshold else {})
        for key in v2.filters:
            filters = {need: valid(need) for need in (needed, key)}
            query = parsed(Metrics=[entry], Filters=list(filters.values()))
            assert query.asked[0].echo == entry
        for grouping in v2.groupings:
            query = parsed(Metrics=[entry], Filters=[valid(needed)], Groupings=[grouping])
            assert query.groupings == (grouping,)


def valid(key: str) -> dict[str, Any]:
    special = {"CHANNEL": "TASK", "Q_CONNECT_ENABLED": "FALSE", "ROUTING_STEP_EXPRESSION": "{}"}
    return by(key, "2024-03-05T10:00:00Z" if "TIMESTAMP" in key else special.get(key, "x"))


def test_a_request_becomes_a_query():
    query = parsed(
        Filters=[
            by("QUEUE", "arn:x/sales", "help", "sales"),
            lacking("AGENT", FilterValues=[]),
            by("ROUTING_STEP_EXPRESSION", '{ "b": [1, 2],\n "a": {"d": 1, "c": "é"}}'),
        ],
        Groupings=["CHANNEL", "QUEUE"],
        Interval={"IntervalPeriod": "HOUR"},
        Metrics=[
            {
                "Name": "CONTACTS_HANDLED",
                "MetricFilters": [only("INITIATION_METHOD", "API", "API")],
            },
            {
                "Name": "CONTACTS_ABANDONED",
                "MetricFilters": [
                    only("DISCONNECT_REASON", "OTHER", Negate=True),
                    only("INITIATION_METHOD", "API", Negate=False),
                ],
            },
        ],
        StartTime=START + 0.5004,
        MaxResults=7,
    )
    assert (query.start, query.end) == (START * 1000 + 500, END * 1000)
    assert query.marks == (START * 1000, END * 1000)
    assert query.conditions == (
        Condition("QUEUE", ("sales", "help")),
        Condition("AGENT", None),
        Condition("ROUTING_STEP_EXPRESSION", ('{"a":{"c":"é","d":1},"b":[1,2]}',)),
    )
    assert query.groupings == ("CHANNEL", "QUEUE")
    assert [one.asked.filters for one in query.asked] == [
        (Condition("INITIATION_METHOD", ("API",)),),
        (
            Condition("DISCONNECT_REASON", ("OTHER",), True),
            Condition("INITIATION_METHOD", ("API",)),
        ),
    ]
    assert query.asked[1].echo["MetricFilters"] == [
        only("DISCONNECT_REASON", "OTHER", Negate=True),
        only("INITIATION_METHOD", "API"),
    ]
    assert (query.period, query.results_max) == ("HOUR", 7)


@pytest.mark.parametrize(("comparison", "below"), [("LT", 20_000), ("LTE", 20_001)])
def test_a_threshold_is_what_counts_lies_below(comparison, below):
    query = parsed(**level(20, comparison))
    assert query.asked[0].asked.below == below
    threshold = [{"Comparison": comparison, "ThresholdValue": 20.0}]
    assert query.asked[0].echo == {"Name": "SERVICE_LEVEL", "Threshold": threshold}


@pytest.mark.parametrize(
    ("period", "days"),
    [("FIFTEEN_MIN", 3), ("HOUR", 3), ("DAY", 35), ("WEEK", 35), ("TOTAL", 35), (None, 35)],
)
def test_the_longest_ranges(period, days):
    interval = DROP if period is None else {"IntervalPeriod": period}
    end = NOW / 1000
    query = parsed(Interval=interval, StartTime=end - days * DAY + 0.001, EndTime=end)
    assert query.end == NOW
    assert query.period == (period or "TOTAL")


def test_the_start_may_lie_92_days_back():
    start = NOW / 1000 - 92 * DAY
    assert parsed(StartTime=start, EndTime=start + 60).start == start * 1000


def test_channels_do_not_count_among_the_values():
    channels = by("CHANNEL", "VOICE", "CHAT", "TASK", "EMAIL")
    assert parsed(Filters=[by("QUEUE", *QUEUES[:100]), channels]).conditions[1].values


def test_metrics_of_flows_need_no_queue_or_agent():
    """They have no such filter: nobody could ask for them otherwise."""
    filters = [by("FLOWS_RESOURCE_ID", "f")]
    assert parsed(**metric("FLOWS_STARTED"), Filters=filters).conditions


def test_a_metric_may_be_named_by_the_arn_of_amazon_connects_own():
    arn = "arn:aws:connect:us-east-1:aws:metric/CONTACTS_HANDLED"
    [asked] = parsed(Metrics=[{"MetricId": arn}]).asked
    assert asked.echo == {"MetricId": arn}
    assert asked.asked.metric is BY_NAME_V2["CONTACTS_HANDLED"]


def test_rows_as_they_are_written():
    query = parsed(
        Metrics=[HANDLED, {"Name": "AVG_HOLD_TIME"}],
        Groupings=["CHANNEL", "QUEUE"],
        Interval={"IntervalPeriod": "HOUR", "TimeZone": "Asia/Kathmandu"},
    )
    rows = WrittenRows(
        query, [RowV2(0, ("VOICE", "q1"), [3.0, None]), RowV2(1, ("CHAT", "q1"), [0.0, 1.5])]
    )
    assert len(rows) == 2
    assert rows[:1] == [
        {
            "Dimensions": {"CHANNEL": "VOICE", "QUEUE": "q1"},
            "MetricInterval": {"Interval": "HOUR", "StartTime": START, "EndTime": START + 900},
            "Collections": [
                {"Metric": {"Name": "CONTACTS_HANDLED"}, "Value": 3.0},
                {"Metric": {"Name": "AVG_HOLD_TIME"}},
            ],
        }
    ]
    last = rows[1]["MetricInterval"]
    assert (last["StartTime"], last["EndTime"]) == (START + 900, END)


def test_without_grouping_there_are_no_dimensions_and_instants_are_told_in_iso_8601():
    [row] = WrittenRows(parsed(), [RowV2(0, (), [1.0])])
    assert row.keys() == {"MetricInterval", "Collections"}
    assert row["MetricInterval"]["Interval"] == "TOTAL"
    query = parsed(
        **metric("FLOWS_STARTED"),
        Filters=[by("FLOW_TYPE", "CONTACT_FLOW")],
        Groupings=["RESOURCE_PUBLISHED_TIMESTAMP"],
    )
    [row] = WrittenRows(query, [RowV2(0, (NOW + 5,), [1.0])])
    assert row["Dimensions"] == {"RESOURCE_PUBLISHED_TIMESTAMP": "2024-03-05T12:00:00.005Z"}
