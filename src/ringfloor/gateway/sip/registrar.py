"""The registrar: which desk phone is where, and who of those that ask is a phone at all.

gateway.sip.calls asks, with milliseconds since some moment; no sockets here.

Rules
* Digest on REGISTER and on INVITE. Of passwords only their HA1 is kept, in memory. Somebody who is
  not known takes the same way, at the same cost, as somebody with a wrong password.
* A challenge is good for SIP_NONCE_MS, for the address that it was given to, while its count rises;
  else the answer is a new challenge that says stale. A wrong answer counts against its address.
* One place per number: the last that registered. It is reached where its REGISTER came from,
  whatever its Contact says, which is right for phones behind NAT as well.
* A phone may only call while it is registered.
"""

import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from msgspec import Struct
from typing_extensions import override

from ringfloor.base.ids import secret
from ringfloor.base.limits import (
    SIP_NONCE_MS,
    SIP_NONCES_MAX,
    SIP_REGISTER_SECONDS_MAX,
    SIP_REGISTER_SECONDS_MIN,
)
from ringfloor.base.time import SECOND, Duration
from ringfloor.gateway.signalling import Registered, Unregistered
from ringfloor.gateway.sip.digest import parameters, response, secret_hash
from ringfloor.gateway.sip.guard import Guard
from ringfloor.gateway.sip.messages import Headers, Message, clean, uri_of, user_of

Address = tuple[str, int]

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
"""Where desk phones are, unless it is said otherwise."""

_URI = re.compile(r'sip:[^\s<>"]{1,200}', re.IGNORECASE)
_EXPIRES = re.compile(r";\s*expires\s*=\s*(\d{1,9})", re.IGNORECASE)
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


class Phone(Struct, frozen=True, kw_only=True):
    """A desk phone, as the operator has configured it."""

    username: str
    number: str
    """E.164; under it the phone rings, and with it it calls."""
    password: str
    networks: tuple[str, ...] = PRIVATE
    """Where it may be."""

    @override
    def __repr__(self) -> str:
        return f"Phone({self.username!r}, {self.number!r})"


class Binding(Struct, frozen=True):
    """Where a phone is."""

    number: str
    uri: str
    """Its Contact, for the Request-URI."""
    address: Address
    """Where to send."""
    until: Duration
    call_id: str
    cseq: int


class Answer(Struct, frozen=True):
    """What to answer, and what has become of a number by it."""

    status: int
    headers: Headers = ()
    told: tuple[Registered | Unregistered, ...] = ()


class _Known(Struct, frozen=True):
    username: str
    number: str
    ha1: str


