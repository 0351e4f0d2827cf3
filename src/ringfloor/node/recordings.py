"""Recordings: from the carrier's spool to where they are kept, and away again when their days end.

Made by app, one per server. The carrier leaves finished files in the spool, each under the quoted
name that the engine has given it (engine.recordings): bucket, slash, key. So whoever finds one
knows where it belongs:

    spool/{quoted name}        finished; what ends in .part is still being made
    {bucket}/{key}             kept (node.storage); then the contact is told, then the spool is rid
                               of it

Rules:

* At a start, and whenever the carrier says that a recording is finished, the spool is gone through.
  What fails is tried again, with pauses that double; the file stays in the spool meanwhile.
* A crash anywhere repeats what was under way, and that changes nothing: the same object is put, the
  contact hears the same again.
* A recording that no contact is known of is kept all the same.
* Each midnight (UTC) those are deleted that are older than the days of their instance, by the day
  in their key. The contact is told first: what is said to be gone may still be there until the next
  midnight, and nothing that is gone is said to be there.
* Blocking work is done on a thread of its own, one recording at a time.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.limits import STORAGE_RETRY_MS, STORAGE_RETRY_MS_MAX
from ringfloor.base.time import DAY, Clock, Duration, Instant, VirtualClock, iso, seconds
from ringfloor.domain import practice
from ringfloor.domain.commands import DropRecording, KeepRecording
from ringfloor.domain.events import Outcome
from ringfloor.engine.effects import SOUND
from ringfloor.engine.recordings import folder
from ringfloor.engine.state import Center
from ringfloor.node.depot import Depot
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.node.storage import Trouble, Unusable

log = logging.getLogger(__name__)

T = TypeVar("T")

DIRECTORY = "spool"

RETENTION = "The recording is older than its instance keeps recordings"
"""DeletionReason."""

_NAME = re.compile(r"([^/]+)/((?:.+/)?([^/_]+)_\d{8}T\d\d:?\d\d_UTC\.wav)")
_DAY = re.compile(r"(\d{4}/\d\d/\d\d)/([^/_]+)_[^/]+\.wav")


class Place(NamedTuple):
    """Where a recording belongs."""

    bucket: str
    key: str


def place_of(name: str) -> Place:
    """Bucket and key of what the engine calls by this name, or a contact's record as location."""
    bucket, _, key = name.partition("/")
    return Place(bucket, key)


