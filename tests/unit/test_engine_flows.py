"""Flows: how a contact walks its flow, what the flow may do with it, and how it reaches a queue."""

import json
from typing import Any

import pytest

from engine_builders import (
    FLOW_NOISE,
    NUMBER,
    START,
    Driver,
    a_center,
    a_content,
    an_action,
    differences,
    to_queue,
)
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    ATTRIBUTES_BYTES_MAX,
    FLOW_ACTIONS_PER_TURN_MAX,
    FLOW_MODULES_DEEP_MAX,
    FLOW_TRANSFERS_MAX,
    FLOW_WEIGHT_REFERENCES,
)
from ringfloor.domain import commands, dialogue
from ringfloor.domain.commands import (
    Hear,
    StartInboundContact,
    StartOutboundContact,
    UpdateAttributes,
)
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactCompleted,
    ContactEnded,
    ContactInitiated,
    FlowEntered,
    FlowStepped,
    decode_outcome,
)
from ringfloor.engine import engine, flows
from ringfloor.engine.state import Center
from ringfloor.flow import references

BUT_STEPS_OF_MODULES = (ContactInitiated, FlowEntered)
BUT_STEPS = tuple(each for each in FLOW_NOISE if each is not FlowStepped)
"""Hidden in a ledger about the steps of a flow."""


def with_flow(*actions: dict[str, Any], name: str = "welcome") -> Driver:
    center = a_center()
    center.a_flow(name, a_content(*actions))
    return center


def inbound(**members: Any) -> StartInboundContact:
    return StartInboundContact(contact_id="c1", from_number="+12065550100", **members)


# The flow


HELLO = (
    an_action("hello", "MessageParticipant", {"Text": "Hello"}, "again", NoMatchingError="bye"),
    an_action("again", "MessageParticipant", {"Text": "Again"}, "bye", NoMatchingError="bye"),
    an_action("bye", "DisconnectParticipant"),
)


def test_a_flow_waits_for_the_world_at_each_thing_it_asks_of_it():
    with_flow(*HELLO).ledger(
        """
        0 s    c1 enters welcome      ContactInitiated c1 INBOUND VOICE; FlowEntered c1 welcome;
                                      FlowStepped c1 Play 'Hello'
        3 s    c1 hears done          FlowStepped c1 Play 'Again'
        5 s    c1 hears error NoMatchingError
                                      FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        6 s    c1 hears done          -
        """,
        hide=(),
    )


def test_a_flow_sees_the_contact_and_its_queue():
    seen = "$.Channel $.InitialContactId $.CustomerEndpoint.Address $.Queue.Name"
    text = f"{seen} $.Queue.OutboundCallerId.Address $.Attributes.nothing."
    center = a_center()
    aim = {"QueueId": center.center.named("queue", "BasicQueue")}
    center.a_flow(
        "welcome",
        a_content(
            an_action("aim", "UpdateContactTargetQueue", aim, "say"),
            an_action("say", "MessageParticipant", {"Text": text}, "say"),
        ),
    )
    center.ledger(
        f"""
        0 s    it      FlowStepped c1 SetTargetQueue = Done;
                       FlowStepped c1 Play 'VOICE c1 +12065550100 BasicQueue {NUMBER} .'
        """,
        hide=BUT_STEPS,
        it=inbound(flow_id=center.ids["welcome"]),
    )


def test_a_contact_knows_when_it_was_last_changed():
    center = with_flow(*HELLO)
    center.ledger("""
        1 s    c1 enters welcome      -
        2 s    c1 attributes k=v      AttributesUpdated c1 k=v
    """)
    assert center.contact("c1").updated_at == START + 2_000
    center.run(
        StartOutboundContact(
            to="+1", from_number="+2", flow_id=center.ids["welcome"], dial_ms=60_000
        )
    )
    (dialled,) = (each for each in center.center.contacts.values() if each.stage == "DIALING")
    center.at += 500
    center.run(engine.commands.ConnectSystem(dialled.id))
    assert dialled.updated_at == START + 2_500
    center.ledger("""
        3 s    c2 dials sales         -
        5 s    c2 answers             ContactConnectedToSystem c2; ContactEnqueued c2 sales
    """)
    assert center.contact("c2").updated_at == START + 5_000


def test_an_answer_to_another_question_is_stale():
    center = with_flow(*HELLO)
    center.ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 Play 'Hello'
        1 s    too early              -
        2 s    c1 hears done          FlowStepped c1 Play 'Again'
        3 s    too late               -
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
        **{
            "too early": Hear("c1", 2, dialogue.Done()),
            "too late": Hear("c1", 1, dialogue.Done()),
        },
    )


