"""Current metrics: which rows there are, in which order, and what stands in them."""

from metric_histories import (
    AVAILABLE,
    BREAK,
    LUNCH,
    Legs,
    clock,
    profile,
    queue,
    status,
    statuses,
    user,
)
from plain_metrics import TEXTS
from ringfloor.domain import events
from ringfloor.domain.criteria import Criteria, Step
from ringfloor.domain.vocabulary import CHANNELS
from ringfloor.projections import meeting
from ringfloor.projections.current_request import metric_results, parse
from ringfloor.projections.current_rows import answer, estimate, newcomers
from ringfloor.projections.realtime import Realtime
from ringfloor.projections.waiting import Waiting, rounded
from ringfloor.waits.estimators import qlm
from ringfloor.waits.order import Class
from ringfloor.waits.views import look

AT = clock("10:00:00")
VOICE_CHAT = {"VOICE": 1, "CHAT": 2}


class Floor:
    """Two queues; profiles "both" (of them), "P only" and "S chat"; agents as they are told."""

    def __init__(self):
        self.realtime, self.waiting, self.legs = Realtime(), Waiting(), Legs()
        self.tell(*statuses(), queue("S"), queue("P"))
        both = [(name, channel) for name in ("S", "P") for channel in ("VOICE", "CHAT")]
        self.tell(profile("both", VOICE_CHAT, both, mixes=CHANNELS))
        self.tell(profile("P only", {"VOICE": 1}, [("P", "VOICE")]))
        self.tell(profile("S chat", {"CHAT": 3}, [("S", "CHAT")]))

    def tell(self, *told, at=AT):
        for event in told:
            self.realtime.on(event, at)
            self.waiting.on(event, at)

    def agent(self, name, of, status_id=AVAILABLE):
        self.tell(user(name, of), status(name, status_id))

    def contact(self, name, queue_id, channel="VOICE", at=AT):
        self.tell(self.legs.begin(name, at, channel), self.legs.enqueue(name, queue_id, at), at=at)

    def talk(self, name, agent, queue_id, channel="VOICE"):
        self.contact(name, queue_id, channel)
        self.tell(self.legs.offer(name, agent, AT), self.legs.connect(name, agent, AT))

    def rows(self, *names, of=("S", "P"), groupings=("QUEUE",), now=AT, **request):
        query = self.query(*names, of=of, groupings=groupings, **request)
        return [
            (*row.dimensions, *row.values)
            for row in answer(self.realtime, self.waits(query, now), query, now)
        ]

    def waits(self, query, now=AT):
        return {
            each: estimate(self.realtime, self.waiting, each, now)
            for each in newcomers(self.realtime, query, now)
        }

    def query(self, *names, of=("S", "P"), groupings=("QUEUE",), filters=None, **request):
        filters = {"Queues": list(of)} if filters is None else filters
        return parse(
            {
                "Filters": filters,
                "CurrentMetrics": [{"Name": name} for name in names or ("AGENTS_ONLINE",)],
                "Groupings": list(groupings),
                **request,
            },
            lambda _kind, identifier: identifier,
        )


# Which rows exist


def test_a_center_where_nothing_happens_has_no_row():
    floor = Floor()
    floor.tell(user("Ann", "both"))
    for groupings in (
        (),
        ("QUEUE",),
        ("CHANNEL",),
        ("QUEUE", "CHANNEL"),
        ("QUEUE", "AGENT_STATUS"),
    ):
        assert floor.rows(groupings=groupings) == []
    assert floor.rows(filters={"RoutingProfiles": ["both"]}, groupings=("ROUTING_PROFILE",)) == []
    assert floor.rows(filters={"Channels": ["VOICE"]}) == []


def test_a_queue_is_active_with_an_agent_online_or_with_any_contact():
    floor = Floor()
    floor.agent("Bob", "P only", BREAK)
    assert floor.rows() == [("P", 1)]
    floor.contact("c", "S")
    assert floor.rows() == [("P", 1), ("S", 0)]


def test_a_scheduled_or_ringing_contact_keeps_its_queue_active():
    floor = Floor()
    floor.tell(floor.legs.begin("c", AT, stage="SCHEDULED"), floor.legs.schedule("c", "S", AT))
    names = ("CONTACTS_SCHEDULED", "CONTACTS_IN_QUEUE")
    assert floor.rows(*names) == [("S", 1, 0)]
    floor.agent("Ann", "P only")
    floor.tell(floor.legs.enqueue("c", "S", AT), floor.legs.offer("c", "Ann", AT))
    assert floor.rows(*names, of=["S"]) == [("S", 0, 0)]


