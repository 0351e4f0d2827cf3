"""Streams: GET /_ringfloor/streams/{InstanceId}/{stream}, a stream as server-sent events.

Called by server.asgi (owns, serve); made by app, one per server. AWS has no operation for it. The
request is signed as one of the `connect` API; who may follow is told by policies, which are asked
about connect:FollowStream on {instance}/stream/{stream}. Rules:

* Each event has one JSON object as its data, the same that the operator's targets are told, and
  its position as its id. Last-Event-ID goes on after that position, from the journal where need be.
* When nothing has been told for a while a comment is, with the position reached meanwhile, so that
  whoever hears little does not fall too far back.
* Who may no longer follow, because his key, his session or a permission has ended, is sent away
  when that is looked at again, every STREAM_LISTENER_BEAT_MS.
* Nothing piles up: a listener who takes nothing, or less than is told, is cut off, and may resume.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import msgspec

from ringfloor.aws import response, sigv4
from ringfloor.aws.model import Headers
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of, percent_decoded
from ringfloor.base.errors import Refusal, not_found, shown
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import STREAM_LISTENER_BEAT_MS, STREAM_LISTENER_MS
from ringfloor.base.time import Instant, seconds
from ringfloor.domain.resources import Home
from ringfloor.node.desk import Desk
from ringfloor.node.stream_lines import STREAMS, Line, Position, Stream, position
from ringfloor.node.stream_outlets import Outlet
from ringfloor.node.stream_targets import Gone, Taken
from ringfloor.server.http import header
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import refused

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ACTION = "FollowStream"

ABORT = "ringfloor.abort"
"""In the scope of a request: what ends its connection, whatever has not been taken yet."""

_PATH = re.compile(rb"/_ringfloor/streams/([^/]+)/([^/]+)")
_PREFIX = b"/_ringfloor/streams/"


class _Asked(NamedTuple):
    desk: Desk
    stream: Stream
    told: Position | None
    may: Callable[[], None]
    """Refuses if the sender may follow it no longer."""


class Listener:
    """A target: one connection. Lines become events of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.speaking = asyncio.Lock()
        """Held by who sends."""
        self.has_spoken = False

    async def take(self, lines: list[Line]) -> Taken:
        await self.say(b"".join(map(event, lines)))
        return Taken([])

    async def say(self, text: bytes) -> None:
        """Send text; raises Gone where it is not taken in time."""
        self.has_spoken = True
        async with self.speaking:
            await self._say(text)

    async def begin(self, headers: Headers, text: bytes) -> None:
        """Begin to answer; whoever calls holds `speaking`."""
        start = {"type": "http.response.start", "status": 200, "headers": list(headers)}
        await self._send(start)
        await self._say(text)

    async def _say(self, text: bytes) -> None:
        try:
            async with asyncio.timeout(seconds(STREAM_LISTENER_MS)):
                await self._send({"type": "http.response.body", "body": text, "more_body": True})
        except (TimeoutError, RuntimeError, ConnectionError) as error:  # uvloop's is RuntimeError
            raise Gone from error

    async def close(self) -> None:
        pass  # the connection is ended by who serves it


def event(line: Line) -> bytes:
    """A line as an event. A heart beat has no position to come back to, and no id."""
    identifier = b"" if line.is_beat else b"id: %s\n" % line.position.text.encode()
    return b"%sdata: %s\n\n" % (identifier, line.body)


def beat(reached: int | None) -> bytes:
    """A comment; and the record up to which everything has been told, if that is known."""
    return b": still here\n" + (b"" if reached is None else b"id: %d\n" % reached) + b"\n"


