"""Current metrics: what a request may ask for (metrics specification, 1.3 and table 5)."""

import json

import pytest

from ringfloor.base.errors import Refusal
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.current_metrics import BY_NAME, METRICS
from ringfloor.projections.current_request import GROUPINGS, Row, metric_results, parse

SHAPE, RULE = "InvalidRequestException", "InvalidParameterException"
ONLINE = {"Name": "AGENTS_ONLINE"}
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ARN = "arn:aws:connect:eu-central-1:123456789012:instance/" + UUID
QUEUES = {"Queues": ["q"]}
PROFILES = {"RoutingProfiles": ["p"]}
CONDITION = {"Name": "n", "Value": "v", "ProficiencyLevel": 3, "ComparisonOperator": "Match"}
EXPRESSIONS = {"RoutingStepExpressions": [json.dumps({"AttributeCondition": CONDITION})]}
BY_STEP = "ROUTING_STEP_EXPRESSION"


def parsed(resolve=lambda _kind, identifier: identifier, **request):
    return parse({"Filters": QUEUES, "CurrentMetrics": [ONLINE], **request}, resolve)


def filters(**members):
    return {"Filters": members}


def metrics(*entries):
    return {
        "CurrentMetrics": [{"Name": each} if isinstance(each, str) else each for each in entries]
    }


def grouped(*groupings, of=QUEUES):
    return {"Groupings": list(groupings), "Filters": of}


def sorted_by(name, *order):
    return {"SortCriteria": [{"SortByMetric": name, **({"SortOrder": order[0]} if order else {})}]}


