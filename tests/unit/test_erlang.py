"""The formulas that the simulator is held against, against what is printed of them."""

import pytest

from erlang import blocked, erlang_a, erlang_c, longer_than


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
