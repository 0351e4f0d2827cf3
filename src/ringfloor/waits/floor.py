"""Floor: what is known of a center at the moment of asking, and nothing that came later.

Told what happens, in order; views.look reads it. A line is a queue, or whatever else contacts
stand in of whom certain agents take. Rules:

- Agents and whom they take are learnt from whom they have taken, so a floor needs no schedules and
  no routing profiles. Whoever is told of (staffed) is known besides, and learnt of as if he
  were not: a model trained on a log, which tells of nobody, reads a live floor rightly.
- Drain: a busy agent takes the next one at a rate that counts only while somebody waits, so that
  wrap-up and short breaks are in it.
- What is over an hour old is forgotten, but for rates, credits and skills.
- To be told something costs what it touches and the classes of those who wait, never all agents
  or all who wait. The same happenings give the same floor; to look at it changes nothing.

Called by waits.history, and by whoever folds the events of a center.
"""

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from math import log1p
from typing import Literal, NamedTuple, Self

import msgspec
from msgspec import Struct, field

from ringfloor.base.limits import WAIT_CLASSES_MAX, WAIT_LINES_IDLE_MAX
from ringfloor.base.time import MINUTE, SECOND, Instant
from ringfloor.waits.order import Class, Order
from ringfloor.waits.rates import HANDLE_S, PATIENCE_S, Rate
from ringfloor.waits.recent import Recent

PRESENT_MS = 10 * MINUTE
"""An agent who was seen so recently is at work."""
GAP_MS_MAX = MINUTE
"""Longer without any news, the center may have been closed: the rest of it teaches no rate."""
SKILL_SHARE_MIN = 0.02
"""Of an agent's contacts; less was a mistake, or long ago."""
SKILL_SEEN_MIN = 0.5
SKILL_FORGET = 0.998
SKILL_GONE = 0.001
HOLD_TIME_WEIGHT = 4
"""app_queue's: a new wait is a fourth of the average, whole seconds, rounded down."""


class Caller(NamedTuple):
    """A contact in line. expected_s: its wait as it could be told when it came."""

    id: str
    kind: Class
    since: Instant
    expected_s: float


class Service(NamedTuple):
    """A contact with an agent; None: nobody has said with whom."""

    agent: str | None
    line: str
    since: Instant


class Agent(Struct, array_like=True):
    """What is known of an agent."""

    seen_at: Instant
    ended_at: Instant | None = None
    taken: dict[str, float] = field(default_factory=dict)
    """Contacts by line, the old ones worth less."""
    handle: Rate = field(default_factory=lambda: Rate.prior(HANDLE_S, events=5, forget=0.99))
    lines: tuple[str, ...] = ()
    """That he takes, as far as has been seen."""
    present: bool = False
    has: dict[str, int] = field(default_factory=dict)
    """Contacts with him, by line."""
    slots: dict[str, int] | None = None
    """Lines that he takes now, and how many at once of each; None: nobody has told."""

    def take(self, line: str) -> None:
        for each in self.taken:
            self.taken[each] *= SKILL_FORGET
        self.taken[line] = self.taken.get(line, 0.0) + 1

    def takes(self) -> tuple[str, ...]:
        """Lines, by what he has taken."""
        least = max(SKILL_SEEN_MIN, SKILL_SHARE_MIN * sum(self.taken.values()))
        return tuple(sorted(line for line, mine in self.taken.items() if mine >= least))

    @property
    def contacts(self) -> int:
        return sum(self.has.values())

    def room(self, line: str) -> int:
        """How many more of a line he would take now, by what has been told of him.

        A contact takes up its line's share of him: of three chats at once each a third.
        """
        slots = (self.slots or {}).get(line, 0)
        used = sum(count / (self.slots or {}).get(each, 1) for each, count in self.has.items())
        return max(int(slots * (1 - used) + 1e-9), 0)


class Kind(Struct, array_like=True):
    """The contacts of one class. waiting: by id, the first first."""

    waiting: dict[str, Caller] = field(default_factory=dict)
    arrivals: Recent = field(default_factory=Recent)
    answers: Recent = field(default_factory=Recent)
    """Of those who waited: with their waits and what was expected."""


