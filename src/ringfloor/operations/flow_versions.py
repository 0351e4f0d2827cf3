"""Flow versions: drafts, published content, versions and aliases of flows and of modules.

A flow has published content, which callers meet, and, where somebody has saved one since, a draft
that nobody meets. `ID` and `ID:$LATEST` name the former, `ID:$SAVED` the latter, `ID:3` a version,
`ID:live` the version that the alias live has. To write to ID is to publish. Versions never change
and their numbers are never used again. Flows and modules differ in their nouns alone: FAMILIES.

Source: the API reference of the operations below; behaviour specification, sections 1.1 and 1.7.
"""

from collections.abc import Callable
from typing import NamedTuple

from ringfloor.base.errors import Refusal, invalid_parameter, invalid_request, not_found
from ringfloor.base.limits import LIST_ROWS_DEFAULT, UPDATE_ATTEMPTS_MAX
from ringfloor.base.time import seconds
from ringfloor.domain.commands import CreateResource, DeleteResource, UpdateResource
from ringfloor.domain.resources import KINDS, Properties, Resource
from ringfloor.engine import flows
from ringfloor.engine.flows import LATEST, OWNER, SAVED, Pointer
from ringfloor.engine.state import Center
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, not_yet
from ringfloor.operations.crud import shown
from ringfloor.operations.flow_contents import (
    FLOW,
    MODULE,
    check_settings,
    digest,
    pointed,
    published,
    saved,
)
from ringfloor.operations.kinds import BY_KIND, chosen, described, modified
from ringfloor.operations.registry import Handler, Params, Result, register


class Family(NamedTuple):
    """The nouns of flows, or of modules."""

    kind: str
    noun: str
    digest_member: str

    @property
    def id_member(self) -> str:
        return OWNER[self.kind]

    @property
    def arn_member(self) -> str:
        return f"{self.noun}Arn"

    @property
    def version_member(self) -> str:
        return f"{self.noun}Version"

    @property
    def versions(self) -> str:
        """The kind of its versions."""
        return f"{self.kind}_version"

    @property
    def aliases(self) -> str:
        """The kind of its aliases."""
        return f"{self.kind}_alias"


FAMILIES = (
    Family(FLOW, "ContactFlow", "FlowContentSha256"),
    Family(MODULE, "ContactFlowModule", "FlowModuleContentSha256"),
)


def _named(center: Center, family: Family, params: Params) -> tuple[Resource, Pointer]:
    sent = getattr(params, family.id_member)
    return pointed(center, family.kind, sent, family.id_member)


def _whole(center: Center, family: Family, params: Params) -> Resource:
    """The flow or module itself, which must be meant."""
    flow, found = _named(center, family, params)
    if found.qualifier not in ("", LATEST):
        sent = getattr(params, family.id_member)
        raise invalid_request(family.id_member, sent, "must name no version, alias or draft")
    return flow


# Content


def _content(center: Center, family: Family, flow: Resource, found: Pointer) -> Properties:
    """What a description shows of the edition that is asked for."""
    properties, version = flow.properties, None
    edition = {name: properties.get(name) for name in ("Status", "Content", "Settings")}
    if found.qualifier in ("", LATEST):
        if properties["Status"] != "PUBLISHED":
            raise Refusal(
                "ContactFlowNotPublishedException",
                f"{family.id_member}: {flow.name!r} is a draft; {flow.id}:{SAVED} names it",
            )
    elif found.qualifier == SAVED:
        for name in ("Content", "Settings"):
            if f"Saved{name}" in properties:
                edition |= {name: properties[f"Saved{name}"], "Status": "SAVED"}
    else:
        version = flows.version(center, family.kind, found)
        if version is None:
            title = KINDS[family.versions].title
            raise not_found(family.id_member, f"{flow.id}:{found.qualifier}", title)
        edition = {
            "Status": "PUBLISHED",
            **{name: version.properties.get(name) for name in ("Content", "Settings", "Version")},
            "VersionDescription": version.properties.get("Description"),
            **modified(center, version),
        }
    if found.qualifier:
        name = found.qualifier if version is None else version.properties["Version"]
        edition["Arn"] = center.home.arn_of(family.kind, flows.version_id(flow.id, name))
    return {**edition, family.digest_member: digest(str(edition["Content"]))}


