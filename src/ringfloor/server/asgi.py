"""ASGI: from the socket to the endpoints, and back. No framework: routes are on raw bytes.

/_ringfloor/health                 anybody
/_ringfloor/instances/...          what AWS has no operation for, signed as the API is
/_ringfloor/streams/...            streams as server-sent events, likewise
/_ringfloor/files/...              sounds and recordings, by addresses that end
/_ringfloor/...                    the sandbox, where there is one
/api, /connect/api, /agent-app/api the agent service
/auth/..., /connect/auth/...       sign-in
/participant/socket                web sockets of chats
/participant/attachments/...       files of chats, which may be longer than other bodies
/participant/...                   the participant service
/softphone/...                     the agents' softphone: a page, and the offers of its sound
OPTIONS                            CORS preflight
/ signed for IAM or STS, or a form the APIs of IAM and STS
signed for S3                      as much of its API as brings and fetches files
everything else                    the Amazon Connect API
"""

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, NamedTuple, Protocol

from ringfloor.aws import response
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import BODY_BYTES_MAX, URL_BYTES_MAX
from ringfloor.server.downloads import Downloads
from ringfloor.server.files import Files
from ringfloor.server.http import json_response
from ringfloor.server.objects import Objects
from ringfloor.server.pipeline import Edge
from ringfloor.server.sandbox import Sandbox
from ringfloor.server.sockets import Sockets
from ringfloor.server.streams import ABORT, StreamEvents

log = logging.getLogger(__name__)

Network = IPv4Network | IPv6Network
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

OURS = b"/_ringfloor/"


class Endpoint(Protocol):
    """Answers requests to some paths."""

    def owns(self, http: HttpRequest) -> bool: ...

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse: ...


class Endpoints(NamedTuple):
    """What the server serves."""

    edge: Edge
    agents: Endpoint
    identities: Endpoint
    records: tuple[Endpoint, ...]
    """Traces, exports, imports."""
    reports: Endpoint
    participants: Endpoint
    files: Files
    downloads: Downloads
    objects: Objects | None
    """The API of S3, where objects are on the disk."""
    sockets: Sockets
    softphone: Endpoint
    streams: StreamEvents
    sandbox: Sandbox | None
    settle: Callable[[], Awaitable[None]]
    """Called before a request is looked at; lets a sandbox's world come to rest."""
    healthy: Callable[[], bool]
    proxies: "Proxies"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection event of the ASGI server."""
        if scope["type"] == "websocket":
            await self.sockets.serve(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        if self.files.owns(scope):
            await self.files.serve(scope, receive, send)
            return
        if self.downloads.owns(scope):
            await self.downloads.serve(scope, send)
            return
        source, secure = self.proxies.caller(scope)
        if self.objects is not None and self.objects.owns(scope):
            await self.objects.serve(scope, receive, send, (source, secure))
            return
        http = await _request(scope, receive, secure=secure)
        if http is None:
            return
        if isinstance(http, Refusal):
            refused = response.failure(http, derive(chance(), 0), self.edge.clock.now())
            await _send(send, refused, close=True)
            return
        await self.settle()
        if self.streams.owns(http):
            await self.streams.serve(http, source, receive, send, scope.get(ABORT))
            return
        await _send(send, await self._answer(http, source))

    async def _answer(self, http: HttpRequest, source: str) -> HttpResponse:
        if http.raw_path.startswith(OURS):
            path = http.raw_path[len(OURS) :].decode("latin-1")
            return await self._ours(http, path, source)
        if http.method == "OPTIONS":
            return response.preflight(self.edge.clock.now())
        if self.agents.owns(http):
            return await self.agents.handle(http, source)
        if self.participants.owns(http):
            return await self.participants.handle(http, source)
        if self.softphone.owns(http):
            return await self.softphone.handle(http, source)
        if self.identities.owns(http):
            return await self.identities.handle(http, source)
        return await self.edge.handle(http, source)

    async def _ours(self, http: HttpRequest, path: str, source: str) -> HttpResponse:
        if path == "health":
            well = self.healthy()
            return json_response(200 if well else 503, {"status": "ok" if well else "stopping"})
        for endpoint in self.records:
            if endpoint.owns(http):
                return await endpoint.handle(http, source)
        if self.reports.owns(http):
            return await self.reports.handle(http, source)
        if self.sandbox is None:
            return json_response(404, {"message": "there is no sandbox; start with --sandbox"})
        try:
            return await self.sandbox.handle(http, path)
        except Exception:  # ours: the trace is for the operator
            log.exception("%s /_ringfloor/%s failed", http.method, path)
            return json_response(500, {"message": "something is wrong on our side; see the log"})


class Proxies(NamedTuple):
    """Networks whose word is taken for where a request comes from: our own proxies'."""

    trusted: tuple[Network, ...] = ()

    def caller(self, scope: Scope) -> tuple[str, bool]:
        """The network address that a request comes from, and whether it came over TLS.

        Whoever is no proxy of ours is the caller, whatever his headers say. Of the addresses that
        our proxies pass on, the last one that is not a proxy's is his (RFC 7239, section 7.4);
        empty where that is no address: rules on addresses then hold against him.
        """
        peer = (scope.get("client") or ("", 0))[0]
        if not self._trusts(peer):
            return peer, False
        passed = [_address(each) for each in _header_values(scope, b"x-forwarded-for")]
        source = next((each for each in reversed(passed) if not self._trusts(each)), peer)
        secure = _header_values(scope, b"x-forwarded-proto")[-1:] == ["https"]
        return source, secure

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.trusted)


def _address(text: str) -> str:
    """An address without its port, which some proxies add; empty if it is none."""
    host = text.rpartition(":")[0] if _PORT(text) else text
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return ""


_PORT = re.compile(r"(?:[0-9.]+|\[[^]]*\]):[0-9]+").fullmatch


def _header_values(scope: Scope, name: bytes) -> list[str]:
    """The values of a header that is a list, from left to right."""
    return [
        text.strip()
        for each, value in scope["headers"]
        if each.lower() == name
        for text in value.decode("latin-1").split(",")
    ]


async def _request(scope: Scope, receive: Receive, *, secure: bool) -> HttpRequest | Refusal | None:
    """The request, complete, or why it is refused unread; None if its client has gone."""
    raw_path, raw_query = scope["raw_path"], scope["query_string"]
    if len(raw_path) + len(raw_query) > URL_BYTES_MAX:
        return Refusal("InvalidRequestException", f"URL: is longer than {URL_BYTES_MAX} bytes")
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            return Refusal(
                "RequestEntityTooLargeException", f"body: is longer than {BODY_BYTES_MAX} bytes"
            )
        chunks.append(chunk)
        more = message.get("more_body", False)
    return HttpRequest(
        scope["method"], raw_path, raw_query, tuple(scope["headers"]), b"".join(chunks), secure
    )


async def _send(send: Send, answer: HttpResponse, *, close: bool = False) -> None:
    headers = list(answer.headers)
    if close:
        headers.append((b"connection", b"close"))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
    except RuntimeError as error:  # uvloop's, where the client has just gone
        log.debug("an answer %d could not be sent: %s", answer.status, error)
