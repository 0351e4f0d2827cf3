"""Stream AWS: lines to Kinesis Data Streams, Data Firehose and EventBridge.

The only module that knows boto3, which is an optional extra: available() says whether it is there.
Called by node.stream_targets. Rules:

* A request holds at most one line about each contact or agent: these services take some records of
  a request and refuse others, and what comes after a refused one must not overtake it.
* Who is asked again, and when, is up to the caller: boto3 itself repeats nothing.
* boto3 blocks, so each target has a thread of its own; a request ends after STREAM_PUT_SECONDS.

* A line that is larger than the service usually takes goes in a request of its own. If that is
  refused, it always will be: the line is left out, the log says which, and the others go on.

EventBridge gives events ids of its own, and no order of its own.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ringfloor.base.limits import STREAM_PUT_SECONDS
from ringfloor.node.stream_lines import Line
from ringfloor.node.stream_targets import Taken

try:
    import boto3.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
except ImportError:  # an extra
    boto3 = None

log = logging.getLogger(__name__)

Answer = Mapping[str, Any]

TOO_LARGE = frozenset(
    {"ValidationException", "InvalidArgumentException", "RequestEntityTooLargeException", "413"}
)
"""Codes with which the services refuse a request for its size, among other things."""


class Kind(NamedTuple):
    """How one service takes records."""

    service: str
    records_max: int
    bytes_max: int
    """Of all records of a request."""
    record_bytes_max: int
    """Of one, unless the operator has raised it there."""
    put: Callable[[Any, str, Sequence[Line]], Answer]
    results: str
    """The member of the answer that has a result for each record."""


def _kinesis(client: Any, name: str, lines: Sequence[Line]) -> Answer:  # noqa: ANN401  boto3's
    records = [{"Data": each.body, "PartitionKey": each.about} for each in lines]
    return client.put_records(StreamName=name, Records=records)  # type: ignore[no-any-return]  # boto3's


def _firehose(client: Any, name: str, lines: Sequence[Line]) -> Answer:  # noqa: ANN401  boto3's
    """With line feeds, because Firehose puts records end to end."""
    records = [{"Data": each.body + b"\n"} for each in lines]
    return client.put_record_batch(DeliveryStreamName=name, Records=records)  # type: ignore[no-any-return]  # boto3's


def _eventbridge(client: Any, name: str, lines: Sequence[Line]) -> Answer:  # noqa: ANN401  boto3's
    return client.put_events(Entries=[_entry(name, each) for each in lines])  # type: ignore[no-any-return]  # boto3's


def _entry(bus: str, line: Line) -> Mapping[str, object]:
    """bus: its name, perhaps with the source that events have there: default?source=my.center."""
    event = json.loads(line.body)
    name, _, source = bus.partition("?source=")
    return {
        "EventBusName": name,
        "Source": source or event["source"],
        "DetailType": event["detail-type"],
        "Time": event["time"],
        "Resources": event["resources"],
        "Detail": json.dumps(event["detail"], separators=(",", ":"), ensure_ascii=False),
    }


KINDS: Mapping[str, Kind] = {
    "kinesis": Kind("kinesis", 500, 5 << 20, 1 << 20, _kinesis, "Records"),
    "firehose": Kind("firehose", 500, 4 << 20, 1_000 << 10, _firehose, "RequestResponses"),
    "eventbridge": Kind("events", 10, 256 << 10, 256 << 10, _eventbridge, "Entries"),
}
"""By scheme; the bounds are the services' own."""


def available() -> bool:
    """Whether boto3 is installed."""
    return boto3 is not None


class _NotTaken(NamedTuple):
    """A request that was not carried out. code: the service's, if it has answered."""

    why: str
    code: str = ""


class Aws:
    """A stream or a bus."""

    def __init__(self, scheme: str, name: str, endpoint: str, region: str) -> None:
        """Keys are found as boto3 finds them, in the environment or its files."""
        self._kind = KINDS[scheme]
        self._name = name
        self._thread = ThreadPoolExecutor(1, "stream")
        self._make = lambda: boto3.session.Session().client(
            self._kind.service,
            endpoint_url=endpoint,
            region_name=region,
            config=Config(
                connect_timeout=STREAM_PUT_SECONDS,
                read_timeout=STREAM_PUT_SECONDS,
                retries={"total_max_attempts": 1},
                proxies={},  # what the environment says of them does not count
            ),
        )
        self._client: Any = None
        self.left_out = 0
        """Lines that no request of the service can hold."""

    async def take(self, lines: list[Line]) -> Taken:
        loop = asyncio.get_running_loop()
        while lines:
            part = list(_part(lines, self._kind))
            answer = await loop.run_in_executor(
                self._thread, self._put, [lines[each] for each in part]
            )
            if isinstance(answer, _NotTaken):
                if answer.code not in TOO_LARGE or _size(lines[0]) <= self._kind.record_bytes_max:
                    return Taken(lines, answer.why)
                self._leave_out(lines[0], answer.why)
                lines = lines[1:]
                continue
            refused = {
                at: each for at, each in zip(part, answer, strict=True) if each.get("ErrorCode")
            }
            taken = set(part) - refused.keys()
            lines = [each for at, each in enumerate(lines) if at not in taken]
            if refused:
                why = next(iter(refused.values()))
                return Taken(lines, f"{self._name}: {len(refused)} refused: {why['ErrorCode']}")
        return Taken([])

    def _leave_out(self, line: Line, why: str) -> None:
        self.left_out += 1
        log.error(
            "%s: line %s of instance %s (id %s, %d bytes) is too large and left out, %d so far: %s",
            self._name,
            line.position.text,
            line.instance_id,
            line.id,
            _size(line),
            self.left_out,
            why,
        )

    def _put(self, lines: Sequence[Line]) -> Sequence[Answer] | _NotTaken:
        """What has become of each, or why of none."""
        try:
            if self._client is None:
                self._client = self._make()  # type: ignore[no-untyped-call]  # boto3's
            answer = self._kind.put(self._client, self._name, lines)
        except ClientError as error:
            return _NotTaken(f"{self._name}: {error}", error.response["Error"].get("Code", ""))
        except (BotoCoreError, ResponseParserError) as error:
            return _NotTaken(f"{self._name}: {error}")
        results = answer.get(self._kind.results) if isinstance(answer, dict) else None
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            return _NotTaken(f"{self._name}: the answer is none of {self._kind.service}")
        if len(results) != len(lines):
            return _NotTaken(f"{self._name}: {len(results)} results for {len(lines)} records")
        return results

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _part(lines: Sequence[Line], kind: Kind) -> Iterator[int]:
    """Which lines go into the next request: the first about each, as far as there is room."""
    about: set[str] = set()
    size = 0
    for at, line in enumerate(lines):
        if line.about in about:
            continue
        is_large = _size(line) > kind.record_bytes_max
        size += _size(line)
        if about and (is_large or len(about) == kind.records_max or size > kind.bytes_max):
            return
        about.add(line.about)
        yield at
        if is_large:
            return


def _size(line: Line) -> int:
    return len(line.body) + len(line.about)
