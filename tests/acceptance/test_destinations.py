"""Destinations: where the calls of a server may lead, by whichever way they go out."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.center import FirstCenter

LONDON, BERLIN, NEW_YORK = "+442079460000", "+493023125000", "+12125550100"


def code(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def calling(center: FirstCenter, number: str) -> dict[str, Any]:
    return {
        "InstanceId": center.instance,
        "DestinationPhoneNumber": number,
        "ContactFlowId": center.flow,
        "QueueId": center.queue,
    }


@pytest.fixture(scope="module")
def center(server):
    return FirstCenter(server)


@pytest.mark.parametrize("number", ["+1911", "+911", "+44999", "+49112", "+19115550100"])
def test_emergency_numbers_are_never_called(center, number):
    dial = center.connect.start_outbound_voice_contact
    with pytest.raises(ClientError, match=r"DestinationPhoneNumber: .* emergencies") as caught:
        dial(**calling(center, number))
    assert caught.value.response["Error"]["Code"] == "DestinationNotAllowedException"
    quick = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": number}}
    make = center.connect.create_quick_connect
    asked = {"InstanceId": center.instance, "Name": f"help {number}", "QuickConnectConfig": quick}
    assert code(make, **asked) == "InvalidParameterException"
    set_phone = center.connect.update_user_phone_config
    phone = {"PhoneType": "DESK_PHONE", "DeskPhoneNumber": number.replace("+911", "911")}
    assert code(set_phone, InstanceId=center.instance, UserId=center.agent, PhoneConfig=phone) == (
        "InvalidParameterException"
    )


def test_all_other_numbers_are_without_settings(center):
    for number in (LONDON, BERLIN, NEW_YORK):
        assert center.connect.start_outbound_voice_contact(**calling(center, number))["ContactId"]


def test_rules_hold_from_the_next_start_and_are_kept_by_instances(start, data):
    options = ("--data", str(data), "--sandbox")
    server = start(*options)
    center = FirstCenter(server)
    assert center.connect.start_outbound_voice_contact(**calling(center, LONDON))
    server.stop()
    rules = (
        "--destination",
        "allow:US",
        "--destination",
        "allow:GB",
        "--destination",
        "deny:+4420",
    )
    server = start(*options, *rules)
    dial = server.client().start_outbound_voice_contact
    for number, allowed in ((NEW_YORK, True), ("+441614960000", True), (LONDON, False)):
        if allowed:
            assert dial(**calling(center, number))["ContactId"]
        else:
            assert code(dial, **calling(center, number)) == "DestinationNotAllowedException"
    assert code(dial, **calling(center, BERLIN)) == "DestinationNotAllowedException"
    server.stop()
    server = start(*options)
    assert server.client().start_outbound_voice_contact(**calling(center, BERLIN))["ContactId"]


def test_calls_out_have_a_rate_and_a_number(start):
    limits = ("--outbound-rate", "1/2", "--outbound-calls", "3")
    server = start("--memory", "--sandbox", "--clock", "virtual", *limits)
    center = FirstCenter(server)
    dial = center.connect.start_outbound_voice_contact
    first = dial(**calling(center, NEW_YORK))["ContactId"]
    dial(**calling(center, LONDON))
    assert code(dial, **calling(center, BERLIN)) == "LimitExceededException"
    center.advance(1)
    dial(**calling(center, BERLIN))
    center.advance(9)
    assert code(dial, **calling(center, NEW_YORK)) == "LimitExceededException"
    center.connect.stop_contact(InstanceId=center.instance, ContactId=first)
    assert dial(**calling(center, NEW_YORK))["ContactId"]


def test_an_instance_that_is_named_calls_by_its_own_rules(start, data):
    rules = ("--destination", "deny:US", "--destination", "berlin=allow:US")
    server = start("--data", str(data), "--sandbox", *rules)
    for alias, answer in (("berlin", None), ("vienna", "DestinationNotAllowedException")):
        connect = server.client()
        instance = connect.create_instance(
            IdentityManagementType="CONNECT_MANAGED",
            InstanceAlias=alias,
            InboundCallsEnabled=True,
            OutboundCallsEnabled=True,
        )["Id"]
        flows = connect.list_contact_flows(InstanceId=instance, ContactFlowTypes=["CONTACT_FLOW"])
        queues = connect.list_queues(InstanceId=instance, QueueTypes=["STANDARD"])
        call = {
            "InstanceId": instance,
            "DestinationPhoneNumber": "+12065550100",
            "ContactFlowId": flows["ContactFlowSummaryList"][0]["Id"],
            "QueueId": queues["QueueSummaryList"][0]["Id"],
        }
        if answer is None:
            assert connect.start_outbound_voice_contact(**call)["ContactId"]
        else:
            with pytest.raises(ClientError, match=answer):
                connect.start_outbound_voice_contact(**call)
