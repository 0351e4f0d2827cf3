"""Laws: what must hold of answers, whatever has happened.

Each takes a way to ask, and fails with what does not add up. Values are compared as whole
milliseconds, or counts.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from second_opinion.formulas import METRICS
from second_opinion.opinion import Answer
from second_opinion.story import Leg, Story

Ask = Callable[[dict[str, Any]], Answer]

LONG = {"Comparison": "LTE", "ThresholdValue": 604_800}

OF_CONTACTS = (
    "CONTACTS_QUEUED",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "CONTACTS_TRANSFERRED_OUT",
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
    "CONTACTS_HOLD_ABANDONS",
    "SUM_CONTACTS_DISCONNECTED",
    "SUM_HANDLE_TIME",
    "SUM_HOLD_TIME",
    "SUM_CONTACT_FLOW_TIME",
    "AGENT_NON_RESPONSE",
    "SUM_CONNECTING_TIME_AGENT",
    "CONTACTS_QUEUED_BY_ENQUEUE",
    "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT",
)
OF_AGENTS = (
    "CONTACTS_HANDLED",
    "CONTACTS_TRANSFERRED_OUT_BY_AGENT",
    "CONTACTS_PUT_ON_HOLD",
    "SUM_AFTER_CONTACT_WORK_TIME",
    "SUM_HANDLE_TIME",
    "SUM_INTERACTION_AND_HOLD_TIME",
    "AGENT_NON_RESPONSE",
    "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS",
    "SUM_CONNECTING_TIME_AGENT",
)
OF_TIME = (
    "SUM_CONTACT_TIME_AGENT",
    "SUM_IDLE_TIME_AGENT",
    "SUM_NON_PRODUCTIVE_TIME_AGENT",
    "SUM_ONLINE_TIME_AGENT",
    "SUM_ERROR_STATUS_TIME_AGENT",
)


def whole(value: float | None) -> int:
    """Milliseconds of seconds; a count a thousandfold."""
    return round((value or 0) * 1000)


def columns(answer: Answer, names: Sequence[str]) -> dict[str, int]:
    """The sum over all rows, by metric."""
    return {
        name: sum(whole(values[number]) for values in answer.values())
        for number, name in enumerate(names)
    }


def asking(
    story: Story, begun: int, names: Iterable[str], key: str, values: Iterable[str]
) -> dict[str, Any]:
    """Those metrics of everything that has one of these values, from beginning to end."""
    return {
        "StartTime": begun // 1000 - 1,
        "EndTime": story.at // 1000,
        "Filters": [{"FilterKey": key, "FilterValues": list(values)}],
        "Groupings": [],
        "Metrics": [
            {"Name": name, **({"Threshold": [LONG]} if name.endswith("_IN_X") else {})}
            for name in names
        ],
    }


def parts_make_the_whole(
    ask: Ask, request: dict[str, Any], names: Sequence[str], key: str
) -> dict[str, int]:
    """Over all queues, or agents, there is what there is without grouping."""
    together = columns(ask(request), names)
    apart = columns(ask({**request, "Groupings": [key]}), names)
    assert apart == together, (key, apart, together)
    return together


def time_is_of_one_kind(sums: dict[str, int]) -> None:
    """Online is on contact, idle or not productive."""
    parts = OF_TIME[:3]
    assert sums["SUM_ONLINE_TIME_AGENT"] == sum(sums[name] for name in parts), sums


def intervals_add_up(
    ask: Ask, request: dict[str, Any], names: Sequence[str], period: str, zone: str
) -> None:
    """Adjacent intervals, of the request's own or as two requests, make the whole."""
    together = columns(ask(request), names)
    cut = {**request, "Interval": {"IntervalPeriod": period, "TimeZone": zone}}
    assert columns(ask(cut), names) == together, (period, zone)
    middle = (request["StartTime"] + request["EndTime"]) // 2
    halves = [ask({**request, "EndTime": middle}), ask({**request, "StartTime": middle})]
    one, other = (columns(half, names) for half in halves)
    assert {name: one[name] + other[name] for name in names} == together, middle


GOES_ON = {
    "CALLBACK": "the customer will be called back",
    "CALLBACK_CUSTOMER_FIRST_QUEUED": "the same, and he will be dialled first",
    "CALLBACK_CUSTOMER_FIRST_DIALED": "he is dialled now",
    "DISCONNECT": "the agent was lost while the customer heard a whisper",
    "TRANSFER": "handed on before anybody had taken it, or with an agent who was in the call",
    "API": "a task that has followed it",
}
"""How contacts leave a queue unanswered, not abandoned and not for another queue: by what comes
after them."""


def nobody_is_lost_in_queues(ask: Ask, story: Story, begun: int, queues: Sequence[str]) -> None:
    """queued = answered + abandoned + transferred + callbacks (GOES_ON) + still there."""
    names = (
        "CONTACTS_QUEUED",
        "SUM_CONTACTS_ANSWERED_IN_X",
        "CONTACTS_ABANDONED",
        "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
        "CONTACTS_QUEUED_BY_ENQUEUE",
    )
    request = {**asking(story, begun, names, "QUEUE", queues), "Groupings": ["QUEUE"]}
    answer, end = ask(request), request["EndTime"] * 1000
    for queue in queues:
        row = answer.get(
            ((("QUEUE", queue),), (request["StartTime"] * 1000, request["EndTime"] * 1000)),
            [0.0] * len(names),
        )
        queued, answered, abandoned, moved, entered = (int(value or 0) for value in row)
        mine = [leg for leg in story.legs.values() if leg.queue == queue and leg.enqueued_at]
        over = [leg for leg in mine if leg.final_at is not None and _counted(leg, request)]
        gone_on = [leg for leg in over if _goes_on(story, leg)]
        assert queued == answered + abandoned + moved + len(gone_on), (queue, row, gone_on)
        there = [leg for leg in mine if leg not in over]  # they wait, talk, or are worked on
        entered += sum(leg in there and at >= end for leg, _, at in story.entries)
        again = entered - queued - len(there)  # callbacks that were tried again
        tried = sum(ring.queue == queue and ring.end == "failed" for ring in story.rings)
        assert 0 <= again <= tried, (queue, row, len(there))