class Line(Struct, array_like=True):
    """What is known of a line. Agents are those who take it and are present."""

    drain: Rate
    """Contacts that its agents take, per second of a busy one while somebody waits here."""
    loss: Rate
    """Contacts that abandon, per second in line."""
    handle: Rate
    """How long agents have to do with its contacts."""
    waiting: int = 0
    present: int = 0
    serving: int = 0
    """Contacts with its agents."""
    own: int = 0
    """Of these and all others, contacts of this line."""
    shared: dict[str, int] = field(default_factory=dict)
    """Agents who take another line, too, by it."""
    kinds: dict[Class, Kind] = field(default_factory=dict)
    arrivals: Recent = field(default_factory=Recent)
    answers: Recent = field(default_factory=Recent)
    """With waits and virtual waits: those and the credits of their classes."""
    waits: Recent = field(default_factory=Recent)
    """Answers of those who waited: with their waits and what was expected."""
    losses: Recent = field(default_factory=Recent)
    last_wait_s: float = 0.0
    last_wait_at: Instant | None = None
    """Of those who waited."""
    last_virtual_s: float = 0.0
    hold_time_s: int = 0
    """Asterisk's average."""

    def idle(self, now: Instant) -> bool:
        """Nobody would miss it."""
        return not (self.waiting or self.present or self.own) and (
            self.arrivals.idle(now) and self.answers.idle(now)
        )

    def heads(self) -> Iterator[tuple[Class, Kind]]:
        """Classes of whom somebody waits."""
        return (
            (of, kind) for of, kind in islice(self.kinds.items(), WAIT_CLASSES_MAX) if kind.waiting
        )


