"""Deeds: what else people of a world do: calls of several parties, chats, tasks, callbacks.

Each takes its world and draws from its dice. furnish gives the world what these need: quick
connects, and flows in which everything occurs that flows can ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine_builders import a_content, an_action
from ringfloor.base.time import MINUTE, SECOND
from ringfloor.domain import chat as words
from ringfloor.domain import commands, dialogue
from ringfloor.domain.call import agent_leg, is_agent_leg
from ringfloor.domain.contact import Sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.world import World

THIRD = "+12065550177"
TALKING = "CONNECTED", "CONNECTED_ONHOLD"


# Furniture

BYE = an_action("bye", "DisconnectParticipant")
OVER = an_action("over", "EndFlowExecution")


def says(identifier: str, then: str, text: str = "Well") -> dict[str, Any]:
    return an_action(identifier, "MessageParticipant", {"Text": text}, then, NoMatchingError=then)


def enters(world: World, then: str = "bye") -> tuple[dict[str, Any], ...]:
    """To a queue; then where it is full."""
    queue = world.driver.ids[world.dice.choice(("sales", "support", "orders"))]
    return (
        an_action("aim", "UpdateContactTargetQueue", {"QueueId": queue}, "enter",
                  NoMatchingError=then),
        an_action("enter", "TransferContactToQueue", {}, then, QueueAtCapacity=then,
                  NoMatchingError=then),
    )  # fmt: skip


def furnish(world: World) -> None:
    driver = world.driver
    ids = driver.ids
    _quick_connects(world)
    inner = _a_module(world)
    driver.a_flow("stay", a_content(says("stay", "bye", "Good bye"), BYE))
    moves = an_action(
        "moves", "DequeueContactAndTransferToQueue", {"QueueId": ids["orders"]}, "over",
        QueueAtCapacity="over", NoMatchingError="over",
    )  # fmt: skip
    wait = an_action("wait", "MessageParticipantIteratively",
                     {"Messages": [{"Text": "Wait"}], "InterruptFrequencySeconds": "20"}, "moves",
                     NoMatchingError="over")  # fmt: skip
    wait["Transitions"]["Conditions"] = [
        {"NextAction": "moves", "Condition": {"Operator": "Equals",
                                              "Operands": ["MessagesInterrupted"]}}
    ]  # fmt: skip
    driver.a_flow("queue away", a_content(wait, moves, OVER), "CUSTOMER_QUEUE")
    driver.a_flow("in your ear", a_content(says("ear", "over"), OVER), "AGENT_WHISPER")
    hooks = {
        "CustomerRemaining": ids["stay"],
        "CustomerQueue": ids["queue away"],
        "AgentWhisper": ids["in your ear"],
        "PauseContact": ids["stay"],
    }
    some = {key: value for key, value in hooks.items() if world.dice.random() < 0.6}
    settings = (
        an_action("hook", "UpdateContactEventHooks", {"EventHooks": some}, "voice",
                  NoMatchingError="bye"),
        an_action("voice", "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "Joanna"},
                  "record", NoMatchingError="record"),
        an_action("record", "UpdateContactRecordingBehavior",
                  {"RecordingBehavior": {"RecordedParticipants": ["Agent"]}}, "stream",
                  NoMatchingError="stream"),
        an_action("stream", "UpdateContactMediaStreamingBehavior",
                  {"MediaStreamingState": "Disabled", "Participants": [],
                   "MediaStreamType": "Audio"}, "module", NoMatchingError="module"),
        an_action("module", "InvokeFlowModule", {"FlowModuleId": inner}, "aim",
                  NoMatchingError="aim"),
        *enters(world), BYE,
    )  # fmt: skip
    driver.a_flow("settled", a_content(*settings))
    again = {
        "QueueId": ids[world.dice.choice(("sales", "support"))],
        "InitialCallDelaySeconds": world.dice.choice(("0", "5", "20")),
        "MaximumConnectionAttempts": world.dice.choice(("1", "2", "3")),
        "RetryDelaySeconds": world.dice.choice(("1", "20")),
    }
    for name, more in (("agent first", {}), ("first", {"ContactFlowId": ids["to sales"]})):
        number = an_action("number", "UpdateContactCallbackNumber",
                           {"CallbackNumber": "$.CustomerEndpoint.Address"}, "make",
                           InvalidCallbackNumber="make", CallbackNumberNotDialable="make",
                           NoMatchingError="make")  # fmt: skip
        make = an_action("make", "CreateCallbackContact", {**again, **more}, "task",
                         NoMatchingError="task")  # fmt: skip
        task = an_action("task", "CreateTask",
                         {"Name": "note", "ContactFlowId": ids["to support"]}, "bye",
                         NoMatchingError="bye")  # fmt: skip
        driver.a_flow(name, a_content(number, make, task, BYE))
    for name, resumes in (("out for ever", "False"), ("out and back", "True")):
        out = {
            "ThirdPartyPhoneNumber": THIRD,
            "ThirdPartyConnectionTimeLimitSeconds": "20",
            "ContinueFlowExecution": resumes,
        }
        dial = an_action("dial", "TransferParticipantToThirdParty", out, "after",
                         CallFailed="after", ConnectionTimeLimitExceeded="after",
                         NoMatchingError="after")  # fmt: skip
        driver.a_flow(name, a_content(dial, says("after", "bye"), BYE))
    rest = an_action("rest", "Wait", {"TimeLimitSeconds": "30", "Events": ["CustomerReturned"]},
                     "aim", NoMatchingError="aim")  # fmt: skip
    rest["Transitions"]["Conditions"] = [
        {"NextAction": "aim", "Condition": {"Operator": "Equals", "Operands": [operand]}}
        for operand in ("WaitCompleted", "CustomerReturned")
    ]
    driver.a_flow("chatty", a_content(says("hello", "rest", "Hello"), rest, *enters(world), BYE))


def _quick_connects(world: World) -> None:
    ids = world.driver.ids
    for name, config in {
        "to agent": {
            "QuickConnectType": "USER",
            "UserConfig": {"UserId": ids["a0"], "ContactFlowId": ids["agent-transfer"]},
        },
        "to queue": {
            "QuickConnectType": "QUEUE",
            "QueueConfig": {"QueueId": ids["sales"], "ContactFlowId": ids["queue-transfer"]},
        },
        "to number": {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": THIRD}},
        "to flow": {
            "QuickConnectType": "FLOW",
            "FlowConfig": {"ContactFlowId": ids["to support"]},
        },
    }.items():
        world.driver.create("quick_connect", name, {"Name": name, "QuickConnectConfig": config})


def _a_module(world: World) -> str:
    content = a_content(an_action("back", "EndFlowModuleExecution"))
    properties = {"Name": "inner", "State": "ACTIVE", "Status": "PUBLISHED", "Content": content}
    return world.driver.create("contact_flow_module", "inner", properties)


# Calls


def dials_out(world: World) -> None:
    world.ask(commands.DialOut(agent_id=world.agent(), to=THIRD))


def calls_in_settled(world: World) -> None:
    """Into a flow in which a lot is settled, or that calls back, or leads to somebody else."""
    world.arrived += 1
    flows = ("settled", "settled", "agent first", "first", "out for ever", "out and back")
    world.ask(
        commands.StartInboundContact(
            contact_id=f"c{world.arrived}",
            from_number="+12065550101",
            flow_id=world.driver.ids[world.dice.choice(flows)],
        )
    )


def talking(world: World) -> tuple[str, str]:
    """An agent and his call."""
    found = [
        (agent.id, held.contact_id)
        for agent in world.driver.center.agents.values()
        for held in agent.contacts.values()
        if held.channel == "VOICE" and held.state in TALKING
    ]
    return world.dice.choice(found) if found else world.held(*TALKING)


def consults(world: World) -> None:
    agent_id, contact_id = talking(world)
    name = world.dice.choice(("to agent", "to queue", "to number", "to flow", None))
    world.ask(
        commands.AddParty(
            agent_id=agent_id,
            contact_id=contact_id,
            quick_connect_id=None if name is None else world.driver.ids[name],
            number=THIRD if name is None else None,
        )
    )


def party(world: World) -> tuple[str, str, str]:
    agent_id, contact_id = talking(world)
    contact = world.driver.center.contacts.get(contact_id)
    call = world.driver.center.calls.get((contact and contact.call_id) or "")
    return agent_id, contact_id, world.dice.choice(list(call.parties)) if call else "nobody"


def answers_somewhere(world: World) -> None:
    """Whoever is dialled; or he does not come."""
    dialled = [
        (each.customer_leg or each.id) if each.initiation_method != "EXTERNAL_OUTBOUND" else each.id
        for each in world.driver.center.contacts.values()
        if each.stage == "DIALING"
    ]
    if not dialled:
        return
    leg = world.dice.choice(dialled)
    if world.dice.random() < 0.75:
        world.ask(commands.ConnectSystem(leg))
    else:
        world.ask(commands.LoseChannel(leg, "TELECOM_BUSY"))


def somebody_hangs_up(world: World) -> None:
    """A customer or a third party, by whatever channel he is on."""
    legs = [
        leg
        for call in world.driver.center.calls.values()
        for leg in call.parties
        if not is_agent_leg(leg)
    ]
    if legs:
        world.ask(commands.LoseChannel(world.dice.choice(legs), "CUSTOMER_DISCONNECT"))


def phone_drops_out(world: World) -> None:
    stages = ("CONNECTED", "ACCEPTED", "DIALING", "OFFERED")
    contact = world.driver.center.contacts.get(world.contact(*stages))
    if contact is not None:
        world.ask(commands.LoseAgent(contact.id, contact.agent_legs))


def phone_is_up(world: World) -> None:
    """Of an agent who has accepted, or who calls somebody himself, or a desk phone that rings."""
    found = [
        each
        for each in world.driver.center.contacts.values()
        if (each.stage == "ACCEPTED" and each.channel == "VOICE" and each.agent_ready_at is None)
        or (each.stage == "OFFERED" and each.desk_phone is not None)
    ]
    if found:
        contact = world.dice.choice(found)
        world.ask(commands.ConnectAgent(contact.id, contact.agent_legs))


def holds_party(world: World) -> None:
    """Somebody is put on hold; who is there already is taken back, as a rule."""
    agent_id, contact_id, leg = party(world)
    contact = world.driver.center.contacts.get(contact_id)
    call = world.driver.center.calls.get((contact and contact.call_id) or "")
    waiting = [each.leg for each in call.parties.values() if each.state == "hold"] if call else []
    if waiting and world.dice.random() < 0.7:
        world.ask(commands.ResumeParty(agent_id, contact_id, world.dice.choice(waiting)))
    else:
        world.ask(commands.HoldParty(agent_id, contact_id, leg))


def drops(world: World) -> None:
    world.ask(commands.DropParty(*party(world)))


def mutes(world: World) -> None:
    world.ask(commands.MuteParty(*party(world), world.dice.random() < 0.6))


def presses(world: World) -> None:
    world.ask(commands.PressDigits(*party(world), "1,2"))


def swaps_or_joins(world: World) -> None:
    what = world.dice.choice((commands.SwapParties, commands.JoinParties))
    world.ask(what(*talking(world)))


def monitors(world: World) -> None:
    token = world.dice.choice((None, None, "n"))
    world.ask(
        commands.MonitorContact(
            agent_id=world.agent(),
            contact_id=world.contact("CONNECTED"),
            capabilities=("SILENT_MONITOR", "BARGE"),
            client_token=token,
        )
    )


def barges(world: World) -> None:
    state = world.dice.choice(("BARGE", "BARGE", "SILENT_MONITOR"))
    watching = [
        (each.agent_id, each.id)
        for each in world.driver.center.contacts.values()
        if each.initiation_method == "MONITOR" and each.agent_id is not None
    ]
    who = world.dice.choice(watching) if watching else talking(world)
    world.ask(commands.SetMonitorState(*who, state))


def records(world: World) -> None:
    contact_id = world.contact("CONNECTED")
    contact = world.driver.center.contacts.get(contact_id)
    world.ask(
        commands.ChangeRecording(
            contact_id=contact_id,
            initial_contact_id=(contact and contact.initial_contact_id) or contact_id,
            action=world.dice.choice(("START", "SUSPEND", "RESUME", "STOP")),
            track="ALL",
        )
    )


def carrier_reports(world: World) -> None:
    """What has become of a recording, and how a channel sounded, often long after the call."""
    contact_id, _ = world.known()
    contact = world.driver.center.contacts.get(contact_id)
    if contact is None and contact_id not in world.history:
        return
    legs = [contact_id, f"{contact_id}/agent"]
    if contact is not None:
        legs = [contact.customer_leg or contact.id, f"{contact_id}/agent"]
    sound = Sound(world.dice.choice((1.0, 4.4)))
    world.ask(
        world.dice.choice(
            (
                commands.KeepRecording(contact_id, world.dice.choice("ab")),
                commands.DropRecording(contact_id, "old"),
                commands.LoseRecording(contact_id),
                *(commands.MeasureSound(leg, sound) for leg in legs),
            )
        )
    )


def allows_more(world: World) -> None:
    name = world.dice.choice(("MultiPartyConference", "MultiPartyChatConference"))
    world.ask(commands.UpdateInstance({name: world.dice.random() < 0.7}))


def comes_and_goes(world: World) -> None:
    what = world.dice.choice((commands.AgentVanished, commands.AgentReturned))
    world.ask(what(world.agent()))


# Tasks


def has_work(world: World) -> None:
    at = world.driver.at + world.dice.randint(0, 60) * SECOND
    before = world.driver.center.contacts.get(world.contact())
    world.ask(
        commands.StartTask(
            name="t",
            flow_id=world.driver.ids[world.dice.choice(("to sales", "to support", "settled"))],
            client_token=world.dice.choice((None, None, "k", "t")),
            previous=before if world.dice.random() < 0.2 else None,
            at=at if world.dice.random() < 0.3 else None,
        )
    )


def task(world: World) -> str:
    found = [e.id for e in world.driver.center.contacts.values() if e.channel == "TASK"]
    return world.dice.choice(found) if found else "nobody"


def pauses(world: World) -> None:
    world.ask(commands.PauseTask(task(world)))


def goes_on(world: World) -> None:
    paused = world.contact("PAUSED")
    world.ask(commands.ResumeTask(paused if paused != "nobody" else task(world)))


def hands_on(world: World) -> None:
    flow_id = world.driver.ids[world.dice.choice(("to sales", "to support"))]
    world.ask(commands.TransferTask(contact_id=task(world), flow_id=flow_id))


def finishes(world: World) -> None:
    agents = world.driver.center.agents.values()
    found = [
        (agent.id, held.contact_id)
        for agent in agents
        for held in agent.contacts.values()
        if held.channel == "TASK"
    ]
    world.ask(commands.FinishTask(*(world.dice.choice(found) if found else ("x", "nobody"))))


def lives_on(world: World) -> None:
    world.ask(commands.SetExpiry(task(world), world.dice.randint(1, 120) * SECOND))


# Chats


def chats(world: World) -> None:
    first = (words.TEXT, "Hello") if world.dice.random() < 0.3 else None
    world.ask(
        commands.StartChat(
            flow_id=world.driver.ids[world.dice.choice(("chatty", "to sales", "settled"))],
            display_name="Carol",
            life_ms=90 * MINUTE,
            initial_message=first,
            exits=world.dice.choice(((), ("AGENT",))),
            client_token=world.dice.choice((None, None, "c")),
        )
    )


def guest(world: World, *roles: str) -> tuple[str, str]:
    found = [
        (chat.id, each.id)
        for chat in world.driver.center.chats.values()
        for each in chat.participants.values()
        if not roles or each.role in roles
    ]
    return world.dice.choice(found) if found else ("nobody", "nobody")


def connects(world: World) -> None:
    world.ask(commands.ConnectParticipant(*guest(world)))


def writes(world: World) -> None:
    chat_id, participant_id = guest(world)
    number = world.dice.randrange(6)
    world.ask(
        commands.SendChatItem(
            chat_id=chat_id,
            participant_id=participant_id,
            type="MESSAGE",
            content_type=words.TEXT,
            content="" if number == 5 else f"Hello {number}",
            client_token=None if number > 2 else str(number),
        )
    )


def reads(world: World) -> None:
    chat_id, participant_id = guest(world)
    chat = world.driver.center.chats.get(chat_id)
    messages = list(chat.recent) if chat is not None else []
    message = world.dice.choice(messages) if messages else "nothing"
    kind = world.dice.choice(("DELIVERED", "READ"))
    world.ask(commands.MarkReceipt(chat_id, participant_id, message, kind))


def leaves_chat(world: World) -> None:
    world.ask(commands.LeaveChat(*guest(world)))


def brings_a_bot(world: World) -> None:
    chat_id, _ = guest(world)
    chat = world.driver.center.chats.get(chat_id)
    contact_id = chat.contact_id if chat is not None else "nobody"
    world.ask(commands.AddParticipant(contact_id=contact_id, display_name="Bot", quota=1))


def times(world: World) -> None:
    chat_id, _ = guest(world)
    chat = world.driver.center.chats.get(chat_id)
    role = world.dice.choice(("CUSTOMER", "AGENT"))
    kind = world.dice.choice(("IDLE", "DISCONNECT_NONCUSTOMER"))
    timer = words.ChatTimer(role, kind, world.dice.choice((2, 2, 3, None)))  # type: ignore[arg-type]
    world.ask(commands.SetChatTimers(chat.contact_id if chat else "nobody", (timer,)))


def continues(world: World) -> None:
    """A chat goes on where another one has ended."""
    chat_id, _ = guest(world)
    chat = world.driver.center.chats.get(chat_id)
    before = (words.Past("b" * 36),)
    source = world.dice.choice(("a" * 36, "b" * 36))
    world.ask(commands.ContinueChat(chat.contact_id if chat else "nobody", source, before))


def chatting(world: World) -> tuple[str, str]:
    """An agent and his chat."""
    found = [
        (agent.id, held.contact_id)
        for agent in world.driver.center.agents.values()
        for held in agent.contacts.values()
        if held.channel == "CHAT" and held.state == "CONNECTED"
    ]
    return world.dice.choice(found) if found else ("x", "y")


def hands_chat_on(world: World) -> None:
    way = world.driver.ids[world.dice.choice(("to agent", "to queue", "to flow"))]
    world.ask(commands.TransferChat(*chatting(world), way))


def asks_into_chat(world: World) -> None:
    """As a rule where that is allowed."""
    agent_id, contact_id = chatting(world)
    if world.dice.random() < 0.5:
        world.ask(commands.UpdateInstance({"MultiPartyChatConference": True}))
    way = world.driver.ids[world.dice.choice(("to agent", "to queue", "to queue", "to flow"))]
    world.ask(commands.AddParty(agent_id=agent_id, contact_id=contact_id, quick_connect_id=way))


def sends_away(world: World) -> None:
    """Somebody who serves the same customer, or oneself."""
    agent_id, contact_id = chatting(world)
    contact = world.driver.center.contacts.get(contact_id)
    legs = [
        agent_leg(each)
        for each in world.driver.center.contacts.values()
        if contact is not None and each.chat_id == contact.chat_id and each.stage != "ENDED"
    ]
    leg = world.dice.choice(legs) if legs else "nobody"
    world.ask(commands.DropParty(agent_id, contact_id, leg))


def is_patient(world: World) -> None:
    """Minutes pass."""
    world.passes(world.dice.choice((1, 2, 3, 5)) * MINUTE)


HEARABLE = (dialogue.Play, dialogue.Gather, dialogue.Invoke)


def hears_in_a_flow(world: World) -> None:
    """Whatever some flow waits for has come."""
    found = [
        (contact.id, run.number)
        for contact in world.driver.center.contacts.values()
        for run in contact.runs.values()
        if contact.stage != "DIALING" and isinstance(run.ask, HEARABLE)
    ]
    if found:
        contact_id, number = world.dice.choice(found)
        heard = world.dice.choice((dialogue.Done(), dialogue.Failed("NoMatchingError")))
        world.ask(commands.Hear(contact_id, number, heard))


def is_tidy(world: World) -> None:
    """Something of a supervisor's that nobody else needs."""
    if world.dice.random() < 0.2:
        world.ask(commands.ExpireRecords())
    queue = world.driver.ids["sales"]
    world.ask(commands.TagResource("queue", queue, {"t": world.dice.choice(("1", None))}))
    hours = {"Name": "gone", "TimeZone": "UTC", "Config": []}
    made = world.ask(commands.CreateResource(kind="hours_of_operation", properties=hours))
    if made is not None:
        world.ask(commands.DeleteResource("hours_of_operation", made))


MORE: dict[Callable[[World], None], int] = {
    dials_out: 4,
    calls_in_settled: 10,
    consults: 9,
    answers_somewhere: 12,
    somebody_hangs_up: 3,
    phone_drops_out: 2,
    phone_is_up: 12,
    holds_party: 10,
    drops: 3,
    mutes: 3,
    presses: 1,
    swaps_or_joins: 5,
    monitors: 5,
    barges: 5,
    records: 4,
    carrier_reports: 4,
    allows_more: 1,
    comes_and_goes: 1,
    has_work: 5,
    pauses: 4,
    goes_on: 5,
    hands_on: 1,
    finishes: 2,
    lives_on: 2,
    chats: 8,
    connects: 8,
    writes: 10,
    reads: 5,
    leaves_chat: 2,
    brings_a_bot: 1,
    continues: 1,
    times: 2,
    hands_chat_on: 2,
    asks_into_chat: 4,
    sends_away: 1,
    is_patient: 2,
    hears_in_a_flow: 8,
    is_tidy: 1,
}
"""What may happen next, and how often."""
