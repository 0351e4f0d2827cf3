"""Blocks: what each executable type of action asks, and what it makes of what it hears.

interpreter looks a type up in BLOCKS; a new block is a row there plus its functions here. `ask`
looks at the action and either asks the world for something or comes to an outcome at once; `hear`
turns the answer into an outcome. An outcome says how the action went; where the flow goes on then
is interpreter's business. Both are total: a parameter of a wrong kind fails the action, never the
program, because SAVED content may hold anything.

Choices where public sources are silent:

* A text that is empty after its references are replaced is not played; the action succeeds.
* Recordings on S3 (Media) cannot be played and fail; so does anything but Text in a chat. Tasks and
  e-mails hear nothing and succeed.
* Nothing typed, also when only the terminating key was pressed, is no input: `Timeout` when stored,
  InputTimeLimitExceeded in a menu.
* A terminating sequence with `*` in it leaves no key to cancel with.
* A stored phone number is stored as E.164, with its `+`.
* Input that is to be stored encrypted is not asked for: the action fails before the prompt.
* A function that names no time limit has FUNCTION_MS; parameters and attributes are texts.
* A module sees of its caller's flow only its input, texts within the bound of attributes, and gives
  nothing back: what is to be known outside it sets as attributes of the contact.
* Values put into SSML are not escaped, so that attributes may carry markup.

Sources: behaviour specification, sections 6.4 to 6.6; Amazon Connect administrator guide, Flow
block definitions.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ringfloor.base import codec
from ringfloor.base.limits import (
    ATTRIBUTES_BYTES_MAX,
    FLOW_INPUT_DIGITS_MAX,
    FLOW_INTER_DIGIT_MS,
    FLOW_NESTING_MAX,
    FLOW_PROMPT_CHARS_MAX,
    FUNCTION_BYTES_MAX,
    FUNCTION_MS,
    FUNCTION_MS_MAX,
)
from ringfloor.base.time import SECOND, Duration
from ringfloor.domain.dialogue import (
    Answer,
    Ask,
    Digits,
    Disconnect,
    End,
    EnterFlow,
    EnterModule,
    Gather,
    Heard,
    Invoke,
    LeaveModule,
    Play,
    Prompt,
    Session,
    SetAttributes,
    SetLogging,
    SetTargetQueue,
    TransferToQueue,
)
from ringfloor.flow import phone, references
from ringfloor.flow.catalog import NO_MATCHING_CONDITION, NO_MATCHING_ERROR, TIME_LIMIT
from ringfloor.flow.document import Action, depth
from ringfloor.flow.values import as_whole, is_true

View = Mapping[str, Any]
"""What the engine lets a flow see of its contact: a JSON value by the name of its root.

