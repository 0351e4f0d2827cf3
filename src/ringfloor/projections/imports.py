"""Imports: the facts of a contact that another center's log has told.

Fold of projections.records. A log tells when somebody waited and talked, so there are a Leg, its
Occurrences, and the HandTime of its agent. It does not tell how often and how long it rang, nor
when agents were there without a contact: there is no Offer and no AgentTime, and the metrics made
of these (answer rate, idle time, occupancy ...) know nothing of imported contacts. Nor are there
flows, bots and routing steps. The agent stands where he stands at the time of the import.
"""

from collections.abc import Iterator

from ringfloor.base.time import Instant
from ringfloor.domain import events
from ringfloor.domain.facts import Fact, HandTime, Occurrence
from ringfloor.projections.legs import leg
from ringfloor.projections.lives import Life, State, keys, standard_queue, standing, subtype


def imported(state: State, event: events.ContactImported, _at: Instant) -> Iterator[Fact]:
    contact = event.contact
    enqueued_at, connected_at = contact.enqueued_at, contact.connected_to_agent_at
    is_of_queue = enqueued_at is not None or connected_at is not None
    life = Life(
        contact.id,
        contact.channel,
        contact.initiation_method,
        subtype(contact),
        queue_id=standard_queue(state, contact.queue_id) if is_of_queue else None,
    )
    if enqueued_at is not None:
        yield Occurrence(**keys(life), kind="enqueued", at=enqueued_at)
    if connected_at is not None:
        if contact.agent_id is not None:
            life.place = standing(state, contact.agent_id, contact.routing_profile_id)
        yield Occurrence(**keys(life, life.place), kind="connected", at=connected_at)
        if life.place is not None and contact.updated_at != connected_at:
            members = keys(life, life.place)
            yield HandTime(**members, started_at=connected_at, ended_at=contact.updated_at)
    yield leg(contact, life)
