"""Forecasts: what is learnt of a history, what is not, and how far off it is on a real one."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import exp
from pathlib import Path

import pytest

from ringfloor.base.errors import Fault
from ringfloor.base.limits import FORECAST_HISTORY_DAYS_MAX
from ringfloor.forecast import file, history
from ringfloor.forecast.history import Day
from ringfloor.forecast.model import CELLS, Model
from ringfloor.forecast.rolling import Score, walk

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MONDAY = date(2025, 1, 6)
WEEK = (1.2, 1.1, 1.0, 1.0, 0.9, 0.3, 0.2)
HUMP = [exp(-(((cell - 22) / 7) ** 2)) for cell in range(CELLS)]


def a_history(
    days: int, level: Callable[[int], float] = lambda _day: 1_000.0, seed: int = 1
) -> list[Day]:
    """A center whose weekdays differ and whose days have a hump, with Poisson's chance."""
    dice = random.Random(seed)
    made = []
    for number in range(days):
        total = level(number) * WEEK[number % 7]
        came = [_poisson(dice, total * each / sum(HUMP)) for each in HUMP]
        made.append(Day(MONDAY + timedelta(number), tuple(came)))
    return made


def _poisson(dice: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(dice.gauss(mean, mean**0.5)))
    product, count = dice.random(), 0
    while product > exp(-mean):
        product *= dice.random()
        count += 1
    return count


def learnt(days: list[Day], holidays: dict[date, str] | None = None) -> Model:
    model = Model(holidays)
    for day in days:
        model.learn(day.date, day.counts)
    return model


def off(model: Model, ahead: int, level: float) -> float:
    """By how much a week from so many days ahead is expected beyond the truth, as a share."""
    assert model.last is not None
    days = [model.last + timedelta(ahead + number) for number in range(7)]
    return sum(sum(model.expected(day)) for day in days) / (level * sum(WEEK)) - 1


def the_year() -> list[Day]:
    """The year 1999 of the bank; it must be there."""
    path = DATA / "anonymous_bank_1999_6min.csv"
    assert path.exists(), f"the year of the bank is missing in {DATA}"
    return history.of_counts(path.read_text().splitlines(), path.name)


@pytest.fixture(scope="module")
def year() -> list[Day]:
    return the_year()


@pytest.fixture(scope="module")
def scores(year: list[Day]) -> dict[int, Score]:
    return walk(year, (1, 7)).scores


# On a real year


@pytest.mark.parametrize(("ahead", "margin"), [(1, 0.15), (7, 0.11)])
def test_a_year_is_foretold_better_than_by_the_mean_of_four_weeks(scores, ahead, margin):
    """By so much less error in half hours, every day foretold from the days before it."""
    found = scores[ahead].cells
    assert found.days == 365 - 28
    assert found.wape < (1 - margin) * found.wape_of_means
    assert scores[ahead].totals.wape < 0.85 * scores[ahead].totals.wape_of_means


@pytest.mark.parametrize("ahead", [1, 7])
def test_every_busy_weekday_is_foretold_better(scores, ahead):
    """Saturdays, with a fortieth of the calls, are foretold as well as by the mean."""
    for weekday, found in enumerate(scores[ahead].by_weekday):
        assert found.wape < (1.01 if weekday == 5 else 0.95) * found.wape_of_means


@pytest.mark.parametrize("ahead", [1, 7])
def test_four_fifths_of_the_half_hours_are_within_their_bands(scores, ahead):
    assert 0.77 < scores[ahead].coverage < 0.83


def test_both_halves_of_the_year_are_foretold_better(year):
    """None of them alone carries it."""
    for half in (year[:183], year[155:]):
        found = walk(half, (1,)).scores[1].cells
        assert found.wape < 0.88 * found.wape_of_means


def test_holidays_that_are_named_are_foretold_better(year, scores):
    passover = {date(1999, 3, 31), date(1999, 4, 1), date(1999, 4, 6), date(1999, 4, 7)}
    autumn = {date(1999, 9, day) for day in (10, 11, 12, 19, 20, 24, 25)}
    named = walk(year, (1,), dict.fromkeys(passover | autumn, "holiday")).scores[1]
    assert named.cells.wape < 0.98 * scores[1].cells.wape


