"""Parts of what if: what a day tells of what it did not show, changes as a file, intervals."""

from math import exp, log
from random import Random

import pytest
from msgspec.structs import replace

from days import changed, recorded
from ringfloor.base.errors import Fault
from ringfloor.base.time import HOUR, MINUTE, SECOND
from ringfloor.domain import commands
from ringfloor.simulator.recorded import changes
from ringfloor.simulator.recorded.comparison import _difference, _percentile
from ringfloor.simulator.recorded.day import Offer, Service, Turn
from ringfloor.simulator.recorded.observed import ENOUGH, Observed, Patience, Wait
from ringfloor.simulator.recorded.replay import UNCHANGED
from scenarios import START, scenario

# Patience


def waits(patience: float, answered_after: float, count: int = 20_000) -> list[Wait]:
    """Of people with exponential patience, each answered after an exponential time."""
    dice = Random(3)
    pairs = (
        (dice.expovariate(1 / patience), dice.expovariate(1 / answered_after)) for _ in range(count)
    )
    return [Wait(round(min(pair) * SECOND), pair[0] < pair[1]) for pair in pairs]


def test_patience_is_found_behind_the_answers_that_hide_it():
    """The mean of those who gave up is 40 s here: what one sees is not what there is."""
    found = Patience(waits(120, 60))
    for share in (0.1, 0.3, 0.5, 0.8):
        told = found.beyond(0, share)
        assert told == pytest.approx(-120 * log(1 - share) * SECOND, rel=0.12), share


def test_who_has_waited_already_waits_for_the_rest():
    found = Patience(waits(120, 60))
    for known in (10 * SECOND, 200 * SECOND, 3_000 * SECOND):
        left = [found.beyond(known, (n + 0.5) / 200) - known for n in range(200)]
        assert min(left) > 0
        assert sum(left) / 200 == pytest.approx(120 * SECOND, rel=0.2)
        assert left == sorted(left)


def test_where_nobody_gives_up_patience_is_without_end():
    assert Patience([Wait(1000, False)] * 5).beyond(0, 0.99) is None
    assert Patience([]).beyond(0, 0.5) is None
    only = Patience([Wait(30_000, True)])
    assert only.beyond(0, 1 - exp(-1)) == pytest.approx(30_000)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return recorded(scenario(hours=2), tmp_path_factory.mktemp("day") / "data").day


def test_a_queue_is_told_by_itself_where_there_is_enough_of_it(day):
    leg = next(iter(day.legs.values()))
    turns = [
        Turn(queue, START, waited, gave_up=True, service=Service("a", waited * 2, 1000))
        for queue, count, waited in (("many", 3 * ENOUGH, 5_000), ("few", ENOUGH - 1, 90_000))
        for _ in range(count)
    ]
    legs = {str(n): replace(leg, turn=turn, offers=[]) for n, turn in enumerate(turns)}
    found = Observed(replace(day, legs=legs))
    assert found.patience("many", 0, 0.5) == 5_000
    assert found.patience("few", 0, 0.5) == 5_000  # of all
    assert found.patience("few", 0, 0.9) > 5_000
    assert found.service("many", 0.99).talk == 10_000
    assert found.service("few", 0.99).talk == 180_000
    assert found.service("few", 0.1).talk == 10_000


def test_agents_pick_up_as_they_did(day):
    leg = next(iter(day.legs.values()))
    offers = [Offer("ann", "accepted", after * SECOND) for after in range(1, ENOUGH)]
    offers += [Offer("ann", "missed", 20 * SECOND, back=7_000), Offer("bob", "left", 4_000)]
    found = Observed(replace(day, legs={"1": replace(leg, offers=offers)}))
    assert found.varies
    assert found.offer("ann", 0.0).after == SECOND
    assert found.offer("ann", 0.99).outcome == "missed"
    assert found.offer("ann", 0.0, 10 * SECOND).after == 11 * SECOND
    assert found.offer("bob", 0.0).agent_id == "ann"
    assert found.back("bob", 0.5) == 7_000
    assert not Observed(replace(day, legs={})).varies
    assert Observed(replace(day, legs={})).offer("ann", 0.5) is None


