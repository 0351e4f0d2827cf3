"""Who SIP listens to, and the pure rules around it: trunks, headers, digest."""

import pytest

from ringfloor.base.limits import (
    SIP_COMPLAINT_MS,
    SIP_FAILURES_MAX,
    SIP_FAILURES_MS,
    SIP_HEADER_CHARS_MAX,
    SIP_PHONE_PACKETS_MAX,
    SIP_SOURCES_MAX,
    SIP_TRUNK_PACKETS_MAX,
)
from ringfloor.gateway.sip import messages
from ringfloor.gateway.sip.digest import Account, Unspoken, answer, parameters, response
from ringfloor.gateway.sip.guard import Guard
from ringfloor.gateway.sip.messages import Message
from ringfloor.gateway.sip.trunks import NoTrunk, Trunk, Trunks

INVITE = b"INVITE sip:a SIP/2.0\r\n"


def a_guard():
    return Guard(
        {"a": ("203.0.113.0/28",), "b": ("203.0.113.4", "198.51.100.0/24"), "none": ()},
        ("10.0.0.0/8",),
    )


@pytest.mark.parametrize(
    ("host", "trunks", "phones"),
    [
        ("203.0.113.15", ("a",), False),
        ("203.0.113.16", (), False),
        ("203.0.113.4", ("a", "b"), False),
        ("198.51.100.200", ("b",), False),
        ("10.200.0.1", (), True),
        ("11.0.0.1", (), False),
        ("::1", (), False),
        ("nonsense", (), False),
    ],
)
def test_an_address_is_known_by_its_networks(host, trunks, phones):
    guard = a_guard()
    verdict = guard.verdict(host)
    assert (verdict.trunks, verdict.phones, verdict.answers) == (trunks, phones, False)
    assert guard.admits(host, INVITE, 0) is bool(trunks or phones)
    assert guard.reaches(host) is bool(trunks)


def test_the_hosts_of_trunks_may_answer_and_no_more():
    guard = a_guard()
    assert not guard.admits("192.0.2.1", INVITE, 0)
    guard.know(["192.0.2.1"])
    assert guard.admits("192.0.2.1", INVITE, 0)
    assert guard.reaches("192.0.2.1")
    assert guard.verdict("192.0.2.1").trunks == ()
    guard.know(["192.0.2.2"])
    assert not guard.admits("192.0.2.1", INVITE, 0)


@pytest.mark.parametrize("network", ["203.0.113.0/33", "example.net", "2001:db8::/32", ""])
def test_what_is_no_network(network):
    with pytest.raises(ValueError):  # noqa: PT011  ipaddress words it
        Guard({"a": (network,)})


def test_strangers_are_counted_and_told_now_and_then(caplog):
    guard = a_guard()
    for packet in range(10_000):
        assert not guard.admits(f"100.64.{packet // 250 % 250}.{packet % 250}", INVITE, packet)
    assert guard.strangers == 10_000
    assert len(caplog.records) == 1
    guard.admits("100.64.0.1", INVITE, SIP_COMPLAINT_MS + 1)
    assert len(caplog.records) == 2
    assert "10001" in caplog.text
    assert len(guard._judged) <= SIP_SOURCES_MAX


def test_phones_are_heard_so_often_a_second_and_only_as_sip():
    guard = a_guard()
    heard = [guard.admits("10.0.0.1", INVITE, 5) for _ in range(SIP_PHONE_PACKETS_MAX + 50)]
    assert sum(heard) == SIP_PHONE_PACKETS_MAX
    assert guard.admits("10.0.0.2", INVITE, 5)
    assert guard.admits("10.0.0.1", INVITE, 1_005)
    assert not guard.admits("10.0.0.1", b"GET / HTTP/1.1\r\n", 2_005)
    trunks = [guard.admits("203.0.113.1", INVITE, 5) for _ in range(SIP_TRUNK_PACKETS_MAX + 9)]
    assert sum(trunks) == SIP_TRUNK_PACKETS_MAX
    assert guard.admits("203.0.113.2", INVITE, 5)


