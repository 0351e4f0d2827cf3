"""History: a log as what happened, moment by moment, and what was known when each came to wait.

asks(contacts) replays a floor and looks at it, just before each contact joins the queue; what came
of it stands beside, for training and for scores, and is never shown to the floor before its time.
Rules:

- At one moment contacts end first, then agents take others, then some abandon, then others come.
- Who is taken at the moment he comes has not waited, and asks nothing; who abandons then never
  was in queue.
- After contact work counts as the agent's; of hold nothing is known while it lasts.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from ringfloor.base.time import Instant
from ringfloor.domain.logged import LoggedContact
from ringfloor.waits.floor import Floor
from ringfloor.waits.order import Class
from ringfloor.waits.views import View, look


class What(IntEnum):
    """In the order in which they happen at one moment."""

    ENDED = 0
    ANSWERED = 1
    ABANDONED = 2
    CAME = 3


class Happening(NamedTuple):
    """One thing that happens to a contact. row: of the log."""

    at: Instant
    what: What
    row: int


class Ask(NamedTuple):
    """What was known when a contact came to wait, and what came of it.

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
        return self.over_at - self.at


def happenings(contacts: Iterable[tuple[int, LoggedContact]]) -> Iterator[Happening]:
    """All that the queue and its agents see of some contacts; in no order."""
    for row, contact in contacts:
        if contact.enqueued_at is None or contact.dequeued_at is None:
            continue
        waited = contact.dequeued_at > contact.enqueued_at
        if waited:
            yield Happening(contact.enqueued_at, What.CAME, row)
        if contact.connected_to_agent_at is not None:
            yield Happening(contact.dequeued_at, What.ANSWERED, row)
            # The very moment of the answer would come before it.
            yield Happening(max(contact.over_at, contact.dequeued_at + 1), What.ENDED, row)
        elif waited:
            yield Happening(contact.dequeued_at, What.ABANDONED, row)


def class_of(contact: LoggedContact) -> Class:
    """Among whom a contact of a log is served in turn."""
    return Class(contact.queue or "", contact.priority, contact.age_adjustment_ms)


def asks(contacts: list[LoggedContact]) -> Iterator[Ask]:
    """What each that waited would have asked, in order."""
    floor = Floor()
    for at, what, row in sorted(happenings(enumerate(contacts))):
        contact = contacts[row]
        kind = class_of(contact)
        match what:
            case What.ENDED:
                floor.ended(contact.id, at)
            case What.ANSWERED:
                floor.answered(contact.id, kind, contact.agent, at)
            case What.ABANDONED:
                floor.abandoned(contact.id, at)
            case What.CAME:
                view = look(floor, kind, at)
                floor.came(contact.id, kind, at, view.qlm_s)
                over_at = contact.dequeued_at
                assert over_at is not None, "who was in queue has left it"
                answered = contact.connected_to_agent_at is not None
                yield Ask(contact.id, kind, at, view, over_at, answered)
