"""Formulas: what each metric is of the facts of one row, from sections 2.3, 2.5 and 4.3.

Values are fractions made floats at the very end, so that they are equal or they are not.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from ringfloor.base.time import Duration, Instant
from second_opinion.counted import Fact, clipped
from second_opinion.story import Leg, Now
from second_opinion.talks import Goal, Talk

Value = Fraction | int | None

# What is true of a leg, and how long things took


def connected(leg: Leg) -> bool:
    return leg.connected_at is not None


def enqueued(leg: Leg) -> bool:
    return leg.enqueued_at is not None


def moved_on(leg: Leg) -> bool:
    """From queue to queue."""
    return leg.before == "IN_QUEUE" and leg.completed_at is not None


def abandoned(leg: Leg) -> bool:
    return enqueued(leg) and not connected(leg) and leg.next is None and not moved_on(leg)


def interaction(leg: Leg) -> Duration | None:
    if leg.connected_at is None or leg.ended_at is None:
        return None
    return leg.ended_at - leg.connected_at - leg.hold_ms - leg.pause_ms


def hold(leg: Leg) -> Duration | None:
    return leg.hold_ms if connected(leg) else None


def work(leg: Leg) -> Duration | None:
    if leg.work_since is None or leg.work_until is None:
        return None
    return leg.work_until - leg.work_since


def pause(leg: Leg) -> Duration | None:
    return leg.pause_ms if connected(leg) and leg.pauses else None


def added(*parts: Duration | None) -> Duration | None:
    """Their sum; None: none of them is there."""
    there = [part for part in parts if part is not None]
    return sum(there) if there else None


def handled(leg: Leg) -> Duration | None:
    return added(interaction(leg), hold(leg), work(leg), pause(leg))


def active(leg: Leg) -> Duration | None:
    parts = (interaction(leg), hold(leg), work(leg))
    return added(*parts) if any(part for part in parts) else None


def lasted(leg: Leg) -> Duration:
    assert leg.ended_at is not None
    return leg.ended_at - leg.born_at


def resolved(leg: Leg) -> Duration:
    assert leg.ended_at is not None
    return max(0, max(leg.work_until or 0, leg.ended_at) - leg.born_at)


def in_flow(leg: Leg) -> Duration | None:
    if leg.method not in ("INBOUND", "TRANSFER", "QUEUE_TRANSFER", "API"):
        return None
    if leg.system_at is None:
        return 0
    ends = (leg.enqueued_at, leg.completed_at, leg.ended_at)
    end = next(at for at in ends if at is not None)
    return max(0, end - leg.system_at)


def spoken(leg: Leg, role: str) -> list[int]:
    return [length for _, whose, length in leg.words if whose == role]


def answers(leg: Leg, role: str) -> list[Duration]:
    """How long the other side has waited for each of this side's responses.

    A response is the first message of a side after the other's; everybody who is not the customer
    is on the other side of him, flows and bots, too.
    """
    found: list[Duration] = []
    side: bool | None = None
    since = 0
    for at, whose, _ in leg.words:
        customers = whose == "CUSTOMER"
        if customers == side:
            continue
        if side is not None and whose == role:
            found.append(at - since)
        side, since = customers, at
    return found


# Ways to make a value of many


def count(holds: Callable[[Any], bool]) -> Callable[..., Value]:
    return lambda facts, **_: sum(1 for each in facts if holds(each.about))


def measured(facts: Iterable[Fact], length: Callable[[Any], int | None]) -> list[int]:
    return [value for each in facts if (value := length(each.about)) is not None]


def mean(values: Sequence[int], unit: int = 1000) -> Value:
    return Fraction(sum(values), len(values) * unit) if values else None


def average(length: Callable[[Any], int | None], unit: int = 1000) -> Callable[..., Value]:
    return lambda facts, **_: mean(measured(facts, length), unit)


def total(length: Callable[[Any], int | None]) -> Callable[..., Value]:
    return lambda facts, **_: Fraction(sum(measured(facts, length)), 1000)


def most(length: Callable[[Any], int | None]) -> Callable[..., Value]:
    return lambda facts, **_: (
        Fraction(max(found), 1000) if (found := measured(facts, length)) else None
    )


def least(length: Callable[[Any], int | None]) -> Callable[..., Value]:
    return lambda facts, **_: (
        Fraction(min(found), 1000) if (found := measured(facts, length)) else None
    )


def share(part: int, whole: int) -> Value:
    return Fraction(100 * part, whole) if whole else None


def where(holds: Callable[[Any], bool], length: Callable[[Any], int | None]) -> Any:
    return lambda each: length(each) if holds(each) else None


def quotient(over: Callable[[Leg], int], under: Callable[[Leg], int], unit: int) -> Any:
    def value(facts: Sequence[Fact], **_: Any) -> Value:
        below = sum(under(each.about) for each in facts)
        return Fraction(sum(over(each.about) for each in facts), below * unit) if below else None

    return value


def within(length: Callable[[Leg], int | None], holds: Callable[[Leg], bool]) -> Any:
    """How many took less than the threshold, or no longer with LTE."""

    def value(facts: Sequence[Fact], threshold: tuple[str, int], **_: Any) -> int:
        comparison, seconds = threshold
        found = measured(facts, where(holds, length))
        return sum(
            each < seconds * 1000 or (comparison == "LTE" and each == seconds * 1000)
            for each in found
        )

    return value


def wait(leg: Leg) -> Duration | None:
    return leg.wait_ms


def service_level(facts: Sequence[Fact], **asked: Any) -> Value:
    queued = sum(enqueued(each.about) for each in facts)
    return share(within(wait, enqueued)(facts, **asked), queued)


# Agents' time


def seconds_in(holds: Callable[[Now], bool]) -> Callable[..., Value]:
    def value(facts: Sequence[Fact], start: Instant, end: Instant, **_: Any) -> Value:
        return Fraction(sum(clipped(each, start, end) for each in facts if holds(each.about)), 1000)

    return value


def available(now: Now) -> bool:
    return now.type == "ROUTABLE"


def occupied(now: Now) -> bool:
    return available(now) and bool(now.works)


def occupancy(facts: Sequence[Fact], start: Instant, end: Instant, **_: Any) -> Value:
    free = sum(clipped(each, start, end) for each in facts if available(each.about))
    busy = sum(clipped(each, start, end) for each in facts if occupied(each.about))
    return Fraction(busy, free) if free else None


def concurrency(facts: Sequence[Fact], start: Instant, end: Instant, **_: Any) -> Value:
    """Contacts at once, over the time in which there was one."""
    held = sum(clipped(each, start, end) for each in facts)
    wall = 0
    for agent in {each.about.taker.id for each in facts}:
        spans = sorted(
            (max(each.at, start), min(each.until or 0, end))
            for each in facts
            if each.about.taker.id == agent and clipped(each, start, end)
        )
        covered = start
        for since, until in spans:
            wall += max(0, until - max(since, covered))
            covered = max(covered, until)
    return Fraction(held, wall) if wall else None


# Offers


def passed_over(ring: Any) -> bool:
    return ring.end in ("missed", "rejected", "customer_left")


def accepted(ring: Any) -> bool:
    return ring.end == "accepted"


def answer_rate(facts: Sequence[Fact], **_: Any) -> Value:
    taken, lost = count(accepted)(facts), count(passed_over)(facts)
    return share(taken, taken + lost)


def rang(ring: Any) -> Duration:
    return ring.until - ring.since


def abandonment(facts: Sequence[Fact], **_: Any) -> Value:
    return share(count(abandoned)(facts), count(enqueued)(facts))


def part(holds: Callable[[Any], bool]) -> Callable[..., Value]:
    return lambda facts, **_: share(count(holds)(facts), len(facts))


def ran(run: Any) -> Duration | None:
    return None if run.until is None else run.until - run.since


def outcome_share(holds: Callable[[Any], bool]) -> Callable[..., Value]:
    """Of all, those that the metric's own filter keeps."""

    def value(facts: Sequence[Fact], everything: Sequence[Fact], **_: Any) -> Value:
        return share(count(holds)(facts), count(holds)(everything))

    return value