def test_who_fails_too_often_is_silenced_for_a_while():
    guard = a_guard()
    for _ in range(SIP_FAILURES_MAX - 1):
        guard.failed("10.0.0.1", 0)
    assert guard.admits("10.0.0.1", INVITE, 100)
    guard.failed("10.0.0.1", 1_000)
    assert not guard.admits("10.0.0.1", INVITE, 1_000)
    assert not guard.admits("10.0.0.1", b"REGISTER sip:a SIP/2.0", 1_000)
    assert guard.admits("10.0.0.1", b"BYE sip:a SIP/2.0", 1_000), "its calls go on"
    assert guard.admits("10.0.0.2", INVITE, 1_000)
    assert not guard.admits("10.0.0.1", INVITE, SIP_FAILURES_MS + 999)
    assert guard.admits("10.0.0.1", INVITE, SIP_FAILURES_MS + 1_000)
    guard.failed("10.0.0.1", SIP_FAILURES_MS + 1_000)
    assert guard.admits("10.0.0.1", INVITE, SIP_FAILURES_MS + 2_000), "it begins anew"


def test_what_is_remembered_of_addresses_is_bounded():
    guard = a_guard()
    for number in range(SIP_SOURCES_MAX + 100):
        host = f"10.1.{number // 250}.{number % 250}"
        guard.failed(host, 0)
        guard.admits(host, INVITE, 0)
    assert len(guard._failed) == len(guard._heard) == len(guard._judged) == SIP_SOURCES_MAX


# Trunks


def trunks_up(*trunks):
    table = Trunks(trunks)
    for state in table.states.values():
        state.address = ("192.0.2.1", state.trunk.port)
    return table


def test_the_first_trunk_that_fits_is_up_and_free_carries_the_call():
    uk = Trunk(name="uk", host="h", prefixes=("+44",), calls=1)
    rest = Trunk(name="rest", host="h", port=5070)
    table = trunks_up(uk, rest)
    assert table.choose("+441632960123", "").trunk is uk
    assert table.choose("+15550123", "").trunk is rest
    table.states["uk"].calls = 1
    assert table.choose("+441632960123", "").trunk is rest
    with pytest.raises(NoTrunk) as full:
        table.choose("+441632960123", "uk")
    assert (full.value.status, full.value.q850) == (503, 34)
    table.answered("rest", yes=False)
    with pytest.raises(NoTrunk) as down:
        table.choose("+15550123", "")
    assert (down.value.status, down.value.q850) == (503, 38)
    table.answered("rest", yes=True)
    assert table.choose("+15550123", "").trunk is rest


def test_a_trunk_without_keep_alive_is_never_down_and_one_that_is_not_found_is():
    table = trunks_up(Trunk(name="quiet", host="h", keep_alive=0))
    table.answered("quiet", yes=False)
    assert table.states["quiet"].up
    table.states["quiet"].address = None
    with pytest.raises(NoTrunk):
        table.choose("+15550123", "")


def test_of_trunks_that_list_an_address_the_one_whose_host_it_is_owns_the_call():
    table = trunks_up(Trunk(name="a", host="h"), Trunk(name="b", host="h", port=5070))
    assert table.owner(("a", "b"), ("192.0.2.1", 5070)).trunk.name == "b"
    assert table.owner(("a", "b"), ("192.0.2.1", 9)).trunk.name == "a"
    assert table.owner((), ("192.0.2.1", 5070)) is None
    with pytest.raises(ValueError, match="same name"):
        trunks_up(Trunk(name="a", host="h"), Trunk(name="a", host="i"))


# Words of messages


@pytest.mark.parametrize(
    ("address", "uri", "tag", "user"),
    [
        ("<sip:+15550100@a;user=phone>;tag=x1", "sip:+15550100@a;user=phone", "x1", "+15550100"),
        ('"A, <b>" <sip:a%2Bb:pw@h:5060>;q=1;tag=t', "sip:a%2Bb:pw@h:5060", "t", "a+b"),
        ("sip:bob@h;tag=y", "sip:bob@h", "y", "bob"),
        ("<tel:+1-555-0100;ext=1>", "tel:+1-555-0100;ext=1", "", "+1-555-0100"),
        ("<sip:host.example>", "sip:host.example", "", ""),
        ("<sip:a@h;tag=inner>", "sip:a@h;tag=inner", "", "a"),
        ("", "", "", ""),
        ("<<<>>>;;tag=", "", "", ""),
    ],
)
def test_addresses_are_taken_apart(address, uri, tag, user):
    assert (messages.uri_of(address), messages.tag_of(address)) == (uri, tag)
    assert messages.user_of(messages.uri_of(address)) == user


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("sip:a@192.0.2.1", ("192.0.2.1", 5060)),
        ("sip:192.0.2.1:5070;lr", ("192.0.2.1", 5070)),
        ("sip:a@evil.example:5070", None),
        ("sip:a@192.0.2.1:99999999", None),
        ("sip:a@[::1]:5060", None),
        ("", None),
    ],
)
def test_only_addresses_are_places(uri, place):
    assert messages.host_port_of(uri) == place


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("+15550100", "+15550100"),
        ("15550100", "+15550100"),
        ("+1 (555) 010-0", "+15550100"),
        ("0015550100", ""),
        ("+1", ""),
        ("12345", ""),
        ("alice", ""),
        ("+1555010012345678", ""),
        ("+1555\n0100", ""),
    ],
)
def test_numbers_are_e164(user, found):
    assert messages.number(user) == found


