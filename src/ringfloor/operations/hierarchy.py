"""Hierarchy: the levels of an instance's agent hierarchy, at most five, and where a group stands.

The structure names the levels and belongs to the instance; the groups are resources that name their
parent (their rows stand in operations.kinds). A group without parent stands on level one.
Source: DescribeUserHierarchyStructure and HierarchyPath of the API reference; behaviour
specification, section 1.6.
"""

from collections.abc import Mapping

from ringfloor.base.errors import Refusal, invalid_parameter
from ringfloor.base.ids import derive
from ringfloor.base.time import Instant, seconds
from ringfloor.domain.commands import UpdateInstance
from ringfloor.domain.resources import Home, Properties, Resource
from ringfloor.engine.hierarchy import path
from ringfloor.engine.state import Center
from ringfloor.operations.context import Context
from ringfloor.operations.registry import Params, Result, operation

LEVELS = ("LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive")

STRUCTURE = "HierarchyStructure"
"""The property of the instance: level to its Id, Name and instant of change."""


def structure(center: Center) -> Mapping[str, Properties]:
    """The levels that there are."""
    assert center.instance is not None
    found: Mapping[str, Properties] = center.instance.properties.get(STRUCTURE) or {}
    return found


def standing(center: Center, group: Resource) -> Properties:
    """LevelId and HierarchyPath of a group."""
    above = path(center, group.id)
    levels = dict(zip(LEVELS, above, strict=False))
    level = structure(center)[LEVELS[len(above) - 1]]
    return {
        "LevelId": level["Id"],
        "HierarchyPath": {
            name: {
                "Id": each.id,
                "Arn": center.home.arn_of("hierarchy_group", each.id),
                "Name": each.name,
                **_changed(center.home, each.modified_at),
            }
            for name, each in levels.items()
        },
    }


async def group_check(center: Center, properties: Properties) -> Properties:
    """There is a level for the group to stand on."""
    parent = properties.get("ParentGroupId")
    depth = 0
    if parent is not None:
        center.resource("hierarchy_group", parent, "ParentGroupId")
        depth = len(path(center, parent))
    if depth >= len(LEVELS) or LEVELS[depth] not in structure(center):
        raise invalid_parameter(
            "ParentGroupId", parent, f"leaves the group on level {depth + 1}, which is not there"
        )
    return properties


def _changed(home: Home, at: Instant) -> Properties:
    return {"LastModifiedTime": seconds(at), "LastModifiedRegion": home.region}


@operation("DescribeUserHierarchyStructure")
async def describe_user_hierarchy_structure(context: Context, params: Params) -> Result:
    """The levels and their names."""
    center = context.desk(params.InstanceId).center

    def question() -> Result:
        return {
            STRUCTURE: {
                name: {
                    "Id": level["Id"],
                    "Arn": f"{center.home.arn}/agent-group-level/{level['Id']}",
                    "Name": level["Name"],
                    **_changed(center.home, level["ModifiedAt"]),
                }
                for name, level in structure(center).items()
            }
        }

    return await context.read(question)


@operation("UpdateUserHierarchyStructure")
async def update_user_hierarchy_structure(context: Context, params: Params) -> Result:
    """New names; a level that is left out goes, unless groups stand on it."""
    desk = context.desk(params.InstanceId)
    names = {
        level: update.Name
        for level in LEVELS
        if (update := getattr(params.HierarchyStructure, level)) is not None
    }
    if list(names) != list(LEVELS[: len(names)]):
        raise invalid_parameter(STRUCTURE, list(names), "leaves a level out in the middle")
    if len(set(names.values())) < len(names):
        raise invalid_parameter(STRUCTURE, list(names.values()), "gives two levels one name")
    seed = context.node.draw()

    def question() -> Properties:
        center = desk.center
        before = structure(center)
        deepest = max(
            (len(path(center, each)) for each in center.resources["hierarchy_group"]), default=0
        )
        if deepest > len(names):
            raise Refusal(
                "ResourceInUseException",
                f"{STRUCTURE}: groups stand on level {deepest}",
                ResourceType="HIERARCHY_LEVEL",
                ResourceId=before[LEVELS[deepest - 1]]["Id"],
            )
        return {
            level: before[level]
            if level in before and before[level]["Name"] == name
            else {
                "Id": before[level]["Id"] if level in before else derive(seed, number),
                "Name": name,
                "ModifiedAt": context.now,
            }
            for number, (level, name) in enumerate(names.items())
        }

    changed = await context.read(question)
    await context.submit(desk, UpdateInstance({STRUCTURE: changed}))
    return {}
