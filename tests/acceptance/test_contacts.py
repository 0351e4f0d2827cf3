"""The contact actions of the API through boto3: every parameter, every error, live and ended."""

import pytest
from botocore.exceptions import ClientError

from acceptance.center import OWN_NUMBER, FirstCenter

NOBODY = "00000000-0000-4000-8000-000000000000"
DAYS = 24 * 60 * 60


@pytest.fixture(scope="module")
def center(server):
    return FirstCenter(server)


@pytest.fixture
def call(center):
    """Waits in the queue; ends with the test."""
    contact = center.dial(Attributes={"tier": "gold"}, Name="Jane", Description="x")
    yield contact
    if "DisconnectTimestamp" not in center.contact(contact):
        stop(center, contact)


@pytest.fixture
def ended(center, call):
    stop(center, call)
    return call


@pytest.fixture(params=["live", "ended"])
def any_call(center, call, request):
    if request.param == "ended":
        stop(center, call)
    return call


def stop(center, contact, **more):
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact, **more)


def ask(center, operation, contact, **members):
    return getattr(center.connect, operation)(
        InstanceId=center.instance, ContactId=contact, **members
    )


def refused(code, words, call, *positional, **named):
    """The call is refused with this code, and a message that says this."""
    with pytest.raises(ClientError) as caught:
        call(*positional, **named)
    error = caught.value.response["Error"]
    assert (error["Code"].removesuffix("Exception"), words in error["Message"]) == (code, True), (
        error
    )
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def attributes(center, contact):
    return center.connect.get_contact_attributes(
        InstanceId=center.instance, InitialContactId=contact
    )["Attributes"]


def update(center, contact, **pairs):
    center.connect.update_contact_attributes(
        InstanceId=center.instance, InitialContactId=contact, Attributes=pairs
    )


# StartOutboundVoiceContact


