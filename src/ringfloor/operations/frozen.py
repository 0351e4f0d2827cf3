"""Frozen: answers that are paged as they were when the first page was asked for.

The metric operations promise one snapshot on all pages of a token chain. The rows are kept here,
under the name that the NextToken carries, as long as a token can live and there is room: what was
looked at longest ago goes first. A restart forgets them. The token is then refused like an expired
one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import FROZEN_ANSWERS_MAX, FROZEN_NUMBERS_MAX, NEXT_TOKEN_MS
from ringfloor.base.time import Instant


class Answer(NamedTuple):
    """All rows of an answer, when they were read, and how many numbers they are made of.

    numbers: None of rows that are written already.
    """

    rows: Sequence[dict[str, Any]]
    at: Instant
    numbers: int | None = None

    @property
    def size(self) -> int:
        """In numbers of FROZEN_NUMBERS_MAX, each about 50 bytes."""
        return 50 * len(self.rows) if self.numbers is None else self.numbers


class Frozen:
    """Answers that somebody may still page through."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[Instant, Answer]] = {}

    def keep(self, answer: Answer, now: Instant) -> str:
        """Keep an answer for as long as a token lives; its name."""
        name = derive(chance(), 0)
        self._tidy(now, FROZEN_NUMBERS_MAX - answer.size)
        self._answers[name] = now + NEXT_TOKEN_MS, answer
        return name

    def find(self, name: str, now: Instant) -> Answer:
        """The answer of that name, which lives on for another token's life."""
        found = self._answers.pop(name, None)
        if found is None or found[0] <= now:
            raise Refusal("InvalidParameterException", "Invalid or expired NextToken")
        self._answers[name] = now + NEXT_TOKEN_MS, found[1]
        return found[1]

    def _tidy(self, now: Instant, room: int) -> None:
        """Drop what has expired, and the oldest beyond the bounds. room: for those that stay."""
        size = sum(answer.size for _, answer in self._answers.values())
        while self._answers:
            oldest = next(iter(self._answers))
            expires_at, answer = self._answers[oldest]
            fits = len(self._answers) < FROZEN_ANSWERS_MAX and size <= room
            if expires_at > now and fits:
                return
            size -= answer.size
            del self._answers[oldest]
