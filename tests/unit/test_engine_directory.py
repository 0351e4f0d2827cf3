"""Directory: names, references, quotas and defaults of the resources of an instance."""

import pytest

from engine_builders import NUMBER, Driver, ProfileOf, a_center, a_content, an_action
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import CLIENT_TOKEN_MS
from ringfloor.domain.commands import (
    CreateInstance,
    CreateResource,
    DeleteInstance,
    DeleteResource,
    TagResource,
    UpdateInstance,
    UpdateResource,
)
from ringfloor.domain.events import (
    InstanceCreated,
    ResourceCreated,
    ResourceTagged,
    ResourceUpdated,
)
from ringfloor.domain.resources import KINDS
from ringfloor.engine import engine, hierarchy
from ringfloor.engine.state import Center


def refused(center: Driver, command: object) -> Refusal:
    """The command is refused, and nothing has changed."""
    before = engine.image(center.center)
    with pytest.raises(Refusal) as refusal:
        center.run(command)  # type: ignore[arg-type]
    assert engine.image(center.center) == before
    return refusal.value


# A new instance


def test_a_new_instance_contains_what_clients_look_up():
    center = a_center(agents=0, queues=()).center
    names = {kind: set(center.names[kind]) for kind in KINDS}
    assert names["queue"] == {"BasicQueue"}
    assert names["hours_of_operation"] == {"Basic Hours"}
    assert names["routing_profile"] == {"Basic Routing Profile", "basic"}
    assert names["agent_status"] == {"Available", "Offline", "Break", "Lunch"}
    assert names["security_profile"] == {"Admin", "Agent", "CallCenterManager", "QualityAnalyst"}
    assert names["phone_number"] == {NUMBER}
    assert names["user"] == set()
    assert names["contact_flow"] == {
        "Default agent hold",
        "Default agent transfer",
        "Default agent whisper",
        "Default customer hold",
        "Default customer queue",
        "Default customer whisper",
        "Default outbound",
        "Default queue transfer",
        "Sample AB test",
        "Sample Lambda integration",
        "Sample disconnect flow",
        "Sample inbound flow",
        "Sample inbound flow (first contact experience)",
        "Sample interruptible queue flow with callback",
        "Sample note for screenpop",
        "Sample queue configurations flow",
        "Sample queue customer",
        "Sample recording behavior",
        "Sample secure input with agent",
        "Sample secure input with no agent",
    }
    defaults = {
        flow.name
        for flow in center.resources["contact_flow"].values()
        if flow.properties["IsDefault"]
    }
    assert defaults == {name for name in names["contact_flow"] if name.startswith("Default")}


def test_the_basic_routing_profile_serves_the_basic_queue():
    center = a_center(agents=0, queues=()).center
    queue = center.named("queue", "BasicQueue")
    profile = center.resources["routing_profile"][
        center.named("routing_profile", "Basic Routing Profile")
    ].properties
    assert profile["DefaultOutboundQueueId"] == queue
    assert [row["QueueReference"] for row in profile["QueueConfigs"]] == [
        {"QueueId": queue, "Channel": "VOICE"}
    ]


def test_an_instance_is_created_once():
    center = a_center()
    again = CreateInstance(instance_id="i", region="r", account="a", alias="x", properties={})
    assert refused(center, again).code == "DuplicateResourceException"


def test_nothing_exists_before_the_instance():
    """InstanceCreated is the first event of every journal."""
    center = Driver()
    with pytest.raises(Refusal):
        center.run(
            CreateResource(
                kind="agent_status", properties={"Name": "x", "Type": "CUSTOM", "State": "ENABLED"}
            )
        )


def test_an_instance_is_deleted_when_it_has_no_live_contacts_and_only_once():
    center = a_center()
    center.enqueue("c1", "sales")
    refusal = refused(center, DeleteInstance())
    assert refusal.code == "InvalidRequestException"
    assert str(refusal).partition(": ")[2].startswith("InstanceId: ")
    center.ledger(
        """
        1 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        2 s    it                     InstanceDeleted
    """,
        it=DeleteInstance(),
    )
    with pytest.raises(Refusal):
        center.run(DeleteInstance())


