"""Soak: floors for hours, one seed after the other: `make soak`, or

    PYTHONPATH=tests python -m simulation.soak [--minutes 60] [--seed 10000] [--steps 600]

Prints a line a floor; the first that fails ends it, with its seed and the traceback. The same seed
lives the same life again.
"""

import argparse
import asyncio
import sys
import traceback

from ringfloor.base.time import stopwatch
from simulation.floor import Floor


async def a_life(seed: int, steps: int, *, faulty: bool = True) -> Floor:
    floor = Floor(seed, faulty=faulty)
    await floor.begin()
    await floor.live(steps)
    await floor.end()
    return floor


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    elapsed, seed = stopwatch(), options.seed
    while elapsed() < options.minutes * 60:
        before = elapsed()
        try:
            floor = asyncio.run(a_life(seed, options.steps))
        except Exception:  # noqa: BLE001  told with its seed
            traceback.print_exc()
            print(f"seed {seed} with {options.steps} steps FAILED", flush=True)
            return 1
        happened = sum(floor.counts.values())
        print(
            f"seed {seed}: {happened} events of {len(floor.counts)} kinds,"
            f" {floor.crashes} crashes, {elapsed() - before:.1f} s",
            flush=True,
        )
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
