"""Contact: what a flow changes of its contact, and the contacts that it makes beside it.

* What is set together is set all or not at all: one value that cannot be set fails the action.
* Wisdom and Voice ID do not exist here, so an UpdateContactData that names their data fails.
* A hold flow can be hooked on a call only; recordings for one channel set on another are a
  ChannelMismatch.
* Routing criteria are an object, or a reference to one, or to its JSON text.

Source: behaviour specification, section 6.4, contact actions and interactions.
"""

from typing import Any, Literal

import msgspec

from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX
from ringfloor.base.time import SECOND, Duration
from ringfloor.domain.dialogue import (
    Ask,
    CompleteCall,
    CreateCallback,
    CreateTask,
    SetAttributes,
    SetCallbackNumber,
    SetData,
    SetHooks,
    SetPaused,
    SetPreviousParticipant,
    SetRecording,
    SetRouting,
    SetRoutingCriteria,
    SetStreaming,
    SetTags,
    SetVoice,
)
from ringfloor.flow.blocks.scene import FAILURE, Outcome, Scene, as_record
from ringfloor.flow.catalog import CONTACT_ELSEWHERE
from ringfloor.flow.values import as_whole, is_true

TAGS_MAX = 6
"""User-defined tags of a contact: behaviour specification, section 6.4."""


def target(scene: Scene) -> Literal["Current", "Related"]:
    return "Related" if scene.parameters.get("TargetContact") == "Related" else "Current"


def attributes(scene: Scene) -> Ask | Outcome:
    found = scene.texts("Attributes", ATTRIBUTES_BYTES_MAX)
    return FAILURE if found is None else SetAttributes(found, target(scene))


def data(scene: Scene) -> Ask | Outcome:
    named = reference_pairs(scene)
    segments = _segment_attributes(scene)
    words = {name: scene.text(name) for name in _DATA}
    size = sum(len(word.encode()) for word in words.values() if word is not None)
    if (
        named is None
        or segments is None
        or size > ATTRIBUTES_BYTES_MAX
        or any(name in scene.parameters for name in CONTACT_ELSEWHERE)
    ):
        return FAILURE
    return SetData(
        name=words["Name"],
        description=words["Description"],
        language=words["LanguageCode"],
        customer_id=words["CustomerId"],
        references=named,
        segment_attributes=segments,
        target=target(scene),
    )


_DATA = ("Name", "Description", "LanguageCode", "CustomerId")


def reference_pairs(scene: Scene) -> dict[str, tuple[str, str]] | None:
    """References by name, as (type, value); one that is only a value is of type STRING."""
    pairs: dict[str, tuple[str, str]] = {}
    size = 0
    for name, given in scene.record("References").items():
        entry = given if isinstance(given, dict) else {"Value": given}
        kind = scene.written(entry.get("Type")).upper() or "STRING"
        pairs[scene.written(name)] = (kind, value := scene.written(entry.get("Value")))
        size += len(name) + len(kind) + len(value.encode())
        if size > ATTRIBUTES_BYTES_MAX:
            return None
    return pairs


def _segment_attributes(scene: Scene) -> dict[str, str] | None:
    found: dict[str, str] = {}
    size = 0
    for name, given in scene.record("SegmentAttributes").items():
        entry = given.get("ValueString") if isinstance(given, dict) else given
        found[name] = scene.written(entry)
        size += len(name) + len(found[name].encode())
        if size > ATTRIBUTES_BYTES_MAX:
            return None
    return found


def tag(scene: Scene) -> Ask | Outcome:
    found = scene.texts("Tags", ATTRIBUTES_BYTES_MAX)
    if not found or len(found) > TAGS_MAX or any(map(_is_no_tag, found)):
        return FAILURE
    return SetTags(dict(found))


def untag(scene: Scene) -> Ask | Outcome:
    given = scene.parameters.get("TagKeys")
    if not isinstance(given, list) or len(given) > TAGS_MAX:
        return FAILURE
    found = [scene.written(key) for key in given]
    if not found or any(map(_is_no_tag, found)):
        return FAILURE
    return SetTags(dict.fromkeys(found))


def _is_no_tag(key: str) -> bool:
    """Keys that begin with aws: are AWS's own."""
    return not 1 <= len(key) <= 128 or key.lower().startswith("aws:")


# How the contact goes on

_HOLDS = frozenset({"AgentHold", "CustomerHold"})


def hooks(scene: Scene) -> Ask | Outcome:
    found = {key: scene.value(flow) for key, flow in scene.record("EventHooks").items()}
    if "" in found.values() or (scene.channel != "VOICE" and _HOLDS & found.keys()):
        return FAILURE
    disabled = {
        key: is_true(given["DisableExecution"])
        for key, given in scene.record("EventHooksConfiguration").items()
        if isinstance(given, dict) and "DisableExecution" in given
    }
    return SetHooks(found, disabled) if found or disabled else FAILURE


