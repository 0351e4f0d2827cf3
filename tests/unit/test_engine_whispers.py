"""Whispers: what is heard between accepting a contact and being joined, and who may drop out.

Sources: behaviour specification, sections 2.4, 3.2, 4.2 and 6.6; choice 12 of section 9.
"""

import pytest

from engine_builders import (
    FLOW_NOISE,
    START,
    Driver,
    ProfileOf,
    a_center,
    a_content,
    an_action,
)
from ringfloor.base.limits import WHISPER_MS
from ringfloor.base.time import SECOND
from ringfloor.domain import commands, dialogue, events
from ringfloor.engine import effects
from ringfloor.telephony import commands as telephony

TOLD = tuple(
    each
    for each in FLOW_NOISE
    if each not in (events.ContactAccepted, events.AgentLegConnected, events.ContactDequeued)
)
"""What these ledgers do not tell: the steps of flows."""

END = an_action("end", "EndFlowExecution")
BYE = an_action("bye", "DisconnectParticipant")


def by_hand(**members) -> Driver:
    """A center in which nobody's phone is up, and no prompt over, before a ledger says so."""
    driver = a_center(**members)
    driver.answers = False
    driver.available("a1")
    return driver


def hooks(driver: Driver, flow_name: str, *actions: dict, **hooks: str) -> None:
    """The flow `to sales` sets these hooks before it goes to the queue; "" switches one off."""
    events_ = [
        an_action(
            f"set {hook}",
            "UpdateContactEventHooks",
            {"EventHooks": {hook: driver.a_flow(flow_name, a_content(*actions), "CUSTOMER_QUEUE")}}
            if flow
            else {"EventHooksConfiguration": {hook: {"DisableExecution": "True"}}},
            f"next {hook}",
            NoMatchingError="bye",
        )
        for hook, flow in hooks.items()
    ]
    for action, following in zip(events_, [*events_[1:], None], strict=True):
        action["Transitions"]["NextAction"] = following["Identifier"] if following else "target"
    target = {"QueueId": driver.ids["sales"]}
    content = a_content(
        *events_,
        an_action("target", "UpdateContactTargetQueue", target, "enter", NoMatchingError="bye"),
        an_action("enter", "TransferContactToQueue", {}, "bye", NoMatchingError="bye"),
        BYE,
    )
    driver.update("contact_flow", "to sales", Content=content)


def test_a_call_is_joined_when_phone_agent_and_customer_are_ready():
    driver = by_hand()
    driver.ledger(
        """
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        5 s    a1 accepts c1          ContactAccepted c1 a1
        5 s    a1 accepts c1          refused InvalidRequest
        5 s    a1 rejects c1          refused InvalidRequest
        6 s    c1 up                  AgentLegConnected c1 a1
        6 s    c1 up                  -
        8 s    c1 heard agent         ContactDequeued c1 a1
        9 s    c1 heard customer      ContactConnectedToAgent c1 a1
        """,
        hide=TOLD,
    )
    contact = driver.contact("c1")
    instants = (contact.accepted_at, contact.dequeued_at, contact.connected_to_agent_at)
    assert instants == (START + 5_000, START + 8_000, START + 9_000)
    assert contact.runs == contact.timers == {}


def test_the_customer_is_in_queue_while_the_agent_hears_his_whisper():
    driver = by_hand()
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.ConnectAgent("c1"))
    assert driver.center.queued == {driver.ids["sales"]: 1}
    assert driver.runs("c1").flow_type == "CUSTOMER_QUEUE"
    assert driver.runs("c1", "agent").ask == dialogue.Play(dialogue.Prompt("text", "sales"))


@pytest.mark.parametrize("how", ["drops-out", "hangs-up"])
def test_an_agent_who_drops_out_of_his_whisper_is_in_error_and_the_contact_waits_on(how):
    driver = by_hand(agents=2)
    line = "c1 drops-out" if how == "drops-out" else "a1 hangs-up c1"
    driver.ledger(
        f"""
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactAccepted c1 a1
        3 s    c1 up                  AgentLegConnected c1 a1
        4 s    {line:<22} AgentLegLost c1 a1
        5 s    a2 status Available    AgentStatusChanged a2 Available;
                                      ContactOffered c1 a2 until 25 s
        6 s    a2 accepts c1          ContactAccepted c1 a2
        6 s    c1 up                  -
        7 s    c1 up 1                AgentLegConnected c1 a2
        """,
        hide=TOLD,
    )
    contact, held = driver.contact("c1"), driver.agent("a1").contacts["c1"]
    assert (contact.enqueued_at, contact.offers) == (START + 1_000, 2)
    assert (held.state, held.error) == ("ERROR", "FailedConnectAgent")
    driver.ledger("""
        8 s    a1 clears c1           ContactCleared c1 a1
    """)


