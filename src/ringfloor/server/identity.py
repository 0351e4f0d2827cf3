"""Identity: the APIs of IAM and STS, at the address of the Amazon Connect API.

Called by server.asgi (owns, handle); made by app, one per server. The life of a request:

verify -> Signed; read -> Form; find the operation; throttle; decode; authorise; perform -> result;
success.  Whatever is refused on the way: failure. Rules:

* A request belongs here by its path, which is `/`, and the service its signature is scoped to. One
  that is not signed, or not so that it could be read, belongs here if it is a form.
* SDKs sign for IAM in the Region of its one global endpoint, or, where an endpoint was given, in
  the client's own: both are taken.
* What GetSessionToken gives is not for IAM, as at AWS without a second factor: who has found such
  credentials cannot make lasting ones of them.
* Who somebody is may be asked by everybody, as at AWS; whether somebody may assume a role is for
  its trust policy to say too, and therefore decided by the handler.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.aws import query, sigv4
from ringfloor.aws.query import QueryOperation, QueryService
from ringfloor.aws.request import HttpRequest, Principal, Signed, permit
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.aws.shapes import Structure
from ringfloor.aws.throttle import Throttle
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.time import Instant
from ringfloor.operations.context import Context
from ringfloor.operations.iam_access import wanted
from ringfloor.operations.registry import IDENTITY, Params, Result
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

GLOBAL_REGION = "us-east-1"
"""Where AWS's global endpoints of IAM and STS are signed for."""

UNASKED = frozenset({"sts:AssumeRole", "sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that are performed without asking the policies first."""


class Identities(NamedTuple):
    """The endpoint. apis: by the service of their signatures; the first answers the unsigned."""

    edge: Edge
    apis: Mapping[str, QueryService]
    throttle: Throttle

    def owns(self, http: HttpRequest) -> bool:
        """Whether a request is for one of these APIs."""
        if path_of(http.raw_path) != b"/":
            return False
        scope = sigv4.scope(http)
        if scope is not None:
            return scope[1] in self.apis
        return query.is_form(http) or b"Action=" in http.raw_query

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        now = self.edge.clock.now()
        request_id = derive(chance(), 0)
        region, service = sigv4.scope(http) or ("", "")
        api = self.apis.get(service) or next(iter(self.apis.values()))
        operation: QueryOperation | None = None
        try:
            signed = self._verified(http, now, region, api)
            form = query.read(http)
            operation = api.operation(form)
            self.throttle.take(signed.principal.account, operation.action, now)
            params = operation.decode(form)
            self._authorise(signed, operation, params, source, now)
            context = Context(
                service=self.edge.service,
                operation=operation,
                principal=signed.principal,
                source=source,
                request_id=request_id,
                now=now,
                headers=http.headers,
                secure=http.secure,
            )
            result = await IDENTITY.get(operation.action, _not_implemented)(context, params)
            return query.success(operation, result, request_id, now, check=self.edge.check)
        except Refusal as refusal:
            return query.failure(refusal, request_id, now, api, operation)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of %s failed", request_id, operation and operation.action)
            broken = f"Something is wrong on our side: {request_id}"
            return query.failure(Refusal("InternalFailure", broken), request_id, now, api)

    def _verified(
        self, http: HttpRequest, now: Instant, region: str, api: QueryService
    ) -> Signed[Principal]:
        known = region if region == GLOBAL_REGION else self.edge.service.region
        return self.edge.verified(http, now, known, api.signing_name)

    def _authorise(
        self,
        signed: Signed[Principal],
        operation: QueryOperation,
        params: Structure,
        source: str,
        now: Instant,
    ) -> None:
        if operation.action in UNASKED:
            return
        sender = signed.principal
        if sender.token_issued is not None and sender.type != "AssumedRole":
            raise Refusal(
                "AccessDenied",
                f"{operation.action} is not for credentials of GetSessionToken, which are for"
                " AssumeRole, GetCallerIdentity and other services; use the access key, or a role",
            )
        account = self.edge.service.accounts.account
        environment = self.edge.environment(signed, source, now)
        for access in wanted(account, sender, operation.action, params, environment):
            permit(self.edge.policies.decide(sender, access), sender, access, "AccessDenied")


async def _not_implemented(context: Context, params: Params) -> Result:  # noqa: ARG001  none is read
    raise Refusal(
        "NotImplemented",
        f"{context.operation.name} is not implemented; docs/reference/identity.md lists what is",
    )
