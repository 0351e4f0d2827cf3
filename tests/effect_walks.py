"""Effect walks: what the world must do, line by line, for what happens in a center.

    walk(center, '''
        a1 accepts c1     Originate c1/agent agent:a1
        c1 up             Play c1/agent
    ''')

A line is a command in the words of engine_builders.VERBS, and all effects that it has, in order.
"""

import re
from collections.abc import Mapping
from difflib import ndiff

from engine_builders import Driver
from ringfloor.base.errors import Refusal
from ringfloor.domain.commands import Command
from ringfloor.engine.effects import Effect, outstanding
from ringfloor.engine.engine import Done
from ringfloor.telephony import commands as telephony

SHOWN: Mapping[type, tuple[str, ...]] = {
    telephony.Originate: ("channel_id", "to"),
    telephony.AddToBridge: ("bridge_id", "channel_id"),
    telephony.RemoveFromBridge: ("bridge_id", "channel_id"),
    telephony.CreateBridge: ("bridge_id",),
    telephony.DestroyBridge: ("bridge_id",),
    telephony.SendDigits: ("channel_id", "digits"),
    telephony.StartRecording: ("right", "bridge_id", "sides"),
    telephony.PauseRecording: ("recording_id",),
    telephony.ResumeRecording: ("recording_id",),
    telephony.StopRecording: ("recording_id",),
    telephony.StopPlayback: (),
}
"""What a walk tells of an effect besides its name; of any other the channel."""


def told(center: Driver, effect: Effect) -> str:
    """An effect in words, ids by their aliases."""
    words = [type(effect).__name__]
    words += [getattr(effect, name) for name in SHOWN.get(type(effect), ("channel_id",))]
    if isinstance(effect, telephony.AddToBridge) and effect.role != "participant":
        words.append(effect.role)
    text = " ".join(words)
    for identifier, alias in center.aliases.items():
        text = text.replace(identifier, alias)
    return text


def walk(center: Driver, text: str, **also: Command) -> None:
    """Do what the lines say, and hold what the world must do against them."""
    effects: list[Effect] = []

    def watch(_command: Command, done: Done | Refusal) -> None:
        effects.extend(done.effects if isinstance(done, Done) else ())

    center.watch = watch
    wanted, found = [], []
    for words, expected in _lines(text):
        effects.clear()
        center._play(words, also)
        told_now = "; ".join(told(center, each) for each in effects) or "-"
        wanted.append(f"{words:<24}{expected}")
        found.append(f"{words:<24}{told_now}")
    center.watch = lambda _command, _done: None
    assert found == wanted, "\n".join(["", *ndiff(wanted, found)])
    center.check_history()


def _lines(text: str) -> list[tuple[str, str]]:
    """(command, effects) of each line; one that begins with a type's name goes on."""
    lines: list[list[str]] = []
    for raw in text.strip().splitlines():
        line = raw.strip()
        if re.match(r"[A-Z]\w+( |$)", line):
            lines[-1][1] = f"{lines[-1][1]} {line}".strip()
        else:
            words, expected = (*re.split(r"\s{2,}", line, maxsplit=1), "")[:2]
            lines.append([words, expected])
    return [(words, expected) for words, expected in lines]


def standing(center: Driver) -> list[str]:
    """What the world is told after a restart."""
    return [told(center, each) for each in outstanding(center.center)]
