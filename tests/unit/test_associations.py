"""Associations: keys in PEM, and which functions an instance may call."""

import asyncio

import httpx
import pytest

import keys
from engine_builders import a_center
from ringfloor.domain import dialogue
from ringfloor.domain.commands import CreateResource
from ringfloor.engine.effects import InvokeFunction
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


def test_an_association_covers_versions_and_aliases():
    center = a_center()
    center.run(CreateResource(kind="lambda_function", properties={"FunctionArn": ARN}))
    one = ARN.replace("lookup", "one:live")
    center.run(CreateResource(kind="lambda_function", properties={"FunctionArn": one}))
    allowed = [ARN, f"{ARN}:7", f"{ARN}:live", one]
    refused = [f"{ARN}2", one.removesuffix(":live"), one.replace("live", "test"), "", "http://x/"]
    for arn in (*allowed, *refused):
        assert is_associated(center.center, arn) == (arn in allowed), arn


@pytest.mark.parametrize(
    ("direct", "associated", "called"),
    [(False, True, True), (False, False, False), (True, False, True)],
)
async def test_outside_a_sandbox_a_function_must_be_associated(direct, associated, called):
    asked, told = [], asyncio.get_running_loop().create_future()

    def is_known(instance_id, arn):
        asked.append((instance_id, arn))
        return associated

    functions = Functions({ARN: "http://function.test/"}, direct=direct, associated=is_known)
    functions._client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=b"{}"))
    )
    call = InvokeFunction(
        contact_id="c1",
        ask=1,
        function_arn=f"{ARN}:live",
        event={},
        timeout_ms=8_000,
        asynchronous=False,
    )
    functions.invoke("i1", call, told.set_result)
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
