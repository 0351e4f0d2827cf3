"""Ports: pairs of UDP sockets, RTP on an even port and RTCP on the odd one after it.

Rules
* A pair that was given back is taken again after all others, so that late packets of its last call
  do not come into the next one.
* What somebody else uses is passed over. With first = last = 0 the system chooses, and there are as
  many as it has.
* Whether a report has come is asked of the system once a tick for all pairs: they are rare, and a
  look at a socket in vain costs as much as a packet.
"""

import socket
from collections import deque
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple

from ringfloor.base.errors import Fault
from ringfloor.base.limits import PORT_TRIES_MAX
from ringfloor.base.time import Instant

_EXPEDITED = 46 << 2
"""DSCP EF (RFC 3246), which networks that know it send first."""


class NoPorts(Fault):
    """All pairs are in use: more calls than the range has room for."""


class Pair(NamedTuple):
    rtp: socket.socket
    rtcp: socket.socket
    port: int
    """Of RTP."""


class Ports:
    """The pairs from first to last at one local address.

    host: an IP address of this machine. first, last: the range, both ends included.
    Raises ValueError if no pair fits into it.
    """

    def __init__(self, host: str, first: int, last: int) -> None:
        self.host = host
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._chosen = not (first or last)
        self._selector = DefaultSelector()
        self._reports: set[int] = set()
        self._looked_at: Instant | None = None
        self._free = deque(range(first + first % 2, last, 2) if not self._chosen else ())
        if not self._chosen and not (self._free and first > 0 and last < 65_536):
            raise ValueError(f"there is no even port with one after it from {first} to {last}")

    def take(self) -> Pair:
        """A free pair, bound and non-blocking. Raises NoPorts."""
        pair = self._next()
        self._selector.register(pair.rtcp, EVENT_READ)
        return pair

    def reports(self, now: Instant) -> set[int]:
        """The RTCP sockets, by their descriptors, on which something had come at this instant."""
        if now != self._looked_at:
            self._looked_at = now
            self._reports = {key.fd for key, _ in self._selector.select(0)}
        return self._reports

    def _next(self) -> Pair:
        if self._chosen:
            return self._whichever()
        for _ in range(len(self._free)):
            port = self._free.popleft()
            pair = self._pair(port)
            if pair is not None:
                return pair
            self._free.append(port)
        raise NoPorts(f"all RTP ports of {self.host} are in use; give `rtp` a larger range")

    def give_back(self, pair: Pair) -> None:
        """Close its sockets; the pair is taken again as late as possible."""
        self._selector.unregister(pair.rtcp)
        pair.rtp.close()
        pair.rtcp.close()
        if not self._chosen:
            self._free.append(pair.port)

    def _whichever(self) -> Pair:
        for _ in range(PORT_TRIES_MAX):
            with self._bound(0) as trial:
                port: int = trial.getsockname()[1]
            pair = self._pair(port & ~1)
            if pair is not None:
                return pair
        raise NoPorts(f"the system has no two UDP ports in a row at {self.host}")

    def _pair(self, port: int) -> Pair | None:
        """Both sockets; None: one of the two ports is in use."""
        try:
            rtp = self._bound(port)
        except OSError:
            return None
        try:
            return Pair(rtp, self._bound(port + 1), port)
        except OSError:
            rtp.close()
            return None

    def _bound(self, port: int) -> socket.socket:
        """Raises OSError: the port is in use, or the address is none of ours."""
        made = socket.socket(self.family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            if self.family == socket.AF_INET:
                made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
            else:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
            made.bind((self.host, port))
        except OSError:
            made.close()
            raise
        return made
