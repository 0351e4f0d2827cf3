"""World: what the node asks of whoever stands between it and carriers and functions."""

from collections.abc import Sequence
from typing import Protocol

from ringfloor.base.time import Instant
from ringfloor.engine.effects import Effect
from ringfloor.node.desk import Desk


class World(Protocol):
    """Carriers and functions: what effects are sent to, and what answers with commands."""

    def perform(self, instance_id: str, effects: Sequence[Effect], now: Instant) -> None: ...

    def resumed(self, now: Instant) -> None:
        """All desks have been resumed: what the world has and they do not is let go."""

    def resume(self, desk: Desk, now: Instant) -> None:
        """After a restart: the calls that the center holds, and what they wait for."""

    def next_due(self) -> Instant | None: ...

    def run_due(self, now: Instant) -> None: ...

    def busy(self) -> bool:
        """Whether an answer is still to come without the clock moving."""

    async def close(self) -> None: ...
