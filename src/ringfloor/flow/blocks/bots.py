"""Bots: a conversation between the customer and a bot, until the bot is through.

One action asks several times: what the customer says (keys on the telephone, messages in a chat),
then the bot, then the customer again. Where the conversation stands is kept in session.lex under
STATE until the action is left: session, the bot's state; text, what the bot is to hear; prompt, the
kind and value of what is to be played; result, the intent when the bot is through; turns. The rest
of session.lex is $.Lex.

* The bot hears and answers in the form of Lex V2's RecognizeText; answers in the form of Lex V1's
  PostText are understood as well.
* Elicit... and ConfirmIntent: its messages are played and the customer is asked again. Anything
  else is the end: its messages are played, and the result is the name of the intent.
* On the telephone it is keys that are said: no speech is recognised. A task says nothing.
* Nothing said in time is InputTimeLimitExceeded; so many turns without an end are a failure.
* Slots are texts: the interpreted value where there is one.

Sources: behaviour specification, sections 6.3 and 6.4; Amazon Lex V2, RecognizeText.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from msgspec.structs import replace

from ringfloor.base.limits import (
    ATTRIBUTES_BYTES_MAX,
    FLOW_BOT_TURNS_MAX,
    FLOW_INPUT_DIGITS_MAX,
    FLOW_INTER_DIGIT_MS,
    FLOW_PROMPT_CHARS_MAX,
    FUNCTION_MS_MAX,
)
from ringfloor.base.time import MINUTE, SECOND, Duration
from ringfloor.domain.dialogue import (
    Answer,
    Ask,
    Digits,
    Gather,
    Heard,
    InvokeBot,
    Play,
    Prompt,
    Receive,
    Said,
    Session,
)
from ringfloor.flow.blocks.messages import is_too_long, prompt_of
from ringfloor.flow.blocks.scene import (
    FAILURE,
    STATE,
    Outcome,
    Scene,
    as_record,
    checked_record,
)
from ringfloor.flow.catalog import TIME_LIMIT

_CHAT_MS = 5 * MINUTE
_VOICE_MS = 5 * SECOND
_TIME_MAX = 7 * 24 * 3_600
_GOES_ON = frozenset({"ElicitIntent", "ElicitSlot", "ConfirmIntent"})


def left(session: Session) -> Session:
    """The session without a conversation that is under way."""
    if session.lex is None or STATE not in session.lex:
        return session
    lex = {name: value for name, value in session.lex.items() if name != STATE}
    return replace(session, lex=lex or None)


def _kept(scene: Scene, state: dict[str, Any]) -> Session:
    return replace(scene.session, lex={**(left(scene.session).lex or {}), STATE: state})


def converse(scene: Scene) -> Ask | Outcome:
    """What the conversation waits for, from wherever it stands."""
    state = as_record(as_record(scene.session.lex).get(STATE))
    if not _bot(scene):
        return FAILURE
    if not state:
        return _opening(scene)
    if state.get("text") is not None:
        return _invoke(scene, state)
    prompt = Prompt(*state["prompt"]) if state.get("prompt") else None
    if state.get("result") is not None:
        assert prompt is not None
        return Play(prompt)
    return _listen(scene, prompt)


def _opening(scene: Scene) -> Ask | Outcome:
    first = scene.written(scene.record("LexInitializationData").get("InitialMessage"))
    if first:
        state = _beginning(scene)
        if state is None:
            return FAILURE
        state = {**state, "text": first}
        return Outcome(ask=_invoke(scene, state), session=_kept(scene, state))
    prompt = prompt_of(scene, scene.parameters)
    if is_too_long(prompt) or (prompt is None and "Media" in scene.parameters):
        return FAILURE
    if scene.channel == "CHAT" and prompt is not None and prompt.kind != "text":
        return FAILURE
    return _listen(scene, prompt if prompt is not None and prompt.value else None)


def _beginning(scene: Scene) -> dict[str, Any] | None:
    attributes = scene.texts("LexSessionAttributes", ATTRIBUTES_BYTES_MAX)
    if attributes is None:
        return None
    return {"session": {"sessionAttributes": attributes}, "turns": 0}


def _listen(scene: Scene, prompt: Prompt | None) -> Ask | Outcome:
    if scene.channel in ("CHAT", "EMAIL"):
        return Receive(prompt, _patience(scene, _CHAT_MS))
    if scene.channel == "TASK":
        return Outcome(error=TIME_LIMIT)
    return Gather(
        prompt=prompt,
        max_digits=FLOW_INPUT_DIGITS_MAX,
        first_digit_ms=_patience(scene, _VOICE_MS),
        inter_digit_ms=FLOW_INTER_DIGIT_MS,
        terminators="#",
        cancel_key=True,
    )


def _patience(scene: Scene, otherwise: Duration) -> Duration:
    given = scene.parameters.get("LexTimeoutSeconds")
    seconds = given.get("Text") if isinstance(given, dict) else given
    return scene.milliseconds(seconds, otherwise, _TIME_MAX)


def _bot(scene: Scene) -> str:
    """The alias ARN of a bot of Lex V2, or the name of one of Lex V1; "" when there is none."""
    second, first = scene.record("LexV2Bot"), scene.record("LexBot")
    return scene.written(second.get("AliasArn")) or scene.written(first.get("Name"))


def _invoke(scene: Scene, state: Mapping[str, Any]) -> Ask:
    first = scene.record("LexBot")
    named = {name: scene.written(value) for name, value in first.items()}
    bot = {"name": named.get("Name"), "region": named.get("Region"), "alias": named.get("Alias")}
    if not first:
        bot = {"aliasArn": _bot(scene)}
    platform = "Connect" if scene.channel == "VOICE" else "Connect Chat"
    return InvokeBot(
        bot=_bot(scene),
        event={
            "bot": bot,
            "sessionState": state["session"],
            "text": state["text"],
            "sessionId": scene.written("$.ContactId"),
            "requestAttributes": {
                "x-amz-lex:channels:platform": platform,
                "x-amz-lex:connect-instance-arn": scene.written("$.InstanceARN"),
            },
        },
        timeout_ms=FUNCTION_MS_MAX,
    )


def heard(scene: Scene, heard: Heard) -> Outcome:
    """On in the conversation, or out of it."""
    state = as_record(as_record(scene.session.lex).get(STATE)) or _beginning(scene)
    if state is None:
        return _out(scene, FAILURE)
    if state.get("result") is not None:
        return _out(scene, Outcome(result=str(state["result"])))
    if isinstance(heard, Said | Digits):
        said = heard.text if isinstance(heard, Said) else heard.digits
        if not said:
            return _out(scene, Outcome(error=TIME_LIMIT))
        state = {**state, "text": said[:_SAID_CHARS_MAX], "prompt": None}
        return Outcome(ask=_invoke(scene, state), session=_kept(scene, state))
    if isinstance(heard, Answer) and (reply := checked_record(heard.payload)) is not None:
        return _replied(scene, state, _modern(reply))
    return _out(scene, FAILURE)


_SAID_CHARS_MAX = 1_024
"""As Lex's RecognizeText."""


