"""Node builders: a running node on virtual time, in memory, with simulated phones.

    async with a_node() as stage:
        office = await stage.an_instance(users=["ann", "bob"])
        await office.status("ann", "Available")
        contact = await office.a_call()
        await stage.pass_time(20)

The stage is everything around the node; an office is one instance of it. What is done returns when
all that follows without the clock moving has happened.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import override

from ringfloor.aws.tokens import Pages, Sealer
from ringfloor.base.ids import derive, dice
from ringfloor.base.time import SECOND, Instant, VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.contact import Agent
from ringfloor.domain.events import Origin, decode_outcome
from ringfloor.domain.quotas import Quotas
from ringfloor.engine.state import Center
from ringfloor.gateway.phones import Phones
from ringfloor.journal.journal import Journal
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node.accounts import Accounts
from ringfloor.node.desk import Desk
from ringfloor.node.functions import Functions
from ringfloor.node.history import History
from ringfloor.node.node import Node
from ringfloor.node.outbox import Outbox
from ringfloor.node.streams import Streams
from ringfloor.node.vault import Vault
from ringfloor.operations import passwords
from ringfloor.operations.checks import PASSWORD_HASH
from ringfloor.operations.context import Service
from ringfloor.operations.frozen import Frozen

START: Instant = 1_700_000_000_000
REGION, ACCOUNT = "us-east-1", "111122223333"
NUMBER = "+15555550100"
CUSTOMER = "+12065550100"
KEY = b"the sealing key of all the tests"
ROOT = ("AKIAROOT", "the secret of the root in the tests")

HASHES: dict[str, str] = {}
"""Of passwords that tests have used; hashing takes its time on purpose."""


class KeptJournal(MemoryJournal):
    """A journal that outlives its node, as a disk does."""

    @override
    def close(self) -> None:
        pass


class KeptHistory(History):
    """A history that outlives its node."""

    @override
    def close(self) -> None:
        pass


class Stage:
    """A node, its clock and its phones."""

    def __init__(
        self,
        journal: Journal,
        clock: VirtualClock,
        seed: int,
        history: History | None = None,
        functions: Functions | None = None,
        streams: Streams | None = None,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.history = history or History.open(None, print)
        self.node = Node(journal, self.history, clock, dice(seed), streams)
        functions = functions or Functions({}, direct=False)
        self.outbox = Outbox(functions, self.node.post, self.node.wake, desks=self.node.desks)
        self.phones = Phones(self.outbox.hear)
        self.outbox.connect(self.phones)
        self.node.recover(self.outbox, lambda _instance, _record, _last: None)
        sealer = Sealer((KEY,))
        accounts = Accounts(self.node, sealer, Vault((KEY,)), ACCOUNT, ROOT)
        accounts.recover()
        self.service = Service(
            node=self.node,
            region=REGION,
            account=ACCOUNT,
            sealer=sealer,
            pages=Pages(sealer),
            accounts=accounts,
            frozen=Frozen(),
            quotas=Quotas(),
            number=NUMBER,
        )

    @property
    def now(self) -> Instant:
        return self.clock.now()

    async def pass_time(self, seconds: float = 0) -> None:
        """Let time pass, and everything happen that is due by then."""
        await self.node.advance(self.now + round(seconds * SECOND))

    async def an_instance(
        self, alias: str = "office", users: Sequence[str] = (), *, management: str = "SAML"
    ) -> "Office":
        """A new instance; its users have no passwords and take BasicQueue's voice contacts."""
        instance_id = derive(self.node.draw(), 0)
        await self.node.create(
            commands.CreateInstance(
                instance_id=instance_id,
                region=REGION,
                account=ACCOUNT,
                alias=alias,
                properties={
                    "IdentityManagementType": management,
                    "InboundCallsEnabled": True,
                    "OutboundCallsEnabled": True,
                },
                number=NUMBER,
            ),
            Origin(),
        )
        office = Office(self, instance_id)
        for user in users:
            await office.add_user(user)
        return office


class Office:
    """One instance; users, statuses and contacts by their names."""

    def __init__(self, stage: Stage, instance_id: str) -> None:
        self.stage = stage
        self.instance_id = instance_id

    @property
    def desk(self) -> Desk:
        return self.stage.node.desk(self.instance_id)

    @property
    def center(self) -> Center:
        return self.desk.center

    def id_of(self, kind: str, name: str) -> str:
        return self.center.named(kind, name)

    def agent(self, user: str) -> Agent:
        return self.center.agents[self.id_of("user", user)]

    async def submit(self, command: commands.Command) -> str:
        answer = await self.stage.node.submit(self.instance_id, command)
        await self.stage.pass_time()
        return answer

    async def add(self, kind: str, **properties: Any) -> str:
        return await self.submit(commands.CreateResource(kind=kind, properties=properties))

    async def add_user(
        self, user: str, password: str | None = None, *, limit: int = 0, **phone: Any
    ) -> str:
        """limit: seconds of after contact work, 0 for no limit; phone: members of PhoneConfig."""
        properties = {
            "Username": user,
            "IdentityInfo": {"FirstName": user.title(), "LastName": "Agent"},
            "PhoneConfig": {
                "PhoneType": "SOFT_PHONE",
                "AfterContactWorkTimeLimit": limit,
                **phone,
            },
            "SecurityProfileIds": [self.id_of("security_profile", "Agent")],
            "RoutingProfileId": self.id_of("routing_profile", "Basic Routing Profile"),
        }
        if password is not None:
            if password not in HASHES:
                HASHES[password] = await passwords.hashed(password)
            properties[PASSWORD_HASH] = HASHES[password]
        return await self.add("user", **properties)

    async def status(self, user: str, status: str) -> None:
        await self.submit(
            commands.SetAgentStatus(self.id_of("user", user), self.id_of("agent_status", status))
        )

    async def a_call(self, from_number: str = CUSTOMER, **attributes: str) -> str:
        """A customer calls and comes as far as nobody else has to do anything; the contact's id."""
        contact_id = derive(self.stage.node.draw(), 0)
        self.stage.phones.call(from_number, NUMBER, contact_id, self.stage.now)
        await self.submit(
            commands.StartInboundContact(
                contact_id=contact_id,
                from_number=from_number,
                to=NUMBER,
                flow_id=self.id_of("contact_flow", "Sample inbound flow"),
            )
        )
        if attributes:
            await self.submit(commands.UpdateAttributes(contact_id, attributes))
        return contact_id

    async def customer_hangs_up(self, contact_id: str) -> None:
        self.stage.phones.hang_up(contact_id, self.stage.now)
        await self.stage.pass_time()

    def origins(self) -> list[tuple[str, Origin]]:
        """The audit trail: first event's type and origin of every record."""
        outcomes = [
            decode_outcome(record.payload)
            for record in self.stage.journal.read(self.instance_id, 0)
        ]
        return [(type(each.events[0]).__name__, each.origin) for each in outcomes]


@asynccontextmanager
async def a_node(
    journal: Journal | None = None,
    clock: VirtualClock | None = None,
    seed: int = 1,
    history: History | None = None,
    functions: Functions | None = None,
    streams: Streams | None = None,
) -> AsyncIterator[Stage]:
    """A node that runs inside the block.

    journal, history: a KeptJournal and a KeptHistory, for a node after this one.
    """
    stage = Stage(
        journal or MemoryJournal(), clock or VirtualClock(START), seed, history, functions, streams
    )
    running = asyncio.create_task(stage.node.run())
    await asyncio.sleep(0)  # what was under way before a restart goes on
    try:
        yield stage
    finally:
        stage.node.close()
        await running
        await stage.node.finish()
