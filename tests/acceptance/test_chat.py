"""Chats with real clients: a customer on chatjs in a browser, an agent on the agent service."""

import urllib.request
from collections.abc import Iterator

import pytest

from acceptance.chats import EVENT, Agent, ChatCenter
from acceptance.conftest import REGION, Server
from browser.chromium import Page, browser
from browser.pages import site

pytestmark = pytest.mark.xdist_group("browser")  # one for all


@pytest.fixture
def center(server: Server) -> ChatCenter:
    return ChatCenter(server)


@pytest.fixture
def agent(center: ChatCenter) -> Iterator[Agent]:
    agent = Agent(center)
    agent.call("PutAgentState", state={"name": "Available"})
    yield agent
    agent.socket.socket.close()


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    with site() as address, browser() as page:
        page.site = address  # type: ignore[attr-defined]
        yield page


@pytest.fixture
def customer(page: Page) -> Iterator[Page]:
    """A fresh page of another origin than the server's."""
    page.complaints.clear()
    page.open(f"{page.site}/chat.html")  # type: ignore[attr-defined]
    yield page
    assert page.complaints == []


def begin(customer: Page, center: ChatCenter, agent: Agent) -> dict[str, str]:
    """A chat between the two, under way."""
    chat = center.start_chat()
    assert customer.call("start", center.server.address, REGION, chat)
    joined = {"ContentType": f"{EVENT}participant.joined", "ParticipantRole": "CUSTOMER"}
    customer.call("hear", "message", joined)  # he joins with his socket, which opens by itself
    agent.take(chat["contactId"])
    return chat


@pytest.mark.slow
def test_a_chat_from_hello_to_goodbye(center, agent, customer):
    chat = begin(customer, center, agent)
    contact = {"ContactId": chat["contactId"], "InitialContactId": chat["contactId"]}
    joined = customer.call(
        "hear", "message", {"ContentType": f"{EVENT}participant.joined", "ParticipantRole": "AGENT"}
    )
    assert joined.items() >= {"DisplayName": "Ann", **contact}.items()

    sent = customer.call("send", "Hello, I need help", "text/plain")
    heard = agent.socket.hear(Type="MESSAGE", ParticipantRole="CUSTOMER")
    assert heard == {
        **contact,
        "AbsoluteTime": sent["AbsoluteTime"],
        "Content": "Hello, I need help",
        "ContentType": "text/plain",
        "DisplayName": "Carol",
        "Id": sent["Id"],
        "ParticipantId": chat["participantId"],
        "ParticipantRole": "CUSTOMER",
        "Type": "MESSAGE",
    }
    customer.call("hear", "message", {"Id": sent["Id"]})
    customer.call("type")
    assert agent.socket.event("typing")["DisplayName"] == "Carol"

    agent.send_event("message.delivered", messageId=sent["Id"])
    [receipt] = customer.call("hear", "delivered")["MessageMetadata"]["Receipts"]
    assert receipt["DeliveredTimestamp"]
    assert "ReadTimestamp" not in receipt
    agent.send_event("message.read", messageId=sent["Id"])
    [receipt] = customer.call("hear", "read")["MessageMetadata"]["Receipts"]
    assert receipt["ReadTimestamp"]

    agent.send_event("typing")
    assert customer.call("hear", "typing")["ParticipantRole"] == "AGENT"
    answer = agent.say("Hi **Carol**", "text/markdown")
    shown = customer.call("hear", "message", {"Id": answer})
    assert (shown["Content"], shown["ContentType"]) == ("Hi **Carol**", "text/markdown")
    customer.call("receive", "read", answer)
    metadata = agent.socket.hear(Type="MESSAGEMETADATA", Id=answer)["MessageMetadata"]
    assert metadata["MessageId"] == answer
    assert metadata["Receipts"][0]["RecipientParticipantId"] == chat["participantId"]

    seen = [each.get("Content") for each in customer.call("transcript", {})["Transcript"]]
    assert seen[-2:] == ["Hello, I need help", "Hi **Carol**"]
    assert "Hello from the flow." in seen
    mine = agent.transcript(MaxResults=100, SortOrder="ASCENDING")
    assert [each.get("Content") for each in mine] == seen
    assert not [each for each in mine if each["ContentType"] == f"{EVENT}typing"]
    receipts = {each["Id"]: each.get("MessageMetadata") for each in mine}
    assert receipts[answer]["Receipts"][0]["ReadTimestamp"]

    customer.call("leave")
    customer.call("hear", "message", {"ContentType": f"{EVENT}participant.left"})
    customer.call("hear", "ended")
    assert agent.socket.event("participant.left")["ParticipantRole"] == "CUSTOMER"
    agent.socket.event("chat.ended")
    assert center.contact(chat["contactId"])["DisconnectReason"] == "CUSTOMER_DISCONNECT"


