"""Flow logs: what is written down of a flow, when, and what is not.

Sources: behaviour specification, section 6.6 and choice 30 of section 9; Amazon Connect API
reference, UpdateFlowLoggingBehavior.
"""

from typing import Any

import pytest

from engine_builders import Driver, a_center, a_content, an_action
from ringfloor.base.time import iso_milliseconds
from ringfloor.domain import commands, dialogue
from ringfloor.domain.events import decode_outcome
from ringfloor.engine import engine
from ringfloor.engine.flow_logs import MODULE_TYPES, flow_logs
from ringfloor.engine.state import Center
from ringfloor.flow.blocks import BLOCKS

FUNCTION = "arn:aws:lambda:us-east-1:1:function:f"
BYE = an_action("bye", "DisconnectParticipant")
TOLD = ("ContactFlowModuleType", "Identifier", "Results", "ExternalResults")


def switch(identifier: str, then: str, on: bool = True) -> dict[str, Any]:
    to = {"FlowLoggingBehavior": "Enabled" if on else "Disabled"}
    return an_action(identifier, "UpdateFlowLoggingBehavior", to, then)


def says(identifier: str, then: str = "bye", text: str = "Hello") -> dict[str, Any]:
    return an_action(identifier, "MessageParticipant", {"Text": text}, then)


def menu(then: str = "bye") -> dict[str, Any]:
    asked = {"Text": "Press 1", "StoreInput": "False", "InputTimeLimitSeconds": "5"}
    errors = {"NoMatchingCondition": then, "InputTimeLimitExceeded": "bye"}
    return an_action("menu", "GetParticipantInput", asked, "bye", NoMatchingError="bye", **errors)


class Logged:
    """A call in a flow, and the lines of it."""

    def __init__(self, *actions: dict[str, Any], on: bool = True, **members: Any) -> None:
        self.driver: Driver = a_center()
        self.driver.run(commands.UpdateInstance({"ContactflowLogs": on}))
        self.lines: list[dict[str, Any]] = []
        self.driver.witness = lambda center, event: self.lines.extend(
            each.line for each in flow_logs(center, event)
        )
        self.driver.a_flow("welcome", a_content(*actions))
        self.members = {"attributes": {}, **members}

    def call(self, *heard: dialogue.Heard, flow: str = "welcome") -> "Logged":
        """A customer calls, and this is what the flow hears."""
        begun = commands.StartInboundContact(
            contact_id="c1",
            from_number="+12065550100",
            flow_id=self.driver.ids[flow],
            **self.members,
        )
        self.driver.run(begun)
        for each in heard:
            self.driver.run(commands.Hear("c1", self.driver.contact("c1").asks, each))
        return self

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """Type, identifier, results and external results, as far as there are any."""
        return [tuple(line[name] for name in TOLD if name in line) for line in self.lines]

    def parameters(self, identifier: str) -> list[dict[str, Any]]:
        return [each["Parameters"] for each in self.lines if each["Identifier"] == identifier]


DONE = dialogue.Done()
ONE = dialogue.Digits("1", "max_digits")


def test_a_line_is_what_aws_writes():
    logged = Logged(
        switch("log", "hello"), says("hello", text="Hi $.CustomerEndpoint.Address"), BYE
    )
    logged.call()
    logged.driver.at += 1_500
    logged.driver.run(commands.Hear("c1", logged.driver.contact("c1").asks, DONE))
    home = logged.driver.center.home
    flow = home.arn_of("contact_flow", logged.driver.ids["welcome"])
    assert logged.lines[1] == {
        "ContactId": "c1",
        "ContactFlowId": flow,
        "ContactFlowName": "welcome",
        "ContactFlowModuleType": "PlayPrompt",
        "Identifier": "hello",
        "Timestamp": iso_milliseconds(logged.driver.at),
        "Parameters": {"Text": "Hi +12065550100", "TextToSpeechType": "text"},
    }
    assert logged.told == [
        ("SetLoggingBehavior", "log"),
        ("PlayPrompt", "hello"),
        ("Disconnect", "bye"),
    ]


