"""What a contact hears in queue, how it leaves it, and what it is followed by.

Sources: behaviour specification, sections 2.4, 4.2, 6.2 and 6.4; choices 10 and 16 of section 9.
"""

import pytest

from engine_builders import START, Driver, a_center, a_content, an_action
from ringfloor.base.limits import FLOW_TRANSFERS_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import commands, dialogue, events
from ringfloor.engine import connection
from ringfloor.telephony import commands as telephony

BYE = an_action("bye", "DisconnectParticipant")
MUSIC = {"Messages": [{"Text": "Please wait"}], "InterruptFrequencySeconds": "30"}


def queue_flow(*actions: dict, **members) -> Driver:
    """A center whose own customer queue flow is this."""
    driver = a_center(**members)
    driver.update("contact_flow", "customer-queue", Content=a_content(*actions))
    return driver


def interrupted(then: str) -> dict:
    action = an_action("play", "MessageParticipantIteratively", MUSIC, then, NoMatchingError=then)
    interruption = {"Operator": "Equals", "Operands": ["MessagesInterrupted"]}
    action["Transitions"]["Conditions"] = [{"NextAction": then, "Condition": interruption}]
    return action


def moved_by(driver: Driver, target: dict) -> None:
    """The customer queue flow waits half a minute, then moves the contact."""
    move = an_action(
        "move",
        "DequeueContactAndTransferToQueue",
        target,
        "play",
        QueueAtCapacity="bye",
        NoMatchingError="play",
    )
    driver.update(
        "contact_flow", "customer-queue", Content=a_content(interrupted("move"), move, BYE)
    )


def test_messages_are_interrupted_again_and_again():
    say = an_action("say", "MessageParticipant", {"Text": "Soon"}, "play", NoMatchingError="play")
    driver = queue_flow(interrupted("say"), say)
    (music,) = [
        each
        for each in driver.enqueue("c1", "sales").effects
        if not isinstance(each, telephony.Answer)
    ]
    assert music == telephony.StartMusic("c1", (telephony.Media("text", "Please wait"),))
    for round_ in (1, 2):
        driver.pass_time(30 * SECOND)
        assert driver.runs("c1").ask == dialogue.Play(dialogue.Prompt("text", "Soon")), round_
        driver.run(commands.Hear("c1", driver.runs("c1").number, dialogue.Done()))
        assert driver.contact("c1").timers == {"customer's flow": driver.at + 30 * SECOND}
    assert driver.center.queued == {driver.ids["sales"]: 1}
    driver.check_history()


@pytest.mark.parametrize(
    "actions",
    [
        [an_action("end", "EndFlowExecution")],
        [an_action("x", "InvokeLambdaFunction", {"LambdaFunctionARN": "$.None"})],
    ],
    ids=["ends", "dies"],
)
def test_a_queue_flow_that_is_over_leaves_the_contact_waiting_in_silence(actions):
    driver = queue_flow(*actions)
    driver.enqueue("c1", "sales")
    assert (driver.contact("c1").stage, driver.contact("c1").runs) == ("IN_QUEUE", {})
    driver.available("a1")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    assert driver.contact("c1").stage == "CONNECTED"


def test_a_queue_flow_that_disconnects_ends_the_contact():
    driver = queue_flow(BYE)
    done = driver.enqueue("c1", "sales")
    (ended,) = (each for each in done.events if isinstance(each, events.ContactEnded))
    assert (ended.reason, ended.pre_disconnect_state) == ("CONTACT_FLOW_DISCONNECT", "IN_QUEUE")
    assert driver.center.queued == driver.center.waits == {}


def test_a_contact_that_is_moved_to_another_queue_goes_on_as_another_contact():
    driver = a_center(queues=["sales", "support"], profiles={"p": "support"})
    moved_by(driver, {"QueueId": driver.ids["support"]})
    driver.enqueue("c1", "sales")
    driver.run(commands.UpdateAttributes("c1", {"k": "v"}))
    told = driver.pass_time(30 * SECOND)
    (old,) = (each.contact for each in told if isinstance(each, events.ContactCompleted))
    (new,) = driver.center.contacts.values()
    assert (old.id, old.next_contact_id, old.next_contacts) == ("c1", new.id, [new.id])
    assert (old.pre_disconnect_state, old.dequeued_at) == ("IN_QUEUE", START + 30_000)
    assert old.transfer_completed_at == START + 30_000, "transferred, not abandoned"
    assert (new.initiation_method, new.queue_id) == ("QUEUE_TRANSFER", driver.ids["support"])
    assert (new.initial_contact_id, new.previous_contact_id, new.association_id) == ("c1",) * 3
    assert (new.enqueued_at, new.system_number) == (START + 30_000, None)
    assert (new.customer_leg, new.attributes) == ("c1", {"k": "v"})
    assert driver.center.legs == {"c1": new.id}
    driver.available("a1")
    driver.run(commands.AcceptContact(driver.ids["a1"], new.id))
    done = driver.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    assert done.events[0].contact_id == new.id, "the leg is that of the contact that has it now"
    driver.check_history()


def test_the_customers_leg_outlives_the_contact_that_it_came_with():
    driver = a_center(queues=["sales", "support"], profiles={"p": "support"})
    moved_by(driver, {"QueueId": driver.ids["support"]})
    driver.enqueue("c1", "sales")
    driver.at += 30 * SECOND
    effects = driver.run(commands.Expire()).effects
    assert not any(isinstance(each, telephony.HangUp | telephony.Answer) for each in effects)
    (new,) = driver.center.contacts
    driver.available("a1")
    driver.run(commands.AcceptContact(driver.ids["a1"], new))
    done = driver.run(commands.LeaveContact(driver.ids["a1"], new))
    assert telephony.HangUp("c1") in done.effects


