"""GetMetricDataV2 against a second opinion: plain loops over facts, which share none of its code.

Every metric that has data, with its own filters and thresholds, by groupings, filters, intervals
and time zones that hypothesis draws, over facts that it makes up, many exactly on borders.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfloor.domain import facts as f
from ringfloor.domain.facts import Fact
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.node.history import History
from ringfloor.projections.historical_metrics import METRICS_V2
from ringfloor.projections.metric_data_v2_request import AUTHORISING, QueryV2, parse

MINUTE = 60_000
# The clocks of New York are put forward within it.
START = 1_710_043_200_000  # 2024-03-10 04:00 UTC
END = START + 6 * 60 * MINUTE + 7 * MINUTE
NOW = END + 1_000_000
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
PERIODS = ("FIFTEEN_MIN", "THIRTY_MIN", "HOUR", "DAY", "WEEK", "TOTAL")
SUBTYPE = "contact/segmentAttributes/connect:Subtype"
STEP = '{"AttributeCondition":{"Name":"Tier"}}'

# The second opinion: what each metric means, over the facts of one row.

Facts = list[Any]
PLAIN: dict[str, tuple[str, Callable[[Facts], float | None]]] = {}
"""By metric: the kind of facts, and the value."""


def metric(kind: str, name: str) -> Callable[[Callable[[Facts], float | None]], None]:
    def put(value: Callable[[Facts], float | None]) -> None:
        PLAIN[name] = kind, value

    return put


def number(kind: str, name: str, wanted: Callable[[Any], Any]) -> None:
    metric(kind, name)(lambda facts: float(sum(bool(wanted(fact)) for fact in facts)))


def average(kind: str, name: str, term: Callable[[Any], int | None], per: int = 1000) -> None:
    def value(facts: Facts) -> float | None:
        there = [found for fact in facts if (found := term(fact)) is not None]
        return sum(there) / (len(there) * per) if there else None

    metric(kind, name)(value)


def total(kind: str, name: str, term: Callable[[Any], int | None]) -> None:
    metric(kind, name)(lambda facts: sum(term(fact) or 0 for fact in facts) / 1000)


def share(kind: str, name: str, part: Callable[[Any], Any], whole: Callable[[Any], Any]) -> None:
    def value(facts: Facts) -> float | None:
        of = sum(bool(whole(fact)) for fact in facts)
        return 100 * sum(bool(part(fact)) for fact in facts) / of if of else None

    metric(kind, name)(value)


def quotient(name: str, term: str, per: str, scale: int) -> None:
    def value(facts: Facts) -> float | None:
        chats = [leg for leg in facts if leg.channel == "CHAT"]
        under = sum(getattr(leg, per) or 0 for leg in chats)
        return sum(getattr(leg, term) or 0 for leg in chats) / (under * scale) if under else None

    metric("leg", name)(value)


def queued(leg: f.Leg) -> bool:
    return leg.enqueued_at is not None


def handled(leg: f.Leg) -> bool:
    return leg.connected_to_agent_at is not None


def moved(leg: f.Leg) -> bool:
    return leg.transfer_completed_at is not None


def moved_from_queue(leg: f.Leg) -> bool:
    return moved(leg) and leg.pre_disconnect_state == "IN_QUEUE"


def abandoned(leg: f.Leg) -> bool:
    gone = leg.next_contact_id is not None or moved_from_queue(leg)
    return queued(leg) and not handled(leg) and not gone


def on_hold(leg: f.Leg) -> bool:
    return leg.pre_disconnect_state == "CONNECTED_ONHOLD"


def wait(leg: f.Leg) -> int | None:
    if leg.enqueued_at is None or leg.dequeued_at is None:
        return None
    return leg.dequeued_at - leg.enqueued_at


def parts(leg: f.Leg, *names: str) -> list[int]:
    values = (getattr(leg, name) for name in names)
    return [value for value in values if value is not None]


HELD = ("interaction_ms", "hold_ms")
ACTIVE = (*HELD, "after_contact_work_ms")
HANDLED = (*ACTIVE, "pause_ms")


def present(*names: str) -> Callable[[f.Leg], int | None]:
    """The sum of what is there; None if nothing is."""
    return lambda leg: sum(there) if (there := parts(leg, *names)) else None


def resolution(leg: f.Leg) -> int:
    ended = max(leg.after_contact_work_ended_at or 0, leg.disconnected_at)
    return max(0, ended - leg.initiated_at)


def flow_time(leg: f.Leg) -> int:
    if leg.initiation_method not in ("INBOUND", "TRANSFER", "QUEUE_TRANSFER", "API"):
        return 0
    ends = (leg.enqueued_at, leg.transfer_completed_at, leg.disconnected_at)
    end = next(instant for instant in ends if instant is not None)
    begun = leg.connected_to_system_at
    return 0 if begun is None else max(0, end - begun)


def after_callback(leg: f.Leg) -> int | None:
    begun = leg.connected_to_system_at
    if leg.initiation_method != "CALLBACK_CUSTOMER_FIRST_DIALED" or begun is None:
        return None
    joined = leg.connected_to_agent_at
    return (leg.disconnected_at if joined is None else joined) - begun


def since(later: str, earlier: str) -> Callable[[Any], int | None]:
    def term(fact: Any) -> int | None:
        ends = getattr(fact, later), getattr(fact, earlier)
        return None if None in ends else ends[0] - ends[1]

    return term


def of_chat(term: Callable[[f.Leg], int | None]) -> Callable[[f.Leg], int | None]:
    return lambda leg: term(leg) if leg.channel == "CHAT" else None


number("leg", "CONTACTS_CREATED", lambda _: True)
number("leg", "CONTACTS_QUEUED", queued)
number("leg", "CONTACTS_HANDLED", handled)
number("leg", "CONTACTS_ABANDONED", abandoned)
number("leg", "CONTACTS_HOLD_ABANDONS", lambda leg: handled(leg) and on_hold(leg))
number("leg", "CONTACTS_PUT_ON_HOLD", lambda leg: leg.holds)
for who in ("AGENT", "CUSTOMER"):
    reason = f"{who}_DISCONNECT"
    number(
        "leg",
        f"CONTACTS_ON_HOLD_{reason}",
        lambda leg, reason=reason: on_hold(leg) and leg.disconnect_reason == reason,
    )
number("leg", "CONTACTS_TRANSFERRED_OUT", moved)
number("leg", "CONTACTS_TRANSFERRED_OUT_BY_AGENT", lambda leg: moved(leg) and handled(leg))
number("leg", "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE", moved_from_queue)
number(
    "leg",
    "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
    lambda leg: moved(leg) and handled(leg) and leg.transferred_to,
)
number(
    "leg",
    "CONTACTS_TRANSFERRED_OUT_INTERNAL",
    lambda leg: moved(leg) and handled(leg) and not leg.transferred_to,
)
number("leg", "SUM_CONTACTS_DISCONNECTED", lambda leg: leg.pre_disconnect_state == "IN_QUEUE")
number(
    "leg",
    "SUM_RETRY_CALLBACK_ATTEMPTS",
    lambda leg: (
        leg.initiation_method == "CALLBACK"
        and not handled(leg)
        and leg.next_contact_id
        and not moved_from_queue(leg)
    ),
)
share("leg", "ABANDONMENT_RATE", abandoned, queued)
average("leg", "AVG_ABANDON_TIME", lambda leg: wait(leg) if abandoned(leg) else None)
average(
    "leg",
    "AVG_ACTIVE_TIME",
    lambda leg: sum(parts(leg, *ACTIVE)) if any(n > 0 for n in parts(leg, *ACTIVE)) else None,
)
average(
    "leg",
    "AVG_AFTER_CONTACT_WORK_TIME",
    lambda leg: (leg.after_contact_work_ms or 0) if handled(leg) else None,
)
average("leg", "AVG_AGENT_PAUSE_TIME", lambda leg: leg.pause_ms or None)
average("leg", "AVG_CONTACT_DURATION", since("disconnected_at", "initiated_at"))
average("leg", "AVG_HANDLE_TIME", present(*HANDLED))
average("leg", "AVG_HOLD_TIME", lambda leg: leg.hold_ms if handled(leg) and leg.holds else None)
average(
    "leg", "AVG_HOLD_TIME_ALL_CONTACTS", lambda leg: (leg.hold_ms or 0) if handled(leg) else None
)
average("leg", "AVG_HOLDS", lambda leg: leg.holds, per=1)
average("leg", "AVG_INTERACTION_AND_HOLD_TIME", present(*HELD))
average("leg", "AVG_INTERACTION_TIME", lambda leg: leg.interaction_ms if handled(leg) else None)
average("leg", "AVG_QUEUE_ANSWER_TIME", lambda leg: wait(leg) if handled(leg) else None)
average("leg", "AVG_RESOLUTION_TIME", resolution)
average(
    "leg",
    "AVG_QUEUE_ANSWER_TIME_CUSTOMER_FIRST_CALLBACK",
    lambda leg: leg.callback_wait_ms if handled(leg) else None,
)
average("leg", "AVG_WAIT_TIME_AFTER_CUSTOMER_FIRST_CALLBACK_CONNECTION", after_callback)
metric("leg", "MAX_QUEUED_TIME")(
    lambda legs: (
        max((w for leg in legs if (w := wait(leg)) is not None), default=-1000) / 1000
        if any(wait(leg) is not None for leg in legs)
        else None
    )
)
total("leg", "SUM_AFTER_CONTACT_WORK_TIME", lambda leg: leg.after_contact_work_ms)
total("leg", "SUM_CONTACT_FLOW_TIME", flow_time)
total("leg", "SUM_HANDLE_TIME", present(*HANDLED))
total("leg", "SUM_HOLD_TIME", lambda leg: leg.hold_ms if handled(leg) else None)
total("leg", "SUM_INTERACTION_AND_HOLD_TIME", present(*HELD))
total("leg", "SUM_INTERACTION_TIME", lambda leg: leg.interaction_ms if handled(leg) else None)

THRESHOLDS = (1, 15, 20)
for comparison, below in (("LT", 0), ("LTE", 1)):
    for seconds in THRESHOLDS:
        limit, label = seconds * 1000 + below, f" {comparison} {seconds}"

        def quick(leg: f.Leg, limit: int = limit) -> bool:
            waited = wait(leg)
            return waited is not None and waited < limit

        number("leg", f"CONTACTS_REMOVED_FROM_QUEUE_IN_X{label}", quick)
        share("leg", f"SERVICE_LEVEL{label}", quick, queued)
        number(
            "leg",
            f"CONTACTS_RESOLVED_IN_X{label}",
            lambda leg, limit=limit: resolution(leg) < limit,
        )
        number(
            "leg",
            f"SUM_CONTACTS_ABANDONED_IN_X{label}",
            lambda leg, quick=quick: abandoned(leg) and quick(leg),
        )
        number(
            "leg",
            f"SUM_CONTACTS_ANSWERED_IN_X{label}",
            lambda leg, quick=quick: handled(leg) and quick(leg),
        )

for name, term in {
    "AVG_CONTACT_FIRST_RESPONSE_TIME_AGENT": since("first_response_at", "enqueued_at"),
    "AVG_CONVERSATION_CLOSE_TIME": lambda leg: leg.conversation_close_ms,
    "AVG_FIRST_RESPONSE_TIME_AGENT": since("first_response_at", "connected_to_agent_at"),
}.items():
    average("leg", name, of_chat(term))
for name, field in {
    "AVG_MESSAGES": "messages",
    "AVG_MESSAGES_AGENT": "agent_messages",
    "AVG_MESSAGES_BOT": "bot_messages",
    "AVG_MESSAGES_CUSTOMER": "customer_messages",
}.items():
    average("leg", name, of_chat(lambda leg, field=field: getattr(leg, field)), per=1)
for side in ("agent", "customer"):
    quotient(f"AVG_MESSAGE_LENGTH_{side.upper()}", f"{side}_characters", f"{side}_messages", 1)
    quotient(f"AVG_RESPONSE_TIME_{side.upper()}", f"{side}_response_ms", f"{side}_responses", 1000)
number(
    "leg",
    "CONVERSATIONS_ABANDONED",
    lambda leg: leg.channel == "CHAT" and leg.conversation_abandoned,
)

LOST = ("missed", "rejected", "customer_left")
number("offer", "AGENT_NON_RESPONSE", lambda offer: offer.outcome in LOST)
number(
    "offer",
    "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS",
    lambda offer: offer.outcome in LOST[:2] and offer.channel == "VOICE",
)
share(
    "offer",
    "AGENT_ANSWER_RATE",
    lambda offer: offer.outcome == "accepted",
    lambda offer: offer.outcome in (*LOST, "accepted"),
)
average("offer", "AVG_AGENT_CONNECTING_TIME", since("ended_at", "offered_at"))
total("offer", "SUM_CONNECTING_TIME_AGENT", since("ended_at", "offered_at"))


# Of stretches, a fact is a piece within the row's interval: (the fact, its beginning, its end).
def online(name: str, wanted: Callable[[f.AgentTime], bool]) -> None:
    total("agent_time", name, lambda piece: piece[2] - piece[1] if wanted(piece[0]) else None)


online("SUM_CONTACT_TIME_AGENT", lambda time: time.kind == "contact")
online("SUM_IDLE_TIME_AGENT", lambda time: time.kind == "idle")
online("SUM_NON_PRODUCTIVE_TIME_AGENT", lambda time: time.kind == "non_productive")
online("SUM_ONLINE_TIME_AGENT", lambda _: True)
online("SUM_ERROR_STATUS_TIME_AGENT", lambda time: time.in_error)


@metric("agent_time", "AGENT_OCCUPANCY")
def occupancy(pieces: Facts) -> float | None:
    available = sum(e - s for time, s, e in pieces if time.kind != "non_productive")
    contact = sum(e - s for time, s, e in pieces if time.kind == "contact")
    return contact / available if available else None


@metric("hand_time", "AVG_AGENT_CONCURRENCY")
def concurrency(pieces: Facts) -> float | None:
    together = 0
    for agent in {hand.agent_id for hand, _, _ in pieces}:
        mine = [(s, e) for hand, s, e in pieces if hand.agent_id == agent]
        ends = sorted({instant for piece in mine for instant in piece})
        together += sum(
            ends[n + 1] - ends[n]
            for n in range(len(ends) - 1)
            if any(s <= ends[n] and ends[n + 1] <= e for s, e in mine)
        )
    return sum(e - s for _, s, e in pieces) / together if together else None


number("occurrence", "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT", lambda one: one.kind == "connected")
number("occurrence", "CONTACTS_QUEUED_BY_ENQUEUE", lambda one: one.kind == "enqueued")
for outcome in ("expired", "joined"):
    share(
        "step",
        f"PERCENT_CONTACTS_STEP_{outcome.upper()}",
        lambda step, outcome=outcome: step.outcome == outcome,
        lambda _: True,
    )
number("step", "STEP_CONTACTS_QUEUED", lambda _: True)

lasted = since("ended_at", "started_at")


def longest(name: str, choose: Callable[[Iterable[int]], int]) -> None:
    def value(flows: Facts) -> float | None:
        there = [found for flow in flows if (found := lasted(flow)) is not None]
        return choose(there) / 1000 if there else None

    metric("flow", name)(value)


number("flow", "FLOWS_STARTED", lambda _: True)
number("flow", "FLOWS_OUTCOME", lambda flow: flow.ended_at is not None)
share("flow", "PERCENT_FLOWS_OUTCOME", lambda flow: flow.ended_at, lambda flow: flow.ended_at)
average("flow", "AVG_FLOW_TIME", lasted)
longest("MAX_FLOW_TIME", max)
longest("MIN_FLOW_TIME", min)


def whole(bot: f.BotConversation) -> bool:
    return bot.intent is None


average("bot", "AVG_BOT_CONVERSATION_TIME", lambda bot: lasted(bot) if whole(bot) else None)
average("bot", "AVG_BOT_CONVERSATION_TURNS", lambda bot: bot.turns if whole(bot) else None, per=1)
number("bot", "BOT_CONVERSATIONS_COMPLETED", whole)
number("bot", "BOT_INTENTS_COMPLETED", lambda bot: bot.intent)
share("bot", "PERCENT_BOT_CONVERSATIONS_OUTCOME", whole, whole)
share("bot", "PERCENT_BOT_INTENTS_OUTCOME", lambda bot: bot.intent, lambda bot: bot.intent)

KINDS: dict[str, tuple[type[Any], str]] = {
    "leg": (f.Leg, "disconnected_at"),
    "offer": (f.Offer, "ended_at"),
    "occurrence": (f.Occurrence, "at"),
    "agent_time": (f.AgentTime, ""),
    "hand_time": (f.HandTime, ""),
    "step": (f.StepEntry, "entered_at"),
    "flow": (f.FlowRun, "started_at"),
    "bot": (f.BotConversation, "flow_started_at"),
}

# What facts have for keys.

LEVELS = ("ONE", "TWO", "THREE", "FOUR", "FIVE")
FIELDS = {
    "QUEUE": "queue_id",
    "CHANNEL": "channel",
    "AGENT": "agent_id",
    "ROUTING_PROFILE": "routing_profile_id",
    **{f"AGENT_HIERARCHY_LEVEL_{level}": f"level_{level.lower()}" for level in LEVELS},
    "INITIATION_METHOD": "initiation_method",
    SUBTYPE: "subtype",
    "DISCONNECT_REASON": "disconnect_reason",
    "FLOWS_RESOURCE_ID": "flow_id",
    "FLOWS_MODULE_RESOURCE_ID": "module_id",
    "FLOW_TYPE": "flow_type",
    "FLOWS_OUTCOME_TYPE": "outcome",
    "FLOWS_NEXT_RESOURCE_ID": "next_flow_id",
    "FLOWS_NEXT_RESOURCE_QUEUE_ID": "next_queue_id",
    "RESOURCE_PUBLISHED_TIMESTAMP": "published_at",
    "INVOKING_RESOURCE_PUBLISHED_TIMESTAMP": "published_at",
    "BOT_ID": "bot_id",
    "BOT_ALIAS": "bot_alias",
    "BOT_VERSION": "bot_version",
    "BOT_LOCALE": "bot_locale",
    "BOT_INTENT_NAME": "intent",
    "FLOW_ACTION_ID": "action_id",
    "BOT_CONVERSATION_OUTCOME_TYPE": "conversation_outcome",
    "BOT_INTENT_OUTCOME_TYPE": "outcome",
    "BOT_INTENTS_OUTCOME_TYPE": "outcome",
}


def has(fact: Any, key: str) -> Any:
    match key:
        case "ROUTING_STEP_EXPRESSION":
            return fact.expression if isinstance(fact, f.StepEntry) else fact.routing_step
        case "INVOKING_RESOURCE_TYPE":
            return "FLOW" if fact.module_id is None else "MODULE"
        case "PARENT_FLOWS_RESOURCE_ID":
            return None if fact.module_id is None else fact.flow_id
        case "Q_CONNECT_ENABLED":
            return "FALSE"
        case "FEATURE" | "AI_USE_CASE":
            return None
    return getattr(fact, FIELDS[key])


def kept(fact: Any, condition: dict[str, Any]) -> bool:
    """By a filter of the request."""
    key, values = condition["FilterKey"], condition.get("FilterValues")
    if values is None:
        return key == "Q_CONNECT_ENABLED" or has(fact, key) is None
    found = has(fact, key)
    if "TIMESTAMP" in key and found is not None:
        found = iso(found)
    return found in values


def iso(instant: int) -> str:
    text = datetime.fromtimestamp(instant / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{instant % 1000:03}Z"


def passes(fact: Any, own: list[dict[str, Any]]) -> bool:
    """By the filters of a metric."""
    fact = fact[0] if isinstance(fact, tuple) else fact
    return all(
        (has(fact, each["MetricFilterKey"]) in each["MetricFilterValues"])
        is not each.get("Negate", False)
        for each in own
    )


@cache
def borders(period: str, zone: str) -> tuple[int, ...]:
    """Where intervals begin, found by looking at the zone's clocks every minute."""

    def clock(at: int) -> object:
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
        minutes = {"FIFTEEN_MIN": 15, "THIRTY_MIN": 30, "HOUR": 60}.get(period)
        match period:
            case "TOTAL":
                return 0
            case "WEEK":
                return local.isocalendar()[:2]
            case "DAY":
                return local.date()
        return local.date(), local.utcoffset(), (local.hour * 60 + local.minute) // minutes

    found, last = [], None
    for at in range(START, END, MINUTE):
        if clock(at) != last:
            found.append(at)
            last = clock(at)
    return tuple(found)


