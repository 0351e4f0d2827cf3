"""Consultation, conference and transfer on real phones: who hears whom at every step."""

from collections.abc import Iterator

import pytest

from voice.center import VoiceCenter
from voice.floor import (
    ANN,
    ASKED,
    BOB,
    CUSTOMER,
    HELD,
    OUTSIDE,
    QUEUED,
    SPOKEN,
    Agent,
    Floor,
    a_building,
    act,
    end,
    hears_exactly,
    hook,
    in_a_row,
    loop,
    never_heard,
    recorded,
    sides,
    to_queue,
)
from voice.probe import Call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.xdist_group("transfers")]


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceCenter]:
    with a_building(tmp_path_factory.mktemp("transfers")) as made:
        yield made


class Desks(Floor):
    """ann talks to a customer, who is recorded; bob may be consulted. On hold there are tones."""

    def __init__(self, base: VoiceCenter) -> None:
        super().__init__(base)
        self.bob = self.hire("bob", BOB)
        held = self.flow(loop({"PromptId": self.prompt(HELD)}), kind="CUSTOMER_HOLD")
        agents = self.flow(loop({"PromptId": self.prompt(ASKED)}), kind="AGENT_HOLD")
        music = self.flow(loop({"PromptId": self.prompt(QUEUED)}), kind="CUSTOMER_QUEUE")
        hooks = {"CustomerHold": held, "AgentHold": agents, "CustomerQueue": music}
        self.queues(recorded("Agent", "Customer"), *(hook(*each) for each in hooks.items()))
        self.customer, self.contact_id = self.talk()
        self.phone = self.ann.phone()

    def to_bob(self) -> dict[str, str]:
        transfer = self.flow(
            *in_a_row(
                recorded("Agent", "Customer"),
                act("UpdateContactTargetQueue", ("NoMatchingError",), AgentId=self.bob.user_id),
                act("MessageParticipant", PromptId=self.prompt(SPOKEN)),
                end("TransferContactToAgent"),
            ),
            kind="AGENT_TRANSFER",
        )
        user = {"UserId": self.bob.user_id, "ContactFlowId": transfer}
        return self.quick_connect("bob", QuickConnectType="USER", UserConfig=user)

    def to_support(self) -> dict[str, str]:
        """A queue that bob takes, besides that of both."""
        hours = self.center.found(
            "list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours"
        )
        queue = self.connect.create_queue(
            InstanceId=self.instance, Name="support", HoursOfOperationId=hours["Id"]
        )
        row = {
            "QueueReference": {"QueueId": queue["QueueId"], "Channel": "VOICE"},
            "Priority": 1,
            "Delay": 0,
        }
        self.connect.associate_routing_profile_queues(
            InstanceId=self.instance, RoutingProfileId=self.center.profile, QueueConfigs=[row]
        )
        transfer = self.flow(*in_a_row(*to_queue(queue["QueueArn"])), kind="QUEUE_TRANSFER")
        config = {"QueueId": queue["QueueId"], "ContactFlowId": transfer}
        return self.quick_connect("support", QuickConnectType="QUEUE", QueueConfig=config)

    def consult_bob(self) -> tuple[Call, str]:
        """ann and bob talk, the customer is on hold; bob's phone, and his connection."""
        self.bob.choose("Available")
        self.ann.dial(self.to_bob())
        phone = self.bob.phone()
        hears_exactly(phone, ANN)
        hears_exactly(self.phone, BOB)
        hears_exactly(self.customer, HELD)
        return phone, self.ann.connection("connected")

    def do(self, operation: str, **members: str) -> None:
        self.ann.do(operation, contactId=self.contact_id, **members)

    def leave(self) -> None:
        self.do("DestroyConnection", connectionId=f"{self.contact_id}/agent")
        self.phone.wait("ended")


@pytest.fixture
def floor(building: VoiceCenter) -> Desks:
    return Desks(building)


def dialled(number: str) -> dict[str, str]:
    return {"type": "phone_number", "phoneNumber": number}


def conference(floor: Desks, other: Call, frequency: int) -> None:
    """Swap, then everybody with everybody. The other is connected, the customer on hold."""
    floor.do("ToggleActiveConnections")
    hears_exactly(floor.customer, ANN)
    hears_exactly(floor.phone, CUSTOMER)
    floor.do("ConferenceConnections")
    hears_exactly(floor.customer, ANN, frequency)
    hears_exactly(floor.phone, CUSTOMER, frequency)
    hears_exactly(other, CUSTOMER, ANN)


