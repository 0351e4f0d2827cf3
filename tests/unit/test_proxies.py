"""Where a request comes from: the peer, or what a proxy of ours says."""

from ipaddress import ip_network

import pytest

from ringfloor.server.asgi import Proxies

OURS = Proxies((ip_network("10.0.0.0/8"), ip_network("::1")))


def caller(peer, forwarded_for=(), proto=(), proxies=OURS):
    headers = [(b"X-Forwarded-For", each.encode()) for each in forwarded_for]
    headers += [(b"x-forwarded-proto", each.encode()) for each in proto]
    return proxies.caller({"client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "source"),
    [
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("::1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("192.0.2.9", ["192.0.2.1"], "192.0.2.9"),  # no proxy of ours
        ("10.0.0.1", ["198.51.100.7, 192.0.2.1"], "192.0.2.1"),  # the caller forged the first
        ("10.0.0.1", ["198.51.100.7", "192.0.2.1, 10.0.0.2"], "192.0.2.1"),  # two proxies
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["192.0.2.1, unknown"], ""),  # nobody's, and never the one before
        ("10.0.0.1", ["192.0.2.1, x\x9b2J"], ""),
    ],
)
def test_the_last_address_that_is_not_ours(peer, forwarded_for, source):
    assert caller(peer, forwarded_for)[0] == source


def test_nobody_is_believed_unless_he_is_named():
    assert caller("10.0.0.1", ["192.0.2.1"], ["https"], Proxies()) == ("10.0.0.1", False)


def test_tls_at_the_proxy():
    assert caller("10.0.0.1", ["192.0.2.1"], ["https"]) == ("192.0.2.1", True)
    assert caller("10.0.0.1", ["192.0.2.1"], ["http"]) == ("192.0.2.1", False)
    assert caller("10.0.0.1", ["192.0.2.1"], ["https, http"]) == ("192.0.2.1", False)
    assert caller("192.0.2.9", [], ["https"]) == ("192.0.2.9", False)
    assert Proxies().caller({"client": None, "headers": []}) == ("", False)
