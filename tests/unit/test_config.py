"""Settings: from options and from variables, the option first, and what is refused."""

import argparse
import base64
from ipaddress import ip_network
from pathlib import Path

import pytest

from ringfloor.aws.throttle import Rate
from ringfloor.base.errors import Fault
from ringfloor.config import Settings, add_options, gateway_environment, settings
from ringfloor.domain import numbers
from ringfloor.domain.practice import Practice
from ringfloor.settings_table import SETTINGS, variable


def parsed(*options, **environment):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser)
    return settings(parser.parse_args(options), environment)


def test_the_defaults():
    assert parsed() == Settings(data=Path("ringfloor-data"))


def test_every_setting_has_a_variable_of_its_own():
    names = [variable(setting) for setting in SETTINGS]
    assert len(set(names)) == len(names)
    assert variable(next(each for each in SETTINGS if each.name == "signature-window")) == (
        "RINGFLOOR_SIGNATURE_WINDOW"
    )


@pytest.mark.parametrize(
    ("name", "value", "member", "expected"),
    [
        ("host", "::1", "host", "::1"),
        ("port", "0", "port", 0),
        ("port", "65535", "port", 65_535),
        ("data", "/tmp/x y", "data", Path("/tmp/x y")),
        ("clock", "virtual", "virtual_clock", True),
        ("clock", "wall", "virtual_clock", False),
        ("region", "eu-central-1", "region", "eu-central-1"),
        ("account", "000000000001", "account", "000000000001"),
        ("limits", "aws", "aws_limits", True),
        ("flows", "lenient", "lenient_flows", True),
        ("ring-seconds", "5", "practice", Practice(ring_ms=5_000)),
        ("train-waits", "6", "train_waits", 21_600_000),
        ("train-waits", "off", "train_waits", None),
        ("callback-rank", "callback", "practice", Practice(callback_rank="callback")),
        ("callback-duration", "delay", "practice", Practice(callback_duration="delay")),
        (
            "destination",
            "allow:US deny:+1900",
            "practice",
            Practice(destinations=("allow:US", "deny:+1900")),
        ),
        ("outbound-rate", "5/10", "practice", Practice(outbound_rate=(5, 10))),
        ("outbound-calls", "50", "practice", Practice(outbound_calls=50)),
        ("recording-days", "90", "practice", Practice(recording_days=90)),
        ("storage", "s3", "storage", "s3"),
        ("rate", "StopContact=10/20", "rates", {"StopContact": Rate(10, 20)}),
        ("rate", "sts:AssumeRole=5/6", "rates", {"sts:AssumeRole": Rate(5, 6)}),
        ("rate", "*=1/2 ListUsers=3/4", "rates", {"*": Rate(1, 2), "ListUsers": Rate(3, 4)}),
        ("proxy", "10.0.0.0/8 ::1", "proxies", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        ("quota", "queue=100 call=0", "quotas", {"queue": 100, "call": 0}),
        ("signature-window", "1", "signature_window_seconds", 1),
        ("signature-window", "86400", "signature_window_seconds", 86_400),
        ("function", "arn:a=http://h/x=y", "functions", {"arn:a": "http://h/x=y"}),
        ("bot", "arn:b=http://h/x=y", "bots", {"arn:b": "http://h/x=y"}),
        ("stream", "agent-events=a=b.jsonl", "streams", {"agent-events": "a=b.jsonl"}),
        ("stream", "agent-events=kinesis://a", "streams", {"agent-events": "kinesis://a"}),
        ("stream-batch", "500", "stream_batch", 500),
        ("kinesis-endpoint", "http://a:1", "stream_endpoints", {"kinesis": "http://a:1"}),
        ("firehose-endpoint", "https://a", "stream_endpoints", {"firehose": "https://a"}),
        ("events-endpoint", "http://a", "stream_endpoints", {"eventbridge": "http://a"}),
    ],
)
def test_an_option_and_a_variable_say_the_same(name, value, member, expected):
    upper = "RINGFLOOR_" + name.upper().replace("-", "_")
    assert getattr(parsed(f"--{name}", value), member) == expected
    assert getattr(parsed(**{upper: value}), member) == expected


@pytest.mark.parametrize(
    ("value", "memory"),
    [("1", True), ("true", True), ("YES", True), ("0", False), ("", False), ("no", False)],
)
def test_a_flag_as_a_variable(value, memory):
    assert (parsed(RINGFLOOR_MEMORY=value).data is None) is memory


def test_flags_as_options():
    assert parsed("--memory").data is None
    once, twice = parsed("--sandbox"), parsed("--sandbox", "--sandbox")
    assert (once.sandbox, once.sandbox_anywhere) == (True, False)
    assert (twice.sandbox, twice.sandbox_anywhere) == (True, True)
    assert parsed(RINGFLOOR_SANDBOX="2").sandbox_anywhere


def test_the_option_wins():
    assert parsed("--port", "1", RINGFLOOR_PORT="2").port == 1
    assert parsed("--function", "a=http://x", RINGFLOOR_FUNCTION="b=http://y").functions == {
        "a": "http://x"
    }


def test_functions_are_many():
    wanted = {"a": "http://x", "b": "https://y"}
    assert parsed("--function", "a=http://x", "--function", "b=https://y").functions == wanted
    assert parsed(RINGFLOOR_FUNCTION="a=http://x  b=https://y").functions == wanted


@pytest.mark.parametrize("setting", ["function", "bot"])
def test_a_callable_needs_a_sandbox_or_the_operators_word(setting):
    given = f"--{setting}", "a=python:package.module:Class.method"
    with pytest.raises(Fault, match="--python"):
        parsed(*given)
    for word in ("--sandbox", "--python"):
        found = parsed(*given, word)
        assert {**found.functions, **found.bots} == {"a": "python:package.module:Class.method"}
    assert parsed(*given, RINGFLOOR_PYTHON="1")


def test_a_quota_is_a_whole_number():
    for value in ("queue=", "queue=x", "queue=-1"):
        with pytest.raises(Fault, match=r"^quota queue: "):
            parsed("--quota", value)


def test_the_number_pool_is_many_ranges():
    one, two = "US:DID:+12065550100-+12065550199", "DE:UIFN:+800-+899"
    wanted = numbers.pool(map(numbers.parse, (two, one)))
    assert parsed("--number-pool", one, "--number-pool", two).pool == wanted
    assert parsed(RINGFLOOR_NUMBER_POOL=f"{one}  {two}").pool == wanted
    assert parsed(RINGFLOOR_NUMBER_POOL="").pool == numbers.Pool()
    with pytest.raises(Fault, match=r"number-pool: \+12065550150 is in two ranges"):
        parsed("--number-pool", one, "--number-pool", "US:DID:+12065550150-+12065550250")


@pytest.mark.parametrize("value", ["5", "0/1", "1/0", "1001/1", "x/y", "1/2/3"])
def test_the_rate_of_calls_out_is_two_numbers(value):
    with pytest.raises(Fault, match=r"^outbound-rate: "):
        parsed("--outbound-rate", value)


def test_an_endpoint_of_storage_is_for_storage_elsewhere():
    elsewhere = "--storage-endpoint", "http://h:9000"
    assert parsed("--storage", "s3", *elsewhere).storage_endpoint == "http://h:9000"
    assert parsed("--storage", "s3").storage_endpoint is None
    with pytest.raises(Fault, match=r"^storage-endpoint: 'http://h:9000' is for --storage s3"):
        parsed(*elsewhere)


def test_rules_of_destinations_do_not_contradict_each_other():
    with pytest.raises(Fault, match=r"^destination: 'deny:US' contradicts"):
        parsed("--destination", "allow:US", "--destination", "deny:US")
    many = " ".join(f"deny:+1{number}" for number in range(1_001))
    with pytest.raises(Fault, match=r"^destination: 1001 are more than 1000 rules"):
        parsed(RINGFLOOR_DESTINATION=many)


def test_the_key_pair():
    found = parsed(RINGFLOOR_ACCESS_KEY_ID="id", RINGFLOOR_SECRET_ACCESS_KEY="secret")
    assert (found.access_key_id, found.secret_access_key) == ("id", "secret")
    assert parsed(RINGFLOOR_ACCESS_KEY_ID="").access_key_id is None
    for half in ("RINGFLOOR_ACCESS_KEY_ID", "RINGFLOOR_SECRET_ACCESS_KEY"):
        with pytest.raises(Fault, match="set both"):
            parsed(**{half: "x"})


def test_results_are_checked_for_tests_only():
    assert not parsed().check_results
    assert parsed(RINGFLOOR_CHECK_RESULTS="1").check_results


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("port", value) for value in ("-1", "65536", "x", "", "1.5", "²", "8 0")),
        *(("signature-window", value) for value in ("0", "86401", "-5", "abc")),
        *(("account", value) for value in ("", "12345678901", "1234567890123", "12345678901x")),
        *(("memory", value) for value in ("maybe", "10", "-1")),
        *(("sandbox", value) for value in ("on?", "x")),
        *(("ring-seconds", value) for value in ("0", "601", "1.5", "")),
        *(("train-waits", value) for value in ("0", "8761", "1.5", "never", "")),
        ("callback-rank", "wait"),
        ("storage", "tape"),
        ("storage-endpoint", "minio:9000"),
        *(("recording-days", value) for value in ("0", "36501", "x")),
        *(("outbound-calls", value) for value in ("0", "x")),
        *(("destination", value) for value in ("US", "allow:XX", "deny:1900", "deny:fax")),
        ("callback-duration", "call"),
        *(("clock", value) for value in ("sun", "", "WALL")),
        *(("limits", value) for value in ("some", "AWS")),
        *(("number-pool", value) for value in ("x", "US:DID:+10-+9", "US:MOBILE:+10-+19")),
        *(
            ("rate", value)
            for value in ("x", "A=1", "A=0/1", "A=1/0", "A=1/2/3", "A/B=1/1", "s3:A=1/1")
        ),
        *(("proxy", value) for value in ("10.0.0.1/8", "nowhere", "10.0.0.0/33")),
        *(("quota", value) for value in ("x=1", "=1")),
        *(("stream", value) for value in ("events=/tmp/x", "contact-events", "contact-events=")),
        *(
            ("stream", f"agent-events={each}")
            for each in ("ftp://x", "kinesis://", "eventbridge://x")
        ),
        *(("stream-batch", value) for value in ("0", "501", "x")),
        *((f"{each}-endpoint", "a:1") for each in ("kinesis", "firehose", "events")),
        *(("function", value) for value in ("a", "=http://x", "a=", "a=ftp://x", "a= http://x")),
        *(
            ("bot", value)
            for value in ("a", "=python:m:f", "a=python:m", "a=python:m:1", "a=python::f")
        ),
    ],
)
def test_what_is_refused_names_the_setting_and_the_value(name, value):
    with pytest.raises(Fault) as caught:
        parsed(**{"RINGFLOOR_" + name.upper().replace("-", "_"): value})
    assert str(caught.value).startswith(f"{name}: ")
    shown = {"function": value.split()[:1], "quota": [value.partition("=")[0]]}
    assert repr("".join(shown.get(name, [value])) if value else value) in str(caught.value)


