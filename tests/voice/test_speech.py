"""Speech: texts as sound, by the program and by the package, and what happens when neither can."""

import asyncio
import gzip
import json
import os
import signal
import sys
from array import array
from pathlib import Path

import botocore
import pytest

from ringfloor.base import wav
from ringfloor.gateway.media import g711
from ringfloor.gateway.media.sounds import SoundFailed, Sounds
from ringfloor.gateway.speech import espeak, speech, ssml
from ringfloor.gateway.speech.espeak import Espeak, tone
from ringfloor.gateway.speech.speech import Speech, SpeechFailed
from ringfloor.telephony.commands import Media, Voice

HELLO = "Hello, and thank you for calling."


class Engine:
    """Says each part as one second of its length; as many at once as it is let."""

    name = "test"

    def __init__(self):
        self.parts = []
        self.at_once = self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.asked = asyncio.Event()
        self.refuses = False

    async def synthesize(self, part, voice, rate=8_000):
        assert rate == 8_000
        self.parts.append((part.text, voice))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.set()
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1
        if self.refuses:
            raise SpeechFailed("refused")
        return array("h", [len(part.text)]).tobytes() * 8_000


@pytest.fixture
async def engine():
    return Engine()


@pytest.fixture
async def spoken(tmp_path, engine):
    made = Speech(tmp_path / "speech", engine)
    yield made
    made.close()


async def test_a_text_is_spoken_once_also_after_a_restart(spoken, engine, tmp_path):
    amy, brian = Voice("Amy"), Voice("Brian")
    first = await spoken.spoken("text", "hello", amy)
    assert len(first) == 16_000
    assert await spoken.spoken("text", "hello", amy) == first
    again = Speech(tmp_path / "speech", engine)
    assert await again.spoken("text", "hello", amy) == first
    assert engine.parts == [("hello", amy)]
    await again.spoken("text", "hello", brian)
    await again.spoken("text", "hello", None)
    await again.spoken("ssml", "<speak>hello</speak>", amy)
    assert len(engine.parts) == 4


async def test_who_asks_at_once_waits_for_one(spoken, engine):
    engine.go.clear()
    asking = [asyncio.create_task(spoken.spoken("text", "hello", None)) for _ in range(5)]
    async with asyncio.timeout(20):
        await engine.asked.wait()
        asking[0].cancel()  # who waits no longer takes it from nobody
        engine.go.set()
        heard = await asyncio.gather(*asking[1:])
    assert len(engine.parts) == 1
    assert heard == [heard[0]] * 4


async def test_so_many_are_spoken_at_once_and_so_many_wait(spoken, engine, monkeypatch):
    monkeypatch.setattr(speech, "SPEECH_WAITING_MAX", 6)
    engine.go.clear()
    asking = [asyncio.create_task(spoken.spoken("text", str(at), None)) for at in range(7)]
    async with asyncio.timeout(20):
        await engine.asked.wait()
        with pytest.raises(SpeechFailed, match="too many"):
            await asking[6]
        engine.go.set()
        await asyncio.gather(*asking[:6])
    assert engine.most <= speech.SPEECH_AT_ONCE_MAX
    assert len(engine.parts) == 6


async def test_a_failure_is_told_to_all_and_not_kept(spoken, engine):
    engine.refuses = True
    asking = [spoken.spoken("text", "hello", None) for _ in range(2)]
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(each) for each in told] == ["refused"] * 2
    engine.refuses = False
    assert await spoken.spoken("text", "hello", None)


async def test_pauses_and_volume_are_made_here(spoken, engine):
    document = '<speak>ab<break time="2s"/><prosody volume="+6dB">abc</prosody></speak>'
    heard = array("h", await spoken.spoken("ssml", document, None))
    assert [text for text, _ in engine.parts] == ["ab", "abc"]
    assert set(heard[:8_000]) == {2}
    assert set(heard[8_000:24_000]) == {0}
    assert set(heard[24_000:]) == {5}  # 3 and 6 dB
    assert len(heard) == 32_000


async def test_bad_ssml_fails_and_nobody_speaks_it(spoken, engine):
    with pytest.raises(SpeechFailed, match="no entity &lol;"):
        await spoken.spoken("ssml", "<speak>&lol;</speak>", None)
    assert engine.parts == []
    assert await spoken.spoken("ssml", "<speak/>", None) == b""


async def test_what_takes_too_long_to_be_heard_fails(spoken, monkeypatch):
    monkeypatch.setattr(speech, "PCM_BYTES_MAX", 40_000)
    with pytest.raises(SpeechFailed, match="seconds"):
        await spoken.spoken("ssml", "<speak>a<break/>b<break/>c</speak>", None)


