"""Reactions: what the engine asks of itself once something has happened.

REACT is the table, react its door; goes_on is the one reaction that counts: a flow's next step.
Consequences are commands, and each may turn out to be nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ringfloor.domain import commands, events
from ringfloor.engine import (
    callback,
    chat,
    connection,
    outbound,
    transfer,
)
from ringfloor.engine.state import Center


def _offered(center: Center, event: events.ContactOffered) -> Iterator[commands.Command]:
    taker, offered = center.agents[event.agent_id], center.contacts[event.contact_id]
    by_hand = event.assigned or event.desk_phone is not None
    if not by_hand and connection.accepts_by_itself(
        center, taker, event.channel, callback=connection.is_agent_first(offered)
    ):
        yield commands.AcceptContact(event.agent_id, event.contact_id)
    yield commands.MatchAgent(event.agent_id)


def _missed(center: Center, event: events.OfferMissed) -> Iterator[commands.Command]:
    if event.reason == "customer_left":
        return
    if center.contacts[event.contact_id].direct:
        yield commands.GiveUp(event.contact_id)
    else:
        yield commands.MatchContact(event.contact_id)


def _enqueued(center: Center, event: events.ContactEnqueued) -> Iterator[commands.Command]:
    yield commands.MatchContact(event.contact_id)
    contact = center.contacts[event.contact_id]
    if callback.waits_to_be_dialled(contact):
        yield commands.MatchCallbacks(event.queue_id)
    elif contact.initiation_method == "CALLBACK_CUSTOMER_FIRST_DIALED":
        assert contact.callback is not None  # he may have come to another queue than he was for
        yield commands.MatchCallbacks(contact.callback.queue_id)


def _ended(center: Center, event: events.ContactEnded) -> Iterator[commands.Command]:
    over = center.contacts[event.contact_id]
    if over.chat_id is not None:
        yield commands.SettleChat(over.chat_id, over.id)
    if callback.was_dialled_first(over):
        assert over.callback is not None
        yield commands.MatchCallbacks(over.callback.queue_id)
    yield commands.CleanUp(over.id)
    if over.monitors is not None and over.connected_to_agent_at is not None and over.agent_id:
        yield commands.ClearContact(over.agent_id, over.id)
    if over.call_id is not None:
        yield commands.SettleCall(over.call_id)
    yield from transfer.third_party_gone(center, over)


def _answered(center: Center, event: events.ContactConnectedToSystem) -> Iterator[commands.Command]:
    yield from outbound.completed(center.contacts[event.contact_id])


def _initiated(_center: Center, event: events.ContactInitiated) -> Iterator[commands.Command]:
    born = event.contact
    if born.chat_id is not None and born.chat_id != born.id:
        yield commands.SettleChat(born.chat_id, born.id)


def _joined(center: Center, event: events.ContactConnectedToAgent) -> Iterator[commands.Command]:
    contact = center.contacts[event.contact_id]
    if contact.chat_id is not None:
        yield commands.SettleChat(contact.chat_id, event.contact_id)
    if contact.recording_behavior is not None:
        yield commands.BeginRecording(event.contact_id)


def _presence_changed(
    center: Center, event: events.AgentPresenceChanged
) -> Iterator[commands.Command]:
    """Whose desktop is gone leaves his chats; his calls have a phone of their own."""
    held = () if event.present else center.agents[event.agent_id].contacts.values()
    for each in held:
        if each.channel == "CHAT" and each.state in ("CONNECTED", "CONNECTED_ONHOLD"):
            leg = center.contacts[each.contact_id].agent_legs
            yield commands.LoseAgent(each.contact_id, leg)


def _cleared(center: Center, event: events.ContactCleared) -> Iterator[commands.Command]:
    contact = center.contacts.get(event.contact_id)
    if contact is not None and contact.after_contact_work_ended_at is not None:
        yield commands.CompleteContact(event.contact_id)
    yield commands.TakeNextStatus(event.agent_id)
    yield commands.MatchAgent(event.agent_id)
    yield from _dial_for(center, event.agent_id)


ROUTED = frozenset(
    {
        "RoutingProfileId",
        "QueueConfigs",
        "ManualAssignmentQueueConfigs",
        "MediaConcurrencies",
        "Proficiencies",
    }
)
"""Properties that routing looks at."""


def _updated(center: Center, event: events.ResourceUpdated) -> Iterator[commands.Command]:
    if ROUTED.isdisjoint(event.changes):
        return
    if event.kind == "user":
        yield commands.MatchAgent(event.id)
        yield from _dial_for(center, event.id)
    elif event.kind == "routing_profile":
        slots = sum(center.profiles[event.id].concurrency.values())
        agents = sorted(
            center.users_of(event.id), key=lambda each: (each.idle_since, each.idle_turn, each.id)
        )
        for each in agents:  # whoever is first is served in full before the next
            for _ in range(slots):
                yield commands.MatchAgent(each.id)
        for each in agents[:1]:  # the others serve the same queues
            yield from _dial_for(center, each.id)


def _resumed(_center: Center, event: events.TaskResumed) -> Iterator[commands.Command]:
    if event.agent_id is None:
        yield commands.MatchContact(event.contact_id)


def _paused(center: Center, event: events.TaskPaused) -> Iterator[commands.Command]:
    if event.agent_id is not None:
        yield commands.TakeNextStatus(event.agent_id)
        yield commands.MatchAgent(event.agent_id)
        yield from _dial_for(center, event.agent_id)


def _match_contact(_center: Center, event: Any) -> Iterator[commands.Command]:  # noqa: ANN401  any event of a contact
    yield commands.MatchContact(event.contact_id)


def _match_agent(center: Center, event: Any) -> Iterator[commands.Command]:  # noqa: ANN401  any event of an agent
    yield commands.MatchAgent(event.agent_id)
    yield from _dial_for(center, event.agent_id)


def _dial_for(center: Center, agent_id: str) -> Iterator[commands.Command]:
    """Customers who wait to be called back by whoever is free, once he is."""
    for queue_id in callback.queues_of(center, agent_id):
        yield commands.MatchCallbacks(queue_id)


React = Callable[[Center, Any], Iterable[commands.Command]]

REACT: Mapping[type[Struct], React] = {
    events.ContactEnqueued: _enqueued,
    events.DelayPassed: _match_contact,
    events.RoutingCriteriaSet: _match_contact,
    events.RoutingStepExpired: _match_contact,
    events.ContactOffered: _offered,
    events.OfferMissed: _missed,
    events.AgentLegLost: _match_contact,
    events.ContactEnded: _ended,
    events.ContactInitiated: _initiated,
    events.ContactConnectedToAgent: _joined,
    events.AgentPresenceChanged: _presence_changed,
    events.ChatItemAdded: chat.hears,
    events.ParticipantLeft: chat.bot_left,
    events.ContactConnectedToSystem: _answered,
    events.ContactCleared: _cleared,
    events.TaskPaused: _paused,
    events.TaskResumed: _resumed,
    events.AgentStatusChanged: _match_agent,
    events.NextStatusChanged: _match_agent,
    events.ResourceUpdated: _updated,
}
"""What has no row has no consequence."""


def react(center: Center, event: events.Event) -> Iterable[commands.Command]:
    """The consequences of an event, as commands; each may turn out to be nothing."""
    found = REACT.get(type(event))
    return found(center, event) if found else ()


GOES_ON: frozenset[type[events.Event]] = frozenset(
    {events.FlowEntered, events.ModuleEntered, events.ModuleLeft, events.FlowStepped}
)
"""After which a flow may go on at once."""


def goes_on(event: events.Event, actions: int) -> commands.Advance | None:
    """The next step of a flow that need not wait. actions: see commands.Advance."""
    if type(event) not in GOES_ON:
        return None
    match event:
        case events.FlowEntered() | events.ModuleEntered():
            return commands.Advance(event.contact_id, event.side, None, actions)
        case events.ModuleLeft() if event.outcome is not None:
            return commands.Advance(event.contact_id, event.side, event.outcome, actions)
        case events.FlowStepped() if event.outcome is not None:
            return commands.Advance(event.contact_id, event.side, event.outcome, actions)
        case _:
            return None
