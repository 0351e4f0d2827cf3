"""Metric explanations: why an answer lacks rows, in a header of the answer, for who asks for it.

A request of GetMetricData or GetMetricDataV2 with the header `x-ringfloor-explain: 1`, which need
not be signed, is answered with x-ringfloor-explanation: plain text of bounded length. It stands on
the first page. GetContactMetrics tells likewise what its estimate was made of.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from ringfloor.base.limits import EXPLAINED_MAX, EXPLANATION_CHARS_MAX
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain.facts import Counted
from ringfloor.node.desk import Desk
from ringfloor.node.wait_estimates import Told
from ringfloor.operations.context import Context
from ringfloor.projections.historical_explanation import Missing, Serving
from ringfloor.projections.historical_sql import Asked, Question

ASKED_FOR = b"x-ringfloor-explain"
EXPLANATION = b"x-ringfloor-explanation"


async def explain(
    context: Context,
    desk: Desk,
    question: Question,
    asked: Sequence[Asked],
    found: Sequence[str],
    open_facts: Sequence[Counted],
    serving: Serving | None = None,
) -> None:
    """Say why rows are missing, if that is asked for.

    found: the queue of each row that there is, or anything else where they are not grouped by it.
    open_facts: what was open when the question was answered. serving: see History.explain.
    """
    if context.header(ASKED_FOR) != b"1":
        return
    without = _without_rows(question, found)
    reasons: list[Missing] = []
    if without != []:
        few = None if without is None else without[:EXPLAINED_MAX]
        reasons = await context.node.analyse(
            desk,
            lambda history: history.explain(question, asked, few, open_facts, serving),
        )
    of_contacts = any(one.metric.facts == "legs" for one in asked)
    queues, alive = await context.read(
        lambda: (
            frozenset(desk.center.resources["queue"]),
            _alive(desk) if of_contacts else Counter[tuple[str | None, bool]](),
        )
    )
    parts = [f"{len(found)} rows", *_told(reasons, queues, alive)]
    if without is not None and len(without) > EXPLAINED_MAX:
        parts.append(f"{len(without) - EXPLAINED_MAX} more queues have none")
    context.told.append((EXPLANATION, header_text("; ".join(parts))))


def header_text(text: str) -> bytes:
    """As a header may have it: printable ASCII, of bounded length. Some of it was the client's."""
    printable = (each if " " <= each <= "~" else "?" for each in text[:EXPLANATION_CHARS_MAX])
    return "".join(printable).encode()


def explain_wait(context: Context, told: Told) -> None:
    """Say what an estimated wait was made of, if that is asked for."""
    if context.header(ASKED_FOR) == b"1":
        context.told.append((EXPLANATION, header_text("; ".join(_wait(context.now, told)))))


def _wait(now: Instant, told: Told) -> Iterator[str]:
    if told.estimate is None or told.announced is None:
        yield "nothing is known: no agent is there for this line"
        return
    quantiles, made = told.estimate
    yield f"by {made.by}" + ("" if made.version is None else f", model {made.version}")
    named = zip(quantiles._fields, quantiles, strict=True)
    yield ", ".join(f"{name.removesuffix('_s').upper()} {value:.1f} s" for name, value in named)
    yield f"ahead {made.ahead:.1f}, agents {made.agents:g}"
    yield f"mu {made.served_per_s:.6f}/s, theta {made.lost_per_s:.6f}/s"
    before = told.announced.before
    if before is None:
        yield "told for the first time"
        return
    yield f"told {before.seconds} s, {(now - before.at) / SECOND:.0f} s ago"
    if told.announced.held:
        yield f"now {told.announced.seconds} s: nothing has changed for the better since"
    elif told.announced.reasons:
        yield f"now {told.announced.seconds} s: {', '.join(told.announced.reasons)}"


def _without_rows(question: Question, found: Sequence[str]) -> list[str] | None:
    """The queues that are asked for and have no row; None: no row at all."""
    wanted = [each.values for each in question.conditions if each.key == "QUEUE" and each.values]
    if not wanted or "QUEUE" not in question.groupings:
        return [] if found else None
    there = set(found)
    return [str(queue_id) for queue_id in wanted[0] if queue_id not in there]


def _alive(desk: Desk) -> Counter[tuple[str | None, bool]]:
    """Live contacts by queue, and whether they have ended: after contact work goes on."""
    return Counter(
        (contact.queue_id, contact.stage == "ENDED") for contact in desk.center.contacts.values()
    )


def _told(
    reasons: Sequence[Missing],
    queues: frozenset[str],
    alive: Counter[tuple[str | None, bool]],
) -> Iterator[str]:
    for queue_id, why in reasons:
        name = "there is none" if queue_id is None else f"queue {queue_id} has none"
        known = [] if queue_id is None or queue_id in queues else ["this queue is unknown"]
        counts = Counter[bool]()
        for (whose, ended), count in alive.items():
            if queue_id in (None, whose):
                counts[ended] += count
        live = [f"{counts[True]} in after contact work, not final yet"] if counts[True] else []
        live += [f"{counts[False]} contacts go on"] if counts[False] else []
        yield f"{name}: {', '.join([*known, *why, *live])}"
