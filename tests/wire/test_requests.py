"""Every operation's requests, made from botocore's model, serialised by botocore, read by us."""

import json
from typing import Any

import pytest
from botocore.model import OperationModel, ServiceModel, Shape

from ringfloor.aws.model import Service, load
from ringfloor.aws.overlay import SIZES
from wire import samples
from wire.client import http_request, params_of, refusal_of, serialised, with_body

_MODELS = {name: samples.service_model(name) for name in ("connect", "connectparticipant")}
EVERY = [(name, op) for name, model in _MODELS.items() for op in model.operation_names]
every_operation = pytest.mark.parametrize(("service_name", "operation_name"), EVERY)

_UNREADABLE = {"connect": "InvalidRequestException", "connectparticipant": "ValidationException"}
_INVALID = {"connect": "InvalidParameterException", "connectparticipant": "ValidationException"}

_OTHER_TYPE: dict[str, Any] = {
    "string": 5,
    "boolean": "true",
    "integer": "7",
    "long": 7.0,
    "float": "2.5",
    "double": True,
    "timestamp": "2024-02-29T23:59:59Z",
    "list": {},
    "map": [],
    "structure": [],
}


@pytest.fixture(scope="module")
def services(connect: Service) -> dict[str, Service]:
    participant = load("connectparticipant")
    participant.compile_all()
    return {"connect": connect, "connectparticipant": participant}


def _model(service_name: str, operation_name: str) -> tuple[OperationModel, Shape]:
    model = _MODELS[service_name].operation_model(operation_name)
    return model, samples.input_of(model)


def _location(shape: Shape, path: samples.Path) -> str | None:
    """Where the outermost member of a path travels; None is the body."""
    location: str | None = shape.members[path[0]].serialization.get("location")
    return location


def test_there_are_405_operations() -> None:
    assert len(_MODELS["connect"].operation_names) == 405
    assert len(_MODELS["connectparticipant"].operation_names) == 11


