"""STUN as ICE-lite needs it (RFC 8445, RFC 8489): binding requests read, checked and answered.

Pure; used by gateway.webrtc_edge. A request counts only with the password of the session that its
user name names: whoever has it was given our answer. Nothing else of STUN is spoken: no other
method, no indication is answered, and no error is told, so nothing is reflected to strangers.
"""

import hmac
import struct
import zlib
from ipaddress import ip_address
from typing import NamedTuple

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
COOKIE = 0x2112A442
HEADER = struct.Struct("!HHI12s")
ATTRIBUTE = struct.Struct("!HH")

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
FINGERPRINT_XOR = 0x5354554E

INTEGRITY_BYTES = 20
REQUEST_BYTES_MAX = 548
"""What fits into a datagram everywhere; browsers send about 100."""


class Request(NamedTuple):
    """A binding request, whoever sent it. checked: all that its integrity is about."""

    transaction: bytes
    user: str
    """Our ufrag; that of the sender follows after a colon and is of no interest."""
    nominates: bool
    checked: bytes
    integrity: bytes

    def is_of(self, password: str) -> bool:
        """Whether its sender knows this password of ours."""
        return hmac.compare_digest(_hmac(password, self.checked), self.integrity)


def read(packet: bytes) -> Request | None:
    """A binding request with user name and integrity, or nothing."""
    if not HEADER.size <= len(packet) <= REQUEST_BYTES_MAX:
        return None
    kind, length, cookie, transaction = HEADER.unpack_from(packet)
    if kind != BINDING_REQUEST or cookie != COOKIE or length != len(packet) - HEADER.size:
        return None
    user, nominates, at = "", False, HEADER.size
    while at + ATTRIBUTE.size <= len(packet):
        name, size = ATTRIBUTE.unpack_from(packet, at)
        value = packet[at + ATTRIBUTE.size : at + ATTRIBUTE.size + size]
        if len(value) != size:
            return None
        if name == MESSAGE_INTEGRITY:
            if size != INTEGRITY_BYTES or not user:
                return None
            # Integrity is about a message that ends with it (RFC 8489, section 14.5).
            checked = _header(BINDING_REQUEST, at + 24 - HEADER.size, transaction)
            return Request(transaction, user, nominates, checked + packet[20:at], value)
        if name == USERNAME:
            user = value.decode("latin-1").partition(":")[0]
        nominates = nominates or name == USE_CANDIDATE
        at += ATTRIBUTE.size + size + -size % 4
    return None


def success(request: Request, password: str, host: str, port: int) -> bytes:
    """The answer: where the request came from."""
    address = ip_address(host)
    mask = COOKIE.to_bytes(4, "big") + request.transaction
    mapped = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
    family = 1 if address.version == 4 else 2
    value = struct.pack("!BBH", 0, family, port ^ (COOKIE >> 16)) + mapped
    body = ATTRIBUTE.pack(XOR_MAPPED_ADDRESS, len(value)) + value
    head = _header(BINDING_SUCCESS, len(body) + 24, request.transaction)
    body += ATTRIBUTE.pack(MESSAGE_INTEGRITY, INTEGRITY_BYTES) + _hmac(password, head + body)
    message = _header(BINDING_SUCCESS, len(body) + 8, request.transaction) + body
    mark = zlib.crc32(message) ^ FINGERPRINT_XOR
    return message + ATTRIBUTE.pack(FINGERPRINT, 4) + mark.to_bytes(4, "big")


def _header(kind: int, length: int, transaction: bytes) -> bytes:
    return HEADER.pack(kind, length, COOKIE, transaction)


def _hmac(password: str, message: bytes) -> bytes:
    return hmac.digest(password.encode(), message, "sha1")
