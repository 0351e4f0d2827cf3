"""Routing: which contact for this agent, which agent for this contact.

The order is that of the behaviour specification, section 4.1: the agent's own queue, the priority
of the routing profile's rows, the contact's priority, its adjusted age, its turn; among agents the
longest available. Agents stand in one pool per routing profile and channel that they may take now,
so that neither question looks at anybody who could not be the answer: a contact asks one pool per
routing profile that serves its queue, an agent asks one line per row of his profile.

Contacts with routing criteria stand in a group of their line by the expression of their active
step, and such agents as meet it in pools of that expression (engine.demand). So an event costs, in
steps of log(size): for a contact the routing profiles that serve its queue; for an agent the rows
of his profile, times the expressions that he meets or that the row's contacts seek by, whichever
are fewer, and as many pools as he has channels, times the expressions that he meets. Those are
bounded by ROUTING_EXPRESSIONS_PER_TERM_MAX for each of his proficiencies; criteria that would be
one too many are refused.

Manual assignment: rows of ManualAssignmentQueueConfigs are not routed; an offer by hand (assign)
asks for nothing but that the contact is in queue.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from sortedcontainers import SortedList

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import ROUTING_CRITERIA_KEPT_MAX
from ringfloor.base.time import Duration, Instant
from ringfloor.domain import criteria, destinations, practice
from ringfloor.domain.commands import AssignContact, MatchAgent, MatchContact
from ringfloor.domain.contact import Agent, Contact, Held
from ringfloor.domain.criteria import Criteria, Step, StepStatus
from ringfloor.domain.events import (
    ContactOffered,
    Event,
    RoutingCriteriaSet,
    RoutingStepExpired,
)
from ringfloor.domain.resources import Properties, Resource
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import queue, staff
from ringfloor.engine.demand import Idle, PoolKey
from ringfloor.engine.schedule import set_timer
from ringfloor.engine.state import Center, Place, Profile, Row

STEP = "routing step"
"""Name of the timer that ends the active step of a contact's routing criteria."""

PLACED = frozenset({"IN_QUEUE", "OFFERED", "ACCEPTED"})
"""Stages in which routing criteria that are set take effect at once."""

BLOCKING = staff.FAILED
"""States of a contact that keep every other contact from its agent until it is cleared."""


# Routing profiles, as routing reads them


