"""Chains: what passes to the next contact, and what must not. Each of these once went wrong in a
life of the simulation."""

import pytest

from engine_builders import Driver, a_center, a_content, an_action
from ringfloor.domain import commands, dialogue
from ringfloor.domain.call import living
from ringfloor.engine import effects
from ringfloor.telephony import commands as telephony

OVER = an_action("over", "EndFlowExecution")


@pytest.fixture
def center() -> Driver:
    """a1 talks with c1, whose hooks move him on in queue and keep him when his agent leaves."""
    driver = a_center(agents=2, queues=["sales", "support"], driver=Driver(answers=False))
    ids = driver.ids
    moves = an_action(
        "moves", "DequeueContactAndTransferToQueue", {"QueueId": ids["sales"]}, "over",
        QueueAtCapacity="over", NoMatchingError="over",
    )  # fmt: skip
    say = an_action("say", "MessageParticipant", {"Text": "x"}, "moves", NoMatchingError="moves")
    driver.a_flow("move on", a_content(say, moves, OVER), "CUSTOMER_QUEUE")
    driver.a_flow(
        "stay", a_content(an_action("say", "MessageParticipant", {"Text": "x"}, "over"), OVER)
    )
    hooks = {"CustomerQueue": ids["move on"], "CustomerRemaining": ids["stay"]}
    driver.a_flow(
        "hooked",
        a_content(
            an_action("hook", "UpdateContactEventHooks", {"EventHooks": hooks}, "aim",
                      NoMatchingError="over"),
            an_action("aim", "UpdateContactTargetQueue", {"QueueId": ids["sales"]}, "enter",
                      NoMatchingError="over"),
            an_action("enter", "TransferContactToQueue", {}, "over", QueueAtCapacity="over",
                      NoMatchingError="over"),
            OVER,
        ),
    )  # fmt: skip
    config = {"QueueId": ids["support"], "ContactFlowId": driver.way_to("support")}
    quick = {"QuickConnectType": "QUEUE", "QueueConfig": config}
    driver.create("quick_connect", "qc", {"Name": "qc", "QuickConnectConfig": quick})
    driver.available("a1")
    driver.name("c1", "c1")
    driver.run(
        commands.StartInboundContact(contact_id="c1", from_number="+1", flow_id=ids["hooked"])
    )
    driver.run(commands.AcceptContact(ids["a1"], "c1"))
    phone_is_up(driver, "c1")
    return driver


def phone_is_up(driver: Driver, contact_id: str) -> None:
    """The agent's phone is up, and whatever whispers is over."""
    contact = driver.center.contacts[contact_id]
    driver.run(commands.ConnectAgent(contact_id, contact.agent_legs))
    while contact.stage == "ACCEPTED" and any(
        "WHISPER" in e.flow_type for e in contact.runs.values()
    ):
        run = next(each for each in contact.runs.values() if "WHISPER" in each.flow_type)
        driver.run(commands.Hear(contact_id, run.number, dialogue.Done()))


def consults(driver: Driver) -> str:
    """a1 asks support; answers the new contact."""
    asked = commands.AddParty(
        agent_id=driver.ids["a1"], contact_id="c1", quick_connect_id=driver.ids["qc"]
    )
    return driver.run(asked).answer


def moved(driver: Driver, contact_id: str) -> str:
    """Its queue flow has spoken, and moves it on; answers the next contact."""
    contact = driver.center.contacts[contact_id]
    driver.run(commands.Hear(contact_id, contact.runs["customer"].number, dialogue.Done()))
    return contact.next_contacts[-1]


def seats(driver: Driver) -> list[tuple[str, str]]:
    return [(each.contact_id, each.role) for each in living(driver.center.calls["c1"])]


