"""voice.toml: what it means, and all that is wrong with it at once."""

import json
from pathlib import Path

import pytest

from ringfloor import cli
from ringfloor.base.errors import Fault
from ringfloor.cli_gateway import meaning, members, page
from ringfloor.gateway import voice_file
from ringfloor.gateway.sip.digest import Account
from ringfloor.gateway.sip.registrar import PRIVATE, Phone
from ringfloor.gateway.sip.trunks import Trunk
from ringfloor.gateway.voice_file import MEMBERS, Gateway, Voice

FILES = {"trunk.password": "geheim\n", "empty": "\n", "lines": "one\ntwo"}
VARIABLES = {"DESK": "desk secret"}

WHOLE = """
[gateway]
listen = "0.0.0.0:5080"
address = "192.0.2.10"
rtp = "20001-20100"
media_timeout = 45
webrtc = "0.0.0.0:16000"
webrtc_addresses = ["192.0.2.10", "203.0.113.7"]
refer = true

[[trunk]]
name = "carrier"
host = "sip.example.net:5070"
from = ["203.0.113.0/28"]
prefixes = ["+1", "+49"]
username = "account"
password_file = "trunk.password"
domain = "example.net"
keep_alive = 0
calls = 7
plus = false
nat = true

[[phone]]
username = "desk1"
number = "+12065550123"
password_env = "DESK"
from = ["10.1.0.0/16"]
nat = true
"""


def read(text: str) -> Voice:
    return voice_file.read(text, "voice.toml", FILES.get, VARIABLES.get)


def wrong(text: str) -> list[str]:
    """What is wrong, line by line, without the file's name."""
    with pytest.raises(Fault) as fault:
        read(text)
    return [
        each.strip().removeprefix("voice.toml: ")
        for each in str(fault.value).splitlines()
        if each.strip()
    ]


def test_an_empty_file_is_a_gateway_for_browsers_on_loopback():
    assert read("") == Voice(
        gateway=Gateway(
            listen=("127.0.0.1", 5060),
            address="127.0.0.1",
            rtp=(16_384, 17_383),
            media_timeout_ms=30_000,
            webrtc=("127.0.0.1", 0),
            webrtc_addresses=("127.0.0.1",),
            refer=False,
        ),
        trunks=(),
        phones=(),
        nat=frozenset(),
        asterisk=None,
    )


def test_everything_is_said():
    assert read(WHOLE) == Voice(
        gateway=Gateway(
            listen=("0.0.0.0", 5080),
            address="192.0.2.10",
            rtp=(20_001, 20_100),
            media_timeout_ms=45_000,
            webrtc=("0.0.0.0", 16_000),
            webrtc_addresses=("192.0.2.10", "203.0.113.7"),
            refer=True,
        ),
        trunks=(
            Trunk(
                name="carrier",
                host="sip.example.net",
                port=5070,
                sources=("203.0.113.0/28",),
                account=Account("account", "geheim"),
                domain="example.net",
                keep_alive=0,
                calls=7,
                prefixes=("+1", "+49"),
                plus=False,
            ),
        ),
        phones=(
            Phone(
                username="desk1",
                number="+12065550123",
                password="desk secret",
                networks=("10.1.0.0/16",),
            ),
        ),
        nat=frozenset({"carrier", "+12065550123"}),
        asterisk=None,
    )


def test_a_trunk_and_a_phone_in_short():
    voice = read(
        '[[trunk]]\nname = "t"\nhost = "192.0.2.1"\n'
        '[[phone]]\nusername = "d"\nnumber = "+12065550123"\npassword_env = "DESK"'
    )
    assert voice.trunks == (Trunk(name="t", host="192.0.2.1"),)
    assert voice.phones[0].networks == PRIVATE


def test_an_asterisk_instead():
    voice = read(
        '[asterisk]\nurl = "http://127.0.0.1:8088/ari"\nusername = "ringfloor"\n'
        'password_env = "DESK"\ntrunk = "trunk"\nrecordings = "/r"\nsounds = "/s"\n'
        'phones = {"+12065550123" = "ann"}'
    )
    ari = voice.asterisk
    assert (ari.application, ari.host, ari.sounds_there) == ("ringfloor", "", "/s")
    assert (ari.account, ari.phones) == (
        Account("ringfloor", "desk secret"),
        (("+12065550123", "ann"),),
    )


