"""Stream targets: how lines are delivered to a file or over HTTP, and who opens which target.

Called by node.stream_outlets, one target for each outlet; node.stream_aws has those of AWS. Rules:

* take answers what has not been taken, in its order; whoever calls waits and asks again.
* Lines about the same contact or agent are taken in order, and each at least once.
* Targets do not wait for each other: what blocks has a thread of its own.

Over HTTP a line is POSTed and signed as the specification Standard Webhooks has it: webhook-id is
the line's own and the same whenever it is sent again; the signature covers id, time and body.
"""

import asyncio
import base64
import hmac
import logging
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

from ringfloor.base.errors import Fault
from ringfloor.base.time import SECOND, Clock, WallClock
from ringfloor.domain.resources import Properties
from ringfloor.node.stream_lines import Line, Stream, identified
from ringfloor.node.web import Posted, Web

log = logging.getLogger(__name__)


class Gone(Exception):
    """Whoever was told wants to be told no more."""


class Taken(NamedTuple):
    """What has become of lines."""

    left: list[Line]
    """Those that were not taken, in order."""
    why: str = ""
    """Why not, for the log; never what is in them."""


class Target(Protocol):
    """Whoever is told."""

    async def take(self, lines: list[Line]) -> Taken:
        """Give him lines. Raises Gone."""

    async def close(self) -> None:
        """Let go of everything."""


class File:
    """A file: a line each, durable once it is taken."""

    def __init__(self, path: Path) -> None:
        """Raises Fault where nothing can be written."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _append(path, [])
        except OSError as error:
            raise Fault(f"stream: cannot write to {path}: {error.strerror or error}") from error
        self._thread = ThreadPoolExecutor(1, "stream")

    async def take(self, lines: list[Line]) -> Taken:
        loop = asyncio.get_running_loop()
        bodies = [each.body for each in lines]
        try:
            await loop.run_in_executor(self._thread, _append, self._path, bodies)
        except OSError as error:
            return Taken(lines, f"{self._path}: {error.strerror or error}")
        return Taken([])

    async def close(self) -> None:
        self._thread.shutdown(wait=False)


def _append(path: Path, lines: Sequence[bytes]) -> None:
    """Write lines at the end of a file, durably. Raises OSError: the file is as it was."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        text = b"".join(line + b"\n" for line in lines)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # such as /dev/stdout
            _write(descriptor, text)
            return
        size = os.fstat(descriptor).st_size
        if not size:  # the file may be new, and its name has to last as well
            _sync_directory(path.parent)
        elif os.pread(descriptor, 1, size - 1) != b"\n":  # a crash broke a line off
            text = b"\n" + text
        try:
            _write(descriptor, text)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(descriptor, left) :]


TOO_LARGE = 413
"""HTTP's Content Too Large: of an array half is sent, and so on."""


class Webhook:
    """An HTTP address: a POST each, or one for as many as a batch may have."""

    def __init__(
        self, address: str, secrets: Sequence[bytes] = (), batch: int = 1, wall: Clock | None = None
    ) -> None:
        """secrets: all of them sign. wall: the receiver's time, which is nobody's to move."""
        self._address = address
        self._secrets = secrets
        self._batch = batch
        self._wall = wall or WallClock()
        self._web = Web()

    async def take(self, lines: list[Line]) -> Taken:
        size = self._batch
        while lines:
            part, rest = lines[:size], lines[size:]
            posted = await self._sent(part)
            if posted.status == TOO_LARGE and len(part) > 1:
                size = len(part) // 2
                continue
            if not posted.is_success:
                return Taken(lines, posted.why)
            lines = rest
        return Taken([])

    async def _sent(self, lines: list[Line]) -> Posted:
        """What has become of one POST."""
        if self._batch == 1:
            identifier, body = lines[0].id, lines[0].body
        else:
            identifier = identified("/".join(each.id for each in lines))
            body = b"[%s]" % b",".join(each.body for each in lines)
        at = self._wall.now() // SECOND
        headers = {"webhook-id": identifier, "webhook-timestamp": str(at)}
        if self._secrets:
            headers["webhook-signature"] = signature(self._secrets, identifier, at, body)
        answer = await self._web.post(self._address, body, headers)
        if answer.status == 410:
            raise Gone
        return answer._replace(why=f"{identifier}: {answer.why}")

    async def close(self) -> None:
        await self._web.close()


