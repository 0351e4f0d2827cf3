"""World: the center of a rehearsal, its time, and what stands around it.

Commands go in, effects come out and are done at once: phones are simulated, functions and bots are
called in place, waits are estimated as by a server, keys that a flow wants encrypted are. What
happened is kept for who asks: the steps of each contact, the transcript of each chat, who came in
which order.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, json

from ringfloor.base.errors import Refusal
from ringfloor.base.ids import derive, dice
from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.chat import ChatItem
from ringfloor.domain.contact import Contact
from ringfloor.engine import engine, flows
from ringfloor.engine.effects import AskBot, Effect, EstimateWait, GatherSealed, InvokeFunction
from ringfloor.engine.state import Center
from ringfloor.gateway.phones import Phones
from ringfloor.node import functions, outbox, wait_estimates
from ringfloor.node.sealed_input import SealedInput
from ringfloor.projections.announcements import Announcements
from ringfloor.projections.waiting import Waiting
from ringfloor.telephony import events as telephony

START: Instant = 1_767_600_000_000
"""A Monday, 08:00 UTC."""

OWN_NUMBER = "+15555550100"

LAST = (
    dialogue.Disconnect,
    dialogue.End,
    dialogue.EnterFlow,
    dialogue.TransferToQueue,
    dialogue.TransferToAgent,
    dialogue.DequeueAndTransfer,
)
"""Asks after which a flow does not go on, if they are granted."""

Function = Callable[[dict[str, Any]], Any]
"""What stands behind a function's or a bot's ARN: the event in, the reply out.

Whatever it raises makes the action fail, and so does a reply that is no JSON.
"""


class Step(Struct, frozen=True):
    """One action that a contact has been through."""

    flow: str
    action: str
    type: str
    outcome: str | None
    """The result or the error by which it was left; None: plain success."""
    at: Instant


class World:
    """One contact center and its virtual time."""

    def __init__(self, *, seed: int = 1) -> None:
        self.center = Center()
        self.now: Instant = START
        self.phones = Phones(self._hear)
        self.steps: dict[str, list[Step]] = {}
        """By contact."""
        self.transcripts: dict[str, list[ChatItem]] = {}
        """By chat."""
        self.begun: list[str] = []
        """Contacts, in the order in which they began."""
        self.final: dict[str, Contact] = {}
        """Contacts that are over."""
        self.functions: dict[str, Function] = {}
        self.bots: dict[str, Function] = {}
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        """What functions and bots were called with, in order."""
        self.deal = dice(seed)
        self._sealed = SealedInput(anybody=True)
        self._waits = Waiting(), Announcements()
        self._commands: list[commands.Command] = []
        self.submit(
            commands.CreateInstance(
                instance_id=derive(self.deal(), 0),
                region="us-east-1",
                account="123456789012",
                alias="rehearsal",
                properties={
                    "IdentityManagementType": "CONNECT_MANAGED",
                    "InboundCallsEnabled": True,
                    "OutboundCallsEnabled": True,
                },
                number=OWN_NUMBER,
            )
        )

    # The center

    def submit(self, command: commands.Command) -> str:
        """Carry a command out with all that follows from it at this instant; raises Refusal."""
        answer = self._step(command)
        self.settle()
        return answer

    def _step(self, command: commands.Command) -> str:
        done = engine.run(self.center, command, self.now, self.deal(), self._witness)
        for effect in done.effects:
            self._perform(effect)
        return done.answer

    def settle(self) -> None:
        """Until nothing more happens without the clock moving."""
        while True:
            self.phones.run_due(self.now)
            due = engine.next_deadline(self.center)
            if self._commands:
                self._post(self._commands.pop(0))
            elif due is not None and due <= self.now:
                self._step(commands.Expire())
            elif (self.phones.next_due() or self.now + 1) > self.now:
                return

    def _post(self, command: commands.Command) -> None:
        """Stale news is no news."""
        try:
            self._step(command)
        except Refusal:
            return

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due by then."""
        until = self.now + round(seconds * SECOND)
        while (due := self.next_due()) is not None and due <= until:
            self.now = max(due, self.now)
            self.settle()
        self.now = until
        self.settle()

    def next_due(self) -> Instant | None:
        """When something happens by itself; None: never."""
        dues = (engine.next_deadline(self.center), self.phones.next_due())
        return min((each for each in dues if each is not None), default=None)

    def contact(self, contact_id: str) -> Contact:
        """Live or final."""
        live = self.center.contacts.get(contact_id)
        return live if live is not None else self.final[contact_id]

    # What the center asks of the world

    def _perform(self, effect: Effect) -> None:
        match effect:
            case InvokeFunction() | AskBot():
                answer = self._call(effect)
                if not (isinstance(effect, InvokeFunction) and effect.asynchronous):
                    self._commands.append(commands.Hear(effect.contact_id, effect.ask, answer))
            case EstimateWait():
                told = wait_estimates.answer(effect, self.center, *self._waits, self.now)
                self._commands.append(told)
            case GatherSealed() if self._sealed.begin(effect):
                self.phones.perform(effect.gather, self.now)
            case GatherSealed():
                self._commands.append(outbox.unsealable(effect))
            case _:
                self.phones.perform(effect, self.now)

    def _call(self, effect: InvokeFunction | AskBot) -> dialogue.Heard:
        if isinstance(effect, InvokeFunction):
            name, bound = effect.function_arn, self.functions
            short = name.partition(":function:")[2].partition(":")[0]
        else:
            name, bound = effect.bot, self.bots
            short = functions.bot_id(name)
        self.invoked.append((name, effect.event))
        function = next((bound[key] for key in (name, short, "*") if key in bound), None)
        if function is None:
            return functions.FAILED
        try:
            reply = function(json.decode(json.encode(effect.event)))
            return functions.answered(json.decode(json.encode(reply)))
        except Exception:  # noqa: BLE001  whatever a function raises is its failure
            return functions.FAILED

    def _hear(self, event: telephony.Event, _at: Instant) -> None:
        if not isinstance(event, telephony.ChannelEvent):
            return  # recordings and registrations are nothing to a flow
        command = outbox.heard(event, self._sealed)
        if command is not None:
            self._commands.append(command)

    # What happened

    def _witness(self, center: Center, event: events.Event) -> None:
        waiting, announcements = self._waits
        waiting.on(event, center.at)
        announcements.on(event)
        match event:
            case events.FlowStepped():
                self._stepped(event)
            case events.ContactInitiated():
                self.begun.append(event.contact.id)
            case events.ContactCompleted():
                self.final[event.contact.id] = event.contact
            case events.ChatItemAdded():
                self.transcripts.setdefault(event.chat_id, []).append(event.item)
            case _:
                pass

    def _stepped(self, event: events.FlowStepped) -> None:
        steps = self.steps.setdefault(event.contact_id, [])
        flow, at = self._flow_name(event.session.flow_id), self.center.at
        steps += (
            Step(flow, passed.action, passed.type, passed.outcome, at) for passed in event.path
        )
        action = event.session.action
        granted = event.outcome is None and isinstance(event.ask, LAST)
        if granted and action is not None and event.action_type:
            steps.append(Step(flow, action, event.action_type, None, at))

    def _flow_name(self, flow_id: str) -> str:
        for kind in ("contact_flow", "contact_flow_module"):
            known = self.center.resources[kind].get(flows.pointer(flow_id).id)
            if known is not None:
                return known.name
        return flow_id
