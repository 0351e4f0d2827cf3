"""Voice: what somebody who means harm may try, and what comes of it; without a network."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effect_walks import walk
from ringfloor import cli_gateway, running
from ringfloor.base.errors import Fault, Refusal
from ringfloor.config import gateway_environment
from ringfloor.domain import commands
from ringfloor.engine import recordings
from ringfloor.gateway import voice_file
from ringfloor.gateway.asterisk.carrier import Asterisk, Settings
from ringfloor.gateway.embedded import Cables
from ringfloor.gateway.host import read_key
from ringfloor.gateway.media.recorder import PART, spooled
from ringfloor.gateway.sip import messages
from ringfloor.gateway.sip.registrar import Phone
from ringfloor.gateway.webrtc import read_offer
from ringfloor.operations import associations
from ringfloor.telephony.commands import Originate, StartRecording
from ringfloor.telephony.events import ChannelHungUp
from unit.test_engine_voice import DESK, with_desk_phone
from unit.test_recordings import an_archive
from unit.test_webrtc_offers import CHROMIUM

HOSTILE = st.text(st.sampled_from('aX:\r\n\0\x0b\x0c\x1c\x85\u2028 <>";'), max_size=30)


@pytest.mark.parametrize(
    ("payload_type", "taken"), [(95, None), (96, 96), (127, 127), (128, None), (999, None)]
)
def test_keys_of_browsers_have_payload_types_that_packets_can_have(payload_type, taken):
    """A larger one would break each tick in which a key is pressed, for all calls."""
    assert read_offer(CHROMIUM.replace("126", str(payload_type))).keys == taken


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_that_is_written_into_a_request_begins_a_line(uri, value, name):
    """Whatever display names, numbers and headers hold: our lines, and only they."""
    besides = messages.besides([(f"X-{name}", value), (name, value)])
    text = messages.request("INVITE", uri, [("From", value), ("To", value), *besides])
    lines = text.encode("latin-1", "replace").split(b"\r\n")
    assert len(lines) == 6 + len(besides), lines
    assert not any(mark in line for line in lines for mark in (b"\r", b"\n", b"\0"))
    assert all(each.startswith("X-") for each, _ in besides)


# An Asterisk


class Ari:
    """An Asterisk that does whatever it is told."""

    up = True

    def __init__(self):
        self.asked = []

    def ask(self, method, uri, query=None, *_):
        self.asked.append((method, uri, query or {}))


@pytest.fixture
def asterisk(tmp_path):
    """Makes carriers of one Asterisk: gateways one after the other."""
    ari, told = Ari(), []

    def made():
        settings = Settings(application="us", trunk="out", recordings=tmp_path, spool=tmp_path)
        return Asterisk(
            lambda event, _: told.append(event),
            settings,
            connect=lambda **_: ari,
            files=None,
            spawn=None,
            now=lambda: 0,
            wake=lambda: None,
        )

    return SimpleNamespace(made=made, ari=ari, told=told)


def test_an_asterisk_that_others_have_too_loses_none_of_their_calls(asterisk):
    """When we come (back), only what is in our application, or was ours, is let go."""
    carrier = asterisk.made()
    there = {"caller": {"number": ""}, "state": "Up"}
    plans = {
        "ours": {"app_name": "Stasis", "app_data": "us,carrier"},
        "another": {"app_name": "Stasis", "app_data": "usual"},
        "queue": {"app_name": "Queue", "app_data": "us"},
        "bare": None,
    }
    for ari_id, plan in plans.items():
        carrier._take_on({**there, "id": ari_id, "dialplan": plan}, "")
    carrier._take_on({**there, "id": "ringing", "state": "Ring", "dialplan": None}, "outbound c1")
    deleted = [uri for method, uri, _ in asterisk.ari.asked if method == "DELETE"]
    assert deleted == ["channels/ours", "channels/ringing"]


@pytest.mark.parametrize("to", ["+1555@evil.example/x", "+", "PJSIP/other", "+1555\r\nX: y"])
def test_asterisk_is_asked_to_dial_numbers_only(asterisk, to):
    carrier = asterisk.made()
    carrier.perform(Originate("c1", to, "", 1_000), 0)
    carrier.run_due(0)
    assert asterisk.ari.asked == []
    assert [type(each) for each in asterisk.told] == [ChannelHungUp]


def test_recordings_of_a_gateway_before_are_never_taken_for_ours(asterisk):
    """Asterisk still has them: their sound would come into another call's file."""
    for number in (1, 2):
        carrier = asterisk.made()
        carrier.perform(Originate(f"c{number}", "+12065550100", "", 1_000), 0)
        leg = carrier._legs[f"c{number}"]
        leg.here = True
        carrier.perform(StartRecording(f"r{number}", "b", leg.channel_id, "n"), 0)
    names = [query["snoopId"] for _, uri, query in asterisk.ari.asked if uri.endswith("/snoop")]
    assert len(names) == len(set(names)) == 4


