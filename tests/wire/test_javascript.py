"""The SDK for JavaScript: we read what it sends, signed, and it reads what we answer."""

import base64
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from botocore.model import ServiceModel, Shape

from javascript import Program
from ringfloor.aws.dates import from_basic
from ringfloor.aws.model import Service
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import COMMON, HttpResponse, failure, success
from ringfloor.aws.sigv4 import MISMATCH, Credential, verify
from ringfloor.base.errors import Refusal
from ringfloor.base.time import HOUR
from wire import samples
from wire.client import ROOT, params_of

_MODEL: ServiceModel = samples.service_model()
_NOW = 1_700_000_000_123
_ID = "5f1d9b6a-8f0c-4b1e-9d53-0f8f6b0a7c11"
_REGION, _SECRET, _TOKEN = "us-east-1", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "sealed+token/="
_KEY = ROOT.access_key_id
SAMPLES = 4
"""Random requests and results of each operation, after the least and the most of them."""

NEWER_OPERATIONS = {
    "CreateContactFlowAlias",
    "DeleteAllEntitySessions",
    "DeleteContactFlowAlias",
    "DescribeContactFlowAlias",
    "ListContactFlowAliases",
    "ListReplicationFindings",
    "UpdateContactFlowAlias",
    "UpdateOutboundEmailContactMessage",
}
"""What botocore's model has and that of the newest SDK for JavaScript does not have yet."""

NEWER_MEMBERS = frozenset(
    f"{structure}.{member}"
    for structure, members in {
        "Contact": "Cases ContactLens",
        "ContactFlowVersionSummary": "LastModifiedRegion LastModifiedTime",
        "CreateTaskTemplateRequest": "ContactHooks",
        "Evaluation": "ItemEnablementStatus SourceResolutionStatus SourceValues",
        "EvaluationFormItemEnablementSource": (
            "AiMetricsField ContactAttributeKey ContactField EvaluationMetadataField"
            " SegmentAttributeKey"
        ),
        "EvaluationFormItemEnablementSourceValue": (
            "BooleanValue DateTimeValue NumericValue StringValue"
        ),
        "EvaluationFormSection": "Enablement",
        "EvaluationFormSingleSelectQuestionAutomationOption": "AutomationRule",
        "GetAttachedFileRequest": "UrlContentDisposition",
        "GetTaskTemplateResponse": "ContactHooks",
        "GetTrafficDistributionResponse": "LastFailoverTime",
        "IntegrationAssociationSummary": "LastModifiedRegion LastModifiedTime",
        "ListRealtimeContactAnalysisSegmentsV2Request": "ListFilter",
        "RealTimeContactAnalysisCategoryDetails": "RuleId",
        "RuleAction": "EndAssociatedEmailsAction SendInAppNotificationAction",
        "SecurityProfile": "Type",
        "SecurityProfileSearchSummary": "Type",
        "SecurityProfileSummary": "Type",
        "StartChatContactRequest": "ChatStreamingConfiguration ConnectionTypes",
        "StartChatContactResponse": "ConnectionCredentials StreamingId Websocket",
        "UpdateContactRequest": "AdditionalRecipients",
        "UpdateTaskTemplateRequest": "ContactHooks",
        "UpdateTaskTemplateResponse": "ContactHooks",
    }.items()
    for member in members.split()
)

every_operation = pytest.mark.parametrize(
    "operation_name", [name for name in _MODEL.operation_names if name not in NEWER_OPERATIONS]
)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Program]:
    program = Program("sdk.mjs", REGION=_REGION, KEY=_KEY, SECRET=_SECRET, TOKEN=_TOKEN)
    yield program
    program.close()


class _Keys:
    def secret(self, access_key_id: str, session_token: str | None) -> Credential | None:
        known = access_key_id == _KEY and session_token in {None, _TOKEN}
        return Credential(_SECRET, ROOT) if known else None


def _answer(response: HttpResponse) -> dict[str, Any]:
    headers = [[name.decode(), value.decode()] for name, value in response.headers]
    body = base64.b64encode(response.body).decode()
    return {"status": response.status, "headers": headers, "body": body}


def _in_javascript(shape: Shape, value: Any) -> Any:
    """A value as its user has it: instants are dates."""
    if shape.type_name == "structure":
        return {name: _in_javascript(shape.members[name], value[name]) for name in value}
    if shape.type_name == "list":
        return [_in_javascript(shape.member, element) for element in value]
    if shape.type_name == "map":
        return {key: _in_javascript(shape.value, element) for key, element in value.items()}
    if shape.type_name == "timestamp":
        seconds = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
        return {"$date": round(seconds * 1000)}
    return value


def _http(wire: dict[str, Any]) -> HttpRequest:
    path, _, query = wire["target"].partition("?")
    headers = tuple((name.encode(), value.encode("latin-1")) for name, value in wire["headers"])
    body = base64.b64decode(wire["body"])
    return HttpRequest(wire["method"], path.encode(), query.encode(), headers, body)


def _understood(service: Service, http: HttpRequest) -> dict[str, Any]:
    """The parameters, by way of the signature."""
    date = next(value for name, value in http.headers if name.lower() == b"x-amz-date")
    now = from_basic(date.decode())
    assert now is not None
    assert verify(http, _Keys(), now, region=_REGION, service="connect").principal == ROOT
    return params_of(service, http)


