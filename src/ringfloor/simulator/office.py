"""Office: the simulated center asked as a server is: production requests, production answers.

Requests are decoded and checked by botocore's model, performed by the same handlers that the server
calls, against a node that holds the simulated center and its history and never runs; answers are
those of the wire. Nothing is signed, throttled or authorised: there is nobody but us.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

import msgspec

from ringfloor.aws import model
from ringfloor.aws.request import Principal
from ringfloor.aws.tokens import Pages, Sealer
from ringfloor.base.ids import dice
from ringfloor.base.time import DAY, Instant, VirtualClock, iso_milliseconds, seconds
from ringfloor.domain.quotas import Quotas
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node.accounts import Accounts
from ringfloor.node.desk import Desk
from ringfloor.node.history import History
from ringfloor.node.node import Node
from ringfloor.operations import metrics
from ringfloor.operations.context import Context, Service
from ringfloor.operations.frozen import Frozen
from ringfloor.operations.registry import HANDLERS
from ringfloor.operations.report import Wanted, report, serving
from ringfloor.simulator.simulation import Simulation

assert metrics.__name__, "it has put its handlers into HANDLERS"

_SEALED_WITH = bytes(32)
"""Tokens of answers are read by nobody but us."""

_PLACE = "simulation"


class Counter:
    """Where one asks about a desk and its history; to be used as a context manager.

    keep: whether the history stays open after that.
    """

    def __init__(self, desk: Desk, history: History, now: Instant, *, keep: bool = False) -> None:
        self.now = now
        self._keep = keep
        self.home = desk.center.home
        node = Node(MemoryJournal(), history, VirtualClock(now), dice(0))
        node.desks[desk.instance_id] = desk
        sealer = Sealer((_SEALED_WITH,))
        self._service = Service(
            node=node,
            region=self.home.region,
            account=self.home.account,
            sealer=sealer,
            pages=Pages(sealer),
            accounts=Accounts(node, sealer, None, self.home.account, (_PLACE, "")),
            frozen=Frozen(),
            quotas=Quotas(),
            number=None,
        )
        self._api = _connect()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.close()
        if not self._keep:
            self._service.node.history.close()

    # Questions

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
        """The answer of an operation, as JSON tells it; raises Refusal."""
        context, decoded = self._request(operation, parameters)
        result = self._runner.run(_awaited(HANDLERS[operation](context, decoded)))
        answer: dict[str, Any] = msgspec.json.decode(self._api.operations[operation].encode(result))
        return answer

    def listed(
        self,
        operation: str,
        member: str,
        **parameters: Any,  # noqa: ANN401  JSON
    ) -> Iterator[Any]:
        """The rows of all pages."""
        token: dict[str, Any] = {}
        while True:
            answer = self.ask(operation, **parameters, **token)
            yield from answer[member]
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def _request(self, name: str, params: dict[str, Any]) -> tuple[Context, Any]:
        operation = self._api.operations[name]
        labels = [str(params[member]) for member in operation.labels]
        inside = {key: each for key, each in params.items() if key not in operation.labels}
        decoded = operation.decode(labels, b"", (), msgspec.json.encode(inside))
        account = self.home.account
        context = Context(
            service=self._service,
            operation=operation,
            principal=Principal(account, f"arn:aws:iam::{account}:root", _PLACE),
            source=_PLACE,
            request_id=f"{_PLACE} {iso_milliseconds(self.now)}",
            now=self.now,
        )
        return context, decoded


class Office(Counter):
    """That of a simulation that has run."""

    def __init__(self, simulation: Simulation) -> None:
        work = simulation.work
        super().__init__(work.desk, work.history, simulation.until)
        self.simulation = simulation

    def report(self) -> dict[str, Any]:
        """What a report shows besides metrics; see operations.report."""
        scenario = self.simulation.scenario
        context, params = self._request(
            "GetMetricDataV2",
            {
                "ResourceArn": self.home.arn,
                "StartTime": seconds(scenario.start),
                "EndTime": seconds(self.now),
                "Interval": {"TimeZone": scenario.zone, "IntervalPeriod": "TOTAL"},
                "Filters": [{"FilterKey": "QUEUE", "FilterValues": self.queue_ids}],
                "Metrics": [{"Name": "CONTACTS_QUEUED"}],
            },
        )

        async def told() -> dict[str, Any]:
            profiles = await serving(context, params)
            return dict(await report(context, params, profiles, Wanted(scenario.zone, None)))

        return self._runner.run(told())

    def metric_data(self) -> list[dict[str, Any]] | None:
        """GetMetricData of the whole, by queue and channel; None: it is longer than that tells."""
        start = self.simulation.scenario.start
        if self.now - start > DAY:
            return None
        threshold = self.simulation.scenario.thresholds[0]
        return list(
            self.listed(
                "GetMetricData",
                "MetricResults",
                InstanceId=self.home.instance_id,
                StartTime=seconds(start),
                EndTime=seconds(self.now),
                Filters={"Queues": self.queue_ids},
                Groupings=["QUEUE", "CHANNEL"],
                HistoricalMetrics=_historical(threshold),
            )
        )

    @property
    def queue_ids(self) -> Sequence[str]:
        """Of the scenario's queues."""
        return list(self.simulation.people.built.queues)


@cache
def _connect() -> model.Service:
    return model.load("connect")


async def _awaited(answer: Any) -> Any:  # noqa: ANN401  what a handler returns
    return await answer


_COUNTS = (
    "CONTACTS_QUEUED",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "CONTACTS_MISSED",
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
)
_TIMES = ("ABANDON_TIME", "QUEUE_ANSWER_TIME", "HANDLE_TIME", "AFTER_CONTACT_WORK_TIME")


def _historical(threshold: int) -> list[dict[str, Any]]:
    """Metrics of GetMetricData."""
    level = {"Comparison": "LT", "ThresholdValue": float(threshold)}
    return [
        *({"Name": name, "Unit": "COUNT", "Statistic": "SUM"} for name in _COUNTS),
        *({"Name": name, "Unit": "SECONDS", "Statistic": "AVG"} for name in _TIMES),
        {"Name": "QUEUED_TIME", "Unit": "SECONDS", "Statistic": "MAX"},
        {"Name": "OCCUPANCY", "Unit": "PERCENT", "Statistic": "AVG"},
        {"Name": "SERVICE_LEVEL", "Unit": "PERCENT", "Statistic": "AVG", "Threshold": level},
    ]
