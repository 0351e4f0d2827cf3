"""What happens by chance: numbers of a seed, and the lengths that are made of them."""

from statistics import fmean, pstdev

import pytest

from ringfloor.simulator import distributions
from ringfloor.simulator.chance import Chance

DRAWS = 20_000

SHAPES = {
    "constant": (distributions.constant(30), 0.0),
    "exponential": (distributions.exponential(30), 30.0),
    "uniform": (distributions.uniform(10, 50), 40 / 12**0.5),
    "lognormal": (distributions.lognormal(30, 20), 20.0),
    "erlang": (distributions.erlang(30, 4), 15.0),
    "weibull": (distributions.weibull(30, 2), 15.68),
    "observed": (distributions.observed([50, 10, 30]), (800 / 3) ** 0.5),
    "mixture": (
        distributions.mixture([distributions.constant(10), distributions.constant(90)], [3, 1]),
        80 * (3 / 16) ** 0.5,
    ),
}


def test_every_kind_is_tried():
    assert SHAPES.keys() == distributions.KINDS.keys()


@pytest.mark.parametrize("kind", SHAPES)
def test_draws_have_the_mean_and_the_spread(kind):
    shape, deviation = SHAPES[kind]
    chance = Chance(7)
    drawn = [shape.draw(chance.deal("somebody", kind, number)) for number in range(DRAWS)]
    assert min(drawn) >= 0
    assert fmean(drawn) == pytest.approx(shape.mean, abs=4 * deviation / DRAWS**0.5 + 1e-9)
    assert pstdev(drawn) == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("kind", ["exponential", "uniform", "lognormal", "weibull", "observed"])
def test_a_larger_number_never_takes_less_time(kind):
    draw = SHAPES[kind][0].draw
    numbers = [number / 1000 for number in range(1, 1000)]
    lengths = [draw(lambda number=number: number) for number in numbers]
    assert lengths == sorted(lengths)


def test_numbers_are_of_whom_what_and_which_time_and_nothing_else():
    chance = Chance(1)
    first = chance.uniform("ann", "patience", 1)
    assert 0 < first < 1
    chance.uniform("bob", "patience", 1)
    assert chance.uniform("ann", "patience", 1) == first == Chance(1).uniform("ann", "patience", 1)
    others = {
        Chance(2).uniform("ann", "patience", 1),
        chance.uniform("ann", "patience", 2),
        chance.uniform("ann", "handle", 1),
        chance.uniform("bob", "patience", 1),
    }
    assert len(others) == 4
    assert first not in others


def test_a_deal_goes_on_for_ever_and_never_repeats():
    deal = Chance(1).deal("ann", "arrivals")
    numbers = [deal() for _ in range(1000)]
    assert len(set(numbers)) == 1000
    assert fmean(numbers) == pytest.approx(0.5, abs=0.03)


def test_seeds_of_commands_are_seeds():
    seed = Chance(1).seed("ann", "contact", 1)
    assert len(seed) == 16
    assert seed != Chance(1).seed("ann", "contact", 2)
