"""Webhooks: signed as Standard Webhooks has it, repeated until taken, in order, under one id."""

import asyncio
import base64
import hashlib
import hmac
import json
import re

import pytest

from node_builders import a_node
from ringfloor.base.errors import Fault
from ringfloor.base.time import VirtualClock
from ringfloor.node import stream_outlets, web
from ringfloor.node import streams as module
from ringfloor.node.stream_lines import Line, Position
from ringfloor.node.stream_targets import Gone, Targets, Webhook, signature
from ringfloor.node.streams import Streams
from stream_hearers import level, until

SECRET = b"the secret of all webhooks, 32 b"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS", 1)
    monkeypatch.setattr(stream_outlets, "STREAM_RETRY_MS_MAX", 2)
    monkeypatch.setattr(module, "STREAM_NOTE_MS", 0)


class Receiver:
    """A real HTTP server on a port of its own; it can die and come back."""

    def __init__(self):
        self.port = 0
        self.answers = []
        """What is answered to the next requests: a status, or None: nothing ever. Then 204."""
        self.asked = []
        """Status, headers and body of each request."""

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    writers = ()

    async def _serve(self, reader, writer):
        self.writers = (*self.writers, writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:-2]
                headers = {
                    name.lower(): value for name, value in (each.split(": ", 1) for each in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.answers.pop(0) if self.answers else 204
                self.asked.append((status, headers, body))
                if status is not None:
                    writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self):
        return [(headers, body) for status, headers, body in self.asked if status in (200, 204)]


def lines(*bodies, about="contact"):
    return [
        Line("office", Position(number, 1), f"id-{number}", about, body)
        for number, body in enumerate(bodies, 1)
    ]


def test_a_signature_is_that_of_the_specification():
    """The example that the specification itself gives for checking implementations."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    found = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == expected
    both = signature([SECRET, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert both.split(" ")[1] == expected


async def test_what_is_posted_can_be_verified_by_its_receiver():
    async with Receiver() as receiver:
        hook = Webhook(receiver.address, [SECRET], wall=VirtualClock(1_700_000_000_999))
        assert await hook.take(lines(b'{"a":1}')) == ([], "")
        await hook.close()
    (_, headers, body) = receiver.asked[0]
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("id-1", "1700000000")
    mac = hmac.new(SECRET, b"id-1.1700000000." + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert headers["content-type"] == "application/json"


async def test_without_a_secret_there_is_no_signature():
    async with Receiver() as receiver:
        hook = Webhook(receiver.address)
        await hook.take(lines(b"{}"))
        await hook.close()
    assert "webhook-signature" not in receiver.asked[0][1]
    assert receiver.asked[0][1]["webhook-id"] == "id-1"


@pytest.mark.parametrize("status", [301, 400, 404, 413, 429, 500, 503])
async def test_what_is_not_taken_stays_with_all_that_comes_after_it(status):
    async with Receiver() as receiver:
        receiver.answers = [200, status]
        hook = Webhook(receiver.address)
        left, why = await hook.take(given := lines(b"1", b"2", b"3"))
        await hook.close()
    assert left == given[1:]
    assert f"status {status}" in why
    assert len(receiver.asked) == 2


async def test_410_says_that_he_wants_no_more():
    async with Receiver() as receiver:
        receiver.answers = [410]
        hook = Webhook(receiver.address)
        with pytest.raises(Gone):
            await hook.take(lines(b"1"))
        await hook.close()


async def test_a_batch_is_an_array_whose_id_is_that_of_its_lines():
    async with Receiver() as receiver:
        receiver.answers = [500]
        hook = Webhook(receiver.address, batch=2)
        given = lines(b"1", b"2", b"3")
        assert (await hook.take(given)).left == given
        assert (await hook.take(given)).left == []
        await hook.close()
    bodies = [json.loads(body) for _, _, body in receiver.asked]
    assert bodies == [[1, 2], [1, 2], [3]]
    first, again, other = (headers["webhook-id"] for _, headers, _ in receiver.asked)
    assert first == again != other


async def test_a_receiver_that_hangs_fails_dies_and_comes_back_hears_all_in_order(
    monkeypatch, caplog
):
    monkeypatch.setattr(web, "STREAM_POST_MS", 50)
    receiver = Receiver()
    async with receiver:
        receiver.answers = [None, 500, 503, 204, 400, None, 204]
        targets = Targets(secrets=[SECRET])
        streams = Streams({"contact-events": receiver.address}, targets)
        async with a_node(streams=streams) as stage:
            office = await stage.an_instance(users=["ann"])
            await office.status("ann", "Available")
            first = await office.a_call()
            await until(lambda: not receiver.answers)
            await receiver.__aexit__()
            await office.customer_hangs_up(first)
            second = await office.a_call()
            await until(lambda: "ConnectError" in caplog.text)
            async with receiver:
                await office.customer_hangs_up(second)
                await level(streams, office.instance_id)
    taken = [json.loads(body) for _, body in receiver.taken]
    assert len({each["id"] for each in taken}) == len(taken)
    for contact in (first, second):
        kinds = [
            each["detail"]["eventType"] for each in taken if each["detail"]["contactId"] == contact
        ]
        assert kinds[0] == "INITIATED"
        assert kinds[-2:] == ["DISCONNECTED", "COMPLETED"]
    repeated = [body for status, _, body in receiver.asked if status not in (200, 204)]
    assert len(repeated) >= 4
    for _, headers, body in receiver.asked:
        assert headers["webhook-id"] == json.loads(body)["id"]
    assert not re.search("secret|whsec|initiationTimestamp", caplog.text)


def test_a_target_of_aws_needs_its_endpoint_and_boto3():
    with pytest.raises(Fault, match="--kinesis-endpoint"):
        Streams({"contact-records": "kinesis://records"})
    with pytest.raises(Fault, match=r"pip install 'ringfloor\[aws\]'"):
        Targets(endpoints={"kinesis": "http://127.0.0.1:9"})
