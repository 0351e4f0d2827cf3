"""Wait estimates: what a contact in line is told of its wait, and what flows are told of waits.

GetContactMetrics and the flow block ask here; so do rehearsals and simulations, which fold the same
read model. What is told is held against what the contact was told before
(projections.announcements): less is told with a reason, which is logged, or not at all.
"""

import logging
from typing import NamedTuple

from ringfloor.base.time import SECOND, Instant
from ringfloor.domain import dialogue
from ringfloor.domain.commands import Hear
from ringfloor.domain.contact import Contact
from ringfloor.engine import queue, routing
from ringfloor.engine.effects import EstimateWait
from ringfloor.engine.reply import NO_MATCHING_ERROR
from ringfloor.engine.state import Center
from ringfloor.projections.announcements import Announced, Announcements
from ringfloor.projections.waiting import Estimate, Waiting, rounded

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """What a contact in line is told. position: its rank, 0 while it rings."""

    position: int
    estimate: Estimate | None
    announced: Announced | None
    """None, as the estimate: nothing is known."""


def told(
    center: Center, waiting: Waiting, announcements: Announcements, contact: Contact, now: Instant
) -> Told:
    """For a contact that has a place in line (engine.queue.has_place)."""
    assert contact.queue_id is not None
    position = queue.position(center, contact)
    found = waiting.estimate(
        contact.queue_id,
        contact.channel,
        position=position,
        free=position > 0 and routing.agent_for(center, contact) is not None,
        now=now,
        step=queue.sought_by(contact) or None,
        contact_id=contact.id,
    )
    if found is None:
        return Told(position, None, None)
    seconds = rounded(found.quantiles.p50_s)
    announced = announcements.announce(contact.id, seconds, found.circumstances, now)
    if announced.before is not None and announced.reasons:
        log.info(
            "contact %s is told a wait of %d s, %d s after one of %d s: %s",
            contact.id,
            announced.seconds,
            (now - announced.before.at) // SECOND,
            announced.before.seconds,
            "; ".join(announced.reasons),
        )
    return Told(position, found, announced)


def answer(
    effect: EstimateWait,
    center: Center,
    waiting: Waiting,
    announcements: Announcements,
    now: Instant,
) -> Hear:
    """What the flow hears: the metrics with estimated waits in whole seconds, as far as known."""
    if effect.metrics is None:
        return Hear(effect.contact_id, effect.ask, NO_MATCHING_ERROR)
    metrics = dict(effect.metrics)
    if effect.channel is not None:
        found = waiting.estimate(
            effect.queue_id,
            effect.channel,
            position=queue.length(center, effect.queue_id, effect.channel) + 1,
            free=bool(metrics["Agents"]["Available"]["Count"]),
            now=now,
        )
        if found is not None:
            seconds = rounded(found.quantiles.p50_s)
            metrics["Queue"] = {**metrics["Queue"], "EstimatedWaitTime": seconds}
    contact = center.contacts.get(effect.contact_id)
    if contact is not None and queue.has_place(contact):
        own = told(center, waiting, announcements, contact, now)
        metrics["Contact"] = {"PositionInQueue": own.position}
        if own.announced is not None:
            metrics["Contact"]["EstimatedWaitTime"] = own.announced.seconds
    return Hear(effect.contact_id, effect.ask, dialogue.Answer(metrics))
