"""Floor: a whole node under seeded people and seeded faults, on virtual time.

    floor = Floor(7)
    await floor.live(300)     so many things happen; the carrier is slow, the node crashes
    await floor.end()         everybody goes home; nothing is left, nobody is lost

Around the engine stand the journal, the outbox and simulated phones, as in production. The faults:
commands reach the carrier late, or twice; the node dies between its disk and the world, with the
carrier or without it; agents' phones drop out; nobody answers; the clock leaps. A run is its seed.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from hashlib import blake2b
from typing import Any

from node_builders import NUMBER, START, KeptHistory, KeptJournal, Office, Stage
from record_builders import contents
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import derive, generator
from ringfloor.base.time import MINUTE, SECOND, Instant, VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.events import (
    ChatEnded,
    ChatItemAdded,
    ContactCompleted,
    ContactInitiated,
    decode_outcome,
)
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.engine.staff import Staffing
from ringfloor.engine.state import Center
from ringfloor.gateway.phones import Behaviour, Phones
from ringfloor.node.desk import Desk
from ringfloor.node.history import History
from ringfloor.projections.counters import GroupCount, recount
from ringfloor.projections.transcripts import kept
from ringfloor.telephony import commands as telephony
from ringfloor.telephony.events import Event

WAITS = (0, 0, 0, 100, SECOND, SECOND, 3 * SECOND, 5 * SECOND, 20 * SECOND)
CUSTOMERS = tuple(f"+1206555{number:04}" for number in range(100, 112))
BEHAVIOURS = (
    Behaviour(),
    Behaviour("answer", 3 * SECOND),
    Behaviour("busy"),
    Behaviour("no-answer"),
    Behaviour("invalid"),
)
CONFERENCE = "MULTI_PARTY_CONFERENCE"


class SlowCarrier:
    """Phones behind a line on which commands are late, or come twice; their order stays."""

    def __init__(self, phones: Phones, floor: "Floor") -> None:
        self.phones = phones
        self.floor = floor
        self.held: deque[tuple[Instant, telephony.Command]] = deque()
        self.deaf = False
        """What is said now is lost: the node is about to die."""

    def perform(self, command: telephony.Command, now: Instant) -> None:
        if self.deaf:
            return
        dice = self.floor.faults
        due = now + dice.choice((0, 0, 0, 0, 50, 700)) if self.floor.faulty else now
        due = max(due, self.held[-1][0]) if self.held else due
        times = 2 if self.floor.faulty and dice.random() < 0.1 else 1
        for _ in range(times):
            self.held.append((due, command))
        self._release(now)

    def _release(self, now: Instant) -> None:
        while self.held and self.held[0][0] <= now:
            _, command = self.held.popleft()
            self.phones.perform(command, now)

    def next_due(self) -> Instant | None:
        dues = [self.phones.next_due(), self.held[0][0] if self.held else None]
        return min((due for due in dues if due is not None), default=None)

    def run_due(self, now: Instant) -> None:
        self._release(now)
        self.phones.run_due(now)

    def adopt(self, channels: Any, now: Instant) -> None:
        self.phones.adopt(channels, now)

    def channels(self) -> Any:
        return self.phones.channels()


def seen(group: GroupCount) -> tuple[int, ...]:
    """Of some agents: all, online, staffed, available, on contact, in error."""
    on_contact, in_error = sum(group.on_contact[1:]), sum(group.in_error[1:])
    return group.agents, group.online, group.staffed, group.available, on_contact, in_error


class Floor:
    """One instance, its people, and what goes wrong."""

    def __init__(self, number: int, *, faulty: bool = True) -> None:
        self.number = number
        self.dice = generator(number)
        self.faults = generator(number + 1_000_000)
        self.faulty = faulty
        self.journal = KeptJournal()
        self.history = KeptHistory.open(None, print)
        self.clock = VirtualClock(START)
        self.starts = 0
        self.participants: dict[str, str] = {}
        """Customers' participant ids by chat."""
        self.crashes = 0
        self.counts: Counter[str] = Counter()
        """Of events by name, once it is over."""

    # Life

    async def begin(self) -> None:
        await self._start(None)
        office = await self.stage.an_instance(users=["ann", "bob", "cat", "dan"])
        await office.add_user("eve", PhoneType="DESK_PHONE", DeskPhoneNumber=CUSTOMERS[0])
        self.instance_id = office.instance_id
        self.office = office
        await self._furnish()

    async def _start(self, phones: Phones | None) -> None:
        self.starts += 1
        self.stage = Stage(
            self.journal, self.clock, self.number * 1_000 + self.starts, self.history
        )
        talk_ms = self.dice.choice((0, 400, 3_000))
        self.phones = phones or Phones(self._hear, playback_ms=talk_ms)
        self.carrier = SlowCarrier(self.phones, self)
        self.stage.outbox.connect(self.carrier)
        self.running = asyncio.create_task(self.stage.node.run())
        await asyncio.sleep(0)

    def _hear(self, event: Event, at: Instant) -> None:
        self.stage.outbox.hear(event, at)

    async def crash(self) -> None:
        """What was said since the last word on the disk is lost; perhaps the carrier with it."""
        self.crashes += 1
        self.carrier.deaf = True
        deed = self.dice.choice(tuple(DEEDS))
        await deed(self)
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        phones = self.phones if self.faults.random() < 0.6 else None
        await self._start(phones)
        self.office = Office(self.stage, self.instance_id)
        await self.stage.pass_time()
        self.check()

    async def live(self, steps: int) -> None:
        deeds, weights = zip(*DEEDS.items(), strict=True)
        for deed in self.dice.choices(deeds, weights, k=steps):
            await deed(self)
            if self.faulty and self.faults.random() < 0.03:
                await self.crash()
            leap = self.faulty and self.faults.random() < 0.01
            await self.stage.pass_time((10 * MINUTE if leap else self.dice.choice(WAITS)) / SECOND)
            self.check()

    async def end(self) -> None:
        """Customers hang up, agents finish; then nothing is left anywhere."""
        self.faulty = False
        for _ in range(12):
            for contact in list(self.center.contacts.values()):
                await self.ask(commands.StopContact(contact.id))
            for line in self.phones.channels():
                if not line.address.startswith(telephony.AGENT):
                    self.phones.hang_up(line.channel_id, self.clock.now())
            for agent in self.center.agents.values():
                for contact_id in list(agent.contacts):
                    await self.ask(commands.LeaveContact(agent.id, contact_id))
                    await self.ask(commands.ClearContact(agent.id, contact_id))
            await self.stage.pass_time(60)
        await self.stage.pass_time(15 * 24 * 3600)
        self.check()
        assert not self.center.contacts, self.center.contacts
        assert not self.phones.channels(), [each.channel_id for each in self.phones.channels()]
        born, over = self._counted()
        assert born == over
        assert len(born) == len(set(born))
        self.counts = Counter(type(each).__name__ for each in self._events())
        self.stage.node.close()
        await self.running
        await self.stage.node.finish()
        self._is_kept()

    def _counted(self) -> tuple[list[str], list[str]]:
        """Ids of the contacts that began, and of those that are final."""
        born, over = [], []
        for event in self._events():
            match event:
                case ContactInitiated(contact=contact):
                    born.append(contact.id)
                case ContactCompleted(contact=contact):
                    over.append(contact.id)
                case _:
                    pass
        return sorted(born), sorted(over)

    def _events(self) -> Iterator[Any]:
        for record in self.journal.read(self.instance_id, 0):
            yield from decode_outcome(record.payload).events

    def digest(self) -> str:
        """Of everything that has happened."""
        payloads = (record.payload for record in self.journal.read(self.instance_id, 0))
        return blake2b(b"".join(payloads)).hexdigest()

    def check(self) -> None:
        """Invariants; who should hear each other does; now and then, that nothing is forgotten."""
        assert not violations(self.center), f"seed {self.number}: {violations(self.center)}"
        self._hear_each_other()
        if self.dice.random() < 0.02:
            self._is_counted()
            self._is_remembered()

    def _hear_each_other(self) -> None:
        """In a call's bridge is who talks or listens; who is on hold is in none."""
        if self.carrier.held:
            return
        for channel in self.phones.channels():
            for call in self.center.calls.values():
                party = call.parties.get(channel.channel_id)
                if party is None or party.state == "disconnected" or channel.state != "up":
                    continue
                there = party.state in ("connected", "silent")
                wanted = f"{call.id}/bridge" if there else None
                assert channel.bridge_id == wanted, f"seed {self.number}: {party}, {channel}"

    def _is_counted(self) -> None:
        """The live counters are what one gets by counting."""
        realtime = self.office.desk.realtime
        assert realtime.counters == recount(realtime.facts), f"seed {self.number}"
        assert realtime.facts.contacts.keys() == self.center.contacts.keys()
        for agent in self.center.agents.values():
            held = realtime.facts.agents[agent.id].held
            assert held.keys() == agent.contacts.keys(), f"seed {self.number}: {agent} {held}"
        for profile_id, (users, *sums) in self.center.staff.items():
            groups = realtime.counters.groups[profile_id].values()
            told, shown = Staffing(*sums), [*map(seen, groups)]
            columns = [sum(column) for column in zip(*shown, strict=True)]
            ours = users, told.online, told.staffed, told.available, told.busy, told.missed
            assert list(ours) == columns, f"seed {self.number}: {told}, {groups}"
        for contact in self.center.contacts.values():
            told = realtime.facts.contacts[contact.id]
            if contact.stage in ("IN_QUEUE", "OFFERED", "ENDED"):
                assert told.stage == contact.stage, f"seed {self.number}: {contact}, {told}"

    def _is_remembered(self) -> None:
        """The journal alone gives the same center and read models; so does the snapshot."""
        desk = self.office.desk
        replayed, restored = Desk(self.instance_id), Desk(self.instance_id)
        for record in self.journal.read(self.instance_id, 0):
            outcome = decode_outcome(record.payload)
            for event in outcome.events:
                engine.apply(replayed.center, event, outcome.at)
            replayed.fold(outcome)
        restored._load(desk.snapshot())
        for other in (replayed, restored):
            assert engine.image(other.center) == engine.image(self.center), f"seed {self.number}"
            for name in ("realtime", "records", "waiting", "transcripts", "traces"):
                ours, theirs = (getattr(each, name) for each in (desk, other))
                assert ours == theirs, f"seed {self.number}: {name} differ"

    def _is_kept(self) -> None:
        """History has each contact once, as it was in the end, and every line of every chat."""
        final: list[str] = []
        lines: dict[str, list[str]] = {}
        ended: set[str] = set()
        for event in self._events():
            match event:
                case ContactCompleted(contact=contact):
                    final.append(contact.id)
                case ChatItemAdded(chat_id=chat_id, item=item):
                    lines.setdefault(chat_id, []).append(item.id)
                case ChatEnded(chat_id=chat_id):
                    ended.add(chat_id)
                case _:
                    pass
        with self.history._cursor() as cursor:
            rows = cursor.execute("SELECT contact_id FROM leg").fetchall()
        assert sorted(each for (each,) in rows) == sorted(final), f"seed {self.number}"
        assert ended == lines.keys(), f"seed {self.number}"
        for chat_id, session in self.history.transcripts(self.instance_id, list(ended)).items():
            told = [each.id for each in kept(session).items]
            assert told == lines.pop(chat_id), f"seed {self.number}: {chat_id}"
        assert not lines, f"seed {self.number}: {lines}"
        rebuilt = self._rebuilt()
        assert contents(self.history) == contents(rebuilt), f"seed {self.number}"
        rebuilt.close()

    def _rebuilt(self) -> History:
        """The history that the journal alone gives."""
        desk, history = Desk(self.instance_id), History.open(None, print)
        for record in self.journal.read(self.instance_id, 0):
            desk.fold(decode_outcome(record.payload))
        history.load(self.instance_id, 1, desk.facts)
        return history

    # Furniture

    @property
    def center(self) -> Center:
        return self.office.center

    async def _furnish(self) -> None:
        office = self.office
        queue = office.id_of("queue", "BasicQueue")
        profile = office.id_of("routing_profile", "Basic Routing Profile")
        media = [
            {
                "Channel": channel,
                "Concurrency": slots,
                "CrossChannelBehavior": {"BehaviorType": "ROUTE_ANY_CHANNEL"},
            }
            for channel, slots in (("VOICE", 1), ("CHAT", 2), ("TASK", 2))
        ]
        rows = [
            {
                "QueueReference": {"QueueId": queue, "Channel": channel},
                "Priority": 1,
                "Delay": self.dice.choice((0, 0, 5)),
            }
            for channel in ("VOICE", "CHAT", "TASK")
        ]
        changes = {"MediaConcurrencies": media, "QueueConfigs": rows}
        await office.submit(commands.UpdateResource("routing_profile", profile, changes))
        self.quick_connects = [
            await office.add(
                "quick_connect", Name=f"to {each['QuickConnectType']}", QuickConnectConfig=each
            )
            for each in (
                {
                    "QuickConnectType": "USER",
                    "UserConfig": {
                        "UserId": office.id_of("user", "dan"),
                        "ContactFlowId": office.id_of("contact_flow", "Default agent transfer"),
                    },
                },
                {
                    "QuickConnectType": "QUEUE",
                    "QueueConfig": {
                        "QueueId": queue,
                        "ContactFlowId": office.id_of("contact_flow", "Default queue transfer"),
                    },
                },
                {
                    "QuickConnectType": "PHONE_NUMBER",
                    "PhoneConfig": {"PhoneNumber": CUSTOMERS[-1]},
                },
            )
        ]
        number = office.id_of("phone_number", NUMBER)
        caller = {"OutboundCallerConfig": {"OutboundCallerIdNumberId": number}}
        await office.submit(commands.UpdateResource("queue", queue, caller))
        for user in ("ann", "bob", "cat", "dan", "eve"):
            await office.status(user, "Available")

    # Drawing

    async def ask(self, command: commands.Command) -> str | None:
        """The answer, or None where it is refused; people are often too late."""
        try:
            return await self.office.submit(command)
        except Refusal as refusal:
            if refusal.code == "ServiceUnavailableException":
                raise
            return None

    def agent(self) -> str:
        return self.dice.choice(sorted(self.center.agents))

    def contact(self, *stages: str) -> str:
        found = [
            each.id for each in self.center.contacts.values() if not stages or each.stage in stages
        ]
        return self.dice.choice(found) if found else "nobody"

    def held(self, *states: str, channel: str | None = None) -> tuple[str, str]:
        found = [
            (agent.id, held.contact_id)
            for agent in self.center.agents.values()
            for held in agent.contacts.values()
            if held.state in states and channel in (None, held.channel)
        ]
        if not found or self.dice.random() < 0.03:
            return self.agent(), self.contact()
        return self.dice.choice(found)

    def flow(self) -> str:
        """A published flow that a customer may come into."""
        flows = self.center.resources["contact_flow"].values()
        names = sorted(
            each.name
            for each in flows
            if each.properties["Type"] == "CONTACT_FLOW"
            and each.properties.get("Status") == "PUBLISHED"
        )
        return self.office.id_of("contact_flow", self.dice.choice((*names, "Sample inbound flow")))

    def line(self) -> str | None:
        """A channel of some customer."""
        lines = [
            each.channel_id
            for each in self.phones.channels()
            if not each.address.startswith(telephony.AGENT)
        ]
        return self.dice.choice(lines) if lines else None

    # Customers

    async def calls(self) -> None:
        contact_id = derive(self.stage.node.draw(), 0)
        number = self.dice.choice(CUSTOMERS)
        self.phones.call(number, NUMBER, contact_id, self.clock.now())
        await self.ask(
            commands.StartInboundContact(
                contact_id=contact_id, from_number=number, to=NUMBER, flow_id=self.flow()
            )
        )

    async def presses(self) -> None:
        line = self.line()
        if line is not None:
            self.phones.press(
                line, self.dice.choice("01234#*") * self.dice.randint(1, 2), self.clock.now()
            )

    async def hangs_up(self) -> None:
        line = self.line()
        if line is not None:
            self.phones.hang_up(line, self.clock.now())

    async def is_called(self) -> None:
        await self.ask(
            commands.StartOutboundContact(
                to=self.dice.choice(CUSTOMERS),
                from_number=NUMBER,
                flow_id=self.flow(),
                dial_ms=20 * SECOND,
            )
        )

    async def is_elsewhere(self) -> None:
        self.phones.tell(self.dice.choice(CUSTOMERS), self.dice.choice(BEHAVIOURS))

    async def chats(self) -> None:
        seed = self.stage.node.draw()
        command = commands.StartChat(flow_id=self.flow(), display_name="Carol", life_ms=90 * MINUTE)
        try:
            await self.stage.node.submit(self.instance_id, command, seed=seed)
        except Refusal:
            return
        await self.stage.pass_time()

    def chat(self, *roles: str) -> tuple[str, str]:
        """A live chat and somebody in it."""
        found = [
            (chat.id, participant.id)
            for chat in self.center.chats.values()
            for participant in chat.participants.values()
            if not roles or participant.role in roles
        ]
        return self.dice.choice(found) if found else ("nobody", "nobody")

    async def connects(self) -> None:
        await self.ask(commands.ConnectParticipant(*self.chat("CUSTOMER")))

    async def says(self) -> None:
        chat_id, participant_id = self.chat("CUSTOMER", "AGENT")
        await self.ask(
            commands.SendChatItem(
                chat_id=chat_id,
                participant_id=participant_id,
                type="MESSAGE",
                content_type="text/plain",
                content="Hello",
            )
        )

    async def leaves_chat(self) -> None:
        await self.ask(commands.LeaveChat(*self.chat("CUSTOMER", "AGENT")))

    async def has_work(self) -> None:
        at = self.clock.now() + 30 * SECOND if self.dice.random() < 0.3 else None
        await self.ask(commands.StartTask(name="Call back", flow_id=self.flow(), at=at))

    # Agents

    async def chooses(self) -> None:
        status = self.dice.choice(("Available", "Available", "Available", "Offline"))
        await self.ask(
            commands.SetAgentStatus(self.agent(), self.office.id_of("agent_status", status))
        )

    async def accepts(self) -> None:
        await self.ask(commands.AcceptContact(*self.held("CONNECTING", "INCOMING")))
        if self.dice.random() < 0.1:
            await self.drops_out()

    async def rejects(self) -> None:
        await self.ask(commands.RejectContact(*self.held("CONNECTING", "INCOMING")))

    async def holds(self) -> None:
        await self.ask(commands.HoldContact(*self.held("CONNECTED")))

    async def resumes(self) -> None:
        await self.ask(commands.ResumeContact(*self.held("CONNECTED_ONHOLD")))

    async def leaves(self) -> None:
        await self.ask(commands.LeaveContact(*self.held("CONNECTED", "CONNECTED_ONHOLD")))

    async def finishes(self) -> None:
        await self.ask(commands.FinishTask(*self.held("CONNECTED", channel="TASK")))

    async def pauses(self) -> None:
        tasks = [each.id for each in self.center.contacts.values() if each.channel == "TASK"]
        contact = self.dice.choice(tasks) if tasks else "nobody"
        what = self.dice.choice((commands.PauseTask, commands.ResumeTask))
        await self.ask(what(contact))

    async def clears(self) -> None:
        await self.ask(commands.ClearContact(*self.held("MISSED", "REJECTED", "ERROR", "ENDED")))

    async def dials(self) -> None:
        await self.ask(commands.DialOut(agent_id=self.agent(), to=self.dice.choice(CUSTOMERS)))

    async def consults(self) -> None:
        agent_id, contact_id = self.held("CONNECTED", "CONNECTED_ONHOLD", channel="VOICE")
        await self.ask(
            commands.AddParty(
                agent_id=agent_id,
                contact_id=contact_id,
                quick_connect_id=self.dice.choice(self.quick_connects),
            )
        )

    async def hands_chat_on(self) -> None:
        agent_id, contact_id = self.held("CONNECTED", channel="CHAT")
        await self.ask(
            commands.TransferChat(agent_id, contact_id, self.dice.choice(self.quick_connects))
        )

    async def asks_into_chat(self) -> None:
        agent_id, contact_id = self.held("CONNECTED", channel="CHAT")
        await self.ask(
            commands.AddParty(
                agent_id=agent_id,
                contact_id=contact_id,
                quick_connect_id=self.dice.choice(self.quick_connects),
            )
        )

    async def swaps(self) -> None:
        await self.ask(commands.SwapParties(*self.held("CONNECTED", "CONNECTED_ONHOLD")))

    async def joins(self) -> None:
        await self.ask(commands.JoinParties(*self.held("CONNECTED", "CONNECTED_ONHOLD")))

    def party(self) -> tuple[str, str, str]:
        """An agent, his contact, and somebody in its call."""
        agent_id, contact_id = self.held("CONNECTED", "CONNECTED_ONHOLD", channel="VOICE")
        contact = self.center.contacts.get(contact_id)
        call = self.center.calls.get((contact and contact.call_id) or "")
        return agent_id, contact_id, self.dice.choice(list(call.parties)) if call else "nobody"

    async def drops(self) -> None:
        await self.ask(commands.DropParty(*self.party()))

    async def holds_party(self) -> None:
        what = self.dice.choice((commands.HoldParty, commands.ResumeParty))
        await self.ask(what(*self.party()))

    async def mutes(self) -> None:
        await self.ask(commands.MuteParty(*self.party(), self.dice.random() < 0.6))

    async def sends_digits(self) -> None:
        await self.ask(commands.PressDigits(*self.party(), "1,2#"))

    async def barges(self) -> None:
        agent_id, contact_id = self.held("CONNECTED", channel="VOICE")
        state = self.dice.choice(("BARGE", "BARGE", "SILENT_MONITOR"))
        await self.ask(commands.SetMonitorState(agent_id, contact_id, state))

    async def records(self) -> None:
        contact_id = self.contact("CONNECTED")
        contact = self.center.contacts.get(contact_id)
        await self.ask(
            commands.ChangeRecording(
                contact_id=contact_id,
                initial_contact_id=(contact and contact.initial_contact_id) or contact_id,
                action=self.dice.choice(("START", "SUSPEND", "RESUME", "STOP")),
                track="ALL",
            )
        )

    async def allows_conferences(self) -> None:
        many = self.dice.random() < 0.5
        name = self.dice.choice(("MultiPartyConference", "MultiPartyChatConference"))
        await self.ask(commands.UpdateInstance({name: many}))

    async def monitors(self) -> None:
        await self.ask(
            commands.MonitorContact(
                agent_id=self.agent(),
                contact_id=self.contact("CONNECTED"),
                capabilities=("SILENT_MONITOR", "BARGE"),
            )
        )

    async def drops_out(self) -> None:
        """An agent's phone is gone."""
        lines = [
            each.channel_id for each in self.phones.channels() if each.channel_id.endswith("/agent")
        ]
        accepted = self.contact("ACCEPTED")
        whispering = [each for each in lines if each.startswith(accepted)]
        if lines:
            self.phones.hang_up(self.dice.choice(whispering or lines), self.clock.now())

    async def vanishes(self) -> None:
        agent = self.agent()
        await self.ask(self.dice.choice((commands.AgentVanished, commands.AgentReturned))(agent))

    async def is_stopped(self) -> None:
        await self.ask(commands.StopContact(self.contact()))


