"""References: the dynamic values of the flow language, `$.Attributes.name` and its kin.

blocks asks for the value of a whole parameter (value) or of a text with references in it
(interpolate); catalog asks whether a parameter is a reference at all.

Where values come from is a Roots: a function from the name of a root (Attributes, Queue, External
...) to its value, or None. interpreter makes it from the session and from the engine's view.

The rules, where public sources leave them open:

* A bare key is made of ASCII letters, digits, `_`, and `-` between them; a root starts with a
  letter. So `$5.00` and `$.50` are text, and a full stop or a comma after a reference is not part
  of it. Any other key is written in brackets: `$.Attributes['my key']`.
* A list is indexed by `[0]` or by `.0`.
* What a reference leads to is never searched for references again.
* An unknown path is "" in a text and None as a value. Numbers, booleans, lists and objects become
  their JSON text.

Sources: behaviour specification, section 6.3; Amazon Connect administrator guide, List of available
contact attributes and their JSONPath references.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ringfloor.base.limits import FLOW_TEXT_CHARS_MAX

Roots = Callable[[str], Any]
"""The value of a root by its name; None when there is none."""

_KEY = r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*"
_ROOT = r"[A-Za-z][A-Za-z0-9_]*"
_STEP = rf"\.({_KEY})|\[([0-9]{{1,9}})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]"
_STEP_ANY = re.sub(r"\((?!\?)", "(?:", _STEP)
_REFERENCE = re.compile(rf"\$\.{_ROOT}(?:{_STEP_ANY})*")
_PART = re.compile(rf"\$\.({_ROOT})|{_STEP}")


def is_reference(text: str) -> bool:
    """Whether the whole text is exactly one reference."""
    return text.startswith("$.") and _REFERENCE.fullmatch(text) is not None


def value(text: str, roots: Roots) -> Any:  # noqa: ANN401  whatever JSON the path leads to
    """A "static or single JSONPath" parameter: what its reference leads to, or the text itself."""
    if not text.startswith("$.") or _REFERENCE.fullmatch(text) is None:
        return text
    return _walk(text, roots)


def interpolate(text: str, roots: Roots) -> str:
    """A text with every reference replaced by the text of its value.

    The result is cut to FLOW_TEXT_CHARS_MAX: many references to one long value would otherwise fill
    the memory. Whoever takes such a text has a lower limit and refuses it.
    """
    if "$." not in text:
        return text
    pieces: list[str] = []
    size = done = 0
    for match in _REFERENCE.finditer(text):
        found = as_text(_walk(match[0], roots))
        pieces += (text[done : match.start()], found)
        size += match.start() - done + len(found)
        done = match.end()
        if size > FLOW_TEXT_CHARS_MAX:
            break
    pieces.append(text[done:])
    return "".join(pieces)[:FLOW_TEXT_CHARS_MAX]


def as_text(found: Any) -> str:  # noqa: ANN401  any JSON value
    """A value as a text shows it."""
    if isinstance(found, str):
        return found
    return "" if found is None else msgspec.json.encode(found).decode()


def _walk(reference: str, roots: Roots) -> Any:  # noqa: ANN401  whatever JSON the path leads to
    parts = _kept_parts if len(reference) <= _KEPT_CHARS_MAX else _parts
    root, *steps = parts(reference)
    node = roots(root)
    for step in steps:
        if isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, list | tuple) and step.isascii() and step.isdigit():
            place = int(step[:9])
            node = node[place] if place < len(node) else None
        else:
            return None
    return node


def _parts(reference: str) -> tuple[str, ...]:
    """The root and the keys of a reference."""
    return tuple(next(filter(None, match.groups()), "") for match in _PART.finditer(reference))


_KEPT_CHARS_MAX = 200
_kept_parts = lru_cache(maxsize=4_096)(_parts)
"""The same references are met on every contact; very long ones are not worth their memory."""
