"""Client: signed requests to a running server, for the commands that ask our own APIs.

The cli_* modules ask with it. Rules:

* Requests are signed with the caller's own keys: what a command may do is up to his policies.
* Whatever goes wrong is a Fault that says what to do next; what the server refuses is Rejected,
  which each protocol words for itself. No message holds a secret.
"""

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from ringfloor.aws import sigv4
from ringfloor.aws.model import raw_model
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.shapes import Model
from ringfloor.base.errors import Fault
from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, Instant, WallClock
from ringfloor.config import Caller, caller
from ringfloor.output import Line, bar

TIMEOUT_SECONDS = 30

WRONG_KEYS = {
    "InvalidClientTokenId": "the server does not know the access key {key}, or it is inactive",
    "SignatureDoesNotMatch": "the secret access key is not that of {key}",
    "ExpiredToken": "the temporary credentials have expired; get new ones",
    "UnrecognizedClientException": "the server does not know the access key {key}, or it is"
    " inactive",
    "InvalidSignatureException": "the secret access key is not that of {key}, or the Region is not"
    " the server's",
    "ExpiredTokenException": "the temporary credentials have expired; get new ones",
}


class Rejected(Exception):
    """The server answered with an error."""

    def __init__(self, code: str, body: bytes, who: Caller, address: str) -> None:
        super().__init__(code)
        self.code = code
        """As a header tells it, without its namespace; empty if none does."""
        self.body = body
        self.who = who
        self.address = address

    def fault(self, code: str, message: str) -> Fault:
        """What the operator is told, once the body has been read."""
        if not code:
            return Fault(f"{self.address} does not answer as a Ringfloor server; check the address")
        hint = WRONG_KEYS.get(code)
        if hint is not None:
            return Fault(
                f"{code}: {hint.format(key=self.who.access_key_id)}; check RINGFLOOR_ACCESS_KEY_ID"
                " and RINGFLOOR_SECRET_ACCESS_KEY (or AWS_...), and that the server is the right"
                " one"
            )
        return Fault(f"{code}: {message}")


class Unanswered(Fault):
    """Nobody answers at the address."""


class Target(msgspec.Struct, frozen=True):
    """Where a request goes, and the scope of its signature."""

    address: str
    service: str
    region: str


def send(
    target: Target, method: str, path: str, query: str, body: bytes, content_type: str
) -> bytes:
    """The body of the answer. path and query are encoded. Raises Rejected and Fault."""
    more = {"content-type": content_type}
    with _answered(target, method, path, query, body, more) as response:
        return bytes(response.read())


