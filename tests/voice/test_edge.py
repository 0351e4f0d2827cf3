"""The edge of docs/edge (Kamailio and rtpengine): NAT, TLS, strangers, in networks of its own.

inside 10.77.0.0/24      outside 203.0.113.0/24       home 192.168.9.0/24
gateway .2 ---- .1 edge .1 ---- .10 trunk
                          \\---- .20 router .1 ---- .2 phone behind NAT
"""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from voice.networks import Network, cable, networks
from voice.probe import Call, Line, Probe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("edge")]

GUIDE = Path(__file__).resolve().parents[2] / "docs/edge"
CENTER, CUSTOMER = "+18005550100", "+12065550101"
PUBLIC = ("203.0.113.1", 5060)
READY_SECONDS = 15


class Edge:
    """The networks, with Kamailio and rtpengine between them."""

    def __init__(self, inside: Network, outside: Network, home: Network, far: Network) -> None:
        self.inside, self.outside, self.home, self.far = inside, outside, home, far


def require() -> None:
    for name in ("kamailio", "rtpengine", "iptables", "openssl"):
        if shutil.which(name) is None:
            pytest.skip(f"WITHOUT AN EDGE: there is no {name} here (Debian has it)")


@contextmanager
def an_edge(directory: Path) -> Iterator[Edge]:
    require()
    with networks("in", "edge", "hub", "out", "nat", "home", "far") as made:
        inside, edge, hub, outside, router, home, far = made
        cable(edge, "10.77.0.1/24", inside, "10.77.0.2/24")
        hub.run("ip", "link", "add", "br0", "type", "bridge")
        hub.run("ip", "link", "set", "br0", "up")
        for network, address in (
            (edge, "203.0.113.1/24"),
            (outside, "203.0.113.10/24"),
            (router, "203.0.113.20/24"),
            (far, "198.51.100.66/24"),
        ):
            plug(hub, network, address)
        edge.run("ip", "addr", "add", "198.51.100.1/24", "dev", device(edge, "203.0.113.1"))
        far.run("ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.1")
        cable(router, "192.168.9.1/24", home, "192.168.9.2/24")
        home.run("ip", "route", "add", "default", "via", "192.168.9.1")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        behind = ("-s", "192.168.9.0/24", "-j", "MASQUERADE", "--random")
        router.run("iptables", "-t", "nat", "-A", "POSTROUTING", *behind)
        with started(edge, directory):
            yield Edge(inside, outside, home, far)


def plug(hub: Network, network: Network, address: str) -> None:
    """Into the switch of the outside network."""
    cable(hub, "169.254.0.1/32", network, address)
    for line in hub.run("ip", "-o", "link").splitlines():
        name = line.split(":")[1].strip().partition("@")[0]
        if name not in ("lo", "br0") and "master" not in line:
            hub.run("ip", "addr", "flush", "dev", name)
            hub.run("ip", "link", "set", name, "master", "br0")


def device(network: Network, address: str) -> str:
    return network.run("ip", "-o", "addr", "show", "to", address).split()[1]


@contextmanager
def started(edge: Network, directory: Path) -> Iterator[None]:
    certificate, key = directory / "edge.pem", directory / "edge.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=edge.test", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    text = (GUIDE / "kamailio.cfg").read_text()
    for old, new in (
        ("/etc/kamailio/edge.pem", str(certificate)),
        ("/etc/kamailio/edge.key", str(key)),
    ):
        assert old in text
        text = text.replace(old, new)
    config = directory / "kamailio.cfg"
    config.write_text(text)
    log = (directory / "log").open("w")
    rtpengine = edge.start(
        [
            *("rtpengine", "--foreground", "--log-stderr"),
            f"--config-file={GUIDE / 'rtpengine.conf'}",
            f"--pidfile={directory / 'rtpengine.pid'}",
        ],
        stdout=log,
        stderr=log,
    )
    kamailio = edge.start(
        [
            *("kamailio", "-DD", "-E", "-f", str(config), "-m", "64", "-M", "8"),
            *("-Y", str(directory), "-P", str(directory / "kamailio.pid")),
        ],
        stdout=log,
        stderr=log,
    )
    try:
        for port, address in ((5061, "203.0.113.1"), (5060, "203.0.113.1")):
            edge.inside(lambda port=port, address=address: await_port(address, port))
        yield
    finally:
        for process in (kamailio, rtpengine):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()
        print((directory / "log").read_text()[-6_000:])


