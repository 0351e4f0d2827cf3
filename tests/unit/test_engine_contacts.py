"""Contacts: how they begin, walk their flow, reach a queue, and end before an agent has them."""

from contextlib import suppress
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
    to_queue,
)
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX, FLOW_ACTIONS_PER_TURN_MAX
from ringfloor.base.time import DAY
from ringfloor.domain import dialogue
from ringfloor.domain.commands import (
    Hear,
    StartInboundContact,
    StartOutboundContact,
    UpdateAttributes,
)
from ringfloor.domain.contact import Contact
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactEnded,
    ContactInitiated,
    ContactScheduled,
    FlowStepped,
)
from ringfloor.engine import engine

BUT_STEPS = tuple(each for each in FLOW_NOISE if each is not FlowStepped)
"""Hidden in a ledger about the steps of a flow."""

# Inbound


def with_flow(*actions: dict[str, Any], name: str = "welcome") -> Driver:
    center = a_center()
    center.a_flow(name, a_content(*actions))
    return center


def inbound(**members: Any) -> StartInboundContact:
    return StartInboundContact(contact_id="c1", from_number="+12065550100", **members)


def test_a_call_to_a_number_enters_the_flow_of_the_number():
    center = a_center()
    number = center.name("number", center.center.named("phone_number", NUMBER))
    center.update("phone_number", "number", ContactFlowId=center.ids["to sales"])
    center.ledger(
        """
        1 s    it                     ContactInitiated c1 INBOUND VOICE; FlowEntered c1 to sales;
                                      FlowStepped c1 SetTargetQueue = Done;
                                      TargetQueueSet c1 sales;
                                      FlowStepped c1 TransferToQueue; ContactEnqueued c1 sales
        """,
        hide=(),
        it=inbound(to=NUMBER),
    )
    contact = center.contact("c1")
    assert (contact.customer_number, contact.system_number) == ("+12065550100", NUMBER)
    assert contact.initiated_at == contact.connected_to_system_at == center.at
    assert number in center.center.resources["phone_number"]


def test_a_call_that_leads_to_no_flow_is_refused():
    center = a_center()
    center.ids["queue flow"] = center.center.named("contact_flow", "Default customer queue")
    draft = {"Name": "draft", "Type": "CONTACT_FLOW", "Status": "SAVED", "Content": "{}"}
    center.create("contact_flow", "draft", draft)
    center.ledger(
        """
        0 s    unknown number         refused ResourceNotFound
        0 s    number without flow    refused InvalidRequest
        0 s    nothing                refused InvalidRequest
        0 s    unknown flow           refused ResourceNotFound
        0 s    wrong type             refused InvalidRequest
        0 s    draft                  refused InvalidRequest
        """,
        **{
            "unknown number": inbound(to="+15555550199"),
            "number without flow": inbound(to=NUMBER),
            "nothing": inbound(),
            "unknown flow": inbound(flow_id="nowhere"),
            "wrong type": inbound(flow_id=center.ids["queue flow"]),
            "draft": inbound(flow_id=center.ids["draft"]),
        },
    )


def test_new_contacts_cannot_use_an_archived_flow():
    """Behaviour specification, section 1.7."""
    center = a_center()
    center.update("contact_flow", "to sales", State="ARCHIVED")
    with pytest.raises(Refusal):
        center.run(inbound(flow_id=center.ids["to sales"]))


@pytest.mark.parametrize("stage", ["in its flow", "in queue", "ringing", "talking", "ended"])
def test_a_contact_that_is_told_twice_begins_once(stage):
    """Carriers tell at least once; a contact's id is theirs."""
    center = with_flow(an_action("hello", "MessageParticipant", {"Text": "Hello"}))
    again = inbound(flow_id=center.ids["to sales" if stage != "in its flow" else "welcome"])
    center.name("c1", "c1")
    if stage not in ("in its flow", "in queue"):
        center.available("a1")
    center.run(again)
    if stage in ("talking", "ended"):
        center.ledger("""
            1 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        """)
    if stage == "ended":
        center.ledger("""
            2 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        """)
    before = engine.image(center.center)
    with suppress(Refusal):
        assert center.run(again).events == ()
    assert engine.image(center.center) == before


