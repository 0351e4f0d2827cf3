"""IAM: policies in AWS's JSON, and what they decide.

Called by whoever keeps policies (parse, when one is stored; decide, when somebody asks). Knows no
store, no principal and no service. Rules:

* A policy is checked whole when it is parsed; MalformedPolicyDocument says where it is wrong and
  what would be right. What is compiled is only functions of an access.
* Deny wins, then Allow; what nobody allows is denied implicitly. What several sets of policies must
  all allow, a role's and its session's, is asked of each set.
* Version 2012-10-17 has variables; without a version, or in 2008-10-17, `${...}` is text.
* Actions are compared without regard to case, resources with. An ARN of fewer than six parts goes
  on with `*`. Variables stand only after an ARN's fifth colon: AWS has none before it either, and a
  Deny that silently denies nothing helps nobody.

Sources: IAM User Guide, "IAM JSON policy reference", and what the service answers.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from ringfloor.aws.iam_values import (
    ARN_COLONS,
    Condition,
    Context,
    Part,
    Wild,
    condition,
    either,
    filled,
    glob,
    is_open,
    matcher,
    parts,
    widest,
)
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import POLICIES_PARSED_MAX, POLICY_ACTIONS_MAX

Kind = Literal["identity", "session", "trust"]
"""identity: of a user, group or role. session: narrows a session. trust: who may assume a role."""


class Access(msgspec.Struct, frozen=True):
    """One thing that a request wants to do.

    action: such as connect:StopContact. resource: an ARN, or `*` where there is none. context: the
    condition keys. aliases: other forms in which policies write the same resource.
    """

    action: str
    resource: str
    context: Context
    aliases: tuple[str, ...] = ()


class Decision(Enum):
    """What policies say of an access."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    IMPLICITLY_DENIED = "implicitly denied"


class Trust(Enum):
    """What a role's trust policy says of somebody who wants to assume it."""

    CALLER = "named, or everybody is"
    ACCOUNT = "the account is: its own policies must allow it to the caller"
    NOBODY = "not trusted"
    DENIED = "explicitly denied"


class Statement(NamedTuple):
    """One statement, compiled."""

    denies: bool
    on_action: Callable[[str], bool]
    on_resource: Callable[[Access], bool]
    trusted: Callable[[str, str, str], Trust]
    """Of a caller's ARN, his ARN in policies (a role's, where he is its session), and account."""
    conditions: tuple[Condition, ...]

    def applies(self, access: Access) -> bool:
        """Whether it speaks of this access, whose action it is known to name."""
        return self.on_resource(access) and all(
            fulfilled(access.context) for fulfilled in self.conditions
        )


class Policy:
    """A policy that has been read. Equal only to itself; parse answers the same for the same.

    kept: it will be asked again, so that its statements are sorted by action once.
    """

    def __init__(self, statements: tuple[Statement, ...]) -> None:
        self.statements = statements
        self.kept = False


def decide(policies: Iterable[Policy], access: Access) -> Decision:
    """What these policies together say of an access."""
    allowed = False
    for policy in policies:
        for statement in _on_action(policy, access.action):
            if (statement.denies or not allowed) and statement.applies(access):
                if statement.denies:
                    return Decision.DENIED
                allowed = True
    return Decision.ALLOWED if allowed else Decision.IMPLICITLY_DENIED


def trusts(policy: Policy, principal_arn: str, account: str, access: Access) -> Trust:
    """What a trust policy says of a caller. principal_arn: as in Principal.arn.

    A session is also trusted as its role, whose ARN is aws:PrincipalArn of the context.
    """
    found = Trust.NOBODY
    as_role = (access.context.get("aws:principalarn") or (principal_arn,))[0]
    for statement in _on_action(policy, access.action):
        trust = statement.trusted(principal_arn, as_role, account)
        if trust is Trust.NOBODY or not statement.applies(access):
            continue
        if statement.denies:
            return Trust.DENIED
        if found is not Trust.CALLER:
            found = trust
    return found


def _on_action(policy: Policy, action: str) -> tuple[Statement, ...]:
    return (_sorted if policy.kept else _sort)(policy, action)


def _sort(policy: Policy, action: str) -> tuple[Statement, ...]:
    return tuple([each for each in policy.statements if each.on_action(action)])


_sorted = lru_cache(maxsize=POLICY_ACTIONS_MAX)(_sort)


def size(text: str) -> int:
    """The characters of a policy that count: all but blanks."""
    return sum([not character.isspace() for character in text])


# Reading

VERSIONS = ("2008-10-17", "2012-10-17")

