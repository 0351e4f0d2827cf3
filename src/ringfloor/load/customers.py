"""Customers: who come, wait, give up and come again, over the doors that customers have.

Called by load.run. Which door it is:

    VOICE   a simulated phone of a sandbox rings the center up; without a sandbox there is no door
            for calls from outside, and the center dials the customer (StartOutboundVoiceContact)
    CHAT    StartChatContact, as the website would; then the participant service and a web socket
    TASK    StartTaskContact

Rules:

* They come by the scenario's arrivals, whether or not the server keeps up with them.
* Patience begins when the contact has been started and, if there are keys, when the first have been
  pressed: no customer is told that he is in a queue.
* In one process customer and agent know of each other what they would hear from each other: that
  they talk, and who hangs up.
"""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

from ringfloor.base.limits import LOAD_TRIES_MAX
from ringfloor.base.time import Instant
from ringfloor.domain.vocabulary import Channel
from ringfloor.load import sockets
from ringfloor.load.door import Door, Failed
from ringfloor.load.stage import Customer, Stage
from ringfloor.simulator.people import NOTHING, chosen
from ringfloor.simulator.population import arrivals
from ringfloor.simulator.scenario import Callers

GONE = frozenset({"ResourceNotFoundException", "ContactNotFoundException"})
LEFT = frozenset({"AccessDeniedException"})
OPEN = "customer's web socket"


