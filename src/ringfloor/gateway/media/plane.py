"""Plane: the sound of all calls, 20 ms by 20 ms.

Called by gateway.switch, on the loop's thread. It knows legs, bridges, playbacks and recordings by
their ids, and nothing of signalling.

Rules
* Nothing raises; a leg, playback or recording that is not there is left as it is.
* Events are handed out within tick only, before the sound of that tick is made: what the callback
  changes is heard in the same 20 ms.
* A leg that fails (a fault of ours, which its far end may have found) is silent from then on, and
  times out; the sound of all others goes on.
* A leg hears its playback, else those who are with it in its bridge, else its music, else silence.
* A leg that rings is heard in its bridge, as the tone that callers know.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ringfloor.base.limits import LATE_TICKS_MAX, LATE_TOLD_SECONDS
from ringfloor.gateway.media.g711 import FRAME_MS
from ringfloor.gateway.media.jitter import Piece as Coded
from ringfloor.gateway.media.mixing import Bridge, Party
from ringfloor.gateway.media.player import Player
from ringfloor.gateway.media.recorder import Begun, Broken, Over, Recorder
from ringfloor.gateway.media.sounds import Clip, Sounds
from ringfloor.telephony.commands import BridgeRole, Sides
from ringfloor.telephony.events import Quality

log = logging.getLogger(__name__)

_FAILED = "the sound of %s has failed"


class Digit(NamedTuple):
    """A key of the far end, once it is over."""

    leg_id: str
    key: str
    duration_ms: int


class PlaybackOver(NamedTuple):
    """eof: heard to its end; failed: there is no such leg."""

    leg_id: str
    playback_id: str
    reason: Literal["eof", "failed"]


class MediaTimeout(NamedTuple):
    """Nothing has come from a leg that is listened to for too long; told once."""

    leg_id: str


class FirstSound(NamedTuple):
    """The first sound has come from a leg, listened to or not."""

    leg_id: str


class RecordingBegun(NamedTuple):
    """Its file is open."""

    recording_id: str


class RecordingOver(NamedTuple):
    """Its file is there, complete."""

    recording_id: str
    path: Path
    duration_ms: int


class RecordingBroken(NamedTuple):
    """It has ended, or not begun; what had been written is kept if the disk lets us."""

    recording_id: str
    reason: str


PlaneEvent = (
    Digit
    | PlaybackOver
    | MediaTimeout
    | FirstSound
    | RecordingBegun
    | RecordingOver
    | RecordingBroken
)


class Key(Protocol):
    """What a leg tells of a key."""

    @property
    def key(self) -> str: ...
    @property
    def duration_ms(self) -> int: ...


class Leg(Protocol):
    """What the plane needs of a leg (gateway.media.leg); now: milliseconds, monotonic."""

    @property
    def leg_id(self) -> str: ...
    def receive(self, now: int) -> None: ...
    def hear(self, now: int) -> bytes | None: ...
    @property
    def coded(self) -> Coded | None: ...
    def digits(self, now: int) -> Sequence[Key]: ...
    def say(self, pcm: bytes | None, now: int, coded: Coded | None = None) -> None: ...
    def press(self, digits: str) -> None: ...
    def idle_ms(self, now: int) -> int: ...
    def quality(self) -> Quality: ...
    def close(self) -> None: ...


class _Failed:
    """In place of a leg that has failed: nothing is heard of it, and nothing is said to it."""

    coded = None

    def __init__(self, leg: Leg) -> None:
        self.leg_id = leg.leg_id
        self.quality = leg.quality
        self.close = leg.close

    def receive(self, now: int) -> None: ...
    def hear(self, now: int) -> None: ...
    def say(self, pcm: bytes | None, now: int, coded: Coded | None = None) -> None: ...
    def press(self, digits: str) -> None: ...

    def digits(self, now: int) -> Sequence[Key]:  # noqa: ARG002  it has none
        return ()

    def idle_ms(self, now: int) -> int:  # noqa: ARG002  its end is told already
        return 0


class _Line(Party):
    """A leg, what it plays, and where it is."""

    __slots__ = (
        "bridge_id",
        "leg",
        "listened_since",
        "listening",
        "music",
        "muted",
        "playback_id",
        "player",
        "ring",
        "sounded",
        "timed_out",
    )

    def __init__(self, leg: Leg) -> None:
        super().__init__(leg.leg_id)
        self.leg = leg
        self.listening = False
        self.listened_since: int | None = None
        """None: the next tick will tell."""
        self.muted = False
        self.sounded = False
        self.timed_out = False
        self.player: Player | None = None
        self.playback_id = ""
        self.music: Player | None = None
        self.ring: Player | None = None
        """What others hear while it rings."""
        self.bridge_id: str | None = None

    def frame(self) -> bytes | None:
        """What its far end hears now."""
        if self.player is not None:
            return self.player.frame()
        if self.accompanied:
            return self.hears
        return None if self.music is None else self.music.frame()


class _Recorded(NamedTuple):
    """What a recording records."""

    bridge_id: str
    right: str
    sides: Sides


class Plane:
    """All legs of this gateway, and what they hear."""

    def __init__(
        self,
        on_event: Callable[[PlaneEvent, int], None],
        *,
        sounds: Sounds,
        media_timeout_ms: int,
        spool: Path,
    ) -> None:
        """The spool is made if it is not there; nothing else is done with it."""
        spool.mkdir(parents=True, exist_ok=True)
        self._on_event = on_event
        self._sounds = sounds
        self._media_timeout_ms = media_timeout_ms
        self._lines: dict[str, _Line] = {}
        self._bridges: dict[str, Bridge] = {}
        self._recorder = Recorder()
        self._recorded: dict[str, _Recorded] = {}
        self._failed: list[PlaneEvent] = []

    # Legs

    def add(self, leg: Leg) -> None:
        """Take a leg; its packets are received from now on, its sound from listening on.

        Another one of its id is dropped.
        """
        known = self._lines.get(leg.leg_id)
        if known is None or known.leg is not leg:
            self.drop(leg.leg_id)
            self._lines[leg.leg_id] = _Line(leg)

    def drop(self, leg_id: str) -> None:
        """Close a leg and forget all about it; its playback ends without an event."""
        line = self._lines.pop(leg_id, None)
        if line is not None:
            if line.bridge_id is not None:
                self._take_out(line, line.bridge_id)
            line.leg.close()

    def listening(self, leg_id: str, yes: bool) -> None:
        """Whether the far end is heard and spoken to (at first: no).

        While it is not, nothing is sent, keys are lost, and there is no MediaTimeout.
        """
        line = self._lines.get(leg_id)
        if line is not None and line.listening != yes:
            line.listening = yes
            line.listened_since = None
            line.timed_out = False
            line.says = line.ring = None

    def rings(self, leg_id: str) -> None:
        """Whoever is in its bridge hears that it rings, until the far end itself is heard."""
        line = self._lines.get(leg_id)
        if line is not None and not line.listening:
            line.ring = Player((self._sounds.ringback(),), loop=True)

    def mute(self, leg_id: str, muted: bool) -> None:
        """Whether nobody in its bridge hears it, nor a recording."""
        if leg_id in self._lines:
            self._lines[leg_id].muted = muted

    def press(self, leg_id: str, digits: str) -> None:
        """Press keys towards the far end; "," is a pause."""
        if leg_id in self._lines:
            self._lines[leg_id].leg.press(digits)

    def quality(self, leg_id: str) -> Quality | None:
        """How a leg sounded so far; None: it is not there. Ask before drop."""
        line = self._lines.get(leg_id)
        return None if line is None else line.leg.quality()

    # What one leg hears

    def play(
        self, leg_id: str, playback_id: str, clips: Sequence[Clip], loop: bool = False
    ) -> None:
        """Play clips without a gap; what played there before ends without an event.

        PlaybackOver follows unless it is stopped, or another takes its place. It goes on while
        the far end is not listened to. Given again while it plays, it plays on.
        """
        line = self._lines.get(leg_id)
        if line is None:
            self._failed.append(PlaybackOver(leg_id, playback_id, "failed"))
        elif line.player is None or line.playback_id != playback_id:
            line.player, line.playback_id = Player(clips, loop), playback_id

    def stop(self, leg_id: str, playback_id: str) -> None:
        """End that playback, without an event."""
        line = self._lines.get(leg_id)
        if line is not None and line.playback_id == playback_id:
            line.player = None

    def music(self, leg_id: str, clips: Sequence[Clip] | None) -> None:
        """Music underneath until None; (): our own. The same again goes on where it is."""
        line = self._lines.get(leg_id)
        if line is None:
            return
        if clips is None:
            line.music = None
        else:
            wanted = tuple(clips) or (self._sounds.music(),)
            if line.music is None or line.music.clips != wanted:
                line.music = Player(wanted, loop=True)

    # Bridges

    def join(
        self, bridge_id: str, leg_id: str, role: BridgeRole = "participant", whisper_to: str = ""
    ) -> None:
        """Put a leg into a bridge (made if new), out of its former; or give it another role."""
        line = self._lines.get(leg_id)
        if line is None:
            return
        if line.bridge_id is not None and line.bridge_id != bridge_id:
            self._take_out(line, line.bridge_id)
        line.bridge_id = bridge_id
        self._bridges.setdefault(bridge_id, Bridge()).put(line, role, whisper_to)

    def leave(self, bridge_id: str, leg_id: str) -> None:
        """Take a leg out of that bridge, if it is in it."""
        line = self._lines.get(leg_id)
        if line is not None and line.bridge_id == bridge_id:
            self._take_out(line, bridge_id)

    def _take_out(self, line: _Line, bridge_id: str) -> None:
        line.bridge_id = None
        bridge = self._bridges[bridge_id]
        bridge.remove(line.leg_id)
        if not bridge.parties:
            del self._bridges[bridge_id]

    # Recordings

    def record(
        self, recording_id: str, bridge_id: str, right: str, path: Path, sides: Sides = "both"
    ) -> None:
        """Record a bridge, there or not, into the file recorder.spooled(spool, name).

        right: the leg on the right; left are all other participants, who whisper are not recorded.
        RecordingBegun or RecordingBroken follows. Under way it is not begun again.
        """
        if recording_id not in self._recorded:
            self._recorded[recording_id] = _Recorded(bridge_id, right, sides)
            self._recorder.begin(recording_id, path)

    def pause(self, recording_id: str) -> None:
        """Silence, from now on."""
        self._recorder.pause(recording_id, paused=True)

    def resume(self, recording_id: str) -> None:
        """What is said again."""
        self._recorder.pause(recording_id, paused=False)

    def stop_recording(self, recording_id: str) -> None:
        """End it; RecordingOver follows when its file is there, or RecordingBroken."""
        self._recorded.pop(recording_id, None)
        self._recorder.end(recording_id)

    # Time

    def tick(self, now: int) -> None:
        """20 ms of everything. now: milliseconds, monotonic."""
        for event in self._heard(now) + self._written():
            if self._stands(event):
                self._on_event(event, now)
        for bridge in self._bridges.values():
            bridge.mix()
        for recording_id, recorded in self._recorded.items():
            sides = self._said(recorded)
            self._recorder.add(recording_id, *sides, now)
        for line in self._lines.values():
            frame = line.frame()
            if line.listening:
                partner = line.partner
                try:
                    if isinstance(partner, _Line) and frame is partner.says:
                        line.leg.say(frame, now, partner.leg.coded)
                    else:
                        line.leg.say(frame, now)
                except Exception:  # whatever is wrong with one leg, the others are heard
                    log.exception(_FAILED, line.leg_id)
                    self._fail(line)

    def _heard(self, now: int) -> list[PlaneEvent]:
        """Take in what has come from all far ends, and tell what it means."""
        told, self._failed = self._failed, []
        for leg_id, line in self._lines.items():
            leg = line.leg
            try:
                leg.receive(now)
                frame, keys = leg.hear(now), leg.digits(now)
            except Exception:  # whatever is wrong with one leg, the others are heard
                log.exception(_FAILED, leg_id)
                self._fail(line)
                continue
            if frame is not None and not line.sounded:
                line.sounded = True
                told.append(FirstSound(leg_id))
            if line.listening:
                line.says = None if line.muted else frame
                if keys:
                    told += [Digit(leg_id, each.key, each.duration_ms) for each in keys]
                if self._too_silent(line, now):
                    line.timed_out = True
                    told.append(MediaTimeout(leg_id))
            elif line.ring is not None:
                line.says = line.ring.frame()
            if line.player is not None and line.player.over:
                told.append(PlaybackOver(leg_id, line.playback_id, "eof"))
        return told

    def _fail(self, line: _Line) -> None:
        """Nothing is asked of its leg any more."""
        line.leg, line.says, line.timed_out = _Failed(line.leg), None, True
        self._failed.append(MediaTimeout(line.leg_id))

    def _too_silent(self, line: _Line, now: int) -> bool:
        if line.listened_since is None:
            line.listened_since = now
        bound = self._media_timeout_ms
        return (
            now - line.listened_since >= bound
            and not line.timed_out
            and line.leg.idle_ms(now) >= bound
        )

    def _written(self) -> list[PlaneEvent]:
        """What has become of files."""
        told: list[PlaneEvent] = []
        for each in self._recorder.results():
            match each:
                case Begun(recording_id):
                    told.append(RecordingBegun(recording_id))
                case Over(recording_id, path, duration_ms):
                    told.append(RecordingOver(recording_id, path, duration_ms))
                case Broken(recording_id, reason):
                    self._recorded.pop(recording_id, None)
                    told.append(RecordingBroken(recording_id, reason))
        return told

    def _stands(self, event: PlaneEvent) -> bool:
        """Whether it is still so after what was done about the events before it."""
        match event:
            case PlaybackOver(reason="eof"):
                line = self._lines.get(event.leg_id)
                if line is None or line.player is None or line.playback_id != event.playback_id:
                    return False
                line.player = None
                return True
            case Digit() | MediaTimeout() | FirstSound():
                return event.leg_id in self._lines
            case _:
                return True

    def _said(self, recorded: _Recorded) -> tuple[bytes | None, bytes | None]:
        bridge = self._bridges.get(recorded.bridge_id)
        if bridge is None:
            return None, None
        return bridge.recorded(recorded.right, recorded.sides)

    def close(self) -> None:
        """Close all legs, end all recordings, and wait for their files for a while."""
        for leg_id in list(self._lines):
            self.drop(leg_id)
        self._recorded.clear()
        self._recorder.close()


_SWITCH_SECONDS = 0.000_2
"""Python's own are 5 ms, a quarter of a tick for each packet while another thread is busy."""