def test_what_does_not_suit_the_question_takes_the_error_branch():
    center = with_flow(
        an_action(
            "ask", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "ok", NoMatchingError="no"
        ),
        an_action("ok", "MessageParticipant", {"Text": "ok"}, "no", NoMatchingError="no"),
        an_action("no", "DisconnectParticipant"),
    )
    center.ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 Invoke
        1 s    c1 hears digits 1      FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
    )


def test_a_function_that_nobody_waits_for_is_answered_at_once():
    center = with_flow(
        an_action(
            "ask",
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "f", "InvocationType": "ASYNCHRONOUS"},
            "bye",
        ),
        an_action("bye", "DisconnectParticipant"),
    )
    done = center.run(inbound(flow_id=center.ids["welcome"]))
    assert [type(effect).__name__ for effect in done.effects] == [
        "Answer",
        "InvokeFunction",
        "HangUp",
    ]


def test_a_flow_goes_on_in_another_flow():
    center = with_flow(an_action("go", "TransferToFlow", {"ContactFlowId": "$.Name"}, "go"))
    center.update(
        "contact_flow",
        "welcome",
        Content=a_content(
            an_action(
                "go",
                "TransferToFlow",
                {"ContactFlowId": center.ids["to sales"]},
                NoMatchingError="bye",
            ),
            an_action("bye", "DisconnectParticipant"),
        ),
    )
    center.ledger(
        """
        0 s    c1 enters welcome      ContactInitiated c1 INBOUND VOICE; FlowEntered c1 welcome;
                                      FlowStepped c1 EnterFlow; FlowEntered c1 to sales;
                                      FlowStepped c1 SetTargetQueue = Done;
                                      TargetQueueSet c1 sales;
                                      FlowStepped c1 TransferToQueue; ContactEnqueued c1 sales;
                                      FlowEntered c1 customer-queue; FlowStepped c1 PlayLoop
        """,
        hide=(),
    )


def test_what_a_flow_logs_is_kept_in_the_flow_it_goes_on_to():
    center = a_center()
    wait = a_content(an_action("wait", "MessageParticipant", {"Text": "Wait"}, "wait"))
    there = {"ContactFlowId": center.a_flow("wait", wait)}
    log = {"FlowLoggingBehavior": "Enabled"}
    center.a_flow(
        "welcome",
        a_content(
            an_action("log", "UpdateFlowLoggingBehavior", log, "go"),
            an_action("go", "TransferToFlow", there),
        ),
    )
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    assert center.runs("c1").session.flow_id == center.ids["wait"]
    assert center.contact("c1").logging


def test_a_flow_that_is_not_there_takes_the_error_branch():
    center = with_flow(
        an_action("go", "TransferToFlow", {"ContactFlowId": "nowhere"}, NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    )
    center.ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 EnterFlow = NoMatchingError;
                                      FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
    )


def ends_by_itself(center: Driver, monkeypatch: pytest.MonkeyPatch) -> int:
    """A contact in the flow welcome is over at once; how many steps that took."""
    monkeypatch.setattr(engine, "REACTIONS_PER_COMMAND_MAX", 20 * FLOW_ACTIONS_PER_TURN_MAX)
    done = center.run(inbound(flow_id=center.ids["welcome"]))
    assert center.center.contacts == {}
    (ended,) = (event for event in done.events if isinstance(event, ContactEnded))
    assert ended.reason == "CONTACT_FLOW_DISCONNECT"
    return sum(isinstance(event, FlowStepped) for event in done.events)


def test_a_flow_that_goes_in_circles_ends_the_contact(monkeypatch):
    center = with_flow(
        an_action("one", "UpdateContactAttributes", {"Attributes": {"k": "v"}}, "two"),
        an_action("two", "UpdateFlowLoggingBehavior", {}, "one"),
    )
    assert ends_by_itself(center, monkeypatch) == FLOW_ACTIONS_PER_TURN_MAX


def test_actions_that_ask_nobody_count_between_those_that_do(monkeypatch):
    between = [
        an_action(f"c{number}", "Compare", {"ComparisonValue": "x"}, f"c{number + 1}")
        for number in range(9)
    ]
    center = with_flow(
        an_action("one", "UpdateContactAttributes", {"Attributes": {"k": "v"}}, "c0"),
        *between,
        an_action("c9", "Compare", {"ComparisonValue": "x"}, "one"),
    )
    assert ends_by_itself(center, monkeypatch) < FLOW_ACTIONS_PER_TURN_MAX / 10


