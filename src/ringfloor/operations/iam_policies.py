"""IAM policies: the actions that keep policies, and those that say what policies decide.

Inline and attached policies are alike for users, groups and roles: one function and three rows.
"""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from ringfloor.aws import iam
from ringfloor.base.errors import Refusal
from ringfloor.base.time import seconds
from ringfloor.identity import commands
from ringfloor.identity.entities import Holder, Policy, PolicyVersion, Role, User, kind_of
from ringfloor.identity.machine import no_inline, version_of
from ringfloor.identity.managed import BY_ARN
from ringfloor.identity.state import Account
from ringfloor.operations.context import Context
from ringfloor.operations.iam import (
    NAMES,
    Row,
    account_of,
    entity_row,
    paged,
    submit,
    tags_of,
)
from ringfloor.operations.registry import Handler, Params, Result, identity

HOLDERS = ("user", "group", "role")


# Inline policies


def _inline_putter(kind: str) -> Handler:
    async def put(context: Context, params: Params) -> Result:
        name, document = getattr(params, NAMES[kind]), params.PolicyDocument
        await submit(context, commands.PutInline(kind, name, params.PolicyName, document))
        return {}

    return put


def _inline_getter(kind: str) -> Handler:
    async def get(context: Context, params: Params) -> Result:
        holder = account_of(context).holder(kind, getattr(params, NAMES[kind]))
        document = holder.inline.get(params.PolicyName)
        if document is None:
            raise no_inline(kind, params.PolicyName)
        return {
            NAMES[kind]: holder.name,
            "PolicyName": params.PolicyName,
            "PolicyDocument": document,
        }

    return get


def _inline_lister(kind: str) -> Handler:
    async def list_(context: Context, params: Params) -> Result:
        holder = account_of(context).holder(kind, getattr(params, NAMES[kind]))
        return paged(
            context, params, "PolicyNames", [(each, each) for each in sorted(holder.inline)]
        )

    return list_


def _inline_deleter(kind: str) -> Handler:
    async def delete(context: Context, params: Params) -> Result:
        name = getattr(params, NAMES[kind])
        await submit(context, commands.PutInline(kind, name, params.PolicyName, None))
        return {}

    return delete


# Attached policies


def _attacher(kind: str) -> Handler:
    async def attach(context: Context, params: Params) -> Result:
        await submit(context, commands.Attach(kind, getattr(params, NAMES[kind]), params.PolicyArn))
        return {}

    return attach


def _detacher(kind: str) -> Handler:
    async def detach(context: Context, params: Params) -> Result:
        await submit(context, commands.Detach(kind, getattr(params, NAMES[kind]), params.PolicyArn))
        return {}

    return detach


def _attached_lister(kind: str) -> Handler:
    async def list_attached(context: Context, params: Params) -> Result:
        account = account_of(context)
        holder = account.holder(kind, getattr(params, NAMES[kind]))
        rows = [
            (_key(each), {"PolicyName": each.name, "PolicyArn": account.arn(each)})
            for each in account.attached(holder)
            if each.path.startswith(params.PathPrefix or "/")
        ]
        return paged(context, params, "AttachedPolicies", rows)

    return list_attached


for _kind in HOLDERS:
    _title = _kind.title()
    identity(f"iam:Put{_title}Policy")(_inline_putter(_kind))
    identity(f"iam:Get{_title}Policy")(_inline_getter(_kind))
    identity(f"iam:List{_title}Policies")(_inline_lister(_kind))
    identity(f"iam:Delete{_title}Policy")(_inline_deleter(_kind))
    identity(f"iam:Attach{_title}Policy")(_attacher(_kind))
    identity(f"iam:Detach{_title}Policy")(_detacher(_kind))
    identity(f"iam:ListAttached{_title}Policies")(_attached_lister(_kind))


# Managed policies


@identity("iam:CreatePolicy")
async def create_policy(context: Context, params: Params) -> Result:
    made = await submit(
        context,
        commands.Create(
            kind="policy",
            name=params.PolicyName,
            path=params.Path or "/",
            tags=tags_of(params),
            document=params.PolicyDocument,
            description=params.Description,
        ),
    )
    assert isinstance(made, Policy)
    return {"Policy": _policy_row(account_of(context), made, whole=True)}


