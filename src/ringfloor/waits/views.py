"""Views: the state of a floor as the numbers that estimates are made of, for one who asks.

look(floor, kind, now) -> View, of a contact that would come into queue now. Seconds and counts.
A model is trained on all of it; the formulas of waits.estimators read single members. Nothing here
is told by the future: it reads what the floor has been told, and no more.
"""

from collections.abc import Callable, Iterable
from statistics import fmean
from typing import NamedTuple

from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, Instant
from ringfloor.waits.floor import PRESENT_MS, Answer, Caller, Floor
from ringfloor.waits.order import Class

WARM_MS = 15 * SECOND
COOL_MS = 2 * MINUTE
OVERTAKING_MS = 30 * MINUTE
"""How far back arrivals tell how many will still come who are served earlier."""
SHARED_MIN = 0.3
"""Of a queue's agents; with more of them in common, its head tells of this queue's."""
STAGES_MAX = 300
"""Of QLm: contacts ahead and overtaking; whoever has more ahead waits for hours."""
LINE_MIN = 0.01
"""Of QLm: less of a contact takes no time that matters."""
NEVER_S = 9_999.0
"""As long ago as matters, of what has not been."""
DRIFT_PRIOR_S = 60.0


class View(NamedTuple):
    """Members end with what they are: nothing, a count; _s, seconds; _ratio, a share."""

    ahead: float
    ahead_shared: float
    """Each counts as the share of its queue's agents that serve this one, too."""
    ahead_same_queue: float
    ahead_same_class: float
    behind: float
    behind_shared: float
    waiting: float
    busy: float
    busy_here: float
    present: float
    present_here: float
    idle_here: float
    warm: float
    warm_here: float
    cool_here: float
    hour: float
    weekday: float
    credit_s: float
    qlm_s: float
    qlm_busy_s: float
    qlm_warm_s: float
    qlm_all_s: float
    ql_s: float
    work_per_busy_s: float
    work_per_present_s: float
    work_s: float
    pace_5_s: float
    pace_15_s: float
    pace_30_s: float
    overtaking: float
    overtaking_per_s: float
    head_same_class_s: float
    head_same_queue_s: float
    head_ahead_s: float
    last_wait_s: float
    last_wait_ago_s: float
    last_answer_ago_s: float
    last_virtual_s: float
    mean_virtual_s: float
    head_virtual_s: float
    answers_5: float
    answers_15: float
    losses_5: float
    losses_15: float
    arrivals_5: float
    arrivals_15: float
    age_mean_s: float
    age_median_s: float
    age_max_s: float
    long_handles: float
    handle_s: float
    handle_agents_s: float
    serving_same_queue: float
    drain_s: float
    drift_10_ratio: float
    drift_30_ratio: float
    drift_60_ratio: float
    drift_class_ratio: float
    late_s: float
    age_in_queue_s: float
    waiting_minute: float
    hold_time_s: float
    hour_mean_s: float


