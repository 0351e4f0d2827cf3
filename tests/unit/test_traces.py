"""Traces: what a contact has been through, from the events of its flows alone."""

import json

import pytest

from node_builders import CUSTOMER, a_node
from ringfloor.base.limits import TRACE_BYTES_MAX, TRACE_TEXT_CHARS_MAX
from ringfloor.cli_trace import HEAD, lines
from ringfloor.domain import commands, dialogue
from ringfloor.domain.contact import Contact
from ringfloor.domain.dialogue import Passed, Session
from ringfloor.domain.events import ContactCompleted, FlowStepped
from ringfloor.domain.facts import Trace
from ringfloor.operations.traces import view
from ringfloor.projections.traces import Steps, Traces, kept

SAY = dialogue.Play(dialogue.Prompt("text", "Hello"))
MENU = dialogue.Gather(
    prompt=dialogue.Prompt("text", "Press 1"),
    max_digits=1,
    first_digit_ms=5_000,
    inter_digit_ms=5_000,
    terminators="",
    cancel_key=False,
)
PRESSED = dialogue.Digits("1", "max_digits")


def stepped(action, type_, ask, heard=None, *path, flow="f1", side="customer", outcome=None):
    session = Session(flow_id=flow, action=action)
    return FlowStepped("c1", session, ask, outcome, side, heard, path, type_)


def told(*moments):
    """Traces that have been told these events, each at its instant."""
    traces = Traces()
    for at, event in moments:
        assert traces.on(event, at) == []
    return traces


def rows(found):
    """at-left_at, action, outcome, heard of each step."""
    return [(each.at, each.left_at, each.action, each.outcome, each.heard) for each in found.steps]


WALK = (
    (0, stepped("hello", "MessageParticipant", SAY)),
    (
        2,
        stepped(
            "menu",
            "GetParticipantInput",
            MENU,
            dialogue.Done(),
            Passed("hello", "MessageParticipant"),
        ),
    ),
    (
        5,
        stepped(
            "wait",
            "TransferContactToQueue",
            dialogue.TransferToQueue(),
            PRESSED,
            Passed("menu", "GetParticipantInput", "1"),
            Passed("which", "Compare", "NoMatchingCondition"),
        ),
    ),
)


def test_a_walk_is_told_in_the_order_of_time():
    found = told(*WALK).steps("c1")
    assert rows(found) == [
        (0, 2, "hello", None, None),
        (2, 5, "menu", "1", "1 (max_digits)"),
        (5, 5, "which", "NoMatchingCondition", None),
        (5, None, "wait", None, None),
    ]
    assert [each.asked for each in found.steps] == [
        'play "Hello"',
        'gather up to 1 keys: "Press 1"',
        None,
        "transfer_to_queue",
    ]
    assert [each.type for each in found.steps][-1] == "TransferContactToQueue"


def test_a_module_is_come_to_before_and_left_after_what_is_in_it():
    ask = dialogue.EnterModule("m1", {})
    found = told(
        (0, stepped("call", "InvokeFlowModule", ask)),
        (0, stepped("in", "MessageParticipant", SAY, flow="m1")),
        (
            3,
            stepped(
                None,
                "EndFlowModuleExecution",
                dialogue.LeaveModule(),
                dialogue.Done(),
                Passed("in", "MessageParticipant"),
                flow="m1",
            ),
        ),
        (
            3,
            stepped(
                "hello",
                "MessageParticipant",
                SAY,
                dialogue.Left("Good", {}),
                Passed("call", "InvokeFlowModule", "Good"),
            ),
        ),
    ).steps("c1")
    assert [(each.flow_id, each.action, each.outcome) for each in found.steps] == [
        ("f1", "call", None),
        ("m1", "in", None),
        ("m1", "", None),
        ("f1", "call", "Good"),
        ("f1", "hello", None),
    ]


