"""CLI for exports: `ringfloor export`, which writes contact records, agents' time or metrics.

Called by cli, which gives it a parser. It asks a running server, signed with the caller's own keys,
part by part, and writes one file, which is there when it is complete.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfloor.base.errors import Fault
from ringfloor.base.time import Instant, WallClock, seconds
from ringfloor.client import Connect, Progress, moment
from ringfloor.config import endpoint, region
from ringfloor.node import tables
from ringfloor.node.tables import FORMATS, Rows
from ringfloor.projections.exports import METRICS, TABLES, metric_columns

DESCRIPTION = """\
Writes a table of an instance to one file, Parquet or CSV:

  contact-records  contacts that are final, by when they were initiated
  agent-intervals  stretches of agents' time online, by when they began
  metrics          the answer of a request of GetMetricDataV2, one row a metric

--from is included, --to is not; both are 2026-11-20, 2026-11-20T08:30:00Z, or an age such as 90m,
12h, 7d. Columns, types and units are in docs/reference/exports.md. Requests are signed with
RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or else AWS_ACCESS_KEY_ID and so on;
policies allow connect:SearchContacts, or connect:GetMetricDataV2 for the other two.

  ringfloor export contact-records --instance ID --from 7d --to 0s --out contacts.parquet
  ringfloor export agent-intervals --instance ID --from 2026-11-01 --to 2026-12-01 \\
      --format csv --out november.csv
  ringfloor export metrics --instance ID --from 2026-11-01 --to 2026-11-08 \\
      --request request.json --out week.parquet

A request is what boto3's get_metric_data_v2 takes, as JSON; the instance and the times are those
of the options:

  {"Filters": [{"FilterKey": "QUEUE", "FilterValues": ["QUEUE-ID"]}], "Groupings": ["QUEUE"],
   "Interval": {"IntervalPeriod": "DAY", "TimeZone": "UTC"},
   "Metrics": [{"Name": "CONTACTS_QUEUED"}, {"Name": "SERVICE_LEVEL", "Threshold":
                [{"Comparison": "LT", "ThresholdValue": 20}]}]}"""

COMMANDED = ("ResourceArn", "StartTime", "EndTime", "NextToken")
"""Members of a request that are none of the file's business."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("table", choices=(*TABLES, METRICS), help="what is written")
    parser.add_argument("--instance", required=True, metavar="ID", help="id of the instance")
    parser.add_argument("--from", required=True, dest="start", metavar="T", help="from then on")
    parser.add_argument("--to", required=True, dest="end", metavar="T", help="before then")
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="of the file [%(default)s]"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="PATH", help="the file")
    parser.add_argument(
        "--request", type=Path, metavar="FILE", help="of metrics: a GetMetricDataV2 request, JSON"
    )
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Ask the server and write the file; raises Fault."""
    if (options.table == METRICS) != (options.request is not None):
        raise Fault("--request FILE belongs to metrics, and metrics need it")
    now = WallClock().now()
    start, end = moment("from", options.start, now), moment("to", options.end, now)
    server = Connect(options.endpoint, region())
    if options.table == METRICS:
        asked = _request(options.request, options.instance, start, end)
        parts = _metrics(server, asked)
    else:
        parts = _parts(server, options.instance, options.table, start, end)
    progress = Progress(sys.stderr, f"{options.table}: rows")
    try:
        rows = tables.write(options.out, options.format, _counted(parts, progress))
    finally:
        progress.end()
    print(f"{options.out}: {rows:,} rows")
    return 0


def _counted(parts: Iterator[Rows], progress: Progress) -> Iterator[Rows]:
    rows = 0
    for part in parts:
        rows += tables.count(part)
        progress.show(rows)
        yield part


def _parts(
    server: Connect, instance: str, table: str, start: Instant, end: Instant
) -> Iterator[Rows]:
    after = ""
    while True:
        more = {"after": after} if after else {}
        asked = {"from": str(start), "to": str(end), **more}
        body, after = server.export(instance, table, **asked)
        yield tables.decoded(body)
        if not after:
            return


# Metrics


def _request(file: Path, instance: str, start: Instant, end: Instant) -> dict[str, Any]:
    """The request of a file, about this instance and these times; raises Fault."""
    try:
        told = json.loads(file.read_bytes())
    except OSError as error:
        raise Fault(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Fault(f"{file} is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise Fault(f"{file} is no JSON object with the members of a GetMetricDataV2 request")
    mine = {"ResourceArn": instance, "StartTime": seconds(start), "EndTime": seconds(end)}
    return {name: value for name, value in told.items() if name not in COMMANDED} | mine


def _metrics(server: Connect, asked: Mapping[str, Any]) -> Iterator[Rows]:
    groupings = tuple(map(str, asked.get("Groupings") or ()))
    columns = metric_columns(groupings)
    yield tables.made(columns, [])  # what is written has columns, whatever is answered
    more: dict[str, str] = {}
    while True:
        answer = server.ask("GetMetricDataV2", **asked, **more)
        results = answer.get("MetricResults") or ()
        yield tables.made(columns, [row for each in results for row in rows(each, groupings)])
        token = answer.get("NextToken")
        if not token:
            return
        more = {"NextToken": token}


def rows(result: Mapping[str, Any], groupings: Sequence[str]) -> Iterator[list[Any]]:
    """The rows of one result: one for each metric."""
    interval = result.get("MetricInterval") or {}
    dimensions = result.get("Dimensions") or {}
    for each in result.get("Collections") or ():
        metric = each["Metric"]
        filters = metric.get("MetricFilters")
        threshold = (metric.get("Threshold") or [{}])[0]
        yield [
            interval.get("Interval"),
            _milliseconds(interval.get("StartTime")),
            _milliseconds(interval.get("EndTime")),
            *(dimensions.get(name) for name in groupings),
            metric.get("Name") or metric.get("MetricId"),
            json.dumps(filters, separators=(",", ":")) if filters else None,
            threshold.get("Comparison"),
            threshold.get("ThresholdValue"),
            each.get("Value"),
        ]


def _milliseconds(wire: float | None) -> Instant | None:
    return None if wire is None else round(wire * 1000)
