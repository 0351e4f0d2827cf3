"""Historical SQL: from a question to rows of integers, in as few statements as there are facts.

historical_answer puts questions and makes values of what is found. The statements are made from the
definitions of metrics; whatever comes from a request is a parameter.

Rules:
- One scan counts and measures all that is asked of one kind of facts, whatever the metrics' own
  filters. What lies below thresholds is a histogram: one more scan for each thing that is measured.
- Facts that are still open come from the table open_<name>, of the same shape, unless they have
  become final since they were read.
- Stretches of time are cut at the borders of the intervals. Most lie within one, and those are not
  unfolded. What an agent's stretches cover together is what each adds to those before it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from msgspec import Struct

from ringfloor.base.errors import invalid_request
from ringfloor.base.limits import ANSWER_NUMBERS_MAX
from ringfloor.base.time import Duration, Instant
from ringfloor.projections.dimensions import CONSTANT, METRIC_FILTERS, SOURCES, Source
from ringfloor.projections.intervals import number_sql, numbers
from ringfloor.projections.metric_terms import Facts, Metric, aggregates

Ask = Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]
"""A statement and its named parameters to the rows found."""

Key = tuple[Any, ...]
"""The number of the interval, if there are several, and the dimensions in the groupings' order."""


class Condition(Struct, frozen=True):
    """What a dimension must be. values: None: it must not be there. negated: the reverse."""

    key: str
    values: tuple[str | int, ...] | None
    negated: bool = False


