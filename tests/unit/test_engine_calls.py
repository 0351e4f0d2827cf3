"""Calls: three and more on a line: hold, conference, transfers, third parties, supervisors."""

from typing import Any

import pytest

from call_builders import THIRD, add, an_office, calling_out, hear_out, take, talking
from engine_builders import (
    FLOW_NOISE,
    START,
    Driver,
    a_content,
    an_action,
)
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.call import living
from ringfloor.domain.contact import Contact
from ringfloor.engine import call as calls
from ringfloor.engine import transfer
from ringfloor.engine.effects import EstimateWait, InvokeFunction, channels, outstanding
from ringfloor.telephony import commands as telephony

NOISE = (
    *FLOW_NOISE,
    events.FlowFinished,
    events.ContactSucceeded,
    events.AgentLegConnected,
    events.ContactConnectedToSystem,
)


def consulting(**options: Any) -> Driver:
    """a1 has c1 on hold and talks to a2 by t1."""
    center = talking(**options)
    add(center, "a1", "c1", "to-a2", "t1")
    hear_out(center, "t1")
    take(center, "a2", "t1")
    return center


def states(center: Driver) -> dict[str, str]:
    """Everybody in the one call that there is, by leg."""
    (call,) = center.center.calls.values()
    return {center.leg_alias(each.leg): each.state for each in living(call)}


def bridged(center: Driver) -> set[str]:
    """Who is in the bridge, as a carrier would be told after a restart."""
    return {center.leg_alias(each.channel_id) for each in channels(center.center) if each.bridge_id}


def final(center: Driver, alias: str) -> Contact:
    return next(
        event.contact
        for _, happened in center.log
        for event in happened
        if isinstance(event, events.ContactCompleted) and event.contact.id == center.ids[alias]
    )


# Consultation


def test_a_consulted_agent_talks_to_the_agent_while_the_customer_is_on_hold():
    center = consulting()
    assert states(center) == {"c1": "hold", "c1/agent": "connected", "t1/agent": "connected"}
    assert bridged(center) == {"c1/agent", "t1/agent"}
    t1 = center.contact("t1")
    assert (t1.initiation_method, t1.previous_contact_id, t1.initial_contact_id) == (
        "TRANSFER",
        "c1",
        "c1",
    )
    assert center.contact("c1").next_contacts == [t1.id]


def test_swap_conference_and_hold_of_each_party():
    center = consulting()
    center.ledger(
        """
        1 s    a1 swaps c1                    PartyHeld t1 t1/agent; ContactResumed c1
        2 s    a2 takes-back t1 c1            refused InvalidRequest
        3 s    a1 swaps c1                    ContactHeld c1; PartyResumed t1 t1/agent
        4 s    a1 joins c1                    ContactResumed c1
        5 s    a1 joins c1                    refused InvalidRequest
        5 s    a1 swaps c1                    refused InvalidRequest
        6 s    a1 puts-on-hold c1 t1/agent    PartyHeld t1 t1/agent
        7 s    a2 takes-back t1 t1/agent      refused InvalidRequest
        8 s    a1 takes-back c1 t1/agent      PartyResumed t1 t1/agent
        """,
        hide=NOISE,
        late=True,
    )
    assert bridged(center) == {"c1", "c1/agent", "t1/agent"}


def test_the_agent_who_leaves_completes_a_warm_transfer():
    center = consulting()
    center.ledger(
        """
        5 s    a1 hangs-up c1    CustomerPassed c1 to t1;
                                 ContactEnded c1 OTHER CONNECTED_ONHOLD
        6 s    a1 clears c1      ContactCleared c1 a1; ContactCompleted c1
        """,
        hide=NOISE,
        late=True,
    )
    assert states(center) == {"t1/agent": "connected", "c1": "connected"}
    c1 = final(center, "c1")
    assert (c1.transfer_completed_at, c1.next_contact_id) == (c1.disconnected_at, center.ids["t1"])
    center.ledger(
        """
        9 s    c1 leaves         ContactEnded t1 CUSTOMER_DISCONNECT CONNECTED
        9 s    a2 clears t1      ContactCleared t1 a2; ContactCompleted t1
        """,
        hide=NOISE,
        late=True,
    )
    assert center.center.calls == {}
    assert center.center.legs == {}


def test_the_customer_may_leave_two_agents_who_talk_on():
    center = consulting()
    center.ledger(
        """
        5 s    c1 leaves         PartyLeft c1 c1 CUSTOMER_DISCONNECT
        6 s    a1 resumes c1     refused InvalidRequest
        """,
        hide=NOISE,
        late=True,
    )
    (call,) = center.center.calls.values()
    left = call.parties["c1"]
    assert (left.state, left.since - START) == ("disconnected", 5_000)
    center.ledger(
        """
        7 s    a1 hangs-up c1    ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED;
                                 ContactEnded t1 CUSTOMER_DISCONNECT CONNECTED
        """,
        hide=NOISE,
        late=True,
    )
    assert center.center.calls == {}


def test_the_customer_may_be_dropped_from_two_agents_who_talk_on():
    center = consulting()
    center.ledger(
        """
        5 s    a1 drops c1 c1    PartyLeft c1 c1 AGENT_DISCONNECT
        """,
        hide=NOISE,
        late=True,
    )
    assert states(center) == {"c1/agent": "connected", "t1/agent": "connected"}


def test_the_second_agent_may_leave_the_first():
    center = consulting()
    center.ledger(
        """
        5 s    a2 hangs-up t1    ContactEnded t1 AGENT_DISCONNECT CONNECTED
        6 s    a1 resumes c1     ContactResumed c1
        7 s    a1 hangs-up c1    ContactEnded c1 AGENT_DISCONNECT CONNECTED
        """,
        hide=NOISE,
        late=True,
    )
    assert center.agent("a2").contacts[center.ids["t1"]].state == "ENDED"


def test_what_is_dropped():
    center = consulting()
    center.ledger(
        """
        5 s    a2 drops t1 c1/agent    refused InvalidRequest
        5 s    a2 drops t1 nobody      refused InvalidParameter
        6 s    a1 drops c1 t1/agent    ContactEnded t1 AGENT_DISCONNECT CONNECTED
        6 s    a1 drops c1 t1/agent    refused InvalidParameter
        7 s    a1 drops c1 c1          ContactEnded c1 AGENT_DISCONNECT CONNECTED_ONHOLD
        """,
        hide=NOISE,
        late=True,
    )


