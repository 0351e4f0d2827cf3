"""What a refusal says: field, value and rule; and what it keeps to itself."""

import json
import time
from typing import Any

import pytest
from botocore.model import ServiceModel

from ringfloor.aws.model import Service, load
from ringfloor.aws.overlay import OVERLAYS, PATTERNS, PATTERNS_OFF
from ringfloor.base.errors import Fault
from wire import samples
from wire.client import http_request, params_of, refusal_of

_CREATE_USER = {
    "Username": "anna",
    "PhoneConfig": {"PhoneType": "SOFT_PHONE"},
    "SecurityProfileIds": ["s"],
    "RoutingProfileId": "r",
}
_METRICS = {
    "StartTime": 1_700_000_000,
    "EndTime": 1_700_000_300,
    "Filters": {"Queues": ["q"]},
    "HistoricalMetrics": [],
}
_V2 = "/metrics/data"


@pytest.mark.parametrize(
    ("method", "target", "body", "code", "message"),
    [
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "SecurityProfileIds": ["s"] * 11},
            "InvalidParameterException",
            "SecurityProfileIds must include at most 10 items",
        ),
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "SecurityProfileIds": []},
            "InvalidParameterException",
            "SecurityProfileIds must include at least 1 item",
        ),
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "Username": 5, "RoutingProfileId": None},
            "InvalidRequestException",
            "RoutingProfileId is required; Username: 5 must be a string",
        ),
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "PhoneConfig": {"PhoneType": "PHONE"}},
            "InvalidParameterException",
            "PhoneConfig.PhoneType: 'PHONE' must be one of SOFT_PHONE, DESK_PHONE",
        ),
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "Tags": {"aws:x": "y"}},
            "InvalidParameterException",
            "Tags key: 'aws:x' must satisfy the regular expression",
        ),
        (
            "PUT",
            "/users/i",
            {**_CREATE_USER, "Tags": {"team": "y" * 300}},
            "InvalidParameterException",
            f"Tags['team']: '{'y' * 99}... must be at most 256 characters long",
        ),
        (
            "POST",
            "/metrics/historical/i",
            {**_METRICS, "MaxResults": 101},
            "InvalidParameterException",
            "MaxResults: 101 must be at most 100",
        ),
        (
            "POST",
            "/metrics/historical/i",
            {**_METRICS, "StartTime": "2024-02-29T23:55:00Z"},
            "InvalidRequestException",
            "StartTime: '2024-02-29T23:55:00Z' must be a number of epoch seconds",
        ),
        (
            "POST",
            "/metrics/historical/i",
            {**_METRICS, "StartTime": 1e15},
            "InvalidParameterException",
            "StartTime: 1000000000000000.0 must be at most 253402300799",
        ),
        (
            "POST",
            "/metrics/historical/i",
            {**_METRICS, "HistoricalMetrics": [{"Name": "NOPE", "Unit": 1}]},
            "InvalidRequestException",
            "HistoricalMetrics[0].Unit: 1 must be a string",
        ),
        (
            "PUT",
            "/users/i/u/proficiencies",
            {},
            "UnknownOperationException",
            "'PUT /users/i/u/proficiencies' is no operation of this API",
        ),
        ("PUT", "/users/i", "[", "InvalidRequestException", "The request body is not JSON"),
        ("PUT", "/users/i", [], "InvalidRequestException", "must be a JSON object"),
    ],
)
def test_words(
    connect: Service, method: str, target: str, body: Any, code: str, message: str
) -> None:
    raw = b"[" if body == "[" else json.dumps(body).encode()
    refusal = refusal_of(connect, http_request(method, target, body=raw))
    assert refusal.code == code
    assert message in (refusal.message or "")


def test_a_password_is_not_repeated(connect: Service) -> None:
    body = json.dumps({**_CREATE_USER, "Password": "hunter2"}).encode()
    refusal = refusal_of(connect, http_request("PUT", "/users/i", body=body))
    assert refusal.code == "InvalidParameterException"
    assert "Password must satisfy" in (refusal.message or "")
    assert "hunter2" not in str(refusal)
    body = json.dumps({**_CREATE_USER, "Password": ["hunter2"]}).encode()
    assert "hunter2" not in str(refusal_of(connect, http_request("PUT", "/users/i", body=body)))


def test_a_long_list_of_faults_is_cut(connect: Service) -> None:
    body = json.dumps({**_METRICS, "HistoricalMetrics": [{"Name": "NOPE"}] * 5000}).encode()
    refusal = refusal_of(connect, http_request("POST", "/metrics/historical/i", body=body))
    assert refusal.message is not None
    assert refusal.message.count("HistoricalMetrics[") == 10
    assert refusal.message.endswith("; and 990 more")


def test_a_union_has_exactly_one_member(connect: Service) -> None:
    target = "/contact-evaluations/i/e"
    for data in ({}, {"StringValue": "a", "NumericValue": 1.0}, {"SomethingNewer": 1}):
        body = json.dumps({"Answers": {"q": {"Value": data}}}).encode()
        refusal = refusal_of(connect, http_request("POST", target, body=body))
        assert refusal.code == "InvalidRequestException"
        assert "Answers['q'].Value must have exactly one member" in (refusal.message or "")