def describe(family: Family) -> Handler:
    """Describe{noun}: what is published, or the edition that the id names."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        row = BY_KIND[family.kind]

        def question() -> Result:
            flow, found = _named(center, family, params)
            everything = described(row, center, flow) | _content(center, family, flow, found)
            known = {name: value for name, value in everything.items() if value is not None}
            return shown(context, row, known)

        return await context.read(question)

    return handler


def update_content(family: Family) -> Handler:
    """Update{noun}Content: publish, or save a draft, where the id says $SAVED."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        flow, found = await context.read(lambda: _named(desk.center, family, params))
        sent = {name: getattr(params, name, None) for name in ("Content", "Settings")}
        given = {name: value for name, value in sent.items() if value is not None}
        if not given:
            raise invalid_request("Content", None, "or Settings must be given")
        check_settings(given.get("Settings"))
        if found.qualifier in ("", LATEST):
            lenient = context.service.lenient_flows
            changes = _publishing(desk.center, flow, given, lenient=lenient)
        elif found.qualifier == SAVED:
            changes = _saving(flow, given)
        else:
            sent_id = getattr(params, family.id_member)
            raise invalid_request(family.id_member, sent_id, "names a version, which never changes")
        await context.submit(desk, UpdateResource(family.kind, flow.id, changes))
        return {}

    return handler


def _publishing(center: Center, flow: Resource, given: Properties, *, lenient: bool) -> Properties:
    """Changes after which this is published, and no draft of it is left."""
    done: Properties = {**given, **{f"Saved{name}": None for name in given}, "Status": "PUBLISHED"}
    if "Content" not in given:
        return done
    type_ = flow.properties.get("Type", "MODULE")
    known = published(center, flow.kind, given["Content"], type_, lenient=lenient)
    return {**done, "ModuleIds": known.get("ModuleIds")}


def _saving(flow: Resource, given: Properties) -> Properties:
    """Changes after which this is the draft; what is published stays."""
    if "Content" in given:
        saved(flow.kind, given["Content"], flow.properties.get("Type", "MODULE"))
    if flow.properties["Status"] != "PUBLISHED":
        return given
    return {
        f"Saved{name}": None if value == flow.properties.get(name) else value
        for name, value in given.items()
    }


# Versions


def create_version(family: Family) -> Handler:
    """Create{noun}Version: what is published now, under the next number."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        for member in ("LastModifiedTime", "LastModifiedRegion"):
            if getattr(params, member, None) is not None:
                raise not_yet(member, str(getattr(params, member)))
        flow_id, number = await _create_version(context, desk, family, params)
        arn = desk.center.home.arn_of(family.kind, flow_id)
        return {family.arn_member: arn, "Version": number}

    return handler


async def _create_version(
    context: Context, desk: Desk, family: Family, params: Params
) -> tuple[str, int]:
    """Again with the next number, where somebody else was quicker."""
    for _ in range(UPDATE_ATTEMPTS_MAX):
        flow_id, number, properties = await context.read(
            lambda: _next_version(desk.center, family, params)
        )
        create = CreateResource(
            kind=family.versions,
            id=flows.version_id(flow_id, number),
            properties=properties,
            quota=context.service.quotas.of(family.versions),
        )
        try:
            await context.node.submit(desk.instance_id, create, context.origin)
        except Refusal as refusal:
            if refusal.code != "DuplicateResourceException":
                raise
        else:
            return flow_id, number
    raise Refusal("ThrottlingException", "too many make versions of it at once; try again")


def _next_version(center: Center, family: Family, params: Params) -> tuple[str, int, Properties]:
    """The id of the flow, the next number and the version's properties; refuses what is not so."""
    flow = _whole(center, family, params)
    properties = flow.properties
    if properties["Status"] != "PUBLISHED":
        raise invalid_request(family.id_member, flow.id, "is a draft; publish it first")
    wanted, found = getattr(params, family.digest_member), digest(properties["Content"])
    if wanted is not None and wanted.lower() != found:
        rule = f"is not the digest of what is published, {found}"
        raise invalid_parameter(family.digest_member, wanted, rule)
    least = _least(center, family, flow)
    number = getattr(params, "ContactFlowVersion", None) or least
    if number < least:
        raise invalid_parameter(family.version_member, number, f"must be at least {least}")
    version: Properties = {
        family.id_member: flow.id,
        "Version": number,
        "Description": params.Description,
        "Status": "PUBLISHED",
        **{name: properties.get(name) for name in ("Content", "Settings", "ModuleIds")},
    }
    return flow.id, number, {name: each for name, each in version.items() if each is not None}


