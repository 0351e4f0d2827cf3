"""Real-time metrics: what an event costs to fold, and what GetCurrentMetricData costs to answer.

1,000 agents in 20 routing profiles of 10 queues each serve 100 queues; contacts come, ring, talk,
end and are cleared. Figures are CPU time, the best of several rounds.
"""

import sys
from itertools import count
from pathlib import Path
from time import process_time

import msgspec

from ringfloor.base.ids import generator
from ringfloor.projections.current_metrics import METRICS
from ringfloor.projections.current_request import metric_results, parse
from ringfloor.projections.current_rows import answer
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from metric_histories import (
    AVAILABLE,
    Legs,
    clock,
    profile,
    queue,
    status,
    statuses,
    user,
)

AGENTS, QUEUES, PROFILES, QUEUES_PER_PROFILE = 1_000, 100, 20, 10
CONTACTS, ROUNDS = 5_000, 3


def the_center():
    """The events that make the center, and its agents by queue."""
    at = clock("08:00:00")
    told = [*statuses(), *(queue(f"queue {number}") for number in range(QUEUES))]
    for number in range(PROFILES):
        names = [f"queue {(number * 5 + each) % QUEUES}" for each in range(QUEUES_PER_PROFILE)]
        rows = [(name, channel) for name in names for channel in ("VOICE", "CHAT")]
        told.append(profile(f"profile {number}", {"VOICE": 1, "CHAT": 2}, rows))
    for number in range(AGENTS):
        told.append(user(f"agent {number}", f"profile {number % PROFILES}"))
        told.append(status(f"agent {number}", AVAILABLE))
    return [(event, at) for event in told]


def the_contacts():
    """The lives of contacts, one after the other and interleaved, and a rest that still waits."""
    dice, legs, at, told, numbers = generator(7), Legs(), clock("09:00:00"), [], count()
    working = []
    for _ in range(CONTACTS):
        number = next(numbers)
        at += dice.randrange(400)
        name, agent = f"contact {number}", f"agent {number % AGENTS}"
        channel = dice.choice(("VOICE", "CHAT"))
        told.append((legs.begin(name, at, channel), at))
        told.append((legs.enqueue(name, f"queue {dice.randrange(QUEUES)}", at), at))
        if number % 10 == 0:
            continue
        told.append((legs.offer(name, agent, at), at))
        told.append((legs.connect(name, agent, at + 3), at + 3))
        working.append((name, agent))
        if len(working) > AGENTS // 2:
            name, agent = working.pop(0)
            told += [(event, at + 5) for event in legs.end(name, at + 5)]
            told += [(event, at + 6) for event in legs.clear(name, agent, at + 6)]
    return told, at


def microseconds_per_event(fold_type, history):
    best = float("inf")
    for _ in range(ROUNDS):
        fold = fold_type()
        for event, at in the_center():
            fold.on(event, at)
        start = process_time()
        for event, at in history:
            fold.on(event, at)
        best = min(best, (process_time() - start) * 1e6 / len(history))
    return best, fold


def milliseconds(question):
    best = float("inf")
    for _ in range(10):
        start = process_time()
        question()
        best = min(best, (process_time() - start) * 1e3)
    return best


def run() -> list[str]:
    history, now = the_contacts()
    lines, folds = [], {}
    for fold_type in (Realtime, Waiting, Records):
        cost, folds[fold_type] = microseconds_per_event(fold_type, history)
        lines.append(f"{fold_type.__name__}.on: {cost:.2f} us an event ({len(history)} events)")
    realtime, waiting = folds[Realtime], folds[Waiting]
    request = {
        "Filters": {
            "Queues": [f"queue {number}" for number in range(QUEUES)],
            "Channels": ["VOICE", "CHAT"],
        },
        "Groupings": ["QUEUE", "CHANNEL"],
        "CurrentMetrics": [{"Name": metric.name} for metric in METRICS],
    }

    def ask():
        query = parse(request, lambda _kind, identifier: identifier)
        return query, answer(realtime, waiting, query, now)

    def ask_and_write():
        query, rows = ask()
        return msgspec.json.encode(metric_results(query, rows[:100], "{}/{}".format))

    rows = len(ask()[1])
    size = f"{QUEUES} queues x {len(METRICS)} metrics by QUEUE and CHANNEL, {rows} rows"
    lines.append(f"GetCurrentMetricData, {size}: {milliseconds(ask):.2f} ms")
    lines.append(f"the same with a page of 100 as JSON: {milliseconds(ask_and_write):.2f} ms")
    request["Groupings"] = ["QUEUE"]
    request["CurrentMetrics"].pop()
    lines.append(f"the same by QUEUE, 13 metrics: {milliseconds(ask):.2f} ms")
    snapshot = realtime.dump()
    dump, load = milliseconds(realtime.dump), milliseconds(lambda: Realtime.load(snapshot))
    size = len(snapshot) // 1024
    lines.append(f"Realtime snapshot of {size} KiB: dump {dump:.2f} ms, load {load:.2f} ms")
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
