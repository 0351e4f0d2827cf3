"""Staff: how many agents do what, by routing profile, so that flows can ask without counting.

An agent counts anew whenever routing places him anew; an event costs what it touches. Called by
engine.routing, engine.agent and by the answers to flows. Source: behaviour specification, 3.4.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ringfloor.domain.contact import HIS_OWN, Agent
from ringfloor.domain.vocabulary import CHANNELS, Channel
from ringfloor.engine.state import Center

ACTIVE = frozenset({"CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED"})
"""States of a contact that make its agent be on contact, beside that in which he dials."""

FAILED = frozenset({"MISSED", "REJECTED", "ERROR"})
"""States of a contact that nothing has come of; its agent has yet to clear it."""


class Staffing(NamedTuple):
    """How many agents are there at all, in a status in which they work, free, and so on."""

    online: int = 0
    staffed: int = 0
    available: int = 0
    after_contact_work: int = 0
    busy: int = 0
    missed: int = 0
    non_productive: int = 0


def marks(center: Center, agent: Agent) -> Staffing:
    """As what one agent counts; without a channel only who holds nothing is available."""
    states = {held.state for held in agent.contacts.values()}
    staffed = agent.status_type == "ROUTABLE"
    return Staffing(
        agent.status_type != "OFFLINE",
        staffed,
        staffed and not states and agent.id in center.placed,
        "ENDED" in states,
        not ACTIVE.isdisjoint(states) or ("CONNECTING" in states and _dials(center, agent)),
        not FAILED.isdisjoint(states),
        agent.status_type == "CUSTOM",
    )


def _dials(center: Center, agent: Agent) -> bool:
    """Whether a call of his own is being set up, or the customer of a callback is dialled."""
    ringing = [
        center.contacts[held.contact_id]
        for held in agent.contacts.values()
        if held.state == "CONNECTING"
    ]
    return any(
        contact.initiation_method in HIS_OWN
        or (contact.callback is not None and contact.callback.flow_id is None)
        for contact in ringing
    )


def count(center: Center, agent: Agent) -> None:
    """The agent counts as he now is."""
    forget(center, agent.id)
    profile_id = center.resources["user"][agent.id].properties["RoutingProfileId"]
    counted = center.counted[agent.id] = profile_id, tuple(marks(center, agent))
    _add(center, *counted, 1)


def forget(center: Center, agent_id: str) -> None:
    """The agent counts no more."""
    before = center.counted.pop(agent_id, None)
    if before is not None:
        _add(center, *before, -1)


def _add(center: Center, profile_id: str, counts: Iterable[int], how_many: int) -> None:
    sums = center.staff.setdefault(profile_id, [0] * (1 + len(Staffing._fields)))
    for place, each in enumerate((1, *counts)):
        sums[place] += how_many * each
    if not sums[0]:
        del center.staff[profile_id]


def of_agent(center: Center, agent_id: str, channel: Channel | None = None) -> Staffing:
    """The same of one agent, for his own queue."""
    found = marks(center, center.agents[agent_id])
    if channel is None:
        return found
    _, pools = center.placed.get(agent_id, (None, ()))
    return found._replace(available=any(each == channel for _, each in pools))


def of_queue(center: Center, queue_id: str, channel: Channel | None = None) -> Staffing:
    """The agents whose routing profile has the queue; with a channel, has it on that channel.

    With a channel who has a free slot there is available (choice 22 of section 9).
    """
    channels = CHANNELS if channel is None else (channel,)
    serving = {each for one in channels for each in center.rows.get((queue_id, one), {})}
    rows = [center.staff[each][1:] for each in serving if each in center.staff]
    found = Staffing(*(sum(column) for column in zip(*rows, strict=True)))
    if channel is None:
        return found
    free = sum(len(center.pools.get((each, channel), ())) for each in serving)
    return found._replace(available=free)
