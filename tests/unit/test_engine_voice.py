"""Voice: what a carrier with real far ends must be told, line by line; desk phones; recordings."""

from typing import Any

import pytest

from call_builders import an_office, asks_for, call, calling_out, hear_out, talking
from effect_walks import standing, walk
from engine_builders import START, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.domain import commands, dialogue, events
from ringfloor.domain.contact import Recording, Sound
from ringfloor.engine import effects, recordings
from ringfloor.engine.effects import channels
from ringfloor.server.agent_snapshot import snapshot
from ringfloor.telephony import commands as telephony

DESK = "+12065550150"


def at_hand(**options: Any) -> Driver:
    """a1 is Available; nothing answers by itself."""
    center = an_office(**options)
    center.available("a1")
    return center


# Who is where


def test_an_inbound_call_from_answer_to_hang_up():
    walk(
        at_hand(),
        """
        c1 call sales           Answer c1; StartMusic c1
        a1 accepts c1           Originate c1/agent agent:a1
        c1 up                   Play c1/agent
        c1 heard agent          StopMusic c1; Play c1
        c1 heard customer       CreateBridge c1/bridge; AddToBridge c1/bridge c1;
                                AddToBridge c1/bridge c1/agent
        a1 holds c1             RemoveFromBridge c1/bridge c1; StartMusic c1
        a1 resumes c1           StopMusic c1; AddToBridge c1/bridge c1
        a1 mutes c1 c1/agent    Mute c1/agent
        a1 hangs-up c1          HangUp c1; HangUp c1/agent; DestroyBridge c1/bridge
        """,
    )


def test_a_consultation_a_conference_and_a_warm_transfer():
    walk(
        talking(),
        """
        a1 adds c1 to-a2 t1     RemoveFromBridge c1/bridge c1; StartMusic c1; Play c1/agent
        t1 heard customer       StartMusic c1/agent
        a2 accepts t1           Originate t1/agent agent:a2
        t1 up                   StopMusic c1/agent; Play c1/agent
        t1 heard customer       CreateBridge c1/bridge; AddToBridge c1/bridge c1/agent;
                                AddToBridge c1/bridge t1/agent
        a1 swaps c1             RemoveFromBridge c1/bridge t1/agent; StopMusic c1;
                                AddToBridge c1/bridge c1; StartMusic t1/agent
        a1 joins c1             StopMusic t1/agent; AddToBridge c1/bridge t1/agent
        a1 hangs-up c1          AddToBridge c1/bridge c1; HangUp c1/agent
        c1 leaves               HangUp c1; HangUp t1/agent; DestroyBridge c1/bridge
        """,
    )


def test_a_cold_transfer_to_a_queue_takes_its_music_along():
    walk(
        talking(),
        """
        a1 adds c1 to-support t1    RemoveFromBridge c1/bridge c1; StartMusic c1; Play c1/agent
        t1 heard customer           StartMusic c1/agent
        a1 hangs-up c1              StopMusic c1; RemoveFromBridge c1/bridge c1; StartMusic c1;
                                    HangUp c1/agent; DestroyBridge c1/bridge
        a2 accepts t1               Originate t1/agent agent:a2
        t1 up                       Play t1/agent
        t1 heard agent              StopMusic c1; Play c1
        t1 heard customer           CreateBridge t1/bridge; AddToBridge t1/bridge c1;
                                    AddToBridge t1/bridge t1/agent
        """,
    )


def test_who_dials_a_third_party_hears_it_ring():
    walk(
        talking(),
        """
        a1 adds c1 +12065550177 e1  RemoveFromBridge c1/bridge c1; Originate e1 +12065550177;
                                    AddToBridge c1/bridge e1; StartMusic c1
        e1 answers                  AddToBridge c1/bridge e1
        a1 joins c1                 StopMusic c1; AddToBridge c1/bridge c1
        a1 presses c1 e1 12         SendDigits e1 12
        a1 hangs-up c1              AddToBridge c1/bridge c1; HangUp c1/agent
        c1 leaves                   HangUp c1; HangUp e1; DestroyBridge c1/bridge
        """,
    )


