"""Contact blocks: what a flow sets of its contact, and whom it makes beside it."""

import pytest

from flow_builders import VIEW, a_flow, an_action, asks, first, hears, place
from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX
from ringfloor.domain.dialogue import (
    CompleteCall,
    CreateCallback,
    CreateTask,
    DequeueAndTransfer,
    Done,
    End,
    Failed,
    LeaveModule,
    Left,
    Play,
    PlayLoop,
    Prompt,
    Result,
    SetCallbackNumber,
    SetData,
    SetHooks,
    SetPaused,
    SetPreviousParticipant,
    SetRecording,
    SetRouting,
    SetRoutingCriteria,
    SetStreaming,
    SetTags,
    SetVoice,
    ShowView,
    TransferToAgent,
    TransferToNumber,
    ViewAnswer,
)
from ringfloor.flow.interpreter import step

LONG = "x" * ATTRIBUTES_BYTES_MAX
STEPS = {"Steps": [{"Expression": {"AttributeCondition": {"Name": "$.Attributes.name"}}}]}
ANNS_STEPS = {"Steps": [{"Expression": {"AttributeCondition": {"Name": "Ann"}}}]}
CALLBACK = {
    "InitialCallDelaySeconds": "99",
    "MaximumConnectionAttempts": "$.Attributes.count",
    "RetryDelaySeconds": 600,
}


def a_callback(**changes: object) -> CreateCallback:
    return CreateCallback(
        **{"delay_ms": 99_000, "attempts": 12, "retry_ms": 600_000} | changes  # type: ignore[arg-type]  of these kinds
    )


