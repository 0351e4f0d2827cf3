"""What a new user can try before he has a trunk: a phone of his own is the customer."""

from pathlib import Path

import pytest

from acceptance.center import OWN_NUMBER
from voice.center import AGENT_HZ, AGENT_PHONE, CUSTOMER, CUSTOMER_HZ, free_port, served
from voice.probe import Line, Probe

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

VOICE = """
[gateway]
listen = "127.0.0.1:{port}"

[[phone]]
username = "customer"
number = "{customer}"
password_file = "password"

[[phone]]
username = "agent"
number = "{agent}"
password_file = "password"
"""
PASSWORD = "correct horse"


def test_two_phones_on_a_desk_are_customer_and_agent(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "password").write_text(PASSWORD)
    voice = tmp_path / "voice.toml"
    voice.write_text(VOICE.format(port=port, customer=CUSTOMER, agent=AGENT_PHONE))
    proxy = ("127.0.0.1", port)
    one, other = Line(frequency=CUSTOMER_HZ), Line(frequency=AGENT_HZ)
    with (
        Probe("x", line=one, proxy=proxy, username="customer", password=PASSWORD) as phone,
        Probe("y", line=other, proxy=proxy, username="agent", password=PASSWORD) as desk,
        served(phone, tmp_path / "data", voice) as center,
    ):
        unknown = center.dial(CUSTOMER)  # it has not registered yet
        assert center.await_end(unknown)["DisconnectReason"] == "TELECOM_PROBLEM"
        assert phone.register() == 200
        assert desk.register() == 200
        center.center.act("available")
        contact_id = center.dial(CUSTOMER)
        called = phone.wait_for_call().wait("up")
        agent = desk.wait_for_call().wait("up")
        called.await_tone(AGENT_HZ)
        agent.await_tone(CUSTOMER_HZ)
        called.hang_up()
        assert center.await_end(contact_id)["DisconnectReason"] == "CUSTOMER_DISCONNECT"
        center.center.act("complete")
        caller = phone.dial(OWN_NUMBER).wait("up")
        desk.wait_for_call(2).wait("up").await_tone(CUSTOMER_HZ)
        caller.await_tone(AGENT_HZ)
        (contact,) = set(center.contacts()) - {unknown, contact_id}
        told = center.contact(contact)
        assert told["CustomerEndpoint"]["Address"] == CUSTOMER, "not what it says, what it is"
        caller.hang_up()
        center.await_end(contact)
        assert phone.dial("+15555550199").wait("ended").status == 404, "nobody's number"