@pytest.mark.parametrize("ahead", [1, 7])
@pytest.mark.parametrize("cut", [60, 300])
def test_nothing_is_known_of_what_comes_later(year, cut, ahead):
    """A day is scored by what a history that ends so long before it tells."""
    scored = [walk(year[: cut + last], (ahead,)).scores[ahead] for last in (ahead - 1, ahead)]
    day = year[cut + ahead - 1]
    told = walk(year[:cut], (ahead,)).told(ahead)
    errors = [abs(a.expected - b) for a, b in zip(told.cells, day.counts, strict=True)]
    assert told.date == day.date
    assert scored[1].cells.errors - scored[0].cells.errors == pytest.approx(sum(errors))
    within = [a.low <= b <= a.high for a, b in zip(told.cells, day.counts, strict=True)]
    assert scored[1].within - scored[0].within == sum(within)
    weeks = [each.counts for each in year[:cut] if each.date.weekday() == day.date.weekday()]
    means = [sum(cells) / 4 for cells in zip(*weeks[-4:], strict=True)]
    others = sum(abs(a - b) for a, b in zip(means, day.counts, strict=True))
    assert scored[1].cells.others - scored[0].cells.others == pytest.approx(others)


# What is learnt


def test_a_steady_center_is_foretold_without_bias():
    for ahead in (1, 28):
        assert off(learnt(a_history(150)), ahead, 1_000) == pytest.approx(0, abs=0.03)


def test_weekdays_and_half_hours_have_their_shares():
    model = learnt(a_history(150))
    monday = MONDAY + timedelta(154)
    expected = [sum(model.expected(monday + timedelta(number))) for number in range(7)]
    assert [each / 1_000 for each in expected] == pytest.approx(WEEK, rel=0.08)
    cells = model.expected(monday)
    assert cells[22] == pytest.approx(1_200 / sum(HUMP), rel=0.08)
    assert cells[0] < 0.5


@pytest.mark.parametrize("weekly", [1.01, 0.98])
def test_a_trend_is_followed_further_than_by_the_mean_of_four_weeks(weekly):
    days = 252
    model = learnt(a_history(days, lambda day: 1_000 * weekly ** (day / 7)))
    for ahead in (1, 7, 22):
        truth = 1_000 * weekly ** ((days + ahead + 2) / 7)
        of_means = weekly ** (-(ahead / 7 + 2.5)) - 1
        assert abs(off(model, ahead, truth)) < 0.75 * abs(of_means)


@pytest.mark.parametrize("by", [0.5, 2.0])
def test_a_center_that_has_changed_is_believed_after_some_weeks(by):
    model = learnt(a_history(140 + 42, lambda day: 1_000 * (by if day >= 140 else 1)))
    assert off(model, 1, 1_000 * by) == pytest.approx(0, abs=0.2)
    assert off(learnt(a_history(147)), 1, 1_000 * by) != pytest.approx(0, abs=0.2)


def test_pay_days_are_learnt_by_the_day_of_the_month():
    def level(day: int) -> float:
        return 1_400 if (MONDAY + timedelta(day)).day == 10 else 1_000

    model = learnt(a_history(270, level))
    assert model.last is not None
    coming = [model.last + timedelta(number) for number in range(1, 29)]
    pay_day = next(day for day in coming if day.day == 10 and day.weekday() < 5)
    before = pay_day - timedelta(7)
    assert sum(model.expected(pay_day)) > 1.08 * sum(model.expected(before))


def test_a_day_of_failure_is_not_learnt_from():
    days = a_history(150)
    broken = [
        Day(day.date, (0,) * CELLS) if number == 147 else day for number, day in enumerate(days)
    ]
    model, other = learnt(broken[:149]), learnt(days[:149])
    assert off(model, 1, 1_000) == pytest.approx(off(other, 1, 1_000), abs=0.02)