def test_an_agent_who_drops_out_after_his_whisper_ends_the_call():
    by_hand().ledger(
        """
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactAccepted c1 a1
        3 s    c1 up                  AgentLegConnected c1 a1
        4 s    c1 heard agent         ContactDequeued c1 a1
        5 s    c1 drops-out           ContactEnded c1 AGENT_DISCONNECT IN_QUEUE; ContactCompleted c1
        """,
        hide=TOLD,
    )


@pytest.mark.parametrize("heard", [0, 1])
def test_a_customer_who_leaves_in_a_whisper_leaves_his_agent_in_error(heard):
    driver = by_hand()
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.ConnectAgent("c1"))
    if heard:
        driver.run(commands.Hear("c1", driver.runs("c1", "agent").number, dialogue.Done()))
    done = driver.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    ended = done.events[0]
    assert ended == events.ContactEnded("c1", "CUSTOMER_DISCONNECT", "IN_QUEUE")
    assert driver.ids["a1"] in done.agents
    held = driver.agent("a1").contacts["c1"]
    assert (held.state, held.error) == ("ERROR", "FailedConnectCustomer")
    assert driver.center.contacts == driver.center.queued == driver.center.chains == {}
    driver.check_history()


@pytest.mark.parametrize("side", ["agent", "customer"])
def test_a_whisper_that_lasts_two_minutes_drops_the_call(side):
    driver = by_hand()
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.ConnectAgent("c1"))
    if side == "customer":
        driver.pass_time(60 * SECOND)
        driver.run(commands.Hear("c1", driver.runs("c1", "agent").number, dialogue.Done()))
    assert driver.pass_time(WHISPER_MS - 1) == ()
    ended = driver.pass_time(1)
    assert ended[0] == events.ContactEnded("c1", "CONTACT_FLOW_DISCONNECT", "IN_QUEUE")


def test_chats_and_tasks_are_joined_at_once():
    driver = by_hand(profiles={"p": ProfileOf("sales/CHAT, sales/TASK", chat=2, task=1)})
    driver.ledger(
        """
        1 s    c1 chat sales          ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactAccepted c1 a1; ContactDequeued c1 a1;
                                      ContactConnectedToAgent c1 a1
        """,
        hide=TOLD,
    )


def test_a_whisper_of_a_task_runs_where_a_hook_says_so_and_no_limit_drops_it():
    driver = by_hand(profiles={"p": ProfileOf("sales/TASK", task=1)})
    wait = an_action("wait", "Wait", {"TimeLimitSeconds": "300"}, "end", NoMatchingError="end")
    hooks(driver, "w", wait, END, CustomerWhisper="w")
    driver.ledger(
        """
        1 s    c1 task sales          HooksSet c1; ContactEnqueued c1 sales;
                                      ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactAccepted c1 a1; ContactDequeued c1 a1
        122 s  -                      ContactConnectedToAgent c1 a1
        """,
        hide=TOLD,
    )


def with_long_whisper(**members) -> Driver:
    """Agents of tasks and chats whose whisper does not end by itself."""
    driver = by_hand(profiles={"p": ProfileOf("sales/TASK, sales/CHAT", task=1, chat=1)}, **members)
    wait = an_action("wait", "Wait", {"TimeLimitSeconds": "300"}, "end", NoMatchingError="end")
    hooks(driver, "w", wait, END, AgentWhisper="w")
    return driver


def test_after_an_agents_whisper_that_was_too_long_comes_his_customers():
    driver = with_long_whisper()
    driver.enqueue("c1", "sales", "TASK")
    driver.happen(events.HooksSet("c1", {"CustomerWhisper": driver.ids["w"]}, {}))
    driver.ledger(
        """
        2 s    a1 accepts c1          ContactAccepted c1 a1
        122 s  -                      ContactDequeued c1 a1
        242 s  -                      ContactConnectedToAgent c1 a1
        """,
        hide=TOLD,
    )


