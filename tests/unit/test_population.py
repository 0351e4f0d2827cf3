"""Who comes when: arrivals by their curve, and the hours of agents."""

from statistics import fmean, pvariance

import pytest

from ringfloor.base.time import HOUR, MINUTE
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.population import arrivals, expected, presence
from ringfloor.simulator.scenario import Callers, Group, Shift, Stretch, moment
from scenarios import START, scenario, steady


def coming(seed: int = 1, hours: float = 4, **members):
    callers = Callers(**{"arrivals": steady(100), "queue": "sales", **members})
    day = scenario(hours, callers={"some": callers})
    return [each - START for each in arrivals(day, "some", callers, Chance(seed))]


def test_arrivals_at_random_are_a_poisson_process():
    counts = [len(coming(seed, hours=1)) for seed in range(300)]
    assert fmean(counts) == pytest.approx(100, abs=2.5)
    assert pvariance(counts) == pytest.approx(100, rel=0.25)


def test_the_curve_says_how_many_come_in_each_half_hour():
    curve = {8 * 60: 60.0, 8 * 60 + 30: 0.0, 9 * 60: 600.0, 10 * 60: 100.0}
    found = coming(arrivals=curve)
    halves = [sum(each // (30 * MINUTE) == number for each in found) for number in range(8)]
    assert halves[1] == halves[3] == halves[5] == 0
    assert halves[0] == pytest.approx(60, abs=30)
    assert halves[2] == pytest.approx(600, abs=90)
    assert found == sorted(found)


def test_evenly_means_by_the_clock():
    found = coming(arrivals={8 * 60: 3.0, 9 * 60: 2.0}, evenly=True)
    assert [each // MINUTE for each in found] == [5, 15, 25, 67, 82]


def test_a_busier_curve_has_the_same_callers_sooner():
    usual, busy = coming(), coming(arrivals=steady(150))
    assert len(busy) > len(usual)
    for number, at in enumerate(usual):
        assert busy[number] == pytest.approx(at * 100 / 150, abs=2)


def test_what_is_expected_is_cut_to_the_scenario():
    assert expected(scenario(hours=1.5)) == pytest.approx(60)
    assert expected(scenario(callers={"none": Callers(arrivals={20 * 60: 9.0})})) == 0


def hours_of(*shifts: Shift, hours: float = 48):
    day = scenario(hours)
    told = presence(day, Group(count=1, profile="all", shifts=shifts))
    return [((at - START) / HOUR, status) for at, status in told]


def test_without_shifts_they_stay():
    assert hours_of() == [(0, "Available")]


def test_shifts_are_of_every_day_with_their_breaks():
    lunch = Stretch(12 * 60, 12 * 60 + 30, "Lunch")
    assert hours_of(Shift(work=Stretch(9 * 60, 17 * 60), breaks=(lunch,))) == [
        (1, "Available"),
        (4, "Lunch"),
        (4.5, "Available"),
        (9, "Offline"),
        (25, "Available"),
        (28, "Lunch"),
        (28.5, "Available"),
        (33, "Offline"),
    ]


def test_a_night_shift_ends_on_the_next_day_and_may_have_begun_on_the_day_before():
    early = Stretch(2 * 60, 3 * 60, "Nap")
    night = Shift(work=Stretch(22 * 60, 9 * 60), breaks=(early,))
    assert hours_of(night, hours=24) == [
        (0, "Available"),
        (1, "Offline"),
        (14, "Available"),
        (18, "Nap"),
        (19, "Available"),
        (25, "Offline"),
    ]


def test_one_shift_after_the_other_is_no_going_home():
    first, second = Shift(work=Stretch(480, 720)), Shift(work=Stretch(720, 900))
    told = hours_of(first, second, hours=8)
    assert [status for at, status in told if at == 4] == ["Available"]


def test_where_clocks_leap_over_a_time_it_is_an_hour_later():
    from datetime import date  # noqa: PLC0415  used once

    day = date(2026, 3, 29)
    assert moment(day, 150, "Europe/Berlin") == moment(day, 210, "Europe/Berlin")
