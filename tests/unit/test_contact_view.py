"""What DescribeContact says of a contact, and in whose voice its flow speaks."""

import msgspec
import pytest

from engine_builders import a_center, a_content, an_action
from ringfloor.domain import commands, events
from ringfloor.domain.contact import Template
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.view import last_segment
from ringfloor.engine.view import view as flow_view
from ringfloor.operations.contacts import view
from ringfloor.telephony.commands import Gather, Media, Play, StartMusic, Voice


def test_its_agent_is_whom_it_was_connected_to_with_his_groups():
    driver = a_center()
    top = driver.create("hierarchy_group", "top", {"Name": "top"})
    group = {"Name": "own", "ParentGroupId": top}
    own = driver.create("hierarchy_group", "own", group)
    driver.update("user", "a1", HierarchyGroupId=own)
    driver.available("a1")
    driver.answers = False
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    accepted = driver.at
    assert "AgentInfo" not in view(driver.center, driver.contact("c1")), "his phone rings"
    driver.at += 5_000
    driver.answers = True
    driver.run(commands.ConnectAgent("c1"))
    told = view(driver.center, driver.contact("c1"))["AgentInfo"]
    assert told["AcceptedByAgentTimestamp"] == accepted / 1_000
    assert told["ConnectedToAgentTimestamp"] == accepted / 1_000 + 5
    arns = [driver.center.home.arn_of("hierarchy_group", each) for each in (top, own)]
    assert told["HierarchyGroups"] == {"Level1": {"Arn": arns[0]}, "Level2": {"Arn": arns[1]}}


def test_a_caller_who_leaves_in_a_whisper_had_no_agent():
    driver = a_center()
    driver.available("a1")
    driver.answers = False
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    done = driver.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    (final,) = (each.contact for each in done.events if isinstance(each, events.ContactCompleted))
    assert final.agent_id == driver.ids["a1"]
    assert "AgentInfo" not in view(driver.center, final)


SAYS = "MessageParticipant", {"Text": "Hi"}, Play, Media("text", "Hi", Voice("Amy", "Neural"))
ASKS = "GetParticipantInput", {"SSML": "<speak/>", "StoreInput": "False"}, Gather, Media(
    "ssml", "<speak/>", Voice("Amy", "Neural")
)  # fmt: skip
PLAYS = "MessageParticipant", {"PromptId": "p"}, Play, Media("prompt", "p")


@pytest.mark.parametrize(("action", "parameters", "kind", "heard"), [SAYS, ASKS, PLAYS])
def test_texts_are_spoken_by_the_voice_that_the_flow_has_set(action, parameters, kind, heard):
    driver = a_center()
    chosen = {"TextToSpeechVoice": "Amy", "TextToSpeechEngine": "Neural"}
    voice = an_action("voice", "UpdateContactTextToSpeechVoice", chosen, "say")
    errors = dict.fromkeys(
        ("NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded"), "bye"
    )
    say = an_action("say", action, parameters, "bye", **errors)
    content = a_content(voice, say, an_action("bye", "DisconnectParticipant"))
    flow_id = driver.a_flow("speaks", content)
    done = driver.run(
        commands.StartInboundContact(contact_id="c1", from_number="+12065550100", flow_id=flow_id)
    )
    (told,) = (each for each in done.effects if isinstance(each, kind | StartMusic))
    assert told.media == (heard,)


# What flows see


def seen_by_flow(driver, contact, flow_type):
    return flow_view(driver.center, contact, flow_type)["Agent"]


def test_flows_beside_an_agent_see_him_and_transfers_the_one_they_lead_to():
    driver = a_center(agents=2)
    driver.update("user", "a1", IdentityInfo={"FirstName": "Ann", "LastName": "Ames"})
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    contact = driver.contact("c1")
    ann = {
        "UserName": "a1",
        "FirstName": "Ann",
        "LastName": "Ames",
        "ARN": driver.center.home.arn_of("user", driver.ids["a1"]),
    }
    for beside in ("AGENT_HOLD", "AGENT_WHISPER", "CUSTOMER_HOLD", "OUTBOUND_WHISPER"):
        assert seen_by_flow(driver, contact, beside) == ann
    for alone in ("CONTACT_FLOW", "CUSTOMER_QUEUE", "QUEUE_TRANSFER"):
        assert seen_by_flow(driver, contact, alone) is None
    assert seen_by_flow(driver, contact, "AGENT_TRANSFER") is None, "it leads to a queue"
    led = msgspec.structs.replace(contact, queue_id=driver.ids["a2"])
    told = seen_by_flow(driver, led, "AGENT_TRANSFER")
    assert (told["UserName"], told["FirstName"], told["LastName"]) == ("a2", None, None)


@pytest.mark.parametrize("text", ["x", "y/x", "arn:aws:connect:r:1:instance/i/queue/agent/x"])
def test_an_id_is_the_last_segment_of_an_arn(text):
    assert last_segment(text) == "x"


# What records say


def test_the_record_of_a_task_names_its_template():
    driver = a_center()
    driver.enqueue("c1", "sales")
    contact = driver.contact("c1")
    assert contact_record(driver.center, contact)["TaskTemplateInfo"] is None
    assert "TaskTemplateInfo" not in view(driver.center, contact)
    made = msgspec.structs.replace(contact, template=Template("t-1", "Refund"))
    arn = f"{driver.center.home.arn}/task-template/t-1"
    told = contact_record(driver.center, made)["TaskTemplateInfo"]
    assert told == {"ARN": arn, "Name": "Refund"}
    assert view(driver.center, made)["TaskTemplateInfo"] == {"Arn": arn, "Name": "Refund"}


def test_a_supervisor_was_there_from_when_he_listened_until_he_left():
    driver = a_center(agents=2)
    driver.available("a1")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    watching = commands.MonitorContact(
        agent_id=driver.ids["a2"], contact_id="c1", capabilities=("SILENT_MONITOR", "BARGE")
    )
    m1 = driver.run(watching).answer
    began = driver.at
    for later, command in (
        (2_000, commands.SetMonitorState(driver.ids["a2"], m1, "BARGE")),
        (3_000, commands.LeaveContact(driver.ids["a2"], m1)),
    ):
        live = view(driver.center, driver.contact(m1))["AgentInfo"]["StateTransitions"]
        assert live == [{"State": "CONNECTED", "StateStartTimestamp": began / 1_000}]
        driver.at += later
        done = driver.run(command)
    (final,) = (each.contact for each in done.events if isinstance(each, events.ContactCompleted))
    (told,) = view(driver.center, final)["AgentInfo"]["StateTransitions"]
    assert told["StateEndTimestamp"] - told["StateStartTimestamp"] == 5
    states = contact_record(driver.center, final)["Agent"]["StateTransitions"]
    assert [each["State"] for each in states] == ["SILENT_MONITOR", "BARGE"]
    assert states[0]["StateEndTimestamp"] == states[1]["StateStartTimestamp"]