def test_keys_for_a_third_party_are_pressed_once_it_has_answered_and_the_customer_hears_it_ring():
    center = calling_out(ThirdPartyDTMFDigits="1,2")
    (x1,) = (each for each in center.center.contacts if each != "c1")
    center.name("x1", x1)
    assert [each for each in standing(center) if "Bridge" in each or "Originate" in each] == [
        "AddToBridge c1/bridge c1",
        "Originate x1 +12065550177",
        "AddToBridge c1/bridge x1",
    ]
    done = center.run(commands.ConnectSystem(x1))
    assert [type(each) for each in done.effects] == [telephony.AddToBridge, telephony.SendDigits]
    assert done.effects[1].digits == "1,2"


def test_an_agent_who_calls_hears_how_it_rings_and_the_callee_hears_the_whisper_alone():
    walk(
        at_hand(),
        """
        a1 dials-out o1         Originate o1/agent agent:a1
        o1 up                   Originate o1 +12065550199; AddToBridge o1/bridge o1/agent;
                                AddToBridge o1/bridge o1
        o1 answers              RemoveFromBridge o1/bridge o1; Play o1
        o1 heard customer       CreateBridge o1/bridge; AddToBridge o1/bridge o1;
                                AddToBridge o1/bridge o1/agent
        a1 hangs-up o1          HangUp o1; HangUp o1/agent; DestroyBridge o1/bridge
        """,
    )


def test_of_a_call_that_comes_to_nothing_no_bridge_is_left():
    center = at_hand()
    walk(
        center,
        """
        a1 dials-out o1         Originate o1/agent agent:a1
        o1 up                   Originate o1 +12065550199; AddToBridge o1/bridge o1/agent;
                                AddToBridge o1/bridge o1
        """,
    )
    seen = {center.leg_alias(each.channel_id): each for each in channels(center.center)}
    assert {leg: (each.state, each.bridge_id) for leg, each in seen.items()} == {
        "o1": ("ringing", f"{center.ids['o1']}/bridge"),
        "o1/agent": ("up", f"{center.ids['o1']}/bridge"),
    }
    assert standing(center) == [
        "Originate o1 +12065550199",
        "AddToBridge o1/bridge o1/agent",
        "AddToBridge o1/bridge o1",
    ]
    gone = "HangUp o1; HangUp o1/agent; DestroyBridge o1/bridge"
    walk(center, f"o1 lost TELECOM_BUSY    {gone}")


def test_the_agent_of_a_callback_waits_for_its_customer_in_the_bridge():
    center = at_hand()
    asks_for(center, InitialCallDelaySeconds="0", MaximumConnectionAttempts="2")
    callback = call(center)
    center.name("b1", callback.id)
    number = callback.customer_number
    walk(
        center,
        f"""
        a1 accepts b1           Originate b1/agent agent:a1
        b1 up                   Play b1/agent
        b1 heard agent          Originate b1 {number}; AddToBridge b1/bridge b1/agent;
                                AddToBridge b1/bridge b1
        b1 lost TELECOM_BUSY    HangUp b1; HangUp b1/agent; DestroyBridge b1/bridge
        """,
    )


def test_a_supervisor_listens_until_he_barges_in():
    center = talking(agents=3)
    supervises = commands.MonitorContact(
        agent_id=center.ids["a3"], contact_id="c1", capabilities=("SILENT_MONITOR", "BARGE")
    )
    m1 = center.name("m1", center.run(supervises).answer)
    up = center.run(commands.ConnectAgent(m1)).effects
    roles = {each.channel_id: each.role for each in up if isinstance(each, telephony.AddToBridge)}
    assert roles == {"c1": "participant", "c1/agent": "participant", f"{m1}/agent": "listen"}
    walk(
        center,
        """
        a3 barges m1      AddToBridge c1/bridge m1/agent
        a3 listens m1     AddToBridge c1/bridge m1/agent listen
        a3 hangs-up m1    HangUp m1/agent
        """,
    )


