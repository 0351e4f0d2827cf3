"""Under which address a client is told to come back."""

import pytest

from ringfloor.aws.request import HttpRequest
from ringfloor.base.errors import Refusal
from ringfloor.server.http import origin


def told(host: str | None, kind, *, secure: bool = False) -> str:
    headers = () if host is None else ((b"Host", host.encode()),)
    return origin(HttpRequest("POST", b"/", b"", headers, b"", secure), kind)


@pytest.mark.parametrize(
    ("host", "kind", "secure", "expected"),
    [
        ("127.0.0.1:8080", "http", False, "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "ws", False, "ws://127.0.0.1:8080"),
        ("localhost:8080", "ws", False, "ws://127.0.0.1:8080"),
        ("LOCALHOST", "ws", False, "ws://127.0.0.1"),
        ("localhost:8080", "http", False, "http://localhost:8080"),
        ("localhost", "ws", True, "wss://localhost"),
        ("calls.example.com", "ws", True, "wss://calls.example.com"),
        ("calls.example.com:8443", "http", True, "https://calls.example.com:8443"),
        ("[::1]:8080", "ws", False, "ws://[::1]:8080"),
    ],
)
def test_it_is_where_the_request_came(host, kind, secure, expected):
    assert told(host, kind, secure=secure) == expected


@pytest.mark.parametrize("host", [None, "", "a b", "x/y", "x@y", "x:port", "x\r\ny", '"', "x?y"])
def test_what_is_no_host(host):
    with pytest.raises(Refusal) as caught:
        told(host, "http")
    assert caught.value.code == "InvalidRequestException"
