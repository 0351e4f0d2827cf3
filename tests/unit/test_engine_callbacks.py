"""Queued callbacks: who waits in the customer's stead, who is dialled, and when again."""

from typing import Any

import pytest

from call_builders import CUSTOMER, asks_for, call
from engine_builders import FLOW_NOISE, START, a_center, a_content, an_action
from ringfloor.base.time import DAY, SECOND
from ringfloor.domain import commands, dialogue, events, practice
from ringfloor.domain.facts import AgentTime, Leg
from ringfloor.engine import connection, engine
from ringfloor.engine.contact_records import contact_record
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.telephony import commands as telephony

NOISE = (*FLOW_NOISE, events.FlowFinished, events.ContactConnectedToSystem)


@pytest.fixture
def center():
    made = a_center(agents=2)
    made.answers = False
    asks_for(made)
    asks_for(made, "asks now", InitialCallDelaySeconds="0")
    return made


def realtime_of(center):
    realtime = Realtime()
    for at, happened in center.log:
        for event in happened:
            realtime.on(event, at)
    assert Realtime.load(realtime.dump()) == realtime
    return realtime


def test_a_callback_is_scheduled_and_then_waits_as_long_as_its_call_has(center):
    center.at = START + 1 * SECOND
    waiting = call(center)
    assert waiting.stage == "SCHEDULED"
    assert (waiting.initiation_method, waiting.customer_number) == ("CALLBACK", CUSTOMER)
    assert waiting.previous_contact_id == waiting.initial_contact_id == "c1"
    assert waiting.scheduled_at == START + 31 * SECOND
    (line,) = realtime_of(center).counters.lines.values()
    assert (line.scheduled, len(line.waiting)) == (1, 0)
    center.ledger(
        """
        at    command                events
        5 s   c2 call sales          ContactEnqueued c2 sales
        31 s  -                      ContactEnqueued b1 sales
        32 s  a1 status Available    AgentStatusChanged a1 Available;
                                     ContactOffered b1 a1 until 52 s
        33 s  a1 rejects b1          OfferMissed b1 a1 rejected
    """,
        hide=NOISE,
    )
    assert center.agent("a1").contacts[center.ids["b1"]].state == "MISSED"
    assert waiting.callback.tried == 0
    (line,) = realtime_of(center).counters.lines.values()
    assert (line.scheduled, len(line.waiting)) == (0, 2)


def test_the_call_that_asked_names_its_callback(center):
    call(center)
    completed = next(
        event
        for _, happened in center.log
        for event in happened
        if isinstance(event, events.ContactCompleted)
    )
    assert completed.contact.next_contact_id == center.ids["b1"]
    assert completed.contact.transfer_completed_at is None


def test_a_callback_that_is_stopped_or_too_old_is_gone(center):
    call(center)
    call(center, "c2")
    center.ledger(
        f"""
        at    command                events
        30 s  -                      ContactEnqueued b1 sales; ContactEnqueued b2 sales
        31 s  b1 stopped             ContactEnded b1 OTHER IN_QUEUE; ContactCompleted b1
        {7 * DAY // SECOND} s  -     ContactEnded b2 EXPIRED IN_QUEUE; ContactCompleted b2
    """,
        hide=NOISE,
        late=True,
    )


@pytest.mark.parametrize(
    ("changes", "full", "stage"),
    [
        ({"MaxContacts": 5}, 5, "IN_QUEUE"),  # a fifth more than there may be
        ({"MaxContacts": 5}, 6, None),
        ({"Status": "DISABLED"}, 0, None),
    ],
)
def test_at_the_end_of_its_delay_a_callback_needs_room(center, changes, full, stage):
    call(center)
    for number in range(full):
        center.enqueue(f"w{number}", "sales")
    center.update("queue", "sales", **changes)
    happened = center.pass_time(30 * SECOND)
    live = center.center.contacts.get(center.ids["b1"])
    assert (live.stage if live else None) == stage
    ended = [each.reason for each in happened if isinstance(each, events.ContactEnded)]
    assert ended == ([] if stage else ["OTHER"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"QueueId": "nobody"},
        {"ContactFlowId": "nobody"},
    ],
)
def test_what_cannot_be_called_back_takes_the_error_branch(center, parameters):
    asks_for(center, "fails", **parameters)
    assert call(center, flow="fails") is None
    assert center.contact("c1").runs["customer"].ask.prompt.value == "no"


