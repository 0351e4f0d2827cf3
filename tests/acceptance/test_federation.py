"""GetFederationToken: whom it answers for, and what its tokens open, renew and outlive."""

import json
import urllib.error
from typing import Any

import pytest

from acceptance.center import FirstCenter
from acceptance.conftest import Server
from acceptance.test_iam import ACCOUNT, a_policy, a_user, client, trusted_by
from acceptance.test_reference import an_instance, refused

FEDERATE = a_policy("connect:GetFederationToken")
SECONDS = {"access": 3_600, "refresh": 43_200}
"""How long the tokens live by default."""


def configuration(server: Server, token: str) -> dict[str, Any]:
    """What the agent service says of the bearer of an access token."""
    return server.ask(
        "POST",
        "/connect/api",
        {},
        **{
            "X-Amz-Target": "AmazonConnectCTIService.GetAgentConfiguration",
            "X-Amz-Bearer": token,
        },
    )["configuration"]


def shut_out(ask: Any, *positional: Any, **named: Any) -> str:
    """The message to a bearer who is not let in."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(*positional, **named)
    with caught.value as error:
        answer = json.loads(error.read())
        assert (error.code, answer["__type"]) == (401, "UnauthorizedException")
        return answer["message"]


def renewed(server: Server, token: str) -> dict[str, Any]:
    return server.ask("GET", "/auth/authorize", **{"X-Amz-Bearer": token})


def federated(server: Server, keys: dict[str, str], instance: str) -> dict[str, Any]:
    answer = client(server, "connect", keys).get_federation_token(InstanceId=instance)
    assert answer["SignInUrl"].startswith("https://")
    assert answer["UserArn"].endswith(f"{instance}/agent/{answer['UserId']}")
    return answer


def a_session(server: Server, name: str) -> dict[str, str]:
    """Temporary credentials of a role's session of this name."""
    iam = server.client("iam")
    keys = a_user(server, "broker", a_policy("sts:AssumeRole"))
    arn = iam.create_role(
        RoleName="agents", AssumeRolePolicyDocument=trusted_by(f"arn:aws:iam::{ACCOUNT}:root")
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="agents", PolicyName="own", PolicyDocument=FEDERATE)
    sts = client(server, "sts", keys)
    return sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]


def a_user_with_a_path(server: Server, name: str) -> dict[str, str]:
    iam = server.client("iam")
    iam.create_user(UserName=name, Path="/staff/")
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=FEDERATE)
    return iam.create_access_key(UserName=name)["AccessKey"]


@pytest.mark.parametrize("management", ["SAML", "EXISTING_DIRECTORY"])
@pytest.mark.parametrize("principal", [a_user_with_a_path, a_session])
def test_the_caller_is_the_user_of_his_name(fresh, management, principal):
    instance = an_instance(fresh.client(), management, "federated", ("fay", "fred"))
    keys = principal(fresh, "fay")
    answer = federated(fresh, keys, instance)
    user = fresh.client().describe_user(InstanceId=instance, UserId=answer["UserId"])["User"]
    assert user["Username"] == "fay"
    assert configuration(fresh, answer["Credentials"]["AccessToken"])["username"] == "fay"


def test_tokens_open_renew_and_expire(fresh):
    instance = an_instance(fresh.client(), "SAML", "federated", ("fay",))
    began = fresh.sandbox("GET", "clock")["now"]
    keys = a_user(fresh, "fay", FEDERATE)
    given = federated(fresh, keys, instance)["Credentials"]
    access, refresh = given["AccessToken"], given["RefreshToken"]
    assert given["AccessTokenExpiration"].timestamp() - began == SECONDS["access"]
    assert given["RefreshTokenExpiration"].timestamp() - began == SECONDS["refresh"]
    assert "purpose" in shut_out(configuration, fresh, refresh)
    assert renewed(fresh, access)["accessToken"] == access  # which renews itself not
    fresh.sandbox("POST", "clock", {"advance": SECONDS["access"]})
    assert "expired" in shut_out(configuration, fresh, access)
    again = renewed(fresh, refresh)
    assert again["expiration"] == round((began + 2 * SECONDS["access"]) * 1_000)
    assert configuration(fresh, again["accessToken"])["username"] == "fay"
    fresh.sandbox("POST", "clock", {"set": began + SECONDS["refresh"] - 1})
    last = renewed(fresh, refresh)
    assert last["expiration"] == round((began + SECONDS["refresh"]) * 1_000)
    fresh.sandbox("POST", "clock", {"advance": 1})
    assert "expired" in shut_out(renewed, fresh, refresh)
    assert "expired" in shut_out(configuration, fresh, last["accessToken"])
    assert configuration(fresh, federated(fresh, keys, instance)["Credentials"]["AccessToken"])


def test_tokens_end_with_their_user(fresh):
    connect = fresh.client()
    instance = an_instance(connect, "SAML", "federated", ("fay",))
    keys = a_user(fresh, "fay", FEDERATE)
    answer = federated(fresh, keys, instance)
    given = answer["Credentials"]
    connect.delete_user(InstanceId=instance, UserId=answer["UserId"])
    for ask, token in ((configuration, "AccessToken"), (renewed, "RefreshToken")):
        assert "no more" in shut_out(ask, fresh, given[token])
    ask = client(fresh, "connect", keys).get_federation_token
    refused("UserNotFound", "fay", ask, InstanceId=instance)


def test_who_stands_for_no_user_is_refused(fresh):
    root = fresh.client()
    instance = an_instance(root, "SAML", "federated", ("root", "fay"))
    refused("UserNotFound", "cannot be used", root.get_federation_token, InstanceId=instance)
    other = client(fresh, "connect", a_user(fresh, "other", FEDERATE))
    refused("UserNotFound", "'other'", other.get_federation_token, InstanceId=instance)
    bare = client(fresh, "connect", a_user(fresh, "fay"))
    refused("AccessDenied", "GetFederationToken", bare.get_federation_token, InstanceId=instance)
    center = FirstCenter(fresh)  # where ann signs in with her password
    ann = client(fresh, "connect", a_user(fresh, "ann", FEDERATE))
    ask = ann.get_federation_token
    refused("InvalidRequest", "CONNECT_MANAGED", ask, InstanceId=center.instance)
