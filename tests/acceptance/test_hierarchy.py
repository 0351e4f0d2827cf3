"""Agent hierarchy and instance attributes with boto3."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter


def code(call) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


def test_levels_groups_and_users(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance}
    assert connect.describe_user_hierarchy_structure(**at)["HierarchyStructure"] == {}
    assert code(lambda: connect.create_user_hierarchy_group(**at, Name="west")) == (
        "InvalidParameterException"
    )
    levels = {"LevelOne": {"Name": "region"}, "LevelTwo": {"Name": "team"}}
    connect.update_user_hierarchy_structure(**at, HierarchyStructure=levels)
    structure = connect.describe_user_hierarchy_structure(**at)["HierarchyStructure"]
    assert {name: level["Name"] for name, level in structure.items()} == {
        "LevelOne": "region",
        "LevelTwo": "team",
    }
    west = connect.create_user_hierarchy_group(**at, Name="west")["HierarchyGroupId"]
    team = connect.create_user_hierarchy_group(**at, Name="blue", ParentGroupId=west)
    blue = team["HierarchyGroupId"]
    described = connect.describe_user_hierarchy_group(**at, HierarchyGroupId=blue)["HierarchyGroup"]
    assert described["LevelId"] == structure["LevelTwo"]["Id"]
    assert [described["HierarchyPath"][level]["Id"] for level in levels] == [west, blue]
    assert code(
        lambda: connect.create_user_hierarchy_group(**at, Name="x", ParentGroupId=blue)
    ) == ("InvalidParameterException")
    listed = connect.list_user_hierarchy_groups(**at)["UserHierarchyGroupSummaryList"]
    assert [each["Name"] for each in listed] == ["blue", "west"]

    connect.update_user_hierarchy(
        **at, UserId=center.agent, HierarchyGroupId=team["HierarchyGroupArn"]
    )
    assert connect.describe_user(**at, UserId=center.agent)["User"]["HierarchyGroupId"] == blue
    for group in (west, blue):
        assert code(
            lambda group=group: connect.delete_user_hierarchy_group(**at, HierarchyGroupId=group)
        ) == ("ResourceInUseException")
    assert code(
        lambda: connect.update_user_hierarchy_structure(
            **at, HierarchyStructure={"LevelOne": {"Name": "region"}}
        )
    ) == ("ResourceInUseException")
    connect.update_user_hierarchy(**at, UserId=center.agent)
    assert "HierarchyGroupId" not in connect.describe_user(**at, UserId=center.agent)["User"]
    connect.update_user_hierarchy_group_name(**at, HierarchyGroupId=blue, Name="green")
    connect.delete_user_hierarchy_group(**at, HierarchyGroupId=blue)
    connect.update_user_hierarchy_structure(**at, HierarchyStructure={"LevelOne": {"Name": "land"}})
    after = connect.describe_user_hierarchy_structure(**at)["HierarchyStructure"]
    assert after["LevelOne"]["Id"] == structure["LevelOne"]["Id"]
    assert list(after) == ["LevelOne"]


def test_attributes_of_an_instance(server):
    center = FirstCenter(server)
    connect, at = center.connect, {"InstanceId": center.instance}
    pages = connect.get_paginator("list_instance_attributes").paginate(
        **at, PaginationConfig={"PageSize": 7}
    )
    values = {each["AttributeType"]: each["Value"] for page in pages for each in page["Attributes"]}
    assert len(values) == 14
    assert (values["OUTBOUND_CALLS"], values["EARLY_MEDIA"]) == ("true", "true")
    connect.update_instance_attribute(**at, AttributeType="OUTBOUND_CALLS", Value="false")
    assert code(center.dial) == "OutboundContactNotPermittedException"
    connect.update_instance_attribute(**at, AttributeType="OUTBOUND_CALLS", Value="true")
    center.dial()
    assert code(
        lambda: connect.update_instance_attribute(
            **at, AttributeType="EARLY_MEDIA", Value="perhaps"
        )
    ) == ("InvalidParameterException")
