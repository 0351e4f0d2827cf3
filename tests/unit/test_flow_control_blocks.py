"""Control blocks: what is counted, drawn, measured and waited for, and where that leads."""

import pytest

from flow_builders import VIEW, a_flow, an_action, asks, first, hears, place, walk
from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX
from ringfloor.domain.dialogue import (
    Answer,
    CheckCall,
    CheckHours,
    CheckMetric,
    Done,
    Draw,
    End,
    Failed,
    GetMetrics,
    Play,
    Prompt,
    Result,
    Wait,
)
from ringfloor.flow.blocks import BLOCKS, CHANNELS, support
from ringfloor.flow.interpreter import step

AGE = "OldestContactInQueueAgeSeconds"


@pytest.mark.parametrize(
    ("type_", "parameters", "expected"),
    [
        ("CheckHoursOfOperation", {}, CheckHours()),
        (
            "CheckHoursOfOperation",
            {"HoursOfOperationId": "$.Attributes.queue"},
            CheckHours("q7"),
        ),
        ("CheckHoursOfOperation", {"HoursOfOperationId": "$.No"}, None),
        ("CheckMetricData", {"MetricType": AGE}, CheckMetric(metric=AGE)),
        (
            "CheckMetricData",
            {"MetricType": "NumberOfAgentsStaffed", "QueueId": "$.Attributes.queue"},
            CheckMetric(metric="NumberOfAgentsStaffed", queue_id="q7"),
        ),
        (
            "CheckMetricData",
            {"MetricType": "NumberOfContactsInQueue", "AgentId": "a"},
            CheckMetric(metric="NumberOfContactsInQueue", agent_id="a"),
        ),
        ("CheckMetricData", {"MetricType": "NumberOfAgentsStaffed", "QueueId": "$.No"}, None),
        ("CheckMetricData", {"MetricType": "Happiness"}, None),
        ("CheckMetricData", {"MetricType": ["NumberOfAgentsStaffed"]}, None),
        ("GetMetricData", {}, GetMetrics()),
        (
            "GetMetricData",
            {"QueueId": "q", "QueueChannel": "Voice"},
            GetMetrics(queue_id="q", channel="VOICE"),
        ),
        ("GetMetricData", {"AgentId": "$.No"}, None),
        ("DistributeByPercentage", {}, Draw()),
        ("CheckOutboundCallStatus", {}, CheckCall()),
    ],
)
def test_an_action_asks_for_what_it_says_or_fails(type_, parameters, expected):
    assert asks(type_, parameters) == ("NoMatchingError" if expected is None else expected)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"TimeLimitSeconds": "60"}, Wait(60_000)),
        (
            {"TimeLimitSeconds": 60, "Events": ["CustomerReturned"]},
            Wait(60_000, ("CustomerReturned",)),
        ),
        ({"TimeLimitSeconds": "$.Attributes.count"}, Wait(12_000)),
        ({"TimeLimitSeconds": 10**9}, Wait(604_800_000)),
        ({"TimeLimitSeconds": "soon"}, "NoMatchingError"),
        ({"TimeLimitSeconds": 60, "Events": [5]}, "NoMatchingError"),
        ({"TimeoutSeconds": "60"}, "NoMatchingError"),
    ],
)
def test_a_chat_waits(parameters, expected):
    assert asks("Wait", parameters, Channel="CHAT") == expected


ERRORS = ("NoMatchingError", "NoMatchingCondition")
OPEN = {("Equals", "True"): "open", ("Equals", "False"): "closed"}
SPLIT = {("NumberLessThan", "31"): "a", ("NumberLessThan", "71"): "b"}
WAITING = {("Equals", "WaitCompleted"): "late", ("Equals", "CustomerReturned"): "back"}
LONGEST = {("NumberGreaterThan", "300000"): "long"}