def test_a_call_that_comes_in_is_answered_again_after_a_restart():
    center = at_hand()
    center.enqueue("c1", "sales")
    assert standing(center) == ["Answer c1", "StartMusic c1"]
    walk(center, "c1 leaves    HangUp c1")
    assert standing(center) == []


def test_a_customer_who_has_left_is_not_looked_for_while_the_others_talk_on():
    center = talking()
    walk(
        center,
        """
        a1 adds c1 +12065550177 e1  RemoveFromBridge c1/bridge c1; Originate e1 +12065550177;
                                    AddToBridge c1/bridge e1; StartMusic c1
        e1 answers                  AddToBridge c1/bridge e1
        c1 leaves                   StopMusic c1; HangUp c1
        c1 leaves                   -
        """,
    )
    assert center.contact("c1").stage == "CONNECTED"
    there = {center.leg_alias(each.channel_id) for each in channels(center.center)}
    assert there == {"c1/agent", "e1"}
    assert "Answer c1" not in standing(center)


@pytest.mark.parametrize("number", ["anonymous", "", "1001"])
def test_a_number_that_is_none_is_shown_as_withheld(number):
    center = at_hand()
    flow = center.way_to("sales")
    center.run(commands.StartInboundContact(contact_id="c1", from_number=number, flow_id=flow))
    (rung,) = center.run(commands.AcceptContact(center.ids["a1"], "c1")).effects
    assert rung.from_ == ""
    assert center.contact("c1").customer_number == number


# What a page is told


def softphone(center: Driver, agent: str = "a1") -> dict[str, Any] | None:
    """softphoneMediaInfo of the agent's own connection in his one contact."""
    (shown,) = snapshot(center.center, center.ids[agent], center.at)["contacts"]
    (own,) = (each for each in shown["connections"] if each["type"] in ("agent", "monitoring"))
    others = [each for each in shown["connections"] if each is not own]
    assert not any("softphoneMediaInfo" in each for each in others)
    return own.get("softphoneMediaInfo")


def test_a_page_is_told_the_channel_to_attach_to_once_it_rings():
    center = at_hand()
    told = {"callType": "audio_only", "autoAccept": False}
    attaches = {**told, "mediaLegContextToken": "c1/agent"}
    center.enqueue("c1", "sales")
    assert softphone(center) == told
    for command in (
        commands.AcceptContact(center.ids["a1"], "c1"),
        commands.ConnectAgent("c1"),
    ):
        center.run(command)
        assert softphone(center) == attaches
    hear_out(center, "c1")
    assert center.contact("c1").stage == "CONNECTED"
    assert softphone(center) == attaches
    center.run(commands.LeaveContact(center.ids["a1"], "c1"))
    assert softphone(center) == told


def test_a_page_of_a_supervisor_attaches_to_his_own_channel():
    center = talking(agents=3)
    supervises = commands.MonitorContact(
        agent_id=center.ids["a3"], contact_id="c1", capabilities=("SILENT_MONITOR",)
    )
    m1 = center.run(supervises).answer
    for told in ("rings", "is up"):
        assert softphone(center, "a3")["mediaLegContextToken"] == f"{m1}/agent", told
        center.run(commands.ConnectAgent(m1))


def test_a_page_carries_neither_desk_phones_nor_chats():
    center = with_desk_phone()
    center.enqueue("c1", "sales")
    assert softphone(center) is None
    center.run(commands.ConnectAgent("c1"))
    assert softphone(center) is None
    center = at_hand(profiles={"chats": ProfileOf("sales/CHAT", voice=0, chat=1)})
    center.enqueue("c1", "sales", "CHAT")
    assert softphone(center) is None


# Desk phones


