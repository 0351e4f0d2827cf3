"""Scene: one action of one contact, what it is given, and how it can go.

Every module of blocks is written in these words. All of them are total: a parameter of a wrong kind
fails the action, never the program, because SAVED content may hold anything.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from ringfloor.base import codec
from ringfloor.base.limits import FLOW_NESTING_MAX, FLOW_TEXT_CHARS_MAX, FUNCTION_BYTES_MAX
from ringfloor.base.time import SECOND, Duration
from ringfloor.domain.dialogue import Ask, Done, Heard, Result, Session
from ringfloor.flow import references
from ringfloor.flow.catalog import NO_MATCHING_ERROR
from ringfloor.flow.document import Action, depth
from ringfloor.flow.values import as_whole

View = Mapping[str, Any]
"""What the engine lets a flow see of its contact: a JSON value by the name of its root.

Every root of the behaviour specification, section 6.3, that the center knows: ContactId, Channel,
Attributes, Queue, CustomerEndpoint, Agent ... A root may be absent or None. Those in _OWN are the
session's, whatever a view says.
"""

_OWN: Mapping[str, Callable[[Session], Any]] = {
    "External": lambda session: session.external,
    "LambdaInvocation": lambda session: {"ResultData": session.external},
    "StoredCustomerInput": lambda session: session.stored_input,
    "FlowAttributes": lambda session: session.flow_attributes,
    "Modules": lambda session: {"Input": session.module_input, **(session.module_result or {})},
    "Metrics": lambda session: session.metrics,
    "Views": lambda session: session.views,
    "Lex": lambda session: {
        name: found for name, found in (session.lex or {}).items() if name != STATE
    },
}
"""What the flow itself has learned."""

STATE = "_"
"""Where session.lex keeps a conversation with a bot that is under way (bots)."""


class Scene:
    """One action of one contact, at the moment it is asked or hears."""

    __slots__ = ("action", "parameters", "session", "view")

    def __init__(self, action: Action, session: Session, view: View) -> None:
        self.action = action
        self.parameters = action.parameters
        self.session = session
        self.view = view

    @property
    def channel(self) -> str:
        """VOICE, CHAT, TASK or EMAIL; who does not say is on the telephone."""
        return str(self.view.get("Channel") or "VOICE")

    def root(self, name: str) -> Any:  # noqa: ANN401  any JSON value
        own = _OWN.get(name)
        return self.view.get(name) if own is None else own(self.session)

    def text(self, name: str) -> str | None:
        """A parameter with references anywhere in it; None when it is not given."""
        given = self.parameters.get(name)
        return None if given is None else self.written(given)

    def written(self, given: object) -> str:
        """Any value as a text whose references are replaced."""
        return references.interpolate(references.as_text(given), self.root)

    def single(self, name: str) -> str:
        """A parameter that is one reference or none; "" when it comes to nothing."""
        return self.value(self.parameters.get(name))

    def value(self, given: object) -> str:
        """What one reference leads to, or the text itself; "" for anything else."""
        if not isinstance(given, str):
            return ""
        return references.as_text(references.value(given, self.root))

    def record(self, name: str) -> dict[str, Any]:
        """A parameter that is an object."""
        return as_record(self.parameters.get(name))

    def texts(self, name: str, size_max: int) -> dict[str, str] | None:
        """A parameter whose keys and members are texts with references; None when too long."""
        texts: dict[str, str] = {}
        size = 0
        for key, given in self.record(name).items():
            written = self.written(key)
            texts[written] = self.written(given)
            size += len(written.encode()) + len(texts[written].encode())
            if size > size_max:
                return None
        return texts

    def resolved(self, given: object) -> Any:  # noqa: ANN401  any JSON value
        """A JSON value with its references replaced, however deep; None when too long.

        A text that is nothing but one reference becomes what that leads to, of whatever kind.
        """
        budget = [FLOW_TEXT_CHARS_MAX]
        found = self._resolve(given, budget)
        return found if budget[0] >= 0 else None

    def _resolve(self, given: object, budget: list[int]) -> Any:  # noqa: ANN401  any JSON value
        if budget[0] < 0:
            return None
        if isinstance(given, dict):
            budget[0] -= sum(map(len, given))
            return {key: self._resolve(member, budget) for key, member in given.items()}
        if isinstance(given, list):
            return [self._resolve(member, budget) for member in given]
        if not isinstance(given, str):
            return given
        if references.is_reference(given):
            found = references.value(given, self.root)
            budget[0] -= len(references.as_text(found))
            return found
        text = references.interpolate(given, self.root)
        budget[0] -= len(text)
        return text

    def whole(self, given: object, least: int, most: int) -> int | None:
        """A number, or what a reference leads to when that is one, within its bounds."""
        if isinstance(given, str):
            given = references.value(given, self.root)
        number = as_whole(given)
        return None if number is None else min(max(number, least), most)

    def milliseconds(
        self, given: object, otherwise: Duration, most: int = 180, least: int = 1
    ) -> Duration:
        """Seconds, at least and at most so many, in milliseconds."""
        seconds = self.whole(given, least, most)
        return otherwise if seconds is None else seconds * SECOND


def as_record(given: object) -> dict[str, Any]:
    """An object; empty when it is anything else."""
    return given if isinstance(given, dict) else {}


class Outcome(NamedTuple):
    """How an action went: neither a result nor an error is plain success."""

    result: str | None = None
    """What the conditions are held against."""
    error: str | None = None
    session: Session | None = None
    """The session as the action has changed it."""
    over: bool = False
    """The flow ends here, as it should."""
    ask: Ask | None = None
    """The action is not through: it asks this next."""


SUCCESS = Outcome()
FAILURE = Outcome(error=NO_MATCHING_ERROR)
OVER = Outcome(over=True)

Support = Literal["yes", "error", "nothing"]
"""What an action does on a channel: its work, its error branch, or nothing, with success."""


class On(NamedTuple):
    """The channels, and what an action does on each."""

    voice: Support = "yes"
    chat: Support = "yes"
    task: Support = "yes"
    email: Support = "yes"


EVERYWHERE = On()
VOICE_ONLY = On(chat="error", task="error", email="error")


def done(_scene: Scene, heard: Heard) -> Outcome:
    """What was asked for has been done."""
    return SUCCESS if isinstance(heard, Done) else FAILURE


class Block(NamedTuple):
    """How one type of action is executed. hear is not called with Failed: that is its error."""

    ask: Callable[[Scene], Ask | Outcome]
    hear: Callable[[Scene, Heard], Outcome] = done
    on: On = EVERYWHERE


def over(_scene: Scene, _heard: Heard) -> Outcome:
    """What the action asks for is the end of the flow."""
    return OVER


def over_when_done(_scene: Scene, heard: Heard) -> Outcome:
    """The flow ends if what was asked for has been done."""
    return OVER if isinstance(heard, Done) else FAILURE


def result(_scene: Scene, heard: Heard) -> Outcome:
    """Conditions are held against what was found."""
    return Outcome(result=heard.value) if isinstance(heard, Result) else FAILURE


def checked_reply(payload: Any, *, is_map: bool) -> Any:  # noqa: ANN401  any JSON value
    """What somebody replied, as the session keeps it; ValueError when it may not become that.

    is_map: STRING_MAP, a flat object of scalars; else any JSON. Source: behaviour specification,
    section 6.5.
    """
    try:
        written = msgspec.json.encode(payload)
        if len(written) > FUNCTION_BYTES_MAX:
            raise ValueError(f"a reply has at most {FUNCTION_BYTES_MAX} bytes")
        reply = msgspec.json.decode(written)
        codec.encode(reply)  # what the journal cannot keep is no reply
    except (TypeError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if depth(reply) > FLOW_NESTING_MAX:
        raise ValueError(f"a reply nests at most {FLOW_NESTING_MAX} levels")
    if is_map and not (isinstance(reply, dict) and not any(map(_is_nested, reply.values()))):
        raise ValueError("a STRING_MAP is a flat object")
    return reply


def _is_nested(found: object) -> bool:
    return isinstance(found, dict | list)


def checked_record(payload: object) -> dict[str, Any] | None:
    """A reply that is an object; None when it may not be kept."""
    try:
        reply = checked_reply(payload, is_map=False)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) else None
