"""Entities: users, groups, roles and managed policies as values, and the table of their kinds.

Everything here is a frozen value: a change puts a new one in its place (identity.machine). Encoded
as tagged arrays: fields are only ever added at the end, with a default. What is bound to an entity
names it by its id, so that a change of its name or path breaks nothing.
"""

from typing import NamedTuple

from msgspec import Struct, field

from ringfloor.base.limits import (
    IAM_GROUPS_MAX,
    IAM_POLICIES_MAX,
    IAM_ROLES_MAX,
    IAM_USERS_MAX,
    INLINE_GROUP_CHARS_MAX,
    INLINE_ROLE_CHARS_MAX,
    INLINE_USER_CHARS_MAX,
    SESSION_SECONDS_DEFAULT,
)
from ringfloor.base.time import Instant


class AccessKey(Struct, frozen=True, array_like=True):
    """An access key of a user. sealed: the secret, as node.vault wrote it."""

    id: str
    sealed: bytes
    created_at: Instant
    active: bool = True


class User(Struct, frozen=True, array_like=True, tag="user"):
    """inline: policy name to JSON. attached: ids of managed policies. groups: their ids."""

    id: str
    name: str
    path: str
    created_at: Instant
    tags: dict[str, str] = field(default_factory=dict)
    inline: dict[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keys: tuple[AccessKey, ...] = ()


class Group(Struct, frozen=True, array_like=True, tag="group"):
    """Groups have no tags, as at AWS; the field keeps the kinds alike."""

    id: str
    name: str
    path: str
    created_at: Instant
    tags: dict[str, str] = field(default_factory=dict)
    inline: dict[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()


class Role(Struct, frozen=True, array_like=True, tag="role"):
    """trust: JSON of the policy that says who may assume it."""

    id: str
    name: str
    path: str
    created_at: Instant
    tags: dict[str, str] = field(default_factory=dict)
    inline: dict[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    trust: str = ""
    description: str | None = None
    max_session_seconds: int = SESSION_SECONDS_DEFAULT


class PolicyVersion(Struct, frozen=True, array_like=True):
    """number: 3 of v3; never used twice."""

    number: int
    document: str
    created_at: Instant

    @property
    def id(self) -> str:
        return f"v{self.number}"


class Policy(Struct, frozen=True, array_like=True, tag="policy"):
    """A managed policy. default: the number of the version that counts. made: versions ever made.

    by_aws: one of identity.managed, which is in no journal.
    """

    id: str
    name: str
    path: str
    created_at: Instant
    updated_at: Instant
    versions: tuple[PolicyVersion, ...]
    tags: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    default: int = 1
    made: int = 1
    by_aws: bool = False

    @property
    def document(self) -> str:
        """What it says now."""
        return next(each.document for each in self.versions if each.number == self.default)


Holder = User | Group | Role
"""Who can hold policies."""

Entity = User | Group | Role | Policy


class Kind(NamedTuple):
    """One kind of entity. prefix: of its ids. quota: how many one account has, and its name.

    inline_chars: all its inline policies together, without blanks; 0 where it has none.
    """

    name: str
    prefix: str
    name_chars: int
    quota: int
    quota_name: str
    inline_chars: int = 0
    tagged: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind("user", "AIDA", 64, IAM_USERS_MAX, "UsersPerAccount", INLINE_USER_CHARS_MAX),
        Kind(
            "group", "AGPA", 128, IAM_GROUPS_MAX, "GroupsPerAccount", INLINE_GROUP_CHARS_MAX, False
        ),
        Kind("role", "AROA", 64, IAM_ROLES_MAX, "RolesPerAccount", INLINE_ROLE_CHARS_MAX),
        Kind("policy", "ANPA", 128, IAM_POLICIES_MAX, "PoliciesPerAccount"),
    )
}


def kind_of(entity: Entity) -> str:
    """The name of its kind, as in its ARN."""
    return str(entity.__struct_config__.tag)


def arn_of(account: str, entity: Entity) -> str:
    """Such as arn:aws:iam::123456789012:user/team/ann."""
    owner = "aws" if isinstance(entity, Policy) and entity.by_aws else account
    return f"arn:aws:iam::{owner}:{kind_of(entity)}{entity.path}{entity.name}"
