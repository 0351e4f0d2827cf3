"""Product: what the center itself answers for the same events, in the shape of an Answer."""

from collections.abc import Iterable
from typing import Any

from ringfloor.base.time import Instant
from ringfloor.node.history import History
from ringfloor.projections import historical_request, metric_data_v2_request
from ringfloor.projections.records import Records
from second_opinion.opinion import Answer
from second_opinion.story import Story, Told

INSTANCE = "the instance"


class Product:
    """Records and a history in memory that have been told some events."""

    def __init__(self, history: History | None = None, instance: str = INSTANCE) -> None:
        self.records = Records()
        self.history = history or History.open(None, print)
        self.instance = instance
        self.sequence = 0
        self.at: Instant = 0

    def read(self, told: Iterable[Told]) -> "Product":
        facts: list[Any] = []
        for event, at in told:
            self.at = at
            facts += self.records.on(event, at)
        self.sequence += 1
        self.history.load(self.instance, self.sequence, facts)
        return self

    def remember(self, told: Iterable[Told]) -> None:
        """As read, of a history that has been told by somebody else."""
        for event, at in told:
            self.at = at
            self.records.on(event, at)

    def close(self) -> None:
        self.history.close()

    def first(self, story: Story, request: dict[str, Any]) -> Answer:
        """GetMetricData."""
        now = max(self.at, round(request["StartTime"] * 1000) + 1)
        query = historical_request.parse(request, now, lambda text: text)
        served = {
            profile: frozenset(queue for queue, _ in rows)
            for profile, rows in story.profiles.items()
        }
        rows = self.history.answer(self.instance, query, self.records.open(self.at), served)
        names = {"QUEUE": "queue_id", "CHANNEL": "channel"}
        return {
            (tuple((each, getattr(row, names[each])) for each in query.groupings), None): row.values
            for row in rows
        }

    def second(self, request: dict[str, Any]) -> Answer:
        """GetMetricDataV2, as it is written on the wire."""
        query = metric_data_v2_request.parse(request, self.at, lambda _kind, text, _key: text)
        rows = self.history.answer_v2(self.instance, query, self.records.open(self.at))
        answer: Answer = {}
        for row in metric_data_v2_request.WrittenRows(query, rows)[:]:
            interval = row["MetricInterval"]
            lasted = (round(interval["StartTime"] * 1000), round(interval["EndTime"] * 1000))
            place = tuple(row.get("Dimensions", {}).items()), lasted
            assert place not in answer
            answer[place] = [each.get("Value") for each in row["Collections"]]
        return answer
