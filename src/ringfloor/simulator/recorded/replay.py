"""Replay: a recorded day once more, by the real engine, unchanged or with something changed.

The people of the day do what they did, counted from what they answer to: a customer comes when he
came, presses what he pressed, waits as long as he would have, and his matter takes as long as it
took; an agent takes each status when he took it and picks up as fast as he did. What the day has
not shown is drawn (recorded.observed) by a number that belongs to whom it is about
(simulator.chance), at the moment when it is needed: drawn counts how often. If that is never,
chance has no part in the day.

    Customer   one who came, through all contacts that he goes on in
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ringfloor.base.ids import derive
from ringfloor.base.limits import CHAT_MINUTES_DEFAULT, DIAL_MS, SIMULATED_OVERTIME_MS
from ringfloor.base.time import HALF_HOUR, MINUTE, Duration, Instant
from ringfloor.domain import chat as words
from ringfloor.domain import commands, events
from ringfloor.domain.contact import Contact, Held
from ringfloor.domain.dialogue import Receive
from ringfloor.domain.events import Event
from ringfloor.engine.effects import outstanding
from ringfloor.simulator.entries import straight_to
from ringfloor.simulator.recorded.day import Day, Edit, Leg, Offer, Turn
from ringfloor.simulator.recorded.journals import OWN, OWN_ID, noted
from ringfloor.simulator.recorded.observed import Observed
from ringfloor.simulator.recorded.surroundings import Customer, Surroundings, Visit

BEFORE_AGENT = ("IN_FLOW", "IN_QUEUE", "OFFERED", "ACCEPTED")
"""Stages of who may still give up."""

RINGING = ("CONNECTING", "INCOMING")

OVER = ("MISSED", "REJECTED", "ERROR", "ENDED")
"""What agents put away."""


class Outcome(NamedTuple):
    """What became of a wait."""

    waited: Duration
    agent_id: str | None


class Changed(NamedTuple):
    """What is different in a run. Made by recorded.changes."""

    made: tuple[commands.Command, ...] = ()
    """Commands, before anything happens."""
    edited: frozenset[str] = frozenset()
    """Resources whose recorded edits do not count."""
    marks: Mapping[str, tuple[tuple[Instant, str], ...]] = {}
    """By agent: when he takes which status, instead of what was recorded."""
    like: Mapping[str, str] = {}
    """New agents, by whom they do as."""
    factor: float = 1.0
    """By which there are more callers, or fewer."""
    pace: Mapping[str, float] = {}
    """By queue: by which talks and work after them take longer."""


UNCHANGED = Changed()


class Replay(Surroundings):
    """One run of a day."""

    def __init__(
        self, day: Day, observed: Observed, changed: Changed = UNCHANGED, seed: int = 1
    ) -> None:
        super().__init__(day, observed, seed)
        self.changed = changed
        self.waits: dict[str, list[int]] = {}
        """How long contacts were in each queue, in ms."""
        self.outcomes: dict[int, Outcome] = {}
        """What became of recorded waits, by the number of the turn among them all."""
        self._turns = {id(turn): number for number, turn in enumerate(day.turns())}
        self._made: Counter[str] = Counter()
        self._wanted: dict[str, str] = {}
        """Statuses that agents will take when they have finished after contact work."""
        for kind, told in HEARD.items():
            self.work.hear(kind, _bound(self, told))
        self._change()
        self._resume()
        self._arrange()

    # The run

    def run(self, progress: Callable[[float], None] = lambda _part: None) -> None:
        """All of it, until nobody is left."""
        start, end = self.day.start, self.day.ends
        parts = 50
        for number in range(1, parts + 1):
            self.work.run(start + (end - start) * number // parts)
            progress(number / parts)
        while self._going() and self.work.now < end + SIMULATED_OVERTIME_MS:
            self.work.run(self.work.now + HALF_HOUR)
        self.work.keep()

    def _going(self) -> bool:
        return any(each.stage != "SCHEDULED" for each in self.work.center.contacts.values())

    @property
    def until(self) -> Instant:
        """When the last of it was over."""
        return self.work.now

    # Before it begins

    def _change(self) -> None:
        if self.day.own_work:
            status = {"Name": OWN, "Description": "", "Type": "CUSTOM", "State": "ENABLED"}
            made = commands.CreateResource(kind="agent_status", properties=status, id=OWN_ID)
            self.work.make(made)
        for command in self.changed.made:
            self.work.make(command)

    def _resume(self) -> None:
        """Whoever is there already goes on."""
        center = self.work.center
        for contact_id in self.day.there:
            contact, leg = center.contacts.get(contact_id), self.day.legs.get(contact_id)
            if contact is None or leg is None:
                continue
            customer = Customer(contact_id)
            customer.contact_id = contact_id
            self.visits[contact_id] = Visit(customer, leg)
            turn = leg.turn
            if contact.stage in BEFORE_AGENT and turn is not None:
                self._waits(customer, turn, turn.since)
            if contact.stage == "IN_FLOW" and leg.left is not None:
                self.at(contact.initiated_at + leg.left, self._hang_up_early, contact_id)
            for side, run in contact.runs.items():
                if isinstance(run.ask, Receive):
                    self.told_by_world(contact, side, run.ask, run.number)
            if contact.agent_id is not None:
                self._resume_agent(contact, leg, customer)
        for effect in list(outstanding(center)):
            self.perform(effect)

    def _resume_agent(self, contact: Contact, leg: Leg, customer: Customer) -> None:
        agent_id, turn = contact.agent_id or "", leg.turn
        customer.service = None if turn is None else turn.service
        if contact.stage == "OFFERED":
            self._ring(contact.id, agent_id, self.work.now)
        elif contact.stage == "CONNECTED":
            since = contact.connected_to_agent_at or self.work.now
            self._talk(Visit(customer, leg), contact, agent_id, since)
        elif contact.stage == "ENDED":
            self._write_up(Visit(customer, leg), contact, agent_id, self.work.now)

    def _arrange(self) -> None:
        """Who comes, who takes which status, who changes what."""
        for mark in self.day.marks:
            if mark.agent_id not in self.changed.marks:
                self.at(mark.at, self._take_status, mark.agent_id, mark.status_id)
        for agent_id, marks in self.changed.marks.items():
            for at, status_id in marks:
                self.at(at, self._take_status, agent_id, status_id)
        for at, edit in self.day.edits:
            if getattr(edit, "id", "") not in self.changed.edited:
                self.at(at, self._edit, edit)
        for at, agent_id, contact_id in self.day.clearings:
            self.at(at, self._clear, agent_id, contact_id)
        for leg_id in self.day.arrivals:
            leg = self.day.legs[leg_id]
            at = leg.born.initiated_at
            for number in range(self._copies(leg)):
                if not number:
                    self.at(at, self._come, leg, leg_id, False)
                else:
                    name = f"{leg_id}+{number}"
                    shift = round((self.number(name, "arrival") - 0.5) * HALF_HOUR)
                    moment = min(max(at + shift, self.day.start), self.day.ends - 1)
                    self.at(moment, self._come, leg, name, True)

    def _copies(self, leg: Leg) -> int:
        """How many callers come for the one that came."""
        factor = self.changed.factor
        if factor == 1.0:
            return 1
        whole = int(factor)
        return whole + (self.number(leg.id, "copies") < factor - whole)

    def at(self, at: Instant, deed: Callable[..., None], *about: object) -> None:
        self.work.at(max(at, self.work.now), deed, *about)

    def _edit(self, edit: Edit) -> None:
        self.work.do(edit)

    # Customers

    def _come(self, leg: Leg, name: str, extra: bool) -> None:
        """He calls, writes, or is called; whom an agent has put into a queue comes straight there.

        extra: he is one more like the one who came.
        """
        born, flow_id = leg.born, leg.born.flow_id
        if born.initiation_method not in ("INBOUND", "API"):
            flow_id = self._straight(leg)
        if flow_id is None:
            return
        customer = Customer(name)
        seed = self.chance.seed(name, "contact")
        contact_id = customer.contact_id = derive(seed, 0) if extra else born.id
        attributes = dict(born.attributes)
        if born.channel == "VOICE" and born.initiation_method == "API":
            contact_id = derive(seed, 0)
            call = commands.StartOutboundContact(
                to=born.customer_number or "",
                from_number=born.system_number or "",
                flow_id=flow_id,
                queue_id=born.queue_id,
                attributes=attributes,
                dial_ms=DIAL_MS,
            )
            self._begin(Visit(customer, leg, extra), contact_id, call, seed)
        elif born.channel == "CHAT":
            contact_id = derive(seed, 0)
            chat = commands.StartChat(
                flow_id=flow_id,
                display_name="Customer",
                attributes=attributes,
                content_types=words.MESSAGES,
                life_ms=CHAT_MINUTES_DEFAULT * MINUTE,
            )
            self._begin(Visit(customer, leg, extra), contact_id, chat, seed)
            self.work.do(commands.ConnectParticipant(contact_id, words.customer_id(contact_id)))
        elif born.channel == "VOICE":
            number = born.system_number
            known = number is not None and number in self.work.center.names["phone_number"]
            inbound = commands.StartInboundContact(
                contact_id=contact_id,
                from_number=born.customer_number or "",
                to=number if known else None,
                flow_id=flow_id,
                attributes=attributes,
            )
            self._begin(Visit(customer, leg, extra), contact_id, inbound, seed)
        else:
            contact_id = derive(seed, 0)
            task = commands.StartTask(
                name=born.name or "Task",
                flow_id=flow_id,
                attributes=attributes,
                references=dict(born.references),
                target_id=born.queue_id,
            )
            self._begin(Visit(customer, leg, extra), contact_id, task, seed)
        if leg.left is not None:
            self.at(self.work.now + leg.left, self._hang_up_early, contact_id)

    def _begin(self, visit: Visit, contact_id: str, command: commands.Command, seed: bytes) -> None:
        visit.customer.contact_id = contact_id
        self.visits[contact_id] = visit
        self.work.do(command, seed)

    def initiated(self, event: events.ContactInitiated) -> None:
        """Flows have begun a contact: it is the next of those that they began then."""
        born = event.contact
        if born.id in self.visits:
            return
        before = self.visits.get(self.maker)
        number = self._made[self.maker]
        self._made[self.maker] += 1
        leg = None
        if before is not None and before.leg is not None and number < len(before.leg.made):
            leg = self.day.legs.get(before.leg.made[number])
        goes_on = before is not None and born.previous_contact_id == self.maker
        if before is not None and goes_on and before.customer.since is not None:
            customer = before.customer
        else:
            whose = self.maker if before is None else before.customer.name
            customer = Customer(f"{whose}>{number}")
        customer.contact_id = born.id
        self.visits[born.id] = Visit(customer, leg, before is not None and before.extra)

    def enqueued(self, event: events.ContactEnqueued) -> None:
        visit = self.visits.get(event.contact_id)
        if visit is None or visit.customer.since is not None:
            return
        turn = None if visit.leg is None or visit.extra else visit.leg.turn
        self._waits(visit.customer, turn, self.work.now)

    def _waits(self, customer: Customer, turn: Turn | None, since: Instant) -> None:
        customer.since, customer.turn = since, turn
        customer.times += 1
        known = 0 if turn is None else turn.waited
        if turn is not None and turn.gave_up:
            self.at(since + known, self._give_up, customer, customer.times)
        else:
            self.at(since + known + 1, self._wait_on, customer, customer.times, known)

    def _wait_on(self, customer: Customer, times: int, known: Duration) -> None:
        """He has waited longer than he had to then, if he still does."""
        contact = self.work.center.contacts.get(customer.contact_id)
        if customer.since is None or customer.times != times or contact is None:
            return
        if contact.channel == "TASK" or contact.queue_id is None:
            return
        number = self.number(customer.name, "patience", times)
        patience = self.observed.patience(contact.queue_id, known, number)
        if patience is not None:
            self.at(customer.since + patience, self._give_up, customer, times)

    def _give_up(self, customer: Customer, times: int) -> None:
        if customer.since is None or customer.times != times:
            return
        contact = self.work.center.contacts.get(customer.contact_id)
        if contact is not None and contact.stage in BEFORE_AGENT:
            reason = "CUSTOMER_DISCONNECT" if customer.turn is None else customer.turn.reason
            if reason in ("API", "OTHER"):
                self.work.do(commands.StopContact(contact.id))
            else:
                self._hang_up(contact)

    def _hang_up_early(self, contact_id: str) -> None:
        """He hangs up before he is in a queue."""
        contact = self.work.center.contacts.get(contact_id)
        if contact is not None and contact.stage == "IN_FLOW":
            self._hang_up(contact)

    def _hang_up(self, contact: Contact) -> None:
        if contact.channel == "CHAT":
            chat_id = contact.chat_id or contact.id
            self.work.do(commands.LeaveChat(chat_id, words.customer_id(chat_id)))
        elif contact.channel == "VOICE":
            leg = contact.customer_leg or contact.id
            self.work.do(commands.LoseChannel(leg, "CUSTOMER_DISCONNECT"))
        else:
            self.work.do(commands.StopContact(contact.id))

    # Agents

    def _take_status(self, agent_id: str, status_id: str) -> None:
        """He chooses it; who is still writing up finishes that first."""
        agent = self.work.center.agents.get(agent_id)
        if agent is None:
            return
        if any(held.state == "ENDED" for held in agent.contacts.values()):
            self._wanted[agent_id] = status_id
        else:
            self._wanted.pop(agent_id, None)
            self.work.do(commands.SetAgentStatus(agent_id, status_id))

    def offered(self, event: events.ContactOffered) -> None:
        self._ring(event.contact_id, event.agent_id, self.work.now)

    def _ring(self, contact_id: str, agent_id: str, since: Instant) -> None:
        """He does what he did when it rang at him, as far as that is known."""
        rung = self.rung.setdefault(contact_id, Counter())
        rung[""] += 1
        rung[agent_id] += 1
        known = self._offers(contact_id, agent_id)[rung[agent_id] - 1 :]
        if not known:
            self._ring_on(contact_id, agent_id, since, rung[""], 0)
        elif known[0].outcome == "left":  # he would have taken longer than that
            after = known[0].after
            self.at(since + after + 1, self._ring_on, contact_id, agent_id, since, rung[""], after)
        else:
            self._pick_up(contact_id, agent_id, since, known[0])

    def _offers(self, contact_id: str, agent_id: str) -> list[Offer]:
        """What this agent did when this contact rang at him, in order."""
        visit = self.visits.get(contact_id)
        if visit is None or visit.leg is None or visit.extra:
            return []
        return [each for each in visit.leg.offers if each.agent_id == agent_id]

    def _ring_on(
        self, contact_id: str, agent_id: str, since: Instant, times: int, known: Duration
    ) -> None:
        """It rings longer than it did: he does what agents do."""
        held = self._held(agent_id, contact_id)
        if held is None or held.state not in RINGING or self.rung[contact_id][""] != times:
            return
        visit = self.visits.get(contact_id)
        whom = contact_id if visit is None else visit.customer.name
        like = self.changed.like.get(agent_id, agent_id)
        number = self.chance.uniform(whom, "offer", times)
        offer = self.observed.offer(like, number, known)
        if self.observed.varies:
            self.drawn["offers"] += 1
        self._pick_up(contact_id, agent_id, since, offer)

    def _pick_up(self, contact_id: str, agent_id: str, since: Instant, offer: Offer | None) -> None:
        if offer is None:
            self._accept(agent_id, contact_id)
        elif offer.outcome == "accepted":
            self.at(since + offer.after, self._accept, agent_id, contact_id)
        elif offer.outcome == "rejected":
            self.at(since + offer.after, self._reject, agent_id, contact_id)

    def _accept(self, agent_id: str, contact_id: str) -> None:
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in RINGING:
            self.work.do(commands.AcceptContact(agent_id, contact_id))

    def _reject(self, agent_id: str, contact_id: str) -> None:
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in RINGING:
            self.work.do(commands.RejectContact(agent_id, contact_id))

    def missed(self, event: events.OfferMissed | events.AgentLegLost) -> None:
        back = self._back(event.contact_id, event.agent_id)
        self.at(self.work.now + back, self._clear, event.agent_id, event.contact_id)

    def _back(self, contact_id: str, agent_id: str) -> Duration:
        """How long after a miss the agent can be offered contacts again."""
        times = self.rung.get(contact_id, Counter())[agent_id]
        known = self._offers(contact_id, agent_id)[max(times - 1, 0) :]
        if known and known[0].back is not None:
            return known[0].back
        return self.observed.back(agent_id, self.number(agent_id, "back", times))

    def connected(self, event: events.ContactConnectedToAgent) -> None:
        visit = self.visits.get(event.contact_id)
        contact = self.work.center.contacts.get(event.contact_id)
        if visit is None or contact is None:
            return
        customer, now = visit.customer, self.work.now
        if customer.turn is not None and customer.since is not None:
            outcome = Outcome(now - customer.since, event.agent_id)
            self.outcomes[self._turns[id(customer.turn)]] = outcome
        customer.since = None
        customer.served += 1
        customer.service = None if customer.turn is None else customer.turn.service
        customer.turn = None
        self._talk(visit, contact, event.agent_id, now)
        for leg_id, after in () if visit.leg is None else visit.leg.handed_on:
            self.at(now + after, self._come, self.day.legs[leg_id], leg_id, False)

    def _talk(self, visit: Visit, contact: Contact, agent_id: str, since: Instant) -> None:
        customer = visit.customer
        if customer.service is None:
            number = self.number(customer.name, "service", customer.served)
            customer.service = self.observed.service(contact.queue_id or "", number)
        if customer.service is not None:
            lasts = self._paced(contact, customer.service.talk)
            by_agent = customer.service.by_agent
            self.at(since + lasts, self._talked, contact.id, agent_id, by_agent)

    def _paced(self, contact: Contact, lasts: Duration) -> Duration:
        return round(lasts * self.changed.pace.get(contact.queue_id or "", 1.0))

    def _talked(self, contact_id: str, agent_id: str, by_agent: bool) -> None:
        contact = self.work.center.contacts.get(contact_id)
        if contact is None or contact.stage != "CONNECTED" or contact.agent_id != agent_id:
            return
        if contact.channel == "TASK":
            self.work.do(commands.FinishTask(agent_id, contact_id))
        elif by_agent or contact.channel == "CHAT":
            self.work.do(commands.LeaveContact(agent_id, contact_id))
        else:
            self._hang_up(contact)

    def _straight(self, leg: Leg) -> str | None:
        """A flow that leads straight into the queue of the leg."""
        queue_id = "" if leg.turn is None else leg.turn.queue_id
        name = f"Straight to {queue_id}"
        center = self.work.center
        if queue_id not in center.resources["queue"]:
            return None
        known = center.names["contact_flow"].get(name)
        if known is not None:
            return known
        flow = straight_to(name, center.home.arn_of("queue", queue_id))
        return self.work.make(commands.CreateResource(kind="contact_flow", properties=flow))

    def ended(self, event: events.ContactEnded) -> None:
        visit = self.visits.get(event.contact_id)
        contact = self.work.center.contacts.get(event.contact_id)
        if contact is not None and contact.agent_id is not None and visit is not None:
            self._write_up(visit, contact, contact.agent_id, self.work.now)
        if visit is None or visit.customer.contact_id != event.contact_id:
            return
        customer = visit.customer
        if customer.since is not None and customer.turn is not None:
            outcome = Outcome(self.work.now - customer.since, None)
            self.outcomes[self._turns[id(customer.turn)]] = outcome
        customer.since = customer.turn = None

    def _write_up(self, visit: Visit, contact: Contact, agent_id: str, since: Instant) -> None:
        service = visit.customer.service
        lasts = 0 if service is None else self._paced(contact, service.work)
        self.at(since + lasts, self._clear, agent_id, contact.id)

    def _clear(self, agent_id: str, contact_id: str) -> None:
        """He puts it away; if he wants another status, he takes it with that."""
        held = self._held(agent_id, contact_id)
        if held is None or held.state not in OVER:
            return
        wanted = self._wanted.pop(agent_id, None)
        if wanted is not None:
            self.work.do(commands.SetAgentStatus(agent_id, wanted))
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in OVER:
            self.work.do(commands.ClearContact(agent_id, contact_id))

    def cleared(self, event: events.ContactCleared) -> None:
        """After contact work was over by itself: who wants another status takes it."""
        wanted = self._wanted.pop(event.agent_id, None)
        if wanted is not None:
            self.work.do(commands.SetAgentStatus(event.agent_id, wanted))

    def _held(self, agent_id: str, contact_id: str) -> Held | None:
        agent = self.work.center.agents.get(agent_id)
        return None if agent is None else agent.contacts.get(contact_id)

    def completed(self, event: events.ContactCompleted) -> None:
        contact = event.contact
        noted(self.waits, contact)
        if contact.agent_id is not None and contact.connected_to_agent_at is None:
            back = self._back(contact.id, contact.agent_id)
            self.at(self.work.now + back, self._clear, contact.agent_id, contact.id)


HEARD: Mapping[type[Event], Callable[[Replay, Any], None]] = {
    events.FlowStepped: Replay.stepped,
    events.ContactInitiated: Replay.initiated,
    events.ContactEnqueued: Replay.enqueued,
    events.ContactOffered: Replay.offered,
    events.OfferMissed: Replay.missed,
    events.AgentLegLost: Replay.missed,
    events.ContactConnectedToAgent: Replay.connected,
    events.ContactEnded: Replay.ended,
    events.ContactCleared: Replay.cleared,
    events.ContactCompleted: Replay.completed,
}


def _bound(replay: Replay, told: Callable[[Replay, Any], None]) -> Callable[[Any], None]:
    return lambda event: told(replay, event)
