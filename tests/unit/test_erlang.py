"""The formulas that the simulator is held against, against what is printed of them."""

from itertools import islice
from math import exp

import pytest

from erlang import blocked, erlang_a, erlang_c, longer_than, priorities, staying, stays_longer_than
from markov import Center, Chain, Figure, State, Stretch, figures, pool, seen


@pytest.mark.parametrize(
    ("agents", "load", "share"),
    [
        (1, 1.0, 0.5),
        (5, 3.0, 0.1101),
        (10, 5.08, 0.0200),
        (20, 12.03, 0.0100),
        (100, 84.06, 0.0100),
    ],
)
def test_erlang_b_is_that_of_the_tables(agents, load, share):
    assert blocked(agents, load) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    ("agents", "load", "delayed"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (5, 3.0, 0.2362), (10, 8.0, 0.4092), (14, 10.0, 0.1741)],
)
def test_erlang_c_is_that_of_the_tables(agents, load, delayed):
    found = erlang_c(agents, load, 1.0)
    assert found.delayed == pytest.approx(delayed, abs=1e-4)
    assert found.wait == pytest.approx(delayed / (agents - load), abs=1e-4)


def test_service_level_of_the_usual_example():
    """100 calls in half an hour of 180 s each, 14 agents: 88.8 % within 20 s."""
    assert 1 - longer_than(14, 100 / 1800, 1 / 180, 20) == pytest.approx(0.888, abs=1e-3)


def test_erlang_a_without_hurry_is_erlang_c():
    patient = erlang_a(10, 8.0, 1.0, 1e-7)
    assert patient[:2] == pytest.approx(erlang_c(10, 8.0, 1.0)[:2], rel=1e-4)


def test_erlang_a_with_patience_as_long_as_service_has_infinitely_many_agents():
    """Then everybody leaves at the same rate, waiting or not: Poisson with the load as its mean."""
    found = erlang_a(1, 1.0, 1.0, 1.0)
    assert found.delayed == pytest.approx(1 - 0.36788, abs=1e-4)
    assert found.abandoned == pytest.approx(0.36788, abs=1e-4)


def test_of_whom_nobody_waits_for_nobody_hangs_up():
    found = erlang_a(50, 10.0, 1.0, 2.0)
    assert found.abandoned < 1e-10
    assert found.wait == pytest.approx(found.abandoned / 2.0)


def test_shares_that_stay_longer_add_up_to_the_wait():
    times = [each / 4 for each in range(8_000)]
    for agents, load in ((1, 1.6), (10, 12.0), (40, 38.0)):
        shares = [stays_longer_than(agents, load / 100, 1 / 100, 1 / 150, each) for each in times]
        truth = erlang_a(agents, load / 100, 1 / 100, 1 / 150)
        assert shares[0] == pytest.approx(truth.delayed)
        assert sum(shares) / 4 == pytest.approx(truth.wait, abs=0.2)


def test_who_finds_so_many_ahead_waits_for_their_turn():
    """One agent, one ahead: an Erlang time of two parts, for who is patient."""
    patient = list(islice(staying(1, 1.0, 0.0, 2.0), 2))
    assert patient == pytest.approx([exp(-2), exp(-2) * 3])
    assert list(islice(staying(1, 1.0, 1e-7, 2.0), 2)) == pytest.approx(patient, rel=1e-5)
    hurried = next(staying(2, 1.0, 0.5, 2.0))
    assert hurried == pytest.approx(exp(-2 * 2) * exp(-0.5 * 2))


def test_nobody_in_a_hurry_stays_as_long_as_with_erlang_c():
    assert stays_longer_than(5, 4.0, 1.0, 1e-4, 2.0) == pytest.approx(
        longer_than(5, 4.0, 1.0, 2.0), rel=0.01
    )


def test_priorities_share_the_wait_of_all():
    """Work is not lost: weighted by how many there are, it is as without priorities."""
    urgent, usual = priorities(5, (1.5, 2.5), 1.0)
    assert (1.5 * urgent + 2.5 * usual) / 4 == pytest.approx(erlang_c(5, 4.0, 1.0).wait)
    assert list(priorities(5, (4.0,), 1.0)) == pytest.approx([erlang_c(5, 4.0, 1.0).wait])


# Chains


