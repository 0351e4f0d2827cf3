"""Numbers: what a phone number is, and the pool of those that instances can claim.

At AWS the pool is what carriers offer; here the operator configures it as ranges, such as
US:DID:+12065550100-+12065550199: country (ISO), the API's type, first and last number (E.164).
Which numbers are taken is no affair of the pool: the instances know.
"""

import re
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

NumberType = Literal[
    "DID", "TOLL_FREE", "UIFN", "SHARED", "THIRD_PARTY_DID", "THIRD_PARTY_TF", "SHORT_CODE"
]

_RANGE = re.compile(r"([A-Z]{2}):([A-Z_]+):\+([1-9][0-9]{1,14})-\+([1-9][0-9]{1,14})")


_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def is_e164(text: str) -> bool:
    """Whether a text is a phone number in E.164: + and 2 to 15 digits, the first of them not 0."""
    return _E164.fullmatch(text) is not None


class Range(NamedTuple):
    """Consecutive numbers of one country and type; first and last have as many digits."""

    country: str
    type: str
    first: int
    last: int


def parse(text: str) -> Range:
    """COUNTRY:TYPE:+FIRST-+LAST; raises ValueError with the rule that it breaks."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(
            "is not COUNTRY:TYPE:+FIRST-+LAST, such as US:DID:+12065550100-+12065550199"
        )
    country, kind, first, last = match.groups()
    if kind not in get_args(NumberType):
        raise ValueError(f"has none of the types {', '.join(get_args(NumberType))}")
    if len(first) != len(last) or first > last:
        raise ValueError("does not end at a number of as many digits that is not before its first")
    return Range(country, kind, int(first), int(last))


class Pool(NamedTuple):
    """All ranges, in the order of their numbers; no two have a number in common."""

    ranges: tuple[Range, ...] = ()

    def range_of(self, number: str) -> Range | None:
        """The range that a number (E.164) lies in."""
        digits = int(number[1:]) if re.fullmatch(r"\+[1-9][0-9]{0,14}", number) else 0
        return next((each for each in self.ranges if each.first <= digits <= each.last), None)

    def available(
        self, country: str, kind: str, prefix: str, taken: Container[str], after: str
    ) -> Iterator[str]:
        """The numbers that nobody has taken, in order; prefix, after: with +, or empty.

        Costs what it yields and passes over, however large the ranges are.
        """
        begin = int(after[1:] or 0) + 1
        for each in self.ranges:
            if (each.country, each.type) == (country, kind):
                low, high = _with_prefix(each, prefix[1:])
                for number in range(max(low, begin), high + 1):
                    if f"+{number}" not in taken:
                        yield f"+{number}"


def pool(ranges: Iterable[Range]) -> Pool:
    """A pool; raises ValueError where two ranges overlap."""
    inorder = sorted(ranges, key=lambda each: each.first)
    for one, next_ in pairwise(inorder):
        if next_.first <= one.last:
            raise ValueError(f"+{next_.first} is in two ranges")
    return Pool(tuple(inorder))


def _with_prefix(numbers: Range, digits: str) -> tuple[int, int]:
    """The first and the last number of a range that may begin with these digits."""
    missing = len(str(numbers.first)) - len(digits)
    if not digits:
        return numbers.first, numbers.last
    if missing < 0:
        return 1, 0
    low = int(digits) * 10**missing
    return max(numbers.first, low), min(numbers.last, low + 10**missing - 1)


DEFAULT = (
    "US:DID:+12065550100-+12065550199",
    "US:TOLL_FREE:+18005550100-+18005550199",
    "CA:DID:+16135550100-+16135550199",
    "GB:DID:+442079460000-+442079460999",
    "GB:TOLL_FREE:+448081570000-+448081570999",
    "DE:DID:+493023125000-+493023125999",
    "FR:DID:+33199000000-+33199009999",
    "AU:DID:+61255500000-+61255509999",
)
"""Numbers that the countries' regulators set aside for films and plays, so that they are nobody's.

The North American toll-free ones are not set aside; they are simulated like all others.
"""
