"""Samples: flows that show how things are done, in every new instance.

The engine adds them when an instance is born. The names are those that clients look up; contents
are our own. Every content is valid PUBLISHED content that names only what the instance has, which a
test holds. What an instance does not have, a function or a key for encryption, a sample takes from
attributes of the contact, and says so when they are not set.

Source: behaviour specification, section 1.2; Amazon Connect administrator guide, Sample flows.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ringfloor.flow.defaults import DefaultFlow, action, document, say

Arn = Callable[[str], str]
"""The ARN of a flow by its name; it is asked for none but those that were taken before."""

AB_TEST = "Sample AB test"
CALLBACK = "Sample interruptible queue flow with callback"
CONFIGURATIONS = "Sample queue configurations flow"
DISCONNECT = "Sample disconnect flow"
FIRST = "Sample inbound flow (first contact experience)"
FUNCTION = "Sample Lambda integration"
NOTE = "Sample note for screenpop"
QUEUE = "Sample queue customer"
RECORDING = "Sample recording behavior"
SECURE = "Sample secure input with no agent"
SECURE_AGENT = "Sample secure input with agent"


def sample_flows(queue_arn: str, arn: Arn) -> Iterator[DefaultFlow]:
    """The samples, each after those that it leads to."""
    inbound = "CONTACT_FLOW"
    yield DefaultFlow(CALLBACK, "CUSTOMER_QUEUE", _callback())
    yield DefaultFlow(DISCONNECT, inbound, _disconnect(queue_arn))
    yield DefaultFlow(QUEUE, inbound, _queue(queue_arn, arn))
    yield DefaultFlow(CONFIGURATIONS, inbound, _configurations(arn))
    yield DefaultFlow(AB_TEST, inbound, _ab_test(arn))
    yield DefaultFlow(FUNCTION, inbound, _function(arn))
    yield DefaultFlow(NOTE, inbound, _note(arn))
    yield DefaultFlow(RECORDING, inbound, _recording(arn))
    yield DefaultFlow(SECURE, inbound, _secure())
    yield DefaultFlow(SECURE_AGENT, "QUEUE_TRANSFER", _secure_agent())
    yield DefaultFlow(FIRST, inbound, _first(arn))


_GOODBYE = action("goodbye", "DisconnectParticipant")
_SORRY = say("sorry", "Something went wrong on our side. Please try again later.", "goodbye")
_END = (_SORRY, _GOODBYE)


def _menu(identifier: str, text: str, keys: dict[str, str], otherwise: str) -> dict[str, Any]:
    """A menu: key to the next action."""
    return action(
        identifier,
        "GetParticipantInput",
        {"Text": text, "InputTimeLimitSeconds": "5", "StoreInput": "False"},
        otherwise,
        [("Equals", key, target) for key, target in keys.items()],
        NoMatchingCondition=otherwise,
        NoMatchingError=otherwise,
        InputTimeLimitExceeded=otherwise,
    )


def _go_to(identifier: str, arn: str) -> dict[str, Any]:
    return action(
        identifier, "TransferToFlow", {"ContactFlowId": arn}, "sorry", NoMatchingError="sorry"
    )


def _enqueue(then: str = "sorry", full: str = "full") -> dict[str, Any]:
    return action(
        "enqueue", "TransferContactToQueue", {}, then, QueueAtCapacity=full, NoMatchingError=then
    )


_FULL = say("full", "All lines are taken at the moment. Please try again later.", "goodbye")


def _target_queue(queue_arn: str, then: str) -> dict[str, Any]:
    return action(
        "choose queue",
        "UpdateContactTargetQueue",
        {"QueueId": queue_arn},
        then,
        NoMatchingError="sorry",
    )


def _queue(queue_arn: str, arn: Arn) -> dict[str, Any]:
    """Open, staffed? Then with a queue flow that lets the customer be called back."""
    return document(
        _target_queue(queue_arn, "open"),
        action(
            "open",
            "CheckHoursOfOperation",
            {},
            "closed",
            [("Equals", "True", "hook"), ("Equals", "False", "closed")],
            NoMatchingError="sorry",
        ),
        action(
            "hook",
            "UpdateContactEventHooks",
            {"EventHooks": {"CustomerQueue": arn(CALLBACK)}},
            "enqueue",
            NoMatchingError="enqueue",
        ),
        _enqueue(),
        _FULL,
        say("closed", "We are closed. Please contact us again when we are open.", "goodbye"),
        *_END,
    )


def _callback() -> dict[str, Any]:
    """Every half minute the customer may ask to be called back instead."""
    return document(
        action(
            "wait",
            "MessageParticipantIteratively",
            {
                "Messages": [{"Text": "Thank you for waiting. An agent will be with you soon."}],
                "InterruptFrequencySeconds": "30",
            },
            None,
            [("Equals", "MessagesInterrupted", "offer")],
            NoMatchingError="end",
        ),
        _menu(
            "offer", "To be called back, press 1. To stay in line, press 2.", {"1": "ask"}, "wait"
        ),
        action(
            "ask",
            "GetParticipantInput",
            {
                "Text": "Please enter your number with its country code, then press the hash key.",
                "InputTimeLimitSeconds": "10",
                "StoreInput": "True",
                "InputValidation": {"PhoneNumberValidation": {"NumberFormat": "E164"}},
            },
            "keep",
            NoMatchingError="wait",
            InvalidPhoneNumber="invalid",
        ),
        action(
            "keep",
            "UpdateContactCallbackNumber",
            {"CallbackNumber": "$.StoredCustomerInput"},
            "call back",
            InvalidCallbackNumber="invalid",
            CallbackNumberNotDialable="invalid",
        ),
        action(
            "call back",
            "CreateCallbackContact",
            {
                "InitialCallDelaySeconds": "5",
                "MaximumConnectionAttempts": "2",
                "RetryDelaySeconds": "600",
            },
            "promise",
            NoMatchingError="wait",
        ),
        say("promise", "We will call you as soon as it is your turn.", "goodbye"),
        say("invalid", "We cannot call that number.", "offer"),
        action("end", "EndFlowExecution"),
        _GOODBYE,
    )


def _disconnect(queue_arn: str) -> dict[str, Any]:
    """The agent has left: a chat waits for the customer to come back, a call ends."""
    return document(
        action(
            "channel",
            "Compare",
            {"ComparisonValue": "$.Channel"},
            "goodbye",
            [("Equals", "CHAT", "ask")],
            NoMatchingCondition="goodbye",
        ),
        say("ask", "The agent has left. Write to us if there is anything else.", "wait"),
        action(
            "wait",
            "Wait",
            {"TimeLimitSeconds": "900", "Events": ["CustomerReturned"]},
            "goodbye",
            [
                ("Equals", "CustomerReturned", "choose queue"),
                ("Equals", "WaitCompleted", "goodbye"),
            ],
            NoMatchingError="goodbye",
        ),
        _target_queue(queue_arn, "enqueue"),
        _enqueue(),
        _FULL,
        *_END,
    )


def _configurations(arn: Arn) -> dict[str, Any]:
    """Sooner or later in line: by priority, by age."""
    keys = {"1": "first", "2": "older"}
    return document(
        _menu("menu", "To be served first, press 1. To age ten minutes, press 2.", keys, "go"),
        action("first", "UpdateContactRoutingBehavior", {"QueuePriority": "1"}, "go"),
        action(
            "older", "UpdateContactRoutingBehavior", {"QueueTimeAdjustmentSeconds": "600"}, "go"
        ),
        _go_to("go", arn(QUEUE)),
        *_END,
    )


def _ab_test(arn: Arn) -> dict[str, Any]:
    """Half of the customers hear this, half hear that."""
    return document(
        action(
            "draw",
            "DistributeByPercentage",
            {},
            "b",
            [("NumberLessThan", "51", "a"), ("NumberLessThan", "101", "b")],
            NoMatchingCondition="b",
        ),
        _noted("a", "greet a"),
        _noted("b", "greet b"),
        say("greet a", "Hello. You are in group A.", "go"),
        say("greet b", "Hello. You are in group B.", "go"),
        _go_to("go", arn(QUEUE)),
        *_END,
    )


def _noted(group: str, then: str) -> dict[str, Any]:
    """The group stands in the contact's record."""
    attributes = {"Attributes": {"group": group.upper()}, "TargetContact": "Current"}
    return action(group, "UpdateContactAttributes", attributes, then, NoMatchingError=then)


