"""Records beside the engine: whatever happens, both know the same, and what is told adds up.

Many lives of the simulated world and all golden journals are replayed into both. The engine holds
what is so now; records fold only events, and must come to the same agents, offers, steps and flows.
"""

from collections.abc import Iterator

import pytest

from replay.make import GOLDEN
from replay.make import records as records_of
from ringfloor.base.time import Instant
from ringfloor.domain.contact import HIS_OWN, Contact
from ringfloor.domain.events import ContactImported, Event, decode_outcome
from ringfloor.domain.facts import AgentTime, Fact, FlowRun, HandTime, Leg, Occurrence, Offer
from ringfloor.engine import engine
from ringfloor.engine.routing import PLACED
from ringfloor.engine.state import Center
from ringfloor.projections.lives import Life, Shift
from ringfloor.projections.records import SINCE, Records
from simulation.world import World

Log = list[tuple[Instant, tuple[Event, ...]]]

JOURNALS = sorted(GOLDEN.glob("*.bin"))
SEEDS = range(700, 730)
STEPS = 250

OVER = ("MISSED", "REJECTED", "ERROR")
IN_HAND = ("CONNECTED", "CONNECTED_ONHOLD", "PAUSED", "ENDED")


def a_life(seed: int) -> Log:
    world = World(seed, checked=False)
    world.live(STEPS)
    world.end()
    return world.driver.log


def a_journal(path) -> Log:
    outcomes = [decode_outcome(record) for record in records_of(path.read_bytes())]
    return [(outcome.at, outcome.events) for outcome in outcomes]


LIVES = [pytest.param(lambda seed=seed: a_life(seed), id=f"seed {seed}") for seed in SEEDS] + [
    pytest.param(lambda path=path: a_journal(path), id=path.stem) for path in JOURNALS
]


# The two beside each other


def of_agent(center: Center, agent_id: str, shift: Shift) -> Iterator[tuple[object, object]]:
    agent, user = center.agents[agent_id], center.resources["user"][agent_id].properties
    yield shift.profile_id, user["RoutingProfileId"]
    yield shift.group_id, user.get("HierarchyGroupId")
    yield (
        (shift.status_type, shift.status_id or agent.status_id),
        (
            agent.status_type,
            agent.status_id,
        ),
    )
    held = agent.contacts.values()
    yield set(shift.errors), {each.contact_id for each in held if each.state in OVER}
    yield (
        set(shift.hands),
        {
            each.contact_id
            for each in held
            if each.state in IN_HAND
            or (each.state not in OVER and is_dialled(center.contacts[each.contact_id]))
        },
    )


def is_dialled(contact: Contact) -> bool:
    called_back = contact.callback is not None and contact.callback.flow_id is None
    answered = contact.callback is not None and contact.connected_to_system_at is not None
    return contact.initiation_method in HIS_OWN or (
        called_back and (contact.stage == "DIALING" or answered)
    )


def of_contact(contact: Contact, life: Life) -> Iterator[tuple[object, object]]:
    criteria = contact.criteria[-1].active if contact.criteria else None
    step = None if life.criteria is None else life.criteria.active
    yield (
        None if step is None else step.expression,
        None if criteria is None else criteria.expression,
    )
    joined = contact.connected_to_agent_at is not None
    listens = contact.initiation_method == "MONITOR"
    offered = contact.agent_id is not None and not joined and not listens
    yield life.ring is not None, offered and contact.stage != "ENDED"
    if not joined and contact.stage != "ENDED":
        yield life.placed, contact.stage in PLACED
    yield (
        {side: [run.module_id or run.flow_id for run in runs] for side, runs in life.runs.items()},
        {
            side: [
                each.flow_id.partition(":")[0]
                for each in (*(caller.session for caller in run.callers), run.session)
            ]
            for side, run in contact.runs.items()
        },
    )


def compare(center: Center, records: Records) -> None:
    state = records._state
    assert state.shifts.keys() == center.agents.keys()
    assert state.lives.keys() == center.contacts.keys()
    for agent_id, shift in state.shifts.items():
        for found, wanted in of_agent(center, agent_id, shift):
            assert found == wanted, agent_id
    for contact_id, life in state.lives.items():
        for found, wanted in of_contact(center.contacts[contact_id], life):
            assert found == wanted, contact_id
    published = {flow_id for flow_id, at in state.published.items() if at is not None}
    assert published == center.flows.keys()


@pytest.mark.parametrize("life", LIVES)
def test_records_know_what_the_engine_knows_and_a_snapshot_changes_nothing(life):
    center, records, told = Center(), Records(), []
    imported = set()
    at = 0
    for number, (at, happened) in enumerate(life()):
        for event in happened:
            engine.apply(center, event, at)
            told += records.on(event, at)
            if isinstance(event, ContactImported):
                imported.add(event.contact.id)
        if number % 20 == 0:
            compare(center, records)
            restored = Records.load(records.dump())
            assert restored == records
            assert restored.open(at + 1) == records.open(at + 1)
            records = restored
    compare(center, records)
    adds_up(told, imported)
    for fact in records.open(at):
        assert type(fact) in (AgentTime, HandTime, FlowRun) or fact.left_at is None


def adds_up(told: list[Fact], imported: set[str]) -> None:
    """Every contact is told of in full, nothing twice, and nothing before its time.

    imported: contacts of which a log has told, and no offers.
    """

    def of(kind):
        return [fact for fact in told if isinstance(fact, kind)]

    legs = {leg.contact_id: leg for leg in of(Leg)}
    assert len(legs) == len(of(Leg))
    for kind, since in SINCE.items():
        assert all(getattr(fact, since) is not None for fact in of(kind)), kind
    for kind in (AgentTime, HandTime):
        last: dict[tuple[str, str], Instant] = {}
        for fact in of(kind):
            whose = fact.agent_id, getattr(fact, "contact_id", "")
            assert last.get(whose, 0) <= fact.started_at < fact.ended_at
            last[whose] = fact.ended_at
    for leg in legs.values():
        mine = [fact for fact in told if getattr(fact, "contact_id", None) == leg.contact_id]
        kinds = [fact.kind for fact in mine if isinstance(fact, Occurrence)]
        assert kinds.count("connected") == (leg.connected_to_agent_at is not None)
        assert (kinds.count("enqueued") > 0) == (leg.enqueued_at is not None)
        taken = [fact for fact in mine if isinstance(fact, Offer) and fact.outcome == "accepted"]
        if leg.connected_to_agent_at is not None:
            offered = leg.initiation_method not in HIS_OWN and leg.contact_id not in imported
            assert [fact.ended_at for fact in taken] == [leg.connected_to_agent_at] * offered
            assert all(fact.agent_id == leg.agent_id for fact in taken)
        else:
            assert (taken, leg.agent_id, leg.routing_profile_id) == ([], None, None)
        own = [fact for fact in mine if isinstance(fact, Offer) and fact.outcome == "own_call"]
        assert len(own) == (leg.initiation_method == "OUTBOUND" and leg.contact_id not in imported)