def test_an_action_that_asks_again_hears_twice():
    invoke = dialogue.InvokeBot(bot="b", event={"text": "1"}, timeout_ms=1)
    bot = "ConnectParticipantWithLexBot"
    found = told(
        (0, stepped("bot", bot, MENU)),
        (1, stepped("bot", bot, invoke, PRESSED)),
        (
            2,
            stepped(
                "bye",
                "DisconnectParticipant",
                dialogue.Disconnect(),
                dialogue.Answer({"a": 1}),
                Passed("bot", bot, "Book"),
            ),
        ),
    ).steps("c1")
    assert [(each.asked, each.heard, each.outcome) for each in found.steps] == [
        ('gather up to 1 keys: "Press 1"', "1 (max_digits)", None),
        ('invoke_bot b "1"', '{"a":1}', "Book"),
        ("disconnect", None, None),
    ]


def test_both_sides_stand_beside_each_other():
    found = told(
        (0, stepped("hold", "MessageParticipant", SAY, flow="hold")),
        (1, stepped("whisper", "MessageParticipant", SAY, flow="whisper", side="agent")),
        (
            2,
            stepped(
                "bye",
                "EndFlowExecution",
                dialogue.End("finished"),
                dialogue.Done(),
                Passed("whisper", "MessageParticipant"),
                flow="whisper",
                side="agent",
            ),
        ),
    ).steps("c1")
    assert [(each.side, each.action, each.left_at) for each in found.steps] == [
        ("customer", "hold", None),
        ("agent", "whisper", 2),
        ("agent", "bye", None),
    ]


def test_a_flow_that_has_nowhere_to_go_says_so():
    (step,) = told((0, stepped("gone", "", dialogue.End("dead_end")))).steps("c1").steps
    assert (step.action, step.asked) == ("", "end: dead_end")


@pytest.mark.parametrize(
    ("heard", "short"),
    [
        (dialogue.Failed("QueueAtCapacity"), "QueueAtCapacity"),
        (dialogue.Digits("", "no_input"), "no_input"),
        (dialogue.Result("True"), "True"),
        (dialogue.Said("Hi\nthere"), '"Hi\\nthere"'),
        (dialogue.ViewAnswer("Next", {"a": 1}), 'Next {"a":1}'),
        (
            dialogue.Answer({"long": "x" * 500}),
            '{"long":"' + "x" * (TRACE_TEXT_CHARS_MAX - 10) + "…",
        ),
    ],
)
def test_what_was_heard_is_told_in_short(heard, short):
    assert len(short) <= TRACE_TEXT_CHARS_MAX
    first, _ = (
        told((0, stepped("a", "T", SAY)), (1, stepped("b", "T", SAY, heard, Passed("a", "T"))))
        .steps("c1")
        .steps
    )
    assert first.heard == short


def test_the_key_of_encrypted_input_is_named_and_not_shown():
    ask = dialogue.Gather(
        prompt=None,
        max_digits=16,
        first_digit_ms=1,
        inter_digit_ms=1,
        terminators="#",
        cancel_key=True,
        encryption=dialogue.Encryption("k1", "-----BEGIN CERTIFICATE-----"),
    )
    (step,) = told((0, stepped("card", "GetParticipantInput", ask))).steps("c1").steps
    assert step.asked == "gather up to 16 keys, encrypted with k1"


def test_events_of_old_journals_that_tell_no_path_make_a_trace_of_asks():
    found = told((0, stepped("a", "", SAY)), (1, stepped("b", "", MENU))).steps("c1")
    assert rows(found) == [(0, None, "a", None, None), (1, None, "b", None, None)]


def test_a_long_trace_loses_its_oldest_steps():
    traces = Traces()
    for at in range(2_000):
        traces.on(stepped("a", "T", SAY, None, *(Passed(f"{at}-{n}", "T") for n in range(2))), at)
    found = traces.steps("c1")
    assert found.steps[-2].action == "1999-1"
    assert len(found.steps) + found.dropped == 3 * 2_000
    assert TRACE_BYTES_MAX // 2 < len(traces.dump()) < TRACE_BYTES_MAX * 1.2