def routing(scene: Scene) -> Ask | Outcome:
    priority = scene.whole(scene.parameters.get("QueuePriority"), 1, 2**63 - 1)
    age = scene.whole(scene.parameters.get("QueueTimeAdjustmentSeconds"), -_AGE_MAX, _AGE_MAX)
    if (priority is None) == (age is None):
        return FAILURE
    return SetRouting(priority=priority, age_adjustment_ms=None if age is None else age * SECOND)


_AGE_MAX = 10**9
"""Seconds: three decades."""


def routing_criteria(scene: Scene) -> Ask | Outcome:
    found = scene.resolved(scene.parameters.get("RoutingCriteria"))
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return FAILURE
    steps = as_record(found).get("Steps")
    return SetRoutingCriteria(found) if isinstance(steps, list) else FAILURE


def recording(scene: Scene) -> Ask | Outcome:
    behavior = scene.resolved(scene.parameters)
    if behavior is None:
        return FAILURE
    meant = {_CHANNELS[name] for name in _CHANNELS if name in behavior}
    if meant and scene.channel not in meant:
        return Outcome(error="ChannelMismatch")
    return SetRecording(behavior)


_CHANNELS = {"VoiceBehavior": "VOICE", "ChatBehavior": "CHAT"}


def streaming(scene: Scene) -> Ask | Outcome:
    return SetStreaming(scene.parameters.get("MediaStreamingState") == "Enabled")


def voice(scene: Scene) -> Ask | Outcome:
    name = scene.text("TextToSpeechVoice")
    engine, style = scene.text("TextToSpeechEngine"), scene.text("TextToSpeechStyle")
    return SetVoice(voice=name, engine=engine, style=style) if name else FAILURE


def callback_number(scene: Scene) -> Ask | Outcome:
    number = scene.single("CallbackNumber")
    return SetCallbackNumber(number) if number else Outcome(error="InvalidCallbackNumber")


def previous_participant(scene: Scene) -> Ask | Outcome:
    match scene.parameters.get("PreviousContactParticipantState"):
        case ("AgentOnHold" | "CustomerOnHold" | "OffHold") as state:
            return SetPreviousParticipant(state)
        case _:
            return FAILURE


def pause(_scene: Scene) -> Ask | Outcome:
    return SetPaused(paused=True)


def resume(_scene: Scene) -> Ask | Outcome:
    return SetPaused(paused=False)


def complete_call(scene: Scene) -> Ask | Outcome:
    return CompleteCall(caller_id(scene))


def caller_id(scene: Scene) -> str | None:
    """The number that is to be shown, if one is said."""
    return scene.value(scene.record("CallerId").get("Number")) or None


# Other contacts

_TASK_DELAY_MAX = 518_400
"""Seconds: six days ahead, as for StartTaskContact."""
_CALLBACK_SECONDS_MAX = 259_200
_ATTEMPTS_MAX = 10**6


def create_task(scene: Scene) -> Ask | Outcome:
    name, description = scene.text("Name"), scene.text("Description")
    flow_id, template_id = scene.single("ContactFlowId"), scene.single("TaskTemplateId")
    pairs, found = reference_pairs(scene), scene.texts("Attributes", ATTRIBUTES_BYTES_MAX)
    when = _scheduled(scene)
    if not name or not (flow_id or template_id) or pairs is None or found is None or when == "":
        return FAILURE
    return CreateTask(
        name=name,
        description=description,
        flow_id=flow_id or None,
        template_id=template_id or None,
        attributes=found,
        references=pairs,
        delay_ms=_delay(scene),
        scheduled_at=when * SECOND if isinstance(when, int) else None,
    )


def _delay(scene: Scene) -> Duration:
    seconds = scene.whole(scene.parameters.get("DelaySeconds"), 0, _TASK_DELAY_MAX)
    return 0 if seconds is None else seconds * SECOND


def _scheduled(scene: Scene) -> int | str | None:
    """Seconds since the epoch; None: at once or after the delay; "" when it is no time."""
    given: Any = scene.parameters.get("ScheduledTime")
    if given is None:
        return None
    written = scene.written(given)
    seconds = as_whole(written)
    return seconds if seconds is not None and 0 <= seconds < _EPOCH_MAX else ""


_EPOCH_MAX = 10**10
"""Seconds: the year 2286; later instants are milliseconds by mistake."""


def create_callback(scene: Scene) -> Ask | Outcome:
    parameters = scene.parameters
    attempts = scene.whole(parameters.get("MaximumConnectionAttempts"), 1, _ATTEMPTS_MAX)
    queue_id, agent_id = scene.single("QueueId"), scene.single("AgentId")
    if attempts is None or any(
        parameters.get(name) and not found
        for name, found in (("QueueId", queue_id), ("AgentId", agent_id))
    ):
        return FAILURE
    longest = _CALLBACK_SECONDS_MAX
    return CreateCallback(
        queue_id=queue_id or None,
        agent_id=agent_id or None,
        delay_ms=scene.milliseconds(parameters.get("InitialCallDelaySeconds"), 0, longest, 0),
        attempts=attempts,
        retry_ms=scene.milliseconds(parameters.get("RetryDelaySeconds"), 0, longest, 0),
        flow_id=scene.single("ContactFlowId") or None,
        caller_id=caller_id(scene),
    )
