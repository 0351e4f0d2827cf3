"""Live scenarios: a past that a node recovers from, and people who go on living on that node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import json
from msgspec.json import encode
from msgspec.structs import replace

from node_builders import CUSTOMER, Stage
from ringfloor.base import zones
from ringfloor.base.limits import LIVE_LATE_MS
from ringfloor.base.time import HOUR, MINUTE, SECOND, Instant, VirtualClock
from ringfloor.domain import commands, events
from ringfloor.domain.events import Origin, Outcome
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.flow.defaults import action, document
from ringfloor.simulator import demo
from ringfloor.simulator.clockwork import OWN_NUMBER
from ringfloor.simulator.distributions import constant, exponential
from ringfloor.simulator.live import Live, Past, moved
from ringfloor.simulator.scenario import (
    Bot,
    Callers,
    Function,
    Group,
    Holds,
    Profile,
    Queue,
    Retries,
    Row,
    Scenario,
    Shift,
    Speech,
    Stretch,
)
from ringfloor.simulator.simulation import Simulation
from scenarios import START, Watched, scenario, steady

LEFT: Instant = START + 30 * MINUTE
"""When the past ends; a scenario of tests begins at START."""


MENU = encode(
    document(
        action(
            "who",
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "${lambda:crm}", "InvocationTimeLimitSeconds": "3"},
            "menu",
            NoMatchingError="menu",
        ),
        action(
            "menu",
            "GetParticipantInput",
            {"Text": "Press 1 or 2", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
            "sales",
            [("Equals", "1", "sales"), ("Equals", "2", "help")],
            InputTimeLimitExceeded="help",
            NoMatchingCondition="sales",
            NoMatchingError="sales",
        ),
        *(
            action(
                name,
                "UpdateContactTargetQueue",
                {"QueueId": f"${{queue:{name}}}"},
                "enter",
                NoMatchingError="bye",
            )
            for name in ("sales", "help")
        ),
        action(
            "enter",
            "TransferContactToQueue",
            {},
            "bye",
            QueueAtCapacity="bye",
            NoMatchingError="bye",
        ),
        action("bye", "DisconnectParticipant"),
    )
).decode()

LISTENS = encode(
    document(
        action(
            "ask",
            "ConnectParticipantWithLexBot",
            {
                "Text": "What is it about?",
                "LexV2Bot": {"AliasArn": "arn:aws:lex:us-east-1:123456789012:bot-alias/DESK/LIVE"},
            },
            "help",
            [("Equals", "Buy", "sales")],
            NoMatchingError="bye",
            NoMatchingCondition="help",
            InputTimeLimitExceeded="help",
        ),
        *json.decode(MENU)["Actions"][2:],
    )
).decode()
BOTS = {"DESK": Bot(intents={"Buy": 3.0, "Help": 1.0}, takes=exponential(1), fails=0.1)}


def busy(**parts: object) -> Scenario:
    """All channels, a menu after a function; misses, breaks, holds, transfers, retries."""
    channels = ("VOICE", "CHAT", "TASK")
    retries = Retries(chance=0.5, after=exponential(60), at_most=2)
    usual = {
        "hours": 4,
        "speech": Speech(words_per_minute=150),
        "queues": {
            "sales": Queue(
                handle=exponential(70),
                after_work=exponential(10),
                holds=Holds(chance=0.3, lasts=exponential(10)),
                hands_on={"help": 0.2},
            ),
            "help": Queue(handle=exponential(40)),
        },
        "flows": {"menu": MENU},
        "functions": {"crm": Function(takes=exponential(1), fails=0.2)},
        "profiles": {
            "all": Profile(
                rows=tuple(
                    Row(queue=queue, channel=channel)
                    for queue in ("sales", "help")
                    for channel in channels
                ),
                concurrency={"VOICE": 1, "CHAT": 2, "TASK": 1},
            )
        },
        "groups": {
            "day": Group(
                count=6,
                profile="all",
                answers=exponential(3),
                misses=0.1,
                returns=constant(20),
                shifts=(
                    Shift(work=Stretch(8 * 60, 20 * 60, ""), breaks=(Stretch(520, 530, "Tea"),)),
                ),
            )
        },
        "callers": {
            "some": Callers(
                arrivals=steady(200),
                flow="menu",
                keys={"1": 3, "2": 1},
                thinks=exponential(2),
                channels={"VOICE": 3, "CHAT": 1, "TASK": 1},
                patience=exponential(60),
                retries=retries,
            )
        },
    }
    return scenario(**{**usual, **parts})


class Played:
    """A scenario that is live since LEFT, on virtual time."""

    def __init__(self, stage: Stage, past: Past) -> None:
        self.stage = stage
        self.past = past
        clock = stage.clock
        self.live = Live(
            past,
            stage.node,
            stage.outbox,
            stage.phones,
            lambda leg: stage.phones.hang_up(leg, clock.now()),
        )
        self.seen: list[tuple[Instant, events.Event]] = []
        stage.node.follow(self._saw)

    def _saw(self, _desk: object, outcome: Outcome) -> None:
        self.seen.extend((outcome.at, event) for event in outcome.events)

    async def until(self, when: Instant) -> None:
        """Let everything happen that is due by then."""
        node, live = self.stage.node, self.live
        await node.advance(self.stage.now)
        while dues := [due for due in (live.next_due(), node._next_due()) if due is not None]:
            if min(dues) > when:
                break
            await node.advance(max(min(dues), self.stage.now))
            live.run_due()
            await node.advance(self.stage.now)
        await node.advance(when)

    @property
    def center(self):
        return self.live.center

    def held(self) -> set[str]:
        """Contacts in agents' hands."""
        return {each for agent in self.center.agents.values() for each in agent.contacts}

    async def submit(self, command: commands.Command) -> str:
        return await self.stage.node.submit(self.past.instance_id, command)


