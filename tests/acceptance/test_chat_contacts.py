"""Chats as contacts, through boto3: started, described, stopped, continued, joined by a bot."""

import json

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter
from acceptance.test_streams import until

NOBODY = "00000000-0000-4000-8000-000000000000"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
MINUTE = 60
TOPIC = "arn:aws:sns:us-east-1:123456789012:chats"


class ChatCenter(FirstCenter):
    """Its customers chat; nobody serves them."""

    def __init__(self, server):
        super().__init__(server)
        self.participants = server.client("connectparticipant")

    def start(self, **more):
        given = {"ContactFlowId": self.flow, "ParticipantDetails": {"DisplayName": "Carol"}, **more}
        return self.connect.start_chat_contact(InstanceId=self.instance, **given)

    def come(self, token):
        """Connect with a participant token; answers the connection token."""
        answer = self.participants.create_participant_connection(
            ParticipantToken=token, Type=["CONNECTION_CREDENTIALS"], ConnectParticipant=True
        )
        return answer["ConnectionCredentials"]["ConnectionToken"]

    def say(self, token, text):
        self.participants.send_message(
            ConnectionToken=token, ContentType="text/plain", Content=text
        )

    def transcript(self, token, **more):
        page = self.participants.get_transcript(
            ConnectionToken=token, SortOrder="ASCENDING", MaxResults=100, **more
        )
        return page["Transcript"]

    def describe(self, contact_id):
        return self.connect.describe_contact(InstanceId=self.instance, ContactId=contact_id)[
            "Contact"
        ]

    def stop(self, contact_id):
        self.connect.stop_contact(InstanceId=self.instance, ContactId=contact_id)


@pytest.fixture(scope="module")
def center(server):
    return ChatCenter(server)


def texts(items):
    """What was said, or what happened, in a word."""
    return [each.get("Content") or each["ContentType"].rpartition(".")[2] for each in items]


