"""Pipeline: the life of an API request, on one screen.

verify -> Signed; parse -> Parsed; throttle; validate -> Valid; authorise -> Authorised;
perform -> result; success.  Whatever is refused on the way: failure.
"""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ringfloor.aws import request, response, sigv4
from ringfloor.aws.access import Environment, accesses
from ringfloor.aws.model import Operation, Service
from ringfloor.aws.request import Authorised, HttpRequest, Principal, Signed, Valid
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.sigv4 import Secrets
from ringfloor.aws.throttle import Throttle
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.time import Clock, Duration, Instant
from ringfloor.domain.resources import Home
from ringfloor.operations import context as operations
from ringfloor.operations.contacts import tags_of_ended
from ringfloor.operations.context import Context
from ringfloor.operations.registry import HANDLERS, Result
from ringfloor.operations.tags import tags_of

log = logging.getLogger(__name__)

Tags = Mapping[str, Mapping[str, str]]
"""Of contacts, by ARN."""

CONTACT_MEMBERS = ("ContactId", "InitialContactId", "PreviousContactId", "RelatedContactId")
"""Members that name a contact which policies are asked about."""


class Edge(NamedTuple):
    """Everything that an API request passes through."""

    api: Service
    service: operations.Service
    secrets: Secrets
    policies: request.Policies[Principal]
    throttle: Throttle
    clock: Clock
    wall: Clock
    """The clock of the machines that clients run on, where the center's own is virtual."""
    signature_window: Duration
    check: bool
    """Whether results are compared with the model before they are sent."""

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """One request of the API. source: the caller's network address."""
        now = self.clock.now()
        request_id = derive(chance(), 0)
        operation: Operation | None = None
        try:
            signed = self.verified(http, now, self.service.region, self.api.signing_name)
            parsed = request.parse(signed, self.api)
            operation = parsed.operation
            self.throttle.take(signed.principal.account, operation.name, now)
            valid = request.validate(parsed)
            environment = self.environment(signed, source, now, await self.ended(valid))
            authorised = request.authorise(valid, self.policies, environment)
            context = self.context(valid, source, request_id, now)
            result = await self._perform(authorised, context)
            told = tuple(context.told)
            return response.success(operation, result, request_id, now, told, check=self.check)
        except Refusal as refusal:
            return response.failure(refusal, request_id, now, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of %s failed", request_id, operation and operation.name)
            broken = Refusal(
                "InternalServiceException", f"Something is wrong on our side: {request_id}"
            )
            return response.failure(broken, request_id, now, operation)

    def verified(
        self, http: HttpRequest, now: Instant, region: str, service: str
    ) -> Signed[Principal]:
        """A client signs by its own machine's clock, or by ours as our Date header told it."""
        wall = self.wall.now()
        try:
            return self._verified_at(http, wall, region, service)
        except Refusal as refusal:
            near = abs(wall - now) < self.signature_window
            if near or refusal.code != "InvalidSignatureException":
                raise
            try:
                return self._verified_at(http, now, region, service)
            except Refusal:
                raise refusal from None

    def _verified_at(
        self, http: HttpRequest, at: Instant, region: str, service: str
    ) -> Signed[Principal]:
        return sigv4.verify(
            http,
            self.secrets,
            at,
            region=region,
            service=service,
            window=self.signature_window,
        )

    async def ended(self, valid: Valid[Principal]) -> Tags:
        """The tags of ended contacts that the request names; the root is not asked about them."""
        params, instance = valid.params, getattr(valid.params, "InstanceId", None)
        if not instance or not self.policies.asks(valid.principal):
            return {}
        found: dict[str, Mapping[str, str]] = {}
        for member in CONTACT_MEMBERS:
            contact = getattr(params, member, None)
            if contact:
                tags = await tags_of_ended(self.service.node, instance, contact)
                home = Home(valid.region, valid.principal.account, instance.rsplit("/", 1)[-1])
                found[home.contact_arn(contact)] = tags
        return found

    def environment(
        self,
        signed: Signed[Principal],
        source: str,
        now: Instant,
        ended: Tags = MappingProxyType({}),
    ) -> Environment:
        """Where and when a request arrives, for its condition keys. ended: tags by ARN."""
        node = self.service.node

        def tags(arn: str) -> Mapping[str, str]:
            return ended.get(arn) or tags_of(node, arn)

        http = signed.http
        return Environment(source, now, signed.region, http.headers, tags, secure=http.secure)

    def permit(
        self, signed: Signed[Principal], source: str, now: Instant, action: str, arn: str
    ) -> None:
        """Authorise an action of our own, which is no operation of the API; refuses."""
        sender, environment = signed.principal, self.environment(signed, source, now)
        request.ask(
            self.policies,
            sender,
            lambda: accesses(f"connect:{action}", (arn,), sender, environment),
        )

    def context(
        self, valid: Valid[Principal], source: str, request_id: str, now: Instant
    ) -> Context:
        """What an operation is performed in."""
        return Context(
            service=self.service,
            operation=valid.operation,
            principal=valid.principal,
            source=source,
            request_id=request_id,
            now=now,
            headers=valid.http.headers,
            secure=valid.http.secure,
        )

    async def _perform(self, authorised: Authorised[Principal], context: Context) -> Result:
        valid = authorised.valid
        handler = HANDLERS.get(valid.operation.name)
        if handler is None:
            raise response.not_implemented(valid.operation)
        return await handler(context, valid.params)
