"""What the center answers to flows: hooks, data, tags, voice, hours, metrics, chance, waits.

Sources: behaviour specification, sections 3.4, 6.4 and 6.6; choices 20 and 22 of section 9.
"""

from datetime import UTC, datetime

import pytest

from engine_builders import NUMBER, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.base.ids import derive, dice
from ringfloor.base.limits import CONTACT_TAGS_MAX
from ringfloor.base.time import SECOND
from ringfloor.domain import commands, dialogue
from ringfloor.domain.contact import Contact, Reference, Run, Voice
from ringfloor.domain.dialogue import Answer, Done, Failed, Result, Session
from ringfloor.domain.events import (
    AttributesUpdated,
    ContactEnqueued,
    FlowFinished,
    RoutingDataUpdated,
    TaskPaused,
    TaskResumed,
)
from ringfloor.engine import answers, check_answers, staff
from ringfloor.engine.effects import EstimateWait, outstanding
from ringfloor.engine.reply import Reply, Stand
from ringfloor.engine.view import last_segment, view

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
        counted = check_answers.metrics(driver.center, about(driver), ask)
        agents = counted["Agents"]
        seen[channel] = agents["Available"]["Count"], agents["Busy"]["Count"]
        assert counted["Queue"]["Name"] == "sales"
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


def said(driver: Driver, ask: dialogue.Ask) -> Reply:
    """What the center says to this ask of c1; nothing of it happens."""
    return answers.ANSWERS[type(ask)](stand(driver), ask)


@pytest.mark.parametrize(
    ("stage", "ranked"),
    [("IN_FLOW", True), ("IN_QUEUE", True), ("CONNECTED", False), ("ENDED", False)],
)
def test_who_is_served_already_is_not_ranked_any_more(stage, ranked):
    driver = in_flow()
    about(driver).stage = stage
    reply = said(driver, dialogue.SetRouting(priority=2, age_adjustment_ms=5_000))
    assert reply == Reply(Done(), (RoutingDataUpdated("c1", 2, 5_000),) if ranked else ())


@pytest.mark.parametrize(
    ("channel", "stage", "paused", "fine"),
    [
        ("TASK", "IN_QUEUE", True, True),
        ("TASK", "CONNECTED", True, True),
        ("TASK", "IN_FLOW", True, False),
        ("TASK", "PAUSED", True, False),
        ("VOICE", "IN_QUEUE", True, False),
        ("TASK", "PAUSED", False, True),
        ("TASK", "IN_QUEUE", False, False),
    ],
)
def test_a_flow_pauses_a_task_that_waits_or_is_worked_on_and_resumes_one_that_is_paused(
    channel, stage, paused, fine
):
    driver = in_flow()
    contact = about(driver)
    contact.channel, contact.stage, contact.queue_id = channel, stage, driver.ids["sales"]
    contact.enqueued_at = contact.initiated_at
    reply = said(driver, dialogue.SetPaused(paused))
    expected = (
        TaskPaused("c1")
        if paused
        else TaskResumed("c1", None, driver.ids["sales"], "TASK", contact.initiated_at)
    )
    assert reply == (Reply(Done(), (expected,)) if fine else Reply(ERROR))


def test_a_customer_queue_flow_that_pauses_its_own_task_is_over():
    driver = in_flow()
    contact = about(driver)
    contact.channel, contact.stage = "TASK", "IN_QUEUE"
    contact.runs["customer"].flow_type = "CUSTOMER_QUEUE"
    reply = said(driver, dialogue.SetPaused(True))
    run = contact.runs["customer"]
    finished = FlowFinished("c1", "customer", run.ask, run.number)
    assert reply == Reply(None, (TaskPaused("c1"), finished))


