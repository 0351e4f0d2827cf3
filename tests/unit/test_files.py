"""Uploads and downloads over HTTP: what an address is good for, and what comes back."""

from pathlib import Path
from typing import Any

import pytest

from ringfloor.aws.tokens import Sealer
from ringfloor.base.ids import derive, dice
from ringfloor.base.time import SECOND, VirtualClock
from ringfloor.node.attachments import Attachments, File, Key
from ringfloor.server.files import DOWNLOAD, PATH, UPLOAD, Files, address

START = 1_700_000_000_000
FILE = File('résumé "final"\n.txt', "text/plain", 11, "carol", START)
ids = dice(8)


class Desk:
    """The endpoint, and one file that was announced."""

    def __init__(self, data: Path) -> None:
        self.clock = VirtualClock(START)
        self.sealer = Sealer((b"the key of all the tests",))
        self.attachments = Attachments(data)
        self.files = Files(self.attachments, self.sealer, self.clock)
        self.key = Key(*(derive(ids(), 0) for _ in range(3)))

    def url(self, deed: str, how: Any = "ATTACHMENT", base: str = "") -> str:
        return address(self.sealer, base, deed, self.key, START + SECOND, how)

    async def ask(
        self, method: str, url: str, body: tuple[bytes, ...] = (), **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        scope = {
            "method": method,
            "raw_path": url.encode(),
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
        }
        assert self.files.owns(scope)
        parts = list(body)
        heard: list[Any] = []

        async def receive() -> Any:
            if not parts:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: Any) -> None:
            heard.append(message)

        await self.files.serve(scope, receive, send)
        if not heard:
            return 0, {}, b""
        told = {name.decode(): value.decode() for name, value in heard[0]["headers"]}
        return heard[0]["status"], told, b"".join(each["body"] for each in heard[1:])

    async def put(self, url: str, *body: bytes, kind: str = "text/plain", **headers: str) -> int:
        return (await self.ask("PUT", url, body, Content_Type=kind, **headers))[0]


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    await desk.attachments.begin(desk.key, FILE)
    yield desk
    desk.attachments.close()


async def test_there_and_back(desk):
    url = desk.url(UPLOAD)
    assert url.startswith(PATH)
    assert await desk.put(url, b"hello ", b"world", content_length="11") == 200
    assert (await desk.ask("GET", desk.url(DOWNLOAD)))[0] == 404, "not sent yet"
    await desk.attachments.complete(desk.key)
    status, headers, body = await desk.ask("GET", desk.url(DOWNLOAD))
    assert (status, body) == (200, b"hello world")
    assert headers["content-type"] == "text/plain"
    assert headers["content-length"] == "11"
    name = "r%C3%A9sum%C3%A9%20%22final%22%0A.txt"
    assert headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["access-control-allow-origin"] == "*"
    _, headers, _ = await desk.ask("GET", desk.url(DOWNLOAD, "INLINE"))
    assert headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize("kind", ["text/html", "", "text/plainer", "application/json"])
async def test_another_type_than_was_announced(desk, kind):
    assert await desk.put(desk.url(UPLOAD), b"hello world", kind=kind) == 400


async def test_the_type_with_its_parameters(desk):
    kind = "Text/Plain; charset=utf-8"
    assert await desk.put(desk.url(UPLOAD), b"hello world", kind=kind) == 200


@pytest.mark.parametrize(
    ("body", "headers"),
    [((b"hello",), {}), ((b"hello world!",), {}), ((b"hello world",), {"content_length": "12"})],
)
async def test_another_size_than_was_announced(desk, body, headers):
    assert await desk.put(desk.url(UPLOAD), *body, **headers) == 400


async def test_what_breaks_off_is_not_kept(desk, caplog):
    assert await desk.put(desk.url(UPLOAD)) == 0
    assert "failed" not in caplog.text
    assert (await desk.ask("GET", desk.url(DOWNLOAD)))[0] == 404


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_addresses_that_are_good_for_nothing(desk, method):
    await desk.attachments.receive(desk.key, _hello())
    await desk.attachments.complete(desk.key)
    right, wrong = (UPLOAD, DOWNLOAD) if method == "PUT" else (DOWNLOAD, UPLOAD)
    for url in (desk.url(wrong), f"{desk.url(right)}A", PATH, f"{PATH}../x"):
        status, headers, _ = await desk.ask(method, url, (b"hello world",))
        assert (status, headers["connection"]) == (403, "close")
    desk.clock.move_to(START + SECOND)
    assert (await desk.ask(method, desk.url(right)))[0] == 403, "it has expired"


async def test_a_file_that_was_never_announced(desk):
    desk.key = desk.key._replace(attachment_id=derive(ids(), 0))
    assert await desk.put(desk.url(UPLOAD), b"hello world") == 403


async def test_what_fails_is_told_to_the_operator(desk, caplog, monkeypatch):
    async def broken(_key: Key) -> File:
        raise OSError("the disk is full")

    monkeypatch.setattr(desk.attachments, "find", broken)
    assert await desk.put(desk.url(UPLOAD), b"hello world") == 500
    assert "the disk is full" in caplog.text


def test_what_is_no_file(desk):
    scope = {"method": "GET", "raw_path": desk.url(UPLOAD).encode()}
    for changes in ({"method": "POST"}, {"raw_path": b"/participant/attachment"}):
        assert not desk.files.owns({**scope, **changes})


async def _hello():
    yield b"hello world"


async def test_a_client_who_has_gone_is_nobodys_fault(desk, caplog):
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        raise RuntimeError("the handler is closed")  # as uvloop says it

    for method, deed in (("GET", DOWNLOAD), ("PUT", UPLOAD)):
        scope = {"method": method, "raw_path": desk.url(deed).encode(), "headers": []}
        await desk.files.serve(scope, receive, send)
    assert caplog.records == []
