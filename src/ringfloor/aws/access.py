"""Access: what a request of the Amazon Connect API is about, in the words of policies.

Called by aws.request (of_request) and by the endpoint of IAM and STS (accesses). Rules:

* An operation's resources are read from its decoded parameters: a member's name says what kind of
  resource it is (NAMED), in the path or in the body. What the names do not say stands in a row of
  aws.access_table: what is made or listed, what hides deeper, what is named but not asked about,
  where the instance is asked about too. Without any, it is the instance.
* Ids are taken as they were sent; where an ARN was sent, it is the resource. If it is not of the
  instance that the request names, that instance's resource of the same id is asked about too, so
  that a permission elsewhere opens nothing here.
* A qualifier (a version or alias after a colon, of flows and modules an alias after /alias/) is
  part of the ARN that is asked about; policies that name the resource without it mean it too.
* Context keys are worked out when a condition asks for one, and so are a resource's tags: a
  decision without conditions costs nothing.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
Connect"; API reference of 2018 (metric operations, StartOutboundVoiceContact); administrator guide
(GetFederationToken).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Protocol

import msgspec

from ringfloor.aws.access_table import FILTERS_V2, INSTANCE, NAMED, ROWS, Row
from ringfloor.aws.dates import extended
from ringfloor.aws.iam import Access
from ringfloor.aws.iam_values import ARN_COLONS, Context
from ringfloor.aws.model import Headers, Operation
from ringfloor.aws.shapes import Structure
from ringfloor.base.time import SECOND, Instant, seconds

_PLAIN = Row()

_STORAGE = {
    f"{verb}InstanceStorageConfig": "ResourceType"
    for verb in ("Associate", "Describe", "Disassociate", "Update")
}

CONNECT_KEYS: Mapping[str, Mapping[str, str]] = {
    "connect:attributetype": {
        "DescribeInstanceAttribute": "AttributeType",
        "UpdateInstanceAttribute": "AttributeType",
    },
    "connect:contactinitiationmethod": {"CreateContact": "InitiationMethod"},
    "connect:flowtype": {"CreateContactFlow": "Type", "ListContactFlows": "ContactFlowTypes"},
    "connect:listrealtimecontactanalysissegmentsbyoutputtype": {
        "ListRealtimeContactAnalysisSegmentsV2": "OutputType"
    },
    "connect:listrealtimecontactanalysissegmentsbysegmenttype": {
        "ListRealtimeContactAnalysisSegmentsV2": "SegmentTypes"
    },
    "connect:monitorcapabilities": {"MonitorContact": "AllowedMonitorCapabilities"},
    "connect:storageresourcetype": _STORAGE,
}
"""Condition key to the operations that have it, and the path of the member that it is."""

_SEARCH_TAGS = tuple(f"SearchFilter.TagFilter.{each}" for each in ("TagCondition", "AndConditions"))
"""Conditions that all must hold; of OrConditions one alternative must."""


class Identity(Protocol):
    """What an access decision and its wording need of a sender; see aws.request.Principal."""

    @property
    def account(self) -> str: ...

    @property
    def arn(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str | None: ...

    @property
    def tags(self) -> Mapping[str, str]: ...

    @property
    def token_issued(self) -> Instant | None: ...

    @property
    def role_arn(self) -> str | None: ...


class Environment(msgspec.Struct, frozen=True):
    """Where and when a request arrives.

    source: the network address. tags_of: the tags of a resource by ARN, none if there is no such
    resource; called only where a condition asks.
    """

    source: str
    now: Instant
    region: str
    headers: Headers
    tags_of: Callable[[str], Mapping[str, str]]
    secure: bool = False


def of_request(
    operation: Operation, params: Structure, sender: Identity, environment: Environment
) -> tuple[Access, ...]:
    """What a request of the connect API wants to do, one access for each resource."""
    row = ROWS.get(operation.name, _PLAIN)
    found = resources(operation, params, environment.region, sender.account)
    alias = row.alias.format(user_id(sender))
    keys = _Params(operation.name, params)
    return accesses(operation.action, found, sender, environment, keys, alias)


def accesses(
    action: str,
    found: Iterable[str],
    sender: Identity,
    environment: Environment,
    service_keys: Context | None = None,
    alias: str = "",
) -> tuple[Access, ...]:
    """An action on resources, one access for each.

    service_keys: context keys of the service and of the request's tags, such as
    {"sts:rolesessionname": ("ann",)} | tag_keys(tags). alias: a path below each resource that
    policies write for the resource itself.
    """
    more = {} if service_keys is None else service_keys
    return tuple(
        [
            Access(
                action,
                resource,
                _Keys(sender, environment, resource, more),
                tuple(_aliases(resource, alias)),
            )
            for resource in found
        ]
    )


def _aliases(resource: str, alias: str) -> Iterator[str]:
    if alias:
        yield f"{resource}/{alias}"
    plain = unqualified(resource)
    if plain != resource:
        yield plain


def unqualified(resource: str) -> str:
    """The ARN of a resource without the version, alias or draft that it may name.

    Of connect's alone: the path of a user or role may have colons of its own.
    """
    if not _CONNECT(resource):
        return resource
    return _ALIAS.sub(r"\1", ":".join(resource.split(":", ARN_COLONS + 1)[: ARN_COLONS + 1]))


_CONNECT = re.compile("arn:[^:]*:connect:").match
_ALIAS = re.compile(r"(?<=/)((?:contact-flow|flow-module)/[^/]+)/alias/.*", re.DOTALL)


def tag_keys(tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The context keys of the tags that a request gives to something."""
    keys = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    return keys | ({"aws:tagkeys": tuple(tags)} if tags else {})


