"""Time: months of the calendar, and how long what is known of a contact is kept."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import RECORD_MONTHS_MAX, WIRE_SECONDS_MAX
from ringfloor.base.time import DAY, SECOND, months_before
from ringfloor.domain.contact import forgotten_at, kept_since

INSTANTS = st.integers(0, WIRE_SECONDS_MAX * SECOND)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("now", "months", "before"),
    [
        ("2025-11-14T22:13:20", 24, "2023-11-14T22:13:20"),
        ("2026-01-31T00:00:00", 1, "2025-12-31T00:00:00"),
        ("2026-03-31T10:00:00", 1, "2026-03-01T00:00:00"),
        ("2026-05-31T10:00:00", 1, "2026-05-01T00:00:00"),
        ("2028-02-29T12:00:00", 24, "2026-03-01T00:00:00"),
        ("2028-02-28T23:59:59", 24, "2026-02-28T23:59:59"),
        ("2028-03-01T00:00:00", 24, "2026-03-01T00:00:00"),
        ("2026-03-01T00:00:00", 24, "2024-03-01T00:00:00"),
        ("1970-01-01T00:00:01", 24, "1968-01-01T00:00:01"),
        ("9999-12-31T23:59:59", 24, "9997-12-31T23:59:59"),
    ],
)
def test_months_are_those_of_the_calendar(now, months, before):
    assert months_before(at(now), months) == at(before)


MONTHS = st.integers(1, RECORD_MONTHS_MAX)


@given(INSTANTS, INSTANTS, MONTHS)
def test_what_is_forgotten_stays_forgotten(one, other, months):
    earlier, later = sorted((one, other))
    assert kept_since(earlier, months) <= kept_since(later, months)


@given(INSTANTS, MONTHS)
def test_a_contact_is_forgotten_at_the_first_midnight_at_which_it_is_not_kept(initiated, months):
    midnight = forgotten_at(initiated, months)
    if midnight is None:
        assert initiated > (WIRE_SECONDS_MAX - (months + 1) * 31 * 86_400) * SECOND
        return
    assert midnight % DAY == 0
    assert kept_since(midnight - DAY, months) <= initiated < kept_since(midnight, months)