# Cold


def test_leaving_while_it_rings_leaves_the_customer_ringing():
    center = talking()
    add(center, "a1", "c1", "to-a2", "t1")
    hear_out(center, "t1")
    assert center.contact("t1").stage == "OFFERED"
    center.ledger(
        """
        5 s    a1 hangs-up c1    CustomerPassed c1 to t1;
                                 ContactEnded c1 OTHER CONNECTED_ONHOLD
        """,
        hide=NOISE,
        late=True,
    )
    assert center.center.calls == {}
    take(center, "a2", "t1")
    assert states(center) == {"c1": "connected", "t1/agent": "connected"}
    assert bridged(center) == {"c1", "t1/agent"}
    center.check_history()


def test_what_the_agent_was_hearing_is_said_to_the_customer_when_he_leaves():
    center = talking()
    add(center, "a1", "c1", "to-support", "t1")
    run = center.contact("t1").runs["customer"]
    asked, ask = run.number, run.ask
    done = center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    t1 = center.ids["t1"]
    plays = [each for each in done.effects if isinstance(each, telephony.Play)]
    assert [(each.playback_id, each.channel_id) for each in plays] == [(f"{t1}/{asked + 1}", "c1")]
    assert center.run(commands.Hear(t1, asked, dialogue.Done())).events == (), (
        "said to him who left"
    )
    assert center.contact("t1").runs["customer"].ask == ask
    center.check_history()


def test_a_queue_transfer_waits_with_the_agent_and_then_with_the_customer():
    center = talking()
    center.run(commands.SetAgentStatus(center.ids["a2"], center.ids["Break"]))
    add(center, "a1", "c1", "to-support", "t1")
    hear_out(center, "t1")
    t1 = center.contact("t1")
    assert (t1.stage, t1.queue_id) == ("IN_QUEUE", center.ids["support"])
    assert states(center) == {"c1": "hold", "c1/agent": "connected", "t1/agent": "connecting"}
    center.ledger(
        """
        5 s    a1 hangs-up c1           CustomerPassed c1 to t1;
                                        ContactEnded c1 OTHER CONNECTED_ONHOLD
        9 s    c1 leaves                ContactEnded t1 CUSTOMER_DISCONNECT IN_QUEUE;
                                        ContactCompleted t1
        """,
        hide=NOISE,
        late=True,
    )


def test_the_agent_may_give_a_transfer_up():
    center = talking()
    add(center, "a1", "c1", "to-a2", "t1")
    hear_out(center, "t1")
    center.ledger(
        """
        5 s    a1 drops c1 t1/agent    OfferMissed t1 a2 customer_left;
                                       ContactEnded t1 AGENT_DISCONNECT IN_QUEUE;
                                       ContactCompleted t1
        6 s    a1 resumes c1           ContactResumed c1
        """,
        hide=NOISE,
        late=True,
    )


def test_who_does_not_answer_is_not_waited_for():
    center = talking()
    add(center, "a1", "c1", "to-a2", "t1")
    hear_out(center, "t1")
    center.ledger(
        """
        20 s    -    OfferMissed t1 a2 unanswered; ContactEnded t1 TELECOM_UNANSWERED IN_QUEUE;
                     ContactCompleted t1
        """,
        hide=NOISE,
    )
    assert states(center) == {"c1": "hold", "c1/agent": "connected"}


@pytest.mark.parametrize("status", ["Offline", "Break"])
def test_who_may_not_be_rung_is_not(status):
    center = talking()
    center.run(commands.SetAgentStatus(center.ids["a2"], center.ids[status]))
    add(center, "a1", "c1", "to-a2", "t1")
    hear_out(center, "t1")
    assert final(center, "t1").disconnect_reason == "CONTACT_FLOW_DISCONNECT"
    assert states(center) == {"c1": "hold", "c1/agent": "connected"}


# Third parties


def test_a_third_party_is_dialled_joined_and_left_with_the_customer():
    center = talking()
    center.ledger(
        f"""
        1 s    a1 adds c1 {THIRD} x1    ContactHeld c1; PartyAdded x1 x1 third_party connecting
        2 s    a1 adds c1 {THIRD} x2    refused InvalidRequest
        3 s    x1 answers               PartyJoined x1 x1
        4 s    a1 adds c1 {THIRD} x2    refused InvalidRequest
        5 s    a1 joins c1              ContactResumed c1
        6 s    a1 presses c1 x1 12#     DigitsPressed x1 x1 12#
        7 s    a1 hangs-up c1           CustomerPassed c1 to x1;
                                        ContactEnded c1 OTHER CONNECTED
        8 s    a1 clears c1             ContactCleared c1 a1; ContactCompleted c1
        """,
        hide=NOISE,
        late=True,
    )
    assert final(center, "c1").transferred_to == THIRD
    assert bridged(center) == {"c1", "x1"}
    center.ledger(
        """
        9 s    x1 leaves                ContactEnded x1 THIRD_PARTY_DISCONNECT IN_FLOW;
                                        ContactCompleted x1
        """,
        hide=NOISE,
        late=True,
    )
    assert center.center.calls == {}


def test_hang_ups_reach_exactly_the_legs_that_are_left():
    center = talking()
    add(center, "a1", "c1", THIRD, "x1")
    center.run(commands.ConnectSystem(center.ids["x1"]))

    def hung_up(command: commands.Command) -> list[str]:
        effects = center.run(command).effects
        return [
            center.leg_alias(each.channel_id)
            for each in effects
            if isinstance(each, telephony.HangUp)
        ]

    assert hung_up(commands.LeaveContact(center.ids["a1"], "c1")) == ["c1/agent"]
    assert sorted(hung_up(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))) == ["c1", "x1"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("x1 lost TELECOM_BUSY", "TELECOM_BUSY"),
        ("x1 lost TELECOM_NUMBER_INVALID", "TELECOM_NUMBER_INVALID"),
        ("-", "TELECOM_TIMEOUT"),
    ],
)
def test_a_third_party_who_cannot_be_had_is_shown_as_such(words, reason):
    center = talking()
    add(center, "a1", "c1", THIRD, "x1")
    center.ledger(
        f"""
        60 s    {words}    ContactEnded x1 {reason} IN_FLOW; ContactCompleted x1
        """,
        hide=NOISE,
    )
    assert states(center) == {"c1": "hold", "c1/agent": "connected"}
    party = center.center.calls["c1"].parties[center.ids["x1"]]
    assert (party.state, party.reason) == ("disconnected", reason)
    add(center, "a1", "c1", THIRD, "x2")
    assert center.ids["x1"] not in center.center.calls["c1"].parties