def _counted(leg: Leg, request: dict[str, Any]) -> bool:
    assert leg.ended_at is not None
    return request["StartTime"] * 1000 <= leg.ended_at < request["EndTime"] * 1000


def _goes_on(story: Story, leg: Leg) -> bool:
    moved = leg.before == "IN_QUEUE" and leg.completed_at is not None
    if leg.connected_at is not None or leg.next is None or moved:
        return False
    assert story.legs[leg.next].method in GOES_ON, (leg.id, story.legs[leg.next].method)
    return True


SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "CONTACTS_QUEUED": ("CONTACTS_QUEUED", {}),
    "CONTACTS_HANDLED": ("CONTACTS_HANDLED", {}),
    "CONTACTS_ABANDONED": ("CONTACTS_ABANDONED", {}),
    "CONTACTS_HANDLED_INCOMING": (
        "CONTACTS_HANDLED",
        {"INITIATION_METHOD": ["INBOUND", "TRANSFER", "QUEUE_TRANSFER"]},
    ),
    "CONTACTS_HANDLED_OUTBOUND": ("CONTACTS_HANDLED", {"INITIATION_METHOD": ["OUTBOUND"]}),
    "CALLBACK_CONTACTS_HANDLED": ("CONTACTS_HANDLED", {"INITIATION_METHOD": ["CALLBACK"]}),
    "API_CONTACTS_HANDLED": ("CONTACTS_HANDLED", {"INITIATION_METHOD": ["API"]}),
    "CONTACTS_AGENT_HUNG_UP_FIRST": (
        "CONTACTS_HANDLED",
        {"DISCONNECT_REASON": ["AGENT_DISCONNECT"]},
    ),
    "CONTACTS_TRANSFERRED_IN": (
        "CONTACTS_CREATED",
        {"INITIATION_METHOD": ["TRANSFER", "QUEUE_TRANSFER"]},
    ),
    "CONTACTS_TRANSFERRED_IN_FROM_QUEUE": (
        "CONTACTS_CREATED",
        {"INITIATION_METHOD": ["QUEUE_TRANSFER"]},
    ),
    "CONTACTS_TRANSFERRED_OUT": ("CONTACTS_TRANSFERRED_OUT", {}),
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": ("CONTACTS_TRANSFERRED_OUT_FROM_QUEUE", {}),
    "CONTACTS_HOLD_ABANDONS": ("CONTACTS_HOLD_ABANDONS", {}),
    "CONTACTS_MISSED": ("AGENT_NON_RESPONSE", {}),
    "QUEUED_TIME": ("MAX_QUEUED_TIME", {}),
    "ABANDON_TIME": ("AVG_ABANDON_TIME", {}),
    "QUEUE_ANSWER_TIME": ("AVG_QUEUE_ANSWER_TIME", {}),
    "HANDLE_TIME": ("AVG_HANDLE_TIME", {}),
    "HOLD_TIME": ("AVG_HOLD_TIME", {}),
    "INTERACTION_TIME": ("AVG_INTERACTION_TIME", {}),
    "INTERACTION_AND_HOLD_TIME": ("AVG_INTERACTION_AND_HOLD_TIME", {}),
    "AFTER_CONTACT_WORK_TIME": ("AVG_AFTER_CONTACT_WORK_TIME", {}),
    "SERVICE_LEVEL": ("SERVICE_LEVEL", {}),
}
"""Metrics of GetMetricData in GetMetricDataV2, with their own filters: the specification, 4.1."""


def both_say_the_same(
    first: Ask, second: Ask, request: dict[str, Any], queues: Sequence[str]
) -> None:
    """request: of GetMetricData, with queues; the times and the groupings are taken from it."""
    limit = {"Comparison": "LT", "ThresholdValue": 20}
    older = {
        **request,
        "Filters": {"Queues": list(queues)},
        "HistoricalMetrics": [
            {"Name": name, **({"Threshold": limit} if name == "SERVICE_LEVEL" else {})}
            for name in SAME
        ],
    }
    newer = {
        "StartTime": request["StartTime"],
        "EndTime": request["EndTime"],
        "Filters": [{"FilterKey": "QUEUE", "FilterValues": list(queues)}],
        "Groupings": request["Groupings"],
        "Metrics": [
            {
                "Name": name,
                "MetricFilters": [
                    {"MetricFilterKey": key, "MetricFilterValues": values}
                    for key, values in own.items()
                ],
                **({"Threshold": [limit]} if name == "SERVICE_LEVEL" else {}),
            }
            for name, own in SAME.values()
        ],
    }
    ours = {row: values for (row, _), values in first(older).items()}
    theirs = {row: values for (row, _), values in second(newer).items()}
    for row, values in ours.items():
        assert theirs[row] == values, (
            row,
            dict(zip(SAME, zip(values, theirs[row], strict=True), strict=True)),
        )
    extra = {row: values for row, values in theirs.items() if row not in ours}
    assert not any(value for values in extra.values() for value in values), extra


assert set(OF_CONTACTS) | set(OF_AGENTS) | set(OF_TIME) <= set(METRICS)
