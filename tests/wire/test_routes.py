"""Routes: raw segments, labels decoded once, nothing that is not an operation."""

import pytest
from botocore.model import ServiceModel

from ringfloor.aws.model import Service
from ringfloor.aws.routes import Routes, path_of
from ringfloor.base.errors import Refusal
from wire.client import http_request, params_of, understood

_ARN = "arn:aws:connect:us-east-1:123456789012:instance/i/agent/a"


def _labels(service: Service, method: str, target: str) -> tuple[str, dict[str, object]]:
    http = http_request(method, target)
    return understood(service, http).operation.name, params_of(service, http)


@pytest.mark.parametrize(
    ("method", "target", "operation", "params"),
    [
        ("GET", "/users/i/u", "DescribeUser", {"InstanceId": "i", "UserId": "u"}),
        ("GET", "/users/i/u/", "DescribeUser", {"InstanceId": "i", "UserId": "u"}),
        ("GET", "/users/i/a%2Fb", "DescribeUser", {"InstanceId": "i", "UserId": "a/b"}),
        ("GET", "/users/i/a%252Fb", "DescribeUser", {"InstanceId": "i", "UserId": "a%2Fb"}),
        ("GET", "/users/i/a+b", "DescribeUser", {"InstanceId": "i", "UserId": "a+b"}),
        ("GET", "/users/i/a%2bb", "DescribeUser", {"InstanceId": "i", "UserId": "a+b"}),
        ("GET", "/users/i/%2e%2E", "DescribeUser", {"InstanceId": "i", "UserId": ".."}),
        ("GET", "/users/i/50%", "DescribeUser", {"InstanceId": "i", "UserId": "50%"}),
        ("GET", "/users/i/%zz", "DescribeUser", {"InstanceId": "i", "UserId": "%zz"}),
        ("GET", "/users/i/%E6%97%A5", "DescribeUser", {"InstanceId": "i", "UserId": "日"}),
        (
            "GET",
            "/users/arn%3Aaws%3Aconnect%3Ax%3A1%3Ainstance%2Fi/u",
            "DescribeUser",
            {"InstanceId": "arn:aws:connect:x:1:instance/i", "UserId": "u"},
        ),
        (
            "GET",
            "http://elsewhere:8080/users/i/u",
            "DescribeUser",
            {"InstanceId": "i", "UserId": "u"},
        ),
        ("GET", f"/tags/{_ARN}", "ListTagsForResource", {"resourceArn": _ARN}),
        (
            "GET",
            f"/tags/{_ARN.replace(':', '%3A').replace('/', '%2F')}",
            "ListTagsForResource",
            {"resourceArn": _ARN},
        ),
        (
            "DELETE",
            f"/tags/{_ARN}?tagKeys=a&tagKeys=b%2Bc+d",
            "UntagResource",
            {"resourceArn": _ARN, "tagKeys": ["a", "b+c+d"]},
        ),
        (
            "GET",
            "/users-summary/i?maxResults=5&maxResults=7&x=1&nextToken=a%26b%3D",
            "ListUsers",
            {"InstanceId": "i", "MaxResults": 7, "NextToken": "a&b="},
        ),
        (
            "GET",
            "/users-summary/i?&&maxResults=5&X-Amz-Signature=0&InstanceId=injected",
            "ListUsers",
            {"InstanceId": "i", "MaxResults": 5},
        ),
        ("GET", "/phone-number/p", "DescribePhoneNumber", {"PhoneNumberId": "p"}),
        # A fixed segment that leads nowhere for this method is a label after all.
        ("GET", "/phone-number/claim", "DescribePhoneNumber", {"PhoneNumberId": "claim"}),
    ],
)
def test_found(
    connect: Service, method: str, target: str, operation: str, params: dict[str, object]
) -> None:
    assert _labels(connect, method, target) == (operation, params)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "*"),
        ("GET", "/nowhere"),
        ("GET", "/users"),
        ("PATCH", "/users/i/u"),
        ("HEAD", "/users/i/u"),
        ("get", "/users/i/u"),
        ("GET", "/Users/i/u"),
        ("GET", "//users/i/u"),
        ("GET", "/users//u"),
        ("GET", "/users/i/u//"),
        ("GET", "/users/i/./u"),
        ("GET", "/users/./i"),
        ("GET", "/users/../i"),
        ("GET", "/users/i/u/more"),
        ("GET", "/users%2Fi/u"),
        ("GET", "users/i/u"),
        ("GET", "http://elsewhere"),
        # The id of a user is missing; this is not the list of users.
        ("DELETE", "/users/i/"),
        # Nor may a resource whose id is empty be taken for the instance that holds it.
        ("DELETE", "/instance/"),
        ("GET", "/attached-files-configurations/i/"),
        ("GET", "/tags/"),
    ],
)
def test_not_found(connect: Service, method: str, target: str) -> None:
    with pytest.raises(Refusal) as refused:
        understood(connect, http_request(method, target))
    assert refused.value.code == "UnknownOperationException"


@pytest.mark.parametrize(
    "target", ["/users/i/%ff", "/users-summary/i?nextToken=%ff", "/users-summary/i?%ff=1"]
)
def test_text_is_utf8(connect: Service, target: str) -> None:
    with pytest.raises(Refusal) as refused:
        understood(connect, http_request("GET", target))
    assert refused.value.code == "InvalidRequestException"


def test_every_operation_has_its_own_route(
    connect: Service, botocore_connect: ServiceModel
) -> None:
    for name in botocore_connect.operation_names:
        http = botocore_connect.operation_model(name).http
        segments = http["requestUri"].split("/")
        path = "/".join("label" if part.startswith("{") else part for part in segments)
        found = connect.route(http["method"], path.encode())
        assert found is not None
        assert found[0].name == name
        assert found[1] == [b"label"] * len(found[0].labels)


def test_a_dead_end_goes_back_to_the_label() -> None:
    routes: Routes[str] = Routes()
    routes.add("GET", "/a/b/c", "fixed")
    routes.add("GET", "/a/b/{z}/f", "label of the fixed")
    routes.add("GET", "/a/{x}/d", "label")
    routes.add("GET", "/a/{x}/{y}/e", "labels")
    assert routes.find("GET", b"/a/b/c") == ("fixed", [])
    assert routes.find("GET", b"/a/b/d") == ("label", [b"b"])
    assert routes.find("GET", b"/a/b/c/e") == ("labels", [b"b", b"c"])
    assert routes.find("GET", b"/a/b/c/f") == ("label of the fixed", [b"c"])
    assert routes.find("GET", b"/a/b/c/g") is None


def test_absolute_form() -> None:
    assert path_of(b"/a://b") == b"/a://b"
    assert path_of(b"https://host/a/b") == b"/a/b"
    assert path_of(b"https://host") == b"/"
    assert path_of(b"a/b://c") == b"a/b://c"