def dial(center, connect, **members):
    """Like center.dial; a member that is None is left out."""
    asked = {
        "InstanceId": center.instance,
        "DestinationPhoneNumber": center.customer,
        "ContactFlowId": center.flow,
        "QueueId": center.queue,
        **members,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return connect.start_outbound_voice_contact(**given)["ContactId"]


def bad_starts():
    url = {"Type": "URL", "Value": "https://example.com"}
    yield "InvalidParameter", "DestinationPhoneNumber", {"DestinationPhoneNumber": "12065550100"}
    yield "InvalidParameter", "DestinationPhoneNumber", {"DestinationPhoneNumber": "+0206555010"}
    yield "InvalidParameter", "SourcePhoneNumber", {"SourcePhoneNumber": "15555550100"}
    yield "ResourceNotFound", "SourcePhoneNumber", {"SourcePhoneNumber": "+15555550199"}
    yield "InvalidRequest", "QueueId", {"QueueId": None}
    yield "ResourceNotFound", "QueueId", {"QueueId": NOBODY}
    yield (
        "InvalidParameter",
        "QueueId",
        {"QueueId": f"arn:aws:connect:x:1:instance/i/queue/{NOBODY}"},
    )
    yield "ResourceNotFound", "ContactFlowId", {"ContactFlowId": NOBODY}
    yield "InvalidParameter", "ContactFlowId", {"ContactFlowId": "f" * 501}
    yield "ResourceNotFound", "InstanceId", {"InstanceId": NOBODY}
    yield "InvalidParameter", "InstanceId", {"InstanceId": "i" * 101}
    yield "InvalidParameter", "ClientToken", {"ClientToken": "t" * 501}
    yield "InvalidParameter", "Name", {"Name": "n" * 1_025}
    yield "InvalidParameter", "Description", {"Description": "d" * 4_097}
    yield "InvalidParameter", "RingTimeoutInSeconds", {"RingTimeoutInSeconds": 14}
    yield "InvalidParameter", "RingTimeoutInSeconds", {"RingTimeoutInSeconds": 61}
    yield "ResourceNotFound", "RelatedContactId", {"RelatedContactId": NOBODY}
    yield "InvalidParameter", "'a.b' is no key", {"Attributes": {"a.b": "v"}}
    yield "InvalidParameter", "32769 bytes", {"Attributes": {"a": "x" * 32_767, "b": ""}}
    yield "InvalidParameter", "Attributes", {"Attributes": {"a": "x" * 32_768}}
    yield "InvalidParameter", "Type", {"References": {"r": {**url, "Type": "ATTACHMENT"}}}
    yield "InvalidParameter", "Arn", {"References": {"r": {**url, "Arn": "arn:aws:connect:x"}}}
    yield "InvalidParameter", "no date", {"References": {"r": {"Type": "DATE", "Value": "today"}}}
    yield "InvalidParameter", "51 are more", {"References": {f"{n}": url for n in range(51)}}
    yield "InvalidParameter", "TrafficType", {"TrafficType": "CAMPAIGN"}
    yield "InvalidParameter", "CampaignId", {"CampaignId": "c"}
    yield "InvalidParameter", "OutboundStrategy", {"OutboundStrategy": {"Type": "AGENT_FIRST"}}
    yield (
        "InvalidRequest",
        "TrafficType CAMPAIGN",
        {"AnswerMachineDetectionConfig": {"EnableAnswerMachineDetection": True}},
    )


@pytest.mark.parametrize(("code", "words", "members"), [*bad_starts()])
def test_what_cannot_be_dialled_names_field_and_rule(server, center, code, words, members):
    refused(code, words, dial, center, server.client(parameter_validation=False), **members)


def test_what_the_flow_and_the_instance_do_not_allow(server):
    center = FirstCenter(server)
    connect, instance = center.connect, center.instance
    hold = center.found("list_contact_flows", "ContactFlowSummaryList", "Default customer hold")
    assert (
        refused("InvalidRequest", "CONTACT_FLOW", dial, center, connect, ContactFlowId=hold["Id"])
        == 400
    )
    connect.update_contact_flow_metadata(
        InstanceId=instance, ContactFlowId=center.flow, ContactFlowState="ARCHIVED"
    )
    refused("InvalidRequest", "archived", center.dial)
    connect.update_contact_flow_metadata(
        InstanceId=instance, ContactFlowId=center.flow, ContactFlowState="ACTIVE"
    )
    connect.update_instance_attribute(
        InstanceId=instance, AttributeType="OUTBOUND_CALLS", Value="false"
    )
    assert refused("OutboundContactNotPermitted", "not enabled", center.dial) == 403


def test_all_that_a_call_can_be_given_is_there(center):
    related = center.dial(Attributes={"tier": "gold", "lang": "en"})
    contact = center.dial(
        SourcePhoneNumber=OWN_NUMBER,
        Attributes={"tier": "silver", "Empty-1_": ""},
        ClientToken="t" * 500,
        Name="Jane",
        Description="calls back",
        References={
            "order": {"Type": "URL", "Value": "https://example.com/7"},
            "when": {"Type": "DATE", "Value": "1700000000"},
            "count": {"Type": "NUMBER", "Value": "7"},
            "mail": {"Type": "EMAIL", "Value": "jane@example.com"},
            "note": {"Type": "STRING", "Value": ""},
        },
        RelatedContactId=related,
        TrafficType="GENERAL",
        AnswerMachineDetectionConfig={"EnableAnswerMachineDetection": False},
        RingTimeoutInSeconds=15,
    )
    assert attributes(center, contact) == {"tier": "silver", "lang": "en", "Empty-1_": ""}
    described = center.contact(contact)
    assert (described["Name"], described["Description"]) == ("Jane", "calls back")
    assert described["RelatedContactId"] == related
    assert described["ContactAssociationId"] == related
    assert described["QueuePriority"] == 5
    third = center.dial(RelatedContactId=contact)
    assert center.contact(third)["ContactAssociationId"] == related
    listed = ask(
        center, "list_contact_references", contact, ReferenceTypes=["URL", "DATE", "STRING"]
    )
    assert listed["ReferenceSummaryList"] == [
        {"Url": {"Name": "order", "Value": "https://example.com/7"}},
        {"Date": {"Name": "when", "Value": "1700000000"}},
        {"String": {"Name": "note", "Value": ""}},
    ]
    assert "NextToken" not in listed
    for each in (related, contact, third):
        stop(center, each)
    everything = ["URL", "ATTACHMENT", "NUMBER", "STRING", "DATE", "EMAIL"]
    listed = ask(center, "list_contact_references", contact, ReferenceTypes=everything)
    assert len(listed["ReferenceSummaryList"]) == 5


def test_a_tree_of_contacts_is_listed_page_by_page(center):
    root = center.dial()
    stop(center, root)
    center.advance(1)
    tree = [root]
    for ended in (True, False, True, False):
        tree.append(center.dial(RelatedContactId=tree[-1]))
        center.advance(1)
        if ended:
            stop(center, tree[-1])
    for of in (root, tree[-1]):
        listed = ask(center, "list_associated_contacts", of)
        assert [row["ContactId"] for row in listed["ContactSummaryList"]] == tree
        assert "NextToken" not in listed
    pages, token = [], {}
    while not pages or token:
        page = ask(center, "list_associated_contacts", tree[2], MaxResults=2, **token)
        pages.append(page["ContactSummaryList"])
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert [[row["ContactId"] for row in page] for page in pages] == [tree[:2], tree[2:4], tree[4:]]
    described = center.contact(tree[1])
    assert pages[0][1] == {
        "ContactId": tree[1],
        "ContactArn": described["Arn"],
        "InitiationTimestamp": described["InitiationTimestamp"],
        "DisconnectTimestamp": described["DisconnectTimestamp"],
        "RelatedContactId": root,
        "InitiationMethod": "API",
        "Channel": "VOICE",
    }
    assert "DisconnectTimestamp" not in pages[1][0]
    refused("ResourceNotFound", "ContactId", ask, center, "list_associated_contacts", NOBODY)
    for contact in (tree[2], tree[4]):
        stop(center, contact)


def test_a_ring_lasts_as_long_as_was_asked(server, center):
    server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "no-answer"})
    try:
        short, usual = center.dial(RingTimeoutInSeconds=15), center.dial()
        center.advance(15)
        assert center.contact(short)["DisconnectReason"] == "TELECOM_TIMEOUT"
        assert "DisconnectReason" not in center.contact(usual)
        center.advance(45)
        assert center.contact(usual)["DisconnectReason"] == "TELECOM_TIMEOUT"
    finally:
        server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "answer"})


