"""The sandbox's own rules, on a node in memory."""

import json

import msgspec
import pytest

from node_builders import CUSTOMER, a_node
from ringfloor.aws.request import HttpRequest
from ringfloor.domain.quotas import Quotas
from ringfloor.server.agent_service import AgentService
from ringfloor.server.sandbox import Phones, Sandbox


def a_sandbox(stage, service=None) -> Sandbox:
    carrier, now = stage.phones, stage.clock.now

    async def tell(*_):
        raise AssertionError("nothing is told here")

    phones = Phones(
        tell=tell,
        call=lambda from_number, to, channel: carrier.call(from_number, to, channel, now()),
        press=lambda channel, digits: carrier.press(channel, digits, now()),
        hang_up=lambda channel: carrier.hang_up(channel, now()),
        heard=lambda channel: [(each.kind, each.value) for each in carrier.heard(channel)],
    )
    return Sandbox(
        service or stage.service, phones, AgentService(stage.service).act, anywhere=False
    )


async def ask(
    sandbox: Sandbox, path: str, body: object, host: bytes = b"127.0.0.1:8080", *more: tuple
) -> tuple[int, dict]:
    headers = ((b"host", host), *more)
    http = HttpRequest("POST", b"", b"", headers, json.dumps(body).encode())
    answer = await sandbox.handle(http, path)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("to", [{}, {"To": "+12065550199"}, {"ContactFlowId": "nowhere"}])
async def test_a_call_that_is_refused_does_not_go_on_ringing(to):
    async with a_node() as stage:
        office = await stage.an_instance()
        path = f"phones/{CUSTOMER}/call"
        status, answer = await ask(a_sandbox(stage), path, {"InstanceId": office.instance_id, **to})
        assert status in (400, 404), answer
        await stage.pass_time()
        assert stage.phones.channels() == []


async def test_a_call_beyond_the_quota_does_not_go_on_ringing():
    async with a_node() as stage:
        office = await stage.an_instance()
        service = msgspec.structs.replace(stage.service, quotas=Quotas({"call": 1}))
        sandbox = a_sandbox(stage, service)
        flow = office.center.named("contact_flow", "Sample inbound flow")
        body = {"InstanceId": office.instance_id, "ContactFlowId": flow}
        taken, first = await ask(sandbox, f"phones/{CUSTOMER}/call", body)
        busy, answer = await ask(sandbox, f"phones/{CUSTOMER}/call", body)
        assert (taken, busy, answer["code"]) == (200, 429, "LimitExceededException")
        await stage.pass_time()
        assert [each.channel_id for each in stage.phones.channels()] == [first["ContactId"]]


async def test_a_call_into_a_flow_is_taken():
    async with a_node() as stage:
        office = await stage.an_instance()
        flow = office.center.named("contact_flow", "Sample inbound flow")
        body = {"InstanceId": office.instance_id, "ContactFlowId": flow}
        status, answer = await ask(a_sandbox(stage), f"phones/{CUSTOMER}/call", body)
        assert status == 200
        assert [each.channel_id for each in stage.phones.channels()] == [answer["ContactId"]]


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (b"127.0.0.1:8080", None, 400),
        (b"127.0.0.1:8080", b"http://localhost:3000", 400),
        (b"localhost", b"http://[::1]:8080", 400),
        (b"127.0.0.1:8080", b"https://shop.example", 403),
        (b"127.0.0.1:8080", b"http://127.0.0.1.shop.example:8080", 403),
        (b"127.0.0.1:8080", b"null", 403),
        (b"shop.example", None, 403),
        (b"shop.example:8080", b"http://shop.example:8080", 403),
    ],
)
async def test_pages_of_others_are_kept_out(host, origin, status):
    """A browser posts text/plain anywhere without asking."""
    more = () if origin is None else ((b"origin", origin),)
    async with a_node() as stage:
        sandbox = a_sandbox(stage)
        assert (await ask(sandbox, "clock", {}, host, *more))[0] == status
