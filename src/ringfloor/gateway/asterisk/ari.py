"""Ari: Asterisk's REST interface over one web socket, requests and events alike.

gateway.asterisk.carrier asks and is told. Requests that are sent one after the other are carried
out in that order, because they share the socket (ARI REST over WebSocket, Asterisk 22 and 20.14).
While the socket is down requests fail at once with status 503; it is opened again for ever.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    ARI_MESSAGE_BYTES_MAX,
    ARI_REQUESTS_PENDING_MAX,
    ARI_RETRY_SECONDS,
)

log = logging.getLogger(__name__)

Query = Mapping[str, str]

DOWN = 503


class Answer(NamedTuple):
    """What came of a request: an HTTP status, and its JSON."""

    status: int
    body: Any = None

    @property
    def done(self) -> bool:
        return self.status < 300


Then = Callable[[Answer], None]


def path(*parts: str) -> str:
    """A URI of parts that may have any characters."""
    return "/".join(quote(part, safe="") for part in parts)


class Ari:
    """One application of one Asterisk. All callbacks come out of the loop, one after the other."""

    def __init__(
        self,
        url: str,
        application: str,
        username: str,
        password: str,
        *,
        on_event: Callable[[dict[str, Any]], None],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
    ) -> None:
        """url: of ARI, such as http://127.0.0.1:8088/ari."""
        scheme, separator, rest = url.rstrip("/").partition("://")
        if not separator or scheme not in ("http", "https"):
            raise Fault(f"asterisk: url: {url!r} does not begin with http:// or https://")
        events = urlencode({"app": application, "subscribeAll": "false"})
        self._url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/events?{events}"
        credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}"}
        self._on_event, self._on_up, self._on_down = on_event, on_up, on_down
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, Then | None] = {}
        self._number = 0
        self._closing = asyncio.Event()
        self._outgoing: asyncio.Queue[str] = asyncio.Queue(ARI_REQUESTS_PENDING_MAX)

    @property
    def up(self) -> bool:
        return self._socket is not None

    def ask(
        self,
        method: str,
        uri: str,
        query: Query | None = None,
        then: Then | None = None,
        variables: Query | None = None,
    ) -> None:
        """Send a request; then hears its answer, never inside of this call.

        variables: of a channel that is made.
        """
        self._number += 1
        number = str(self._number)
        if self._socket is None or self._outgoing.full():
            if then is not None:
                asyncio.get_running_loop().call_soon(then, Answer(DOWN))
            return
        self._waiting[number] = then
        request: dict[str, Any] = {
            "type": "RESTRequest",
            "transaction_id": number,
            "method": method,
            "uri": uri,
        }
        if query:
            pairs = [{"name": name, "value": value} for name, value in query.items()]
            request["query_strings"] = pairs
        if variables:
            request["content_type"] = "application/json"
            request["message_body"] = json.dumps({"variables": variables})
        self._outgoing.put_nowait(json.dumps(request))

    def close(self) -> None:
        """Let run return as soon as the socket is gone."""
        self._closing.set()

    async def run(self) -> None:
        """Keep the socket open until this is cancelled, or closed."""
        quiet = False
        while not self._closing.is_set():
            try:
                async with connect(
                    self._url,
                    additional_headers=self._headers,
                    max_size=ARI_MESSAGE_BYTES_MAX,
                    open_timeout=ARI_RETRY_SECONDS * 10,
                ) as socket:
                    quiet = False
                    await self._talk(socket)
            except (OSError, WebSocketException, TimeoutError) as error:
                if not quiet:
                    log.warning(
                        "Asterisk cannot be had (%s); it is tried again. Does it run, is"
                        " asterisk.url its http.conf's, are username and password its ari.conf's?",
                        error,
                    )
                quiet = True
            with suppress(TimeoutError):
                async with asyncio.timeout(ARI_RETRY_SECONDS):
                    await self._closing.wait()

    async def _talk(self, socket: ClientConnection) -> None:
        self._socket = socket
        sending = asyncio.create_task(self._send(socket))
        log.info("Asterisk is there")
        try:
            self._on_up()
            async for message in socket:
                self._hear(json.loads(message))
        finally:
            self._socket = None
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            while not self._outgoing.empty():
                self._outgoing.get_nowait()
            waiting, self._waiting = self._waiting, {}
            for then in waiting.values():
                if then is not None:
                    then(Answer(DOWN))
            self._on_down()

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            await socket.send(await self._outgoing.get())

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("type") != "RESTResponse":
            self._on_event(message)
            return
        then = self._waiting.pop(message.get("transaction_id", ""), None)
        text = message.get("message_body")
        answer = Answer(message["status_code"], json.loads(text) if text else None)
        if not answer.done and answer.status not in (404, 409):
            log.warning("Asterisk refuses %s: %s %s", message.get("uri"), answer.status, text)
        if then is not None:
            then(answer)
