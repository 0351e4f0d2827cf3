"""Floor: what is known of a center at the moment of asking, and nothing that came later.

Told what happens, in order; views.look reads it. Agents and whom they take are learnt from whom
they have taken, so it needs no schedules and no routing profiles. Rules:

- Drain: a busy agent takes the next one at a rate that counts only while somebody waits, so that
  wrap-up and short breaks are in it.
- An agent who let a contact go moments ago is warm: the next one is his. One who did longer ago,
  while somebody waits, is away.
- What is over an hour old is forgotten, but for rates, credits and skills.

Called by waits.history, and by whoever folds the events of a center.
"""

from collections import deque
from typing import NamedTuple

from msgspec import Struct, field

from ringfloor.base.time import HOUR, MINUTE, SECOND, Instant
from ringfloor.waits.order import Class, Order
from ringfloor.waits.rates import HANDLE_S, PATIENCE_S, Rate

KEPT_MS = HOUR
PRESENT_MS = 10 * MINUTE
"""An agent who was seen so recently is at work."""
GAP_MS_MAX = MINUTE
"""Longer without any news, the center may have been closed: the rest of it teaches no rate."""
SKILL_SHARE_MIN = 0.02
"""Of an agent's contacts; less was a mistake, or long ago."""
SKILL_SEEN_MIN = 0.5
SKILL_FORGET = 0.998
HOLD_TIME_WEIGHT = 4
"""app_queue's: a new wait is a fourth of the average, whole seconds, rounded down."""


class Caller(NamedTuple):
    """A contact in queue. expected_s: QLm when it came."""

    id: str
    kind: Class
    since: Instant
    expected_s: float


class Service(NamedTuple):
    """A contact with an agent; None: nobody has said with whom."""

    agent: str | None
    queue: str
    since: Instant


class Answer(NamedTuple):
    """A wait that ended with an agent. expected_s: QLm when it began; None: it never waited."""

    at: Instant
    kind: Class
    waited_s: float
    virtual_s: float
    """Waited, and the credit of its class."""
    expected_s: float | None


class Agent(Struct):
    """What is known of an agent."""

    seen_at: Instant
    ended_at: Instant | None = None
    taken: dict[str, float] = field(default_factory=dict)
    """Contacts by queue, the old ones worth less."""
    handle: Rate = field(default_factory=lambda: Rate(HANDLE_S, events=5, forget=0.99))

    def take(self, queue: str) -> None:
        for each in self.taken:
            self.taken[each] *= SKILL_FORGET
        self.taken[queue] = self.taken.get(queue, 0.0) + 1

    def takes(self, queue: str) -> bool:
        mine = self.taken.get(queue, 0.0)
        return mine > SKILL_SEEN_MIN and mine >= SKILL_SHARE_MIN * sum(self.taken.values())


class Floor:
    """One center. Its members are read by waits.views and written here only."""

    def __init__(self) -> None:
        self.order = Order()
        self.waiting: dict[str, Caller] = {}
        self.serving: dict[str, Service] = {}
        self.agents: dict[str, Agent] = {}
        self.drain = Rate(HANDLE_S)
        """Contacts taken from a queue, per second of a busy agent while somebody waits."""
        self.loss = Rate(PATIENCE_S)
        """Contacts that abandon, per second in queue."""
        self.handles: dict[str, Rate] = {}
        self.answers: deque[Answer] = deque()
        self.arrivals: deque[tuple[Instant, Class]] = deque()
        self.losses: deque[Instant] = deque()
        self.last_answer: dict[str, Answer] = {}
        """By queue; of those who waited."""
        self.hold_time_s: dict[str, int] = {}
        """By queue; Asterisk's average."""
        self._at: Instant | None = None

    def came(self, contact_id: str, kind: Class, at: Instant, expected_s: float) -> None:
        """A contact is in queue. expected_s: QLm for it, asked just before."""
        self.until(at)
        self.arrivals.append((at, kind))
        self.waiting[contact_id] = Caller(contact_id, kind, at, expected_s)

    def answered(self, contact_id: str, kind: Class, agent: str | None, at: Instant) -> None:
        """An agent has a contact, from the queue or, if it is not in there, at once."""
        self.until(at)
        others = bool(self.waiting)
        caller = self.waiting.pop(contact_id, None)
        since = at if caller is None else caller.since
        if caller is None:
            self.arrivals.append((at, kind))
        if agent is not None:
            known = self.agents.setdefault(agent, Agent(at))
            known.seen_at = at
            known.take(kind.queue)
            if caller is not None:
                self._passed_over(known, caller)
        if others:
            self.drain.happened()
        self.serving[contact_id] = Service(agent, kind.queue, at)
        waited_s = (at - since) / SECOND
        answer = Answer(
            at,
            kind,
            waited_s,
            waited_s + self.order.credit(kind) / SECOND,
            None if caller is None else caller.expected_s,
        )
        self.answers.append(answer)
        if caller is not None:
            self.last_answer[kind.queue] = answer
        old = self.hold_time_s.get(kind.queue, 0)
        self.hold_time_s[kind.queue] = (
            old * (HOLD_TIME_WEIGHT - 1) + int(waited_s)
        ) // HOLD_TIME_WEIGHT

    def abandoned(self, contact_id: str, at: Instant) -> None:
        """A contact is in queue no more, and was not answered."""
        self.until(at)
        if self.waiting.pop(contact_id, None) is not None:
            self.losses.append(at)
            self.loss.happened()

    def ended(self, contact_id: str, at: Instant) -> None:
        """An agent has no more to do with a contact."""
        self.until(at)
        service = self.serving.pop(contact_id, None)
        if service is None:
            return
        rates = [self.handle(service.queue)]
        if service.agent is not None:
            agent = self.agents[service.agent]
            agent.seen_at = agent.ended_at = at
            rates.append(agent.handle)
        for rate in rates:
            rate.exposed((at - service.since) / SECOND)
            rate.happened()

    def handle(self, queue: str) -> Rate:
        """How long agents have to do with contacts of a queue."""
        return self.handles.setdefault(queue, Rate(HANDLE_S, events=20, forget=0.99))

    def until(self, at: Instant) -> None:
        """Nothing has happened until then."""
        if self._at is not None and self.waiting:
            gap_s = min(at - self._at, GAP_MS_MAX) / SECOND
            self.drain.exposed(gap_s * len(self.serving))
            self.loss.exposed(gap_s * len(self.waiting))
        self._at = at
        kept = at - KEPT_MS
        while self.answers and self.answers[0].at < kept:
            self.answers.popleft()
        while self.arrivals and self.arrivals[0][0] < kept:
            self.arrivals.popleft()
        while self.losses and self.losses[0] < kept:
            self.losses.popleft()

    def _passed_over(self, agent: Agent, taken: Caller) -> None:
        for left in self.waiting.values():
            if agent.takes(left.kind.queue):
                self.order.passed_over(taken.kind, taken.since, left.kind, left.since)
