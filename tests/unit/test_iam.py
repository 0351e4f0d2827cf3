"""IAM: what a policy may say, and what it decides. Decisions by the thousand: contract/."""

import json
from itertools import permutations
from typing import Any

import pytest

from ringfloor.aws import iam, iam_values
from ringfloor.aws.iam import Access, Decision, Kind, Policy, Trust
from ringfloor.base.errors import Refusal

QUEUE = "arn:aws:connect:us-east-1:123456789012:instance/i/queue/q"
ALLOW = {"Effect": "Allow", "Action": "connect:StopContact", "Resource": "*"}
DENY = ALLOW | {"Effect": "Deny"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}}

ANN = "arn:aws:iam::123456789012:user/ann"
NIGHT = "arn:aws:iam::123456789012:role/team/night"
SESSION = "arn:aws:sts::123456789012:assumed-role/night/ann"


def policy(
    *statements: object, version: str | None = "2012-10-17", kind: Kind = "identity"
) -> Policy:
    document = {"Version": version} if version else {}
    return iam.parse(json.dumps(document | {"Statement": list(statements)}), kind)


def decide(
    statement: dict[str, Any],
    context: dict[str, tuple[str, ...]] | None = None,
    resource: str = QUEUE,
    version: str | None = "2012-10-17",
) -> bool:
    """Whether one Allow statement, completed with ALLOW, allows."""
    access = Access("connect:StopContact", resource, context or {})
    no = "NotResource" in statement
    whole = {key: ALLOW[key] for key in ALLOW if not (no and key == "Resource")} | statement
    return iam.decide([policy(whole, version=version)], access) is Decision.ALLOWED


def fulfilled(line: dict[str, Any], **context: str | tuple[str, ...]) -> bool:
    """Whether a condition holds. context: keys with _ for the colon."""
    keys = {
        key.replace("_", ":", 1): (value,) if isinstance(value, str) else value
        for key, value in context.items()
    }
    return decide({"Condition": line}, keys)


