"""PEM: whether a text is an RSA public key, as openssl writes it (BEGIN PUBLIC KEY).

Nothing is encrypted here; the key is looked at far enough to refuse certificates, private keys,
keys of other kinds and texts that were cut on their way. Format: RFC 7468 and RFC 5280, 4.1.2.7.
"""

import base64
import binascii
import re

_PUBLIC_KEY = re.compile(
    r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*"
)
_RSA = bytes.fromhex("06092a864886f70d0101010500")
"""The object identifier rsaEncryption, and its parameters: none."""

SEQUENCE, INTEGER, BIT_STRING = 0x30, 0x02, 0x03


def is_rsa_public_key(text: str) -> bool:
    """Whether it is; white space around it and between its lines is allowed."""
    match = _PUBLIC_KEY.fullmatch(text)
    if match is None:
        return False
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True)
        algorithm, key = _parts(_only(der, SEQUENCE), SEQUENCE, BIT_STRING)
        modulus, exponent = _parts(_only(key[1:], SEQUENCE), INTEGER, INTEGER)
    except (binascii.Error, IndexError, ValueError):
        return False
    return algorithm == _RSA and key[0] == 0 and bool(modulus) and bool(exponent)


def _only(der: bytes, tag: int) -> bytes:
    """The contents of the one element that these bytes are."""
    (contents,) = _parts(der, tag)
    return contents


def _parts(der: bytes, *tags: int) -> list[bytes]:
    """The contents of the elements that these bytes are, of these types; raises ValueError."""
    found = []
    for tag in tags:
        if der[0] != tag:
            raise ValueError(f"tag {der[0]}")
        size, begin = der[1], 2
        if size & 0x80:
            begin += size & 0x7F
            size = int.from_bytes(der[2:begin], "big")
        found.append(der[begin : begin + size])
        if len(found[-1]) < size:
            raise ValueError("it is cut off")
        der = der[begin + size :]
    if der:
        raise ValueError("more follows")
    return found
