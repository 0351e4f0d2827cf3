"""Directory: the resources of an instance. Names, references and quotas hold at every moment.

All kinds live the same life; what differs stands in domain.resources.KINDS. Three kinds have a
second life elsewhere in the engine and are told on here: users become agents, routing profiles are
compiled for routing, flows are compiled for contacts.
"""

from collections.abc import Iterator
from typing import Any

from ringfloor.base.errors import Refusal, invalid_request, not_found, shown, shown_list
from ringfloor.base.ids import Seed, derive
from ringfloor.base.limits import CLIENT_TOKEN_MS
from ringfloor.base.time import Instant
from ringfloor.domain.commands import (
    CreateResource,
    DeleteResource,
    TagResource,
    UpdateInstance,
    UpdateResource,
)
from ringfloor.domain.events import (
    Event,
    InstanceCreated,
    InstanceDeleted,
    InstanceUpdated,
    ResourceCreated,
    ResourceDeleted,
    ResourceTagged,
    ResourceUpdated,
)
from ringfloor.domain.resources import KINDS, Kind, Properties, Resource, key_of, references
from ringfloor.engine import agent, flows, routing
from ringfloor.engine.state import Center, Instance

INSTANCE = "instance"
"""What a tag's event names where the instance itself is tagged; no kind of the table."""

# Decisions


def create(center: Center, command: CreateResource, seed: Seed) -> Iterator[Event]:
    """A new resource, by default of the seed's first id. Nothing, if its client token made one."""
    kind = KINDS[command.kind]
    if made_with(center, command) is not None:
        return
    _check(center, kind.name, None, command.properties)
    if command.quota is not None:
        _keep_quota(center, kind, command)
    made = command.id or derive(seed, 0)
    yield ResourceCreated(kind.name, made, command.properties, command.tags, command.client_token)


def made_with(center: Center, command: CreateResource) -> str | None:
    """The id of what this client token has made in the last days, if that is still there."""
    if command.client_token is None:
        return None
    found = center.made_with.get((command.kind, command.client_token))
    if found is None:
        return None
    age = center.at - center.resources[command.kind][found].created_at
    return found if age < CLIENT_TOKEN_MS else None


def _keep_quota(center: Center, kind: Kind, command: CreateResource) -> None:
    if kind.owner is None:
        whose, count = "this instance", len(center.resources[kind.name])
    else:
        owner = command.properties[kind.owner]
        whose = f"{kind.owner} {owner}"
        count = sum(each.kind == kind.name for each in center.owned(owner))
    assert command.quota is not None
    if count >= command.quota:
        raise Refusal(
            "LimitExceededException",
            f"{kind.title}: {whose} has {count}, its quota is {command.quota}",
        )


def update(center: Center, command: UpdateResource) -> Iterator[Event]:
    """New values for some members."""
    resource = center.resource(command.kind, command.id)
    for name, value in (command.expected or {}).items():
        if resource.properties.get(name) != value:
            raise Refusal("ConditionalOperationFailedException", f"{name}: has changed meanwhile")
    after = merged(resource.properties, command.changes)
    _check(center, command.kind, command.id, after)
    if after != resource.properties:
        yield ResourceUpdated(command.kind, command.id, command.changes)


def tag(center: Center, command: TagResource) -> Iterator[Event]:
    """New values for some tags."""
    if command.kind != INSTANCE:
        center.resource(command.kind, command.id)
    yield ResourceTagged(command.kind, command.id, command.tags)


def delete(center: Center, command: DeleteResource) -> Iterator[Event]:
    """With what belongs to it. Refused while anything else names it, with the names of those."""
    kind = KINDS[command.kind]
    resource = center.resource(command.kind, command.id)
    if not kind.deletable:
        raise invalid_request("Id", command.id, f"is an {kind.title}, which cannot be deleted")
    gone = [*_belongings(center, command.id), resource]
    going = {each.id for each in gone}
    users = sorted(
        _called(center, center.resources[by][identifier])
        for each in gone
        for by, identifier in center.referrers.get(each.id, {})
        if identifier not in going and _binds(center, by, identifier, each.id)
    )
    if command.kind == "user" and center.agents[command.id].contacts:
        users.append(f"contact {next(iter(center.agents[command.id].contacts))!r}")
    if center.queued.get(command.id):
        users.append(f"{center.queued[command.id]} waiting contacts")
    if users:
        raise Refusal(
            "ResourceInUseException",
            f"{kind.title} {resource.name!r} is in use by {shown_list(users)}",
            ResourceType=kind.name.upper(),
            ResourceId=command.id,
        )
    for each in gone:
        yield ResourceDeleted(each.kind, each.id)


def _called(center: Center, resource: Resource) -> str:
    """How a message names a resource: its kind and name, and whose it is."""
    kind = KINDS[resource.kind]
    named = f"{kind.title} {resource.name!r}"
    if kind.owner is None:
        return named
    above = next(each.kind for each in kind.references if each.path == (kind.owner,))
    owner = center.resources[above][resource.properties[kind.owner]]
    return f"{named} of {_called(center, owner)}"


def _binds(center: Center, kind: str, identifier: str, other: str) -> bool:
    """Whether a resource names another one so that the other cannot be deleted."""
    named = references(KINDS[kind], center.resources[kind][identifier].properties)
    return any(reference.binding and value == other for reference, value in named)


