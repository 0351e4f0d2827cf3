"""Flow builders: small flows for tests, and the real ones that lie beside the repository."""

import json
from pathlib import Path
from typing import Any

from ringfloor.base import codec
from ringfloor.domain.dialogue import Ask, Heard, Session
from ringfloor.flow.interpreter import Step, begin, step
from ringfloor.flow.language import Flow, parse

SHARED_FLOWS = Path(__file__).resolve().parents[1].parent / "shared" / "flows"

ASKS, HEARD, SESSIONS = codec.decoder(Ask), codec.decoder(Heard), codec.decoder(Session)

VIEW: dict[str, Any] = {
    "ContactId": "c1",
    "Channel": "VOICE",
    "AwsRegion": "eu-west-1",
    "Attributes": {"name": "Ann", "my key": "v", "tier": "gold", "queue": "q7", "count": "12"},
    "CustomerEndpoint": {"Address": "+4930123456", "Type": "TELEPHONE_NUMBER"},
    "Queue": {"Name": "Sales", "ARN": "arn:aws:connect:q1", "OutboundCallerId": None, "Depth": 9},
    "Tags": None,
}


def an_action(
    type_: str,
    parameters: dict[str, Any] | None = None,
    *,
    identifier: str = "it",
    then: str | None = "next",
    when: dict[tuple[str, str], str] | None = None,
    errors: tuple[str, ...] = (),
) -> dict[str, Any]:
    """An action whose branches lead to the places they are named after: error E goes to E."""
    transitions: dict[str, Any] = {} if then is None else {"NextAction": then}
    if when:
        transitions["Conditions"] = [
            {"NextAction": target, "Condition": {"Operator": operator, "Operands": [operand]}}
            for (operator, operand), target in when.items()
        ]
    if errors:
        transitions["Errors"] = [{"NextAction": error, "ErrorType": error} for error in errors]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": parameters or {},
        "Transitions": transitions,
    }


def a_document(*actions: dict[str, Any]) -> dict[str, Any]:
    """Content with these actions, and with an end for every place they lead to."""
    known = {action["Identifier"] for action in actions}
    places = {
        entry["NextAction"]
        for action in actions
        for entry in (
            action["Transitions"],
            *action["Transitions"].get("Errors", []),
            *action["Transitions"].get("Conditions", []),
        )
        if entry.get("NextAction")
    }
    ends = [
        an_action("DisconnectParticipant", identifier=place, then=None)
        for place in sorted(places - known)
    ]
    return {
        "Version": "2019-10-30",
        "StartAction": actions[0]["Identifier"],
        "Actions": [*actions, *ends],
    }


def a_flow(*actions: dict[str, Any]) -> Flow:
    return parse(json.dumps(a_document(*actions)), "CONTACT_FLOW", published=False)


def first(flow: Flow, view: dict[str, Any] | None = None, **session: Any) -> Step:
    """The first ask of a flow, from a session with these fields."""
    return step(flow, Session(flow_id="f1", **session), None, VIEW if view is None else view)


def asks(type_: str, parameters: dict[str, Any], **view: Any) -> Ask | str:
    """What an action asks, or the place where it leads without asking; `session`: its fields."""
    action = an_action(type_, parameters, errors=("NoMatchingError", "NoMatchingCondition"))
    session = view.pop("session", {})
    taken = first(a_flow(action), VIEW | view, **session)
    return taken.ask if taken.session.action == "it" else str(taken.session.action)


def hears(
    type_: str,
    parameters: dict[str, Any],
    heard: Heard,
    errors: tuple[str, ...] = ("NoMatchingError",),
    when: dict[tuple[str, str], str] | None = None,
    **view: Any,
) -> Step:
    """Where an action leads when it hears this."""
    flow = a_flow(an_action(type_, parameters, errors=errors, when=when))
    asked = first(flow, VIEW | view)
    assert asked.session.action == "it"
    return step(flow, asked.session, heard, VIEW | view)


def place(taken: Step) -> str | None:
    return taken.session.action


def walk(flow: Flow, heards: list[Heard], view: dict[str, Any] | None = None) -> list[Step]:
    """Every step of a contact that hears these things, each taken from a decoded session too."""
    seen = VIEW if view is None else view
    steps = [step(flow, begin("f1"), None, seen)]
    for heard in heards:
        session = steps[-1].session
        taken = step(flow, session, heard, seen)
        revived = SESSIONS.decode(codec.encode(session))
        again = HEARD.decode(codec.encode(heard))
        assert step(flow, revived, again, seen) == taken
        steps.append(taken)
    for taken in steps:
        assert ASKS.decode(codec.encode(taken.ask)) == taken.ask
        assert SESSIONS.decode(codec.encode(taken.session)) == taken.session
    return steps


def real_flows() -> dict[str, str]:
    """Content of the published flows by file name; they must be there."""
    contents = {path.stem: path.read_text() for path in sorted(SHARED_FLOWS.glob("*.json"))}
    assert len(contents) >= 70, f"the shared flows are missing in {SHARED_FLOWS}"
    return contents


def type_of(content: str) -> str:
    """A flow type that the actions of a content may stand in."""
    if '"EndFlowModuleExecution"' in content:
        return "MODULE"
    if '"MessageParticipantIteratively"' in content:
        return "CUSTOMER_QUEUE"
    return "OUTBOUND_WHISPER" if '"EndFlowExecution"' in content else "CONTACT_FLOW"
