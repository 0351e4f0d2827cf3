"""History at size: ten million legs over 90 days and 2,000 agents, on disk.

V1 over 24 hours (100 queues x 3 channels, 25 metrics, 20 service levels) and V2 over 34 days, by
day and by agent, each beside bare DuckDB computing the same sums on the same file in the same run.
Then legs are loaded at a steady rate while queries run: no query may see half a leg, which here is
a leg without the occurrence that was loaded with it.

The facts are made by DuckDB itself, in the store's own layout, for Python would take an hour:
numbers are hashes of the row, so that every run has the same.
"""

import resource
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.historical import (
    CHANNELS,
    INSTANCE,
    PROFILES,
    QUEUES,
    THRESHOLDS,
    bare_statements,
    milliseconds,
)
from ringfloor.base.time import DAY, MINUTE, SECOND, Instant, stopwatch
from ringfloor.domain.facts import Fact, Leg, Occurrence
from ringfloor.node.history import FILE, SETTINGS, History
from ringfloor.projections import historical_request, metric_data_v2_request
from ringfloor.projections.historical_metrics import METRICS
from ringfloor.projections.historical_request import HistoricalQuery
from ringfloor.projections.metric_data_v2_request import QueryV2

LEGS = 10_000_000
DAYS = 90
AGENTS = 2_000
START = 1_709_596_800_000
END = START + DAYS * DAY
RATE = 2_000
"""Legs a second that are loaded beside queries."""


def _pick(values: list[str], salt: int) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"([{listed}])[1 + (hash(i, {salt}) % {len(values)})::INTEGER]"


def _chance(salt: int) -> str:
    """Between 0 and 1."""
    return f"((hash(i, {salt}) % 1000000)::DOUBLE / 1000000)"


def _exponential(mean_ms: int, salt: int) -> str:
    return f"round(-ln(1 - {_chance(salt)}) * {mean_ms})::BIGINT"


