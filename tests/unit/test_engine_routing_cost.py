"""What an event of routing costs grows no faster than the logarithm of the center's size.

The cost is counted in executed lines, so that it is the same on every machine and every time.
"""

from math import log

import pytest

from routing_builders import Load

SMALL, LARGE = 200, 4_000
"""Waiting contacts; there are a tenth as many agents, and a queue to every forty contacts."""


def lines_per_event(waiting: int, seeking: float) -> float:
    load = Load(agents=waiting // 10, queues=waiting // 40, waiting=waiting, seeking=seeking)
    return load.lines_per_event(150)


@pytest.mark.parametrize("seeking", [0.0, 0.3], ids=["plain", "with criteria"])
def test_an_event_costs_no_more_than_log_size(seeking):
    small, large = lines_per_event(SMALL, seeking), lines_per_event(LARGE, seeking)
    assert large / small < log(LARGE) / log(SMALL)


def test_the_measure_sees_what_grows_with_the_center(monkeypatch):
    """A look at everybody who waits, once an event, is noticed."""
    arrive = Load.arrive

    def counting(load: Load) -> None:
        for _ in load.center.contacts:
            pass
        arrive(load)

    monkeypatch.setattr(Load, "arrive", counting)
    small, large = lines_per_event(SMALL, 0.0), lines_per_event(LARGE, 0.0)
    assert large / small > log(LARGE) / log(SMALL)
