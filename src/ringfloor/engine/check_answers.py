"""Check answers: what flows want to know: hours, metrics, chance, what became of a call.

Rows of engine.answers.ANSWERS. Nothing here looks at all agents or all contacts: engine.staff and
Center.waits have the sums. Sources: behaviour specification, sections 3.4, 6.4 and 6.6, choices 20
and 22 of section 9.
"""

from typing import Any, cast

from ringfloor.base.time import SECOND, Duration
from ringfloor.domain import dialogue
from ringfloor.domain.vocabulary import CHANNELS, Channel
from ringfloor.engine import opening, staff
from ringfloor.engine.reply import FAILED, Reply, Stand, result
from ringfloor.engine.staff import Staffing
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment


def check_hours(stand: Stand, ask: dialogue.CheckHours) -> Reply:
    """Of these hours, or of the target queue; an agent's queue has none."""
    center = stand.center
    hours_id = last_segment(ask.hours_id or "")
    if not hours_id:
        queue = center.resources["queue"].get(stand.contact.queue_id or "")
        hours_id = "" if queue is None else queue.properties["HoursOfOperationId"]
    if hours_id not in center.resources[opening.KIND]:
        return FAILED
    return result(str(opening.is_open(center, hours_id, center.at)))


def _asked_queue(stand: Stand, queue_id: str | None, agent_id: str | None) -> str | None:
    """The queue, or the agent, that is asked about; None: there is no such thing."""
    found = last_segment(queue_id or agent_id or "") or stand.contact.queue_id or ""
    center = stand.center
    return found if found in center.resources["queue"] or found in center.agents else None


def _staffing(center: Center, queue_id: str, channel: Channel | None) -> Staffing:
    if queue_id in center.agents:
        return staff.of_agent(center, queue_id, channel)
    return staff.of_queue(center, queue_id, channel)


def waiting(center: Center, queue_id: str, channel: Channel | None) -> tuple[int, Duration]:
    """How many contacts wait in the queue, and how long the oldest of them has."""
    found = [
        center.waits[queue_id, each]
        for each in (CHANNELS if channel is None else (channel,))
        if (queue_id, each) in center.waits
    ]
    oldest = min((waits[0][0] for waits in found), default=center.at)
    return sum(len(waits) for waits in found), center.at - oldest


def check_metric(stand: Stand, ask: dialogue.CheckMetric) -> Reply:
    """A number; the age of the oldest contact in milliseconds (choice 20)."""
    center = stand.center
    queue_id = _asked_queue(stand, ask.queue_id, ask.agent_id)
    if queue_id is None:
        return FAILED
    agents = _staffing(center, queue_id, None)
    count, oldest_ms = waiting(center, queue_id, None)
    metrics = {
        "NumberOfAgentsOnline": agents.online,
        "NumberOfAgentsStaffed": agents.staffed,
        "NumberOfAgentsAvailable": agents.available,
        "NumberOfContactsInQueue": count,
        "OldestContactInQueueAgeSeconds": oldest_ms,
    }
    if ask.metric not in metrics:
        return FAILED
    return result(str(int(metrics[ask.metric])))


def get_metrics(stand: Stand, ask: dialogue.GetMetrics) -> Reply:
    """What $.Metrics shows; ages in whole seconds."""
    center = stand.center
    queue_id = _asked_queue(stand, ask.queue_id, ask.agent_id)
    channel = cast("Channel | None", ask.channel)
    if queue_id is None or (channel is not None and channel not in CHANNELS):
        return FAILED
    count, oldest_ms = waiting(center, queue_id, channel)
    staffing = _staffing(center, queue_id, channel)
    shown: dict[str, Any] = {"Size": count, "OldestContactAge": oldest_ms // SECOND}
    resource = center.resources["queue"].get(queue_id)
    if resource is not None:
        shown |= {"Name": resource.name, "ARN": center.home.arn_of("queue", resource.id)}
    agents = {
        "".join(word.capitalize() for word in name.split("_")): {"Count": int(number)}
        for name, number in staffing._asdict().items()
    }
    return Reply(dialogue.Answer({"Queue": shown, "Agents": agents}))


def draw(stand: Stand, _ask: dialogue.Draw) -> Reply:
    """One of 1 to 100, from the command's own chance."""
    return result(str(int.from_bytes(stand.seed, "big") % 100 + 1))


DIALLED = frozenset({"API", "CALLBACK_CUSTOMER_FIRST_DIALED"})
"""How calls begin that have been dialled before their flow began."""


def check_call(stand: Stand, _ask: dialogue.CheckCall) -> Reply:
    """Nobody listens for answering machines: whatever has answered has answered."""
    dialled = stand.contact.initiation_method in DIALLED
    return result("CallAnswered" if dialled else "NotDetected")