@pytest.mark.slow
def test_attachments_both_ways(center, agent, customer):
    begin(customer, center, agent)
    customer.call("attach", "notes ü.txt", "text/plain", "Grüße")
    [file] = agent.socket.hear(Type="ATTACHMENT")["Attachments"]
    assert (file["AttachmentName"], file["Status"]) == ("notes ü.txt", "APPROVED")
    there = agent.participants.get_attachment(
        ConnectionToken=agent.token, AttachmentId=file["AttachmentId"]
    )
    assert there["AttachmentSizeInBytes"] == len("Grüße".encode())
    with urllib.request.urlopen(there["Url"], timeout=10) as got:
        assert got.read().decode() == "Grüße"

    offer = b"%PDF-1.7 " + bytes(range(256)) * 8_000
    sent = agent.attach("offer.pdf", "application/pdf", offer)
    heard = customer.call("hear", "message", {"Type": "ATTACHMENT", "ParticipantRole": "AGENT"})
    assert heard["Attachments"][0]["AttachmentId"] == sent
    got = customer.call("download", sent)
    assert (got["type"], got["size"]) == ("application/pdf", len(offer))
    listed = [each["Type"] for each in customer.call("transcript", {})["Transcript"]]
    assert listed[-2:] == ["ATTACHMENT", "ATTACHMENT"]


@pytest.mark.slow
def test_the_agent_leaves(center, agent, customer):
    chat = begin(customer, center, agent)
    [mine] = [
        each for each in agent.contact(chat["contactId"])["connections"] if each["type"] == "agent"
    ]
    agent.call("DestroyConnection", contactId=chat["contactId"], connectionId=mine["connectionId"])
    left = customer.call("hear", "message", {"ContentType": f"{EVENT}participant.left"})
    assert left["ParticipantRole"] == "AGENT"
    assert agent.socket.event("participant.left")["ParticipantRole"] == "AGENT"
    customer.call("hear", "ended")
    assert center.contact(chat["contactId"])["DisconnectReason"] == "AGENT_DISCONNECT"


@pytest.mark.slow
def test_nothing_is_lost_while_a_page_is_away(center, agent, customer):
    """The page goes, the agent writes on, another page takes the chat up again."""
    chat = begin(customer, center, agent)
    customer.call("send", "one moment", "text/plain")
    customer.open(f"{customer.site}/chat.html")
    said = [agent.say(f"line {number}") for number in range(25)]
    assert customer.call("start", center.server.address, REGION, chat)
    seen, token = [], {}
    while token is not None:
        page = customer.call("transcript", {"maxResults": 10, "sortOrder": "ASCENDING", **token})
        seen = [each["Id"] for each in page["Transcript"]] + seen
        token = {"nextToken": page["NextToken"]} if page.get("NextToken") else None
    assert seen[-25:] == said
    assert len(seen) == len(set(seen))
    customer.call("hear", "subscribed")
    assert customer.call("hear", "message", {"Id": agent.say("are you there?")})
