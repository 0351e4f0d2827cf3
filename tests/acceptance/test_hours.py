"""Hours of operation with overrides and parents, and task templates, with boto3."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def entry(day: str, start: int, end: int) -> dict:
    return {
        "Day": day,
        "StartTime": {"Hours": start, "Minutes": 0},
        "EndTime": {"Hours": end, "Minutes": 0},
    }


class Hours:
    """Nine to five, Monday to Friday."""

    def __init__(self, center: FirstCenter, name: str) -> None:
        self.connect = center.connect
        made = self.connect.create_hours_of_operation(
            InstanceId=center.instance,
            Name=name,
            TimeZone="Europe/Berlin",
            Config=[entry(day, 9, 17) for day in WEEK],
        )
        self.id, self.arn = made["HoursOfOperationId"], made["HoursOfOperationArn"]
        self.at = {"InstanceId": center.instance, "HoursOfOperationId": self.id}

    def override(self, name: str, config: list, first="2026-12-24", last="2026-12-26", **more):
        return self.connect.create_hours_of_operation_override(
            **self.at, Name=name, Config=config, EffectiveFrom=first, EffectiveTill=last, **more
        )["HoursOfOperationOverrideId"]

    def effective(self, first: str, last: str) -> dict[str, list[str]]:
        answer = self.connect.get_effective_hours_of_operations(
            **self.at, FromDate=first, ToDate=last
        )
        assert answer["TimeZone"] == "Europe/Berlin"
        return {
            day["Date"]: [
                f"{each['Start']['Hours']}-{each['End']['Hours']}"
                for each in day["OperationalHours"]
            ]
            for day in answer["EffectiveHoursOfOperationList"]
        }

    def overrides(self, **page) -> list[str]:
        listed = self.connect.list_hours_of_operation_overrides(**self.at, **page)
        return [each["Name"] for each in listed["HoursOfOperationOverrideList"]]


@pytest.fixture(scope="module")
def center(server) -> FirstCenter:
    return FirstCenter(server)


def code(call, **parameters) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_an_override_and_what_it_does(center):
    hours = Hours(center, "override story")
    connect = center.connect
    override = hours.override(
        "Christmas", [entry("THURSDAY", 9, 12)], Description="Short on the eve"
    )
    at = {**hours.at, "HoursOfOperationOverrideId": override}
    described = connect.describe_hours_of_operation_override(**at)["HoursOfOperationOverride"]
    assert described == {
        "HoursOfOperationOverrideId": override,
        "HoursOfOperationId": hours.id,
        "HoursOfOperationArn": hours.arn,
        "Name": "Christmas",
        "Description": "Short on the eve",
        "Config": [entry("THURSDAY", 9, 12)],
        "EffectiveFrom": "2026-12-24",
        "EffectiveTill": "2026-12-26",
        "OverrideType": "STANDARD",
    }
    assert hours.overrides() == ["Christmas"]
    assert hours.effective("2026-12-23", "2026-12-28") == {
        "2026-12-23": ["9-17"],
        "2026-12-24": ["9-12"],
        "2026-12-25": [],
        "2026-12-26": [],
        "2026-12-27": [],
        "2026-12-28": ["9-17"],
    }
    shown = connect.get_effective_hours_of_operations(
        **hours.at, FromDate="2026-12-24", ToDate="2026-12-25"
    )["EffectiveOverrideHoursList"]
    assert [(day["Date"], day["OverrideHours"][0]["OperationalStatus"]) for day in shown] == [
        ("2026-12-24", "OPEN"),
        ("2026-12-25", "CLOSED"),
    ]
    connect.update_hours_of_operation_override(**at, Config=[entry("FRIDAY", 0, 0)])
    assert hours.effective("2026-12-24", "2026-12-25") == {"2026-12-24": [], "2026-12-25": ["0-0"]}
    found = connect.search_hours_of_operation_overrides(
        InstanceId=center.instance,
        SearchCriteria={
            "DateCondition": {
                "FieldName": "EffectiveFrom",
                "Value": "2026-12-24",
                "ComparisonType": "LESS_THAN_OR_EQUAL_TO",
            }
        },
    )
    assert override in [
        each["HoursOfOperationOverrideId"] for each in found["HoursOfOperationOverrides"]
    ]
    connect.delete_hours_of_operation_override(**at)
    assert hours.overrides() == []
    assert code(connect.describe_hours_of_operation_override, **at) == "ResourceNotFoundException"


def test_names_are_unique_within_the_hours_and_overrides_go_with_them(center):
    one, other = Hours(center, "first of two"), Hours(center, "second of two")
    override = one.override("Holiday", [])
    other.override("Holiday", [])
    assert code(one.override, name="Holiday", config=[]) == "DuplicateResourceException"
    connect = center.connect
    foreign = {**other.at, "HoursOfOperationOverrideId": override}
    for call in (
        connect.describe_hours_of_operation_override,
        connect.delete_hours_of_operation_override,
    ):
        assert code(call, **foreign) == "ResourceNotFoundException"
    connect.delete_hours_of_operation(**one.at)
    again = Hours(center, "first of two")
    assert again.overrides() == []
    assert other.overrides() == ["Holiday"]


def test_recurring_and_inherited(center):
    parent, child = Hours(center, "holidays"), Hours(center, "branch")
    connect = center.connect
    parent.override(
        "New Year",
        [entry(day, 0, 0) for day in (*WEEK, "SATURDAY", "SUNDAY")],
        first="2026-01-01",
        last="2030-12-31",
        OverrideType="CLOSED",
        RecurrenceConfig={
            "RecurrencePattern": {
                "Frequency": "YEARLY",
                "Interval": 1,
                "ByMonth": [1],
                "ByMonthDay": [1],
            }
        },
    )
    assert child.effective("2027-01-01", "2027-01-01") == {"2027-01-01": ["9-17"]}
    connect.associate_hours_of_operations(
        **child.at, ParentHoursOfOperationConfigs=[{"HoursOfOperationId": parent.arn}]
    )
    assert child.effective("2027-01-01", "2027-01-01") == {"2027-01-01": []}
    described = connect.describe_hours_of_operation(**child.at)["HoursOfOperation"]
    assert described["ParentHoursOfOperations"] == [
        {"Name": "holidays", "Id": parent.id, "Arn": parent.arn}
    ]
    children = connect.list_child_hours_of_operations(**parent.at)
    assert [each["Name"] for each in children["ChildHoursOfOperationsSummaryList"]] == ["branch"]
    assert code(connect.delete_hours_of_operation, **parent.at) == "InvalidRequestException"
    assert code(
        connect.associate_hours_of_operations,
        **child.at,
        ParentHoursOfOperationConfigs=[{"HoursOfOperationId": child.id}],
    ) == ("InvalidParameterException")
    connect.disassociate_hours_of_operations(**child.at, ParentHoursOfOperationIds=[parent.id])
    assert child.effective("2027-01-01", "2027-01-01") == {"2027-01-01": ["9-17"]}
    assert code(
        connect.disassociate_hours_of_operations,
        **child.at,
        ParentHoursOfOperationIds=[parent.id],
    ) == ("ResourceNotFoundException")
    connect.delete_hours_of_operation(**parent.at)


@pytest.mark.parametrize(
    "changes",
    [
        {"last": "2026-12-23"},
        {"first": "2026-02-30", "last": "2026-03-01"},
        {"config": [entry("MONDAY", 17, 9)]},
        {"config": [{"Day": "MONDAY"}]},
        {
            "RecurrenceConfig": {"RecurrencePattern": {"Frequency": "WEEKLY", "Interval": 1}},
        },
    ],
)
def test_overrides_that_are_refused(center, changes):
    hours = Hours(center, f"refusals {changes}"[:100].replace("'", ""))
    request = {"name": "x", "config": [], **changes}
    assert code(hours.override, **request) == "InvalidParameterException"
    assert hours.overrides() == []


NAME = {"Id": {"Name": "Task name"}, "Type": "NAME"}
REQUIRED = {"RequiredFields": [{"Id": {"Name": "Task name"}}]}


def test_task_templates(center):
    connect, instance = center.connect, center.instance
    request = {
        "InstanceId": instance,
        "Name": "Call back",
        "ContactFlowId": center.flow,
        "Fields": [NAME, {"Id": {"Name": "Due"}, "Type": "SCHEDULED_TIME"}],
        "Constraints": REQUIRED,
        "ClientToken": "once",
    }
    made = connect.create_task_template(**request)
    assert connect.create_task_template(**request)["Id"] == made["Id"]
    at = {"InstanceId": instance, "TaskTemplateId": made["Id"]}
    template = connect.get_task_template(**at)
    assert template["Arn"] == made["Arn"]
    assert (template["Name"], template["Status"]) == ("Call back", "ACTIVE")
    assert template["InstanceId"] == instance
    changed = connect.update_task_template(**at, Status="INACTIVE", Description="Later")
    assert (changed["Status"], changed["Description"]) == ("INACTIVE", "Later")
    listed = connect.list_task_templates(InstanceId=instance, Status="INACTIVE")["TaskTemplates"]
    assert [each["Id"] for each in listed] == [made["Id"]]
    assert connect.list_task_templates(InstanceId=instance, Status="ACTIVE")["TaskTemplates"] == []
    in_use = {"InstanceId": instance, "ContactFlowId": center.flow}
    assert code(connect.delete_contact_flow, **in_use) == "InvalidRequestException"
    connect.delete_task_template(**at)
    assert code(connect.get_task_template, **at) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"Fields": [NAME, NAME]}, "Fields[1]"),
        ({"Fields": [{**NAME, "Type": "TEXT"}]}, "Fields"),
        ({"Constraints": {}}, "Constraints.RequiredFields"),
        ({"ContactFlowId": ""}, "ContactFlowId"),
        (
            {"Defaults": {"DefaultFieldValues": [{"Id": {"Name": "x"}, "DefaultValue": "1"}]}},
            "Defaults.DefaultFieldValues[0]",
        ),
    ],
)
def test_task_templates_that_are_refused(center, changes, path):
    request = {
        "InstanceId": center.instance,
        "Name": "Refused",
        "ContactFlowId": center.flow,
        "Fields": [NAME],
        "Constraints": REQUIRED,
        **changes,
    }
    if not request["ContactFlowId"]:
        del request["ContactFlowId"]
    with pytest.raises(ClientError) as caught:
        center.connect.create_task_template(**request)
    assert caught.value.response["Error"]["Code"] == "PropertyValidationException"
    assert path in [each["PropertyPath"] for each in caught.value.response["PropertyList"]]


def test_a_quota_is_told_in_the_operations_own_words(start):
    center = FirstCenter(
        start("--memory", "--sandbox", "--clock", "virtual", "--quota", "task_template=0")
    )
    request = {
        "InstanceId": center.instance,
        "Name": "One too many",
        "ContactFlowId": center.flow,
        "Fields": [NAME],
        "Constraints": REQUIRED,
    }
    assert code(center.connect.create_task_template, **request) == "ServiceQuotaExceededException"
