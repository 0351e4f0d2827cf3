"""The published flows of others: each runs to an end on every branch, or is refused with reason.

They lie beside the repository, in ../shared/flows, and are no part of it. docs.published fills in
what their authors have left open, says what becomes of each, and holds the reviewed reasons.
"""

import functools
from collections.abc import Mapping

import msgspec
import pytest
from docs.published import REVIEWED, Outcome, mended

from docs import published
from flow_walker import Branch, walk, wanted
from ringfloor.flow import language
from ringfloor.flow.advice import findings

REFUSED: Mapping[str, list[tuple[str, str]]] = {
    "amazon-connect-copy__flow-Orphaned-20Flow__70fd47a037": [
        ("Invalid Action type. Type: TransferContactToFlow", "Type")
    ],
    "claude-connect-skills__create-from-scratch__bed297f1d4": [
        ("Invalid Action property value", f"Transitions.{where}NextAction")
        for where in ("", "Conditions[0].", "Conditions[1].", "Errors[0].", "Errors[1].")
    ],
    "sample-aicc-builder-for-amaz__callback-pattern__b151e30206": [
        ("Invalid Action type. Type: CheckStaffing", "Type"),
        ("Invalid Action type. Type: SetCallbackNumber", "Type"),
    ],
}
"""Flows that cannot run, and all that is told of them."""

NO_END: Mapping[str, Mapping[str, str]] = {
    "amazon-connect-experience-bu__contact-flow-journey-content__b80dda89b7": {
        "End too_many_actions": "a task cannot press the key that its menu asks for, for ever"
    },
    "amazon-connect-contact-surve__contact-surveys-amazon-connect__838949ecfe": {
        "End dead_end": "it loops as often as an attribute says, and without that has no branch"
    },
}
"""Contacts that come to no proper end, and why that is right."""

UNREACHED: Mapping[str, tuple[int, str]] = {
    "amazon-connect-gitlab-cicd-t__acme-main-AUTO__709a53e68f": (
        11,
        "its bot is named by a flow attribute that it sets by another name, so the bot fails",
    ),
    "amazon-connect-step-by-step-__handlerContactFlow__ba5abc6c1a": (
        2,
        "it wants Voice ID of UpdateContactData, which AWS has switched off, so that fails",
    ),
}
"""Branches that no contact can take, for reasons in the flow itself: how many, and why."""

CHANNELS = ("VOICE", "CHAT", "TASK")


@functools.cache
def outcomes() -> Mapping[str, Outcome]:
    found = {each.name: each for each in published.outcomes()}
    assert len(found) >= 70, f"the published flows are missing in {published.FLOWS}"
    return found


def names(*, refused: bool) -> list[str]:
    return [name for name, each in outcomes().items() if bool(each.problems) == refused]


def test_each_flow_is_taken_as_it_was_published():
    for each in outcomes().values():
        document = msgspec.json.decode(each.letter.content)
        assert len(document["Actions"]) == each.actions, each.name


@pytest.mark.parametrize("name", names(refused=True))
def test_what_cannot_run_is_refused_with_the_right_reason(name):
    problems = outcomes()[name].problems
    assert [(each.message, each.parameter) for each in problems] == REFUSED[name]
    assert all(each.instead for each in problems)
    assert name in REVIEWED


def test_every_reason_has_been_looked_at():
    flawed = {name for name, each in outcomes().items() if each.flaws}
    assert flawed == REVIEWED.keys()
    assert REFUSED.keys() == set(names(refused=True))


@pytest.mark.parametrize("name", names(refused=False))
def test_what_runs_comes_to_an_end_on_every_branch(name):
    outcome = outcomes()[name]
    content = mended(outcome.letter.content)
    flow = language.parse(content, outcome.type, published=False)
    taken: set[Branch] = set()
    for channel in CHANNELS if outcome.type in SPOKEN_TO else CHANNELS[:1]:
        walked = walk(flow, channel)
        assert not walked.stuck, channel
        assert walked.endings, channel
        odd = {end for end in walked.endings if end in ("End dead_end", "End too_many_actions")}
        assert odd <= NO_END.get(name, {}).keys(), (channel, walked.endings)
        taken |= walked.branches
    unreached, _ = UNREACHED.get(name, (0, ""))
    assert len(wanted(flow) - taken) == unreached, wanted(flow) - taken


SPOKEN_TO = {"CONTACT_FLOW", "AGENT_TRANSFER", "QUEUE_TRANSFER", "MODULE"}
"""Types that run for every channel; queue, hold and whisper flows are heard on the phone."""


def test_empty_ids_are_all_that_is_wrong_with_those_to_be_filled_in():
    empty = [name for name, reason in REVIEWED.items() if "empty" in reason]
    assert len(empty) > 5
    for name in empty:
        outcome = outcomes()[name]
        letter = outcome.letter._replace(content=mended(outcome.letter.content))
        assert findings(letter, outcome.type, lenient=False) == [], name