# Changes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[staff]]", "staff[0].add = None or remove, or agent: exactly one"),
        ('[[staff]]\nadd = 1\nremove = "day"', "exactly one of them"),
        ("[[staff]]\nadd = 0\nprofile = 'all'\nfrom = '08:00'\nto = '9'", "staff[0].add = 0"),
        ("[[staff]]\nadd = 1\nprofile = 'all'\nfrom = '08:00'\nto = '9'", "is no clock time"),
        ("[[staff]]\nadd = 1\nprofile = 'no'\nfrom = '08:00'\nto = '09:00'", "is one of Basic"),
        ("[[staff]]\nadd = 1\nlike = 'day'\nfrom = '08:00'", "and from: both of them"),
        ("[[staff]]\nadd = 1", "staff[0].like = None or profile"),
        ("[[staff]]\nagent = 'day'", "staff[0].minutes = None or profile"),
        ("[[staff]]\nagent = 'day'\nminutes = 2000", "from -1440 to 1440"),
        ("[[staff]]\nremove = ['day', 'x']", "staff[0].remove = 'x' is no agent"),
        (
            "[[staff]]\nremove = 'day'\n[[staff]]\nagent = 'day'\nminutes = 5",
            "staff[1].agent = 'day' stands in another table of staff already",
        ),
        (
            "[[staff]]\nagent = 'day'\nminutes = 5\n[[staff]]\nremove = 'day'",
            "staff[1].remove = 'day' stands in another table of staff already",
        ),
        ("[profiles.new]\nvoice = 1", "profiles.new.queues = None is left out"),
        ("[profiles.all]\nvoice = 2", "profiles.all.voice = 2 is a whole number"),
        ("[profiles.all]\nqueues = [{ queue = 'x' }]", "profiles.all.queues[0].queue = 'x'"),
        (
            "[profiles.all]\nqueues = [{ queue = 'sales' }, { queue = 'sales' }]",
            "name a queue twice",
        ),
        ("[queues.sales]\nlongest = 3", "queues.sales.longest = 3 is nothing that is known"),
        ("[flows.menu]\nfile = 'none'", "cannot be read"),
        ("[flows.menu]\nfile = 'names'", "names a queue 'x' of which there is none"),
        ("[flows.menu]\nfile = 'broken'", "cannot run: Invalid property value. Path: StartAction"),
        ("[flows.menu]\nfile = 'text'", "cannot run: Content is not JSON"),
        ("[callers]\nfactor = -1", "callers.factor = -1 is a number from 0 to 10"),
        ("[stuff]", "stuff = {} is nothing that is known here; is staff meant?"),
        ("[", "changes.toml:"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_key_value_and_rule(day, text, said):
    files = {
        "names": '{"Version":"2019-10-30","StartAction":"a","Actions":[{"Identifier":"a",'
        '"Type":"UpdateContactTargetQueue","Parameters":{"QueueId":"${queue:x}"},'
        '"Transitions":{}}]}',
        "broken": '{"Version":"2019-10-30","StartAction":"b","Actions":[]}',
        "text": "hello",
    }

    def content(name: str) -> str:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name]

    with pytest.raises(Fault) as caught:
        changes.read(text, "changes.toml", day, content)
    told = str(caught.value).splitlines()
    assert said in str(caught.value)
    assert len(told) == len(set(told)), "nothing is told twice"


def test_nothing_in_a_file_changes_nothing(day):
    assert changed(day, "") == changed(day, "[callers]\nfactor = 1") == UNCHANGED


def test_changes_are_the_commands_of_operations_and_statuses_to_be_taken(day):
    text = """
        [[staff]]
        add = 2
        profile = "night"
        from = "22:00"
        to = "06:00"
        [[staff]]
        agent = "day"
        profile = "night"
        [profiles.night]
        queues = [{ queue = "sales", channel = "CHAT", priority = 3, delay = 10 }]
        chat = 4
        [queues.sales]
        max_contacts = 7
        pace = 0.5
        [callers]
        factor = 2
    """
    found = changed(day, text)
    kinds = [(type(each).__name__, each.kind) for each in found.made]
    assert kinds == [
        ("UpdateResource", "queue"),
        ("CreateResource", "routing_profile"),
        ("UpdateResource", "user"),
        ("CreateResource", "user"),
        ("CreateResource", "user"),
    ]
    assert found.made[0] == commands.UpdateResource("queue", found.made[0].id, {"MaxContacts": 7})
    profile = found.made[1].properties
    assert profile["MediaConcurrencies"] == [{"Channel": "CHAT", "Concurrency": 4}]
    assert [(row["Priority"], row["Delay"]) for row in profile["QueueConfigs"]] == [(3, 10)]
    assert found.edited == {found.made[0].id, found.made[2].id}
    assert (found.factor, [*found.pace.values()]) == (2, [0.5])
    for marks in found.marks.values():
        times = [(at - day.begins) / HOUR for at, _ in marks]
        assert times == [22, 30]
    assert len(found.marks) == 2


def test_who_is_shifted_takes_his_statuses_later(day):
    (marks,) = changed(day, '[[staff]]\nagent = "day"\nminutes = 30').marks.values()
    before = [mark.at for mark in day.marks]
    assert [at for at, _ in marks] == [at + 30 * MINUTE for at in before]


# Intervals


def test_intervals_of_a_difference():
    found = _difference(9.0, [10, 11, 12], [13, 15, 14])
    assert (found.unchanged, found.changed, found.difference) == (11, 14, 3)
    assert found.mean == pytest.approx((3 - 4.303 / 3**0.5, 3 + 4.303 / 3**0.5), rel=1e-3)
    assert found.one_day == pytest.approx(
        (3 - 4.303 * (4 / 3) ** 0.5, 3 + 4.303 * (4 / 3) ** 0.5), rel=1e-3
    )
    assert _difference(None, [1.0], [1.0]).mean == (0, 0)
    gaps = _difference(None, [1.0, None], [2.0, 4.0])
    assert (gaps.unchanged, gaps.changed, gaps.difference) == (1, 3, None)


def test_percentiles_are_waits_that_somebody_had():
    assert _percentile([], 80) is None
    assert _percentile([3_000, 1_000, 2_000, 5_000, 4_000], 80) == 4.0
    assert _percentile([1_000], 80) == 1.0