class Asked(Struct, frozen=True):
    """A metric with its own filters. below: what counts is less than this, in milliseconds."""

    metric: Metric
    filters: tuple[Condition, ...] = ()
    below: Duration | None = None


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of the facts of an instance.

    marks: where intervals begin, and where the last ends. only: further conditions, by facts.
    open_tables: those of open facts. open_at: when these were read; None: none is final since.
    """

    instance: str
    start: Instant
    end: Instant
    marks: tuple[Instant, ...]
    conditions: tuple[Condition, ...] = ()
    groupings: tuple[str, ...] = ()
    only: Mapping[Facts, str] = {}
    open_tables: frozenset[str] = frozenset()
    open_at: Instant | None = None

    @property
    def is_cut(self) -> bool:
        """Whether there are several intervals, so that rows have numbers of theirs."""
        return len(self.marks) > 2


class Tally(NamedTuple):
    """What was found of one kind of facts; rows without any are not there.

    places: by asked metric, where its aggregates stand in the numbers. below: by asked metric, how
    many lie below its threshold.
    """

    found: Mapping[Key, Sequence[int | None]]
    places: Mapping[int, Sequence[int]]
    below: Mapping[int, Mapping[Key, int]]

    def numbers(self, asked: int, key: Key) -> list[int | None]:
        """What result makes the value of an asked metric of."""
        row = self.found.get(key)
        rest = [] if row is None else [row[place] for place in self.places[asked]]
        return [self.below[asked].get(key), *rest] if asked in self.below else rest

    @property
    def size(self) -> int:
        """How many numbers it holds, dimensions included."""
        size = sum(map(len, self.below.values()))
        for key, row in self.found.items():
            return size + len(self.found) * (len(key) + len(row))
        return size


def tally(
    ask: Ask,
    question: Question,
    facts: Facts,
    asked: Mapping[int, Asked],
    room: int = ANSWER_NUMBERS_MAX,
) -> Tally:
    """All that is asked of one kind of facts; by the asked metrics' numbers.

    room: how many numbers there may be; refuses what makes more.
    """
    statement = Statement(question, facts)
    onlys = {number: statement.all_of(one.filters) for number, one in asked.items()}
    wanted = {number: aggregates(one.metric, onlys[number]) for number, one in asked.items()}
    columns = tuple(
        dict.fromkeys(("count(*)", *(each for some in wanted.values() for each in some)))
    )
    size = len(statement.dimensions)
    width = size + len(columns)
    rows = statement.put(ask, columns, at_most=room // width + 1)
    _fit(question, len(rows) * width, room)
    found = {row[:size]: row[size:] for row in rows if row[size]}
    places = {
        number: tuple(columns.index(column) for column in some) for number, some in wanted.items()
    }
    below: dict[int, Mapping[Key, int]] = {}
    limited = [(n, one) for n, one in asked.items() if one.metric.has_threshold]
    _fit(question, len(found) * (width + len(limited)), room)
    for term, some in groupby(sorted(limited, key=_term), key=_term):
        below |= _below(ask, question, facts, term, dict(some))
    return Tally(found, places, below)


def _fit(question: Question, numbers: int, room: int) -> None:
    """Refuse what would take more memory than one answer may."""
    if numbers > room:
        rule = f"make an answer of more than {ANSWER_NUMBERS_MAX} numbers: ask for less at once"
        raise invalid_request("Groupings", list(question.groupings), rule)


def _term(numbered: tuple[int, Asked]) -> str:
    over = numbered[1].metric.over
    assert over is not None, "a metric with a threshold counts"
    return over.term


def _below(
    ask: Ask,
    question: Question,
    facts: Facts,
    term: str,
    asked: Mapping[int, Asked],
) -> Iterator[tuple[int, Mapping[Key, int]]]:
    """How many lie below each threshold of one term: the sums of a histogram."""
    bounds = sorted({one.below for one in asked.values() if one.below is not None})
    steps = {f"step_{number}": bound for number, bound in enumerate(bounds)}
    whens = " ".join(f"WHEN {term} < ${step} THEN {n}" for n, step in enumerate(steps))
    statement = Statement(question, facts, f"{term} < $step_{len(steps) - 1}")
    statement.bound |= steps
    counts = {
        number: _counted(one.metric, statement.all_of(one.filters)) for number, one in asked.items()
    }
    columns = tuple(dict.fromkeys(counts.values()))
    size = len(statement.dimensions)
    histograms: dict[Key, list[list[int]]] = {}
    for row in statement.put(ask, columns, by=(f"CASE {whens} END",)):
        histogram = histograms.setdefault(row[:size], [[0] * len(bounds) for _ in columns])
        for counts_of, count in zip(histogram, row[size + 1 :], strict=True):
            counts_of[row[size]] = count
    sums = {
        key: [list(accumulate(each)) for each in histogram] for key, histogram in histograms.items()
    }
    for number, one in asked.items():
        assert one.below is not None, "a metric with a threshold has one"
        place, step = columns.index(counts[number]), bounds.index(one.below)
        yield number, {key: each[place][step] for key, each in sums.items()}


def _counted(metric: Metric, only: str) -> str:
    """The count of a metric with a threshold, within a step of the histogram."""
    assert metric.over is not None, "a metric with a threshold counts"
    return metric.over._replace(term="").sql(only)


class Statement:
    """A statement over one kind of facts: its rows' dimensions, its conditions, its parameters."""

    def __init__(self, question: Question, facts: Facts, where: str = "TRUE") -> None:
        self.question = question
        self.source: Source = SOURCES[facts]
        self.bound: dict[str, Any] = {
            "instance": question.instance,
            "start": question.start,
            "end": question.end,
        }
        self._names: dict[tuple[str | int, ...], str] = {}
        grouped = [self.column(key) or "NULL" for key in question.groupings]
        self.dimensions = [*(["k"] if question.is_cut else []), *grouped]
        present = [f"{each} IS NOT NULL" for each in grouped]
        only = question.only.get(facts, "TRUE")
        every = [self.source.where, only, where, self.all_of(question.conditions), *present]
        self.conditions = [each for each in every if each != "TRUE"]

    def column(self, key: str) -> str | None:
        """What a fact has for a key, as SQL; None: no fact has it."""
        return f"'{CONSTANT[key]}'" if key in CONSTANT else self.source.columns.get(key)

    def all_of(self, conditions: Sequence[Condition]) -> str:
        """SQL that is true where all conditions are met."""
        found = [self._met(each) for each in conditions]
        return " AND ".join(each for each in found if each != "TRUE") or "TRUE"

    def _met(self, condition: Condition) -> str:
        column = self.column(METRIC_FILTERS.get(condition.key, condition.key))
        if condition.values is None:
            met = f"{column} IS NULL" if condition.key in self.source.columns else "TRUE"
        elif column is None:
            met = "FALSE"
        else:
            met = f"coalesce(list_contains(${self._name(condition.values)}, {column}), FALSE)"
            met = met if condition.negated else met[len("coalesce(") : -len(", FALSE)")]
        return f"NOT {met}" if condition.negated else met

    def _name(self, values: tuple[str | int, ...]) -> str:
        """The parameter that holds a list of values."""
        if values not in self._names:
            self._names[values] = f"given_{len(self._names)}"
            self.bound[self._names[values]] = list(values)
        return self._names[values]

    def put(
        self,
        ask: Ask,
        columns: tuple[str, ...],
        by: tuple[str, ...] = (),
        at_most: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """Ask for columns by the dimensions and then `by`; any of the rows, if there are more."""
        if self.question.is_cut:
            self.bound |= numbers(self.question.marks)
        dimensions, moment = self.dimensions, self.source.moment
        if moment is None:
            source = f"({self._stretches(columns)})"
        else:
            inside = self._where(f"{moment} >= $start AND {moment} < $end")
            source = f"{self._table()} WHERE {inside}"
            if self.question.is_cut:
                dimensions = [f"{number_sql(self.question.marks, moment)} AS k", *dimensions[1:]]
        chosen = ", ".join((*dimensions, *by, *columns))
        limit = "" if at_most is None else f" LIMIT {at_most}"
        return ask(f"SELECT {chosen} FROM {source} GROUP BY ALL{limit}", self.bound)  # noqa: S608  made of our own names

    def all_time(self, ask: Ask, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Ask for columns over all that is kept, whatever the range and the groupings."""
        return ask(
            f"SELECT {', '.join(columns)} FROM {self._table()} WHERE {self._where('TRUE')}",  # noqa: S608  made of our own names
            self.bound,
        )

    def _stretches(self, columns: tuple[str, ...]) -> str:
        """Stretches cut at the borders, each with its milliseconds."""
        when = "ended_at > $start AND started_at < $end AND ended_at > started_at"
        inside = (
            "SELECT *, greatest(started_at, $start) AS since, least(ended_at, $end) AS until"  # noqa: S608  made of our own names
            f" FROM {self._table()} WHERE {self._where(when)}"
        )
        pieces = self._pieces(inside) if self.question.is_cut else inside
        if not any("covered" in column for column in columns):
            return f"SELECT *, until - since AS ms FROM ({pieces})"  # noqa: S608  made of our own names
        by = ", ".join((*self.dimensions, "agent_id"))
        before = (
            f"max(until) OVER (PARTITION BY {by} ORDER BY since"
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        )
        return (
            "SELECT *, until - since AS ms,"  # noqa: S608  made of our own names
            f" greatest(0, until - greatest(since, {before})) AS covered FROM ({pieces})"
        )

    def _pieces(self, inside: str) -> str:
        marks = self.question.marks
        self.bound["marks"] = list(marks)
        return (
            f"WITH inside AS NOT MATERIALIZED ({inside}), numbered AS NOT MATERIALIZED"  # noqa: S608  made of our own names
            f" (SELECT *, {number_sql(marks, 'since')} AS k,"
            f" {number_sql(marks, '(until - 1)')} AS last FROM inside)"
            " SELECT * FROM numbered WHERE k = last UNION ALL"
            " SELECT * EXCLUDE (n) REPLACE (n AS k, greatest(since, $marks[n + 1]) AS since,"
            " least(until, $marks[n + 2]) AS until) FROM"
            " (SELECT *, unnest(range(k, last + 1)) AS n FROM numbered WHERE k < last)"
        )

    def _where(self, when: str) -> str:
        conditions = ["instance = $instance", when, *self.conditions]
        return " AND ".join(f"({each})" for each in conditions)

    def _table(self) -> str:
        """The table, and with it what is open and has not become final since."""
        table, same = self.source.table, self.source.same
        if table not in self.question.open_tables:
            return table
        was_open = f"SELECT * FROM open_{table} AS was"  # noqa: S608  our own names
        if self.question.open_at is not None:
            self.bound["open_at"] = self.question.open_at
            again = " AND ".join(f"final.{each} IS NOT DISTINCT FROM was.{each}" for each in same)
            was_open += (
                f" WHERE NOT EXISTS (SELECT 1 FROM {table} AS final WHERE"  # noqa: S608  our own names
                f" final.instance = $instance AND final.{self.source.ended} >= $open_at"
                f" AND {again})"
            )
        return f"(SELECT * FROM {table} UNION ALL {was_open})"  # noqa: S608  our own names
