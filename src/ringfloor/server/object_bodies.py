"""Object bodies: what server.objects and server.downloads read and write, as S3 writes it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

from ringfloor.aws.model import Headers
from ringfloor.aws.query import escaped
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import OBJECT_BYTES_MAX, OBJECTS_LISTED_MAX
from ringfloor.base.time import iso_milliseconds
from ringfloor.node.storage import Kept, Storage
from ringfloor.server.files import Message, Send

XML = b"application/xml"
CHUNKED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
"""What SDKs say of a body that they send in chunks of their own, with a checksum after it."""

_LINE_BYTES_MAX = 8_192
_READ_BYTES = 262_144
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


async def unchunked(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body without its aws-chunked coding: size in hex, CR LF, so many bytes, CR LF; 0 ends it.

    What comes after the 0, checksums, is not looked at. Refuses with IncompleteBody.
    """
    pending = b""
    wanted: int | None = None
    """Bytes of this chunk that are still to come, and its CR LF; None: its size is to come."""
    async for more in body:
        pending += more
        while pending and wanted != 0:
            if wanted is None:
                line, end, pending = pending.partition(b"\r\n")
                if not end:
                    pending = line
                    break
                wanted = _chunk_size(line)
            elif wanted == 2:
                if len(pending) < 2:
                    break
                pending, wanted = pending[2:], None
            else:
                part = pending[: wanted - 2]
                pending, wanted = pending[len(part) :], wanted - len(part)
                yield part
        if wanted is None and len(pending) > _LINE_BYTES_MAX:
            raise _incomplete()
        if wanted == 0:
            pending = b""
    if wanted != 0:
        raise _incomplete()


def _chunk_size(line: bytes) -> int:
    """With the CR LF after it; 0 for the last."""
    size = line.partition(b";")[0]
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size) or int(size, 16) > OBJECT_BYTES_MAX:
        raise _incomplete()
    return int(size, 16) + 2 if int(size, 16) else 0


def _incomplete() -> Refusal:
    return Refusal("IncompleteBody", "the body is not chunked as its headers say")


def part(asked: str | None, size: int) -> tuple[int, int] | None:
    """First byte, and the one after the last, of a Range; None: the whole.

    Refuses with InvalidRange what the object does not have; what is no single range is ignored.
    """
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", asked or "")
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    begin = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if begin >= end:
        raise Refusal("InvalidRange", f"the object has {size} bytes")
    return begin, end


async def send_file(
    send: Send,
    start: Message,
    file: BinaryIO,
    window: tuple[int, int],
    beside: Callable[[Callable[[], Any]], Awaitable[Any]],
) -> None:
    """Answer with a part of a file, and close it. beside: does what blocks on a thread."""
    first, last = window
    try:
        await send(start)
        await beside(lambda: file.seek(first))
        while first < last:
            most = min(_READ_BYTES, last - first)
            chunk = await beside(lambda most=most: file.read(most))  # type: ignore[misc]  # bound now
            if not chunk:
                raise ConnectionError("the file is shorter than it was")
            first += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await beside(file.close)


def describing(kind: bytes, size: int, window: tuple[int, int] | None) -> Headers:
    """Headers of a file that is sent, or of a part of it; a browser runs nothing in it."""
    first, last = window or (0, size)
    headers: Headers = (
        (b"content-type", kind),
        (b"content-length", b"%d" % (last - first)),
        (b"accept-ranges", b"bytes"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
    )
    if window is None:
        return headers
    return (*headers, (b"content-range", b"bytes %d-%d/%d" % (first, last - 1, size)))


def content_type(key: str) -> bytes:
    """What an object is, as far as its key says."""
    return b"audio/wav" if key.lower().endswith(".wav") else b"binary/octet-stream"


def error(code: str, message: str) -> bytes:
    """An error, as S3 writes it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escaped(message)}</Message></Error>"
    ).encode()


def etag(kept: Kept) -> str:
    """Changes with the object; no digest of it."""
    return f'"{kept.at:x}-{kept.size:x}"'


class Listing(NamedTuple):
    """ListObjectsV2, as it was asked for."""

    prefix: str
    delimiter: str
    most: int
    after: str
    encoded: bool
    token: str | None


def asked(query: Mapping[str, str]) -> Listing:
    """What a query asks; refuses with InvalidArgument."""
    most = query.get("max-keys", str(OBJECTS_LISTED_MAX))
    if not re.fullmatch(r"\d{1,9}", most):
        raise Refusal("InvalidArgument", f"max-keys: {most!r} is no number")
    token = query.get("continuation-token")
    return Listing(
        query.get("prefix", ""),
        query.get("delimiter", ""),
        min(int(most), OBJECTS_LISTED_MAX),
        query.get("start-after", "") if token is None else token,
        query.get("encoding-type") == "url",
        token,
    )


def listing(storage: Storage, bucket: str, wanted: Listing) -> bytes:
    """A page of a bucket, as XML; a continuation token is the last key of the page before."""
    rows: list[str] = []
    groups: list[str] = []
    last, more = wanted.after, False
    for kept in storage.keys(bucket, wanted.prefix, wanted.after):
        group = _group(kept.key, wanted)
        if group is not None and (group in groups or wanted.after.startswith(group)):
            last = kept.key
            continue
        if len(rows) + len(groups) == wanted.most:
            more = True
            break
        last = kept.key
        if group is not None:
            groups.append(group)
        else:
            rows.append(_row(kept, wanted))
    named = "".join(
        f"<CommonPrefixes><Prefix>{_text(each, wanted)}</Prefix></CommonPrefixes>"
        for each in groups
    )
    token = f"<NextContinuationToken>{escaped(last)}</NextContinuationToken>" if more else ""
    coded = "<EncodingType>url</EncodingType>" if wanted.encoded else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{_NAMESPACE}">'
        f"<Name>{escaped(bucket)}</Name><Prefix>{_text(wanted.prefix, wanted)}</Prefix>"
        f"<Delimiter>{_text(wanted.delimiter, wanted)}</Delimiter>{coded}"
        f"<MaxKeys>{wanted.most}</MaxKeys><KeyCount>{len(rows) + len(groups)}</KeyCount>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}{named}"
        "</ListBucketResult>"
    ).encode()


def _group(key: str, wanted: Listing) -> str | None:
    """The beginning that stands for the key and others like it."""
    head, found, _ = key.removeprefix(wanted.prefix).partition(wanted.delimiter or "\0")
    return f"{wanted.prefix}{head}{found}" if found else None


def _row(kept: Kept, wanted: Listing) -> str:
    return (
        f"<Contents><Key>{_text(kept.key, wanted)}</Key>"
        f"<LastModified>{iso_milliseconds(kept.at)}</LastModified>"
        f"<ETag>{escaped(etag(kept))}</ETag><Size>{kept.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _text(text: str, wanted: Listing) -> str:
    return quote(text, safe="/") if wanted.encoded else escaped(text)