def test_a_third_party_who_has_not_answered_yet_may_get_the_customer():
    center = talking()
    add(center, "a1", "c1", THIRD, "x1")
    center.ledger(
        """
        1 s    a1 hangs-up c1         CustomerPassed c1 to x1;
                                      ContactEnded c1 OTHER CONNECTED_ONHOLD
        2 s    x1 lost TELECOM_BUSY   ContactEnded x1 TELECOM_BUSY IN_FLOW; ContactCompleted x1
        """,
        hide=NOISE,
        late=True,
    )
    assert center.center.calls == {}


def test_without_customer_and_agent_a_call_is_over():
    center = talking()
    add(center, "a1", "c1", THIRD, "x1")
    center.run(commands.ConnectSystem(center.ids["x1"]))
    center.ledger(
        """
        5 s    c1 leaves         PartyLeft c1 c1 CUSTOMER_DISCONNECT
        6 s    a1 hangs-up c1    ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED;
                                 ContactEnded x1 CUSTOMER_DISCONNECT IN_FLOW; ContactCompleted x1
        """,
        hide=NOISE,
        late=True,
    )


# Many


def test_with_multi_party_conference_six_may_talk_and_everybody_controls_everybody():
    center = consulting(multi=True)
    for number in range(3):
        add(center, "a1", "c1", f"{THIRD}{number}", f"x{number}")
        center.run(commands.ConnectSystem(center.ids[f"x{number}"]))
    center.ledger(
        f"""
        2 s    a1 adds c1 {THIRD} x9          refused InvalidRequest
        3 s    a2 joins t1                    ContactResumed c1; PartyResumed x0 x0;
                                              PartyResumed x1 x1
        4 s    a2 puts-on-hold t1 c1/agent    PartyHeld c1 c1/agent
        5 s    a1 takes-back c1 c1/agent      PartyResumed c1 c1/agent
        6 s    a2 drops t1 x0                 ContactEnded x0 AGENT_DISCONNECT IN_FLOW;
                                              ContactCompleted x0
        7 s    a2 mutes t1 c1/agent           PartyMuted c1 c1/agent muted forced
        8 s    a2 drops t1 c1/agent           PartyResumed t1 t1/agent; CustomerPassed c1 to t1;
                                              ContactEnded c1 OTHER CONNECTED
        """,
        hide=NOISE,
        late=True,
    )
    assert states(center) == {
        "c1": "connected",
        "t1/agent": "connected",
        "x1": "connected",
        "x2": "connected",
    }


# Mute


def test_mute_by_oneself_and_by_somebody_else():
    center = consulting()
    center.ledger(
        """
        1 s    a1 mutes c1 c1/agent      PartyMuted c1 c1/agent muted
        2 s    a1 mutes c1 c1/agent      -
        3 s    a1 unmutes c1 c1/agent    PartyMuted c1 c1/agent unmuted
        4 s    a1 mutes c1 t1/agent      PartyMuted t1 t1/agent muted forced
        5 s    a2 unmutes t1 t1/agent    refused InvalidRequest
        6 s    a2 mutes t1 c1/agent      refused InvalidRequest
        7 s    a1 unmutes c1 t1/agent    PartyMuted t1 t1/agent unmuted
        """,
        hide=NOISE,
        late=True,
    )
    for muted, effect in ((True, telephony.Mute), (False, telephony.Unmute)):
        done = center.run(commands.MuteParty(center.ids["a1"], "c1", "c1", muted))
        assert done.effects == (effect("c1"),)


@pytest.mark.parametrize("digits", ["", "x", "1 2"])
def test_only_keys_can_be_pressed(digits):
    center = talking()
    command = commands.PressDigits(center.ids["a1"], "c1", "c1", digits)
    center.ledger("1 s    it    refused InvalidParameter", it=command)


# Calls that agents make


def test_an_agent_calls_somebody():
    center = an_office()
    center.ledger(
        """
        1 s    a1 dials-out o1    -
        1 s    a1 dials-out o2    refused InvalidRequest
        """,
        hide=NOISE,
    )
    o1 = center.contact("o1")
    assert (o1.initiation_method, o1.stage, o1.enqueued_at) == ("OUTBOUND", "ACCEPTED", None)
    assert center.agent("a1").contacts[o1.id].state == "CONNECTING"
    effects = center.run(commands.ConnectAgent(o1.id)).effects
    dials = [each for each in effects if isinstance(each, telephony.Originate)]
    assert [(each.channel_id, each.timeout_ms) for each in dials] == [(o1.id, 60_000)]
    assert not [each for each in effects if isinstance(each, telephony.Play)], "nobody is there yet"
    said = center.run(commands.ConnectSystem(o1.id)).effects
    assert [each.channel_id for each in said if isinstance(each, telephony.Play)] == [o1.id]
    hear_out(center, "o1")
    assert center.contact("o1").stage == "CONNECTED"
    assert bridged(center) == {"o1", "o1/agent"}
    center.ledger(
        """
        9 s    a1 hangs-up o1    ContactEnded o1 AGENT_DISCONNECT CONNECTED
        9 s    a1 clears o1      ContactCleared o1 a1; ContactCompleted o1
        """,
        hide=NOISE,
        late=True,
    )
    record = final(center, "o1")
    assert (record.queue_id, record.enqueued_at) == (
        center.center.named("queue", "BasicQueue"),
        None,
    )


