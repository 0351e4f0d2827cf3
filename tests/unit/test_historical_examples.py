"""The worked examples of the metrics specification: its facts in, its numbers out.

Read from shared/spec/metrics-examples.json beside the repository; agent time is derived by hand
from the tables of sections 6.1 and 6.2.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ringfloor.domain.facts import AgentTime, Fact, Leg, Offer
from ringfloor.node.history import History
from ringfloor.projections.historical_request import HistoricalQuery, metric_results, parse

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
EXAMPLES = json.loads((SHARED / "spec" / "metrics-examples.json").read_text(encoding="utf-8"))

INSTANCE = "i"
NOW = 1_709_640_000_000  # 12:00:00
SERVED = {
    "ann": frozenset({"S", "P"}),
    "bob": frozenset({"P"}),
    "dee": frozenset({"S"}),
}


def instant(text: str) -> int:
    """An ISO date with milliseconds, or hh:mm:ss of the day of the examples."""
    if "T" not in text:
        text = f"2024-03-05T{text}.000Z"
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def a_leg(fact: dict[str, Any]) -> Leg:
    def at(name: str) -> int | None:
        return instant(fact[name]) if name in fact else None

    return Leg(
        contact_id=fact["ContactId"],
        queue_id=fact["QueueName"],
        channel=fact["Channel"],
        initiation_method=fact["InitiationMethod"],
        initiated_at=instant(fact["InitiationTimestamp"]),
        disconnected_at=instant(fact["DisconnectTimestamp"]),
        enqueued_at=at("EnqueueTimestamp"),
        dequeued_at=at("DequeueTimestamp"),
        connected_to_agent_at=at("ConnectedToAgentTimestamp"),
        agent_id=fact.get("Agent"),
        interaction_ms=ms(fact.get("AgentInteractionDuration")),
        hold_ms=ms(fact.get("CustomerHoldDuration")),
        holds=fact.get("NumberOfHolds", 0),
        after_contact_work_ms=ms(fact.get("AfterContactWorkDuration")),
        transfer_completed_at=at("TransferCompletedTimestamp"),
        pre_disconnect_state=fact["PreDisconnectState"],
        disconnect_reason=fact.get("DisconnectReason"),
        previous_contact_id=fact.get("PreviousContactId"),
        next_contact_id=fact.get("NextContactId"),
    )


def a_day(agent: str, available: tuple[str, str], *contacts: tuple[str, str]) -> list[AgentTime]:
    """The Available time of an agent, cut into contacts and the idle stretches between them."""
    stretches = []
    cursor = instant(available[0])

    def stretch(kind: str, start: int, end: int) -> None:
        if start < end:
            stretches.append(
                AgentTime(
                    agent_id=agent,
                    routing_profile_id=agent,
                    kind=kind,
                    started_at=start,
                    ended_at=end,
                )
            )

    for start, end in contacts:
        stretch("idle", cursor, instant(start))
        stretch("contact", instant(start), instant(end))
        cursor = instant(end)
    stretch("idle", cursor, instant(available[1]))
    return stretches


AGENT_TIME = {
    "example1": [
        # Ann: C1 to the end of its after contact work, C4b from her accepting it.
        *a_day("ann", ("09:55:00", "10:15:00"), ("10:00:32", "10:06:02"), ("10:06:10", "10:08:40")),
        # Bob: C3b once connected (ringing and missing it is idle), C5 from dialling.
        *a_day("bob", ("09:58:00", "10:15:00"), ("10:03:40", "10:08:00"), ("10:09:00", "10:10:55")),
    ],
    # Dee: two chats that overlap, the after contact work of one inside the other.
    "example2": a_day("dee", ("11:00:00", "11:15:00"), ("11:01:04", "11:11:04")),
}


def facts_of(example: str) -> list[Fact]:
    missed = [
        Offer(
            contact_id="c",
            agent_id=fact["Agent"],
            queue_id=fact["QueueName"],
            channel=fact["Channel"],
            offered_at=instant(fact["at"]),
            ended_at=instant(fact["at"]),
            outcome="missed",
        )
        for fact in EXAMPLES[example]["missed"]
    ]
    return [*map(a_leg, EXAMPLES[example]["legs"]), *missed]


def asked(expected: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics an expectation names; SERVICE_LEVEL<45 is a service level with its threshold."""
    metrics: list[dict[str, Any]] = []
    for label in expected:
        name, _, seconds = label.partition("<")
        metrics.append({"Name": name})
        if seconds:
            threshold = {"Comparison": "LT", "ThresholdValue": int(seconds)}
            metrics[-1]["Threshold"] = threshold
    return metrics


def a_query(start: str, end: str, metrics: list[dict[str, Any]], **changes: Any) -> HistoricalQuery:
    request = {
        "StartTime": instant(start) / 1000,
        "EndTime": instant(end) / 1000,
        "Filters": {"Queues": ["S", "P"]},
        "HistoricalMetrics": metrics,
    } | changes
    return parse(request, NOW, lambda text: text)


@pytest.fixture(scope="module")
def history():
    history = History.open(None, pytest.fail)
    for sequence, example in enumerate(("example1", "example2"), start=1):
        history.load(INSTANCE, sequence, [*facts_of(example), *AGENT_TIME[example][:-1]])
    yield history
    history.close()


def answer(history: History, query: HistoricalQuery, example: str):
    """The last stretch of each example is still running."""
    return history.answer(INSTANCE, query, AGENT_TIME[example][-1:], SERVED)


