"""The sandbox's own rules, on a node in memory."""

import json

import pytest

from node_builders import CUSTOMER, a_node
from ringfloor.aws.request import HttpRequest
from ringfloor.server.agent_service import AgentService
from ringfloor.server.sandbox import Phones, Sandbox


def a_sandbox(stage) -> Sandbox:
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
    return Sandbox(stage.service, phones, AgentService(stage.service).act, anywhere=False)


async def ask(sandbox: Sandbox, path: str, body: object) -> tuple[int, dict]:
    headers = ((b"host", b"127.0.0.1:8080"),)
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


async def test_a_call_into_a_flow_is_taken():
    async with a_node() as stage:
        office = await stage.an_instance()
        flow = office.center.named("contact_flow", "Sample inbound flow")
        body = {"InstanceId": office.instance_id, "ContactFlowId": flow}
        status, answer = await ask(a_sandbox(stage), f"phones/{CUSTOMER}/call", body)
        assert status == 200
        assert [each.channel_id for each in stage.phones.channels()] == [answer["ContactId"]]