def dialled_first(leg: Leg) -> bool:
    return leg.method == "CALLBACK_CUSTOMER_FIRST_DIALED"


def callback_wait(leg: Leg) -> Duration | None:
    if not dialled_first(leg) or not connected(leg) or leg.wait_ms is None:
        return None
    return leg.waited_before_ms + leg.wait_ms


def wait_after_greeting(leg: Leg) -> Duration | None:
    if not dialled_first(leg) or leg.system_at is None:
        return None
    end = leg.connected_at if leg.connected_at is not None else leg.ended_at
    assert end is not None
    return end - leg.system_at


def by_method(*methods: str) -> Callable[[Leg], bool]:
    return lambda leg: connected(leg) and leg.method in methods


# The metrics

LEG_METRICS: dict[str, Callable[..., Value]] = {
    "ABANDONMENT_RATE": abandonment,
    "AVG_ABANDON_TIME": average(where(abandoned, wait)),
    "AVG_ACTIVE_TIME": average(active),
    "AVG_AFTER_CONTACT_WORK_TIME": average(where(connected, lambda leg: work(leg) or 0)),
    "AVG_AGENT_PAUSE_TIME": average(lambda leg: pause(leg) or None),
    "AVG_CONTACT_DURATION": average(lasted),
    "AVG_HANDLE_TIME": average(handled),
    "AVG_HOLD_TIME": average(where(lambda leg: connected(leg) and leg.holds > 0, hold)),
    "AVG_HOLD_TIME_ALL_CONTACTS": average(hold),
    "AVG_HOLDS": average(lambda leg: leg.holds if connected(leg) else 0, unit=1),
    "AVG_INTERACTION_AND_HOLD_TIME": average(lambda leg: added(interaction(leg), hold(leg))),
    "AVG_INTERACTION_TIME": average(interaction),
    "AVG_QUEUE_ANSWER_TIME": average(where(lambda leg: connected(leg) and enqueued(leg), wait)),
    "AVG_RESOLUTION_TIME": average(resolved),
    "CONTACTS_CREATED": count(lambda _: True),
    "CONTACTS_HANDLED": count(connected),
    "CONTACTS_HOLD_ABANDONS": count(
        lambda leg: connected(leg) and leg.before == "CONNECTED_ONHOLD"
    ),
    "CONTACTS_ON_HOLD_AGENT_DISCONNECT": count(
        lambda leg: leg.before == "CONNECTED_ONHOLD" and leg.reason == "AGENT_DISCONNECT"
    ),
    "CONTACTS_ON_HOLD_CUSTOMER_DISCONNECT": count(
        lambda leg: leg.before == "CONNECTED_ONHOLD" and leg.reason == "CUSTOMER_DISCONNECT"
    ),
    "CONTACTS_PUT_ON_HOLD": count(lambda leg: connected(leg) and leg.holds > 0),
    "CONTACTS_TRANSFERRED_OUT_EXTERNAL": count(
        lambda leg: connected(leg) and leg.completed_at is not None and leg.left_with is not None
    ),
    "CONTACTS_TRANSFERRED_OUT_INTERNAL": count(
        lambda leg: connected(leg) and leg.completed_at is not None and leg.left_with is None
    ),
    "CONTACTS_QUEUED": count(enqueued),
    "CONTACTS_REMOVED_FROM_QUEUE_IN_X": within(wait, enqueued),
    "CONTACTS_RESOLVED_IN_X": within(resolved, lambda _: True),
    "CONTACTS_TRANSFERRED_OUT": count(lambda leg: leg.completed_at is not None),
    "CONTACTS_TRANSFERRED_OUT_BY_AGENT": count(
        lambda leg: connected(leg) and leg.completed_at is not None
    ),
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": count(moved_on),
    "MAX_QUEUED_TIME": most(wait),
    "SERVICE_LEVEL": service_level,
    "SUM_AFTER_CONTACT_WORK_TIME": total(work),
    "CONTACTS_ABANDONED": count(abandoned),
    "SUM_CONTACTS_ABANDONED_IN_X": within(wait, abandoned),
    "SUM_CONTACTS_ANSWERED_IN_X": within(wait, lambda leg: connected(leg) and enqueued(leg)),
    "SUM_CONTACT_FLOW_TIME": total(in_flow),
    "SUM_CONTACTS_DISCONNECTED": count(lambda leg: leg.before == "IN_QUEUE"),
    "SUM_HANDLE_TIME": total(handled),
    "SUM_HOLD_TIME": total(hold),
    "SUM_INTERACTION_AND_HOLD_TIME": total(lambda leg: added(interaction(leg), hold(leg))),
    "SUM_INTERACTION_TIME": total(interaction),
    "SUM_RETRY_CALLBACK_ATTEMPTS": count(
        lambda leg: (
            leg.method == "CALLBACK"
            and not connected(leg)
            and leg.next is not None
            and not moved_on(leg)
        )
    ),
    "AVG_QUEUE_ANSWER_TIME_CUSTOMER_FIRST_CALLBACK": average(callback_wait),
    "AVG_WAIT_TIME_AFTER_CUSTOMER_FIRST_CALLBACK_CONNECTION": average(wait_after_greeting),
}