DEAD = "$.Attributes.nothing " * 10_000


@pytest.mark.parametrize(
    ("type_", "parameters"),
    [
        ("UpdateContactAttributes", {"Attributes": {"k": DEAD}}),
        ("MessageParticipant", {"Text": "$.a" * 80_000}),
        ("UpdateFlowAttributes", {"FlowAttributes": {f"k{n}": DEAD[:1_000] for n in range(200)}}),
        ("Compare", {"ComparisonValue": "$.Channel", "Unknown": [DEAD]}),
    ],
)
def test_a_heavy_action_cannot_be_done_again_and_again(type_, parameters, monkeypatch):
    followed = []
    walk = references._walk
    monkeypatch.setattr(references, "_walk", lambda *of: followed.append(of) or walk(*of))
    center = with_flow(
        an_action("quick", "Compare", {"ComparisonValue": "x"}, "heavy"),
        an_action("heavy", type_, parameters, "quick", NoMatchingError="quick"),
    )
    steps = ends_by_itself(center, monkeypatch)
    assert len(followed) <= 2 * FLOW_ACTIONS_PER_TURN_MAX * FLOW_WEIGHT_REFERENCES
    assert steps <= 2 * FLOW_ACTIONS_PER_TURN_MAX // (len(json.dumps(parameters)) // 20_000)


def test_a_heavy_action_can_be_done_once():
    heavy = {"Attributes": {"k": "$.a" * 80_000, "done": "yes"}}
    with_flow(
        *(an_action(f"q{n}", "Compare", {"ComparisonValue": "x"}, f"q{n + 1}") for n in range(99)),
        an_action("q99", "UpdateContactAttributes", heavy, "bye"),
        an_action("bye", "DisconnectParticipant"),
    ).ledger("""
        0 s    c1 enters welcome      AttributesUpdated c1 k= done=yes;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
    """)


def test_what_a_flow_has_learnt_is_written_down_when_it_learns_it():
    """A function's reply of 2 KB, then 11 steps: once as it was heard, once as it is kept."""
    called = {"LambdaFunctionARN": "f"}
    center = with_flow(
        an_action("call", "InvokeLambdaFunction", called, "s0"),
        *(says(f"s{number}", "$.External.name", f"s{number + 1}") for number in range(11)),
        an_action("s11", "DisconnectParticipant"),
    )
    center.name("c1", "c1")
    center.run(inbound(flow_id=center.ids["welcome"]))
    reply = {"name": "Ann", "story": "x" * 2_000}
    begun = len(center.bytes)
    center.run(Hear("c1", center.contact("c1").asks, dialogue.Answer(reply)))
    for _ in range(10):
        assert center.runs("c1").session.external == reply
        assert center.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "Ann"))
        center.run(Hear("c1", center.contact("c1").asks, dialogue.Done()))
    assert sum(map(len, center.bytes[begun:])) < 2 * 2_000 + 11 * 250  # once 26 KB
    replayed = Center()
    for record in center.bytes:
        outcome = decode_outcome(record)
        for event in outcome.events:
            engine.apply(replayed, event, outcome.at)
    assert not differences(replayed, center.center)
    assert replayed.contacts["c1"].runs["customer"].session.external == reply


def test_a_flow_that_transfers_to_itself_ends_the_contact(monkeypatch):
    center = with_flow(an_action("go", "TransferToFlow", {"ContactFlowId": "$.Name"}))
    content = a_content(an_action("go", "TransferToFlow", {"ContactFlowId": center.ids["welcome"]}))
    center.update("contact_flow", "welcome", Content=content)
    assert ends_by_itself(center, monkeypatch) == FLOW_TRANSFERS_MAX + 2


def test_flows_that_transfer_to_each_other_end_the_contact(monkeypatch):
    center = with_flow(an_action("go", "TransferToFlow", {"ContactFlowId": "$.Name"}))
    back = a_content(
        an_action("log", "UpdateFlowLoggingBehavior", {}, "go"),
        an_action("go", "TransferToFlow", {"ContactFlowId": center.ids["welcome"]}),
    )
    there = a_content(
        an_action("go", "TransferToFlow", {"ContactFlowId": center.a_flow("back", back)})
    )
    center.update("contact_flow", "welcome", Content=there)
    in_each = 3 / 2
    assert ends_by_itself(center, monkeypatch) == in_each * FLOW_TRANSFERS_MAX + 2


