"""Wide: worlds of tests/metric_histories in which still more may happen next.

Contacts begin in other ways, are moved to another queue or called back, tasks are paused, users
have a place in the hierarchy; and now and then it is a full five minutes.
"""

from collections.abc import Callable
from random import Random

from typing_extensions import override

from metric_histories import Told, World
from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import events
from ringfloor.domain.events import Event

Option = Callable[[int], list[Event]]

GROUPS = {"site": None, "team": "site", "row": "team", "other": "site"}


class Wide(World):
    """A contact center in which anything that may happen next may happen next."""

    @override
    def begin(self) -> list[Told]:
        groups: list[Event] = [
            events.ResourceCreated(
                "hierarchy_group", name, {"Name": name, "ParentGroupId": above}, {}
            )
            for name, above in GROUPS.items()
        ]
        return [*((event, self.at) for event in groups), *super().begin()]

    def tick(self) -> None:
        """It is the next full five minutes."""
        self.at += -self.at % (5 * MINUTE)

    @override
    def _call(self, dice: int) -> list[Event]:
        told = super()._call(dice)
        method = ("INBOUND", "INBOUND", "API", "TRANSFER", "EXTERNAL_OUTBOUND")[dice // 7 % 5]
        [begun] = told
        assert isinstance(begun, events.ContactInitiated)
        leg = self.legs.legs[begun.contact.id]
        leg.initiation_method = begun.contact.initiation_method = method
        if dice % 3:
            leg.connected_to_system_at = begun.contact.connected_to_system_at = self.at
        return told

    @override
    def _anything_else(self, agent_id: str, dice: int) -> list[Event]:
        if dice % 4 == 0:
            group = (*GROUPS, None)[dice // 4 % 5]
            return [events.ResourceUpdated("user", agent_id, {"HierarchyGroupId": group})]
        return super()._anything_else(agent_id, dice // 4)

    @override
    def _contact_options(self, contact_id: str) -> list[Option]:
        leg = self.legs.legs[contact_id]
        if leg.paused_at is not None:
            return [lambda _: self._resume(contact_id), lambda _: self._hang_up(contact_id)]
        found = super()._contact_options(contact_id)
        if leg.stage == "IN_QUEUE":
            found += [lambda dice: self._move(contact_id, dice)] * 2
        if leg.stage == "CONNECTED" and leg.channel == "TASK" and leg.held_at is None:
            found += [lambda _: self._pause(contact_id)] * 2
        return found

    def _move(self, contact_id: str, dice: int) -> list[Event]:
        """To another queue, or to a callback."""
        following, reason = self._next_id("c"), "CONTACT_FLOW_DISCONNECT"
        leg = self.legs.legs[contact_id]
        transferred = dice % 2 == 0
        method = "QUEUE_TRANSFER" if transferred else "CALLBACK"
        channel = leg.channel if transferred else "VOICE"
        born = self.legs.begin(following, self.at, channel, method, previous_contact_id=contact_id)
        completed: dict[str, Instant] = {"transfer_completed_at": self.at} if transferred else {}
        return [
            born,
            events.ContactSucceeded(contact_id, following),
            *self.legs.end(contact_id, self.at, reason, next_contact_id=following, **completed),
        ]

    def _pause(self, contact_id: str) -> list[Event]:
        leg = self.legs.legs[contact_id]
        leg.paused_at = self.at
        leg.pauses += 1
        return [events.TaskPaused(contact_id, leg.agent_id)]

    def _end_pause(self, contact_id: str) -> None:
        leg = self.legs.legs[contact_id]
        if leg.paused_at is not None:
            leg.pause_ms += self.at - leg.paused_at
            leg.agent_pause_ms += self.at - leg.paused_at
            leg.paused_at = None

    def _resume(self, contact_id: str) -> list[Event]:
        leg = self.legs.legs[contact_id]
        self._end_pause(contact_id)
        return [
            events.TaskResumed(
                contact_id, leg.agent_id, leg.queue_id or "", leg.channel, leg.enqueued_at or 0
            )
        ]

    @override
    def _hang_up(self, contact_id: str) -> list[Event]:
        self._end_pause(contact_id)
        told = super()._hang_up(contact_id)
        if self.at % 2:  # who has hung up
            told = [self._by_agent(event) for event in told]
        return told

    def _by_agent(self, event: Event) -> Event:
        if not isinstance(event, events.ContactEnded):
            return event
        leg = self.legs.legs.get(event.contact_id)
        if leg is None:  # it is complete already
            return event
        leg.disconnect_reason = "AGENT_DISCONNECT"
        return events.ContactEnded(event.contact_id, "AGENT_DISCONNECT", event.pre_disconnect_state)


def a_wide_history(dice: Random, steps: int, begun: Instant) -> list[Told]:
    """A world at random, whole or as far as it has come."""
    world = Wide()
    world.at = begun
    told = world.begin()
    for _ in range(steps):
        if dice.random() < 0.08:
            world.tick()
        told += world.step(dice.randrange(1 << 40))
    return told if dice.random() < 0.5 else told[: dice.randint(30, len(told))]
