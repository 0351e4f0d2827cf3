"""Dialogue: what a flow asks of the world, what it hears back, and where it stands.

The flow floor produces asks and takes what was heard; the engine carries both; the journal keeps
them. All are small values that survive MessagePack.
"""

from operator import attrgetter
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ringfloor.base.time import Duration, Instant


class Session(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a contact stands in a flow; of LEARNT the journal gets what a step has changed."""

    flow_id: str
    action: str | None = None
    """Identifier of the current action; None before the start action."""
    external: Any = None
    """$.External: the last successful function reply."""
    stored_input: str | None = None
    flow_attributes: dict[str, Any] = field(default_factory=dict)
    module_input: dict[str, Any] | None = None
    """$.Modules.Input: what a module was invoked with."""
    loops: dict[str, int] = field(default_factory=dict)
    """Identifier of a Loop action to how often it has gone round."""
    metrics: dict[str, Any] | None = None
    """$.Metrics: what GetMetricData has found."""
    lex: dict[str, Any] | None = None
    """$.Lex, and what a bot needs to go on: the state of its session."""
    views: dict[str, Any] | None = None
    """$.Views: the last answer to a view."""
    module_result: dict[str, Any] | None = None
    """$.Modules.Result: what the last module has given back."""


LEARNT = (
    "external",
    "flow_attributes",
    "module_input",
    "metrics",
    "lex",
    "views",
    "module_result",
)
"""What of a session may be large."""

_learnt = attrgetter(*LEARNT)
_NOTHING = _learnt(Session(flow_id=""))
_EMPTY = dict(zip(LEARNT, _NOTHING, strict=True))
"""What has learnt nothing."""


def changed(session: Session, before: Session) -> tuple[Session, tuple[str, ...]]:
    """The session without what it has had before, and the names of that."""
    learnt = _learnt(session)
    if learnt == _NOTHING:
        return session, ()
    same = tuple(
        name
        for (name, empty), value, had in zip(_EMPTY.items(), learnt, _learnt(before), strict=True)
        if value is had and value != empty
    )
    return replace(session, **{name: _EMPTY[name] for name in same}), same


def whole(session: Session, before: Session, as_before: tuple[str, ...]) -> Session:
    """The session with what it has had before: the reverse of changed."""
    if not as_before:
        return session
    return replace(session, **{name: getattr(before, name) for name in as_before})


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
    encryption: "Encryption | None" = None
    """With what the digits are encrypted before anybody sees them."""


class Encryption(Struct, frozen=True):
    """Input that is stored encrypted. key: the certificate, PEM; key_id: what names it."""

    key_id: str
    key: str


class PlayLoop(Struct, frozen=True, tag="play_loop"):
    """Play these one after the other, again and again.

    interrupt_ms: every so often the flow hears Result("MessagesInterrupted"); None: never.
    """

    prompts: tuple[Prompt, ...]
    interrupt_ms: Duration | None = None


class Receive(Struct, frozen=True, tag="receive"):
    """Send a message, then wait for what the customer of a chat writes: Said."""

    prompt: Prompt | None
    timeout_ms: Duration


class Invoke(Struct, frozen=True, tag="invoke", kw_only=True):
    """Call a function; the event sent is built from the view (behaviour specification, 6.5)."""

    function_arn: str
    parameters: dict[str, Any]
    timeout_ms: Duration
    response_type: Literal["STRING_MAP", "JSON"] = "STRING_MAP"
    asynchronous: bool = False


class InvokeBot(Struct, frozen=True, tag="invoke_bot", kw_only=True):
    """Tell a bot what the customer has said; Answer: the bot's reply.

    bot: its alias ARN, or its name. event: the request, in the form of Lex V2's RecognizeText.
    """

    bot: str
    event: dict[str, Any]
    timeout_ms: Duration


class ShowView(Struct, frozen=True, tag="show_view", kw_only=True):
    """Show a view to the customer of a chat, or to an agent; ViewAnswer or TimeLimitExceeded."""

    view: str
    version: str | None
    data: dict[str, Any]
    timeout_ms: Duration


class TransferToNumber(Struct, frozen=True, tag="transfer_to_number", kw_only=True):
    """Connect the customer to a third party.

    resumes: the flow goes on when that party has left (Done), or could not be had (CallFailed,
    ConnectionTimeLimitExceeded); else the contact is over with the transfer.
    """

    number: str
    ring_ms: Duration
    resumes: bool
    digits: str = ""
    """Keys that are pressed when the third party has answered; a comma is a pause."""
    caller_id: str | None = None


class SetAttributes(Struct, frozen=True, tag="set_attributes"):
    attributes: dict[str, str]
    target: Literal["Current", "Related"] = "Current"


class SetTargetQueue(Struct, frozen=True, tag="set_target_queue", kw_only=True):
    """Exactly one of the two, as an id or an ARN."""

    queue_id: str | None = None
    agent_id: str | None = None


class TransferToQueue(Struct, frozen=True, tag="transfer_to_queue"):
    pass


class DequeueAndTransfer(Struct, frozen=True, tag="dequeue_and_transfer", kw_only=True):
    """From this queue into another, out of the customer queue flow; neither: the target queue."""

    queue_id: str | None = None
    agent_id: str | None = None


class TransferToAgent(Struct, frozen=True, tag="transfer_to_agent"):
    """Ring the agent for whom the transfer flow runs."""


class SetHooks(Struct, frozen=True, tag="set_hooks"):
    """Which flow runs at which event of the contact, by the key of UpdateContactEventHooks.

    hooks: id or ARN of a flow. disabled: whether the flow of that event runs at all.
    """

    hooks: dict[str, str]
    disabled: dict[str, bool] = field(default_factory=dict)


class SetRouting(Struct, frozen=True, tag="set_routing", kw_only=True):
    """Another rank; None: as before."""

    priority: int | None = None
    age_adjustment_ms: Duration | None = None


class SetRoutingCriteria(Struct, frozen=True, tag="set_routing_criteria"):
    """criteria: the API's RoutingCriteria, its references resolved."""

    criteria: dict[str, Any]


class SetRecording(Struct, frozen=True, tag="set_recording"):
    """behavior: parameters of the action as they stand."""

    behavior: dict[str, Any]


class SetStreaming(Struct, frozen=True, tag="set_streaming"):
    """Media streaming of the customer's audio on or off."""

    enabled: bool


class SetVoice(Struct, frozen=True, tag="set_voice", kw_only=True):
    """The voice that speaks texts from now on."""

    voice: str
    engine: str | None = None
    style: str | None = None


class SetData(Struct, frozen=True, tag="set_data", kw_only=True):
    """What UpdateContactData says of a contact; None: as before.

    references: name to (type, value).
    """

    name: str | None = None
    description: str | None = None
    language: str | None = None
    customer_id: str | None = None
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    segment_attributes: dict[str, str] = field(default_factory=dict)
    target: Literal["Current", "Related"] = "Current"


class SetTags(Struct, frozen=True, tag="set_tags"):
    """tags: None takes a tag away."""

    tags: dict[str, str | None]


class SetCallbackNumber(Struct, frozen=True, tag="set_callback_number"):
    """InvalidCallbackNumber, CallbackNumberNotDialable, or Done."""

    number: str


class SetPreviousParticipant(Struct, frozen=True, tag="set_previous_participant"):
    """Hold, or end the hold, of who is on the contact that this one came from."""

    state: Literal["AgentOnHold", "CustomerOnHold", "OffHold"]


class CompleteCall(Struct, frozen=True, tag="complete_call"):
    """Dial now, out of the outbound whisper flow. caller_id: E.164, instead of the queue's."""

    caller_id: str | None = None


class CreateTask(Struct, frozen=True, tag="create_task", kw_only=True):
    """Start a task beside this contact."""

    name: str
    description: str | None = None
    flow_id: str | None = None
    template_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    delay_ms: Duration = 0
    scheduled_at: Instant | None = None
    """When it is to start, instead of a delay."""


class CreateCallback(Struct, frozen=True, tag="create_callback", kw_only=True):
    """A queued callback to the contact's callback number; neither queue: the target queue.

    flow_id: customer first, with this flow, and the delay is ignored. attempts: at least 1.
    """

    queue_id: str | None = None
    agent_id: str | None = None
    delay_ms: Duration
    attempts: int
    retry_ms: Duration
    flow_id: str | None = None
    caller_id: str | None = None


class SetPaused(Struct, frozen=True, tag="set_paused"):
    """PauseContact and ResumeContact, of a task."""

    paused: bool


class CheckHours(Struct, frozen=True, tag="check_hours"):
    """Result("True") if these hours, or the target queue's, are open now; else "False"."""

    hours_id: str | None = None


class CheckMetric(Struct, frozen=True, tag="check_metric", kw_only=True):
    """Result: a number. metric: a MetricType of CheckMetricData; neither: the target queue."""

    metric: str
    queue_id: str | None = None
    agent_id: str | None = None


class GetMetrics(Struct, frozen=True, tag="get_metrics", kw_only=True):
    """Answer: {"Queue": {...}, "Agents": {...}} as $.Metrics has it; neither: the target queue.

    Contact: of a contact that is in queue. The world answers what has an estimated wait in it.
    """

    queue_id: str | None = None
    agent_id: str | None = None
    channel: str | None = None


class Draw(Struct, frozen=True, tag="draw"):
    """Result: a whole number from 1 to 100, by chance."""


class Wait(Struct, frozen=True, tag="wait"):
    """Result: WaitCompleted, or which of these events came first."""

    limit_ms: Duration
    events: tuple[str, ...] = ()


class CheckCall(Struct, frozen=True, tag="check_call"):
    """Result: CallAnswered, VoicemailBeep, VoicemailNoBeep or NotDetected."""


class EnterFlow(Struct, frozen=True, tag="enter_flow"):
    flow_id: str


class EnterModule(Struct, frozen=True, tag="enter_module"):
    """Run a module, then answer with how that went. input: texts, references resolved."""

    module_id: str
    input: dict[str, str]


class LeaveModule(Struct, frozen=True, tag="leave_module"):
    """The module is over; whoever has invoked it goes on. Outside of a module: as End.

    result: which of the module's own transitions is taken; output: what it gives back.
    """

    result: str | None = None
    output: dict[str, Any] = field(default_factory=dict)


class SetLogging(Struct, frozen=True, tag="set_logging"):
    enabled: bool


class Disconnect(Struct, frozen=True, tag="disconnect"):
    pass


class End(Struct, frozen=True, tag="end"):
    """The flow is over; without a queue or an agent the contact ends too."""

    reason: Literal["finished", "dead_end", "too_many_actions"]


Ask = (
    Play
    | PlayLoop
    | Gather
    | Receive
    | Invoke
    | InvokeBot
    | ShowView
    | TransferToNumber
    | SetAttributes
    | SetHooks
    | SetRouting
    | SetRoutingCriteria
    | SetRecording
    | SetStreaming
    | SetVoice
    | SetData
    | SetTags
    | SetCallbackNumber
    | SetPreviousParticipant
    | SetPaused
    | SetTargetQueue
    | TransferToQueue
    | DequeueAndTransfer
    | TransferToAgent
    | CompleteCall
    | CreateTask
    | CreateCallback
    | CheckHours
    | CheckMetric
    | CheckCall
    | GetMetrics
    | Draw
    | Wait
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


class Result(Struct, frozen=True, tag="result"):
    """What the conditions of the action are held against."""

    value: str


class Said(Struct, frozen=True, tag="said"):
    """What the customer has written."""

    text: str


class ViewAnswer(Struct, frozen=True, tag="view_answer"):
    """What was chosen in a view, and what was filled in."""

    action: str
    data: dict[str, Any] = field(default_factory=dict)


class Left(Struct, frozen=True, tag="left"):
    """A module is over by one of its own transitions, or has given something back."""

    result: str | None
    output: dict[str, Any] = field(default_factory=dict)


Heard = Done | Failed | Digits | Answer | Result | Said | ViewAnswer | Left


class Passed(Struct, frozen=True, array_like=True):
    """An action that the flow has been through, for the trace of its contact.

    outcome: the result or the error by which it was left; None: plain success.
    """

    action: str
    type: str
    outcome: str | None = None