def _out(scene: Scene, outcome: Outcome) -> Outcome:
    return outcome._replace(session=left(scene.session))


def _replied(scene: Scene, state: dict[str, Any], reply: dict[str, Any]) -> Outcome:
    """The bot has answered: play that and listen, or play that and go on by its intent."""
    said = as_record(reply.get("sessionState"))
    prompt = _messages(scene, reply)
    kept = replace(scene.session, lex=_lex(reply))
    scene = Scene(scene.action, kept, scene.view)
    turns = int(state["turns"]) + 1
    state = {"session": said, "turns": turns, "prompt": prompt and [prompt.kind, prompt.value]}
    if as_record(said.get("dialogAction")).get("type") in _GOES_ON:
        if turns >= FLOW_BOT_TURNS_MAX:
            return _out(scene, FAILURE)
        asked = _listen(scene, prompt)
        if isinstance(asked, Outcome):
            return _out(scene, asked)
        return Outcome(ask=asked, session=_kept(scene, state))
    intent = as_record(said.get("intent")).get("name")
    if not isinstance(intent, str) or not intent:
        return _out(scene, FAILURE)
    if prompt is None or scene.channel == "TASK":
        return _out(scene, Outcome(result=intent))
    return Outcome(ask=Play(prompt), session=_kept(scene, {**state, "result": intent}))


# What a bot says


