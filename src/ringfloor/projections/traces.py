"""Traces: what each contact has been through in its flows, action by action, in the order of time.

The node owns one per instance and tells it every durable event, in order. When a contact is final
its trace becomes a fact for the historical store, and is forgotten here. Rules:

* A step is one action: when it was come to, what it asked, what was heard, and the result or the
  error by which it was left. What asks nobody is come to and left at once.
* The step that a side is in has not been left yet; one that was never left (a transfer, the end of
  the flow) stays so. Who invokes a module is come to before the module and left after it: two
  steps.
* What is asked and heard is told in short. What a customer typed and was encrypted is here as it is
  in the journal: encrypted.
* A trace is bounded; of one that grows beyond that the oldest steps are dropped and counted.

Steps are kept encoded: most are never read, and there may be 100,000 contacts.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ringfloor.base.codec import encode
from ringfloor.base.limits import TRACE_BYTES_MAX, TRACE_TEXT_CHARS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, events
from ringfloor.domain.contact import Side
from ringfloor.domain.events import Event
from ringfloor.domain.facts import Fact, Trace


class Step(Struct, frozen=True, array_like=True):
    """One action that a contact has come to."""

    at: Instant
    side: Side
    flow_id: str
    """Of a flow or a module, perhaps with its version."""
    action: str
    """Its identifier; empty: the flow had nowhere to go."""
    type: str
    outcome: str | None = None
    """The result or the error by which it was left; None: plain success, or not left."""
    left_at: Instant | None = None
    asked: str | None = None
    heard: str | None = None


class Kept(Struct, array_like=True):
    """The trace of one contact. steps: encoded, oldest first; size: of all of them, in bytes."""

    steps: list[bytes] = field(default_factory=list)
    open: dict[Side, Step] = field(default_factory=dict)
    """Where each side is."""
    dropped: int = 0
    size: int = 0


class Steps(NamedTuple):
    """A trace as it is read. dropped: so many older steps are not kept."""

    steps: list[Step]
    dropped: int


_decode_step = msgspec.msgpack.Decoder(Step).decode
_decode_kept = msgspec.msgpack.Decoder(Kept).decode
_decode = msgspec.msgpack.Decoder(dict[str, Kept]).decode


class Traces:
    """The traces of one instance's contacts that are not final."""

    __slots__ = ("_kept",)
    __hash__ = None  # type: ignore[assignment]  # mutable, compared by value

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def on(self, event: Event, at: Instant) -> list[Fact]:
        """Let it have happened; the trace that became final by it."""
        match event:
            case events.FlowStepped():
                kept = self._kept.setdefault(event.contact_id, Kept())
                for step in walked(kept.open.pop(event.side, None), event, at):
                    _keep(kept, step)
                kept.open[event.side] = come_to(event, at)
            case events.ContactCompleted(contact=contact):
                final = self._kept.pop(contact.id, None)
                if final is not None:
                    told = Trace(
                        contact_id=contact.id,
                        initiated_at=contact.initiated_at,
                        steps=encode(final),
                    )
                    return [told]
            case _:
                pass
        return []

    def steps(self, contact_id: str) -> Steps:
        """The trace of a contact so far; empty if it is not known."""
        return _read(self._kept.get(contact_id, Kept()))

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return encode(self._kept)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        self = cls()
        self._kept = _decode(snapshot)
        return self

    def __eq__(  # type: ignore[explicit-override]  # typing.override came after 3.11
        self, other: object
    ) -> bool:
        return self._kept == other._kept if isinstance(other, Traces) else NotImplemented


def kept(steps: bytes) -> Steps:
    """A trace as the historical store has it."""
    return _read(_decode_kept(steps))


def _read(trace: Kept) -> Steps:
    """By the time of arrival; of the same instant, as they were left."""
    found = [_decode_step(each) for each in trace.steps]
    found += trace.open.values()
    found.sort(key=lambda step: step.at)
    return Steps(found, trace.dropped)


def _keep(trace: Kept, step: Step) -> None:
    encoded = encode(step)
    trace.steps.append(encoded)
    trace.size += len(encoded)
    while trace.size > TRACE_BYTES_MAX:
        trace.size -= len(trace.steps.pop(0))
        trace.dropped += 1


# One event


def walked(open_step: Step | None, event: events.FlowStepped, at: Instant) -> Iterator[Step]:
    """What became of the step that the side was in, and what it has passed since."""
    flow_id, path = event.session.flow_id, list(event.path)
    heard = None if event.heard is None else _heard(event.heard)
    same = (
        open_step is not None
        and bool(path)
        and (open_step.flow_id, open_step.action) == (flow_id, path[0].action)
    )
    if open_step is not None and same:
        yield replace(open_step, outcome=path.pop(0).outcome, left_at=at, heard=heard)
        heard = None
    elif open_step is not None and not path and event.heard is not None:
        yield replace(open_step, left_at=at, heard=heard)
        heard = None
    elif open_step is not None:
        yield open_step
    for passed in path:
        yield Step(
            at, event.side, flow_id, passed.action, passed.type, passed.outcome, at, heard=heard
        )
        heard = None


def come_to(event: events.FlowStepped, at: Instant) -> Step:
    """Where the side is now."""
    session = event.session
    nowhere = isinstance(event.ask, dialogue.End) and not event.action_type
    action = "" if nowhere else session.action or ""
    return Step(at, event.side, session.flow_id, action, event.action_type, asked=_asked(event.ask))


# In short


def _asked(ask: dialogue.Ask) -> str:
    """What is asked: a word for the kind of it, and the essence."""
    said = type(ask).__struct_config__.tag
    match ask:
        case dialogue.Play(prompt=prompt):
            return _short(f"{said} {_json(prompt.value)}")
        case dialogue.Gather(prompt=prompt, encryption=encryption):
            words = "" if prompt is None else f" {_json(prompt.value)}"
            key = "" if encryption is None else f", encrypted with {encryption.key_id}"
            return _short(f"{said} up to {ask.max_digits} keys{key}:{words}".removesuffix(":"))
        case dialogue.Invoke():
            return _short(f"{said} {ask.function_arn} {_json(ask.parameters)}")
        case dialogue.InvokeBot():
            return _short(f"{said} {ask.bot} {_json(ask.event.get('text'))}")
        case dialogue.End(reason=reason):
            return f"{said}: {reason}"
        case _:
            members = msgspec.to_builtins(ask)
            del members["type"]
            shown = {name: value for name, value in members.items() if value not in (None, {}, [])}
            return _short(f"{said} {_json(shown)}" if shown else str(said))


def _heard(heard: dialogue.Heard) -> str | None:
    """What was heard; None: that it is done."""
    match heard:
        case dialogue.Done():
            return None
        case dialogue.Failed(error=error):
            return error
        case dialogue.Digits(digits=digits, reason=reason):
            return f"{_short(digits)} ({reason})" if digits else reason
        case dialogue.Answer(payload=payload):
            return _short(_json(payload))
        case dialogue.Result(value=value):
            return _short(value)
        case dialogue.Said(text=text):
            return _short(_json(text))
        case dialogue.ViewAnswer(action=action, data=data):
            return _short(f"{action} {_json(data)}")
        case dialogue.Left(result=result, output=output):
            return _short(f"{result or 'left'} {_json(output)}")


def _json(value: Any) -> str:  # noqa: ANN401  any JSON value
    return msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    if len(text) <= TRACE_TEXT_CHARS_MAX:
        return text
    return text[: TRACE_TEXT_CHARS_MAX - 1] + "…"
