"""IAM: the actions that keep users, access keys, groups and roles. Policies: iam_policies.

Handlers of the IAM API, in its own nouns. What is alike for users, groups and roles is one function
and a row. Rules:

* Where a user's name may be left out, the caller is meant, who then must be a user.
* Listings are in the order of names; a Marker is sealed and says after which row to go on.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ringfloor.aws.tokens import TokenInvalid
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    ACCESS_KEYS_MAX,
    GROUPS_PER_USER_MAX,
    LIST_ITEMS_DEFAULT,
    NEXT_TOKEN_MS,
    POLICIES_ATTACHED_MAX,
    POLICY_CHARS_MAX,
    POLICY_VERSIONS_MAX,
    SESSION_SECONDS_DEFAULT,
    TRUST_CHARS_MAX,
)
from ringfloor.base.time import seconds
from ringfloor.identity import commands
from ringfloor.identity.entities import KINDS, Entity, Role, User
from ringfloor.identity.state import Account
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Handler, Params, Result, identity

Row = dict[str, Any]

NAMES = {"user": "UserName", "group": "GroupName", "role": "RoleName", "policy": "PolicyArn"}
"""The member that names an entity of a kind."""

NO_CALLER = "Must specify userName when calling with non-User credentials"


# What all listings and entities have in common


def account_of(context: Context) -> Account:
    return context.service.accounts.account


async def submit(context: Context, command: commands.Command) -> Entity | None:
    """Carry a command out, in the caller's name."""
    return await context.service.accounts.submit(command, context.origin)


def user_name(context: Context, params: Params) -> str:
    """UserName or, where it was left out, the caller's."""
    if params.UserName is not None:
        return str(params.UserName)
    if context.principal.name is None:
        raise Refusal("ValidationError", NO_CALLER)
    return context.principal.name


def paged(
    context: Context, params: Params, member: str, rows: Iterable[tuple[str, object]]
) -> dict[str, Any]:
    """The page that a request is for. rows: a key that no other has, and the row; sorted by key."""
    sealer, purpose = context.service.sealer, f"Marker of {context.operation.name}"
    after = ""
    if params.Marker is not None:
        try:
            after = sealer.open(purpose, params.Marker, context.now, str)
        except TokenInvalid:
            raise Refusal("ValidationError", "Invalid Marker.") from None
    left = [(key, row) for key, row in rows if key > after]
    size = params.MaxItems or LIST_ITEMS_DEFAULT
    page: dict[str, Any] = {member: [row for _, row in left[:size]], "IsTruncated": False}
    if len(left) > size:
        page["IsTruncated"] = True
        page["Marker"] = sealer.seal(purpose, left[size - 1][0], context.now + NEXT_TOKEN_MS)
    return page


def entity_row(account: Account, entity: Entity, *, tags: bool = False) -> Row:
    """An entity as all answers have it; with its tags where the API gives them."""
    kind = type(entity).__name__
    row: Row = {
        "Path": entity.path,
        f"{kind}Name": entity.name,
        f"{kind}Id": entity.id,
        "Arn": account.arn(entity),
        "CreateDate": seconds(entity.created_at),
    }
    if isinstance(entity, Role):
        row["AssumeRolePolicyDocument"] = entity.trust
        row["MaxSessionDuration"] = entity.max_session_seconds
        if entity.description is not None:
            row["Description"] = entity.description
    if tags and entity.tags:
        row["Tags"] = tag_rows(entity)
    return row


def tag_rows(entity: Entity) -> list[Row]:
    return [{"Key": key, "Value": entity.tags[key]} for key in sorted(entity.tags)]


def tags_of(params: Params) -> dict[str, str]:
    """The tags of a request that creates or tags something."""
    found: dict[str, str] = {}
    keys: set[str] = set()
    for each in params.Tags or ():
        if each.Key.lower() in keys:  # AWS does not mind the case of a key
            raise Refusal("InvalidInput", f"Tags: the key {each.Key} is there twice.")
        keys.add(each.Key.lower())
        found[each.Key] = each.Value
    return found


def _unsupported(params: Params, *members: str) -> None:
    for member in members:
        if getattr(params, member, None) is not None:
            raise Refusal("InvalidInput", f"{member} is not supported; leave it out.")


# Users, groups and roles