_ELEMENTS = {
    "identity": {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"},
    "trust": {"Sid", "Effect", "Action", "NotAction", "Principal", "NotPrincipal", "Condition"},
}
_ELEMENTS["session"] = _ELEMENTS["identity"]

_SID = re.compile(r"[0-9A-Za-z]*")
_ACTION = re.compile(r"\*|[A-Za-z0-9*-]+:[A-Za-z0-9*?]+")
_KEY = re.compile(r"[A-Za-z0-9-]+:[^\x00-\x1f]+")
_ACCOUNT = re.compile(r"[0-9]{12}|arn:aws[a-z-]*:iam::([0-9]{12}):root")
_PERSON = re.compile(
    r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:user|role)/[!-~]+"
    r"|arn:aws[a-z-]*:sts::[0-9]{12}:assumed-role/[!-~]+/[!-~]+"
)


@lru_cache(maxsize=POLICIES_PARSED_MAX)
def parse(text: str, kind: Kind) -> Policy:
    """Read a policy that is kept; what has been read is remembered. Refuses as read does."""
    policy = read(text, kind)
    policy.kept = True
    return policy


def read(text: str, kind: Kind) -> Policy:
    """Read a policy. Refuses with MalformedPolicyDocument; the caller has checked its size."""
    document = _object(_json(text), "the policy")
    _known(document, {"Version", "Id", "Statement"}, "the policy")
    version = document.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise _malformed("Version", f"{shown(version)} is neither 2012-10-17 nor 2008-10-17")
    if not isinstance(document.get("Id", ""), str):
        raise _malformed("Id", "is no string")
    raw = document.get("Statement")
    listed = raw if isinstance(raw, list) else [raw]
    if raw is None or not listed:
        raise _malformed("Statement", "is missing: a policy has at least one")
    reader = _Reader(kind, variables=version == VERSIONS[1])
    return Policy(
        tuple(
            reader.statement(each, f"Statement[{place}]" if isinstance(raw, list) else "Statement")
            for place, each in enumerate(listed)
        )
    )


class _Reader:
    """Reads the statements of one policy."""

    def __init__(self, kind: Kind, *, variables: bool) -> None:
        self._kind = kind
        self._variables = variables
        self._sids: set[str] = set()

    def statement(self, raw: object, where: str) -> Statement:
        found = _object(raw, where)
        _known(found, _ELEMENTS[self._kind], where)
        self._sid(found.get("Sid", ""), f"{where}.Sid")
        effect = found.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise _malformed(f"{where}.Effect", f"{shown(effect)} is neither Allow nor Deny")
        trust = self._kind == "trust"
        return Statement(
            denies=effect == "Deny",
            on_action=self._actions(*_one_of(found, "Action", where)),
            on_resource=_anything if trust else self._resources(*_one_of(found, "Resource", where)),
            trusted=self._principals(*_one_of(found, "Principal", where)) if trust else _nobody,
            conditions=self._conditions(found.get("Condition", {}), f"{where}.Condition"),
        )

    def _sid(self, sid: object, where: str) -> None:
        if not isinstance(sid, str) or not _SID.fullmatch(sid):
            raise _malformed(where, f"{shown(sid)} has more than letters and digits")
        if sid and sid in self._sids:
            raise _malformed(where, f"{shown(sid)} is there twice")
        self._sids.add(sid)

    def _actions(self, raw: object, where: str, negated: bool) -> Callable[[str], bool]:
        texts = _texts(raw, where)
        for text in texts:
            if not _ACTION.fullmatch(text):
                raise _malformed(where, f"{shown(text)} is no action such as connect:StopContact")
        patterns = [glob(_closed(text)) for text in texts]
        among = either(patterns, re.IGNORECASE)
        return lambda action: (among(action) is None) is negated

    def _resources(self, raw: object, where: str, negated: bool) -> Callable[[Access], bool]:
        texts = _texts(raw, where)
        templates = [self._resource(text, where) for text in texts]
        if "*" in texts:
            return _nothing if negated else _anything
        nobody: dict[str, tuple[str, ...]] = {}
        fixed = either([glob(widest(each, nobody)) for each in templates if not is_open(each)])
        open_ = [each for each in templates if is_open(each)]

        def among(access: Access) -> bool:
            names = (access.resource, *access.aliases) if access.aliases else (access.resource,)
            for name in names:
                if fixed(name):
                    return True
                for each in open_:
                    text = widest(each, access.context) if negated else filled(each, access.context)
                    if text is not None and matcher(glob(text))(name):
                        return True
            return False

        return (lambda access: not among(access)) if negated else among

    def _resource(self, text: str, where: str) -> tuple[Part, ...]:
        if text != "*" and not text.startswith("arn:"):
            raise _malformed(where, f"{shown(text)} is neither an ARN nor *")
        before = text.split(":", ARN_COLONS)[:ARN_COLONS]
        if self._variables and "${" in "".join(before):
            raise _malformed(
                where, f"{shown(text)} has a variable before the fifth colon of the ARN"
            )
        whole = text + ":*" * (ARN_COLONS - text.count(":")) if text != "*" else text
        try:
            return parts(whole, wildcards=True, variables=self._variables)
        except ValueError as error:
            raise _malformed(where, f"{shown(text)} {error}") from error

    def _principals(
        self, raw: object, where: str, negated: bool
    ) -> Callable[[str, str, str], Trust]:
        by_type = {"AWS": ["*"]} if raw == "*" else _object(raw, where)
        _known(by_type, {"AWS", "Service", "Federated", "CanonicalUser"}, where)
        if not by_type:
            raise _malformed(where, "names nobody")
        for other in by_type.keys() - {"AWS"}:  # read, but none of them asks here
            _texts(by_type[other], f"{where}.{other}")
        named = frozenset(_texts(by_type["AWS"], f"{where}.AWS") if "AWS" in by_type else [])
        for name in named:
            if name != "*" and not _ACCOUNT.fullmatch(name) and not _person(name):
                raise _malformed(
                    f"{where}.AWS",
                    f"{shown(name)} is no account id, no ARN of a user, role, session or account's"
                    " root, nor * alone",
                )
        accounts = {found[1] or found[0] for name in named if (found := _ACCOUNT.fullmatch(name))}

        def trusted(arn: str, as_role: str, account: str) -> Trust:
            if named & {"*", arn, as_role}:
                return Trust.NOBODY if negated else Trust.CALLER
            if account in accounts:
                return Trust.NOBODY if negated else Trust.ACCOUNT
            return Trust.CALLER if negated else Trust.NOBODY

        return trusted

    def _conditions(self, raw: object, where: str) -> tuple[Condition, ...]:
        found = []
        for name, lines in _object(raw, where).items():
            for key, values in _object(lines, f"{where}.{name}").items():
                place = f"{where}.{name}.{key}"
                if not _KEY.fullmatch(key):
                    raise _malformed(place, f"{shown(key)} is no key such as aws:SourceIp")
                texts = _texts(values, place, scalars=True)
                try:
                    found.append(condition(name, key, texts, variables=self._variables))
                except ValueError as error:
                    raise _malformed(place, f"{shown(values)}: {error}") from error
        return tuple(found)


