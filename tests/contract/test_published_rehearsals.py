"""The published flows of others on the engine itself: calls, chats and tasks, by every way.

flow_rehearser takes them through with customers who do everything that a flow asks for, or nothing,
and sees to it that each comes to an end. What they take is what the interpreter takes, too
(test_published_flows), but for the branches for which docs.published has a reason.
"""

import pytest
from docs.published import CANNOT

from contract.test_published_flows import UNREACHED, mended, names, outcomes
from docs import published
from flow_rehearser import rehearse, rehearsed


def test_all_that_can_run_were_rehearsed():
    assert rehearsed().keys() == set(names(refused=False))


@pytest.mark.parametrize("name", names(refused=False))
def test_a_branch_that_is_not_taken_has_a_reason(name):
    found = rehearsed()[name]
    assert found.missing or found.taken == found.branches
    assert [branch for branch in found.missing if branch not in CANNOT] == []


def test_no_reason_is_left_over_and_few_branches_are_not_taken():
    found = rehearsed().values()
    assert {branch for each in found for branch in each.missing} == CANNOT.keys()
    walked = sum(each.branches for each in found) - sum(count for count, _ in UNREACHED.values())
    assert sum(each.taken for each in found) >= 0.95 * walked


def test_the_page_says_what_is_so():
    page = published.PAGE.read_text()
    assert page == published.page(rehearsed()), "make it anew: .venv/bin/python -m docs.published"


def test_a_contact_that_stays_is_noticed(monkeypatch):
    monkeypatch.setattr("flow_rehearser._ends", lambda *_: None)
    queued = next(name for name, each in outcomes().items() if each.type == "CUSTOMER_QUEUE")
    with pytest.raises(AssertionError, match="is left"):
        rehearse(mended(outcomes()[queued].letter.content), "CUSTOMER_QUEUE")
