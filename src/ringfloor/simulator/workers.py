"""Workers: independent pieces of work on several processors.

Called by the commands that simulate much. Each piece is done in a process that was spawned, so that
it shares nothing with us, or here if one worker is enough. What is to be done is a function of a
module; its pieces and results can be pickled. A Fault in a piece is raised here, and what has not
begun is not begun any more.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from os import sched_getaffinity
from typing import Any, TypeVar

from ringfloor.base.errors import Fault

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""

LOOK_SECONDS = 0.2
"""How often progress is looked at."""


def processors() -> int:
    """How many there are for us."""
    return len(sched_getaffinity(0))


def spread(
    work: Callable[[T, Progress], R],
    pieces: Sequence[T],
    workers: int,
    progress: Progress = lambda _part: None,
) -> list[R]:
    """The results, in the order of the pieces; work gets a piece and whom to tell how far it is."""
    if min(workers, len(pieces)) <= 1:
        return [work(each, _part_of(progress, at, len(pieces))) for at, each in enumerate(pieces)]
    context = get_context("spawn")
    parts = context.Array("d", len(pieces), lock=False)
    with ProcessPoolExecutor(
        min(workers, len(pieces)), mp_context=context, initializer=_begin, initargs=(parts,)
    ) as pool:
        try:
            left = doing = [pool.submit(_do, work, each, at) for at, each in enumerate(pieces)]
            while left:
                _, still = wait(left, timeout=LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                left = [each for each in left if each in still]
                for each in doing:
                    if each.done():
                        each.result()
                progress(sum(parts) / len(pieces))
            return [each.result() for each in doing]
        except BrokenProcessPool as error:
            raise Fault("a process that simulated has been ended by somebody else") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _part_of(progress: Progress, at: int, of: int) -> Progress:
    return lambda part: progress((at + part) / of)


_parts: Any = None
"""In a worker: how much of each piece is done, seen by who has spread them."""


def _begin(parts: Any) -> None:  # noqa: ANN401  shared memory
    global _parts  # noqa: PLW0603  the one way into a process that is being spawned
    _parts = parts


def _do(work: Callable[[T, Progress], R], piece: T, at: int) -> R:
    def told(part: float) -> None:
        _parts[at] = part

    done = work(piece, told)
    told(1.0)
    return done
