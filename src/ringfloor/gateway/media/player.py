"""Player: clips one after the other, cut into frames, without a gap between them.

Called by gateway.media.plane, which asks for one frame per tick. The sound lasts exactly as long as
its clips; only the last frame is filled up with silence.
"""

from collections.abc import Sequence

from ringfloor.gateway.media.g711 import FRAME_BYTES
from ringfloor.gateway.media.sounds import Clip


class Player:
    """What plays, and how far it is. loop: from the start again, for ever."""

    __slots__ = ("_at", "_clip", "_loop", "_offset", "_pcm", "clips", "over")

    def __init__(self, clips: Sequence[Clip], loop: bool = False) -> None:
        self.clips = tuple(clips)
        self._pcm = [each.pcm[: len(each.pcm) & ~1] for each in clips if len(each.pcm) > 1]
        self._loop = loop
        self._clip = 0
        self._offset = 0
        self.over = not self._pcm
        """Whether there is no further frame."""

    def frame(self) -> bytes | None:
        """The next 20 ms; None: it is over."""
        if self.over:
            return None
        pcm, end = self._pcm[self._clip], self._offset + FRAME_BYTES
        if end < len(pcm):
            frame = pcm[self._offset : end]
            self._offset = end
            return frame
        return self._across()

    def _across(self) -> bytes:
        """A frame in which a clip ends."""
        frame = b""
        while len(frame) < FRAME_BYTES and not self.over:
            pcm = self._pcm[self._clip]
            part = pcm[self._offset : self._offset + FRAME_BYTES - len(frame)]
            frame += part
            self._offset += len(part)
            if self._offset == len(pcm):
                self._next()
        return frame.ljust(FRAME_BYTES, b"\0")

    def _next(self) -> None:
        self._clip, self._offset = self._clip + 1, 0
        if self._clip == len(self._pcm):
            self._clip = 0
            self.over = not self._loop
