"""Sealed input: keys that a customer types, encrypted before the center learns of them.

Called by the outbox and by rehearsals: begin before a gathering is sent to the carrier, close with
what it has gathered. What is typed leaves here only as a message of the AWS Encryption SDK in
base64, which who has the private key opens as AWS documents it (Amazon Connect Administrator Guide,
Encrypt customer input): master key provider AmazonConnect, the key's id, RSA-OAEP with SHA-512.

The message is of format version 1 with algorithm 0378 (AES-256-GCM, HKDF-SHA384, signed with
ECDSA P-384 by a key made for it), one frame, one encrypted data key. Sources: AWS Encryption SDK
Developer Guide, message format, body AAD and algorithms reference.

Rules:

* The key is the certificate that the flow names; its signature must be that of a security key of
  the instance, or it is nobody's word. A sandbox and a rehearsal take any certificate.
* A key that cannot be used fails the action before anything is asked.
* Neither keys nor what was typed appear in a repr, a log or an error.
"""

import base64
import struct
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from ringfloor.base.ids import secret
from ringfloor.base.limits import SEALING_KEY_BITS_MAX, SEALING_KEY_BITS_MIN
from ringfloor.domain import dialogue
from ringfloor.engine.effects import GatherSealed

PROVIDER = b"AmazonConnect"
FAILED = dialogue.Failed("NoMatchingError")

_VERSION_AND_TYPE = b"\x01\x80"
_ALGORITHM = b"\x03\x78"
_SIGNER = b"aws-crypto-public-key"
_FRAMED = b"\x02"
_FINAL = b"\xff\xff\xff\xff"
_FINAL_AAD = b"AWSKMSEncryptionClient Final Frame"
_KEY_BYTES = 32
_ID_BYTES = 16
_IV_BYTES = 12
_FRAME_BYTES = 4_096


class SealedInput:
    """The gatherings under way whose keys are to be encrypted. anybody: take any certificate."""

    def __init__(self, *, anybody: bool) -> None:
        self._anybody = anybody
        self._keys: dict[str, tuple[bytes, rsa.RSAPublicKey]] = {}
        """Id of the gathering to the id of the key, and the key."""
        self._gathers: dict[str, set[str]] = {}
        """Channel to the ids of its gatherings."""

    def begin(self, effect: GatherSealed) -> bool:
        """Know with what this gathering is encrypted; False: with nothing, do not ask."""
        found = _usable(effect.encryption.key, None if self._anybody else effect.trusted)
        key_id = effect.encryption.key_id.encode()
        if found is None or len(key_id) > 0xFFFF:
            return False
        gather = effect.gather
        self._keys[gather.gather_id] = key_id, found
        self._gathers.setdefault(gather.channel_id, set()).add(gather.gather_id)
        return True

    def close(self, gather_id: str, typed: dialogue.Digits) -> dialogue.Heard:
        """What the flow hears of what was typed: it encrypted; nothing stays nothing."""
        known = self._keys.get(gather_id)
        if known is None:
            return FAILED
        if not typed.digits:
            return typed
        message = sealed(typed.digits.encode(), *known)
        return dialogue.Digits(base64.b64encode(message).decode(), typed.reason)

    def forget(self, channel_id: str) -> None:
        """The channel is gone, and with it all that it was asked."""
        for gather_id in self._gathers.pop(channel_id, ()):
            del self._keys[gather_id]


def sealed(plain: bytes, key_id: bytes, key: rsa.RSAPublicKey) -> bytes:
    """A message of the AWS Encryption SDK that the holder of the private key can open."""
    message_id, data_key = secret(_ID_BYTES), secret(_KEY_BYTES)
    signer = ec.generate_private_key(ec.SECP384R1())
    point = signer.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    context = _counted(_SIGNER) + _counted(base64.b64encode(point))
    oaep = padding.OAEP(padding.MGF1(SHA512()), SHA512(), None)
    wrapped = _counted(PROVIDER) + _counted(key_id) + _counted(key.encrypt(data_key, oaep))
    header = b"".join(
        (
            _VERSION_AND_TYPE,
            _ALGORITHM,
            message_id,
            _counted(_short(1) + context),
            _short(1) + wrapped,
            _FRAMED,
            bytes(4),
            bytes((_IV_BYTES,)),
            _long(_FRAME_BYTES),
        )
    )
    derived = HKDF(SHA384(), _KEY_BYTES, None, _ALGORITHM + message_id).derive(data_key)
    cipher = AESGCM(derived)
    header_iv = bytes(_IV_BYTES)
    header += header_iv + cipher.encrypt(header_iv, b"", header)
    number = _long(1)
    frame_iv = number.rjust(_IV_BYTES, b"\0")
    about = message_id + _FINAL_AAD + number + struct.pack(">Q", len(plain))
    frame = _FINAL + number + frame_iv + _long(len(plain)) + cipher.encrypt(frame_iv, plain, about)
    return header + frame + _counted(signer.sign(header + frame, ec.ECDSA(SHA384())))


def _short(number: int) -> bytes:
    return struct.pack(">H", number)


def _long(number: int) -> bytes:
    return struct.pack(">I", number)


def _counted(field: bytes) -> bytes:
    """A field after its length."""
    return _short(len(field)) + field


def _usable(pem: str, trusted: Sequence[str] | None) -> rsa.RSAPublicKey | None:
    """The key of a certificate that may be used; trusted: keys, PEM, of which one has signed it."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, TypeError):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    if not SEALING_KEY_BITS_MIN <= key.key_size <= SEALING_KEY_BITS_MAX:
        return None
    if trusted is not None and not any(_has_signed(each, certificate) for each in trusted):
        return None
    return key


def _has_signed(pem: str, certificate: x509.Certificate) -> bool:
    digest, form = certificate.signature_hash_algorithm, certificate.signature_algorithm_parameters
    try:
        key = load_pem_public_key(pem.encode())
        if not isinstance(key, rsa.RSAPublicKey) or digest is None:
            return False
        if not isinstance(form, padding.PKCS1v15 | padding.PSS):
            return False
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, form, digest)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