Deed = Callable[[Floor], Awaitable[None]]

DEEDS: dict[Deed, int] = {
    Floor.calls: 12,
    Floor.presses: 10,
    Floor.hangs_up: 5,
    Floor.is_called: 3,
    Floor.is_elsewhere: 2,
    Floor.chats: 5,
    Floor.connects: 5,
    Floor.says: 8,
    Floor.leaves_chat: 2,
    Floor.has_work: 4,
    Floor.chooses: 4,
    Floor.accepts: 20,
    Floor.rejects: 2,
    Floor.holds: 4,
    Floor.resumes: 5,
    Floor.leaves: 7,
    Floor.finishes: 3,
    Floor.pauses: 2,
    Floor.clears: 14,
    Floor.dials: 3,
    Floor.consults: 6,
    Floor.hands_chat_on: 2,
    Floor.asks_into_chat: 3,
    Floor.swaps: 2,
    Floor.joins: 3,
    Floor.monitors: 3,
    Floor.drops: 3,
    Floor.holds_party: 3,
    Floor.mutes: 2,
    Floor.sends_digits: 1,
    Floor.barges: 2,
    Floor.records: 2,
    Floor.allows_conferences: 1,
    Floor.drops_out: 4,
    Floor.vanishes: 1,
    Floor.is_stopped: 1,
}
"""What people do, and how often."""
