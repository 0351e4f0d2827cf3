"""Node: the shell around the contact centers of one process. One writer, one loop.

    asks --> step (decide, apply, react in memory) --> journal (durable) --> publish

A turn takes what has queued up, steps through it without waiting, appends all of it in one
transaction on the writer's thread, and only then publishes: read models fold, effects go to the
world, answers go out. Questions (read) see durable state only: while a turn is under way they wait
for its end. A failed append ends the node, because memory is then ahead of the disk; recovery
replays. Deadlines are stepped before anything later happens, at their own instant. Once a day of
center time, at midnight UTC, what is too old to be kept is forgotten.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from ringfloor.base.codec import decoder
from ringfloor.base.errors import Fault, Refusal, not_found
from ringfloor.base.ids import Draw, Seed
from ringfloor.base.limits import (
    FACTS_PENDING_MAX,
    INBOX_MAX,
    RECORDS_PER_SNAPSHOT,
    STREAM_FINISH_MS,
    TURN_COMMANDS_MAX,
)
from ringfloor.base.time import Clock, Duration, Instant, VirtualClock, seconds
from ringfloor.domain import commands
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import Origin, Outcome, encode_outcome
from ringfloor.domain.resources import Properties
from ringfloor.engine import engine
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.effects import Effect
from ringfloor.engine.state import Center
from ringfloor.identity.record import ACCOUNT
from ringfloor.journal.journal import Journal, Record
from ringfloor.node.desk import Desk, has_ended, recover
from ringfloor.node.history import History
from ringfloor.node.stream_lines import Notes
from ringfloor.node.stream_outlets import Floor
from ringfloor.node.streams import CURSOR_NOTE, Streams
from ringfloor.node.world import World

log = logging.getLogger(__name__)

T = TypeVar("T")

_decode_contact = decoder(Contact).decode

CLOCK_NOTE = "clock"
"""Journal note: where a virtual clock stands."""


class _Ask(NamedTuple):
    desk: Desk
    command: commands.Command
    seed: Seed
    origin: Origin
    answer: "asyncio.Future[str] | None"
    joint: "tuple[_Ask, ...]" = ()
    """Asks of other instances that are stepped with this one: all in one commit, or none."""


class _Stepped(NamedTuple):
    desk: Desk
    outcome: Outcome
    effects: tuple[Effect, ...]
    agents: frozenset[str]
    sequence: int
    notes: Notes


class Node:
    """The contact centers of this process."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        clock: Clock,
        draw: Draw,
        streams: Streams | None = None,
    ) -> None:
        """streams: who is told of contacts and agents; None: nobody."""
        self.streams = streams or Streams({})
        self.journal = journal
        self.history = history
        self.clock = clock
        self.draw = draw
        self.desks: dict[str, Desk] = {}
        self.creating = asyncio.Lock()
        """Held by who makes an instance that must differ from all others."""
        self._world: World | None = None
        self._inbox: deque[_Ask] = deque()
        self._answers: list[tuple[asyncio.Future[str], str | Exception]] = []
        self._questions: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._watchers: dict[tuple[str, str], list[asyncio.Future[None]]] = {}
        self._followers: list[Callable[[Desk, Outcome], None]] = [self.streams.follow]
        self._quiet: list[tuple[asyncio.Future[None], bool]] = []
        """Who waits for quiet, and whether functions must have answered, too."""
        self._in_turn = False
        self._closing = False
        self._failure: BaseException | None = None
        self._wake = asyncio.Event()
        self._writer = ThreadPoolExecutor(1, "journal")
        self._analyst = ThreadPoolExecutor(2, "history")
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing = asyncio.Lock()

    # Life

    def recover(self, world: World, progress: Callable[[str, int, int], None]) -> None:
        """Bring all instances back. progress: instance, record, of how many; raises Fault."""
        self._world = world
        self.streams.restore(self.journal.note(CURSOR_NOTE))
        for instance_id in self.journal.instances():
            if instance_id == ACCOUNT:
                continue  # node.accounts reads it
            last = self.journal.last(instance_id)
            if has_ended(self.journal, instance_id):
                self.history.forget(instance_id)
                self.streams.ended(instance_id, last)
                continue
            desk = Desk(instance_id)  # unless there is a record, which would be news
            for desk in recover(self.journal, self.history, instance_id):
                if len(desk.facts) >= FACTS_PENDING_MAX:
                    self.history.load(instance_id, desk.sequence, desk.facts)
                    desk.facts = []
                progress(instance_id, desk.sequence, last)
            if desk.center.instance is not None:
                self.desks[instance_id] = desk
                self.streams.recovered(desk)
                if isinstance(self.clock, VirtualClock) and desk.center.at > self.clock.now():
                    self.clock.move_to(desk.center.at)

    async def run(self) -> None:
        """Turn until close; raises Fault when the node must not go on."""
        assert self._world is not None
        await self.streams.start(
            Floor(self.journal, self.desks, self.read, self._beside, self.note, self._record_of)
        )
        try:
            for desk in self.desks.values():  # here, because functions need the loop
                self._world.resume(desk, self.clock.now())
            self._world.resumed(self.clock.now())
            while self._failure is None and (self._inbox or not self._closing):
                now = self.clock.now()
                due = self._world.next_due()
                if due is not None and due <= now:
                    self._world.run_due(now)
                self.streams.run_due(now, self._center)
                if self._inbox or self._expired(now):
                    await self._turn()
                else:
                    await self._wait()
        except BaseException as error:
            if self._failure is None:
                self._fail(error)
            raise
        if self._failure is not None:
            raise self._failure
        for quiet, _ in self._quiet:
            if not quiet.done():
                quiet.set_exception(_stopping())

    def close(self) -> None:
        """Take nothing new; run returns when what has been taken is done."""
        self._closing = True
        self.streams.close()
        self._wake_watchers()
        self._wake.set()

    async def finish(self) -> None:
        """After run has returned: bring everything to disk and let go."""
        if self._world is not None:
            await self._world.close()
        await self.streams.finish(0 if self._failure is not None else STREAM_FINISH_MS)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is None:
            for desk in list(self.desks.values()):
                await self._save(desk)
        self._writer.shutdown()
        self._analyst.shutdown()
        self.history.close()
        self.journal.close()

    def _wake_watchers(self) -> None:
        for watchers in self._watchers.values():
            for news in watchers:
                if not news.done():
                    news.set_result(None)

    # Doors

    def desk(self, instance_id: str) -> Desk:
        """The desk of an instance; refuses with ResourceNotFoundException."""
        found = self.desks.get(instance_id)
        if found is None:
            raise not_found("InstanceId", instance_id, "instance")
        return found

    async def submit(
        self,
        instance_id: str,
        command: commands.Command,
        origin: Origin = Origin(),  # noqa: B008  immutable
        seed: Seed | None = None,
    ) -> str:
        """Carry a command out; answers when it is durable. Raises what the decision refuses."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._put(_Ask(self.desk(instance_id), command, seed or self.draw(), origin, answer))
        return await answer

    def ask(self, instance_id: str, command: commands.Command) -> "asyncio.Future[str]":
        """As submit, for who goes on meanwhile: what he asks next comes after it."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._put(_Ask(self.desk(instance_id), command, self.draw(), Origin(), answer))
        return answer

    async def submit_jointly(
        self,
        instance_id: str,
        command: commands.Command,
        others: Sequence[tuple[str, commands.Command]],
        origin: Origin,
    ) -> str:
        """As submit, and at the same instant commands of other instances, each named once.

        If any of them is refused nothing happens; the journal has all of it or nothing.
        """
        joint = tuple(
            _Ask(self.desk(each), other, self.draw(), origin, None) for each, other in others
        )
        assert instance_id not in {ask.desk.instance_id for ask in joint}
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._put(_Ask(self.desk(instance_id), command, self.draw(), origin, answer, joint))
        return await answer

    def post(self, instance_id: str, command: commands.Command, seed: Seed | None = None) -> None:
        """Carry a command out that nobody waits for; news of a bygone instance is no news."""
        desk = self.desks.get(instance_id)
        if desk is not None and self._failure is None:
            self._put(_Ask(desk, command, seed or self.draw(), Origin(), None), forced=True)

    async def create(
        self,
        command: commands.CreateInstance,
        origin: Origin = Origin(),  # noqa: B008  immutable
    ) -> str:
        """Make a new instance."""
        desk = self.desks.setdefault(command.instance_id, Desk(command.instance_id))
        try:
            return await self.submit(command.instance_id, command, origin)
        except BaseException:
            if desk.center.instance is None:
                self.desks.pop(command.instance_id, None)
            raise

    async def delete(self, instance_id: str, origin: Origin) -> None:
        """End an instance; its journal stays, its history goes."""
        await self.submit(instance_id, commands.DeleteInstance(), origin)
        self.desks.pop(instance_id, None)
        self.streams.forget(instance_id)
        loop = asyncio.get_running_loop()
        async with self._flushing:
            await loop.run_in_executor(self._analyst, self.history.forget, instance_id)

    async def read(self, question: Callable[[], T]) -> T:
        """Ask something of the desks' state, as it is durable."""
        if self._failure is not None:
            raise _stopping()
        if not self._in_turn:
            return question()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._questions.append((question, answer))
        return await answer

    async def analyse(self, desk: Desk, question: Callable[[History], T]) -> T:
        """Ask something of the history store, which first gets everything that is final."""
        await asyncio.shield(self._beside(self._flush(desk)))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._analyst, question, self.history)

    def follow(self, follower: Callable[[Desk, Outcome], None]) -> None:
        """Be told what has become durable, in its order and before its answer; must be quick."""
        self._followers.append(follower)

    async def changed(self, desk: Desk, agent_id: str, version: int, wait_ms: Duration) -> int:
        """Wait until the agent's snapshot is newer than version, at most wait_ms of real time."""
        key = desk.instance_id, agent_id
        if desk.versions.get(agent_id, 0) == version and self.is_well():
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.setdefault(key, []).append(news)
            try:
                async with asyncio.timeout(seconds(wait_ms)):
                    await news
            except TimeoutError:
                pass
            finally:
                left = [each for each in self._watchers.pop(key, []) if each is not news]
                if left:
                    self._watchers[key] = left
        return desk.versions.get(agent_id, 0)

    async def advance(self, to: Instant) -> None:
        """Move a virtual clock; returns when everything due by then has happened.

        While there is no instance nothing has happened, and the clock may be set back.
        """
        assert isinstance(self.clock, VirtualClock)
        await self._settled()
        if not self.desks:
            self.clock.begin_at(to)
        while (due := self._next_due()) is not None and due <= to:
            self.clock.move_to(max(due, self.clock.now()))
            await self._settled()
        self.clock.move_to(max(to, self.clock.now()))
        await self._settled()
        await self.note(CLOCK_NOTE, str(self.clock.now()).encode())

    async def note(self, key: str, value: bytes) -> None:
        """Keep a small fact about this node durably."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self.journal.put_note, key, value)

    async def write(self, work: Callable[[], None]) -> None:
        """Do something to the journal, on the writer's thread; if it fails, the node ends."""
        if not self.is_well():
            raise _stopping()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, work)
        except Exception as error:
            self._fail(error)
            self._wake.set()
            raise

    def is_well(self) -> bool:
        """Whether it takes commands."""
        return self._failure is None and not self._closing

    def wake(self) -> None:
        """Something has been said to the world directly; look at it now."""
        self._wake.set()

    async def settle(self, at_most: Duration) -> None:
        """Let everything happen that needs no more time; wait at most that long for it (real ms).

        Functions that have been called may still be at work: they may be the one who asks.
        """
        try:
            async with asyncio.timeout(seconds(at_most)):
                await self._settled(functions=False)
        except (TimeoutError, Refusal, Fault):
            pass  # so busy that it is never quiet, or at its end; nobody was promised more

    async def _settled(self, *, functions: bool = True) -> None:
        """Wait until nothing more happens without the clock moving."""
        if not self.is_well():
            raise _stopping()
        quiet: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._quiet.append((quiet, functions))
        self._wake.set()
        await quiet

    # The loop

    def _put(self, ask: _Ask, *, forced: bool = False) -> None:
        if self._failure is not None or (self._closing and not forced):
            raise _stopping()
        if len(self._inbox) >= INBOX_MAX and not forced:
            raise Refusal("ServiceUnavailableException", "the server is overloaded; try again")
        self._inbox.append(ask)
        self._wake.set()

    def _next_due(self) -> Instant | None:
        dues = [*self._dues(), self.streams.next_due()]
        return min((due for due in dues if due is not None), default=None)

    def _dues(self) -> list[Instant | None]:
        """What a turn is taken for: no heart beats, of which many may be due at once."""
        assert self._world is not None
        dues = [self._world.next_due()]
        for desk in self.desks.values():
            dues += engine.next_deadline(desk.center), desk.expires_at()
        return dues

    def _expired(self, now: Instant) -> bool:
        return any(due is not None and due <= now for due in self._dues())

    async def _wait(self) -> None:
        assert self._world is not None
        busy = self._world.busy()
        for quiet, functions in self._quiet:
            if not (busy and functions) and not quiet.done():
                quiet.set_result(None)
        self._quiet = [each for each in self._quiet if not each[0].done()]
        due = None if isinstance(self.clock, VirtualClock) else self._next_due()
        try:
            async with asyncio.timeout(
                None if due is None else seconds(max(due - self.clock.now(), 1))
            ):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _turn(self) -> None:
        self._in_turn = True
        now = self.clock.now()
        stepped: list[_Stepped] = []
        for desk in list(self.desks.values()):
            self._expire(desk, now, stepped)
            self._forget(desk, now, stepped)
        room = TURN_COMMANDS_MAX - len(stepped)
        for _ in range(min(len(self._inbox), room)):
            self._step(self._inbox.popleft(), now, stepped)
        if stepped:
            records = [
                Record(
                    each.desk.instance_id,
                    each.sequence,
                    each.outcome.at,
                    encode_outcome(each.outcome),
                )
                for each in stepped
            ]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writer, self.journal.append, records)
        self._publish(stepped, self.clock.now())
        self._in_turn = False
        for desk in {id(each.desk): each.desk for each in stepped}.values():
            if desk.sequence - desk.snapshot_sequence >= RECORDS_PER_SNAPSHOT:
                desk.snapshot_sequence = desk.sequence
                self._beside(self._save(desk))
            elif len(desk.facts) >= FACTS_PENDING_MAX and not self._flushing.locked():
                self._beside(self._flush(desk))

    def _expire(self, desk: Desk, now: Instant, stepped: list[_Stepped]) -> None:
        while len(stepped) < TURN_COMMANDS_MAX:
            due = engine.next_deadline(desk.center)
            if due is None or due > now:
                return
            ask = _Ask(desk, commands.Expire(), self.draw(), Origin(), None)
            before = len(stepped)
            self._step(ask, max(due, desk.center.at), stepped)
            if len(stepped) == before:
                raise Fault(f"a deadline of instance {desk.instance_id} does not pass; see the log")

    def _forget(self, desk: Desk, now: Instant, stepped: list[_Stepped]) -> None:
        due = desk.expires_at()
        if due is None or due > now or len(stepped) >= TURN_COMMANDS_MAX:
            return
        ask = _Ask(desk, commands.ExpireRecords(), self.draw(), Origin(), None)
        before = len(stepped)
        self._step(ask, now, stepped)
        if len(stepped) == before:
            raise Fault(f"old records of instance {desk.instance_id} do not expire; see the log")

    def _step(self, ask: _Ask, now: Instant, stepped: list[_Stepped]) -> None:
        desk = ask.desk
        at = max(now, desk.center.at)
        try:
            for other in ask.joint:  # their refusals count, too; deciding changes nothing
                engine.decide(other.desk.center, other.command, other.seed)
            notes = self.streams.notes(desk.instance_id)
            done = engine.run(desk.center, ask.command, at, ask.seed, notes.witness)
            notes.look_at_agents(desk.center, done.agents)
        except Fault as fault:
            if ask.answer is not None:
                self._answers.append((ask.answer, fault))  # to be told with all others
            raise
        except Exception as error:
            if ask.answer is not None:
                self._answers.append((ask.answer, error))
            elif not isinstance(error, Refusal):
                log.exception(
                    "a command that nobody waits for failed: %s", type(ask.command).__name__
                )
            return
        if done.events:
            desk.stepped += 1
            outcome = Outcome(at, done.events, ask.origin)
            stepped.append(_Stepped(desk, outcome, done.effects, done.agents, desk.stepped, notes))
        if ask.answer is not None:
            self._answers.append((ask.answer, done.answer))
        for other in ask.joint:
            self._step(other, now, stepped)

    def _publish(self, stepped: list[_Stepped], now: Instant) -> None:
        assert self._world is not None
        for each in stepped:
            each.desk.fold(each.outcome)
            each.desk.sequence = each.sequence
            self.streams.tell(
                each.desk.instance_id, each.desk.center, each.sequence, each.outcome.at, each.notes
            )
            for follower in self._followers:
                follower(each.desk, each.outcome)
            for agent_id in each.agents:
                each.desk.versions[agent_id] = each.desk.versions.get(agent_id, 0) + 1
                for news in self._watchers.pop((each.desk.instance_id, agent_id), ()):
                    if not news.done():
                        news.set_result(None)
            self._world.perform(each.desk.instance_id, each.effects, now)
        answers, self._answers = self._answers, []
        for future, answer in answers:
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        questions, self._questions = self._questions, []
        for question, asked in questions:
            if not asked.done():
                _answer(question, asked)

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the loop; if it fails, the node must not go on."""

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None and self._failure is None:
                self._fail(error)
                self._wake.set()

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(done)
        return task

    async def _flush(self, desk: Desk) -> None:
        async with self._flushing:
            if self.desks.get(desk.instance_id) is not desk:
                return  # deleted meanwhile, and forgotten
            facts, desk.facts = desk.facts, []
            if not facts:
                return
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(
                self._analyst, self.history.load, desk.instance_id, desk.sequence, facts
            )

    async def _save(self, desk: Desk) -> None:
        async with self._flushing:
            if self.desks.get(desk.instance_id) is not desk:
                return
            payload, sequence, facts = await self.read(desk.freeze)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(
                self._analyst, self.history.load, desk.instance_id, sequence, facts
            )
            wanted = self.streams.wanted(desk.instance_id, sequence)
            save = self.journal.save_snapshot
            await loop.run_in_executor(
                self._writer, save, desk.instance_id, sequence, payload, wanted
            )
        desk.snapshot_sequence = sequence

    def _center(self, instance_id: str) -> Center | None:
        desk = self.desks.get(instance_id)
        return None if desk is None else desk.center

    async def _record_of(self, instance_id: str, contact_id: str) -> Properties | None:
        """The record of a contact that has ended, as it is now."""
        desk = self.desks.get(instance_id)
        if desk is None:
            return None
        record = await self.analyse(desk, lambda history: history.leg(instance_id, contact_id))
        if record is None:
            return None
        return await self.read(lambda: contact_record(desk.center, _decode_contact(record)))

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        broken = Fault("the node has stopped; see its log")
        waiting: list[asyncio.Future[Any]] = [future for future, _ in self._answers]
        waiting += [ask.answer for ask in self._inbox if ask.answer is not None]
        waiting += [each for _, each in self._questions] + [each for each, _ in self._quiet]
        for future in waiting:
            if not future.done():
                future.set_exception(broken)
        self._wake_watchers()


def _stopping() -> Refusal:
    return Refusal("ServiceUnavailableException", "the server is shutting down")


def _answer(question: Callable[[], Any], asked: "asyncio.Future[Any]") -> None:
    try:
        asked.set_result(question())
    except Exception as error:  # noqa: BLE001  the asker is told
        asked.set_exception(error)