def test_a_client_token_is_good_for_seven_days_and_one_live_contact(fresh):
    center = FirstCenter(fresh)
    first = center.dial(ClientToken="token")
    center.advance(7 * DAYS - 1)
    assert center.dial(ClientToken="token") == first
    center.advance(1)
    second = center.dial(ClientToken="token")
    assert second != first
    assert center.dial(ClientToken="token") == second
    assert center.dial(ClientToken="Token") not in (first, second)
    stop(center, second)
    third = center.dial(ClientToken="token")
    assert third not in (first, second)


def test_quotas_of_calls_and_of_destinations(start):
    center = FirstCenter(start("--memory", "--sandbox", "--clock", "virtual", "--limits", "aws"))
    call = {"InstanceId": center.instance, "ContactFlowId": center.flow}
    uk = {**call, "DestinationPhoneNumber": "+447700900123", "QueueId": center.queue}
    start_call = center.connect.start_outbound_voice_contact
    assert refused("DestinationNotAllowed", "+447", start_call, **uk) == 403
    dialled = []
    for _ in range(10):
        center.advance(1)  # or the requests would be throttled
        dialled.append(center.dial())
    center.advance(1)
    assert refused("LimitExceeded", "10 calls", center.dial) == 429
    status, message = center.server.refused(
        "POST", f"/_ringfloor/phones/{center.customer}/call", call
    )
    assert (status, "LimitExceeded" in message) == (429, True)
    center.advance(1)
    stop(center, dialled[0])
    assert center.server.sandbox("POST", f"phones/{center.customer}/call", call)["ContactId"]


# StopContact


def test_a_contact_is_stopped_once(center, call):
    stop(center, call)
    assert center.contact(call)["DisconnectReason"] == "OTHER"
    for contact in (call, NOBODY):
        assert refused("ContactNotFound", contact, stop, center, contact) == 410
    refused("ResourceNotFound", "InstanceId", center.connect.stop_contact,
            InstanceId=NOBODY, ContactId=call)  # fmt: skip
    refused("InvalidParameter", "ContactId", stop, center, "c" * 257)


