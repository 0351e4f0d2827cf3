"""Tasks: begun now or later, put aside and taken up, handed on, done, expired."""

import msgspec
import pytest

from engine_builders import (
    FLOW_NOISE,
    NUMBER,
    START,
    ProfileOf,
    a_center,
    a_content,
    an_action,
    to_queue,
)
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import FLOW_CONTACTS_PER_TURN_MAX
from ringfloor.base.time import DAY, MINUTE, SECOND
from ringfloor.domain import commands, dialogue, events
from ringfloor.engine import task as tasks
from ringfloor.engine.invariants import violations
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting

TASKS = {"basic": ProfileOf("sales/TASK, support/TASK", voice=0, task=1)}
NOISE = (
    *FLOW_NOISE,
    events.ContactAccepted,
    events.ContactConnectedToSystem,
    events.ContactDequeued,
    events.FlowFinished,
)


def a_task_center(agents=2):
    center = a_center(agents=agents, queues=["sales", "support"], profiles=TASKS)
    center.available("a1")
    return center


@pytest.fixture
def center():
    return a_task_center()


def refused(center, command) -> str:
    with pytest.raises(Refusal) as caught:
        center.run(command)
    return caught.value.code.removesuffix("Exception")


def folded(center, projection):
    """A projection that was told everything, and the facts that it gave."""
    told = []
    for at, happened in center.log:
        for event in happened:
            told.extend(projection.on(event, at) or ())
    return told


def test_a_task_is_worked_on_and_done(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        3 s   a1 accepts t1       ContactConnectedToAgent t1 a1
        9 s   a1 finishes t1      ContactEnded t1 AGENT_COMPLETED CONNECTED
        12 s  a1 clears t1        ContactCleared t1 a1; ContactCompleted t1
    """,
        hide=NOISE,
    )


def test_a_client_token_begins_one_task(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   t1 begins sales     -
    """,
        hide=NOISE,
    )


def test_a_scheduled_task_is_there_at_once_moves_and_begins_at_its_time(center):
    center.ledger(
        """
        at     command                events
        1 s    t1 begins sales +60    ContactScheduled t1 nothing until 61 s
        2 s    t1 is-due 100          ContactScheduled t1 nothing until 100 s
        100 s  -                      ContactEnqueued t1 sales; ContactOffered t1 a1 until 120 s
        101 s  t1 is-due 300          refused InvalidRequest
    """,
        hide=NOISE,
    )
    task = center.contact("t1")
    assert (task.initiated_at, task.scheduled_at) == (START + 1 * SECOND, START + 100 * SECOND)
    assert task.connected_to_system_at == START + 100 * SECOND


def test_a_task_whose_flow_is_gone_at_its_time_ends(center):
    center.a_flow("way", to_queue({"QueueId": center.ids["sales"]}))
    center.ids["to way"] = center.ids["way"]
    center.ledger(
        """
        at    command               events
        1 s   t1 begins way +60     ContactScheduled t1 nothing until 61 s
    """,
        hide=NOISE,
    )
    center.run(commands.UpdateResource("contact_flow", center.ids["way"], {"State": "ARCHIVED"}))
    center.ledger(
        """
        at    command               events
        61 s  -                     ContactEnded t1 OTHER IN_FLOW; ContactCompleted t1
    """,
        hide=NOISE,
    )


