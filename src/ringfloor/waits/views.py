"""Views: the state of a floor as the numbers that estimates are made of, for one who asks.

look(floor, kind, now) -> View, of a contact that would come into line now, or of one who stands in
it. Seconds and counts. A model is trained on FEATURES; the formulas of waits.estimators read single
members. Nothing here is told by the future: it reads what the floor has been told, and no more, and
changes nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from math import inf
from statistics import fmean
from typing import NamedTuple

from ringfloor.base.time import DAY, HOUR, MINUTE, SECOND, Instant
from ringfloor.waits.floor import Caller, Floor, Service
from ringfloor.waits.markov import Overtaker, Stages, markov
from ringfloor.waits.order import Class
from ringfloor.waits.recent import Recent

WARM_MS = 15 * SECOND
"""An agent who let a contact go so lately takes the next one, if he is not away."""
COOL_MS = 2 * MINUTE
OVERTAKING_MS = 30 * MINUTE
"""How far back arrivals tell how many will still come who are served earlier."""
SHARED_MIN = 0.3
"""Of a line's agents; with more of them in common, its head tells of this line's."""
NEVER_S = 9_999.0
"""As long ago as matters, of what has not been."""
DRIFT_PRIOR_S = 60.0


class View(NamedTuple):
    """Members end with what they are: nothing, a count; _s, seconds; _ratio, a share.

    Those from told on are what has been told of the staff, and no features: logs do not tell it.
    """

    waited_s: float
    ahead: float
    ahead_shared: float
    """Each counts as the share of its line's agents that serve this one, too."""
    ahead_same_queue: float
    ahead_same_class: float
    ahead_per_busy: float
    ahead_per_ready: float
    """Ready are busy and warm ones."""
    ahead_per_any_busy: float
    ahead_per_answer_5: float
    ahead_per_answer_15: float
    behind: float
    behind_shared: float
    waiting: float
    busy: float
    busy_here: float
    present_here: float
    idle_here: float
    warm: float
    warm_here: float
    cool_here: float
    hour: float
    weekday: float
    credit_s: float
    qlm_s: float
    qlm_sd_s: float
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
    loss_s: float
    drift_10_ratio: float
    drift_30_ratio: float
    drift_60_ratio: float
    drift_class_ratio: float
    late_s: float
    age_in_queue_s: float
    waiting_minute: float
    hold_time_s: float
    hour_mean_s: float
    told: float
    """1: somebody tells of the staff. If not, what follows is 0."""
    slots_told: float
    """Of agents who take this line now."""
    room_told: float
    """Of these, free."""
    ahead_told: float
    """Those ahead, by the shares of the staff as told."""
    qlm_told_s: float
    qlm_told_sd_s: float


FEATURES = View._fields[: View._fields.index("told")]


