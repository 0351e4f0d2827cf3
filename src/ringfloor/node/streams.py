"""Streams: contact events, contact records and agent events, delivered as AWS delivers them.

    contact-events     to Amazon EventBridge there, one JSON object an event
    contact-records    to Kinesis there, one a contact when it is final, and when it changes later
    chat-messages      to Amazon SNS there, one notification a line of a chat that is streamed
    agent-events       to Kinesis there, one a change of an agent's snapshot, a heart beat after two
                       minutes without one

Here each goes to a file, a JSON object a line, or is POSTed to an HTTP address, one at a time and
in order; streams do not wait for each other. What is told is made when the event is applied and
leaves once it is durable. Who does not take it (an address that is down, a full disk) is asked
again until he does. A note in the journal says how far each stream has told each instance; a
restart tells what came after it, so everything is told at least once, with the same id each time.
Heart beats alone are not told again: the next is soon. Sources: behaviour specification, sections
2.5, 2.7, 3.6 and choice 33.
"""

import asyncio
import logging
import os
import stat
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from sortedcontainers import SortedList

from ringfloor.base.errors import Fault
from ringfloor.base.ids import derive
from ringfloor.base.limits import (
    AGENT_HEART_BEAT_MS,
    AGENT_HEART_BEATS_AFTER_LOGOUT_MS,
    AGENT_HEART_BEATS_AT_ONCE,
    STREAM_BATCH_MAX,
    STREAM_PENDING_MAX,
    STREAM_RETRY_MS,
)
from ringfloor.base.time import Duration, Instant, seconds
from ringfloor.domain import events
from ringfloor.domain.contact import Contact
from ringfloor.domain.resources import Properties
from ringfloor.engine import chat_streams
from ringfloor.engine.agent_events import agent_event, agent_snapshot
from ringfloor.engine.chat_streams import Notification, notifications
from ringfloor.engine.contact_events import ContactEvent, contact_events, envelope
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.engine import Witness
from ringfloor.engine.state import Center
from ringfloor.node.web import Web, pause

log = logging.getLogger(__name__)

Stream = Literal["contact-events", "contact-records", "agent-events", "chat-messages"]
STREAMS: tuple[Stream, ...] = get_args(Stream)

CURSOR_NOTE = "streams"
"""Journal note: stream to instance to the record up to which everything has been told."""

_encode = msgspec.json.Encoder().encode
_decode_cursors = msgspec.json.Decoder(dict[Stream, dict[str, int]]).decode

Note = Callable[[str, bytes], Awaitable[None]]

Beside = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Changed(NamedTuple):
    """A contact that was final already has changed: its record is told again."""

    contact_id: str


Told = ContactEvent | Contact | Changed | Notification
"""Something to tell; a Contact has become final."""


class _Draft(NamedTuple):
    told: Told
    record: Properties | None = None
    """Of a contact that has become final."""


class Notes:
    """What one command has given to tell."""

    __slots__ = ("agents", "told")

    def __init__(self) -> None:
        self.told: dict[Stream, list[_Draft]] = defaultdict(list)
        self.agents: dict[str, Properties | None] = {}


class _Item(NamedTuple):
    instance_id: str
    line: bytes
    again: str = ""
    """A contact whose record is to be fetched."""
    is_beat: bool = False


class _Reach:
    """How far one stream has told one instance."""

    __slots__ = ("seen", "waiting")

    def __init__(self, seen: int) -> None:
        self.seen = seen
        """The last record that was looked at."""
        self.waiting: deque[int] = deque()
        """The record of each item that waits, in order."""

    @property
    def cursor(self) -> int:
        """The record up to which everything has been told."""
        return self.waiting[0] - 1 if self.waiting else self.seen


Fetch = Callable[[str, str], Awaitable[Properties | None]]
"""The contact record of an instance's contact that has ended."""

Take = Callable[[list[bytes]], Awaitable[int]]
"""Gives lines to whoever is told; how many of them, from the first, he has taken."""


