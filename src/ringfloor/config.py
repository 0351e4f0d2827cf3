"""Config: the settings, parsed once, from the command line and from RINGFLOOR_* variables.

Each setting is an option of `ringfloor serve` and, in capitals with RINGFLOOR_ before it, an
environment variable; the option wins. settings_table has them all.
"""

import argparse
import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast
from urllib.parse import urlsplit

from msgspec import Struct
from typing_extensions import override

from ringfloor.aws.throttle import Rate
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    DESTINATION_RULES_MAX,
    OUTBOUND_RATE_MAX,
    RECORDING_DAYS_MAX,
    RING_SECONDS_MAX,
    STREAM_WEBHOOK_BATCH_MAX,
    WAIT_TRAINING_HOURS_MAX,
)
from ringfloor.base.time import DAY, HOUR, SECOND, Duration
from ringfloor.domain import destinations, numbers
from ringfloor.domain.numbers import Pool
from ringfloor.domain.practice import USUAL, Practice
from ringfloor.domain.quotas import QUOTAS
from ringfloor.node.functions import PYTHON
from ringfloor.node.stream_lines import STREAMS, Stream
from ringfloor.node.stream_targets import AWS, ENDPOINTS
from ringfloor.projections.current_rows import OldestInMs
from ringfloor.settings_table import SETTINGS, Setting, variable

ACCESS_KEY_ID = "RINGFLOOR_ACCESS_KEY_ID"
CHECK_RESULTS = "RINGFLOOR_CHECK_RESULTS"
ENCRYPTION_KEY = "RINGFLOOR_ENCRYPTION_KEY"
STREAM_SECRET = "RINGFLOOR_STREAM_SECRET"  # noqa: S105  the name of a variable
SECRET_ACCESS_KEY = "RINGFLOOR_SECRET_ACCESS_KEY"  # noqa: S105  the name of a variable


Storage = Literal["disk", "s3"]


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a server."""

    host: str = "127.0.0.1"
    port: int = 8080
    data: Path | None = None
    """None: in memory."""
    virtual_clock: bool = False
    sandbox: bool = False
    sandbox_anywhere: bool = False
    voice: Path | None = None
    """What calls are carried by; None: simulated phones."""
    region: str = "us-east-1"
    account: str = "123456789012"
    aws_limits: bool = False
    lenient_flows: bool = False
    oldest_in_ms: OldestInMs = "ungrouped"
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    rates: Mapping[str, Rate] = {}
    """By operation; `*`: of all that are not named."""
    quotas: Mapping[str, int] = {}
    """By name of the quota."""
    functions: Mapping[str, str] = {}
    """By ARN: an http address, or python:package.module:callable."""
    bots: Mapping[str, str] = {}
    """By alias ARN, id or name, likewise."""
    streams: Mapping[Stream, str] = {}
    """By name of the stream: a file, an http address, or such as kinesis://STREAM. Not shown: an
    address may be a secret."""
    stream_batch: int = 1
    stream_endpoints: Mapping[str, str] = {}
    """Of AWS's services, by scheme: kinesis, firehose, eventbridge."""
    stream_secrets: tuple[bytes, ...] = ()
    """All of them sign what is posted."""
    pool: Pool = numbers.pool(map(numbers.parse, numbers.DEFAULT))
    practice: Practice = USUAL
    """What instances do where AWS leaves it open."""
    storage: Storage = "disk"
    """Where recordings and files of prompts are."""
    storage_endpoint: str | None = None
    """Of the S3 API; None: AWS's."""
    train_waits: Duration | None = DAY
    """How often models of waits are trained; None: never."""
    signature_window_seconds: int = 900
    check_results: bool = False
    """Compare every result with the model before it is sent; for tests."""
    access_key_id: str | None = None
    secret_access_key: str | None = None
    temporary_pair: bool = False
    """The key pair was made for this run: nothing that lasts may depend on it."""
    encryption_keys: tuple[bytes, ...] = ()
    """For secrets at rest; the first encrypts, all decrypt. 32 bytes each."""

    @override
    def __repr__(self) -> str:
        shown = (
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name not in {"secret_access_key", "encryption_keys", "stream_secrets", "streams"}
        )
        return f"Settings({', '.join(shown)})"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Caller(NamedTuple):
    """Whom a command signs its requests as."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None

    @override
    def __repr__(self) -> str:
        return f"Caller({self.access_key_id})"


def caller(environment: Mapping[str, str] = os.environ) -> Caller:
    """From RINGFLOOR_* or else AWS_* variables; raises Fault saying which."""
    for prefix in ("RINGFLOOR", "AWS"):
        key, secret = (
            environment.get(f"{prefix}_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
        )
        if key and secret:
            return Caller(key, secret, environment.get(f"{prefix}_SESSION_TOKEN") or None)
    raise Fault(
        f"no key pair to sign with: set {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}, or the AWS_"
        " variables of the same names, to those of the server's root or of a user"
    )


def endpoint(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the server that a command asks."""
    return environment.get("RINGFLOOR_URL") or "http://127.0.0.1:8080"