@asynccontextmanager
async def played(of: Scenario) -> AsyncIterator[Played]:
    past = Past(of)
    past.run(lambda: LEFT)
    stage = Stage(past.journal, VirtualClock(LEFT), 1)
    live = Played(stage, past)  # before the node goes on with what was under way
    running = asyncio.create_task(stage.node.run())
    try:
        yield live
    finally:
        stage.node.close()
        await running
        await stage.node.finish()


# Before


@pytest.mark.parametrize(
    ("opens", "hours", "hour"),
    [(9 * 60, 24, 11), (8 * 60 + 30, 10, 10), (9 * 60, 1, 9), (570, 0.5, 10), (23 * 60, 8, 1)],
)
@pytest.mark.parametrize("at", ["00:00", "07:59", "13:30", "23:59"])
def test_it_is_always_the_same_time_of_the_scenarios_day(opens, hours, hour, at):
    begins = START - 8 * HOUR + opens * MINUTE
    of = scenario(start=begins, end=begins + round(hours * HOUR))
    clock, minutes = at.split(":")
    now = START + (3 * 24 - 8 + int(clock)) * HOUR + int(minutes) * MINUTE
    found = moved(of, now)
    assert zones.local(now, found.zone).hour == hour
    first = zones.local(found.start, found.zone)
    assert first.hour * 60 + first.minute == opens
    assert 0 <= now - found.start < 3 * HOUR
    assert found.end > now + 30 * 24 * HOUR


async def test_the_node_recovers_what_has_been_simulated():
    async with played(busy()) as stage:
        simulated = stage.past.simulation
        assert simulated.people.came > 80
        assert engine.image(stage.center) == engine.image(simulated.work.center)
        assert stage.center.at <= LEFT
        assert not violations(stage.center)
        desk = stage.live.desk
        handled = await stage.stage.node.analyse(
            desk, lambda history: history.last(desk.instance_id)
        )
        assert handled == desk.sequence
        number = stage.center.resources["phone_number"][
            stage.center.named("phone_number", OWN_NUMBER)
        ]
        assert number.properties["ContactFlowId"] == stage.past.flow_id


# Now


def lives(seen: list[tuple[Instant, events.Event]], since: Instant) -> dict[str, list[object]]:
    """What became of the contacts that have come since: each event of theirs with its instant."""
    kinds = (events.ContactInitiated, events.ContactConnectedToAgent, events.ContactEnded)
    found: dict[str, list[object]] = {}
    for at, event in seen:
        if at >= since and isinstance(event, kinds):
            first = isinstance(event, events.ContactInitiated)
            name = event.contact.id if first else event.contact_id
            found.setdefault(name, []).append((at, type(event).__name__))
    return found


@pytest.mark.parametrize(
    "parts", [{}, {"flows": {"menu": LISTENS}, "bots": BOTS}], ids=["functions", "bots"]
)
async def test_people_do_what_they_would_have_done_on_virtual_time(parts):
    later = LEFT + 40 * MINUTE
    seen: list[tuple[Instant, events.Event]] = []
    alone = Simulation(busy(**parts), lambda at, told: seen.extend((at, each) for each in told))
    alone.work.run(later)
    async with played(busy(**parts)) as stage:
        await stage.until(later)
        expected, found = lives(seen, LEFT), lives(stage.seen, LEFT)
        assert len(expected) > 100
        assert sorted(found.values()) == sorted(expected.values())  # transfers have ids of chance
        kinds = {type(event) for _, event in stage.seen}
        assert {events.ContactHeld, events.OfferMissed, events.ChatEnded} <= kinds
        assert not violations(stage.center)