REFUSED = [
    # shapes
    ({"Filters": None}, SHAPE, "Filters"),
    ({"CurrentMetrics": None}, SHAPE, "CurrentMetrics"),
    ({"Filters": []}, SHAPE, "Filters"),
    (filters(Queues="q"), SHAPE, "Queues"),
    (filters(Queues=[1]), SHAPE, "Queues"),
    (metrics(5), SHAPE, "CurrentMetrics"),
    ({"Groupings": "QUEUE"}, SHAPE, "Groupings"),
    ({"MaxResults": "10"}, SHAPE, "MaxResults"),
    ({"MaxResults": True}, SHAPE, "MaxResults"),
    ({"SortCriteria": {}}, SHAPE, "SortCriteria"),
    ({"NextToken": 1}, SHAPE, "NextToken"),
    # sizes
    (filters(Queues=[]), RULE, "Queues must have at least 1"),
    (filters(Queues=["q"] * 101), RULE, "Queues exceeds the limit of 100"),
    (filters(RoutingProfiles=[]), RULE, "RoutingProfiles must have at least 1"),
    (filters(RoutingProfiles=["p"] * 101), RULE, "RoutingProfiles exceeds the limit of 100"),
    (filters(**QUEUES, Channels=["VOICE"] * 5), RULE, "Channels exceeds the limit of 4"),
    (filters(**QUEUES, AgentStatuses=["s"] * 51), RULE, "AgentStatuses exceeds the limit of 50"),
    (filters(**QUEUES, Subtypes=["s"] * 11), RULE, "Subtypes exceeds the limit of 10"),
    (filters(**QUEUES, Subtypes=[""]), RULE, "1 to 100 characters"),
    (filters(**QUEUES, Subtypes=["s" * 101]), RULE, "1 to 100 characters"),
    (filters(**QUEUES, ValidationTestTypes=["v"] * 11), RULE, "exceeds the limit of 10"),
    (filters(**QUEUES, RoutingStepExpressions=["e"] * 51), RULE, "exceeds the limit of 50"),
    (filters(**QUEUES, RoutingStepExpressions=[""]), RULE, "1 to 3000 characters"),
    (filters(**QUEUES, RoutingStepExpressions=["e" * 3001]), RULE, "1 to 3000 characters"),
    ({"Groupings": ["QUEUE", "CHANNEL", "SUBTYPE"]}, RULE, "Groupings exceeds the limit of 2"),
    (metrics(), RULE, "CurrentMetrics must have at least 1"),
    (metrics(*["AGENTS_ONLINE"] * 101), RULE, "CurrentMetrics exceeds the limit of 100"),
    (metrics(*[{"MetricId": UUID}] * 11), RULE, "MetricId exceeds the limit of 10"),
    ({"MaxResults": 0}, RULE, "MaxResults"),
    ({"MaxResults": 101}, RULE, "MaxResults exceeds the limit of 100"),
    ({"SortCriteria": [{}, {}]}, RULE, "SortCriteria exceeds the limit of 1"),
    # words
    (filters(**QUEUES, Channels=["FAX"]), RULE, "Invalid channel"),
    ({"Groupings": ["AGENT"]}, RULE, "Invalid grouping"),
    ({"Groupings": ["QUEUE", "QUEUE"]}, RULE, "cannot be named twice"),
    (metrics("CONTACTS_ABANDONED"), RULE, "Invalid metric name: CONTACTS_ABANDONED"),
    (metrics("CONTACTS_HANDLED"), RULE, "Invalid metric name: CONTACTS_HANDLED"),
    (metrics({**ONLINE, "Unit": "SECONDS"}), RULE, "Invalid unit/statistic for metric AGENTS_ON"),
    (metrics({**ONLINE, "Unit": "PERCENT"}), RULE, "Invalid unit/statistic"),
    (metrics({**ONLINE, "Unit": "AGENTS"}), RULE, "Invalid unit"),
    (metrics({}), RULE, "exactly one of Name and MetricId"),
    (metrics({**ONLINE, "MetricId": UUID}), RULE, "exactly one of Name and MetricId"),
    (metrics({"MetricId": "AGENTS_ONLINE"}), RULE, "a UUID or the ARN of a metric"),
    (metrics({"MetricId": UUID.upper()}), RULE, "a UUID or the ARN of a metric"),
    (metrics({"MetricId": UUID}), RULE, "no such custom metric"),
    (metrics({"MetricId": f"{ARN}/metric/{UUID}:1"}), RULE, "no such custom metric"),
    (metrics({"MetricId": UUID, "Unit": "COUNT"}), RULE, "takes no Unit"),
    (
        metrics({"MetricId": "arn:aws:connect:eu-central-1:aws:metric/CONTACTS_HANDLED"}),
        RULE,
        "Invalid metric name",
    ),
    (sorted_by("CONTACTS_ABANDONED"), RULE, "Invalid metric name"),
    (sorted_by("SLOTS_ACTIVE"), RULE, "Sorting is not supported for SLOTS_ACTIVE"),
    (sorted_by("SLOTS_AVAILABLE"), RULE, "Sorting is not supported for SLOTS_AVAILABLE"),
    (sorted_by("AGENTS_ONLINE", "UP"), RULE, "ASCENDING or DESCENDING"),
    # what must fit together
    (filters(), RULE, "Filters must name"),
    (filters(Channels=[]), RULE, "Filters must name"),
    (filters(**QUEUES, **PROFILES), RULE, "Queues and RoutingProfiles cannot be used together"),
    (filters(AgentStatuses=["s"]), RULE, "AgentStatuses requires the filter Queues"),
    (filters(**PROFILES, AgentStatuses=["s"]), RULE, "AgentStatuses requires the filter Queues"),
    (filters(**PROFILES, Subtypes=["s"]), RULE, "Subtypes requires the filter Queues"),
    (filters(Channels=["CHAT"], ValidationTestTypes=["v"]), RULE, "requires the filter Queues"),
    (filters(**QUEUES, **EXPRESSIONS), RULE, "requires the grouping ROUTING_STEP_EXPRESSION"),
    (
        grouped("ROUTING_STEP_EXPRESSION", of={"Queues": ["q", "r"], **EXPRESSIONS}),
        RULE,
        "exactly one queue",
    ),
    (
        grouped("ROUTING_STEP_EXPRESSION", of={"Channels": ["CHAT"], **EXPRESSIONS}),
        RULE,
        "exactly one queue",
    ),
    *[
        (grouped(BY_STEP, of={**QUEUES, "RoutingStepExpressions": [text]}), RULE, why)
        for text, why in (
            ("language >= 3", "the JSON of an Expression"),
            ("[" * 2_999, "the JSON of an Expression"),
            ("[" * 900 + "]" * 900, "Expression"),
            ("{}", "Expression"),
            ('{"AttributeCondition": {}}', "ComparisonOperator"),
            (json.dumps({"AttributeCondition": {**CONDITION, "ProficiencyLevel": 6}}), "1, 2, 3"),
            (json.dumps({"AttributeCondition": {**CONDITION, "ProficiencyLevel": 10**400}}), "1,"),
        )
    ],
    (
        grouped(BY_STEP, of={**QUEUES, **EXPRESSIONS, "Subtypes": ["connect:Chat"]}),
        RULE,
        "cannot be used together with the filter Subtypes",
    ),
    (grouped("AGENT_STATUS"), RULE, "AGENT_STATUS requires QUEUE before it"),
    (grouped("AGENT_STATUS", "QUEUE"), RULE, "AGENT_STATUS requires QUEUE before it"),
    (grouped("CHANNEL", "AGENT_STATUS"), RULE, "AGENT_STATUS requires QUEUE before it"),
    (grouped("QUEUE", "AGENT_STATUS", of=PROFILES), RULE, "and the filter Queues"),
    (grouped("QUEUE", "SUBTYPE", of={"Channels": ["CHAT"]}), RULE, "SUBTYPE requires"),
    (grouped("SUBTYPE"), RULE, "SUBTYPE requires QUEUE before it"),
    (grouped("VALIDATION_TEST_TYPE", "QUEUE"), RULE, "VALIDATION_TEST_TYPE requires QUEUE"),
    (grouped("ROUTING_PROFILE", of={"Channels": ["CHAT"]}), RULE, "ROUTING_PROFILE requires"),
    (
        {**grouped("QUEUE", "AGENT_STATUS"), **metrics("AGENTS_ONLINE", "AGENTS_STAFFED")},
        RULE,
        "AGENT_STATUS is not valid for AGENTS_STAFFED",
    ),
    (
        {**grouped("QUEUE", "AGENT_STATUS"), **sorted_by("AGENTS_ERROR")},
        RULE,
        "AGENT_STATUS is not valid for AGENTS_ERROR",
    ),
]