class Streams:
    """Everybody who is told, and what is still to be told."""

    def __init__(self, targets: Mapping[Stream, str]) -> None:
        """targets: a file's path or an http address for each stream that somebody wants.

        Raises Fault if a file cannot be written.
        """
        self._targets = targets
        for target in targets.values():
            if not _is_address(target):
                _prove(Path(target))
        self._agents: dict[tuple[str, str], Properties] = {}
        """The snapshot that was told last, by instance and agent."""
        self._beats: dict[tuple[str, str], Instant] = {}
        self._schedule: SortedList[tuple[Instant, str, str]] = SortedList()
        self._gone: dict[tuple[str, str], Instant] = {}
        """When an agent went offline."""
        self._pending: dict[Stream, deque[_Item]] = {stream: deque() for stream in targets}
        self._news: dict[Stream, asyncio.Event] = {stream: asyncio.Event() for stream in targets}
        self._reaches: dict[Stream, dict[str, _Reach]] = {stream: {} for stream in targets}
        self._new: set[Stream] = set(targets)
        """Streams that there have never been before."""
        self._overflown: set[Stream] = set()
        self._telling: list[asyncio.Task[None]] = []
        self._finishing = False
        self._writer = ThreadPoolExecutor(1, "streams")

    def restore(self, note: bytes | None) -> None:
        """Begin where the journal's note says."""
        for stream, cursors in _decode_cursors(note or b"{}").items():
            self._new.discard(stream)
            self._reaches[stream] = {each: _Reach(cursor) for each, cursor in cursors.items()}

    def cursor(self, stream: Stream, instance_id: str) -> int:
        """The record up to which the stream has told everything of the instance."""
        return self._reach(stream, instance_id).cursor

    def replay_after(self, instance_id: str, last: int) -> int:
        """The record after which a restart must replay; last: of the journal.

        Where a stream has never been, what happens from now on is told.
        """
        for stream in self._targets:
            reach = self._reach(stream, instance_id)
            reach.seen = last if stream in self._new else min(reach.seen, last)
        return min((self.cursor(each, instance_id) for each in self._targets), default=last)

    def note(self) -> bytes | None:
        """What the journal's note should say now; None: nothing."""
        if not self._targets:
            return None
        return _encode(
            {
                stream: {instance_id: reach.cursor for instance_id, reach in reaches.items()}
                for stream, reaches in self._reaches.items()
            }
        )

    def forget(self, instance_id: str) -> None:
        """An instance is gone; what waits is told, and no more is known of it."""
        for reaches in self._reaches.values():
            reaches.pop(instance_id, None)
        for key in [each for each in self._agents if each[0] == instance_id]:
            self._forget_agent(*key)

    def _reach(self, stream: Stream, instance_id: str) -> _Reach:
        reaches = self._reaches[stream]
        found = reaches.get(instance_id)
        if found is None:
            found = reaches[instance_id] = _Reach(0)
        return found

    def has(self, stream: Stream) -> bool:
        """Whether somebody wants it."""
        return stream in self._targets

    # Making

    def begin(self, instance_id: str, center: Center) -> None:
        """The agents are known as they are now: only what changes from here on is told."""
        if "agent-events" in self._targets:
            for agent_id, agent in center.agents.items():
                snapshot = agent_snapshot(center, agent_id)
                assert snapshot is not None
                self._agents[instance_id, agent_id] = snapshot
                if agent.status_type == "OFFLINE":
                    self._gone[instance_id, agent_id] = agent.status_since
                self._beat(instance_id, agent_id, center.at)

    def witness(self, notes: Notes) -> Witness | None:
        """Writes down what is to be told; None: nobody is told anything."""
        if not self._targets:
            return None

        def look(center: Center, event: events.Event) -> None:
            if "contact-events" in self._targets:
                notes.told["contact-events"] += map(_Draft, contact_events(center, event))
            if "chat-messages" in self._targets:
                notes.told["chat-messages"] += map(_Draft, notifications(center, event))
            if "contact-records" in self._targets:
                records = notes.told["contact-records"]
                match event:
                    case events.ContactCompleted(contact=contact):
                        records.append(_Draft(contact, contact_record(center, contact)))
                    case events.RecordAmended(change=change):
                        records.append(_Draft(Changed(change.contact_id)))
                    case _:
                        pass

        return look

    def look_at_agents(self, center: Center, agents: Iterable[str], notes: Notes) -> None:
        """Write down how these agents stand, now that a command is carried out."""
        if "agent-events" in self._targets:
            for agent_id in sorted(agents):
                notes.agents[agent_id] = agent_snapshot(center, agent_id)

    def tell(
        self, instance_id: str, center: Center, sequence: int, at: Instant, notes: Notes
    ) -> None:
        """What was written down is durable now; what has been told already is passed over."""
        for stream in self._targets:
            reach = self._reach(stream, instance_id)
            is_news = sequence > reach.seen and stream not in self._overflown
            seed = f"{instance_id}/{sequence}/{stream}"
            items: Iterable[_Item] = ()
            if stream == "agent-events":  # looked at in any case: the next is compared with it
                items = self._agent_items(instance_id, center, notes.agents, seed, at)
            elif is_news:
                items = _items(instance_id, center, notes.told[stream], seed, at)
            if is_news:
                for item in items:
                    self._put(stream, item, sequence)
                if stream not in self._overflown:
                    reach.seen = sequence

    def _agent_items(
        self,
        instance_id: str,
        center: Center,
        snapshots: Mapping[str, Properties | None],
        seed: str,
        at: Instant,
    ) -> list[_Item]:
        """Changes of agents, who are known by these snapshots from here on."""
        items = []
        for agent_id, snapshot in sorted(snapshots.items()):
            key = instance_id, agent_id
            before = self._agents.get(key)
            if before == snapshot:
                continue
            if snapshot is None:
                self._forget_agent(*key)
            else:
                self._agents[key] = snapshot
                if snapshot["AgentStatus"]["Type"] == "OFFLINE":
                    self._gone.setdefault(key, at)
                else:
                    self._gone.pop(key, None)
                self._beat(instance_id, agent_id, at)
            arn = center.home.arn_of("user", agent_id)
            told = agent_event(center, arn, _identifier(f"{seed}/{agent_id}"), at, before, snapshot)
            items.append(_Item(instance_id, _encode(told)))
        return items

    def _put(self, stream: Stream, item: _Item, sequence: int) -> None:
        reach = self._reach(stream, item.instance_id)
        if stream in self._overflown:
            return
        reach.waiting.append(sequence)
        if len(self._pending[stream]) >= STREAM_PENDING_MAX:
            self._overflown.add(stream)  # what does not fit waits in reach for the restart
            log.error(
                "stream %s: %d wait to be told, and no more are kept. Nothing is lost: see to"
                " whoever is told, then restart, and everything since is told",
                stream,
                STREAM_PENDING_MAX,
            )
            return
        self._pending[stream].append(item)
        self._news[stream].set()

    # Heart beats

    def _beat(self, instance_id: str, agent_id: str, at: Instant) -> None:
        """The next heart beat, if there is nothing else before."""
        key = instance_id, agent_id
        self._beat_no_more(key)
        due = at + AGENT_HEART_BEAT_MS
        gone = self._gone.get(key)
        if gone is None or due <= gone + AGENT_HEART_BEATS_AFTER_LOGOUT_MS:
            self._beats[key] = due
            self._schedule.add((due, *key))

    def _beat_no_more(self, key: tuple[str, str]) -> None:
        due = self._beats.pop(key, None)
        if due is not None:
            self._schedule.remove((due, *key))

    def _forget_agent(self, instance_id: str, agent_id: str) -> None:
        key = instance_id, agent_id
        self._agents.pop(key, None)
        self._gone.pop(key, None)
        self._beat_no_more(key)

    def next_due(self) -> Instant | None:
        """When the next heart beat is due."""
        return self._schedule[0][0] if self._schedule else None

    def run_due(self, now: Instant, center: Callable[[str], Center | None]) -> None:
        """Let hearts beat that are due, once each however long ago; at most so many at once.

        center: that of an instance, if it is there.
        """
        for due, instance_id, agent_id in list(islice(self._schedule, AGENT_HEART_BEATS_AT_ONCE)):
            if due > now:
                return
            found = center(instance_id)
            if found is None:
                self._forget_agent(instance_id, agent_id)
                continue
            snapshot = self._agents[instance_id, agent_id]
            arn = found.home.arn_of("user", agent_id)
            told = agent_event(found, arn, _identifier(f"{arn}/{now}"), now, snapshot, snapshot)
            pending = self._pending["agent-events"]
            if len(pending) < STREAM_PENDING_MAX:
                pending.append(_Item(instance_id, _encode(told), is_beat=True))
                self._news["agent-events"].set()
            self._beat(instance_id, agent_id, now)

    # Delivering

    def start(self, beside: Beside, note: Note, fetch: Fetch) -> None:
        """Tell what waits and what comes, each stream beside the others, until finish."""
        self._telling = [beside(self._deliver(each, note, fetch)) for each in self._targets]

    async def _deliver(self, stream: Stream, note: Note, fetch: Fetch) -> None:
        pending, news, target = self._pending[stream], self._news[stream], self._targets[stream]
        web = Web()
        take = _posting(web, target) if _is_address(target) else self._writing(Path(target))
        try:
            while pending or not self._finishing:
                if not pending:
                    news.clear()
                    await news.wait()
                    continue
                batch = list(islice(pending, STREAM_BATCH_MAX))
                lines = [line for each in batch if (line := await _line(each, fetch))]
                await _until_taken(stream, take, lines)
                for item in batch:
                    pending.popleft()
                    reach = self._reaches[stream].get(item.instance_id)
                    if reach is not None and not item.is_beat:
                        reach.waiting.popleft()
                told = self.note()
                assert told is not None
                await note(CURSOR_NOTE, told)
        finally:
            await web.close()

    async def finish(self, at_most: Duration) -> None:
        """Nothing more comes: tell what waits, at most that long (real ms)."""
        self._finishing = True
        for news in self._news.values():
            news.set()
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=seconds(at_most))
            for task in late:
                task.cancel()
        self._writer.shutdown(wait=False)

    def _writing(self, path: Path) -> Take:
        async def take(lines: list[bytes]) -> int:
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._writer, _append, path, lines)
            except OSError as error:
                log.warning("%s: %s", path, error.strerror or error)
                return 0
            return len(lines)

        return take


