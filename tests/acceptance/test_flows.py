"""Flows with boto3: drafts, versions, aliases and modules, and what callers then hear."""

import hashlib
import itertools
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.center import OWN_NUMBER, FirstCenter, greeting_flow
from acceptance.test_permissions import Desk, allow, denied

NOBODY = "00000000-0000-4000-8000-000000000000"
NUMBERS = itertools.count(1)
WORDS = {  # of flows and of modules
    "contact_flow": ("ContactFlow", "FlowContentSha256"),
    "contact_flow_module": ("ContactFlowModule", "FlowModuleContentSha256"),
}


def says(text: str, ends: str = "DisconnectParticipant") -> str:
    """Content that says something, then ends."""
    return content(
        action("say", "MessageParticipant", {"Text": text}, "end"), action("end", ends, {})
    )


def invokes(module: str, **given: str) -> str:
    parameters = {"FlowModuleId": module, **({"Input": given} if given else {})}
    return content(
        action("invoke", "InvokeFlowModule", parameters, "after", "failed"),
        action("after", "MessageParticipant", {"Text": "Back."}, "bye"),
        action("failed", "MessageParticipant", {"Text": "Failed."}, "bye"),
        action("bye", "DisconnectParticipant", {}),
    )


def content(*actions: dict) -> str:
    start = actions[0]["Identifier"]
    return json.dumps({"Version": "2019-10-30", "StartAction": start, "Actions": actions})


def action(identifier: str, type_: str, parameters: dict, then: str = "", failed: str = "") -> dict:
    transitions: dict[str, Any] = {"NextAction": then} if then else {}
    if failed:
        transitions["Errors"] = [{"NextAction": failed, "ErrorType": "NoMatchingError"}]
    return {
        "Identifier": identifier,
        "Type": type_,
        "Parameters": parameters,
        "Transitions": transitions,
    }


BROKEN = content(action("no", "NoSuchAction", {}))
"""A draft may be that, a published flow may not."""


class Flows(FirstCenter):
    """A center whose operations on flows and modules are called alike."""

    kind = "contact_flow"

    def call(self, operation: str, identifier: str = "", **members: Any) -> Any:
        """`describe`, `create version`, `list aliases` of the present kind."""
        noun, _ = WORDS[self.kind]
        verb, _, what = operation.partition(" ")
        method = getattr(self.connect, "_".join(filter(None, [verb, self.kind, what])))
        at = {f"{noun}Id": identifier} if identifier else {}
        members = {name.replace("Noun", noun): value for name, value in members.items()}
        return method(InstanceId=self.instance, **at, **members)

    def made(self, text: str, **members: Any) -> str:
        """A new flow, or module; its id."""
        noun, _ = WORDS[self.kind]
        more = {} if self.kind.endswith("module") else {"Type": "CONTACT_FLOW"}
        answer = self.call(
            "create", Name=f"{self.kind} {next(NUMBERS)}", Content=text, **more, **members
        )
        return answer["Id"] if more == {} else answer[f"{noun}Id"]

    def described(self, identifier: str) -> dict[str, Any]:
        return self.call("describe", identifier)[WORDS[self.kind][0]]

    def heard(self, flow: str) -> list[str]:
        """What a caller hears who gets this flow."""
        to = {"ContactFlowId": flow, "DestinationPhoneNumber": self.customer}
        contact = self.connect.start_outbound_voice_contact(
            InstanceId=self.instance, QueueId=self.queue, **to
        )["ContactId"]
        said = self.server.sandbox("GET", f"contacts/{contact}/heard")["heard"]
        return [each["value"] for each in said]


@pytest.fixture
def center(server) -> Flows:
    return Flows(server)


@pytest.fixture(params=sorted(WORDS))
def either(server, request) -> Flows:
    """Of flows, then of modules: they differ in their nouns alone."""
    center = Flows(server)
    center.kind = request.param
    return center


def refused(code: str, says_so: str, call) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert (error["Code"], bool(re.search(says_so, error["Message"]))) == (code, True), error
    return caught.value