Every root of the behaviour specification, section 6.3, that the center knows: ContactId, Channel,
Attributes, Queue, CustomerEndpoint, Agent, Metrics ... A root may be absent or None. External,
StoredCustomerInput, FlowAttributes and Modules are the session's, whatever a view says.
"""


class Scene:
    """One action of one contact, at the moment it is asked or hears."""

    __slots__ = ("action", "parameters", "session", "view")

    def __init__(self, action: Action, session: Session, view: View) -> None:
        self.action = action
        self.parameters = action.parameters
        self.session = session
        self.view = view

    def root(self, name: str) -> Any:  # noqa: ANN401  any JSON value
        if name == "External":
            return self.session.external
        if name == "StoredCustomerInput":
            return self.session.stored_input
        if name == "FlowAttributes":
            return self.session.flow_attributes
        if name == "Modules":
            return {"Input": self.session.module_input}
        return self.view.get(name)

    def text(self, name: str) -> str | None:
        """A parameter with references anywhere in it; None when it is not given."""
        given = self.parameters.get(name)
        if given is None:
            return None
        return references.interpolate(references.as_text(given), self.root)

    def single(self, name: str) -> str:
        """A parameter that is one reference or none; "" when it comes to nothing."""
        given = self.parameters.get(name)
        if not isinstance(given, str):
            return ""
        return references.as_text(references.value(given, self.root))

    def record(self, name: str) -> dict[str, Any]:
        """A parameter that is an object."""
        given = self.parameters.get(name)
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


SUCCESS = Outcome()
FAILURE = Outcome(error=NO_MATCHING_ERROR)
OVER = Outcome(over=True)


class Block(NamedTuple):
    """How one type of action is executed. hear is not called with Failed: that is its error."""

    ask: Callable[[Scene], Ask | Outcome]
    hear: Callable[[Scene, Heard], Outcome] = lambda _scene, _heard: SUCCESS


def _over(_scene: Scene, _heard: Heard) -> Outcome:
    return OVER


# Messages


def _prompt(scene: Scene) -> Prompt | None:
    """The message of an action; None when it has none that can be played."""
    if (text := scene.text("Text")) is not None:
        return Prompt("text", text)
    if (ssml := scene.text("SSML")) is not None:
        return Prompt("ssml", ssml)
    prompt_id = scene.single("PromptId")
    return Prompt("prompt_id", prompt_id) if prompt_id else None


def _message(scene: Scene) -> Ask | Outcome:
    channel = scene.view.get("Channel")
    if channel in ("TASK", "EMAIL"):
        return SUCCESS
    prompt = _prompt(scene)
    if prompt is None or len(prompt.value) > FLOW_PROMPT_CHARS_MAX:
        return FAILURE
    if channel == "CHAT" and prompt.kind != "text":
        return FAILURE
    return Play(prompt) if prompt.value else SUCCESS


# Input

_PROMPTS = ("Text", "SSML", "PromptId", "Media")


def _input(scene: Scene) -> Ask | Outcome:
    store = is_true(scene.parameters.get("StoreInput"))
    prompt = _prompt(scene)
    if (
        scene.view.get("Channel") not in ("VOICE", None)
        or (store and "InputEncryption" in scene.parameters)
        or (prompt is None and any(name in scene.parameters for name in _PROMPTS))
        or (prompt is not None and len(prompt.value) > FLOW_PROMPT_CHARS_MAX)
    ):
        return FAILURE
    keypad = scene.record("DTMFConfiguration")
    terminator = references.as_text(keypad.get("InputTerminationSequence")) or "#"
    return Gather(
        prompt=prompt if prompt is not None and prompt.value else None,
        max_digits=_digits_max(scene) if store else 1,
        first_digit_ms=_milliseconds(
            scene, scene.parameters.get("InputTimeLimitSeconds"), 5 * SECOND
        ),
        inter_digit_ms=_milliseconds(
            scene, keypad.get("InterdigitTimeLimitSeconds"), FLOW_INTER_DIGIT_MS
        ),
        terminators=terminator if store else "",
        cancel_key=store and "*" not in terminator and not is_true(keypad.get("DisableCancelKey")),
    )


def _digits_max(scene: Scene) -> int:
    validation = scene.record("InputValidation")
    if "PhoneNumberValidation" in validation:
        return _PHONE_DIGITS_MAX
    custom = validation.get("CustomValidation")
    given = custom.get("MaximumLength") if isinstance(custom, dict) else None
    return _whole(scene, given, 1, FLOW_INPUT_DIGITS_MAX) or FLOW_INPUT_DIGITS_MAX


_PHONE_DIGITS_MAX = 18
"""E.164 has 15 digits; 011 may stand before them."""


def _whole(scene: Scene, given: object, least: int, most: int) -> int | None:
    """A number, or what a reference leads to when that is one, within its bounds."""
    if isinstance(given, str):
        given = references.value(given, scene.root)
    number = as_whole(given)
    return None if number is None else min(max(number, least), most)


def _milliseconds(scene: Scene, given: object, otherwise: Duration) -> Duration:
    seconds = _whole(scene, given, 1, 180)
    return otherwise if seconds is None else seconds * SECOND


def _typed(scene: Scene, heard: Heard) -> Outcome:
    if not isinstance(heard, Digits):
        return FAILURE
    if not is_true(scene.parameters.get("StoreInput")):
        return Outcome(result=heard.digits) if heard.digits else Outcome(error=TIME_LIMIT)
    if len(heard.digits) > _digits_max(scene):
        return FAILURE
    stored: str | None = heard.digits or "Timeout"
    form = scene.record("InputValidation").get("PhoneNumberValidation")
    if heard.digits and isinstance(form, dict):
        country = references.as_text(form.get("CountryCode"))
        stored = (
            phone.local(heard.digits, country)
            if form.get("NumberFormat") == "Local"
            else phone.international(heard.digits)
        )
    if stored is None:
        return Outcome(error="InvalidPhoneNumber")
    return Outcome(session=replace(scene.session, stored_input=stored))


# Functions

_SECONDS_MAX = FUNCTION_MS_MAX // SECOND


def _invoke(scene: Scene) -> Ask | Outcome:
    arn = scene.single("LambdaFunctionARN")
    parameters = _texts(scene, "LambdaInvocationAttributes", FUNCTION_BYTES_MAX)
    if not arn or parameters is None:
        return FAILURE
    seconds = _whole(scene, scene.parameters.get("InvocationTimeLimitSeconds"), 1, _SECONDS_MAX)
    validation = scene.record("ResponseValidation")
    return Invoke(
        function_arn=arn,
        parameters=parameters,
        timeout_ms=FUNCTION_MS if seconds is None else seconds * SECOND,
        response_type="JSON" if validation.get("ResponseType") == "JSON" else "STRING_MAP",
        asynchronous=_asynchronous(scene),
    )


def _asynchronous(scene: Scene) -> bool:
    return scene.parameters.get("InvocationType") == "ASYNCHRONOUS"


def _answered(scene: Scene, heard: Heard) -> Outcome:
    if _asynchronous(scene):
        return SUCCESS
    if not isinstance(heard, Answer):
        return FAILURE
    kind = scene.record("ResponseValidation").get("ResponseType")
    try:
        reply = checked_reply(heard.payload, is_map=kind != "JSON")
    except ValueError:
        return FAILURE
    return Outcome(session=replace(scene.session, external=reply))


def checked_reply(payload: Any, *, is_map: bool) -> Any:  # noqa: ANN401  any JSON value
    """A function's reply as $.External keeps it; ValueError when it may not become that.

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