def test_a_deleted_instance_takes_no_contacts():
    center = a_center()
    center.run(DeleteInstance())
    with pytest.raises(Refusal):
        center.enqueue("c1", "sales")


def test_an_instance_changes_as_a_resource_does():
    center = a_center()
    assert center.center.instance is not None
    center.run(UpdateInstance({"OutboundCallsEnabled": False, "Alias": "x"}))
    center.run(UpdateInstance({"Alias": None}))
    assert center.run(UpdateInstance({"Alias": None})).events == ()
    properties = center.center.instance.properties
    assert properties["OutboundCallsEnabled"] is False
    assert properties["InboundCallsEnabled"] is True
    assert "Alias" not in properties
    center.check_history()


# Names


def test_a_name_is_unique_within_its_kind():
    center = a_center(queues=["sales", "support"])
    hours = center.center.named("hours_of_operation", "Basic Hours")
    same = {"Name": "sales", "HoursOfOperationId": hours, "Status": "ENABLED"}
    create = CreateResource(kind="queue", properties=same)
    assert refused(center, create).code == "DuplicateResourceException"
    rename = UpdateResource("queue", center.ids["support"], {"Name": "sales"})
    assert refused(center, rename).code == "DuplicateResourceException"
    center.create("hours_of_operation", "h", {"Name": "sales", "TimeZone": "UTC", "Config": []})


def test_a_name_that_was_given_up_is_free():
    center = a_center(queues=["sales", "support"])
    center.update("queue", "sales", Name="old sales")
    center.update("queue", "support", Name="sales")
    assert center.center.named("queue", "sales") == center.ids["support"]
    center.create("prompt", "hello", {"Name": "hello"})
    center.run(DeleteResource("prompt", center.ids["hello"]))
    center.create("prompt", "hello", {"Name": "hello"})


def test_keeping_ones_own_name_is_no_duplicate():
    center = a_center()
    done = center.update("queue", "sales", Name="sales", Description="d")
    assert [type(event) for event in done.events] == [ResourceUpdated]


def test_a_user_is_known_by_his_username_and_a_number_by_itself():
    center = a_center()
    profile, security = center.ids["basic"], center.center.named("security_profile", "Agent")
    twin = {"Username": "a1", "RoutingProfileId": profile, "SecurityProfileIds": [security]}
    refusal = refused(center, CreateResource(kind="user", properties=twin))
    assert refusal.code == "DuplicateResourceException"
    number = CreateResource(kind="phone_number", properties={"PhoneNumber": NUMBER})
    assert refused(center, number).code == "DuplicateResourceException"


# References


@pytest.mark.parametrize(
    ("kind", "properties", "member"),
    [
        ("queue", {"Name": "q", "HoursOfOperationId": "x"}, "HoursOfOperationId"),
        (
            "queue",
            {
                "Name": "q",
                "HoursOfOperationId": "$hours",
                "OutboundCallerConfig": {"OutboundFlowId": "x"},
            },
            "OutboundFlowId",
        ),
        (
            "routing_profile",
            {
                "Name": "p",
                "DefaultOutboundQueueId": "$queue",
                "MediaConcurrencies": [],
                "QueueConfigs": [
                    {
                        "QueueReference": {"QueueId": "x", "Channel": "VOICE"},
                        "Priority": 1,
                        "Delay": 0,
                    }
                ],
            },
            "QueueId",
        ),
        (
            "user",
            {"Username": "u", "RoutingProfileId": "$profile", "SecurityProfileIds": ["x"]},
            "SecurityProfileIds",
        ),
    ],
)
def test_a_reference_must_lead_somewhere(kind, properties, member):
    center = a_center()
    known = {
        "$hours": center.center.named("hours_of_operation", "Basic Hours"),
        "$queue": center.ids["sales"],
        "$profile": center.ids["basic"],
    }
    resolved = {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in properties.items()
    }
    refusal = refused(center, CreateResource(kind=kind, properties=resolved))
    assert refusal.code == "ResourceNotFoundException"
    assert member in str(refusal)