def _messages(scene: Scene, reply: Mapping[str, Any]) -> Prompt | None:
    """The messages of a reply as one; a custom payload is read in a chat and not heard."""
    given = reply.get("messages")
    spoken = scene.channel == "VOICE"
    parts = [
        (kind, content)
        for entry in (given if isinstance(given, list) else [])
        if isinstance(entry, dict)
        for kind, content in [(entry.get("contentType", "PlainText"), entry.get("content"))]
        if isinstance(content, str) and content and kind in (_HEARD if spoken else _READ)
    ]
    if not parts:
        return None
    if all(kind != "SSML" for kind, _ in parts):
        words = (" " if spoken else "\n").join(content for _, content in parts)
        return Prompt("text", words[:FLOW_PROMPT_CHARS_MAX])
    speech = f"<speak>{' '.join(_speech(kind, content) for kind, content in parts)}</speak>"
    return Prompt("ssml", speech) if len(speech) <= FLOW_PROMPT_CHARS_MAX else None


_HEARD = ("PlainText", "SSML")
_READ = ("PlainText", "CustomPayload")


def _speech(kind: object, content: str) -> str:
    if kind != "SSML":
        return escape(content)
    return content.strip().removeprefix("<speak>").removesuffix("</speak>")


def _modern(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply of Lex V1 in the form of V2; others as they are."""
    if "sessionState" in reply or not reply.keys() & {"dialogState", "intentName"}:
        return reply
    state = reply.get("dialogState")
    intent = {"name": reply.get("intentName"), "slots": reply.get("slots"), "state": state}
    kind = state if state in _GOES_ON else "Close"
    return {
        "sessionState": {
            "dialogAction": {"type": kind, "slotToElicit": reply.get("slotToElicit")},
            "intent": intent,
            "sessionAttributes": reply.get("sessionAttributes"),
        },
        "messages": [
            {
                "contentType": reply.get("messageFormat") or "PlainText",
                "content": reply.get("message"),
            }
        ],
        "interpretations": [
            {
                "intent": {"name": reply.get("intentName"), "slots": reply.get("slots")},
                "nluConfidence": reply.get("nluIntentConfidence"),
            }
        ],
    }


def _lex(reply: Mapping[str, Any]) -> dict[str, Any]:
    """$.Lex: behaviour specification, section 6.3."""
    said = as_record(reply.get("sessionState"))
    intent = as_record(said.get("intent"))
    readings = list(_interpretations(reply))
    first = next((each for each in readings if _name(each) == intent.get("name")), {})
    lex: dict[str, Any] = {
        "IntentName": intent.get("name"),
        "Slots": _slots(intent.get("slots")),
        "SessionAttributes": as_record(said.get("sessionAttributes")),
        "DialogState": intent.get("state") or as_record(said.get("dialogAction")).get("type"),
        "IntentConfidence": {"Score": _score(first)},
        "AlternateIntents": {
            str(_name(each)): {
                "IntentName": _name(each),
                "IntentConfidence": {"Score": _score(each)},
                "Slots": _slots(as_record(each.get("intent")).get("slots")),
            }
            for each in readings
            if each is not first and _name(each) is not None
        },
    }
    feeling = as_record(first.get("sentimentResponse") or reply.get("sentimentResponse"))
    if feeling:
        scores = as_record(feeling.get("sentimentScore"))
        lex["SentimentResponse"] = {
            "Label": feeling.get("sentiment") or feeling.get("sentimentLabel"),
            "Scores": {str(name).capitalize(): score for name, score in scores.items()},
        }
    return lex


def _interpretations(reply: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = reply.get("interpretations")
    return (each for each in (given if isinstance(given, list) else []) if isinstance(each, dict))


def _name(interpretation: Mapping[str, Any]) -> Any:  # noqa: ANN401  as the bot says it
    return as_record(interpretation.get("intent")).get("name")


def _score(interpretation: Mapping[str, Any]) -> Any:  # noqa: ANN401  as the bot says it
    given = interpretation.get("nluConfidence")
    return given.get("score") if isinstance(given, dict) else given


def _slots(given: object) -> dict[str, Any]:
    return {name: _slot(slot) for name, slot in as_record(given).items()}


def _slot(given: Any) -> Any:  # noqa: ANN401  any JSON value
    """A slot's value: a text, a list of them, or None."""
    if not isinstance(given, dict):
        return given
    if isinstance(given.get("values"), list):
        return [_slot(each) for each in given["values"]]
    value = as_record(given.get("value"))
    return value.get("interpretedValue") or value.get("originalValue")