def chats(value: Callable[..., Value]) -> Callable[..., Value]:
    """Of chats only."""
    return lambda facts, **asked: value(
        [each for each in facts if each.about.channel == "CHAT"], **asked
    )


def first_response(since: str) -> Callable[[Leg], int | None]:
    def length(leg: Leg) -> int | None:
        begun = getattr(leg, since)
        if leg.first_response_at is None or begun is None:
            return None
        return leg.first_response_at - begun

    return length


def closing(leg: Leg) -> Duration | None:
    last = [at for at, whose, _ in leg.words if whose == "CUSTOMER"]
    return leg.ended_at - last[-1] if last and leg.ended_at is not None else None


def messages(role: str) -> Callable[[Leg], int | None]:
    return lambda leg: len(spoken(leg, role)) or None


CHAT_METRICS: dict[str, Callable[..., Value]] = {
    "AVG_CONTACT_FIRST_RESPONSE_TIME_AGENT": average(first_response("enqueued_at")),
    "AVG_CONVERSATION_CLOSE_TIME": average(closing),
    "AVG_FIRST_RESPONSE_TIME_AGENT": average(first_response("connected_at")),
    "AVG_MESSAGE_LENGTH_AGENT": quotient(
        lambda leg: sum(spoken(leg, "AGENT")), lambda leg: len(spoken(leg, "AGENT")), 1
    ),
    "AVG_MESSAGE_LENGTH_CUSTOMER": quotient(
        lambda leg: sum(spoken(leg, "CUSTOMER")), lambda leg: len(spoken(leg, "CUSTOMER")), 1
    ),
    "AVG_MESSAGES": average(lambda leg: len(leg.words), unit=1),
    "AVG_MESSAGES_AGENT": average(messages("AGENT"), unit=1),
    "AVG_MESSAGES_BOT": average(
        lambda leg: len(spoken(leg, "SYSTEM")) + len(spoken(leg, "CUSTOM_BOT")), unit=1
    ),
    "AVG_MESSAGES_CUSTOMER": average(messages("CUSTOMER"), unit=1),
    "AVG_RESPONSE_TIME_AGENT": quotient(
        lambda leg: sum(answers(leg, "AGENT")), lambda leg: len(answers(leg, "AGENT")), 1000
    ),
    "AVG_RESPONSE_TIME_CUSTOMER": quotient(
        lambda leg: sum(answers(leg, "CUSTOMER")), lambda leg: len(answers(leg, "CUSTOMER")), 1000
    ),
    "CONVERSATIONS_ABANDONED": count(
        lambda leg: connected(leg) and not (spoken(leg, "AGENT") and spoken(leg, "CUSTOMER"))
    ),
}