def test_a_flow_that_waits_for_the_world_may_go_on_for_ever():
    center = with_flow(
        an_action(
            "hello", "MessageParticipant", {"Text": "Hello"}, "hello", NoMatchingError="hello"
        )
    )
    center.name("c1", "c1")
    center.run(inbound(flow_id=center.ids["welcome"]))
    for _ in range(FLOW_ACTIONS_PER_TURN_MAX + 10):
        center.run(Hear("c1", center.contact("c1").asks, dialogue.Done()))
    assert center.contact("c1").stage == "IN_FLOW"


def test_a_contact_finishes_on_the_version_of_the_flow_it_started_with():
    """Behaviour specification, section 1.7."""
    center = with_flow(*HELLO)
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    center.update("contact_flow", "welcome", Content=to_queue({"QueueId": center.ids["sales"]}))
    center.ledger(
        """
        1 s    c1 hears done          FlowStepped c1 Play 'Again'
        """,
        hide=(),
    )


def test_a_contact_outlives_the_flow_it_is_in():
    """Nothing keeps a flow from being deleted while a contact is in it."""
    center = with_flow(*HELLO)
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    delete(center, "contact_flow", "welcome")
    center.run(Hear("c1", 1, dialogue.Done()))
    center.ledger("""
        2 s    c2 call sales          ContactEnqueued c2 sales
    """)


def test_a_flow_may_be_deleted_while_its_call_is_dialled():
    center = a_center()
    center.ledger("""
        0 s    c1 dials sales         -
    """)
    delete(center, "contact_flow", "to sales")
    center.run(engine.commands.ConnectSystem(center.ids["c1"]))


def test_a_flow_may_become_a_draft_again_while_a_contact_is_in_it():
    """At the end of a ledger a snapshot is restored: it must know the flow as the center does."""
    center = with_flow(*HELLO)
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    center.update("contact_flow", "welcome", Status="SAVED")
    center.ledger("""
        1 s    -                      -
    """)
    center.run(Hear("c1", 1, dialogue.Done()))


# Modules


def a_module(center: Driver, name: str, *actions: dict[str, Any]) -> str:
    properties = {"Name": name, "State": "ACTIVE", "Status": "PUBLISHED"}
    return center.create(
        "contact_flow_module", name, {**properties, "Content": a_content(*actions)}
    )


def a_version(center: Driver, of: str, number: int, kind: str = "contact_flow_module") -> str:
    """The version of what is published now, and an alias of the same name in words: live."""
    content = center.center.resources[kind][center.ids[of]].properties["Content"]
    owner = {flows.OWNER[kind]: center.ids[of]}
    version = commands.CreateResource(
        kind=f"{kind}_version",
        id=f"{center.ids[of]}:{number}",
        properties={**owner, "Version": number, "Status": "PUBLISHED", "Content": content},
    )
    made = center.run(version).answer
    alias = {**owner, "Name": f"live{number}", "VersionId": made}
    return center.create(f"{kind}_alias", f"{of} live{number}", alias)


def invoke(module: str, then: str = "after", **given: str) -> dict[str, Any]:
    parameters = {"FlowModuleId": module, **({"Input": given} if given else {})}
    return an_action("invoke", "InvokeFlowModule", parameters, then, NoMatchingError="failed")


def says(identifier: str, text: str, then: str = "bye") -> dict[str, Any]:
    return an_action(identifier, "MessageParticipant", {"Text": text}, then)


BACK = an_action("back", "EndFlowModuleExecution")
ENDS = (says("after", "After"), says("failed", "Failed"), an_action("bye", "DisconnectParticipant"))
HANGS_UP = """FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1"""


def test_a_module_runs_and_comes_back():
    center = a_center()
    module = a_module(center, "ask", says("say", "In $.Modules.Input.where", "back"), BACK)
    center.a_flow("welcome", a_content(invoke(module, where="$.Channel"), *ENDS))
    center.ledger(
        f"""
        0 s    c1 enters welcome      ContactInitiated c1 INBOUND VOICE; FlowEntered c1 welcome;
                                      FlowStepped c1 EnterModule; ModuleEntered c1 ask;
                                      FlowStepped c1 Play 'In VOICE'
        1 s    c1 hears done          FlowStepped c1 LeaveModule; ModuleLeft c1 = Done;
                                      FlowStepped c1 Play 'After'
        2 s    c1 hears done          {HANGS_UP}
        """,
        hide=(),
    )


