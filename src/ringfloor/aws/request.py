"""Request: the life of a request before it is performed, as a chain of types.

Called by server.pipeline:  verify -> Signed; parse -> Parsed; authorise -> Authorised; validate ->
Valid. Rules:

* Each stage takes the type that only the stage before it returns, so that skipping one does not
  type-check. Nothing but the stages makes these types.
* The sender's type travels along: SigV4 proves a Principal (aws.sigv4); an endpoint that knows its
  senders otherwise, by bearer token say, proves its own type and makes its own Signed.
* Every way out is a Refusal.
"""

from typing import Generic, Protocol, TypeVar

import msgspec

from ringfloor.aws.model import Headers, Operation, Service
from ringfloor.aws.routes import percent_decoded
from ringfloor.aws.shapes import Structure
from ringfloor.base.errors import Refusal, shown


class HttpRequest(msgspec.Struct, frozen=True):
    """A request as received: nothing decoded, nothing sorted, duplicates kept.

    raw_path: the request target without its query; absolute form is allowed. raw_query: without
    the question mark. headers: names in any case. body: complete, without transfer coding.
    """

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: Headers
    body: bytes


class Identity(Protocol):
    """What an access decision and its wording need of a sender."""

    @property
    def account(self) -> str: ...

    @property
    def arn(self) -> str: ...


class Principal(msgspec.Struct, frozen=True):
    """Whom an access key belongs to. account: 12 digits. arn: such as arn:aws:iam::1234:root."""

    account: str
    arn: str
    access_key_id: str


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


class Authorised(msgspec.Struct, Generic[P], frozen=True):
    """A request that its sender may make."""

    parsed: Parsed[P]


class Valid(msgspec.Struct, Generic[P], frozen=True):
    """A request that can be performed. params: attributes are the API's member names."""

    http: HttpRequest
    principal: P
    region: str
    operation: Operation
    params: Structure


class Policies(Protocol[P_contra]):
    """Who decides what a sender may do."""

    def decide(self, principal: P_contra, action: str, resource_arns: tuple[str, ...]) -> bool:
        """True if the principal may do the action, such as connect:StopContact, on all of them."""
        ...


class RootOnly:
    """The policies of an account with one principal, its root, which may do everything."""

    def decide(self, principal: Identity, action: str, resource_arns: tuple[str, ...]) -> bool:  # noqa: ARG002  the root is not asked
        return True


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


def authorise(parsed: Parsed[P], policies: Policies[P]) -> Authorised[P]:
    """Ask the policies; AccessDeniedException, in Amazon Connect's words, if they say no."""
    action = parsed.operation.action
    arns = _resource_arns(parsed)
    if not policies.decide(parsed.principal, action, arns):
        raise Refusal(
            "AccessDeniedException",
            f"User: {parsed.principal.arn} is not authorized to perform: {action}"
            f" on resource: {arns[0]}",
        )
    return Authorised(parsed)


def validate(authorised: Authorised[P]) -> Valid[P]:
    """Decode and check the parameters; the Refusal names everything that is wrong."""
    parsed = authorised.parsed
    http = parsed.http
    params = parsed.operation.decode(parsed.labels, http.raw_query, http.headers, http.body)
    return Valid(http, parsed.principal, parsed.region, parsed.operation, params)


def _resource_arns(parsed: Parsed[P]) -> tuple[str, ...]:
    """What the request's path is about, ids exactly as sent; `*` if the path does not say."""
    operation = parsed.operation
    partition = f"{parsed.region}:{parsed.principal.account}"
    prefix = f"arn:aws:{operation.action.partition(':')[0]}:{partition}:"
    arns = []
    for member, label in zip(operation.labels, parsed.labels, strict=True):
        resource = operation.overlay.arns.get(member)
        if resource is not None:
            arns.append(label if label.startswith("arn:") else prefix + resource.format(label))
    return tuple(arns) or ("*",)