def refused(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    return caught.value.response["Error"]["Code"].removesuffix("Exception")


def test_a_chat_is_started_described_and_stopped(center):
    started = center.start(
        Attributes={"plan": "gold"},
        CustomerId="customer-7",
        InitialMessage={"ContentType": "text/plain", "Content": "help"},
        ClientToken="once",
    )
    again = center.start(ClientToken="once")
    assert again["ContactId"] == started["ContactId"]
    assert again["ParticipantToken"] == started["ParticipantToken"]
    shown = center.describe(started["ContactId"])
    assert shown["Channel"] == "CHAT"
    assert shown["InitiationMethod"] == "API"
    assert shown["SegmentAttributes"]["connect:Subtype"] == {"ValueString": "connect:Chat"}
    assert shown["CustomerId"] == "customer-7"
    assert shown["QueueInfo"]["Id"] == center.queue
    assert shown["ConnectedToSystemTimestamp"] == shown["InitiationTimestamp"]
    token = center.come(started["ParticipantToken"])
    assert shown["ChatMetrics"]["ChatContactMetrics"]["TotalMessages"] == 2
    assert texts(center.transcript(token)) == ["help", "Hello from the flow.", "joined"]
    center.stop(started["ContactId"])
    assert center.describe(started["ContactId"])["DisconnectReason"] == "API"
    assert center.start(ClientToken="once")["ContactId"] != started["ContactId"]


def test_a_chat_ends_when_nobody_connects_and_at_its_time(center):
    alone, short = center.start(), center.start(ChatDurationInMinutes=60)
    center.come(short["ParticipantToken"])
    center.advance(5 * MINUTE + 1)
    reason = center.describe(alone["ContactId"])["DisconnectReason"]
    assert reason == "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
    assert "DisconnectReason" not in center.describe(short["ContactId"])
    center.advance(55 * MINUTE)
    assert center.describe(short["ContactId"])["DisconnectReason"] == "EXPIRED"


def test_a_chat_continues_one_that_has_ended(center):
    first = center.start()
    token = center.come(first["ParticipantToken"])
    center.say(token, "first")
    how = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": first["ContactId"]}
    assert refused(center.start, PersistentChat=how) == "InvalidRequest"
    center.stop(first["ContactId"])

    second = center.start(PersistentChat=how)
    assert second["ContinuedFromContactId"] == first["ContactId"]
    assert center.describe(second["ContactId"])["RelatedContactId"] == first["ContactId"]
    token = center.come(second["ParticipantToken"])
    center.say(token, "second")
    center.stop(second["ContactId"])

    third = center.start()
    token = center.come(third["ParticipantToken"])
    associated = center.connect.create_persistent_contact_association(
        InstanceId=center.instance,
        InitialContactId=third["ContactId"],
        RehydrationType="FROM_SEGMENT",
        SourceContactId=second["ContactId"],
    )
    assert associated["ContinuedFromContactId"] == second["ContactId"]
    items = center.transcript(token)
    hello = "Hello from the flow."
    before = [hello, "joined", "first", "ended", "rehydrated", hello, "joined", "second", "ended"]
    assert texts(items) == [*before, hello, "joined", "rehydrated"]
    assert [each.get("RelatedContactId") for each in items][:4] == [first["ContactId"]] * 4
    assert [each.get("ContactId") for each in items][-3:] == [third["ContactId"]] * 3
    last_two = center.transcript(token, StartPosition={"MostRecent": 2}, ScanDirection="FORWARD")
    assert texts(last_two) == ["joined", "rehydrated"]
    of_first = center.transcript(token, ContactId=first["ContactId"])
    assert texts(of_first) == [hello, "joined", "first", "ended"]
    of_third = center.transcript(token, ContactId=third["ContactId"])
    assert texts(of_third) == [hello, "joined", "rehydrated"]
    foreign = center.start()["ContactId"]
    for contact_id in (foreign, NOBODY):
        asked = {"ConnectionToken": token, "ContactId": contact_id}
        assert refused(center.participants.get_transcript, **asked) == "Validation"


def test_attributes_are_copied_from_a_related_contact(center):
    before = center.start(Attributes={"plan": "gold", "a": "1"})
    after = center.start(RelatedContactId=before["ContactId"], Attributes={"a": "2"})
    shown = center.describe(after["ContactId"])
    assert shown["Attributes"] == {"plan": "gold", "a": "2"}
    assert shown["RelatedContactId"] == shown["ContactAssociationId"] == before["ContactId"]


def test_a_bot_of_the_users_takes_part(center):
    started = center.start()
    bot = center.connect.create_participant(
        InstanceId=center.instance,
        ContactId=started["ContactId"],
        ParticipantDetails={"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Botty"},
    )
    token = center.come(bot["ParticipantCredentials"]["ParticipantToken"])
    center.say(token, "beep")
    last = center.transcript(token)[-1]
    assert (last["ParticipantRole"], last["DisplayName"]) == ("CUSTOM_BOT", "Botty")
    assert last["ParticipantId"] == bot["ParticipantId"]


def test_timers_tell_who_is_idle_and_end_the_chat(center):
    started = center.start()
    customer = center.come(started["ParticipantToken"])
    bot = center.connect.create_participant(
        InstanceId=center.instance,
        ContactId=started["ContactId"],
        ParticipantDetails={"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Botty"},
    )
    center.come(bot["ParticipantCredentials"]["ParticipantToken"])

    def set_timers(*timers):
        rows = [
            {
                "ParticipantRole": "CUSTOMER",
                "TimerType": type_,
                "TimerValue": {"ParticipantTimerDurationInMinutes": minutes}
                if minutes
                else {"ParticipantTimerAction": "Unset"},
            }
            for type_, minutes in timers
        ]
        center.connect.update_participant_role_config(
            InstanceId=center.instance,
            ContactId=started["ContactId"],
            ChannelConfiguration={"Chat": {"ParticipantTimerConfigList": rows}},
        )

    set_timers(("IDLE", 2), ("DISCONNECT_NONCUSTOMER", 2))
    assert refused(set_timers, ("IDLE", 2), ("IDLE", 3)) == "InvalidParameter"
    center.advance(2 * MINUTE)
    assert texts(center.transcript(customer))[-1] == "idle"
    set_timers(("DISCONNECT_NONCUSTOMER", None))
    center.advance(2 * MINUTE)
    assert "DisconnectReason" not in center.describe(started["ContactId"])
    set_timers(("DISCONNECT_NONCUSTOMER", 3))
    center.advance(1 * MINUTE)
    assert center.describe(started["ContactId"])["DisconnectReason"] == "IDLE_DISCONNECT"


STARTS = {
    "no such flow": ({"ContactFlowId": NOBODY}, "ResourceNotFound"),
    "no text": ({"SupportedMessagingContentTypes": [INTERACTIVE]}, "InvalidParameter"),
    "no such type": (
        {"SupportedMessagingContentTypes": ["text/plain", "text/html"]},
        "InvalidParameter",
    ),
    "first message": (
        {"InitialMessage": {"ContentType": "text/markdown", "Content": "*"}},
        "InvalidParameter",
    ),
    "long first message": (
        {"InitialMessage": {"ContentType": "text/plain", "Content": "é" * 9_000}},
        "InvalidParameter",
    ),
    "guide": (
        {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Guide"}}},
        "InvalidParameter",
    ),
    "other subtype": (
        {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}}},
        "InvalidParameter",
    ),
    "unknown attribute": ({"SegmentAttributes": {"a": {"ValueString": "b"}}}, "InvalidParameter"),
    "related": ({"RelatedContactId": NOBODY}, "ResourceNotFound"),
    "continued": (
        {"PersistentChat": {"RehydrationType": "FROM_SEGMENT", "SourceContactId": NOBODY}},
        "ResourceNotFound",
    ),
    "continued from nothing": (
        {"PersistentChat": {"RehydrationType": "FROM_SEGMENT"}},
        "InvalidRequest",
    ),
    "continued and related": (
        {"PersistentChat": {"SourceContactId": NOBODY}, "RelatedContactId": NOBODY},
        "InvalidRequest",
    ),
    "topic that nobody hears": (
        {"ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC}},
        "InvalidRequest",
    ),
    "connection": ({"ConnectionTypes": ["WEBSOCKET"]}, "InvalidParameter"),
}


@pytest.mark.parametrize("case", STARTS)
def test_what_cannot_be_started(center, case):
    members, error = STARTS[case]
    assert refused(center.start, **members) == error


def test_what_cannot_be_continued(center):
    call = center.dial()
    center.stop(call)
    how = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": call}
    assert refused(center.start, PersistentChat=how) == "InvalidParameter"


BOTS = {
    "role": ({"ParticipantRole": "CUSTOMER", "DisplayName": "c"}, "InvalidRequest"),
    "name": ({"ParticipantRole": "CUSTOM_BOT"}, "InvalidRequest"),
    "video": (
        {
            "ParticipantRole": "CUSTOM_BOT",
            "DisplayName": "c",
            "ParticipantCapabilities": {"Video": "SEND"},
        },
        "InvalidRequest",
    ),
}


@pytest.mark.parametrize("case", BOTS)
def test_who_cannot_be_added(center, case):
    details, error = BOTS[case]
    asked = {"InstanceId": center.instance, "ParticipantDetails": details}
    call = center.connect.create_participant
    assert refused(call, ContactId=center.start()["ContactId"], **asked) == error


def test_only_live_chats_take_participants_and_timers(center):
    bot = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "c"}
    asked = {"InstanceId": center.instance, "ContactId": NOBODY}
    add = center.connect.create_participant
    assert refused(add, **asked, ParticipantDetails=bot) == "ResourceNotFound"
    row = {"ParticipantRole": "CUSTOMER", "TimerType": "IDLE"}
    rows = [{**row, "TimerValue": {"ParticipantTimerDurationInMinutes": 2}}]
    config = {"Chat": {"ParticipantTimerConfigList": rows}}
    set_config = center.connect.update_participant_role_config
    assert refused(set_config, **asked, ChannelConfiguration=config) == "ResourceNotFound"


