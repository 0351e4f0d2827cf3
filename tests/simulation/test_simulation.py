"""Many short lives: whatever the seed, auditor and invariants agree with the engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfloor.domain import events
from simulation.world import World

SEEDS = range(60)
STEPS = 200

ELSEWHERE: dict[type, str] = {
    events.InstanceDeleted: "ends the world; the golden journal `end` has it",
    events.ChatStreamStarted: "nobody waits for it: tests/unit/test_engine_chat.py",
    events.ChatStreamStopped: "nobody waits for it: tests/unit/test_engine_chat.py",
    events.ContactImported: "is over before it comes: tests/unit/test_importing.py",
}
"""What does not happen in these lives, and where it is tested instead."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_life_is_right_and_is_remembered(seed):
    world = World(seed)
    world.live(STEPS)
    world.driver.check_history()
    world.end()
    world.driver.check_history()


@pytest.mark.parametrize("seed", range(5_000, 5_020))
def test_a_life_in_which_nobody_looks_at_the_clock_in_time(seed):
    world = World(seed, late=True)
    world.live(STEPS)
    world.driver.check_history()
    world.end()


def test_everything_that_can_happen_happens_to_somebody():
    seen: set[type] = set()
    for seed in range(9_022, 9_070):
        world = World(seed, checked=False)
        world.live(400)
        world.end()
        seen.update(type(event) for _, happened in world.driver.log for event in happened)
    assert set(events.Event.__args__) - seen == set(ELSEWHERE)


def test_a_life_is_its_seed_whatever_the_hash_seed():
    """The order of sets and of their like decides nothing: the same bytes in every process."""
    program = (
        "from simulation.world import World\n"
        "for seed in range(3):\n"
        "    world = World(seed, checked=False, late=True)\n"
        "    world.live(300)\n"
        "    print(world.digest())"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(told) == 1


def test_different_seeds_live_different_lives():
    worlds = [World(seed, checked=False) for seed in (3, 4)]
    for world in worlds:
        world.live(20)
    assert worlds[0].digest() != worlds[1].digest()
