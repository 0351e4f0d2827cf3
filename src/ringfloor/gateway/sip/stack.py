"""The SIP stack: one UDP socket, transactions (RFC 3261, section 17), timers. sippy's only door.

gateway.sip.calls owns a Stack and speaks with it in plain values (gateway.sip.messages): it is
given Served for each request that begins something, and asks by ask. All callbacks come on one
thread, that of SIP; post is the way onto it. sippy's UA (dialogs) is not used: its events overtake
each other, it answers REFER with 202, takes a re-INVITE without SDP for hold, and says BYE before
ACK. gateway.sip.call is ours.

What of sippy is taken, and what is not
* Its event dispatcher is one per process, and polls a hundred times a second by a signal. We leave
  it its timers and give it another heart (_Heart): a select over our sockets and a queue of calls.
  All stacks of a process share the one thread that runs it; the last to stop ends it, and the next
  to start begins another.
* Its UDP server has three threads to send, which reorder, and looks names up for each packet. Ours
  (_Wire) has none, sends at once, and only to addresses.
* Its transaction manager prints, parses whoever sends, and trusts the Via's `received`.
  _Transactions looks at the source first, and contains whatever parsing raises.
* `;transport=UDP` in upper case stops it from sending at all; as we name the socket ourselves, it
  does not look at that parameter.
"""

import logging
import selectors
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from threading import Lock, Thread, get_ident
from types import MappingProxyType
from typing import Any, Final

from sippy.Core.EventDispatcher import ED2
from sippy.Exceptions.SipParseError import SipParseError
from sippy.MsgBody import MsgBody
from sippy.Network_server import Remote_address
from sippy.SipConf import SipConf
from sippy.SipHeader import SipHeader
from sippy.SipRequest import SipRequest
from sippy.SipResponse import SipResponse
from sippy.SipTransactionManager import (
    TERMINATED,
    SipTMRetransmitO,
    SipTransactionManager,
)
from sippy.Time.MonoTime import MonoTime
from sippy.Time.Timeout import Timeout

from ringfloor.base.limits import (
    SIP_COMPLAINT_MS,
    SIP_MESSAGE_BYTES_MAX,
    SIP_MESSAGES_AT_ONCE_MAX,
    SIP_REPEATS_MAX,
)
from ringfloor.base.time import SECOND, Duration, stopwatch
from ringfloor.gateway.sip.messages import AGENT_NAME, Message, clean, phrase

log = logging.getLogger(__name__)

_Sippy = Any
"""An object of sippy's, which has no types."""

Address = tuple[str, int]
"""Host (IPv4) and port."""

_STOP_SECONDS: Final = 5.0
"""The thread ends within milliseconds; this bounds the wait for one that does not."""
_BUFFER_BYTES: Final = 1_048_576
"""Of packets that wait: a flood shall not push out calls while Python is busy elsewhere."""
_LULL_SECONDS: Final = 1.0
_NOTHING_ANSWERED: Final = 32.0
"""Timer B: 64 times T1, 500 ms."""
_HEAD_END = "\r\n\r\n"
_SHORT = {"x": "session-expires", "k": "supported", "b": "referred-by", "s": "subject"}
_FOREIGN_BREAKS = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x85", "_"))
"""What Python takes for ends of lines, and SIP does not."""

SipConf.my_uaname = AGENT_NAME
SipConf.autoconvert_tel_url = True


class _Complaints:
    """Tells the log of what is wrong with messages, now and then, and how often it was."""

    def __init__(self) -> None:
        self._since = stopwatch()
        self._silent_until = 0.0
        self.count = 0

    def __call__(self, what: str, *_: object, **__: object) -> None:
        self.count += 1
        if (now := self._since()) >= self._silent_until:
            self._silent_until = now + SIP_COMPLAINT_MS / SECOND
            log.info(
                "%s (%d so far)", clean(what), self.count, exc_info=sys.exc_info()[0] is not None
            )


_complain = _Complaints()


def _mute() -> None:
    """Sippy prints, and dumps exceptions with whole messages; let it use the log instead."""
    for name, module in list(sys.modules.items()):
        if name.startswith("sippy."):
            said = vars(module)
            said["print"] = lambda *words, **_: _complain(" ".join(str(each) for each in words))
            if "dump_exception" in said:
                said["dump_exception"] = _complain


_mute()


