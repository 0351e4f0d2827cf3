"""Reading: a TOML file read member by member, with all that is wrong with it at once.

A Part is one table of the file. It is asked for each member that it may have and answers a value
that can be used in any case; what breaks a rule becomes a Problem with the key and the value. What
nobody has asked for when it is closed is unknown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from ringfloor.base.errors import shown

T = TypeVar("T")


class Problem(NamedTuple):
    """What is wrong. key: such as queues.claims.handle; value: as it was written."""

    key: str
    value: str
    rule: str


class Part:
    """A table of the file."""

    def __init__(self, table: Mapping[str, Any], key: str, problems: list[Problem]) -> None:
        self.key = key
        self.problems = problems
        self._table = table
        self._asked: dict[str, None] = {}

    def wrong(self, name: str, value: object, rule: str) -> None:
        """The member breaks a rule."""
        self.problems.append(Problem(self._path(name), shown(value), rule))

    def _path(self, name: str) -> str:
        return ".".join(each for each in (self.key, name) if each)

    def has(self, name: str) -> bool:
        """Whether the file says anything of it."""
        return name in self._table

    @property
    def names(self) -> list[str]:
        """The members that the file has."""
        return list(self._table)

    def take(self, name: str) -> Any:  # noqa: ANN401  any TOML value
        """The member as it is; None: it was left out."""
        self._asked[name] = None
        return self._table.get(name)

    def _one(self, name: str, fine: Callable[[Any], bool], rule: str, otherwise: T | None) -> Any:  # noqa: ANN401  checked by fine
        value = self.take(name)
        if value is None:
            if otherwise is None:
                self.wrong(name, None, f"is left out; it {rule}")
            return otherwise
        if fine(value):
            return value
        self.wrong(name, value, rule)
        return otherwise

    def text(self, name: str, otherwise: str | None = None) -> str:
        found = self._one(name, lambda value: isinstance(value, str), "is a text", otherwise)
        return found or ""

    def number(self, name: str, low: float, high: float, otherwise: float | None = None) -> float:
        rule = f"is a number from {low:g} to {high:g}"
        found = self._one(
            name, lambda value: is_number(value) and low <= value <= high, rule, otherwise
        )
        return low if found is None else float(found)

    def whole(self, name: str, low: int, high: int, otherwise: int | None = None) -> int:
        rule = f"is a whole number from {low} to {high}"
        found = self._one(
            name,
            lambda value: is_number(value) and isinstance(value, int) and low <= value <= high,
            rule,
            otherwise,
        )
        return low if found is None else int(found)

    def choice(self, name: str, words: Sequence[str], otherwise: str | None = None) -> str:
        rule = (
            f"is one of {', '.join(words)}" if words else "names something of which there is none"
        )
        found = self._one(name, lambda value: value in words, rule, otherwise)
        return found or (words[0] if words else "")

    def flag(self, name: str, otherwise: bool) -> bool:
        found = self._one(
            name, lambda value: isinstance(value, bool), "is true or false", otherwise
        )
        return bool(found)

    def texts(
        self, name: str, fine: Callable[[str], bool], rule: str, otherwise: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """A list of texts; only what is fine of it. rule: for each of them."""
        value = self.take(name)
        if value is None:
            return tuple(otherwise)
        if not isinstance(value, list):
            self.wrong(name, value, "is a list of texts")
            return tuple(otherwise)
        found = [each for each in value if isinstance(each, str) and fine(each)]
        for number, each in enumerate(value):
            if each not in found:
                self.wrong(f"{name}[{number}]", each, rule)
        return tuple(found)

    def moment(self, name: str) -> datetime:
        """A local date and time, without an offset."""
        found = self._one(
            name,
            lambda value: isinstance(value, datetime) and value.tzinfo is None,
            "is a date and time without an offset, such as 2026-11-16T08:00:00",
            None,
        )
        return found or datetime(2026, 11, 16)  # noqa: DTZ001  a clock's face; the zone is apart

    def part(self, name: str) -> "Part":
        """A table inside; empty if there is none."""
        value = self.take(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, value, "is a table")
        return Part(value if isinstance(value, dict) else {}, self._path(name), self.problems)

    def parts(self, name: str) -> Iterator[tuple[str, "Part"]]:
        """The tables inside a table, by their names."""
        outer = self.part(name)
        for each in outer.names:
            yield each, outer.part(each)

    def rows(self, name: str) -> "Iterator[Part]":
        """A list of tables."""
        value = self.take(name)
        if value is None:
            return
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.wrong(name, value, "is a list of tables")
            return
        for number, each in enumerate(value):
            yield Part(each, f"{self._path(name)}[{number}]", self.problems)

    def table(self, name: str, fine: Callable[[str, Any], bool], rule: str) -> dict[str, Any]:
        """A table whose names are free; only what is fine of it."""
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(name, value, f"is a table: {rule}")
            return {}
        for each, told in value.items():
            if not fine(each, told):
                self.wrong(f"{name}.{each}", told, rule)
        return {each: told for each, told in value.items() if fine(each, told)}

    def close(self, *known: str) -> None:
        """Nothing else may be here. known: what else could have been asked for."""
        names = [*self._asked, *known]
        for name, value in self._table.items():
            if name not in self._asked:
                close = get_close_matches(name, names, 1)
                near = f"; is {close[0]} meant?" if close else ""
                self.wrong(name, value, f"is nothing that is known here{near}")


def is_number(value: object) -> bool:
    """An integer or a float that is one; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == value and abs(value) != float("inf")  # noqa: PLR0124  not a number
