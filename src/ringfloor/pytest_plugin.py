"""pytest plugin: a contact center for each test, in which flows are tried in milliseconds.

pytest finds it when Ringfloor is installed. See docs/testing-flows.md.

    def test_sales(rehearsal):
        rehearsal.flow("main", Path("flows/main.json"))
        call = rehearsal.call("main")
        call.press("1")
        assert call.queue == "Sales"
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ringfloor.rehearsal import Rehearsal


@pytest.fixture
def rehearsal(rehearsals: "Callable[[int], Rehearsal]") -> "Rehearsal":
    """A contact center that nobody has used, on virtual time."""
    return rehearsals(1)


@pytest.fixture
def rehearsals() -> "Callable[[int], Rehearsal]":
    """Contact centers whose chance (DistributeByPercentage, ids) is that of a seed."""
    from ringfloor.rehearsal import Rehearsal  # noqa: PLC0415  every run of pytest loads this file

    return lambda seed: Rehearsal(seed=seed)
