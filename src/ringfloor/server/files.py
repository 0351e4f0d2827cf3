"""Files: uploads and downloads of what participants of chats send each other.

Called by server.asgi before it collects a body, because files are larger than requests; addresses
are handed out by server.participant.

    PUT {PATH}{token}    the file that was announced; answers when it is on the disk
    GET {PATH}{token}    a file that has been sent

Rules:

* The address is all that is needed, as with presigned ones at AWS: a sealed token that names one
  file and one deed, and ends soon. Pages of all origins may use it.
* What is uploaded is of the announced type and size; nothing longer is read.
* A browser is told never to guess what a file is and to run nothing in it: it comes from the
  address of the contact center.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct

from ringfloor.aws.model import Headers
from ringfloor.aws.response import respond
from ringfloor.aws.tokens import Sealer, TokenInvalid
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.time import Clock, Instant
from ringfloor.node.attachments import Attachments, File, Key
from ringfloor.server.http import STATUSES, json_response

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH = "/participant/attachments/"

UPLOAD, DOWNLOAD = "attachment upload", "attachment download"

Disposition = Literal["ATTACHMENT", "INLINE"]

TYPES = {
    "csv": ("text/csv", "application/csv", "application/vnd.ms-excel"),
    "doc": ("application/msword",),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "heic": ("image/heic", "image/heif"),
    "jfif": ("image/jpeg", "image/pjpeg"),
    "jpeg": ("image/jpeg",),
    "jpg": ("image/jpeg",),
    "mov": ("video/quicktime",),
    "mp4": ("video/mp4", "audio/mp4"),
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "ppt": ("application/vnd.ms-powerpoint",),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation",),
    "rtf": ("application/rtf", "text/rtf"),
    "txt": ("text/plain",),
    "wav": ("audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"),
    "xls": ("application/vnd.ms-excel",),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
"""Endings of names that may be sent in chats, as AWS lists them, and what browsers call them."""


class Permit(Struct, frozen=True, array_like=True):
    """What an address is good for."""

    instance_id: str
    chat_id: str
    attachment_id: str
    disposition: Disposition = "ATTACHMENT"


def address(
    sealer: Sealer,
    base: str,
    deed: str,
    key: Key,
    expires: Instant,
    how: Disposition = "ATTACHMENT",
) -> str:
    """Where to upload or download a file. base: such as https://host."""
    return f"{base}{PATH}{sealer.seal(deed, Permit(*key, how), expires)}"


class Files:
    """The endpoint."""

    def __init__(self, attachments: Attachments, sealer: Sealer, clock: Clock) -> None:
        self._attachments = attachments
        self._sealer = sealer
        self._clock = clock

    def owns(self, scope: Scope) -> bool:
        """Whether the request is for a file."""
        return scope["method"] in {"GET", "PUT"} and scope["raw_path"].startswith(PATH.encode())

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is owned."""
        try:
            await self._serve(scope, receive, or_gone(send))
        except ConnectionError as error:
            log.debug("a file was broken off: %s", error)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] == "PUT":
                await self._upload(scope, receive)
                await self._answer(send, 200)
            else:
                await self._download(scope, send)
        except Refusal as refusal:
            await self._refuse(send, refusal)
        except ConnectionError:
            raise
        except Exception:  # ours: the trace is for the operator
            log.exception("%s of an attachment failed", scope["method"])
            broken = Refusal("InternalServiceException", "something is wrong on our side")
            await self._refuse(send, broken)

    async def _upload(self, scope: Scope, receive: Receive) -> None:
        permit = self._permit(scope, UPLOAD)
        key = Key(permit.instance_id, permit.chat_id, permit.attachment_id)
        file = await self._attachments.find(key)
        if file is None:
            raise Refusal("AccessDeniedException", "this file was not announced")
        _check(scope, file)
        await self._attachments.receive(key, streamed(receive))

    async def _download(self, scope: Scope, send: Send) -> None:
        permit = self._permit(scope, DOWNLOAD)
        key = Key(permit.instance_id, permit.chat_id, permit.attachment_id)
        file = await self._attachments.sent(key)
        if file is None:
            raise Refusal("ResourceNotFoundException", "the file is no more")
        start = self._response(200, b"", _describing(file, permit.disposition))
        await send({"type": "http.response.start", "status": 200, "headers": list(start)})
        async for chunk in self._attachments.read(key):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _permit(self, scope: Scope, deed: str) -> Permit:
        token = scope["raw_path"].decode("latin-1").removeprefix(PATH)
        try:
            return self._sealer.open(deed, token, self._clock.now(), Permit)
        except TokenInvalid:
            raise Refusal(
                "AccessDeniedException",
                "the address is not ours, has expired or is for another deed",
            ) from None

    async def _refuse(self, send: Send, refusal: Refusal) -> None:
        status = {**STATUSES, "ValidationException": 400, "ConflictException": 409}[refusal.code]
        body = json_response(status, {"message": refusal.message}).body
        await self._answer(send, status, body)

    async def _answer(self, send: Send, status: int, body: bytes = b"") -> None:
        headers = self._response(status, body, ((b"connection", b"close"),) if status > 299 else ())
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    def _response(self, status: int, body: bytes, extra: Headers) -> Headers:
        """Headers of a response; those given replace their namesakes."""
        made = respond(status, body, derive(chance(), 0), self._clock.now()).headers
        given = {name for name, _ in extra}
        return (*(each for each in made if each[0] not in given), *extra)


def or_gone(send: Send) -> Send:
    """Raises ConnectionError where the client has gone: uvloop raises RuntimeError."""

    async def told(message: Message) -> None:
        try:
            await send(message)
        except RuntimeError as error:
            raise ConnectionError(str(error)) from error

    return told


def _check(scope: Scope, file: File) -> None:
    """Refuse before anything is read."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind != file.content_type:
        raise Refusal("ValidationException", f"Content-Type: is not {file.content_type}")
    length = headers.get(b"content-length")
    if length is not None and length != str(file.size):
        raise Refusal("ValidationException", f"Content-Length: is not {file.size}")


def _describing(file: File, disposition: Disposition) -> Headers:
    name = quote(file.name, safe="")
    return (
        (b"content-type", file.content_type.encode()),
        (b"content-length", b"%d" % file.size),
        (b"content-disposition", f"{disposition.lower()}; filename*=UTF-8''{name}".encode()),
        (b"cache-control", b"private, no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
    )


async def streamed(receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request, as it comes."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client has gone")
        yield message.get("body", b"")
        more = message.get("more_body", False)
