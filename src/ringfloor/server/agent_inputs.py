"""Agent inputs: what a request of the agent service carries, and how it is read.

Called by server.agent_operations. Rules:

* A shape names only the members that are acted on; others are not looked at. Null is absent.
* What is wrong is told as the API tells it: field, value and rule; InvalidRequestException where a
  value cannot be read as what it should be, InvalidParameterException where it breaks a rule.
* Tokens are never repeated.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from ringfloor.aws import faults
from ringfloor.base.errors import Refusal, shown
from ringfloor.base.limits import AGENT_REPORT_ENTRIES_MAX

T = TypeVar("T", bound="Input")

Id = Annotated[str, Meta(min_length=1, max_length=256)]
"""Longer than every id and ARN of ours."""


class Input(Struct, rename="camel"):
    """Members that are not named here are not looked at."""


class Poll(Input):
    next_token: str | None = None
    timeout: Annotated[int, Meta(ge=0)] | None = None


class Page(Input):
    next_token: str | None = None
    max_results: Annotated[int, Meta(ge=1)] | None = None


class QueuesPage(Page, kw_only=True):
    routing_profile_arn: str = field(name="routingProfileARN")


class EndpointsPage(Page, kw_only=True):
    queue_arns: list[str] = field(name="queueARNs")


class State(Input):
    agent_state_arn: str | None = field(name="agentStateARN", default=None)
    name: str | None = None


class PutState(Input):
    state: State


class Configuration(Input):
    """Of an agent's configuration what he can change himself."""

    softphone_enabled: bool
    extension: Annotated[str, Meta(max_length=256)] | None = None


class UpdateConfiguration(Input):
    configuration: Configuration


class Contact(Input):
    contact_id: Id


class Connection(Input):
    contact_id: Id
    connection_id: Id


class Transport(Input):
    transport_type: str
    contact_id: Id | None = None


class Endpoint(Input):
    type: str
    endpoint_arn: str | None = field(name="endpointARN", default=None)
    phone_number: str | None = None


class Outbound(Input):
    endpoint: Endpoint
    queue_arn: str | None = field(name="queueARN", default=None)
    related_contact_id: str | None = None


class Addition(Input):
    contact_id: Id
    endpoint: Endpoint


class Reference(Input):
    type: str
    value: str | None = None


class Task(Input):
    endpoint: Endpoint
    name: str
    description: str | None = None
    references: dict[str, Reference] | None = None
    idempotency_token: str | None = None
    scheduled_time: int | None = None
    previous_contact_id: str | None = None
    related_contact_id: str | None = None


class Digits(Input):
    contact_id: Id
    connection_id: Id
    digits: str


class MonitorMode(Input):
    contact_id: Id
    target_monitor_mode: str


class NewToken(Input):
    refresh_token: str


Entries = Annotated[list[Any], Meta(max_length=AGENT_REPORT_ENTRIES_MAX)]
"""Of a report."""


class Logs(Input):
    log_events: Entries


class CallMetrics(Input):
    contact_id: Id
    softphone_stream_statistics: Entries


class CallReport(Input):
    contact_id: Id
    report: dict[str, Any]


class Issue(Input):
    contact_id: Id
    issue_code: str | None = None
    description: str | None = None


# Reading


def members(body: bytes) -> dict[str, object]:
    """The body as plain objects; an empty one has no members."""
    found = faults.parsed(body or b"{}")
    if isinstance(found, faults.Breach):
        raise Refusal("InvalidRequestException", found.text)
    return {name: value for name, value in found.items() if value is not None}


def token(given: Mapping[str, object]) -> str | None:
    """authentication.authToken, where old clients put the bearer token."""
    authentication = given.get("authentication")
    found = authentication.get("authToken") if isinstance(authentication, dict) else None
    return found if isinstance(found, str) else None


def read(shape: type[T], given: Mapping[str, object]) -> T:
    """The members as their shape; refuses with what is wrong first."""
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), given) from None


_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`(?: - at `\$(?P<at>.*)`)?")
_WRONG = re.compile(r"Expected `(?P<type>[^`]+)`(?P<rule>.*?)(?: - at `\$(?P<at>.*)`)?")

_NAMES: Mapping[str, str] = {
    "str": "a string",
    "int": "a whole number",
    "array": "a list",
    "object": "an object",
}

_RULES: Mapping[str, str] = {
    ">=": "must be at least {}",
    "<=": "must be at most {}",
    "of length <=": "must include at most {} items",
    "of length >=": "must not be empty",
}


def _refusal(problem: str, given: Mapping[str, object]) -> Refusal:
    """What msgspec says, in the words of the API."""
    missing = _MISSING.fullmatch(problem)
    if missing is not None:
        path = f"{missing['at'] or ''}.{missing['name']}".lstrip(".")
        return Refusal("InvalidRequestException", f"{path} is required")
    wrong = _WRONG.fullmatch(problem)
    assert wrong is not None, problem
    path = (wrong["at"] or "").lstrip(".")
    comparison, _, bound = wrong["rule"].strip().rpartition(" ")
    if comparison in _RULES:
        code, rule = "InvalidParameterException", _RULES[comparison].format(bound)
        if wrong["type"] == "str" and comparison == "of length <=":
            rule = f"must be at most {bound} characters long"
    else:
        kind = wrong["type"].removesuffix(" | null")
        code, rule = "InvalidRequestException", f"must be {_NAMES[kind]}"
    if path.endswith("Token") or wrong["type"] == "array":
        return Refusal(code, f"{path} {rule}")
    return Refusal(code, f"{path}: {shown(_at(given, path))} {rule}")


def _at(value: Any, path: str) -> object:  # noqa: ANN401  JSON
    for part in re.findall(r"[^.\[\]]+", path):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
