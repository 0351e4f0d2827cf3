"""Sounds: recordings of any kind as telephones carry them, and what is played without any."""

import hashlib
import io
import math
import struct
import wave
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base import wav
from ringfloor.base.limits import SOUND_SECONDS_MAX
from ringfloor.gateway.media import g711, music, sounds
from ringfloor.gateway.media.sounds import SoundFailed, Sounds
from ringfloor.gateway.speech.speech import SpeechFailed
from ringfloor.telephony.commands import Media, Voice
from voice.probe import strength


def sine(hertz, rate=8_000, seconds=0.5, loud=10_000):
    return [
        round(loud * math.sin(2 * math.pi * hertz * at / rate)) for at in range(int(rate * seconds))
    ]


def file(samples, rate=8_000, channels=1, width=2):
    """By Python's own writer, which shares nothing with our reader."""
    written = io.BytesIO()
    with wave.open(written, "wb") as made:
        made.setparams((channels, width, rate, 0, "NONE", ""))
        if width == 1:
            made.writeframes(bytes((each >> 8) + 128 for each in samples))
        else:
            made.writeframes(array("h", samples).tobytes())
    return written.getvalue()


def riff(*chunks):
    body = b"WAVE" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def form(tag=1, channels=1, rate=8_000, bits=16, more=b""):
    align = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits) + more


def samples(pcm):
    return array("h", pcm)


def level(pcm, hertz):
    """How much of a tone is in a sound, dB below its loudest that a file can hold."""
    heard = samples(pcm)[400:-400]
    part = strength(heard, hertz)
    rms = math.sqrt(sum(each * each for each in heard) / len(heard))
    return 20 * math.log10(max(rms * math.sqrt(max(part, 0)), 1e-3) / 10_000 * math.sqrt(2))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2])
def test_usual_files_are_read(rate, channels, width):
    tone = [each for each in sine(1_000, rate) for _ in range(channels)]
    pcm = wav.read(file(tone, rate, channels, width))
    assert len(pcm) // 2 == pytest.approx(4_000, abs=3)
    assert strength(samples(pcm), 1_000) > 0.99
    assert level(pcm, 1_000) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
def test_what_telephones_do_not_carry_is_not_folded_into_it(rate):
    hertz = 5_100
    pcm = wav.read(file(sine(hertz, rate), rate))
    assert level(pcm, 8_000 - hertz) < -40
    assert level(wav.read(file(sine(2_900, rate), rate)), 2_900) > -3


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100])
@pytest.mark.parametrize("length", [1, 2, 3, 4_095, 8_193, 8_194])
def test_no_length_is_too_odd(rate, length):
    pcm = wav.read(file([1_000] * length, rate))
    assert len(pcm) / 2 == pytest.approx(length * 8_000 / rate, abs=2)
    pieces = list(wav.reading(file([1_000] * length, rate)))
    assert b"".join(pieces) == pcm


def test_normalised_is_a_file_of_telephones():
    made = wav.normalised(file(sine(500, 16_000), 16_000))
    with wave.open(io.BytesIO(made)) as read:
        assert read.getparams()[:4] == (1, 2, 8_000, 4_000)
    assert wav.normalised(made) == made


@pytest.mark.parametrize(("tag", "payload_type"), [(7, g711.PCMU), (6, g711.PCMA)])
def test_g711_files_are_read(tag, payload_type):
    pcm = array("h", sine(700)).tobytes()
    coded = g711.encode(payload_type, pcm)
    made = riff(form(tag, bits=8, more=b"\0\0"), (b"fact", b"abcd"), (b"data", coded))
    assert wav.read(made) == g711.decode(payload_type, coded)


def test_odd_chunks_and_false_lengths_do_not_matter():
    pcm = array("h", sine(700)).tobytes()
    extensible = form(0xFFFE, more=struct.pack("<HHIH", 22, 16, 0, 1) + bytes(14))
    assert wav.read(riff((b"LIST", b"odd"), extensible, (b"data", pcm + b"x"))) == pcm
    streamed = riff(form(), (b"data", pcm)).replace(
        b"data" + struct.pack("<I", len(pcm)), b"data\xff\xff\xff\x7f"
    )
    assert wav.read(streamed) == pcm


PCM = (b"data", bytes(800))


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (b"", "no WAV"),
        (b"ID3" + bytes(100), "no WAV"),
        (riff(), "no data"),
        (riff(form()), "no data"),
        (riff(PCM), "data before its format"),
        (riff((b"fmt ", b"x"), PCM), "cut off"),
        (riff(form(), (b"data", b"")), "no sound"),
        (riff(form(tag=3, bits=32), PCM), "format 3"),
        (riff(form(bits=24), PCM), "24 bits"),
        (riff(form(tag=7, bits=16), PCM), "16 bits"),
        (riff(form(channels=0), PCM), "0 channels"),
        (riff(form(channels=6), PCM), "6 channels"),
        (riff(form(rate=0), PCM), "0 samples per second"),
        (riff(form(rate=96_000), PCM), "96000 samples"),
        (riff(form(), (b"data", bytes(SOUND_SECONDS_MAX * 16_000 + 2))), "longer than 300 seconds"),
    ],
)
def test_what_cannot_be_read_says_which_rule(made, rule):
    with pytest.raises(ValueError, match=rule):
        wav.normalised(made)


