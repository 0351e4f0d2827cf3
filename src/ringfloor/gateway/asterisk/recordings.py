"""Recordings: two ears on the agent's channel, put together as one stereo file.

gateway.asterisk.carrier asks. Asterisk records a bridge in mono only; but whoever listens at one
channel can tell what it says (the right side) from what it hears (everybody else, the left side).
So each recording has two snoop channels, each recorded to a file of Asterisk's; when both are over
they are joined to the file that the contract promises.
"""

import asyncio
import os
import wave
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct, field

from ringfloor.base.ids import chance
from ringfloor.base.limits import CHANNELS_ENDED_MAX
from ringfloor.base.time import SECOND
from ringfloor.gateway.asterisk.ari import Answer, Ari, path
from ringfloor.gateway.media.g711 import stereo
from ringfloor.telephony.commands import (
    PauseRecording,
    RecordingCommand,
    ResumeRecording,
    Sides,
    StartRecording,
    StopRecording,
)
from ringfloor.telephony.events import (
    RecordingEvent,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
)

Side = Literal["left", "right"]

SPIES: dict[Side, str] = {"right": "in", "left": "out"}
"""Which direction of the channel each side listens to."""


class _Recording(Struct):
    recording_id: str
    name: str
    sides: Sides
    life: str
    """Of this gateway: files and channels that one before it has left are not taken for ours."""
    number: int
    state: Literal["beginning", "going", "stopping"] = "beginning"
    started: bool = False
    paused: bool = False
    failed: str = ""
    going: set[Side] = field(default_factory=set)
    """What Asterisk records now."""

    def ari_id(self, side: Side) -> str:
        return f"recording-{self.life}-{self.number}-{side}"


