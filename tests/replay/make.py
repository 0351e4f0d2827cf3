"""Makes golden journals: what an engine of today writes, for all engines to come to read.

    PYTHONPATH=tests .venv/bin/python -m replay.make            what is missing for this version
    PYTHONPATH=tests .venv/bin/python -m replay.make life       only that one

A journal golden/{version}-{name}.bin is a MessagePack array of encoded outcomes; beside it
{version}-{name}.json holds the facts that a center must show after reading it. Once a version is
released its files are never changed: they stand for the journals that people have. A file that
exists is therefore not written again. When events, asks or things heard are added, or are written
differently, add a script to SCRIPTS (or raise the version) and make its journal; test_golden
demands that every kind of event occurs in some journal.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from engine_builders import (
    NUMBER,
    START,
    Driver,
    ProfileOf,
    a_center,
    a_content,
    an_action,
    to_queue,
)
from ringfloor import __version__
from ringfloor.domain import commands, dialogue
from ringfloor.domain.chat import Past
from ringfloor.domain.contact import Contact, Reference, Sound
from ringfloor.domain.events import (
    ContactCompleted,
    ContactImported,
    ContactInitiated,
    ContactScheduled,
    Event,
    Outcome,
)
from ringfloor.domain.logged import LoggedContact
from ringfloor.engine import engine
from ringfloor.engine.state import Center
from simulation.world import World

GOLDEN = Path(__file__).parent / "golden"

records = msgspec.msgpack.Decoder(list[bytes]).decode


# The scripts


def life() -> Driver:
    """Every kind of event but the last, every ask, everything that can be heard."""
    center = a_center(
        agents={"a1": "p1", "a2": "p1", "a3": "p2"},
        queues=["sales", "support"],
        profiles={
            "p1": ProfileOf("sales 1, sales/CHAT 2", chat=2, mixes="VOICE CHAT"),
            "p2": ProfileOf("sales 2 +10, support 1", task=1),
        },
        work_s=30,
    )
    center.a_flow("talk", _everything(center))
    center.run(commands.TagResource("queue", center.ids["sales"], {"team": "blue", "old": None}))
    center.run(commands.UpdateInstance({"OutboundCallsEnabled": False, "Note": "n"}))
    center.run(commands.UpdateInstance({"OutboundCallsEnabled": True, "Note": None}))
    hours = {"Name": "gone", "TimeZone": "UTC", "Config": []}
    gone = center.create("hours_of_operation", "gone", hours)
    center.run(commands.DeleteResource("hours_of_operation", gone))
    center.ledger("""
        0 s    c1 enters talk           -
        1 s    c1 hears done            -
        2 s    c1 hears digits 12       -
    """)
    answers: list[dialogue.Heard] = [
        dialogue.Answer({"tier": "gold", "nothing": None, "count": 3, "share": 0.5}),
        dialogue.Failed("NoMatchingError"),
    ]
    for heard in answers:
        center.run(commands.Hear("c1", center.contact("c1").asks, heard))
    center.ledger("""
        3 s    c2 dials sales token     -
        9 s    c2 answers               ContactConnectedToSystem c2; ContactEnqueued c2 sales
        10 s   a1 status Available      AgentStatusChanged a1 Available;
                                        ContactOffered c1 a1 until 30 s
        11 s   a1 accepts c1            ContactConnectedToAgent c1 a1
        12 s   a1 holds c1              ContactHeld c1
        14 s   a1 resumes c1            ContactResumed c1
        15 s   c1 attributes k=v        AttributesUpdated c1 k=v
        15 s   c1 tags t=1 u=2          ContactTagged c1 t=1 u=2
        15 s   c2 ranks age 30          RoutingDataUpdated c2 ms 30000
        16 s   a1 status Break          NextStatusChanged a1 Break
        17 s   c3 chat sales            ContactEnqueued c3 sales
        18 s   a1 status Available      NextStatusChanged a1 nothing;
                                        ContactOffered c3 a1 until 38 s
        18 s   a3 status Available      AgentStatusChanged a3 Available
        19 s   -                        DelayPassed c2 10 s; ContactOffered c2 a3 until 39 s
        20 s   a3 rejects c2            OfferMissed c2 a3 rejected
        21 s   a1 hangs-up c1           ContactEnded c1 AGENT_DISCONNECT CONNECTED
        38 s   -                        OfferMissed c3 a1 unanswered
        51 s   -                        ContactCleared c1 a1; ContactCompleted c1
        52 s   p1 rows sales 3          ResourceUpdated routing_profile p1
        53 s   a2 status Lunch          AgentStatusChanged a2 Lunch
        54 s   a3 clears c2             ContactCleared c2 a3; ContactOffered c2 a3 until 74 s
        55 s   a3 accepts c2            ContactConnectedToAgent c2 a3
        56 s   a3 holds c2              ContactHeld c2
        57 s   a3 status Offline        NextStatusChanged a3 Offline
        58 s   c4 task support          ContactEnqueued c4 support
        59 s   c5 call a2               ContactEnqueued c5 a2
        60 s   c6 dials support         -
        61 s   c6 lost TELECOM_BUSY     ContactEnded c6 TELECOM_BUSY IN_FLOW; ContactCompleted c6
        62 s   c7 call sales            ContactEnqueued c7 sales
        63 s   c8 enters talk           -
        64 s   c9 dials sales late      -
    """)
    said = {
        "name": "Jane",
        "references": {"order": Reference("URL", "https://example.com/7")},
        "segment_attributes": {"tier": "gold"},
    }
    center.run(commands.UpdateContact(contact_id="c7", description="x", **said))
    center.run(commands.UpdateRoutingData("c7", 2, None))
    ended = completed(center, center.ids["c6"])
    for more in (
        commands.UpdateAttributes(ended.id, {"note": "late"}, ended),
        commands.TagContact(ended.id, {"t": "1", "u": None}, ended),
        commands.UpdateContact(contact_id=ended.id, record=ended, **said),
    ):
        center.run(more)
    center.run(commands.ExpireRecords())
    callback = Contact(
        id=center.name("c10", "c10"),
        channel="VOICE",
        initiation_method="CALLBACK",
        stage="SCHEDULED",
        initiated_at=center.at,
        updated_at=center.at,
        priority=3,
        age_adjustment_ms=5_000,
        previous_contact_id="c1",
        initial_contact_id="c1",
    )
    until = START + 90_000
    center.happen(
        ContactInitiated(callback),
        ContactScheduled("c10", center.ids["support"], "VOICE", until),
    )
    return center


def completed(center: Driver, contact_id: str) -> Contact:
    """A contact as it was when it became final."""
    happened = (event for _, events in center.log for event in events)
    return next(
        event.contact
        for event in happened
        if isinstance(event, ContactCompleted) and event.contact.id == contact_id
    )


def _everything(center: Driver) -> str:
    """Asks whatever a flow can ask."""
    ids = center.ids
    digits = {
        "Text": "Your number",
        "StoreInput": "True",
        "InputTimeLimitSeconds": "5",
        "InputValidation": {"CustomValidation": {"MaximumLength": "4"}},
        "DTMFConfiguration": {"InputTerminationSequence": "#", "InterdigitTimeLimitSeconds": "3"},
    }
    later = {"LambdaFunctionARN": "arn:f", "InvocationType": "ASYNCHRONOUS"}
    note = {"Attributes": {"tier": "$.External.tier", "typed": "$.StoredCustomerInput"}}
    return a_content(
        an_action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "hello"),
        an_action(
            "hello",
            "MessageParticipant",
            {"SSML": "<speak>Hi</speak>"},
            "type",
            NoMatchingError="type",
        ),
        an_action("type", "GetParticipantInput", digits, "ask", NoMatchingError="ask"),
        an_action(
            "ask",
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "arn:f"},
            "note",
            NoMatchingError="note",
        ),
        an_action("note", "UpdateContactAttributes", note, "tell"),
        an_action("tell", "InvokeLambdaFunction", later, "no target"),
        an_action("no target", "TransferContactToQueue", {}, "aim", NoMatchingError="aim"),
        an_action("aim", "UpdateContactTargetQueue", {"AgentId": ids["a2"]}, "music"),
        an_action(
            "music", "MessageParticipant", {"PromptId": "beep"}, "other", NoMatchingError="other"
        ),
        an_action("other", "TransferToFlow", {"ContactFlowId": ids["to sales"]}),
    )


def end() -> Driver:
    """A short life, to the end of the instance; also the ends that a flow can take."""
    center = a_center(agents=0)
    center.a_flow("over", a_content(an_action("over", "EndFlowExecution")))
    center.a_flow("bye", a_content(an_action("bye", "DisconnectParticipant")))
    center.ledger("""
        1 s    c1 enters over           ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                        ContactCompleted c1
        2 s    c2 enters bye            ContactEnded c2 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                        ContactCompleted c2
    """)
    center.run(commands.DeleteInstance())
    return center


def world() -> Driver:
    """A busy quarter of an hour: everything falls together in ways that nobody wrote down."""
    center = World(5)
    center.live(120)
    return center.driver


def modules() -> Driver:
    """Modules in modules, by id, version and alias; one contact comes back, another waits there."""
    center = a_center(agents=0)
    back = an_action("back", "EndFlowModuleExecution")
    say = an_action("say", "MessageParticipant", {"Text": "In $.Modules.Input.who"}, "back")
    inner = _a_module(center, "inner", say, back)
    center.run(
        commands.CreateResource(
            kind="contact_flow_module_version",
            id=f"{inner}:1",
            properties={
                "ContactFlowModuleId": inner,
                "Version": 1,
                "Status": "PUBLISHED",
                "Content": a_content(say, back),
            },
        )
    )
    alias = {"ContactFlowModuleId": inner, "Name": "live", "VersionId": f"{inner}:1"}
    center.create("contact_flow_module_alias", "live", alias)
    who = {"FlowModuleId": f"{inner}:live", "Input": {"who": "$.Channel"}}
    call = an_action("call", "InvokeFlowModule", who, "back", NoMatchingError="back")
    outer = _a_module(center, "outer", call, back)
    center.a_flow(
        "talk",
        a_content(
            an_action("call", "InvokeFlowModule", {"FlowModuleId": outer}, "again"),
            an_action("again", "InvokeFlowModule", {"FlowModuleId": "no"}, NoMatchingError="bye"),
            an_action("bye", "DisconnectParticipant"),
        ),
    )
    center.ledger("""
        1 s    c1 enters talk           -
        2 s    c2 enters talk           -
        3 s    c1 hears done            ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                        ContactCompleted c1
    """)
    center.update("contact_flow_module", "outer", Content=a_content(back))
    return center


def people() -> Driver:
    """An hour of everybody: calls of several parties, chats, tasks, callbacks."""
    center = World(9_000)
    center.live(250)
    return center.driver


def parties() -> Driver:
    """More calls of several parties: muted, left, passed on."""
    center = World(9_076)
    center.live(150)
    return center.driver


def asks() -> Driver:
    """What flows can ask and the others do not, in a call and in a task."""
    center = a_center(agents=0)
    center.a_flow("call", _one_after_another(
        ("CheckOutboundCallStatus", {}),
        ("UpdatePreviousContactParticipantState", {"PreviousContactParticipantState": "OffHold"}),
        ("CompleteOutboundCall", {}),
        ("CheckHoursOfOperation", {}),
        ("CheckMetricData", {"MetricType": "NumberOfAgentsAvailable",
                             "QueueId": center.ids["sales"]}),
        ("GetMetricData", {"QueueId": center.ids["sales"]}),
        ("DistributeByPercentage", {}),
        ("TransferContactToAgent", {}),
    ))  # fmt: skip
    center.a_flow("task", _one_after_another(
        ("TagContact", {"Tags": {"a": "b"}}),
        ("UpdateContactData", {"Name": "Jane"}),
        ("UpdateContactRoutingBehavior", {"QueuePriority": "3"}),
        ("UpdateContactRoutingCriteria", {"RoutingCriteria": {"Steps": CRITERIA}}),
        ("Wait", {"TimeLimitSeconds": "9"}),
        ("PauseContact", {}),
    ))  # fmt: skip
    center.a_flow("waits", _one_after_another(
        ("GetMetricData", {"QueueId": center.ids["sales"], "QueueChannel": "VOICE"}),
    ))  # fmt: skip
    for contact_id, flow in (("c1", "call"), ("c2", "waits")):
        call = commands.StartInboundContact(
            contact_id=contact_id, from_number="+12065550100", flow_id=center.ids[flow]
        )
        center.run(call)
    metrics = {"Queue": {"Name": "sales", "EstimatedWaitTime": 45}}
    center.run(commands.Hear("c2", center.runs("c2").number, dialogue.Answer(metrics)))
    center.run(commands.StartTask(name="t", flow_id=center.ids["task"]))
    center.pass_time(10_000)
    return center


def conversation() -> Driver:
    """Three in a call, one of them on hold for a while; a task put aside; a callback in vain."""
    center = a_center(agents=2)
    center.available("a1")
    center.enqueue("c1", "sales")
    a1 = center.ids["a1"]
    center.run(commands.AcceptContact(a1, "c1"))
    third = center.run(commands.AddParty(agent_id=a1, contact_id="c1", number=NUMBER)).answer
    center.run(commands.ConnectSystem(third))
    center.run(commands.HoldParty(a1, "c1", third))
    center.run(commands.ResumeParty(a1, "c1", third))
    center.run(commands.PressDigits(a1, "c1", third, "1,2#"))
    record = {"contact_id": "c1", "initial_contact_id": "c1", "track": "ALL"}
    center.run(commands.ChangeRecording(action="START", **record))
    center.run(commands.AgentVanished(a1))
    task = center.run(commands.StartTask(name="t", flow_id=center.ids["to sales"])).answer
    center.run(commands.PauseTask(task))
    center.run(commands.ResumeTask(task))
    callback = {
        "QueueId": center.ids["sales"],
        "InitialCallDelaySeconds": "0",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "60",
    }
    center.a_flow("asks", _one_after_another(("CreateCallbackContact", callback)))
    center.answers = False
    center.available("a2")
    center.enqueue("c2", "sales")
    center.run(commands.AcceptContact(center.ids["a2"], "c2"))
    center.run(commands.LoseAgent("c2"))
    center.run(commands.StopContact("c2"))
    center.run(commands.ClearContact(center.ids["a2"], "c2"))
    center.run(
        commands.StartInboundContact(
            contact_id="c3", from_number="+12065550100", flow_id=center.ids["asks"]
        )
    )
    waiting = next(each for each in center.center.contacts.values() if each.callback is not None)
    center.run(commands.AcceptContact(center.ids["a2"], waiting.id))
    center.run(commands.LoseAgent(waiting.id))
    return center


CRITERIA = [
    {
        "Expression": {
            "AttributeCondition": {
                "Name": "Skill",
                "Value": "French",
                "ProficiencyLevel": 2,
                "ComparisonOperator": "NumberGreaterOrEqualTo",
            }
        },
        "Expiry": {"DurationInSeconds": 30},
    }
]


def _one_after_another(*actions: tuple[str, dict[str, Any]]) -> str:
    """Each action, then the next, whatever comes of it."""
    names = [f"{number}" for number, _ in enumerate(actions)]
    follows = [*names[1:], "bye"]
    return a_content(
        *(
            an_action(name, kind, given, then, NoMatchingError=then, NoMatchingCondition=then)
            for name, then, (kind, given) in zip(names, follows, actions, strict=True)
        ),
        an_action("bye", "DisconnectParticipant"),
    )


def _a_module(center: Driver, name: str, *actions: dict[str, Any]) -> str:
    properties = {"Name": name, "State": "ACTIVE", "Status": "PUBLISHED"}
    return center.create(
        "contact_flow_module", name, {**properties, "Content": a_content(*actions)}
    )


def chats() -> Driver:
    """One chat from its first word to its last, one that goes on; whatever happens to chats."""
    profiles = {"p1": ProfileOf("sales/CHAT", voice=0, chat=2)}
    center = a_center(agents=2, queues=["sales"], profiles=profiles, work_s=30)
    onward = center.a_flow("on", to_queue({"AgentId": center.ids["a2"]}), "AGENT_TRANSFER")
    config = {"UserId": center.ids["a2"], "ContactFlowId": onward}
    config = {"QuickConnectType": "USER", "UserConfig": config}
    center.create("quick_connect", "to-a2", {"Name": "to-a2", "QuickConnectConfig": config})
    listens = an_action(
        "listens",
        "ConnectParticipantWithLexBot",
        {"Text": "Yes?", "LexBot": {"Name": "b", "Region": "r", "Alias": "a"}},
        "bye",
        NoMatchingError="bye",
    )
    shows = an_action(
        "shows",
        "ShowView",
        {"ViewResource": {"Id": "v", "Version": "1"}, "InvocationTimeLimitSeconds": "60"},
        "bye",
        NoMatchingError="bye",
        TimeLimitExceeded="listens",
    )
    bye = an_action("bye", "DisconnectParticipant")
    center.ids["to talks"] = center.a_flow("talks", a_content(shows, listens, bye))
    center.available("a1", "a2")

    def moments(text: str) -> None:
        center.ledger(text, hide=get_args(Event), late=True)

    moments("1 s    c1 starts-chat sales      -")
    first = center.ids["c1"]
    stream = center.run(commands.StartChatStream(first, "topic")).answer
    center.run(commands.AddParticipant(contact_id=first, display_name="bot", quota=1))
    center.run(commands.ContinueChat(first, "c0", (Past("c0"),)))
    moments("""
        4 s    c1 connects               -
        5 s    c1 times CUSTOMER/IDLE=2 AGENT/DISCONNECT_NONCUSTOMER=480   -
        6 s    a1 accepts c1             -
        7 s    c1 writes hello           -
        8 s    a1:c1 reads hello         -
        9 s    bot:c1 connects           -
        10 s   bot:c1 exits              -
        12 s   a2 monitors c1 m1 BARGE   -
        13 s   a2 barges m1              -
        14 s   a2:c1 writes hm           -
        15 s   a1 hands-on c1 c2 to-a2   -
        16 s   a2 accepts c2             -
        17 s   c3 starts-chat talks      -
        18 s   c3 connects               -
        77 s   -                         -
        78 s   c3 writes one             -
        128 s  -                         -
        129 s  c1 writes again           -
    """)
    center.run(commands.StopChatStream(center.ids["c2"], stream))
    moments("""
        131 s  c1 exits                  -
        132 s  c4 starts-chat talks      -
        133 s  c4 connects               -
    """)
    return center


def imports() -> Driver:
    """Contacts of another center's log: one that was answered, one that was not."""
    center = a_center(agents=1)
    queue, agent = center.ids["sales"], center.ids["a1"]
    waited = LoggedContact(
        id="waited",
        initiated_at=START - 90_000,
        enqueued_at=START - 80_000,
        dequeued_at=START - 60_000,
        disconnected_at=START - 60_000,
        queue=queue,
    )
    served = replace(
        waited, id="served", agent=agent, connected_to_agent_at=START - 60_000, hold_ms=0
    )
    served = replace(served, disconnected_at=START - 10_000, after_contact_work_ms=5_000)
    center.run(commands.ImportContacts((waited, served)))
    return center


