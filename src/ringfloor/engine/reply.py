"""Reply: what answers to the asks of flows are made of; see engine.answers."""

from typing import NamedTuple

from ringfloor.base.ids import Seed
from ringfloor.domain import dialogue
from ringfloor.domain.contact import Contact, Run, Side
from ringfloor.domain.events import Event
from ringfloor.engine.state import Center


class Stand(NamedTuple):
    """Who asks: one side of a contact, where it stands in its flow."""

    center: Center
    contact: Contact
    side: Side
    run: Run
    seed: Seed


class Reply(NamedTuple):
    """What the flow hears at once (None: the world answers, or it is over), and what happens."""

    heard: dialogue.Heard | None
    events: tuple[Event, ...] = ()


NO_MATCHING_ERROR = dialogue.Failed("NoMatchingError")

FAILED = Reply(NO_MATCHING_ERROR)


def done(*events: Event) -> Reply:
    """The flow hears that it is done, and these happen."""
    return Reply(dialogue.Done(), events)


def result(value: str) -> Reply:
    """The conditions of the action are held against this."""
    return Reply(dialogue.Result(value))
