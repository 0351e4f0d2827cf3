"""Functions and bots that are Python callables: in threads, in time, and never the node's end."""

import asyncio
import json
import threading

import httpx
import pytest

from node_builders import CUSTOMER, a_node
from ringfloor.base.errors import Fault
from ringfloor.base.limits import FUNCTION_THREADS_MAX
from ringfloor.domain import commands, dialogue
from ringfloor.engine.effects import AskBot, InvokeFunction
from ringfloor.node.functions import FAILED, Functions, answered, bot_id, resolved

ARN = "arn:aws:lambda:us-east-1:123456789012:function:lookup"
BOT = "arn:aws:lex:us-east-1:123456789012:bot-alias/BOT1/ALIAS1"


def call(arn=ARN, *, event=None, timeout_ms=8_000, asynchronous=False):
    return InvokeFunction(
        contact_id="c1",
        ask=1,
        function_arn=arn,
        event=event or {"Name": "ContactFlowEvent"},
        timeout_ms=timeout_ms,
        asynchronous=asynchronous,
    )


def ask(bot=BOT):
    return AskBot(contact_id="c1", ask=1, bot=bot, event={"text": "1"}, timeout_ms=8_000)


async def told(made, effect):
    """What a call tells."""
    answer = asyncio.get_running_loop().create_future()
    made.invoke("i1", effect, answer.set_result)
    return await asyncio.wait_for(answer, 5)


def python(function):
    return Functions({ARN: function}, direct=False)


async def test_a_callable_gets_the_event_and_its_reply_is_heard():
    seen = []

    def lookup(event):
        seen.append((event, threading.current_thread().name))
        return {"name": event["Name"], "ok": True, "none": None}

    event = {"Name": "Ann"}
    heard = (await told(python(lookup), call(f"{ARN}:live", event=event))).heard
    assert heard == dialogue.Answer({"name": "Ann", "ok": True, "none": None})
    assert seen == [(event, "function")]


async def test_a_callable_has_an_event_of_its_own():
    event = {"Attributes": {"a": "1"}}

    def spoil(event):
        event["Attributes"].clear()

    assert (await told(python(spoil), call(event=event))).heard == dialogue.Answer(None)
    assert event == {"Attributes": {"a": "1"}}


def refuse(_event):
    raise KeyError("name")


def leave(_event):
    raise SystemExit(1)


def deep(_event):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (refuse, "KeyError: 'name'"),
        (leave, "SystemExit"),
        (lambda _event: object(), "not JSON"),
        (lambda _event: 2**64, "not JSON"),
        (lambda _event: "x" * 40_000, "at most 32768 bytes"),
        (deep, "not JSON|levels"),
        (lambda: None, "TypeError"),
    ],
    ids=["raises", "exits", "no JSON", "large number", "long", "deep", "no argument"],
)
async def test_what_a_callable_does_wrong_is_the_flows_failure_and_logged(function, word, caplog):
    assert (await told(python(function), call())).heard == FAILED
    (record,) = caplog.records
    assert ARN in record.getMessage()
    assert any(each in record.getMessage() for each in word.split("|"))


async def test_a_callable_that_takes_too_long_holds_its_thread_and_nobody_else(caplog):
    may, entered = threading.Event(), threading.Semaphore(0)

    def slow(_event):
        entered.release()
        may.wait(10)

    made = python(slow)
    late = [told(made, call(timeout_ms=50)) for _ in range(FUNCTION_THREADS_MAX)]
    assert {answer.heard for answer in await asyncio.gather(*late)} == {FAILED}
    assert "no answer within 50 ms" in caplog.text
    assert (await told(made, call(timeout_ms=50))).heard == FAILED  # no thread is left
    assert sum(entered.acquire(blocking=False) for _ in range(1_000)) == FUNCTION_THREADS_MAX
    may.set()
    assert (await told(made, call())).heard == dialogue.Answer(None)
    await made.close()


async def test_a_callable_that_nobody_waits_for():
    assert await told(python(lambda _event: 1), call(asynchronous=True)) is None


async def test_a_server_ends_while_a_callable_is_at_work():
    may, over = threading.Event(), threading.Event()

    def slow(_event):
        may.wait(10)
        over.set()

    made = python(slow)
    made.invoke("i1", call(), lambda _answer: None)
    await asyncio.sleep(0)
    await made.close()
    assert not made.busy()
    may.set()
    await asyncio.to_thread(over.wait, 5)


@pytest.mark.parametrize("payload", [{"n": float("nan")}, [float("inf")]])
def test_what_json_cannot_say_is_null(payload):
    assert answered(payload) in (dialogue.Answer({"n": None}), dialogue.Answer([None]))


# Bots


@pytest.mark.parametrize(
    ("bound", "bot", "good"),
    [
        (BOT, BOT, True),
        ("BOT1", BOT, True),
        ("BOT2", BOT, False),
        ("book", "book", True),
        ("book", "rent", False),
    ],
)
async def test_a_bot_is_bound_by_its_alias_its_id_or_its_name(bound, bot, good):
    made = Functions({}, direct=False, bots={bound: lambda event: event})
    heard = (await told(made, ask(bot))).heard
    assert heard == (dialogue.Answer({"text": "1"}) if good else FAILED)


