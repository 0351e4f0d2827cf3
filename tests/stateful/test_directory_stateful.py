"""The directory under whatever the API may ask of it, against a dictionary that knows the rules.

Requests are written by botocore and answers read by it. The model holds names, references and
quotas as plain dictionaries; every answer and every refusal is foretold. Listings in pages of any
size and searches agree with it, and a node that is recovered from the journal is equal.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from node_builders import START, KeptHistory, KeptJournal, Stage
from ringfloor.aws.model import load
from ringfloor.aws.response import failure, success
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY, VirtualClock
from ringfloor.domain.quotas import Quotas
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.node.history import History
from ringfloor.operations import all as operations
from ringfloor.operations.context import Context
from ringfloor.operations.registry import HANDLERS
from wire.client import ROOT, received, serialised, understood
from wire.samples import service_model

API = load("connect")
BOTOCORE = service_model()
operations.complete(API)


class Kind(NamedTuple):
    """How the test speaks of one kind."""

    noun: str
    plural: str
    id_member: str
    summary: str
    rename: str
    quota: int
    more: Mapping[str, Any] = {}
    """Members of Create besides the name."""
    references: Mapping[str, str] = {}
    """Members of Create to the kind whose id they hold."""
    owner: str | None = None
    """The member that names the owner, which is of the kind in references."""


CONCURRENCY = {"MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": 1}]}
OVERRIDE = {"Config": [], "EffectiveFrom": "2026-12-24", "EffectiveTill": "2026-12-26"}

KINDS = {
    "hours": Kind(
        "HoursOfOperation",
        "HoursOfOperations",
        "HoursOfOperationId",
        "HoursOfOperationSummaryList",
        "UpdateHoursOfOperation",
        4,
        {"TimeZone": "UTC", "Config": []},
    ),
    "override": Kind(
        "HoursOfOperationOverride",
        "HoursOfOperationOverrides",
        "HoursOfOperationOverrideId",
        "HoursOfOperationOverrideList",
        "UpdateHoursOfOperationOverride",
        2,
        OVERRIDE,
        {"HoursOfOperationId": "hours"},
        owner="HoursOfOperationId",
    ),
    "queue": Kind(
        "Queue",
        "Queues",
        "QueueId",
        "QueueSummaryList",
        "UpdateQueueName",
        4,
        references={"HoursOfOperationId": "hours"},
    ),
    "profile": Kind(
        "RoutingProfile",
        "RoutingProfiles",
        "RoutingProfileId",
        "RoutingProfileSummaryList",
        "UpdateRoutingProfileName",
        4,
        {"Description": "d", **CONCURRENCY},
        {"DefaultOutboundQueueId": "queue"},
    ),
    "group": Kind(
        "UserHierarchyGroup",
        "UserHierarchyGroups",
        "HierarchyGroupId",
        "UserHierarchyGroupSummaryList",
        "UpdateUserHierarchyGroupName",
        4,
    ),
}

QUOTAS = {
    "hours_of_operation": 4,
    "hours_of_operation_override": 2,
    "queue": 4,
    "routing_profile": 4,
    "hierarchy_group": 4,
}

NOBODY = "00000000-0000-4000-8000-000000000000"


class Known(NamedTuple):
    """One resource as the model has it."""

    kind: str
    name: str
    references: tuple[tuple[str, str], ...]
    """(member, id)."""

    def owner(self) -> str:
        member = KINDS[self.kind].owner
        return dict(self.references)[member] if member else ""


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "é", "A b"])
PICK = st.integers(0, 6)


class Directory(RuleBasedStateMachine):
    """Create, describe, rename, delete, list, search, tag and recover."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.journal = KeptJournal()
        self.history = KeptHistory.open(None, print)
        self.known: dict[str, Known] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, tuple[str, int]] = {}
        """Client token to the id that it made, and when."""
        self.starts = 0
        self.numbers = count()
        self.stage: Stage
        self.running: asyncio.Task[None]

    # The node

    @initialize()
    def begin(self) -> None:
        self.clock = VirtualClock(START)
        self.recover()
        office = self.loop.run_until_complete(self.stage.an_instance())
        self.instance = office.instance_id
        self.ask("UpdateUserHierarchyStructure", HierarchyStructure={"LevelOne": {"Name": "level"}})
        for kind, row in KINDS.items():  # what comes with an instance is known, too
            if row.owner is None:
                for each in self.ask(f"List{row.plural}")[row.summary]:
                    self.learn(kind, row, each["Id"])

    def learn(self, kind: str, row: Kind, identifier: str) -> None:
        shown = self.ask(f"Describe{row.noun}", **{row.id_member: identifier})[row.noun]
        held = tuple((member, shown[member]) for member in row.references)
        self.known[identifier] = Known(kind, shown["Name"], held)
        self.tags[identifier] = {}

    def recover(self) -> None:
        self.starts += 1
        self.stage = Stage(self.journal, self.clock, self.starts, self.history)
        self.service = replace(self.stage.service, quotas=Quotas(QUOTAS))
        self.running = self.loop.create_task(self.stage.node.run())
        self.loop.run_until_complete(asyncio.sleep(0))

    def stop(self) -> None:
        self.stage.node.close()
        self.loop.run_until_complete(self.running)

    def teardown(self) -> None:
        self.stop()
        self.loop.close()
        History.close(self.history)

    def ask(self, name: str, **params: Any) -> dict[str, Any]:
        """One request of the API, on the wire but for the socket and the signature."""
        model = BOTOCORE.operation_model(name)
        if "InstanceId" in model.input_shape.members:
            params["InstanceId"] = self.instance
        valid = understood(API, serialised(model, params))
        context = Context(
            service=self.service,
            operation=valid.operation,
            principal=ROOT,
            source="192.0.2.1",
            request_id="r",
            now=self.clock.now(),
        )
        result = self.loop.run_until_complete(HANDLERS[name](context, valid.params))
        answer = success(valid.operation, result, "r", self.clock.now(), check=True)
        return received(answer, model.output_shape)

    def refused(self, name: str, **params: Any) -> str:
        with pytest.raises(Refusal) as caught:
            self.ask(name, **params)
        answer = failure(caught.value, "r", self.clock.now(), API.operations[name])
        return str(received(answer, None)["Error"]["Code"])

    # The model

    def of(self, kind: str) -> list[str]:
        return [each for each, known in self.known.items() if known.kind == kind]

    def picked(self, kind: str, pick: int) -> str:
        """One of the kind, or nobody."""
        there = self.of(kind)
        return there[pick] if pick < len(there) else NOBODY

    def users(self, identifier: str) -> list[str]:
        """Who names a resource without belonging to it."""
        return [
            each
            for each, known in self.known.items()
            if known.owner() != identifier
            and any(value == identifier for _, value in known.references)
        ]

    def expected_refusal(self, known: Known, but: str | None = None) -> str | None:
        """Why such a resource could not be; but: the one that it replaces."""
        others = {each: other for each, other in self.known.items() if each != but}
        for other in others.values():
            same = (known.kind, known.name, known.owner())
            if (other.kind, other.name, other.owner()) == same:
                return "DuplicateResourceException"
        for _, value in known.references:
            if value not in self.known:
                return "ResourceNotFoundException"
        if but is None:
            there = [
                other
                for other in others.values()
                if (other.kind, other.owner()) == (known.kind, known.owner())
            ]
            if len(there) >= KINDS[known.kind].quota:
                return "LimitExceededException"
        return None

    def address(self, identifier: str) -> dict[str, str]:
        """The members that name a resource."""
        known = self.known[identifier]
        row = KINDS[known.kind]
        owner = {row.owner: known.owner()} if row.owner else {}
        return {row.id_member: identifier, **owner}

    # Rules

    @rule(kind=st.sampled_from(sorted(KINDS)), name=NAMES, pick=PICK)
    def create(self, kind: str, name: str, pick: int) -> None:
        row = KINDS[kind]
        held = {member: self.picked(other, pick) for member, other in row.references.items()}
        known = Known(kind, name, tuple(held.items()))
        request = {"Name": name, **row.more, **held}
        why = self.expected_refusal(known)
        if why is not None:
            assert self.refused(f"Create{row.noun}", **request) == why
            return
        made = self.ask(f"Create{row.noun}", **request)[row.id_member]
        assert made not in self.known
        self.known[made] = known
        self.tags[made] = {}

    @rule(kind=st.sampled_from(sorted(KINDS)), pick=PICK, name=NAMES)
    def rename(self, kind: str, pick: int, name: str) -> None:
        identifier = self.picked(kind, pick)
        row = KINDS[kind]
        if identifier == NOBODY:
            return
        known = self.known[identifier]._replace(name=name)
        request = {**self.address(identifier), "Name": name}
        why = self.expected_refusal(known, identifier)
        if why is not None:
            assert self.refused(row.rename, **request) == why
            return
        self.ask(row.rename, **request)
        self.known[identifier] = known

    @rule(kind=st.sampled_from(sorted(KINDS)), pick=PICK)
    def delete(self, kind: str, pick: int) -> None:
        identifier = self.picked(kind, pick)
        row = KINDS[kind]
        if identifier == NOBODY:
            return
        request = self.address(identifier)
        if self.users(identifier):
            code = "ResourceInUseException"
            if code not in API.operations[f"Delete{row.noun}"].declared:
                code = "InvalidRequestException"
            assert self.refused(f"Delete{row.noun}", **request) == code
            return
        self.ask(f"Delete{row.noun}", **request)
        gone = [each for each, known in self.known.items() if known.owner() == identifier]
        for each in (identifier, *gone):
            del self.known[each]
            del self.tags[each]
        assert self.refused(f"Describe{row.noun}", **request) == "ResourceNotFoundException"

    @rule(kind=st.sampled_from(sorted(KINDS)), pick=PICK)
    def describe(self, kind: str, pick: int) -> None:
        identifier = self.picked(kind, pick)
        row = KINDS[kind]
        if identifier == NOBODY:
            return
        answer = self.ask(f"Describe{row.noun}", **self.address(identifier))
        (found,) = (value for name, value in answer.items() if name != "ResponseMetadata")
        known = self.known[identifier]
        assert found["Name"] == known.name
        assert {member: found[member] for member, _ in known.references} == dict(known.references)
        assert found.get("Tags", {}) == self.tags[identifier]

    @rule(kind=st.sampled_from(sorted(KINDS)), pick=PICK, size=st.integers(1, 4))
    def listed(self, kind: str, pick: int, size: int) -> None:
        row = KINDS[kind]
        owner = {row.owner: self.picked("hours", pick)} if row.owner else {}
        if NOBODY in owner.values():
            assert self.refused(f"List{row.plural}", **owner) == "ResourceNotFoundException"
            return
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self.ask(f"List{row.plural}", MaxResults=size, **owner, **token)
            assert len(page[row.summary]) <= size
            found += [each["Name"] for each in page[row.summary]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        mine = [self.known[each] for each in self.of(kind)]
        wanted = [each.name for each in mine if each.owner() == owner.get(row.owner or "", "")]
        assert found == sorted(wanted)

    @rule(kind=st.sampled_from(sorted(KINDS)), name=NAMES)
    def search(self, kind: str, name: str) -> None:
        row = KINDS[kind]
        condition = {"FieldName": "name", "Value": name, "ComparisonType": "STARTS_WITH"}
        answer = self.ask(f"Search{row.plural}", SearchCriteria={"StringCondition": condition})
        wanted = [
            self.known[each].name
            for each in self.of(kind)
            if self.known[each].name.lower().startswith(name.lower())
        ]
        assert [each["Name"] for each in answer[row.plural]] == sorted(wanted)
        assert answer["ApproximateTotalCount"] == len(wanted)

    @rule(pick=PICK, key=st.sampled_from("xyz"), value=st.sampled_from(["1", "2", None]))
    def tag(self, pick: int, key: str, value: str | None) -> None:
        identifier = self.picked("queue", pick)
        arn = self.stage.node.desk(self.instance).center.home.arn_of("queue", identifier)
        if identifier == NOBODY:
            name = "TagResource"
            assert self.refused(name, resourceArn=arn, tags={key: "1"}) == (
                "ResourceNotFoundException"
            )
        elif value is None:
            self.ask("UntagResource", resourceArn=arn, tagKeys=[key])
            self.tags[identifier].pop(key, None)
        else:
            self.ask("TagResource", resourceArn=arn, tags={key: value})
            self.tags[identifier][key] = value
            assert self.ask("ListTagsForResource", resourceArn=arn)["tags"] == self.tags[identifier]

    @rule(token=st.sampled_from(["t", "u"]), name=NAMES, days=st.integers(0, 8))
    def create_with_a_token(self, token: str, name: str, days: int) -> None:
        """A task template is made once with a token, for seven days."""
        self.clock.move_to(self.clock.now() + days * DAY)
        flow = self.stage.node.desk(self.instance).center.named(
            "contact_flow", "Sample inbound flow"
        )
        field = {"Id": {"Name": "n"}, "Type": "NAME"}
        request = {
            "Name": f"{name} {next(self.numbers)}",
            "ContactFlowId": flow,
            "Fields": [field],
            "Constraints": {"RequiredFields": [{"Id": {"Name": "n"}}]},
            "ClientToken": token,
        }
        made = self.ask("CreateTaskTemplate", **request)["Id"]
        before, at = self.tokens.get(token, ("", 0))
        assert (made == before) == (self.clock.now() - at < 7 * DAY)
        if made != before:
            self.tokens[token] = made, self.clock.now()

    @rule()
    def restart(self) -> None:
        """All is as it was, replayed from the first record."""
        before = engine.image(self.stage.node.desk(self.instance).center)
        self.stop()
        self.history.forget(self.instance)
        self.recover()
        assert engine.image(self.stage.node.desk(self.instance).center) == before

    @invariant()
    def nothing_is_violated(self) -> None:
        if hasattr(self, "instance"):
            assert violations(self.stage.node.desk(self.instance).center) == []


Directory.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDirectory = Directory.TestCase