def compiled(profile_id: str, properties: Properties) -> Profile:
    """A routing profile resource as rows and concurrency; delays in ms."""
    manual = {
        (entry["QueueReference"]["QueueId"], entry["QueueReference"]["Channel"])
        for entry in properties.get("ManualAssignmentQueueConfigs") or ()
    }
    rows = [
        Row(
            entry["QueueReference"]["QueueId"],
            entry["QueueReference"]["Channel"],
            entry["Priority"],
            entry["Delay"] * 1000,
        )
        for entry in properties.get("QueueConfigs") or ()
        if (entry["QueueReference"]["QueueId"], entry["QueueReference"]["Channel"]) not in manual
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
        properties.get("AgentAvailabilityTimer") == "TIME_SINCE_LAST_INBOUND",
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


def learn(center: Center, user_id: str, properties: Properties | None) -> None:
    """What a user can do, as his proficiencies now say; None: he is gone. He must stand anew."""
    rows = (properties or {}).get("Proficiencies") or ()
    skills = {(row["AttributeName"], row["AttributeValue"]): row["Level"] for row in rows}
    center.demand.learn(user_id, skills)


OUTBOUND = frozenset({"OUTBOUND", "EXTERNAL_OUTBOUND"})
"""How contacts begin that an agent has made himself."""


def wait_begins(center: Center, agent: Agent, held: Held) -> bool:
    """Whether the agent's wait starts anew when he is rid of this contact (section 4.1)."""
    if not profile_of(center, agent).inbound_only or held.state in BLOCKING:
        return True
    contact = center.contacts.get(held.contact_id)
    return contact is None or contact.initiation_method not in OUTBOUND


# Who may take what


def open_channels(center: Center, agent: Agent) -> tuple[Channel, ...]:
    """The channels on which the agent can be offered a contact now (section 4.3)."""
    if agent.status_type != "ROUTABLE" or agent.next_status_id is not None:
        return ()
    profile = profile_of(center, agent)
    held = [each for each in agent.contacts.values() if each.state != "PAUSED"]
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
    if channels:
        _step_in(center, agent, channels)
    staff.count(center, agent)


def _step_in(center: Center, agent: Agent, channels: tuple[Channel, ...]) -> None:
    idle: Idle = (agent.idle_since, agent.idle_turn, agent.id)
    profile_id = profile_of(center, agent).id
    keys: tuple[PoolKey, ...] = tuple((profile_id, channel) for channel in channels)
    for key in keys:
        center.pools.setdefault(key, SortedList()).add(idle)
    center.placed[agent.id] = idle, keys
    center.demand.stand(agent.id, (idle, keys))


def step_out(center: Center, agent_id: str) -> None:
    """Take the agent out of all pools."""
    standing = center.placed.pop(agent_id, None)
    if standing is None:
        return
    center.demand.step_out(agent_id, standing)
    idle, keys = standing
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
    expression = queue.sought_by(contact)
    longest: Idle | None = None
    for profile_id, delay in center.rows.get((queue_id, channel), {}).items():
        key = profile_id, channel
        pool = center.demand.pool(expression, key) if expression else center.pools.get(key)
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
        met = center.demand.met_by(agent.id)
        best = _best_of_rows(center, profile_of(center, agent), channels, met)
    return best[3] if best else None


def _best_of_rows(
    center: Center, profile: Profile, channels: set[Channel], met: Mapping[str, None]
) -> Place | None:
    best: Place | None = None
    rank = 0
    for row in profile.rows:
        if best is not None and row.priority > rank:
            break
        if row.channel in channels:
            first = queue.head(center, (row.queue_id, row.channel), row.delay_ms, met)
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
            yield _offer(center, contact, agent_id, until)


def match_agent(center: Center, command: MatchAgent, until: int) -> Iterator[Event]:
    """Offer the agent a contact, if there is one."""
    agent = center.agents.get(command.agent_id)
    if agent is not None:
        contact_id = contact_for(center, agent)
        if contact_id is not None:
            yield _offer(center, center.contacts[contact_id], agent.id, until)


def assign(center: Center, command: AssignContact, until: int) -> Iterator[Event]:
    """AssociateContactWithUser: offer a contact in queue, whatever status and slots he has."""
    agent = center.agents.get(command.agent_id)
    if agent is None:
        raise not_found("UserId", command.agent_id, "user")
    contact = center.contacts.get(command.contact_id)
    if contact is None:
        raise not_found("ContactId", command.contact_id, "live contact")
    if contact.callback is not None and contact.callback.flow_id is not None:
        raise invalid_request("ContactId", contact.id, "is a callback: it dials its customer first")
    if contact.stage != "IN_QUEUE":
        raise invalid_request("ContactId", contact.id, f"is {contact.stage}, not in queue")
    if contact.id in agent.contacts:
        raise invalid_request("UserId", agent.id, "has a missed offer of it to clear first")
    yield _offer(center, contact, agent.id, until, assigned=True)


def _offer(
    center: Center, contact: Contact, agent_id: str, until: int, *, assigned: bool = False
) -> Event:
    """The offer, with which a desk phone rings; with that of an agent-first callback none does."""
    queue_id, channel = queue.line_key(contact)
    agent_first = contact.callback is not None and contact.callback.flow_id is None
    rings = contact.channel == "VOICE" and not agent_first
    number = desk_phone(center, center.resources["user"][agent_id]) if rings else None
    return ContactOffered(contact.id, agent_id, queue_id, channel, until, assigned, number)


def desk_phone(center: Center, user: Resource) -> str | None:
    """The number of the phone on which a user takes calls; None: his softphone is.

    So it is where the number must not be called (any more): it was set before the rules, perhaps.
    """
    kind, number = phone_of(user)
    if kind != "DESK_PHONE" or not number:
        return None
    rules = () if center.instance is None else practice.destinations(center.instance.properties)
    return number if destinations.refused(number, rules) is None else None


def phone_of(user: Resource) -> tuple[str, str]:
    """Type and number of the phone that rings; a setting for the channel wins."""
    for each in user.properties.get("PhoneNumberConfigs") or ():
        if each["Channel"] == "VOICE":
            return each["PhoneType"], each.get("PhoneNumber") or ""
    phone = user.properties.get("PhoneConfig") or {}
    return phone.get("PhoneType") or "SOFT_PHONE", phone.get("DeskPhoneNumber") or ""


def waiting(center: Center, contact_id: str) -> Contact:
    """A live contact that has no agent yet; refuses otherwise."""
    contact = center.contacts.get(contact_id)
    if contact is None:
        raise not_found("ContactId", contact_id, "live contact")
    if contact.stage in ("CONNECTED", "ENDED"):
        raise Refusal(
            "ResourceConflictException",
            f"ContactId: {contact.id!r} is {contact.stage}; it waits for nobody any more",
        )
    return contact


def criteria_set(center: Center, contact: Contact, steps: tuple[Step, ...]) -> RoutingCriteriaSet:
    """The contact gets these criteria; refuses if its expressions would be too many."""
    one_too_many = center.demand.crowded([step.expression for step in steps])
    if one_too_many is not None:
        rule = "would be one more expression on its agents than there may be at once"
        raise invalid_parameter("Expression", one_too_many, rule)
    return RoutingCriteriaSet(contact.id, steps)


def step_ends(center: Center, contact: Contact, _delay_ms: Duration) -> Iterator[Event]:
    """The active step of the contact's criteria has lasted long enough."""
    del center
    yield RoutingStepExpired(contact.id)


# What the events do to routing criteria


def criteria_arrived(center: Center, event: RoutingCriteriaSet, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    before = contact.criteria
    stands = contact.stage == "IN_QUEUE"
    if stands:
        queue.leave(center, contact)
    index = before[-1].index + 1 if before else 0
    if before:
        _replace(center, contact, criteria.closed(before[-1], "INTERRUPTED"))
    contact.criteria = [*before[1 - ROUTING_CRITERIA_KEPT_MAX :], Criteria((), index, over=True)]
    _replace(center, contact, Criteria(event.steps, index))
    contact.updated_at = at
    if contact.stage in PLACED:
        activate(center, contact, at)
    if stands:
        queue.enter(center, contact)


def activate(center: Center, contact: Contact, at: Instant) -> None:
    """The contact enters a queue, or has criteria in it; it must not stand in line meanwhile."""
    if contact.criteria:
        first = contact.queue_id not in center.agents
        _replace(center, contact, criteria.activated(contact.criteria[-1], at, first=first))


def step_expired(center: Center, event: RoutingStepExpired, at: Instant) -> None:
    contact = center.contacts[event.contact_id]
    stands = contact.stage == "IN_QUEUE"
    if stands:
        queue.leave(center, contact)
    _replace(center, contact, criteria.moved_on(contact.criteria[-1], at))
    contact.updated_at = at
    if stands:
        queue.enter(center, contact)


def close(center: Center, contact: Contact, status: StepStatus) -> None:
    """Nobody is sought for the contact any more; it does not stand in line."""
    if contact.criteria and not contact.criteria[-1].over:
        _replace(center, contact, criteria.closed(contact.criteria[-1], status))


def restore_demand(center: Center, contact: Contact) -> None:
    """Seek by the criteria that the contact has."""
    for expression in contact.criteria[-1].needs if contact.criteria else ():
        center.demand.want(expression, center.placed)


def _replace(center: Center, contact: Contact, after: Criteria) -> None:
    """The last criteria of the contact as they now are, in the pools and the schedule, too."""
    before = contact.criteria[-1]
    contact.criteria[-1] = after
    for expression in after.needs:
        center.demand.want(expression, center.placed)
    for expression in before.needs:
        center.demand.unwant(expression)
    step = after.active
    set_timer(center, contact, STEP, step.expires_at if step else None)
