"""What a member of a request names: the policies are asked about what the handler will find."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.aws.access import Environment, of_request
from ringfloor.aws.access_table import ROWS
from ringfloor.aws.model import Service, load
from ringfloor.aws.request import Principal
from ringfloor.base.errors import Refusal
from ringfloor.domain.resources import Home, Resource
from ringfloor.engine.state import Center
from ringfloor.operations import all as operations
from ringfloor.operations.context import identifier
from ringfloor.operations.flow_contents import pointed
from ringfloor.operations.registry import HANDLERS
from wire import samples

assert operations  # importing it has filled the table

ACCOUNT = "123456789012"
HOME = Home("us-east-1", ACCOUNT, "i")
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "AKIA1")
HERE = Environment("192.0.2.1", 0, "us-east-1", (), lambda _: {})
BASE = f"arn:aws:connect:us-east-1:{ACCOUNT}:"


@pytest.fixture(scope="module")
def connect() -> Service:
    return load("connect")


CONNECT = load("connect")


class Everything(dict[str, Resource]):
    """Whatever is looked up is there, and called what it was looked up by."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002  dict's
        return SimpleNamespace(id=key)


CENTER = cast(
    Center,
    SimpleNamespace(
        home=HOME, resources={"contact_flow": Everything(), "contact_flow_module": Everything()}
    ),
)


def _plain(kind: str) -> Callable[[str], str]:
    return lambda value: identifier(HOME, kind, value, "it")


def _flow(kind: str) -> Callable[[str], str]:
    return lambda value: str(pointed(CENTER, kind, value, "it")[0].id)


NAMED = {
    "DescribeQueue": ("QueueId", "queue", _plain("queue")),
    "DescribeUser": ("UserId", "user", _plain("user")),
    "DescribeContactFlow": ("ContactFlowId", "contact_flow", _flow("contact_flow")),
    "DescribeContactFlowModule": (
        "ContactFlowModuleId",
        "contact_flow_module",
        _flow("contact_flow_module"),
    ),
}
PIECES = st.sampled_from(
    [
        *("boss", "ann", "/", ":", "$LATEST", "$SAVED", "3", "alias", "/alias/", "..", "x", ""),
        *("queue/", "agent/", "contact-flow/", "flow-module/", "instance/", "i/", "j/", "arn:"),
        *(f"{BASE}instance/i/{kind}/" for kind in ("queue", "agent", "contact-flow")),
        f"{BASE}instance/i/flow-module/",
    ]
)


@given(st.sampled_from(sorted(NAMED)), st.lists(PIECES, max_size=7).map("".join))
def test_what_is_found_is_what_was_asked_about(name: str, value: str) -> None:
    member, kind, finds = NAMED[name]
    try:
        found = finds(value)
    except Refusal:
        return
    if not found or "/" in found:
        return  # no id of ours is like that: nothing is found
    operation = CONNECT.operations[name]
    try:
        params = msgspec.convert({"InstanceId": "i", member: value}, operation.params)
    except msgspec.ValidationError:
        return  # longer than the model lets it be
    accesses = of_request(operation, params, ROOT, HERE)
    asked = {each for access in accesses for each in (access.resource, *access.aliases)}
    assert HOME.arn_of(kind, found) in asked


@pytest.mark.parametrize(
    "value",
    [
        f"{BASE}instance/i/agent/boss/x/boss",
        f"{BASE}instance/i/agent/boss/boss",
        f"{BASE}instance/i/agent/",
        f"{BASE}instance/i/agent/:$LATEST",
        f"{BASE}instance/j/agent/boss",
        f"{BASE}instance/i/queue/boss",
    ],
)
def test_an_arn_with_anything_more_in_it_names_nobody(value: str) -> None:
    with pytest.raises(Refusal, match="is no ARN of a user of instance i"):
        identifier(HOME, "user", value, "UserId")


OF_THE_ACCOUNT = {
    "DisassociatePhoneNumberContactFlow": "the number, which has one instance",
    "ListPhoneNumbersV2": "numbers of the account, as in AWS's table",
    "SearchAvailablePhoneNumbers": "numbers that no instance has",
}


def test_every_operation_on_an_instance_asks_about_it(connect: Service) -> None:
    named, without = samples.service_model(), set()
    for name in HANDLERS:
        operation = connect.operations[name]
        if "InstanceId" not in operation.params.__struct_fields__:
            continue
        shape = samples.input_of(named.operation_model(name))
        for params in (samples.minimal(shape), *samples.every_maximal(shape)):
            decoded = msgspec.convert(params | {"InstanceId": "i"}, operation.params)
            asked = [each.resource for each in of_request(operation, decoded, ROOT, HERE)]
            if not any(f"{each}/".startswith(f"{HOME.arn}/") for each in asked):
                without.add(name)
    assert without == OF_THE_ACCOUNT.keys()
    assert ROWS.keys() <= connect.operations.keys()