Rows = dict[tuple[int, tuple[Any, ...]], list[float | None]]


def by_hand(request: dict[str, Any], facts: list[Any]) -> Rows:
    """Begin of the interval and dimensions to the values of all metrics."""
    begins = borders(request["Interval"]["IntervalPeriod"], request["Interval"]["TimeZone"])
    ends = (*begins[1:], END)
    asked = [(label(entry), entry.get("MetricFilters", [])) for entry in request["Metrics"]]
    rows: dict[str, dict[tuple[int, tuple[Any, ...]], Facts]] = {}
    for kind in {PLAIN[name][0] for name, _ in asked}:
        shape, moment = KINDS[kind]
        for fact in facts:
            if type(fact) is not shape or getattr(fact, "initiation_method", "") == "MONITOR":
                continue
            if not all(kept(fact, each) for each in request["Filters"]):
                continue
            dimensions = tuple(has(fact, key) for key in request["Groupings"])
            if None in dimensions:
                continue
            here = rows.setdefault(kind, {})
            if not moment:
                for begin, end in zip(begins, ends, strict=True):
                    s, e = max(begin, fact.started_at), min(end, fact.ended_at)
                    if s < e:
                        here.setdefault((begin, dimensions), []).append((fact, s, e))
            elif START <= getattr(fact, moment) < END:
                begin = begins[bisect_right(begins, getattr(fact, moment)) - 1]
                here.setdefault((begin, dimensions), []).append(fact)

    def value(name: str, own: list[dict[str, Any]], key: Any) -> float | None:
        kind, calculate = PLAIN[name]
        here = rows.get(kind, {}).get(key, [])
        passed = [fact for fact in here if passes(fact, own)]
        if own and name.startswith("PERCENT_"):
            whole, part = (calculate_number(name, some) for some in (here, passed))
            return 100 * part / whole if whole else None
        return calculate(passed)

    keys = {key for found in rows.values() for key in found}
    return {key: [value(name, own, key) for name, own in asked] for key in keys}


