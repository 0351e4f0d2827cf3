"""Announcements: a wait that was told less what has elapsed, and what may make it shorter."""

import logging

import pytest

from engine_builders import a_center
from ringfloor.base.time import SECOND
from ringfloor.domain import events
from ringfloor.node import wait_estimates
from ringfloor.projections import announcements as module
from ringfloor.projections.announcements import Announcements, Circumstances
from ringfloor.projections.waiting import Estimate
from ringfloor.waits.estimators import Quantiles
from ringfloor.waits.order import Class

NOW = 1_767_600_000_000
MADE = Circumstances(
    kind=Class("q VOICE", 5, 0),
    ahead=3.0,
    agents=2.0,
    served_per_s=1 / 200,
    lost_per_s=1 / 330,
    by="QLm",
    version=None,
)


def told_before(seconds=100, made=MADE):
    announcements = Announcements()
    assert announcements.announce("c", seconds, made, NOW).seconds == seconds
    return announcements


@pytest.mark.parametrize(
    ("after_s", "now_s", "told"), [(40, 60, 60), (40, 200, 200), (0, 100, 100)]
)
def test_what_is_left_or_more_needs_no_reason(after_s, now_s, told):
    announced = told_before().announce("c", now_s, MADE, NOW + after_s * SECOND)
    assert (announced.seconds, announced.reasons, announced.held) == (told, (), False)


@pytest.mark.parametrize(
    ("after_ms", "told"),
    [(0, 100), (40_000, 60), (40_400, 60), (99_999, 1), (100_000, 0), (10**9, 0)],
)
def test_less_without_a_reason_is_held_at_what_is_left_and_never_negative(after_ms, told):
    announcements = told_before()
    announced = announcements.announce("c", 0, MADE, NOW + after_ms)
    assert announced.seconds == told
    assert announced.held == (told > 0)
    assert announced.reasons == ()


def test_what_is_held_is_held_against_what_was_told_first():
    """Small steps that are no reason each do not add up to none."""
    announcements = told_before()
    rate = MADE.served_per_s
    for number in range(1, 4):
        faster = MADE._replace(served_per_s=rate * (1 + 0.004 * number))
        announced = announcements.announce("c", 0, faster, NOW + number * SECOND)
        assert announced.held == (number < 3), number
    assert announced.reasons == ("an agent took one in 200 s, now in 198 s",)


BETTER = [
    ({"ahead": 1.5}, "ahead were 3.0, now 1.5"),
    ({"agents": 3.0}, "agents were 2, now 3"),
    ({"served_per_s": 1 / 150}, "an agent took one in 200 s, now in 150 s"),
    ({"lost_per_s": 1 / 100}, "who waits gave up after 330 s, now after 100 s"),
    ({"by": "model", "version": 2}, "told by QLm, now by model 2"),
    ({"kind": Class("q VOICE x", 5, 0)}, "it is sought for by another routing step"),
    ({"kind": Class("q VOICE", 1, 60_000)}, "its priority was 5, now 1 (+60 s)"),
    ({"kind": Class("q VOICE", 5, 1_000)}, "its priority was 5, now 5 (+1 s)"),
    ({"is_next": True}, "an agent is there for it"),
]


@pytest.mark.parametrize(("change", "reason"), BETTER)
def test_less_is_told_with_the_reason_that_was_found(change, reason):
    announced = told_before().announce("c", 7, MADE._replace(**change), NOW)
    assert (announced.seconds, announced.reasons) == (7, (reason,))


@pytest.mark.parametrize(
    "change",
    [
        {"ahead": 4.0},
        {"agents": 1.0},
        {"served_per_s": 1 / 400},
        {"lost_per_s": 1 / 999},
        {"kind": Class("q VOICE", 9, 60_000)},
        {"kind": Class("q VOICE", 5, -1_000)},
    ],
)
def test_what_has_become_worse_is_no_reason(change):
    assert told_before().announce("c", 7, MADE._replace(**change), NOW).held


LEAVES = (
    events.ContactDequeued("c", "a"),
    events.ContactConnectedToAgent("c", "a", "p"),
    events.ContactEnded("c", "CUSTOMER_DISCONNECT", "IN_QUEUE"),
    events.TaskPaused("c"),
    events.CallbackUnanswered("c", "a", "q", "VOICE", "TELECOM_BUSY", NOW),
)


@pytest.mark.parametrize("event", LEAVES, ids=lambda event: type(event).__name__)
def test_who_is_in_line_no_more_is_forgotten(event):
    announcements = told_before()
    announcements.on(events.OfferMissed("c", "a", "q", "VOICE", "unanswered"))
    assert len(announcements) == 1
    announcements.on(event)
    assert len(announcements) == 0


def test_who_was_told_longest_ago_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(module, "WAITS_ANNOUNCED_MAX", 2)
    announcements = Announcements()
    for name in ("a", "b", "a", "c"):
        announcements.announce(name, 100, MADE, NOW)
    assert len(announcements) == 2
    assert announcements.announce("a", 1, MADE, NOW).held
    assert not announcements.announce("b", 1, MADE, NOW).held


class Oracle:
    """An estimator that says what it is told to say."""

    def __init__(self, seconds, made=MADE):
        self.seconds, self.made = seconds, made

    def estimate(self, *_line, **_asked):
        return Estimate(Quantiles(*[self.seconds] * 5), self.made)


def test_only_less_than_was_left_is_logged_and_with_both_numbers_and_its_reason(caplog):
    driver, announcements = a_center(), Announcements()
    driver.enqueue("c", "sales")
    contact = driver.contact("c")
    better = MADE._replace(agents=5.0)
    with caplog.at_level(logging.INFO):
        for oracle, now, told in (
            (Oracle(90.4), NOW, 90),
            (Oracle(200), NOW, 200),
            (Oracle(100), NOW + 9 * SECOND, 191),
            (Oracle(100, better), NOW + 10 * SECOND, 100),
        ):
            found = wait_estimates.told(driver.center, oracle, announcements, contact, now)
            assert (found.position, found.announced.seconds) == (1, told)
    [record] = caplog.records
    assert record.getMessage() == (
        f"contact {contact.id} is told a wait of 100 s, 10 s after one of 200 s:"
        " agents were 2, now 5"
    )


class Nothing:
    """An estimator that knows nothing: no agent is there."""

    def estimate(self, *_line, **_asked):
        return None


def test_what_was_told_holds_also_when_meanwhile_nothing_was_known(caplog):
    """Agents who go and come back are no reason; that more of them come is one."""
    driver, announcements = a_center(), Announcements()
    driver.enqueue("c", "sales")
    contact = driver.contact("c")
    said = []
    with caplog.at_level(logging.INFO):
        for after_s, oracle in (
            (0, Oracle(90)),
            (20, Nothing()),
            (30, Oracle(5)),
            (40, Oracle(5, MADE._replace(agents=3.0))),
        ):
            now = NOW + after_s * SECOND
            found = wait_estimates.told(driver.center, oracle, announcements, contact, now)
            said.append(found.announced and (found.announced.seconds, found.announced.held))
    assert said == [(90, False), None, (60, True), (5, False)]
    assert len(caplog.records) == 1
