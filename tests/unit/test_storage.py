"""Storage: one contract for the disk and for the API of S3, and what the disk adds to it."""

import os
import threading
from pathlib import Path

import pytest

from ringfloor.base.wav import written
from ringfloor.node import storage as module
from ringfloor.node.sounds import Sounds
from ringfloor.node.storage import DiskStorage, Missing, Trouble, Unusable
from ringfloor.node.storage_s3 import S3Storage


@pytest.fixture(scope="module")
def service():
    """The API of S3, by somebody else."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  slow to import

    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def storage(request, tmp_path, monkeypatch):
    if request.param == "disk":
        yield DiskStorage(tmp_path)
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    made = S3Storage("us-east-1", request.getfixturevalue("service"))
    made._client.create_bucket(Bucket="calls")
    yield made
    for each in list(made.keys("calls")):
        made.delete("calls", each.key)


def keys(storage, *args: str) -> list[str]:
    return [each.key for each in storage.keys("calls", *args)]


# The contract


def test_what_was_put_is_there_until_it_is_deleted(storage, tmp_path):
    storage.put("calls", "a/b.wav", b"hello")
    assert storage.read("calls", "a/b.wav", 100) == b"hello"
    source = tmp_path / "source"
    source.write_bytes(b"another")
    storage.put("calls", "a/b.wav", source)
    storage.put("calls", "a/b.wav", source)  # again, as after a crash
    source.unlink()
    assert storage.read("calls", "a/b.wav", 100) == b"another"
    assert storage.read("calls", "a/b.wav", 3) == b"anot", "one more than asked for tells that"
    storage.delete("calls", "a/b.wav")
    storage.delete("calls", "a/b.wav")
    with pytest.raises(Missing):
        storage.read("calls", "a/b.wav", 100)


def test_what_is_not_there_is_missing_wherever_it_is_not(storage):
    for bucket, key in (("calls", "none"), ("no-bucket", "none")):
        with pytest.raises(Missing):
            storage.read(bucket, key, 1)
        storage.delete(bucket, key)
    assert list(storage.keys("no-bucket")) == []


def test_keys_are_sorted_by_their_bytes(storage):
    names = ["a/1", "a/2/x", "a-b", "a.b", "b", "ä", "a/2-"]
    for name in names:
        storage.put("calls", name, name.encode())
    ordered = sorted(names, key=str.encode)
    assert keys(storage) == ordered
    assert [each.size for each in storage.keys("calls")] == [len(each.encode()) for each in ordered]
    assert keys(storage, "a/") == ["a/1", "a/2-", "a/2/x"]
    assert keys(storage, "a/2") == ["a/2-", "a/2/x"]
    for after in (*ordered, "a", "a/2", "zz"):
        assert keys(storage, "", after) == [
            each for each in ordered if each.encode() > after.encode()
        ]


def test_where_it_can_be_had_is_told_by_who_can_hand_it_out(storage):
    storage.put("calls", "a b.wav", b"x")
    address = storage.address("calls", "a b.wav", 60)
    assert (address is None) == isinstance(storage, DiskStorage)
    assert address is None or "X-Amz-Expires=60" in address


def test_a_service_that_is_away_is_trouble(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    away = S3Storage("us-east-1", "http://127.0.0.1:9")
    for ask in (
        lambda: away.put("calls", "k", b"x"),
        lambda: away.read("calls", "k", 1),
        lambda: list(away.keys("calls")),
    ):
        with pytest.raises(Trouble):
            ask()


# On the disk


@pytest.fixture
def disk(tmp_path) -> DiskStorage:
    return DiskStorage(tmp_path)


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("calls", ""),
        ("calls", "."),
        ("calls", "../x"),
        ("calls", "a/../../x"),
        ("calls", "/etc/passwd"),
        ("calls", "a//b"),
        ("calls", "a/"),
        ("calls", "a\0b"),
        ("calls", "a\nb"),
        ("calls", "x" * 256),
        ("calls", "x/" * 600 + "x"),
        ("calls", "\udcff"),
        ("", "a"),
        ("..", "a"),
        (".arriving", "a"),
        ("a/b", "c"),
        ("x" * 129, "a"),
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(disk, tmp_path, bucket, key):
    for ask in (
        lambda: disk.put(bucket, key, b"x"),
        lambda: disk.read(bucket, key, 1),
        lambda: disk.delete(bucket, key),
    ):
        with pytest.raises(Unusable):
            ask()
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_a_key_that_goes_on_where_another_ends_is_refused(disk):
    disk.put("calls", "a", b"x")
    disk.put("calls", "b/c", b"x")
    for key in ("a/b", "a/b/c", "b"):
        with pytest.raises(Unusable, match="goes on where"):
            disk.put("calls", key, b"y")
    for key in ("a/b", "b"):
        with pytest.raises(Missing):
            disk.read("calls", key, 1)
    assert keys(disk) == ["a", "b/c"]


def test_nothing_is_left_under_way(disk, tmp_path):
    with pytest.raises(Trouble):
        disk.put("calls", "a", tmp_path / "nothing")
    disk.put("calls", "a", b"x")
    assert list(disk.arriving.iterdir()) == []
    (disk.arriving / "half").write_bytes(b"x")
    assert list(DiskStorage(tmp_path).arriving.iterdir()) == [], "nor after a crash"


def test_directories_go_with_their_last_object(disk):
    disk.put("calls", "2026/11/21/a", b"x")
    disk.put("calls", "2026/11/22/b", b"x")
    disk.delete("calls", "2026/11/21/a")
    assert sorted(each.name for each in (disk.root / "calls/2026/11").iterdir()) == ["22"]
    disk.delete("calls", "2026/11/22/b")
    assert disk.has_bucket("calls")
    assert list((disk.root / "calls").iterdir()) == []


def test_where_there_can_be_no_second_name_a_copy_is_made(disk, tmp_path, monkeypatch):
    def refuse(*_args: object) -> None:
        raise OSError(module.errno.EXDEV, "another disk")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "source").write_bytes(b"hello")
    disk.put("calls", "a", tmp_path / "source")
    assert disk.read("calls", "a", 10) == b"hello"


def test_it_is_on_the_disk_before_it_is_answered(disk, monkeypatch):
    """First the bytes, then the name, then every directory that is new."""
    told: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(number: int) -> None:
        told.append(Path(f"/proc/self/fd/{number}").readlink().name)
        sync(number)

    def replaced(part: Path, path: Path) -> Path:
        told.append(f"-> {path.name}")
        return replace(part, path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    disk.put("calls", "day/a.wav", b"x")
    assert told[1:] == ["storage", "calls", "-> a.wav", "day"]
    assert told[0].startswith("tmp"), "the bytes, before all others"


def test_a_full_disk_is_trouble_and_leaves_what_was_there(disk, monkeypatch):
    disk.put("calls", "a", b"before")

    def full(_number: int) -> None:
        raise OSError(module.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Trouble, match="No space left"):
        disk.put("calls", "a", b"after")
    assert disk.read("calls", "a", 10) == b"before"
    assert list(disk.arriving.iterdir()) == []


def test_puts_and_deletes_of_neighbours_do_not_disturb_each_other(disk):
    wrong: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for _ in range(50):
                disk.put("calls", f"day/{name}", b"x")
                disk.delete("calls", f"day/{name}")
        except BaseException as error:  # noqa: BLE001  shown below
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    assert keys(disk) == []


# Sounds


@pytest.fixture
def sounds(tmp_path):
    made = Sounds(tmp_path)
    yield made
    made.close()


async def test_the_same_sound_is_kept_once(sounds):
    one, same, other = [
        await sounds.keep(written(each)) for each in (b"\1\2" * 800, b"\1\2" * 800, b"\3\4" * 800)
    ]
    assert one == same != other
    assert {each.stem for each in sounds.directory.iterdir()} == {one, other}
    assert sounds.find(one).read_bytes() == written(b"\1\2" * 800)
    for none in ("", "../x", one[:-1] + "g", "0" * 64):
        assert sounds.find(none) is None


async def test_what_is_no_sound_leaves_nothing(sounds):
    with pytest.raises(ValueError, match="is no WAV file"):
        await sounds.keep(b"hello")
    assert list(sounds.directory.iterdir()) == []


async def test_sounds_that_nobody_plays_are_forgotten_but_for_new_ones(sounds):
    used, old, new = [await sounds.keep(written(bytes([each]) * 800)) for each in (1, 2, 3)]
    (sounds.directory / "music.wav").write_bytes(b"ours")
    for each in (used, old):
        os.utime(sounds.find(each), (1, 1))
    await sounds.sweep({used})
    assert {each.stem for each in sounds.directory.iterdir()} == {used, new, "music"}
    os.utime(sounds.find(new), (1, 1))
    assert await sounds.keep(written(bytes([3]) * 800)) == new
    await sounds.sweep({used})
    assert sounds.find(new) is not None, "for it has been kept again"
    sounds.forget({used})
    assert sounds.find(new) is None
