"""Link: what a server and its gateway say to each other, and how each knows the other. Sans-IO.

    gateway -> Challenge           its nonce
    server  -> Response            its own nonce, and the proof that it knows the key
    gateway -> Proof               that it does, too
    server  -> Hello               who I am, and what I have heard from you
    gateway -> Welcome             who I am, and which calls there are; or Busy
    server  -> Commands ...        numbered
    gateway -> Events ...          numbered

gateway.remote (in the server) and gateway.host (in the gateway process) hold one End of each
connection; whoever has the socket hands them bytes and takes bytes.

Rules
* A frame is its length, four bytes, and MessagePack. Before the key is proved it is at most
  LINK_HANDSHAKE_BYTES_MAX long. What is longer or cannot be read breaks the connection.
* The key never travels: each side signs both nonces and which side it is (HMAC-SHA256), so that
  neither can be answered with its own words or with old ones. Who connects proves first.
* Commands and events are numbered per session, and kept until the other side has acknowledged them;
  one batch at a time is under way. So a broken connection loses nothing and repeats nothing, and
  who reads slowly is never sent more than a batch.
* An empty batch is a sign of life and an acknowledgement.
"""

import hmac
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct

from ringfloor.base import codec
from ringfloor.base.limits import (
    LINK_BATCH_BYTES_MAX,
    LINK_FRAME_BYTES_MAX,
    LINK_HANDSHAKE_BYTES_MAX,
    LINK_ITEM_BYTES_MAX,
    LINK_QUEUE_MAX,
)
from ringfloor.base.time import Instant
from ringfloor.telephony.carrier import Channel
from ringfloor.telephony.commands import Command
from ringfloor.telephony.events import (
    ChannelHungUp,
    ChannelIncoming,
    Event,
    RecordingFailed,
    RecordingFinished,
)

VERSION = 1
"""Of what is said here; fields that are added at the end with a default do not change it."""

KEY_BYTES = 32
NONCE_BYTES = 32
HEAD_BYTES = 4
"""Before each frame: its length, big-endian."""

Send = Callable[[bytes], None]

T = TypeVar("T")


class LinkBroken(Exception):
    """The connection is of no more use: the other side is not trusted, or not understood."""


class WrongKey(LinkBroken):
    """The other side does not know the key."""


class TooLong(Exception):
    """One command or event does not fit into a frame."""


class TooMany(Exception):
    """So many wait that the other side lags behind for good."""


# Messages


class _Message(Struct, frozen=True, array_like=True, tag=True):
    pass


class Challenge(_Message, frozen=True):
    version: int
    nonce: bytes


class Response(_Message, frozen=True):
    version: int
    nonce: bytes
    proof: bytes


class Proof(_Message, frozen=True):
    proof: bytes


class Hello(_Message, frozen=True):
    """A server. server: its life, or a part of it. gateway: the life of a gateway it goes on with.

    seen: the last event of that session that it has.
    """

    server: str
    gateway: str
    seen: int


class Welcome(_Message, frozen=True):
    """How things stand at the gateway.

    resumed: the session goes on where it was; else it is a new one, both count from 1, and what
    follows tells all that has happened.
    """

    gateway: str
    pid: int
    resumed: bool
    seen: int
    """The last command of this session that the gateway has performed."""
    channels: tuple[Channel, ...]
    """All that live, without memory."""
    incoming: tuple[ChannelIncoming, ...]
    """Of those that ring in."""
    held: tuple[tuple[str, bool], ...]
    """Channels that have ever been put on hold by their far end, and whether they are."""
    recordings: tuple[str, ...]
    """Under way."""
    hung_up: tuple[ChannelHungUp, ...] = ()
    """The latest."""
    recorded: tuple[RecordingFinished | RecordingFailed, ...] = ()
    """Likewise."""
    registered: tuple[str, ...] = ()
    """Numbers of desk phones that are reachable."""


class Busy(_Message, frozen=True):
    """Another server holds this gateway, and lives."""


