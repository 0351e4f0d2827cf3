"""History: a log as what happened, moment by moment, and what was known when each came to wait.

asks(contacts) replays a floor and looks at it, just before each contact joins the line; what came
of it stands beside, for training and for scores, and is never shown to the floor before its time.
Rules:

- At one moment contacts end first, then agents take others, then some abandon, then some who wait
  ask again, then others come.
- Who is taken at the moment he comes has not waited, and asks nothing; who abandons then never
  was in line.
- After contact work counts as the agent's; of hold nothing is known while it lasts.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from ringfloor.base import zones
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.logged import LoggedContact
from ringfloor.waits.floor import Floor
from ringfloor.waits.order import Class
from ringfloor.waits.views import View, look

AGAIN_S = (30, 75, 150, 300, 600, 1_200)
"""When those who wait ask again, if they are to."""


class What(IntEnum):
    """In the order in which they happen at one moment."""

    ENDED = 0
    ANSWERED = 1
    ABANDONED = 2
    ASKED = 3
    CAME = 4


class Happening(NamedTuple):
    """One thing that happens to a contact. row: of the log."""

    at: Instant
    what: What
    row: int


class Ask(NamedTuple):
    """What was known when a contact came to wait or asked again, and what came of it.

    answered: over_at is when an agent took it; otherwise it abandoned then.
    """

    id: str
    kind: Class
    at: Instant
    view: View
    over_at: Instant
    answered: bool

    @property
    def waited_ms(self) -> int:
        """From the asking on."""
        return self.over_at - self.at

    @property
    def first(self) -> bool:
        """It came just then."""
        return not self.view.waited_s


def happenings(
    contacts: Iterable[tuple[int, LoggedContact]], *, again: bool = False
) -> Iterator[Happening]:
    """All that the line and its agents see of some contacts; in no order."""
    for row, contact in contacts:
        enqueued_at, dequeued_at = contact.enqueued_at, contact.dequeued_at
        if enqueued_at is None or dequeued_at is None:
            continue
        waited = dequeued_at > enqueued_at
        if waited:
            yield Happening(enqueued_at, What.CAME, row)
            moments = (enqueued_at + each * SECOND for each in AGAIN_S) if again else ()
            yield from (Happening(at, What.ASKED, row) for at in moments if at < dequeued_at)
        if contact.connected_to_agent_at is not None:
            yield Happening(dequeued_at, What.ANSWERED, row)
            # The very moment of the answer would come before it.
            yield Happening(max(contact.over_at, dequeued_at + 1), What.ENDED, row)
        elif waited:
            yield Happening(dequeued_at, What.ABANDONED, row)


def class_of(contact: LoggedContact) -> Class:
    """Among whom a contact of a log is served in turn."""
    return Class(contact.queue or "", contact.priority, contact.age_adjustment_ms)


def asks(contacts: list[LoggedContact], *, again: bool = False, zone: str = "UTC") -> Iterator[Ask]:
    """What each that waited would have asked, in order. again: also while it waited, at AGAIN_S."""
    floor = Floor()
    for at, what, row in sorted(happenings(enumerate(contacts), again=again)):
        contact = contacts[row]
        kind = class_of(contact)
        match what:
            case What.ENDED:
                floor.ended(contact.id, at)
            case What.ANSWERED:
                floor.answered(contact.id, kind, contact.agent, at)
            case What.ABANDONED:
                floor.abandoned(contact.id, at)
            case What.ASKED | What.CAME:
                over_at = contact.dequeued_at
                assert over_at is not None, "who was in line has left it"
                there = contact.id if what is What.ASKED else None
                view = look(floor, kind, at, contact_id=there, zone_ms=zones.offset(at, zone))
                yield Ask(
                    contact.id, kind, at, view, over_at, contact.connected_to_agent_at is not None
                )
                if there is None:
                    floor.came(contact.id, kind, at)
