"""What people of a load test share: fates, time, and agents who are quicker than answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.errors import Fault
from ringfloor.base.limits import LOAD_BUILD_AT_ONCE, LOAD_UNKNOWN_MAX
from ringfloor.base.time import MINUTE
from ringfloor.config import Caller
from ringfloor.load.building import Building, Built, Made, alias_of, together
from ringfloor.load.customers import Crowd
from ringfloor.load.door import Door, Failed
from ringfloor.load.run import Run, Wanted, channels, staff
from ringfloor.load.stage import Customer, Fate, Figures, Stage
from ringfloor.simulator import scenario_file
from ringfloor.simulator.scenario import Scenario

FLOOR = """
start = 2026-11-16T08:00:00
end = 2026-11-16T12:00:00
[queues.sales]
handle = 60
[profiles.all]
queues = [{ queue = "sales" }]
[agents.early]
count = 2
profile = "all"
shifts = [{ from = "08:00", to = "10:00" }]
[agents.late]
count = 3
profile = "all"
shifts = [{ from = "11:00", to = "14:00" }]
[callers.people]
queue = "sales"
channels = { VOICE = 1, TASK = 1 }
per_hour = 60
"""


def of(text: str = FLOOR) -> Scenario:
    return scenario_file.read(text, "floor.toml", lambda _name: "")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = a_stage()
    yield made
    await made.end()


def a_stage(speed: float = 10) -> Stage:
    door = Door("http://127.0.0.1:1", "us-east-1", Caller("k", "s", None), 1)
    built = Built("i", "arn", {}, {}, {}, ())
    return Stage(door, of(), built, speed, "phones")


def customer(stage: Stage, contact_id: str) -> Customer:
    made = Customer(f"callers/people/{contact_id}", "people")
    stage.started(made, contact_id)
    return made


FATES = st.lists(st.sampled_from(["gave_up", "turned_away", "handled"]), max_size=4)


@given(st.lists(FATES, max_size=12))
async def test_every_customer_has_one_fate_whatever_is_learnt_about_him(lives: list[list[Fate]]):
    stage = a_stage()
    for number, life in enumerate(lives):
        someone = customer(stage, f"c{number}")
        for fate in life:
            stage.fated(someone, fate)
    last = [life[-1] if life else "left" for life in lives]
    figures = stage.of("VOICE")
    assert figures.started == len(lives)
    for fate in ("gave_up", "turned_away", "handled", "left"):
        assert getattr(figures, fate) == last.count(fate)
    assert len(stage.customers) == last.count("left")
    await stage.end()


async def test_the_fate_of_an_attempt_is_not_that_of_the_next(stage):
    first = customer(stage, "c1")
    stage.fated(first, "gave_up")
    second = first.again()
    assert (second.attempt, second.name) == (2, first.name)
    stage.started(second, "c2")
    stage.fated(first, "handled")
    assert stage.customer("c1") is first
    assert stage.customer("c2") is second
    assert stage.of("VOICE") == Figures(came=0, started=2, handled=1)


async def test_an_agent_may_have_a_contact_before_its_customer_is_told(stage):
    stage.reached("c1", "")
    early = customer(stage, "c1")
    assert early.turn is not None
    assert early.turn.result() == "served"
    assert early.served == 1
    late = customer(stage, "c2")
    assert late.turn is not None
    assert not late.turn.done()
    stage.reached("another", "c2")
    assert late.turn.result() == "served", "by the contact that his began with"


async def test_contacts_of_others_are_forgotten(stage):
    for number in range(LOAD_UNKNOWN_MAX + 5):
        stage.reached(f"foreign {number}", "")
    first, last = customer(stage, "foreign 0"), customer(stage, f"foreign {LOAD_UNKNOWN_MAX}")
    assert (first.served, last.served) == (0, 1)


async def test_the_first_thing_that_happens_to_a_customer_counts(stage):
    someone = customer(stage, "c1")
    stage.turn(someone, "over")
    stage.turn(someone, "served")
    assert someone.turn is not None
    assert someone.turn.result() == "over"


async def test_speed_divides_all_lengths(stage):
    stage.begin()
    assert stage.length(MINUTE) == 6
    assert stage.real(stage.scenario.start + MINUTE) == stage.begins + 6
    slow = a_stage(speed=1)
    taken = slow.scenario.queues["sales"].handle
    assert slow.draw("x", "handle", 0, taken) == 10 * stage.draw("x", "handle", 0, taken) == 60
    await slow.end()


async def test_only_the_delay_of_a_timer_is_its_lag(stage):
    """What was due long ago, because the server was slow, is not the generator's doing."""
    lag = stage.door.measures.lag
    await stage.until(stage.now() - 3600)
    assert lag.count == 1
    assert lag.longest < 60
    await stage.until(stage.now() + 0.01)
    assert lag.count == 2


async def test_in_a_hurry_nobody_waits(stage):
    waiting = asyncio.create_task(stage.until(stage.now() + 3600))
    stage.hurry.set()
    await waiting
    await stage.until(stage.now() + 3600)
    assert stage.door.measures.lag.count == 0


async def test_what_breaks_unexpectedly_is_told(stage):
    async def breaks() -> None:
        raise ZeroDivisionError("a fault of ours")

    stage.spawn(breaks())
    with pytest.raises(ZeroDivisionError):
        await stage.broken


