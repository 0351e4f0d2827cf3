"""Bot talks: what flows have bots talk about with customers, and how that ends.

A conversation is one action of a flow, from the first that a bot is asked until the action is left.
A turn is one request and its answer. Outcomes, of a conversation those of its last intent:

    SUCCESS    the bot is through with the intent
    FAILED     it has given the intent up, fallen back to the fallback intent, or failed itself
    DROPPED    the customer did not answer, or has left
    SWITCHED   of an intent: the bot took another one up before

Called by projections.flow_runs. What the bot has said is read from $.Lex, as the flow has it
(flow.blocks.bots). Where nobody has said anything to the bot there is no conversation. Sources:
Amazon Connect administrator guide, bot metrics; Amazon Lex V2 developer guide, analytics.
"""

from collections.abc import Iterator
from typing import Any

from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, events
from ringfloor.domain.facts import BotConversation, BotOutcome
from ringfloor.flow.blocks.scene import STATE, as_record, checked_record
from ringfloor.flow.catalog import TIME_LIMIT
from ringfloor.projections.lives import Intent, Life, Run, Talk, keys

FALLBACK = frozenset({"FallbackIntent", "AMAZON.FallbackIntent"})
"""Names of the intent that a bot falls back to when it has not understood."""


def stepped(
    life: Life, run: Run, event: events.FlowStepped, at: Instant
) -> Iterator[BotConversation]:
    """The flow has made a step: the bot has answered, is asked, or is done with."""
    talk = run.talk
    if talk is not None:
        left = event.path[0] if event.path and event.path[0].action == talk.action_id else None
        if talk.asked and isinstance(event.heard, dialogue.Answer):
            lex = as_record(event.session.lex)
            if checked_record(event.heard.payload) is None:
                lex = {}  # it says what was heard before, perhaps of another bot
            _answered(talk, lex, None if left is None else left.outcome, at)
        talk.asked = False
        if left is not None:
            dropped = left.outcome == TIME_LIMIT and not talk.decided
            yield from _over(life, run, talk, "DROPPED" if dropped else "FAILED", at)
    if isinstance(event.ask, dialogue.InvokeBot):
        run.talk = run.talk or _begun(event.session.action or "", event.ask, at)
        run.talk.asked = True


def dropped(life: Life, run: Run, at: Instant) -> Iterator[BotConversation]:
    """The flow is over, and with it what was talked about."""
    if run.talk is not None:
        yield from _over(life, run, run.talk, "DROPPED", at)


def _begun(action_id: str, ask: dialogue.InvokeBot, at: Instant) -> Talk:
    bot_id, alias = ask.bot, as_record(ask.event.get("bot")).get("alias")
    if ask.bot.startswith("arn:"):  # ...:bot-alias/BOT/ALIAS
        bot_id, _, alias = ask.bot.partition("/")[2].partition("/")
    return Talk(action_id, bot_id, alias or None, at)


def _answered(talk: Talk, lex: dict[str, Any], result: str | None, at: Instant) -> None:
    """The bot has answered.

    lex: what the flow has understood of that; {}: nothing. result: by what the action was left
    thereupon; None: it goes on.
    """
    name = lex.get("IntentName")
    talk.turns += 1
    if isinstance(name, str) and name:
        _is_about(talk, name, at)
        talk.decided = result == name or as_record(lex.get(STATE)).get("result") is not None
    if talk.intents:
        talk.intents[-1].turns += 1
    if talk.decided:
        failed = lex.get("DialogState") == "Failed" or name in FALLBACK
        _decide(talk.intents[-1], "FAILED" if failed else "SUCCESS", at)


def _is_about(talk: Talk, name: str, at: Instant) -> None:
    before = talk.intents[-1] if talk.intents else None
    if before is not None and before.name == name:
        return
    if before is not None:
        _decide(before, "FAILED" if name in FALLBACK else "SWITCHED", at)
    talk.intents.append(Intent(name, at))


def _decide(intent: Intent, outcome: BotOutcome, at: Instant) -> None:
    intent.outcome, intent.until = outcome, at


def _over(
    life: Life, run: Run, talk: Talk, otherwise: BotOutcome, at: Instant
) -> Iterator[BotConversation]:
    """The talk and its intents. otherwise: how it ends if the bot was not through."""
    run.talk = None
    if talk.intents and not talk.decided:
        _decide(talk.intents[-1], otherwise, at)
    decided = talk.intents[-1].outcome if talk.decided else otherwise
    whole = Intent("", talk.since, talk.turns, at, decided)
    for each in (whole, *talk.intents):
        yield BotConversation(
            **{**keys(life), "queue_id": run.queue_id},
            bot_id=talk.bot_id,
            bot_alias=talk.alias,
            flow_id=run.flow_id,
            module_id=run.module_id,
            flow_type=run.flow_type,
            published_at=run.published_at,
            action_id=talk.action_id,
            flow_started_at=run.since,
            started_at=each.since,
            ended_at=each.until,
            turns=each.turns,
            intent=each.name or None,
            outcome=each.outcome,  # type: ignore[arg-type]  # decided by now
            conversation_outcome=decided,  # type: ignore[arg-type]  # a BotOutcome, too
        )