def test_a_full_queue_takes_the_error_branch(center):
    center.update("queue", "sales", MaxContacts=1)
    center.enqueue("w1", "sales")
    assert call(center) is None


# Practice


def works(center: Any, **wanted: Any) -> None:
    """The instance is told what its operator wants."""
    center.run(commands.UpdateInstance(practice.changes(practice.Practice(**wanted))))


@pytest.mark.parametrize(("rank", "first"), [("call", "b1"), ("callback", "c2")])
def test_by_what_a_callback_is_ranked_is_a_setting(center, rank, first):
    works(center, callback_rank=rank)
    call(center)
    center.at += 5 * SECOND
    center.enqueue("c2", "sales")
    center.pass_time(30 * SECOND)
    center.available("a1")
    assert center.contact(first).stage == "OFFERED"
    center.check_history()


@pytest.mark.parametrize(
    ("counted", "flow", "duration"),
    [("wait", "asks", 21), ("delay", "asks", 51), ("delay", "asks now", 21)],
)
def test_whether_a_callbacks_duration_counts_its_delay_is_a_setting(
    center, counted, flow, duration
):
    works(center, callback_duration=counted)
    call(center, flow=flow)
    center.pass_time(30 * SECOND if flow == "asks" else 0)
    center.pass_time(21 * SECOND)
    done = center.run(commands.StopContact(center.ids["b1"]))
    (final,) = (each.contact for each in done.events if isinstance(each, events.ContactCompleted))
    assert contact_record(center.center, final)["Queue"]["Duration"] == duration


def test_how_long_an_offer_rings_is_a_setting(center):
    works(center, ring_ms=7 * SECOND)
    center.enqueue("c1", "sales")
    center.ledger(
        """
        0 s    a1 status Available    AgentStatusChanged a1 Available;
                                      ContactOffered c1 a1 until 7 s
        7 s    -                      OfferMissed c1 a1 unanswered
        """,
        hide=NOISE,
    )


def test_what_an_instance_keeps_of_its_practice_is_what_differs_from_the_usual(center):
    kept = center.center.instance.properties
    assert practice.is_followed(kept, practice.USUAL)
    members = {
        "ring_ms": 5_000,
        "callback_rank": "callback",
        "callback_duration": "delay",
        "destinations": ("allow:US", "deny:+1900"),
        "outbound_rate": (5, 10),
        "outbound_calls": 50,
        "recording_days": 90,
    }
    mine = practice.Practice(**members)
    assert not practice.is_followed(kept, mine)
    assert practice.kept(mine) == practice.changes(mine)
    works(center, **members)
    assert practice.is_followed(center.center.instance.properties, mine)
    assert not practice.is_followed(center.center.instance.properties, practice.USUAL)
    works(center)
    assert center.center.instance.properties == kept
    assert practice.kept(practice.USUAL) == {}


# Numbers


@pytest.mark.parametrize(
    ("number", "error"),
    [("+12065550199", None), ("12", "InvalidCallbackNumber")],
)
def test_the_callback_number_is_checked(center, number, error):
    keep = an_action(
        "keep", "UpdateContactAttributes", {"Attributes": {"n": number}}, "set",
        NoMatchingError="bye",
    )  # fmt: skip
    change = an_action(
        "set", "UpdateContactCallbackNumber", {"CallbackNumber": "$.Attributes.n"}, "make",
        InvalidCallbackNumber="no", CallbackNumberNotDialable="never",
    )  # fmt: skip
    make = an_action(
        "make", "CreateCallbackContact",
        {
            "QueueId": center.ids["sales"],
            "InitialCallDelaySeconds": "1",
            "MaximumConnectionAttempts": "1",
            "RetryDelaySeconds": "60",
        },
        "bye", NoMatchingError="never",
    )  # fmt: skip
    no = an_action("no", "MessageParticipant", {"Text": "no"}, "bye", NoMatchingError="bye")
    bye = an_action("bye", "DisconnectParticipant")
    center.a_flow("changes", a_content(keep, change, make, no, bye))
    made = call(center, flow="changes")
    if error is None:
        assert made.customer_number == number
    else:
        assert made is None
        assert center.contact("c1").runs["customer"].ask.prompt.value == "no"


