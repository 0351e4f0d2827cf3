"""User data: who is at work now, in which status, with which slots and contacts.

GetCurrentUserData asks; everything is as it is at the moment of asking. Rules:

- Users who are offline are not shown. Without a filter of users all others are.
- A queue stands for the users whose routing profile serves it, a hierarchy group for those in it
  and in the groups below it. Who is unknown contributes nothing.
- ContactStates choose users: those with a contact in one of these states. They are shown whole.
- A contact on hold is in its state since it was connected. The API has no word for a paused task:
  it is shown as CONNECTED, since its pause began.
- Slots follow the metrics SLOTS_AVAILABLE and SLOTS_ACTIVE.

Costs: the users that the filter stands for, and of these who is shown also his contacts; they are
found by routing profile, queue and group, and nobody else is looked at.

Source: metrics specification, section 4.4; botocore's model.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ringfloor.base.time import seconds
from ringfloor.domain.contact import Agent, Held
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import CHANNELS, AgentContactState
from ringfloor.engine import hierarchy
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.contacts import method
from ringfloor.projections.counters import WEIGHTS
from ringfloor.projections.realtime import Realtime

LEVELS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")


class Asked(NamedTuple):
    """Whom a request is about. At most one of the first four is there; None: no such filter."""

    agents: tuple[str, ...] | None
    profiles: tuple[str, ...] | None
    queues: tuple[str, ...] | None
    groups: tuple[str, ...] | None
    states: frozenset[str]
    """Of contacts; empty: users with and without contacts."""


def user_data(desk: Desk, asked: Asked) -> list[Properties]:
    """UserDataList, by user id."""
    center, realtime = desk.center, desk.realtime
    agents = (center.agents.get(agent_id) for agent_id in sorted(_scope(center, realtime, asked)))
    return [
        _user(center, realtime, agent)
        for agent in agents
        if agent is not None and agent.status_type != "OFFLINE" and _fits(agent, asked.states)
    ]


def _scope(center: Center, realtime: Realtime, asked: Asked) -> set[str]:
    """The users that the filter stands for, offline or not."""
    if asked.agents is not None:
        return set(asked.agents)
    if asked.groups is not None:
        return {user for group in asked.groups for user in _members(center, group)}
    profiles: Iterable[str]
    if asked.profiles is not None:
        profiles = asked.profiles
    elif asked.queues is not None:
        serving = realtime.counters.serving
        profiles = {profile for queue in asked.queues for profile in serving.get(queue, ())}
    else:
        return set(center.agents)
    return {user for profile in profiles for user in realtime.counters.users.get(profile, ())}


def _members(center: Center, group_id: str) -> Iterator[str]:
    """The users of a hierarchy group and of the groups below it."""
    for kind, identifier in center.referrers.get(group_id, {}):
        if kind == "user":
            yield identifier
        elif kind == "hierarchy_group":
            yield from _members(center, identifier)


def _fits(agent: Agent, states: frozenset[str]) -> bool:
    return not states or any(_state(held) in states for held in agent.contacts.values())


def _state(held: Held) -> AgentContactState:
    return "CONNECTED" if held.state == "PAUSED" else held.state


def _user(center: Center, realtime: Realtime, agent: Agent) -> Properties:
    home = center.home
    profile_id = center.resources["user"][agent.id].properties["RoutingProfileId"]
    status = center.resources["agent_status"][agent.status_id]
    shown: Properties = {
        "User": {"Id": agent.id, "Arn": home.arn_of("user", agent.id)},
        "RoutingProfile": {"Id": profile_id, "Arn": home.arn_of("routing_profile", profile_id)},
        "Status": {
            "StatusStartTimestamp": seconds(agent.status_since),
            "StatusArn": home.arn_of("agent_status", status.id),
            "StatusName": status.name,
        },
        **_slots(realtime, agent.id),
        "Contacts": [_contact(center, agent, held) for held in agent.contacts.values()],
    }
    groups = hierarchy.of_user(center, agent.id)
    if groups:
        shown["HierarchyPath"] = {
            level: {"Id": group.id, "Arn": home.arn_of("hierarchy_group", group.id)}
            for level, group in zip(LEVELS, groups, strict=False)
        }
    if agent.next_status_id is not None:
        shown["NextStatus"] = center.resources["agent_status"][agent.next_status_id].name
    return shown


def _slots(realtime: Realtime, agent_id: str) -> Properties:
    """The three maps, of the channels that his routing profile has or a contact of his is of."""
    facts = realtime.facts.agents[agent_id]
    most = realtime.facts.profiles[facts.profile_id].slots
    free = realtime.counters.cards[agent_id].free
    active = [0] * len(CHANNELS)
    for held in facts.held.values():
        active[held.channel] += WEIGHTS[held.grip][0]
    numbers = [number for number in range(len(CHANNELS)) if most[number] or active[number]]
    return {
        member: {CHANNELS[number]: counts[number] for number in numbers}
        for member, counts in (
            ("AvailableSlotsByChannel", free),
            ("MaxSlotsByChannel", most),
            ("ActiveSlotsByChannel", active),
        )
    }


def _contact(center: Center, agent: Agent, held: Held) -> Properties:
    """A contact in his hands; one that he has missed, or that has failed, as it was then."""
    shown: Properties = {
        "ContactId": held.contact_id,
        "Channel": held.channel,
        "AgentContactState": _state(held),
        "StateStartTimestamp": seconds(held.since),
    }
    contact = held.last or center.contacts.get(held.contact_id)
    if contact is None:
        return shown
    shown["InitiationMethod"] = method(contact.initiation_method)
    if contact.agent_id == agent.id and contact.connected_to_agent_at is not None:
        shown["ConnectedToAgentTimestamp"] = seconds(contact.connected_to_agent_at)
    if contact.queue_id is not None:
        of_agent = contact.queue_id in center.agents
        shown["Queue"] = {
            "Id": contact.queue_id,
            "Arn": center.home.queue_arn(contact.queue_id, of_agent=of_agent),
        }
    return shown
