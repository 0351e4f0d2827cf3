"""Legs over real sockets of this machine: who is heard, what is sent, what is told of it.

Nothing waits: what was sent to a socket of this machine has come once sendto answers.
"""

import socket
import struct
from array import array
from contextlib import suppress
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.base.ids import dice
from ringfloor.base.limits import (
    KEY_LOST_MS,
    LEG_DATAGRAMS_PER_TICK_MAX,
    LEG_PACKETS_PER_TICK_MAX,
    PORT_RELEARN_MS,
    RTP_BYTES_MAX,
)
from ringfloor.gateway.media import rtcp, rtp
from ringfloor.gateway.media.dtmf import Digit
from ringfloor.gateway.media.g711 import PCMA, PCMU, SILENT, decode, encode, rms
from ringfloor.gateway.media.leg import Leg
from ringfloor.gateway.media.ports import NoPorts, Ports
from ringfloor.gateway.media.score import score
from ringfloor.gateway.media.sdp import Remote, SdpRefused

HOME = "127.0.0.1"
AWAY = "127.0.0.2"
LOUD = array("h", [round(8_000 * sin(2 * pi * n / 16)) for n in range(160)]).tobytes()
"""500 Hz: whole periods in a frame."""


@pytest.fixture
def made():
    """Makes legs, far ends and strangers, and closes them."""
    with Things() as things:
        yield things


class Things:
    def __init__(self):
        self.ports = Ports(HOME, 0, 0)
        self.ends = []
        self.legs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in self.ends:
            end.rtp.close()
            end.rtcp.close()
        for leg in self.legs:
            leg.close()

    def leg(self, **options):
        leg = Leg(f"leg{len(self.legs)}", HOME, self.ports, draw=dice(len(self.legs)), **options)
        self.legs.append(leg)
        return leg

    def end(self, leg, host=HOME, **options):
        end = End(leg, host, **options)
        self.ends.append(end)
        return end

    def call(self, **said):
        """A leg, and the far end that it is pointed at."""
        leg = self.leg()
        end = self.end(leg)
        leg.point(end.remote(**said))
        return leg, end


class End:
    """A far end as plain sockets, or a stranger that is none."""

    def __init__(self, leg, host, ssrc=0xABCD):
        self.host, self.ssrc, self.leg = host, ssrc, leg
        self.rtp, self.rtcp, _ = Ports(host, 0, 0).take()
        self.sequence = 65_530
        self.timestamp = 2**32 - 1_000

    def remote(self, **said):
        ports = {"port": self.rtp.getsockname()[1], "rtcp_port": self.rtcp.getsockname()[1]}
        return Remote(**{"host": self.host, **ports, **said})

    def send(self, pcm=LOUD, law=PCMU, *, kind=None, payload=None, timestamp=None, marker=0):
        stamp = self.timestamp if timestamp is None else timestamp
        data = encode(law, pcm) if payload is None else payload
        head = (law if kind is None else kind) | marker
        self.throw(rtp.build(head, self.sequence & 0xFFFF, stamp & 0xFFFFFFFF, self.ssrc, data))
        self.sequence += 1
        if timestamp is None:
            self.timestamp += 160

    def throw(self, data):
        self.rtp.sendto(data, (HOME, self.leg.port))

    def report(self, data):
        self.rtcp.sendto(data, (HOME, self.leg.port + 1))

    def heard(self, which="rtp"):
        """All that has come, parsed."""
        found = []
        try:
            while True:
                data = getattr(self, which).recv(2_048)
                found.append(rtp.parse(data) if which == "rtp" else rtcp.parse(data))
        except BlockingIOError:
            return found


def ticks(leg, count, *, begin=0, before=None):
    """So many ticks of a leg that says nothing; what it heard."""
    frames = []
    for n in range(count):
        now = begin + n * 20
        if before:
            before(n)
        leg.receive(now)
        frames.append(leg.hear(now))
        leg.say(None, now)
    return frames


def sound(frames):
    return [frame for frame in frames if frame and rms(frame) > 1_000]


@pytest.mark.parametrize("law", [PCMU, PCMA])
def test_two_legs_hear_each_other(made, law):
    one, other = made.leg(), made.leg()
    one.point(Remote(HOME, other.port, other.port + 1, law))
    other.point(Remote(HOME, one.port, one.port + 1, law))
    for now in range(0, 2_000, 20):
        for leg in (one, other):
            leg.receive(now)
            heard = leg.hear(now)
            leg.say(LOUD, now)
    assert heard == decode(law, encode(law, LOUD))
    for leg in (one, other):
        found = leg.quality()
        assert (found.lost, found.jitter_ms, leg.strangers, leg.malformed) == (0, 0, 0, 0)
        assert found.received in (99, 100)
        assert found.score == pytest.approx(4.41, abs=0.01)