# Agent first


def ready(center: Any, alias: str, leg: int = 0) -> Any:
    """The phone of the agent who has accepted is up."""
    return center.run(commands.ConnectAgent(center.ids[alias], leg))


def dialled(done: Any) -> list[tuple[str, str]]:
    """Channel and number of whoever is now called, agents left out."""
    return [
        (effect.channel_id, effect.to)
        for effect in done.effects
        if isinstance(effect, telephony.Originate) and effect.to.startswith("+")
    ]


def hung_up(done: Any) -> set[str]:
    return {each.channel_id for each in done.effects if isinstance(each, telephony.HangUp)}


@pytest.fixture
def taken(center):
    """b1 is a1's: he has accepted it and heard his whisper."""
    center.at = START + 1 * SECOND
    call(center, flow="asks now")
    center.available("a1")
    center.at = START + 3 * SECOND
    assert center.agent("a1").contacts[center.ids["b1"]].state == "INCOMING"
    center.run(commands.AcceptContact(center.ids["a1"], center.ids["b1"]))
    assert center.agent("a1").contacts[center.ids["b1"]].state == "PENDING"
    center.at = START + 5 * SECOND
    done = ready(center, "b1")
    while (run := center.contact("b1").runs.get("agent")) is not None:
        done = center.run(commands.Hear(center.ids["b1"], run.number, dialogue.Done()))
    assert dialled(done) == [(center.ids["b1"], CUSTOMER)]
    return center


def whispered(center: Any) -> None:
    """The customer has heard what he is told before he is joined with the agent."""
    while (run := center.contact("b1").runs.get("customer")) is not None:
        center.run(commands.Hear(center.ids["b1"], run.number, dialogue.Done()))


def test_the_agent_is_there_before_the_customer(taken):
    waiting = taken.contact("b1")
    assert (waiting.stage, waiting.dequeued_at) == ("DIALING", START + 3 * SECOND)
    assert taken.agent("a1").contacts[waiting.id].state == "CONNECTING"
    (line,) = realtime_of(taken).counters.lines.values()
    assert (line.active, line.offered, len(line.waiting)) == (1, 0, 0)
    taken.at = START + 15 * SECOND
    taken.run(commands.ConnectSystem(waiting.id))
    whispered(taken)
    assert (waiting.stage, waiting.connected_to_agent_at) == ("CONNECTED", START + 15 * SECOND)
    assert waiting.connected_to_system_at == START + 15 * SECOND
    taken.ledger(
        """
        at    command                events
        20 s  b1 leaves              ContactEnded b1 CUSTOMER_DISCONNECT CONNECTED
        25 s  a1 clears b1           ContactCleared b1 a1; ContactCompleted b1
    """,
        hide=NOISE,
    )
    legs = {leg.contact_id: leg for leg in facts_of(taken) if isinstance(leg, Leg)}
    leg = legs[taken.ids["b1"]]
    assert (leg.enqueued_at, leg.dequeued_at) == (START + 1 * SECOND, START + 3 * SECOND)
    assert (leg.initiation_method, leg.interaction_ms) == ("CALLBACK", 5 * SECOND)
    times = [time for time in facts_of(taken) if isinstance(time, AgentTime)]
    assert [(time.kind, time.started_at - START) for time in times] == [
        ("idle", 1 * SECOND),
        ("contact", 5 * SECOND),  # the customer is dialled
    ]


def facts_of(center: Any) -> list[Any]:
    records = Records()
    return [
        fact for at, happened in center.log for event in happened for fact in records.on(event, at)
    ]


