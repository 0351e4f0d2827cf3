"""The table of the 25 metrics: complete against botocore's model, and sound as SQL."""

import botocore.session
import pytest

from ringfloor.projections.historical_metrics import BY_NAME, METRICS, aggregates, result


@pytest.fixture(scope="module")
def shape():
    service = botocore.session.get_session().get_service_model("connect")
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
    for metric in METRICS:
        assert metric.doc.endswith("."), metric.name
        assert metric.source, metric.name


def test_equal_aggregates_are_asked_once():
    """CONTACTS_QUEUED and the denominator of all service levels are one column."""
    assert aggregates(BY_NAME["SERVICE_LEVEL"]) == aggregates(BY_NAME["CONTACTS_QUEUED"])
    of_legs = [metric for metric in METRICS if metric.facts == "legs"]
    assert len({column for metric in of_legs for column in aggregates(metric)}) == 28


def test_a_quotient_is_divided_once_and_exists_only_if_there_is_something_to_divide_by():
    average, percent = BY_NAME["HANDLE_TIME"], BY_NAME["SERVICE_LEVEL"]
    assert result(average, 1_000_000_000_000_000_001, 3) == 1_000_000_000_000_000_001 / 3_000
    assert result(average, None, 0) is None
    assert result(percent, 0, 3) == 0.0
    assert result(percent, 2, 3) == 200 / 3
    assert result(percent, None, 0) is None
    assert result(BY_NAME["QUEUED_TIME"], None) is None
    assert result(BY_NAME["QUEUED_TIME"], 1_500) == 1.5
    assert result(BY_NAME["CONTACTS_QUEUED"], None) == 0.0
    assert result(BY_NAME["CONTACTS_CONSULTED"]) is None
