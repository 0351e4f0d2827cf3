"""Logs of a small queue, and what of them is known at a moment."""

from heapq import heappop, heappush
from random import Random

from ringfloor.base.time import HOUR, SECOND
from ringfloor.domain.logged import LoggedContact

START = 1_000 * HOUR


def a_log(seed: int, contacts: int = 400, agents: int = 3) -> list[LoggedContact]:
    """M/M/s+M, first come, first served: calls each 60 s, 150 s of work, 200 s of patience."""
    chance = Random(seed)
    free = [(START, f"agent{number}") for number in range(agents)]
    at, made = START, []
    for number in range(contacts):
        at += round(chance.expovariate(1 / 60) * SECOND)
        patience = round(chance.expovariate(1 / 200) * SECOND)
        times = {"initiated_at": at, "enqueued_at": at, "id": f"c{number}", "queue": "sales"}
        free_at, agent = heappop(free)
        answered_at = max(at, free_at)
        if answered_at - at > patience:
            heappush(free, (free_at, agent))
            over_at = at + patience
            made.append(LoggedContact(**times, dequeued_at=over_at, disconnected_at=over_at))
            continue
        over_at = answered_at + max(1, round(chance.expovariate(1 / 150) * SECOND))
        heappush(free, (over_at, agent))
        made.append(
            LoggedContact(
                **times,
                agent=agent,
                dequeued_at=answered_at,
                connected_to_agent_at=answered_at,
                disconnected_at=over_at,
            )
        )
    return made


def without_future(contacts: list[LoggedContact], now: int) -> list[LoggedContact]:
    """The log as one would have it who knows nothing after now: all goes on, and is lost later."""
    made = []
    for contact in contacts:
        if contact.enqueued_at is None or contact.enqueued_at > now:
            continue
        answered_at = contact.connected_to_agent_at
        if contact.dequeued_at is not None and contact.dequeued_at > now:
            answered_at = None
        late = now + 7 * HOUR
        made.append(
            LoggedContact(
                id=contact.id,
                queue=contact.queue,
                initiated_at=contact.initiated_at,
                enqueued_at=contact.enqueued_at,
                agent=contact.agent if answered_at is not None else None,
                dequeued_at=min(contact.dequeued_at or late, late) if answered_at else late,
                connected_to_agent_at=answered_at,
                disconnected_at=contact.disconnected_at if contact.over_at <= now else late,
            )
            if answered_at is not None or (contact.dequeued_at or 0) > now
            else contact
        )
    return made
