"""SigV4: proves who sent a request, in a header or in a presigned URL; signs for our own client.

Called by server.pipeline as the first stage. Own canonicalisation, because botocore and awscrt sign
but do not verify. Rules:

* The bytes are canonicalised as received: the raw path has its dot segments and double slashes
  removed and is encoded once more; query pairs are encoded and sorted; header values lose
  superfluous blanks, duplicates are joined with commas.
* `host` and every x-amz-* header received must be signed; the scope must name the day of the date,
  our region, our service and aws4_request; the body's digest must be that of the body. Payloads
  that are not signed are refused.
* S3 signs its own way: the path as it is, and what the header says of the body, which may be that
  it is not signed. Whether the body is as the header says is for whoever reads it.
* Codes, statuses and texts are those of AWS. No message holds a secret, a key or a signature, nor
  the canonical request.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ringfloor.aws.dates import basic, from_basic, from_http_date
from ringfloor.aws.request import HttpRequest, Principal, Signed
from ringfloor.aws.routes import path_of, percent_decoded
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import (
    PRESIGNED_SECONDS_MAX,
    SIGNATURE_WINDOW_MS,
    SIGNING_KEYS_MAX,
)
from ringfloor.base.time import MINUTE, SECOND, Duration, Instant

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
S3 = "s3"
UNSIGNED = "UNSIGNED-PAYLOAD"

_BLANKS = " \t"
"""HTTP's; str.strip alone would take a no-break space for one."""

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS"
    " Secret Access Key and signing method. Consult the service documentation for details."
)

_SCOPE = re.compile(rb"Credential=[^/,]{,128}/[^/,]{,9}/([^/,]{,64})/([^/,]{,64})/").search
_PLAIN_PATH = re.compile(rb"[A-Za-z0-9/_.~-]*").fullmatch
_PLAIN_QUERY = re.compile(rb"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*").fullmatch


@dataclass(frozen=True, slots=True)
class Credential:
    """What an access key id stands for. expires: of temporary keys, else None."""

    secret: str = field(repr=False)
    principal: Principal
    expires: Instant | None = None


class Secrets(Protocol):
    """Who knows the access keys."""

    def secret(self, access_key_id: str, session_token: str | None) -> Credential | None:
        """The credential, or None if key or token is unknown or they do not belong together."""
        ...


class _Claim(NamedTuple):
    """What a request says of its own signature."""

    credential: str
    signed_headers: str
    signature: str
    date: str
    token: str | None
    query: list[tuple[bytes, bytes]]
    lifetime: Duration | None


def verify(
    http: HttpRequest,
    secrets: Secrets,
    now: Instant,
    *,
    region: str,
    service: str,
    window: Duration = SIGNATURE_WINDOW_MS,
) -> Signed[Principal]:
    """Prove the sender of a request or refuse it.

    region, service: what signatures must be scoped to; service is the model's signing name.
    window: how far the signature's date may be from now, either way.
    """
    headers = _by_name(http)
    claim = _claim(http, headers)
    access_key_id, date = _scope(claim, region, service)
    _in_time(claim, date, now, window)
    credential = _credential(secrets, access_key_id, claim, now)
    digest = _claimed(headers) if service == S3 else _digest(http.body, headers)
    canonical = _canonical_request(http, headers, claim, digest, plain=service == S3)
    expected = _signature(canonical, claim.date, credential.secret, region, service)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise Refusal("InvalidSignatureException", MISMATCH)
    return Signed(http, credential.principal, region)


def renewed(signed: Signed[Principal], secrets: Secrets, now: Instant) -> Principal:
    """The sender of a request that was proven earlier and still goes on, as he is now.

    Refuses, as verify does, one whose key or session is no more.
    """
    claim = _claim(signed.http, _by_name(signed.http))
    return _credential(secrets, signed.principal.access_key_id, claim, now).principal


def _by_name(http: HttpRequest) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for name, value in http.headers:
        headers.setdefault(name.lower(), []).append(value)
    return headers


def _claim(http: HttpRequest, headers: Mapping[bytes, list[bytes]]) -> _Claim:
    claim = _from_header(http, headers) or _from_query(http)
    if claim is None:
        raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    return claim


