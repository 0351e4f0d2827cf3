"""STS: who somebody is, and temporary credentials.

Handlers of the STS API. Temporary credentials are nowhere kept: the session token says whom they
stand for, and node.accounts makes their secret again. Rules:

* A role is assumed by whom its trust policy names; where it names only his account, his own
  policies must allow it, too. An explicit Deny wins anywhere.
* A role that does not exist and one that does not trust the caller are told apart by nobody.
* A session has at most what the role's policies and all session policies together allow.
"""

from ringfloor.aws import iam
from ringfloor.aws.access import Environment, accesses, tag_keys
from ringfloor.aws.request import Principal, permit
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import (
    CHAINED_SECONDS_MAX,
    SESSION_PACKED_BYTES_MAX,
    SESSION_SECONDS_DEFAULT,
    SESSION_TOKEN_SECONDS,
    TAGS_MAX,
)
from ringfloor.base.time import SECOND, seconds
from ringfloor.identity.entities import Role
from ringfloor.node.accounts import Claims, Session, Temporary, session_arn
from ringfloor.operations.context import Context
from ringfloor.operations.iam import account_of, tags_of
from ringfloor.operations.iam_access import tags_of as tags_of_arn
from ringfloor.operations.registry import Params, Result, identity

_POLICY_ARNS_MAX = 10


@identity("sts:GetCallerIdentity")
async def get_caller_identity(context: Context, params: Params) -> Result:  # noqa: ARG001  it has none
    """Nobody needs a permission to know who he is."""
    caller = context.principal
    return {"UserId": caller.id or caller.account, "Account": caller.account, "Arn": caller.arn}


@identity("sts:GetAccessKeyInfo")
async def get_access_key_info(context: Context, params: Params) -> Result:  # noqa: ARG001  one account
    """Every key is of the one account that there is."""
    return {"Account": context.service.account}


@identity("sts:GetSessionToken")
async def get_session_token(context: Context, params: Params) -> Result:
    """Temporary credentials of the caller himself, who must be a user or the root."""
    _unsupported(params, "SerialNumber", "TokenCode")
    caller = context.principal
    if caller.token_issued is not None:
        raise Refusal("AccessDenied", "Cannot call GetSessionToken with session credentials")
    root = caller.type == "Account"
    longest = SESSION_SECONDS_DEFAULT if root else SESSION_TOKEN_SECONDS
    length = params.DurationSeconds or longest
    if root:  # AWS shortens it, too
        length = min(length, longest)
    claims = Claims("" if root else caller.id, "", context.now)
    issued = context.service.accounts.issue(claims, context.now + length * SECOND)
    return {"Credentials": _credentials(issued)}