class Registrar:
    """realm: in whose name passwords are asked for. ValueError: two phones share name or number."""

    def __init__(self, phones: Sequence[Phone], realm: str, guard: Guard) -> None:
        self._realm = realm
        self._guard = guard
        self._key = secret(32)
        self._phones = {
            phone.username: _Known(
                phone.username,
                phone.number,
                secret_hash(phone.username, realm, phone.password),
            )
            for phone in phones
        }
        if len({phone.number for phone in phones}) + len(self._phones) < 2 * len(phones):
            raise ValueError("two phones have the same username or number")
        self._nobody = _Known("", "", secret(16).hex())
        self._bindings: dict[str, Binding] = {}
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._stale_before: Duration = -1

    def where(self, number: str, now: Duration) -> Binding | None:
        """Where a number is registered."""
        binding = self._bindings.get(number)
        return binding if binding is not None and binding.until > now else None

    def placed(self, source: Address) -> bool:
        """Whether a phone has registered from there."""
        return any(binding.address == source for binding in self._bindings.values())

    def expired(self, now: Duration) -> Iterable[Unregistered]:
        """The numbers whose time has run out."""
        over = [number for number, binding in self._bindings.items() if binding.until <= now]
        for number in over:
            del self._bindings[number]
        return [Unregistered(number) for number in over]

    def caller(self, message: Message, source: Address, now: Duration) -> str | Answer:
        """The number of the phone that calls, or what to answer to whoever it is."""
        known = self._proven(message, source, now)
        if isinstance(known, Answer):
            return known
        return known.number if self.where(known.number, now) else Answer(403)

    def register(self, message: Message, source: Address, now: Duration) -> Answer:
        """REGISTER: what to answer, and what has changed."""
        known = self._proven(message, source, now)
        if isinstance(known, Answer):
            return known
        if user_of(uri_of(message.first("to"))) not in (known.username, known.number):
            return Answer(403)
        before = self.where(known.number, now)
        if before is not None and before.call_id == message.call_id and message.cseq <= before.cseq:
            return Answer(500)
        contacts = message.all("contact")
        if not contacts:
            return _bound(before, now)
        seconds = _seconds(contacts[0], message.first("expires"))
        if contacts[0].strip() == "*" or seconds == 0:
            return self._unregister(known.number)
        if seconds < SIP_REGISTER_SECONDS_MIN:
            return Answer(423, (("Min-Expires", str(SIP_REGISTER_SECONDS_MIN)),))
        uri = uri_of(contacts[0])
        if _URI.fullmatch(uri) is None:
            return Answer(400)
        until = now + min(seconds, SIP_REGISTER_SECONDS_MAX) * SECOND
        binding = Binding(known.number, uri, source, until, message.call_id, message.cseq)
        self._bindings[known.number] = binding
        told = () if before is not None else (Registered(known.number),)
        return Answer(200, _bound(binding, now).headers, told)

    def _unregister(self, number: str) -> Answer:
        gone = self._bindings.pop(number, None)
        return Answer(200, (), () if gone is None else (Unregistered(number),))

    def _proven(self, message: Message, source: Address, now: Duration) -> _Known | Answer:
        """Whoever has shown that he knows a phone's password."""
        given = next(filter(None, map(parameters, message.all("authorization"))), {})
        if given.get("realm") != self._realm or "response" not in given:
            return self._challenge(source[0], now, stale=False)
        known = self._phones.get(given.get("username", ""), self._nobody)
        proof = response(known.ha1, message.method, given)
        right = hmac.compare_digest(proof.encode(), given["response"].lower().encode())
        whole = given.get("qop") == "auth" and given.get("uri") == message.uri
        if not (right and whole) or known is self._nobody:
            self._guard.failed(source[0], now)
            return Answer(403)
        if not self._fresh(given["nonce"], given.get("nc", ""), source[0], now):
            return self._challenge(source[0], now, stale=True)
        return known

    def _challenge(self, host: str, now: Duration, *, stale: bool) -> Answer:
        drawn = f"{now:016x}{secret(8).hex()}"
        asked = f'Digest realm="{self._realm}", nonce="{drawn}{self._sealed(drawn, host)}"'
        asked += ', algorithm=MD5, qop="auth"' + (", stale=true" if stale else "")
        return Answer(401, (("WWW-Authenticate", asked),))

    def _sealed(self, drawn: str, host: str) -> str:
        return hmac.digest(self._key, f"{drawn}@{host}".encode(), "sha256").hex()[:32]

    def _fresh(self, nonce: str, count: str, host: str, now: Duration) -> bool:
        """Whether a challenge is ours, not too old, and its count a new one; counts it."""
        drawn, seal = nonce[:32], nonce[32:]
        if not hmac.compare_digest(self._sealed(drawn, host).encode(), seal.encode()):
            return False
        made = int(drawn[:16], 16)
        if (
            _COUNT.fullmatch(count) is None
            or now - made > SIP_NONCE_MS
            or made <= self._stale_before
        ):
            return False
        if int(count, 16) <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = int(count, 16)
        if len(self._counts) > SIP_NONCES_MAX:
            oldest, _ = self._counts.popitem(last=False)
            self._stale_before = max(self._stale_before, int(oldest[:16], 16))
        return True


def _bound(binding: Binding | None, now: Duration) -> Answer:
    if binding is None:
        return Answer(200)
    seconds = max(0, binding.until - now) // SECOND
    return Answer(200, (("Contact", f"<{clean(binding.uri)}>;expires={seconds}"),))


def _seconds(contact: str, header: str) -> int:
    """How long a registration shall last: by its Contact, else Expires, else as long as may be."""
    found = _EXPIRES.search(contact[contact.rfind(">") + 1 :])
    if found:
        return int(found[1])
    if re.fullmatch(r"\d{1,9}", header.strip()):
        return int(header)
    return SIP_REGISTER_SECONDS_MAX
