"""Observed: what one day tells of what it did not show: patience, talks, answers of agents.

Whoever was answered has shown only that he would have waited so long: the tail is Kaplan and
Meier's, of his queue where enough have given up in it, else of all; where few were left it has the
mean rate at which people gave up, without memory. Whoever was not answered may
get any talk that was had in his queue. Called by recorded.replay with the caller's own number
between 0 and 1, so that the same caller gets the same.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log
from statistics import median
from typing import NamedTuple, TypeVar

from ringfloor.base.time import Duration
from ringfloor.domain.dialogue import Digits
from ringfloor.simulator.recorded.day import Day, Leg, Offer, Place, Said, Service, Turn

T = TypeVar("T")

ENOUGH = 20
"""So many are needed for anything to be told by themselves."""


class Wait(NamedTuple):
    """gave_up: it was as long as the patience; otherwise that was longer."""

    waited: Duration
    gave_up: bool


class Patience:
    """Its tail: by who was left, as long as ENOUGH were; then without memory."""

    def __init__(self, waits: Iterable[Wait]) -> None:
        ordered = sorted(waits)
        exposure = sum(each.waited for each in ordered)
        self._rate = sum(each.gave_up for each in ordered) / exposure if exposure else 0.0
        self._longest: Duration = 0
        """Up to which enough were left."""
        self._times: list[Duration] = []
        self._left: list[float] = []
        """Share of all that is still there after that time."""
        share = 1.0
        for at_risk, each in zip(range(len(ordered), 0, -1), ordered, strict=True):
            if at_risk < ENOUGH:
                break
            self._longest = each.waited
            if each.gave_up:
                share *= (at_risk - 1) / at_risk
                self._times.append(each.waited)
                self._left.append(share)

    def beyond(self, waited: Duration, number: float) -> Duration | None:
        """The patience of who has waited so long already; None: without end."""
        if not self._rate:
            return None
        target = self._share(waited) * (1 - number)
        first = bisect_right(self._times, waited)
        at = bisect_left(self._left, -target, first, key=lambda share: -share)
        if at < len(self._times):
            return self._times[at]
        last = max(self._longest, waited)
        return last + max(round(log(self._share(last) / target) / self._rate), 1)

    def _share(self, waited: Duration) -> float:
        at = bisect_right(self._times, waited)
        return self._left[at - 1] if at else 1.0


class Observed:
    """Everything of a day that others can be given."""

    def __init__(self, day: Day) -> None:
        turns = day.turns()
        legs = [*day.legs.values()]
        self._patience = _by_queue(turns)
        self._all_patience = Patience(_wait(each) for each in turns if _counts(each))
        self._services: dict[str, list[Service]] = defaultdict(list)
        for turn in turns:
            if turn.service is not None:
                self._services[turn.queue_id].append(turn.service)
        self._all_services = [each for some in self._services.values() for each in some]
        for some in (*self._services.values(), self._all_services):
            some.sort(key=lambda each: (each.talk, each.work))
        self._offers: dict[str, list[Offer]] = defaultdict(list)
        for leg in legs:
            for offer in leg.offers:
                if offer.outcome != "left":
                    self._offers[offer.agent_id].append(offer)
        self._all_offers = [each for some in self._offers.values() for each in some]
        self.varies = len({(each.outcome, each.after) for each in self._all_offers}) > 1
        """Whether offers are not all taken alike."""
        taken = [each for each in self._all_offers if each.outcome == "accepted"]
        self.leg = round(median(each.leg for each in taken)) if taken else 0
        """How long it takes until an agent's phone is up."""
        self._said = _said(legs)

    def patience(self, queue_id: str, waited: Duration, number: float) -> Duration | None:
        """How long he waits who has waited so long already; None: without end."""
        return self._patience.get(queue_id, self._all_patience).beyond(waited, number)

    def service(self, queue_id: str, number: float) -> Service | None:
        """A talk of this queue, and the work after it."""
        some = self._services.get(queue_id, ())
        return _one(some if len(some) >= ENOUGH else self._all_services, number)

    def offer(self, agent_id: str, number: float, rung: Duration = 0) -> Offer | None:
        """What this agent does when it rings, or has rung so long already."""
        some = self._offers.get(agent_id, ())
        some = some if len(some) >= ENOUGH else self._all_offers
        if rung:
            some = [each for each in some if each.outcome == "missed" or each.after > rung]
        return _one(some, number)

    def back(self, agent_id: str, number: float) -> Duration:
        """How long after a miss this agent is there again."""
        own = [each.back for each in self._offers.get(agent_id, ()) if each.back is not None]
        some = own or [each.back for each in self._all_offers if each.back is not None]
        return _one(sorted(some), number) or 0

    def said(self, place: Place, number: float) -> Said | None:
        """What somebody said to this."""
        return _one(self._said.get(place, ()), number)


def _one(some: Sequence[T], number: float) -> T | None:
    return some[int(number * len(some))] if some else None


def _counts(turn: Turn) -> bool:
    """Whether it says anything of patience."""
    return turn.waited > 0


def _wait(turn: Turn) -> Wait:
    return Wait(turn.waited, turn.gave_up and turn.reason == "CUSTOMER_DISCONNECT")


def _by_queue(turns: Iterable[Turn]) -> Mapping[str, Patience]:
    found: dict[str, list[Wait]] = defaultdict(list)
    for turn in turns:
        if _counts(turn):
            found[turn.queue_id].append(_wait(turn))
    return {
        queue_id: Patience(waits)
        for queue_id, waits in found.items()
        if sum(each.gave_up for each in waits) >= ENOUGH
    }


def _said(legs: Iterable[Leg]) -> Mapping[Place, list[Said]]:
    found: dict[Place, list[Said]] = defaultdict(list)
    for leg in legs:
        for place, some in leg.said.items():
            found[place].extend(each for each in some if each.heard is not None)
    for some in found.values():
        some.sort(key=lambda each: (_order(each), each.after))
    return found


def _order(said: Said) -> str:
    return said.heard.digits if isinstance(said.heard, Digits) else ""
