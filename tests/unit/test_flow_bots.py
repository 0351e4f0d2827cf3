"""Bots: a conversation is one action, however often customer and bot take turns."""

from typing import Any

import pytest

from flow_builders import ASKS, SESSIONS, VIEW, a_flow, an_action, asks, first, place
from ringfloor.base import codec
from ringfloor.base.limits import FLOW_BOT_TURNS_MAX, FLOW_INPUT_DIGITS_MAX, FUNCTION_BYTES_MAX
from ringfloor.domain.dialogue import (
    Answer,
    Digits,
    Disconnect,
    Done,
    Failed,
    Gather,
    Heard,
    InvokeBot,
    Play,
    Prompt,
    Receive,
    Said,
    Session,
)
from ringfloor.flow.interpreter import Step, step

LEX = "ConnectParticipantWithLexBot"
ALIAS = "arn:aws:lex:eu-west-1:1:bot-alias/B/A"
BOT = {
    "Text": "How can I help?",
    "LexV2Bot": {"AliasArn": ALIAS},
    "LexSessionAttributes": {"who": "$.Attributes.name"},
}
FIRST_BOT = {"LexBot": {"Name": "Orders", "Region": "eu-west-1", "Alias": "live"}}
CHAT = VIEW | {"Channel": "CHAT"}
ERRORS = ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded")


def a_bot_flow(parameters: dict[str, Any] = BOT) -> Any:
    when = {("Equals", "Order"): "order", ("Equals", "Help"): "help"}
    return a_flow(an_action(LEX, parameters, errors=ERRORS, when=when))


def says(*words: str, kind: str = "PlainText") -> list[dict[str, str]]:
    return [{"contentType": kind, "content": word} for word in words]


def reply(action: str, intent: str | None = "Order", *words: str, **more: Any) -> Answer:
    """What a bot of Lex V2 answers."""
    state = {
        "dialogAction": {"type": action},
        "intent": {"name": intent, "state": "InProgress", **more.pop("state", {})},
        "sessionAttributes": {"step": action},
    }
    return Answer({"sessionState": state, "messages": says(*words), **more})


def converse(
    *heards: Heard, parameters: dict[str, Any] = BOT, view: dict[str, Any] = CHAT
) -> list[Step]:
    """Every step of a conversation; each is the same from a journalled session and asked again."""
    flow = a_bot_flow(parameters)
    steps = [first(flow, view)]
    for heard in heards:
        steps.append(step(flow, steps[-1].session, heard, view))
    for taken in steps:
        assert SESSIONS.decode(codec.encode(taken.session)) == taken.session
        assert ASKS.decode(codec.encode(taken.ask)) == taken.ask
        if place(taken) == "it":
            assert step(flow, taken.session, None, view) == taken
    return steps


def test_customer_and_bot_take_turns_until_the_bot_is_through():
    steps = converse(
        Said("a ticket"),
        reply("ElicitSlot", "Order", "Where to?", "By when?"),
        Said("Rome"),
        reply(
            "Close",
            "Order",
            "Done.",
            state={
                "state": "Fulfilled",
                "slots": {"city": {"value": {"interpretedValue": "ROM", "originalValue": "Rome"}}},
            },
        ),
        Done(),
    )
    first_turn, second_turn = steps[1].ask, steps[3].ask
    assert isinstance(first_turn, InvokeBot)
    assert isinstance(second_turn, InvokeBot)
    assert [taken.ask for taken in steps] == [
        Receive(Prompt("text", "How can I help?"), 300_000),
        first_turn,
        Receive(Prompt("text", "Where to?\nBy when?"), 300_000),
        second_turn,
        Play(Prompt("text", "Done.")),
        Disconnect(),
    ]
    assert first_turn.bot == ALIAS
    assert first_turn.event == {
        "bot": {"aliasArn": ALIAS},
        "sessionState": {"sessionAttributes": {"who": "Ann"}},
        "text": "a ticket",
        "sessionId": "c1",
        "requestAttributes": {
            "x-amz-lex:channels:platform": "Connect Chat",
            "x-amz-lex:connect-instance-arn": "",
        },
    }
    assert second_turn.event["sessionState"]["dialogAction"] == {"type": "ElicitSlot"}
    assert second_turn.event["text"] == "Rome"
    assert place(steps[-1]) == "order"
    assert steps[-1].session.lex == {
        "IntentName": "Order",
        "Slots": {"city": "ROM"},
        "SessionAttributes": {"step": "Close"},
        "DialogState": "Fulfilled",
        "IntentConfidence": {"Score": None},
        "AlternateIntents": {},
    }


