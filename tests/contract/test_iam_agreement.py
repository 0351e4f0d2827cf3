"""IAM: our decisions beside those of an independent evaluator, and our ARNs beside AWS's tables.

Policies and requests are drawn from a small vocabulary, so that most values meet. Where the other
evaluator is known to be wrong or to leave open what AWS documents, the case stands in DEVIATIONS
with the reason; every other decision must be the same, and no row may be idle.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from javascript import Program
from ringfloor.aws import iam
from ringfloor.aws.access import resources
from ringfloor.aws.iam import Access, Decision, Trust
from ringfloor.aws.model import load
from wire import samples

CASES = 6_000
BATCH = 500

ACCOUNT = "123456789012"
HOME = f"arn:aws:connect:us-east-1:{ACCOUNT}:instance"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"

SAID = {
    Decision.ALLOWED: "Allowed",
    Decision.DENIED: "ExplicitlyDenied",
    Decision.IMPLICITLY_DENIED: "ImplicitlyDenied",
}

Case = dict[str, Any]


# Vocabulary

ACTIONS = ("connect:DescribeQueue", "connect:ListQueues", "connect:StopContact", "connect:TagUser")
ACTION_PATTERNS = (
    *("*", "connect:*", "connect:Describe*", "connect:*queue*", "connect:describequeue"),
    *("connect:????Contact", "connect:StopContact", "connect:L*s", "s3:*", "connect:T?gUser"),
)
RESOURCES = (
    *(f"{HOME}/i1", f"{HOME}/i1/queue/q1", f"{HOME}/i1/queue/q2", f"{HOME}/i2/agent/ann"),
    *(f"{HOME}/i1/agent/red", f"{HOME}/i1/view/v:1", f"{HOME}/i1/agent/.ob", f"{HOME}/i1/agent/?"),
)
RESOURCE_PATTERNS = (
    *("*", *RESOURCES, f"{HOME}/*", f"{HOME}/i1*", f"{HOME}/i?/queue/*", f"{HOME}/*/agent/*"),
    *("arn:aws:connect:*:*:instance/i1/queue/q?", "arn:aws:connect:*", "arn:aws:connect"),
    *("arn:aws:connect:eu-west-1:*:*", f"{HOME}/*:1", "arn:*:connect:*:*:*", "arn:aws:s3:::b/*"),
    *(f"{HOME}/*/agent/${{aws:username}}", f"{HOME}/i1/agent/${{aws:PrincipalTag/team}}"),
    *(f"{HOME}/i1/queue/${{aws:username, 'q1'}}", f"{HOME}/i1/agent/${{?}}", f"{HOME}/*/${{*}}/*"),
    *(f"{HOME}/*/${{aws:RequestTag/kind}}/*", f"{HOME}/i1/agent/${{aws:TagKeys}}"),
)

STRINGS = ("ann", "red", "blue", "Red", "a*", "queue", "$", "?")
STRING_PATTERNS = (
    *(*STRINGS, "*", "r?d", "*e*", "b*e", "${aws:username}", "${aws:PrincipalTag/team}"),
    *("${aws:username, 'red'}", "${*}", "a${*}", "${?}", "${$}", "x${aws:RequestTag/kind}", "${"),
)
NUMBERS = ("5", "10", "3.5", "-1", "5.0", "five")
DATES = ("2026-01-01T00:00:00Z", "2026-06-01T12:30:00.5Z", "2026-06-01T14:30:00+02:00", "soon")
DATE_PATTERNS = ("2026-01-01T00:00:00Z", "2026-06-01", "2026-06-01T12:30:00Z", "2026-06")
EPOCHS = ("1767225600", "1780317000")
ADDRESSES = ("192.0.2.7", "192.0.3.7", "2001:db8::7", "2001:db9::7", "nowhere")
NETWORKS = (
    "192.0.2.0/24",
    "192.0.2.7",
    "2001:db8::/32",
    "2001:db8::7",
    "0.0.0.0/0",
    "192.0.2.9/22",
)
ARNS = (ANN, f"arn:aws:iam::{ACCOUNT}:role/desk", "arn:aws:iam::999999999999:user/ann", "no arn")
ARN_PATTERNS = (
    *(ANN, f"arn:aws:iam::{ACCOUNT}:*", "arn:aws:iam::*:user/*", "arn:*:*:*:*:user/a?n"),
    *(
        "arn:aws:iam:*:user/ann:*",
        f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}",
        "arn:aws:iam::*:role/d*",
    ),
)
TRUTHS = ("true", "false", "True", "maybe")


class Family(NamedTuple):
    """Operators, the keys they are used with, values in requests and in policies."""

    operators: tuple[str, ...]
    keys: tuple[str, ...]
    values: tuple[str, ...]
    patterns: tuple[str, ...]


def _with_not(*names: str) -> tuple[str, ...]:
    prefixes = ("String", "Arn", "Numeric", "Date")
    return (
        *names,
        *(f"{p}Not{n[len(p) :]}" for n in names for p in prefixes if n.startswith(p)),
    )


_ORDER = ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
FAMILIES = (
    Family(
        _with_not("StringEquals", "StringEqualsIgnoreCase", "StringLike"),
        ("aws:username", "aws:PrincipalTag/team", "aws:RequestTag/kind", "aws:ResourceTag/Team"),
        STRINGS,
        STRING_PATTERNS,
    ),
    Family(_with_not("StringEquals", "StringLike"), ("aws:TagKeys",), STRINGS[:4], STRING_PATTERNS),
    Family(
        (*_with_not("NumericEquals"), *(f"Numeric{each}" for each in _ORDER)),
        ("connect:Weight",),
        NUMBERS,
        NUMBERS[:-1],
    ),
    Family(
        (*_with_not("DateEquals"), *(f"Date{each}" for each in _ORDER)),
        ("aws:CurrentTime",),
        DATES,
        DATE_PATTERNS,
    ),
    Family(
        (*_with_not("DateEquals"), *(f"Date{each}" for each in _ORDER)),
        ("aws:EpochTime",),
        EPOCHS,
        EPOCHS,
    ),
    Family(("Bool",), ("aws:SecureTransport",), TRUTHS, ("true", "false", "TRUE")),
    Family(("BinaryEquals",), ("connect:Bytes",), ("QUJD", "YWJj"), ("QUJD", "YWJj")),
    Family(("IpAddress", "NotIpAddress"), ("aws:SourceIp",), ADDRESSES, NETWORKS),
    Family(_with_not("ArnEquals", "ArnLike"), ("aws:PrincipalArn",), ARNS, ARN_PATTERNS),
)
MANY = "aws:TagKeys"


# Cases


class Draw:
    """Draws policies and requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, among: tuple[str, ...], most: int = 3) -> str | list[str]:
        found = self.random.sample(among, self.random.randint(1, min(most, len(among))))
        return found[0] if len(found) == 1 and self.random.random() < 0.5 else found

    def case(self) -> Case:
        context: dict[str, str | list[str]] = {}
        for family in FAMILIES:
            for key in family.keys:
                if self.random.random() < 0.75:
                    one = self.random.choice(family.values)
                    many = self.random.sample(family.values, self.random.randint(1, 2))
                    context[key] = many if key == MANY else one
        return {
            "policies": [self.policy() for _ in range(self.random.randint(1, 2))],
            "action": self.random.choice(ACTIONS),
            "resource": self.random.choice(RESOURCES),
            "context": context,
            "principal": ANN,
        }

    def policy(self) -> dict[str, Any]:
        statements = [self.statement() for _ in range(self.random.randint(1, 2))]
        return {"Version": "2012-10-17", "Statement": statements}

    def statement(self) -> dict[str, Any]:
        statement: dict[str, Any] = {"Effect": self.random.choice(("Allow", "Allow", "Deny"))}
        no = "Not" if self.random.random() < 0.15 else ""
        statement[f"{no}Action"] = self.some(ACTION_PATTERNS)
        no = "Not" if self.random.random() < 0.2 else ""
        statement[f"{no}Resource"] = self.some(RESOURCE_PATTERNS)
        lines: dict[str, dict[str, Any]] = {}
        for _ in range(self.random.choice((0, 1, 1, 2))):
            operator, key, values = self.line()
            lines.setdefault(operator, {})[key] = values
        return statement | ({"Condition": lines} if lines else {})

    def line(self) -> tuple[str, str, str | list[str]]:
        family = self.random.choice(FAMILIES)
        key = self.random.choice(family.keys)
        if self.random.random() < 0.08:
            return "Null", key, self.random.choice(("true", "false"))
        operator = self.random.choice(family.operators)
        sets = (
            ("ForAnyValue:", "ForAllValues:", "") if key == MANY else ("", "", "", "ForAnyValue:")
        )
        if_exists = "IfExists" if self.random.random() < 0.2 else ""
        return f"{self.random.choice(sets)}{operator}{if_exists}", key, self.some(family.patterns)


