"""Routing criteria, step by step; offers by hand; limits of queues; the wait of agents."""

from typing import Any

import pytest

from engine_builders import Driver, a_center, a_content, an_action, proficiencies, steps_in
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands
from ringfloor.domain.criteria import compiled, satisfied, steps_of, terms
from ringfloor.engine import demand, queue
from ringfloor.engine.contact_events import contact_events
from ringfloor.engine.contact_records import contact_record


def a_skilled_center(**skills: str) -> Driver:
    """Agents a1, a2 ... with these proficiencies, who all serve sales."""
    center = a_center(agents=len(skills))
    for alias, words in skills.items():
        if words:
            rows = proficiencies(center.center, words)
            center.update("user", alias, Proficiencies=rows)
    return center


# One step


def test_a_contact_is_offered_only_to_agents_who_meet_its_step():
    a_skilled_center(a1="French=2", a2="French=3", a3="").ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        2 s    a3 status Break        AgentStatusChanged a3 Break
        3 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 23 s
        4 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 24 s
        5 s    c3 call sales          ContactEnqueued c3 sales
        6 s    c3 seeks French>=3     RoutingCriteriaSet c3 1 steps
        7 s    c1 leaves              OfferMissed c1 a1 customer_left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        8 s    a1 clears c1           ContactCleared c1 a1
        9 s    c2 leaves              OfferMissed c2 a2 customer_left;
                                      ContactEnded c2 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c2
        10 s   a2 clears c2           ContactCleared c2 a2; ContactOffered c3 a2 until 30 s
    """)


def test_the_longest_available_of_those_who_meet_it():
    center = a_skilled_center(a1="", a2="French=3", a3="French=5")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s    c1 seeks French>=3     RoutingCriteriaSet c1 1 steps
        2 s    a1 status Available    AgentStatusChanged a1 Available
        3 s    a1 status Break        AgentStatusChanged a1 Break
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        5 s    a3 status Available    AgentStatusChanged a3 Available
        6 s    a1 status Available    AgentStatusChanged a1 Available
        7 s    a2 status Available    AgentStatusChanged a2 Available
        8 s    c2 call a1             ContactEnqueued c2 a1; ContactOffered c2 a1 until 28 s
        9 s    c3 call a1             ContactEnqueued c3 a1
        10 s   c3 seeks French>=3     RoutingCriteriaSet c3 1 steps
    """)
    center.enqueue("c4", "sales")
    assert "c4" in center.agent("a3").contacts


def test_within_a_step_the_order_is_that_of_all_contacts():
    """The agent's row, the contact's priority, its age: criteria add no rank of their own."""
    center = a_skilled_center(a1="French=3", a2="French=3", a3="French=3")
    for alias in ("c1", "c2", "c3"):
        center.enqueue(alias, "sales")
    center.ledger("""
        1 s    c2 seeks French>=1     RoutingCriteriaSet c2 1 steps
        2 s    c3 ranks priority 1    RoutingDataUpdated c3 priority 1
        3 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c3 a1 until 23 s
        4 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 24 s
        5 s    a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c2 a3 until 25 s
    """)


def test_a_row_with_a_delay_counts_for_criteria_too():
    center = a_center(profiles={"slow": "sales 1 +10"})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    a1 can French=3        ResourceUpdated user a1
        1 s    c1 call sales          ContactEnqueued c1 sales
        2 s    c1 seeks French>=3     RoutingCriteriaSet c1 1 steps
        11 s   -                      DelayPassed c1 10 s; ContactOffered c1 a1 until 31 s
    """)


def test_a_delay_that_is_over_stays_over_when_the_step_changes():
    center = a_center(profiles={"slow": "sales 1 +10"})
    center.ledger("""
        1 s    c1 call sales               ContactEnqueued c1 sales
        2 s    c1 seeks French>=3 20       RoutingCriteriaSet c1 1 steps
        11 s   -                           DelayPassed c1 10 s
        15 s   a1 status Available         AgentStatusChanged a1 Available
        22 s   -                           RoutingStepExpired c1; ContactOffered c1 a1 until 42 s
    """)


# Steps


def test_steps_follow_each_other_and_after_the_last_anybody_qualifies():
    center = a_skilled_center(a1="", a2="French=2", a3="French=5")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s    c1 seeks French>=3 10, French>=2 10    RoutingCriteriaSet c1 2 steps
        2 s    a1 status Available                   AgentStatusChanged a1 Available
        3 s    a2 status Available                   AgentStatusChanged a2 Available
        11 s   -                                     RoutingStepExpired c1;
                                                     ContactOffered c1 a2 until 31 s
        12 s   a2 rejects c1                         OfferMissed c1 a2 rejected
        21 s   -                                     RoutingStepExpired c1;
                                                     ContactOffered c1 a1 until 41 s
    """)
    assert [step.status for step in center.contact("c1").criteria[-1].steps] == ["EXPIRED"] * 2