def a_message(**headers):
    return Message(
        method="INVITE",
        status=headers.pop("status", 0),
        reason="",
        uri="sip:a@b",
        call_id="c",
        cseq=1,
        headers={name.replace("_", "-"): (value,) for name, value in headers.items()},
        body=headers.pop("body", ""),
        body_type=headers.pop("body_type", ""),
        source=None,
    )


@pytest.mark.parametrize(
    ("status", "reason", "q850"),
    [
        (486, "", 17),
        (486, "Q.850;cause=21", 21),
        (699, "", 31),
        (486, "q.850 ; CAUSE = 127", 127),
        (486, "Q.850;cause=128", 17),
        (486, "SIP;cause=21", 17),
        (486, "Q.850;cause=x", 17),
    ],
)
def test_causes_come_from_reason_else_from_the_status(status, reason, q850):
    assert messages.cause(a_message(status=status, reason=reason)) == q850


def test_headers_for_flows_are_clean_and_bounded():
    message = a_message(**{"from": "a" * 9_000, "x-secret": "1", "jip": "2\x00\x1b[31m3"})
    passed = dict(messages.passed_on(message))
    assert list(passed) == ["From", "JIP"]
    assert len(passed["From"]) == SIP_HEADER_CHARS_MAX
    assert passed["JIP"] == "2  [31m3"


SDP = "v=0\r\n"
PARTS = (
    "--b\r\nContent-Type: application/isup\r\n\r\n\x01\r\n"
    f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b--"
)


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/sdp", SDP, SDP),
        ("Application/SDP; charset=x", SDP, SDP),
        ('multipart/mixed;boundary="b"', PARTS, SDP + "\r\n"),
        ("application/sdp", "", None),
        ("", "\r\n", None),
    ],
)
def test_the_sdp_of_a_body(kind, body, found):
    assert messages.sdp_of(a_message(body=body, body_type=kind)) == found


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/plain", "a"), ("multipart/mixed", PARTS), ("multipart/mixed;boundary=c", PARTS)],
)
def test_a_body_that_is_no_sdp(kind, body):
    with pytest.raises(ValueError):  # noqa: PT011  any words
        messages.sdp_of(a_message(body=body, body_type=kind))


def test_a_request_has_one_line_per_header():
    text = messages.request("BYE", "sip:a\r\nEvil: 1", [("To", "<a>\r\nEvil: 2\n\tx")], "v=0\r\n")
    head, _, body = text.partition("\r\n\r\n")
    assert head.split("\r\n") == [
        "BYE sip:aEvil: 1 SIP/2.0",
        "To: <a>  Evil: 2  x",
        "Content-Type: application/sdp",
        "Content-Length: 5",
    ]
    assert body == "v=0\r\n"


# Digest, by the example of RFC 2617, section 3.5


def test_digest_is_that_of_the_standard():
    given = parameters(
        'Digest username="Mufasa", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b"'
    )
    ha1 = "939e7578ed9e3c518a452acee763bce9"
    assert response(ha1, "GET", given) == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r", nonce="n", algorithm=SHA-256',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r"',
        "Basic realm=r",
        "",
    ],
)
def test_a_challenge_that_cannot_be_answered(challenge):
    with pytest.raises(Unspoken):
        answer(challenge, Account("u", "p"), "INVITE", "sip:a", "c")


def test_an_account_does_not_show_its_password():
    assert "hidden" not in repr(Account("user", "hidden"))