async def test_messages_are_heard_or_missed(stage):
    stage.wrote("c1 0", stage.now() - 2)
    stage.wrote("c1 1", stage.now())
    stage.heard("c1 0")
    stage.heard("somebody else's")
    for text in ("c1 0", "c1 1"):
        stage.forget(text)
    told = stage.door.measures.told["chat message, written until heard"]
    assert (told.count, told.longest >= 2, stage.unheard) == (1, True, 1)


# The center


def test_only_who_comes_to_work_before_the_end_is_signed_in():
    assert [each.username for each in staff(of())] == [
        *(f"early-00{number}" for number in (1, 2)),
        *(f"late-00{number}" for number in (1, 2, 3)),
    ]
    before = of(FLOOR.replace("T12:00", "T10:30"))
    assert {each.group.count for each in staff(before)} == {2}
    assert staff(of())[2].name == "agents/late/1", "for chance, as in a simulation"
    assert channels(of()) == ["TASK", "VOICE"]


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("Small floor", "load-small-floor"),
        ("München & Co.", "load-m-nchen---co"),
        ("x" * 100, "load-" + "x" * 57),
    ],
)
def test_an_instance_is_named_after_its_scenario(name, alias):
    assert alias_of(name) == alias


async def test_passwords_are_the_callers_and_the_users_alone():
    def password(secret: str, instance: str, number: int) -> str:
        door = Door("http://127.0.0.1:1", "us-east-1", Caller("k", secret, None), 1)
        building = Building(door, of(), staff(of()))
        building.instance_id = instance
        return building.password(building.staff[number])

    found = {
        password(secret, instance, number)
        for secret in ("s", "t")
        for instance in ("i", "j")
        for number in (0, 1)
    }
    assert len(found) == 8
    for each in found:
        assert 8 <= len(each) <= 64
        assert any(map(str.isupper, each))
        assert any(map(str.islower, each))
        assert any(map(str.isdigit, each))
    assert password("s", "i", 0) == password("s", "i", 0)


async def test_the_first_that_fails_ends_what_is_done_together():
    done: list[int] = []

    async def do(number: int) -> None:
        if number == 3:
            raise Failed("CreateUser", "InvalidRequestException", 400, "no", race=False)
        done.append(number)

    with pytest.raises(Failed):
        await together(range(100), do, lambda _done: None)
    assert len(done) < 100
    shown: list[int] = []
    await together(range(20), do_nothing, shown.append)
    assert shown == list(range(1, 21))


def a_run() -> Run:
    wanted = Wanted(
        scenario=of(),
        endpoint="http://127.0.0.1:1",
        region="us-east-1",
        who=Caller("k", "s", None),
        speed=1,
        connections=1,
    )
    return Run(wanted, lambda _now: None)


@pytest.mark.parametrize(
    ("ends", "raised", "is_removed"),
    [
        (Fault("stopped before the first customer came"), Fault, True),
        (Failed("CreateQueue", "NoAnswer", 0, "no", race=False), Fault, True),
        (KeyError("Id"), KeyError, True),
        (asyncio.CancelledError(), asyncio.CancelledError, False),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_only_who_stops_at_once_leaves_what_was_made(monkeypatch, ends, raised, is_removed):
    run, removed = a_run(), []

    async def fails() -> None:
        raise ends

    async def remove(_shown: object) -> list[str]:
        removed.append(True)
        return []

    monkeypatch.setattr(run, "_run", fails)
    monkeypatch.setattr(run._building, "remove", remove)
    with pytest.raises(raised):
        await run.run()
    assert bool(removed) == is_removed


async def test_a_server_that_does_not_answer_is_not_asked_to_delete_everything():
    run = a_run()
    run._building.made = [Made("User", f"user {number}") for number in range(100)]
    left = await run._remove()
    assert len(left) == 100
    assert "User user 99: the server does not answer" in left
    assert run._door.measures.count < 3 * LOAD_BUILD_AT_ONCE


@pytest.mark.parametrize("is_answering", [True, False])
async def test_nobody_is_waited_for_where_the_server_is_silent(stage, monkeypatch, is_answering):
    monkeypatch.setattr("ringfloor.load.run.SILENT_SECONDS", 0.0)
    monkeypatch.setattr("ringfloor.load.run.HURRY_SECONDS", 0.05)
    run = a_run()
    run.stopping.set()
    customer(stage, "c1")
    run._door.answered_at = stage.now() + (60 if is_answering else -60)
    crowd = Crowd(stage, "")
    assert await run._until_nobody_is_left(stage, crowd, []) == is_answering


@pytest.mark.parametrize(("contact_id", "unknown"), [("", 1), ("c1", 0)])
async def test_whoever_is_cut_off_while_he_comes_is_not_forgotten(
    stage, monkeypatch, contact_id, unknown
):
    asked = asyncio.Event()

    async def hangs(one: Customer, _flow: str, _due: float) -> str:
        one.contact_id = contact_id
        asked.set()
        return str(await stage.loop.create_future())

    crowd = Crowd(stage, "")
    stage.built.entries["people"] = "flow"
    monkeypatch.setattr(crowd, "_call", hangs)
    task = stage.spawn(crowd._live(Customer("callers/people/1", "people"), stage.now()))
    monkeypatch.setattr(crowd, "_channel", lambda _customer, _group: "VOICE")
    await asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (stage.of("VOICE").came, stage.of("VOICE").unknown) == (1, unknown)


async def do_nothing(_number: int) -> None:
    pass