def test_a_draft_is_met_by_nobody(center):
    flow = center.made(BROKEN, Status="SAVED")
    refused("ContactFlowNotPublishedException", r":\$SAVED", lambda: center.described(flow))
    draft = center.described(f"{flow}:$SAVED")
    assert (draft["Status"], draft["Content"], draft["Id"]) == ("SAVED", BROKEN, flow)
    assert draft["Arn"].endswith(f"/contact-flow/{flow}:$SAVED")
    refused("InvalidRequestException", "not published", lambda: center.heard(flow))
    problem = refused(
        "InvalidContactFlowException",
        "",
        lambda: center.call("update content", flow, Content=BROKEN),
    )
    assert "Invalid Action type" in problem.response["problems"][0]["message"]


def test_what_is_published_stays_until_something_else_is(either):
    flow = either.made(says("One."))
    noun, sha = WORDS[either.kind]

    def write(name: str, text: str) -> None:
        either.call("update content", name, Content=text)

    write(f"{flow}:$SAVED", BROKEN)
    now, draft = either.described(flow), either.described(f"{flow}:$SAVED")
    assert (now["Status"], now["Content"]) == ("PUBLISHED", says("One."))
    assert (draft["Status"], draft["Content"]) == ("SAVED", BROKEN)
    assert now[sha] == hashlib.sha256(says("One.").encode()).hexdigest() != draft[sha]
    assert either.described(f"{flow}:$LATEST")["Content"] == says("One.")
    arn = now["Arn"]
    assert either.described(f"{arn}:$SAVED")["Content"] == BROKEN
    write(f"{flow}:$SAVED", says("One."))  # as published: no draft
    assert either.described(f"{flow}:$SAVED")["Status"] == "PUBLISHED"
    write(f"{flow}:$SAVED", says("Two."))
    write(flow, says("Three."))
    for name in (flow, f"{flow}:$SAVED"):
        seen = either.described(name)
        assert (seen["Status"], seen["Content"]) == ("PUBLISHED", says("Three."))
    invalid = f"Invalid{noun}Exception"
    problem = refused(invalid, "", lambda: write(flow, BROKEN))
    member = "problems" if noun == "ContactFlow" else "Problems"
    assert "NoSuchAction" in problem.response[member][0]["message"]
    assert refused(invalid, "", lambda: write(f"{flow}:$SAVED", "no JSON")).response[member]
    refused("ResourceNotFoundException", "", lambda: write(NOBODY, says("x")))
    refused("InvalidRequestException", "never changes", lambda: write(f"{flow}:1", says("x")))
    foreign = arn.replace(flow, "").replace(either.instance, NOBODY) + flow
    code = "InvalidParameterException" if noun == "ContactFlow" else "InvalidRequestException"
    refused(code, "is no ARN", lambda: write(foreign, says("x")))


def test_callers_hear_what_is_published(center):
    flow = center.made(says("One."), Status="SAVED")
    update = {"InstanceId": center.instance}
    center.connect.update_contact_flow_content(**update, ContactFlowId=flow, Content=says("Two."))
    assert center.heard(flow) == ["Two."]
    center.call("update content", f"{flow}:$SAVED", Content=says("Three."))
    assert center.heard(flow) == ["Two."]