def _creator(kind: str) -> Handler:
    async def create(context: Context, params: Params) -> Result:
        _unsupported(params, "PermissionsBoundary")
        name = getattr(params, NAMES[kind])
        command = commands.Create(
            kind=kind,
            name=name,
            path=params.Path or "/",
            tags=tags_of(params) if KINDS[kind].tagged else {},
            document=getattr(params, "AssumeRolePolicyDocument", None),
            description=getattr(params, "Description", None),
            max_session_seconds=getattr(params, "MaxSessionDuration", None)
            or SESSION_SECONDS_DEFAULT,
        )
        made = await submit(context, command)
        assert made is not None
        return {kind.title(): entity_row(account_of(context), made, tags=True)}

    return create


def _getter(kind: str) -> Handler:
    async def get(context: Context, params: Params) -> Result:
        account = account_of(context)
        name = user_name(context, params) if kind == "user" else getattr(params, NAMES[kind])
        row = entity_row(account, account.named(kind, name), tags=True)
        return {kind.title(): row | ({"RoleLastUsed": {}} if kind == "role" else {})}

    return get


def _lister(kind: str) -> Handler:
    async def list_(context: Context, params: Params) -> Result:
        account = account_of(context)
        prefix = params.PathPrefix or "/"
        rows = [
            (each.name.lower(), entity_row(account, each))
            for each in account.all(kind)
            if each.path.startswith(prefix)
        ]
        return paged(context, params, f"{kind.title()}s", rows)

    return list_


def _deleter(kind: str) -> Handler:
    async def delete(context: Context, params: Params) -> Result:
        await submit(context, commands.Delete(kind, getattr(params, NAMES[kind])))
        return {}

    return delete


def _mover(kind: str) -> Handler:
    async def update(context: Context, params: Params) -> Result:
        new_name = getattr(params, f"New{NAMES[kind]}")
        name = getattr(params, NAMES[kind])
        await submit(context, commands.Move(kind, name, new_name, params.NewPath))
        return {}

    return update


for _kind in ("user", "group", "role"):
    identity(f"iam:Create{_kind.title()}")(_creator(_kind))
    identity(f"iam:List{_kind.title()}s")(_lister(_kind))
    identity(f"iam:Delete{_kind.title()}")(_deleter(_kind))
for _kind in ("user", "role"):
    identity(f"iam:Get{_kind.title()}")(_getter(_kind))
for _kind in ("user", "group"):
    identity(f"iam:Update{_kind.title()}")(_mover(_kind))


# Tags


def _tagger(kind: str) -> Handler:
    async def tag(context: Context, params: Params) -> Result:
        tags = cast("dict[str, str | None]", tags_of(params))
        await submit(context, commands.Tag(kind, getattr(params, NAMES[kind]), tags))
        return {}

    return tag


def _untagger(kind: str) -> Handler:
    async def untag(context: Context, params: Params) -> Result:
        tags = dict.fromkeys(params.TagKeys)
        await submit(context, commands.Tag(kind, getattr(params, NAMES[kind]), tags))
        return {}

    return untag


def _tag_lister(kind: str) -> Handler:
    async def list_tags(context: Context, params: Params) -> Result:
        entity = account_of(context).named(kind, getattr(params, NAMES[kind]))
        return paged(context, params, "Tags", [(row["Key"], row) for row in tag_rows(entity)])

    return list_tags


for _kind in ("user", "role", "policy"):
    identity(f"iam:Tag{_kind.title()}")(_tagger(_kind))
    identity(f"iam:Untag{_kind.title()}")(_untagger(_kind))
    identity(f"iam:List{_kind.title()}Tags")(_tag_lister(_kind))


# Groups and their members


@identity("iam:GetGroup")
async def get_group(context: Context, params: Params) -> Result:
    """A group and a page of its users."""
    account = account_of(context)
    group = account.group(params.GroupName)
    rows = [(each.name.lower(), entity_row(account, each)) for each in account.users(group)]
    return {"Group": entity_row(account, group), **paged(context, params, "Users", rows)}


@identity("iam:AddUserToGroup")
async def add_user_to_group(context: Context, params: Params) -> Result:
    await submit(context, commands.Join(params.UserName, params.GroupName))
    return {}


@identity("iam:RemoveUserFromGroup")
async def remove_user_from_group(context: Context, params: Params) -> Result:
    await submit(context, commands.Leave(params.UserName, params.GroupName))
    return {}


@identity("iam:ListGroupsForUser")
async def list_groups_for_user(context: Context, params: Params) -> Result:
    account = account_of(context)
    groups = account.groups(account.user(params.UserName))
    rows = [(each.name.lower(), entity_row(account, each)) for each in groups]
    return paged(context, params, "Groups", rows)


# Roles