@pytest.mark.parametrize("named", ["support", ""])
def test_out_of_a_queue_goes_the_next_contact_of_the_chain_into_the_named_or_the_same(named):
    driver = in_flow(queues=["sales", "support"])
    answer(driver, dialogue.SetTargetQueue(queue_id=driver.ids["sales"]))
    answer(driver, dialogue.TransferToQueue())
    driver.at = driver.center.at = driver.at + 5 * SECOND
    queue_id = driver.ids[named or "sales"]
    turn = driver.center.turn
    asked = dialogue.DequeueAndTransfer(queue_id=f"arn:x/{queue_id}" if named else None)
    reply = said(driver, asked)
    moved = reply.events[0].contact
    assert moved.id == derive(dice(1)(), turn + 1)
    assert (moved.stage, moved.queue_id, moved.initiation_method) == (
        "IN_FLOW",
        queue_id,
        "QUEUE_TRANSFER",
    )
    assert moved.connected_to_system_at == moved.initiated_at == driver.at
    assert reply.heard is None
    assert [each for each in reply.events if isinstance(each, ContactEnqueued)] == [
        ContactEnqueued(moved.id, queue_id, "VOICE")
    ]


def test_the_related_contact_is_changed_while_it_lives():
    driver = in_flow()
    driver.enqueue("c2", "sales")
    ask = dialogue.SetAttributes({"k": "v"}, "Related")
    assert said(driver, ask) == Reply(ERROR)
    about(driver).related_contact_id = "c2"
    assert said(driver, ask) == Reply(Done(), (AttributesUpdated("c2", {"k": "v"}),))
    assert said(driver, dialogue.SetAttributes({"k": "v"})).events[0].contact_id == "c1"


def counts(**agents: int) -> dict[str, dict[str, int]]:
    names = ("Online", "Staffed", "Available", "AfterContactWork", "Busy", "Missed")
    return {name: {"Count": agents.get(name, 0)} for name in (*names, "NonProductive")}


def test_metrics_are_those_of_the_queue_or_agent_and_of_the_channel():
    driver = in_flow(profiles={"p": ProfileOf("sales, sales/CHAT, sales/TASK", chat=2, task=1)})
    sales, agent = driver.ids["sales"], driver.ids["a1"]

    def found(**asked: str) -> object:
        ask = dialogue.GetMetrics(**asked)
        counted = check_answers.metrics(driver.center, about(driver), ask)
        heard = said(driver, ask).heard
        assert heard == (
            ERROR if counted is None else None if "channel" in asked else Answer(counted)
        )
        return counted

    driver.available("a1")
    driver.enqueue("c2", "sales", "CHAT")
    driver.run(commands.AcceptContact(agent, "c2"))
    free = [found(agent_id=agent, channel=each)["Agents"] for each in ("CHAT", "VOICE")]
    assert [each["Available"]["Count"] for each in free] == [1, 0]
    driver.run(commands.SetAgentStatus(agent, driver.ids["Lunch"]))  # when he is through with it
    driver.enqueue("c3", "sales", "TASK")
    driver.at += 1_700
    driver.enqueue("c4", "sales", "CHAT")
    driver.at += 2_500
    driver.center.at = driver.at
    named = {"Name": "sales", "ARN": driver.center.home.arn_of("queue", sales)}
    busy = counts(Online=1, Busy=1, Staffed=1)

    at_sales = found(queue_id=f"arn:x/{sales}")
    assert at_sales == {"Queue": {"Size": 2, "OldestContactAge": 4, **named}, "Agents": busy}
    chats = found(queue_id=sales, channel="CHAT")
    assert chats["Queue"] == {"Size": 1, "OldestContactAge": 2, **named}
    assert found(queue_id=sales, channel="VOICE")["Queue"] == {
        "Size": 0,
        "OldestContactAge": 0,
        **named,
    }
    assert found(agent_id=agent) == {"Queue": {"Size": 0, "OldestContactAge": 0}, "Agents": busy}
    assert found(queue_id=sales, channel="FAX") is None
    answer(driver, dialogue.SetTargetQueue(queue_id=sales))
    assert found()["Queue"]["Name"] == "sales"


