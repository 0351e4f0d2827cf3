"""Digest authentication (RFC 3261, section 22; RFC 2617): MD5 with qop=auth, as all phones do.

Both sides of it: gateway.sip.call answers the challenges of trunks, gateway.sip.registrar
challenges phones. Pure functions.
"""

import re
from hashlib import md5

from msgspec import Struct
from typing_extensions import override

_PARAMETER = re.compile(r'([a-zA-Z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


class Unspoken(Exception):
    """A challenge asks for an algorithm, or a protection, that is not spoken here."""


class Account(Struct, frozen=True):
    """How we are known to a trunk."""

    username: str
    password: str

    @override
    def __repr__(self) -> str:
        return f"Account({self.username!r})"


def parameters(header: str) -> dict[str, str]:
    """The parameters of Digest a="b", c=d; by lower-case name. {}: it is not Digest."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}


def _hash(text: str) -> str:
    return md5(text.encode("latin-1", "replace"), usedforsecurity=False).hexdigest()


def secret_hash(username: str, realm: str, password: str) -> str:
    """HA1: what both sides know."""
    return _hash(f"{username}:{realm}:{password}")


def response(ha1: str, method: str, given: dict[str, str]) -> str:
    """What proves to know the HA1, for the parameters that were given."""
    ha2 = _hash(f"{method}:{given.get('uri', '')}")
    nonce = given.get("nonce", "")
    if "qop" not in given:
        return _hash(f"{ha1}:{nonce}:{ha2}")
    count, ours, qop = given.get("nc", ""), given.get("cnonce", ""), given["qop"]
    return _hash(f"{ha1}:{nonce}:{count}:{ours}:{qop}:{ha2}")


def answer(challenge: str, account: Account, method: str, uri: str, cnonce: str) -> str:
    """The value of Authorization for a challenge. Raises Unspoken."""
    asked = parameters(challenge)
    realm, nonce = asked.get("realm"), asked.get("nonce")
    if realm is None or not nonce or asked.get("algorithm", "MD5").upper() != "MD5":
        raise Unspoken(challenge[:100])
    offered = [each.strip().lower() for each in asked.get("qop", "").split(",") if each.strip()]
    if offered and "auth" not in offered:
        raise Unspoken(challenge[:100])
    given = {"uri": uri, "nonce": nonce}
    if offered:
        given |= {"qop": "auth", "nc": "00000001", "cnonce": cnonce}
    proof = response(secret_hash(account.username, realm, account.password), method, given)
    said = [
        f'username="{account.username}"',
        f'realm="{realm}"',
        f'nonce="{nonce}"',
        f'uri="{uri}"',
        f'response="{proof}"',
        "algorithm=MD5",
    ]
    if offered:
        said.append(f'qop=auth, nc=00000001, cnonce="{cnonce}"')
    if "opaque" in asked:
        said.append(f'opaque="{asked["opaque"]}"')
    return "Digest " + ", ".join(said)
