"""Sandbox: the clock, the customers' phones and the agents' hands, for tests.

Only with --sandbox; unsigned, so only for callers on this machine: the Host header must name the
loopback unless the server was told otherwise, which keeps web pages from reaching it by a name of
their own. Where there is an Origin, it must be of the same host or of the loopback: a browser would
let any page post here, though not read the answer. Paths begin with /_ringfloor/; bodies and
answers are JSON.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, NoReturn
from urllib.parse import unquote

from msgspec import Struct, field

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import (
    Refusal,
    invalid_parameter,
    invalid_request,
    not_found,
    shown,
)
from ringfloor.base.ids import derive
from ringfloor.base.limits import WIRE_SECONDS_MAX
from ringfloor.base.time import SECOND, Duration, VirtualClock, from_seconds, seconds
from ringfloor.domain import commands
from ringfloor.domain.events import Origin
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import check_number
from ringfloor.operations.context import Service, identifier
from ringfloor.server.http import Json, body_of, header, json_response, refused

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

ORIGIN = Origin(principal="sandbox")

Kind = Literal["answer", "busy", "no-answer", "invalid"]


class Phones(NamedTuple):
    """What the sandbox needs of the simulated phones; the carrier itself lives elsewhere."""

    tell: Callable[[str, Kind, Duration], Awaitable[None]]
    call: Callable[[str, str, str], None]
    """From a number to a number, as a channel."""
    press: Callable[[str, str], None]
    hang_up: Callable[[str], None]
    heard: Callable[[str], list[tuple[str, str]]]
    """(kind, value) of what a channel has heard, in order."""


def _no_phone(*_arguments: object) -> NoReturn:
    raise invalid_request("voice", "on", "leaves no simulated phones; start without --voice")


async def _tell_no_phone(*arguments: object) -> None:
    _no_phone(*arguments)


NO_PHONES = Phones(_tell_no_phone, _no_phone, _no_phone, _no_phone, _no_phone)
"""Where far ends are real: nobody but they can speak for them."""


Act = Callable[[Desk, str, str], Awaitable[None]]
"""Let an agent of an instance, by user id, do a deed by name: available, accept, hold ..."""


class _Clock(Struct, forbid_unknown_fields=True):
    advance: float | None = None
    set: float | None = None


class _Behaviour(Struct, forbid_unknown_fields=True):
    behaviour: Kind
    answer_after: float = 0


class _Call(Struct, forbid_unknown_fields=True):
    instance: str = field(name="InstanceId")
    to: str | None = field(name="To", default=None)
    flow: str | None = field(name="ContactFlowId", default=None)


class _Press(Struct, forbid_unknown_fields=True):
    digits: str


class Sandbox:
    """The endpoints under /_ringfloor/, health excepted."""

    def __init__(self, service: Service, phones: Phones, act: Act, *, anywhere: bool) -> None:
        self._service = service
        self._phones = phones
        self._act = act
        self._anywhere = anywhere

    async def handle(self, http: HttpRequest, path: str) -> HttpResponse:
        """One request. path: what follows /_ringfloor/, still percent-encoded."""
        try:
            self._check_host(http)
            for (method, pattern), handler in ROUTES.items():
                match = pattern.fullmatch(path)
                if match is not None and method == http.method:
                    groups = [unquote(group) for group in match.groups()]
                    return json_response(200, await handler(self, http, *groups))
            raise not_found("path", f"{http.method} /_ringfloor/{path}", "sandbox endpoint")
        except Refusal as refusal:
            return refused(refusal)

    def _check_host(self, http: HttpRequest) -> None:
        host = header(http, b"host") or ""
        name = _without_port(host)
        if name not in LOOPBACK_HOSTS and not self._anywhere:
            raise Refusal(
                "AccessDeniedException", f"Host: {host!r} is not this machine; use 127.0.0.1"
            )
        origin = header(http, b"origin")
        if origin is not None and _without_port(origin.rpartition("//")[2]) not in (
            *LOOPBACK_HOSTS,
            name,
        ):
            raise Refusal(
                "AccessDeniedException", f"Origin: {shown(origin)} is a page of somebody else"
            )

    # The clock

    async def read_clock(self, _http: HttpRequest) -> Json:
        return {"now": seconds(self._service.node.clock.now())}

    async def move_clock(self, http: HttpRequest) -> Json:
        wanted = body_of(http, _Clock)
        node = self._service.node
        if not isinstance(node.clock, VirtualClock):
            raise invalid_request("clock", "wall", "cannot be moved: start with --clock virtual")
        if (wanted.advance is None) == (wanted.set is None):
            raise invalid_request("body", http.body.decode(), "needs one of advance and set")
        now = node.clock.now()
        if wanted.advance is not None:
            to = now + _duration("advance", wanted.advance)
        else:
            assert wanted.set is not None
            to = _duration("set", wanted.set)
        if to > WIRE_SECONDS_MAX * SECOND:
            raise invalid_parameter("clock", seconds(to), f"is after {WIRE_SECONDS_MAX}")
        if to < now and not (wanted.set is not None and not node.desks):
            raise invalid_parameter("clock", seconds(to), f"is before now, {seconds(now)}")
        await node.advance(to)
        return {"now": seconds(node.clock.now())}

    # Phones

    async def tell_phone(self, http: HttpRequest, number: str) -> Json:
        wanted = body_of(http, _Behaviour)
        check_number("number", number)
        answer_after = _duration("answer_after", wanted.answer_after)
        await self._phones.tell(number, wanted.behaviour, answer_after)
        return {}

    async def call(self, http: HttpRequest, number: str) -> Json:
        wanted = body_of(http, _Call)
        check_number("number", number)
        node = self._service.node
        desk = self._desk(wanted.instance)
        flow = wanted.flow
        if flow is not None:
            flow = identifier(desk.center.home, "contact_flow", flow, "ContactFlowId")
        contact_id = derive(node.draw(), 0)
        self._phones.call(number, wanted.to or "", contact_id)
        call = commands.StartInboundContact(
            contact_id=contact_id,
            from_number=number,
            to=wanted.to,
            flow_id=flow,
            quota=self._service.quotas.of("call"),
        )
        try:
            await node.submit(desk.instance_id, call, ORIGIN)
        except Refusal:
            self._phones.hang_up(contact_id)  # or it would ring for ever
            raise
        return {"ContactId": contact_id}

    async def press(self, http: HttpRequest, contact_id: str) -> Json:
        self._phones.press(contact_id, body_of(http, _Press).digits)
        self._service.node.wake()
        return {}

    async def hang_up(self, _http: HttpRequest, contact_id: str) -> Json:
        self._phones.hang_up(contact_id)
        self._service.node.wake()
        return {}

    async def heard(self, _http: HttpRequest, contact_id: str) -> Json:
        heard = self._phones.heard(contact_id)
        return {"heard": [{"kind": kind, "value": value} for kind, value in heard]}

    # Agents

    async def act(self, _http: HttpRequest, user_id: str, deed: str) -> Json:
        node = self._service.node
        for desk in node.desks.values():
            if user_id in desk.center.agents:
                await self._act(desk, user_id, deed)
                return {}
        raise not_found("UserId", user_id, "user")

    def _desk(self, instance: str) -> Desk:
        return self._service.node.desk(instance.rsplit("/", 1)[-1])


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if re.search(r":\d+$", host) else host


def _duration(field: str, wire: float) -> Duration:
    """Seconds of the wire, where calendars do not end before them."""
    if not 0 <= wire <= WIRE_SECONDS_MAX:
        raise invalid_parameter(field, wire, f"must be from 0 to {WIRE_SECONDS_MAX} seconds")
    return from_seconds(wire)


_CONTACT = r"contacts/([^/]+)"

ROUTES: dict[tuple[str, re.Pattern[str]], Callable[..., Awaitable[Json]]] = {
    ("GET", re.compile("clock")): Sandbox.read_clock,
    ("POST", re.compile("clock")): Sandbox.move_clock,
    ("PUT", re.compile(r"phones/([^/]+)")): Sandbox.tell_phone,
    ("POST", re.compile(r"phones/([^/]+)/call")): Sandbox.call,
    ("POST", re.compile(f"{_CONTACT}/press")): Sandbox.press,
    ("POST", re.compile(f"{_CONTACT}/hangup")): Sandbox.hang_up,
    ("GET", re.compile(f"{_CONTACT}/heard")): Sandbox.heard,
    ("POST", re.compile(r"agents/([^/]+)/([a-z]+)")): Sandbox.act,
}
