"""Downloads: files behind sealed addresses, and the address of a contact's recording.

Called by server.asgi; made by app, one per server.

    GET {PATH}{token}                                                        a file, or a range
    GET /_ringfloor/instances/{InstanceId}/contacts/{ContactId}/recording    where it can be had

The first is for whoever has the address, until it ends (operations.downloads); the players of
browsers ask for ranges. The second is signed as the API is. It stands for a DescribeContact of that
contact, which tells Location, and asks policies for s3:GetObject of what is there, as listening to
a recording does at AWS.
"""

import logging
import os
import re
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from ringfloor.aws.model import Headers
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse, respond
from ringfloor.aws.routes import path_of
from ringfloor.aws.tokens import Sealer, TokenInvalid
from ringfloor.base.errors import Refusal, not_found
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import FILE_TOKEN_CHARS_MAX, RECORDING_URL_SECONDS
from ringfloor.base.time import Clock
from ringfloor.domain.contact import Contact
from ringfloor.node.depot import Depot
from ringfloor.node.recordings import place_of
from ringfloor.node.storage import Missing, Trouble, Unusable
from ringfloor.operations.contacts import find
from ringfloor.operations.downloads import PATH, PURPOSE, Download, address, check_reader
from ringfloor.server import object_bodies as bodies
from ringfloor.server.files import Message, Scope, Send, or_gone
from ringfloor.server.http import STATUSES, json_response
from ringfloor.server.pipeline import Edge
from ringfloor.server.stand_in import Visit, answered

log = logging.getLogger(__name__)

_RECORDING = re.compile(rb"/_ringfloor/instances/([^/]+)/contacts/([^/]+)/recording")


class Downloads:
    """The files."""

    def __init__(self, depot: Depot, sealer: Sealer, clock: Clock) -> None:
        self._depot = depot
        self._sealer = sealer
        self._clock = clock

    def owns(self, scope: Scope) -> bool:
        """Whether the request is for a file."""
        path: bytes = scope["raw_path"]
        return scope["method"] == "GET" and path.startswith(PATH.encode())

    async def serve(self, scope: Scope, send: Send) -> None:
        """Answer a request that is owned."""
        send = or_gone(send)
        try:
            try:
                await self._serve(scope, send)
            except Refusal as refusal:
                status = STATUSES[refusal.code]
                body = json_response(status, {"message": refusal.message}).body
                extra: Headers = ((b"content-length", b"%d" % len(body)), (b"connection", b"close"))
                await send(self._start(status, extra))
                await send({"type": "http.response.body", "body": body})
        except ConnectionError as error:
            log.debug("a file was broken off: %s", error)

    async def _serve(self, scope: Scope, send: Send) -> None:
        download = self._download(scope)
        file = await self._depot.beside(lambda: self._open(download))
        size = await self._depot.beside(lambda: os.fstat(file.fileno()).st_size)
        asked = next((value for name, value in scope["headers"] if name == b"range"), b"")
        try:
            window = bodies.part(asked.decode("latin-1"), size)
        except Refusal:
            window = None  # a player may ask for what is not there; then it gets the whole
        saved_as = download.saved_as or download.name.rpartition("/")[2]
        name = quote(saved_as, safe="")
        headers: Headers = (
            *bodies.describing(bodies.content_type(saved_as), size, window),
            (b"content-disposition", f"inline; filename*=UTF-8''{name}".encode()),
            (b"cache-control", b"private"),
        )
        start = self._start(200 if window is None else 206, headers)
        await bodies.send_file(send, start, file, window or (0, size), self._depot.beside)

    def _download(self, scope: Scope) -> Download:
        token = scope["raw_path"].decode("latin-1").removeprefix(PATH)
        try:
            now = self._clock.now()
            return self._sealer.open(PURPOSE, token, now, Download, FILE_TOKEN_CHARS_MAX)
        except TokenInvalid:
            raise Refusal(
                "AccessDeniedException", "the address is not ours, or has expired"
            ) from None

    def _open(self, download: Download) -> BinaryIO:
        gone = Refusal("ResourceNotFoundException", "the file is no more")
        if download.kind == "sound":
            path = self._depot.sounds.find(download.name)
            if path is None:
                raise gone
            return path.open("rb")
        storage = self._depot.on_disk
        if storage is None:
            raise gone
        try:
            return storage.open(download.bucket, download.name)
        except (Missing, Unusable):
            raise gone from None
        except Trouble as error:
            raise Refusal("ServiceUnavailableException", str(error)) from error

    def _start(self, status: int, headers: Headers) -> Message:
        made = respond(status, b"", derive(chance(), 0), self._clock.now()).headers
        given = {b"content-length"} | {name for name, _ in headers}
        kept = [each for each in made if each[0] not in given]
        return {"type": "http.response.start", "status": status, "headers": [*kept, *headers]}


class RecordingAddresses(NamedTuple):
    """Where the recordings of contacts can be had."""

    edge: Edge

    def owns(self, http: HttpRequest) -> bool:
        """Whether such an address is asked for."""
        return http.method == "GET" and _RECORDING.fullmatch(path_of(http.raw_path)) is not None

    async def handle(self, http: HttpRequest, source: str) -> HttpResponse:
        """Answer a request that is owned. source: the caller's network address."""
        return await answered(self.edge, http, source, _perform)


async def _perform(visit: Visit) -> HttpResponse:
    signed = visit.signed()
    found = _RECORDING.fullmatch(path_of(signed.http.raw_path))
    assert found is not None
    context, params = await visit.admitted(signed, "GET", b"/contacts/%s/%s" % found.groups())
    desk = context.desk(params.InstanceId)
    location = await find(context, desk, params.ContactId, _location)
    if location is None:
        raise not_found("ContactId", params.ContactId, "recording of this contact")
    bucket, key = place_of(location)
    check_reader(context, bucket, key)
    depot = context.service.depot
    assert depot is not None, "a server has one"
    url = await depot.beside(lambda: depot.storage.address(bucket, key, RECORDING_URL_SECONDS))
    if url is None:
        url = address(context, Download("object", key, bucket))
    told = {"Url": url, "Location": location, "ExpiresInSeconds": RECORDING_URL_SECONDS}
    return json_response(200, told)


def _location(contact: Contact) -> str | None:
    """Where the recording is; None: there is none, or none any more."""
    recording = contact.recording
    return None if recording is None or recording.status != "AVAILABLE" else recording.location