@pytest.mark.parametrize(("request_", "code", "text"), REFUSED)
def test_a_broken_rule_is_refused_with_its_error_and_a_message_that_says_which(
    request_, code, text
):
    with pytest.raises(Refusal) as refused:
        parsed(**request_)
    assert refused.value.code == code
    assert text in refused.value.message


CONTACT_METRICS = ["CONTACTS_IN_QUEUE", "CONTACTS_SCHEDULED", "OLDEST_CONTACT_AGE"]


@pytest.mark.parametrize("name", [metric.name for metric in METRICS[:-1]])
def test_by_routing_profile_the_contact_metrics_need_the_profile_filter(name):
    assert parsed(**grouped("ROUTING_PROFILE", of=PROFILES), **metrics(name))
    request = {**grouped("ROUTING_PROFILE"), **metrics(name)}
    if name in CONTACT_METRICS:
        with pytest.raises(Refusal, match=f"the filter RoutingProfiles for {name}"):
            parsed(**request)
    else:
        assert parsed(**request)


@pytest.mark.parametrize("name", [metric.name for metric in METRICS[:-1]])
def test_the_support_matrix(name):
    expressions = {**QUEUES, **EXPRESSIONS}
    for request in (
        {},
        grouped("QUEUE"),
        grouped("CHANNEL"),
        grouped("CHANNEL", "QUEUE"),
        grouped("QUEUE", "SUBTYPE"),
        grouped("QUEUE", "VALIDATION_TEST_TYPE"),
        grouped("ROUTING_STEP_EXPRESSION", of=expressions),
        grouped("ROUTING_STEP_EXPRESSION", "CHANNEL", of=expressions),
        grouped("ROUTING_PROFILE", "CHANNEL", of=PROFILES),
    ):
        assert parsed(**request, **metrics(name)).asked[0].metric.name == name
    if name != "AGENTS_ONLINE":
        with pytest.raises(Refusal, match="AGENT_STATUS is not valid"):
            parsed(**grouped("QUEUE", "AGENT_STATUS"), **metrics(name))