def test_on_the_telephone_keys_are_said():
    steps = converse(
        Digits("42", "terminated"),
        reply("ElicitIntent", None, "Say it again.", "Please."),
        parameters=BOT | {"LexTimeoutSeconds": {"Text": "9"}},
        view=VIEW,
    )
    listening = Gather(
        prompt=Prompt("text", "How can I help?"),
        max_digits=FLOW_INPUT_DIGITS_MAX,
        first_digit_ms=9_000,
        inter_digit_ms=5_000,
        terminators="#",
        cancel_key=True,
    )
    assert steps[0].ask == listening
    assert isinstance(steps[1].ask, InvokeBot)
    assert steps[1].ask.event["text"] == "42"
    assert isinstance(steps[2].ask, Gather)
    assert steps[2].ask.prompt == Prompt("text", "Say it again. Please.")


@pytest.mark.parametrize(
    ("action", "intent", "expected"),
    [
        ("Close", "Order", "order"),
        ("Delegate", "Help", "help"),
        ("", "Order", "order"),
        ("Close", "Other", "NoMatchingCondition"),
        ("Close", "", "NoMatchingError"),
        ("Close", None, "NoMatchingError"),
    ],
)
def test_the_intent_chooses_the_branch(action, intent, expected):
    assert place(converse(Said("x"), reply(action, intent))[-1]) == expected


@pytest.mark.parametrize(
    ("heards", "expected"),
    [
        ([Said("")], "InputTimeLimitExceeded"),
        ([Digits("", "no_input")], "InputTimeLimitExceeded"),
        ([Failed("InputTimeLimitExceeded")], "InputTimeLimitExceeded"),
        ([Said("x"), Failed("NoMatchingError")], "NoMatchingError"),
        ([Said("x"), Answer("no object")], "NoMatchingError"),
        ([Said("x"), Answer({"messages": "x" * FUNCTION_BYTES_MAX})], "NoMatchingError"),
        ([Said("x"), Answer({})], "NoMatchingError"),
        ([Done()], "NoMatchingError"),
    ],
)
def test_silence_and_failures_have_their_branches(heards, expected):
    last = converse(*heards)[-1]
    assert place(last) == expected
    assert last.session.lex is None or "_" not in last.session.lex


def test_a_conversation_that_failed_begins_anew_when_it_is_met_again():
    flow = a_flow(an_action(LEX, BOT, then="it", errors=()))
    looping = a_flow(
        {
            **an_action(LEX, BOT, errors=()),
            "Transitions": {
                "NextAction": "it",
                "Errors": [{"ErrorType": "NoMatchingError", "NextAction": "it"}],
            },
        }
    )
    begun = first(flow, CHAT)
    waiting = step(flow, begun.session, Said("x"), CHAT)
    again = step(looping, waiting.session, Failed("X"), CHAT)
    assert (again.session, again.ask) == (begun.session, begun.ask)


def test_a_bot_that_never_ends_is_left():
    heards: list[Heard] = [Said("x"), reply("ElicitIntent", None, "What?")] * FLOW_BOT_TURNS_MAX
    steps = converse(*heards)
    assert place(steps[-2]) == "it"
    assert place(steps[-1]) == "NoMatchingError"


def test_the_first_message_may_come_from_the_flow():
    parameters = BOT | {"LexInitializationData": {"InitialMessage": "Hi from $.Attributes.name"}}
    steps = converse(reply("ElicitIntent", None, "Hello!"), parameters=parameters)
    assert isinstance(steps[0].ask, InvokeBot)
    assert steps[0].ask.event["text"] == "Hi from Ann"
    assert steps[1].ask == Receive(Prompt("text", "Hello!"), 300_000)


def test_bots_of_lex_v1_are_understood():
    answer = {
        "intentName": "Order",
        "slots": {"city": "Rome"},
        "dialogState": "ElicitSlot",
        "slotToElicit": "day",
        "message": "When?",
        "sessionAttributes": {"a": "b"},
        "nluIntentConfidence": {"score": 0.9},
    }
    steps = converse(
        Said("x"),
        Answer(answer),
        Said("today"),
        Answer(answer | {"dialogState": "ReadyForFulfillment", "message": None}),
        parameters=FIRST_BOT,
    )
    assert steps[0].ask == Receive(None, 300_000)
    assert isinstance(steps[1].ask, InvokeBot)
    assert steps[1].ask.bot == "Orders"
    assert steps[1].ask.event["bot"] == {"name": "Orders", "region": "eu-west-1", "alias": "live"}
    assert steps[2].ask == Receive(Prompt("text", "When?"), 300_000)
    assert place(steps[-1]) == "order"
    assert steps[-1].session.lex == {
        "IntentName": "Order",
        "Slots": {"city": "Rome"},
        "SessionAttributes": {"a": "b"},
        "DialogState": "ReadyForFulfillment",
        "IntentConfidence": {"Score": 0.9},
        "AlternateIntents": {},
    }