@pytest.mark.parametrize(
    ("type_", "parameters", "when", "heard", "expected"),
    [
        ("CheckHoursOfOperation", {}, OPEN, Result("True"), "open"),
        ("CheckHoursOfOperation", {}, OPEN, Result("False"), "closed"),
        ("CheckHoursOfOperation", {}, OPEN, Failed("X"), "NoMatchingError"),
        ("CheckHoursOfOperation", {}, OPEN, Done(), "NoMatchingError"),
        ("CheckMetricData", {"MetricType": AGE}, LONGEST, Result("300001"), "long"),
        ("CheckMetricData", {"MetricType": AGE}, LONGEST, Result("300"), "NoMatchingCondition"),
        ("CheckMetricData", {"MetricType": AGE}, LONGEST, Failed("X"), "NoMatchingError"),
        ("DistributeByPercentage", {}, SPLIT, Result("1"), "a"),
        ("DistributeByPercentage", {}, SPLIT, Result("30"), "a"),
        ("DistributeByPercentage", {}, SPLIT, Result("31"), "b"),
        ("DistributeByPercentage", {}, SPLIT, Result("71"), "NoMatchingCondition"),
        ("DistributeByPercentage", {}, SPLIT, Done(), "NoMatchingCondition"),
        (
            "CheckOutboundCallStatus",
            {},
            {("Equals", "CallAnswered"): "a"},
            Result("CallAnswered"),
            "a",
        ),
        ("CheckOutboundCallStatus", {}, None, Failed("X"), "NoMatchingError"),
        ("GetMetricData", {}, None, Answer({"Queue": {"Size": 3}}), "next"),
        ("GetMetricData", {}, None, Answer([]), "NoMatchingError"),
        ("GetMetricData", {}, None, Failed("X"), "NoMatchingError"),
        ("GetMetricData", {}, None, Done(), "NoMatchingError"),
    ],
)
def test_an_action_leads_on_by_what_it_hears(type_, parameters, when, heard, expected):
    assert place(hears(type_, parameters, heard, ERRORS, when)) == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (Result("WaitCompleted"), "late"),
        (Result("CustomerReturned"), "back"),
        (Failed("ParticipantNotFound"), "NoMatchingError"),
        (Done(), "NoMatchingError"),
    ],
)
def test_a_wait_ends_with_what_came_first(heard, expected):
    limit = {"TimeLimitSeconds": "60"}
    assert place(hears("Wait", limit, heard, ERRORS, WAITING, Channel="TASK")) == expected


def test_metrics_can_be_referred_to():
    flow = a_flow(
        an_action("GetMetricData"),
        an_action("MessageParticipant", {"Text": "$.Metrics.Queue.Size"}, identifier="next"),
    )
    steps = walk(flow, [Answer({"Queue": {"Size": 3}})], VIEW | {"Metrics": {"Queue": {"Size": 9}}})
    assert steps[-1].ask == Play(Prompt("text", "3"))


# Loops


def rounds(count: object, turns: int) -> list[str]:
    """What a flow says that goes round a loop, and after the loop into it again."""
    flow = a_flow(
        an_action(
            "Loop",
            {"LoopCount": count},
            when={("Equals", "ContinueLooping"): "again", ("Equals", "DoneLooping"): "done"},
            errors=("NoMatchingError",),
        ),
        an_action("MessageParticipant", {"Text": "again"}, identifier="again", then="it"),
        an_action("MessageParticipant", {"Text": "done"}, identifier="done", then="it"),
    )
    asked = [taken.ask for taken in walk(flow, [Done()] * turns)]
    return [ask.prompt.value for ask in asked if isinstance(ask, Play)]


def test_a_loop_goes_round_as_often_as_it_says_and_then_begins_anew():
    assert rounds("2", 5) == ["again", "again", "done", "again", "again", "done"]
    assert rounds(0, 2) == ["done", "done", "done"]
    assert rounds("$.Attributes.count", 13)[10:14] == ["again", "again", "done", "again"]
    assert rounds("many", 1) == []


def test_loops_count_for_themselves():
    when = {("Equals", "ContinueLooping"): "inner", ("Equals", "DoneLooping"): "end"}
    inner = {("Equals", "ContinueLooping"): "say", ("Equals", "DoneLooping"): "it"}
    flow = a_flow(
        an_action("Loop", {"LoopCount": "2"}, when=when),
        an_action("Loop", {"LoopCount": "3"}, when=inner, identifier="inner"),
        an_action("MessageParticipant", {"Text": "x"}, identifier="say", then="inner"),
    )
    steps = walk(flow, [Done()] * 7)
    said = [place(taken) for taken in steps]
    assert said == ["say"] * 6 + ["end", "end"]
    assert steps[-2].session.loops == {}
    assert steps[-1].ask == End("finished")