def test_what_is_sent_is_one_packet_a_tick_in_step(made):
    leg, end = made.call()
    for n in range(10):
        leg.say(LOUD if n % 2 else None, n * 20)
    packets = end.heard()
    assert [each[1] for each in packets] == [True] + [False] * 9
    assert [(each[2] - packets[0][2]) & 0xFFFF for each in packets] == list(range(10))
    assert [(each[3] - packets[0][3]) & 0xFFFFFFFF for each in packets] == [
        n * 160 for n in range(10)
    ]
    assert [each[5] for each in packets[:2]] == [SILENT[PCMU], encode(PCMU, LOUD)]
    assert len({each[4] for each in packets}) == 1


@pytest.mark.parametrize(("pause_ms", "marker", "leap"), [(20, False, 160), (1_020, True, 8_160)])
def test_after_a_gap_timestamps_stay_with_the_clock(made, pause_ms, marker, leap):
    leg, end = made.call()
    leg.say(None, 1_000)
    leg.say(None, 1_020)
    leg.say(None, 1_020 + pause_ms)
    first, second, third = end.heard()
    assert (first[1], second[1], third[1]) == (True, False, marker)
    assert (third[3] - second[3]) & 0xFFFFFFFF == leap


def test_legs_begin_with_numbers_of_chance(made):
    ports = Ports(HOME, 0, 0)
    seen = set()
    for number in (1, 1, 2):
        leg = Leg("x", HOME, ports, draw=dice(number))
        end = made.end(leg)
        leg.point(end.remote())
        leg.say(None, 0)
        seen.add(end.heard()[0][2:5])
        leg.close()
    assert len(seen) == 2


def test_a_stranger_who_sprays_is_not_heard_and_does_not_drive_anybody_out(made):
    """From another host, before and after the far end; and from its host, another port."""
    leg, end = made.call()
    strangers = [made.end(leg, AWAY, ssrc=1), made.end(leg, HOME, ssrc=2)]

    def spray(only):
        for stranger in only:
            for _ in range(5):
                stranger.send()
                stranger.throw(b"nonsense")
            stranger.report(rtcp.build(1, "", None, None, bye=True))

    assert sound(ticks(leg, 5, before=lambda _: spray(strangers[:1]))) == []
    assert leg.strangers == 50 + 5
    heard = ticks(leg, 50, begin=100, before=lambda _: (end.send(), spray(strangers)))
    assert len(sound(heard)) == 49
    assert leg.quality().received == 50
    assert all(not stranger.heard() for stranger in strangers), "they get nothing"


def test_a_flood_is_looked_at_a_bit_at_a_time(made):
    """Of strangers as many as the socket holds, so that the far end is heard behind them."""
    leg, end = made.call()
    stranger = made.end(leg, AWAY)
    leg._pair.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    for _ in range(LEG_DATAGRAMS_PER_TICK_MAX + 50):
        stranger.throw(b"")
    for _ in range(LEG_PACKETS_PER_TICK_MAX + 9):
        end.send()
    found = []
    for now in range(0, 80, 20):
        leg.receive(now)
        found.append((leg.strangers, leg.quality().received))
    first, whole = LEG_DATAGRAMS_PER_TICK_MAX, LEG_PACKETS_PER_TICK_MAX
    assert found == [(first, 0), (first + 50, whole)] + [(first + 50, whole + 9)] * 2


def test_nobody_is_heard_before_the_leg_is_pointed(made):
    leg = made.leg()
    end = made.end(leg)
    assert ticks(leg, 5, before=lambda _: end.send()) == [None] * 5
    assert end.heard() == []
    assert leg.strangers == 5


def test_a_far_end_may_send_from_another_port_of_its_host_and_is_answered_there(made):
    leg, end = made.call(port=9, rtcp_port=10)
    assert len(sound(ticks(leg, 10, before=lambda _: end.send()))) == 9
    assert len(end.heard()) == 10


