"""eSpeak NG: speech of some hundred languages, by a process for each part.

Called by gateway.speech.speech. The program espeak-ng of the machine is used, else the library of
the package espeakng-loader, in a helper process of our own: the library is under the GPL and never
comes into ours. Both get options and, on their standard input, the text; what they write is WAV.
They get plain text only, never markup, and run with low priority, because calls need the processor
now and speech a little later.

eSpeak does not have Polly's voices; a name becomes a language and the variant of a voice, so that
men sound lower than women and two names seldom alike.
"""

import asyncio
import importlib.util
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ringfloor.base import wav
from ringfloor.base.limits import SPEECH_ANSWER_SECONDS, SPEECH_SECONDS_MAX
from ringfloor.gateway.media import g711
from ringfloor.gateway.speech import ssml
from ringfloor.gateway.speech.speech import SpeechFailed, TextToSpeech
from ringfloor.telephony.commands import Voice

WORDS_PER_MINUTE = 165
"""The usual rate."""

WAV_BYTES_MAX = SPEECH_SECONDS_MAX * 22_050 * 2
"""That are read of an answer."""

NICE = 10

_HELPER = Path(__file__).with_name("espeak_helper.py")


class Tone(NamedTuple):
    """A voice of eSpeak: its language, its variant, and its pitch (0 to 99, 50 is usual)."""

    language: str
    variant: str
    pitch: int


# Language of eSpeak: Polly's women, men, girls and boys who speak it.
_SPEAKERS: dict[str, tuple[str, str, str]] = {
    "ar": ("Zeina Hala", "Zayd", ""),
    "ca": ("Arlet", "", ""),
    "cmn": ("Zhiyu", "", ""),
    "cs": ("Jitka", "", ""),
    "cy": ("Gwyneth", "", ""),
    "da": ("Naja Sofie", "Mads", ""),
    "de": ("Vicki Marlene Hannah Sabrina Tina", "Daniel Hans Lennart", ""),
    "en": (
        "Amy Emma Nicole Olivia Raveena Aria Ayanda Niamh Kajal Jasmine Aditi Kiara",
        "Brian Arthur Russell Geraint Arjun",
        "",
    ),
    "en-us": (
        "Joanna Danielle Kendra Kimberly Salli Ruth Tiffany",
        "Matthew Joey Stephen Gregory Patrick Curtis Kenneth Nate",
        "Ivy Justin Kevin",
    ),
    "es": ("Lucia Conchita", "Sergio Enrique Raul", ""),
    "es-419": ("Lupe Mia Penelope Carolina", "Pedro Miguel Andres Carlos", ""),
    "fi": ("Suvi", "", ""),
    "fr-be": ("Isabelle", "", ""),
    "fr": ("Lea Celine Chantal Gabrielle Ambre Beatrice", "Mathieu Remi Liam Florian", ""),
    "is": ("Dora", "Karl", ""),
    "it": ("Bianca Carla", "Giorgio Adriano Lorenzo", ""),
    "ja": ("Mizuki Kazuha Tomoko", "Takumi", ""),
    "ko": ("Seoyeon Jihye", "Hyunduk", ""),
    "nb": ("Liv Ida", "", ""),
    "nl": ("Lotte Laura Lisa", "Ruben", ""),
    "pl": ("Ewa Maja Ola", "Jacek Jan", ""),
    "pt": ("Ines", "Cristiano", ""),
    "pt-br": ("Camila Vitoria", "Ricardo Thiago", ""),
    "ro": ("Carmen", "", ""),
    "ru": ("Tatyana", "Maxim", ""),
    "sv": ("Astrid Elin", "Leo", ""),
    "tr": ("Filiz Burcu", "", ""),
    "yue": ("Hiujin", "", ""),
}

_VARIANTS = (("f3", "f2", "f5", "f1", "f4"), ("m3", "m1", "m7", "m2", "m4"), ("f2", "f4", "f5"))
_PITCHES = (50, 45, 65)


