"""Browsers as far ends: sound both ways through a real browser, and what strangers get: nothing."""

import hmac
import re
import socket
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import chromium, pages
from ringfloor.base.errors import Fault
from ringfloor.gateway.signalling import OfferRefused
from ringfloor.gateway.webrtc import Browsers
from voice.browser_edge import PATIENCE, Beside, Peer, a_peer, beside
from voice.probe import LINEAR, strength, tone

pytestmark = pytest.mark.slow

PRINT = ":".join(["0F"] * 32)
OFFER = f"""v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0 126
a=ice-ufrag:P21f
a=ice-pwd:yOXh6BmQCJqwvwoPixsVNq9h
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=rtcp-mux
a=rtpmap:126 telephone-event/8000
"""


@pytest.fixture(scope="module")
def edge() -> Iterator[Beside]:
    with beside() as made:
        yield made


@pytest.fixture
def peer() -> Iterator[Peer]:
    with a_peer() as made:
        yield made


@pytest.fixture
def page(tmp_path: Path) -> Iterator[chromium.Page]:
    """A page whose microphone hears 1000 Hz."""
    microphone = tmp_path / "microphone.wav"
    with wave.open(str(microphone), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        codes = b"".join(tone(1_000))
        file.writeframes(struct.pack(f"<{len(codes)}h", *(LINEAR[each] for each in codes)))
    options = chromium.with_microphone(microphone)
    with pages.site() as site, chromium.browser(*options) as opened:
        opened.open(f"{site}/line.html")
        opened.run("ready")
        yield opened
        assert opened.complaints == []


def connect(page: chromium.Page, edge: Beside, peer: Peer, leg_id: str) -> None:
    told = edge.attach(leg_id, page.run("offer()"), peer)
    assert page.call("answer", told) == "connected"


def test_a_browser_is_heard_and_hears(page: chromium.Page, edge: Beside, peer: Peer) -> None:
    connect(page, edge, peer, "ann")
    peer.until(lambda: strength(peer.sound()[-2_000:], 1_000) > 0.9)
    # Of what is not 440 Hz nothing is near it; a frame that came late smears the tone a little.
    assert page.run("loudest()") == pytest.approx(440, abs=25)
    peer.until(lambda: peer.of(200))  # RTCP comes on the port of RTP
    page.call("press", "5")
    peer.until(lambda: [each for each in peer.of(126) if each[12] == 5 and each[13] & 0x80])
    figures = page.run("figures()")
    assert figures["word"] == "good"
    assert figures["arrives"]
    assert figures["loss"] == 0
    assert figures["farLoss"] == pytest.approx(100 / 256, abs=0.1)
    assert 0 <= figures["roundTrip"] < 100
    page.call("mute", True)
    peer.forget()
    silence = {0xFF, 0x7F}  # is sent, too
    peer.until(lambda: len(peer.sound()) > 800 and set(peer.sound()[-800:]) <= silence)
    edge.release("ann")


def test_a_page_that_is_loaded_again_takes_the_place_of_the_first(
    page: chromium.Page, edge: Beside, peer: Peer
) -> None:
    connect(page, edge, peer, "bob")
    first = peer.remote
    peer.until(peer.sound)
    page.open(page.run("location.href"))
    page.run("ready")
    connect(page, edge, peer, "bob")
    assert peer.remote != first
    assert len(edge.browsers) == 1
    peer.forget()
    peer.until(lambda: strength(peer.sound()[-2_000:], 1_000) > 0.9)
    page.open("about:blank")  # the page is closed
    edge.until_gone("bob")
    edge.release("bob")
    assert len(edge.browsers) == 0


def test_an_edge_that_dies_takes_its_browsers_along_and_nobody_else(peer: Peer) -> None:
    with beside() as edge:
        edge.attach("ann", OFFER, peer)
        edge.attach("bob", OFFER, peer)
        first = edge.browsers._edge
        assert first is not None
        first.process.kill()
        edge.until_gone("ann", "bob")
        assert len(edge.browsers) == 0
        edge.attach("ann", OFFER, peer)
        assert edge.browsers._edge is not first
        assert len(edge.browsers) == 1


def test_an_edge_whose_gateway_is_gone_ends() -> None:
    ours, theirs = socket.socketpair()
    with theirs, ours:
        settings = '{"host":"127.0.0.1","port":0}'
        edge = subprocess.Popen(
            [sys.executable, "-P", "-m", "ringfloor.gateway.webrtc_edge", settings],
            stdin=theirs.fileno(),
        )
        ours.settimeout(PATIENCE)
        assert b'"type":"Ready"' in ours.recv(1_000)
    assert edge.wait(PATIENCE) == 0


def test_a_port_that_is_taken_is_told_of(edge: Beside) -> None:
    edge.run(edge.browsers.start())
    assert edge.browsers._edge is not None
    port = edge.browsers._edge.port
    other = Browsers(["127.0.0.1"], ("127.0.0.1", port))
    with pytest.raises(Fault, match=f"port {port} of 127.0.0.1 cannot be had: Address already"):
        edge.run(other.start())


def test_there_is_room_for_so_many(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, edge: Beside
) -> None:
    monkeypatch.setattr("ringfloor.gateway.webrtc.BROWSER_LEGS_MAX", 2)
    edge.attach("one", OFFER, peer)
    edge.attach("two", OFFER, peer)
    with pytest.raises(OfferRefused, match="2 browsers are attached"):
        edge.attach("three", OFFER, peer)
    edge.attach("two", OFFER, peer)  # its second offer needs no room
    edge.release("one")
    edge.attach("three", OFFER, peer)
    for leg_id in ("two", "three", "nobody"):
        edge.release(leg_id)
    assert len(edge.browsers) == 0


# Strangers


class Caller:
    """Whoever has our answer, or says so."""

    def __init__(self, told: str) -> None:
        self.ufrag = re.findall("a=ice-ufrag:(.*)", told)[0].strip()
        self.password = re.findall("a=ice-pwd:(.*)", told)[0].strip()
        port = int(re.findall("m=audio ([0-9]+)", told)[0])
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE)

    def ask(self, mark: bytes, password: str | None = None, ufrag: str | None = None) -> None:
        user = f"{ufrag or self.ufrag}:P21f".encode()
        named = struct.pack("!HH", 6, len(user)) + user + bytes(-len(user) % 4)
        checked = struct.pack("!HHI12s", 1, len(named) + 24, 0x2112A442, mark * 12) + named
        proof = hmac.digest((password or self.password).encode(), checked, "sha1")
        self.socket.send(checked + struct.pack("!HH", 8, 20) + proof)

    def answered(self) -> bytes:
        """The mark of the next request that is answered."""
        return self.socket.recv(2048)[8:9]


