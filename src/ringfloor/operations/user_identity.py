"""User identity: what names, addresses and passwords the identity management of an instance asks.

operations.checks calls required for a new user, operations.updates calls information when a user's
IdentityInfo changes. Rules, from the API reference of 2018 and the model of today:

* CONNECT_MANAGED: a password, a first and a last name; the e-mail address is up to the customer.
* SAML: a first and a last name; a password, an e-mail address or a DirectoryUserId is an
  InvalidRequestException, and the user name has at most 64 characters.
* EXISTING_DIRECTORY: no password. Names come from the directory, or from here.
* A user name is letters, digits, _ - . and, if it is an e-mail address, one @.
* Names are in Unicode Normalization Form C.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.base.errors import invalid_parameter, invalid_request
from ringfloor.base.limits import SAML_USER_NAME_CHARS_MAX
from ringfloor.domain.numbers import is_e164
from ringfloor.domain.resources import Properties
from ringfloor.engine.state import Center


class Management(NamedTuple):
    """What one type of identity management asks of its users."""

    needed: tuple[str, ...] = ()
    """Members that must be there, of the request or of its IdentityInfo."""
    excluded: tuple[str, ...] = ()
    """Likewise, that must not."""
    user_name_chars_max: int | None = None
    """None: the model's own limit."""


MANAGEMENTS: Mapping[str, Management] = {
    "CONNECT_MANAGED": Management(("Password", "FirstName", "LastName"), ("DirectoryUserId",)),
    "SAML": Management(
        ("FirstName", "LastName"),
        ("Password", "Email", "DirectoryUserId"),
        SAML_USER_NAME_CHARS_MAX,
    ),
    "EXISTING_DIRECTORY": Management((), ("Password",)),
}

INFORMATION = ("FirstName", "LastName", "Email", "SecondaryEmail", "Mobile")

_USER_NAME = re.compile(r"[a-zA-Z0-9_.-]+(?:@[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+)?")
_E_MAIL = re.compile(r"(?=.{0,265}\Z)[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,63}")


def management_of(center: Center) -> str:
    """CONNECT_MANAGED, SAML or EXISTING_DIRECTORY."""
    assert center.instance is not None
    return str(center.instance.properties["IdentityManagementType"])


def required(center: Center, properties: Properties) -> None:
    """Check a new user, as sent; what is secret is not repeated."""
    management = management_of(center)
    _check_members(management, properties, ("Password", "DirectoryUserId"))
    name = properties["Username"]
    if not _USER_NAME.fullmatch(name):
        rule = "must be letters, digits, _ - . or an e-mail address of these"
        raise invalid_parameter("Username", name, rule)
    most = MANAGEMENTS[management].user_name_chars_max
    if most is not None and len(name) > most:
        raise invalid_parameter("Username", name, f"must be at most {most} characters long")
    _check_information(management, properties.get("IdentityInfo") or {})


async def information(center: Center, properties: Properties) -> Properties:
    """A user with another IdentityInfo."""
    _check_information(management_of(center), properties["IdentityInfo"])
    return properties


def _check_information(management: str, given: Properties) -> None:
    _check_members(management, given, INFORMATION)
    for member in ("FirstName", "LastName"):
        if not unicodedata.is_normalized("NFC", given.get(member) or ""):
            raise invalid_parameter(member, "...", "must be in Unicode Normalization Form C")
    second, mobile = given.get("SecondaryEmail"), given.get("Mobile")
    if second is not None and not _E_MAIL.fullmatch(second):
        raise invalid_parameter("SecondaryEmail", "...", "is no e-mail address")
    if mobile is not None and not is_e164(mobile):
        raise invalid_parameter("Mobile", mobile, "is no E.164 number such as +12065550100")


def _check_members(management: str, given: Properties, members: tuple[str, ...]) -> None:
    rules = MANAGEMENTS[management]
    for member in members:
        there = given.get(member) is not None
        if member in rules.needed and not there:
            raise invalid_request(member, None, f"is needed with {management}")
        if member in rules.excluded and there:
            raise invalid_request(member, "...", f"is not allowed with {management}")