@pytest.mark.parametrize("name", ["clock", "limits"])
def test_argparse_refuses_choices_first(name):
    with pytest.raises(argparse.ArgumentError):
        parsed(f"--{name}", "other")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_sandbox_on_this_machine(host):
    found = parsed("--sandbox", "--host", host)
    assert found.sandbox
    assert found.loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_a_sandbox_elsewhere_must_be_meant(host):
    with pytest.raises(Fault, match="give --sandbox twice"):
        parsed("--sandbox", "--host", host)
    assert parsed("--sandbox", "--sandbox", "--host", host).sandbox_anywhere
    assert not parsed("--host", host).sandbox


WEBHOOK = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_secrets_of_webhooks_are_in_the_variable_or_in_a_file_that_it_names(tmp_path):
    assert parsed(RINGFLOOR_STREAM_SECRET=WEBHOOK).stream_secrets == (bytes(range(32)),)
    (tmp_path / "secrets").write_text(f"{WEBHOOK}\n{WEBHOOK}\n")
    found = parsed(RINGFLOOR_STREAM_SECRET=f"@{tmp_path}/secrets")
    assert len(found.stream_secrets) == 2
    assert str(bytes(range(32))) not in repr(found)


@pytest.mark.parametrize("host", ["", ":80", "a:0", "a:99999", "a:x"])
def test_the_address_of_a_webhook_is_never_shown_for_it_may_be_a_secret(host):
    with pytest.raises(Fault, match="stream: the address of agent-events has no host") as caught:
        parsed(RINGFLOOR_STREAM=f"agent-events=https://me:hush@{host}/T0/hush")
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(parsed(RINGFLOOR_STREAM="agent-events=https://me:hush@a/T0/hush"))


