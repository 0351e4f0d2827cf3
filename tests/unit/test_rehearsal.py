"""Rehearsals: flows tried in one process, through the pytest plugin that users have."""

import json
import re
from pathlib import Path

import pytest
from docs.make import DOCS

from engine_builders import an_action
from ringfloor.base.errors import Fault, Refusal
from ringfloor.rehearsal import Rehearsal, understood
from sealing import KEY_ID, a_pair, opened


def content(*actions):
    return json.dumps(
        {"Version": "2019-10-30", "StartAction": actions[0]["Identifier"], "Actions": actions}
    )


def conditions(action, *pairs):
    """Conditions of an action: (operand, identifier of the next action)."""
    action["Transitions"]["Conditions"] = [
        {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [operand]}}
        for operand, target in pairs
    ]
    return action


BYE = an_action("bye", "DisconnectParticipant")
TO_SALES = (
    an_action(
        "sales", "UpdateContactTargetQueue", {"QueueId": "${queue:Sales}"}, "wait",
        NoMatchingError="bye",
    ),
    an_action(
        "wait", "TransferContactToQueue", {}, "bye", QueueAtCapacity="full", NoMatchingError="bye"
    ),
    an_action("full", "MessageParticipant", {"Text": "All lines are busy."}, "bye"),
)  # fmt: skip
MENU = content(
    conditions(
        an_action(
            "menu",
            "GetParticipantInput",
            {"Text": "For sales press one.", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
            InputTimeLimitExceeded="bye",
            NoMatchingCondition="menu",
            NoMatchingError="bye",
        ),
        ("1", "sales"),
        ("2", "tier"),
    ),
    an_action(
        "tier",
        "InvokeLambdaFunction",
        {"LambdaFunctionARN": "${lambda:find}", "InvocationTimeLimitSeconds": "3"},
        "keep",
        NoMatchingError="bye",
    ),
    an_action(
        "keep",
        "UpdateContactAttributes",
        {"Attributes": {"tier": "$.External.tier"}, "TargetContact": "Current"},
        "sales",
        NoMatchingError="bye",
    ),
    *TO_SALES,
    BYE,
)


def test_a_caller_presses_a_key_and_waits_for_an_agent(rehearsal):
    rehearsal.flow("main", MENU)
    call = rehearsal.call("main", attributes={"language": "en"})
    assert call.heard == ["For sales press one."]
    call.press("1")
    assert (call.queue, call.is_queued, call.ended) == ("Sales", True, None)
    assert call.path == ["menu", "sales", "wait"]
    assert [step.outcome for step in call.steps][:1] == ["1"]
    ann = rehearsal.agent("ann", ["Sales"])
    ann.take()
    ann.accept()
    assert ann.holds == {call.id: "CONNECTED"}
    ann.hang_up()
    assert call.ended == "AGENT_DISCONNECT"
    assert call.attributes == {"language": "en"}


def test_a_caller_who_does_nothing_runs_into_the_time_limit(rehearsal):
    rehearsal.flow("main", MENU)
    call = rehearsal.call("main")
    call.wait(4.9)
    assert call.ended is None
    call.wait(0.2)
    assert call.ended == "CONTACT_FLOW_DISCONNECT"
    assert next((step.action, step.outcome) for step in call.steps) == (
        "menu",
        "InputTimeLimitExceeded",
    )


def slow(_event):
    raise TimeoutError


@pytest.mark.parametrize(
    ("function", "attributes", "queue"),
    [
        (lambda event: {"tier": event["Name"]}, {"tier": "ContactFlowEvent"}, "Sales"),
        (lambda _event: {"tier": {"nested": 1}}, {}, None),
        (lambda _event: object(), {}, None),
        (slow, {}, None),
    ],
    ids=["answers", "answers what is no map", "answers what is no JSON", "takes too long"],
)
def test_a_function_is_a_python_callable(rehearsal, function, attributes, queue):
    rehearsal.flow("main", MENU)
    rehearsal.function("find", function)
    call = rehearsal.call("main")
    call.press("2")
    assert (call.attributes, call.queue) == (attributes, queue)
    assert [arn.rsplit(":", 1)[-1] for arn, _ in rehearsal.invoked] == ["find"]


def test_a_queue_that_is_full_takes_its_own_branch(rehearsal):
    rehearsal.queue("Sales", MaxContacts=1)
    rehearsal.flow("main", MENU)
    first, second = rehearsal.call("main"), rehearsal.call("main")
    first.press("1")
    second.press("1")
    assert first.is_queued
    assert second.heard[-1] == "All lines are busy."
    first.hang_up()
    assert first.ended == "CUSTOMER_DISCONNECT"


@pytest.mark.parametrize(("is_open", "heard"), [(True, ["Open."]), (False, ["Closed."])])
def test_hours_are_what_the_test_says(rehearsal, is_open, heard):
    rehearsal.hours("Office", is_open=is_open)
    flow = content(
        conditions(
            an_action(
                "hours",
                "CheckHoursOfOperation",
                {"HoursOfOperationId": "${hours:Office}"},
                NoMatchingError="bye",
            ),
            ("True", "open"),
            ("False", "closed"),
        ),
        an_action("open", "MessageParticipant", {"Text": "Open."}, "bye"),
        an_action("closed", "MessageParticipant", {"Text": "Closed."}, "bye"),
        BYE,
    )
    rehearsal.flow("main", flow)
    assert rehearsal.call("main").heard == heard


def test_what_a_flow_names_and_nobody_has_made_stands_in(rehearsal):
    target = "arn:aws:connect:us-east-1:111122223333:instance/i/contact-flow/elsewhere"
    rehearsal.flow(
        "main",
        content(
            an_action("on", "TransferToFlow", {"ContactFlowId": target}, NoMatchingError="bye"),
            BYE,
        ),
    )
    call = rehearsal.call("main")
    assert call.heard == ["Flow elsewhere (flow)."]
    assert rehearsal.standins == ["contact_flow elsewhere (flow)"]
    with pytest.raises(Fault, match="no stand-in for a quick_connect"):
        rehearsal.stand_in("quick_connect", "Ann")


def test_a_flow_that_cannot_run_is_refused_with_all_its_problems(rehearsal):
    broken = content(
        an_action("one", "NoSuchThing", {}, "nowhere"), an_action("two", "PlayPrompt", {}, "one")
    )
    with pytest.raises(Refusal) as caught:
        rehearsal.flow("main", broken)
    assert len(caught.value.members["problems"]) == 3


def test_chance_is_that_of_the_seed(rehearsals):
    flow = content(
        {
            **an_action("split", "DistributeByPercentage", {}, NoMatchingCondition="b"),
            "Transitions": {
                "NextAction": "b",
                "Errors": [{"ErrorType": "NoMatchingCondition", "NextAction": "b"}],
                "Conditions": [
                    {
                        "NextAction": "a",
                        "Condition": {"Operator": "NumberLessThan", "Operands": ["51"]},
                    }
                ],
            },
        },
        an_action("a", "MessageParticipant", {"Text": "A"}, "bye"),
        an_action("b", "MessageParticipant", {"Text": "B"}, "bye"),
        BYE,
    )

    def draws(seed):
        stage = rehearsals(seed)
        stage.flow("main", flow)
        return "".join(stage.call("main").heard[0] for _ in range(40))

    assert draws(1) == draws(1) != draws(2)
    assert 8 <= draws(3).count("A") <= 32


# The guide


def example():
    """The tests of the guide, by name."""
    [code] = re.findall("```python\n(.*?)```", (DOCS / "testing-flows.md").read_text(), re.DOTALL)
    found = {}
    exec(code, found)
    return {name: each for name, each in found.items() if name.startswith("test_")}


@pytest.mark.parametrize("name", example())
def test_the_example_of_the_guide_runs(name, rehearsal, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    example()[name](rehearsal)


def test_the_guide_tells_every_member():
    page = (DOCS / "testing-flows.md").read_text()
    inner = {
        "arn",
        "center",
        "deal",
        "final",
        "id",
        "now",
        "phones",
        "settle",
        "stand_in",
        "submit",
    }
    inner |= {"begun", "bots", "functions", "next_due", "transcripts"}
    stage = Rehearsal()
    stage.flow("main", content(*TO_SALES, BYE))
    things = [stage, stage.call("main"), stage.chat("main"), stage.task("main")]
    things.append(stage.agent("ann", ["Sales"]))
    for thing in things:
        members = {name for name in dir(thing) if not name.startswith("_")} - inner
        assert {name for name in members if not re.search(rf"\.{name}\b", page)} == set()


# Who comes, and who is there


@pytest.fixture
def staffed(rehearsal):
    """Ann serves Sales, Bob Support, on all channels."""
    rehearsal.flow("main", content(*TO_SALES, BYE))
    for name, queue in (("ann", "Sales"), ("bob", "Support")):
        agent = rehearsal.agent(name, [queue], channels=["VOICE", "CHAT", "TASK"])
        agent.take()
        setattr(rehearsal, name, agent)
    rehearsal.quick_connect("to support", queue="Support")
    return rehearsal


def states(agent):
    return list(agent.holds.values())


def test_a_call_is_held_and_handed_on(staffed):
    call = staffed.call("main")
    staffed.ann.accept()
    assert staffed.ann.heard == ["Sales"]
    staffed.ann.hold()
    assert (states(staffed.ann), call.heard[-1]) == (["CONNECTED_ONHOLD"], "CustomerHold.wav")
    staffed.ann.resume()
    staffed.ann.transfer("to support")
    staffed.bob.accept()
    staffed.ann.join()
    staffed.ann.hang_up()
    assert (states(staffed.ann), states(staffed.bob)) == (["ENDED"], ["CONNECTED"])
    assert [each.agent for each in call.next] == ["bob"]
    staffed.bob.hang_up()
    assert [each.ended for each in staffed.contacts] == ["OTHER", "AGENT_DISCONNECT"]


@pytest.mark.parametrize("begins", ["chat", "task"])
def test_a_chat_or_task_handed_on_to_an_agent_waits_for_him(staffed, begins):
    staffed.quick_connect("to bob", agent="bob")
    first = getattr(staffed, begins)("main")
    staffed.ann.accept()
    staffed.ann.transfer("to bob")
    [second] = first.next
    assert [each.name for each in first.contact.handed_on] == ["to bob"]
    second.wait(20)
    assert (states(staffed.bob), second.contact.stage) == (["MISSED"], "IN_QUEUE"), "nobody is lost"
    assert second.contact.queue_id == staffed.bob.id
    staffed.bob.clear()
    staffed.bob.accept()
    assert (second.contact.stage, states(staffed.ann)) == ("CONNECTED", ["ENDED"])


def test_a_call_is_handed_on_to_a_number(staffed):
    call = staffed.call("main")
    staffed.ann.accept()
    staffed.ann.transfer("+12065550199")
    staffed.ann.join()
    staffed.ann.hang_up()
    [third] = call.next
    assert (third.contact.customer_number, third.ended) == ("+12065550199", None)
    third.hang_up()
    assert third.ended is not None


def test_a_call_is_rejected_and_offered_again(staffed):
    call = staffed.call("main")
    staffed.ann.reject()
    assert (states(staffed.ann), call.is_queued) == (["MISSED"], True)
    staffed.ann.clear()
    staffed.ann.take()
    staffed.ann.accept()
    call.hang_up()
    assert call.ended == "CUSTOMER_DISCONNECT"


def test_an_agent_hands_a_chat_on_and_a_task(staffed):
    chat = staffed.chat("main", name="Carol", message="Help")
    staffed.ann.accept()
    staffed.ann.transfer("to support")
    staffed.bob.accept()
    staffed.bob.say("I am Bob.")
    assert chat.transcript[0] == ("Carol", "Help")
    assert chat.transcript[-1] == ("bob", "I am Bob.")
    staffed.bob.hang_up()
    staffed.bob.clear()
    staffed.ann.clear()
    task = staffed.task("main", references={"order": "https://shop.example/1"})
    staffed.ann.accept()
    task.pause()
    assert states(staffed.ann) == ["PAUSED"]
    task.resume()
    staffed.ann.transfer("to support")
    staffed.bob.accept()
    staffed.bob.hang_up()
    assert task.next[0].ended == "AGENT_COMPLETED"
    with pytest.raises(Fault, match="the agent holds"):
        staffed.bob.say("Is anybody there?")


def test_a_task_that_is_stopped(rehearsal):
    rehearsal.flow("main", content(*TO_SALES, BYE))
    task = rehearsal.task("main")
    task.stop()
    assert task.ended == "API"


@pytest.mark.parametrize(
    ("does", "ended"),
    [("answer", None), ("busy", "TELECOM_BUSY"), ("no-answer", "TELECOM_TIMEOUT")],
)
def test_phones_do_what_they_are_told(staffed, does, ended):
    staffed.phone("+12065550142", does, after=2)
    call, own = staffed.outbound("main", "+12065550142"), staffed.bob.call("+12065550142")
    call.wait(61)
    assert (call.ended, own.ended) == (ended, ended)


def test_a_callback_rings_at_the_agent_then_at_the_customer(staffed):
    callback = {"InitialCallDelaySeconds": "5", "MaximumConnectionAttempts": "1"}
    callback["RetryDelaySeconds"] = "60"
    set_queue = an_action(
        "sales", "UpdateContactTargetQueue", {"QueueId": "${queue:Sales}"}, "call"
    )
    create = an_action("call", "CreateCallbackContact", callback, "bye", NoMatchingError="bye")
    staffed.flow("later", content(set_queue, create, BYE))
    call = staffed.call("later", number="+12065550177")
    assert call.ended == "CONTACT_FLOW_DISCONNECT"
    [back] = call.next
    back.wait(5)
    staffed.ann.accept()
    assert (states(staffed.ann), back.contact.customer_number) == (["CONNECTED"], "+12065550177")
    back.hang_up()
    assert back.ended == "CUSTOMER_DISCONNECT"


BOT = "arn:aws:lex:us-east-1:123456789012:bot-alias/SHOP/LIVE"


@pytest.mark.parametrize("name", [BOT, "SHOP", "*"])
def test_a_bot_is_a_python_callable(rehearsal, name):
    asking = conditions(
        an_action(
            "ask",
            "ConnectParticipantWithLexBot",
            {"Text": "Where to?", "LexV2Bot": {"AliasArn": BOT}},
            "bye",
            NoMatchingCondition="bye",
            NoMatchingError="bye",
        ),
        ("Fly", "keep"),
    )
    keep = {"Attributes": {"to": "$.Lex.Slots.city"}, "TargetContact": "Current"}
    rehearsal.flow(
        "main",
        content(asking, an_action("keep", "UpdateContactAttributes", keep, "bye"), BYE),
    )
    rehearsal.bot(name, lambda event: understood("Fly", city=event["text"]))
    chat = rehearsal.chat("main")
    chat.say("Rome")
    assert chat.attributes == {"to": "Rome"}
    assert [step.outcome for step in chat.steps] == ["Fly", None, None]
    assert rehearsal.invoked[0][0] == BOT


def test_keys_that_are_to_be_encrypted_are_not_heard(rehearsal):
    pair = a_pair()

    def heard(certificate):
        key = {"EncryptionKeyId": KEY_ID, "Key": certificate}
        store = {"Text": "Your card?", "StoreInput": "True", "InputTimeLimitSeconds": "5"}
        store |= {"InputEncryption": key, "DTMFConfiguration": {"InputTerminationSequence": "#"}}
        store["InputValidation"] = {"CustomValidation": {"MaximumLength": "20"}}
        kept = {"Attributes": {"card": "$.StoredCustomerInput"}, "TargetContact": "Current"}
        rehearsal.flow(
            "main",
            content(
                an_action("ask", "GetParticipantInput", store, "keep", NoMatchingError="bye"),
                an_action("keep", "UpdateContactAttributes", kept, "bye", NoMatchingError="bye"),
                BYE,
            ),
        )
        call = rehearsal.call("main")
        if call.waits_for is not None:
            call.press("4711#")
        return call.attributes

    assert opened(heard(pair.certificate)["card"], pair) == "4711"
    assert heard("no certificate") == {}
