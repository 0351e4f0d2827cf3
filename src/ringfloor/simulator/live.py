"""Live: the people of a scenario go on living on a running server, on the wall clock.

    moved(scenario, now)     the scenario where it is the right time of its day now
    Past(scenario)           what has happened until now, in a second or two, as a journal
    Live(past, node, ...)    the same people, who now act on the node

The past is simulated as `ringfloor simulate` does, each event at its own instant. The node recovers
from its journal as after a restart: it has a history, real-time metrics, calls that are up. Then
Live takes the agenda over: what people have planned and what they are told of goes on, only that
their commands go to the node, that they are told what is durable, and that an hour takes an hour.

The simulated people have lines of their own. All other calls are the phones' business, so visitors
and simulated agents can talk to each other.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from typing import Any

from msgspec.structs import replace

from ringfloor.base import zones
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import Seed
from ringfloor.base.limits import (
    APPEND_RECORDS_MAX,
    LIVE_HISTORY_MS,
    LIVE_LATE_MS,
    SIMULATED_DAYS_MAX,
)
from ringfloor.base.time import DAY, HOUR, MINUTE, Instant, seconds
from ringfloor.domain import commands
from ringfloor.domain.events import Event, Outcome, encode_outcome
from ringfloor.engine.effects import Effect
from ringfloor.engine.state import Center
from ringfloor.journal.journal import Record
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.node.outbox import Outbox
from ringfloor.simulator.clockwork import OWN_NUMBER, Deed, Told
from ringfloor.simulator.scenario import Scenario
from ringfloor.simulator.simulation import Progress, Simulation
from ringfloor.telephony.carrier import Carrier, Channel, OnEvent
from ringfloor.telephony.commands import Answer, Command, HangUp, Originate
from ringfloor.telephony.events import Q850, ChannelHungUp, HungUpBy

PARTS = 100
"""Into which the past is cut, so that progress can be shown."""


def moved(scenario: Scenario, now: Instant) -> Scenario:
    """The scenario in the time zone in which it has been going on for a while, day after day.

    There it is now the hour of its day that begins LIVE_HISTORY_MS after its start, or halfway to
    its end if that is earlier. So whoever looks, at whatever time, sees a center at work.
    """
    first = zones.local(scenario.start, scenario.zone)
    opens = first.hour * HOUR + first.minute * MINUTE
    hour = (opens + min(LIVE_HISTORY_MS, (scenario.end - scenario.start) // 2)) // HOUR
    hour += hour * HOUR < opens
    ahead = (hour - zones.local(now, "UTC").hour) % 24
    zone = f"Etc/GMT{(ahead if ahead <= 12 else ahead - 24) * -1:+}"  # signs are those of ships
    today = zones.beginning(zones.local(now, zone).date(), zone)
    start = today + opens if today + opens <= now else today + opens - DAY
    return replace(scenario, start=start, end=start + SIMULATED_DAYS_MAX * DAY, zone=zone)


class Past:
    """A scenario until now. journal: all that has happened."""

    def __init__(self, scenario: Scenario) -> None:
        self.journal = MemoryJournal()
        self._happened: list[Outcome] = []
        self.simulation = Simulation(scenario, self._keep)
        work = self.simulation.work
        self.instance_id = work.desk.instance_id
        number = work.center.named("phone_number", OWN_NUMBER)
        work.make(commands.UpdateResource("phone_number", number, {"ContactFlowId": self.flow_id}))

    @property
    def flow_id(self) -> str:
        """Where the first group of callers comes in, and whoever else calls."""
        return next(iter(self.simulation.people.built.entries.values()))

    def _keep(self, at: Instant, happened: Sequence[Event]) -> None:
        self._happened.append(Outcome(at, tuple(happened)))

    def run(self, now: Callable[[], Instant], progress: Progress = lambda _part: None) -> None:
        """Let it happen until now, by a clock that may go on meanwhile, and write it down."""
        work = self.simulation.work
        start, end = work.now, now()
        for number in range(1, PARTS + 1):
            work.run(start + (end - start) * number // PARTS)
            progress(number / PARTS)
        work.run(now())
        work.history.close()
        records = [
            Record(self.instance_id, number, each.at, encode_outcome(each))
            for number, each in enumerate(self._happened, 1)
        ]
        for first in range(0, len(records), APPEND_RECORDS_MAX):
            self.journal.append(records[first : first + APPEND_RECORDS_MAX])
        self._happened.clear()


class Live:
    """The people of a past on the node that has recovered from it; they are its Work from now on.

    Has to be made before the node runs.
    """

    def __init__(
        self,
        past: Past,
        node: Node,
        outbox: Outbox,
        phones: Carrier,
        hang_up: Callable[[str], None],
    ) -> None:
        """outbox: the node's. phones: everybody else's, on whom hang_up acts."""
        simulation = past.simulation
        self.past = past
        self.node = node
        self.desk = node.desk(past.instance_id)
        perform = simulation.world.perform
        self.lines = Lines(perform, simulation.people.calls, outbox.hear, phones)
        outbox.connect(self.lines)
        outbox.answer_by(past.instance_id, perform)
        self._hang_up = hang_up
        self._agenda = simulation.work.agenda
        self._turn = max((turn for _, turn, _, _ in self._agenda), default=0)
        self._listeners = simulation.work.listeners
        self._stood_still = 0
        self._news = asyncio.Event()
        simulation.people.work = self
        node.follow(self._follow)

    # Doors

    @property
    def now(self) -> Instant:
        """By the people's clock, which has stood still while nobody could act."""
        return self.node.clock.now() - self._stood_still

    @property
    def center(self) -> Center:
        return self.desk.center

    def at(self, when: Instant, deed: Deed, *about: Any) -> None:  # noqa: ANN401  the deed knows
        """Let this be done then."""
        self._turn += 1
        heappush(self._agenda, (when, self._turn, deed, about))
        if self._agenda[0][1] == self._turn:
            self._news.set()

    def hear(self, kind: type[Event], told: Told) -> None:
        """Be told of events of this type, when they are durable."""
        self._listeners.setdefault(kind, []).append(told)

    def do(self, command: commands.Command, seed: Seed | None = None) -> None:
        """Have a command carried out; who hangs up does so at his carrier."""
        if not isinstance(command, commands.LoseChannel):
            self.node.post(self.desk.instance_id, command, seed)
            return
        if not self.lines.hang_up(command.contact_id, self.node.clock.now()):
            with suppress(Refusal):  # the other side was quicker
                self._hang_up(command.contact_id)
        self.node.wake()

    # Life

    async def run(self) -> None:
        """Live until the node, or this center, is at its end."""
        while self.node.is_well() and self.node.desks.get(self.desk.instance_id) is self.desk:
            self._news.clear()
            self.run_due()
            due = self.next_due()
            left = None if due is None else max(due - self.node.clock.now(), 1)
            try:
                async with asyncio.timeout(None if left is None else seconds(left)):
                    await self._news.wait()
            except TimeoutError:
                pass  # that is the time for the next deed

    def next_due(self) -> Instant | None:
        """When people have something to do."""
        return self._agenda[0][0] + self._stood_still if self._agenda else None

    def run_due(self) -> None:
        """Let them do what is due.

        What the machine has slept through is not made up for: nobody came, and they go on.
        """
        agenda, until = self._agenda, self.now
        if agenda and until - agenda[0][0] > LIVE_LATE_MS:
            self._stood_still += until - agenda[0][0]
            until = self.now
        while agenda and agenda[0][0] <= until:
            _, _, deed, about = heappop(agenda)
            deed(*about)

    def _follow(self, desk: Desk, outcome: Outcome) -> None:
        if desk is self.desk:
            for event in outcome.events:
                for told in self._listeners.get(type(event), ()):
                    told(event)


