"""Announcements: what contacts in line were last told of their wait, and why it may now be less.

Who was told five minutes two minutes ago is told three minutes now, or more; less only if something
has changed for the better since, which is then said. The node owns one per instance, tells it every
durable event, and logs what it says. It is in memory alone: after a restart nobody has been told
anything, and at most WAITS_ANNOUNCED_MAX contacts have.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ringfloor.base.limits import WAITS_ANNOUNCED_MAX
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import events
from ringfloor.domain.events import Event
from ringfloor.waits.order import Class

RATE_CHANGE_MIN = 0.01
"""Share of a rate; it moves by less than that with every contact, which is no reason."""
AHEAD_CHANGE_MIN = 0.01
"""Of those ahead, who may count in part."""

LEAVES = (
    events.ContactDequeued,
    events.ContactConnectedToAgent,
    events.ContactEnded,
    events.CallbackUnanswered,
    events.TaskPaused,
)
"""With these a contact is in line no more."""


class Circumstances(NamedTuple):
    """What an estimate was made of."""

    kind: Class
    """Where the contact stands: its line, its priority, its age adjustment."""
    ahead: float
    agents: float
    served_per_s: float
    """By a busy agent."""
    lost_per_s: float
    """Of each who waits."""
    by: str
    """The estimator; version: of its model."""
    version: int | None
    is_next: bool = False
    """It rings at an agent, or one is free for it."""


class Announcement(NamedTuple):
    """What a contact has been told."""

    at: Instant
    seconds: int
    circumstances: Circumstances

    def left_s(self, now: Instant) -> int:
        """What was announced, less what has elapsed since; whole seconds, rounded up."""
        left_ms = self.seconds * SECOND - (now - self.at)
        return max(0, -(-left_ms // SECOND))


class Announced(NamedTuple):
    """What a contact is told now, and what it was told before."""

    seconds: int
    before: Announcement | None
    reasons: tuple[str, ...] = ()
    """Why it is less than was left of it; none: it is not."""
    held: bool = False
    """It would have been less, and nothing has changed for the better."""


class Announcements:
    """Of one instance."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[str, Announcement] = {}
        """By contact id; told longest ago first."""

    def on(self, event: Event) -> None:
        """Let it have happened."""
        if isinstance(event, LEAVES):
            self._told.pop(event.contact_id, None)

    def announce(
        self, contact_id: str, seconds: int, circumstances: Circumstances, now: Instant
    ) -> Announced:
        """The contact in line is to be told so many seconds."""
        before = self._told.get(contact_id)
        reasons: tuple[str, ...] = ()
        if before is not None and seconds < before.left_s(now):
            reasons = tuple(_better(before.circumstances, circumstances))
            if not reasons:
                return Announced(before.left_s(now), before, held=True)
        self._told.pop(contact_id, None)
        self._told[contact_id] = Announcement(now, seconds, circumstances)
        if len(self._told) > WAITS_ANNOUNCED_MAX:
            del self._told[next(iter(self._told))]
        return Announced(seconds, before, reasons)

    def __len__(self) -> int:
        return len(self._told)


def _better(before: Circumstances, now: Circumstances) -> Iterator[str]:
    """What has changed for the better."""
    if now.is_next and not before.is_next:
        yield "an agent is there for it"
    if now.kind.queue != before.kind.queue:
        yield "it is sought for by another routing step"
    if _turn(now.kind) < _turn(before.kind):
        yield f"its priority was {_rank(before.kind)}, now {_rank(now.kind)}"
    if now.ahead < before.ahead - AHEAD_CHANGE_MIN:
        yield f"ahead were {before.ahead:.1f}, now {now.ahead:.1f}"
    if now.agents > before.agents:
        yield f"agents were {before.agents:g}, now {now.agents:g}"
    if now.served_per_s > before.served_per_s * (1 + RATE_CHANGE_MIN):
        yield (
            f"an agent took one in {1 / before.served_per_s:.0f} s,"
            f" now in {1 / now.served_per_s:.0f} s"
        )
    if now.lost_per_s > before.lost_per_s * (1 + RATE_CHANGE_MIN):
        yield (
            f"who waits gave up after {1 / before.lost_per_s:.0f} s,"
            f" now after {1 / now.lost_per_s:.0f} s"
        )
    if not now.is_next and (now.by, now.version) != (before.by, before.version):
        yield f"told by {_estimator(before)}, now by {_estimator(now)}"


def _turn(kind: Class) -> tuple[int, int]:
    """The lower, the sooner one is served."""
    return kind.priority, -kind.age_adjustment_ms


def _rank(kind: Class) -> str:
    adjusted = kind.age_adjustment_ms
    return f"{kind.priority}" + (f" ({adjusted / SECOND:+g} s)" if adjusted else "")


def _estimator(circumstances: Circumstances) -> str:
    version = circumstances.version
    return circumstances.by if version is None else f"{circumstances.by} {version}"
