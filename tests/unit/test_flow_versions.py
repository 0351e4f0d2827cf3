"""Flow versions: what happens when two change the same flow at once."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from engine_builders import Driver, a_center, a_content, an_action
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import UPDATE_ATTEMPTS_MAX
from ringfloor.domain.commands import CreateResource, UpdateResource
from ringfloor.operations.flow_versions import FAMILIES, create_version, update_alias

FLOWS, _ = FAMILIES


def a_flow(center: Driver) -> str:
    return center.a_flow("f", a_content(an_action("bye", "DisconnectParticipant")))


def a_version(center: Driver, flow: str, number: int) -> None:
    version = {"ContactFlowId": flow, "Version": number, "Status": "SAVED", "Content": ""}
    center.run(
        CreateResource(kind="contact_flow_version", id=f"{flow}:{number}", properties=version)
    )


class Crowd:
    """A context of one center, in which somebody else acts before each command."""

    def __init__(self, center: Driver, before: Callable[[int], None]) -> None:
        self.center, self.before, self.submitted = center, before, 0
        self.origin = None
        self.service = SimpleNamespace(quotas=SimpleNamespace(of=lambda _kind: None))
        self.node = SimpleNamespace(submit=lambda _id, command, _origin: self.submit(None, command))

    def desk(self, _instance: str) -> Any:
        return SimpleNamespace(center=self.center.center, instance_id="")

    async def read(self, question: Callable[[], Any]) -> Any:
        return question()

    async def submit(self, _desk: Any, command: Any) -> str:
        self.submitted += 1
        self.before(self.submitted)
        return self.center.run(command).answer


def asked(flow: str, **members: Any) -> Any:
    names = ("Description", "FlowContentSha256", "Name", "ContactFlowVersion")
    nothing = dict.fromkeys(names)
    return SimpleNamespace(InstanceId="i", ContactFlowId=flow, **nothing | members)


async def test_whoever_is_late_gets_the_next_number():
    center = a_center()
    flow = a_flow(center)
    crowd = Crowd(center, lambda turn: a_version(center, flow, turn) if turn < 4 else None)
    answer = await create_version(FLOWS)(crowd, asked(flow))
    assert answer["Version"] == 4
    assert sorted(center.center.resources["contact_flow_version"]) == [
        f"{flow}:{number}" for number in (1, 2, 3, 4)
    ]


async def test_nobody_tries_for_ever():
    center = a_center()
    flow = a_flow(center)
    crowd = Crowd(center, lambda turn: a_version(center, flow, turn))
    with pytest.raises(Refusal, match="ThrottlingException"):
        await create_version(FLOWS)(crowd, asked(flow))
    assert crowd.submitted == UPDATE_ATTEMPTS_MAX


async def test_an_alias_that_has_changed_meanwhile_stays_as_it_is():
    center = a_center()
    flow = a_flow(center)
    for number in (1, 2, 3):
        a_version(center, flow, number)
    properties = {"ContactFlowId": flow, "Name": "live", "VersionId": f"{flow}:1"}
    alias = center.create("contact_flow_alias", "live", properties)
    other = UpdateResource("contact_flow_alias", alias, {"VersionId": f"{flow}:2"})
    crowd = Crowd(center, lambda _turn: center.run(other) and None)
    to_3 = asked(flow, AliasId=alias, ContactFlowVersion=3)
    with pytest.raises(Refusal, match="ConditionalOperationFailedException"):
        await update_alias(FLOWS)(crowd, to_3)
    assert (
        center.center.resources["contact_flow_alias"][alias].properties["VersionId"] == f"{flow}:2"
    )