# Reading


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "the policy: is no JSON"),
        ("[" * 100_000, "the policy: is no JSON"),
        ('{"Statement": [], "Statement": []}', "'Statement': is there twice"),
        ([], "the policy: [] is no object"),
        ({"Statement": ALLOW, "Statment": []}, "the policy: has 'Statment'; it may have Id, St"),
        ({"Version": "2012-10-18", "Statement": ALLOW}, "Version: '2012-10-18' is neither"),
        ({"Id": 5, "Statement": ALLOW}, "Id: is no string"),
        ({"Version": "2012-10-17"}, "Statement: is missing"),
        ({"Statement": []}, "Statement: is missing"),
        ({"Statement": ["x"]}, "Statement[0]: 'x' is no object"),
        ({"Statement": ALLOW | {"Principal": "*"}}, "Statement: has 'Principal'"),
        ({"Statement": ALLOW | {"Effect": "allow"}}, "Statement.Effect: 'allow' is neither"),
        ({"Statement": [ALLOW, ALLOW | {"Sid": "a b"}]}, "Statement[1].Sid: 'a b' has more"),
        ({"Statement": [ALLOW | {"Sid": "a"}] * 2}, "Statement[1].Sid: 'a' is there twice"),
        ({"Statement": {"Effect": "Deny", "Resource": "*"}}, "Statement: has neither: Action or"),
        ({"Statement": ALLOW | {"NotAction": "*"}}, "Statement: has Action and NotAction"),
        ({"Statement": ALLOW | {"NotResource": "*"}}, "Statement: has Resource and NotResource"),
        ({"Statement": ALLOW | {"Action": []}}, "Statement.Action: is empty"),
        ({"Statement": ALLOW | {"Action": ["connect:*", 5]}}, "Statement.Action: 5 is no string"),
        ({"Statement": ALLOW | {"Action": "StopContact"}}, "'StopContact' is no action such as"),
        ({"Statement": ALLOW | {"Resource": "queue/q"}}, "'queue/q' is neither an ARN nor *"),
        (
            {"Version": "2012-10-17", "Statement": ALLOW | {"Resource": "arn:aws:s3:${aws:x}:"}},
            "has a variable before the fifth colon",
        ),
        ({"Statement": ALLOW | {"Condition": []}}, "Statement.Condition: [] is no object"),
        ({"Statement": ALLOW | {"Condition": {"Bool": 1}}}, "Condition.Bool: 1 is no object"),
    ],
)
def test_a_malformed_policy_is_refused_with_where_and_what(document: object, says: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(Refusal) as refused:
        iam.parse(text, "identity")
    assert refused.value.code == "MalformedPolicyDocument"
    assert refused.value.message is not None
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("operator", "key", "values", "says"),
    [
        ("StringSimilar", "aws:username", "x", "is no condition operator"),
        ("NullIfExists", "aws:username", "true", "is no condition operator"),
        ("ForSomeValues:StringLike", "aws:TagKeys", "x", "is no condition operator"),
        ("StringEquals", "username", "x", "'username' is no key such as aws:SourceIp"),
        ("StringEquals", "aws:username", [], "is empty"),
        ("StringEquals", "aws:username", {"a": 1}, "is no string"),
        ("StringLike", "aws:username", "${}", "has ${}, which is not ${key}"),
        ("StringLike", "aws:username", "${aws:userid, ann}", "is not ${key} or ${key, 'default'}"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "soon", "is no number"),
        ("DateLessThan", "aws:CurrentTime", "2026-02-30", "is no date"),
        ("Bool", "aws:SecureTransport", "yes", "is no boolean"),
        ("Null", "aws:username", "maybe", "is no boolean"),
        ("IpAddress", "aws:SourceIp", "192.0.2.0/33", "is no IP address or CIDR block"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*", "has fewer than six parts"),
    ],
)
def test_a_condition_that_could_never_be_read_is_refused(
    operator: str, key: str, values: object, says: str
) -> None:
    with pytest.raises(Refusal) as refused:
        policy(ALLOW | {"Condition": {operator: {key: values}}})
    assert f"Statement[0].Condition.{operator}.{key}: " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (TRUST | {"Resource": "*"}, "Statement[0]: has 'Resource'"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "has neither: Principal or NotPrincipal"),
        (TRUST | {"Principal": {"AWS": "ann"}}, "Principal.AWS: 'ann' is no account id"),
        (TRUST | {"Principal": {"AWS": f"{ANN}*"}}, "is no account id, no ARN"),
        (TRUST | {"Principal": {"Human": "ann"}}, "Principal: has 'Human'"),
        (TRUST | {"Principal": {}}, "Principal: names nobody"),
        (TRUST | {"Principal": "ann"}, "Principal: 'ann' is no object"),
    ],
)
def test_a_malformed_trust_policy_is_refused(statement: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        policy(statement, kind="trust")
    assert says in str(refused.value)


def test_a_policy_is_read_once() -> None:
    assert policy(ALLOW) is policy(ALLOW)
    assert policy(ALLOW) is not policy(ALLOW, kind="session")


def test_blanks_do_not_count() -> None:
    assert iam.size('{ "Statement":\n\t[ ] }\r\n') == len('{"Statement":[]}')


# Deciding


def test_deny_wins_in_every_order_and_silence_is_an_implicit_deny() -> None:
    access = Access("connect:StopContact", QUEUE, {})
    silent = ALLOW | {"Action": "connect:ListQueues"}
    for statements in permutations([ALLOW, DENY, silent]):
        assert iam.decide([policy(*statements)], access) is Decision.DENIED
        assert iam.decide([policy(each) for each in statements], access) is Decision.DENIED
    assert iam.decide([policy(silent), policy(ALLOW)], access) is Decision.ALLOWED
    assert iam.decide([policy(silent)], access) is Decision.IMPLICITLY_DENIED
    assert iam.decide([], access) is Decision.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("action", "meant"),
    [
        ("CONNECT:stopcontact", True),
        ("connect:Stop*", True),
        ("connect:Stop?ontact", True),
        ("*:StopContact", True),
        ("connect:Stop", False),
        ("connect:StopContact?", False),
        ("s3:*", False),
    ],
)
def test_actions_have_wildcards_and_no_case(action: str, meant: bool) -> None:
    assert decide({"Action": action}) is meant


@pytest.mark.parametrize(
    ("resource", "meant"),
    [
        (QUEUE, True),
        (QUEUE.upper().replace("ARN:", "arn:"), False),
        ("arn:aws:connect:us-east-1:123456789012:instance/*/q", True),
        ("arn:aws:connect:us-east-1:123456789012:instance/?/queue/?", True),
        ("arn:aws:con*:*:*:*", True),
        ("arn:aws:connect:*:q", False),  # which goes on: arn:aws:connect:*:q:*
        ("arn:aws:connect", True),
        ("arn:aws:conn", False),
        ("arn:aws:connect:eu-west-1", False),
        ("arn:aws:connect:us-east-1:123456789012:instance/.", False),
    ],
)
def test_resources_have_wildcards_and_case(resource: str, meant: bool) -> None:
    assert decide({"Resource": resource}) is meant
    assert decide({"NotResource": resource}) is not meant