@pytest.mark.parametrize(
    ("words", "reason", "error"),
    [
        ("o1 lost TELECOM_BUSY", "TELECOM_BUSY", "LineEngagedCustomer"),
        ("o1 lost TELECOM_NUMBER_INVALID", "TELECOM_NUMBER_INVALID", "BadAddressCustomer"),
        ("-", "TELECOM_TIMEOUT", "MissedCallCustomer"),
        ("o1 leaves", "CUSTOMER_DISCONNECT", "FailedConnectCustomer"),
        ("o1 drops-out", "AGENT_DISCONNECT", "FailedConnectAgent"),
    ],
)
def test_a_call_that_comes_to_nothing_is_an_error_until_it_is_cleared(words, reason, error):
    center = an_office()
    center.ledger("0 s    a1 dials-out o1    -", hide=NOISE)
    center.run(commands.ConnectAgent(center.ids["o1"]))
    center.ledger(
        f"""
        60 s    {words}         ContactEnded o1 {reason} IN_FLOW; ContactCompleted o1
        61 s    a1 clears o1    ContactCleared o1 a1
        """.replace("61 s    a1 clears o1    ContactCleared o1 a1", ""),
        hide=NOISE,
    )
    held = center.agent("a1").contacts[center.ids["o1"]]
    assert (held.state, held.error) == ("ERROR", error)
    center.ledger("61 s    a1 clears o1    ContactCleared o1 a1", hide=NOISE)


def test_an_agent_who_gives_his_call_up_has_nothing_to_clear():
    center = an_office()
    center.ledger("0 s    a1 dials-out o1    -", hide=NOISE)
    center.run(commands.ConnectAgent(center.ids["o1"]))
    center.ledger(
        """
        3 s    a1 hangs-up o1    ContactEnded o1 TELECOM_ORIGINATOR_CANCEL IN_FLOW;
                                 ContactCleared o1 a1; ContactCompleted o1
        """,
        hide=NOISE,
    )
    assert center.agent("a1").contacts == {}


def test_a_whisper_may_say_which_number_is_shown():
    center = an_office()
    flow = center.center.named("contact_flow", "Default outbound")
    content = a_content(
        an_action("dial", "CompleteOutboundCall", {"CallerId": {"Number": "+15555550142"}}, "bye"),
        an_action("bye", "EndFlowExecution"),
    )
    center.run(commands.UpdateResource("contact_flow", flow, {"Content": content}))
    center.ledger("0 s    a1 dials-out o1    -", hide=NOISE)
    effects = center.run(commands.ConnectAgent(center.ids["o1"])).effects
    (dialled,) = (each for each in effects if isinstance(each, telephony.Originate))
    assert dialled.from_ == "+15555550142"
    center.run(commands.ConnectSystem(center.ids["o1"]))
    assert center.contact("o1").stage == "CONNECTED"
    center.check_history()


DIALS = [telephony.Originate, telephony.AddToBridge, telephony.AddToBridge]
"""The customer's phone rings, and the agent hears it."""


def test_a_whisper_may_ask_a_function_before_anybody_is_dialled():
    center = an_office()
    flow = center.center.named("contact_flow", "Default outbound")
    content = a_content(
        an_action("ask", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "say"),
        an_action("say", "MessageParticipant", {"Text": "Hello $.External.name"}, "bye"),
        an_action("bye", "EndFlowExecution"),
    )
    center.run(commands.UpdateResource("contact_flow", flow, {"Content": content}))
    center.ledger("0 s    a1 dials-out o1    -", hide=NOISE)
    o1 = center.ids["o1"]
    (asked,) = center.run(commands.ConnectAgent(o1)).effects
    assert isinstance(asked, InvokeFunction)
    assert asked in list(outstanding(center.center))
    heard = dialogue.Answer({"name": "Ann"})
    effects = center.run(commands.Hear(o1, asked.ask, heard)).effects
    assert [type(each) for each in effects] == DIALS
    _, said = center.run(commands.ConnectSystem(o1)).effects
    assert said.media[0].value == "Hello Ann"


def test_a_whisper_may_ask_for_waits_before_anybody_is_dialled():
    center = an_office()
    flow = center.center.named("contact_flow", "Default outbound")
    content = a_content(
        an_action("ask", "GetMetricData", {"QueueChannel": "Voice"}, "bye", NoMatchingError="bye"),
        an_action("bye", "EndFlowExecution"),
    )
    center.run(commands.UpdateResource("contact_flow", flow, {"Content": content}))
    center.ledger("0 s    a1 dials-out o1    -", hide=NOISE)
    o1 = center.ids["o1"]
    (asked,) = center.run(commands.ConnectAgent(o1)).effects
    assert isinstance(asked, EstimateWait)
    assert asked in list(outstanding(center.center))
    effects = center.run(commands.Hear(o1, asked.ask, dialogue.Answer({}))).effects
    assert [type(each) for each in effects] == DIALS


def test_what_cannot_be_dialled():
    center = an_office()
    for refusal, changes in (
        ("InvalidParameter", {"to": "911"}),
        ("ResourceNotFound", {"queue_id": "nothing"}),
        ("InvalidRequest", {"queue_id": center.ids["sales"]}),
        ("LimitExceeded", {"quota": 0}),
    ):
        command = commands.DialOut(agent_id=center.ids["a1"], **{"to": THIRD, **changes})
        center.ledger(f"0 s    it    refused {refusal}", it=command)
    with pytest.raises(Refusal, match=r"PhoneNumber: '911' is no E\.164 number"):
        center.run(commands.DialOut(agent_id=center.ids["a1"], to="911"))
    center.run(commands.UpdateInstance({"OutboundCallsEnabled": False}))
    center.ledger("0 s    a1 dials-out o1    refused OutboundContactNotPermitted")


# Supervisors


def monitored(*may: str) -> Driver:
    """a3 monitors a1's call with c1."""
    center = talking()
    center.ledger(
        f"1 s    a3 monitors c1 m1 {' '.join(may)}    PartyAdded m1 m1/agent monitor connecting",
        hide=NOISE,
    )
    center.ledger(
        "1 s    it    ContactConnectedToAgent m1 a3; MonitorStateChanged m1 a3 SILENT_MONITOR",
        hide=NOISE,
        it=commands.ConnectAgent(center.ids["m1"]),
    )
    return center


def test_a_supervisor_listens_and_goes_with_the_call():
    center = monitored()
    assert states(center)["m1/agent"] == "silent"
    center.ledger(
        """
        5 s    a3 barges m1      refused InvalidParameter
        6 s    a3 drops m1 c1    refused InvalidRequest
        7 s    c1 leaves         ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED;
                                 ContactEnded m1 CUSTOMER_DISCONNECT CONNECTED;
                                 ContactCleared m1 a3; ContactCompleted m1
        """.replace("InvalidParameter", "InvalidRequest"),
        hide=NOISE,
    )
    m1 = final(center, "m1")
    assert [(each.state, each.until) for each in m1.watches] == [("SILENT_MONITOR", center.at)]
    assert center.agent("a3").contacts == {}


