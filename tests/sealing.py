"""Sealing: certificates for encrypted input, and the way their owner opens what was typed.

It is opened as AWS documents it for Python: the AWS Encryption SDK with a raw RSA master key of the
provider AmazonConnect.
"""

import base64
import functools
from datetime import UTC, datetime
from typing import NamedTuple

from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from typing_extensions import override

KEY_ID = "8f7f0f2e-1f1a-4a5c-9e1e-000000000001"


class Pair(NamedTuple):
    """A private key, its certificate and its public key, as PEM."""

    private: str
    certificate: str
    public: str


@functools.cache
def a_pair(bits: int = 2048, name: str = "ours") -> Pair:
    """A self-signed pair of so many bits; 0: of an elliptic curve."""
    key = (
        rsa.generate_private_key(65_537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Pair(private.decode(), certificate.public_bytes(Encoding.PEM).decode(), public.decode())


def opened(message: str, pair: Pair, key_id: str = KEY_ID) -> str:
    """What was typed, as its owner reads it."""

    class Owner(RawMasterKeyProvider):
        provider_id = "AmazonConnect"

        @override
        def _get_raw_key(self, key_id: bytes) -> WrappingKey:
            return WrappingKey(
                wrapping_algorithm=WrappingAlgorithm.RSA_OAEP_SHA512_MGF1,
                wrapping_key=pair.private.encode(),
                wrapping_key_type=EncryptionKeyType.PRIVATE,
            )

    owner = Owner()
    owner.add_master_key(key_id)
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
    plain, header = client.decrypt(source=base64.b64decode(message), key_provider=owner)
    assert [key.key_provider.provider_id for key in header.encrypted_data_keys] == ["AmazonConnect"]
    return plain.decode()