def _list(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _values(case: Case, operators: re.Pattern[str]) -> Iterator[str]:
    """The values in conditions of these operators."""
    for policy in case["policies"]:
        for statement in policy["Statement"]:
            for operator, keys in statement.get("Condition", {}).items():
                if operators.search(operator):
                    for values in keys.values():
                        yield from _list(values)


def _excluded(case: Case) -> Iterator[str]:
    for policy in case["policies"]:
        for statement in policy["Statement"]:
            yield from _list(statement.get("NotResource", []))


def _is_null(text: str, case: Case) -> bool:
    """Whether the text has a variable without a value, or with several."""
    keys = re.findall(r"\$\{([A-Za-z:/]+)\}", text)
    return any(not isinstance(case["context"].get(key), str) for key in keys)


# Where we differ, and why

DEVIATIONS: dict[str, Callable[[Case], bool]] = {
    "/0 takes in every IPv4 address; there it is a shift by 32 bits, which is none": (
        lambda case: "0.0.0.0/0" in _values(case, re.compile("IpAddress"))
    ),
    "an address of one version is not that of the other; there neither equal nor different": (
        lambda case: any("/" not in each for each in _values(case, re.compile("NotIpAddress")))
    ),
    "AWS: a negated operator holds against a variable without a value; there it fails": (
        lambda case: any(
            _is_null(each, case) for each in _values(case, re.compile("(String|Arn)Not"))
        )
    ),
    "${*}, ${?}, ${$} are characters also where there are no wildcards; there they are text": (
        lambda case: any(
            re.search(r"\$\{[*?$]\}", each)
            for each in _values(case, re.compile("String(Not)?Equals"))
        )
    ),
    "what NotResource cannot name for any value of a variable is outside; there it is not": (
        lambda case: any(_is_null(each, case) for each in _excluded(case))
    ),
}


@pytest.fixture
def oracle() -> Iterator[Program]:
    program = Program("iam.mjs")
    yield program
    program.close()


@pytest.mark.slow
def test_decisions_are_those_of_an_independent_evaluator(oracle: Program) -> None:
    draw = Draw(20_260_101)
    seen: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    for _ in range(CASES // BATCH):
        cases = [draw.case() for _ in range(BATCH)]
        for case, theirs in zip(cases, oracle.ask(cases), strict=True):
            ours = SAID[_decide(case)]
            seen[ours] += 1
            if ours != theirs:
                reasons = [reason for reason, holds in DEVIATIONS.items() if holds(case)]
                assert reasons, f"{ours} here, {theirs} there: {json.dumps(case)}"
                excused.update(reasons)
    assert min(seen[each] for each in SAID.values()) > CASES / 20, seen
    assert excused.keys() == DEVIATIONS.keys(), "a reason that excuses nothing any more"
    assert excused.total() < CASES / 50, excused


def _decide(case: Case) -> Decision:
    policies = [iam.parse(json.dumps(policy), "identity") for policy in case["policies"]]
    return iam.decide(policies, Access(case["action"], case["resource"], _context(case)))


def _context(case: Case) -> dict[str, tuple[str, ...]]:
    return {key.lower(): tuple(_list(values)) for key, values in case["context"].items()}


# Trust policies

DESK = f"arn:aws:iam::{ACCOUNT}:role/desk"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/desk/ann"
TRUSTED = (
    *(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "999999999999", "*", ANN, DESK, SESSION),
    *(f"arn:aws:iam::{ACCOUNT}:user/bob", f"arn:aws:sts::{ACCOUNT}:assumed-role/desk/bob"),
)
ANYTHING = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}


@pytest.mark.slow
def test_trust_is_that_of_an_independent_evaluator(oracle: Program) -> None:
    draw = Draw(20_260_102)
    cases = []
    for _ in range(BATCH):
        statements = [
            {
                "Effect": draw.random.choice(("Allow", "Allow", "Deny")),
                "Principal": {"AWS": draw.some(TRUSTED, 2)},
                "Action": draw.some(("sts:AssumeRole", "sts:TagSession", "sts:*")),
            }
            for _ in range(draw.random.randint(1, 2))
        ]
        cases.append(
            {
                "policies": [],
                "action": "sts:AssumeRole",
                "resource": f"arn:aws:iam::{ACCOUNT}:role/night",
                "context": {},
                "principal": draw.random.choice((ANN, SESSION)),
                "trust": {"Version": "2012-10-17", "Statement": statements},
            }
        )
    alone = oracle.ask(cases)
    allowed = oracle.ask([case | {"policies": [ANYTHING]} for case in cases])
    seen: Counter[Trust] = Counter()
    for case, by_trust, with_policy in zip(cases, alone, allowed, strict=True):
        trust = _trust(case)
        seen[trust] += 1
        theirs = {
            ("ExplicitlyDenied", "ExplicitlyDenied"): Trust.DENIED,
            ("Allowed", "Allowed"): Trust.CALLER,
            ("ImplicitlyDenied", "Allowed"): Trust.ACCOUNT,
            ("ImplicitlyDenied", "ImplicitlyDenied"): Trust.NOBODY,
        }[by_trust, with_policy]
        assert trust is theirs, f"{trust} here, {theirs} there: {json.dumps(case)}"
    assert min(seen[each] for each in Trust) > BATCH / 50, seen


def _trust(case: Case) -> Trust:
    policy = iam.parse(json.dumps(case["trust"]), "trust")
    arn = case["principal"]
    context = {"aws:principalarn": (DESK if arn == SESSION else arn,)}
    return iam.trusts(policy, arn, ACCOUNT, Access(case["action"], case["resource"], context))


# Resources

_TARGET = "the target is an instance or a traffic distribution group, not both"
_VIEWS = "AWS's own views are in nobody's account; here there are none"
_NO_FILTER = "a request without filters is about the instance, until it is refused"
_NO_FLOW = "a request without its optional flow is about the instance"
_FLOWS = "flow associations are the instance's own, so that it is asked about, too"
_NO_INSTANCE = "its InstanceId is optional in the model, and the handler asks for it"
UNLIKE = {
    "BatchGetFlowAssociation": _FLOWS,
    "ClaimPhoneNumber": _TARGET,
    "DescribeView": _VIEWS,
    "DisassociateFlow": _FLOWS,
    "GetCurrentMetricData": _NO_FILTER,
    "GetCurrentUserData": _NO_FILTER,
    "GetFlowAssociation": _FLOWS,
    "GetMetricData": _NO_FILTER,
    "GetMetricDataV2": _NO_FILTER,
    "ListViewVersions": _VIEWS,
    "StartContactMediaProcessing": _NO_INSTANCE,
    "StartEmailContact": _NO_FLOW,
    "StartOutboundEmailContact": _NO_FLOW,
    "StartOutboundVoiceContact": "nothing but * there; contact/* in the API reference of 2018",
    "StartTaskContact": _NO_FLOW,
    "StopContactMediaProcessing": _NO_INSTANCE,
    "UpdatePhoneNumber": _TARGET,
}
"""Operations whose resources are not those of AWS's table, with the reason."""


def test_operations_are_about_what_the_service_authorization_reference_says(
    oracle: Program,
) -> None:
    facts = oracle.ask("connect")
    service, named = load("connect"), samples.service_model()
    different = {}
    for name, operation in service.operations.items():
        if name not in facts:
            continue
        shape = samples.input_of(named.operation_model(name))
        asked = set()
        for params in (samples.minimal(shape), *samples.every_maximal(shape)):
            decoded = msgspec.convert(_without_slashes(params), operation.params)
            asked |= {_kind(arn) for arn in resources(operation, decoded, "us-east-1", ACCOUNT)}
        asked.discard(None)
        possible = {_kind(each["arn"]) for each in facts[name]} or {"*"}
        required = {_kind(each["arn"]) for each in facts[name] if each["required"]}
        if not required <= asked <= possible:
            different[name] = (asked - possible, required - asked)
    assert different.keys() == UNLIKE.keys(), different


def _without_slashes(value: Any) -> Any:
    """Our samples have them in ids, where AWS has none."""
    if isinstance(value, str):
        return value.replace("/", "-")
    if isinstance(value, dict):
        return {key: _without_slashes(each) for key, each in value.items()}
    return [_without_slashes(each) for each in value] if isinstance(value, list) else value


def _kind(arn: str) -> str | None:
    """The kind of resource, such as instance/queue; None of what is not Connect's."""
    if arn == "*":
        return arn
    found = re.search(r":connect:[^:]*:[^:]*:([a-z-]+)(?:/[^/]*/([a-z-]+)/)?", arn)
    return "/".join([each for each in found.groups() if each]) if found else None
