"""A far end that speaks SIP by hand: one UDP socket, messages as they are on the wire.

For the tests of gateway.sip; it knows nothing of it, nor of sippy.
"""

import asyncio
import hashlib
import re
from collections import deque

PATIENCE = 5.0

OFFER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio 40000 RTP/AVP 0 101\r
a=rtpmap:101 telephone-event/8000\r
"""
ANSWER = OFFER.replace("40000", "40002")
HOLD = OFFER + "a=sendonly\r\n"


class Heard:
    """A message that came."""

    def __init__(self, data, source):
        self.text = data.decode()
        self.source = source
        head, _, self.body = self.text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in lines]
        first = self.start.split(" ", 2)
        self.status = int(first[1]) if first[0] == "SIP/2.0" else 0
        self.method = self["CSeq"].split()[1] if self.status else first[0]
        self.uri = "" if self.status else first[1]

    def __getitem__(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    @property
    def cseq(self):
        return int(self["CSeq"].split()[0])

    def tag(self, name):
        found = re.search(r";tag=([^;]+)", self[name])
        return found[1] if found else ""

    def __repr__(self):
        return self.start


class FarEnd(asyncio.DatagramProtocol):
    """A socket at host; everything that comes is kept in order until it is expected."""

    @classmethod
    async def open(cls, host="127.0.0.1"):
        far = cls()
        loop = asyncio.get_running_loop()
        far.transport, _ = await loop.create_datagram_endpoint(lambda: far, (host, 0))
        far.address = far.transport.get_extra_info("sockname")
        far.host, far.port = far.address
        far.heard, far.news = deque(), asyncio.Event()
        far.count = 0
        far.owed = {}
        return far

    deaf = False
    """Whatever comes is not looked at."""

    def datagram_received(self, data, source):
        if self.deaf:
            return
        message = Heard(data, source)
        if message.method in ("BYE", "CANCEL", "INVITE") and not message.status:
            self.owed[message["CSeq"], message["Call-ID"]] = message
        self.heard.append(message)
        self.news.set()
        if self.leaving:
            self.take_leave()

    leaving = False

    def take_leave(self):
        """Answer what is owed an answer, now and whenever it comes, so that nobody waits for us."""
        self.leaving = True
        for message in list(self.owed.values()):
            self.answer(message, 487 if message.method == "INVITE" else 200)

    def error_received(self, exc):
        """Nobody listens there any more."""

    def close(self):
        self.transport.close()

    def send(self, data, to):
        self.transport.sendto(data if isinstance(data, bytes) else data.encode(), to)

    async def hears(self, *expected, seconds=PATIENCE):
        """The next message of these methods or statuses; others before are skipped."""
        async with asyncio.timeout(seconds):
            while True:
                while self.heard:
                    message = self.heard.popleft()
                    if (message.status or message.method) in expected:
                        return message
                self.news.clear()
                await self.news.wait()

    def drain(self):
        """What else has come, as methods and statuses."""
        rest = [message.status or message.method for message in self.heard]
        self.heard.clear()
        return rest

    # Writing

    def request(self, method, uri, **given):
        """A request of a new dialog, or of the one that local, remote, call_id, cseq say."""
        self.count += 1
        branch = given.get("branch", f"z9hG4bK-{self.port}-{self.count}")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {given.get('local') or f'<sip:+15550100@{self.host}>;tag=t{self.count}'}",
            f"To: {given.get('remote') or f'<{uri}>'}",
            f"Call-ID: {given.get('call_id') or f'call-{self.port}-{self.count}'}",
            f"CSeq: {given.get('cseq', 1)} {method}",
        ]
        if given.get("contact", True):
            lines.append(f"Contact: <sip:far@{self.host}:{self.port}>")
        lines += [f"{name}: {value}" for name, value in given.get("headers", ())]
        body = given.get("body", "")
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        return "\r\n".join(lines)

    def response(self, request, status, body="", tag="far", headers=()):
        lines = [f"SIP/2.0 {status} Because"]
        lines += [
            f"{name}: {value}"
            for name, value in request.headers
            if name.lower() in ("via", "from", "call-id", "cseq", "record-route")
        ]
        to = request["To"]
        lines.append(f"To: {to}" + ("" if ";tag=" in to or status == 100 else f";tag={tag}"))
        lines.append(f"Contact: <sip:far@{self.host}:{self.port}>")
        lines += [f"{name}: {value}" for name, value in headers]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        return "\r\n".join(lines)

    def answer(self, request, status, body="", **given):
        if status >= 200:
            self.owed.pop((request["CSeq"], request["Call-ID"]), None)
        self.send(self.response(request, status, body, **given), request.source)


class Calling:
    """A call from a far end: what it has sent, and the dialog that came of it."""

    def __init__(self, far, gateway, to="+15550199", **given):
        self.far, self.gateway = far, gateway
        self.uri = f"sip:{to}@{gateway[0]}:{gateway[1]}"
        given.setdefault("body", OFFER)
        self.text = far.request("INVITE", self.uri, **given)
        self.invite = self.last = Heard(self.text.encode(), None)
        self.cseq = self.invite.cseq
        self.to = self.invite["To"]
        far.send(self.text, gateway)

    def within(self, method, **given):
        """A request in the dialog; ACK and CANCEL of the last INVITE."""
        same = {"cseq": self.cseq}
        if method == "CANCEL":
            same["branch"] = re.search(r"branch=([^;]+)", self.last["Via"])[1]
        elif method != "ACK":
            self.cseq += 1
            same["cseq"] = self.cseq
        given = same | given
        text = self.far.request(
            method,
            given.pop("uri", self.uri),
            local=self.invite["From"],
            remote=self.to,
            call_id=self.invite["Call-ID"],
            **given,
        )
        if method == "INVITE":
            self.last = Heard(text.encode(), None)
        self.far.send(text, self.gateway)
        return text

    async def hears(self, *expected, **given):
        message = await self.far.hears(*expected, **given)
        if message.status >= 180 and message.tag("To"):
            self.to = message["To"]
        return message


def digest(challenge, username, password, method, uri, count=1, cnonce="ours"):
    """The value of Authorization for a challenge, by the book (RFC 2617, section 3.2.2)."""
    asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))

    def h(text):
        return hashlib.md5(text.encode()).hexdigest()

    ha1 = h(f"{username}:{asked['realm']}:{password}")
    nc = f"{count:08x}"
    proof = h(f"{ha1}:{asked['nonce']}:{nc}:{cnonce}:auth:{h(f'{method}:{uri}')}")
    return (
        f'Digest username="{username}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", '
        f'uri="{uri}", response="{proof}", qop=auth, nc={nc}, cnonce="{cnonce}", algorithm=MD5'
    )