class Floor(Struct):
    """One center. Its members are read by waits.views and written here only."""

    layout: Literal[1] = 1
    """Snapshots with another are not read."""
    order: Order = field(default_factory=Order)
    waiting: dict[str, Caller] = field(default_factory=dict)
    serving: dict[str, Service] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    queued: dict[str, None] = field(default_factory=dict)
    """Lines in which somebody waits."""
    seen: dict[int, dict[str, None]] = field(default_factory=dict)
    """Agents by the minute in which they were seen; the oldest minute first."""
    drain: Rate = field(default_factory=lambda: Rate.prior(HANDLE_S))
    loss: Rate = field(default_factory=lambda: Rate.prior(PATIENCE_S))
    """Both of the whole center: what is taken for granted of a new line."""
    arrivals: Recent = field(default_factory=Recent)
    answers: Recent = field(default_factory=Recent)
    waits: Recent = field(default_factory=Recent)
    losses: Recent = field(default_factory=Recent)
    """As a line's, of the whole center."""
    told: bool = False
    """Somebody tells of the staff."""
    crews: dict[tuple[tuple[str, int], ...], int] = field(default_factory=dict)
    """Agents as they are told of, by the lines that they take and their slots."""
    lines_swept: int = 0
    """How many lines there were when it was last looked for idle ones."""
    at: Instant | None = None

    # What happens

    def came(self, contact_id: str, kind: Class, at: Instant, since: Instant | None = None) -> None:
        """A contact is in line. since: not after at; it comes back, and stands as if come then."""
        self.until(at)
        self._leave(contact_id)
        line = self.line(kind.queue)
        of = self._kind(line, kind)
        if since is None:
            for each in (self.arrivals, line.arrivals, of.arrivals):
                each.add(at)
        begun = at if since is None else since
        expected_s = (at - begun) / SECOND + self.expected_s(kind, begun)
        self.waiting[contact_id] = of.waiting[contact_id] = Caller(
            contact_id, kind, begun, expected_s
        )
        if since is not None:
            of.waiting = dict(sorted(of.waiting.items(), key=lambda each: each[1].since))
        line.waiting += 1
        self.queued[kind.queue] = None

    def answered(self, contact_id: str, kind: Class, agent: str | None, at: Instant) -> None:
        """An agent has a contact, from the line or, if it is not in there, at once."""
        self.until(at)
        queued = list(self.queued)
        if contact_id in self.serving:
            self._serve(contact_id, self.serving[contact_id], -1)
        caller = self._leave(contact_id)
        line = self.line(kind.queue)
        if caller is None:
            for each in (self.arrivals, line.arrivals, self._kind(line, kind).arrivals):
                each.add(at)
        takes: tuple[str, ...] = (kind.queue,)
        if agent is not None:
            known = self._seen(agent, at)
            self._took(known, kind.queue)
            takes = known.lines
            if caller is not None:
                self._passed_over(known, caller)
        if queued:
            self.drain.happened()
        for name in queued:
            if name in takes:
                self.lines[name].drain.happened()
        self._serve(contact_id, Service(agent, kind.queue, at), 1)
        self._waited(line, kind, caller, at)

    def abandoned(self, contact_id: str, at: Instant) -> None:
        """A contact is in line no more, and was not answered."""
        self.until(at)
        caller = self._leave(contact_id)
        if caller is not None:
            line = self.line(caller.kind.queue)
            for losses, loss in ((self.losses, self.loss), (line.losses, line.loss)):
                losses.add(at)
                loss.happened()

    def withdrawn(self, contact_id: str, at: Instant) -> None:
        """A contact is put aside: it has neither been answered nor lost."""
        self.until(at)
        self._leave(contact_id)

    def ended(self, contact_id: str, at: Instant) -> None:
        """An agent has no more to do with a contact."""
        self.until(at)
        service = self.serving.get(contact_id)
        if service is None:
            return
        line = self.line(service.line)
        rates = [line.handle]
        if service.agent is not None:
            agent = self._seen(service.agent, at)
            agent.ended_at = at
            rates.append(agent.handle)
        self._serve(contact_id, service, -1)
        for rate in rates:
            rate.exposed((at - service.since) / SECOND)
            rate.happened()

    def staffed(self, agent: str, slots: Mapping[str, int], at: Instant) -> None:
        """An agent is there for these lines, so many contacts at once; for none: he is gone."""
        self.until(at)
        self.told = True
        known = self.agents.get(agent)
        if known is None:
            known = self.agents[agent] = Agent(at)
        for crew, more in ((known.slots, -1), (slots, 1)):
            key = tuple(sorted((line, count) for line, count in (crew or {}).items() if count > 0))
            if key:
                self.crews[key] = self.crews.get(key, 0) + more
                if not self.crews[key]:
                    del self.crews[key]
        known.slots = {line: count for line, count in slots.items() if count > 0}

    def dismissed(self, agent: str, at: Instant) -> None:
        """An agent is gone for ever, and forgotten unless he has a contact still."""
        self.staffed(agent, {}, at)
        known = self.agents[agent]
        if known.has:
            return
        if known.present:
            self._count(known, -1)
        for names in self.seen.values():  # no more than PRESENT_MS has minutes
            names.pop(agent, None)
        del self.agents[agent]

    def until(self, at: Instant) -> None:
        """Nothing has happened until then."""
        if self.at is not None and at > self.at and self.queued:
            gap_s = min(at - self.at, GAP_MS_MAX) / SECOND
            self.drain.exposed(gap_s * len(self.serving))
            self.loss.exposed(gap_s * len(self.waiting))
            for name in self.queued:
                line = self.lines[name]
                line.drain.exposed(gap_s * line.serving)
                line.loss.exposed(gap_s * line.waiting)
        self.at = at if self.at is None else max(at, self.at)
        self._forget_agents(self.at)

    # What follows from it

    def line(self, name: str) -> Line:
        """What is known of a line; a new one begins as the center is."""
        line = self.lines.get(name)
        if line is None:
            self._forget_lines()
            line = self.lines[name] = self.new_line()
        return line

    def new_line(self) -> Line:
        """A line of which nothing is known but the center it is in."""
        return Line(
            Rate.prior(self.drain.mean_s),
            Rate.prior(self.loss.mean_s),
            Rate.prior(HANDLE_S, events=20, forget=0.99),
        )

    def share(self, line: str, other: str) -> float:
        """What share of another line's agents takes this one, too."""
        if line == other:
            return 1.0
        theirs = self.lines.get(other)
        if theirs is None or not theirs.present:
            return 0.0
        return theirs.shared.get(line, 0) / theirs.present

    def expected_s(self, kind: Class, now: Instant) -> float:
        """QLm of who comes now, by heads of classes: those behind count as evenly spread."""
        mine = self.line(kind.queue)
        priority, place = self.order.place(kind, now)
        ahead = 0.0
        for name in self.queued:
            share = self.share(kind.queue, name)
            for of, there in self.lines[name].heads() if share else ():
                first = next(iter(there.waiting.values()))
                theirs, head = self.order.place(of, first.since)
                if theirs > priority or (theirs == priority and head > place):
                    continue
                age = now - first.since
                sure = theirs < priority or head + age <= place
                ahead += share * len(there.waiting) * (1 if sure else (place - head) / age)
        served = max(mine.serving, 1) * mine.drain.per_second
        loss = mine.loss.per_second
        # The sum of 1 / (served + i x loss), i from 1 to ahead + 1, as its integral.
        return log1p((ahead + 1) * loss / (served + loss / 2)) / loss

    def gone(self, line: str, now: Instant) -> int:
        """Agents of a line who count as present, but have not been seen for long by now."""
        minutes = takewhile(lambda minute: _long_ago(minute, now), self.seen)
        return sum(line in agent.lines for minute in minutes for agent in self._gone(minute))

    def dump(self) -> bytes:
        """Everything as a snapshot."""
        return _encode(self)

    @classmethod
    def load(cls, snapshot: bytes) -> Self:
        """What was dumped; raises msgspec.MsgspecError."""
        return msgspec.msgpack.decode(snapshot, type=cls)

    def _kind(self, line: Line, kind: Class) -> Kind:
        found = line.kinds.get(kind)
        if found is None:
            if len(line.kinds) >= WAIT_CLASSES_MAX and self.at is not None:
                for of, there in list(line.kinds.items()):
                    if not there.waiting and there.arrivals.idle(self.at):
                        del line.kinds[of]
            found = line.kinds[kind] = Kind()
        return found

    def _leave(self, contact_id: str) -> Caller | None:
        caller = self.waiting.pop(contact_id, None)
        if caller is not None:
            line = self.lines[caller.kind.queue]
            del line.kinds[caller.kind].waiting[contact_id]
            line.waiting -= 1
            if not line.waiting:
                del self.queued[caller.kind.queue]
        return caller

    def _waited(self, line: Line, kind: Class, caller: Caller | None, at: Instant) -> None:
        """Somebody has been answered. caller: as he stood in line, if he did."""
        waited_s = 0.0 if caller is None else (at - caller.since) / SECOND
        virtual_s = waited_s + self.order.credit(kind) / SECOND
        for answers in (self.answers, line.answers):
            answers.add(at, waited_s, virtual_s)
        if caller is not None:
            for waits in (self.waits, line.waits, self._kind(line, kind).answers):
                waits.add(at, waited_s, caller.expected_s)
            line.last_wait_s, line.last_wait_at = waited_s, at
        line.last_virtual_s = virtual_s
        line.hold_time_s = (
            line.hold_time_s * (HOLD_TIME_WEIGHT - 1) + int(waited_s)
        ) // HOLD_TIME_WEIGHT

    def _serve(self, contact_id: str, service: Service, more: Literal[1, -1]) -> None:
        """A contact is with an agent, or is no more."""
        if more > 0:
            self.serving[contact_id] = service
        else:
            del self.serving[contact_id]
        self.line(service.line).own += more
        if service.agent is None:
            self.line(service.line).serving += more
            return
        agent = self.agents[service.agent]
        agent.has[service.line] = agent.has.get(service.line, 0) + more
        if not agent.has[service.line]:
            del agent.has[service.line]
        for name in agent.lines:
            self.line(name).serving += more

    def _passed_over(self, agent: Agent, taken: Caller) -> None:
        """Whom else he could have taken: the first of each class."""
        for name in agent.lines:
            if name in self.queued:
                for of, there in self.lines[name].heads():
                    left = next(iter(there.waiting.values()))
                    self.order.passed_over(taken.kind, taken.since, of, left.since)

    # Agents

    def _seen(self, name: str, at: Instant) -> Agent:
        agent = self.agents.get(name)
        if agent is None:
            agent = self.agents[name] = Agent(at)
        agent.seen_at = at
        self.seen.setdefault(at // MINUTE, {})[name] = None
        if not agent.present:
            agent.present = True
            self._count(agent, 1)
        return agent

    def _took(self, agent: Agent, line: str) -> None:
        agent.take(line)
        takes = agent.takes()
        if takes != agent.lines:
            self._count(agent, -1)
            for gone in [each for each, mine in agent.taken.items() if mine < SKILL_GONE]:
                del agent.taken[gone]
            agent.lines = takes
            self._count(agent, 1)

    def _count(self, agent: Agent, more: Literal[1, -1]) -> None:
        """A present agent takes his lines, or takes them no more."""
        contacts = agent.contacts
        for name in agent.lines:
            line = self.line(name)
            line.present += more
            line.serving += more * contacts
            for other in agent.lines:
                count = line.shared.get(other, 0) + more
                if count:
                    line.shared[other] = count
                else:
                    del line.shared[other]

    def _gone(self, minute: int) -> Iterator[Agent]:
        """Present agents who were seen last in a minute, and have nobody."""
        for name in self.seen[minute]:
            agent = self.agents[name]
            if agent.present and not agent.has and agent.seen_at // MINUTE == minute:
                yield agent

    def _forget_agents(self, at: Instant) -> None:
        """Who has not been seen for long, and has nobody, is not at work."""
        while self.seen and _long_ago(minute := next(iter(self.seen)), at):
            for agent in self._gone(minute):
                self._count(agent, -1)
                agent.present = False
            del self.seen[minute]

    def _forget_lines(self) -> None:
        """There are more lines than ever: those that nobody would miss are forgotten."""
        if len(self.lines) < max(WAIT_LINES_IDLE_MAX, 2 * self.lines_swept) or self.at is None:
            return
        for name in [name for name, line in self.lines.items() if line.idle(self.at)]:
            del self.lines[name]
        self.lines_swept = len(self.lines)


def _long_ago(minute: int, now: Instant) -> bool:
    return (minute + 1) * MINUTE <= now - PRESENT_MS


_encode = msgspec.msgpack.Encoder().encode
