"""The chain of types: what each stage adds, and that none can be skipped."""

from pathlib import Path

import pytest
from mypy import api

from ringfloor.aws.iam import Access, Decision
from ringfloor.aws.model import Service
from ringfloor.aws.request import Principal, RootOnly, Signed, authorise, parse, validate
from ringfloor.base.errors import Refusal
from wire.client import HERE, ROOT, http_request

_INSTANCE = "11111111-2222-4333-8444-555555555555"


class _Asked:
    """Policies that answer what they were told to and remember what they were asked."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.questions: list[tuple[str, str, str]] = []

    def asks(self, _principal: Principal) -> bool:
        return True

    def decide(self, principal: Principal, access: Access) -> Decision:
        self.questions.append((principal.arn, access.action, access.resource))
        return self.decision


def _signed(method: str, target: str) -> Signed[Principal]:
    return Signed(http_request(method, target), ROOT, "us-east-1")


def test_each_stage_adds_its_part(connect: Service) -> None:
    signed = _signed("GET", f"/users/{_INSTANCE}/u")
    parsed = parse(signed, connect)
    assert parsed.operation.name == "DescribeUser"
    assert parsed.labels == (_INSTANCE, "u")
    valid = validate(parsed)
    assert valid.http is signed.http
    assert valid.principal is ROOT
    assert valid.region == "us-east-1"
    assert (valid.params.InstanceId, valid.params.UserId) == (_INSTANCE, "u")
    assert authorise(valid, RootOnly(), HERE).valid is valid


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (
            Decision.IMPLICITLY_DENIED,
            "because no identity-based policy allows the connect:DescribeUser action",
        ),
        (Decision.DENIED, "with an explicit deny in an identity-based policy"),
    ],
)
def test_what_is_denied_is_refused_in_the_words_of_aws(
    connect: Service, decision: Decision, why: str
) -> None:
    policies = _Asked(decision)
    resource = f"arn:aws:connect:us-east-1:123456789012:instance/{_INSTANCE}/agent/As Sent"
    with pytest.raises(Refusal) as refused:
        authorise(
            validate(parse(_signed("GET", f"/users/{_INSTANCE}/As%20Sent"), connect)),
            policies,
            HERE,
        )
    assert policies.questions == [(ROOT.arn, "connect:DescribeUser", resource)]
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message == (
        f"User: {ROOT.arn} is not authorized to perform: connect:DescribeUser"
        f" on resource: {resource} {why}"
    )


def test_every_resource_is_asked_about(connect: Service) -> None:
    http = http_request(
        "POST",
        f"/users/{_INSTANCE}/u/routing-profile",
        body=b'{"RoutingProfileId": "r"}',
    )
    policies = _Asked(Decision.ALLOWED)
    authorise(validate(parse(Signed(http, ROOT, "us-east-1"), connect)), policies, HERE)
    home = f"arn:aws:connect:us-east-1:123456789012:instance/{_INSTANCE}"
    assert [resource for _, _, resource in policies.questions] == [
        f"{home}/routing-profile/r",
        f"{home}/agent/u",
    ]


def test_what_cannot_be_read_is_refused_before_anybody_is_asked(connect: Service) -> None:
    policies = _Asked(Decision.DENIED)
    signed = _signed("GET", f"/users-summary/{_INSTANCE}?maxResults=none")
    with pytest.raises(Refusal, match="MaxResults"):
        authorise(validate(parse(signed, connect)), policies, HERE)
    assert policies.questions == []


def test_parameters_cannot_be_changed(connect: Service) -> None:
    valid = validate(parse(_signed("GET", f"/users/{_INSTANCE}/u"), connect))
    with pytest.raises(AttributeError):
        valid.params.InstanceId = "another"


_PROGRAM = """
from ringfloor.aws.access import Environment
from ringfloor.aws.model import Service
from ringfloor.aws.request import (
    Authorised, HttpRequest, Parsed, Principal, RootOnly, Signed, Valid, authorise, parse, validate
)

def whole(signed: Signed[Principal], service: Service, here: Environment) -> Authorised[Principal]:
    return authorise(validate(parse(signed, service)), RootOnly(), here)

def unsigned(http: HttpRequest, service: Service) -> Parsed[Principal]:
    return parse(http, service)  # refused

def unparsed(signed: Signed[Principal]) -> Valid[Principal]:
    return validate(signed)  # refused

def invalid(parsed: Parsed[Principal], here: Environment) -> Authorised[Principal]:
    return authorise(parsed, RootOnly(), here)  # refused

def unauthorised(valid: Valid[Principal]) -> Authorised[Principal]:
    return valid  # refused
"""


@pytest.mark.slow
def test_skipping_a_stage_does_not_type_check(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    root = Path(__file__).resolve().parents[2]
    text, _, _ = api.run(
        [
            str(program),
            f"--config-file={root / 'pyproject.toml'}",
            f"--cache-dir={tmp_path / 'cache'}",
            "--no-error-summary",
            "--follow-imports=silent",
        ]
    )
    refused = {int(line.split(":")[1]) for line in text.splitlines() if ": error:" in line}
    lines = _PROGRAM.splitlines()
    assert refused == {n for n, line in enumerate(lines, 1) if line.endswith("# refused")}, text
