"""Every operation of IAM and STS, made from botocore's models and read by botocore."""

import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import msgspec
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

import ringfloor
from ringfloor.aws import query, sigv4
from ringfloor.aws.model import UNWORDED
from ringfloor.aws.overlay import (
    IAM_PATTERNS,
    IAM_PATTERNS_OFF,
    OVERLAYS,
    STS_PATTERNS,
    STS_PATTERNS_OFF,
)
from ringfloor.aws.query import COMMON, QUERY_CODES, QueryService
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.response import HttpResponse
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.limits import QUERY_NAME_PARTS_MAX, QUERY_PARAMETERS_MAX
from wire import samples
from wire.client import http_request

_MODELS = {name: samples.service_model(name) for name in ("iam", "sts")}
_SERVICES = {name: query.load(name) for name in _MODELS}
EVERY = [(name, op) for name, model in _MODELS.items() for op in model.operation_names]
every_operation = pytest.mark.parametrize(("service_name", "operation_name"), EVERY)

_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_NOW = 1_700_000_000_123
_ID = "5f1d9b6a-8f0c-4b1e-9d53-0f8f6b0a7c11"

_serializer = create_serializer("query", include_validation=False)
_parser = create_parser("query")


def _serialised(model: OperationModel, params: dict[str, Any]) -> HttpRequest:
    wire = _serializer.serialize_to_request(params, model)
    return http_request("POST", "/", wire["headers"], urlencode(wire["body"], doseq=True).encode())


def _decoded(service: QueryService, http: HttpRequest) -> dict[str, Any]:
    form = query.read(http)
    plain: dict[str, Any] = msgspec.to_builtins(service.operation(form).decode(form))
    return plain


def _refused(service: QueryService, http: HttpRequest) -> Refusal:
    with pytest.raises(Refusal) as refused:
        _decoded(service, http)
    assert refused.value.message
    assert not refused.value.message.startswith(UNWORDED)
    return refused.value


def _form(operation: str, **parameters: str) -> HttpRequest:
    version = _SERVICES["iam"].version
    body = urlencode({"Action": operation, "Version": version, **parameters})
    return http_request("POST", "/", _FORM, body.encode())


def _received(response: HttpResponse, shape: Shape | None) -> dict[str, Any]:
    headers = HeadersDict({k.decode(): v.decode() for k, v in response.headers})
    wire = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = _parser.parse(wire, shape)
    return parsed


def _sayable(value: Any) -> Any:
    """What a form can say: it has no structures or maps without anything in them."""
    if isinstance(value, dict):
        said = {name: _sayable(element) for name, element in value.items()}
        return {name: element for name, element in said.items() if element != {}}
    if isinstance(value, list) and value:
        return [said for said in map(_sayable, value) if said != {}] or {}
    return value


def _same(service_name: str, operation_name: str, params: dict[str, Any]) -> None:
    model = _MODELS[service_name].operation_model(operation_name)
    service, http, said = _SERVICES[service_name], _serialised(model, params), _sayable(params)
    unsaid = [
        name for name in params if name not in said and name in model.input_shape.required_members
    ]
    if unsaid:  # a structure with nothing in it
        assert f"{unsaid[0]} is required" in str(_refused(service, http).message)
    else:
        assert _decoded(service, http) == said


# Requests


@every_operation
def test_least_and_most(service_name: str, operation_name: str) -> None:
    shape = _MODELS[service_name].operation_model(operation_name).input_shape
    if shape is None:
        _same(service_name, operation_name, {})
        return
    _same(service_name, operation_name, samples.minimal(shape))
    for params in samples.every_maximal(shape):
        _same(service_name, operation_name, params)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EVERY), st.randoms(use_true_random=False))
def test_some_requests(name: tuple[str, str], dice: random.Random) -> None:
    shape = _MODELS[name[0]].operation_model(name[1]).input_shape
    _same(*name, samples.chosen(shape, dice) if shape else {})