class Crowd:
    """All customers of a load test."""

    def __init__(self, stage: Stage, number: str) -> None:
        """number: of the instance, from which customers are dialled."""
        self.stage = stage
        self.door: Door = stage.door
        self._number = number
        self._came = 0

    def arrange(self, until: Instant) -> None:
        """Let the customers come who come before then."""
        stage = self.stage
        for name, group in stage.scenario.callers.items():
            coming = arrivals(stage.scenario, name, group, stage.chance)
            stage.spawn(self._let_in(name, coming, until))

    async def _let_in(self, name: str, coming: Iterator[Instant], until: Instant) -> None:
        for number, at in enumerate(coming, 1):
            if at >= until:
                return
            due = self.stage.real(at)
            if due > self.stage.now():
                await self.stage.until(due)
            if not self.stage.is_open:
                return
            self.stage.spawn(self._live(Customer(f"callers/{name}/{number}", name), due))

    async def _live(self, customer: Customer, due: float) -> None:
        """One customer, until he has nothing to come for any more."""
        customer.channel = self._channel(customer, self.stage.group(customer))
        coming: float | None = due
        while coming is not None:
            coming = await self._attempt(customer, coming)
            customer = customer.again()

    async def _attempt(self, customer: Customer, due: float) -> float | None:
        """Once; when he comes again, if he does."""
        stage, group = self.stage, self.stage.group(customer)
        if not await self._start(customer, due):
            return None
        gave_up = await self._wait(customer, group, await self._press(customer, group))
        retries = group.retries
        if (
            not gave_up
            or retries is None
            or customer.attempt > retries.at_most
            or stage.chance.uniform(customer.name, "retry", customer.attempt) >= retries.chance
        ):
            return None
        again = stage.now() + stage.draw(
            customer.name, "retry after", customer.attempt, retries.after
        )
        await stage.until(again)
        if not stage.is_open:
            return None
        stage.of(customer.channel).repeated += 1
        return again

    def _channel(self, customer: Customer, group: Callers) -> Channel:
        if len(group.channels) == 1:
            return next(iter(group.channels))
        return chosen(group.channels, self.stage.chance.uniform(customer.name, "channel"))

    # Coming

    async def _start(self, customer: Customer, due: float) -> bool:
        """Whether his contact has been started."""
        stage, figures = self.stage, self.stage.of(customer.channel)
        self._came += 1
        figures.came += 1
        customer.number = f"+1206{self._came % 10_000_000:07}"
        flow = stage.built.entries[customer.group]
        try:
            if customer.channel == "CHAT":
                await self._chat(customer, flow, due)
            else:
                contact = await (
                    self._task(customer, flow, due)
                    if customer.channel == "TASK"
                    else self._call(customer, flow, due)
                )
                stage.started(customer, contact)
        except Failed as error:
            if error.status == 0:
                figures.unknown += 1
            else:
                figures.refused += 1
            return False
        except asyncio.CancelledError:
            figures.unknown += not customer.contact_id
            raise
        return True

    async def _call(self, customer: Customer, flow: str, due: float) -> str:
        instance = self.stage.built.instance_id
        if self.stage.voice == "phones":
            target = f"/_ringfloor/phones/{quote(customer.number, safe='')}/call"
            body = {"InstanceId": instance, "ContactFlowId": flow}
            answer = await self.door.plain("phone: call", "POST", target, body, due)
        else:
            answer = await self.door.connect(
                "StartOutboundVoiceContact",
                due,
                InstanceId=instance,
                ContactFlowId=flow,
                DestinationPhoneNumber=customer.number,
                SourcePhoneNumber=self._number,
            )
        return str(answer["ContactId"])

    async def _task(self, customer: Customer, flow: str, due: float) -> str:
        answer = await self.door.connect(
            "StartTaskContact",
            due,
            InstanceId=self.stage.built.instance_id,
            ContactFlowId=flow,
            Name=customer.group,
        )
        return str(answer["ContactId"])

    async def _chat(self, customer: Customer, flow: str, due: float) -> None:
        stage, door = self.stage, self.door
        begun = await door.connect(
            "StartChatContact",
            due,
            InstanceId=stage.built.instance_id,
            ContactFlowId=flow,
            ParticipantDetails={"DisplayName": "Customer"},
        )
        stage.started(customer, begun["ContactId"])
        try:
            joined = await door.participant(
                "CreateParticipantConnection",
                begun["ParticipantToken"],
                races=LEFT,
                Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
            )
        except Failed:
            return  # he is in it, and nobody will hear him
        customer.token = joined["ConnectionCredentials"]["ConnectionToken"]
        url = sockets.address(joined["Websocket"]["Url"], door.address)
        ready: asyncio.Future[None] = stage.loop.create_future()
        stage.spawn(self._listen(customer, url, ready))
        await ready

    async def _listen(self, customer: Customer, url: str, ready: "asyncio.Future[None]") -> None:
        """Hear his chat until it is over."""
        if await self.stage.hear(OPEN, url, "AGENT", ready):
            self.stage.turn(customer, "over")

    async def _press(self, customer: Customer, group: Callers) -> float:
        """Answer the first question of his flow; when his patience begins."""
        stage, now = self.stage, self.stage.now()
        if group.flow is None or not group.keys or customer.channel == "TASK":
            return now
        number = stage.chance.uniform(customer.name, "keys", 1)
        keys = chosen(group.keys or NOTHING, number)
        due = now + stage.draw(customer.name, "thinks", 1, group.thinks)
        await stage.until(due)
        try:
            if keys and customer.channel == "CHAT" and customer.token:
                await self.door.participant(
                    "SendMessage",
                    customer.token,
                    due,
                    LEFT,
                    ContentType="text/plain",
                    Content=keys,
                )
            elif keys and customer.channel == "VOICE" and stage.voice == "phones":
                target = f"/_ringfloor/contacts/{customer.contact_id}/press"
                await self.door.plain("phone: press", "POST", target, {"digits": keys}, due, GONE)
        except Failed:
            pass  # counted; his call goes on without
        return due

    # Waiting

    async def _wait(self, customer: Customer, group: Callers, begins: float) -> bool:
        """Until somebody speaks with him or he has had enough; whether he has given up."""
        stage, turn = self.stage, customer.turn
        assert turn is not None
        deadline: float | None = None
        if group.patience is not None and customer.channel != "TASK":
            lasts = stage.draw(customer.name, "patience", customer.attempt, group.patience)
            deadline = begins + lasts
        if stage.hurry.is_set():
            stage.turn(customer, "hurry")
        waits = stage.now()
        try:
            async with asyncio.timeout_at(deadline):
                what = await asyncio.shield(turn)
        except TimeoutError:
            what = "hurry"
            assert deadline is not None
            stage.late(max(deadline, waits))
        if what == "served":
            return False
        if what == "over":
            stage.fated(customer, "turned_away")
            return False
        had_left = await self.hang_up(customer, deadline)
        if turn.done() and turn.result() == "served":
            return False  # an agent was quicker, or is there just now
        stage.fated(customer, "gave_up" if had_left else "turned_away")
        return had_left

    async def hang_up(self, customer: Customer, due: float | None) -> bool:
        """Let him leave; whether he was still there."""
        stage, door = self.stage, self.door
        for number in range(LOAD_TRIES_MAX):
            try:
                if customer.channel == "CHAT" and customer.token:
                    await door.participant("DisconnectParticipant", customer.token, due, LEFT)
                elif customer.channel == "VOICE" and stage.voice == "phones":
                    target = f"/_ringfloor/contacts/{customer.contact_id}/hangup"
                    await door.plain("phone: hang up", "POST", target, {}, due, GONE)
                else:
                    await door.connect(
                        "StopContact",
                        due,
                        GONE,
                        InstanceId=stage.built.instance_id,
                        ContactId=customer.contact_id,
                    )
            except Failed as error:
                if not error.passes:
                    return False
            else:
                return True
            due = stage.now() + 0.1 * 2**number
            await stage.until(due)
        return False

    def hurry(self) -> None:
        """Nobody waits any longer."""
        for customer in list(self.stage.customers.values()):
            self.stage.turn(customer, "hurry")