FLOW_METRICS: dict[str, Callable[..., Value]] = {
    "AVG_FLOW_TIME": average(ran),
    "FLOWS_OUTCOME": count(lambda run: run.until is not None),
    "FLOWS_STARTED": count(lambda _: True),
    "MAX_FLOW_TIME": most(ran),
    "MIN_FLOW_TIME": least(ran),
    "PERCENT_FLOWS_OUTCOME": outcome_share(lambda run: run.until is not None),
}


def is_talk(about: Talk | Goal) -> bool:
    return isinstance(about, Talk)


def is_goal(about: Talk | Goal) -> bool:
    return isinstance(about, Goal)


def talked(talk: Talk) -> Duration:
    assert talk.until is not None
    return talk.until - talk.since


TALK_METRICS: dict[str, Callable[..., Value]] = {
    "AVG_BOT_CONVERSATION_TIME": average(where(is_talk, talked)),
    "AVG_BOT_CONVERSATION_TURNS": average(where(is_talk, lambda talk: talk.turns), unit=1),
    "BOT_CONVERSATIONS_COMPLETED": count(is_talk),
    "BOT_INTENTS_COMPLETED": count(is_goal),
    "PERCENT_BOT_CONVERSATIONS_OUTCOME": outcome_share(is_talk),
    "PERCENT_BOT_INTENTS_OUTCOME": outcome_share(is_goal),
}

OTHER_METRICS: dict[str, tuple[str, Callable[..., Value]]] = {
    "AGENT_ANSWER_RATE": ("rings", answer_rate),
    "AGENT_NON_RESPONSE": ("rings", count(passed_over)),
    "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS": (
        "rings",
        count(lambda ring: ring.end in ("missed", "rejected") and ring.leg.channel == "VOICE"),
    ),
    "AGENT_OCCUPANCY": ("times", occupancy),
    "AVG_AGENT_CONCURRENCY": ("hands", concurrency),
    "AVG_AGENT_CONNECTING_TIME": ("rings", average(rang)),
    "SUM_CONNECTING_TIME_AGENT": ("rings", total(rang)),
    "SUM_CONTACT_TIME_AGENT": ("times", seconds_in(occupied)),
    "SUM_ERROR_STATUS_TIME_AGENT": ("times", seconds_in(lambda now: bool(now.errs))),
    "SUM_IDLE_TIME_AGENT": (
        "times",
        seconds_in(lambda now: available(now) and not occupied(now)),
    ),
    "SUM_NON_PRODUCTIVE_TIME_AGENT": ("times", seconds_in(lambda now: now.type == "CUSTOM")),
    "SUM_ONLINE_TIME_AGENT": ("times", seconds_in(lambda _: True)),
    "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT": ("joins", count(lambda _: True)),
    "CONTACTS_QUEUED_BY_ENQUEUE": ("entries", count(lambda _: True)),
    "PERCENT_CONTACTS_STEP_EXPIRED": ("stays", part(lambda stay: stay.end == "expired")),
    "PERCENT_CONTACTS_STEP_JOINED": ("stays", part(lambda stay: stay.end == "joined")),
    "STEP_CONTACTS_QUEUED": ("stays", count(lambda _: True)),
}