def test_a_callback_does_not_get_too_old_while_its_customer_talks(taken):
    waiting = taken.contact("b1")
    taken.run(commands.ConnectSystem(waiting.id))
    whispered(taken)
    taken.pass_time(8 * DAY)
    assert waiting.stage == "CONNECTED"


def test_a_callback_that_is_not_answered_gets_too_old_again(taken):
    waiting = taken.contact("b1")
    taken.run(commands.LoseChannel(waiting.id, "TELECOM_BUSY"))
    taken.pass_time(7 * DAY)
    assert waiting.disconnect_reason == "EXPIRED"
    assert taken.agent("a1").contacts[waiting.id].state == "ERROR"


@pytest.mark.parametrize(
    ("words", "reason"),
    [("b1 lost TELECOM_BUSY", "TELECOM_BUSY"), ("-", "TELECOM_TIMEOUT")],
)
def test_who_does_not_answer_is_called_again_and_then_no_more(taken, words, reason):
    at = 65 if words == "-" else 20
    taken.ledger(
        f"""
        at          command          events
        {at} s      {words}          CallbackUnanswered b1 a1 {reason} until {at + 60} s
        {at + 1} s  a1 clears b1     ContactCleared b1 a1
        {at + 60} s  -               ContactEnqueued b1 sales; ContactOffered b1 a1
                                     until {at + 80} s
    """,
        hide=NOISE,
    )
    again = taken.contact("b1")
    assert (again.callback.tried, again.initiation_method) == (1, "CALLBACK")
    taken.run(commands.AcceptContact(taken.ids["a1"], again.id))
    done = ready(taken, "b1", leg=1)
    while (run := again.runs.get("agent")) is not None:
        done = taken.run(commands.Hear(again.id, run.number, dialogue.Done()))
    (second,) = dialled(done)
    assert second == (f"{again.id}.2", CUSTOMER)  # a channel is dialled once
    assert taken.center.legs[second[0]] == again.id
    taken.ledger(
        f"""
        at           command                events
        {at + 70} s  busy again             ContactEnded b1 TELECOM_BUSY IN_FLOW;
                                            ContactCompleted b1
        {at + 71} s  a1 clears b1           ContactCleared b1 a1
    """,
        hide=NOISE,
        **{"busy again": commands.LoseChannel(second[0], "TELECOM_BUSY")},
    )


def test_between_two_attempts_the_callback_is_scheduled_and_its_agent_in_error(taken):
    done = taken.run(commands.LoseChannel(taken.ids["b1"], "TELECOM_UNANSWERED"))
    assert hung_up(done) == {taken.ids["b1"], f"{taken.ids['b1']}/agent"}
    held = taken.agent("a1").contacts[taken.ids["b1"]]
    assert (held.state, held.error) == ("ERROR", "MissedCallCustomer")
    realtime = realtime_of(taken)
    (line,) = realtime.counters.lines.values()
    assert (line.scheduled, line.active) == (1, 0)
    assert realtime.counters.cards[taken.ids["a1"]].in_error == 1
    taken.run(commands.StopContact(taken.ids["b1"]))
    taken.run(commands.ClearContact(taken.ids["a1"], taken.ids["b1"]))
    assert not taken.center.contacts


def test_news_of_a_leg_that_is_gone_is_no_news(taken):
    """The carrier tells that it has hung up whom we have given up."""
    first = commands.LoseChannel(taken.ids["b1"], "TELECOM_TIMEOUT")
    taken.run(first)
    assert taken.run(first).events == ()
    taken.run(commands.ClearContact(taken.ids["a1"], taken.ids["b1"]))
    taken.pass_time(60 * SECOND)
    assert taken.run(first).events == ()
    taken.run(commands.AcceptContact(taken.ids["a1"], taken.ids["b1"]))
    ready(taken, "b1", leg=1)
    while (run := taken.contact("b1").runs.get("agent")) is not None:
        taken.run(commands.Hear(taken.ids["b1"], run.number, dialogue.Done()))
    assert taken.contact("b1").stage == "DIALING"
    assert taken.run(first).events == ()


