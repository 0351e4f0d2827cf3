"""History under load: a day of a million legs, asked for everything, beside bare DuckDB.

100 queues x 3 channels, all 25 metrics with 20 service levels, grouped by queue and channel. The
bare figure is one hand-made statement per table with the same sums, a column for each service
level, on the same file in the same run: what the ratio shows is what this project adds or saves.
Of one contact in ten there are all facts, of the others the leg alone.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import duckdb

from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, stopwatch
from ringfloor.domain.facts import (
    AgentTime,
    Fact,
    FlowRun,
    HandTime,
    Keys,
    Leg,
    Occurrence,
    Offer,
)
from ringfloor.node.history import FILE, SETTINGS, History
from ringfloor.projections.historical_answer import MISSED
from ringfloor.projections.historical_metrics import IN_QUEUE_ROW, METRICS, WAIT_MS, aggregates
from ringfloor.projections.historical_request import parse

LEGS = 1_000_000
BATCH = 5_000
START = 1_709_596_800_000
INSTANCE = "0a5e0000-0000-4000-8000-000000000001"
QUEUES = [f"0b000000-0000-4000-8000-{n:012d}" for n in range(100)]
PROFILES = {
    f"0c000000-0000-4000-8000-{n:012d}": frozenset(QUEUES[n * 5 : n * 5 + 5]) for n in range(20)
}
CHANNELS = ["VOICE", "CHAT", "TASK"]
THRESHOLDS = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 100, 120, 180, 240, 300]


def beside(leg: Leg) -> Iterator[Fact]:
    """What else is told of a contact that an agent has handled: offer, flows, time."""
    keys = {name: getattr(leg, name) for name in Keys.__struct_fields__}
    queued, joined = leg.enqueued_at or leg.initiated_at, leg.connected_to_agent_at
    for started, ended in ((leg.initiated_at, queued), (queued, leg.disconnected_at)):
        run = {"flow_id": leg.queue_id, "flow_type": "CONTACT_FLOW", "outcome": "DROPPED"}
        yield FlowRun(**keys, **run, started_at=started, ended_at=ended)
    yield Occurrence(**keys, kind="enqueued", at=queued)
    if joined is not None:
        yield Offer(**keys, offered_at=queued, ended_at=joined, outcome="accepted")
        yield Occurrence(**keys, kind="connected", at=joined)
        yield HandTime(**keys, started_at=joined, ended_at=leg.disconnected_at)


def batches(rng: Random) -> Iterator[list[Fact]]:
    """A day in the order in which it would be loaded."""
    profiles = list(PROFILES)

    def an_id() -> str:
        text = f"{rng.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"

    agents = [an_id() for _ in range(2_000)]
    batch: list[Fact] = []
    for number in range(LEGS):
        ended = START + number * DAY // LEGS
        queue_id = rng.choice(QUEUES)
        channel = rng.choice(CHANNELS)
        contact_id, agent_id, profile = an_id(), rng.choice(agents), rng.choice(profiles)
        answered = rng.random() < 0.85
        wait = round(rng.expovariate(1 / 25_000))
        talk = round(rng.expovariate(1 / 180_000)) if answered else 0
        held = answered and rng.random() < 0.3
        leg = Leg(
            contact_id=contact_id,
            queue_id=queue_id,
            channel=channel,
            initiation_method=rng.choice(("INBOUND", "INBOUND", "INBOUND", "TRANSFER", "API")),
            initiated_at=ended - talk - wait - 5_000,
            disconnected_at=ended,
            enqueued_at=ended - talk - wait,
            dequeued_at=ended - talk,
            connected_to_agent_at=ended - talk if answered else None,
            agent_id=agent_id if answered else None,
            routing_profile_id=profile if answered else None,
            interaction_ms=talk if answered else None,
            hold_ms=talk // 10 if held else None,
            longest_hold_ms=talk // 10 if held else None,
            holds=int(held),
            after_contact_work_ms=20_000 if answered else None,
            pre_disconnect_state="CONNECTED" if answered else "IN_QUEUE",
            disconnect_reason=rng.choice(("CUSTOMER_DISCONNECT", "AGENT_DISCONNECT")),
            initial_contact_id=contact_id,
            record=f"{contact_id}{agent_id}{queue_id}{ended}".encode() * 3,
        )
        batch.append(leg)
        if number % 20 == 0:
            batch.append(
                Offer(
                    contact_id=contact_id,
                    agent_id=agent_id,
                    queue_id=queue_id,
                    channel=channel,
                    offered_at=ended - 20_000,
                    ended_at=ended,
                    outcome="missed",
                )
            )
        if number % 5 == 0:
            batch.append(
                AgentTime(
                    agent_id=agent_id,
                    routing_profile_id=profile,
                    kind=rng.choice(("contact", "idle")),
                    started_at=ended - 60_000,
                    ended_at=ended,
                )
            )
        if number % 10 == 0:
            batch += beside(leg)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def a_query(length: int):
    metrics = [{"Name": metric.name} for metric in METRICS if metric.name != "SERVICE_LEVEL"]
    metrics += [
        {"Name": "SERVICE_LEVEL", "Threshold": {"Comparison": "LT", "ThresholdValue": seconds}}
        for seconds in THRESHOLDS
    ]
    request = {
        "StartTime": START / 1000,
        "EndTime": (START + length) / 1000,
        "Filters": {"Queues": QUEUES, "Channels": CHANNELS},
        "Groupings": ["QUEUE", "CHANNEL"],
        "HistoricalMetrics": metrics,
    }
    return parse(request, START + DAY, lambda text: text)


def bare_statements() -> tuple[str, ...]:
    """The same question by hand: one statement per table, a column for every service level."""
    columns = dict.fromkeys(
        column for metric in METRICS if metric.facts == "legs" for column in aggregates(metric)
    )
    levels = [
        f"count(CASE WHEN {WAIT_MS} < {seconds * SECOND} THEN 1 END)" for seconds in THRESHOLDS
    ]
    mine = "instance = $instance AND "
    filters = "list_contains($queues, queue_id) AND list_contains($channels, channel)"
    legs = (
        f"SELECT queue_id, channel, {', '.join((*columns, *levels))} FROM leg "
        f"WHERE {mine} {filters} AND {IN_QUEUE_ROW} "
        "AND disconnected_at >= $start AND disconnected_at < $end GROUP BY ALL"
    )
    missed = (
        f"SELECT queue_id, channel, count(*) FROM offer WHERE {mine} {filters} AND {MISSED} "
        "AND ended_at >= $start AND ended_at < $end GROUP BY ALL"
    )
    occupancy = (
        "SELECT routing_profile_id, kind, "
        "sum(least(ended_at, $end) - greatest(started_at, $start)) FROM agent_time "
        f"WHERE {mine} ended_at > $start AND started_at < $end GROUP BY ALL"
    )
    return legs, missed, occupancy


def bare(cursor: duckdb.DuckDBPyConnection, length: int) -> None:
    bound = {"instance": INSTANCE, "start": START, "end": START + length}
    filters = {"queues": QUEUES, "channels": CHANNELS}
    for statement in bare_statements():
        cursor.execute(statement, bound | (filters if "$queues" in statement else {})).fetchall()


def milliseconds(*works: Callable[[], object], times: int) -> list[float]:
    """The median of some runs of each, in turn so that all meet the same weather, after one that
    warms up."""
    found: list[list[float]] = [[] for _ in works]
    for number in range(times + 1):
        for work, figures in zip(works, found, strict=True):
            elapsed = stopwatch()
            work()
            if number:
                figures.append(elapsed() * 1000)
    return [statistics.median(figures) for figures in found]


def run() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        return list(_run(Path(directory)))


def _run(directory: Path) -> Iterator[str]:
    history = History.open(directory, print)
    facts, busy, slowest, ids = 0, 0.0, 0.0, []
    for sequence, batch in enumerate(batches(Random(5)), start=1):
        elapsed = stopwatch()
        history.load(INSTANCE, sequence, batch)
        took = elapsed()
        busy, slowest, facts = busy + took, max(slowest, took), facts + len(batch)
        ids += [fact.contact_id for fact in batch[:1] if isinstance(fact, Leg)]
    history.close()
    size = (directory / FILE).stat().st_size
    yield (
        f"load: {facts / busy:,.0f} facts/s, {facts:,} facts in batches of {BATCH:,}, "
        f"slowest batch {slowest * 1000:.0f} ms, {size / facts:.0f} bytes a fact"
    )
    elapsed = stopwatch()
    history = History.open(directory, print)
    yield f"open: {elapsed() * 1000:.0f} ms"

    with duckdb.connect(str(directory / FILE), config=SETTINGS) as database:
        for name, length in (("24 h", DAY - 5 * MINUTE), ("1 h", HOUR)):
            query = a_query(length)
            ours, theirs = milliseconds(
                lambda query=query: history.answer(INSTANCE, query, [], PROFILES),
                lambda length=length: bare(database, length),
                times=9,
            )
            yield (
                f"answer, {name} of {LEGS:,} legs a day, 25 metrics, 20 service levels, 300 rows: "
                f"{ours / theirs:.2f} of bare DuckDB ({ours:.0f} ms, {theirs:.0f} ms)"
            )
    known = iter(ids)
    found, missing = milliseconds(
        lambda: history.leg(INSTANCE, next(known)),
        lambda: history.leg(INSTANCE, "not there"),
        times=100,
    )
    yield f"leg: {found:.1f} ms, {missing:.1f} ms if there is none, {LEGS:,} legs kept"
    history.close()


if __name__ == "__main__":
    print("\n".join(run()))
