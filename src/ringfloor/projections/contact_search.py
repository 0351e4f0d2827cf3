"""Contact search: what SearchContacts asks for, as conditions on contacts.

A condition is told twice over the same fields: in SQL for the legs that the history keeps, and as a
predicate for contacts that are live. FIELDS is the one place that says where a field is found.

Rules:
- TimeRange is half-open and at most eight weeks long; a contact without that timestamp does not
  lie in it.
- Criteria of a request must all hold; an empty list asks for nothing. Values of one list are
  alternatives.
- MATCH_ALL: each holds; MATCH_ANY, and where none is named: one does; MATCH_NONE: none does.
  MATCH_EXACT of names: the name is one of the texts; of other lists it is MATCH_ALL. Parts of names
  are found whatever their case.
- All attributes that users give can be searched by; AWS's own segment attribute is connect:Subtype.
- Nothing here has been analysed by Contact Lens, handled by an AI agent or moved between Regions:
  criteria on these find nothing, but for the Region of the center itself.

Sources: botocore's SearchContacts shapes and the administrator guide's pages on contact search.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from ringfloor.base.errors import invalid_parameter
from ringfloor.base.limits import CONTACT_SEARCH_MS
from ringfloor.base.time import Instant, from_seconds
from ringfloor.domain.contact import Contact, segment_texts
from ringfloor.domain.criteria import preferred_agents

Groups = Callable[[Contact], Sequence[str]]
"""The hierarchy groups of the agent of a live contact, level one first."""

LEVELS = ("level_one", "level_two", "level_three", "level_four", "level_five")


class Field(NamedTuple):
    """Something that a contact has one of: an SQL expression over leg, and where a contact has it.

    parameters: of the expression.
    """

    sql: str
    of: Callable[[Contact], Any]
    parameters: tuple[str, ...] = ()


class Condition(NamedTuple):
    """What must be true of a contact. parameters: those of the SQL, in order."""

    sql: str
    parameters: tuple[Any, ...]
    holds: Callable[[Contact], bool]


def _handled(value: Callable[[Contact], Any]) -> Callable[[Contact], Any]:
    """Of the agent's side there is something once he is connected."""
    return lambda contact: None if contact.connected_to_agent_at is None else value(contact)


TIMES = {
    "INITIATION_TIMESTAMP": Field("initiated_at", lambda contact: contact.initiated_at),
    "SCHEDULED_TIMESTAMP": Field("scheduled_at", lambda contact: contact.scheduled_at),
    "CONNECTED_TO_AGENT_TIMESTAMP": Field(
        "connected_to_agent_at", lambda contact: contact.connected_to_agent_at
    ),
    "DISCONNECT_TIMESTAMP": Field("disconnected_at", lambda contact: contact.disconnected_at),
    "ENQUEUE_TIMESTAMP": Field("enqueued_at", lambda contact: contact.enqueued_at),
}
"""SearchContactsTimeRangeType to the instant."""

CHANNEL = Field("channel", lambda contact: contact.channel)
METHOD = Field(
    "CASE WHEN initiation_method LIKE 'CALLBACK%' THEN 'CALLBACK' ELSE initiation_method END",
    lambda contact: (
        "CALLBACK"
        if contact.initiation_method.startswith("CALLBACK")
        else contact.initiation_method
    ),
)
AGENT = Field("agent_id", _handled(lambda contact: contact.agent_id))
QUEUE = Field("target_queue_id", lambda contact: contact.queue_id)

SORTED_BY = {
    **{name: field for name, field in TIMES.items() if name != "ENQUEUE_TIMESTAMP"},
    "EXPIRY_TIMESTAMP": Field("expires_at", lambda contact: contact.expires_at),
    "INITIATION_METHOD": METHOD,
    "CHANNEL": CHANNEL,
}
"""SortableFieldName to the value."""


# Conditions


ALWAYS = Condition("TRUE", (), lambda _contact: True)
NEVER = Condition("FALSE", (), lambda _contact: False)


def one_of(field: Field, values: Iterable[str]) -> Condition:
    """The field has one of the values."""
    wanted = list(dict.fromkeys(values))
    return Condition(
        f"list_contains(?, {field.sql})",
        (wanted, *field.parameters),
        lambda contact: field.of(contact) in wanted,
    )


def exists(field: Field) -> Condition:
    """The field has a value."""
    return Condition(
        f"{field.sql} IS NOT NULL",
        field.parameters,
        lambda contact: field.of(contact) is not None,
    )


def within(field: Field, start: Instant, end: Instant) -> Condition:
    """The field lies in [start, end)."""

    def holds(contact: Contact) -> bool:
        at = field.of(contact)
        return at is not None and start <= at < end

    return Condition(
        f"({field.sql} >= ? AND {field.sql} < ?)",
        (*field.parameters, start, *field.parameters, end),
        holds,
    )


