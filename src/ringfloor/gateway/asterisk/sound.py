"""Sound: what a channel of Asterisk plays and gathers, and the music underneath.

gateway.asterisk.carrier asks and passes on what Asterisk tells. A leg plays one thing at a time:
what it is told to say, else music if that is on and nobody is with it.
"""

import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from ringfloor.base.time import Instant
from ringfloor.gateway.asterisk.ari import Answer, Ari, path
from ringfloor.gateway.asterisk.leg import Leg
from ringfloor.gateway.gathering import (
    interrupted,
    not_begun,
    operation_key,
    too_late,
    typed,
)
from ringfloor.gateway.media.sounds import SoundFailed
from ringfloor.telephony import events
from ringfloor.telephony.commands import (
    Gather,
    Media,
    Play,
    SendDigits,
    StartMusic,
    StopGather,
    StopMusic,
    StopPlayback,
)

log = logging.getLogger(__name__)

SoundCommand = Play | Gather | StartMusic | StopMusic | SendDigits


class Files(Protocol):
    """What is played, as files that Asterisk reads."""

    async def uri(self, media: Media) -> str:
        """sound:... of a text, SSML or prompt; raises SoundFailed."""

    async def music(self) -> str:
        """sound:... of the carrier's own music."""


class Sound:
    """What all legs of one carrier play."""

    def __init__(
        self,
        ari: Ari,
        files: Files,
        *,
        emit: Callable[[events.Event], None],
        arm: Callable[[Leg, Instant | None], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        now: Callable[[], Instant],
    ) -> None:
        """arm: has a leg go on by itself at an instant; then late is to be called."""
        self._ari, self._files = ari, files
        self._emit, self._arm, self._spawn, self._now = emit, arm, spawn, now
        self._playbacks: dict[str, Leg] = {}
        """What Asterisk plays, and to whom."""
        self._number = 0

    def perform(self, leg: Leg, command: SoundCommand) -> None:
        """What is asked of a leg that is there."""
        match command:
            case Play() | Gather():
                self._begin(leg, command)
            case StartMusic():
                if leg.music != command.media:
                    self.silence(leg)
                    leg.music = command.media
                    self.accompany(leg)
            case StopMusic():
                leg.music = None
                self.silence(leg)
            case SendDigits():
                self._press(leg, command)

    def stop(self, command: StopPlayback | StopGather, legs: Iterable[Leg]) -> None:
        """End a playback or a gathering, if it goes on."""
        key = operation_key(command)
        for leg in legs:
            operation = leg.ear.operation
            if operation is not None and operation_key(operation) == key:
                self.interrupt(leg)
                self.accompany(leg)

    def forget(self, leg: Leg) -> None:
        """The leg is gone; what it played and gathered is over."""
        self.interrupt(leg)
        leg.waits += 1
        for playback in (leg.playback, leg.music_playback):
            self._playbacks.pop(playback or "", None)

    def late(self, leg: Leg) -> None:
        """The next key has not come in time."""
        if isinstance(leg.ear.operation, Gather):
            self._gather_over(leg, leg.ear.operation, too_late(leg.ear.typed))

    # Playing and gathering

    def _begin(self, leg: Leg, command: Play | Gather) -> None:
        key = operation_key(command)
        running = leg.ear.operation
        if key in leg.ear.ended or (running is not None and operation_key(running) == key):
            return
        if leg.state != "up":
            leg.ear.remember(key)
            self._emit(not_begun(command))
            return
        self.interrupt(leg)
        self.silence(leg)
        leg.ear.operation = command
        if isinstance(command, Gather):
            if not command.type_ahead:
                leg.ear.ahead = ""
            while leg.ear.ahead and leg.ear.operation is command:
                self._typed(leg, command, leg.ear.next_ahead())
            if leg.ear.operation is not command:
                self.accompany(leg)
                return
            if leg.ear.typed or not command.media:
                if not leg.ear.typed:
                    self._arm(leg, self._now() + command.first_digit_ms)
                return
        self._prepare(leg, command)

    def _prepare(self, leg: Leg, command: Play | Gather) -> None:
        leg.waits += 1
        waits = leg.waits

        async def prepare() -> None:
            try:
                uris = [await self._files.uri(media) for media in command.media]
            except SoundFailed as error:
                log.warning("%s: nothing is played: %s", leg.channel_id, error)
                uris = []
            if leg.waits == waits and leg.ear.operation is command:
                if uris:
                    leg.playback = self._play(leg, uris)
                else:
                    self._said(leg, command, failed=True)

        self._spawn(prepare())

    def _play(self, leg: Leg, uris: Sequence[str]) -> str:
        self._number += 1
        playback = f"{leg.ari_id}-{self._number}"
        self._playbacks[playback] = leg
        query = {"media": ",".join(uris), "playbackId": playback}

        def begun(answer: Answer) -> None:
            if not answer.done:
                self.played(playback, "failed")

        self._ari.ask("POST", path("channels", leg.ari_id, "play"), query, begun)
        return playback

    def played(self, playback: str, state: str) -> None:
        leg = self._playbacks.pop(playback, None)
        if leg is None:
            return
        if playback == leg.music_playback:
            leg.music_playback = None
            if state == "done":
                self.accompany(leg)
        elif playback == leg.playback and leg.ear.operation is not None:
            leg.playback = None
            self._said(leg, leg.ear.operation, failed=state != "done")

    def _said(self, leg: Leg, operation: Play | Gather, *, failed: bool) -> None:
        """The media is over."""
        match operation:
            case Play() if operation.loop and not failed:
                self._prepare(leg, operation)
            case Play():
                reason: events.PlaybackReason = "failed" if failed else "eof"
                leg.ear.forget_operation(operation_key(operation))
                self._emit(events.PlaybackFinished(operation.playback_id, leg.channel_id, reason))
                self.accompany(leg)
            case Gather():
                self._arm(leg, self._now() + operation.first_digit_ms)

    def interrupt(self, leg: Leg) -> None:
        """End what plays or gathers, if anything does."""
        operation = leg.ear.operation
        if operation is None:
            return
        self._emit(interrupted(operation, leg.ear.typed))
        leg.ear.forget_operation(operation_key(operation))
        if leg.state == "up":
            self._arm(leg, None)
        self._stop_media(leg)

    def _stop_media(self, leg: Leg) -> None:
        leg.waits += 1
        if leg.playback is not None:
            self._playbacks.pop(leg.playback, None)
            self._ari.ask("DELETE", path("playbacks", leg.playback))
            leg.playback = None

    def key(self, leg: Leg, key: str) -> None:
        operation = leg.ear.operation
        if isinstance(operation, Gather):
            self._typed(leg, operation, key)
        elif leg.bridge_id is not None:
            self._emit(events.ChannelDigit(leg.channel_id, key))
        else:
            leg.ear.type_ahead(key)

    def _typed(self, leg: Leg, gather: Gather, key: str) -> None:
        self._stop_media(leg)  # barge-in
        leg.ear.typed, over, wait = typed(gather, leg.ear.typed, key)
        if over is not None:
            self._gather_over(leg, gather, over)
        else:
            self._arm(leg, self._now() + wait)

    def _gather_over(self, leg: Leg, gather: Gather, reason: events.GatherReason) -> None:
        digits = leg.ear.typed
        self._arm(leg, None)
        self._stop_media(leg)
        leg.ear.forget_operation(operation_key(gather))
        self._emit(events.GatherFinished(gather.gather_id, leg.channel_id, digits, reason))
        self.accompany(leg)

    # Music

    def accompany(self, leg: Leg) -> None:
        """Have music played where it is on, and nothing else is heard."""
        alone = leg.bridge_id is None and leg.ear.operation is None
        if leg.music is None or leg.music_playback is not None or not alone:
            return
        if leg.state != "up" or not leg.here:
            return
        media, leg.music_playback = leg.music, ""

        async def prepare() -> None:
            try:
                uris = [await self._files.uri(each) for each in media]
            except SoundFailed as error:
                log.warning("%s: no music: %s", leg.channel_id, error)
                uris = []
            uris = uris or [await self._files.music()]
            if leg.music_playback == "" and leg.music == media:
                leg.music_playback = self._play(leg, uris)

        self._spawn(prepare())

    def silence(self, leg: Leg) -> None:
        """No music for the moment."""
        if leg.music_playback:
            self._playbacks.pop(leg.music_playback, None)
            self._ari.ask("DELETE", path("playbacks", leg.music_playback))
        leg.music_playback = None

    # Keys

    def _press(self, leg: Leg, command: SendDigits) -> None:
        key = f"digits {command.digits_id}"
        if leg.state != "up" or key in leg.ear.ended:
            return
        leg.ear.remember(key)
        before = 0
        for part in command.digits.split(","):
            if part:
                query = {"dtmf": part, "before": str(before)}
                self._ari.ask("POST", path("channels", leg.ari_id, "dtmf"), query)
            before += 1_000