@pytest.mark.parametrize("stage", ["OFFERED", "ACCEPTED"])
def test_a_contact_that_is_being_joined_cannot_be_moved(stage):
    driver = a_center(queues=["sales", "support"])
    moved_by(driver, {"QueueId": driver.ids["support"]})
    driver.answers = False
    driver.enqueue("c1", "sales")
    driver.pass_time(20 * SECOND)
    driver.available("a1")
    if stage == "ACCEPTED":
        driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.pass_time(10 * SECOND)
    assert driver.contact("c1").stage == stage
    assert isinstance(driver.runs("c1").ask, dialogue.PlayLoop)


@pytest.mark.parametrize(("there", "enters"), [(5, True), (6, False)])
def test_who_comes_from_another_queue_may_overshoot_a_full_one_by_a_fifth(there, enters):
    driver = a_center(queues=["sales", "support"])
    for number in range(there):
        driver.enqueue(f"c{number}", "support")
    driver.update("queue", "support", MaxContacts=5)
    moved_by(driver, {"QueueId": driver.ids["support"]})
    driver.enqueue("late", "sales")
    told = driver.pass_time(30 * SECOND)
    assert events.ContactEnded("late", "CONTACT_FLOW_DISCONNECT", "IN_QUEUE") in told
    assert driver.center.queued == {driver.ids["support"]: there + enters}


def test_attributes_are_one_map_for_all_of_a_chain():
    driver = a_center(queues=["sales", "support"])
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    first = driver.contact("c1")
    second = connection.successor(
        driver.center, first, id="c2", method="TRANSFER", customer_leg=None
    )
    driver.happen(events.ContactInitiated(second), events.ContactSucceeded("c1", "c2"))
    driver.run(commands.UpdateAttributes("c2", {"k": "v"}))
    driver.run(commands.UpdateAttributes("c1", {"l": "w"}))
    assert driver.contact("c1").attributes == driver.contact("c2").attributes
    assert driver.contact("c2").attributes == {"k": "v", "l": "w"}


def test_attributes_of_an_ended_contact_reach_those_that_follow_it():
    driver = a_center(queues=["sales", "support"])
    moved_by(driver, {"QueueId": driver.ids["support"]})
    driver.enqueue("c1", "sales")
    told = driver.pass_time(30 * SECOND)
    (old,) = (each.contact for each in told if isinstance(each, events.ContactCompleted))
    (new,) = driver.center.contacts
    driver.run(commands.UpdateAttributes("c1", {"k": "v"}, old))
    assert driver.contact(new).attributes == {"k": "v"}


SURVEY = (
    an_action("ask", "MessageParticipant", {"Text": "How was it?"}, "bye", NoMatchingError="bye"),
    BYE,
)


def with_survey() -> Driver:
    """c1 talks with a1, and has a disconnect flow."""
    driver = a_center()
    survey = driver.a_flow("survey", a_content(*SURVEY))
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.happen(events.HooksSet("c1", {"CustomerRemaining": survey}, {}))
    return driver


def test_when_the_agent_leaves_the_customer_goes_on_in_the_disconnect_flow():
    driver = with_survey()
    done = driver.run(commands.LeaveContact(driver.ids["a1"], "c1"))
    old = driver.contact("c1")
    (new,) = (each for each in driver.center.contacts.values() if each.id != "c1")
    assert (old.stage, old.disconnect_reason) == ("ENDED", "AGENT_DISCONNECT")
    assert (new.initiation_method, new.stage, new.customer_leg) == ("DISCONNECT", "IN_FLOW", "c1")
    assert (old.next_contact_id, new.previous_contact_id) == (new.id, "c1")
    assert telephony.HangUp("c1") not in done.effects
    plays = [each for each in done.effects if isinstance(each, telephony.Play)]
    assert [each.channel_id for each in plays] == ["c1"]
    driver.run(commands.Hear(new.id, driver.runs(new.id).number, dialogue.Done()))
    assert set(driver.center.contacts) == {"c1"}, "only after contact work is left"
    driver.check_history()


def test_a_disconnect_flow_that_is_switched_off_or_without_a_customer_makes_no_contact():
    driver = with_survey()
    driver.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    assert set(driver.center.contacts) == {"c1"}
    driver = with_survey()
    driver.happen(events.HooksSet("c1", {}, {"CustomerRemaining": True}))
    driver.run(commands.LeaveContact(driver.ids["a1"], "c1"))
    assert set(driver.center.contacts) == {"c1"}


def test_hooks_go_along_the_chain():
    driver = with_survey()
    driver.run(commands.LeaveContact(driver.ids["a1"], "c1"))
    (new,) = (each for each in driver.center.contacts.values() if each.id != "c1")
    assert new.hooks == {"CustomerRemaining": driver.ids["survey"]}


def test_after_twenty_flows_the_next_transfer_fails():
    driver = a_center()
    flow = driver.a_flow("round", a_content(BYE))
    go = an_action("go", "TransferToFlow", {"ContactFlowId": flow}, NoMatchingError="bye")
    driver.update("contact_flow", "round", Content=a_content(go, BYE))
    done = driver.run(
        commands.StartInboundContact(contact_id="c1", from_number="+12065550100", flow_id=flow)
    )
    entered = [each for each in done.events if isinstance(each, events.FlowEntered)]
    assert len(entered) == FLOW_TRANSFERS_MAX + 1
