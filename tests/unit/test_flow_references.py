"""References: what is one, what it leads to, and what stays text."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfloor.base.limits import FLOW_TEXT_CHARS_MAX
from ringfloor.flow.references import as_text, interpolate, is_reference, value

ROOTS: dict[str, Any] = {
    "Channel": "VOICE",
    "StoredCustomerInput": None,
    "Attributes": {"name": "Ann", "my key": "v", "it's": "q", "a-b": "dash", "n_1": "one", "": "e"},
    "External": {"ok": True, "count": 3, "ratio": 0.5, "list": [{"x": "first"}, 2], "none": None},
    "SegmentAttributes": {"connect:Subtype": "connect:SMS"},
    "Media": {"Sip": {"Headers": {"P-Asserted-Identity": "sip:a@b"}}},
    "Views": {"ViewResultData": {"Table": ({"id": "p1"},)}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.Channel", "VOICE"),
        ("Hello $.Attributes.name.", "Hello Ann."),
        ("$.Attributes.name, $.Attributes.name!", "Ann, Ann!"),
        ("$.Attributes['my key']", "v"),
        ('$.Attributes["it\'s"]', "q"),
        ("$.Attributes['']", "e"),
        ("$.Attributes.a-b-$.Attributes.n_1", "dash-one"),
        ("arn:aws:lambda:$.Channel:1:function:f", "arn:aws:lambda:VOICE:1:function:f"),
        ("$.SegmentAttributes['connect:Subtype']", "connect:SMS"),
        ("$.Media.Sip.Headers.P-Asserted-Identity", "sip:a@b"),
        ("$.External.ok $.External.count $.External.ratio", "true 3 0.5"),
        ("$.External.list[0].x $.External.list.1 $.External.list", 'first 2 [{"x":"first"},2]'),
        ("$.Views.ViewResultData.Table.0.id", "p1"),
        ("<$.External.none$.External.list[2]$.StoredCustomerInput>", "<>"),
        ("<$.Nothing$.Attributes.nothing$.Channel.deeper>", "<>"),
        ("$.Attributes[0]$.External.list.x$.External.list[123456789]", ""),
        ("$5.00, $.50, $ .Channel, $$.Channel, $.", "$5.00, $.50, $ .Channel, $VOICE, $."),
        ("$.Attributes['open", "{}['open".format(as_text(ROOTS["Attributes"]))),
    ],
)
def test_a_reference_in_a_text_becomes_the_text_of_its_value(text, expected):
    assert interpolate(text, ROOTS.get) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.External.list[0]", {"x": "first"}),
        ("$.External.ok", True),
        ("$.External.nothing", None),
        ("$.Nothing", None),
        ("plain", "plain"),
        ("$.Channel and more", "$.Channel and more"),
        ("$5.00", "$5.00"),
    ],
)
def test_a_single_reference_keeps_the_kind_of_its_value(text, expected):
    assert value(text, ROOTS.get) == expected


def test_what_a_reference_leads_to_is_not_searched_for_references():
    roots = {"Attributes": {"said": "$.Channel"}, "Channel": "VOICE"}
    assert interpolate("$.Attributes.said!", roots.get) == "$.Channel!"


@pytest.mark.parametrize("text", ["$.Channel", "$.A['x y'].z[0].b-c", "$.External.list.0"])
def test_a_path_alone_is_a_reference(text):
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "$.", "$.5", "Channel", "$.Channel ", " $.Channel", "$.A..b"])
def test_anything_else_is_none(text):
    assert not is_reference(text)


def test_many_references_to_a_long_value_do_not_fill_the_memory():
    roots = {"Attributes": {"long": "x" * 30_000}}
    text = "$.Attributes.long " * 10_000
    tracemalloc.start()
    assert len(interpolate(text, roots.get)) == FLOW_TEXT_CHARS_MAX
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_path_may_be_long():
    key = "k" * 500
    assert interpolate(f"$.External['{key}'].{key}", {"External": {key: {key: "v"}}}.get) == "v"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.text().filter(lambda text: "$." not in text))
def test_a_text_without_references_stays_as_it_is(text):
    assert interpolate(text, ROOTS.get) == text
    assert value(text, ROOTS.get) == text
    assert not is_reference(text)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["$.", "$", ".", "A", "b-", "['", "']", "[0]", '["', " ", "é", "0"])
        | st.text(max_size=3)
    ).map("".join),
    st.dictionaries(st.sampled_from(["A", "Ab", "A0", "b"]), json_values),
)
@example("$.A[0][0]", {"A": [[1]]})
def test_no_text_and_no_values_make_it_fail(text, roots):
    assert isinstance(interpolate(text, roots.get), str)
    value(text, roots.get)
    is_reference(text)
