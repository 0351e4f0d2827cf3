"""Metrics: GetMetricData and GetMetricDataV2.

What the metrics mean stands in projections; here requests become queries, answers become pages.
"""

from msgspec import to_builtins

from ringfloor.base.time import Instant
from ringfloor.domain.facts import Counted
from ringfloor.domain.resources import Properties
from ringfloor.node.desk import Desk
from ringfloor.operations.context import Context, identifier
from ringfloor.operations.frozen import Answer
from ringfloor.operations.metric_explanations import explain
from ringfloor.operations.metric_pages import page
from ringfloor.operations.registry import Params, Result, operation
from ringfloor.projections import historical_request, metric_data_v2_request
from ringfloor.projections.historical_answer import question_of, question_of_v2
from ringfloor.projections.metric_data_v2_request import WrittenRows


@operation("GetMetricData")
async def get_metric_data(context: Context, params: Params) -> Result:
    """The 25 metrics of the last 24 hours, from the history."""
    desk = context.desk(params.InstanceId)
    home = desk.center.home

    def resolve(value: str) -> str:
        return identifier(home, "queue", value, "Queues")

    query = historical_request.parse(to_builtins(params), context.now, resolve)

    async def answer() -> Answer:
        running, queues = await context.read(lambda: _staff(desk, context.now))
        found = await context.node.analyse(
            desk,
            lambda history: history.answer(desk.instance_id, query, running, queues, context.now),
        )
        question, asked = question_of(desk.instance_id, query)
        rows_of = [row.queue_id or "" for row in found]
        await explain(context, desk, question, asked, rows_of, running, _serving(queues))
        results = historical_request.metric_results(
            query, found, lambda queue_id: home.arn_of("queue", queue_id)
        )
        return Answer(results, context.now)

    rows, _, token = await page(context, params, query.results_max, answer)
    result: Properties = {"MetricResults": rows}
    return result if token is None else {**result, "NextToken": token}


@operation("GetMetricDataV2")
async def get_metric_data_v2(context: Context, params: Params) -> Result:
    """The 169 metrics of the last three months, of which 84 have data, from the history."""
    desk = context.desk(params.ResourceArn)
    home = desk.center.home

    def resolve(kind: str, value: str, key: str) -> str:
        return identifier(home, kind, value, key)

    query = metric_data_v2_request.parse(to_builtins(params), context.now, resolve)

    async def answer() -> Answer:
        running = await context.read(lambda: desk.records.open(context.now))
        found = await context.node.analyse(
            desk, lambda history: history.answer_v2(desk.instance_id, query, running, context.now)
        )
        question, asked = question_of_v2(desk.instance_id, query)
        rows_of = found.of_dimension(query.groupings, "QUEUE")
        await explain(context, desk, question, asked, rows_of, running)
        return Answer(WrittenRows(query, found), context.now, found.size)

    rows, _, token = await page(context, params, query.results_max, answer, desk.instance_id)
    result: Properties = {"MetricResults": rows}
    return result if token is None else {**result, "NextToken": token}


def _serving(queues: dict[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """By queue, the routing profiles that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for profile_id, served in queues.items():
        for queue_id in served:
            found[queue_id] = (*found.get(queue_id, ()), profile_id)
    return found


def _staff(desk: Desk, now: Instant) -> tuple[list[Counted], dict[str, frozenset[str]]]:
    """What still runs, and which queues each routing profile has."""
    queues = {
        profile.id: frozenset(row.queue_id for row in profile.rows)
        for profile in desk.center.profiles.values()
    }
    return desk.records.open(now), queues
