"""Historical metrics: the 25 metrics of GetMetricData, one definition each, as data.

METRICS is the only place that knows what a metric means. projections.historical_request checks
requests against it, projections.historical asks its aggregates in SQL, and the documentation page
is written from it.

Rules:
- A leg counts as a whole where its disconnected_at lies; a missed offer where its `at` lies; agent
  time is cut at the borders of the range. Ranges are half-open: start <= moment < end.
- The fragments name columns of domain.facts.Leg and constants of this module, never text of a user.
- Aggregates are integers (counts and milliseconds). A value is one division, made last, in result.
- A DISCONNECT or EXTERNAL_OUTBOUND leg counts by its own fields like any other. A MONITOR leg is
  somebody listening, not a contact: it counts nowhere, and neither does a leg without a queue.
"""

from typing import Literal

from msgspec import Struct

from ringfloor.base.time import SECOND

Facts = Literal["legs", "missed offers", "agent time", "nothing"]
Kind = Literal["count", "average", "maximum", "percent", "nothing"]
Pair = tuple[str, str]
"""Statistic and Unit."""

SUM: Pair = ("SUM", "COUNT")
AVERAGE: Pair = ("AVG", "SECONDS")
MAXIMUM: Pair = ("MAX", "SECONDS")
PERCENT: Pair = ("AVG", "PERCENT")

SERVICE_LEVEL = "SERVICE_LEVEL"

# What is true of a leg, and what is measured on it.
IN_QUEUE_ROW = "queue_id IS NOT NULL AND initiation_method <> 'MONITOR'"
QUEUED = "enqueued_at IS NOT NULL"
CONNECTED = "connected_to_agent_at IS NOT NULL"
TRANSFERRED = "transfer_completed_at IS NOT NULL"
LEFT_QUEUE_BY_TRANSFER = f"{TRANSFERRED} AND pre_disconnect_state = 'IN_QUEUE'"
ABANDONED = (
    f"{QUEUED} AND connected_to_agent_at IS NULL AND next_contact_id IS NULL "
    f"AND (transfer_completed_at IS NULL OR pre_disconnect_state IS DISTINCT FROM 'IN_QUEUE')"
)
HELD = f"{CONNECTED} AND holds > 0"
WAIT_MS = "dequeued_at - enqueued_at"
INTERACTION_AND_HOLD_MS = "coalesce(interaction_ms, 0) + coalesce(hold_ms, 0)"
HANDLE_MS = (
    f"{INTERACTION_AND_HOLD_MS} + coalesce(after_contact_work_ms, 0) + coalesce(pause_ms, 0)"
)


class Metric(Struct, frozen=True, kw_only=True):
    """One metric: its name on the wire, what a request may ask of it, and how it is computed.

    pairs: the (Statistic, Unit) pairs a request may name; the first fills in what is left out.
    where: which facts count. term: what is measured on them, in milliseconds.
    """

    name: str
    pairs: tuple[Pair, ...]
    facts: Facts
    kind: Kind
    doc: str
    where: str = "TRUE"
    term: str = ""
    aliases: tuple[str, ...] = ()
    source: str = (
        "docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html "
        "and the GetMetricData reference"
    )


def aggregates(metric: Metric) -> tuple[str, ...]:
    """The SQL aggregates that result needs, each an integer. CASE is quicker here than FILTER."""
    where, term = metric.where, metric.term
    if metric.facts not in {"legs", "missed offers"}:
        return ()
    match metric.kind:
        case "count" | "percent":
            return (f"count(CASE WHEN {where} THEN 1 END)",)
        case "average":
            return (
                f"sum(CASE WHEN {where} THEN {term} END)",
                f"count(CASE WHEN {where} THEN {term} END)",
            )
        case "maximum":
            return (f"max(CASE WHEN {where} THEN {term} END)",)
        case "nothing":
            return ()


def result(metric: Metric, over: int | None = None, under: int | None = None) -> float | None:
    """The value on the wire; None where the API knows no value.

    over: the count, the longest, or the sum; under: what it is divided by.
    """
    match metric.kind:
        case "count":
            return float(over or 0)
        case "maximum":
            return None if over is None else over / SECOND
        case "average":
            return (over or 0) / (under * SECOND) if under else None
        case "percent":
            return 100 * (over or 0) / under if under else None
        case "nothing":
            return None


def _count(name: str, where: str, doc: str) -> Metric:
    return Metric(name=name, pairs=(SUM,), facts="legs", kind="count", where=where, doc=doc)


def _average(name: str, where: str, term: str, doc: str) -> Metric:
    return Metric(
        name=name,
        pairs=(AVERAGE,),
        facts="legs",
        kind="average",
        where=where,
        term=term,
        doc=doc,
    )