def gateway_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a gateway may know: everything but the secrets of the server, also those for AWS."""
    ours = {ACCESS_KEY_ID, SECRET_ACCESS_KEY, ENCRYPTION_KEY, STREAM_SECRET}
    return {
        name: value
        for name, value in environment.items()
        if name not in ours and not name.startswith("AWS_")
    }


def region(environment: Mapping[str, str] = os.environ) -> str:
    """The Region that a command's signatures are scoped to: the server's, or AWS's variables."""
    names = ("RINGFLOOR_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
    found = next((environment[name] for name in names if environment.get(name)), None)
    return found or Settings().region


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
        voice=Path(raw["voice"]) if raw["voice"] else None,
        region=raw["region"],
        account=_account(raw["account"]),
        aws_limits=_choice("limits", raw["limits"]) == "aws",
        lenient_flows=_choice("flows", raw["flows"]) == "lenient",
        oldest_in_ms=cast("OldestInMs", _choice("oldest-in-ms", raw["oldest-in-ms"])),
        proxies=tuple(_network(each) for each in raw["proxy"].split()),
        rates=dict(_rate(each) for each in raw["rate"].split()),
        quotas=dict(_quota(each) for each in raw["quota"].split()),
        functions=dict(_binding("function", each) for each in raw["function"].split()),
        bots=dict(_binding("bot", each) for each in raw["bot"].split()),
        streams=_streams(raw["stream"].split()),
        stream_batch=_number("stream-batch", raw["stream-batch"], 1, STREAM_WEBHOOK_BATCH_MAX),
        stream_endpoints=_stream_endpoints(raw),
        stream_secrets=_stream_secrets(environment.get(STREAM_SECRET, "")),
        pool=_pool(raw["number-pool"].split()),
        practice=_practice(raw),
        storage=cast("Storage", _choice("storage", raw["storage"])),
        storage_endpoint=_storage_endpoint(raw["storage-endpoint"]),
        train_waits=_train_waits(raw["train-waits"]),
        signature_window_seconds=_number("signature-window", raw["signature-window"], 1, 86_400),
        check_results=_count(CHECK_RESULTS, environment.get(CHECK_RESULTS, "0")) > 0,
        access_key_id=environment.get(ACCESS_KEY_ID) or None,
        secret_access_key=environment.get(SECRET_ACCESS_KEY) or None,
        encryption_keys=_encryption_keys(environment.get(ENCRYPTION_KEY, "")),
    )
    if (result.access_key_id is None) != (result.secret_access_key is None):
        raise Fault(f"set both {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}, or neither")
    if result.voice is not None and result.virtual_clock:
        raise Fault(
            f"--voice {result.voice} and --clock virtual: real calls last as long as they last;"
            " leave one of them out"
        )
    if result.sandbox and not result.loopback and not result.sandbox_anywhere:
        raise Fault(
            f"--sandbox serves unsigned requests and {result.host} is not this machine's own"
            " address; leave --sandbox out, use --host 127.0.0.1, or give --sandbox twice"
        )
    if result.storage_endpoint is not None and result.storage != "s3":
        raise Fault(f"storage-endpoint: {result.storage_endpoint!r} is for --storage s3")
    if not result.sandbox and not _count("python", raw["python"]):
        for name, target in {**result.functions, **result.bots}.items():
            if target.startswith(PYTHON):
                raise Fault(
                    f"{name}={target} runs inside the server; give --python to let it, or use"
                    " --sandbox"
                )
    return result


def _practice(raw: Mapping[str, str]) -> Practice:
    ring = _number("ring-seconds", raw["ring-seconds"], 1, RING_SECONDS_MAX)
    own = _choice("callback-rank", raw["callback-rank"]) == "callback"
    delay = _choice("callback-duration", raw["callback-duration"]) == "delay"
    return Practice(
        ring_ms=ring * SECOND,
        callback_rank="callback" if own else "call",
        callback_duration="delay" if delay else "wait",
        destinations=_destinations(raw["destination"].split()),
        outbound_rate=_outbound_rate(raw["outbound-rate"]),
        outbound_calls=_optional("outbound-calls", raw["outbound-calls"], 1, 1_000_000),
        recording_days=_optional("recording-days", raw["recording-days"], 1, RECORDING_DAYS_MAX),
    )


def _optional(name: str, value: str, least: int, most: int) -> int | None:
    """A number; None where nothing is said."""
    return _number(name, value, least, most) if value else None


def _destinations(rules: Sequence[str]) -> tuple[str, ...]:
    if len(rules) > DESTINATION_RULES_MAX:
        raise Fault(f"destination: {len(rules)} are more than {DESTINATION_RULES_MAX} rules")
    try:
        destinations.check_all(rules)
    except ValueError as error:
        raise Fault(f"destination: {error}") from error
    return tuple(rules)


