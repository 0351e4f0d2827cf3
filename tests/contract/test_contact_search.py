"""Searches for contacts: what the history finds in SQL is what the predicates hold for."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.base.codec import encode
from ringfloor.base.errors import Refusal
from ringfloor.base.time import DAY
from ringfloor.domain.contact import Contact
from ringfloor.domain.criteria import Criteria, Step
from ringfloor.domain.facts import Leg
from ringfloor.node.history import History
from ringfloor.projections.contact_search import (
    LEVELS,
    NEWEST_FIRST,
    SORTED_BY,
    TIMES,
    Order,
    criteria,
    every,
    searched,
    time_range,
)

START = 1_709_596_800_000
REGION = "eu-central-1"

TEXTS = ("red", "Red shoes", "blue", "shoes")
AGENTS = ("a1", "a2")
GROUPS = {"a1": ["g1", "g2"], "a2": ["g3"]}
INSTANTS = st.integers(START, START + 20)
MAYBE = st.none() | INSTANTS
PAIRS = st.dictionaries(st.sampled_from(("k1", "k2")), st.sampled_from(TEXTS))


def _sought(agents: list[str]) -> Criteria:
    names = ",".join(f'"{each}"' for each in agents)
    return Criteria(
        (
            Step(
                f'{{"AttributeCondition":{{"MatchCriteria":{{"AgentsCriteria":{{"AgentIds":[{names}]}}}}}}}}'
            ),
        )
    )


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    connected_at = draw(MAYBE)
    agents = draw(st.lists(st.sampled_from(AGENTS), unique=True))
    return Contact(
        id=f"c{draw(st.integers(0, 10**9))}",
        channel=draw(st.sampled_from(("VOICE", "CHAT", "TASK"))),
        initiation_method=draw(
            st.sampled_from(("INBOUND", "API", "CALLBACK", "CALLBACK_CUSTOMER_FIRST_QUEUED"))
        ),
        stage="ENDED",
        initiated_at=draw(INSTANTS),
        updated_at=START,
        disconnected_at=draw(INSTANTS),
        enqueued_at=draw(MAYBE),
        scheduled_at=draw(MAYBE),
        expires_at=draw(MAYBE),
        connected_to_agent_at=connected_at,
        agent_id=draw(st.sampled_from(AGENTS)),
        queue_id=draw(st.none() | st.sampled_from(("q1", "q2"))),
        name=draw(st.none() | st.sampled_from(TEXTS)),
        attributes=draw(PAIRS),
        segment_attributes=draw(PAIRS),
        tags=draw(PAIRS),
        criteria=[_sought(agents)] if agents else [],
    )


def shape(**members: Any) -> SimpleNamespace:
    return SimpleNamespace(**members)


def lists(values: tuple[str, ...]) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), max_size=2)


MATCHES = st.sampled_from(("MATCH_ALL", "MATCH_ANY", "MATCH_EXACT", "MATCH_NONE"))


@st.composite
def ranges(draw: st.DrawFn) -> SimpleNamespace:
    start = draw(st.integers(START - 1, START + 20))
    end = draw(st.integers(start + 1, START + 22))
    kind = draw(st.sampled_from(sorted(TIMES)))
    return shape(Type=kind, StartTime=start / 1000, EndTime=end / 1000)


@st.composite
def pairs(draw: st.DrawFn) -> SimpleNamespace:
    given_ = draw(st.lists(st.tuples(st.sampled_from(("k1", "k2")), lists(TEXTS)), max_size=2))
    rows = [shape(Key=key, Values=values or []) for key, values in given_]
    return shape(Criteria=rows, MatchType=draw(st.none() | MATCHES))


TAG = st.builds(
    lambda key, value: shape(TagKey=key, TagValue=value),
    st.sampled_from(("k1", "k2")),
    st.none() | st.sampled_from(TEXTS),
)
LEVEL = lists(("g1", "g2", "g3"))


@st.composite
def asked(draw: st.DrawFn) -> SimpleNamespace:
    """SearchCriteria."""
    more = st.builds(
        lambda range_, missing: shape(
            TimeRange=range_,
            TimestampCondition=None if missing is None else shape(Type=missing),
        ),
        st.none() | ranges(),
        st.none() | st.sampled_from(sorted(TIMES)),
    )
    return shape(
        Name=draw(
            st.none()
            | st.builds(lambda m, t: shape(MatchType=m, SearchText=t), MATCHES, lists(TEXTS))
        ),
        AgentIds=draw(lists(AGENTS)),
        AgentHierarchyGroups=draw(
            st.none()
            | st.builds(
                lambda one, two: shape(L1Ids=one, L2Ids=two, L3Ids=None, L4Ids=None, L5Ids=[]),
                LEVEL,
                LEVEL,
            )
        ),
        Channels=draw(lists(("VOICE", "CHAT"))),
        ContactAnalysis=None,
        InitiationMethods=draw(lists(("INBOUND", "CALLBACK"))),
        QueueIds=draw(lists(("q1", "q2"))),
        RoutingCriteria=draw(
            st.none()
            | st.builds(
                lambda ids, how: shape(
                    Steps=[shape(AgentCriteria=shape(AgentIds=ids, MatchType=how))]
                ),
                lists(AGENTS),
                st.none() | MATCHES,
            )
        ),
        AdditionalTimeRange=draw(
            st.none()
            | st.builds(
                lambda rows, how: shape(Criteria=rows, MatchType=how),
                st.lists(more, max_size=2),
                MATCHES,
            )
        ),
        SearchableContactAttributes=draw(st.none() | pairs()),
        SearchableSegmentAttributes=draw(st.none() | pairs()),
        ActiveRegions=draw(st.sampled_from((None, [], [REGION], ["us-east-1"]))),
        ContactTags=draw(
            st.none()
            | st.builds(
                lambda one, all_, some: shape(
                    TagCondition=one, AndConditions=all_, OrConditions=some
                ),
                st.none() | TAG,
                st.none() | st.lists(TAG, max_size=2),
                st.none() | st.lists(st.lists(TAG, max_size=2), max_size=2),
            )
        ),
        AiAgents=None,
    )


def groups(contact: Contact) -> list[str]:
    return GROUPS[contact.agent_id or ""]


def leg(contact: Contact) -> Leg:
    connected = contact.connected_to_agent_at is not None
    path = dict(zip(LEVELS, groups(contact), strict=False)) if connected else {}
    assert contact.disconnected_at is not None
    return Leg(
        contact_id=contact.id,
        channel=contact.channel,
        initiation_method=contact.initiation_method,
        initiated_at=contact.initiated_at,
        disconnected_at=contact.disconnected_at,
        enqueued_at=contact.enqueued_at,
        connected_to_agent_at=contact.connected_to_agent_at,
        agent_id=contact.agent_id if connected else None,
        **path,
        **searched(contact),
        record=encode(contact),
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(contacts(), max_size=8, unique_by=lambda contact: contact.id),
    ranges(),
    st.none() | asked(),
    st.sampled_from(sorted(SORTED_BY)),
    st.booleans(),
    st.integers(1, 3),
)
def test_history_finds_what_the_predicates_hold_for_page_by_page(
    there: list[Contact],
    range_: SimpleNamespace,
    wanted: SimpleNamespace | None,
    name: str,
    descending: bool,
    size: int,
) -> None:
    history = History.open(None, print)
    history.load("i1", 1, [leg(contact) for contact in there])
    history.load("i2", 1, [leg(contact) for contact in there])  # of another instance
    condition = every([time_range(range_), criteria(wanted, groups, REGION)])
    order = Order(name, descending)
    expected = order.after(None, [each for each in there if condition.holds(each)])

    seen: list[str] = []
    last = None
    while True:
        found = history.search("i1", 0, condition, order, last, size, [])
        assert found.total == len(expected)
        page = order.after(last, [_contact(record) for record in found.records])
        seen += [each.id for each in page]
        if len(page) < size:
            break
        last = order.place(page[-1])
    assert seen == [each.id for each in expected]
    history.close()


def _contact(record: bytes) -> Contact:
    return msgspec.msgpack.decode(record, type=Contact)


def test_what_is_known_from_elsewhere_and_what_is_too_old_is_not_found() -> None:
    history = History.open(None, print)
    one, two, old = (
        Contact(
            id=each,
            channel="VOICE",
            initiation_method="INBOUND",
            stage="ENDED",
            initiated_at=at,
            updated_at=at,
            disconnected_at=at,
        )
        for each, at in (("c1", START), ("c2", START), ("c3", START - DAY))
    )
    history.load("i1", 1, [leg(each) for each in (one, two, old)])
    condition = every([])
    found = history.search("i1", START, condition, NEWEST_FIRST, None, 9, ["c1"])
    assert found.total == 1
    assert [_contact(record).id for record in found.records] == ["c2"]
    history.close()


@pytest.mark.parametrize(
    ("end", "rule"), [(0, "later"), (-5, "later"), (56 * DAY / 1000 + 0.001, "8 weeks")]
)
def test_ranges_are_at_most_eight_weeks_and_not_empty(end: float, rule: str) -> None:
    start = START / 1000
    with pytest.raises(Refusal, match=rule):
        time_range(shape(Type="INITIATION_TIMESTAMP", StartTime=start, EndTime=start + end))
    time_range(shape(Type="INITIATION_TIMESTAMP", StartTime=start, EndTime=start + 56 * DAY / 1000))