def test_a_supervisor_who_has_barged_in_may_take_the_customer():
    center = monitored("BARGE")
    center.ledger(
        """
        5 s     a3 barges m1            MonitorStateChanged m1 a3 BARGE
        6 s     a3 barges m1            -
        7 s     a3 listens m1           MonitorStateChanged m1 a3 SILENT_MONITOR
        8 s     a3 barges m1            MonitorStateChanged m1 a3 BARGE
        9 s     a3 drops m1 c1/agent    CustomerPassed c1 to m1; ContactEnded c1 BARGED CONNECTED
        10 s    a3 hangs-up m1          ContactEnded m1 AGENT_DISCONNECT CONNECTED;
                                        ContactCleared m1 a3; ContactCompleted m1
        """,
        hide=NOISE,
    )
    assert [each.state for each in final(center, "m1").watches] == [
        "SILENT_MONITOR",
        "BARGE",
        "SILENT_MONITOR",
        "BARGE",
    ]


def test_a_supervisor_who_drops_a_third_party_leaves_the_customer_with_the_agent():
    center = monitored("BARGE")
    add(center, "a1", "c1", THIRD, "x1")
    center.run(commands.ConnectSystem(center.ids["x1"]))
    center.ledger(
        f"""
        5 s    a3 barges m1             MonitorStateChanged m1 a3 BARGE
        6 s    a3 adds m1 {THIRD} x2    refused InvalidRequest
        7 s    a3 drops m1 x1           ContactEnded x1 AGENT_DISCONNECT IN_FLOW;
                                        ContactCompleted x1
        """,
        hide=NOISE,
    )
    assert center.center.calls["c1"].parties["c1"].contact_id == "c1"


def test_a_supervisor_may_leave_whenever_he_likes():
    monitored().ledger(
        """
        5 s    a3 hangs-up m1    ContactEnded m1 AGENT_DISCONNECT CONNECTED; ContactCleared m1 a3;
                                 ContactCompleted m1
        6 s    c1 leaves         ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        """,
        hide=NOISE,
    )


def test_a_client_token_that_began_a_live_supervision_begins_no_other():
    center = talking()
    command = commands.MonitorContact(
        contact_id="c1",
        agent_id=center.ids["a3"],
        capabilities=("SILENT_MONITOR",),
        client_token="token",
    )
    first = center.run(command)
    again = center.run(command)
    assert (again.answer, again.events) == (first.answer, ())


def test_five_supervisors_are_the_limit():
    center = talking(agents=9)
    lines = [
        f"1 s    a{n} monitors c1 m{n}    PartyAdded m{n} m{n}/agent monitor connecting"
        for n in range(3, 8)
    ]
    center.ledger("\n".join(lines), hide=NOISE)
    center.ledger(
        """
        1 s    a8 monitors c1 m8    refused ServiceQuotaExceeded
        1 s    a1 monitors c1 m8    refused InvalidRequest
        1 s    a8 monitors c9 m8    refused ResourceNotFound
        """
    )


# Recording


def test_a_recording_begins_once_and_ends_once():
    center = talking()

    def record(action: str, first: str = "c1", contact: str = "c1") -> commands.Command:
        return commands.ChangeRecording(
            contact_id=contact, initial_contact_id=first, action=action, track="FROM_AGENT"
        )

    center.ledger(
        """
        1 s    stop       refused InvalidRequest
        1 s    other      refused InvalidRequest
        1 s    nobody     refused ResourceNotFound
        2 s    start      RecordingChanged c1 RECORDING
        3 s    start      refused InvalidRequest
        3 s    resume     refused InvalidRequest
        4 s    suspend    RecordingChanged c1 SUSPENDED
        5 s    resume     RecordingChanged c1 RECORDING
        6 s    c1 leaves  ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        """,
        hide=NOISE,
        start=record("START"),
        stop=record("STOP"),
        suspend=record("SUSPEND"),
        resume=record("RESUME"),
        other=record("START", first="c2"),
        nobody=record("START", contact="c9"),
    )
    recording = center.contact("c1").recording
    assert recording is not None
    assert (recording.track, recording.state, recording.stopped_at) == (
        "FROM_AGENT",
        "STOPPED",
        center.at,
    )


# Transfers that a flow makes


def said(center: Driver) -> str:
    run = center.contact("c1").runs["customer"]
    assert isinstance(run.ask, dialogue.Play)
    return run.ask.prompt.value


def test_a_flow_goes_on_when_the_third_party_has_left():
    center = calling_out(ContinueFlowExecution="True", ThirdPartyDTMFDigits="1,2")
    assert states(center) == {"c1": "connected", "x1": "connecting"}
    center.ledger(
        """
        5 s    x1 answers    PartyJoined x1 x1; DigitsPressed x1 x1 1,2
        9 s    x1 leaves     ContactEnded x1 THIRD_PARTY_DISCONNECT IN_FLOW;
                             ContactCompleted x1; PartyLeft c1 c1
        """,
        hide=NOISE,
    )
    assert center.center.calls == {}
    assert said(center) == "after"


@pytest.mark.parametrize(
    ("seconds", "words", "answer"),
    [(5, "x1 lost TELECOM_BUSY", "failed"), (30, "-", "late")],
)
def test_a_flow_hears_why_the_third_party_could_not_be_had(seconds, words, answer):
    center = calling_out(ContinueFlowExecution="True")
    center.at += seconds * 1000
    if words == "-":
        center.pass_time(0)
    else:
        center.run(commands.LoseChannel(center.ids["x1"], "TELECOM_BUSY"))
    assert said(center) == answer
    center.check_history()


def test_a_flow_dials_nobody_where_no_outbound_calls_are_made():
    center = calling_out(ContinueFlowExecution="True")
    center.run(commands.UpdateInstance({"OutboundCallsEnabled": False}))
    center.run(
        commands.StartInboundContact(
            contact_id="c2", from_number="+12065550101", flow_id=center.ids["out"]
        )
    )
    assert center.contact("c2").runs["customer"].ask.prompt.value == "failed"
    assert center.contact("c2").next_contacts == []


