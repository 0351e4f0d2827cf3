"""Context: what a handler may use. One per request.

Handlers translate: the API's nouns to commands and questions, and answers back. They reach a
contact center only through here.
"""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import Struct, to_builtins

from ringfloor.aws.model import Headers, Modeled
from ringfloor.aws.request import Principal
from ringfloor.aws.tokens import Cursor, Pages, Sealer
from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import CURSOR_PART_CHARS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain import commands
from ringfloor.domain.events import Origin
from ringfloor.domain.numbers import Pool
from ringfloor.domain.practice import USUAL, Practice
from ringfloor.domain.quotas import Quotas
from ringfloor.domain.resources import KINDS, Home, Properties
from ringfloor.node.accounts import Accounts
from ringfloor.node.depot import Depot
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.operations.frozen import Frozen
from ringfloor.projections.current_rows import OldestInMs

T = TypeVar("T")


class Service(Struct, frozen=True, kw_only=True):
    """What all requests of a server share."""

    node: Node
    region: str
    account: str
    sealer: Sealer
    pages: Pages
    accounts: Accounts
    frozen: Frozen
    quotas: Quotas
    number: str | None
    """The number that every new instance owns; for sandboxes."""
    sandbox: bool = False
    """Whether unsigned requests, and functions named by their address, are served."""
    pool: Pool = Pool()
    """The phone numbers that can be claimed."""
    practice: Practice = USUAL
    """What new instances do where AWS leaves it open."""
    lenient_flows: bool = False
    """Whether a flow may be published that breaks rules, as long as it can run."""
    depot: Depot | None = None
    """Where files are; None: nowhere."""
    oldest_in_ms: OldestInMs = "ungrouped"
    """Which rows of GetCurrentMetricData tell OLDEST_CONTACT_AGE in milliseconds."""


class Context(Struct, frozen=True, kw_only=True):
    """One request: who asks, when, and what can be used to answer."""

    service: Service
    operation: Modeled
    principal: Principal
    source: str
    request_id: str
    now: Instant
    headers: Headers = ()
    secure: bool = False
    """Whether it came over TLS."""
    told: list[tuple[bytes, bytes]] = []
    """Headers that the answer has besides the usual ones."""

    def header(self, name: bytes) -> bytes | None:
        """A header of the request, by its name in small letters."""
        found = (value for each, value in self.headers if each.lower() == name)
        return next(found, None)

    @property
    def node(self) -> Node:
        return self.service.node

    @property
    def origin(self) -> Origin:
        """For the audit trail."""
        operation = self.operation.action.removeprefix("connect:")
        return Origin(self.principal.arn, self.source, self.request_id, operation)

    def desk(self, instance: str) -> Desk:
        """The instance named by an id or ARN; refuses with ResourceNotFoundException."""
        found = self.node.desk(instance.rsplit("/", 1)[-1])
        home = found.center.home
        # Nothing else that ends in the id: policies are asked about what was sent.
        if found.center.instance is None or instance not in (home.instance_id, home.arn):
            raise not_found("InstanceId", instance, "instance")
        return found

    async def submit(self, desk: Desk, command: commands.Command) -> str:
        """Carry a command out; answers the id of what was made, if anything was."""
        return await self.node.submit(desk.instance_id, command, self.origin)

    async def read(self, question: Callable[[], T]) -> T:
        """Ask something of durable state."""
        return await self.node.read(question)

    async def give_way(self) -> None:
        """Let others have their turn, between two parts of what takes long; read alone need not."""
        await asyncio.sleep(0)  # noqa: TID251  nothing is waited for

    def page(
        self,
        params: Any,  # noqa: ANN401  a decoded request
        member: str,
        rows: Sequence[tuple[tuple[str, ...], object]],
        at_most: int,
    ) -> Properties:
        """The part of a sorted listing that the request is for, as the member, and the NextToken.

        rows: (key, row) in the order of their keys. at_most: rows per page if MaxResults is absent.
        """
        instance = getattr(params, "InstanceId", None) or ""
        cursor = self.service.pages.cursor(self.operation, instance, params, self.now)
        rows = sorted(((_cursor_key(key), row) for key, row in rows), key=itemgetter(0))
        start = 0
        if cursor is not None:
            after = tuple(str(part) for part in cursor.after)
            start = sum(key <= after for key, _ in rows)
        size = params.MaxResults or at_most
        part = rows[start : start + size]
        listed: Properties = {member: [row for _, row in part]}
        if start + size >= len(rows):
            return listed
        token = self.service.pages.next_token(
            self.operation, instance, params, Cursor(after=part[-1][0]), self.now
        )
        return {**listed, "NextToken": token}


def _cursor_key(key: tuple[str, ...]) -> tuple[str, ...]:
    """A key that fits into a token: the end of what is too long becomes its digest."""
    most = CURSOR_PART_CHARS_MAX
    return tuple(
        part if len(part) <= most else part[: most - 32] + sha256(part.encode()).hexdigest()[:32]
        for part in key
    )


def identifier(home: Home, kind: str, value: str, field: str) -> str:
    """The id in an id or ARN of a resource; an ARN of anything else is refused.

    Nothing but a qualifier may follow the id: policies are asked about what was sent.
    """
    if not value.startswith("arn:"):
        return value
    above = home.arn_of(kind, "")
    found, _, qualifier = value.removeprefix(above).partition(":")
    if not value.startswith(above) or not found or "/" in found:
        raise invalid_parameter(
            field, value, f"is no ARN of a {KINDS[kind].title} of instance {home.instance_id}"
        )
    if qualifier not in ("", "$LATEST"):
        raise invalid_parameter(field, value, "must name no version, alias or draft")
    return found


def with_ids(home: Home, kind: str, properties: Properties) -> Properties:
    """Properties in which every reference is an id, also where an ARN was given."""
    result: Properties = properties
    for reference in KINDS[kind].references:
        result = _mapped(
            result,
            reference.path,
            lambda value, field, to=reference.kind: identifier(home, to, value, field),
            "",
        )
    return result


def _mapped(
    value: Any,  # noqa: ANN401  JSON
    path: tuple[str, ...],
    change: Callable[..., str],
    field: str,
) -> Any:  # noqa: ANN401  JSON
    if value is None:
        return None
    if not path:
        return change(value, field)
    if path[0] == "*":
        return [_mapped(each, path[1:], change, field) for each in value]
    if path[0] not in value:
        return value
    return {**value, path[0]: _mapped(value[path[0]], path[1:], change, path[0])}


def given(params: Any, *, without: frozenset[str]) -> Properties:  # noqa: ANN401  a decoded request
    """The members of a request that were given, as JSON values."""
    members: Properties = to_builtins(params)
    return {
        name: value for name, value in members.items() if name not in without and value is not None
    }


def not_yet(member: str, value: object) -> Refusal:
    """A member that Amazon Connect knows and this version does not act on."""
    return invalid_parameter(member, value, "is not supported yet; leave it out")
