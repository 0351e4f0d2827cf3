"""The auditor and the invariants see what they are there for: faults planted in the engine."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ringfloor.base.errors import Fault
from ringfloor.domain import commands, criteria, events
from ringfloor.engine import connection, demand, engine, flows, invariants, queue, routing
from simulation.auditor import Disagreement
from simulation.world import World

Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}

SEEDS = range(40)
STEPS = 250


def fault(plant: Plant) -> Plant:
    FAULTS[plant.__name__.replace("_", " ")] = plant
    return plant


def applied(monkeypatch: pytest.MonkeyPatch, kind: type, faulty: Callable[..., None]) -> None:
    """faulty(center, event, at, right) is applied instead of right(center, event, at)."""
    right = engine.APPLY[kind]
    monkeypatch.setitem(
        engine.APPLY,  # type: ignore[arg-type]
        kind,
        lambda center, event, at: faulty(center, event, at, right),
    )


def decided(monkeypatch: pytest.MonkeyPatch, kind: type, change: Callable[[Any], Any]) -> None:
    """The engine decides on another command than it was given."""
    right = engine.DECIDE[kind]
    monkeypatch.setitem(
        engine.DECIDE,  # type: ignore[arg-type]
        kind,
        lambda center, command, seed: right(center, change(command), seed),
    )


def sees_agent(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Routing sees another agent than there is."""
    right = routing.open_channels
    monkeypatch.setattr(
        routing, "open_channels", lambda center, agent: right(center, change(agent))
    )


@fault
def last_come_first_served(monkeypatch):
    def place(contact):
        start = contact.enqueued_at - contact.age_adjustment_ms
        return contact.priority, -start, -contact.turn, contact.id

    monkeypatch.setattr(queue, "place", place)


@fault
def who_is_ranked_anew_keeps_his_place(monkeypatch):
    def faulty(center, event, at, right):
        contact = center.contacts[event.contact_id]
        if contact.stage == "IN_QUEUE":
            event = replace(event, age_adjustment_ms=None)
        right(center, event, at)

    applied(monkeypatch, events.RoutingDataUpdated, faulty)


@fault
def an_ended_contact_is_said_to_be_another(monkeypatch):
    def faulty(center, event, at, right):
        contact = center.contacts[event.contact_id]
        right(center, event, at)
        contact.tags.pop("a", None)

    applied(monkeypatch, events.ContactTagged, faulty)


@fault
def attributes_of_ended_contacts_know_no_bound(monkeypatch):
    def forget(command):
        if command.record is None:
            return command
        return replace(command, record=replace(command.record, attributes={}))

    decided(monkeypatch, commands.UpdateAttributes, forget)


@fault
def delays_are_ignored(monkeypatch):
    head = queue.head
    monkeypatch.setattr(queue, "head", lambda center, key, _delay, *met: head(center, key, 0, *met))
    monkeypatch.setattr(queue, "is_ripe", lambda _center, _contact, _delay: True)


@fault
def the_worst_row_of_the_profile_first(monkeypatch):
    compiled = routing.compiled

    def reversed_(profile_id, properties):
        profile = compiled(profile_id, properties)
        worst = tuple(row._replace(priority=100 - row.priority) for row in reversed(profile.rows))
        return profile._replace(rows=worst)

    monkeypatch.setattr(routing, "compiled", reversed_)


@fault
def who_is_accepted_is_in_no_queue_any_more(monkeypatch):
    def faulty(center, event, at, right):
        right(center, event, at)
        connection.take_out(center, center.contacts[event.contact_id], at)

    applied(monkeypatch, events.ContactAccepted, faulty)


@fault
def nobody_whispers_to_customers(monkeypatch):
    def silent(center, contact, side, flow_type):
        if flow_type != "CUSTOMER_WHISPER":
            yield from hook_events(center, contact, side, flow_type)

    hook_events = flows.hook_events
    monkeypatch.setattr(flows, "hook_events", silent)


@fault
def an_agents_phone_that_was_lost_before_counts(monkeypatch):
    decided(
        monkeypatch,
        commands.LoseAgent,
        lambda command: replace(command, leg=max(command.leg + 1, 0)),
    )


