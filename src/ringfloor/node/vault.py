"""Vault: what must not be read from the disk, encrypted with a key that is not on it.

AES-256-GCM. The first key of the ring seals, all of them open, so that keys can be turned: what an
older key has sealed is sealed anew at the next start. What is sealed says by which key, and is
bound to what it is for: it opens for nothing else. Neither keys nor what is kept here appear in a
repr, a log or an error. A note in the journal shows at once whether the keys are the right ones.
"""

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringfloor.base.errors import Fault
from ringfloor.base.ids import secret
from ringfloor.journal.journal import Journal

KEY_BYTES = 32

CHECK_NOTE = "encryption key check"
SEALING_NOTE = "sealing key"

WRONG = (
    "the secrets in this data directory were encrypted with another key. Start with"
    " RINGFLOOR_ENCRYPTION_KEY as it was or, where it was not set, with the root's secret access"
    " key as it was: the key is then made from that. To change it, put the new key before the old"
    " one and start once"
)

_VERSION = b"\x01"
_NAME_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = len(_VERSION) + _NAME_BYTES + _NONCE_BYTES


class WrongKey(Fault):
    """The vault does not have the key, or somebody has changed what was sealed."""


class Vault:
    """Seals and opens. keys: 32 bytes each; the first seals, all open."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        assert keys, "a vault needs a key"
        assert all(len(key) == KEY_BYTES for key in keys), "a key has 32 bytes"
        self._ring = {_name(key): AESGCM(key) for key in reversed(keys)}
        self._first = _name(keys[0])

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """The plain bytes, unreadable. purpose: has to be named again to open them."""
        nonce = secret(_NONCE_BYTES)
        closed = self._ring[self._first].encrypt(nonce, plain, purpose.encode())
        return _VERSION + self._first + nonce + closed

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed for this purpose; raises WrongKey."""
        key = self._ring.get(sealed[1 : 1 + _NAME_BYTES])
        if sealed[:1] != _VERSION or key is None or len(sealed) < _HEAD_BYTES + _TAG_BYTES:
            raise WrongKey(f"the {purpose} was encrypted with a key that is not configured")
        nonce = sealed[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES]
        try:
            return key.decrypt(nonce, sealed[_HEAD_BYTES:], purpose.encode())
        except InvalidTag:
            raise WrongKey(f"the {purpose} is not as it was encrypted") from None

    def fresh(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that now seals."""
        return sealed[: 1 + _NAME_BYTES] == _VERSION + self._first


def prove(journal: Journal, vault: Vault | None) -> None:
    """Refuse to go on with keys that do not open what is in the journal. Raises Fault."""
    note = journal.note(CHECK_NOTE)
    if note is None:
        if vault is not None:
            settle(journal, vault)
        return
    if vault is None:
        raise Fault(WRONG)
    try:
        vault.open(note, CHECK_NOTE)
    except WrongKey as error:
        raise Fault(WRONG) from error


def settle(journal: Journal, vault: Vault) -> None:
    """Everything is sealed with the first key from here on: the others may go."""
    note = journal.note(CHECK_NOTE)
    if note is None or not vault.fresh(note):
        journal.put_note(CHECK_NOTE, vault.seal(b"", CHECK_NOTE))


def sealing_key(journal: Journal, vault: Vault | None) -> bytes:
    """The key of bearer, session and page tokens: made once, so that tokens survive a restart.

    In plain without a vault, and in journals of old versions, until there is one.
    """
    note = journal.note(SEALING_NOTE)
    if note is None or len(note) == KEY_BYTES:
        key = note or secret(KEY_BYTES)
        kept = key if vault is None else vault.seal(key, SEALING_NOTE)
    elif vault is None:
        raise Fault(WRONG)
    else:
        key = vault.open(note, SEALING_NOTE)
        kept = note if vault.fresh(note) else vault.seal(key, SEALING_NOTE)
    if kept != note:
        journal.put_note(SEALING_NOTE, kept)
    return key


def derived_key(secret_access_key: str) -> bytes:
    """A key made from the root's secret, where no other is configured (HKDF-SHA256, RFC 5869)."""
    extracted = hmac.digest(b"ringfloor vault", secret_access_key.encode(), "sha256")
    return hmac.digest(extracted, b"encryption key\x01", "sha256")


def _name(key: bytes) -> bytes:
    """What tells keys apart, and tells nothing about them."""
    return sha256(b"ringfloor vault key name" + key).digest()[:_NAME_BYTES]
