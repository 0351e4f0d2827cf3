"""NextToken of the reference's listings and metrics: bound to its request, for five minutes."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name

from acceptance.center import OWN_NUMBER, greeting_flow
from acceptance.conftest import Server
from acceptance.test_reference import LISTS, Place, refused

METRICS = ("GetCurrentMetricData", "GetMetricData")
ROWS = {**LISTS, **dict.fromkeys(METRICS, "MetricResults")}
"""Action to the member that holds its rows."""


class Pages:
    """A place in which every listing has two rows at least."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.place = place = Place(server)
        self.at = {"InstanceId": place.instance}
        self.connect = connect = place.connect
        place.spare()
        hours = place.center.found(
            "list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours"
        )["Id"]
        other = connect.create_queue(**self.at, Name="support", HoursOfOperationId=hours)
        self.queues = [place.center.queue, other["QueueId"]]
        flow = connect.create_contact_flow(
            **self.at, Name="support", Type="CONTACT_FLOW", Content=greeting_flow(other["QueueArn"])
        )["ContactFlowId"]
        for each in (place.center.flow, flow):  # one waits in each queue, one has waited
            _, over = [
                connect.start_outbound_voice_contact(
                    **self.at,
                    DestinationPhoneNumber=place.center.customer,
                    ContactFlowId=each,
                    SourcePhoneNumber=OWN_NUMBER,
                )["ContactId"]
                for _ in range(2)
            ]
            connect.stop_contact(**self.at, ContactId=over)
        self._start = place.start()

    def request(self, action: str) -> dict[str, Any]:
        """A request whose answer has several rows, the same as time passes."""
        if action in LISTS:
            return dict(self.at)
        filters = {"Filters": {"Queues": self.queues}, "Groupings": ["QUEUE"]}
        if action == "GetCurrentMetricData":
            metric = {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}
            return {**self.at, **filters, "CurrentMetrics": [metric]}
        queued = {"Name": "CONTACTS_QUEUED", "Statistic": "SUM", "Unit": "COUNT"}
        times = {"StartTime": self._start, "EndTime": self._start + 60_000}
        return {**self.at, **filters, **times, "HistoricalMetrics": [queued]}

    def ask(self, action: str, **more: Any) -> Any:
        return getattr(self.connect, xform_name(action))(**{**self.request(action), **more})

    def first(self, action: str) -> str:
        """The NextToken of the first page."""
        return self.ask(action, MaxResults=1)["NextToken"]


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    server = Server("--memory", "--sandbox", "--clock", "virtual")
    try:
        yield Pages(server)
    finally:
        server.kill()


@pytest.mark.parametrize("action", ROWS)
def test_pages_together_are_the_whole(pages, action):
    whole = pages.ask(action)
    assert "NextToken" not in whole
    assert len(whole[ROWS[action]]) > 1
    rows, more = [], {}
    while True:
        page = pages.ask(action, MaxResults=1, **more)
        assert len(page[ROWS[action]]) == 1
        rows += page[ROWS[action]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert rows == whole[ROWS[action]]
    rest = pages.ask(action, NextToken=pages.first(action), MaxResults=100)  # a size of its own
    assert rest[ROWS[action]] == rows[1:]


@pytest.mark.parametrize("action", ROWS)
def test_a_token_is_for_its_operation_instance_and_parameters(pages, action):
    token = pages.first(action)

    def invalid(asked: str, **more: Any) -> None:
        refused("InvalidParameter", "NextToken", pages.ask, asked, **more)

    for other in ROWS.keys() - {action}:
        invalid(other, NextToken=token)
    invalid(action, NextToken=token, InstanceId=pages.place.saml())
    for damaged in (token[:-1], token[::-1], f"{token}A", f"A{token[1:]}" * 40):
        invalid(action, NextToken=damaged)
    if action in METRICS:
        for changed in (
            {"Filters": {"Queues": pages.queues[::-1]}},
            {"Filters": {"Queues": pages.queues, "Channels": ["VOICE"]}},
            {"Groupings": ["QUEUE", "CHANNEL"]},
        ):
            invalid(action, NextToken=token, **changed)
    assert pages.ask(action, NextToken=token)[ROWS[action]]


@pytest.mark.parametrize("action", ROWS)
def test_a_token_lives_five_minutes(pages, action):
    token = pages.first(action)
    pages.place.center.advance(299.999)
    page = pages.ask(action, NextToken=token)
    assert page[ROWS[action]]
    pages.place.center.advance(0.001)
    refused("InvalidParameter", "expired NextToken", pages.ask, action, NextToken=token)


def test_pages_of_metrics_show_one_moment(pages):
    first = pages.ask("GetCurrentMetricData", MaxResults=1)
    pages.place.center.advance(60)
    pages.place.center.dial()
    second = pages.ask("GetCurrentMetricData", MaxResults=1, NextToken=first["NextToken"])
    assert second["DataSnapshotTime"] == first["DataSnapshotTime"]
    values = [
        row["Collections"][0]["Value"] for page in (first, second) for row in page["MetricResults"]
    ]
    now = [
        row["Collections"][0]["Value"] for row in pages.ask("GetCurrentMetricData")["MetricResults"]
    ]
    assert sum(now) == sum(values) + 1
