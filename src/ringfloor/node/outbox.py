"""Outbox: where effects leave for the world, and where the world's answers come back as commands.

Telephony commands go to the carrier, calls of functions and bots to the functions; what flows ask
of waits is answered from the desk of their instance. Carriers and
functions know channels and asks, not instances: the outbox remembers which instance a contact
belongs to, from its first effect until its channel is gone. Keys that a flow wants encrypted are
encrypted here, on their way from the carrier (sealed_input). Calls that come in go to the arrivals,
finished recordings to whoever stores them, and agents' browsers come through attach.

Who hangs up while he is played to, or types, ends his contact: that what he heard has been cut off
is not told to its flow, which would go on without him. What took its place there is another matter.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ringfloor.base.errors import Refusal, invalid_request, not_found
from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import BROWSER_ATTACH_MS
from ringfloor.base.time import Instant, seconds
from ringfloor.domain import commands, dialogue
from ringfloor.domain.call import is_agent_leg
from ringfloor.domain.contact import Sound, SoundIssue
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
from ringfloor.node.arrivals import Arrivals
from ringfloor.node.desk import Desk
from ringfloor.node.functions import Functions
from ringfloor.node.sealed_input import SealedInput
from ringfloor.node.wait_models import WaitModels
from ringfloor.telephony import events as telephony
from ringfloor.telephony.carrier import Carrier
from ringfloor.telephony.commands import (
    AttachWebRtc,
    Command,
    Gather,
    HangUp,
    Play,
    StartRecording,
)
from ringfloor.telephony.events import Q850

log = logging.getLogger(__name__)

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


BLOCKED = frozenset({607, 608})
"""SIP statuses of who does not want the call: Unwanted (RFC 8197), Rejected (RFC 8688)."""

NOT_REACHED: frozenset[DisconnectReason] = frozenset(
    {"TELECOM_BUSY", "TELECOM_UNANSWERED", "TELECOM_NUMBER_INVALID"}
)


def disconnect_reason(event: telephony.ChannelHungUp) -> DisconnectReason:
    """Why the customer's channel is gone, in the API's words."""
    if event.by == "timeout":
        return "TELECOM_TIMEOUT"
    if event.by == "media_timeout":
        return "TELECOM_PROBLEM"
    if event.sip_code in BLOCKED:
        return "TELECOM_POTENTIAL_BLOCKING"
    reason = REASONS.get(event.q850, "TELECOM_PROBLEM")
    was_up = event.quality is not None  # then a far end that says busy has only hung up
    return "CUSTOMER_DISCONNECT" if was_up and reason in NOT_REACHED else reason


LOSS_MAX, ROUND_TRIP_MS_MAX, JITTER_MS_MAX = 0.05, 500, 50
"""What a connection may have before it counts as a potential issue: from there on words are lost,
people talk into each other's, and jitter buffers give up."""


def sound(quality: telephony.Quality) -> Sound:
    """How good a connection was, in the API's words."""
    lost = max(quality.lost, quality.far_lost) / max(quality.received + quality.lost, 1)
    issues: list[SoundIssue] = []
    if lost > LOSS_MAX:
        issues.append("HighPacketLoss")
    if (quality.round_trip_ms or 0) > ROUND_TRIP_MS_MAX:
        issues.append("HighRoundTripTime")
    if quality.jitter_ms > JITTER_MS_MAX:
        issues.append("HighJitterBuffer")
    return Sound(round(quality.score, 2), tuple(issues))