def test_a_paused_task_frees_its_slot_and_comes_back_to_its_agent(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   a1 accepts t1       ContactConnectedToAgent t1 a1
        3 s   t2 begins sales     ContactEnqueued t2 sales
        4 s   t1 pauses           TaskPaused t1 a1; ContactOffered t2 a1 until 24 s
        5 s   t1 pauses           refused Conflict
        6 s   a1 accepts t2       ContactConnectedToAgent t2 a1
        7 s   t3 begins sales     ContactEnqueued t3 sales
        14 s  t1 goes-on          TaskResumed t1 a1
        15 s  a1 finishes t2      ContactEnded t2 AGENT_COMPLETED CONNECTED
        16 s  a1 clears t2        ContactCleared t2 a1; ContactCompleted t2
        17 s  t1 goes-on          refused Conflict
        22 s  a1 finishes t1      ContactEnded t1 AGENT_COMPLETED CONNECTED
        23 s  a1 clears t1        ContactCleared t1 a1; ContactCompleted t1;
                                  ContactOffered t3 a1 until 43 s
    """,
        hide=NOISE,
    )
    legs = {getattr(fact, "contact_id", ""): fact for fact in folded(center, Records())}
    first = legs[center.ids["t1"]]
    assert first.pause_ms == 10 * SECOND
    assert first.interaction_ms == 10 * SECOND  # connected 2-22, of which 10 paused


def test_a_paused_task_keeps_its_place_in_line(center):
    center.ledger(
        """
        at    command                events
        0 s   a1 status Break        AgentStatusChanged a1 Break
        1 s   t1 begins sales        ContactEnqueued t1 sales
        2 s   t2 begins sales        ContactEnqueued t2 sales
        3 s   t1 pauses              TaskPaused t1
        4 s   a1 status Available    AgentStatusChanged a1 Available;
                                     ContactOffered t2 a1 until 24 s
        5 s   t1 goes-on             TaskResumed t1
        6 s   a1 rejects t2          OfferMissed t2 a1 rejected
        7 s   a1 clears t2           ContactCleared t2 a1; ContactOffered t1 a1 until 27 s
    """,
        hide=NOISE,
    )


def test_who_is_put_aside_has_not_left_the_queue(center):
    center.ledger(
        """
        at    command                events
        0 s   a1 status Break        AgentStatusChanged a1 Break
        1 s   t1 begins sales        ContactEnqueued t1 sales
        3 s   t1 pauses              TaskPaused t1
        9 s   t1 goes-on             TaskResumed t1
    """,
        hide=NOISE,
    )
    waiting, realtime = Waiting(), Realtime()
    folded(center, waiting)
    folded(center, realtime)
    assert len(waiting.floor.waiting) == 1
    assert not waiting.floor.losses.ats
    (line,) = realtime.counters.lines.values()
    assert [since for since, _ in line.waiting] == [START + 1 * SECOND]
    entered = [each for _, told in center.log for each in told if type(each) is events.FlowEntered]
    assert [each.flow_type for each in entered].count("CUSTOMER_QUEUE") == 2


def test_a_paused_task_counts_with_its_agent_but_takes_no_slot(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   a1 accepts t1       ContactConnectedToAgent t1 a1
        4 s   t1 pauses           TaskPaused t1 a1
    """,
        hide=NOISE,
    )
    realtime = Realtime()
    folded(center, realtime)
    card = realtime.counters.cards[center.ids["a1"]]
    assert (card.available, card.free[2]) == (0, 1)
    (line,) = realtime.counters.lines.values()
    assert (line.active, line.offered) == (1, 0)
    assert Realtime.load(realtime.dump()) == realtime


def test_a_task_that_is_paused_ends_where_it_is(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   t2 begins sales     ContactEnqueued t2 sales
        3 s   a1 accepts t1       ContactConnectedToAgent t1 a1
        4 s   t2 pauses           TaskPaused t2
        5 s   t2 stopped          ContactEnded t2 API IN_QUEUE; ContactCompleted t2
        6 s   t1 pauses           TaskPaused t1 a1
        8 s   a1 finishes t1      ContactEnded t1 AGENT_COMPLETED CONNECTED
        9 s   a1 clears t1        ContactCleared t1 a1; ContactCompleted t1
    """,
        hide=NOISE,
    )


def test_an_agents_status_leaves_his_paused_tasks_alone(center):
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   a1 accepts t1       ContactConnectedToAgent t1 a1
        3 s   a1 status Break     NextStatusChanged a1 Break
        4 s   t1 pauses           TaskPaused t1 a1; AgentStatusChanged a1 Break
        5 s   a1 status Lunch     AgentStatusChanged a1 Lunch
        6 s   t1 goes-on          TaskResumed t1 a1
    """,
        hide=NOISE,
    )


