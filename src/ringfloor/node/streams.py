"""Streams: contact events, contact records and agent events, delivered as AWS delivers them.

    contact-events     to Amazon EventBridge there, one JSON object an event
    contact-records    to Kinesis there, one a contact when it is final, and when it changes later
    chat-messages      to Amazon SNS there, one notification a line of a chat that is streamed
    agent-events       to Kinesis there, one a change of an agent's snapshot, a heart beat after two
                       minutes without one

Here each goes to a file, a JSON object a line, or is POSTed to an HTTP address, one at a time and
in order. What is told is made when the event is applied and leaves once it is durable. A cursor in
the journal's notes says how far everybody has been told; a restart tells what came after it again,
so everything is told at least once, with the same id each time. Sources: behaviour specification,
sections 2.5, 2.7, 3.6 and choice 33.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import msgspec
from sortedcontainers import SortedList

from ringfloor.base.errors import Fault
from ringfloor.base.ids import derive
from ringfloor.base.limits import (
    AGENT_HEART_BEAT_MS,
    AGENT_HEART_BEATS_AFTER_LOGOUT_MS,
    STREAM_PENDING_MAX,
    STREAM_RETRY_MS,
)
from ringfloor.base.time import Instant, seconds
from ringfloor.domain import events
from ringfloor.domain.contact import Contact
from ringfloor.domain.resources import Properties
from ringfloor.engine import chat_streams
from ringfloor.engine.agent_events import agent_event, agent_snapshot
from ringfloor.engine.chat_streams import Notification, notifications
from ringfloor.engine.contact_events import ContactEvent, contact_events, envelope
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.engine import Witness, concerns
from ringfloor.engine.state import Center
from ringfloor.node.web import Web

log = logging.getLogger(__name__)

Stream = Literal["contact-events", "contact-records", "agent-events", "chat-messages"]
STREAMS: tuple[Stream, ...] = get_args(Stream)

CURSOR_NOTE = "streams"
"""Journal note: instance to the sequence of the record up to which everybody has been told."""

_encode = msgspec.json.Encoder().encode
_decode_cursor = msgspec.json.Decoder(dict[str, int]).decode

Note = Callable[[str, bytes], Awaitable[None]]


class Changed(NamedTuple):
    """A contact that was final already has changed: its record is told again."""

    contact_id: str


Told = ContactEvent | Contact | Changed | Notification
"""Something to tell; a Contact has become final."""


class Notes:
    """What one command has given to tell."""

    __slots__ = ("agents", "told")

    def __init__(self) -> None:
        self.told: list[tuple[Told, Properties | None]] = []
        """With the contact record, where it is one."""
        self.agents: dict[str, Properties | None] = {}


class _Item(NamedTuple):
    instance_id: str
    sequence: int
    stream: Stream
    line: bytes
    again: str = ""
    """A contact whose record is to be fetched."""


Fetch = Callable[[str, str], Awaitable[Properties | None]]
"""The contact record of an instance's contact that has ended."""