@pytest.mark.parametrize(("agents", "load"), [(1, 0.6), (10, 7.5), (40, 34.0)])
def test_the_chain_of_a_pool_is_erlang_c(agents, load):
    center = pool(agents, load, 0.01)
    chain, look = Chain(center, 200), figures(center)
    truth = erlang_c(agents, load / 100, 0.01)
    waiting, delay, at_work = (chain.average(each).mean for each in look.values())
    assert waiting == pytest.approx(truth.wait * load / 100)
    assert delay == pytest.approx(truth.delayed)
    assert at_work == pytest.approx(load)


@pytest.mark.parametrize(("agents", "load"), [(1, 1.6), (10, 12.0), (40, 38.0)])
def test_the_chain_of_an_impatient_pool_is_erlang_a(agents, load):
    center = pool(agents, load, 0.01, 1 / 150)
    chain, look = Chain(center, 100), figures(center)
    truth = erlang_a(agents, load / 100, 0.01, 1 / 150)
    waiting, delay, at_work = (chain.average(each).mean for each in look.values())
    assert waiting == pytest.approx(truth.wait * load / 100)
    assert delay == pytest.approx(truth.delayed)
    assert at_work == pytest.approx(load * (1 - truth.abandoned))


def test_the_chain_of_priorities_is_their_formula():
    arrivals = {"gold": 0.015, "usual": 0.025}
    center = Center({"all": (5, ("gold", "usual"))}, arrivals, 0.01)
    chain, look = Chain(center, 80), figures(center)
    for name, wait in zip(arrivals, priorities(5, tuple(arrivals.values()), 0.01), strict=True):
        found = chain.average(look[f"waiting for {name}"]).mean / arrivals[name]
        assert found == pytest.approx(wait, rel=1e-4)


def test_deviations_are_those_of_the_books():
    """M/M/1, calls that are there: 2 a (1 + a) / (1 - a) ** 4 a second; Whitt, table 1."""
    load = 0.6
    there = Chain(pool(1, load, 1.0), 120).average(
        Figure(lambda state: state.busy[0] + state.waiting[0])
    )
    assert there.mean == pytest.approx(load / (1 - load))
    assert there.deviation**2 == pytest.approx(2 * load * (1 + load) / (1 - load) ** 4)
    assert there.off(there.mean + there.deviation / 100, 10_000) == pytest.approx(1, abs=0.05)
    assert there.off(there.mean - there.deviation / 100, 10_000) == pytest.approx(-1, abs=0.05)


def test_near_their_most_figures_are_off_as_much_the_other_way():
    load = 0.6
    found = Chain(pool(1, load, 1.0), 120)
    busy, idle = (
        found.average(Figure(of, 1))
        for of in (lambda state: state.busy[0], lambda state: 1 - state.busy[0])
    )
    assert busy.off(0.63, 1_000) == pytest.approx(-idle.off(0.37, 1_000))
    assert 0 < busy.off(0.63, 1_000) < 1


def test_skills_that_do_not_overlap_are_two_pools():
    center = Center(
        {"one": (2, ("sales",)), "two": (3, ("help",))}, {"sales": 0.02, "help": 0.03}, 0.01, 0.01
    )
    chain, look = Chain(center, 20), figures(center)
    for agents, name in ((2, "sales"), (3, "help")):
        alone = pool(agents, center.arrivals[name] * 100, 0.01, 0.01)
        one, other = (
            chain.average(look[f"waiting for {name}"]),
            Chain(alone, 20).average(figures(alone)["waiting for sales"]),
        )
        assert one == pytest.approx(other)


def test_a_chain_that_is_cut_too_early_is_none():
    with pytest.raises(AssertionError, match="more must be let wait"):
        Chain(pool(1, 0.9, 1.0), 20)


def test_states_are_seen_from_calls():
    """One waits from 1 to 4 s while another talks until then, then talks to 9; a third gives up."""
    calls = [
        Stretch("sales", 0, 0, 4, "all"),
        Stretch("sales", 1, 4, 9, "all"),
        Stretch("sales", 2, None, 3, ""),
    ]
    found = seen(pool(1, 1.0, 1.0), calls, 0.5, 6)
    assert found.states == {
        State((1,), (0,)): 2.5,
        State((1,), (1,)): 2.0,
        State((1,), (2,)): 1.0,
    }
    assert (found.span, found.served, found.given_up) == (5.5, 1, 1)
    assert found.average(Figure(lambda state: state.waiting[0])) == pytest.approx(4 / 5.5)