async def test_the_cache_is_bounded_and_forgets_what_nobody_asked_for(
    spoken, engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(speech, "SPEECH_CACHE_BYTES_MAX", 2 * 16_044)
    for text in ("one", "two", "one", "three"):
        await spoken.spoken("text", text, None)
    assert len(list((tmp_path / "speech").iterdir())) == 2
    for text in ("one", "three", "two"):
        await spoken.spoken("text", text, None)
    assert [text for text, _ in engine.parts] == ["one", "two", "three", "two"]


async def test_after_a_restart_the_oldest_files_go_first(engine, tmp_path, monkeypatch):
    directory = tmp_path / "speech"
    before = Speech(directory, engine)
    for at, text in enumerate(("one", "two", "three")):
        await before.spoken("text", text, None)
        (made,) = (each for each in directory.iterdir() if each.stat().st_mtime > 1_000)
        os.utime(made, (at, 10 - at))
    (directory / "left.part").write_bytes(b"x")
    monkeypatch.setattr(speech, "SPEECH_CACHE_BYTES_MAX", 3 * 16_044)
    after = Speech(directory, engine)
    for text in ("four", "one", "two", "three"):  # three was the oldest
        await after.spoken("text", text, None)
    assert [text for text, _ in engine.parts[3:]] == ["four", "three"]
    assert not (directory / "left.part").exists()


async def test_to_be_asked_for_counts_also_after_a_restart(engine, tmp_path, monkeypatch):
    directory = tmp_path / "speech"
    before = Speech(directory, engine)
    for text in ("one", "two"):
        await before.spoken("text", text, None)
    for made in directory.iterdir():
        os.utime(made, (1, 1))
    await before.spoken("text", "one", None)
    monkeypatch.setattr(speech, "SPEECH_CACHE_BYTES_MAX", 2 * 16_044)
    after = Speech(directory, engine)
    for text in ("three", "one"):
        await after.spoken("text", text, None)
    assert [text for text, _ in engine.parts] == ["one", "two", "three"]


@pytest.mark.parametrize("damage", [b"", b"RIFF", wav.header(100)])
async def test_a_damaged_file_is_made_again(spoken, engine, tmp_path, damage):
    heard = await spoken.spoken("text", "hello", None)
    (path,) = (tmp_path / "speech").iterdir()
    path.write_bytes(damage)
    assert await spoken.spoken("text", "hello", None) == heard
    assert wav.read(path.read_bytes()) == heard
    assert len(engine.parts) == 2


async def test_a_disk_that_takes_nothing_silences_nobody(spoken, tmp_path):
    (tmp_path / "speech").rmdir()
    assert await spoken.spoken("text", "hello", None)


async def test_closing_gives_up(spoken, engine):
    engine.go.clear()
    asking = asyncio.create_task(spoken.spoken("text", "hello", None))
    async with asyncio.timeout(20):
        await engine.asked.wait()
        spoken.close()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert engine.at_once == 0


# eSpeak


@pytest.fixture(params=["program", "package"])
def real(request):
    made = espeak.engine() if request.param == "program" else espeak.helper()
    assert made is not None, "neither the program espeak-ng nor the package espeakng-loader"
    return made


async def test_it_speaks(real):
    pcm = await real.synthesize(ssml.Part(HELLO), Voice("Joanna"))
    assert 1 < len(pcm) / 16_000 < 5
    assert g711.rms(pcm) > 500
    slow = await real.synthesize(ssml.Part(HELLO, ssml.Manner(rate=0.6)), None)
    assert len(slow) > 1.4 * len(pcm)


def pitch(pcm):
    """Hertz of what is loudest to the ear of a counter: where the sound is most like itself."""
    heard = array("h", pcm)[4_000:8_000]
    likeness = {
        lag: sum(one * other for one, other in zip(heard, heard[lag:], strict=False))
        for lag in range(25, 160)
    }
    return 8_000 / max(likeness, key=likeness.get)


async def test_men_are_lower_than_women_and_manner_is_heard(real):
    long_vowel = ssml.Part("aaaaaaaaah, aaaaaaaaah")
    woman = pitch(await real.synthesize(long_vowel, Voice("Joanna")))
    man = pitch(await real.synthesize(long_vowel, Voice("Matthew")))
    high = long_vowel._replace(manner=ssml.Manner(pitch=1.4))
    assert man < 0.8 * woman
    assert woman < pitch(await real.synthesize(high, Voice("Joanna")))


@pytest.mark.slow
async def test_all_languages_of_the_table_are_there(real):
    said = set()
    for language in {each.language for each in espeak.TONES.values()} | {"hi"}:
        pcm = await real.synthesize(ssml.Part("12", ssml.Manner(language)), None)
        assert len(pcm) > 3_000, language
        said.add(pcm)
    assert len(said) > 20


@pytest.mark.parametrize(
    "text",
    [
        "-h",
        "--version",
        "[[boo]] $(reboot) `x`",
        "<speak>&lol;</speak>",
        "ä 語 \U0001f600",
        'it\'s "so"',
    ],
)
async def test_a_text_is_only_a_text(real, text):
    assert len(await real.synthesize(ssml.Part(text), None)) > 1_000


async def test_the_switch_gets_a_clip_or_a_reason(tmp_path):
    sounds = Sounds(tmp_path, Speech(tmp_path / "speech", espeak.engine()))
    clip = await sounds.clip(Media("ssml", "<speak>One<break time='3s'/>two</speak>"))
    assert 3.3 < len(clip.pcm) / 16_000 < 6
    with pytest.raises(SoundFailed, match="SSML is refused"):
        await sounds.clip(Media("ssml", "<speak>One"))


def program(tmp_path, text):
    path = tmp_path / "speaker.py"
    path.write_text(f"import os, sys, time\n{text}\n")
    return Espeak([sys.executable, str(path)])


SPEAKS_ON = "while True: os.write(1, bytes(65536))"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sys.exit(3)", "status 3"),
        ("print('hello')", "no WAV"),
        ("", "no WAV"),
        (SPEAKS_ON, "takes more than"),
    ],
)
async def test_an_engine_that_does_not_speak(tmp_path, monkeypatch, text, reason):
    monkeypatch.setattr(espeak, "WAV_BYTES_MAX", 1_000_000)
    with pytest.raises(SpeechFailed, match=reason):
        await program(tmp_path, text).synthesize(ssml.Part("x" * 100_000), None)


