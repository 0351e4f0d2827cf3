"""Run: one load test from the first request to the last.

    build -> sign in -> customers come -> nobody comes any more -> until nobody is left
          -> sign out -> the server's own count -> take away

Called by cli_load. Rules:

* The first interrupt lets nobody come any more, ends what goes on and reports; the second leaves
  everything as it is.
* After its time there is a while for those who are still there; then all hang up. Who is there even
  so is told as left.
* What is not the customers' time (building, signing in, the count) is measured apart.
"""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND
from ringfloor.config import Caller
from ringfloor.domain.vocabulary import Channel
from ringfloor.load import conservation
from ringfloor.load.building import Building, Place, pause, together
from ringfloor.load.conservation import Compared
from ringfloor.load.customers import Crowd
from ringfloor.load.desktops import Desktop
from ringfloor.load.door import Door, Failed
from ringfloor.load.measures import Measures
from ringfloor.load.stage import Figures, Stage, VoiceDoor
from ringfloor.simulator.population import AVAILABLE, presence
from ringfloor.simulator.scenario import Scenario

LOOK_SECONDS = 0.2
HURRY_SECONDS = 15.0
"""For what takes time even in a hurry."""
SILENT_SECONDS = 5.0
"""After which a server that is asked by everybody at once is taken for dead."""
STANDS_SECONDS = 0.05
"""In which a clock that goes has gone on."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be done. scenario: cut to its time, its arrivals already multiplied."""

    scenario: Scenario
    endpoint: str
    region: str
    who: Caller
    speed: float
    connections: int
    instance: str = ""
    keep: bool = False
    drain: float = 60.0
    """Seconds for those who are still there when nobody comes any more."""
    message_ms: int = 20 * SECOND
    """Between one message of a chat and the next, in the scenario."""


class Now(NamedTuple):
    """What is told while it runs. share: of the time, 0 to 1."""

    doing: str
    share: float
    measures: Measures
    at: float
    contacts: int
    there: int


Shown = Callable[[Now], None]


class Result(Struct, kw_only=True):
    """What has come of it."""

    wanted: Wanted
    measures: Measures
    before: Measures
    """Of building and signing in."""
    figures: dict[Channel, Figures]
    compared: list[Compared]
    uncounted: str
    """Why the server's own count is not known; empty: it is."""
    unheard: int
    agents: int
    voice: VoiceDoor
    lasted: float
    """Seconds from the first customer until nobody was left."""
    came_for: float
    """Seconds in which customers came."""
    built_in: float
    cpu: float
    """Share of one core that this program has used."""
    stopped: bool
    left_behind: list[str]


