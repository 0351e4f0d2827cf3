"""Real-time read models under many lives: at random moments they are what one gets by counting.

What is counted is the engine's own contacts and agents, so that the folds agree with the center
about steps of routing criteria, subtypes, proficiencies and who stands in line.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from ringfloor.domain.contact import Agent, segment_texts
from ringfloor.domain.criteria import compiled, satisfied
from ringfloor.engine import routing
from ringfloor.engine.connection import is_waiting
from ringfloor.engine.queue import sought_by
from ringfloor.engine.staff import ACTIVE
from ringfloor.operations.user_data import Asked, user_data
from ringfloor.projections.counters import recount
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.waiting import Waiting, line_of
from ringfloor.waits.order import Class
from simulation.world import World

LIVES, STRETCHES = range(70_000, 70_024), 12
STANDING = ("IN_QUEUE", "OFFERED", "ACCEPTED")


def shown(desk: Any, **asked: Any) -> dict[str, Any]:
    """UserDataList by user id."""
    filters = {"agents": None, "profiles": None, "queues": None, "groups": None}
    query = Asked(**{**filters, "states": frozenset(), **asked})
    return {each["User"]["Id"]: each for each in user_data(desk, query)}


def serves(profile: dict[str, Any], queue_id: str) -> bool:
    """Whether it has the queue on a channel that it has slots for; by hand is enough."""
    slots = {each["Channel"]: each["Concurrency"] for each in profile["MediaConcurrencies"]}
    rows = [each["QueueReference"] for each in profile.get("QueueConfigs") or ()]
    return any(row["QueueId"] == queue_id and slots.get(row["Channel"]) for row in rows)


def has_paused(agent: Agent) -> bool:
    return any(held.state == "PAUSED" for held in agent.contacts.values())


class Counted:
    """A world and its read models, as far as they have been told."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed, checked=False)
        self.realtime, self.waiting, self.told = Realtime(), Waiting(), 0
        self.sought: dict[str, None] = {}

    def tell(self) -> None:
        log = self.world.driver.log
        for at, happened in log[self.told :]:
            for event in happened:
                self.realtime.on(event, at)
                self.waiting.on(event, at)
        self.told = len(log)

    def check(self) -> None:
        center, realtime = self.world.driver.center, self.realtime
        assert realtime.counters == recount(realtime.facts)
        assert realtime.facts.contacts.keys() == center.contacts.keys()
        standing: dict[str, Class] = {}
        for contact in center.contacts.values():
            told = realtime.facts.contacts[contact.id]
            assert told.subtype == segment_texts(contact)["connect:Subtype"]
            if contact.stage not in STANDING or not is_waiting(contact):
                continue
            assert contact.queue_id is not None
            step = sought_by(contact)
            line = line_of(contact.queue_id, contact.channel, step or None)
            standing[contact.id] = Class(line, contact.priority, contact.age_adjustment_ms)
            if contact.queue_id in center.agents:
                continue
            assert told.step() == (step or None)
            assert told.stage == ("IN_QUEUE" if contact.stage == "IN_QUEUE" else "OFFERED")
            if step:
                self.sought[step] = None
        assert {each.id: each.kind for each in self.waiting.floor.waiting.values()} == standing
        for agent in center.agents.values():
            self._is_there_for(agent)
        for expression in self.sought:
            self._meets(expression)
        self._users_are_found()

    def _is_there_for(self, agent: Agent) -> None:
        """Lines, steps apart: those of his profile, if he is or will be there."""
        center = self.world.driver.center
        status_id = agent.next_status_id or agent.status_id
        there = center.resources["agent_status"][status_id].properties["Type"] == "ROUTABLE"
        profile = routing.profile_of(center, agent)
        lines = {
            line_of(row.queue_id, row.channel): profile.concurrency[row.channel]
            for row in profile.rows
            if there and profile.concurrency.get(row.channel)
        }
        known = self.waiting.floor.agents.get(agent.id)
        slots = {} if known is None or known.slots is None else known.slots
        assert {each: count for each, count in slots.items() if each.count(" ") == 1} == lines

    def _users_are_found(self) -> None:
        """GetCurrentUserData: whom a filter stands for, and what they have."""
        center, resources = self.world.driver.center, self.world.driver.center.resources
        desk: Any = SimpleNamespace(center=center, realtime=self.realtime)
        online = {each.id for each in center.agents.values() if each.status_type != "OFFLINE"}
        by_profile: dict[str, set[str]] = {each: set() for each in resources["routing_profile"]}
        for agent_id in online:
            by_profile[resources["user"][agent_id].properties["RoutingProfileId"]].add(agent_id)
        for profile_id, users in by_profile.items():
            assert shown(desk, profiles=(profile_id,)).keys() == users
        for queue_id in resources["queue"]:
            users = {
                user
                for profile_id, profile in resources["routing_profile"].items()
                if serves(profile.properties, queue_id)
                for user in by_profile[profile_id]
            }
            assert shown(desk, queues=(queue_id,)).keys() == users
        everybody = shown(desk)
        assert everybody.keys() == online
        for agent_id, user in everybody.items():
            held = center.agents[agent_id].contacts
            assert [each["ContactId"] for each in user["Contacts"]] == list(held)
            working = [each for each in held.values() if each.state in ACTIVE]
            assert sum(user["ActiveSlotsByChannel"].values()) >= len(working)
            free = routing.open_channels(center, center.agents[agent_id])
            assert all(user["AvailableSlotsByChannel"][channel] for channel in free)
        for state in ("CONNECTED", "ENDED", "MISSED"):
            assert shown(desk, states=frozenset({state})).keys() == {
                each
                for each in online
                if any(held.state == state for held in center.agents[each].contacts.values())
                or (state == "CONNECTED" and has_paused(center.agents[each]))
            }

    def _meets(self, expression: str) -> None:
        center = self.world.driver.center
        groups = self.realtime.groups(expression)
        meaning, skills = compiled(expression), center.demand.skills
        expected = sum(satisfied(meaning, each, skills.get(each, {})) for each in center.agents)
        assert sum(group.agents for by in groups.values() for group in by.values()) == expected


@pytest.mark.parametrize("seed", LIVES)
def test_the_counters_are_what_one_gets_by_counting(seed):
    life = Counted(seed)
    for _ in range(STRETCHES):
        life.world.live(15)
        life.tell()
        life.check()
    for fold in (life.realtime, life.waiting):
        restored = type(fold).load(fold.dump())
        assert restored == fold
        assert restored.dump() == fold.dump()
    for expression, groups in life.realtime.meeting.kept():
        fresh = Realtime.load(life.realtime.dump()).groups(expression)
        assert {each: by for each, by in groups.items() if by} == fresh


def test_these_lives_have_contacts_in_steps():
    life, steps = Counted(70_001), 0
    for _ in range(40):
        life.world.live(15)
        life.tell()
        steps += sum(len(line.steps) for line in life.realtime.counters.lines.values())
    assert steps