def look(floor: Floor, kind: Class, now: Instant, zone_ms: int = 0) -> View:
    """What a contact of this class would find. zone_ms: clocks ahead of UTC, for hour and day."""
    floor.until(now)
    waiting = list(floor.waiting.values())
    busy_agents = {each.agent for each in floor.serving.values() if each.agent is not None}
    present = {
        name for name, agent in floor.agents.items() if now - agent.seen_at < PRESENT_MS
    } | busy_agents
    here = {name for name in present if floor.agents[name].takes(kind.queue)}
    shared = _shared(floor, kind.queue, present, here)
    place = floor.order.place(kind, now)
    ahead = [each for each in waiting if floor.order.place(each.kind, each.since) <= place]
    weight = sum(shared(each.kind.queue) for each in ahead)
    weight_all = sum(shared(each.kind.queue) for each in waiting)
    work_s = sum(shared(each.kind.queue) * floor.handle(each.kind.queue).mean_s for each in ahead)
    services = [each for each in floor.serving.values() if each.agent in here]
    ages = sorted((now - each.since) / SECOND for each in services)
    busy, busy_here = len(floor.serving), len(services)
    warm, cool = (
        {
            name
            for name in present - busy_agents
            if low <= now - (floor.agents[name].ended_at or 0) < high
        }
        for low, high in ((0, WARM_MS), (WARM_MS, COOL_MS))
    )
    credit_s = floor.order.credit(kind) / SECOND
    overtakers = list(_overtakers(floor, kind, now, shared))

    def qlm(ahead: float, servers: int) -> float:
        return markov_s(ahead, servers, floor.drain.per_second, floor.loss.per_second, overtakers)

    def answers(ms: int) -> list[Answer]:
        return [each for each in floor.answers if each.at > now - ms]

    def pace(ms: int) -> float:
        taken = sum(shared(each.kind.queue) for each in answers(ms))
        return (weight + 1) * ms / SECOND / max(taken, 1)

    qlm_busy_s = qlm(weight, busy_here)
    recent = answers(10 * MINUTE)
    virtual = [each.virtual_s for each in recent if shared(each.kind.queue) > SHARED_MIN]
    last = floor.last_answer.get(kind.queue)
    hour = [
        each.waited_s
        for each in floor.answers
        if each.kind.queue == kind.queue and each.expected_s is not None
    ]
    local = now + zone_ms
    same_queue = [each for each in waiting if each.kind.queue == kind.queue]
    same_class = [each for each in waiting if each.kind == kind]
    handles = [floor.agents[each.agent].handle.mean_s for each in services if each.agent]
    drifts = [_drift(floor, now, span) for span in (10 * MINUTE, 30 * MINUTE, HOUR)]
    return View(
        ahead=len(ahead),
        ahead_shared=weight,
        ahead_same_queue=sum(each.kind.queue == kind.queue for each in ahead),
        ahead_same_class=len(same_class),
        behind=len(waiting) - len(ahead),
        behind_shared=weight_all - weight,
        waiting=len(waiting),
        busy=busy,
        busy_here=busy_here,
        present=len(present),
        present_here=len(here),
        idle_here=len(here) - busy_here,
        warm=len(warm),
        warm_here=len(warm & here),
        cool_here=len(cool & here),
        hour=local % DAY / HOUR,
        weekday=(local // DAY + 3) % 7,
        credit_s=credit_s,
        qlm_s=qlm(weight, len(here)),
        qlm_busy_s=qlm_busy_s,
        qlm_warm_s=qlm(weight, busy_here + len(warm & here)),
        qlm_all_s=qlm(len(ahead), busy + len(warm)),
        ql_s=(weight + 1) * floor.drain.mean_s / max(len(here), 1),
        work_per_busy_s=work_s / max(busy_here, 1),
        work_per_present_s=work_s / max(len(here), 1),
        work_s=work_s,
        pace_5_s=pace(5 * MINUTE),
        pace_15_s=pace(15 * MINUTE),
        pace_30_s=pace(30 * MINUTE),
        overtaking=sum(rate * min(qlm_busy_s, lead_s) for rate, lead_s in overtakers),
        overtaking_per_s=sum(rate for rate, _ in overtakers),
        head_same_class_s=_head_s(same_class, now),
        head_same_queue_s=_head_s(same_queue, now),
        head_ahead_s=_head_s(ahead, now),
        last_wait_s=0.0 if last is None else last.waited_s,
        last_wait_ago_s=NEVER_S if last is None else (now - last.at) / SECOND,
        last_answer_ago_s=(now - floor.answers[-1].at) / SECOND if floor.answers else NEVER_S,
        last_virtual_s=virtual[-1] - credit_s if virtual else 0.0,
        mean_virtual_s=fmean(virtual) - credit_s if virtual else 0.0,
        head_virtual_s=max(
            ((now - each.since + floor.order.credit(each.kind)) / SECOND for each in waiting),
            default=credit_s,
        )
        - credit_s,
        answers_5=len(answers(5 * MINUTE)),
        answers_15=len(answers(15 * MINUTE)),
        losses_5=_since(floor.losses, now - 5 * MINUTE),
        losses_15=_since(floor.losses, now - 15 * MINUTE),
        arrivals_5=_since((at for at, _ in floor.arrivals), now - 5 * MINUTE),
        arrivals_15=_since((at for at, _ in floor.arrivals), now - 15 * MINUTE),
        age_mean_s=fmean(ages) if ages else -1.0,
        age_median_s=ages[len(ages) // 2] if ages else -1.0,
        age_max_s=ages[-1] if ages else -1.0,
        long_handles=sum(
            (now - each.since) / SECOND > floor.drain.mean_s for each in floor.serving.values()
        ),
        handle_s=floor.handle(kind.queue).mean_s,
        handle_agents_s=fmean(handles) if handles else floor.drain.mean_s,
        serving_same_queue=sum(each.queue == kind.queue for each in floor.serving.values()),
        drain_s=floor.drain.mean_s,
        drift_10_ratio=drifts[0],
        drift_30_ratio=drifts[1],
        drift_60_ratio=drifts[2],
        drift_class_ratio=_drift(floor, now, 30 * MINUTE, kind),
        late_s=sum(max(0.0, (now - each.since) / SECOND - each.expected_s) for each in waiting),
        age_in_queue_s=fmean((now - each.since) / SECOND for each in waiting) if waiting else 0.0,
        waiting_minute=sum(now - each.since > MINUTE for each in waiting),
        hold_time_s=floor.hold_time_s.get(kind.queue, 0),
        hour_mean_s=fmean(hour) if hour else 0.0,
    )


Shared = Callable[[str], float]
Overtaker = tuple[float, float]
"""Arrivals per second, and for how many seconds those are served before."""


def markov_s(
    ahead: float,
    servers: int,
    drain_per_s: float,
    loss_per_s: float,
    overtakers: Iterable[Overtaker] = (),
) -> float:
    """QLm: the mean wait in seconds of who has so many ahead and does not abandon.

    The sum of 1 / (servers x drain + i x loss), i from all in line, this one included, down to this
    one alone: for to be answered it must not be lost itself. Those who come meanwhile and are
    served before join the line ahead. ahead: may be no whole number; a part of one takes a part of
    the time.
    """
    overtakers = list(overtakers)
    served_per_s = max(servers, 1) * drain_per_s
    total_s, line = 0.0, ahead + 1
    for _ in range(STAGES_MAX):
        part = min(line, 1.0)
        stage_s = part / (served_per_s + max(line, 1.0) * loss_per_s)
        joined = sum(rate * max(0.0, min(stage_s, lead_s - total_s)) for rate, lead_s in overtakers)
        total_s += stage_s
        line += joined - part
        if line < LINE_MIN:
            break
    return total_s


def _shared(floor: Floor, queue: str, present: set[str], here: set[str]) -> Shared:
    """What share of another queue's agents serves this one, too."""
    found: dict[str, float] = {queue: 1.0}

    def share(other: str) -> float:
        if other not in found:
            theirs = {name for name in present if floor.agents[name].takes(other)}
            found[other] = len(theirs & here) / len(theirs) if theirs else 0.0
        return found[other]

    return share


def _overtakers(floor: Floor, kind: Class, now: Instant, shared: Shared) -> Iterable[Overtaker]:
    """Classes of whom those who come later are served before."""
    counts: dict[Class, int] = {}
    for at, each in floor.arrivals:
        if at > now - OVERTAKING_MS:
            counts[each] = counts.get(each, 0) + 1
    credit = floor.order.credit(kind)
    for each, count in counts.items():
        lead_ms = floor.order.credit(each) - credit
        if each.priority < kind.priority:
            lead_ms = HOUR  # always
        if each.priority <= kind.priority and lead_ms > 0:
            yield count * shared(each.queue) * SECOND / OVERTAKING_MS, lead_ms / SECOND


def _head_s(callers: list[Caller], now: Instant) -> float:
    return (now - min(each.since for each in callers)) / SECOND if callers else 0.0


def _since(moments: Iterable[Instant], since: Instant) -> int:
    return sum(at > since for at in moments)


def _drift(floor: Floor, now: Instant, span: int, kind: Class | None = None) -> float:
    """Waits lately, by what QLm said of them; those still waiting count once they are late."""
    waited_s = expected_s = DRIFT_PRIOR_S
    for answer in floor.answers:
        if answer.expected_s is None or answer.at <= now - span or kind not in (None, answer.kind):
            continue
        waited_s += answer.waited_s
        expected_s += answer.expected_s
    for caller in floor.waiting.values():
        age_s = (now - caller.since) / SECOND
        if age_s > caller.expected_s and kind in (None, caller.kind):
            waited_s += age_s
            expected_s += caller.expected_s
    return waited_s / expected_s
