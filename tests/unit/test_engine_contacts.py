"""Contacts: how they begin, inbound, outbound and scheduled, and end before an agent has them."""

from contextlib import suppress
from typing import Any

import pytest

from engine_builders import (
    NUMBER,
    START,
    Driver,
    ProfileOf,
    a_center,
    a_content,
    an_action,
)
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY
from ringfloor.domain import dialogue
from ringfloor.domain.commands import (
    ExpireRecords,
    Hear,
    StartInboundContact,
    StartOutboundContact,
    TagContact,
    UpdateAttributes,
    UpdateContact,
    UpdateInstance,
    UpdateSchedule,
)
from ringfloor.domain.contact import Contact, Reference
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactInitiated,
    ContactScheduled,
    ContactTagged,
    RecordAmended,
)
from ringfloor.engine import engine

HELLO = an_action("hello", "MessageParticipant", {"Text": "Hello"}, "hello")

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
                                      FlowStepped c1 TransferToQueue; ContactEnqueued c1 sales;
                                      FlowEntered c1 customer-queue; FlowStepped c1 PlayLoop
        """,
        hide=(),
        it=inbound(to=NUMBER),
    )
    contact = center.contact("c1")
    assert (contact.customer_number, contact.system_number) == ("+12065550100", NUMBER)
    assert contact.initiated_at == contact.connected_to_system_at == center.at
    assert number in center.center.resources["phone_number"]


def test_a_flow_that_is_named_comes_before_that_of_the_number():
    center = a_center(queues=["sales", "support"])
    center.name("number", center.center.named("phone_number", NUMBER))
    center.update("phone_number", "number", ContactFlowId=center.ids["to sales"])
    center.ledger(
        """
        1 s    it                     ContactEnqueued c1 support
        """,
        it=inbound(to=NUMBER, flow_id=center.ids["to support"]),
    )


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
                                      ContactEnqueued c1 sales; FlowEntered c1 customer-queue;
                                      ContactOffered c1 a1 until 29 s; FlowStepped c1 PlayLoop
        9 s    c1 answers             -
        10 s   a1 accepts c1          ContactAccepted c1 a1; AgentLegConnected c1 a1;
                                      FlowEntered c1 agent-whisper; FlowStepped c1 Play 'sales';
                                      FlowStepped c1 End finished; FlowFinished c1 agent;
                                      FlowFinished c1 customer; ContactDequeued c1 a1;
                                      FlowEntered c1 customer-whisper;
                                      FlowStepped c1 Play prompt;
                                      FlowStepped c1 End finished; FlowFinished c1 customer;
                                      ContactConnectedToAgent c1 a1
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
    center.run(UpdateInstance({"OutboundCallsEnabled": False}))
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


def test_a_client_token_is_free_as_soon_as_the_conversation_is_over():
    """After contact work goes on; a snapshot taken then knows no token either."""
    center = a_center()
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    c1 dials sales token   -
        2 s    c1 answers             ContactConnectedToSystem c1; ContactEnqueued c1 sales;
                                      ContactOffered c1 a1 until 22 s
        3 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
    """)
    assert start_with(center, "token").answer != center.ids["c1"]


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
    with_flow(HELLO).ledger(f"""
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


@pytest.mark.parametrize(
    "method", ["DISCONNECT", "TRANSFER", "QUEUE_TRANSFER", "EXTERNAL_OUTBOUND", "MONITOR"]
)
def test_calls_that_began_so_cannot_be_stopped(method):
    """StopContact; other channels end wherever they are."""
    center = a_center()
    for contact_id, channel in (("c1", "VOICE"), ("c2", "CHAT")):
        center.happen(ContactInitiated(a_contact(contact_id, channel, method)))
    center.ledger("""
        1 s    c1 stopped             refused InvalidRequest
        1 s    c2 stopped             ContactEnded c2 API IN_FLOW; ContactCompleted c2
    """)


def a_contact(contact_id: str, channel: Any, method: Any, stage: Any = "IN_FLOW") -> Contact:
    return Contact(
        id=contact_id,
        channel=channel,
        initiation_method=method,
        stage=stage,
        initiated_at=START,
        updated_at=START,
    )


# How many at once


def test_calls_have_a_quota_and_other_contacts_none():
    center = a_center()
    to_sales = center.ids["to sales"]
    call = {"from_number": "+1", "flow_id": to_sales, "quota": 2}
    dial = {"to": "+1", "from_number": "+2", "flow_id": to_sales, "dial_ms": 1_000}
    center.name("c4", "c4")
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 20 s
        0 s    c2 call sales          ContactEnqueued c2 sales
        0 s    c3 chat sales          ContactEnqueued c3 sales
        1 s    in                     refused LimitExceeded
        1 s    out                    refused LimitExceeded
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        4 s    in                     ContactEnqueued c4 sales
        5 s    out                    refused LimitExceeded
        """,
        **{
            "in": StartInboundContact(contact_id="c4", **call),
            "out": StartOutboundContact(**dial, quota=2),
        },
    )
    center.run(StartInboundContact(contact_id="c5", channel="CHAT", **call))
    center.run(StartOutboundContact(**dial))  # nobody counts


