"""Agent events: the snapshots that the agent event stream carries, in AWS's JSON.

node.streams compares an agent's snapshot with the one before and tells the change. Timestamps are
ISO 8601 with milliseconds. Sources: behaviour specification, section 3.6; Amazon Connect
administrator guide, Agent event streams data model.
"""

from collections.abc import Sequence
from typing import Literal

from ringfloor.base.time import Instant, iso_milliseconds
from ringfloor.domain.contact import Agent, Held
from ringfloor.domain.resources import Properties
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.engine import hierarchy
from ringfloor.engine.routing import profile_of
from ringfloor.engine.state import Center

VERSION = "2017-10-01"

EventType = Literal["LOGIN", "LOGOUT", "STATE_CHANGE", "HEART_BEAT"]


def agent_event(
    center: Center,
    agent_arn: str,
    identifier: str,
    at: Instant,
    before: Properties | None,
    now: Properties | None,
) -> Properties:
    """One event of the stream: what has become of an agent. now: None once he is gone.

    Nothing is told of him before a LOGIN, nor after a LOGOUT.
    """
    kind = _type(before, now)
    return {
        "AWSAccountId": center.home.account,
        "AgentARN": agent_arn,
        "CurrentAgentSnapshot": None if kind == "LOGOUT" else now,
        "EventId": identifier,
        "EventTimestamp": iso_milliseconds(at),
        "EventType": kind,
        "InstanceARN": center.home.arn,
        "PreviousAgentSnapshot": None if kind == "LOGIN" else before,
        "Version": VERSION,
    }


def _type(before: Properties | None, now: Properties | None) -> EventType:
    """LOGIN and LOGOUT are the ways out of Offline and into it."""
    was, is_ = _is_online(before), _is_online(now)
    if was != is_:
        return "LOGIN" if is_ else "LOGOUT"
    return "HEART_BEAT" if before == now else "STATE_CHANGE"


def _is_online(snapshot: Properties | None) -> bool:
    return snapshot is not None and snapshot["AgentStatus"]["Type"] != "OFFLINE"


def agent_snapshot(center: Center, agent_id: str) -> Properties | None:
    """An agent as the stream shows him; None: there is no such user any more."""
    agent = center.agents.get(agent_id)
    if agent is None:
        return None
    return {
        "AgentStatus": {
            **_status(center, agent.status_id),
            "StartTimestamp": iso_milliseconds(agent.status_since),
            "Type": agent.status_type,
        },
        "NextAgentStatus": _next(center, agent),
        "Configuration": _configuration(center, agent),
        "Contacts": [_contact(center, held) for held in agent.contacts.values()],
    }


def _status(center: Center, status_id: str) -> Properties:
    status = center.resources["agent_status"][status_id]
    return {"ARN": center.home.arn_of("agent_status", status.id), "Name": status.name}


def _next(center: Center, agent: Agent) -> Properties | None:
    if agent.next_status_id is None or agent.next_status_since is None:
        return None
    return {
        **_status(center, agent.next_status_id),
        "EnqueuedTimestamp": iso_milliseconds(agent.next_status_since),
    }


def _configuration(center: Center, agent: Agent) -> Properties:
    user = center.resources["user"][agent.id]
    identity = user.properties.get("IdentityInfo") or {}
    groups = hierarchy.of_user(center, agent.id)
    return {
        "AgentHierarchyGroups": {
            f"Level{number}": {
                "ARN": center.home.arn_of("hierarchy_group", group.id),
                "Name": group.name,
            }
            for number, group in enumerate(groups, 1)
        }
        or None,
        "FirstName": identity.get("FirstName"),
        "LastName": identity.get("LastName"),
        "RoutingProfile": _profile(center, agent),
        "Username": user.name,
    }


def _profile(center: Center, agent: Agent) -> Properties:
    profile = profile_of(center, agent)
    resource = center.resources["routing_profile"][profile.id]
    channels = [each for each in CHANNELS if each in profile.concurrency]
    served: dict[str, set[str]] = {}
    for row in profile.rows:
        served.setdefault(row.queue_id, set()).add(row.channel)
    busy = [each.channel for each in agent.contacts.values() if each.state != "PAUSED"]
    outbound = resource.properties["DefaultOutboundQueueId"]
    return {
        "ARN": center.home.arn_of("routing_profile", profile.id),
        "Name": resource.name,
        "InboundQueues": [
            _queue(center, agent.id, channels),
            *(
                _queue(center, queue_id, [each for each in CHANNELS if each in served[queue_id]])
                for queue_id in sorted(served)
            ),
        ],
        "DefaultOutboundQueue": _queue(center, outbound, ["VOICE"]),
        "Concurrency": [
            {
                "AvailableSlots": max(profile.concurrency[each] - busy.count(each), 0),
                "Channel": each,
                "MaximumSlots": profile.concurrency[each],
            }
            for each in channels
        ],
    }


def _queue(center: Center, queue_id: str, channels: Sequence[str]) -> Properties:
    queue = center.resources["queue"].get(queue_id)
    return {
        "ARN": center.home.queue_arn(queue_id, of_agent=queue_id in center.agents),
        "Channels": list(channels),
        "Name": queue.name if queue is not None else None,
    }


def _contact(center: Center, held: Held) -> Properties:
    contact = held.last or center.contacts.get(held.contact_id)
    shown: Properties = {
        "ContactId": held.contact_id,
        "InitialContactId": None,
        "Channel": held.channel,
        "InitiationMethod": None,
        "State": held.state,
        "StateStartTimestamp": iso_milliseconds(held.since),
        "ConnectedToAgentTimestamp": None,
        "QueueTimestamp": None,
        "Queue": None,
    }
    if contact is None:
        return shown
    queue_id = contact.queue_id
    queue = None if queue_id is None else _queue(center, queue_id, [])
    return {
        **shown,
        "InitialContactId": contact.initial_contact_id,
        "InitiationMethod": contact.initiation_method,
        "ConnectedToAgentTimestamp": _at(contact.connected_to_agent_at),
        "QueueTimestamp": _at(contact.enqueued_at),
        "Queue": queue and {"ARN": queue["ARN"], "Name": queue["Name"]},
    }


def _at(instant: Instant | None) -> str | None:
    return None if instant is None else iso_milliseconds(instant)
