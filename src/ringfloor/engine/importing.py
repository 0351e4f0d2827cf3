"""Importing: contacts of another center's log become contacts of this one.

They are over before they come, so the center itself does not change: nobody is routed, nobody is
told, and whoever keeps ended contacts has them from the event. Called by decisions and engine.
Whoever commands an import makes sure that none of the contacts is known already; who only wants to
know whether one would be refused asks taken.
"""

from collections.abc import Iterator, Sequence

from ringfloor.base.errors import invalid_parameter, invalid_request, not_found
from ringfloor.base.time import Instant, iso
from ringfloor.domain.commands import ImportContacts
from ringfloor.domain.contact import RETENTION_TAG, kept_since
from ringfloor.domain.events import ContactImported, Event
from ringfloor.domain.logged import LoggedContact, final, wrongs
from ringfloor.engine.state import Center


def import_contacts(center: Center, command: ImportContacts) -> Iterator[Event]:
    """Take contacts in; refuses what cannot be true, is not over, or would be forgotten at once."""
    yield from taken(center, command.contacts, center.at)


def taken(center: Center, contacts: Sequence[LoggedContact], at: Instant) -> Iterator[Event]:
    """What comes of contacts that are imported at an instant."""
    since = kept_since(at, center.record_months)
    for contact in contacts:
        for wrong in wrongs(contact):
            raise invalid_parameter(wrong.member, wrong.value, f"{wrong.rule} ({contact.id})")
        if contact.initiated_at < since:
            rule = (
                f"is before {iso(since)}: this instance keeps contacts for"
                f" {center.record_months} months; its tag {RETENTION_TAG} says for how many"
            )
            raise invalid_parameter("initiated_at", iso(contact.initiated_at), rule)
        if contact.over_at > at:
            rule = f"is after {iso(at)}, which is now"
            raise invalid_parameter("disconnected_at", contact.over_at, rule)
        if contact.id in center.contacts:
            raise invalid_request("id", contact.id, "is a live contact")
        yield ContactImported(final(contact, _routing_profile(center, contact)))


def _routing_profile(center: Center, contact: LoggedContact) -> str | None:
    """The agent's present one; refuses queues and agents that there are not."""
    if contact.queue is not None and contact.queue not in center.resources["queue"]:
        raise not_found("queue", contact.queue, "queue")
    if contact.agent is None:
        return None
    user = center.resources["user"].get(contact.agent)
    if user is None:
        raise not_found("agent", contact.agent, "user")
    return str(user.properties["RoutingProfileId"])
