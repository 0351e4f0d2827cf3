"""Jitter buffer: packets as they come, sound as it goes: one frame for each tick.

A leg puts what was received and takes one frame of 20 ms per tick. There is no clock in here: time
is the number of takes, and what the packets' timestamps say.

Rules
* Sound begins one tick after its first packet, with two frames there; so a packet may be 20 ms
  late, and ticks may fall between packets as they like.
* Packets lie in the order of their timestamps; any length of packet is cut into frames.
* A packet for a frame that was made up in its place is played late rather than not at all: all that
  comes after it is later too. That is how the buffer gets deeper, up to JITTER_DEPTH_MS_MAX; a
  packet that came after what follows it was played makes it deeper by one frame.
* The least that was left after a take, or before a packet out of order, over some seconds, tells
  what is not needed. So much is left out, frame by frame where it is silent; where it is never
  silent, two frames are blended into one. If nothing was left, a frame of silence is said twice.
  That serves a far end's clock that runs fast or slow as well.
* A missing frame repeats the last pitch period and fades (in the manner of G.711, appendix I), for
  60 ms; then there is silence, and after 200 ms the sound is over and begins anew with the next
  packet. After comfort noise (RFC 3389) and during keys nothing is made up: the far end is silent.
"""

from array import array
from bisect import insort

from ringfloor.base.limits import JITTER_DEPTH_MS_MAX, JITTER_REVIEW_FRAMES
from ringfloor.gateway.media.g711 import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    SILENCE,
    decode,
    likeness,
    mul,
    rms,
)

_DEPTH_MAX = JITTER_DEPTH_MS_MAX * 8
_DEEPER_MAX = _DEPTH_MAX - FRAME_SAMPLES
"""How deep it may be made at once: the next packet must not push another one out."""
_START = 2 * FRAME_SAMPLES
_START_TAKES = 2
_START_TAKES_MAX = 4
_TURN = 0x100000000
"""Of timestamps. They are unwrapped from here on, so that -1 stays free to say: none."""
_JUMP = 2 * 8_000
"""Samples between one packet and the next that mean that the clock has been set anew."""
_OVER_FRAMES = 10
_FADE_FRAMES = 3
_QUIET_RMS = 50
"""About -56 dB of full scale: what nobody misses, and G.711's own noise is less."""
_GROW_TAKES = 10
"""Between two frames by which the buffer gets deeper because of packets out of order."""

_TEMPLATE, _PITCH_MIN, _PITCH_MAX = 80, 40, 120
"""Samples: what is looked for again, and the periods of 200 and 66 Hz."""
_STEP = 20
_STEPS = FRAME_SAMPLES // _STEP
_FADE = tuple(
    tuple(
        min(1.0, max(0.0, 1.2 - 0.02 * (frame * FRAME_SAMPLES + step * _STEP) / 8))
        for step in range(_STEPS)
    )
    for frame in range(_FADE_FRAMES)
)
"""Louder for each 2.5 ms: whole for 10 ms, then 20 % less for each further 10 ms."""
_JOINT = 40

Piece = tuple[int, bytes, int]
"""Where it begins (samples, unwrapped), its samples, its payload type."""


