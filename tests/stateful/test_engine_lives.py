"""Sensible lives, as the simulation draws them, under the twins' eyes."""

import pytest

from simulation.world import World
from stateful.engine_twins import TwinDriver


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
@pytest.mark.parametrize("seed", range(100, 108))
def test_a_life_can_be_replayed_and_restored_at_any_moment(seed, late):
    world = World(seed, driver=TwinDriver, late=late)
    driver = world.driver
    assert isinstance(driver, TwinDriver)
    for _ in range(8):
        driver.snapshot()
        world.live(15)
    world.end()
    driver.check_history()
