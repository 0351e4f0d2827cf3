"""Agent: what an agent says about himself.

A status is chosen, by the agent or for him, and stays while contacts come and go. Chosen while a
contact rings, talks or holds, it waits as the next status: nothing new is routed to him, and it
takes effect when all his slots are free. Chosen in after contact work, or with a missed offer on
the screen, it clears those and takes effect at once. Choosing the present status takes a next
status back. Sources: behaviour specification, sections 3.1-3.3.
"""

from collections.abc import Iterator

from ringfloor.base.errors import invalid_request
from ringfloor.base.time import Instant
from ringfloor.domain.commands import AgentReturned, AgentVanished, SetAgentStatus, TakeNextStatus
from ringfloor.domain.contact import Agent
from ringfloor.domain.events import (
    AgentPresenceChanged,
    AgentStatusChanged,
    ContactCleared,
    Event,
    NextStatusChanged,
)
from ringfloor.engine import routing, staff
from ringfloor.engine.state import Center

ENGAGED = frozenset({"INCOMING", "PENDING", "CONNECTING", "CONNECTED", "CONNECTED_ONHOLD"})
"""States of a contact that keep a new status waiting."""


def set_status(center: Center, command: SetAgentStatus) -> Iterator[Event]:
    """The agent, or somebody for him, chooses a status."""
    center.resource("user", command.agent_id, "UserId")
    status = center.resource("agent_status", command.status_id, "AgentStatusId")
    if status.properties.get("State") != "ENABLED":
        raise invalid_request("AgentStatusId", command.status_id, "is disabled")
    agent = center.agents[command.agent_id]
    if any(held.state in ENGAGED for held in agent.contacts.values()):
        wanted = None if status.id == agent.status_id else status.id
        if wanted != agent.next_status_id:
            yield NextStatusChanged(agent.id, wanted)
        return
    for held in agent.contacts.values():
        if held.state != "PAUSED":
            yield ContactCleared(held.contact_id, agent.id)
    if status.id != agent.status_id:
        yield AgentStatusChanged(agent.id, status.id, status.properties["Type"])
    elif agent.next_status_id is not None:
        yield NextStatusChanged(agent.id, None)


def take_next_status(center: Center, command: TakeNextStatus) -> Iterator[Event]:
    """All slots are free."""
    agent = center.agents[command.agent_id]
    free = all(held.state == "PAUSED" for held in agent.contacts.values())
    if agent.next_status_id is not None and free:
        status = center.resources["agent_status"][agent.next_status_id]
        yield AgentStatusChanged(agent.id, status.id, status.properties["Type"])


def status_changed(center: Center, event: AgentStatusChanged, at: Instant) -> None:
    agent = center.agents[event.agent_id]
    agent.status_id = event.status_id
    agent.status_type = event.status_type
    agent.status_since = at
    agent.next_status_id = None
    agent.next_status_since = None
    agent.idle_since = at
    agent.idle_turn = center.next_turn()
    routing.stand(center, agent)


def next_status_changed(center: Center, event: NextStatusChanged, at: Instant) -> None:
    agent = center.agents[event.agent_id]
    agent.next_status_id = event.status_id
    agent.next_status_since = at if event.status_id else None
    routing.stand(center, agent)


def vanish(center: Center, command: AgentVanished) -> Iterator[Event]:
    """No desktop of his is open any more. His status stays, and offers to him will be missed.

    A call goes on by his phone; his chats lose him (engine.reactions).
    """
    agent = center.agents.get(command.agent_id)
    if agent is not None and not agent.vanished:
        yield AgentPresenceChanged(agent.id, present=False)


def return_(center: Center, command: AgentReturned) -> Iterator[Event]:
    """A desktop of his is open again."""
    agent = center.agents.get(command.agent_id)
    if agent is not None and agent.vanished:
        yield AgentPresenceChanged(agent.id, present=True)


def presence_changed(center: Center, event: AgentPresenceChanged, _at: Instant) -> None:
    center.agents[event.agent_id].vanished = not event.present


def joined(center: Center, agent_id: str, at: Instant) -> None:
    """A user has been made: he is offline until he says otherwise."""
    statuses = center.resources["agent_status"].values()
    offline = next(each.id for each in statuses if each.properties["Type"] == "OFFLINE")
    center.agents[agent_id] = Agent(
        id=agent_id, status_id=offline, status_type="OFFLINE", status_since=at, idle_since=at
    )
    staff.count(center, center.agents[agent_id])


def left(center: Center, agent_id: str) -> None:
    """A user has been deleted."""
    routing.step_out(center, agent_id)
    staff.forget(center, agent_id)
    routing.learn(center, agent_id, None)
    del center.agents[agent_id]