def test_somebody_outside_is_consulted_and_left_with_the_customer(floor):
    """He is rung, is asked, waits, talks with both; ann leaves, and he hangs up."""
    number = floor.outside(early=True, ring_seconds=1)
    third = floor.ann.dial(dialled(number))
    outside = floor.trunk.call_to(number).wait("ringing")
    hears_exactly(floor.customer, HELD)
    floor.phone.await_tone(OUTSIDE)
    assert floor.ann.connection("connected") == third
    hears_exactly(outside, ANN)
    hears_exactly(floor.phone, OUTSIDE)
    hears_exactly(floor.customer, HELD)
    floor.do("ToggleActiveConnections")
    hears_exactly(outside, HELD)
    floor.do("ToggleActiveConnections")
    hears_exactly(outside, ANN)
    hears_exactly(floor.customer, HELD)
    assert never_heard(floor.customer, OUTSIDE)
    conference(floor, outside, OUTSIDE)
    floor.do("SendDigits", connectionId=third, digits="5")
    floor.trunk.until(lambda: [key for key, _ in outside.keys] == ["5"], 5, outside.story)
    floor.leave()
    hears_exactly(floor.customer, OUTSIDE)
    hears_exactly(outside, CUSTOMER)
    outside.hang_up()
    floor.customer.wait("ended")
    over = floor.await_end(third)
    assert over["InitiationMethod"] == "EXTERNAL_OUTBOUND"
    assert over["DisconnectReason"] == "THIRD_PARTY_DISCONNECT"
    assert floor.contact(floor.contact_id)["DisconnectReason"] == "OTHER"


def test_another_agent_is_consulted_and_takes_over_and_both_are_recorded(floor):
    """Warm transfer by a user's quick connect; each contact has a file, its agent on the right."""
    phone, leg = floor.consult_bob()
    assert never_heard(floor.customer, SPOKEN), "the transfer flow speaks to the agent"
    assert not never_heard(floor.phone, SPOKEN)
    floor.do("ToggleActiveConnections")
    hears_exactly(phone, ASKED)
    hears_exactly(floor.customer, ANN)
    floor.do("ToggleActiveConnections")
    hears_exactly(phone, ANN)
    hears_exactly(floor.customer, HELD)
    assert never_heard(floor.customer, BOB)
    conference(floor, phone, BOB)
    floor.leave()
    hears_exactly(floor.customer, BOB)
    hears_exactly(phone, CUSTOMER)
    bobs = leg.removesuffix("/agent")
    phone.hang_up()
    floor.customer.wait("ended")
    assert floor.await_end(bobs)["DisconnectReason"] == "AGENT_DISCONNECT"
    heard = CUSTOMER, ANN, BOB, HELD, ASKED
    for contact, own, other in ((floor.contact_id, ANN, BOB), (bobs, BOB, ANN)):
        left, right = sides(floor.recording(contact), *heard)
        assert {each for each in heard if right[each]} == {own}
        assert {each for each in heard if left[each]} == {CUSTOMER, other}


def test_a_customer_is_sent_to_a_queue(floor):
    """Cold: ann leaves at once, the queue's music plays until bob answers."""
    waiting = floor.ann.dial(floor.to_support())
    hears_exactly(floor.customer, HELD)
    floor.ann.choose("Offline")  # she takes that queue, too
    floor.leave()
    hears_exactly(floor.customer, QUEUED)
    floor.bob.choose("Available")
    hears_exactly(floor.bob.phone(), CUSTOMER)
    hears_exactly(floor.customer, BOB)
    described = floor.contact(waiting.removesuffix("/agent"))
    assert described["InitiationMethod"] == "TRANSFER"
    assert described["AgentInfo"]["Id"] == floor.bob.user_id
    assert floor.contact(floor.contact_id)["DisconnectReason"] == "OTHER"


def test_the_agent_of_a_queue_is_consulted(floor):
    """Warm: ann waits in the queue and hears its music, the customer is on hold meanwhile."""
    floor.ann.dial(floor.to_support())
    hears_exactly(floor.phone, QUEUED)
    hears_exactly(floor.customer, HELD)
    floor.bob.choose("Available")
    phone = floor.bob.phone()
    hears_exactly(phone, ANN)
    hears_exactly(floor.phone, BOB)
    hears_exactly(floor.customer, HELD)
    floor.leave()
    hears_exactly(phone, CUSTOMER)
    hears_exactly(floor.customer, BOB)


def test_an_agent_leaves_while_his_colleague_rings(floor):
    """Cold, by a user's quick connect: who answers has the customer."""
    floor.trunk.lines[floor.bob.number].ring_seconds = 2
    floor.bob.choose("Available")
    floor.ann.dial(floor.to_bob())
    rings = floor.bob.rings().wait("ringing")
    floor.leave()
    hears_exactly(floor.customer, QUEUED)
    assert rings.state == "ringing"
    phone = floor.bob.phone()
    hears_exactly(phone, CUSTOMER)
    hears_exactly(floor.customer, BOB)


def test_an_agent_leaves_while_somebody_outside_rings(floor):
    """The customer hears how it rings there, and is talked to when it is answered."""
    number = floor.outside(early=True, ring_seconds=2)
    floor.ann.dial(dialled(number))
    outside = floor.trunk.call_to(number).wait("ringing")
    floor.phone.await_tone(OUTSIDE)
    floor.leave()
    floor.customer.await_tone(OUTSIDE, 2)
    assert outside.state == "ringing"
    outside.wait("up")
    hears_exactly(outside, CUSTOMER)
    floor.customer.hang_up()
    outside.wait("ended")