@pytest.mark.parametrize(
    ("actions", "happens"),
    [
        ([says("say", "In", "say")], "FlowStepped c1 Play 'In'"),
        ([an_action("bye", "DisconnectParticipant")], HANGS_UP),
        (
            [an_action("no", "TransferContactToQueue", {}, "no")],
            """FlowStepped c1 TransferToQueue = NoMatchingError;
                                      FlowStepped c1 End dead_end;
                                      ModuleLeft c1 = NoMatchingError;
                                      FlowStepped c1 Play 'Failed'""",
        ),
        (
            [an_action("end", "EndFlowExecution")],
            """FlowStepped c1 End finished;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1""",
        ),
    ],
    ids=["waits", "hangs up", "dies", "ends the flow"],
)
def test_how_a_module_may_end(actions, happens):
    center = a_center()
    center.a_flow("welcome", a_content(invoke(a_module(center, "m", *actions)), *ENDS))
    center.ledger(
        f"""
        0 s    c1 enters welcome      FlowStepped c1 EnterModule; ModuleEntered c1 m;
                                      {happens}
        """,
        hide=BUT_STEPS_OF_MODULES,
    )


def test_a_module_may_hand_the_contact_on():
    """To a queue or another flow: nobody waits for the module then."""
    for target in ("to sales", "on"):
        center = a_center()
        there = {"ContactFlowId": center.ids["to sales"]}
        center.a_flow("on", a_content(an_action("go", "TransferToFlow", there)))
        go = an_action("go", "TransferToFlow", {"ContactFlowId": center.ids[target]})
        center.a_flow("welcome", a_content(invoke(a_module(center, "m", go)), *ENDS))
        center.ledger("""
            0 s    c1 enters welcome      ContactEnqueued c1 sales
        """)
        assert center.runs("c1").callers == []


@pytest.mark.parametrize(
    "named", ["nowhere", "{m}:$SAVED", "{m}:7", "{m}:dead", "$.Attributes.none", "{archived}"]
)
def test_what_is_no_published_module_takes_the_error_branch(named):
    center = a_center()
    ids = {name: a_module(center, name, BACK) for name in ("m", "archived")}
    center.update("contact_flow_module", "archived", State="ARCHIVED")
    center.a_flow("welcome", a_content(invoke(named.format(**ids)), *ENDS))
    center.run(inbound(flow_id=center.ids["welcome"]))
    ask = center.runs("c1").ask
    assert ask == dialogue.Play(dialogue.Prompt("text", "Failed"))


def test_modules_nest_five_deep():
    center = a_center()
    deepest = a_module(center, "m1", says("say", "Here", "back"), BACK)
    for number in range(2, FLOW_MODULES_DEEP_MAX + 2):
        fails = an_action("failed", "MessageParticipant", {"Text": f"Too deep at {number}"}, "back")
        deepest = a_module(center, f"m{number}", invoke(deepest, "back"), fails, BACK)
    for entered, said in (("m5", "Here"), ("m6", "Too deep at 2")):
        center.a_flow(entered, a_content(invoke(center.ids[entered]), *ENDS))
        center.name(entered, center.center.named("contact_flow", entered))
        center.name("c1", "c1")
        center.run(inbound(flow_id=center.ids[entered]))
        ask = center.runs("c1").ask
        assert ask == dialogue.Play(dialogue.Prompt("text", said)), entered
        center.run(Hear("c1", center.contact("c1").asks, dialogue.Done()))
        assert center.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "After"))
        center.run(commands.StopContact("c1"))


def test_a_module_that_invokes_itself_ends_the_contact(monkeypatch):
    center = a_center()
    itself = a_module(center, "m", BACK)
    fails = an_action(
        "failed", "InvokeFlowModule", {"FlowModuleId": "no"}, NoMatchingError="invoke"
    )
    center.update("contact_flow_module", "m", Content=a_content(invoke(itself, "invoke"), fails))
    center.a_flow("welcome", a_content(invoke(itself), *ENDS))
    assert ends_by_itself(center, monkeypatch) == FLOW_ACTIONS_PER_TURN_MAX


def test_a_contact_and_its_callers_keep_their_editions():
    """The ledger's snapshots know every edition that somebody waits in."""
    center = a_center()
    inner = a_module(center, "inner", says("say", "Inner", "back"), BACK)
    outer = a_module(center, "outer", invoke(inner, "say"), says("say", "Outer", "back"), BACK)
    center.a_flow("welcome", a_content(invoke(outer), *ENDS))
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    for kind, name in (("_module", "inner"), ("_module", "outer"), ("", "welcome")):
        center.update(f"contact_flow{kind}", name, Content=a_content(says("new", "New", "new")))
    center.ledger(
        """
        1 s    c1 hears done          FlowStepped c1 LeaveModule; ModuleLeft c1 = Done;
                                      FlowStepped c1 Play 'Outer'
        2 s    c1 hears done          FlowStepped c1 LeaveModule; ModuleLeft c1 = Done;
                                      FlowStepped c1 Play 'After'
        3 s    c2 enters welcome      FlowStepped c2 Play 'New'
        """,
        hide=BUT_STEPS_OF_MODULES,
    )