def test_another_service_has_other_codes() -> None:
    participant = load("connectparticipant")
    http = http_request("POST", "/participant/message", {"X-Amz-Bearer": "t"}, b"{}")
    refusal = refusal_of(participant, http)
    assert refusal.code == "ValidationException"
    assert refusal.message == "ContentType is required; Content is required"


def test_a_header_in_any_case_and_with_blanks_around_it() -> None:
    participant = load("connectparticipant")
    body = b'{"ContentType":"text/plain","Content":"hello"}'
    http = http_request("POST", "/participant/message", {"x-AMZ-bearer": "\t token  "}, body)
    assert params_of(participant, http)["ConnectionToken"] == "token"


def test_every_pattern_is_reviewed() -> None:
    """A new pattern in an update of botocore must be read before it is enforced or not."""
    assert not PATTERNS.keys() & PATTERNS_OFF.keys()
    in_models = {
        name
        for service in ("connect", "connectparticipant")
        for name, shape in samples.service_model(service)._shape_resolver._shape_map.items()
        if "pattern" in shape
    }
    assert in_models == PATTERNS.keys() | PATTERNS_OFF.keys()
    assert OVERLAYS["connect"].patterns is PATTERNS


_SPOILT = {
    "CommonHumanReadableName": ["", "a\x00", "a" * 128],
    "ContactFlowModuleAlias": ["-a", "a--b", "a\n"],
    "ContactFlowModuleDescription": ["   ", "\t\n"],
    "ContactFlowModuleName": ["   "],
    "CreateSecurityProfileName": ["a/b", "a\n", "é"],
    "DateTimeFormat": ["2024-02-29", "2024-02-29T23:59:59+01:00", "٢٠٢٤-02-29T23:59:59Z"],
    "DateYearMonthDayFormat": ["29.02.2024", "2024-02-29\n"],
    "Description250": [" a", "a ", ""],
    "DirectoryAlias": ["d-one", "-a", "a-", "a_b", "a\n"],
    "DirectoryId": ["d-012345678", "d-012345678g", "x-0123456789"],
    "EmailAddress": ["a", "a@b", "@b.c"],
    "FlowContentSha256": ["0f" * 31, "0f" * 31 + "-_"],
    "FlowModuleContentSha256": ["0f" * 33],
    "HoursOfOperationOverrideYearMonthDayDateFormat": ["2024-2-9"],
    "Name128": [" a", "a "],
    "Password": ["Sh0rt", "nodigitsHERE", "NOLOWER123", "noupper123", "Sp ace 123", "Aa1" * 22],
    "SourceApplicationName": ["a/b", ""],
    "TagKey": ["aws:x", "a\n", "a*b", "a\tb"],
    "TestCaseSha256": [""],
    "WorkspaceName": ["  "],
}


def test_every_enforced_pattern(connect: Service) -> None:
    assert _SPOILT.keys() == PATTERNS.keys()
    for name, spoilt in _SPOILT.items():
        walker = connect.walkers.requests
        assert walker.breaches(name, samples.BY_PATTERN[name]) == []
        for value in spoilt:
            assert walker.breaches(name, value), (name, value)
    for good in ("équipe été", "a.b:c/d=e+f-g@h_i", "日本", "Aws:x"):
        assert connect.walkers.requests.breaches("TagKey", good) == []


def test_what_the_compiler_does_not_do_is_refused_at_start() -> None:
    with pytest.raises(Fault, match="s3 speaks rest-xml, not rest-json"):
        load("s3")
    with pytest.raises(Fault, match=r"lambda: \w+ needs .*, which the compiler does not do"):
        load("lambda")


@pytest.mark.parametrize(
    ("template", "shapes", "feature"),
    [
        ("/x", {"Many": {"sparse": True}}, "lists or maps with null"),
        ("/x", {"Many": {"streaming": True}}, "streams"),
        ("/x/a{Many}", {}, "a label that is only part of a segment"),
        ("/x/{Many+}/y", {}, "a greedy label that is not last"),
    ],
)
def test_more_that_the_compiler_does_not_do(
    template: str, shapes: dict[str, Any], feature: str
) -> None:
    made = {
        "In": {"type": "structure", "members": {"Many": {"shape": "Many"}}},
        "Many": {"type": "list", "member": {"shape": "Text"}} | shapes.get("Many", {}),
        "Text": {"type": "string"},
    }
    http = {"method": "POST", "requestUri": template}
    operation = {"name": "Do", "http": http, "input": {"shape": "In"}}
    raw = {"metadata": {"protocol": "rest-json"}, "operations": {"Do": operation}, "shapes": made}
    with pytest.raises(Fault, match=f"mini: Do needs {feature}, which"):
        Service("mini", raw)


def test_the_client_token_is_known(connect: Service, botocore_connect: ServiceModel) -> None:
    for name in botocore_connect.operation_names:
        tokens = botocore_connect.operation_model(name).idempotent_members
        assert connect.operations[name].idempotency_token == (tokens[0] if tokens else None)


def test_compiling_everything_takes_less_than_a_second() -> None:
    start = time.process_time()
    load("connect").compile_all()
    assert time.process_time() - start < 1