def _credential(secrets: Secrets, access_key_id: str, claim: _Claim, now: Instant) -> Credential:
    credential = secrets.secret(access_key_id, claim.token)
    if credential is None:
        raise Refusal(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if credential.expires is not None and credential.expires <= now:
        raise Refusal(
            "ExpiredTokenException", "The security token included in the request is expired"
        )
    return credential


def sign(
    http: HttpRequest,
    keys: tuple[str, str, str | None],
    now: Instant,
    *,
    region: str,
    service: str,
) -> list[tuple[bytes, bytes]]:
    """The headers that sign a request, to be added to those it has, which are signed too.

    http: Host is among its headers. keys: access key id, secret, session token if there is one.
    """
    access_key_id, secret, token = keys
    date = basic(now)
    added = [(b"x-amz-date", date.encode())]
    if token is not None:
        added.append((b"x-amz-security-token", token.encode()))
    headers: dict[bytes, list[bytes]] = {}
    for name, value in (*http.headers, *added):
        headers.setdefault(name.lower(), []).append(value)
    names = b";".join(sorted(headers)).decode()
    credential = f"{access_key_id}/{date[:8]}/{region}/{service}/{TERMINATOR}"
    claim = _Claim(credential, names, "", date, token, _canonical_pairs(http.raw_query), None)
    digest = sha256(http.body).hexdigest().encode()
    canonical = _canonical_request(http, headers, claim, digest)
    signature = _signature(canonical, date, secret, region, service)
    proof = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return [*added, (b"authorization", proof.encode())]


def _signature(canonical: bytes, date: str, secret: str, region: str, service: str) -> str:
    day = date[:8]
    to_sign = (
        f"{ALGORITHM}\n{date}\n{day}/{region}/{service}/{TERMINATOR}\n"
        f"{sha256(canonical).hexdigest()}"
    )
    key = _signing_key(secret, day, region, service)
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def scope(http: HttpRequest) -> tuple[str, str] | None:
    """Region and service that a request says it is signed for; nothing is proven yet."""
    headers = [value for name, value in http.headers if name.lower() == b"authorization"]
    pieces = [each for each in http.raw_query.split(b"&") if each.startswith(b"X-Amz-Credential=")]
    claims = headers or [unquote_to_bytes(each) for each in pieces]
    found = _SCOPE(claims[0]) if claims else None
    return (found[1].decode("latin-1"), found[2].decode("latin-1")) if found else None


def _from_header(http: HttpRequest, headers: Mapping[bytes, list[bytes]]) -> _Claim | None:
    authorizations = headers.get(b"authorization")
    if authorizations is None:
        return None
    if len(authorizations) > 1:
        raise _incomplete("The request has more than one Authorization header.")
    algorithm, _, rest = authorizations[0].decode("latin-1").strip(_BLANKS).partition(" ")
    if algorithm != ALGORITHM:  # not repeated: it may be somebody's password or bearer token
        raise _incomplete(f"Authorization header requires the algorithm '{ALGORITHM}'.")
    given: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip(_BLANKS).partition("=")
        if not equals:
            raise _incomplete(
                f"{shown(part.strip())} not a valid key=value pair (missing equal-sign)"
                " in Authorization header."
            )
        given[name] = value
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not given.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    return _Claim(
        credential=given["Credential"],
        signed_headers=given["SignedHeaders"],
        signature=given["Signature"],
        date=_header_date(headers),
        token=_first(headers, b"x-amz-security-token"),
        query=_canonical_pairs(http.raw_query),
        lifetime=None,
    )


def _from_query(http: HttpRequest) -> _Claim | None:
    if b"X-Amz-" not in http.raw_query:
        return None
    pairs = _canonical_pairs(http.raw_query)
    given: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        if raw_name.startswith(b"X-Amz-"):
            name = raw_name.decode("ascii")
            if name in given:
                raise _incomplete(f"The query parameter {shown(name)} is given twice.")
            given[name] = _text(raw_value, name)
    if "X-Amz-Algorithm" not in given and "X-Amz-Signature" not in given:
        return None
    for part in ("Algorithm", "Credential", "Date", "Expires", "Signature", "SignedHeaders"):
        if not given.get(f"X-Amz-{part}"):
            raise _incomplete(f"AWS query-string parameters must include 'X-Amz-{part}'.")
    if given["X-Amz-Algorithm"] != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': {shown(given['X-Amz-Algorithm'])}.")
    expires = given["X-Amz-Expires"]
    seconds = int(expires) if re.fullmatch(r"[0-9]{1,7}", expires) else 0
    if not 1 <= seconds <= PRESIGNED_SECONDS_MAX:
        raise _incomplete(f"X-Amz-Expires must be between 1 and {PRESIGNED_SECONDS_MAX} seconds.")
    return _Claim(
        credential=given["X-Amz-Credential"],
        signed_headers=given["X-Amz-SignedHeaders"],
        signature=given["X-Amz-Signature"],
        date=given["X-Amz-Date"],
        token=given.get("X-Amz-Security-Token"),
        query=[pair for pair in pairs if pair[0] != b"X-Amz-Signature"],
        lifetime=seconds * SECOND,
    )


def _header_date(headers: Mapping[bytes, list[bytes]]) -> str:
    """X-Amz-Date, or else Date in either form, as ISO 8601 basic."""
    date = _first(headers, b"x-amz-date")
    if date is not None:
        return date
    date = _first(headers, b"date")
    if date is None:
        raise _incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    instant = from_http_date(date)
    return date if instant is None else basic(instant)


def _scope(claim: _Claim, region: str, service: str) -> tuple[str, Instant]:
    """The access key id and the signature's date; refuses a scope that is not ours."""
    parts = claim.credential.split("/")
    if len(parts) != 5:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements,"
            f" e.g. keyid/date/region/service/term, got {shown(claim.credential)}"
        )
    date = from_basic(claim.date)
    if date is None:
        raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got {shown(claim.date)}.")
    access_key_id, day, scoped_region, scoped_service, terminator = parts
    if day != claim.date[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from"
            f" HTTP: {shown(day)} != {shown(claim.date[:8])}, from {shown(claim.date)}."
        )
    if scoped_region != region:
        raise _invalid(
            f"Credential should be scoped to a valid region, not {shown(scoped_region)}."
        )
    if scoped_service != service:
        raise _invalid(f"Credential should be scoped to correct service: {shown(service)}.")
    if terminator != TERMINATOR:
        raise _invalid(
            "Credential should be scoped with a valid terminator:"
            f" '{TERMINATOR}', not {shown(terminator)}."
        )
    return access_key_id, date


