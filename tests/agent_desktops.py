"""Agent desktops: clients of the agent service, for tests.

    ann = desktop(office, "ann")
    await ann.choose("Available")
    await ann.do("AcceptContact", contact_id)

Every result is held against the client's model of the service.
"""

import json
from typing import Any

import pytest

import cti_model
from node_builders import Office
from ringfloor.base.errors import Refusal
from ringfloor.operations import sign_in
from ringfloor.server.agent_operations import Request, perform


class Desktop:
    """What an agent sits at: a client of the agent service."""

    def __init__(self, office: Office, user: str, bearer: str) -> None:
        self.office = office
        self.user = user
        self.bearer = bearer
        self.poll_token: str | None = None

    async def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        """The result, held against the client's model."""
        stage = self.office.stage
        request = Request(
            f"AmazonConnectCTIService.{operation}", self.bearer, json.dumps(members).encode()
        )
        result = await perform(stage.service, request, stage.now)
        result = json.loads(json.dumps(result))
        assert cti_model.wrong(operation, result) == []
        return result

    async def do(self, operation: str, contact_id: str | None = None, **members: Any) -> None:
        if contact_id is not None:
            members["contactId"] = contact_id
        assert await self.ask(operation, **members) == {}
        await self.office.stage.pass_time()

    async def refused(self, operation: str, **members: Any) -> Refusal:
        with pytest.raises(Refusal) as caught:
            await self.ask(operation, **members)
        return caught.value

    async def look(self) -> dict[str, Any]:
        result = await self.ask("GetAgentSnapshot")
        self.poll_token = result["nextToken"]
        return result["snapshot"]

    async def state(self) -> tuple[str, str]:
        """Name and type."""
        state = (await self.look())["state"]
        return state["name"], state["type"]

    async def contact(self) -> dict[str, Any]:
        (contact,) = (await self.look())["contacts"]
        return contact

    async def choose(self, status: str, **members: Any) -> None:
        await self.do("PutAgentState", state={"name": status, "type": ""}, **members)


def desktop(office: Office, user: str) -> Desktop:
    """Signed in, by whatever way."""
    stage = office.stage
    session = sign_in._session(
        stage.service, office.instance_id, office.id_of("user", user), stage.now
    )
    return Desktop(office, user, session.access.text)
