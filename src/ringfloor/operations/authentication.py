"""Authentication: from where agents may sign in, and how long a session lasts.

An instance has one authentication profile; its operations stand in operations.kinds and
operations.updates. operations.sign_in asks here whenever it looks at a password or a token, so that
a range that is blocked now is shut at once. The limits of base.limits hold above the profile's
durations, and alone where an instance is older than its profile. Signing agents out who do nothing
(SessionInactivityDuration) is up to their desktops.

Source: AuthenticationProfile in the API reference. That blocked ranges win over allowed ones, and
that tokens are looked at again with each request, is our choice.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import ACCESS_TOKEN_MS, IP_RANGES_READ_MAX, REFRESH_TOKEN_MS
from ringfloor.base.time import MINUTE, Duration
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center


class Durations(NamedTuple):
    """How long tokens live, in ms."""

    access: Duration
    refresh: Duration


def _profile(center: Center) -> Properties:
    for profile in center.resources["authentication_profile"].values():
        return profile.properties
    return {}


def durations(center: Center) -> Durations:
    """Of tokens that are given out now."""
    profile = _profile(center)
    return Durations(
        _minutes(profile, "PeriodicSessionDuration", ACCESS_TOKEN_MS),
        _minutes(profile, "MaxSessionDuration", REFRESH_TOKEN_MS),
    )


def _minutes(profile: Properties, member: str, at_most: Duration) -> Duration:
    wanted = profile.get(member)
    return at_most if wanted is None else min(wanted * MINUTE, at_most)


def admit(center: Center, source: str) -> None:
    """Whether a network address may sign in; refuses with AccessDeniedException."""
    profile = _profile(center)
    allowed, blocked = profile.get("AllowedIps") or (), profile.get("BlockedIps") or ()
    if _within(source, tuple(blocked)) or (allowed and not _within(source, tuple(allowed))):
        raise Refusal(
            "AccessDeniedException",
            f"address: the authentication profile of this instance shuts out {source!r}",
        )


@lru_cache(maxsize=IP_RANGES_READ_MAX)
def _within(source: str, ranges: tuple[str, ...]) -> bool:
    """Whether an address is in one of the ranges; what is no address is in none."""
    try:
        address: IPv4Address | IPv6Address = ip_address(source)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(each, strict=False) for each in ranges)
