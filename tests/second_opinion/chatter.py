"""Chatter: histories in which customers talk with bots of flows and modules, at random.

Flows are taken step by step by the interpreter; what customers and bots say is thrown with dice:
intents, switches, fallbacks, nonsense, silence.
"""

from itertools import count
from random import Random
from typing import Any

from flow_builders import VIEW, a_flow, an_action
from metric_histories import Legs, Told, statuses, user
from ringfloor.base.time import Instant
from ringfloor.domain import dialogue, events
from ringfloor.domain.dialogue import Answer, Failed, Heard, Said
from ringfloor.flow.interpreter import begin, step

LEX = "ConnectParticipantWithLexBot"
V2 = {"Text": "How can I help?", "LexV2Bot": {"AliasArn": "arn:aws:lex:eu-west-1:1:bot-alias/B/A"}}
V1 = {"Text": "Hi", "LexBot": {"Name": "Orders", "Region": "eu-west-1", "Alias": "live"}}
ERRORS = ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded")


def bots(first: dict[str, Any], second: dict[str, Any]) -> Any:
    """A flow of two conversations: whatever becomes of the first, the second follows."""
    following = an_action(LEX, second, identifier="NoMatchingError", errors=ERRORS[1:])
    return a_flow(an_action(LEX, first, then="NoMatchingError", errors=ERRORS), following)


FLOWS = (bots(V2, V1), bots(V1, V2), bots(V2, V2))


def reply(dice: Random) -> Heard:
    """What a bot says."""
    if dice.random() < 0.1:
        return dice.choice((Answer("nonsense"), Answer(["?"]), Failed("NoMatchingError")))
    name = dice.choice(("Order", "Order", "Help", "FallbackIntent", None))
    state = dice.choice(("Fulfilled", "ReadyForFulfillment", "Failed", "InProgress"))
    kind = dice.choice(("ElicitSlot", "ElicitSlot", "ConfirmIntent", "ElicitIntent", "Close"))
    words = dice.choice(("", "Well."))
    if dice.random() < 0.3:
        done = kind if kind != "Close" else state
        return Answer({"intentName": name, "dialogState": done, "message": words})
    intent = {} if name is None else {"intent": {"name": name, "state": state}}
    said = {"dialogAction": {"type": kind}, **intent}
    messages = [{"contentType": "PlainText", "content": words}] if words else []
    return Answer({"sessionState": said, "messages": messages})


def heard(ask: Any, dice: Random) -> Heard | None:
    """None: the customer is gone."""
    if dice.random() < 0.06:
        return None
    match ask:
        case dialogue.InvokeBot():
            return reply(dice)
        case dialogue.Receive():
            return Said("hello") if dice.random() < 0.85 else Failed("InputTimeLimitExceeded")
        case dialogue.Gather():
            return dialogue.Digits(dice.choice(("1", "1", "1", "")), "terminator")
        case dialogue.Play():
            return dialogue.Done()
    return None


def published(identifier: str, kind: str) -> events.Event:
    properties = {"Name": identifier, "Type": "CONTACT_FLOW", "Content": "{}"}
    return events.ResourceCreated(kind, identifier, properties | {"Status": "PUBLISHED"}, {})


def chatter(dice: Random, begun: Instant, contacts: int = 12) -> list[Told]:
    legs, numbers = Legs(), count()
    told: list[Told] = [
        (each, begun)
        for each in (
            *statuses(),
            user("Ann", "p"),
            published("f", "contact_flow"),
            published("g", "contact_flow"),
            published("m", "contact_flow_module"),
        )
    ]
    at = begun
    for _ in range(contacts):
        name, flow = f"b{next(numbers)}", dice.choice(FLOWS)
        channel = dice.choice(("CHAT", "CHAT", "VOICE", "TASK"))
        at += dice.choice((0, 1, 61_000))
        told.append((legs.begin(name, at, channel, "API" if channel != "VOICE" else "INBOUND"), at))
        told.append((events.FlowEntered(name, dice.choice("fg")), at))
        in_module = dice.random() < 0.3
        if in_module:
            told.append((events.ModuleEntered(name, "m", {}), at))
        session, said = begin("f"), None
        while True:
            taken = step(flow, session, said, VIEW | {"Channel": channel})
            written, as_before = dialogue.changed(taken.session, session)
            so = (taken.ask, None, "customer", said, taken.path, taken.action_type, as_before)
            told.append((events.FlowStepped(name, written, *so), at))
            session, said = taken.session, heard(taken.ask, dice)
            at += dice.choice((0, 1, 999, 30_000))
            if said is None:
                break
        if in_module and dice.random() < 0.5:
            told.append((events.ModuleLeft(name, dialogue.Done()), at))
        if dice.random() < 0.9:
            told += [(event, at) for event in legs.end(name, at)]
    return told
