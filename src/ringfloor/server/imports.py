"""Imports: POST /_ringfloor/instances/{InstanceId}/imports, contacts of another center's log.

    {"contacts": [...]}                  ->   {"imported": 500, "known": 0}
    {"contacts": [...], "check": true}   ->   nothing is imported; what would be refused is

Called by server.asgi (owns, handle); made by app, one per server. AWS has no operation for it. The
request is signed as one of the `connect` API; who may import is told by policies, which are asked
about connect:ImportContacts on the instance. Contacts are domain.logged.LoggedContact, with the ids
of queues and users; those that are known already are passed over, the others are taken in, all of
them or none.
"""

import logging
import re
from typing import NamedTuple

from msgspec import Struct

from ringfloor.aws import response
from ringfloor.aws.access import accesses
from ringfloor.aws.request import HttpRequest, permit
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of, percent_decoded
from ringfloor.base.errors import Refusal, invalid_request
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import IMPORT_CONTACTS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.events import Origin
from ringfloor.domain.logged import LoggedContact
from ringfloor.domain.resources import Home, Properties
from ringfloor.operations.imports import check, take_in
from ringfloor.server.http import STATUSES, body_of, json_response
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

ACTION = "ImportContacts"

_PATH = re.compile(rb"/_ringfloor/instances/([^/]+)/imports")


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent."""

    contacts: list[LoggedContact]
    check: bool = False
    """Nothing is imported; what would be refused is."""


class Imports(NamedTuple):
    """The endpoint."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether contacts are to be imported."""
        return http.method == "POST" and _PATH.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        now, request_id = self.edge.clock.now(), derive(chance(), 0)
        try:
            return json_response(200, await self._performed(http, source, request_id, now))
        except Refusal as refusal:
            return _refused(refusal, request_id)
        except Exception:  # ours: the client gets its id, the operator the trace
            log.exception("request %s of an import failed", request_id)
            broken = f"Something is wrong on our side: {request_id}"
            return _refused(Refusal("InternalServiceException", broken), request_id)

    async def _performed(
        self, http: HttpRequest, source: str, request_id: str, now: Instant
    ) -> Properties:
        edge = self.edge
        signed = edge.verified(http, now, edge.service.region, edge.api.signing_name)
        edge.throttle.take(signed.principal.account, ACTION, now)
        found = _PATH.fullmatch(path_of(http.raw_path))
        assert found is not None
        try:
            instance_id = percent_decoded(found[1])
        except UnicodeDecodeError:
            raise Refusal("InvalidRequestException", "the path is not UTF-8") from None
        if edge.policies.asks(signed.principal):
            wanted = [Home(signed.region, signed.principal.account, instance_id).arn]
            environment = edge.environment(signed, source, now)
            for access in accesses(f"connect:{ACTION}", wanted, signed.principal, environment):
                permit(edge.policies.decide(signed.principal, access), signed.principal, access)
        desk = edge.service.node.desk(instance_id)
        body = body_of(http, Body)
        contacts = body.contacts
        if not 1 <= len(contacts) <= IMPORT_CONTACTS_MAX:
            rule = f"are not 1 to {IMPORT_CONTACTS_MAX}"
            raise invalid_request("contacts", len(contacts), rule)
        if body.check:
            await check(edge.service.node, desk, contacts, now)
            return {"imported": 0, "known": 0}
        origin = Origin(signed.principal.arn, source, request_id, ACTION)
        done = await take_in(edge.service.node, desk, contacts, origin)
        return {"imported": done.imported, "known": done.known}


def _refused(refusal: Refusal, request_id: str) -> HttpResponse:
    status = {**STATUSES, **response.COMMON}.get(refusal.code, 400)
    told = (
        (b"x-amzn-errortype", refusal.code.encode()),
        (b"x-amzn-requestid", request_id.encode()),
    )
    return json_response(status, {"message": refusal.message}, told)