class _Heart:
    """What sippy's dispatcher does between its timers: it waits for sockets and for calls."""

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._bell, self._cord = socket.socketpair()
        self._bell.setblocking(False)
        self._cord.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ, self._heard)
        self._lock = Lock()
        self._stopped = False

    def call_from_thread(self, called: Callable[..., object], *arguments: object) -> None:
        """From any thread; nothing once the thread has ended."""
        with self._lock:
            if not self._stopped:
                self._calls.append((called, arguments))
                with suppress(BlockingIOError):  # it rings already
                    self._cord.send(b".")

    def watch(self, sock: socket.socket, readable: Callable[[], None]) -> None:
        self._selector.register(sock, selectors.EVENT_READ, readable)

    def unwatch(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)

    def procrastinate(self) -> None:
        seconds = _LULL_SECONDS
        if ED2.tlisteners:
            seconds = min(seconds, max(0.0, ED2.tlisteners[0].etime - MonoTime()))
        for key, _ in self._selector.select(0.0 if self._calls else seconds):
            _contained(key.data, ())
        for _ in range(len(self._calls)):
            called, arguments = self._calls.popleft()
            called(*arguments)

    def _heard(self) -> None:
        self._bell.recv(4_096)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._selector.close()
            self._bell.close()
            self._cord.close()


