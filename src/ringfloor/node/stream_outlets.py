"""Stream outlets: what waits for one target, how far it has got, and how it is told.

    level      what happens is put here by the floor (put), and told in its order
    behind     there is no room for more, or it was away: what has happened since is read from the
               journal (node.stream_reading), a slice when the one before has been told
    closing    nearly level: what happens from here on is put again, and told after the rest of
               what is being read

An outlet is on the way from one to the next for each instance, and never waits on the floor's
time: put only stores, and a target that takes nothing costs no more than one that does. Held and
begun by node.streams.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple, Protocol

from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    STREAM_BATCH_MAX,
    STREAM_PENDING_MAX,
    STREAM_RETRY_MS,
    STREAM_RETRY_MS_MAX,
)
from ringfloor.base.time import Instant, seconds
from ringfloor.domain.resources import Properties
from ringfloor.journal.journal import Journal
from ringfloor.node.desk import Desk
from ringfloor.node.stream_lines import Line, Position, Stream, encode
from ringfloor.node.stream_reading import Reading
from ringfloor.node.stream_targets import Gone, Taken, Target
from ringfloor.node.web import pause

log = logging.getLogger(__name__)


class Read(Protocol):
    """Asks something of durable state, at the end of a turn."""

    async def __call__(self, question: Callable[[], None], /) -> None: ...


class Floor(NamedTuple):
    """What streams need of the node."""

    journal: Journal
    desks: Mapping[str, Desk]
    read: Read
    beside: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
    note: Callable[[str, bytes], Awaitable[None]]
    fetch: Callable[[str, str], Awaitable[Properties | None]]
    """The contact record of an instance's contact that has ended."""


class _Reach:
    """How far an outlet has told one instance."""

    __slots__ = (
        "behind",
        "complete",
        "leaving",
        "reading",
        "seen",
        "since",
        "told",
        "until",
        "waiting",
    )

    def __init__(
        self, told: Position, *, behind: bool, complete: int = 0, since: Instant = 0
    ) -> None:
        self.seen = told.after
        """The last record that was looked at: its lines are told, or wait."""
        self.waiting: deque[int] = deque()
        """The record of each line that waits, in order."""
        self.behind = behind
        """Whether what comes after `seen` is not kept."""
        self.told = told
        """While it reads: how far everything has been told."""
        self.reading: Reading | None = None
        self.until: int | None = None
        """While it closes: the record up to which it reads."""
        self.complete = complete
        """From the record after this one on, what is to be told has been written down."""
        self.since = since
        """What was before is not told."""
        self.leaving = False
        """Whether the instance is gone: once everything has been told, no more is known of it."""

    @property
    def reads(self) -> bool:
        return self.until is not None or (self.behind and not self.waiting)

    @property
    def cursor(self) -> int:
        """The record up to which everything has been told."""
        if self.until is not None or self.reading is not None:
            return self.told.after
        return self.waiting[0] - 1 if self.waiting else self.seen


