"""Request: the life of a request before it is performed, as a chain of types.

Called by server.pipeline:  verify -> Signed; parse -> Parsed; validate -> Valid; authorise ->
Authorised. Rules:

* Each stage takes the type that only the stage before it returns, so that skipping one does not
  type-check. Nothing but the stages makes these types.
* The sender's type travels along: SigV4 proves a Principal (aws.sigv4); an endpoint that knows its
  senders otherwise, by bearer token say, proves its own type and makes its own Signed.
* What a request is about stands also in its body, so it is read before it is authorised.
* Every way out is a Refusal.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from ringfloor.aws.access import Environment, Identity, of_request
from ringfloor.aws.iam import Access, Decision
from ringfloor.aws.model import Headers, Operation, Service
from ringfloor.aws.routes import percent_decoded
from ringfloor.aws.shapes import Structure
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.time import Instant


class HttpRequest(msgspec.Struct, frozen=True):
    """A request as received: nothing decoded, nothing sorted, duplicates kept.

    raw_path: the request target without its query; absolute form is allowed. raw_query: without
    the question mark. headers: names in any case. body: complete, without transfer coding.
    secure: whether it came over TLS.
    """

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Headers
    body: bytes
    secure: bool = False


_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def host_of(headers: Headers) -> str:
    """The host, and perhaps the port, under which a request came, as its sender says.

    Only he is told it. Refuses with InvalidRequestException.
    """
    found = (value for name, value in headers if name.lower() == b"host")
    host = next(found, b"").decode("latin-1").strip()
    if not _HOST.fullmatch(host):
        raise Refusal("InvalidRequestException", "Host: is no name or address with a port")
    return host


class Principal(msgspec.Struct, frozen=True):
    """Whom an access key belongs to. account: 12 digits. arn: such as arn:aws:iam::1234:root."""

    account: str
    arn: str
    access_key_id: str
    type: Literal["Account", "User", "AssumedRole"] = "Account"
    """aws:PrincipalType."""
    id: str = ""
    """aws:userid: the account of its root, AIDA... of a user, AROA...:session of a role."""
    name: str | None = None
    """aws:username; of users only."""
    tags: Mapping[str, str] = {}
    """aws:PrincipalTag/..."""
    token_issued: Instant | None = None
    """aws:TokenIssueTime; of temporary credentials only."""
    session_policy: str | None = None
    """JSON of the policy that narrows a session, if it was given one."""
    role_arn: str | None = None
    """Of a role's session: the role's ARN. Without it, that of a role without a path."""


P = TypeVar("P", bound=Identity)
P_contra = TypeVar("P_contra", bound=Identity, contravariant=True)


class Signed(msgspec.Struct, Generic[P], frozen=True):
    """A request whose sender is proven. region: the one that the signature is scoped to."""

    http: HttpRequest
    principal: P
    region: str


class Parsed(msgspec.Struct, Generic[P], frozen=True):
    """A request whose operation is known. labels: percent-decoded, in the template's order."""

    http: HttpRequest
    principal: P
    region: str
    operation: Operation
    labels: tuple[str, ...]


class Valid(msgspec.Struct, Generic[P], frozen=True):
    """A request that can be understood. params: attributes are the API's member names."""

    http: HttpRequest
    principal: P
    region: str
    operation: Operation
    params: Structure


class Authorised(msgspec.Struct, Generic[P], frozen=True):
    """A request that its sender may make: it can be performed."""

    valid: Valid[P]


class Policies(Protocol[P_contra]):
    """Who decides what a sender may do."""

    def asks(self, principal: P_contra) -> bool:
        """Whether there is anything to decide; the root may do everything."""
        ...

    def decide(self, principal: P_contra, access: Access) -> Decision:
        """What the principal's policies say of one access."""
        ...


class RootOnly:
    """The policies of an account with one principal, its root, which may do everything."""

    def asks(self, principal: Identity) -> bool:  # noqa: ARG002  the root is not asked
        return False

    def decide(self, principal: Identity, access: Access) -> Decision:  # noqa: ARG002  the root is not asked
        return Decision.ALLOWED


def parse(signed: Signed[P], service: Service) -> Parsed[P]:
    """Find the operation; UnknownOperationException if there is none."""
    http = signed.http
    found = service.route(http.method, http.raw_path)
    if found is None:
        target = f"{http.method} {http.raw_path.decode('latin-1')}"
        raise Refusal("UnknownOperationException", f"{shown(target)} is no operation of this API")
    operation, raw_labels = found
    try:
        labels = tuple([percent_decoded(label) for label in raw_labels])
    except UnicodeDecodeError:
        raise Refusal(operation.overlay.unreadable, "The path is not UTF-8") from None
    return Parsed(http, signed.principal, signed.region, operation, labels)


def validate(parsed: Parsed[P]) -> Valid[P]:
    """Decode and check the parameters; the Refusal names everything that is wrong."""
    http = parsed.http
    params = parsed.operation.decode(parsed.labels, http.raw_query, http.headers, http.body)
    return Valid(http, parsed.principal, parsed.region, parsed.operation, params)


def authorise(valid: Valid[P], policies: Policies[P], environment: Environment) -> Authorised[P]:
    """Ask the policies about each resource; AccessDeniedException names the first denied."""
    sender = valid.principal
    ask(policies, sender, lambda: of_request(valid.operation, valid.params, sender, environment))
    return Authorised(valid)


def ask(policies: Policies[P], sender: P, wanted: Callable[[], Iterable[Access]]) -> None:
    """Ask the policies, if they are asked about the sender at all, about all that is wanted."""
    if policies.asks(sender):
        for access in wanted():
            permit(policies.decide(sender, access), sender, access)


def permit(
    decision: Decision, principal: Identity, access: Access, code: str = "AccessDeniedException"
) -> None:
    """Refuse what is not allowed, in the words of AWS. code: AccessDenied, where a service says so.

    Shared with the endpoint of IAM and STS.
    """
    if decision is Decision.ALLOWED:
        return
    why = {
        Decision.DENIED: "with an explicit deny in an identity-based policy",
        Decision.IMPLICITLY_DENIED: (
            f"because no identity-based policy allows the {access.action} action"
        ),
    }
    raise Refusal(
        code,
        f"User: {principal.arn} is not authorized to perform: {access.action}"
        f" on resource: {access.resource} {why[decision]}",
    )