def test_versions_keep_what_was_published(either):
    flow = either.made(says("One."))
    _, sha = WORDS[either.kind]
    digest = either.described(flow)[sha]

    def version(**members: Any) -> int:
        return either.call("create version", flow, **members)["Version"]

    assert version(Description="the first", **{sha: digest}) == 1
    either.call("update content", flow, Content=says("Two."))
    refused("InvalidParameterException", sha, lambda: version(**{sha: digest}))
    assert version() == 2
    first = either.described(f"{flow}:1")
    assert (first["Content"], first["Version"], first[sha]) == (says("One."), 1, digest)
    assert (first["VersionDescription"], first["Status"]) == ("the first", "PUBLISHED")
    assert first["Arn"].endswith(f"{flow}:1")
    assert either.described(first["Arn"])["Content"] == says("One.")
    assert "Version" not in either.described(flow)
    _list_of_versions(either, flow)
    for number in (2, 1):
        either.call("delete version", flow, NounVersion=number)
        refused(
            "ResourceNotFoundException",
            "version",
            lambda number=number: either.described(f"{flow}:{number}"),
        )
    refused(
        "ResourceNotFoundException",
        "version",
        lambda: either.call("delete version", flow, NounVersion=2),
    )
    assert version() == 3  # numbers are used once
    either.call("delete", flow)  # and its versions with it
    refused("ResourceNotFoundException", "", lambda: either.call("list versions", flow))


def _list_of_versions(either: Flows, flow: str) -> None:
    member = f"{WORDS[either.kind][0]}VersionSummaryList"
    page = either.call("list versions", flow, MaxResults=1)
    rest = either.call("list versions", flow, NextToken=page["NextToken"], MaxResults=1)
    listed = page[member] + rest[member]
    assert [each["Version"] for each in listed] == [1, 2]
    assert [each.get("VersionDescription") for each in listed] == ["the first", None]
    assert [each["Arn"].rsplit(":", 1)[1] for each in listed] == ["1", "2"]
    assert "NextToken" not in rest


def test_what_is_refused_of_versions(center):
    draft = center.made(says("Draft."), Status="SAVED")
    refused("InvalidRequestException", "draft", lambda: center.call("create version", draft))
    refused("ResourceNotFoundException", "", lambda: center.call("create version", NOBODY))
    refused(
        "InvalidRequestException",
        "must name no",
        lambda: center.call("create version", f"{center.flow}:$SAVED"),
    )
    assert center.call("create version", center.flow, ContactFlowVersion=7)["Version"] == 7
    refused(
        "InvalidParameterException",
        "at least 8",
        lambda: center.call("create version", center.flow, ContactFlowVersion=7),
    )
    refused(
        "InvalidParameterException",
        "LastModifiedRegion",
        lambda: center.call("create version", center.flow, LastModifiedRegion="us-east-1"),
    )


def test_an_alias_moves(either):
    flow = either.made(says("One."))
    noun, _ = WORDS[either.kind]
    either.call("create version", flow)
    either.call("update content", flow, Content=says("Two."))
    either.call("create version", flow)
    made = either.call("create alias", flow, AliasName="live", NounVersion=1, Description="Now")
    alias = made["Id"]
    assert made[f"{noun}Arn"] == either.described(flow)["Arn"]

    def told() -> dict[str, Any]:
        return either.call("describe alias", flow, AliasId=alias)[f"{noun}Alias"]

    assert (told()["Version"], told()["Name"], told()["Description"]) == (1, "live", "Now")
    assert (told()[f"{noun}Id"], told()["AliasId"]) == (flow, alias)
    assert either.described(f"{flow}:live")["Content"] == says("One.")
    either.call("update alias", flow, AliasId=alias, NounVersion=2)
    assert either.described(f"{flow}:live")["Content"] == says("Two.")
    assert either.described(f"{flow}:{alias}")["Version"] == 2
    either.call("update alias", flow, AliasId=alias, Name="current", Description="Later")
    (row,) = either.call("list aliases", flow)[f"{noun}AliasSummaryList"]
    assert (row["AliasName"], row["AliasDescription"], row["Version"]) == ("current", "Later", 2)
    assert row["AliasId"] == alias
    by_arn = either.call("describe alias", flow, AliasId=row["Arn"])
    assert by_arn[f"{noun}Alias"]["AliasId"] == alias
    assert either.described(row["Arn"])["Version"] == 2
    _refused_of_aliases(either, flow, alias)
    either.call("delete alias", flow, AliasId=alias)
    refused("ResourceNotFoundException", "version", lambda: either.described(f"{flow}:current"))
    either.call("delete version", flow, NounVersion=2)
    either.call("delete", flow)