@pytest.mark.parametrize("channel", ["VOICE", "CHAT", "TASK", "EMAIL"])
def test_a_contact_that_leaves_its_flow_is_over(channel):
    center = a_center()
    center.a_flow("welcome", a_content(an_action("hello", "UpdateFlowLoggingBehavior")))
    center.ledger(
        """
        1 s    it                     ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
        """,
        it=inbound(flow_id=center.ids["welcome"], channel=channel),
    )


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
                                      FlowStepped c1 TransferToQueue; ContactEnqueued c1 sales
        """,
        hide=(),
    )


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
    assert ends_by_itself(center, monkeypatch) <= FLOW_ACTIONS_PER_TURN_MAX + 1


def test_a_flow_that_transfers_to_itself_ends_the_contact(monkeypatch):
    center = with_flow(an_action("go", "TransferToFlow", {"ContactFlowId": "$.Name"}))
    content = a_content(an_action("go", "TransferToFlow", {"ContactFlowId": center.ids["welcome"]}))
    center.update("contact_flow", "welcome", Content=content)
    assert ends_by_itself(center, monkeypatch) <= FLOW_ACTIONS_PER_TURN_MAX + 1


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
    assert ends_by_itself(center, monkeypatch) <= 3 * FLOW_ACTIONS_PER_TURN_MAX


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
    assert center.contact(contact_id).ask == dialogue.Play(dialogue.Prompt("text", "no"))


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
    assert center.contact("c3").ask == dialogue.Play(dialogue.Prompt("text", "full"))


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


# Outbound


def test_an_outbound_call_that_is_answered_walks_its_flow():
    center = a_center()
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 dials sales         ContactInitiated c1 API VOICE
        9 s    c1 answers             ContactConnectedToSystem c1; FlowEntered c1 to sales;
                                      FlowStepped c1 SetTargetQueue = Done;
                                      TargetQueueSet c1 sales; FlowStepped c1 TransferToQueue;
                                      ContactEnqueued c1 sales; ContactOffered c1 a1 until 29 s
        9 s    c1 answers             -
        10 s   a1 accepts c1          ContactConnectedToAgent c1 a1
        """,
        hide=(),
    )
    contact = center.contact("c1")
    assert (contact.initiated_at, contact.connected_to_system_at) == (START + 1_000, START + 9_000)


def test_an_outbound_call_that_nobody_answers_ends_after_its_time():
    a_center().ledger("""
        0 s       c1 dials sales      -
        59.999 s  -                   -
        60 s      -                   ContactEnded c1 TELECOM_TIMEOUT IN_FLOW; ContactCompleted c1
        61 s      c1 answers          -
    """)


@pytest.mark.parametrize("reason", ["TELECOM_BUSY", "TELECOM_NUMBER_INVALID", "TELECOM_UNANSWERED"])
def test_an_outbound_call_that_fails_ends_with_its_reason(reason):
    a_center().ledger(f"""
        0 s    c1 dials sales         -
        2 s    c1 lost {reason}    ContactEnded c1 {reason} IN_FLOW; ContactCompleted c1
        99 s   -                      -
    """)


def test_an_outbound_call_can_be_stopped_while_it_is_dialled():
    a_center().ledger("""
        0 s    c1 dials sales         -
        2 s    c1 stopped             ContactEnded c1 OTHER IN_FLOW; ContactCompleted c1
        3 s    c1 answers             -
        4 s    c1 stopped             refused ContactNotFound
    """)


def test_outbound_calls_must_be_enabled_and_lead_somewhere():
    center = a_center()
    start = {"to": "+1", "from_number": "+2", "dial_ms": 1_000}
    to_sales = center.ids["to sales"]
    center.ledger(
        """
        0 s    unknown flow           refused ResourceNotFound
        0 s    unknown queue          refused ResourceNotFound
        """,
        **{
            "unknown flow": StartOutboundContact(**start, flow_id="nowhere"),
            "unknown queue": StartOutboundContact(**start, flow_id=to_sales, queue_id="nowhere"),
        },
    )
    assert center.center.instance is not None
    center.center.instance.properties["OutboundCallsEnabled"] = False
    with pytest.raises(Refusal, match="OutboundContactNotPermittedException"):
        center.run(StartOutboundContact(**start, flow_id=to_sales))


def test_the_queue_of_an_outbound_call_is_the_target_of_its_flow_but_not_its_queue():
    center = a_center()
    flow = center.a_flow(
        "enter", a_content(an_action("enter", "TransferContactToQueue", {}, "enter"))
    )
    done = center.run(
        StartOutboundContact(
            to="+1", from_number="+2", flow_id=flow, queue_id=center.ids["sales"], dial_ms=1_000
        )
    )
    center.name("c1", done.answer)
    assert center.contact("c1").enqueued_at is None
    assert center.center.queued == {}
    center.ledger("""
        0.5 s  c1 answers             ContactConnectedToSystem c1; ContactEnqueued c1 sales
    """)


