"""Listeners: who follows a stream resumes where he was, and is cut off where he takes nothing."""

import asyncio

import pytest

from node_builders import ROOT, START, a_node
from ringfloor.aws.iam import Decision
from ringfloor.aws.request import HttpRequest, Principal
from ringfloor.aws.sigv4 import Credential
from ringfloor.base.errors import Refusal
from ringfloor.node import streams as module
from ringfloor.node.stream_lines import Line, Position, position
from ringfloor.node.stream_targets import Gone
from ringfloor.server import streams as server
from ringfloor.server.streams import Listener, StreamEvents, beat, event
from stream_hearers import Hearer, until
from unit.test_pipeline_faults import an_edge, signed


async def listen(stage, office, hearer, told=None, stream="contact-events"):
    streams = stage.node.streams
    return await stage.node.read(lambda: streams.listen(office.desk, stream, told, hearer))


async def a_life(office):
    contact = await office.a_call()
    await office.customer_hangs_up(contact)
    return contact


@pytest.mark.parametrize("text", ["0", "7", "1234.2", "9999999999999999.1"])
def test_a_position_is_what_its_text_says(text):
    assert position(text).text == text


@pytest.mark.parametrize(
    "text", ["", "-1", "07", "1.0", "1.", "0.1", "1.2.3", "x", "1" * 17, "1\n"]
)
def test_what_is_no_position_is_none(text):
    assert position(text) is None


async def test_a_listener_hears_the_same_from_every_position():
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        live = Hearer()
        outlet = await listen(stage, office, live)
        await office.status("ann", "Available")
        await a_life(office)
        await until(lambda: outlet.is_level(office.instance_id))
        for number, line in enumerate(live.lines):
            again = Hearer()
            resumed = await listen(stage, office, again, line.position)
            await until(lambda outlet=resumed: outlet.is_level(office.instance_id))
            assert again.lines == live.lines[number + 1 :]
        assert len({each.position for each in live.lines}) == len(live.lines) > 4
        assert any(each.position.number > 1 for each in live.lines)


async def test_a_slow_listener_is_cut_off_and_nothing_piles_up(monkeypatch):
    monkeypatch.setattr(module, "STREAM_LISTENER_PENDING_MAX", 3)
    async with a_node() as stage:
        office = await stage.an_instance()
        slow, quick = Hearer("hangs"), Hearer()
        cut = await listen(stage, office, slow)
        await listen(stage, office, quick)
        await a_life(office)
        await a_life(office)
        await until(cut.task.done)
        assert cut.task.cancelled()
        assert len(cut.pending) <= 3
        assert len(quick.lines) > 6


async def test_of_who_has_left_nothing_is_kept():
    async with a_node() as stage:
        streams = stage.node.streams
        office = await stage.an_instance(users=["ann"])
        outlet = await listen(stage, office, Hearer(), stream="agent-events")
        assert streams.next_due() is not None
        assert streams.notes(office.instance_id).witness is not None
        streams.leave(outlet)
        assert streams.notes(office.instance_id).witness is None
        assert streams.next_due() is None
        assert streams.note() == b"{}"


@pytest.mark.parametrize(
    ("told", "says"),
    [(Position(0), "is not among the last 1 records"), (Position(10_000), "ends with")],
)
async def test_too_far_back_is_said_so(told, says, monkeypatch):
    monkeypatch.setattr(module, "STREAM_RESUME_RECORDS_MAX", 1)
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        with pytest.raises(Refusal, match=says):
            await listen(stage, office, Hearer(), told)
        await listen(stage, office, Hearer(), Position(office.desk.sequence - 1))


async def test_so_many_listen_and_no_more(monkeypatch):
    monkeypatch.setattr(module, "STREAM_LISTENERS_MAX", 1)
    async with a_node() as stage:
        office = await stage.an_instance()
        outlet = await listen(stage, office, Hearer())
        with pytest.raises(Refusal, match="the limit"):
            await listen(stage, office, Hearer())
        stage.node.streams.leave(outlet)
        await listen(stage, office, Hearer())