def test_each_step_in_its_turn_is_the_one_that_was_asked_for():
    center = a_skilled_center(a1="")
    center.enqueue("c1", "sales")
    steps = steps_in("A>=1 1, B>=1 2, C>=1 7776000", center.ids)
    center.run(commands.UpdateRoutingData("c1", steps=steps))
    begun = center.at
    for number, at in enumerate((0, 1_000, 3_000)):
        center.pass_time(begun + at - center.at)
        active = center.contact("c1").criteria[-1].active
        assert active.expression == steps[number].expression
        assert active.expires_at == center.at + steps[number].duration_ms


def test_a_step_without_expiry_never_falls_through():
    center = a_skilled_center(a1="")
    center.available("a1")
    center.enqueue("c0", "sales")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s      c1 seeks French>=3, Dutch>=1 5    RoutingCriteriaSet c1 2 steps
        20 s     -                            OfferMissed c0 a1 unanswered
        3600 s   c0 leaves                    ContactEnded c0 CUSTOMER_DISCONNECT IN_QUEUE;
                                              ContactCompleted c0
        3601 s   a1 clears c0                 ContactCleared c0 a1
        9999 s   -                            -
    """)


def test_join_marks_the_step_and_stops_its_clock():
    center = a_skilled_center(a1="French=4")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s    c1 seeks French>=3 60, French>=2    RoutingCriteriaSet c1 2 steps
        2 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 22 s
    """)
    joined(center, "a1", "c1")
    assert not center.pass_time(99_000)
    [criteria] = center.contact("c1").criteria
    assert [step.status for step in criteria.steps] == ["JOINED", "INACTIVE"]
    assert criteria.over
    assert not center.contact("c1").timers


def test_a_step_may_expire_while_it_rings_and_the_miss_goes_on_from_there():
    center = a_skilled_center(a1="French=4", a2="")
    center.enqueue("c1", "sales")
    center.ledger("""
        1 s    c1 seeks French>=3 10  RoutingCriteriaSet c1 1 steps
        2 s    a2 status Available    AgentStatusChanged a2 Available
        3 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 23 s
        11 s   -                      RoutingStepExpired c1
        23 s   -                      OfferMissed c1 a1 unanswered; ContactOffered c1 a2 until 43 s
    """)


def test_criteria_set_in_a_flow_are_active_from_the_queue_on():
    center = a_skilled_center(a1="French=4", a2="")
    there = an_action("on", "TransferToFlow", {"ContactFlowId": center.ids["to sales"]})
    hello = an_action("hello", "MessageParticipant", {"Text": "Hello"}, "on")
    center.a_flow("hello", a_content(hello, there))
    center.ledger("""
        0 s    a2 status Available      AgentStatusChanged a2 Available
        1 s    a1 status Available      AgentStatusChanged a1 Available
        2 s    c1 enters hello          -
        3 s    c1 seeks French>=3 10    RoutingCriteriaSet c1 1 steps
        90 s   -                        -
        91 s   c1 hears done            ContactEnqueued c1 sales; ContactOffered c1 a1 until 111 s
        101 s  -                        RoutingStepExpired c1
    """)


def test_criteria_are_never_active_in_an_agents_own_queue():
    center = a_skilled_center(a1="")
    center.enqueue("c1", "a1")
    center.ledger("""
        1 s    c1 seeks French>=3 10    RoutingCriteriaSet c1 1 steps
        2 s    a1 status Available      AgentStatusChanged a1 Available;
                                        ContactOffered c1 a1 until 22 s
    """)
    [criteria] = center.contact("c1").criteria
    assert (criteria.activated_at, criteria.active) == (center.at - 1_000, None)


