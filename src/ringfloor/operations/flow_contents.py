"""Flow contents: what flows and modules demand beyond the service model.

operations.checks names these functions per kind, operations.updates per operation, and
operations.flow_versions asks them before it publishes or saves. Sources: behaviour specification,
sections 6.1 and 6.7.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec

from ringfloor.base.errors import Refusal, invalid_request, not_found, shown
from ringfloor.base.limits import FLOW_CONTENT_CHARS_MAX, FLOW_PROBLEMS_MAX
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine import flows
from ringfloor.engine.state import Center
from ringfloor.flow import language
from ringfloor.flow.language import Flow
from ringfloor.operations.context import identifier

FLOW, MODULE = "contact_flow", "contact_flow_module"

REFERENCES: Mapping[str, str] = {
    "queue": "queue",
    "agent": "user",
    "flow": FLOW,
    "module": MODULE,
    "prompt": "prompt",
    "hours": "hours_of_operation",
}
"""What a flow can name, and the kind of resource that it must then be."""


def digest(content: str) -> str:
    """FlowContentSha256."""
    return sha256(content.encode()).hexdigest()


def pointed(
    center: Center, kind: str, reference: str, field: str
) -> tuple[Resource, flows.Pointer]:
    """The flow or module that an id or ARN names, with or without a qualifier.

    Refuses with ResourceNotFoundException, an ARN of anything else with InvalidParameterException.
    Whether there is such a version is not asked.
    """
    found = flows.pointer(reference)
    plain = found.id
    if reference.startswith("arn:"):
        own = center.home.arn_of(kind, found.id)
        plain = own if reference.startswith(own) else reference
    wanted = identifier(center.home, kind, plain, field)
    resource = center.resources[kind].get(wanted)
    if resource is None:
        raise not_found(field, reference, KINDS[kind].title)
    return resource, found


async def contact_flow(
    center: Center, properties: Properties, *, lenient: bool = False
) -> Properties:
    """A new flow is published, if it is not to be a draft."""
    properties = {"State": "ACTIVE", "Status": "PUBLISHED", **properties}
    content, type_ = properties["Content"], properties["Type"]
    if properties["Status"] == "PUBLISHED":
        return {**properties, **published(center, FLOW, content, type_, lenient=lenient)}
    language.parse(content, type_, published=False)
    return properties


async def contact_flow_module(
    center: Center, properties: Properties, *, lenient: bool = False
) -> Properties:
    """A new module is published."""
    check_settings(properties.get("Settings"))
    properties = {"State": "ACTIVE", "Status": "PUBLISHED", **properties}
    known = published(center, MODULE, properties["Content"], "MODULE", lenient=lenient)
    return {**properties, **known}


async def metadata(_center: Center, properties: Properties) -> Properties:
    """Defaults are always there."""
    if properties.get("IsDefault") and properties.get("State") == "ARCHIVED":
        rule = f"is not for {properties['Name']!r}, which is a default"
        raise invalid_request("ContactFlowState", "ARCHIVED", rule)
    return properties


def saved(kind: str, content: str, flow_type: str) -> None:
    """Drafts need only the shape of a flow."""
    try:
        language.parse(content, flow_type, published=False)
    except Refusal as refusal:
        raise _worded(kind, refusal) from refusal


def published(
    center: Center, kind: str, content: str, flow_type: str, *, lenient: bool
) -> Properties:
    """What is known of a content that may be published: the modules that it names.

    It is held to every rule of the language, or is only fit to run if lenient, and names only what
    exists.
    """
    try:
        flow = language.parse(content, flow_type, published=True, lenient=lenient)
    except Refusal as refusal:
        raise _worded(kind, refusal) from refusal
    named = language.static_references(flow)
    problems = [
        problem.message
        for what, name, action, parameter in named
        if (problem := _unknown(center, what, name, f"{action}.{parameter}")) is not None
    ]
    if problems:
        raise _refusal(kind, [{"message": message} for message in problems[:FLOW_PROBLEMS_MAX]])
    modules = sorted(set(_modules(flow)))
    return {"ModuleIds": modules} if modules else {}


def _modules(flow: Flow) -> Iterator[str]:
    for what, name, _, _ in language.static_references(flow):
        if what == "module":
            yield flows.pointer(name).id


def _worded(kind: str, refusal: Refusal) -> Refusal:
    return _refusal(kind, refusal.members["problems"])


def _refusal(kind: str, problems: object) -> Refusal:
    if kind == MODULE:
        return Refusal("InvalidContactFlowModuleException", None, Problems=problems)
    return Refusal("InvalidContactFlowException", None, problems=problems)


def _unknown(center: Center, what: str, name: str, field: str) -> Refusal | None:
    """What is wrong with a static reference of a flow, if anything is."""
    kind = REFERENCES.get(what)
    if kind is None:
        return None
    try:
        if kind in flows.OWNER:
            _, found = pointed(center, kind, name, field)
            latest = found.qualifier in ("", flows.LATEST)
            if not latest and flows.version(center, kind, found) is None:
                return not_found(field, name, KINDS[f"{kind}_version"].title)
            return None
        known = identifier(center.home, kind, name, field)
    except Refusal as refusal:
        return refusal
    if known in center.resources[kind]:
        return None
    return not_found(field, name, KINDS[kind].title)


def check_settings(settings: str | None) -> None:
    """The settings of a module are a JSON object; refuses with InvalidRequestException."""
    if settings is None:
        return
    if len(settings) > FLOW_CONTENT_CHARS_MAX:
        rule = f"characters are more than {FLOW_CONTENT_CHARS_MAX}"
        raise invalid_request("Settings", len(settings), rule)
    try:
        found = msgspec.json.decode(settings)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refusal("InvalidRequestException", f"Settings: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refusal("InvalidRequestException", f"Settings: {shown(settings)} is no JSON object")
