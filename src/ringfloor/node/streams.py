"""Streams: who is told of contacts and agents, as AWS tells it, and how far.

What is told is noted while a command is stepped through, made once it is durable
(node.stream_lines), waits in an outlet for its target (node.stream_outlets) and is delivered there
(node.stream_targets). Targets are

* those of the operator, of all instances: a file, an address, a stream or bus of AWS;
* what an instance names as its store of contact records or agent events, where Kinesis or Firehose
  have an endpoint; a config that is made, changed or taken away counts from its record on;
* listeners: who follows a stream of an instance over HTTP (server.streams).

A note in the journal says how far each stream has told each instance. Who is behind it after a
restart, or has not taken so much that no more is kept, is told from the journal beside the floor.
So everything is told at least once, in its order, with the same id each time. Heart beats alone are
not told again: the next is soon.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    RECORDS_PER_SNAPSHOT,
    STREAM_LISTENER_PENDING_MAX,
    STREAM_LISTENERS_MAX,
    STREAM_NOTE_MS,
    STREAM_RESUME_RECORDS_MAX,
)
from ringfloor.base.time import Duration, Instant, seconds
from ringfloor.domain import events
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.node.stream_hearts import Hearts
from ringfloor.node.stream_lines import (
    STREAMS,
    Agents,
    Line,
    Notes,
    Position,
    Stream,
    encode,
)
from ringfloor.node.stream_outlets import Floor, Outlet
from ringfloor.node.stream_targets import Target, Targets
from ringfloor.node.web import pause

CURSOR_NOTE = "streams"
"""Journal note: stream, or stream@store, to instance to the record up to which everything has been
told; STORES to instance to the record up to which its stores have been looked at."""

STORES = "stores"

_decode_cursors = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


class Streams:
    """Everybody who is told, and what is still to be told."""

    def __init__(self, wanted: Mapping[Stream, str], targets: Targets | None = None) -> None:
        """wanted: a target for each stream that the operator wants told.

        Raises Fault if a target cannot be had.
        """
        self._targets = targets or Targets()
        self._tells_stores = self._targets.stores
        self._everywhere = [
            Outlet(stream, stream, self._targets.open(target)) for stream, target in wanted.items()
        ]
        self._stores: dict[str, dict[str, tuple[str, Outlet]]] = {}
        """By instance and key: its target, and who is told."""
        self._listeners: dict[str, list[Outlet]] = {}
        self._outlets: dict[str, list[Outlet]] = {}
        """All of an instance that has any of its own."""
        self._noted: dict[str, dict[str, int]] = {}
        """What the note says, of those whom it says more of than there are outlets."""
        self._written: bytes | None = None
        """The note as it is in the journal."""
        self._agents: dict[str, Agents] = {}
        self._hearts = Hearts()
        self._floor: Floor | None = None
        self._moved = asyncio.Event()
        self._noting: asyncio.Task[None] | None = None
        self._reader = ThreadPoolExecutor(1, "stream reader")

    # How far

    def restore(self, note: bytes | None) -> None:
        """Begin where the journal's note says."""
        self._written = note
        self._noted = _decode_cursors(note or b"{}")

    def recovered(self, desk: Desk) -> None:
        """An instance is back; what has not been told of it is told from the journal."""
        last = desk.sequence
        for outlet in self._everywhere:  # where a stream has never been, it begins now
            known = self._noted.get(outlet.key)
            told = last if known is None else min(known.pop(desk.instance_id, 0), last)
            outlet.begin(desk.instance_id, Position(told), last)
        for key, known in self._noted.items():
            stream, _, store = key.partition("@")
            if store and stream in STREAMS and store not in desk.center.resources["storage_config"]:
                known.pop(desk.instance_id, None)
        looked = self._noted.get(STORES)
        if looked is None:  # there was no endpoint: stores that there are begin now
            looked = {desk.instance_id: last}
        if self._tells_stores:
            self._look_at_stores(desk, min(looked.pop(desk.instance_id, 0), last))
        self._watch(desk)

    def ended(self, instance_id: str, last: int) -> None:
        """An instance is no more since an earlier life: what the operator was not told is told."""
        for outlet in self._everywhere:
            known = self._noted.get(outlet.key, {}).get(instance_id)
            if known is not None and known < last:
                outlet.begin(instance_id, Position(known), last)
        self.forget(instance_id)

    def note(self) -> bytes:
        """What the journal's note should say now."""
        cursors = {key: dict(known) for key, known in self._noted.items()}
        for outlet in self._everywhere:
            cursors.setdefault(outlet.key, {}).update(outlet.cursors())
        for stores in self._stores.values():
            for key, (_, outlet) in stores.items():
                cursors.setdefault(key, {}).update(outlet.cursors())
        if self._tells_stores and self._floor is not None:
            cursors[STORES] = {each: desk.sequence for each, desk in self._floor.desks.items()}
        else:
            cursors.pop(STORES, None)
        return encode(cursors)

    async def noted(self) -> None:
        """Note how far everybody has been told."""
        told = self.note()
        if self._floor is not None and told != (self._written or b"{}"):
            await self._floor.note(CURSOR_NOTE, told)
            self._written = told

    def wanted(self, instance_id: str, last: int) -> list[int]:
        """Records from which the instance may yet be read: near all of them snapshots are kept.

        Where whoever is told was when it was noted last, and where listeners may resume. Without
        them a reader would begin with the first record that there ever was.
        """
        noted = _decode_cursors(self._written or b"{}")
        told = [known.get(instance_id) for key, known in noted.items() if key != STORES]
        back = range(RECORDS_PER_SNAPSHOT, STREAM_RESUME_RECORDS_MAX + 1, RECORDS_PER_SNAPSHOT)
        return [each for each in told if each is not None] + [last - each for each in back]

    def cursor(self, stream: Stream, instance_id: str) -> int:
        """The record up to which the operator's target has been told everything of the instance."""
        return next(each for each in self._everywhere if each.key == stream).cursor(instance_id)

    def has(self, stream: Stream) -> bool:
        """Whether the operator wants it told."""
        return any(each.key == stream for each in self._everywhere)

    # What is told

    def notes(self, instance_id: str) -> Notes:
        """For what a command of the instance gives to tell."""
        return Notes(frozenset({each.stream for each in self._of(instance_id)}))

    def tell(
        self, instance_id: str, center: Center, sequence: int, at: Instant, notes: Notes
    ) -> None:
        """What was written down is durable now; what has been told already is passed over."""
        made: dict[Stream, list[Line]] = {}
        if "agent-events" in notes.wanted and self._tells_agents(instance_id):
            # Looked at in any case: the next is compared with it.
            agents = self._agents.setdefault(instance_id, Agents())
            made["agent-events"] = list(agents.lines(center, notes.agents, sequence, at))
            for line in made["agent-events"]:
                self._hearts.told((instance_id, line.about), agents.known.get(line.about), at)
        for outlet in self._of(instance_id):
            if not outlet.keeps(instance_id, sequence):
                continue
            if outlet.stream not in made:
                made[outlet.stream] = notes.lines(outlet.stream, center, sequence, at)
            outlet.put(instance_id, made[outlet.stream], sequence)

    def _of(self, instance_id: str) -> list[Outlet]:
        return self._outlets.get(instance_id, self._everywhere)

    def _tells_agents(self, instance_id: str) -> bool:
        return any(each.stream == "agent-events" for each in self._of(instance_id))

    def _regroup(self, instance_id: str) -> None:
        """Outlets of the instance's own have come or gone."""
        stores = self._stores.get(instance_id, {})
        own = [outlet for _, outlet in stores.values()] + self._listeners.get(instance_id, [])
        if own:
            self._outlets[instance_id] = self._everywhere + own
        else:
            self._outlets.pop(instance_id, None)
        if not self._tells_agents(instance_id):
            self._unwatch(instance_id)

    # Agents

    def _watch(self, desk: Desk) -> None:
        """Know the agents as they are now, if somebody is told of them and they are not known."""
        if not self._tells_agents(desk.instance_id) or desk.instance_id in self._agents:
            return
        center = desk.center
        self._agents[desk.instance_id] = Agents(center)
        for agent_id, agent in center.agents.items():
            key = desk.instance_id, agent_id
            if agent.status_type == "OFFLINE":
                self._hearts.gone(key, agent.status_since)
            self._hearts.beat(key, center.at)

    def _unwatch(self, instance_id: str) -> None:
        agents = self._agents.pop(instance_id, None)
        for agent_id in agents.known if agents is not None else ():
            self._hearts.forget((instance_id, agent_id))

    def next_due(self) -> Instant | None:
        """When the next heart beat is due."""
        return self._hearts.next_due()

    def run_due(self, now: Instant, center: Callable[[str], Center | None]) -> None:
        """Let hearts beat that are due, once each however long ago; at most so many at once.

        center: that of an instance, if it is there.
        """
        for key in self._hearts.due(now):
            instance_id, agent_id = key
            found = center(instance_id)
            if found is None:
                self._hearts.forget(key)
                continue
            line = self._agents[instance_id].beat(found, agent_id, now)
            for outlet in self._of(instance_id):
                if outlet.stream == "agent-events":
                    outlet.beat(line)
            self._hearts.beat(key, now)

    # Stores

    def follow(self, desk: Desk, outcome: events.Outcome) -> None:
        """See whether the stores of an instance have changed, in what is durable now."""
        if self._tells_stores and any(_is_store(each) for each in outcome.events):
            self._look_at_stores(desk, desk.sequence)
            self._watch(desk)

    def _look_at_stores(self, desk: Desk, looked: int) -> None:
        """Tell those that the instance names now. looked: they were looked at up to this record."""
        instance_id = desk.instance_id
        wanted = {
            f"{found[0]}@{store.id}": (*found, store)
            for store in desk.center.resources["storage_config"].values()
            if (found := self._targets.told(store.properties)) is not None
        }
        stores = self._stores.setdefault(instance_id, {})
        for key in stores.keys() - wanted.keys():
            stores.pop(key)[1].stop()
        for key, (stream, target, store) in wanted.items():
            before = stores.get(key)
            if before is None:
                outlet = Outlet(key, stream, self._targets.open(target), instance_id=instance_id)
                known = self._noted.pop(key, {})
                told = min(known.get(instance_id, looked), desk.sequence)
                outlet.begin(
                    instance_id,
                    Position(told),
                    desk.sequence,
                    complete=desk.stepped,
                    since=store.created_at,
                )
            elif before[0] != target:
                outlet = before[1].moved(self._targets.open(target))
            else:
                continue
            stores[key] = target, outlet
            self._start(outlet)
        self._regroup(instance_id)
        self._moved.set()

    # Listeners

    def listen(self, desk: Desk, stream: Stream, told: Position | None, target: Target) -> Outlet:
        """Tell somebody a stream of an instance from a position on; None: from now on.

        Called between turns. Refuses with InvalidRequestException where the position is too far
        back or none of this journal, and with ServiceUnavailableException where too many listen.
        """
        if sum(map(len, self._listeners.values())) >= STREAM_LISTENERS_MAX:
            raise Refusal(
                "ServiceUnavailableException", f"{STREAM_LISTENERS_MAX} listen already, the limit"
            )
        if told is None:
            told = Position(desk.sequence)
        if told.sequence > desk.sequence or desk.sequence - told.after > STREAM_RESUME_RECORDS_MAX:
            raise Refusal(
                "InvalidRequestException",
                f"Last-Event-ID: {told.text} is not among the last {STREAM_RESUME_RECORDS_MAX}"
                f" records of the instance, which ends with {desk.sequence}. Begin without it; what"
                " was missed is in SearchContacts and in the streams of the operator",
            )
        outlet = Outlet(
            "",
            stream,
            target,
            instance_id=desk.instance_id,
            pending_max=STREAM_LISTENER_PENDING_MAX,
        )
        outlet.begin(desk.instance_id, told, desk.sequence)
        self._listeners.setdefault(desk.instance_id, []).append(outlet)
        self._regroup(desk.instance_id)
        self._watch(desk)
        self._start(outlet)
        return outlet

    def leave(self, outlet: Outlet) -> None:
        """A listener is gone."""
        assert outlet.instance_id is not None
        outlet.stop()
        listeners = self._listeners.get(outlet.instance_id, [])
        if outlet in listeners:
            listeners.remove(outlet)
            if not listeners:
                del self._listeners[outlet.instance_id]
            self._regroup(outlet.instance_id)

    def close(self) -> None:
        """Nobody listens any more: the server is about to stop."""
        for listeners in self._listeners.values():
            for outlet in listeners:
                outlet.stop()

    # Life

    async def start(self, floor: Floor) -> None:
        """From here on everything is told, each target beside the others, until finish."""
        self._floor = floor
        await self.noted()
        for outlet in self._all():
            self._start(outlet)

    def _start(self, outlet: Outlet) -> None:
        if self._floor is None:
            return
        outlet.start(self._floor, self._reader, self._moved.set)
        if self._noting is None:
            self._noting = self._floor.beside(self._note_on())

    def _all(self) -> list[Outlet]:
        """Those of which the note says how far they are."""
        own = [outlet for stores in self._stores.values() for _, outlet in stores.values()]
        return self._everywhere + own

    async def _note_on(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self.noted()
            await pause(seconds(STREAM_NOTE_MS))

    def forget(self, instance_id: str) -> None:
        """An instance is gone; what waits for the operator is told, and no more is known of it."""
        for known in self._noted.values():
            known.pop(instance_id, None)
        for outlet in self._everywhere:
            outlet.forget(instance_id)
        for _, outlet in self._stores.pop(instance_id, {}).values():
            outlet.stop()
        for outlet in self._listeners.pop(instance_id, []):
            outlet.stop()
        self._outlets.pop(instance_id, None)
        self._unwatch(instance_id)

    async def finish(self, at_most: Duration) -> None:
        """Nothing more comes: tell what waits, at most that long (real ms)."""
        self.close()
        outlets = self._all()
        for outlet in outlets:
            outlet.finishing = True
            outlet.wake()
        tasks = [each.task for each in outlets if each.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds(at_most))
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.gather(self._noting, return_exceptions=True)
        if at_most:
            await self.noted()
        self._reader.shutdown(wait=False)


def _is_store(event: events.Event) -> bool:
    changed = (events.ResourceCreated, events.ResourceUpdated, events.ResourceDeleted)
    return isinstance(event, changed) and event.kind == "storage_config"