def test_only_campaigns_say_why_a_contact_is_stopped(center, call):
    reason = {"Code": "OUTBOUND_ATTEMPT_FAILED"}
    refused("InvalidParameter", "campaigns", stop, center, call, DisconnectReason=reason)
    assert "DisconnectReason" not in center.contact(call)


# Attributes


def test_attributes_are_updated_live_and_ended(center, any_call):
    before = center.contact(any_call).get("LastUpdateTimestamp")
    center.advance(1)
    update(center, any_call, note="called", tier="")
    update(center, any_call, note="called back")
    assert attributes(center, any_call) == {"tier": "", "note": "called back"}
    described = center.contact(any_call)
    assert described["Attributes"] == attributes(center, any_call)
    assert described["LastUpdateTimestamp"] > before


def test_attributes_have_a_bound_over_all_pairs(center, any_call):
    most = 32_768 - len("tiergold") - len("a")
    update(center, any_call, a="x" * (most - 1) + "y")
    refused("InvalidParameter", "32769 bytes", update, center, any_call, b="")
    refused("InvalidParameter", "over all pairs", update, center, any_call, a="é" * 16_380)
    update(center, any_call, a="")
    update(center, any_call, a="é" * (most // 2))
    refused("InvalidParameter", "is no key", update, center, any_call, **{"a b": "v"})


def test_attributes_of_nobody(center):
    refused("ResourceNotFound", "InitialContactId", update, center, NOBODY, k="v")
    refused("ResourceNotFound", "InitialContactId", attributes, center, NOBODY)


# Tags


def test_tags_come_and_go_live_and_ended(center, any_call):
    own = {"aws:connect:instanceId": center.instance, "aws:connect:systemEndpoint": OWN_NUMBER}
    assert center.contact(any_call)["Tags"] == own
    ask(center, "tag_contact", any_call, Tags={"team": "blue", "cost": "7"})
    ask(center, "tag_contact", any_call, Tags={"team": "red"})
    assert center.contact(any_call)["Tags"] == {"team": "red", "cost": "7", **own}
    ask(center, "untag_contact", any_call, TagKeys=["cost", "never"])
    assert center.contact(any_call)["Tags"] == {"team": "red", **own}
    many = {f"tag{letter}": "v" for letter in "abcde"}
    ask(center, "tag_contact", any_call, Tags=many)
    assert center.contact(any_call)["Tags"] == {"team": "red", **many}
    refused("InvalidParameter", "7 are more than 6", ask, center, "tag_contact", any_call,
            Tags={"more": "v"})  # fmt: skip
    refused("InvalidParameter", "reserved", ask, center, "tag_contact", any_call,
            Tags={"aws:mine": "v"})  # fmt: skip


# UpdateContact


def test_a_contact_is_described_anew_live_and_ended(center, any_call):
    url = {"Type": "URL", "Value": "https://example.com"}
    ask(center, "update_contact", any_call, Name="Joan", References={"a": url, "b": url})
    ask(center, "update_contact", any_call, Description="", References={"b": {"Type": "NUMBER"}})
    described = center.contact(any_call)
    assert (described["Name"], described["Description"]) == ("Joan", "")
    listed = ask(center, "list_contact_references", any_call, ReferenceTypes=["URL", "NUMBER"])
    assert listed["ReferenceSummaryList"] == [
        {"Url": {"Name": "a", "Value": "https://example.com"}},
        {"Number": {"Name": "b"}},
    ]
    for words, members in {
        "at least one": {},
        "QueueInfo": {"QueueInfo": {"Id": center.queue}},
        "UserInfo": {"UserInfo": {"UserId": center.agent}},
        "CustomerEndpoint": {"CustomerEndpoint": {"Address": "+12065550100"}},
        "SystemEndpoint": {"SystemEndpoint": {"Address": "+12065550100"}},
        "AdditionalRecipients": {"AdditionalRecipients": {"CcEmailAddresses": []}},
        "ContactExpiry": {
            "SegmentAttributes": {"connect:ContactExpiry": {"ValueMap": {}}},
        },
    }.items():
        refused("InvalidRequest", words, ask, center, "update_contact", any_call, **members)
    refused("InvalidParameter", "predefined", ask, center, "update_contact", any_call,
            SegmentAttributes={"tier": {"ValueString": "gold"}})  # fmt: skip
    refused("ResourceNotFound", "ContactId", ask, center, "update_contact", NOBODY, Name="x")


def test_segment_attributes_are_those_that_are_defined(center, any_call, request):
    connect, name = center.connect, f"tier-{request.node.callspec.id}"
    connect.create_predefined_attribute(
        InstanceId=center.instance,
        Name=name,
        Values={"StringList": ["gold", "silver"]},
        AttributeConfiguration={"EnableValueValidationOnAssociation": True},
    )
    connect.create_predefined_attribute(InstanceId=center.instance, Name=f"{name}-free")
    given = {name: {"ValueString": "gold"}, f"{name}-free": {"ValueString": "anything"}}
    ask(center, "update_contact", any_call, SegmentAttributes=given)
    subtype = {"connect:Subtype": {"ValueString": "connect:Telephony"}}
    assert center.contact(any_call)["SegmentAttributes"] == {**given, **subtype}
    for value in ({"ValueString": "lead"}, {"ValueInteger": 1}, {}, {"ValueList": []}):
        refused("InvalidParameter", name, ask, center, "update_contact", any_call,
                SegmentAttributes={name: value})  # fmt: skip
    refused("InvalidParameter", "connect:Subtype", ask, center, "update_contact", any_call,
            SegmentAttributes=subtype)  # fmt: skip


# Rank and schedule


def test_a_waiting_contact_is_moved(center, call):
    second, third = center.dial(), center.dial()

    def order():
        places = {
            each: center.position(each)["POSITION_IN_QUEUE"] for each in (call, second, third)
        }
        return sorted(places, key=places.__getitem__)

    rank = "update_contact_routing_data"
    assert order() == [call, second, third]
    ask(center, rank, third, QueuePriority=1)
    assert order() == [third, call, second]
    ask(center, rank, third, QueuePriority=2**63 - 1)
    ask(center, rank, second, QueueTimeAdjustmentSeconds=60)
    assert order() == [second, call, third]
    described = center.contact(second)
    assert (described["QueueTimeAdjustmentSeconds"], described["QueuePriority"]) == (60, 5)
    both = {"QueuePriority": 1, "QueueTimeAdjustmentSeconds": 1}
    refused("InvalidParameter", "not both", ask, center, rank, third, **both)
    refused("InvalidParameter", "not both", ask, center, rank, third)
    refused("InvalidParameter", "1 to 5 routing steps", ask, center, rank, third,
            RoutingCriteria={"Steps": []})  # fmt: skip
    for contact in (second, third):
        stop(center, contact)
    assert refused("ResourceConflict", "ended", ask, center, rank, third, QueuePriority=1) == 409
    refused("ResourceNotFound", "ContactId", ask, center, rank, NOBODY, QueuePriority=1)


def test_calls_have_no_schedule(center, any_call):
    when = {"ScheduledTime": center.now() + 60}
    schedule = "update_contact_schedule"
    refused("InvalidRequest", "scheduled task", ask, center, schedule, any_call, **when)
    refused("ResourceNotFound", "contact", ask, center, schedule, NOBODY, **when)


# What is forgotten


def test_a_contact_is_forgotten_after_24_months(fresh):
    center = FirstCenter(fresh)
    contact, later = center.dial(), center.dial()
    stop(center, contact)
    center.advance(725 * DAYS)
    update(center, contact, note="late")
    assert attributes(center, contact) == {"note": "late"}
    center.advance(6 * DAYS + 1)  # 24 months have 730 or 731 days
    for call in (attributes, FirstCenter.contact, FirstCenter.position):
        refused("ResourceNotFound", "ontactId", call, center, contact)
    refused("ResourceNotFound", "InitialContactId", update, center, contact, k="v")
    center.advance(2 * DAYS)
    refused("ResourceNotFound", "ContactId", center.contact, contact)
    assert center.contact(later)["Id"] == later  # it still waits
