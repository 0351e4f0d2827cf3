"""The outbox: effects may be repeated, stale news is no news; functions answer or fail, once."""

import asyncio
import json

import httpx
import pytest
from msgspec.structs import replace

from node_builders import CUSTOMER, START, KeptJournal, Stage, a_node
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import FUNCTION_REPLY_BYTES_MAX
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands, dialogue
from ringfloor.domain.contact import Sound
from ringfloor.engine import engine
from ringfloor.engine.contact_records import contact_record
from ringfloor.engine.effects import InvokeFunction
from ringfloor.gateway.phones import Phones
from ringfloor.node import outbox
from ringfloor.node.functions import FAILED, Functions
from ringfloor.node.outbox import disconnect_reason, heard, sound
from ringfloor.operations.contacts import view
from ringfloor.telephony import events as telephony
from ringfloor.telephony.commands import AttachWebRtc, Gather, Play
from ringfloor.telephony.events import Q850

ARN = "arn:aws:lambda:us-east-1:123456789012:function:lookup"
URL = "http://functions.test/lookup"


def hung_up(q850=Q850.NORMAL_CLEARING, by="remote", channel="c1"):
    return telephony.ChannelHungUp(channel, by, q850, None, "")


# What the carrier tells


@pytest.mark.parametrize(
    ("by", "q850", "reason"),
    [
        ("remote", 1, "TELECOM_NUMBER_INVALID"),
        ("remote", 28, "TELECOM_NUMBER_INVALID"),
        ("remote", 22, "TELECOM_NUMBER_INVALID"),
        ("remote", 17, "TELECOM_BUSY"),
        ("remote", 18, "TELECOM_UNANSWERED"),
        ("remote", 19, "TELECOM_UNANSWERED"),
        ("remote", 21, "TELECOM_UNANSWERED"),
        ("remote", 16, "CUSTOMER_DISCONNECT"),
        ("remote", 31, "CUSTOMER_DISCONNECT"),
        ("remote", 34, "TELECOM_PROBLEM"),
        ("remote", 41, "TELECOM_PROBLEM"),
        ("remote", 127, "TELECOM_PROBLEM"),
        ("timeout", 19, "TELECOM_TIMEOUT"),
        ("timeout", 16, "TELECOM_TIMEOUT"),
        ("media_timeout", 16, "TELECOM_PROBLEM"),
    ],
)
def test_why_a_channel_is_gone(by, q850, reason):
    assert disconnect_reason(hung_up(q850, by)) == reason
    assert heard(hung_up(q850, by)) == commands.LoseChannel("c1", reason)


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (telephony.ChannelAnswered("c1"), commands.ConnectSystem("c1")),
        (telephony.ChannelAnswered("c1/agent"), commands.ConnectAgent("c1")),
        (telephony.ChannelRinging("c1"), None),
        (telephony.ChannelDigit("c1", "5"), None),
        (hung_up(channel="c1/agent"), commands.LoseAgent("c1")),
        (hung_up(channel="c1/agent", by="local"), None),
        (
            telephony.PlaybackFinished("c1/7", "c1", "eof"),
            commands.Hear("c1", 7, dialogue.Done()),
        ),
        (
            telephony.PlaybackFinished("c1/7", "c1", "failed"),
            commands.Hear("c1", 7, dialogue.Failed("NoMatchingError")),
        ),
        (
            telephony.GatherFinished("c1/8", "c1", "12", "terminator"),
            commands.Hear("c1", 8, dialogue.Digits("12", "terminated")),
        ),
        (
            telephony.GatherFinished("c1/8", "c1", "", "first_digit_timeout"),
            commands.Hear("c1", 8, dialogue.Digits("", "no_input")),
        ),
    ],
)
def test_what_news_means(event, command):
    assert heard(event) == command


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (telephony.ChannelAnswered("c1/agent"), commands.ConnectAgent("c1", 0)),
        (telephony.ChannelAnswered("c1/2/agent"), commands.ConnectAgent("c1", 2)),
        (hung_up(channel="c1/2/agent"), commands.LoseAgent("c1", 2)),
        (hung_up(channel="c1/agent", by="local"), None),
        (
            telephony.PlaybackFinished("t1/7", "c1/agent", "eof"),
            commands.Hear("t1", 7, dialogue.Done()),
        ),
    ],
)
def test_news_of_agents_legs_names_the_leg_and_whose_flow_it_heard(event, command):
    assert heard(event) == command


