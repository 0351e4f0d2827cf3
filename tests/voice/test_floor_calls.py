"""Calls that the floor makes on real phones: agents' own, and callbacks."""

from collections.abc import Iterator

import pytest

from flow_builders import an_action
from voice.center import VoiceCenter
from voice.floor import (
    ANN,
    ASKED,
    CUSTOMER,
    OUTSIDE,
    QUEUED,
    SPOKEN,
    Floor,
    a_building,
    act,
    end,
    hears_exactly,
    hook,
    in_a_row,
    never_heard,
    to_queue,
)
from voice.probe import Call, Line

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("floor calls")]


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceCenter]:
    with a_building(tmp_path_factory.mktemp("calls")) as made:
        yield made


@pytest.fixture
def floor(building: VoiceCenter) -> Floor:
    return Floor(building)


# Agents' own calls


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (486, "LineEngagedCustomer", "TELECOM_BUSY"),
        (404, "BadAddressCustomer", "TELECOM_NUMBER_INVALID"),
        (480, "MissedCallCustomer", "TELECOM_UNANSWERED"),
    ],
)
def test_an_agent_is_told_why_nobody_answers(floor, status, state, reason):
    number = floor.outside(status=status)
    floor.ann.do("CreateOutboundContact", endpoint={"type": "phone_number", "phoneNumber": number})
    floor.ann.phone().wait("ended")
    assert floor.ann.look()["state"]["name"] == state
    assert floor.contact(floor.the_contact())["DisconnectReason"] == reason


@pytest.mark.parametrize("early", [True, False])
def test_an_agent_hears_how_it_rings_where_he_calls(floor, early):
    """183: what the network says; 180: a ring back tone. The callee hears the whisper alone."""
    whisper = floor.flow(
        *in_a_row(act("MessageParticipant", PromptId=floor.prompt(SPOKEN)), end()),
        kind="OUTBOUND_WHISPER",
    )
    floor.connect.update_queue_outbound_caller_config(
        InstanceId=floor.instance,
        QueueId=floor.center.queue,
        OutboundCallerConfig={
            "OutboundCallerIdNumberId": floor.number_id,
            "OutboundFlowId": whisper,
        },
    )
    number = floor.outside(early=early, ring_seconds=1.5)
    floor.ann.do("CreateOutboundContact", endpoint={"type": "phone_number", "phoneNumber": number})
    agent = floor.ann.phone()
    called = floor.trunk.call_to(number).wait("ringing")
    if early:
        agent.await_tone(OUTSIDE, 2)
    else:
        floor.trunk.until(agent.loud, 2, lambda: "he does not hear it ring")
        assert never_heard(agent, OUTSIDE)
    assert called.state == "ringing"
    assert called.invite["from"].startswith((f"<sip:{floor.number}@", f'"{floor.number}"'))
    hears_exactly(called, SPOKEN)
    hears_exactly(called, ANN)
    hears_exactly(agent, OUTSIDE)
    assert never_heard(agent, SPOKEN)
    assert early or called.onset(SPOKEN) < called.onset(ANN), "they talk when it is over"
    contact = floor.ann.contact()["contactId"]
    described = floor.contact(contact)
    assert described["InitiationMethod"] == "OUTBOUND"
    assert abs(described["ConnectedToSystemTimestamp"].timestamp() - called.at("up")) <= 0.1
    called.hang_up()
    agent.wait("ended")
    assert floor.await_end(contact)["DisconnectReason"] == "CUSTOMER_DISCONNECT"


# Callbacks


def callback(floor: Floor, **parameters: str) -> None:
    """Whoever calls in is to be called back at once."""
    floor.answers_with(
        *in_a_row(
            act(
                "CreateCallbackContact",
                ("NoMatchingError",),
                QueueId=floor.center.queue_arn,
                InitialCallDelaySeconds="1",
                MaximumConnectionAttempts="2",
                RetryDelaySeconds="1",
                **parameters,
            ),
            end("DisconnectParticipant"),
        )
    )


def called_back(floor: Floor) -> list[Call]:
    """The customer calls, is cut off, and his number is to be called."""
    floor.call_in().wait("ended")
    floor.trunk.lines[floor.trunk.user] = floor.trunk.line
    return [each for each in floor.trunk.calls if each.number == floor.trunk.user]


