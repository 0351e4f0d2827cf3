"""Machine: the doors of the account. decide reads and may refuse, apply writes and may not.

The same apply serves the first run and the replay. Time and chance are arguments. Codes and texts
of the refusals are those of the IAM API, or ours where AWS's would not say what to do. Rules that
hold at every moment: names are unique but for their case, nothing that is in use goes away, and
every bound of base.limits.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from ringfloor.aws import iam
from ringfloor.base.errors import Refusal, shown, shown_list
from ringfloor.base.ids import Seed
from ringfloor.base.limits import (
    ACCESS_KEYS_MAX,
    GROUPS_PER_USER_MAX,
    POLICIES_ATTACHED_MAX,
    POLICY_CHARS_MAX,
    POLICY_VERSIONS_MAX,
    TAGS_MAX,
    TRUST_CHARS_MAX,
)
from ringfloor.base.time import Instant
from ringfloor.identity import commands as c
from ringfloor.identity.entities import (
    KINDS,
    AccessKey,
    Entity,
    Group,
    Holder,
    Policy,
    PolicyVersion,
    Role,
    User,
    kind_of,
)
from ringfloor.identity.record import EntityPut, EntityRemoved, Event
from ringfloor.identity.state import Account

_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]+").fullmatch
_PATH = re.compile(r"/|/[!-~]+/").fullmatch
_PATH_CHARS_MAX = 512

PATH_RULE = "must begin and end with / and have at most 512 characters"


# The doors


def decide(account: Account, command: c.Command, at: Instant, seed: Seed) -> tuple[Event, ...]:
    """What the command leads to; raises Refusal. Empty if everything is so already."""
    made: Iterable[Entity | EntityRemoved] = DECIDE[type(command)](account, command, at, seed)
    return tuple(
        each if isinstance(each, EntityRemoved) else EntityPut(each)
        for each in made
        if isinstance(each, EntityRemoved) or each != account.entities.get(each.id)
    )


def apply(account: Account, event: Event, at: Instant) -> None:
    """Let an event be so."""
    account.at = at
    match event:
        case EntityPut(entity=entity):
            account.put(entity)
        case EntityRemoved(id=identifier):
            account.remove(identifier)


def access_key_id(seed: Seed, *, temporary: bool = False) -> str:
    """A fresh access key id: AKIA, or ASIA of temporary credentials, and 16 characters."""
    return ("ASIA" if temporary else "AKIA") + _code(seed, 16)


def _code(seed: Seed, length: int) -> str:
    digest = blake2b(seed, digest_size=16, salt=b"identity").digest()
    return base64.b32encode(digest).decode()[:length]


# Entities


def _create(
    account: Account, command: c.Create, at: Instant, seed: Seed
) -> Iterator[User | Group | Role | Policy]:
    kind = KINDS[command.kind]
    _free(account, command.kind, command.name)
    _within(kind.quota_name, len(account.names[kind.name]) + 1, kind.quota)
    tags = _tagged({}, dict(command.tags))
    common = (
        kind.prefix + _code(seed, 17),
        command.name,
        _checked_path("Path", command.path),
        at,
    )
    match command.kind:
        case "user":
            yield User(*common, tags)
        case "group":
            yield Group(*common, tags)
        case "role":
            yield Role(
                *common,
                tags,
                trust=_trust(command.document or ""),
                description=command.description,
                max_session_seconds=command.max_session_seconds,
            )
        case _:
            version = PolicyVersion(1, _managed(command.document or ""), at)
            yield Policy(*common, at, (version,), tags, command.description)


def _move(account: Account, command: c.Move, _at: Instant, _seed: Seed) -> Iterator[Entity]:
    entity = account.named(command.kind, command.name)
    name, path = entity.name, entity.path
    if command.new_name is not None and command.new_name != name:
        name = command.new_name
        if name.lower() != entity.name.lower():
            _free(account, command.kind, name)
        else:
            _checked_name(command.kind, name)
    if command.new_path is not None:
        path = _checked_path("NewPath", command.new_path)
    yield replace(entity, name=name, path=path)


def _delete(
    account: Account, command: c.Delete, _at: Instant, _seed: Seed
) -> Iterator[EntityRemoved]:
    entity = account.named(command.kind, command.name)
    if isinstance(entity, Policy):
        _own(entity)
    for first, names in _ties(account, entity):
        if names:
            raise Refusal(
                "DeleteConflict", f"Cannot delete entity, must {first} first: {shown_list(names)}."
            )
    yield EntityRemoved(command.kind, entity.id, entity.name)


def _ties(account: Account, entity: Entity) -> Iterator[tuple[str, list[str]]]:
    """What keeps an entity from being deleted: what to do, and with what."""
    if isinstance(entity, Policy):
        used = [f"{kind_of(each)} {each.name}" for each in account.holders(entity)]
        yield "detach it from all principals", used
        others = [each.id for each in entity.versions if each.number != entity.default]
        yield "delete the versions that are not the default", others
        return
    if isinstance(entity, User):
        yield "delete access keys", [key.id for key in entity.keys]
        yield "remove user from groups", [group.name for group in account.groups(entity)]
    if isinstance(entity, Group):
        yield "remove users from group", [user.name for user in account.users(entity)]
    yield "delete policies", sorted(entity.inline)
    yield "detach all policies", [account.arn(each) for each in account.attached(entity)]


def _tag(account: Account, command: c.Tag, _at: Instant, _seed: Seed) -> Iterator[Entity]:
    entity = account.named(command.kind, command.name)
    if isinstance(entity, Policy):
        _own(entity)
    yield replace(entity, tags=_tagged(entity.tags, command.tags))


def _update_role(
    account: Account, command: c.UpdateRole, _at: Instant, _seed: Seed
) -> Iterator[Role]:
    role = account.role(command.name)
    changes: dict[str, Any] = {
        "trust": None if command.trust is None else _trust(command.trust),
        "description": command.description,
        "max_session_seconds": command.max_session_seconds,
    }
    yield replace(role, **{name: each for name, each in changes.items() if each is not None})


# What holders hold


def _put_inline(
    account: Account, command: c.PutInline, _at: Instant, _seed: Seed
) -> Iterator[Holder]:
    holder = account.holder(command.kind, command.name)
    inline = dict(holder.inline)
    if command.document is None:
        if inline.pop(command.policy_name, None) is None:
            raise no_inline(command.kind, command.policy_name)
    else:
        _checked_name("policy", command.policy_name)
        inline[command.policy_name] = command.document
        kind = KINDS[command.kind]
        total = sum(iam.size(each) for each in inline.values())
        if total > kind.inline_chars:
            raise Refusal(
                "LimitExceeded",
                f"Maximum policy size of {kind.inline_chars} bytes exceeded for {command.kind}"
                f" {holder.name}: all inline policies together have {total} without blanks",
            )
        iam.parse(command.document, "identity")
    yield replace(holder, inline=inline)


def no_inline(kind: str, policy_name: str) -> Refusal:
    """NoSuchEntity of an inline policy."""
    return Refusal("NoSuchEntity", f"The {kind} policy with name {policy_name} cannot be found.")


def _attach(account: Account, command: c.Attach, _at: Instant, _seed: Seed) -> Iterator[Holder]:
    holder = account.holder(command.kind, command.name)
    policy = account.policy(command.policy_arn)
    if policy.id in holder.attached:
        return
    quota = f"PoliciesPer{command.kind.title()}"
    _within(quota, len(holder.attached) + 1, POLICIES_ATTACHED_MAX)
    yield replace(holder, attached=(*holder.attached, policy.id))


def _detach(account: Account, command: c.Detach, _at: Instant, _seed: Seed) -> Iterator[Holder]:
    holder = account.holder(command.kind, command.name)
    policy = account.policy(command.policy_arn)
    if policy.id not in holder.attached:
        raise Refusal(
            "NoSuchEntity",
            f"Policy {command.policy_arn} was not found: it is not attached to {command.kind}"
            f" {holder.name}.",
        )
    yield replace(holder, attached=_without(holder.attached, policy.id))


def _join(account: Account, command: c.Join, _at: Instant, _seed: Seed) -> Iterator[User]:
    group, user = account.group(command.group), account.user(command.user)
    if group.id in user.groups:
        return
    _within("GroupsPerUser", len(user.groups) + 1, GROUPS_PER_USER_MAX)
    yield replace(user, groups=(*user.groups, group.id))


def _leave(account: Account, command: c.Leave, _at: Instant, _seed: Seed) -> Iterator[User]:
    group, user = account.group(command.group), account.user(command.user)
    if group.id not in user.groups:
        raise Refusal("NoSuchEntity", f"User {user.name} is not a member of group {group.name}.")
    yield replace(user, groups=_without(user.groups, group.id))


# Access keys


def _create_key(account: Account, command: c.CreateKey, at: Instant, _seed: Seed) -> Iterator[User]:
    user = account.user(command.user)
    _within("AccessKeysPerUser", len(user.keys) + 1, ACCESS_KEYS_MAX)
    if command.id in account.owners:
        raise Refusal("EntityAlreadyExists", f"Access key {command.id} already exists.")
    yield replace(user, keys=(*user.keys, AccessKey(command.id, command.sealed, at)))


def _set_key(account: Account, command: c.SetKey, _at: Instant, _seed: Seed) -> Iterator[User]:
    user, key = _key(account, command.user, command.id)
    changed = replace(key, active=command.active)
    yield replace(user, keys=tuple(changed if each is key else each for each in user.keys))


def _delete_key(
    account: Account, command: c.DeleteKey, _at: Instant, _seed: Seed
) -> Iterator[User]:
    user, key = _key(account, command.user, command.id)
    yield replace(user, keys=_without(user.keys, key))


def _key(account: Account, name: str, access_key_id: str) -> tuple[User, AccessKey]:
    user = account.user(name)
    for key in user.keys:
        if key.id == access_key_id:
            return user, key
    raise Refusal("NoSuchEntity", f"The Access Key with id {access_key_id} cannot be found.")


def _reseal_keys(
    account: Account, command: c.ResealKeys, _at: Instant, _seed: Seed
) -> Iterator[User]:
    for user in {account.owners[each]: account.owner(each) for each in command.sealed}.values():
        assert user is not None
        keys = [
            replace(each, sealed=command.sealed.get(each.id, each.sealed)) for each in user.keys
        ]
        yield replace(user, keys=tuple(keys))


# Managed policies


def _create_version(
    account: Account, command: c.CreateVersion, at: Instant, _seed: Seed
) -> Iterator[Policy]:
    policy = _own(account.policy(command.policy_arn))
    if len(policy.versions) >= POLICY_VERSIONS_MAX:
        raise Refusal(
            "LimitExceeded",
            f"A managed policy can have up to {POLICY_VERSIONS_MAX} versions. Before you create a"
            " new version, you must delete an existing version.",
        )
    number = policy.made + 1
    version = PolicyVersion(number, _managed(command.document), at)
    yield replace(
        policy,
        versions=(*policy.versions, version),
        made=number,
        default=number if command.default else policy.default,
        updated_at=at,
    )


def _set_default_version(
    account: Account, command: c.SetDefaultVersion, at: Instant, _seed: Seed
) -> Iterator[Policy]:
    policy = _own(account.policy(command.policy_arn))
    number = version_of(policy, command.version).number
    if number != policy.default:
        yield replace(policy, default=number, updated_at=at)


def _delete_version(
    account: Account, command: c.DeleteVersion, at: Instant, _seed: Seed
) -> Iterator[Policy]:
    policy = _own(account.policy(command.policy_arn))
    version = version_of(policy, command.version)
    if version.number == policy.default:
        raise Refusal(
            "DeleteConflict",
            f"Cannot delete the default version of a policy, which is {version.id}; set another"
            " default first.",
        )
    yield replace(policy, versions=_without(policy.versions, version), updated_at=at)


def version_of(policy: Policy, version: str) -> PolicyVersion:
    """A version of a policy by its id; NoSuchEntity."""
    for each in policy.versions:
        if each.id == version:
            return each
    raise Refusal("NoSuchEntity", f"Policy {policy.name} has no version {shown(version)}.")


def _own(policy: Policy) -> Policy:
    if policy.by_aws:
        raise Refusal("InvalidInput", f"Policy {policy.name} is AWS's and cannot be changed.")
    return policy


# Rules


def _free(account: Account, kind: str, name: str) -> None:
    _checked_name(kind, name)
    if name.lower() in account.names[kind]:
        raise Refusal("EntityAlreadyExists", f"{kind.title()} with name {name} already exists.")


def _checked_name(kind: str, name: str) -> None:
    most = KINDS[kind].name_chars
    if not _NAME(name) or len(name) > most:
        raise Refusal(
            "ValidationError",
            f"{kind.title()}Name: {shown(name)} must have 1 to {most} letters, digits and _+=,.@-",
        )


def _checked_path(member: str, path: str) -> str:
    if not _PATH(path) or len(path) > _PATH_CHARS_MAX:
        raise Refusal("ValidationError", f"{member}: {shown(path)} {PATH_RULE}")
    return path


def _within(quota: str, count: int, most: int) -> None:
    if count > most:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for {quota}: {most}")


def _tagged(tags: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    again = {key.lower() for key in changes}
    if len(again) < len(changes):
        raise Refusal("InvalidInput", "Tags: two keys differ in nothing but their case.")
    kept = {key: value for key, value in tags.items() if key.lower() not in again}
    after = {**kept, **changes}
    for key in changes:
        if key.lower().startswith("aws:"):
            raise Refusal("InvalidInput", f"Tags: {shown(key)}: keys with aws: are AWS's own.")
    found = {key: value for key, value in after.items() if value is not None}
    if len(found) > TAGS_MAX:
        raise Refusal(
            "LimitExceeded", f"Tags: an entity can have {TAGS_MAX}, this would be {len(found)}"
        )
    return found


def _trust(document: str) -> str:
    return _read("trust", document, TRUST_CHARS_MAX)


def _managed(document: str) -> str:
    return _read("identity", document, POLICY_CHARS_MAX)


def _read(kind: iam.Kind, document: str, most: int) -> str:
    size = iam.size(document)
    if size > most:
        raise Refusal(
            "LimitExceeded",
            f"Cannot exceed quota for PolicySize: {most}; without blanks it has {size}",
        )
    iam.parse(document, kind)
    return document


def _without(items: tuple[Any, ...], gone: object) -> tuple[Any, ...]:
    return tuple(each for each in items if each != gone)


DECIDE: dict[type, Callable[[Account, Any, Instant, Seed], Iterable[Any]]] = {
    c.Create: _create,
    c.Move: _move,
    c.Delete: _delete,
    c.Tag: _tag,
    c.UpdateRole: _update_role,
    c.PutInline: _put_inline,
    c.Attach: _attach,
    c.Detach: _detach,
    c.Join: _join,
    c.Leave: _leave,
    c.CreateKey: _create_key,
    c.SetKey: _set_key,
    c.DeleteKey: _delete_key,
    c.ResealKeys: _reseal_keys,
    c.CreateVersion: _create_version,
    c.SetDefaultVersion: _set_default_version,
    c.DeleteVersion: _delete_version,
}