class _Beating:
    """The thread of SIP: one per process, as long as there is a stack."""

    lock = Lock()
    now: "_Beating | None" = None
    before: Thread | None = None

    def __init__(self) -> None:
        self.heart = _Heart()
        self.stacks = 0
        ED2.tlisteners = []
        ED2.twasted = 0
        ED2.elp = self.heart
        self.thread = Thread(target=self._run, name="sip", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        ED2.my_ident = get_ident()
        try:
            ED2.loop()
        finally:
            self.heart.stop()

    @classmethod
    def join(cls) -> "_Beating":
        with cls.lock:
            if cls.now is None:
                if cls.before is not None:
                    cls.before.join(_STOP_SECONDS)
                cls.now = cls()
            cls.now.stacks += 1
            return cls.now

    @classmethod
    def leave(cls) -> None:
        with cls.lock:
            assert cls.now is not None
            cls.now.stacks -= 1
            if not cls.now.stacks:
                cls.before = cls.now.thread
                cls.now.heart.call_from_thread(ED2.breakLoop)
                cls.now = None


class _Wire:
    """The socket, as sippy's transactions want a server to be."""

    transport = "udp"

    def __init__(self, listen: Address) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind(listen)
        except OSError:
            self.socket.close()
            raise
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.address: Address = self.socket.getsockname()
        self.uopts = self

    def isWildCard(self) -> bool:  # noqa: N802  sippy's name
        return False

    def getSIPaddr(self) -> tuple[Address, str]:  # noqa: N802  sippy's name
        return self.address, self.transport

    def addr2str(self, address: Address) -> str:
        return f"{address[0]}:{address[1]}"

    def getServer(self, *_: object) -> "_Wire":  # noqa: N802  sippy's name
        return self

    def rotateCache(self) -> None:  # noqa: N802  sippy's name
        """Nothing is cached here."""

    def write(self, *_: object, **__: object) -> None:
        """Messages are not logged: they hold people's numbers."""

    def send_to(self, text: str, address: Address) -> None:
        """Send, or lose: this is UDP, and requests are repeated."""
        try:
            self.socket.sendto(text.encode("latin-1", "replace"), address)
        except (OSError, OverflowError) as fault:
            _complain(f"cannot send to {address[0]}: {fault}")

    def shutdown(self) -> None:
        self.socket.close()


class _Transactions(SipTransactionManager):  # type: ignore[misc]  # sippy has no types
    """sippy's transactions over our wire, with our way of receiving."""

    provisional_retr = 60  # proxies give up on an INVITE of which they hear nothing for 3 minutes

    def __init__(self, wire: _Wire, began: Callable[[_Sippy, _Sippy], _Sippy]) -> None:
        # Not the inherited one: it would open sockets of its own.
        self.global_config = {"_sip_logger": wire, "_sip_address": "", "_sip_port": 0}
        self.l4r = self.wire = wire
        self.tclient: dict[object, _Sippy] = {}
        self.tserver: dict[object, _Sippy] = {}
        self.req_cb = began
        self.req_consumers: dict[str, _Sippy] = {}
        self.l1rcache: dict[bytes, _Sippy] = {}
        self.l2rcache: dict[bytes, _Sippy] = {}
        self.hop: Callable[[Address, Address], Address] = lambda _, first: first
        self.stray: Callable[[Message], None] = lambda _: None
        self.cp_timer = Timeout(self.rCachePurge, 32, -1)

    def run(self, called: Callable[..., object], *arguments: object) -> None:
        """Timers are bound methods of this, so that shutdown finds them."""
        called(*arguments)

    def receive(self, data: bytes, source: Address) -> None:
        checksum = blake2b(data, digest_size=16).digest()
        before = self.l1rcache.get(checksum) or self.l2rcache.get(checksum)
        if before is not None:
            if before.data is not None:
                self.transmitData(before.userv, before.data, before.address)
            return
        if len(self.l1rcache) >= SIP_REPEATS_MAX:
            self.rCachePurge()
        text = _legible(data.decode("latin-1"))
        try:
            if text.startswith("SIP/2.0 "):
                self._response(text, source, checksum)
            else:
                self._request(text, source, checksum)
        except Exception as fault:  # noqa: BLE001  whatever a parser raises is the sender's fault
            self.l1rcache[checksum] = SipTMRetransmitO()
            _complain(f"a message from {source[0]} cannot be understood: {fault!r}")

    def _response(self, text: str, source: Address, checksum: bytes) -> None:
        response = SipResponse(text)
        _check(response)
        key = response.getTId(True, True)
        if not 100 <= response.scode <= 699:
            raise ValueError(f"status {response.scode}")
        response.rtime = MonoTime()
        response.setSource(Remote_address(source, "udp"))
        transaction = self.tclient.get(key)
        if transaction is not None and transaction.state is not TERMINATED:
            self.incomingResponse(response, transaction, checksum)
            return
        if 200 <= response.scode < 300 and key[3] == "INVITE":
            self.stray(_plain(response))  # each time anew, or a lost ACK would stay lost
        else:
            self.l1rcache[checksum] = SipTMRetransmitO()

    def _request(self, text: str, source: Address, checksum: bytes) -> None:
        try:
            request = SipRequest(text)
        except SipParseError as fault:
            if fault.sip_response is not None:
                self.transmitMsg(self.wire, fault.sip_response, source, checksum)
            raise
        _check(request)
        keys = request.getTIds()
        request.rtime = MonoTime()
        via = request.getHFBody("via")
        via.params.pop("received", None)
        if via.getAddr()[0] != source[0]:
            via.params["received"] = source[0]
        if "rport" in via.params:
            via.params["rport"] = str(source[1])
        request.setSource(Remote_address(source, "udp"))
        self.incomingRequest(request, checksum, keys, self.wire)

    def transmitReq(self, t: _Sippy, msg: _Sippy, address: Address, *rest: _Sippy) -> None:  # noqa: N802
        """An ACK goes where its dialog's requests may go."""
        super().transmitReq(t, msg, self.hop(address, t.address), *rest)

    def shutdown(self) -> None:
        for timer in ED2.tlisteners:
            if getattr(timer.cb_func, "__self__", None) is self:
                timer.cancel()
        self.wire.shutdown()


def _legible(text: str) -> str:
    """A message whose header lines Python ends where SIP does."""
    head, end, body = text.partition(_HEAD_END)
    return head.translate(_FOREIGN_BREAKS) + end + body


def _check(message: _Sippy) -> None:
    """Parse now what sippy would parse in the middle of something. Raises whatever comes of it."""
    for name in ("via", "from", "to", "call-id", "cseq", "record-route"):
        message.getHFBodys(name)
    for contact in message.getHFBodys("contact"):
        if not contact.asterisk:
            contact.getUrl().getTAddr()
        elif isinstance(message, SipResponse) or message.getMethod() != "REGISTER":
            raise ValueError("Contact: *")


class _Ours(SipRequest):  # type: ignore[misc]  # sippy has no types
    """A request of ours; it goes out as it was written."""

    def __init__(self, text: str) -> None:
        super().__init__(_legible(text))
        self._text = text

    def localStr(self, *_: object, **__: object) -> str:  # noqa: N802  sippy's name
        return self._text


def _plain(message: _Sippy) -> Message:
    headers: dict[str, list[str]] = {}
    for header in message.headers:
        name = _SHORT.get(header.name, header.name)
        value = header.body.body
        headers.setdefault(name, []).append(str(header.body) if value is None else value)
    number, method = message.getHFBody("cseq").getCSeq()
    body = message.getBody()
    response = isinstance(message, SipResponse)
    return Message(
        method=method if response else message.getMethod(),
        status=message.scode if response else 0,
        reason=clean(str(message.reason)) if response else "",
        uri="" if response else str(message.getRURI().original_uri or message.getRURI()),
        call_id=str(message.getHFBody("call-id")),
        cseq=number,
        headers=MappingProxyType({name: tuple(values) for name, values in headers.items()}),
        body="" if body is None else str(body),
        body_type="" if body is None else str(body.mtype),
        source=None if message.source is None else message.source[0],
    )


class Served:
    """A request that came, until it is answered. Its callbacks may be set while it is not."""

    def __init__(self, transactions: _Sippy, request: _Sippy, transaction: _Sippy) -> None:
        self.message = _plain(request)
        self.source: Address = request.getSource()
        self.open = True
        """Neither answered finally, nor cancelled."""
        self.pending = False
        """Answered provisionally; the final answer follows."""
        self.on_cancel: Callable[[Message | None], None] = lambda _: None
        """The far end cancels it (None: it has expired); it is answered 487 already."""
        self.on_unacknowledged: Callable[[], None] = lambda: None
        """The ACK for our final answer has not come."""
        self._transactions = transactions
        self._request = request
        self._transaction = transaction
        transaction.noack_cb = lambda *_: self.on_unacknowledged()
        transaction.cancel_cb = self._cancelled

    def _cancelled(self, _: object, request: _Sippy) -> None:
        self.open = False
        self.on_cancel(None if request is None else _plain(request))

    def text(self) -> str:
        """The request, with where it came from in its Via."""
        return str(self._request)

    def own(self, tag: str) -> None:
        """Our tag, in the 487 too that a CANCEL would be answered with."""
        if self._transaction.r487 is not None:
            self._transaction.r487.getHFBody("to").setTag(tag)

    def challenge(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer who has no call here, or may have none, and remember nothing of it (8.2.7).

        It is not repeated until an ACK; an INVITE that comes once more is answered once more.
        """
        self.answer(status, headers)
        transaction = self._transaction
        if transaction.tid is not None:
            transaction.teA.cancel()
            transaction.teD.cancel()
            del self._transactions.tserver[transaction.tid]
            transaction.cleanup()

    def answer(
        self,
        status: int,
        headers: Iterable[tuple[str, str]] = (),
        body: str = "",
        *,
        tag: str = "",
        on_ack: Callable[[Message], None] | None = None,
    ) -> None:
        """Answer, unless that is done already. tag: ours, of a request that begins a dialog."""
        if not self.open:
            return
        self.open = self.pending = status < 200
        response = self._request.genResponse(status, phrase(status))
        to = response.getHFBody("to")
        if tag and to.getTag() is None:
            to.setTag(tag)
        for name, value in (*headers, ("Server", AGENT_NAME)):
            response.appendHeader(SipHeader(name=name, bodys=value))
        if body:
            response.setBody(MsgBody(body))
        acknowledged = None if on_ack is None else (lambda request: on_ack(_plain(request)))
        self._transactions.sendResponse(response, self._transaction, ack_cb=acknowledged)


class Asked:
    """A request of ours that is under way."""

    def __init__(self, transactions: _Sippy, transaction: _Sippy) -> None:
        self._transactions = transactions
        self._transaction = transaction

    def cancel(self, headers: Iterable[tuple[str, str]] = ()) -> None:
        """CANCEL an INVITE: at once, or as soon as something is heard; nothing if it is over."""
        transaction, manager = self._transaction, self._transactions
        if transaction.cancel is None or transaction.tid not in manager.tclient:
            return
        for name, value in headers:
            transaction.cancel.appendHeader(SipHeader(name=name, bodys=value))
        manager.cancelTransaction(transaction)
        if transaction.teB is not None:
            transaction.teB.cancel()
            transaction.teB = Timeout(manager.timerB, _NOTHING_ANSWERED, 1, transaction)


class Stack:
    """A socket, its transactions and timers. Raises OSError if the address cannot be had.

    admits: whether a packet is looked at; asked before anything else, with its source.
    began: a request that belongs to no transaction; it answers by Served.
    """

    def __init__(
        self,
        listen: Address,
        *,
        admits: Callable[[str, bytes], bool],
        began: Callable[[Served], None],
    ) -> None:
        self._wire = _Wire(listen)
        self.address = self._wire.address
        self._admits = admits
        self._began = began
        self._transactions: _Sippy = None
        self._beating: _Beating | None = None

    def start(
        self, *, hop: Callable[[Address, Address], Address], stray: Callable[[Message], None]
    ) -> None:
        """Begin to listen, on the thread of SIP.

        hop: where to send what a message says should go to the first, if that may not be; the other
        is where the request went. stray: a 2xx to an INVITE that nobody remembers.
        """
        self._beating = _Beating.join()
        self.post(self._open, hop, stray)

    def _open(
        self, hop: Callable[[Address, Address], Address], stray: Callable[[Message], None]
    ) -> None:
        assert self._beating is not None
        self._transactions = _Transactions(self._wire, self._request)
        self._transactions.hop, self._transactions.stray = hop, stray
        self._beating.heart.watch(self._wire.socket, self._readable)

    def discard(self) -> None:
        """Give the address back, of a stack that was never started."""
        self._wire.shutdown()

    def stop(self) -> None:
        """On the thread of SIP: nothing comes or goes any more."""
        if self._beating is not None and self._transactions is not None:
            self._beating.heart.unwatch(self._wire.socket)
            self._transactions.shutdown()
            self._transactions = None
            self._beating = None
            _Beating.leave()

    def post(self, called: Callable[..., None], *arguments: object) -> None:
        """From any thread: have something done on that of SIP."""
        if (beating := self._beating) is not None:
            beating.heart.call_from_thread(_contained, called, arguments)

    def after(self, wait: Duration, called: Callable[..., None], *arguments: object) -> None:
        """On the thread of SIP: do something later, unless the stack has stopped by then."""
        if self._transactions is not None:
            Timeout(self._transactions.run, wait / SECOND, 1, _contained, called, arguments)

    def busy(self) -> bool:
        """On the thread of SIP: whether a request about a call has no answer yet."""
        if self._transactions is None:
            return False
        asked = self._transactions.tclient.values()
        return any(each.method != "OPTIONS" and each.state is not TERMINATED for each in asked)

    def ask(self, text: str, hop: Address, answered: Callable[[Message], None]) -> Asked:
        """Send a request until it is answered; after 32 s without an answer, 408 of nobody."""
        request = _Ours(text)
        request.setTarget((hop, "udp"))
        transaction = self._transactions.newTransaction(
            request,
            resp_cb=lambda response, _: _contained(answered, (_plain(response),)),
            cb_ifver=2,
            userv=self._wire,
        )
        return Asked(self._transactions, transaction)

    def fling(self, text: str, hop: Address) -> None:
        """Send a request once, and think no more of it: an ACK."""
        self._wire.send_to(text, hop)

    def retort(self, text: str, status: int, hop: Address) -> None:
        """Send a response to a request whose transaction is not ours any more."""
        self._wire.send_to(str(SipRequest(text).genResponse(status, phrase(status))), hop)

    def _readable(self) -> None:
        for _ in range(SIP_MESSAGES_AT_ONCE_MAX):
            try:
                data, source = self._wire.socket.recvfrom(SIP_MESSAGE_BYTES_MAX + 1)
            except BlockingIOError:
                return
            except OSError:  # of something sent before: nobody listens there (ICMP)
                continue
            if 32 <= len(data) <= SIP_MESSAGE_BYTES_MAX and self._admits(source[0], data):
                self._transactions.receive(data, source)

    def _request(self, request: _Sippy, transaction: _Sippy) -> tuple[None, _Sippy, _Sippy] | None:
        served = Served(self._transactions, request, transaction)
        _contained(self._began, (served,))
        if served.open and not served.pending:  # nobody has answered: a fault of ours
            served.answer(500)
        if not served.open:
            return None
        return None, transaction.cancel_cb, transaction.noack_cb


def _contained(called: Callable[..., object], arguments: tuple[object, ...]) -> None:
    try:
        called(*arguments)
    except Exception:  # of one message or timer; sippy's loop, and all other calls, go on
        log.exception("SIP: %s failed", getattr(called, "__qualname__", called))
