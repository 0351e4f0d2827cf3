"""Runs all benchmarks, or those named: `python -m benchmarks [name ...]`."""

import importlib
import sys

NAMES = (
    "api",
    "node",
    "journal",
    "engine",
    "routing",
    "simulator",
    "realtime",
    "historical",
    "big_history",
    "voice",
)


def main() -> None:
    wanted = sys.argv[1:] or NAMES
    for name in wanted:
        print(f"== {name}", flush=True)
        for line in importlib.import_module(f"benchmarks.{name}").run():
            print(f"  {line}", flush=True)


main()
