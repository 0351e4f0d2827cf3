"""Tokens: sealed, bound to a purpose, short-lived, recognised without being kept."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfloor.aws.model import Operation, load
from ringfloor.aws.shapes import Structure
from ringfloor.aws.tokens import Cursor, Pages, Sealer, TokenExpired, TokenInvalid
from ringfloor.base.errors import Refusal
from ringfloor.base.limits import NEXT_TOKEN_MS, TOKEN_CHARS_MAX
from ringfloor.base.time import HOUR, Instant

_NOW: Instant = 1_700_000_000_000
_OLD, _NEW, _FOREIGN = (bytes([n]) * 32 for n in (1, 2, 3))
_SEALER = Sealer((_NEW,))
_CONNECT = load("connect")
_LIST_USERS = _CONNECT.operations["ListUsers"]
_METRICS = _CONNECT.operations["GetMetricData"]


class _Session(msgspec.Struct):
    contact: str
    parts: list[int]


@given(st.text(max_size=20), st.lists(st.integers(-(2**63), 2**63)), st.integers(_NOW + 1, 2**50))
def test_what_is_sealed_opens(contact: str, parts: list[int], expires: Instant) -> None:
    text = _SEALER.seal("session", _Session(contact, parts), expires)
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert _SEALER.open("session", text, _NOW, _Session) == _Session(contact, parts)
    assert _SEALER.open("session", text, _NOW) == {"contact": contact, "parts": parts}


def test_its_time() -> None:
    text = _SEALER.seal("session", 1, _NOW + HOUR)
    assert _SEALER.open("session", text, _NOW + HOUR - 1, int) == 1
    with pytest.raises(TokenExpired):
        _SEALER.open("session", text, _NOW + HOUR)


def test_its_purpose() -> None:
    text = _SEALER.seal("session", 1, _NOW + HOUR)
    for purpose in ("NextToken", "", "session ", "sessio"):
        with pytest.raises(TokenInvalid):
            _SEALER.open(purpose, text, _NOW)


def test_keys_can_be_turned() -> None:
    before, both, after = Sealer((_OLD,)), Sealer((_NEW, _OLD)), Sealer((_NEW,))
    old, new = before.seal("session", 1, _NOW + HOUR), both.seal("session", 1, _NOW + HOUR)
    assert both.open("session", old, _NOW) == both.open("session", new, _NOW) == 1
    assert after.open("session", new, _NOW) == 1
    for sealer, text in ((after, old), (before, new), (Sealer((_FOREIGN,)), new)):
        with pytest.raises(TokenInvalid):
            sealer.open("session", text, _NOW)


def test_a_shape_of_another_version() -> None:
    text = _SEALER.seal("session", {"other": 1}, _NOW + HOUR)
    with pytest.raises(TokenInvalid):
        _SEALER.open("session", text, _NOW, _Session)


def test_the_same_payload_is_the_same_token() -> None:
    first = _SEALER.seal("session", {"a": 1, "b": 2}, _NOW)
    assert first == _SEALER.seal("session", {"b": 2, "a": 1}, _NOW)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 500), character=st.sampled_from(string.ascii_letters + string.digits))
def test_every_character_counts(at: int, character: str) -> None:
    text = _SEALER.seal("session", "payload", _NOW + HOUR)
    at %= len(text)
    changed = text[:at] + character + text[at + 1 :]
    if changed != text:
        with pytest.raises(TokenInvalid):
            _SEALER.open("session", changed, _NOW)


@given(st.text() | st.text(string.ascii_letters + string.digits + "-_=+/ \n"))
def test_junk_never_breaks(text: str) -> None:
    with pytest.raises(TokenInvalid):
        _SEALER.open("session", text, _NOW)


def test_near_tokens_are_refused() -> None:
    text = _SEALER.seal("session", "payload", _NOW + HOUR)
    short = Sealer((_NEW,)).seal("session", None, 0)[:-3]
    for near in (
        text + "=",
        text + "A",
        text + "\n",
        " " + text,
        text[:-1],
        short,
        "",
        "A" * 10**6,
    ):
        with pytest.raises(TokenInvalid):
            _SEALER.open("session", near, _NOW)


def test_a_sealer_wants_good_keys_and_short_payloads() -> None:
    for keys in ((), (b"short",)):
        with pytest.raises(AssertionError):
            Sealer(keys)
    with pytest.raises(AssertionError):
        _SEALER.seal("session", "x" * TOKEN_CHARS_MAX, _NOW)


# NextToken

_CURSOR = Cursor(after=("sales", 17, None, 2.5), snapshot="s1")


def _list_users(instance: str = "i", **query: Any) -> Structure:
    raw = "&".join(f"{name}={value}" for name, value in query.items())
    return _LIST_USERS.decode((instance,), raw.encode(), (), b"")


def _metrics(**members: Any) -> Structure:
    params = {
        "StartTime": 1_700_000_000,
        "EndTime": 1_700_000_300,
        "Filters": {"Queues": ["q"], "Channels": ["VOICE"]},
        "HistoricalMetrics": [{"Name": "CONTACTS_HANDLED"}],
    } | members
    return _METRICS.decode(("i",), b"", (), msgspec.json.encode(params))


def _refused(operation: Operation, instance: str, params: Structure, now: Instant) -> None:
    with pytest.raises(Refusal) as refused:
        Pages(_SEALER).cursor(operation, instance, params, now)
    assert refused.value.code == "InvalidParameterException"
    assert refused.value.message == "Invalid or expired NextToken"


def test_the_first_page_has_no_cursor() -> None:
    assert Pages(_SEALER).cursor(_LIST_USERS, "i", _list_users(), _NOW) is None


def test_the_next_page() -> None:
    pages = Pages(_SEALER)
    token = pages.next_token(_LIST_USERS, "i", _list_users(), _CURSOR, _NOW)
    again = _list_users(nextToken=token, maxResults=7)
    assert pages.cursor(_LIST_USERS, "i", again, _NOW + NEXT_TOKEN_MS - 1) == _CURSOR
    following = pages.next_token(_LIST_USERS, "i", again, Cursor(offset=14), _NOW)
    third = _list_users(nextToken=following)
    assert pages.cursor(_LIST_USERS, "i", third, _NOW) == Cursor(offset=14)
    assert len(token) < 120


def test_a_token_lives_five_minutes() -> None:
    token = Pages(_SEALER).next_token(_LIST_USERS, "i", _list_users(), _CURSOR, _NOW)
    _refused(_LIST_USERS, "i", _list_users(nextToken=token), _NOW + 300_000)
    brief = Pages(_SEALER, lifetime=1).next_token(_LIST_USERS, "i", _list_users(), _CURSOR, _NOW)
    _refused(_LIST_USERS, "i", _list_users(nextToken=brief), _NOW + 1)


def test_a_token_belongs_to_operation_instance_and_parameters() -> None:
    pages = Pages(_SEALER)
    token = pages.next_token(_METRICS, "i", _metrics(), _CURSOR, _NOW)
    assert pages.cursor(_METRICS, "i", _metrics(NextToken=token, MaxResults=3), _NOW) == _CURSOR
    _refused(_METRICS, "another", _metrics(NextToken=token), _NOW)
    _refused(_METRICS, "i", _metrics(NextToken=token, EndTime=1_700_000_600), _NOW)
    _refused(_METRICS, "i", _metrics(NextToken=token, Groupings=["QUEUE"]), _NOW)
    _refused(_METRICS, "i", _metrics(NextToken=token, Filters={"Queues": ["q"]}), _NOW)
    queues = _CONNECT.operations["ListQueues"]
    token = pages.next_token(_LIST_USERS, "i", _list_users(), _CURSOR, _NOW)
    params = queues.decode(("i",), f"nextToken={token}".encode(), (), b"")
    _refused(queues, "i", params, _NOW)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "%00", "a" * 3000])
def test_a_token_that_is_none(token: str) -> None:
    if token:
        _refused(_LIST_USERS, "i", _list_users(nextToken=token), _NOW)
    else:
        assert _list_users(nextToken=token).NextToken == ""
        _refused(_LIST_USERS, "i", _list_users(nextToken=token), _NOW)