def test_an_agent_calls_back_who_has_asked_for_it(floor):
    callback(floor)
    before = len(called_back(floor))
    floor.ann.choose("Available")
    contact = floor.until(lambda: floor.ann.look()["contacts"], bool)[0]
    assert (contact["type"], contact["state"]["type"]) == ("queue_callback", "incoming")
    floor.ann.do("AcceptContact", contactId=contact["contactId"])
    agent = floor.ann.phone()
    floor.trunk.until(
        lambda: len(floor.trunk.calls) > before, 10, lambda: "the customer is not called"
    )
    customer = floor.trunk.call_to(floor.trunk.user).wait("up")
    hears_exactly(customer, ANN)
    hears_exactly(agent, CUSTOMER)
    described = floor.contact(contact["contactId"])
    assert described["InitiationMethod"] == "CALLBACK"
    agent.hang_up()
    customer.wait("ended")
    assert floor.await_end(contact["contactId"])["DisconnectReason"] == "AGENT_DISCONNECT"


def test_a_callback_that_is_busy_is_tried_again(floor):
    """The agent is in error until he clears it, and then he has the next attempt."""
    callback(floor)
    line = floor.trunk.line
    called_back(floor)
    floor.trunk.lines[floor.trunk.user] = Line(status=486)
    before = len(floor.trunk.calls)
    floor.ann.choose("Available")
    contact = floor.until(lambda: floor.ann.look()["contacts"], bool)[0]["contactId"]
    floor.ann.do("AcceptContact", contactId=contact)
    first = floor.ann.phone().wait("ended")
    assert floor.ann.look()["state"]["name"] == "LineEngagedCustomer"
    floor.trunk.lines[floor.trunk.user] = line
    floor.ann.do("ClearContact", contactId=contact)
    shown = floor.until(lambda: floor.ann.look()["contacts"], bool)[0]
    assert shown["contactId"] == contact
    floor.ann.do("AcceptContact", contactId=contact)
    second = floor.ann.rings(1).wait("up")
    hears_exactly(second, CUSTOMER)
    assert second is not first
    dialled = [each for each in floor.trunk.calls[before:] if each.number == floor.trunk.user]
    assert [each.status for each in dialled] == [486, 200]


def test_who_waits_is_offered_a_callback(floor):
    """The queue's music is interrupted by a menu; with 1 one is called back."""
    asks = an_action(
        "GetParticipantInput",
        {
            "PromptId": floor.prompt(ASKED, 2),
            "StoreInput": "False",
            "InputTimeLimitSeconds": "1",
        },
        identifier="menu",
        then="music",
        when={("Equals", "1"): "make"},
    )
    asks["Transitions"]["Errors"] = [
        {"NextAction": "music", "ErrorType": error}
        for error in ("NoMatchingCondition", "NoMatchingError", "InputTimeLimitExceeded")
    ]
    music = an_action(
        "MessageParticipantIteratively",
        {
            "Messages": [{"PromptId": floor.prompt(QUEUED)}],
            "InterruptFrequencySeconds": "1",
        },
        identifier="music",
        then=None,
        when={("Equals", "MessagesInterrupted"): "menu"},
    )
    make = act(
        "CreateCallbackContact",
        ("NoMatchingError",),
        InitialCallDelaySeconds="600",
        MaximumConnectionAttempts="1",
        RetryDelaySeconds="60",
    )
    make["Identifier"] = "make"
    thanks = act("MessageParticipant", PromptId=floor.prompt(SPOKEN))
    in_a_row(make, thanks)
    floor.queues(
        hook("CustomerQueue", floor.flow(music, asks, make, thanks, kind="CUSTOMER_QUEUE"))
    )
    customer = floor.call_in().wait("up")
    for each in (QUEUED, ASKED, QUEUED, ASKED):
        hears_exactly(customer, each)
    customer.press("1")
    hears_exactly(customer, SPOKEN)
    customer.wait("ended")
    made = floor.until(
        lambda: [floor.contact(each) for each in floor.contacts()], lambda found: len(found) == 2
    )
    assert {each["InitiationMethod"] for each in made} == {"INBOUND", "CALLBACK"}


def test_a_customer_is_called_back_first_and_asked_by_a_flow(floor):
    """The callback flow speaks to him, and puts him into the queue."""
    asked = floor.flow(
        *in_a_row(
            act("MessageParticipant", PromptId=floor.prompt(ASKED)),
            *to_queue(floor.center.queue_arn),
        )
    )
    callback(floor, ContactFlowId=asked)
    before = len(called_back(floor))
    floor.ann.choose("Available")
    floor.trunk.until(
        lambda: len([c for c in floor.trunk.calls if c.number == floor.trunk.user]) > before,
        10,
        lambda: "the customer is not called",
    )
    customer = floor.trunk.call_to(floor.trunk.user).wait("up")
    hears_exactly(customer, ASKED)
    hears_exactly(customer, ANN)
    hears_exactly(floor.ann.phone(), CUSTOMER)
