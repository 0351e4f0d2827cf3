"""A center as a ledger: how the floor stands after each deed, and flows to tell stories with.

`Floor.stands` says all of the floor: each agent with his status, his next one and his contacts, as
their desktops show them, and who waits in sales. What GetCurrentMetricData says must then be what
one counts in that line by hand.
"""

import json
from typing import Any

import pytest

from acceptance.test_transfers import Desk, TwoDesks

CHANNELS = ("VOICE", "CHAT", "TASK")
WORK = {"connected", "ended", "paused", "dialling"}
FAILED = {"missed", "rejected", "error"}


def action(
    identifier: str,
    type_: str,
    parameters: Any = None,
    then: str = "",
    errors: str = "",
    to: str = "bye",
    **when: str,
) -> Any:
    """Errors, in one text, lead to `to`; results (p1: of the key 1) to where `when` says."""
    ways: dict[str, Any] = {"NextAction": then} if then else {}
    if errors:
        ways["Errors"] = [{"NextAction": to, "ErrorType": error} for error in errors.split()]
    if when:
        ways["Conditions"] = [
            {
                "NextAction": place,
                "Condition": {"Operator": "Equals", "Operands": [result.strip("p_")]},
            }
            for result, place in when.items()
        ]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": parameters or {},
        "Transitions": ways,
    }


def flow(*actions: Any) -> str:
    end = action("bye", "DisconnectParticipant")
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": actions[0]["Identifier"],
            "Actions": [*actions, end],
        }
    )


def says(text: str) -> str:
    return flow(
        action("say", "MessageParticipant", {"Text": text}, "end"),
        action("end", "EndFlowExecution"),
    )


NONE = "NoMatchingError"
MENU = "NoMatchingCondition NoMatchingError InputTimeLimitExceeded"

