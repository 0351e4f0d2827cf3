"""What the center answers to flows: hooks, data, tags, voice, hours, metrics, chance, waits.

Sources: behaviour specification, sections 3.4, 6.4 and 6.6; choices 20 and 22 of section 9.
"""

from datetime import UTC, datetime

import pytest

from engine_builders import NUMBER, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.base.ids import dice
from ringfloor.base.limits import CONTACT_TAGS_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import commands, dialogue
from ringfloor.domain.contact import Contact, Reference, Run, Voice
from ringfloor.domain.dialogue import Answer, Done, Failed, Result, Session
from ringfloor.domain.events import ContactEnqueued
from ringfloor.engine import answers, staff
from ringfloor.engine.reply import Reply, Stand

ERROR = Failed("NoMatchingError")


def stand(driver: Driver, seed: int = 1) -> Stand:
    contact = driver.contact("c1")
    run = contact.runs.get("customer") or Run(
        flow_type="CONTACT_FLOW", session=Session(flow_id="f"), edition=""
    )
    return Stand(driver.center, contact, "customer", run, dice(seed)())


def answer(driver: Driver, ask: dialogue.Ask, **place: object) -> Reply:
    """What the center says to this ask of c1; what happens is let happen."""
    reply = answers.ANSWERS[type(ask)](stand(driver, **place), ask)
    if reply.events:
        driver.happen(*reply.events)
    return reply


def in_flow(**members: object) -> Driver:
    """c1 hears a prompt, in the flow that it came to."""
    driver = a_center(**members)
    hello = an_action(
        "hello", "MessageParticipant", {"Text": "Hi"}, "hello", NoMatchingError="hello"
    )
    flow = driver.a_flow("hello", a_content(hello))
    driver.name("c1", "c1")
    driver.run(commands.StartInboundContact(contact_id="c1", from_number=NUMBER, flow_id=flow))
    return driver


def about(driver: Driver) -> Contact:
    return driver.contact("c1")


def test_what_flows_say_of_a_contact_is_kept():
    driver = in_flow()
    data = dialogue.SetData(
        name="Jane",
        language="de-DE",
        customer_id="42",
        references={"Order": ("URL", "https://x")},
        segment_attributes={"tier": "gold"},
    )
    asks = (
        data,
        dialogue.SetTags({"a": "b"}),
        dialogue.SetVoice(voice="Matthew", engine="Neural"),
        dialogue.SetRecording({"RecordedParticipants": ["Agent"]}),
    )
    for ask in asks:
        assert answer(driver, ask).heard == Done(), ask
    contact = about(driver)
    assert (contact.name, contact.language, contact.customer_id) == ("Jane", "de-DE", "42")
    assert contact.references == {"Order": Reference("URL", "https://x")}
    assert (contact.segment_attributes, contact.tags) == ({"tier": "gold"}, {"a": "b"})
    assert contact.voice == Voice("Matthew", "Neural", None)
    assert contact.recording_behavior == {"RecordedParticipants": ["Agent"]}
    driver.check_history()


@pytest.mark.parametrize(
    "ask",
    [
        dialogue.SetHooks({"CustomerQueue": "nowhere"}),
        dialogue.SetHooks({"NoSuchEvent": "hello"}),
        dialogue.SetTags({str(n): "x" for n in range(CONTACT_TAGS_MAX + 1)}),
        dialogue.SetData(references={"A": ("ATTACHMENT", "x")}),
        dialogue.SetData(name="x", target="Related"),
        dialogue.SetAttributes({"k": "x" * 40_000}),
        dialogue.SetTargetQueue(queue_id="nowhere"),
        dialogue.SetStreaming(True),
        dialogue.CheckHours("nowhere"),
        dialogue.CheckHours(),
        dialogue.CheckMetric(metric="NumberOfAgentsOnline"),
        dialogue.CheckMetric(metric="NoSuchMetric", queue_id="sales"),
        dialogue.GetMetrics(),
        dialogue.DequeueAndTransfer(),
        dialogue.TransferToQueue(),
    ],
    ids=lambda ask: type(ask).__name__,
)
def test_what_cannot_be_takes_the_error_branch_and_changes_nothing(ask):
    driver = in_flow()
    assert answer(driver, ask) == Reply(ERROR)