@every_operation
def test_least_and_most(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    for params in (samples.minimal(shape), samples.maximal(shape)):
        assert params_of(service, serialised(model, params)) == params


@every_operation
def test_every_enum_value_and_union_member(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    for params in samples.every_maximal(shape):
        assert params_of(service, serialised(model, params)) == params


@every_operation
def test_every_bound(services: dict[str, Service], service_name: str, operation_name: str) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    for params, path, at, value in _nodes(shape):
        for good in _at_the_bounds(at, value):
            changed = samples.replaced(params, path, good)
            if not (good == "" and _location(shape, path) == "uri"):
                assert params_of(service, serialised(model, changed)) == changed
        for bad in _beyond_the_bounds(at, value):
            if at.name in SIZES:  # the handler refuses it, with another code
                assert params_of(service, serialised(model, samples.replaced(params, path, bad)))
                continue
            refusal = refusal_of(service, serialised(model, samples.replaced(params, path, bad)))
            if bad == "" and _location(shape, path) == "uri":
                assert refusal.code == "UnknownOperationException"
            elif bad == [] and _location(shape, path) == "querystring":
                assert f"{path[0]} is required" in refusal.message
            else:
                assert refusal.code == _INVALID[service_name]
                assert str(path[-1] if isinstance(path[-1], str) else path[-2]) in refusal.message


@every_operation
def test_every_required_member(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    for params, path, at, _ in _nodes(shape, root=True):
        if at.type_name != "structure":
            continue
        for member in at.required_members:
            missing = (*path, member)
            if _location(shape, missing) == "uri":
                continue  # without a label there is no such path: tests of the routes
            refusal = refusal_of(service, serialised(model, samples.removed(params, missing)))
            assert refusal.code == _UNREADABLE[service_name]
            assert f"{member} is required" in refusal.message
            if _location(shape, missing) is None:
                body = json.loads(serialised(model, params).body)
                null = with_body(serialised(model, params), samples.replaced(body, missing, None))
                assert f"{member} is required" in refusal_of(service, null).message


@every_operation
def test_every_wrong_type(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    for params, path, at, _ in _nodes(shape):
        if _location(shape, path) is not None:
            continue
        http = serialised(model, params)
        wrong = _OTHER_TYPE[at.type_name]
        body = samples.replaced(json.loads(http.body), path, wrong)
        assert refusal_of(service, with_body(http, body)).code == _UNREADABLE[service_name]


@every_operation
def test_every_number_outside_the_body(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    params = samples.maximal(shape)
    for name, member in shape.members.items():
        if _location(shape, (name,)) is None or member.type_name not in {"integer", "long"}:
            continue
        for wrong in ("", "seven", "7.0", "1e2", "+7", " 7", "0x7", "\u0667", "true"):
            http = serialised(model, {**params, name: f"@{wrong}@"})
            swap = (f"%40{percent(wrong)}%40".encode(), percent(wrong).encode())
            http = type(http)(
                http.method,
                http.raw_path.replace(*swap),
                http.raw_query.replace(*swap),
                http.headers,
                http.body,
            )
            code = refusal_of(service, http).code
            nowhere = wrong == "" and _location(shape, (name,)) == "uri"
            assert code == ("UnknownOperationException" if nowhere else _UNREADABLE[service_name])


@every_operation
def test_null_is_absent_and_unknown_members_are_ignored(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    params = samples.minimal(shape)
    http = serialised(model, params)
    body = json.loads(http.body or "{}")
    for name, member in shape.members.items():
        if name not in shape.required_members and not member.serialization.get("location"):
            body[name] = None
    body["SomethingNewer"] = {"Deep": [1, None, "x"]}
    assert params_of(service, with_body(http, body)) == params


@every_operation
def test_a_body_cannot_say_what_belongs_elsewhere(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    params = samples.minimal(shape)
    http = serialised(model, params)
    outside = [name for name in shape.members if _location(shape, (name,)) is not None]
    for injected in ("injected", 7, {"a": 1}, None):
        body = json.loads(http.body or "{}") | dict.fromkeys(outside, injected)
        for name in outside:
            body[shape.members[name].serialization.get("locationName", name)] = injected
        assert params_of(service, with_body(http, body)) == params
        # Nor is it blamed for what it says there, when something else is wrong.
        for member in (name for name in shape.required_members if name not in outside):
            less = with_body(http, {name: body[name] for name in body if name != member})
            assert refusal_of(service, less).message == f"{member} is required"


@every_operation
def test_bodies_that_are_no_object(
    services: dict[str, Service], service_name: str, operation_name: str
) -> None:
    service = services[service_name]
    model, shape = _model(service_name, operation_name)
    http = serialised(model, samples.minimal(shape))
    reads_body = any(_location(shape, (name,)) is None for name in shape.members)
    for raw in (b"{", b"[]", b"null", b'"text"', b"\xff", b"{}{}", b"[" * 5000, b'{"a":\xff}'):
        if reads_body:
            refusal = refusal_of(service, with_body(http, raw))
            assert refusal.code == _UNREADABLE[service_name]
        else:
            params_of(service, with_body(http, raw))


def test_an_empty_body_is_an_empty_object(services: dict[str, Service]) -> None:
    http = http_request("POST", "/search-queues")
    assert "InstanceId is required" in refusal_of(services["connect"], http).message


def _nodes(shape: Shape, *, root: bool = False) -> Any:
    """Every distinct place in the samples of a shape, with a sample that has it."""
    for _, params, new in samples.places(shape):
        for path, at, value in new:
            if path or root:
                yield params, path, at, value


def percent(text: str) -> str:
    return "".join(
        f"%{byte:02X}" if not chr(byte).isalnum() else chr(byte) for byte in text.encode()
    )


def _at_the_bounds(shape: Shape, value: Any) -> list[Any]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string" and not shape.enum:
        lengths = [length for length in (least, most) if length is not None]
        return [text for length in lengths for text in samples.texts(shape, length)]
    if shape.type_name in {"integer", "long"}:
        return list(samples.number_range(shape))
    if shape.type_name in {"float", "double"}:
        return [bound for bound in (least, most) if bound is not None]
    if shape.type_name == "list":
        sizes = [size for size in (least, most) if size is not None]
        return [value[:1] * size for size in sizes if value or not size]
    if shape.type_name == "map" and value:
        element = next(iter(value.values()))
        names = [{key: element} for key in _at_the_bounds(shape.key, "") if (least or 0) <= 1]
        sizes = [size for size in (least, most) if size is not None and not shape.key.enum]
        return names + [dict.fromkeys(samples.keys(shape.key, size), element) for size in sizes]
    return []


def _beyond_the_bounds(shape: Shape, value: Any) -> list[Any]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string" and shape.enum:
        return ["NOT_A_VALUE", ""]
    if shape.type_name == "string":
        lengths = [least - 1] if least else []
        lengths += [most + 1] if most is not None else []
        return [(samples.texts(shape, length) or ["b" * length])[0] for length in lengths]
    if shape.type_name in {"integer", "long"}:
        low, high = samples.number_range(shape)
        return [low - 1, high + 1, 10**30]
    if shape.type_name in {"float", "double"}:
        low = [least - 0.5] if least is not None else []
        return low + ([most + 0.5] if most is not None else [])
    if shape.type_name == "list":
        few = [value[:1] * (least - 1)] if least else []
        return few + ([value[:1] * (most + 1)] if most is not None and value else [])
    if shape.type_name == "map" and value:
        few = [{}] if least else []
        element = next(iter(value.values()))
        names = [{key: element} for key in _beyond_the_bounds(shape.key, "")]
        if most is None or shape.key.enum:
            return few + names
        return [*few, *names, dict.fromkeys(samples.keys(shape.key, most + 1), element)]
    return []


def test_groupings_may_be_empty(connect: Service, botocore_connect: ServiceModel) -> None:
    for name in ("GetMetricData", "GetCurrentMetricData"):
        model = botocore_connect.operation_model(name)
        params = samples.maximal(samples.input_of(model)) | {"Groupings": []}
        assert params_of(connect, serialised(model, params))["Groupings"] == []