def test_a_consultation_that_is_moved_to_another_queue_stays_in_the_call(center):
    second = moved(center, consults(center))
    assert seats(center) == [("c1", "customer"), ("c1", "agent"), (second, "agent")]
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    assert center.center.contacts[second].customer_leg == "c1"
    center.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    assert list(center.center.contacts) == ["c1"]
    center.check_history()


def test_the_customer_passes_to_a_transfer_whose_first_agent_was_lost(center):
    consulted = moved(center, consults(center))
    center.available("a2")
    center.run(commands.AcceptContact(center.ids["a2"], consulted))
    center.run(commands.LoseAgent(consulted, 0))
    assert center.center.contacts[consulted].agent_legs == 1
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    assert center.center.contacts[consulted].customer_leg == "c1"
    center.check_history()


def test_the_agent_who_consults_is_no_customer_who_remains(center):
    """His own disconnect flow is not for him: he has his call. He hears the customer's whisper."""
    consulted = moved(center, consults(center))
    center.available("a2")
    center.run(commands.AcceptContact(center.ids["a2"], consulted))
    center.run(commands.ConnectAgent(consulted))
    contact = center.center.contacts[consulted]
    while contact.dequeued_at is None:
        center.run(commands.Hear(consulted, contact.runs["agent"].number, dialogue.Done()))
    assert contact.stage == "ACCEPTED"
    center.run(commands.LeaveContact(center.ids["a2"], consulted))
    assert list(center.center.contacts) == ["c1"]
    assert seats(center) == [("c1", "customer"), ("c1", "agent")]
    center.check_history()


def test_a_task_after_a_chat_is_no_part_of_the_chat(center):
    chat = commands.StartChat(flow_id=center.way_to("support"), display_name="C", life_ms=9_000_000)
    before = center.contact(center.run(chat).answer)
    task = commands.StartTask(name="t", flow_id=center.way_to("support"), previous=before)
    after = center.contact(center.run(task).answer)
    assert after.chat_id is None
    assert center.center.chats[before.id].contact_id == before.id
    center.check_history()


@pytest.mark.parametrize("kind", ["user", "routing_profile"])
def test_who_may_take_calls_from_now_on_has_customers_called_back(kind):
    """Somebody is free for their queue by another profile, not by another status."""
    center = a_center(profiles={"p1": "", "p2": "sales"}, agents=1)
    make = {"QueueId": center.ids["sales"], "InitialCallDelaySeconds": "0",
            "MaximumConnectionAttempts": "1", "RetryDelaySeconds": "1",
            "ContactFlowId": center.ids["to sales"]}  # fmt: skip
    asks = an_action("make", "CreateCallbackContact", make, "over", NoMatchingError="over")
    center.a_flow("asks", a_content(asks, OVER))
    center.available("a1")
    center.run(commands.StartInboundContact(contact_id="c1", from_number="+12065550100",
                                            flow_id=center.ids["asks"]))  # fmt: skip
    [waiting] = center.center.contacts.values()
    assert waiting.stage == "IN_QUEUE"
    if kind == "user":
        center.update("user", "a1", RoutingProfileId=center.ids["p2"])
    else:
        rows = [{"QueueReference": {"QueueId": center.ids["sales"], "Channel": "VOICE"},
                 "Priority": 1, "Delay": 0}]  # fmt: skip
        center.update("routing_profile", "p1", QueueConfigs=rows)
    [dialled] = center.center.contacts.values()
    assert (dialled.initiation_method, dialled.stage) == (
        "CALLBACK_CUSTOMER_FIRST_DIALED",
        "DIALING",
    )


def test_after_a_restart_the_carrier_is_told_who_is_on_hold(center):
    """It may not have heard when that happened."""
    center.run(commands.HoldContact(center.ids["a1"], "c1"))
    told = list(effects.outstanding(center.center))
    assert telephony.RemoveFromBridge("c1/bridge", "c1") in told
    assert telephony.AddToBridge("c1/bridge", "c1/agent") in told
    assert telephony.Unmute("c1") in told