@pytest.mark.parametrize("what", [b"", b"\x80", bytes(40), b"\x80\x63" + bytes(170)])
def test_a_port_is_learnt_from_sound_only(made, what):
    leg, end = made.call()
    stranger = made.end(leg)
    stranger.throw(what)
    assert len(sound(ticks(leg, 10, before=lambda _: end.send()))) == 9
    assert leg.malformed + leg.unknown == 1


def test_another_port_is_learnt_once_the_first_has_been_silent_for_long(made):
    leg, end = made.call()
    moved = made.end(leg, HOME, ssrc=2)
    ticks(leg, 10, before=lambda _: end.send())
    ticks(leg, 10, begin=200, before=lambda _: moved.send())
    assert (leg.quality().received, leg.strangers) == (10, 10)
    late = 200 + PORT_RELEARN_MS
    made.end(leg, AWAY, ssrc=3).send()
    assert len(sound(ticks(leg, 10, begin=late, before=lambda _: moved.send()))) == 9
    assert len(moved.heard()) == 10
    assert leg.strangers == 11, "the other host never"


def test_the_port_that_sdp_names_is_the_far_ends_whatever_was_learnt_before(made):
    """A late packet of another call at the same host must not take the leg away."""
    leg, end = made.call()
    made.end(leg, HOME, ssrc=2).send()
    heard = ticks(leg, 20, before=lambda _: end.send())
    assert len(sound(heard)) >= 17
    assert (len(end.heard()), leg.strangers) == (20, 0)


@given(st.lists(st.binary(max_size=60), max_size=60))
def test_whatever_the_far_end_sends_a_leg_goes_on(packets):
    head = rtp.build(PCMU, 1, 0, 7, b"")
    with Things() as things:
        leg, end = things.call()
        for n, data in enumerate(packets):
            for each in (data, head[: n % 13] + data, head + data):
                end.throw(each)
                end.report(rtcp.build(7, "", None, None, bye=False)[: n % 9] + data)
            leg.receive(n * 20)
            leg.digits(n * 20)
            assert len(leg.hear(n * 20) or LOUD) == len(LOUD)
            leg.say(None, n * 20)
            assert 1 <= leg.quality().score <= 4.5


