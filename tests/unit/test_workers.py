"""Work on several processors: order, progress and faults are those of one."""

import pytest

from pieces import doubled
from ringfloor.base.errors import Fault
from ringfloor.simulator.workers import processors, spread


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_pieces(workers):
    seen = []
    assert spread(doubled, [3, 1, 2], workers, seen.append) == [6, 2, 4]
    assert seen == sorted(seen)
    assert all(0 <= each <= 1 for each in seen)


def test_here_progress_is_told_piece_by_piece():
    seen = []
    spread(doubled, [1, 2], 1, seen.append)
    assert seen == [0.25, 0.75]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_with_a_piece_is_told(workers):
    with pytest.raises(Fault, match="-1 cannot be doubled"):
        spread(doubled, [1, -1, 2, 3], workers)


def test_there_is_a_processor():
    assert processors() >= 1
