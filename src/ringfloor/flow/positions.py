"""Positions: on which line of a text each part of a flow's JSON stands.

advice tells problems with it, names what it could not resolve. A part is named by its path, written
as in the messages of language: `Actions[3].Parameters.Text`. A member stands where its name begins,
an element where its value does. The text is JSON, as some decoder has found before.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_STEP = re.compile(r"\.[^.\[\]]*$|\[[0-9]+\]$")


class Place(NamedTuple):
    """Line and column, from 1 on."""

    line: int
    column: int


class Positions:
    """Where the parts of a JSON text stand."""

    def __init__(self, text: str, offsets: dict[str, int]) -> None:
        self._breaks = [0, *(match.end() for match in re.finditer("\n", text))]
        self._size = len(text)
        self._offsets = offsets

    def at(self, path: str) -> Place:
        """Where a part stands; what is not there stands where the part that should hold it does."""
        while path and path not in self._offsets:
            shorter = _STEP.sub("", path)
            path = shorter if shorter != path else ""
        return self.place(self._offsets.get(path, 0))

    def place(self, offset: int) -> Place:
        """The place of a character."""
        offset = min(offset, self._size)
        line = bisect_right(self._breaks, offset)
        return Place(line, offset - self._breaks[line - 1] + 1)


def positions(text: str) -> Positions:
    """The positions of a JSON text."""
    return Positions(text, dict(_offsets(text)))


def _offsets(text: str) -> Iterator[tuple[str, int]]:
    """(path, offset) of every part, in the order of the text.

    The stack has an entry for each object and list around the present token: its path, and the
    number of the present element; None in an object.
    """
    stack: list[tuple[str, int | None]] = []
    here, named = "", False
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "]}":
            stack.pop()
        elif mark == ",":
            path, number = stack[-1]
            stack[-1] = (path, None if number is None else number + 1)
            named = False
        elif mark != ":":
            path, number = stack[-1] if stack else ("", None)
            if number is not None:
                here = f"{path}[{number}]"
                yield here, token.start()
            elif stack and not named:
                named = True
                here = f"{path}.{_key(mark)}" if path else _key(mark)
                yield here, token.start()
                continue
            if mark in "[{":
                stack.append((here, 0 if mark == "[" else None))
                named = False


def _key(token: str) -> str:
    """The name that a JSON string is; msgspec has read it before, so it can be read."""
    return msgspec.json.decode(token, type=str) if "\\" in token else token[1:-1]
