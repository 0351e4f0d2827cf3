"""Every operation's results and errors, written by us and read by botocore."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ServiceModel, Shape

from ringfloor.aws.model import Service
from ringfloor.aws.response import COMMON, failure, not_implemented, preflight, success
from ringfloor.base.errors import Fault, Refusal
from wire import samples
from wire.client import received

_MODEL: ServiceModel = samples.service_model()
_NOW = 1_700_000_000_123
_ID = "5f1d9b6a-8f0c-4b1e-9d53-0f8f6b0a7c11"
RESULTS = 8
"""Random results of each operation."""

every_operation = pytest.mark.parametrize("operation_name", _MODEL.operation_names)


def _as_read(shape: Shape, value: Any) -> Any:
    """A result as botocore hands it to its user."""
    if shape.type_name == "structure":
        return {name: _as_read(shape.members[name], value[name]) for name in value}
    if shape.type_name == "list":
        return [_as_read(shape.member, element) for element in value]
    if shape.type_name == "map":
        return {key: _as_read(shape.value, element) for key, element in value.items()}
    if shape.type_name == "timestamp":
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return datetime.fromtimestamp(value, UTC)
    return value


def _round_trip(service: Service, operation_name: str, result: dict[str, Any]) -> None:
    operation = service.operations[operation_name]
    shape = _MODEL.operation_model(operation_name).output_shape
    response = success(operation, result, _ID, _NOW, check=True)
    assert dict(response.headers)[b"content-length"] == str(len(response.body)).encode()
    parsed = received(response, shape)
    metadata = parsed.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == response.status == 200
    assert metadata["RequestId"] == _ID
    assert metadata["HTTPHeaders"]["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert parsed == (_as_read(shape, result) if shape else {})


@every_operation
def test_results(connect: Service, operation_name: str) -> None:
    shape = _MODEL.operation_model(operation_name).output_shape
    if shape is None:
        _round_trip(connect, operation_name, {})
        assert success(connect.operations[operation_name], {}, _ID, _NOW).body == b""
        return
    _round_trip(connect, operation_name, samples.minimal(shape))
    for result in samples.every_maximal(shape):
        _round_trip(connect, operation_name, result)


@every_operation
def test_some_results(connect: Service, operation_name: str) -> None:
    shape = _MODEL.operation_model(operation_name).output_shape
    for seed in range(RESULTS if shape else 0):
        dice = random.Random(f"{operation_name} {seed}")
        _round_trip(connect, operation_name, samples.chosen(shape, dice))


_NOT_OF_TYPE: dict[str, Any] = {
    "string": 5,
    "boolean": "true",
    "integer": 7.0,
    "long": "7",
    "float": "2.5",
    "double": float("nan"),
    "list": {},
    "map": [],
    "structure": [],
}


@every_operation
def test_what_does_not_conform(connect: Service, operation_name: str) -> None:
    operation = connect.operations[operation_name]
    shape = _MODEL.operation_model(operation_name).output_shape
    if shape is None:
        assert operation.conforms({"Something": 1})
        return
    result = samples.maximal(shape)
    assert operation.conforms(result) == []
    with pytest.raises(Fault, match="Somthing is not in the model"):
        success(operation, {**result, "Somthing": 1}, _ID, _NOW, check=True)
    for path, at, _ in samples.nodes(shape, result):
        if at.type_name == "timestamp":
            iso = at.serialization.get("timestampFormat") == "iso8601"
            wrong: Any = samples.WHEN if iso else "2024-02-29T23:59:59Z"
            assert operation.conforms(samples.replaced(result, path, wrong))
            if not iso:
                moment = datetime.fromtimestamp(samples.WHEN, UTC)
                assert operation.conforms(samples.replaced(result, path, moment))
        elif path:
            assert operation.conforms(samples.replaced(result, path, _NOT_OF_TYPE[at.type_name]))
        if at.type_name == "structure":
            for member in at.required_members:
                without = operation.conforms(samples.removed(result, (*path, member)))
                assert any(text.endswith(f"{member} is required") for text in without)


@every_operation
def test_modeled_errors(connect: Service, operation_name: str) -> None:
    model = _MODEL.operation_model(operation_name)
    operation = connect.operations[operation_name]
    assert operation.declared == {shape.name for shape in model.error_shapes}
    for shape in model.error_shapes:
        members = samples.maximal(shape)
        members.pop("Message", None)
        response = failure(Refusal(shape.name, "why not", **members), _ID, _NOW, operation)
        parsed = received(response, model.output_shape)
        parsed |= received(response, shape)  # as botocore's endpoint does once it has the code
        assert parsed["Error"] == {"Code": shape.name, "Message": "why not"}
        assert response.status == shape.metadata["error"]["httpStatusCode"]
        assert parsed["ResponseMetadata"]["RequestId"] == _ID
        assert {name: parsed[name] for name in members} == members
        assert b'"Message"' in response.body


def test_common_errors(connect: Service) -> None:
    operation = connect.operations["ListUsers"]
    for code, status in COMMON.items():
        response = failure(Refusal(code, "why not"), _ID, _NOW)
        parsed = received(response, None)
        assert parsed["Error"] == {"Code": code, "Message": "why not"}
        assert response.status == status
        assert response.body == b'{"message":"why not"}'
        assert failure(Refusal(code, "why not"), _ID, _NOW, operation).status == status


def test_an_error_without_text(connect: Service) -> None:
    operation = connect.operations["CreateContactFlow"]
    problems = [{"message": "no start action"}]
    refusal = Refusal("InvalidContactFlowException", None, problems=problems)
    response = failure(refusal, _ID, _NOW, operation)
    assert response.body == b'{"problems":[{"message":"no start action"}]}'
    shape = _MODEL.operation_model("CreateContactFlow").output_shape
    parsed = received(response, shape)
    assert parsed["Error"]["Code"] == "InvalidContactFlowException"
    assert not parsed["Error"]["Message"]
    problems_shape = _MODEL.shape_for("InvalidContactFlowException")
    assert received(response, problems_shape)["problems"] == problems


def test_an_unknown_code_is_our_fault() -> None:
    with pytest.raises(Fault, match="SomethingElse"):
        failure(Refusal("SomethingElse", None), _ID, _NOW)


def test_not_implemented(connect: Service) -> None:
    operation = connect.operations["CreateView"]
    response = failure(not_implemented(operation), _ID, _NOW, operation)
    assert response.status == 501
    parsed = received(response, None)
    assert parsed["Error"]["Code"] == "NotImplementedException"
    assert "CreateView" in parsed["Error"]["Message"]
    assert "docs/not-supported.md" in parsed["Error"]["Message"]


def test_browsers_may_read_every_answer(connect: Service) -> None:
    answers = (
        success(connect.operations["StopContact"], {}, _ID, _NOW),
        failure(Refusal("ThrottlingException", "Rate exceeded"), _ID, _NOW),
        preflight(_NOW),
    )
    for answer in answers:
        headers = dict(answer.headers)
        assert headers[b"access-control-allow-origin"] == b"*"
        assert headers[b"date"] == b"Tue, 14 Nov 2023 22:13:20 GMT"
        assert headers[b"content-length"] == b"%d" % len(answer.body)
    allowed = dict(preflight(_NOW).headers)
    assert b"PUT" in allowed[b"access-control-allow-methods"]
    assert b"Authorization" in allowed[b"access-control-allow-headers"]
