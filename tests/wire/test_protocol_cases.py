"""botocore's own protocol cases for REST-JSON, run in the server's direction.

Their small models go through our compiler. Members that a case does not use are taken out first,
so that a case is only left out for a feature that it really needs. LEFT_OUT names every such case
with the reason, which is what the compiler says; CLIENT_ONLY those that test a client's manners.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfloor.aws.model import Operation, Service
from ringfloor.aws.response import failure, success
from ringfloor.base.errors import Fault, Refusal
from wire.client import http_request, params_of, refusal_of

_CASES = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"

_LEFT_OUT: dict[str, dict[str, set[str]]] = {
    "input": {
        "a JSON value in the header": {
            "MediaTypeHeaderInputBase64",
        },
        "a list in the header": {
            "RestJsonInputAndOutputWithStringHeaders",
            "RestJsonInputAndOutputWithQuotedStringHeaders",
            "RestJsonInputAndOutputWithNumericHeaders",
            "RestJsonInputAndOutputWithBooleanHeaders",
            "RestJsonInputAndOutputWithTimestampHeaders",
            "RestJsonInputAndOutputWithEnumHeaders",
            "RestJsonInputAndOutputWithIntEnumHeaders",
            "RestJsonNullAndEmptyHeaders",
        },
        "a map in the querystring": {
            "RestJsonQueryStringMap",
            "RestJsonQueryStringEscaping",
            "RestJsonSupportsNaNFloatQueryValues",
            "RestJsonSupportsInfinityFloatQueryValues",
            "RestJsonSupportsNegativeInfinityFloatQueryValues",
            "RestJsonZeroAndFalseQueryValues",
            "RestJsonQueryParamsStringListMap",
            "RestJsonQueryPrecedence",
        },
        "a member that is the whole body": {
            "DocumentTypeAsPayloadInput",
            "DocumentTypeAsPayloadInputString",
            "RestJsonEnumPayloadRequest",
            "RestJsonHttpPayloadTraitsWithBlob",
            "RestJsonHttpPayloadTraitsWithNoBlobBody",
            "RestJsonHttpPayloadWithStructure",
            "RestJsonHttpPayloadWithUnion",
            "RestJsonHttpPayloadWithUnsetUnion",
            "RestJsonStringPayloadRequest",
            "RestJsonHttpWithEmptyBlobPayload",
            "RestJsonTestPayloadBlob",
            "RestJsonHttpWithEmptyStructurePayload",
            "RestJsonTestPayloadStructure",
            "RestJsonHttpWithHeadersButNoPayload",
        },
        "a prefix of the host name": {
            "RestJsonEndpointTrait",
            "RestJsonEndpointTraitWithHostLabel",
        },
        "a query string in the path template": {
            "RestJsonConstantAndVariableQueryStringMissingOneValue",
            "RestJsonConstantAndVariableQueryStringAllValues",
            "RestJsonConstantQueryString",
        },
        "request members in headers": {
            "RestJsonHttpPrefixHeadersArePresent",
            "RestJsonHttpPrefixHeadersAreNotPresent",
            "RestJsonHttpPrefixEmptyHeaders",
        },
        "a timestamp in the header": {
            "RestJsonTimestampFormatHeaders",
        },
        "a timestamp in the querystring": {
            "RestJsonAllQueryStringTypes",
            "RestJsonOmitsEmptyListQueryValues",
        },
        "a timestamp in the uri": {
            "RestJsonInputWithHeadersAndAllParams",
            "RestJsonHttpRequestLabelEscaping",
            "RestJsonHttpRequestWithLabelsAndTimestampFormat",
        },
        "blob": {
            "RestJsonJsonBlobs",
            "RestJsonSerializeBlobUnionValue",
        },
        "checksums of the body": {
            "RestJsonHttpChecksumRequired",
        },
        "compressed bodies": {
            "SDKAppliedContentEncoding_restJson1",
            "SDKAppendedGzipAfterProvidedEncoding_restJson1",
        },
        "documents": {
            "DocumentTypeInputWithObject",
            "DocumentInputWithString",
            "DocumentInputWithNumber",
            "DocumentInputWithBoolean",
            "DocumentInputWithList",
            "DocumentTypeAsMapValueInput",
        },
        "members renamed in the body": {
            "RestJsonLists",
            "PostUnionWithJsonNameRequest1",
            "PostUnionWithJsonNameRequest2",
            "RestJsonSimpleScalarProperties",
            "RestJsonSupportsNaNFloatInputs",
            "RestJsonSupportsInfinityFloatInputs",
            "RestJsonSupportsNegativeInfinityFloatInputs",
        },
        "timestamps as iso8601": {
            "RestJsonJsonTimestampsWithDateTimeFormat",
            "RestJsonJsonTimestampsWithDateTimeOnTargetFormat",
        },
        "timestamps as rfc822": {
            "RestJsonJsonTimestampsWithHttpDateFormat",
            "RestJsonJsonTimestampsWithHttpDateOnTargetFormat",
        },
    },
    "output": {
        "a member that is the whole body": {
            "DocumentTypeAsPayloadOutput",
            "DocumentTypeAsPayloadOutputString",
            "RestJsonEnumPayloadResponse",
            "RestJsonHttpPayloadTraitsWithBlob",
            "RestJsonHttpPayloadTraitsWithNoBlobBody",
            "RestJsonHttpPayloadWithStructure",
            "RestJsonHttpPayloadWithUnion",
            "RestJsonHttpPayloadWithUnsetUnion",
            "RestJsonStringPayloadResponse",
        },
        "response members in header": {
            "RestJsonGreetingWithErrors",
            "RestJsonGreetingWithErrorsNoPayload",
            "RestJsonHttpPrefixHeadersArePresent",
            "RestJsonInputAndOutputWithStringHeaders",
            "RestJsonInputAndOutputWithQuotedStringHeaders",
            "RestJsonInputAndOutputWithNumericHeaders",
            "RestJsonInputAndOutputWithBooleanHeaders",
            "RestJsonInputAndOutputWithTimestampHeaders",
            "RestJsonInputAndOutputWithEnumHeaders",
            "RestJsonInputAndOutputWithIntEnumHeaders",
            "RestJsonSupportsNaNFloatHeaderOutputs",
            "RestJsonSupportsInfinityFloatHeaderOutputs",
            "RestJsonSupportsNegativeInfinityFloatHeaderOutputs",
            "MediaTypeHeaderOutputBase64",
            "RestJsonSimpleScalarProperties",
            "RestJsonTimestampFormatHeaders",
        },
        "response members in headers": {
            "HttpPrefixHeadersResponse",
        },
        "response members in statusCode": {
            "RestJsonHttpResponseCode",
            "RestJsonHttpResponseCodeWithNoPayload",
        },
        "error members in header": {
            "RestJsonComplexErrorWithNoMessage",
        },
        "blob": {
            "RestJsonJsonBlobs",
            "RestJsonDeserializeBlobUnionValue",
        },
        "documents": {
            "DocumentOutput",
            "DocumentOutputString",
            "DocumentOutputNumber",
            "DocumentOutputBoolean",
            "DocumentOutputArray",
            "DocumentTypeAsMapValueOutput",
        },
        "members renamed in the body": {
            "RestJsonLists",
            "PostUnionWithJsonNameResponse1",
            "PostUnionWithJsonNameResponse2",
            "RestJsonSupportsNaNFloatInputs",
            "RestJsonSupportsInfinityFloatInputs",
            "RestJsonSupportsNegativeInfinityFloatInputs",
        },
        "timestamps as rfc822": {
            "RestJsonJsonTimestampsWithHttpDateFormat",
            "RestJsonJsonTimestampsWithHttpDateOnTargetFormat",
        },
    },
}
"""Per direction and reason, the cases that need what Connect does not use."""

_CLIENT_ONLY = {
    "RestJsonHostWithPath": "the path before the template is the client's endpoint setting",
    "RestJsonQueryIdempotencyTokenAutoFill": "the client fills in a token that it was not given",
    "RestJsonEmptyInputAndEmptyOutputJsonObjectOutput": "a client takes no body for {}; ours is {}",
    "RestJsonNoInputAndOutputNoPayload": "a client takes no body for {}; ours is {}",
    "RestJsonIgnoreQueryParamsInResponseNoPayload": "a client takes no body for {}; ours is {}",
    "RestJsonDeserializesDenseSetMapAndSkipsNull": "a client forgives a null in a map",
}

_NOT_NUMBERS = {
    "RestJsonSupportsNaNFloatLabels",
    "RestJsonSupportsInfinityFloatLabels",
    "RestJsonSupportsNegativeInfinityFloatLabels",
    "RestJsonSupportsNaNFloatQueryValues",
    "RestJsonSupportsInfinityFloatQueryValues",
    "RestJsonSupportsNegativeInfinityFloatQueryValues",
    "RestJsonSupportsNaNFloatHeaderInputs",
    "RestJsonSupportsInfinityFloatHeaderInputs",
    "RestJsonSupportsNegativeInfinityFloatHeaderInputs",
    "RestJsonSupportsNaNFloatInputs",
    "RestJsonSupportsInfinityFloatInputs",
    "RestJsonSupportsNegativeInfinityFloatInputs",
}
"""No member of Connect means a value that is no number, so that we refuse them."""


def _cases(kind: str) -> Iterator[Any]:
    suites = json.loads((_CASES / f"botocore-{kind}-rest-json.json").read_text())
    for suite in suites:
        for number, case in enumerate(suite["cases"]):
            name = case.get("id") or f"{case['given']['name']}-{number}"
            yield pytest.param(suite, case, id=name)


def _service(suite: dict[str, Any], given: dict[str, Any], used: Any) -> Service:
    names = set(_names(used))
    shapes = {
        name: shape
        | {"members": {m: r for m, r in shape["members"].items() if m in names}}
        | {"required": [m for m in shape.get("required", []) if m in names]}
        if "members" in shape
        else shape
        for name, shape in suite["shapes"].items()
    }
    raw = {"metadata": suite["metadata"], "operations": {given["name"]: given}, "shapes": shapes}
    return Service("protocol-cases", raw)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, element in value.items():
            yield name
            yield from _names(element)
    elif isinstance(value, list):
        for element in value:
            yield from _names(element)


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(v) for name, v in value.items() if v is not None}
    return value


def _left_out(kind: str, name: str, suite: Any, given: Any, used: Any) -> bool:
    """True if the case is left out; fails if the compiler does not say the reason we give."""
    reasons = [reason for reason, names in _LEFT_OUT[kind].items() if name in names]
    if reasons:
        with pytest.raises(Fault, match=f"needs {reasons[0]}, which the compiler does not do"):
            _service(suite, given, used)
    return bool(reasons)


@pytest.mark.parametrize(("suite", "case"), list(_cases("input")))
def test_requests(suite: dict[str, Any], case: dict[str, Any]) -> None:
    name, params = case["id"], case["params"]
    given = {key: value for key, value in case["given"].items() if key not in {"output", "errors"}}
    if _left_out("input", name, suite, given, params):
        return
    service = _service(suite, given, params)
    sent = case["serialized"]
    headers = {key: str(value) for key, value in sent.get("headers", {}).items()}
    http = http_request(sent["method"], sent["uri"], headers, (sent.get("body") or "").encode())
    if name in _NOT_NUMBERS:
        assert "must be a number" in (refusal_of(service, http).message or "")
    elif name == "RestJsonHostWithPath":
        assert refusal_of(service, http).code == "UnknownOperationException"
    else:
        assert params_of(service, http) == _without_null(params)


@pytest.mark.parametrize(("suite", "case"), list(_cases("output")))
def test_responses(suite: dict[str, Any], case: dict[str, Any]) -> None:
    name, sent = case["id"], case["response"]
    given = {key: value for key, value in case["given"].items() if key != "input"}
    if _left_out("output", name, suite, given, case.get("result", case.get("error"))):
        return
    if "error" in case:
        service = _service(suite, given, case["error"])
        _error(service.operations[given["name"]], case)
        return
    service = _service(suite, given, case["result"])
    operation = service.operations[given["name"]]
    # Times are given to us as the wire has them: text where the model says ISO 8601.
    iso = "DateTime" in name
    result = json.loads(sent["body"]) if iso else case["result"]
    response = success(operation, result, "id", 0, check="Offset" not in name)
    assert response.status == sent["status_code"]
    if name in _CLIENT_ONLY:
        return
    if sent.get("body"):
        assert json.loads(response.body) == _known(json.loads(sent["body"]), result)
        assert dict(response.headers)[b"content-type"] == b"application/json"
    else:
        assert response.body == b""


def _error(operation: Operation, case: dict[str, Any]) -> None:
    """Of the six ways to name an error we write the first; a client reads the same from each."""
    text = case.get("errorMessage")
    members = {key: value for key, value in case["error"].items() if key != "Message"}
    response = failure(Refusal(case["errorCode"], text, **members), "id", 0, operation)
    assert response.status == case["response"]["status_code"]
    assert dict(response.headers)[b"x-amzn-errortype"].decode() == case["errorCode"]
    body = json.loads(case["response"].get("body") or "{}")
    assert json.loads(response.body) == {
        key: value for key, value in body.items() if key not in {"code", "__type"}
    }


def _known(wire: Any, result: Any) -> Any:
    """What a server would send of it: no nulls and nothing that the model does not know."""
    if isinstance(wire, dict) and isinstance(result, dict):
        return {name: _known(wire[name], result[name]) for name in wire if name in result}
    return wire


def test_every_case_left_out_exists() -> None:
    for kind in ("input", "output"):
        names = {param.id for param in _cases(kind)}
        left = [name for group in _LEFT_OUT[kind].values() for name in group]
        assert set(left) <= names
        assert len(left) == len(set(left))
    assert len(list(_cases("input"))) == 113
    assert len(list(_cases("output"))) == 91
