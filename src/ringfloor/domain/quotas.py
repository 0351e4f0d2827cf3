"""Quotas: how many of everything there may be, in one table.

Held with `--limits aws`, each with the value that an operator gives it with `--quota NAME=N` or
else AWS's default. A quota that an operator gives holds with `--limits none`, too. What protects
the server itself stands in base.limits and is always held.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.domain.resources import KINDS


class Quota(NamedTuple):
    """One quota. per: of what there may be so many; reason: where the default comes from."""

    title: str
    default: int
    per: str
    reason: str


_OTHERS: Mapping[str, Quota] = {
    "instance": Quota("instance", 2, "account", "AWS default"),
    "call": Quota("voice contact at once", 10, "instance", "AWS default"),
    "chat": Quota("chat at once", 100, "instance", "AWS default"),
    "task": Quota("task at once", 2_500, "instance", "AWS default"),
    "queue_quick_connect": Quota("quick connect of a queue", 700, "queue", "AWS default"),
    "user_proficiency": Quota("proficiency of a user", 10, "user", "AWS default"),
}

QUOTAS: Mapping[str, Quota] = {
    **{
        kind.name: Quota(kind.title, kind.quota, _owner, kind.quota_reason)
        for kind in KINDS.values()
        for _owner in [kind.owner.removesuffix("Id") if kind.owner else "instance"]
    },
    **_OTHERS,
}


class Quotas(NamedTuple):
    """The quotas of a server. given: by the operator. defaults: whether AWS's hold, too."""

    given: Mapping[str, int] = {}
    defaults: bool = False

    def of(self, name: str) -> int | None:
        """How many there may be; None: as many as one likes. KeyError if there is no such quota."""
        default = QUOTAS[name].default
        return self.given.get(name, default if self.defaults else None)
