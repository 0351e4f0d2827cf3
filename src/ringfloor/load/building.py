"""Building: the center of a scenario, made and taken away over the Connect API.

Called by load.run. Rules:

* What has the same name is used as it is, queues and users too; what is missing is made, and only
  that is taken away again.
* Passwords of users are made of the caller's own secret key, so that a center that was kept can be
  used again by the same caller, and nobody else knows them.
* Flows name each other, so they are made empty first.
* What the server throttles is asked again, slower: this is not what is being measured.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ringfloor.base.errors import Fault, shown_list
from ringfloor.base.limits import LOAD_BUILD_AT_ONCE
from ringfloor.flow import names
from ringfloor.flow.defaults import action, document
from ringfloor.load.door import Door, Failed
from ringfloor.simulator.population import AVAILABLE, OFFLINE
from ringfloor.simulator.scenario import Callers, Group, Profile, Queue, Scenario

T = TypeVar("T")

HOURS = "Around the clock"
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
ROWS_AT_ONCE = 10
"""Of a routing profile, as AWS takes them in one request."""

Shown = Callable[[str, int, int], None]
"""Told what is being done: what, how many, of how many."""


class Place(NamedTuple):
    """A scenario's agent: his name at the server and for chance."""

    username: str
    name: str
    group: Group


class Made(NamedTuple):
    """One thing that was made. kind: as in its operations."""

    kind: str
    id: str


class Built(NamedTuple):
    """What people need to know of the center."""

    instance_id: str
    instance_arn: str
    queues: Mapping[str, str]
    """Ids by name."""
    entries: Mapping[str, str]
    """Where callers of a name come in: the id of a flow."""
    statuses: Mapping[str, str]
    """ARNs by name."""
    staff: tuple[Place, ...]


