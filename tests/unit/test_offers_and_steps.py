"""Offers, what counts when it happens, and routing steps: facts from events, one for each end."""

import pytest

from metric_histories import AVAILABLE, Legs, status
from record_builders import AT, AnnsDay, in_hand, of, ringing
from ringfloor.domain import events
from ringfloor.domain.contact import Callback
from ringfloor.domain.criteria import Criteria, Step
from ringfloor.domain.facts import AgentTime, Offer, StepEntry
from ringfloor.projections import routing_steps

# Offers


def accepting(name):
    return events.ContactAccepted(name, "Ann", "p")


def agent_first(day, name):
    plan = Callback(queue_id="q", attempts=2, retry_ms=60_000)
    ringing(day, 0, name, method="CALLBACK", stage="SCHEDULED", callback=plan)
    day.tell(5, accepting(name), events.ContactDequeued(name, "Ann"))
    day.tell(10, events.CustomerDialled(name, "Ann", AT + 70_000))


@pytest.mark.parametrize(
    ("happens", "outcome", "hand"),
    [
        (lambda day: [day.legs.connect("c", "Ann", AT + 20_000)], "accepted", [("c", 20, 60)]),
        (lambda day: [day.legs.miss("c")], "missed", []),
        (lambda day: [day.legs.miss("c", "rejected")], "rejected", []),
        (lambda day: [day.legs.miss("c", "customer_left")], "customer_left", []),
        (
            lambda _: [accepting("c"), events.AgentLegLost("c", "Ann", "q", "VOICE")],
            "failed",
            [],
        ),
        (
            lambda day: [accepting("c"), *day.legs.end("c", AT + 20_000)],
            "failed",
            [],
        ),
    ],
)
def test_what_becomes_of_an_offer(happens, outcome, hand):
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    ringing(day, 10, "c")
    day.tell(20, *happens(day))
    [fact] = of(Offer, day.told)
    assert (fact.outcome, fact.offered_at, fact.ended_at) == (outcome, AT + 10_000, AT + 20_000)
    assert (fact.contact_id, fact.agent_id, fact.routing_profile_id) == ("c", "Ann", "p")
    assert (fact.queue_id, fact.channel, fact.initiation_method) == ("q", "VOICE", "INBOUND")
    assert fact.subtype == "connect:Telephony"
    in_error = [fact.in_error for fact in of(AgentTime, day.records.open(AT + 60_000))]
    assert in_error == [outcome != "accepted"]
    assert in_hand(day.records.open(AT + 60_000)) == hand


def test_a_callback_is_in_the_agents_hands_while_its_customer_is_dialled():
    day = AnnsDay()
    day.tell(0, status("Ann", AVAILABLE))
    agent_first(day, "c")
    lost = events.CallbackUnanswered("c", "Ann", "q", "VOICE", "TELECOM_UNANSWERED", AT + 90_000)
    day.tell(30, lost)
    [fact] = of(Offer, day.told)
    assert (fact.outcome, fact.ended_at) == ("failed", AT + 30_000)
    assert in_hand(day.told) == [("c", 10, 30)]
    assert day.times == [("idle", 0, 10), ("contact", 10, 30)]


@pytest.mark.parametrize(
    ("happens", "ended"),
    [
        (lambda day: [day.legs.connect("c", "Ann", AT + 15_000)], 15),
        (lambda day: day.legs.end("c", AT + 15_000), 15),
        (lambda _: [events.AgentLegLost("c", "Ann", "q", "VOICE")], 15),
        (lambda _: [], None),
    ],
    ids=["joined", "nobody answers", "his phone is lost", "it rings yet"],
)
def test_a_call_that_an_agent_makes_connects_from_its_beginning(happens, ended):
    day = AnnsDay()
    born = {"stage": "ACCEPTED", "agent_id": "Ann", "queue_id": "q", "routing_profile_id": "p"}
    day.tell(5, day.legs.begin("c", AT + 5_000, method="OUTBOUND", **born))
    day.tell(6, events.CustomerDialled("c", "Ann", AT + 70_000))
    day.tell(15, *happens(day))
    told = [
        (
            fact.outcome,
            fact.initiation_method,
            fact.queue_id,
            fact.agent_id,
            fact.routing_profile_id,
        )
        for fact in of(Offer, day.told)
        if (fact.offered_at, fact.ended_at) == (AT + 5_000, AT + (ended or 0) * 1000)
    ]
    assert told == ([("own_call", "OUTBOUND", "q", "Ann", "p")] if ended else [])