def _drawn(operation_name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Requests and results."""
    model = _MODEL.operation_model(operation_name)
    shape, out = samples.input_of(model), model.output_shape
    yield samples.minimal(shape), samples.minimal(out) if out else {}
    most = samples.maximal(shape, without=NEWER_MEMBERS)
    yield most, samples.maximal(out, without=NEWER_MEMBERS) if out else {}
    for seed in range(SAMPLES):
        dice = random.Random(f"{operation_name} {seed}")
        request = samples.chosen_request(shape, dice, NEWER_MEMBERS)
        yield request, samples.chosen(out, dice, NEWER_MEMBERS) if out else {}


def test_nothing_else_is_left_out(sdk: Program) -> None:
    known = sdk.ask({"known": True})
    missing, newer = set(), set()
    for name in _MODEL.operation_names:
        model = _MODEL.operation_model(name)
        shape = samples.input_of(model)
        if shape.name not in known:
            missing.add(name)
            continue
        for root in filter(None, (shape, model.output_shape, *model.error_shapes)):
            for at in samples.shapes(root):
                if at.type_name == "structure" and at.name in known:
                    newer |= {f"{at.name}.{n}" for n in at.members if n not in known[at.name]}
    assert missing == NEWER_OPERATIONS
    assert newer == NEWER_MEMBERS


@every_operation
def test_requests_and_results(connect: Service, sdk: Program, operation_name: str) -> None:
    model = _MODEL.operation_model(operation_name)
    shape, out = samples.input_of(model), model.output_shape
    tokens = {n for n, member in shape.members.items() if member.metadata.get("idempotencyToken")}
    for number, (params, result) in enumerate(_drawn(operation_name)):
        response = success(connect.operations[operation_name], result, _ID, _NOW, check=True)
        heard = sdk.ask(
            {
                "operation": operation_name,
                "params": _in_javascript(shape, params),
                "answer": _answer(response),
                "session": number % 2,
            }
        )
        assert "error" not in heard, heard
        assert heard["output"] == (_in_javascript(out, result) if out else {})
        assert heard["metadata"]["httpStatusCode"] == 200
        assert heard["metadata"]["requestId"] == _ID
        read = _understood(connect, _http(heard["request"]))
        assert {name: read[name] for name in read if name in params or name not in tokens} == params
        assert all(len(read[name]) == 36 for name in tokens - params.keys())  # it draws its own


@every_operation
def test_modeled_errors(connect: Service, sdk: Program, operation_name: str) -> None:
    model = _MODEL.operation_model(operation_name)
    params = _in_javascript(samples.input_of(model), samples.minimal(samples.input_of(model)))
    for shape in model.error_shapes:
        members = samples.maximal(shape)
        members.pop("Message", None)
        refusal = Refusal(shape.name, "why not", **members)
        response = failure(refusal, _ID, _NOW, connect.operations[operation_name])
        heard = sdk.ask(
            {"operation": operation_name, "params": params, "answer": _answer(response)}
        )
        error, status = heard["error"], shape.metadata["error"]["httpStatusCode"]
        assert (error["kind"], error["name"], error["message"]) == (
            shape.name,
            shape.name,
            "why not",
        )
        assert error["fault"] == ("server" if status >= 500 else "client")
        assert heard["metadata"]["httpStatusCode"] == status
        assert heard["metadata"]["requestId"] == _ID
        assert {name: error["members"][name] for name in members} == members


@pytest.mark.parametrize("code", COMMON)
def test_common_errors(sdk: Program, code: str) -> None:
    response = failure(Refusal(code, "why not"), _ID, _NOW)
    heard = sdk.ask({"operation": "ListInstances", "params": {}, "answer": _answer(response)})
    assert heard["error"]["ours"]
    assert (heard["error"]["name"], heard["error"]["message"]) == (code, "why not")
    assert heard["metadata"]["httpStatusCode"] == COMMON[code]


def test_an_instant_is_a_date_and_what_is_not_there_is_not_there(
    connect: Service, sdk: Program
) -> None:
    result = {"User": {"Id": "u", "LastModifiedTime": 1_700_000_000.123, "Username": None}}
    response = success(connect.operations["DescribeUser"], result, _ID, _NOW)
    params = {"InstanceId": "i", "UserId": "u"}
    heard = sdk.ask({"operation": "DescribeUser", "params": params, "answer": _answer(response)})
    assert heard["output"] == {"User": {"Id": "u", "LastModifiedTime": {"$date": _NOW}}}


def test_its_signature_is_good_for_its_request_only(connect: Service, sdk: Program) -> None:
    response = success(connect.operations["TagResource"], {}, _ID, _NOW)
    params = {"resourceArn": "arn:aws:connect:us-east-1:1:instance/i", "tags": {"a": "é"}}
    heard = sdk.ask({"operation": "TagResource", "params": params, "answer": _answer(response)})
    http = _http(heard["request"])
    assert _understood(connect, http) == params
    other = msgspec.structs.replace(http, method="PUT")
    with pytest.raises(Refusal, match=MISMATCH):
        _understood(connect, other)
    date = next(v for n, v in http.headers if n.lower() == b"x-amz-date").decode()
    signed_at = from_basic(date)
    assert signed_at is not None
    with pytest.raises(Refusal, match="Signature expired"):
        verify(http, _Keys(), signed_at + HOUR, region=_REGION, service="connect")