def test_who_waits_in_a_queue_is_not_transferred_to_a_third_party():
    center = an_office()
    out = an_action(
        "out",
        "TransferParticipantToThirdParty",
        {"ThirdPartyPhoneNumber": THIRD, "ThirdPartyConnectionTimeLimitSeconds": "30"},
        "bye",
        NoMatchingError="failed",
    )
    failed = an_action("failed", "MessageParticipant", {"Text": "failed"}, "bye")
    content = a_content(out, failed, an_action("bye", "DisconnectParticipant"))
    flow = center.center.named("contact_flow", "Default customer queue")
    center.run(commands.UpdateResource("contact_flow", flow, {"Content": content}))
    center.enqueue("c1", "sales")
    assert said(center) == "failed"
    assert set(center.center.contacts) == {"c1"}


def test_without_going_on_the_contact_is_over_with_the_transfer():
    center = calling_out(ContinueFlowExecution="False")
    center.ledger(
        """
        5 s    x1 answers    PartyJoined x1 x1; CustomerPassed c1 to x1;
                             ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW; ContactCompleted c1
        9 s    c1 leaves     ContactEnded x1 CUSTOMER_DISCONNECT IN_FLOW; ContactCompleted x1
        """,
        hide=NOISE,
    )
    c1 = final(center, "c1")
    assert (c1.transferred_to, c1.transfer_completed_at) == (THIRD, c1.disconnected_at)


def test_the_customer_may_leave_while_the_third_party_rings():
    calling_out(ContinueFlowExecution="True").ledger(
        """
        5 s    c1 leaves    ContactEnded c1 CUSTOMER_DISCONNECT IN_FLOW; ContactCompleted c1;
                            ContactEnded x1 CUSTOMER_DISCONNECT IN_FLOW; ContactCompleted x1
        """,
        hide=NOISE,
    )


# What a transfer flow does with those it came from


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("AgentOnHold", {"c1": "connected", "c1/agent": "hold", "t1/agent": "connecting"}),
        ("CustomerOnHold", {"c1": "hold", "c1/agent": "connected", "t1/agent": "connecting"}),
        ("OffHold", {"c1": "connected", "c1/agent": "connected", "t1/agent": "connecting"}),
    ],
)
def test_a_transfer_flow_says_who_is_on_hold(state, after):
    center = talking()
    flow = center.center.named("contact_flow", "Default queue transfer")
    content = a_content(
        an_action(
            "hold",
            "UpdatePreviousContactParticipantState",
            {"PreviousContactParticipantState": state},
            "say",
            NoMatchingError="bye",
        ),
        an_action("say", "MessageParticipant", {"Text": "held"}, "bye", NoMatchingError="bye"),
        an_action("bye", "DisconnectParticipant"),
    )
    center.run(commands.UpdateResource("contact_flow", flow, {"Content": content}))
    add(center, "a1", "c1", "to-support", "t1")
    assert states(center) == after
    center.check_history()


# Presence


def test_an_agent_who_vanishes_keeps_his_status_and_his_call():
    center = talking()
    center.ledger(
        """
        1 s    gone     AgentPresenceChanged a1 vanished
        2 s    gone     -
        3 s    back     AgentPresenceChanged a1 present
        4 s    back     -
        """,
        gone=commands.AgentVanished(center.ids["a1"]),
        back=commands.AgentReturned(center.ids["a1"]),
    )
    assert center.agent("a1").status_type == "ROUTABLE"
    assert center.contact("c1").stage == "CONNECTED"


# What is nobody else's


def test_who_has_missed_a_call_does_nothing_with_it_when_another_agent_has_it():
    center = an_office()
    center.available("a1")
    center.enqueue("c1", "sales")
    center.ledger("1 s    a1 rejects c1    OfferMissed c1 a1 rejected", hide=NOISE)
    center.available("a2")
    take(center, "a2", "c1")
    center.ledger(
        f"""
        2 s    a1 puts-on-hold c1 c1          refused ContactNotFound
        2 s    a1 takes-back c1 c1            refused ContactNotFound
        2 s    a1 drops c1 c1                 refused ContactNotFound
        2 s    a1 mutes c1 c1/agent           refused ContactNotFound
        2 s    a1 presses c1 c1 1             refused ContactNotFound
        2 s    a1 swaps c1                    refused ContactNotFound
        2 s    a1 joins c1                    refused ContactNotFound
        2 s    a1 adds c1 {THIRD} x1          refused ContactNotFound
        2 s    a1 barges c1                   refused ContactNotFound
        2 s    a1 holds c1                    refused InvalidRequest
        2 s    a1 hangs-up c1                 refused InvalidRequest
        3 s    a2 puts-on-hold c1 c1          ContactHeld c1
        """,
        hide=NOISE,
        late=True,
    )


def test_where_no_outbound_calls_are_made_no_third_party_is_dialled():
    center = talking()
    center.run(commands.UpdateInstance({"OutboundCallsEnabled": False}))
    center.ledger(
        f"""
        1 s    a1 adds c1 {THIRD} x1    refused OutboundContactNotPermitted
        2 s    a1 hangs-up c1           ContactEnded c1 AGENT_DISCONNECT CONNECTED
        """,
        hide=NOISE,
        late=True,
    )


def test_news_of_a_customer_who_waits_for_a_third_party_does_not_answer_for_him():
    center = an_office()
    center.available("a1")
    center.ledger(
        """
        0 s    c1 dials sales         -
        1 s    c1 answers             ContactEnqueued c1 sales; ContactOffered c1 a1 until 21 s
        """,
        hide=NOISE,
    )
    take(center, "a1", "c1")
    center.ledger(
        f"""
        2 s    a1 adds c1 {THIRD} x1    ContactHeld c1; PartyAdded x1 x1 third_party connecting
        3 s    a1 hangs-up c1           CustomerPassed c1 to x1;
                                        ContactEnded c1 OTHER CONNECTED_ONHOLD
        4 s    c1 answers               -
        5 s    x1 answers               PartyJoined x1 x1
        """,
        hide=NOISE,
        late=True,
    )


# Who is on hold, and what he hears


