"""Boxes: what is drawn of each action, and how large.

svg draws them, layers and routes place them. A box has a title, what the action is given, and a row
for each way out of it. Ways that lead to the same action share a row when they are alike: all
errors, or all results.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ringfloor.flow import catalog
from ringfloor.flow.document import Action, Flow
from ringfloor.flow.draw import words
from ringfloor.flow.draw.words import Sort

WIDTH = 236
HEAD = 26
LINE = 15
ROW = 17
EDGE = 10
"""Pixels: of a box, its head, a line of text, a row, and the margin inside."""

LINES_MAX = 4
NOWHERE = ""


class Way(NamedTuple):
    """A way out of an action. target: NOWHERE where no action is. y: from the top of the box."""

    label: tuple[str, ...]
    target: str
    fails: bool
    y: float


class Box(NamedTuple):
    """One action as it is drawn."""

    identifier: str
    title: str
    sort: Sort
    name: str
    """What its author called it; empty if that is only an id."""
    lines: tuple[str, ...]
    ways: tuple[Way, ...]
    height: float
    ends: bool
    tip: str


def boxes(flow: Flow, metadata: Mapping[str, Any]) -> dict[str, Box]:
    """Every action's box. metadata: what the console keeps of each action, by identifier."""
    return {
        identifier: _box(action, flow, metadata.get(identifier))
        for identifier, action in flow.actions.items()
    }


def _box(action: Action, flow: Flow, kept: object) -> Box:
    title, sort = words.heading(action)
    display = kept.get("parameters") if isinstance(kept, dict) else None
    told = list(words.told(action, display if isinstance(display, dict) else {}))
    lines = [line for text in told for line in wrapped(text, WIDTH - 2 * EDGE, 11)]
    if len(lines) > LINES_MAX:
        lines = [*lines[: LINES_MAX - 1], cut(lines[LINES_MAX - 1] + " …", WIDTH - 2 * EDGE, 11)]
    name = "" if _is_id(action.identifier) else action.identifier
    top = HEAD + (LINE if name else 0) + LINE * len(lines)
    top += 6 if name or lines else 0
    ways = tuple(_placed(branches(action, flow), top))
    rows = sum(len(way.label) for way in ways) if len(ways) > 1 or _labelled(ways) else 0
    height = top + ROW * rows + (4 if rows else 0)
    if not rows:
        ways = tuple(way._replace(y=HEAD / 2, label=()) for way in ways)
    tip = "\n".join([f"{title} ({action.type})", action.identifier, *told])
    ends = not ways or sort is Sort.END
    return Box(action.identifier, title, sort, name, tuple(lines), ways, height, ends, tip)


def _labelled(ways: tuple[Way, ...]) -> bool:
    return any(way.label != (ON,) for way in ways)


def _is_id(identifier: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}.*", identifier) is not None


# Ways out

ON = "Success"
OTHERWISE = "Default"


def branches(action: Action, flow: Flow) -> list[tuple[str, str, bool]]:
    """(label, target, fails) of each way that a contact can take out of an action.

    NextAction is no way where a result always takes a branch of its own, nor where success leads
    out of the flow: the console writes it there, and it is never followed.
    """
    found = [
        (words.condition(action, each), _target(flow, each.next), False)
        for each in action.conditions
    ]
    if action.next is not None and not _decided(action):
        label = OTHERWISE if action.conditions else ON
        found.insert(0 if label == ON else len(found), (label, _target(flow, action.next), False))
    return [
        *found,
        *((words.error(name), _target(flow, target), True) for name, target in action.errors),
    ]


LEAVES = frozenset({"DequeueContactAndTransferToQueue", "TransferContactToQueue", "TransferToFlow"})
"""Types that take a contact out of the flow, unless they fail."""


def _decided(action: Action) -> bool:
    row = catalog.row_of(action.type, action.parameters)
    if action.type in LEAVES:
        return True
    if row is None or not action.conditions:
        return False
    given = {condition.operand for condition in action.conditions}
    otherwise = any(name == catalog.NO_MATCHING_CONDITION for name, _ in action.errors)
    complete = bool(row.outcomes) and row.outcomes <= given
    return complete or (otherwise and catalog.NO_MATCHING_CONDITION in row.errors)


def _target(flow: Flow, target: str) -> str:
    return target if target in flow.actions else NOWHERE


def _placed(found: list[tuple[str, str, bool]], top: float) -> Iterator[Way]:
    """Alike ways in one row, each row at its place below what the action is given."""
    rows: dict[tuple[str, bool], list[str]] = {}
    for label, target, fails in found:
        rows.setdefault((target, fails), []).append(label)
    y = top
    for (target, fails), labels in rows.items():
        distinct = list(dict.fromkeys(labels))
        text = tuple(wrapped(" · ".join(distinct), WIDTH - 2 * EDGE - 6, 11))
        text = (*text[:2], cut(f"{text[2]} …", WIDTH - 2 * EDGE, 11)) if len(text) > 3 else text
        yield Way(text, target, fails, y + ROW * len(text) / 2)
        y += ROW * len(text)


def kept(content: str) -> Mapping[str, Any]:
    """What the console keeps of each action of a flow; content is JSON."""
    document = msgspec.json.decode(content)
    metadata = document.get("Metadata")
    found = metadata.get("ActionMetadata") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


# Text

_WIDTHS: Mapping[str, float] = {
    letter: width
    for letters, width in (
        ("ijl' .,I|J:;/\\·", 0.34),
        ("ft()[]-!r", 0.41),
        ('cksvxyz"_*?“”L', 0.59),
        ("abdeghnopqu0123456789EFPSTY${}", 0.64),
        ("ABCKRVXZ", 0.7),
        ("DGHNOQUw&", 0.8),
        ("mMW%@=+<>#…", 1.0),
    )
    for letter in letters
}
"""Widths of letters in parts of their size: of a wide face, so that texts fit in whatever face a
reader has. Any other letter is 0.65 wide, those of East Asia 1.
"""


def wide(text: str, size: float) -> float:
    """How wide a text is, about."""
    return size * sum(_WIDTHS.get(letter, 0.65) if ord(letter) < 0x2E80 else 1.0 for letter in text)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """A text in lines of at most this width; longer words are broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        rest = word
        if line and wide(f"{line} {rest}", size) <= width:
            line = f"{line} {rest}"
            continue
        if line:
            lines.append(line)
        while wide(rest, size) > width:
            piece = _piece(rest, width, size)
            lines.append(piece)
            rest = rest[len(piece) :]
        line = rest
    return [*lines, line] if line else lines


def _piece(word: str, width: float, size: float) -> str:
    """The longest beginning that fits, at least one letter."""
    taken = 0.0
    for number, letter in enumerate(word):
        taken += wide(letter, size)
        if taken > width:
            return word[: max(1, number)]
    return word


def cut(text: str, width: float, size: float) -> str:
    """A text that fits, with … for what does not."""
    if wide(text, size) <= width:
        return text
    return _piece(text, width - size, size).rstrip(" …") + " …"
