"""Phone numbers: found in the pool, claimed, answered, moved, released."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from acceptance.center import CUSTOMER, OWN_NUMBER, FirstCenter
from acceptance.conftest import Server
from acceptance.test_instances import made, refused

POOL = ("--number-pool", "US:DID:+12065550110-+12065550129")
TOKEN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def shared():
    server = Server("--memory", "--sandbox", "--clock", "virtual", *POOL)
    yield server
    server.kill()


@pytest.fixture
def pooled(shared):
    """A sandbox with twenty numbers, all of them free."""
    yield shared
    connect = shared.client()
    for row in connect.list_instances()["InstanceSummaryList"]:
        connect.delete_instance(InstanceId=row["Id"])


@pytest.fixture
def connect(pooled):
    return pooled.client()


def available(connect, instance, country="US", kind="DID", **more):
    answer = connect.search_available_phone_numbers(
        InstanceId=instance, PhoneNumberCountryCode=country, PhoneNumberType=kind, **more
    )
    assert all(
        (each["PhoneNumberCountryCode"], each["PhoneNumberType"]) == (country, kind)
        for each in answer["AvailableNumbersList"]
    )
    return [each["PhoneNumber"] for each in answer["AvailableNumbersList"]]


def numbers_of(connect, instance):
    listed = connect.list_phone_numbers_v2(InstanceId=instance)["ListPhoneNumbersSummaryList"]
    return [each["PhoneNumber"] for each in listed if each["PhoneNumber"] != OWN_NUMBER]


def claim(connect, instance, number, **more):
    return connect.claim_phone_number(InstanceId=instance, PhoneNumber=number, **more)[
        "PhoneNumberId"
    ]


# The pool


def test_the_pool_is_searched_page_by_page(connect):
    instance, arn = made(connect)
    everything = [f"+120655501{number}" for number in range(10, 30)]
    assert available(connect, instance) == everything[:10]
    pages = connect.get_paginator("search_available_phone_numbers").paginate(
        TargetArn=arn,
        PhoneNumberCountryCode="US",
        PhoneNumberType="DID",
        PaginationConfig={"PageSize": 7},
    )
    found = [[each["PhoneNumber"] for each in page["AvailableNumbersList"]] for page in pages]
    assert found == [everything[:7], everything[7:14], everything[14:]]
    assert available(connect, instance, PhoneNumberPrefix="+12065550128") == ["+12065550128"]
    assert available(connect, instance, PhoneNumberPrefix="+49") == []
    assert available(connect, instance, "DE") == available(connect, instance, "US", "UIFN") == []


def test_the_default_pool_has_numbers_of_common_countries(server):
    connect = server.client()
    instance, _ = made(connect)
    for country, kind in (("US", "DID"), ("US", "TOLL_FREE"), ("GB", "DID"), ("DE", "DID")):
        assert len(available(connect, instance, country, kind)) == 10


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"InstanceId": "00000000-0000-4000-8000-000000000000"},
        {"InstanceId": "{id}", "TargetArn": "{arn}"},
        {"TargetArn": "{id}"},
        {"InstanceId": "{id}", "PhoneNumberPrefix": "1206"},
        {"InstanceId": "{id}", "NextToken": "forged"},
    ],
)
def test_what_cannot_be_searched(connect, members):
    identifier, arn = made(connect)
    members = {name: each.format(id=identifier, arn=arn) for name, each in members.items()}
    code, _ = refused(
        connect.search_available_phone_numbers,
        PhoneNumberCountryCode="US",
        PhoneNumberType="DID",
        **members,
    )
    assert code == "InvalidParameter"


# Claiming


def test_a_number_is_claimed_described_and_released(connect):
    instance, arn = made(connect)
    number = "+12065550111"
    identifier = claim(
        connect, instance, number, PhoneNumberDescription="sales", Tags={"team": "red"}
    )
    assert number not in available(connect, instance)
    shown = connect.describe_phone_number(PhoneNumberId=identifier)["ClaimedPhoneNumberSummary"]
    assert shown == {
        "PhoneNumberId": identifier,
        "PhoneNumberArn": f"{arn.partition(':instance')[0]}:phone-number/{identifier}",
        "PhoneNumber": number,
        "PhoneNumberCountryCode": "US",
        "PhoneNumberType": "DID",
        "PhoneNumberDescription": "sales",
        "TargetArn": arn,
        "InstanceId": instance,
        "Tags": {"team": "red"},
        "PhoneNumberStatus": {"Status": "CLAIMED", "Message": ""},
    }
    connect.update_phone_number_metadata(PhoneNumberId=identifier)
    connect.update_phone_number_metadata(
        PhoneNumberId=shown["PhoneNumberArn"], PhoneNumberDescription=""
    )
    changed = connect.describe_phone_number(PhoneNumberId=shown["PhoneNumberArn"])
    assert changed["ClaimedPhoneNumberSummary"] == {**shown, "PhoneNumberDescription": ""}
    connect.release_phone_number(PhoneNumberId=identifier)
    assert number in available(connect, instance)
    for call in (
        connect.describe_phone_number,
        connect.release_phone_number,
        connect.update_phone_number_metadata,
    ):
        assert refused(call, PhoneNumberId=identifier)[0] == "ResourceNotFound"
    assert claim(connect, instance, number) != identifier


def test_a_number_has_one_owner(connect):
    (one, _), (other, _) = made(connect), made(connect)
    claim(connect, one, "+12065550111")
    for instance, number in (
        (one, "+12065550111"),
        (other, "+12065550111"),
        (other, "+12065550109"),
        (other, OWN_NUMBER),
        (other, "12065550112"),
        (other, "+012065550112"),
    ):
        code, message = refused(connect.claim_phone_number, InstanceId=instance, PhoneNumber=number)
        assert (code, number in message) == ("ResourceNotFound", True)
    connect.delete_instance(InstanceId=one)
    claim(connect, other, "+12065550111")


def test_many_at_once_claim_one_number(pooled):
    clients = [pooled.client() for _ in range(8)]
    instances = [made(client)[0] for client in clients]

    def attempt(client, instance):
        try:
            return claim(client, instance, "+12065550120")
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(attempt, clients, instances))
    assert found.count("ResourceNotFoundException") == 7
    owners = [each for each in instances if numbers_of(clients[0], each)]
    assert len(owners) == 1


def test_a_client_token_claims_once(connect):
    (one, _), (other, _) = made(connect), made(connect)
    first = claim(connect, one, "+12065550111", ClientToken=TOKEN)
    assert claim(connect, one, "+12065550111", ClientToken=TOKEN) == first
    for instance, number in ((one, "+12065550112"), (other, "+12065550111")):
        code, _ = refused(
            connect.claim_phone_number,
            InstanceId=instance,
            PhoneNumber=number,
            ClientToken=TOKEN,
        )
        assert code == "Idempotency"
    connect.release_phone_number(PhoneNumberId=first)
    assert claim(connect, one, "+12065550112", ClientToken=TOKEN) != first


def test_a_client_token_is_good_for_seven_days(pooled, connect):
    instance, _ = made(connect)
    claim(connect, instance, "+12065550111", ClientToken=TOKEN)
    pooled.sandbox("POST", "clock", {"advance": 7 * 86_400})
    claim(connect, instance, "+12065550112", ClientToken=TOKEN)


def test_five_numbers_are_the_quota(start):
    connect = start("--memory", "--quota", "phone_number=5").client()
    instance, _ = made(connect)
    five = available(connect, instance, MaxResults=6)
    for number in five[:5]:
        claim(connect, instance, number)
    code, message = refused(connect.claim_phone_number, InstanceId=instance, PhoneNumber=five[5])
    assert (code, "its quota is 5" in message) == ("InvalidParameter", True)


def test_a_claim_survives_a_crash(start, data):
    options = ("--data", str(data), *POOL)
    server = start(*options)
    instance, _ = made(server.client())
    other, _ = made(server.client())
    identifier = claim(server.client(), instance, "+12065550111", ClientToken=TOKEN)
    moved = claim(server.client(), instance, "+12065550112")
    gone = claim(server.client(), instance, "+12065550113")
    server.client().update_phone_number(PhoneNumberId=moved, InstanceId=other)
    server.client().release_phone_number(PhoneNumberId=gone)
    server.kill()
    connect = start(*options).client()
    assert numbers_of(connect, instance) == ["+12065550111"]
    assert numbers_of(connect, other) == ["+12065550112"]
    assert available(connect, instance)[:2] == ["+12065550110", "+12065550113"]
    assert claim(connect, instance, "+12065550111", ClientToken=TOKEN) == identifier


# Calls


def test_a_call_reaches_the_flow_of_a_claimed_number(pooled):
    center = FirstCenter(pooled)
    connect, number = center.connect, "+12065550111"
    call = {"InstanceId": center.instance, "To": number}
    path = f"/_ringfloor/phones/{CUSTOMER}/call"
    assert pooled.refused("POST", path, call)[0] == 404
    identifier = claim(connect, center.instance, number)
    flow = {"InstanceId": center.instance, "PhoneNumberId": identifier}
    hold = center.found("list_contact_flows", "ContactFlowSummaryList", "Default customer hold")
    associate = connect.associate_phone_number_contact_flow
    for other, code in ((hold["Id"], "InvalidParameter"), (identifier, "ResourceNotFound")):
        assert refused(associate, **flow, ContactFlowId=other)[0] == code
    connect.associate_phone_number_contact_flow(**flow, ContactFlowId=center.flow)
    contact = pooled.ask("POST", path, call)["ContactId"]
    shown = center.contact(contact)
    assert shown["InitiationMethod"] == "INBOUND"
    assert shown["QueueInfo"]["Id"] == center.queue
    assert shown["SystemEndpoint"]["Address"] == number
    connect.disassociate_phone_number_contact_flow(**flow)
    assert pooled.refused("POST", path, call)[0] == 400
    connect.associate_phone_number_contact_flow(**flow, ContactFlowId=center.flow)
    connect.release_phone_number(PhoneNumberId=identifier)  # its flow does not hold it
    assert pooled.refused("POST", path, call)[0] == 404
    assert "DisconnectTimestamp" not in center.contact(contact)  # who is there stays
    connect.stop_contact(InstanceId=center.instance, ContactId=contact)


# Moving


def test_a_number_that_a_queue_calls_with_stays(pooled):
    center = FirstCenter(pooled)
    connect = center.connect
    identifier = claim(connect, center.instance, "+12065550111")
    queue = {"InstanceId": center.instance, "QueueId": center.queue}
    connect.update_queue_outbound_caller_config(
        **queue, OutboundCallerConfig={"OutboundCallerIdNumberId": identifier}
    )
    other, _ = made(connect)
    for call, more in (
        (connect.release_phone_number, {}),
        (connect.update_phone_number, {"InstanceId": other}),
    ):
        code, message = refused(call, PhoneNumberId=identifier, **more)
        assert (code, "queue 'sales'" in message) == ("ResourceInUse", True)
    assert numbers_of(connect, center.instance) == ["+12065550111"]
    assert numbers_of(connect, other) == []


def test_a_number_moves_without_its_flow(pooled):
    center = FirstCenter(pooled)
    connect = center.connect
    identifier = claim(
        connect, center.instance, "+12065550111", PhoneNumberDescription="d", Tags={"a": "b"}
    )
    connect.associate_phone_number_contact_flow(
        InstanceId=center.instance, PhoneNumberId=identifier, ContactFlowId=center.flow
    )
    other, arn = made(connect)
    for _ in range(2):  # the second finds it there
        moved = connect.update_phone_number(PhoneNumberId=identifier, TargetArn=arn)
        assert moved["PhoneNumberId"] == identifier
    shown = connect.describe_phone_number(PhoneNumberId=identifier)["ClaimedPhoneNumberSummary"]
    assert (shown["InstanceId"], shown["TargetArn"]) == (other, arn)
    assert (shown["PhoneNumberDescription"], shown["Tags"]) == ("d", {"a": "b"})
    assert numbers_of(connect, center.instance) == []
    for instance, status in ((center.instance, 404), (other, 400)):  # gone, and without a flow
        call = {"InstanceId": instance, "To": "+12065550111"}
        answer = pooled.refused("POST", f"/_ringfloor/phones/{CUSTOMER}/call", call)
        assert answer[0] == status


def test_where_a_number_cannot_go(connect):
    (one, arn), (other, _) = made(connect), made(connect)
    seeded = connect.list_phone_numbers_v2(InstanceId=one)["ListPhoneNumbersSummaryList"][0]
    move = connect.update_phone_number
    named = {"PhoneNumberId": seeded["PhoneNumberId"]}
    assert refused(move, **named)[0] == "InvalidParameter"
    assert refused(move, **named, InstanceId=other, TargetArn=arn)[0] == "InvalidParameter"
    assert refused(move, **named, InstanceId=other)[0] == "ResourceInUse"
    queue = connect.list_queues(InstanceId=one)["QueueSummaryList"][0]["Id"]
    connect.update_queue_outbound_caller_config(
        InstanceId=one, QueueId=queue, OutboundCallerConfig={"OutboundCallerIdName": "x"}
    )
    assert refused(move, **named, InstanceId=other)[0] == "InvalidParameter"  # it has its own
    assert refused(move, PhoneNumberId=other, InstanceId=other)[0] == "ResourceNotFound"
    assert refused(move, **named, InstanceId=seeded["PhoneNumberId"])[0] == "ResourceNotFound"
    listed = connect.list_phone_numbers_v2(PhoneNumberPrefix=OWN_NUMBER)
    assert {each["InstanceId"] for each in listed["ListPhoneNumbersSummaryList"]} == {one, other}