def test_a_contact_with_an_agent_of_another_profile_keeps_its_queue_active():
    floor = Floor()
    floor.agent("Bob", "P only")
    floor.talk("c", "Bob", "S")
    names = ("AGENTS_ONLINE", "SLOTS_ACTIVE", "AGENTS_ON_CONTACT")
    assert floor.rows(*names) == [("P", 1, 0, 1), ("S", 0, 1, 0)]


def test_by_queue_and_channel_a_row_must_be_active_in_its_channel():
    floor = Floor()
    floor.agent("Bob", "P only")
    floor.contact("c", "P", "TASK")
    rows = floor.rows("AGENTS_ONLINE", "CONTACTS_IN_QUEUE", groupings=("QUEUE", "CHANNEL"))
    assert rows == [("P", "VOICE", 1, 0), ("P", "TASK", 0, 1)]
    rows = floor.rows(
        groupings=("CHANNEL",), filters={"Queues": ["S", "P"], "Channels": ["TASK", "EMAIL"]}
    )
    assert rows == [("TASK", 0)]


def test_unknown_queues_and_profiles_contribute_nothing():
    floor = Floor()
    floor.agent("Bob", "P only")
    assert floor.rows(of=["nowhere"]) == []
    assert floor.rows(of=["nowhere", "P"]) == [("P", 1)]
    assert floor.rows(of=["nowhere"], groupings=()) == []
    by_profile = {"groupings": ("ROUTING_PROFILE",)}
    assert floor.rows(filters={"RoutingProfiles": ["none"]}, **by_profile) == []
    rows = floor.rows(filters={"RoutingProfiles": ["none", "P only"]}, **by_profile)
    assert rows == [("P only", 1)]


def test_an_agent_queue_is_an_unknown_queue():
    floor = Floor()
    floor.agent("Bob", "P only")
    floor.contact("c", "Bob")
    assert floor.rows("CONTACTS_IN_QUEUE", of=["Bob"]) == []
    assert floor.rows("CONTACTS_IN_QUEUE", filters={"Channels": ["VOICE"]}) == [("P", 0)]


def test_channels_alone_mean_all_queues():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.contact("c", "P", "TASK")
    assert floor.rows(filters={"Channels": ["CHAT"]}) == [("P", 1), ("S", 1)]
    assert floor.rows(filters={"Channels": ["TASK"]}) == [("P", 0)]
    assert floor.rows(filters={"Channels": ["TASK"]}, groupings=()) == [(0,)]


# What stands in them


def test_an_agent_counts_in_each_queue_of_his_profile_and_once_in_an_ungrouped_row():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.agent("Bob", "P only")
    assert floor.rows() == [("P", 2), ("S", 1)]
    assert floor.rows(groupings=()) == [(2,)]
    names = ("SLOTS_AVAILABLE", "AGENTS_AVAILABLE")
    assert floor.rows(*names) == [("P", 4, 2), ("S", 3, 1)]
    assert floor.rows(*names, groupings=()) == [(4, 2)]
    assert floor.rows(*names, groupings=("CHANNEL",)) == [("VOICE", 2, 2), ("CHAT", 2, 1)]


def test_on_a_contact_means_of_any_queue_but_of_the_rows_channels():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.talk("c", "Ann", "P", "CHAT")
    names = ("AGENTS_ON_CONTACT", "AGENTS_ON_CALL", "AGENTS_AVAILABLE", "SLOTS_ACTIVE")
    assert floor.rows(*names) == [("P", 1, 1, 0, 1), ("S", 1, 1, 0, 0)]
    assert floor.rows(*names, of=["S"], groupings=("QUEUE", "CHANNEL")) == [
        ("S", "CHAT", 1, 1, 0, 0),
        ("S", "VOICE", 0, 0, 0, 0),
    ]
    voice = {"Queues": ["S"], "Channels": ["VOICE"]}
    assert floor.rows(*names, filters=voice) == [("S", 0, 0, 0, 0)]


