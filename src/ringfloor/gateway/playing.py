"""Playing: what the circuits of a switch hear from the center, and the keys they press.

Part of gateway.switch. A playback goes: fetched (its clips are found or spoken, by a task beside)
-> played (by the plane) -> over. A gathering is a playback that a key ends, and then a wait. The
rules of keys are those of gateway.gathering; keys are RFC 4733 events only, never tones.
"""

import logging
from collections.abc import Callable, Sequence

from ringfloor.gateway import gathering
from ringfloor.gateway.gathering import operation_key
from ringfloor.gateway.media.plane import PlaybackOver
from ringfloor.gateway.media.sounds import Clip, SoundFailed
from ringfloor.gateway.switchboard import Circuit, Plant, Switchboard
from ringfloor.telephony.commands import (
    Gather,
    Media,
    Play,
    SendDigits,
    StopGather,
    StopPlayback,
)
from ringfloor.telephony.events import (
    ChannelDigit,
    GatherFinished,
    GatherReason,
    PlaybackFinished,
    PlaybackReason,
)

log = logging.getLogger(__name__)

Fetched = Callable[[list[Clip] | None], None]
"""Takes the clips, or None if they cannot be had."""


class Playing:
    """See above; the board is told everything, the plane does it."""

    def __init__(self, board: Switchboard, plant: Plant) -> None:
        self._board = board
        self._plane = plant.plane
        self._sounds = plant.sounds
        self._spawn = plant.spawn

    # Playbacks and gatherings

    def begin(self, circuit: Circuit, command: Play | Gather) -> None:
        key = operation_key(command)
        if key in self._board.operations or key in circuit.ended:
            return
        if circuit.state != "up" and not (isinstance(command, Play) and _hears_early(circuit)):
            circuit.remember(key)
            self._board.tell(gathering.not_begun(command))
            return
        self.interrupt(circuit)
        circuit.operation = command
        circuit.fetched = False
        self._board.operations[key] = circuit.channel_id
        if isinstance(command, Gather):
            self._gather(circuit, command)
        else:
            self._fetch_for(circuit, command)

    def _gather(self, circuit: Circuit, gather: Gather) -> None:
        if not gather.type_ahead:
            circuit.ahead = ""
        if not circuit.ahead:
            self._fetch_for(circuit, gather)
            return
        self._wait_for_first(circuit, gather)
        while circuit.ahead and circuit.operation is gather:
            self._typed(circuit, gather, circuit.next_ahead())

    def _fetch_for(self, circuit: Circuit, operation: Play | Gather) -> None:
        def fetched(clips: list[Clip] | None) -> None:
            if circuit.operation is operation and not circuit.fetched:
                circuit.fetched = True
                self._play(circuit, operation, clips)

        if operation.media:
            self._fetch(operation.media, fetched)
        else:
            fetched([])

    def _play(
        self, circuit: Circuit, operation: Play | Gather, clips: Sequence[Clip] | None
    ) -> None:
        if clips:
            loop = isinstance(operation, Play) and operation.loop
            self._plane.play(circuit.channel_id, operation_key(operation), clips, loop)
        elif isinstance(operation, Gather):  # without its prompt, but the caller may know the menu
            self._wait_for_first(circuit, operation)
        elif clips is None:
            self._playback_over(circuit, operation, "failed")
        elif not operation.loop:
            self._playback_over(circuit, operation, "eof")

    def _fetch(self, media: Sequence[Media], fetched: Fetched) -> None:
        async def fetch() -> None:
            clips: list[Clip] | None = None
            try:
                clips = [await self._sounds.clip(each) for each in media]
            except SoundFailed as failed:
                log.warning("cannot be played: %s", failed)
            finally:
                self._board.post(lambda: fetched(clips))

        self._spawn(fetch())

    def played(self, circuit: Circuit, over: PlaybackOver) -> None:
        """The plane has come to the end of a playback; maybe of one stopped meanwhile."""
        operation = circuit.operation
        if operation is None or operation_key(operation) != over.playback_id:
            return
        if isinstance(operation, Play):
            self._playback_over(circuit, operation, over.reason)
        elif circuit.due is None:
            self._wait_for_first(circuit, operation)

    def _wait_for_first(self, circuit: Circuit, gather: Gather) -> None:
        circuit.fetched = True
        self._board.arm(circuit, self._board.now + gather.first_digit_ms)

    def too_late(self, circuit: Circuit, gather: Gather) -> None:
        """The next key has not come."""
        self._gather_over(circuit, gather, gathering.too_late(circuit.typed))

    def stop(self, command: StopPlayback | StopGather) -> None:
        channel_id = self._board.operations.get(operation_key(command))
        if channel_id is not None:
            self.interrupt(self._board.circuits[channel_id])

    def interrupt(self, circuit: Circuit) -> None:
        """End what plays or gathers, if anything does."""
        operation = circuit.operation
        if operation is not None:
            self._board.tell(gathering.interrupted(operation, circuit.typed))
            self._plane.stop(circuit.channel_id, operation_key(operation))
            self._over(circuit, operation)

    def _playback_over(self, circuit: Circuit, playback: Play, reason: PlaybackReason) -> None:
        told = PlaybackFinished(playback.playback_id, circuit.channel_id, reason)
        self._board.tell(told)
        self._over(circuit, playback)

    def _gather_over(self, circuit: Circuit, gather: Gather, reason: GatherReason) -> None:
        told = GatherFinished(gather.gather_id, circuit.channel_id, circuit.typed, reason)
        self._board.tell(told)
        self._over(circuit, gather)

    def _over(self, circuit: Circuit, operation: Play | Gather) -> None:
        key = operation_key(operation)
        self._board.arm(circuit, None)
        del self._board.operations[key]
        circuit.forget_operation(key)

    # Keys

    def pressed(self, circuit: Circuit, key: str) -> bool:
        """The far end has pressed a key; whether that is for whoever else is in its bridge."""
        if isinstance(circuit.operation, Gather):
            gather = circuit.operation
            circuit.fetched = True
            self._plane.stop(circuit.channel_id, operation_key(gather))
            self._typed(circuit, gather, key)
            return False
        if circuit.bridge_id is not None:
            self._board.tell(ChannelDigit(circuit.channel_id, key))
            return True
        circuit.type_ahead(key)
        return False

    def _typed(self, circuit: Circuit, gather: Gather, key: str) -> None:
        circuit.typed, over, wait_ms = gathering.typed(gather, circuit.typed, key)
        if over is None:
            self._board.arm(circuit, self._board.now + wait_ms)
        else:
            self._gather_over(circuit, gather, over)

    def press(self, circuit: Circuit, command: SendDigits) -> None:
        """Press keys towards the far end, once."""
        key = f"digits {command.digits_id}"
        if circuit.state == "up" and key not in circuit.ended:
            circuit.remember(key)
            self._plane.press(circuit.channel_id, command.digits)

    # Music

    def music(self, circuit: Circuit, media: tuple[Media, ...] | None) -> None:
        """Music from now on, or none; that which was on goes on until the new is at hand."""
        if circuit.music == media:
            return
        circuit.music = media
        if not media:
            self._plane.music(circuit.channel_id, None if media is None else ())
            return

        def fetched(clips: list[Clip] | None) -> None:
            if circuit.music is media:
                self._plane.music(circuit.channel_id, clips or ())

        self._fetch(media, fetched)


def _hears_early(circuit: Circuit) -> bool:
    """Whether a caller hears us before we answer."""
    return circuit.direction == "inbound" and circuit.early
