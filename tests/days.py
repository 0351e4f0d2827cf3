"""Days for tests: a simulation journaled as a node does it, and read back as a recorded day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ringfloor.base import zones
from ringfloor.base.limits import APPEND_RECORDS_MAX
from ringfloor.domain.events import Outcome, encode_outcome
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Record
from ringfloor.journal.reading import reading
from ringfloor.simulator.recorded import changes
from ringfloor.simulator.recorded.day import Day
from ringfloor.simulator.recorded.journals import Recorded, record
from ringfloor.simulator.recorded.observed import Observed
from ringfloor.simulator.recorded.replay import UNCHANGED, Changed, Replay
from ringfloor.simulator.scenario import Scenario
from ringfloor.simulator.simulation import Simulation
from scenarios import START


class Kept(NamedTuple):
    """A simulation that has run, and the data directory that its journal is in."""

    simulation: Simulation
    directory: Path

    @property
    def instance(self) -> str:
        return self.simulation.work.desk.instance_id


def kept(
    of: Scenario, directory: Path, arrange: Callable[[Simulation], None] = lambda _: None
) -> Kept:
    """arrange: what else happens."""
    happened: list[tuple[int, bytes]] = []
    simulation = Simulation(
        of, lambda at, told: happened.append((at, encode_outcome(Outcome(at, tuple(told)))))
    )
    arrange(simulation)
    simulation.run()
    simulation.work.history.close()
    instance = simulation.work.desk.instance_id
    journal = open_journal(directory, lambda _text: None)
    records = [Record(instance, number, *each) for number, each in enumerate(happened, 1)]
    for first in range(0, len(records), APPEND_RECORDS_MAX):
        journal.append(records[first : first + APPEND_RECORDS_MAX])
    journal.close()
    return Kept(simulation, directory)


def recorded(
    of: Scenario, directory: Path, arrange: Callable[[Simulation], None] = lambda _: None
) -> Recorded:
    """The first day of a simulation, out of its journal."""
    done = kept(of, directory, arrange)
    day = zones.local(START, of.zone).date()
    with reading(done.directory) as journal:
        return record(journal, done.instance, day, of.zone)


def changed(day: Day, text: str, **files: str) -> Changed:
    return changes.changed(changes.read(text, "changes.toml", day, files.__getitem__), day)


def replayed(day: Day, what: Changed = UNCHANGED, seed: int = 1, **more: Any) -> Replay:
    run = Replay(day, Observed(day), what, seed, **more)
    run.run()
    run.work.history.close()
    return run