def _least(center: Center, family: Family, flow: Resource) -> int:
    """The next number: one more than that of any version that there is or has been."""
    owned = (each for each in center.owned(flow.id) if each.kind == family.versions)
    numbers = (int(each.properties["Version"]) for each in owned)
    return 1 + max([int(flow.properties.get("LastVersion", 0)), *numbers])


def _version(center: Center, family: Family, flow: Resource, number: int) -> Resource:
    found = center.resources[family.versions].get(flows.version_id(flow.id, number))
    if found is None:
        raise not_found(family.version_member, number, KINDS[family.versions].title)
    return found


def delete_version(family: Family) -> Handler:
    """Delete{noun}Version; refused while an alias has it."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        number = getattr(params, family.version_member)

        def question() -> tuple[Resource, Resource, int]:
            flow = _whole(desk.center, family, params)
            version = _version(desk.center, family, flow, number)
            return flow, version, _least(desk.center, family, flow)

        flow, version, least = await context.read(question)
        if number + 1 == least:  # it must not be given again
            await context.submit(desk, UpdateResource(flow.kind, flow.id, {"LastVersion": number}))
        await context.submit(desk, DeleteResource(version.kind, version.id))
        return {}

    return handler


def list_versions(family: Family) -> Handler:
    """List{noun}Versions: by number."""

    def row(center: Center, flow: Resource, version: Resource) -> tuple[str, Properties]:
        number = version.properties["Version"]
        return f"{number:020}", {
            "Arn": center.home.arn_of(family.kind, flows.version_id(flow.id, number)),
            "Version": number,
            "VersionDescription": version.properties.get("Description"),
            **modified(center, version),
        }

    return _listing(family, family.versions, f"{family.noun}VersionSummaryList", row)


def _listing(
    family: Family,
    kind: str,
    member: str,
    row: Callable[[Center, Resource, Resource], tuple[str, Properties]],
) -> Handler:
    """A listing of what belongs to a flow. row: its key in the order, and what is shown of it."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        members = context.operation.members(member)

        def question() -> Result:
            flow = _whole(center, family, params)
            found = [row(center, flow, each) for each in center.owned(flow.id) if each.kind == kind]
            found.sort(key=lambda each: each[0])
            rows = [((key,), _without_nones(chosen(members, face))) for key, face in found]
            return context.page(params, member, rows, LIST_ROWS_DEFAULT)

        return await context.read(question)

    return handler


def _without_nones(face: Properties) -> Properties:
    return {name: value for name, value in face.items() if value is not None}


# Aliases


def _face(center: Center, family: Family, flow: Resource, alias: Resource) -> Properties:
    """All that is shown of an alias, under every name that it has."""
    version = center.resources[family.versions][alias.properties["VersionId"]]
    arn = center.home.arn_of(family.kind, flow.id)
    description = alias.properties.get("Description")
    return {
        family.id_member: flow.id,
        family.arn_member: arn,
        "Arn": f"{arn}/alias/{alias.id}",
        "AliasId": alias.id,
        "Name": alias.name,
        "AliasName": alias.name,
        "Description": description,
        "AliasDescription": description,
        "Version": version.properties["Version"],
        "LastModifiedTime": seconds(alias.modified_at),
        "LastModifiedRegion": center.home.region,
    }


