"""Stream reading: what a stream has to tell of an instance, read from its journal.

For who is behind: after a restart, when more waited than is kept, or when a listener resumes. The
reader has a center of its own, from the latest snapshot that is not beyond the beginning, and lets
the records happen to it; the lines are those that were made when it happened (node.stream_lines).
It reads a slice at a time, on a thread that is not the floor's: node.stream_outlets asks for the
next slice when the one before has been told, so memory holds a center and a slice.
"""

from collections.abc import Iterator

from ringfloor.base.limits import STREAM_BATCH_MAX, STREAM_SLICE_MS
from ringfloor.base.time import SECOND, Instant, stopwatch
from ringfloor.domain.events import Outcome
from ringfloor.engine import engine
from ringfloor.engine.state import Center
from ringfloor.journal.journal import Journal, Record
from ringfloor.node.desk import center_of, outcome_of
from ringfloor.node.stream_lines import Agents, Line, Notes, Position, Stream


class Reading:
    """One reader; its methods are called by one thread at a time."""

    def __init__(
        self,
        journal: Journal,
        instance_id: str,
        stream: Stream,
        start: Position,
        since: Instant = 0,
    ) -> None:
        """start: what has been told already. since: nothing is told of what was before."""
        self.sequence = 0
        """The last record that has happened to the center."""
        self._journal = journal
        self._instance_id = instance_id
        self._stream = stream
        self._start = start
        self._since = since
        self._center: Center | None = None
        self._agents: Agents | None = None
        self._records: Iterator[Record] = iter(())

    def read(self, until: int | None) -> list[Line]:
        """The lines of the next records, as many as fit into a slice and none beyond until.

        Before the beginning there are none. Raises Fault if a record cannot be read.
        """
        center = self._center or self._open()
        found: list[Line] = []
        elapsed = stopwatch()
        while len(found) < STREAM_BATCH_MAX and elapsed() * SECOND < STREAM_SLICE_MS:
            record = None if self.sequence == until else self._next()
            if record is None:
                break
            outcome = outcome_of(record)
            if record.sequence <= self._start.after or record.at < self._since:
                _happen(center, outcome)
            else:
                found += self._told(center, record.sequence, outcome)
            self.sequence = record.sequence
        return [line for line in found if line.position > self._start]

    def _next(self) -> Record | None:
        record = next(self._records, None)
        if record is None:  # the journal may have got further since it was asked
            self._records = self._journal.read(self._instance_id, self.sequence)
            record = next(self._records, None)
        return record

    def _open(self) -> Center:
        snapshot = self._journal.snapshot(self._instance_id, self._start.after)
        center = center_of(snapshot.payload) if snapshot is not None else None
        if snapshot is not None and center is not None:
            self.sequence = snapshot.sequence
        self._center = center or Center()
        return self._center

    def _told(self, center: Center, sequence: int, outcome: Outcome) -> list[Line]:
        if self._stream == "agent-events" and self._agents is None:
            self._agents = Agents(center)
        notes = Notes(frozenset({self._stream}))
        agents: set[str] = set()
        for event in outcome.events:
            engine.apply(center, event, outcome.at)
            notes.look(center, event)
            agents.update(engine.concerns(center, event))
        if self._agents is None:
            return notes.lines(self._stream, center, sequence, outcome.at)
        notes.look_at_agents(center, agents)
        return list(self._agents.lines(center, notes.agents, sequence, outcome.at))


def _happen(center: Center, outcome: Outcome) -> None:
    for event in outcome.events:
        engine.apply(center, event, outcome.at)
