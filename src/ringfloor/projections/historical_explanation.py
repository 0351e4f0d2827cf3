"""Historical explanation: why an answer of GetMetricData or GetMetricDataV2 lacks rows.

operations.metric_explanations asks for it where a request has the header x-ringfloor-explain, and
adds what only the live center knows.

For every queue without a row, or for the whole answer if it has none: how many facts in the range
each filter keeps out, how many lack what is grouped by, and where the nearest fact outside lies.

In GetMetricData agents' time is of the queues that their routing profiles have, whatever the
channel, and only what is Available counts; only missed offers do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from ringfloor.base.time import Instant, iso_milliseconds
from ringfloor.projections.historical_sql import Ask, Asked, Condition, Question, Statement
from ringfloor.projections.metric_terms import Facts
from ringfloor.projections.metrics_of_activity import AVAILABLE

NOUNS: Mapping[Facts, str] = {
    "legs": "contacts that have ended",
    "offers": "offers",
    "occurrences": "enqueued or connected contacts",
    "hand time": "stretches of agents' time with a contact",
    "agent time": "stretches of agents' time",
    "steps": "contacts in routing steps",
    "flows": "flows",
    "bots": "conversations with bots",
}
NOUNS_V1: Mapping[Facts, str] = {
    "offers": "offers that were missed",
    "agent time": "stretches of agents' Available time",
}

Serving = Mapping[str, tuple[str, ...]]
"""Queues to the routing profiles that have them."""


class Missing(NamedTuple):
    """What has no row, and why: one sentence for each kind of facts."""

    queue_id: str | None
    """None: the whole answer."""
    reasons: list[str]


def missing(
    ask: Ask,
    question: Question,
    asked: Sequence[Asked],
    queue_ids: Sequence[str] | None,
    serving: Serving | None = None,
) -> list[Missing]:
    """Why these queues have no row; None: why there is no row at all. serving: of GetMetricData."""
    kinds = dict.fromkeys(one.metric.facts for one in asked if one.metric.facts != "nothing")
    if not kinds:
        names = ", ".join(dict.fromkeys(one.metric.name for one in asked))
        return [Missing(None, [f"there is no data for {names}"])]
    return [
        Missing(queue_id, [_reason(ask, question, facts, queue_id, serving) for facts in kinds])
        for queue_id in (queue_ids if queue_ids is not None else [None])
    ]


def _about(question: Question, queue_id: str | None) -> Question:
    """The question about one queue of those that it is about, in one interval."""
    whole = (question.start, question.end)
    if queue_id is None:
        return structs.replace(question, marks=whole)
    others = tuple(each for each in question.conditions if each.key != "QUEUE")
    return structs.replace(
        question, marks=whole, conditions=(*others, Condition("QUEUE", (queue_id,)))
    )


def _by_profile(question: Question, serving: Serving) -> Question:
    """The question about agents' time, as GetMetricData has it."""
    wanted = [each.values or () for each in question.conditions if each.key == "QUEUE"]
    return structs.replace(
        question,
        only={"agent time": AVAILABLE},
        groupings=(),
        conditions=tuple(
            Condition(
                "ROUTING_PROFILE", tuple(p for each in some for p in serving.get(str(each), ()))
            )
            for some in wanted
        ),
    )


def _reason(
    ask: Ask, whole: Question, facts: Facts, queue_id: str | None, serving: Serving | None
) -> str:
    """How many of these facts lie in the range, what keeps others out, where the nearest lies."""
    question = _about(whole, queue_id)
    if serving is not None and facts == "agent time":
        question = _by_profile(question, serving)
    statement = Statement(structs.replace(question, conditions=(), groupings=()), facts)
    begins = statement.source.moment or "started_at"
    ends = statement.source.moment or "ended_at"
    inside = f"{ends} {'>=' if statement.source.moment else '>'} $start AND {begins} < $end"
    as_asked = {"ROUTING_PROFILE": "QUEUE"} if serving is not None else {}
    met = [
        (as_asked.get(each.key, each.key), statement.all_of((each,)))
        for each in question.conditions
    ]
    every = _and(where for _, where in met)
    counted = {
        "in the range": every,
        **{
            f"kept out by {key}": _and(w for k, w in met if k != key)
            for key, _ in met
            if queue_id is None or key != "QUEUE"
        },
        TOGETHER: _and(where for key, where in met if queue_id is not None and key == "QUEUE"),
        **{
            f"without {key}": f"{every} AND {statement.column(key) or 'NULL'} IS NULL"
            for key in question.groupings
        },
    }
    columns = [f"count(CASE WHEN {inside} AND {where} THEN 1 END)" for where in counted.values()]
    before = f"{ends} {'<' if statement.source.moment else '<='} $start"
    nearest = [
        f"max(CASE WHEN {before} AND {every} THEN {ends} END)",
        f"min(CASE WHEN {begins} >= $end AND {every} THEN {begins} END)",
    ]
    [row] = statement.all_time(ask, (*columns, *nearest))
    counts = dict(zip(counted, row[: len(counted)], strict=True))
    found = [instant for instant in row[len(counted) :] if instant is not None]
    noun = NOUNS[facts] if serving is None else NOUNS_V1.get(facts, NOUNS[facts])
    return f"{noun}: {', '.join(_told(counts, found))}"


TOGETHER = "kept out by several filters"


def _and(conditions: Iterable[str]) -> str:
    return " AND ".join(f"({each})" for each in conditions) or "TRUE"


def _told(counts: Mapping[str, int], nearest: Sequence[Instant]) -> Iterator[str]:
    """counts: of what stands first, and of what would be there but for something."""
    (what, inside), *others = counts.items()
    yield f"{inside} {what}"
    kept_out = 0
    for what, count in others:
        apart = count - inside if what.startswith("kept out") else count
        if what == TOGETHER:
            apart -= kept_out
        elif what.startswith("kept out"):
            kept_out += apart
        if apart > 0:
            yield f"{apart} {what}"
    if not inside:
        yield f"nearest {' and '.join(map(iso_milliseconds, nearest)) or 'nowhere'}"
