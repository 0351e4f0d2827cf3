"""Flows that ask for waits: told by a node, in a rehearsal and in a simulation; kept in records."""

import pytest

from engine_builders import a_content, an_action
from node_builders import KeptJournal, a_node
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands, dialogue, events
from ringfloor.engine.effects import EstimateWait
from ringfloor.node import wait_estimates
from ringfloor.node.desk import outcome_of
from ringfloor.projections.announcements import Announcements
from ringfloor.projections.waiting import Waiting
from ringfloor.rehearsal import Rehearsal
from ringfloor.rehearsal.standins import published
from ringfloor.simulator.scenario import Callers
from scenarios import Watched, scenario

SAYS = "$.Metrics.Queue.EstimatedWaitTime/$.Metrics.Contact.PositionInQueue"


def a_flow(queue, waits=None):
    """The wait is told on the way in. waits: what plays meanwhile."""
    hook = {"EventHooks": {"CustomerQueue": waits}}
    return a_content(
        *[an_action("h", "UpdateContactEventHooks", hook, "aim", NoMatchingError="x")]
        * bool(waits),
        an_action(
            "aim", "UpdateContactTargetQueue", {"QueueId": queue}, "ask", NoMatchingError="x"
        ),
        an_action("ask", "GetMetricData", {"QueueChannel": "Voice"}, "say", NoMatchingError="x"),
        an_action("say", "MessageParticipant", {"Text": SAYS}, "in", NoMatchingError="in"),
        an_action(
            "in", "TransferContactToQueue", {}, "x", QueueAtCapacity="x", NoMatchingError="x"
        ),
        an_action("x", "DisconnectParticipant"),
    )


PLACE = "$.Metrics.Contact.PositionInQueue: $.Metrics.Contact.EstimatedWaitTime"
IN_QUEUE = a_content(
    an_action("ask", "GetMetricData", {}, "say", NoMatchingError="x"),
    an_action("say", "MessageParticipant", {"Text": PLACE}, "x", NoMatchingError="x"),
    an_action("x", "EndFlowExecution"),
)


def test_a_rehearsed_flow_is_told_waits_as_by_a_server():
    stage = Rehearsal()
    stage.flow("waits", IN_QUEUE, "CUSTOMER_QUEUE")
    stage.flow("main", a_flow("${queue:sales}", "${flow:waits}"))
    nobody = stage.call("main")
    assert nobody.heard == ["/", "1: "]
    nobody.hang_up()
    ann = stage.agent("ann", ["sales"])
    ann.take()
    assert stage.call("main").heard == ["0/", "0: 0"], "it rings at her"
    ann.accept()
    told = [stage.call("main").heard for _ in range(3)]
    places, waits = zip(*(own.split(": ") for _, own in told), strict=True)
    assert places == ("1", "2", "3")
    assert 0 < int(waits[0]) < int(waits[1]) < int(waits[2])
    for (queue, _), wait in zip(told, waits, strict=True):
        assert int(queue.rstrip("/")) == pytest.approx(int(wait), abs=2)


def test_a_flow_that_asks_for_waits_for_ever_ends_and_one_that_waits_meanwhile_does_not(
    monkeypatch,
):
    monkeypatch.setattr("ringfloor.engine.answers.FLOW_ACTIONS_PER_TURN_MAX", 20)
    ask = {"QueueId": "${queue:sales}", "QueueChannel": "Voice"}
    stage = Rehearsal()
    circle = an_action("ask", "GetMetricData", ask, "ask", NoMatchingError="ask")
    stage.flow("circle", a_content(circle))
    assert stage.call("circle").ended == "CONTACT_FLOW_DISCONNECT"
    rests = an_action("rest", "MessageParticipant", {"Text": "la"}, "ask", NoMatchingError="ask")
    asks = an_action("ask", "GetMetricData", ask, "rest", NoMatchingError="rest")
    stage.flow("rests", a_content(asks, rests))
    call = stage.call("rests")
    call.wait(60)
    assert call.ended is None
    assert call.path.count("ask") > 20


def test_a_simulated_flow_is_told_waits_and_others_cost_nothing():
    callers = {"some": Callers(arrivals={0: 30.0, 8 * 60: 30.0}, flow="main")}
    flows = {"main": a_flow("${queue:sales}")}
    asked = Watched(scenario(flows=flows, callers=callers))
    told = [
        event.heard.payload["Queue"].get("EstimatedWaitTime")
        for _, event in asked.seen
        if isinstance(event, events.FlowStepped) and isinstance(event.heard, dialogue.Answer)
    ]
    assert len(told) > 10
    assert {0} < {each for each in told if each is not None}
    plain = Watched(scenario())
    assert not plain.simulation.work.desk.waiting.floor.answers.ats


async def test_what_a_node_has_told_a_flow_is_in_its_journal():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        queue = office.center.home.arn_of("queue", office.id_of("queue", "BasicQueue"))
        made = published("waits", a_flow(queue))
        flow = await office.add("contact_flow", Type="CONTACT_FLOW", **made)
        await office.submit(
            commands.StartInboundContact(contact_id="c1", from_number="+12065550100", flow_id=flow)
        )
        instance_id, was = office.instance_id, office.desk.waiting.dump()
    async with a_node(journal, VirtualClock(stage.now)) as again:
        assert again.node.desk(instance_id).waiting.dump() == was
    heard = [
        event.heard.payload
        for record in journal.read(instance_id, 0)
        for event in outcome_of(record).events
        if isinstance(event, events.FlowStepped) and isinstance(event.heard, dialogue.Answer)
    ]
    assert [each["Queue"]["EstimatedWaitTime"] for each in heard] == [0]


@pytest.mark.parametrize(
    "metrics", [None, {"Queue": {"Size": 0}, "Agents": {"Available": {"Count": 0}}}]
)
def test_a_queue_or_contact_that_is_gone_meanwhile_is_no_fault(metrics):
    stage = Rehearsal()
    effect = EstimateWait(contact_id="c", ask=3, queue_id="q", channel="VOICE", metrics=metrics)
    asked = stage.center, Waiting(), Announcements(), stage.now
    heard = wait_estimates.answer(effect, *asked)
    expected = dialogue.Failed("NoMatchingError") if metrics is None else dialogue.Answer(metrics)
    assert heard == commands.Hear("c", 3, expected)