def test_what_others_name_cannot_be_deleted():
    center = a_center()
    for kind, name in (
        ("queue", "sales"),
        ("routing_profile", "basic"),
        ("security_profile", "Agent"),
        ("hours_of_operation", "Basic Hours"),
        ("phone_number", NUMBER),
    ):
        refusal = refused(center, DeleteResource(kind, center.center.named(kind, name)))
        assert refusal.code == "ResourceInUseException"
        assert refusal.members["ResourceId"] == center.center.named(kind, name)


def test_what_nobody_names_any_more_can_be_deleted():
    center = a_center(agents={"a1": "p"}, profiles={"p": "sales", "q": ""})
    center.update("user", "a1", RoutingProfileId=center.ids["q"])
    center.run(DeleteResource("routing_profile", center.ids["p"]))
    center.run(DeleteResource("queue", center.ids["sales"]))
    center.check_history()


def test_a_name_twice_in_one_resource_is_still_in_use_when_one_of_them_goes():
    center = a_center(profiles={"p": ProfileOf("sales, sales/CHAT", chat=1)})
    center.update("routing_profile", "p", **ProfileOf("sales/CHAT", chat=1).properties(center.ids))
    refusal = refused(center, DeleteResource("queue", center.ids["sales"]))
    assert refusal.code == "ResourceInUseException"


def test_a_queue_in_which_somebody_waits_cannot_be_deleted():
    center = a_center(profiles={"p": ""})
    center.enqueue("c1", "sales")
    refusal = refused(center, DeleteResource("queue", center.ids["sales"]))
    assert refusal.code == "ResourceInUseException"
    center.ledger(
        """
        1 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT IN_QUEUE;
                                      ContactCompleted c1
        2 s    it                     ResourceDeleted queue sales
    """,
        it=DeleteResource("queue", center.ids["sales"]),
    )


def test_unknown_resources_are_refused():
    center = a_center()
    for command in (
        UpdateResource("queue", "x", {}),
        DeleteResource("queue", "x"),
        TagResource("queue", "x", {}),
        DeleteResource("queue", center.ids["a1"]),
    ):
        assert refused(center, command).code == "ResourceNotFoundException"


def test_no_agent_status_can_be_deleted():
    """Behaviour specification, section 1.6; agents have it, or will have it next."""
    center = a_center()
    for status in ("Break", "Lunch", "Available", "Offline"):
        refused(center, DeleteResource("agent_status", center.ids[status]))


# Quotas, tags, changes


def test_a_quota_counts_what_there_is():
    center = a_center(queues=["sales"])  # and BasicQueue
    hours = center.center.named("hours_of_operation", "Basic Hours")
    properties = {"Name": "third", "HoursOfOperationId": hours, "Status": "ENABLED"}
    full = CreateResource(kind="queue", properties=properties, quota=2)
    assert refused(center, full).code == "LimitExceededException"
    center.run(CreateResource(kind="queue", properties=properties, quota=3))


def test_tags_are_added_changed_and_taken_away():
    center = a_center()
    sales = center.ids["sales"]
    center.run(TagResource("queue", sales, {"a": "1", "b": "2"}))
    center.run(TagResource("queue", sales, {"a": "3", "b": None, "c": None}))
    center.at += 1_000
    center.run(TagResource("queue", sales, {"d": "4"}))
    queue = center.center.resources["queue"][sales]
    assert queue.tags == {"a": "3", "d": "4"}
    assert queue.modified_at == center.at
    center.check_history()


