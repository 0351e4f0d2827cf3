"""Waits: what is known at the moment of asking, who is served before whom, and the Markov wait."""

from random import Random
from statistics import fmean

import pytest

from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.waits.estimators import ESTIMATORS
from ringfloor.waits.floor import Floor
from ringfloor.waits.history import Ask, asks
from ringfloor.waits.markov import markov
from ringfloor.waits.order import Class, Order
from ringfloor.waits.rates import HANDLE_S, PATIENCE_S, Rate
from ringfloor.waits.views import View, look
from wait_builders import START, a_log

SALES, SUPPORT = Class("sales", 5, 0), Class("support", 5, 0)


def wait_s(*arguments, **named) -> float:
    return markov(*arguments, **named).mean_s


def test_waits_are_never_negative_and_never_unknown():
    for ask in asks(a_log(seed=3)):
        for name, estimator in ESTIMATORS.items():
            assert 0 <= estimator.tells(ask.view) < 24 * 3600, name


def test_qlm_is_the_wait_of_a_simulated_line():
    """Of those who are answered with the same line ahead, by chance and by the formula."""
    chance, servers, drain, loss, ahead = Random(4), 3, 1 / 150, 1 / 200, 4
    waits = []
    for _ in range(20_000):
        line, at = ahead, 0.0
        while True:
            stage = servers * drain + (line + 1) * loss
            at += chance.expovariate(stage)
            event = chance.random() * stage
            if event < loss:
                break  # lost itself
            if line == 0:
                waits.append(at)
                break
            line -= 1
    assert wait_s(ahead, servers, drain, loss) == pytest.approx(fmean(waits), rel=0.02)


def test_qlm_without_abandonment_is_ql():
    assert wait_s(4, 2, 1 / 100, 0) == pytest.approx(250)


@pytest.mark.parametrize("longer", [{"ahead": 6}, {"servers": 1}, {"drain_per_s": 1 / 300}])
def test_qlm_grows_with_what_makes_waits_longer(longer):
    usual = {"ahead": 3, "servers": 2, "drain_per_s": 1 / 200, "loss_per_s": 1 / 300}
    assert wait_s(**{**usual, **longer}) > wait_s(**usual)


def test_who_comes_later_and_is_served_before_makes_the_wait_longer_while_he_can():
    alone = wait_s(3, 2, 1 / 200, 0)
    some = wait_s(3, 2, 1 / 200, 0, [(1 / 200, 60)])
    more = wait_s(3, 2, 1 / 200, 0, [(1 / 200, 600)])
    assert alone < some < more


def test_more_than_can_be_overtaken_for_ever_still_ends():
    assert wait_s(3, 1, 1 / 200, 0, [(1.0, 1e9)]) < 24 * 3600 * 10


def test_a_rate_begins_as_told_and_learns():
    rate = Rate.prior(200, events=10)
    assert rate.mean_s == pytest.approx(200)
    for _ in range(500):
        rate.exposed(50)
        rate.happened()
    assert rate.mean_s == pytest.approx(50, rel=0.1)
    assert rate.per_second == pytest.approx(1 / rate.mean_s)


# Order


def test_age_adjustments_and_priorities_are_as_told():
    order = Order()
    urgent, first = Class("sales", 5, 90 * SECOND), Class("sales", 1, 0)
    assert order.place(urgent, START) < order.place(SALES, START - 80 * SECOND)
    assert order.place(SALES, START - 100 * SECOND) < order.place(urgent, START)
    assert order.place(first, START) < order.place(urgent, START - HOUR)


def test_a_queue_that_agents_prefer_gets_credit():
    order = Order()
    for _ in range(100):
        order.passed_over(SALES, START, SUPPORT, START - 60 * SECOND)
    assert order.credit(SALES) - order.credit(SUPPORT) == pytest.approx(60 * SECOND, rel=0.1)


def test_no_credit_is_learnt_within_a_class_nor_across_priorities():
    order = Order()
    first = Class("sales", 1, 0)
    order.passed_over(SALES, START, SALES, START - HOUR)
    order.passed_over(first, START, SALES, START - HOUR)
    assert (order.credit(SALES), order.credit(first)) == (0, 0)


# Floor and view


