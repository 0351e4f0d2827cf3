"""Golden journals: what was written once can be read for ever, and means the same.

replay.make says how a journal is added; none is ever changed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from engine_builders import differences
from replay.make import GOLDEN, facts, records
from ringfloor.domain import commands, dialogue
from ringfloor.domain.events import Event, FlowStepped, Outcome, decode_outcome, encode_outcome
from ringfloor.engine import engine
from ringfloor.engine.invariants import violations
from ringfloor.engine.state import Center

JOURNALS = sorted(GOLDEN.glob("*.bin"))


def read(path: Path) -> list[Outcome]:
    return [decode_outcome(record) for record in records(path.read_bytes())]


def applied(outcomes: list[Outcome]) -> Center:
    center = Center()
    for outcome in outcomes:
        for event in outcome.events:
            engine.apply(center, event, outcome.at)
    return center


SINCE = frozenset({"rank"})
"""Facts that are written down since then, of what there was before."""


def known_then(found: Any, written: Any) -> Any:
    """What was found, without the members that have come since; those are empty, or in SINCE."""
    if not isinstance(found, dict) or not isinstance(written, dict):
        return found
    for name in found.keys() - written.keys():
        fine = not found[name] or name in SINCE
        assert fine, f"{name} has come since, yet has {found[name]!r}"
    return {
        name: known_then(each, written[name]) for name, each in found.items() if name in written
    }


def test_there_are_journals_and_each_has_its_facts():
    assert len(JOURNALS) >= 3
    assert sorted(GOLDEN.glob("*.json")) == [path.with_suffix(".json") for path in JOURNALS]


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
def test_a_journal_leads_to_the_same_facts_as_when_it_was_written(path):
    outcomes = read(path)
    center = applied(outcomes)
    found, written = facts(center, outcomes), json.loads(path.with_suffix(".json").read_text())
    assert known_then(found, written) == written
    assert violations(center) == []


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
def test_a_journal_survives_being_written_anew(path):
    outcomes = read(path)
    assert [decode_outcome(encode_outcome(outcome)) for outcome in outcomes] == outcomes


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
def test_a_snapshot_may_be_taken_after_any_record(path):
    center = Center()
    for outcome in read(path):
        for event in outcome.events:
            engine.apply(center, event, outcome.at)
        assert not differences(engine.restore(engine.image(center)), center)


def test_life_goes_on_after_a_journal():
    """What was under way when the journal ends comes to its end in the engine of today."""
    center = applied(read(GOLDEN / "0.2.0-life.bin"))
    at, seed = center.at, bytes(16)
    for contact_id in list(center.contacts):
        if center.contacts[contact_id].stage != "ENDED":
            engine.run(center, commands.StopContact(contact_id), at, seed)
    offline = center.named("agent_status", "Offline")
    for agent_id in center.agents:
        engine.run(center, commands.SetAgentStatus(agent_id, offline), at, seed)
    assert center.contacts == {}
    assert engine.next_deadline(center) is None
    assert violations(center) == []


def words(value: Any) -> Iterator[type]:
    """The kinds of asks and of things heard in an event."""
    if isinstance(value, FlowStepped):
        yield type(value.ask)
        yield type(value.outcome)


def test_every_word_of_the_journal_occurs_in_some_journal():
    happened = [event for path in JOURNALS for outcome in read(path) for event in outcome.events]
    assert {type(event) for event in happened} == set(get_args(Event))
    asked = {word for event in happened for word in words(event)}
    assert set(get_args(dialogue.Ask)) <= asked