@pytest.mark.parametrize("value", [WEBHOOK[6:], "whsec_short", "whsec_???", "@/nowhere"])
def test_what_is_no_secret_of_a_webhook_is_refused_and_not_shown(value):
    with pytest.raises(Fault, match="RINGFLOOR_STREAM_SECRET") as caught:
        parsed(RINGFLOOR_STREAM_SECRET=value)
    assert value.startswith("@") or value not in str(caught.value)


def test_a_stream_goes_to_one_place():
    with pytest.raises(Fault, match="contact-events is given twice"):
        parsed(RINGFLOOR_STREAM="contact-events=a agent-events=b contact-events=c")


def test_real_calls_take_a_file_and_the_wall_clock():
    assert parsed("--voice", "voice.toml").voice == Path("voice.toml")
    assert parsed(RINGFLOOR_VOICE="voice.toml").voice == Path("voice.toml")
    with pytest.raises(Fault, match=r"--voice v\.toml and --clock virtual"):
        parsed("--voice", "v.toml", "--clock", "virtual")


def test_a_gateway_is_told_nothing_of_the_servers_secrets():
    ours = {
        f"RINGFLOOR_{name}": "x"
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "ENCRYPTION_KEY", "STREAM_SECRET")
    }
    theirs = {"PATH": "/bin", "DESK1_PASSWORD": "y"}
    assert gateway_environment({**ours, **theirs}) == theirs
