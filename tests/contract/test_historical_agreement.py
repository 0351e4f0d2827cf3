"""The history against a second opinion: plain loops over the facts, which share none of its code.

Every metric, every grouping and filter, thresholds exactly on the waits, facts exactly on the
borders of the range, over facts that hypothesis makes up.
"""

import math
from collections.abc import Callable, Iterator
from itertools import count, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.domain.facts import AgentTime, Fact, Leg, Offer
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.node.history import History
from ringfloor.projections.historical_metrics import METRICS
from ringfloor.projections.historical_request import HistoricalQuery, parse

START = 1_709_632_800_000
END = START + 900_000
MIDDLE = START + 300_000
NOW = END + 60_000
THRESHOLDS = (1, 15, 20, 60, 604_800)
QUEUES = ("q1", "q2", "q3")
SERVED = {"p1": frozenset({"q1", "q2"}), "p2": frozenset({"q2", "q9"}), "p3": frozenset[str]()}
METHODS = (
    "INBOUND",
    "OUTBOUND",
    "TRANSFER",
    "QUEUE_TRANSFER",
    "CALLBACK",
    "API",
    "DISCONNECT",
    "MONITOR",
    "EXTERNAL_OUTBOUND",
)

Values = dict[str, float | None]


# The second opinion: the words of the specification, section 2.3, as loops.


def abandoned(leg: Leg) -> bool:
    moved = leg.pre_disconnect_state == "IN_QUEUE" and leg.transfer_completed_at is not None
    return (
        leg.enqueued_at is not None
        and leg.connected_to_agent_at is None
        and leg.next_contact_id is None
        and not moved
    )


def wait(leg: Leg) -> int | None:
    if leg.enqueued_at is None or leg.dequeued_at is None:
        return None
    return leg.dequeued_at - leg.enqueued_at


def present(*parts: int | None) -> int | None:
    """The sum of what is there; None if nothing is."""
    there = [part for part in parts if part is not None]
    return sum(there) if there else None


def average(numbers: list[int | None]) -> float | None:
    there = [number for number in numbers if number is not None]
    return sum(there) / 1000 / len(there) if there else None


def by_hand(legs: list[Leg], missed: list[Offer], contact: int, available: int) -> Values:
    handled = [leg for leg in legs if leg.connected_to_agent_at is not None]
    queued = [leg for leg in legs if leg.enqueued_at is not None]
    waits = [wait(leg) for leg in queued]
    waited = [number for number in waits if number is not None]
    moved = [leg for leg in legs if leg.transfer_completed_at is not None]

    def by_method(of: list[Leg], *methods: str) -> float:
        return float(sum(leg.initiation_method in methods for leg in of))

    values: Values = {
        "CONTACTS_QUEUED": float(len(queued)),
        "CONTACTS_HANDLED": float(len(handled)),
        "CONTACTS_ABANDONED": float(sum(map(abandoned, legs))),
        "CONTACTS_CONSULTED": None,
        "CONTACTS_AGENT_HUNG_UP_FIRST": float(
            sum(leg.disconnect_reason == "AGENT_DISCONNECT" for leg in handled)
        ),
        "CONTACTS_HANDLED_INCOMING": by_method(handled, "INBOUND", "TRANSFER", "QUEUE_TRANSFER"),
        "CONTACTS_HANDLED_OUTBOUND": by_method(handled, "OUTBOUND"),
        "CALLBACK_CONTACTS_HANDLED": by_method(handled, "CALLBACK"),
        "API_CONTACTS_HANDLED": by_method(handled, "API"),
        "CONTACTS_HOLD_ABANDONS": float(
            sum(leg.pre_disconnect_state == "CONNECTED_ONHOLD" for leg in handled)
        ),
        "CONTACTS_TRANSFERRED_IN": by_method(legs, "TRANSFER", "QUEUE_TRANSFER"),
        "CONTACTS_TRANSFERRED_IN_FROM_QUEUE": by_method(legs, "QUEUE_TRANSFER"),
        "CONTACTS_TRANSFERRED_OUT": float(len(moved)),
        "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": float(
            sum(leg.pre_disconnect_state == "IN_QUEUE" for leg in moved)
        ),
        "CONTACTS_MISSED": float(len(missed)),
        "OCCUPANCY": 100 * contact / available if available else None,
        "HANDLE_TIME": average(
            [
                present(leg.interaction_ms, leg.hold_ms, leg.after_contact_work_ms, leg.pause_ms)
                for leg in legs
            ]
        ),
        "AFTER_CONTACT_WORK_TIME": average([leg.after_contact_work_ms or 0 for leg in handled]),
        "QUEUED_TIME": max(waited) / 1000 if waited else None,
        "ABANDON_TIME": average([wait(leg) for leg in legs if abandoned(leg)]),
        "QUEUE_ANSWER_TIME": average([wait(leg) for leg in handled]),
        "HOLD_TIME": average([leg.hold_ms for leg in handled if leg.holds]),
        "INTERACTION_TIME": average([leg.interaction_ms for leg in handled]),
        "INTERACTION_AND_HOLD_TIME": average(
            [present(leg.interaction_ms, leg.hold_ms) for leg in legs]
        ),
    }
    for threshold in THRESHOLDS:
        quick = sum(number < threshold * 1000 for number in waited)
        values[f"SERVICE_LEVEL<{threshold}"] = 100 * quick / len(queued) if queued else None
    return values