class Building:
    """One center, while it is needed."""

    def __init__(self, door: Door, scenario: Scenario, staff: Sequence[Place]) -> None:
        self.door = door
        self.scenario = scenario
        self.staff = tuple(staff)
        self.made: list[Made] = []
        """In the order of time."""
        self.reused = 0
        self.instance_id = ""
        self.instance_arn = ""

    # Making

    async def build(self, instance: str, shown: Shown) -> Built:
        """Make all of it. instance: its id; empty: one that is called as the scenario is."""
        await self._enter(instance)
        scenario = self.scenario
        hours = await self._one("HoursOfOperation", HOURS, _always())
        queues = {
            name: await self._one("Queue", name, _queue(each, hours))
            for name, each in scenario.queues.items()
        }
        profiles = {
            name: await self._profile(name, each, queues)
            for name, each in scenario.profiles.items()
        }
        flows = await self._flows(queues)
        entries = {
            name: flows[each.flow]
            if each.flow is not None and not each.attributes
            else await self._entry(name, each, queues, flows)
            for name, each in scenario.callers.items()
        }
        statuses = await self._statuses()
        await self._users(profiles, shown)
        return Built(self.instance_id, self.instance_arn, queues, entries, statuses, self.staff)

    async def _enter(self, instance: str) -> None:
        if instance:
            found = await self._ask("DescribeInstance", InstanceId=instance)
            self.instance_id = found["Instance"]["Id"]
            self.instance_arn = found["Instance"]["Arn"]
            return
        alias = alias_of(self.scenario.name)
        rows = await self.door.listed("ListInstances", "InstanceSummaryList")
        for row in rows:
            if row.get("InstanceAlias") == alias:
                self.instance_id, self.instance_arn = row["Id"], row["Arn"]
                self.reused += 1
                return
        made = await self._ask(
            "CreateInstance",
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias=alias,
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )
        self.instance_id, self.instance_arn = made["Id"], made["Arn"]
        self.made.append(Made("Instance", self.instance_id))

    async def _one(self, kind: str, name: str, described: Mapping[str, Any]) -> str:
        """The id of what is called so; it is made if there is none."""
        known = await self._known(kind)
        if name in known:
            self.reused += 1
            return known[name]
        made = await self._ask(f"Create{kind}", InstanceId=self.instance_id, Name=name, **described)
        identifier = str(made[_ID[kind]])
        self.made.append(Made(kind, identifier))
        return identifier

    async def _known(self, kind: str) -> dict[str, str]:
        """Ids by name of all that there are."""
        listing = LISTINGS[kind]
        rows = await self.door.listed(
            listing.operation, listing.member, InstanceId=self.instance_id, **listing.more
        )
        return {row[listing.name]: row["Id"] for row in rows}

    async def _profile(self, name: str, profile: Profile, queues: Mapping[str, str]) -> str:
        rows = [
            {
                "QueueReference": {"QueueId": queues[row.queue], "Channel": row.channel},
                "Priority": row.priority,
                "Delay": row.delay_seconds,
            }
            for row in profile.rows
        ]
        before = len(self.made)
        identifier = await self._one(
            "RoutingProfile",
            name,
            {
                "Description": "Of a load test",
                "DefaultOutboundQueueId": queues[profile.rows[0].queue],
                "MediaConcurrencies": [
                    {"Channel": channel, "Concurrency": most}
                    for channel, most in profile.concurrency.items()
                ],
                "QueueConfigs": rows[:ROWS_AT_ONCE],
            },
        )
        if len(self.made) > before:
            for first in range(ROWS_AT_ONCE, len(rows), ROWS_AT_ONCE):
                await self._ask(
                    "AssociateRoutingProfileQueues",
                    InstanceId=self.instance_id,
                    RoutingProfileId=identifier,
                    QueueConfigs=rows[first : first + ROWS_AT_ONCE],
                )
        return identifier

    async def _statuses(self) -> dict[str, str]:
        """ARNs by name; those of breaks stay, for the API cannot delete them."""
        rows = await self._listed_statuses()
        known = {row["Name"]: row["Arn"] for row in rows}
        missing = {
            each.status
            for group in self.scenario.groups.values()
            for shift in group.shifts
            for each in shift.breaks
        } - known.keys()
        for name in sorted(missing):
            made = await self._ask(
                "CreateAgentStatus", InstanceId=self.instance_id, Name=name, State="ENABLED"
            )
            known[name] = made["AgentStatusARN"]
        types = {row["Type"]: row["Arn"] for row in rows if row["Type"] != "CUSTOM"}
        return {AVAILABLE: types["ROUTABLE"], OFFLINE: types["OFFLINE"], **known}

    async def _listed_statuses(self) -> list[Any]:
        return await self.door.listed(
            "ListAgentStatuses", "AgentStatusSummaryList", InstanceId=self.instance_id
        )

    async def _users(self, profiles: Mapping[str, str], shown: Shown) -> None:
        known = await self._known("User")
        rows = await self.door.listed(
            "ListSecurityProfiles", "SecurityProfileSummaryList", InstanceId=self.instance_id
        )
        security = next((row["Id"] for row in rows if row["Name"] == "Agent"), None)
        if security is None:
            raise Fault(f"instance {self.instance_id} has no security profile Agent")
        await self._attributes()
        missing = [each for each in self.staff if each.username not in known]
        self.reused += len(self.staff) - len(missing)

        async def create(place: Place) -> None:
            made = await self._ask(
                "CreateUser",
                InstanceId=self.instance_id,
                Username=place.username,
                Password=self.password(place),
                IdentityInfo={"FirstName": place.username, "LastName": "Load"},
                PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
                SecurityProfileIds=[security],
                RoutingProfileId=profiles[place.group.profile],
            )
            self.made.append(Made("User", made["UserId"]))
            levels = [
                {"AttributeName": name, "AttributeValue": value, "Level": float(level)}
                for name, values in place.group.proficiencies.items()
                for value, level in values.items()
            ]
            if levels:
                await self._ask(
                    "AssociateUserProficiencies",
                    InstanceId=self.instance_id,
                    UserId=made["UserId"],
                    UserProficiencies=levels,
                )

        await together(missing, create, lambda done: shown("users", done, len(missing)))

    async def _attributes(self) -> None:
        """The predefined attributes that agents have as proficiencies."""
        values: dict[str, dict[str, None]] = {}
        for group in self.scenario.groups.values():
            for name, levels in group.proficiencies.items():
                values.setdefault(name, {}).update(dict.fromkeys(levels))
        if not values:
            return
        rows = await self.door.listed(
            "ListPredefinedAttributes",
            "PredefinedAttributeSummaryList",
            InstanceId=self.instance_id,
        )
        for name in values.keys() - {row["Name"] for row in rows}:
            await self._ask(
                "CreatePredefinedAttribute",
                InstanceId=self.instance_id,
                Name=name,
                Values={"StringList": list(values[name])},
            )
            self.made.append(Made("PredefinedAttribute", name))

    async def number(self) -> str:
        """From which the center dials customers; one is claimed if it has none."""
        rows = await self.door.listed(
            "ListPhoneNumbersV2", "ListPhoneNumbersSummaryList", InstanceId=self.instance_id
        )
        if rows:
            return str(rows[0]["PhoneNumber"])
        free = await self._ask(
            "SearchAvailablePhoneNumbers",
            InstanceId=self.instance_id,
            PhoneNumberCountryCode="US",
            PhoneNumberType="DID",
        )
        found = next(iter(free.get("AvailableNumbersList") or ()), None)
        if found is None:
            raise Fault(
                f"instance {self.instance_id} has no phone number to dial customers from, and none"
                " can be claimed; without --sandbox there is no other door for calls"
            )
        made = await self._ask(
            "ClaimPhoneNumber", InstanceId=self.instance_id, PhoneNumber=found["PhoneNumber"]
        )
        self.made.append(Made("PhoneNumber", made["PhoneNumberId"]))
        return str(found["PhoneNumber"])

    def password(self, place: Place) -> str:
        """Of this agent, if he is ours."""
        said = f"{self.instance_id}/{place.username}".encode()
        digest = hmac.digest(self.door.who.secret_access_key.encode(), said, hashlib.sha256)
        return "Lo1-" + base64.b64encode(digest[:18]).decode()

    # Flows

    async def _flows(self, queues: Mapping[str, str]) -> dict[str, str]:
        """Ids of the scenario's flows by name."""
        empty = _content(document(action("bye", "DisconnectParticipant")))
        before = {each.id for each in self.made}
        found = {
            name: await self._one("ContactFlow", name, _flow(empty)) for name in self.scenario.flows
        }
        known = await self._names(queues, found)
        for name, content in self.scenario.flows.items():
            identifier = found[name]
            if identifier in before or Made("ContactFlow", identifier) not in self.made:
                continue
            missing = [
                f"{each.kind}:{each.name}"
                for each in names.names(content)
                if each.name not in known.get(each.kind, {})
            ]
            if missing:
                raise Fault(
                    f"flow {name} names what instance {self.instance_id} has not:"
                    f" {shown_list(sorted(set(missing)))}; make it there and name the instance with"
                    " --instance"
                )
            await self._ask(
                "UpdateContactFlowContent",
                InstanceId=self.instance_id,
                ContactFlowId=identifier,
                Content=names.resolved(content, known),
            )
        return found

    async def _names(
        self, queues: Mapping[str, str], flows: Mapping[str, str]
    ) -> dict[str, dict[str, list[str]]]:
        """ARNs of what flows may name."""
        prompts = await self.door.listed(
            "ListPrompts", "PromptSummaryList", InstanceId=self.instance_id
        )
        arn = self.instance_arn
        _, _, _, region, account, _ = arn.split(":", 5)
        functions = {
            each.name
            for content in self.scenario.flows.values()
            for each in names.names(content)
            if each.kind == "lambda"
        }
        return {
            "queue": {name: [f"{arn}/queue/{each}"] for name, each in queues.items()},
            "flow": {name: [f"{arn}/contact-flow/{each}"] for name, each in flows.items()},
            "prompt": {row["Name"]: [row["Arn"]] for row in prompts},
            "lambda": {
                name: [f"arn:aws:lambda:{region}:{account}:function:{name}"] for name in functions
            },
        }

    async def _entry(
        self, name: str, callers: Callers, queues: Mapping[str, str], flows: Mapping[str, str]
    ) -> str:
        """A flow for one group of callers."""
        arn = self.instance_arn
        steps = [action("bye", "DisconnectParticipant")]
        if callers.flow is not None:
            to = {"ContactFlowId": f"{arn}/contact-flow/{flows[callers.flow]}"}
            steps.insert(0, action("enter", "TransferToFlow", to, "bye", NoMatchingError="bye"))
        else:
            target = {"QueueId": f"{arn}/queue/{queues[callers.queue or '']}"}
            steps = [
                action(
                    "target", "UpdateContactTargetQueue", target, "enter", NoMatchingError="bye"
                ),
                action(
                    "enter",
                    "TransferContactToQueue",
                    {},
                    "bye",
                    QueueAtCapacity="bye",
                    NoMatchingError="bye",
                ),
                *steps,
            ]
        if callers.priority is not None:
            rank = {"QueuePriority": str(callers.priority)}
            following = steps[0]["Identifier"]
            steps.insert(0, action("rank", "UpdateContactRoutingBehavior", rank, following))
        if callers.attributes:
            told = {"Attributes": dict(callers.attributes), "TargetContact": "Current"}
            following = steps[0]["Identifier"]
            steps.insert(
                0,
                action(
                    "tell", "UpdateContactAttributes", told, following, NoMatchingError=following
                ),
            )
        content = _content(document(*steps))
        return await self._one("ContactFlow", f"Load of {name}", _flow(content))

    # Taking away

    async def remove(self, shown: Shown) -> list[str]:
        """Take away what was made; what could not be, and why."""
        left: list[str] = []
        silent = 0

        async def delete(each: Made) -> None:
            nonlocal silent
            if silent >= LOAD_BUILD_AT_ONCE:
                left.append(f"{each.kind} {each.id}: the server does not answer")
                return
            try:
                if each.kind == "PhoneNumber":
                    await self._ask("ReleasePhoneNumber", PhoneNumberId=each.id)
                else:
                    where = {} if each.kind == "Instance" else {_MEMBER[each.kind]: each.id}
                    await self._ask(f"Delete{each.kind}", InstanceId=self.instance_id, **where)
            except Failed as error:
                left.append(f"{each.kind} {each.id}: {error.message}")
                silent = silent + 1 if error.status == 0 else 0
            else:
                silent = 0

        made, self.made = self.made, []
        for each in made:
            if each.kind == "PhoneNumber":
                await delete(each)
        if any(each.kind == "Instance" for each in made):
            await delete(made[0])
            return left
        users = [each for each in made if each.kind == "User"]
        await together(users, delete, lambda done: shown("removing users", done, len(users)))
        for kind in TAKEN_AWAY:
            for each in reversed(made):
                if each.kind == kind:
                    await delete(each)
        return left

    async def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
        return await patiently(lambda: self.door.connect(operation, **parameters))