def _refused_of_aliases(either: Flows, flow: str, alias: str) -> None:
    """The flow has version 2 and this alias, current, of it."""
    other = either.made(says("Other."))
    missing, taken = "ResourceNotFoundException", "DuplicateResourceException"
    wrong, used = "InvalidParameterException", "InvalidRequestException"
    second = either.call("create alias", flow, AliasName="next", NounVersion=2)["Id"]
    for code, message, operation, at, members in (
        (taken, "current", "create alias", flow, {"AliasName": "current", "NounVersion": 1}),
        (missing, "version", "create alias", flow, {"AliasName": "x", "NounVersion": 9}),
        (missing, "", "create alias", NOBODY, {"AliasName": "x", "NounVersion": 1}),
        (wrong, "version", "create alias", flow, {"AliasName": "7", "NounVersion": 1}),
        (wrong, "version", "create alias", flow, {"AliasName": "$SAVED", "NounVersion": 1}),
        (taken, "current", "update alias", flow, {"AliasId": second, "Name": "current"}),
        (wrong, "version", "update alias", flow, {"AliasId": second, "Name": "7"}),
        (missing, "version", "update alias", flow, {"AliasId": second, "NounVersion": 9}),
        (missing, "alias", "update alias", flow, {"AliasId": NOBODY, "Name": "x"}),
        (missing, "alias", "describe alias", other, {"AliasId": alias}),
        (missing, "alias", "delete alias", flow, {"AliasId": NOBODY}),
        (missing, "", "list aliases", NOBODY, {}),
        (used, "'current'", "delete version", flow, {"NounVersion": 2}),
        (used, "alias 'current'", "delete", flow, {}),
    ):
        refused(
            code,
            message,
            lambda operation=operation, at=at, members=members: either.call(
                operation, at, **members
            ),
        )
    either.call("delete alias", flow, AliasId=second)


def test_quotas_of_versions_aliases_and_modules(start):
    quotas = [f"{kind}{what}" for kind in WORDS for what in ("_version", "_alias")]
    options = [part for each in quotas for part in ("--quota", f"{each}=1")]
    server = start("--memory", "--sandbox", *options, "--quota", "contact_flow_module=1")
    either = Flows(server)
    for kind in WORDS:
        either.kind = kind
        flow = either.made(says("One."))
        either.call("create version", flow)
        either.call("create alias", flow, AliasName="a", NounVersion=1)
        refused(
            "LimitExceededException", "version", lambda f=flow: either.call("create version", f)
        )
        refused(
            "LimitExceededException",
            "alias",
            lambda f=flow: either.call("create alias", f, AliasName="b", NounVersion=1),
        )
    refused("LimitExceededException", "flow module", lambda: either.made(says("x")))


def test_no_more_problems_are_told_than_the_model_has_room_for(center):
    lost = [
        action(f"a{number}", "TransferToFlow", {"ContactFlowId": NOBODY}, "a0", "a0")
        for number in range(60)
    ]
    error = refused("InvalidContactFlowException", "", lambda: center.made(content(*lost)))
    assert len(error.response["problems"]) == 50


def test_flows_go_on_in_versions_and_aliases(center):
    there = center.made(says("One."))
    center.call("create version", there)
    center.call("update content", there, Content=says("Two."))
    center.call("create version", there)
    alias = center.call("create alias", there, AliasName="live", ContactFlowVersion=1)["Id"]

    def to(reference: str) -> str:
        return content(
            action("go", "TransferToFlow", {"ContactFlowId": reference}, "no", "no"),
            action("no", "DisconnectParticipant", {}),
        )

    fixed, live, latest = (
        center.made(to(f"{there}{end}"), Description=end or "latest") for end in (":1", ":live", "")
    )
    assert [center.heard(each) for each in (fixed, live, latest)] == [["One."], ["One."], ["Two."]]
    center.call("update alias", there, AliasId=alias, ContactFlowVersion=2)
    assert [center.heard(each) for each in (fixed, live)] == [["One."], ["Two."]]
    for reference in (f"{there}:9", f"{there}:$SAVED", NOBODY):
        error = refused("InvalidContactFlowException", "", lambda r=reference: center.made(to(r)))
        assert reference in error.response["problems"][0]["message"]


