"""IAM access: what a request of the IAM or STS API is about, in the words of policies.

Called by the endpoint of these APIs before a request is performed, and by operations.sts. A
request is about what its first member of IDENTITY_RESOURCES names, and where it moves or renames
that, also about what that becomes; a listing about the path that it lists; what names nothing about
`*`. ARNs are those of what there is; of what there is not, those
that it would have.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity
and Access Management".
"""

from collections.abc import Iterator, Mapping

from ringfloor.aws.access import Environment, accesses, tag_keys
from ringfloor.aws.iam import Access
from ringfloor.aws.request import Principal
from ringfloor.identity.state import Account
from ringfloor.operations.registry import Params

IDENTITY_RESOURCES: Mapping[str, str] = {
    "GroupName": "group",
    "UserName": "user",
    "RoleName": "role",
    "PolicyArn": "",
    "PolicyName": "policy",
    "PolicySourceArn": "",
    "RoleArn": "",
}
"""Members that name what an action is about, the first one that is there counts; kind of the name.

Without a kind it is an ARN. A user who joins a group is a matter of the group; a policy that is put
on or attached to somebody a matter of whom it is put on.
"""

LISTED: Mapping[str, str] = {
    "iam:ListGroups": "group",
    "iam:ListPolicies": "policy",
    "iam:ListRoles": "role",
    "iam:ListUsers": "user",
}


MOVED: Mapping[str, str] = {"iam:UpdateGroup": "group", "iam:UpdateUser": "user"}


def wanted(
    account: Account,
    principal: Principal,
    action: str,
    params: Params,
    environment: Environment,
) -> tuple[Access, ...]:
    """The accesses to ask the policies about. environment: its tags_of is not asked."""
    resource = _resource(account, principal, action, params)
    own = Environment(
        source=environment.source,
        now=environment.now,
        region=environment.region,
        headers=environment.headers,
        tags_of=lambda arn: tags_of(account, arn) or tags_of(account, resource),
        secure=environment.secure,
    )
    found = dict.fromkeys((resource, *_becoming(action, params, resource)))
    return accesses(action, found, principal, own, _keys(account, action, params, resource))


def _becoming(action: str, params: Params, resource: str) -> Iterator[str]:
    """What a user or group will be, or nobody could be kept from another path by a policy."""
    kind = MOVED.get(action)
    if kind is not None:
        above, _, name = resource.rpartition("/")
        account, _, path = above.partition(f":{kind}")
        path = params.NewPath or f"{path}/"
        yield f"{account}:{kind}{path}{getattr(params, f'New{kind.title()}Name') or name}"


def tags_of(account: Account, arn: str) -> Mapping[str, str]:
    """The tags of a user, role or policy; none if there is no such."""
    _, _, named = arn.partition(f"arn:aws:iam::{account.id}:")
    kind = named.partition("/")[0]
    entity = account.find(kind, arn.rpartition("/")[2]) if kind in account.names else None
    return entity.tags if entity is not None and account.arn(entity) == arn else {}


def _resource(account: Account, principal: Principal, action: str, params: Params) -> str:
    prefix = f"arn:aws:iam::{account.id}:"
    if action in LISTED:
        return f"{prefix}{LISTED[action]}{params.PathPrefix or '/'}"
    if action == "iam:GetAccessKeyLastUsed":
        user = account.owner(params.AccessKeyId)
        return account.arn(user) if user else f"{prefix}user/*"
    for member, kind in IDENTITY_RESOURCES.items():
        if not hasattr(params, member):
            continue
        name = getattr(params, member)
        if name is None:  # the caller is meant
            return principal.arn
        if not kind:
            return str(name)
        found = account.find(kind, name)
        if found is not None:
            return account.arn(found)
        return f"{prefix}{kind}{getattr(params, 'Path', None) or '/'}{name}"
    return "*"


def _keys(
    account: Account, action: str, params: Params, resource: str
) -> dict[str, tuple[str, ...]]:
    """Context keys of IAM and of the request's tags."""
    keys = tag_keys({each.Key: each.Value for each in getattr(params, "Tags", None) or ()})
    if getattr(params, "TagKeys", None):
        keys["aws:tagkeys"] = tuple(params.TagKeys)
    policy = getattr(params, "PolicyArn", None)
    if policy is not None and action.startswith(("iam:Attach", "iam:Detach")):
        keys["iam:policyarn"] = (policy,)
    own = {f"iam:resourcetag/{k.lower()}": (v,) for k, v in tags_of(account, resource).items()}
    return keys | own