def test_a_change_names_the_members_that_change_and_none_takes_one_away():
    center = a_center()
    sales = center.center.resources["queue"][center.ids["sales"]]
    center.update("queue", "sales", Description="d", MaxContacts=3)
    center.update("queue", "sales", MaxContacts=None)
    assert sales.properties["Description"] == "d"
    assert "MaxContacts" not in sales.properties
    assert center.update("queue", "sales", Description="d").events == ()
    center.check_history()


def test_a_change_may_depend_on_what_its_author_has_seen():
    center = a_center()
    sales = center.ids["sales"]

    def change(to: str, seen: dict[str, object]) -> UpdateResource:
        return UpdateResource("queue", sales, {"Description": to}, expected=seen)

    assert refused(center, change("a", {"Description": "z"})).code == STALE
    center.run(change("a", {"Description": None, "Status": "ENABLED"}))
    assert refused(center, change("b", {"Description": None})).code == STALE
    center.run(change("b", {"Description": "a"}))
    assert center.center.resources["queue"][sales].properties["Description"] == "b"


STALE = "ConditionalOperationFailedException"


def test_a_resource_knows_when_it_was_made_and_changed():
    center = a_center()
    sales = center.center.resources["queue"][center.ids["sales"]]
    made = center.at
    center.at += 5_000
    center.update("queue", "sales", Description="d")
    assert (sales.created_at, sales.modified_at) == (made, center.at)


# Users


def test_deleting_a_user_takes_the_agent_out_of_routing():
    center = a_center(agents=2)
    center.available("a1", "a2")
    center.run(DeleteResource("user", center.ids["a1"]))
    assert center.ids["a1"] not in center.center.agents
    center.ledger("""
        1 s    c1 call sales          ContactEnqueued c1 sales; ContactOffered c1 a2 until 21 s
        1 s    a1 status Available    refused ResourceNotFound
        1 s    a1 accepts c1          refused ContactNotFound
    """)


def test_a_user_with_a_contact_cannot_be_deleted():
    center = a_center()
    it = DeleteResource("user", center.ids["a1"])
    center.available("a1")
    center.enqueue("c1", "sales")
    center.ledger(
        """
        1 s    it                     refused ResourceInUse
        2 s    a1 accepts c1          ContactConnectedToAgent c1 a1
        3 s    it                     refused ResourceInUse
        4 s    c1 leaves              ContactEnded c1 CUSTOMER_DISCONNECT CONNECTED
        5 s    it                     refused ResourceInUse
        6 s    a1 clears c1           ContactCleared c1 a1; ContactCompleted c1
        7 s    it                     ResourceDeleted user a1
        """,
        it=it,
    )


def test_a_user_for_whom_somebody_waits_cannot_be_deleted():
    center = a_center()
    center.enqueue("c1", "a1")
    refusal = refused(center, DeleteResource("user", center.ids["a1"]))
    assert refusal.code == "ResourceInUseException"


def test_a_new_user_is_offline_whatever_that_status_is_called():
    """UpdateAgentStatus may rename it; apply must not fail on that."""
    center = a_center()
    center.update("agent_status", "Offline", Name="Gone home")
    center.an_agent("a2", "basic")
    assert center.agent("a2").status_type == "OFFLINE"


def test_the_ids_of_one_command_are_derived_from_its_seed():
    first, second = a_center(driver=Driver(7)), a_center(driver=Driver(7))
    assert engine.image(first.center) == engine.image(second.center)
    other = a_center(driver=Driver(8))
    assert set(other.center.resources["user"]) != set(first.center.resources["user"])


# What the directory tells on


def test_a_published_flow_that_cannot_be_read_is_refused():
    """apply may not fail; what it parses must have been parsed by the decision."""
    center = a_center()
    broken = {"Name": "f", "Type": "CONTACT_FLOW", "Status": "PUBLISHED", "Content": "no JSON"}
    refused(center, CreateResource(kind="contact_flow", properties=broken))
    refused(center, UpdateResource("contact_flow", center.ids["to sales"], {"Content": "no JSON"}))


