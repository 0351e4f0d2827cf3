"""The table of metrics: complete against botocore's model and the specification, sound as SQL."""

import json
import re
from pathlib import Path

import botocore.session
import pytest

from ringfloor.domain import facts
from ringfloor.projections.dimensions import SOURCES
from ringfloor.projections.historical_metrics import (
    BY_NAME,
    BY_NAME_V2,
    DEFINITIONS,
    METRICS,
    METRICS_V2,
    aggregates,
    result,
)
from ringfloor.projections.metric_terms import FILTERS_ONLY, GROUPINGS_ONLY, KEYS

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
V2 = json.loads((SHARED / "spec" / "v2-metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def service():
    return botocore.session.get_session().get_service_model("connect")


@pytest.fixture(scope="module")
def shape(service):
    return service.operation_model("GetMetricData").input_shape


@pytest.fixture(scope="module")
def model(shape):
    return shape.members["HistoricalMetrics"].member.members


def test_the_names_are_those_of_the_api(model):
    assert {metric.name for metric in METRICS} == set(model["Name"].enum)
    assert len(METRICS) == 25


def test_the_alias_of_the_documentation_is_known():
    assert BY_NAME["AVG_HOLD_TIME"] is BY_NAME["HOLD_TIME"]
    assert len(BY_NAME) == 26


def test_statistics_and_units_are_those_of_the_api(model):
    for metric in METRICS:
        for statistic, unit in metric.pairs:
            assert statistic in model["Statistic"].enum
            assert unit in model["Unit"].enum


def test_each_pair_is_the_one_that_the_api_documents(shape):
    """The model's own text names Unit and Statistic beneath each metric."""
    text = shape.members["HistoricalMetrics"].documentation
    for metric in METRICS:
        if metric.name == "CONTACTS_CONSULTED":
            continue  # no longer documented
        statistic, unit = metric.pairs[0]
        _, found, rest = text.partition(f"<dt>{metric.name}</dt>")
        if not found:
            _, found, rest = text.partition(f"<dt>AVG_{metric.name}</dt>")
        entry = rest.partition("<dt>")[0]
        assert f"Unit: {unit}" in entry, metric.name
        assert f"Statistic: {statistic}" in entry, metric.name


def test_every_metric_is_documented():
    for metric in DEFINITIONS:
        assert metric.doc.endswith("."), metric.name


def test_v2_has_169_metrics_of_which_84_have_data():
    assert {metric.v2.names[0] for metric in METRICS_V2} == {each["name"] for each in V2}
    assert len(METRICS_V2) == len({metric.name for metric in DEFINITIONS if metric.v2}) == 169
    assert sum(metric.facts != "nothing" for metric in METRICS_V2) == 84
    assert len(BY_NAME_V2) == 170  # one has another name in the guide


@pytest.mark.parametrize("each", V2, ids=lambda each: each["name"])
def test_unit_keys_and_thresholds_of_v2_are_those_of_the_specification(each):
    v2 = BY_NAME_V2[each["name"]].v2
    assert v2.unit == each["unit"]
    assert v2.required == each["required_filter"]
    assert "|".join(v2.comparisons) == (each["threshold"] or "")
    told = re.findall(r"[A-Z_]{6,}", (each["metric_filter_keys"] or "").split(".")[0])
    assert set(told) <= set(v2.metric_filters)
    groupings = v2.groupings - FILTERS_ONLY - GROUPINGS_ONLY
    assert {simple(key) for key in groupings} <= {
        word for title in each["groupings_and_filters"] for word in simple_titles(title)
    }
    if len(each["groupings_and_filters"]) < 40:  # else many are no keys of requests
        assert len(v2.filters | v2.groupings) >= len(each["groupings_and_filters"])


def simple(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.rpartition(":")[2].lower())


def simple_titles(title: str) -> list[str]:
    """What a key may be called where a title of the specification stands."""
    levels = ["one", "two", "three", "four", "five"]
    if title.startswith("Agent Hierarchy"):
        return [f"agenthierarchylevel{level}" for level in levels]
    word = simple(title)
    return {
        "qinconnect": ["qconnectenabled"],
        "evaluator": ["evaluatorid"],
        "evaluationformid": ["evaluationform"],
        "evaluationsectionid": ["evaluationsection"],
        "evaluationquestionid": ["evaluationquestion"],
    }.get(word, [word])


def test_every_key_of_v2_is_one_of_the_api(service):
    members = service.operation_model("GetMetricDataV2").input_shape.members
    known = {
        *re.findall(r"<code>([^<]+)</code>", members["Filters"].documentation),
        *re.findall(r"<code>([^<]+)</code>", members["Groupings"].documentation),
    }
    # The model lists what all metrics have; one that groups campaigns by time it leaves out.
    used = {key for metric in METRICS_V2 for key in metric.v2.filters | metric.v2.groupings}
    assert used <= known
    assert not used & KEYS.keys()


def test_every_column_of_a_fact_that_is_named_exists():
    kinds = {
        "leg": facts.Leg,
        "offer": facts.Offer,
        "occurrence": facts.Occurrence,
        "hand_time": facts.HandTime,
        "agent_time": facts.AgentTime,
        "step_entry": facts.StepEntry,
        "flow_run": facts.FlowRun,
        "bot_conversation": facts.BotConversation,
    }
    for source in SOURCES.values():
        fields = set(kinds[source.table].__struct_fields__)
        plain = {column for column in source.columns.values() if column.isidentifier()}
        assert plain <= fields
        assert {*source.same, source.ended or "contact_id"} - {"contact_id"} <= fields
        for level in ("one", "two", "three", "four", "five"):
            assert source.columns[f"AGENT_HIERARCHY_LEVEL_{level.upper()}"] == f"level_{level}"


def test_equal_aggregates_are_asked_once():
    """CONTACTS_QUEUED and the denominator of all service levels are one column."""
    assert aggregates(BY_NAME["SERVICE_LEVEL"]) == aggregates(BY_NAME["CONTACTS_QUEUED"])
    of_legs = [metric for metric in METRICS if metric.facts == "legs"]
    assert len({column for metric in of_legs for column in aggregates(metric)}) == 28


def test_a_quotient_is_divided_once_and_exists_only_if_there_is_something_to_divide_by():
    average, percent = BY_NAME["HANDLE_TIME"], BY_NAME["SERVICE_LEVEL"]
    assert result(BY_NAME_V2["SUM_HOLD_TIME"], None) == 0.0
    assert result(BY_NAME_V2["AGENT_OCCUPANCY"], 1, 3) == 1 / 3
    assert result(BY_NAME_V2["AVG_HOLDS"], 0, 0) is None
    assert result(average, 1_000_000_000_000_000_001, 3) == 1_000_000_000_000_000_001 / 3_000
    assert result(average, None, 0) is None
    assert result(percent, 0, 3) == 0.0
    assert result(percent, 2, 3) == 200 / 3
    assert result(percent, None, 0) is None
    assert result(BY_NAME["QUEUED_TIME"], None) is None
    assert result(BY_NAME["QUEUED_TIME"], 1_500) == 1.5
    assert result(BY_NAME["CONTACTS_QUEUED"], None) == 0.0
    assert result(BY_NAME["CONTACTS_CONSULTED"]) is None
