"""Control: where a flow goes on, and what it remembers for that.

* OldestContactInQueueAgeSeconds is compared in milliseconds, as the console writes its operand.
* A loop goes round as often as it says, is then done once, and begins anew when it is met again.
* A draw that was not made matches no condition.

Source: behaviour specification, sections 6.4 and 6.6, flow control actions.
"""

from msgspec.structs import replace

from ringfloor.base.limits import ATTRIBUTES_BYTES_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain.dialogue import (
    Answer,
    Ask,
    CheckHours,
    CheckMetric,
    Draw,
    GetMetrics,
    Heard,
    Result,
    SetLogging,
    Wait,
)
from ringfloor.flow import references
from ringfloor.flow.blocks.scene import FAILURE, Outcome, Scene, checked_record
from ringfloor.flow.catalog import METRIC_TYPES, NO_MATCHING_CONDITION


def compare(scene: Scene) -> Ask | Outcome:
    given = scene.parameters.get("ComparisonValue")
    found = references.value(given, scene.root) if isinstance(given, str) else None
    result = references.as_text(found)
    return Outcome(result=result) if result else Outcome(error=NO_MATCHING_CONDITION)


def hours(scene: Scene) -> Ask | Outcome:
    hours_id = scene.single("HoursOfOperationId")
    if scene.parameters.get("HoursOfOperationId") and not hours_id:
        return FAILURE
    return CheckHours(hours_id or None)


def _queue_or_agent(scene: Scene) -> dict[str, str | None] | None:
    """Which queue is meant; None when it is named, but by nothing."""
    found = {"queue_id": scene.single("QueueId"), "agent_id": scene.single("AgentId")}
    named = any(scene.parameters.get(name) for name in ("QueueId", "AgentId"))
    if named and not any(found.values()):
        return None
    return {name: value or None for name, value in found.items()}


def metric(scene: Scene) -> Ask | Outcome:
    kind, whose = scene.parameters.get("MetricType"), _queue_or_agent(scene)
    if not isinstance(kind, str) or kind not in METRIC_TYPES or whose is None:
        return FAILURE
    return CheckMetric(metric=kind, **whose)


def metrics(scene: Scene) -> Ask | Outcome:
    whose = _queue_or_agent(scene)
    if whose is None:
        return FAILURE
    return GetMetrics(channel=(scene.text("QueueChannel") or "").upper() or None, **whose)


def measured(scene: Scene, heard: Heard) -> Outcome:
    found = checked_record(heard.payload) if isinstance(heard, Answer) else None
    return FAILURE if found is None else Outcome(session=replace(scene.session, metrics=found))


def draw(_scene: Scene) -> Ask | Outcome:
    return Draw()


def drawn(_scene: Scene, heard: Heard) -> Outcome:
    if isinstance(heard, Result):
        return Outcome(result=heard.value)
    return Outcome(error=NO_MATCHING_CONDITION)


def loop(scene: Scene) -> Ask | Outcome:
    count = scene.whole(scene.parameters.get("LoopCount"), 0, _ROUNDS_MAX)
    if count is None:
        return FAILURE
    loops, name = dict(scene.session.loops), scene.action.identifier
    rounds = loops.pop(name, 0)
    if rounds < count:
        loops[name] = rounds + 1
    result = "ContinueLooping" if rounds < count else "DoneLooping"
    return Outcome(result=result, session=replace(scene.session, loops=loops))


_ROUNDS_MAX = 100


def wait(scene: Scene) -> Ask | Outcome:
    seconds = scene.whole(scene.parameters.get("TimeLimitSeconds"), 1, _WAIT_SECONDS_MAX)
    events = scene.parameters.get("Events")
    named = events if isinstance(events, list) else []
    if seconds is None or not all(isinstance(event, str) for event in named):
        return FAILURE
    return Wait(seconds * SECOND, tuple(named))


_WAIT_SECONDS_MAX = 604_800


def flow_attributes(scene: Scene) -> Ask | Outcome:
    found: dict[str, str] = {}
    size = 0
    for key, given in scene.record("FlowAttributes").items():
        value = scene.written(given.get("Value") if isinstance(given, dict) else given)
        found[scene.written(key)] = value
        size += len(key) + len(value)
        if size > ATTRIBUTES_BYTES_MAX:
            return FAILURE
    kept = {**scene.session.flow_attributes, **found}
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in kept.items())
    if size > ATTRIBUTES_BYTES_MAX:
        return FAILURE
    return Outcome(session=replace(scene.session, flow_attributes=kept))


def logging(scene: Scene) -> Ask | Outcome:
    return SetLogging(scene.parameters.get("FlowLoggingBehavior") == "Enabled")
