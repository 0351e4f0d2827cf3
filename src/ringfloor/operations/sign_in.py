"""Sign-in: who an agent is, as a bearer token says it.

Called by the agent service: sign_in (by password), refresh, authorize, sign_out, and who for every
request; by the API for GetFederationToken, the way in where users have no passwords. Rules:

* Tokens are sealed, not kept: they survive a restart, and end with their time, their user or their
  instance. A token for access refreshes nothing, a token for refreshing opens nothing.
* A session ends when the authentication profile says, however often it was refreshed, and is good
  for the addresses that the profile lets in now (operations.authentication).
* Who signs out ends all sessions that he has, on every desktop, for good: the center keeps since
  when his tokens count. His status stays as he has chosen it.
* Whether a user exists cannot be told from an answer, nor from the time it takes.
* Failures are counted before the password is looked at, so that guesses made at once count too.
  Whoever has failed too often is not heard for a while, even with the right password.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ringfloor.aws.tokens import TokenExpired, TokenInvalid
from ringfloor.base.codec import encode
from ringfloor.base.errors import Refusal, invalid_request
from ringfloor.base.limits import (
    SIGN_IN_FAILURES_MAX,
    SIGN_IN_KEYS_MAX,
    SIGN_IN_WINDOW_MS,
    SIGN_INS_AT_ONCE_MAX,
    SIGN_INS_FROM_ONE_ADDRESS_MAX,
)
from ringfloor.base.time import SECOND, Instant, seconds
from ringfloor.domain import commands
from ringfloor.domain.events import Origin
from ringfloor.node.desk import Desk
from ringfloor.node.node import Node
from ringfloor.operations import passwords
from ringfloor.operations.authentication import admit, durations
from ringfloor.operations.checks import PASSWORD_HASH
from ringfloor.operations.context import Context, Service
from ringfloor.operations.instances import view
from ringfloor.operations.registry import Params, Result, operation

SIGNED_OUT = "SignedOut"
"""Property of a user: the last instant whose tokens count no more, in milliseconds."""

ACCESS = "agent access"
REFRESH = "agent refresh"


class Token(NamedTuple):
    """A bearer token and when it ends."""

    text: str
    expires: Instant


class Session(NamedTuple):
    """What a sign-in gives."""

    access: Token
    refresh: Token


class Bearer(NamedTuple):
    """Whom an access token belongs to."""

    desk: Desk
    user_id: str


class _Claims(Struct, frozen=True, array_like=True):
    instance_id: str
    user_id: str
    issued: Instant
    expires: Instant


class Attempts:
    """Sign-ins that failed or are under way: how often, per instance, user name and source.

    One per server. Bounded: the key that was used longest ago makes room.
    """

    def __init__(self) -> None:
        self._failed: dict[bytes, list[Instant]] = {}
        self._under_way: Counter[str] = Counter()
        """By network address."""

    def __len__(self) -> int:
        """Keys in memory."""
        return len(self._failed)

    def begin(self, key: bytes, now: Instant) -> None:
        """Count an attempt as failed until it succeeds; refuses with TooManyRequestsException."""
        failed = [at for at in self._failed.pop(key, ()) if at > now - SIGN_IN_WINDOW_MS]
        self._failed[key] = failed
        if len(failed) >= SIGN_IN_FAILURES_MAX:
            wait = -((now - SIGN_IN_WINDOW_MS - failed[0]) // SECOND)
            raise Refusal(
                "TooManyRequestsException",
                f"username: {len(failed)} failed sign-ins from this address; try again in {wait} s",
            )
        failed.append(now)
        if len(self._failed) > SIGN_IN_KEYS_MAX:
            del self._failed[next(iter(self._failed))]

    def succeed(self, key: bytes) -> None:
        """Forget the failures."""
        self._failed.pop(key, None)

    @contextmanager
    def checking(self, source: str) -> Iterator[None]:
        """While a password is being checked; refuses with TooManyRequestsException."""
        here, all_ = self._under_way[source], self._under_way.total()
        if all_ >= SIGN_INS_AT_ONCE_MAX or here >= SIGN_INS_FROM_ONE_ADDRESS_MAX:
            raise Refusal(
                "TooManyRequestsException", "too many are signing in at once; try again in a second"
            )
        self._under_way[source] += 1
        try:
            yield
        finally:
            self._under_way[source] -= 1
            self._under_way += Counter()  # keeps what is above zero


async def sign_in(
    service: Service,
    attempts: Attempts,
    instance: str,
    username: str,
    password: str,
    source: str,
    now: Instant,
) -> Session:
    """A session for a user and his password. instance: id or alias; source: network address.

    Refuses with UnauthorizedException, after too many failures TooManyRequestsException, and with
    AccessDeniedException where the address is shut out, which only the right password learns.
    """
    found = await service.node.read(lambda: _user_named(service.node, instance, username))
    key = blake2b(encode((found.instance_id, username, source)), digest_size=16).digest()
    with attempts.checking(source):
        attempts.begin(key, now)
        good = await passwords.matches(found.password_hash, password)
    if not good or found.user_id is None:
        raise _unauthorized("the instance, the username or the password is wrong")
    attempts.succeed(key)
    instance_id, user_id = found.instance_id, found.user_id
    await service.node.read(lambda: _admitted(service.node, instance_id, user_id, source))
    return _session(service, instance_id, user_id, now)


async def refresh(service: Service, token: str, now: Instant, source: str = "") -> Token:
    """A new access token for a refresh token; refuses as who does."""
    claims = _opened(service, REFRESH, token, now)
    bearer = await service.node.read(lambda: _bearer(service.node, claims, source))
    expires = min(now + durations(bearer.desk.center).access, claims.expires)
    return _sealed(
        service, ACCESS, replace(claims, issued=max(now, claims.issued), expires=expires)
    )


async def authorize(service: Service, token: str, now: Instant, source: str = "") -> Token:
    """A good access token: for a refresh token a new one, for an access token itself.

    An access token does not renew itself, or one that was stolen would last.
    """
    try:
        service.sealer.open(REFRESH, token, now, _Claims)
    except TokenExpired:
        pass  # refresh says so
    except TokenInvalid:
        claims = _opened(service, ACCESS, token, now)
        await service.node.read(lambda: _bearer(service.node, claims, source))
        return Token(token, claims.expires)
    return await refresh(service, token, now, source)


async def sign_out(
    service: Service, token: str | None, now: Instant, source: str = "", request_id: str = ""
) -> None:
    """All sessions of the user whose access token this is are over; refuses as who does."""
    bearer = await who(service, token, now, source)
    arn = bearer.desk.center.home.arn_of("user", bearer.user_id)
    origin = Origin(arn, source=source, request_id=request_id, operation="sign-out")
    over = commands.UpdateResource("user", bearer.user_id, {SIGNED_OUT: now})
    await service.node.submit(bearer.desk.instance_id, over, origin)


async def who(service: Service, token: str | None, now: Instant, source: str = "") -> Bearer:
    """Whom an access token belongs to. source: network address, empty if there is none.

    Refuses with UnauthorizedException, or with AccessDeniedException where the address is shut out.
    """
    if not token:
        raise _unauthorized("sign in and send the access token as X-Amz-Bearer")
    claims = _opened(service, ACCESS, token, now)
    return await service.node.read(lambda: _bearer(service.node, claims, source))


@operation("GetFederationToken")
async def get_federation_token(context: Context, params: Params) -> Result:
    """A session for the user who bears the caller's name; without passwords, as with SAML.

    The root of the account stands for no user, as AWS documents it.
    """
    desk = context.desk(params.InstanceId)
    username = re.split("[/:]", context.principal.arn)[-1]

    def question() -> tuple[str, Result]:
        center = desk.center
        instance = view(center)
        management = instance["IdentityManagementType"]
        if management == "CONNECT_MANAGED":
            raise invalid_request(
                "InstanceId",
                desk.instance_id,
                f"is {management}: its users sign in with their passwords, federation is for SAML",
            )
        if context.principal.arn.endswith(":root"):  # in the words of AWS
            raise Refusal(
                "UserNotFoundException",
                f"Provided identity: Principal: {context.principal.arn}. User: {username} cannot be"
                " used for federation with Amazon Connect",
            )
        user_id = center.names["user"].get(username)
        if user_id is None:
            raise Refusal(
                "UserNotFoundException",
                f"Username: instance {desk.instance_id} has no user {username!r};"
                f" {context.principal.arn} signs in under that name",
            )
        return user_id, {
            "UserId": user_id,
            "UserArn": center.home.arn_of("user", user_id),
            "SignInUrl": f"{instance['InstanceAccessUrl']}/auth/sign-in",
        }

    user_id, result = await context.read(question)
    session = _session(context.service, desk.instance_id, user_id, context.now)
    return {
        "Credentials": {
            "AccessToken": session.access.text,
            "AccessTokenExpiration": seconds(session.access.expires),
            "RefreshToken": session.refresh.text,
            "RefreshTokenExpiration": seconds(session.refresh.expires),
        },
        **result,
    }


class _Found(NamedTuple):
    """What there is of an instance and a user. instance_id: as it was sent, if there is none."""

    instance_id: str
    user_id: str | None = None
    password_hash: str | None = None


def _user_named(node: Node, instance: str, username: str) -> _Found:
    for desk in node.desks.values():
        known = desk.center.instance
        if known is None or known.deleted or instance not in (known.id, known.alias):
            continue
        user_id = desk.center.names["user"].get(username)
        if user_id is None:
            return _Found(known.id)
        properties = desk.center.resources["user"][user_id].properties
        return _Found(known.id, user_id, properties.get(PASSWORD_HASH))
    return _Found(instance)


def _bearer(node: Node, claims: _Claims, source: str) -> Bearer:
    bearer = _admitted(node, claims.instance_id, claims.user_id, source)
    if claims.issued < _counts_from(bearer.desk, bearer.user_id):
        raise _unauthorized("the user whom this token was given to has signed out; sign in again")
    return bearer


def _admitted(node: Node, instance_id: str, user_id: str, source: str) -> Bearer:
    desk = node.desks.get(instance_id)
    known = desk.center.instance if desk else None
    if desk is None or known is None or known.deleted or user_id not in desk.center.agents:
        raise _unauthorized("the user whom this token was given to is no more")
    admit(desk.center, source)
    return Bearer(desk, user_id)


def _counts_from(desk: Desk, user_id: str) -> Instant:
    """The first instant whose tokens count."""
    signed_out: Instant = desk.center.resources["user"][user_id].properties.get(SIGNED_OUT, -1)
    return signed_out + 1


def _session(service: Service, instance_id: str, user_id: str, now: Instant) -> Session:
    desk = service.node.desks[instance_id]
    lasts, issued = durations(desk.center), max(now, _counts_from(desk, user_id))
    return Session(
        _sealed(service, ACCESS, _Claims(instance_id, user_id, issued, now + lasts.access)),
        _sealed(service, REFRESH, _Claims(instance_id, user_id, issued, now + lasts.refresh)),
    )


def _sealed(service: Service, purpose: str, claims: _Claims) -> Token:
    return Token(service.sealer.seal(purpose, claims, claims.expires), claims.expires)


def _opened(service: Service, purpose: str, token: str, now: Instant) -> _Claims:
    try:
        return service.sealer.open(purpose, token, now, _Claims)
    except TokenExpired:
        raise _unauthorized("the token has expired; sign in again") from None
    except TokenInvalid:
        raise _unauthorized("this is no token of ours for this purpose") from None


def _unauthorized(why: str) -> Refusal:
    return Refusal("UnauthorizedException", why)
