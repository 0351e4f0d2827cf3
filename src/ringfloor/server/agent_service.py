"""Agent service: the agents' endpoints on HTTP: the CTI protocol, sign-in, the sandbox's hands.

Called by server.asgi (owns, handle) and by the sandbox (act); made by app, one per server.

POST /api, /connect/api, /agent-app/api     AWS JSON 1.0, operation in X-Amz-Target, access token in
                                            X-Amz-Bearer: server.agent_operations
POST /auth/login, /connect/auth/login       instance, username, password as JSON or as a form
                                            -> accessToken, expiration, refreshToken
GET /auth/authorize, /connect/auth/...      access or refresh token as X-Amz-Bearer or
                                            Authorization: Bearer -> accessToken, expiration
POST /logout, /connect/logout               access token, as there -> {}; all his sessions end

expiration is in milliseconds since the epoch, because streams makes a JavaScript Date of it. There
are no cookies, so a foreign page can ask but has no token to ask with: every origin is allowed.
Passwords and tokens are neither logged nor repeated.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.ids import chance, derive
from ringfloor.base.time import Instant
from ringfloor.domain import commands
from ringfloor.domain.events import Origin
from ringfloor.engine.connection import AT_WORK, AgentCommand
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations import sign_in
from ringfloor.operations.context import Service
from ringfloor.operations.sign_in import Attempts
from ringfloor.server.agent_operations import Request, perform
from ringfloor.server.agent_presence import Presence
from ringfloor.server.http import STATUSES, Json, header, json_response

log = logging.getLogger(__name__)

JSON_1_0 = b"application/x-amz-json-1.0"

CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-amzn-RequestId,x-amzn-ErrorType,Date"),
)


class Exchange(NamedTuple):
    """One HTTP request on its way to an answer."""

    http: HttpRequest
    source: str
    request_id: str
    now: Instant


class AgentService:
    """The endpoints, and the failed sign-ins that they remember."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._attempts = Attempts()
        self._presence = Presence(service.node.submit)

    def owns(self, http: HttpRequest) -> bool:
        """Whether the path is one of these endpoints."""
        return http.raw_path in PATHS

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        path = PATHS[http.raw_path]
        exchange = Exchange(http, source, derive(chance(), 0), self._service.node.clock.now())
        try:
            path.check(http)
            body = await path.handler(self, exchange)
        except Refusal as refusal:
            return _refused(refusal, path, exchange)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of an agent failed", exchange.request_id)
            broken = f"something is wrong on our side: {exchange.request_id}"
            return _refused(Refusal("InternalServiceException", broken), path, exchange)
        return _answer(200, body, path, exchange)

    async def act(self, desk: Desk, user_id: str, deed: str) -> None:
        """Let an agent do something without his token, for the sandbox.

        Refuses, naming his contacts, where nothing fits.
        """
        node = self._service.node
        command = await node.read(lambda: _command(desk.center, user_id, deed))
        origin = Origin(desk.center.home.arn_of("user", user_id), operation=f"sandbox {deed}")
        await node.submit(desk.instance_id, command, origin)

    # Endpoints

    async def api(self, exchange: Exchange) -> Json:
        """An operation of the agent service."""
        http = exchange.http
        request = Request(
            header(http, b"x-amz-target") or "",
            header(http, b"x-amz-bearer"),
            http.body,
            exchange.source,
            exchange.request_id,
            http,
            presence=self._presence,
        )
        return await perform(self._service, request, exchange.now)

    async def login(self, exchange: Exchange) -> Json:
        """A session for a password."""
        wanted = _login(exchange.http)
        session = await sign_in.sign_in(
            self._service,
            self._attempts,
            wanted.instance,
            wanted.username,
            wanted.password,
            exchange.source,
            exchange.now,
        )
        return {
            "accessToken": session.access.text,
            "expiration": session.access.expires,
            "refreshToken": session.refresh.text,
        }

    async def authorize(self, exchange: Exchange) -> Json:
        """An access token for a token."""
        bearer = _token(exchange.http)
        token = await sign_in.authorize(self._service, bearer, exchange.now, exchange.source)
        return {"accessToken": token.text, "expiration": token.expires}

    async def logout(self, exchange: Exchange) -> Json:
        """The end of the user's sessions."""
        token = _token(exchange.http)
        await sign_in.sign_out(
            self._service, token, exchange.now, exchange.source, exchange.request_id
        )
        return {}