@fault
def the_queue_flow_plays_on_for_whoever_is_dequeued(monkeypatch):
    monkeypatch.setattr(flows, "stop_events", lambda _contact, _side: iter(()))


@fault
def an_offer_rings_for_ever(monkeypatch):
    monkeypatch.setattr(connection, "ring_until", lambda center: center.at + 10**9)


@fault
def an_offer_rings_a_second_longer_than_it_says(monkeypatch):
    def longer(center, event, at, right):
        right(center, replace(event, until=event.until + 1_000), at)

    applied(monkeypatch, events.ContactOffered, longer)


@fault
def a_miss_sends_the_contact_to_the_back(monkeypatch):
    def missed(center, event, at, right):
        right(center, event, at)
        contact = center.contacts[event.contact_id]
        queue.leave(center, contact)
        contact.enqueued_at, contact.turn = at, center.next_turn()
        queue.enter(center, contact)

    applied(monkeypatch, events.OfferMissed, missed)


@fault
def contacts_missed_in_the_same_moment_change_places(monkeypatch):
    def missed(center, event, at, right):
        right(center, event, at)
        contact = center.contacts[event.contact_id]
        queue.leave(center, contact)
        contact.turn = -contact.turn
        queue.enter(center, contact)

    applied(monkeypatch, events.OfferMissed, missed)


@fault
def who_missed_is_offered_the_next_one(monkeypatch):
    def forgetful(agent):
        kept = {k: v for k, v in agent.contacts.items() if v.state not in ("MISSED", "REJECTED")}
        return replace(agent, contacts=kept)

    sees_agent(monkeypatch, forgetful)


@fault
def after_contact_work_holds_no_slot(monkeypatch):
    def idle(agent):
        kept = {k: v for k, v in agent.contacts.items() if v.state != "ENDED"}
        return replace(agent, contacts=kept)

    sees_agent(monkeypatch, idle)


@fault
def after_contact_work_lasts_a_second_longer(monkeypatch):
    limit = connection.work_limit_seconds
    monkeypatch.setattr(
        connection,
        "work_limit_seconds",
        lambda *given, **more: limit(*given, **more) and limit(*given, **more) + 1,
    )


@fault
def the_agent_who_came_last_first(monkeypatch):
    def shortest(center, contact):
        queue_id, channel = queue.line_key(contact)
        found = [
            center.pools[profile_id, channel][-1]
            for profile_id, delay in center.rows.get((queue_id, channel), {}).items()
            if (profile_id, channel) in center.pools and queue.is_ripe(center, contact, delay)
        ]
        return max(found)[2] if found else right(center, contact)

    right = routing.agent_for
    monkeypatch.setattr(routing, "agent_for", shortest)


@fault
def agents_of_one_moment_in_the_order_of_their_ids(monkeypatch):
    def changed(center, event, at, right):
        right(center, event, at)
        agent = center.agents[event.agent_id]
        agent.idle_turn = 0
        routing.stand(center, agent)

    applied(monkeypatch, events.AgentStatusChanged, changed)


@fault
def an_agents_own_queue_comes_last(monkeypatch):
    def rows_first(center, agent):
        _, pools = center.placed.get(agent.id, (None, ()))
        channels = {channel for _, channel in pools}
        profile = routing.profile_of(center, agent)
        best = routing._best_of_rows(center, profile, channels)
        return best[3] if best else right(center, agent)

    right = routing.contact_for
    monkeypatch.setattr(routing, "contact_for", rows_first)


@fault
def every_channel_beside_every_other(monkeypatch):
    compiled = routing.compiled
    every = frozenset({"VOICE", "CHAT", "TASK"})
    monkeypatch.setattr(routing, "compiled", lambda *given: compiled(*given)._replace(mixes=every))


@fault
def the_next_status_does_not_stop_routing(monkeypatch):
    sees_agent(monkeypatch, lambda agent: replace(agent, next_status_id=None))


@fault
def the_next_status_never_takes_effect(monkeypatch):
    monkeypatch.setitem(engine.DECIDE, commands.TakeNextStatus, lambda *_: iter(()))


