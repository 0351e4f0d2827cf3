"""Desk: one instance in this process: its center, and what is folded from its events.

The node owns the desks. A desk is recovered from its latest snapshot and the records after it; the
history store says how far it has got, so that each fact is loaded exactly once.
"""

import asyncio
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.time import Instant
from ringfloor.domain.events import InstanceDeleted, Outcome, decode_outcome
from ringfloor.domain.facts import Fact
from ringfloor.engine import engine
from ringfloor.engine.state import Center
from ringfloor.journal.journal import Journal, Record
from ringfloor.node.history import History
from ringfloor.projections.announcements import Announcements
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.traces import Traces
from ringfloor.projections.transcripts import Transcripts
from ringfloor.projections.waiting import Waiting


class _Snapshot(Struct, frozen=True, array_like=True):
    center: bytes
    realtime: bytes
    records: bytes
    waiting: bytes
    transcripts: bytes
    traces: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


class Desk:
    """One instance: state, read models, and how far they have come."""

    def __init__(self, instance_id: str) -> None:
        self.instance_id = instance_id
        self.center = Center()
        self.realtime = Realtime()
        self.records = Records()
        self.waiting = Waiting()
        self.announcements = Announcements()
        """Of waits; lost with the process."""
        self.transcripts = Transcripts()
        self.traces = Traces()
        self.sequence = 0
        """Of the last record that is durable and folded."""
        self.stepped = 0
        """Of the last record made; ahead of sequence while a turn is being written."""
        self.snapshot_sequence = 0
        self.facts: list[Fact] = []
        """Folded, durable in the journal, not yet in the history store."""
        self.amending = asyncio.Lock()
        """Held by who changes what history has, from looking at it until it is durable."""
        self.versions: dict[str, int] = {}
        """Agent id to the number of changes of his snapshot since the start."""

    def fold(self, outcome: Outcome) -> None:
        """Let the read models see what has become durable."""
        for event in outcome.events:
            self.realtime.on(event, outcome.at)
            self.waiting.on(event, outcome.at)
            self.announcements.on(event)
            self.facts.extend(self.records.on(event, outcome.at))
            self.facts.extend(self.transcripts.on(event, outcome.at))
            self.facts.extend(self.traces.on(event, outcome.at))

    def about_waits(self) -> tuple[Center, Waiting, Announcements]:
        """What node.wait_estimates reads."""
        return self.center, self.waiting, self.announcements

    def expires_at(self) -> Instant | None:
        """When records become too old to be kept; None: there is nothing, or it stays."""
        instance = self.center.instance
        alive = instance is not None and not instance.deleted
        return self.records.expires_at if alive else None

    def freeze(self) -> tuple[bytes, int, list[Fact]]:
        """A snapshot, the record it reaches, and the facts that history needs before it counts."""
        facts, self.facts = self.facts, []
        return self.snapshot(), self.sequence, facts

    def snapshot(self) -> bytes:
        """Everything that a restart would otherwise have to replay."""
        return _encode(
            _Snapshot(
                engine.image(self.center),
                self.realtime.dump(),
                self.records.dump(),
                self.waiting.dump(),
                self.transcripts.dump(),
                self.traces.dump(),
            )
        )

    def _load(self, payload: bytes) -> None:
        parts = _decode(payload)
        self.center = engine.restore(parts.center)
        self.realtime = Realtime.load(parts.realtime)
        self.records = Records.load(parts.records)
        self.waiting = Waiting.load(parts.waiting)
        self.transcripts = Transcripts.load(parts.transcripts)
        self.traces = Traces.load(parts.traces)


def has_ended(journal: Journal, instance_id: str) -> bool:
    """Whether the instance has been deleted: nothing is recorded after that."""
    last = journal.last(instance_id)
    return any(
        isinstance(event, InstanceDeleted)
        for record in journal.read(instance_id, last - 1)
        for event in outcome_of(record).events
    )


def recover(journal: Journal, history: History, instance_id: str) -> Iterator[Desk]:
    """Bring a desk back; yields it once per record replayed, the last time complete.

    Raises Fault if a record cannot be read: the journal is of a newer version, or not ours.
    """
    desk = Desk(instance_id)
    loaded = history.last(instance_id)
    if loaded > journal.last(instance_id):  # records were cut off: what is loaded may not have been
        history.forget(instance_id)
        loaded = 0
    snapshot = journal.snapshot(instance_id)
    if snapshot is not None and snapshot.sequence <= loaded:
        try:
            desk._load(snapshot.payload)  # noqa: SLF001  same module
        except msgspec.MsgspecError:
            desk = Desk(instance_id)
        else:
            desk.sequence = desk.stepped = desk.snapshot_sequence = snapshot.sequence
    for record in journal.read(instance_id, desk.sequence):
        outcome = outcome_of(record)
        for event in outcome.events:
            engine.apply(desk.center, event, outcome.at)
        before = len(desk.facts)
        desk.fold(outcome)
        if record.sequence <= loaded:
            del desk.facts[before:]
        desk.sequence = desk.stepped = record.sequence
        yield desk
    yield desk


def center_of(payload: bytes) -> Center | None:
    """The center of a desk's snapshot; None: it is in a form that is not read any more."""
    try:
        return engine.restore(_decode(payload).center)
    except msgspec.MsgspecError:
        return None


def outcome_of(record: Record) -> Outcome:
    """What a record says; raises Fault if it cannot be read."""
    try:
        return decode_outcome(record.payload)
    except msgspec.MsgspecError as error:
        raise Fault(
            f"record {record.sequence} of instance {record.instance} is of a newer version or not"
            f" ours ({error}); start the version of Ringfloor that wrote it"
        ) from error
