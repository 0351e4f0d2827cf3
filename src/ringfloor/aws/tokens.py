"""Tokens: texts that we hand out and recognise when they come back, without keeping them.

Called by operations (NextToken), by the access keys (session tokens) and by the participant and
agent services (bearer tokens). Rules:

* A token is base64url of MAC, expiry and payload; the payload is MessagePack. It is sealed, not
  secret: whoever holds it can read it and cannot change it.
* Each purpose has its own key, derived from the master key, so that a token of one purpose opens
  nothing elsewhere. The first key of the ring seals; all of them open, so that keys can be turned.
* Time is an argument. Length is bounded before anything is decoded.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar, overload

import msgspec
from msgspec.structs import asdict

from ringfloor.aws.model import Modeled
from ringfloor.aws.shapes import Structure
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import NEXT_TOKEN_MS, TOKEN_CHARS_MAX
from ringfloor.base.time import Duration, Instant

T = TypeVar("T")

_MAC_BYTES = 16
_EXPIRY_BYTES = 8
_KEY_BYTES_MIN = 16

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class TokenInvalid(Exception):
    """No token of ours for this purpose."""


class TokenExpired(TokenInvalid):
    """A good token, but its time is over."""


class Sealer:
    """Seals and opens tokens. keys: at least 16 bytes each; the first seals, all open."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        assert keys, "a sealer needs a key"
        assert all(len(key) >= _KEY_BYTES_MIN for key in keys), "a key has at least 16 bytes"
        self._keys = keys

    def seal(
        self, purpose: str, payload: object, expires: Instant, chars_max: int = TOKEN_CHARS_MAX
    ) -> str:
        """A token that opens until it expires. payload: what msgspec can encode."""
        signed = expires.to_bytes(_EXPIRY_BYTES, "big") + _encode(payload)
        text = _text(_mac(self._keys[0], purpose, signed) + signed)
        assert len(text) <= chars_max, f"a token of {len(text)} characters for {purpose}"
        return text

    @overload
    def open(self, purpose: str, text: str, now: Instant) -> object: ...

    @overload
    def open(
        self, purpose: str, text: str, now: Instant, shape: type[T], chars_max: int = ...
    ) -> T: ...

    def open(
        self,
        purpose: str,
        text: str,
        now: Instant,
        shape: object = None,
        chars_max: int = TOKEN_CHARS_MAX,
    ) -> object:
        """The payload, as shape if given; raises TokenInvalid or TokenExpired."""
        raw = _raw(text, chars_max)
        mac, signed = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        good = False
        for key in self._keys:
            good |= hmac.compare_digest(_mac(key, purpose, signed), mac)
        if not good or len(signed) < _EXPIRY_BYTES:
            raise TokenInvalid(purpose)
        if int.from_bytes(signed[:_EXPIRY_BYTES], "big") <= now:
            raise TokenExpired(purpose)
        try:
            return msgspec.msgpack.decode(signed[_EXPIRY_BYTES:], type=shape or object)
        except msgspec.ValidationError:  # sealed by another version of ours
            raise TokenInvalid(purpose) from None

    def derive(self, purpose: str, name: str) -> bytes:
        """32 bytes that only we can make again from the name; the same for the same name."""
        return hmac.digest(
            _purpose_key(self._keys[0], f"derived {purpose}"), name.encode(), "sha256"
        )


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """Where a listing goes on.

    after: the key of the last row given (a key set: rows may come and go between pages), or
    offset: rows given so far, for listings of a frozen snapshot. snapshot: which one, "" if none.
    """

    after: tuple[str | int | float | None, ...] = ()
    offset: int = 0
    snapshot: str = ""


class _Page(msgspec.Struct, array_like=True, frozen=True):
    digest: bytes
    cursor: Cursor


class Pages:
    """NextToken: bound to operation, instance and all parameters but the page's own.

    lifetime: how long a token lives; 5 minutes in the API reference.
    """

    def __init__(self, sealer: Sealer, lifetime: Duration = NEXT_TOKEN_MS) -> None:
        self._sealer = sealer
        self._lifetime = lifetime

    def next_token(
        self, operation: Modeled, instance: str, params: Structure, cursor: Cursor, now: Instant
    ) -> str:
        """The NextToken that continues this request at the cursor."""
        page = _Page(_digest(operation, instance, params), cursor)
        return self._sealer.seal("NextToken", page, now + self._lifetime)

    def cursor(
        self, operation: Modeled, instance: str, params: Structure, now: Instant
    ) -> Cursor | None:
        """Where the request goes on, None at the first page.

        A token that is not ours, expired or made for other parameters is a Refusal with the
        service's code for invalid values: InvalidParameterException.
        """
        text = params.NextToken
        if text is None:
            return None
        page: _Page | None
        try:
            page = self._sealer.open("NextToken", text, now, _Page)
        except TokenInvalid:
            page = None
        if page is None or page.digest != _digest(operation, instance, params):
            raise Refusal(operation.overlay.invalid, "Invalid or expired NextToken")
        return page.cursor


def _digest(operation: Modeled, instance: str, params: Structure) -> bytes:
    rest: Mapping[str, object] = {
        name: value
        for name, value in asdict(params).items()
        if name not in {"NextToken", "MaxResults"} and value is not None
    }
    return blake2b(_encode((operation.action, instance, rest)), digest_size=16).digest()


@lru_cache(maxsize=64)
def _purpose_key(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"ringfloor token: " + purpose.encode(), "sha256")


def _mac(key: bytes, purpose: str, signed: bytes) -> bytes:
    return hmac.digest(_purpose_key(key, purpose), signed, "sha256")[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str, chars_max: int) -> bytes:
    """The bytes of a token; only the one text that we would write for them is accepted."""
    if len(text) > chars_max:
        raise TokenInvalid("too long")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise TokenInvalid("not base64url") from None
    if _text(raw) != text:
        raise TokenInvalid("not base64url as we write it")
    return raw