WAIT = metrics("AGENTS_ONLINE", "ESTIMATED_WAIT_TIME")
BOTH = {"Queues": ["q", "r"], "Channels": ["VOICE", "CHAT"]}
ONE = {"Queues": ["q"], "Channels": ["VOICE"]}


def test_the_estimated_wait_time_has_two_forms():
    assert parsed(**grouped("QUEUE", "CHANNEL", of=BOTH), **WAIT)
    assert parsed(**grouped("ROUTING_STEP_EXPRESSION", of={**ONE, **EXPRESSIONS}), **WAIT)


@pytest.mark.parametrize(
    "request_",
    [
        {"Filters": BOTH},
        grouped("QUEUE", of=BOTH),
        grouped("CHANNEL", "QUEUE", of=BOTH),
        grouped("QUEUE", "CHANNEL"),
        grouped("QUEUE", "CHANNEL", of={"Channels": ["VOICE"]}),
        grouped("QUEUE", "CHANNEL", of=PROFILES),
        grouped("QUEUE", "SUBTYPE", of=BOTH),
        grouped("ROUTING_PROFILE", of=PROFILES),
        grouped("ROUTING_STEP_EXPRESSION", of=ONE),
        grouped("ROUTING_STEP_EXPRESSION", of={**QUEUES, **EXPRESSIONS}),
        grouped(
            "ROUTING_STEP_EXPRESSION",
            of={"Queues": ["q"], "Channels": ["VOICE", "CHAT"], **EXPRESSIONS},
        ),
        grouped("ROUTING_STEP_EXPRESSION", "CHANNEL", of={**ONE, **EXPRESSIONS}),
        grouped("QUEUE", "CHANNEL", of={**BOTH, "AgentStatuses": ["s"]}),
        grouped("QUEUE", "CHANNEL", of={**BOTH, "Subtypes": ["connect:Chat"]}),
    ],
)
def test_the_estimated_wait_time_has_no_third_form(request_):
    for asked in (WAIT, sorted_by("ESTIMATED_WAIT_TIME")):
        with pytest.raises(Refusal) as refused:
            parsed(**request_, **asked)
        assert refused.value.code == RULE


def test_sorting_by_the_estimated_wait_time_is_possible_where_it_is():
    query = parsed(**grouped("QUEUE", "CHANNEL", of=BOTH), **sorted_by("ESTIMATED_WAIT_TIME"))
    assert query.sort_by.name == "ESTIMATED_WAIT_TIME"


def test_defaults():
    query = parsed(Groupings=[], NextToken=None, SortCriteria=None)
    assert (query.queue_ids, query.profile_ids, query.status_ids) == (("q",), None, None)
    assert (query.channels, query.groupings, query.unmatched) == (CHANNELS, (), False)
    assert (query.sort_by.name, query.ascending) == ("AGENTS_ONLINE", False)
    assert (query.results_max, query.next_token) == (100, None)


def test_channels_alone_are_a_filter():
    query = parsed(**filters(Channels=["CHAT", "CHAT"]))
    assert (query.queue_ids, query.channels) == (None, ("CHAT",))


def test_paging_is_passed_on():
    query = parsed(MaxResults=7, NextToken="a token", InstanceId="whatever")
    assert (query.results_max, query.next_token) == (7, "a token")


@pytest.mark.parametrize(
    ("sort", "name", "ascending"),
    [
        ({"SortByMetric": "CONTACTS_IN_QUEUE"}, "CONTACTS_IN_QUEUE", False),
        ({"SortByMetric": "AGENTS_ERROR", "SortOrder": "ASCENDING"}, "AGENTS_ERROR", True),
        ({"SortOrder": "ASCENDING"}, "AGENTS_ONLINE", True),
        ({}, "AGENTS_ONLINE", False),
    ],
)
def test_sorting(sort, name, ascending):
    query = parsed(SortCriteria=[sort])
    assert (query.sort_by.name, query.ascending) == (name, ascending)


