"""Report: what share of the faults planted in the engine the tests find, module by module.

    make mutants                plants one in a function (mutmut), runs the tests on each, then this
    make mutants MUTANTS=       plants all of them: hours; MUTANTS="2 17" others

Reads what mutmut has left in mutants/. A mutant that lives on is a hole in the tests, unless
survivors.toml says why nobody could see it: there each reason has names or patterns of names as
mutmut writes them. What no test runs counts as living on. Fails below SHARE_MIN percent.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

SHARE_MIN = 90
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PENDING, KILLED = None, frozenset({1, 3, -11, -9, -24, 24, 36, 152, 255})
"""Exit codes of the tests: not run yet; failed, timed out, or broken."""


def verdicts(root: Path) -> Iterator[tuple[str, int | None]]:
    """Each mutant by its name, and how the tests on it ended."""
    for path in sorted(root.rglob("*.meta")):
        yield from json.loads(path.read_text())["exit_code_by_key"].items()


def number_of(name: str) -> int:
    """ringfloor.engine.queue.x_place__mutmut_7: 7, the seventh of its function."""
    return int(name.rpartition("_")[2])


def excused(name: str, reasons: dict[str, list[str]]) -> bool:
    return any(fnmatchcase(name, each) for names in reasons.values() for each in names)


def module_of(name: str) -> str:
    """ringfloor.engine.queue.x_place__mutmut_1: queue."""
    return name.split(".")[2]


def main(root: Path = ROOT / "mutants", numbers: frozenset[int] = frozenset()) -> int:
    """numbers: of the mutants that were planted in each function; none: all of them."""
    reasons = tomllib.loads((HERE / "survivors.toml").read_text())["equivalent"]
    killed, counted, waiting = Counter[str](), Counter[str](), 0
    alive: list[str] = []
    for name, code in verdicts(root):
        if numbers and number_of(name) not in numbers:
            continue
        if code is PENDING:
            waiting += 1
        elif code in KILLED:
            killed[module_of(name)] += 1
            counted[module_of(name)] += 1
        elif not excused(name, reasons):
            alive.append(name)
            counted[module_of(name)] += 1
    for name in alive:
        print(f"lives on: {name}")
    for module in sorted(counted):
        share = 100 * killed[module] / counted[module]
        print(f"{module:20}{killed[module]:6} of{counted[module]:6}{share:7.1f} %")
    share = 100 * killed.total() / max(counted.total(), 1)
    print(f"{'all':20}{killed.total():6} of{counted.total():6}{share:7.1f} %, {waiting} not run")
    return int(share < SHARE_MIN or waiting > 0)


if __name__ == "__main__":
    sys.exit(main(numbers=frozenset(map(int, sys.argv[1:]))))