# Resources


def resources(
    operation: Operation, params: Structure, region: str, account: str
) -> tuple[str, ...]:
    """The ARNs of what a request is about, each once; `*` if it is about nothing yet."""
    row = ROWS.get(operation.name, _PLAIN)
    base = f"arn:aws:connect:{region}:{account}:"
    named = getattr(params, "InstanceId", None)
    if named is None:
        named = getattr(params, "ResourceArn", None)
    home = f"{base}instance/{'*' if named is None else named}"
    if named is not None and named.startswith("arn:"):
        home = named
    found = [
        each
        for form, value in _members(operation.name, params, row)
        for each in _arns(base, form, value, home)
    ]
    for form in row.also:
        if form != INSTANCE:
            found.append(f"{base}{form[1:]}" if form.startswith("/") else f"{home}/{form}")
        elif named is not None:
            found.append(home)
    if not found:
        found = [getattr(params, "resourceArn", None) or ("*" if named is None else home)]
    return tuple(dict.fromkeys(found))


def _members(name: str, params: Structure, row: Row) -> Iterator[tuple[str, str]]:
    for member, form in _named(name, params.__struct_fields__):
        value = getattr(params, member)
        if isinstance(value, str):
            yield form, value
        elif value is not None:
            for each in value:
                yield form, each
    for path, form in row.deeper:
        for value in _at(params, path):
            yield form, value
    if name == "GetMetricDataV2":
        for each in params.Filters or ():
            for value in each.FilterValues or ():
                if each.FilterKey in FILTERS_V2:
                    yield FILTERS_V2[each.FilterKey], value


