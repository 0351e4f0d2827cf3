"""The chain of types: what each stage adds, and that none can be skipped."""

from pathlib import Path

import pytest
from mypy import api

from ringfloor.aws.model import Service
from ringfloor.aws.request import Principal, RootOnly, Signed, authorise, parse, validate
from ringfloor.base.errors import Refusal
from wire.client import ROOT, http_request

_INSTANCE = "11111111-2222-4333-8444-555555555555"


class _Asked:
    """Policies that say no and remember what they were asked."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, str, tuple[str, ...]]] = []

    def decide(self, principal: Principal, action: str, resource_arns: tuple[str, ...]) -> bool:
        self.questions.append((principal.arn, action, resource_arns))
        return False


def _signed(method: str, target: str) -> Signed[Principal]:
    return Signed(http_request(method, target), ROOT, "us-east-1")


def test_each_stage_adds_its_part(connect: Service) -> None:
    signed = _signed("GET", f"/users/{_INSTANCE}/u")
    parsed = parse(signed, connect)
    assert parsed.operation.name == "DescribeUser"
    assert parsed.labels == (_INSTANCE, "u")
    valid = validate(authorise(parsed, RootOnly()))
    assert valid.http is signed.http
    assert valid.principal is ROOT
    assert valid.region == "us-east-1"
    assert (valid.params.InstanceId, valid.params.UserId) == (_INSTANCE, "u")


@pytest.mark.parametrize(
    ("method", "target", "action", "resource"),
    [
        (
            "GET",
            f"/users/{_INSTANCE}/u",
            "connect:DescribeUser",
            f"arn:aws:connect:us-east-1:123456789012:instance/{_INSTANCE}",
        ),
        (
            "GET",
            "/users-summary/As%20Sent",
            "connect:ListUsers",
            "arn:aws:connect:us-east-1:123456789012:instance/As Sent",
        ),
        (
            "GET",
            "/users-summary/arn%3Aaws%3Aconnect%3Aeu%3A1%3Ainstance%2Fi",
            "connect:ListUsers",
            "arn:aws:connect:eu:1:instance/i",
        ),
        (
            "GET",
            "/tags/arn:aws:connect:eu:1:instance/i/queue/q",
            "connect:ListTagsForResource",
            "arn:aws:connect:eu:1:instance/i/queue/q",
        ),
        ("GET", "/instance", "connect:ListInstances", "*"),
    ],
)
def test_access_is_asked_and_denied_in_the_words_of_aws(
    connect: Service, method: str, target: str, action: str, resource: str
) -> None:
    policies = _Asked()
    with pytest.raises(Refusal) as refused:
        authorise(parse(_signed(method, target), connect), policies)
    assert policies.questions == [(ROOT.arn, action, (resource,))]
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message == (
        f"User: {ROOT.arn} is not authorized to perform: {action} on resource: {resource}"
    )


def test_parameters_cannot_be_changed(connect: Service) -> None:
    signed = _signed("GET", f"/users/{_INSTANCE}/u")
    valid = validate(authorise(parse(signed, connect), RootOnly()))
    with pytest.raises(AttributeError):
        valid.params.InstanceId = "another"


_PROGRAM = """
from ringfloor.aws.model import Service
from ringfloor.aws.request import (
    Authorised, HttpRequest, Parsed, Principal, RootOnly, Signed, Valid, authorise, parse, validate
)

def whole(signed: Signed[Principal], service: Service) -> Valid[Principal]:
    return validate(authorise(parse(signed, service), RootOnly()))

def unsigned(http: HttpRequest, service: Service) -> Parsed[Principal]:
    return parse(http, service)  # refused

def unparsed(signed: Signed[Principal]) -> Authorised[Principal]:
    return authorise(signed, RootOnly())  # refused

def unauthorised(parsed: Parsed[Principal]) -> Valid[Principal]:
    return validate(parsed)  # refused

def invalid(authorised: Authorised[Principal]) -> Valid[Principal]:
    return authorised  # refused
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
