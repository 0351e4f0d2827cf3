"""Routing: which contact for this agent, which agent for this contact.

The order is that of the behaviour specification, section 4.1: the agent's own queue, the priority
of the routing profile's rows, the contact's priority, its adjusted age, its turn; among agents the
longest available. Agents stand in one pool per routing profile and channel that they may take now,
so that neither question looks at anybody who could not be the answer: a contact asks one pool per
routing profile that serves its queue, an agent asks one line per row of his profile.
"""

from collections.abc import Iterator
from typing import cast

from sortedcontainers import SortedList

from ringfloor.domain.commands import MatchAgent, MatchContact
from ringfloor.domain.contact import Agent, Contact
from ringfloor.domain.events import ContactOffered, Event
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import queue
from ringfloor.engine.state import Center, Idle, Place, PoolKey, Profile, Row

BLOCKING = frozenset({"MISSED", "REJECTED", "ERROR"})
"""States of a contact that keep every other contact from its agent until it is cleared."""


# Routing profiles, as routing reads them


def compiled(profile_id: str, properties: Properties) -> Profile:
    """A routing profile resource as rows and concurrency; delays in ms."""
    rows = [
        Row(
            entry["QueueReference"]["QueueId"],
            entry["QueueReference"]["Channel"],
            entry["Priority"],
            entry["Delay"] * 1000,
        )
        for entry in properties.get("QueueConfigs") or ()
    ]
    media = properties["MediaConcurrencies"]
    return Profile(
        profile_id,
        tuple(sorted(rows, key=lambda row: (row.priority, row.queue_id, row.channel))),
        {entry["Channel"]: entry["Concurrency"] for entry in media},
        frozenset(
            entry["Channel"]
            for entry in media
            if (entry.get("CrossChannelBehavior") or {}).get("BehaviorType") == "ROUTE_ANY_CHANNEL"
        ),
    )


def install(center: Center, profile_id: str, profile: Profile | None) -> None:
    """Put a routing profile in place, in another's stead, or take it away (None)."""
    old = center.profiles.pop(profile_id, None)
    keys = {(row.queue_id, row.channel) for each in (old, profile) if each for row in each.rows}
    before = {key: queue.delays(center, key) for key in keys}
    if old is not None:
        for row in old.rows:
            serving = center.rows.get((row.queue_id, row.channel), {})
            serving.pop(profile_id, None)
            if not serving:
                center.rows.pop((row.queue_id, row.channel), None)
    if profile is not None:
        center.profiles[profile_id] = profile
        for row in profile.rows:
            serving = center.rows.setdefault((row.queue_id, row.channel), {})
            serving[profile_id] = row.delay_ms
    for key in sorted(keys):
        if queue.delays(center, key) != before[key]:
            queue.reline(center, key, before[key])
    for agent in center.users_of(profile_id):
        stand(center, agent)


def profile_of(center: Center, agent: Agent) -> Profile:
    """The routing profile of an agent."""
    user = center.resources["user"][agent.id]
    return center.profiles[user.properties["RoutingProfileId"]]


# Who may take what


def open_channels(center: Center, agent: Agent) -> tuple[Channel, ...]:
    """The channels on which the agent can be offered a contact now (section 4.3)."""
    if agent.status_type != "ROUTABLE" or agent.next_status_id is not None:
        return ()
    profile = profile_of(center, agent)
    held = list(agent.contacts.values())
    if any(contact.state in BLOCKING for contact in held):
        return ()
    busy = {contact.channel for contact in held}
    return tuple(
        channel
        for channel, most in profile.concurrency.items()
        if sum(contact.channel == channel for contact in held) < most
        and all(other == channel or other in profile.mixes for other in busy)
    )


def stand(center: Center, agent: Agent) -> None:
    """Put the agent into the pools where he belongs now, and out of all others."""
    step_out(center, agent.id)
    channels = open_channels(center, agent)
    if not channels:
        return
    idle: Idle = (agent.idle_since, agent.idle_turn, agent.id)
    profile_id = profile_of(center, agent).id
    keys: tuple[PoolKey, ...] = tuple((profile_id, channel) for channel in channels)
    for key in keys:
        center.pools.setdefault(key, SortedList()).add(idle)
    center.placed[agent.id] = idle, keys


def step_out(center: Center, agent_id: str) -> None:
    """Take the agent out of all pools."""
    idle, keys = center.placed.pop(agent_id, (None, ()))
    for key in keys:
        pool = center.pools[key]
        pool.remove(idle)
        if not pool:
            del center.pools[key]


# The two questions


def agent_for(center: Center, contact: Contact) -> str | None:
    """The agent who has been available longest among those who may take this contact now."""
    queue_id, channel = queue.line_key(contact)
    if queue_id in center.agents:
        _, pools = center.placed.get(queue_id, (None, ()))
        return queue_id if any(open_ == channel for _, open_ in pools) else None
    longest: Idle | None = None
    for profile_id, delay in center.rows.get((queue_id, channel), {}).items():
        pool = center.pools.get((profile_id, channel))
        if (
            pool
            and (longest is None or pool[0] < longest)
            and queue.is_ripe(center, contact, delay)
        ):
            longest = cast("Idle", pool[0])
    return longest[2] if longest else None


def contact_for(center: Center, agent: Agent) -> str | None:
    """The contact that comes first for this agent now."""
    _, pools = center.placed.get(agent.id, (None, ()))
    channels = {channel for _, channel in pools}
    own = [queue.head(center, (agent.id, channel), 0) for channel in sorted(channels)]
    best = min((place for place in own if place), default=None)
    if best is None and channels:
        best = _best_of_rows(center, profile_of(center, agent), channels)
    return best[3] if best else None


def _best_of_rows(center: Center, profile: Profile, channels: set[Channel]) -> Place | None:
    best: Place | None = None
    rank = 0
    for row in profile.rows:
        if best is not None and row.priority > rank:
            break
        if row.channel in channels:
            first = queue.head(center, (row.queue_id, row.channel), row.delay_ms)
            if first is not None and (best is None or first < best):
                best, rank = first, row.priority
    return best


# Commands


def match_contact(center: Center, command: MatchContact, until: int) -> Iterator[Event]:
    """Offer the contact to an agent, if there is one."""
    contact = center.contacts.get(command.contact_id)
    if contact is not None and contact.stage == "IN_QUEUE":
        agent_id = agent_for(center, contact)
        if agent_id is not None:
            yield _offer(contact, agent_id, until)


def match_agent(center: Center, command: MatchAgent, until: int) -> Iterator[Event]:
    """Offer the agent a contact, if there is one."""
    agent = center.agents.get(command.agent_id)
    if agent is not None:
        contact_id = contact_for(center, agent)
        if contact_id is not None:
            yield _offer(center.contacts[contact_id], agent.id, until)


def _offer(contact: Contact, agent_id: str, until: int) -> Event:
    queue_id, channel = queue.line_key(contact)
    return ContactOffered(contact.id, agent_id, queue_id, channel, until)