def test_a_draft_may_hold_anything_until_it_is_published():
    center = a_center()
    draft = {"Name": "f", "Type": "CONTACT_FLOW", "Status": "SAVED", "Content": "no JSON"}
    center.create("contact_flow", "f", draft)
    refused(center, UpdateResource("contact_flow", center.ids["f"], {"Status": "PUBLISHED"}))
    content = a_content(an_action("bye", "DisconnectParticipant"))
    center.update("contact_flow", "f", Status="PUBLISHED", Content=content)
    center.ledger("""
        1 s    c1 enters f            ContactEnded c1 CONTACT_FLOW_DISCONNECT IN_FLOW;
                                      ContactCompleted c1
    """)


def test_a_row_that_stands_twice_in_a_profile_is_refused_or_harmless():
    center = a_center()
    twice = ProfileOf("sales 1, sales 2 +10").properties(center.ids)
    try:
        center.update("routing_profile", "basic", **twice)
    except Refusal:
        return
    center.update("routing_profile", "basic", **ProfileOf("sales").properties(center.ids))
    center.check_history()


def test_whoever_sees_the_routing_profile_of_an_agent_is_told_of_its_changes():
    """The agent's snapshot shows it: behaviour specification, section 3.6."""
    center = a_center(agents=2)
    done = center.update("routing_profile", "basic", **ProfileOf("").properties(center.ids))
    assert done.agents == {center.ids["a1"], center.ids["a2"]}


def test_creation_answers_the_id():
    center = a_center()
    status = {"Name": "x", "Type": "CUSTOM", "State": "ENABLED"}
    done = center.run(CreateResource(kind="agent_status", properties=status))
    (created,) = done.events
    assert isinstance(created, ResourceCreated)
    assert done.answer == created.id


def test_an_instance_begins_as_its_command_says():
    command = CreateInstance(
        instance_id="i",
        region="eu-west-1",
        account="1",
        alias="x",
        properties={"InboundCallsEnabled": True},
        tags={"a": "b"},
        client_token="t",
        number=None,
    )
    first, *born = engine.decide(Center(), command, bytes(16))
    named = "i", "eu-west-1", "1", "x", {"InboundCallsEnabled": True}, {"a": "b"}, "t"
    assert first == InstanceCreated(*named)
    assert all(isinstance(each, ResourceCreated) for each in born)
    found = {(each.kind, each.properties.get("Name")): each for each in born}
    queue = found["queue", "BasicQueue"]
    assert "OutboundCallerConfig" not in queue.properties
    assert found["routing_profile", "Basic Routing Profile"].properties == {
        "Name": "Basic Routing Profile",
        "Description": "Takes voice contacts of BasicQueue.",
        "DefaultOutboundQueueId": queue.id,
        "MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": 1}],
        "QueueConfigs": [
            {
                "QueueReference": {"QueueId": queue.id, "Channel": "VOICE"},
                "Priority": 1,
                "Delay": 0,
            }
        ],
        "AgentAvailabilityTimer": "TIME_SINCE_LAST_ACTIVITY",
    }
    arn = f"arn:aws:connect:eu-west-1:1:instance/i/queue/{queue.id}"
    contents = [each.properties.get("Content", "") for each in born]
    assert any(arn in each for each in contents)
    assert not any("/None" in each for each in contents)
    assert {kind for kind, _ in found} >= {"security_profile", "predefined_attribute", "prompt"}
    assert "authentication_profile" in {kind for kind, _ in found}