def test_other_names_of_a_resource_count_for_allow_and_deny() -> None:
    access = Access("connect:StopContact", f"{QUEUE}:1", {}, aliases=(QUEUE,))
    assert iam.decide([policy(ALLOW | {"Resource": QUEUE})], access) is Decision.ALLOWED
    assert iam.decide([policy(ALLOW, DENY | {"Resource": QUEUE})], access) is Decision.DENIED
    outside = {key: ALLOW[key] for key in ("Effect", "Action")} | {"NotResource": QUEUE}
    assert iam.decide([policy(outside)], access) is Decision.IMPLICITLY_DENIED
    by_name = ALLOW | {"Resource": QUEUE.replace("queue/q", "queue/${aws:username, 'q'}")}
    assert iam.decide([policy(by_name)], access) is Decision.ALLOWED


def test_matching_takes_no_more_than_its_share_of_time() -> None:
    hostile = "arn:aws:connect:us-east-1:123456789012:" + "*a" * 200 + "b"
    assert not decide({"Resource": hostile}, resource=QUEUE + "a" * 8_000)
    line = {"StringLike": {"aws:username": "*a" * 200 + "b"}}
    assert not fulfilled(line, aws_username="a" * 8_000)
    line = {"ArnLike": {"aws:PrincipalArn": ":".join(["*a*a*a*a*b"] * 6)}}
    assert not fulfilled(line, aws_principalarn=":".join(["a" * 1_000] * 6))


# Variables

AGENT = "arn:aws:connect:us-east-1:123456789012:instance/i/agent/"


@pytest.mark.parametrize(
    ("text", "context", "name", "meant"),
    [
        ("${aws:username}", {"aws:username": ("ann",)}, "ann", True),
        ("${AWS:UserName}", {"aws:username": ("ann",)}, "ann", True),
        ("${aws:PrincipalTag/Team Name}", {"aws:principaltag/team name": ("x",)}, "x", True),
        ("${aws:username}*", {"aws:username": ("ann",)}, "anna", True),
        ("${aws:username}", {"aws:username": ("*",)}, "ann", False),
        ("${aws:username}", {}, "${aws:username}", False),
        ("${aws:username, 'bob'}", {}, "bob", True),
        ("${aws:username,'bob'}", {"aws:username": ("ann",)}, "bob", False),
        ("${aws:username}", {"aws:username": ("ann", "bob")}, "ann", False),
        ("${aws:TagKeys}", {"aws:tagkeys": ("ann",)}, "ann", False),
        ("${*}", {}, "*", True),
        ("${*}", {}, "ann", False),
        ("${?}${$}", {}, "?$", True),
        ("${unclosed", {}, "${unclosed", True),
    ],
)
def test_variables_stand_for_values_of_the_request(
    text: str,
    context: dict[str, tuple[str, ...]],
    name: str,
    meant: bool,
) -> None:
    assert decide({"Resource": AGENT + text}, context, AGENT + name) is meant


def test_variables_came_with_version_2012() -> None:
    context = {"aws:username": ("ann",)}
    for version in (None, "2008-10-17"):
        assert not decide({"Resource": AGENT + "${aws:username}"}, context, AGENT + "ann", version)
        text = "${aws:username}"
        assert decide({"Resource": AGENT + text}, context, AGENT + text, version)


def test_a_variable_without_a_value_equals_nothing() -> None:
    line = {"aws:PrincipalTag/team": "${aws:username}"}
    keys = {"aws_principaltag/team": "red"}
    assert not fulfilled({"StringEquals": line}, **keys)
    assert fulfilled({"StringNotEquals": line}, **keys)
    assert fulfilled({"StringNotLike": line}, **keys)
    # What NotResource might have meant is not outside it; what it could not have meant is.
    assert not decide({"NotResource": AGENT + "${aws:username}"}, resource=AGENT + "ann")
    assert decide({"NotResource": AGENT + "${aws:username}"}, resource=QUEUE)


# Conditions


