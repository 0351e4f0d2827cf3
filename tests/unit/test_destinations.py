"""Destinations: which numbers may be called, by whatever way a call goes out."""

import pytest

from engine_builders import Driver, a_center, a_content, an_action
from ringfloor.base.errors import Refusal
from ringfloor.domain import commands, destinations, dialogue, practice
from ringfloor.domain.commands import AddParty, DialOut, StartInboundContact, StartOutboundContact
from ringfloor.domain.destinations import check, countries, is_emergency, parse, refused
from ringfloor.domain.practice import Practice
from ringfloor.engine import callback, engine, entry

LONDON, BERLIN, NEW_YORK, TORONTO = "+442079460000", "+493023125000", "+12125550100", "+14165550100"


def works(driver: Driver, **members: object) -> None:
    """The operator sets what the instance does."""
    driver.run(commands.UpdateInstance(practice.changes(Practice(**members))))


# Rules


@pytest.mark.parametrize(
    "text", ["allow:US", "deny:*", "deny:+1900", "deny:premium-rate", "allow:+44"]
)
def test_a_rule_can_be_read(text):
    assert parse(text).allows is text.startswith("allow")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("US", "is not allow: or deny:"),
        ("permit:US", "is not allow: or deny:"),
        ("deny:1900", "is not allow: or deny:"),
        ("deny:+", "is not allow: or deny:"),
        ("deny:+0", "is not allow: or deny:"),
        ("deny:us1", "is not allow: or deny:"),
        ("allow:XX", "is no country"),
        ("deny:satellite", "none of the kinds"),
    ],
)
def test_a_rule_that_cannot_be_read_says_why(text, why):
    with pytest.raises(ValueError, match=why):
        check(["allow:US", text])


def test_two_rules_do_not_contradict_each_other():
    check(["allow:US", "allow:US", "deny:+1"])
    with pytest.raises(ValueError, match=r"'deny:US' contradicts"):
        check(["allow:US", "deny:US"])


@pytest.mark.parametrize(
    ("rules", "allowed", "denied"),
    [
        ((), [LONDON, BERLIN, NEW_YORK, "+15550005", "+1555", "+99912345678"], []),
        (("allow:US",), [NEW_YORK, "+18005550100"], [TORONTO, LONDON, "+1555", "+99912345678"]),
        (("allow:+1",), [NEW_YORK, TORONTO, "+1555"], [LONDON]),
        (("deny:DE",), [LONDON, NEW_YORK], [BERLIN]),
        (("allow:+1", "deny:CA"), [NEW_YORK], [TORONTO, LONDON]),
        (("deny:GB", "allow:+4420"), [LONDON], ["+441614960000", NEW_YORK]),
        (("deny:+1900", "allow:*"), [NEW_YORK, LONDON], ["+19002345678"]),
        (("deny:+1900",), [NEW_YORK, LONDON], ["+19002345678"]),
        (("allow:GB", "deny:premium-rate"), [LONDON], ["+449098790000"]),
        (("deny:premium-rate", "allow:+449098790000"), ["+449098790000"], ["+449098790001"]),
        (("deny:*",), [], [LONDON, NEW_YORK, "+1555"]),
        (("deny:*", "allow:DE"), [BERLIN], [LONDON]),
        (("deny:+44", "allow:+4420", "deny:+44207946"), [], [LONDON]),
    ],
)
def test_the_narrowest_rule_holds(rules, allowed, denied):
    check(rules)
    assert [each for each in allowed if refused(each, rules)] == []
    assert [each for each in denied if refused(each, rules) != "denied"] == []


@pytest.mark.parametrize(
    "number",
    [
        "+1911",
        "+911",
        "+112",
        "+999",
        "+44999",
        "+49110",
        "+49112",
        "+33112",
        "+61000",
        "+19115551",
    ],
)
def test_emergency_numbers_are_refused_however_they_are_written(number):
    assert refused(number) == "emergency"
    assert refused(number, ("allow:*", f"allow:{number}")) == "emergency", "one rule allows them"
    assert refused(number, ("deny:*", "allow:emergency")) is None


