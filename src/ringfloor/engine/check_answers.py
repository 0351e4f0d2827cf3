"""Check answers: what flows want to know: hours, metrics, chance, what became of a call.

Rows of engine.answers.ANSWERS. Nothing here looks at all agents or all contacts: engine.staff and
Center.waits have the sums. Of waits to come nobody here knows: who asks for those is told what is
counted now by effects.EstimateWait, and the world adds them. Sources: behaviour specification,
sections 3.4, 6.4 and 6.6, choices 20 and 22 of section 9; AWS's list of attributes.
"""

from typing import Any, cast

from ringfloor.base.time import SECOND, Duration
from ringfloor.domain import dialogue
from ringfloor.domain.contact import Contact
from ringfloor.domain.vocabulary import CHANNELS, Channel
from ringfloor.engine import opening, queue, staff
from ringfloor.engine.reply import FAILED, Reply, Stand, result
from ringfloor.engine.staff import Staffing
from ringfloor.engine.state import Center
from ringfloor.engine.view import last_segment

Metrics = dict[str, dict[str, Any]]
"""As $.Metrics has them: Queue, Agents, Contact."""


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


def asked_queue(
    center: Center, contact: Contact, ask: dialogue.CheckMetric | dialogue.GetMetrics
) -> str | None:
    """The queue, or the agent, that is asked about; None: there is no such thing."""
    found = last_segment(ask.queue_id or ask.agent_id or "") or contact.queue_id or ""
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
    queue_id = asked_queue(center, stand.contact, ask)
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
    """What $.Metrics shows.

    The world answers where a wait is estimated: of a queue on one channel, as at AWS, and of the
    contact itself while it is in queue.
    """
    shown = metrics(stand.center, stand.contact, ask)
    if shown is None:
        return FAILED
    return Reply(None if ask.channel is not None or "Contact" in shown else dialogue.Answer(shown))


def metrics(center: Center, contact: Contact, ask: dialogue.GetMetrics) -> Metrics | None:
    """What is counted now; ages in whole seconds. None: there is no such queue or channel."""
    queue_id = asked_queue(center, contact, ask)
    channel = cast("Channel | None", ask.channel)
    if queue_id is None or (channel is not None and channel not in CHANNELS):
        return None
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
    found: Metrics = {"Queue": shown, "Agents": agents}
    if queue.has_place(contact):
        found["Contact"] = {"PositionInQueue": queue.position(center, contact)}
    return found


def draw(stand: Stand, _ask: dialogue.Draw) -> Reply:
    """One of 1 to 100, from the command's own chance."""
    return result(str(int.from_bytes(stand.seed, "big") % 100 + 1))


DIALLED = frozenset({"API", "CALLBACK_CUSTOMER_FIRST_DIALED"})
"""How calls begin that have been dialled before their flow began."""


def check_call(stand: Stand, _ask: dialogue.CheckCall) -> Reply:
    """Nobody listens for answering machines: whatever has answered has answered."""
    dialled = stand.contact.initiation_method in DIALLED
    return result("CallAnswered" if dialled else "NotDetected")