TRUNK = '[[trunk]]\nname = "t"\nhost = "h"\n'
PHONE = '[[phone]]\nusername = "d"\nnumber = "+12065550123"\n'


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("[gateway]\nlisten = '::1:5060'", "gateway.listen = '::1:5060'", "IPv4"),
        ("[gateway]\nlisten = '127.0.0.1'", "gateway.listen", "ADDRESS:PORT"),
        ("[gateway]\nlisten = '127.0.0.1:70000'", "gateway.listen", "ADDRESS:PORT"),
        ("[gateway]\nlisten = 5060", "gateway.listen = 5060", "text"),
        ("[gateway]\nlisten = '0.0.0.0:5060'", "gateway.address = '0.0.0.0'", "reach us"),
        ("[gateway]\naddress = '0.0.0.0'", "gateway.address", "reach us"),
        ("[gateway]\naddress = 'sip.example.net'", "gateway.address", "reach us"),
        ("[gateway]\nrtp = '5000-5100'", "gateway.rtp = '5000-5100'", "5060"),
        ("[gateway]\nrtp = '6001-6002'", "gateway.rtp", "even one and the next"),
        ("[gateway]\nrtp = '6002-6000'", "gateway.rtp", "FIRST-LAST"),
        ("[gateway]\nrtp = '80-90'", "gateway.rtp", "1024"),
        ("[gateway]\nrtp = '60000-70000'", "gateway.rtp", "65535"),
        ("[gateway]\nmedia_timeout = 1", "gateway.media_timeout = 1", "from 5 to 3600"),
        ("[gateway]\nrefer = 'no'", "gateway.refer = 'no'", "true or false"),
        ("[gateway]\nwebrtc_addresses = []", "gateway.webrtc_addresses = []", "empty"),
        ("[gateway]\nwebrtc_addresses = ['x']", "gateway.webrtc_addresses[0] = 'x'", "IPv4"),
        ("[gateway]\nlisen = 'x'", "gateway.lisen = 'x'", "listen meant?"),
        ("[[trnk]]\nname = 't'", "trnk", "trunk meant?"),
        ("trunk = 'x'", "trunk = 'x'", "list of tables"),
        ("[[trunk]]\nhost = 'h'", "trunk[0].name = None", "left out"),
        ("[[trunk]]\nname = 't'", "trunk[0].host = None", "left out"),
        ("[[trunk]]\nname = 'a b'\nhost = 'h'", "trunk[0].name = 'a b'", "64 letters"),
        ("[[trunk]]\nname = 't'\nhost = 'sip:h'", "trunk[0].host = 'sip:h'", "HOST:PORT"),
        ("[[trunk]]\nname = 't'\nhost = 'h:0'", "trunk[0].host = 'h:0'", "HOST:PORT"),
        (TRUNK + "from = ['203.0.113.1/28']", "trunk[0].from[0]", "host part zero"),
        (TRUNK + "from = ['0.0.0.0/0']", "trunk[0].from[0] = '0.0.0.0/0'", "/8 or narrower"),
        (TRUNK + "from = '203.0.113.0/28'", "trunk[0].from", "list of texts"),
        (TRUNK + "from = [1]", "trunk[0].from[0] = 1", "network"),
        (TRUNK + "prefixes = ['1']", "trunk[0].prefixes[0] = '1'", "+ and digits"),
        (TRUNK + "calls = 0", "trunk[0].calls = 0", "from 1 to"),
        (TRUNK + "keep_alive = -1", "trunk[0].keep_alive = -1", "from 0 to"),
        (TRUNK + "nat = true", "trunk[0].nat = True", "`from`"),
        (TRUNK + "password_env = 'DESK'", "trunk[0].password_env = 'DESK'", "username"),
        (TRUNK + "username = 'u'", "trunk[0].password_file, password_env = None", "one of them"),
        (TRUNK + TRUNK, "trunk[1].name = 't'", "twice"),
        (PHONE + "password_env = 'NONE'", "phone[0].password_env = 'NONE'", "not there"),
        (PHONE + "password_file = 'empty'", "phone[0].password_file = 'empty'", "no password"),
        (PHONE + "password_file = 'lines'", "phone[0].password_file = 'lines'", "one line"),
        (
            PHONE + "password_env = 'DESK'\npassword_file = 'trunk.password'",
            "phone[0].password_file, password_env",
            "one of them",
        ),
        (
            "[[phone]]\nusername = 'd'\nnumber = '123'\npassword_env = 'DESK'",
            "phone[0].number = '123'",
            "E.164",
        ),
        ("[asterisk]\nurl = 'ftp://x'", "asterisk.url = 'ftp://x'", "http://"),
        ("[asterisk]\nphones = {x = 'ann'}", "asterisk.phones.x = 'ann'", "E.164"),
    ],
)
def test_what_is_wrong_is_told_with_place_value_and_rule(text, place, rule):
    told = wrong(text)
    assert any(each.startswith(place) and rule in each for each in told), told