@identity("iam:UpdateRole")
async def update_role(context: Context, params: Params) -> Result:
    await submit(
        context,
        commands.UpdateRole(
            name=params.RoleName,
            description=params.Description,
            max_session_seconds=params.MaxSessionDuration,
        ),
    )
    return {}


@identity("iam:UpdateRoleDescription")
async def update_role_description(context: Context, params: Params) -> Result:
    await submit(context, commands.UpdateRole(name=params.RoleName, description=params.Description))
    account = account_of(context)
    return {"Role": entity_row(account, account.role(params.RoleName), tags=True)}


@identity("iam:UpdateAssumeRolePolicy")
async def update_assume_role_policy(context: Context, params: Params) -> Result:
    await submit(context, commands.UpdateRole(name=params.RoleName, trust=params.PolicyDocument))
    return {}


# Access keys


@identity("iam:CreateAccessKey")
async def create_access_key(context: Context, params: Params) -> Result:
    """The only answer that ever holds the secret."""
    name = user_name(context, params)
    accounts = context.service.accounts
    identifier, secret = await accounts.create_key(name, context.origin)
    row = _key_rows(accounts.account.user(name))[identifier]
    return {"AccessKey": {**row, "SecretAccessKey": secret}}


@identity("iam:ListAccessKeys")
async def list_access_keys(context: Context, params: Params) -> Result:
    rows = _key_rows(account_of(context).user(user_name(context, params)))
    return paged(context, params, "AccessKeyMetadata", sorted(rows.items()))


def _key_rows(user: User) -> dict[str, Row]:
    return {
        key.id: {
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": seconds(key.created_at),
        }
        for key in user.keys
    }


@identity("iam:UpdateAccessKey")
async def update_access_key(context: Context, params: Params) -> Result:
    if params.Status not in ("Active", "Inactive"):
        raise Refusal("InvalidInput", "Status: a key can be made Active or Inactive.")
    name = user_name(context, params)
    await submit(context, commands.SetKey(name, params.AccessKeyId, params.Status == "Active"))
    return {}


@identity("iam:DeleteAccessKey")
async def delete_access_key(context: Context, params: Params) -> Result:
    await submit(context, commands.DeleteKey(user_name(context, params), params.AccessKeyId))
    return {}


@identity("iam:GetAccessKeyLastUsed")
async def get_access_key_last_used(context: Context, params: Params) -> Result:
    """Since the start of the server: that a key is used is in no journal."""
    accounts = context.service.accounts
    user = accounts.account.owner(params.AccessKeyId)
    if user is None:
        raise Refusal(
            "NoSuchEntity", f"The Access Key with id {params.AccessKeyId} cannot be found."
        )
    used = accounts.last_used(params.AccessKeyId)
    last: Row = {"ServiceName": "N/A", "Region": "N/A"}
    if used is not None:
        at, service = used
        last = {
            "LastUsedDate": seconds(at),
            "ServiceName": service,
            "Region": context.service.region,
        }
    return {"UserName": user.name, "AccessKeyLastUsed": last}


# The account

_FIXED: Mapping[str, int] = {
    "AccessKeysPerUserQuota": ACCESS_KEYS_MAX,
    "GroupsPerUserQuota": GROUPS_PER_USER_MAX,
    "AttachedPoliciesPerUserQuota": POLICIES_ATTACHED_MAX,
    "AttachedPoliciesPerGroupQuota": POLICIES_ATTACHED_MAX,
    "AttachedPoliciesPerRoleQuota": POLICIES_ATTACHED_MAX,
    "VersionsPerPolicyQuota": POLICY_VERSIONS_MAX,
    "PolicySizeQuota": POLICY_CHARS_MAX,
    "AssumeRolePolicySizeQuota": TRUST_CHARS_MAX,
    "UserPolicySizeQuota": KINDS["user"].inline_chars,
    "GroupPolicySizeQuota": KINDS["group"].inline_chars,
    "RolePolicySizeQuota": KINDS["role"].inline_chars,
    "AccountAccessKeysPresent": 1,
    "AccountMFAEnabled": 0,
    "MFADevices": 0,
}


@identity("iam:GetAccountSummary")
async def get_account_summary(context: Context, params: Params) -> Result:  # noqa: ARG001  it has none
    account = account_of(context)
    plural = {"user": "Users", "group": "Groups", "role": "Roles", "policy": "Policies"}
    counted = {plural[kind]: len(account.names[kind]) for kind in KINDS}
    quotas = {f"{plural[kind.name]}Quota": kind.quota for kind in KINDS.values()}
    return {"SummaryMap": {**counted, **quotas, **_FIXED}}
