"""Stream hearts: when an agent's heart beats in the agent event stream.

Two minutes after whatever was told of him last, and for an hour after he has gone. Held by
node.streams, which tells the beats. An agent is known by his instance and his id.
"""

from collections.abc import Iterator
from itertools import islice

from sortedcontainers import SortedList

from ringfloor.base.limits import (
    AGENT_HEART_BEAT_MS,
    AGENT_HEART_BEATS_AFTER_LOGOUT_MS,
    AGENT_HEART_BEATS_AT_ONCE,
)
from ringfloor.base.time import Instant
from ringfloor.domain.resources import Properties

Key = tuple[str, str]
"""Instance and agent."""


class Hearts:
    """The hearts of all agents who are watched."""

    def __init__(self) -> None:
        self._beats: dict[Key, Instant] = {}
        self._schedule: SortedList[tuple[Instant, str, str]] = SortedList()
        self._gone: dict[Key, Instant] = {}
        """When an agent went offline."""

    def gone(self, key: Key, since: Instant) -> None:
        """He has been offline since then."""
        self._gone[key] = since

    def told(self, key: Key, snapshot: Properties | None, at: Instant) -> None:
        """Something else has been told of him; None: there is no such agent any more."""
        if snapshot is None:
            self.forget(key)
            return
        if snapshot["AgentStatus"]["Type"] == "OFFLINE":
            self._gone.setdefault(key, at)
        else:
            self._gone.pop(key, None)
        self.beat(key, at)

    def beat(self, key: Key, at: Instant) -> None:
        """The next heart beat, if there is nothing else before."""
        self._beat_no_more(key)
        due = at + AGENT_HEART_BEAT_MS
        gone = self._gone.get(key)
        if gone is None or due <= gone + AGENT_HEART_BEATS_AFTER_LOGOUT_MS:
            self._beats[key] = due
            self._schedule.add((due, *key))

    def forget(self, key: Key) -> None:
        self._gone.pop(key, None)
        self._beat_no_more(key)

    def _beat_no_more(self, key: Key) -> None:
        due = self._beats.pop(key, None)
        if due is not None:
            self._schedule.remove((due, *key))

    def next_due(self) -> Instant | None:
        """When the next heart beat is due."""
        return self._schedule[0][0] if self._schedule else None

    def due(self, now: Instant) -> Iterator[Key]:
        """Whose hearts are due to beat, at most so many at once."""
        for due, instance_id, agent_id in list(islice(self._schedule, AGENT_HEART_BEATS_AT_ONCE)):
            if due > now:
                return
            yield instance_id, agent_id
