"""Users under the three types of identity management: what each asks for and what it excludes."""

from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.center import PASSWORD
from acceptance.conftest import Server
from acceptance.test_reference import an_instance, profiles, refused

MANAGEMENTS = ("CONNECT_MANAGED", "SAML", "EXISTING_DIRECTORY")
NAMES = {"FirstName": "Zoë", "LastName": "Łęcka"}
MORE = {"SecondaryEmail": "zoe+second@example.org", "Mobile": "+12065550100"}

GOOD: dict[str, dict[str, Any]] = {
    "CONNECT_MANAGED": {"Password": PASSWORD, "IdentityInfo": NAMES},
    "SAML": {"IdentityInfo": NAMES},
    "EXISTING_DIRECTORY": {},
}
"""The least that a user needs beside his name and profiles."""

EMAIL = {**NAMES, "Email": "zoe@example.org"}
FIRST = {"FirstName": "Zoë"}
LAST = {"LastName": "Łęcka"}

CREATED: list[tuple[str, dict[str, Any], str | None]] = [
    ("CONNECT_MANAGED", {"Password": None}, "Password"),
    ("CONNECT_MANAGED", {"IdentityInfo": None}, "FirstName"),
    ("CONNECT_MANAGED", {"IdentityInfo": FIRST}, "LastName"),
    ("CONNECT_MANAGED", {"IdentityInfo": LAST}, "FirstName"),
    ("CONNECT_MANAGED", {"DirectoryUserId": "S-1-5-21"}, "DirectoryUserId"),
    ("CONNECT_MANAGED", {"IdentityInfo": {**EMAIL, **MORE}}, None),
    ("SAML", {"Password": PASSWORD}, "Password"),
    ("SAML", {"IdentityInfo": None}, "FirstName"),
    ("SAML", {"IdentityInfo": FIRST}, "LastName"),
    ("SAML", {"IdentityInfo": LAST}, "FirstName"),
    ("SAML", {"IdentityInfo": EMAIL}, "Email"),
    ("SAML", {"DirectoryUserId": "S-1-5-21"}, "DirectoryUserId"),
    ("SAML", {"IdentityInfo": {**NAMES, **MORE}}, None),
    ("SAML", {"Username": "zoe@example.org"}, None),
    ("SAML", {"Username": "z" * 64}, None),
    ("EXISTING_DIRECTORY", {"Password": PASSWORD}, "Password"),
    ("EXISTING_DIRECTORY", {"DirectoryUserId": "S-1-5-21"}, None),
    ("EXISTING_DIRECTORY", {"IdentityInfo": {**EMAIL, **MORE}}, None),
    ("EXISTING_DIRECTORY", {"IdentityInfo": FIRST}, None),
]
"""Identity management, what differs from its good user (None: left out), the member refused."""

UPDATED: list[tuple[str, dict[str, Any], str | None]] = [
    ("CONNECT_MANAGED", FIRST, "LastName"),
    ("CONNECT_MANAGED", {}, "FirstName"),
    ("CONNECT_MANAGED", EMAIL, None),
    ("SAML", EMAIL, "Email"),
    ("SAML", LAST, "FirstName"),
    ("SAML", {**NAMES, **MORE}, None),
    ("EXISTING_DIRECTORY", EMAIL, None),
    ("EXISTING_DIRECTORY", {}, None),
]
"""Identity management, the new IdentityInfo, the member refused."""


class Offices:
    """An instance of each type, and a client."""

    def __init__(self, server: Server) -> None:
        self.connect = server.client()
        self.ids = {
            management: an_instance(self.connect, management, f"managed-{number}")
            for number, management in enumerate(MANAGEMENTS)
        }

    def create(self, management: str, **more: Any) -> str:
        """A user; members that are None are left out."""
        instance = self.ids[management]
        user = {"Username": "zoe", **GOOD[management], **more}
        given = {name: value for name, value in user.items() if value is not None}
        return self.connect.create_user(
            InstanceId=instance, **profiles(self.connect, instance), **given
        )["UserId"]

    def shown(self, management: str, user: str) -> dict[str, Any]:
        return self.connect.describe_user(InstanceId=self.ids[management], UserId=user)["User"]

    def delete(self, management: str, user: str) -> None:
        self.connect.delete_user(InstanceId=self.ids[management], UserId=user)


@pytest.fixture(scope="module")
def offices() -> Iterator[Offices]:
    server = Server("--memory", "--sandbox", "--clock", "virtual")
    try:
        yield Offices(server)
    finally:
        server.kill()


@pytest.mark.parametrize(("management", "members", "wrong"), CREATED)
def test_what_a_new_user_needs(offices, management, members, wrong):
    if wrong is not None:
        refused("InvalidRequest", wrong, offices.create, management, **members)
        return
    user = offices.create(management, **members)
    shown = offices.shown(management, user)
    assert {name: shown[name] for name in members} == members
    assert "Password" not in shown
    offices.delete(management, user)


@pytest.mark.parametrize(("management", "information", "wrong"), UPDATED)
def test_what_a_users_information_must_be(offices, management, information, wrong):
    user = offices.create(management)
    at = {"InstanceId": offices.ids[management], "UserId": user}
    update = offices.connect.update_user_identity_info
    if wrong is not None:
        refused("InvalidRequest", wrong, update, **at, IdentityInfo=information)
    else:
        update(**at, IdentityInfo=information)
        assert offices.shown(management, user).get("IdentityInfo", {}) == information
    offices.delete(management, user)


@pytest.mark.parametrize("management", MANAGEMENTS)
def test_the_least_user_is_made(offices, management):
    user = offices.create(management)
    assert offices.shown(management, user)["Username"] == "zoe"
    offices.delete(management, user)


def test_names_of_federated_users_are_shorter(offices):
    refused("InvalidParameter", "64", offices.create, "SAML", Username="z" * 65)


def test_what_is_secret_or_personal_is_not_repeated(offices):
    for members, word in (
        ({"Password": "weak password"}, "weak"),
        ({"IdentityInfo": {**NAMES, "SecondaryEmail": "private"}}, "private"),
        ({"IdentityInfo": {**NAMES, "LastName": "Rene\u0301"}}, "Rene"),
    ):
        with pytest.raises(offices.connect.exceptions.InvalidParameterException) as caught:
            offices.create("CONNECT_MANAGED", **members)
        assert word not in str(caught.value)
