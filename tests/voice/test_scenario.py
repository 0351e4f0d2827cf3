"""The scenario against simulated phones and the carrier of our own; Asterisk's: test_asterisk."""

import pytest

from voice import scenario
from voice.reaches import embedded_reach
from voice.simulated import SimulatedReach

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sip")]


def test_the_whole_scenario_with_simulated_phones():
    scenario.play(SimulatedReach())


def test_the_whole_scenario(tmp_path):
    with embedded_reach(tmp_path) as reach:
        scenario.play(reach, lambda step, seconds: print(f"{seconds:6.2f} s  {step}"))
