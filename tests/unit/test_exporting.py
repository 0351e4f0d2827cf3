"""Parts of exports: cut, continued, and put together again by the command."""

from typing import Any, cast

import pyarrow as pa
import pytest

from node_builders import START, Office, a_node
from ringfloor.aws.model import load
from ringfloor.aws.request import Principal
from ringfloor.base.time import DAY
from ringfloor.cli_export import _parts, rows
from ringfloor.client import Connect
from ringfloor.domain.commands import DeleteResource
from ringfloor.domain.events import Origin
from ringfloor.domain.logged import LoggedContact
from ringfloor.node import tables
from ringfloor.operations.context import Context
from ringfloor.operations.exports import Part, Span, part
from ringfloor.operations.imports import take_in
from ringfloor.projections.exports import CONTACT_RECORDS
from ringfloor.server.exports import _place, _text

API = load("connect")


async def an_office(stage) -> Office:
    """Five contacts, two of them of one instant."""
    office = await stage.an_instance(users=["ann"])
    contacts = [
        LoggedContact(
            id=f"c{number}",
            initiated_at=START - DAY + number // 2,
            connected_to_agent_at=START - DAY + 10,
            disconnected_at=START - DAY + 20,
            queue=office.id_of("queue", "BasicQueue"),
            agent=office.id_of("user", "ann"),
        )
        for number in range(5)
    ]
    await take_in(stage.node, office.desk, contacts, Origin())
    return office


async def a_part(office: Office, **span: Any) -> Part:
    context = Context(
        service=office.stage.service,
        operation=API.operations["SearchContacts"],
        principal=Principal("111122223333", "arn:aws:iam::111122223333:root", "AKID"),
        source="127.0.0.1",
        request_id="r",
        now=office.stage.now,
    )
    wanted = Span(0, START, **span)
    return await part(context, office.desk, CONTACT_RECORDS, wanted, "parquet")


async def test_a_part_says_where_the_next_begins():
    async with a_node() as stage:
        office = await an_office(stage)
        whole = await a_part(office)
        assert whole.next is None
        parts, after = [], None
        while not parts or after is not None:
            body, after = await a_part(office, after=after, at_most=2)
            parts.append(tables.decoded(body))
            assert after is None or _place(_text(after)) == after
        assert [tables.count(each) for each in parts] == [2, 2, 1]
        assert pa.concat_tables(parts).equals(tables.decoded(whole.body))


async def test_what_is_deleted_has_an_id_and_no_name():
    async with a_node() as stage:
        office = await an_office(stage)
        ann = office.id_of("user", "ann")
        (row, *_) = tables.decoded((await a_part(office)).body).to_pylist()
        assert (row["agent_id"], row["agent_name"]) == (ann, "ann")
        assert (row["queue_name"], row["routing_profile_name"]) == (
            "BasicQueue",
            "Basic Routing Profile",
        )

        await office.submit(DeleteResource("user", ann))
        (row, *_) = tables.decoded((await a_part(office)).body).to_pylist()
        assert (row["agent_id"], row["agent_name"]) == (ann, None)


class Server:
    """Has three parts."""

    def __init__(self):
        self.asked = []

    def export(self, instance: str, table: str, **asked: str) -> tuple[bytes, str]:
        self.asked.append((instance, table, asked))
        number = len(self.asked)
        body = tables.encoded(pa.table({"n": [number]}), "parquet")
        return body, f"after {number}" if number < 3 else ""


def test_the_command_asks_until_there_is_no_more():
    server = Server()
    found = list(_parts(cast(Connect, server), "i", "contact-records", 1, 2))
    assert [each["n"].to_pylist() for each in found] == [[1], [2], [3]]
    assert [asked for *_, asked in server.asked] == [
        {"from": "1", "to": "2"},
        {"from": "1", "to": "2", "after": "after 1"},
        {"from": "1", "to": "2", "after": "after 2"},
    ]


THRESHOLD = [{"Comparison": "LT", "ThresholdValue": 20.0}]
FILTERS = [{"MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": ["INBOUND"]}]


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ({"Metric": {"Name": "M"}, "Value": 1.0}, ["M", None, None, None, 1.0]),
        ({"Metric": {"Name": "M"}}, ["M", None, None, None, None]),
        ({"Metric": {"MetricId": "arn"}, "Value": 0.0}, ["arn", None, None, None, 0.0]),
        (
            {"Metric": {"Name": "M", "Threshold": THRESHOLD}, "Value": 1.0},
            ["M", None, "LT", 20.0, 1.0],
        ),
        (
            {"Metric": {"Name": "M", "MetricFilters": FILTERS}, "Value": 1.0},
            [
                "M",
                '[{"MetricFilterKey":"INITIATION_METHOD","MetricFilterValues":["INBOUND"]}]',
                None,
                None,
                1.0,
            ],
        ),
    ],
)
def test_a_metric_is_a_row(metric, told):
    result = {
        "Dimensions": {"QUEUE": "q", "QUEUE_ARN": "arn"},
        "MetricInterval": {"Interval": "DAY", "StartTime": 1.5, "EndTime": 2.0},
        "Collections": [metric],
    }
    (row,) = rows(result, ("QUEUE", "AGENT"))
    assert row == ["DAY", 1_500, 2_000, "q", None, *told]