def test_a_break_with_a_call_is_on_contact_and_non_productive_but_not_staffed():
    floor = Floor()
    floor.agent("Bob", "P only")
    floor.talk("c", "Bob", "P")
    names = ("AGENTS_STAFFED", "AGENTS_ON_CONTACT", "AGENTS_NON_PRODUCTIVE", "SLOTS_AVAILABLE")
    assert floor.rows(*names) == [("P", 1, 1, 0, 0)]
    floor.tell(status("Bob", BREAK))
    assert floor.rows(*names) == [("P", 0, 1, 1, 0)]


def test_thirty_agents_in_custom_statuses_one_of_them_on_a_contact():
    """The documentation's example of consistent numbers."""
    floor = Floor()
    for number in range(30):
        floor.agent(f"agent {number}", "P only", (BREAK, LUNCH)[number % 2])
    floor.talk("c", "agent 7", "P")
    names = (
        "AGENTS_ONLINE",
        "AGENTS_ON_CALL",
        "AGENTS_NON_PRODUCTIVE",
        "AGENTS_AFTER_CONTACT_WORK",
        "AGENTS_ERROR",
        "AGENTS_AVAILABLE",
    )
    assert floor.rows(*names, groupings=()) == [(30, 1, 30, 0, 0, 0)]


def test_a_missed_offer_is_an_error_until_it_is_cleared():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.contact("c", "S", "CHAT")
    floor.tell(floor.legs.offer("c", "Ann", AT), floor.legs.miss("c", "rejected"))
    names = ("AGENTS_ERROR", "AGENTS_AVAILABLE", "SLOTS_AVAILABLE", "AGENTS_ON_CONTACT")
    by_channel = {"of": ["S"], "groupings": ("CHANNEL",)}
    assert floor.rows(*names, **by_channel) == [("CHAT", 1, 0, 0, 0), ("VOICE", 0, 0, 1, 0)]
    floor.tell(*floor.legs.clear("c", "Ann", AT))
    assert floor.rows(*names, **by_channel) == [("CHAT", 0, 1, 2, 0), ("VOICE", 0, 1, 1, 0)]


def test_by_routing_profile_agents_are_its_own_and_contacts_those_of_its_queues():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.agent("Bob", "P only")
    floor.talk("talk", "Bob", "S")
    floor.contact("wait", "P")
    floor.contact("chat", "P", "CHAT", at=AT - 5_000)
    names = ("CONTACTS_IN_QUEUE", "OLDEST_CONTACT_AGE", "SLOTS_ACTIVE", "AGENTS_ON_CONTACT")
    profiles = {"RoutingProfiles": ["both", "P only", "S chat"]}
    rows = floor.rows(*names, filters=profiles, groupings=("ROUTING_PROFILE",))
    assert rows == [("P only", 1, 0, 1, 1), ("both", 2, 5, 0, 0)]
    assert floor.rows(*names, filters=profiles, groupings=()) == [(2, 5_000, 1, 1)]
    queue_filter = {"of": ["P"], "groupings": ("ROUTING_PROFILE",)}
    assert floor.rows(*names[2:], **queue_filter) == [("P only", 0, 1), ("both", 0, 0)]


def test_a_profile_without_queues_has_a_row_for_its_agents():
    floor = Floor()
    floor.tell(profile("outbound", {"VOICE": 1}, []))
    floor.agent("Eve", "outbound")
    request = {"groupings": ("ROUTING_PROFILE",)}
    profiles = {"RoutingProfiles": ["outbound"]}
    names = ("AGENTS_ONLINE", "SLOTS_AVAILABLE")
    assert floor.rows(*names, filters=profiles, **request) == [("outbound", 1, 1)]
    assert floor.rows(*names, filters={**profiles, "Channels": ["VOICE"]}, **request) == [
        ("outbound", 1, 1)
    ]
    assert floor.rows(*names, filters={**profiles, "Channels": ["CHAT"]}, **request) == []
    assert floor.rows(*names, filters=profiles, groupings=("QUEUE",)) == []