def test_all_that_is_wrong_is_told_at_once():
    told = wrong(
        "[gateway]\nrefer = 1\nmedia_timeout = 0\n"
        + TRUNK
        + "calls = 0\n[[phone]]\n[asterisk]\nurl = 'http://x'\n"
    )
    places = [each.split(" = ")[0] for each in told]
    assert {
        "gateway.refer",
        "gateway.media_timeout",
        "trunk[0].calls",
        "phone[0].username",
        "phone[0].number",
        "asterisk.username",
        "asterisk",
    } <= set(places)


def test_two_phones_need_two_names_and_two_numbers():
    told = wrong((PHONE + "password_env = 'DESK'\n") * 2)
    assert [each.split(" = ")[0] for each in told] == ["phone[1].username", "phone[1].number"]


def test_a_password_in_the_file_is_refused_and_not_repeated():
    told = wrong(TRUNK + "username = 'u'\npassword = 'geheim'")
    assert any(each.startswith("trunk[0].password = ") for each in told)
    assert "geheim" not in "".join(told)


def test_what_is_no_toml_is_told_with_its_line():
    assert "line 2" in wrong("[gateway]\nlisten 1")[0]


def test_more_rows_than_can_be_are_refused(monkeypatch):
    monkeypatch.setattr(voice_file, "VOICE_FILE_ROWS_MAX", 2)
    assert wrong(TRUNK * 3)[-1].startswith("trunk[1].name")
    assert any("more than 2" in each for each in wrong(TRUNK * 3))


def test_passwords_are_found_beside_the_file(tmp_path):
    (tmp_path / "pw").write_text("geheim\n")
    file = tmp_path / "voice.toml"
    file.write_text(PHONE + "password_file = 'pw'")
    assert voice_file.load(file, VARIABLES.get).phones[0].password == "geheim"
    with pytest.raises(Fault, match="cannot be read"):
        voice_file.load(tmp_path / "none.toml", VARIABLES.get)


def test_what_is_shown_has_no_passwords():
    voice = read(WHOLE)
    for shown in (repr(voice), json.dumps(meaning(voice)), page(meaning(voice))):
        assert "geheim" not in shown
        assert "desk secret" not in shown


def test_the_check_says_what_the_file_means(tmp_path, capsys):
    (tmp_path / "trunk.password").write_text("geheim")
    file = tmp_path / "voice.toml"
    file.write_text(
        WHOLE.replace("password_env", "password_file").replace("DESK", "trunk.password")
    )
    assert cli.main(["gateway", "--voice", str(file), "--check"]) == 0
    said = capsys.readouterr().out
    for part in ("0.0.0.0:5080", "20001 to 20100", "trunk carrier", "203.0.113.0/28", "desk1"):
        assert part in said
    assert cli.main(["gateway", "--voice", str(file), "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trunks"][0]["account"] == "account"
    file.write_text("nonsense = 1")
    assert cli.main(["gateway", "--voice", str(file), "--check"]) == 1
    assert "nonsense = 1 is nothing that is known here" in capsys.readouterr().err


def test_help_has_every_member_and_the_parser_knows_no_other():
    told = members()
    source = Path(voice_file.__file__).read_text()
    for each in MEMBERS:
        assert f"    {each.name} " in told
        assert source.count(f'"{each.name}"') >= 2, "explained, and never read"
