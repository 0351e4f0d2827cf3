"""The disconnect flow of a contact that nobody is left of.

Sources: behaviour specification, section 2.4; choice 16 of section 9.
"""

import pytest

from engine_builders import NUMBER, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.base.limits import CLEAN_UP_MS
from ringfloor.domain import commands, dialogue, events
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.effects import InvokeFunction
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting
from ringfloor.telephony import commands as telephony

BYE = an_action("bye", "DisconnectParticipant")
CALLS = an_action(
    "call",
    "InvokeLambdaFunction",
    {
        "LambdaFunctionARN": "arn:aws:lambda:us-east-1:1:function:f",
        "InvocationTimeLimitSeconds": "8",
    },
    "note",
    NoMatchingError="bye",
)
NOTES = an_action(
    "note", "UpdateContactAttributes", {"Attributes": {"left": "yes"}}, "bye", NoMatchingError="bye"
)


def says(name: str, then: str, text: str = "How was it?") -> dict:
    return an_action(name, "MessageParticipant", {"Text": text}, then, NoMatchingError=then)


def with_flow(*actions: dict) -> Driver:
    """A center in which whoever comes has this disconnect flow."""
    profiles = {"p": ProfileOf("sales, sales/CHAT, sales/TASK", voice=1, chat=1, task=1)}
    driver = a_center(queues=["sales", "support"], profiles=profiles)
    driver.a_flow("last", a_content(*(actions or (says("say", "call"), CALLS, NOTES, BYE))))
    return driver


def hooked(driver: Driver, alias: str = "c1") -> str:
    driver.happen(events.HooksSet(alias, {"CustomerRemaining": driver.ids["last"]}, {}))
    return alias


def hung_up(driver: Driver, alias: str = "c1"):
    return driver.run(commands.LoseChannel(alias, "CUSTOMER_DISCONNECT"))


def replies(driver: Driver, alias: str = "c1"):
    """The function answers."""
    return driver.run(commands.Hear(alias, driver.runs(alias).number, dialogue.Answer({})))


def kinds(done) -> list[str]:
    return [type(each).__name__ for each in done.events]


def test_a_caller_who_gives_up_leaves_a_contact_that_is_complete_after_its_flow():
    driver = with_flow()
    driver.enqueue("c1", "sales")
    done = hung_up(driver, hooked(driver))
    assert [type(each) for each in done.effects if not isinstance(each, telephony.StopMusic)] == [
        telephony.HangUp,
        InvokeFunction,
    ], "nothing is played to nobody"
    assert driver.contact("c1").stage == "ENDED"
    assert driver.center.going == driver.center.queued == {}, "it counts nowhere"
    done = replies(driver)
    assert kinds(done) == [
        "FlowStepped",
        "AttributesUpdated",
        "FlowStepped",
        "FlowFinished",
        "ContactCompleted",
    ]
    assert done.events[-1].contact.attributes == {"left": "yes"}
    assert done.events[-1].contact.disconnect_reason == "CUSTOMER_DISCONNECT"
    assert driver.center.contacts == {}
    driver.check_history()
    for projection in (Realtime(), Records(), Waiting()):
        for at, happened in driver.log:
            for event in happened:
                projection.on(event, at)


@pytest.mark.parametrize("flow_first", [True, False])
def test_a_contact_is_complete_when_both_its_flow_and_after_contact_work_are_over(flow_first):
    driver = with_flow()
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    hung_up(driver, hooked(driver))
    steps = [
        lambda: replies(driver),
        lambda: driver.run(commands.ClearContact(driver.ids["a1"], "c1")),
    ]
    first, second = steps if flow_first else reversed(steps)
    assert "ContactCompleted" not in kinds(first())
    assert kinds(second())[-1] == "ContactCompleted" or not flow_first
    assert driver.center.contacts == {}
    driver.check_history()


def a_task(driver: Driver) -> str:
    task = commands.StartTask(name="t", flow_id=driver.way_to("sales"), client_token="t")
    return hooked(driver, driver.run(task).answer)


@pytest.mark.parametrize("ends", ["finished", "expired"])
def test_a_task_that_is_over_cleans_up(ends):
    driver = with_flow(NOTES, BYE)
    driver.available("a1")
    task = a_task(driver)
    if ends == "expired":
        told = driver.pass_time(8 * 24 * 3_600_000)
    else:
        driver.run(commands.AcceptContact(driver.ids["a1"], task))
        told = driver.run(commands.FinishTask(driver.ids["a1"], task)).events
    assert any(isinstance(each, events.AttributesUpdated) for each in told)
    assert (task in driver.center.contacts) == (ends == "finished"), "its agent still works"