WAITS = flow(
    action(
        "music",
        "MessageParticipantIteratively",
        {"Messages": [{"Text": "Please wait."}], "InterruptFrequencySeconds": "30"},
        MessagesInterrupted="offer",
    ),
    action(
        "offer",
        "GetParticipantInput",
        {"Text": "Press 1 to be called.", "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        "music",
        MENU,
        to="music",
        p1="callback",
    ),
    action(
        "callback",
        "CreateCallbackContact",
        {
            "InitialCallDelaySeconds": "10",
            "MaximumConnectionAttempts": "2",
            "RetryDelaySeconds": "60",
        },
        "promised",
        NONE,
    ),
    action("promised", "MessageParticipant", {"Text": "We call you."}, "bye"),
)
"""Interrupted every 30 s, when a callback can be had."""

SURVEY = flow(
    action(
        "ask",
        "GetParticipantInput",
        {
            "Text": "How was it?",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "5",
            "InputValidation": {"CustomValidation": {"MaximumLength": 1}},
        },
        "keep",
        NONE,
    ),
    action(
        "keep",
        "UpdateContactAttributes",
        {"Attributes": {"score": "$.StoredCustomerInput"}},
        "bye",
        NONE,
    ),
)

HOOKS = {
    "CustomerQueue": (WAITS, "CUSTOMER_QUEUE"),
    "AgentWhisper": (says("A gold one."), "AGENT_WHISPER"),
    "CustomerWhisper": (says("Here is $.Agent.FirstName."), "CUSTOMER_WHISPER"),
    "CustomerHold": (
        flow(action("hold", "MessageParticipantIteratively", {"Messages": [{"Text": "On hold."}]})),
        "CUSTOMER_HOLD",
    ),
    "CustomerRemaining": (SURVEY, "CONTACT_FLOW"),
}


class Floor(TwoDesks):
    """ann and bob take calls, chats and tasks of sales."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        connect, at = self.connect, {"InstanceId": self.instance}
        profile = connect.describe_user(**at, UserId=self.bob)["User"]["RoutingProfileId"]
        for routing_profile in (self.profile, profile):
            connect.update_routing_profile_concurrency(
                **at,
                RoutingProfileId=routing_profile,
                MediaConcurrencies=[
                    {"Channel": "VOICE", "Concurrency": 1},
                    {
                        "Channel": "CHAT",
                        "Concurrency": 2,
                        "CrossChannelBehavior": {"BehaviorType": "ROUTE_ANY_CHANNEL"},
                    },
                    {"Channel": "TASK", "Concurrency": 1},
                ],
            )
        rows = [
            {
                "QueueReference": {"QueueId": self.queue, "Channel": channel},
                "Priority": 1,
                "Delay": 0,
            }
            for channel in CHANNELS
        ]
        connect.associate_routing_profile_queues(
            **at, RoutingProfileId=self.profile, QueueConfigs=rows[1:]
        )
        connect.associate_routing_profile_queues(**at, RoutingProfileId=profile, QueueConfigs=rows)
        self.lunch = connect.create_agent_status(**at, Name="Lunch", State="ENABLED")[
            "AgentStatusId"
        ]

    def made(self, name: str, content: str, type_: str = "CONTACT_FLOW") -> str:
        try:
            return self.connect.create_contact_flow(
                InstanceId=self.instance, Name=name, Type=type_, Content=content
            )["ContactFlowId"]
        except self.connect.exceptions.InvalidContactFlowException as refused:
            pytest.fail(f"{name}: {refused.response['problems']}")

    def hooked(self, *actions: Any) -> str:
        """A flow that begins with setting all hooks."""
        hooks = {name: self.made(name, *hook) for name, hook in HOOKS.items()}
        then = [*[f"set{name}" for name in hooks][1:], actions[0]["Identifier"]]
        return flow(
            *(
                action(
                    f"set{name}", "UpdateContactEventHooks", {"EventHooks": {name: id_}}, to, NONE
                )
                for (name, id_), to in zip(hooks.items(), then, strict=True)
            ),
            *actions,
        )

    def desks(self) -> tuple[Desk, Desk]:
        self.ann, self.bob_ = Desk(self, "ann"), Desk(self, "bob")
        return self.ann, self.bob_

    def counted(self, *names: str, **filters: Any) -> dict[str, float]:
        answer = self.connect.get_current_metric_data(
            InstanceId=self.instance,
            Filters={"Queues": [self.queue], **filters},
            Groupings=["QUEUE"],
            CurrentMetrics=[
                {"Name": name, "Unit": "SECONDS" if name == "OLDEST_CONTACT_AGE" else "COUNT"}
                for name in names
            ],
        )
        return {
            each["Metric"]["Name"]: int(each["Value"])
            for row in answer["MetricResults"]
            for each in row["Collections"]
        }

    def stands(
        self, ann: str, bob: str, waiting: int = 0, oldest: int = 0, due: int = 0, aside: int = 0
    ) -> None:
        """How the floor must stand: `Available>Lunch connected ended`; who waits in sales, since
        when, who will; how many are in after contact work that were of another queue."""
        assert {"ann": self.seen(self.ann), "bob": self.seen(self.bob_)} == {
            "ann": ann,
            "bob": bob,
        }
        agents = [line.split(" ") for line in (ann, bob)]
        status = [words[0].split(">") for words in agents]
        held = [words[1:] for words in agents]
        expected = {
            "AGENTS_ONLINE": sum(s[0] != "Offline" for s in status),
            "AGENTS_STAFFED": sum(s[0] == "Available" for s in status),
            "AGENTS_NON_PRODUCTIVE": sum(s[0] == "Lunch" for s in status),
            "AGENTS_AVAILABLE": sum(
                s == ["Available"] and not contacts
                for s, contacts in zip(status, held, strict=True)
            ),
            "AGENTS_ON_CONTACT": sum(bool(WORK & {*contacts}) for contacts in held),
            "AGENTS_AFTER_CONTACT_WORK": sum(each.count("ended") for each in held) - aside,
            "AGENTS_ERROR": sum(bool(FAILED & {*contacts}) for contacts in held),
            "CONTACTS_IN_QUEUE": waiting,
            "CONTACTS_SCHEDULED": due,
            "OLDEST_CONTACT_AGE": oldest,
        }
        assert dict.fromkeys(expected, 0) | self.counted(*expected) == expected

    def told(self, *names: str) -> dict[str, float]:
        """The history of calls of sales that are over."""
        counts = {"Statistic": "SUM", "Unit": "COUNT"}
        times = {"Statistic": "AVG", "Unit": "SECONDS"}
        kinds = {name: times if name.endswith("_TIME") else counts for name in names}
        return self.history(*({"Name": name, **kind} for name, kind in kinds.items()))

    def slots(self) -> dict[str, tuple[float, float]]:
        """Of each channel: active and available."""
        return {
            channel: tuple(
                self.counted("SLOTS_ACTIVE", "SLOTS_AVAILABLE", Channels=[channel]).values()
            )
            for channel in CHANNELS
        }

    def to_sales(self) -> tuple[Any, Any]:
        return (
            action("target", "UpdateContactTargetQueue", {"QueueId": self.queue}, "wait", NONE),
            action("wait", "TransferContactToQueue", {}, "bye", f"{NONE} QueueAtCapacity"),
        )

    def phone(self, behaviour: str) -> None:
        self.server.sandbox("PUT", f"phones/{self.customer}", {"behaviour": behaviour})

    def press(self, channel: str, digits: str) -> None:
        self.server.sandbox("POST", f"contacts/{channel}/press", {"digits": digits})
        self.advance(0)

    def hang_up(self, channel: str) -> None:
        self.server.sandbox("POST", f"contacts/{channel}/hangup", {})
        self.advance(0)

    def reason(self, contact: str) -> str:
        return self.contact(contact)["DisconnectReason"]

    def seen(self, desk: Desk) -> str:
        look = desk.look()
        status = look["agentAvailabilityState"]["state"]
        following = look.get("nextState")
        return " ".join(
            [
                status + (f">{following['name']}" if following else ""),
                *(
                    "dialling"
                    if (each.get("initiationMethod"), each["state"]["type"])
                    == ("outbound", "connecting")
                    else each["state"]["type"]
                    for each in look["contacts"]
                ),
            ]
        )
