"""Recordings: from the spool to where they are kept, through crashes, until their days end."""

import asyncio
import logging
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from node_builders import CUSTOMER, Office, Stage, a_node
from ringfloor.base.time import DAY, HOUR, SECOND
from ringfloor.base.wav import written
from ringfloor.domain import commands, practice
from ringfloor.domain.commands import AcceptContact, ChangeRecording, StopContact
from ringfloor.domain.practice import Practice
from ringfloor.engine.recordings import storage_key
from ringfloor.node import recordings as module
from ringfloor.node.depot import Depot
from ringfloor.node.node import Node
from ringfloor.node.recordings import RETENTION, Recordings, place_of
from ringfloor.node.storage import DiskStorage, Missing, Trouble
from ringfloor.operations.contacts import _decode_contact

SOUND = written(b"\1\2" * 800)


class Ailing(DiskStorage):
    """A disk that fails as often as it is told."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.failures = 0
        self.puts: list[str] = []

    def put(self, bucket, key, source):
        self.puts.append(key)
        if self.failures:
            self.failures -= 1
            raise Trouble("it is away")
        super().put(bucket, key, source)


class Watched(Recordings):
    """Recordings of which one sees when they rest."""

    def __init__(self, depot: Depot, node: Node) -> None:
        super().__init__(depot, node)
        self._rests = asyncio.Event()

    async def _wait(self, pause):
        self._rests.set()
        await super()._wait(pause)

    async def until(self, condition) -> None:
        """They have rested, and it is so."""
        async with asyncio.timeout(10):
            while True:
                self._rests.clear()
                if condition():
                    return
                await self._rests.wait()


class Archive:
    """A node with an office, a talk that was recorded, and who keeps it."""

    def __init__(self, stage: Stage, office: Office, data: Path) -> None:
        self.stage, self.office = stage, office
        self.storage = Ailing(data)
        self.depot = Depot(data, self.storage)
        self.recordings = Watched(self.depot, stage.node)
        self.contact_id = ""

    @property
    def spool(self) -> list[str]:
        return sorted(each.name for each in self.recordings.spool.iterdir())

    async def talk(self) -> str:
        """A call is recorded, and its recording's file is there; the name."""
        office = self.office
        self.contact_id = contact_id = await office.a_call()
        while office.center.contacts[contact_id].stage != "OFFERED":
            await self.stage.pass_time(1)
        await office.submit(AcceptContact(office.id_of("user", "ann"), contact_id))
        await self.stage.pass_time(5)
        start = ChangeRecording(
            contact_id=contact_id, initial_contact_id=contact_id, action="START", track="ALL"
        )
        await office.submit(start)
        name = storage_key(office.center, office.center.contacts[contact_id])
        self.finished(name)
        return name

    def finished(self, name: str, sound: bytes = SOUND) -> None:
        (self.recordings.spool / quote(name, safe="")).write_bytes(sound)

    async def told(self, contact_id: str | None = None) -> tuple[str | None, str | None]:
        """Location and status, as the contact has them, live or final."""
        wanted, desk = contact_id or self.contact_id, self.office.desk
        contact = self.office.center.contacts.get(wanted)
        if contact is None:
            record = await self.stage.node.analyse(
                desk, lambda history: history.leg(desk.instance_id, wanted)
            )
            contact = _decode_contact(record)
        return contact.recording.location, contact.recording.status

    async def over(self) -> None:
        """The talk is over, and the contact final."""
        await self.office.submit(StopContact(self.contact_id))
        await self.stage.pass_time(HOUR // SECOND)
        ann = self.office.id_of("user", "ann")
        if self.contact_id in self.office.center.contacts:
            await self.office.submit(commands.ClearContact(ann, self.contact_id))
        assert self.contact_id not in self.office.center.contacts

    async def works(self, **members) -> None:
        await self.office.submit(commands.UpdateInstance(practice.changes(Practice(**members))))

    def kept(self, name: str) -> bytes | None:
        try:
            return self.storage.read(*place_of(name), 1_000_000)
        except Missing:
            return None


@asynccontextmanager
async def an_archive(data: Path):
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        archive = Archive(stage, office, data)
        try:
            yield archive
        finally:
            await archive.recordings.close()
            archive.depot.close()


@pytest.fixture
async def archive(tmp_path):
    async with an_archive(tmp_path) as made:
        yield made


async def test_a_finished_recording_is_kept_told_and_leaves_the_spool(archive):
    name = await archive.talk()
    assert await archive.told() == (None, None)
    assert await archive.recordings.sweep()
    assert archive.kept(name) == SOUND
    assert await archive.told() == (name, "AVAILABLE")
    assert archive.spool == []


async def test_a_recording_that_is_late_is_told_to_the_final_contact(archive):
    name = await archive.talk()
    await archive.over()
    assert await archive.recordings.sweep()
    assert await archive.told() == (name, "AVAILABLE")


async def test_without_a_storage_configuration_the_bucket_is_connect(archive):
    assert (await archive.talk()).startswith("connect/office/CallRecordings/2023/11/14/")


async def test_it_goes_where_the_instance_keeps_its_recordings(archive):
    place = {"BucketName": "my.calls", "BucketPrefix": "center/one"}
    config = {"StorageType": "S3", "S3Config": place}
    await archive.office.add("storage_config", ResourceType="CALL_RECORDINGS", StorageConfig=config)
    await archive.talk()
    await archive.recordings.sweep()
    (kept,) = archive.storage.keys("my.calls", "center/one/2023/11/14/")
    assert archive.contact_id in kept.key


async def test_what_is_still_recorded_and_what_is_not_ours_stays(archive, caplog):
    names = ["connect%2Fx.wav.part", "notes.txt", quote("../../etc/passwd", safe="")]
    for each in names:
        (archive.recordings.spool / each).write_bytes(b"x")
    assert await archive.recordings.sweep()
    assert archive.spool == sorted(names)
    assert caplog.text.count("none of ours") == 2
    await archive.recordings.sweep()
    assert caplog.text.count("none of ours") == 2, "it is told once"


async def test_a_recording_of_nobody_is_kept_all_the_same(archive, caplog):
    name = f"connect/gone/CallRecordings/2023/11/14/{CUSTOMER[1:]}_20231114T22:13_UTC.wav"
    archive.finished(name)
    assert await archive.recordings.sweep()
    assert archive.kept(name) == SOUND
    assert "no contact" in caplog.text


async def test_what_cannot_be_kept_now_stays_and_the_others_are_kept(archive):
    name = await archive.talk()
    other = name.replace(archive.contact_id, "another")
    archive.finished(other)
    archive.storage.failures = 1
    assert not await archive.recordings.sweep()
    assert archive.spool == [quote(min(name, other), safe="")]
    assert await archive.recordings.sweep()
    assert (archive.kept(name), archive.kept(other), archive.spool) == (SOUND, SOUND, [])


@pytest.mark.parametrize("moment", ["put", "told"])
async def test_a_crash_in_between_changes_nothing(archive, monkeypatch, moment):
    """Whatever had been done is done again; the contact is told once, as far as it shows."""
    name = await archive.talk()

    class Crash(BaseException):
        pass

    unlink = Path.unlink

    def crash(path: object, **more: bool) -> None:
        if isinstance(path, Path) and path.parent != archive.recordings.spool:
            unlink(path, **more)
        else:
            raise Crash

    with monkeypatch.context() as broken:
        where = (archive.recordings, "_instance_of") if moment == "put" else (Path, "unlink")
        broken.setattr(*where, crash)
        with pytest.raises(Crash):
            await archive.recordings.sweep()
    assert archive.spool != [], "it is there until all is done"
    changes = len(archive.office.origins())
    again = Recordings(archive.depot, archive.stage.node)
    assert await again.sweep()
    await again.close()
    assert (archive.kept(name), archive.spool) == (SOUND, [])
    assert await archive.told() == (name, "AVAILABLE")
    assert len(archive.office.origins()) == changes + (moment == "put")


# By itself


async def test_the_spool_is_looked_at_when_it_starts_and_when_the_carrier_says_so(archive):
    first = await archive.talk()
    archive.recordings.start()
    await archive.recordings.until(lambda: archive.spool == [])
    assert archive.kept(first) == SOUND
    second = first.replace(archive.contact_id, "another")
    archive.finished(second)
    archive.recordings.collect()
    await archive.recordings.until(lambda: archive.spool == [])
    assert archive.kept(second) == SOUND


async def test_what_fails_is_tried_again_with_pauses(archive, monkeypatch, caplog):
    monkeypatch.setattr(module, "STORAGE_RETRY_MS", 1)
    caplog.set_level(logging.WARNING)
    name = await archive.talk()
    archive.storage.failures = 4
    archive.recordings.start()
    await archive.recordings.until(lambda: archive.spool == [])
    assert len(archive.storage.puts) == 5
    assert archive.kept(name) == SOUND
    assert "is not kept yet: it is away" in caplog.text


async def test_what_is_wrong_with_us_is_logged_and_does_not_end_it(archive, monkeypatch, caplog):
    monkeypatch.setattr(module, "STORAGE_RETRY_MS", 1)
    name = await archive.talk()
    whole = archive.storage.put

    def wrong(*_args: object) -> None:
        archive.storage.put = whole
        raise ZeroDivisionError

    archive.storage.put = wrong
    archive.recordings.start()
    await archive.recordings.until(lambda: archive.spool == [])
    assert archive.kept(name) == SOUND
    assert "ZeroDivisionError" in caplog.text


# Their days


def days_of(archive: Archive) -> list[str]:
    prefix = "office/CallRecordings/"
    return [each.key[len(prefix) : len(prefix) + 10] for each in archive.storage.keys("connect")]


def put_days(archive: Archive, *days: str) -> None:
    for number, day in enumerate(days):
        minute = f"{day.replace('/', '')}T10:00"
        key = f"office/CallRecordings/{day}/c{number}_{minute}_UTC.wav"
        archive.storage.put("connect", key, SOUND)


async def test_recordings_are_kept_for_ever_unless_somebody_says_for_how_long(archive):
    put_days(archive, "1999/12/31", "2023/11/13")
    await archive.recordings.expire(archive.office.desk, archive.stage.now)
    assert len(days_of(archive)) == 2


async def test_what_is_older_than_its_days_goes_and_nothing_else_does(archive):
    days = ["2022/01/01", "2023/11/03", "2023/11/04", "2023/11/14"]  # it is 2023/11/14
    put_days(archive, *days)
    others = ["office/CallRecordings/0000/notes.txt", "other/CallRecordings/2001/01/01/x_1_UTC.wav"]
    for each in others:
        archive.storage.put("connect", each, b"x")
    await archive.works(recording_days=10)
    await archive.recordings.expire(archive.office.desk, archive.stage.now)
    left = [each.key for each in archive.storage.keys("connect")]
    assert [each for each in left if each in others] == others
    assert [each[22:32] for each in left if each not in others] == days[2:]


async def test_the_contact_says_that_its_recording_is_gone(archive):
    name = await archive.talk()
    await archive.recordings.sweep()
    await archive.over()
    await archive.works(recording_days=1)
    archive.recordings.start()
    await archive.stage.pass_time(DAY // SECOND)
    assert archive.kept(name) == SOUND, "of yesterday"
    await archive.stage.pass_time(DAY // SECOND)
    await archive.works(recording_days=1, ring_ms=5_000)  # something happens after midnight
    await archive.recordings.until(lambda: archive.kept(name) is None)
    assert await archive.told() == (name, "DELETED")
    contact = _decode_contact(
        await archive.stage.node.analyse(
            archive.office.desk,
            lambda history: history.leg(archive.office.instance_id, archive.contact_id),
        )
    )
    assert contact.recording.deletion_reason == RETENTION


async def test_what_is_said_to_be_there_is_there(archive):
    """The contact is told before the object goes: if that fails, both are as they were."""
    put_days(archive, "2001/01/01")
    await archive.works(recording_days=1)
    told: list[int] = []
    delete = archive.storage.delete

    def deleted(bucket: str, key: str) -> None:
        told.append(len(archive.office.origins()))
        delete(bucket, key)

    archive.storage.delete = deleted
    before = len(archive.office.origins())
    await archive.recordings.expire(archive.office.desk, archive.stage.now)
    assert told == [before + 1]


async def test_sounds_of_prompts_that_are_gone_go_at_midnight(archive):
    kept, gone = [await archive.depot.sounds.keep(written(bytes([n]) * 80)) for n in (1, 2)]
    await archive.office.add("prompt", Name="mine", Sound=kept)
    assert module.sounds_in_use(archive.stage.node) == {kept}
    archive.depot.sounds.forget(module.sounds_in_use(archive.stage.node))
    assert (archive.depot.sounds.find(kept) is None, archive.depot.sounds.find(gone)) == (
        False,
        None,
    )


def test_the_first_part_of_a_name_is_the_bucket():
    assert place_of("connect/office/x/y.wav") == ("connect", "office/x/y.wav")