# Rank


def test_a_contact_that_waits_can_be_moved_by_priority_and_by_age():
    """UpdateContactRoutingData; 1 is the best priority, 5 what everybody has."""
    center = a_center(agents=4)
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c2 call sales          ContactEnqueued c2 sales
        2 s    c3 call sales          ContactEnqueued c3 sales
        3 s    c4 call sales          ContactEnqueued c4 sales
        4 s    c1 ranks priority 6    RoutingDataUpdated c1 priority 6
        5 s    c4 ranks age 3         RoutingDataUpdated c4 ms 3000
        6 s    c3 ranks age 60        RoutingDataUpdated c3 ms 60000
        7 s    c3 ranks age -10       RoutingDataUpdated c3 ms -10000
        8 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c4 a1 until 28 s
        8 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c2 a2 until 28 s
        8 s    a3 status Available    AgentStatusChanged a3 Available;
                                      ContactOffered c3 a3 until 28 s
        8 s    a4 status Available    AgentStatusChanged a4 Available;
                                      ContactOffered c1 a4 until 28 s
    """)
    assert center.contact("c1").updated_at == START + 4_000


def test_a_rank_that_is_given_early_counts_when_the_contact_is_in_queue():
    center = a_center()
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c2 dials sales         -
        2 s    c2 ranks priority 1    RoutingDataUpdated c2 priority 1
        3 s    c2 answers             ContactConnectedToSystem c2; ContactEnqueued c2 sales
        4 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c2 a1 until 24 s
        5 s    c2 ranks priority 9    RoutingDataUpdated c2 priority 9
        6 s    a1 rejects c2          OfferMissed c2 a1 rejected
        7 s    a1 clears c2           ContactCleared c2 a1; ContactOffered c1 a1 until 27 s
        8 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        9 s    c1 ranks priority 1    refused ResourceConflict
        10 s   c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        11 s   c1 ranks age 1         refused ResourceConflict
        12 s   c9 ranks age 1         refused ResourceNotFound
    """)


def test_a_delay_is_counted_from_the_real_time_in_queue_whatever_the_rank():
    center = a_center(profiles={"slow": "sales 1 +10"})
    center.ledger("""
        0 s    a1 status Available    AgentStatusChanged a1 Available
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c1 ranks age 60        RoutingDataUpdated c1 ms 60000
        10 s   -                      DelayPassed c1 10 s; ContactOffered c1 a1 until 30 s
        30 s   -                      OfferMissed c1 a1 unanswered
        31 s   c1 ranks priority 1    RoutingDataUpdated c1 priority 1
        32 s   a1 clears c1           ContactCleared c1 a1; ContactOffered c1 a1 until 52 s
    """)


# What is said of a contact, live and final


def an_ended_contact(center: Driver) -> Contact:
    center.ledger("""
        0 s    c1 call sales          ContactEnqueued c1 sales
        1 s    c1 attributes k=v      AttributesUpdated c1 k=v
        1 s    c1 tags t=1 u=2        ContactTagged c1 t=1 u=2
        2 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
    """)
    [*_, completed] = center.log[-1][1]
    return completed.contact


def test_a_contact_that_has_ended_is_changed_by_its_record():
    center = a_center()
    record = an_ended_contact(center)
    [amended] = center.run(UpdateAttributes("c1", {"l": "w"}, record)).events
    assert amended == RecordAmended(AttributesUpdated("c1", {"l": "w"}))
    assert center.run(TagContact("c1", {"t": None}, record)).events == (
        RecordAmended(ContactTagged("c1", {"t": None})),
    )
    center.ledger("""
        3 s    c1 attributes l=w      refused ResourceNotFound
        3 s    c1 tags v=3            refused ResourceNotFound
    """)
    assert (record.attributes, record.tags) == ({"k": "v"}, {"t": "1", "u": "2"})


def test_a_live_contact_is_changed_whatever_record_somebody_has():
    center = a_center()
    center.enqueue("c1", "sales")
    stale = a_contact("c1", "VOICE", "INBOUND")
    [event] = center.run(UpdateAttributes("c1", {"k": "v"}, stale)).events
    assert event == AttributesUpdated("c1", {"k": "v"})


def test_what_is_said_of_a_live_contact_adds_up():
    center = a_center()
    center.enqueue("c1", "sales")
    url, number = Reference("URL", "https://example.com"), Reference("NUMBER", "1")
    center.run(UpdateContact(contact_id="c1", name="Jane", references={"a": url, "b": url}))
    center.run(UpdateContact(contact_id="c1", description="x", references={"b": number}))
    center.run(UpdateContact(contact_id="c1", segment_attributes={"tier": "gold"}))
    center.ledger("""
        1 s    c1 tags t=1 u=2        ContactTagged c1 t=1 u=2
        2 s    c1 tags t= u=3 w=      ContactTagged c1 t= u=3 w=
    """)
    contact = center.contact("c1")
    assert (contact.name, contact.description) == ("Jane", "x")
    assert contact.references == {"a": url, "b": number}
    assert (contact.tags, contact.segment_attributes) == ({"u": "3"}, {"tier": "gold"})
    assert contact.updated_at == START + 2_000