def test_metrics_are_echoed_as_sent_with_their_unit():
    by_arn = "arn:aws:connect:eu-central-1:aws:metric/OLDEST_CONTACT_AGE"
    query = parsed(
        CurrentMetrics=[
            {"Name": "AGENTS_ON_CALL"},
            {"MetricId": by_arn},
            {"MetricId": by_arn, "Unit": "SECONDS"},
            {"Name": "AGENTS_ONLINE", "Unit": "COUNT"},
        ]
    )
    assert [asked.echo for asked in query.asked] == [
        {"Name": "AGENTS_ON_CALL", "Unit": "COUNT"},
        {"MetricId": by_arn, "Unit": "SECONDS"},
        {"MetricId": by_arn, "Unit": "SECONDS"},
        {"Name": "AGENTS_ONLINE", "Unit": "COUNT"},
    ]
    assert query.asked[1].metric is BY_NAME["OLDEST_CONTACT_AGE"]


def test_ids_and_arns_are_resolved_by_kind_and_the_same_one_counts_once():
    def resolve(kind, identifier):
        if identifier.startswith("arn:") and f":{kind}/" not in identifier:
            raise Refusal(RULE, f"{kind}: {identifier}")
        return identifier.rpartition("/")[2]

    query = parsed(
        resolve,
        **filters(
            Queues=["r", "arn:aws:queue/q", "q"],
            AgentStatuses=["arn:aws:agent_status/s", "s"],
        ),
    )
    assert (query.queue_ids, query.status_ids) == (("r", "q"), ("s",))
    assert parsed(resolve, **filters(RoutingProfiles=["p"])).profile_ids == ("p",)
    with pytest.raises(Refusal, match="queue: arn:aws:user/q"):
        parsed(resolve, **filters(Queues=["arn:aws:user/q"]))


@pytest.mark.parametrize(
    "request_",
    [
        filters(**QUEUES, ValidationTestTypes=["EXPERIENCE_VALIDATION"]),
        grouped("QUEUE", "VALIDATION_TEST_TYPE"),
    ],
)
def test_what_no_contact_has_is_accepted_and_matches_nothing(request_):
    assert parsed(**request_).unmatched


def test_expressions_are_equal_whatever_the_order_of_keys_and_blanks_and_are_shown_as_sent():
    [plain] = EXPRESSIONS["RoutingStepExpressions"]
    condition = dict(reversed(list({**CONDITION, "ProficiencyLevel": 3.0}.items())))
    other = json.dumps({"AttributeCondition": condition}, indent=4)
    two = {**QUEUES, "RoutingStepExpressions": [other, plain]}
    query = parsed(**grouped(BY_STEP, of=two))
    assert list(query.expressions.values()) == [other]
    assert not query.unmatched
    [row] = metric_results(query, [Row(tuple(query.expressions), (0.0,))], "{}/{}".format)
    assert row["Dimensions"] == {"RoutingStepExpression": other}
    loud = json.dumps({"AttributeCondition": {**CONDITION, "Value": "V"}})
    cases = parsed(**grouped(BY_STEP, of={**QUEUES, "RoutingStepExpressions": [plain, loud]}))
    assert len(cases.expressions) == 2


def test_the_same_subtype_counts_once():
    assert parsed(**filters(**QUEUES, Subtypes=["x", "y", "x"])).subtypes == ("x", "y")
    assert parsed(**filters(**QUEUES, Subtypes=[])).subtypes is None


def test_an_empty_answer_is_empty():
    assert metric_results(parsed(), [], "{}/{}".format) == []


def test_the_table_of_metrics():
    assert len(METRICS) == len(BY_NAME) == 14
    seconds = {"OLDEST_CONTACT_AGE", "ESTIMATED_WAIT_TIME"}
    assert {metric.name for metric in METRICS if metric.unit == "SECONDS"} == seconds
    assert {metric.name for metric in METRICS if not metric.sortable} == {
        "SLOTS_ACTIVE",
        "SLOTS_AVAILABLE",
    }
    assert {metric.name for metric in METRICS if metric.profile_filter} == set(CONTACT_METRICS)
    for metric in METRICS:
        assert metric.doc.endswith(".")
        assert metric.groupings <= set(GROUPINGS)
