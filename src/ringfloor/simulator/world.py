"""World: what the center asks of it in a simulation: phones, speech, keys, functions.

Agents' phones are up at once, and customers who are called back answer. Speech takes as long as the
scenario says. Functions and bots answer what it says; those of which it says nothing fail. Waits
are estimated as by a server.
Answers become commands as those of a carrier do (node.outbox); one that comes too late is no news.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringfloor.base.time import MINUTE, SECOND, Duration
from ringfloor.domain import commands, dialogue
from ringfloor.engine import flows
from ringfloor.engine.effects import AskBot, Effect, EstimateWait, GatherSealed, InvokeFunction
from ringfloor.node import functions, outbox, wait_estimates
from ringfloor.simulator.people import BOT, People, chosen
from ringfloor.simulator.scenario import Bot, Function, Speech
from ringfloor.simulator.work import Work
from ringfloor.telephony import events as telephony
from ringfloor.telephony.commands import Gather, Media, Originate, Play


class World:
    """Everything around the center of a simulation."""

    def __init__(self, people: People, speech: Speech) -> None:
        self._people = people
        self._speech = speech
        self._deeds: Mapping[type[Effect], Callable[[Any], None]] = {
            Originate: self._originate,
            Play: self._play,
            Gather: self._gather,
            GatherSealed: lambda effect: self._work.do(outbox.unsealable(effect)),
            InvokeFunction: self._invoke,
            AskBot: self._invoke,
            EstimateWait: self._estimate,
        }

    @property
    def _work(self) -> Work:
        return self._people.work

    def perform(self, effect: Effect) -> None:
        """Do it; of all else nobody here takes notice."""
        deed = self._deeds.get(type(effect))
        if deed is not None:
            deed(effect)

    def _tell(self, event: telephony.Event) -> None:
        command = outbox.heard(event) if isinstance(event, telephony.ChannelEvent) else None
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
        contact_id = effect.gather_id.partition("/")[0]
        asked_by_bot = self._is_asked_by_bot(contact_id)
        keys, thinks = self._people.answer(contact_id, to_bot=asked_by_bot)
        heard = self._spoken(effect.media)
        typed = keys[: effect.max_digits]
        reason: telephony.GatherReason = (
            "max_digits" if len(keys) >= effect.max_digits else "terminator"
        )
        if not keys or thinks > effect.first_digit_ms:
            typed, reason, thinks = "", "first_digit_timeout", effect.first_digit_ms
        over = telephony.GatherFinished(effect.gather_id, effect.channel_id, typed, reason)
        self._later(heard + thinks, over)

    def _is_asked_by_bot(self, contact_id: str) -> bool:
        contact = self._work.center.contacts.get(contact_id)
        run = None if contact is None else contact.runs.get("customer")
        if run is None or run.session.action is None:
            return False
        action = flows.running(self._work.center, run).actions.get(run.session.action)
        return action is not None and action.type == BOT

    def _invoke(self, effect: InvokeFunction | AskBot) -> None:
        if isinstance(effect, InvokeFunction) and effect.asynchronous:
            return
        lasts, heard = self._answer(effect)
        command = commands.Hear(effect.contact_id, effect.ask, heard)
        if lasts:
            self._work.at(self._work.now + lasts, self._work.do, command)
        else:
            self._work.do(command)

    def _answer(self, effect: InvokeFunction | AskBot) -> tuple[Duration, dialogue.Heard]:
        """After how long a function or a bot says what. Late is as good as never."""
        scenario, chance = self._people.scenario, self._people.chance
        known: Mapping[str, Function | Bot] = scenario.bots
        names: tuple[str, ...] = ()
        if isinstance(effect, InvokeFunction):
            arn = functions.unqualified(effect.function_arn)
            known, names = scenario.functions, (effect.function_arn, arn, arn.rpartition(":")[2])
        else:
            names = effect.bot, functions.bot_id(effect.bot)
        name = next((each for each in names if each in known), None)
        if name is None:
            return 0, functions.FAILED
        found = known[name]
        whom, number = self._people.called(effect.contact_id)
        purpose = f"answer of {name}"
        lasts = found.takes.ms(chance.deal(whom, f"{purpose} takes", number))
        if lasts >= effect.timeout_ms:
            return effect.timeout_ms, functions.FAILED
        if chance.uniform(whom, f"{purpose} fails", number) < found.fails:
            return lasts, functions.FAILED
        luck = chance.uniform(whom, purpose, number)
        if isinstance(found, Function):
            numbered = {str(at): weight for at, (weight, _) in enumerate(found.answers)}
            return lasts, functions.answered(found.answers[int(chosen(numbered, luck))][1])
        intent = chosen(found.intents, luck)
        return lasts, functions.answered(understood(intent, found.says))

    def _estimate(self, effect: EstimateWait) -> None:
        asked = self._work.desk.about_waits()
        self._work.do(wait_estimates.answer(effect, *asked, self._work.now))

    def _spoken(self, media: Sequence[Media]) -> Duration:
        """How long it takes to hear all of it."""
        rate, total = self._speech.words_per_minute, 0.0
        for each in media:
            if each.kind == "prompt":
                total += self._speech.prompt_seconds * SECOND
            elif rate:
                total += len(each.value.split()) * MINUTE / rate
        return round(total)


def understood(intent: str, says: str) -> dict[str, Any]:
    """A reply of Lex V2 that is through with the customer."""
    spoken = [{"contentType": "PlainText", "content": says}] if says else []
    return {
        "sessionState": {
            "dialogAction": {"type": "Close"},
            "intent": {"name": intent, "state": "Fulfilled"},
        },
        "interpretations": [{"intent": {"name": intent}, "nluConfidence": {"score": 1.0}}],
        "messages": spoken,
    }
