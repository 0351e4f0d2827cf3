"""World: what the center asks of it in a simulation: phones, speech, keys, functions.

Agents' phones are up at once, and customers who are called back answer. Speech takes as long as the
scenario says. Functions and bots fail, as they do where nobody has said what stands behind them.
Answers become commands as those of a carrier do (node.outbox); one that comes too late is no news.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringfloor.base.time import MINUTE, SECOND, Duration
from ringfloor.domain import commands
from ringfloor.engine.effects import AskBot, Effect, GatherSealed, InvokeFunction
from ringfloor.node import functions, outbox
from ringfloor.simulator.clockwork import Clockwork
from ringfloor.simulator.people import People
from ringfloor.simulator.scenario import Speech
from ringfloor.telephony import events as telephony
from ringfloor.telephony.commands import Gather, Media, Originate, Play


class World:
    """Everything around the center of a simulation."""

    def __init__(self, work: Clockwork, people: People, speech: Speech) -> None:
        self._work = work
        self._people = people
        self._speech = speech
        self._deeds: Mapping[type[Effect], Callable[[Any], None]] = {
            Originate: self._originate,
            Play: self._play,
            Gather: self._gather,
            GatherSealed: lambda effect: work.do(outbox.unsealable(effect)),
            InvokeFunction: self._invoke,
            AskBot: self._invoke,
        }
        work.perform = self.perform

    def perform(self, effect: Effect) -> None:
        """Do it; of all else nobody here takes notice."""
        deed = self._deeds.get(type(effect))
        if deed is not None:
            deed(effect)

    def _tell(self, event: telephony.Event) -> None:
        command = outbox.heard(event)
        if command is not None:
            self._work.do(command)

    def _later(self, lasts: Duration, event: telephony.Event) -> None:
        if lasts:
            self._work.at(self._work.now + lasts, self._tell, event)
        else:
            self._tell(event)

    def _originate(self, effect: Originate) -> None:
        self._tell(telephony.ChannelAnswered(effect.channel_id))

    def _play(self, effect: Play) -> None:
        if not effect.loop:
            over = telephony.PlaybackFinished(effect.playback_id, effect.channel_id, "eof")
            self._later(self._spoken(effect.media), over)

    def _gather(self, effect: Gather) -> None:
        """The customer hears it out, thinks, and presses; or nothing."""
        contact_id = effect.gather_id.rpartition("/")[0]
        keys, thinks = self._people.answer(contact_id)
        heard = self._spoken(effect.media)
        typed = keys[: effect.max_digits]
        reason: telephony.GatherReason = (
            "max_digits" if len(keys) >= effect.max_digits else "terminator"
        )
        if not keys or thinks > effect.first_digit_ms:
            typed, reason, thinks = "", "first_digit_timeout", effect.first_digit_ms
        over = telephony.GatherFinished(effect.gather_id, effect.channel_id, typed, reason)
        self._later(heard + thinks, over)

    def _invoke(self, effect: InvokeFunction | AskBot) -> None:
        if not (isinstance(effect, InvokeFunction) and effect.asynchronous):
            self._work.do(commands.Hear(effect.contact_id, effect.ask, functions.FAILED))

    def _spoken(self, media: Sequence[Media]) -> Duration:
        """How long it takes to hear all of it."""
        rate, total = self._speech.words_per_minute, 0.0
        for each in media:
            if each.kind == "prompt":
                total += self._speech.prompt_seconds * SECOND
            elif rate:
                total += len(each.value.split()) * MINUTE / rate
        return round(total)