async def test_whoever_was_there_is_served_and_no_line_stays():
    async with played(busy()) as stage:
        before = set(stage.center.contacts)
        assert before
        await stage.until(LEFT + HOUR)
        assert not before & (set(stage.center.contacts) | stage.held())
        assert len(stage.live.lines._legs) <= 2 * len(stage.center.contacts)
        assert len(stage.stage.outbox._instances) <= 2 * len(stage.center.contacts)
        assert not stage.stage.phones.channels()
        kinds = {type(event) for _, event in stage.seen}
        assert {events.OfferMissed, events.ContactCompleted, events.ChatEnded} <= kinds
        assert stage.past.simulation.people.repeated
        assert stage.past.simulation.people.abandoned


async def test_a_visitor_calls_and_talks_with_one_of_them():
    calm = busy(callers={"some": Callers(arrivals=steady(4), queue="sales")})
    async with played(calm) as stage:
        await stage.until(LEFT)
        phones, contact = stage.stage.phones, "4c5c1f6e-0000-4000-8000-000000000001"
        phones.call(CUSTOMER, OWN_NUMBER, contact, LEFT)
        await stage.submit(
            commands.StartInboundContact(
                contact_id=contact, from_number=CUSTOMER, flow_id=stage.past.flow_id
            )
        )
        await stage.until(LEFT + 30 * MINUTE)
        told = [kind for _, kind in lives(stage.seen, LEFT)[contact]]
        assert told == ["ContactInitiated", "ContactConnectedToAgent", "ContactEnded"]
        assert phones.heard(contact)
        assert contact not in stage.center.contacts
        assert not phones.channels()


async def test_a_machine_that_has_slept_is_not_overrun():
    async with played(busy()) as stage:
        await stage.until(LEFT + MINUTE)
        came = stage.past.simulation.people.came
        await stage.stage.node.advance(stage.stage.now + 5 * HOUR)
        stage.live.run_due()
        assert stage.past.simulation.people.came <= came + 1
        woken = stage.stage.now
        await stage.until(woken + 10 * MINUTE)
        assert came + 15 < stage.past.simulation.people.came < came + 80
        assert woken - stage.live.now > 5 * HOUR - 2 * LIVE_LATE_MS - 10 * MINUTE


async def test_agents_may_be_taken_away():
    async with played(busy(callers={"some": Callers(arrivals=steady(20), queue="sales")})) as stage:
        await stage.until(LEFT + MINUTE)
        free = next(name for name, each in stage.center.agents.items() if not each.contacts)
        await stage.submit(commands.DeleteResource("user", free))
        await stage.until(LEFT + 10 * MINUTE)
        assert free not in stage.center.resources["user"]
        assert stage.stage.node.is_well()


async def test_it_is_over_when_the_center_is_deleted():
    async with played(scenario(callers={"some": Callers(arrivals={}, queue="sales")})) as stage:
        life = asyncio.create_task(stage.live.run())
        await asyncio.sleep(0)
        await stage.stage.node.delete(stage.past.instance_id, Origin())
        stage.live.at(stage.live.now, lambda: None)
        async with asyncio.timeout(5):
            await life


# The demo


def test_the_demo_has_waits_and_nobody_who_stays_away():
    of = demo.scenario()
    day = Watched(replace(of, end=of.start + 3 * HOUR), keep=False)
    people = day.simulation.people
    assert 0.02 < people.abandoned / people.came < 0.15
    assert 0.5 < sum(stay.wait < 20 * SECOND for stay in day.stays) / len(day.stays) < 0.95
    assert {stay.queue for stay in day.stays} == {"Sales", "Support", "Orders"}
    assert not any(agent.contacts for agent in day.simulation.work.center.agents.values())


def test_whoever_is_left_before_they_could_talk_comes_back():
    slow = scenario(
        speech=Speech(words_per_minute=2),
        groups={"day": Group(count=2, profile="all", answers=constant(1))},
        callers={
            "some": Callers(arrivals=steady(60), queue="sales", patience=constant(8), evenly=True)
        },
    )
    day = Watched(slow)
    center = day.simulation.work.center
    assert day.simulation.people.abandoned > 10
    assert not any(agent.contacts for agent in center.agents.values())