class Recordings:
    """The recordings that go on; emit is told what comes of them."""

    def __init__(
        self,
        ari: Ari,
        application: str,
        theirs: Path,
        spool: Path,
        emit: Callable[[RecordingEvent], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        """theirs: where Asterisk puts its recordings, as we see it."""
        self._ari, self._application = ari, application
        self._theirs, self._spool, self._emit, self._spawn = theirs, spool, emit, spawn
        self._going: dict[str, _Recording] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._life = chance().hex()[:8]
        self._number = 0

    def perform(self, command: RecordingCommand, channel: str | None) -> None:
        """channel: Asterisk's name of the one on the right; None: it is not there."""
        recording = self._going.get(command.recording_id)
        match command:
            case StartRecording():
                if recording is None and command.recording_id not in self._over:
                    self._begin(command, channel)
            case PauseRecording() | ResumeRecording() if recording is not None:
                recording.paused = isinstance(command, PauseRecording)
                for side in recording.going:
                    self._hush(recording, side)
            case StopRecording() if recording is not None:
                recording.state = "stopping"
                for side in list(recording.going):
                    name = recording.ari_id(side)
                    self._ari.ask("POST", f"recordings/live/{name}/stop")
                self._perhaps_over(recording)
            case _:
                pass

    def owns(self, ari_id: str) -> bool:
        """Whether a channel is one of those that listen for recordings."""
        return ari_id.startswith("recording-")

    def entered(self, ari_id: str) -> None:
        """A listening channel has come into our application: let it be recorded."""
        found = self._find(ari_id)
        if found is None:
            self._ari.ask("DELETE", path("channels", ari_id))
            return
        recording, side = found
        query = {"name": ari_id, "format": "wav", "ifExists": "overwrite"}
        self._ari.ask(
            "POST",
            path("channels", ari_id, "record"),
            query,
            lambda answer: self._begun(recording, side, answer),
        )

    def told(self, name: str, *, failed: bool) -> None:
        """Asterisk has finished a recording, or failed to record."""
        found = self._find(name)
        if found is not None:
            recording, side = found
            recording.going.discard(side)
            if failed:
                recording.failed = recording.failed or "Asterisk cannot write it"
            self._ari.ask("DELETE", path("channels", name))
            self._perhaps_over(recording)

    def lost(self) -> None:
        """Asterisk is away: what went on is over."""
        for recording in list(self._going.values()):
            recording.failed = "Asterisk has gone"
            recording.going.clear()
            recording.state = "stopping"
            self._perhaps_over(recording)

    def _begin(self, command: StartRecording, channel: str | None) -> None:
        self._number += 1
        recording = _Recording(
            command.recording_id, command.name, command.sides, self._life, self._number
        )
        self._going[command.recording_id] = recording
        if channel is None or not self._ari.up:
            recording.failed, recording.state = "its channel is not there", "stopping"
            self._perhaps_over(recording)
            return
        for side, spy in SPIES.items():
            if command.sides in ("both", side):
                recording.going.add(side)
                query = {
                    "spy": spy,
                    "app": self._application,
                    "snoopId": recording.ari_id(side),
                }
                self._ari.ask(
                    "POST",
                    path("channels", channel, "snoop"),
                    query,
                    lambda answer, side=side: self._listens(recording, side, answer),  # type: ignore[misc]  # its own side
                )

    def _listens(self, recording: _Recording, side: Side, answer: Answer) -> None:
        if not answer.done:
            self._broken(recording, side, "its channel cannot be listened to")

    def _begun(self, recording: _Recording, side: Side, answer: Answer) -> None:
        if not answer.done:
            self._broken(recording, side, "Asterisk does not record it")
            return
        if not recording.started:
            recording.started = True
            self._emit(RecordingStarted(recording.recording_id))
        if recording.state == "stopping":
            self._ari.ask("POST", f"recordings/live/{recording.ari_id(side)}/stop")
        else:
            recording.state = "going"
            if recording.paused:
                self._hush(recording, side)

    def _broken(self, recording: _Recording, side: Side, reason: str) -> None:
        recording.failed = recording.failed or reason
        recording.going.discard(side)
        recording.state = "stopping"
        self._perhaps_over(recording)

    def _hush(self, recording: _Recording, side: Side) -> None:
        """Silence in the file, or no longer."""
        method = "POST" if recording.paused else "DELETE"
        self._ari.ask(method, f"recordings/live/{recording.ari_id(side)}/mute")

    def _find(self, ari_id: str) -> tuple[_Recording, Side] | None:
        for recording in self._going.values():
            for side in SPIES:
                if recording.ari_id(side) == ari_id:
                    return recording, side
        return None

    def _perhaps_over(self, recording: _Recording) -> None:
        if recording.state != "stopping" or recording.going:
            return
        if self._going.pop(recording.recording_id, None) is None:
            return
        self._over[recording.recording_id] = None
        while len(self._over) > CHANNELS_ENDED_MAX:
            self._over.popitem(last=False)
        if recording.failed:
            self._emit(RecordingFailed(recording.recording_id, recording.failed))
        else:
            self._spawn(self._join(recording))

    async def _join(self, recording: _Recording) -> None:
        sides = {side: self._theirs / f"{recording.ari_id(side)}.wav" for side in SPIES}
        target = self._spool / quote(recording.name, safe="")
        try:
            lasts = await asyncio.to_thread(
                joined, sides["left"], sides["right"], recording.sides, target
            )
        except (OSError, EOFError, wave.Error) as error:
            self._emit(RecordingFailed(recording.recording_id, str(error)))
            return
        self._emit(RecordingFinished(recording.recording_id, recording.name, lasts))


def joined(left: Path, right: Path, sides: Sides, target: Path) -> int:
    """Make one stereo file of two; their lengths differ by little. Answers its length, ms."""
    sounds = {
        side: _pcm(file) if sides in ("both", side) else b""
        for side, file in (("left", left), ("right", right))
    }
    size = max(len(sound) for sound in sounds.values())
    both = stereo(sounds["left"].ljust(size, b"\0"), sounds["right"].ljust(size, b"\0"))
    part = target.with_name(target.name + ".part")
    with part.open("wb") as raw, wave.open(raw, "wb") as out:
        out.setparams((2, 2, 8_000, 0, "NONE", "NONE"))
        out.writeframes(both)
        raw.flush()
        os.fsync(raw.fileno())
    part.rename(target)
    for file in (left, right):
        file.unlink(missing_ok=True)
    return size // 2 * SECOND // 8_000


def _pcm(file: Path) -> bytes:
    with wave.open(str(file), "rb") as read:
        return read.readframes(read.getnframes())