def voice() -> Driver:
    """A desk phone that is picked up at its second ring; a call recorded, kept and measured."""
    center = a_center(agents=2, driver=Driver(answers=False))
    phone = {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": NUMBER}
    center.update("user", "a1", PhoneConfig=phone)
    center.available("a1")
    flow = center.way_to("sales")
    headers = {"P-Charge-Info": "<sip:+12065550100@x>"}
    for contact_id in ("c1", "c2"):
        center.run(
            commands.StartInboundContact(
                contact_id=contact_id, from_number=NUMBER, flow_id=flow, headers=headers
            )
        )
    record = {"contact_id": "c1", "initial_contact_id": "c1"}
    center.run(commands.ChangeRecording(**record, action="START", track="TO_AGENT"))
    center.pass_time(20_000)
    center.run(commands.ClearContact(center.ids["a1"], "c1"))
    center.run(commands.ConnectAgent("c1", center.contact("c1").agent_legs))
    for side in ("agent", "customer"):
        center.run(commands.Hear("c1", center.runs("c1", side).number, dialogue.Done()))
    for action in ("SUSPEND", "RESUME"):
        center.run(commands.ChangeRecording(**record, action=action))
    center.run(commands.MeasureSound("c1/1/agent", Sound(4.4, ("HighJitterBuffer",))))
    center.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    center.run(commands.KeepRecording("c1", "connect/test/c1.wav"))
    center.run(commands.ClearContact(center.ids["a1"], "c1"))
    center.run(commands.MeasureSound("c1", Sound(3.9)))
    center.run(commands.DropRecording("c1", "too old"))
    return center


SCRIPTS: Mapping[str, Callable[[], Driver]] = {
    "life": life,
    "end": end,
    "world": world,
    "modules": modules,
    "chats": chats,
    "people": people,
    "parties": parties,
    "asks": asks,
    "conversation": conversation,
    "imports": imports,
    "voice": voice,
}


# The facts


def waits_for(contact: Contact) -> str | None:
    """What the flow of its customer has last asked of the world."""
    run = contact.runs.get("customer")
    return None if run is None or run.ask is None else type(run.ask).__name__


def facts(center: Center, outcomes: list[Outcome]) -> dict[str, Any]:
    """What one can say of a center and its past in words that outlive its structures."""
    names = {
        resource.id: resource.name
        for kind in center.resources.values()
        for resource in kind.values()
    }
    happened = [event for outcome in outcomes for event in outcome.events]
    return {
        "at": center.at - START,
        "next_deadline": (engine.next_deadline(center) or START) - START,
        "events": dict(sorted(Counter(type(event).__name__ for event in happened).items())),
        "instance": center.instance.properties if center.instance else None,
        "resources": {kind: sorted(each) for kind, each in center.names.items()},
        "agents": {
            names[agent.id]: {
                "status": names[agent.status_id],
                "next_status": names.get(agent.next_status_id or ""),
                "contacts": {held.contact_id: held.state for held in agent.contacts.values()},
            }
            for agent in center.agents.values()
        },
        "contacts": {
            contact.id: {
                "stage": contact.stage,
                "channel": contact.channel,
                "queue": names.get(contact.queue_id or ""),
                "agent": names.get(contact.agent_id or ""),
                "offers": contact.offers,
                "waits_for": waits_for(contact),
                "attributes": contact.attributes,
                "tags": contact.tags,
                "name": contact.name,
                "rank": [contact.priority, contact.age_adjustment_ms],
            }
            for contact in center.contacts.values()
        },
        "lines": {
            f"{names[queue]} {channel}": [place[-1] for place in line.places()]
            for (queue, channel), line in sorted(center.lines.items())
        },
        "legs": [
            {
                "id": leg.id,
                "reason": leg.disconnect_reason,
                "before": leg.pre_disconnect_state,
                "lasted": (leg.disconnected_at or 0) - leg.initiated_at,
                "holds": [leg.holds, leg.hold_ms, leg.longest_hold_ms],
            }
            for leg in (
                event.contact
                for event in happened
                if isinstance(event, ContactCompleted | ContactImported)
            )
        ],
    }


def make(name: str) -> None:
    """Write one journal and its facts, unless they are there."""
    path = GOLDEN / f"{__version__}-{name}.bin"
    if path.exists():
        print(f"{path.name} stays as it is")
        return
    driver = SCRIPTS[name]()
    driver.check_history()
    outcomes = [Outcome(at, happened) for at, happened in driver.log]
    GOLDEN.mkdir(exist_ok=True)
    path.write_bytes(msgspec.msgpack.encode(driver.bytes))
    told = json.dumps(facts(driver.center, outcomes), indent=1, sort_keys=True)
    path.with_suffix(".json").write_text(f"{told}\n")
    print(f"{path.name}: {path.stat().st_size} bytes, {len(outcomes)} records")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or SCRIPTS:
        make(wanted)
