"""Throttle: a token bucket per account and operation."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.aws.throttle import AWS_LIMITS, NO_LIMITS, Limits, Rate, Throttle
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY, SECOND, Instant

_START: Instant = 1_700_000_000_000


def _allowed(throttle: Throttle, account: str, operation: str, now: Instant) -> bool:
    try:
        throttle.take(account, operation, now)
    except Refusal:
        return False
    return True


def test_the_refusal() -> None:
    throttle = Throttle(Limits(others=Rate(1, 1), operations={}))
    throttle.take("1", "ListUsers", _START)
    with pytest.raises(Refusal) as refused:
        throttle.take("1", "ListUsers", _START)
    assert refused.value.code == "ThrottlingException"
    assert refused.value.message == "Rate exceeded"


@pytest.mark.parametrize(
    ("operation", "burst", "per_second"),
    [("GetMetricData", 8, 5), ("GetCurrentMetricData", 8, 5), ("ListUsers", 5, 2)],
)
def test_a_burst_and_then_the_rate(operation: str, burst: int, per_second: int) -> None:
    throttle = Throttle()
    at_once = [_allowed(throttle, "1", operation, _START) for _ in range(burst + 3)]
    assert at_once == [True] * burst + [False] * 3
    later = [_allowed(throttle, "1", operation, _START + SECOND) for _ in range(per_second + 2)]
    assert later == [True] * per_second + [False] * 2
    rested = [_allowed(throttle, "1", operation, _START + DAY) for _ in range(burst + 1)]
    assert rested == [True] * burst + [False]


def test_a_refused_call_costs_nothing() -> None:
    throttle = Throttle()
    for _ in range(100):
        _allowed(throttle, "1", "ListUsers", _START)
    assert _allowed(throttle, "1", "ListUsers", _START + SECOND // 2)


def test_accounts_and_operations_do_not_share() -> None:
    throttle = Throttle()
    for account in ("1", "2"):
        for operation in ("ListUsers", "ListQueues"):
            taken = [_allowed(throttle, account, operation, _START) for _ in range(6)]
            assert taken == [True] * 5 + [False]


def test_off() -> None:
    throttle = Throttle(NO_LIMITS)
    assert all(_allowed(throttle, "1", "ListUsers", _START) for _ in range(1000))
    assert len(throttle) == 0


def test_other_limits() -> None:
    limits = Limits(others=Rate(100, 1), operations={"Slow": Rate(1, 1)})
    throttle = Throttle(limits)
    times = [_START + 10 * n for n in range(101)]
    assert all(_allowed(throttle, "1", "Quick", at) for at in times)
    assert sum(_allowed(throttle, "1", "Slow", at) for at in times) == 2


def test_rates_of_an_operator() -> None:
    given = {"Slow": Rate(1, 1), "GetMetricData": Rate(50, 80)}
    limits = AWS_LIMITS.with_rates(given)
    assert limits.of("Slow") == Rate(1, 1)
    assert limits.of("GetMetricData") == Rate(50, 80)
    assert limits.of("GetCurrentMetricData") == Rate(5, 8)
    assert limits.of("ListUsers") == Rate(2, 5)
    assert NO_LIMITS.with_rates(given).of("ListUsers") is None
    assert NO_LIMITS.with_rates({"*": Rate(7, 9)}).of("ListUsers") == Rate(7, 9)


def test_memory_is_bounded_and_the_emptiest_are_remembered() -> None:
    throttle = Throttle(AWS_LIMITS, buckets_max=80)
    for _ in range(5):
        throttle.take("busy", "ListUsers", _START)
    for number in range(1000):
        throttle.take(str(number), "ListUsers", _START)
        assert len(throttle) <= 80
    assert not _allowed(throttle, "busy", "ListUsers", _START)
    throttle.take("late", "ListUsers", _START + DAY)
    for number in range(80):
        throttle.take(str(number), "ListUsers", _START + DAY)
    assert len(throttle) <= 80
    assert _allowed(throttle, "busy", "ListUsers", _START + DAY)


class _Bucket:
    """The text book's token bucket, in exact fractions."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.tokens = Fraction(rate.burst)
        self.at = _START

    def take(self, now: Instant) -> bool:
        gained = Fraction(now - self.at, SECOND) * self.rate.per_second
        self.tokens = min(Fraction(self.rate.burst), self.tokens + gained)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@settings(max_examples=300, deadline=None)
@given(
    rate=st.builds(Rate, st.sampled_from([1, 2, 4, 5, 10, 100, 1000]), st.integers(1, 12)),
    pauses=st.lists(st.integers(0, 700), max_size=80),
)
def test_it_is_the_token_bucket_of_the_text_book(rate: Rate, pauses: list[int]) -> None:
    throttle = Throttle(Limits(others=rate, operations={}))
    bucket = _Bucket(rate)
    now = _START
    for pause in pauses:
        now += pause
        assert _allowed(throttle, "1", "ListUsers", now) == bucket.take(now)
