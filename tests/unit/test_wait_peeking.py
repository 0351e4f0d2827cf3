"""No peeking: an estimate uses nothing that was not known when it was asked for.

Tried on synthetic logs and on the log of a real bank, which lies beside the repository, in
../shared/data, and is no part of it.
"""

from pathlib import Path
from random import Random

import pytest

from ringfloor.base.time import DAY, HOUR, MINUTE
from ringfloor.call_logs.mapping import plan
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.log_files import digest, mapping, rows
from ringfloor.node.wait_model import SETTINGS, train
from ringfloor.waits.estimators import ESTIMATORS
from ringfloor.waits.history import Ask, asks
from ringfloor.waits.model import WaitModel, tell
from wait_builders import START, a_log, with_another_future, without_future

LOG = Path(__file__).resolve().parents[2].parent / "shared/data/bank_february_1999_01_21.tsv"


def estimates(asked: list[Ask], model: WaitModel | None = None) -> list[tuple]:
    """What each would be told in every way that there is."""
    return [
        (
            ask.id,
            ask.at,
            tuple(each.tells(ask.view) for each in ESTIMATORS.values()),
            tell(ask.view, None),
            tell(ask.view, model),
        )
        for ask in asked
    ]


def told_by(now: int, log: list[LoggedContact]) -> list[Ask]:
    return [ask for ask in asks(log, again=True) if ask.at <= now]


def moments_of(log: list[LoggedContact], count: int) -> list[int]:
    """In the middle of the longest waits, when much is still to come of those in line."""
    longest = sorted(asks(log), key=lambda ask: ask.waited_ms)[-count:]
    return sorted(ask.at + ask.waited_ms // 2 for ask in longest)


@pytest.mark.parametrize("seed", range(3))
def test_a_truncated_log_and_one_that_goes_on_otherwise_get_the_same_estimates(seed):
    log = a_log(seed=seed)
    for now in moments_of(log, 3):
        told = told_by(now, log)
        assert len(told) > 5
        for other in (without_future(log, now), with_another_future(log, now, Random(seed))):
            again = told_by(now, other)
            # Otherwise it would be no wonder.
            assert [each.over_at for each in again] != [each.over_at for each in told]
            assert [each.view for each in again] == [each.view for each in told]
            assert estimates(again) == estimates(told)


def test_a_model_trained_before_a_day_is_the_same_whatever_comes_later(monkeypatch):
    monkeypatch.setitem(SETTINGS, "max_iter", 5)
    log, now = a_log(seed=2, contacts=1_500), START + 12 * HOUR
    models = [
        train([each for each in asks(some) if each.over_at < now], 1, now)
        for some in (log, with_another_future(log, now, Random(3)))
    ]
    assert models[0] == models[1]
    assert models[0].forests is not None


# The bank


@pytest.fixture(scope="module")
def bank() -> list[LoggedContact]:
    how = plan(*mapping("bank-1999"))
    found = rows(LOG, how, digest(LOG))
    return [each for each in found if isinstance(each, LoggedContact)]


@pytest.fixture(scope="module")
def days(bank) -> list[int]:
    """Noons; the last is of the third week."""
    first = bank[0].initiated_at // DAY * DAY
    return [first + day * DAY + 10 * HOUR for day in (0, 2, 14)]


def test_the_banks_estimates_know_nothing_of_what_comes_later(bank, days):
    last = days[-1] + HOUR
    told = told_by(last, [each for each in bank if each.initiated_at < last + HOUR])
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(SETTINGS, "max_iter", 20)
        model = train([each for each in told if each.first][:800], 1, days[0])
    assert model.forests is not None
    for day in days:
        waits = next(each for each in told if each.at > day and each.waited_ms > MINUTE)
        now = waits.at + waits.waited_ms // 2
        by_then = [each for each in told if each.at <= now]
        near = [each for each in bank if each.initiated_at < now + HOUR]
        for other in (without_future(near, now), with_another_future(near, now, Random(5))):
            again = told_by(now, other)
            assert [each.over_at for each in again] != [each.over_at for each in by_then]
            assert [each.view for each in again] == [each.view for each in by_then]
            assert estimates(again[-200:], model) == estimates(by_then[-200:], model)