@pytest.fixture
def caller(edge: Beside, peer: Peer) -> Iterator[Caller]:
    made = Caller(edge.attach("ann", OFFER, peer))
    with made.socket:
        yield made
    edge.release("ann")


def test_who_knows_the_password_is_answered_and_nobody_else(caller: Caller) -> None:
    caller.ask(b"1", password="guessed")
    caller.ask(b"2", ufrag="nobody")
    caller.socket.send(b"\x00\x01\x00\x00" + bytes(16))
    caller.socket.send(b"")
    caller.socket.send(b"\xff" * 1_500)
    caller.ask(b"3")
    assert caller.answered() == b"3"


def test_what_was_not_encrypted_for_us_is_not_passed_on(caller: Caller, peer: Peer) -> None:
    rtp = struct.pack("!BBHII", 0x80, 0, 1, 160, 9) + bytes(160)
    caller.socket.send(rtp)  # before it has asked
    caller.ask(b"1")
    assert caller.answered() == b"1"
    for _ in range(50):
        caller.socket.send(rtp)
        caller.socket.send(b"\x16\xfe\xff" + bytes(60))  # no DTLS that makes sense
    caller.ask(b"2")
    assert caller.answered() == b"2"  # all of it has been read
    assert peer.packets == []


def test_a_released_browser_is_a_stranger(edge: Beside, peer: Peer, caller: Caller) -> None:
    other = Caller(edge.attach("bob", OFFER, peer))
    with other.socket:
        edge.release("bob")
        other.ask(b"1")
        caller.ask(b"2")
        assert caller.answered() == b"2"
        other.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            other.answered()
