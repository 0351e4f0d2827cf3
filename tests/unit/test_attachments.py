"""Attachments: what is announced, arrives, is sent, and what is not taken."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import derive, dice
from ringfloor.base.limits import ATTACHMENTS_PER_CHAT_MAX
from ringfloor.node import attachments as module
from ringfloor.node.attachments import Attachments, File, Key

ids = dice(7)


def an_id() -> str:
    return derive(ids(), 0)


CENTER, CHAT = an_id(), an_id()
FILE = File("../../etc/passwd ü.txt", "text/plain", 11, "carol", 1_700_000_000_000)


def a_key(**changes: str) -> Key:
    return Key(CENTER, CHAT, an_id())._replace(**changes)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def content(kept: Attachments, key: Key) -> bytes:
    return b"".join([chunk async for chunk in kept.read(key)])


async def refused(work) -> str:
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value.code


@pytest.fixture
def kept(tmp_path: Path):
    kept = Attachments(tmp_path)
    yield kept
    kept.close()


async def test_a_file_goes_its_way(kept, tmp_path):
    key = a_key()
    await kept.begin(key, FILE)
    assert await kept.find(key) == FILE
    assert await kept.sent(key) is None
    await kept.receive(key, chunks(b"hello ", b"", b"world"))
    assert await kept.sent(key) is None, "it is the sender who says that it is whole"
    assert await kept.complete(key) == FILE
    assert await kept.complete(key) == FILE
    assert await kept.sent(key) == FILE
    assert await content(kept, key) == b"hello world"
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    place = Path("attachments", CENTER, CHAT)
    names = [f"{key.attachment_id}.file", f"{key.attachment_id}.json"]
    assert sorted(files) == [place / name for name in names]


async def test_large_files_are_written_and_read_in_parts(kept, monkeypatch):
    monkeypatch.setattr(module, "WRITE_BYTES", 1_000)
    monkeypatch.setattr(module, "READ_BYTES", 999)
    whole = bytes(range(256)) * 100
    key = a_key()
    await kept.begin(key, replace(FILE, size=len(whole)))
    await kept.receive(key, chunks(*(whole[at : at + 700] for at in range(0, len(whole), 700))))
    await kept.complete(key)
    assert await content(kept, key) == whole


async def test_an_upload_may_be_repeated_until_it_is_sent(kept):
    key = a_key()
    await kept.begin(key, FILE)
    await kept.begin(key, replace(FILE, at=FILE.at + 5))
    for text in (b"hello there", b"hello world"):
        await kept.receive(key, chunks(text))
    await kept.complete(key)
    assert await refused(kept.receive(key, chunks(b"hello forge"))) == "AccessDeniedException"
    assert await content(kept, key) == b"hello world"
    assert await refused(kept.begin(key, replace(FILE, name="other"))) == "ConflictException"


@pytest.mark.parametrize("parts", [[b"hello"], [b"hello world!"], [b"hello world", b"!"], []])
async def test_what_is_not_of_the_announced_size(kept, tmp_path, parts):
    key = a_key()
    await kept.begin(key, FILE)
    assert await refused(kept.receive(key, chunks(*parts))) == "ValidationException"
    assert await refused(kept.complete(key)) == "ConflictException"
    assert not list(tmp_path.rglob("*.part"))


async def test_no_more_is_read_than_was_announced(kept):
    key, read = a_key(), []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(b"x" * 10)
            yield read[-1]

    await kept.begin(key, FILE)
    assert await refused(kept.receive(key, endless())) == "ValidationException"
    assert len(read) == 2


async def test_so_many_arrive_at_once(kept, monkeypatch):
    monkeypatch.setattr(module, "UPLOADS_AT_ONCE_MAX", 1)
    one, other = a_key(), a_key()
    for key in (one, other):
        await kept.begin(key, FILE)

    async def meanwhile() -> AsyncIterator[bytes]:
        said = await refused(kept.receive(other, chunks(b"hello world")))
        assert said == "ServiceUnavailableException"
        yield b"hello world"

    await kept.receive(one, meanwhile())
    await kept.receive(other, chunks(b"hello world"))


async def test_a_chat_has_so_many_files_and_no_more(kept):
    first = a_key()
    await kept.begin(first, FILE)
    for _ in range(ATTACHMENTS_PER_CHAT_MAX - 1):
        await kept.begin(a_key(), FILE)
    assert await refused(kept.begin(a_key(), FILE)) == "ServiceQuotaExceededException"
    await kept.begin(first, FILE)
    await kept.begin(a_key(chat_id=an_id()), FILE)


@pytest.mark.parametrize("strange", ["..", "", "x", "../" * 12, "A" * 36, "nul\0"])
async def test_ids_that_are_not_ours_name_nothing(kept, strange):
    for member in Key._fields:
        key = a_key(**{member: strange})
        assert await kept.find(key) is None
        assert await kept.sent(key) is None
        assert await refused(kept.complete(key)) == "AccessDeniedException"
        assert await refused(kept.receive(key, chunks(b"x"))) == "AccessDeniedException"


async def test_a_start_forgets_what_is_gone(kept, tmp_path):
    stays, goes = a_key(), a_key(instance_id=an_id())
    for key in (stays, goes):
        await kept.begin(key, FILE)
        await kept.receive(key, chunks(b"hello world"))
        await kept.complete(key)
    half = tmp_path / "attachments" / CENTER / CHAT / "x.part"
    half.write_bytes(b"half")
    again = Attachments(tmp_path)
    again.keep({CENTER})
    assert await again.sent(stays) == FILE
    assert await again.find(goes) is None
    assert not half.exists()
    again.forget(CENTER)
    again.forget("..")
    again.close()
    assert list((tmp_path / "attachments").iterdir()) == []


async def test_old_files_go(kept, tmp_path):
    old, mixed = a_key(chat_id=an_id()), a_key(chat_id=an_id())
    young = mixed._replace(attachment_id=an_id())
    for key, at in ((old, 1_000), (mixed, 1_000), (young, 2_000)):
        await kept.begin(key, replace(FILE, at=at))
    for instance_id in (CENTER, an_id(), ".."):
        kept.expire(instance_id, 2_000)
    kept.close()
    again = Attachments(tmp_path)
    assert await again.find(old) is None
    assert await again.find(mixed) is not None, "its chat has a younger one"
    assert await again.find(young) is not None
    again.close()


async def test_what_cannot_be_forgotten_is_told(kept, caplog, tmp_path):
    await kept.begin(a_key(), FILE)
    (tmp_path / "attachments" / CENTER / CHAT / "x.json").write_text("damaged")
    kept.expire(CENTER, FILE.at + 1)
    kept.close()
    assert "could not be forgotten" in caplog.text


async def test_in_memory_nothing_stays():
    kept = Attachments(None)
    kept.keep(set())
    await kept.begin(a_key(), FILE)
    place = kept._root
    assert place.exists()
    kept.close()
    assert not place.exists()