def test_what_a_bot_understood_can_be_referred_to():
    interpretations = [
        {
            "intent": {"name": "Order"},
            "nluConfidence": 0.8,
            "sentimentResponse": {"sentiment": "POSITIVE", "sentimentScore": {"positive": 0.7}},
        },
        {"intent": {"name": "Help", "slots": {"n": None}}, "nluConfidence": {"score": 0.1}},
        "nonsense",
    ]
    slots = {"many": {"values": [{"value": {"originalValue": "a"}}, {"value": None}]}}
    answer = reply("Close", "Order", state={"slots": slots}, interpretations=interpretations)
    text = "|".join(
        f"$.Lex.{path}"
        for path in (
            "IntentName",
            "IntentConfidence.Score",
            "AlternateIntents.Help.IntentConfidence.Score",
            "SentimentResponse.Label",
            "SentimentResponse.Scores.Positive",
            "Slots.many",
            "SessionAttributes.step",
        )
    )
    told = an_action("MessageParticipant", {"Text": text}, identifier="next")
    flow = a_flow(an_action(LEX, BOT), told)
    taken = first(flow, CHAT)
    for heard in (Said("x"), answer):
        taken = step(flow, taken.session, heard, CHAT)
    assert taken.ask == Play(Prompt("text", 'Order|0.8|0.1|POSITIVE|0.7|["a",null]|Close'))


def test_a_conversation_under_way_is_no_reference():
    session = Session(flow_id="f1", lex={"_": {"text": "secret"}, "IntentName": "Order"})
    flow = a_flow(an_action("MessageParticipant", {"Text": "<$.Lex._.text$.Lex>"}))
    assert step(flow, session, None, VIEW).ask == Play(Prompt("text", '<{"IntentName":"Order"}>'))


@pytest.mark.parametrize(
    ("view", "messages", "prompt"),
    [
        (VIEW, says("a", "b"), Prompt("text", "a b")),
        (CHAT, says("a", "b"), Prompt("text", "a\nb")),
        (VIEW, says('{"x":1}', kind="CustomPayload"), None),
        (CHAT, says('{"x":1}', kind="CustomPayload"), Prompt("text", '{"x":1}')),
        (
            VIEW,
            [*says("a < b"), *says("<speak>c</speak>", kind="SSML")],
            Prompt("ssml", "<speak>a &lt; b c</speak>"),
        ),
        (CHAT, says("<speak>c</speak>", kind="SSML"), None),
        (VIEW, "nonsense", None),
        (VIEW, [None, {"content": 5}], None),
        (VIEW, says("x" * 9_000), Prompt("text", "x" * 6_000)),
    ],
)
def test_what_a_bot_says_becomes_one_prompt(view, messages, prompt):
    answer = reply("ElicitIntent", None)
    answer.payload["messages"] = messages
    said: Heard = Said("x") if view is CHAT else Digits("1", "terminated")
    asked = converse(said, answer, view=view)[-1].ask
    assert isinstance(asked, Gather | Receive)
    assert asked.prompt == prompt


@pytest.mark.parametrize(
    ("parameters", "view", "expected"),
    [
        ({"Text": "x"}, VIEW, "NoMatchingError"),
        ({"LexV2Bot": {"AliasArn": "$.Attributes.none"}}, VIEW, "NoMatchingError"),
        (BOT | {"Text": "x" * 6_001}, VIEW, "NoMatchingError"),
        ({"LexV2Bot": {"AliasArn": "b"}, "SSML": "<speak/>"}, CHAT, "NoMatchingError"),
        ({"LexV2Bot": {"AliasArn": "b"}, "Media": {"Uri": "s3://a/b"}}, VIEW, "NoMatchingError"),
        (BOT, VIEW | {"Channel": "TASK"}, "NoMatchingError"),
    ],
)
def test_a_conversation_that_cannot_begin_fails(parameters, view, expected):
    assert asks(LEX, parameters, **view) == expected
