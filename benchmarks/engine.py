"""The engine: what an event costs under steady load, and when a journal is replayed.

100 queues, 20 routing profiles of 10 queues each; all agents talk, the others wait. In a cycle an
agent hangs up and clears, the next contact rings and is taken, and a new one joins the line. The
same load with ten times the agents, or a hundred times the waiting, should cost about the same per
event: the ratios say so. Figures are CPU time of engine.run alone, snapshots and journals apart.
"""

import gc
import sys
from pathlib import Path
from time import process_time

from ringfloor.base.ids import dice, generator
from ringfloor.domain import commands
from ringfloor.domain.events import Outcome, decode_outcome, encode_outcome
from ringfloor.engine import engine
from ringfloor.engine.state import Center

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from engine_builders import NUMBER, Driver, a_center, answer_of

QUEUES, PROFILES, QUEUES_PER_PROFILE = 100, 20, 10
CYCLES = 6_000


class Load:
    """A center with so many agents, all busy, and so many contacts in line."""

    def __init__(self, agents: int, waiting: int) -> None:
        self.deal, self.pick = dice(1), generator(2)
        self.driver = driver = Driver(checked=False)
        names = [f"q{number}" for number in range(QUEUES)]
        rows = {
            f"p{number}": ", ".join(
                f"{names[(number * 5 + each) % QUEUES]} {each % 3 + 1}"
                for each in range(QUEUES_PER_PROFILE)
            )
            for number in range(PROFILES)
        }
        staff = {f"a{number}": f"p{number % PROFILES}" for number in range(agents)}
        a_center(agents=staff, queues=names, profiles=rows, driver=driver)
        self.center: Center = driver.center
        self.agents = [driver.ids[alias] for alias in staff]
        self.ways = [driver.ids[f"to {name}"] for name in names]
        self.log: list[tuple[int, engine.Done]] = []
        self.arrived = 0
        for agent in self.agents:
            self.ask(commands.SetAgentStatus(agent, driver.ids["Available"]))
        while any(not self.center.agents[agent].contacts for agent in self.agents):
            self.arrive()
        for agent in self.agents:
            self.take(agent)
        while sum(self.center.queued.values()) < waiting:
            self.arrive()
        self.image = engine.image(self.center)
        self.log.clear()

    def ask(self, command: commands.Command) -> None:
        """The command, and what agents' phones and whispers answer."""
        asked = [command]
        for each in asked:  # grows meanwhile
            at = self.driver.at = self.driver.at + 1
            done = engine.run(self.center, each, at, self.deal())
            self.log.append((at, done))
            answers = (answer_of(self.center, effect) for effect in done.effects)
            asked.extend(answer for answer in answers if answer is not None)

    def arrive(self) -> None:
        self.arrived += 1
        self.ask(
            commands.StartInboundContact(
                contact_id=f"c{self.arrived}",
                from_number=NUMBER,
                flow_id=self.ways[self.pick.randrange(QUEUES)],
            )
        )

    def take(self, agent: str) -> None:
        for contact, held in list(self.center.agents[agent].contacts.items()):
            if held.state == "CONNECTING":
                self.ask(commands.AcceptContact(agent, contact))

    def cycle(self) -> None:
        agent = self.agents[self.pick.randrange(len(self.agents))]
        for contact in list(self.center.agents[agent].contacts):
            self.ask(commands.LeaveContact(agent, contact))
            self.ask(commands.ClearContact(agent, contact))
        self.take(agent)
        self.arrive()

    def events_per_second(self) -> float:
        gc.collect()
        start = process_time()
        for _ in range(CYCLES):
            self.cycle()
        spent = process_time() - start
        return sum(len(done.events) for _, done in self.log) / spent

    def replays_per_second(self) -> tuple[float, float, float]:
        """Events applied, events decoded and applied, bytes an event."""
        records = [encode_outcome(Outcome(at, done.events)) for at, done in self.log]
        count = sum(len(done.events) for _, done in self.log)
        center = engine.restore(self.image)
        gc.collect()
        start = process_time()
        for at, done in self.log:
            for event in done.events:
                engine.apply(center, event, at)
        applied = process_time() - start
        assert engine.image(center) == engine.image(self.center)
        center = engine.restore(self.image)
        gc.collect()
        start = process_time()
        for record in records:
            outcome = decode_outcome(record)
            for event in outcome.events:
                engine.apply(center, event, outcome.at)
        read = process_time() - start
        return count / applied, count / read, sum(map(len, records)) / count


def run() -> list[str]:
    lines, rates = [], {}
    for agents, waiting in ((1_000, 500), (1_000, 50_000), (10_000, 50_000)):
        load = Load(agents, waiting)
        rates[agents, waiting] = rate = load.events_per_second()
        cycles = rate * CYCLES / sum(len(done.events) for _, done in load.log)
        lines.append(
            f"{agents} agents, {waiting} waiting: {rate:,.0f} events/s, {cycles:,.0f} contacts/s"
        )
    small, long, large = rates.values()
    lines.append(f"100 times the waiting costs {small / long:.2f} times as much an event")
    lines.append(f"10 times the agents cost {long / large:.2f} times as much an event")
    applied, read, size = load.replays_per_second()
    lines.append(f"replay: {applied:,.0f} events/s applied, {read:,.0f} decoded and applied")
    lines.append(f"an event has {size:.0f} bytes, its share of the record included")
    start = process_time()
    snapshot = engine.image(load.center)
    taken = process_time() - start
    start = process_time()
    engine.restore(snapshot)
    restored = process_time() - start
    lines.append(
        f"snapshot of {len(snapshot) / 1e6:.1f} MB: {taken * 1e3:.0f} ms to take,"
        f" {restored * 1e3:.0f} ms to restore"
    )
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