@pytest.mark.parametrize(
    ("type_", "parameters", "expected"),
    [
        (
            "MessageParticipantIteratively",
            {"Messages": [{"Text": "Hi $.Attributes.name"}, {"PromptId": "p"}, {"Text": "$.No"}]},
            PlayLoop((Prompt("text", "Hi Ann"), Prompt("prompt_id", "p"))),
        ),
        (
            "MessageParticipantIteratively",
            {"Messages": [{"SSML": "<speak/>"}], "InterruptFrequencySeconds": "$.Attributes.count"},
            PlayLoop((Prompt("ssml", "<speak/>"),), 12_000),
        ),
        ("MessageParticipantIteratively", {"Messages": [{"Text": "$.No"}]}, None),
        ("MessageParticipantIteratively", {"Messages": [{"Text": "a"}, {"Media": {}}]}, None),
        ("MessageParticipantIteratively", {"Messages": [{"Text": "x" * 6_001}]}, None),
        ("MessageParticipantIteratively", {"Messages": "a"}, None),
        ("MessageParticipantIteratively", {}, None),
        (
            "UpdateContactData",
            {
                "Name": "$.Attributes.name",
                "LanguageCode": "de-DE",
                "References": {
                    "link": {"Type": "url", "Value": "https://x/$.ContactId"},
                    "note": "$.Attributes.tier",
                },
                "SegmentAttributes": {"a:b": {"ValueString": "$.Channel"}, "c": "d"},
                "TargetContact": "Related",
            },
            SetData(
                name="Ann",
                language="de-DE",
                references={"link": ("URL", "https://x/c1"), "note": ("STRING", "gold")},
                segment_attributes={"a:b": "VOICE", "c": "d"},
                target="Related",
            ),
        ),
        (
            "UpdateContactData",
            {"CustomerId": "", "Description": 5},
            SetData(customer_id="", description="5"),
        ),
        ("UpdateContactData", {"Name": "a", "WisdomSessionArn": "arn"}, None),
        ("UpdateContactData", {"IsVoiceIdStreamingEnabled": "true"}, None),
        ("UpdateContactData", {"Name": LONG + "x"}, None),
        ("UpdateContactData", {"References": {"a": LONG}}, None),
        ("UpdateContactData", {"SegmentAttributes": {"a": LONG}}, None),
        (
            "TagContact",
            {"Tags": {"a": "$.Attributes.name", "b": 5}},
            SetTags({"a": "Ann", "b": "5"}),
        ),
        ("TagContact", {"Tags": {}}, None),
        ("TagContact", {"Tags": {"aws:x": "y"}}, None),
        ("TagContact", {"Tags": dict.fromkeys("abcdefg", "x")}, None),
        ("TagContact", {"Tags": {"a": LONG}}, None),
        ("UntagContact", {"TagKeys": ["a", "b"]}, SetTags({"a": None, "b": None})),
        ("UnTagContact", {"TagKeys": ["a"]}, SetTags({"a": None})),
        ("UntagContact", {"TagKeys": ["aws:x"]}, None),
        ("UntagContact", {"TagKeys": []}, None),
        ("UntagContact", {"TagKeys": "a"}, None),
        ("UntagContact", {"TagKeys": [*"abcdefg"]}, None),
        (
            "UpdateContactEventHooks",
            {"EventHooks": {"CustomerQueue": "$.Attributes.queue"}},
            SetHooks({"CustomerQueue": "q7"}),
        ),
        (
            "UpdateContactEventHooks",
            {
                "EventHooks": {"AgentWhisper": "f"},
                "EventHooksConfiguration": {
                    "AgentWhisper": {"DisableExecution": "true"},
                    "CustomerWhisper": {"DisableExecution": False},
                    "CustomerHold": {},
                },
            },
            SetHooks({"AgentWhisper": "f"}, {"AgentWhisper": True, "CustomerWhisper": False}),
        ),
        ("UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": "$.Attributes.none"}}, None),
        ("UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": 5}}, None),
        ("UpdateContactEventHooks", {}, None),
        ("UpdateContactRoutingBehavior", {"QueuePriority": "2"}, SetRouting(priority=2)),
        (
            "UpdateContactRoutingBehavior",
            {"QueuePriority": "$.Attributes.count"},
            SetRouting(priority=12),
        ),
        (
            "UpdateContactRoutingBehavior",
            {"QueueTimeAdjustmentSeconds": "-60"},
            SetRouting(age_adjustment_ms=-60_000),
        ),
        ("UpdateRoutingCriteria", {"RoutingCriteria": STEPS}, SetRoutingCriteria(ANNS_STEPS)),
        (
            "UpdateContactRoutingCriteria",
            {"RoutingCriteria": STEPS},
            SetRoutingCriteria(ANNS_STEPS),
        ),
        ("UpdateRoutingCriteria", {"RoutingCriteria": "$.Tags"}, None),
        ("UpdateRoutingCriteria", {"RoutingCriteria": "$.Channel"}, None),
        ("UpdateRoutingCriteria", {"RoutingCriteria": {"Steps": {}}}, None),
        (
            "UpdateContactRecordingBehavior",
            {"RecordingBehavior": {"RecordedParticipants": ["Agent"]}, "x": "$.Channel"},
            SetRecording({"RecordingBehavior": {"RecordedParticipants": ["Agent"]}, "x": "VOICE"}),
        ),
        (
            "UpdateContactRecordingAndAnalyticsBehavior",
            {"VoiceBehavior": {}},
            SetRecording({"VoiceBehavior": {}}),
        ),
        ("UpdateContactRecordingAndAnalyticsBehavior", {"ChatBehavior": {}}, None),
        (
            "UpdateContactMediaStreamingBehavior",
            {"MediaStreamingState": "Enabled"},
            SetStreaming(enabled=True),
        ),
        (
            "UpdateContactMediaStreamingBehavior",
            {"MediaStreamingState": "Disabled"},
            SetStreaming(enabled=False),
        ),
        (
            "UpdateContactTextToSpeechVoice",
            {"TextToSpeechVoice": "Joanna", "TextToSpeechEngine": "Neural"},
            SetVoice(voice="Joanna", engine="Neural"),
        ),
        ("UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "$.No"}, None),
        (
            "UpdateContactCallbackNumber",
            {"CallbackNumber": "$.CustomerEndpoint.Address"},
            SetCallbackNumber("+4930123456"),
        ),
        (
            "UpdatePreviousContactParticipantState",
            {"PreviousContactParticipantState": "OffHold"},
            SetPreviousParticipant("OffHold"),
        ),
        (
            "UpdatePreviousContactParticipantState",
            {"PreviousContactParticipantState": "OnHold"},
            None,
        ),
        ("CompleteOutboundCall", {}, CompleteCall()),
        (
            "CompleteOutboundCall",
            {"CallerId": {"Number": "$.CustomerEndpoint.Address"}},
            CompleteCall("+4930123456"),
        ),
        (
            "CreateTask",
            {
                "Name": "Call $.Attributes.name",
                "Description": "d",
                "ContactFlowId": "$.Attributes.queue",
                "Attributes": {"a": "$.Channel"},
                "References": {"link": {"Type": "URL", "Value": "u"}},
                "DelaySeconds": "60",
            },
            CreateTask(
                name="Call Ann",
                description="d",
                flow_id="q7",
                attributes={"a": "VOICE"},
                references={"link": ("URL", "u")},
                delay_ms=60_000,
            ),
        ),
        (
            "CreateTask",
            {"Name": "n", "TaskTemplateId": "t", "ScheduledTime": "1800000000"},
            CreateTask(name="n", template_id="t", scheduled_at=1_800_000_000_000),
        ),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f", "ScheduledTime": "tomorrow"}, None),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f", "ScheduledTime": "99999999999"}, None),
        ("CreateTask", {"Name": "$.No", "ContactFlowId": "f"}, None),
        ("CreateTask", {"Name": "n"}, None),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f", "Attributes": {"a": LONG}}, None),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f", "References": {"a": LONG}}, None),
        ("CreateCallbackContact", CALLBACK, a_callback()),
        (
            "CreateCallbackContact",
            CALLBACK | {"QueueId": "$.Attributes.queue", "ContactFlowId": "f"},
            a_callback(queue_id="q7", flow_id="f"),
        ),
        (
            "CreateCallbackContact",
            CALLBACK | {"AgentId": "a", "CallerId": {"Number": "+1"}},
            a_callback(agent_id="a", caller_id="+1"),
        ),
        ("CreateCallbackContact", CALLBACK | {"QueueId": "$.No"}, None),
        ("CreateCallbackContact", CALLBACK | {"MaximumConnectionAttempts": "many"}, None),
        (
            "DequeueContactAndTransferToQueue",
            {"QueueId": "$.Attributes.queue"},
            DequeueAndTransfer(queue_id="q7"),
        ),
        ("DequeueContactAndTransferToQueue", {"AgentId": "a"}, DequeueAndTransfer(agent_id="a")),
        ("DequeueContactAndTransferToQueue", {}, DequeueAndTransfer()),
        ("DequeueContactAndTransferToQueue", {"QueueId": "$.No"}, None),
        ("TransferContactToAgent", {}, TransferToAgent()),
        (
            "TransferParticipantToThirdParty",
            {
                "ThirdPartyPhoneNumber": "$.CustomerEndpoint.Address",
                "ThirdPartyConnectionTimeLimitSeconds": "60",
                "ThirdPartyDTMFDigits": "1,,$.Attributes.count#",
                "CallerId": {"Number": "+1"},
            },
            TransferToNumber(
                number="+4930123456",
                ring_ms=60_000,
                resumes=True,
                digits="1,,12#",
                caller_id="+1",
            ),
        ),
        (
            "TransferParticipantToThirdParty",
            {"ThirdPartyPhoneNumber": "+1", "ContinueFlowExecution": "False"},
            TransferToNumber(number="+1", ring_ms=30_000, resumes=False),
        ),
        ("TransferParticipantToThirdParty", {"ThirdPartyPhoneNumber": "$.No"}, None),
        (
            "TransferParticipantToThirdParty",
            {"ThirdPartyPhoneNumber": "+1", "ThirdPartyDTMFDigits": "1" * 51},
            None,
        ),
        (
            "TransferParticipantToThirdParty",
            {"ThirdPartyPhoneNumber": "+1", "ThirdPartyDTMFDigits": "one"},
            None,
        ),
        (
            "ShowView",
            {
                "ViewResource": {"Id": "form", "Version": "Latest"},
                "InvocationTimeLimitSeconds": "900",
                "ViewData": {"Items": [{"Who": "$.Attributes.name", "All": "$.Queue"}], "n": 1},
            },
            ShowView(
                view="form",
                version="Latest",
                data={"Items": [{"Who": "Ann", "All": VIEW["Queue"]}], "n": 1},
                timeout_ms=900_000,
            ),
        ),
        (
            "ShowView",
            {"ViewResource": {"Id": "$.Attributes.queue"}},
            ShowView(view="q7", version=None, data={}, timeout_ms=400_000),
        ),
        ("ShowView", {"ViewResource": "form"}, None),
        ("ShowView", {"ViewResource": {"Id": "f"}, "ViewData": {"a": "x" * 70_000}}, None),
        ("ShowView", {"ViewResource": {"Id": "f"}, "ViewData": {"a": ["$.Tall"] * 20}}, None),
        ("EndFlowModuleExecution", {}, LeaveModule()),
        (
            "EndFlowModuleExecution",
            {"Result": "found", "ResultData": {"who": "$.Attributes", "n": 7, "t": "<$.Channel>"}},
            LeaveModule("found", {"who": VIEW["Attributes"], "n": 7, "t": "<VOICE>"}),
        ),
    ],
)
def test_an_action_asks_for_what_it_says_or_fails(type_, parameters, expected):
    asked = asks(type_, parameters, Tall="x" * 10_000)
    assert asked == ("NoMatchingError" if expected is None else expected)