def test_a_flow_that_hangs_up_at_once_ends_the_chat_and_still_answers(center):
    actions = [
        {"Identifier": "a", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
    ]
    content = json.dumps({"Version": "2019-10-30", "StartAction": "a", "Actions": actions})
    flow = center.connect.create_contact_flow(
        InstanceId=center.instance, Name="bye", Type="CONTACT_FLOW", Content=content
    )["ContactFlowId"]
    started = center.start(ContactFlowId=flow)
    shown = center.describe(started["ContactId"])
    assert shown["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert refused(center.come, started["ParticipantToken"]) == "AccessDenied"


def test_a_chat_is_told_to_topics_while_it_is_streamed(start, tmp_path):
    told = tmp_path / "messages.jsonl"
    center = ChatCenter(
        start("--memory", "--sandbox", "--clock", "virtual", "--stream", f"chat-messages={told}")
    )

    def streamed(name):
        return {"StreamingEndpointArn": f"{TOPIC}-{name}"}

    started = center.start(
        ChatStreamingConfiguration=streamed("first"),
        InitialMessage={"ContentType": "text/plain", "Content": "help"},
    )
    asked = {"InstanceId": center.instance, "ContactId": started["ContactId"]}
    begin = center.connect.start_contact_streaming
    second = {"ChatStreamingConfiguration": streamed("second"), "ClientToken": "t"}
    stream = begin(**asked, **second)["StreamingId"]
    assert begin(**asked, **second)["StreamingId"] == stream
    token = center.come(started["ParticipantToken"])
    center.connect.stop_contact_streaming(**asked, StreamingId=stream)
    center.connect.stop_contact_streaming(**asked, StreamingId=started["StreamingId"])
    center.say(token, "unheard")
    stop = center.connect.stop_contact_streaming
    assert refused(stop, **asked, StreamingId=stream) == "ResourceNotFound"
    bad = {"ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sqs:x"}}
    assert refused(begin, **asked, **bad, ClientToken="u") == "InvalidParameter"

    def look():
        rows = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        return rows if len(rows) >= 4 else None

    rows = until(look)
    said = [json.loads(row["Message"]) for row in rows]
    assert texts(said) == ["help", "Hello from the flow.", "joined", "joined"]
    topics = [row["TopicArn"].rpartition("-")[2] for row in rows]
    assert topics == ["first", "first", "first", "second"]
    attributes = {name: each["Value"] for name, each in rows[0]["MessageAttributes"].items()}
    assert attributes == {
        "AccountId": attributes["AccountId"],
        "ContactId": started["ContactId"],
        "ContentType": "text/plain",
        "InitialContactId": started["ContactId"],
        "InstanceId": center.instance,
        "MessageVisibility": "ALL",
        "ParticipantRole": "CUSTOMER",
        "Type": "MESSAGE",
    }
    assert len({row["MessageId"] for row in rows}) == 4
    for number in range(5):
        more = {"ChatStreamingConfiguration": streamed(number), "ClientToken": str(number)}
        begin(**asked, **more)
    more = {"ChatStreamingConfiguration": streamed("x"), "ClientToken": "x"}
    assert refused(begin, **asked, **more) == "LimitExceeded"


def test_a_crash_loses_nothing_of_a_chat_and_it_goes_on(start, data):
    options = ("--data", str(data), "--sandbox", "--clock", "virtual")
    center = ChatCenter(start(*options))
    over, live = center.start(), center.start()
    tokens = [center.come(each["ParticipantToken"]) for each in (over, live)]
    for token in tokens:
        center.say(token, "before")
    center.stop(over["ContactId"])
    center.server.kill()
    center.server = start(*options)
    center.connect = center.server.client()
    center.participants = center.server.client("connectparticipant")
    center.say(tokens[1], "after")
    hello = "Hello from the flow."
    assert texts(center.transcript(tokens[1])) == [hello, "joined", "before", "after"]
    how = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": over["ContactId"]}
    token = center.come(center.start(PersistentChat=how)["ParticipantToken"])
    before = [hello, "joined", "before", "ended"]
    assert texts(center.transcript(token)) == [*before, "rehydrated", hello, "joined"]
    center.advance(5 * MINUTE + 1)
    assert "DisconnectReason" not in center.describe(live["ContactId"])
