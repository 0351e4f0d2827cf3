"""People: what callers and agents of a scenario do, as it comes to them.

They live on a Clockwork, or on a server (simulator.work): the center's events tell them that they
are in a queue, that it rings, that they talk; they answer with commands, now or when their time has
come. How long that is was never decided by what others do (simulator.chance).

    callers   come, press keys, wait, give up, call again; talk as long as their contact takes
    agents    come and go by their shifts, take what rings or miss it, put on hold, hand on,
              write up, clear
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import TypeVar

from ringfloor.base.ids import derive
from ringfloor.base.limits import CHAT_MINUTES_DEFAULT, SIMULATED_TRANSFERS_MAX
from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import chat as words
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.contact import Contact, Held
from ringfloor.simulator.building import Built, Staffed, Way
from ringfloor.simulator.chance import Chance
from ringfloor.simulator.distributions import Distribution
from ringfloor.simulator.population import arrivals, presence
from ringfloor.simulator.scenario import Callers, Mixed, Queue, Scenario
from ringfloor.simulator.work import Work

K = TypeVar("K", bound=str)

NOTHING: Mixed = {"": 1.0}
"""What is pressed by who has no keys to press."""

SOMETHING: Mixed = {"0": 1.0}
"""What is said to a bot, which does not matter."""

AT_HOME = frozenset({"CALLBACK", "CALLBACK_CUSTOMER_FIRST_QUEUED"})
"""Initiation methods of contacts whose customers do not wait on the line."""

BOT = "ConnectParticipantWithLexBot"
"""The type of the actions that listen for bots."""


class Caller:
    """One customer, through all his attempts."""

    __slots__ = ("asked", "attempt", "called", "contact_id", "group", "name", "served", "waits")

    def __init__(self, name: str, group: str) -> None:
        self.name = name
        """For chance."""
        self.group = group
        self.attempt = 0
        self.contact_id = ""
        """That he has now."""
        self.waits = False
        """Whether his patience runs."""
        self.served = 0
        """How many agents he has talked with."""
        self.asked = 0
        """How many questions of flows he has heard."""
        self.called = 0
        """How many functions and bots have been asked for him."""


class People:
    """All of them."""

    def __init__(self, work: Work, scenario: Scenario, built: Built) -> None:
        self.work = work
        self.scenario = scenario
        self.built = built
        self.chance = Chance(scenario.seed)
        self.calls: dict[str, Caller] = {}
        """By the contact that they have."""
        self.agents: dict[str, Staffed] = {each.id: each for each in built.agents}
        self.offers: dict[str, int] = {}
        """How many each agent has had."""
        self.came = 0
        """Attempts, also those that are repeated."""
        self.repeated = 0
        self.abandoned = 0
        self._queues: dict[str, Queue] = {
            each: scenario.queues[name] for each, name in built.queues.items()
        }
        for kind, told in (
            (events.ContactInitiated, self._initiated),
            (events.ContactEnqueued, self._enqueued),
            (events.ContactOffered, self._offered),
            (events.OfferMissed, self._missed),
            (events.AgentLegLost, self._missed),
            (events.ContactConnectedToAgent, self._connected),
            (events.ContactEnded, self._ended),
            (events.ContactCompleted, self._completed),
            (events.FlowStepped, self._stepped),
        ):
            work.hear(kind, told)

    def arrange(self) -> None:
        """Let the agents come to work, and the first callers come."""
        for agent in self.built.agents:
            for at, status in presence(self.scenario, agent.group):
                self.work.at(at, self._take_status, agent.id, status)
        for name, group in self.scenario.callers.items():
            self._next(name, group, arrivals(self.scenario, name, group, self.chance), 1)

    # Callers

    def _next(self, name: str, group: Callers, coming: Iterator[Instant], number: int) -> None:
        at = next(coming, None)
        if at is not None:
            self.work.at(at, self._arrive, name, group, coming, number)

    def _arrive(self, name: str, group: Callers, coming: Iterator[Instant], number: int) -> None:
        self._call(Caller(f"callers/{name}/{number}", name), group)
        self._next(name, group, coming, number + 1)

    def _call(self, caller: Caller, group: Callers) -> None:
        caller.attempt += 1
        caller.waits = False
        self.came += 1
        work = self.work
        seed = self.chance.seed(caller.name, "contact", caller.attempt)
        caller.contact_id = contact_id = derive(seed, 0)
        self.calls[contact_id] = caller
        flow_id, attributes = self.built.entries[caller.group], dict(group.attributes)
        channel = next(iter(group.channels))
        if len(group.channels) > 1:
            channel = chosen(group.channels, self.chance.uniform(caller.name, "channel"))
        if channel == "VOICE":
            work.do(
                commands.StartInboundContact(
                    contact_id=contact_id,
                    from_number=f"+1206{self.came % 10_000_000:07}",
                    flow_id=flow_id,
                    attributes=attributes,
                ),
                self.chance.seed(caller.name, "flow", caller.attempt),
            )
        elif channel == "CHAT":
            work.do(
                commands.StartChat(
                    flow_id=flow_id,
                    display_name="Customer",
                    attributes=attributes,
                    content_types=words.MESSAGES,
                    life_ms=CHAT_MINUTES_DEFAULT * MINUTE,
                ),
                seed,
            )
            work.do(commands.ConnectParticipant(contact_id, words.customer_id(contact_id)))
        else:
            work.do(
                commands.StartTask(name=caller.group, flow_id=flow_id, attributes=attributes), seed
            )

    def _initiated(self, event: events.ContactInitiated) -> None:
        """Whoever goes on in another contact is the same customer."""
        born = event.contact
        caller = self.calls.get(born.previous_contact_id or "")
        if caller is not None:
            self.calls[born.id] = caller
            caller.contact_id = born.id

    def _enqueued(self, event: events.ContactEnqueued) -> None:
        caller = self.calls.get(event.contact_id)
        if caller is None or event.channel == "TASK":
            return
        contact = self.work.center.contacts.get(event.contact_id)
        if contact is not None and contact.initiation_method in AT_HOME:
            caller.waits = False
            return
        if caller.waits:
            return
        patience = self.scenario.callers[caller.group].patience
        if patience is not None:
            caller.waits = True
            purpose = f"patience {caller.served}" if caller.served else "patience"
            lasts = self._draw(caller.name, purpose, caller.attempt, patience)
            wait = caller.attempt, caller.served
            self.work.at(self.work.now + lasts, self._lose_patience, caller, *wait)

    def _lose_patience(self, caller: Caller, attempt: int, served: int) -> None:
        if (caller.attempt, caller.served) != (attempt, served) or not caller.waits:
            return
        contact = self.work.center.contacts.get(caller.contact_id)
        if contact is not None and contact.stage in ("IN_FLOW", "IN_QUEUE", "OFFERED", "ACCEPTED"):
            self._hang_up(contact.id)

    def _hang_up(self, contact_id: str) -> None:
        contact = self.work.center.contacts[contact_id]
        if contact.channel == "CHAT":
            chat_id = contact.chat_id or contact_id
            self.work.do(commands.LeaveChat(chat_id, words.customer_id(chat_id)))
        else:
            leg = contact.customer_leg or contact_id
            self.work.do(commands.LoseChannel(leg, "CUSTOMER_DISCONNECT"))

    def _call_again(self, caller: Caller) -> None:
        group = self.scenario.callers[caller.group]
        retries = group.retries
        if retries is None or caller.attempt > retries.at_most:
            return
        if self.chance.uniform(caller.name, "retry", caller.attempt) < retries.chance:
            lasts = self._draw(caller.name, "retry after", caller.attempt, retries.after)
            if self.work.now + lasts < self.scenario.end:
                self.repeated += 1
                self.work.at(self.work.now + lasts, self._call, caller, group)

    def answer(self, contact_id: str, *, to_bot: bool = False) -> tuple[str, int]:
        """What he presses or writes at this question, and after how long; empty: nothing.

        to_bot: who has no keys to press says something; what a bot makes of it is the bot's.
        """
        caller = self.calls.get(contact_id)
        if caller is None:
            return "", 0
        group = self.scenario.callers[caller.group]
        caller.asked += 1
        usual = SOMETHING if to_bot else NOTHING
        keys = chosen(group.keys or usual, self.chance.uniform(caller.name, "keys", caller.asked))
        return keys, self._draw(caller.name, "thinks", caller.asked, group.thinks)

    def _stepped(self, event: events.FlowStepped) -> None:
        """A flow asks who writes in a chat."""
        if isinstance(event.ask, dialogue.Receive) and event.outcome is None:
            text, lasts = self.answer(event.contact_id, to_bot=event.action_type == BOT)
            contact = self.work.center.contacts.get(event.contact_id)
            if text and contact is not None:
                chat_id = contact.chat_id or contact.id
                self.work.at(self.work.now + lasts, self._write, chat_id, text)

    def _write(self, chat_id: str, text: str) -> None:
        self.work.do(
            commands.SendChatItem(
                chat_id=chat_id,
                participant_id=words.customer_id(chat_id),
                type="MESSAGE",
                content_type=words.TEXT,
                content=text,
            )
        )

    # Agents

    def _take_status(self, agent_id: str, status: str) -> None:
        self.work.do(commands.SetAgentStatus(agent_id, self.built.statuses[status]))

    def _offered(self, event: events.ContactOffered) -> None:
        agent = self.agents.get(event.agent_id)
        if agent is None or (agent.group.takes_all and not event.assigned):
            return  # the center takes it for him; not so what he was assigned
        number = self.offers[agent.id] = self.offers.get(agent.id, 0) + 1
        if self.chance.uniform(agent.name, "misses", number) >= agent.group.misses:
            lasts = self._draw(agent.name, "answers", number, agent.group.answers)
            self.work.at(self.work.now + lasts, self._accept, agent.id, event.contact_id)

    def _accept(self, agent_id: str, contact_id: str) -> None:
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in ("CONNECTING", "INCOMING"):
            self.work.do(commands.AcceptContact(agent_id, contact_id))

    def _missed(self, event: events.OfferMissed | events.AgentLegLost) -> None:
        agent = self.agents.get(event.agent_id)
        if agent is not None:
            self._come_back(agent, event.contact_id)

    def _come_back(self, agent: Staffed, contact_id: str) -> None:
        number = self.offers.get(agent.id, 0)
        lasts = self._draw(agent.name, "returns", number, agent.group.returns)
        self.work.at(self.work.now + lasts, self._clear, agent.id, contact_id)

    def _connected(self, event: events.ContactConnectedToAgent) -> None:
        caller = self.calls.get(event.contact_id)
        if caller is not None:
            caller.waits = False
            caller.served += 1
        contact = self.work.center.contacts.get(event.contact_id)
        agent = self.agents.get(event.agent_id)
        if contact is None or agent is None:
            return
        lasts = self._work_time(contact.id, agent, contact.queue_id or "", "handle")
        held = self._hold(contact, agent, lasts)
        self.work.at(self.work.now + lasts + held, self._talked, contact.id, agent.id)

    def _work_time(self, contact_id: str, agent: Staffed, queue_id: str, purpose: str) -> int:
        """How long the customer's matter takes this agent."""
        queue, name = self._queues.get(queue_id), self.built.queues.get(queue_id, "")
        own = (agent.group.handle if purpose == "handle" else agent.group.after_work).get(name)
        usual = (
            None if queue is None else (queue.handle if purpose == "handle" else queue.after_work)
        )
        taken = own or usual
        if taken is None or taken.is_zero:
            return 0
        caller = self.calls.get(contact_id)
        whom, number = (agent.name, 0) if caller is None else (caller.name, caller.served)
        return round(agent.group.pace * self._draw(whom, purpose, number, taken))

    def _talked(self, contact_id: str, agent_id: str) -> None:
        """The customer is content and hangs up; of a chat or task the agent is who ends it."""
        contact = self.work.center.contacts.get(contact_id)
        if contact is None or contact.stage != "CONNECTED" or contact.agent_id != agent_id:
            return
        way = self._way_on(contact)
        if way is not None:
            self._hand_on(contact, agent_id, way)
        elif contact.channel == "VOICE":
            self._hang_up(contact_id)
        elif contact.channel == "CHAT":
            self.work.do(commands.LeaveContact(agent_id, contact_id))
        else:
            self.work.do(commands.FinishTask(agent_id, contact_id))

    def _hold(self, contact: Contact, agent: Staffed, lasts: int) -> int:
        """Let the customer be on hold in the middle of the call, or not; how long in all."""
        queue, caller = self._queues.get(contact.queue_id or ""), self.calls.get(contact.id)
        holds = None if queue is None or contact.channel != "VOICE" else queue.holds
        if holds is None or caller is None:
            return 0
        if self.chance.uniform(caller.name, "hold", caller.served) >= holds.chance:
            return 0
        held = self._draw(caller.name, "hold lasts", caller.served, holds.lasts)
        begins, whose = self.work.now + lasts // 2, (agent.id, contact.id)
        self.work.at(begins, self._do_if_connected, *whose, commands.HoldContact(*whose))
        self.work.at(begins + held, self._do_if_connected, *whose, commands.ResumeContact(*whose))
        return held

    def _do_if_connected(self, agent_id: str, contact_id: str, command: commands.Command) -> None:
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in ("CONNECTED", "CONNECTED_ONHOLD"):
            self.work.do(command)

    def _way_on(self, contact: Contact) -> Way | None:
        """To where the agent hands the contact on; None: it is over."""
        queue, caller = self._queues.get(contact.queue_id or ""), self.calls.get(contact.id)
        if queue is None or not queue.hands_on or caller is None:
            return None
        if caller.served > SIMULATED_TRANSFERS_MAX:
            return None
        left = self.chance.uniform(caller.name, "hands on", caller.served)
        for name, share in queue.hands_on.items():
            left -= share
            if left < 0:
                return self.built.ways[name]
        return None

    def _hand_on(self, contact: Contact, agent_id: str, way: Way) -> None:
        if contact.channel == "VOICE":
            new = commands.AddParty(
                agent_id=agent_id, contact_id=contact.id, quick_connect_id=way.quick_connect
            )
            self.work.do(new)
            self.work.do(commands.LeaveContact(agent_id, contact.id))
        elif contact.channel == "CHAT":
            self.work.do(commands.TransferChat(agent_id, contact.id, way.quick_connect))
        else:
            self.work.do(
                commands.TransferTask(
                    contact_id=contact.id,
                    flow_id=way.flow,
                    target_id=way.queue,
                    quick_connect_id=way.quick_connect,
                )
            )

    def called(self, contact_id: str) -> tuple[str, int]:
        """For whom a function or a bot is asked, and the how manieth time: for chance."""
        caller = self.calls.get(contact_id)
        if caller is None:
            return contact_id, 1
        caller.called += 1
        return caller.name, caller.called

    def _ended(self, event: events.ContactEnded) -> None:
        contact = self.work.center.contacts.get(event.contact_id)
        agent = None if contact is None else self.agents.get(contact.agent_id or "")
        if contact is not None and agent is not None:
            lasts = self._work_time(contact.id, agent, contact.queue_id or "", "after work")
            self.work.at(self.work.now + lasts, self._clear, agent.id, contact.id)
        caller = self.calls.pop(event.contact_id, None)
        if caller is None or caller.contact_id != event.contact_id:
            return
        gave_up = event.reason == "CUSTOMER_DISCONNECT" and event.pre_disconnect_state == "IN_QUEUE"
        if gave_up:
            caller.waits = False
            self.abandoned += 1
            self._call_again(caller)

    def _completed(self, event: events.ContactCompleted) -> None:
        """Who has taken it, and was left before they could talk, has an error to clear."""
        contact = event.contact
        agent = self.agents.get(contact.agent_id or "")
        if agent is not None and contact.connected_to_agent_at is None:
            self._come_back(agent, contact.id)

    def _clear(self, agent_id: str, contact_id: str) -> None:
        held = self._held(agent_id, contact_id)
        if held is not None and held.state in ("MISSED", "REJECTED", "ERROR", "ENDED"):
            self.work.do(commands.ClearContact(agent_id, contact_id))

    def _held(self, agent_id: str, contact_id: str) -> Held | None:
        agent = self.work.center.agents.get(agent_id)
        return None if agent is None else agent.contacts.get(contact_id)

    # Chance

    def _draw(self, whom: str, purpose: str, number: int, of: Distribution) -> int:
        return 0 if of.is_zero else of.ms(self.chance.deal(whom, purpose, number))


def chosen(mix: Mapping[K, float], number: float) -> K:
    """What a number between 0 and 1 means by these weights, of which there is one."""
    names, limits = list(mix), list(accumulate(mix.values()))
    reached = number * limits[-1]
    return next(
        (name for name, limit in zip(names, limits, strict=True) if reached < limit), names[-1]
    )