def a_floor(*agents: tuple[str, str]) -> Floor:
    """Each agent has had three contacts of each of his queues and has one of the last."""
    floor = Floor()
    for agent, queues in agents:
        for queue in queues.split():
            for number in range(3):
                name = f"{agent}-{queue}-{number}"
                floor.answered(name, Class(queue, 5, 0), agent, START - MINUTE)
                floor.ended(name, START - MINUTE + SECOND)
        floor.answered(f"{agent}-now", Class(queues.split()[-1], 5, 0), agent, START - 30 * SECOND)
    return floor


def seen(floor: Floor, kind: Class = SALES, now: int = START) -> View:
    return look(floor, kind, now)


def test_those_ahead_are_those_who_are_served_before():
    floor = a_floor(("ann", "sales"))
    floor.came("early", SALES, START - 20 * SECOND)
    floor.came("late", SALES, START - 5 * SECOND)
    urgent = Class("sales", 5, 10 * SECOND)
    assert (seen(floor).ahead, seen(floor).behind) == (2, 0)
    assert (seen(floor, urgent).ahead, seen(floor, urgent).behind) == (1, 1)
    assert seen(floor).head_same_queue_s == 20


def test_agents_of_other_queues_neither_help_nor_do_their_contacts_stand_ahead():
    floor = a_floor(("ann", "sales"), ("bob", "support"))
    floor.came("other", SUPPORT, START - SECOND)
    view = seen(floor)
    assert (view.busy, view.busy_here) == (2, 1)
    assert (view.ahead, view.ahead_shared) == (1, 0)


def test_contacts_of_a_queue_count_as_far_as_its_agents_are_shared():
    floor = a_floor(("ann", "support sales"), ("bob", "support"))
    floor.came("other", SUPPORT, START - SECOND)
    assert seen(floor).ahead_shared == pytest.approx(0.5)


def test_an_agent_is_warm_for_moments_and_away_after_ten_minutes():
    floor = a_floor(("ann", "sales"))
    floor.ended("ann-now", START)
    told = [seen(floor, now=START + after * SECOND) for after in (5, 60, 700)]
    assert [(view.warm_here, view.cool_here, view.present_here) for view in told] == [
        (1, 0, 1),
        (0, 1, 1),
        (0, 0, 0),
    ]


def test_drain_and_patience_are_learnt_only_while_somebody_waits():
    floor = a_floor(("ann", "sales"))
    floor.until(START + HOUR)
    assert (floor.drain.mean_s, floor.loss.mean_s) == pytest.approx((HANDLE_S, PATIENCE_S))
    floor.came("one", SALES, START + HOUR)
    floor.until(START + HOUR + 30 * SECOND)
    assert floor.drain.mean_s > HANDLE_S
    assert floor.loss.mean_s > PATIENCE_S


def test_the_last_wait_the_hour_and_the_hold_time_are_of_the_queue():
    floor = Floor()
    for number, (came, waited) in enumerate(((0, 40), (100, 20), (200, 0))):
        at = START + came * SECOND
        if waited:
            floor.came(f"c{number}", SALES, at)
        floor.answered(f"c{number}", SALES, "ann", at + waited * SECOND)
    view = seen(floor, now=START + 300 * SECOND)
    assert (view.last_wait_s, view.hour_mean_s) == (20, 30)
    assert view.hold_time_s == ((40 // 4 * 3 + 20) // 4 * 3) // 4
    other = seen(floor, SUPPORT, START + 300 * SECOND)
    assert (other.last_wait_s, other.hour_mean_s, other.hold_time_s) == (0, 0, 0)


def test_what_is_over_an_hour_old_is_forgotten():
    floor = a_floor(("ann", "sales"))
    assert seen(floor).answers_15 == 4
    later = seen(floor, now=START + 2 * HOUR)
    assert (later.answers_15, later.arrivals_15, later.hour_mean_s) == (0, 0, 0)


def test_who_is_taken_at_once_asks_nothing_and_who_abandons_is_not_scored():
    log = a_log(seed=5)
    asked = list(asks(log))
    waited = [each for each in log if each.dequeued_at > each.enqueued_at]
    assert [ask.id for ask in asked] == [each.id for each in waited]
    assert {ask.id for ask in asked if not ask.answered} == {
        each.id for each in waited if each.connected_to_agent_at is None
    }
    assert all(isinstance(ask, Ask) and ask.waited_ms > 0 for ask in asked)