def test_a_menu_tells_what_was_pressed_and_a_comparison_what_was_found():
    which = an_action("which", "Compare", {"ComparisonValue": "$.Channel"}, "bye")
    logged = Logged(switch("log", "menu"), menu("which"), which, BYE).call(ONE)
    assert logged.told[1:] == [
        ("GetUserInput", "menu", "1"),
        ("CheckAttribute", "which", "VOICE"),
        ("Disconnect", "bye"),
    ]
    assert logged.parameters("menu") == [
        {"Text": "Press 1", "TextToSpeechType": "text", "Timeout": "5000"}
    ]
    silent = Logged(switch("log", "menu"), menu(), BYE).call(dialogue.Digits("", "no_input"))
    assert silent.told[1] == ("GetUserInput", "menu", "InputTimeLimitExceeded")


def test_a_function_tells_what_it_was_sent_and_what_it_replied():
    sent = {
        "LambdaFunctionARN": FUNCTION,
        "InvocationTimeLimitSeconds": "3",
        "LambdaInvocationAttributes": {"who": "$.CustomerEndpoint.Address"},
    }
    actions = (
        switch("log", "call"),
        an_action("call", "InvokeLambdaFunction", sent, "bye", NoMatchingError="bye"),
        BYE,
    )
    replied = Logged(*actions).call(dialogue.Answer({"tier": "gold"}))
    assert replied.told[1] == ("InvokeExternalResource", "call", {"tier": "gold"})
    told = {
        "FunctionArn": FUNCTION,
        "Parameters": {"who": "+12065550100"},
        "ResponseValidation": "ResponseType=STRING_MAP",
        "TimeLimit": "3000",
    }
    assert replied.parameters("call") == [told]
    for heard in (dialogue.Failed("NoMatchingError"), dialogue.Answer({"too": {"deep": 1}})):
        failed = Logged(*actions).call(heard)
        error = "The Lambda Function Returned An Error."
        assert failed.told[1] == ("InvokeExternalResource", "call", error)
        assert failed.parameters("call") == [told]


def test_an_error_branch_is_told_by_the_error():
    logged = Logged(
        switch("log", "queue"),
        an_action("queue", "TransferContactToQueue", {}, "bye", NoMatchingError="wait"),
        an_action("wait", "Wait", {"TimeLimitSeconds": "5"}, "bye", NoMatchingError="case"),
        an_action("case", "GetCase", {}, "bye", NoMatchingError="bye"),
        BYE,
    ).call()
    assert logged.told[1:] == [
        ("Transfer", "queue", "NoMatchingError"),
        ("Wait", "wait", "NoMatchingError"),
        ("GetCase", "case", "NoMatchingError"),
        ("Disconnect", "bye"),
    ]


def test_nothing_is_told_before_logging_is_on_nor_after_it_is_off():
    logged = Logged(
        an_action("before", "Compare", {"ComparisonValue": "x"}, "first"),
        says("first", "log"),
        switch("log", "second"),
        says("second", "quiet"),
        switch("quiet", "third", on=False),
        says("third", "again", "In secret"),
        switch("again", "fourth"),
        says("fourth"),
        BYE,
    )
    logged.call(DONE, DONE, DONE, DONE)
    assert [identifier for _, identifier in logged.told] == [
        "log",
        "second",
        "quiet",
        "again",
        "fourth",
        "bye",
    ]
    assert [each["LoggingBehavior"] for each in logged.parameters("quiet")] == ["Disable"]
    assert "secret" not in str(logged.lines)


ENABLED = {"FlowLoggingBehavior": "Enabled"}
RELATED = {"Attributes": {"a": "1"}, "TargetContact": "Related"}
SPOKEN = {"SSML": "<speak>$.StoredCustomerInput</speak>", "Media": {"x": "y"}}