def test_to_allow_emergency_numbers_is_about_nothing_else():
    check(("allow:emergency", "deny:US"))
    assert refused("+12065550100", ("allow:emergency",)) is None
    assert refused("+12065550100", ("allow:emergency", "deny:US")) == "denied"
    assert refused("+12065550100", ("allow:emergency", "allow:GB")) == "denied"
    with pytest.raises(ValueError, match="names none of the kinds"):
        check(("deny:emergency",))


def test_numbers_without_a_country_are_known_for_emergencies_too():
    assert is_emergency("911")
    assert is_emergency("112")
    assert not is_emergency("411")


@pytest.mark.parametrize("number", [LONDON, "+19125550100", "+447700900123", "+19195550100"])
def test_numbers_that_only_remind_of_them_are_none(number):
    assert refused(number) is None


def test_the_countries_that_may_be_called():
    assert len(countries()) > 200
    assert countries(("allow:GB", "allow:DE")) == ["DE", "GB"]
    assert "RU" not in countries(("deny:RU",))
    assert "CA" in countries(("allow:+1", "deny:+1900")), "a part of it says nothing of the whole"
    assert countries(("deny:*",)) == []


# In the engine: every way out


@pytest.fixture
def center() -> Driver:
    return a_center(agents=1, queues=["sales"])


def out(center: Driver, number: str = NEW_YORK) -> StartOutboundContact:
    flow = center.ids["to sales"]
    return StartOutboundContact(to=number, from_number="+2", flow_id=flow, dial_ms=60_000)


def code(center: Driver, command: commands.Command) -> str:
    with pytest.raises(Refusal) as caught:
        center.run(command)
    return caught.value.code


def test_rules_are_the_instance_s_own_and_change_with_it(center):
    assert entry.may_dial(center.center, LONDON)
    works(center, destinations=("allow:US",))
    assert not entry.may_dial(center.center, LONDON)
    assert entry.may_dial(center.center, NEW_YORK)
    works(center)
    assert entry.may_dial(center.center, LONDON)
    assert not entry.may_dial(center.center, "+1911")


@pytest.mark.parametrize("number", [LONDON, "+1911"])
def test_whoever_dials_is_told_that_he_may_not(center, number):
    works(center, destinations=("deny:GB",))
    assert code(center, out(center, number)) == "DestinationNotAllowedException"
    own = DialOut(agent_id=center.ids["a1"], to=number, queue_id=center.ids["sales"])
    assert code(center, own) == "DestinationNotAllowedException"
    assert callback.refused(center.center, number) == "CallbackNumberNotDialable"
    assert callback.refused(center.center, NEW_YORK) is None


def test_an_agent_adds_nobody_whom_the_instance_does_not_call(center):
    config = {"QuickConnectType": "PHONE_NUMBER", "PhoneConfig": {"PhoneNumber": LONDON}}
    made = commands.CreateResource(
        kind="quick_connect", properties={"Name": "uk", "QuickConnectConfig": config}
    )
    center.name("uk", center.run(made).answer)
    center.available("a1")
    center.enqueue("c1", "sales")
    center.run(commands.AcceptContact(center.ids["a1"], "c1"))
    center.run(commands.ConnectAgent("c1"))
    while runs := center.contact("c1").runs:  # whispers
        ask = next(iter(runs.values()))
        center.run(commands.Hear("c1", ask.number, dialogue.Done()))
    works(center, destinations=("deny:GB",))
    for whom in ({"number": LONDON}, {"quick_connect_id": center.ids["uk"]}):
        add = AddParty(agent_id=center.ids["a1"], contact_id="c1", **whom)
        assert code(center, add) == "DestinationNotAllowedException"
    works(center)
    assert center.run(AddParty(agent_id=center.ids["a1"], contact_id="c1", number=LONDON)).events


