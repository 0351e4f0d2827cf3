"""Keys: public keys, and what is mistaken for one, as PEM."""

import datetime as dt
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@cache
def pair(number: int) -> rsa.RSAPrivateKey:
    """The number-th pair of this run."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048 + 8 * number)


def rsa_key(number: int = 0) -> str:
    return pair(number).public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip


def mistaken() -> dict[str, str]:
    """What is no RSA public key, by what it is."""
    key = rsa_key()
    lines = key.splitlines()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    name = x509.Name([])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, pair(0).public_key(), 1, now, now)
        .sign(pair(0), hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    private = pair(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "nothing": "",
        "a word": "key",
        "without its marks": "".join(lines[1:-1]),
        "without its end": key.partition("-----END")[0],
        "a line short": "\n".join(lines[:2] + lines[3:]),
        "cut": "\n".join([lines[0], lines[1], lines[-1]]),
        "no base64": key.replace(lines[1][:4], "!!!!"),
        "more follows": key.replace(lines[-2], lines[-2].rstrip("=") + "AAAAAAAA"),
        "two keys": key + key,
        "elliptic": other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "a certificate": certificate.decode(),
        "private": private.decode(),
        "PKCS#1": pair(0).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
        "empty": "-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----",
    }
