"""Flow logs: what the flows of contacts do, one line an action, in the words of AWS's own.

Called by engine.run's witness, right after an event was applied: the contact is as it was at that
moment, and Run.before says where its flow was before that. Rules:

* Logged are contacts whose flow has switched logging on, while the instance's attribute
  CONTACTFLOW_LOGS is on. Whoever switches it is logged, too. It stays with the contact, on both
  sides, and goes over to the next ones of its chain.
* What is answered at once, or leads away from the flow, has its line when it is come to; what waits
  for somebody, when it is left. References in parameters are replaced by what they lead to then.
* Results: the branch that was taken, or the error; of stored input, what was typed. Input that is
  stored encrypted is not told, nor its key, nor what is filled in in a view.
* Types and parameters have the names of the blocks in AWS's logs where those are known; others are
  the flow language's own. As there, a line tells one attribute: an action may have several.

Sources: Amazon Connect administrator guide, Data in flow logs; API reference,
UpdateFlowLoggingBehavior; published lines of such logs.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ringfloor.base.time import SECOND, iso_milliseconds
from ringfloor.domain import dialogue, events
from ringfloor.domain.contact import Before, Contact
from ringfloor.domain.dialogue import Passed, Session
from ringfloor.domain.resources import Properties
from ringfloor.engine import flows
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment, view
from ringfloor.flow import interpreter
from ringfloor.flow.blocks import Scene
from ringfloor.flow.document import Action, Flow
from ringfloor.flow.values import is_true


class FlowLog(NamedTuple):
    """One line. line: as CloudWatch has it."""

    contact_id: str
    line: Properties


def flow_logs(center: Center, event: events.Event) -> Iterator[FlowLog]:
    """What is logged of this event, which has just been applied."""
    if isinstance(event, events.FlowStepped) and is_on(center):
        contact = center.contacts[event.contact_id]
        if contact.logging or contact.runs[event.side].before is not None:
            walk = _Walk(center, contact, event)
            for left in (*walk.passed(), *walk.come_to()):
                yield from (FlowLog(contact.id, line) for line in _lines(walk, left))


def is_on(center: Center) -> bool:
    """The instance's attribute CONTACTFLOW_LOGS."""
    return center.instance is not None and bool(center.instance.properties.get("ContactflowLogs"))


class _Left(NamedTuple):
    """An action that is done with."""

    passed: Passed
    scene: Scene
    session: Session
    """As the action has left it."""
    has_replied: bool = False
    """It is a function, which has replied something."""


class _Walk:
    """The step that an event tells of, walked again to see what it has come by."""

    def __init__(self, center: Center, contact: Contact, event: events.FlowStepped) -> None:
        run = contact.runs[event.side]
        self.center = center
        self.contact = contact
        self.event = event
        self.session = run.session
        self._flow: Flow = flows.running(center, run)
        self._view = view(center, contact, run.flow_type)
        self._before: Before | None = run.before
        self._scenes: list[Scene] = []
        if run.before is not None:
            look = self._scenes.append
            interpreter.step(self._flow, run.before.session, event.heard, self._view, look)

    def passed(self) -> Iterator[_Left]:
        """What has been left; nothing where logging was off until now."""
        if self._before is None:
            return
        path, heard = list(self.event.path), self.event.heard
        if path and heard is not None:
            first = path.pop(0)
            scene = self._scene(first.action, self._before.session)
            if scene is not None and (self._before.waited or isinstance(heard, dialogue.Left)):
                replied = isinstance(heard, dialogue.Answer) and first.outcome is None
                yield _Left(first, scene, self.session, replied)
        for each, scene in zip(path, self._scenes, strict=False):
            yield _Left(each, scene, self.session)

    def come_to(self) -> Iterator[_Left]:
        """What asks now, if it is done with: the answer is there, or the flow is elsewhere."""
        event, identifier = self.event, self.session.action or ""
        scene = self._scenes[-1] if self._scenes else self._scene(identifier, self.session)
        if not event.action_type or scene is None or event.ask == _ENDLESS:
            return
        if event.outcome is not None:
            outcome = interpreter.outcome_of(scene, event.outcome)
            left = Passed(identifier, event.action_type, outcome.error or outcome.result)
            yield _Left(left, scene, outcome.session or scene.session)
        elif _leads_away(event.ask):
            yield _Left(Passed(identifier, event.action_type), scene, scene.session)

    def _scene(self, identifier: str, session: Session) -> Scene | None:
        action: Action | None = self._flow.actions.get(identifier)
        return None if action is None else Scene(action, session, self._view)


