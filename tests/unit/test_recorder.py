"""Recorder: stereo files that are right, also when the disk or the process is not."""

import errno
import signal
import subprocess
import sys
import time
import wave
from array import array
from pathlib import Path

import pytest

from ringfloor.base import wav
from ringfloor.gateway.media import g711, recorder
from ringfloor.gateway.media.recorder import Begun, Broken, Over, Recorder, rescue, spooled

SECONDS = 20
"""Longer than any disk takes."""


def frame(value):
    return array("h", [value]).tobytes() * g711.FRAME_SAMPLES


@pytest.fixture
def recording():
    made = Recorder()
    yield made
    made.close()


def told(recording, count=1):
    """So many results, as they come."""
    results = []
    late = time.monotonic() + SECONDS
    while len(results) < count:
        assert time.monotonic() < late, results
        results += recording.results()
    return results


def heard(path):
    """Left and right of a file, one value per frame."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8_000)
        sound = array("h", file.readframes(file.getnframes()))
    step = 2 * g711.FRAME_SAMPLES
    return list(sound[::step]), list(sound[1::step])


def test_left_and_right(recording, tmp_path):
    path = spooled(tmp_path, "connect/first/CallRecordings/a b.wav")
    assert path.name == "connect%2Ffirst%2FCallRecordings%2Fa%20b.wav"
    recording.begin("r", path)
    assert told(recording) == [Begun("r")]
    for tick in range(120):
        recording.add("r", frame(tick), None if tick % 2 else frame(-tick), tick * 20)
    assert "r" in recording
    assert not path.exists(), "a file that has its name is finished"
    recording.end("r")
    assert told(recording) == [Over("r", path, 2_400)]
    left, right = heard(path)
    assert left == list(range(120))
    assert right == [0 if tick % 2 else -tick for tick in range(120)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_pause_is_silence_of_its_length(recording, tmp_path):
    recording.begin("r", tmp_path / "r.wav")
    for tick in range(30):
        if tick in (10, 20):
            recording.pause("r", paused=tick == 10)
        recording.add("r", frame(7), frame(8), tick * 20)
    recording.end("r")
    told(recording, 2)
    left, right = heard(tmp_path / "r.wav")
    assert left == [7] * 10 + [0] * 10 + [7] * 10
    assert right == [8] * 10 + [0] * 10 + [8] * 10


def test_ticks_that_were_left_out_are_silence(recording, tmp_path):
    recording.begin("r", tmp_path / "r.wav")
    for now in (1_000, 1_020, 1_140, 1_160):
        recording.add("r", frame(5), None, now)
    recording.end("r")
    assert told(recording, 2)[1] == Over("r", tmp_path / "r.wav", 180)
    assert heard(tmp_path / "r.wav")[0] == [5, 5, 0, 0, 0, 0, 0, 5, 5]


def test_a_file_is_on_the_disk_before_it_has_its_name(recording, tmp_path, monkeypatch):
    synced, sync = [], recorder.os.fsync

    def watched(descriptor):
        synced.append([path.name for path in tmp_path.iterdir()])
        sync(descriptor)

    monkeypatch.setattr(recorder.os, "fsync", watched)
    recording.begin("r", tmp_path / "r.wav")
    recording.end("r")
    told(recording, 2)
    assert synced == [["r.wav.part"], ["r.wav"]]


def test_many_at_once_do_not_mix(recording, tmp_path):
    for at in range(30):
        recording.begin(str(at), tmp_path / f"{at}.wav")
    for tick in range(60):
        for at in range(30):
            recording.add(str(at), frame(at), frame(tick), tick * 20)
    for at in range(30):
        recording.end(str(at))
    assert len(told(recording, 60)) == 60
    for at in range(30):
        assert heard(tmp_path / f"{at}.wav") == ([at] * 60, list(range(60)))


def test_an_empty_recording_is_a_file(recording, tmp_path):
    recording.begin("r", tmp_path / "r.wav")
    recording.end("r")
    assert told(recording, 2) == [Begun("r"), Over("r", tmp_path / "r.wav", 0)]
    assert heard(tmp_path / "r.wav") == ([], [])


def test_what_is_not_under_way_is_left_alone(recording):
    recording.add("r", None, None, 0)
    recording.pause("r", paused=True)
    recording.end("r")
    assert recording.results() == []
    assert "r" not in recording


@pytest.mark.parametrize("there", ["r.wav", "r.wav.part"])
def test_nothing_is_overwritten(recording, tmp_path, there):
    (tmp_path / there).write_text("kept")
    recording.begin("r", tmp_path / "r.wav")
    recording.add("r", frame(1), None, 0)
    (broken,) = told(recording)
    assert isinstance(broken, Broken)
    assert "r" not in recording
    assert (tmp_path / there).read_text() == "kept"


def test_no_directory_breaks_it(recording, tmp_path):
    recording.begin("r", tmp_path / "none" / "r.wav")
    recording.end("r")
    assert told(recording) == [Broken("r", "No such file or directory")]


class FullDisk:
    """A file that takes so many bytes, then no more."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, sound):
        if self._room < len(sound):
            if self._room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            sound = sound[: self._room]
        self._room -= len(sound)
        return self._file.write(sound)

    def seek(self, at):
        self._room = 44  # what is there already may be written over
        return self._file.seek(at)

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_full_disk_breaks_one_recording_and_keeps_what_it_has(recording, tmp_path, monkeypatch):
    opened = Path.open

    def limited(path, *args, **kwargs):
        file = opened(path, *args, **kwargs)
        return FullDisk(file, 44 + 50_001) if path.name == "r.wav.part" else file

    monkeypatch.setattr(Path, "open", limited)
    for name in ("r", "other"):
        recording.begin(name, tmp_path / f"{name}.wav")
    for tick in range(150):
        for name in ("r", "other"):
            recording.add(name, frame(9), frame(8), tick * 20)
    recording.end("other")
    results = told(recording, 4)
    assert Broken("r", "No space left on device") in results
    assert Over("other", tmp_path / "other.wav", 3_000) in results
    recording.end("r")
    assert recording.results() == []
    with wave.open(str(tmp_path / "r.wav")) as file:
        assert file.getnframes() == 50_001 // 4