def test_to_listen_to_a_call_connects_nobody():
    day = AnnsDay()
    born = {"stage": "ACCEPTED", "agent_id": "Ann", "queue_id": "q", "routing_profile_id": "p"}
    day.tell(5, day.legs.begin("c", AT + 5_000, method="MONITOR", **born))
    day.tell(15, day.legs.connect("c", "Ann", AT + 15_000))
    assert of(Offer, day.told) == []


def test_an_offer_is_of_the_agent_as_he_stood_when_it_was_made():
    day = AnnsDay()
    ringing(day, 0, "c")
    day.tell(5, events.ResourceUpdated("user", "Ann", {"RoutingProfileId": "other"}))
    day.tell(9, day.legs.connect("c", "Ann", AT + 9_000))
    assert [fact.routing_profile_id for fact in of(Offer, day.told)] == ["p"]


# Routing steps


def seeking(*words):
    return tuple(Step(word, 10_000) for word in words)


def entries(facts):
    return [
        (
            fact.expression,
            (fact.entered_at - AT) // 1000,
            None if fact.left_at is None else (fact.left_at - AT) // 1000,
            fact.outcome,
        )
        for fact in of(StepEntry, facts)
    ]


def sought(*more, queue="q", first=("a", "b")):
    """A contact that is enqueued at 10 s with criteria, then this happens to it."""
    day = AnnsDay()
    day.tell(0, day.legs.begin("c", AT), events.RoutingCriteriaSet("c", seeking(*first)))
    day.tell(10, day.legs.enqueue("c", queue, AT + 10_000))
    for second, event in more:
        day.tell(second, *(event if isinstance(event, list) else [event]))
    return day


def joined_at(second):
    legs = Legs()
    legs.begin("c", AT)
    return legs.connect("c", "Ann", AT + second * 1000)


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        ([], [("a", 10, None, None)]),
        (
            [(20, events.RoutingStepExpired("c"))],
            [("a", 10, 20, "expired"), ("b", 20, None, None)],
        ),
        (
            [(20, events.RoutingStepExpired("c")), (30, events.RoutingStepExpired("c"))],
            [("a", 10, 20, "expired"), ("b", 20, 30, "expired")],
        ),
        (
            [(15, events.RoutingCriteriaSet("c", seeking("x")))],
            [("a", 10, 15, "left"), ("x", 15, None, None)],
        ),
        ([(15, joined_at(15))], [("a", 10, 15, "joined")]),
        (
            [(15, events.ContactEnded("c", "CUSTOMER_DISCONNECT", "IN_QUEUE"))],
            [("a", 10, 15, "left")],
        ),
        (
            [(15, events.ContactEnqueued("c", "other", "VOICE"))],
            [("a", 10, 15, "left"), ("a", 15, None, None)],
        ),
        (
            [
                (15, events.TaskPaused("c")),
                (16, events.RoutingCriteriaSet("c", seeking("x"))),
                (17, events.TaskResumed("c", None, "q", "VOICE", AT)),
            ],
            [("a", 10, 16, "left")],
        ),
    ],
)
def test_the_steps_of_routing_criteria(happens, told):
    day = sought(*happens)
    assert entries(day.told) + entries(day.records.open(AT + 60_000)) == told
    assert all(fact.agent_id is None for fact in of(StepEntry, day.told))


def test_in_an_agents_own_queue_no_step_is_active():
    day = sought(queue="Ann")
    assert entries(day.records.open(AT + 60_000)) == []


def test_a_step_that_is_left_for_another_queue_was_one_of_the_old_queue():
    day = sought((15, events.ContactEnqueued("c", "other", "VOICE")))
    entered = [*of(StepEntry, day.told), *of(StepEntry, day.records.open(AT + 60_000))]
    assert [fact.queue_id for fact in entered] == ["q", "other"]


@pytest.mark.parametrize(
    ("statuses", "step"),
    [
        ([["INACTIVE", "INACTIVE"]], None),
        ([["EXPIRED", "JOINED"]], "0.1"),
        ([["EXPIRED", "EXPIRED"]], "0.1"),
        ([["DEACTIVATED", "INACTIVE"]], "0.0"),
        ([["INTERRUPTED", "INACTIVE"], ["INACTIVE"]], "0.0"),
        ([["INTERRUPTED"], ["JOINED", "INACTIVE"]], "1.0"),
    ],
)
def test_the_step_of_a_leg_is_the_one_it_was_joined_in_else_the_last_active(statuses, step):
    criteria = [
        Criteria(tuple(Step(f"{number}.{n}", status=each) for n, each in enumerate(row)), number)
        for number, row in enumerate(statuses)
    ]
    assert routing_steps.last(criteria) == step