def test_tasks_are_paused_and_resumed():
    assert asks("PauseContact", {}, Channel="TASK") == SetPaused(paused=True)
    assert asks("ResumeContact", {}, Channel="TASK") == SetPaused(paused=False)


def test_routing_criteria_may_come_as_text():
    parameters = {"RoutingCriteria": "$.External.criteria"}
    external = {"criteria": '{"Steps": []}'}
    asked = asks("UpdateRoutingCriteria", parameters, session={"external": external})
    assert asked == SetRoutingCriteria({"Steps": []})


@pytest.mark.parametrize("hook", ["AgentHold", "CustomerHold"])
def test_hold_flows_are_for_calls(hook):
    parameters = {"EventHooks": {hook: "f"}}
    assert asks("UpdateContactEventHooks", parameters) == SetHooks({hook: "f"})
    for channel in ("CHAT", "TASK"):
        assert asks("UpdateContactEventHooks", parameters, Channel=channel) == "NoMatchingError"


@pytest.mark.parametrize(
    ("behavior", "channel", "expected"),
    [
        ("VoiceBehavior", "CHAT", "ChannelMismatch"),
        ("ChatBehavior", "VOICE", "ChannelMismatch"),
        ("ChatBehavior", "CHAT", "it"),
        ("ScreenRecordingBehavior", "CHAT", "it"),
    ],
)
def test_what_is_recorded_suits_the_channel(behavior, channel, expected):
    type_ = "UpdateContactRecordingAndAnalyticsBehavior"
    flow = a_flow(an_action(type_, {behavior: {}}, errors=("NoMatchingError", "ChannelMismatch")))
    assert place(first(flow, VIEW | {"Channel": channel})) == expected