def test_a_trace_goes_with_its_contact_and_survives_a_snapshot():
    traces = told(*WALK)
    assert Traces.load(traces.dump()) == traces
    contact = Contact(
        id="c1",
        channel="VOICE",
        initiation_method="INBOUND",
        stage="ENDED",
        initiated_at=7,
        updated_at=9,
    )
    before = traces.steps("c1")
    (fact,) = traces.on(ContactCompleted(contact), 9)
    assert isinstance(fact, Trace)
    assert (fact.contact_id, fact.initiated_at, kept(fact.steps)) == ("c1", 7, before)
    assert traces == Traces()
    assert traces.on(ContactCompleted(contact), 9) == []
    assert traces.steps("c1") == Steps([], 0)


# In a node


def a_flow():
    actions = [
        {
            "Identifier": "menu",
            "Type": "GetParticipantInput",
            "Parameters": {"Text": "Press 1", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
            "Transitions": {
                "NextAction": "bye",
                "Errors": [
                    {"NextAction": "bye", "ErrorType": error}
                    for error in (
                        "NoMatchingError",
                        "NoMatchingCondition",
                        "InputTimeLimitExceeded",
                    )
                ],
                "Conditions": [
                    {"NextAction": "bye", "Condition": {"Operator": "Equals", "Operands": ["1"]}}
                ],
            },
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "menu", "Actions": actions})


async def test_the_trace_of_a_contact_is_kept_with_its_leg_and_expires_with_it():
    async with a_node() as stage:
        office = await stage.an_instance()
        flow = await office.add(
            "contact_flow",
            Name="asking",
            Type="CONTACT_FLOW",
            State="ACTIVE",
            Status="PUBLISHED",
            Content=a_flow(),
        )
        stage.phones.call(CUSTOMER, "", "c1", stage.now)
        await stage.node.submit(
            office.instance_id,
            commands.StartInboundContact(
                contact_id="c1", from_number=CUSTOMER, to=None, flow_id=flow
            ),
        )
        await stage.pass_time(1)
        live = office.desk.traces.steps("c1")
        assert [(each.action, each.left_at) for each in live.steps] == [("menu", None)]
        stage.phones.press("c1", "1", stage.now)
        await stage.pass_time()
        history = stage.history
        found = await stage.node.analyse(
            office.desk, lambda _: history.trace(office.instance_id, "c1")
        )
        shown = view(office.center, "c1", kept(found))
        assert [
            (each.get("FlowName"), each["Type"], each.get("Outcome")) for each in shown["Steps"]
        ] == [("asking", "GetParticipantInput", "1"), ("asking", "DisconnectParticipant", None)]
        await stage.pass_time(3 * 366 * 86_400)
        assert (
            await stage.node.analyse(office.desk, lambda _: history.trace(office.instance_id, "c1"))
            is None
        )


# On a terminal


def test_a_table_for_the_terminal():
    step = {
        "Timestamp": "2026-01-05T08:00:00.000Z",
        "LeftTimestamp": "2026-01-05T08:00:01.000Z",
        "Side": "customer",
        "FlowId": "f1",
        "Action": "menu",
        "Type": "GetParticipantInput",
        "Asked": "gather\x1b[2J",
        "Heard": "1",
        "Outcome": "1",
    }
    last = {
        "Timestamp": "2026-01-05T08:00:01.000Z",
        "Side": "customer",
        "FlowId": "f1",
        "FlowName": "Main",
    }
    left = {**last, "LeftTimestamp": last["Timestamp"]}
    table = list(lines({"Steps": [step, left, last], "DroppedSteps": 3}))
    assert table[0] == "(3 earlier steps are not kept)"
    assert tuple(table[1].split("  ")[0:1]) == HEAD[:1]
    assert "\x1b" not in "".join(table)
    assert table[2].split() == [
        "2026-01-05T08:00:00.000Z",
        "customer",
        "f1",
        "menu",
        "GetParticipantInput",
        "gather",
        "[2J",
        "1",
        "1",
    ]
    assert table[3].split() == [left["Timestamp"], "customer", "Main", "-"]
    assert table[4].split() == [left["Timestamp"], "customer", "Main"]
