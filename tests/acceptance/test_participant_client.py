"""The participant service for boto3, and what is left of a chat after a crash."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.chats import EVENT, Agent, ChatCenter, Ear, attach


def code_of(work: Any, **params: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        work(**params)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def connected(participants: Any, chat: dict[str, str], *types: str) -> Any:
    return participants.create_participant_connection(
        ParticipantToken=chat["participantToken"],
        Type=[*types, "CONNECTION_CREDENTIALS"],
    )


def token_of(answer: Any) -> str:
    return answer["ConnectionCredentials"]["ConnectionToken"]


def test_a_customer_without_a_page(server):
    center = ChatCenter(server)
    participants = server.client("connectparticipant")
    chat = center.start_chat()
    token = token_of(connected(participants, chat))

    said = {"ConnectionToken": token, "ContentType": "text/plain", "ClientToken": "once"}
    first = participants.send_message(**said, Content="first")
    again = participants.send_message(**said, Content="first")
    assert (again["Id"], again["AbsoluteTime"]) == (first["Id"], first["AbsoluteTime"])
    said.pop("ClientToken")
    for number in range(7):
        participants.send_message(**said, Content=f"line {number}")
    assert (
        code_of(participants.send_message, **{**said, "ContentType": "text/csv"}, Content="a,b")[0]
        == "ValidationException"
    )
    assert code_of(participants.send_message, **said, Content="ü" * 10_000)[1] == 400

    seen: list[str] = []
    params: dict[str, Any] = {"ConnectionToken": token, "MaxResults": 3}
    while True:
        page = participants.get_transcript(**params)
        assert len(page["Transcript"]) <= 3
        seen += [each["Content"] for each in page["Transcript"] if each["Type"] == "MESSAGE"]
        if "NextToken" not in page:
            break
        params["NextToken"] = page["NextToken"]
    assert seen[:8] == [f"line {number}" for number in reversed(range(7))] + ["first"]
    from_there = participants.get_transcript(
        ConnectionToken=token,
        StartPosition={"Id": first["Id"]},
        SortOrder="ASCENDING",
        MaxResults=2,
    )["Transcript"]
    assert [each["Content"] for each in from_there] == ["first", "line 0"]

    participants.disconnect_participant(ConnectionToken=token)
    for work in (participants.get_transcript, participants.disconnect_participant):
        assert code_of(work, ConnectionToken=token) == ("AccessDeniedException", 403)
    assert code_of(
        participants.create_participant_connection,
        ParticipantToken=chat["participantToken"],
        Type=["WEBSOCKET"],
    ) == ("AccessDeniedException", 403)


def test_tokens_open_nothing_else(server):
    center = ChatCenter(server)
    participants = server.client("connectparticipant")
    one, other = center.start_chat(), center.start_chat()
    token = token_of(connected(participants, one))
    file = attach(participants, token, "a.txt", "text/plain", b"hello")
    strangers = token_of(connected(participants, other))
    assert code_of(participants.get_attachment, ConnectionToken=strangers, AttachmentId=file) == (
        "AccessDeniedException",
        403,
    )
    for bad in (one["participantToken"], token[:-1] + "x", "nonsense"):
        assert code_of(participants.get_transcript, ConnectionToken=bad)[1] == 403
    assert (
        code_of(
            participants.create_participant_connection, ParticipantToken=token, Type=["WEBSOCKET"]
        )[1]
        == 403
    )
    url = participants.get_attachment(ConnectionToken=token, AttachmentId=file)["Url"]
    center.advance(301)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(url):
        pass
    with caught.value as error:
        assert error.code == 403


def test_a_page_of_another_origin_may_ask(server):
    for path in ("/participant/connection", "/participant/attachments/x"):
        request = urllib.request.Request(server.address + path, method="OPTIONS")
        with urllib.request.urlopen(request, timeout=10) as answer:
            allowed = answer.headers["access-control-allow-headers"].lower().split(",")
            assert answer.headers["access-control-allow-origin"] == "*"
        assert {"authorization", "content-type", "x-amz-bearer", "x-amz-date"} < set(allowed)
        assert {"x-amz-content-sha256", "x-amz-user-agent"} < set(allowed)


def test_a_chat_goes_on_after_a_crash(start, data):
    options = ("--data", str(data), "--sandbox", "--clock", "virtual")
    center = ChatCenter(start(*options))
    agent = Agent(center)
    agent.call("PutAgentState", state={"name": "Available"})
    participants = center.server.client("connectparticipant")
    chat = center.start_chat()
    token = token_of(connected(participants, chat))
    agent.take(chat["contactId"])
    said = participants.send_message(
        ConnectionToken=token, ContentType="text/plain", Content="hello"
    )
    file = attach(participants, token, "a.txt", "text/plain", b"hello")
    agent.send_event("message.read", messageId=said["Id"])
    before = agent.transcript(MaxResults=100)

    center.server.kill()
    center.server = server = start(*options)
    participants = agent.participants = server.client("connectparticipant")
    assert agent.transcript(MaxResults=100) == before
    there = participants.get_attachment(ConnectionToken=token, AttachmentId=file)
    with urllib.request.urlopen(there["Url"], timeout=10) as got:
        assert got.read() == b"hello"

    ear = Ear(connected(participants, chat, "WEBSOCKET")["Websocket"]["Url"])
    answer = agent.say("we are back")
    assert ear.hear(Id=answer)["Content"] == "we are back"
    receipt = {"messageId": answer}
    participants.send_event(
        ConnectionToken=token,
        ContentType=f"{EVENT}message.delivered",
        Content=json.dumps(receipt),
    )
    assert ear.hear(Type="MESSAGEMETADATA")["MessageMetadata"]["MessageId"] == answer
    ear.socket.close()
