"""SDP: what far ends say of their sound, and what we say of ours."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.limits import SDP_BYTES_MAX, SDP_LINES_MAX, SDP_MEDIA_MAX
from ringfloor.gateway.media.sdp import Remote, SdpRefused, answer, offer, parse

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
EVENTS = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"


def described(*media, head=HEAD):
    return head + "".join(f"{line}\r\n" for line in media)


def changed(**changes):
    """What `m=audio 4000 RTP/AVP 0` says, but for the changes."""
    plain = {"host": "192.0.2.1", "port": 4_000, "rtcp_port": 4_001, "payload": 0, "dtmf": None}
    return Remote(**plain | changes)


@pytest.mark.parametrize(
    ("media", "remote"),
    [
        (["m=audio 4000 RTP/AVP 0"], changed()),
        (["m=audio 4000 RTP/AVP 18 8 0"], changed(payload=8)),
        (["m=audio 4000 RTP/AVPF 0"], changed()),
        (["m=audio 4000/2 RTP/AVP 0"], changed()),
        (["m=audio 4000 RTP/AVP 0 101", EVENTS[:-2]], changed(dtmf=101)),
        (["m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 TELEPHONE-EVENT/8000/1"], changed(dtmf=96)),
        (
            [
                "m=audio 4000 RTP/AVP 111 0 126 110",
                "a=rtpmap:110 telephone-event/48000",
                "a=rtpmap:126 telephone-event/8000",
            ],
            changed(dtmf=126),
        ),
        (["m=audio 4000 RTP/AVP 0", "a=rtpmap:101 telephone-event/8000"], changed()),
        (["m=audio 4000 RTP/AVP 0 200", "a=rtpmap:200 telephone-event/8000"], changed()),
        (["m=audio 4000 RTP/AVP 0", "a=sendonly"], changed(direction="sendonly")),
        (["a=inactive", "m=audio 4000 RTP/AVP 0"], changed(direction="inactive")),
        (["a=inactive", "m=audio 4000 RTP/AVP 0", "a=recvonly"], changed(direction="recvonly")),
        (
            ["m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"],
            changed(host="0.0.0.0", direction="inactive"),
        ),
        (["m=audio 4000 RTP/AVP 0", "c=IN IP4 198.51.100.7"], changed(host="198.51.100.7")),
        (["m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:DB8::1"], changed(host="2001:db8::1")),
        (["m=audio 4000 RTP/AVP 0", "a=rtcp:5005 IN IP4 192.0.2.1"], changed(rtcp_port=5_005)),
        (["m=audio 65535 RTP/AVP 0"], changed(port=65_535, rtcp_port=65_535)),
        (["m=audio 4000 RTP/AVP 0", "a=ptime:30"], changed(ptime_ms=30)),
        (["m=audio 4000 RTP/AVP 0", "a=ptime:9000"], changed()),
        (
            ["m=audio 4000 RTP/AVP 0", "a=ptime:x", "a=crypto:1 AES", "b=AS:64", "k=clear:x"],
            changed(),
        ),
        (["m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0"], changed()),
        (["m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"], changed()),
        (["m=audio 5000 RTP/SAVP 0", "m=audio 4000 RTP/AVP 0"], changed()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_far_end_says(media, remote):
    assert parse(described(*media)) == remote


def test_lines_may_end_as_they_like():
    plain = described("m=audio 4000 RTP/AVP 0")
    for text in (plain.replace("\r\n", "\n"), plain.rstrip(), plain + "\r\n"):
        assert parse(text) == changed()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "v=0"),
        ("v=1\r\n", "v=0"),
        (HEAD, "no audio stream"),
        (HEAD + "nonsense\r\n", "no line of SDP"),
        (HEAD + "\r\nm=audio 4000 RTP/AVP 0\r\n", "no line of SDP"),
        (described("m=audio 4000 RTP/AVP 9 18"), "no audio stream"),
        (described("m=audio 0 RTP/AVP 0"), "no audio stream"),
        (described("m=audio 4000 RTP/SAVP 0"), "no audio stream"),
        (described("m=video 4000 RTP/AVP 0"), "no audio stream"),
        (described("m=audio 4000 RTP/AVP"), "formats"),
        (described("m=audio 70000 RTP/AVP 0"), "no port"),
        (described("m=audio -1 RTP/AVP 0"), "no port"),
        (described("m=audio \u0664 RTP/AVP 0"), "formats"),
        (described("m=audio 4000 RTP/AVP 0", "a=rtcp:none"), "no port"),
        (described("m=audio 4000 RTP/AVP 0", head="v=0\r\n"), "no address"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP4 sbc.example.net"), "no IP address"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.1.1/127"), "no IP address"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.1.1"), "nobody"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP4 255.255.255.255"), "nobody"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP4 2001:db8::1"), "nobody"),
        (described("m=audio 4000 RTP/AVP 0", "c=IN IP6 fe80::1%eth0"), "nobody"),
        (described("m=audio 4000 RTP/AVP 0", "c=X25 1"), "IN, IP4"),
        (described(*["m=audio 4000 RTP/AVP 0"] * (SDP_MEDIA_MAX + 1)), "streams"),
        (described("m=audio 4000 RTP/AVP " + "0 " * 100), "formats"),
        (described(*["a=x"] * SDP_LINES_MAX), "lines"),
        (described("a=" + "x" * SDP_BYTES_MAX), "characters"),
    ],
)
def test_what_cannot_be_spoken_is_refused_with_its_reason(text, reason):
    with pytest.raises(SdpRefused) as refused:
        parse(text)
    assert reason in refused.value.reason
    assert len(refused.value.reason) < 300


@pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9"])
@pytest.mark.parametrize("direction", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_our_offer_says_what_it_means(host, direction):
    text = offer(host, 16_384, 17, 2, direction)
    assert parse(text) == Remote(host, 16_384, 16_385, 0, 101, direction)
    kind = "IP6" if ":" in host else "IP4"
    assert f"o=- 17 2 IN {kind} {host}\r\n" in text
    assert "m=audio 16384 RTP/AVP 0 8 101\r\n" in text


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sendrecv", "sendrecv"),
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_our_answer_takes_their_first_codec_in_their_numbers(theirs, ours):
    media = ["m=audio 4000 RTP/AVP 9 8 0 97", "a=rtpmap:97 telephone-event/8000", f"a={theirs}"]
    said = answer(described(*media), "192.0.2.9", 16_384, 17, 2)
    assert parse(said) == Remote("192.0.2.9", 16_384, 16_385, 8, 97, ours)
    assert "m=audio 16384 RTP/AVP 8 97\r\n" in said


def test_our_answer_has_their_streams_in_their_order_and_takes_one():
    theirs = described(
        "m=video 5000 RTP/AVP 31 34", "m=audio 4000 RTP/AVPF 0", "m=audio 4002 RTP/AVP 0"
    )
    said = answer(theirs, "192.0.2.9", 16_384, 17, 2)
    streams = [line for line in said.split("\r\n") if line.startswith("m=")]
    assert streams == [
        "m=video 0 RTP/AVP 31 34",
        "m=audio 16384 RTP/AVPF 0",
        "m=audio 0 RTP/AVP 0",
    ]
    assert "telephone-event" not in said


TYPICAL = described("m=audio 4000 RTP/AVP 0 8 101", *EVENTS.split("\r\n")[:-1], "a=ptime:20")


@given(st.text(max_size=400) | st.text(alphabet="vocmastbtrIN=:/ 0124468.\r\n", max_size=400))
def test_any_text_is_taken_or_refused(text):
    for each in (text, "v=0\r\n" + text, TYPICAL + text, TYPICAL.replace("4000", text)):
        try:
            remote = parse(each)
        except SdpRefused:
            continue
        assert 0 < remote.port < 65_536
        assert parse(answer(each, "192.0.2.9", 2, 3, 4)).payload == remote.payload


@given(st.integers(0, len(TYPICAL)), st.integers(0, len(TYPICAL)), st.text(max_size=4))
def test_a_description_with_a_piece_of_it_changed_is_taken_or_refused(begin, end, text):
    changed = TYPICAL[:begin] + text + TYPICAL[end:]
    with suppress(SdpRefused):
        answer(changed, "192.0.2.9", 2, 3, 4)
