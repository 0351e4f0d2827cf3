"""The floor on real phones: what customers and agents hear of flows, and what they press."""

from collections.abc import Iterator

import pytest

from flow_builders import an_action
from voice.center import VoiceCenter
from voice.floor import (
    ANN,
    ASKED,
    BOB,
    CUSTOMER,
    EVE,
    HELD,
    QUEUED,
    SPOKEN,
    Floor,
    a_building,
    act,
    end,
    hears_exactly,
    hook,
    in_a_row,
    loop,
    loud_seconds,
    never_heard,
    place_of,
    recorded,
    share_of_time,
    sides,
)
from voice.probe import FRAME, RATE
from voice.scenario import stereo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("floor")]

RING_SECONDS = 3


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceCenter]:
    directory = tmp_path_factory.mktemp("floor")
    with a_building(directory, "--ring-seconds", str(RING_SECONDS)) as made:
        yield made


@pytest.fixture
def floor(building: VoiceCenter) -> Floor:
    return Floor(building)


def seconds(samples: int) -> float:
    return samples / RATE


# Queues and whispers


def test_music_in_the_queue_and_whispers_of_ones_own(floor):
    """The queue's music goes on until the agent has heard his whisper; then the customer's."""
    music, agents, customers = (floor.prompt(each) for each in (QUEUED, SPOKEN, ASKED))
    whispers = {
        name: floor.flow(*in_a_row(act("MessageParticipant", PromptId=prompt), end()), kind=kind)
        for name, kind, prompt in (
            ("AgentWhisper", "AGENT_WHISPER", agents),
            ("CustomerWhisper", "CUSTOMER_WHISPER", customers),
        )
    }
    waiting = floor.flow(
        loop({"Text": "All our agents are busy."}, {"PromptId": music}), kind="CUSTOMER_QUEUE"
    )
    hooks = [hook(*each) for each in (*whispers.items(), ("CustomerQueue", waiting))]
    floor.queues(*hooks)
    customer = floor.call_in().wait("up")
    floor.trunk.until(customer.loud, 10, lambda: "the queue says nothing")
    hears_exactly(customer, QUEUED)
    assert loud_seconds(customer, 0, place_of(customer, QUEUED)) > 0.5
    floor.ann.choose("Available")
    agent = floor.ann.phone()
    hears_exactly(agent, SPOKEN)
    assert not customer.hears(ASKED)
    hears_exactly(customer, ASKED)
    hears_exactly(agent, CUSTOMER)
    hears_exactly(customer, ANN)
    assert never_heard(customer, SPOKEN)
    assert never_heard(agent, ASKED)
    assert never_heard(agent, QUEUED)
    for call, whisper, other in ((agent, SPOKEN, CUSTOMER), (customer, ASKED, ANN)):
        assert abs(share_of_time(call, whisper) - 1.0) <= 0.21, "the whole whisper"
        assert call.onset(whisper) < call.onset(other)
    assert agent.onset(SPOKEN) + 0.9 <= customer.onset(ASKED) <= agent.onset(SPOKEN) + 1.5


def test_spoken_whispers_are_for_one_alone(floor):
    """The same as texts: the customer hears nothing but the queue's tone, the agent silence."""
    music = floor.prompt(QUEUED)
    waiting = floor.flow(loop({"PromptId": music}), kind="CUSTOMER_QUEUE")
    whispers = [
        hook(name, floor.flow(*in_a_row(act("MessageParticipant", **said), end()), kind=kind))
        for name, kind, said in (
            ("AgentWhisper", "AGENT_WHISPER", {"Text": "A call for sales, from $.Queue.Name."}),
            (
                "CustomerWhisper",
                "CUSTOMER_WHISPER",
                {"SSML": "<speak>Hello.<break time='1s'/></speak>"},
            ),
        )
    ]
    floor.queues(hook("CustomerQueue", waiting), *whispers)
    customer = floor.call_in().wait("up")
    hears_exactly(customer, QUEUED)
    floor.ann.choose("Available")
    agent = floor.ann.phone()
    floor.trunk.until(agent.loud, 10, lambda: "no whisper")
    assert customer.hears(QUEUED, least=0.9)
    hears_exactly(customer, ANN)
    hears_exactly(agent, CUSTOMER)
    joined = place_of(agent, CUSTOMER)
    whispered = loud_seconds(agent, 0, joined)
    assert whispered > 0.8
    assert loud_seconds(agent, joined - RATE, joined - FRAME) == 0, "the customer's is his alone"
    first, talk = place_of(customer, QUEUED), place_of(customer, ANN)
    pure = share_of_time(customer, QUEUED, first, talk)
    assert seconds(talk - first) - pure > 1, "his whisper, and its pause"
    assert loud_seconds(customer, first, talk) - pure > 0.2


