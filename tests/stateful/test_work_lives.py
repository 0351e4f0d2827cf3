"""Tasks and callbacks in any order of deeds: invariants, replay, and counters that agree."""

from contextlib import suppress

import pytest

from engine_builders import NUMBER, ProfileOf, a_center, a_content, an_action
from ringfloor.base.errors import Refusal
from ringfloor.base.ids import generator
from ringfloor.base.time import SECOND
from ringfloor.domain import commands
from ringfloor.engine import engine
from ringfloor.projections.counters import recount
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.records import Records
from ringfloor.projections.waiting import Waiting

DEEDS_PER_LIFE = 150


def a_work_center(chance):
    profile = ProfileOf("sales/TASK, sales, support/TASK 2", voice=1, task=2, mixes="TASK VOICE")
    center = a_center(
        agents=3,
        queues=["sales", "support"],
        profiles={"basic": profile},
        work_s=chance.choice((0, 5)),
        auto_accept=chance.random() < 0.3,
    )
    center.answers = chance.random() < 0.7
    asks = {
        "QueueId": center.ids["sales"],
        "InitialCallDelaySeconds": "10",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "20",
    }
    for name, more in (("agent first", {}), ("first", {"ContactFlowId": center.ids["to sales"]})):
        make = an_action("make", "CreateCallbackContact", {**asks, **more}, "task",
                         NoMatchingError="task")  # fmt: skip
        task = an_action("task", "CreateTask",
                         {"Name": "note", "ContactFlowId": center.ids["to support"]}, "bye",
                         NoMatchingError="bye")  # fmt: skip
        center.a_flow(name, a_content(make, task, an_action("bye", "DisconnectParticipant")))
    return center


def a_deed(center, chance, number):
    """Somebody wants something, sensible or not; answers what he wants."""
    live = center.center.contacts
    contact = chance.choice([*live, "nobody"])
    agent = center.ids[f"a{chance.randint(1, 3)}"]
    held = [*center.center.agents[agent].contacts, contact]
    his = chance.choice(held)
    flow_id = center.ids[chance.choice(("to sales", "to support"))]
    life = live.get(contact)
    before = life if life is not None and chance.random() < 0.3 else None
    at = center.at + chance.randint(0, 60) * SECOND if chance.random() < 0.3 else None
    return chance.choice(
        (
            lambda: commands.StartTask(name="t", flow_id=flow_id, previous=before, at=at),
            lambda: commands.StartInboundContact(
                contact_id=f"c{number}",
                from_number=NUMBER,
                flow_id=center.ids[chance.choice(("agent first", "first"))],
            ),
            lambda: commands.PauseTask(contact),
            lambda: commands.ResumeTask(contact),
            lambda: commands.PauseTask(his),
            lambda: commands.TransferTask(contact_id=contact, flow_id=flow_id),
            lambda: commands.SetExpiry(contact, chance.randint(1, 90) * SECOND),
            lambda: commands.StopContact(contact),
            lambda: commands.AcceptContact(agent, his),
            lambda: commands.AcceptContact(agent, his),
            lambda: commands.RejectContact(agent, his),
            lambda: commands.FinishTask(agent, his),
            lambda: commands.LeaveContact(agent, his),
            lambda: commands.ClearContact(agent, his),
            lambda: commands.ClearContact(agent, his),
            lambda: commands.ConnectAgent(his, life.agent_legs if life else 0),
            lambda: commands.ConnectSystem(_leg(life, contact)),
            lambda: commands.ConnectSystem(_leg(life, contact)),
            lambda: commands.LoseChannel(_leg(life, contact), "TELECOM_BUSY"),
            lambda: commands.LoseAgent(his, life.agent_legs if life else 0),
            lambda: commands.SetAgentStatus(
                agent, center.ids[chance.choice(("Available", "Available", "Break"))]
            ),
        )
    )()


def _leg(contact, contact_id):
    return (contact and contact.customer_leg) or contact_id


@pytest.mark.parametrize("seed", range(40))
def test_work_keeps_its_promises(seed):
    chance = generator(seed)
    center = a_work_center(chance)
    for number in range(DEEDS_PER_LIFE):
        with suppress(Refusal):
            center.run(a_deed(center, chance, number))
        center.pass_time(chance.choice((0, 0, 1, 5, 21)) * SECOND)
    center.check_history()
    realtime, records, waiting = Realtime(), Records(), Waiting()
    for at, happened in center.log:
        for event in happened:
            for projection in (realtime, records, waiting):
                projection.on(event, at)
    assert realtime.counters == recount(realtime.facts)
    assert len(realtime.facts.contacts) == len(center.center.contacts)
    restored = engine.restore(engine.image(center.center))
    assert restored.going == center.center.going
    assert restored.dialled == center.center.dialled
