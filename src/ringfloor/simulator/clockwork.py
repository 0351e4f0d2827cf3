"""Clockwork: the real engine on virtual time, without a disk.

What is to happen stands in a heap by its instant, then by the order in which it was arranged; the
engine's own deadlines go first. Commands are stepped as the node steps them, one by one with all
their consequences; their events are folded into facts, and these go to a history in memory. Who
wants to know of events or effects is told after the command that has led to them. What estimates of
waits are made of is folded, too, if flows ask for metrics.
"""

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
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

ASKS_FOR_WAITS = '"GetMetricData"'
"""In the content of a flow."""

Deed = Callable[..., None]
Told = Callable[[Any], None]
Kept = Callable[[Instant, Sequence[Event]], None]
"""Takes what a command has led to, all at one instant."""


class Clockwork:
    """One center and its time."""

    def __init__(
        self,
        seed: int,
        start: Instant,
        alias: str,
        kept: Kept | None = None,
        desk: Desk | None = None,
    ) -> None:
        """kept: who keeps all that happens; None: nobody. desk: of a center that is there already.

        alias: of the center that is made, if none is there.
        """
        self.seeds = dice(seed)
        self.now = start
        self.desk = desk or Desk(derive(self.seeds(), 0))
        self.center = self.desk.center
        self.home = (
            Home(REGION, ACCOUNT, self.desk.instance_id) if desk is None else desk.center.home
        )
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
        self.agenda: list[tuple[Instant, int, Deed, tuple[Any, ...]]] = []
        """What is to happen, as a heap: the instant, its turn, the deed and what it is about."""
        self._turn = 0
        self._kept = kept
        self._asked: deque[tuple[commands.Command, Seed | None]] = deque()
        self._at_work = False
        self._estimates = True
        """Whether flows may ask for waits; while the center is made, they yet may."""
        if desk is None:
            self._create(alias)

    def _create(self, alias: str) -> None:
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
        heappush(self.agenda, (when, self._turn, deed, about))

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
        heap, center = self.agenda, self.center
        self._estimates = any(
            ASKS_FOR_WAITS in each.properties.get("Content", "")
            for kind in ("contact_flow", "contact_flow_module")
            for each in center.resources[kind].values()
        )
        with without_cycles():
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
            if self._estimates:
                self.desk.waiting.on(event, now)
                self.desk.announcements.on(event)
            for told in listeners.get(type(event), ()):
                told(event)
        if self._kept is not None:
            self._kept(now, done.events)
        self.stepped += 1
        self.happened += len(done.events)
        if len(facts) >= SIMULATED_FACTS_MAX:
            self.keep()


@contextmanager
def without_cycles() -> Iterator[None]:
    """Contacts are let go without a collector, which would only look at all that are alive."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