def whispering(floor: Floor) -> dict[str, str]:
    """A long whisper for agents, as a hook."""
    said = act("MessageParticipant", PromptId=floor.prompt(SPOKEN, 10))
    return hook("AgentWhisper", floor.flow(*in_a_row(said, end()), kind="AGENT_WHISPER"))


def test_an_agent_who_hangs_up_in_his_whisper_leaves_the_customer_in_line(floor):
    waiting = floor.flow(loop({"PromptId": floor.prompt(QUEUED)}), kind="CUSTOMER_QUEUE")
    floor.queues(whispering(floor), hook("CustomerQueue", waiting))
    floor.ann.choose("Available")
    customer = floor.call_in().wait("up")
    agent = floor.ann.phone()
    hears_exactly(agent, SPOKEN)
    agent.hang_up()
    agent.wait("ended")
    floor.until(lambda: floor.ann.look()["contacts"][0]["state"]["type"], lambda it: it == "error")
    hears_exactly(customer, QUEUED)
    bob = floor.hire("bob", BOB)
    bob.choose("Available")
    hears_exactly(bob.phone(), SPOKEN)
    hears_exactly(customer, QUEUED)
    customer.hang_up()
    bob.phone().wait("ended")
    assert floor.await_end(floor.the_contact())["DisconnectReason"] == "CUSTOMER_DISCONNECT"


# Holding and muting


def test_on_hold_everybody_hears_his_own(floor):
    """The customer the hold flow, the agent nothing; afterwards both each other."""
    held = floor.flow(loop({"PromptId": floor.prompt(HELD)}), kind="CUSTOMER_HOLD")
    floor.queues(hook("CustomerHold", held))
    customer, contact = floor.talk()
    agent = floor.ann.phone()
    for _ in range(2):
        floor.ann.do("HoldConnection", contactId=contact, connectionId=contact)
        hears_exactly(customer, HELD)
        hears_exactly(agent)
        assert not agent.loud()
        floor.ann.do("ResumeConnection", contactId=contact, connectionId=contact)
        hears_exactly(customer, ANN)
        hears_exactly(agent, CUSTOMER)
    floor.ann.hang_up(contact)
    customer.wait("ended")
    assert floor.await_end(contact)["AgentInfo"]["AgentInitiatedHoldDuration"] >= 0


def test_who_is_muted_is_heard_by_nobody(floor):
    floor.queues()
    customer, contact = floor.talk()
    agent = floor.ann.phone()
    own = {"contactId": contact, "connectionId": f"{contact}/agent"}
    floor.ann.do("MuteParticipant", **own)
    hears_exactly(customer)
    hears_exactly(agent, CUSTOMER)
    floor.ann.do("UnmuteParticipant", **own)
    hears_exactly(customer, ANN)
    floor.ann.do("MuteParticipant", contactId=contact, connectionId=contact)
    hears_exactly(agent)
    hears_exactly(customer, ANN)


# What is typed


def test_what_a_customer_types_is_stored_and_chosen(floor):
    """The first key ends the prompt; # ends the input; a menu takes one."""
    asks = floor.prompt(ASKED, 30)
    store = act(
        "GetParticipantInput",
        ("NoMatchingError",),
        PromptId=asks,
        StoreInput="True",
        InputTimeLimitSeconds="10",
        InputValidation={"CustomValidation": {"MaximumLength": "12"}},
        DTMFConfiguration={"InputTerminationSequence": "#", "InterdigitTimeLimitSeconds": "5"},
    )
    keep = act(
        "UpdateContactAttributes",
        ("NoMatchingError",),
        Attributes={"typed": "$.StoredCustomerInput"},
    )
    chosen = act("UpdateContactAttributes", ("NoMatchingError",), Attributes={"chosen": "two"})
    chosen["Identifier"] = "two"
    menu = an_action(
        "GetParticipantInput",
        {"PromptId": asks, "StoreInput": "False", "InputTimeLimitSeconds": "10"},
        identifier="menu",
        then="bye",
        when={("Equals", "2"): "two"},
        errors=("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded"),
    )
    spoken = act("MessageParticipant", PromptId=floor.prompt(SPOKEN))
    in_a_row(store, keep, menu)
    in_a_row(chosen, spoken)
    floor.answers_with(store, keep, menu, chosen, spoken)
    customer = floor.call_in().wait("up")
    hears_exactly(customer, ASKED)
    customer.press("47*4711#")
    hears_exactly(customer, ASKED)
    customer.press("2")
    hears_exactly(customer, SPOKEN)
    customer.wait("ended")
    contact = floor.the_contact()
    assert floor.attributes(contact) == {"typed": "4711", "chosen": "two"}
    assert floor.await_end(contact)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"