def overlap(sql: str, of: Callable[[Contact], Iterable[str]], values: Iterable[str]) -> Condition:
    """A list of the contact has one of the values."""
    wanted = list(dict.fromkeys(values))
    return Condition(
        f"list_has_any({sql}, ?)",
        (wanted,),
        lambda contact: any(each in wanted for each in of(contact)),
    )


def every(parts: Sequence[Condition]) -> Condition:
    """All of them hold."""
    return _joined(" AND ", all, parts) if parts else ALWAYS


def some(parts: Sequence[Condition]) -> Condition:
    """One of them holds."""
    return _joined(" OR ", any, parts) if parts else ALWAYS


def none(parts: Sequence[Condition]) -> Condition:
    """Not one of them holds."""
    one = some(parts)
    return Condition(
        f"NOT coalesce({one.sql}, FALSE)",
        one.parameters,
        lambda contact: not one.holds(contact),
    )


def _joined(
    word: str, of_all: Callable[[Iterable[bool]], bool], parts: Sequence[Condition]
) -> Condition:
    return Condition(
        f"({word.join(part.sql for part in parts)})",
        tuple(parameter for part in parts for parameter in part.parameters),
        lambda contact: of_all(part.holds(contact) for part in parts),
    )


MatchType = Literal["MATCH_ALL", "MATCH_ANY", "MATCH_EXACT", "MATCH_NONE"]


def matching(how: MatchType | None, parts: Sequence[Condition]) -> Condition:
    """Several criteria on one thing."""
    if not parts:
        return ALWAYS
    match how:
        case "MATCH_ALL" | "MATCH_EXACT":
            return every(parts)
        case "MATCH_NONE":
            return none(parts)
        case _:
            return some(parts)


# What a request may ask for


def time_range(given: Any) -> Condition:  # noqa: ANN401  a decoded structure
    """TimeRange; refuses what is empty or longer than eight weeks."""
    start, end = from_seconds(given.StartTime), from_seconds(given.EndTime)
    if end <= start:
        raise invalid_parameter("EndTime", given.EndTime, "must be later than StartTime")
    if end - start > CONTACT_SEARCH_MS:
        raise invalid_parameter("EndTime", given.EndTime, "is more than 8 weeks after StartTime")
    return within(TIMES[given.Type], start, end)


def criteria(given: Any, groups: Groups, region: str) -> Condition:  # noqa: ANN401  a decoded structure
    """SearchCriteria; None asks for nothing."""
    if given is None:
        return ALWAYS
    parts = [
        *_lists(given),
        *_names(given.Name),
        *_hierarchy(given.AgentHierarchyGroups, groups),
        *_steps(given.RoutingCriteria),
        *_more_times(given.AdditionalTimeRange),
        *_pairs(given.SearchableContactAttributes, "attributes", lambda each: each.attributes),
        *_pairs(given.SearchableSegmentAttributes, "segment_attributes", segment_texts),
        *_tags(given.ContactTags),
    ]
    if given.ActiveRegions and region not in given.ActiveRegions:
        parts.append(NEVER)
    analysis, agents = given.ContactAnalysis, given.AiAgents
    if analysis is not None and analysis.Transcript is not None and analysis.Transcript.Criteria:
        parts.append(NEVER)
    if agents is not None and agents.Criteria:
        parts.append(NEVER)
    return every(parts)


def _lists(given: Any) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    for values, field in (
        (given.AgentIds, AGENT),
        (given.Channels, CHANNEL),
        (given.InitiationMethods, METHOD),
        (given.QueueIds, QUEUE),
    ):
        if values:
            yield one_of(field, values)


def _names(given: Any) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    if given is None or not given.SearchText:
        return
    if given.MatchType == "MATCH_EXACT":
        yield one_of(Field("name", lambda contact: contact.name), given.SearchText)
    else:
        yield matching(given.MatchType, [_named(text.lower()) for text in given.SearchText])


def _named(text: str) -> Condition:
    return Condition(
        "contains(lower(name), ?)",
        (text,),
        lambda contact: contact.name is not None and text in contact.name.lower(),
    )


def _hierarchy(given: Any, groups: Groups) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    """Groups of several levels are alternatives, too."""
    if given is None:
        return

    def standing(level: int) -> Callable[[Contact], str | None]:
        def group(contact: Contact) -> str | None:
            path = () if contact.connected_to_agent_at is None else groups(contact)
            return path[level] if level < len(path) else None

        return group

    wanted = (given.L1Ids, given.L2Ids, given.L3Ids, given.L4Ids, given.L5Ids)
    parts = [
        one_of(Field(column, standing(level)), ids)
        for level, (column, ids) in enumerate(zip(LEVELS, wanted, strict=True))
        if ids
    ]
    if parts:
        yield some(parts)


