"""Whole nodes under people and faults: no contact is lost, whatever the seed.

`make soak` lives on for hours.
"""

from collections import Counter

import pytest

from simulation.soak import a_life

SEEDS = range(8)
STEPS = 150


@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_is_lost_while_everything_is_well(seed):
    await a_life(seed, STEPS, faulty=False)


@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_is_lost_whatever_fails(seed):
    await a_life(seed + 100, STEPS)


async def test_a_life_is_its_seed():
    one, same, other = [await a_life(seed, 60) for seed in (7, 7, 8)]
    assert one.digest() == same.digest() != other.digest()


async def test_people_do_everything_that_people_do():
    """What never happens here is not tested here."""
    seen: Counter[str] = Counter()
    for seed in range(219, 229):
        seen += (await a_life(seed, 250)).counts
    assert {
        "ContactAccepted", "ContactConnectedToAgent", "ContactHeld", "OfferMissed", "PartyAdded",
        "PartyJoined", "PartyHeld", "ContactSucceeded", "ChatStarted", "ChatItemAdded",
        "TaskPaused", "ParticipantLeft", "AgentLegLost", "CustomerDialled", "ContactScheduled",
        "FlowFinished",
    } <= seen.keys()  # fmt: skip
