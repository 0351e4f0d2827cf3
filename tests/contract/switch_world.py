"""The switch with all that surrounds it played by a test: a World for the contract of carriers.

Real are the switch, its plane with mixer and player, and SDP; acted are the legs (frames instead of
packets), signalling (numbers that behave as they are told), the edge of browsers and the sounds.
Each far end that speaks says a power of two all the time, each clip is a negative number: what a
leg is given to send tells who and what is in it, and heard() judges by nothing else.

The clock of calls stands while the plane runs: after every command there are enough ticks for the
longest clips, as simulated phones hear without time passing.
"""

import array
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ringfloor.base.errors import not_found
from ringfloor.base.time import Duration, Instant
from ringfloor.gateway.media import plane, sdp
from ringfloor.gateway.media.g711 import FRAME_MS, FRAME_SAMPLES
from ringfloor.gateway.media.leg import Digit
from ringfloor.gateway.media.ports import NoPorts
from ringfloor.gateway.media.sounds import Clip, SoundFailed
from ringfloor.gateway.phones import Behaviour
from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Headers,
    Invited,
    OfferRefused,
    Rings,
    Signal,
)
from ringfloor.gateway.switch import Switch
from ringfloor.gateway.switchboard import Plant
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import AttachWebRtc, Command, Media, Originate
from ringfloor.telephony.events import (
    ChannelRinging,
    Event,
    Quality,
    WebRtcAnswered,
    WebRtcRefused,
)

CLIP_FRAMES = 2
SETTLED = 8
"""Ticks after which the longest playback of these tests is over."""

MEDIA_TIMEOUT_MS = 30_000
QUALITY = Quality(10, 0, 1, 0, 3, 4.4)
SPOOL = Path(tempfile.gettempdir())
BROKEN = Media("text", "broken")
"""Cannot be spoken."""
LONG = Media("text", "long")
"""Is heard for longer than these tests take."""


def frame(value: int) -> bytes:
    return array.array("h", [value] * FRAME_SAMPLES).tobytes()


class FarEnd:
    """A leg and who is at its end: what it says, and what it has been sent."""

    coded = None

    def __init__(self, leg_id: str, voice: int, of: "Voices") -> None:
        self.leg_id, self.host, self.port = leg_id, "127.0.0.1", 4_000 + voice.bit_length() * 2
        self.voice = voice
        self.speaks = False
        self.remote: sdp.Remote | None = None
        self.heard: list[str] = []
        self.pressed: list[Digit] = []
        self.idle = 0
        self.closed = False
        self._of = of
        self._underneath: tuple[str, ...] = ()
        self._above: str | None = None

    @property
    def hears(self) -> tuple[str, ...]:
        """Who, or what, it hears now."""
        return self._underneath if self._above is None else (self._above,)

    @property
    def is_played_to(self) -> bool:
        return self._above is not None

    # As a leg

    def point(self, remote: sdp.Remote) -> None:
        self.remote = remote

    def receive(self, _now: int) -> None: ...

    def hear(self, _now: int) -> bytes | None:
        return frame(self.voice) if self.speaks else None

    def digits(self, _now: int) -> list[Digit]:
        pressed, self.pressed = self.pressed, []
        return pressed

    def press(self, digits: str) -> None:
        self.heard.append(f"digits {digits}")

    def idle_ms(self, _now: int) -> int:
        return self.idle

    def quality(self) -> Quality:
        return QUALITY

    def close(self) -> None:
        self.closed = True

    # As an ear

    def say(self, pcm: bytes | None, _now: int, _coded: object = None) -> None:
        assert not self.closed, "sent after its end"
        value = 0 if pcm is None else array.array("h", pcm)[0]
        word = self._of.word(value)
        if word is not None and not word.startswith("music"):
            if word != self._above:
                self.heard.append(word)
            self._above = word
            return
        self._above = None
        underneath = (word,) if word else self._of.names(value)
        if underneath == self._underneath:
            return
        if word:
            self.heard.append(word)
        elif underneath:
            self.heard.append(f"joined {', '.join(underneath)}")
        elif not self._underneath[0].startswith("music"):
            self.heard.append("alone")
        self._underneath = underneath


