"""Current metrics: whole answers, held against plain loops over agents and contacts."""

import json
from unittest import mock

from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_histories import STATUSES
from plain_metrics import EXPRESSIONS, TEXTS, Seeking, opinion
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections import meeting
from ringfloor.projections.counters import recount
from ringfloor.projections.current_metrics import METRICS
from ringfloor.projections.current_request import parse
from ringfloor.projections.current_rows import answer
from ringfloor.projections.realtime import Realtime

NAMES = [metric.name for metric in METRICS if metric.name != "ESTIMATED_WAIT_TIME"]
PER_PROFILE = [metric.name for metric in METRICS if metric.profile_filter]
HISTORIES = st.lists(st.integers(0, 2**40), min_size=60, max_size=140)
SENT = [json.dumps(each, indent=1) for each in EXPRESSIONS]
SUBTYPES = ["connect:Telephony", "connect:Chat", "connect:Guide", "connect:SMS", "unknown"]
FREE = ["QUEUE", "CHANNEL", "ROUTING_PROFILE", "ROUTING_STEP_EXPRESSION"]
PAIRS = [
    [],
    *[[one] for one in FREE],
    *[[one, two] for one in FREE for two in FREE if one != two],
    ["QUEUE", "AGENT_STATUS"],
    ["QUEUE", "SUBTYPE"],
]


def folded(numbers):
    world, realtime, now = Seeking(), Realtime(), 0
    for told in (world.begin(), *map(world.step, numbers)):
        for happened, now in told:
            realtime.on(happened, now)
    return world, realtime, now


def some(draw, values):
    return draw(st.lists(st.sampled_from(values), unique=True, max_size=4))


def a_request(draw, facts):
    """A request that keeps the rules, for any metric that may be asked in it."""
    groupings = draw(st.sampled_from(PAIRS))
    queues = [*sorted(facts.queues), "unknown"]
    profiles = [*sorted(facts.profiles), "unknown"]
    filters = {}
    only_queues = groupings[1:] in (["AGENT_STATUS"], ["SUBTYPE"])
    kinds = ["Queues"] if only_queues else ["Queues", "RoutingProfiles", "Channels"]
    if "ROUTING_PROFILE" in groupings and "Channels" in kinds:
        kinds.remove("Channels")
    kind = draw(st.sampled_from(kinds))
    if kind == "Queues":
        filters["Queues"] = some(draw, queues) or queues
        filters["AgentStatuses"] = some(draw, [*STATUSES, "unknown"])
        if "ROUTING_STEP_EXPRESSION" not in groupings:
            filters["Subtypes"] = some(draw, SUBTYPES)
        elif draw(st.booleans()):
            filters["Queues"] = filters["Queues"][:1]
            filters["RoutingStepExpressions"] = some(draw, SENT)
    elif kind == "RoutingProfiles":
        filters["RoutingProfiles"] = some(draw, profiles) or profiles
    filters["Channels"] = some(draw, CHANNELS) or list(CHANNELS)
    names = NAMES
    if "AGENT_STATUS" in groupings:
        names = ["AGENTS_ONLINE"]
    elif "ROUTING_PROFILE" in groupings and "Queues" in filters:
        names = [name for name in NAMES if name not in PER_PROFILE]
    sortable = [name for name in names if not name.startswith("SLOTS_")]
    sort = {"SortByMetric": draw(st.sampled_from(sortable))}
    order = draw(st.sampled_from([None, "ASCENDING", "DESCENDING"]))
    return {
        "Filters": {name: each for name, each in filters.items() if each},
        "Groupings": groupings,
        "CurrentMetrics": [{"Name": name} for name in names],
        "SortCriteria": [{**sort, **({"SortOrder": order} if order else {})}],
    }


requests = st.composite(a_request)


def answered(realtime, request, now):
    """Dimensions to the values by name, in order."""
    query = parse(request, lambda _kind, identifier: identifier)
    names = [asked.metric.name for asked in query.asked]
    return {
        row.dimensions: dict(zip(names, row.values, strict=True))
        for row in answer(realtime, {}, query, now)
    }


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.data())
def test_every_answer_is_what_plain_loops_find(numbers, data):
    _, realtime, now = folded(numbers)
    for _ in range(6):
        request = data.draw(requests(realtime.facts))
        rows = answered(realtime, request, now + 500)
        expected = opinion(realtime.facts, request, now + 500)
        assert list(rows) == list(expected)
        for dimensions, values in rows.items():
            assert values == {name: expected[dimensions][name] for name in values}
        if rows:
            seen(f"rows by {request['Groupings']}")


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.lists(st.sampled_from(TEXTS), min_size=1), st.integers(1, 4))
def test_counters_equal_a_recount_after_every_event_whatever_is_asked_meanwhile(
    numbers, asked, at_once
):
    """Some expressions are prepared an agent or two at a time, while things happen to them."""
    world, realtime = Seeking(), Realtime()
    for number, told in enumerate((world.begin(), *map(world.step, numbers))):
        if number > len(numbers) // 3:
            expression = asked[number % len(asked)]
            with mock.patch.object(meeting, "METRIC_AGENTS_AT_ONCE", at_once):
                (realtime.prepare if number % 3 else realtime.groups)(expression)
        for happened, at in told:
            realtime.on(happened, at)
        assert realtime.counters == recount(realtime.facts), told
        for expression, groups in realtime.meeting.kept():
            fresh = Realtime.load(realtime.dump()).groups(expression)
            assert {each: by for each, by in groups.items() if by} == fresh
    assert Realtime.load(realtime.dump()) == realtime


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_the_fold_agrees_with_the_world_about_steps_subtypes_and_skills(numbers):
    world, realtime, _ = folded(numbers)
    facts = realtime.facts
    for contact_id, contact in facts.contacts.items():
        waits = contact.stage in ("IN_QUEUE", "OFFERED") and contact.queue_id is not None
        assert contact.step() == (world.active(contact_id) if waits else None)
    assert {name: each.skills() for name, each in facts.agents.items() if each.levels} == {
        name: each for name, each in world.skills.items() if each and name in world.people
    }
