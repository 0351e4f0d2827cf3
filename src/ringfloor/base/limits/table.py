"""Table: what a limit is, and the list of all of them in the order of their parts."""

from typing import NamedTuple


class Limit(NamedTuple):
    """One bound: a name, an integer, the unit it counts, and why it is what it is."""

    name: str
    value: int
    unit: str
    reason: str


TABLE: list[Limit] = []


def limit(name: str, value: int, unit: str, reason: str) -> int:
    """A row of the table; answers the value."""
    TABLE.append(Limit(name, value, unit, reason))
    return value
