"""Surroundings: what flows of a replayed day ask of the world: phones, speech, keys, functions.

Each ask hears what it has heard from the same contact at the same place, as late as then. What was
never asked hears what others said there (recorded.observed); speech lasts as long as its words at
the pace of the day; else nothing is pressed, and functions fail. Part of recorded.replay.
"""

from collections import Counter
from typing import NamedTuple

from ringfloor.base.time import MINUTE, SECOND, Duration, Instant
from ringfloor.domain import chat as words
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.contact import Contact, Side
from ringfloor.engine import engine
from ringfloor.engine.effects import (
    SEALED,
    AskBot,
    Effect,
    EstimateWait,
    GatherSealed,
    InvokeFunction,
)
from ringfloor.node import wait_estimates
from ringfloor.node.desk import Desk
from ringfloor.node.outbox import FAILED
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.clockwork import Clockwork
from ringfloor.simulator.recorded.day import Day, Leg, Place, Said, Service, Turn
from ringfloor.simulator.recorded.observed import Observed
from ringfloor.telephony.commands import Gather, Originate, Play


class Customer:
    """Somebody who came."""

    __slots__ = ("contact_id", "name", "served", "service", "since", "times", "turn")

    def __init__(self, name: str) -> None:
        self.name = name
        """For chance."""
        self.contact_id = ""
        self.since: Instant | None = None
        """Since when he waits."""
        self.turn: Turn | None = None
        """His wait as it was; None: he had none."""
        self.times = 0
        """How often he has waited."""
        self.served = 0
        self.service: Service | None = None
        """What the agent whom he has is to do."""


class Visit(NamedTuple):
    """A contact of this run. leg: as it was recorded; None: there was none."""

    customer: Customer
    leg: Leg | None
    extra: bool = False
    """Whether he is one more caller like the one of the leg."""