class JitterBuffer:
    """The sound of one leg, between its socket and its listener."""

    __slots__ = (
        "_at",
        "_before",
        "_cycle",
        "_end",
        "_grown",
        "_hold",
        "_last",
        "_least",
        "_low",
        "_missed",
        "_pieces",
        "_played",
        "_quiet",
        "_shed",
        "_spare",
        "_takes",
        "_waited",
        "coded",
        "concealed",
        "dropped",
        "inserted",
        "late",
    )

    def __init__(self) -> None:
        self.late = 0
        """Packets that came too late to be heard, and those that were too many."""
        self.concealed = 0
        """Frames made up for missing ones."""
        self.dropped = 0
        """Frames left out to become shallower."""
        self.inserted = 0
        """Frames said twice to become deeper."""
        self._end = _TURN
        self._pieces: list[Piece] = []
        self._quiet = False
        self._takes = 0
        self._grown = -_GROW_TAKES
        self._stop()

    def _stop(self) -> None:
        """As before the first packet."""
        self._at = -1
        self.coded: Piece | None = None
        """What take has just answered, as it came; None: something was done to it."""
        self._played = 0
        self._waited = 0
        self._missed = 0
        self._before = self._last = SILENCE
        self._cycle = b""
        self._hold = self._low = False
        self._spare = self._shed = 0
        self._least = _DEPTH_MAX

    @property
    def depth_ms(self) -> int:
        """How much sound there is that has not been taken; none while what is missing is hidden."""
        if not self._pieces:
            return 0
        taken = self._at if self._at >= 0 else self._pieces[0][0]
        return max(0, self._end - taken) // 8

    def restart(self) -> None:
        """What comes next belongs to nothing before: another source."""
        self._pieces.clear()
        self._stop()

    def hush(self) -> None:
        """The far end says that it is silent, or presses a key: nothing is missing."""
        self._quiet = True

    def put(self, timestamp: int, data: bytes, payload_type: int) -> None:
        """One packet: its timestamp as on the wire, G.711, its payload type."""
        self._quiet = False
        ahead = (timestamp - self._end) & 0xFFFFFFFF
        if ahead >= _JUMP:
            ahead -= _TURN
            if ahead <= -_JUMP or (self._at < 0 and not self._pieces):
                self._begin(timestamp)
                ahead = 0
        begin = self._end + ahead
        if ahead >= 0:
            self._pieces.append((begin, data, payload_type))
            self._end = begin + len(data)
            if self._end - self._at > _DEPTH_MAX:
                self._trim()
        elif not self._put_back(begin, data, payload_type):
            return
        self._at = min(self._at, begin)

    def _begin(self, timestamp: int) -> None:
        """The sender's clock is new to us."""
        self.restart()
        self._end = timestamp + _TURN

    def _put_back(self, begin: int, data: bytes, payload_type: int) -> bool:
        """A packet out of order; whether it can still be played."""
        if self._at >= 0 and begin < self._played:
            self.late += 1
            helps = self._end - begin <= _DEEPER_MAX
            if helps and self._takes - self._grown >= _GROW_TAKES:
                self._grown, self._hold = self._takes, True
        elif self._end - begin > (_DEPTH_MAX if begin >= self._at else _DEEPER_MAX) or any(
            each[0] == begin for each in self._pieces
        ):
            self.late += 1
        else:
            insort(self._pieces, (begin, data, payload_type))
            if self._at >= 0:
                self._least = min(self._least, max(0, begin - self._at))
            return True
        return False

    def _trim(self) -> None:
        """The oldest give way, so that nothing is later than JITTER_DEPTH_MS_MAX."""
        begin = self._end - _DEPTH_MAX
        pieces = self._pieces
        while pieces and (pieces[0][0] if self._at < 0 else _end_of(pieces[0])) < begin:
            del pieces[0]
            self.late += 1
        if 0 <= self._at < begin:
            self._at = begin

    def take(self) -> bytes | None:
        """The next frame of pcm; None: nothing has come yet, or for long."""
        self.coded = None
        if self._at < 0 and not self._starts():
            return None
        self._takes += 1
        if self._hold:
            return self._held()
        pcm = self._read()
        if pcm is None:
            return self._made_up()
        if self._spare or self._low:
            pcm = self._fitted(pcm)
        if self._missed:
            pcm, self.coded = _joined(self._continued(), pcm), None
            self._missed, self._cycle = 0, b""
        self._played = self._at
        left = self._end - self._at
        self._least = min(self._least, left)
        if left < FRAME_SAMPLES:
            self._low = True
        if not self._takes % JITTER_REVIEW_FRAMES:
            self._review()
        self._before, self._last = self._last, pcm
        return pcm

    def _starts(self) -> bool:
        if not self._pieces:
            return False
        self._waited += 1
        first = self._pieces[0][0]
        enough = self._end - first >= _START and self._waited >= _START_TAKES
        if enough or self._waited >= _START_TAKES_MAX:
            self._at = self._played = first
            return True
        return False

    def _read(self) -> bytes | None:
        """The next frame, if any of it is there."""
        pieces, at = self._pieces, self._at
        if not pieces:
            return None
        begin, data, payload_type = piece = pieces[0]
        if begin == at and len(data) == FRAME_SAMPLES:
            del pieces[0]
            self.coded = piece
            self._at = at + FRAME_SAMPLES
            return decode(payload_type, data)
        return self._cut(at)

    def _cut(self, at: int) -> bytes | None:
        """A frame out of packets that are no frames; None, and the cursor stays: none of it."""
        end, pieces = at + FRAME_SAMPLES, self._pieces
        self.coded = None
        found = []
        while pieces and pieces[0][0] < end:
            begin, data, payload_type = pieces[0]
            piece = data[max(0, at - begin) : end - begin]
            if piece:
                found.append((max(0, begin - at), decode(payload_type, piece)))
            if begin + len(data) > end:
                break
            del pieces[0]
        if not found:
            return None
        self._at = end
        frame = bytearray(FRAME_BYTES)
        for offset, pcm in found:
            frame[2 * offset : 2 * offset + len(pcm)] = pcm
        return bytes(frame[:FRAME_BYTES])

    def _fitted(self, pcm: bytes) -> bytes:
        """Where it is silent: one frame left out if too many are there, or said twice if too few.

        A sound without silence gives up one frame of those that a review found too many.
        """
        if self._spare:
            more = self._end - self._at >= FRAME_SAMPLES
            if more and (self._shed or rms(pcm) < _QUIET_RMS):
                following = self._read()
                if following is not None:
                    self.dropped += 1
                    self._spare -= 1
                    if self._shed:
                        following, self.coded = _faded(pcm, following), None
                    self._shed, pcm = 0, following
        elif rms(pcm) < _QUIET_RMS:
            self._low, self._hold = False, True
        return pcm

    def _held(self) -> bytes:
        """A frame that is not taken from what is there."""
        self._hold = False
        self.inserted += 1
        if rms(self._last) < _QUIET_RMS:
            return self._last
        pcm = self._continued()
        self._missed += 1
        return pcm

    def _review(self) -> None:
        """What was never needed for some seconds is too much."""
        unused, too_many = self._spare, self._least // FRAME_SAMPLES - 1
        self._spare = max(0, (too_many + 1) // 2)
        self._shed = int(bool(unused and self._spare))
        self._least = _DEPTH_MAX

    def _made_up(self) -> bytes | None:
        """A frame for one that is missing."""
        if self._missed >= _OVER_FRAMES and not self._pieces:
            self._stop()
            return None
        self._at += FRAME_SAMPLES
        if self._quiet:
            self._missed = max(self._missed + 1, _FADE_FRAMES)
            return SILENCE
        pcm = self._continued()
        self._missed += 1
        self.concealed += 1
        return pcm

    def _continued(self) -> bytes:
        """How the last sound would go on: its last pitch period again and again, fading."""
        missed = self._missed
        if missed >= _FADE_FRAMES:
            return SILENCE
        if not self._cycle:
            self._cycle = _period(self._before + self._last)
        cycle = self._cycle
        phase = missed * FRAME_BYTES % len(cycle)
        sound = (cycle * (FRAME_BYTES // len(cycle) + 2))[phase : phase + FRAME_BYTES]
        size = 2 * _STEP
        return b"".join(
            mul(sound[step * size : (step + 1) * size], factor)
            for step, factor in enumerate(_FADE[missed])
        )


def _end_of(piece: Piece) -> int:
    return piece[0] + len(piece[1])


def _period(history: bytes) -> bytes:
    """The last pitch period of two frames: from where their end has been before."""
    end, size = len(history), 2 * _TEMPLATE
    template = history[-size:]

    def fits(period: int) -> float:
        begin = end - size - 2 * period
        return likeness(history[begin : begin + size], template)

    about = max(range(_PITCH_MIN, _PITCH_MAX + 1, 3), key=fits)
    return history[-2 * max(range(about - 1, about + 2), key=fits) :]


def _joined(old: bytes, new: bytes) -> bytes:
    """The new frame, its first 5 ms out of the old one."""
    size = 2 * _JOINT
    return _faded(old[:size], new[:size]) + new[size:]


def _faded(old: bytes, new: bytes) -> bytes:
    """Two sounds of the same length as one: out of the first into the second."""
    one, other = array("h", old), array("h", new)
    count = len(one)
    return array(
        "h",
        [
            (a * (count - n) + b * n) // count
            for n, (a, b) in enumerate(zip(one, other, strict=True))
        ],
    ).tobytes()