def test_what_a_module_learns_stays_in_it():
    """Administrator guide, flow modules: local data of the flow is not overridden."""
    center = a_center()
    enable = {"FlowLoggingBehavior": "Enabled"}
    called = {"LambdaFunctionARN": "f"}
    module = a_module(
        center,
        "m",
        an_action("log", "UpdateFlowLoggingBehavior", enable, "say"),
        says("say", "[$.External.k]", "call"),
        an_action("call", "InvokeLambdaFunction", called, "set"),
        an_action("set", "UpdateContactAttributes", {"Attributes": {"k": "$.External.k"}}, "back"),
        BACK,
    )
    center.a_flow(
        "welcome",
        a_content(
            an_action("call", "InvokeLambdaFunction", called, "invoke"),
            invoke(module, "tell"),
            says("tell", "$.External.k, $.Attributes.k, [$.Modules.Input]"),
            *ENDS,
        ),
    )
    center.name("c1", "c1")
    center.run(inbound(flow_id=center.ids["welcome"]))
    for heard in (dialogue.Answer({"k": "out"}), dialogue.Done(), dialogue.Answer({"k": "in"})):
        center.run(Hear("c1", center.contact("c1").asks, heard))
    assert center.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "out, in, []"))
    assert center.contact("c1").logging


def test_outside_of_a_module_its_end_ends_the_flow():
    with_flow(BACK).ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 LeaveModule;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
    )


# Versions, aliases, archives


@pytest.mark.parametrize(
    "named", ["{id}:1", "{id}:live1", "{arn}:1", "{arn}:live1", "{arn}/alias/{a}"]
)
@pytest.mark.parametrize("what", ["module", "flow"])
def test_a_version_is_entered_by_its_number_or_an_alias(what, named):
    center = a_center()
    kind = "contact_flow_module" if what == "module" else "contact_flow"
    if what == "module":
        identifier = a_module(center, "m", says("say", "One"))
    else:
        identifier = center.a_flow("m", a_content(says("say", "One")))
    alias = a_version(center, "m", 1, kind)
    center.update(kind, "m", Content=a_content(says("say", "Two")))
    arn = center.center.home.arn_of(kind, identifier)
    reference = named.format(id=identifier, arn=arn, a=alias)
    go = an_action("go", "TransferToFlow", {"ContactFlowId": reference})
    center.a_flow("welcome", a_content(invoke(reference) if what == "module" else go))
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    assert center.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "One"))


def test_an_alias_moves_for_whoever_comes_later():
    center = a_center()
    identifier = a_module(center, "m", says("say", "One"))
    a_version(center, "m", 1)
    center.update("contact_flow_module", "m", Content=a_content(says("say", "Two")))
    a_version(center, "m", 2)
    center.a_flow("welcome", a_content(invoke(f"{identifier}:live1")))
    for contact_id, said in (("c1", "One"), ("c2", "Two")):
        begin = {"contact_id": contact_id, "from_number": "+1", "flow_id": center.ids["welcome"]}
        center.run(StartInboundContact(**begin))
        ask = center.runs(contact_id).ask
        assert ask == dialogue.Play(dialogue.Prompt("text", said))
        center.update("contact_flow_module_alias", "m live1", VersionId=f"{identifier}:2")
    assert center.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "One"))


def test_an_archived_flow_is_not_entered_but_finished():
    center = with_flow(*HELLO)
    center.a_flow(
        "on",
        a_content(
            an_action(
                "go",
                "TransferToFlow",
                {"ContactFlowId": center.ids["welcome"]},
                NoMatchingError="no",
            ),
            says("no", "No"),
        ),
    )
    center.ledger("""
        0 s    c1 enters welcome      -
    """)
    center.update("contact_flow", "welcome", State="ARCHIVED")
    center.ledger(
        """
        1 s    c1 hears done          FlowStepped c1 Play 'Again'
        2 s    c2 enters welcome      refused InvalidRequest
        3 s    c3 enters on           FlowStepped c3 EnterFlow = NoMatchingError;
                                      FlowStepped c3 Play 'No'
        """,
        hide=BUT_STEPS,
    )


