"""Chats of several agents, and sockets that end: desktops over HTTP, boto3, web sockets."""

from contextlib import suppress
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed

from acceptance.center import PASSWORD
from acceptance.chats import Agent, ChatCenter, Ear

ATTRIBUTE = "MULTI_PARTY_CHAT_CONFERENCE"


class Several(ChatCenter):
    """ann takes chats, bob can be asked in."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.participants = server.client("connectparticipant")
        security = self.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
        bob = self.connect.create_user(
            InstanceId=self.instance,
            Username="bob",
            Password=PASSWORD,
            IdentityInfo={"FirstName": "Bob", "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            SecurityProfileIds=[security["Id"]],
            RoutingProfileId=self.profile,
        )["UserId"]
        flow = self.found("list_contact_flows", "ContactFlowSummaryList", "Default agent transfer")
        self.to_bob = self.connect.create_quick_connect(
            InstanceId=self.instance,
            Name="bob",
            QuickConnectConfig={
                "QuickConnectType": "USER",
                "UserConfig": {"UserId": bob, "ContactFlowId": flow["Id"]},
            },
        )
        self.connect.associate_queue_quick_connects(
            InstanceId=self.instance,
            QueueId=self.queue,
            QuickConnectIds=[self.to_bob["QuickConnectId"]],
        )

    def allow(self, value: str = "true") -> None:
        self.connect.update_instance_attribute(
            InstanceId=self.instance, AttributeType=ATTRIBUTE, Value=value
        )

    @property
    def endpoint(self) -> dict[str, str]:
        return {"type": "agent", "endpointARN": self.to_bob["QuickConnectARN"]}


class Customer:
    """Carol, without a browser."""

    def __init__(self, center: Several) -> None:
        self.participants = center.participants
        self.chat = center.start_chat()
        answer = self.participants.create_participant_connection(
            ParticipantToken=self.chat["participantToken"],
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        )
        self.token = answer["ConnectionCredentials"]["ConnectionToken"]
        self.ear = Ear(answer["Websocket"]["Url"])

    def say(self, text: str) -> str:
        return self.participants.send_message(
            ConnectionToken=self.token, ContentType="text/plain", Content=text
        )["Id"]

    def leave(self) -> None:
        self.participants.disconnect_participant(ConnectionToken=self.token)


@pytest.fixture
def center(server):
    return Several(server)


@pytest.fixture
def ann(center):
    """She is there first."""
    ann = Agent(center)
    ann.call("PutAgentState", state={"name": "Available"})
    yield ann
    ann.socket.socket.close()


@pytest.fixture
def bob(center, carol):
    """He comes when she has been taken."""
    assert carol
    bob = Agent(center, "bob")
    yield bob
    bob.socket.socket.close()


@pytest.fixture
def carol(center, ann):
    """She talks to ann."""
    carol = Customer(center)
    ann.take(carol.chat["contactId"])
    yield carol
    carol.ear.socket.close()


def joined(center: Several, ann: Agent, bob: Agent, contact_id: str) -> str:
    """ann asks bob in, who comes; his contact."""
    center.allow()
    bob.call("PutAgentState", state={"name": "Available"})
    ann.call("AddNewConnection", contactId=contact_id, endpoint=center.endpoint)
    (his,) = bob.call("GetAgentSnapshot")["snapshot"]["contacts"]
    bob.take(his["contactId"])
    return his["contactId"]


def others(agent: Agent, contact_id: str) -> list[tuple[str, str, str | None]]:
    """Who else is in the chat, as the agent sees it: id, state, name."""
    shown = agent.contact(contact_id)["connections"]
    return [
        (each["connectionId"], each["state"]["type"], each["endpoint"].get("agentLogin"))
        for each in shown
        if each["type"] == "outbound"
    ]


def hung_up(ear: Ear) -> int:
    """The code with which the socket is closed, after what was still to be heard."""
    with suppress(ConnectionClosed):
        while True:
            ear.socket.recv(timeout=10)
    code = ear.socket.close_code
    assert code is not None
    return code


def test_two_agents_serve_one_customer(center, ann, bob, carol):
    first = carol.chat["contactId"]
    second = joined(center, ann, bob, first)
    assert ann.contact(first)["contactFeatures"]["multiPartyConferenceEnabled"]
    assert others(ann, first) == [(f"{second}/agent", "connected", "bob")]
    assert others(bob, second) == [(f"{first}/agent", "connected", "ann")]
    for speaker, text in ((carol, "hello"), (ann, "hi"), (bob, "I am Bob")):
        said = speaker.say(text)
        for ear in (carol.ear, ann.socket, bob.socket):
            assert ear.hear(Id=said)["Content"] == text
    with pytest.raises(ClientError) as caught:
        bob.send_event("message.read", messageId=carol.say("read me"))
    assert caught.value.response["Error"]["Code"] == "ConflictException"

    ann.call("DestroyConnection", contactId=first, connectionId=f"{first}/agent")
    assert carol.ear.event("participant.left")["DisplayName"] == "Ann"
    assert others(bob, second) == []
    bob.send_event("message.read", messageId=carol.say("and now"))
    carol.leave()
    bob.socket.event("chat.ended")
    assert hung_up(carol.ear) == 1000

    ended, added = center.contact(first), center.contact(second)
    assert ended["DisconnectReason"] == "AGENT_DISCONNECT"
    assert added["DisconnectReason"] == "CUSTOMER_DISCONNECT"
    assert (added["InitiationMethod"], added["PreviousContactId"]) == ("TRANSFER", first)
    assert added["InitialContactId"] == first
    for each in (ended, added):
        assert each["ChatMetrics"]["ChatContactMetrics"]["MultiParty"]
        assert each["AgentInfo"]["ConnectedToAgentTimestamp"]
    assert ended["AgentInfo"]["Id"] != added["AgentInfo"]["Id"]


def test_an_agent_sends_another_away(center, ann, bob, carol):
    first = carol.chat["contactId"]
    second = joined(center, ann, bob, first)
    bob.call("DestroyConnection", contactId=second, connectionId=f"{first}/agent")
    assert ann.contact(first)["state"]["type"] == "ended"
    assert others(bob, second) == []
    said = bob.say("you are mine now")
    assert carol.ear.hear(Id=said)["ContactId"] == second


def test_only_where_the_instance_wants_it(center, ann, bob, carol):
    first = carol.chat["contactId"]
    asked = {"contactId": first, "endpoint": center.endpoint}
    with pytest.raises(HTTPError) as caught:
        ann.call("AddNewConnection", **asked)
    with caught.value as error:
        assert ATTRIBUTE in error.read().decode()
    bob.call("PutAgentState", state={"name": "Available"})
    ann.call("TransferContact", **asked)
    assert ann.contact(first)["state"]["type"] == "ended"
    (his,) = bob.call("GetAgentSnapshot")["snapshot"]["contacts"]
    assert his["initiationMethod"] == "transfer"


def test_a_socket_ends_when_its_agent_signs_out(center, ann, carol):
    carol.say("still there?")
    ann.server.ask("POST", "/logout", {}, **{"x-amz-bearer": ann.bearer})
    assert hung_up(ann.socket) == 1008
    carol.say("hello?")
    again = Agent(center)
    assert again.socket.socket.close_code is None
    again.socket.socket.close()