_ENDLESS = dialogue.End("too_many_actions")

_AWAY = (
    dialogue.Disconnect,
    dialogue.End,
    dialogue.EnterFlow,
    dialogue.EnterModule,
    dialogue.LeaveModule,
    dialogue.TransferToQueue,
    dialogue.TransferToAgent,
    dialogue.DequeueAndTransfer,
    dialogue.SetPaused,
)


def _leads_away(ask: dialogue.Ask) -> bool:
    """Whether the flow is over with this ask, or elsewhere before it goes on."""
    transferred = isinstance(ask, dialogue.TransferToNumber) and not ask.resumes
    return transferred or isinstance(ask, _AWAY)


# A line


def _lines(walk: _Walk, left: _Left) -> Iterator[Properties]:
    passed = left.passed
    parameters: Properties = left.scene.resolved(left.scene.parameters) or {}
    members: Properties = {
        "Results": _results(left, parameters),
        "ContactId": walk.contact.id,
        **_flow(walk.center, walk.session.flow_id),
        "ContactFlowModuleType": _module_type(passed.type, parameters),
        "Identifier": passed.action,
        "Timestamp": iso_milliseconds(walk.center.at),
        "ExternalResults": left.session.external if left.has_replied else None,
    }
    known = {name: value for name, value in members.items() if value is not None}
    for each in PARAMETERS.get(passed.type, _as_they_are)(walk.center, parameters):
        yield {**known, "Parameters": each}


def _results(left: _Left, parameters: Properties) -> str | None:
    type_, outcome = left.passed.type, left.passed.outcome
    if type_ == "InvokeLambdaFunction" and outcome is not None:
        return "The Lambda Function Returned An Error."
    if outcome is None and type_ == "GetParticipantInput" and "InputEncryption" not in parameters:
        return left.session.stored_input
    return outcome


def _flow(center: Center, flow_id: str) -> Properties:
    identifier = flows.pointer(flow_id).id
    for kind in ("contact_flow", "contact_flow_module"):
        known = center.resources[kind].get(identifier)
        if known is not None:
            arn = center.home.arn_of(kind, identifier)
            return {"ContactFlowId": arn, "ContactFlowName": known.name}
    return {"ContactFlowId": center.home.arn_of("contact_flow", identifier)}


MODULE_TYPES: Mapping[str, str] = {
    "CheckHoursOfOperation": "CheckHoursOfOperation",
    "Compare": "CheckAttribute",
    "CompleteOutboundCall": "Dial",
    "ConnectParticipantWithLexBot": "GetUserInput",
    "DisconnectParticipant": "Disconnect",
    "EndFlowExecution": "Resume",
    "EndFlowModuleExecution": "ReturnFromFlowModule",
    "GetParticipantInput": "GetUserInput",
    "InvokeLambdaFunction": "InvokeExternalResource",
    "MessageParticipant": "PlayPrompt",
    "TransferContactToQueue": "Transfer",
    "TransferToFlow": "Transfer",
    "UpdateContactAttributes": "SetAttributes",
    "UpdateContactData": "SetContactData",
    "UpdateContactEventHooks": "SetEventHook",
    "UpdateContactRecordingBehavior": "SetRecordingBehavior",
    "UpdateContactTargetQueue": "SetQueue",
    "UpdateContactTextToSpeechVoice": "SetVoice",
    "UpdateFlowAttributes": "SetFlowAttributes",
    "UpdateFlowLoggingBehavior": "SetLoggingBehavior",
}
"""Types of actions to what AWS's logs call them; the others keep their names."""


