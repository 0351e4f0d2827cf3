"""ClientToken: for seven days a request that is sent again does nothing again."""

import itertools
import uuid
from collections.abc import Callable

import pytest

from acceptance.center import FirstCenter

DAYS = 86_400

Make = Callable[[FirstCenter, str], str]
"""With a token; the id of what was made."""

_NUMBERS = itertools.count()


def a_contact(center: FirstCenter, token: str) -> str:
    return center.dial(ClientToken=token)


def an_instance(center: FirstCenter, token: str) -> str:
    return center.connect.create_instance(
        IdentityManagementType="EXISTING_DIRECTORY",
        DirectoryId="d-0123456789",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
        ClientToken=token,
    )["Id"]


def a_template(center: FirstCenter, token: str) -> str:
    """Under another name each time: names are unique, and a token answers whatever else is said."""
    name = {"Id": {"Name": "What"}}
    return center.connect.create_task_template(
        InstanceId=center.instance,
        Name=f"template {next(_NUMBERS)}",
        ContactFlowId=center.flow,
        Fields=[{**name, "Type": "NAME"}],
        Constraints={"RequiredFields": [name]},
        ClientToken=token,
    )["Id"]


@pytest.mark.parametrize("make", [a_contact, an_instance, a_template])
def test_a_client_token_is_good_for_seven_days(fresh, make: Make):
    """Of ClaimPhoneNumber, which wants the same request again: test_phone_numbers."""
    center = FirstCenter(fresh)
    token = str(uuid.uuid4())
    first = make(center, token)
    assert make(center, token) == first
    assert make(center, token.upper()) != first
    center.advance(7 * DAYS - 1)
    assert make(center, token) == first
    center.advance(1)
    second = make(center, token)
    assert second != first
    assert make(center, token) == second


def test_an_ended_contact_and_a_deleted_instance_free_their_token(fresh):
    center = FirstCenter(fresh)
    contact, instance = a_contact(center, "token"), an_instance(center, "token")
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)
    center.connect.delete_instance(InstanceId=instance)
    assert a_contact(center, "token") != contact
    assert an_instance(center, "token") != instance
