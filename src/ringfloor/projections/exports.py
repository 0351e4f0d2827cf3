"""Exports: which tables leave the house as files, and what their columns are.

One table of columns, from which come the SQL over the facts that history keeps, the types in the
files, and the page of the documentation. Asked by node.history, typed and written by node.tables.

Rules:
- A table lies in time by one instant of its rows; from is included, to is not, so that exports of
  adjacent times have every row once.
- Rows come in the order of that instant, then of an id; a part goes on after the last row of the
  one before.
- Only what is final is exported: contacts whose after contact work is over, stretches of agents'
  time that have ended.
- What was then stands as it was then (ids of agents, profiles, groups); names are those of now.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ringfloor.base.time import Instant

Kind = Literal["text", "timestamp", "duration", "integer", "number", "flag", "json"]

KINDS: Mapping[Kind, str] = {
    "text": "UTF-8",
    "timestamp": "to the millisecond, UTC",
    "duration": "whole milliseconds",
    "integer": "64 bits",
    "number": "64 bits, floating",
    "flag": "true or false",
    "json": "a JSON object of texts, as text",
}
"""What the kinds of columns are."""


class Column(NamedTuple):
    """A column of a file."""

    name: str
    kind: Kind
    doc: str
    sql: str = ""
    """Over the table of facts."""
    named: Literal["", "queue", "user", "routing_profile", "agent_status"] = ""
    """The kind whose present names show, instead of the ids that the SQL tells."""


class Table(NamedTuple):
    """A table of facts that can be exported."""

    name: str
    title: str
    facts: str
    """Where the history keeps them."""
    order: tuple[str, str]
    """The instant by which rows lie in time, and what tells rows of one instant apart."""
    columns: tuple[Column, ...]


Place = tuple[Instant, str]
"""Where a row stands: its instant and its id."""


def _plain(kind: Kind, /, **docs: str) -> list[Column]:
    """Columns that are fields of the facts."""
    return [Column(name, kind, doc, f'"{name}"') for name, doc in docs.items()]


def _json(**docs: str) -> list[Column]:
    columns = docs.items()
    return [Column(name, "json", doc, f"CAST(to_json({name}) AS VARCHAR)") for name, doc in columns]


_STAFF = (
    Column("agent_id", "text", "the agent", "agent_id"),
    Column("agent_name", "text", "his user name now", "agent_id", "user"),
    Column("routing_profile_id", "text", "his routing profile then", "routing_profile_id"),
    Column("routing_profile_name", "text", "its name now", "routing_profile_id", "routing_profile"),
    *(
        Column(f"hierarchy_{level}_id", "text", f"his hierarchy group then, level {level}", sql)
        for level, sql in enumerate(
            ("level_one", "level_two", "level_three", "level_four", "level_five"), 1
        )
    ),
)

CONTACT_RECORDS = Table(
    "contact-records",
    "Contacts that are final, one a row, by when they were initiated.",
    "leg",
    ("initiated_at", "contact_id"),
    (
        *_plain(
            "text",
            contact_id="the contact",
            channel="VOICE, CHAT, TASK or EMAIL",
            subtype="segment attribute connect:Subtype",
            initiation_method="how it began",
            name="of a task, or as UpdateContact has named it",
            initial_contact_id="first of its chain",
            previous_contact_id="the one before in its chain",
            next_contact_id="the one that it has gone over into",
            related_contact_id="the one that it is about",
            association_id="first of its tree",
        ),
        Column("queue_id", "text", "the queue that it was in", "queue_id"),
        Column("queue_name", "text", "its name now", "queue_id", "queue"),
        *_STAFF,
        *_plain(
            "timestamp",
            initiated_at="when it began",
            connected_to_system_at="when the far end answered",
            scheduled_at="for when it was scheduled",
            enqueued_at="when it came into the queue",
            dequeued_at="when it left the queue",
            connected_to_agent_at="when it was joined to the agent",
            first_response_at="the agent's first message",
            transfer_completed_at="when it was transferred",
            disconnected_at="when it ended",
            after_contact_work_ended_at="when the agent was through with it",
        ),
        Column("queue_ms", "duration", "in the queue", "dequeued_at - enqueued_at"),
        *_plain(
            "duration",
            callback_wait_ms="of a customer-first callback: in queue, before it was dialled too",
            interaction_ms="with the agent, without hold and pause",
            hold_ms="on hold",
            longest_hold_ms="the longest hold",
            pause_ms="paused while the agent had it",
            after_contact_work_ms="after contact work",
        ),
        *_plain("integer", holds="how often it was put on hold"),
        *_plain(
            "text",
            disconnect_reason="why it ended",
            pre_disconnect_state="where it was just before",
            routing_step="expression of its last routing step, JSON",
        ),
        *_plain(
            "integer",
            messages="of a chat, this and the next: all messages",
            bot_messages="of bots and flows",
            agent_messages="of the agent",
            agent_characters="in them",
            agent_responses="how often he has answered",
            customer_messages="of the customer",
            customer_characters="in them",
            customer_responses="how often he has answered",
        ),
        *_plain(
            "duration",
            agent_response_ms="of all answers of the agent together",
            customer_response_ms="of all answers of the customer together",
            conversation_close_ms="from the customer's last message to the end",
        ),
        *_plain("flag", conversation_abandoned="by the agent or by the customer"),
        *_json(
            attributes="user attributes",
            segment_attributes="segment attributes that are texts",
            tags="tags",
        ),
    ),
)

AGENT_INTERVALS = Table(
    "agent-intervals",
    "Stretches of agents' time online, each of one kind, by when they began. Offline is no row.",
    "agent_time",
    ("started_at", "agent_id"),
    (
        *_STAFF,
        *_plain(
            "text",
            kind="contact, idle (while Available) or non_productive (in a custom status)",
            status_id="his status",
        ),
        Column("status_name", "text", "its name now", "status_id", "agent_status"),
        *_plain("timestamp", started_at="when it began", ended_at="when it was over"),
        Column("length_ms", "duration", "how long it was", "ended_at - started_at"),
        *_plain("flag", in_error="whether he had a missed or failed contact not yet cleared"),
    ),
)

TABLES: Mapping[str, Table] = {each.name: each for each in (CONTACT_RECORDS, AGENT_INTERVALS)}
"""What can be asked for."""

METRICS = "metrics"
"""What can be asked for, too: the answer of a request of GetMetricDataV2."""


def metric_columns(groupings: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns of metrics, one row a metric of a row of the answer.

    Long, not a column a metric: a metric may be asked for several times with other thresholds and
    filters, and so no column needs a name that is not the API's.
    """
    return (
        Column("interval", "text", "as the answer says: DAY, TOTAL ..."),
        Column("interval_start", "timestamp", "its beginning"),
        Column("interval_end", "timestamp", "its end"),
        *(Column(each.lower(), "text", f"the answer's dimension {each}") for each in groupings),
        Column("metric", "text", "its name"),
        Column("metric_filters", "json", "its filters as asked for, JSON; empty: none"),
        Column("comparison", "text", "of its threshold: LT, LTE"),
        Column("threshold", "number", "in seconds"),
        Column("value", "number", "in the metric's unit; empty: it has none"),
    )


def statement(
    table: Table, instance: str, start: Instant, end: Instant, after: Place | None, at_most: int
) -> tuple[str, list[Any]]:
    """The SQL for the rows of [start, end) that come after a place, and its parameters."""
    at, identifier = (f'"{name}"' for name in table.order)
    columns = ", ".join(f'{each.sql} AS "{each.name}"' for each in table.columns)
    where = f"instance = ? AND {at} >= ? AND {at} < ?"
    parameters: list[Any] = [instance, start, end]
    if after is not None:
        where += f" AND ({at}, {identifier}) > (?, ?)"
        parameters += after
    order = f"ORDER BY {at}, {identifier} LIMIT ?"
    sql = f"SELECT {columns} FROM {table.facts} WHERE {where} {order}"  # noqa: S608  our own names
    return sql, [*parameters, at_most]