def _anything(access: Access) -> bool:  # noqa: ARG001  `*`, or there are no resources
    return True


def _nothing(access: Access) -> bool:  # noqa: ARG001  NotResource `*`
    return False


def _nobody(arn: str, as_role: str, account: str) -> Trust:  # noqa: ARG001  not a trust policy
    return Trust.NOBODY


def _person(name: str) -> bool:
    return _PERSON.fullmatch(name) is not None and not set("*?$") & set(name)


def _closed(text: str) -> list[str | Wild]:
    nobody: dict[str, tuple[str, ...]] = {}
    return widest(parts(text, wildcards=True, variables=False), nobody)


def _malformed(where: str, what: str) -> Refusal:
    return Refusal("MalformedPolicyDocument", f"{where}: {what}")


def _json(text: str) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _malformed(shown(twice), "is there twice in one object")
        return found

    try:
        document: object = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _malformed("the policy", f"is no JSON: {error}") from error
    return document


def _object(raw: object, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise _malformed(where, f"{shown(raw)} is no object")
    return raw


def _known(found: Mapping[str, object], names: set[str], where: str) -> None:
    for name in found:
        if name not in names:
            raise _malformed(where, f"has {shown(name)}; it may have {', '.join(sorted(names))}")


def _one_of(found: Mapping[str, object], name: str, where: str) -> tuple[object, str, bool]:
    """The element or its Not form: value, place, and which. Exactly one of the two is there."""
    given = [each for each in (name, f"Not{name}") if each in found]
    if len(given) != 1:
        raise _malformed(where, f"has {' and '.join(given) or 'neither'}: {name} or Not{name}")
    return found[given[0]], f"{where}.{given[0]}", given[0] != name


def _texts(raw: object, where: str, *, scalars: bool = False) -> list[str]:
    """One or several strings; scalars: numbers and booleans are read as text too."""
    listed = raw if isinstance(raw, list) else [raw]
    if not listed:
        raise _malformed(where, "is empty")
    for each in listed:
        if not isinstance(each, str) and not (scalars and isinstance(each, bool | int | float)):
            raise _malformed(where, f"{shown(each)} is no string")
    return [each if isinstance(each, str) else json.dumps(each) for each in listed]
