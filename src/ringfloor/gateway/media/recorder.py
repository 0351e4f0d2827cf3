"""Recorder: what is said in bridges, as stereo WAV files, written by one thread of its own.

Called by gateway.media.plane. In the spool:

    <quoted name>.part    under way: a header that is not right yet, then sound
    <quoted name>         finished: its header is right, it is on the disk and never changes again

Rules
* The tick never waits for the disk. When the disk fails or falls too far behind, a recording is
  broken, which its call does not notice; what was written is kept as a shorter recording.
* A recording lasts as long as the clock says: ticks that were left out are silence.
* Nothing that is there is overwritten.
* A .part file that a killed predecessor left is made readable by rescue.
"""

import logging
import os
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from typing_extensions import override

from ringfloor.base import wav
from ringfloor.base.limits import (
    RECORDER_BACKLOG_MAX,
    RECORDER_CLOSE_SECONDS,
    RECORDING_SECONDS_MAX,
)
from ringfloor.gateway.media import g711

log = logging.getLogger(__name__)

PART = ".part"
"""What the name of a recording under way ends with."""

CHANNELS = 2

_FRAMES = 50
"""That are handed to the thread at once: a second."""

_FRAMES_MAX = RECORDING_SECONDS_MAX * 1_000 // g711.FRAME_MS

_MISSED_MAX = 3_000
"""Frames of silence made in one tick at most: a minute in which nothing ran."""


class Begun(NamedTuple):
    """The file is open."""

    recording_id: str


class Over(NamedTuple):
    """The file is finished."""

    recording_id: str
    path: Path
    duration_ms: int


class Broken(NamedTuple):
    """There is no file, or a shorter one."""

    recording_id: str
    reason: str


Result = Begun | Over | Broken


def spooled(spool: Path, name: str) -> Path:
    """Where a recording of that name (a storage key) stands once it is finished."""
    return spool / quote(name, safe="")


def rescue(spool: Path) -> list[Path]:
    """Finish what a killed predecessor left under way; answers the files that are new.

    What has no sound in it is removed. What cannot be finished stays, and is logged.
    """
    rescued = []
    for part in sorted(spool.glob("*" + PART)):
        try:
            rescued += _rescued(part)
        except OSError as error:
            log.warning("a recording that was left cannot be finished: %s", error)
    return rescued


def _rescued(part: Path) -> list[Path]:
    sound = part.stat().st_size - wav.HEADER_BYTES
    path = part.with_name(part.name.removesuffix(PART))
    if sound < 2 * CHANNELS:
        part.unlink()
        return []
    if path.exists():
        raise FileExistsError(f"{path.name} is there already")
    with part.open("r+b", buffering=0) as file:
        _finish(file, sound, part, path)
    return [path]


def _finish(file: BinaryIO, sound: int, part: Path, path: Path) -> None:
    """Tell in the header how much there is, and let it appear under its name."""
    whole = sound - sound % (2 * CHANNELS)
    file.truncate(wav.HEADER_BYTES + whole)
    file.seek(0)
    file.write(wav.header(whole, CHANNELS))
    os.fsync(file.fileno())
    part.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Recorder:
    """All recordings of a gateway. Called by one thread; only close waits for the disk."""

    def __init__(self) -> None:
        self._recordings: dict[str, _Recording] = {}
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._results: deque[Result] = deque()
        self._begun = 0
        self._sent = 0
        self._writer: _Writer | None = None

    def __contains__(self, recording_id: str) -> bool:
        return recording_id in self._recordings

    def begin(self, recording_id: str, path: Path) -> None:
        """Open a file that will be found under that path; Begun or Broken follows."""
        if self._writer is None:
            self._writer = _Writer(self._jobs, self._results)
            self._writer.start()
        self._begun += 1
        recording = _Recording(_File(recording_id, path), self._begun % _FRAMES)
        self._recordings[recording_id] = recording
        self._jobs.put(_Open(recording.file))

    def pause(self, recording_id: str, paused: bool) -> None:
        """Whether silence is written instead of what is said."""
        if recording_id in self._recordings:
            self._recordings[recording_id].paused = paused

    def add(self, recording_id: str, left: bytes | None, right: bytes | None, now: int) -> None:
        """What was said in this tick; None is silence."""
        recording = self._recordings.get(recording_id)
        if recording is None:
            return
        recording.keep_up(now)
        recording.add(left, right)
        if recording.frames % _FRAMES == recording.turn or len(recording.left) > 2 * _FRAMES:
            self._send(recording)

    def end(self, recording_id: str) -> None:
        """Finish its file; Over or Broken follows."""
        recording = self._recordings.pop(recording_id, None)
        if recording is not None:
            self._take(recording)
            self._jobs.put(_End(recording.file, ""))

    def results(self) -> list[Result]:
        """What has happened since this was last asked, in its order."""
        if not self._results:
            return []
        results = [self._results.popleft() for _ in range(len(self._results))]
        for each in results:
            if isinstance(each, Broken):
                self._recordings.pop(each.recording_id, None)
        return results

    def close(self) -> None:
        """Finish all files, and wait for them."""
        for recording_id in list(self._recordings):
            self.end(recording_id)
        if self._writer is not None:
            self._jobs.put(_Stop())
            self._writer.join(RECORDER_CLOSE_SECONDS)
            self._writer, self._sent = None, 0

    def _send(self, recording: "_Recording") -> None:
        assert self._writer is not None
        if recording.frames >= _FRAMES_MAX:
            self._give_up(recording, f"it is longer than {RECORDING_SECONDS_MAX} seconds")
        elif self._sent - self._writer.written >= RECORDER_BACKLOG_MAX:
            self._give_up(recording, "the disk is too slow")
        else:
            self._take(recording)

    def _take(self, recording: "_Recording") -> None:
        self._sent += 1
        self._jobs.put(recording.taken())

    def _give_up(self, recording: "_Recording", reason: str) -> None:
        del self._recordings[recording.file.recording_id]
        self._jobs.put(_End(recording.file, reason))


