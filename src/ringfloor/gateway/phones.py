"""Simulated phones: a carrier whose far ends are customers and agents that a test speaks for.

The app gives it to the node as a Carrier; the sandbox endpoints and the simulator act the customers
by tell, call, press, hang_up and heard. It has no clock, no thread and no chance.

Rules
* A number answers at once unless it was told otherwise; so does every agent's softphone. What is
  neither a number nor an agent is an invalid number.
* Speech takes no time, so that a test on a virtual clock need not wait for it: a playback that is
  not looped finishes at the instant it began. Even so it finishes by the same door as everything
  else: perform and the customer's controls let happen what was due before them, change a line, and
  put events in a queue; run_due alone empties it. So nothing ever happens inside of something else,
  and what happens does not depend on how often run_due is called.
* A flow that plays for ever without waiting would then never let the clock go on: from a certain
  number of playbacks to a line within a second, each further one lasts a second.
* Simultaneous things happen in the order in which they were arranged.
* Keys pressed while nobody gathers, outside of a bridge, are kept for the next gathering: the first
  30, as in Amazon Connect's touchtone buffer, and until they are used or thrown away by it, not
  until some playback ends: speech takes no time here, so a test could not press in time. A
  gathering with type_ahead off is Amazon Connect without that buffer.
* Controls raise a Refusal if there is no such call; commands never do.
* All that is remembered is bounded (base.limits, Telephony).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, assert_never

from msgspec import Struct
from sortedcontainers import SortedList

from ringfloor.base.errors import Refusal, invalid_parameter, not_found
from ringfloor.base.limits import (
    CHANNELS_ENDED_MAX,
    DIAL_MS,
    PHONE_BEHAVIOURS_MAX,
    PHONE_CALLS_MAX,
    PHONE_HEARD_CALLS_MAX,
)
from ringfloor.base.time import Duration, Instant
from ringfloor.domain.numbers import is_e164
from ringfloor.gateway import gathering
from ringfloor.gateway.gathering import KEYS, operation_key
from ringfloor.gateway.lines import Heard, Line, remembered
from ringfloor.telephony.carrier import Carrier, Channel, OnEvent
from ringfloor.telephony.commands import (
    AGENT,
    AddToBridge,
    Answer,
    AttachWebRtc,
    ChannelCommand,
    Command,
    CreateBridge,
    DestroyBridge,
    Gather,
    HangUp,
    Mute,
    Originate,
    PauseRecording,
    Play,
    Progress,
    RecordingCommand,
    Redirect,
    RemoveFromBridge,
    ResumeRecording,
    Ring,
    SendDigits,
    StartMusic,
    StartRecording,
    StopGather,
    StopMusic,
    StopPlayback,
    StopRecording,
    Unmute,
)
from ringfloor.telephony.events import (
    Q850,
    ChannelAnswered,
    ChannelDigit,
    ChannelHungUp,
    ChannelIncoming,
    ChannelRinging,
    Event,
    GatherFinished,
    GatherReason,
    HungUpBy,
    PlaybackFinished,
    PlaybackReason,
    RecordingFinished,
    RecordingStarted,
    WebRtcRefused,
    sip_status,
)


class Behaviour(Struct, frozen=True):
    """What a number does when it is dialled.

    answer: rings, and is up after answer_after_ms, unless the caller gives up before.
    busy: Q.850 17, SIP 486. no-answer: rings until the caller gives up, Q.850 19, SIP 487.
    invalid: Q.850 1, SIP 404.
    """

    kind: Literal["answer", "busy", "no-answer", "invalid"] = "answer"
    answer_after_ms: Duration = 0


_AT_ONCE = Behaviour()


class Phones:
    """The carrier; see telephony.carrier for what perform, run_due and the others promise."""

    def __init__(self, on_event: OnEvent, *, playback_ms: Duration = 0) -> None:
        """playback_ms: how long a playback, or the media of a gathering, lasts, whatever it is."""
        self._on_event = on_event
        self._playback_ms = playback_ms
        self._now: Instant = 0
        self._turn = 0
        self._delivering = False
        self._behaviours: dict[str, Behaviour] = {}
        self._lines: dict[str, Line] = {}
        self._bridges: dict[str, dict[str, None]] = {}
        """Channels of each bridge in the order they came; a bridge is here while it has any."""
        self._operations: dict[str, str] = {}
        """Running playbacks and gathers, and their channels."""
        self._timers = SortedList()
        """(due, turn, channel id) of each line that has something due."""
        self._queue: deque[tuple[Event, Instant]] = deque()
        self._recordings: dict[str, Instant] = {}
        """Since when each goes on."""
        self._recorded: OrderedDict[str, None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._ended_heard: OrderedDict[str, tuple[Heard, ...]] = OrderedDict()

    # What a test says and asks

    def tell(self, number: str, behaviour: Behaviour) -> None:
        """From now on the number does this when it is dialled; calls that ring already go on."""
        if not is_e164(number):
            raise invalid_parameter("number", number, "is not an E.164 number")
        if behaviour.answer_after_ms < 0:
            raise invalid_parameter("answer_after_ms", behaviour.answer_after_ms, "is negative")
        if behaviour == _AT_ONCE:
            self._behaviours.pop(number, None)
            return
        if number not in self._behaviours and len(self._behaviours) >= PHONE_BEHAVIOURS_MAX:
            raise Refusal("LimitExceededException", f"{PHONE_BEHAVIOURS_MAX} numbers are told")
        self._behaviours[number] = behaviour

    def behaviours(self) -> dict[str, Behaviour]:
        """What was told, for whoever keeps it; numbers that answer at once are not in it."""
        return dict(self._behaviours)

    def restore(self, behaviours: Mapping[str, Behaviour]) -> None:
        """Forget what was told and be told this."""
        self._behaviours.clear()
        for number, behaviour in behaviours.items():
            self.tell(number, behaviour)

    def call(self, from_number: str, to: str, channel_id: str, now: Instant) -> None:
        """A customer calls: ChannelIncoming. The same channel id again is the same call."""
        self._catch_up(now)
        if channel_id in self._lines or channel_id in self._ended:
            return
        if len(self._lines) >= PHONE_CALLS_MAX:
            raise Refusal("LimitExceededException", f"{PHONE_CALLS_MAX} simulated calls are up")
        self._lines[channel_id] = Line(channel_id, "inbound", from_number)
        self._emit(ChannelIncoming(channel_id, from_number, to))

    def press(self, channel_id: str, digits: str, now: Instant) -> None:
        """The customer presses keys, one after the other, all at this instant."""
        if not KEYS.issuperset(digits):
            raise invalid_parameter("digits", digits, "has keys that a phone has not")
        self._catch_up(now)
        line = self._living(channel_id)
        for key in digits:
            self._pressed(line, key)

    def hang_up(self, channel_id: str, now: Instant) -> None:
        """The customer hangs up, gives up ringing, or declines a call that rings at him."""
        self._catch_up(now)
        line = self._living(channel_id)
        if line.state == "up":
            self._end(line, "remote", Q850.NORMAL_CLEARING, None, "the far end hung up")
        elif line.direction == "inbound":
            self._end(line, "remote", Q850.NORMAL_CLEARING, 487, "the caller gave up")
        else:
            self._end(line, "remote", Q850.CALL_REJECTED, 603, "declined")

    def heard(self, channel_id: str) -> tuple[Heard, ...]:
        """What the far end of a channel has heard, oldest first; of ended calls too, for a while.

        A thing counts as heard when it begins, even if a key cuts it short.
        """
        line = self._lines.get(channel_id)
        if line is not None:
            return tuple(line.heard)
        if channel_id in self._ended_heard:
            return self._ended_heard[channel_id]
        raise not_found("channel_id", channel_id, "call")

    # The carrier

    def next_due(self) -> Instant | None:
        if self._queue:
            return self._queue[0][1]
        due: Instant | None = self._timers[0][0] if self._timers else None
        return due

    def run_due(self, now: Instant) -> None:
        assert not self._delivering, "run_due was called out of the callback"
        self._delivering = True
        try:
            while self._queue or self._ring(now):
                if self._queue:
                    self._on_event(*self._queue.popleft())
        finally:
            self._delivering = False
        self._now = max(self._now, now)

    def channels(self) -> list[Channel]:
        return [line.channel() for line in self._lines.values()]

    def adopt(self, channels: Sequence[Channel], now: Instant) -> None:
        """Take on unknown channels; what the center says goes before what their memory says.

        Without memory an outbound channel that rings begins to ring again, for DIAL_MS at most.
        """
        self._catch_up(now)
        for channel in channels:
            if channel.channel_id not in self._lines and channel.channel_id not in self._ended:
                self._adopt(channel)
        for bridge_id in list(self._bridges):
            self._mix(bridge_id)

    def perform(self, command: Command, now: Instant) -> None:
        self._catch_up(now)
        match command:
            case Originate():
                self._originate(command)
            case StopPlayback() | StopGather():
                channel_id = self._operations.get(operation_key(command))
                if channel_id is not None:
                    self._interrupt(self._lines[channel_id])
            case CreateBridge():
                pass  # a bridge of phones is nothing but the channels in it
            case DestroyBridge():
                for channel_id in list(self._bridges.get(command.bridge_id, ())):
                    self._move(self._lines[channel_id], None)
            case StartRecording() | PauseRecording() | ResumeRecording() | StopRecording():
                self._record(command)
            case _:
                line = self._lines.get(command.channel_id)
                if line is not None:
                    self._perform_on(line, command)
                else:
                    self._gone(command.channel_id)

    def _perform_on(self, line: Line, command: ChannelCommand) -> None:
        match command:
            case Answer():
                if line.direction == "inbound" and line.state == "ringing":
                    self._up(line)
            case HangUp():
                refusal = 487 if line.direction == "outbound" else sip_status(command.cause)
                status = None if line.state == "up" else refusal
                self._end(line, "local", command.cause, status, "hung up here")
            case Play() | Gather():
                self._begin(line, command)
            case StartMusic():
                if line.music != command.media:
                    line.music = command.media
                    line.hear_music(self._now)
            case StopMusic():
                line.music = None
            case SendDigits():
                line.hear_digits(f"digits {command.digits_id}", command.digits, self._now)
            case AttachWebRtc():
                self._refuse_browser(line, command)
            case Ring() | Progress() | Redirect():
                pass  # whoever calls hears nothing before the answer, and stays
            case _:
                self._place(line, command)

    def _refuse_browser(self, line: Line, command: AttachWebRtc) -> None:
        key = f"offer {command.offer_id}"
        if key not in line.ended:
            line.remember(key)
            reason = "simulated phones have no browsers"
            self._emit(WebRtcRefused(line.channel_id, command.offer_id, reason))

    def _record(self, command: RecordingCommand) -> None:
        """Recordings without sound: they begin, and when they end they know how long they were."""
        name = command.recording_id
        if isinstance(command, StartRecording):
            if name not in self._recordings and name not in self._recorded:
                self._recordings[name] = self._now
                self._emit(RecordingStarted(name))
        elif isinstance(command, StopRecording) and name in self._recordings:
            began = self._recordings.pop(name)
            self._recorded[name] = None
            _trim(self._recorded, CHANNELS_ENDED_MAX)
            self._emit(RecordingFinished(name, "", self._now - began))

    def _place(self, line: Line, command: Mute | Unmute | AddToBridge | RemoveFromBridge) -> None:
        match command:
            case Mute() | Unmute():
                line.muted = isinstance(command, Mute)
                self._mix_of(line)
            case AddToBridge():
                line.listens = command.role == "listen"
                self._move(line, command.bridge_id)
                self._mix_of(line)
            case RemoveFromBridge():
                if line.bridge_id == command.bridge_id:
                    self._move(line, None)
            case _:
                assert_never(command)

    # Time

    def _catch_up(self, now: Instant) -> None:
        """Let happen what was due by now; its events wait in the queue."""
        while self._ring(now):
            pass
        self._now = max(self._now, now)

    def _ring(self, now: Instant) -> bool:
        """Let the next line that is due by now go on; False if there is none."""
        if not self._timers or self._timers[0][0] > now:
            return False
        due, _, channel_id = self._timers[0]
        self._now = max(self._now, due)
        line = self._lines[channel_id]
        self._arm(line, None)
        match line.operation:
            case Play() as playback:
                self._playback_over(line, playback, "eof")
            case Gather() as gather:
                self._gather_over(line, gather, gathering.too_late(line.typed))
            case None if line.answers:
                self._up(line)
            case None:
                self._end(line, "timeout", Q850.NO_ANSWER, 487, "nobody answered in time")
        return True

    def _arm(self, line: Line, due: Instant | None) -> None:
        """Have the line go on by itself at this instant, and not when it was due before."""
        if line.due is not None:
            self._timers.remove((line.due, line.turn, line.channel_id))
        line.due = due
        if due is not None:
            self._turn += 1
            line.turn = self._turn
            self._timers.add((line.due, line.turn, line.channel_id))

    def _emit(self, event: Event) -> None:
        self._queue.append((event, self._now))

    # The life of a line

    def _living(self, channel_id: str) -> Line:
        line = self._lines.get(channel_id)
        if line is None:
            raise not_found("channel_id", channel_id, "living call")
        return line

    def _originate(self, command: Originate) -> None:
        channel_id = command.channel_id
        if channel_id in self._lines or channel_id in self._ended:
            return
        if len(self._lines) >= PHONE_CALLS_MAX:
            self._bury(channel_id, (), "remote", Q850.NO_CIRCUIT, 503, "no line is free")
            return
        behaviour = self._behaviour(command.to)
        if behaviour.kind == "busy":
            self._bury(channel_id, (), "remote", Q850.USER_BUSY, 486, "busy")
        elif behaviour.kind == "invalid":
            self._bury(channel_id, (), "remote", Q850.UNALLOCATED_NUMBER, 404, "no such number")
        else:
            line = self._lines[channel_id] = Line(channel_id, "outbound", command.to)
            self._emit(ChannelRinging(channel_id))
            self._ring_at(line, behaviour, command.timeout_ms)

    def _behaviour(self, address: str) -> Behaviour:
        if address.startswith(AGENT):
            return _AT_ONCE
        if not is_e164(address):
            return Behaviour("invalid")
        return self._behaviours.get(address, _AT_ONCE)

    def _ring_at(self, line: Line, behaviour: Behaviour, timeout_ms: Duration) -> None:
        line.answers = behaviour.kind == "answer" and behaviour.answer_after_ms < timeout_ms
        self._arm(line, self._now + (behaviour.answer_after_ms if line.answers else timeout_ms))

    def _up(self, line: Line) -> None:
        line.state = "up"
        self._emit(ChannelAnswered(line.channel_id))
        line.hear_music(self._now)
        if line.bridge_id is not None:
            self._mix(line.bridge_id)

    def _end(
        self,
        line: Line,
        by: HungUpBy,
        q850: int,
        sip_code: int | None,
        reason: str,
    ) -> None:
        self._interrupt(line)
        self._arm(line, None)
        heard = tuple(line.heard)  # before it leaves its bridge: nobody is left to hear that
        self._move(line, None)
        del self._lines[line.channel_id]
        self._bury(line.channel_id, heard, by, q850, sip_code, reason)

    def _gone(self, channel_id: str) -> None:
        """A command names a channel that is not here; say so if it was not said before."""
        if channel_id not in self._ended:
            self._bury(channel_id, (), "remote", Q850.TEMPORARY_FAILURE, 481, "no such channel")

    def _bury(
        self,
        channel_id: str,
        heard: tuple[Heard, ...],
        by: HungUpBy,
        q850: int,
        sip_code: int | None,
        reason: str,
    ) -> None:
        self._ended[channel_id] = None
        _trim(self._ended, CHANNELS_ENDED_MAX)
        self._ended_heard[channel_id] = heard
        _trim(self._ended_heard, PHONE_HEARD_CALLS_MAX)
        self._emit(ChannelHungUp(channel_id, by, q850, sip_code, reason))

    def _adopt(self, channel: Channel) -> None:
        line = remembered(channel)
        self._lines[line.channel_id] = line
        if line.operation is not None:
            self._operations[operation_key(line.operation)] = line.channel_id
        if line.bridge_id is not None:
            self._bridges.setdefault(line.bridge_id, {})[line.channel_id] = None
        else:
            line.accompany((), self._now)
        if line.due is not None:
            self._timers.add((line.due, line.turn, line.channel_id))
            self._turn = max(self._turn, line.turn)
        elif line.state == "ringing" and line.direction == "outbound":
            self._ring_at(line, self._behaviour(line.address), DIAL_MS)

    # Playing and gathering

    def _begin(self, line: Line, command: Play | Gather) -> None:
        key = operation_key(command)
        if key in self._operations or key in line.ended:
            return
        if line.state != "up":  # its timer is that of the ringing, and goes on
            line.forget_operation(key)
            self._emit(gathering.not_begun(command))
            return
        self._interrupt(line)
        line.operation = command
        self._operations[key] = line.channel_id
        match command:
            case Play():
                lasts = line.play(command.media, self._playback_ms, self._now)
                self._arm(line, None if command.loop else self._now + lasts)
            case Gather():
                self._gather(line, command)

    def _gather(self, line: Line, gather: Gather) -> None:
        if not gather.type_ahead:
            line.ahead = ""
        lasts = 0
        if not line.ahead:
            lasts = line.play(gather.media, self._playback_ms, self._now)
        self._arm(line, self._now + lasts + gather.first_digit_ms)
        while line.ahead and line.operation is gather:
            self._typed(line, gather, line.next_ahead())

    def _pressed(self, line: Line, key: str) -> None:
        if isinstance(line.operation, Gather):
            self._typed(line, line.operation, key)
        elif line.bridge_id is not None:
            self._emit(ChannelDigit(line.channel_id, key))
        else:
            line.type_ahead(key)

    def _typed(self, line: Line, gather: Gather, key: str) -> None:
        line.typed, over, wait_ms = gathering.typed(gather, line.typed, key)
        if over is None:
            self._arm(line, self._now + wait_ms)
        else:
            self._gather_over(line, gather, over)

    def _interrupt(self, line: Line) -> None:
        """End what plays or gathers, if anything does."""
        if line.operation is not None:
            self._emit(gathering.interrupted(line.operation, line.typed))
            self._operation_over(line, line.operation)

    def _playback_over(self, line: Line, playback: Play, reason: PlaybackReason) -> None:
        self._emit(PlaybackFinished(playback.playback_id, line.channel_id, reason))
        self._operation_over(line, playback)

    def _gather_over(self, line: Line, gather: Gather, reason: GatherReason) -> None:
        self._emit(GatherFinished(gather.gather_id, line.channel_id, line.typed, reason))
        self._operation_over(line, gather)

    def _operation_over(self, line: Line, operation: Play | Gather) -> None:
        key = operation_key(operation)
        self._arm(line, None)
        del self._operations[key]
        line.forget_operation(key)

    # Bridges

    def _move(self, line: Line, bridge_id: str | None) -> None:
        """Out of the bridge it is in, into this one."""
        left = line.bridge_id
        if left == bridge_id:
            return
        line.bridge_id = bridge_id
        if left is not None:
            del self._bridges[left][line.channel_id]
            self._mix(left)
        if bridge_id is not None:
            self._bridges.setdefault(bridge_id, {})[line.channel_id] = None
            self._mix(bridge_id)
        else:
            line.accompany((), self._now)

    def _mix(self, bridge_id: str) -> None:
        """Let everybody in a bridge hear who has come and gone; ringing channels hear nobody."""
        there = [self._lines[channel_id] for channel_id in self._bridges[bridge_id]]
        if not there:
            del self._bridges[bridge_id]
        speaking = [line for line in there if line.speaks]
        for line in there:
            if line.state == "up":
                others = (other.address for other in speaking if other is not line)
                line.accompany(tuple(others), self._now)

    def _mix_of(self, line: Line) -> None:
        """Let the bridge of a line hear that it is heard, or no longer."""
        if line.bridge_id is not None:
            self._mix(line.bridge_id)


def _trim(kept: OrderedDict[str, Any], at_most: int) -> None:
    """Forget the oldest."""
    while len(kept) > at_most:
        kept.popitem(last=False)


if TYPE_CHECKING:
    _phones_are_a_carrier: Callable[[OnEvent], Carrier] = Phones
