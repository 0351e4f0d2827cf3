"""Desktops: what agents of a load test sit at: clients of the agent service, as streams is.

    sign in -> web socket -> configuration -> snapshot, and again as long as he works
    offered -> accept, or let it ring out      connected -> talk, write, end
    missed  -> clear                           ended     -> write up, clear

Called by load.run. Rules:

* A desktop knows what its snapshots tell, and nothing else of the center.
* What has to be done so that nobody stays for ever (accept, end, clear, status) is tried again when
  it was throttled or not answered; every try counts.
* A snapshot is asked for 100 ms after the last one, as streams does it; divided by the speed.
"""

import asyncio
from contextlib import suppress
from typing import Any

from msgspec import Struct, json

from ringfloor.base.limits import LOAD_TRIES_MAX, RING_MS
from ringfloor.load import sockets
from ringfloor.load.building import Place
from ringfloor.load.customers import Crowd
from ringfloor.load.door import Door, Failed
from ringfloor.load.stage import Stage
from ringfloor.simulator.population import OFFLINE, presence

LATE = frozenset({"ContactNotFoundException", "InvalidRequestException"})
"""What an agent is told whose contact has gone, or is further than he thought."""

CLOSED = LATE | {"AccessDeniedException", "ResourceNotFoundException"}
OVER = frozenset({"missed", "rejected", "error", "ended"})
"""States in which nothing is left to do but to clear."""
POLL_GAP_MS = 100
OPEN = "agent's web socket"


class Work(Struct):
    """A contact that he has."""

    state: str
    contact: dict[str, Any]
    number: int
    """Of the offer."""
    connected: bool = False
    accepted_at: float | None = None
    ended_at: float | None = None
    """When somebody here has ended it."""
    written: list[str] = []
    """In its chat."""