def test_new_criteria_interrupt_the_old_and_three_sets_are_kept():
    center = a_skilled_center(a1="Dutch=1")
    center.available("a1")
    center.enqueue("c0", "sales")
    center.enqueue("c1", "sales")
    for number in range(2, 6):
        steps = steps_in(f"French>={number}", center.ids)
        center.run(commands.UpdateRoutingData(center.ids["c1"], steps=steps))
    kept = center.contact("c1").criteria
    assert [each.index for each in kept] == [1, 2, 3]
    assert [each.steps[0].status for each in kept] == ["INTERRUPTED", "INTERRUPTED", "ACTIVE"]
    center.ledger("""
        1 s    c0 leaves              OfferMissed c0 a1 customer_left;
                                      ContactEnded c0 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c0
        2 s    a1 clears c0           ContactCleared c0 a1
        3 s    c1 seeks Dutch>=1      RoutingCriteriaSet c1 1 steps;
                                      ContactOffered c1 a1 until 23 s
    """)


def test_who_leaves_the_queue_has_a_deactivated_step():
    center = a_skilled_center(a1="")
    center.enqueue("c1", "sales")
    steps = steps_in("French>=3 10", center.ids)
    center.run(commands.UpdateRoutingData(center.ids["c1"], steps=steps))
    done = center.run(commands.StopContact(center.ids["c1"]))
    final = done.events[-1].contact
    assert final.criteria[-1].steps[0].status == "DEACTIVATED"
    assert nobody_is_sought(center)


def nobody_is_sought(center: Driver) -> bool:
    return not any(each.contacts for each in center.center.demand.sought.values())


def joined(center: Driver, agent: str, contact: str) -> None:
    """The agent whom the contact rings at talks with it."""
    center.run(commands.AcceptContact(center.ids[agent], center.ids[contact]))
    assert center.contact(contact).stage == "CONNECTED"


def hung_up(center: Driver, contact: str) -> None:
    center.run(commands.LoseChannel(center.ids[contact], "CUSTOMER_DISCONNECT"))


# Flows, and who is told


def a_seeking_flow(center: Driver, spelling: str, criteria: object) -> None:
    target = {"QueueId": center.ids["sales"]}
    content = a_content(
        an_action("rank", "UpdateContactRoutingBehavior", {"QueuePriority": "2"}, "seek"),
        an_action("seek", spelling, {"RoutingCriteria": criteria}, "aim", NoMatchingError="bye"),
        an_action("aim", "UpdateContactTargetQueue", target, "enter", NoMatchingError="bye"),
        an_action("enter", "TransferContactToQueue", {}, "bye", QueueAtCapacity="bye"),
        an_action("bye", "DisconnectParticipant"),
    )
    center.a_flow("seek", content)


@pytest.mark.parametrize("spelling", ["UpdateRoutingCriteria", "UpdateContactRoutingCriteria"])
def test_a_flow_ranks_a_contact_and_says_who_is_sought(spelling):
    center = a_skilled_center(a1="F=3", a2="")
    a_seeking_flow(
        center,
        spelling,
        {
            "Steps": [
                {
                    "Expression": {"AndExpression": [a_condition(ProficiencyLevel="2.0")]},
                    "Expiry": {"DurationInSeconds": "30"},
                }
            ]
        },
    )
    center.ledger("""
        0 s    a2 status Available    AgentStatusChanged a2 Available
        1 s    a1 status Available    AgentStatusChanged a1 Available
        2 s    c1 enters seek         RoutingDataUpdated c1 priority 2;
                                      RoutingCriteriaSet c1 1 steps;
                                      ContactEnqueued c1 sales; ContactOffered c1 a1 until 22 s
    """)


def test_a_flow_takes_the_error_branch_where_criteria_break_a_rule():
    center = a_skilled_center(a1="")
    a_seeking_flow(center, "UpdateContactRoutingCriteria", {"Steps": [{"Expression": {}}]})
    center.ledger("""
        2 s    c1 enters seek         RoutingDataUpdated c1 priority 2;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
    """)


