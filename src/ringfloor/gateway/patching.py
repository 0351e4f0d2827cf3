"""Patching: which circuits of a switch hear each other, and what is recorded of it.

Part of gateway.switch. The plane mixes and records; here stands who is where, and which recordings
there have been.
"""

from collections import OrderedDict

from ringfloor.base.limits import CHANNELS_ENDED_MAX
from ringfloor.gateway.media.plane import RecordingBegun, RecordingBroken, RecordingOver
from ringfloor.gateway.media.recorder import spooled
from ringfloor.gateway.switchboard import Circuit, Plant, Switchboard, trim
from ringfloor.telephony.commands import (
    AddToBridge,
    BridgeRole,
    PauseRecording,
    RecordingCommand,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from ringfloor.telephony.events import RecordingFailed, RecordingFinished, RecordingStarted


class Patching:
    """See above."""

    def __init__(self, board: Switchboard, plant: Plant) -> None:
        self._board = board
        self._plane = plant.plane
        self._spool = plant.spool
        self._bridges: dict[str, dict[str, BridgeRole]] = {}
        """Channels of each bridge in the order they came; a bridge is here while it has any."""
        self._recordings: dict[str, str] = {}
        """Names of those that go on, or whose file is still being finished."""
        self._recorded: OrderedDict[str, None] = OrderedDict()
        """Those that are over."""

    # Bridges

    def add(self, circuit: Circuit, command: AddToBridge) -> None:
        if circuit.bridge_id != command.bridge_id:
            self.leave(circuit)
            circuit.bridge_id = command.bridge_id
        self._bridges.setdefault(command.bridge_id, {})[circuit.channel_id] = command.role
        self._plane.join(command.bridge_id, circuit.channel_id, command.role, command.whisper_to)

    def leave(self, circuit: Circuit) -> None:
        """Out of the bridge it is in, if it is in one."""
        left = circuit.bridge_id
        if left is None:
            return
        circuit.bridge_id = None
        self._plane.leave(left, circuit.channel_id)
        del self._bridges[left][circuit.channel_id]
        if not self._bridges[left]:
            del self._bridges[left]

    def destroy(self, bridge_id: str) -> None:
        """Everybody out."""
        for channel_id in list(self._bridges.get(bridge_id, ())):
            self.leave(self._board.circuits[channel_id])

    def press(self, circuit: Circuit, key: str) -> None:
        """A key that was pressed in a bridge is pressed towards everybody who talks there."""
        there = self._bridges[circuit.bridge_id or ""]
        if circuit.muted or there[circuit.channel_id] != "participant":
            return
        for channel_id, role in there.items():
            other = self._board.circuits[channel_id]
            if other is not circuit and role == "participant" and other.state == "up":
                self._plane.press(channel_id, key)

    def mute(self, circuit: Circuit, muted: bool) -> None:
        circuit.muted = muted
        self._plane.mute(circuit.channel_id, muted)

    # Recordings

    def record(self, command: RecordingCommand) -> None:
        """Do what is asked of a recording; a stop of one that is not here is told as failed."""
        name = command.recording_id
        match command:
            case StartRecording():
                self._start(command)
            case PauseRecording():
                self._plane.pause(name)
            case ResumeRecording():
                self._plane.resume(name)
            case StopRecording():
                if name in self._recordings:
                    self._plane.stop_recording(name)
                elif name not in self._recorded:  # it ended with the gateway that was here before
                    self._is_over(name)
                    self._board.tell(RecordingFailed(name, "no such recording is under way"))

    def _start(self, command: StartRecording) -> None:
        name = command.recording_id
        if name in self._recordings or name in self._recorded:
            return
        self._recordings[name] = command.name
        path = spooled(self._spool, command.name)
        self._plane.record(name, command.bridge_id, command.right, path, command.sides)

    def recorded(self, told: RecordingBegun | RecordingOver | RecordingBroken) -> None:
        """What the plane tells of a recording."""
        name = told.recording_id
        if name not in self._recordings:
            return
        match told:
            case RecordingBegun():
                self._board.tell(RecordingStarted(name))
            case RecordingOver():
                file = self._recordings[name]
                self._is_over(name)
                self._board.tell(RecordingFinished(name, file, told.duration_ms))
            case RecordingBroken():
                self._is_over(name)
                self._board.tell(RecordingFailed(name, told.reason))

    def _is_over(self, name: str) -> None:
        self._recordings.pop(name, None)
        self._recorded[name] = None
        trim(self._recorded, CHANNELS_ENDED_MAX)
