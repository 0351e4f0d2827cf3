"""Who is told what of a chat, and until when."""

import json
from typing import Any

import pytest

from chat_stand_in import START, Edge
from ringfloor.base.errors import Refusal
from ringfloor.domain import chat as words
from ringfloor.domain import commands, events
from ringfloor.server.agent_transports import chat_token, with_chats
from ringfloor.server.sockets import Guest, Socket


class Ear(Socket):
    """A socket that has asked for its chats, and remembers what it is told."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest, START)
        self.heard: list[dict[str, Any]] = []
        self.subscribed = True

    def push(self, text: bytes) -> None:
        self.heard.append(json.loads(json.loads(text)["content"]))

    def kinds(self) -> list[str]:
        heard, self.heard = self.heard, []
        return [each["ContentType"].rpartition("connect.event.")[2] for each in heard]


@pytest.fixture
def edge():
    edge = Edge()
    yield edge
    edge.attachments.close()


def an_ear(edge: Edge, who: str) -> Ear:
    node = edge.node
    chat_id = "" if who == "user-ann" else node.chat_id
    ear = Ear(Guest(node.instance_id, chat_id, who))
    edge.audience.admit(ear)
    return ear


async def entered(edge: Edge, who: str) -> Ear:
    ear = an_ear(edge, who)
    await edge.news.enter(ear)
    return ear


async def say(edge: Edge, who: str, content: str = "hello") -> str:
    command = commands.SendChatItem(
        chat_id=edge.node.chat_id,
        participant_id=who,
        type="MESSAGE",
        content_type="text/plain",
        content=content,
    )
    return await edge.node.submit("", command, events.Origin())


async def leave(edge: Edge, who: str) -> None:
    await edge.node.submit("", commands.LeaveChat(edge.node.chat_id, who), events.Origin())


async def join(edge: Edge, who: str) -> None:
    command = commands.ConnectParticipant(edge.node.chat_id, who)
    await edge.node.submit("", command, events.Origin())


async def test_a_customer_joins_with_his_socket_and_hears_that(edge):
    carol = await entered(edge, edge.node.carol)
    assert carol.kinds() == ["participant.joined"]
    assert edge.node.origins[-1].principal.endswith(
        f"contact/{edge.node.chat_id}/participant/{edge.node.carol}"
    )
    again = await entered(edge, edge.node.carol)
    assert carol.kinds() == again.kinds() == []


async def test_others_join_when_they_say_so(edge):
    await entered(edge, edge.node.bot)
    assert edge.node.submitted == []


async def test_an_agent_hears_chats_from_when_he_joins(edge):
    ann = await entered(edge, "user-ann")
    await entered(edge, edge.node.carol)
    assert ann.kinds() == []
    await join(edge, edge.node.ann)
    await say(edge, edge.node.carol)
    assert ann.kinds() == ["participant.joined", "text/plain"]
    late = await entered(edge, "user-ann")
    await say(edge, edge.node.carol)
    assert late.kinds() == ["text/plain"]


async def test_what_an_agent_has_not_asked_for(edge):
    ann = an_ear(edge, "user-ann")
    ann.subscribed = False
    await join(edge, edge.node.ann)
    await say(edge, edge.node.ann)
    assert ann.kinds() == []


async def test_the_item_is_that_of_the_transcript(edge):
    carol = await entered(edge, edge.node.carol)
    said = await say(edge, edge.node.carol, 'naïve "quotes"')
    assert carol.heard[-1] == {
        "AbsoluteTime": "2023-11-14T22:13:20.000Z",
        "Content": 'naïve "quotes"',
        "ContentType": "text/plain",
        "Id": said,
        "Type": "MESSAGE",
        "ParticipantId": edge.node.carol,
        "DisplayName": "Carol",
        "ParticipantRole": "CUSTOMER",
        "ContactId": edge.node.chat_id,
        "InitialContactId": edge.node.chat_id,
    }


async def test_receipts_are_told_to_all(edge):
    carol = await entered(edge, edge.node.carol)
    await join(edge, edge.node.ann)
    said = await say(edge, edge.node.carol)
    command = commands.MarkReceipt(edge.node.chat_id, edge.node.ann, said, "DELIVERED")
    await edge.node.submit("", command, events.Origin())
    told = carol.heard[-1]
    assert told["Type"] == "MESSAGEMETADATA"
    receipt = {
        "DeliveredTimestamp": "2023-11-14T22:13:20.000Z",
        "RecipientParticipantId": edge.node.ann,
    }
    assert told["MessageMetadata"] == {"MessageId": said, "Receipts": [receipt]}
    assert (told["ContactId"], told["InitialContactId"]) == (edge.node.chat_id, edge.node.chat_id)


async def test_typing_is_told_to_the_others(edge):
    carol = await entered(edge, edge.node.carol)
    await join(edge, edge.node.ann)
    ann = await entered(edge, "user-ann")
    item = edge.node.line("EVENT", words.TYPING, edge.node.chat.participants[edge.node.carol]).item
    carol.kinds()
    (chat,) = {chat for chat, _ in carol.chats}
    edge.news.typing(chat, item)
    assert (carol.kinds(), ann.kinds()) == ([], ["typing"])


async def test_who_leaves_hears_that_and_no_more(edge):
    carol = await entered(edge, edge.node.carol)
    await join(edge, edge.node.ann)
    ann = await entered(edge, "user-ann")
    carol.kinds()
    await leave(edge, edge.node.ann)
    await say(edge, edge.node.carol)
    assert ann.kinds() == ["participant.left"]
    assert carol.kinds() == ["participant.left", "text/plain"]


async def test_the_end_is_told_to_all_who_were_there(edge):
    carol = await entered(edge, edge.node.carol)
    await join(edge, edge.node.ann)
    ann = await entered(edge, "user-ann")
    carol.kinds()
    await leave(edge, edge.node.carol)
    assert carol.kinds() == ann.kinds() == ["participant.left", "chat.ended"]
    assert (carol.farewell is not None, ann.farewell) == (True, None)
    with pytest.raises(Refusal):
        await entered(edge, edge.node.carol)


@pytest.mark.parametrize(
    ("event", "over"),
    [
        (events.ResourceUpdated("user", "user-ann", {"SignedOut": 5}), True),
        (events.ResourceDeleted("user", "user-ann"), True),
        (events.ResourceUpdated("user", "user-ann", {"Name": "ann"}), False),
        (events.ResourceUpdated("user", "user-bea", {"SignedOut": 5}), False),
        (events.ResourceDeleted("queue", "user-ann"), False),
    ],
)
async def test_an_agent_who_signs_out_hears_no_more(edge, event, over):
    ann, carol = an_ear(edge, "user-ann"), await entered(edge, edge.node.carol)
    edge.node.publish(event)
    assert ann.farewell == ((1008, "signed out; sign in again") if over else None)
    assert carol.farewell is None


async def test_an_address_from_before_the_agent_signed_out_lets_nobody_in(edge):
    properties = edge.node.desk.center.resources["user"]["user-ann"].properties
    properties["SignedOut"] = START
    await entered(edge, "user-ann")
    properties["SignedOut"] = START + 1
    with pytest.raises(Refusal) as caught:
        await entered(edge, "user-ann")
    assert caught.value.code == "AccessDeniedException"


async def test_who_is_not_in_the_chat_hears_nothing(edge):
    await leave(edge, edge.node.bot)
    for who in (edge.node.bot, "nobody"):
        with pytest.raises(Refusal) as caught:
            await entered(edge, who)
        assert caught.value.code == "AccessDeniedException"
    edge.node.desks.clear()
    with pytest.raises(Refusal):
        await entered(edge, edge.node.carol)


async def test_what_goes_wrong_here_is_not_the_centers_trouble(edge, caplog):
    carol = await entered(edge, edge.node.carol)
    carol.push = None  # type: ignore[assignment]
    assert await say(edge, edge.node.carol)
    assert "were not told everything" in caplog.text


async def test_files_go_with_their_records_and_their_instance(edge, monkeypatch):
    done: list[tuple[Any, ...]] = []
    monkeypatch.setattr(edge.attachments, "forget", lambda *told: done.append(told))
    monkeypatch.setattr(edge.attachments, "expire", lambda *told: done.append(told))
    edge.node.publish(events.RecordsExpired(5), events.InstanceDeleted(edge.node.instance_id))
    assert done == [(edge.node.instance_id, 5), (edge.node.instance_id,)]


# What the agent's page gets


def test_a_chat_token_is_for_the_agents_own_chats(edge):
    node = edge.node
    told = chat_token(edge.sealer, node.desk, "user-ann", node.chat_id, START)
    assert told["chatTokenTransport"]["expiry"] == "2023-11-15T22:13:20.000Z"
    for user_id, contact_id in (("user-bob", node.chat_id), ("user-ann", "elsewhere")):
        with pytest.raises(Refusal) as caught:
            chat_token(edge.sealer, node.desk, user_id, contact_id, START)
        assert caught.value.code == "ResourceNotFoundException"


def test_the_snapshot_brings_a_token_and_stays_the_same(edge):
    def shown() -> dict[str, Any]:
        chat = {
            "contactId": edge.node.chat_id,
            "type": "chat",
            "contactFeatures": {"multiPartyConferenceEnabled": False},
            "connections": [{"type": "agent"}, {"type": "inbound"}],
        }
        call = {"contactId": "c2", "type": "voice", "contactFeatures": {}, "connections": []}
        seen = {"contacts": [chat, call]}
        return with_chats(edge.sealer, edge.node.desk, "user-ann", seen)

    chat, call = shown()["contacts"]
    agents, customers = chat["connections"]
    token = json.loads(agents["chatMediaInfo"]["connectionData"])["ConnectionAuthenticationToken"]
    assert token == edge.token(edge.node.ann)
    assert agents["chatMediaInfo"]["customerName"] == "Carol"
    assert "chatMediaInfo" not in customers
    assert chat["contactFeatures"] == {
        "multiPartyConferenceEnabled": False,
        "attachmentsEnabled": True,
        "messagingMarkdownEnabled": True,
    }
    assert call["contactFeatures"] == {}
    before = shown()
    edge.node.clock.move_to(START + 60_000)
    assert shown() == before