def answer_by_hand(
    query: HistoricalQuery, facts: list[Fact], stretches: list[AgentTime]
) -> list[tuple[str | None, str | None, Values]]:
    """All metrics for every row there should be, in order."""

    def wanted(queue_id: str | None, channel: str) -> bool:
        queue_fits = query.queue_ids is None or queue_id in query.queue_ids
        return queue_fits and (query.channels is None or channel in query.channels)

    legs = [
        fact
        for fact in facts
        if isinstance(fact, Leg)
        and fact.queue_id is not None
        and fact.initiation_method != "MONITOR"
        and query.start <= fact.disconnected_at < query.end
        and wanted(fact.queue_id, fact.channel)
    ]
    missed = [
        fact
        for fact in facts
        if isinstance(fact, Offer)
        and fact.outcome in {"missed", "rejected", "customer_left"}
        and fact.queue_id is not None
        and query.start <= fact.ended_at < query.end
        and wanted(fact.queue_id, fact.channel)
    ]

    def occupied(queue_id: str | None) -> tuple[int, int]:
        contact = available = 0
        for stretch in stretches:
            served = SERVED.get(stretch.routing_profile_id, frozenset())
            if query.queue_ids is not None:
                served &= set(query.queue_ids)
            if queue_id not in served if queue_id is not None else not served:
                continue
            inside = sum(
                query.start <= at < query.end for at in range(stretch.started_at, stretch.ended_at)
            )
            available += inside
            contact += inside if stretch.kind == "contact" else 0
        return contact, available

    rows: list[tuple[str | None, str | None, Values]] = []
    by_queue, by_channel = "QUEUE" in query.groupings, "CHANNEL" in query.groupings
    places = [
        (queue_id, channel)
        for queue_id in ([*QUEUES, "q9"] if by_queue else [None])
        for channel in (CHANNELS if by_channel else [None])
    ]
    for queue_id, channel in places:
        here = [
            leg
            for leg in legs
            if queue_id in {None, leg.queue_id} and channel in {None, leg.channel}
        ]
        lost = [
            offer
            for offer in missed
            if queue_id in {None, offer.queue_id} and channel in {None, offer.channel}
        ]
        contact, available = occupied(queue_id)
        if here or lost or (available and not by_channel):
            rows.append((queue_id, channel, by_hand(here, lost, contact, available)))
    flipped = query.groupings == ("CHANNEL", "QUEUE")
    return sorted(rows, key=lambda row: row[:2][::-1] if flipped else row[:2])


# Facts, mostly on borders.


def near(*instants: int) -> st.SearchStrategy[int]:
    return st.builds(int.__add__, st.sampled_from(instants), st.integers(-1, 1))


moments = near(START, MIDDLE, END) | st.integers(START, END)
durations = st.none() | st.sampled_from((0, 1, 999, 30_000)) | st.integers(0, 200_000)
waits = st.builds(
    lambda seconds, off: max(0, seconds * 1000 + off),
    st.sampled_from(THRESHOLDS),
    st.integers(-1, 1),
)
profiles = st.sampled_from(("p1", "p2", "p3", "gone"))
numbers = count()


