"""Dialogue: what a flow asks of the world, what it hears back, and where it stands.

The flow floor produces asks and takes what was heard; the engine carries both; the journal keeps
them. All are small values that survive MessagePack.
"""

from typing import Any, Literal

from msgspec import Struct, field

from ringfloor.base.time import Duration


class Session(Struct, frozen=True, kw_only=True):
    """Where a contact stands in a flow; small enough to journal at every step."""

    flow_id: str
    action: str | None = None
    """Identifier of the current action; None before the start action."""
    external: Any = None
    """$.External: the last successful function reply."""
    stored_input: str | None = None
    flow_attributes: dict[str, Any] = field(default_factory=dict)
    logging: bool = False
    module_input: dict[str, Any] | None = None
    """$.Modules.Input: what a module was invoked with."""


class Prompt(Struct, frozen=True):
    """Something to hear. value: the text, the SSML, or the prompt's id, references resolved."""

    kind: Literal["text", "ssml", "prompt_id"]
    value: str


# What a flow asks. Each ask is answered by exactly one thing heard.


class Play(Struct, frozen=True, tag="play"):
    prompt: Prompt


class Gather(Struct, frozen=True, tag="gather", kw_only=True):
    """Play, then collect digits."""

    prompt: Prompt | None
    max_digits: int
    first_digit_ms: Duration
    inter_digit_ms: Duration
    terminators: str
    cancel_key: bool


class Invoke(Struct, frozen=True, tag="invoke", kw_only=True):
    """Call a function; the event sent is built from the view (behaviour specification, 6.5)."""

    function_arn: str
    parameters: dict[str, Any]
    timeout_ms: Duration
    response_type: Literal["STRING_MAP", "JSON"] = "STRING_MAP"
    asynchronous: bool = False


class SetAttributes(Struct, frozen=True, tag="set_attributes"):
    attributes: dict[str, str]
    target: Literal["Current", "Related"] = "Current"


class SetTargetQueue(Struct, frozen=True, tag="set_target_queue", kw_only=True):
    """Exactly one of the two, as an id or an ARN."""

    queue_id: str | None = None
    agent_id: str | None = None


class TransferToQueue(Struct, frozen=True, tag="transfer_to_queue"):
    pass


class EnterFlow(Struct, frozen=True, tag="enter_flow"):
    flow_id: str


class EnterModule(Struct, frozen=True, tag="enter_module"):
    """Run a module, then answer with how that went. input: texts, references resolved."""

    module_id: str
    input: dict[str, str]


class LeaveModule(Struct, frozen=True, tag="leave_module"):
    """The module is over; whoever has invoked it goes on. Outside of a module: as End."""


class SetLogging(Struct, frozen=True, tag="set_logging"):
    enabled: bool


class Disconnect(Struct, frozen=True, tag="disconnect"):
    pass


class End(Struct, frozen=True, tag="end"):
    """The flow is over; without a queue or an agent the contact ends too."""

    reason: Literal["finished", "dead_end", "too_many_actions"]


Ask = (
    Play
    | Gather
    | Invoke
    | SetAttributes
    | SetTargetQueue
    | TransferToQueue
    | EnterFlow
    | EnterModule
    | LeaveModule
    | SetLogging
    | Disconnect
    | End
)

# What a flow hears.


class Done(Struct, frozen=True, tag="done"):
    pass


class Failed(Struct, frozen=True, tag="failed"):
    """error: an ErrorType of the flow language, e.g. NoMatchingError, QueueAtCapacity."""

    error: str


GatherReason = Literal["terminated", "max_digits", "inter_digit_timeout", "no_input", "cancelled"]


class Digits(Struct, frozen=True, tag="digits"):
    digits: str
    reason: GatherReason


class Answer(Struct, frozen=True, tag="answer"):
    """What a function replied, as decoded JSON."""

    payload: Any


Heard = Done | Failed | Digits | Answer
