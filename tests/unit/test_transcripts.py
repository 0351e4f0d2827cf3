"""Transcripts: what is folded, what becomes final, and that pages are the whole, cut."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.domain import chat, events
from ringfloor.domain.chat import Chat, ChatItem, Past, Receipt, Session
from ringfloor.domain.facts import Expiry
from ringfloor.node.history import History
from ringfloor.projections.transcripts import (
    Asked,
    FromId,
    FromTime,
    Line,
    MostRecent,
    Transcripts,
    kept,
    lines,
    of_contact,
    page,
)


def an_item(number, at=0, contact_id="c1"):
    content = f"text {number}"
    return ChatItem(f"i{number}", at, "MESSAGE", chat.TEXT, content, "p", "AGENT", "A", contact_id)


def a_transcript(*instants):
    return [Line(an_item(number, at), {}) for number, at in enumerate(instants)]


INSTANTS = st.lists(st.integers(0, 6), max_size=12).map(sorted)


def walked(transcript, asked):
    """All pages from the first one that was asked for."""
    seen = []
    while True:
        found = page(transcript, asked)
        assert len(found.lines) <= asked.at_most
        seen.extend(found.lines)
        if found.next is None:
            return seen
        assert len(found.lines) == asked.at_most, "only the last page is short"
        asked = asked._replace(start=FromId(found.next))


@given(INSTANTS, st.booleans(), st.integers(1, 5), st.data())
def test_pages_are_the_whole_in_the_order_of_the_scan(instants, backward, at_most, data):
    transcript = a_transcript(*instants)
    starts = [
        None,
        MostRecent(data.draw(st.integers(0, 14))),
        FromTime(data.draw(st.integers(-1, 7))),
    ]
    if transcript:
        starts.append(FromId(data.draw(st.sampled_from(transcript)).item.id))
    start = data.draw(st.sampled_from(starts))
    match start:
        case None:
            expected = transcript
        case FromId(item_id):
            at = [each.item.id for each in transcript].index(item_id)
            expected = transcript[: at + 1] if backward else transcript[at:]
        case FromTime(instant):
            expected = [
                each
                for each in transcript
                if (each.item.at <= instant if backward else each.item.at >= instant)
            ]
        case MostRecent(number):
            at = max(len(transcript) - max(number, 1), 0)
            expected = transcript[: at + 1] if backward else transcript[at:]
    asked = Asked(backward, start, at_most)
    assert walked(transcript, asked) == (expected[::-1] if backward else expected)


def test_a_page_from_an_item_that_is_not_there_is_none():
    assert page(a_transcript(1, 2), Asked(False, FromId("else"), 5)) is None


def test_what_is_written_meanwhile_does_not_move_a_page():
    transcript = a_transcript(1, 2, 3, 4)
    first = page(transcript, Asked(True, None, 2))
    later = [*transcript, Line(an_item(9, 9), {})]
    rest = page(later, Asked(True, FromId(first.next), 2))
    assert [each.item.id for each in (*first.lines, *rest.lines)] == ["i3", "i2", "i1", "i0"]


STARTED = Chat(id="c1", contact_id="c1", started_at=5, expires_at=9)


def told(*more):
    transcripts = Transcripts()
    for event in (
        events.ChatStarted(STARTED),
        events.ChatItemAdded("c1", an_item(1)),
        events.ReceiptMarked("c1", "i1", "q", 7, None),
        events.ReceiptMarked("c1", "i1", "q", 7, 8),
        events.ChatMoved("c1", "c2"),
        events.ChatItemAdded("c1", an_item(2, contact_id="c2")),
        *more,
    ):
        facts = transcripts.on(event, 5)
    return transcripts, facts


def test_a_chat_that_goes_on_is_in_memory_and_survives_a_snapshot():
    transcripts, facts = told()
    assert facts == []
    assert transcripts.item("c1", "i2") == an_item(2, contact_id="c2")
    assert transcripts.item("c1", "i1") == an_item(1)
    assert transcripts.item("c1", "i3") is transcripts.item("c2", "i1") is None
    session = transcripts.session("c1")
    assert session == Session(
        "c1", "c2", (), [an_item(1), an_item(2, contact_id="c2")], {"i1": {"q": Receipt(7, 8)}}
    )
    loaded = Transcripts.load(transcripts.dump())
    assert loaded == transcripts
    loaded.on(events.ChatItemAdded("c1", an_item(3)), 6)
    assert [loaded.item("c1", each) for each in ("i1", "i3")] == [an_item(1), an_item(3)]
    assert lines(session)[0].receipts == {"q": Receipt(7, 8)}


def test_an_ended_chat_is_a_fact_and_forgotten():
    before, _ = told()
    transcripts, (fact,) = told(events.ChatEnded("c1", "c2"))
    assert transcripts == Transcripts()
    assert transcripts.item("c1", "i1") is None
    assert (fact.contact_id, fact.started_at) == ("c1", 5)
    assert kept(fact.session) == before.session("c1")


def test_a_chat_may_get_its_past_later():
    transcripts, _ = told(events.ChatContinued("c1", "c0", (Past("c0"),)))
    assert transcripts.session("c1").past == (Past("c0"),)


@pytest.mark.parametrize(("until", "ids"), [(None, "i1 i2 i3"), ("c2", "i1 i2"), ("else", "")])
def test_what_a_chat_continues_comes_before_it_up_to_the_contact_named(until, ids):
    contacts = ("c1", "c2", "c3")
    items = [an_item(number, contact_id=each) for number, each in enumerate(contacts, 1)]
    past = Session("c1", "c3", (), items, {"i2": {"q": Receipt(1)}})
    now = Session("d1", "d1", (), [an_item(8)], {})
    found = lines(now, [(past, until)])
    assert [each.item.id for each in found if each.past] == ids.split()
    assert found[-1] == Line(an_item(8), {}, past=False)


def test_a_contact_of_a_chat_has_its_own_lines():
    session = told()[0].session("c1")
    everything = lines(
        session, [(Session("b1", "b1", (), [an_item(9, contact_id="b1")], {}), None)]
    )
    for contact_id, ids in (("c1", ["i1"]), ("c2", ["i2"]), ("b1", ["i9"]), ("b2", [])):
        found = of_contact(everything, contact_id)
        assert [each.item.id for each in found] == ids
        assert page(found, Asked(True, None, 5)).lines == found


def test_foreign_bytes_are_no_snapshot():
    with pytest.raises(msgspec.MsgspecError):
        Transcripts.load(b"\x01")


def test_the_history_keeps_transcripts_per_instance_until_they_expire():
    _, (fact,) = told(events.ChatEnded("c1", "c2"))
    history = History.open(None, pytest.fail)
    history.load("i1", 1, [fact])
    history.load("i2", 1, [msgspec.structs.replace(fact, contact_id="c9")])
    assert history.transcripts("i1", ["c1", "c9", "c0"]) == {"c1": fact.session}
    assert history.transcripts("i1", []) == {}
    history.load("i1", 2, [Expiry(before=5)])
    assert "c1" in history.transcripts("i1", ["c1"])
    history.load("i1", 3, [Expiry(before=6)])
    assert history.transcripts("i1", ["c1"]) == {}
    assert "c9" in history.transcripts("i2", ["c9"])