def test_a_flow_does_not_go_on_without_its_caller(floor):
    """He hangs up while it speaks: what comes after the prompt is not done."""
    floor.answers_with(
        *in_a_row(
            act("MessageParticipant", PromptId=floor.prompt(SPOKEN, 10)),
            act("UpdateContactAttributes", ("NoMatchingError",), Attributes={"heard": "all"}),
            act("MessageParticipant", PromptId=floor.prompt(ASKED)),
        )
    )
    customer = floor.call_in().wait("up")
    hears_exactly(customer, SPOKEN)
    customer.hang_up()
    over = floor.await_end(floor.the_contact())
    assert over["DisconnectReason"] == "CUSTOMER_DISCONNECT"
    assert floor.attributes(over["Id"]) == {}


def test_keys_are_heard_by_whom_one_talks_with(floor):
    floor.queues()
    customer, contact = floor.talk()
    agent = floor.ann.phone()
    for one, other, keys in ((customer, agent, "4"), (agent, customer, "7#")):
        one.press(keys)
        floor.trunk.until(lambda o=other, k=keys: len(o.keys) == len(k), 5, other.story)
        assert "".join(key for key, _ in other.keys) == keys
    floor.ann.do("MuteParticipant", contactId=contact, connectionId=contact)
    hears_exactly(agent)
    customer.press("9")
    agent.press("8")
    floor.trunk.until(lambda: len(customer.keys) == 3, 5, customer.story)
    assert len(agent.keys) == 1, "who is muted is not heard"


def test_an_agent_presses_keys_towards_an_ivr(floor):
    number = floor.outside()
    floor.ann.do("CreateOutboundContact", endpoint={"type": "phone_number", "phoneNumber": number})
    called = floor.trunk.call_to(number).wait("up")
    called.await_tone(ANN)
    contact = floor.ann.contact()["contactId"]
    floor.ann.do("SendDigits", contactId=contact, connectionId=contact, digits="1,#")
    floor.trunk.until(lambda: len(called.keys) == 2, 10, lambda: str(called.keys))
    assert [key for key, _ in called.keys] == ["1", "#"]
    called.await_tone(ANN)


# Offers


def test_a_desk_phone_rings_as_long_as_its_offer_and_then_the_next(floor):
    floor.queues()
    bob = floor.hire("bob", BOB)
    floor.trunk.lines[floor.ann.number].answer = False
    floor.ann.choose("Available")
    customer = floor.call_in().wait("up")
    rang = floor.ann.rings()
    bob.choose("Available")
    rang.wait("ended", RING_SECONDS + 5)
    assert abs(rang.at("ended") - rang.at("ringing") - RING_SECONDS) < 0.3
    assert rang.by == "far"
    assert floor.ann.look()["state"]["name"] == "MissedCallAgent"
    customer.await_tone(BOB)
    phone = bob.phone()
    assert phone.at("ringing") - rang.at("ended") < 0.5
    assert floor.contact(floor.the_contact())["AgentInfo"]["Id"] == bob.user_id


@pytest.mark.parametrize("how", ["busy", "declined", "at the desktop"])
def test_who_declines_has_missed_it(floor, how):
    floor.queues()
    line = floor.trunk.lines[floor.ann.number]
    line.answer, line.status = False, {"busy": 486, "declined": 603}.get(how)
    floor.ann.choose("Available")
    customer = floor.call_in().wait("up")
    rang = floor.ann.rings()
    if how == "at the desktop":
        rang.wait("ringing")
        floor.ann.do("RejectContact", contactId=floor.ann.contact()["contactId"])
        rang.wait("ended", 2)
        assert rang.status == 487
    floor.until(lambda: floor.ann.look()["state"]["name"], lambda name: name == "MissedCallAgent")
    assert customer.state == "up"
    line.answer, line.status = True, None
    floor.ann.do("ClearContact", contactId=floor.the_contact())
    customer.await_tone(ANN)


