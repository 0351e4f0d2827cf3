"""A first contact center, made and driven through the public interfaces alone."""

import itertools
import json
from typing import Any

PASSWORD = "Ringfloor1"
CUSTOMER = "+12065550100"
OWN_NUMBER = "+15555550100"


_NUMBERS = itertools.count(1)


def greeting_flow(queue_arn: str, text: str = "Hello from the flow.") -> str:
    """Play a prompt, set the queue, transfer to it; flow language JSON."""
    actions = [
        {
            "Identifier": "greet",
            "Type": "MessageParticipant",
            "Parameters": {"Text": text},
            "Transitions": {"NextAction": "choose", "Errors": [], "Conditions": []},
        },
        {
            "Identifier": "choose",
            "Type": "UpdateContactTargetQueue",
            "Parameters": {"QueueId": queue_arn},
            "Transitions": {
                "NextAction": "enqueue",
                "Errors": [{"NextAction": "bye", "ErrorType": "NoMatchingError"}],
                "Conditions": [],
            },
        },
        {
            "Identifier": "enqueue",
            "Type": "TransferContactToQueue",
            "Parameters": {},
            "Transitions": {
                "NextAction": "bye",
                "Errors": [
                    {"NextAction": "bye", "ErrorType": "QueueAtCapacity"},
                    {"NextAction": "bye", "ErrorType": "NoMatchingError"},
                ],
                "Conditions": [],
            },
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "greet", "Actions": actions})


class FirstCenter:
    """One instance with a queue, a routing profile, a flow and an agent."""

    def __init__(self, server: Any, work_limit: int = 60) -> None:
        self.server = server
        number = next(_NUMBERS)
        self.alias = f"center-{number}"
        self.customer = f"+1206555{number:04}"  # what is told of it concerns nobody else
        self.connect = connect = server.client()
        self.instance = connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias=self.alias,
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )["Id"]
        self.basic_queue = self.found("list_queues", "QueueSummaryList", "BasicQueue")
        hours = self.found("list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours")
        queue = connect.create_queue(
            InstanceId=self.instance,
            Name="sales",
            HoursOfOperationId=hours["Id"],
            OutboundCallerConfig={
                "OutboundCallerIdNumberId": connect.list_phone_numbers_v2(InstanceId=self.instance)[
                    "ListPhoneNumbersSummaryList"
                ][0]["PhoneNumberId"]
            },
        )
        self.queue, self.queue_arn = queue["QueueId"], queue["QueueArn"]
        self.profile = connect.create_routing_profile(
            InstanceId=self.instance,
            Name="sellers",
            Description="Takes sales",
            DefaultOutboundQueueId=self.queue,
            MediaConcurrencies=[{"Channel": "VOICE", "Concurrency": 1}],
            QueueConfigs=[
                {
                    "QueueReference": {"QueueId": self.queue, "Channel": "VOICE"},
                    "Priority": 1,
                    "Delay": 0,
                }
            ],
        )["RoutingProfileId"]
        security = self.found("list_security_profiles", "SecurityProfileSummaryList", "Agent")
        self.agent = connect.create_user(
            InstanceId=self.instance,
            Username="ann",
            Password=PASSWORD,
            IdentityInfo={"FirstName": "Ann", "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": work_limit},
            SecurityProfileIds=[security["Id"]],
            RoutingProfileId=self.profile,
        )["UserId"]
        self.flow = connect.create_contact_flow(
            InstanceId=self.instance,
            Name="greeting",
            Type="CONTACT_FLOW",
            Content=greeting_flow(self.queue_arn),
        )["ContactFlowId"]

    def found(self, operation: str, member: str, name: str) -> dict[str, Any]:
        rows = getattr(self.connect, operation)(InstanceId=self.instance)[member]
        return next(row for row in rows if row["Name"] == name)

    def dial(self, **more: Any) -> str:
        return self.connect.start_outbound_voice_contact(
            InstanceId=self.instance,
            DestinationPhoneNumber=self.customer,
            ContactFlowId=self.flow,
            QueueId=self.queue,
            **more,
        )["ContactId"]

    def now(self) -> float:
        return self.server.sandbox("GET", "clock")["now"]

    def advance(self, seconds: float) -> None:
        self.server.sandbox("POST", "clock", {"advance": seconds})

    def act(self, deed: str) -> None:
        self.server.sandbox("POST", f"agents/{self.agent}/{deed}", {})

    def current(self, *names: str) -> dict[str, float]:
        """Real-time metrics of the queue; empty if it has no row."""
        answer = self.connect.get_current_metric_data(
            InstanceId=self.instance,
            Filters={"Queues": [self.queue], "Channels": ["VOICE"]},
            Groupings=["QUEUE"],
            CurrentMetrics=[
                {"Name": name, "Unit": "SECONDS" if name == "OLDEST_CONTACT_AGE" else "COUNT"}
                for name in names
            ],
        )
        rows = answer["MetricResults"]
        assert len(rows) <= 1
        return {
            each["Metric"]["Name"]: each["Value"] for row in rows for each in row["Collections"]
        }

    def history(self, *metrics: dict[str, Any], before: int = 3600) -> dict[str, float]:
        """Historical metrics of the queue over the last hour."""
        end = int(self.now()) // 300 * 300 + 300
        answer = self.connect.get_metric_data(
            InstanceId=self.instance,
            StartTime=end - before,
            EndTime=end,
            Filters={"Queues": [self.queue], "Channels": ["VOICE"]},
            Groupings=["QUEUE"],
            HistoricalMetrics=list(metrics),
        )
        rows = answer["MetricResults"]
        assert len(rows) <= 1
        return {
            each["Metric"]["Name"]: each["Value"] for row in rows for each in row["Collections"]
        }

    def contact(self, contact_id: str) -> dict[str, Any]:
        return self.connect.describe_contact(InstanceId=self.instance, ContactId=contact_id)[
            "Contact"
        ]

    def position(self, contact_id: str) -> dict[str, float]:
        answer = self.connect.get_contact_metrics(
            InstanceId=self.instance,
            ContactId=contact_id,
            Metrics=[{"Name": "POSITION_IN_QUEUE"}, {"Name": "ESTIMATED_WAIT_TIME"}],
        )
        return {each["Name"]: each["Value"]["Number"] for each in answer["MetricResults"]}