GOOD = telephony.Quality(1_000, 3, 4, 0, 40, 4.4123)


@pytest.mark.parametrize(
    ("quality", "score", "issues"),
    [
        (GOOD, 4.41, ()),
        (replace(GOOD, round_trip_ms=None), 4.41, ()),
        (replace(GOOD, lost=100), 4.41, ("HighPacketLoss",)),
        (replace(GOOD, far_lost=100), 4.41, ("HighPacketLoss",)),
        (replace(GOOD, round_trip_ms=501), 4.41, ("HighRoundTripTime",)),
        (replace(GOOD, jitter_ms=51), 4.41, ("HighJitterBuffer",)),
        (replace(GOOD, received=0, lost=0, score=1.0), 1.0, ()),
    ],
)
def test_what_was_measured_in_the_words_of_the_api(quality, score, issues):
    assert sound(quality) == Sound(score, issues)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (hung_up(Q850.USER_BUSY), "TELECOM_BUSY"),
        (replace(hung_up(Q850.USER_BUSY), quality=GOOD), "CUSTOMER_DISCONNECT"),
        (replace(hung_up(Q850.TEMPORARY_FAILURE), quality=GOOD), "TELECOM_PROBLEM"),
        (replace(hung_up(Q850.CALL_REJECTED), sip_code=607), "TELECOM_POTENTIAL_BLOCKING"),
        (replace(hung_up(Q850.CALL_REJECTED), sip_code=608), "TELECOM_POTENTIAL_BLOCKING"),
        (replace(hung_up(Q850.CALL_REJECTED), sip_code=603), "TELECOM_UNANSWERED"),
    ],
)
def test_a_far_end_that_was_up_has_hung_up_and_who_blocks_is_told_apart(event, reason):
    assert disconnect_reason(event) == reason


class Mute:
    """A carrier that says nothing of itself."""

    def perform(self, command, now):
        pass


@pytest.mark.parametrize("kind", ["playback", "gathering"])
def test_what_a_hang_up_cuts_off_is_not_told_and_what_another_replaces_is(kind):
    posted = []
    told = outbox.Outbox(None, lambda _, command: posted.append(command), list, desks={})
    told.connect(Mute())

    def begin(number):
        name = f"c1/{number}"
        play, gather = Play(name, "c1", ()), Gather(name, "c1", (), 1, 5_000)
        told.perform("i1", [play if kind == "playback" else gather], START)

    def cut_off():
        play = telephony.PlaybackFinished("c1/7", "c1", "stopped")
        gather = telephony.GatherFinished("c1/7", "c1", "", "cancelled")
        told.hear(play if kind == "playback" else gather, START)

    begin(7)
    cut_off()
    assert posted == []
    begin(8)
    cut_off()
    assert [(each.contact_id, each.ask) for each in posted] == [("c1", 7)]


async def a_talk(stage):
    """An office in which ann talks with a customer; the contact's id."""
    office = await stage.an_instance(users=["ann"])
    await office.status("ann", "Available")
    contact = await office.a_call()
    await office.submit(commands.AcceptContact(office.id_of("user", "ann"), contact))
    await stage.pass_time(10)
    assert office.center.contacts[contact].stage == "CONNECTED"
    return office, contact


async def test_how_channels_sounded_stands_in_the_record_of_the_call():
    async with a_node() as stage:
        office, contact = await a_talk(stage)
        for channel in (f"{contact}/agent", contact):
            stage.outbox.hear(replace(hung_up(channel=channel), quality=GOOD), stage.now)
        await stage.pass_time()
        record = contact_record(office.center, office.center.contacts[contact])
        measured = {"Audio": {"PotentialQualityIssues": [], "QualityScore": 4.41}}
        assert record["QualityMetrics"] == {"Agent": measured, "Customer": measured}
        shown = view(office.center, office.center.contacts[contact])
        assert shown["QualityMetrics"] == record["QualityMetrics"]
        assert record["DisconnectReason"] == "AGENT_DISCONNECT", "whoever was gone first"


class Kept:
    """Who stores recordings."""

    def __init__(self):
        self.times = 0

    def collect(self):
        self.times += 1