def test_a_task_is_paused_ten_times(center):
    center.ledger("1 s  t1 begins sales  ContactEnqueued t1 sales;"
                  " ContactOffered t1 a1 until 21 s", hide=NOISE)  # fmt: skip
    center.run(commands.AcceptContact(center.ids["a1"], center.ids["t1"]))
    for _ in range(10):
        center.run(commands.PauseTask(center.ids["t1"]))
        center.run(commands.ResumeTask(center.ids["t1"]))
    assert refused(center, commands.PauseTask(center.ids["t1"])) == "LimitExceeded"


def test_what_rings_or_is_in_its_flow_is_not_paused(center):
    center.a_flow("talk", a_content(an_action("fn", "InvokeLambdaFunction", {
        "LambdaFunctionARN": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "InvocationTimeLimitSeconds": "3",
    }, "bye", NoMatchingError="bye"), an_action("bye", "DisconnectParticipant")))  # fmt: skip
    center.ids["to talk"] = center.ids["talk"]
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   t1 pauses           refused Conflict
        3 s   t2 begins talk      -
        4 s   t2 pauses           refused Conflict
        5 s   t2 goes-on          refused Conflict
    """,
        hide=NOISE,
    )


def test_the_flows_of_pausing_and_resuming_run_beside_the_task(center):
    note = a_content(
        an_action("set", "UpdateContactAttributes", {"Attributes": {"paused": "yes"}}, "end",
                  NoMatchingError="end"),
        an_action("end", "EndFlowExecution"),
    )  # fmt: skip
    center.a_flow("note", note)
    center.ledger(
        """
        at    command             events
        1 s   t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   a1 accepts t1       ContactConnectedToAgent t1 a1
    """,
        hide=NOISE,
    )
    task = center.contact("t1")
    happened = center.run(commands.PauseTask(task.id, center.ids["note"])).events
    entered = next(each for each in happened if isinstance(each, events.FlowEntered))
    assert (entered.flow_id, entered.flow_type) == (center.ids["note"], "PAUSE")
    assert task.attributes == {"paused": "yes"}
    assert task.stage == "PAUSED"


def test_tasks_expire_wherever_they_are(center):
    center.ledger(
        """
        at        command             events
        1 s       t1 begins sales     ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s       a1 accepts t1       ContactConnectedToAgent t1 a1
        3 s       t2 begins sales     ContactEnqueued t2 sales
        4 s       t2 lives 60         ExpirySet t2 63 s
        63 s      -                   ContactEnded t2 EXPIRED IN_QUEUE; ContactCompleted t2
        604801 s  -                   ContactEnded t1 EXPIRED CONNECTED
        604802 s  a1 clears t1        ContactCleared t1 a1; ContactCompleted t1
    """,
        hide=NOISE,
    )


def test_a_transferred_task_goes_on_as_another(center):
    center.ledger(
        """
        at    command                   events
        1 s   t1 begins sales           ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   a1 accepts t1             ContactConnectedToAgent t1 a1
        9 s   t2 transfers t1 support   ContactSucceeded t1 t2; ContactEnded t1 API CONNECTED;
                                        ContactEnqueued t2 support
        10 s  a1 clears t1              ContactCleared t1 a1; ContactCompleted t1;
                                        ContactOffered t2 a1 until 30 s
    """,
        hide=NOISE,
    )
    following = center.contact("t2")
    assert following.previous_contact_id == following.initial_contact_id == center.ids["t1"]
    assert (following.initiation_method, following.name) == ("TRANSFER", "t1")
    assert following.expires_at == START + 1 * SECOND + 7 * DAY
    (before,) = (
        each.contact
        for _, happened in center.log
        for each in happened
        if isinstance(each, events.ContactCompleted)
    )
    assert before.transfer_completed_at == START + 9 * SECOND


def test_a_chain_has_twelve_tasks(center):
    center.ledger("1 s  t1 begins sales  ContactEnqueued t1 sales;"
                  " ContactOffered t1 a1 until 21 s", hide=NOISE)  # fmt: skip
    for number in range(1, 12):
        before = center.ids[f"t{number}"]
        done = center.run(
            commands.TransferTask(contact_id=before, flow_id=center.ids["to support"])
        )
        center.name(f"t{number + 1}", done.answer)
    once_more = commands.TransferTask(
        contact_id=center.ids["t12"], flow_id=center.ids["to support"]
    )
    assert refused(center, once_more) == "ServiceQuotaExceeded"
    linked = commands.StartTask(
        name="linked", flow_id=center.ids["to sales"], previous=center.contact("t12")
    )
    assert refused(center, linked) == "ServiceQuotaExceeded"


def test_a_linked_task_has_the_attributes_of_its_chain(center):
    center.ledger(
        """
        at    command               events
        1 s   t1 begins sales       ContactEnqueued t1 sales; ContactOffered t1 a1 until 21 s
        2 s   t1 attributes k=v     AttributesUpdated t1 k=v
        3 s   t2 begins sales t1    ContactSucceeded t1 t2; ContactEnqueued t2 sales
    """,
        hide=NOISE,
    )
    assert center.contact("t2").attributes == {"k": "v"}
    before = msgspec.structs.replace(center.contact("t1"), id="long over")
    linked = commands.StartTask(name="t", flow_id=center.ids["to sales"], previous=before)
    center.name("t3", center.run(linked).answer)
    assert center.contact("t3").attributes == {"k": "v"}
    assert center.contact("t1").next_contacts == [center.ids["t2"]]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (commands.StartTask(name="t", flow_id="nobody"), "ResourceNotFound"),
        (commands.StartTask(name="t", flow_id="to sales", target_id="x"), "ResourceNotFound"),
        (commands.StartTask(name="t", flow_id="hold"), "InvalidRequest"),
        (commands.StartTask(name="t", flow_id="to sales", at=START - 1), "InvalidParameter"),
        (
            commands.StartTask(name="t", flow_id="to sales", at=START + 6 * DAY + 1),
            "InvalidParameter",
        ),
        (commands.StartTask(name="t", flow_id="to sales", quota=0), "ServiceQuotaExceeded"),
        (commands.TransferTask(contact_id="x", flow_id="to sales"), "ResourceNotFound"),
        (commands.PauseTask("x"), "ResourceNotFound"),
        (commands.ResumeTask("c1"), "InvalidRequest"),
    ],
)
def test_what_cannot_be_is_refused(command, code):
    center = a_center(agents=1, queues=["sales"])
    center.a_flow("hold", a_content(an_action("bye", "EndFlowExecution")), "CUSTOMER_HOLD")
    center.enqueue("c1", "sales")
    if hasattr(command, "flow_id") and command.flow_id is not None:
        flow_id = center.ids.get(command.flow_id, command.flow_id)
        command = type(command)(**{**_members(command), "flow_id": flow_id})
    assert refused(center, command) == code


def _members(command):
    return {name: getattr(command, name) for name in command.__struct_fields__}


# Out of flows


def test_a_flow_makes_a_task_beside_its_contact(center):
    make = an_action(
        "make",
        "CreateTask",
        {
            "Name": "Call back",
            "Description": "soon",
            "ContactFlowId": center.ids["to sales"],
            "Attributes": {"topic": "refund"},
        },
        "bye",
        NoMatchingError="lost",
    )
    bye, lost = an_action("bye", "DisconnectParticipant"), an_action("lost", "EndFlowExecution")
    center.a_flow("maker", a_content(make, bye, lost))
    center.name("c1", "c1")
    center.run(
        commands.StartInboundContact(
            contact_id="c1", from_number=NUMBER, flow_id=center.ids["maker"]
        )
    )
    (task,) = center.center.contacts.values()
    assert (task.channel, task.name, task.description) == ("TASK", "Call back", "soon")
    assert (task.related_contact_id, task.association_id) == ("c1", "c1")
    assert task.attributes == {"topic": "refund"}
    assert task.stage == "OFFERED"


def test_what_a_flow_asks_of_a_task_is_what_it_gets(center):
    center.ledger(
        """
        at    command          events
        1 s   t0 begins sales  ContactEnqueued t0 sales; ContactOffered t0 a1 until 21 s
    """,
        hide=NOISE,
    )
    contact, flow = center.contact("t0"), center.ids["to sales"]
    field = {"Id": {"Name": "n"}, "Type": "NAME"}
    template = {"Name": "Order", "Fields": [field], "Status": "ACTIVE", "ContactFlowId": flow}
    center.create("task_template", "order", template)
    idle = {**template, "Name": "Idle", "Status": "INACTIVE"}
    center.create("task_template", "idle", idle)

    def born(number, **members):
        identifier = f"{number:08}-0000-4000-8000-000000000000"
        ask = dialogue.CreateTask(name="note", **members)
        made = tuple(tasks.created(center.center, contact, ask, identifier))
        return made[0].contact, [type(each).__name__ for each in made[1:]]

    task, then = born(1, flow_id=flow, references={"u": ("URL", "https://example.com")})
    assert (task.name, task.stage, task.flow_id) == ("note", "IN_FLOW", flow)
    assert task.references["u"].type == "URL"
    assert (task.related_contact_id, task.association_id) == (contact.id, contact.id)
    assert (task.template, then) == (None, ["ContactConnectedToSystem", "FlowEntered"])
    task, then = born(2, template_id=f"arn:x/task-template/{center.ids['order']}")
    assert (task.flow_id, task.template.name) == (flow, "Order")
    for number, when in ((3, {"delay_ms": SECOND}), (4, {"scheduled_at": center.at + SECOND})):
        task, then = born(number, flow_id=flow, **when)
        assert (task.stage, then) == ("SCHEDULED", ["ContactScheduled"])
    for wrong in (
        {"template_id": center.ids["idle"]},
        {"template_id": "nothing"},
        {"flow_id": "nothing"},
        {"flow_id": flow, "scheduled_at": center.at - 1},
    ):
        with pytest.raises(Refusal):
            born(5, **wrong)


@pytest.mark.parametrize(
    ("asked", "hooks", "disabled", "runs"),
    [
        ("note", {}, [], "note"),
        (None, {}, [], None),
        (None, {"PauseContact": "note"}, [], "note"),
        (None, {"ResumeContact": "note"}, [], None),
        (None, {"PauseContact": "note"}, ["PauseContact"], None),
        ("note", {"PauseContact": "other"}, ["PauseContact"], "note"),
        (None, {"PauseContact": "gone"}, [], None),
    ],
)
def test_which_flow_runs_when_a_task_is_paused(center, asked, hooks, disabled, runs):
    for name in ("note", "other"):
        center.a_flow(name, a_content(an_action("end", "EndFlowExecution")))
    center.run(commands.StartTask(name="t", flow_id=center.way_to("sales")))
    (task,) = center.center.contacts.values()
    center.run(commands.AcceptContact(center.ids["a1"], task.id))
    arn = "arn:aws:connect:us-east-1:1:instance/i/contact-flow/"
    task.hooks = {key: arn + center.ids.get(name, name) for key, name in hooks.items()}
    task.hooks_disabled = disabled
    happened = center.run(commands.PauseTask(task.id, asked and center.ids[asked])).events
    entered = [
        (each.flow_id, each.side, each.flow_type)
        for each in happened
        if isinstance(each, events.FlowEntered)
    ]
    assert entered == ([] if runs is None else [(center.ids[runs], "customer", "PAUSE")])


def test_tasks_that_make_tasks_that_make_tasks_come_to_an_end(center):
    made = center.a_flow("maker", a_content(an_action("bye", "DisconnectParticipant")))
    task = {"Name": "again", "ContactFlowId": made}
    center.checked = False  # it would take minutes
    center.update("contact_flow", "maker", Content=a_content(
        an_action("one", "CreateTask", task, "two", NoMatchingError="bye"),
        an_action("two", "CreateTask", task, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    ))  # fmt: skip
    done = center.run(commands.StartTask(name="first", flow_id=made))
    begun = [each.contact.id for each in done.events if isinstance(each, events.ContactInitiated)]
    assert FLOW_CONTACTS_PER_TURN_MAX < len(set(begun)) == len(begun)
    assert len(begun) < 3 * FLOW_CONTACTS_PER_TURN_MAX
    assert center.center.contacts == {}
    assert violations(center.center) == []


def test_tasks_that_make_tasks_later_do_not_grow_for_ever(center, monkeypatch):
    monkeypatch.setattr(tasks, "FLOW_TASKS_OPEN_MAX", 20)
    made = center.a_flow("maker", a_content(an_action("bye", "DisconnectParticipant")))
    task = {"Name": "again", "ContactFlowId": made, "DelaySeconds": "60"}
    full = {"Attributes": {"full": "yes"}}
    center.update("contact_flow", "maker", Content=a_content(
        an_action("one", "CreateTask", task, "two", NoMatchingError="note"),
        an_action("two", "CreateTask", task, "bye", NoMatchingError="note"),
        an_action("note", "UpdateContactAttributes", full, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    ))  # fmt: skip
    center.run(commands.StartTask(name="first", flow_id=made))
    open_, noted = [], 0
    for _ in range(12):
        happened = center.pass_time(MINUTE)
        noted += any(isinstance(each, events.AttributesUpdated) for each in happened)
        open_.append(len(center.center.contacts))
    assert open_[:3] == [4, 8, 16]
    assert set(open_[3:]) <= {19, 20}
    assert noted, "the error branch is taken"


def test_a_flow_that_makes_an_impossible_task_takes_its_error_branch(center):
    make = an_action(
        "make", "CreateTask", {"Name": "x", "ContactFlowId": "nobody"}, "bye",
        NoMatchingError="say",
    )  # fmt: skip
    say = an_action("say", "MessageParticipant", {"Text": "no"}, "bye", NoMatchingError="bye")
    center.a_flow("maker", a_content(make, say, an_action("bye", "DisconnectParticipant")))
    center.ledger("""
        at    command             events
        1 s   c1 enters maker     ContactInitiated c1 INBOUND VOICE; FlowEntered c1 maker;
                                  FlowStepped c1 CreateTask = NoMatchingError;
                                  FlowStepped c1 Play 'no'
    """, hide=())  # fmt: skip


ENTER = an_action("enter", "TransferContactToQueue", {}, "bye", QueueAtCapacity="bye",
                  NoMatchingError="bye")  # fmt: skip
TO_AGENT = {"Identifier": "enter", "Type": "TransferContactToAgent", "Parameters": {}}


@pytest.mark.parametrize(("target", "enter"), [("a1", ENTER), ("sales", ENTER), ("a1", TO_AGENT)])
def test_the_flows_of_quick_connects_find_their_target_set(center, target, enter):
    content = a_content(enter, an_action("bye", "DisconnectParticipant"))
    flow_id = center.a_flow("to whom it is set", content, "AGENT_TRANSFER")
    target_id = center.ids[target]
    done = center.run(commands.StartTask(name="t", flow_id=flow_id, target_id=target_id))
    task = center.center.contacts[done.answer]
    assert (task.stage, task.agent_id) == ("OFFERED", center.ids["a1"])
    assert task.queue_id == target_id


@pytest.mark.parametrize("why", ["no agent", "full"])
def test_a_task_that_finds_no_room_with_an_agent_ends(center, why):
    content = a_content(TO_AGENT, an_action("bye", "DisconnectParticipant"))
    flow_id = center.a_flow("to his queue", content, "AGENT_TRANSFER")
    target_id = center.ids["sales" if why == "no agent" else "a2"]
    for _ in range(11):
        start = commands.StartTask(name="t", flow_id=flow_id, target_id=target_id)
        done = center.run(start)
    ended = [each.reason for each in done.events if isinstance(each, events.ContactEnded)]
    assert ended == ["CONTACT_FLOW_DISCONNECT"]
