"""Passwords: hashed with Argon2id, checked in constant time; never stored, never logged.

The parameters are argon2-cffi's defaults (RFC 9106, low-memory profile). Hashing takes some tens of
milliseconds, so it happens on a thread.
"""

import asyncio
import re
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ringfloor.base.errors import Refusal

_RULE = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])\S{8,64}")
"""The API reference: 8 to 64 characters with a lower-case letter, an upper-case one, a digit."""

_hasher = PasswordHasher()


@cache
def _nobodys() -> str:
    """Checked for unknown users, so that they cannot be told by the time an answer takes."""
    return _hasher.hash("nobody has this password")


def check_rule(password: str) -> None:
    """Refuse a password that breaks the rule; the message does not repeat it."""
    if _RULE.fullmatch(password) is None:
        raise Refusal(
            "InvalidParameterException",
            "Password: must be 8 to 64 characters without spaces, with at least one lower-case"
            " letter, one upper-case letter and one digit",
        )


async def hashed(password: str) -> str:
    """The hash to store."""
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; None: there is no such user."""
    return await asyncio.to_thread(_verify, stored or _nobodys(), password) and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
