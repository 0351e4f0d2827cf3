"""Throttle: how often an account may call an operation.

Called by server.pipeline after parse. AWS keeps a token bucket per account and operation: it holds
`burst` tokens, starts full, and gains `per_second` tokens a second; a call without a token is
refused. Rules:

* A bucket is one whole number: the instant, in microseconds, at which it will be full again. A
  bucket that is full equals one that was never used, so full buckets may be forgotten at any time.
* Memory is bounded: beyond THROTTLE_BUCKETS_MAX the full buckets go, then the fullest of the rest.
* Time comes from the caller and does not run backwards.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import THROTTLE_BUCKETS_MAX
from ringfloor.base.time import Instant

_MICROSECONDS = 1_000_000


class Rate(NamedTuple):
    """Calls per second that are refilled, and calls that may come at once."""

    per_second: int
    burst: int


class Limits(NamedTuple):
    """The rates of a service: of the operations that have their own, and of all others.

    others: None does not throttle them.
    """

    others: Rate | None
    operations: Mapping[str, Rate]

    def of(self, operation: str) -> Rate | None:
        return self.operations.get(operation, self.others)

    def with_rates(self, rates: Mapping[str, Rate]) -> "Limits":
        """The same, but with these rates for these operations; `*` stands for all others."""
        own = {name: rate for name, rate in rates.items() if name != "*"}
        return Limits(rates.get("*", self.others), {**self.operations, **own})


AWS_LIMITS = Limits(
    others=Rate(per_second=2, burst=5),
    operations={
        "GetCurrentMetricData": Rate(per_second=5, burst=8),
        "GetMetricData": Rate(per_second=5, burst=8),
    },
)
"""Amazon Connect's defaults, from the API reference of 2018."""

IDENTITY_LIMITS = Limits(
    others=Rate(per_second=20, burst=40),
    operations={
        "sts:AssumeRole": Rate(per_second=600, burst=600),
        "sts:GetCallerIdentity": Rate(per_second=600, burst=600),
        "sts:GetSessionToken": Rate(per_second=600, burst=600),
    },
)
"""Of IAM and STS, by action: STS's published quota; IAM publishes none."""

PARTICIPANT_LIMITS = Limits(
    others=Rate(per_second=2, burst=5),
    operations={
        "CreateParticipantConnection": Rate(per_second=6, burst=9),
        "DisconnectParticipant": Rate(per_second=3, burst=5),
        "GetAttachment": Rate(per_second=8, burst=12),
        "GetTranscript": Rate(per_second=8, burst=12),
        "SendEvent": Rate(per_second=10, burst=15),
        "SendMessage": Rate(per_second=10, burst=15),
    },
)
"""Of the participant service, per account; our choice, of the size of AWS's quotas."""

NO_LIMITS = Limits(others=None, operations={})


class Throttle:
    """The buckets of all accounts."""

    def __init__(
        self, limits: Limits = AWS_LIMITS, buckets_max: int = THROTTLE_BUCKETS_MAX
    ) -> None:
        self._limits = limits
        self._buckets_max = buckets_max
        self._full_at: dict[tuple[str, str], int] = {}

    def take(self, account: str, operation: str, now: Instant) -> None:
        """Take a token; ThrottlingException if the bucket is empty."""
        rate = self._limits.of(operation)
        if rate is None:
            return
        token = _MICROSECONDS // rate.per_second
        at = now * 1_000
        full_at = max(self._full_at.get((account, operation), at), at) + token
        if full_at - at > rate.burst * token:
            raise Refusal("ThrottlingException", "Rate exceeded")
        self._full_at[account, operation] = full_at
        if len(self._full_at) > self._buckets_max:
            self._forget(at)

    def __len__(self) -> int:
        """Buckets in memory."""
        return len(self._full_at)

    def _forget(self, at: int) -> None:
        """Drop the full buckets, and at least one bucket in eight, the fullest first."""
        emptiest = sorted(self._full_at.items(), key=lambda bucket: bucket[1], reverse=True)
        kept = emptiest[: self._buckets_max * 7 // 8]
        self._full_at = {key: full_at for key, full_at in kept if full_at > at}