class _File:
    """A recording as the writer knows it."""

    def __init__(self, recording_id: str, path: Path) -> None:
        self.recording_id = recording_id
        self.path = path
        self.part = path.with_name(path.name + PART)
        self.file: BinaryIO | None = None
        """None: it is not open yet, or not any more."""
        self.sound = 0
        """Bytes that were written."""


class _Recording:
    """A recording as the tick knows it: what was said since the last second."""

    __slots__ = ("_begun_at", "file", "frames", "left", "paused", "right", "turn")

    def __init__(self, file: _File, turn: int) -> None:
        self.file = file
        self.turn = turn
        """When in each second it hands over what it has: not all at once."""
        self.left: list[bytes] = []
        self.right: list[bytes] = []
        self.frames = 0
        self.paused = False
        self._begun_at: int | None = None

    def keep_up(self, now: int) -> None:
        """Silence for the ticks that were left out before this one."""
        if self._begun_at is None:
            self._begun_at = now
        missed = (now - self._begun_at) // g711.FRAME_MS - self.frames
        if missed > 0:
            for _ in range(min(missed, _MISSED_MAX)):
                self.add(None, None)

    def add(self, left: bytes | None, right: bytes | None) -> None:
        if self.paused:
            left = right = None
        self.left.append(left or g711.SILENCE)
        self.right.append(right or g711.SILENCE)
        self.frames += 1

    def taken(self) -> "_Sound":
        """Made here: the thread shall do nothing but wait, since it shares the interpreter."""
        sound = g711.stereo(b"".join(self.left), b"".join(self.right))
        self.left, self.right = [], []
        return _Sound(self.file, sound)


class _Open(NamedTuple):
    file: _File


class _Sound(NamedTuple):
    file: _File
    sound: bytes


class _End(NamedTuple):
    file: _File
    broken: str
    """Why it ends early; "": it was stopped."""


class _Stop(NamedTuple):
    """Nothing follows."""


_Job = _Open | _Sound | _End | _Stop


class _Writer(Thread):
    """The one who waits for the disk; does jobs in their order, and tells results."""

    def __init__(self, jobs: "SimpleQueue[_Job]", results: "deque[Result]") -> None:
        super().__init__(name="recorder", daemon=True)
        self._jobs = jobs
        self._results = results
        self.written = 0
        """Jobs of sound that are done, of this writer's life."""

    @override
    def run(self) -> None:
        while not isinstance(job := self._jobs.get(), _Stop):
            try:
                self._do(job)
            except OSError as error:
                self._break(job.file, error.strerror or str(error))

    def _do(self, job: _Open | _Sound | _End) -> None:
        file = job.file
        match job:
            case _Open():
                self._open(file)
            case _Sound(sound=sound):
                self.written += 1
                if file.file is not None:
                    _write(file, sound)
            case _End(broken=""):
                if file.file is not None:
                    _finish(file.file, file.sound, file.part, file.path)
                    self._close(file)
                    duration_ms = file.sound * 1_000 // (2 * CHANNELS * g711.RATE)
                    self._results.append(Over(file.recording_id, file.path, duration_ms))
            case _End(broken=reason):
                if file.file is not None:
                    self._break(file, reason)

    def _open(self, file: _File) -> None:
        if file.path.exists():
            raise FileExistsError(0, "there is a recording of that name")
        file.file = file.part.open("xb", buffering=0)
        file.file.write(wav.header(0, CHANNELS))
        self._results.append(Begun(file.recording_id))

    def _break(self, file: _File, reason: str) -> None:
        """Keep what there is, if that can be done, and tell that there is no more."""
        log.warning("the recording %s is broken: %s", file.path.name, reason)
        if file.file is not None:
            try:
                _finish(file.file, file.sound, file.part, file.path)
            except OSError as error:
                log.warning("%s cannot be finished: %s", file.part.name, error)
            self._close(file)
        self._results.append(Broken(file.recording_id, reason))

    def _close(self, file: _File) -> None:
        assert file.file is not None
        file.file.close()
        file.file = None


def _write(file: _File, sound: bytes) -> None:
    """All of it: unbuffered files may take a part only, and say so before the disk is full."""
    assert file.file is not None
    rest = memoryview(sound)
    while rest:
        taken = file.file.write(rest)
        file.sound += taken
        rest = rest[taken:]