def test_the_agents_contact_and_idle_time_is_that_of_the_examples():
    def seconds(example: str, agents: set[str], start: str, end: str) -> tuple[float, float]:
        totals = {"contact": 0, "idle": 0}
        for stretch in AGENT_TIME[example]:
            if stretch.agent_id in agents:
                inside = min(stretch.ended_at, instant(end)) - max(
                    stretch.started_at, instant(start)
                )
                totals[stretch.kind] += max(0, inside)
        return totals["contact"] / 1000, totals["idle"] / 1000

    one = [(entry["contact"], entry["idle"]) for entry in EXAMPLES["example1"]["expected"]["occ"]]
    agents = ({"ann"}, {"ann", "bob"}, {"bob"})
    assert one == [seconds("example1", each, "10:00:00", "10:15:00") for each in agents]
    dee = EXAMPLES["example2"]["expected"]["occDee"]
    assert (dee["contact"], dee["idle"]) == seconds("example2", {"dee"}, "11:00:00", "11:15:00")


CASES = [
    ("example1", "S", ["QUEUE"], ("S", None)),
    ("example1", "P", ["QUEUE"], ("P", None)),
    ("example1", "ALL", [], (None, None)),
    ("example2", "S/VOICE", ["QUEUE", "CHANNEL"], ("S", "VOICE")),
    ("example2", "S/CHAT", ["CHANNEL", "QUEUE"], ("S", "CHAT")),
    ("example2", "P/VOICE", ["QUEUE", "CHANNEL"], ("P", "VOICE")),
    ("example2", "ALL", [], (None, None)),
]
RANGES = {"example1": ("10:00:00", "10:15:00"), "example2": ("11:00:00", "11:15:00")}


@pytest.mark.parametrize(("example", "column", "groupings", "row"), CASES)
def test_the_columns_of_the_examples(history, example, column, groupings, row):
    expected = EXAMPLES[example]["expected"][column]
    query = a_query(*RANGES[example], asked(expected), Groupings=groupings)
    [values] = [found.values for found in answer(history, query, example) if found[:2] == row]
    for label, value, wanted in zip(expected, values, expected.values(), strict=True):
        assert value == (wanted if wanted is None else pytest.approx(wanted, abs=1e-6)), label


def test_the_first_five_minutes(history):
    expected = EXAMPLES["example1"]["expected"]["first5"]
    query = a_query("10:00:00", "10:05:00", asked(expected["S"]), Groupings=["QUEUE"])
    rows = answer(history, query, "example1")
    assert {row.queue_id: row.values for row in rows} == {
        queue: list(values.values()) for queue, values in expected.items()
    }


@pytest.mark.parametrize(
    ("metrics", "queues"),
    [
        (["CONTACTS_QUEUED"], ["S"]),
        (["CONTACTS_QUEUED", "CONTACTS_MISSED"], ["P", "S"]),
        (["CONTACTS_CONSULTED", "OCCUPANCY"], ["P", "S"]),
    ],
)
def test_p_has_a_row_in_the_first_five_minutes_only_for_what_it_has(history, metrics, queues):
    query = a_query("10:00:00", "10:05:00", [{"Name": n} for n in metrics], Groupings=["QUEUE"])
    assert [row.queue_id for row in answer(history, query, "example1")] == queues


def test_dees_occupancy(history):
    query = a_query(*RANGES["example2"], [{"Name": "OCCUPANCY"}], Filters={"Queues": ["S"]})
    [row] = answer(history, query, "example2")
    assert row.values == [pytest.approx(EXAMPLES["example2"]["expected"]["occDee"]["pct"])]


def test_occupancy_is_the_same_in_every_channel_of_a_queue(history):
    query = a_query(*RANGES["example2"], [{"Name": "OCCUPANCY"}], Groupings=["QUEUE", "CHANNEL"])
    rows = answer(history, query, "example2")
    assert [row[:2] for row in rows] == [("P", "VOICE"), ("S", "CHAT"), ("S", "VOICE")]
    assert rows[0].values == [None]
    assert rows[1].values == rows[2].values == [200 / 3]


def test_the_wire_form_of_section_6_1(history):
    query = a_query(
        *RANGES["example1"],
        [
            {"Name": "CONTACTS_HANDLED", "Unit": "COUNT", "Statistic": "SUM"},
            {"Name": "ABANDON_TIME", "Unit": "SECONDS", "Statistic": "AVG"},
            {
                "Name": "SERVICE_LEVEL",
                "Unit": "PERCENT",
                "Statistic": "AVG",
                "Threshold": {"Comparison": "LT", "ThresholdValue": 45},
            },
        ],
        Filters={"Queues": ["P"], "Channels": ["VOICE"]},
        Groupings=["QUEUE"],
    )
    assert metric_results(query, answer(history, query, "example1"), lambda q: f"arn/{q}") == [
        {
            "Dimensions": {"Queue": {"Id": "P", "Arn": "arn/P"}},
            "Collections": [
                {
                    "Metric": {"Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT"},
                    "Value": 3.0,
                },
                {
                    "Metric": {
                        "Name": "SERVICE_LEVEL",
                        "Threshold": {"Comparison": "LT", "ThresholdValue": 45.0},
                        "Statistic": "AVG",
                        "Unit": "PERCENT",
                    },
                    "Value": 200 / 3,
                },
            ],
        }
    ]
