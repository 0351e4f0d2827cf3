"""Metric pages: one page of an answer that was kept as it was when its first page was asked for."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from ringfloor.aws.tokens import Cursor
from ringfloor.operations.context import Context
from ringfloor.operations.frozen import Answer
from ringfloor.operations.registry import Params


class Page(NamedTuple):
    """rows: of this page; whole: the answer that it is of; token: of the next page, if any."""

    rows: Sequence[dict[str, Any]]
    whole: Answer
    token: str | None


async def page(
    context: Context,
    params: Params,
    size: int,
    answer: Callable[[], Awaitable[Answer]],
    instance: str | None = None,
) -> Page:
    """The page that the request's NextToken names; without one the first of a new answer.

    instance: whose token it is, if the request has no InstanceId.
    """
    pages, frozen = context.service.pages, context.service.frozen
    instance = instance or params.InstanceId
    cursor = pages.cursor(context.operation, instance, params, context.now)
    if cursor is None:
        whole, start, name = await answer(), 0, ""
    else:
        whole = frozen.find(cursor.snapshot, context.now)
        start, name = cursor.offset, cursor.snapshot
    end = start + size
    token = None
    if end < len(whole.rows):
        name = name or frozen.keep(whole, context.now)
        token = pages.next_token(
            context.operation, instance, params, Cursor(offset=end, snapshot=name), context.now
        )
    return Page(whole.rows[start:end], whole, token)
