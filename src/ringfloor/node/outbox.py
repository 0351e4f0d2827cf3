"""Outbox: where effects leave for the world, and where the world's answers come back as commands.

Telephony commands go to the carrier, calls of functions and bots to the functions; what flows ask
of waits is answered from the desk of their instance. Carriers and
functions know channels and asks, not instances: the outbox remembers which instance a contact
belongs to, from its first effect until its channel is gone. Keys that a flow wants encrypted are
encrypted here, on their way from the carrier (sealed_input).
"""

from collections.abc import Callable, Mapping, Sequence

from ringfloor.base.time import Instant
from ringfloor.domain import commands, dialogue
from ringfloor.domain.call import is_agent_leg
from ringfloor.domain.vocabulary import DisconnectReason
from ringfloor.engine import effects as engine_effects
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
from ringfloor.node.functions import Functions
from ringfloor.node.sealed_input import SealedInput
from ringfloor.node.wait_models import WaitModels
from ringfloor.telephony import events as telephony
from ringfloor.telephony.carrier import Carrier
from ringfloor.telephony.commands import HangUp
from ringfloor.telephony.events import Q850

Post = Callable[[str, commands.Command], None]
"""Sends a command to an instance; nobody waits for it."""

REASONS: Mapping[int, DisconnectReason] = {
    Q850.UNALLOCATED_NUMBER: "TELECOM_NUMBER_INVALID",
    Q850.INVALID_NUMBER_FORMAT: "TELECOM_NUMBER_INVALID",
    Q850.NUMBER_CHANGED: "TELECOM_NUMBER_INVALID",
    Q850.USER_BUSY: "TELECOM_BUSY",
    Q850.NO_USER_RESPONDING: "TELECOM_UNANSWERED",
    Q850.NO_ANSWER: "TELECOM_UNANSWERED",
    Q850.CALL_REJECTED: "TELECOM_UNANSWERED",
    Q850.NORMAL_CLEARING: "CUSTOMER_DISCONNECT",
    Q850.NORMAL_UNSPECIFIED: "CUSTOMER_DISCONNECT",
}
"""What a Q.850 cause means (behaviour specification, 2.6); all others: TELECOM_PROBLEM."""

GATHERED: Mapping[telephony.GatherReason, dialogue.GatherReason] = {
    "terminator": "terminated",
    "max_digits": "max_digits",
    "inter_digit_timeout": "inter_digit_timeout",
    "first_digit_timeout": "no_input",
    "cancelled": "cancelled",
}


FAILED = dialogue.Failed("NoMatchingError")


def disconnect_reason(event: telephony.ChannelHungUp) -> DisconnectReason:
    """Why the customer's channel is gone, in the API's words."""
    if event.by == "timeout":
        return "TELECOM_TIMEOUT"
    if event.by == "media_timeout":
        return "TELECOM_PROBLEM"
    return REASONS.get(event.q850, "TELECOM_PROBLEM")