def _function(arn: Arn) -> dict[str, Any]:
    """What a function answers is said; its ARN is an attribute of the contact."""
    missing = "Set the attribute functionArn to the ARN of a function that answers a message."
    return document(
        action(
            "look up",
            "InvokeLambdaFunction",
            {
                "LambdaFunctionARN": "$.Attributes.functionArn",
                "InvocationTimeLimitSeconds": "3",
                "LambdaInvocationAttributes": {"number": "$.CustomerEndpoint.Address"},
                "ResponseValidation": {"ResponseType": "STRING_MAP"},
            },
            "tell",
            NoMatchingError="missing",
        ),
        say("tell", "The function says: $.External.message", "go"),
        say("missing", missing, "go"),
        _go_to("go", arn(QUEUE)),
        *_END,
    )


def _note(arn: Arn) -> dict[str, Any]:
    """The agent's desktop shows what stands in this attribute."""
    note = {"note": "Came by $.Channel from $.CustomerEndpoint.Address"}
    return document(
        action(
            "note",
            "UpdateContactAttributes",
            {"Attributes": note, "TargetContact": "Current"},
            "go",
            NoMatchingError="go",
        ),
        _go_to("go", arn(QUEUE)),
        *_END,
    )


def _recording(arn: Arn) -> dict[str, Any]:
    """The customer chooses who is recorded."""

    def record(identifier: str, *participants: str) -> dict[str, Any]:
        return action(
            identifier,
            "UpdateContactRecordingBehavior",
            {"RecordingBehavior": {"RecordedParticipants": list(participants)}},
            "go",
        )

    keys = {"1": "both", "2": "agent", "3": "nobody"}
    return document(
        _menu(
            "menu",
            "Press 1 to record agent and customer, 2 for the agent alone, 3 for nobody.",
            keys,
            "nobody",
        ),
        record("both", "Agent", "Customer"),
        record("agent", "Agent"),
        record("nobody"),
        _go_to("go", arn(QUEUE)),
        *_END,
    )