def test_a_callback_number_has_errors_of_its_own():
    errors = ("InvalidCallbackNumber", "CallbackNumberNotDialable")
    flow = a_flow(
        an_action(
            "UpdateContactCallbackNumber", {"CallbackNumber": "$.Attributes.phone"}, errors=errors
        )
    )
    assert place(first(flow, VIEW)) == "InvalidCallbackNumber"
    assert place(first(flow, VIEW | {"Channel": "CHAT"})) == "CallbackNumberNotDialable"
    known = VIEW | {"Attributes": {"phone": "+1"}}
    asked = first(flow, known)
    for error in errors:
        assert place(step(flow, asked.session, Failed(error), known)) == error


ERRORS = ("NoMatchingError", "QueueAtCapacity", "CallFailed", "TimeLimitExceeded")
THIRD = {"ThirdPartyPhoneNumber": "+1"}
GONE = THIRD | {"ContinueFlowExecution": "False"}
VIEWED = {"ViewResource": {"Id": "form"}}
CHOSEN = ViewAnswer("Next", {"a": "b"})


@pytest.mark.parametrize(
    ("type_", "parameters", "heard", "expected"),
    [
        ("MessageParticipantIteratively", {"Messages": [{"Text": "a"}]}, Result("x"), "next"),
        ("UpdateContactData", {"Name": "a"}, Done(), "next"),
        ("UpdateContactData", {"Name": "a"}, Failed("X"), "NoMatchingError"),
        ("TagContact", {"Tags": {"a": "b"}}, Done(), "next"),
        ("TagContact", {"Tags": {"a": "b"}}, Failed("X"), "NoMatchingError"),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f"}, Done(), "next"),
        ("CreateTask", {"Name": "n", "ContactFlowId": "f"}, Failed("X"), "NoMatchingError"),
        ("CreateCallbackContact", CALLBACK, Failed("QueueAtCapacity"), "QueueAtCapacity"),
        ("DequeueContactAndTransferToQueue", {}, Done(), "it"),
        ("DequeueContactAndTransferToQueue", {}, Failed("QueueAtCapacity"), "QueueAtCapacity"),
        ("DequeueContactAndTransferToQueue", {}, Result("x"), "NoMatchingError"),
        ("TransferContactToAgent", {}, Done(), "it"),
        ("TransferParticipantToThirdParty", THIRD, Done(), "next"),
        ("TransferParticipantToThirdParty", THIRD, Failed("CallFailed"), "CallFailed"),
        ("TransferParticipantToThirdParty", THIRD, Result("x"), "NoMatchingError"),
        ("TransferParticipantToThirdParty", GONE, Done(), "it"),
        ("ShowView", VIEWED, CHOSEN, "next"),
        ("ShowView", VIEWED, Failed("TimeLimitExceeded"), "TimeLimitExceeded"),
        ("ShowView", VIEWED, Done(), "NoMatchingError"),
        ("ShowView", VIEWED, ViewAnswer("Next", {"a": "x" * 40_000}), "NoMatchingError"),
        (
            "InvokeFlowModule",
            {"FlowModuleId": "m"},
            Left(None, {"a": "x" * 40_000}),
            "NoMatchingError",
        ),
    ],
)
def test_an_action_leads_on_by_what_it_hears(type_, parameters, heard, expected):
    taken = hears(type_, parameters, heard, ERRORS)
    assert place(taken) == expected
    if expected == "it":
        assert taken.ask == End("finished")