def _in_time(claim: _Claim, date: Instant, now: Instant, window: Duration) -> None:
    minutes = f"{window // MINUTE} min."
    if date > now + window:
        raise _invalid(
            f"Signature not yet current: {claim.date} is still later than"
            f" {basic(now + window)} ({basic(now)} + {minutes})"
        )
    lifetime = window if claim.lifetime is None else claim.lifetime
    if date < now - lifetime:
        span = minutes if claim.lifetime is None else f"{lifetime // SECOND} sec."
        raise _invalid(
            f"Signature expired: {claim.date} is now earlier than"
            f" {basic(now - lifetime)} ({basic(now)} - {span})"
        )


def _digest(body: bytes, headers: Mapping[bytes, list[bytes]]) -> bytes:
    digest = sha256(body).hexdigest().encode()
    for claimed in headers.get(b"x-amz-content-sha256", ()):
        if not hmac.compare_digest(digest, claimed.strip()):
            raise _invalid(
                "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
    return digest


def _claimed(headers: Mapping[bytes, list[bytes]]) -> bytes:
    """What a request to S3 says of its body."""
    return (_first(headers, b"x-amz-content-sha256") or UNSIGNED).encode("latin-1")


def _canonical_request(
    http: HttpRequest,
    headers: Mapping[bytes, list[bytes]],
    claim: _Claim,
    digest: bytes,
    *,
    plain: bool = False,
) -> bytes:
    signed_headers = claim.signed_headers.encode()
    names = signed_headers.split(b";")
    if b"host" not in names:
        raise _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    for name in headers:
        if name.startswith(b"x-amz-") and name not in names:
            raise _invalid(
                f"'{name.decode('latin-1')}' must be a 'SignedHeader' in the AWS Authorization."
            )
    lines = [
        http.method.encode(),
        _as_it_is(http.raw_path) if plain else canonical_path(http.raw_path),
        b"&".join([b"%b=%b" % pair for pair in sorted(claim.query)]),
    ]
    for name in names:
        values = headers.get(name)
        if values is None:
            raise _invalid(
                f"The signed header {shown(name.decode('latin-1'))} is not in the request."
            )
        lines.append(b"%b:%b" % (name, b",".join([b" ".join(value.split()) for value in values])))
    lines += [b"", signed_headers, digest]
    return b"\n".join(lines)


def _as_it_is(target: bytes) -> bytes:
    """The path as S3 signs it: encoded once."""
    path = path_of(target)
    if _PLAIN_PATH(path):
        return path
    return quote_from_bytes(unquote_to_bytes(path), safe="/~").encode()


def canonical_path(target: bytes) -> bytes:
    """The path as it is signed: normalised, then encoded once more (%2F becomes %252F)."""
    path = path_of(target)
    if b"//" in path or b"/." in path:
        kept: list[bytes] = []
        for segment in path.split(b"/"):
            if segment == b"..":
                del kept[-1:]
            elif segment not in {b"", b"."}:
                kept.append(segment)
        slash = b"/" if kept and path.endswith(b"/") else b""
        path = b"/" + b"/".join(kept) + slash
    return path if _PLAIN_PATH(path) else quote_from_bytes(path, safe="/~").encode()


def _canonical_pairs(raw_query: bytes) -> list[tuple[bytes, bytes]]:
    pairs = []
    for piece in raw_query.split(b"&") if raw_query else ():
        name, _, value = piece.partition(b"=")
        pairs.append((_canonical(name), _canonical(value)))
    return pairs


def _canonical(raw: bytes) -> bytes:
    """A query name or value with everything encoded but the unreserved characters."""
    return raw if _PLAIN_QUERY(raw) else quote_from_bytes(unquote_to_bytes(raw), safe="~").encode()


@lru_cache(maxsize=SIGNING_KEYS_MAX)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _first(headers: Mapping[bytes, list[bytes]], name: bytes) -> str | None:
    values = headers.get(name)
    return None if values is None else values[0].decode("latin-1").strip(_BLANKS)


def _text(raw: bytes, name: str) -> str:
    try:
        return percent_decoded(raw)
    except UnicodeDecodeError:
        raise _incomplete(f"The query parameter {shown(name)} is not UTF-8.") from None


def _incomplete(message: str) -> Refusal:
    return Refusal("IncompleteSignatureException", message)


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidSignatureException", message)