def calculate_number(name: str, facts: Facts) -> float:
    counted = {
        "PERCENT_FLOWS_OUTCOME": "FLOWS_OUTCOME",
        "PERCENT_BOT_CONVERSATIONS_OUTCOME": "BOT_CONVERSATIONS_COMPLETED",
        "PERCENT_BOT_INTENTS_OUTCOME": "BOT_INTENTS_COMPLETED",
    }[name]
    return PLAIN[counted][1](facts) or 0


def label(entry: dict[str, Any]) -> str:
    [*threshold] = entry.get("Threshold", [])
    return entry["Name"] + "".join(f" {t['Comparison']} {t['ThresholdValue']}" for t in threshold)


# Facts: by a seed, so that there are many of them.

numbers = count()
Make = Callable[[Random], Any]
QUARTERS = (START, END, *range(START, END, 15 * MINUTE))


def one_of(*values: Any) -> Make:
    return lambda rng: rng.choice(values)


def often(*values: Any) -> Make:
    """One of these, seldom nothing."""
    return lambda rng: None if rng.random() < 0.15 else rng.choice(values)


def moment(rng: Random) -> int:
    near = rng.choice(QUARTERS) + rng.randint(-1, 1)
    return near if rng.random() < 0.6 else rng.randint(START, END)