@identity("iam:GetPolicy")
async def get_policy(context: Context, params: Params) -> Result:
    account = account_of(context)
    return {"Policy": _policy_row(account, account.policy(params.PolicyArn), whole=True)}


@identity("iam:ListPolicies")
async def list_policies(context: Context, params: Params) -> Result:
    """Scope: AWS's, this account's (Local), or both (All)."""
    account = account_of(context)
    found = [] if params.Scope == "Local" else list(BY_ARN.values())
    if params.Scope != "AWS":
        found += [each for each in account.all("policy") if isinstance(each, Policy)]
    if params.PolicyUsageFilter == "PermissionsBoundary":
        found = []
    rows = [
        (_key(each), _policy_row(account, each))
        for each in sorted(found, key=_key)
        if each.path.startswith(params.PathPrefix or "/")
    ]
    if params.OnlyAttached:
        rows = [(key, row) for key, row in rows if row["AttachmentCount"]]
    return paged(context, params, "Policies", rows)


@identity("iam:DeletePolicy")
async def delete_policy(context: Context, params: Params) -> Result:
    await submit(context, commands.Delete("policy", params.PolicyArn))
    return {}


def _key(policy: Policy) -> str:
    """Policies are listed by name; one of AWS's and one of ours may have the same."""
    return f"{policy.name.lower()} {policy.id}"


def _policy_row(account: Account, policy: Policy, *, whole: bool = False) -> Row:
    row: Row = {
        **entity_row(account, policy, tags=whole),
        "DefaultVersionId": f"v{policy.default}",
        "AttachmentCount": len(account.holders(policy)),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "UpdateDate": seconds(policy.updated_at),
    }
    if whole and policy.description is not None:
        row["Description"] = policy.description
    return row


# Their versions


@identity("iam:CreatePolicyVersion")
async def create_policy_version(context: Context, params: Params) -> Result:
    command = commands.CreateVersion(
        params.PolicyArn, params.PolicyDocument, bool(params.SetAsDefault)
    )
    policy = await submit(context, command)
    assert isinstance(policy, Policy)
    return {"PolicyVersion": _version_row(policy, policy.versions[-1])}


@identity("iam:GetPolicyVersion")
async def get_policy_version(context: Context, params: Params) -> Result:
    policy = account_of(context).policy(params.PolicyArn)
    version = version_of(policy, params.VersionId)
    return {"PolicyVersion": {**_version_row(policy, version), "Document": version.document}}


@identity("iam:ListPolicyVersions")
async def list_policy_versions(context: Context, params: Params) -> Result:
    """The newest first, as at AWS."""
    policy = account_of(context).policy(params.PolicyArn)
    newest = max(each.number for each in policy.versions)
    rows = [
        (f"{newest - each.number:09}", _version_row(policy, each))
        for each in reversed(policy.versions)
    ]
    return paged(context, params, "Versions", rows)


@identity("iam:SetDefaultPolicyVersion")
async def set_default_policy_version(context: Context, params: Params) -> Result:
    await submit(context, commands.SetDefaultVersion(params.PolicyArn, params.VersionId))
    return {}


@identity("iam:DeletePolicyVersion")
async def delete_policy_version(context: Context, params: Params) -> Result:
    await submit(context, commands.DeleteVersion(params.PolicyArn, params.VersionId))
    return {}


def _version_row(policy: Policy, version: PolicyVersion) -> Row:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version.number == policy.default,
        "CreateDate": seconds(version.created_at),
    }


@identity("iam:ListEntitiesForPolicy")
async def list_entities_for_policy(context: Context, params: Params) -> Result:
    account = account_of(context)
    found = account.holders(account.policy(params.PolicyArn))
    wanted = (params.EntityFilter or "").lower()
    if params.PolicyUsageFilter == "PermissionsBoundary":
        found = []
    rows = [
        (f"{kind_of(each)} {each.name.lower()}", each)
        for each in found
        if wanted in ("", kind_of(each)) and each.path.startswith(params.PathPrefix or "/")
    ]
    page = paged(context, params, "page", sorted(rows, key=lambda row: row[0]))
    listed: dict[str, list[Row]] = {f"Policy{kind.title()}s": [] for kind in HOLDERS}
    for each in page.pop("page"):
        title = type(each).__name__
        listed[f"Policy{title}s"].append({f"{title}Name": each.name, f"{title}Id": each.id})
    return {**listed, **page}