def look(
    floor: Floor, kind: Class, now: Instant, *, contact_id: str | None = None, zone_ms: int = 0
) -> View:
    """What a contact of this class finds.

    contact_id: of one who is in line already and asks again; without, one who comes now. zone_ms:
    clocks ahead of UTC, for hour and day.
    """
    me = None if contact_id is None else floor.waiting.get(contact_id)
    since = now if me is None else me.since
    line = floor.lines.get(kind.queue) or floor.new_line()
    share = {name: floor.share(kind.queue, name) for name in floor.lines}
    groups = [each for name in floor.queued for each in _groups(floor, name, kind, me, since, now)]
    place = _Place(groups, share)
    services = [each for each in floor.serving.values() if _serves(floor, each, kind.queue)]
    ages = sorted((now - each.since) / SECOND for each in services)
    credit_s = floor.order.credit(kind) / SECOND
    overtakers = _overtakers(floor, kind, now, since, share)
    drain, loss = line.drain.per_second, line.loss.per_second
    warm, warm_here, cool_here = _warm(floor, kind.queue, now)
    busy, busy_here = len(floor.serving), line.serving
    present_here = line.present - floor.gone(kind.queue, now)
    weight, work_s = place.weight, place.work_s(floor, share)

    def qlm(ahead: float, servers: float) -> Stages:
        return markov(ahead, servers, drain, loss, overtakers)

    def pace(ms: int) -> float:
        taken = sum(
            each * floor.lines[name].answers.count(ms, now) for name, each in share.items() if each
        )
        return (weight + 1) * ms / SECOND / max(taken, 1)

    by_staff, by_busy = qlm(weight, present_here), qlm(weight, busy_here)
    handles = [floor.agents[each.agent].handle.mean_s for each in services if each.agent]
    near = [floor.lines[name] for name, each in share.items() if each > SHARED_MIN]
    virtual = [each.answers.window(10 * MINUTE, now) for each in near]
    virtual_count = sum(each[0] for each in virtual)
    last = max(
        (each for each in near if each.answers.ats and not each.answers.idle(now)),
        key=lambda each: each.answers.ats[-1],
        default=None,
    )
    hour_count, hour_s, _, _ = line.waits.window(HOUR, now)
    of = line.kinds.get(kind)
    mine = [each for each in groups if each.of.queue == kind.queue]
    class_only = [each for each in mine if each.of == kind]
    local = now + zone_ms
    told = _told(floor, kind.queue, groups) if floor.told else None
    qlm_told = Stages(0.0, 0.0)
    if told is not None:  # those who are free take as many of those ahead at once
        qlm_told = qlm(max(told.ahead - told.room, 0.0), told.slots)
    return View(
        waited_s=(now - since) / SECOND,
        ahead=place.ahead,
        ahead_shared=weight,
        ahead_same_queue=sum(each.ahead for each in mine),
        ahead_same_class=sum(each.ahead for each in class_only),
        ahead_per_busy=weight / max(busy_here, 1),
        ahead_per_ready=weight / max(busy_here + warm_here, 1),
        ahead_per_any_busy=place.ahead / max(busy, 1),
        ahead_per_answer_5=weight / max(floor.answers.count(5 * MINUTE, now), 1),
        ahead_per_answer_15=weight / max(floor.answers.count(15 * MINUTE, now), 1),
        behind=place.waiting - place.ahead,
        behind_shared=place.weight_all - weight,
        waiting=place.waiting,
        busy=busy,
        busy_here=busy_here,
        present_here=present_here,
        idle_here=present_here - busy_here,
        warm=warm,
        warm_here=warm_here,
        cool_here=cool_here,
        hour=local % DAY / HOUR,
        weekday=(local // DAY + 3) % 7,
        credit_s=credit_s,
        qlm_s=by_staff.mean_s,
        qlm_sd_s=by_staff.sd_s,
        qlm_busy_s=by_busy.mean_s,
        qlm_warm_s=qlm(weight, busy_here + warm_here).mean_s,
        qlm_all_s=qlm(place.ahead, busy + warm).mean_s,
        ql_s=(weight + 1) * line.drain.mean_s / max(present_here, 1),
        work_per_busy_s=work_s / max(busy_here, 1),
        work_per_present_s=work_s / max(present_here, 1),
        work_s=work_s,
        pace_5_s=pace(5 * MINUTE),
        pace_15_s=pace(15 * MINUTE),
        pace_30_s=pace(30 * MINUTE),
        overtaking=sum(rate * min(by_busy.mean_s, lead_s) for rate, lead_s in overtakers),
        overtaking_per_s=sum(rate for rate, _ in overtakers),
        head_same_class_s=_head_s(class_only),
        head_same_queue_s=_head_s(mine),
        head_ahead_s=_head_s(each for each in groups if each.ahead),
        last_wait_s=line.last_wait_s,
        last_wait_ago_s=_ago_s(line.last_wait_at, now),
        last_answer_ago_s=_ago_s(floor.answers.ats[-1] if floor.answers.ats else None, now),
        last_virtual_s=0.0 if last is None else last.last_virtual_s - credit_s,
        mean_virtual_s=(
            sum(each[2] for each in virtual) / virtual_count - credit_s if virtual_count else 0.0
        ),
        head_virtual_s=max(
            (each.head_s + floor.order.credit(each.of) / SECOND for each in groups),
            default=credit_s,
        )
        - credit_s,
        answers_5=floor.answers.count(5 * MINUTE, now),
        answers_15=floor.answers.count(15 * MINUTE, now),
        losses_5=floor.losses.count(5 * MINUTE, now),
        losses_15=floor.losses.count(15 * MINUTE, now),
        arrivals_5=floor.arrivals.count(5 * MINUTE, now),
        arrivals_15=floor.arrivals.count(15 * MINUTE, now),
        age_mean_s=fmean(ages) if ages else -1.0,
        age_median_s=ages[len(ages) // 2] if ages else -1.0,
        age_max_s=ages[-1] if ages else -1.0,
        long_handles=sum(each > line.drain.mean_s for each in ages),
        handle_s=line.handle.mean_s,
        handle_agents_s=fmean(handles) if handles else line.drain.mean_s,
        serving_same_queue=line.own,
        drain_s=line.drain.mean_s,
        loss_s=line.loss.mean_s,
        drift_10_ratio=_drift(floor.waits, groups, 10 * MINUTE, now),
        drift_30_ratio=_drift(floor.waits, groups, 30 * MINUTE, now),
        drift_60_ratio=_drift(floor.waits, groups, HOUR, now),
        drift_class_ratio=_drift(of.answers if of else Recent(), class_only, 30 * MINUTE, now),
        late_s=sum(each.late_s - each.late_expected_s for each in groups),
        age_in_queue_s=sum(each.ages_s for each in groups) / max(place.waiting, 1),
        waiting_minute=sum(each.minute for each in groups),
        hold_time_s=line.hold_time_s,
        hour_mean_s=hour_s / hour_count if hour_count else 0.0,
        told=float(floor.told),
        slots_told=told.slots if told is not None else 0.0,
        room_told=told.room if told is not None else 0.0,
        ahead_told=told.ahead if told is not None else 0.0,
        qlm_told_s=qlm_told.mean_s,
        qlm_told_sd_s=qlm_told.sd_s,
    )


class _Group(NamedTuple):
    """Those of one class who wait, but for who asks."""

    of: Class
    waiting: int
    ahead: int
    """Of these, served before who asks."""
    head_s: float
    ages_s: float
    """Of all of them together."""
    minute: int
    """In line for over a minute."""
    late_s: float
    """How long those have waited who have waited longer than was expected."""
    late_expected_s: float


def _groups(
    floor: Floor, name: str, kind: Class, me: Caller | None, since: Instant, now: Instant
) -> Iterator[_Group]:
    """Those who wait in a line, by class."""
    priority, place = floor.order.place(kind, since)
    for of, there in floor.lines[name].kinds.items():
        callers = [each for each in there.waiting.values() if each != me]
        if not callers:
            continue
        sinces = [each.since for each in callers]
        ahead = bisect_right(sinces, place + floor.order.credit(of))
        if of.priority != priority:
            ahead = len(callers) if of.priority < priority else 0
        late = [
            ((now - each.since) / SECOND, each.expected_s)
            for each in callers
            if now - each.since > each.expected_s * SECOND
        ]
        yield _Group(
            of,
            len(callers),
            ahead,
            (now - sinces[0]) / SECOND,
            (len(callers) * now - sum(sinces)) / SECOND,
            bisect_left(sinces, now - MINUTE),
            sum(each for each, _ in late),
            sum(each for _, each in late),
        )


class _Place:
    """Where one stands among those who wait, whose lines share agents with his."""

    def __init__(self, groups: list[_Group], share: dict[str, float]) -> None:
        self.groups = groups
        self.ahead = sum(each.ahead for each in groups)
        self.waiting = sum(each.waiting for each in groups)
        self.weight = sum(each.ahead * share[each.of.queue] for each in groups)
        self.weight_all = sum(each.waiting * share[each.of.queue] for each in groups)

    def work_s(self, floor: Floor, share: dict[str, float]) -> float:
        """How long agents have to do with those ahead."""
        return sum(
            each.ahead * share[each.of.queue] * floor.lines[each.of.queue].handle.mean_s
            for each in self.groups
        )


def _serves(floor: Floor, service: Service, line: str) -> bool:
    """Its agent takes this line, too."""
    if service.agent is None:
        return service.line == line
    return line in floor.agents[service.agent].lines


def _warm(floor: Floor, line: str, now: Instant) -> tuple[int, int, int]:
    """Agents without a contact: warm ones, those of this line, and those of it who are cool."""
    warm = warm_here = cool_here = 0
    for minute, names in reversed(floor.seen.items()):
        if (minute + 1) * MINUTE <= now - COOL_MS:
            break
        for name in names:
            agent = floor.agents[name]
            if agent.has or agent.ended_at is None or agent.ended_at // MINUTE != minute:
                continue
            ago, here = now - agent.ended_at, line in agent.lines
            if ago < WARM_MS:
                warm += 1
                warm_here += here
            elif ago < COOL_MS:
                cool_here += here
    return warm, warm_here, cool_here


class Told(NamedTuple):
    """What is known of the agents of a line because somebody has told it."""

    slots: float
    room: float
    ahead: float


def _told(floor: Floor, line: str, groups: list[_Group]) -> Told:
    """Those ahead count as the share of their line's agents who take this one, too."""
    theirs = {each.of.queue: 0 for each in groups if each.ahead}
    both = dict(theirs)
    slots = room = 0
    for crew, agents in floor.crews.items():
        lines = dict(crew)
        slots += agents * lines.get(line, 0)
        for other in theirs.keys() & lines:
            theirs[other] += agents
            both[other] += agents * (line in lines)
    for agent in floor.agents.values():
        if agent.slots and line in agent.slots and (not agent.has or agent.slots[line] > 1):
            room += agent.room(line)
    ahead = sum(
        each.ahead * both[each.of.queue] / max(theirs[each.of.queue], 1)
        for each in groups
        if each.ahead
    )
    return Told(slots, room, ahead)


def _overtakers(
    floor: Floor, kind: Class, now: Instant, since: Instant, share: dict[str, float]
) -> list[Overtaker]:
    """Classes of whom those who come later are served before; those for as long are one."""
    mine = floor.order.credit(kind) + now - since
    rates: dict[float, float] = {}
    for name, each in share.items():
        for of, there in floor.lines[name].kinds.items() if each else ():
            lead_ms = inf if of.priority < kind.priority else floor.order.credit(of) - mine
            if of.priority <= kind.priority and lead_ms > 0:
                count = there.arrivals.count(OVERTAKING_MS, now)
                lead_s = min(lead_ms, HOUR) / SECOND
                if count:
                    rates[lead_s] = rates.get(lead_s, 0) + count * each * SECOND / OVERTAKING_MS
    return [(rate, lead_s) for lead_s, rate in rates.items()]


def _head_s(groups: Iterable[_Group]) -> float:
    return max((each.head_s for each in groups), default=0.0)


def _ago_s(at: Instant | None, now: Instant) -> float:
    return NEVER_S if at is None else min((now - at) / SECOND, NEVER_S)


def _drift(waits: Recent, groups: list[_Group], span: int, now: Instant) -> float:
    """Waits lately, by what was expected of them; those still waiting count once they are late."""
    _, waited_s, expected_s, _ = waits.window(span, now)
    waited_s += sum(each.late_s for each in groups)
    expected_s += sum(each.late_expected_s for each in groups)
    return (waited_s + DRIFT_PRIOR_S) / (expected_s + DRIFT_PRIOR_S)
