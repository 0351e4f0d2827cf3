"""Sealed input: what a customer types is read by who has the private key, and by nobody else."""

import asyncio
import base64
import json
import logging

import pytest
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from cryptography.exceptions import InvalidSignature

from node_builders import CUSTOMER, START, KeptJournal, a_node
from ringfloor.base.time import VirtualClock
from ringfloor.domain import commands
from ringfloor.domain.dialogue import Digits, Encryption, Failed
from ringfloor.domain.events import FlowFinished
from ringfloor.engine import effects
from ringfloor.engine.effects import SEALED, GatherSealed
from ringfloor.node import outbox
from ringfloor.node.functions import Functions
from ringfloor.node.sealed_input import SealedInput
from ringfloor.telephony import events
from ringfloor.telephony.commands import Gather, StopGather
from sealing import KEY_ID, a_pair, opened

FAILED = Failed("NoMatchingError")
TYPED = "4111111111111111"
NAME = f"c1/7{SEALED}"


def asked(pem, *trusted, name=NAME, key_id=KEY_ID):
    return GatherSealed(Gather(name, "c1", (), 20, 5_000), Encryption(key_id, pem), trusted)


@pytest.mark.parametrize("bits", [2048, 4096])
@pytest.mark.parametrize("digits", ["4", TYPED, "0123456789*#" * 21])
def test_its_owner_opens_it_as_the_documentation_says(bits, digits):
    sealed, pair = SealedInput(anybody=True), a_pair(bits)
    assert sealed.begin(asked(pair.certificate))
    heard = sealed.close(NAME, Digits(digits, "terminated"))
    assert isinstance(heard, Digits)
    assert heard.reason == "terminated"
    assert len(heard.digits) < 4_096
    assert opened(heard.digits, pair) == digits


def test_each_message_is_another():
    sealed, pair = SealedInput(anybody=True), a_pair()
    sealed.begin(asked(pair.certificate))
    first, second = (sealed.close(NAME, Digits("12", "terminated")).digits for _ in range(2))
    assert first != second


def test_somebody_elses_key_or_name_does_not_open_it():
    sealed = SealedInput(anybody=True)
    sealed.begin(asked(a_pair().certificate))
    message = sealed.close(NAME, Digits(TYPED, "terminated")).digits
    for pair, key_id in ((a_pair(name="theirs"), KEY_ID), (a_pair(), "another")):
        with pytest.raises(AWSEncryptionSDKClientError):
            opened(message, pair, key_id)


@pytest.mark.parametrize("place", [3, 40, 300, -200, -1])
def test_a_message_that_was_changed_does_not_open(place):
    sealed = SealedInput(anybody=True)
    sealed.begin(asked(a_pair().certificate))
    message = bytearray(base64.b64decode(sealed.close(NAME, Digits(TYPED, "terminated")).digits))
    message[place] ^= 1
    with pytest.raises((AWSEncryptionSDKClientError, InvalidSignature)):
        opened(base64.b64encode(message).decode(), a_pair())


def test_nothing_typed_stays_nothing():
    sealed = SealedInput(anybody=True)
    sealed.begin(asked(a_pair().certificate))
    assert sealed.close(NAME, Digits("", "no_input")) == Digits("", "no_input")


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "certificate",
        a_pair().private,
        a_pair().public,
        a_pair().certificate[:400],
        a_pair(0).certificate,
        a_pair(1024).certificate,
    ],
    ids=["none", "text", "private", "public", "cut off", "of a curve", "short"],
)
def test_a_key_that_cannot_be_used_is_refused_before_anything_is_asked(pem):
    assert not SealedInput(anybody=True).begin(asked(pem))


def test_a_certificate_counts_if_a_security_key_of_the_instance_has_signed_it():
    ours, theirs = a_pair(), a_pair(name="theirs")
    strict = SealedInput(anybody=False)
    assert not strict.begin(asked(ours.certificate))
    assert not strict.begin(asked(ours.certificate, theirs.public, "no key", a_pair(0).public))
    assert strict.begin(asked(ours.certificate, theirs.public, ours.public))


def finished(name=NAME, digits=TYPED):
    return events.GatherFinished(name, "c1", digits, "terminator")


@pytest.mark.parametrize("sealed", [None, SealedInput(anybody=True)])
def test_input_that_should_be_sealed_and_cannot_is_heard_by_nobody(sealed):
    assert outbox.heard(finished(), sealed) == commands.Hear("c1", 7, FAILED)


def test_a_key_is_forgotten_with_its_channel():
    sealed = SealedInput(anybody=True)
    sealed.begin(asked(a_pair().certificate))
    assert outbox.heard(finished(), sealed).heard != FAILED
    sealed.forget("c1")
    assert outbox.heard(finished(), sealed) == commands.Hear("c1", 7, FAILED)
    sealed.forget("c1")


# In a node