def duration(rng: Random) -> int | None:
    return rng.choice((None, 0, 1, 999, 30_000, rng.randint(0, 200_000)))


def few(rng: Random) -> int | None:
    return rng.choice((None, *range(10)))


def made(shape: type[Any], rng: Random, **fields: Any) -> Any:
    return shape(**{name: each(rng) if callable(each) else each for name, each in fields.items()})


METHODS = (
    *("INBOUND", "INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API"),
    *("MONITOR", "CALLBACK_CUSTOMER_FIRST_DIALED"),
)
STAFF: dict[str, Make] = {
    "agent_id": often("a1", "a2"),
    "routing_profile_id": often("p1", "p2"),
    "level_one": often("g1", "g2"),
    "level_two": often("g3"),
    "level_three": often("g3", "g1"),
    "level_four": often("g4"),
    "level_five": one_of("g5", None),
}
CONTACT: dict[str, Make] = {
    **STAFF,
    "contact_id": lambda _: f"c{next(numbers)}",
    "channel": one_of(*CHANNELS[:3]),
    "queue_id": often("q1", "q2"),
    "initiation_method": one_of(*METHODS),
    "subtype": often("connect:Telephony", "connect:Chat"),
}
COUNTS = (
    *("messages", "bot_messages", "agent_messages", "agent_characters", "agent_responses"),
    *("customer_messages", "customer_characters", "customer_responses"),
)
SPANS = ("interaction", "hold", "pause", "after_contact_work", "callback_wait")
CHAT_SPANS = ("conversation_close", "agent_response", "customer_response")