def signature(secrets: Sequence[bytes], identifier: str, at: int, body: bytes) -> str:
    """The header webhook-signature: one signature a secret. at: seconds since the Unix epoch."""
    signed = b"%s.%d.%s" % (identifier.encode(), at, body)
    macs = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


AWS = ("kinesis", "firehose", "eventbridge")
"""Schemes of targets that boto3 delivers to: kinesis://STREAM, eventbridge://BUS."""

ENDPOINTS: Mapping[str, str] = {
    "kinesis": "kinesis-endpoint",
    "firehose": "firehose-endpoint",
    "eventbridge": "events-endpoint",
}
"""Scheme to the setting that says where it is."""

Opener = Callable[[str, str, str, str], Target]
"""Opens a target of AWS: scheme, name, endpoint, Region."""


class Targets:
    """Who opens targets, with what the operator has said of all of them."""

    def __init__(
        self,
        *,
        secrets: Sequence[bytes] = (),
        batch: int = 1,
        endpoints: Mapping[str, str] | None = None,
        region: str = "us-east-1",
        aws: Opener | None = None,
    ) -> None:
        """endpoints: address by scheme. aws: None: there is no boto3."""
        self._secrets = secrets
        self._batch = batch
        self._endpoints = dict(endpoints or {})
        self._region = region
        self._aws = aws
        if self._endpoints and aws is None:
            raise Fault(
                "stream: Kinesis, Firehose and EventBridge are told through boto3, which is not"
                " installed: pip install 'ringfloor[aws]'"
            )

    def open(self, target: str) -> Target:
        """target: a file, an http address, or such as kinesis://NAME. Raises Fault."""
        scheme, _, name = target.partition("://")
        if scheme in {"http", "https"}:
            return Webhook(target, self._secrets, self._batch)
        if scheme not in AWS:
            return File(Path(target))
        endpoint = self._endpoints.get(scheme)
        if endpoint is None or self._aws is None:
            raise Fault(f"stream: {target} needs --{ENDPOINTS[scheme]}, the address of the service")
        return self._aws(scheme, name, endpoint, self._region)

    @property
    def stores(self) -> bool:
        """Whether anything can be told to what instances name as their stores."""
        return any(scheme in self._endpoints for scheme in ("kinesis", "firehose"))

    def told(self, properties: Properties) -> tuple[Stream, str] | None:
        """Which stream a storage config of an instance is for, and its target; None: none of ours.

        None also without the endpoint: the config is kept, and nothing is told.
        """
        stream = STORED.get(properties["ResourceType"])
        config = properties["StorageConfig"]
        if stream is None or config["StorageType"] not in STORES:
            return None
        scheme, configured, arn = STORES[config["StorageType"]]
        if scheme not in self._endpoints:
            return None
        return stream, f"{scheme}://{config[configured][arn].rpartition('/')[2]}"


STORED: Mapping[str, Stream] = {
    "AGENT_EVENTS": "agent-events",
    "CONTACT_TRACE_RECORDS": "contact-records",
}
"""What is stored to the stream that tells it."""

STORES: Mapping[str, tuple[str, str, str]] = {
    "KINESIS_STREAM": ("kinesis", "KinesisStreamConfig", "StreamArn"),
    "KINESIS_FIREHOSE": ("firehose", "KinesisFirehoseConfig", "FirehoseArn"),
}
"""Type of storage to the scheme of its target, and the members that say its ARN."""
