"""Scenarios for tests: small centers in a few words, and what became of each caller in them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ringfloor.base.time import HOUR, Instant
from ringfloor.domain import events
from ringfloor.simulator.distributions import exponential
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Row, Scenario
from ringfloor.simulator.simulation import Simulation

START: Instant = 1_763_280_000_000
"""A Sunday, 08:00 UTC."""


def steady(per_hour: float) -> dict[int, float]:
    return dict.fromkeys(range(0, 24 * 60, 30), per_hour / 2)


def scenario(hours: float = 1, **parts: Any) -> Scenario:
    """One queue, one agent and forty callers an hour, but for what is said."""
    usual: dict[str, Any] = {
        "name": "small",
        "start": START,
        "end": START + round(hours * HOUR),
        "queues": {"sales": Queue(handle=exponential(60))},
        "profiles": {"all": Profile(rows=(Row(queue="sales"),), concurrency={"VOICE": 1})},
        "groups": {"day": Group(count=1, profile="all")},
        "callers": {"some": Callers(arrivals=steady(40), queue="sales")},
    }
    return Scenario(**{**usual, **parts})


class Stay(NamedTuple):
    """One stay of a contact in a queue, and what came after it.

    wait: ms until it was joined to an agent, or left; over: when it ended; group: of the agent.
    """

    came: Instant
    queue: str
    wait: int
    served: bool
    over: Instant
    group: str


class Watched:
    """A simulation, with every stay in its queues and, if it is to be kept, all that happened."""

    def __init__(self, of: Scenario, *, keep: bool = True) -> None:
        self.simulation = Simulation(of)
        self.stays: list[Stay] = []
        self.seen: list[tuple[Instant, events.Event]] = []
        self._came: dict[str, tuple[Instant, str]] = {}
        self._joined: dict[str, tuple[Instant, str]] = {}
        work = self.simulation.work
        stays = events.ContactEnqueued, events.ContactConnectedToAgent, events.ContactEnded
        self._keep = keep
        for kind in events.Event.__args__ if keep else stays:
            work.hear(kind, self._saw)
        self.simulation.run()

    def _saw(self, event: events.Event) -> None:
        now = self.simulation.work.now
        if self._keep:
            self.seen.append((now, event))
        match event:
            case events.ContactEnqueued():
                name = self.simulation.people.built.queues[event.queue_id]
                self._came[event.contact_id] = now, name
            case events.ContactConnectedToAgent():
                name = self.simulation.people.agents[event.agent_id].name
                self._joined[event.contact_id] = now, name.split("/")[1]
            case events.ContactEnded():
                came = self._came.pop(event.contact_id, None)
                joined, group = self._joined.pop(event.contact_id, (None, ""))
                if came is not None:
                    wait = (now if joined is None else joined) - came[0]
                    self.stays.append(Stay(*came, wait, joined is not None, now, group))
            case _:
                pass

    def count(self, kind: type[events.Event], **members: object) -> int:
        return len(self.of(kind, **members))

    def of(self, kind: type[Any], **members: object) -> list[Any]:
        return [
            event
            for _, event in self.seen
            if isinstance(event, kind) and members.items() <= _members(event).items()
        ]


def _members(event: Any) -> Mapping[str, object]:
    hashable = (str, int, float, bool, type(None))
    found = {name: getattr(event, name) for name in event.__struct_fields__}
    return {name: each for name, each in found.items() if isinstance(each, hashable)}