class Desktop:
    """One agent's."""

    def __init__(self, stage: Stage, crowd: Crowd, place: Place, message_ms: int) -> None:
        """message_ms: between what one side of a chat writes and the next, in the scenario."""
        self.stage = stage
        self.door: Door = stage.door
        self.crowd = crowd
        self.place = place
        self.works: dict[str, Work] = {}
        """By contact."""
        self._message_ms = message_ms
        self._bearer = self._refresh = ""
        self._offers = 0
        self._token: str | None = None
        self._is_working = False

    # Signing in

    async def sign_in(self, password: str) -> None:
        """Be there, Offline or whatever he was; raises Failed."""
        body = {
            "instance": self.stage.built.instance_id,
            "username": self.place.username,
            "password": password,
        }
        told = await self.door.plain("sign in", "POST", "/auth/login", body)
        self._bearer, self._refresh = told["accessToken"], told["refreshToken"]
        transport = await self._ask("CreateTransport", transportType="web_socket")
        url = sockets.address(transport["webSocketTransport"]["url"], self.door.address)
        ready: asyncio.Future[None] = self.stage.loop.create_future()
        self.stage.spawn(self._listen(url, ready))
        await ready
        configuration = await self._ask("GetAgentConfiguration")
        profile = configuration["configuration"]["routingProfile"]["routingProfileARN"]
        await self._ask("GetAgentPermissions")
        await self._ask("GetAgentStates")
        await self._ask("GetDialableCountryCodes")
        await self._ask("GetRoutingProfileQueues", routingProfileARN=profile)
        self._look(await self._ask("GetAgentSnapshot"))

    def work(self) -> None:
        """From now on see what comes, and come and go by the shifts."""
        self._is_working = True
        self.stage.spawn(self._watch())
        self.stage.spawn(self._come_and_go())

    async def sign_out(self) -> None:
        """Go Offline and leave; what does not succeed is counted."""
        await self._must("PutAgentState", None, state=self._status(OFFLINE))
        self._is_working = False
        with suppress(Failed):  # counted; his session ends by itself
            await self.door.plain("sign out", "POST", "/logout", {}, bearer=self._bearer)

    def _status(self, name: str) -> dict[str, str]:
        return {"agentStateARN": self.stage.built.statuses[name], "name": name, "type": ""}

    async def _come_and_go(self) -> None:
        stage = self.stage
        for at, status in presence(stage.scenario, self.place.group):
            due = stage.real(at)
            if due > stage.now():
                await stage.until(due)
            if stage.hurry.is_set():
                return
            await self._must("PutAgentState", due, state=self._status(status))

    async def _listen(self, url: str, ready: "asyncio.Future[None]") -> None:
        await self.stage.hear(OPEN, url, "CUSTOMER", ready)

    # Asking

    async def _ask(
        self,
        operation: str,
        due: float | None = None,
        races: frozenset[str] = frozenset(),
        **members: Any,  # noqa: ANN401  JSON
    ) -> dict[str, Any]:
        """With a new access token where the old one has ended."""
        try:
            return await self.door.agent(operation, self._bearer, due, races, **members)
        except Failed as error:
            if error.status != 401:
                raise
        renewed = await self.door.plain("authorize", "GET", "/auth/authorize", bearer=self._refresh)
        self._bearer = renewed["accessToken"]
        return await self.door.agent(operation, self._bearer, due, races, **members)

    async def _must(
        self,
        operation: str,
        due: float | None,
        races: frozenset[str] = frozenset(),
        **members: Any,  # noqa: ANN401  JSON
    ) -> bool:
        """Try until it is done or makes no sense any more; whether it is done."""
        for number in range(LOAD_TRIES_MAX):
            try:
                await self._ask(operation, due, races, **members)
            except Failed as error:
                if not error.passes:
                    return False
            else:
                return True
            due = self.stage.now() + 0.1 * 2**number
            await self.stage.until(due)
        return False

    # Looking

    async def _watch(self) -> None:
        """Ask for snapshots as long as he works."""
        stage = self.stage
        trouble = 0
        while self._is_working:
            token: dict[str, Any] = {} if self._token is None else {"nextToken": self._token}
            try:
                self._look(await self._ask("GetAgentSnapshot", timeout=30_000, **token))
                trouble = 0
            except Failed:
                trouble = min(trouble + 1, LOAD_TRIES_MAX)
            gap = stage.length(POLL_GAP_MS) + (0.1 * 2**trouble if trouble else 0)
            try:
                async with asyncio.timeout(gap):
                    await stage.loop.create_future()
            except TimeoutError:
                pass  # that is the point

    def _look(self, answer: dict[str, Any]) -> None:
        self._token = answer.get("nextToken")
        seen = {each["contactId"]: each for each in answer["snapshot"]["contacts"]}
        for contact_id in [each for each in self.works if each not in seen]:
            self._finished(contact_id)
        for contact_id, contact in seen.items():
            state = contact["state"]["type"]
            known = self.works.get(contact_id)
            if known is not None and known.state in OVER and state not in OVER:
                self._finished(contact_id)  # cleared, and offered anew between two snapshots
                known = None
            if known is None:
                self._offers += 1
                known = self.works[contact_id] = Work("", contact, self._offers)
            known.contact = contact
            if known.state != state:
                known.state = state
                self._news(contact_id, known)

    def _news(self, contact_id: str, work: Work) -> None:
        """What he does about a contact that is in another state now."""
        stage = self.stage
        match work.state:
            case "connecting" | "incoming" if work.accepted_at is None:
                work.accepted_at = -1.0
                stage.spawn(self._answer(contact_id, work))
            case "connected" if not work.connected:
                if work.accepted_at is not None and work.accepted_at > 0:
                    length = stage.now() - work.accepted_at
                    self.door.measures.heard("accepted until connected", length)
                self._connected(contact_id, work)
                stage.spawn(self._talk(contact_id, work))
            case "missed" | "rejected" | "error" | "ended":
                if work.state == "ended" and not work.connected:
                    self._connected(contact_id, work)  # for less time than snapshots show
                if work.ended_at is not None:
                    length = stage.now() - work.ended_at
                    self.door.measures.heard("hung up until seen", length)
                stage.spawn(self._write_up(contact_id, work))
            case _:
                pass

    def _connected(self, contact_id: str, work: Work) -> None:
        work.connected = True
        self.stage.reached(contact_id, work.contact.get("initialContactId", ""))

    def _finished(self, contact_id: str) -> None:
        """A contact has left his snapshot."""
        work = self.works.pop(contact_id)
        for text in work.written:
            self.stage.forget(text)
        initial = work.contact.get("initialContactId", "")
        customer = self.stage.customer(contact_id, initial)
        if work.connected and customer is not None:
            self.stage.fated(customer, "handled")

    # Working

    async def _answer(self, contact_id: str, work: Work) -> None:
        """Take what rings, or do not."""
        stage, group, begins = self.stage, self.place.group, self.stage.now()
        if stage.chance.uniform(self.place.name, "misses", work.number) < group.misses:
            if stage.speed == 1:
                return  # it rings out
            due = begins + stage.length(RING_MS)
            await stage.until(due)
            if not stage.hurry.is_set() and work.state in {"connecting", "incoming"}:
                await self._must("RejectContact", due, LATE, contactId=contact_id)
            return
        due = begins + stage.draw(self.place.name, "answers", work.number, group.answers)
        await stage.until(due)
        if not stage.hurry.is_set() and work.state in {"connecting", "incoming"}:
            work.accepted_at = stage.now()
            await self._must("AcceptContact", due, LATE, contactId=contact_id)

    def _lasts(self, contact_id: str, work: Work, purpose: str) -> float:
        """How long a customer's matter takes this agent, in seconds."""
        stage, group = self.stage, self.place.group
        name = work.contact.get("queue", {}).get("name", "")
        queue = stage.scenario.queues.get(name)
        own = (group.handle if purpose == "handle" else group.after_work).get(name)
        usual = (
            None if queue is None else (queue.handle if purpose == "handle" else queue.after_work)
        )
        taken = own or usual
        if taken is None:
            return 0.0
        customer = stage.customer(contact_id, work.contact.get("initialContactId", ""))
        whom, number = (
            (self.place.name, work.number) if customer is None else (customer.name, customer.served)
        )
        return group.pace * stage.draw(whom, purpose, number, taken)

    async def _talk(self, contact_id: str, work: Work) -> None:
        """As long as it takes; then it is over."""
        stage = self.stage
        due = stage.now() + self._lasts(contact_id, work, "handle")
        kind = work.contact["type"]
        if kind == "chat":
            await self._chat(contact_id, work, due)
        elif kind == "voice":
            due += await self._hold(contact_id, work, due)
        await stage.until(due)
        if work.state != "connected":
            return
        work.ended_at = stage.now()
        if kind == "task":
            await self._must("CompleteContact", due, LATE, contactId=contact_id)
            return
        customer = stage.customer(contact_id, work.contact.get("initialContactId", ""))
        if kind == "voice" and stage.voice == "phones" and customer is not None:
            await self.crowd.hang_up(customer, due)
            return
        mine = self._connection(work)
        if mine is not None:
            where = {"contactId": contact_id, "connectionId": mine["connectionId"]}
            await self._must("DestroyConnection", due, LATE, **where)

    def _connection(self, work: Work, *, his: bool = True) -> dict[str, Any] | None:
        """His own, or that of the customer."""
        connections: list[dict[str, Any]] = work.contact["connections"]
        return next((each for each in connections if (each["type"] == "agent") == his), None)

    async def _hold(self, contact_id: str, work: Work, until: float) -> float:
        """Put the customer on hold in the middle of the call, or not; how long, in seconds."""
        stage = self.stage
        queue = stage.scenario.queues.get(work.contact.get("queue", {}).get("name", ""))
        customer = stage.customer(contact_id, work.contact.get("initialContactId", ""))
        party = self._connection(work, his=False)
        if queue is None or queue.holds is None or customer is None or party is None:
            return 0.0
        number = customer.served
        if stage.chance.uniform(customer.name, "hold", number) >= queue.holds.chance:
            return 0.0
        held = stage.draw(customer.name, "hold lasts", number, queue.holds.lasts)
        begins = (stage.now() + until) / 2
        where = {"contactId": contact_id, "connectionId": party["connectionId"]}
        for operation, due in (("HoldConnection", begins), ("ResumeConnection", begins + held)):
            await stage.until(due)
            if work.state == "connected" and not stage.hurry.is_set():
                await self._must(operation, due, LATE, **where)
        return held

    async def _chat(self, contact_id: str, work: Work, until: float) -> None:
        """Join a chat, and write with its customer until then."""
        stage, door = self.stage, self.door
        customer = stage.customer(contact_id, work.contact.get("initialContactId", ""))
        mine = self._connection(work)
        info = json.decode(((mine or {}).get("chatMediaInfo") or {}).get("connectionData") or "{}")
        if mine is None or "ConnectionAuthenticationToken" not in info:
            return
        try:
            told = await self._ask(
                "CreateTransport",
                None,
                CLOSED,
                transportType="chat_token",
                participantId=mine["connectionId"],
                contactId=contact_id,
            )
            token = told["chatTokenTransport"]["participantToken"]
            await door.participant(
                "CreateParticipantConnection", token, None, CLOSED, ConnectParticipant=True
            )
        except Failed:
            return  # counted; he can still end it
        sides = [token] if customer is None or not customer.token else [customer.token, token]
        number, due = 0, stage.now()
        pace = stage.length(self._message_ms)
        while (
            max(due, stage.now()) < until and work.state == "connected" and not stage.hurry.is_set()
        ):
            text = f"{contact_id} {number}"
            stage.wrote(text, stage.now())
            work.written.append(text)
            try:
                await door.participant(
                    "SendMessage",
                    sides[number % len(sides)],
                    due,
                    CLOSED,
                    ContentType="text/plain",
                    Content=text,
                )
            except Failed:
                stage.messages.pop(text, None)  # not written
            number += 1
            due += pace
            await stage.until(min(due, until))

    async def _write_up(self, contact_id: str, work: Work) -> None:
        """After contact work, or what it takes to be back from a missed contact."""
        stage, group = self.stage, self.place.group
        if work.connected:
            lasts = self._lasts(contact_id, work, "after work")
        else:
            lasts = stage.draw(self.place.name, "returns", work.number, group.returns)
        due = stage.now() + lasts
        await stage.until(due)
        await self._must("ClearContact", due, LATE, contactId=contact_id)
