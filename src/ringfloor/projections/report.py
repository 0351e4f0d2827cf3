"""Report: what a report shows and GetMetricDataV2 does not tell: waits, and agents' day.

node.history asks with it, inside one snapshot; operations.report says who is meant. Rules:

- A wait is MAX_QUEUED_TIME's: of every contact that was put into the queue and has left it, however
  it did; it counts when the contact was disconnected. So the longest is that metric to the
  millisecond. Percentiles are by nearest rank: a wait that somebody had, in whole milliseconds.
- Stretches of agents' time are those of the metrics, cut at the ends of the day, the running ones
  until now. Those with contacts and those without, while Available, are one stretch.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.base.limits import (
    REPORT_AGENTS_MAX,
    REPORT_HALF_HOURS_MS,
    REPORT_HOURS_MS,
    REPORT_STRETCHES_MAX,
)
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.vocabulary import Channel
from ringfloor.projections.historical_sql import Ask, Condition, Question, Statement
from ringfloor.projections.intervals import Period, marks
from ringfloor.projections.metric_terms import Facts
from ringfloor.projections.metrics_of_contacts import QUEUED, WAIT_MS

PERCENTILES = (50, 90, 95)
"""The median, and where the long tail begins."""

_WAITED_MS = f"CASE WHEN {QUEUED} THEN {WAIT_MS} END"
_WAITS = (
    f"count({_WAITED_MS})",
    f"max({_WAITED_MS})",
    *(f"quantile_disc({_WAITED_MS}, {percentile / 100})" for percentile in PERCENTILES),
)


class Range(NamedTuple):
    """A range of time: start <= moment < end."""

    start: Instant
    end: Instant


class Plan(Struct, frozen=True, kw_only=True):
    """What a report is to show. marks: where its cells begin, and where the last one ends."""

    start: Instant
    end: Instant
    period: Period
    marks: tuple[Instant, ...]
    day: Range
    """Of the agents' timeline."""
    conditions: tuple[Condition, ...]
    """On contacts: queues, perhaps channels."""
    profile_ids: tuple[str, ...]
    """The routing profiles whose agents are shown."""


class Waits(NamedTuple):
    """How long contacts were in the queue. percentiles: in the order of PERCENTILES."""

    contacts: int
    longest: Duration
    percentiles: tuple[Duration, ...]


class Presence(NamedTuple):
    """A stretch in one status."""

    since: Instant
    until: Instant
    status_id: str | None
    is_available: bool


class Work(NamedTuple):
    """A stretch with one contact, after contact work included."""

    since: Instant
    until: Instant
    channel: Channel


class Agents(NamedTuple):
    """Agents' day, by agent id, and how many agents there are beyond those."""

    presences: Mapping[str, Sequence[Presence]]
    works: Mapping[str, Sequence[Work]]
    left_out: int


class Reported(NamedTuple):
    """waits: by the number of the cell; cells without any are not there."""

    waits: Mapping[int, Waits]
    all_waits: Waits | None
    agents: Agents


def cells(start: Instant, end: Instant, zone: str) -> tuple[Period, tuple[Instant, ...]]:
    """By what a report of this range is drawn, and the marks of its cells."""
    period: Period = "DAY"
    if end - start <= REPORT_HALF_HOURS_MS:
        period = "THIRTY_MIN"
    elif end - start <= REPORT_HOURS_MS:
        period = "HOUR"
    return period, marks(start, end, period, zone)


def reported(
    ask: Ask,
    instance: str,
    plan: Plan,
    names: Mapping[str, str],
    open_tables: frozenset[str],
    open_at: Instant,
) -> Reported:
    """All of it. names: of agents, by id; they are shown in this order.

    open_tables: those of facts that are not final; open_at: when these were read.
    """
    contacts = Question(
        instance=instance,
        start=plan.start,
        end=plan.end,
        marks=plan.marks,
        conditions=plan.conditions,
    )
    day = Question(
        instance=instance,
        start=plan.day.start,
        end=plan.day.end,
        marks=plan.day,
        groupings=("AGENT",),
        open_tables=open_tables,
        open_at=open_at,
    )
    whole = dict(_waits(ask, replace(contacts, marks=(plan.start, plan.end))))
    return Reported(
        waits=dict(_waits(ask, contacts)),
        all_waits=whole.get(0),
        agents=_agents(ask, day, plan.profile_ids, names),
    )


def _waits(ask: Ask, question: Question) -> Iterator[tuple[int, Waits]]:
    for row in Statement(question, "legs").put(ask, _WAITS):
        number, (contacts, longest, *rest) = (row[0], row[1:]) if question.is_cut else (0, row)
        if contacts:
            yield number, Waits(contacts, longest, tuple(rest))


def _agents(
    ask: Ask, question: Question, profile_ids: tuple[str, ...], names: Mapping[str, str]
) -> Agents:
    if not profile_ids:
        return Agents({}, {}, 0)
    staff = replace(question, conditions=(Condition("ROUTING_PROFILE", profile_ids),))
    counts: dict[str, int] = dict(Statement(staff, "agent time").put(ask, ("count(*)",)))
    by_name = sorted(counts, key=lambda agent_id: (names.get(agent_id, agent_id), agent_id))
    chosen, stretches = list[str](), 0
    for agent_id in by_name[:REPORT_AGENTS_MAX]:
        stretches += counts[agent_id]
        if stretches > REPORT_STRETCHES_MAX:
            break
        chosen.append(agent_id)
    if not chosen:
        return Agents({}, {}, len(by_name))
    them = (Condition("AGENT", tuple(chosen)),)
    their = replace(staff, conditions=(*staff.conditions, *them))
    times = _stretches(ask, their, "agent time", "status_id", "kind <> 'non_productive'")
    works = _stretches(ask, replace(question, conditions=them), "hand time", "channel")
    return Agents(
        presences={each: list(_joined(Presence(*row) for row in times[each])) for each in chosen},
        works={each: [Work(*row) for row in works.get(each, ())] for each in chosen},
        left_out=len(by_name) - len(chosen),
    )


def _stretches(
    ask: Ask, question: Question, facts: Facts, *what: str
) -> dict[str, list[tuple[Any, ...]]]:
    """Stretches by agent, in the order of time: since, until, and what it was."""
    parts = ("since", "until", *what)
    columns = tuple(f"list({each} ORDER BY {', '.join(parts)})" for each in parts)
    rows = Statement(question, facts).put(ask, columns)
    return {agent_id: list(zip(*lists, strict=True)) for agent_id, *lists in rows}


def _joined(stretches: Iterator[Presence]) -> Iterator[Presence]:
    """Those of one status that follow each other, as one."""
    last: Presence | None = None
    for each in stretches:
        if last is not None and (last.until, *last[2:]) == (each.since, *each[2:]):
            last = last._replace(until=each.until)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last