def test_each_change_of_a_step_is_told_and_all_criteria_are_in_the_record():
    center = a_skilled_center(a1="")
    center.enqueue("c1", "sales")
    told: list[dict[str, Any]] = []

    def listen(command: commands.Command) -> None:
        for event in center.run(command).events:
            told.extend(each.detail for each in contact_events(center.center, event))

    listen(commands.UpdateRoutingData("c1", steps=steps_in("F>=3 5, a1", center.ids)))
    center.at += 5_000
    listen(commands.Expire())
    listen(commands.UpdateRoutingData("c1", steps=steps_in("F>=1", center.ids)))
    changed = [each["routingCriteria"]["steps"] for each in told if each.get("updatedProperties")]
    assert [[step["status"] for step in steps] for steps in changed] == [
        ["ACTIVE", "INACTIVE"],
        ["EXPIRED", "ACTIVE"],
        ["ACTIVE"],
    ]
    assert set(changed[0][0]["expiry"]) == {"durationInSeconds", "expiryTimestamp"}
    assert changed[0][1]["expression"]["attributeCondition"]["matchCriteria"]
    final = center.run(commands.StopContact("c1")).events[-1].contact
    record = contact_record(center.center, final)["RoutingCriteria"]
    assert [[step["Status"] for step in each["Steps"]] for each in record] == [
        ["EXPIRED", "INTERRUPTED"],
        ["DEACTIVATED"],
    ]


# Who can do what


def test_new_proficiencies_bring_an_agent_the_contacts_that_seek_them():
    center = a_skilled_center(a1="", a2="")
    center.available("a1", "a2")
    for alias in ("c1", "c2", "c3"):
        center.enqueue(alias, "sales")
    center.ledger("""
        1 s    c3 seeks French>=3      RoutingCriteriaSet c3 1 steps
        2 s    c1 leaves               OfferMissed c1 a1 customer_left;
                                       ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                       ContactCompleted c1
        3 s    a1 clears c1            ContactCleared c1 a1
        4 s    a1 can French=2         ResourceUpdated user a1
        5 s    a1 can French=3 Dutch=1    ResourceUpdated user a1; ContactOffered c3 a1 until 25 s
    """)


MEETS = [
    ("F>=3", {"F": 3}, True),
    ("F>=3", {"F": 5}, True),
    ("F>=3", {"F": 2}, False),
    ("F>=3", {}, False),
    ("F=3", {"F": 3}, True),
    ("F=3", {"F": 4}, False),
    ("F:2-4", {"F": 2}, True),
    ("F:2-4", {"F": 4}, True),
    ("F:2-4", {"F": 1}, False),
    ("F:2-4", {"F": 5}, False),
    ("a1|a9", {}, True),
    ("a8|a9", {"F": 5}, False),
    ("!a1", {}, False),
    ("!a2", {}, True),
    ("!F>=3", {"F": 2}, True),
    ("!F>=3", {}, True),
    ("!F>=3", {"F": 3}, False),
    ("F>=3&D>=1", {"F": 3, "D": 1}, True),
    ("F>=3&D>=1", {"F": 3}, False),
    ("F>=3&!D>=1", {"F": 3}, True),
    ("F>=3&!D>=1", {"F": 3, "D": 1}, False),
    ("F>=3/D>=1", {"D": 1}, True),
    ("F>=3/D>=1", {"F": 1}, False),
    ("F>=4/D>=1&F>=2/a7", {"F": 2, "D": 2}, True),
]


@pytest.mark.parametrize(("words", "levels", "meets"), MEETS)
def test_who_meets_an_expression(words, levels, meets):
    """In the words of the rule, in the pools, and by what agents are found for it."""
    [step] = steps_in(words, {})
    meaning = compiled(step.expression)
    skills = {("Skill", name): float(level) for name, level in levels.items()}
    assert satisfied(meaning, "a1", skills) == meets
    found = set(terms(meaning)) & {(), ("a1",), *skills}
    assert found or not meets
    sought = demand.Demand()
    sought.learn("a1", skills)
    free = {"a1": ((0, 0, "a1"), (("p", "VOICE"),))}
    sought.stand("a1", free["a1"])
    sought.want(step.expression, free)
    early = bool(sought.pool(step.expression, ("p", "VOICE")))
    sought.step_out("a1", free["a1"])
    assert sought.pool(step.expression, ("p", "VOICE")) is None
    sought.stand("a1", free["a1"])
    assert [early, bool(sought.pool(step.expression, ("p", "VOICE")))] == [meets, meets]