@pytest.mark.parametrize("status", [486, 603])
def test_who_cannot_be_had_leaves_the_call_as_it_was(floor, status):
    floor.ann.dial(dialled(floor.outside(status=status)))
    floor.ann.connection("disconnected")
    hears_exactly(floor.customer, HELD)
    floor.do("ResumeConnection", connectionId=floor.contact_id)
    hears_exactly(floor.customer, ANN)
    hears_exactly(floor.phone, CUSTOMER)


def test_agents_talk_on_when_their_customer_has_left(floor):
    phone, _ = floor.consult_bob()
    floor.customer.hang_up()
    floor.until(lambda: floor.ann.parties()[floor.contact_id], lambda it: it == "disconnected")
    hears_exactly(phone, ANN)
    hears_exactly(floor.phone, BOB)
    floor.leave()
    phone.wait("ended")
    assert floor.await_end(floor.contact_id)["DisconnectReason"] == "CUSTOMER_DISCONNECT"


def test_who_is_dropped_from_a_conference_is_heard_no_more(floor):
    phone, leg = floor.consult_bob()
    conference(floor, phone, BOB)
    floor.do("DestroyConnection", connectionId=leg)
    phone.wait("ended")
    hears_exactly(floor.customer, ANN)
    hears_exactly(floor.phone, CUSTOMER)


# Flows that dial


class Ivr(Floor):
    """A flow that hands its callers to somebody outside."""

    def dials(self, number: str, continues: bool, limit: int = 30) -> Call:
        """Whoever calls is handed on; afterwards there is a tone, of failures another."""
        errors = ("NoMatchingError", "CallFailed", "ConnectionTimeLimitExceeded")
        hand_on = act(
            "TransferParticipantToThirdParty",
            errors if continues else errors[:1],
            ThirdPartyPhoneNumber=number,
            ThirdPartyConnectionTimeLimitSeconds=str(limit),
            ContinueFlowExecution=str(continues),
            ThirdPartyDTMFDigits="12#",
        )
        after = act("MessageParticipant", PromptId=self.prompt(SPOKEN))
        failed = act("MessageParticipant", PromptId=self.prompt(ASKED))
        failed["Identifier"] = "CallFailed" if continues else "NoMatchingError"
        late = act("MessageParticipant", PromptId=self.prompt(QUEUED))
        late["Identifier"] = "ConnectionTimeLimitExceeded"
        self.answers_with(*in_a_row(hand_on, after), failed, *([late] if continues else []))
        return self.call_in().wait("up")


@pytest.fixture
def ivr(building: VoiceCenter) -> Ivr:
    return Ivr(building)


@pytest.mark.parametrize("continues", [True, False])
def test_a_flow_hands_its_caller_to_somebody_outside(ivr, continues):
    number = ivr.outside()
    customer = ivr.dials(number, continues)
    outside = ivr.trunk.call_to(number).wait("up")
    ivr.trunk.until(lambda: len(outside.keys) == 3, 10, lambda: str(outside.keys))
    hears_exactly(outside, CUSTOMER)
    hears_exactly(customer, OUTSIDE)
    customer.press("3")
    ivr.trunk.until(lambda: len(outside.keys) == 4, 5, lambda: str(outside.keys))
    assert "".join(key for key, _ in outside.keys) == "12#3"
    outside.hang_up()
    if continues:
        hears_exactly(customer, SPOKEN)
    customer.wait("ended")
    reasons = {each["InitiationMethod"]: each["DisconnectReason"] for each in ivr.ended_contacts(2)}
    assert reasons == {
        "INBOUND": "CONTACT_FLOW_DISCONNECT",
        "EXTERNAL_OUTBOUND": "THIRD_PARTY_DISCONNECT",
    }


@pytest.mark.parametrize(
    ("line", "continues", "tone"),
    [
        pytest.param({"status": 486}, True, ASKED, id="busy"),
        pytest.param({"status": 486}, False, ASKED, id="busy, without going on"),
        pytest.param({"answer": False}, True, QUEUED, id="not in time"),
    ],
)
def test_a_flow_goes_on_where_its_call_has_failed(ivr, line, continues, tone):
    customer = ivr.dials(ivr.outside(**line), continues, limit=2)
    hears_exactly(customer, tone)
    customer.wait("ended")


def test_a_transfer_flow_takes_the_customer_from_hold(floor: Desks):
    """UpdatePreviousContactParticipantState; the agent hears the flow first, then him again."""
    bob: Agent = floor.bob
    transfer = floor.flow(
        *in_a_row(
            act(
                "UpdatePreviousContactParticipantState",
                ("NoMatchingError",),
                PreviousContactParticipantState="OffHold",
            ),
            act("MessageParticipant", PromptId=floor.prompt(SPOKEN, 2)),
            end("DisconnectParticipant"),
        ),
        kind="AGENT_TRANSFER",
    )
    user = {"UserId": bob.user_id, "ContactFlowId": transfer}
    floor.ann.dial(floor.quick_connect("bob", QuickConnectType="USER", UserConfig=user))
    hears_exactly(floor.customer, ANN)
    hears_exactly(floor.phone, SPOKEN)
    hears_exactly(floor.phone, CUSTOMER)