def _wrong(shape: Shape, value: Any) -> list[Any]:
    """Values that break a rule of the shape."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "integer":
        low, high = samples.number_range(shape)
        return [low - 1, high + 1, "seven", "", "7.0", " 7", "\u0667"]
    if shape.type_name == "list":
        return [value[:1] * (most + 1)] if most is not None and value else []
    if shape.type_name != "string":
        return []
    if shape.enum:
        return ["NOT_A_VALUE", ""]
    return [""] * bool(least) + (["b" * (most + 1)] if most is not None and most < 10_000 else [])


@every_operation
def test_every_wrong_value_and_every_missing_member(service_name: str, operation_name: str) -> None:
    service = _SERVICES[service_name]
    model = _MODELS[service_name].operation_model(operation_name)
    if model.input_shape is None:
        return
    params = samples.maximal(model.input_shape)
    for path, at, value in samples.nodes(model.input_shape, params):
        for wrong in _wrong(at, value):
            changed = samples.replaced(params, path, wrong)
            refusal = _refused(service, _serialised(model, changed))
            assert refusal.code == "ValidationError"
            assert str(path[-1] if isinstance(path[-1], str) else path[-2]) in str(refusal.message)
        for member in at.required_members if at.type_name == "structure" else ():
            less = samples.removed(params, (*path, member))
            if less == _sayable(less):
                refusal = _refused(service, _serialised(model, less))
                assert refusal.code == "ValidationError"
                assert f"{member} is required" in str(refusal.message)


_SPOILT = {
    "iam": {
        "accessKeyIdType": ["AKID EXAMPLE 0001", "AKID-EXAMPLE-0001"],
        "accountAliasType": ["-ab", "ab-", "a--b", "Abc", "abc\n"],
        "customSuffixType": ["a b"],
        "existingUserNameType": ["a b", "a/b", "é", "a\n", "٣"],
        "groupNameType": ["a*"],
        "instanceProfileNameType": ["a:b"],
        "markerType": ["\x00", "日"],
        "pathPrefixType": ["eu", "/ ", "/é"],
        "pathType": ["eu", "/eu", "//eu /", "/e u/", "/é/"],
        "policyDocumentType": ["{}\x00", "日本"],
        "policyNameType": ["a b"],
        "policyPathType": ["/eu", "//", "/e u/"],
        "policyVersionIdType": ["1", "v0", "v1.a b"],
        "roleDescriptionType": ["\x7f", "\x01", "日"],
        "roleNameType": ["a/b"],
        "tagKeyType": ["", "a\tb", "a*"],
        "tagValueType": ["a\nb", "a<b"],
        "userNameType": ["a b"],
    },
    "sts": {
        "accessKeyIdType": ["AKID-EXAMPLE-0001"],
        "externalIdType": ["a b"],
        "roleSessionNameType": ["a b", "a/b", "a:b"],
        "serialNumberType": ["a b c d e f"],
        "sessionPolicyDocumentType": ["{}\x00"],
        "sourceIdentityType": ["a:b"],
        "tagKeyType": ["a*"],
        "tagValueType": ["a\nb"],
        "tokenCodeType": ["12345x", "٣٣٣٣٣٣"],
        "unrestrictedSessionPolicyDocumentType": ["{}\x00"],
        "userNameType": ["a b"],
    },
}


@pytest.mark.parametrize(
    ("service_name", "on", "off"),
    [("iam", IAM_PATTERNS, IAM_PATTERNS_OFF), ("sts", STS_PATTERNS, STS_PATTERNS_OFF)],
)
def test_every_pattern_is_reviewed(service_name: str, on: Any, off: Any) -> None:
    shapes = _MODELS[service_name]._shape_resolver._shape_map
    assert {name for name, shape in shapes.items() if "pattern" in shape} == {*on, *off}
    assert not on.keys() & off.keys()
    assert OVERLAYS[service_name].patterns is on
    assert _SPOILT[service_name].keys() == on.keys()
    walker = _SERVICES[service_name].walkers.requests
    for name, spoilt in _SPOILT[service_name].items():
        assert walker.breaches(name, samples.BY_PATTERN[name]) == []
        assert all(walker.breaches(name, value) for value in spoilt), name


_TAGS = "Tags.member"


@pytest.mark.parametrize(("first", "second"), [("2", "10"), ("7", "999999999")])
def test_numbers_order_a_list_and_do_not_size_it(first: str, second: str) -> None:
    given = {f"{_TAGS}.{second}.Key": "c", f"{_TAGS}.{second}.Value": "3"}
    given |= {f"{_TAGS}.{first}.Key": "b", f"{_TAGS}.{first}.Value": "2"}
    read = _decoded(_SERVICES["iam"], _form("CreateUser", UserName="a", **given))
    assert [tag["Key"] for tag in read["Tags"]] == ["b", "c"]


def test_an_empty_list_and_what_the_model_does_not_know() -> None:
    unknown = {"Newer": "x", "Newer.member.1": "y", "Newer" + ".x" * 99: "z", "": "w", ".Tags": "v"}
    http = _form("TagUser", UserName="a", Tags="", **unknown)
    assert _decoded(_SERVICES["iam"], http) == {"UserName": "a", "Tags": []}
    inside = {f"{_TAGS}.1.Key": "b", f"{_TAGS}.1.Value": "2", f"{_TAGS}.1.Newer.member.1": "x"}
    http = _form("TagUser", UserName="a", **inside)
    assert _decoded(_SERVICES["iam"], http)["Tags"] == [{"Key": "b", "Value": "2"}]


@pytest.mark.parametrize(
    "parameters",
    [
        {"UserName.member.1": "a"},
        {"Tags": "a"},
        {"Tags.1.Key": "a"},
        {"Tags.entry.1.key": "a"},
        {"Tags.member": "a"},
        {"Tags.member.1": "a"},
        {"Tags.member.0.Key": "a"},
        {"Tags.member.-1.Key": "a"},
        {"Tags.member.01.Key": "a"},
        {"Tags.member.x.Key": "a"},
        {"Tags.member.\u0661.Key": "a"},
        {"Tags.member.1000000000.Key": "a"},
        {"Tags.member.1.Key.x": "a"},
        {"Tags.member.1.Key": "a", "Tags": ""},
        {"Tags": "", "Tags.member.1.Key": "a"},
        {"Tags.member.1.Key": "a", "Tags.other.1.Key": "a"},
        {"Tags.member.1.Newer" + ".x" * QUERY_NAME_PARTS_MAX: "a"},
        {"Tags" + ".x" * 100_000: "a"},
    ],
)
def test_forms_of_another_shape(parameters: dict[str, str]) -> None:
    refusal = _refused(_SERVICES["iam"], _form("CreateUser", **parameters))
    assert refusal.code == "MalformedInput"
    assert len(str(refusal.message)) < 400


def test_maps() -> None:
    service, name = _SERVICES["iam"], "Properties"
    put = {f"{name}.entry.1.key": "a", f"{name}.entry.1.value": "1"}
    assert _decoded(service, _form("PutAccountProperties", **put)) == {name: {"a": "1"}}
    for more in (
        {"entry.2.key": "b"},
        {"entry.2": "b"},
        {"entry.x.key": "b"},
        {"member.1": "b"},
        {"entry.2.key": "a", "entry.2.value": "2"},
    ):
        parameters = put | {f"{name}.{key}": text for key, text in more.items()}
        refusal = _refused(service, _form("PutAccountProperties", **parameters))
        assert refusal.code == "MalformedInput"


_LIST = b"Action=ListUsers&Version=2010-05-08"


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("MissingAction", b""),
        ("MissingAction", b"Version=2010-05-08"),
        ("MissingAction", b"Action=&Version=2010-05-08"),
        ("MissingAction", b"{}"),
        ("InvalidAction", b"Action=ListUsers"),
        ("InvalidAction", b"Action=ListUsers&Version=2011-06-15"),
        ("InvalidAction", b"Action=listusers&Version=2010-05-08"),
        ("InvalidAction", b"Action=%00" + b"x" * 9_000),
        ("MalformedInput", b"%ff"),
        ("MalformedInput", _LIST + b"&Marker=%ff"),
        ("MalformedInput", _LIST + b"&Action=DeleteUser"),
        ("MalformedInput", _LIST + b"&x=1&x=2"),
        ("MalformedInput", _LIST + b"".join(b"&a%d" % n for n in range(QUERY_PARAMETERS_MAX))),
    ],
)
def test_forms_that_ask_for_nothing(code: str, body: bytes) -> None:
    refusal = _refused(_SERVICES["iam"], http_request("POST", "/", _FORM, body))
    assert refusal.code == code
    assert len(str(refusal.message)) < 400


def test_where_a_form_may_stand() -> None:
    service = _SERVICES["sts"]
    text = (
        "Version=2011-06-15&Action=GetFederationToken&&Name=an%2Cna&Tags.member.1.Value=a+b%2Bc%20d"
    )
    text += "&Tags.member.1.Key=k"
    tags = [{"Key": "k", "Value": "a b+c d"}]
    for http in (
        http_request("GET", f"/?X-Amz-Date=y&{text}&X-Amz-Signature=x"),
        http_request("POST", f"/?{text}"),
        http_request("POST", "/?Action=GetCallerIdentity", _FORM, text.encode()),
    ):
        assert _decoded(service, http) == {"Name": "an,na", "Tags": tags}
    other = {"Content-Type": "application/json"}
    for http in (
        http_request("POST", "/", other, text.encode()),
        http_request("POST", f"/?{text}", other, b"{}"),
    ):
        assert _refused(service, http).code == "MissingAction"


# Answers


def _as_read(shape: Shape, value: Any) -> Any:
    """A result as botocore's parser hands it on: policy documents stay encoded at this stage."""
    if shape.type_name == "structure":
        return {name: _as_read(shape.members[name], value[name]) for name in value}
    if shape.type_name == "list":
        return [_as_read(shape.member, element) for element in value]
    if shape.type_name == "map":
        return {key: _as_read(shape.value, element) for key, element in value.items()}
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(int(value), UTC)
    return quote(value, safe="") if shape.name == "policyDocumentType" else value