def test_a_disk_that_is_too_slow_breaks_it(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "RECORDER_BACKLOG_MAX", 0)
    recording.begin("r", tmp_path / "r.wav")
    for tick in range(120):
        recording.add("r", frame(1), None, tick * 20)
    assert told(recording, 2) == [Begun("r"), Broken("r", "the disk is too slow")]
    assert "r" not in recording


def test_a_recording_has_an_end(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_FRAMES_MAX", 60)
    recording.begin("r", tmp_path / "r.wav")
    for tick in range(200):
        recording.add("r", frame(1), None, tick * 20)
    _begun, broken = told(recording, 2)
    assert isinstance(broken, Broken)
    assert "longer than" in broken.reason
    assert len(heard(tmp_path / "r.wav")[0]) <= 100


def test_closing_finishes_all_files(tmp_path):
    recording = Recorder()
    for at in range(5):
        recording.begin(str(at), tmp_path / f"{at}.wav")
        recording.add(str(at), frame(at), None, 0)
    recording.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{at}.wav" for at in range(5)]
    recording.begin("again", tmp_path / "again.wav")
    recording.close()
    assert (tmp_path / "again.wav").exists()


# What a killed predecessor left


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_what_was_under_way_is_made_readable(tmp_path, cut):
    sound = array("h", range(40)).tobytes()
    (tmp_path / "a%2Fb.wav.part").write_bytes(wav.header(0, 2) + sound[: len(sound) - cut])
    assert rescue(tmp_path) == [tmp_path / "a%2Fb.wav"]
    with wave.open(str(tmp_path / "a%2Fb.wav")) as file:
        assert file.getnframes() == 20 - bool(cut)
        assert file.readframes(99) == sound[: file.getnframes() * 4]
        assert (tmp_path / "a%2Fb.wav").stat().st_size == 44 + file.getnframes() * 4
    assert rescue(tmp_path) == []


KILLED = """
import os, pathlib, signal, sys
from ringfloor.gateway.media.recorder import Recorder
recorder, part = Recorder(), pathlib.Path(sys.argv[1]) / "r.wav.part"
recorder.begin("r", part.with_suffix(""))
for tick in range(140):
    recorder.add("r", bytes([1, 0]) * 160, bytes([2, 0]) * 160, tick * 20)
while not part.exists() or part.stat().st_size < 60_000:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_less_than_two_seconds(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert rescue(tmp_path) == [tmp_path / "r.wav"]
    left, right = heard(tmp_path / "r.wav")
    assert (set(left), set(right)) == ({1}, {2})
    assert 90 <= len(left) <= 140


def test_nothing_is_rescued_from_nothing(tmp_path):
    (tmp_path / "a.wav.part").write_bytes(wav.header(0, 2))
    (tmp_path / "b.wav.part").write_bytes(b"RI")
    (tmp_path / "c.wav").write_bytes(b"finished")
    assert rescue(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["c.wav"]


def test_a_rescue_overwrites_nothing_and_goes_on(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav.part").write_bytes(wav.header(0, 2) + bytes(400))
    (tmp_path / "a.wav").write_text("kept")
    assert rescue(tmp_path) == [tmp_path / "b.wav"]
    assert (tmp_path / "a.wav").read_text() == "kept"
    assert (tmp_path / "a.wav.part").exists()