def test_a_file_has_a_size(monkeypatch):
    monkeypatch.setattr(wav, "SOUND_BYTES_MAX", 1_000)
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        wav.normalised(bytes(1_001))


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_broken_files_raise_nothing_else(noise, at, change):
    good = riff(form(), (b"data", noise or b"ab"))
    for made in (noise, good[:at], good[:at] + change + good[at + len(change) :]):
        try:
            assert len(wav.read(made)) % 2 == 0
        except ValueError:
            continue


# What is there without a file


def test_music_is_sixteen_quiet_seconds_without_a_seam():
    made = samples(music.music())
    assert len(made) == 16 * 8_000
    assert 800 < g711.rms(music.music()) < 4_000
    assert g711.peak(music.music()) < 16_000
    steps = [abs(one - other) for one, other in pairwise(made)]
    assert abs(made[0] - made[-1]) <= max(steps)
    quarters = [g711.rms(made[at : at + 8_000].tobytes()) for at in range(0, len(made), 8_000)]
    assert min(quarters) > 400, "it never stops"


def test_a_tone_is_pure_and_soft_at_its_ends():
    tone = samples(music.tone(440, 400))
    assert len(tone) == 3_200
    assert strength(tone, 440) > 0.97
    assert tone[0] == tone[-1] == 0


@pytest.fixture
def made(tmp_path):
    return Sounds(tmp_path)


MUSIC = ["CustomerHold.wav", "CustomerQueue.wav", "Music_Jazz_MyTimetoFly_Inst.wav", "music"]


async def test_names_of_prompts_have_something_of_our_own(made):
    for name in MUSIC:
        assert await made.clip(Media("prompt", name)) == made.music()
    beep = await made.clip(Media("prompt", "Beep.wav"))
    other = await made.clip(Media("prompt", "Welcome to us"))
    assert len({made.music(), beep, other}) == 3
    assert 0.1 < len(beep.pcm) / 16_000 < 1
    assert 0.1 < len(other.pcm) / 16_000 < 1


def kept(tmp_path, pcm):
    sound = hashlib.sha256(pcm).hexdigest()
    (tmp_path / f"{sound}.wav").write_bytes(wav.written(pcm))
    return Media("prompt", "Beep.wav", sound=sound)


async def test_a_recording_goes_before_a_name_and_stays_in_memory(made, tmp_path):
    media = kept(tmp_path, array("h", sine(300)).tobytes())
    clip = await made.clip(media)
    assert samples(clip.pcm) == array("h", sine(300))
    for path in tmp_path.iterdir():
        path.unlink()
    assert await made.clip(media) is clip


async def test_memory_is_bounded_and_the_last_asked_for_stays(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sounds, "SOUNDS_CACHE_BYTES_MAX", 2_000)
    one, two, three = (kept(tmp_path, bytes([at]) * 900) for at in range(3))
    first = await made.clip(one)
    second = await made.clip(two)
    assert await made.clip(one) is first
    await made.clip(three)
    assert await made.clip(one) is first
    assert await made.clip(two) is not second


@pytest.mark.parametrize(
    ("sound", "content", "reason"),
    [
        ("0" * 64, None, "not there"),
        ("0" * 64, b"RIFF", "no WAV"),
        ("../" + "0" * 61, None, "no SHA-256"),
        ("", None, "no SHA-256"),
    ],
)
async def test_a_recording_that_cannot_be_had(made, tmp_path, sound, content, reason):
    if content is not None:
        (tmp_path / f"{sound}.wav").write_bytes(content)
    with pytest.raises(SoundFailed, match=reason):
        await made.clip(Media("prompt", "x", sound=sound))


class Spoken:
    """Speech that says how often it was asked."""

    def __init__(self):
        self.asked = []

    async def spoken(self, kind, text, voice):
        self.asked.append((kind, text, voice))
        if text == "bad":
            raise SpeechFailed("no voice today")
        return text.encode() * 2


async def test_texts_are_spoken_once_for_each_voice(tmp_path):
    speech = Spoken()
    made = Sounds(tmp_path, speech)
    amy = Voice("Amy", "neural")
    texts = [Media("text", "hi"), Media("ssml", "hi"), Media("text", "hi", amy)]
    for media in texts * 2:
        assert (await made.clip(media)).pcm == b"hihi"
    assert speech.asked == [("text", "hi", None), ("ssml", "hi", None), ("text", "hi", amy)]
    with pytest.raises(SoundFailed, match="no voice today"):
        await made.clip(Media("text", "bad"))
    with pytest.raises(SoundFailed, match="nothing can be spoken"):
        await Sounds(tmp_path).clip(Media("text", "hi"))
