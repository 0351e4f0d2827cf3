"""Phone: digits from a keypad as E.164 numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.flow.phone import COUNTRY_CODES, international, local


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("4930123456", "+4930123456"),
        ("004930123456", "+4930123456"),
        ("0114930123456", "+4930123456"),
        ("12065550100", "+12065550100"),
        ("12065550100" + "0" * 9, None),
        ("1206555010", None),
        ("11065550100", None),
        ("0301234567", None),
        ("99912345678", None),
        ("4930", None),
        ("49*30123456", None),
        ("", None),
    ],
)
def test_an_international_number_begins_with_a_country_code(typed, number):
    assert international(typed) == number


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("2065550100", "US", "+12065550100"),
        ("12065550100", "us", "+12065550100"),
        ("206555010", "US", None),
        ("030123456", "DE", "+4930123456"),
        ("30123456", "DE", "+4930123456"),
        ("0612345678", "IT", "+390612345678"),
        ("0700000000", "CI", "+2250700000000"),
        ("030123456", "", None),
        ("030123456", "XX", None),
        ("#", "DE", None),
    ],
)
def test_a_local_number_is_completed_with_its_country(typed, country, number):
    assert local(typed, country) == number


def test_every_country_has_one_code_of_one_to_three_digits():
    assert len(COUNTRY_CODES) > 225
    assert all(len(country) == 2 and country.isupper() for country in COUNTRY_CODES)
    assert all(1 <= len(code) <= 3 for code in COUNTRY_CODES.values())


@settings(deadline=None)
@given(st.text(alphabet="0123456789*#", max_size=30) | st.text(), st.text(max_size=3))
def test_whatever_is_typed_is_a_number_or_nothing(typed, country):
    for number in (international(typed), local(typed, country), local(typed, "GB")):
        assert number is None or (number[0] == "+" and 8 <= len(number) - 1 <= 15)