@pytest.mark.parametrize(
    ("type_", "parameters", "told"),
    [
        ("UpdateFlowLoggingBehavior", ENABLED, {"LoggingBehavior": "Enable"}),
        (
            "UpdateContactAttributes",
            RELATED,
            {"Key": "a", "Value": "1", "AddAttributeToRelatedContact": "true"},
        ),
        ("UpdateContactTargetQueue", {"AgentId": "a1"}, {"Queue": "queue/agent/{a1}"}),
        (
            "TransferToFlow",
            {"ContactFlowId": "to sales"},
            {"ContactFlowId": "contact-flow/{to sales}"},
        ),
        (
            "MessageParticipant",
            SPOKEN,
            {"Text": "<speak></speak>", "TextToSpeechType": "ssml", "Media": {"x": "y"}},
        ),
    ],
)
def test_parameters_have_the_names_of_the_logs(type_, parameters, told):
    """Ids stand by their aliases, ARNs by what they end with."""
    logged = Logged(BYE)
    ids, arn = logged.driver.ids, logged.driver.center.home.arn
    given = {name: ids.get(str(value), value) for name, value in parameters.items()}
    step = an_action("step", type_, given, "bye", NoMatchingError="bye")
    content = a_content(switch("log", "step"), step, BYE)
    logged.driver.update("contact_flow", "welcome", Content=content)
    logged.call(*([DONE] if type_ == "MessageParticipant" else []))
    (line,) = logged.parameters("step")
    shown = {
        name: value.removeprefix(f"{arn}/") if isinstance(value, str) else value
        for name, value in line.items()
    }
    assert shown == {
        name: value.format_map(ids) if isinstance(value, str) else value
        for name, value in told.items()
    }


@pytest.mark.parametrize("on", [True, False])
def test_the_instance_has_a_say(on):
    logged = Logged(switch("log", "hello"), says("hello"), BYE, on=on).call(DONE)
    assert bool(logged.lines) is on
    logged.lines.clear()
    logged.driver.run(commands.UpdateInstance({"ContactflowLogs": not on}))
    logged.call(DONE)
    assert bool(logged.lines) is not on


@pytest.mark.parametrize("encrypted", [True, False])
def test_input_that_is_stored_encrypted_is_not_told(encrypted):
    key = {"InputEncryption": {"EncryptionKeyId": "k1", "Key": "-----BEGIN CERTIFICATE-----"}}
    store = {
        "Text": "Your card?",
        "StoreInput": "True",
        "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
        **(key if encrypted else {}),
    }
    logged = Logged(
        switch("log", "card"),
        an_action("card", "GetParticipantInput", store, "bye", NoMatchingError="bye"),
        BYE,
    ).call(dialogue.Digits("QmFzZTY0" if encrypted else "4111", "terminated"))
    line = logged.lines[1]
    assert line["ContactFlowModuleType"] == "StoreUserInput"
    assert line["Parameters"] == {
        "Text": "Your card?",
        "TextToSpeechType": "text",
        "MaxDigits": "16",
    }
    assert line.get("Results") == (None if encrypted else "4111")
    assert "QmFzZTY0" not in str(logged.lines)
    assert "CERTIFICATE" not in str(logged.lines)


def test_parameters_are_those_that_the_action_was_come_to_with():
    """Attributes that are made of themselves, and flow attributes that change within one step."""
    more = {"Attributes": {"a": "$.Attributes.a,x", "b": "$.Attributes.a"}}
    first = {"FlowAttributes": {"n": {"Value": "$.FlowAttributes.n."}}}
    logged = Logged(
        switch("log", "set"),
        an_action("set", "UpdateContactAttributes", more, "one", NoMatchingError="bye"),
        an_action("one", "UpdateFlowAttributes", first, "two", NoMatchingError="bye"),
        an_action("two", "UpdateFlowAttributes", first, "which", NoMatchingError="bye"),
        an_action("which", "Compare", {"ComparisonValue": "$.FlowAttributes.n"}, "bye"),
        BYE,
        attributes={"a": "0"},
    ).call()
    related = {"AddAttributeToRelatedContact": "false"}
    assert logged.parameters("set") == [
        {"Key": "a", "Value": "0,x", **related},
        {"Key": "b", "Value": "0", **related},
    ]
    assert [logged.parameters(each) for each in ("one", "two")] == [
        [{"Key": "n", "Value": "."}],
        [{"Key": "n", "Value": ".."}],
    ]
    assert logged.told[-2] == ("CheckAttribute", "which", "..")