async def test_recordings_that_are_finished_are_collected_and_those_that_fail_are_over(caplog):
    async with a_node() as stage:
        office, contact = await a_talk(stage)
        kept = Kept()
        stage.outbox.connect(stage.phones, None, kept)
        start = commands.ChangeRecording(
            contact_id=contact, initial_contact_id=contact, action="START", track="ALL"
        )
        await office.submit(start)
        recording = f"{contact}/recording"
        stage.outbox.hear(telephony.RecordingStarted(recording), stage.now)
        stage.outbox.hear(telephony.RecordingFailed(recording, "the disk is full"), stage.now)
        assert kept.times == 1, "what there is up to there"
        kept.times = 0
        await stage.pass_time()
        assert office.center.contacts[contact].recording.state == "STOPPED"
        assert "the disk is full" in caplog.text
        await office.submit(commands.KeepRecording(contact, "connect/x.wav"))
        stored = {"Location": "connect/x.wav", "Status": "AVAILABLE"}
        (shown,) = view(office.center, office.center.contacts[contact])["Recordings"]
        assert shown.items() >= {**stored, "StorageType": "S3"}.items()
        await office.submit(commands.LeaveContact(office.id_of("user", "ann"), contact))
        record = contact_record(office.center, office.center.contacts[contact])
        assert record["Recording"].items() >= stored.items()
        assert record["Recordings"][0].items() >= {**stored, "StorageType": "S3"}.items()
        stage.outbox.hear(telephony.RecordingFinished(recording, "", 10), stage.now)
        assert kept.times == 0, "there was no sound"
        stage.outbox.hear(telephony.RecordingFinished(recording, "connect/x.wav", 10), stage.now)
        assert kept.times == 1
        stage.outbox.hear(telephony.RecordingFailed("x/recording", "whose?"), stage.now)


async def test_simulated_phones_record_no_sound():
    async with a_node() as stage:
        office, contact = await a_talk(stage)
        for action in ("START", "STOP"):
            change = commands.ChangeRecording(
                contact_id=contact, initial_contact_id=contact, action=action, track="ALL"
            )
            await office.submit(change)
        recording = office.center.contacts[contact].recording
        assert (recording.state, recording.location, recording.status) == ("STOPPED", None, None)


async def test_the_numbers_of_desk_phones_that_are_reachable_are_known(caplog):
    async with a_node() as stage:
        for event in (
            telephony.EndpointRegistered("+12065550150"),
            telephony.EndpointRegistered("+12065550151"),
            telephony.EndpointUnregistered("+12065550150"),
            telephony.EndpointUnregistered("+12065550152"),
            telephony.ChannelTransferRequested("c1", "sip:premium@elsewhere"),
        ):
            stage.outbox.hear(event, stage.now)
        assert stage.outbox.registered == {"+12065550151"}
        assert "sip:premium@elsewhere" in caplog.text


# Browsers


class Browsers(Phones):
    """A carrier that answers offers as it is told."""

    def perform(self, command, now):
        if isinstance(command, AttachWebRtc):
            self.offers.append(command)
        else:
            super().perform(command, now)


async def ringing(stage):
    """The leg of ann's softphone, which rings; and the browsers."""
    _, contact = await a_talk(stage)
    browsers = Browsers(stage.outbox.hear)
    browsers.offers = []
    stage.outbox.connect(browsers)
    return f"{contact}/agent", browsers


async def attached(stage, leg, answers):
    """What comes of an offer when the carrier says this."""
    asked = asyncio.ensure_future(stage.outbox.attach(leg, "v=0", stage.now))
    await asyncio.sleep(0)
    answers()
    return await asked


async def test_a_browser_is_answered_with_the_answer_to_its_offer():
    async with a_node() as stage:
        leg, browsers = await ringing(stage)

        def answers():
            (offer,) = browsers.offers
            assert (offer.channel_id, offer.sdp) == (leg, "v=0")
            stage.outbox.hear(telephony.WebRtcAnswered(leg, "another", "no"), stage.now)
            stage.outbox.hear(telephony.WebRtcAnswered(leg, offer.offer_id, "yes"), stage.now)
            stage.outbox.hear(telephony.WebRtcAnswered(leg, offer.offer_id, "twice"), stage.now)

        assert await attached(stage, leg, answers) == "yes"


