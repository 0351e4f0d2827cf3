"""Order: who is really served before whom, learnt from whom agents have taken.

A class is a queue, a priority and an age adjustment. Priorities are strict; among contacts of the
same priority each class has a credit: by how many ms it counts as longer in queue than it is. It
begins as the age adjustment that the contacts are told to have. Whenever an agent takes somebody
and passes over another whom he could have taken, although by the credits it was the other's turn,
both classes move towards each other. So queues that routing prefers are found without being told.

Owned by waits.floor. The same events give the same credits.
"""

from typing import NamedTuple

from msgspec import Struct, field

from ringfloor.base.time import SECOND, Duration, Instant

PACE = 0.05
"""How far both classes move of what was wrong by."""
STEP_MS_MAX = 20 * SECOND
"""Of one surprise, so that an agent who picks as he likes does not turn the order over."""
CREDITS_MAX = 10_000
"""Classes whose order is learnt; an age adjustment may be any number."""


class Class(NamedTuple):
    """Contacts among which who came first is served first."""

    queue: str
    priority: int
    age_adjustment_ms: Duration


class Order(Struct, array_like=True):
    """The credits of one center."""

    credits: dict[Class, float] = field(default_factory=dict)
    """The oldest first; as many as CREDITS_MAX."""

    def credit(self, kind: Class) -> float:
        """By how many ms longer a class counts as waiting."""
        return self.credits.get(kind, float(kind.age_adjustment_ms))

    def place(self, kind: Class, since: Instant) -> tuple[int, float]:
        """Where a contact stands; the least is served first."""
        return kind.priority, since - self.credit(kind)

    def passed_over(
        self, taken: Class, taken_since: Instant, left: Class, left_since: Instant
    ) -> None:
        """An agent took one and left another whom he could have taken."""
        if taken == left or taken.priority != left.priority:
            return
        wrong = self.place(taken, taken_since)[1] - self.place(left, left_since)[1]
        if wrong > 0:
            step = min(wrong, STEP_MS_MAX) * PACE
            self._change(taken, step)
            self._change(left, -step)

    def _change(self, kind: Class, step: float) -> None:
        self.credits[kind] = self.credit(kind) + step
        if len(self.credits) > CREDITS_MAX:
            del self.credits[next(iter(self.credits))]