def a_leg(rng: Random) -> f.Leg:
    ended = moment(rng)
    dequeued = rng.choice((None, ended, ended - 5_000, ended))
    waited = max(0, rng.choice(THRESHOLDS) * 1000 + rng.randint(-1, 1))
    return made(
        f.Leg,
        rng,
        **CONTACT,
        initiated_at=ended - rng.choice((15_000, 1, 0, 400_000, 14_993, -5)),
        disconnected_at=ended,
        connected_to_system_at=often(ended - 90_000, ended - 5),
        enqueued_at=often((dequeued or ended) - waited),
        dequeued_at=dequeued,
        connected_to_agent_at=one_of(None, ended - 1_000),
        **{f"{name}_ms": duration for name in (*SPANS, *CHAT_SPANS)},
        **dict.fromkeys(COUNTS, few),
        after_contact_work_ended_at=one_of(None, ended + 7, ended - 7),
        holds=one_of(0, 1, 2),
        transfer_completed_at=one_of(None, ended),
        transferred_to=one_of("+1555", None),
        pre_disconnect_state=one_of(None, "IN_QUEUE", "CONNECTED", "CONNECTED_ONHOLD"),
        disconnect_reason=often("AGENT_DISCONNECT", "CUSTOMER_DISCONNECT", "OTHER"),
        next_contact_id=one_of("next", None, None),
        routing_step=often(STEP, '{"other":1}'),
        first_response_at=often(ended - 500),
        conversation_abandoned=one_of(True, False),
    )