def test_versions_go_with_their_flow_and_aliases_hold_it():
    center = a_center()
    identifier = a_module(center, "m", BACK)
    a_version(center, "m", 1)
    user = {"Name": "f", "Type": "CONTACT_FLOW", "Status": "PUBLISHED", "ModuleIds": [identifier]}
    center.create("contact_flow", "f", {**user, "Content": a_content(invoke(identifier))})
    for kind, alias, by in (
        ("contact_flow_module_version", f"{identifier}:1", "alias 'live1' of flow module 'm'"),
        ("contact_flow_module", identifier, "flow 'f', flow module alias 'live1' of flow module"),
    ):
        with pytest.raises(Refusal, match=by) as caught:
            center.run(commands.DeleteResource(kind, alias))
        assert caught.value.code == "ResourceInUseException"
    for kind, alias in (
        ("contact_flow", "f"),
        ("contact_flow_module_alias", "m live1"),
        ("contact_flow_module", "m"),
    ):
        center.run(commands.DeleteResource(kind, center.ids[alias]))
    assert center.center.resources["contact_flow_module_version"] == {}
    assert f"{identifier}:1" not in center.center.flows


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("ID", ("ID", "")),
        ("ID:3", ("ID", "3")),
        ("ID:a:b", ("ID", "a:b")),
        ("arn:aws:connect:r:1:instance/I/contact-flow/ID", ("ID", "")),
        ("arn:aws:connect:r:1:instance/I/contact-flow/ID:$SAVED", ("ID", "$SAVED")),
        ("arn:aws:connect:r:1:instance/I/flow-module/ID/alias/A", ("ID", "A")),
        ("arn:aws:connect:r:1:instance", ("", "")),
        ("", ("", "")),
    ],
)
def test_what_a_reference_to_a_flow_names(reference, expected):
    assert flows.pointer(reference) == expected


def delete(center: Driver, kind: str, alias: str) -> None:
    """Either it is refused because it is in use, or it is gone."""
    try:
        center.run(engine.commands.DeleteResource(kind, center.ids[alias]))
    except Refusal as refusal:
        assert refusal.code == "ResourceInUseException"  # noqa: PT017


# Attributes


def test_a_flow_sets_attributes_and_later_ones_win():
    center = with_flow(
        an_action("one", "UpdateContactAttributes", {"Attributes": {"k": "v", "l": "w"}}, "two"),
        an_action("two", "UpdateContactAttributes", {"Attributes": {"k": "$.Attributes.l"}}, "say"),
        an_action("say", "MessageParticipant", {"Text": "$.Attributes.k"}, "say"),
    )
    center.ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 SetAttributes = Done;
                                      AttributesUpdated c1 k=v l=w;
                                      FlowStepped c1 SetAttributes = Done;
                                      AttributesUpdated c1 k=w; FlowStepped c1 Play 'w'
        1 s    c1 attributes k=x      AttributesUpdated c1 k=x
        2 s    c1 hears done          FlowStepped c1 Play 'x'
        """,
        hide=BUT_STEPS,
    )


FULL = {"k" * 68: "v" * (ATTRIBUTES_BYTES_MAX - 68)}


def test_attributes_have_a_limit_over_all_pairs():
    with_flow(*HELLO).ledger(
        """
        0 s    c1 enters welcome      -
        1 s    full                   -
        2 s    one more               refused InvalidParameter
        3 s    another value          -
        4 s    too much               refused InvalidParameter
        """,
        hide=(*FLOW_NOISE, AttributesUpdated),
        full=UpdateAttributes("c1", FULL),
        **{
            "one more": UpdateAttributes("c1", {"": "x"}),
            "another value": UpdateAttributes("c1", {"k" * 68: "w" * 32_700}),
            "too much": UpdateAttributes("c1", {"k" * 68: "é" * 16_351}),
        },
    )


def test_an_outbound_contact_may_begin_with_as_many_attributes_as_fit():
    center = a_center()
    start = {"to": "+1", "from_number": "+2", "flow_id": center.ids["to sales"], "dial_ms": 1}
    with pytest.raises(Refusal, match="InvalidParameterException"):
        center.run(StartOutboundContact(**start, attributes={**FULL, "x": ""}))
    center.run(StartOutboundContact(**start, attributes=FULL))


def test_a_flow_that_sets_too_many_attributes_takes_the_error_branch():
    center = with_flow(
        an_action(
            "one",
            "UpdateContactAttributes",
            {"Attributes": {"x": "$.Attributes.y"}},
            "two",
            NoMatchingError="bye",
        ),
        an_action("two", "DisconnectParticipant"),
        an_action("bye", "MessageParticipant", {"Text": "no"}, "two"),
    )
    center.run(
        StartOutboundContact(
            to="+1",
            from_number="+2",
            flow_id=center.ids["welcome"],
            dial_ms=1_000,
            attributes={"y": "v" * 20_000},
        )
    )
    (contact_id,) = center.center.contacts
    done = center.run(engine.commands.ConnectSystem(contact_id))
    assert not any(isinstance(event, AttributesUpdated) for event in done.events)
    assert center.contact(contact_id).attributes.keys() == {"y"}
    assert center.runs(contact_id).ask == dialogue.Play(dialogue.Prompt("text", "no"))


# Into a queue


def test_a_full_queue_takes_its_own_branch_and_offered_contacts_count():
    center = a_center()
    center.update("queue", "sales", MaxContacts=2)
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    c2 call sales          ContactEnqueued c2 sales
        3 s    c3 call sales          -
        4 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        5 s    c4 call sales          ContactEnqueued c4 sales
        6 s    c5 call sales          -
        """
    )
    assert center.runs("c3").ask == dialogue.Play(dialogue.Prompt("text", "full"))