def with_desk_phone(*, auto_accept: bool = False, **options: Any) -> Driver:
    """a1 has a desk phone."""
    center = at_hand(**options)
    phone = {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": DESK, "AutoAccept": auto_accept}
    center.update("user", "a1", PhoneConfig=phone)
    return center


@pytest.mark.parametrize("auto_accept", [False, True])
def test_a_desk_phone_rings_with_the_offer_and_is_accepted_by_picking_it_up(auto_accept):
    center = with_desk_phone(auto_accept=auto_accept)
    walk(
        center,
        f"""
        c1 call sales     Answer c1; Originate c1/agent {DESK}; StartMusic c1
        c1 up             Play c1/agent
        """,
    )
    held = center.agent("a1").contacts["c1"]
    assert (center.contact("c1").stage, held.state) == ("ACCEPTED", "CONNECTING")
    (agents,) = (each for each in channels(center.center) if each.channel_id == "c1/agent")
    assert (agents.address, agents.state) == (DESK, "up")


def test_a_desk_phone_rings_as_long_as_the_offer():
    center = with_desk_phone()
    effects_ = center.enqueue("c1", "sales").effects
    (rung,) = (each for each in effects_ if isinstance(each, telephony.Originate))
    assert rung.timeout_ms == 20_000
    center.at += 5_000
    (again,) = (each for each in effects.outstanding(center.center) if type(each) is type(rung))
    assert (again.to, again.timeout_ms) == (DESK, 20_000), "the center has not looked at the clock"
    center.ledger(
        """
        20 s    -           OfferMissed c1 a1 unanswered
        21 s    c1 up       -
        22 s    a1 clears c1    ContactCleared c1 a1; ContactOffered c1 a1 until 42 s
        """
    )
    hung_up = [each for each in center.center.contacts.values() if each.agent_legs == 1]
    assert hung_up, "whoever takes it next has a leg of his own"


@pytest.mark.parametrize(
    ("what", "lost"),
    [
        ("c1 drops-out", "HangUp c1/agent"),
        ("c1 leaves", "HangUp c1/agent; HangUp c1"),
    ],
)
def test_a_desk_phone_that_is_declined_or_not_needed_is_silent_again(what, lost):
    walk(
        with_desk_phone(),
        f"""
        c1 call sales     Answer c1; Originate c1/agent {DESK}; StartMusic c1
        {what}            {lost}
        """,
    )


def test_after_a_missed_offer_the_next_desk_phone_rings_on_another_leg():
    walk(
        with_desk_phone(),
        f"""
        c1 call sales     Answer c1; Originate c1/agent {DESK}; StartMusic c1
        c1 drops-out      HangUp c1/agent
        a1 clears c1      Originate c1/1/agent {DESK}
        c1 up             -
        c1 drops-out      -
        c1 up 1           Play c1/1/agent
        """,
    )


def test_who_accepts_in_his_panel_picks_up_the_phone_that_rings_already():
    walk(
        with_desk_phone(),
        f"""
        c1 call sales     Answer c1; Originate c1/agent {DESK}; StartMusic c1
        a1 accepts c1     -
        c1 up             Play c1/agent
        """,
    )


def test_a_softphone_that_is_offered_something_rings_and_loses_nothing():
    center = at_hand()
    center.enqueue("c1", "sales")
    for stale in (commands.ConnectAgent("c1", 0), commands.LoseAgent("c1", 0)):
        assert center.run(stale).events == ()


def test_of_callbacks_a_desk_phone_rings_when_they_are_accepted_and_for_own_calls_at_once():
    center = with_desk_phone()
    walk(center, f"a1 dials-out o1    Originate o1/agent {DESK}")
    center.run(commands.LeaveContact(center.ids["a1"], center.ids["o1"]))
    asks_for(center, InitialCallDelaySeconds="0")
    callback = center.name("b1", call(center).id)
    assert center.contact(callback).stage == "OFFERED"
    assert center.contact(callback).desk_phone is None
    walk(center, f"a1 accepts b1    Originate b1/agent {DESK}")


def test_the_setting_for_calls_says_which_phone_rings():
    center = with_desk_phone()
    own = [{"Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+12065550151"}]
    center.update("user", "a1", PhoneNumberConfigs=own)
    walk(
        center,
        "c1 call sales     Answer c1; Originate c1/agent +12065550151; StartMusic c1",
    )


# Recordings


def recorded(participants: object, *, newer: bool = False, **options: Any) -> Driver:
    """Calls of sales are to be recorded so; a1 is Available."""
    center = at_hand(**options)
    said: dict[str, Any] = {"RecordingBehavior": {"RecordedParticipants": participants}}
    kind = "UpdateContactRecordingBehavior"
    if newer:
        said = {"VoiceBehavior": {"VoiceRecordingBehavior": said["RecordingBehavior"]}}
        kind = "UpdateContactRecordingAndAnalyticsBehavior"
    aim = {"QueueId": center.ids["sales"]}
    error = {"NoMatchingError": "bye"}
    content = a_content(
        an_action("record", kind, said, "aim", **error, ChannelMismatch="bye"),
        an_action("aim", "UpdateContactTargetQueue", aim, "enter", **error),
        an_action("enter", "TransferContactToQueue", {}, "bye", QueueAtCapacity="bye", **error),
        an_action("bye", "DisconnectParticipant"),
    )
    center.run(
        commands.UpdateResource("contact_flow", center.way_to("sales"), {"Content": content})
    )
    return center


def taken(center: Driver) -> list[str]:
    """What happens when a1 and c1 are joined."""
    center.enqueue("c1", "sales")
    center.run(commands.AcceptContact(center.ids["a1"], "c1"))
    center.run(commands.ConnectAgent("c1"))
    for side in ("agent", "customer"):
        number = center.runs("c1", side).number
        done = center.run(commands.Hear("c1", number, dialogue.Done()))
    return [type(each).__name__ for each in done.effects]


JOINED = ["CreateBridge", "AddToBridge", "AddToBridge"]


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize(
    ("participants", "track", "sides"),
    [
        (["Agent", "Customer"], "ALL", "both"),
        (["Customer", "Agent"], "ALL", "both"),
        (["Agent"], "FROM_AGENT", "right"),
        (["Customer"], "TO_AGENT", "left"),
    ],
)
def test_a_flow_says_who_is_recorded_once_both_are_there(participants, track, sides, newer):
    center = recorded(participants, newer=newer)
    assert taken(center) == [*JOINED, "StartRecording"]
    assert center.contact("c1").recording == Recording(track, "RECORDING", START)
    (begun,) = (
        each
        for each in effects.outstanding(center.center)
        if isinstance(each, telephony.StartRecording)
    )
    assert begun == telephony.StartRecording(
        "c1/recording",
        "c1/bridge",
        "c1/agent",
        "connect/test/CallRecordings/2023/11/14/c1_20231114T22:13_UTC.wav",
        sides,
    )


@pytest.mark.parametrize("participants", [[], ["Somebody"], "Agent", None, {"Agent": 1}, [1]])
def test_what_says_nobody_records_nobody(participants):
    center = recorded(participants)
    assert taken(center) == JOINED
    assert center.contact("c1").recording is None


def test_a_recording_goes_on_while_the_customer_is_on_hold_and_ends_with_the_contact():
    center = recorded(["Agent", "Customer"])
    taken(center)
    change = {"contact_id": "c1", "initial_contact_id": "c1"}
    walk(
        center,
        """
        a1 holds c1       RemoveFromBridge c1/bridge c1; StartMusic c1
        suspend           PauseRecording c1/recording
        resume            ResumeRecording c1/recording
        suspend           PauseRecording c1/recording
        a1 hangs-up c1    StopRecording c1/recording; HangUp c1; HangUp c1/agent;
                          DestroyBridge c1/bridge
        """,
        suspend=commands.ChangeRecording(**change, action="SUSPEND"),
        resume=commands.ChangeRecording(**change, action="RESUME"),
    )


def test_after_a_restart_recordings_go_on_as_they_were():
    center = recorded(["Agent"])
    taken(center)
    begins = "StartRecording c1/agent c1/bridge right"
    assert [each for each in standing(center) if "Recording" in each] == [begins]
    center.run(commands.ChangeRecording(contact_id="c1", initial_contact_id="c1", action="SUSPEND"))
    assert [each for each in standing(center) if "Recording" in each] == [
        begins,
        "PauseRecording c1/recording",
    ]


def test_a_recording_that_is_asked_for_early_begins_when_the_agent_joins():
    center = at_hand()
    center.enqueue("c1", "sales")
    asked = {"contact_id": "c1", "initial_contact_id": "c1"}
    center.ledger(
        """
        0 s    start      RecordingBehaviorSet c1
        0 s    suspend    refused InvalidRequest
        """,
        start=commands.ChangeRecording(**asked, action="START", track="TO_AGENT"),
        suspend=commands.ChangeRecording(**asked, action="SUSPEND"),
    )
    center.run(commands.AcceptContact(center.ids["a1"], "c1"))
    center.run(commands.ConnectAgent("c1"))
    for side in ("agent", "customer"):
        center.run(commands.Hear("c1", center.runs("c1", side).number, dialogue.Done()))
    assert center.contact("c1").recording == Recording("TO_AGENT", "RECORDING", START)


def test_each_contact_has_a_recording_of_its_own():
    """That of who leaves ends; that of the consultation is asked for by its own flow, or not."""
    center = recorded(["Agent", "Customer"])
    taken(center)
    center.available("a2")
    walk(
        center,
        """
        a1 adds c1 to-a2 t1     RemoveFromBridge c1/bridge c1; StartMusic c1; Play c1/agent
        t1 heard customer       StartMusic c1/agent
        a2 accepts t1           Originate t1/agent agent:a2
        t1 up                   StopMusic c1/agent; Play c1/agent
        t1 heard customer       CreateBridge c1/bridge; AddToBridge c1/bridge c1/agent;
                                AddToBridge c1/bridge t1/agent
        a1 hangs-up c1          StopMusic c1; AddToBridge c1/bridge c1;
                                StopRecording c1/recording; HangUp c1/agent
        """,
    )
    t1 = center.contact("t1")
    record = commands.ChangeRecording(
        contact_id=t1.id, initial_contact_id="c1", action="START", track="ALL"
    )
    walk(center, "start    StartRecording t1/agent c1/bridge both", start=record)


@pytest.mark.parametrize(
    ("bucket", "prefix", "folder"),
    [
        ("acme", "voice/calls", "acme/voice/calls"),
        ("acme", "", "acme"),
        ("acme", "../../etc//./x y", "acme/etc/x_y"),
    ],
)
def test_recordings_are_named_as_the_instances_storage_says(bucket, prefix, folder):
    center = recorded(["Agent"])
    place = {"StorageType": "S3", "S3Config": {"BucketName": bucket, "BucketPrefix": prefix}}
    center.create(
        "storage_config", "s", {"ResourceType": "CALL_RECORDINGS", "StorageConfig": place}
    )
    taken(center)
    name = recordings.storage_key(center.center, center.contact("c1"))
    assert name == f"{folder}/2023/11/14/c1_20231114T22:13_UTC.wav"


KEPT = "connect/test/CallRecordings/2023/11/14/c1_20231114T22:13_UTC.wav"


def test_where_a_recording_is_kept_is_said_of_live_contacts_and_of_final_ones():
    center = recorded(["Agent"])
    taken(center)
    center.ledger(
        """
        1 s    a1 hangs-up c1    ContactEnded c1 AGENT_DISCONNECT CONNECTED
        2 s    kept              RecordingStored c1
        3 s    kept              -
        4 s    a1 clears c1      ContactCleared c1 a1; ContactCompleted c1
        5 s    dropped           RecordAmended
        5 s    kept              RecordAmended
        """,
        kept=commands.KeepRecording("c1", KEPT),
        dropped=commands.DropRecording("c1", "too old"),
    )
    final = center.log[-3][1][-1].contact
    assert final.recording == Recording(
        "FROM_AGENT", "STOPPED", START, START + 1_000, KEPT, "AVAILABLE"
    )
    assert center.log[-2][1] == (
        events.RecordAmended(events.RecordingStored("c1", "DELETED", None, "too old")),
    )


def test_a_recording_that_breaks_off_is_over():
    center = recorded(["Agent"])
    taken(center)
    lost = commands.LoseRecording("c1")
    center.ledger(
        """
        1 s    lost    RecordingChanged c1 STOPPED
        2 s    lost    -
        3 s    again   refused InvalidRequest
        """,
        lost=lost,
        again=commands.ChangeRecording(
            contact_id="c1", initial_contact_id="c1", action="START", track="ALL"
        ),
    )
    assert center.run(commands.LoseRecording("nobody")).events == ()
    assert center.run(commands.KeepRecording("c1", KEPT)).events != (), "what there is of it"


# How it sounded


GOOD, BAD = Sound(4.41), Sound(1.5, ("HighPacketLoss",))


def test_how_channels_sounded_is_told_of_those_whose_they_were():
    center = talking()
    center.ledger(
        """
        1 s    agents     SoundMeasured c1
        2 s    c1 leaves  ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        2 s    customers  SoundMeasured c1
        3 s    a1 clears c1    ContactCleared c1 a1; ContactCompleted c1
        4 s    customers  RecordAmended
        """,
        agents=commands.MeasureSound("c1/agent", GOOD),
        customers=commands.MeasureSound("c1", BAD),
    )
    final = next(
        each.contact
        for _, happened in center.log
        for each in happened
        if isinstance(each, events.ContactCompleted)
    )
    assert final.sound == {"agent": GOOD, "customer": BAD}


def test_a_customer_who_was_handed_on_is_measured_for_whoever_had_him_last():
    center = talking()
    walk(
        center,
        """
        a1 adds c1 to-a2 t1     RemoveFromBridge c1/bridge c1; StartMusic c1; Play c1/agent
        t1 heard customer       StartMusic c1/agent
        a2 accepts t1           Originate t1/agent agent:a2
        t1 up                   StopMusic c1/agent; Play c1/agent
        t1 heard customer       CreateBridge c1/bridge; AddToBridge c1/bridge c1/agent;
                                AddToBridge c1/bridge t1/agent
        a1 hangs-up c1          StopMusic c1; AddToBridge c1/bridge c1; HangUp c1/agent
        """,
    )
    center.run(commands.MeasureSound("c1", GOOD))
    assert center.contact("t1").sound == {"customer": GOOD}
    center.run(commands.LeaveContact(center.ids["a2"], center.ids["t1"]))
    center.run(commands.MeasureSound("c1", BAD))
    assert center.contact("t1").sound == {"customer": BAD}, "its agent still works on it"
    center.run(commands.MeasureSound(f"{center.ids['t1']}/agent", GOOD))
    assert center.contact("t1").sound == {"customer": BAD, "agent": GOOD}
    assert center.contact("c1").sound == {}
    center.check_history()


def test_a_flow_may_ask_for_the_headers_of_the_call():
    center = a_center(driver=Driver(answers=False))
    text = "$.Media.Sip.Headers.P-Charge-Info and $.Media.Sip.Headers.JIP"
    flow = center.a_flow(
        "asks", a_content(an_action("say", "MessageParticipant", {"Text": text}, "say"))
    )
    center.run(
        commands.StartInboundContact(
            contact_id="c1",
            from_number="+12065550100",
            flow_id=flow,
            headers={"P-Charge-Info": "<sip:1@x>"},
        )
    )
    assert center.runs("c1").ask.prompt.value == "<sip:1@x> and "