def test_a_phone_rings_no_longer_than_somebody_waits(floor):
    floor.queues()
    floor.trunk.lines[floor.ann.number].answer = False
    floor.ann.choose("Available")
    customer = floor.call_in().wait("up")
    rang = floor.ann.rings().wait("ringing")
    customer.hang_up()
    rang.wait("ended", RING_SECONDS - 1)
    assert (rang.by, rang.status) == ("far", 487)
    assert floor.await_end(floor.the_contact())["DisconnectReason"] == "CUSTOMER_DISCONNECT"


# Ends


def test_who_stays_hears_the_disconnect_flow(floor):
    goes_on = floor.flow(
        *in_a_row(
            act("MessageParticipant", PromptId=floor.prompt(SPOKEN)), end("DisconnectParticipant")
        )
    )
    floor.queues(hook("CustomerRemaining", goes_on))
    customer, contact = floor.talk()
    floor.ann.hang_up(contact)
    hears_exactly(customer, SPOKEN)
    customer.wait("ended")
    assert floor.await_end(contact)["DisconnectReason"] == "AGENT_DISCONNECT"
    (following,) = [each for each in floor.contacts() if each != contact]
    after = floor.await_end(following)
    assert (after["InitiationMethod"], after["DisconnectReason"]) == (
        "DISCONNECT",
        "CONTACT_FLOW_DISCONNECT",
    )
    assert after["PreviousContactId"] == contact


# Supervisors


def test_a_supervisor_listens_and_barges_in(floor):
    eve = floor.hire("eve", EVE, "CallCenterManager")
    floor.queues()
    customer, contact = floor.talk()
    agent = floor.ann.phone()
    monitor = floor.connect.monitor_contact(
        InstanceId=floor.instance,
        ContactId=contact,
        UserId=eve.user_id,
        AllowedMonitorCapabilities=["SILENT_MONITOR", "BARGE"],
    )["ContactId"]
    supervisor = eve.phone()
    hears_exactly(supervisor, CUSTOMER, ANN)
    hears_exactly(customer, ANN)
    assert never_heard(customer, EVE)
    assert never_heard(agent, EVE)
    modes = [("BARGE", (ANN, EVE), (CUSTOMER, EVE)), ("SILENT_MONITOR", (ANN,), (CUSTOMER,))]
    for mode, customers, agents in modes:
        eve.do("UpdateMonitorParticipantState", contactId=monitor, targetMonitorMode=mode)
        hears_exactly(customer, *customers)
        hears_exactly(agent, *agents)
        hears_exactly(supervisor, CUSTOMER, ANN)
    customer.hang_up()
    supervisor.wait("ended")
    assert floor.await_end(monitor)["InitiationMethod"] == "MONITOR"


# Recordings


def test_a_recording_is_silent_while_suspended_and_without_who_is_on_hold(floor):
    held = floor.flow(loop({"PromptId": floor.prompt(HELD)}), kind="CUSTOMER_HOLD")
    floor.queues(recorded("Agent", "Customer"), hook("CustomerHold", held))
    customer, contact = floor.talk()
    ids = {
        "InstanceId": floor.instance,
        "ContactId": contact,
        "InitialContactId": contact,
    }

    def pass_a_second() -> None:
        heard = len(customer.heard) + RATE
        floor.trunk.until(lambda: len(customer.heard) >= heard, 5, customer.story)

    pass_a_second()
    floor.connect.suspend_contact_recording(**ids)
    pass_a_second()
    floor.connect.resume_contact_recording(**ids)
    pass_a_second()
    floor.ann.do("HoldConnection", contactId=contact, connectionId=contact)
    hears_exactly(customer, HELD)
    pass_a_second()
    customer.hang_up()
    (told,) = floor.await_contact(
        contact, lambda each: "Location" in each.get("Recordings", [{}])[0]
    )["Recordings"]
    file = floor.recording(contact)
    assert told["Location"].endswith(file.name)
    length = len(stereo(file)[0]) / RATE
    lefts, rights = sides(file, CUSTOMER, ANN, HELD)
    assert lefts[ANN] == lefts[HELD] == rights[CUSTOMER] == rights[HELD] == 0
    assert 0.8 <= length - rights[ANN] <= 1.8, "but for a second"
    assert 1.9 <= length - lefts[CUSTOMER] <= 3.2, "and another on hold"