def _steps(given: Any) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    """Contacts that were routed to preferred agents."""
    if given is None or not given.Steps:
        return
    parts = []
    for step in given.Steps:
        wanted = step.AgentCriteria
        if wanted is None or not wanted.AgentIds:
            continue
        each = [overlap("preferred_agents", _preferred, [agent]) for agent in wanted.AgentIds]
        parts.append(matching(wanted.MatchType, each))
    if parts:
        yield some(parts)


def _preferred(contact: Contact) -> Sequence[str]:
    return preferred_agents(contact.criteria)


def _more_times(given: Any) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    if given is None:
        return
    parts = []
    for each in given.Criteria:
        if each.TimeRange is not None:
            parts.append(time_range(each.TimeRange))
        if each.TimestampCondition is not None:  # NOT_EXISTS is the only one there is
            parts.append(none([exists(TIMES[each.TimestampCondition.Type])]))
    yield matching(given.MatchType, parts)


def _pairs(
    given: Any,  # noqa: ANN401  a decoded structure
    column: str,
    of: Callable[[Contact], Any],
) -> Iterable[Condition]:
    """Keys with the values that each may have."""
    if given is None:
        return
    parts = [one_of(_entry(column, of, each.Key), each.Values) for each in given.Criteria]
    yield matching(given.MatchType, parts)


def _entry(column: str, of: Callable[[Contact], Any], key: str) -> Field:
    return Field(f"map_extract_value({column}, ?)", lambda contact: of(contact).get(key), (key,))


def _tags(given: Any) -> Iterable[Condition]:  # noqa: ANN401  a decoded structure
    if given is None:
        return
    if given.TagCondition is not None:
        yield _tag(given.TagCondition)
    if given.AndConditions:
        yield every([_tag(each) for each in given.AndConditions])
    if given.OrConditions:
        yield some([every([_tag(each) for each in row]) for row in given.OrConditions])


def _tag(given: Any) -> Condition:  # noqa: ANN401  a decoded structure
    if given.TagKey is None:
        raise invalid_parameter("TagKey", None, "is needed in a TagCondition")
    field = _entry("tags", lambda contact: contact.tags, given.TagKey)
    return exists(field) if given.TagValue is None else one_of(field, [given.TagValue])


def searched(contact: Contact) -> dict[str, Any]:
    """The columns of a leg that are there for searches alone."""
    return {
        "target_queue_id": contact.queue_id,
        "name": contact.name,
        "scheduled_at": contact.scheduled_at,
        "expires_at": contact.expires_at,
        "attributes": dict(contact.attributes),
        "segment_attributes": segment_texts(contact),
        "tags": dict(contact.tags),
        "preferred_agents": _preferred(contact),
    }


# The order of results


Place = tuple[int | str, str]
"""Where a contact stands in the results: what is sorted by, and its id."""


class Order(NamedTuple):
    """Sort: by a field, then by the contact's id; contacts without the field come last."""

    name: str
    descending: bool

    @property
    def sql(self) -> str:
        """What is sorted by, never NULL."""
        return f"coalesce({SORTED_BY[self.name].sql}, {self._nothing!r})"

    @property
    def _nothing(self) -> int | str:
        if self.name in ("INITIATION_METHOD", "CHANNEL"):
            return ""
        return -1 if self.descending else 1 << 62

    def place(self, contact: Contact) -> Place:
        """The contact's place."""
        value = SORTED_BY[self.name].of(contact)
        return (self._nothing if value is None else value), contact.id

    def after(self, last: Place | None, contacts: Iterable[Contact]) -> list[Contact]:
        """Those that come after a place, in order."""
        by_id = sorted(contacts, key=lambda contact: contact.id)
        ordered = sorted(by_id, key=lambda contact: self.place(contact)[0], reverse=self.descending)
        return [each for each in ordered if last is None or self._follows(self.place(each), last)]

    def _follows(self, place: Place, last: Place) -> bool:
        if place[0] == last[0]:
            return place[1] > last[1]
        later: bool = place[0] > last[0]  # type: ignore[operator]  # both are of one kind
        return later != self.descending

    def page(self, condition: Condition, last: Place | None) -> tuple[str, tuple[Any, ...]]:
        """What follows WHERE for the legs after a place, but for how many, and its parameters."""
        direction, compared = ("DESC", "<") if self.descending else ("ASC", ">")
        where, parameters = condition.sql, condition.parameters
        if last is not None:
            where += f" AND ({self.sql} {compared} ? OR ({self.sql} = ? AND contact_id > ?))"
            parameters += (last[0], *last)
        return f"{where} ORDER BY {self.sql} {direction}, contact_id", parameters


NEWEST_FIRST = Order("INITIATION_TIMESTAMP", descending=True)
"""Where a request names no order."""
