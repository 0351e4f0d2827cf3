"""Who does not send a request in time is let go; who is answered slowly is not."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from ringfloor.app import _Protocol
from ringfloor.base.limits import REQUEST_SECONDS_MAX


class Wire(asyncio.Transport):
    """A transport that only remembers."""

    closed = False

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Connection:
    """One connection, whose timer goes off when the test says so."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.end = asyncio.Event()
        config = uvicorn.Config(self.patient, interface="asgi3", lifespan="off", log_config=None)
        config.load()
        self.loop = loop
        self.protocol = _Protocol(config, ServerState(), {}, loop)
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    async def patient(self, _scope: Any, _receive: Any, _send: Any) -> None:
        await self.end.wait()

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def let_time_pass(self) -> None:
        """The timer, if it is set, goes off."""
        waiting = self.protocol._waiting
        if waiting is not None and not waiting.cancelled():
            assert waiting.when() <= self.loop.time() + REQUEST_SECONDS_MAX
            waiting.cancel()
            self.protocol._too_slow()


@pytest.fixture
def connection() -> Iterator[Connection]:
    loop = asyncio.new_event_loop()
    made = Connection(loop)
    yield made
    made.protocol.connection_lost(None)
    made.end.set()
    for task in list(made.protocol.tasks):
        loop.run_until_complete(task)
    loop.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /instance HTTP/1.1\r\nhost: x\r\n",
        b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_what_does_not_arrive_in_time(connection, sent):
    if sent:
        connection.send(sent)
    connection.let_time_pass()
    assert connection.wire.closed


def test_who_waits_for_an_answer_may_wait(connection):
    connection.send(b"GET /instance HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.let_time_pass()
    assert not connection.wire.closed


def test_who_has_sent_a_second_request_meanwhile_may_wait(connection):
    """uvicorn reads no further until the first is answered."""
    first = b"GET /instance HTTP/1.1\r\nhost: x\r\n\r\n"
    connection.send(first + first + b"GET /inst")
    connection.let_time_pass()
    assert not connection.wire.closed
