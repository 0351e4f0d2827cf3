"""Mixing: who hears whom in a bridge.

Called by gateway.media.plane, once per tick. A participant is heard by everybody but himself; who
listens is heard by nobody; who whispers hears everybody and is heard by one. Sums are clipped. Two
who are alone hear each other without any arithmetic, and who says nothing costs nothing.
"""

from collections.abc import Sequence

from ringfloor.gateway.media import g711
from ringfloor.telephony.commands import BridgeRole, Sides


class Party:
    """One who may be in a bridge: what he says and hears in this tick; None is silence."""

    __slots__ = ("accompanied", "hears", "leg_id", "partner", "role", "says", "whisper_to")

    def __init__(self, leg_id: str) -> None:
        self.leg_id = leg_id
        self.role: BridgeRole = "participant"
        self.whisper_to = ""
        self.says: bytes | None = None
        self.hears: bytes | None = None
        self.partner: Party | None = None
        """The other one, of two who are alone."""
        self.accompanied = False
        """Whether somebody else in his bridge may be heard."""


def summed(frames: Sequence[bytes]) -> bytes | None:
    """All of them at once; None if there are none."""
    total = frames[0] if frames else None
    for frame in frames[1:]:
        total = g711.add(total, frame) if total is not None else frame
    return total


class Bridge:
    """A mixing point and who is in it."""

    __slots__ = ("_pair", "_participants", "_whisperers", "parties")

    def __init__(self) -> None:
        self.parties: dict[str, Party] = {}
        self._sort()

    def put(self, party: Party, role: BridgeRole, whisper_to: str) -> None:
        """Take somebody in, or give him another role."""
        party.role, party.whisper_to = role, whisper_to
        self.parties[party.leg_id] = party
        self._sort()

    def remove(self, leg_id: str) -> None:
        """Let somebody go."""
        gone = self.parties.pop(leg_id)
        gone.hears = gone.partner = None
        gone.accompanied = False
        self._sort()

    def _sort(self) -> None:
        everybody = list(self.parties.values())
        self._participants = [each for each in everybody if each.role == "participant"]
        self._whisperers = [each for each in everybody if each.role == "whisper"]
        heard = {each.leg_id for each in everybody if each.role != "listen"}
        for each in everybody:
            each.accompanied = bool(heard - {each.leg_id})
            each.partner = None
        self._pair = len(everybody) == len(self._participants) == 2
        if self._pair:
            one, other = everybody
            one.partner, other.partner = other, one

    def mix(self) -> None:
        """Say to all parties what they hear."""
        if self._pair:
            one, other = self._participants
            one.hears, other.hears = other.says, one.says
            return
        speakers = [each for each in self._participants if each.says is not None]
        frames = [each.says for each in speakers if each.says is not None]
        everybody = summed(frames)
        for party in self.parties.values():
            party.hears = everybody
        for speaker, others in zip(speakers, _others(frames), strict=True):
            speaker.hears = others
        for whisperer in self._whisperers:
            heard_by = self.parties.get(whisperer.whisper_to)
            if heard_by is not None and whisperer.says is not None:
                spoken = heard_by.hears
                heard_by.hears = (
                    whisperer.says if spoken is None else g711.add(spoken, whisperer.says)
                )

    def recorded(self, right: str, sides: Sides) -> tuple[bytes | None, bytes | None]:
        """Left and right of a recording: the participants but one, and that one."""
        lefts, one = [], None
        for each in self._participants:
            if each.leg_id == right:
                one = each.says
            elif each.says is not None:
                lefts.append(each.says)
        return (
            None if sides == "right" else summed(lefts),
            None if sides == "left" else one,
        )


def _others(frames: Sequence[bytes]) -> list[bytes | None]:
    """For each frame the sum of all the others: what comes before it, and what comes after."""
    after: list[bytes | None] = [None]
    for frame in reversed(frames[1:]):
        last = after[-1]
        after.append(frame if last is None else g711.add(frame, last))
    sums: list[bytes | None] = []
    before: bytes | None = None
    for frame, rest in zip(frames, reversed(after), strict=False):
        if before is None:
            sums.append(rest)
            before = frame
        else:
            sums.append(before if rest is None else g711.add(before, rest))
            before = g711.add(before, frame)
    return sums
