"""Lines: one simulated call each, from the phone's end; what it does and what it has heard.

gateway.phones holds them and alone decides what happens to them and when; a line keeps its own
figures straight and within bounds. Its MessagePack is the memory of the channel (telephony.carrier)
and outlives restarts, so fields are only added, with a default.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import msgspec
from msgspec import Struct, field

from ringfloor.base import codec
from ringfloor.base.limits import (
    PHONE_HEARD_CHARACTERS_MAX,
    PHONE_HEARD_MAX,
    PHONE_PLAYBACKS_PER_SECOND_MAX,
)
from ringfloor.base.time import SECOND, Duration, Instant
from ringfloor.gateway.gathering import Ear
from ringfloor.telephony.carrier import Channel, Direction, State
from ringfloor.telephony.commands import Media

HeardKind = Literal["text", "ssml", "prompt", "music", "joined", "alone", "digits"]


class Heard(Struct, frozen=True, array_like=True):
    """One thing that the far end heard, and when it began.

    text, ssml, prompt: value as in Media. music: the value of its media, "" for the carrier's own.
    joined: value is who speaks there now, addresses with a comma between. alone: nobody any more.
    digits: keys that the center has pressed.
    """

    kind: HeardKind
    value: str
    at: Instant


class Line(Ear, omit_defaults=True):
    """One call, ringing or up."""

    channel_id: str
    direction: Direction
    address: str
    state: State = "ringing"
    bridge_id: str | None = None
    due: Instant | None = None
    """When the line goes on by itself: ringing ends, or the operation does."""
    turn: int = 0
    """Orders what is due at the same instant."""
    answers: bool = False
    """Ringing ends in an answer, not in a time-out."""
    music: tuple[Media, ...] | None = None
    company: tuple[str, ...] = ()
    """Whom it hears in its bridge."""
    heard: list[Heard] = field(default_factory=list)
    burst_since: Instant = 0
    burst: int = 0
    """Playbacks within the second since burst_since."""
    listens: bool = False
    """In its bridge it is not heard."""
    muted: bool = False

    @property
    def speaks(self) -> bool:
        """Whether others in its bridge hear it."""
        return self.state == "up" and not self.listens and not self.muted

    def hear_digits(self, key: str, digits: str, now: Instant) -> None:
        """Hear keys that have not been pressed yet, if the line is up."""
        if self.state == "up" and key not in self.ended:
            self.remember(key)
            self._hear("digits", digits, now)

    def play(self, media: Sequence[Media], lasts: Duration, now: Instant) -> Duration:
        """Hear media that lasts so long; longer if the line has been played to too often."""
        for each in media:
            self._hear(each.kind, each.value, now)
        if now - self.burst_since >= SECOND:
            self.burst_since, self.burst = now, 0
        self.burst += 1
        return max(lasts, SECOND) if self.burst > PHONE_PLAYBACKS_PER_SECOND_MAX else lasts

    def hear_music(self, now: Instant) -> None:
        """Hear the music that is on, if the line is up."""
        if self.state == "up" and self.music is not None:
            for each in self.music or (Media("prompt", ""),):
                self._hear("music", each.value, now)

    def accompany(self, company: tuple[str, ...], now: Instant) -> None:
        """Hear who is in the bridge now."""
        if company != self.company:
            self.company = company
            self._hear("joined" if company else "alone", ", ".join(company), now)

    def _hear(self, kind: HeardKind, value: str, now: Instant) -> None:
        self.heard.append(Heard(kind, value[:PHONE_HEARD_CHARACTERS_MAX], now))
        del self.heard[:-PHONE_HEARD_MAX]

    def channel(self) -> Channel:
        """The line as the center sees it."""
        return Channel(
            channel_id=self.channel_id,
            direction=self.direction,
            address=self.address,
            state=self.state,
            bridge_id=self.bridge_id,
            memory=codec.encode(self),
        )


_memory = codec.decoder(Line)


def remembered(channel: Channel) -> Line:
    """The line of a channel: its memory if it is readable, corrected by what the center says."""
    line = Line(channel.channel_id, channel.direction, channel.address, channel.state)
    if channel.memory:
        with suppress(msgspec.MsgspecError):
            line = _memory.decode(channel.memory)
    if line.state != channel.state:  # the memory is older than what the center knows
        line.state = channel.state
        line.operation = line.due = None
        line.typed = ""
    line.bridge_id = channel.bridge_id
    return line