@pytest.mark.parametrize("how", ["refused", "gone", "another"])
async def test_an_offer_that_comes_to_nothing_is_refused(how):
    async with a_node() as stage:
        leg, browsers = await ringing(stage)

        def answers():
            (offer,) = browsers.offers
            if how == "refused":
                refused = telephony.WebRtcRefused(leg, offer.offer_id, "speaks nothing")
                stage.outbox.hear(refused, stage.now)
            elif how == "gone":
                stage.outbox.hear(hung_up(channel=leg), stage.now)
            else:
                tasks.append(asyncio.ensure_future(stage.outbox.attach(leg, "2", stage.now)))

        tasks = []
        with pytest.raises(Refusal) as refused:
            await attached(stage, leg, answers)
        assert refused.value.code == "InvalidRequestException"
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("leg", ["c1", "c1/agent", ""])
async def test_a_channel_that_is_no_ringing_softphone_takes_no_browser(leg):
    async with a_node() as stage:
        with pytest.raises(Refusal) as refused:
            await stage.outbox.attach(leg, "v=0", stage.now)
        assert refused.value.code == "ResourceNotFoundException"


async def test_a_carrier_that_says_nothing_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(outbox, "BROWSER_ATTACH_MS", 1)
    async with a_node() as stage:
        leg, _ = await ringing(stage)
        with pytest.raises(Refusal) as refused:
            await attached(stage, leg, lambda: None)
        assert refused.value.code == "ServiceUnavailableException"


async def test_after_a_restart_lines_that_nobody_knows_are_hung_up():
    journal, clock = KeptJournal(), VirtualClock(START)
    async with a_node(journal, clock) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.a_call()
        phones = stage.phones
    phones.call(CUSTOMER, "+15555550100", "stray", clock.now())
    async with a_node(journal, clock) as again:
        again.outbox.connect(phones)
        for desk in again.node.desks.values():
            again.outbox.resume(desk, clock.now())
        again.outbox.resumed(clock.now())
        assert [each.channel_id for each in phones.channels()] == list(
            again.node.desks[office.instance_id].center.contacts
        )


async def test_stale_news_changes_nothing():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        ended = await office.a_call()
        await office.customer_hangs_up(ended)
        living = await office.a_call()
        before = engine.image(office.center), stage.journal.last(office.instance_id)
        for contact in (ended, living, "nobody"):
            for event in (
                telephony.ChannelAnswered(contact),
                telephony.PlaybackFinished(f"{contact}/1", contact, "eof"),
                telephony.GatherFinished(f"{contact}/1", contact, "1", "max_digits"),
                hung_up(channel=f"{contact}/agent"),
            ):
                stage.outbox.hear(event, stage.now)
        stage.outbox.hear(hung_up(channel=ended), stage.now)
        await stage.pass_time()
        assert (engine.image(office.center), stage.journal.last(office.instance_id)) == before


async def test_effects_that_are_sent_twice_happen_once(monkeypatch):
    async with a_node() as stage:
        sent = []
        perform = stage.outbox.perform

        def twice(instance_id, effects, now):
            sent.append((instance_id, effects))
            perform(instance_id, effects, now)
            perform(instance_id, effects, now)

        monkeypatch.setattr(stage.outbox, "perform", twice)
        office = await stage.an_instance(users=["ann"])
        ann = office.id_of("user", "ann")
        await office.status("ann", "Available")
        contact = await office.a_call()
        await office.submit(commands.AcceptContact(ann, contact))
        await office.submit(commands.HoldContact(ann, contact))
        await office.submit(commands.ResumeContact(ann, contact))
        assert len(stage.phones.channels()) == 2
        before = engine.image(office.center), stage.phones.heard(contact)
        talking = len(sent)
        for each in sent[-1:]:
            perform(*each, stage.now)
        await stage.pass_time()
        assert (engine.image(office.center), stage.phones.heard(contact)) == before
        await office.submit(commands.LeaveContact(ann, contact))
        after = engine.image(office.center)
        for each in list(sent[:talking]):  # all of the past, much too late
            perform(*each, stage.now)
        await stage.pass_time()
        assert stage.phones.channels() == []
        assert engine.image(office.center) == after


async def test_a_restart_repeats_what_is_under_way():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance(users=["ann"])
        await office.status("ann", "Available")
        contact = await office.a_call()
        await office.submit(commands.AcceptContact(office.id_of("user", "ann"), contact))
        was = engine.image(office.center)
        channels = [(each.channel_id, each.state) for each in stage.phones.channels()]
    async with a_node(journal, VirtualClock(START)) as stage:
        again = type(office)(stage, office.instance_id)
        await stage.pass_time()
        assert [(each.channel_id, each.state) for each in stage.phones.channels()] == channels
        assert engine.image(again.center) == was
        await again.customer_hangs_up(contact)
        assert again.center.contacts[contact].stage == "ENDED"