def _module_type(type_: str, parameters: Properties) -> str:
    if type_ == "GetParticipantInput" and is_true(parameters.get("StoreInput")):
        return "StoreUserInput"
    return MODULE_TYPES.get(type_, type_)


# Parameters as the logs name them


def _as_they_are(_center: Center, parameters: Properties) -> Iterator[Properties]:
    yield parameters


def _attributes(_center: Center, parameters: Properties) -> Iterator[Properties]:
    related = "true" if parameters.get("TargetContact") == "Related" else "false"
    for key, value in _record(parameters, "Attributes").items():
        yield {"Key": key, "Value": value, "AddAttributeToRelatedContact": related}


def _flow_attributes(_center: Center, parameters: Properties) -> Iterator[Properties]:
    for key, given in _record(parameters, "FlowAttributes").items():
        yield {"Key": key, "Value": given.get("Value") if isinstance(given, dict) else given}


def _function(_center: Center, parameters: Properties) -> Iterator[Properties]:
    kind = _record(parameters, "ResponseValidation").get("ResponseType") or "STRING_MAP"
    told: Properties = {"FunctionArn": parameters.get("LambdaFunctionARN")}
    if sent := parameters.get("LambdaInvocationAttributes"):
        told["Parameters"] = sent
    told["ResponseValidation"] = f"ResponseType={kind}"
    yield {**told, **_milliseconds(parameters, "InvocationTimeLimitSeconds", "TimeLimit")}


def _logging(_center: Center, parameters: Properties) -> Iterator[Properties]:
    on = parameters.get("FlowLoggingBehavior") == "Enabled"
    yield {"LoggingBehavior": "Enable" if on else "Disable"}


def _queue(center: Center, parameters: Properties) -> Iterator[Properties]:
    named = parameters.get("QueueId"), parameters.get("AgentId")
    found = next((each for each in named if isinstance(each, str) and each), None)
    if found is None:
        yield parameters
    else:
        of_agent = found == named[1]
        yield {"Queue": center.home.queue_arn(last_segment(found), of_agent=of_agent)}


def _transfer(center: Center, parameters: Properties) -> Iterator[Properties]:
    found = flows.pointer(str(parameters.get("ContactFlowId") or "")).id
    yield {"ContactFlowId": center.home.arn_of("contact_flow", found)}


def _prompt(_center: Center, parameters: Properties) -> Iterator[Properties]:
    yield _spoken(parameters)


def _input(_center: Center, parameters: Properties) -> Iterator[Properties]:
    longest = _record(_record(parameters, "InputValidation"), "CustomValidation")
    told = {
        **_spoken(parameters),
        **_milliseconds(parameters, "InputTimeLimitSeconds", "Timeout"),
    }
    if "MaximumLength" in longest:
        told["MaxDigits"] = str(longest["MaximumLength"])
    for name in ("StoreInput", "InputTimeLimitSeconds", "InputValidation", "InputEncryption"):
        told.pop(name, None)
    yield told


def _spoken(parameters: Properties) -> Properties:
    ssml = parameters.get("SSML")
    if ssml is None and "Text" not in parameters:
        return parameters
    others = {name: value for name, value in parameters.items() if name != "SSML"}
    kind = "text" if ssml is None else "ssml"
    return {"Text": parameters.get("Text", ssml), "TextToSpeechType": kind, **others}


def _milliseconds(parameters: Properties, name: str, told: str) -> Properties:
    try:
        return {told: str(int(parameters[name]) * SECOND)}
    except (KeyError, TypeError, ValueError):
        return {}


def _record(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = parameters.get(name)
    return found if isinstance(found, dict) else {}


PARAMETERS: Mapping[str, Callable[[Center, Properties], Iterator[Properties]]] = {
    "GetParticipantInput": _input,
    "InvokeLambdaFunction": _function,
    "MessageParticipant": _prompt,
    "TransferToFlow": _transfer,
    "UpdateContactAttributes": _attributes,
    "UpdateContactTargetQueue": _queue,
    "UpdateFlowAttributes": _flow_attributes,
    "UpdateFlowLoggingBehavior": _logging,
}
"""What has no row has the names of the flow language."""