def _belongings(center: Center, identifier: str) -> Iterator[Resource]:
    """What belongs to a resource, and what belongs to that, the innermost first."""
    for each in center.owned(identifier):
        if not KINDS[each.kind].holds_owner:
            yield from _belongings(center, each.id)
            yield each


def _check(center: Center, kind: str, identifier: str | None, properties: Properties) -> None:
    row = KINDS[kind]
    if kind in flows.KINDS and properties.get("Status") == "PUBLISHED":
        flows.parsed(properties["Content"])
    if center.names[kind].get(key_of(row, properties), identifier) != identifier:
        raise Refusal(
            "DuplicateResourceException",
            f"{row.name_member}: {shown(properties[row.name_member])} is the name of another"
            f" {row.title}",
        )
    before = center.resources[kind].get(identifier or "")
    had = set(references(row, before.properties)) if before else set()
    for reference, other in references(row, properties):
        stays = not reference.binding and (reference, other) in had
        if other not in center.resources[reference.kind] and not stays:
            member = next(part for part in reversed(reference.path) if part != "*")
            raise not_found(member, other, KINDS[reference.kind].title)


def merged(properties: Properties, changes: dict[str, Any]) -> Properties:
    """Properties with some members changed; None takes one away."""
    after = {**properties, **changes}
    return {name: value for name, value in after.items() if value is not None}


def update_instance(center: Center, command: UpdateInstance) -> Iterator[Event]:
    """New values for some properties of the instance itself."""
    assert center.instance is not None
    if merged(center.instance.properties, command.changes) != center.instance.properties:
        yield InstanceUpdated(command.changes)


# What the events do


def instance_created(center: Center, event: InstanceCreated, at: Instant) -> None:
    center.instance = Instance(
        id=event.instance_id,
        region=event.region,
        account=event.account,
        alias=event.alias,
        properties=event.properties,
        created_at=at,
        tags=event.tags,
        client_token=event.client_token,
    )


def instance_updated(center: Center, event: InstanceUpdated, _at: Instant) -> None:
    assert center.instance is not None
    center.instance.properties = merged(center.instance.properties, event.changes)


def instance_deleted(center: Center, _event: InstanceDeleted, _at: Instant) -> None:
    assert center.instance is not None
    center.instance.deleted = True


def created(center: Center, event: ResourceCreated, at: Instant) -> None:
    put(
        center,
        Resource(
            kind=event.kind,
            id=event.id,
            properties=event.properties,
            tags=event.tags,
            created_at=at,
            modified_at=at,
            client_token=event.client_token,
        ),
    )
    if event.kind == "user":
        agent.joined(center, event.id, at)


def updated(center: Center, event: ResourceUpdated, at: Instant) -> None:
    resource = center.resources[event.kind][event.id]
    _forget(center, resource)
    resource.properties = merged(resource.properties, event.changes)
    resource.modified_at = at
    put(center, resource)
    if event.kind == "user":
        routing.stand(center, center.agents[event.id])


def tagged(center: Center, event: ResourceTagged, at: Instant) -> None:
    if event.kind == INSTANCE:
        assert center.instance is not None
        center.instance.tags = merged(center.instance.tags, event.tags)
        return
    resource = center.resources[event.kind][event.id]
    resource.tags = merged(resource.tags, event.tags)
    resource.modified_at = at


def deleted(center: Center, event: ResourceDeleted, _at: Instant) -> None:
    if event.kind == "user":
        agent.left(center, event.id)
    resource = center.resources[event.kind].pop(event.id)
    _forget(center, resource)
    if event.kind == "routing_profile":
        routing.install(center, event.id, None)
    elif event.kind in flows.KINDS:
        flows.publish(center, event.id, None)


def put(center: Center, resource: Resource) -> None:
    """The resource as it now is, with everything that is derived from it."""
    kind = KINDS[resource.kind]
    center.resources[kind.name][resource.id] = resource
    center.names[kind.name][resource.key] = resource.id
    if resource.client_token is not None:
        made = kind.name, resource.client_token
        before = center.resources[kind.name].get(center.made_with.get(made, ""), resource)
        if before.created_at <= resource.created_at:
            center.made_with[made] = resource.id
    for _, other in references(kind, resource.properties):
        counts = center.referrers.setdefault(other, {})
        key = (kind.name, resource.id)
        counts[key] = counts.get(key, 0) + 1
    if resource.kind == "routing_profile":
        profile = routing.compiled(resource.id, resource.properties)
        routing.install(center, resource.id, profile)
    elif resource.kind == "user":
        routing.learn(center, resource.id, resource.properties)
    elif resource.kind in flows.KINDS:
        published = resource.properties.get("Status") == "PUBLISHED"
        flows.publish(center, resource.id, resource.properties["Content"] if published else None)
        flows.know_default(center, resource, there=True)


def _forget(center: Center, resource: Resource) -> None:
    kind = KINDS[resource.kind]
    flows.know_default(center, resource, there=False)
    del center.names[kind.name][resource.key]
    made = kind.name, resource.client_token or ""
    if center.made_with.get(made) == resource.id:
        del center.made_with[made]
    for _, other in references(kind, resource.properties):
        counts = center.referrers[other]
        key = (kind.name, resource.id)
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
        if not counts:
            del center.referrers[other]