class StreamEvents(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether a stream is asked for."""
        return http.method == "GET" and path_of(http.raw_path).startswith(_PREFIX)

    async def serve(
        self,
        http: HttpRequest,
        source: str,
        receive: Receive,
        send: Send,
        abort: Callable[[], None] | None,
    ) -> None:
        """Answer a request that is owned, for as long as the client stays.

        source: the caller's network address. abort: ends the connection at once.
        """
        now, request_id = self.edge.clock.now(), derive(chance(), 0)
        listener = Listener(send)
        outlet: Outlet | None = None
        try:
            asked = self._asked(http, source, now)
            async with listener.speaking:  # nothing is told before the answer has begun
                outlet = await self._listening(asked, listener)
                reached = outlet.cursor(asked.desk.instance_id) if asked.told is None else None
                await listener.begin(_headers(request_id, now), b"retry: 1000\n" + beat(reached))
            await self._stay(asked, outlet, listener, receive)
        except Refusal as refusal:
            await _answer(send, refused(refusal, request_id, now))
        except Gone:
            log.debug("a listener of a stream is gone")
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of a stream failed", request_id)
            if outlet is not None:
                return  # the answer has begun: it is broken off
            broken = f"Something is wrong on our side: {request_id}"
            failed = Refusal("InternalServiceException", broken)
            await _answer(send, refused(failed, request_id, now))
        finally:
            if outlet is not None:
                self.edge.service.node.streams.leave(outlet)
                if abort is not None:
                    abort()
                    await _gone(receive)  # the server has noticed

    def _asked(self, http: HttpRequest, source: str, now: Instant) -> _Asked:
        edge = self.edge
        signed = edge.verified(http, now, edge.service.region, edge.api.signing_name)
        edge.throttle.take(signed.principal.account, ACTION, now)
        found = _PATH.fullmatch(path_of(http.raw_path))
        if found is None:
            raise Refusal("InvalidRequestException", "the path names no instance and stream")
        try:
            instance_id, name = map(percent_decoded, found.groups())
        except UnicodeDecodeError:
            raise Refusal("InvalidRequestException", "the path is not UTF-8") from None
        home = Home(signed.region, signed.principal.account, instance_id)
        arn = f"{home.arn}/stream/{name}"

        def may() -> None:
            at = edge.clock.now()
            principal = sigv4.renewed(signed, edge.secrets, at)
            again = msgspec.structs.replace(signed, principal=principal)
            edge.permit(again, source, at, ACTION, arn)

        edge.permit(signed, source, now, ACTION, arn)
        desk = edge.service.node.desk(instance_id)
        stream = next((each for each in STREAMS if each == name), None)
        if stream is None:
            raise not_found("stream", name, f"stream, of {', '.join(STREAMS)},")
        return _Asked(desk, stream, _told(http), may)

    async def _listening(self, asked: _Asked, listener: Listener) -> Outlet:
        node = self.edge.service.node
        if not node.is_well():
            raise Refusal("ServiceUnavailableException", "the server is shutting down")
        return await node.read(
            lambda: node.streams.listen(asked.desk, asked.stream, asked.told, listener)
        )

    async def _stay(
        self, asked: _Asked, outlet: Outlet, listener: Listener, receive: Receive
    ) -> None:
        """Until the client goes, is cut off, may stay no longer, or the server stops."""
        assert outlet.task is not None
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            while True:
                listener.has_spoken = False
                done, _ = await asyncio.wait(
                    (leaving, outlet.task),
                    timeout=seconds(STREAM_LISTENER_BEAT_MS),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if done:
                    return
                asked.may()
                if not listener.has_spoken:
                    instance_id = asked.desk.instance_id
                    level = outlet.is_level(instance_id)
                    await listener.say(beat(outlet.cursor(instance_id) if level else None))
        except Refusal as refusal:
            log.info("a listener of %s is sent away: %s", asked.stream, refusal.code)
        finally:
            leaving.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _told(http: HttpRequest) -> Position | None:
    text = header(http, b"last-event-id")
    if not text:
        return None
    found = position(text)
    if found is None:
        rule = "is no position; use the id of an event that was told"
        raise Refusal("InvalidRequestException", f"Last-Event-ID: {shown(text)} {rule}")
    return found


def _headers(request_id: str, now: Instant) -> Headers:
    made = response.respond(200, b"", request_id, now, content_type=b"text/event-stream").headers
    more = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
    return (*(each for each in made if each[0] != b"content-length"), *more)


async def _answer(send: Send, answer: HttpResponse) -> None:
    with contextlib.suppress(RuntimeError):  # uvloop's, where the client has just gone
        start = {"type": "http.response.start", "status": answer.status}
        await send({**start, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})