def transferring(center: Driver, number: str) -> str:
    """The text that a caller hears whose flow transfers him there; empty: somebody is dialled."""
    parameters = {"ThirdPartyPhoneNumber": number, "ThirdPartyConnectionTimeLimitSeconds": "30"}
    no = an_action("no", "MessageParticipant", {"Text": "no"}, "bye", NoMatchingError="bye")
    dial = an_action(
        "dial", "TransferParticipantToThirdParty", parameters, "bye", NoMatchingError="no",
        CallFailed="no", ConnectionTimeLimitExceeded="no",
    )  # fmt: skip
    flow = center.a_flow("out", a_content(dial, no, an_action("bye", "DisconnectParticipant")))
    center.run(StartInboundContact(contact_id="c1", from_number=NEW_YORK, flow_id=flow))
    ask = center.center.contacts["c1"].runs["customer"].ask
    return getattr(getattr(ask, "prompt", None), "value", "")


@pytest.mark.parametrize(("number", "heard"), [(LONDON, "no"), ("+44999", "no"), (BERLIN, "")])
def test_a_flow_that_transfers_elsewhere_goes_on_at_its_error(center, number, heard):
    works(center, destinations=("deny:GB",))
    assert transferring(center, number) == heard


# How many, and how often


def test_calls_out_are_limited_by_second_and_at_once(center):
    works(center, outbound_rate=(2, 3))
    assert transferring(center, BERLIN) == "", "whoever dials, it counts"
    center.run(out(center))
    center.run(out(center))
    assert code(center, out(center)) == "LimitExceededException"
    assert code(center, DialOut(agent_id=center.ids["a1"], to=BERLIN)) == "LimitExceededException"
    center.at += 499
    assert code(center, out(center)) == "LimitExceededException"
    center.at += 1
    center.run(out(center))
    assert code(center, out(center)) == "LimitExceededException"
    center.at += 10_000
    for _ in range(3):
        center.run(out(center))
    assert code(center, out(center)) == "LimitExceededException", "no more than three at once"


def test_a_flow_hears_of_the_limit_as_of_any_error(center):
    works(center, outbound_calls=1)
    center.run(out(center))
    assert transferring(center, BERLIN) == "no"


def test_calls_out_under_way_are_limited_and_calls_in_are_not(center):
    works(center, outbound_calls=2)
    first = center.run(out(center)).answer
    center.run(out(center))
    assert code(center, out(center)) == "LimitExceededException"
    flow = center.ids["to sales"]
    center.run(StartInboundContact(contact_id="in", from_number=NEW_YORK, flow_id=flow))
    center.run(commands.StopContact(first))
    assert center.run(out(center)).answer
    assert center.center.going == {"VOICE": 3, "OUTBOUND": 2}


def test_what_counts_outlives_a_restart(center):
    works(center, outbound_rate=(1, 2), outbound_calls=9)
    center.run(out(center))
    again = engine.restore(engine.image(center.center))
    assert again.dialled_until == center.center.dialled_until > 0
    assert again.going == {"VOICE": 1, "OUTBOUND": 1}


def test_an_instance_that_is_named_has_its_own_rules_and_no_others():
    rules = ("deny:+1900", "berlin=allow:DE", "berlin=deny:+49900", "vienna=allow:AT")
    destinations.check_all(rules)
    assert destinations.of_instance(rules, "first") == ("deny:+1900",)
    assert destinations.of_instance(rules, "berlin") == ("allow:DE", "deny:+49900")
    both = Practice(destinations=rules)
    assert practice.kept(practice.of_instance(both, "vienna")) == {"Destinations": ["allow:AT"]}
    with pytest.raises(ValueError, match="contradicts"):
        destinations.check_all(("allow:US", "berlin=allow:DE", "berlin=deny:DE"))
    destinations.check_all(("allow:DE", "berlin=deny:DE"))
