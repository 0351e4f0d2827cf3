"""Messages: what the customer hears or reads.

* A text that is empty after its references are replaced is not played; the action succeeds.
* Recordings on S3 (Media) cannot be played and fail; so does anything but Text in a chat.
* An iterated message without a word is left out; where none is left, the action fails.

Source: behaviour specification, section 6.4, participant actions.
"""

from typing import Any

from ringfloor.base.limits import FLOW_PROMPT_CHARS_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain.dialogue import Ask, Heard, Play, PlayLoop, Prompt, Result
from ringfloor.flow.blocks.scene import FAILURE, SUCCESS, Outcome, Scene, as_record

PROMPTS = ("Text", "SSML", "PromptId", "Media")


def prompt_of(scene: Scene, given: dict[str, Any]) -> Prompt | None:
    """The message of an action or of a part of it; None when it has none that can be played."""
    if given.get("Text") is not None:
        return Prompt("text", scene.written(given["Text"]))
    if given.get("SSML") is not None:
        return Prompt("ssml", scene.written(given["SSML"]))
    prompt_id = scene.value(given.get("PromptId"))
    return Prompt("prompt_id", prompt_id) if prompt_id else None


def is_too_long(prompt: Prompt | None) -> bool:
    return prompt is not None and len(prompt.value) > FLOW_PROMPT_CHARS_MAX


def message(scene: Scene) -> Ask | Outcome:
    prompt = prompt_of(scene, scene.parameters)
    if prompt is None or is_too_long(prompt):
        return FAILURE
    if scene.channel == "CHAT" and prompt.kind != "text":
        return FAILURE
    return Play(prompt) if prompt.value else SUCCESS


def loop(scene: Scene) -> Ask | Outcome:
    given = scene.parameters.get("Messages")
    spoken: list[Prompt] = []
    for entry in given if isinstance(given, list) else []:
        prompt = prompt_of(scene, as_record(entry))
        if prompt is None or is_too_long(prompt):
            return FAILURE
        if prompt.value:
            spoken.append(prompt)
    if not spoken:
        return FAILURE
    seconds = scene.whole(scene.parameters.get("InterruptFrequencySeconds"), 1, _INTERRUPT_MAX)
    return PlayLoop(tuple(spoken), None if seconds is None else seconds * SECOND)


_INTERRUPT_MAX = 604_800
"""Seconds: a week, in which every contact that waits has expired."""


def interrupted(_scene: Scene, heard: Heard) -> Outcome:
    return Outcome(result=heard.value) if isinstance(heard, Result) else SUCCESS