@pytest.mark.parametrize("hangs_up", [True, False])
def test_an_agent_who_leaves_is_no_reason_not_to_call(taken, hangs_up):
    leaves = commands.LoseAgent(taken.ids["b1"])
    if hangs_up:
        leaves = commands.LeaveContact(taken.ids["a1"], taken.ids["b1"])
    done = taken.run(leaves)
    assert taken.contact("b1").stage == "SCHEDULED"
    assert taken.ids["b1"] in hung_up(done)
    assert taken.agent("a1").contacts[taken.ids["b1"]].error == "FailedConnectAgent"


def test_a_customer_who_was_dialled_often_enough_is_left_in_peace(taken):
    taken.run(commands.LoseChannel(taken.ids["b1"], "TELECOM_BUSY"))
    taken.run(commands.ClearContact(taken.ids["a1"], taken.ids["b1"]))
    taken.pass_time(60 * SECOND)
    taken.run(commands.AcceptContact(taken.ids["a1"], taken.ids["b1"]))
    ready(taken, "b1", leg=1)
    while (run := taken.contact("b1").runs.get("agent")) is not None:
        taken.run(commands.Hear(taken.ids["b1"], run.number, dialogue.Done()))
    taken.run(commands.LoseAgent(taken.ids["b1"], 1))
    assert not taken.center.contacts


def test_settings_of_agent_first_callbacks(center):
    center.update(
        "user",
        "a1",
        AutoAcceptConfigs=[
            {"Channel": "VOICE", "AutoAccept": False, "AgentFirstCallbackAutoAccept": True}
        ],
        AfterContactWorkConfigs=[
            {
                "Channel": "VOICE",
                "AfterContactWorkConfig": {"AfterContactWorkTimeLimit": 5},
                "AgentFirstCallbackAfterContactWorkConfig": {"AfterContactWorkTimeLimit": 9},
            }
        ],
    )
    center.available("a1")
    waiting = call(center, flow="asks now")
    assert waiting.stage == "ACCEPTED"
    center.run(commands.StopContact(waiting.id))
    center.run(commands.ClearContact(center.ids["a1"], waiting.id))
    center.enqueue("c9", "sales")
    assert center.contact("c9").stage == "OFFERED"
    agent = center.agent("a1")
    assert connection.work_limit_seconds(center.center, agent, "VOICE") == 5
    assert connection.work_limit_seconds(center.center, agent, "VOICE", callback=True) == 9


def test_who_takes_calls_by_himself_still_accepts_callbacks(center):
    center.update("user", "a1", PhoneConfig={"AutoAccept": True})
    center.available("a1")
    assert call(center, flow="asks now").stage == "OFFERED"


# Customer first


@pytest.fixture
def first(center):
    """Calls that "ask first" are called back into a flow that goes to sales."""
    asks_for(center, "ask first", ContactFlowId=center.ids["to sales"])
    return center


def test_a_customer_is_dialled_while_an_agent_is_free(first):
    waiting = call(first, "c1", "ask first")
    assert (waiting.stage, waiting.initiation_method) == (
        "IN_QUEUE",
        "CALLBACK_CUSTOMER_FIRST_QUEUED",
    )
    call(first, "c2", "ask first", "+12065550102")
    first.available("a1")
    live = first.center.contacts
    assert waiting.id not in live
    (dialling,) = [each for each in live.values() if each.stage == "DIALING"]
    assert dialling.initiation_method == "CALLBACK_CUSTOMER_FIRST_DIALED"
    assert (dialling.previous_contact_id, dialling.customer_number) == (waiting.id, CUSTOMER)
    assert live[first.ids["b2"]].stage == "IN_QUEUE"  # one agent is free, one customer dialled
    assert not first.agent("a1").contacts


