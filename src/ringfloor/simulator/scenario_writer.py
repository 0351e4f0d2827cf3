"""Writing: a scenario as a TOML file, of the table that one was read from.

Called by whoever changes a scenario and keeps it: the distributions and flows of the file stay as
they were written. Tables inside tables of names (agents.early) get a head of their own, whatever is
further inside stands on a line.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

HEADS = 2
"""Levels of tables that have heads."""


def text(table: Mapping[str, Any]) -> str:
    """The file."""
    return "\n".join(_lines(table, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    inside = {
        name: each
        for name, each in table.items()
        if isinstance(each, Mapping) and len(path) < HEADS
    }
    own = {name: each for name, each in table.items() if name not in inside}
    if path and (own or not inside):
        yield ""
        yield f"[{'.'.join(map(_name, path))}]"
    for name, each in own.items():
        yield f"{_name(name)} = {value(each)}"
    for name, each in inside.items():
        yield from _lines(each, (*path, name))


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(words: str) -> str:
    plain = words.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda each: f"\\u{ord(each[0]):04x}", plain) + '"'


def value(told: Any) -> str:  # noqa: ANN401  any TOML value
    """On one line."""
    match told:
        case bool():
            return "true" if told else "false"
        case str():
            return _quoted(told)
        case datetime() | date():
            return told.isoformat()
        case Mapping():
            inner = ", ".join(f"{_name(name)} = {value(each)}" for name, each in told.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(map(value, told))}]"
        case _:
            return repr(told)