def test_by_agent_status_only_those_statuses_that_somebody_online_has():
    floor = Floor()
    for name, status_id in (("a", AVAILABLE), ("b", AVAILABLE), ("c", BREAK), ("d", LUNCH)):
        floor.agent(name, "P only", status_id)
    floor.tell(user("e", "P only"))
    floor.contact("waiting", "S")
    by_status = ("QUEUE", "AGENT_STATUS")
    expected = [("P", AVAILABLE, 2), ("P", BREAK, 1), ("P", LUNCH, 1)]
    assert floor.rows(groupings=by_status) == expected
    some = {"Queues": ["P"], "AgentStatuses": [LUNCH, AVAILABLE, "unknown"]}
    assert floor.rows(groupings=by_status, filters=some) == [expected[0], expected[2]]
    assert floor.rows("AGENTS_ONLINE", "AGENTS_STAFFED", filters=some) == [("P", 3, 2)]


def test_by_subtype_a_row_has_the_contacts_of_it_and_the_agents_of_their_channels():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.agent("Bob", "P only")
    floor.contact("call", "P")
    floor.contact("chat", "P", "CHAT")
    guide = {"segment_attributes": {"connect:Subtype": "connect:Guide"}}
    floor.tell(floor.legs.begin("guide", AT, "CHAT", **guide), floor.legs.enqueue("guide", "P", AT))
    floor.talk("talk", "Bob", "P")
    names = ("AGENTS_ONLINE", "AGENTS_ON_CONTACT", "CONTACTS_IN_QUEUE", "SLOTS_ACTIVE")
    by_subtype = ("QUEUE", "SUBTYPE")
    rows = [
        ("P", "connect:Telephony", 2, 1, 1, 1),
        ("P", "connect:Chat", 1, 0, 1, 0),
        ("P", "connect:Guide", 1, 0, 1, 0),
    ]
    assert floor.rows(*names, groupings=by_subtype) == rows
    some = {"Queues": ["P", "S"], "Subtypes": ["connect:Guide", "connect:SMS"]}
    assert floor.rows(*names, groupings=by_subtype, filters=some) == rows[2:]
    assert floor.rows(*names, filters=some) == [("P", 1, 0, 1, 0)]
    told = {"connect:Subtype": "connect:SMS"}
    floor.tell(events.ContactUpdated("talk", None, None, {}, told))
    assert floor.rows(*names, groupings=by_subtype, filters=some) == [
        ("P", "connect:SMS", 2, 1, 0, 1),
        rows[2],
    ]


def test_no_contact_has_a_validation_test_type():
    floor = Floor()
    floor.contact("call", "P")
    assert floor.rows(groupings=("QUEUE", "VALIDATION_TEST_TYPE")) == []
    assert floor.rows(filters={"Queues": ["P"], "ValidationTestTypes": ["any"]}) == []


# Routing steps

FRENCH, DUTCH, BOTH, OTHERS = TEXTS[0], TEXTS[1], TEXTS[3], TEXTS[4]
BY_STEP = {"groupings": ("ROUTING_STEP_EXPRESSION",)}


def seeking(*texts):
    return {"Queues": ["P"], "RoutingStepExpressions": list(texts)}


def learns(name, **levels):
    rows = [
        {"AttributeName": "language", "AttributeValue": value, "Level": level}
        for value, level in levels.items()
    ]
    return events.ResourceUpdated("user", name, {"Proficiencies": rows})


def a_floor_of_languages():
    """French: Ann 5 and Bob 2; Dutch: Bob 2. Bob is on a call."""
    floor = Floor()
    floor.agent("Ann", "both")
    floor.agent("Bob", "P only")
    floor.tell(learns("Ann", French=5), learns("Bob", French=2, Dutch=2))
    floor.talk("talk", "Bob", "P")
    return floor


def seeks(floor, name, *texts, queue_id="P"):
    floor.contact(name, queue_id)
    floor.tell(events.RoutingCriteriaSet(name, tuple(Step(each) for each in texts)))


def test_by_routing_step_contacts_are_in_it_and_agents_meet_it():
    floor = a_floor_of_languages()
    seeks(floor, "c", FRENCH, DUTCH)
    seeks(floor, "d", DUTCH, queue_id="S")
    floor.contact("anybody", "P")
    names = ("AGENTS_ONLINE", "AGENTS_AVAILABLE", "AGENTS_ON_CONTACT", "CONTACTS_IN_QUEUE")
    asked = {"filters": seeking(FRENCH, DUTCH, OTHERS), **BY_STEP}
    rows = [(DUTCH, 1, 0, 1, 0), (FRENCH, 1, 1, 0, 1)]
    assert floor.rows(*names, **asked) == sorted(rows)
    floor.tell(events.RoutingStepExpired("c"), learns("Bob", French=3))
    assert floor.rows(*names, **asked) == [(FRENCH, 2, 1, 1, 0), (DUTCH, 0, 0, 0, 1)]
    floor.tell(events.RoutingStepExpired("c"))
    assert floor.rows(*names, **asked) == [(FRENCH, 2, 1, 1, 0)]


