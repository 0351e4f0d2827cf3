"""Voice file: voice.toml, which says whom a gateway speaks with; read and checked as a whole.

    [gateway]     where it listens, and by what address it is known
    [[trunk]]     who carries calls to and from the outside
    [[phone]]     desk phones that may register
    [asterisk]    an Asterisk that carries the calls, instead of trunks and phones

Called by cli_gateway. MEMBERS is everything that may stand there, with its default. Nobody who is
not in the file is listened to: without trunks and phones there are only the browsers of agents.
What is wrong is told all at once: each with its place, its value and the rule. Passwords are never
in the file, which names another file or a variable of the environment that holds one.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from ringfloor.base.errors import Fault
from ringfloor.base.limits import (
    GATEWAY_CHANNELS_MAX,
    MEDIA_TIMEOUT_SECONDS_MAX,
    MEDIA_TIMEOUT_SECONDS_MIN,
    TRUNK_KEEP_ALIVE_SECONDS_MAX,
    VOICE_FILE_ROWS_MAX,
)
from ringfloor.base.reading import Part, Problem
from ringfloor.base.time import SECOND, Duration
from ringfloor.domain.numbers import is_e164
from ringfloor.gateway.sip.digest import Account
from ringfloor.gateway.sip.registrar import PRIVATE, Phone
from ringfloor.gateway.sip.trunks import Trunk

Address = tuple[str, int]
"""IPv4 address or name, and port."""

Source = Callable[[str], str | None]
"""Gives the content of what is named; None: there is no such thing."""


class Member(NamedTuple):
    """One line of voice.toml."""

    section: str
    name: str
    default: str
    """"": it must be said; "-": it may be left out."""
    meaning: str


LISTEN, RTP, WEBRTC = "127.0.0.1:5060", "16384-17383", "127.0.0.1:0"
MEDIA_TIMEOUT_SECONDS, KEEP_ALIVE_SECONDS, TRUNK_CALLS = 30, 30, 100

_PASSWORDS = (
    ("password_file", "-", "the file that holds the password, beside this one or absolute"),
    ("password_env", "-", "or the environment variable that does"),
)

MEMBERS = tuple(
    Member(section, *row)
    for section, rows in {
        "gateway": (
            ("listen", LISTEN, "address and UDP port of SIP; 0.0.0.0: all addresses"),
            ("address", "listen's", "our address as others reach it: for SDP and Contact"),
            ("rtp", RTP, "UDP ports of sound; two for each call, an even one and the next"),
            ("media_timeout", f"{MEDIA_TIMEOUT_SECONDS}", "seconds without sound that end a call"),
            ("webrtc", WEBRTC, "address and UDP port of browsers' sound; port 0: any"),
            ("webrtc_addresses", "address", "list: by what addresses browsers reach that port"),
            ("refer", "false", "whether calls may be handed on by 302 and REFER"),
        ),
        "trunk": (
            ("name", "", "what it is called in logs and in commands"),
            ("host", "", "where it is, as sip.example.net or 203.0.113.1:5060"),
            ("from", "[]", "list of networks: who may call in, as 203.0.113.0/28"),
            ("prefixes", "[]", "list: what numbers begin with that go over it; none: all"),
            ("username", "-", "who we are to it, where it asks"),
            *_PASSWORDS,
            ("domain", "address", "what stands behind the @ of our number"),
            ("keep_alive", f"{KEEP_ALIVE_SECONDS}", "seconds between OPTIONS; 0: none"),
            ("calls", f"{TRUNK_CALLS}", "at once, in both directions"),
            ("plus", "true", "whether it wants numbers with their plus"),
            ("nat", "false", "its sound may come from any address in `from`"),
        ),
        "phone": (
            ("username", "", "by which it registers"),
            ("number", "", "E.164: under it it rings, with it it calls"),
            *_PASSWORDS,
            ("from", "private networks", "list of networks where it may be"),
            ("nat", "false", "its sound may come from any address in `from`"),
        ),
        "asterisk": (
            ("url", "", "of ARI, as http://127.0.0.1:8088/ari"),
            ("application", "ringfloor", "the name of our Stasis application"),
            ("username", "", "of ARI"),
            *_PASSWORDS,
            ("trunk", "", "the PJSIP endpoint that calls leave by"),
            ("host", "-", "host:port that numbers are called at; else the endpoint's own"),
            ("recordings", "", "Asterisk's directory of recordings, as we see it"),
            ("sounds", "", "a directory that we write and Asterisk reads, as we see it"),
            ("sounds_there", "sounds", "the same, as Asterisk sees it"),
            ("phones", "{}", 'table: desk phones, as "+15550100" = "their endpoint"'),
        ),
    }.items()
    for row in rows
)
"""All there is, in the order in which it is explained."""


class Gateway(Struct, frozen=True, kw_only=True):
    """Where it listens and how it is known."""

    listen: Address
    address: str
    rtp: tuple[int, int]
    media_timeout_ms: Duration
    webrtc: Address
    webrtc_addresses: tuple[str, ...]
    refer: bool


class Ari(Struct, frozen=True, kw_only=True):
    """An Asterisk."""

    url: str
    application: str
    account: Account
    trunk: str
    host: str
    recordings: Path
    sounds: Path
    sounds_there: str
    phones: tuple[tuple[str, str], ...]


class Voice(Struct, frozen=True, kw_only=True):
    """All of it."""

    gateway: Gateway
    trunks: tuple[Trunk, ...]
    phones: tuple[Phone, ...]
    nat: frozenset[str]
    """Names of trunks and numbers of phones whose sound may come from all of their networks."""
    asterisk: Ari | None


def load(path: Path, variable: Source) -> Voice:
    """The voice file. variable: of the environment. Raises Fault with all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: cannot be read: {error}") from error

    def content(name: str) -> str | None:
        try:
            return (path.parent / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    return read(text, str(path), content, variable)


def read(text: str, name: str, content: Source, variable: Source) -> Voice:
    """The voice file of a text. name: of it. content: of a file that it names."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(f"{name}: {error}") from error
    problems: list[Problem] = []
    found = _Reader(content, variable).voice(Part(table, "", problems))
    if problems:
        lines = [f"{name}: {each.key} = {each.value} {each.rule}" for each in problems]
        raise Fault("\n  ".join(lines) if len(lines) == 1 else "\n  " + "\n  ".join(lines))
    return found


class _Reader:
    """Reads the parts; what they name elsewhere is given by content and variable."""

    def __init__(self, content: Source, variable: Source) -> None:
        self._content = content
        self._variable = variable
        self._nat: set[str] = set()

    def voice(self, file: Part) -> Voice:
        gateway = self._gateway(file.part("gateway"))
        trunks = [self._trunk(part) for part in _rows(file, "trunk")]
        phones = [self._phone(part) for part in _rows(file, "phone")]
        asterisk = self._asterisk(file.part("asterisk")) if file.has("asterisk") else None
        _once(file, "trunk", "name", [each.name for each in trunks])
        _once(file, "phone", "username", [each.username for each in phones])
        _once(file, "phone", "number", [each.number for each in phones])
        if asterisk is not None and (trunks or phones):
            rule = "goes without [[trunk]] and [[phone]]: its own configuration has them"
            file.wrong("asterisk", asterisk.url, rule)
        file.close("asterisk")
        return Voice(
            gateway=gateway,
            trunks=tuple(trunks),
            phones=tuple(phones),
            nat=frozenset(self._nat),
            asterisk=asterisk,
        )

    def _gateway(self, part: Part) -> Gateway:
        listen = _address(part, "listen", LISTEN)
        address = part.text("address", listen[0])
        if not _is_ours(address):
            rule = "is no IPv4 address by which others reach us; listen does not tell it"
            part.wrong("address", address, rule)
        rtp = _ports(part, listen[1])
        timeout = part.whole(
            "media_timeout",
            MEDIA_TIMEOUT_SECONDS_MIN,
            MEDIA_TIMEOUT_SECONDS_MAX,
            MEDIA_TIMEOUT_SECONDS,
        )
        found = Gateway(
            listen=listen,
            address=address,
            rtp=rtp,
            media_timeout_ms=timeout * SECOND,
            webrtc=_address(part, "webrtc", WEBRTC),
            webrtc_addresses=part.texts(
                "webrtc_addresses", _is_ours, "is not an IPv4 address of ours", [address]
            ),
            refer=part.flag("refer", otherwise=False),
        )
        if part.take("webrtc_addresses") == []:
            part.wrong("webrtc_addresses", [], "is empty: no browser would find us")
        part.close()
        return found

    def _trunk(self, part: Part) -> Trunk:
        name = _word(part, "name")
        host, port = _address(part, "host", "", 5060, is_ours=False)
        networks = part.texts("from", _is_network, _NETWORK)
        found = Trunk(
            name=name,
            host=host,
            port=port,
            sources=networks,
            account=self._account(part, needed=False),
            domain=part.text("domain", ""),
            keep_alive=part.whole(
                "keep_alive", 0, TRUNK_KEEP_ALIVE_SECONDS_MAX, KEEP_ALIVE_SECONDS
            ),
            calls=part.whole("calls", 1, GATEWAY_CHANNELS_MAX, TRUNK_CALLS),
            prefixes=part.texts("prefixes", _is_prefix, "is not + and digits"),
            plus=part.flag("plus", otherwise=True),
        )
        if part.flag("nat", otherwise=False):
            if networks:
                self._nat.add(name)
            elif not part.has("from"):
                part.wrong("nat", True, "needs `from`, the networks that sound may come from")
        part.close()
        return found

    def _phone(self, part: Part) -> Phone:
        account = self._account(part, needed=True)
        number = part.text("number")
        if part.has("number") and not is_e164(number):
            part.wrong("number", number, "is not a phone number in E.164, as +12065550100")
        if part.flag("nat", otherwise=False):
            self._nat.add(number)
        found = Phone(
            username=account.username if account else "",
            number=number,
            password=account.password if account else "",
            networks=part.texts("from", _is_network, _NETWORK, PRIVATE),
        )
        part.close()
        return found

    def _asterisk(self, part: Part) -> Ari:
        sounds = part.text("sounds")
        phones = part.table(
            "phones",
            lambda number, endpoint: is_e164(number) and isinstance(endpoint, str),
            'does not lead from a number in E.164 to an endpoint, as "+12065550100" = "desk1"',
        )
        found = Ari(
            url=part.text("url"),
            application=part.text("application", "ringfloor"),
            account=self._account(part, needed=True) or Account("", ""),
            trunk=part.text("trunk"),
            host=part.text("host", ""),
            recordings=Path(part.text("recordings")),
            sounds=Path(sounds),
            sounds_there=part.text("sounds_there", sounds),
            phones=tuple(phones.items()),
        )
        if "@" in found.url:
            part.wrong("url", "***", "has an account in it, which username and password_file name")
        elif part.has("url") and not re.match("https?://.", found.url):
            part.wrong("url", found.url, "does not begin with http:// or https://")
        part.close()
        return found

    def _account(self, part: Part, *, needed: bool) -> Account | None:
        """A name and its password; None: neither is said, or something is wrong with them."""
        if part.has("password"):
            part.take("password")
            rule = "does not belong into this file; name it by password_file or password_env"
            part.wrong("password", "***", rule)
        if not needed and not part.has("username"):
            for name in ("password_file", "password_env"):
                if part.has(name):
                    part.wrong(name, part.take(name), "needs a username, which is left out")
            return None
        username = _word(part, "username")
        password = self._password(part)
        return Account(username, password) if username and password else None

    def _password(self, part: Part) -> str:
        """Empty: there is none, and that has been told."""
        sources = {"password_file": self._content, "password_env": self._variable}
        named = {name: part.text(name) for name in sources if part.has(name)}
        if len(named) != 1:
            rule = "is not one of them: the file or the variable that holds the password"
            part.wrong("password_file, password_env", list(named) or None, rule)
            return ""
        ((name, where),) = named.items()
        password = sources[name](where)
        if password is None:
            part.wrong(name, where, "is not there, or cannot be read")
            return ""
        password = password.rstrip("\r\n")
        if not password or not password.isprintable():
            part.wrong(name, where, "holds no password: one line of printable characters")
            return ""
        return password


def _rows(file: Part, name: str) -> list[Part]:
    rows = list(file.rows(name))
    if len(rows) > VOICE_FILE_ROWS_MAX:
        file.wrong(name, len(rows), f"are more than {VOICE_FILE_ROWS_MAX}")
    return rows[:VOICE_FILE_ROWS_MAX]


def _once(file: Part, section: str, name: str, values: Sequence[str]) -> None:
    for number, each in enumerate(values):
        if each and each in values[:number]:
            file.wrong(f"{section}[{number}].{name}", each, "is there twice")


def _word(part: Part, name: str) -> str:
    """What goes into SIP messages as it is."""
    found = part.text(name)
    if part.has(name) and not re.fullmatch(r"[\w.+*@-]{1,64}", found, re.ASCII):
        part.wrong(name, found, "is not 1 to 64 letters, digits and . + * @ _ -")
        return ""
    return found


def _address(
    part: Part, name: str, otherwise: str, port: int | None = None, *, is_ours: bool = True
) -> Address:
    """HOST:PORT. otherwise: "": it must be said. port: where none is said; None: it must be."""
    text = part.text(name, otherwise or None)
    host, colon, digits = text.partition(":")
    fits = is_ipv4(host) if is_ours else re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})", host)
    if colon and digits.isascii() and digits.isdigit() and len(digits) <= 5:
        port = int(digits)
    elif colon:
        port = None
    if fits and port is not None and port < 65_536 and (port or is_ours):
        return host, port
    if part.has(name):
        rule = "is not ADDRESS:PORT with an IPv4 address" if is_ours else "is not HOST or HOST:PORT"
        part.wrong(name, text, rule)
    return "127.0.0.1", 0


def _ports(part: Part, sip: int) -> tuple[int, int]:
    """FIRST-LAST."""
    text = part.text("rtp", RTP)
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text, re.ASCII)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (first >= 1_024 and first + first % 2 < last <= 65_535):
        rule = "is not FIRST-LAST, UDP ports from 1024 to 65535 with an even one and the next in it"
        part.wrong("rtp", text, rule)
    elif first <= sip <= last:
        part.wrong("rtp", text, f"has port {sip} in it, where SIP listens")
    return first, last


def is_ipv4(text: str) -> bool:
    """Whether a text is an IPv4 address."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_ours(text: str) -> bool:
    return is_ipv4(text) and not IPv4Address(text).is_unspecified


_NETWORK = "is not an IPv4 network such as 203.0.113.0/28, its host part zero, of /8 or narrower"


def _is_network(text: str) -> bool:
    try:
        return IPv4Network(text).prefixlen >= 8
    except ValueError:
        return False


def _is_prefix(text: str) -> bool:
    return re.fullmatch(r"\+\d{1,15}", text, re.ASCII) is not None