class Recordings:
    """The recordings of all instances of this server."""

    def __init__(self, depot: Depot, node: Node) -> None:
        self.spool = depot.directory / DIRECTORY
        self.spool.mkdir(parents=True, exist_ok=True)
        self._storage = depot.storage
        self._sounds = depot.sounds
        self._node = node
        self._clock: Clock = node.clock
        self._thread = ThreadPoolExecutor(1, "recordings")
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._midnight = _next_midnight(self._clock.now())
        self._hopeless: set[str] = set()
        """Names in the spool that are none; told once."""
        node.follow(self._look_at_the_clock)

    def start(self) -> None:
        """Begin, with what is in the spool."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End, as a crash would; what is left is for the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown()

    def collect(self) -> None:
        """The carrier has finished a recording."""
        self._news.set()

    def _look_at_the_clock(self, _desk: Desk, outcome: Outcome) -> None:
        if outcome.at >= self._midnight:
            self._news.set()

    async def _run(self) -> None:
        pause = STORAGE_RETRY_MS
        while True:
            self._news.clear()
            well = False
            try:
                well = await self.sweep()
                await self._nightly()
            except (Trouble, Unusable, Fault, Refusal, OSError) as error:
                log.warning("recordings: %s; this is tried again", error)
            except Exception:  # ours: the trace is for the operator
                log.exception("recordings: something is wrong; this is tried again")
            pause = STORAGE_RETRY_MS if well else min(pause * 2, STORAGE_RETRY_MS_MAX)
            await self._wait(None if well else pause)

    async def _wait(self, pause: Duration | None) -> None:
        """For news, at most so long, and not past midnight."""
        waits = [] if pause is None else [pause]
        if not isinstance(self._clock, VirtualClock):
            waits.append(max(self._midnight - self._clock.now(), 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds(min(waits)) if waits else None):
                await self._news.wait()

    # Kept

    async def sweep(self) -> bool:
        """Keep all that is finished; whether nothing is left."""
        well = True
        for path in await self._beside(lambda: sorted(self.spool.iterdir())):
            if path.suffix == ".part" or path.name in self._hopeless:
                continue
            well = await self._kept(path) and well
        return well

    async def _kept(self, path: Path) -> bool:
        name = unquote(path.name)
        found = _NAME.fullmatch(name)
        if found is None:
            log.error("recordings: %s is none of ours and stays where it is", path)
            self._hopeless.add(path.name)
            return True
        place = Place(found[1], found[2])
        try:
            await self._beside(lambda: self._storage.put(*place, path))
            instance_id = await self._instance_of(found[3])
            if instance_id is None:
                log.warning("recordings: no contact of %s is known; it is kept", name)
            else:
                await self._node.submit(instance_id, KeepRecording(found[3], name))
        except Unusable as error:
            log.error("recordings: %s cannot be kept and stays in the spool: %s", name, error)  # noqa: TRY400  the message says it
            self._hopeless.add(path.name)
            return True
        except (Trouble, Refusal, Fault) as error:
            log.warning("recordings: %s is not kept yet: %s", name, error)
            return False
        await self._beside(lambda: path.unlink(missing_ok=True))
        return True

    async def _instance_of(self, contact_id: str) -> str | None:
        """Whose contact this is, live or final."""
        desks = list(self._node.desks.values())
        for desk in desks:
            if contact_id in desk.center.contacts:
                return desk.instance_id
        for desk in desks:
            if await self._is_final(desk, contact_id):
                return desk.instance_id
        return None

    async def _is_final(self, desk: Desk, contact_id: str) -> bool:
        instance_id = desk.instance_id
        record = await self._node.analyse(
            desk, lambda history: history.leg(instance_id, contact_id)
        )
        return record is not None

    # Deleted

    async def _nightly(self) -> None:
        """At midnight: what has been kept long enough goes, and sounds that nobody plays."""
        now = self._clock.now()
        if now < self._midnight:
            return
        for desk in list(self._node.desks.values()):
            await self.expire(desk, now)
        await self._sounds.sweep(sounds_in_use(self._node))
        self._midnight = _next_midnight(now)

    async def expire(self, desk: Desk, now: Instant) -> None:
        """Delete the recordings of an instance that are older than its days."""
        instance = desk.center.instance
        days = None if instance is None else practice.recording_days(instance.properties)
        if days is None:
            return
        first_kept = iso(now - days * DAY)[:10].replace("-", "/")
        bucket, prefix = place_of(folder(desk.center))
        old = self._older(bucket, prefix and f"{prefix}/", first_kept)
        while (found := await self._beside(lambda: next(old, None))) is not None:
            key, contact_id = found
            if await self._is_anothers(desk, contact_id):
                continue
            await self._node.submit(desk.instance_id, DropRecording(contact_id, RETENTION))
            await self._beside(lambda key=key: self._storage.delete(bucket, key))  # type: ignore[misc]  # bound now

    async def _is_anothers(self, desk: Desk, contact_id: str) -> bool:
        """Whether it is of another instance, whose recordings are in the same place."""
        if contact_id in desk.center.contacts or await self._is_final(desk, contact_id):
            return False
        return await self._instance_of(contact_id) is not None

    def _older(self, bucket: str, prefix: str, first_kept: str) -> Iterator[tuple[str, str]]:
        """Key and contact of recordings before a day; keys are sorted, and so are their days."""
        for kept in self._storage.keys(bucket, prefix):
            found = _DAY.fullmatch(kept.key.removeprefix(prefix))
            if found is None:
                continue  # somebody else's
            if found[1] >= first_kept:
                return
            yield kept.key, found[2]

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def sounds_in_use(node: Node) -> set[str]:
    """The digests of the sounds of all prompts."""
    centers: list[Center] = [desk.center for desk in node.desks.values()]
    return {
        prompt.properties[SOUND]
        for center in centers
        for prompt in center.resources["prompt"].values()
        if SOUND in prompt.properties
    }


def _next_midnight(now: Instant) -> Instant:
    return now // DAY * DAY + DAY
