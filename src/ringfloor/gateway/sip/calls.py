"""Sip: the Signalling of trunks and desk phones; the one object that the switch has of SIP.

Its methods are called on the loop's thread and only pass on what is asked to the thread of SIP
(gateway.sip.stack), where everything else here happens; signals come back by call_soon_threadsafe.

Rules
* Who calls must be a trunk, by its address, or a registered phone, by digest (gateway.sip.guard,
  gateway.sip.registrar). Everybody else gets no answer at all.
* from_ is the number that the trunk says (P-Asserted-Identity, else From), "" if it is withheld or
  no number; of a phone it is the phone's own number, whatever it says.
* Nothing of a leg is told once the switch has hung it up: the loop's side forgets it at once.
* Of an INVITE that is refused before it is a call nothing is kept, and its answer is not repeated:
  whoever floods us, or says that he is a trunk (UDP cannot tell), costs no more than his packets.
* OPTIONS of anybody who is listened to is answered 200; extensions that are required are refused
  (420), session timers (RFC 4028) among them: far ends that only support them do without.
"""

import logging
from asyncio import AbstractEventLoop, Event
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import AF_INET, getaddrinfo
from threading import Thread

from ringfloor.base.ids import chance, derive
from ringfloor.base.limits import (
    GATEWAY_CHANNELS_MAX,
    SIP_CLOSE_MS,
    SIP_RESOLVE_MS,
    SIP_STRAY_MS,
    SIP_STRAYS_MAX,
)
from ringfloor.base.time import SECOND, Duration, stopwatch
from ringfloor.domain.numbers import is_e164
from ringfloor.gateway.signalling import Ended, Invited, Registered, Signal, Unregistered
from ringfloor.gateway.sip.call import Call, Peer
from ringfloor.gateway.sip.dialogs import Dialogs, Farewell
from ringfloor.gateway.sip.guard import Guard
from ringfloor.gateway.sip.messages import (
    AGENT_NAME,
    ALLOW,
    Headers,
    Message,
    besides,
    caller,
    dialable,
    host_port_of,
    number,
    passed_on,
    request,
    required,
    sdp_of,
    user_of,
)
from ringfloor.gateway.sip.registrar import Answer, Phone, Registrar
from ringfloor.gateway.sip.stack import Address, Served, Stack
from ringfloor.gateway.sip.trunks import NoTrunk, Trunk, Trunks, TrunkState
from ringfloor.telephony.events import Q850

log = logging.getLogger(__name__)

_TICK: Duration = SECOND
_CLOSING: Duration = 20