def test_a_quota_may_be_that_of_an_owner_and_says_whose():
    center = a_center(queues=["sales"])
    hours = center.center.named("hours_of_operation", "Basic Hours")
    queue = {"Name": "third", "HoursOfOperationId": hours, "Status": "ENABLED"}
    refusal = refused(center, CreateResource(kind="queue", properties=queue, quota=2))
    assert str(refusal).endswith("queue: this instance has 2, its quota is 2")
    flows = [center.a_flow(name, a_content(an_action("e", "EndFlowExecution"))) for name in "ab"]

    def version(flow: str, number: int) -> CreateResource:
        properties = {"ContactFlowId": flow, "Version": number, "Status": "SAVED", "Content": ""}
        kind, identifier = "contact_flow_version", f"{flow}:{number}"
        return CreateResource(kind=kind, id=identifier, properties=properties, quota=2)

    for command in (version(flows[0], 1), version(flows[1], 1), version(flows[0], 2)):
        center.run(command)
    alias = {"ContactFlowId": flows[1], "Name": "live", "VersionId": f"{flows[1]}:1"}
    center.run(CreateResource(kind="contact_flow_alias", properties=alias))
    refusal = refused(center, version(flows[0], 3))
    assert str(refusal).endswith(f"ContactFlowId {flows[0]} has 2, its quota is 2")
    center.run(version(flows[1], 2))


def test_an_instance_is_tagged_as_a_resource_is():
    center = a_center()
    center.happen(ResourceTagged("instance", "i", {"a": "1", "b": "2"}))
    center.happen(ResourceTagged("instance", "i", {"a": None, "c": "3"}))
    assert center.center.instance is not None
    assert center.center.instance.tags == {"b": "2", "c": "3"}


def test_what_is_named_for_show_does_not_hold_what_it_names():
    """A quick connect to a user, whom it names without binding him, and to a queue."""
    center = a_center(agents=2)
    flow = center.a_flow("way", a_content(an_action("e", "EndFlowExecution")), "AGENT_TRANSFER")
    config = {"UserId": center.ids["a1"], "ContactFlowId": flow}
    quick = {"QuickConnectType": "USER", "UserConfig": config}
    center.create("quick_connect", "q", {"Name": "q", "QuickConnectConfig": quick})
    center.run(DeleteResource("user", center.ids["a1"]))
    assert refused(center, DeleteResource("contact_flow", flow)).code == "ResourceInUseException"


def test_the_hierarchy_of_a_user_begins_at_the_top():
    center = a_center(agents=2)
    ids: list[str] = []
    for name in ("top", "middle", "own"):
        above = {"ParentGroupId": ids[-1]} if ids else {}
        ids.append(center.create("hierarchy_group", name, {"Name": name, **above}))
    center.update("user", "a1", HierarchyGroupId=ids[-1])
    assert [each.id for each in hierarchy.path(center.center, ids[1])] == ids[:2]
    assert [each.id for each in hierarchy.of_user(center.center, center.ids["a1"])] == ids
    assert hierarchy.of_user(center.center, center.ids["a2"]) == []
    assert hierarchy.of_user(center.center, "gone") == []


def test_what_is_not_there_is_refused_by_its_name():
    center = a_center().center
    refusals = []
    for field in ((), ("QueueId",)):
        with pytest.raises(Refusal) as refusal:
            center.resource("queue", "x", *field)
        assert refusal.value.code == "ResourceNotFoundException"
        refusals.append(str(refusal.value).partition(": ")[2])
    assert refusals == ["Id: no queue 'x' here", "QueueId: no queue 'x' here"]


def test_a_client_token_names_what_it_has_made_until_it_is_old_and_then_what_it_makes_anew():
    center = a_center(agents=0, queues=())

    def made(name: str) -> str:
        properties = {"Name": name, "Type": "CUSTOM", "State": "ENABLED"}
        create = CreateResource(kind="agent_status", properties=properties, client_token="t")
        answer = center.run(create).answer
        assert answer is not None
        return answer

    first = made("Tea")
    assert made("Coffee") == first
    center.at += CLIENT_TOKEN_MS
    second = made("Cake")
    assert second != first
    center.run(UpdateResource(kind="agent_status", id=first, changes={"Description": "hot"}))
    assert made("Cookies") == second
    restored = engine.restore(engine.image(center.center))
    assert restored.made_with["agent_status", "t"] == second
