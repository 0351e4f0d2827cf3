"""Current metrics: the specification's examples, and what must add up in random histories."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import clock, example_one, random_history
from ringfloor.base.time import seconds
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections.current_metrics import METRICS
from ringfloor.projections.current_request import metric_results, parse
from ringfloor.projections.current_rows import answer
from ringfloor.projections.realtime import Realtime

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
VECTORS = json.loads((SHARED / "spec" / "metrics-examples.json").read_text())
REALTIME = VECTORS["example1"]["realtime"]
NAMES = [metric.name for metric in METRICS if metric.name != "ESTIMATED_WAIT_TIME"]


def ask(realtime, now, names=NAMES, **request):
    query = parse(
        {"CurrentMetrics": [{"Name": name} for name in names], **request},
        lambda _kind, identifier: identifier,
    )
    return query, answer(realtime, {}, query, now)


def rows_of(realtime, now, names=NAMES, **request):
    """Dimension ids to metric values."""
    _, rows = ask(realtime, now, names, **request)
    return {row.dimensions: dict(zip(names, row.values, strict=True)) for row in rows}


def at_moment(text):
    realtime = Realtime()
    for event, at in example_one():
        if at <= clock(text):
            realtime.on(event, at)
    return realtime


@pytest.mark.parametrize(
    ("moment", "name"), [(moment, name) for moment, rows in REALTIME.items() for name in rows]
)
def test_example_1_row_by_row(moment, name):
    request = {"Filters": {"Queues": ["S", "P"], "Channels": ["VOICE"]}}
    if name != "ungrouped":
        request["Groupings"] = ["QUEUE"]
    rows = rows_of(at_moment(moment), clock(moment), **request)
    row = rows[() if name == "ungrouped" else (name,)]
    expected = REALTIME[moment][name]
    assert {metric: row[metric] for metric in expected} == expected


def test_example_1_the_whole_table_of_the_text():
    """The columns that the vectors leave out."""
    request = {"Filters": {"Queues": ["S", "P"], "Channels": ["VOICE"]}, "Groupings": ["QUEUE"]}
    for moment, scheduled, slots_active in (
        ("10:03:20", 0, 0),
        ("10:03:30", 0, 0),
        ("10:05:20", 1, 1),
    ):
        row = rows_of(at_moment(moment), clock(moment), **request)[("P",)]
        assert (row["AGENTS_ONLINE"], row["AGENTS_STAFFED"]) == (2, 2)
        assert (row["CONTACTS_SCHEDULED"], row["SLOTS_ACTIVE"]) == (scheduled, slots_active)
        assert (row["AGENTS_NON_PRODUCTIVE"], row["SLOTS_AVAILABLE"]) == (0, 0)


def test_example_1_default_order_puts_more_agents_first():
    request = {"Filters": {"Queues": ["S", "P"]}, "Groupings": ["QUEUE"]}
    _, rows = ask(at_moment("10:05:50"), clock("10:05:50"), **request)
    assert [row.dimensions for row in rows] == [("P",), ("S",)]


def test_example_1_on_the_wire():
    query, rows = ask(
        at_moment("10:05:50"),
        clock("10:05:50"),
        ["AGENTS_ONLINE", "OLDEST_CONTACT_AGE"],
        Filters={"Queues": ["P"], "Channels": ["VOICE"]},
        Groupings=["QUEUE", "CHANNEL"],
    )
    assert metric_results(query, rows, "arn:{}/{}".format) == [
        {
            "Dimensions": {"Queue": {"Id": "P", "Arn": "arn:queue/P"}, "Channel": "VOICE"},
            "Collections": [
                {"Metric": {"Name": "AGENTS_ONLINE", "Unit": "COUNT"}, "Value": 2.0},
                {"Metric": {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}, "Value": 10.0},
            ],
        }
    ]


ADDITIVE = [
    "AGENTS_AFTER_CONTACT_WORK",
    "CONTACTS_IN_QUEUE",
    "CONTACTS_SCHEDULED",
    "SLOTS_ACTIVE",
    "SLOTS_AVAILABLE",
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**40), min_size=60, max_size=120))
def test_rows_add_up_over_channels_and_contacts_over_queues(numbers):
    realtime, now = Realtime(), 0
    for event, now in random_history(numbers):
        realtime.on(event, now)
    everything = {"Filters": {"Channels": list(CHANNELS)}}
    by_both = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["QUEUE", "CHANNEL"])
    by_queue = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["QUEUE"])
    by_channel = rows_of(realtime, now, ADDITIVE, **everything, Groupings=["CHANNEL"])
    [whole] = rows_of(realtime, now, ADDITIVE, **everything).values() or [{}]
    for name in ADDITIVE:
        for (queue_id,), row in by_queue.items():
            parts = [values[name] for (key, _), values in by_both.items() if key == queue_id]
            assert row[name] == sum(parts)
        assert whole.get(name, 0) == sum(row[name] for row in by_channel.values())
        if name != "SLOTS_AVAILABLE":
            assert whole.get(name, 0) == sum(row[name] for row in by_queue.values())


def test_seconds_are_whole_in_a_grouped_row_and_milliseconds_are_kept_in_another():
    moment = clock("10:05:50") + 999
    request = {"Filters": {"Queues": ["P"]}}
    realtime = at_moment("10:05:50")
    assert rows_of(realtime, moment, **request)[()]["OLDEST_CONTACT_AGE"] == 10_999
    grouped = rows_of(realtime, moment, **request, Groupings=["QUEUE"])
    assert grouped[("P",)]["OLDEST_CONTACT_AGE"] == seconds(10_000)


def test_the_direction_of_the_oldest_contact_age_is_a_switch():
    realtime, now = at_moment("10:05:50"), clock("10:05:50")
    for in_ms, groupings, value in (
        ("grouped", ["QUEUE"], 10_000.0),
        ("grouped", [], 10.0),
        ("never", [], 10.0),
        ("never", ["QUEUE"], 10.0),
    ):
        query, _ = ask(
            realtime, now, ["OLDEST_CONTACT_AGE"], Filters={"Queues": ["P"]}, Groupings=groupings
        )
        [row] = answer(realtime, {}, query, now, in_ms)
        assert row.values == (value,)