def _secret(then: str, failed: str) -> dict[str, Any]:
    """Digits that are stored encrypted, with a key that is an attribute of the contact."""
    return action(
        "ask",
        "GetParticipantInput",
        {
            "Text": "Please enter your card number, then press the hash key.",
            "InputTimeLimitSeconds": "10",
            "StoreInput": "True",
            "InputValidation": {"CustomValidation": {"MaximumLength": "20"}},
            "InputEncryption": {
                "EncryptionKeyId": "$.Attributes.keyId",
                "Key": "$.Attributes.certificate",
            },
        },
        then,
        NoMatchingError=failed,
    )


_NO_KEY = "Set the attributes keyId and certificate to a key with which input is encrypted."


def _kept(then: str) -> dict[str, Any]:
    attributes = {"Attributes": {"encryptedInput": "$.StoredCustomerInput"}}
    return action("keep", "UpdateContactAttributes", attributes, then, NoMatchingError=then)


def _secure() -> dict[str, Any]:
    return document(
        _secret("keep", "no key"),
        _kept("thank"),
        say("thank", "Thank you. Your input was stored encrypted.", "goodbye"),
        say("no key", _NO_KEY, "goodbye"),
        _GOODBYE,
    )


def _secure_agent() -> dict[str, Any]:
    """A quick connect leads the customer here; the agent waits on hold and hears nothing of it."""

    def hold(identifier: str, state: str, then: str, failed: str) -> dict[str, Any]:
        parameters = {"PreviousContactParticipantState": state}
        type_ = "UpdatePreviousContactParticipantState"
        return action(identifier, type_, parameters, then, NoMatchingError=failed)

    return document(
        hold("hold agent", "AgentOnHold", "ask", "sorry"),
        _secret("keep", "no key"),
        _kept("join"),
        say("no key", _NO_KEY, "join"),
        hold("join", "OffHold", "goodbye", "sorry"),
        *_END,
    )


def _first(arn: Arn) -> dict[str, Any]:
    """A greeting, and a menu of the other samples; who cannot press keys goes to the queue."""
    places = {
        "1": ("queue", QUEUE),
        "2": ("configurations", CONFIGURATIONS),
        "3": ("test", AB_TEST),
        "4": ("recording", RECORDING),
        "5": ("secure", SECURE),
        "6": ("function", FUNCTION),
        "7": ("note", NOTE),
    }
    words = (
        "Press 1 for an agent, 2 for another place in line, 3 for an A B test, 4 to choose what is "
        "recorded, 5 to enter something secret, 6 to call a function, or 7 to leave a note."
    )
    keys = {key: identifier for key, (identifier, _) in places.items()}
    return document(
        action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "leave"),
        action(
            "leave",
            "UpdateContactEventHooks",
            {"EventHooks": {"CustomerRemaining": arn(DISCONNECT)}},
            "greet",
            NoMatchingError="greet",
        ),
        say("greet", "Hello, and thank you for contacting us.", "channel"),
        action(
            "channel",
            "Compare",
            {"ComparisonValue": "$.Channel"},
            "queue",
            [("Equals", "VOICE", "menu")],
            NoMatchingCondition="queue",
        ),
        _menu("menu", words, keys, "queue"),
        *(_go_to(identifier, arn(name)) for identifier, name in places.values()),
        *_END,
    )