@identity("sts:AssumeRole")
async def assume_role(context: Context, params: Params) -> Result:
    """Temporary credentials of a role."""
    _unsupported(params, "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts")
    role = _trusting(context, params)
    caller = context.principal
    length = params.DurationSeconds or SESSION_SECONDS_DEFAULT
    if length > role.max_session_seconds:
        raise Refusal(
            "ValidationError",
            f"The requested DurationSeconds {length} exceeds the MaxSessionDuration set for this"
            f" role, {role.max_session_seconds}.",
        )
    if caller.type == "AssumedRole" and length > CHAINED_SECONDS_MAX:
        raise Refusal(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining",
        )
    account = account_of(context)
    claims, packed = _claims(context, params, role)
    issued = context.service.accounts.issue(claims, context.now + length * SECOND)
    result: dict[str, object] = {
        "Credentials": _credentials(issued),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{claims.name}",
            "Arn": session_arn(account.id, role, claims.name),
        },
    }
    if packed:
        result["PackedPolicySize"] = -(-100 * packed // SESSION_PACKED_BYTES_MAX)
    return result


def _trusting(context: Context, params: Params) -> Role:
    """The role, if the caller may assume it and give the session these tags; AccessDenied."""
    caller = context.principal
    if caller.type == "Account":
        raise Refusal("AccessDenied", "Roles may not be assumed by root accounts.")
    account = account_of(context)
    keys = tag_keys(_session_tags(params)) | {"sts:rolesessionname": (params.RoleSessionName,)}
    if params.ExternalId is not None:
        keys["sts:externalid"] = (params.ExternalId,)
    if params.TransitiveTagKeys:
        keys["sts:transitivetagkeys"] = tuple(params.TransitiveTagKeys)
    environment = Environment(
        source=context.source,
        now=context.now,
        region=context.service.region,
        headers=context.headers,
        tags_of=lambda arn: tags_of_arn(account, arn),
        secure=context.secure,
    )
    found = account.find("role", params.RoleArn.rpartition("/")[2])
    role = found if isinstance(found, Role) and account.arn(found) == params.RoleArn else None
    for action in ("sts:AssumeRole", "sts:TagSession") if params.Tags else ("sts:AssumeRole",):
        (access,) = accesses(action, (params.RoleArn,), caller, environment, keys)
        permit(_allowed(context, role, caller, access), caller, access, "AccessDenied")
    assert role is not None
    return role


def _allowed(
    context: Context, role: Role | None, caller: Principal, access: iam.Access
) -> iam.Decision:
    own = context.service.accounts.decide(caller, access)
    if own is iam.Decision.DENIED:
        return own
    if role is None:
        return iam.Decision.IMPLICITLY_DENIED
    trust = iam.trusts(iam.parse(role.trust, "trust"), caller.arn, caller.account, access)
    narrowed = context.service.accounts.session_documents(caller)
    if trust is iam.Trust.CALLER and not narrowed:
        return iam.Decision.ALLOWED
    if trust in {iam.Trust.CALLER, iam.Trust.ACCOUNT}:
        return own
    return iam.Decision.IMPLICITLY_DENIED


def _session_tags(params: Params) -> dict[str, str]:
    tags = tags_of(params)
    if len(tags) > TAGS_MAX:
        raise Refusal("ValidationError", f"Tags: a session has at most {TAGS_MAX}.")
    return tags


def _claims(context: Context, params: Params, role: Role) -> tuple[Claims, int]:
    """What the session token will say, and how many bytes of policies and tags are in it."""
    account = account_of(context)
    given = _session_tags(params)
    inherited: dict[str, str] = {}
    if isinstance(context.principal, Session):
        tags = context.principal.tags
        inherited = {key: tags[key] for key in context.principal.transitive if key in tags}
    kept = {key.lower() for key in inherited}
    for key in given:
        if key.lower() in kept:
            raise Refusal(
                "ValidationError", f"Tags: {key} comes from the calling session and cannot change."
            )
    transitive = tuple(params.TransitiveTagKeys or ())
    for key in transitive:
        if key not in given:
            raise Refusal("ValidationError", f"TransitiveTagKeys: {key} is none of the Tags.")
    arns = [each.arn for each in params.PolicyArns or ()]
    if len(arns) > _POLICY_ARNS_MAX:
        raise Refusal("ValidationError", f"PolicyArns: at most {_POLICY_ARNS_MAX} go.")
    policies = tuple(_session_policy(context, arn) for arn in arns)
    if params.Policy is not None:
        iam.parse(params.Policy, "session")
    claims = Claims(
        subject=role.id,
        name=params.RoleSessionName,
        issued=context.now,
        policy=params.Policy,
        policies=policies,
        tags=inherited | given,
        transitive=(*inherited, *transitive),
    )
    packed = sum(
        len(text.encode())
        for text in (
            params.Policy or "",
            *policies,
            *claims.tags,
            *claims.tags.values(),
            *claims.transitive,
        )
    )
    packed += 8 * (len(claims.tags) + len(claims.transitive) + len(policies))
    if packed > SESSION_PACKED_BYTES_MAX:
        raise Refusal(
            "PackedPolicyTooLarge",
            "Packed policies and session tags consume"
            f" {-(-100 * packed // SESSION_PACKED_BYTES_MAX)}% of allotted space: {packed} bytes"
            f" of {SESSION_PACKED_BYTES_MAX} for role {account.arn(role)}.",
        )
    return claims, packed


def _session_policy(context: Context, arn: str) -> str:
    """The id of a managed policy."""
    try:
        return account_of(context).policy(arn).id
    except Refusal as refusal:
        raise Refusal("ValidationError", f"PolicyArns: {refusal.message}") from None


def _credentials(issued: Temporary) -> dict[str, object]:
    return {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": seconds(issued.expires),
    }


def _unsupported(params: Params, *members: str) -> None:
    for member in members:
        if getattr(params, member) is not None:
            raise Refusal("ValidationError", f"{member} is not supported; leave it out.")