@pytest.mark.parametrize(("most", "rest"), [(0, "-"), (1, "ContactEnqueued c1 sales")])
def test_a_queue_takes_as_many_as_it_says(most, rest):
    center = a_center()
    center.update("queue", "sales", MaxContacts=most)
    center.ledger(f"""
        0 s    c1 call sales          {rest}
        1 s    c2 call sales          -
    """)


def test_a_contact_is_in_the_queue_flow_while_it_waits_and_in_none_once_it_has_ended():
    center = with_flow(*HELLO)
    center.available("a1")
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 20 s
    """)
    assert {side: run.flow_type for side, run in center.contact("c1").runs.items()} == {
        "customer": "CUSTOMER_QUEUE"
    }
    center.ledger("""
        1 s    c2 enters welcome      -
        2 s    c2 leaves              ContactEnded c2 CUSTOMER_DISCONNECT IN_FLOW;
                                      ContactCompleted c2
    """)
    (leg,) = (
        event.contact
        for _, happened in center.log
        for event in happened
        if isinstance(event, ContactCompleted)
    )
    assert (leg.runs, leg.timers, leg.edition) == ({}, {}, None)


def test_a_queue_that_is_disabled_or_gone_takes_the_error_branch():
    center = a_center(queues=["sales", "support"], profiles={"p": "sales"})
    center.update("queue", "sales", Status="DISABLED")
    center.run(engine.commands.DeleteResource("queue", center.ids["support"]))
    center.ledger("""
        0 s    c1 call sales          ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        0 s    c2 call support        ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c2
    """)


def test_a_queue_may_go_between_being_chosen_and_being_entered():
    center = a_center(queues=["sales", "support"], profiles={"p": "sales"})
    center.a_flow(
        "welcome",
        a_content(
            an_action(
                "aim", "UpdateContactTargetQueue", {"QueueId": center.ids["support"]}, "hello"
            ),
            an_action("hello", "MessageParticipant", {"Text": "$.Queue.Name"}, "enter"),
            an_action("enter", "TransferContactToQueue", {}, "bye", NoMatchingError="bye"),
            an_action("bye", "DisconnectParticipant"),
        ),
    )
    center.ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 SetTargetQueue = Done;
                                      FlowStepped c1 Play 'support'
        1 s    it goes                ResourceDeleted queue support
        2 s    c1 hears done          FlowStepped c1 TransferToQueue = NoMatchingError;
                                      FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
        **{"it goes": engine.commands.DeleteResource("queue", center.ids["support"])},
    )


def test_a_transfer_without_a_target_takes_the_error_branch():
    with_flow(
        an_action("enter", "TransferContactToQueue", {}, "enter", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    ).ledger(
        """
        0 s    c1 enters welcome      FlowStepped c1 TransferToQueue = NoMatchingError;
                                      FlowStepped c1 Disconnect;
                                      ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        hide=BUT_STEPS,
    )


def test_a_queue_may_be_named_by_its_arn():
    center = a_center()
    arn = center.center.home.arn_of("queue", center.ids["sales"])
    center.a_flow("by arn", to_queue({"QueueId": arn}))
    center.ledger("""
        0 s    c1 enters by arn       ContactEnqueued c1 sales
    """)