def test_whoever_is_on_hold_hears_the_hold_flow_of_his_kind():
    center = consulting()
    assert center.runs("c1").flow_type == "CUSTOMER_HOLD"
    center.run(commands.SwapParties(center.ids["a1"], "c1"))
    assert center.runs("t1", "agent").flow_type == "AGENT_HOLD"
    assert "customer" not in center.contact("c1").runs
    center.run(commands.SwapParties(center.ids["a1"], "c1"))
    assert "agent" not in center.contact("t1").runs
    center = talking()
    add(center, "a1", "c1", THIRD, "x1")
    center.run(commands.ConnectSystem(center.ids["x1"]))
    center.run(commands.HoldParty(center.ids["a1"], "c1", center.ids["x1"]))
    assert center.runs("x1").flow_type == "CUSTOMER_HOLD"
    center.run(commands.ResumeParty(center.ids["a1"], "c1", center.ids["x1"]))
    assert "customer" not in center.contact("x1").runs


# Who is freed when somebody leaves


def test_the_agent_who_gets_the_customer_is_on_hold_no_longer():
    center = consulting()
    center.ledger(
        """
        1 s    a1 swaps c1              PartyHeld t1 t1/agent; ContactResumed c1
        2 s    a1 mutes c1 t1/agent     PartyMuted t1 t1/agent muted forced
        3 s    a1 hangs-up c1           PartyResumed t1 t1/agent; CustomerPassed c1 to t1;
                                        ContactEnded c1 OTHER CONNECTED
        4 s    a2 unmutes t1 t1/agent   PartyMuted t1 t1/agent unmuted
        """,
        hide=NOISE,
        late=True,
    )
    assert "agent" not in center.contact("t1").runs, "he hears no hold flow"
    assert bridged(center) == {"c1", "t1/agent"}


def test_third_parties_who_are_left_with_the_customer_are_on_hold_no_longer():
    center = talking(multi=True)
    for name in ("x1", "x2"):
        add(center, "a1", "c1", f"{THIRD}{name[1]}", name)
        center.run(commands.ConnectSystem(center.ids[name]))
    center.ledger(
        """
        1 s    a1 puts-on-hold c1 x2     PartyHeld x2 x2
        2 s    a1 hangs-up c1            PartyResumed x1 x1; PartyResumed x2 x2;
                                         CustomerPassed c1 to x1;
                                         ContactEnded c1 OTHER CONNECTED_ONHOLD
        """,
        hide=NOISE,
        late=True,
    )
    assert bridged(center) == {"c1", "x1", "x2"}


def test_who_was_held_and_muted_by_a_supervisor_helps_himself_when_he_is_gone():
    center = monitored("BARGE")
    center.ledger(
        """
        5 s    a3 barges m1                 MonitorStateChanged m1 a3 BARGE
        6 s    a3 puts-on-hold m1 c1/agent  PartyHeld c1 c1/agent
        6 s    a3 mutes m1 c1/agent         PartyMuted c1 c1/agent muted forced
        7 s    a1 takes-back c1 c1/agent    refused InvalidRequest
        7 s    a1 unmutes c1 c1/agent       refused InvalidRequest
        8 s    a3 hangs-up m1               ContactEnded m1 AGENT_DISCONNECT CONNECTED;
                                            ContactCleared m1 a3; ContactCompleted m1
        8 s    a2 monitors c1 m2 BARGE      PartyAdded m2 m2/agent monitor connecting
        9 s    a1 takes-back c1 c1/agent    PartyResumed c1 c1/agent
        9 s    a1 unmutes c1 c1/agent       PartyMuted c1 c1/agent unmuted
        """,
        hide=NOISE,
        late=True,
    )


def test_a_supervisor_holds_a_customer_who_was_left_with_a_third_party():
    center = monitored("BARGE")
    add(center, "a1", "c1", THIRD, "x1")
    center.run(commands.ConnectSystem(center.ids["x1"]))
    center.ledger(
        """
        5 s     a3 barges m1             MonitorStateChanged m1 a3 BARGE
        6 s     a1 hangs-up c1           CustomerPassed c1 to x1;
                                         ContactEnded c1 OTHER CONNECTED_ONHOLD
        7 s     a3 puts-on-hold m1 c1    PartyHeld x1 c1
        8 s     a3 puts-on-hold m1 c1    refused InvalidRequest
        """,
        hide=NOISE,
        late=True,
    )
    run = center.contact("x1").runs["customer"]
    assert (run.flow_type, bridged(center)) == ("CUSTOMER_HOLD", {"x1", "m1/agent"})
    center.ledger(
        """
        9 s     a3 puts-on-hold m1 x1    PartyHeld x1 x1
        10 s    a3 takes-back m1 x1      PartyResumed x1 x1
        """,
        hide=NOISE,
        late=True,
    )
    assert center.contact("x1").runs["customer"] is run, "the customer's music plays on"
    center.ledger(
        """
        11 s    a3 takes-back m1 c1      PartyResumed x1 c1
        12 s    a3 takes-back m1 c1      refused InvalidRequest
        13 s    x1 leaves                ContactEnded x1 THIRD_PARTY_DISCONNECT IN_FLOW;
                                         ContactCompleted x1;
                                         ContactEnded m1 THIRD_PARTY_DISCONNECT CONNECTED;
                                         ContactCleared m1 a3; ContactCompleted m1
        """,
        hide=NOISE,
        late=True,
    )


def test_the_next_contact_is_the_one_that_got_the_customer():
    center = consulting()
    first = center.ids["t1"]
    center.ledger(
        """
        1 s    a2 hangs-up t1    ContactEnded t1 AGENT_DISCONNECT CONNECTED
        1 s    a2 clears t1      ContactCleared t1 a2; ContactCompleted t1
        """,
        hide=NOISE,
        late=True,
    )
    assert center.contact("c1").next_contact_id == first
    add(center, "a1", "c1", "to-a2", "t2")
    hear_out(center, "t2")
    take(center, "a2", "t2")
    assert center.contact("c1").next_contact_id == first
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    c1 = center.contact("c1")
    assert (c1.next_contact_id, c1.next_contacts) == (center.ids["t2"], [first, center.ids["t2"]])


# Who is shown


def shown(center: Driver, alias: str) -> list[str]:
    """Whom the agent of a contact is shown, in order."""
    contact = center.contact(alias)
    call = calls.call_of(center.center, contact)
    assert call is not None
    return [center.leg_alias(each.leg) for each in calls.seen(center.center, call, contact)]