def test_who_answers_queues_and_who_does_not_makes_room_for_the_next(first):
    call(first, "c1", "ask first")
    call(first, "c2", "ask first", "+12065550102")
    first.available("a1")
    (one,) = first.center.dialled
    first.run(commands.LoseChannel(one, "TELECOM_BUSY"))
    (two,) = first.center.dialled
    assert first.center.contacts[two].customer_number == "+12065550102"
    first.run(commands.ConnectSystem(two))
    assert first.center.contacts[two].stage == "OFFERED"
    assert first.agent("a1").contacts[two].state == "CONNECTING"
    assert not first.center.dialled


def test_the_record_of_who_was_dialled_first_has_all_of_his_wait(first):
    call(first, "c1", "ask first")
    first.pass_time(30 * SECOND)
    first.available("a1")
    (dialled,) = first.center.dialled
    first.pass_time(7 * SECOND)
    first.run(commands.ConnectSystem(dialled))
    first.pass_time(5 * SECOND)
    done = first.run(commands.LoseChannel(dialled, "CUSTOMER_DISCONNECT"))
    (final,) = (each.contact for each in done.events if isinstance(each, events.ContactCompleted))
    queue = contact_record(first.center, final)["Queue"]
    assert (queue["Duration"], queue["CallbackTotalQueueDuration"]) == (5, 35)


def test_a_customer_whose_flow_is_gone_is_not_dialled(first):
    waiting = call(first, "c1", "ask first")
    first.update("contact_flow", "to sales", State="ARCHIVED")
    first.available("a1")
    assert not first.center.contacts
    assert waiting.disconnect_reason == "OTHER"


def test_calls_that_wait_go_before_customers_who_are_to_be_dialled(first):
    call(first, "c1", "ask first")
    first.enqueue("c2", "sales")
    first.available("a1")
    assert first.contact("c2").stage == "OFFERED"
    assert first.contact("b1").stage == "IN_QUEUE"
    first.available("a2")
    assert len(first.center.dialled) == 1


def test_customers_are_dialled_for_those_only_who_serve_their_queue(first):
    content = a_content(
        an_action(
            "make",
            "CreateCallbackContact",
            {
                "AgentId": first.ids["a1"],
                "ContactFlowId": first.ids["to sales"],
                "MaximumConnectionAttempts": "1",
                "RetryDelaySeconds": "60",
            },
            "bye",
            NoMatchingError="bye",
        ),
        an_action("bye", "DisconnectParticipant"),
    )
    first.a_flow("ask for a1", content)
    waiting = call(first, "c1", "ask for a1")
    assert (waiting.queue_id, waiting.stage) == (first.ids["a1"], "IN_QUEUE")
    first.available("a2")
    assert not first.center.dialled, "he is for a1 alone"
    first.enqueue("c2", "sales")
    first.run(commands.AcceptContact(first.ids["a2"], "c2"))
    first.available("a1")
    assert list(first.center.dialled.values()) == [first.ids["a1"]]


def test_where_nobody_serves_the_queue_nobody_is_dialled(first):
    lonely = first.a_queue("lonely")
    asks_for(first, "ask lonely", ContactFlowId=first.ids["to sales"], QueueId=lonely)
    first.available("a1")
    assert call(first, "c1", "ask lonely").stage == "IN_QUEUE"
    assert not first.center.dialled


def test_who_is_dialled_is_known_after_a_restart_until_he_queues_or_ends(first):
    call(first, "c1", "ask first")
    call(first, "c2", "ask first", "+12065550102")
    first.available("a1")
    first.available("a2")
    before = dict(first.center.dialled)
    assert len(before) == 2
    assert engine.restore(engine.image(first.center)).dialled == before
    one, two = before
    first.run(commands.ConnectSystem(one))
    first.run(commands.LoseChannel(two, "TELECOM_BUSY"))
    assert first.center.contacts[one].enqueued_at is not None
    assert first.center.dialled == {}
    assert engine.restore(engine.image(first.center)).dialled == {}


def test_a_callback_that_waits_is_no_call_of_the_quota(center):
    call(center)
    center.name("c9", "c9")
    center.run(
        commands.StartInboundContact(
            contact_id="c9", from_number=CUSTOMER, flow_id=center.ids["to sales"], quota=1
        )
    )
    assert center.contact("c9").stage == "IN_QUEUE"
