"""What a load test measures: lengths in bounded memory, told from when they were due."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import LOAD_CODES_MAX, LOAD_LENGTH_SECONDS_MAX, LOAD_WINDOWS_MAX
from ringfloor.load.histogram import BITS, MICROSECONDS, Histogram
from ringfloor.load.measures import NO_ANSWER, OTHER, Measures, Window

LENGTHS = st.lists(st.integers(0, 100 * MICROSECONDS), min_size=1, max_size=200)
SHARES = st.one_of(st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]), st.floats(0, 1))


def histogram(microseconds: list[int]) -> Histogram:
    made = Histogram()
    for each in microseconds:
        made.add(each / MICROSECONDS)
    return made


@given(LENGTHS, SHARES)
def test_a_quantile_is_the_true_one_or_at_most_a_128th_above(microseconds, share):
    true = sorted(microseconds)[max(ceil(share * len(microseconds)), 1) - 1]
    told = round((histogram(microseconds).quantile(share) or 0) * MICROSECONDS)
    assert true <= told <= true * (1 + 2**-BITS)
    assert true > 256 or told == true, "the shortest are exact"


@given(LENGTHS, LENGTHS, SHARES)
def test_added_up_histograms_are_one_of_everything(some, others, share):
    both = histogram(some)
    both.merge(histogram(others))
    whole = histogram(some + others)
    assert both.buckets == whole.buckets
    assert both.quantile(share) == whole.quantile(share)
    assert (both.count, both.longest, both.mean) == (whole.count, whole.longest, whole.mean)


def test_memory_does_not_grow_with_what_is_added():
    made = Histogram()
    for number in range(200_000):
        made.add(number * 0.0137)
    made.add(-1.0)
    made.add(10.0 * LOAD_LENGTH_SECONDS_MAX)
    assert len(made.buckets) < 128 * 32
    assert made.quantile(0) == 0
    assert made.longest == LOAD_LENGTH_SECONDS_MAX
    assert made.count == 200_002


def test_nothing_has_no_quantile():
    empty = Histogram()
    assert (empty.quantile(0.5), empty.longest, empty.mean) == (None, None, None)


def test_who_had_to_wait_to_be_sent_is_not_left_out():
    """Ten are due at once, a second each, one after the other: half of them took over 5 s."""
    measures = Measures(100.0)
    for number in range(10):
        measures.answered("StartTaskContact", 100.0, 100.0 + number, 101.0 + number)
    tally = measures.operations["StartTaskContact"]
    assert tally.service.longest == 1
    assert tally.response.longest == 10
    assert tally.response.quantile(0.5) == pytest.approx(5, rel=2**-BITS)


@pytest.mark.parametrize(
    ("outcome", "errors", "races", "lengths"),
    [
        ({}, {}, 0, 1),
        ({"code": "ThrottlingException"}, {"ThrottlingException": 1}, 0, 0),
        ({"code": "InternalServiceException"}, {"InternalServiceException": 1}, 0, 0),
        ({"code": NO_ANSWER}, {NO_ANSWER: 1}, 0, 1),
        ({"code": "ContactNotFoundException", "race": True}, {}, 1, 0),
        ({"waits": True}, {}, 0, 0),
    ],
)
def test_what_counts_as_what(outcome, errors, races, lengths):
    """A quick refusal is no quick answer; what is never answered is a slow one."""
    measures = Measures(0.0)
    measures.answered("AcceptContact", 1.0, 1.5, 3.0, **outcome)
    tally = measures.operations["AcceptContact"]
    assert (tally.count, tally.errors, tally.races) == (1, errors, races)
    assert tally.response.count == tally.service.count == lengths
    window = measures.windows[3]
    assert (window.count, window.errors) == (1, len(errors))
    assert window.throttled == ("ThrottlingException" in errors)
    assert measures.errors == errors


def test_many_codes_are_not_kept_apart_for_ever():
    measures = Measures(0.0)
    for number in range(LOAD_CODES_MAX + 10):
        measures.broke("web socket", 0.0, f"closed {number}")
    assert len(measures.errors) == LOAD_CODES_MAX + 1
    assert measures.errors[OTHER] == 10


def test_windows_become_twice_as_long_and_lose_nothing():
    measures = Measures(50.0, window=1.0)
    times = [number * 0.7 for number in range(3 * LOAD_WINDOWS_MAX)]
    for number, at in enumerate(times):
        measures.answered("SendMessage", 50 + at, 50 + at, 50 + at + 0.01 * (number % 3))
        measures.started(50 + at)
    assert measures.window == 4.0
    assert len(measures.windows) <= LOAD_WINDOWS_MAX
    assert sum(each.count for each in measures.windows) == len(times) == measures.count
    assert sum(each.started for each in measures.windows) == len(times)
    assert sum(each.response.count for each in measures.windows) == len(times)
    assert measures.windows[10].started == sum(40 <= at < 44 for at in times)


def test_the_recent_window_is_one_that_is_over():
    measures = Measures(10.0)
    assert measures.recent(10.5).count == 0
    for at in (10.2, 11.1, 11.2, 12.5):
        measures.answered("SendMessage", at, at, at)
    assert measures.recent(12.6) is measures.windows[1]
    assert measures.recent(13.1) is measures.windows[2]
    assert measures.recent(99.0).count == 0, "nobody has answered for a while"


def test_news_are_apart_from_requests():
    measures = Measures(0.0)
    measures.heard("chat message", 0.25)
    assert measures.told["chat message"].longest == 0.25
    assert measures.count == 0
    assert measures.recent(1.0).count == Window().count