async def test_an_engine_that_is_not_there():
    with pytest.raises(SpeechFailed, match="does not run"):
        await Espeak(["/nowhere/espeak-ng"]).synthesize(ssml.Part("x"), None)


async def test_an_engine_that_hangs_is_killed(tmp_path, monkeypatch):
    started = []
    begin = asyncio.create_subprocess_exec

    async def watched(*args, **kwargs):
        started.append(await begin(*args, **kwargs))
        return started[0]

    monkeypatch.setattr(espeak.asyncio, "create_subprocess_exec", watched)
    monkeypatch.setattr(espeak, "SPEECH_ANSWER_SECONDS", 0.3)
    with pytest.raises(SpeechFailed, match="no speech after"):
        await program(tmp_path, "time.sleep(600)").synthesize(ssml.Part("x"), None)
    assert started[0].returncode == -signal.SIGKILL


def test_every_voice_of_polly_has_one():
    root = Path(botocore.__file__).parent / "data" / "polly"
    (model,) = root.glob("*/service-2.json.gz")
    with gzip.open(model) as file:
        voices = json.load(file)["shapes"]["VoiceId"]["enum"]
    assert [name for name in voices if name.lower() not in espeak.TONES] == []


@pytest.mark.parametrize(
    ("voice", "language", "spoken"),
    [
        (None, "", "en-us"),
        ("Joanna", "", "en-us"),
        ("Amy", "", "en"),
        ("amy", "en-US", "en-us"),
        ("Joanna", "en-AU", "en"),
        ("Joanna", "es-MX", "es-419"),
        ("Joanna", "pt_BR", "pt-br"),
        ("Joanna", "zh-Hans", "cmn"),
        ("Joanna", "hi-IN", "hi"),
        ("Vicki", "tlh", "de"),
        ("Nobody", "", "en-us"),
        ("+f3 -x", "-h", "en-us"),
    ],
)
def test_whose_voice_in_which_language(voice, language, spoken):
    who = tone(None if voice is None else Voice(voice), language)
    assert who.language == spoken
    if voice is not None and language:
        assert who[1:] == tone(Voice(voice))[1:], "it is the same person"


def test_the_package_takes_the_place_of_the_program(monkeypatch):
    monkeypatch.setattr(espeak.shutil, "which", lambda _name: None)
    assert espeak.engine()._command[0] == sys.executable
    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda _name: None)
    assert espeak.engine() is None