def asks_for_metrics(parameters: dict[str, str]) -> str:
    """Until they are told; then it says the wait that it was told."""
    return a_content(
        an_action("ask", "GetMetricData", parameters, "say", NoMatchingError="bye"),
        an_action(
            "say", "MessageParticipant", {"Text": "$.Metrics.Queue.EstimatedWaitTime"}, "bye"
        ),
        an_action("bye", "EndFlowExecution"),
    )


def test_the_world_adds_the_waits_that_a_flow_asks_for():
    driver = in_flow()
    sales = driver.ids["sales"]
    content = asks_for_metrics({"QueueId": sales, "QueueChannel": "Voice"})
    flow = driver.a_flow("waits", content)
    driver.enqueue("c2", "sales")
    driver.name("c3", "c3")
    driver.at += 4 * SECOND
    start = commands.StartInboundContact(contact_id="c3", from_number=NUMBER, flow_id=flow)
    [asked] = (each for each in driver.run(start).effects if isinstance(each, EstimateWait))
    assert (asked.contact_id, asked.queue_id, asked.channel) == ("c3", sales, "VOICE")
    counted = asked.metrics["Queue"]
    assert (counted["Size"], counted["OldestContactAge"]) == (1, 4)
    assert "Contact" not in asked.metrics
    assert asked in list(outstanding(driver.center))
    heard = Answer({"Queue": {"EstimatedWaitTime": 90}, "Agents": {}})
    (said_,) = driver.run(commands.Hear("c3", asked.ask, heard)).effects
    assert said_.media[0].value == "90"
    assert driver.run(commands.Hear("c3", asked.ask, heard)).effects == (), "stale"
    driver.check_history()


def test_who_is_in_queue_is_told_his_place_whatever_the_channel():
    driver = in_flow()
    driver.enqueue("c2", "sales")
    driver.enqueue("c3", "sales")
    contact = driver.contact("c3")
    here = stand(driver)._replace(contact=contact)
    assert answers.ANSWERS[dialogue.GetMetrics](here, dialogue.GetMetrics()) == Reply(None)
    counted = check_answers.metrics(driver.center, contact, dialogue.GetMetrics())
    assert counted["Contact"] == {"PositionInQueue": 2}


@pytest.mark.parametrize(
    ("flow_type", "seen"),
    [
        ("CONTACT_FLOW", None),
        ("CUSTOMER_QUEUE", None),
        ("AGENT_WHISPER", "a1"),
        ("CUSTOMER_WHISPER", "a1"),
        ("OUTBOUND_WHISPER", "a1"),
        ("AGENT_HOLD", "a1"),
        ("CUSTOMER_HOLD", "a1"),
        ("AGENT_TRANSFER", "a2"),
    ],
)
def test_flows_see_the_agent_or_the_one_to_be_transferred_to(flow_type, seen):
    driver = in_flow(agents=2)
    for alias in ("a1", "a2"):
        driver.update("user", alias, IdentityInfo={"FirstName": alias.upper(), "LastName": "Doe"})
    contact = about(driver)
    assert view(driver.center, contact, flow_type)["Agent"] is None
    contact.agent_id, contact.queue_id = driver.ids["a1"], driver.ids["a2"]
    agent = seen and {
        "UserName": seen,
        "FirstName": seen.upper(),
        "LastName": "Doe",
        "ARN": driver.center.home.arn_of("user", driver.ids[seen]),
    }
    assert view(driver.center, contact, flow_type)["Agent"] == agent
    driver.center.resources["user"][driver.ids["a1"]].properties.pop("IdentityInfo")
    if seen == "a1":
        nameless = view(driver.center, contact, flow_type)["Agent"]
        assert nameless == {**agent, "FirstName": None, "LastName": None}


@pytest.mark.parametrize(
    "identifier", ["q", "a/q", "arn:aws:connect:us-east-1:1:instance/i/queue/q"]
)
def test_an_id_is_the_last_part_of_an_arn(identifier):
    assert last_segment(identifier) == "q"
