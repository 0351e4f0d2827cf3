"""Contact events, contact records and agent events: told as AWS tells them, and after a crash."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from acceptance.center import FirstCenter

SHARED = Path(__file__).parents[2].parent / "shared" / "events"
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WHOLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

LIFE = [
    "INITIATED",
    "CONNECTED_TO_SYSTEM",
    "QUEUED",
    "CONNECTED_TO_AGENT",
    "DISCONNECTED",
    "COMPLETED",
]


def streams(directory):
    return [
        option
        for name in ("contact-events", "contact-records", "agent-events")
        for option in ("--stream", f"{name}={directory / name}.jsonl")
    ]


def lines(directory, name):
    path = directory / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def until(found, *, tries=200):
    """What is delivered comes soon; nobody waits for it."""
    event = threading.Event()
    for _ in range(tries):
        if (value := found()) is not None:
            return value
        event.wait(0.02)
    pytest.fail("never delivered")


def one_call(center):
    contact = center.dial(Attributes={"tier": "gold"})
    center.act("available")
    center.act("accept")
    center.advance(14)
    center.act("hangup")
    center.advance(10)
    center.act("complete")
    return contact


def told_of(directory, contact, count):
    def look():
        found = [
            each
            for each in lines(directory, "contact-events")
            if each["detail"]["contactId"] == contact
        ]
        return found if len({each["id"] for each in found}) >= count else None

    return until(look)


def test_a_call_is_told_from_its_beginning_to_its_end(start, tmp_path):
    server = start("--memory", "--sandbox", "--clock", "virtual", *streams(tmp_path))
    center = FirstCenter(server)
    contact = one_call(center)

    told = told_of(tmp_path, contact, len(LIFE))
    assert [each["detail"]["eventType"] for each in told] == LIFE
    for each in told:
        assert each["source"] == "aws.connect"
        assert each["detail-type"] == "Amazon Connect Contact Event"
        assert WHOLE.fullmatch(each["time"])
        assert [arn.rsplit("/", 1)[-1] for arn in each["resources"]] == [contact, center.instance]
        assert MILLISECONDS.fullmatch(each["detail"]["initiationTimestamp"])
    assert len({each["id"] for each in told}) == len(told)
    queued, connected, done = (told[place]["detail"] for place in (2, 3, 5))
    assert queued["queueInfo"]["queueType"] == "STANDARD"
    assert queued["queueInfo"]["queueArn"] == center.queue_arn
    assert "agentInfo" not in queued
    assert connected["agentInfo"]["agentArn"].endswith(f"/agent/{center.agent}")
    assert done["agentInfo"]["afterContactWorkDuration"] == 10
    assert done["disconnectReason"] == "AGENT_DISCONNECT"

    record = until(
        lambda: next(
            (each for each in lines(tmp_path, "contact-records") if each["ContactId"] == contact),
            None,
        )
    )
    assert record["Agent"]["AgentInteractionDuration"] == 14
    assert record["Agent"]["AfterContactWorkDuration"] == 10
    assert record["Agent"]["Username"] == "ann"
    assert record["Agent"]["RoutingProfile"]["Name"] == "sellers"
    assert record["Queue"]["Name"] == "sales"
    assert record["Attributes"] == {"tier": "gold"}
    assert record["AgentConnectionAttempts"] == 1

    agents = [
        each
        for each in lines(tmp_path, "agent-events")
        if each["AgentARN"].endswith(f"/agent/{center.agent}")
    ]
    kinds = [each["EventType"] for each in agents]
    assert kinds[0] == "LOGIN"
    for before, after in pairwise(agents):
        assert after["PreviousAgentSnapshot"] == before["CurrentAgentSnapshot"]
    seen = [
        each["CurrentAgentSnapshot"]["Contacts"][0]["State"]
        for each in agents
        if each["CurrentAgentSnapshot"]["Contacts"]
    ]
    assert [state for at, state in enumerate(seen) if state not in seen[:at]] == [
        "CONNECTING",
        "CONNECTED",
        "ENDED",
    ]


def test_records_and_events_have_the_members_of_awss_own(start, tmp_path):
    server = start("--memory", "--sandbox", "--clock", "virtual", *streams(tmp_path))
    contact = one_call(FirstCenter(server))
    told_of(tmp_path, contact, len(LIFE))

    def missing(theirs, ours, at=""):
        """Members of theirs that ours lacks."""
        for name, value in theirs.items():
            if name not in ours:
                yield f"{at}{name}"
            elif isinstance(value, dict) and isinstance(ours[name], dict):
                yield from missing(value, ours[name], f"{at}{name}.")

    record = until(lambda: next(iter(lines(tmp_path, "contact-records")), None))
    theirs = json.loads((SHARED / "ctr_voice_inbound_2020_redacted.json").read_text())
    theirs["Attributes"] = {}
    assert list(missing(theirs, record)) == []

    connected = lines(tmp_path, "contact-events")[3]["detail"]
    theirs = json.loads((SHARED / "contact-events_0.json").read_text())
    assert list(missing(theirs, connected)) == []
    bus = json.loads((SHARED / "contact-events_1.json").read_text())
    assert bus.keys() == lines(tmp_path, "contact-events")[0].keys()


def test_what_is_said_after_the_end_is_told_as_another_record(start, tmp_path):
    server = start("--memory", "--sandbox", "--clock", "virtual", *streams(tmp_path))
    center = FirstCenter(server)
    contact = one_call(center)
    center.advance(60)
    center.connect.update_contact_attributes(
        InstanceId=center.instance, InitialContactId=contact, Attributes={"survey": "5"}
    )

    def look():
        found = [
            each for each in lines(tmp_path, "contact-records") if each["ContactId"] == contact
        ]
        return found if len(found) == 2 else None

    first, second = until(look)
    assert second["Attributes"] == {"tier": "gold", "survey": "5"}
    assert second["LastUpdateTimestamp"] > first["LastUpdateTimestamp"]


def test_a_crash_loses_nothing_and_repeats_under_the_same_id(start, data, tmp_path):
    options = ("--data", str(data), "--sandbox", "--clock", "virtual", *streams(tmp_path))
    center = FirstCenter(start(*options))
    contact = center.dial()
    center.server.kill()
    center.server = start(*options)
    center.connect = center.server.client()
    center.act("available")
    center.act("accept")
    center.act("hangup")
    center.act("complete")
    told = told_of(tmp_path, contact, len(LIFE))
    by_id = {each["id"]: each for each in told}
    assert [each["detail"]["eventType"] for each in by_id.values()] == LIFE
    assert all(by_id[each["id"]] == each for each in told)


def test_a_crash_between_what_was_taken_and_the_note_of_it_repeats_it_under_its_id(start, data):
    """Killed as soon as the address has answered: the note of it comes later, or never."""
    taken = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            taken.append((self.headers["webhook-id"], body))
            self.send_response(204)
            self.end_headers()
            if len(taken) == 3:
                center.server.process.kill()

        def log_message(self, *_):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    stream = f"contact-events=http://127.0.0.1:{listener.server_port}/"
    options = ("--data", str(data), "--sandbox", "--clock", "virtual", "--stream", stream)
    center = FirstCenter(start(*options))
    contact = center.dial()
    until(center.server.process.poll)
    center.server = start(*options)
    center.connect = center.server.client()
    for deed in ("available", "accept", "hangup", "complete"):
        center.act(deed)
    until(lambda: taken if taken[-1][1]["detail"]["eventType"] == "COMPLETED" else None, tries=600)
    listener.shutdown()
    listener.server_close()
    ids = [identifier for identifier, _ in taken]
    assert len(ids) > len(set(ids)) == len(LIFE)
    assert ids[3] in ids[:3]
    kinds = {identifier: body["detail"]["eventType"] for identifier, body in taken}
    assert list(kinds.values()) == LIFE
    assert all(body == dict(taken)[identifier] for identifier, body in taken)
    assert {body["detail"]["contactId"] for _, body in taken} == {contact}


def test_an_address_that_is_down_is_asked_again(start):
    taken = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(503 if not taken and not refused else 204)
            if taken or refused:
                taken.append(json.loads(body))
            refused.append(1)
            self.end_headers()

        def log_message(self, *_):
            pass

    refused = []
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{listener.server_port}/events"
    server = start(
        "--memory", "--sandbox", "--clock", "virtual", "--stream", f"contact-events={address}"
    )
    contact = one_call(FirstCenter(server))
    told = until(lambda: taken if len(taken) >= len(LIFE) else None, tries=600)
    listener.shutdown()
    listener.server_close()
    assert [each["detail"]["eventType"] for each in told] == LIFE
    assert {each["detail"]["contactId"] for each in told} == {contact}


def test_nothing_is_before_a_login_and_nothing_after_a_logout(start, tmp_path):
    center = FirstCenter(start("--memory", "--sandbox", "--clock", "virtual", *streams(tmp_path)))
    for deed in ("available", "offline", "available"):
        center.act(deed)

    def of_him():
        told = [
            each
            for each in lines(tmp_path, "agent-events")
            if each["EventType"] != "STATE_CHANGE" and each["AgentARN"].endswith(center.agent)
        ]
        return told if len(told) >= 3 else None

    assert [
        (
            each["EventType"],
            each["PreviousAgentSnapshot"] is None,
            each["CurrentAgentSnapshot"] is None,
        )
        for each in until(of_him)
    ] == [("LOGIN", True, False), ("LOGOUT", False, True), ("LOGIN", True, False)]


def test_an_agents_heart_beats_every_two_minutes(start, tmp_path):
    server = start("--memory", "--sandbox", "--clock", "virtual", *streams(tmp_path))
    center = FirstCenter(server)
    center.act("available")
    center.advance(250)

    def look():
        beats = [
            each
            for each in lines(tmp_path, "agent-events")
            if each["EventType"] == "HEART_BEAT" and each["AgentARN"].endswith(center.agent)
        ]
        return beats if len(beats) >= 2 else None

    first, second = until(look)[:2]
    assert first["CurrentAgentSnapshot"] == first["PreviousAgentSnapshot"]
    assert second["EventTimestamp"] > first["EventTimestamp"]