def test_an_archived_flow_takes_no_calls(center):
    to = {"PhoneNumberId": center.connect.list_phone_numbers_v2(InstanceId=center.instance)[
        "ListPhoneNumbersSummaryList"][0]["PhoneNumberId"]}  # fmt: skip
    center.connect.associate_phone_number_contact_flow(
        InstanceId=center.instance, ContactFlowId=center.flow, **to
    )
    state = {"ContactFlowState": "ARCHIVED"}
    center.call("update metadata", center.flow, **state, Description="Old")
    flow = center.described(center.flow)
    assert (flow["State"], flow["Description"]) == ("ARCHIVED", "Old")
    refused("InvalidRequestException", "archived", lambda: center.heard(center.flow))
    call = {"To": OWN_NUMBER, "InstanceId": center.instance}
    path = f"/_ringfloor/phones/{center.customer}/call"
    assert "archived" in center.server.refused("POST", path, call)[1]
    center.call("update metadata", center.flow, ContactFlowState="ACTIVE")
    assert center.heard(center.flow)[0] == "Hello from the flow."
    default = center.found("list_contact_flows", "ContactFlowSummaryList", "Default agent hold")[
        "Id"
    ]
    refused("InvalidRequestException", "default", lambda: center.call("delete", default))
    refused(
        "InvalidRequestException",
        "default",
        lambda: center.call("update metadata", default, **state),
    )
    refused(
        "DuplicateResourceException",
        "greeting",
        lambda: center.call("update metadata", center.made(says("x")), Name="greeting"),
    )


def test_a_flow_in_use_stays(center):
    at = {"InstanceId": center.instance}
    number = center.connect.list_phone_numbers_v2(**at)["ListPhoneNumbersSummaryList"][0]
    center.connect.associate_phone_number_contact_flow(
        **at, PhoneNumberId=number["PhoneNumberId"], ContactFlowId=center.flow
    )
    center.connect.create_quick_connect(
        **at,
        Name="again",
        QuickConnectConfig={
            "QuickConnectType": "FLOW",
            "FlowConfig": {"ContactFlowId": center.flow},
        },
    )
    whisper = center.made(says("Hm."))
    center.connect.update_queue_outbound_caller_config(
        **at, QueueId=center.queue, OutboundCallerConfig={"OutboundFlowId": whisper}
    )
    center.connect.associate_flow(
        **at, ResourceId="sms-1", ResourceType="ANALYTICS_CONNECTOR", FlowId=center.flow
    )
    named = r"flow association .*sms-1.*, phone number .*, quick connect 'again'"
    refused("InvalidRequestException", named, lambda: center.call("delete", center.flow))
    refused("InvalidRequestException", "queue 'sales'", lambda: center.call("delete", whisper))


def test_no_edition_of_a_flow_escapes_a_policy(server):
    """Neither what denies the flow itself nor what denies its tags."""
    desk = Desk(server)
    connect, at = desk.center.connect, {"InstanceId": desk.center.instance}
    named = {**at, "ContactFlowId": desk.center.flow}
    arn = connect.describe_contact_flow(**named)["ContactFlow"]["Arn"]
    connect.tag_resource(resourceArn=arn, tags={"secret": "yes"})
    connect.create_contact_flow_version(**named)
    connect.create_contact_flow_alias(**named, AliasName="live", ContactFlowVersion=1)
    (alias,) = connect.list_contact_flow_aliases(**named)["ContactFlowAliasSummaryList"]
    by_tag = {"StringEquals": {"aws:ResourceTag/secret": "yes"}}
    denials = (allow("DescribeContactFlow", on=arn), allow("DescribeContactFlow", Condition=by_tag))
    for denial in denials:
        ann = desk.user(allow("*"), {**denial, "Effect": "Deny"})
        for end in ("", ":$SAVED", ":1", ":live", f"/alias/{alias['AliasId']}"):
            for flow in (f"{arn}{end}", f"{desk.center.flow}{end}"):
                assert connect.describe_contact_flow(**at, ContactFlowId=flow)["ContactFlow"]
                denied(ann.describe_contact_flow, **at, ContactFlowId=flow)