# Functions


def functions(answer, *, direct=False, bound=None):
    """Functions whose HTTP is this coroutine or function of a request."""
    made = Functions({ARN: URL} if bound is None else bound, direct=direct)
    made._web._client = httpx.AsyncClient(transport=httpx.MockTransport(answer), timeout=None)
    return made


def call(arn=ARN, *, ask=1, timeout_ms=8_000, asynchronous=False):
    return InvokeFunction(
        contact_id="c1",
        ask=ask,
        function_arn=arn,
        event={"Name": "ContactFlowEvent"},
        timeout_ms=timeout_ms,
        asynchronous=asynchronous,
    )


async def told(made, effect):
    """What a call tells."""
    answer = asyncio.get_running_loop().create_future()

    def tell(command):
        assert not made.busy()
        answer.set_result(command)

    made.invoke("i1", effect, tell)
    assert made.busy()
    found = await asyncio.wait_for(answer, 5)
    await made.close()
    return found


@pytest.mark.parametrize(
    ("replies", "payload"),
    [
        ([(200, b'{"name": "Ann"}')], {"name": "Ann"}),
        ([(500, b""), (429, b""), (200, b"7")], 7),
        ([(200, b"null")], None),
    ],
)
async def test_a_functions_answer(replies, payload):
    asked = []

    def answer(request):
        asked.append(request)
        status, body = replies[len(asked) - 1]
        return httpx.Response(status, content=body)

    assert await told(functions(answer), call()) == commands.Hear("c1", 1, dialogue.Answer(payload))
    assert len(asked) == len(replies)
    assert {str(each.url) for each in asked} == {URL}
    assert json.loads(asked[0].content) == {"Name": "ContactFlowEvent"}


@pytest.mark.parametrize(
    ("status", "body", "times"),
    [
        (500, b"", 3),
        (429, b"", 3),
        (404, b"{}", 1),
        (302, b"{}", 1),
        (200, b"", 1),
        (200, b"{", 1),
        (200, b'"\xff"', 1),
        (200, b"[" * 30_000, 1),
        (200, b'"' + b"x" * FUNCTION_REPLY_BYTES_MAX + b'"', 1),
    ],
)
async def test_a_function_that_fails(status, body, times):
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(status, content=body)

    assert await told(functions(answer), call()) == commands.Hear("c1", 1, FAILED)
    assert len(asked) == times


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ReadError("x"), OSError("x")])
async def test_a_function_that_cannot_be_reached(error):
    def answer(_request):
        raise error

    assert await told(functions(answer), call()) == commands.Hear("c1", 1, FAILED)


async def test_a_function_that_takes_too_long():
    async def answer(_request):
        await asyncio.Event().wait()

    assert await told(functions(answer), call(timeout_ms=5)) == commands.Hear("c1", 1, FAILED)


async def test_a_block_that_does_not_wait_is_told_nothing():
    async def answer(_request):
        return httpx.Response(200, content=b"{}")

    assert await told(functions(answer), call(asynchronous=True)) is None


@pytest.mark.parametrize(
    ("arn", "direct", "good"),
    [
        (f"{ARN}:live", False, True),
        (f"{ARN}:7", False, True),
        (ARN.replace("lookup", "other"), False, False),
        (URL, False, False),
        (URL, True, True),
        ("ftp://functions.test/", True, False),
    ],
)
async def test_which_address_an_arn_has(arn, direct, good):
    def answer(_request):
        return httpx.Response(200, content=b"{}")

    found = await told(functions(answer, direct=direct), call(arn))
    assert found.heard == (dialogue.Answer({}) if good else FAILED)


async def test_closing_gives_up_calls():
    async def answer(_request):
        await asyncio.Event().wait()

    made = functions(answer)
    made.invoke("i1", call(), pytest.fail)
    await asyncio.sleep(0)
    await made.close()
    assert not made.busy()


# Functions of a node