BOUNDS = {
    "attributes": (
        lambda record: UpdateAttributes("c1", {"ab": "é" * 16_382}, record),
        lambda record: UpdateAttributes("c1", {"ab": "é" * 16_382, "b": ""}, record),
    ),
    "tags": (
        lambda record: TagContact("c1", {**dict.fromkeys("abcde", "v"), "t": None}, record),
        lambda record: TagContact("c1", dict.fromkeys("abcdef", "v"), record),
    ),
    "references": (
        lambda record: UpdateContact(contact_id="c1", references=urls(50), record=record),
        lambda record: UpdateContact(contact_id="c1", references=urls(51), record=record),
    ),
}
"""What is just allowed, and one more."""


def urls(count: int) -> dict[str, Reference]:
    return {f"{number}": Reference("URL", "u") for number in range(count)}


@pytest.mark.parametrize("what", BOUNDS)
@pytest.mark.parametrize("ended", [False, True], ids=["live", "ended"])
def test_what_is_said_of_a_contact_has_a_bound_over_all_that_was_said(what, ended):
    center = a_center()
    record = an_ended_contact(center) if ended else None
    if not ended:
        center.enqueue("c1", "sales")
        center.run(UpdateAttributes("c1", {"k": "v"}))
        center.run(TagContact("c1", {"t": "1", "u": "2"}))
    most, more = BOUNDS[what]
    assert len(center.run(most(record)).events) == 1
    with pytest.raises(Refusal, match=r"InvalidParameterException.*(exceed|more than)"):
        center.run(more(record))


def test_an_ended_contact_is_changed_for_24_months():
    center = a_center()
    record = an_ended_contact(center)
    center.at = START + 731 * DAY  # 14 November 2023 to 14 November 2025, over a leap day
    assert center.run(UpdateAttributes("c1", {"k": "w"}, record)).events
    center.at += 1
    with pytest.raises(Refusal, match="InitialContactId: no contact 'c1'"):
        center.run(UpdateAttributes("c1", {"k": "w"}, record))
    with pytest.raises(Refusal, match="ContactId: no contact 'c1'"):
        center.run(TagContact("c1", {"k": "w"}, record))
    [expired] = center.run(ExpireRecords()).events
    assert expired.before == START + 1


# Scheduled contacts: no command makes one yet


def with_a_callback(channel: Any = "VOICE") -> Driver:
    """c1 enters the queue at 90 s."""
    center = a_center(profiles={"all": ProfileOf("sales, sales/TASK", task=1)})
    center.happen(
        ContactInitiated(a_contact(center.name("c1", "c1"), channel, "CALLBACK", "SCHEDULED")),
        ContactScheduled("c1", center.ids["sales"], channel, START + 90_000),
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


def test_a_scheduled_task_can_be_given_another_time():
    """UpdateContactSchedule: within the six days from now, and tasks only."""
    center = with_a_callback("TASK")
    times = {
        "past": center.at - 1,
        "far": center.at + 6 * DAY + 1_001,
        "later": center.at + 6 * DAY + 1_000,
        "sooner": center.at + 30_000,
    }
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available
        1 s    past                   refused InvalidParameter
        1 s    far                    refused InvalidParameter
        1 s    later                  ContactScheduled c1 sales until 518401 s
        2 s    sooner                 ContactScheduled c1 sales until 30 s
        30 s   -                      ContactEnqueued c1 sales;
                                      ContactOffered c1 a1 until 50 s
        31 s   sooner                 refused InvalidRequest
        """,
        **{name: UpdateSchedule("c1", at) for name, at in times.items()},
    )
    with pytest.raises(Refusal, match="InvalidRequestException"):
        with_a_callback().run(UpdateSchedule("c1", START + 1_000))
    with pytest.raises(Refusal, match="ResourceNotFoundException"):
        a_center().run(UpdateSchedule("c1", START + 1_000))


def test_a_task_may_be_due_now_and_not_before():
    center = with_a_callback("TASK")
    with pytest.raises(Refusal) as caught:
        center.run(UpdateSchedule("c1", center.at - 1))
    said = caught.value.message
    assert said.startswith(f"ScheduledTime: {(center.at - 1) / 1_000} is not within the 6 days")
    (told,) = center.run(UpdateSchedule("c1", center.at)).events
    assert (told.contact_id, told.queue_id, told.channel, told.until) == (
        "c1",
        center.ids["sales"],
        "TASK",
        center.at,
    )
    for live, message in (
        (with_a_callback(), "ContactId: 'c1' is not a scheduled task"),
        (a_center(), "ContactId: no live contact 'c1' here"),
    ):
        with pytest.raises(Refusal) as caught:
            live.run(UpdateSchedule("c1", live.at))
        assert caught.value.message == message


def test_a_scheduled_contact_can_be_stopped():
    with_a_callback().ledger("""
        1 s       c1 stopped             ContactEnded c1 OTHER IN_FLOW; ContactCompleted c1
        90 s      -                      -
    """)
