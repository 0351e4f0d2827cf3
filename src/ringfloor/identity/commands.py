"""Commands: what somebody wants of the account's principals. identity.machine decides.

Entities are named as the API names them: kind and name, policies by their ARN. A holder is a user,
a group or a role.
"""

from msgspec import Struct, field

from ringfloor.base.limits import SESSION_SECONDS_DEFAULT


class _Command(Struct, frozen=True):
    pass


class Create(_Command, frozen=True, kw_only=True):
    """A new entity. document: of a policy, or a role's trust policy. The rest: of roles."""

    kind: str
    name: str
    path: str = "/"
    tags: dict[str, str] = field(default_factory=dict)
    document: str | None = None
    description: str | None = None
    max_session_seconds: int = SESSION_SECONDS_DEFAULT


class Move(_Command, frozen=True):
    """A new name, a new path, or both, of a user or a group."""

    kind: str
    name: str
    new_name: str | None
    new_path: str | None


class Delete(_Command, frozen=True):
    kind: str
    name: str


class Tag(_Command, frozen=True):
    """tags: None takes one away. name: of a policy its ARN."""

    kind: str
    name: str
    tags: dict[str, str | None]


class UpdateRole(_Command, frozen=True, kw_only=True):
    """None leaves a value as it is."""

    name: str
    trust: str | None = None
    description: str | None = None
    max_session_seconds: int | None = None


class PutInline(_Command, frozen=True):
    """An inline policy; document: None deletes it."""

    kind: str
    name: str
    policy_name: str
    document: str | None


class Attach(_Command, frozen=True):
    kind: str
    name: str
    policy_arn: str


class Detach(_Command, frozen=True):
    kind: str
    name: str
    policy_arn: str


class Join(_Command, frozen=True):
    """A user becomes a member of a group."""

    user: str
    group: str


class Leave(_Command, frozen=True):
    user: str
    group: str


class CreateKey(_Command, frozen=True):
    """id, sealed: made by the caller, who alone knows the secret."""

    user: str
    id: str
    sealed: bytes = field(default=b"")


class SetKey(_Command, frozen=True):
    user: str
    id: str
    active: bool


class DeleteKey(_Command, frozen=True):
    user: str
    id: str


class ResealKeys(_Command, frozen=True):
    """The same secrets under another encryption key. sealed: by access key id."""

    sealed: dict[str, bytes]


class CreateVersion(_Command, frozen=True):
    policy_arn: str
    document: str
    default: bool


class SetDefaultVersion(_Command, frozen=True):
    policy_arn: str
    version: str


class DeleteVersion(_Command, frozen=True):
    policy_arn: str
    version: str


Command = (
    Create
    | Move
    | Delete
    | Tag
    | UpdateRole
    | PutInline
    | Attach
    | Detach
    | Join
    | Leave
    | CreateKey
    | SetKey
    | DeleteKey
    | ResealKeys
    | CreateVersion
    | SetDefaultVersion
    | DeleteVersion
)
