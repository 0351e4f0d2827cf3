"""Who is listened to: addresses of trunks and of phones; everybody else does not exist.

Asked by the stack for each packet, before a byte of it is parsed; a stranger's costs a look into a
dictionary. It has no clock: it is given the milliseconds since some moment.

Rules
* A trunk's calls come from its list of addresses. The addresses of its own host may answer us
  (and be sent to), but call only if they are on the list.
* UDP cannot tell who has sent a packet. Whoever is let to write a trunk's address on his own can
  have a number of ours ring; so a trunk, too, is heard SIP_TRUNK_PACKETS_MAX a second from one
  address. Networks that let nobody do that, or TLS to a proxy in front, keep him out.
* Phones are heard within their networks, and there only what looks like SIP, SIP_PHONE_PACKETS_MAX
  a second from one address. What they may is decided by digest (gateway.sip.registrar).
* Wrong passwords: after SIP_FAILURES_MAX from one address within SIP_FAILURES_MS its REGISTER and
  INVITE are not heard for as long; its calls go on.
* Strangers are dropped without an answer, counted, and told to the log once in a while.
* All that is remembered of addresses is bounded: the oldest is forgotten.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TypeVar

from msgspec import Struct

from ringfloor.base.limits import (
    SIP_COMPLAINT_MS,
    SIP_FAILURES_MAX,
    SIP_FAILURES_MS,
    SIP_PHONE_PACKETS_MAX,
    SIP_SOURCES_MAX,
    SIP_TRUNK_PACKETS_MAX,
)
from ringfloor.base.time import SECOND, Duration

log = logging.getLogger(__name__)

_STARTS = (b"REGISTER ", b"INVITE ", b"ACK ", b"BYE ", b"CANCEL ", b"OPTIONS ", b"SIP/2.0 ")
"""What phones say; anything else from their networks is not worth a parser."""
_PROVEN = (b"REGISTER ", b"INVITE ")
"""What needs a password."""


class Verdict(Struct, frozen=True):
    """What an address is to us."""

    trunks: tuple[str, ...]
    """The names of those whose calls may come from here, in their order."""
    answers: bool
    """It may answer what we have sent to it, and be sent to: a trunk's own host."""
    phones: bool
    """Phones may be here."""


_Kept = TypeVar("_Kept")

_STRANGER = Verdict((), answers=False, phones=False)


class _Tally(Struct):
    """How often something has happened since some moment."""

    since: Duration
    count: int


class Guard:
    """trunks: networks by name, as "203.0.113.0/28"; phones: networks. ValueError: it is none."""

    def __init__(self, trunks: Mapping[str, Sequence[str]], phones: Iterable[str] = ()) -> None:
        self._lists = {name: [_network(each) for each in listed] for name, listed in trunks.items()}
        self._phones = [_network(each) for each in phones]
        self._hosts: frozenset[str] = frozenset()
        self._judged: OrderedDict[str, Verdict] = OrderedDict()
        self._heard: OrderedDict[str, _Tally] = OrderedDict()
        self._failed: OrderedDict[str, _Tally] = OrderedDict()
        self._told: Duration | None = None
        self.strangers = 0
        """Packets that were dropped, for whatever reason."""

    def know(self, hosts: Iterable[str]) -> None:
        """The addresses of the trunks' hosts, whenever their names have been looked up."""
        if (found := frozenset(hosts)) != self._hosts:
            self._hosts = found
            self._judged.clear()

    def verdict(self, host: str) -> Verdict:
        found = self._judged.get(host)
        if found is None:
            found = self._judge(host)
            _remember(self._judged, host, found)
        return found

    def reaches(self, host: str) -> bool:
        """Whether anything may be sent there because a message says so."""
        verdict = self.verdict(host)
        return verdict.answers or bool(verdict.trunks)

    def admits(self, host: str, data: bytes, now: Duration) -> bool:
        """Whether a packet is looked at."""
        verdict = self.verdict(host)
        if verdict.answers or verdict.trunks:
            if self._within(host, now, SIP_TRUNK_PACKETS_MAX):
                return True
        elif (
            verdict.phones
            and data.startswith(_STARTS)
            and self._within(host, now, SIP_PHONE_PACKETS_MAX)
        ):
            return not (data.startswith(_PROVEN) and self._silenced(host, now))
        self.strangers += 1
        if self._told is None or now - self._told >= SIP_COMPLAINT_MS:
            self._told = now
            log.warning("dropped SIP packets of strangers: %d so far, now %s", self.strangers, host)
        return False

    def failed(self, host: str, now: Duration) -> None:
        """A wrong password came from here."""
        tally = self._failed.get(host)
        if tally is None or now - tally.since >= SIP_FAILURES_MS:
            tally = _Tally(now, 0)
            _remember(self._failed, host, tally)
        tally.count += 1
        if tally.count == SIP_FAILURES_MAX:
            tally.since = now
            log.warning("%d wrong passwords from %s: not heard for a while", tally.count, host)

    def _silenced(self, host: str, now: Duration) -> bool:
        tally = self._failed.get(host)
        return (
            tally is not None
            and tally.count >= SIP_FAILURES_MAX
            and now - tally.since < SIP_FAILURES_MS
        )

    def _within(self, host: str, now: Duration, at_most: int) -> bool:
        tally = self._heard.get(host)
        if tally is None or now - tally.since >= SECOND:
            tally = _Tally(now, 0)
            _remember(self._heard, host, tally)
        tally.count += 1
        return tally.count <= at_most

    def _judge(self, host: str) -> Verdict:
        try:
            address = IPv4Address(host)
        except ValueError:
            return _STRANGER
        return Verdict(
            tuple(name for name, listed in self._lists.items() if _holds(listed, address)),
            answers=host in self._hosts,
            phones=_holds(self._phones, address),
        )


def _network(text: str) -> IPv4Network:
    network = ip_network(text, strict=False)
    if not isinstance(network, IPv4Network):
        raise ValueError(f"{text!r}: SIP is spoken over IPv4 only")  # noqa: TRY004  a bad value
    return network


def _holds(networks: Iterable[IPv4Network], address: IPv4Address) -> bool:
    return any(address in network for network in networks)


def _remember(table: "OrderedDict[str, _Kept]", host: str, kept: _Kept) -> None:
    table[host] = kept
    table.move_to_end(host)
    if len(table) > SIP_SOURCES_MAX:
        table.popitem(last=False)