@st.composite
def legs(draw: Callable[..., object]) -> Leg:
    ended = draw(moments)
    dequeued = draw(st.none() | st.just(ended) | st.just(ended - 5_000))
    enqueued = draw(st.none() | st.just((dequeued or ended) - draw(waits)))
    return Leg(
        contact_id=f"c{next(numbers)}",
        queue_id=draw(st.sampled_from((*QUEUES, None))),
        channel=draw(st.sampled_from(CHANNELS)),
        initiation_method=draw(st.sampled_from(METHODS)),
        initiated_at=ended - 700_000_000,
        disconnected_at=ended,
        enqueued_at=enqueued,
        dequeued_at=dequeued,
        connected_to_agent_at=draw(st.none() | st.just(ended - 1_000)),
        interaction_ms=draw(durations),
        hold_ms=draw(durations),
        holds=draw(st.integers(0, 2)),
        after_contact_work_ms=draw(durations),
        pause_ms=draw(durations),
        transfer_completed_at=draw(st.none() | st.just(ended)),
        pre_disconnect_state=draw(
            st.sampled_from((None, "IN_FLOW", "IN_QUEUE", "CONNECTED", "CONNECTED_ONHOLD"))
        ),
        disconnect_reason=draw(
            st.sampled_from((None, "AGENT_DISCONNECT", "CUSTOMER_DISCONNECT", "OTHER"))
        ),
        next_contact_id=draw(st.none() | st.just("next")),
    )


offers = st.builds(
    Offer,
    contact_id=st.just("c"),
    agent_id=st.just("a"),
    queue_id=st.none() | st.sampled_from(QUEUES),
    channel=st.sampled_from(CHANNELS),
    offered_at=moments,
    ended_at=moments,
    outcome=st.sampled_from(("accepted", "missed", "rejected", "customer_left", "failed")),
)


@st.composite
def agent_times(draw: Callable[..., object]) -> AgentTime:
    started = draw(near(START - 500, START, MIDDLE, END - 300, END))
    return AgentTime(
        agent_id="a",
        routing_profile_id=draw(profiles),
        kind=draw(st.sampled_from(("contact", "idle"))),
        started_at=started,
        ended_at=started + draw(st.integers(0, 900)),
    )


fact_lists = st.lists(legs() | offers | agent_times(), max_size=25)
groupings = st.sampled_from(
    ([], ["QUEUE"], ["CHANNEL"], ["QUEUE", "CHANNEL"], ["CHANNEL", "QUEUE"])
)
filters = st.sampled_from(
    (
        {"Channels": list(CHANNELS)},
        {"Channels": ["VOICE", "TASK"]},
        {"Queues": ["q1", "unknown"]},
        {"Queues": ["q1", "q2", "q3", "q9"]},
        {"Queues": ["q2", "q9"], "Channels": ["CHAT"]},
    )
)


def all_metrics() -> list[dict[str, object]]:
    plain = [{"Name": metric.name} for metric in METRICS if metric.name != "SERVICE_LEVEL"]
    return plain + [
        {"Name": "SERVICE_LEVEL", "Threshold": {"Comparison": "LT", "ThresholdValue": seconds}}
        for seconds in THRESHOLDS
    ]


def a_query(grouping: list[str], where: dict[str, list[str]], **changes: int) -> HistoricalQuery:
    request = {
        "StartTime": changes.get("start", START) / 1000,
        "EndTime": changes.get("end", END) / 1000,
        "Filters": where,
        "Groupings": grouping,
        "HistoricalMetrics": all_metrics(),
    }
    return parse(request, NOW, lambda text: text)


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    history = History.open(None, pytest.fail)
    yield history
    history.close()


def loaded(history: History, facts: list[Fact]) -> str:
    """An instance of its own, beside those of all examples before."""
    instance = f"instance-{next(numbers)}"
    history.load(instance, 1, facts)
    return instance


def named(query: HistoricalQuery, values: list[float | None]) -> Values:
    return {
        asked.metric.name
        if asked.threshold_ms is None
        else f"SERVICE_LEVEL<{asked.threshold_ms // 1000}": value
        for asked, value in zip(query.asked, values, strict=True)
    }


def close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-9)


@settings(max_examples=80, deadline=None)
@given(
    facts=fact_lists,
    still_open=st.lists(agent_times(), max_size=3),
    grouping=groupings,
    where=filters,
)
def test_every_metric_agrees_with_a_loop(history, facts, still_open, grouping, where):
    query = a_query(grouping, where)
    instance = loaded(history, facts)
    found = history.answer(instance, query, still_open, SERVED)
    stretches = [fact for fact in facts if isinstance(fact, AgentTime)] + still_open
    expected = answer_by_hand(query, facts, stretches)
    assert [(row.queue_id, row.channel) for row in found] == [row[:2] for row in expected]
    for row, (_, _, values) in zip(found, expected, strict=True):
        measured = named(query, row.values)
        assert measured.keys() == values.keys()
        assert {name for name in values if not close(measured[name], values[name])} == set()


