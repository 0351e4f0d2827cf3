"""Associations: keys in PEM, and which functions an instance may call."""

import asyncio

import httpx
import pytest

import keys
from engine_builders import a_center
from ringfloor.domain import dialogue
from ringfloor.domain.commands import CreateResource
from ringfloor.engine.effects import AskBot, InvokeFunction
from ringfloor.node.functions import FAILED, Functions, is_associated
from ringfloor.operations.associations import origins
from ringfloor.operations.pem import is_rsa_public_key

ARN = "arn:aws:lambda:us-east-1:111122223333:function:lookup"
MISTAKEN = keys.mistaken()


@pytest.mark.parametrize("change", [str, str.strip, lambda key: f"\n {key} \n"])
def test_a_public_key_is_known_whatever_white_space_is_around_it(change):
    assert is_rsa_public_key(change(keys.rsa_key()))
    assert is_rsa_public_key(change(keys.rsa_key().replace("\n", "\r\n")))


@pytest.mark.parametrize("what", MISTAKEN)
def test_what_is_mistaken_for_a_public_key(what):
    assert not is_rsa_public_key(MISTAKEN[what])


def a_call(arn):
    return InvokeFunction(
        contact_id="c1", ask=1, function_arn=arn, event={}, timeout_ms=8_000, asynchronous=False
    )


def test_an_association_covers_versions_and_aliases():
    center = a_center()
    center.run(CreateResource(kind="lambda_function", properties={"FunctionArn": ARN}))
    one = ARN.replace("lookup", "one:live")
    center.run(CreateResource(kind="lambda_function", properties={"FunctionArn": one}))
    allowed = [ARN, f"{ARN}:7", f"{ARN}:live", one]
    refused = [f"{ARN}2", one.removesuffix(":live"), one.replace("live", "test"), "", "http://x/"]
    for arn in (*allowed, *refused):
        assert is_associated(center.center, a_call(arn)) == (arn in allowed), arn


BOT = "arn:aws:lex:us-east-1:123456789012:bot-alias/BOT1/ALIAS1"


@pytest.mark.parametrize(
    ("kind", "properties", "bot", "known"),
    [
        ("lex_v2_bot", {"AliasArn": BOT}, {"aliasArn": BOT}, True),
        ("lex_v2_bot", {"AliasArn": BOT}, {"aliasArn": BOT + "x"}, False),
        ("lex_bot", {"Bot": "eu-west-1/book"}, {"name": "book", "region": "eu-west-1"}, True),
        ("lex_bot", {"Bot": "eu-west-1/book"}, {"name": "book", "region": "us-east-1"}, False),
        ("lex_bot", {"Bot": "us-east-1/book"}, {"name": "book"}, True),
    ],
)
def test_a_bot_is_associated_by_its_alias_or_by_region_and_name(kind, properties, bot, known):
    center = a_center()
    center.run(CreateResource(kind=kind, properties=properties))
    name = bot.get("aliasArn") or bot["name"]
    call = AskBot(contact_id="c1", ask=1, bot=name, event={"bot": bot}, timeout_ms=1)
    assert is_associated(center.center, call) == known


@pytest.mark.parametrize(
    ("direct", "associated", "called"),
    [(False, True, True), (False, False, False), (True, False, True)],
)
async def test_outside_a_sandbox_a_function_must_be_associated(direct, associated, called):
    asked, told = [], asyncio.get_running_loop().create_future()

    def is_known(instance_id, call):
        asked.append((instance_id, call.function_arn))
        return associated

    functions = Functions({ARN: "http://function.test/"}, direct=direct, associated=is_known)
    functions._web._client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=b"{}"))
    )
    functions.invoke("i1", a_call(f"{ARN}:live"), told.set_result)
    answer = await asyncio.wait_for(told, 5)
    await functions.close()
    assert answer.heard == (dialogue.Answer({}) if called else FAILED)
    assert asked == ([] if direct else [("i1", f"{ARN}:live")])


def test_origins_are_sorted_and_of_one_center():
    center = a_center()
    assert origins(center.center) == []
    for origin in ("https://b.example", "https://a.example"):
        center.run(CreateResource(kind="approved_origin", properties={"Origin": origin}))
    assert origins(center.center) == ["https://a.example", "https://b.example"]