METRICS: dict[str, tuple[str, Callable[..., Value]]] = {
    **{name: ("flows", value) for name, value in FLOW_METRICS.items()},
    **{name: ("talks", value) for name, value in TALK_METRICS.items()},
    **{name: ("legs", value) for name, value in LEG_METRICS.items()},
    **{name: ("legs", chats(value)) for name, value in CHAT_METRICS.items()},
    **OTHER_METRICS,
}

# GetMetricData

FIRST: dict[str, tuple[str, Callable[..., Value]]] = {
    "CONTACTS_QUEUED": METRICS["CONTACTS_QUEUED"],
    "CONTACTS_HANDLED": METRICS["CONTACTS_HANDLED"],
    "CONTACTS_ABANDONED": METRICS["CONTACTS_ABANDONED"],
    "CONTACTS_CONSULTED": ("", lambda *_, **__: None),
    "CONTACTS_AGENT_HUNG_UP_FIRST": (
        "legs",
        count(lambda leg: connected(leg) and leg.reason == "AGENT_DISCONNECT"),
    ),
    "CONTACTS_HANDLED_INCOMING": (
        "legs",
        count(by_method("INBOUND", "TRANSFER", "QUEUE_TRANSFER")),
    ),
    "CONTACTS_HANDLED_OUTBOUND": ("legs", count(by_method("OUTBOUND"))),
    "CALLBACK_CONTACTS_HANDLED": ("legs", count(by_method("CALLBACK"))),
    "API_CONTACTS_HANDLED": ("legs", count(by_method("API"))),
    "CONTACTS_HOLD_ABANDONS": METRICS["CONTACTS_HOLD_ABANDONS"],
    "CONTACTS_TRANSFERRED_IN": (
        "legs",
        count(lambda leg: leg.method in ("TRANSFER", "QUEUE_TRANSFER")),
    ),
    "CONTACTS_TRANSFERRED_IN_FROM_QUEUE": (
        "legs",
        count(lambda leg: leg.method == "QUEUE_TRANSFER"),
    ),
    "CONTACTS_TRANSFERRED_OUT": METRICS["CONTACTS_TRANSFERRED_OUT"],
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": METRICS["CONTACTS_TRANSFERRED_OUT_FROM_QUEUE"],
    "CONTACTS_MISSED": METRICS["AGENT_NON_RESPONSE"],
    "HANDLE_TIME": METRICS["AVG_HANDLE_TIME"],
    "AFTER_CONTACT_WORK_TIME": METRICS["AVG_AFTER_CONTACT_WORK_TIME"],
    "INTERACTION_TIME": METRICS["AVG_INTERACTION_TIME"],
    "INTERACTION_AND_HOLD_TIME": METRICS["AVG_INTERACTION_AND_HOLD_TIME"],
    "HOLD_TIME": METRICS["AVG_HOLD_TIME"],
    "QUEUED_TIME": METRICS["MAX_QUEUED_TIME"],
    "ABANDON_TIME": METRICS["AVG_ABANDON_TIME"],
    "QUEUE_ANSWER_TIME": METRICS["AVG_QUEUE_ANSWER_TIME"],
    "SERVICE_LEVEL": METRICS["SERVICE_LEVEL"],
    "OCCUPANCY": ("times", lambda facts, **asked: percent(occupancy(facts, **asked))),
}


def percent(value: Value) -> Value:
    return None if value is None else 100 * value


def plain(value: Value) -> float | None:
    return None if value is None else float(value)


def threshold_of(asked: dict[str, Any]) -> tuple[str, int]:
    given = asked.get("Threshold") or {}
    given = given[0] if isinstance(given, list) else given
    return given.get("Comparison", ""), int(given.get("ThresholdValue", 0))
