"""STUN, as ICE-lite needs it: the samples of RFC 5769, and whatever else may come to a port."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from ringfloor.gateway import stun

PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"
SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"  # SOFTWARE: STUN test client
    "002400046e0001ff"  # PRIORITY
    "80290008932ff9b151263b36"  # ICE-CONTROLLED
    "000600096576746a3a68367659202020"  # USERNAME: evtj:h6vY
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"  # MESSAGE-INTEGRITY
    "80280004e57a3bcf"  # FINGERPRINT
)
"""RFC 5769, section 2.1."""


def attributes(message: bytes) -> dict[int, bytes]:
    found, at = {}, 20
    while at < len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        found[kind] = message[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
    return found


def test_the_sample_of_the_standard_is_read_and_its_integrity_holds() -> None:
    request = stun.read(SAMPLE)
    assert request is not None
    assert request.user == "evtj"
    assert not request.nominates
    assert request.is_of(PASSWORD)
    assert not request.is_of("VOkJxbRl1RmTxUk/WvJxBu")


def test_a_changed_request_is_of_nobody() -> None:
    other = bytearray(SAMPLE)
    other[47] ^= 1  # its priority
    request = stun.read(bytes(other))
    assert request is not None
    assert not request.is_of(PASSWORD)


def test_the_answer_says_where_the_request_came_from() -> None:
    request = stun.read(SAMPLE)
    assert request is not None
    answer = stun.success(request, PASSWORD, "192.0.2.1", 32853)
    kind, length, cookie = struct.unpack_from("!HHI", answer)
    assert (kind, length, cookie) == (0x0101, len(answer) - 20, 0x2112A442)
    assert answer[8:20] == SAMPLE[8:20]
    told = attributes(answer)
    assert told[0x0020].hex() == "0001a147e112a643"  # RFC 5769, section 2.2
    assert struct.unpack("!I", told[0x8028])[0] == zlib.crc32(answer[:-8]) ^ 0x5354554E
    ends = len(answer) - 8 - 24
    checked = answer[:2] + struct.pack("!H", ends + 24 - 20) + answer[4:ends]
    assert stun._hmac(PASSWORD, checked) == told[0x0008]


def test_the_answer_to_a_sender_with_a_long_address() -> None:
    request = stun.read(SAMPLE)
    assert request is not None
    answer = stun.success(request, PASSWORD, "2001:db8:1234:5678:11:2233:4455:6677", 32853)
    mapped = "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"  # RFC 5769, section 2.3
    assert attributes(answer)[0x0020].hex() == mapped


@given(st.binary(max_size=600))
def test_whatever_comes_is_read_or_left(packet: bytes) -> None:
    stun.read(packet)


@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_request_is_never_of_anybody(at: int, damage: bytes) -> None:
    damaged = SAMPLE[:at] + damage + SAMPLE[at + len(damage) :]
    request = stun.read(damaged)
    unharmed = damaged[: 20 + 0x58 - 8] == SAMPLE[: 20 + 0x58 - 8]  # all but the fingerprint
    assert request is None or not request.is_of(PASSWORD) or unharmed


def test_a_request_without_integrity_is_left() -> None:
    bare = struct.pack("!HHI12s", 1, 12, 0x2112A442, b"x" * 12) + SAMPLE[60:72]
    assert stun.read(bare) is None