class Streams:
    """Everybody who is told, and what is still to be told."""

    def __init__(self, targets: Mapping[Stream, str]) -> None:
        """targets: a file's path or an http address for each stream that somebody wants."""
        self._targets = targets
        self._agents: dict[tuple[str, str], Properties | None] = {}
        """The snapshot that was told last, by instance and agent."""
        self._beats: dict[tuple[str, str], Instant] = {}
        self._schedule: SortedList[tuple[Instant, str, str]] = SortedList()
        self._gone: dict[tuple[str, str], Instant] = {}
        """When an agent went offline."""
        self._pending: deque[_Item] = deque()
        self._waiting: dict[str, int] = {}
        """How many items of an instance wait."""
        self._cursor: dict[str, int] = {}
        self._is_first = True
        """Whether there have never been streams before."""
        self._overflown = False
        self._news = asyncio.Event()
        self._web = Web()

    @property
    def wanted(self) -> bool:
        """Whether anybody is told anything."""
        return bool(self._targets)

    def restore(self, note: bytes | None) -> None:
        """Begin where the journal's note says."""
        self._is_first = note is None
        if note is not None:
            self._cursor = _decode_cursor(note)

    def cursor(self, instance_id: str) -> int:
        """The record up to which everybody has been told of the instance."""
        return self._cursor.get(instance_id, 0)

    def replay_after(self, instance_id: str, last: int) -> int:
        """The record after which a restart must replay; last: of the journal.

        Where there have never been streams, what happens from now on is told.
        """
        if not self._targets:
            return last
        return self._cursor.setdefault(instance_id, last if self._is_first else 0)

    def note(self) -> bytes | None:
        """What the journal's note should say now; None: nothing."""
        return _encode(self._cursor) if self._targets else None

    def has(self, stream: Stream) -> bool:
        """Whether somebody wants it."""
        return stream in self._targets

    # Making

    def begin(self, instance_id: str, center: Center) -> None:
        """The agents are known as they are now: only what changes from here on is told."""
        if "agent-events" in self._targets:
            for agent_id in center.agents:
                self._agents[instance_id, agent_id] = agent_snapshot(center, agent_id)
                self._beat(instance_id, agent_id, center.at)

    def witness(self, notes: Notes) -> Witness | None:
        """Writes down what is to be told; None: nobody is told anything."""
        if not self._targets:
            return None

        def look(center: Center, event: events.Event) -> None:
            if "contact-events" in self._targets:
                notes.told += ((each, None) for each in contact_events(center, event))
            if "chat-messages" in self._targets:
                notes.told += ((each, None) for each in notifications(center, event))
            if "contact-records" in self._targets:
                match event:
                    case events.ContactCompleted(contact=contact):
                        notes.told.append((contact, contact_record(center, contact)))
                    case events.RecordAmended(change=change):
                        notes.told.append((Changed(change.contact_id), None))
                    case _:
                        pass

        return look

    def look_at_agents(self, center: Center, agents: Iterable[str], notes: Notes) -> None:
        """Write down how these agents stand, now that a command is carried out."""
        if "agent-events" in self._targets:
            for agent_id in sorted(agents):
                notes.agents[agent_id] = agent_snapshot(center, agent_id)

    def replay(self, center: Center, event: events.Event, notes: Notes) -> None:
        """As the witness and look_at_agents do for a command that is carried out."""
        look = self.witness(notes)
        if look is not None:
            look(center, event)
            self.look_at_agents(center, concerns(center, event), notes)

    def tell(
        self, instance_id: str, center: Center, sequence: int, at: Instant, notes: Notes
    ) -> None:
        """What was written down is durable now."""
        if not self._targets:
            return
        if sequence <= self.cursor(instance_id):
            for agent_id, snapshot in notes.agents.items():
                self._agents[instance_id, agent_id] = snapshot
            return
        if not self._overflown and not self._waiting.get(instance_id):
            self._cursor[instance_id] = sequence - 1
        seed = blake2b(f"{instance_id}/{sequence}".encode(), digest_size=16).digest()
        for number, (told, record) in enumerate(notes.told):
            match told:
                case ContactEvent():
                    bus = envelope(center, told, derive(seed, number), at)
                    self._put(instance_id, sequence, "contact-events", _encode(bus))
                case Notification():
                    line = _encode(chat_streams.envelope(center, told, derive(seed, number), at))
                    self._put(instance_id, sequence, "chat-messages", line)
                case Contact():
                    self._put(instance_id, sequence, "contact-records", _encode(record))
                case Changed():
                    self._put(instance_id, sequence, "contact-records", b"", told.contact_id)
        for number, (agent_id, snapshot) in enumerate(notes.agents.items(), len(notes.told)):
            self._tell_agent(
                instance_id, center, agent_id, snapshot, (sequence, derive(seed, number), at)
            )
        if not self._overflown and not self._waiting.get(instance_id):
            self._cursor[instance_id] = sequence

    def _tell_agent(
        self,
        instance_id: str,
        center: Center,
        agent_id: str,
        snapshot: Properties | None,
        when: tuple[int, str, Instant],
    ) -> None:
        sequence, identifier, at = when
        key = instance_id, agent_id
        before = self._agents.get(key)
        if before == snapshot:
            return
        if snapshot is None:
            self._agents.pop(key, None)
            self._beat(instance_id, agent_id, None)
        else:
            self._agents[key] = snapshot
            offline = snapshot["AgentStatus"]["Type"] == "OFFLINE"
            if not offline:
                self._gone.pop(key, None)
            else:
                self._gone.setdefault(key, at)
            self._beat(instance_id, agent_id, at)
        arn = center.home.arn_of("user", agent_id)
        told = agent_event(center, arn, identifier, at, before, snapshot)
        self._put(instance_id, sequence, "agent-events", _encode(told))

    def _put(
        self, instance_id: str, sequence: int, stream: Stream, line: bytes, again: str = ""
    ) -> None:
        if self._overflown:
            return
        if len(self._pending) >= STREAM_PENDING_MAX:
            self._overflown = True
            log.error(
                "streams: %d are waiting to be told; no more are kept. Nothing is lost: see to"
                " whoever is told, then restart, and everything since is told",
                len(self._pending),
            )
            return
        self._pending.append(_Item(instance_id, sequence, stream, line, again))
        self._waiting[instance_id] = self._waiting.get(instance_id, 0) + 1
        self._news.set()

    # Heart beats

    def _beat(self, instance_id: str, agent_id: str, at: Instant | None) -> None:
        key = instance_id, agent_id
        before = self._beats.pop(key, None)
        if before is not None:
            self._schedule.remove((before, *key))
        gone = self._gone.get(key)
        if at is None or (
            gone is not None and at + AGENT_HEART_BEAT_MS > gone + AGENT_HEART_BEATS_AFTER_LOGOUT_MS
        ):
            return
        self._beats[key] = at + AGENT_HEART_BEAT_MS
        self._schedule.add((at + AGENT_HEART_BEAT_MS, *key))

    def next_due(self) -> Instant | None:
        """When the next heart beat is due."""
        return self._schedule[0][0] if self._schedule else None

    def run_due(self, now: Instant, center: Callable[[str], Center | None]) -> None:
        """Let the hearts beat that are due. center: that of an instance, if it is there."""
        while self._schedule and self._schedule[0][0] <= now:
            at, instance_id, agent_id = self._schedule[0]
            found = center(instance_id)
            snapshot = self._agents.get((instance_id, agent_id))
            if found is None or found.instance is None or snapshot is None:
                self._beat(instance_id, agent_id, None)
                continue
            arn = found.home.arn_of("user", agent_id)
            identifier = derive(blake2b(f"{arn}/{at}".encode(), digest_size=16).digest(), 0)
            told = agent_event(found, arn, identifier, at, snapshot, snapshot)
            self._put(instance_id, self.cursor(instance_id), "agent-events", _encode(told))
            self._beat(instance_id, agent_id, at)

    # Delivering

    async def deliver(self, note: Note, fetch: Fetch) -> None:
        """Tell what waits to be told, until cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._pending:
                    batch = [self._pending[0]]
                    while len(batch) < min(len(self._pending), BATCH):
                        batch.append(self._pending[len(batch)])
                    await self._deliver([await _fetched(each, fetch) for each in batch])
                    self._told(batch)
                    await note(CURSOR_NOTE, _encode(self._cursor))
        finally:
            await self._web.close()

    def _told(self, batch: list[_Item]) -> None:
        for item in batch:
            self._pending.popleft()
            self._waiting[item.instance_id] -= 1
            self._cursor[item.instance_id] = max(self.cursor(item.instance_id), item.sequence)
        following = self._pending[0] if self._pending else None
        if following is not None and following.sequence == self.cursor(following.instance_id):
            self._cursor[following.instance_id] -= 1  # the record is not told to its end

    async def _deliver(self, batch: list[_Item]) -> None:
        files: dict[str, list[bytes]] = {}
        for item in batch:
            target = self._targets[item.stream]
            if not item.line:
                continue
            if target.startswith(("http://", "https://")):
                await self._post(target, item)
            else:
                files.setdefault(target, []).append(item.line + b"\n")
        loop = asyncio.get_running_loop()
        for path, lines in files.items():
            await loop.run_in_executor(None, _append, Path(path), lines)

    async def _post(self, address: str, item: _Item) -> None:
        """Until it is taken: what comes after waits."""
        wait = STREAM_RETRY_MS
        while not await self._web.post(address, item.line):
            log.warning("stream %s: %s did not take it; again soon", item.stream, address)
            await self._web.pause(seconds(wait))
            wait = min(wait * 2, 60 * STREAM_RETRY_MS)


BATCH = 500
"""Items that are told before the cursor moves."""


async def _fetched(item: _Item, fetch: Fetch) -> _Item:
    if not item.again:
        return item
    record = await fetch(item.instance_id, item.again)
    return item if record is None else item._replace(line=_encode(record))


def _append(path: Path, lines: list[bytes]) -> None:
    """Write lines at the end of a file, durably."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(file, "ab") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise Fault(f"stream: cannot write to {path}: {error.strerror or error}") from error