@pytest.mark.parametrize("operator", ["StringEquals", "stringequals", "STRINGEQUALS"])
def test_operators_and_keys_have_no_case_and_values_have(operator: str) -> None:
    assert fulfilled({operator: {"AWS:UserName": "ann"}}, aws_username="ann")
    assert not fulfilled({operator: {"AWS:UserName": "ANN"}}, aws_username="ann")


def test_all_lines_must_hold_and_one_of_the_values() -> None:
    line = {"StringEquals": {"aws:username": ["ann", "bob"], "aws:userid": "AIDA"}}
    assert fulfilled(line, aws_username="bob", aws_userid="AIDA")
    assert not fulfilled(line, aws_username="bob", aws_userid="AROA")
    both = line | {"Bool": {"aws:SecureTransport": True}}
    assert not fulfilled(both, aws_username="bob", aws_userid="AIDA", aws_securetransport="false")


@pytest.mark.parametrize(
    ("operator", "missing", "one"),
    [
        ("StringEquals", False, True),
        ("StringEqualsIfExists", True, True),
        ("StringNotEquals", True, False),
        ("StringNotEqualsIfExists", True, False),
        ("ForAnyValue:StringEquals", False, True),
        ("ForAnyValue:StringEqualsIfExists", False, True),  # as the service does
        ("ForAnyValue:StringNotEquals", False, False),
        ("ForAllValues:StringEquals", True, True),
        ("ForAllValues:StringNotEquals", True, False),
    ],
)
def test_a_missing_key(operator: str, missing: bool, one: bool) -> None:
    line = {operator: {"aws:RequestTag/team": "red"}}
    assert fulfilled(line) is missing
    assert fulfilled(line, **{"aws_requesttag/team": "red"}) is one


def test_several_values_need_a_set_operator() -> None:
    both = {"aws_tagkeys": ("red", "blue")}
    for operator, values, meant in (
        ("StringLike", ["*"], False),
        ("StringNotLike", ["green"], False),
        ("ForAnyValue:StringEquals", ["red"], True),
        ("ForAllValues:StringEquals", ["red"], False),
        ("ForAllValues:StringEquals", ["red", "blue"], True),
        ("ForAnyValue:StringNotEquals", ["red"], True),
        ("ForAllValues:StringNotEquals", ["red"], False),
    ):
        assert fulfilled({operator: {"aws:TagKeys": values}}, **both) is meant, operator
    two = {"StringLike": {"aws:unknown": "*"}}
    assert not fulfilled(two, aws_unknown=("red", "blue"))
    # A key that may have several is not a single one when it happens to have one.
    assert not fulfilled({"StringEquals": {"aws:TagKeys": "red"}}, aws_tagkeys=("red",))


def test_null_asks_whether_a_key_is_there() -> None:
    assert fulfilled({"Null": {"aws:TokenIssueTime": "true"}})
    assert not fulfilled({"Null": {"aws:TokenIssueTime": False}})
    assert fulfilled({"Null": {"aws:TokenIssueTime": False}}, aws_tokenissuetime="2026-01-01")


NOON = "2026-06-01T12:00:00Z"


@pytest.mark.parametrize(
    ("operator", "value", "sent", "meant"),
    [
        ("StringEqualsIgnoreCase", "ANN", "ann", True),
        ("StringNotEqualsIgnoreCase", "ANN", "ann", False),
        ("StringLike", "a*n", "a\nn", True),
        ("StringEquals", "a*n", "ann", False),
        ("StringEquals", "a${*}n", "a*n", True),
        ("NumericEquals", 5, "5.0", True),
        ("NumericNotEquals", "5", "five", False),
        ("NumericLessThanEquals", "-1.5", "-1.5", True),
        ("NumericGreaterThan", 5, "5", False),
        ("DateEquals", NOON, "2026-06-01T14:00:00+02:00", True),
        ("DateEquals", "2026-06", "2026-06-01T00:00:00.000Z", True),
        ("DateLessThan", NOON, "1780315199", True),
        ("DateLessThan", "1780315199", NOON, False),
        ("DateGreaterThan", NOON, "1780315201", True),
        ("DateGreaterThan", NOON, "2026-06-01T12:00:00.001Z", True),
        ("DateGreaterThanEquals", NOON, NOON, True),
        ("DateNotEquals", NOON, "noon", False),
        ("Bool", "TRUE", "true", True),
        ("Bool", "false", "maybe", False),
        ("BinaryEquals", "QUJD", "QUJD", True),
        ("BinaryEquals", "QUJD", "qujd", False),
        ("IpAddress", "192.0.2.0/24", "192.0.2.255", True),
        ("IpAddress", "192.0.2.9/24", "192.0.2.1", True),
        ("IpAddress", "0.0.0.0/0", "198.51.100.1", True),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
        ("IpAddress", "2001:db8::/32", "2001:0DB8::1", True),
        ("NotIpAddress", "192.0.2.1", "2001:db8::1", True),
        ("NotIpAddress", "192.0.2.1", "nowhere", False),
        ("ArnEquals", "arn:aws:iam::*:user/*", ANN, True),
        ("ArnLike", "arn:aws:*:x:*:y", f"{ANN}:x::y", False),  # `*` ends at a colon
        ("ArnLike", "*", ANN, True),
        ("ArnNotLike", "arn:aws:iam::*:role/*", ANN, True),
        ("ArnNotEquals", "arn:aws:iam::*:role/*", "no arn", False),
    ],
)
def test_operators(operator: str, value: object, sent: str, meant: bool) -> None:
    assert fulfilled({operator: {"aws:key": value}}, aws_key=sent) is meant