def a_stretch(shape: type[Any], rng: Random, **fields: Any) -> Any:
    started = rng.choice((START - 500, END - 300, *QUARTERS)) + rng.randint(-1, 1)
    length = rng.choice((0, rng.randint(0, 900), 15 * MINUTE, 40 * MINUTE, 7 * 60 * MINUTE))
    return made(shape, rng, **fields, started_at=started, ended_at=started + length)


def an_agents_time(rng: Random) -> f.AgentTime:
    kind, in_error = one_of("contact", "idle", "non_productive"), one_of(True, False)
    mine = {"agent_id": one_of("a1", "a2"), "routing_profile_id": one_of("p1", "p2")}
    return a_stretch(f.AgentTime, rng, **STAFF | mine, kind=kind, in_error=in_error)


def a_hands_time(rng: Random) -> f.HandTime:
    return a_stretch(f.HandTime, rng, **CONTACT | {"agent_id": one_of("a1", "a2")})


def an_offer(rng: Random) -> f.Offer:
    outcome, ended = one_of("accepted", *LOST, "failed", "own_call"), moment(rng)
    offered = ended - rng.randint(0, 9_000)
    return made(f.Offer, rng, **CONTACT, offered_at=offered, ended_at=ended, outcome=outcome)


def an_occurrence(rng: Random) -> f.Occurrence:
    return made(f.Occurrence, rng, **CONTACT, kind=one_of("enqueued", "connected"), at=moment)


def a_step(rng: Random) -> f.StepEntry:
    return made(
        f.StepEntry,
        rng,
        **CONTACT,
        expression=one_of(STEP, '{"other":1}'),
        entered_at=moment,
        outcome=one_of("joined", "expired", "left", None),
    )


IN_FLOW: dict[str, Make] = {
    **CONTACT,
    "flow_id": one_of("f1", "f2"),
    "module_id": one_of("m1", None),
    "flow_type": one_of("CONTACT_FLOW", "MODULE"),
    "published_at": often(START - 1_000_000, START - 1_000_001),
}


