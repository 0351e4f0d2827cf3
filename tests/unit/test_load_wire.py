"""The HTTP client of load tests against a server that does what it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringfloor.base.errors import Fault
from ringfloor.config import Caller
from ringfloor.load import wire
from ringfloor.load.door import POLL, Door, Failed
from ringfloor.load.measures import NO_ANSWER, Measures
from ringfloor.load.wire import Http, Unanswered

OK = b"HTTP/1.1 200 OK\r\nDate: now\r\ncontent-length: 2\r\n\r\n{}"


class Served:
    """What has come to a server, and how."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.most = 0
        self.requests: list[bytes] = []
        self.address = ""
        self.gate = asyncio.Event()
        self.third = asyncio.Event()
        self.handlers: list[asyncio.Task[None]] = []


@asynccontextmanager
async def server(*answers: bytes, gated: bool = False) -> AsyncIterator[Served]:
    """answers: to one request after the other, the last one to all others; empty: hangs up."""
    served = Served()
    ahead = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.handlers.append(task)
        served.connections += 1
        served.open += 1
        served.most = max(served.most, served.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
                served.requests.append(head + await reader.readexactly(length))
                if len(served.requests) == 3:
                    served.third.set()
                if gated:
                    await served.gate.wait()
                answer = ahead.pop(0) if len(ahead) > 1 else ahead[0]
                writer.write(answer)
                await writer.drain()
                if not answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            served.open -= 1
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    served.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield served
        await asyncio.gather(*served.handlers)


async def ask(http: Http, body: bytes = b"", within: float = 10) -> wire.Answer:
    return await http.ask("POST", "/x?y=1", [(b"a", b"b")], body, within)


async def test_one_connection_serves_many_requests():
    async with server(OK) as served:
        http = Http(served.address, 5)
        answers = [await ask(http, b"body") for _ in range(3)]
        await http.close()
    assert {(each.status, each.body, each.headers[b"date"]) for each in answers} == {
        (200, b"{}", b"now")
    }
    assert served.connections == 1
    assert served.requests[0].startswith(b"POST /x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:")
    assert served.requests[0].endswith(b"a: b\r\ncontent-length: 4\r\n\r\nbody")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n", b""),
    ],
)
async def test_answers_have_many_forms(answer, body):
    async with server(answer) as served:
        http = Http(served.address, 5)
        assert (await ask(http)).body == (await ask(http)).body == body
        await http.close()
    assert served.connections == 1


async def test_a_connection_that_is_to_be_closed_is_not_used_again():
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with server(closing) as served:
        http = Http(served.address, 5)
        for _ in range(3):
            await ask(http)
        await http.close()
    assert served.connections == 3


async def test_a_connection_that_has_idled_is_not_used_again(monkeypatch):
    monkeypatch.setattr(wire, "LOAD_IDLE_MS", -1)
    async with server(OK) as served:
        http = Http(served.address, 5)
        for _ in range(3):
            await ask(http)
        await http.close()
    assert served.connections == 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "ConnectionResetError"),
        (b"nonsense\r\n\r\n", "ConnectionError"),
    ],
)
async def test_what_is_no_answer_is_told_and_never_sent_again(answer, code):
    async with server(answer) as served:
        http = Http(served.address, 5)
        with pytest.raises(Unanswered) as caught:
            await ask(http)
        await http.close()
    assert caught.value.code == code
    assert len(served.requests) == 1


async def test_nobody_waits_for_ever():
    async with server(OK, gated=True) as served:
        http = Http(served.address, 1)
        with pytest.raises(Unanswered) as caught:
            await ask(http, within=0.01)
        assert caught.value.code == NO_ANSWER
        served.gate.set()
        assert (await ask(http)).status == 200, "the place is free again"
        await http.close()


async def test_no_more_connections_than_are_allowed():
    async with server(OK, gated=True) as served:
        http = Http(served.address, 3)
        asked = [asyncio.create_task(ask(http)) for _ in range(20)]
        await served.third.wait()
        served.gate.set()
        answers = await asyncio.gather(*asked)
        await http.close()
    assert served.most == served.connections == 3
    sent = sorted(each.sent for each in answers)
    assert sent[3] > sent[2], "who waits is sent later"


async def test_nobody_listens():
    listening = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    with pytest.raises(Unanswered) as caught:
        await ask(Http(f"http://127.0.0.1:{port}", 1))
    assert caught.value.code == "ConnectionRefusedError"


@pytest.mark.parametrize("address", ["", "here", "ftp://here", "http://", "http://here:x"])
async def test_what_is_no_address(address):
    with pytest.raises(Fault, match="is no address"):
        Http(address, 1)


# The door