class Run:
    """One load test, in one event loop."""

    def __init__(self, wanted: Wanted, shown: Shown) -> None:
        self.wanted = wanted
        self.stopping = asyncio.Event()
        self._shown = shown
        self._loop = asyncio.get_running_loop()
        self._door = Door(wanted.endpoint, wanted.region, wanted.who, wanted.connections)
        self._building = Building(self._door, wanted.scenario, staff(wanted.scenario))
        self._door.measures = Measures(self._loop.time())

    async def run(self) -> Result:
        """All of it; raises Fault where it cannot begin."""
        try:
            return await self._run()
        except Failed as error:
            await self._remove()
            raise self._door.fault(error) from error
        except Exception:  # not where it is cancelled: then all is left as it is
            await self._remove()
            raise
        finally:
            await self._door.close()

    async def _run(self) -> Result:
        began = self._loop.time()
        door, scenario = self._door, self.wanted.scenario
        voice = await self._voice()
        built = await self._building.build(self.wanted.instance, self._step)
        number = await self._number() if voice == "outbound" else ""
        stage = Stage(door, scenario, built, self.wanted.speed, voice)
        crowd = Crowd(stage, number)
        desktops = [Desktop(stage, crowd, each, self.wanted.message_ms) for each in built.staff]
        try:
            await self._sign_in(desktops)
            since = await conservation.before(door, built, channels(scenario))
            before, door.measures = door.measures, Measures(self._loop.time())
            built_in, cpu = self._loop.time() - began, _cpu()
            stage.begin()
            for desktop in desktops:
                desktop.work()
            crowd.arrange(scenario.end)
            await self._until_nobody_comes(stage)
            came_for = self._loop.time() - stage.begins
            is_heard = await self._until_nobody_is_left(stage, crowd, desktops)
            lasted = self._loop.time() - stage.begins
            share = (_cpu() - cpu) / max(lasted, 0.001)
            measures, door.measures = door.measures, Measures(self._loop.time())
            if is_heard:  # or each would wait for an answer, one after the other
                await together(desktops, Desktop.sign_out, self._counted("signing out", desktops))
        finally:
            await stage.end()
        compared: list[Compared] = []
        uncounted = ""
        try:
            compared = await conservation.compare(door, built, stage.figures, since)
        except Failed as error:
            uncounted = str(error)
        return Result(
            wanted=self.wanted,
            measures=measures,
            before=before,
            figures=dict(sorted(stage.figures.items())),
            compared=compared,
            uncounted=uncounted,
            unheard=stage.unheard,
            agents=len(desktops),
            voice=voice,
            lasted=lasted,
            came_for=came_for,
            built_in=built_in,
            cpu=share,
            stopped=self.stopping.is_set(),
            left_behind=await self._remove(),
        )

    # Before

    async def _voice(self) -> VoiceDoor:
        """By which door calls come; a clock that stands is found out on the way."""
        try:
            first = await self._door.plain("clock", "GET", "/_ringfloor/clock")
            await pause(STANDS_SECONDS)
            second = await self._door.plain("clock", "GET", "/_ringfloor/clock")
        except Failed as error:
            if error.status == 0:
                raise
            return "outbound"
        if first.get("now") == second.get("now"):
            raise Fault(
                f"the clock of {self.wanted.endpoint} stands still; a load test needs a server"
                " without --clock virtual"
            )
        return "phones"

    async def _number(self) -> str:
        """From which customers are dialled; empty: there are no calls."""
        if "VOICE" not in channels(self.wanted.scenario):
            return ""
        return await self._building.number()

    async def _sign_in(self, desktops: Sequence[Desktop]) -> None:
        async def sign_in(desktop: Desktop) -> None:
            try:
                await desktop.sign_in(self._building.password(desktop.place))
            except Failed as error:
                if error.status == 401 and error.operation == "sign in":
                    raise Fault(
                        f"user {desktop.place.username} of instance"
                        f" {desktop.stage.built.instance_id} is there already and was not made by"
                        " this command with these keys; name another --instance"
                    ) from error
                raise

        await together(desktops, sign_in, self._counted("signing in", desktops))

    # While it runs

    async def _until_nobody_comes(self, stage: Stage) -> None:
        end = stage.real(stage.scenario.end)
        while stage.now() < end and not self.stopping.is_set():
            left = end - stage.now()
            await self._look(stage, "running", 1 - left / max(end - stage.begins, 0.001), left)
        stage.is_open = False

    async def _until_nobody_is_left(
        self, stage: Stage, crowd: Crowd, desktops: Sequence[Desktop]
    ) -> bool:
        """Whether the server answers to the last."""
        until = stage.now() + (0.0 if self.stopping.is_set() else self.wanted.drain)
        while self._there(stage, desktops) and stage.now() < until:
            await self._look(stage, "emptying", 1.0, until - stage.now())
            if self.stopping.is_set():
                break
        stage.hurry.set()
        began = stage.now()
        until = began + HURRY_SECONDS
        while self._there(stage, desktops) and stage.now() < until:
            if stage.now() - max(self._door.answered_at, began) > SILENT_SECONDS:
                return False
            crowd.hurry()
            await self._look(stage, "ending", 1.0, until - stage.now())
        return True

    def _there(self, stage: Stage, desktops: Sequence[Desktop]) -> int:
        """Customers, and contacts that agents still write up."""
        return len(stage.customers) + sum(len(each.works) for each in desktops)

    async def _look(self, stage: Stage, doing: str, share: float, at_most: float) -> None:
        """Tell how it goes, and wait a little; raises what has gone wrong unexpectedly."""
        if stage.broken.done():
            stage.broken.result()
        contacts = sum(each.started for each in stage.figures.values())
        self._shown(
            Now(doing, share, self._door.measures, stage.now(), contacts, len(stage.customers))
        )
        try:
            async with asyncio.timeout(min(LOOK_SECONDS, max(at_most, 0.001))):
                await (pause(LOOK_SECONDS) if self.stopping.is_set() else self.stopping.wait())
        except TimeoutError:
            pass  # that is the point

    def _step(self, doing: str, done: int, of: int) -> None:
        share = done / of if of else 1.0
        self._shown(Now(doing, share, self._door.measures, self._loop.time(), 0, 0))
        if self.stopping.is_set():
            raise Fault("stopped before the first customer came")

    def _counted(self, doing: str, desktops: Sequence[Desktop]) -> Callable[[int], None]:
        def told(done: int) -> None:
            self._shown(
                Now(doing, done / len(desktops), self._door.measures, self._loop.time(), 0, 0)
            )

        return told

    # After

    async def _remove(self) -> list[str]:
        """Take away what was made, unless it is to be kept; what could not be."""
        if self.wanted.keep:
            return []

        def shown(doing: str, done: int, of: int) -> None:
            self._shown(Now(doing, done / of, self._door.measures, self._loop.time(), 0, 0))

        return await self._building.remove(shown)


def channels(scenario: Scenario) -> list[Channel]:
    """That its customers use."""
    return sorted({each for callers in scenario.callers.values() for each in callers.channels})


def staff(scenario: Scenario) -> list[Place]:
    """The agents who are Available at any time before its end."""
    return [
        Place(name if group.count == 1 else f"{name}-{number:03}", f"agents/{name}/{number}", group)
        for name, group in scenario.groups.items()
        if any(
            status == AVAILABLE and at < scenario.end for at, status in presence(scenario, group)
        )
        for number in range(1, group.count + 1)
    ]


def _cpu() -> float:
    """Seconds that this process has computed."""
    used = os.times()
    return used.user + used.system


async def load(wanted: Wanted, shown: Shown) -> Result:
    """A load test that SIGINT and SIGTERM end early; raises Fault."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems say without end and mean less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    run = Run(wanted, shown)
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    assert this is not None

    def stop() -> None:
        if run.stopping.is_set():
            this.cancel()
        run.stopping.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    try:
        return await run.run()
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
