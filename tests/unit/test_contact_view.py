"""What DescribeContact says of a contact, and in whose voice its flow speaks."""

import pytest

from engine_builders import a_center, a_content, an_action
from ringfloor.domain import commands, events
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
