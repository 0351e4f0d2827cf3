"""Config: the settings, parsed once, from the command line and from RINGFLOOR_* variables.

Each setting is an option of `ringfloor serve` and, in capitals with RINGFLOOR_ before it, an
environment variable; the option wins. The reference page is made from SETTINGS.
"""

import argparse
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from ringfloor.base.errors import Fault


class Setting(NamedTuple):
    """One setting. flag: it takes no value; given twice it counts two."""

    name: str
    default: str
    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    flag: bool = False
    many: bool = False


SETTINGS = (
    Setting("host", "127.0.0.1", "H", "address to listen on"),
    Setting("port", "8080", "P", "port to listen on; 0 picks a free one"),
    Setting("data", "ringfloor-data", "DIR", "directory of the journal and the history"),
    Setting("memory", "0", "", "keep everything in memory; nothing survives the end", flag=True),
    Setting("clock", "wall", "", "which clock everything obeys", ("wall", "virtual")),
    Setting(
        "sandbox",
        "0",
        "",
        "serve /_ringfloor/ unsigned: clock, simulated phones, agents' hands; give it twice to"
        " allow it on an address that is not this machine's own",
        flag=True,
    ),
    Setting("region", "us-east-1", "R", "AWS Region in ARNs and signatures"),
    Setting("account", "123456789012", "A", "AWS account id in ARNs"),
    Setting("limits", "none", "", "AWS's rate limits and quotas, or none", ("aws", "none")),
    Setting(
        "function",
        "",
        "ARN=URL",
        "bind a Lambda function to an HTTP address; may be repeated (in the variable: separated by"
        " blanks)",
        many=True,
    ),
    Setting(
        "signature-window",
        "900",
        "S",
        "seconds that a signature may be older or newer than now",
    ),
)

ACCESS_KEY_ID = "RINGFLOOR_ACCESS_KEY_ID"
CHECK_RESULTS = "RINGFLOOR_CHECK_RESULTS"
SECRET_ACCESS_KEY = "RINGFLOOR_SECRET_ACCESS_KEY"  # noqa: S105  the name of a variable


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a server."""

    host: str = "127.0.0.1"
    port: int = 8080
    data: Path | None = None
    """None: in memory."""
    virtual_clock: bool = False
    sandbox: bool = False
    sandbox_anywhere: bool = False
    region: str = "us-east-1"
    account: str = "123456789012"
    aws_limits: bool = False
    functions: Mapping[str, str] = {}
    signature_window_seconds: int = 900
    check_results: bool = False
    """Compare every result with the model before it is sent; for tests."""
    access_key_id: str | None = None
    secret_access_key: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def variable(setting: Setting) -> str:
    """The environment variable of a setting."""
    return "RINGFLOOR_" + setting.name.upper().replace("-", "_")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of all settings."""
    for setting in SETTINGS:
        text = f"{setting.help} [{variable(setting)}"
        text += "]" if setting.flag or not setting.default else f", default {setting.default}]"
        option = f"--{setting.name}"
        if setting.flag:
            parser.add_argument(option, action="count", default=None, help=text)
        elif setting.many:
            parser.add_argument(
                option, action="append", default=None, metavar=setting.metavar, help=text
            )
        else:
            choices = setting.choices or None
            metavar = None if choices else setting.metavar
            parser.add_argument(option, default=None, choices=choices, metavar=metavar, help=text)


def settings(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings; raises Fault naming setting, value and rule."""
    raw = {setting.name: _given(setting, options, environment) for setting in SETTINGS}
    sandbox = _count("sandbox", raw["sandbox"])
    result = Settings(
        host=raw["host"],
        port=_number("port", raw["port"], 0, 65_535),
        data=None if _count("memory", raw["memory"]) else Path(raw["data"]),
        virtual_clock=_choice("clock", raw["clock"]) == "virtual",
        sandbox=sandbox > 0,
        sandbox_anywhere=sandbox > 1,
        region=raw["region"],
        account=_account(raw["account"]),
        aws_limits=_choice("limits", raw["limits"]) == "aws",
        functions=dict(_binding(each) for each in raw["function"].split()),
        signature_window_seconds=_number("signature-window", raw["signature-window"], 1, 86_400),
        check_results=_count(CHECK_RESULTS, environment.get(CHECK_RESULTS, "0")) > 0,
        access_key_id=environment.get(ACCESS_KEY_ID) or None,
        secret_access_key=environment.get(SECRET_ACCESS_KEY) or None,
    )
    if (result.access_key_id is None) != (result.secret_access_key is None):
        raise Fault(f"set both {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}, or neither")
    if result.sandbox and not result.loopback and not result.sandbox_anywhere:
        raise Fault(
            f"--sandbox serves unsigned requests and {result.host} is not this machine's own"
            " address; leave --sandbox out, use --host 127.0.0.1, or give --sandbox twice"
        )
    return result


def _given(setting: Setting, options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    value = getattr(options, setting.name.replace("-", "_"), None)
    if value is None:
        return environment.get(variable(setting), setting.default)
    return " ".join(value) if setting.many else str(value)


def _number(name: str, value: str, least: int, most: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= most:
        raise Fault(f"{name}: {value!r} is no whole number from {least} to {most}")
    return int(value)


def _count(name: str, value: str) -> int:
    words = {"": 0, "false": 0, "no": 0, "true": 1, "yes": 1}
    lowered = value.lower()
    return words[lowered] if lowered in words else _number(name, value, 0, 9)


def _choice(name: str, value: str) -> str:
    allowed = next(setting.choices for setting in SETTINGS if setting.name == name)
    if value not in allowed:
        raise Fault(f"{name}: {value!r} is none of {', '.join(allowed)}")
    return value


def _account(value: str) -> str:
    if len(value) != 12 or not value.isdecimal():
        raise Fault(f"account: {value!r} is no account id of 12 digits")
    return value


def _binding(text: str) -> tuple[str, str]:
    arn, equals, address = text.partition("=")
    if not equals or not arn or not address.startswith(("http://", "https://")):
        raise Fault(f"function: {text!r} is not ARN=URL with an http or https address")
    return arn, address