def _outbound_rate(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    per_second, slash, burst = text.partition("/")
    if not slash:
        raise Fault(f"outbound-rate: {text!r} is not N/B, calls per second and calls at once")
    return (
        _number("outbound-rate", per_second, 1, OUTBOUND_RATE_MAX),
        _number("outbound-rate", burst, 1, OUTBOUND_RATE_MAX),
    )


def _train_waits(value: str) -> Duration | None:
    if value == "off":
        return None
    if not value.isdecimal() or not 1 <= int(value) <= WAIT_TRAINING_HOURS_MAX:
        raise Fault(
            f"train-waits: {value!r} is neither off nor 1 to {WAIT_TRAINING_HOURS_MAX} hours"
        )
    return int(value) * HOUR


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


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise Fault(f"proxy: {text!r} is no network: {error}") from error


def _rate(text: str) -> tuple[str, Rate]:
    found = re.fullmatch(r"((?:iam:|sts:)?[A-Za-z0-9]+|\*)=([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not int(found[2]) or not int(found[3]):
        raise Fault(f"rate: {text!r} is not OPERATION=N/B, calls per second and calls at once")
    return found[1], Rate(per_second=int(found[2]), burst=int(found[3]))


def _quota(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in QUOTAS:
        raise Fault(f"quota: {name!r} is none of {', '.join(sorted(QUOTAS))}")
    return name, _number(f"quota {name}", number, 0, 1_000_000_000)


def _encryption_keys(value: str) -> tuple[bytes, ...]:
    """Keys in base64, separated by blanks, or @FILE with them. The message shows none of them."""
    keys = []
    for number, text in enumerate(_secrets(ENCRYPTION_KEY, value), 1):
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise Fault(
                f"{ENCRYPTION_KEY}: key {number} is not 32 bytes in base64;"
                " `ringfloor keys new` makes one"
            )
        keys.append(key)
    return tuple(keys)


def _stream_secrets(value: str) -> tuple[bytes, ...]:
    """Secrets as Standard Webhooks writes them, or @FILE with them. The message shows none."""
    secrets = []
    for number, text in enumerate(_secrets(STREAM_SECRET, value), 1):
        try:
            secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            secret = b""
        if not text.startswith("whsec_") or not 24 <= len(secret) <= 64:
            raise Fault(
                f"{STREAM_SECRET}: secret {number} is not whsec_ and then 24 to 64 bytes in base64;"
                " `ringfloor keys new --webhook` makes one"
            )
        secrets.append(secret)
    return tuple(secrets)


def _secrets(name: str, value: str) -> list[str]:
    """What a variable holds that no other may see: words, or @FILE with them."""
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise Fault(f"{name}: cannot read {value[1:]}: {error}") from error
    return value.split()


def _stream_endpoints(raw: Mapping[str, str]) -> dict[str, str]:
    found = {scheme: raw[setting] for scheme, setting in ENDPOINTS.items() if raw[setting]}
    for scheme, address in found.items():
        if not address.startswith(("http://", "https://")) or not _has_host(address):
            raise Fault(f"{ENDPOINTS[scheme]}: {address!r} is no http address")
    return found


def _storage_endpoint(address: str) -> str | None:
    if address and (not address.startswith(("http://", "https://")) or not _has_host(address)):
        raise Fault(f"storage-endpoint: {address!r} is no http address")
    return address or None


def _streams(given: Sequence[str]) -> dict[Stream, str]:
    found: dict[Stream, str] = {}
    for stream, target in map(_stream, given):
        if stream in found:
            raise Fault(f"stream: {stream} is given twice; it goes to one place")
        found[stream] = target
    return found


def _stream(text: str) -> tuple[Stream, str]:
    name, _, target = text.partition("=")
    is_address = target.startswith(("http://", "https://"))
    if is_address and not _has_host(target):
        raise Fault(f"stream: the address of {name} has no host, or a port that is none")
    scheme, separator, named = target.partition("://")
    if separator and scheme not in {"http", "https", *AWS}:
        raise Fault(f"stream: {text!r}: {scheme} is none of http, https, {', '.join(AWS)}")
    if scheme == "eventbridge" and name != "contact-events":
        raise Fault(f"stream: {text!r}: EventBridge is told contact-events alone, as by AWS")
    if separator and not named:
        raise Fault(f"stream: {text!r} does not name the stream or bus")
    for stream in STREAMS:
        if name == stream and target:
            return stream, target
    raise Fault(
        f"stream: {text!r} is not NAME=TARGET, where NAME is one of {', '.join(STREAMS)} and TARGET"
        " a file, an http address or such as kinesis://STREAM"
    )


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _pool(ranges: Sequence[str]) -> Pool:
    try:
        return numbers.pool(_range(each) for each in ranges)
    except ValueError as error:
        raise Fault(f"number-pool: {error}") from error


def _range(text: str) -> numbers.Range:
    try:
        return numbers.parse(text)
    except ValueError as error:
        raise Fault(f"number-pool: {text!r} {error}") from error


_CALLABLE = re.compile(rf"{PYTHON}[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def _binding(setting: str, text: str) -> tuple[str, str]:
    name, equals, target = text.partition("=")
    known = target.startswith(("http://", "https://")) or _CALLABLE.fullmatch(target)
    if not equals or not name or not known:
        shape = next(each.metavar for each in SETTINGS if each.name == setting)
        raise Fault(
            f"{setting}: {text!r} is not {shape} with an http or https address or"
            f" {PYTHON}package.module:callable"
        )
    return name, target
