"""Day: a floor on which everything happens that metrics tell of.

    day = Day(7); await day.begin(); await day.live(400); await day.end()
    history = day.told()

To what simulation.floor has come two queues with agents of several profiles and hierarchy groups
and custom statuses; flows with menus, modules and bots; who waits may go over to another queue or
be called back; routing criteria.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from typing_extensions import override

from ringfloor.base.time import SECOND
from ringfloor.domain import commands
from ringfloor.domain.criteria import steps_of
from ringfloor.domain.events import decode_outcome
from second_opinion.story import Told
from simulation.floor import CUSTOMERS, DEEDS, Behaviour, Floor

NONE = "NoMatchingError"
MENU = "NoMatchingCondition NoMatchingError InputTimeLimitExceeded"
FULL = f"{NONE} QueueAtCapacity"


def action(
    identifier: str,
    type_: str,
    parameters: Any = None,
    then: str = "",
    errors: str = "",
    to: str = "bye",
    **when: str,
) -> dict[str, Any]:
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


def content(*actions: dict[str, Any]) -> str:
    end = action("bye", "DisconnectParticipant")
    start = actions[0]["Identifier"]
    return json.dumps({"Version": "2019-10-30", "StartAction": start, "Actions": [*actions, end]})


def menu(identifier: str, **keys: str) -> dict[str, Any]:
    """Asks again until one of the keys is pressed."""
    asked = {"Text": "Choose.", "StoreInput": "False", "InputTimeLimitSeconds": "6"}
    return action(identifier, "GetParticipantInput", asked, identifier, MENU, identifier, **keys)


def to_queue(identifier: str, queue: str) -> tuple[dict[str, Any], dict[str, Any]]:
    wait = f"{identifier} waits"
    return (
        action(identifier, "UpdateContactTargetQueue", {"QueueId": queue}, wait, NONE),
        action(wait, "TransferContactToQueue", {}, "bye", FULL),
    )


def call_back(identifier: str, **more: str) -> dict[str, Any]:
    plan = {
        "InitialCallDelaySeconds": "10",
        "MaximumConnectionAttempts": "2",
        "RetryDelaySeconds": "20",
        **more,
    }
    return action(identifier, "CreateCallbackContact", plan, "bye", NONE)


class Day(Floor):
    """One instance, everybody in it, and what they do."""

    # Furniture

    @override
    async def _furnish(self) -> None:
        await super()._furnish()
        office = self.office
        [number] = self.center.resources["phone_number"]
        hours = next(iter(self.center.resources["hours_of_operation"]))
        self.queues = [office.id_of("queue", "BasicQueue")]
        for name in ("sales", "support"):
            queue = await office.add(
                "queue",
                Name=name,
                HoursOfOperationId=hours,
                Status="ENABLED",
                OutboundCallerConfig={"OutboundCallerIdNumberId": number},
            )
            self.queues.append(queue)
        self.profiles = [office.id_of("routing_profile", "Basic Routing Profile")]
        for name, served in (("both", self.queues[1:]), ("sellers", self.queues[1:2])):
            self.profiles.append(await self._profile(name, served))
        self.groups = [await office.add("hierarchy_group", Name="site")]
        for name, parent in (("team", 0), ("row", 1), ("other team", 0)):
            above = self.groups[parent]
            made = await office.add("hierarchy_group", Name=name, ParentGroupId=above)
            self.groups.append(made)
        for name in ("Lunch", "Training"):
            properties = {"Name": name, "State": "ENABLED", "Type": "CUSTOM"}
            await office.add("agent_status", **properties)
        await self._write_flows()
        for user, profile in zip(("ann", "bob", "cat"), self.profiles, strict=True):
            await self._change_user(user, RoutingProfileId=profile)
            await self._change_user(user, HierarchyGroupId=self.dice.choice(self.groups))

    async def _profile(self, name: str, queues: list[str]) -> str:
        channels = (("VOICE", 1), ("CHAT", 2), ("TASK", 2))
        return await self.office.add(
            "routing_profile",
            Name=name,
            DefaultOutboundQueueId=queues[0],
            MediaConcurrencies=[
                {
                    "Channel": channel,
                    "Concurrency": slots,
                    "CrossChannelBehavior": {"BehaviorType": "ROUTE_ANY_CHANNEL"},
                }
                for channel, slots in channels
            ],
            QueueConfigs=[
                {
                    "QueueReference": {"QueueId": queue, "Channel": channel},
                    "Priority": 1,
                    "Delay": 0,
                }
                for queue in queues
                for channel, _ in channels
            ],
        )

    async def _flow(self, name: str, type_: str, *actions: dict[str, Any]) -> str:
        return await self.office.add(
            "contact_flow",
            Name=name,
            Type=type_,
            State="ACTIVE",
            Status="PUBLISHED",
            Content=content(*actions),
        )

    async def _write_flows(self) -> None:
        sales, support = self.queues[1:]
        first = await self._flow("answers", "CONTACT_FLOW", *to_queue("sales", sales))
        moves = {"QueueId": support}
        waits = await self._flow(
            "waits",
            "CUSTOMER_QUEUE",
            menu("ask", p1="move", p2="later", p3="first", p4="leave"),
            action("move", "DequeueContactAndTransferToQueue", moves, "ask", FULL, "ask"),
            call_back("later"),
            call_back("first", ContactFlowId=first),
            action("leave", "DisconnectParticipant"),
        )
        module = await self.office.add(
            "contact_flow_module",
            Name="greets",
            State="ACTIVE",
            Status="PUBLISHED",
            Content=content(
                action("say", "MessageParticipant", {"Text": "Welcome."}, "back", NONE, "back"),
                action("back", "EndFlowModuleExecution"),
            ),
        )
        hook = {"EventHooks": {"CustomerQueue": waits}}
        await self._flow(
            "asks",
            "CONTACT_FLOW",
            action("hook", "UpdateContactEventHooks", hook, "greet", NONE),
            action("greet", "InvokeFlowModule", {"FlowModuleId": module}, "where", NONE, "where"),
            menu("where", p1="sales", p2="support", p3="elsewhere", p0="bye"),
            *to_queue("sales", sales),
            *to_queue("support", support),
            action("elsewhere", "TransferToFlow", {"ContactFlowId": first}, "bye", NONE),
        )
        await self._flow(
            "straight on",
            "CONTACT_FLOW",
            action("hook", "UpdateContactEventHooks", hook, "support", NONE),
            *to_queue("support", support),
        )

    async def _change_user(self, user: str, **changes: str) -> None:
        agent = self.office.id_of("user", user)
        await self.office.submit(commands.UpdateResource("user", agent, changes))

    # Life

    @override
    async def live(self, steps: int) -> None:
        """As on any floor, with what only metrics see."""
        deeds, weights = zip(*{**DEEDS, **MORE}.items(), strict=True)
        for deed in self.dice.choices(deeds, weights, k=steps):
            await deed(self)
            if self.faulty and self.faults.random() < 0.01:
                await self.crash()
            await self.stage.pass_time(self.dice.choice(WAITS) / SECOND)
            self.check()

    def told(self) -> list[Told]:
        """Everything that has happened."""
        return list(self._told())

    def _told(self) -> Iterator[Told]:
        for record in self.journal.read(self.instance_id, 0):
            outcome = decode_outcome(record.payload)
            for event in outcome.events:
                yield event, outcome.at

    async def changes_place(self) -> None:
        """A user gets another profile, or another place in the hierarchy."""
        user = self.dice.choice(("ann", "bob", "cat", "dan"))
        if self.dice.random() < 0.5:
            await self._change_user(user, RoutingProfileId=self.dice.choice(self.profiles))
        else:
            await self._change_user(user, HierarchyGroupId=self.dice.choice(self.groups))

    async def goes_to_lunch(self) -> None:
        status = self.dice.choice(("Lunch", "Training", "Available", "Available"))
        chosen = self.office.id_of("agent_status", status)
        await self.ask(commands.SetAgentStatus(self.agent(), chosen))

    async def is_sought_for(self) -> None:
        """Routing criteria: of an attribute that nobody has, then of two agents by name."""
        skill = {
            "AttributeCondition": {
                "Name": "skill",
                "Value": self.dice.choice(("wine", "cheese")),
                "ComparisonOperator": "NumberGreaterOrEqualTo",
                "ProficiencyLevel": 2,
            }
        }
        named = {
            "AttributeCondition": {
                "ComparisonOperator": "Match",
                "MatchCriteria": {"AgentsCriteria": {"AgentIds": [self.agent(), self.agent()]}},
            }
        }
        steps = [
            {"Expression": skill, "Expiry": {"DurationInSeconds": self.dice.choice((3, 15))}},
            {"Expression": named, "Expiry": {"DurationInSeconds": 30}},
        ]
        self.dice.shuffle(steps)
        wanted = steps_of({"Steps": steps[: self.dice.randint(1, 2)]})
        contact = self.contact("IN_QUEUE", "IN_FLOW", "SCHEDULED", "OFFERED")
        await self.ask(commands.UpdateRoutingData(contact, steps=wanted))

    async def chooses_in_queue(self) -> None:
        """Who waits goes elsewhere, or wants to be called back."""
        contact = self.center.contacts.get(self.contact("IN_QUEUE"))
        key = self.dice.choice("12223334")
        for line in self.phones.channels():
            if contact is not None and line.channel_id == (contact.customer_leg or contact.id):
                self.phones.press(line.channel_id, key, self.clock.now())
                break

    async def hangs_up_on_hold(self) -> None:
        """A customer has had enough of the music."""
        held = [each for each in self.center.contacts.values() if each.held_at is not None]
        for line in self.phones.channels():
            if any(line.channel_id == (each.customer_leg or each.id) for each in held):
                self.phones.hang_up(line.channel_id, self.clock.now())
                break

    async def talks_on(self) -> None:
        """An agent and his customer write to each other."""
        chats = [each for each in self.center.contacts.values() if each.channel == "CHAT"]
        talking = [each for each in chats if each.stage == "CONNECTED" and each.chat_id]
        if not talking:
            return
        chat = self.center.chats[self.dice.choice(talking).chat_id or ""]
        for participant in list(chat.participants.values()):
            if participant.role in ("AGENT", "CUSTOMER") and self.dice.random() < 0.7:
                await self.ask(commands.ConnectParticipant(chat.id, participant.id))
                await self.ask(
                    commands.SendChatItem(
                        chat_id=chat.id,
                        participant_id=participant.id,
                        type="MESSAGE",
                        content_type="text/plain",
                        content="Well, " * self.dice.randint(1, 4),
                    )
                )
                await self.stage.pass_time(self.dice.choice((0, 1, 2.5)))

    async def customer_answers(self) -> None:
        self.phones.tell(self.dice.choice(CUSTOMERS), Behaviour("answer", 2 * SECOND))


WAITS = (0, 0, 100, 321, SECOND, 2 * SECOND, 5 * SECOND, 13_777)

MORE: dict[Callable[[Any], Awaitable[None]], int] = {
    Day.presses: 14,
    Day.accepts: 20,
    Day.clears: 14,
    Day.changes_place: 3,
    Day.goes_to_lunch: 3,
    Day.is_sought_for: 5,
    Day.customer_answers: 3,
    Day.chooses_in_queue: 8,
    Day.talks_on: 6,
    Day.hangs_up_on_hold: 2,
    Day.resumes: 4,
    Day.pauses: 5,
    Day.calls: 8,
}
"""What people do besides, or more often."""
