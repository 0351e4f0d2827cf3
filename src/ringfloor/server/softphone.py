"""Softphone: the page at /softphone/, and the door through which its sound is attached.

GET /softphone/{file}      the page: the files in ringfloor/softphone, to anybody
POST /softphone/offer      {channelId, sdp} with an access token -> {sdp}

Called by server.asgi. All else the page does by the agent service, as any client of it. Rules:

* An offer is for the agent's own leg of a contact that he has; its id is that of his connection.
  Whether there is a leg, and whether it can take a browser, the carrier knows.
* The page runs nothing that is not in these files, and asks no other server (PAGE_HEADERS).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Annotated

from msgspec import Meta, Struct

from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Refusal, not_found
from ringfloor.base.limits import SOFTPHONE_BODY_BYTES_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.call import agent_leg
from ringfloor.engine.state import Center
from ringfloor.operations import permissions, sign_in
from ringfloor.operations.context import Service
from ringfloor.server.agent_calls import LOST
from ringfloor.server.http import body_of, header, json_response, refused

log = logging.getLogger(__name__)

PATH = b"/softphone/"
OFFER = b"/softphone/offer"

POLICY = (
    b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self';"
    b" object-src 'none'"
)

PAGE_HEADERS = (
    (b"content-security-policy", POLICY),
    (b"permissions-policy", b"microphone=(self), speaker-selection=(self)"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache"),
)

TYPES: Mapping[str, bytes] = {
    "index.html": b"text/html; charset=utf-8",
    "softphone.css": b"text/css; charset=utf-8",
    "softphone.js": b"text/javascript; charset=utf-8",
    "calls.js": b"text/javascript; charset=utf-8",
    "dom.js": b"text/javascript; charset=utf-8",
    "parties.js": b"text/javascript; charset=utf-8",
    "sound.js": b"text/javascript; charset=utf-8",
    "icon.svg": b"image/svg+xml",
}
"""The files of the page; it has no others."""

Attach = Callable[[str, str, Instant], Awaitable[str]]
"""Gives a channel a browser by its offer; the SDP answer. Refuses where that cannot be."""


class Wanted(Struct, rename="camel"):
    """Body of an offer."""

    channel_id: Annotated[str, Meta(min_length=1, max_length=256)]
    sdp: Annotated[str, Meta(min_length=1)]


class Softphone:
    """Both, for asgi."""

    def __init__(self, service: Service, attach: Attach) -> None:
        self._service = service
        self._attach = attach
        where = files("ringfloor") / "softphone"
        self._pages = {name: where.joinpath(name).read_bytes() for name in TYPES}

    def owns(self, http: HttpRequest) -> bool:
        """Whether the path is one of these."""
        return http.raw_path.startswith(PATH) or http.raw_path == PATH.rstrip(b"/")

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned."""
        try:
            if http.raw_path == OFFER:
                return json_response(200, {"sdp": await self._offered(http, source)})
            return self._page(http)
        except Refusal as refusal:
            return refused(refusal)
        except Exception:  # ours: the trace is for the operator
            log.exception("%s of the softphone failed", http.method)
            broken = "something is wrong on our side; see the server's log"
            return refused(Refusal("InternalServiceException", broken))

    def _page(self, http: HttpRequest) -> HttpResponse:
        if http.method not in ("GET", "HEAD"):
            raise Refusal("MethodNotAllowedException", "method: use GET")
        if http.raw_path == PATH.rstrip(b"/"):
            return HttpResponse(308, ((b"location", PATH), (b"content-length", b"0")), b"")
        name = http.raw_path.removeprefix(PATH).decode("latin-1") or "index.html"
        content = self._pages.get(name)
        if content is None:
            raise not_found("path", name, "file of the softphone")
        headers = (
            (b"content-type", TYPES[name]),
            (b"content-length", b"%d" % len(content)),
            *PAGE_HEADERS,
        )
        return HttpResponse(200, headers, b"" if http.method == "HEAD" else content)

    async def _offered(self, http: HttpRequest, source: str) -> str:
        if http.method != "POST":
            raise Refusal("MethodNotAllowedException", "method: use POST")
        if len(http.body) > SOFTPHONE_BODY_BYTES_MAX:
            rule = f"is longer than {SOFTPHONE_BODY_BYTES_MAX} bytes"
            raise Refusal("InvalidRequestException", f"body: {rule}")
        node = self._service.node
        bearer, now = header(http, b"x-amz-bearer"), node.clock.now()
        who = await sign_in.who(self._service, bearer, now, source)
        wanted = body_of(http, Wanted)
        center, user_id = who.desk.center, who.user_id

        def question() -> None:
            permissions.allowed(center, user_id, "AcceptContact")
            if wanted.channel_id not in own_legs(center, user_id):
                raise not_found("channelId", wanted.channel_id, "leg of this agent's")

        await node.read(question)
        return await self._attach(wanted.channel_id, wanted.sdp, now)


def own_legs(center: Center, user_id: str) -> set[str]:
    """The legs by which an agent is, or is to be, in calls."""
    agent = center.agents.get(user_id)
    held = () if agent is None else agent.contacts.values()
    contacts = (
        center.contacts.get(each.contact_id)
        for each in held
        if each.channel == "VOICE" and each.state not in LOST
    )
    return {agent_leg(each) for each in contacts if each is not None}
