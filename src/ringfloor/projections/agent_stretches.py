"""Agent stretches: agents' time online, and how long they have contacts in their hands.

    AgentTime   ROUTABLE: contact while he holds at least one contact connected, on hold, paused, in
                after contact work or (his own call, a callback) being dialled, else idle; CUSTOM:
                non_productive. Offline is told as nothing.
    HandTime    each of those contacts, while he is Available

Folds of projections.records. Rules:
- Ringing, missed and failed contacts are idle time; a call that he makes is his from its birth.
- A stretch ends when its kind, his status, routing profile or hierarchy group changes, when he
  comes into error or out of it, and when the user is deleted. Stretches of no length are dropped.
- In error he is from a missed, rejected or failed contact on, until he has cleared the last one.
- Hand time is cut only where he is not Available; its staff is as of when he took the contact.

Source: metrics specification, section 2.5.
"""

from collections.abc import Iterator
from typing import Literal

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.facts import AgentTime, Fact, HandTime
from ringfloor.projections.lives import Shift, State, keys, standing
from ringfloor.projections.lives import staff as of_place

# Agents and where they stand


def created(state: State, event: events.ResourceCreated, at: Instant) -> Iterator[Fact]:
    if event.kind == "user":
        given = event.properties
        state.shifts[event.id] = Shift(given["RoutingProfileId"], at, given.get("HierarchyGroupId"))
    elif event.kind == "hierarchy_group":
        state.groups[event.id] = event.properties.get("ParentGroupId")
    yield from ()


def updated(state: State, event: events.ResourceUpdated, at: Instant) -> Iterator[Fact]:
    if event.kind != "user":
        return
    shift = state.shifts[event.id]
    profile_id = event.changes.get("RoutingProfileId", shift.profile_id)
    group_id = event.changes.get("HierarchyGroupId", shift.group_id)
    if (profile_id, group_id) != (shift.profile_id, shift.group_id):
        yield from _turn(state, event.id, at)
        shift.profile_id, shift.group_id = profile_id, group_id


def deleted(state: State, event: events.ResourceDeleted, at: Instant) -> Iterator[Fact]:
    if event.kind == "user":
        yield from _turn(state, event.id, at)
        del state.shifts[event.id]
    elif event.kind == "hierarchy_group":
        del state.groups[event.id]


def status_changed(state: State, event: events.AgentStatusChanged, at: Instant) -> Iterator[Fact]:
    shift = state.shifts[event.agent_id]
    if (event.status_type, event.status_id) == (shift.status_type, shift.status_id):
        return
    yield from _turn(state, event.agent_id, at)
    if event.status_type != shift.status_type:
        for contact_id in shift.hands:
            yield from _hand(state, event.agent_id, contact_id, at)
            shift.hands[contact_id] = at
    shift.status_type, shift.status_id = event.status_type, event.status_id


# Contacts in an agent's hands


def take(state: State, agent_id: str, contact_id: str, at: Instant) -> Iterator[Fact]:
    """He has the contact from now on."""
    shift = state.shifts[agent_id]
    if contact_id not in shift.hands:
        if not shift.hands:
            yield from _turn(state, agent_id, at)
        shift.hands[contact_id] = at


def let_go(state: State, agent_id: str, contact_id: str, at: Instant) -> Iterator[Fact]:
    """He has the contact no longer, if he had it."""
    shift = state.shifts.get(agent_id)
    if shift is None or contact_id not in shift.hands:
        return
    if len(shift.hands) == 1:
        yield from _turn(state, agent_id, at)
    yield from _hand(state, agent_id, contact_id, at)
    del shift.hands[contact_id]


def comes_to_nothing(state: State, agent_id: str, contact_id: str, at: Instant) -> Iterator[Fact]:
    """A contact that was to be his is missed, or has failed; he is to clear it."""
    yield from let_go(state, agent_id, contact_id, at)
    shift = state.shifts[agent_id]
    if not shift.errors:
        yield from _turn(state, agent_id, at)
    shift.errors[contact_id] = None


def cleared(state: State, event: events.ContactCleared, at: Instant) -> Iterator[Fact]:
    yield from let_go(state, event.agent_id, event.contact_id, at)
    shift = state.shifts[event.agent_id]
    if event.contact_id in shift.errors:
        if len(shift.errors) == 1:
            yield from _turn(state, event.agent_id, at)
        del shift.errors[event.contact_id]


def initiated(state: State, event: events.ContactInitiated, at: Instant) -> Iterator[Fact]:
    born = event.contact
    if born.agent_id is not None:
        state.lives[born.id].place = standing(state, born.agent_id, born.routing_profile_id)
        yield from take(state, born.agent_id, born.id, at)


def accepted(state: State, event: events.ContactAccepted, _at: Instant) -> Iterator[Fact]:
    place = standing(state, event.agent_id, event.routing_profile_id)
    state.lives[event.contact_id].place = place
    yield from ()


def dialled(state: State, event: events.CustomerDialled, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    if life.place is None:
        life.place = standing(state, event.agent_id)
    yield from take(state, event.agent_id, event.contact_id, at)


def connected(state: State, event: events.ContactConnectedToAgent, at: Instant) -> Iterator[Fact]:
    life = state.lives[event.contact_id]
    life.connected = True
    if life.place is None:
        life.place = standing(state, event.agent_id, event.routing_profile_id)
    yield from take(state, event.agent_id, event.contact_id, at)


def lost(
    state: State,
    event: events.OfferMissed | events.AgentLegLost | events.CallbackUnanswered,
    at: Instant,
) -> Iterator[Fact]:
    yield from comes_to_nothing(state, event.agent_id, event.contact_id, at)
    state.lives[event.contact_id].place = None


def ended(state: State, event: events.ContactEnded, at: Instant) -> Iterator[Fact]:
    """Whoever had taken it, and has not been joined to the customer, is told."""
    life = state.lives[event.contact_id]
    if life.place is not None and not life.connected:
        yield from comes_to_nothing(state, life.place.agent_id, life.id, at)


# What is told


def running(state: State, now: Instant) -> Iterator[AgentTime | HandTime]:
    """The stretches that still run, as if they ended now."""
    for agent_id, shift in state.shifts.items():
        yield from _stretch(state, agent_id, now)
        for contact_id in shift.hands:
            yield from _hand(state, agent_id, contact_id, now)


def _turn(state: State, agent_id: str, at: Instant) -> Iterator[AgentTime]:
    """The agent's time is about to be of another kind."""
    yield from _stretch(state, agent_id, at)
    state.shifts[agent_id].since = at


def _stretch(state: State, agent_id: str, at: Instant) -> Iterator[AgentTime]:
    """The agent's time of one kind up to now; nothing if it has no length or does not count."""
    shift = state.shifts[agent_id]
    if shift.status_type == "OFFLINE" or at == shift.since:
        return
    kind: Literal["contact", "idle", "non_productive"] = "non_productive"
    if shift.status_type == "ROUTABLE":
        kind = "contact" if shift.hands else "idle"
    yield AgentTime(
        **of_place(standing(state, agent_id)),
        kind=kind,
        started_at=shift.since,
        ended_at=at,
        in_error=bool(shift.errors),
        status_id=shift.status_id,
    )


def _hand(state: State, agent_id: str, contact_id: str, at: Instant) -> Iterator[HandTime]:
    """How long he has had the contact; nothing if that has no length or does not count."""
    shift = state.shifts[agent_id]
    since = shift.hands[contact_id]
    if shift.status_type == "ROUTABLE" and at != since:
        life = state.lives[contact_id]
        yield HandTime(**keys(life, life.place), started_at=since, ended_at=at)
