"""The agent service on HTTP: paths, statuses, headers, sign-in, and what must not leak."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from agent_desktops import desktop
from node_builders import Office, Stage, a_node
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.limits import ACCESS_TOKEN_MS, REFRESH_TOKEN_MS, SIGN_IN_FAILURES_MAX
from ringfloor.base.time import SECOND
from ringfloor.operations import passwords
from ringfloor.server.agent_service import AgentService

PASSWORD = "Ringfloor1"
HERE = "192.0.2.1"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_node() as stage:
        yield stage


@pytest.fixture
async def office(stage: Stage) -> Office:
    office = await stage.an_instance("office", management="CONNECT_MANAGED")
    await office.add_user("ann", PASSWORD)
    return office


@pytest.fixture
def agents(office: Office) -> AgentService:
    return AgentService(office.stage.service)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> HttpRequest:
    named = ((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return HttpRequest(method, path.encode(), b"", tuple(named), body)


def header(answer: HttpResponse, name: str) -> str | None:
    return dict(answer.headers).get(name.encode(), b"").decode() or None


async def post(agents: AgentService, path: str, body: Any, **headers: str) -> HttpResponse:
    return await agents.handle(request("POST", path, json.dumps(body).encode(), **headers), HERE)


async def call(agents: AgentService, operation: str, bearer: str, **members: Any) -> HttpResponse:
    target = f"AmazonConnectCTIService.{operation}"
    return await post(agents, "/api", members, x_amz_target=target, X_Amz_Bearer=bearer)


def login(**changes: str) -> dict[str, str]:
    return {"instance": "office", "username": "ann", "password": PASSWORD, **changes}


@pytest.mark.parametrize("path", ["/api", "/connect/api", "/agent-app/api"])
async def test_operations_answer_in_json_1_0(office, agents, path):
    bearer = desktop(office, "ann").bearer
    target = "AmazonConnectCTIService.GetAgentSnapshot"
    answer = await post(agents, path, {}, x_amz_target=target, x_amz_bearer=bearer)
    assert answer.status == 200
    assert json.loads(answer.body)["snapshot"]["state"]["name"] == "Offline"
    assert header(answer, "content-type") == "application/x-amz-json-1.0"
    assert header(answer, "content-length") == str(len(answer.body))
    assert header(answer, "access-control-allow-origin") == "*"
    assert header(answer, "x-amzn-requestid")
    assert header(answer, "x-amzn-errortype") is None


@pytest.mark.parametrize(
    ("operation", "members", "status", "code"),
    [
        ("Fly", {}, 404, "UnknownOperationException"),
        ("CreateTransport", {"transportType": "web_rtc"}, 501, "NotImplementedException"),
        ("CreateTransport", {"transportType": "chat_token"}, 400, "InvalidRequestException"),
        ("AcceptContact", {}, 400, "InvalidRequestException"),
        ("AcceptContact", {"contactId": ""}, 400, "InvalidParameterException"),
        ("AcceptContact", {"contactId": "c1"}, 410, "ContactNotFoundException"),
        ("PutAgentState", {"state": {"name": "x"}}, 404, "ResourceNotFoundException"),
    ],
)
async def test_refusals_name_their_type_in_body_and_header(
    office, agents, operation, members, status, code
):
    answer = await call(agents, operation, desktop(office, "ann").bearer, **members)
    assert answer.status == status
    body = json.loads(answer.body)
    assert body["__type"] == code
    assert body["message"]
    assert header(answer, "x-amzn-errortype") == code


@pytest.mark.parametrize("path", ["/logout", "/connect/logout"])
async def test_who_has_signed_out_has_to_sign_in_again(office, agents, path):
    bearer = desktop(office, "ann").bearer
    assert (await post(agents, path, {})).status == 401
    assert (await post(agents, path, {}, authorization=f"Bearer {bearer}")).status == 200
    _, origin = office.origins()[-1]
    assert (origin.operation, origin.source) == ("sign-out", HERE)
    assert (await call(agents, "GetAgentSnapshot", bearer)).status == 401


async def test_a_request_without_token_is_unauthorized(agents):
    answer = await call(agents, "GetAgentSnapshot", "")
    assert answer.status == 401
    assert header(answer, "x-amzn-errortype") == "UnauthorizedException"


async def test_the_audit_trail_has_source_and_request(office, agents):
    bearer = desktop(office, "ann").bearer
    answer = await call(agents, "PutAgentState", bearer, state={"name": "Available"})
    _, origin = office.origins()[-1]
    assert origin.source == HERE
    assert origin.request_id == header(answer, "x-amzn-requestid")


def test_paths(agents):
    for path in ("/api", "/auth/login", "/auth/authorize", "/connect/auth/authorize", "/logout"):
        assert agents.owns(request("OPTIONS", path))
    for path in ("/", "/api/", "/apis", "/instance/api", "/auth"):
        assert not agents.owns(request("POST", path))


async def test_another_method_is_refused(agents):
    for method, path in (("GET", "/api"), ("GET", "/auth/login"), ("POST", "/auth/authorize")):
        answer = await agents.handle(request(method, path), HERE)
        assert answer.status == 405


async def test_a_fault_of_ours_is_logged_and_not_shown(stage, office, agents, monkeypatch, caplog):
    async def broken(_question: Any) -> None:
        raise RuntimeError("the secret of the house")

    bearer = desktop(office, "ann").bearer
    monkeypatch.setattr(stage.node, "read", broken)
    with caplog.at_level(logging.ERROR):
        answer = await call(agents, "GetAgentSnapshot", bearer)
    assert answer.status == 500
    assert header(answer, "x-amzn-errortype") == "InternalServiceException"
    assert header(answer, "x-amzn-requestid") in answer.body.decode()
    assert b"secret" not in answer.body
    assert header(answer, "x-amzn-requestid") in caplog.text
    assert bearer not in caplog.text


# Sign-in


@pytest.mark.parametrize("path", ["/auth/login", "/connect/auth/login"])
@pytest.mark.parametrize("form", [False, True])
async def test_login_by_json_or_form(stage, agents, path, form):
    if form:
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        body = urlencode(login()).encode()
        answer = await agents.handle(request("POST", path, body, Content_Type=kind), HERE)
    else:
        answer = await post(agents, path, login())
    assert answer.status == 200
    assert header(answer, "cache-control") == "no-store"
    session = json.loads(answer.body)
    assert session.keys() == {"accessToken", "expiration", "refreshToken"}
    assert session["expiration"] == stage.now + ACCESS_TOKEN_MS
    seen = await call(agents, "GetAgentSnapshot", session["accessToken"])
    assert seen.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"instance": "office", "username": "ann"}',
        b'{"instance": "office", "username": "ann", "password": 12345678}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_login_that_cannot_be_read_is_not_repeated(agents, body, kind):
    answer = await agents.handle(request("POST", "/auth/login", body, content_type=kind), HERE)
    assert answer.status == 400
    assert "needs instance (id or alias), username and password" in answer.body.decode()
    assert b"12345678" not in answer.body


async def test_a_wrong_password_is_refused_and_neither_logged_nor_repeated(agents, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = await post(agents, "/auth/login", login(password="Guess-1234"))
    assert answer.status == 401
    assert json.loads(answer.body)["__type"] == "UnauthorizedException"
    assert b"Guess" not in answer.body
    assert "Guess" not in caplog.text


async def test_too_many_wrong_passwords_are_told_apart(agents, monkeypatch):
    async def matches(_stored: str | None, _password: str) -> bool:
        return False

    monkeypatch.setattr(passwords, "matches", matches)
    for _ in range(SIGN_IN_FAILURES_MAX):
        assert (await post(agents, "/auth/login", login())).status == 401
    answer = await post(agents, "/auth/login", login())
    assert answer.status == 429
    assert "try again in 900 s" in json.loads(answer.body)["message"]


@pytest.mark.parametrize("path", ["/auth/authorize", "/connect/auth/authorize"])
async def test_authorize_gives_an_access_token_for_a_token(stage, agents, path):
    session = json.loads((await post(agents, "/auth/login", login())).body)
    await stage.pass_time(60)
    answer = await agents.handle(request("GET", path, x_amz_bearer=session["accessToken"]), HERE)
    given = json.loads(answer.body)
    assert given == {"accessToken": session["accessToken"], "expiration": session["expiration"]}
    credentials = f"Bearer {session['refreshToken']}"
    answer = await agents.handle(request("GET", path, authorization=credentials), HERE)
    given = json.loads(answer.body)
    assert given["expiration"] == stage.now + ACCESS_TOKEN_MS
    assert (await call(agents, "GetAgentSnapshot", given["accessToken"])).status == 200


async def test_authorize_needs_a_good_token(stage, agents):
    session = json.loads((await post(agents, "/auth/login", login())).body)
    await stage.pass_time(REFRESH_TOKEN_MS / SECOND)
    for headers in (
        {},
        {"authorization": "Basic YTpi"},
        {"authorization": f"Bearer {session['refreshToken']}"},
        {"x_amz_bearer": "x"},
    ):
        answer = await agents.handle(request("GET", "/auth/authorize", **headers), HERE)
        assert answer.status == 401
