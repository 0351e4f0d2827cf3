"""A contact center whose agent works at the softphone's page in a real browser.

Her microphone hears a tone, so that who is on the line hears it; what her speaker plays is looked
at in the page.
"""

import math
import struct
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from acceptance.center import PASSWORD
from browser import chromium
from browser.softphone import Agent
from voice.center import AGENT_HZ, CUSTOMER_HZ, VoiceCenter, a_voice_center, started
from voice.probe import FRAME, LINEAR, RATE, Call, Line, strength, tone

HEARD = 5_000
"""The amplitude from which on a tone is one; they are played with 8,000, speech has less of any."""

GAP_SECONDS, SPAN_SECONDS = 0.3, 0.1
"""Without a tone, and it has not ended: packets were late. With it, and it has begun."""

AT_THE_START = """
// A tone is what such filters take out.
if (origin !== "null") localStorage.setItem("softphone clean", "no");
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    peers.push(this);
  }
  setRemoteDescription({ type, sdp }) {
    // An address of documentation, where nobody is.
    const blocked = sessionStorage.getItem("test blocked");
    const there = blocked ? sdp.replace(/ 127[.]0[.]0[.]1 ([0-9]+ typ)/g, " 192.0.2.1 $1") : sdp;
    return super.setRemoteDescription({ type, sdp: there });
  }
};
"""

HEARS = """(async () => {
  const context = (window.context ??= new AudioContext());
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  const heard = new Float32Array(analyser.frequencyBinCount);
  const end = Date.now() + 10_000;
  const seen = [];
  let source = null;
  let of = null;
  while (Date.now() < end) {
    await new Promise((done) => setTimeout(done, 50));
    const track = peers.at(-1)?.getReceivers()[0]?.track;
    if (!track) continue;
    if (track !== of) source = context.createMediaStreamSource(new MediaStream([(of = track)]));
    source.connect(analyser);
    analyser.getFloatFrequencyData(heard);
    const at = (frequency) => {
      const bin = Math.round((frequency * analyser.fftSize) / context.sampleRate);
      return Math.max(...heard.slice(bin - 2, bin + 3));
    };
    seen.splice(0, 1, [...WANTED, ...UNWANTED].map((each) => [each, at(each)]));
    if (WANTED.every((each) => at(each) > -55) && UNWANTED.every((each) => at(each) < -70)) {
      return true;
    }
  }
  throw new Error("she hears [Hz, dB] " + JSON.stringify(seen) + ", not WANTED without UNWANTED");
})()"""


class AgentsPage(Agent):
    """She, at her page, and what reaches her ear."""

    def hears(self, *wanted: float, without: tuple[float, ...] = ()) -> None:
        """Wait until all of these tones are at her speaker, and none of those."""
        unwanted = HEARS.replace("UNWANTED", str(list(without)))
        assert self.page.run(unwanted.replace("WANTED", str(list(wanted))))

    def is_free(self) -> None:
        """Nothing rings, and calls may come."""
        self.sees("Nothing now")

    def is_done(self) -> None:
        """The call is over, and she has noted down what is needed."""
        self.sees("After contact work")
        self.press("Done")
        self.is_free()


@contextmanager
def an_agents_page(directory: Path, *options: str) -> Iterator[tuple[VoiceCenter, AgentsPage]]:
    """Server, gateway, trunk and browser; Ann is signed in and available."""
    lines = {BUSY: Line(status=486)}
    with a_voice_center(directory, lines, *options) as voice:
        voice.connect.update_user_phone_config(
            InstanceId=voice.instance,
            UserId=voice.center.agent,
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 60},
        )
        microphone = directory / "microphone.wav"
        write_tone(microphone, AGENT_HZ)
        with chromium.browser(*chromium.with_microphone(microphone)) as page:
            page.ask("Page.addScriptToEvaluateOnNewDocument", source=AT_THE_START)
            ann = AgentsPage(page)
            ann.open(voice.server.address, voice.center.alias)
            ann.sign_in("ann", PASSWORD)
            ann.sees("Ann Agent")
            ann.choose("Available")
            ann.is_free()
            yield voice, ann
            assert page.complaints == []


BUSY = "+12065550117"


def write_tone(path: Path, frequency: float) -> None:
    """A second of it, which a browser plays over and over."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        codes = b"".join(tone(frequency))
        file.writeframes(struct.pack(f"<{len(codes)}h", *(LINEAR[each] for each in codes)))


def called(voice: VoiceCenter) -> tuple[str, Call]:
    """The customer is called, and has answered; the contact, and his call."""
    before = len(voice.trunk.calls)
    contact_id = voice.dial()
    return contact_id, voice.trunk.wait_for_call(before + 1).wait("up")


def restart(voice: VoiceCenter) -> None:
    """Another server at the same address, where the page looks for it."""
    port = voice.server.address.rpartition(":")[2]
    voice.server = voice.center.server = started(voice.data, voice.voice, "--port", port)


def talk(voice: VoiceCenter, ann: AgentsPage) -> tuple[str, Call]:
    """The same, and she talks with him."""
    contact_id, customer = called(voice)
    ann.press("Answer")
    customer.await_tone(AGENT_HZ)
    ann.hears(CUSTOMER_HZ)
    ann.sees("Connected · sales")
    return contact_id, customer


def level(codes: Sequence[int], frequency: float) -> float:
    """The amplitude of a tone in samples, or in mu-law codes."""
    samples = [LINEAR[code] for code in codes] if isinstance(codes, bytes) else codes
    energy = sum(each * each for each in samples)
    return math.sqrt(2 * strength(samples, frequency) * energy / len(samples))


def spans(call: Call, frequency: float) -> list[tuple[float, float]]:
    """When a tone was heard: from, until, in seconds since the epoch; short gaps are none."""
    found: list[tuple[float, float]] = []
    for frame in range(len(call.arrivals) - 1):
        codes = bytes(call.heard[frame * FRAME : (frame + 2) * FRAME])
        if level(codes, frequency) < HEARD:
            continue
        at = call.arrivals[frame]
        until = at + 2 * FRAME / RATE
        if found and at - found[-1][1] <= GAP_SECONDS:
            found[-1] = found[-1][0], until
        else:
            found.append((at, until))
    return [each for each in found if each[1] - each[0] >= SPAN_SECONDS]
