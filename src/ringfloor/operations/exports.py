"""Exports: a part of a table of the history as a file, with the names of now.

Called by server.exports. AWS has no operation for it. What is heavy runs beside the floor; of the
floor only the names are asked that the part shows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringfloor.base.limits import EXPORT_ROWS_MAX
from ringfloor.base.time import Instant
from ringfloor.node import tables
from ringfloor.node.desk import Desk
from ringfloor.node.tables import Format, Rows
from ringfloor.operations.context import Context
from ringfloor.projections.exports import Column, Place, Table


class Span(NamedTuple):
    """What is asked for: rows of [start, end), from after a place on."""

    start: Instant
    end: Instant
    after: Place | None = None
    at_most: int = EXPORT_ROWS_MAX


class Part(NamedTuple):
    """A file, and after which row the next part begins; None: there is no more."""

    body: bytes
    next: Place | None


async def part(context: Context, desk: Desk, table: Table, span: Span, form: Format) -> Part:
    """The rows of a table, as many as fit into one part."""
    node = context.node
    rows = await node.analyse(desk, lambda history: history.rows(desk.instance_id, table, *span))
    named = [column for column in table.columns if column.named]
    ids = {column: tables.texts(rows, column.name) for column in named}
    names = await context.read(
        lambda: {column: _names(desk, column, ids[column]) for column in named}
    )
    body = await node.analyse(desk, lambda _: _file(rows, names, form))
    at, identifier = table.order
    is_full = tables.count(rows) == span.at_most
    last = tables.last(rows, [at, identifier]) if is_full else None
    return Part(body, None if last is None else (last[0], last[1]))


def _names(desk: Desk, column: Column, ids: frozenset[str]) -> dict[str, str]:
    """The present names; what has been deleted has none."""
    known = desk.center.resources[column.named]
    return {each: known[each].name for each in ids if each in known}


def _file(rows: Rows, names: Mapping[Column, Mapping[str, str]], form: Format) -> bytes:
    for column, told in names.items():
        rows = tables.renamed(rows, column.name, told)
    return tables.encoded(rows, form)
