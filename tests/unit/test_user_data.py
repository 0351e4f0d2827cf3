"""User data: whom GetCurrentUserData looks at, and nobody else."""

from types import SimpleNamespace

import pytest

from engine_builders import a_center
from ringfloor.domain import commands
from ringfloor.operations.user_data import Asked, user_data
from ringfloor.projections.realtime import Realtime

NOBODY = Asked(None, None, None, None, frozenset())


class Looked(dict):
    """Agents by id, which remembers who was looked at and cannot be gone through."""

    def __init__(self, agents):
        super().__init__(agents)
        self.at = []

    def get(self, agent_id, otherwise=None):
        self.at.append(agent_id)
        return super().get(agent_id, otherwise)

    def __iter__(self):
        raise AssertionError("somebody goes through all agents")

    values = items = keys = __iter__


@pytest.fixture
def desk():
    """Of sales a1 and a2, of support a3 to a9; a1 is of the team in the north, a2 of the site."""
    profiles = {"sellers": "sales", "helpers": "support"}
    agents = {f"a{n}": "sellers" if n < 3 else "helpers" for n in range(1, 10)}
    center = a_center(agents=agents, queues=("sales", "support"), profiles=profiles)
    site = center.create("hierarchy_group", "north", {"Name": "north", "LevelId": "1"})
    team = center.create(
        "hierarchy_group", "team", {"Name": "team", "LevelId": "2", "ParentGroupId": site}
    )
    for agent, group in (("a1", team), ("a2", site)):
        changes = {"HierarchyGroupId": group}
        center.run(commands.UpdateResource("user", center.ids[agent], changes))
    for agent in agents:
        center.run(commands.SetAgentStatus(center.ids[agent], center.ids["Available"]))
    realtime = Realtime()
    for at, happened in center.log:
        for event in happened:
            realtime.on(event, at)
    center.center.agents = Looked(center.center.agents)
    ids = {**center.ids, "north": site, "team": team}
    return SimpleNamespace(center=center.center, realtime=realtime, ids=ids)


@pytest.mark.parametrize(
    ("member", "named", "found"),
    [
        ("agents", ["a4"], ["a4"]),
        ("profiles", ["sellers"], ["a1", "a2"]),
        ("queues", ["sales"], ["a1", "a2"]),
        ("groups", ["team"], ["a1"]),
        ("groups", ["north"], ["a1", "a2"]),
        ("groups", ["sales"], []),
    ],
)
def test_a_filter_looks_at_those_whom_it_stands_for(desk, member, named, found):
    asked = NOBODY._replace(**{member: tuple(desk.ids[each] for each in named)})
    users = [each["User"]["Id"] for each in user_data(desk, asked)]
    assert users == sorted(desk.ids[each] for each in found)
    assert desk.center.agents.at == users


def test_two_profiles_of_one_queue_show_a_user_once(desk):
    both = tuple(desk.ids[each] for each in ("sales", "support", "sales"))
    users = [each["User"]["Id"] for each in user_data(desk, NOBODY._replace(queues=both))]
    assert users == sorted({desk.ids[f"a{n}"] for n in range(1, 10)})