METRICS: tuple[Metric, ...] = (
    _count("CONTACTS_QUEUED", QUEUED, "Contacts that were put into the queue."),
    _count("CONTACTS_HANDLED", CONNECTED, "Contacts that were connected to an agent, of any kind."),
    _count(
        "CONTACTS_ABANDONED",
        ABANDONED,
        "Queued contacts that ended without an agent, a transfer or a callback.",
    ),
    Metric(
        name="CONTACTS_CONSULTED",
        pairs=(SUM,),
        facts="nothing",
        kind="nothing",
        doc="Deprecated by Amazon Connect in May 2019: accepted, never has a value.",
    ),
    _count(
        "CONTACTS_AGENT_HUNG_UP_FIRST",
        f"{CONNECTED} AND disconnect_reason = 'AGENT_DISCONNECT'",
        "Handled contacts that the agent ended.",
    ),
    _count(
        "CONTACTS_HANDLED_INCOMING",
        f"{CONNECTED} AND initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')",
        "Handled contacts that came in, transferred ones included.",
    ),
    _count(
        "CONTACTS_HANDLED_OUTBOUND",
        f"{CONNECTED} AND initiation_method = 'OUTBOUND'",
        "Handled contacts that an agent dialled.",
    ),
    _count(
        "CONTACTS_HOLD_ABANDONS",
        f"{CONNECTED} AND pre_disconnect_state = 'CONNECTED_ONHOLD'",
        "Handled contacts that ended while on hold, whoever hung up.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_IN",
        "initiation_method IN ('TRANSFER', 'QUEUE_TRANSFER')",
        "Contacts that came by transfer, from an agent or from another queue.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT",
        TRANSFERRED,
        "Contacts that were transferred away, by an agent or out of the queue.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_IN_FROM_QUEUE",
        "initiation_method = 'QUEUE_TRANSFER'",
        "Contacts that came by transfer from another queue.",
    ),
    _count(
        "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
        LEFT_QUEUE_BY_TRANSFER,
        "Contacts that were transferred to another queue while they waited in this one.",
    ),
    Metric(
        name="CONTACTS_MISSED",
        pairs=(SUM,),
        facts="missed offers",
        kind="count",
        doc="Offers that an agent did not take; one contact may be missed many times.",
    ),
    _count(
        "CALLBACK_CONTACTS_HANDLED",
        f"{CONNECTED} AND initiation_method = 'CALLBACK'",
        "Handled contacts that were callbacks from the queue.",
    ),
    _count(
        "API_CONTACTS_HANDLED",
        f"{CONNECTED} AND initiation_method = 'API'",
        "Handled contacts that were started through the API, as chats and tasks are.",
    ),
    Metric(
        name="OCCUPANCY",
        pairs=(PERCENT,),
        facts="agent time",
        kind="percent",
        doc="Share of the agents' Available time that they spent on contacts, 0 to 100, over the "
        "agents whose routing profile has the queue and over all channels.",
    ),
    _average(
        "HANDLE_TIME",
        "interaction_ms IS NOT NULL OR hold_ms IS NOT NULL "
        "OR after_contact_work_ms IS NOT NULL OR pause_ms IS NOT NULL",
        HANDLE_MS,
        "Average of interaction, hold, after contact work and pause of a contact.",
    ),
    _average(
        "AFTER_CONTACT_WORK_TIME",
        CONNECTED,
        "coalesce(after_contact_work_ms, 0)",
        "Average after contact work of a handled contact; none counts as 0.",
    ),
    Metric(
        name="QUEUED_TIME",
        pairs=(MAXIMUM,),
        facts="legs",
        kind="maximum",
        where=QUEUED,
        term=WAIT_MS,
        doc="Longest time that a contact was in the queue, however it left.",
    ),
    Metric(
        name="ABANDON_TIME",
        pairs=(AVERAGE, SUM),
        facts="legs",
        kind="average",
        where=ABANDONED,
        term=WAIT_MS,
        doc="Average time in queue of the abandoned contacts. SUM and COUNT, the pair of the 2018 "
        "reference, are accepted and mean the same average in seconds.",
    ),
    _average(
        "QUEUE_ANSWER_TIME",
        f"{CONNECTED} AND {QUEUED}",
        WAIT_MS,
        "Average time in queue of the contacts that were connected to an agent.",
    ),
    Metric(
        name="HOLD_TIME",
        aliases=("AVG_HOLD_TIME",),
        pairs=(AVERAGE,),
        facts="legs",
        kind="average",
        where=HELD,
        term="hold_ms",
        doc="Average time on hold of the handled contacts that were put on hold.",
    ),
    _average(
        "INTERACTION_TIME",
        CONNECTED,
        "interaction_ms",
        "Average time that a handled contact was with the agent, without hold and pause.",
    ),
    _average(
        "INTERACTION_AND_HOLD_TIME",
        "interaction_ms IS NOT NULL OR hold_ms IS NOT NULL",
        INTERACTION_AND_HOLD_MS,
        "Average time that a contact was with the agent, hold included.",
    ),
    Metric(
        name=SERVICE_LEVEL,
        pairs=(PERCENT,),
        facts="legs",
        kind="percent",
        where=QUEUED,
        term=WAIT_MS,
        doc="Share of the queued contacts, 0 to 100, that left the queue in less than the "
        "threshold: answered, abandoned, transferred or with a callback. "
        "Exactly the threshold is too late.",
    ),
)

BY_NAME: dict[str, Metric] = {
    name: metric for metric in METRICS for name in (metric.name, *metric.aliases)
}
"""Every name a request may use, aliases included."""
