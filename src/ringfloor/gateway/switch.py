"""Switch: the embedded carrier, calls over SIP and in browsers with the sound made here.

gateway.embedded builds it, gateway.host drives it; see telephony.carrier for what perform, run_due
and the others promise. It owns no socket, no thread and no clock: sound is the plane's, dialogs are
signalling's, browsers come in by their edge, and what takes time (sounds, browsers) runs in tasks
that spawn is given.

Rules
* One thread: that of the loop. Signals and the plane's events are taken by signal and sound, and
  wait, as the ends of tasks do, until run_due or perform comes; wake asks for that.
* A Play waits for its sound; StopPlayback, another Play or the hang-up end it meanwhile.
* A far end that puts us on hold is neither heard nor spoken to (its leg does that): others in the
  bridge hear silence of it.
* A key that nobody gathers is pressed on, towards all others who talk in the bridge.
* All that is remembered is bounded (base.limits, Telephony).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from ringfloor.base.time import Instant
from ringfloor.gateway.calling import Calling
from ringfloor.gateway.media.plane import (
    Digit,
    FirstSound,
    MediaTimeout,
    PlaneEvent,
    PlaybackOver,
    RecordingBegun,
    RecordingBroken,
    RecordingOver,
)
from ringfloor.gateway.patching import Patching
from ringfloor.gateway.playing import Playing
from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Invited,
    Progresses,
    Registered,
    Reoffered,
    Rings,
    Signal,
    TransferAsked,
    Unregistered,
)
from ringfloor.gateway.switchboard import Circuit, Plant, Switchboard
from ringfloor.telephony.carrier import Carrier, Channel, OnEvent
from ringfloor.telephony.commands import (
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
    ChannelAnswered,
    ChannelTransferRequested,
    EndpointRegistered,
    EndpointUnregistered,
)


class Switch:
    """The carrier. Signals are given to signal, the plane's events to sound."""

    def __init__(self, on_event: OnEvent, plant: Plant) -> None:
        self._on_event = on_event
        self._delivering = False
        self._board = Switchboard(plant.wake)
        self._playing = Playing(self._board, plant)
        self._patching = Patching(self._board, plant)
        self._calling = Calling(self._board, plant, self._playing, self._patching)

    # What comes from outside

    def signal(self, told: Signal, now: Instant) -> None:
        """Signalling tells; heeded by the next run_due or perform."""
        self._board.post(lambda: self._signalled(told), now)

    def sound(self, told: PlaneEvent, now: Instant) -> None:
        """The plane tells; heeded by the next run_due or perform."""
        self._board.post(lambda: self._sounded(told), now)

    def lost(self, leg_id: str, now: Instant) -> None:
        """The edge tells that a leg has lost its browser; heeded likewise."""

        def act() -> None:
            circuit = self._board.circuits.get(leg_id)
            if circuit is not None:
                self._calling.lost(circuit)

        self._board.post(act, now)

    # The carrier

    def next_due(self) -> Instant | None:
        return self._board.next_due()

    def run_due(self, now: Instant) -> None:
        assert not self._delivering, "run_due was called out of the callback"
        self._delivering = True
        try:
            going = True
            while going:
                told = self._board.told()
                if told is not None:
                    self._on_event(*told)
                else:
                    going = self._board.go_on(now, self._rung)
        finally:
            self._delivering = False
        self._board.pass_to(now)

    def channels(self) -> list[Channel]:
        return [circuit.channel() for circuit in self._board.circuits.values()]

    def adopt(self, channels: Sequence[Channel], now: Instant) -> None:
        """Compare: what is not here has ended, what was answered meanwhile is told as answered."""
        self._catch_up(now)
        for channel in channels:
            circuit = self._board.circuits.get(channel.channel_id)
            if circuit is None:
                self._board.gone_again(channel.channel_id)
            elif circuit.state == "up" and channel.state == "ringing":
                self._board.tell(ChannelAnswered(channel.channel_id))

    def perform(self, command: Command, now: Instant) -> None:
        self._catch_up(now)
        match command:
            case Originate():
                self._calling.originate(command)
            case StopPlayback() | StopGather():
                self._playing.stop(command)
            case CreateBridge():
                pass  # a bridge is nothing but the channels in it
            case DestroyBridge():
                self._patching.destroy(command.bridge_id)
            case StartRecording() | PauseRecording() | ResumeRecording() | StopRecording():
                self._patching.record(command)
            case _:
                circuit = self._board.circuits.get(command.channel_id)
                if circuit is not None:
                    self._perform_on(circuit, command)
                else:
                    self._gone(command)

    def _gone(self, command: ChannelCommand) -> None:
        """A command for a channel that is not here."""
        known = self._board.has_ended(command.channel_id)
        if isinstance(command, AttachWebRtc) and not known:
            self._calling.refuse_offer(command, "no such channel")
        self._board.gone(command.channel_id)

    def _perform_on(self, circuit: Circuit, command: ChannelCommand) -> None:
        match command:
            case Answer():
                self._calling.answer(circuit)
            case Ring():
                self._calling.ring(circuit)
            case Progress():
                self._calling.progress(circuit)
            case Redirect():
                self._calling.redirect(circuit, command)
            case AttachWebRtc():
                self._calling.attach(circuit, command)
            case HangUp():
                self._calling.hang_up(circuit, command)
            case Play() | Gather():
                self._playing.begin(circuit, command)
            case StartMusic():
                self._playing.music(circuit, command.media)
            case StopMusic():
                self._playing.music(circuit, None)
            case SendDigits():
                self._playing.press(circuit, command)
            case _:
                self._place(circuit, command)

    def _place(
        self, circuit: Circuit, command: Mute | Unmute | AddToBridge | RemoveFromBridge
    ) -> None:
        match command:
            case Mute() | Unmute():
                self._patching.mute(circuit, isinstance(command, Mute))
            case AddToBridge():
                self._patching.add(circuit, command)
            case RemoveFromBridge():
                if circuit.bridge_id == command.bridge_id:
                    self._patching.leave(circuit)
            case _:
                assert_never(command)

    # Time

    def _catch_up(self, now: Instant) -> None:
        """Let happen what was due by now; its events wait in the queue."""
        while self._board.go_on(now, self._rung):
            pass
        self._board.pass_to(now)

    def _rung(self, circuit: Circuit) -> None:
        """The timer of a circuit: of a gathering if there is one, else of its ringing."""
        if isinstance(circuit.operation, Gather):
            self._playing.too_late(circuit, circuit.operation)
        else:
            self._calling.rang_too_long(circuit)

    # Signals and sounds

    def _signalled(self, told: Signal) -> None:
        match told:
            case Invited():
                self._calling.invited(told)
            case Registered():
                self._board.tell(EndpointRegistered(told.number))
            case Unregistered():
                self._board.tell(EndpointUnregistered(told.number))
            case _:
                circuit = self._board.circuits.get(told.leg_id)
                if circuit is not None:
                    self._signalled_of(circuit, told)

    def _signalled_of(
        self,
        circuit: Circuit,
        told: Rings | Progresses | Accepted | Reoffered | Ended | TransferAsked,
    ) -> None:
        match told:
            case Rings():
                self._calling.rings(circuit)
            case Progresses():
                self._calling.progresses(circuit, told)
            case Accepted():
                self._calling.accepted(circuit, told)
            case Reoffered():
                self._calling.reoffered(circuit, told)
            case Ended():
                self._calling.ended(circuit, told)
            case TransferAsked():
                event = ChannelTransferRequested(circuit.channel_id, told.refer_to)
                self._board.tell(event)
            case _:
                assert_never(told)

    def _sounded(self, told: PlaneEvent) -> None:
        match told:
            case RecordingBegun() | RecordingOver() | RecordingBroken():
                self._patching.recorded(told)
            case _:
                circuit = self._board.circuits.get(told.leg_id)
                if circuit is not None:
                    self._sounded_of(circuit, told)

    def _sounded_of(
        self, circuit: Circuit, told: Digit | PlaybackOver | MediaTimeout | FirstSound
    ) -> None:
        match told:
            case Digit():
                if self._playing.pressed(circuit, told.key):
                    self._patching.press(circuit, told.key)
            case PlaybackOver():
                self._playing.played(circuit, told)
            case MediaTimeout():
                self._calling.fell_silent(circuit)
            case FirstSound():
                self._calling.heard(circuit)
            case _:
                assert_never(told)


if TYPE_CHECKING:

    def _switch_is_a_carrier(switch: Switch) -> Carrier:
        return switch