def _round_trip(service_name: str, operation_name: str, result: dict[str, Any]) -> None:
    operation = _SERVICES[service_name].operations[operation_name]
    shape = _MODELS[service_name].operation_model(operation_name).output_shape
    response = query.success(operation, result, _ID, _NOW, check=True)
    headers = dict(response.headers)
    assert headers[b"content-length"] == str(len(response.body)).encode()
    assert headers[b"content-type"] == b"text/xml"
    parsed = _received(response, shape)
    metadata = parsed.pop("ResponseMetadata")
    assert (metadata["HTTPStatusCode"], metadata["RequestId"]) == (200, _ID)
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == _ID
    assert metadata["HTTPHeaders"]["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert parsed == (_as_read(shape, result) if shape else {})


@every_operation
def test_results(service_name: str, operation_name: str) -> None:
    shape = _MODELS[service_name].operation_model(operation_name).output_shape
    if shape is None:
        _round_trip(service_name, operation_name, {})
        return
    _round_trip(service_name, operation_name, samples.minimal(shape))
    for result in samples.every_maximal(shape):
        _round_trip(service_name, operation_name, result)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EVERY), st.randoms(use_true_random=False))
def test_some_results(name: tuple[str, str], dice: random.Random) -> None:
    shape = _MODELS[name[0]].operation_model(name[1]).output_shape
    _round_trip(*name, samples.chosen(shape, dice) if shape else {})