class Sip:
    """Signalling over SIP. start opens it; close ends it, and closed waits for that.

    listen: host and port of the socket (port 0: any; `address` tells which). advertised: the
    address that others see, with its port if that is not the same; "": as listen. dialogs: the file
    of the dialogs under way.
    Raises OSError: the address cannot be had. ValueError: trunks or phones contradict each other.
    """

    def __init__(
        self,
        listen: Address,
        *,
        on_signal: Callable[[Signal], None],
        loop: AbstractEventLoop,
        advertised: str = "",
        trunks: Sequence[Trunk] = (),
        phones: Sequence[Phone] = (),
        dialogs: Path | None = None,
    ) -> None:
        self._on_signal = on_signal
        self._loop = loop
        self._since = stopwatch()
        self._trunks = Trunks(trunks)
        networks = {network for phone in phones for network in phone.networks}
        self._guard = Guard({trunk.name: trunk.sources for trunk in trunks}, sorted(networks))
        self._registrar = Registrar(phones, "ringfloor", self._guard)
        self._phones = bool(phones)
        self.stack = Stack(listen, admits=self._admits, began=self._began)
        self.address = self.stack.address
        host, _, port = (advertised or self.address[0]).partition(":")
        self.place = f"{host}:{port or self.address[1]}"
        self._dialogs = Dialogs(dialogs, self.stack.after)
        self._calls: dict[tuple[str, str], Call] = {}
        self._begun: set[tuple[str, str]] = set()
        """Call-ID and their tag of the calls that came in."""
        self._legs: dict[str, Call] = {}
        self._busy: dict[str, str] = {}
        """The trunk of each leg that counts among its calls."""
        self._dismissed = 0
        """Dialogs that nobody wanted and that have just been ended."""
        self._closing = False
        self._living: set[str] = set()
        """On the loop's thread: the legs that may still be told of."""
        self._started = self._shut = False
        self._closed = Event()

    # For the switch, on the loop's thread

    def start(self) -> None:
        """Listen; and say farewell to the far ends that a predecessor has left."""
        self._started = True
        self.stack.start(hop=self._hop, stray=self._stray)
        self.stack.post(self._begin)

    def invite(
        self, leg_id: str, to: str, from_: str, sdp: str, headers: Headers, trunk: str
    ) -> None:
        self._living.add(leg_id)
        self.stack.post(self._invite, leg_id, to, from_, sdp, headers, trunk)

    def ring(self, leg_id: str) -> None:
        self._do(leg_id, Call.ring)

    def progress(self, leg_id: str, sdp: str) -> None:
        self._do(leg_id, Call.progress, sdp)

    def accept(self, leg_id: str, sdp: str) -> None:
        self._do(leg_id, Call.accept, sdp)

    def reanswer(self, leg_id: str, sdp: str) -> None:
        self._do(leg_id, Call.reanswer, sdp)

    def refuse_offer(self, leg_id: str) -> None:
        self._do(leg_id, Call.refuse_offer)

    def refuse(self, leg_id: str, status: int, q850: int) -> None:
        self._living.discard(leg_id)
        self._do(leg_id, Call.refuse, status, q850)

    def hang_up(self, leg_id: str, q850: int) -> None:
        self._living.discard(leg_id)
        self._do(leg_id, Call.hang_up, q850)

    def redirect(self, leg_id: str, to: str) -> None:
        self._living.discard(leg_id)
        if dialable(to):
            self._do(leg_id, Call.redirect, to)
        else:
            self._do(leg_id, Call.hang_up, int(Q850.INVALID_NUMBER_FORMAT))

    def close(self) -> None:
        self._living.clear()
        self._shut = True
        if self._started:
            self.stack.post(self._close)
        else:
            self.stack.discard()
            self._closed.set()

    async def closed(self) -> None:
        """Until close has said its farewells; at most SIP_CLOSE_MS."""
        await self._closed.wait()

    def trunk_states(self) -> list[tuple[str, bool, int]]:
        """Name, whether it is up, and its calls; for those who look after it."""
        return [(name, each.up, each.calls) for name, each in self._trunks.states.items()]

    @property
    def strangers(self) -> int:
        """Packets that were dropped because of where they came from."""
        return self._guard.strangers

    def _do(self, leg_id: str, what: Callable[..., None], *arguments: object) -> None:
        self.stack.post(self._done, leg_id, what, arguments)

    def _hand_over(self, signal: Signal) -> None:
        if self._shut:
            return
        match signal:
            case Registered() | Unregistered():
                pass
            case Invited():
                self._living.add(signal.leg_id)
            case Ended():
                if signal.leg_id not in self._living:
                    return
                self._living.discard(signal.leg_id)
            case _:
                if signal.leg_id not in self._living:
                    return
        self._on_signal(signal)

    # For calls (call.House), on the thread of SIP as everything below

    def tell(self, signal: Signal) -> None:
        if not self._closing:
            self._on_loop(self._hand_over, signal)

    def reaches(self, host: str) -> bool:
        return self._guard.reaches(host)

    def answered(self, peer: Peer, *, yes: bool) -> None:
        if peer.trunk:
            self._trunks.answered(peer.trunk, yes=yes)

    def note(self, leg_id: str, farewell: Farewell) -> None:
        self._dialogs.note(leg_id, farewell)

    def over(self, call: Call) -> None:
        self._calls.pop((call.call_id, call.tag), None)
        self._begun.discard((call.call_id, call.remote_tag))
        if self._legs.pop(call.leg_id, None) is not None:
            self._dialogs.drop(call.leg_id)
        if (trunk := self._busy.pop(call.leg_id, None)) is not None:
            self._trunks.states[trunk].calls -= 1

    def _done(self, leg_id: str, what: Callable[..., None], arguments: tuple[object, ...]) -> None:
        if (call := self._legs.get(leg_id)) is not None:
            what(call, *arguments)

    def _hold(self, call: Call) -> None:
        """Keep a call until it is over; one of a trunk counts among its calls."""
        self._legs[call.leg_id] = call
        self._calls[call.call_id, call.tag] = call
        if call.peer.trunk:
            self._busy[call.leg_id] = call.peer.trunk
            self._trunks.states[call.peer.trunk].calls += 1

    def _on_loop(self, called: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(called, *arguments)
        except RuntimeError:  # the loop is closed: nobody is there to be told
            self._closing = True

    def _now(self) -> Duration:
        return int(self._since() * SECOND)

    # Calls that go out

    def _invite(
        self, leg_id: str, to: str, from_: str, sdp: str, headers: Headers, trunk: str
    ) -> None:
        try:
            peer, uri = self._found(to, trunk)
        except NoTrunk as none:
            self.tell(Ended(leg_id, "remote", none.q850, none.status, str(none)))
            return
        named, besides_ = self._named(peer, from_, uri)
        call = Call.outgoing(self, leg_id, peer, uri, named, (*besides_, *besides(headers)))
        self._hold(call)
        call.dial(sdp)

    def _found(self, to: str, trunk: str) -> tuple[Peer, str]:
        """Whom to send an INVITE, and its Request-URI. Raises NoTrunk."""
        if not dialable(to):
            raise NoTrunk(484, Q850.INVALID_NUMBER_FORMAT, "not a number")
        if (binding := self._registrar.where(to, self._now())) is not None:
            return Peer("", binding.address), binding.uri
        state = self._trunks.choose(to, trunk)
        assert state.address is not None
        return self._peer(state, state.address), _uri(state.trunk, to)

    def _named(self, peer: Peer, from_: str, uri: str) -> tuple[tuple[str, str], Headers]:
        """From and To, and whom we assert the caller to be."""
        to = f"<{uri}>"
        if not is_e164(from_):
            withheld = '"Anonymous" <sip:anonymous@anonymous.invalid>'
            return (withheld, to), (("Privacy", "id"),)
        state = self._trunks.states.get(peer.trunk)
        written = state.trunk.written(from_) if state is not None else from_
        domain = (state.trunk.domain if state is not None else "") or self.place
        own = f"<sip:{written}@{domain}>"
        return (own, to), (("P-Asserted-Identity", own),) if peer.trunk else ()

    def _peer(self, state: TrunkState, address: Address) -> Peer:
        return Peer(state.trunk.name, address, state.trunk.account, state.trunk.host)

    # Requests that begin something

    def _admits(self, host: str, data: bytes) -> bool:
        return self._guard.admits(host, data, self._now())

    def _began(self, served: Served) -> None:
        message = served.message
        if self._closing:
            served.challenge(503)
        elif message.to_tag:
            call = self._calls.get((message.call_id, message.to_tag))
            if call is None:
                served.challenge(481)
            else:
                call.requested(served)
        elif message.method == "INVITE":
            self._invited(served)
        elif message.method == "OPTIONS":
            served.answer(200, (("Allow", ALLOW), ("Accept", "application/sdp")))
        elif message.method == "REGISTER" and self._guard.verdict(served.source[0]).phones:
            self._register(served)
        else:
            served.answer(405, (("Allow", ALLOW),))

    def _register(self, served: Served) -> None:
        answer = self._registrar.register(served.message, served.source, self._now())
        served.answer(answer.status, answer.headers)
        for told in answer.told:
            self.tell(told)

    def _invited(self, served: Served) -> None:
        message = served.message
        verdict = self._guard.verdict(served.source[0])
        owner = self._trunks.owner(verdict.trunks, served.source)
        if owner is not None and not (verdict.phones and self._is_phone(message)):
            peer, from_ = self._peer(owner, served.source), caller(message)
        elif verdict.phones:
            judged = self._registrar.caller(message, served.source, self._now())
            if isinstance(judged, Answer):
                served.challenge(judged.status, judged.headers)
                return
            owner, peer, from_ = None, Peer("", served.source), judged
        else:
            served.challenge(403)
            return
        to = number(user_of(message.uri))
        refusal = self._refusal(message, to, owner)
        if refusal is not None:
            served.challenge(*refusal)
            return
        call = Call.incoming(self, derive(chance(), 0), peer, served)
        self._hold(call)
        self._begun.add((call.call_id, call.remote_tag))
        sdp, trunk, host = sdp_of(message), peer.trunk, served.source[0]
        told = Invited(call.leg_id, from_, to, passed_on(message), trunk, sdp, host)
        self.tell(told)

    def _is_phone(self, message: Message) -> bool:
        """Whether a call from an address of trunks and of phones shall be taken for a phone's."""
        return bool(message.first("authorization")) or (
            message.source is not None and self._registrar.placed(message.source)
        )

    def _refusal(
        self, message: Message, to: str, owner: TrunkState | None
    ) -> tuple[int, Headers] | None:
        """Why an INVITE cannot be taken, if it cannot."""
        if unknown := required(message):
            return 420, (("Unsupported", ", ".join(unknown)),)
        if not message.first("contact") or not message.from_tag:
            return 400, ()
        try:
            sdp_of(message)
        except ValueError:
            return 415, (("Accept", "application/sdp"),)
        if not to:
            return 404, ()
        if len(self._legs) >= GATEWAY_CHANNELS_MAX or (owner is not None and owner.full):
            return 503, ()
        if (message.call_id, message.from_tag) in self._begun:  # over another way (8.2.2.2)
            return 482, ()
        return None

    def _stray(self, message: Message) -> None:
        """A 2xx to an INVITE that nobody remembers: our ACK was lost, or it was forked."""
        call = self._calls.get((message.call_id, message.from_tag))
        if call is not None and call.remote_tag == message.to_tag:
            call.stray(message)
        elif message.source is not None and self._dismissed < SIP_STRAYS_MAX:
            self._dismissed += 1
            self.stack.after(SIP_STRAY_MS, self._forget_stray)
            Call.dismiss(self, Peer("-", message.source), message)

    def _forget_stray(self) -> None:
        self._dismissed -= 1

    def _hop(self, wanted: Address, first: Address) -> Address:
        """Where an ACK goes: as its dialog says, if that is an address of a trunk's."""
        found = host_port_of(f"sip:{wanted[0]}:{wanted[1]}")
        return found if found is not None and self._guard.reaches(found[0]) else first

    # Beginning, watching, ending

    def _begin(self) -> None:
        self._resolve()
        self._tick()
        for trunk in self._trunks.states.values():
            if trunk.trunk.keep_alive:
                self._keep_alive(trunk)
        for farewell in self._dialogs.left():
            self._sweep(farewell)

    def _sweep(self, farewell: Farewell) -> None:
        """Say what a predecessor could not; once, and whatever is answered."""
        address = (farewell.host, farewell.port)
        try:
            if farewell.kind == "ask":
                self.stack.ask(farewell.text, address, lambda _: None)
            else:
                self.stack.retort(farewell.text, 503, address)
        except Exception:  # the file may hold anything
            log.exception("a dialog that was left cannot be ended")

    def _tick(self) -> None:
        for told in self._registrar.expired(self._now()):
            self.tell(told)
        if self._phones:
            self.stack.after(_TICK, self._tick)

    def _resolve(self) -> None:
        names = {each.trunk.host for each in self._trunks.states.values()}
        literal = {name: name for name in names if host_port_of(f"sip:{name}") is not None}
        self._resolved(literal)
        if len(literal) < len(names) and not self._closing:
            wanted = (sorted(names - set(literal)), literal)
            Thread(target=self._look_up, args=wanted, name="sip-names", daemon=True).start()

    def _look_up(self, names: list[str], literal: dict[str, str]) -> None:
        """On a thread of its own, which nobody waits for: names may take long."""
        found = dict(literal)
        for name in names:
            try:
                found[name] = str(getaddrinfo(name, None, AF_INET)[0][4][0])
            except OSError as fault:
                log.warning("the trunk's host %s is not found: %s", name, fault)
        self.stack.post(self._resolved, found)
        self.stack.post(self.stack.after, SIP_RESOLVE_MS, self._resolve)

    def _resolved(self, found: dict[str, str]) -> None:
        for each in self._trunks.states.values():
            if each.trunk.host in found:
                each.address = (found[each.trunk.host], each.trunk.port)
        self._guard.know(
            each.address[0] for each in self._trunks.states.values() if each.address is not None
        )

    def _keep_alive(self, state: TrunkState) -> None:
        self.stack.after(state.trunk.keep_alive * SECOND, self._keep_alive, state)
        if state.address is None:
            return
        own = f"<sip:{self.place}>"
        drawn = chance().hex()
        headers = (
            ("Via", f"SIP/2.0/UDP {self.place};rport;branch=z9hG4bK{drawn}"),
            ("Max-Forwards", "70"),
            ("From", f"{own};tag={drawn[:16]}"),
            ("To", f"<sip:{state.trunk.host}>"),
            ("Call-ID", f"{drawn}@{self.place.partition(':')[0]}"),
            ("CSeq", "1 OPTIONS"),
            ("Contact", own),
            ("User-Agent", AGENT_NAME),
        )
        text = request("OPTIONS", f"sip:{state.trunk.host}:{state.trunk.port}", headers)

        def answered(message: Message) -> None:
            self._trunks.answered(state.trunk.name, yes=message.source is not None)

        self.stack.ask(text, state.address, answered)

    def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        for call in list(self._legs.values()):
            call.hang_up(Q850.TEMPORARY_FAILURE)
        self._dialogs.write()
        self._wait(self._now() + SIP_CLOSE_MS)

    def _wait(self, until: Duration) -> None:
        """For the answers to our last requests."""
        if self.stack.busy() and self._now() < until:
            self.stack.after(_CLOSING, self._wait, until)
            return
        self.stack.stop()
        self._on_loop(self._closed.set)


def _uri(trunk: Trunk, to: str) -> str:
    port = "" if trunk.port == 5060 else f":{trunk.port}"
    return f"sip:{trunk.written(to)}@{trunk.host}{port}"