def test_behind_a_nat_the_first_host_that_may_be_it_is_the_far_end_and_stays_it(made):
    leg = made.leg(pinned=lambda host: host in ("127.0.0.2", "127.0.0.3"))
    end, second, third = (made.end(leg, f"127.0.0.{n}", ssrc=n) for n in (2, 3, 4))
    leg.point(Remote("192.0.2.1", 4_000, 4_001))

    def speak(n):
        third.send()
        end.send()
        if n > 2:
            second.send()

    heard = ticks(leg, 20, before=speak)
    assert leg.quality().received == 20
    assert len(sound(heard)) == 19
    assert (len(end.heard()), second.heard(), third.heard()) == (20, [], [])
    assert leg.strangers == 20 + 17
    ticks(leg, 300, begin=400)
    assert end.heard("rtcp"), "reports go to the port after that of its sound"
    end.report(rtcp.build(2, "", None, None, bye=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
        moved.bind((AWAY, 0))
        moved.setblocking(False)
        moved.sendto(rtcp.build(2, "", None, None, bye=False), (HOME, leg.port + 1))
        ticks(leg, 600, begin=20_000)
        assert moved.recv(2_048), "or from where its own come"


def test_the_last_port_of_all_has_none_after_it(made):
    leg = made.leg(pinned=lambda _: True)
    leg.point(Remote("192.0.2.1", 4_000, 4_001))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.5", 65_535))
        end.sendto(rtp.build(PCMU, 1, 1, 1, SILENT[PCMU]), (HOME, leg.port))
        ticks(leg, 600)
    assert (leg.quality().received, leg.unsent) == (1, 0)


def test_a_leg_that_is_pointed_elsewhere_leaves_the_one_before(made):
    leg, end = made.call()
    ticks(leg, 10, before=lambda _: end.send())
    moved = made.end(leg, AWAY, ssrc=5)
    leg.point(moved.remote(payload=PCMA))
    end.heard()
    heard = ticks(leg, 10, begin=200, before=lambda _: (end.send(), moved.send(law=PCMA)))
    assert heard[-1] == decode(PCMA, encode(PCMA, LOUD))
    assert leg.quality().received == 20
    assert [each[0] for each in moved.heard()] == [PCMA] * 10
    assert end.heard() == []


def test_pointed_again_at_the_same_place_nothing_changes(made):
    leg, end = made.call(port=9)
    ticks(leg, 10, before=lambda _: end.send())
    leg.point(end.remote(port=9))
    assert len(sound(ticks(leg, 10, begin=200, before=lambda _: end.send()))) == 10


@pytest.mark.parametrize(
    ("direction", "hears", "speaks"),
    [
        ("sendrecv", True, True),
        ("recvonly", False, True),
        ("sendonly", False, False),
        ("inactive", False, False),
    ],
)
def test_hold_stops_what_is_heard_and_said_until_it_is_over(made, direction, hears, speaks):
    leg, end = made.call()
    ticks(leg, 10, before=lambda _: end.send())
    end.heard()
    leg.point(end.remote(direction=direction))
    assert bool(sound(ticks(leg, 10, begin=200, before=lambda _: end.send()))) is hears
    assert bool(end.heard()) is speaks
    assert leg.idle_ms(60_000) == (60_000 - 380 if hears else 0)
    leg.point(end.remote())
    assert len(sound(ticks(leg, 10, begin=60_000, before=lambda _: end.send()))) >= 9
    assert len(end.heard()) == 10


def test_early_media_that_only_sends_is_heard_and_so_is_the_call_after_it(made):
    leg, end = made.call(direction="sendonly")
    assert len(sound(ticks(leg, 10, before=lambda _: end.send()))) == 9
    assert end.heard() == []
    leg.point(end.remote())
    assert len(sound(ticks(leg, 10, begin=200, before=lambda _: end.send()))) == 10
    assert len(end.heard()) == 10


def test_idle_is_since_the_last_packet_of_the_far_end(made):
    leg, end = made.call()
    stranger = made.end(leg, AWAY)
    assert (leg.idle_ms(1_000), leg.idle_ms(4_000)) == (0, 3_000)
    end.send()
    leg.receive(5_000)
    stranger.send()
    end.throw(b"nonsense")
    leg.receive(6_000)
    assert leg.idle_ms(7_000) == 2_000
    end.report(rtcp.build(end.ssrc, "", None, None, bye=False))
    leg.receive(8_000)
    assert leg.idle_ms(8_000) == 0, "a far end that reports is there"


def test_what_is_malformed_or_in_another_codec_is_dropped_and_counted(made):
    leg, end = made.call()

    def speak(_):
        end.send()
        end.throw(b"\x80\x00")
        end.throw(bytes(RTP_BYTES_MAX + 300))
        end.report(b"nonsense")
        end.throw(rtp.build(18, 1, 1, end.ssrc, bytes(20)))

    assert len(sound(ticks(leg, 10, before=speak))) == 9
    assert (leg.malformed, leg.unknown, leg.quality().lost) == (30, 10, 0)


def test_another_source_at_the_same_address_is_heard_from_its_second_packet_on(made):
    leg, end = made.call()
    ticks(leg, 10, before=lambda _: end.send())
    end.ssrc, end.sequence, end.timestamp = 77, 100, 5_000_000
    heard = ticks(leg, 10, begin=200, before=lambda _: end.send())
    assert len(sound(heard)) >= 8
    found = leg.quality()
    assert (found.received, found.lost) == (19, 0)


def test_after_bye_another_source_is_heard_at_once_and_its_keys_are_its_own(made):
    leg, end = made.call()
    event = struct.pack("!BBH", 5, 0x8A, 800)
    for now, ssrc in ((20, 1), (60, 2)):
        end.ssrc = ssrc
        end.send()
        end.send(kind=101, payload=event, timestamp=10_000 - ssrc)
        leg.receive(now)
        end.report(rtcp.build(ssrc, "", None, None, bye=True))
        leg.receive(now + 20)
        assert leg.digits(now + 20) == [Digit("5", 100)]
    assert leg.quality().received == 4


def test_packets_that_come_too_late_are_heard_by_the_score_and_are_not_lost(made):
    leg, end = made.call()

    def speak(n):
        end.send()
        if n % 10 == 5:
            end.sequence += 1
            end.timestamp += 160
        if n > 30 and n % 10 == 5:
            late = end.sequence - 23, end.timestamp - 23 * 160
            end.throw(
                rtp.build(PCMU, late[0] & 0xFFFF, late[1] & 0xFFFFFFFF, end.ssrc, SILENT[PCMU])
            )

    ticks(leg, 200, before=speak)
    found = leg.quality()
    assert found.lost <= 4
    assert found.score < 3.9


def test_comfort_noise_is_a_pause_and_not_a_loss(made):
    leg, end = made.call()
    ticks(leg, 10, before=lambda _: end.send())
    end.send(kind=13, payload=b"\x40")
    heard = ticks(leg, 5, begin=200)
    assert sound(heard[1:]) == []
    assert leg.quality().lost == 0


@pytest.mark.parametrize("lost", [[], [0], [4, 5, 6], [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]])
@pytest.mark.parametrize("their_number", [96, 101])
def test_keys_are_heard_once_whatever_of_their_packets_is_lost(made, lost, their_number):
    """In our offer's number, whatever number they want to have them in."""
    leg, end = made.call(dtmf=their_number)
    digits = []

    def press(n):
        if n < 5:
            end.send()
            return
        key, step = divmod(n - 5, 12)
        if step < 7 and step not in lost and key < 4:
            event = struct.pack("!BBH", key, 0x8A if step > 3 else 0x0A, 160 * min(step + 1, 5))
            begin = end.timestamp - 160 * step
            end.send(kind=101, payload=event, timestamp=begin, marker=0 if step else rtp.MARKER)
        else:
            end.sequence += step in lost
        end.timestamp += 160

    for n in range(60):
        press(n)
        leg.receive(n * 20)
        leg.hear(n * 20)
        digits += leg.digits(n * 20)
    digits += leg.digits(60 * 20 + KEY_LOST_MS)
    assert "".join(each.key for each in digits) == "0123"


@pytest.mark.parametrize("their_number", [96, 101])
def test_keys_are_pressed_in_their_number_and_take_the_place_of_sound(made, their_number):
    leg, end = made.call(dtmf=their_number)
    leg.press("4#")
    pressing = []
    for n in range(20):
        pressing.append(leg.pressing)
        leg.say(LOUD, n * 20)
    packets = end.heard()
    assert pressing == [True] * 18 + [False] * 2
    kinds = [each[0] for each in packets]
    assert kinds == ([their_number] * 7 + [PCMU] * 2) * 2 + [PCMU] * 2
    assert [n for n, each in enumerate(packets) if each[1]] == [0, 9]
    for begin, event in ((0, 4), (9, 11)):
        key = packets[begin : begin + 7]
        assert {each[3] for each in key} == {(packets[0][3] + begin * 160) & 0xFFFFFFFF}
        assert [each[5] for each in key] == [
            struct.pack("!BBH", event, 0x8A if n > 3 else 0x0A, 160 * min(n + 1, 5))
            for n in range(7)
        ]
    assert (packets[18][3] - packets[0][3]) & 0xFFFFFFFF == 18 * 160
    assert packets[7][5] == SILENT[PCMU]


def test_a_leg_hears_the_keys_that_another_presses(made):
    one, other = made.leg(), made.leg()
    one.point(Remote(HOME, other.port, other.port + 1))
    other.point(Remote(HOME, one.port, one.port + 1))
    one.press("1123,*0#D")
    digits = []
    for now in range(0, 4_000, 20):
        one.say(LOUD, now)
        other.receive(now)
        other.hear(now)
        digits += other.digits(now)
    assert digits == [Digit(key, 100) for key in "1123*0#D"]


def test_a_far_end_without_telephone_events_gets_tones(made):
    leg, end = made.call(dtmf=None)
    leg.press("5")
    for n in range(9):
        leg.say(None, n * 20)
    levels = [rms(decode(PCMU, each[5])) for each in end.heard()]
    assert all(4_500 < each < 5_500 for each in levels[:5])
    assert levels[5:] == [0] * 4


def test_reports_of_a_browser_share_the_port_of_its_sound(made):
    leg = made.leg()
    end = made.end(leg)
    port = end.rtp.getsockname()[1]
    leg.point(end.remote(rtcp_port=port))
    told = []

    def speak(_tick):
        end.send()
        for data in iter(lambda: received(end.rtp), b""):
            if data[1] not in rtcp.TYPES:
                continue
            sent = rtcp.parse(data).sent
            told.append(sent)
            block = rtcp.Block(sent.ssrc, 3, 7, 0, 0, rtcp.middle(sent.ntp), 0)
            end.throw(rtcp.build(end.ssrc, "", None, block, bye=False))

    ticks(leg, 600, before=speak)
    assert len(told) >= 2
    assert end.heard("rtcp") == []
    assert leg.quality().far_lost == 7
    assert leg.quality().round_trip_ms <= 40
    assert (leg.unknown, leg.strangers) == (0, 0)


def received(sock):
    """The next datagram, or nothing."""
    with suppress(BlockingIOError):
        return sock.recv(2_048)
    return b""


def test_reports_go_both_ways_and_tell_loss_and_round_trip(made):
    """A far end that is a leg too, a second of it lost on the way there."""
    one, other = made.leg(), made.leg()
    one.point(Remote(HOME, other.port, other.port + 1))
    other.point(Remote(HOME, one.port, one.port + 1))
    for n in range(1_500):
        for leg in (one, other):
            leg.receive(n * 20)
            leg.hear(n * 20)
        if not 100 <= n < 150:
            one.say(LOUD, n * 20)
        else:
            one._sequence = (one._sequence + 1) & 0xFFFF
        other.say(LOUD, n * 20)
    assert one.quality().far_lost == 50
    assert other.quality().lost == 50
    for leg in (one, other):
        assert 0 <= leg.quality().round_trip_ms <= 40
    assert other.quality().score < one.quality().score


def test_the_first_report_comes_within_seconds_and_tells_who_we_are(made):
    leg, end = made.call()
    ticks(leg, 250, before=lambda _: end.send())
    report = end.heard("rtcp")[0]
    assert report.sent.ssrc == report.ssrc == end.heard()[0][4]
    assert report.sent.octets == 160 * report.sent.packets
    (block,) = report.blocks
    assert (block.ssrc, block.lost) == (end.ssrc, 0)


def test_a_leg_that_is_closed_says_bye_and_its_ports_are_free_again(made):
    ports = Ports(HOME, 0, 0)
    leg = Leg("x", HOME, ports)
    end = made.end(leg)
    leg.point(end.remote())
    leg.say(None, 0)
    leg.close()
    (report,) = end.heard("rtcp")
    assert report.byes == (report.ssrc,)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind((HOME, leg.port))


def test_a_leg_that_was_never_pointed_is_closed_in_silence():
    ports = Ports(HOME, 0, 0)
    leg = Leg("x", HOME, ports)
    leg.receive(0)
    assert leg.hear(0) is None
    leg.say(None, 0)
    assert leg.idle_ms(10**9) == 0
    assert leg.quality().score == 1.0
    leg.close()


def test_an_address_of_the_other_ip_version_is_refused(made):
    with pytest.raises(SdpRefused, match="IP version"):
        made.leg().point(Remote("2001:db8::1", 4_000, 4_001))


def test_what_the_system_does_not_send_is_counted(made):
    leg, _ = made.call()
    leg.point(Remote("255.255.255.255", 4_000, 4_001))  # not without SO_BROADCAST
    ticks(leg, 3)
    assert leg.unsent == 3


def test_ports_are_pairs_and_a_pair_that_was_given_back_comes_last():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as finder:
        finder.bind((HOME, 0))
        first = min(finder.getsockname()[1], 65_000) & ~1
    ports = Ports(HOME, first - 1, first + 6)
    taken = []
    for _ in range(3):
        with suppress(NoPorts):  # somebody else has it
            taken.append(ports.take())
    with pytest.raises(NoPorts, match="larger range"):
        ports.take()
    assert all(pair.port % 2 == 0 for pair in taken)
    assert all(pair.rtcp.getsockname()[1] == pair.port + 1 for pair in taken)
    assert {pair.port for pair in taken} <= {first, first + 2, first + 4}
    for pair in reversed(taken):
        ports.give_back(pair)
    assert len(taken) >= 2
    again = ports.take()
    assert again.port == taken[-1].port
    ports.give_back(again)


@pytest.mark.parametrize("span", [(1, 1), (4, 4), (5, 6), (-2, 4), (65_534, 65_536), (9, 3)])
def test_a_range_without_a_pair_is_refused(span):
    with pytest.raises(ValueError, match="no even port"):
        Ports(HOME, *span)


@pytest.mark.parametrize(
    ("lost", "delay", "expected"),
    [
        (0.0, 0, 4.41),
        (0.0, 100, 4.41),
        (0.0, 250, 4.18),
        (0.01, 50, 4.33),
        (0.05, 50, 3.92),
        (0.2, 50, 2.63),
        (1.0, 0, 1.18),
        (2.0, 9_000, 1.0),
    ],
)
def test_the_score_is_the_e_models(lost, delay, expected):
    assert score(lost, delay) == pytest.approx(expected, abs=0.015)