async def test_a_listener_begins_in_the_middle_of_a_turn_without_a_gap():
    """What is stepped while nobody listens has not been written down: it is read."""
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        always = Hearer()
        whole = await listen(stage, office, always)
        for turns in range(5):
            life = asyncio.ensure_future(a_life(office))
            for _ in range(turns):
                await asyncio.sleep(0)
            hearer, began = Hearer(), office.desk.sequence
            outlet = await listen(stage, office, hearer, Position(began))
            await life
            await until(
                lambda outlet=outlet: all(
                    each.is_level(office.instance_id) for each in (outlet, whole)
                )
            )
            later = [each for each in always.lines if each.position.sequence > began]
            assert hearer.lines == later != []


LINE = Line("office", Position(7, 2), "id", "contact", b'{"a":1}')


def test_events_are_those_of_the_specification():
    assert event(LINE) == b'id: 7.2\ndata: {"a":1}\n\n'
    assert event(LINE._replace(position=Position(0))) == b'data: {"a":1}\n\n'
    assert beat(9) == b": still here\nid: 9\n\n"
    assert beat(None) == b": still here\n\n"


async def test_who_takes_nothing_in_time_is_gone(monkeypatch):
    monkeypatch.setattr(server, "STREAM_LISTENER_MS", 1)

    async def stuck(_message):
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Gone):
        await Listener(stuck).take([LINE])


async def test_silence_is_broken_by_comments_that_move_the_position(monkeypatch):
    monkeypatch.setattr(server, "STREAM_LISTENER_BEAT_MS", 1)
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        said, left = [], asyncio.Event()

        async def send(message):
            said.append(message["body"])

        async def receive():
            await left.wait()
            return {"type": "http.disconnect"}

        listener = Listener(send)
        outlet = await listen(stage, office, listener)
        asked = server._Asked(office.desk, "contact-events", None, lambda: None)
        staying = asyncio.ensure_future(StreamEvents(None)._stay(asked, outlet, listener, receive))
        await until(lambda: beat(office.desk.sequence) in said)
        await office.status("ann", "Available")
        await until(lambda: beat(office.desk.sequence) in said)
        left.set()
        await staying
        assert set(said) == {beat(office.desk.sequence), *said[:1]}
        stage.node.streams.leave(outlet)


class Keeper:
    """Knows one user, until he is no more, and lets him follow until he may not."""

    def __init__(self):
        self.credential = Credential(ROOT[1], Principal("123456789012", "arn:u", ROOT[0], "User"))
        self.decision = Decision.ALLOWED
        self.asked = []

    def secret(self, *_):
        return self.credential

    def asks(self, _principal):
        return True

    def decide(self, _principal, access):
        self.asked.append((access.action, access.resource))
        return self.decision

    def takes_his_key(self):
        self.credential = None
        return "UnrecognizedClientException"

    def ends_his_session(self):
        known = self.credential
        self.credential = Credential(known.secret, known.principal, expires=START)
        return "ExpiredTokenException"

    def denies(self):
        self.decision = Decision.DENIED
        return "AccessDeniedException"


@pytest.mark.parametrize("end", [Keeper.takes_his_key, Keeper.ends_his_session, Keeper.denies])
async def test_who_may_follow_no_longer_is_sent_away_at_the_next_look(end, monkeypatch, caplog):
    monkeypatch.setattr(server, "STREAM_LISTENER_BEAT_MS", 1)
    caplog.set_level("INFO")
    keeper, said, answered = Keeper(), [], []
    async with a_node() as stage:
        office = await stage.an_instance(users=["ann"])
        edge = an_edge(stage)._replace(secrets=keeper, policies=keeper)
        path = f"/_ringfloor/streams/{office.instance_id}/contact-events".encode()
        http = signed(HttpRequest("GET", path, b"", (), b""))

        async def send(message):
            (answered if message["type"] == "http.response.start" else said).append(message)

        async def receive():
            await asyncio.get_running_loop().create_future()

        serving = asyncio.ensure_future(
            StreamEvents(edge).serve(http, "127.0.0.1", receive, send, None)
        )
        await until(lambda: len(said) > 3)
        refused = end(keeper)
        await serving
        assert stage.node.streams._listeners == {}
        assert stage.node.is_well()
    assert [each["status"] for each in answered] == [200]
    assert f"sent away: {refused}" in caplog.text
    arn = f"arn:aws:connect:us-east-1:123456789012:instance/{office.instance_id}"
    assert set(keeper.asked) == {("connect:FollowStream", f"{arn}/stream/contact-events")}
