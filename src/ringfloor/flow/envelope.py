"""Envelope: the flows in a file that a person keeps, however it came there.

The commands on flows read files with it. A file holds flow language itself; or the answer of
DescribeContactFlow or DescribeContactFlowModule, or the request of CreateContactFlow, whose Content
is the flow as text or as an object; or a list of any of these. What the file says of a flow's name
and type is taken over; the console's export says it in Metadata.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ringfloor.base.errors import Fault
from ringfloor.flow.catalog import FLOW_TYPES
from ringfloor.flow.positions import Place, Positions, positions

MODULE = "MODULE"
TYPES = (*sorted(FLOW_TYPES), "CAMPAIGN", MODULE)
"""The types of flows, and what is none of them but written in the same language."""

_WRAPPERS = ("ContactFlow", "ContactFlowModule")
_TYPES = {name.replace("_", "").lower(): name for name in TYPES} | {
    "contactflowmodule": MODULE,
    "flowmodule": MODULE,
    "transfertoagent": "AGENT_TRANSFER",
    "transfertoqueue": "QUEUE_TRANSFER",
}
_BYTE = re.compile(r"\(byte ([0-9]+)\)")


class Letter(NamedTuple):
    """One flow in a file. name, flow_type: as far as the file says."""

    name: str | None
    flow_type: str | None
    content: str
    where: Positions
    prefix: str
    """The path of the content in the file; empty when it is the file."""
    sealed: bool
    """Whether the content stands in the file as one text, on one line."""

    def at(self, path: str) -> Place:
        """Where a part of the content stands in the file."""
        if self.sealed or not path:
            return self.where.at(self.prefix)
        return self.where.at(f"{self.prefix}.{path}" if self.prefix else path)


class Unreadable(Fault):
    """The file holds no flow; where that shows."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


def letters(text: str) -> list[Letter]:
    """The flows in a file's text; raises Unreadable."""
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreadable(_broken(text, str(error)), f"it is not JSON: {error}") from error
    where = positions(text)
    found = list(_opened(whole, "", None, text, where))
    if not found:
        raise Unreadable(Place(1, 1), "it holds an empty list")
    return found


def _broken(text: str, reason: str) -> Place:
    """Where JSON stops being JSON; its end when there is too little of it."""
    byte = _BYTE.search(reason)
    whole = text.encode()
    return Positions(text, {}).place(
        len(whole[: int(byte[1])].decode(errors="ignore")) if byte else len(text)
    )


def _opened(
    found: Any,  # noqa: ANN401  any JSON value
    path: str,
    kind: str | None,
    text: str,
    where: Positions,
) -> Iterator[Letter]:
    """The flows in a part of the file. kind: MODULE when the part around it says so."""
    if isinstance(found, list):
        for number, each in enumerate(found):
            yield from _opened(each, f"{path}[{number}]", kind, text, where)
        return
    if not isinstance(found, dict):
        rule = "it is neither a flow (an object with StartAction and Actions) nor a list of flows"
        raise Unreadable(where.at(path), rule)
    wrapper = next((name for name in _WRAPPERS if isinstance(found.get(name), dict)), None)
    if wrapper is not None:
        kind = MODULE if wrapper == "ContactFlowModule" else kind
        inner = f"{path}.{wrapper}" if path else wrapper
        yield from _opened(found[wrapper], inner, kind, text, where)
        return
    if "Actions" not in found and isinstance(found.get("Content"), str | dict):
        content = found["Content"]
        inner = f"{path}.Content" if path else "Content"
        sealed = isinstance(content, str)
        body = _decoded(content) if sealed else content
        written = content if sealed else _encoded(content)
        said = (_word(found.get("Name")), _type(found.get("Type")) or kind)
        yield _letter(body, said, written, where, (inner, sealed))
        return
    content = _encoded(found) if path else text
    yield _letter(found, (None, kind), content, where, (path, False))


def _letter(
    body: Any,  # noqa: ANN401  any JSON value
    said: tuple[str | None, str | None],
    content: str,
    where: Positions,
    at: tuple[str, bool],
) -> Letter:
    """said: name and type as told around the content."""
    body = body if isinstance(body, dict) else {}
    metadata = body.get("Metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, flow_type = said
    name = name or _word(metadata.get("name")) or _word(metadata.get("Name"))
    flow_type = flow_type or _type(metadata.get("type")) or _type(metadata.get("Type"))
    if flow_type is None and _is_module(body):
        flow_type = MODULE
    prefix, sealed = at
    return Letter(name, flow_type, content, where, prefix, sealed)


def _is_module(body: dict[str, Any]) -> bool:
    """Only modules have settings, and only they end with EndFlowModuleExecution."""
    actions = body.get("Actions")
    types = [each.get("Type") for each in actions or () if isinstance(each, dict)]
    return "Settings" in body or "EndFlowModuleExecution" in types


def _type(given: object) -> str | None:
    """A type in the API's words or the console's (contactFlow, customerQueue)."""
    return _TYPES.get(re.sub("[^a-z]", "", given.lower())) if isinstance(given, str) else None


def _word(given: object) -> str | None:
    return given.strip() or None if isinstance(given, str) else None


def _decoded(text: str) -> Any:  # noqa: ANN401  any JSON value
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _encoded(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document)).decode()