def lambda_event(view: View, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The request that a function gets; roots that the view does not have are null or empty.

    Source: behaviour specification, section 6.5.
    """
    data = {name: view.get(name) for name in _EVENT_ROOTS}
    data |= {name: view.get(name) or {} for name in _EVENT_MAPS}
    data["MediaStreams"] = view.get("MediaStreams") or {"Customer": {"Audio": None}}
    queue = view.get("Queue")
    data["Queue"] = queue and {
        name: queue.get(name) for name in ("ARN", "Name", "OutboundCallerId")
    }
    return {
        "Details": {"ContactData": dict(sorted(data.items())), "Parameters": dict(parameters)},
        "Name": "ContactFlowEvent",
    }


_EVENT_MAPS = ("Attributes", "References", "SegmentAttributes", "Tags")
_EVENT_ROOTS = (
    "AwsRegion",
    "Channel",
    "ContactId",
    "CustomerEndpoint",
    "CustomerId",
    "Description",
    "InitialContactId",
    "InitiationMethod",
    "InstanceARN",
    "LanguageCode",
    "Name",
    "PreviousContactId",
    "RelatedContactId",
    "SystemEndpoint",
)


# Attributes and logging


def _texts(scene: Scene, name: str, size_max: int) -> dict[str, str] | None:
    """A parameter whose members are texts with references; None when they are too long together."""
    texts: dict[str, str] = {}
    size = 0
    for key, given in scene.record(name).items():
        texts[key] = references.interpolate(references.as_text(given), scene.root)
        size += len(key.encode()) + len(texts[key].encode())
        if size > size_max:
            return None
    return texts


def _attributes(scene: Scene) -> Ask | Outcome:
    attributes = _texts(scene, "Attributes", ATTRIBUTES_BYTES_MAX)
    if attributes is None:
        return FAILURE
    target = scene.parameters.get("TargetContact")
    return SetAttributes(attributes, "Related" if target == "Related" else "Current")


def _wants_logging(scene: Scene) -> bool:
    return scene.parameters.get("FlowLoggingBehavior") == "Enabled"


def _logging(scene: Scene) -> Ask | Outcome:
    return SetLogging(_wants_logging(scene))


def _logging_set(scene: Scene, _heard: Heard) -> Outcome:
    return Outcome(session=replace(scene.session, logging=_wants_logging(scene)))


# Choices and places


def _compare(scene: Scene) -> Ask | Outcome:
    given = scene.parameters.get("ComparisonValue")
    found = references.value(given, scene.root) if isinstance(given, str) else None
    result = references.as_text(found)
    return Outcome(result=result) if result else Outcome(error=NO_MATCHING_CONDITION)


def _target_queue(scene: Scene) -> Ask | Outcome:
    if queue_id := scene.single("QueueId"):
        return SetTargetQueue(queue_id=queue_id)
    if agent_id := scene.single("AgentId"):
        return SetTargetQueue(agent_id=agent_id)
    return FAILURE


def _enter_flow(scene: Scene) -> Ask | Outcome:
    flow_id = scene.single("ContactFlowId")
    return EnterFlow(flow_id) if flow_id else FAILURE


def _enter_module(scene: Scene) -> Ask | Outcome:
    module_id = scene.single("FlowModuleId")
    given = _texts(scene, "Input", ATTRIBUTES_BYTES_MAX)
    return EnterModule(module_id, given) if module_id and given is not None else FAILURE


BLOCKS: Mapping[str, Block] = {
    "MessageParticipant": Block(_message),
    "GetParticipantInput": Block(_input, _typed),
    "DisconnectParticipant": Block(lambda _: Disconnect(), _over),
    "InvokeLambdaFunction": Block(_invoke, _answered),
    "UpdateContactAttributes": Block(_attributes),
    "UpdateContactTargetQueue": Block(_target_queue),
    "TransferContactToQueue": Block(lambda _: TransferToQueue(), _over),
    "Compare": Block(_compare),
    "TransferToFlow": Block(_enter_flow, _over),
    "InvokeFlowModule": Block(_enter_module),
    "EndFlowModuleExecution": Block(lambda _: LeaveModule(), _over),
    "UpdateFlowLoggingBehavior": Block(_logging, _logging_set),
    "EndFlowExecution": Block(lambda _: End("finished"), _over),
}
"""The types that are executed. Every other type fails, whatever its parameters."""

NOT_EXECUTABLE = Block(lambda _: FAILURE)
"""What stands in for a type that is known to the language but is not in BLOCKS."""