@contextmanager
def _answered(
    target: Target, method: str, path: str, query: str, body: bytes, more: Mapping[str, str]
) -> Iterator[Any]:
    """The answer, to be read inside the block; more: headers. Raises Rejected and Fault."""
    who = caller()
    url = urllib.parse.urlsplit(target.address)
    if url.scheme not in {"http", "https"} or not url.netloc:
        raise Fault(f"{target.address!r} is no address such as http://127.0.0.1:8080")
    given = {"host": url.netloc, **more}
    headers = tuple([(name.encode(), value.encode()) for name, value in given.items()])
    asked = HttpRequest(method, path.encode(), query.encode(), headers, body)
    signed = sigv4.sign(asked, who, WallClock().now(), region=target.region, service=target.service)
    request = urllib.request.Request(  # noqa: S310  http or https, as checked above
        f"{url.scheme}://{url.netloc}{path}" + (f"?{query}" if query else ""),
        method=method,
        data=body or None,
        headers={key.decode(): value.decode() for key, value in (*headers, *signed)},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  as above
            yield response
    except urllib.error.HTTPError as error:
        with error:
            code = error.headers.get("x-amzn-ErrorType", "").partition(":")[0]
            raise Rejected(code, error.read(), who, target.address) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Unanswered(
            f"no answer from {target.address}: {reason}; start a server with `ringfloor serve`, or"
            " name its address with --endpoint or RINGFLOOR_URL"
        ) from error


class Connect:
    """The `connect` API of a server, by botocore's model: REST-JSON."""

    def __init__(self, address: str, region: str) -> None:
        self._target = Target(address, "connect", region)
        self._model = msgspec.convert(raw_model("connect"), Model)

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
        """What an operation answers; raises Fault."""
        trait = self._model.operations[operation]
        assert trait.input is not None
        members = self._model.shapes[trait.input.shape].members
        path, query, body = trait.http.request_uri, dict[str, str](), dict[str, Any]()
        for name, value in parameters.items():
            ref = members[name]
            written = ref.location_name or name
            if ref.location == "uri":
                path = path.replace(f"{{{written}}}", urllib.parse.quote(value, safe=""))
            else:
                (query if ref.location == "querystring" else body)[written] = value
        sent = json.dumps(body).encode() if body else b""
        encoded = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        return self._sent(trait.http.method, path, encoded, sent)

    def trace(self, instance_id: str, contact_id: str) -> dict[str, Any]:
        """What a contact has been through in its flows; raises Fault."""
        instance, contact = (
            urllib.parse.quote(each, safe="") for each in (instance_id, contact_id)
        )
        path = f"/_ringfloor/instances/{instance}/contacts/{contact}/trace"
        return self._sent("GET", path, "", b"")

    def report(self, instance_id: str, wanted: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """What a report shows besides metrics. wanted: parameters; raises Fault."""
        path = f"/_ringfloor/instances/{urllib.parse.quote(instance_id, safe='')}/report"
        query = urllib.parse.urlencode(wanted, quote_via=urllib.parse.quote)
        return self._sent("GET", path, query, b"")

    def export(self, instance_id: str, table: str, **asked: str) -> tuple[bytes, str]:
        """A part of a table, and where the next part begins; empty: nowhere. Raises Fault."""
        instance, name = (urllib.parse.quote(each, safe="") for each in (instance_id, table))
        path = f"/_ringfloor/instances/{instance}/exports/{name}"
        query = urllib.parse.urlencode(asked, quote_via=urllib.parse.quote)
        try:
            with _answered(self._target, "GET", path, query, b"", {}) as response:
                return bytes(response.read()), response.headers.get("x-ringfloor-next", "")
        except Rejected as error:
            raise error.fault(error.code, _message(error.body)) from None

    def import_contacts(
        self, instance_id: str, contacts: Sequence[msgspec.Raw], *, check: bool = False
    ) -> dict[str, Any]:
        """How many contacts were new and how many were known; check: nothing is imported."""
        instance = urllib.parse.quote(instance_id, safe="")
        body = msgspec.json.encode({"contacts": contacts, "check": check})
        return self._sent("POST", f"/_ringfloor/instances/{instance}/imports", "", body)

    def events(self, instance_id: str, stream: str, after: str) -> Iterator[tuple[str, str]]:
        """A stream as it is told, until the server ends it: positions (empty: none) and data.

        after: a position that was told, or empty for from now on. Where only the position moves,
        the data is empty. Raises Fault, ConnectionError where the connection breaks.
        """
        instance, name = (urllib.parse.quote(each, safe="") for each in (instance_id, stream))
        path = f"/_ringfloor/streams/{instance}/{name}"
        more = {"last-event-id": after} if after else {}
        try:
            with _answered(self._target, "GET", path, "", b"", more) as response:
                try:
                    yield from _events(line.decode() for line in response)
                except (OSError, http.client.HTTPException) as error:
                    raise ConnectionResetError(str(error)) from error
        except Rejected as error:
            raise error.fault(error.code, _message(error.body)) from None

    def _sent(self, method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        try:
            answer = send(self._target, method, path, query, body, "application/json")
        except Rejected as error:
            raise error.fault(error.code, _message(error.body)) from None
        try:
            found = json.loads(answer or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Fault(f"{self._target.address} does not answer as a Ringfloor server")
        return found

    def listed(
        self,
        operation: str,
        member: str,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> Iterator[Any]:
        """All rows that a listing has, page by page; raises Fault."""
        token: str | None = ""
        while token is not None:
            more = {"NextToken": token} if token else {}
            answer = self.ask(operation, **parameters, **more)
            yield from answer.get(member) or ()
            token = answer.get("NextToken") or None


def _events(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Server-sent events: the id that each brings and its data."""
    identifier, data = "", ""
    for line in lines:
        name, _, value = line.rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            identifier = value
        elif name == "data":
            data = value
        elif not line.strip():
            yield identifier, data
            identifier, data = "", ""


def _message(body: bytes) -> str:
    """What an error of the `connect` API says, in any of the forms that it has."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        return ""
    problems = found.get("problems") or found.get("Problems")
    if isinstance(problems, list):
        return "".join(f"\n  {each.get('message')}" for each in problems)
    message = found.get("message") or found.get("Message") or ""
    return re.sub(r"\s+", " ", str(message))


def moment(name: str, text: str, now: Instant) -> Instant:
    """A time or an age, as commands take it; name: of the option. Raises Fault."""
    age = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if age is not None:
        return now - int(age[1]) * {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}[age[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        rule = "is neither 2026-11-20, 2026-11-20T08:30:00Z nor an age such as 90m, 12h, 7d"
        raise Fault(f"--{name}: {text!r} {rule}") from error
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * SECOND)


class Progress:
    """A line on a terminal while a command works."""

    def __init__(self, out: TextIO, what: str) -> None:
        self._line, self._what = Line(out), what

    def show(self, done: int, of: int = 0) -> None:
        """So much is done; of how much, if that is known."""
        if self._line.due() is not None:
            known = f" {bar(done / of)} of {of:,}" if of else ""
            self._line.show(f"{self._what} {done:,}{known}")

    def end(self) -> None:
        """The line is no longer needed."""
        self._line.end()