def a_flow(rng: Random) -> f.FlowRun:
    started = moment(rng)
    ended = rng.choice((None, started, END + 5, started + 77))
    return made(
        f.FlowRun,
        rng,
        **IN_FLOW,
        started_at=started,
        ended_at=ended,
        outcome=one_of("DROPPED", "ENDED_FLOW_EXECUTION") if ended else None,
        next_flow_id=often("f2"),
        next_queue_id=often("q1"),
    )


def a_bot(rng: Random) -> f.BotConversation:
    return made(
        f.BotConversation,
        rng,
        **IN_FLOW,
        bot_id=one_of("b1", "b2"),
        bot_alias=often("live"),
        bot_version=often("1"),
        bot_locale=often("en_US"),
        action_id=one_of("x", "y"),
        flow_started_at=moment,
        started_at=START,
        ended_at=one_of(START + 5, START + 70),
        turns=one_of(0, 1, 5),
        intent=one_of("Book", "Cancel", None),
        outcome=one_of("SUCCESS", "FAILED", "DROPPED", "SWITCHED"),
        conversation_outcome=one_of("SUCCESS", "FAILED", "DROPPED"),
    )


EVERYTHING: dict[str, Make] = {
    "leg": a_leg,
    "offer": an_offer,
    "occurrence": an_occurrence,
    "agent_time": an_agents_time,
    "hand_time": a_hands_time,
    "step": a_step,
    "flow": a_flow,
    "bot": a_bot,
}

# Requests

PEOPLE = ("AGENT", "ROUTING_PROFILE", *(f"AGENT_HIERARCHY_LEVEL_{n}" for n in LEVELS))
FAMILIES = (
    ("QUEUE", "CHANNEL", "ROUTING_PROFILE", "Q_CONNECT_ENABLED", SUBTYPE),
    PEOPLE,
    ("QUEUE", "CHANNEL", *PEOPLE, SUBTYPE),
    ("QUEUE", "CHANNEL", "AGENT", "FEATURE", "AI_USE_CASE"),
    ("QUEUE", "ROUTING_STEP_EXPRESSION"),
    ("QUEUE", "CHANNEL", "DISCONNECT_REASON", "INITIATION_METHOD", "AGENT"),
    (
        *("FLOWS_RESOURCE_ID", "FLOWS_MODULE_RESOURCE_ID", "FLOW_TYPE", "INITIATION_METHOD"),
        *("FLOWS_OUTCOME_TYPE", "FLOWS_NEXT_RESOURCE_ID", "FLOWS_NEXT_RESOURCE_QUEUE_ID"),
        *("RESOURCE_PUBLISHED_TIMESTAMP", "CHANNEL", SUBTYPE),
    ),
    (
        *("BOT_ID", "BOT_ALIAS", "BOT_VERSION", "BOT_LOCALE", "FLOW_ACTION_ID", "CHANNEL"),
        *("INVOKING_RESOURCE_PUBLISHED_TIMESTAMP", "INVOKING_RESOURCE_TYPE", "BOT_INTENT_NAME"),
        *("PARENT_FLOWS_RESOURCE_ID", "FLOWS_RESOURCE_ID", "FLOW_TYPE", "INITIATION_METHOD"),
    ),
)
SOME: dict[str, tuple[str, ...]] = {
    "QUEUE": ("q1", "q2", "unknown"),
    "CHANNEL": CHANNELS,
    "AGENT": ("a1", "a2"),
    "ROUTING_PROFILE": ("p1", "gone"),
    **{f"AGENT_HIERARCHY_LEVEL_{level}": ("g1", "g3", "g4", "g5") for level in LEVELS},
    "INITIATION_METHOD": ("INBOUND", "API", "CALLBACK"),
    "FLOWS_OUTCOME_TYPE": ("DROPPED", "RETURNED_TO_FLOW"),
    "BOT_CONVERSATION_OUTCOME_TYPE": ("SUCCESS", "FAILED"),
    "BOT_INTENT_OUTCOME_TYPE": ("SWITCHED", "SUCCESS"),
    "BOT_INTENTS_OUTCOME_TYPE": ("DROPPED", "SUCCESS"),
    "DISCONNECT_REASON": ("AGENT_DISCONNECT", "OTHER"),
    "FEATURE": ("contact_lens_conversational_analytics",),
    "Q_CONNECT_ENABLED": ("TRUE", "FALSE"),
    "ROUTING_STEP_EXPRESSION": (STEP,),
    SUBTYPE: ("connect:Chat",),
    "FLOWS_RESOURCE_ID": ("f1",),
    "FLOWS_MODULE_RESOURCE_ID": ("m1",),
    "FLOW_TYPE": ("CONTACT_FLOW",),
    "FLOWS_NEXT_RESOURCE_ID": ("f2",),
    "FLOWS_NEXT_RESOURCE_QUEUE_ID": ("q1",),
    "RESOURCE_PUBLISHED_TIMESTAMP": (iso(START - 1_000_000),),
    "INVOKING_RESOURCE_PUBLISHED_TIMESTAMP": (iso(START - 1_000_001),),
    "INVOKING_RESOURCE_TYPE": ("MODULE",),
    "PARENT_FLOWS_RESOURCE_ID": ("f1",),
    "BOT_ID": ("b1",),
    "BOT_ALIAS": ("live",),
    "BOT_VERSION": ("1",),
    "BOT_LOCALE": ("en_US",),
    "BOT_INTENT_NAME": ("Book",),
    "FLOW_ACTION_ID": ("x",),
    "AI_USE_CASE": ("any",),
}