def _is_address(target: str) -> bool:
    return target.startswith(("http://", "https://"))


def _identifier(seed: str) -> str:
    return derive(blake2b(seed.encode(), digest_size=16).digest(), 0)


def _items(
    instance_id: str, center: Center, drafts: Iterable[_Draft], seed: str, at: Instant
) -> Iterable[_Item]:
    for number, draft in enumerate(drafts):
        identifier = _identifier(f"{seed}/{number}")
        match draft.told:
            case ContactEvent() as told:
                yield _Item(instance_id, _encode(envelope(center, told, identifier, at)))
            case Notification() as told:
                line = chat_streams.envelope(center, told, identifier, at)
                yield _Item(instance_id, _encode(line))
            case Contact():
                yield _Item(instance_id, _encode(draft.record))
            case Changed(contact_id):
                yield _Item(instance_id, b"", contact_id)


async def _line(item: _Item, fetch: Fetch) -> bytes:
    """Empty where the contact is no more."""
    if not item.again:
        return item.line
    record = await fetch(item.instance_id, item.again)
    return b"" if record is None else _encode(record)


async def _until_taken(stream: Stream, take: Take, lines: list[bytes]) -> None:
    """What comes after waits."""
    wait = STREAM_RETRY_MS
    while lines:
        taken = await take(lines)
        lines = lines[taken:]
        if lines:
            wait = STREAM_RETRY_MS if taken else min(wait * 2, 60 * STREAM_RETRY_MS)
            log.warning("stream %s: not taken; again in %d s", stream, wait // 1000)
            await pause(seconds(wait))


def _posting(web: Web, address: str) -> Take:
    async def take(lines: list[bytes]) -> int:
        for number, line in enumerate(lines):
            if not await web.post(address, line):
                return number
        return len(lines)

    return take


def _append(path: Path, lines: list[bytes]) -> None:
    """Write lines at the end of a file, durably. Raises OSError: the file is as it was."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        text = b"".join(line + b"\n" for line in lines)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # such as /dev/stdout
            _write(descriptor, text)
            return
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a crash broke a line off
            text = b"\n" + text
        try:
            _write(descriptor, text)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(descriptor, left) :]


def _prove(path: Path) -> None:
    """Raises Fault where nothing can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, [])
    except OSError as error:
        raise Fault(f"stream: cannot write to {path}: {error.strerror or error}") from error
