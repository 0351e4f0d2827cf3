"""Objects: bodies and listings as S3's clients write and read them; signatures as S3's are made."""

from collections.abc import AsyncIterator

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.aws import sigv4
from ringfloor.aws.request import HttpRequest, Principal
from ringfloor.aws.sigv4 import Credential
from ringfloor.base.errors import Refusal
from ringfloor.base.time import WallClock
from ringfloor.node.storage import DiskStorage
from ringfloor.server import object_bodies as bodies

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROOT = Principal("123456789012", "arn:aws:iam::123456789012:root", "AKIDEXAMPLE")


class Keys:
    def secret(self, _key: str, _token: str | None) -> Credential:
        return Credential(SECRET, ROOT)


# Signatures


def signed(method: str, url: str, auth: type = S3SigV4Auth, body: bytes = b"") -> HttpRequest:
    asked = AWSRequest(method, url, data=body, headers={"Host": "localhost:8080"})
    auth(Credentials("AKIDEXAMPLE", SECRET), "s3", "us-east-1").add_auth(asked)
    path, _, query = asked.url.removeprefix("http://localhost:8080").partition("?")
    headers = tuple((name.encode(), value.encode()) for name, value in asked.headers.items())
    return HttpRequest(method, path.encode(), query.encode(), headers, b"")


def verified(http: HttpRequest) -> Principal:
    now = WallClock().now()
    return sigv4.verify(http, Keys(), now, region="us-east-1", service="s3").principal


@pytest.mark.parametrize("auth", [S3SigV4Auth, S3SigV4QueryAuth])
@pytest.mark.parametrize(
    "path", ["/b/k.wav", "/b/a%20b/%C3%BC%2B%26.wav", "/b//x", "/b/./x/../y", "/b/~x"]
)
def test_what_is_signed_as_s3_signs_is_taken(auth, path):
    assert verified(signed("GET", f"http://localhost:8080{path}?x-id=1", auth)) == ROOT


def test_a_path_is_signed_as_it_is(caplog):
    http = signed("GET", "http://localhost:8080/b/a/../x")
    for other in (b"/b/x", b"/b/a/%2E%2E/y"):
        changed = HttpRequest("GET", other, http.raw_query, http.headers, b"")
        with pytest.raises(Refusal, match="signature we calculated"):
            verified(changed)
    assert caplog.text == ""


# Bodies


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def unchunked(body: bytes, size: int = 7) -> bytes:
    return b"".join([part async for part in bodies.unchunked(pieces(body, size))])


def chunked(*chunks: bytes, trailer: bytes = b"x-amz-checksum-crc32:AAAAAA==\r\n") -> bytes:
    coded = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks)
    return coded + b"0\r\n" + trailer + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50))
async def test_chunks_are_put_together_however_they_arrive(chunks, size):
    assert await unchunked(chunked(*chunks), size) == b"".join(chunks)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello\r\n",
        b"zz\r\nhello",
        b"-1\r\n",
        b"x" * 20_000,
        b"ffffffff\r\n",
    ],
)
async def test_what_is_not_chunked_as_it_says_is_refused(body):
    with pytest.raises(Refusal, match="IncompleteBody"):
        await unchunked(body)


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=9-99", (9, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=-", None),
        ("bytes=1-2,4-5", None),
        ("lines=1-2", None),
    ],
)
def test_a_range_is_a_window(asked, window):
    assert bodies.part(asked, 10) == window


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=5-3", "bytes=-0"])
def test_a_range_that_is_not_there_is_refused(asked):
    with pytest.raises(Refusal, match="InvalidRange"):
        bodies.part(asked, 10)


# Listings


def test_a_listing_is_xml_whatever_keys_are(tmp_path):
    storage = DiskStorage(tmp_path)
    storage.put("calls", "<a>&b.wav", b"x")
    shown = bodies.listing(storage, "calls", bodies.asked({})).decode()
    assert "<Key>&lt;a&gt;&amp;b.wav</Key>" in shown
    coded = bodies.listing(storage, "calls", bodies.asked({"encoding-type": "url"})).decode()
    assert "<Key>%3Ca%3E%26b.wav</Key>" in coded
    assert "<IsTruncated>false</IsTruncated>" in shown


def test_no_page_is_larger_than_the_largest():
    assert bodies.asked({"max-keys": "999999"}).most == 1_000
    assert bodies.asked({"max-keys": "0"}).most == 0
    with pytest.raises(Refusal, match="InvalidArgument"):
        bodies.asked({"max-keys": "-1"})