class Voices:
    """Whose voice is which number, and what clip."""

    def __init__(self, music: Iterable[Media]) -> None:
        self._music = set(music)
        self._voices: dict[int, str] = {}
        self._words: dict[int, str] = {-1: "music"}

    def voice(self, address: str) -> int:
        """A bit that nobody has had lately; older ones come first in what is heard."""
        voice = 1 << len(self._voices)
        if voice > 1 << 13:
            self._voices.clear()
            voice = 1
        self._voices[voice] = address
        return voice

    def clip(self, media: Media) -> Clip:
        kind = "music" if media in self._music else media.kind
        word = f"{kind} {media.value}".strip()
        number = next((at for at, each in self._words.items() if each == word), None)
        if number is None:
            number = -1 - len(self._words)
            self._words[number] = word
        return Clip(frame(number) * (1_000 if media == LONG else CLIP_FRAMES))

    def word(self, value: int) -> str | None:
        return self._words[value] if value < 0 else None

    def names(self, value: int) -> tuple[str, ...]:
        return tuple(name for voice, name in self._voices.items() if voice & value)


class Network:
    """Who is dialled does as he was told; signalling, the edge of browsers, sounds and legs."""

    def __init__(
        self, numbers: Mapping[str, Behaviour], music: Iterable[Media], named_by_channel: bool
    ) -> None:
        self.now: Instant = 1_700_000_000_000
        self.far: dict[str, FarEnd] = {}
        self.said: list[tuple] = []
        """What signalling and the edge of browsers were asked."""
        self.agents: dict[str, str] = {}
        """Who is rung at each channel that is dialled to an agent."""
        self.pages_open = True
        self.ports = 10_000
        self._numbers = numbers
        self._signals: list[tuple[Instant, Signal]] = []
        self._voices = Voices(music)
        self._named_by_channel = named_by_channel

    # Sounds and legs

    def music(self) -> Clip:
        return Clip(frame(-1) * CLIP_FRAMES)

    def ringback(self) -> Clip:
        return Clip(frame(0))

    async def clip(self, media: Media) -> Clip:
        if media == BROKEN:
            raise SoundFailed("broken")
        return self._voices.clip(media)

    def outside(self, leg_id: str, _trunk: str, number: str) -> FarEnd:
        return self._leg(leg_id, number)

    def inside(self, leg_id: str) -> FarEnd:
        return self._leg(leg_id, self.agents[leg_id])

    def dialled(self, leg_id: str, to: str) -> None:
        """Somebody is dialled at a channel that is new."""
        if to.startswith("agent:"):
            self.agents[leg_id] = to

    def _leg(self, leg_id: str, address: str) -> FarEnd:
        if len([each for each in self.far.values() if not each.closed]) >= self.ports:
            raise NoPorts("all are in use")
        name = leg_id if self._named_by_channel else address
        self.far[leg_id] = FarEnd(leg_id, self._voices.voice(name), self._voices)
        return self.far[leg_id]

    # Signalling: who is dialled does as he was told

    def invite(
        self, leg_id: str, to: str, from_: str, _offer: str, headers: Headers, trunk: str
    ) -> None:
        self.said.append(("invite", leg_id, to, from_, headers, trunk))
        told = self._numbers.get(to, Behaviour())
        if told.kind == "busy":
            self.signal(Ended(leg_id, "remote", 17, 486, "busy"))
        elif told.kind == "invalid":
            self.signal(Ended(leg_id, "remote", 1, 404, "no such number"))
        else:
            self.signal(Rings(leg_id))
            if told.kind == "answer":
                self.signal(Accepted(leg_id, their_sdp()), told.answer_after_ms)

    def ring(self, leg_id: str) -> None:
        self.said.append(("ring", leg_id))

    def progress(self, leg_id: str, _answer: str) -> None:
        self.said.append(("progress", leg_id))

    def accept(self, leg_id: str, _answer: str) -> None:
        self.said.append(("accept", leg_id))
        self.far[leg_id].speaks = True

    def refuse(self, leg_id: str, status: int, q850: int) -> None:
        self.said.append(("refuse", leg_id, status, q850))

    def reanswer(self, leg_id: str, answer: str) -> None:
        self.said.append(("reanswer", leg_id, direction_of(answer)))

    def refuse_offer(self, leg_id: str) -> None:
        self.said.append(("refuse offer", leg_id))

    def hang_up(self, leg_id: str, q850: int) -> None:
        self.said.append(("hang up", leg_id, q850))

    def redirect(self, leg_id: str, to: str) -> None:
        self.said.append(("redirect", leg_id, to))

    def close(self) -> None: ...

    def signal(self, told: Signal, after_ms: Duration = 0) -> None:
        """Something will be told by signalling."""
        self._signals.append((self.now + after_ms, told))
        self._signals.sort(key=lambda each: each[0])

    def due(self) -> Iterator[tuple[Signal, Instant]]:
        """Signals that are due by now; who has answered speaks."""
        while self._signals and self._signals[0][0] <= self.now:
            at, told = self._signals.pop(0)
            if isinstance(told, Accepted) and told.leg_id in self.far:
                self.far[told.leg_id].speaks = True
            yield told, at

    # Browsers

    async def attach(
        self, leg_id: str, offer: str, _host: str, _port: int
    ) -> tuple[str, sdp.Remote]:
        self.said.append(("attach", leg_id, offer))
        if offer == "video only":
            raise OfferRefused("no sound in it")
        self.far[leg_id].speaks = self.pages_open
        return f"answer to {offer}", sdp.Remote("127.0.0.1", 5_000, 5_001)

    def release(self, leg_id: str) -> None:
        self.said.append(("release", leg_id))


