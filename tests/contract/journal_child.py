"""A process that appends and says so, until it is killed or refused; given a mode and a directory.

append: records in batches, each acknowledged on stdout as "instance sequence" once it is durable.
squeeze: the same, where no file may grow beyond 300 kB.
open: open, say "open" and end.
"""

import resource
import sys
from pathlib import Path

from ringfloor.base.errors import Fault
from ringfloor.journal.disk import open_journal
from ringfloor.journal.journal import Record

SQUEEZED_BYTES = 300_000


def payload(instance: str, sequence: int) -> bytes:
    return f"{instance}:{sequence};".encode() * (1 + sequence % 40)


def append_for_ever(directory: Path) -> None:
    journal = open_journal(directory, lambda told: say("told", told))
    while True:
        ends = {name: journal.last(name) for name in ("a", "b")}
        batch = []
        for name in ("a", "b"):
            for _ in range(1 + ends[name] % 7):
                ends[name] += 1
                batch.append(Record(name, ends[name], ends[name], payload(name, ends[name])))
        journal.append(batch)
        for name, last in ends.items():
            say("durable", name, last)
        journal.put_note("a", str(ends["a"]).encode())
        say("noted", ends["a"])
        if ends["a"] % 5 == 0:
            journal.save_snapshot("a", ends["a"], payload("a", ends["a"]))


def say(*words: object) -> None:
    print(*words, flush=True)


def main() -> None:
    mode, directory = sys.argv[1], Path(sys.argv[2])
    if mode == "squeeze":
        resource.setrlimit(resource.RLIMIT_FSIZE, (SQUEEZED_BYTES, SQUEEZED_BYTES))
    try:
        if mode == "open":
            open_journal(directory, say).close()
            say("open")
        else:
            append_for_ever(directory)
    except Fault as fault:
        say(type(fault).__name__, fault)


if __name__ == "__main__":
    main()
