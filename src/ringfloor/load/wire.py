"""Wire: HTTP/1.1 to one server over kept connections, as fast as one process can.

Called by load.door. The only module that knows httptools, uvicorn's own parser: a load test must
be quicker than what it tests, and the client that the node has takes as long for a request as the
server does. Rules:

* At most so many connections at once; who finds none free waits, and that is part of his response
  time. Requests are not pipelined and never sent twice.
* A connection that has idled is not used again, for the server may be closing it.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httptools
from typing_extensions import override

from ringfloor.base.errors import Fault
from ringfloor.base.limits import LOAD_IDLE_MS
from ringfloor.base.time import seconds
from ringfloor.load.measures import NO_ANSWER

Headers = Sequence[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """sent: when the request was, by the loop's clock. headers: names in lower case."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    sent: float


class Unanswered(Exception):
    """Nobody has answered, or not as HTTP has it. code: for the count; sent: when, if it was."""

    def __init__(self, code: str, why: str, sent: float) -> None:
        super().__init__(why)
        self.code = code
        self.sent = sent


class _Connection(asyncio.Protocol):
    """One connection, with at most one request on its way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.status = 0
        self._is_kept = False
        self._parser: Any = None
        self._waiting: asyncio.Future[None] | None = None
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()

    def ask(self, text: bytes, waiting: "asyncio.Future[None]") -> None:
        """Send a request; the future is done when its answer is here."""
        assert self.transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting = waiting
        self._is_kept = False
        self.headers = {}
        self.body = bytearray()
        self.transport.write(text)

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent."""
        return (
            self.transport is not None
            and not self.transport.is_closing()
            and self._waiting is None
            and self._is_kept
        )

    def close(self) -> None:
        """It is not needed, or not trusted, any more."""
        self._waiting = None
        if self.transport is not None:
            self.transport.abort()

    # asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._waiting is None:
            self.close()  # it speaks without having been asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._over(ConnectionError(f"no HTTP: {error}"))
            self.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._over(exc or ConnectionResetError("the connection was closed before the answer"))

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.status = int(self._parser.get_status_code())
        self._is_kept = bool(self._parser.should_keep_alive())
        self._over(None)

    def _over(self, error: Exception | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)


class Http:
    """A server at an address such as http://127.0.0.1:8080; used within one event loop."""

    def __init__(self, address: str, at_once: int) -> None:
        """at_once: connections. Raises Fault."""
        url = urlsplit(address)
        try:
            port = url.port
        except ValueError:
            port = 0
        if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
            raise Fault(f"{address!r} is no address such as http://127.0.0.1:8080")
        self.address = address
        self.authority = url.netloc.rpartition("@")[2]
        self.host, self.port = url.hostname, port or {"http": 80, "https": 443}[url.scheme]
        self.ssl = ssl.create_default_context() if url.scheme == "https" else None
        self._free: deque[_Connection] = deque()
        self._slots = asyncio.Semaphore(at_once)

    async def ask(
        self, method: str, target: str, headers: Headers, body: bytes, within: float
    ) -> Answer:
        """An answer of any status. target: encoded; within: seconds, once there is a connection.

        Raises Unanswered.
        """
        loop = asyncio.get_running_loop()
        text = self._text(method, target, headers, body)
        async with self._slots:
            sent = loop.time()
            try:
                async with asyncio.timeout(within), self._connection() as connection:
                    waiting = loop.create_future()
                    sent = loop.time()
                    connection.ask(text, waiting)
                    await waiting
                    return Answer(
                        connection.status, connection.headers, bytes(connection.body), sent
                    )
            except TimeoutError as error:
                raise Unanswered(NO_ANSWER, f"no answer in {within:g} s", sent) from error
            except (OSError, ssl.SSLError) as error:
                raise Unanswered(type(error).__name__, str(error), sent) from error

    def _text(self, method: str, target: str, headers: Headers, body: bytes) -> bytes:
        lines = [
            f"{method} {target} HTTP/1.1".encode(),
            b"host: " + self.authority.encode(),
            *[name + b": " + value for name, value in headers],
            b"content-length: %d" % len(body),
            b"",
            body,
        ]
        return b"\r\n".join(lines)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        """One of one's own; kept if the exchange went well."""
        loop = asyncio.get_running_loop()
        connection = self._kept(loop.time())
        if connection is None:
            _, connection = await loop.create_connection(
                _Connection, self.host, self.port, ssl=self.ssl
            )
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.is_usable:
            connection.idle_since = loop.time()
            self._free.append(connection)
        else:
            connection.close()

    def _kept(self, now: float) -> _Connection | None:
        """The one that was used last; what has idled is let go."""
        while self._free and now - self._free[0].idle_since > seconds(LOAD_IDLE_MS):
            self._free.popleft().close()
        while self._free:
            last = self._free.pop()
            if last.transport is not None and not last.transport.is_closing():
                return last
        return None

    async def close(self) -> None:
        """Let go of all connections."""
        with suppress(IndexError):
            while True:
                self._free.popleft().close()