def test_without_the_filter_there_are_rows_for_the_steps_that_contacts_are_in():
    floor = a_floor_of_languages()
    assert floor.rows(**BY_STEP) == []
    seeks(floor, "c", FRENCH)
    seeks(floor, "d", BOTH, queue_id="S")
    assert floor.rows("CONTACTS_IN_QUEUE", **BY_STEP) == [(FRENCH, 1), (BOTH, 1)]
    both = ("QUEUE", "ROUTING_STEP_EXPRESSION")
    assert floor.rows(groupings=both) == [("P", FRENCH, 1), ("S", BOTH, 0)]


def test_who_rings_keeps_the_row_of_his_step_and_who_talks_is_in_none():
    floor = a_floor_of_languages()
    seeks(floor, "c", FRENCH)
    floor.tell(floor.legs.offer("c", "Ann", AT))
    names = ("CONTACTS_IN_QUEUE", "SLOTS_ACTIVE", "AGENTS_ON_CONTACT")
    assert floor.rows(*names, of=["P"], **BY_STEP) == [(FRENCH, 0, 0, 0)]
    floor.tell(floor.legs.connect("c", "Ann", AT))
    assert floor.rows(*names, of=["P"], **BY_STEP) == []
    assert floor.rows(*names, filters=seeking(FRENCH), **BY_STEP) == [(FRENCH, 0, 0, 1)]


def test_criteria_from_before_the_queue_begin_in_it():
    floor = a_floor_of_languages()
    born = {"criteria": [Criteria((Step(FRENCH),))]}
    floor.tell(floor.legs.begin("c", AT, **born), floor.legs.enqueue("c", "P", AT))
    assert floor.rows("CONTACTS_IN_QUEUE", **BY_STEP) == [(FRENCH, 1)]


def test_in_an_agents_own_queue_no_step_is_active():
    floor = a_floor_of_languages()
    seeks(floor, "c", FRENCH, queue_id="Ann")
    assert floor.rows(filters={"Channels": ["VOICE"]}, **BY_STEP) == []


def test_an_expression_is_looked_up_once_and_kept_up_with_the_agents(monkeypatch):
    floor, looked = a_floor_of_languages(), []
    right = meeting.satisfied
    monkeypatch.setattr(meeting, "satisfied", lambda *args: looked.append(args[1]) or right(*args))
    for number in range(100):
        floor.agent(f"agent {number}", "P only")
    assert looked == []
    for _ in range(3):
        assert floor.rows(filters=seeking(FRENCH), **BY_STEP) == [(FRENCH, 1)]
    assert sorted(looked) == ["Ann", "Bob"]
    floor.tell(status("Ann", BREAK), status("agent 7", BREAK))
    floor.tell(events.ResourceDeleted("user", "agent 9"), user("Eve", "P only"))
    assert sorted(looked) == ["Ann", "Bob"]
    floor.tell(learns("Eve", French=4), status("Eve", AVAILABLE))
    names = ("AGENTS_ONLINE", "AGENTS_STAFFED", "AGENTS_NON_PRODUCTIVE")
    assert floor.rows(*names, filters=seeking(FRENCH), **BY_STEP) == [(FRENCH, 2, 1, 1)]
    assert sorted(looked) == ["Ann", "Bob", "Eve"]
    floor.tell(events.ResourceDeleted("user", "Eve"), learns("Ann"))
    assert floor.rows(*names, filters=seeking(FRENCH), **BY_STEP) == []