def asking_flow(*, asynchronous=False):
    """Call a function; if it answers, listen until the customer hangs up."""
    parameters = {"LambdaFunctionARN": ARN, "InvocationTimeLimitSeconds": "8"}
    if asynchronous:
        parameters["InvocationType"] = "ASYNCHRONOUS"
    bye = [{"NextAction": "bye", "ErrorType": "NoMatchingError"}]
    actions = [
        {
            "Identifier": "call",
            "Type": "InvokeLambdaFunction",
            "Parameters": parameters,
            "Transitions": {"NextAction": "say", "Errors": bye, "Conditions": []},
        },
        {
            "Identifier": "say",
            "Type": "MessageParticipant",
            "Parameters": {"Text": "Hello $.External.name"},
            "Transitions": {"NextAction": "bye", "Errors": bye, "Conditions": []},
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "call", "Actions": actions})


async def an_asking_call(office, *, asynchronous=False):
    flow = await office.add(
        "contact_flow",
        Name="asking",
        Type="CONTACT_FLOW",
        State="ACTIVE",
        Status="PUBLISHED",
        Content=asking_flow(asynchronous=asynchronous),
    )
    stage = office.stage
    stage.phones.call(CUSTOMER, "", "c1", stage.now)
    await stage.node.submit(
        office.instance_id,
        commands.StartInboundContact(contact_id="c1", from_number=CUSTOMER, to=None, flow_id=flow),
    )


class Gate:
    """A function that answers when it may."""

    def __init__(self, reply=b'{"name": "Ann"}') -> None:
        self.reply = reply
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def __call__(self, _request):
        self.asked.set()
        await self.may.wait()
        return httpx.Response(200, content=self.reply)


def texts(stage):
    return [each.value for each in stage.phones.heard("c1") if each.kind == "text"]


async def test_the_clock_waits_for_a_function():
    gate = Gate()
    async with a_node(functions=functions(gate)) as stage:
        office = await stage.an_instance()
        await an_asking_call(office)
        await stage.node.settle(5_000)  # does not: the function may be the one who asks
        moved = asyncio.ensure_future(stage.pass_time(1))
        await gate.asked.wait()
        await asyncio.sleep(0)
        assert not moved.done()
        gate.may.set()
        await asyncio.wait_for(moved, 5)
        assert texts(stage) == ["Hello Ann"]


async def test_the_clock_goes_on_after_a_function_that_nobody_waits_for():
    gate = Gate()
    async with a_node(functions=functions(gate)) as stage:
        office = await stage.an_instance()
        await an_asking_call(office, asynchronous=True)
        moved = asyncio.ensure_future(stage.pass_time(1))
        await gate.asked.wait()
        gate.may.set()
        await asyncio.wait_for(moved, 5)


async def test_the_clock_goes_on_after_an_answer_that_is_stale():
    gate = Gate()
    async with a_node(functions=functions(gate)) as stage:
        office = await stage.an_instance()
        await an_asking_call(office)
        await gate.asked.wait()
        await stage.node.submit(office.instance_id, commands.StopContact("c1"))
        moved = asyncio.ensure_future(stage.pass_time(1))
        await stage.node.settle(5_000)
        gate.may.set()
        await asyncio.wait_for(moved, 5)
        assert office.center.contacts == {}


async def test_a_function_that_was_being_asked_is_asked_again_after_a_restart():
    journal, lost, gate = KeptJournal(), Gate(), Gate()
    async with a_node(journal, functions=functions(lost)) as stage:
        office = await stage.an_instance()
        await an_asking_call(office)
        await lost.asked.wait()
    gate.may.set()
    # in a thread, because a server recovers before there is a loop
    stage = await asyncio.to_thread(Stage, journal, VirtualClock(START), 1, None, functions(gate))
    running = asyncio.create_task(stage.node.run())
    await asyncio.wait_for(stage.pass_time(), 5)
    assert gate.asked.is_set()
    assert texts(stage) == ["Hello Ann"]
    with pytest.raises(Refusal):
        await stage.node.submit(office.instance_id, commands.StopContact("c1"))
    stage.node.close()
    await running
    await stage.node.finish()


@pytest.mark.parametrize(
    "reply", [b'{"name": 123456789012345678901234567890}', b'{"name": {"a": 1}}', b"[" * 20_000]
)
async def test_a_reply_that_cannot_be_kept_does_not_end_the_node(reply):
    gate = Gate(reply)
    gate.may.set()
    async with a_node(functions=functions(gate)) as stage:
        office = await stage.an_instance()
        await an_asking_call(office)
        await asyncio.wait_for(stage.pass_time(), 5)
        assert stage.node.is_well()
        assert office.center.contacts == {}
        assert texts(stage) == []
