"""Door: all that a load test asks of its server, each request measured.

Called by load.building, load.customers, load.desktops and load.conservation. Rules:

* The Connect API is asked with signed requests by botocore's model, the agent service with an
  agent's token, the participant service with a customer's, the sandbox with nothing.
* Whatever is no success is Failed, after it has been counted. Nothing is sent again here.
* A request counts in the part of the test in which it was due. If the test ends over it, and it has
  waited for a while, nobody has answered it: a server that hangs is not told as one that is quick.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ringfloor.aws import sigv4
from ringfloor.aws.model import raw_model
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.shapes import Model
from ringfloor.base.errors import Fault
from ringfloor.base.limits import LOAD_POLL_MS, LOAD_REQUEST_MS
from ringfloor.base.time import WallClock, seconds
from ringfloor.client import Rejected
from ringfloor.config import Caller
from ringfloor.load.measures import NO_ANSWER, THROTTLED, Measures
from ringfloor.load.wire import Answer, Http, Unanswered

POLLS_MAX = 100_000
"""No bound of its own: there are as many as agents."""

POLL = "GetAgentSnapshot, waiting"
CUT_SECONDS = 1.0
"""After which a request that the end of the test cuts off has had no answer."""
JSON = (b"content-type", b"application/json")
NO_RACE: frozenset[str] = frozenset()

_PARTICIPANT = {
    "CreateParticipantConnection": "connection",
    "SendMessage": "message",
    "SendEvent": "event",
    "DisconnectParticipant": "disconnect",
}

_encode = msgspec.json.Encoder().encode


class Failed(Exception):
    """A request without success. status: 0 where nobody answered."""

    def __init__(self, operation: str, code: str, status: int, message: str, race: bool) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.status = status
        self.message = message
        self.race = race
        """Whether somebody else was just quicker."""

    @property
    def passes(self) -> bool:
        """Whether the same may do later: throttled, broken, not answered."""
        return self.code in THROTTLED or self.status in {0, 429} or self.status >= 500


class Door:
    """One server, for one event loop."""

    def __init__(self, address: str, region: str, who: Caller, at_once: int) -> None:
        self.address = address
        self.region = region
        self.who = who
        self.measures = Measures(0.0)
        """Who begins puts new ones here."""
        self.date = b""
        """Date of the last answer: the server's clock."""
        self.answered_at = 0.0
        """When that was, by the loop's clock."""
        self._http = Http(address, at_once)
        self._polls = Http(address, POLLS_MAX)
        self._model = msgspec.convert(raw_model("connect"), Model)
        self._clock = WallClock()
        self._scope = f"{self._http.authority}".encode()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()
        await self._polls.close()

    async def connect(
        self,
        operation: str,
        due: float | None = None,
        races: Collection[str] = NO_RACE,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> dict[str, Any]:
        """What an operation of the Connect API answers. due: when it was, by the loop's clock."""
        method, path, query, body = self._request(operation, parameters)
        host = (b"host", self._scope)
        signed = sigv4.sign(
            HttpRequest(method, path.encode(), query.encode(), (host, JSON), body),
            self.who,
            self._clock.now(),
            region=self.region,
            service="connect",
        )
        target = f"{path}?{query}" if query else path
        return await self._asked(operation, method, target, [JSON, *signed], body, due, races)

    async def listed(
        self,
        operation: str,
        member: str,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> list[Any]:
        """All rows that a listing has."""
        rows: list[Any] = []
        token = ""
        while True:
            more: dict[str, Any] = {"NextToken": token} if token else {}
            answer = await self.connect(operation, **parameters, **more)
            rows += answer.get(member) or ()
            token = answer.get("NextToken") or ""
            if not token:
                return rows

    async def agent(
        self,
        operation: str,
        bearer: str,
        due: float | None = None,
        races: Collection[str] = NO_RACE,
        **members: Any,  # noqa: ANN401  JSON
    ) -> dict[str, Any]:
        """What an operation of the agent service answers."""
        headers = [
            (b"content-type", b"application/x-amz-json-1.0"),
            (b"x-amz-target", b"AmazonConnectCTIService." + operation.encode()),
            (b"x-amz-bearer", bearer.encode()),
        ]
        is_poll = operation == "GetAgentSnapshot" and "nextToken" in members
        name = POLL if is_poll else operation
        body = _encode(members)
        return await self._asked(name, "POST", "/api", headers, body, due, races)

    async def participant(
        self,
        operation: str,
        token: str,
        due: float | None = None,
        races: Collection[str] = NO_RACE,
        **members: Any,  # noqa: ANN401  JSON
    ) -> dict[str, Any]:
        """What an operation of the participant service answers."""
        target = f"/participant/{_PARTICIPANT[operation]}"
        headers = [JSON, (b"x-amz-bearer", token.encode())]
        return await self._asked(operation, "POST", target, headers, _encode(members), due, races)

    async def plain(
        self,
        name: str,
        method: str,
        target: str,
        body: object = None,
        due: float | None = None,
        races: Collection[str] = NO_RACE,
        bearer: str = "",
    ) -> dict[str, Any]:
        """What an endpoint of ours answers. name: for the table."""
        headers = [JSON] + ([(b"x-amz-bearer", bearer.encode())] if bearer else [])
        sent = b"" if body is None else _encode(body)
        return await self._asked(name, method, target, headers, sent, due, races)

    def _request(
        self, operation: str, parameters: Mapping[str, Any]
    ) -> tuple[str, str, str, bytes]:
        """Method, path, query and body, by the model."""
        trait = self._model.operations[operation]
        assert trait.input is not None
        members = self._model.shapes[trait.input.shape].members
        path, query, body = trait.http.request_uri, dict[str, str](), dict[str, Any]()
        for name, value in parameters.items():
            ref = members[name]
            written = ref.location_name or name
            if ref.location == "uri":
                path = path.replace(f"{{{written}}}", quote(value, safe=""))
            else:
                (query if ref.location == "querystring" else body)[written] = value
        encoded = urlencode(query, quote_via=quote)
        return trait.http.method, path, encoded, _encode(body) if body else b""

    async def _asked(
        self,
        name: str,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        due: float | None,
        races: Collection[str],
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        was_due = loop.time() if due is None else due
        waits, measures = name == POLL, self.measures
        http, within = (self._polls, LOAD_POLL_MS) if waits else (self._http, LOAD_REQUEST_MS)
        try:
            answer = await http.ask(method, target, headers, body, seconds(within))
        except Unanswered as error:
            measures.answered(name, was_due, error.sent, loop.time(), code=error.code)
            raise Failed(name, error.code, 0, str(error), race=False) from error
        except asyncio.CancelledError:
            if not waits and loop.time() - was_due >= CUT_SECONDS:
                measures.answered(name, was_due, was_due, loop.time(), code=NO_ANSWER)
            raise
        self.date = answer.headers.get(b"date", self.date)
        self.answered_at = loop.time()
        found = _document(answer)
        code = "" if answer.status < 400 and found is not None else _code(answer, found)
        race = code in races
        measures.answered(
            name, was_due, answer.sent, loop.time(), code=code, race=race, waits=waits
        )
        if found is None or code:
            raise Failed(name, code, answer.status, _message(found, answer), race)
        return found

    def fault(self, failed: Failed) -> Fault:
        """What the operator is told where a failure is the end of it."""
        if failed.status == 0:
            return Fault(
                f"no answer from {self.address}: {failed.message}; start a server with `ringfloor"
                " serve`, or name its address with --endpoint or RINGFLOOR_URL"
            )
        rejected = Rejected(failed.code, b"", self.who, self.address)
        return rejected.fault(failed.code, f"{failed.operation}: {failed.message}")


def _document(answer: Answer) -> dict[str, Any] | None:
    """The JSON object of an answer; None if it is none."""
    try:
        found = msgspec.json.decode(answer.body or b"{}")
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _code(answer: Answer, found: Mapping[str, Any] | None) -> str:
    """Of an error: as its header says, or its body, or its status."""
    header = answer.headers.get(b"x-amzn-errortype", b"").decode("latin-1")
    body = found or {}
    said = header or str(body.get("__type") or body.get("code") or "")
    code = said.partition(":")[0].rpartition("#")[2]
    return code or (f"HTTP {answer.status}" if found is not None else "NoJSON")


def _message(found: Mapping[str, Any] | None, answer: Answer) -> str:
    body = found or {}
    said = body.get("message") or body.get("Message") or f"status {answer.status}"
    return " ".join(str(said).split())