# Client tokens


def test_a_client_token_starts_one_contact():
    center = a_center()
    center.ledger("""
        0 s    c1 dials sales token   -
        1 s    c1 dials sales token   -
        2 s    c2 dials sales other   -
    """)
    assert len(center.center.contacts) == 2
    again = start_with(center, "token")
    assert again.events == ()
    assert again.answer == center.ids["c1"]
    assert again.effects == ()


def test_a_client_token_starts_anew_when_its_contact_is_over():
    """StartOutboundVoiceContact, ClientToken: if the contact is disconnected, a new one starts."""
    center = a_center()
    center.ledger("""
        0 s    c1 dials sales token   -
        2 s    c1 lost TELECOM_BUSY   ContactEnded c1 TELECOM_BUSY IN_FLOW; ContactCompleted c1
    """)
    again = start_with(center, "token")
    assert again.answer != center.ids["c1"]


def test_a_client_token_is_good_for_seven_days():
    center = a_center()
    center.enqueue("c0", "sales")
    first = start_with(center, "token")
    center.run(engine.commands.ConnectSystem(first.answer))
    center.at += 7 * DAY - 1
    assert start_with(center, "token").answer == first.answer
    center.at += 1
    second = start_with(center, "token")
    assert second.answer != first.answer
    center.run(engine.commands.StopContact(first.answer))
    assert start_with(center, "token").answer == second.answer


def test_contacts_without_a_token_are_all_different():
    center = a_center()
    assert start_with(center, None).answer != start_with(center, None).answer


def start_with(center: Driver, token: str | None) -> engine.Done:
    return center.run(
        StartOutboundContact(
            to="+1",
            from_number="+2",
            flow_id=center.ids["to sales"],
            dial_ms=60_000,
            client_token=token,
        )
    )


# Ends before an agent


@pytest.mark.parametrize(
    ("words", "reason"), [("c1 leaves", "CUSTOMER_DISCONNECT"), ("c1 stopped", "OTHER")]
)
def test_a_contact_may_end_in_its_flow_and_in_the_queue(words, reason):
    with_flow(*HELLO).ledger(f"""
        0 s    c1 enters welcome      -
        1 s    {words}                ContactEnded c1 {reason} IN_FLOW; ContactCompleted c1
        1 s    {words}                {"-" if "leaves" in words else "refused ContactNotFound"}
    """)
    center = a_center()
    center.ledger(f"""
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c2 call sales          ContactEnqueued c2 sales
        5 s    {words}                ContactEnded c1 {reason} IN_QUEUE; ContactCompleted c1
        6 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 26 s
    """)


def test_unknown_contacts_are_refused_or_no_news():
    a_center().ledger(
        """
        0 s    c9 stopped             refused ContactNotFound
        0 s    c9 attributes k=v      refused ResourceNotFound
        0 s    c9 leaves              -
        0 s    c9 answers             -
        0 s    stale                  -
    """,
        stale=Hear("c9", 0, dialogue.Done()),
    )


# Scheduled contacts: no command makes one yet


def with_a_callback() -> Driver:
    """c1 enters the queue at 90 s."""
    center = a_center()
    callback = Contact(
        id=center.name("c1", "c1"),
        channel="VOICE",
        initiation_method="CALLBACK",
        stage="SCHEDULED",
        initiated_at=center.at,
        updated_at=center.at,
    )
    center.happen(
        ContactInitiated(callback),
        ContactScheduled("c1", center.ids["sales"], "VOICE", START + 90_000),
    )
    return center


def test_a_scheduled_contact_enters_its_queue_when_its_delay_is_over():
    center = with_a_callback()
    assert center.center.queued == {}
    center.ledger("""
        0 s       a1 status Available    AgentStatusChanged a1 Available
        89.999 s  -                      -
        90 s      -                      ContactEnqueued c1 sales;
                                         ContactOffered c1 a1 until 110 s
    """)


def test_a_scheduled_contact_can_be_stopped():
    with_a_callback().ledger("""
        1 s       c1 stopped             ContactEnded c1 OTHER IN_FLOW; ContactCompleted c1
        90 s      -                      -
    """)