class Surroundings:
    """The center of the day, its time, and everything around it."""

    def __init__(self, day: Day, observed: Observed, seed: int) -> None:
        self.day, self.observed = day, observed
        self.chance = Chance(seed)
        self.drawn: Counter[str] = Counter()
        """What chance had to say, by purpose."""
        desk = Desk(day.instance_id)
        desk.center = engine.restore(day.center)
        desk.records = Records.load(day.records)
        desk.waiting = Waiting.load(day.waiting)
        self.work = Clockwork(seed, day.start, "", None, desk)
        self.work.perform = self.perform
        self.visits: dict[str, Visit] = {}
        """By the contact."""
        self.rung: dict[str, Counter[str]] = {}
        """By contact: how often it has rung at each agent, and in all."""
        self.maker = ""
        """The contact whose flow has stepped last."""
        self._told: Counter[tuple[str, Place]] = Counter()
        self._dials: Counter[str] = Counter()

    def number(self, whom: str, purpose: str, number: int = 0) -> float:
        """A number of somebody's own; it counts as drawn."""
        self.drawn[purpose] += 1
        return self.chance.uniform(whom, purpose, number)

    def stepped(self, event: events.FlowStepped) -> None:
        self.maker = event.contact_id
        if isinstance(event.ask, dialogue.Draw):
            self.drawn["flows"] += 1
        if not isinstance(event.ask, dialogue.Receive) or event.outcome is not None:
            return
        contact = self.work.center.contacts.get(event.contact_id)
        run = None if contact is None else contact.runs.get(event.side)
        if contact is not None and run is not None and run.ask is event.ask:
            self.told_by_world(contact, event.side, event.ask, run.number)

    def perform(self, effect: Effect) -> None:
        match effect:
            case Originate(channel_id=channel):
                self._dial(channel)
            case Play(playback_id=name) | Gather(gather_id=name):
                self._asked(*_ask_of(name))
            case GatherSealed(gather=gather):
                self.work.do(commands.Hear(*_ask_of(gather.gather_id), FAILED))
            case InvokeFunction(asynchronous=True):
                pass
            case InvokeFunction() | AskBot():
                self._asked(effect.contact_id, effect.ask)
            case EstimateWait():
                self._estimate(effect)
            case _:
                pass

    def _estimate(self, effect: EstimateWait) -> None:
        """Waits are estimated anew, as a server does: they are what may have changed."""
        asked, now = self.work.desk.about_waits(), self.work.now
        self.work.do(wait_estimates.answer(effect, *asked, now))

    def _asked(self, contact_id: str, number: int) -> None:
        contact = self.work.center.contacts.get(contact_id)
        for side, run in () if contact is None else tuple(contact.runs.items()):
            if contact is not None and run.ask is not None and run.number == number:
                self.told_by_world(contact, side, run.ask, number)

    def told_by_world(self, contact: Contact, side: Side, ask: dialogue.Ask, number: int) -> None:
        """An ask hears what it heard, as late as it did."""
        session = contact.runs[side].session
        where: Place = side, session.flow_id, session.action or ""
        said = self._said(contact.id, where, ask)
        if said.heard is None:
            return
        at = self.work.now + said.after
        if isinstance(ask, dialogue.Receive):
            if isinstance(said.heard, dialogue.Said):
                self.work.at(at, self._write, contact.id, said.heard.text)
        else:
            self.work.at(at, self.work.do, commands.Hear(contact.id, number, said.heard))

    def _said(self, contact_id: str, where: Place, ask: dialogue.Ask) -> Said:
        visit = self.visits.get(contact_id)
        at_least = 0
        times = self._told[contact_id, where]
        self._told[contact_id, where] += 1
        known = [] if visit is None or visit.leg is None else visit.leg.said.get(where, [])
        if times < len(known):
            if known[times].heard is not None:
                return known[times]
            at_least = known[times].after + 1
        whom = contact_id if visit is None else visit.customer.name
        number = self.chance.uniform(f"{whom} {where}", "said", times)
        return self._unknown(where, ask, at_least, number)

    def _unknown(self, where: Place, ask: dialogue.Ask, at_least: Duration, number: float) -> Said:
        """What nobody has heard: speech lasts, others say what was said here."""
        match ask:
            case dialogue.Play(prompt=prompt):
                return Said(dialogue.Done(), max(self._spoken(prompt), at_least))
            case _:
                drawn = self.observed.said(where, number)
        if drawn is not None:
            self.drawn["answers"] += 0 if at_least else 1
            return Said(drawn.heard, max(drawn.after, at_least))
        match ask:
            case dialogue.Gather(first_digit_ms=lasts):
                return Said(dialogue.Digits("", "no_input"), max(lasts, at_least))
            case dialogue.Receive():
                return Said(None, at_least)
            case _:
                return Said(FAILED, at_least)

    def _spoken(self, prompt: dialogue.Prompt) -> Duration:
        rate = self.day.speech_rate
        if not rate or prompt.kind != "text":
            return SECOND if rate else 0
        return round(len(prompt.value.split()) * MINUTE / rate)

    def _write(self, contact_id: str, text: str) -> None:
        contact = self.work.center.contacts.get(contact_id)
        if contact is None:
            return
        chat_id = contact.chat_id or contact_id
        self.work.do(
            commands.SendChatItem(
                chat_id=chat_id,
                participant_id=words.customer_id(chat_id),
                type="MESSAGE",
                content_type=words.TEXT,
                content=text,
            )
        )

    def _dial(self, channel: str) -> None:
        """A phone rings: an agent's own is up as fast as it was, a customer answers as he did."""
        contact_id, _, rest = channel.partition("/")
        visit = self.visits.get(contact_id)
        leg = None if visit is None or visit.extra else visit.leg
        if channel.endswith("/agent"):
            number = int(rest.removesuffix("agent").strip("/") or 0)
            contact = self.work.center.contacts.get(contact_id)
            agent_id = "" if contact is None else contact.agent_id
            known = [] if leg is None else [e for e in leg.offers if e.agent_id == agent_id]
            times = self.rung.get(contact_id, Counter())[agent_id or ""]
            up = known[times - 1].leg if 0 < times <= len(known) else self.observed.leg
            self.work.at(
                self.work.now + up, self.work.do, commands.ConnectAgent(contact_id, number)
            )
            return
        times = self._dials[contact_id]
        self._dials[contact_id] += 1
        lasts, reason = leg.dials[times] if leg and times < len(leg.dials) else (0, None)
        answer: commands.Command = commands.ConnectSystem(contact_id)
        if reason is not None:
            answer = commands.LoseChannel(contact_id, reason)
        self.work.at(self.work.now + lasts, self.work.do, answer)


def _ask_of(name: str) -> tuple[str, int]:
    contact_id, _, number = name.removesuffix(SEALED).rpartition("/")
    return contact_id, int(number)