def _tones() -> dict[str, Tone]:
    found = {}
    for language, groups in _SPEAKERS.items():
        for names, variants, pitch in zip(groups, _VARIANTS, _PITCHES, strict=True):
            for at, name in enumerate(names.split()):
                variant = variants[at % len(variants)]
                found[name.lower()] = Tone(language, variant, pitch + 2 * (at // len(variants)))
    return found


TONES = _tones()
"""Each voice of Polly's, by its name in lower case."""

USUAL = TONES["joanna"]

_LANGUAGES = {  # what xml:lang may say besides these
    "arb": "ar",
    "es-mx": "es-419",
    "es-us": "es-419",
    "hi": "hi",
    "no": "nb",
    "zh": "cmn",
}


def tone(voice: Voice | None, language: str = "") -> Tone:
    """Who speaks; in another language than his own if the text is. Unknown ones: the usual."""
    chosen = USUAL if voice is None else TONES.get(voice.name.lower(), USUAL)
    wanted = language.lower().replace("_", "-")
    for each in (wanted, wanted.split("-", 1)[0]):
        spoken = each if each in _SPEAKERS else _LANGUAGES.get(each)
        if spoken is not None:
            return chosen._replace(language=spoken)
    return chosen


class Espeak:
    """The engine. command: the program and its first arguments."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self.name = "espeak-ng"

    async def synthesize(
        self, part: ssml.Part, voice: Voice | None, rate: int = g711.RATE
    ) -> bytes:
        """As speech.TextToSpeech; only 8 kHz."""
        assert rate == g711.RATE
        try:
            async with asyncio.timeout(SPEECH_ANSWER_SECONDS):
                file = await _run([*self._command, *_options(part, voice)], part.text)
        except TimeoutError as error:
            raise SpeechFailed(f"no speech after {SPEECH_ANSWER_SECONDS} seconds") from error
        except OSError as error:
            raise SpeechFailed(f"{self._command[0]} does not run: {error.strerror}") from error
        pieces = []
        try:
            for piece in wav.reading(file, SPEECH_SECONDS_MAX):
                pieces.append(piece)
                await _Turn()
        except ValueError as error:
            raise SpeechFailed(f"what was spoken {error}") from error
        return b"".join(pieces)


class _Turn:
    """Everybody else's turn on the loop. A thread would be worse: it holds up each packet."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def _options(part: ssml.Part, voice: Voice | None) -> list[str]:
    who = tone(voice, part.manner.language)
    words = min(max(round(WORDS_PER_MINUTE * part.manner.rate), 80), 450)
    pitch = min(max(round(who.pitch + 50 * (part.manner.pitch - 1)), 0), 99)
    return ["-v", f"{who.language}+{who.variant}", "-s", str(words), "-p", str(pitch)]


async def _run(command: Sequence[str], text: str) -> bytes:
    """What a program writes; it is dead afterwards, whatever happens. Raises SpeechFailed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(OSError):  # it may be gone already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        with suppress(ConnectionError):
            process.stdin.write(text.encode())
            await process.stdin.drain()
        process.stdin.close()
        written = await _bounded(process.stdout)
        if await process.wait() != 0:
            raise SpeechFailed(f"{command[0]} failed with status {process.returncode}")
        return written
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _bounded(answer: asyncio.StreamReader) -> bytes:
    read = bytearray()
    while chunk := await answer.read(65_536):
        read += chunk
        if len(read) > WAV_BYTES_MAX:
            raise SpeechFailed(f"it takes more than {SPEECH_SECONDS_MAX} seconds")
    return bytes(read)


def engine() -> TextToSpeech | None:
    """The engine of this machine; None: there is neither the program nor the package."""
    program = shutil.which("espeak-ng")
    if program is not None:
        return Espeak([program, "--stdin", "--stdout", "-b", "1", "-z"])
    return helper()


def helper() -> TextToSpeech | None:
    """The engine by the package; None: it is not installed."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return None
    return Espeak([sys.executable, "-I", str(_HELPER)])
