"""Browsers' offers: what of them is taken, what is refused in words, what is answered."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import WEBRTC_OFFER_CHARACTERS_MAX, WEBRTC_OFFER_LINES_MAX
from ringfloor.gateway.signalling import OfferRefused
from ringfloor.gateway.webrtc import Session, answer, read_offer

PRINT = ":".join(["0f"] * 32)

CHROMIUM = f"""v=0
o=- 4934366854028298740 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:P21f
a=ice-pwd:yOXh6BmQCJqwvwoPixsVNq9h
a=ice-options:trickle
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
""".replace("\n", "\r\n")

FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 1503431234567890 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {PRINT.upper()}
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendrecv
a=fmtp:101 0-15
a=ice-pwd:0f6b0c1d2e3f405162738495a6b7c8d9
a=ice-ufrag:3d5a1c2b
a=mid:0
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000/1
a=setup:actpass
""".replace("\n", "\r\n")

SESSION = Session(5070, "abcd1234", "p" * 32, PRINT.upper())


@pytest.mark.parametrize(("text", "keys"), [(CHROMIUM, 126), (FIREFOX, 101)])
def test_what_browsers_offer_is_taken(text: str, keys: int) -> None:
    offer = read_offer(text)
    assert (offer.mid, offer.bundled, offer.keys) == ("0", True, keys)
    assert offer.fingerprint == PRINT.upper()


def test_the_answer_has_pcmu_and_keys_and_nothing_else() -> None:
    told = answer(read_offer(CHROMIUM), SESSION, ["203.0.113.9", "192.0.2.2"])
    assert "m=audio 5070 UDP/TLS/RTP/SAVPF 0 126\r\n" in told
    assert re.findall("a=rtpmap:(.*)\r", told) == ["0 PCMU/8000", "126 telephone-event/8000"]
    lines = told.split("\r\n")
    for line in ("a=group:BUNDLE 0", "a=mid:0", "a=ice-lite", "a=rtcp-mux", "a=setup:passive"):
        assert lines.count(line) == 1
    best, second = re.findall(r"a=candidate:\d 1 udp (\d+) (\S+) 5070 typ host", told)
    assert (best[1], second[1]) == ("203.0.113.9", "192.0.2.2")
    assert int(best[0]) > int(second[0])
    assert told.startswith("v=0\r\no=- 4934366854028298740 1 IN IP4 203.0.113.9\r\n")
    assert "0.0.0.0" not in told


def test_an_offer_without_keys_is_answered_without() -> None:
    told = answer(read_offer(CHROMIUM.replace("telephone-event/8000", "x/8000")), SESSION, ["::1"])
    assert "SAVPF 0\r\n" in told
    assert "telephone-event" not in told
    assert "c=IN IP6 ::1" in told


REFUSED = {
    "is longer than": ("s=-", "s=" + "x" * WEBRTC_OFFER_CHARACTERS_MAX),
    "more than": ("s=-", "a=x\r\n" * WEBRTC_OFFER_LINES_MAX),
    "one media line": ("m=audio", "m=video"),
    "one media line: audio": ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "one media": ("a=group", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=group"),
    "no PCMU": (" 9 0 8 ", " 9 8 "),
    "no rtcp-mux": ("a=rtcp-mux\r\n", ""),
    "begin DTLS": ("a=setup:actpass", "a=setup:passive"),
    "a=mid": ("a=mid:0", "a=mid:0 0"),
    "a=ice-ufrag": ("P21f", "P21f && D b1"),
    "a=ice-pwd": ("yOXh6BmQCJqwvwoPixsVNq9h", "short"),
    "a=fingerprint": ("sha-256", "sha-1"),
    "a=fingerprint that": (PRINT, PRINT + ":00"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_taken_is_refused_and_told_why(words: str) -> None:
    old, new = REFUSED[words]
    assert old in CHROMIUM
    with pytest.raises(OfferRefused, match=words):
        read_offer(CHROMIUM.replace(old, new))


@given(st.data())
def test_a_damaged_offer_is_taken_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(CHROMIUM)))
    end = at + data.draw(st.integers(0, 40))
    damage = data.draw(st.text(max_size=20))
    try:
        offer = read_offer(CHROMIUM[:at] + damage + CHROMIUM[end:])
    except OfferRefused:
        return
    told = answer(offer, SESSION, ["192.0.2.2"])
    assert told.isascii()
    assert not re.search("[\r\n]{3}", told)
    assert len(told.splitlines()) <= 25


@given(st.text())
def test_what_is_no_offer_is_refused(text: str) -> None:
    with pytest.raises(OfferRefused):
        read_offer(text)
