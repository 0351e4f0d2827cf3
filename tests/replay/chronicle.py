"""Chronicles: all that an engine says during a few seeded lives, word by word.

    PYTHONPATH=tests .venv/bin/python -m replay.chronicle       write them anew

A chronicle is a text: for each command its time and type, then what came of it: a refusal in its
own words, or events, effects, agents whose snapshot changed, contact events, contact records and
agent snapshots. golden/chronicle-{seed}.txt.xz is what the engine of this version says. When it is
meant to say something else, write them anew and read the difference as part of the change.
"""

import lzma
import sys
from pathlib import Path
from typing import Any

import msgspec

from engine_builders import Driver
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands
from ringfloor.domain.commands import Command
from ringfloor.domain.events import ContactCompleted, Event
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.engine import chat_streams, engine, staff
from ringfloor.engine.agent_events import agent_event, agent_snapshot
from ringfloor.engine.contact_events import contact_events, envelope
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.effects import channels, outstanding
from ringfloor.engine.engine import Done
from ringfloor.engine.state import Center
from ringfloor.engine.view import view
from simulation.world import World

GOLDEN = Path(__file__).parent / "golden"
SEEDS = range(1, 17)
STEPS = 300

_encode = msgspec.json.Encoder(order="deterministic").encode


class Chronicler(Driver):
    """A driver that writes everything down."""

    lines: list[str]

    def __init__(self, *given: Any, **more: Any) -> None:
        self.lines = []
        self.snapshots: dict[str, Any] = {}
        super().__init__(*given, **more)
        self._watch = self.watch
        self.watch = self._write

    def carry_out(self, command: Command) -> Done:
        told: list[Any] = []

        def witness(center: Center, event: Event) -> None:
            told.extend(
                envelope(center, each, "id", center.at) for each in contact_events(center, event)
            )
            told.extend(
                chat_streams.envelope(center, each, "id", center.at)
                for each in chat_streams.notifications(center, event)
            )
            if isinstance(event, ContactCompleted):
                told.append(contact_record(center, event.contact))

        self.told, self.witness = told, witness
        return super().carry_out(command)

    def _write(self, command: Command, done: Done | Refusal) -> None:
        self._watch(command, done)
        self.lines.append(f"{self.at} {type(command).__name__}")
        if isinstance(done, Refusal):
            self.lines.append(f"  refused {done.code}: {done.message} {_json(done.members)}")
            return
        for event in done.events:
            self.lines.append(f"  event {_json(event)}")
        for effect in done.effects:
            self.lines.append(f"  effect {type(effect).__name__} {_json(effect)}")
        for each in self.told:
            self.lines.append(f"  told {_json(each)}")
        for agent_id in sorted(done.agents):
            self._write_agent(agent_id)
        if done.answer:
            self.lines.append(f"  answer {done.answer}")
        if len(self.bytes) % 20 == 0:
            self._write_standing()

    def _write_agent(self, agent_id: str) -> None:
        before, now = self.snapshots.get(agent_id), agent_snapshot(self.center, agent_id)
        self.snapshots[agent_id] = now
        told = agent_event(self.center, agent_id, "id", self.at, before, now)
        self.lines.append(f"  agent {_json(told)}")
        for contact_id in self.center.agents[agent_id].contacts:
            contact = self.center.contacts.get(contact_id)
            if contact is not None:
                self.lines.append(f"  seen {_json(view(self.center, contact))}")

    def _write_standing(self) -> None:
        """What a carrier and the flows would be told now, after a restart."""
        center = self.center
        self.lines.append(f"  channels {_json(list(channels(center)))}")
        self.lines.append(f"  outstanding {_json(list(outstanding(center)))}")
        for queue_id in center.resources["queue"]:
            counted = [staff.of_queue(center, queue_id, channel) for channel in (None, *CHANNELS)]
            self.lines.append(f"  staff {queue_id} {_json(counted)}")
        for agent_id in center.agents:
            counted = [staff.of_agent(center, agent_id, channel) for channel in (None, *CHANNELS)]
            self.lines.append(f"  staff {agent_id} {_json(counted)}")


def _json(value: Any) -> str:
    return _encode(value).decode()


def chronicle(seed: int) -> str:
    """A life, from its beginning to its end."""
    world = World(seed, checked=False, driver=Chronicler)
    _furnish(world.driver)
    world.live(STEPS)
    world.end()
    driver = world.driver
    assert isinstance(driver, Chronicler)
    restored = engine.restore(engine.image(driver.center))
    assert engine.image(restored) == engine.image(driver.center)
    return "\n".join(driver.lines) + "\n"


def _furnish(driver: Driver) -> None:
    """A hierarchy for its agents, and their names: contact and agent events show them."""
    groups: list[str] = []
    for name in ("Company", "Sales", "Team"):
        parent = {"ParentGroupId": groups[-1]} if groups else {}
        command = commands.CreateResource(
            kind="hierarchy_group", properties={"Name": name, **parent}
        )
        groups.append(driver.run(command).answer)
    for number, agent_id in enumerate(driver.center.agents):
        changes = {"IdentityInfo": {"FirstName": f"Ann {number}", "LastName": "Agent"}}
        if number:
            changes["HierarchyGroupId"] = groups[number % 3]
        driver.run(commands.UpdateResource("user", agent_id, changes))


def path(seed: int) -> Path:
    return GOLDEN / f"chronicle-{seed}.txt.xz"


def main() -> None:
    for seed in SEEDS:
        text = chronicle(seed)
        path(seed).write_bytes(lzma.compress(text.encode(), preset=9))
        size = path(seed).stat().st_size
        print(f"{path(seed).name}: {text.count(chr(10))} lines, {size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