def _user(**members: object) -> dict[str, object]:
    user = {"Path": "/", "UserName": "a", "UserId": "A" * 16, "Arn": "arn:aws:iam::1:user/a"}
    return {"User": {**user, "CreateDate": 1_700_000_000.9, **members}}


def test_an_answer_letter_by_letter() -> None:
    operation = _SERVICES["iam"].operations["GetUser"]
    assert operation.encode(_user(Tags=[]), _ID).decode() == (
        '<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User>'
        "<Path>/</Path><UserName>a</UserName><UserId>AAAAAAAAAAAAAAAA</UserId>"
        "<Arn>arn:aws:iam::1:user/a</Arn><CreateDate>2023-11-14T22:13:20Z</CreateDate><Tags></Tags>"
        f"</User></GetUserResult><ResponseMetadata><RequestId>{_ID}</RequestId></ResponseMetadata>"
        "</GetUserResponse>"
    )
    operation = _SERVICES["iam"].operations["DeleteUser"]
    assert operation.encode({}, _ID).decode() == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<ResponseMetadata><RequestId>{_ID}</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


@given(st.text(st.characters(), max_size=40))
def test_any_text_makes_well_formed_xml(text: str) -> None:
    found = ET.fromstring(f"<x>{query.escaped(text)}</x>").text or ""
    kept = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    assert found == kept
    query.escaped(text).encode()


