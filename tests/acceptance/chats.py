"""A center that takes chats, an agent's desktop for them, and ears."""

import itertools
import json
import urllib.request
from typing import Any

from websockets.sync.client import ClientConnection, connect

from acceptance.center import PASSWORD, FirstCenter
from acceptance.conftest import Server

EVENT = "application/vnd.amazonaws.connect.event."
TOKENS = (f"token-{number}" for number in itertools.count())


class Agent:
    """An agent's desktop: the agent service for his state, the participant service for chats."""

    def __init__(self, center: "ChatCenter", username: str = "ann") -> None:
        self.server = center.server
        login = {"instance": center.alias, "username": username, "password": PASSWORD}
        self.bearer = self.server.ask("POST", "/auth/login", login)["accessToken"]
        self.participants = self.server.client("connectparticipant")
        url = self.call("CreateTransport", transportType="web_socket")["webSocketTransport"]["url"]
        assert url.startswith("wss://"), "streams takes no other"
        self.socket = Ear(url.replace("wss://", "ws://"))
        self.token = ""

    def call(self, operation: str, **members: Any) -> Any:
        target = {"x-amz-target": f"AmazonConnectCTIService.{operation}"}
        return self.server.ask("POST", "/api", members, **target, **{"x-amz-bearer": self.bearer})

    def contact(self, contact_id: str) -> dict[str, Any]:
        contacts = self.call("GetAgentSnapshot")["snapshot"]["contacts"]
        return next(each for each in contacts if each["contactId"] == contact_id)

    def take(self, contact_id: str) -> None:
        """Accept a chat and take part in it, as streams and chatjs do."""
        self.call("AcceptContact", contactId=contact_id)
        [mine] = [
            each for each in self.contact(contact_id)["connections"] if each["type"] == "agent"
        ]
        info = json.loads(mine["chatMediaInfo"]["connectionData"])
        asked = {
            "transportType": "chat_token",
            "participantId": mine["connectionId"],
            "contactId": contact_id,
        }
        self.token = self.call("CreateTransport", **asked)["chatTokenTransport"]["participantToken"]
        for token in (info["ConnectionAuthenticationToken"], self.token):
            self.participants.create_participant_connection(
                ParticipantToken=token, ConnectParticipant=True
            )

    def say(self, text: str, kind: str = "text/plain") -> str:
        return self.participants.send_message(
            ConnectionToken=self.token, ContentType=kind, Content=text
        )["Id"]

    def send_event(self, name: str, **content: str) -> None:
        more = {"Content": json.dumps(content)} if content else {}
        self.participants.send_event(ConnectionToken=self.token, ContentType=EVENT + name, **more)

    def attach(self, name: str, kind: str, content: bytes) -> str:
        return attach(self.participants, self.token, name, kind, content)

    def transcript(self, **params: Any) -> list[dict[str, Any]]:
        return self.participants.get_transcript(ConnectionToken=self.token, **params)["Transcript"]


class Ear:
    """A web socket that hears chats."""

    def __init__(self, url: str) -> None:
        # Its own pings would draw on the global generator, in a thread, beside other tests.
        self.socket: ClientConnection = connect(
            url, legacy=True, max_queue=None, ping_interval=None
        )
        topics = {"topics": ["aws/chat"]}
        self.socket.send(json.dumps({"topic": "aws/subscribe", "content": topics}))
        heard = json.loads(self.socket.recv(timeout=10))
        assert heard["content"] == {"status": "success", **topics}

    def hear(self, **members: str) -> dict[str, Any]:
        """The next item with these members; what comes before it is dropped."""
        while True:
            said = json.loads(self.socket.recv(timeout=10))
            item = json.loads(said["content"])
            if all(item.get(name) == value for name, value in members.items()):
                return item

    def event(self, name: str) -> dict[str, Any]:
        return self.hear(ContentType=EVENT + name)


def attach(participants: Any, token: str, name: str, kind: str, content: bytes) -> str:
    """Send a file as the API's guide says; its id."""
    begun = participants.start_attachment_upload(
        ConnectionToken=token,
        ContentType=kind,
        AttachmentName=name,
        AttachmentSizeInBytes=len(content),
        ClientToken=next(TOKENS),
    )
    where = begun["UploadMetadata"]
    request = urllib.request.Request(
        where["Url"], data=content, method="PUT", headers=where["HeadersToInclude"]
    )
    urllib.request.urlopen(request, timeout=10).close()
    participants.complete_attachment_upload(
        ConnectionToken=token, AttachmentIds=[begun["AttachmentId"]], ClientToken=next(TOKENS)
    )
    return begun["AttachmentId"]


class ChatCenter(FirstCenter):
    """A center whose agent takes chats."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, work_limit=0)
        profile = {"InstanceId": self.instance, "RoutingProfileId": self.profile}
        self.connect.update_routing_profile_concurrency(
            **profile,
            MediaConcurrencies=[
                {"Channel": "VOICE", "Concurrency": 1},
                {"Channel": "CHAT", "Concurrency": 2},
            ],
        )
        reference = {"QueueId": self.queue, "Channel": "CHAT"}
        self.connect.associate_routing_profile_queues(
            **profile, QueueConfigs=[{"QueueReference": reference, "Priority": 1, "Delay": 0}]
        )

    def start_chat(self, **more: Any) -> dict[str, str]:
        begun = self.connect.start_chat_contact(
            InstanceId=self.instance,
            ContactFlowId=self.flow,
            ParticipantDetails={"DisplayName": "Carol"},
            SupportedMessagingContentTypes=["text/plain", "text/markdown"],
            **more,
        )
        return {
            "contactId": begun["ContactId"],
            "participantId": begun["ParticipantId"],
            "participantToken": begun["ParticipantToken"],
        }
