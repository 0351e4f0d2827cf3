"""A few short lives, for faults that no ledger sees: what `make mutants` asks last."""

import pytest

from simulation.world import World


@pytest.mark.parametrize("seed", range(7_000, 7_006))
def test_a_short_life(seed):
    world = World(seed)
    world.live(150)
    world.driver.check_history()
    world.end()