@pytest.mark.parametrize(
    ("words", "found_by"),
    [
        ("F>=3", (("Skill", "F"),)),
        ("F>=3&D>=1", (("Skill", "F"),)),
        ("!D>=1&F>=3", (("Skill", "F"),)),
        ("F>=3&a2|a1", (("a1",), ("a2",))),
        ("F>=3/D>=1/F=5", (("Skill", "F"), ("Skill", "D"))),
        ("!F>=3", ((),)),
        ("F>=3/!a1", ((),)),
    ],
)
def test_agents_are_found_by_the_narrowest_term(words, found_by):
    """Nobody is looked at in vain who has nothing of what is asked for."""
    assert terms(compiled(steps_in(words, {})[0].expression)) == found_by


def a_condition(**members: object) -> dict[str, object]:
    named = {"Name": "Skill", "Value": "F", "ComparisonOperator": "NumberGreaterOrEqualTo"}
    return {"AttributeCondition": {**named, "ProficiencyLevel": 3, **members}}


def some_steps(expression: object, **step: object) -> dict[str, object]:
    return {"Steps": [{"Expression": expression, **step}]}


F = a_condition()
WRONG = {
    "no steps": {"Steps": []},
    "six steps": {"Steps": [{"Expression": F}] * 6},
    "no list": {"Steps": F},
    "nothing at all": None,
    "no expression": {"Steps": [{}]},
    "an empty expression": some_steps({}),
    "two expressions in one": some_steps({**F, "OrExpression": [F]}),
    "no such operator": some_steps(a_condition(ComparisonOperator="Equals")),
    "level 6": some_steps(a_condition(ProficiencyLevel=6)),
    "level 2.5": some_steps(a_condition(ProficiencyLevel=2.5)),
    "no level": some_steps(a_condition(ProficiencyLevel=None)),
    "a level that is no number": some_steps(a_condition(ProficiencyLevel=True)),
    "no value": some_steps(a_condition(Value=None)),
    "no range": some_steps(a_condition(ComparisonOperator="Range")),
    "a range upside down": some_steps(
        a_condition(
            ComparisonOperator="Range",
            Range={"MinProficiencyLevel": 4, "MaxProficiencyLevel": 2},
        )
    ),
    "eleven agents": some_steps(
        a_condition(
            ComparisonOperator="Match",
            MatchCriteria={"AgentsCriteria": {"AgentIds": ["a"] * 11}},
        )
    ),
    "nine conditions": some_steps({"AndExpression": [F] * 9}),
    "four alternatives": some_steps({"OrExpression": [F] * 4}),
    "no alternatives": some_steps({"OrExpression": []}),
    "or inside and": some_steps({"AndExpression": [{"OrExpression": [F]}]}),
    "and inside and": some_steps({"AndExpression": [{"AndExpression": [F]}]}),
    "an expiry of nothing": some_steps(F, Expiry={"DurationInSeconds": 0}),
    "an expiry of a century": some_steps(F, Expiry={"DurationInSeconds": 10**10}),
    "an expiry that is no number": some_steps(F, Expiry={"DurationInSeconds": "soon"}),
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_what_is_no_routing_criteria_is_refused_with_its_rule(given):
    rule = r"^InvalidParameterException: \w+: .*(must be|is |needs|takes|stands)"
    with pytest.raises(Refusal, match=rule):
        steps_of(given)


def test_equal_expressions_are_equal_texts():
    """However members are ordered and numbers written; ARNs of agents are their ids."""
    one = a_condition(ProficiencyLevel="3.0")["AttributeCondition"]
    other = dict(
        reversed(a_condition(ProficiencyLevel=3, Range=None)["AttributeCondition"].items())
    )
    texts = {
        steps_of(some_steps({"AttributeCondition": each}))[0].expression for each in (one, other)
    }
    assert len(texts) == 1
    matched = a_condition(
        ComparisonOperator="Match",
        MatchCriteria={"AgentsCriteria": {"AgentIds": ["arn:aws:connect:x:1:instance/i/agent/a1"]}},
    )
    assert steps_of(some_steps(matched)) == steps_in("a1", {})


# Bounds


def test_criteria_that_are_one_expression_too_many_on_a_value_are_refused(monkeypatch):
    monkeypatch.setattr(demand, "ROUTING_EXPRESSIONS_PER_TERM_MAX", 2)
    center = a_skilled_center(a1="")
    for alias in ("c1", "c2", "c3"):
        center.enqueue(alias, "sales")
    center.ledger("""
        1 s    c1 seeks F>=3, F>=2      RoutingCriteriaSet c1 2 steps
        2 s    c2 seeks F>=1            refused InvalidParameter
        3 s    c2 seeks F>=3            RoutingCriteriaSet c2 1 steps
        4 s    c3 seeks D>=1, D>=2, D>=3   refused InvalidParameter
        5 s    c1 leaves                ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                        ContactCompleted c1
        6 s    c3 seeks F>=1            RoutingCriteriaSet c3 1 steps
        7 s    c1 seeks F>=1            refused ResourceNotFound
    """)
    steps = steps_in("F>=4", center.ids)
    with pytest.raises(Refusal) as refusal:
        center.run(commands.UpdateRoutingData("c2", steps=steps))
    rule = "would be one more expression on its agents than there may be at once"
    assert str(refusal.value).partition(": ")[2].startswith("Expression: ")
    assert str(refusal.value).endswith(rule)
    assert "Skill" in str(refusal.value)


def test_an_expression_that_somebody_has_is_no_new_one_whatever_the_limit_is_now(monkeypatch):
    center = a_skilled_center(a1="")
    for alias in ("c1", "c2"):
        center.enqueue(alias, "sales")
    center.ledger("1 s    c1 seeks F>=3, F>=2    RoutingCriteriaSet c1 2 steps")
    monkeypatch.setattr(demand, "ROUTING_EXPRESSIONS_PER_TERM_MAX", 1)
    center.ledger("2 s    c2 seeks F>=3          RoutingCriteriaSet c2 1 steps")


def test_pools_of_expressions_that_nobody_has_are_kept_for_a_while(monkeypatch):
    monkeypatch.setattr(demand, "ROUTING_EXPRESSIONS_IDLE_MAX", 2)
    center = a_skilled_center(a1="F=5", a2="")
    center.available("a1")
    for number, words in enumerate(("F>=1", "F>=2", "F>=3", "!F>=4")):
        center.enqueue(f"c{number}", "a2")
        steps = steps_in(words, center.ids)
        center.run(commands.UpdateRoutingData(f"c{number}", steps=steps))
        center.run(commands.StopContact(f"c{number}"))
    kept = center.center.demand
    assert len(kept.sought) == 2
    center.enqueue("c9", "a2")
    center.run(commands.UpdateRoutingData("c9", steps=steps_in("a1|a2", center.ids)))
    assert len(kept.sought) == 3
    center.run(commands.StopContact("c9"))
    assert len(kept.sought) == 2
    assert set(kept.met_by(center.ids["a1"])) <= set(kept.sought)
    center.check_history()


# In the queue


def test_the_position_counts_those_who_seek_the_same():
    center = a_skilled_center(a1="")
    for alias in ("c1", "c2", "c3", "c4"):
        center.enqueue(alias, "sales")
    for alias in ("c2", "c4"):
        steps = steps_in("F>=3", center.ids)
        center.run(commands.UpdateRoutingData(center.ids[alias], steps=steps))
    contacts = (center.contact(alias) for alias in ("c1", "c2", "c3", "c4"))
    assert [queue.position(center.center, each) for each in contacts] == [1, 1, 3, 2]


@pytest.mark.parametrize(
    ("most", "waiting", "overshoot", "full"),
    [
        (1, 0, False, False),
        (0, 0, False, True),
        (5, 4, False, False),
        (5, 5, False, True),
        (5, 5, True, False),
        (5, 6, True, True),
        (4, 4, True, True),
        (10, 11, True, False),
        (10, 12, True, True),
        (None, 99, False, False),
        (None, 99, True, False),
    ],
)
def test_a_queue_may_be_overshot_by_a_fifth(most, waiting, overshoot, full):
    center = a_center()
    center.update("queue", "sales", MaxContacts=most)
    if waiting:
        center.center.queued[center.ids["sales"]] = waiting
    assert queue.is_full(center.center, center.ids["sales"], overshoot=overshoot) == full
    if not overshoot:
        assert queue.is_full(center.center, center.ids["sales"]) == full


def test_a_disabled_queue_takes_nobody_and_serves_who_waits():
    center = a_center()
    center.ledger("""
        0 s    c1 call sales           ContactEnqueued c1 sales
    """)
    center.update("queue", "sales", Status="DISABLED")
    center.ledger("""
        1 s    c2 call sales           ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                       ContactCompleted c2
        2 s    a1 status Available     AgentStatusChanged a1 Available;
                                       ContactOffered c1 a1 until 22 s
    """)
    closed = [queue.is_closed(center.center, center.ids[each]) for each in ("sales", "a1")]
    assert [*closed, queue.is_closed(center.center, "gone")] == [True, False, True]


# By hand


def test_a_manual_queue_is_not_routed_until_somebody_gives_a_contact_away():
    center = a_center(agents=2)
    reference = {"QueueId": center.ids["sales"], "Channel": "VOICE"}
    center.update(
        "routing_profile", "basic", ManualAssignmentQueueConfigs=[{"QueueReference": reference}]
    )
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales
        2 s    a1 gets c1             ContactOffered c1 a1 by hand until 22 s
    """)
    joined(center, "a1", "c1")
    center.update("routing_profile", "basic", ManualAssignmentQueueConfigs=None)
    center.available("a2")
    center.enqueue("c2", "sales")
    assert "c2" in center.agent("a2").contacts


def test_an_offer_by_hand_asks_for_neither_status_nor_slots_nor_criteria():
    center = a_center(agents=2, auto_accept=True, queues=["sales", "support"])
    center.ledger("""
        0 s    a1 status Break        AgentStatusChanged a1 Break
        1 s    c1 call support        ContactEnqueued c1 support
        2 s    c1 seeks French>=3     RoutingCriteriaSet c1 1 steps
        3 s    a1 gets c1             ContactOffered c1 a1 by hand until 23 s
    """)
    joined(center, "a1", "c1")
    center.ledger("""
        5 s    c2 chat sales          ContactEnqueued c2 sales
        6 s    c3 call sales          ContactEnqueued c3 sales
        7 s    a1 gets c2             ContactOffered c2 a1 by hand until 27 s
        8 s    a1 gets c3             ContactOffered c3 a1 by hand until 28 s
        9 s    a1 gets c3             refused InvalidRequest
        10 s   a2 gets c1             refused InvalidRequest
        11 s   nobody gets c1         refused ResourceNotFound
        12 s   a2 gets nothing        refused ResourceNotFound
        13 s   a1 rejects c3          OfferMissed c3 a1 rejected
        14 s   a1 gets c3             refused InvalidRequest
        27 s   -                      OfferMissed c2 a1 unanswered
    """)


# The wait of agents

TIMERS = {"TIME_SINCE_LAST_ACTIVITY": "a2", "TIME_SINCE_LAST_INBOUND": "a1"}


@pytest.mark.parametrize(("timer", "next_one"), TIMERS.items())
def test_what_starts_an_agents_wait_anew(timer, next_one):
    """A call that he has made does not, if the profile counts from the last inbound contact."""
    center = a_center(agents=2)
    center.update("routing_profile", "basic", AgentAvailabilityTimer=timer)
    center.available("a1")
    center.at += 1_000
    center.available("a2")
    center.at += 1_000
    center.enqueue("c1", "sales")
    joined(center, "a1", "c1")
    hung_up(center, "c1")
    center.contact("c1").initiation_method = "OUTBOUND"
    center.run(commands.ClearContact(center.ids["a1"], "c1"))
    center.enqueue("c2", "sales")
    assert "c2" in center.agent(next_one).contacts


@pytest.mark.parametrize("timer", TIMERS)
def test_an_inbound_contact_and_a_miss_always_do(timer):
    center = a_center(agents=2)
    center.update("routing_profile", "basic", AgentAvailabilityTimer=timer)
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    a2 status Available    AgentStatusChanged a2 Available
        2 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 22 s
        3 s    c1 leaves              OfferMissed c1 a1 customer_left;
                                      ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        4 s    a1 clears c1           ContactCleared c1 a1
        5 s    c2 call sales          ContactEnqueued c2 sales; ContactOffered c2 a2 until 25 s
    """)
    joined(center, "a2", "c2")
    hung_up(center, "c2")
    center.ledger("""
        8 s    a2 clears c2           ContactCleared c2 a2; ContactCompleted c2
        9 s    c3 call sales          ContactEnqueued c3 sales; ContactOffered c3 a1 until 29 s
    """)
