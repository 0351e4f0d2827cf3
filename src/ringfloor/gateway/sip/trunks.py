"""Trunks: who carries calls to the outside, and which of them carries this one.

gateway.sip.calls asks; no sockets here.

Rules
* A call goes over the trunk that it names, else over the first whose prefixes its number has, that
  is up, and that has a call free.
* A trunk is up until OPTIONS (every keep_alive seconds) or an INVITE goes without any answer, and
  again once anything is answered. Without keep_alive it is never down: nothing would bring it back.
* Its host is looked up as an address only (no SRV, no NAPTR), and again every SIP_RESOLVE_MS.
"""

import logging
from collections.abc import Sequence

from msgspec import Struct

from ringfloor.gateway.sip.digest import Account
from ringfloor.telephony.events import Q850

log = logging.getLogger(__name__)

Address = tuple[str, int]


class Trunk(Struct, frozen=True, kw_only=True):
    """As the operator has configured it."""

    name: str
    host: str
    """A name or an IPv4 address."""
    port: int = 5060
    sources: tuple[str, ...] = ()
    """The networks from which it calls us; none: it does not."""
    account: Account | None = None
    """For digest; None: it knows us by our address."""
    domain: str = ""
    """What stands behind the @ of our From; "": our own address."""
    keep_alive: int = 30
    """Seconds between OPTIONS; 0: none."""
    calls: int = 100
    """At once, in both directions."""
    prefixes: tuple[str, ...] = ()
    """What numbers begin with that go over it; none: all do."""
    plus: bool = True
    """Whether it wants numbers with their plus."""

    def written(self, to: str) -> str:
        """A number as this trunk wants it."""
        return to if self.plus else to.removeprefix("+")


class TrunkState(Struct):
    """One trunk at this moment."""

    trunk: Trunk
    address: Address | None = None
    """Of its host; None: not found yet."""
    up: bool = True
    calls: int = 0

    @property
    def full(self) -> bool:
        return self.calls >= self.trunk.calls


class NoTrunk(Exception):
    """Nobody carries this call: a SIP status, a cause, and words."""

    def __init__(self, status: int, q850: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.q850 = q850


class Trunks:
    """ValueError: two of the same name."""

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        self.states = {trunk.name: TrunkState(trunk) for trunk in trunks}
        if len(self.states) < len(trunks):
            raise ValueError("two trunks have the same name")

    def choose(self, to: str, name: str) -> TrunkState:
        """The trunk for a number. Raises NoTrunk."""
        if name:
            fits = [self.states[name]] if name in self.states else []
        else:
            fits = [each for each in self.states.values() if _carries(each.trunk, to)]
        if not fits:
            raise NoTrunk(404, 3, f"no trunk {name!r}" if name else "no trunk carries this number")
        up = [each for each in fits if each.up and each.address is not None]
        if not up:
            raise NoTrunk(503, Q850.NETWORK_OUT_OF_ORDER, "the trunk does not answer")
        free = next((each for each in up if not each.full), None)
        if free is None:
            raise NoTrunk(503, Q850.NO_CIRCUIT, "the trunk has no call free")
        return free

    def owner(self, names: Sequence[str], source: Address) -> TrunkState | None:
        """Whose call comes from here, of several that list the address: whose host it is."""
        states = [self.states[name] for name in names]
        return next(
            (each for each in states if each.address == source), states[0] if states else None
        )

    def answered(self, name: str, *, yes: bool) -> None:
        """Whether a trunk has given any answer at all."""
        state = self.states[name]
        up = yes or not state.trunk.keep_alive
        if up != state.up:
            state.up = up
            log.warning("trunk %s is %s", name, "up again" if up else "down: it does not answer")


def _carries(trunk: Trunk, to: str) -> bool:
    return not trunk.prefixes or to.startswith(trunk.prefixes)