def await_port(address: str, port: int) -> None:
    """Until something listens there: connecting is retried by TCP's own answer."""
    pause = threading.Event()
    for _ in range(READY_SECONDS * 20):
        with socket.socket() as trying:
            if trying.connect_ex((address, port)) == 0:
                return
        pause.wait(0.05)
    raise AssertionError(f"nobody listens on {address}:{port}")


class Pipe:
    """Datagrams of a probe over a TLS connection, and back."""

    def __init__(self, edge: tuple[str, int], host: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # made for this test
        self.tls = context.wrap_socket(socket.create_connection(edge, 10))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, 0))
        self.address = self.udp.getsockname()
        self.probe: tuple[str, int] | None = None
        self._threads = [threading.Thread(target=work) for work in (self._out, self._back)]
        for thread in self._threads:
            thread.start()

    def _out(self) -> None:
        while True:
            data, self.probe = self.udp.recvfrom(65_535)
            if data == b"end":
                self.tls.shutdown(socket.SHUT_RDWR)  # wakes the other thread
                return
            self.tls.sendall(data)

    def _back(self) -> None:
        with self.tls.makefile("rb") as stream, suppress(OSError):  # it ends by our own shutdown
            self._forward(stream)

    def _forward(self, stream: BinaryIO) -> None:
        while True:
            lines = []
            while (line := stream.readline()) not in (b"\r\n", b""):
                lines.append(line)
            if not lines:
                return
            length = next(
                int(each.split(b":")[1]) for each in lines if each.lower().startswith(b"content-le")
            )
            body = stream.read(length)
            assert self.probe is not None
            self.udp.sendto(b"".join(lines) + b"\r\n" + body, self.probe)

    def close(self) -> None:
        self.udp.sendto(b"end", self.address)
        for thread in self._threads:
            thread.join(5)
        self.udp.close()
        self.tls.close()


@contextmanager
def a_call_center(directory: Path) -> Iterator[tuple[Edge, Probe]]:
    """The edge, and where the gateway stands a phone that answers and dials as it does."""
    with an_edge(directory) as edge:
        inside = {"host": "10.77.0.2", "port": 5060, "proxy": ("10.77.0.1", 5060)}
        with edge.inside.inside(lambda: Probe(CENTER, line=Line(frequency=700), **inside)) as phone:
            yield edge, phone


def caller(network: Network, host: str, proxy: tuple[str, int] = PUBLIC, **options) -> Probe:
    """A phone in a network."""
    return network.inside(lambda: Probe(CUSTOMER, host=host, proxy=proxy, **options))


def they_talk(call: Call, gateway: Probe) -> None:
    """Both hear each other, and one's hanging up is told."""
    theirs = gateway.wait_for_call().wait("up")
    call.wait("up").await_tone(700)
    theirs.await_tone(440)
    theirs.hang_up()
    call.wait("ended")


def test_a_call_of_the_trunk_comes_in(tmp_path):
    with (
        a_call_center(tmp_path) as (edge, gateway),
        caller(edge.outside, "203.0.113.10") as trunk,
    ):
        they_talk(trunk.dial(CENTER), gateway)


def test_a_call_goes_out_to_the_trunk(tmp_path):
    with (
        a_call_center(tmp_path) as (edge, gateway),
        caller(edge.outside, "203.0.113.10", port=5060) as trunk,
    ):
        ours = gateway.dial(CUSTOMER)
        theirs = trunk.wait_for_call()
        ours.wait("up").await_tone(440)
        theirs.wait("up").await_tone(700)
        assert theirs.number == CUSTOMER
        theirs.hang_up()
        ours.wait("ended")


def test_a_phone_behind_nat_is_heard(tmp_path):
    with (
        a_call_center(tmp_path) as (edge, gateway),
        caller(edge.home, "192.168.9.2") as phone,
    ):
        they_talk(phone.dial(CENTER), gateway)


def test_a_call_over_tls_comes_in(tmp_path):
    with a_call_center(tmp_path) as (edge, gateway):
        pipe = edge.outside.inside(lambda: Pipe(("203.0.113.1", 5061), "203.0.113.10"))
        with caller(edge.outside, "203.0.113.10", pipe.address, transport="tls") as trunk:
            they_talk(trunk.dial(CENTER), gateway)
        pipe.close()


def test_a_stranger_gets_no_answer(tmp_path):
    with (
        a_call_center(tmp_path) as (edge, gateway),
        caller(edge.far, "198.51.100.66") as stranger,
    ):
        call = stranger.dial(CENTER)
        stranger.until(lambda: call.interval >= 2, 10, call.story)  # it has asked three times
        assert (call.state, stranger.seen, gateway.calls) == ("calling", [], [])
