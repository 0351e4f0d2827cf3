"""Output: what commands write: tables, files, and a line that says how far they are.

Called by the cli_* modules, client and app.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from ringfloor.base.errors import Fault
from ringfloor.base.time import stopwatch

ITSELF = "-"
"""As a file's name: the output itself."""

NO_PLOTS = "pages are drawn by Matplotlib, which is not installed: pip install 'ringfloor[report]'"


def check(option: str, name: str | None) -> None:
    """Before long work: whether a file could be written there. Raises Fault."""
    if not name or name == ITSELF:
        return
    path = Path(name)
    if path.is_dir():
        raise Fault(f"{option}: {name} cannot be written: it is a directory")
    if not path.parent.is_dir():
        raise Fault(f"{option}: {name} cannot be written: there is no directory {path.parent}")


def write(option: str, name: str, text: str) -> None:
    """Write a result to the file that an option names; raises Fault."""
    if name == ITSELF:
        sys.stdout.write(f"{text}\n")
        return
    try:
        Path(name).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise Fault(f"{option}: {name} cannot be written: {error.strerror}") from error


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, numbers to the right.

    A row may end before the others do.
    """
    cells = [list(row) for row in rows]
    most = max(map(len, cells), default=0)
    filled = [row + [""] * (most - len(row)) for row in cells]
    widths = [max(map(len, column)) for column in zip(*filled, strict=True)]
    for first, *others in filled:
        right = (each.rjust(width) for each, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *right]).rstrip()


class Line:
    """A line on a terminal while a command works, made anew a few times a second."""

    def __init__(self, out: TextIO, *, after: float = 0.0, every: float = 0.1) -> None:
        """Seconds until it is shown for the first time, and from then on."""
        self._out, self._every = out, every
        self._elapsed = stopwatch()
        self._next = after
        self._shown = False

    def due(self) -> float | None:
        """Seconds since it was made, if it is time to show it again, and somebody sees it."""
        elapsed = self._elapsed()
        if not self._out.isatty() or elapsed < self._next:
            return None
        self._next = elapsed + self._every
        return elapsed

    def show(self, text: str) -> None:
        """In place of what it said."""
        self._shown = True
        self._out.write(f"\r\x1b[K{text}")
        self._out.flush()

    def end(self) -> None:
        """It is no longer needed."""
        if self._shown:
            self._shown = False
            self._out.write("\r\x1b[K")
            self._out.flush()


def bar(share: float, width: int = 30) -> str:
    """So much is done, 0 to 1."""
    return f"[{'#' * round(width * share):<{width}}] {share:4.0%}"