# Modules


@pytest.fixture
def modules(center) -> Flows:
    center.kind = "contact_flow_module"
    return center


RETURNS = "EndFlowModuleExecution"


def test_a_caller_hears_a_module(modules):
    module = modules.made(says("In $.Modules.Input.who.", RETURNS))
    modules.kind = "contact_flow"
    arn = modules.connect.describe_contact_flow_module(
        InstanceId=modules.instance, ContactFlowModuleId=module
    )["ContactFlowModule"]["Arn"]
    flow = modules.made(invokes(arn, who="$.Channel"))
    assert modules.heard(flow) == ["In VOICE.", "Back."]
    modules.kind = "contact_flow_module"
    modules.call("update content", f"{module}:$SAVED", Content=says("Draft.", RETURNS))
    assert modules.heard(flow) == ["In VOICE.", "Back."]
    modules.call("update content", module, Content=says("New.", RETURNS))
    assert modules.heard(flow) == ["New.", "Back."]
    modules.call("update metadata", module, State="ARCHIVED")
    assert modules.heard(flow) == ["Failed."]
    listing = modules.connect.list_contact_flow_modules
    everything = listing(InstanceId=modules.instance)["ContactFlowModulesSummaryList"]
    (listed,) = listing(InstanceId=modules.instance, ContactFlowModuleState="ARCHIVED")[
        "ContactFlowModulesSummaryList"
    ]
    assert everything == [listed]
    assert (listed["Id"], listed["Arn"], listed["State"]) == (module, arn, "ARCHIVED")


def test_a_module_is_made_and_kept(modules):
    settings = json.dumps({"InputParameters": [], "Transitions": []})
    at = {"InstanceId": modules.instance, "Name": "ask", "Content": says("In.", RETURNS)}
    create = modules.connect.create_contact_flow_module
    more = {"Settings": settings, "ExternalInvocationConfiguration": {"Enabled": True}}
    made = create(**at, **more, ClientToken="once", Description="Asks", Tags={"k": "v"})
    again = create(**at, **more, ClientToken="once", Description="Asks", Tags={"k": "v"})
    assert again["Id"] == made["Id"]
    refused("IdempotencyException", "else", lambda: create(**at, Settings="{}", ClientToken="once"))
    module = modules.described(made["Id"])
    assert module["Settings"] == settings
    assert (module["Description"], module["Tags"]) == ("Asks", {"k": "v"})
    assert module["ExternalInvocationConfiguration"] == {"Enabled": True}
    assert (module["State"], module["Status"]) == ("ACTIVE", "PUBLISHED")
    modules.call("create version", made["Id"])
    modules.call("update content", made["Id"], Settings="{}")
    assert modules.described(made["Id"])["Settings"] == "{}"
    assert modules.described(f"{made['Id']}:1")["Settings"] == settings
    modules.call("update content", f"{made['Id']}:$SAVED", Settings='{"a": 1}')
    assert modules.described(f"{made['Id']}:$SAVED")["Settings"] == '{"a": 1}'
    for wrong in ("[]", "no JSON"):
        refused(
            "InvalidRequestException",
            "Settings",
            lambda wrong=wrong: modules.call("update content", made["Id"], Settings=wrong),
        )
    refused(
        "InvalidRequestException", "Settings", lambda: modules.call("update content", made["Id"])
    )
    refused("DuplicateResourceException", "ask", lambda: create(**at))
    refused("InvalidContactFlowModuleException", "", lambda: create(**{**at, "Content": BROKEN}))
    refused("ResourceNotFoundException", "", lambda: modules.described(NOBODY))
    refused("ResourceNotFoundException", "", lambda: modules.call("delete", NOBODY))