class Outbox:
    """The world as the node sees it."""

    def __init__(
        self,
        functions: Functions,
        post: Post,
        wake: Callable[[], None],
        sealed: SealedInput | None = None,
        *,
        desks: Mapping[str, Desk],
        models: WaitModels | None = None,
    ) -> None:
        """wake: tells the node that a function has answered, where that is no command.

        desks: the node's, by instance. models: of waits; None: none are trained.
        """
        self._functions = functions
        self._models = models
        self._desks = desks
        self._sealed = sealed or SealedInput(anybody=False)
        self._post = post
        self._wake = wake
        self._carrier: Carrier | None = None
        self._instances: dict[str, str] = {}
        self._others: dict[str, Callable[[Effect], None]] = {}

    def connect(self, carrier: Carrier) -> None:
        """Use this carrier; it was built with hear as its callback."""
        self._carrier = carrier

    def answer_by(self, instance_id: str, other: Callable[[Effect], None]) -> None:
        """Let somebody else stand behind the functions and bots of an instance."""
        self._others[instance_id] = other

    def perform(self, instance_id: str, effects: Sequence[Effect], now: Instant) -> None:
        """Send effects out; each may have been sent before."""
        assert self._carrier is not None
        for effect in effects:
            other = self._others.get(instance_id)
            if isinstance(effect, InvokeFunction | AskBot) and other is not None:
                other(effect)
            elif isinstance(effect, InvokeFunction | AskBot):
                self._functions.invoke(
                    instance_id, effect, lambda answer: self._told(instance_id, answer)
                )
            elif isinstance(effect, EstimateWait):
                asked = self._desks[instance_id].about_waits()
                self._post(instance_id, wait_estimates.answer(effect, *asked, now))
            elif isinstance(effect, GatherSealed):
                self._instances[effect.gather.channel_id] = instance_id
                if self._sealed.begin(effect):
                    self._carrier.perform(effect.gather, now)
                else:
                    self._post(instance_id, unsealable(effect))
            else:
                channel_id = getattr(effect, "channel_id", None)
                if channel_id is not None:
                    self._instances[channel_id] = instance_id
                self._carrier.perform(effect, now)

    def _told(self, instance_id: str, answer: commands.Command | None) -> None:
        if answer is None:
            self._wake()
        else:
            self._post(instance_id, answer)

    def resume(self, desk: Desk, now: Instant) -> None:
        """After a restart: tell the carrier which calls there are, and what they wait for."""
        assert self._carrier is not None
        legs = list(engine_effects.channels(desk.center))
        for leg in legs:
            self._instances[leg.channel_id] = desk.instance_id
        outstanding = list(engine_effects.outstanding(desk.center))
        for effect in outstanding:  # the carrier may tell at once what has been typed meanwhile
            if isinstance(effect, GatherSealed):
                self._sealed.begin(effect)
        self._carrier.adopt(legs, now)
        self.perform(desk.instance_id, outstanding, now)

    def resumed(self, now: Instant) -> None:
        """Hang up what the carrier still has and nobody knows: its end was not told it in time."""
        assert self._carrier is not None
        for leg in self._carrier.channels():
            if leg.channel_id not in self._instances:
                self._carrier.perform(HangUp(leg.channel_id), now)

    def hear(self, event: telephony.Event, _at: Instant) -> None:
        """An event of the carrier becomes a command."""
        instance_id = self._instances.get(event.channel_id)
        command = heard(event, self._sealed)
        if isinstance(event, telephony.ChannelHungUp):
            self._instances.pop(event.channel_id, None)
            self._sealed.forget(event.channel_id)
        if instance_id is not None and command is not None:
            self._post(instance_id, command)

    def next_due(self) -> Instant | None:
        """When the carrier has something to do, or something is to be learnt."""
        assert self._carrier is not None
        learning = None if self._models is None else self._models.next_due()
        dues = self._carrier.next_due(), learning
        return min((each for each in dues if each is not None), default=None)

    def run_due(self, now: Instant) -> None:
        """Let it be done."""
        assert self._carrier is not None
        self._carrier.run_due(now)
        if self._models is not None:
            self._models.run_due(now)

    def busy(self) -> bool:
        """Whether a function has yet to answer, or a model is being trained."""
        return self._functions.busy() or (self._models is not None and self._models.busy())

    async def close(self) -> None:
        """Give up what is still under way; it is asked again after a restart."""
        await self._functions.close()
        if self._models is not None:
            await self._models.close()


def heard(event: telephony.Event, sealed: SealedInput | None = None) -> commands.Command | None:
    """What an event of the carrier means for the engine; None: nothing.

    sealed: by whom input is encrypted; without, input that should be is a failure.
    """
    agents = is_agent_leg(event.channel_id)
    contact_id, _, leg = event.channel_id.removesuffix("/agent").partition("/")
    number = int(leg or 0)
    match event:
        case telephony.ChannelAnswered():
            if agents:
                return commands.ConnectAgent(contact_id, number)
            return commands.ConnectSystem(contact_id)
        case telephony.ChannelHungUp():
            if agents:
                return None if event.by == "local" else commands.LoseAgent(contact_id, number)
            return commands.LoseChannel(contact_id, disconnect_reason(event))
        case telephony.PlaybackFinished(playback_id=name, reason=reason):
            return commands.Hear(*_ask(name), FAILED if reason == "failed" else dialogue.Done())
        case telephony.GatherFinished(gather_id=name, digits=digits, reason=how):
            typed = dialogue.Digits(digits, GATHERED[how])
            if not name.endswith(SEALED):
                return commands.Hear(*_ask(name), typed)
            closed = FAILED if sealed is None else sealed.close(name, typed)
            return commands.Hear(*_ask(name), closed)
        case _:
            return None


def _ask(name: str) -> tuple[str, int]:
    """Whose ask it was, and its number: an agent may hear what another contact's flow says."""
    contact_id, _, number = name.removesuffix(SEALED).rpartition("/")
    return contact_id, int(number)


def unsealable(effect: GatherSealed) -> commands.Hear:
    """The answer to a gathering whose key cannot be used."""
    return commands.Hear(*_ask(effect.gather.gather_id), FAILED)