class Commands(_Message, frozen=True):
    first: int
    commands: tuple[Command, ...]
    seen: int
    """The last event that has been handed out."""


class Events(_Message, frozen=True):
    first: int
    events: tuple[tuple[Instant, Event], ...]
    seen: int
    """The last command that has been performed."""


class Stop(_Message, frozen=True):
    """Hang everything up and end."""


ToGateway = Hello | Commands | Stop
ToServer = Welcome | Busy | Events

_TO_GATEWAY = codec.decoder(ToGateway)
_TO_SERVER = codec.decoder(ToServer)
_CHALLENGE = codec.decoder(Challenge)
_RESPONSE = codec.decoder(Response)
_PROOF = codec.decoder(Proof)


def framed(body: bytes) -> bytes:
    """A frame."""
    return len(body).to_bytes(HEAD_BYTES, "big") + body


class Frames:
    """Bytes as they come, cut into frames."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._left = bytearray()

    def add(self, data: bytes) -> None:
        self._left += data

    def next(self) -> bytes | None:
        """The body of the next frame; None: it is not complete. Raises LinkBroken."""
        if len(self._left) < HEAD_BYTES:
            return None
        length = int.from_bytes(self._left[:HEAD_BYTES], "big")
        if not 0 < length <= self.bytes_max:
            raise LinkBroken(f"a frame of {length} bytes; it may have 1 to {self.bytes_max}")
        end = HEAD_BYTES + length
        if len(self._left) < end:
            return None
        body = bytes(self._left[HEAD_BYTES:end])
        del self._left[:end]
        return body


# Ends


def _proof(key: bytes, role: Literal[b"server", b"gateway"], *nonces: bytes) -> bytes:
    return hmac.digest(key, b"\0".join((b"ringfloor link", role, *nonces)), "sha256")


def _read(decoder: "msgspec.msgpack.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LinkBroken(f"a message that cannot be read: {error}") from error


def _check(version: int, *fields: bytes) -> None:
    if version != VERSION:
        raise LinkBroken(f"the other side speaks version {version}, and this one {VERSION}")
    if any(len(field) != NONCE_BYTES for field in fields):
        raise LinkBroken("a nonce or proof of a wrong length")


class _End:
    """One side of a connection. proved: the other side knows the key."""

    def __init__(self, key: bytes, nonce: bytes, send: Send) -> None:
        assert len(key) == KEY_BYTES
        assert len(nonce) == NONCE_BYTES
        self.proved = False
        self._key = key
        self._nonce = nonce
        self._send = send
        self._frames = Frames(LINK_HANDSHAKE_BYTES_MAX)

    def say(self, message: Struct) -> None:
        """Send a message."""
        self._send(framed(codec.encode(message)))

    def say_batch(
        self, kind: type[Commands | Events], first: int, items: Sequence[Raw], seen: int
    ) -> None:
        """Send Commands or Events whose items are packed already."""
        self._send(framed(codec.encode((kind.__name__, first, items, seen))))

    def _know(self) -> None:
        self.proved = True
        self._frames.bytes_max = LINK_FRAME_BYTES_MAX


class ServerEnd(_End):
    """The server's: it has connected."""

    _theirs = b""

    def receive(self, data: bytes) -> list[ToServer]:
        """What follows from these bytes; raises LinkBroken."""
        self._frames.add(data)
        heard: list[ToServer] = []
        while (body := self._frames.next()) is not None:
            if self.proved:
                heard.append(_read(_TO_SERVER, body))
            elif not self._theirs:
                challenge = _read(_CHALLENGE, body)
                _check(challenge.version, challenge.nonce)
                self._theirs = challenge.nonce
                proof = _proof(self._key, b"server", self._theirs, self._nonce)
                self.say(Response(VERSION, self._nonce, proof))
            else:
                expected = _proof(self._key, b"gateway", self._theirs, self._nonce)
                if not hmac.compare_digest(_read(_PROOF, body).proof, expected):
                    raise WrongKey("the gateway does not know the key of this server")
                self._know()
        return heard


