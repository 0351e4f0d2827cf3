"""A contact center with real calls: the server, its gateway, and a probe that is the trunk.

What the API says is held against what the probe has heard and when.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from acceptance.center import OWN_NUMBER, FirstCenter
from acceptance.conftest import Server
from voice import asterisks
from voice.probe import Line, Probe

T = TypeVar("T")

CUSTOMER, AGENT_PHONE, THIRD = "+12065550101", "+12065550110", "+12065550111"
CUSTOMER_HZ, AGENT_HZ, THIRD_HZ = 440, 700, 1_000

VOICE = """
[gateway]
listen = "127.0.0.1:{port}"
address = "127.0.0.1"
media_timeout = 5

[[trunk]]
name = "probe"
host = "127.0.0.1:{trunk}"
from = ["127.0.0.1/32"]
keep_alive = 0
"""


class VoiceCenter:
    """A first center whose agent has a desk phone behind the trunk."""

    def __init__(self, server: Server, trunk: Probe, data: Path, voice: Path) -> None:
        self.server, self.trunk, self.data, self.voice = server, trunk, data, voice
        self.center = FirstCenter(server, work_limit=0)
        self.connect, self.instance = self.center.connect, self.center.instance
        self.connect.update_user_phone_config(
            InstanceId=self.instance,
            UserId=self.center.agent,
            PhoneConfig={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": AGENT_PHONE},
        )
        number = self.connect.list_phone_numbers_v2(InstanceId=self.instance)
        self.connect.associate_phone_number_contact_flow(
            InstanceId=self.instance,
            PhoneNumberId=number["ListPhoneNumbersSummaryList"][0]["PhoneNumberId"],
            ContactFlowId=self.center.flow,
        )

    def dial(self, to: str = CUSTOMER, **more: Any) -> str:
        """StartOutboundVoiceContact."""
        return self.connect.start_outbound_voice_contact(
            InstanceId=self.instance,
            DestinationPhoneNumber=to,
            ContactFlowId=self.center.flow,
            QueueId=self.center.queue,
            **more,
        )["ContactId"]

    def call_in(self):
        """A customer dials the center's number."""
        return self.trunk.dial(OWN_NUMBER)

    def gateway(self) -> int:
        """The process of the gateway."""
        (found,) = gateways(self.data)
        return found

    def kill_gateway(self) -> None:
        os.kill(self.gateway(), signal.SIGKILL)

    def contact(self, contact_id: str) -> dict[str, Any]:
        return self.center.contact(contact_id)

    def await_contact(
        self, contact_id: str, met: Callable[[dict[str, Any]], bool], seconds: float = 15
    ) -> dict[str, Any]:
        """The contact as soon as it is so."""
        return self.until(lambda: self.contact(contact_id), met, seconds)

    def await_end(self, contact_id: str, seconds: float = 20) -> dict[str, Any]:
        return self.await_contact(contact_id, lambda each: "DisconnectTimestamp" in each, seconds)

    def until(self, look: Callable[[], T], met: Callable[[T], bool], seconds: float = 15) -> T:
        """What is seen as soon as it is so; asked anew whenever the trunk's clock has moved on."""
        seen: list[T] = []

        def is_so() -> bool:
            seen[:] = [look()]
            return met(seen[0])

        self.trunk.until(is_so, seconds, lambda: f"{seen} {self.server.log()[-3_000:]}")
        return seen[0]

    def contacts(self) -> list[str]:
        """The contacts of this hour."""
        now = time.time()
        found = self.connect.search_contacts(
            InstanceId=self.instance,
            TimeRange={
                "Type": "INITIATION_TIMESTAMP",
                "StartTime": now - 3_600,
                "EndTime": now + 60,
            },
            MaxResults=100,
        )
        return [each["Id"] for each in found["Contacts"]]

    def the_contact(self) -> str:
        """The only contact there is."""
        (found,) = self.until(self.contacts, bool)
        return found

    def ended_contacts(self, count: int) -> list[dict[str, Any]]:
        """So many contacts, and no more, have ended; as they are described."""

        def ended() -> list[dict[str, Any]]:
            described = [self.contact(each) for each in self.contacts()]
            return [each for each in described if "DisconnectTimestamp" in each]

        return self.until(ended, lambda found: len(found) == count, 30)

    def restart(self) -> None:
        """Another server on the same data."""
        self.server = started(self.data, self.voice)
        self.center.server = self.server
        self.connect = self.center.connect = self.server.client()


ASTERISK = """
[asterisk]
url = "{url}"
username = "ringfloor"
password_file = "ari.password"
trunk = "trunk"
recordings = "{recordings}"
sounds = "{sounds}"
sounds_there = "{sounds_there}"
"""


@contextmanager
def an_asterisk_center(directory: Path) -> Iterator[VoiceCenter]:
    """The same with Asterisk as the carrier."""
    data, voice = directory / "data", directory / "voice.toml"
    lines = {AGENT_PHONE: Line(frequency=AGENT_HZ)}
    with (
        Probe(CUSTOMER, line=Line(frequency=CUSTOMER_HZ), lines=lines) as trunk,
        asterisks.running(trunk.port) as running,
    ):
        trunk.proxy = ("127.0.0.1", running.sip_port)
        (directory / "ari.password").write_text(asterisks.PASSWORD)
        places = {
            "url": running.url,
            "recordings": running.recordings,
            "sounds": running.home / "sounds",
            "sounds_there": f"{running.theirs}/sounds",
        }
        voice.write_text(ASTERISK.format(**places))
        with served(trunk, data, voice) as center:
            yield center


@contextmanager
def a_voice_center(
    directory: Path, lines: dict[str, Line] | None = None, *options: str
) -> Iterator[VoiceCenter]:
    """Server, gateway and trunk; all end with the block, and nothing may be left of them."""
    known = {
        AGENT_PHONE: Line(frequency=AGENT_HZ),
        THIRD: Line(frequency=THIRD_HZ),
        **(lines or {}),
    }
    data, voice = directory / "data", directory / "voice.toml"
    with Probe(CUSTOMER, line=Line(frequency=CUSTOMER_HZ), lines=known) as trunk:
        port = free_port()
        trunk.proxy = ("127.0.0.1", port)
        voice.write_text(VOICE.format(trunk=trunk.port, port=port))
        with served(trunk, data, voice, *options) as center:
            yield center


@contextmanager
def served(trunk: Probe, data: Path, voice: Path, *options: str) -> Iterator[VoiceCenter]:
    server = started(data, voice, *options)
    center = None
    try:
        center = VoiceCenter(server, trunk, data, voice)
        yield center
    finally:
        (server if center is None else center.server).kill()
        stop_gateway(data)


def started(data: Path, voice: Path, *options: str) -> Server:
    return Server("--data", str(data), "--sandbox", "--voice", str(voice), *options)


def gateways(data: Path) -> list[int]:
    """The gateway processes of a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if b"gateway" in words and os.fsencode(data) in words:
            found.append(int(process.parent.name))
    return found


def stop_gateway(data: Path) -> None:
    for process in gateways(data):
        os.kill(process, signal.SIGKILL)


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