class Pacer:
    """Calls tick each 20 ms of the loop's clock, without drift.

    tick is told when it was due, not when it is called. A loop that was away calls what it has
    missed at once; if that is too much, the oldest ticks are left out and counted. Each packet that
    is sent lets other threads have the interpreter; while it paces they must give it back soon.
    """

    def __init__(self, tick: Callable[[int], None]) -> None:
        self._tick = tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begun_at = 0.0
        self._ticks = 0
        self._worst = 0.0
        self._switch_seconds = 0.0
        self.skipped = 0
        """Ticks that were left out."""
        self._told_at = -float(LATE_TOLD_SECONDS)
        """When the log was last told so, on the loop's clock."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, with a tick as soon as the loop runs."""
        self._loop, self._begun_at, self._ticks = loop, loop.time(), 0
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._await()

    def stop(self) -> None:
        """Call nothing any more."""
        if self._timer is not None and self._loop is not None:
            self._timer.cancel()
            sys.setswitchinterval(self._switch_seconds)
        self._loop = None

    def lateness(self) -> float:
        """By how many ms a tick was late at worst since this was last asked."""
        worst, self._worst = self._worst, 0.0
        return worst * 1_000

    def _await(self) -> None:
        if self._loop is not None:
            self._timer = self._loop.call_at(self._due(), self._run)

    def _due(self) -> float:
        return self._begun_at + self._ticks * FRAME_MS / 1_000

    def _run(self) -> None:
        if self._loop is None:
            return
        late = self._loop.time() - self._due()
        self._worst = max(self._worst, late)
        missed = int(late * 1_000) // FRAME_MS
        if missed > LATE_TICKS_MAX:
            self._ticks += missed
            self.skipped += missed
            if self._loop.time() >= self._told_at + LATE_TOLD_SECONDS:
                self._told_at = self._loop.time()
                log.warning(
                    "the sound of all calls stood still for %d ms: the machine has too much to do,"
                    " or the gateway carries too many calls",
                    missed * FRAME_MS,
                )
        due_ms = round(self._due() * 1_000)
        self._ticks += 1
        self._await()  # first, so that a tick that fails is not the last
        self._tick(due_ms)