class Outlet:
    """One target of one stream."""

    def __init__(
        self,
        key: str,
        stream: Stream,
        target: Target,
        *,
        instance_id: str | None = None,
        pending_max: int | None = None,
    ) -> None:
        """key: its name in the journal's note; empty: it has none. instance_id: None: of all.

        pending_max: who has no room for more is cut off, where it is given; else he falls behind.
        """
        self.key = key
        self.stream = stream
        self.target = target
        self.instance_id = instance_id
        self.pending: deque[Line] = deque()
        self.task: asyncio.Task[None] | None = None
        self.finishing = False
        self.gone = False
        """Whoever is told wants to be told no more."""
        self._pending_max = pending_max
        self._reaches: dict[str, _Reach] = {}
        self._behind: dict[str, _Reach] = {}
        """Those that read, or will."""
        self._news = asyncio.Event()

    # On the floor: nothing here waits

    def begin(
        self,
        instance_id: str,
        told: Position,
        last: int,
        *,
        complete: int = 0,
        since: Instant = 0,
    ) -> None:
        """Be told of an instance what comes after a position.

        last: its last record now. complete: the last that may not have been written down for this
        outlet; it reads at least so far. since: nothing is told of what was before.
        """
        is_behind = told.after < last or complete > last
        reach = _Reach(told, behind=is_behind, complete=complete, since=since)
        self._reaches[instance_id] = reach
        if is_behind:
            self._behind[instance_id] = reach
            self._news.set()

    def put(self, instance_id: str, lines: list[Line], sequence: int) -> None:
        """What one record has given is durable now."""
        reach = self._reaches.get(instance_id)
        if reach is None:  # an instance that has just been made
            reach = self._reaches[instance_id] = _Reach(Position(0), behind=False)
        if not self.keeps(instance_id, sequence):
            return
        if len(self.pending) + len(lines) > (self._pending_max or STREAM_PENDING_MAX):
            self._overflow(instance_id, reach)
            return
        self.pending.extend(lines)
        reach.waiting.extend([sequence] * len(lines))
        reach.seen = sequence
        if lines:
            self._news.set()

    def keeps(self, instance_id: str, sequence: int) -> bool:
        """Whether what that record gives is to be put."""
        if self.gone:
            return False
        reach = self._reaches.get(instance_id)
        return reach is None or (not reach.behind and sequence > reach.seen)

    def beat(self, line: Line) -> None:
        """A heart beats: told if there is room, and by the way."""
        reach = self._reaches.get(line.instance_id)
        if reach is None or reach.behind or reach.until is not None or self.gone:
            return
        if len(self.pending) < (self._pending_max or STREAM_PENDING_MAX):
            self.pending.append(line)
            self._news.set()

    def _overflow(self, instance_id: str, reach: _Reach) -> None:
        if self._pending_max is not None:
            log.info("a listener of %s is too slow, and cut off", self.stream)
            self.stop()
            return
        log.error(
            "stream %s: %d wait to be told, and no more are kept. Nothing is lost: what comes is"
            " read from the journal once whoever is told takes it",
            self.key,
            len(self.pending),
        )
        reach.behind = True
        if reach.until is None:
            reach.told = Position(reach.seen)
        self._behind[instance_id] = reach
        self._news.set()

    def forget(self, instance_id: str) -> None:
        """An instance is gone; what waits is told, and no more is known of it."""
        reach = self._reaches.get(instance_id)
        if reach is not None:
            reach.leaving = True
            self._let_go(instance_id, reach)

    def _let_go(self, instance_id: str, reach: _Reach) -> None:
        if reach.leaving and not reach.waiting and instance_id not in self._behind:
            del self._reaches[instance_id]

    def cursors(self) -> dict[str, int]:
        """By instance: the record up to which everything has been told."""
        return {instance_id: reach.cursor for instance_id, reach in self._reaches.items()}

    def cursor(self, instance_id: str) -> int:
        return self._reaches[instance_id].cursor

    def is_level(self, instance_id: str) -> bool:
        """Whether everything that is durable has been told."""
        reach = self._reaches[instance_id]
        return not (reach.waiting or reach.behind or reach.until is not None)

    def moved(self, target: Target) -> "Outlet":
        """The same from now on to another target, which is told what this one has not taken."""
        self.stop()
        other = Outlet(self.key, self.stream, target, instance_id=self.instance_id)
        other.pending, other._reaches, other._behind = self.pending, self._reaches, self._behind
        return other

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        """Tell nothing more."""
        if self.task is not None:
            self.task.cancel()

    # Beside the floor

    def start(self, floor: Floor, reader: ThreadPoolExecutor, moved: Callable[[], None]) -> None:
        """Tell what waits and what comes, until there is nothing left once it is finishing.

        reader: the thread that reads journals. moved: told when the cursors have moved.
        """
        for reach in self._behind.values():
            reach.reading = None  # who was told before may not have taken what was read last
        self.task = floor.beside(self._run(floor, reader, moved))

    async def _run(
        self, floor: Floor, reader: ThreadPoolExecutor, moved: Callable[[], None]
    ) -> None:
        try:
            while True:
                behind = next((each for each, reach in self._behind.items() if reach.reads), None)
                reach = None if behind is None else self._behind[behind]
                if behind is not None and reach is not None:
                    await self._read_on(floor, reader, behind, reach)
                if self.pending and (reach is None or reach.until is None):
                    await self._tell(floor)
                elif reach is None:
                    if self.finishing:
                        return
                    self._news.clear()
                    await self._news.wait()
                    continue
                moved()
        except Gone:
            self._rest("whoever is told has answered that he wants no more")
        except Fault as fault:
            self._rest(str(fault))
        finally:
            await self.target.close()

    def _rest(self, why: str) -> None:
        self.gone = True
        for instance_id, reach in self._reaches.items():  # their cursors stay where they are
            if reach.waiting:
                reach.seen = reach.waiting[0] - 1
                reach.waiting.clear()
            reach.behind = True
            if reach.until is None and reach.reading is None:
                reach.told = Position(reach.seen)
            self._behind[instance_id] = reach
        self.pending.clear()
        if self.key:
            log.error("stream %s rests until the server starts again: %s", self.key, why)

    async def _tell(self, floor: Floor) -> None:
        batch = list(islice(self.pending, STREAM_BATCH_MAX))
        await self._until_taken(floor, batch)
        for line in batch:
            self.pending.popleft()
            reach = self._reaches.get(line.instance_id)
            if reach is not None and not line.is_beat:
                reach.waiting.popleft()
                self._let_go(line.instance_id, reach)

    async def _read_on(
        self, floor: Floor, reader: ThreadPoolExecutor, instance_id: str, reach: _Reach
    ) -> None:
        """One slice more of what the journal has of an instance."""
        if reach.reading is None:
            reach.reading = Reading(
                floor.journal, instance_id, self.stream, reach.told, reach.since
            )
        reading, desk = reach.reading, floor.desks.get(instance_id)
        if desk is not None and desk.sequence < reach.complete:
            await floor.read(lambda: None)  # the turn under way is not written down for us
        last = floor.journal.last(instance_id) if desk is None else desk.sequence
        if reach.until is None and last - reading.sequence <= STREAM_BATCH_MAX:
            reach.until = reach.seen = max(last, reading.sequence)
            reach.behind = False
        loop = asyncio.get_running_loop()
        lines = await loop.run_in_executor(reader, reading.read, reach.until)
        await self._until_taken(floor, lines)
        if reading.sequence > reach.told.after:
            reach.told = Position(reading.sequence)
        if reach.until is not None and reading.sequence >= reach.until:
            self._closed(instance_id, reach)

    def _closed(self, instance_id: str, reach: _Reach) -> None:
        reach.reading, reach.until = None, None
        if reach.behind:  # it did not take what came meanwhile
            reach.told = Position(reach.seen)
            return
        del self._behind[instance_id]
        self._let_go(instance_id, reach)
        log.info("stream %s is level with instance %s", self.key or self.stream, instance_id)

    async def _until_taken(self, floor: Floor, lines: list[Line]) -> None:
        """What comes after waits."""
        left = [whole for each in lines if (whole := await _whole(floor, each))]
        wait = 0
        while left:
            taken = await self._taken(left)
            if not taken.left:
                return
            progress = len(taken.left) < len(left)
            wait = STREAM_RETRY_MS if progress or not wait else min(wait * 2, STREAM_RETRY_MS_MAX)
            left = taken.left
            log.warning("stream %s: not taken, again in %d ms: %s", self.key, wait, taken.why)
            await pause(seconds(wait))

    async def _taken(self, lines: list[Line]) -> Taken:
        """What he takes. Whatever goes wrong with him is his own affair and never the center's."""
        try:
            return await self.target.take(lines)
        except (Gone, Fault):
            raise
        except Exception as error:
            log.exception("stream %s: whoever is told has broken", self.key or self.stream)
            if self._pending_max is not None:  # a listener: he may come back
                raise Gone from error
            return Taken(lines, type(error).__name__)


async def _whole(floor: Floor, line: Line) -> Line | None:
    """With its body; None where the contact is no more."""
    if not line.again:
        return line
    record = await floor.fetch(line.instance_id, line.again)
    return None if record is None else line._replace(body=encode(record))
