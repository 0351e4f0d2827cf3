"""The softphone: its page in a real browser against a real server, and the door of its sound.

Phones are simulated here, so calls have no sound; tests/voice has what is heard.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.center import PASSWORD, FirstCenter
from acceptance.conftest import Server
from browser import chromium
from browser.softphone import Agent
from ringfloor.base.limits import ACCESS_TOKEN_MS, SOFTPHONE_BODY_BYTES_MAX

MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def page() -> Iterator[chromium.Page]:
    with chromium.browser(*MICROPHONE) as opened:
        yield opened


@pytest.fixture
def center(server: Server) -> FirstCenter:
    return FirstCenter(server)


@pytest.fixture
def ann(page: chromium.Page, server: Server, center: FirstCenter) -> Iterator[Agent]:
    """At the page, signed in and available; whatever she does, the page complains of nothing."""
    page.complaints.clear()
    page.requested.clear()
    agent = Agent(page)
    agent.open(server.address, center.alias)
    agent.sign_in("ann", PASSWORD)
    agent.sees("Ann Agent", "You are Offline")
    agent.choose("Available")
    agent.sees("Nothing now")
    yield agent
    page.run("sessionStorage.clear()")
    page.open("about:blank")
    assert page.complaints == []
    ours = {server.address, "about:blank"}
    assert {each for each in page.requested if not each.startswith(tuple(ours))} == set()


def ring(center: FirstCenter, **attributes: str) -> str:
    """A customer is in line, and rings at the agent."""
    contact_id = center.dial(Attributes=attributes)
    center.advance(6)
    return contact_id


def test_a_call_from_its_ring_to_the_work_after_it(ann: Agent, center: FirstCenter) -> None:
    contact_id = ring(center, tier="gold", order="<b>4711</b>")
    ann.sees(center.customer, "Rings · sales", "gold", "<b>4711</b>")
    assert ann.buttons() == ["Answer", "Decline"]
    assert ann.page.run("document.title") == f"☎ {center.customer}"
    assert ann.page.run("document.activeElement.textContent") == "Answer"
    ann.press("Answer")
    center.advance(2)
    ann.sees("Connected · sales", "You hear nothing", "simulated phones have no browsers")
    assert ann.buttons() == ["Mute", "Hold", "Keys", "Consult", "Hang up"]
    ann.press("Hold")
    ann.sees("On hold")
    ann.press("Resume")
    ann.sees("Connected")
    ann.press("Mute")
    ann.sees("Unmute")
    ann.press("Unmute")
    ann.press("Keys")
    for key in "7#":
        ann.press(key)
    ann.press("Hang up")
    ann.sees("After contact work", "Done")
    record = center.contact(contact_id)
    assert record["DisconnectReason"] == "AGENT_DISCONNECT"
    assert record["AgentInfo"]["Id"] == center.agent
    ann.press("Done")
    ann.sees("Nothing now")
    ann.misses(center.customer)


def test_somebody_is_asked_while_the_customer_waits(ann: Agent, center: FirstCenter) -> None:
    quick_connect_to(center, "Warehouse", WAREHOUSE)
    phone(center, WAREHOUSE, "answer")
    ring(center)
    ann.press("Answer")
    center.advance(2)
    narrow = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    ann.page.ask("Emulation.setDeviceMetricsOverride", **narrow)
    ann.press("Consult")
    ann.sees("Quick connect", "Number")
    assert ann.page.run("document.documentElement.scrollWidth") == 320, "wider than a small phone"
    escape = "new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })"
    ann.page.run(f"document.activeElement.dispatchEvent({escape})")
    ann.misses("Quick connect")
    ann.page.ask("Emulation.clearDeviceMetricsOverride")
    ann.consult(quick_connect="Warehouse")
    ann.sees("On hold, consulting", "Warehouse · is being called")
    assert ann.buttons() == ["Mute", "Keys", "Leave"]
    assert ann.page.run("document.activeElement.className") == "card contact"
    center.advance(1)
    ann.sees("Warehouse · talks", f"{center.customer} · on hold")
    assert ann.buttons() == ["Mute", "Swap", "Join all", "Keys", "Leave"]
    ann.press("Swap")
    ann.sees("Warehouse · on hold", f"{center.customer} · talks")
    ann.press("Join all")
    ann.sees("Conference", "Warehouse · talks")
    ann.party("Warehouse", "Hold")
    ann.sees("Warehouse · on hold")
    ann.party("Warehouse", "Drop")
    ann.misses("Warehouse")
    assert ann.buttons() == ["Mute", "Hold", "Keys", "Consult", "Hang up"]
    phone(center, WAREHOUSE, "busy")
    ann.consult(number="+1 206 555 0198")
    center.advance(1)
    ann.sees("could not be reached", "On hold")
    ann.press("Resume")
    phone(center, WAREHOUSE, "answer")
    ann.consult(number=WAREHOUSE)
    center.advance(1)
    ann.sees(f"{WAREHOUSE} · talks")
    ann.press("Leave")
    ann.sees("After contact work")
    center.act("complete")


WAREHOUSE = "+12065550198"


def phone(center: FirstCenter, number: str, behaviour: str) -> None:
    told = {"behaviour": behaviour, "answer_after": 1}
    center.server.sandbox("PUT", f"phones/{number}", told)


def quick_connect_to(center: FirstCenter, name: str, number: str) -> None:
    made = center.connect.create_quick_connect(
        InstanceId=center.instance,
        Name=name,
        QuickConnectConfig={
            "QuickConnectType": "PHONE_NUMBER",
            "PhoneConfig": {"PhoneNumber": number},
        },
    )
    center.connect.associate_queue_quick_connects(
        InstanceId=center.instance,
        QueueId=center.queue,
        QuickConnectIds=[made["QuickConnectId"]],
    )


def test_a_declined_call_and_one_that_accepts_itself(ann: Agent, center: FirstCenter) -> None:
    contact_id = ring(center)
    ann.press("Decline")
    ann.sees("missed a call")
    center.connect.update_user_phone_config(
        InstanceId=center.instance,
        UserId=center.agent,
        PhoneConfig={"PhoneType": "SOFT_PHONE", "AutoAccept": True},
    )
    ann.press("Done")
    center.advance(2)
    ann.sees("Connected · sales")
    assert center.contact(contact_id)["AgentInfo"]["Id"] == center.agent
    center.act("hangup")
    ann.sees("After contact work")


def test_a_call_out(ann: Agent, center: FirstCenter) -> None:
    ann.dial("+1 (206) 555-0199")
    center.advance(1)
    ann.sees("+12065550199", "Hang up", "You hear nothing")  # its sound was to come here
    ann.press("Hang up")
    ann.sees("Done")
    ann.press("Done")
    ann.dial("+999")
    ann.sees("The server refuses that")


def test_who_is_signed_out_elsewhere_is_told(
    ann: Agent, server: Server, center: FirstCenter
) -> None:
    server.ask("POST", "/logout", {}, **{"X-Amz-Bearer": token(server, center)})
    ring(center)  # the page asks again as soon as there is something to tell
    ann.sees("You have been signed out", "Sign in to go on")
    ann.sign_in("ann", "Wrong1wrong", center.alias)
    ann.sees("Instance, user name or password is wrong")
    ann.sign_in("ann", PASSWORD)
    ann.sees("Ann Agent", center.customer)
    ann.misses("You have been signed out", "is wrong")


def test_a_page_loaded_again_is_where_it_was(ann: Agent, center: FirstCenter) -> None:
    ring(center)
    ann.sees("Rings")
    ann.open(center.server.address)
    ann.sees(center.customer, "Rings")


def test_a_session_is_renewed_without_a_word(ann: Agent, center: FirstCenter) -> None:
    center.advance(ACCESS_TOKEN_MS // 1_000 + 60)
    ring(center)
    ann.press("Answer")
    center.advance(2)
    ann.sees("Connected · sales")
    assert any(each.endswith("/auth/authorize") for each in ann.page.requested)


def test_a_server_that_is_away_is_told_of_until_it_is_back(ann: Agent, center: FirstCenter) -> None:
    offline(ann.page, away=True)
    ring(center)
    ann.choose("Offline")
    ann.sees("The server does not answer", "Not connected")
    offline(ann.page, away=False)
    ann.misses("Not connected", "this page tries again")
    ann.sees(center.customer)


def offline(page: chromium.Page, *, away: bool) -> None:
    page.ask(
        "Network.emulateNetworkConditions",
        offline=away,
        latency=0,
        downloadThroughput=-1,
        uploadThroughput=-1,
    )


@pytest.mark.parametrize(
    ("options", "setting", "words"),
    [
        (MICROPHONE[:1], "denied", "This page may not use the microphone"),
        ((), "granted", "There is no microphone"),
    ],
)
def test_an_agent_who_would_not_be_heard_is_told_why(
    server: Server, center: FirstCenter, options: tuple[str, ...], setting: str, words: str
) -> None:
    with chromium.browser(*options) as page:
        page.ask("Browser.setPermission", permission={"name": "microphone"}, setting=setting)
        ann = Agent(page)
        ann.open(server.address, center.alias)
        ann.sign_in("ann", PASSWORD)
        ann.sees(words, "Try again")
        assert ann.attribute("#notices", "aria-live") == "assertive"


# The door


def token(server: Server, center: FirstCenter) -> str:
    body = {"instance": center.alias, "username": "ann", "password": PASSWORD}
    return str(server.ask("POST", "/auth/login", body)["accessToken"])


def fetch(server: Server, path: str, method: str = "GET") -> Any:
    return urllib.request.urlopen(urllib.request.Request(server.address + path, method=method))


def test_the_page_and_what_it_may(server: Server) -> None:
    with fetch(server, "/softphone") as response:
        assert response.url.endswith("/softphone/")
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        page = response.read().decode()
    assert "<script>" not in page
    assert "style=" not in page
    scripts = ("softphone.js", "calls.js", "dom.js", "parties.js", "sound.js")
    for name in (*scripts, "softphone.css", "icon.svg"):
        with fetch(server, f"/softphone/{name}", "HEAD") as response:
            assert response.headers["x-content-type-options"] == "nosniff"
            assert int(response.headers["content-length"]) > 100
    for path in ("nothing", "../app.py", "..%2fapp.py", "__init__.py"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(server, f"/softphone/{path}")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        fetch(server, "/softphone/", "DELETE")


def offered(server: Server, bearer: str, **body: Any) -> tuple[int, dict[str, str]]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.ask("POST", "/softphone/offer", body, **{"X-Amz-Bearer": bearer})
    with caught.value as error:
        return error.code, json.loads(error.read())


def test_offers_are_for_legs_of_ones_own(server: Server, center: FirstCenter) -> None:
    bearer = token(server, center)
    contact_id = ring(center)
    other = FirstCenter(server)
    leg = f"{contact_id}/agent"
    assert offered(server, "", channelId=leg, sdp="v=0")[0] == 401
    assert offered(server, "nonsense", channelId=leg, sdp="v=0")[0] == 401
    status, told = offered(server, token(server, other), channelId=leg, sdp="v=0")
    assert (status, told["code"]) == (404, "ResourceNotFoundException")
    status, told = offered(server, bearer, channelId=contact_id, sdp="v=0")
    assert status == 404, "the customer's leg"
    assert offered(server, bearer, channelId=leg)[0] == 400
    status, told = offered(server, bearer, channelId=leg, sdp="x" * SOFTPHONE_BODY_BYTES_MAX)
    assert "longer than" in told["message"]