def test_a_burst_in_a_half_hour_hardly_moves_it():
    days = a_history(150)
    burst = list(days[-1].counts)
    burst[20] += 300
    calm, moved = learnt(days), learnt([*days[:-1], Day(days[-1].date, tuple(burst))])
    day = days[-1].date + timedelta(7)
    one, other = calm.expected(day), moved.expected(day)
    assert other[20] / sum(other) < 1.15 * one[20] / sum(one)


@pytest.mark.parametrize("closed", [1, 5])
def test_a_weekday_that_was_closed_at_first_is_believed_after_three_weeks(closed):
    """A history that begins in the middle of a day, or on a holiday; a Monday that opens."""
    days = [
        Day(day.date, (0,) * CELLS) if number % 7 == 0 and number < 7 * closed else day
        for number, day in enumerate(a_history(7 * (closed + 3)))
    ]
    expected = sum(learnt(days).expected(days[-1].date + timedelta(1)))
    assert expected == pytest.approx(1_200, rel=0.1)
    before = learnt(days[:-14])
    assert sum(before.expected(days[-14].date)) < 100, "one week alone is no news"


def test_holidays_are_expected_by_those_of_their_word_and_nothing_else_is_learnt_from_them():
    days = a_history(150)
    quiet = {days[60].date: "eve", days[100].date: "eve"}
    days = [
        Day(day.date, tuple(each // 2 for each in day.counts)) if day.date in quiet else day
        for day in days
    ]
    to_come = days[-1].date + timedelta(9)
    model = learnt(days, {**quiet, to_come: "eve", to_come + timedelta(1): "feast"})
    eve, feast = (sum(model.expected(to_come + timedelta(number))) for number in (0, 1))
    assert 300 < eve < 560, "two eves of some 500, and one quietest weekday"
    assert feast == pytest.approx(200, rel=0.15), "never seen: as the quietest weekday"
    assert off(model, 14, 1_000) == pytest.approx(0, abs=0.04)


def test_of_nothing_nothing_is_expected():
    assert Model().expected(MONDAY) == [0.0] * CELLS
    assert Model({MONDAY: "holiday"}).expected(MONDAY) == [0.0] * CELLS
    closed = learnt([Day(MONDAY + timedelta(number), (0,) * CELLS) for number in range(20)])
    assert sum(closed.expected(MONDAY + timedelta(20))) == 0


def test_a_weekday_that_was_never_seen_is_like_the_others():
    model = learnt(a_history(3))
    assert 300 < sum(model.expected(MONDAY + timedelta(3))) < 1_500


def test_days_are_learnt_in_their_order():
    model = learnt(a_history(2))
    with pytest.raises(AssertionError):
        model.learn(MONDAY, (0,) * CELLS)


def test_bands_are_unknown_before_there_are_errors_and_hold_the_forecast_afterwards():
    few = walk(a_history(14), (1, 30))
    assert few.told(30).total.low is None
    told = walk(a_history(120), (1,)).told(1)
    assert told.total.low is not None
    assert told.total.low < told.total.expected < told.total.high
    for cell in told.cells:
        assert 0 <= cell.low <= cell.expected <= cell.high


# Histories


def test_counts_of_any_interval_become_half_hours():
    rows = ["date,interval,calls", "2026-11-20,1,3", "2026-11-20,5,4", "2026-11-20,6,5"]
    (day,) = history.of_counts([*rows, "2026-11-20,240,1"], "counts")
    assert (day.counts[0], day.counts[1], day.counts[47]) == (7, 5, 1)
    (day,) = history.of_counts(rows, "counts", minutes=15)
    assert day.counts[:3] == (3, 0, 9)
    (day,) = history.of_counts(["date,time,contacts", "2026-11-20,23:59,2"], "counts")
    assert day.counts[47] == 2


def test_days_that_are_not_in_a_file_are_not_known():
    found = history.of_counts(["date,time,count", "2026-11-20,9:00,2", "2026-11-18,9:00,1"], "c")
    assert [each.date.day for each in found] == [18, 20]


def test_an_interval_may_stand_twice_only_with_something_to_tell_its_rows_apart():
    head, row = "date,time,queue,calls", "2026-10-25,02:30,sales,2"
    (day,) = history.of_counts([head, row, row.replace("sales", "help")], "counts")
    assert day.counts[5] == 4
    with pytest.raises(Fault, match="counts:3: the interval of line 2 once more"):
        history.of_counts([head, row, row], "counts")
    (day,) = history.of_counts([head, row, row], "counts", zone="Europe/Berlin")
    assert day.counts[5] == 4, "the clocks have shown it twice"


def test_moments_become_the_half_hours_of_a_zone_and_days_between_had_nobody():
    at = [datetime(2026, 3, 28, 23, 40, tzinfo=UTC), datetime(2026, 3, 31, 6, 0, tzinfo=UTC)]
    moments = [round(each.timestamp() * 1000) for each in at]
    found = history.of_moments(moments, "Europe/Berlin")
    assert [each.date.day for each in found] == [29, 30, 31]
    assert [sum(each.counts) for each in found] == [1, 0, 1]
    assert (found[0].counts[1], found[2].counts[16]) == (1, 1)
    assert history.of_moments([], "UTC") == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "its columns are none"),
        (["date,calls"], "its columns are date, calls; they must be date, then interval or time"),
        (["date,interval,calls", "20.11.2026,1,1"], "counts:2: column date: .* is no date"),
        (["date,interval,calls", "9999-12-31,1,1"], "is no day of the years 1970 to 9000"),
        (["date,interval,calls", "2026-11-20,0,1"], "column interval: '0' is no number from 1 on"),
        (["date,time,calls", "2026-11-20,24:00,1"], "column time: '24:00' is no clock time"),
        (["date,time,calls", "2026-11-20,noon,1"], "is no clock time such as 08:30"),
        (["date,time,calls", "2026-11-20,9:00,-1"], "column calls: '-1' is no whole number"),
        (["date,time,calls", "2026-11-20,9:00,1e9"], "column calls: '1e9' is no whole number"),
        (["date,interval,calls", "2026-11-20,7,1"], "the last interval of a day is 7"),
    ],
)  # fmt: skip
def test_counts_that_cannot_be_read_are_named(lines, says):
    with pytest.raises(Fault, match=says):
        history.of_counts(lines, "counts")