@cache  # one entry for each operation
def _named(operation: str, members: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    without = ROWS.get(operation, _PLAIN).without
    return tuple([(each, NAMED[each]) for each in members if each in NAMED and each not in without])


def _arns(base: str, form: str, value: str, home: str) -> Iterator[str]:
    above, kind = (base, form[1:]) if form.startswith("/") else (f"{home}/", form)
    if value.startswith("arn:"):
        yield value
    if form and not value.startswith(f"{above}{kind}/"):
        yield f"{above}{kind}/{value.rpartition('/')[2] if value.startswith('arn:') else value}"


def _at(value: Any, path: str) -> list[Any]:  # noqa: ANN401  a decoded request, or part of one
    """Everything that is found at a path; lists on the way are walked, however deep."""
    found = [value]
    for name in path.split("."):
        found = list(_flat([getattr(each, name, None) for each in found]))
    return found


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        elif value is not None:
            yield value


# Context keys


def user_id(sender: Identity) -> str:
    """aws:userid."""
    return sender.id or sender.account


def policy_arn(sender: Identity) -> str:
    """aws:PrincipalArn: a user's own, and of a session that of its role."""
    if sender.role_arn is not None:
        return sender.role_arn
    prefix, session, rest = sender.arn.partition(":assumed-role/")
    if not session:
        return sender.arn
    return f"{prefix.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


class _Params:
    """The context keys that a request's parameters are."""

    def __init__(self, operation: str, params: Structure) -> None:
        self._operation = operation
        self._params = params

    def get(self, key: str, /) -> tuple[str, ...] | None:
        family, slash, name = key.partition("/")
        if slash:
            return self._tagged(family, name)
        if key == "aws:tagkeys":
            return self._tag_keys()
        if key == "connect:instanceid":
            return tuple([each.rpartition("/")[2] for each in self._at("InstanceId")[:1]])
        path = CONNECT_KEYS.get(key, {}).get(self._operation)
        return tuple(self._at(path)) if path else None

    def _at(self, path: str) -> list[Any]:
        return _at(self._params, path)

    def _tagged(self, family: str, name: str) -> tuple[str, ...] | None:
        if family == "aws:requesttag":
            return _tag(self._tags(), name)
        if family == "connect:searchtag":
            return self._searched(name)
        return None

    def _searched(self, name: str) -> tuple[str, ...]:
        """The values of a tag that a search is confined to; an alternative that is not has "".

        Without that, a second alternative would open what a policy on the first one closes.
        """
        found = _values([each for path in _SEARCH_TAGS for each in self._at(path)], name)
        (within,) = self._at("SearchFilter.TagFilter") or [None]
        alternatives = [_values(each, name) for each in getattr(within, "OrConditions", None) or ()]
        if not found and any(alternatives):
            alternatives = [each or [""] for each in alternatives]
        return (*found, *_flat(alternatives))

    def _tags(self) -> Mapping[str, str]:
        return {
            key: value
            for member in ("Tags", "tags")
            for tags in self._at(member)
            for key, value in tags.items()
        }

    def _tag_keys(self) -> tuple[str, ...]:
        return (*self._tags(), *self._at("TagKeys"), *self._at("tagKeys"))


def _values(conditions: Iterable[Any], name: str) -> list[str]:
    """What decoded TagConditions ask of a tag; "" where any value will do."""
    return [each.TagValue or "" for each in conditions if (each.TagKey or "").lower() == name]


class _Keys:
    """The context of one access: keys are worked out when they are asked for."""

    def __init__(
        self, sender: Identity, environment: Environment, resource: str, more: Context
    ) -> None:
        self.sender = sender
        self.environment = environment
        self._resource = resource
        self._more = more

    def get(self, key: str, /) -> tuple[str, ...] | None:
        read = GLOBAL_KEYS.get(key)
        if read is not None:
            value = read(self.sender, self.environment)
            return None if value is None else (value,)
        family, _, name = key.partition("/")
        if family == "aws:principaltag":
            return _tag(self.sender.tags, name)
        if family == "aws:resourcetag":
            return _tag(self._resource_tags, name)
        return self._more.get(key)

    @cached_property
    def _resource_tags(self) -> Mapping[str, str]:
        return self.environment.tags_of(self._resource)


def _tag(tags: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    """The value of a tag; conditions do not mind the case of its key."""
    for key, value in tags.items():
        if key.lower() == name:
            return (value,)
    return None


def _header(environment: Environment, name: bytes) -> str | None:
    found = (value for each, value in environment.headers if each.lower() == name)
    value = next(found, None)
    return None if value is None else value.decode("latin-1").strip()


def _source(environment: Environment) -> str | None:
    """The address; IPv4 as itself, also where the socket speaks IPv6."""
    return environment.source.removeprefix("::ffff:") or None


def _issued(sender: Identity) -> str | None:
    return None if sender.token_issued is None else extended(seconds(sender.token_issued))


GLOBAL_KEYS: Mapping[str, Callable[[Identity, Environment], str | None]] = {
    "aws:currenttime": lambda _, environment: extended(seconds(environment.now)),
    "aws:epochtime": lambda _, environment: str(environment.now // SECOND),
    # AWS knows it of temporary credentials only; nobody here has a second factor.
    "aws:multifactorauthpresent": lambda sender, _: "false" if _issued(sender) else None,
    "aws:principalaccount": lambda sender, _: sender.account,
    "aws:principalarn": lambda sender, _: policy_arn(sender),
    "aws:principalisawsservice": lambda *_: "false",
    "aws:principaltype": lambda sender, _: sender.type,
    "aws:referer": lambda _, environment: _header(environment, b"referer"),
    "aws:requestedregion": lambda _, environment: environment.region,
    "aws:securetransport": lambda _, environment: "true" if environment.secure else "false",
    "aws:sourceip": lambda _, environment: _source(environment),
    "aws:tokenissuetime": lambda sender, _: _issued(sender),
    "aws:useragent": lambda _, environment: _header(environment, b"user-agent"),
    "aws:userid": lambda sender, _: user_id(sender),
    "aws:username": lambda sender, _: sender.name,
    "aws:viaawsservice": lambda *_: "false",
}
"""Condition keys that every service has, in lower case; None where the request has none."""
