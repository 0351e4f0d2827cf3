"""Hierarchy: where agents and groups stand in the hierarchy of an instance."""

from ringfloor.domain.resources import Resource
from ringfloor.engine.state import Center


def path(center: Center, group_id: str) -> list[Resource]:
    """The group and those above it, level one first."""
    groups = center.resources["hierarchy_group"]
    found = [groups[group_id]]
    while (parent := found[0].properties.get("ParentGroupId")) is not None:
        found.insert(0, groups[parent])
    return found


def of_user(center: Center, user_id: str) -> list[Resource]:
    """The groups that a user belongs to, level one first; none if he has no group, or is gone."""
    user = center.resources["user"].get(user_id)
    group_id = user.properties.get("HierarchyGroupId") if user is not None else None
    return [] if group_id is None else path(center, group_id)