@fault
def the_time_on_hold_is_forgotten(monkeypatch):
    def end_hold(contact, _at):
        contact.held_at = None

    monkeypatch.setattr(connection, "_end_hold", end_hold)


@fault
def client_tokens_are_not_kept(monkeypatch):
    decided(
        monkeypatch,
        commands.StartOutboundContact,
        lambda command: replace(command, client_token=None),
    )


@fault
def a_full_queue_takes_one_more(monkeypatch):
    monkeypatch.setattr(queue, "is_full", lambda _center, _queue_id: False)


@fault
def nobody_looks_for_an_agent_after_a_miss(monkeypatch):
    monkeypatch.delitem(engine.REACT, events.OfferMissed)


@fault
def nobody_looks_for_an_agent_after_a_delay(monkeypatch):
    monkeypatch.delitem(engine.REACT, events.DelayPassed)


@fault
def a_leg_that_nobody_took_is_never_completed(monkeypatch):
    monkeypatch.delitem(engine.REACT, events.ContactEnded)


@fault
def nobody_accepts_by_himself(monkeypatch):
    monkeypatch.setattr(connection, "accepts_by_itself", lambda *_, **__: False)


@fault
def criteria_are_ignored(monkeypatch):
    monkeypatch.setattr(queue, "sought_by", lambda _contact: queue.ANYBODY)


@fault
def who_is_excluded_is_meant(monkeypatch):
    holds = criteria._holds
    monkeypatch.setattr(
        criteria, "_holds", lambda each, *agent: holds(each._replace(wanted=True), *agent)
    )


@fault
def one_condition_of_several_is_enough(monkeypatch):
    def satisfied(meaning, agent_id, skills):
        return any(criteria._holds(each, agent_id, skills) for part in meaning for each in part)

    monkeypatch.setattr(demand, "satisfied", satisfied)
    monkeypatch.setattr(invariants, "satisfied", satisfied)


@fault
def the_next_step_begins_when_the_contact_was_enqueued(monkeypatch):
    right = criteria.moved_on

    def moved_on(before, at):
        del at
        return right(before, before.activated_at)

    monkeypatch.setattr(criteria, "moved_on", moved_on)


@fault
def after_the_last_step_nobody_qualifies(monkeypatch):
    def moved_on(before, at):
        after = right(before, at)
        return before if after.active is None else after

    right = criteria.moved_on
    monkeypatch.setattr(criteria, "moved_on", moved_on)


@fault
def nobody_looks_for_an_agent_after_a_step(monkeypatch):
    monkeypatch.delitem(engine.REACT, events.RoutingStepExpired)


@fault
def criteria_that_come_late_wait_for_another_queue(monkeypatch):
    monkeypatch.setattr(routing, "PLACED", frozenset())


@fault
def manual_queues_are_routed(monkeypatch):
    compiled = routing.compiled

    def everything(profile_id, properties):
        return compiled(profile_id, {**properties, "ManualAssignmentQueueConfigs": None})

    monkeypatch.setattr(routing, "compiled", everything)


@fault
def an_offer_by_hand_waits_for_a_free_slot(monkeypatch):
    right = routing.assign

    def assign(center, command, until):
        agent = center.agents.get(command.agent_id)
        if agent is not None and not routing.open_channels(center, agent):
            return
        yield from right(center, command, until)

    monkeypatch.setitem(
        engine.DECIDE,  # type: ignore[arg-type]
        commands.AssignContact,
        lambda center, command, _seed: assign(center, command, connection.ring_until(center)),
    )


def caught(seed: int) -> str | None:
    """Who sees something wrong in this life."""
    try:
        world = World(seed)
        world.live(STEPS)
        world.end()
    except Disagreement:
        return "auditor"
    except AssertionError:
        return "invariants"
    except Fault:
        return "engine"
    return None


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_seen(name, monkeypatch):
    FAULTS[name](monkeypatch)
    assert any(caught(seed) for seed in SEEDS)


def test_without_a_fault_nothing_is_seen():
    assert [caught(seed) for seed in SEEDS] == [None] * len(SEEDS)