class Listing(NamedTuple):
    """How an instance lists a kind."""

    operation: str
    member: str
    name: str = "Name"
    more: Mapping[str, str] = {}


LISTINGS: Mapping[str, Listing] = {
    "HoursOfOperation": Listing("ListHoursOfOperations", "HoursOfOperationSummaryList"),
    "Queue": Listing("ListQueues", "QueueSummaryList", more={"QueueTypes": "STANDARD"}),
    "RoutingProfile": Listing("ListRoutingProfiles", "RoutingProfileSummaryList"),
    "ContactFlow": Listing("ListContactFlows", "ContactFlowSummaryList"),
    "User": Listing("ListUsers", "UserSummaryList", "Username"),
}
_MEMBER = {
    "HoursOfOperation": "HoursOfOperationId",
    "Queue": "QueueId",
    "RoutingProfile": "RoutingProfileId",
    "ContactFlow": "ContactFlowId",
    "User": "UserId",
    "PredefinedAttribute": "Name",
}
TAKEN_AWAY = ("ContactFlow", "RoutingProfile", "Queue", "HoursOfOperation", "PredefinedAttribute")
"""In this order, after users; entries before the flows that they name, as they came later."""
_ID = _MEMBER
"""Members of requests, and of what Create answers."""


def alias_of(name: str) -> str:
    """Of the instance of a scenario: letters, digits and hyphens."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    return f"load-{plain}"[:62].strip("-")


def _always() -> dict[str, Any]:
    midnight = {"Hours": 0, "Minutes": 0}
    config = [{"Day": day, "StartTime": midnight, "EndTime": midnight} for day in DAYS]
    return {"TimeZone": "UTC", "Config": config}


def _queue(queue: Queue, hours: str) -> dict[str, Any]:
    described = {"HoursOfOperationId": hours}
    most = queue.max_contacts
    return described if most is None else {**described, "MaxContacts": most}


def _content(flow: Mapping[str, Any]) -> str:
    return msgspec.json.encode(flow).decode()


def _flow(content: str) -> dict[str, Any]:
    return {"Type": "CONTACT_FLOW", "Content": content}


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What is answered once the server has the time; raises Failed."""
    wait = 0.1
    while True:
        try:
            return await ask()
        except Failed as error:
            if error.status != 429 or wait > 10:
                raise
        await pause(wait)
        wait *= 1.5


async def pause(wait_seconds: float) -> None:
    """Let real time pass."""
    try:
        async with asyncio.timeout(wait_seconds):
            await asyncio.get_running_loop().create_future()
    except TimeoutError:
        pass


async def together(
    all_of: Sequence[T], do: Callable[[T], Awaitable[None]], shown: Callable[[int], None]
) -> None:
    """Do something for each, a few at once; the first exception ends it."""
    ahead = iter(all_of)
    done = 0

    async def some() -> None:
        nonlocal done
        for each in ahead:
            await do(each)
            done += 1
            shown(done)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(LOAD_BUILD_AT_ONCE, len(all_of))):
                group.create_task(some())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