def _token(http: HttpRequest) -> str:
    """The token that came with a request; empty: none."""
    bearer = header(http, b"x-amz-bearer")
    if bearer is None:
        scheme, _, credentials = (header(http, b"authorization") or "").partition(" ")
        bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    return bearer


class _Path(NamedTuple):
    method: str
    handler: Callable[[AgentService, Exchange], Awaitable[Json]]
    content_type: bytes = b"application/json"

    def check(self, http: HttpRequest) -> None:
        if http.method != self.method:
            raise Refusal("MethodNotAllowedException", f"method: use {self.method}")


_API = _Path("POST", AgentService.api, JSON_1_0)
_LOGIN = _Path("POST", AgentService.login)
_AUTHORIZE = _Path("GET", AgentService.authorize)
_LOGOUT = _Path("POST", AgentService.logout)

PATHS: Mapping[bytes, _Path] = {
    b"/api": _API,
    b"/connect/api": _API,
    b"/agent-app/api": _API,
    b"/auth/login": _LOGIN,
    b"/connect/auth/login": _LOGIN,
    b"/auth/authorize": _AUTHORIZE,
    b"/connect/auth/authorize": _AUTHORIZE,
    b"/logout": _LOGOUT,
    b"/connect/logout": _LOGOUT,
}


class _Login(Struct):
    """instance: id or alias."""

    instance: str
    username: str
    password: str


def _login(http: HttpRequest) -> _Login:
    kind = (header(http, b"content-type") or "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(http.body.decode(), keep_blank_values=True, max_num_fields=10)
            return msgspec.convert(dict(pairs), _Login)
        return msgspec.json.decode(http.body, type=_Login)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal(
            "InvalidRequestException",
            "body: needs instance (id or alias), username and password, as JSON or as a form",
        ) from None


def _answer(
    status: int, body: Json, path: _Path, exchange: Exchange, error: str | None = None
) -> HttpResponse:
    extra = [(b"x-amzn-requestid", exchange.request_id.encode()), *CORS]
    if error is not None:
        extra.append((b"x-amzn-errortype", error.encode()))
    answer = json_response(status, body, tuple(extra))
    headers = tuple(
        (name, path.content_type if name == b"content-type" else value)
        for name, value in answer.headers
    )
    return HttpResponse(status, headers, answer.body)


def _refused(refusal: Refusal, path: _Path, exchange: Exchange) -> HttpResponse:
    body = {"__type": refusal.code, "message": refusal.message}
    status = {**STATUSES, "UnknownOperationException": 404}.get(refusal.code, 400)
    return _answer(status, body, path, exchange, refusal.code)


# The sandbox's hands

STATUS_DEEDS: Mapping[str, str] = {"available": "ROUTABLE", "offline": "OFFLINE"}
"""Deed to the type of the status that is chosen; every instance has one of each."""

CONTACT_DEEDS: Mapping[str, type[AgentCommand]] = {
    "accept": commands.AcceptContact,
    "reject": commands.RejectContact,
    "hold": commands.HoldContact,
    "resume": commands.ResumeContact,
    "hangup": commands.LeaveContact,
    "finish": commands.FinishTask,
    "complete": commands.ClearContact,
}
"""Deed to what is asked for the contact that came last among those in a fitting state."""


def _command(center: Center, user_id: str, deed: str) -> commands.Command:
    agent = center.agents.get(user_id)
    if agent is None:
        raise not_found("UserId", user_id, "user")
    if deed in STATUS_DEEDS:
        statuses = center.resources["agent_status"].values()
        return commands.SetAgentStatus(
            user_id,
            next(each.id for each in statuses if each.properties["Type"] == STATUS_DEEDS[deed]),
        )
    if deed not in CONTACT_DEEDS:
        deeds = ", ".join((*STATUS_DEEDS, *CONTACT_DEEDS))
        raise invalid_parameter("deed", deed, f"must be one of {deeds}")
    wanted = CONTACT_DEEDS[deed]
    fitting = AT_WORK[wanted.__name__]
    last = [held for held in agent.contacts.values() if held.state in fitting][-1:]
    if not last:
        has = ", ".join(f"{held.contact_id} {held.state}" for held in agent.contacts.values())
        raise invalid_request(
            "deed", deed, f"needs a contact that is {' or '.join(fitting)}; he has {has or 'none'}"
        )
    return wanted(user_id, last[0].contact_id)