async def test_a_bot_at_an_address_gets_the_request_of_lex():
    asked = []

    def answer(request):
        asked.append(json.loads(request.content))
        return httpx.Response(200, content=b'{"sessionState": {}}')

    made = Functions({}, direct=False, bots={BOT: "http://bots.test/"})
    made._web._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    assert (await told(made, ask())).heard == dialogue.Answer({"sessionState": {}})
    assert asked == [{"text": "1"}]
    await made.close()


async def test_outside_a_sandbox_a_bot_must_be_associated(caplog):
    made = Functions({}, direct=False, bots={BOT: lambda _: {}}, associated=lambda *_: False)
    assert (await told(made, ask())).heard == FAILED
    assert "AssociateBot" in caplog.text


def test_a_bots_id():
    assert [bot_id(each) for each in (BOT, "book", "a/b")] == ["BOT1", "book", "a/b"]


# What names are bound to


def test_names_of_callables_are_imported():
    found = resolved({"a": "http://x/", "b": "python:json:JSONDecoder.decode"})
    assert found == {"a": "http://x/", "b": json.JSONDecoder.decode}


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("python:no_such_module:f", "ModuleNotFoundError"),
        ("python:json:no_such", "AttributeError"),
        ("python:json:__name__", "no callable"),
    ],
)
def test_a_callable_that_is_not_there_keeps_the_server_from_starting(target, word):
    with pytest.raises(Fault, match=word) as caught:
        resolved({ARN: target})
    assert target in str(caught.value)


# Bots of a node


def asking_flow():
    def say(identifier, text):
        return {
            "Identifier": identifier,
            "Type": "MessageParticipant",
            "Parameters": {"Text": text},
            "Transitions": {"NextAction": "bye", "Errors": [], "Conditions": []},
        }

    bot = {
        "Identifier": "bot",
        "Type": "ConnectParticipantWithLexBot",
        "Parameters": {"Text": "What is it?", "LexV2Bot": {"AliasArn": BOT}},
        "Transitions": {
            "NextAction": "bye",
            "Errors": [
                {"NextAction": "sorry", "ErrorType": "NoMatchingCondition"},
                {"NextAction": "sorry", "ErrorType": "NoMatchingError"},
            ],
            "Conditions": [
                {"NextAction": "book", "Condition": {"Operator": "Equals", "Operands": ["Book"]}}
            ],
        },
    }
    bye = {
        "Identifier": "bye",
        "Type": "DisconnectParticipant",
        "Parameters": {},
        "Transitions": {},
    }
    actions = [bot, say("book", "Booked for $.Lex.Slots.day"), say("sorry", "Sorry"), bye]
    return json.dumps({"Version": "2019-10-30", "StartAction": "bot", "Actions": actions})


def book(event):
    """A bot that asks for the day, then is through."""
    if "asked" not in (event["sessionState"].get("sessionAttributes") or {}):
        state = {
            "dialogAction": {"type": "ElicitSlot"},
            "intent": {"name": "Book"},
            "sessionAttributes": {"asked": "1"},
        }
        return {
            "sessionState": state,
            "messages": [{"contentType": "PlainText", "content": "Which day?"}],
        }
    slot = {"value": {"interpretedValue": event["text"]}}
    intent = {"name": "Book", "slots": {"day": slot}, "state": "Fulfilled"}
    return {"sessionState": {"dialogAction": {"type": "Close"}, "intent": intent}}


@pytest.mark.parametrize(
    ("bot", "keys", "heard"),
    [
        (book, ["1#", "7#"], ["What is it?", "Which day?", "Booked for 7"]),
        (lambda _event: {"sessionState": 2**70}, ["1#"], ["What is it?", "Sorry"]),
        (refuse, ["1#"], ["What is it?", "Sorry"]),
    ],
    ids=["answers", "cannot be kept", "fails"],
)
async def test_a_customer_talks_to_a_bot_by_keys(bot, keys, heard):
    made = Functions({}, direct=False, bots={BOT: bot})
    async with a_node(functions=made) as stage:
        office = await stage.an_instance()
        flow = await office.add(
            "contact_flow",
            Name="bot",
            Type="CONTACT_FLOW",
            State="ACTIVE",
            Status="PUBLISHED",
            Content=asking_flow(),
        )
        stage.phones.call(CUSTOMER, "", "c1", stage.now)
        await stage.node.submit(
            office.instance_id,
            commands.StartInboundContact(
                contact_id="c1", from_number=CUSTOMER, to=None, flow_id=flow
            ),
        )
        for each in keys:
            await stage.pass_time(1)
            stage.phones.press("c1", each, stage.now)
        await stage.pass_time(1)
        assert [each.value for each in stage.phones.heard("c1") if each.kind == "text"] == heard
        assert stage.node.is_well()