# Attributes of the flow


def test_flow_attributes_are_texts_of_this_flow():
    flow = a_flow(
        an_action(
            "UpdateFlowAttributes",
            {"FlowAttributes": {"who": {"Value": "$.Attributes.name"}, "n": {"Value": 5}}},
        ),
        an_action(
            "MessageParticipant",
            {"Text": "$.FlowAttributes.who$.FlowAttributes.n"},
            identifier="next",
        ),
    )
    taken = first(flow, VIEW, flow_attributes={"old": "1", "n": "4"})
    assert taken.ask == Play(Prompt("text", "Ann5"))
    assert taken.session.flow_attributes == {"old": "1", "who": "Ann", "n": "5"}


def test_flow_attributes_have_a_bound():
    long = {"FlowAttributes": {"a": {"Value": "x" * ATTRIBUTES_BYTES_MAX}}}
    assert asks("UpdateFlowAttributes", long) == "NoMatchingError"
    half = {"FlowAttributes": {"a": {"Value": "x" * (ATTRIBUTES_BYTES_MAX // 2)}}}
    kept = {"flow_attributes": {"b": "y" * (ATTRIBUTES_BYTES_MAX // 2)}}
    assert asks("UpdateFlowAttributes", half) == "next"
    assert asks("UpdateFlowAttributes", half, session=kept) == "NoMatchingError"


# Channels

NOT_EVERYWHERE = {
    "MessageParticipant": "yes yes nothing nothing",
    "MessageParticipantIteratively": "yes error error error",
    "GetParticipantInput": "yes error yes error",
    "TransferParticipantToThirdParty": "yes error error error",
    "TransferContactToAgent": "yes yes yes yes",
    "UpdateContactRecordingBehavior": "yes yes error error",
    "UpdateContactRecordingAndAnalyticsBehavior": "yes yes error error",
    "UpdateContactMediaStreamingBehavior": "yes error error error",
    "UpdateContactTextToSpeechVoice": "yes nothing nothing nothing",
    "UpdateContactCallbackNumber": "yes error error error",
    "UpdatePreviousContactParticipantState": "yes error error error",
    "CompleteOutboundCall": "yes error error error",
    "PauseContact": "error error yes yes",
    "ResumeContact": "error error yes yes",
    "CheckOutboundCallStatus": "yes error error error",
    "Wait": "error yes yes yes",
    "CreateCallbackContact": "yes error error error",
}
"""What the table at the end of section 6.4 says, and the rows of its actions."""


def test_channels_are_as_the_specification_says():
    found = {
        type_: " ".join(support(block, channel) for channel in CHANNELS)
        for type_, block in BLOCKS.items()
    }
    everywhere = dict.fromkeys(BLOCKS, "yes yes yes yes")
    assert found == everywhere | NOT_EVERYWHERE


@pytest.mark.parametrize("type_", sorted(NOT_EVERYWHERE))
@pytest.mark.parametrize("channel", CHANNELS)
def test_on_another_channel_an_action_fails_or_does_nothing(type_, channel):
    expected = support(BLOCKS[type_], channel)
    flow = a_flow(an_action(type_, errors=(*ERRORS, "CallbackNumberNotDialable")))
    taken = place(first(flow, VIEW | {"Channel": channel}))
    if expected == "nothing":
        assert taken == "next"
    if expected == "error":
        own = "CallbackNumberNotDialable" if type_ == "UpdateContactCallbackNumber" else ERRORS[0]
        assert taken == own


def test_an_action_that_cannot_fail_goes_on_where_it_does_not_work():
    flow = a_flow(an_action("UpdateContactRecordingBehavior", {"RecordingBehavior": {}}))
    assert place(first(flow, VIEW | {"Channel": "TASK"})) == "next"
    assert step(flow, first(flow, VIEW).session, Done(), VIEW).session.action == "next"


# What can be referred to

SEEN = {
    "ContactId": "c1",
    "InitialContactId": "c0",
    "PreviousContactId": "cp",
    "RelatedContactId": "cr",
    "Channel": "VOICE",
    "InitiationMethod": "INBOUND",
    "InstanceARN": "arn:i",
    "AwsRegion": "eu-west-1",
    "LanguageCode": "de-DE",
    "TextToSpeechVoiceId": "Joanna",
    "CustomerEndpoint": {"Address": "+1", "Type": "TELEPHONE_NUMBER"},
    "SystemEndpoint": {"Address": "+2", "Type": "TELEPHONE_NUMBER"},
    "CustomerCallbackNumber": "+3",
    "CustomerId": "k",
    "Name": "n",
    "Description": "d",
    "References": {"link": {"Value": "u", "Type": "URL"}},
    "Task": {"ContactId": "t"},
    "Tags": {"team": "red"},
    "Queue": {"Name": "Sales", "ARN": "arn:q", "OutboundCallerId": {"Address": "+4"}},
    "Agent": {"UserName": "ann", "FirstName": "Ann", "LastName": "A", "ARN": "arn:a"},
    "Attributes": {"my key": "v"},
    "SegmentAttributes": {"connect:Subtype": "connect:SMS"},
    "Media": {"Sip": {"Headers": {"P-Asserted-Identity": "sip:a"}}},
    "MediaStreams": {"Customer": {"Audio": {"StreamARN": "arn:s"}}},
    "Customer": {"FirstName": "Bo"},
    "Case": {"case_id": "7"},
    "Wisdom": {"SessionArn": "arn:w"},
    "External": "not the view's",
    "Metrics": "not the view's",
    "Lex": "not the view's",
    "Views": "not the view's",
}
LEARNED = {
    "external": {"list": [{"a": "first"}]},
    "stored_input": "42",
    "flow_attributes": {"k": "f"},
    "module_input": {"i": "in"},
    "module_result": {"Result": "found", "ResultData": {"o": "out"}},
    "metrics": {"Agents": {"Online": {"Count": 3}}},
    "lex": {"IntentName": "Order"},
    "views": {"Action": "Next", "ViewResultData": {"form": ["x"]}},
}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("InitialContactId", "c0"),
        ("PreviousContactId", "cp"),
        ("RelatedContactId", "cr"),
        ("InitiationMethod", "INBOUND"),
        ("InstanceARN", "arn:i"),
        ("LanguageCode", "de-DE"),
        ("TextToSpeechVoiceId", "Joanna"),
        ("CustomerEndpoint.Address", "+1"),
        ("SystemEndpoint.Type", "TELEPHONE_NUMBER"),
        ("CustomerCallbackNumber", "+3"),
        ("CustomerId", "k"),
        ("References.link.Type", "URL"),
        ("Task.ContactId", "t"),
        ("Tags.team", "red"),
        ("Queue.OutboundCallerId.Address", "+4"),
        ("Agent.UserName", "ann"),
        ("Attributes['my key']", "v"),
        ("SegmentAttributes['connect:Subtype']", "connect:SMS"),
        ("Media.Sip.Headers.P-Asserted-Identity", "sip:a"),
        ("MediaStreams.Customer.Audio.StreamARN", "arn:s"),
        ("Customer.FirstName", "Bo"),
        ("Case.case_id", "7"),
        ("Wisdom.SessionArn", "arn:w"),
        ("External.list[0].a", "first"),
        ("LambdaInvocation.ResultData.list.0.a", "first"),
        ("StoredCustomerInput", "42"),
        ("FlowAttributes.k", "f"),
        ("Modules.Input.i", "in"),
        ("Modules.Result", "found"),
        ("Modules.ResultData.o", "out"),
        ("Metrics.Agents.Online.Count", "3"),
        ("Lex.IntentName", "Order"),
        ("Views.Action", "Next"),
        ("Views.ViewResultData.form.0", "x"),
        ("Nobody.Knows", ""),
    ],
)
def test_every_root_of_the_specification_can_be_referred_to(reference, expected):
    flow = a_flow(an_action("MessageParticipant", {"Text": f"<$.{reference}>"}))
    assert first(flow, SEEN, **LEARNED).ask == Play(Prompt("text", f"<{expected}>"))


@pytest.mark.parametrize("type_", ["MessageParticipant", "TagContact", "UpdateContactAttributes"])
def test_what_does_not_suit_the_ask_is_a_failure(type_):
    parameters = {"Text": "x", "Tags": {"a": "b"}}
    assert place(hears(type_, parameters, Result("x"))) == "NoMatchingError"
    assert place(hears(type_, parameters, Done())) == "next"