class World:
    """The switch, its far ends, who dials them, and a clock. Numbers behave as they are told."""

    def __init__(
        self,
        numbers: Mapping[str, Behaviour],
        *,
        center: str = "+18005550100",
        music: Iterable[Media] = (),
        refer: bool = False,
        spool: Path = SPOOL,
        named_by_channel: bool = False,
    ) -> None:
        """music: what is only heard as music. named_by_channel: heard() says ids, not addresses."""
        self.ticks = 0
        self.events: list[Event] = []
        self.later: list[Coroutine] = []
        """Tasks that have not run; they run at once unless hurry is off."""
        self.hurry = True
        self.woken = 0
        self.network = network = Network(numbers, music, named_by_channel)
        self._center = center
        self.plane = plane.Plane(
            self._sounded, sounds=network, media_timeout_ms=MEDIA_TIMEOUT_MS, spool=spool
        )
        plant = Plant(
            self.plane, network, network, network, network, spool, self._spawn, self._wake, refer
        )
        self.carrier = Switch(self._told, plant)

    @property
    def now(self) -> Instant:
        return self.network.now

    def _spawn(self, task: Coroutine) -> None:
        self.later.append(task)
        if self.hurry:
            self.run_tasks()

    def run_tasks(self) -> None:
        """Let all tasks run to their end; none of these really waits."""
        while self.later:
            try:
                self.later.pop(0).send(None)
            except StopIteration:
                continue
            raise AssertionError("a task waits for something")

    def _wake(self) -> None:
        self.woken += 1

    def signals(self, *told: Signal) -> list[Event]:
        """Signalling tells this now; what comes of it."""
        for each in told:
            self.network.signal(each)
        return self.events_of(self.settle)

    # Time

    def _sounded(self, told: plane.PlaneEvent, _now: int) -> None:
        self.carrier.sound(told, self.now)

    def _told(self, event: Event, at: Instant) -> None:
        assert at <= self.now
        if isinstance(event, ChannelRinging) and event.channel_id in self.network.agents:
            if self.network.pages_open:  # the agent's page is open, and offers
                offer = AttachWebRtc(event.channel_id, f"page {event.channel_id}", "page")
                self.carrier.perform(offer, self.now)
        elif isinstance(event, WebRtcAnswered | WebRtcRefused) and event.offer_id.startswith(
            "page"
        ):
            return
        self.events.append(event)

    def tick(self, times: int = 1) -> None:
        """Let the plane run; the clock of calls stands."""
        for _ in range(times):
            self._hand_out()
            self.ticks += 1
            self.plane.tick(self.ticks * FRAME_MS)
        self._hand_out()

    def settle(self) -> None:
        """Let what follows from all that was done happen, and be heard."""
        self.tick(SETTLED)

    def _hand_out(self) -> None:
        for told, at in self.network.due():
            self.carrier.signal(told, at)
        self.carrier.run_due(self.now)
        due = self.carrier.next_due()
        assert due is None or due > self.now

    def events_of(self, act: Callable[[], object]) -> list[Event]:
        before = len(self.events)
        act()
        return self.events[before:]

    # What a test does

    def perform(self, *commands: Command) -> list[Event]:
        def act() -> None:
            for command in commands:
                if isinstance(command, Originate) and command.channel_id not in self.network.far:
                    self.network.dialled(command.channel_id, command.to)
                before = len(self.events)
                self.carrier.perform(command, self.now)
                assert len(self.events) == before, "perform called back"
                self.settle()

        return self.events_of(act)

    def call(self, channel_id: str, from_: str = "+12065550101") -> list[Event]:
        return self.signals(
            Invited(channel_id, from_, self._center, (), "", their_sdp(), "192.0.2.1")
        )

    def press(self, channel_id: str, digits: str) -> list[Event]:
        self._living(channel_id).pressed += [Digit(each, 100) for each in digits]
        return self.events_of(self.settle)

    def hang_up(self, channel_id: str) -> list[Event]:
        """The far end hangs up, gives up or declines; an agent's page is closed."""
        far = self._living(channel_id)
        channel = next(c for c in self.carrier.channels() if c.channel_id == channel_id)
        if channel_id in self.network.agents:
            far.speaks, far.idle = False, MEDIA_TIMEOUT_MS
            self.ticks += MEDIA_TIMEOUT_MS // FRAME_MS
            return self.events_of(self.settle)
        if channel.state == "up":
            return self.signals(Ended(channel_id, "remote", 16, None, "BYE"))
        if channel.direction == "inbound":
            return self.signals(Ended(channel_id, "remote", 16, 487, "CANCEL"))
        return self.signals(Ended(channel_id, "remote", 21, 603, "declined"))

    def _living(self, channel_id: str) -> FarEnd:
        far = self.network.far.get(channel_id)
        if far is None or far.closed:
            raise not_found("channel_id", channel_id, "living call")
        return far

    def wait(self, milliseconds: Duration) -> list[Event]:
        self.network.now += milliseconds
        return self.events_of(self.settle)

    def restart(self, channels: Sequence[Channel]) -> list[Event]:
        """The center goes and comes back; calls, and what carries them, live on."""
        self.events = []
        self.carrier.adopt(channels, self.now)
        return self.events_of(self.settle)

    def heard(self, channel_id: str) -> list[str]:
        return self.network.far[channel_id].heard


def their_sdp(direction: sdp.Direction = "sendrecv") -> str:
    """What a phone says of its sound, as an offer or an answer."""
    return sdp.offer("192.0.2.1", 40_000, 1, 1, direction)


def direction_of(text: str) -> str:
    return sdp.parse(text).direction