def test_a_module_in_use_stays(modules):
    module = modules.made(says("In.", RETURNS))
    outer = modules.made(invokes(module))
    modules.kind = "contact_flow"
    flow = modules.made(invokes(module))
    modules.call("create version", flow)
    modules.kind = "contact_flow_module"
    named = "flow 'contact_flow .*', flow module '.*', flow version '1' of flow"
    refused("InvalidRequestException", named, lambda: modules.call("delete", module))
    modules.call("delete", outer)
    modules.kind = "contact_flow"
    modules.call("update content", f"{flow}:$SAVED", Content=greeting_flow(modules.queue_arn))
    modules.call("delete version", flow, ContactFlowVersion=1)
    modules.kind = "contact_flow_module"
    refused("InvalidRequestException", "flow 'contact_flow", lambda: modules.call("delete", module))
    modules.kind = "contact_flow"
    modules.call("update content", flow, Content=greeting_flow(modules.queue_arn))
    modules.kind = "contact_flow_module"
    modules.call("delete", module)
    unknown = refused(
        "InvalidContactFlowModuleException", "", lambda: modules.made(invokes(module))
    )
    assert module in unknown.response["Problems"][0]["message"]


# What comes in from other services


def test_flows_of_other_resources(center):
    connect, at = center.connect, {"InstanceId": center.instance}
    sms = "arn:aws:sms-voice:us-east-1:111122223333:phone-number/p-1"
    other = center.made(says("Other."))
    flow_arn, other_arn = (center.described(each)["Arn"] for each in (center.flow, other))
    one = {"ResourceId": sms, "ResourceType": "SMS_PHONE_NUMBER"}
    connect.associate_flow(**at, **one, FlowId=center.flow)
    assert connect.get_flow_association(**at, **one)["FlowId"] == flow_arn
    connect.associate_flow(**at, **one, FlowId=other_arn)
    got = connect.get_flow_association(**at, **one)
    assert {name: got[name] for name in ("FlowId", *one)} == {"FlowId": other_arn, **one}
    mail = {"ResourceId": "e-1", "ResourceType": "INBOUND_EMAIL"}
    connect.associate_flow(**at, **mail, FlowId=center.flow)
    number = connect.list_phone_numbers_v2(**at)["ListPhoneNumbersSummaryList"][0]
    connect.associate_phone_number_contact_flow(
        **at, PhoneNumberId=number["PhoneNumberId"], ContactFlowId=center.flow
    )
    voice = {
        "ResourceId": number["PhoneNumberArn"],
        "FlowId": flow_arn,
        "ResourceType": "VOICE_PHONE_NUMBER",
    }

    def rows(**more: Any) -> list[dict[str, Any]]:
        return connect.list_flow_associations(**at, **more)["FlowAssociationSummaryList"]

    assert rows() == [{**mail, "FlowId": flow_arn}, voice]
    assert rows(ResourceType="VOICE_PHONE_NUMBER") == [voice]
    assert rows(MaxResults=1) == [{**mail, "FlowId": flow_arn}]
    batch = connect.batch_get_flow_association(
        **at, ResourceIds=[number["PhoneNumberArn"], "none", "e-1"]
    )
    assert batch["FlowAssociationSummaryList"] == [voice, {**mail, "FlowId": flow_arn}]
    wrong = {**one, "ResourceId": "+12065550100"}
    refused(
        "InvalidParameterException",
        "ARN",
        lambda: connect.associate_flow(**at, **wrong, FlowId=center.flow),
    )
    refused(
        "ResourceNotFoundException",
        "FlowId",
        lambda: connect.associate_flow(**at, **one, FlowId=NOBODY),
    )
    connect.disassociate_flow(**at, **one)
    for gone in (connect.get_flow_association, connect.disassociate_flow):
        refused("ResourceNotFoundException", "ResourceId", lambda gone=gone: gone(**at, **one))
    center.call("delete", other)
