"""Intervals of replications, and the table of Student's t."""

from statistics import NormalDist

import pytest

from ringfloor.base.ids import generator
from ringfloor.simulator.intervals import Interval, interval, student, together


@pytest.mark.parametrize(
    ("freedom", "level", "printed"),
    [
        (1, 0.95, 12.706),
        (2, 0.95, 4.303),
        (3, 0.95, 3.182),
        (4, 0.99, 4.604),
        (9, 0.95, 2.262),
        (10, 0.999, 4.587),
        (19, 0.95, 2.093),
        (30, 0.9, 1.697),
        (120, 0.95, 1.980),
    ],
)
def test_student_is_that_of_the_tables(freedom, level, printed):
    assert student(freedom, level) == pytest.approx(printed, abs=6e-4)


def test_of_many_values_it_is_the_normal_distribution():
    assert student(5_000, 0.95) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-3)


def test_an_interval_by_hand():
    found = interval([1.0, 2.0, 3.0])
    assert found == Interval(2.0, pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-3), found.high, 3)
    assert found.off == pytest.approx(2 - found.low)


def test_no_value_no_interval_one_value_no_bounds():
    assert interval([]) is None
    assert interval([None, None]) is None
    assert interval([None, 4.0]) == Interval(4.0, None, None, 1)
    assert interval([None, 4.0]).off is None
    assert interval([4.0, None, 4.0]) == Interval(4.0, 4.0, 4.0, 2)


def test_95_of_100_intervals_hold_the_truth():
    dice = generator(1)
    held = 0
    for _ in range(2_000):
        found = interval([dice.gauss(10, 3) for _ in range(5)])
        held += found.low <= 10 <= found.high
    assert held / 2_000 == pytest.approx(0.95, abs=0.02)


def test_trees_are_joined_where_they_are_alike():
    one = {"name": "a", "calls": 1, "waits": [1.0, 3.0], "rare": None, "own": 3, "cells": {"x": 1}}
    two = {"name": "b", "calls": 3, "waits": [2.0], "rare": 5.0, "cells": {"x": 2, "y": 9}}
    assert together([one, two]) == {
        "calls": interval([1, 3]),
        "waits": [interval([1.0, 2.0])],
        "rare": interval([None, 5.0]),
        "cells": {"x": interval([1, 2])},
    }
    assert together([None, None]) is None
