"""Routing at the size that it is built for: 10,000 agents, 500 queues, 100,000 waiting contacts.

Everybody talks and the others wait; in a cycle an agent becomes free, gets the contact that comes
first for him, and another one joins its line. The same at a tenth and a hundredth of the size, and
all that with routing criteria on a tenth of the contacts. Beside the cost per event stands how much
log(size) grows: a cost that grows no faster is as good as routing promises. Figures are CPU time of
engine.apply and of the decisions of routing; flows, journals and effects are apart.
"""

import gc
import sys
from math import log
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from routing_builders import Load

AGENTS, QUEUES, WAITING = 10_000, 500, 100_000
PARTS = (100, 10, 1)
CYCLES = 8_000
SEEKING = (0.0, 0.1)


def measured(load: Load) -> tuple[float, float]:
    """Seconds of CPU per event, contacts routed per second."""
    gc.collect()
    load.routed = load.happened = 0
    start = process_time()
    for _ in range(CYCLES):
        load.cycle()
    spent = process_time() - start
    return spent / load.happened, load.routed / spent


def run() -> list[str]:
    lines = []
    for seeking in SEEKING:
        lines.append(f"routing criteria on {seeking:.0%} of the contacts:")
        smallest: tuple[int, float] | None = None
        for part in PARTS:
            waiting = WAITING // part
            load = Load(
                agents=AGENTS // part, queues=QUEUES // part, waiting=waiting, seeking=seeking
            )
            cost, rate = measured(load)
            smallest = smallest or (waiting, cost)
            lines.append(
                f"  {AGENTS // part:>6,} agents, {QUEUES // part:>3} queues, {waiting:>7,} waiting:"
                f" {rate:>7,.0f} contacts routed/s, {cost * 1e6:5.1f} us an event;"
                f" {cost / smallest[1]:.2f} times the smallest,"
                f" log(size) {log(waiting) / log(smallest[0]):.2f} times"
            )
            del load
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
