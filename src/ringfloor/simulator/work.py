"""Work: what simulated people live on: a center, its time, and ways to know and to act.

The clockwork is one, on virtual time; a running server is the other (simulator.live). So what
people do is written once.
"""

from typing import Any, Protocol

from ringfloor.base.ids import Seed
from ringfloor.base.time import Instant
from ringfloor.domain import commands
from ringfloor.domain.events import Event
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.simulator.clockwork import Deed, Told


class Work(Protocol):
    """Of one center. Who is told of events may find that more has happened since."""

    @property
    def now(self) -> Instant: ...

    @property
    def desk(self) -> Desk: ...

    @property
    def center(self) -> Center: ...

    def at(self, when: Instant, deed: Deed, *about: Any) -> None:  # noqa: ANN401  the deed knows
        """Let this be done then."""

    def hear(self, kind: type[Event], told: Told) -> None:
        """Be told of events of this type."""

    def do(self, command: commands.Command, seed: Seed | None = None) -> None:
        """Have a command carried out; one that comes too late is no news."""
