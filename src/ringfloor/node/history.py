"""History: the facts of a center, its transcripts and traces; and the metrics of them all.

The node loads facts in batches from its outbox and answers GetMetricData and DescribeContact (of
ended contacts) from here, all from worker threads. This is the only module that knows DuckDB; facts
become columns in node.tables. What a metric means stands in projections.historical_metrics, what a
request may ask in projections.historical_request, and how rows are made of both in
projections.historical_answer.

Rules:
- The journal is the truth, this store can always be rebuilt from it. Each batch is one transaction
  that also writes the journal sequence it reaches, so a batch is there as a whole or not at all,
  and a batch loaded twice counts once. What load has returned from survives kill -9.
- A file that is damaged, foreign or of another layout is renamed aside at open and a new one is
  begun: last() is then 0 for every instance and the node replays from the start.
- An answer sees one snapshot: no half of a batch, however many loads happen meanwhile.
- One cursor per call, one writer at a time. Results are fetched whole; until then they own the
  cursor, and a second statement on it is an error.
- A new field of a fact is a new layout.
- Amendments and expiries are carried out in their turn among the other facts of a batch.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Self

import duckdb
from msgspec import structs

from ringfloor.base.codec import encode
from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    HISTORY_FILES_ASIDE_MAX,
    HISTORY_LOG_BYTES_MAX,
    HISTORY_MEMORY_BYTES_MAX,
)
from ringfloor.base.time import Instant
from ringfloor.domain.facts import Amendment, Counted, Expiry, Fact
from ringfloor.domain.vocabulary import Channel, InitiationMethod
from ringfloor.node.tables import TABLES, Rows, arrow, contact_key, typed
from ringfloor.projections import exports
from ringfloor.projections.contact_search import Condition, Order, Place, searched
from ringfloor.projections.historical_answer import Open, RowsV2, metric_data, metric_data_v2
from ringfloor.projections.historical_explanation import Missing, Serving, missing
from ringfloor.projections.historical_request import HistoricalQuery, Row
from ringfloor.projections.historical_sql import Ask, Asked, Question
from ringfloor.projections.lives import subtype
from ringfloor.projections.metric_data_v2_request import QueryV2
from ringfloor.projections.records import amended
from ringfloor.projections.report import Plan, Reported, reported

FILE = "history.duckdb"

FETCHED_AT_ONCE = 200
"""Records; while they are handed over no other thread of ours goes on."""

FORMAT = 1
"""To be raised when the meaning of a fact changes; a new field changes the layout by itself."""

LAYOUT: tuple[str, ...] = (
    "CREATE TABLE about (layout VARCHAR)",
    "CREATE TABLE loaded (instance VARCHAR, sequence BIGINT)",
    *(table.ddl() for table in TABLES.values()),
)
LAYOUT_NAME = f"{FORMAT}: {'; '.join(LAYOUT)}"


SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": f"{HISTORY_MEMORY_BYTES_MAX}B",
    "checkpoint_threshold": f"{HISTORY_LOG_BYTES_MAX}B",
    # Nothing but our own file: no other files, no network, no extensions fetched.
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


TreeKey = tuple[Instant, str]
"""When a contact was initiated, and its id."""


class Branch(NamedTuple):
    """A leg as its tree shows it."""

    contact_id: str
    initiated_at: Instant
    disconnected_at: Instant | None
    initial_contact_id: str | None
    previous_contact_id: str | None
    related_contact_id: str | None
    initiation_method: InitiationMethod
    channel: Channel

    @property
    def key(self) -> TreeKey:
        return self.initiated_at, self.contact_id


class Found(NamedTuple):
    """What a search has found: how many in all, and the records of a page of them."""

    total: int
    records: list[bytes]


class History:
    """The store. Made by open; every method may be called from any thread."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._writer = threading.Lock()

    @classmethod
    def open(cls, directory: Path | None, report: Callable[[str], None]) -> Self:
        """The history kept in a directory, or a new one in memory.

        An unusable file is renamed aside and told to report; last() is then 0 for all instances.
        A Fault if the file is in use by another process or the directory cannot be written.
        """
        if directory is None:
            return cls(_opened(":memory:"))
        path = directory / FILE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for each in (path, _log(path)):  # older versions left them open to everybody
                if each.exists():
                    each.chmod(0o600)
            if not path.exists() and _log(path).exists():
                report(f"{path} is missing, its log is kept as {_set_aside(path)}; rebuilding")
            try:
                return cls(_opened(str(path)))
            except (duckdb.Error, _ForeignLayout) as error:
                if "Could not set lock" in str(error):
                    raise Fault(f"{path} is in use by another process: {error}") from error
                aside = _set_aside(path)
                report(f"{path} is unusable ({error}), kept as {aside}; rebuilding from journal")
                return cls(_opened(str(path)))
        except (OSError, duckdb.Error) as error:
            raise Fault(f"no history can be kept in {directory}: {error}") from error

    def close(self) -> None:
        with self._writer:
            self._database.close()

    def last(self, instance: str) -> int:
        """The last journal sequence loaded for an instance, 0 if none."""
        with self._cursor() as cursor:
            return _last(cursor, instance)

    def load(self, instance: str, sequence: int, facts: Sequence[Fact]) -> None:
        """Keep the facts of the journal up to sequence; ignored if that much is there already."""
        with self._writer, self._cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            last = _last(cursor, instance)
            if sequence <= last:
                return
            for deed, run in groupby(facts, lambda fact: DEEDS.get(type(fact), _insert)):
                deed(cursor, instance, list(run))
            if last:
                cursor.execute(
                    "UPDATE loaded SET sequence = $sequence WHERE instance = $instance",
                    {"instance": instance, "sequence": sequence},
                )
            else:
                cursor.execute("INSERT INTO loaded VALUES (?, ?)", [instance, sequence])
            cursor.execute("COMMIT")

    def forget(self, instance: str) -> None:
        """Remove all that is kept of an instance; last() is 0 again."""
        with self._writer, self._cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            for name in ("loaded", *(table.name for table in TABLES.values())):
                cursor.execute(f"DELETE FROM {name} WHERE instance = ?", [instance])  # noqa: S608  our own names
            cursor.execute("COMMIT")

    def leg(self, instance: str, contact_id: str) -> bytes | None:
        """The record of an ended contact. See CONTACT_KEY for what this costs."""
        with self._cursor() as cursor:
            return _record(cursor, instance, contact_id)

    def trace(self, instance: str, contact_id: str) -> bytes | None:
        """What an ended contact has been through in its flows; None: in none, or not kept."""
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT steps, contact_id, instance FROM trace WHERE contact_key = ?",
                [contact_key(contact_id)],
            ).fetchall()
        mine = (steps for steps, *whose in found if whose == [contact_id, instance])
        return next(mine, None)

    def transcripts(self, instance: str, chat_ids: Sequence[str]) -> dict[str, bytes]:
        """The transcripts of those of these chats that have ended, by the chat's id."""
        keys = [contact_key(each) for each in chat_ids]
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT contact_id, session, instance FROM transcript"
                " WHERE list_contains(?, contact_key)",
                [keys],
            ).fetchall()
        wanted = set(chat_ids)
        return {
            chat_id: session
            for chat_id, session, whose in found
            if whose == instance and chat_id in wanted
        }

    def tree(
        self, instance: str, association_id: str, since: Instant, after: TreeKey, at_most: int
    ) -> list[Branch]:
        """Legs of one tree that were initiated at since or later, by their keys, from after on."""
        with self._cursor() as cursor:
            found = cursor.execute(
                f"SELECT {', '.join(Branch._fields)} FROM leg"  # noqa: S608  our own names
                " WHERE association_id = ? AND instance = ? AND initiated_at >= ?"
                " AND (initiated_at, contact_id) > (?, ?)"
                " ORDER BY initiated_at, contact_id LIMIT ?",
                [association_id, instance, since, *after, at_most],
            ).fetchall()
        return [Branch(*row) for row in found]

    def search(
        self,
        instance: str,
        since: Instant,
        condition: Condition,
        order: Order,
        after: Place | None,
        at_most: int,
        without: Sequence[str],
    ) -> Found:
        """Legs initiated at since or later that meet a condition, from after on, in order.

        without: contacts that are known from elsewhere, and count there.
        """
        page, bound = order.page(condition, after)
        mine = "instance = ? AND initiated_at >= ?"
        fixed: list[Any] = [instance, since]
        if without:
            mine += " AND contact_id NOT IN (SELECT unnest(?::VARCHAR[]))"
            fixed.append(list(without))
        with self._cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")  # one snapshot for both statements
            counted = cursor.execute(
                f"SELECT count(*) FROM leg WHERE {mine} AND {condition.sql}",  # noqa: S608  our own names
                [*fixed, *condition.parameters],
            ).fetchall()
            records = cursor.execute(
                f"SELECT record FROM leg WHERE {mine} AND {page} LIMIT ?",  # noqa: S608  our own names
                [*fixed, *bound, at_most],
            ).fetchall()
        return Found(counted[0][0], [record for (record,) in records])

    def waited(self, instance: str, at_most: int, bytes_max: int) -> list[bytes]:
        """The records of the last contacts that were in queue and have left it, the last first.

        Fetched a few at a time, for meanwhile the server stands still; no more once they are
        bytes_max together.
        """
        records: list[bytes] = []
        size = 0
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT record FROM leg WHERE instance = ?"
                " AND enqueued_at IS NOT NULL AND dequeued_at IS NOT NULL"
                " ORDER BY enqueued_at DESC LIMIT ?",
                [instance, at_most],
            )
            while size < bytes_max and (some := cursor.fetchmany(FETCHED_AT_ONCE)):
                records += [record for (record,) in some]
                size += sum(len(record) for (record,) in some)
        return records

    def waits(self, instance: str) -> int:
        """How many contacts have waited in queue and been answered."""
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT count(*) FROM leg WHERE instance = ? AND dequeued_at > enqueued_at"
                " AND connected_to_agent_at IS NOT NULL",
                [instance],
            ).fetchall()
        return int(found[0][0])

    def rows(
        self,
        instance: str,
        table: exports.Table,
        start: Instant,
        end: Instant,
        after: exports.Place | None,
        at_most: int,
    ) -> Rows:
        """The rows of a table that lie in [start, end), in order, from after on."""
        sql, parameters = exports.statement(table, instance, start, end, after, at_most)
        with self._cursor() as cursor:
            return typed(cursor.sql(sql, params=parameters).to_arrow_table(), table.columns)

    def known(self, instance: str, contact_ids: Sequence[str]) -> set[str]:
        """Those of these contacts that have a leg."""
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT contact_id FROM leg WHERE instance = ?"
                " AND contact_key IN (SELECT unnest(?::UINTEGER[]))",
                [instance, [contact_key(each) for each in contact_ids]],
            ).fetchall()
        return {contact_id for (contact_id,) in found}.intersection(contact_ids)

    def answer(
        self,
        instance: str,
        query: HistoricalQuery,
        open_facts: Sequence[Counted],
        queues_by_profile: Mapping[str, frozenset[str]],
        open_at: Instant | None = None,
    ) -> list[Row]:
        """The rows of a request of GetMetricData, ordered by their dimensions.

        open_facts: what still runs, ended_at = now. open_at: when they were read; those that have
        become final since are not counted twice. queues_by_profile: which queues the agents of a
        routing profile serve; a profile that is not named serves none.
        """
        with self._asking(instance, open_facts) as (ask, tables):
            return metric_data(ask, instance, query, queues_by_profile, Open(tables, open_at))

    def answer_v2(
        self,
        instance: str,
        query: QueryV2,
        open_facts: Sequence[Counted],
        open_at: Instant | None = None,
    ) -> RowsV2:
        """The rows of a request of GetMetricDataV2, by interval and dimensions. See answer."""
        with self._asking(instance, open_facts) as (ask, tables):
            return metric_data_v2(ask, instance, query, Open(tables, open_at))

    def explain(
        self,
        question: Question,
        asked: Sequence[Asked],
        queue_ids: Sequence[str] | None,
        open_facts: Sequence[Counted] = (),
        serving: Serving | None = None,
    ) -> list[Missing]:
        """Why these queues have no row in an answer; None: why it has none at all. See answer.

        serving: of GetMetricData, which queues are served by which routing profiles.
        """
        with self._asking(question.instance, open_facts) as (ask, tables):
            question = structs.replace(question, open_tables=tables)
            return missing(ask, question, asked, queue_ids, serving)

    def report(
        self,
        instance: str,
        plan: Plan,
        names: Mapping[str, str],
        open_facts: Sequence[Counted],
        open_at: Instant,
    ) -> Reported:
        """What a report shows besides metrics. names: of agents, by id. See answer."""
        with self._asking(instance, open_facts) as (ask, tables):
            return reported(ask, instance, plan, names, tables, open_at)

    @contextmanager
    def _asking(
        self, instance: str, open_facts: Sequence[Counted]
    ) -> Iterator[tuple[Ask, frozenset[str]]]:
        """A way to ask within one snapshot, and the tables of which there are open facts."""
        with self._cursor() as cursor:
            tables = frozenset(_register_open(cursor, instance, open_facts))
            cursor.execute("BEGIN TRANSACTION")  # one snapshot for all statements

            def ask(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
                return cursor.execute(statement, parameters).fetchall()

            yield ask, tables

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._database.cursor()
            try:
                yield cursor
            finally:
                cursor.close()  # what was begun and not committed is rolled back
        except duckdb.Error as error:
            raise Fault(
                f"the history cannot be used: {error}. If its file is damaged, stop, move "
                f"{FILE} away and start again: it is rebuilt from the journal"
            ) from error


class _ForeignLayout(Exception):
    """The file is DuckDB's, but its tables are not ours, or not of this version."""


def _insert(cursor: duckdb.DuckDBPyConnection, instance: str, facts: Sequence[Fact]) -> None:
    for kind, some in _by_kind(facts).items():
        table = TABLES[kind]
        cursor.register("batch", arrow(table, instance, some))
        cursor.execute(f"INSERT INTO {table.name} SELECT * FROM batch")  # noqa: S608  our own names
        cursor.unregister("batch")


def _by_kind(facts: Sequence[Fact]) -> dict[type[Fact], list[Fact]]:
    by_kind: dict[type[Fact], list[Fact]] = {}
    for fact in facts:
        by_kind.setdefault(type(fact), []).append(fact)
    return by_kind


def _register_open(
    cursor: duckdb.DuckDBPyConnection, instance: str, facts: Sequence[Counted]
) -> Iterator[str]:
    """Let statements of this cursor see open facts, as tables of the shape of the final ones."""
    for kind, some in _by_kind(facts).items():
        table = TABLES[kind]
        cursor.register(f"open_{table.name}", arrow(table, instance, some))
        yield table.name


def _amend(cursor: duckdb.DuckDBPyConnection, instance: str, facts: Sequence[Amendment]) -> None:
    for fact in facts:
        contact_id = fact.change.contact_id
        record = _record(cursor, instance, contact_id)
        if record is not None:  # else it has expired meanwhile
            contact = amended(record, fact)
            columns = {
                "record": encode(contact),
                "subtype": subtype(contact),
                **searched(contact),
            }
            cursor.execute(
                f"UPDATE leg SET {', '.join(f'{name} = ?' for name in columns)}"  # noqa: S608  our own names
                " WHERE contact_key = ? AND contact_id = ? AND instance = ?",
                [*columns.values(), contact_key(contact_id), contact_id, instance],
            )


def _expire(cursor: duckdb.DuckDBPyConnection, instance: str, facts: Sequence[Expiry]) -> None:
    before = max(
        fact.before for fact in facts
    )  # they follow each other: what one leaves, this ends
    for table in TABLES.values():
        cursor.execute(
            f'DELETE FROM {table.name} WHERE instance = ? AND "{table.since}" < ?',  # noqa: S608  our own names
            [instance, before],
        )


DEEDS: dict[type[Fact], Callable[[duckdb.DuckDBPyConnection, str, Sequence[Any]], None]] = {
    Amendment: _amend,
    Expiry: _expire,
}
"""What facts do that are not kept as rows."""


def _record(cursor: duckdb.DuckDBPyConnection, instance: str, contact_id: str) -> bytes | None:
    found = cursor.execute(
        "SELECT record, contact_id, instance FROM leg WHERE contact_key = ?",
        [contact_key(contact_id)],
    ).fetchall()
    mine = (record for record, *whose in found if whose == [contact_id, instance])
    return next(mine, None)


def _last(cursor: duckdb.DuckDBPyConnection, instance: str) -> int:
    found = cursor.execute("SELECT sequence FROM loaded WHERE instance = ?", [instance]).fetchall()
    return found[0][0] if found else 0


def _opened(path: str) -> duckdb.DuckDBPyConnection:
    """A database with our tables in it; _ForeignLayout if it has others."""
    memory = {"temp_directory": ""} if path == ":memory:" else {}
    database = duckdb.connect(path, config=SETTINGS | memory)
    try:
        tables = {name for (name,) in database.execute("SHOW TABLES").fetchall()}
        if not tables:
            database.execute("BEGIN TRANSACTION")
            for statement in LAYOUT:
                database.execute(statement)
            database.execute("INSERT INTO about VALUES (?)", [LAYOUT_NAME])
            database.execute("COMMIT")
        else:
            _check_layout(database, tables)
    except BaseException:
        database.close()
        raise
    return database


def _check_layout(database: duckdb.DuckDBPyConnection, tables: set[str]) -> None:
    if "about" in tables:
        found = database.execute("SELECT layout FROM about").fetchall()
        if found == [(LAYOUT_NAME,)]:
            database.execute("SELECT max(sequence) FROM loaded").fetchall()  # readable at all
            return
    raise _ForeignLayout("its tables are not those of this version")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _set_aside(path: Path) -> Path:
    """Rename the file and its log, if they are there; the name that the file has now."""
    for number in range(1, HISTORY_FILES_ASIDE_MAX + 1):
        aside = path.with_name(f"{path.name}.aside-{number}")
        if not aside.exists() and not _log(aside).exists():
            for old, new in ((path, aside), (_log(path), _log(aside))):
                if old.exists():
                    old.rename(new)
            return aside
    raise Fault(
        f"{path.parent} holds {HISTORY_FILES_ASIDE_MAX} histories set aside: look at the disk, "
        f"then remove them"
    )
