"""Objects: as much of the API of S3 as it takes to bring files here and to fetch them.

Called by server.asgi before it collects a body, because objects are larger than requests; made by
app where objects are kept on the disk (node.storage). Path style, at the address of the Amazon
Connect API; a request belongs here by the service that its signature is scoped to. ACTIONS says
what there is. Rules:

* Signed as S3 signs, in headers or presigned, for the server's Region or us-east-1; the policies of
  the sender are asked about the action and arn:aws:s3:::bucket/key.
* What is uploaded is as its digest says, or signed without one; nothing longer than
  OBJECT_BYTES_MAX is read, and nothing is there before it is whole and on the disk.
* A bucket is there with its first object. Uploads in parts, versions, copies and all else are
  NotImplemented. Errors are in the words and the XML of S3.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import BinaryIO, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from ringfloor.aws import request, sigv4
from ringfloor.aws.access import accesses
from ringfloor.aws.dates import http_date
from ringfloor.aws.model import Headers
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import respond
from ringfloor.aws.routes import path_of
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import OBJECT_BYTES_MAX, UPLOADS_AT_ONCE_MAX
from ringfloor.node.storage import DiskStorage, Missing, Trouble, Unusable
from ringfloor.server import object_bodies as bodies
from ringfloor.server.files import Message, Receive, Scope, Send, or_gone, streamed
from ringfloor.server.http import header
from ringfloor.server.identity import GLOBAL_REGION
from ringfloor.server.pipeline import Edge

log = logging.getLogger(__name__)

T = TypeVar("T")

ERRORS: Mapping[str, tuple[str, int]] = {
    "AccessDeniedException": ("AccessDenied", 403),
    "ExpiredTokenException": ("ExpiredToken", 400),
    "IncompleteSignatureException": ("AuthorizationHeaderMalformed", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "MissingAuthenticationTokenException": ("AccessDenied", 403),
    "UnrecognizedClientException": ("InvalidAccessKeyId", 403),
    "InvalidRange": ("InvalidRange", 416),
    "NoSuchBucket": ("NoSuchBucket", 404),
    "NoSuchKey": ("NoSuchKey", 404),
    "NotImplemented": ("NotImplemented", 501),
    "SlowDown": ("SlowDown", 503),
}
"""Code and status of refusals; all others are what they are, and 400."""

_LIST_QUERIES = frozenset(
    {
        "continuation-token",
        "delimiter",
        "encoding-type",
        "fetch-owner",
        "list-type",
        "max-keys",
        "prefix",
        "start-after",
        "x-id",
    }
)


class Visit(NamedTuple):
    """One request. key: empty where it is about the bucket."""

    http: HttpRequest
    source: str
    bucket: str
    key: str
    query: Mapping[str, str]
    receive: Receive
    send: Send


class Objects:
    """The endpoint."""

    def __init__(self, edge: Edge, storage: DiskStorage) -> None:
        self._edge = edge
        self._storage = storage
        self._threads = ThreadPoolExecutor(2, "objects")
        self._arriving = 0

    def owns(self, scope: Scope) -> bool:
        """Whether the request is signed for S3."""
        found = sigv4.scope(_http(scope))
        return found is not None and found[1] == sigv4.S3

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, caller: tuple[str, bool]
    ) -> None:
        """Answer a request that is owned. caller: his address, and whether he came over TLS."""
        send = or_gone(send)
        http = _http(scope, secure=caller[1])
        try:
            refusal = await self._refusal(_visit(http, caller[0], receive, send))
            if refusal is not None:
                code, status = ERRORS.get(refusal.code, (refusal.code, 400))
                body = b"" if http.method == "HEAD" else bodies.error(code, refusal.message or "")
                headers: Headers = ((b"content-type", bodies.XML), (b"connection", b"close"))
                await self._answer(send, status, headers, body)
        except ConnectionError as error:
            log.debug("an object was broken off: %s", error)

    async def _refusal(self, visit: Visit) -> Refusal | None:
        """Why the request is refused; None: it has been answered."""
        try:
            await self._perform(visit)
        except Refusal as refusal:
            return refusal
        except Missing as error:
            return Refusal("NoSuchKey", f"there is no object {error}")
        except Unusable as error:
            return Refusal("InvalidArgument", str(error))
        except Trouble as error:
            log.warning("objects: %s", error)
            return Refusal("SlowDown", "the disk cannot do it now; try again")
        except ConnectionError:
            raise
        except Exception:  # ours: the trace is for the operator
            log.exception("%s of an object failed", visit.http.method)
            return Refusal("InternalError", "something is wrong on our side")
        return None

    async def _perform(self, visit: Visit) -> None:
        action, perform = ACTIONS.get((visit.http.method, bool(visit.key)), NONE)
        lists = visit.http.method == "GET" and not visit.key
        more = visit.query.keys() - (_LIST_QUERIES if lists else {"x-id"})
        if more or not visit.bucket or header(visit.http, b"x-amz-copy-source") is not None:
            action, perform = NONE
        self._permit(visit, action)
        await perform(self, visit)

    def _permit(self, visit: Visit, action: str) -> None:
        edge, now = self._edge, self._edge.clock.now()
        region = (sigv4.scope(visit.http) or ("", ""))[0]
        known = region if region == GLOBAL_REGION else edge.service.region
        signed = edge.verified(visit.http, now, known, sigv4.S3)
        environment = edge.environment(signed, visit.source, now)
        arn = f"arn:aws:s3:::{visit.bucket}" + (f"/{visit.key}" if visit.key else "")
        sender = signed.principal
        request.ask(
            edge.policies, sender, lambda: accesses(f"s3:{action}", (arn,), sender, environment)
        )

    # What can be done

    async def no_such(self, visit: Visit) -> None:
        """What S3 has and this has not."""
        asked = f"{visit.http.method} {visit.http.raw_path.decode('latin-1')}"
        rule = "is not served here; objects are put in one piece (put_object), and listed as V2"
        raise Refusal("NotImplemented", f"{shown(asked)} {rule}")

    async def put(self, visit: Visit) -> None:
        """PutObject."""
        if self._arriving >= UPLOADS_AT_ONCE_MAX:
            raise Refusal("SlowDown", "too many objects arrive; try again")
        self._arriving += 1
        part = await self._beside(self._storage.new_part)
        try:
            out: BinaryIO = await self._beside(lambda: part.open("wb"))
            try:
                await self._receive(visit, out)
            finally:
                await self._beside(out.close)
            await self._beside(lambda: self._storage.put(visit.bucket, visit.key, part))
            size = await self._beside(lambda: self._storage.find(visit.bucket, visit.key))
        finally:
            self._arriving -= 1
            await self._beside(lambda: part.unlink(missing_ok=True))
        await self._answer(visit.send, 200, ((b"etag", bodies.etag(size).encode()),))

    async def _receive(self, visit: Visit, out: BinaryIO) -> None:
        claimed = header(visit.http, b"x-amz-content-sha256") or sigv4.UNSIGNED
        chunks = streamed(visit.receive)
        if claimed == bodies.CHUNKED:
            chunks = bodies.unchunked(chunks)
        elif claimed != sigv4.UNSIGNED and len(claimed) != 64:
            raise Refusal("NotImplemented", f"{shown(claimed)}: sign the body as a whole, or not")
        size, digest = 0, sha256()
        async for chunk in chunks:
            size += len(chunk)
            if size > OBJECT_BYTES_MAX:
                raise Refusal("EntityTooLarge", f"an object has {OBJECT_BYTES_MAX} bytes at most")
            digest.update(chunk)
            await self._beside(lambda chunk=chunk: out.write(chunk))  # type: ignore[misc]  # bound now
        if len(claimed) == 64 and digest.hexdigest() != claimed:
            raise Refusal("XAmzContentSHA256Mismatch", "the body is not as x-amz-content-sha256")

    async def get(self, visit: Visit) -> None:
        """GetObject and HeadObject."""
        found = await self._beside(lambda: self._storage.find(visit.bucket, visit.key))
        wanted = bodies.part(header(visit.http, b"range"), found.size)
        headers: Headers = (
            *bodies.describing(bodies.content_type(visit.key), found.size, wanted),
            (b"last-modified", http_date(found.at).encode()),
            (b"etag", bodies.etag(found).encode()),
        )
        status = 200 if wanted is None else 206
        if visit.http.method == "HEAD":
            await self._answer(visit.send, status, headers)
            return
        file = await self._beside(lambda: self._storage.open(visit.bucket, visit.key))
        start = self._start(status, headers)
        await bodies.send_file(visit.send, start, file, wanted or (0, found.size), self._beside)

    async def delete(self, visit: Visit) -> None:
        """DeleteObject."""
        await self._beside(lambda: self._storage.delete(visit.bucket, visit.key))
        await self._answer(visit.send, 204)

    async def make_bucket(self, visit: Visit) -> None:
        """CreateBucket; as often as one likes."""
        async for _ in streamed(visit.receive):
            pass  # where it is to be: here
        await self._beside(lambda: self._storage.make_bucket(visit.bucket))
        await self._answer(visit.send, 200, ((b"location", f"/{quote(visit.bucket)}".encode()),))

    async def look_at_bucket(self, visit: Visit) -> None:
        """HeadBucket."""
        if not await self._beside(lambda: self._storage.has_bucket(visit.bucket)):
            raise Refusal("NoSuchBucket", f"there is no bucket {visit.bucket}")
        await self._answer(visit.send, 200)

    async def list(self, visit: Visit) -> None:
        """ListObjectsV2."""
        if not await self._beside(lambda: self._storage.has_bucket(visit.bucket)):
            raise Refusal("NoSuchBucket", f"there is no bucket {visit.bucket}")
        if visit.query.get("list-type") != "2":
            await self.no_such(visit)
        wanted = bodies.asked(visit.query)
        body = await self._beside(lambda: bodies.listing(self._storage, visit.bucket, wanted))
        await self._answer(visit.send, 200, ((b"content-type", bodies.XML),), body)

    # Answers

    async def _answer(
        self, send: Send, status: int, extra: Headers = (), body: bytes = b""
    ) -> None:
        if not any(name == b"content-length" for name, _ in extra) and status != 204:
            extra = (*extra, (b"content-length", b"%d" % len(body)))
        await send(self._start(status, extra))
        await send({"type": "http.response.body", "body": body})

    def _start(self, status: int, headers: Headers) -> Message:
        made = respond(status, b"", derive(chance(), 0), self._edge.clock.now()).headers
        given = {b"content-length", b"content-type"} | {name for name, _ in headers}
        kept = [each for each in made if each[0] not in given]
        return {"type": "http.response.start", "status": status, "headers": [*kept, *headers]}

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


Perform = Callable[[Objects, Visit], Awaitable[None]]

NONE: tuple[str, Perform] = "Unknown", Objects.no_such

ACTIONS: Mapping[tuple[str, bool], tuple[str, Perform]] = {
    ("PUT", True): ("PutObject", Objects.put),
    ("GET", True): ("GetObject", Objects.get),
    ("HEAD", True): ("GetObject", Objects.get),
    ("DELETE", True): ("DeleteObject", Objects.delete),
    ("PUT", False): ("CreateBucket", Objects.make_bucket),
    ("HEAD", False): ("ListBucket", Objects.look_at_bucket),
    ("GET", False): ("ListBucket", Objects.list),
}
"""Method, and whether it is about an object, to the action of policies and what is done."""


def _http(scope: Scope, *, secure: bool = False) -> HttpRequest:
    """The head of a request."""
    return HttpRequest(
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        tuple(scope["headers"]),
        b"",
        secure,
    )


def _visit(http: HttpRequest, source: str, receive: Receive, send: Send) -> Visit:
    path = unquote_to_bytes(path_of(http.raw_path)).decode("utf-8", "surrogateescape")
    bucket, _, key = path.removeprefix("/").partition("/")
    pairs = parse_qsl(http.raw_query.decode("latin-1"), keep_blank_values=True)
    query = {name: value for name, value in pairs if not name.startswith("X-Amz-")}
    return Visit(http, source, bucket, key, query, receive, send)
