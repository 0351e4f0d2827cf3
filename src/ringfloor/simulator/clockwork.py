"""Clockwork: the real engine on virtual time, without a disk.

What is to happen stands in a heap by its instant, then by the order in which it was arranged; the
engine's own deadlines go first. Commands are stepped as the node steps them, one by one with all
their consequences; their events are folded into facts, and these go to a history in memory. Who
wants to know of events or effects is told after the command that has led to them.
"""

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.ids import Seed, derive, dice
from ringfloor.base.limits import SIMULATED_FACTS_MAX
from ringfloor.base.time import Instant
from ringfloor.domain import commands
from ringfloor.domain.events import Event
from ringfloor.domain.resources import Home
from ringfloor.engine import engine
from ringfloor.engine.effects import Effect
from ringfloor.node.desk import Desk
from ringfloor.node.history import History

REGION, ACCOUNT = "us-east-1", "123456789012"
OWN_NUMBER = "+15555550100"

Deed = Callable[..., None]
Told = Callable[[Any], None]


class Clockwork:
    """One center and its time."""

    def __init__(self, seed: int, start: Instant, alias: str) -> None:
        self.seeds = dice(seed)
        self.now = start
        self.desk = Desk(derive(self.seeds(), 0))
        self.center = self.desk.center
        self.home = Home(REGION, ACCOUNT, self.desk.instance_id)
        self.history = History.open(None, lambda _text: None)
        self.listeners: dict[type[Event], list[Told]] = {}
        """Who is told of events of a type."""
        self.perform: Callable[[Effect], None] = lambda _effect: None
        """Who does what the center asks of the world."""
        self.refused: Counter[str] = Counter()
        """Commands that came too late, by type and error."""
        self.stepped = 0
        self.happened = 0
        """How many commands and events there have been."""
        self._heap: list[tuple[Instant, int, Deed, tuple[Any, ...]]] = []
        self._turn = 0
        self._asked: deque[tuple[commands.Command, Seed | None]] = deque()
        self._at_work = False
        self.make(
            commands.CreateInstance(
                instance_id=self.desk.instance_id,
                region=REGION,
                account=ACCOUNT,
                alias=alias,
                properties={
                    "IdentityManagementType": "CONNECT_MANAGED",
                    "InboundCallsEnabled": True,
                    "OutboundCallsEnabled": True,
                },
                number=OWN_NUMBER,
            )
        )

    # Doors

    def at(self, when: Instant, deed: Deed, *about: object) -> None:
        """Let this be done then."""
        self._turn += 1
        heappush(self._heap, (when, self._turn, deed, about))

    def hear(self, kind: type[Event], told: Told) -> None:
        """Be told of events of this type."""
        self.listeners.setdefault(kind, []).append(told)

    def make(self, command: commands.Command) -> str:
        """Carry out what builds the center; its answer. Raises Refusal."""
        done = engine.run(self.center, command, self.now, self.seeds())
        self._note(done)
        return done.answer

    def do(self, command: commands.Command, seed: Seed | None = None) -> None:
        """Have a command carried out at this instant, after those that were before it."""
        self._asked.append((command, seed))
        if not self._at_work:
            self._settle()

    def run(self, until: Instant) -> None:
        """Let everything happen that is due before then."""
        heap, center = self._heap, self.center
        with _without_cycles():
            while True:
                due = engine.next_deadline(center)
                if due is not None and due < until and (not heap or due <= heap[0][0]):
                    self.now = max(self.now, due)
                    before = self.happened
                    self.do(commands.Expire())
                    if self.happened == before:
                        raise Fault("a deadline of the simulated center does not pass")
                elif heap and heap[0][0] < until:
                    self.now, _, deed, about = heappop(heap)
                    deed(*about)
                else:
                    break
        self.now = max(self.now, until)

    def keep(self) -> None:
        """Let history have all facts."""
        facts, self.desk.facts = self.desk.facts, []
        self.desk.sequence += 1
        self.history.load(self.desk.instance_id, self.desk.sequence, facts)

    # Steps

    def _settle(self) -> None:
        self._at_work = True
        asked = self._asked
        while asked:
            command, seed = asked.popleft()
            try:
                done = engine.run(self.center, command, self.now, seed or self.seeds())
            except Refusal as refusal:
                self.refused[f"{type(command).__name__} {refusal.code}"] += 1
                continue
            if done.events:
                self._note(done)
            for effect in done.effects:
                self.perform(effect)
        self._at_work = False

    def _note(self, done: engine.Done) -> None:
        facts, now, fold = self.desk.facts, self.now, self.desk.records.on
        listeners = self.listeners
        for event in done.events:
            facts.extend(fold(event, now))
            for told in listeners.get(type(event), ()):
                told(event)
        self.stepped += 1
        self.happened += len(done.events)
        if len(facts) >= SIMULATED_FACTS_MAX:
            self.keep()


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Contacts are let go without a collector, which would only look at all that are alive."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