def test_an_interval_beyond_the_day_and_a_history_of_ages_are_refused():
    rows = ["date,interval,calls", "2026-11-20,100,1"]
    with pytest.raises(Fault, match="counts:2: interval is beyond the end of the day"):
        history.of_counts(rows, "counts", minutes=30)
    with pytest.raises(Fault, match=f"more than the {FORECAST_HISTORY_DAYS_MAX}"):
        history.of_moments([0, 400_000_000_000], "UTC")


# Files


def test_a_forecast_is_read_as_it_was_written():
    days = a_history(60)
    walked = walk(days, (1, 2))
    told = [walked.told(each) for each in (1, 2)]
    found = file.made("log", "UTC", days, told, [walked.scores[1]], {told[0].date: "eve"})
    assert (found.first_day, found.last_day) == (days[0].date, days[-1].date)
    assert found.days[0].holiday == "eve"
    assert found.scores[0].by_weekday["Monday"].days == found.scores[0].half_hours.days // 7 + 1
    read = file.read(file.msgspec.json.encode(found), "file")
    assert list(read) == [each.date for each in told]
    assert [read[told[0].date][30 * cell] for cell in range(CELLS)] == pytest.approx(
        [each.expected for each in told[0].cells], abs=1e-3
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[]", "is no forecast as `ringfloor forecast --json` writes it"),
        (b'{"days": [{"date": "2026-13-01", "half_hours": []}]}', "is no forecast"),
        (
            b'{"days": [{"date": "2026-11-20", "half_hours": [{"time": "8:30", "expected": 1}]}]}',
            "2026-11-20 8:30: 1.0 is no forecast",
        ),
        (
            b'{"days": [{"date": "2026-11-20", "half_hours": [{"time": "08:30", "expected": -1}]}]}',  # noqa: E501  JSON
            "is no forecast",
        ),
    ],
)  # fmt: skip
def test_what_is_no_forecast_is_refused(content, says):
    with pytest.raises(Fault, match=says):
        file.read(content, "file")
