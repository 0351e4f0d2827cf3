"""What the center says of its metrics is what one counts by hand, to the millisecond.

A part of what `make opinion` does for as long as one likes; RINGFLOOR_TEST_OPINION_HISTORIES is how
many worlds are looked at here.
"""

import os
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metric_histories import Legs, clock, example_two, random_history, statuses, user
from ringfloor.domain import events
from ringfloor.domain.contact import Callback
from ringfloor.projections.historical_metrics import METRICS, METRICS_V2
from second_opinion.asking import Asking
from second_opinion.comparing import (
    Both,
    a_day,
    held_against,
    held_against_chatter,
    held_against_world,
)
from second_opinion.day import Day
from second_opinion.formulas import FIRST, TALK_METRICS
from second_opinion.formulas import METRICS as COUNTED
from second_opinion.laws import asking
from second_opinion.product import Product
from second_opinion.wide import Wide

HISTORIES = int(os.environ.get("RINGFLOOR_TEST_OPINION_HISTORIES", "24"))
DAYS = 3
ROUNDS = 4
"""Each a test of its own, so that they run beside each other."""


def test_everything_that_has_a_formula_is_counted():
    known = {metric.v2.names[0] for metric in METRICS_V2 if metric.facts != "nothing"}
    assert known == set(COUNTED)
    assert {metric.name for metric in METRICS} == set(FIRST)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(ROUNDS))
def test_worlds(part):
    seen = Counter[str]()
    for seed in range(part, HISTORIES, ROUNDS):
        seen += held_against_world(seed)
    assert len(seen) > len(FIRST), "worlds in which next to nothing happens"


@pytest.mark.slow
def test_talks_with_bots():
    seen = Counter[str]()
    for seed in range(HISTORIES):
        seen += held_against_chatter(seed)
    assert seen.keys() >= TALK_METRICS.keys()


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 2**40 - 1), min_size=5, max_size=120), st.integers(0, 2**32))
def test_any_world(numbers, seed):
    """As before, made smaller by Hypothesis if it fails."""
    both = Both(list(random_history(numbers, Wide())), later=7_000)
    try:
        both.ask(Random(seed), 3, 6)
        both.obeys(Random(seed))
    finally:
        both.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(DAYS))
async def test_days_of_a_whole_node(seed):
    before, whole = await a_day(seed, 450)
    dice = Random(seed)
    held_against(before, dice, 3, 10)
    held_against(whole, dice, 4, 14)


@pytest.mark.slow
async def test_the_history_of_a_node_that_has_crashed_now_and_then():
    """Each fact is loaded exactly once: the node's own store answers as one that was told all."""
    day = Day(11)
    await day.begin()
    await day.live(300)
    await day.crash()
    await day.live(50)
    await day.end()
    both = Both(day.told())
    both.product.close()
    both.product = Product(day.history, day.instance_id)
    both.product.remember(day.told())
    assert day.crashes
    both.ask(Random(11), 6, 14)


# What worlds and days hardly ever come to


def a_floor():
    at = clock("09:00:00")
    return Legs(), [(event, at) for event in (*statuses(), user("Ann", "p"), user("Bob", "p"))]


def asked_of(told, *names):
    """The values of all queues together, from the center, which must be what one counts."""
    both = Both(told, later=60_000)
    try:
        request = asking(both.story, both.begun, names, "QUEUE", ["q", "S", "P"])
        return next(iter(both.second(request).values()))
    finally:
        both.close()


def test_a_callback_that_goes_over_into_another_is_a_retry():
    legs, told = a_floor()
    at = clock("10:00:00")
    for name, follows in (("c1", "c2"), ("c2", None)):
        told += [(legs.begin(name, at, method="CALLBACK"), at), (legs.enqueue(name, "q", at), at)]
        if follows is not None:
            told += [(legs.begin("c2", at + 9_000, method="CALLBACK"), at + 9_000)]
            told += [(events.ContactSucceeded(name, follows), at + 9_000)]
        at += 9_000
        told += [(event, at) for event in legs.end(name, at, next_contact_id=follows)]
    names = ("SUM_RETRY_CALLBACK_ATTEMPTS", "CONTACTS_ABANDONED", "CONTACTS_QUEUED")
    assert asked_of(told, *names) == [1, 1, 2]


