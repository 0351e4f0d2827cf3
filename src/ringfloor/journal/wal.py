"""Wal: whether SQLite's write-ahead log ends as a crash leaves it, or is damaged.

Called by sqlite before it opens the database, and by upkeep. SQLite reads its log up to the first
frame that does not verify and drops the rest without a word; this module looks first. It only
reads; cutting is the caller's business. The format is SQLite's own (fileformat2.html, section 4).

A log is a header and frames, one frame a page, each with the log's two salts and a checksum over
everything before it; the last frame of a transaction says so. Because each commit is synced before
the next transaction begins (synchronous=FULL), only the *last* transaction of a log can be
unfinished. Hence the three answers:

- WHOLE: it ends with a commit. What follows from an earlier round of the log is no matter.
- TORN: the last transaction is incomplete, blank or does not verify, and nothing comes after it: a
  crash in the middle of a write looks like this, and so does a byte that flipped later in just this
  place. It can be cut, and must be told.
- BROKEN: a frame does not verify and a later transaction follows, or the header is bad and frames
  follow. That was synced and acknowledged once; no crash does this.

A log that somebody shortened to just the end of a commit looks whole; nothing outside it says how
long it was.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from struct import Struct as Layout
from struct import iter_unpack
from typing import BinaryIO

from msgspec import Struct

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24

_MAGIC = 0x377F0682
_BIG_ENDIAN = 1
_VERSION = 3_007_000
_MASK = 0xFFFFFFFF
_SALTS_END = 16

_header = Layout(">8I")
_frame = Layout(">6I")
_salts = Layout(">8x2I")


class Ending(Enum):
    """How a log ends."""

    WHOLE = "whole"
    TORN = "torn"
    BROKEN = "broken"


class Tail(Struct, frozen=True):
    """What stands at the end of a log.

    keep: bytes up to and with the last commit that verifies.
    size: bytes in the file.
    frames: frames, whole or begun, of what is not kept and belongs to this round of the log.
    why: for a message, what is wrong; empty when the log is whole.
    """

    ending: Ending
    keep: int
    size: int
    frames: int = 0
    why: str = ""


class _Log(Struct, frozen=True):
    """What the header says."""

    page_bytes: int
    words: str
    salts: tuple[int, int]
    sums: tuple[int, int]


class _Rest(Struct):
    """What is learnt about the frames from the first that does not verify.

    page: of the frame before, as far as it can be told.
    ended: the frame before says that it ends a transaction.
    """

    page: int
    ended: bool = False
    begun: bool = False
    ours: int = 0
    stale: bool = False
    later: bool = False


def inspect(path: Path) -> Tail:
    """How the log in this file ends; a missing file is an empty log. Raises OSError."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return Tail(Ending.WHOLE, keep=0, size=0)
    with file:
        size = path.stat().st_size
        if size == 0:
            return Tail(Ending.WHOLE, keep=0, size=0)
        log = _opened(file.read(HEADER_BYTES))
        if log is None and size <= HEADER_BYTES:
            return Tail(Ending.TORN, keep=0, size=size, why="its header was never finished")
        if log is None:
            why = "its header does not match its checksum, yet frames follow"
            return Tail(Ending.BROKEN, keep=0, size=size, why=why)
        return _judged(log, file, size)


def _opened(header: bytes) -> _Log | None:
    if len(header) < HEADER_BYTES:
        return None
    magic, version, page_bytes, _, salt1, salt2, sum1, sum2 = _header.unpack(header)
    if magic & ~_BIG_ENDIAN != _MAGIC or version != _VERSION:
        return None
    words = ">2I" if magic & _BIG_ENDIAN else "<2I"
    if _summed(header[:24], (0, 0), words) != (sum1, sum2):
        return None
    if not 512 <= page_bytes <= 65_536 or page_bytes & (page_bytes - 1):
        return None
    return _Log(page_bytes, words, (salt1, salt2), (sum1, sum2))


def _judged(log: _Log, file: BinaryIO, size: int) -> Tail:
    frame_bytes = FRAME_HEADER_BYTES + log.page_bytes
    frames = _frames(file, frame_bytes)
    verified = committed = before = 0
    sums = log.sums
    rest = _Rest(page=0)
    for frame in frames:
        page, pages_after_commit, *salts, sum1, sum2 = _fields(frame)
        if len(frame) == frame_bytes and (salts[0], salts[1]) == log.salts and page:
            sums = _summed(frame[:8], sums, log.words)
            sums = _summed(frame[FRAME_HEADER_BYTES:], sums, log.words)
            if sums == (sum1, sum2):
                verified += 1
                before = page
                if pages_after_commit:
                    committed, before = verified, 0
                continue
        rest.page = before
        _follow(rest, frame, log.salts)
        break
    for frame in frames:
        _follow(rest, frame, log.salts)
    keep = HEADER_BYTES + committed * frame_bytes
    unfinished = verified - committed
    if rest.later:
        why = (
            f"frame {verified + 1} does not match its checksum, yet later transactions follow: "
            "it was damaged after it had been written"
        )
        return Tail(Ending.BROKEN, keep, size, unfinished + rest.ours, why)
    if rest.ours:
        why = f"frame {verified + 1} is incomplete or does not match its checksum"
        return Tail(Ending.TORN, keep, size, unfinished + rest.ours, why)
    if unfinished:
        return Tail(Ending.TORN, keep, size, unfinished, "the last transaction has no commit")
    return Tail(Ending.WHOLE, keep, size)


def _follow(rest: _Rest, frame: bytes, salts: tuple[int, int]) -> None:
    """Take in a frame that SQLite will not read: whose it is, and whether a commit came before.

    A frame is ours if a salt is (the other may be what was damaged), or if it is blank or too short
    to tell and nothing of an earlier round came before it. Pages rise within a transaction, so one
    that does not betrays a commit whose mark was damaged.
    """
    page, pages_after_commit, salt1, salt2, _, _ = _fields(frame)
    first, rest.begun = not rest.begun, True
    salted = len(frame) >= _SALTS_END and (salt1 == salts[0] or salt2 == salts[1])
    unsaid = len(frame) < _SALTS_END or not any(frame[:FRAME_HEADER_BYTES])
    if salted:
        rest.later = rest.later or (not first and (rest.ended or page <= rest.page))
        rest.ended = pages_after_commit != 0
        rest.page = page
        rest.ours += 1
    elif unsaid and not rest.stale:
        rest.ours += 1
    else:
        rest.stale = True


def _frames(file: BinaryIO, frame_bytes: int) -> Iterator[bytes]:
    while frame := file.read(frame_bytes):
        yield frame


def _fields(frame: bytes) -> tuple[int, ...]:
    return _frame.unpack(frame[:FRAME_HEADER_BYTES].ljust(FRAME_HEADER_BYTES, b"\0"))


def _summed(content: bytes, sums: tuple[int, int], words: str) -> tuple[int, int]:
    sum1, sum2 = sums
    for word1, word2 in iter_unpack(words, content):
        sum1 = (sum1 + word1 + sum2) & _MASK
        sum2 = (sum2 + word2 + sum1) & _MASK
    return sum1, sum2
