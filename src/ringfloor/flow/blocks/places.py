"""Places: where the contact goes from here: a queue, an agent, a number, a flow, a module.

* A transfer that was granted is the end of the flow, but a third party who leaves gives the
  customer back to it where ContinueFlowExecution says so.
* A module sees of its caller's flow only its input. What it gives back is $.Modules.Result, the
  name of its own branch, and $.Modules.ResultData, until the next module is invoked.

Source: behaviour specification, sections 6.1 and 6.4.
"""

from msgspec.structs import replace

from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain.dialogue import (
    Ask,
    DequeueAndTransfer,
    Done,
    EnterFlow,
    EnterModule,
    Heard,
    LeaveModule,
    Left,
    SetTargetQueue,
    TransferToNumber,
)
from ringfloor.flow.blocks.contact import caller_id
from ringfloor.flow.blocks.scene import (
    FAILURE,
    OVER,
    SUCCESS,
    Outcome,
    Scene,
    checked_record,
)
from ringfloor.flow.values import is_true


def target_queue(scene: Scene) -> Ask | Outcome:
    if queue_id := scene.single("QueueId"):
        return SetTargetQueue(queue_id=queue_id)
    if agent_id := scene.single("AgentId"):
        return SetTargetQueue(agent_id=agent_id)
    return FAILURE


def dequeue(scene: Scene) -> Ask | Outcome:
    queue_id, agent_id = scene.single("QueueId"), scene.single("AgentId")
    named = scene.parameters.keys() & {"QueueId", "AgentId"}
    if named and not (queue_id or agent_id):
        return FAILURE
    if queue_id:
        return DequeueAndTransfer(queue_id=queue_id)
    return DequeueAndTransfer(agent_id=agent_id or None)


def _resumes(scene: Scene) -> bool:
    return is_true(scene.parameters.get("ContinueFlowExecution", True))


def third_party(scene: Scene) -> Ask | Outcome:
    number = scene.single("ThirdPartyPhoneNumber")
    digits = scene.text("ThirdPartyDTMFDigits") or ""
    if not number or len(digits) > _DIGITS_MAX or not set(digits) <= _KEYS:
        return FAILURE
    return TransferToNumber(
        number=number,
        ring_ms=scene.milliseconds(
            scene.parameters.get("ThirdPartyConnectionTimeLimitSeconds"), 30 * SECOND, 600, 0
        ),
        resumes=_resumes(scene),
        digits=digits,
        caller_id=caller_id(scene),
    )


_DIGITS_MAX = 50
_KEYS = frozenset("0123456789*#,")


def third_party_left(scene: Scene, heard: Heard) -> Outcome:
    if not isinstance(heard, Done):
        return FAILURE
    return SUCCESS if _resumes(scene) else OVER


def enter_flow(scene: Scene) -> Ask | Outcome:
    flow_id = scene.single("ContactFlowId")
    return EnterFlow(flow_id) if flow_id else FAILURE


def enter_module(scene: Scene) -> Ask | Outcome:
    module_id = scene.single("FlowModuleId")
    given = scene.texts("Input", ATTRIBUTES_BYTES_MAX)
    return EnterModule(module_id, given) if module_id and given is not None else FAILURE


def module_left(scene: Scene, heard: Heard) -> Outcome:
    result, output = None, {}
    if isinstance(heard, Left):
        kept = checked_record(heard.output)
        if kept is None:
            return FAILURE
        result, output = heard.result, kept
    given_back = {"Result": result, "ResultData": output}
    return Outcome(result=result, session=replace(scene.session, module_result=given_back))


def leave_module(scene: Scene) -> Ask | Outcome:
    output = scene.resolved(scene.record("ResultData"))
    return LeaveModule(scene.text("Result") or None, output or {})
