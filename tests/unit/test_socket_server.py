"""Web sockets as the server has them: handshakes, bounds and endings on real connections."""

import asyncio
import base64
import io
import json
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from ringfloor import app
from ringfloor.aws.tokens import Sealer
from ringfloor.base.limits import (
    REQUEST_SECONDS_MAX,
    SOCKET_MESSAGE_BYTES_MAX,
    SOCKET_PENDING_BYTES_MAX,
)
from ringfloor.base.time import VirtualClock
from ringfloor.server.sockets import Audience, Chat, Guest, Socket, Sockets, address

START = 1_700_000_000_000
CAROL = Guest("center", "chat", "carol")
CHAT = Chat("center", "chat")
PING = json.dumps({"topic": "aws/ping"})
SUBSCRIBE = json.dumps({"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})


class House:
    """A server that has web sockets, and a path /hello."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.sealer = Sealer((b"the key of all the tests",))
        self.audience = Audience()
        self.sockets = Sockets(self.sealer, self.clock, self.audience, self)
        node = SimpleNamespace(close=lambda: None)
        endpoints = SimpleNamespace(serve=self.serve)
        self.server = app._Server(endpoints, node, "listening", io.StringIO())  # type: ignore[arg-type]
        self.port = 0

    async def enter(self, socket: Socket) -> None:
        self.audience.seat(CHAT, socket.guest.who, socket)

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.sockets.serve(scope, receive, send)
            return
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    def url(self) -> str:
        base = f"ws://127.0.0.1:{self.port}"
        return address(self.sealer, base, CAROL, self.clock.now())

    def connect(self, **options: Any) -> connect:
        return connect(self.url(), **options)

    async def until(self, sockets: int) -> None:
        """Wait until so many are open."""
        async with asyncio.timeout(5):
            while len(self.audience) != sockets:  # noqa: ASYNC110  an audience tells nobody
                await asyncio.sleep(0)


@pytest.fixture
async def house():
    house = House()
    listener = app._listener(SimpleNamespace(host="127.0.0.1", port=0))  # type: ignore[arg-type]
    house.port = listener.getsockname()[1]
    running = asyncio.create_task(house.server.serve(sockets=[listener]))
    async with asyncio.timeout(5):
        while not house.server.started:  # noqa: ASYNC110  nor does uvicorn
            await asyncio.sleep(0)
    yield house
    house.server.should_exit = True
    await running


async def ended(client: ClientConnection) -> int:
    """The code that the server closes with."""
    with suppress(websockets.ConnectionClosed):
        async with asyncio.timeout(5):
            async for _ in client:
                pass
    assert client.close_code is not None
    return client.close_code


async def test_a_conversation(house):
    async with house.connect() as client:
        await client.send(PING)
        assert json.loads(await client.recv())["statusContent"] == "OK"
        await client.send(SUBSCRIBE)
        assert json.loads(await client.recv())["content"]["status"] == "success"
        house.audience.tell(CHAT, {"Content": "ü" * 1_000})
        assert json.loads(json.loads(await client.recv())["content"]) == {"Content": "ü" * 1_000}
    await house.until(0)


async def test_an_address_that_opens_nothing(house):
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connect(house.url() + "A")
    assert caught.value.response.status_code == 403


async def test_a_message_that_is_too_long(house):
    async with house.connect() as client:
        await client.send("x" * (SOCKET_MESSAGE_BYTES_MAX + 1))
        assert await ended(client) == 1009


async def test_the_server_stops(house):
    async with house.connect() as client:
        await house.until(1)
        house.server.should_exit = True
        assert await ended(client) == 1012


async def test_a_socket_outlives_the_time_for_a_request(house, monkeypatch):
    """The connection began as a request that had to be complete in time."""
    monkeypatch.setattr(app, "REQUEST_SECONDS_MAX", 0.05)
    assert REQUEST_SECONDS_MAX > 1
    async with house.connect() as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.recv()
        await client.send(PING)
        assert json.loads(await client.recv())["statusCode"] == 200


async def raw(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection by hand, of a client that reads when the test says so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port, limit=1_000)
    key = base64.b64encode(b"0" * 16).decode()
    path = house.url().partition(f":{house.port}")[2]
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    return reader, writer


async def test_who_does_not_read_is_cut_off(house, monkeypatch):
    monkeypatch.setattr(app, "SOCKET_CLOSE_SECONDS", 0.05)
    reader, writer = await raw(house)
    await house.until(1)
    [socket] = house.audience._of_guests[CAROL]
    house.audience.seat(CHAT, "carol", socket)
    pushed = 0
    async with asyncio.timeout(10):
        while len(house.audience):
            house.audience.tell(CHAT, {"Content": "x" * 60_000})
            pushed += 60_000
            await asyncio.sleep(0)
    assert pushed > SOCKET_PENDING_BYTES_MAX
    async with asyncio.timeout(5):
        while house.server.server_state.connections:  # noqa: ASYNC110  nor do these tell
            await asyncio.sleep(0)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(pushed)
    writer.close()


async def test_who_does_not_answer_pings_is_gone(house, monkeypatch):
    monkeypatch.setattr(house.server.config, "ws_ping_interval", 0.05)
    monkeypatch.setattr(house.server.config, "ws_ping_timeout", 0.05)
    _, writer = await raw(house)
    await house.until(1)
    await house.until(0)
    writer.close()


async def test_requests_go_on_beside(house):
    async with house.connect():
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        writer.close()