def every_kind_of_leg() -> Iterator[Leg]:
    """All that can be present or absent together, each leg in a queue of its own."""
    plain = {"channel": "VOICE", "initiated_at": START, "disconnected_at": START}
    for n, (queue_times, connected, following, moved, method, state, reason) in enumerate(
        product(
            ((None, None), (START, None), (START, START + 15_000)),
            (None, START),
            (None, "next"),
            (None, START),
            [method for method in METHODS if method != "MONITOR"],
            (None, "IN_FLOW", "IN_QUEUE", "CONNECTED", "CONNECTED_ONHOLD"),
            (None, "AGENT_DISCONNECT", "OTHER"),
        )
    ):
        yield Leg(
            contact_id=f"c{n}",
            queue_id=f"state-{n}",
            initiation_method=method,
            enqueued_at=queue_times[0],
            dequeued_at=queue_times[1],
            connected_to_agent_at=connected,
            next_contact_id=following,
            transfer_completed_at=moved,
            pre_disconnect_state=state,
            disconnect_reason=reason,
            **plain,
        )
    for n, (connected, interaction, hold, holds, work, pause) in enumerate(
        product((None, START), (None, 0, 7), (None, 0, 11), (0, 2), (None, 0, 13), (None, 17))
    ):
        yield Leg(
            contact_id=f"t{n}",
            queue_id=f"times-{n}",
            initiation_method="INBOUND",
            connected_to_agent_at=connected,
            interaction_ms=interaction,
            hold_ms=hold,
            holds=holds,
            after_contact_work_ms=work,
            pause_ms=pause,
            **plain,
        )


def test_every_kind_of_leg_agrees_with_a_loop(history):
    all_legs = {leg.queue_id: leg for leg in every_kind_of_leg()}
    instance = loaded(history, list(all_legs.values()))
    query = a_query(["QUEUE"], {"Channels": ["VOICE"]})
    rows = history.answer(instance, query, [], {})
    assert [row.queue_id for row in rows] == sorted(all_legs)
    for row in rows:
        expected = by_hand([all_legs[row.queue_id]], [], 0, 0)
        assert named(query, row.values) == expected, all_legs[row.queue_id]


COUNTS = [metric.name for metric in METRICS if metric.kind == "count"]


def counts(history: History, instance: str, query: HistoricalQuery) -> dict[str, float]:
    total = dict.fromkeys(COUNTS, 0.0)
    for row in history.answer(instance, query, [], SERVED):
        values = named(query, row.values)
        for name in COUNTS:
            total[name] += values[name]
    return total


@settings(max_examples=25, deadline=None)
@given(facts=fact_lists, where=filters)
def test_counts_of_adjacent_ranges_add_up(history, facts, where):
    instance = loaded(history, facts)
    first = counts(history, instance, a_query(["QUEUE"], where, end=MIDDLE))
    second = counts(history, instance, a_query(["QUEUE"], where, start=MIDDLE))
    whole = counts(history, instance, a_query(["QUEUE"], where))
    assert {name: first[name] + second[name] for name in COUNTS} == whole


@settings(max_examples=25, deadline=None)
@given(facts=fact_lists, where=filters, grouping=groupings)
def test_counts_of_all_rows_are_the_count_without_grouping(history, facts, where, grouping):
    instance = loaded(history, facts)
    assert counts(history, instance, a_query(grouping, where)) == counts(
        history, instance, a_query([], where)
    )


@settings(max_examples=25, deadline=None)
@given(facts=fact_lists, where=filters, grouping=groupings, chosen=st.sets(st.integers(0, 28)))
def test_a_metric_does_not_depend_on_what_else_is_asked(history, facts, where, grouping, chosen):
    instance = loaded(history, facts)
    everything = a_query(grouping, where)
    few = HistoricalQuery(
        start=everything.start,
        end=everything.end,
        queue_ids=everything.queue_ids,
        channels=everything.channels,
        groupings=everything.groupings,
        asked=tuple(everything.asked[n] for n in sorted(chosen)) or everything.asked[:1],
    )
    complete = {
        row[:2]: named(everything, row.values)
        for row in history.answer(instance, everything, [], SERVED)
    }
    for row in history.answer(instance, few, [], SERVED):
        values = named(few, row.values)
        assert values == {name: complete[row[:2]][name] for name in values}
