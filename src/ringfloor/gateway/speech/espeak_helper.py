"""A helper process: one text spoken by the library of the package espeakng-loader.

Started by gateway.speech.espeak, as a script, with the options -v (voice), -s (words per minute)
and -p (pitch) as the program espeak-ng has them, the text on standard input, and WAV on standard
output. The library is under the GPL, so nothing of Ringfloor's is in this process but this module.
Its status is 0 if it has spoken.

Source: speak_lib.h of eSpeak NG 1.52.
"""

import argparse
import ctypes
import struct
import sys
from pathlib import Path
from typing import Any

import espeakng_loader

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: the sound comes to the callback
_RATE, _PITCH = 1, 3  # espeakRATE, espeakPITCH
_UTF_8 = 1  # espeakCHARS_UTF8
_CHARACTER = 1  # POS_CHARACTER
_OK = 0  # EE_OK

_HEARD = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def spoken(text: bytes, voice: str, rate: int, pitch: int) -> bytes:
    """A WAV file; RuntimeError if the library refuses."""
    library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
    sound = bytearray()

    def heard(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0:  # the last call brings nothing
            sound.extend(ctypes.string_at(samples, count * 2))
        return 0

    callback = _HEARD(heard)  # kept, as long as the library may call it
    data = str(Path(espeakng_loader.get_data_path()).parent).encode()
    hertz = library.espeak_Initialize(_RETRIEVAL, 0, data, 0)
    if hertz <= 0:
        raise RuntimeError("the library does not begin")
    library.espeak_SetSynthCallback(callback)
    _check(library.espeak_SetVoiceByName(voice.encode()), f"there is no voice {voice}")
    library.espeak_SetParameter(_RATE, rate, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    size = ctypes.c_size_t(len(text) + 1)
    synth = library.espeak_Synth
    _check(synth(text, size, 0, _CHARACTER, 0, _UTF_8, None, None), "it is not spoken")
    library.espeak_Synchronize()
    return _header(hertz, len(sound)) + bytes(sound)


def _check(result: int, refused: str) -> None:
    if result != _OK:
        raise RuntimeError(refused)


def _header(hertz: int, size: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, hertz, hertz * 2, 2, 16)
    return b"".join(
        (b"RIFF", struct.pack("<I", 36 + size), b"WAVEfmt ", struct.pack("<I", len(form)), form)
    ) + struct.pack("<4sI", b"data", size)


def main() -> None:
    """Speak what is on standard input."""
    parser = argparse.ArgumentParser(prog="espeak_helper", description="Speak a text, as WAV.")
    parser.add_argument("-v", dest="voice", default="en-us")
    parser.add_argument("-s", dest="rate", type=int, default=165)
    parser.add_argument("-p", dest="pitch", type=int, default=50)
    options = parser.parse_args()
    text = sys.stdin.buffer.read().replace(b"\0", b" ")
    sys.stdout.buffer.write(spoken(text, options.voice, options.rate, options.pitch))


if __name__ == "__main__":
    main()
