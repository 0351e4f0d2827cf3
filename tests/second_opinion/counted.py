"""Counted: what of a story counts, where in time it lies, by what it is grouped and filtered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ringfloor.base.time import Duration, Instant
from second_opinion.story import Leg, Story, Taker

LEVELS = tuple(
    f"AGENT_HIERARCHY_LEVEL_{number}" for number in ("ONE", "TWO", "THREE", "FOUR", "FIVE")
)
SUBTYPE = "contact/segmentAttributes/connect:Subtype"


@dataclass(frozen=True, eq=False)
class Fact:
    """Something that counts: what it is about, when, and by what it is grouped and filtered.

    until: of what lasts; it counts as far as it lies in the range.
    """

    about: Any
    at: Instant
    until: Instant | None
    keys: dict[str, str] = field(default_factory=dict)


def of_taker(taker: Taker | None) -> dict[str, str | None]:
    if taker is None:
        return {}
    levels = dict(zip(LEVELS, taker.path, strict=True))
    return {"AGENT": taker.id, "ROUTING_PROFILE": taker.profile, **levels}


def of_leg(leg: Leg, queue: str | None, taker: Taker | None) -> dict[str, str]:
    found = {
        "QUEUE": queue,
        "CHANNEL": leg.channel,
        "INITIATION_METHOD": leg.method,
        SUBTYPE: leg.subtype,
        **of_taker(taker),
    }
    return {key: value for key, value in found.items() if value is not None}


# What counts


def legs(story: Story) -> Iterator[Fact]:
    """Final legs, where they ended; who only listens is no contact."""
    for leg in story.legs.values():
        if leg.final_at is None or leg.method == "MONITOR":
            continue
        assert leg.ended_at is not None
        keys = of_leg(leg, leg.queue, leg.taker)
        keys["DISCONNECT_REASON"] = leg.reason or ""
        if leg.last_step is not None:
            keys["ROUTING_STEP_EXPRESSION"] = leg.last_step
        yield Fact(leg, leg.ended_at, None, keys)


def rings(story: Story) -> Iterator[Fact]:
    """Offers that are decided, when they were."""
    for ring in story.rings:
        if ring.until is not None:
            yield Fact(ring, ring.until, None, of_leg(ring.leg, ring.queue, ring.taker))


def entries(story: Story) -> Iterator[Fact]:
    for leg, queue, at in story.entries:
        yield Fact(leg, at, None, of_leg(leg, queue, None))


def joins(story: Story) -> Iterator[Fact]:
    for leg, queue, taker, at in story.joins:
        if leg.method != "MONITOR":
            yield Fact(leg, at, None, of_leg(leg, queue, taker))


def stays(story: Story) -> Iterator[Fact]:
    for stay in story.stays:
        keys = of_leg(stay.leg, stay.queue, None)
        keys["ROUTING_STEP_EXPRESSION"] = stay.expression
        yield Fact(stay, stay.since, None, keys)


def times(story: Story) -> Iterator[Fact]:
    """Each agent, from one thing that happened to him to the next."""
    for agent, day in story.days.items():
        following = [at for at, _ in day[1:]] + [story.at]
        for (at, now), until in zip(day, following, strict=True):
            if now is not None and at < until and now.type != "OFFLINE":
                taker = Taker(agent, now.profile, now.path)
                keys = {k: v for k, v in of_taker(taker).items() if v is not None}
                yield Fact(now, at, until, keys)


def hands(story: Story) -> Iterator[Fact]:
    """An agent with one contact, while he is Available."""
    for grip in story.grips:
        end = story.at if grip.until is None else grip.until
        day = story.days[grip.taker.id]
        following = [at for at, _ in day[1:]] + [story.at]
        for (at, now), until in zip(day, following, strict=True):
            since, to = max(at, grip.since), min(until, end)
            counts = now is not None and now.type == "ROUTABLE" and grip.leg.method != "MONITOR"
            if counts and since < to:
                yield Fact(grip, since, to, of_leg(grip.leg, grip.queue, grip.taker))


def flows(story: Story) -> Iterator[Fact]:
    for run in story.runs:
        keys = of_leg(run.leg, run.queue, None)
        found = {
            "FLOWS_RESOURCE_ID": run.flow,
            "FLOWS_MODULE_RESOURCE_ID": run.module,
            "FLOW_TYPE": run.type,
            "FLOWS_OUTCOME_TYPE": run.end or None,
            "FLOWS_NEXT_RESOURCE_ID": run.next_flow,
            "FLOWS_NEXT_RESOURCE_QUEUE_ID": run.next_queue,
        }
        keys.update({key: value for key, value in found.items() if value is not None})
        yield Fact(run, run.since, None, keys)


def talks(story: Story) -> Iterator[Fact]:
    """Talks with bots that are over, and what they were about, where their flow began."""
    for talk in story.talks:
        if talk.until is None:
            continue
        run = talk.run
        found = {
            "FLOWS_RESOURCE_ID": run.flow,
            "FLOWS_MODULE_RESOURCE_ID": run.module,
            "FLOW_TYPE": run.type,
            "FLOW_ACTION_ID": talk.action,
            "INVOKING_RESOURCE_TYPE": "MODULE" if run.module else "FLOW",
            "PARENT_FLOWS_RESOURCE_ID": run.flow if run.module else None,
            "BOT_ID": talk.bot,
            "BOT_ALIAS": talk.alias,
            "BOT_CONVERSATION_OUTCOME_TYPE": talk.end,
        }
        keys = of_leg(run.leg, run.queue, None)
        keys.update({key: value for key, value in found.items() if value is not None})
        yield Fact(talk, run.since, None, keys)
        for goal in talk.goals:
            own = {"BOT_INTENT_NAME": goal.name, "BOT_INTENT_OUTCOME_TYPE": goal.end}
            yield Fact(goal, run.since, None, {**keys, **own})


FACTS: dict[str, Callable[[Story], Iterator[Fact]]] = {
    "legs": legs,
    "rings": rings,
    "entries": entries,
    "joins": joins,
    "stays": stays,
    "times": times,
    "hands": hands,
    "flows": flows,
    "talks": talks,
}


def clipped(fact: Fact, start: Instant, end: Instant) -> Duration:
    """How long of what lasts lies in the range."""
    assert fact.until is not None
    return max(0, min(fact.until, end) - max(fact.at, start))