def test_what_goes_on_as_another_contact_is_not_over():
    driver = with_flow()
    task = a_task(driver)
    way = driver.way_to("support")
    done = driver.run(commands.TransferTask(contact_id=task, flow_id=way, client_token="t2"))
    entered = [each.contact_id for each in done.events if isinstance(each, events.FlowEntered)]
    assert task not in entered
    assert task not in driver.center.contacts
    done = driver.run(commands.StopContact(done.answer))
    assert isinstance(driver.runs(done.events[0].contact_id).ask, dialogue.Invoke), "but this is"


def test_a_customer_who_remains_goes_through_it_once():
    driver = with_flow()
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    hooked(driver)
    driver.run(commands.LeaveContact(driver.ids["a1"], "c1"))
    assert driver.contact("c1").runs == {}, "his other contact has the flow"
    (other,) = (each for each in driver.center.contacts if each != "c1")
    done = hung_up(driver)
    assert [type(each) for each in done.events] == [events.ContactEnded, events.ContactCompleted]
    assert done.events[1].contact.id == other


def test_a_call_that_nobody_answered_has_no_disconnect_flow():
    driver = with_flow()
    flow_id = driver.way_to("sales")
    driver.run(
        commands.StartOutboundContact(
            to=NUMBER, from_number=NUMBER, flow_id=flow_id, dial_ms=60_000
        )
    )
    (dialled,) = driver.center.contacts
    hooked(driver, dialled)
    done = driver.run(commands.LoseChannel(dialled, "TELECOM_BUSY"))
    assert kinds(done) == ["ContactEnded", "ContactCompleted"]


@pytest.mark.parametrize(
    ("channel", "action", "parameters", "heard"),
    [
        ("VOICE", "MessageParticipant", {"Text": "Bye"}, "done"),
        (
            "VOICE",
            "GetParticipantInput",
            {"Text": "1?", "StoreInput": "False"},
            "InputTimeLimitExceeded",
        ),
        ("VOICE", "TransferContactToQueue", {}, "NoMatchingError"),
        ("VOICE", "UpdateContactTargetQueue", {"QueueId": "support"}, "NoMatchingError"),
        (
            "CHAT",
            "ConnectParticipantWithLexBot",
            {"Text": "?", "LexV2Bot": {"AliasArn": "b"}},
            "InputTimeLimitExceeded",
        ),
        ("CHAT", "ShowView", {"ViewResource": {"Id": "v"}}, "TimeLimitExceeded"),
    ],
)
def test_nobody_is_there_to_hear_to_type_or_to_wait(channel, action, parameters, heard):
    def noted(name: str) -> dict:
        attributes = {"Attributes": {"heard": name}}
        return an_action(name, "UpdateContactAttributes", attributes, "bye", NoMatchingError="bye")

    errors = {
        each: each
        for each in (
            "NoMatchingError",
            "NoMatchingCondition",
            "InputTimeLimitExceeded",
            "TimeLimitExceeded",
        )
    }
    tried = an_action("try", action, parameters, "done", **errors)
    driver = with_flow(tried, noted("done"), *map(noted, errors), BYE)
    driver.enqueue("c1", "sales", channel)
    done = hung_up(driver, hooked(driver))
    final = done.events[-1].contact
    assert final.attributes == {"heard": heard}
    assert final.queue_id == driver.ids["sales"], "the record says where he has waited"


def test_a_flow_that_does_not_end_is_ended():
    driver = with_flow()
    driver.enqueue("c1", "sales")
    hung_up(driver, hooked(driver))
    assert driver.pass_time(CLEAN_UP_MS - 1) == ()
    told = driver.pass_time(1)
    assert [type(each) for each in told] == [events.FlowFinished, events.ContactCompleted]


def test_it_leads_on_to_another_flow():
    go = an_action("go", "TransferToFlow", {"ContactFlowId": "flow"}, NoMatchingError="bye")
    driver = with_flow(BYE)
    go["Parameters"]["ContactFlowId"] = driver.a_flow("next", a_content(CALLS, NOTES, BYE))
    driver.update("contact_flow", "last", Content=a_content(go, BYE))
    driver.enqueue("c1", "sales")
    hung_up(driver, hooked(driver))
    assert driver.runs("c1").flow_type == "CUSTOMER_REMAINING"
    replies(driver)
    assert driver.center.contacts == {}
    driver.check_history()


def test_its_agent_may_be_deleted_before_it_is_complete():
    driver = with_flow()
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    hung_up(driver, hooked(driver))
    driver.run(commands.ClearContact(driver.ids["a1"], "c1"))
    driver.run(commands.DeleteResource("user", driver.ids["a1"]))
    final = replies(driver).events[-1].contact
    assert contact_record(driver.center, final)["Agent"]["Username"] is None
    for projection in (Realtime(), Records(), Waiting()):
        for at, happened in driver.log:
            for event in happened:
                projection.on(event, at)
    driver.check_history()