# Trust


def _trust(
    statement: dict[str, Any],
    arn: str = ANN,
    role: str | None = None,
    action: str = "sts:AssumeRole",
) -> Trust:
    context = {"aws:principalarn": (role or arn,), "sts:externalid": ("42",)}
    access = Access(action, "arn:aws:iam::123456789012:role/day", context)
    return iam.trusts(policy(statement, kind="trust"), arn, "123456789012", access)


@pytest.mark.parametrize(
    ("principal", "ann", "night"),
    [
        ("*", Trust.CALLER, Trust.CALLER),
        ({"AWS": "123456789012"}, Trust.ACCOUNT, Trust.ACCOUNT),
        ({"AWS": ["arn:aws:iam::123456789012:root"]}, Trust.ACCOUNT, Trust.ACCOUNT),
        ({"AWS": ["123456789012", ANN]}, Trust.CALLER, Trust.ACCOUNT),
        ({"AWS": NIGHT}, Trust.NOBODY, Trust.CALLER),
        ({"AWS": SESSION}, Trust.NOBODY, Trust.CALLER),
        ({"AWS": "999999999999"}, Trust.NOBODY, Trust.NOBODY),
        ({"Service": "lambda.amazonaws.com"}, Trust.NOBODY, Trust.NOBODY),
    ],
)
def test_whom_a_trust_policy_names(principal: object, ann: Trust, night: Trust) -> None:
    statement = TRUST | {"Principal": principal}
    assert _trust(statement) is ann
    assert _trust(statement, SESSION, NIGHT) is night
    assert _trust(statement, action="sts:TagSession") is Trust.NOBODY
    denied = _trust(statement | {"Effect": "Deny"})
    assert denied is (Trust.NOBODY if ann is Trust.NOBODY else Trust.DENIED)


def test_a_trust_policy_has_conditions_and_exclusions() -> None:
    line = {"StringEquals": {"sts:ExternalId": "42"}}
    assert _trust(TRUST | {"Condition": line}) is Trust.ACCOUNT
    assert _trust(TRUST | {"Condition": {"StringNotEquals": line["StringEquals"]}}) is Trust.NOBODY
    excluding = {"Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": ANN}}
    assert _trust(excluding | {"NotPrincipal": {"AWS": "123456789012"}}) is Trust.NOBODY
    assert _trust(excluding) is Trust.NOBODY
    assert _trust(excluding, SESSION, NIGHT) is Trust.DENIED


def test_what_is_only_tried_is_not_remembered() -> None:
    """Large policies at every request would fill the memory (SimulateCustomPolicy)."""
    rooms = [f"arn:aws:connect:us-east-1:1:instance/{'*a' * 10}{number}" for number in range(400)]
    text = json.dumps({"Statement": ALLOW | {"Resource": rooms}})
    before = [each.cache_info().currsize for each in (iam.parse, iam._sorted, iam_values._kept)]
    policy = iam.read(text, "identity")
    assert iam.decide([policy], Access("connect:StopContact", rooms[0], {})) is Decision.ALLOWED
    short = [each.cache_info().currsize for each in (iam.parse, iam._sorted, iam_values._kept)]
    assert short[:2] == before[:2]
    assert short[2] <= before[2] + 1, "its action is short"
    assert iam.parse(text, "identity") is iam.parse(text, "identity")