# The gateway


def test_what_a_gateway_writes_is_its_owners_alone(tmp_path, monkeypatch):
    """Also where somebody else has made its directory, and it is started by hand."""
    (tmp_path / "voice.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    try:
        options = ("--voice", "voice.toml", "--data", str(tmp_path / "data"))
        monkeypatch.setattr(running, "run", lambda work: work.close())
        assert cli_gateway.main(options) == 0
        (tmp_path / "recording").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "recording").stat().st_mode & 0o077 == 0


def test_no_password_is_told_that_stands_where_none_belongs():
    text = """
        [asterisk]
        url = "{}ari:geheim@127.0.0.1:8088/ari"
        username = "ari"
        password_env = "ARI"
        trunk = "out"
        recordings = "r"
        sounds = "s"
    """
    for scheme in ("http://", "ftp://", ""):
        with pytest.raises(Fault, match=r"asterisk\.url = ") as fault:
            voice_file.read(text.format(scheme), "voice.toml", {}.get, {"ARI": "x"}.get)
        assert "geheim" not in str(fault.value)


def test_sound_of_a_trunk_comes_from_the_trunks_networks_whatever_number_its_caller_says():
    """Cables are told no number for a trunk's caller (gateway.calling); a phone's is its own."""
    phone = Phone(username="desk", number="+12065550142", password="x", networks=("10.0.0.0/8",))
    voice = voice_file.read("", "voice.toml", {}.get, {}.get)
    trunk = voice_file.Trunk(name="t", host="203.0.113.1", sources=("203.0.113.0/28",))
    cables = Cables(
        voice_file.Voice(
            gateway=voice.gateway,
            trunks=(trunk,),
            phones=(phone,),
            nat=frozenset({"t", phone.number}),
            asterisk=None,
        )
    )
    assert cables.networks("t", "") == ("203.0.113.0/28",)
    assert cables.networks("", phone.number) == ("10.0.0.0/8",)


def test_a_gateway_knows_no_secrets_of_its_server():
    """Not those by which recordings are stored, either: it speaks with strangers."""
    theirs = {"PATH": "/bin", "TRUNK_PASSWORD": "x"}
    secrets = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "RINGFLOOR_SECRET_ACCESS_KEY")
    assert gateway_environment({**theirs, **dict.fromkeys(secrets, "geheim")}) == theirs


def test_a_key_that_somebody_else_has_made_is_none(tmp_path, monkeypatch):
    """Whoever made it could be the gateway, and have all calls."""
    key = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Fault, match="or made it"):
        read_key(tmp_path / "key")


# Whom a center calls


@pytest.mark.parametrize(
    ("number", "rules"),
    [
        ("+1911", []),
        ("+44999", ["allow:GB"]),
        ("+19005550100", ["deny:premium-rate"]),
        (DESK, ["allow:GB"]),
        (DESK, ["deny:+1206"]),
    ],
)
def test_a_desk_phone_from_before_the_rules_is_not_called_against_them(number, rules):
    center = with_desk_phone()
    center.update("user", "a1", PhoneConfig={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": number})
    center.run(commands.UpdateInstance({"Destinations": rules}))
    walk(
        center,
        """
        c1 call sales     Answer c1; StartMusic c1
        a1 accepts c1     Originate c1/agent agent:a1
        """,
    )


# What a center keeps


async def test_nobody_deletes_the_recordings_of_another_instance_in_the_same_place(tmp_path):
    """Two instances may name one bucket and prefix; each has its own days."""
    async with an_archive(tmp_path) as archive:
        other = await archive.stage.an_instance(users=["bob"], alias="other")
        theirs, nobodys = await other.a_call(), "c0ffee"
        keys = [f"office/CallRecordings/2001/01/01/{each}_1_UTC.wav" for each in (nobodys, theirs)]
        for each in keys:
            archive.storage.put("connect", each, b"x")
        await archive.works(recording_days=10)
        await archive.recordings.expire(archive.office.desk, archive.stage.now)
        assert [each.key for each in archive.storage.keys("connect")] == keys[1:]


@pytest.mark.parametrize(("prefix", "taken"), [("p" * 106, True), ("p" * 107, False)])
def test_recordings_have_names_that_their_files_can_have(prefix, taken):
    """Else each would break when it begins, and nobody would have been told before."""
    place = {"BucketName": "b" * 63, "BucketPrefix": prefix}
    config = {"StorageType": "S3", "S3Config": place}
    params = SimpleNamespace(ResourceType="CALL_RECORDINGS", StorageConfig=config)
    if not taken:
        with pytest.raises(Refusal, match="BucketPrefix: "):
            associations._store(None, params)
        return
    associations._store(None, params)
    key = f"{recordings.place_in(place)}/2026/11/21/{'c' * 36}_20261121T2300_UTC.wav"
    assert len(spooled(Path("spool"), key).name + PART) == 255