def test_an_expression_is_prepared_some_agents_at_a_time(monkeypatch):
    """What happens to agents who have been looked at, and to those who have not, counts."""
    monkeypatch.setattr(meeting, "METRIC_AGENTS_AT_ONCE", 3)
    floor, names = a_floor_of_languages(), ("AGENTS_ONLINE", "AGENTS_STAFFED")
    for number in range(10):
        floor.agent(f"agent {number}", "P only")
        floor.tell(learns(f"agent {number}", French=4), status(f"agent {number}", AVAILABLE))
    whole = floor.rows(*names, filters=seeking(FRENCH), **BY_STEP)
    fresh = floor.realtime = Realtime.load(floor.realtime.dump())
    steps = 0
    while not fresh.prepare(FRENCH):
        steps += 1
        assert list(fresh.meeting.kept()) == []
        floor.tell(status(f"agent {steps}", BREAK), status(f"agent {9 - steps}", BREAK))
        floor.tell(learns(f"agent {steps}", French=5), learns(f"agent {9 - steps}", French=5))
    assert steps == 3
    changed = floor.rows(*names, filters=seeking(FRENCH), **BY_STEP)
    floor.realtime = Realtime.load(fresh.dump())
    assert floor.rows(*names, filters=seeking(FRENCH), **BY_STEP) == changed
    assert changed[0][1:] == (whole[0][1], whole[0][2] - 6)
    fresh.prepare(DUTCH)
    assert fresh.groups(DUTCH) == Realtime.load(fresh.dump()).groups(DUTCH)


def test_the_expression_asked_about_longest_ago_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(meeting, "METRIC_EXPRESSIONS_KEPT_MAX", 2)
    floor = a_floor_of_languages()
    for text in (FRENCH, DUTCH, FRENCH, OTHERS):
        before = floor.rows(filters=seeking(text), **BY_STEP)
        assert [name for name, _ in floor.realtime.meeting.kept()][-1] == text
        assert floor.rows(filters=seeking(text), **BY_STEP) == before
    assert [name for name, _ in floor.realtime.meeting.kept()] == [FRENCH, OTHERS]
    floor.tell(status("Bob", BREAK), learns("Bob", French=3))
    assert floor.rows(filters=seeking(FRENCH), **BY_STEP) == [(FRENCH, 2)]
    assert floor.rows(filters=seeking(DUTCH), **BY_STEP) == []


# Order


def test_rows_stand_by_agents_online_then_queue_id_then_channel():
    floor = Floor()
    floor.agent("Ann", "both")
    floor.agent("Dee", "S chat")
    assert floor.rows(groupings=("CHANNEL", "QUEUE")) == [
        ("CHAT", "S", 2),
        ("CHAT", "P", 1),
        ("VOICE", "P", 1),
        ("VOICE", "S", 1),
    ]


def test_sorting_by_a_metric_that_is_not_asked_for():
    floor = Floor()
    floor.contact("1", "S")
    floor.contact("2", "P")
    floor.contact("3", "P")
    down = {"SortCriteria": [{"SortByMetric": "CONTACTS_IN_QUEUE"}]}
    up = {"SortCriteria": [{"SortByMetric": "CONTACTS_IN_QUEUE", "SortOrder": "ASCENDING"}]}
    assert floor.rows(**down) == [("P", 0), ("S", 0)]
    assert floor.rows(**up) == [("S", 0), ("P", 0)]


def test_three_queues_with_one_agent_each_can_be_cut_into_pages():
    floor = Floor()
    for name in "xyz":
        floor.tell(queue(name), profile(f"p{name}", {"VOICE": 1}, [(name, "VOICE")]))
        floor.agent(f"agent {name}", f"p{name}")
    query = floor.query(of=["z", "y", "x"], MaxResults=2)
    rows = answer(floor.realtime, floor.waits(query), query, AT)
    first, second = rows[: query.results_max], rows[query.results_max :]
    wire = [metric_results(query, page, "{}/{}".format) for page in (first, second)]
    assert len(rows) == 3
    assert [[row["Dimensions"]["Queue"]["Id"] for row in page] for page in wire] == [
        ["x", "y"],
        ["z"],
    ]


# The wire