def test_a_result_of_another_type_is_our_fault() -> None:
    operation = _SERVICES["iam"].operations["GetUser"]
    assert operation.conforms(_user()) == []
    for wrong in ({"CreateDate": "2023-11-14"}, {"Tags": {}}, {"Path": []}):
        assert operation.conforms(_user(**wrong))
        with pytest.raises(Fault, match="GetUser answers"):
            operation.encode(_user(**wrong), _ID)
    with pytest.raises(Fault, match="Nmae is not in the model"):
        query.success(operation, _user(Nmae="a"), _ID, _NOW, check=True)
    assert _SERVICES["iam"].operations["DeleteUser"].conforms({"User": 1})


@every_operation
def test_modeled_errors(service_name: str, operation_name: str) -> None:
    service = _SERVICES[service_name]
    model = _MODELS[service_name].operation_model(operation_name)
    operation = service.operations[operation_name]
    assert operation.declared == {shape.error_code for shape in model.error_shapes}
    for shape in model.error_shapes:
        refusal = Refusal(shape.error_code, "why <not>")
        response = query.failure(refusal, _ID, _NOW, service, operation)
        trait = shape.metadata.get("error", {"httpStatusCode": 400, "senderFault": True})
        assert response.status == trait["httpStatusCode"]
        error = _received(response, model.output_shape)["Error"]
        assert error == {
            "Type": "Sender" if trait.get("senderFault") else "Receiver",
            "Code": shape.error_code,
            "Message": "why <not>",
        }


def test_common_errors() -> None:
    service = _SERVICES["sts"]
    for code, status in COMMON.items():
        response = query.failure(Refusal(code, None), _ID, _NOW, service)
        parsed = _received(response, None)
        assert parsed["Error"] == {"Code": code, "Type": "Receiver" if status > 499 else "Sender"}
        assert response.status == status
        assert parsed["ResponseMetadata"]["RequestId"] == _ID
    assert set(QUERY_CODES.values()) <= COMMON.keys()
    for code, renamed in QUERY_CODES.items():
        response = query.failure(Refusal(code, "x"), _ID, _NOW, service)
        assert _received(response, None)["Error"]["Code"] == renamed
    # STS has a code of its own that the signature's refusal of an old token must not turn into.
    operation = service.operations["AssumeRoleWithWebIdentity"]
    late = Refusal("ExpiredTokenException", "x")
    assert query.failure(late, _ID, _NOW, service).status == 403
    assert query.failure(late, _ID, _NOW, service, operation).status == 400


@pytest.mark.parametrize(
    ("pattern", "service_name"),
    [
        ("operations/iam*.py", "iam"),
        ("identity/*.py", "iam"),
        ("aws/iam*.py", "iam"),
        ("operations/sts.py", "sts"),
        ("node/accounts.py", "sts"),
    ],
)
def test_every_code_that_handlers_write_has_a_status(pattern: str, service_name: str) -> None:
    known = _SERVICES[service_name].errors.keys() | COMMON.keys() | QUERY_CODES.keys()
    sources = [path.read_text() for path in Path(ringfloor.__file__).parent.glob(pattern)]
    written = {code for text in sources for code in re.findall(r"Refusal\(\s*\"(\w+)\"", text)}
    assert written
    assert written <= known


