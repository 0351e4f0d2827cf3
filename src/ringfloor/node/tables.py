"""Tables: facts as columns, and columns as files. The only module that knows Arrow and Parquet.

Called by node.history, which keeps facts in tables of these columns; by operations.exports, which
sends tables as files; and by the command that writes them to the disk.

Rules:
- Columns of a table of facts are the fields of domain.facts in their order.
- CSV is UTF-8 with one line of names. Texts stand in quotes; an empty cell without them is no
  value. A text that a spreadsheet could take for a formula has an apostrophe before it.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType, UnionType
from typing import Any, Literal, NamedTuple, Self, get_args, get_origin
from zlib import crc32

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from ringfloor.base.errors import Fault
from ringfloor.domain.facts import (
    AgentTime,
    BotConversation,
    Fact,
    FlowRun,
    HandTime,
    Leg,
    Occurrence,
    Offer,
    StepEntry,
    Trace,
    Transcript,
)
from ringfloor.projections.exports import Column, Kind
from ringfloor.projections.records import SINCE

# Tables of facts


class FactTable(NamedTuple):
    """Where one kind of fact is kept; columns are (name, SQL type, Arrow type)."""

    name: str
    since: str
    """The column that says how old a row is."""
    columns: tuple[tuple[str, str, pa.DataType], ...]

    def ddl(self) -> str:
        columns = ", ".join(f'"{name}" {sql}' for name, sql, _ in self.columns)
        return f"CREATE TABLE {self.name} ({columns})"


def _column(name: str, annotation: Any) -> tuple[str, str, pa.DataType]:  # noqa: ANN401  a type expression
    shapes = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if bool in shapes:
        return name, "BOOLEAN", pa.bool_()
    if get_origin(annotation) is dict:
        return name, "MAP(VARCHAR, VARCHAR)", pa.map_(pa.string(), pa.string())
    if get_origin(annotation) is tuple:
        return name, "VARCHAR[]", pa.list_(pa.string())
    if int in shapes:
        return name, "BIGINT", pa.int64()
    if bytes in shapes:
        return name, "BLOB", pa.binary()
    return name, "VARCHAR", pa.string()


def _table(
    name: str, fact: type[Fact], since: str, *derived: tuple[str, str, pa.DataType]
) -> FactTable:
    fields = (_column(field.name, field.type) for field in msgspec.structs.fields(fact))
    return FactTable(name, since, (_column("instance", str), *derived, *fields))


# A contact is found by a scan over the checksums of the ids, 4 bytes each: 2-3 ms in a million
# legs, against 15-20 ms over the ids themselves; any further condition in the SQL costs as much
# again. An index would take 1 ms at any size, but also a quarter of the load rate, 180 MB per
# million legs, and part of the trust in recovery after kill -9.
CONTACT_KEY = ("contact_key", "UINTEGER", pa.uint32())

TABLES: dict[type[Fact], FactTable] = {
    Leg: _table("leg", Leg, SINCE[Leg], CONTACT_KEY),
    Offer: _table("offer", Offer, SINCE[Offer]),
    Occurrence: _table("occurrence", Occurrence, SINCE[Occurrence]),
    AgentTime: _table("agent_time", AgentTime, SINCE[AgentTime]),
    HandTime: _table("hand_time", HandTime, SINCE[HandTime]),
    StepEntry: _table("step_entry", StepEntry, SINCE[StepEntry]),
    FlowRun: _table("flow_run", FlowRun, SINCE[FlowRun]),
    BotConversation: _table("bot_conversation", BotConversation, SINCE[BotConversation]),
    Transcript: _table("transcript", Transcript, "started_at", CONTACT_KEY),
    Trace: _table("trace", Trace, "initiated_at", CONTACT_KEY),
}


def contact_key(contact_id: str) -> int:
    return crc32(contact_id.encode())


def arrow(table: FactTable, instance: str, facts: Sequence[Fact]) -> pa.Table:
    """Facts of one kind as columns."""
    rows = [msgspec.structs.astuple(fact) for fact in facts]
    own: list[Sequence[Any]] = [[instance] * len(rows)]
    if CONTACT_KEY in table.columns:
        keyed = (fact for fact in facts if isinstance(fact, Leg | Transcript | Trace))
        own.append([contact_key(fact.contact_id) for fact in keyed])
    columns = [*own, *zip(*rows, strict=True)]
    return pa.table(
        {
            name: pa.array(values, shape)
            for (name, _, shape), values in zip(table.columns, columns, strict=True)
        }
    )


# Tables that leave the house

Rows = pa.Table
"""Columns as projections.exports names them."""

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

SHAPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "timestamp": pa.timestamp("ms", "UTC"),
    "duration": pa.int64(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "json": pa.string(),
}


def typed(rows: Rows, columns: Sequence[Column]) -> Rows:
    """Rows as SQL has told them, in the types of their columns."""
    return rows.cast(pa.schema([(each.name, SHAPES[each.kind]) for each in columns]))


def made(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Rows:
    """A table of rows of values."""
    schema = pa.schema([(each.name, SHAPES[each.kind]) for each in columns])
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array(list(some), each.type) for some, each in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def texts(rows: Rows, column: str) -> frozenset[str]:
    """The different texts of a column."""
    return frozenset(each for each in pc.unique(rows[column]).to_pylist() if each is not None)


def renamed(rows: Rows, column: str, names: Mapping[str, str]) -> Rows:
    """The column with names instead of ids; what has no name has none."""
    told = pa.array([names.get(each or "") for each in rows[column].to_pylist()], pa.string())
    return rows.set_column(rows.schema.get_field_index(column), column, told)


def count(rows: Rows) -> int:
    return int(rows.num_rows)


def last(rows: Rows, columns: Sequence[str]) -> tuple[Any, ...]:
    """What these columns say in the last row; instants as our own."""
    cells = [rows[each][-1] for each in columns]
    return tuple(each.value if pa.types.is_timestamp(each.type) else each.as_py() for each in cells)


def encoded(rows: Rows, form: Format) -> bytes:
    """The rows as a file."""
    file = io.BytesIO()
    with _Sink.of[form](file, rows.schema) as sink:
        sink.write(rows)
    return file.getvalue()


def decoded(part: bytes) -> Rows:
    """The rows of a Parquet file; raises Fault."""
    try:
        return pq.read_table(io.BytesIO(part))
    except (pa.ArrowException, OSError) as error:
        raise Fault(f"the server's answer is no Parquet file: {error}") from error


# A cell that begins so is run by spreadsheets. Apostrophes are counted in so that whoever takes one
# away where this pattern holds has the text again as it was.
_FORMULA = "^('*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20])"
_SAFE = re.compile(_FORMULA.replace("'*", "'+"))


def _safe(rows: Rows) -> Rows:
    """Texts that no spreadsheet takes for formulas."""
    for number, field in enumerate(rows.schema):
        if field.type == pa.string():
            safe = pc.replace_substring_regex(rows.column(number), _FORMULA, r"'\1")
            rows = rows.set_column(number, field, safe)
    return rows


def unquoted(cell: str) -> str:
    """A text of one of our CSV files as it was."""
    return cell[1:] if _SAFE.match(cell) else cell


class _Sink:
    """A file that is being written, a table at a time."""

    of: Mapping[Format, "Callable[[Any, pa.Schema], _Sink]"]

    def __init__(self, write: Callable[[Rows], object], close: Callable[[], object]) -> None:
        self.write, self._close = write, close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()


def _parquet(file: Any, schema: pa.Schema) -> _Sink:  # noqa: ANN401  a file
    writer = pq.ParquetWriter(file, schema, compression="zstd")
    return _Sink(writer.write_table, writer.close)


def _csv(file: Any, schema: pa.Schema) -> _Sink:  # noqa: ANN401  a file
    writer = pc_csv.CSVWriter(file, schema)
    return _Sink(lambda rows: writer.write(_safe(rows)), writer.close)


_Sink.of = {"parquet": _parquet, "csv": _csv}


def write(path: Path, form: Format, parts: Iterable[Rows]) -> int:
    """Write one file of parts of the same columns, at least one; how many rows it has.

    It appears under its name when it is complete. Raises Fault if it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.part")
    rows = 0
    sink: _Sink | None = None
    try:
        with unfinished.open("wb") as file, ExitStack() as closing:
            for part in parts:
                if sink is None:
                    sink = closing.enter_context(_Sink.of[form](file, part.schema))
                sink.write(part)
                rows += part.num_rows
            assert sink is not None, "a table has columns"
        unfinished.replace(path)
    except OSError as error:
        raise Fault(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return rows