class GatewayEnd(_End):
    """The gateway's: it has been connected to, and begins."""

    def begin(self) -> None:
        self.say(Challenge(VERSION, self._nonce))

    def receive(self, data: bytes) -> list[ToGateway]:
        """What follows from these bytes; raises LinkBroken."""
        self._frames.add(data)
        heard: list[ToGateway] = []
        while (body := self._frames.next()) is not None:
            if self.proved:
                heard.append(_read(_TO_GATEWAY, body))
                continue
            response = _read(_RESPONSE, body)
            _check(response.version, response.nonce, response.proof)
            expected = _proof(self._key, b"server", self._nonce, response.nonce)
            if not hmac.compare_digest(response.proof, expected):
                raise WrongKey("the server does not know the key of this gateway")
            self.say(Proof(_proof(self._key, b"gateway", self._nonce, response.nonce)))
            self._know()
        return heard


# Numbers


class Outflow(Generic[T]):
    """What goes to the other side, numbered from 1, until it is acknowledged."""

    def __init__(self) -> None:
        self._items: deque[tuple[T, bytes]] = deque()
        self._first = 1
        self._under_way = 0
        """How many of the first items are on their way."""
        self._sent = 0
        """The highest number that has ever been sent."""

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> list[T]:
        """What is not acknowledged, oldest first."""
        return [item for item, _ in self._items]

    def push(self, item: T) -> None:
        """Raises TooLong or TooMany."""
        packed = codec.encode(item)
        if len(packed) > LINK_ITEM_BYTES_MAX:
            raise TooLong(f"{len(packed)} bytes are more than {LINK_ITEM_BYTES_MAX}")
        if len(self._items) >= LINK_QUEUE_MAX:
            raise TooMany(f"{LINK_QUEUE_MAX} wait for the other side")
        self._items.append((item, packed))

    def withdraw(self, is_void: Callable[[T], bool]) -> list[T]:
        """Take back what has never been sent; what was taken."""
        sent = max(self._sent - self._first + 1, 0)
        kept = list(self._items)
        void = [each for each in kept[sent:] if is_void(each[0])]
        if void:
            waiting = (each for each in kept[sent:] if not is_void(each[0]))
            self._items = deque((*kept[:sent], *waiting))
        return [item for item, _ in void]

    def batch(self) -> tuple[int, list[Raw]]:
        """Its first number, and what shall be sent now: nothing while a batch is under way."""
        chosen: list[Raw] = []
        if not self._under_way:
            size = 0
            for _, packed in self._items:
                size += len(packed)
                if chosen and size > LINK_BATCH_BYTES_MAX:
                    break
                chosen.append(Raw(packed))
            self._under_way = len(chosen)
            self._sent = max(self._sent, self._first + len(chosen) - 1)
        return self._first, chosen

    def acknowledged(self, number: int) -> list[T]:
        """Everything up to this number is there; what is new of it. Raises LinkBroken."""
        if number > self._sent:
            raise LinkBroken(f"{number} is acknowledged, and {self._sent} was the last")
        there = []
        while self._first <= number:
            there.append(self._items.popleft()[0])
            self._first += 1
            self._under_way = max(self._under_way - 1, 0)
        return there

    def again(self) -> None:
        """The connection is a new one: what was under way has to be sent again."""
        self._under_way = 0


class Inflow:
    """What comes from the other side. seen: the number of the last."""

    def __init__(self) -> None:
        self.seen = 0

    def new(self, first: int, items: Sequence[T]) -> Sequence[T]:
        """Those that have not come before; raises LinkBroken if some are missing."""
        if items and not 0 < first <= self.seen + 1:
            raise LinkBroken(f"{first} follows {self.seen}")
        fresh = items[self.seen + 1 - first :] if items else items
        self.seen += len(fresh)
        return fresh
