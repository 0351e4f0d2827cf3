"""The pool of phone numbers: ranges as they are written, and what is available of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.domain.numbers import DEFAULT, Pool, Range, parse, pool


def the(*ranges):
    return pool(map(parse, ranges))


def all_of(numbers, country="US", kind="DID", *, prefix="", taken=(), after=""):
    return list(numbers.available(country, kind, prefix, taken, after))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("US:DID:+10-+19", Range("US", "DID", 10, 19)),
        ("GB:TOLL_FREE:+448081570000-+448081570000", Range("GB", "TOLL_FREE", *[448081570000] * 2)),
        ("DE:UIFN:+100000000000000-+999999999999999", Range("DE", "UIFN", 10**14, 10**15 - 1)),
    ],
)
def test_a_range(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        *(
            (text, "is not COUNTRY:TYPE")
            for text in (
                "",
                "US",
                "US:DID",
                "US:DID:+10",
                "US:DID:10-19",
                "US:DID:+10-19",
                "us:DID:+10-+19",
                "USA:DID:+10-+19",
                "US:DID:+01-+09",
                "US:DID:+1-+9",
                "US:DID:+10-+19 ",
                "US:DID:+1000000000000000-+1000000000000001",
                "US:DID:+1²-+19",
            )
        ),
        ("US:MOBILE:+10-+19", "has none of the types DID, "),
        ("US:DID:+19-+10", "does not end"),
        ("US:DID:+99-+100", "does not end"),
    ],
)
def test_what_is_no_range(text, rule):
    with pytest.raises(ValueError, match=rule):
        parse(text)


@pytest.mark.parametrize(
    "ranges",
    [
        ("US:DID:+10-+19", "US:DID:+19-+20"),
        ("US:DID:+15-+16", "CA:TOLL_FREE:+10-+19"),
        ("US:DID:+10-+19", "US:DID:+10-+19"),
    ],
)
def test_ranges_do_not_overlap(ranges):
    with pytest.raises(ValueError, match="is in two ranges"):
        the(*ranges)


def test_numbers_are_offered_by_country_and_type_in_order():
    numbers = the("US:DID:+30-+31", "CA:DID:+50-+51", "US:TOLL_FREE:+80-+80", "US:DID:+10-+12")
    assert all_of(numbers) == ["+10", "+11", "+12", "+30", "+31"]
    assert all_of(numbers, "CA") == ["+50", "+51"]
    assert all_of(numbers, kind="TOLL_FREE") == ["+80"]
    assert all_of(numbers, "DE") == all_of(Pool()) == []
    assert all_of(numbers, after="+11") == ["+12", "+30", "+31"]
    assert all_of(numbers, taken={"+10", "+30"}) == ["+11", "+12", "+31"]


RANGES = ("US:DID:+120-+145", "US:DID:+1300-+1420", "US:DID:+13-+13")


@given(st.from_regex(r"\A(\+[1-9][0-9]{0,4})?\Z"), st.integers(0, 1500))
def test_a_prefix_is_what_a_number_begins_with(prefix, after):
    numbers = the(*RANGES)
    everything = [
        f"+{number}" for each in numbers.ranges for number in range(each.first, each.last + 1)
    ]
    expected = [
        number for number in everything if number.startswith(prefix) and int(number) > after
    ]
    assert all_of(numbers, prefix=prefix, after=f"+{after}") == expected


def test_a_large_range_costs_what_is_taken_of_it():
    numbers = the("US:DID:+100000000000000-+999999999999999")
    offered = numbers.available("US", "DID", "+55555", {"+555550000000000"}, "")
    assert next(offered) == "+555550000000001"


def test_which_range_a_number_is_of():
    numbers = the("US:DID:+10-+19", "DE:UIFN:+30-+39")
    assert numbers.range_of("+15") == numbers.ranges[0]
    assert numbers.range_of("+30").country == "DE"
    for other in ("+20", "+9", "15", "", "+", "+1x", "+015", "+1\u0665"):
        assert numbers.range_of(other) is None


def test_the_default_offers_what_tests_need():
    numbers = the(*DEFAULT)
    for country, kind in (("US", "DID"), ("US", "TOLL_FREE"), ("GB", "DID"), ("DE", "DID")):
        assert len(all_of(numbers, country, kind)) >= 100
    assert numbers.range_of("+15555550100") is None  # every sandbox instance has this one