class Lines:
    """The carrier of a center with simulated people: theirs, and the phones' for everybody else.

    A leg is theirs if its contact is of one of them when it is dialled or answered, and all legs
    that were up before. What it hears is left to the world of the simulation.
    """

    def __init__(
        self,
        world: Callable[[Effect], None],
        calls: Container[str],
        hear: OnEvent,
        phones: Carrier,
    ) -> None:
        """calls: the contacts of simulated customers."""
        self._world = world
        self._calls = calls
        self._hear = hear
        self._phones = phones
        self._legs: set[str] = set()
        self._over: deque[tuple[ChannelHungUp, Instant]] = deque()

    def perform(self, command: Command, now: Instant) -> None:
        """As a carrier does."""
        leg: str = getattr(command, "channel_id", "")
        if isinstance(command, Originate | Answer) and leg.partition("/")[0] in self._calls:
            self._legs.add(leg)
        if leg not in self._legs:
            self._phones.perform(command, now)
        elif isinstance(command, HangUp):
            self._end(leg, "local", now)
        else:
            self._world(command)

    def hang_up(self, leg: str, now: Instant) -> bool:
        """One of them hangs up; False: it is not theirs."""
        if leg not in self._legs:
            return False
        self._end(leg, "remote", now)
        return True

    def _end(self, leg: str, by: HungUpBy, now: Instant) -> None:
        self._legs.discard(leg)
        gone = ChannelHungUp(leg, by, Q850.NORMAL_CLEARING, None, "hung up")
        self._over.append((gone, now))

    def next_due(self) -> Instant | None:
        return self._over[0][1] if self._over else self._phones.next_due()

    def run_due(self, now: Instant) -> None:
        while self._over:
            self._hear(*self._over.popleft())
        self._phones.run_due(now)

    def channels(self) -> list[Channel]:
        """The phones'; whoever is simulated has none that could be forgotten."""
        return self._phones.channels()

    def adopt(self, channels: Sequence[Channel], _now: Instant) -> None:
        """Whatever is up when the node begins, has been simulated."""
        self._legs.update(each.channel_id for each in channels)