def _alias(center: Center, family: Family, params: Params) -> tuple[Resource, Resource]:
    """The flow and its alias."""
    flow = _whole(center, family, params)
    sent = params.AliasId
    wanted = flows.pointer(sent) if sent.startswith("arn:") else Pointer(flow.id, sent)
    alias = center.resources[family.aliases].get(wanted.qualifier)
    if alias is None or {alias.properties[family.id_member], wanted.id} != {flow.id}:
        raise not_found("AliasId", sent, KINDS[family.aliases].title)
    return flow, alias


def _check_name(field: str, name: str) -> None:
    if name.isdecimal() or name.startswith("$"):
        raise invalid_parameter(field, name, "could be taken for a version")


def create_alias(family: Family) -> Handler:
    """Create{noun}Alias: a name for a version."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        _check_name("AliasName", params.AliasName)
        number = getattr(params, family.version_member)

        def question() -> Properties:
            flow = _whole(desk.center, family, params)
            return {
                family.id_member: flow.id,
                "Name": params.AliasName,
                "VersionId": _version(desk.center, family, flow, number).id,
            }

        properties = await context.read(question)
        if params.Description is not None:
            properties["Description"] = params.Description
        create = CreateResource(
            kind=family.aliases,
            properties=properties,
            quota=context.service.quotas.of(family.aliases),
        )
        made = await context.submit(desk, create)
        arn = desk.center.home.arn_of(family.kind, properties[family.id_member])
        return {family.arn_member: arn, "Id": made}

    return handler


def describe_alias(family: Family) -> Handler:
    """Describe{noun}Alias."""

    async def handler(context: Context, params: Params) -> Result:
        center = context.desk(params.InstanceId).center
        member = f"{family.noun}Alias"
        members = context.operation.members(member)

        def question() -> Result:
            face = _face(center, family, *_alias(center, family, params))
            return {member: _without_nones(chosen(members, face))}

        return await context.read(question)

    return handler


def list_aliases(family: Family) -> Handler:
    """List{noun}Aliases: by name."""

    def row(center: Center, flow: Resource, alias: Resource) -> tuple[str, Properties]:
        return alias.name, _face(center, family, flow, alias)

    return _listing(family, family.aliases, f"{family.noun}AliasSummaryList", row)


def update_alias(family: Family) -> Handler:
    """Update{noun}Alias: another name, description or version; refused if it has changed since."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        number = getattr(params, family.version_member)
        if params.Name is not None:
            _check_name("Name", params.Name)

        def question() -> tuple[str, Properties, Properties]:
            flow, alias = _alias(desk.center, family, params)
            changes = {"Name": params.Name, "Description": params.Description}
            if number is not None:
                changes["VersionId"] = _version(desk.center, family, flow, number).id
            changes = _without_nones(changes)
            return alias.id, changes, {name: alias.properties.get(name) for name in changes}

        alias_id, changes, expected = await context.read(question)
        update = UpdateResource(family.aliases, alias_id, changes, expected=expected)
        await context.submit(desk, update)
        return {}

    return handler


def delete_alias(family: Family) -> Handler:
    """Delete{noun}Alias; the version stays."""

    async def handler(context: Context, params: Params) -> Result:
        desk = context.desk(params.InstanceId)
        _, alias = await context.read(lambda: _alias(desk.center, family, params))
        await context.submit(desk, DeleteResource(alias.kind, alias.id))
        return {}

    return handler


for _family in FAMILIES:
    _noun = _family.noun
    register(f"Describe{_noun}", describe(_family))
    register(f"Update{_noun}Content", update_content(_family))
    register(f"Create{_noun}Version", create_version(_family))
    register(f"List{_noun}Versions", list_versions(_family))
    register(f"Delete{_noun}Version", delete_version(_family))
    register(f"Create{_noun}Alias", create_alias(_family))
    register(f"Describe{_noun}Alias", describe_alias(_family))
    register(f"List{_noun}Aliases", list_aliases(_family))
    register(f"Update{_noun}Alias", update_alias(_family))
    register(f"Delete{_noun}Alias", delete_alias(_family))