def test_streaming_needs_a_place_for_it():
    driver = in_flow()
    driver.create(
        "storage_config",
        "s",
        {"ResourceType": "MEDIA_STREAMS", "StorageType": "KINESIS_VIDEO_STREAM"},
    )
    assert answer(driver, dialogue.SetStreaming(True)).heard == Done()
    assert about(driver).streaming
    assert answer(driver, dialogue.SetStreaming(False)).heard == Done()
    assert not about(driver).streaming


def test_hooks_are_set_one_by_one_and_switched_on_and_off():
    driver = in_flow()
    flow = driver.ids["hello"]
    answer(driver, dialogue.SetHooks({"AgentWhisper": flow}, {"CustomerWhisper": True}))
    answer(driver, dialogue.SetHooks({"CustomerQueue": flow}))
    contact = about(driver)
    assert contact.hooks == {"AgentWhisper": flow, "CustomerQueue": flow}
    assert contact.hooks_disabled == ["CustomerWhisper"]
    answer(driver, dialogue.SetHooks({}, {"CustomerWhisper": False}))
    assert contact.hooks_disabled == []


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T08:59:59", "False"),
        ("2026-03-02T09:00:00", "True"),
        ("2026-03-02T17:00:00", "False"),
        ("2026-03-03T12:00:00", "False"),
    ],
)
def test_hours_are_those_of_their_zone_at_this_instant(at, expected):
    """New York is five hours behind; Monday 9 to 12 there."""
    driver = in_flow()
    nine, noon = {"Hours": 4, "Minutes": 0}, {"Hours": 12, "Minutes": 0}
    plan = [{"Day": "MONDAY", "StartTime": nine, "EndTime": noon}]
    hours = driver.create(
        "hours_of_operation", "h", {"Name": "h", "TimeZone": "America/New_York", "Config": plan}
    )
    driver.center.at = round(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * SECOND
    assert answer(driver, dialogue.CheckHours(f"arn:x/{hours}")).heard == Result(expected)


def test_without_hours_those_of_the_target_queue_are_checked():
    driver = in_flow()
    answer(driver, dialogue.SetTargetQueue(queue_id=driver.ids["sales"]))
    assert answer(driver, dialogue.CheckHours()).heard == Result("True")


def metrics(driver: Driver, **about_: str) -> list[str]:
    names = ("AgentsOnline", "AgentsStaffed", "AgentsAvailable", "ContactsInQueue")
    asks = [dialogue.CheckMetric(metric=f"NumberOf{name}", **about_) for name in names]
    asks.append(dialogue.CheckMetric(metric="OldestContactInQueueAgeSeconds", **about_))
    return [answer(driver, ask).heard.value for ask in asks]


def test_metrics_of_a_queue_count_the_agents_who_have_it_and_the_contacts_in_it():
    profiles = {"p": "sales", "q": "support"}
    driver = in_flow(
        agents={"a1": "p", "a2": "p", "a3": "p", "a4": "q"},
        queues=["sales", "support"],
        profiles=profiles,
    )
    sales = {"queue_id": driver.ids["sales"]}
    assert metrics(driver, **sales) == ["0", "0", "0", "0", "0"]
    driver.available("a1", "a2", "a4")
    driver.run(commands.SetAgentStatus(driver.ids["a3"], driver.ids["Lunch"]))
    assert metrics(driver, **sales) == ["3", "2", "2", "0", "0"]
    driver.enqueue("c2", "sales")
    driver.at += 7 * SECOND
    driver.run(commands.AcceptContact(driver.ids["a1"], "c2"))
    assert metrics(driver, **sales) == ["3", "2", "1", "0", "0"]
    for alias in ("c3", "c4", "c5"):
        driver.enqueue(alias, "sales")
        driver.at += 5 * SECOND
    driver.center.at = driver.at
    assert metrics(driver, **sales) == ["3", "2", "0", "3", "15000"]


def test_metrics_of_an_agents_own_queue_are_of_him():
    driver = in_flow(agents=2)
    one = {"agent_id": driver.ids["a1"]}
    driver.available("a1", "a2")
    assert metrics(driver, **one) == ["1", "1", "1", "0", "0"]


def test_with_a_channel_a_free_slot_makes_an_agent_available():
    """Choice 22 of section 9."""
    driver = in_flow(profiles={"p": ProfileOf("sales, sales/CHAT", chat=2)})
    driver.available("a1")
    driver.enqueue("c2", "sales", "CHAT")
    driver.run(commands.AcceptContact(driver.ids["a1"], "c2"))
    seen = {}
    for channel in (None, "CHAT", "VOICE"):
        ask = dialogue.GetMetrics(queue_id=driver.ids["sales"], channel=channel)
        heard = answer(driver, ask).heard
        assert isinstance(heard, Answer)
        agents = heard.payload["Agents"]
        seen[channel] = agents["Available"]["Count"], agents["Busy"]["Count"]
        assert heard.payload["Queue"]["Name"] == "sales"
    assert seen == {None: (0, 1), "CHAT": (1, 1), "VOICE": (0, 1)}


@pytest.mark.parametrize(
    ("method", "there", "full"),
    [("INBOUND", 5, True), ("TRANSFER", 5, False), ("TRANSFER", 6, True)],
)
def test_who_is_transferred_may_overshoot_a_full_queue_by_a_fifth(method, there, full):
    driver = in_flow()
    for number in range(there):
        driver.enqueue(f"d{number}", "sales")
    driver.update("queue", "sales", MaxContacts=5)
    contact = about(driver)
    contact.initiation_method, contact.queue_id = method, driver.ids["sales"]
    heard = answer(driver, dialogue.TransferToQueue()).heard
    assert heard == (Failed("QueueAtCapacity") if full else None)


def test_staff_counts_each_agent_once_however_many_channels_his_profile_has():
    driver = in_flow(profiles={"p": ProfileOf("sales, sales/CHAT, sales/TASK", chat=1, task=1)})
    driver.available("a1")
    assert staff.of_queue(driver.center, driver.ids["sales"]).online == 1


def test_chance_is_even_and_is_the_commands_own():
    driver = in_flow()
    drawn = [int(answer(driver, dialogue.Draw(), seed=seed).heard.value) for seed in range(2_000)]
    assert {min(drawn), max(drawn)} == {1, 100}
    assert 45 < sum(drawn) / len(drawn) < 56
    assert drawn[7] == int(answer(driver, dialogue.Draw(), seed=7).heard.value)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("API", "CallAnswered"),
        ("CALLBACK_CUSTOMER_FIRST_DIALED", "CallAnswered"),
        ("INBOUND", "NotDetected"),
    ],
)
def test_whoever_was_dialled_and_is_there_has_answered(method, expected):
    driver = in_flow()
    about(driver).initiation_method = method
    assert answer(driver, dialogue.CheckCall()).heard == Result(expected)


