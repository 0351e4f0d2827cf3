"""The link's words: frames however they are cut, proofs of the key, numbers that lose nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base import codec
from ringfloor.base.limits import (
    LINK_BATCH_BYTES_MAX,
    LINK_HANDSHAKE_BYTES_MAX,
    LINK_ITEM_BYTES_MAX,
    LINK_QUEUE_MAX,
)
from ringfloor.gateway.link import (
    HEAD_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    VERSION,
    Challenge,
    Commands,
    Events,
    Frames,
    GatewayEnd,
    Hello,
    Inflow,
    LinkBroken,
    Outflow,
    Proof,
    Response,
    ServerEnd,
    Stop,
    TooLong,
    TooMany,
    WrongKey,
    framed,
)
from ringfloor.telephony.commands import HangUp, Media, Play
from ringfloor.telephony.events import ChannelAnswered, ChannelHungUp

KEY = b"k" * KEY_BYTES


# Frames


@st.composite
def cut_frames(draw):
    """Bodies, and their bytes in pieces."""
    bodies = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    data = b"".join(map(framed, bodies))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return bodies, [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def bodies_of(frames: Frames) -> list[bytes]:
    return list(iter(frames.next, None))


@given(cut_frames())
def test_frames_come_out_as_they_went_in_however_they_are_cut(given_):
    bodies, pieces = given_
    frames, heard = Frames(40), []
    for piece in pieces:
        frames.add(piece)
        heard += bodies_of(frames)
    assert heard == bodies


@pytest.mark.parametrize("length", [0, 41, 2**32 - 1])
def test_a_frame_without_or_with_too_much_in_it_is_refused_before_it_has_come(length):
    frames = Frames(40)
    frames.add(framed(b"fine") + length.to_bytes(HEAD_BYTES, "big"))
    assert frames.next() == b"fine"
    with pytest.raises(LinkBroken, match=f"a frame of {length} bytes"):
        frames.next()


# Ends


class Ends:
    """Two ends and what they say; tampering is done by who stands between."""

    def __init__(self, server_key=KEY, gateway_key=KEY):
        self.up, self.down = [], []
        self.server = ServerEnd(server_key, b"s" * NONCE_BYTES, self.up.append)
        self.gateway = GatewayEnd(gateway_key, b"g" * NONCE_BYTES, self.down.append)
        self.gateway.begin()

    def exchange(self):
        """Carry everything; what either hears."""
        heard = [], []
        while self.up or self.down:
            if self.down:
                heard[0].extend(self.server.receive(self.down.pop(0)))
            if self.up:
                heard[1].extend(self.gateway.receive(self.up.pop(0)))
        return heard


def test_both_prove_the_key_before_anything_is_said():
    ends = Ends()
    assert ends.exchange() == ([], [])
    assert ends.server.proved
    assert ends.gateway.proved
    ends.server.say(Hello("s1", "", 0))
    ends.server.say_batch(Commands, 1, [msgspec.Raw(codec.encode(HangUp("c1")))], 4)
    event = (17, ChannelAnswered("c1"))
    ends.gateway.say_batch(Events, 5, [msgspec.Raw(codec.encode(event))], 1)
    assert ends.exchange() == (
        [Events(5, (event,), 1)],
        [Hello("s1", "", 0), Commands(1, (HangUp("c1"),), 4)],
    )


def test_neither_goes_on_with_another_key():
    other = b"o" * KEY_BYTES
    for keys in ((other, KEY), (KEY, other)):
        ends = Ends(*keys)
        with pytest.raises(WrongKey, match="the server does not know the key"):
            ends.exchange()
        assert not ends.gateway.proved
        assert not ends.server.proved


def test_a_gateway_that_only_claims_to_be_one_is_not_believed():
    ends = Ends()
    ends.server.receive(ends.down.pop())
    with pytest.raises(WrongKey, match="the gateway does not know the key"):
        ends.server.receive(framed(codec.encode(Proof(b"x" * 32))))
    assert not ends.server.proved


def test_a_proof_is_good_for_one_challenge_and_one_side():
    heard = Ends()
    heard.server.receive(heard.down.pop())
    (response,) = heard.up
    fresh = GatewayEnd(KEY, b"h" * NONCE_BYTES, list.append)
    with pytest.raises(WrongKey):
        fresh.receive(response)
    proof = codec.decoder(Response).decode(response[HEAD_BYTES:]).proof
    ends = Ends()
    ends.server.receive(ends.down.pop())
    with pytest.raises(WrongKey):
        ends.server.receive(framed(codec.encode(Proof(proof))))


@pytest.mark.parametrize(
    "message",
    [
        Response(VERSION + 1, b"s" * NONCE_BYTES, b"p" * 32),
        Response(VERSION, b"s", b"p" * 32),
        Response(VERSION, b"s" * NONCE_BYTES, b""),
        Hello("s1", "", 0),
        Stop(),
        Proof(b"p" * 32),
    ],
)
def test_a_gateway_hears_nothing_but_a_proof_first(message):
    ends = Ends()
    with pytest.raises(LinkBroken):
        ends.gateway.receive(framed(codec.encode(message)))
    assert not ends.gateway.proved
    assert len(ends.down) == 1, "it has answered"


@pytest.mark.parametrize("message", [Challenge(VERSION + 1, b"g" * NONCE_BYTES), Stop()])
def test_a_server_says_nothing_to_who_speaks_otherwise(message):
    ends = Ends()
    with pytest.raises(LinkBroken):
        ends.server.receive(framed(codec.encode(message)))
    assert ends.up == []


def test_strangers_may_not_send_long_frames():
    ends = Ends()
    with pytest.raises(LinkBroken, match=f"it may have 1 to {LINK_HANDSHAKE_BYTES_MAX}"):
        ends.gateway.receive((LINK_HANDSHAKE_BYTES_MAX + 1).to_bytes(HEAD_BYTES, "big"))


@given(st.binary(max_size=300))
def test_whatever_comes_either_is_understood_or_breaks_the_link(data):
    for proved in (False, True):
        ends = Ends()
        if proved:
            ends.exchange()
        for end in (ends.gateway, ends.server):
            for each in (data, framed(data or b"x")):
                try:
                    end.receive(each)
                except LinkBroken:
                    break
        assert ends.gateway.proved == proved


# Numbers


def raws(*items):
    return [msgspec.Raw(codec.encode(item)) for item in items]


def test_one_batch_is_under_way_and_the_next_has_what_came_meanwhile():
    out = Outflow()
    out.push("a")
    assert out.batch() == (1, raws("a"))
    out.push("b")
    out.push("c")
    assert out.batch()[1] == []
    assert out.acknowledged(1) == ["a"]
    assert out.batch() == (2, raws("b", "c"))
    assert out.acknowledged(2) == ["b"]
    assert out.batch()[1] == [], "half of a batch is under way yet"
    assert out.acknowledged(3) == ["c"]
    assert not out


def test_a_new_connection_sends_again_what_is_not_acknowledged():
    out = Outflow()
    for item in "abc":
        out.push(item)
    out.batch()
    out.acknowledged(1)
    out.again()
    assert out.batch() == (2, raws("b", "c"))


@pytest.mark.parametrize("number", [1, 3])
def test_what_was_never_sent_cannot_be_acknowledged(number):
    out = Outflow()
    out.push("a")
    if number == 3:
        out.batch()
    with pytest.raises(LinkBroken, match=f"{number} is acknowledged"):
        out.acknowledged(number)


def test_only_what_was_never_sent_can_be_taken_back():
    out = Outflow()
    out.push("a")
    out.batch()
    out.again()
    for item in "bac":
        out.push(item)
    assert out.withdraw(lambda item: item == "a") == ["a"]
    assert out.items() == ["a", "b", "c"]
    assert out.batch() == (1, raws("a", "b", "c"))


def test_a_batch_and_its_items_are_bounded():
    out = Outflow()
    half = "x" * (LINK_BATCH_BYTES_MAX // 2)
    for _ in range(3):
        out.push(half)
    assert len(out.batch()[1]) == 1
    with pytest.raises(TooLong):
        out.push("x" * LINK_ITEM_BYTES_MAX)
    assert len(out) == 3
    for _ in range(LINK_QUEUE_MAX - 3):
        out.push("")
    with pytest.raises(TooMany):
        out.push("")


def test_duplicates_are_dropped_and_gaps_break_the_link():
    flow = Inflow()
    assert flow.new(1, ["a", "b"]) == ["a", "b"]
    assert flow.new(1, ["a", "b", "c"]) == ["c"]
    assert flow.new(2, ["b"]) == []
    assert flow.new(9, []) == [], "a sign of life has no number"
    for first in (5, 0, -1):
        with pytest.raises(LinkBroken):
            flow.new(first, ["x"])
    assert flow.seen == 3


@given(st.data())
def test_however_connections_break_everything_comes_once_and_in_order(data):
    out, flow, heard = Outflow(), Inflow(), []
    given_ = list(range(data.draw(st.integers(0, 30))))
    waiting = list(given_)
    for _ in range(500):
        if heard == given_:
            break
        if waiting and data.draw(st.booleans()):
            out.push(waiting.pop(0))
        if data.draw(st.integers(0, 3)) == 0:  # a new connection: they say how far they are
            out.acknowledged(flow.seen)
            out.again()
        first, packed = out.batch()
        if data.draw(st.booleans()):  # it arrives
            heard += flow.new(first, [codec.decoder(int).decode(each) for each in packed])
            if data.draw(st.booleans()):  # and so does the answer
                out.acknowledged(flow.seen)
    assert heard == given_[: len(heard)]
    assert flow.seen == len(heard)


def test_commands_and_events_keep_their_members_on_the_way():
    ends = Ends()
    ends.exchange()
    play = Play("p1", "c1", (Media("prompt", "x.wav", sound="ab"),), loop=True)
    gone = (99, ChannelHungUp("c1", "remote", 16, None, "the far end hung up"))
    ends.server.say_batch(Commands, 1, raws(play), 0)
    ends.gateway.say_batch(Events, 1, raws(gone), 1)
    (events,), (commands,) = ends.exchange()
    assert commands.commands == (play,)
    assert events.events == (gone,)