def test_who_vanishes_leaves_a_chat_also_when_another_agent_dropped_out_before():
    driver = with_long_whisper(agents=2)
    driver.available("a2")
    gone = commands.AgentVanished(driver.ids["a2"])
    driver.ledger(
        """
        1 s    c1 chat sales          HooksSet c1; ContactEnqueued c1 sales;
                                      ContactOffered c1 a1 until 21 s
        2 s    a1 accepts c1          ContactAccepted c1 a1
        3 s    a1 hangs-up c1         AgentLegLost c1 a1; ContactOffered c1 a2 until 23 s
        4 s    a2 accepts c1          ContactAccepted c1 a2
        124 s  -                      ContactDequeued c1 a2; ContactConnectedToAgent c1 a2
        125 s  gone                   AgentPresenceChanged a2 vanished;
                                      ContactEnded c1 AGENT_NETWORK_DISCONNECT CONNECTED
        """,
        hide=TOLD,
        gone=gone,
    )


def test_a_hook_stands_in_for_the_instances_flow_and_may_be_switched_off():
    driver = by_hand()
    hooks(
        driver,
        "hi",
        an_action("hi", "MessageParticipant", {"Text": "Hi"}, "end"),
        END,
        AgentWhisper="hi",
        CustomerWhisper="",
    )
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.ConnectAgent("c1"))
    run = driver.runs("c1", "agent")
    assert run.ask == dialogue.Play(dialogue.Prompt("text", "Hi"))
    done = driver.run(commands.Hear("c1", run.number, dialogue.Done()))
    assert isinstance(done.events[-1], events.ContactConnectedToAgent)


def test_a_whisper_that_disconnects_ends_the_contact():
    driver = by_hand()
    hooks(driver, "no", BYE, AgentWhisper="no")
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    done = driver.run(commands.ConnectAgent("c1"))
    (ended,) = (each for each in done.events if isinstance(each, events.ContactEnded))
    assert ended.reason == "CONTACT_FLOW_DISCONNECT"


def test_what_the_world_does_for_a_call_that_is_accepted():
    driver = by_hand()
    driver.enqueue("c1", "sales")
    agent = driver.ids["a1"]
    rung = driver.run(commands.AcceptContact(agent, "c1")).effects
    assert [(type(each), each.channel_id) for each in rung] == [(telephony.Originate, "c1/agent")]
    (whisper,) = driver.run(commands.ConnectAgent("c1")).effects
    assert (type(whisper), whisper.channel_id) == (telephony.Play, "c1/agent")
    ask = int(whisper.playback_id.rpartition("/")[2])
    stop, play = driver.run(commands.Hear("c1", ask, dialogue.Done())).effects
    assert stop == telephony.StopMusic("c1")
    assert (type(play), play.channel_id) == (telephony.Play, "c1")


def test_a_lost_phone_is_hung_up_and_the_next_agent_has_a_leg_of_his_own():
    driver = by_hand(agents=2)
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    driver.run(commands.ConnectAgent("c1"))
    stop, hang_up = driver.run(commands.LeaveContact(driver.ids["a1"], "c1")).effects
    assert isinstance(stop, telephony.StopPlayback)
    assert hang_up == telephony.HangUp("c1/agent")
    driver.available("a2")
    (rung,) = driver.run(commands.AcceptContact(driver.ids["a2"], "c1")).effects
    assert rung.channel_id == "c1/1/agent"
    assert driver.run(commands.LoseAgent("c1", 0)).events == ()


def test_after_a_restart_phones_ring_again_and_whispers_are_said_again():
    driver = by_hand()
    driver.enqueue("c1", "sales")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c1"))
    seen = {each.channel_id: each.state for each in effects.channels(driver.center)}
    assert seen == {"c1": "up", "c1/agent": "ringing"}
    said = [(each.channel_id, type(each)) for each in effects.outstanding(driver.center)]
    assert said == [
        ("c1", telephony.Answer),
        ("c1/agent", telephony.Originate),
        ("c1", telephony.StartMusic),
    ]
    driver.run(commands.ConnectAgent("c1"))
    seen = {each.channel_id: each.state for each in effects.channels(driver.center)}
    assert seen == {"c1": "up", "c1/agent": "up"}
    said = {each.channel_id: type(each) for each in effects.outstanding(driver.center)}
    assert said == {"c1": telephony.StartMusic, "c1/agent": telephony.Play}