@pytest.mark.parametrize(
    "type_",
    ["UpdateContactRoutingBehavior", "UpdateContactRecordingBehavior", "CompleteOutboundCall"],
)
def test_an_action_without_an_error_branch_goes_on(type_):
    parameters = {"QueuePriority": "1"} if type_.endswith("RoutingBehavior") else {}
    assert place(hears(type_, parameters, Failed("X"), ())) == "next"
    assert place(hears(type_, parameters, Failed("X"))) == "NoMatchingError"
    flow = a_flow(an_action("UpdateContactRoutingBehavior", {"QueuePriority": "many"}))
    assert place(first(flow)) == "next"


def test_a_choice_in_a_view_is_a_result_and_can_be_referred_to():
    when = {("Equals", "Next"): "shown"}
    flow = a_flow(
        an_action("ShowView", VIEWED, when=when),
        an_action(
            "MessageParticipant",
            {"Text": "$.Views.Action $.Views.ViewResultData.a"},
            identifier="shown",
        ),
    )
    taken = step(flow, first(flow).session, CHOSEN, VIEW)
    assert taken.ask == Play(Prompt("text", "Next b"))


def test_what_a_module_gives_back_is_a_result_and_can_be_referred_to():
    when = {("Equals", "found"): "told"}
    flow = a_flow(
        an_action("InvokeFlowModule", {"FlowModuleId": "m"}, when=when, errors=ERRORS),
        an_action(
            "MessageParticipant",
            {"Text": "$.Modules.Result $.Modules.ResultData.id"},
            identifier="told",
        ),
        an_action("MessageParticipant", {"Text": "<$.Modules.Result>"}, identifier="next"),
    )
    asked = first(flow).session
    found = step(flow, asked, Left("found", {"id": 7}), VIEW)
    assert found.ask == Play(Prompt("text", "found 7"))
    assert step(flow, asked, Left(None), VIEW).ask == Play(Prompt("text", "<>"))
    assert step(flow, asked, Done(), VIEW).ask == Play(Prompt("text", "<>"))
    assert place(step(flow, asked, Failed("X"), VIEW)) == "NoMatchingError"


def test_an_interrupted_loop_takes_its_branch_and_may_come_back():
    messages = {"Messages": [{"Text": "Please hold"}], "InterruptFrequencySeconds": "30"}
    flow = a_flow(
        an_action(
            "MessageParticipantIteratively",
            messages,
            when={("Equals", "MessagesInterrupted"): "say"},
            then=None,
        ),
        an_action("MessageParticipant", {"Text": "Still here?"}, identifier="say", then="it"),
    )
    asked = first(flow)
    told = step(flow, asked.session, Result("MessagesInterrupted"), VIEW)
    assert told.ask == Play(Prompt("text", "Still here?"))
    assert step(flow, told.session, Done(), VIEW).ask == asked.ask
