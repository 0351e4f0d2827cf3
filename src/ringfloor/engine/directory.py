"""Directory: the resources of an instance. Names, references and quotas hold at every moment.

All kinds live the same life; what differs stands in domain.resources.KINDS. Three kinds have a
second life elsewhere in the engine and are told on here: users become agents, routing profiles are
compiled for routing, flows are compiled for contacts.
"""

from collections.abc import Iterator
from typing import Any

from ringfloor.base.errors import Refusal, invalid_request, not_found, shown
from ringfloor.base.ids import Seed, derive
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
from ringfloor.domain.resources import KINDS, Properties, Resource, references
from ringfloor.engine import agent, flows, routing
from ringfloor.engine.state import Center, Instance

# Decisions


def create(center: Center, command: CreateResource, seed: Seed) -> Iterator[Event]:
    """A new resource; its id is the first of the seed."""
    kind = KINDS[command.kind]
    count = len(center.resources[kind.name])
    if command.quota is not None and count >= command.quota:
        raise Refusal(
            "LimitExceededException",
            f"{kind.title}: this instance has {count}, its quota is {command.quota}",
        )
    _check(center, kind.name, None, command.properties)
    yield ResourceCreated(kind.name, derive(seed, 0), command.properties, command.tags)


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
    center.resource(command.kind, command.id)
    yield ResourceTagged(command.kind, command.id, command.tags)


def delete(center: Center, command: DeleteResource) -> Iterator[Event]:
    """Refused while anything names the resource, with the names of those that do."""
    kind = KINDS[command.kind]
    resource = center.resource(command.kind, command.id)
    if not kind.deletable:
        raise invalid_request("Id", command.id, f"is an {kind.title}, which cannot be deleted")
    users = sorted(
        f"{KINDS[by].title} {center.resources[by][identifier].name!r}"
        for by, identifier in center.referrers.get(command.id, {})
        if identifier != command.id
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
    yield ResourceDeleted(command.kind, command.id)


def shown_list(items: list[str], at_most: int = 5) -> str:
    """A list as a message shows it."""
    rest = len(items) - at_most
    return ", ".join(items[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def _check(center: Center, kind: str, identifier: str | None, properties: Properties) -> None:
    row = KINDS[kind]
    if kind == "contact_flow" and properties.get("Status") == "PUBLISHED":
        flows.parsed(properties["Content"])
    name = properties[row.name_member]
    if center.names[kind].get(name, identifier) != identifier:
        raise Refusal(
            "DuplicateResourceException",
            f"{row.name_member}: {shown(name)} is the name of another {row.title}",
        )
    for reference, other in references(row, properties):
        if other not in center.resources[reference.kind]:
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
    resource = center.resources[event.kind][event.id]
    after = {**resource.tags, **event.tags}
    resource.tags = {key: value for key, value in after.items() if value is not None}
    resource.modified_at = at


def deleted(center: Center, event: ResourceDeleted, _at: Instant) -> None:
    if event.kind == "user":
        agent.left(center, event.id)
    resource = center.resources[event.kind].pop(event.id)
    _forget(center, resource)
    if event.kind == "routing_profile":
        routing.install(center, event.id, None)
    elif event.kind == "contact_flow":
        flows.publish(center, event.id, None)


def put(center: Center, resource: Resource) -> None:
    """The resource as it now is, with everything that is derived from it."""
    kind = KINDS[resource.kind]
    center.resources[kind.name][resource.id] = resource
    center.names[kind.name][resource.name] = resource.id
    for _, other in references(kind, resource.properties):
        counts = center.referrers.setdefault(other, {})
        key = (kind.name, resource.id)
        counts[key] = counts.get(key, 0) + 1
    if resource.kind == "routing_profile":
        profile = routing.compiled(resource.id, resource.properties)
        routing.install(center, resource.id, profile)
    elif resource.kind == "contact_flow":
        published = resource.properties.get("Status") == "PUBLISHED"
        flows.publish(center, resource.id, resource.properties["Content"] if published else None)


def _forget(center: Center, resource: Resource) -> None:
    kind = KINDS[resource.kind]
    del center.names[kind.name][resource.name]
    for _, other in references(kind, resource.properties):
        counts = center.referrers[other]
        key = (kind.name, resource.id)
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
        if not counts:
            del center.referrers[other]