def waiting(**wait: object) -> Driver:
    """A task that waits in its flow, then goes to sales."""
    driver = a_center(profiles={"p": ProfileOf("sales/TASK", task=1)})
    pause = an_action(
        "pause", "Wait", {"TimeLimitSeconds": "60", **wait}, "aim", NoMatchingError="bye"
    )
    went = {"QueueId": driver.ids["sales"]}
    aim = an_action("aim", "UpdateContactTargetQueue", went, "go", NoMatchingError="bye")
    go = an_action("go", "TransferContactToQueue", {}, "bye", NoMatchingError="bye")
    bye = an_action("bye", "DisconnectParticipant")
    flow = driver.a_flow("pause", a_content(pause, aim, go, bye))
    driver.run(
        commands.StartInboundContact(
            contact_id="c1", channel="TASK", from_number=NUMBER, flow_id=flow
        )
    )
    return driver


def test_a_flow_that_waits_goes_on_at_its_time():
    driver = waiting()
    assert driver.pass_time(59_999) == ()
    assert any(isinstance(each, ContactEnqueued) for each in driver.pass_time(1))
    driver.check_history()


def test_a_flow_that_waits_goes_on_with_the_event_that_it_waits_for():
    driver = waiting(Events=["CustomerReturned"])
    contact = driver.contact("c1")
    driver.run(commands.Hear("c1", driver.runs("c1").number, Result("CustomerReturned")))
    assert (contact.stage, contact.timers) == ("IN_QUEUE", {})