def door(address: str) -> Door:
    return Door(address, "us-east-1", Caller("AKID", "secret", None), 5)


def refused(status: int, body: bytes, header: bytes = b"") -> bytes:
    length = b"content-length: %d" % len(body)
    lines = [b"HTTP/1.1 %d No" % status, *([header] if header else []), length, b"", body]
    return b"\r\n".join(lines)


@pytest.mark.parametrize(
    ("answer", "code", "passes"),
    [
        (refused(429, b'{"message": "Rate exceeded"}', b"x-amzn-ErrorType: ThrottlingException:x"),
         "ThrottlingException", True),
        (refused(500, b'{"message": "?"}', b"x-amzn-ErrorType: InternalServiceException"),
         "InternalServiceException", True),
        (refused(400, b'{"__type": "a.b#InvalidRequestException", "message": "no"}'),
         "InvalidRequestException", False),
        (refused(404, b'{"code": "ResourceNotFoundException", "message": "no"}'),
         "ResourceNotFoundException", False),
        (refused(502, b"<html>"), "NoJSON", True),
        (refused(200, b"[]"), "NoJSON", False),
        (refused(403, b"{}"), "HTTP 403", False),
        (b"", "ConnectionResetError", True),
    ],
)  # fmt: skip
async def test_every_failure_is_counted_by_its_code(answer, code, passes):
    async with server(answer) as served:
        asked = door(served.address)
        with pytest.raises(Failed) as caught:
            await asked.connect("ListInstances")
        await asked.close()
    assert caught.value.code == code
    assert caught.value.passes == passes
    assert asked.measures.operations["ListInstances"].errors == {code: 1}
    assert "secret" not in str(asked.fault(caught.value))


@pytest.mark.parametrize(("is_waited_for", "errors"), [(True, {"no answer": 1}), (False, {})])
async def test_what_the_end_cuts_off_had_no_answer(monkeypatch, is_waited_for, errors):
    """It counts where it was due, not where the end is counted; it is told with its length."""
    monkeypatch.setattr("ringfloor.load.door.CUT_SECONDS", 0.0 if is_waited_for else 60.0)
    async with server(b"", gated=True) as served:
        one = door(served.address)
        during = one.measures
        asked = asyncio.create_task(one.connect("ListInstances"))
        polls = [
            asyncio.create_task(one.agent("GetAgentSnapshot", "t", nextToken="n")) for _ in range(2)
        ]
        await served.third.wait()
        one.measures = Measures(0.0)
        for task in (asked, *polls):
            task.cancel()
        await asyncio.gather(asked, *polls, return_exceptions=True)
        assert during.errors == errors
        assert not one.measures.count
        assert POLL not in during.operations
        if is_waited_for:
            assert during.operations["ListInstances"].response.count == 1
        await one.close()
        served.gate.set()


async def test_a_race_is_no_error():
    gone = refused(410, b'{"__type": "ContactNotFoundException", "message": "gone"}')
    async with server(gone) as served:
        asked = door(served.address)
        with pytest.raises(Failed) as caught:
            await asked.agent(
                "AcceptContact", "token", races={"ContactNotFoundException"}, contactId="c"
            )
        await asked.close()
    assert caught.value.race
    assert not caught.value.passes
    assert asked.measures.errors == {}
    assert asked.measures.operations["AcceptContact"].races == 1
    head = served.requests[0].lower()
    assert b"x-amz-target: amazonconnectctiservice.acceptcontact" in head
    assert b"x-amz-bearer: token" in head


async def test_pages_of_a_listing_follow_each_other():
    def page(body: bytes) -> bytes:
        return refused(200, body)

    async with server(page(b'{"R": [1], "NextToken": "t"}'), page(b'{"R": [2]}')) as served:
        asked = door(served.address)
        rows = await asked.listed("ListUsers", "R", InstanceId="a/b")
        await asked.close()
    assert rows == [1, 2]
    assert b"GET /users-summary/a%2Fb HTTP" in served.requests[0]
    assert b"?nextToken=t HTTP" in served.requests[1]
    assert b"authorization: AWS4-HMAC-SHA256 Credential=AKID/" in served.requests[0]


async def test_lengths_are_from_when_it_was_due():
    async with server(OK) as served:
        asked = door(served.address)
        due = asyncio.get_running_loop().time() - 5
        await asked.participant("SendMessage", "t", due, Content="x")
        await asked.agent("GetAgentSnapshot", "t", nextToken="n")
        await asked.close()
    tally = asked.measures.operations["SendMessage"]
    assert tally.response.quantile(0) >= 5 > tally.service.longest
    assert asked.measures.operations["GetAgentSnapshot, waiting"].response.count == 0
