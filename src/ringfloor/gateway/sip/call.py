"""Call: one leg as SIP knows it, a dialog (RFC 3261, section 12) with its INVITEs.

gateway.sip.calls makes one per leg and calls it on the thread of SIP; what happens is told by
Signals.

    ringing --accept--> up --BYE, hang_up--> over        they called us
       `--refuse, CANCEL--> over
    dialling --2xx--> up                                 we called them
       `--status, hang_up (CANCEL)--> over

Rules
* Over is told once: by Ended if it is the far end's doing, or a timer's; not at all if it is ours.
* A 2xx that crosses our CANCEL is acknowledged and answered with BYE; a hang_up before the ACK for
  our 200 waits for that ACK (RFC 3261, section 15).
* A challenge is answered once per request.
* Requests within the dialog go where its route says, if that is an address of the trunk's; else to
  where the far end itself has sent from. Names in Contacts are not looked up: nobody shall have us
  send to places of his choice. Phones are always sent to where they have registered from.
* REFER is refused. A transfer of ours ends with BYE when its NOTIFY says how it went.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, Protocol

from msgspec import Struct

from ringfloor.base.ids import chance
from ringfloor.base.limits import SIP_ROUTES_MAX, SIP_TRANSFER_MS
from ringfloor.gateway.signalling import (
    Accepted,
    Ended,
    Progresses,
    Reoffered,
    Rings,
    Signal,
    TransferAsked,
)
from ringfloor.gateway.sip.dialogs import Farewell
from ringfloor.gateway.sip.digest import Account, Unspoken, answer
from ringfloor.gateway.sip.messages import (
    AGENT_NAME,
    ALLOW,
    Headers,
    Message,
    cause,
    clean,
    host_port_of,
    legible,
    reason_header,
    request,
    required,
    sdp_of,
    uri_of,
)
from ringfloor.gateway.sip.stack import Address, Asked, Served, Stack
from ringfloor.telephony.events import Q850, sip_status

_Then = Callable[[Message], None]

_TIMER_RECOVERY = 102
"""Q.850: recovery on timer expiry."""
_FINAL = re.compile(r"SIP/2\.0\s+[2-6]\d\d")


class Peer(Struct, frozen=True):
    """Whom a call is with."""

    trunk: str
    """Its name; "": a phone."""
    address: Address
    """Where it sends from, or where its host is."""
    account: Account | None = None
    domain: str = ""
    """What stands behind the @ when it is sent elsewhere; "": its address."""


class House(Protocol):
    """What a call needs of the gateway that it is in."""

    stack: Stack
    place: str
    """Our address as others see it: host:port."""

    def tell(self, signal: Signal) -> None: ...

    def reaches(self, host: str) -> bool:
        """Whether it may be sent there."""

    def answered(self, peer: Peer, *, yes: bool) -> None:
        """Whether there was any answer to an INVITE."""

    def note(self, leg_id: str, farewell: Farewell) -> None:
        """What to say if we die now."""

    def over(self, call: "Call") -> None:
        """Nothing more comes of this call; may be said several times."""


class Call:
    """A leg. incoming and outgoing make one."""

    def __init__(self, house: House, leg_id: str, peer: Peer, call_id: str) -> None:
        self.leg_id = leg_id
        self.peer = peer
        self.call_id = call_id
        self.tag = chance().hex()
        """Ours; with the Call-ID it names the dialog."""
        self.remote_tag = ""
        self.state: Literal["ringing", "dialling", "up", "over"] = "over"
        self._house = house
        self._local = self._remote = self._target = ""
        self._routes: tuple[str, ...] = ()
        self._ours = int.from_bytes(chance()[:3], "big")
        self._theirs = -1
        self._served: Served | None = None
        """Their INVITE or re-INVITE that waits for our answer."""
        self._asked: Asked | None = None
        self._besides: Headers = ()
        self._offer = ""
        self._proved = False
        """A challenge to our INVITE is answered."""
        self._noticed = False
        """Anything at all has come for our INVITE."""
        self._heard = False
        """Their SDP has come already, in a 183."""
        self._owes: Literal["ack", "answer"] | None = None
        """What is to come with the ACK for our 200: itself, or their SDP as well."""
        self._farewell: int | None = None
        """The cause of a BYE that waits for the ACK."""
        self._transferring = False

    # Beginning

    @classmethod
    def incoming(cls, house: House, leg_id: str, peer: Peer, served: Served) -> "Call":
        """They call us: 100 goes out; Invited is the caller's business."""
        message = served.message
        call = cls(house, leg_id, peer, message.call_id)
        call.state = "ringing"
        call.remote_tag = message.from_tag
        call._local = f"{message.first('to')};tag={call.tag}"
        call._remote = message.first("from")
        call._target = uri_of(message.first("contact"))
        call._routes = message.all("record-route")[:SIP_ROUTES_MAX]
        call._theirs = message.cseq
        call._served = served
        served.own(call.tag)
        served.on_cancel = call._cancelled
        served.answer(100)
        house.note(leg_id, Farewell("refuse", served.text(), *served.source))
        return call

    @classmethod
    def outgoing(
        cls,
        house: House,
        leg_id: str,
        peer: Peer,
        uri: str,
        named: tuple[str, str],
        besides: Headers,
    ) -> "Call":
        """We call them; dial sends the INVITE. named: From and To."""
        call = cls(house, leg_id, peer, f"{chance().hex()}@{house.place.partition(':')[0]}")
        call.state = "dialling"
        call._target = uri
        call._local, call._remote = f"{named[0]};tag={call.tag}", named[1]
        call._besides = besides
        return call

    @classmethod
    def dismiss(cls, house: House, peer: Peer, message: Message) -> None:
        """Be rid of a dialog that a 2xx has made and nobody wants: ACK and BYE."""
        call = cls(house, "", peer, message.call_id)
        call._local, call._ours = message.first("from"), message.cseq
        call._establish(message)
        call.stray(message)
        call._bye(Q850.NORMAL_CLEARING)

    def dial(self, sdp: str, proof: Headers = ()) -> None:
        """INVITE, with our offer."""
        self._offer = sdp
        via = self._via()
        headers = (*self._head("INVITE", via), ("Expires", "300"), *self._besides, *proof)
        text = request("INVITE", self._target, headers, sdp)
        self._asked = self._house.stack.ask(text, self.peer.address, self._answered)
        cancel = request("CANCEL", self._target, self._head("CANCEL", via))
        self._house.note(self.leg_id, Farewell("ask", cancel, *self.peer.address))

    # What we want

    def ring(self) -> None:
        self._provisional(180, "")

    def progress(self, sdp: str) -> None:
        self._provisional(183, sdp)

    def _provisional(self, status: int, sdp: str) -> None:
        if self.state == "ringing" and self._served is not None:
            self._served.answer(status, self._contact(), sdp, tag=self.tag)

    def accept(self, sdp: str) -> None:
        if self.state == "ringing":
            self.state = "up"
            self._agree(sdp)

    def reanswer(self, sdp: str) -> None:
        if self.state == "up":
            self._agree(sdp)

    def _agree(self, sdp: str) -> None:
        """200, to an INVITE or a re-INVITE."""
        served, self._served = self._served, None
        if served is None or not served.open:
            return
        if contact := served.message.first("contact"):
            self._target = uri_of(contact)
        self._owes = "ack" if served.message.body.strip() else "answer"
        served.on_unacknowledged = self._unacknowledged
        headers = (*self._contact(), ("Allow", ALLOW))
        served.answer(200, headers, sdp, tag=self.tag, on_ack=self._acknowledged)
        self._note_bye()

    def refuse(self, status: int, q850: int) -> None:
        if self.state == "ringing":
            self._close_served(status if 300 <= status <= 699 else sip_status(q850), q850)
            self._over()

    def refuse_offer(self) -> None:
        if self.state == "up" and self._served is not None:
            self._served.answer(488)
            self._served = None

    def hang_up(self, q850: int) -> None:
        """End it, in any state; it is not told."""
        if self.state == "ringing":
            self.refuse(sip_status(q850), q850)
        elif self.state == "dialling":
            self._over()
            if self._asked is not None:
                self._asked.cancel((reason_header(q850),))
        elif self.state == "up":
            self._over()
            self._close_served(487, q850)
            self._bye(q850)

    def redirect(self, to: str) -> None:
        """302, or REFER and then BYE."""
        elsewhere = f"<sip:{to}@{self.peer.domain or self.peer.address[0]}>"
        if self.state == "ringing" and self._served is not None:
            self._served.answer(302, (("Contact", elsewhere),), tag=self.tag)
            self._over()
        elif self.state == "up" and self._owes is None:
            self.state = "over"
            self._transferring = True
            self._close_served(487, Q850.NORMAL_CLEARING)
            by = ("Referred-By", f"<{uri_of(self._local)}>")
            self._ask("REFER", (("Refer-To", elsewhere), by), self._referred)
            self._house.stack.after(SIP_TRANSFER_MS, self._transferred)
        else:
            self.hang_up(Q850.NORMAL_CLEARING)

    # What becomes of our INVITE

    def _answered(self, message: Message) -> None:
        if message.cseq != self._ours:
            return
        self._noticed = self._noticed or message.source is not None
        self._house.answered(self.peer, yes=self._noticed)
        if self.state != "dialling":
            if 200 <= message.status < 300:  # it crossed our CANCEL
                self._establish(message)
                self._house.stack.after(0, self._bye, Q850.NORMAL_CLEARING)  # the ACK goes first
        elif message.status < 200:
            self._progresses(message)
        elif message.status < 300:
            self._accepted(message)
        elif not self._prove(message):
            self._end(
                "timeout" if message.source is None else "remote",
                self._failure(message),
                message.status,
                f"{message.status} {message.reason}",
            )

    def _failure(self, message: Message) -> int:
        if message.source is not None:
            return cause(message)
        return Q850.NO_ANSWER if self._noticed else Q850.NETWORK_OUT_OF_ORDER

    def _progresses(self, message: Message) -> None:
        if message.status == 180:
            self._house.tell(Rings(self.leg_id))
        try:
            sdp = sdp_of(message) if message.status > 100 else None
        except ValueError:
            sdp = None
        if sdp is not None:
            self._heard = True
            self._house.tell(Progresses(self.leg_id, sdp))

    def _accepted(self, message: Message) -> None:
        self._establish(message)
        try:
            sdp = sdp_of(message)
        except ValueError:
            sdp = None
        self.state = "up"
        self._note_bye()
        if sdp is None and not self._heard:
            self._break("200 without SDP")
        else:
            self._house.tell(Accepted(self.leg_id, sdp))

    def _establish(self, message: Message) -> None:
        self._remote, self.remote_tag = message.first("to"), message.to_tag
        self._target = uri_of(message.first("contact")) or self._target
        self._routes = message.all("record-route")[:SIP_ROUTES_MAX][::-1]

    def _prove(self, message: Message) -> bool:
        """Answer a challenge to INVITE, once; whether that could be done."""
        proof = self._proof(message, "INVITE")
        if not proof or self._proved:
            return False
        self._proved = True
        self._house.stack.after(0, self._dial_again, proof)  # the ACK goes first
        return True

    def _dial_again(self, proof: Headers) -> None:
        if self.state == "dialling":
            self._ours += 1
            self.dial(self._offer, proof)

    def _proof(self, message: Message, method: str) -> Headers:
        name, header = {
            401: ("www-authenticate", "Authorization"),
            407: ("proxy-authenticate", "Proxy-Authorization"),
        }.get(message.status, ("", ""))
        if self.peer.account is None or not name:
            return ()
        for challenge in message.all(name):
            try:
                drawn = chance().hex()[:16]
                return (
                    (header, answer(challenge, self.peer.account, method, self._target, drawn)),
                )
            except Unspoken:
                continue
        return ()

    # What comes from them

    def requested(self, served: Served) -> None:
        """A request within the dialog."""
        message = served.message
        if message.from_tag != self.remote_tag:
            served.answer(481)
        elif message.cseq <= self._theirs:
            served.answer(500)
        else:
            self._theirs = message.cseq
            handler = self._REQUESTS.get(message.method)
            if handler is None:
                served.answer(405, (("Allow", ALLOW),))
            else:
                handler(self, served)

    def _bye_came(self, served: Served) -> None:
        served.answer(200)
        self._owes = self._farewell = None
        if self.state == "over":
            self._transferring = False
            self._house.over(self)
        elif self.state in ("ringing", "up"):
            status = 487 if self.state == "ringing" else None
            self._close_served(487, Q850.NORMAL_CLEARING)
            self._end("remote", cause(served.message, Q850.NORMAL_CLEARING), status, "BYE")

    def _invited_again(self, served: Served) -> None:
        if self.state != "up" or self._served is not None or self._owes is not None:
            served.answer(491)
            return
        if unknown := required(served.message):
            served.answer(420, (("Unsupported", ", ".join(unknown)),))
            return
        try:
            sdp = sdp_of(served.message)
        except ValueError:
            served.answer(415, (("Accept", "application/sdp"),))
            return
        self._served = served
        served.on_cancel = self._offer_cancelled
        served.answer(100)
        self._house.tell(Reoffered(self.leg_id, sdp))

    def _offer_cancelled(self, _: Message | None) -> None:
        self._served = None

    def _refer_came(self, served: Served) -> None:
        served.answer(603)
        if self.state == "up" and (to := served.message.first("refer-to")):
            self._house.tell(TransferAsked(self.leg_id, legible(to)))

    def _options_came(self, served: Served) -> None:
        served.answer(200, (("Allow", ALLOW), ("Accept", "application/sdp")))

    def _notified(self, served: Served) -> None:
        served.answer(200 if self._transferring else 481)
        if _FINAL.match(served.message.body):
            self._transferred()

    _REQUESTS: ClassVar[Mapping[str, "Callable[[Call, Served], None]"]] = {
        "BYE": _bye_came,
        "INVITE": _invited_again,
        "REFER": _refer_came,
        "OPTIONS": _options_came,
        "NOTIFY": _notified,
    }

    def _cancelled(self, message: Message | None) -> None:
        """CANCEL, or the INVITE's Expires has run out."""
        if self.state == "ringing":
            if message is None:
                self._end("timeout", Q850.NO_ANSWER, 487, "the INVITE has expired")
            else:
                self._end("remote", cause(message, Q850.NORMAL_CLEARING), 487, "CANCEL")

    def _acknowledged(self, message: Message) -> None:
        owed, self._owes = self._owes, None
        if self._farewell is not None:
            self._bye(self._farewell)
        elif owed == "answer" and self.state == "up":
            try:
                sdp = sdp_of(message)
            except ValueError:
                sdp = None
            if sdp is None:
                self._break("ACK without the answer to our offer")
            else:
                self._house.tell(Accepted(self.leg_id, sdp))

    def _unacknowledged(self) -> None:
        self._owes = None
        if self._farewell is not None:
            self._bye(self._farewell)
        elif self.state == "up":
            self._bye(_TIMER_RECOVERY)
            self._end("timeout", _TIMER_RECOVERY, None, "no ACK")

    def stray(self, message: Message) -> None:
        """Their 200 once more, worded anew: our ACK was lost."""
        headers = [
            each for each in self._head("ACK", self._via()) if each[0] not in ("CSeq", "Contact")
        ]
        text = request("ACK", self._target, (*headers, ("CSeq", f"{message.cseq} ACK")))
        self._house.stack.fling(text, self._hop())

    # Ending

    def _break(self, why: str) -> None:
        """The far end does not keep to the protocol: BYE."""
        self._house.stack.after(0, self._bye, Q850.INTERWORKING)
        self._end("remote", Q850.INTERWORKING, None, why)

    def _end(
        self, by: Literal["remote", "timeout"], q850: int, status: int | None, reason: str
    ) -> None:
        self._over()
        self._house.tell(Ended(self.leg_id, by, q850, status, clean(reason)))

    def _over(self) -> None:
        self.state = "over"
        if self._owes is None:
            self._house.over(self)

    def _close_served(self, status: int, q850: int) -> None:
        if self._served is not None:
            self._served.answer(status, (reason_header(q850),), tag=self.tag)
            self._served = None

    def _bye(self, q850: int) -> None:
        if self._owes is not None:
            self._farewell = q850
            return
        self._farewell = None
        self._ask("BYE", (reason_header(q850),), lambda _: None)
        self._house.over(self)

    def _referred(self, message: Message) -> None:
        if message.status >= 300:
            self._transferred()

    def _transferred(self) -> None:
        if self._transferring:
            self._transferring = False
            self._bye(Q850.NORMAL_CLEARING)

    # Writing

    def _ask(self, method: str, headers: Headers, then: _Then) -> None:
        """A request within the dialog; a challenge is answered once."""

        def answered(message: Message) -> None:
            proof = self._proof(message, method)
            if proof:
                self._send(method, (*headers, *proof), then)
            elif message.status >= 200:
                then(message)

        self._send(method, headers, answered)

    def _send(self, method: str, headers: Headers, answered: _Then) -> None:
        self._ours += 1
        text = request(method, self._target, (*self._head(method, self._via()), *headers))
        self._house.stack.ask(text, self._hop(), answered)

    def _note_bye(self) -> None:
        """The BYE for the file: its CSeq leaves room for what may still be sent before."""
        headers = [each for each in self._head("BYE", self._via()) if each[0] != "CSeq"]
        headers += [("CSeq", f"{self._ours + 1_000} BYE"), reason_header(Q850.TEMPORARY_FAILURE)]
        text = request("BYE", self._target, headers)
        self._house.note(self.leg_id, Farewell("ask", text, *self._hop()))

    def _head(self, method: str, via: str) -> Headers:
        """The headers of every request of this dialog."""
        own = () if method in ("CANCEL", "BYE") else (*self._contact(), ("Allow", ALLOW))
        return (
            ("Via", via),
            *(("Route", each) for each in self._routes),
            ("Max-Forwards", "70"),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._ours} {method}"),
            *own,
            ("User-Agent", AGENT_NAME),
        )

    def _via(self) -> str:
        return f"SIP/2.0/UDP {self._house.place};rport;branch=z9hG4bK{chance().hex()}"

    def _contact(self) -> Headers:
        return (("Contact", f"<sip:{self._house.place}>"),)

    def _hop(self) -> Address:
        """Where the next request of this dialog goes."""
        if self.peer.trunk:
            place = host_port_of(uri_of(self._routes[0]) if self._routes else self._target)
            if place is not None and self._house.reaches(place[0]):
                return place
        return self.peer.address
