"""Imports: POST /_ringfloor/instances/{InstanceId}/imports, contacts of another center's log.

    {"contacts": [...]}                  ->   {"imported": 500, "known": 0}
    {"contacts": [...], "check": true}   ->   nothing is imported; what would be refused is

Called by server.asgi (owns, handle); made by app, one per server. It is an action of our own
(server.stand_in): policies are asked about connect:ImportContacts on the instance. Contacts are
domain.logged.LoggedContact, with the ids of queues and users; those that are known already are
passed over, the others are taken in, all of them or none.
"""

import re
from typing import NamedTuple

from msgspec import Struct

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.aws.routes import path_of
from ringfloor.base.errors import invalid_request
from ringfloor.base.limits import IMPORT_CONTACTS_MAX
from ringfloor.domain.events import Origin
from ringfloor.domain.logged import LoggedContact
from ringfloor.domain.resources import Home
from ringfloor.operations.imports import check, take_in
from ringfloor.server.http import body_of, json_response
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import Visit, answered

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
        return await answered(self.edge, http, source, _perform)


async def _perform(visit: Visit) -> HttpResponse:
    signed = visit.signed()
    (instance_id,) = visit.names(_PATH)
    arn = Home(signed.region, signed.principal.account, instance_id).arn
    visit.permit(signed, ACTION, arn)
    node = visit.edge.service.node
    desk = node.desk(instance_id)
    body = body_of(signed.http, Body)
    contacts = body.contacts
    if not 1 <= len(contacts) <= IMPORT_CONTACTS_MAX:
        rule = f"are not 1 to {IMPORT_CONTACTS_MAX}"
        raise invalid_request("contacts", len(contacts), rule)
    if body.check:
        await check(node, desk, contacts, visit.now)
        return json_response(200, {"imported": 0, "known": 0})
    origin = Origin(signed.principal.arn, visit.source, visit.request_id, ACTION)
    done = await take_in(node, desk, contacts, origin)
    return json_response(200, {"imported": done.imported, "known": done.known})
