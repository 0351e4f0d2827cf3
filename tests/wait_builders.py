"""Logs of a small queue, and what of them is known at a moment."""

from heapq import heappop, heappush
from random import Random

from msgspec.structs import replace

from ringfloor.base.time import HOUR, SECOND
from ringfloor.domain.logged import MOMENTS, LoggedContact

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
    made, late = [], now + 7 * HOUR
    for contact in contacts:
        if contact.enqueued_at is None or contact.enqueued_at > now:
            continue
        if contact.dequeued_at is not None and contact.dequeued_at > now:
            lost = {"agent": None, "connected_to_agent_at": None, "after_contact_work_ms": None}
            made.append(replace(contact, **lost, dequeued_at=late, disconnected_at=late))
        elif contact.over_at > now:
            made.append(replace(contact, disconnected_at=late, after_contact_work_ms=None))
        else:
            made.append(contact)
    return made


def with_another_future(
    contacts: list[LoggedContact], now: int, chance: Random
) -> list[LoggedContact]:
    """The same log up to now, and something else from then on.

    Whoever waits is taken by somebody else, or lost, at another time; talks end at another time;
    of those who come later half are left out, and the others come later still.
    """
    made = []
    for each in contacts:
        later = now + 1 + chance.randrange(HOUR)
        if each.initiated_at > now or (each.enqueued_at or 0) > now:
            if chance.random() < 0.5:
                made.append(_shifted(each, chance.randrange(HOUR)))
        elif each.enqueued_at is None or each.over_at <= now:
            made.append(each)
        elif each.dequeued_at is not None and each.dequeued_at <= now:
            made.append(replace(each, disconnected_at=later, after_contact_work_ms=None))
        else:
            answered = chance.random() < 0.5
            made.append(
                replace(
                    each,
                    agent=chance.choice([None, "somebody else"]) if answered else None,
                    dequeued_at=later,
                    connected_to_agent_at=later if answered else None,
                    disconnected_at=later + answered * SECOND,
                    after_contact_work_ms=None,
                )
            )
    return made


def _shifted(contact: LoggedContact, by: int) -> LoggedContact:
    moments = {name: getattr(contact, name) for name in MOMENTS}
    return replace(contact, **{name: at and at + by for name, at in moments.items()})