def test_an_agent_is_shown_himself_then_his_customer_and_whom_he_has_added():
    center = consulting()
    assert shown(center, "c1") == ["c1/agent", "c1", "t1/agent"]
    assert shown(center, "t1") == ["t1/agent", "c1/agent"], "the customer is not his"
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    assert shown(center, "t1") == ["t1/agent", "c1"]


def test_with_multi_party_conference_everybody_is_shown_everybody_but_supervisors():
    center = consulting(multi=True)
    center.run(
        commands.MonitorContact(
            agent_id=center.ids["a3"], contact_id="c1", capabilities=("SILENT_MONITOR",)
        )
    )
    (m1,) = (each for each in center.center.contacts.values() if each.monitors is not None)
    center.name("m1", m1.id)
    center.run(commands.ConnectAgent(m1.id))
    assert shown(center, "t1") == ["t1/agent", "c1", "c1/agent"]
    assert shown(center, "m1") == ["m1/agent", "c1", "c1/agent", "t1/agent"]
    center.an_agent("a4", "basic")
    center.ledger(
        "1 s    a4 monitors c1 m2    PartyAdded m2 m2/agent monitor connecting",
        hide=NOISE,
        late=True,
    )
    assert "m2/agent" not in shown(center, "m1"), "supervisors are not told of each other"


# Where quick connects lead


def test_a_quick_connect_to_a_number_dials_it_and_names_itself():
    center = talking()
    config = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": THIRD}}
    out = center.create("quick_connect", "out", {"Name": "out", "QuickConnectConfig": config})
    add(center, "a1", "c1", "out", "x1")
    x1 = center.contact("x1")
    party = center.center.calls["c1"].parties[x1.id]
    assert (party.number, party.quick_connect_id, party.added_by) == (THIRD, out, "c1")
    assert (x1.customer_number, x1.started_with, x1.queue_id) == (THIRD, out, None)
    assert x1.initiation_method == "EXTERNAL_OUTBOUND"


def test_a_quick_connect_to_an_agent_names_itself_and_its_target():
    center = talking()
    add(center, "a1", "c1", "to-a2", "t1")
    t1 = center.contact("t1")
    party = center.center.calls["c1"].parties[f"{t1.id}/agent"]
    assert (party.number, party.quick_connect_id) == (None, center.ids["to-a2"])
    assert (t1.queue_id, t1.started_with) == (center.ids["a2"], center.ids["to-a2"])


@pytest.mark.parametrize(
    ("whom", "code", "field"),
    [
        ({"number": "12"}, "InvalidParameterException", "PhoneNumber: '12' is no E.164 number"),
        ({}, "InvalidParameterException", "PhoneNumber: ''"),
        ({"quick_connect_id": "x"}, "ResourceNotFoundException", "EndpointARN: "),
    ],
)
def test_who_cannot_be_added_is_named(whom, code, field):
    center = talking()
    with pytest.raises(Refusal) as caught:
        center.run(commands.AddParty(agent_id=center.ids["a1"], contact_id="c1", **whom))
    assert (caught.value.code, caught.value.message[: len(field)]) == (code, field)
    assert states(center)["c1"] == "connected"


def test_a_quick_connect_whose_user_or_flow_is_gone_is_refused():
    center = talking()
    flow = center.center.resources["quick_connect"][center.ids["to-a2"]].properties
    for changes, code, field in (
        ({"UserId": "nobody"}, "ResourceNotFoundException", "EndpointARN: "),
        ({"ContactFlowId": "nothing"}, "InvalidRequestException", "ContactFlowId: "),
    ):
        config = {**flow["QuickConnectConfig"]}
        config["UserConfig"] = {**config["UserConfig"], **changes}
        with pytest.raises(Refusal) as caught:
            transfer.way_of(center.center, config)
        assert (caught.value.code, caught.value.message[: len(field)]) == (code, field)


# What a transfer flow does with those it came from, once more


def previous(center: Driver, state: str, alias: str = "t1") -> tuple[events.Event, ...] | None:
    ask = dialogue.SetPreviousParticipant(state)
    return transfer.set_previous(center.center, center.contact(alias), ask)


def test_who_is_on_hold_already_is_not_put_on_hold_again():
    center = talking()
    add(center, "a1", "c1", "to-support", "t1")
    assert previous(center, "CustomerOnHold") == ()
    (resumed,) = (
        each
        for each in previous(center, "OffHold") or ()
        if isinstance(each, events.ContactResumed)
    )
    assert resumed.contact_id == "c1"
    told = previous(center, "AgentOnHold") or ()
    assert events.PartyHeld("c1", "c1", "c1/agent") in told
    assert events.ContactResumed("c1") in told
    assert not any(isinstance(each, events.FlowEntered) for each in told), "he hears this flow"
    center.happen(*told)
    assert previous(center, "AgentOnHold") == ()
    assert events.ContactHeld("c1") in (previous(center, "CustomerOnHold") or ())
    assert events.PartyResumed("c1", "c1", "c1/agent") in (previous(center, "OffHold") or ())


def test_a_contact_that_came_from_no_call_holds_nobody():
    center = talking()
    add(center, "a1", "c1", "to-support", "t1")
    center.enqueue("c2", "sales")
    assert previous(center, "CustomerOnHold", "c2") is None
    center.run(commands.LoseChannel("c1", "CUSTOMER_DISCONNECT"))
    assert previous(center, "CustomerOnHold") == (), "the customer has left"
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    assert center.ids["t1"] not in center.center.contacts


@pytest.mark.parametrize("action", [commands.HoldContact, commands.ResumeContact])
def test_holding_and_resuming_ones_customer_needs_a_customer(action):
    center = talking()
    agent = center.ids["a1"]
    with pytest.raises(Refusal, match="c9"):
        center.run(action(agent, "c9"))
    with pytest.raises(Refusal):
        center.run(action(center.ids["a2"], "c1"))
    if action is commands.ResumeContact:
        with pytest.raises(Refusal, match="is CONNECTED; ResumeContact"):
            center.run(action(agent, "c1"))
        center.run(commands.HoldContact(agent, "c1"))
    center.run(action(agent, "c1"))
    held = action is commands.HoldContact
    assert states(center)["c1"] == ("hold" if held else "connected")
    assert center.agent("a1").contacts["c1"].state == ("CONNECTED_ONHOLD" if held else "CONNECTED")
    assert ("customer" in center.contact("c1").runs) is held, "the hold flow"