def test_a_module_is_told_where_it_is_entered_and_left():
    logged = Logged(BYE)
    module = logged.driver.create(
        "contact_flow_module",
        "m",
        {
            "Name": "m",
            "State": "ACTIVE",
            "Status": "PUBLISHED",
            "Content": a_content(says("in", "back"), an_action("back", "EndFlowModuleExecution")),
        },
    )
    call = an_action(
        "call", "InvokeFlowModule", {"FlowModuleId": module}, "bye", NoMatchingError="bye"
    )
    logged.driver.update(
        "contact_flow", "welcome", Content=a_content(switch("log", "call"), call, BYE)
    )
    logged.call(DONE)
    found = [(each["ContactFlowName"], each["ContactFlowModuleType"]) for each in logged.lines]
    assert found == [
        ("welcome", "SetLoggingBehavior"),
        ("welcome", "InvokeFlowModule"),
        ("m", "PlayPrompt"),
        ("m", "ReturnFromFlowModule"),
        ("welcome", "Disconnect"),
    ]
    arn = logged.driver.center.home.arn_of("contact_flow_module", module)
    assert logged.lines[2]["ContactFlowId"] == arn


def test_logging_goes_with_the_contact_and_on_to_the_next():
    """The queue's flow, and the flow of a customer whose agent has hung up."""
    logged = Logged(BYE)
    driver = logged.driver
    aim = an_action(
        "aim",
        "UpdateContactTargetQueue",
        {"QueueId": driver.ids["sales"]},
        "go",
        NoMatchingError="bye",
    )
    driver.update(
        "contact_flow",
        "welcome",
        Content=a_content(
            switch("log", "hook"),
            an_action(
                "hook",
                "UpdateContactEventHooks",
                {"EventHooks": {"CustomerRemaining": driver.a_flow("after", a_content(BYE))}},
                "aim",
                NoMatchingError="bye",
            ),
            aim,
            an_action("go", "TransferContactToQueue", {}, "bye", NoMatchingError="bye"),
            BYE,
        ),
    )
    driver.name("whisper", driver.center.named("contact_flow", "Default agent whisper"))
    told_agent = says("told", "end", text="$.Agent.UserName")
    whisper = a_content(told_agent, an_action("end", "EndFlowExecution"))
    driver.update("contact_flow", "whisper", Content=whisper)
    driver.available("a1")
    logged.call()
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.LeaveContact(driver.ids["a1"], "c1"))
    queue = driver.center.home.arn_of("queue", driver.ids["sales"])
    assert logged.parameters("aim") == [{"Queue": queue}]
    assert logged.told[3] == ("Transfer", "go")
    assert [each["Text"] for each in logged.parameters("told")] == ["a1"]
    flows = [each["ContactFlowName"] for each in logged.lines]
    assert flows[:4] == ["welcome"] * 4
    assert "Default agent whisper" in flows
    assert flows[-1] == "after"
    assert logged.lines[-1]["ContactId"] != logged.lines[0]["ContactId"]


def test_a_reader_of_the_journal_makes_the_same_lines():
    """Also from a snapshot in the middle."""
    logged = Logged(switch("log", "hello"), says("hello", "menu"), menu(), BYE).call(DONE, ONE)
    for snapshot_at in (0, len(logged.driver.bytes) - 2, len(logged.driver.bytes) - 1):
        center, again = Center(), []
        for number, record in enumerate(logged.driver.bytes):
            if number == snapshot_at and number:
                center, again = engine.restore(engine.image(center)), []
            outcome = decode_outcome(record)
            for event in outcome.events:
                engine.apply(center, event, outcome.at)
                again += [each.line for each in flow_logs(center, event)]
        assert again
        assert again == logged.lines[-len(again) :]


def test_every_name_is_that_of_an_action():
    assert MODULE_TYPES.keys() <= BLOCKS.keys()