@pytest.mark.parametrize("before", [0, 30_000])
def test_the_wait_of_who_was_dialled_first_counts_even_if_he_was_dialled_at_once(before):
    legs, told = a_floor()
    at = clock("10:00:00")
    plan = Callback(queue_id="q", attempts=1, retry_ms=0, flow_id="f", tried=1, waited_ms=before)
    method = "CALLBACK_CUSTOMER_FIRST_DIALED"
    told += [(legs.begin("c", at, method=method, stage="DIALING", callback=plan), at)]
    legs.legs["c"].connected_to_system_at = at + 2_000
    told += [(events.ContactConnectedToSystem("c"), at + 2_000)]
    told += [(legs.enqueue("c", "q", at + 2_000), at + 2_000)]
    told += [(legs.offer("c", "Ann", at + 2_000), at + 2_000)]
    told += [(legs.connect("c", "Ann", at + 7_000), at + 7_000)]
    told += [(event, at + 9_000) for event in legs.end("c", at + 9_000)]
    told += [(event, at + 9_500) for event in legs.clear("c", "Ann", at + 9_500)]
    names = (
        "AVG_QUEUE_ANSWER_TIME_CUSTOMER_FIRST_CALLBACK",
        "AVG_WAIT_TIME_AFTER_CUSTOMER_FIRST_CALLBACK_CONNECTION",
        "AVG_QUEUE_ANSWER_TIME",
    )
    assert asked_of(told, *names) == [(before + 5_000) / 1000, 5, 5]


def test_who_only_listens_is_no_contact():
    legs, told = a_floor()
    at = clock("10:00:00")
    told += [(legs.begin("c", at, method="MONITOR", stage="ACCEPTED", agent_id="Ann"), at)]
    told += [(legs.connect("c", "Ann", at), at)]
    told += [(event, at + 5_000) for event in legs.end("c", at + 5_000)]
    told += [(event, at + 5_000) for event in legs.clear("c", "Ann", at + 5_000)]
    both = Both(told, later=1_000)
    staff = {"FilterKey": "AGENT", "FilterValues": ["Ann"]}
    names = ["CONTACTS_HANDLED", "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT", "SUM_HANDLE_TIME"]
    request = {**asking(both.story, both.begun, names, "AGENT", ["Ann"]), "Filters": [staff]}
    assert both.second(request) == {}
    both.close()


def test_a_customer_who_is_kept_waiting_by_two_agents_is_held_against_each():
    """The second worked example, as events: by agent, each has what was his."""
    both = Both(example_two())
    names = ("AGENT_NON_RESPONSE", "AVG_HOLD_TIME", "SUM_HANDLE_TIME", "AVG_AGENT_CONCURRENCY")
    request = asking(both.story, both.begun, names, "AGENT", ["Bob", "Cid", "Dee"])
    answer = both.second({**request, "Groupings": ["AGENT"]})
    rows = {dict(row)["AGENT"]: values for (row, _), values in answer.items()}
    assert rows["Bob"] == [2, None, 0, None]
    assert rows["Cid"] == [0, 30, 220, 1]
    assert rows["Dee"] == [0, None, 960, 960 / 600]
    both.close()


def test_requests_are_of_all_kinds():
    """Asking asks for every metric, key, period and zone, of worlds that have something to say."""
    both = Both(list(random_history(range(10**6, 10**6 + 200))), later=7_000)
    asking_ = Asking(both.story, both.begun, Random(5))
    requests = [asking_.second() for _ in range(400)]
    assert {each["Name"] for request in requests for each in request["Metrics"]} == set(COUNTED)
    assert len({request["Interval"]["TimeZone"] for request in requests}) > 3
    both.close()