def test_dimensions_carry_ids_and_arns_and_an_ungrouped_row_has_none():
    floor = Floor()
    floor.agent("Bob", "P only")
    cases = [
        ((), {"Queues": ["P"]}, None),
        (("CHANNEL",), {"Queues": ["P"]}, {"Channel": "VOICE"}),
        (
            ("ROUTING_PROFILE",),
            {"Queues": ["P"]},
            {"RoutingProfile": {"Id": "P only", "Arn": "routing_profile/P only"}},
        ),
        (
            ("QUEUE", "AGENT_STATUS"),
            {"Queues": ["P"]},
            {
                "Queue": {"Id": "P", "Arn": "queue/P"},
                "AgentStatus": {"Id": AVAILABLE, "Arn": f"agent_status/{AVAILABLE}"},
            },
        ),
    ]
    for groupings, filters, dimensions in cases:
        query = floor.query(groupings=groupings, filters=filters)
        rows = answer(floor.realtime, floor.waits(query), query, AT)
        [result] = metric_results(query, rows, "{}/{}".format)
        assert result.get("Dimensions") == dimensions
        assert ("Dimensions" in result) == bool(groupings)


def test_collections_follow_the_request_and_a_missing_value_leaves_an_entry_without_value():
    floor = Floor()
    floor.agent("Bob", "P only", BREAK)
    query = floor.query(
        "ESTIMATED_WAIT_TIME",
        "CONTACTS_IN_QUEUE",
        filters={"Queues": ["P"], "Channels": ["VOICE"]},
        groupings=("QUEUE", "CHANNEL"),
    )
    rows = answer(floor.realtime, floor.waits(query), query, AT)
    [result] = metric_results(query, rows, "{}/{}".format)
    assert result["Collections"] == [
        {"Metric": {"Name": "ESTIMATED_WAIT_TIME", "Unit": "SECONDS"}},
        {"Metric": {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}, "Value": 0.0},
    ]


BY_LINE = {"Queues": ["S", "P"], "Channels": ["VOICE"]}


def expected(floor, line):
    """What the estimator says of who would come into a line now."""
    view = look(floor.waiting.floor, Class(line, 5, 0), AT)
    return float(rounded(qlm(view._replace(room_told=0.0)).p50_s))


def test_the_estimated_wait_of_a_queue_is_that_of_a_new_contact():
    """Behind all who wait, and of those who are there; 0 while an agent is free."""
    floor = Floor()
    floor.agent("Bob", "P only", BREAK)
    request = {"filters": BY_LINE, "groupings": ("QUEUE", "CHANNEL")}
    names = ("ESTIMATED_WAIT_TIME", "CONTACTS_IN_QUEUE")
    assert floor.rows(*names, **request) == [("P", "VOICE", None, 0)]
    floor.tell(status("Bob", AVAILABLE))
    assert floor.rows(*names, **request) == [("P", "VOICE", 0.0, 0)]
    floor.talk("0", "Bob", "P")
    [(*_, alone, _)] = floor.rows(*names, **request)
    floor.contact("1", "P")
    floor.contact("2", "P")
    [(*_, wait, waiting)] = floor.rows(*names, **request)
    assert (wait, waiting) == (expected(floor, "P VOICE"), 2)
    assert 0 < alone < wait


def test_rows_without_a_value_stand_last_in_either_order():
    floor = Floor()
    floor.agent("Bob", "P only")
    floor.contact("1", "S")
    request = {"filters": BY_LINE, "groupings": ("QUEUE", "CHANNEL")}
    for order in ("ASCENDING", "DESCENDING"):
        sort = [{"SortByMetric": "ESTIMATED_WAIT_TIME", "SortOrder": order}]
        rows = floor.rows("ESTIMATED_WAIT_TIME", **request, SortCriteria=sort)
        assert [(row[0], row[2]) for row in rows] == [("P", 0.0), ("S", None)]


def test_the_estimated_wait_of_a_routing_step_is_that_of_a_new_contact_in_it():
    floor = a_floor_of_languages()
    seeks(floor, "waits", FRENCH)
    floor.contact("anybody", "P")
    floor.tell(status("Ann", AVAILABLE))
    asked = {"filters": {**seeking(FRENCH, DUTCH), "Channels": ["VOICE"]}, **BY_STEP}
    names = ("ESTIMATED_WAIT_TIME", "CONTACTS_IN_QUEUE")
    assert {text: wait for text, wait, _ in floor.rows(*names, **asked)} == {
        FRENCH: expected(floor, f"P VOICE {FRENCH}"),
        DUTCH: None,
    }
    floor.tell(status("Ann", BREAK))
    assert floor.rows(*names, **asked)[0] == (DUTCH, None, 0)
    assert floor.rows(*names, **asked)[1] == (FRENCH, None, 1)