# What policies decide


class _Held(NamedTuple):
    source: str
    type: str
    policy: iam.Policy


_DECISIONS = {
    iam.Decision.ALLOWED: "allowed",
    iam.Decision.DENIED: "explicitDeny",
    iam.Decision.IMPLICITLY_DENIED: "implicitDeny",
}


@identity("iam:SimulateCustomPolicy")
async def simulate_custom_policy(context: Context, params: Params) -> Result:
    """What the given policies would decide."""
    return await _simulated(context, params, _given(params), _entries(params))


@identity("iam:SimulatePrincipalPolicy")
async def simulate_principal_policy(context: Context, params: Params) -> Result:
    """What a user's, group's or role's policies decide, with the given ones added to them."""
    account = account_of(context)
    holder = _source(account, params.PolicySourceArn)
    held = [
        _Held(each.source, each.type, iam.parse(each.document, "identity"))
        for each in context.service.accounts.held(holder)
    ]
    known = _known(account, holder, params)
    return await _simulated(context, params, held + _given(params), known)


def _source(account: Account, arn: str) -> Holder:
    for kind in HOLDERS:
        found = account.find(kind, arn.rpartition("/")[2])
        if found is not None and not isinstance(found, Policy) and account.arn(found) == arn:
            return found
    raise Refusal("NoSuchEntity", f"PolicySourceArn: there is no user, group or role {arn}.")


def _given(params: Params) -> list[_Held]:
    return [
        _Held(f"PolicyInputList.{number}", "none", iam.read(text, "identity"))
        for number, text in enumerate(params.PolicyInputList or (), 1)
    ]


def _entries(params: Params) -> dict[str, tuple[str, ...]]:
    return {
        each.ContextKeyName.lower(): tuple(each.ContextKeyValues or ())
        for each in params.ContextEntries or ()
        if each.ContextKeyName is not None
    }


def _known(account: Account, holder: Holder, params: Params) -> dict[str, tuple[str, ...]]:
    """What is known of a request of this principal, unless the entries say otherwise."""
    known: dict[str, tuple[str, ...]] = {"aws:principalaccount": (account.id,)}
    if isinstance(holder, User | Role):
        known["aws:principalarn"] = (account.arn(holder),)
        known["aws:principaltype"] = ("User" if isinstance(holder, User) else "AssumedRole",)
        known |= {f"aws:principaltag/{k.lower()}": (v,) for k, v in holder.tags.items()}
    if isinstance(holder, User):
        known["aws:username"] = (holder.name,)
        known["aws:userid"] = (holder.id,)
    return known | _entries(params)


async def _simulated(
    context: Context, params: Params, held: list[_Held], known: dict[str, tuple[str, ...]]
) -> Result:
    for member in ("ResourcePolicy", "PermissionsBoundaryPolicyInputList"):
        if getattr(params, member) is not None:
            raise Refusal("InvalidInput", f"{member} is not supported; leave it out.")
    accesses = [
        (f"{number:09}", iam.Access(action, resource, known))
        for number, (action, resource) in enumerate(
            product(params.ActionNames, params.ResourceArns or ("*",))
        )
    ]
    page = paged(context, params, "EvaluationResults", accesses)
    wanted: list[iam.Access] = page["EvaluationResults"]

    def results() -> list[Row]:
        return [_evaluated(access, held) for access in wanted]

    # A page of large policies takes seconds, and nobody else is to wait for it.
    return {**page, "EvaluationResults": await asyncio.to_thread(results)}


def _evaluated(access: iam.Access, held: list[_Held]) -> dict[str, Any]:
    decision = iam.decide([each.policy for each in held], access)
    return {
        "EvalActionName": access.action,
        "EvalResourceName": access.resource,
        "EvalDecision": _DECISIONS[decision],
        "MatchedStatements": list(_matched(decision, access, held)),
        "MissingContextValues": [],
    }


def _matched(decision: iam.Decision, access: iam.Access, held: list[_Held]) -> Iterator[Row]:
    """The policies that the decision rests on."""
    if decision is iam.Decision.IMPLICITLY_DENIED:
        return
    for each in held:
        if iam.decide((each.policy,), access) is decision:
            yield {"SourcePolicyId": each.source, "SourcePolicyType": each.type}
