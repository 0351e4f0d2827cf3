"""Defaults: the flows that a new instance begins with.

The engine takes the eight default flows when an instance is born, and offers the sample inbound
flow to whoever wants to take calls at once; samples has the others. The names and the order of
actions are what clients look up; the wording is our own. Every content here is valid PUBLISHED
content, which a test holds.

Sources: behaviour specification, section 1.2; Amazon Connect administrator guide, Default flows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

PROMPTS = ("Beep.wav", "CustomerHold.wav", "CustomerQueue.wav")
"""The recordings that the default flows play when the instance has them."""


class DefaultFlow(NamedTuple):
    """One flow of a new instance: its name, its type and its content."""

    name: str
    type: str
    content: dict[str, Any]


def default_flows(prompts: Mapping[str, str] | None = None) -> tuple[DefaultFlow, ...]:
    """The eight default flows. prompts: the id or ARN of each recording of PROMPTS, by its name.

    Without a recording its flow speaks instead, so the flows work in an instance without prompts.
    """
    recordings = prompts or {}
    beep = _recording(recordings, "Beep.wav", "You are being connected.")
    music = _recording(recordings, "CustomerHold.wav", "You are on hold. Please stay on the line.")
    waiting = _recording(recordings, "CustomerQueue.wav", "You are still in line.")
    thanks = {"Text": "Thank you for calling. An agent will be with you as soon as possible."}
    return (
        DefaultFlow("Default agent hold", "AGENT_HOLD", _loop({"SSML": _AGENT_HOLD})),
        DefaultFlow("Default agent transfer", "AGENT_TRANSFER", _agent_transfer()),
        DefaultFlow("Default agent whisper", "AGENT_WHISPER", _whisper({"Text": "$.Queue.Name"})),
        DefaultFlow("Default customer hold", "CUSTOMER_HOLD", _loop(music)),
        DefaultFlow("Default customer queue", "CUSTOMER_QUEUE", _loop(thanks, waiting)),
        DefaultFlow("Default customer whisper", "CUSTOMER_WHISPER", _whisper(beep)),
        DefaultFlow("Default outbound", "OUTBOUND_WHISPER", _outbound()),
        DefaultFlow("Default queue transfer", "QUEUE_TRANSFER", _queue_transfer()),
    )


def sample_inbound(queue_arn: str) -> DefaultFlow:
    """A greeting, then the queue: enough to take the first call, chat or task."""
    return DefaultFlow(
        "Sample inbound flow",
        "CONTACT_FLOW",
        document(
            action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "note"),
            action(
                "note",
                "UpdateContactAttributes",
                {"Attributes": {"enteredBy": "$.Channel"}, "TargetContact": "Current"},
                "greet",
                NoMatchingError="greet",
            ),
            say("greet", "Hello, and thank you for contacting us.", "choose queue"),
            action(
                "choose queue",
                "UpdateContactTargetQueue",
                {"QueueId": queue_arn},
                "announce",
                NoMatchingError="apologise",
            ),
            say("announce", "We are looking for the next free agent.", "enqueue"),
            action(
                "enqueue",
                "TransferContactToQueue",
                {},
                "goodbye",
                QueueAtCapacity="busy",
                NoMatchingError="apologise",
            ),
            say("busy", "All lines are taken at the moment. Please try again later.", "goodbye"),
            say("apologise", "Something went wrong on our side. Please try again.", "goodbye"),
            action("goodbye", "DisconnectParticipant"),
        ),
    )


_AGENT_HOLD = '<speak>The other party has put you on hold.<break time="10s"/></speak>'


def _agent_transfer() -> dict[str, Any]:
    return document(
        say("announce", "Transferring now.", "transfer"),
        action("transfer", "TransferContactToAgent"),
    )


def _outbound() -> dict[str, Any]:
    return document(
        action(
            "record nobody",
            "UpdateContactRecordingBehavior",
            {"RecordingBehavior": {"RecordedParticipants": []}},
            "announce",
        ),
        say("announce", "This call is not being recorded.", "end"),
        action("end", "EndFlowExecution"),
    )


def _queue_transfer() -> dict[str, Any]:
    closed = "We are closed, or nobody is here to help. Please try again later."
    return document(
        action(
            "open",
            "CheckHoursOfOperation",
            {},
            "closed",
            [("Equals", "True", "staffed"), ("Equals", "False", "closed")],
            NoMatchingError="closed",
        ),
        action(
            "staffed",
            "CheckMetricData",
            {"MetricType": "NumberOfAgentsStaffed"},
            "closed",
            [("NumberGreaterThan", "0", "announce")],
            NoMatchingError="closed",
            NoMatchingCondition="closed",
        ),
        say("announce", "Your call is being transferred.", "transfer"),
        action(
            "transfer",
            "TransferContactToQueue",
            {},
            "closed",
            QueueAtCapacity="closed",
            NoMatchingError="closed",
        ),
        say("closed", closed, "goodbye"),
        action("goodbye", "DisconnectParticipant"),
    )


def _whisper(message: dict[str, Any]) -> dict[str, Any]:
    return document(
        action("say", "MessageParticipant", message, "end", NoMatchingError="end"),
        action("end", "EndFlowExecution"),
    )


def _loop(*messages: dict[str, Any]) -> dict[str, Any]:
    return document(action("play", "MessageParticipantIteratively", {"Messages": list(messages)}))


def _recording(prompts: Mapping[str, str], name: str, otherwise: str) -> dict[str, Any]:
    return {"PromptId": prompts[name]} if name in prompts else {"Text": otherwise}


def say(identifier: str, text: str, then: str) -> dict[str, Any]:
    message = {"Text": text}
    return action(identifier, "MessageParticipant", message, then, NoMatchingError=then)


def action(
    identifier: str,
    type_: str,
    parameters: dict[str, Any] | None = None,
    then: str | None = None,
    conditions: list[tuple[str, str, str]] | None = None,
    **errors: str,
) -> dict[str, Any]:
    """One action; conditions are (operator, operand, next), errors ErrorType=next."""
    transitions: dict[str, Any] = {}
    if then is not None:
        transitions["NextAction"] = then
    if conditions:
        transitions["Conditions"] = [
            {"NextAction": target, "Condition": {"Operator": operator, "Operands": [operand]}}
            for operator, operand, target in conditions
        ]
    if errors:
        transitions["Errors"] = [
            {"NextAction": target, "ErrorType": error} for error, target in errors.items()
        ]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": parameters or {},
        "Transitions": transitions,
    }


def document(*actions: dict[str, Any]) -> dict[str, Any]:
    """A document that starts with its first action; laid out from left to right for an editor."""
    places = {
        action["Identifier"]: {"position": {"x": 250 * column, "y": 20}}
        for column, action in enumerate(actions, 1)
    }
    return {
        "Version": "2019-10-30",
        "StartAction": actions[0]["Identifier"],
        "Metadata": {"entryPointPosition": {"x": 20, "y": 20}, "ActionMetadata": places},
        "Actions": list(actions),
    }