def fill(path: Path) -> None:
    """Make the facts. path: of the store's file, which is there and empty."""
    profiles = list(PROFILES)
    step = DAYS * DAY // LEGS
    with duckdb.connect(str(path), config=SETTINGS) as database:
        database.execute("SET preserve_insertion_order = true")
        for first in range(0, LEGS, LEGS // 20):
            database.execute(
                f"""
                INSERT INTO leg BY NAME
                WITH made AS (
                    SELECT i, {START} + i * {step} AS disconnected_at,
                        md5(i::VARCHAR) AS contact_id,
                        {_pick(QUEUES, 1)} AS queue_id, {_pick(CHANNELS, 2)} AS channel,
                        {_pick(profiles, 4)} AS profile, hash(i, 3) % {AGENTS} AS agent,
                        {_chance(5)} < 0.85 AS answered, {_exponential(25_000, 6)} AS wait,
                        {_exponential(180_000, 7)} AS talk, {_chance(8)} < 0.3 AS held
                    FROM range({first}, {first + LEGS // 20}) AS numbers(i)
                )
                SELECT '{INSTANCE}' AS instance, (hash(i) % 4294967296)::UINTEGER AS contact_key,
                    contact_id, queue_id,
                    channel, {_pick(["INBOUND", "INBOUND", "INBOUND", "TRANSFER", "API"], 9)}
                        AS initiation_method,
                    'connect:Telephony' AS subtype,
                    disconnected_at,
                    disconnected_at - wait - 5000 - CASE WHEN answered THEN talk ELSE 0 END
                        AS initiated_at,
                    disconnected_at - wait - CASE WHEN answered THEN talk ELSE 0 END AS enqueued_at,
                    disconnected_at - CASE WHEN answered THEN talk ELSE 0 END AS dequeued_at,
                    CASE WHEN answered THEN disconnected_at - talk END AS connected_to_agent_at,
                    CASE WHEN answered THEN 'agent-' || agent END AS agent_id,
                    CASE WHEN answered THEN profile END AS routing_profile_id,
                    CASE WHEN answered THEN 'group-' || agent % 20 END AS level_one,
                    CASE WHEN answered THEN talk - talk // 10 END AS interaction_ms,
                    CASE WHEN answered AND held THEN talk // 10 END AS hold_ms,
                    CASE WHEN answered AND held THEN 1 ELSE 0 END AS holds,
                    CASE WHEN answered THEN 20000 END AS after_contact_work_ms,
                    CASE WHEN answered THEN 'CONNECTED' ELSE 'IN_QUEUE' END AS pre_disconnect_state,
                    {_pick(["CUSTOMER_DISCONNECT", "AGENT_DISCONNECT"], 10)} AS disconnect_reason,
                    contact_id AS initial_contact_id, FALSE AS conversation_abandoned,
                    encode(repeat(md5(i::VARCHAR), 2) || repeat(md5(queue_id), 8)) AS record
                FROM made ORDER BY i
                """
            )
        database.execute(
            f"""
            INSERT INTO offer BY NAME
            SELECT '{INSTANCE}' AS instance, md5(i::VARCHAR) AS contact_id,
                {_pick(QUEUES, 1)} AS queue_id, {_pick(CHANNELS, 2)} AS channel,
                'agent-' || hash(i, 3) % {AGENTS} AS agent_id, {_pick(profiles, 4)}
                    AS routing_profile_id, 'INBOUND' AS initiation_method,
                {START} + i * {step} - 20000 AS offered_at, {START} + i * {step} AS ended_at,
                CASE WHEN {_chance(11)} < 0.05 THEN 'missed' ELSE 'accepted' END AS outcome
            FROM range({LEGS}) AS numbers(i) ORDER BY i
            """
        )
        database.execute(
            f"""
            INSERT INTO agent_time BY NAME
            SELECT '{INSTANCE}' AS instance, 'agent-' || i % {AGENTS} AS agent_id,
                {_pick(profiles, 12)} AS routing_profile_id, 'group-' || i % 20 AS level_one,
                {_pick(["contact", "contact", "idle", "non_productive"], 13)} AS kind,
                {START} + i * {4 * step} - 60000 AS started_at,
                {START} + i * {4 * step} AS ended_at, FALSE AS in_error
            FROM range({LEGS // 4}) AS numbers(i) ORDER BY i
            """
        )
        database.execute(f"INSERT INTO loaded VALUES ('{INSTANCE}', 1)")
        database.execute("CHECKPOINT")


def v1(end: Instant) -> HistoricalQuery:
    """A day of everything."""
    metrics: list[dict[str, Any]] = [
        {"Name": metric.name} for metric in METRICS if metric.name != "SERVICE_LEVEL"
    ]
    metrics += [
        {"Name": "SERVICE_LEVEL", "Threshold": {"Comparison": "LT", "ThresholdValue": seconds}}
        for seconds in THRESHOLDS
    ]
    request = {
        "StartTime": (end - DAY + 5 * MINUTE) / SECOND,
        "EndTime": end / SECOND,
        "Filters": {"Queues": QUEUES, "Channels": CHANNELS},
        "Groupings": ["QUEUE", "CHANNEL"],
        "HistoricalMetrics": metrics,
    }
    return historical_request.parse(request, end, lambda text: text)


BY_QUEUE = (
    "CONTACTS_QUEUED",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "CONTACTS_TRANSFERRED_OUT",
    "AVG_HANDLE_TIME",
    "AVG_AFTER_CONTACT_WORK_TIME",
    "AVG_QUEUE_ANSWER_TIME",
    "AVG_ABANDON_TIME",
    "AVG_HOLD_TIME",
    "MAX_QUEUED_TIME",
)
BY_AGENT = (
    "CONTACTS_HANDLED",
    "AVG_HANDLE_TIME",
    "AVG_AFTER_CONTACT_WORK_TIME",
    "AVG_HOLD_TIME",
    "SUM_INTERACTION_AND_HOLD_TIME",
    "AGENT_OCCUPANCY",
    "SUM_CONTACT_TIME_AGENT",
    "SUM_IDLE_TIME_AGENT",
    "SUM_NON_PRODUCTIVE_TIME_AGENT",
    "AGENT_NON_RESPONSE",
    "AGENT_ANSWER_RATE",
)


def v2(
    names: tuple[str, ...],
    grouping: str,
    values: dict[str, list[str]],
    days: int,
    end: Instant = END,
    period: str = "DAY",
) -> QueryV2:
    """The last days, a row for each of them and each of the groups."""
    request = {
        "ResourceArn": INSTANCE,
        "StartTime": (end - days * DAY) / SECOND,
        "EndTime": end / SECOND,
        "Interval": {"IntervalPeriod": period},
        "Filters": [{"FilterKey": key, "FilterValues": each} for key, each in values.items()],
        "Groupings": [grouping],
        "Metrics": [{"Name": name} for name in names],
    }
    return metric_data_v2_request.parse(request, end, lambda _kind, value, _key: value)


MINE = f"instance = '{INSTANCE}' AND initiation_method <> 'MONITOR'"
HANDLED = "connected_to_agent_at IS NOT NULL"
WAIT = "dequeued_at - enqueued_at"
LONGEST = f"max(CASE WHEN enqueued_at IS NOT NULL THEN {WAIT} END)"
ABANDONED = (
    "enqueued_at IS NOT NULL AND connected_to_agent_at IS NULL AND next_contact_id IS NULL "
    "AND (transfer_completed_at IS NULL OR pre_disconnect_state IS DISTINCT FROM 'IN_QUEUE')"
)
HANDLE = (
    "coalesce(interaction_ms, 0) + coalesce(hold_ms, 0) + coalesce(after_contact_work_ms, 0) "
    "+ coalesce(pause_ms, 0)"
)
TOUCHED = (
    "(interaction_ms IS NOT NULL OR hold_ms IS NOT NULL OR after_contact_work_ms IS NOT NULL "
    "OR pause_ms IS NOT NULL)"
)


def _sums(*conditions_and_terms: tuple[str, str | None]) -> str:
    """A column for each: how many, or the sum of a term."""
    return ", ".join(
        f"count(CASE WHEN {condition} THEN 1 END)"
        if term is None
        else f"sum(CASE WHEN {condition} THEN {term} END)"
        for condition, term in conditions_and_terms
    )


def bare_v2(cursor: duckdb.DuckDBPyConnection, days: int, *, by_agent: bool) -> None:
    """The sums that V2 needs, written by hand."""
    start = END - days * DAY
    day = f"(disconnected_at - {start}) // {DAY}"
    within = f"disconnected_at >= {start} AND disconnected_at < {END}"
    if not by_agent:
        sums = _sums(
            ("enqueued_at IS NOT NULL", None),
            (HANDLED, None),
            (ABANDONED, None),
            ("transfer_completed_at IS NOT NULL", None),
            (TOUCHED, HANDLE),
            (TOUCHED, None),
            (HANDLED, "coalesce(after_contact_work_ms, 0)"),
            (f"{HANDLED} AND enqueued_at IS NOT NULL", WAIT),
            (f"{HANDLED} AND enqueued_at IS NOT NULL", None),
            (ABANDONED, WAIT),
            (f"{HANDLED} AND holds > 0", "hold_ms"),
            (f"{HANDLED} AND holds > 0", None),
        )
        cursor.execute(
            f"SELECT {day}, queue_id, {sums}, {LONGEST} "
            f"FROM leg WHERE {MINE} AND {within} AND list_contains($queues, queue_id) GROUP BY ALL",
            {"queues": QUEUES},
        ).fetchall()
        return
    profiles = {"profiles": list(PROFILES)}
    served = "list_contains($profiles, routing_profile_id) AND agent_id IS NOT NULL"
    sums = _sums(
        (HANDLED, None),
        (TOUCHED, HANDLE),
        (TOUCHED, None),
        (HANDLED, "coalesce(after_contact_work_ms, 0)"),
        (f"{HANDLED} AND holds > 0", "hold_ms"),
        (f"{HANDLED} AND holds > 0", None),
        (HANDLED, "coalesce(interaction_ms, 0) + coalesce(hold_ms, 0)"),
    )
    cursor.execute(
        f"SELECT {day}, agent_id, {sums} FROM leg WHERE {MINE} AND {within} AND {served} "
        "GROUP BY ALL",
        profiles,
    ).fetchall()
    decided = day.replace("disconnected_at", "ended_at")
    cursor.execute(
        f"SELECT {decided}, agent_id, {TAKEN_OR_NOT} "
        f"FROM offer WHERE {MINE} AND {within.replace('disconnected_at', 'ended_at')} AND {served} "
        "GROUP BY ALL",
        profiles,
    ).fetchall()
    kinds = _sums(*((f"kind = '{kind}'", "ended_at - started_at") for kind in KINDS))
    cursor.execute(
        f"SELECT {decided}, agent_id, {kinds} FROM agent_time WHERE instance = '{INSTANCE}' "
        f"AND {within.replace('disconnected_at', 'ended_at')} AND {served} GROUP BY ALL",
        profiles,
    ).fetchall()


KINDS = ("contact", "idle", "non_productive")
TAKEN_OR_NOT = _sums(("outcome = 'accepted'", None), ("outcome <> 'accepted'", None))


def _whole_leg(number: int, at: Instant) -> list[Fact]:
    """A leg and what was told when it was connected; both or neither are seen."""
    keys: dict[str, Any] = {
        "contact_id": f"beside-{number}",
        "queue_id": QUEUES[number % len(QUEUES)],
        "channel": "VOICE",
        "initiation_method": "INBOUND",
        "agent_id": f"agent-{number % AGENTS}",
        "routing_profile_id": next(iter(PROFILES)),
    }
    return [
        Occurrence(**keys, kind="connected", at=at),
        Leg(
            **keys,
            initiated_at=at - 60_000,
            disconnected_at=at,
            enqueued_at=at - 50_000,
            dequeued_at=at - 40_000,
            connected_to_agent_at=at - 40_000,
            interaction_ms=40_000,
            pre_disconnect_state="CONNECTED",
            disconnect_reason="CUSTOMER_DISCONNECT",
            record=b"-" * 300,
        ),
    ]


def _beside(history: History, seconds: int) -> Iterator[str]:
    """Legs are loaded at RATE while a query of them runs, over and over."""
    over = threading.Event()
    takes: list[float] = []
    late = 0.0

    def load() -> None:
        nonlocal late
        elapsed = stopwatch()
        batch = RATE // 4
        for turn in range(seconds * 4):
            numbers = range(turn * batch, (turn + 1) * batch)
            facts = [fact for number in numbers for fact in _whole_leg(number, END + number)]
            took = stopwatch()
            history.load(INSTANCE, 2 + turn, facts)
            takes.append(took())
            ahead = (turn + 1) / 4 - elapsed()
            late = max(late, -ahead)
            over.wait(max(0.0, ahead))
        over.set()

    names = ("CONTACTS_HANDLED", "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT")
    query = v2(names, "QUEUE", {"QUEUE": QUEUES}, 1, END + DAY, "TOTAL")
    loader = threading.Thread(target=load)
    loader.start()
    waits: list[float] = []
    halves = 0
    while not over.is_set():
        took = stopwatch()
        found = history.answer_v2(INSTANCE, query, [], END + DAY)
        waits.append(took() * 1000)
        halves += sum(legs != connected for legs, connected in (row.values for row in found))
    loader.join()
    rate = len(takes) * (RATE // 4) / seconds
    yield (
        f"ingest beside queries: {rate:,.0f} legs/s for {seconds} s, at most {late * 1000:.0f} ms "
        f"late, slowest batch {max(takes) * 1000:.0f} ms; {len(waits)} queries meanwhile, median "
        f"{statistics.median(waits):.0f} ms, slowest {max(waits):.0f} ms, half legs seen: {halves}"
    )
    assert not halves, "a query has seen half a leg"


def run() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        return list(_run(Path(directory)))


def _run(directory: Path) -> Iterator[str]:
    History.open(directory, print).close()
    elapsed = stopwatch()
    fill(directory / FILE)
    size = (directory / FILE).stat().st_size
    yield f"{LEGS:,} legs over {DAYS} days: made in {elapsed():.0f} s, {size / 1e9:.1f} GB on disk"
    history = History.open(directory, print)
    day = v1(END)
    by_day = v2(BY_QUEUE, "QUEUE", {"QUEUE": QUEUES}, 34)
    by_agent = v2(BY_AGENT, "AGENT", {"ROUTING_PROFILE": list(PROFILES)}, 34)
    with duckdb.connect(str(directory / FILE), config=SETTINGS) as database:
        for name, ours, theirs in (
            (
                "V1, 24 h, 25 metrics, 20 service levels, 300 rows",
                lambda: history.answer(INSTANCE, day, [], PROFILES, END),
                lambda: bare_v1(database),
            ),
            (
                f"V2, 34 days by DAY and QUEUE, {len(BY_QUEUE)} metrics",
                lambda: _written(by_day, history),
                lambda: bare_v2(database, 34, by_agent=False),
            ),
            (
                f"V2, 34 days by DAY and AGENT, {len(BY_AGENT)} metrics",
                lambda: _written(by_agent, history),
                lambda: bare_v2(database, 34, by_agent=True),
            ),
        ):
            mine, bare = milliseconds(ours, theirs, times=5)
            yield f"{name}: {mine / bare:.2f} of bare DuckDB ({mine:.0f} ms, {bare:.0f} ms)"
    yield from _beside(history, 20)
    history.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"memory at its most: {peak:,.0f} MiB"


def _written(query: QueryV2, history: History) -> int:
    """Asked and ready to be written: the pages of an answer are cut from these rows."""
    return len(history.answer_v2(INSTANCE, query, [], END))


def bare_v1(cursor: duckdb.DuckDBPyConnection) -> None:
    """The sums of V1, written by hand."""
    bound = {"instance": INSTANCE, "start": END - DAY + 5 * MINUTE, "end": END}
    filters = {"queues": QUEUES, "channels": CHANNELS}
    for statement in bare_statements():
        cursor.execute(statement, bound | (filters if "$queues" in statement else {})).fetchall()


if __name__ == "__main__":
    print("\n".join(run()))
