"""Talks: what flows have bots talk about with customers, for the second opinion.

What a bot has said is read from its answer itself, in the form of Lex V2 or V1; words of the
administrator guide's page on metrics of bots. Told by story, for each run of a flow.
"""

from dataclasses import dataclass, field
from typing import Any

from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, events

GOES_ON = ("ElicitIntent", "ElicitSlot", "ConfirmIntent")
FALLBACK = ("FallbackIntent", "AMAZON.FallbackIntent")


@dataclass
class Goal:
    """An intent that a bot has taken up in a talk."""

    talk: "Talk"
    name: str
    since: Instant
    turns: int = 0
    end: str = ""


@dataclass
class Talk:
    """From the first that one action has a bot asked until the action is left."""

    run: Any
    action: str
    bot: str
    alias: str | None
    since: Instant
    waits: bool = True
    """For the bot's answer."""
    turns: int = 0
    goals: list[Goal] = field(default_factory=list)
    through: bool = False
    until: Instant | None = None
    end: str = ""

    def answers(self, said: Any, at: Instant) -> None:
        self.turns += 1
        name, kind, state = understood(said)
        if name:
            if self.goals and self.goals[-1].name != name:
                self.goals[-1].end = "FAILED" if name in FALLBACK else "SWITCHED"
            if not self.goals or self.goals[-1].name != name:
                self.goals.append(Goal(self, name, at))
        if self.goals:
            self.goals[-1].turns += 1
        if name and kind not in GOES_ON:
            self.through = True
            self.goals[-1].end = "FAILED" if state == "Failed" or name in FALLBACK else "SUCCESS"

    def over(self, otherwise: str, at: Instant) -> None:
        """otherwise: how it ends if the bot was not through."""
        if self.goals and not self.through:
            self.goals[-1].end = otherwise
        self.until = at
        self.end = self.goals[-1].end if self.through else otherwise


def understood(said: Any) -> tuple[str, str, str]:
    """Intent, what is to be done next, and how the intent stands."""
    if not isinstance(said, dict):
        return "", "", ""
    if "sessionState" in said:
        intent = said["sessionState"].get("intent") or {}
        next_ = said["sessionState"].get("dialogAction") or {}
        return intent.get("name") or "", next_.get("type") or "", intent.get("state") or ""
    state = said.get("dialogState") or ""
    return said.get("intentName") or "", state, state


def step(run: Any, event: events.FlowStepped, at: Instant) -> Talk | None:
    """What a step of the flow says of a talk; the talk, if it begins one."""
    talk: Talk | None = run.talk
    if talk is not None:
        if talk.waits and isinstance(event.heard, dialogue.Answer):
            talk.answers(event.heard.payload, at)
        talk.waits = False
        left = [each.outcome for each in event.path if each.action == talk.action]
        if left:
            talk.over("DROPPED" if left[0] == "InputTimeLimitExceeded" else "FAILED", at)
            run.talk = None
    if not isinstance(event.ask, dialogue.InvokeBot):
        return None
    if run.talk is not None:
        run.talk.waits = True
        return None
    alias: str | None
    if "bot-alias/" in event.ask.bot:
        _, bot, alias = event.ask.bot.split("/")
    else:
        bot, alias = event.ask.bot, event.ask.event["bot"]["alias"]
    run.talk = Talk(run, event.session.action or "", bot, alias, at)
    return run.talk


def leave(run: Any, at: Instant) -> None:
    """The flow is over."""
    if run.talk is not None:
        run.talk.over("DROPPED", at)
        run.talk = None