def test_an_unknown_code_is_our_fault() -> None:
    with pytest.raises(Fault, match="SomethingElse"):
        query.failure(Refusal("SomethingElse", None), _ID, _NOW, _SERVICES["iam"])


# Models


def test_all_operations_are_compiled() -> None:
    counts = {name: len(service.operations) for name, service in _SERVICES.items()}
    assert counts == {"iam": 180, "sts": 11}
    assert _SERVICES["iam"].operations["CreateUser"].action == "iam:CreateUser"


_BASE: dict[str, Any] = {
    "metadata": {"protocol": "query", "apiVersion": "1", "endpointPrefix": "x"},
    "operations": {
        "Ask": {
            "name": "Ask",
            "http": {"method": "POST", "requestUri": "/"},
            "input": {"shape": "In"},
            "output": {"shape": "Out", "resultWrapper": "AskResult"},
        }
    },
    "shapes": {
        "In": {"type": "structure", "members": {"A": {"shape": "One"}}},
        "Out": {"type": "structure", "members": {"B": {"shape": "Many"}}},
        "One": {"type": "string"},
        "Many": {"type": "list", "member": {"shape": "One"}},
    },
}


@pytest.mark.parametrize(
    ("path", "new", "feature"),
    [
        (("shapes", "One"), {"type": "blob"}, "blob"),
        (("shapes", "One"), {"type": "timestamp"}, "timestamps in requests"),
        (("shapes", "Many", "flattened"), True, "flattened lists and maps"),
        (("shapes", "Many", "member", "locationName"), "item", "renamed members"),
        (("shapes", "Out", "members", "B", "xmlAttribute"), True, "XML attributes"),
        (("shapes", "In", "members", "A", "location"), "header", "members outside the form"),
        (("shapes", "Out", "payload"), "B", "documents and streams"),
        (("operations", "Ask", "output"), {"shape": "Out"}, "results without a wrapper"),
        (("operations", "Ask", "endpoint"), {"hostPrefix": "x."}, "a prefix of the host name"),
        (
            ("shapes", "Many"),
            {"type": "timestamp", "timestampFormat": "rfc822"},
            "timestamps as rfc822",
        ),
    ],
)
def test_what_the_compiler_does_not_do_is_refused_at_start(
    path: tuple[str, ...], new: Any, feature: str
) -> None:
    assert QueryService("x", _BASE).operations.keys() == {"Ask"}
    with pytest.raises(Fault, match=f"x: Ask needs {feature}, which the compiler does not do"):
        QueryService("x", _with(_BASE, path, new))


def _with(value: Any, path: tuple[str, ...], new: Any) -> Any:
    return {**value, path[0]: _with(value.get(path[0]), path[1:], new)} if path else new


_CREDENTIAL = "AKIDEXAMPLE/20231114/us-east-1/iam/aws4_request"


@pytest.mark.parametrize(
    ("target", "headers", "scope"),
    [
        ("/", {"Authorization": f"AWS4-HMAC-SHA256 Credential={_CREDENTIAL}, X=y"}, "iam"),
        ("/", {"authorization": f"AWS4-HMAC-SHA256 X=y,Credential={_CREDENTIAL}"}, "iam"),
        (f"/?a=b&X-Amz-Credential={quote(_CREDENTIAL, safe='')}&c", {}, "iam"),
        (f"/?X-Amz-Credential={_CREDENTIAL}", {"Authorization": "Bearer x"}, None),
        (f"/?Credential={_CREDENTIAL}", {}, None),
        ("/", {"Authorization": "Credential=a/b/c"}, None),
        ("/", {"Authorization": "Credential=" * 5_000}, None),
        ("/", {"X-Authorization": f"Credential={_CREDENTIAL}"}, None),
    ],
)
def test_what_a_request_says_it_is_signed_for(
    target: str, headers: dict[str, str], scope: str | None
) -> None:
    said = sigv4.scope(http_request("GET", target, headers))
    assert said == (None if scope is None else ("us-east-1", scope))


def test_other_protocols_are_refused() -> None:
    with pytest.raises(Fault, match="connect speaks rest-json, not query"):
        query.load("connect")