@st.composite
def conditions(draw: Callable[..., Any], family: tuple[str, ...]) -> list[dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(family), min_size=1, max_size=2, unique=True))
    if set(family) & AUTHORISING and not set(chosen) & AUTHORISING:
        chosen.append(next(key for key in family if key in AUTHORISING))
    found: list[dict[str, Any]] = []
    for key in chosen:
        if draw(st.integers(0, 7)) == 7:
            found.append({"FilterKey": key, "StringCondition": {"Comparison": "NOT_EXISTS"}})
        else:
            values = SOME[key][: draw(st.integers(1, len(SOME[key])))]
            found.append({"FilterKey": key, "FilterValues": list(values)})
    return found


def entries(draw: Callable[..., Any], where: set[str], by: set[str]) -> Iterator[dict[str, Any]]:
    """Every metric with data that can be asked so, some with filters of their own."""
    for each in METRICS_V2:
        v2 = each.v2
        if each.facts == "nothing" or not (where <= v2.filters and by <= v2.groupings):
            continue
        if v2.filters & AUTHORISING and not where & AUTHORISING:
            continue
        if v2.comparisons:
            for comparison in v2.comparisons:
                for value in THRESHOLDS:
                    threshold = {"Comparison": comparison, "ThresholdValue": value}
                    yield {"Name": v2.names[0], "Threshold": [threshold]}
            continue
        yield {"Name": v2.names[0]}
        if v2.metric_filters:
            own = []
            for key in draw(st.lists(st.sampled_from(v2.metric_filters), max_size=2, unique=True)):
                values = draw(st.lists(st.sampled_from(SOME[key]), min_size=1, unique=True))
                own.append({"MetricFilterKey": key, "MetricFilterValues": values})
                if not v2.methods and draw(st.booleans()):
                    own[-1]["Negate"] = True
            if own:
                yield {"Name": v2.names[0], "MetricFilters": own}


@st.composite
def requests(draw: Callable[..., Any]) -> dict[str, Any]:
    family = draw(st.sampled_from(FAMILIES))
    filters = draw(conditions(family))
    where = {each["FilterKey"] for each in filters}
    by = draw(st.lists(st.sampled_from(family), max_size=4, unique=True))
    metrics = list(entries(draw, where, set(by)))
    while not metrics:
        by.pop()
        metrics = list(entries(draw, where, set(by)))
        if not by:
            whose = (each for each in filters if each["FilterKey"] in AUTHORISING)
            filters = [next(whose, filters[-1])]
            where = {filters[0]["FilterKey"]}
    return {
        "StartTime": START / 1000,
        "EndTime": END / 1000,
        "Interval": {
            "IntervalPeriod": draw(st.sampled_from(PERIODS)),
            "TimeZone": draw(st.sampled_from(ZONES)),
        },
        "Filters": filters,
        "Groupings": by,
        "Metrics": metrics,
    }


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    history = History.open(None, pytest.fail)
    yield history
    history.close()


def found_rows(history: History, instance: str, query: QueryV2, still_open: list[Fact]) -> Rows:
    return {
        (max(query.marks[row.interval], START), row.dimensions): row.values
        for row in history.answer_v2(instance, query, still_open)
    }


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests(), seed=st.integers(0, 2**32), size=st.sampled_from((3, 60, 60)))
def test_every_metric_agrees_with_a_loop(history, request, seed, size):
    query = parse(request, NOW, lambda _kind, value, _key: value)
    kinds = sorted({PLAIN[label(entry)][0] for entry in request["Metrics"]})
    rng = Random(seed)
    facts = [EVERYTHING[kind](rng) for kind in kinds for _ in range(size)]
    rng.shuffle(facts)
    instance = f"instance-{next(numbers)}"
    history.load(instance, 1, facts[3:])
    found = found_rows(history, instance, query, facts[:3])
    expected = by_hand(request, facts)
    assert found.keys() == expected.keys()
    labels = [label(entry) for entry in request["Metrics"]]
    for key, values in expected.items():
        wrong = {
            name: (mine, hers)
            for name, mine, hers in zip(labels, found[key], values, strict=True)
            if mine != hers
        }
        assert wrong == {}, key


def test_every_metric_with_data_has_a_second_opinion():
    bare = {name.partition(" ")[0] for name in PLAIN}
    assert bare == {m.v2.names[0] for m in METRICS_V2 if m.facts != "nothing"}
    assert len(bare) == 84