def asking_flow(pem):
    over = [{"NextAction": "bye", "ErrorType": "NoMatchingError"}]
    actions = [
        {
            "Identifier": "card",
            "Type": "GetParticipantInput",
            "Parameters": {
                "Text": "Your card number",
                "StoreInput": "True",
                "InputTimeLimitSeconds": "5",
                "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
                "InputEncryption": {"EncryptionKeyId": KEY_ID, "Key": pem},
            },
            "Transitions": {"NextAction": "keep", "Errors": over, "Conditions": []},
        },
        {
            "Identifier": "keep",
            "Type": "UpdateContactAttributes",
            "Parameters": {"Attributes": {"card": "$.StoredCustomerInput"}},
            "Transitions": {"NextAction": "thank", "Errors": over, "Conditions": []},
        },
        {
            "Identifier": "thank",
            "Type": "MessageParticipant",
            "Parameters": {"Text": "Thank you"},
            "Transitions": {"NextAction": "bye", "Errors": [], "Conditions": []},
        },
        {"Identifier": "bye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    return json.dumps({"Version": "2019-10-30", "StartAction": "card", "Actions": actions})


OURS = a_pair().public


async def a_caller(office, pem, *, key=OURS):
    """Somebody whom the flow asks for a card number."""
    flow = await office.add(
        "contact_flow",
        Name="card",
        Type="CONTACT_FLOW",
        State="ACTIVE",
        Status="PUBLISHED",
        Content=asking_flow(pem),
    )
    if key is not None:
        await office.add("security_key", Key=key)
    stage = office.stage
    stage.phones.call(CUSTOMER, "", "c1", stage.now)
    await stage.node.submit(
        office.instance_id,
        commands.StartInboundContact(contact_id="c1", from_number=CUSTOMER, to=None, flow_id=flow),
    )
    await stage.pass_time()


def written(journal, instance_id):
    return b"".join(record.payload for record in journal.read(instance_id, 0))


async def test_what_was_typed_is_in_no_record_and_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        completed = []
        stage.node.follow(
            lambda _desk, outcome: completed.extend(
                event.contact for event in outcome.events if hasattr(event, "contact")
            )
        )
        await a_caller(office, a_pair().certificate)
        stage.phones.press("c1", f"{TYPED}#", stage.now)
        await stage.pass_time()
        assert office.center.contacts == {}
        assert opened(completed[-1].attributes["card"], a_pair()) == TYPED
        assert TYPED.encode() not in written(journal, office.instance_id)
        assert TYPED not in caplog.text


@pytest.mark.parametrize(
    ("pem", "key"),
    [("nonsense", a_pair().public), (a_pair().certificate, None)],
    ids=["no certificate", "no security key"],
)
async def test_a_key_that_cannot_be_used_takes_the_error_branch(pem, key):
    async with a_node() as stage:
        office = await stage.an_instance()
        await a_caller(office, pem, key=key)
        assert office.center.contacts == {}
        assert [each.value for each in stage.phones.heard("c1") if each.kind == "text"] == []


async def test_a_gathering_that_is_given_up_is_stopped_by_its_own_name():
    async with a_node() as stage:
        office = await stage.an_instance()
        await a_caller(office, a_pair().certificate)
        run = office.center.contacts["c1"].runs["customer"]
        event = FlowFinished("c1", "customer", run.ask, run.number)
        assert list(effects.effects(office.center, event)) == [
            StopGather(f"c1/{run.number}{SEALED}")
        ]


async def test_a_carrier_that_tells_at_once_what_was_typed_while_we_were_away():
    async with a_node() as stage:
        office = await stage.an_instance()
        await a_caller(office, a_pair().certificate)
        posted = []
        again = outbox.Outbox(
            Functions({}, direct=False),
            lambda *each: posted.append(each),
            lambda: None,
            desks={},
        )

        class Hasty:
            def adopt(self, _legs, now):
                name = f"c1/{office.center.contacts['c1'].runs['customer'].number}{SEALED}"
                again.hear(finished(name), now)

            def perform(self, _command, _now):
                pass

        again.connect(Hasty())
        again.resume(office.desk, stage.now)
        ((instance_id, command),) = posted
        assert instance_id == office.instance_id
        assert opened(command.heard.digits, a_pair()) == TYPED


async def test_after_a_restart_it_is_asked_again_and_sealed_as_before():
    journal = KeptJournal()
    async with a_node(journal) as stage:
        office = await stage.an_instance()
        await a_caller(office, a_pair().certificate)
    async with a_node(journal, VirtualClock(START)) as stage:
        office = type(office)(stage, office.instance_id)
        await stage.pass_time()
        stage.phones.press("c1", f"{TYPED}#", stage.now)
        await asyncio.wait_for(stage.pass_time(), 5)
        assert [each.value for each in stage.phones.heard("c1")][-1] == "Thank you"
        assert TYPED.encode() not in written(journal, office.instance_id)
