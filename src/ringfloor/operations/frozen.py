"""Frozen: answers that are paged as they were when the first page was asked for.

The metric operations promise one snapshot on all pages of a token chain. The rows are kept here,
under the name that the NextToken carries, as long as a token can live; a restart forgets them and
the token is then refused like an expired one.
"""

from typing import Any, NamedTuple

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import FROZEN_ANSWERS_MAX, NEXT_TOKEN_MS
from ringfloor.base.time import Instant


class Answer(NamedTuple):
    """All rows of an answer, and when they were read."""

    rows: list[dict[str, Any]]
    at: Instant


class Frozen:
    """Answers that somebody may still page through."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[Instant, Answer]] = {}

    def keep(self, answer: Answer, now: Instant) -> str:
        """Keep an answer for as long as a token lives; its name."""
        name = derive(chance(), 0)
        self._tidy(now)
        self._answers[name] = now + NEXT_TOKEN_MS, answer
        return name

    def find(self, name: str, now: Instant) -> Answer:
        """The answer of that name, which lives on for another token's life."""
        found = self._answers.pop(name, None)
        if found is None or found[0] <= now:
            raise Refusal("InvalidParameterException", "Invalid or expired NextToken")
        self._answers[name] = now + NEXT_TOKEN_MS, found[1]
        return found[1]

    def _tidy(self, now: Instant) -> None:
        """Drop what has expired, and the oldest beyond the bound."""
        while self._answers:
            oldest = next(iter(self._answers))
            expired = self._answers[oldest][0] <= now
            if not expired and len(self._answers) < FROZEN_ANSWERS_MAX:
                return
            del self._answers[oldest]
