"""Lives: what projections.records knows of agents, contacts and flows until facts are made of it.

State and how facts are named after it; the folds stand in projections.{agent_stretches, offers,
routing_steps, flow_runs, bot_talks, legs}. All of it is one value that survives a snapshot. A fold
looks up what its event names and nothing else.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct, field

from ringfloor.base.limits import RECORD_MONTHS
from ringfloor.base.time import Instant
from ringfloor.domain.contact import Contact, Side, segment_texts
from ringfloor.domain.criteria import Criteria
from ringfloor.domain.facts import Fact, FlowOutcome, Staff
from ringfloor.domain.vocabulary import Channel, InitiationMethod, StatusType

SUBTYPE = "connect:Subtype"
"""The segment attribute that contacts are grouped by."""


class Place(Struct, frozen=True, array_like=True):
    """An agent, and where he stood when he was offered a contact or took it."""

    agent_id: str
    profile_id: str
    groups: tuple[str, ...] = ()
    """The hierarchy groups above him and his own, from the top."""


class Shift(Struct, array_like=True):
    """An agent now, and since when his time has been of one kind."""

    profile_id: str
    since: Instant
    group_id: str | None = None
    status_type: StatusType = "OFFLINE"
    status_id: str | None = None
    hands: dict[str, Instant] = field(default_factory=dict)
    """Contacts that make his time contact time, in order of taking, and since when that counts:
    since he has had them, or since he is Available."""
    errors: dict[str, None] = field(default_factory=dict)
    """Missed, rejected and failed contacts that he has not cleared; a set in order."""


class Ring(Struct, frozen=True, array_like=True):
    """An offer that is not decided."""

    at: Instant
    place: Place


class Intent(Struct, array_like=True):
    """What a bot has taken the customer to want. outcome: None while that is open."""

    name: str
    since: Instant
    turns: int = 0
    until: Instant = 0
    outcome: str | None = None


class Talk(Struct, array_like=True):
    """A conversation with a bot that is not over."""

    action_id: str
    bot_id: str
    alias: str | None
    since: Instant
    asked: bool = False
    """Whether the bot has been asked and has not answered."""
    turns: int = 0
    intents: list[Intent] = field(default_factory=list)
    """The last one is what the talk is about."""
    decided: bool = False
    """Whether the bot is through, and its last words may be playing yet."""


class Run(Struct, array_like=True):
    """A side of a contact in a flow or module."""

    flow_id: str
    flow_type: str
    since: Instant
    module_id: str | None = None
    published_at: Instant | None = None
    queue_id: str | None = None
    """Of the contact when it began."""
    leads_to: FlowOutcome | None = None
    """How it ends, if what it has asked last comes true."""
    next_queue_id: str | None = None
    talk: Talk | None = None


class Life(Struct, array_like=True):
    """A contact that is not final."""

    id: str
    channel: Channel
    initiation_method: InitiationMethod
    subtype: str
    queue_id: str | None = None
    """That it was enqueued in, or that an agent calls for; None: in none, or in an agent's own."""
    own_queue: bool = False
    """Whether that is an agent's own."""
    placed: bool = False
    """Whether routing criteria that are set now are active at once (engine.routing)."""
    ring: Ring | None = None
    place: Place | None = None
    """The agent who has taken it."""
    connected: bool = False
    criteria: Criteria | None = None
    step_since: Instant = 0
    """When the active step was entered."""
    runs: dict[Side, list[Run]] = field(default_factory=dict)
    """A flow, then the modules that it is in, the innermost last."""
    bound_at: Instant | None = None
    """When the edition was published that it will run when it is answered."""


class State(Struct, array_like=True):
    """Everything of one instance."""

    shifts: dict[str, Shift] = field(default_factory=dict)
    """By agent id."""
    groups: dict[str, str | None] = field(default_factory=dict)
    """Hierarchy groups, and the group above each."""
    published: dict[str, Instant | None] = field(default_factory=dict)
    """Flows, modules and their versions, and since when each is published as it is now."""
    lives: dict[str, Life] = field(default_factory=dict)
    """By contact id, until the contact is final."""
    months: int = RECORD_MONTHS
    """For how long facts are kept."""
    oldest: Instant | None = None
    """Nothing that is kept is of before this; None: nothing is kept."""


Fold = Callable[[State, Any, Instant], Iterable[Fact]]
"""Let an event have happened; the facts that became final by it. To be exhausted."""


def subtype(contact: Contact) -> str:
    """What a contact is grouped by as connect:Subtype."""
    return segment_texts(contact)[SUBTYPE]


def born(state: State, contact: Contact) -> Life:
    """A contact has begun."""
    life = Life(
        contact.id,
        contact.channel,
        contact.initiation_method,
        subtype(contact),
        placed=contact.stage == "ACCEPTED",
    )
    state.lives[contact.id] = life
    if contact.agent_id is not None:
        enter_queue(state, life, contact.queue_id)
    return life


def enter_queue(state: State, life: Life, queue_id: str | None) -> None:
    """The contact is one of this queue from now on."""
    life.own_queue = queue_id in state.shifts
    life.queue_id = None if life.own_queue else queue_id


def standard_queue(state: State, queue_id: str | None) -> str | None:
    """The queue, unless it is an agent's own."""
    return None if queue_id in state.shifts else queue_id


def standing(state: State, agent_id: str, profile_id: str | None = None) -> Place:
    """Where an agent stands now. profile_id: another routing profile than his present one."""
    shift = state.shifts[agent_id]
    return Place(agent_id, profile_id or shift.profile_id, path(state, shift.group_id))


def path(state: State, group_id: str | None) -> tuple[str, ...]:
    """A hierarchy group and those above it, from the top."""
    found: list[str] = []
    while group_id is not None:
        found.append(group_id)
        group_id = state.groups.get(group_id)
    return tuple(reversed(found))


LEVELS = Staff.__struct_fields__[-5:]


def staff(place: Place | None) -> dict[str, Any]:
    """The members of facts.Staff."""
    if place is None:
        return {}
    return {
        "agent_id": place.agent_id,
        "routing_profile_id": place.profile_id,
        **dict(zip(LEVELS, place.groups, strict=False)),
    }


def keys(life: Life, place: Place | None = None) -> dict[str, Any]:
    """The members of facts.Keys."""
    return {
        "contact_id": life.id,
        "channel": life.channel,
        "queue_id": life.queue_id,
        "initiation_method": life.initiation_method,
        "subtype": life.subtype,
        **staff(place),
    }