class Recordings(Protocol):
    """Who stores what has been recorded."""

    def collect(self) -> None:
        """The file of a recording is there; its name says whose it is, and the contact is told."""


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
        self._arrivals: Arrivals | None = None
        self._recordings: Recordings | None = None
        self._instances: dict[str, str] = {}
        """By channel, and by recording."""
        self._latest: dict[str, str] = {}
        """What each channel was given to hear or to gather last; its id."""
        self._offers: dict[str, tuple[str, asyncio.Future[str]]] = {}
        """Of browsers: by id, the channel, and who waits for the answer."""
        self.registered: set[str] = set()
        """Numbers of the desk phones that are reachable."""
        self._others: dict[str, Callable[[Effect], None]] = {}

    def connect(
        self,
        carrier: Carrier,
        arrivals: Arrivals | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        """Use this carrier; it was built with hear as its callback.

        arrivals: who lets its calls in; None: whoever makes them says so. recordings: who stores
        what it records; None: nobody.
        """
        self._carrier = carrier
        self._arrivals = arrivals
        self._recordings = recordings

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
                    self._send(effect.gather, now)
                else:
                    self._post(instance_id, unsealable(effect))
            else:
                channel_id = getattr(effect, "channel_id", None)
                if isinstance(effect, StartRecording):
                    channel_id = effect.recording_id
                if channel_id is not None:
                    self._instances[channel_id] = instance_id
                self._send(effect, now)

    def _send(self, command: Command, now: Instant) -> None:
        assert self._carrier is not None
        match command:
            case Play(playback_id=name) | Gather(gather_id=name):
                self._latest[command.channel_id] = name
            case _:
                pass
        self._carrier.perform(command, now)

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
        match event:
            case telephony.ChannelIncoming():
                self._arrives(event)
            case telephony.WebRtcAnswered() | telephony.WebRtcRefused():
                self._attached(event)
            case telephony.RecordingFinished() | telephony.RecordingFailed():
                self._recorded(event)
            case telephony.RecordingStarted():
                pass
            case telephony.EndpointRegistered(number=number):
                self.registered.add(number)
            case telephony.EndpointUnregistered(number=number):
                self.registered.discard(number)
            case telephony.ChannelTransferRequested(channel_id=channel_id, refer_to=to):
                log.warning("%s asks for a transfer to %s, which is refused", channel_id, to)
            case _:
                self._channel_tells(event)

    def _channel_tells(self, event: telephony.ChannelEvent) -> None:
        instance_id = self._instances.get(event.channel_id)
        command = None if self._is_cut_off(event) else heard(event, self._sealed)
        if isinstance(event, telephony.ChannelHungUp):
            self._instances.pop(event.channel_id, None)
            self._latest.pop(event.channel_id, None)
            self._sealed.forget(event.channel_id)
            self._detach(event.channel_id)
            if event.quality is not None and instance_id is not None:
                measured = sound(event.quality)
                self._post(instance_id, commands.MeasureSound(event.channel_id, measured))
        if instance_id is not None and command is not None:
            self._post(instance_id, command)

    def _is_cut_off(self, event: telephony.ChannelEvent) -> bool:
        """Whether something was stopped though nothing took its place: its channel is going."""
        match event:
            case telephony.PlaybackFinished(playback_id=name, reason="stopped"):
                return self._latest.get(event.channel_id) == name
            case telephony.GatherFinished(gather_id=name, reason="cancelled"):
                return self._latest.get(event.channel_id) == name
            case _:
                return False

    def _arrives(self, event: telephony.ChannelIncoming) -> None:
        if self._arrivals is not None:
            instance_id = self._arrivals.begin(event)
            if instance_id is not None:
                self._instances[event.channel_id] = instance_id

    def _recorded(self, event: telephony.RecordingFinished | telephony.RecordingFailed) -> None:
        """A recording is over; without sound there is nothing to keep.

        Of one that has failed there may be a file, too: up to where it broke off.
        """
        contact_id = event.recording_id.partition("/")[0]
        instance_id = self._instances.pop(event.recording_id, None)
        if isinstance(event, telephony.RecordingFinished):
            there = event.name != ""
        else:
            there = True
            log.error("the recording of contact %s has failed: %s", contact_id, event.reason)
            if instance_id is not None:
                self._post(instance_id, commands.LoseRecording(contact_id))
        if there and self._recordings is not None:
            self._recordings.collect()

    # Browsers

    async def attach(self, channel_id: str, sdp: str, now: Instant) -> str:
        """The browser of the agent whose leg rings offers to carry it; its answer, as SDP.

        Refuses where the channel does not ring at a softphone, or the offer cannot be taken.
        """
        assert self._carrier is not None
        if not is_agent_leg(channel_id) or channel_id not in self._instances:
            raise not_found("channel", channel_id, "ringing softphone")
        self._detach(channel_id)
        offer_id = derive(chance(), 0)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._offers[offer_id] = channel_id, answer
        self._carrier.perform(AttachWebRtc(channel_id, offer_id, sdp), now)
        self._wake()
        try:
            async with asyncio.timeout(seconds(BROWSER_ATTACH_MS)):
                return await answer
        except TimeoutError:
            raise Refusal("ServiceUnavailableException", "channel: nobody answers") from None
        finally:
            self._offers.pop(offer_id, None)

    def _attached(self, event: telephony.WebRtcAnswered | telephony.WebRtcRefused) -> None:
        _, answer = self._offers.get(event.offer_id, ("", None))
        if answer is None or answer.done():
            return
        if isinstance(event, telephony.WebRtcAnswered):
            answer.set_result(event.sdp)
        else:
            answer.set_exception(invalid_request("sdp", "...", event.reason))

    def _detach(self, channel_id: str) -> None:
        """The channel is gone, or somebody else offers to carry it."""
        for known, answer in self._offers.values():
            if known == channel_id and not answer.done():
                answer.set_exception(invalid_request("channel", channel_id, "is somebody else's"))

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
        """Whether a function has yet to answer, a call to be let in, or a model to be trained."""
        others = (each for each in (self._arrivals, self._models) if each is not None)
        return self._functions.busy() or any(each.busy() for each in others)

    async def close(self) -> None:
        """Give up what is still under way; it is asked again after a restart."""
        await self._functions.close()
        if self._models is not None:
            await self._models.close()


def heard(event: telephony.Event, sealed: SealedInput | None = None) -> commands.Command | None:
    """What an event of the carrier means for the engine; None: nothing.

    sealed: by whom input is encrypted; without, input that should be is a failure.
    """
    if not isinstance(event, telephony.ChannelEvent):
        return None
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
