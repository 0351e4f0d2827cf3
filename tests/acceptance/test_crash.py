"""kill -9 at any moment, and a restart: nothing acknowledged is lost."""

import itertools
from datetime import UTC, datetime

import pytest

from acceptance.center import PASSWORD, FirstCenter

ROUNDS = range(4)


def begin(start, data, *, clock="virtual"):
    return start("--data", str(data), "--sandbox", "--clock", clock)


def again(start, data, center):
    """kill -9, restart, and the same center through the new server."""
    center.server.kill()
    server = begin(start, data)
    center.server, center.connect = server, server.client()
    return server


def bearer(center):
    return center.server.ask(
        "POST",
        "/auth/login",
        {"instance": center.alias, "username": "ann", "password": PASSWORD},
    )["accessToken"]


def snapshot(center, token):
    return center.server.ask(
        "POST",
        "/api",
        {},
        **{"X-Amz-Target": "AmazonConnectCTIService.GetAgentSnapshot", "X-Amz-Bearer": token},
    )["snapshot"]


def test_everything_goes_on_after_a_crash_at_each_step(start, data):
    center = FirstCenter(begin(start, data))
    token = bearer(center)
    waiting = center.dial()
    enqueued = center.contact(waiting)["QueueInfo"]["EnqueueTimestamp"]
    center.advance(7)

    again(start, data, center)
    assert center.position(waiting) == {"POSITION_IN_QUEUE": 1.0}
    assert center.contact(waiting)["QueueInfo"]["EnqueueTimestamp"] == enqueued
    assert center.current("OLDEST_CONTACT_AGE") == {"OLDEST_CONTACT_AGE": 7}
    center.act("available")

    again(start, data, center)  # ringing
    state = snapshot(center, token)
    assert state["agentAvailabilityState"]["state"] == "Available"
    assert [each["state"]["type"] for each in state["contacts"]] == ["connecting"]
    center.act("accept")
    center.advance(5)

    again(start, data, center)  # talking
    assert center.current("AGENTS_ON_CONTACT") == {"AGENTS_ON_CONTACT": 1}
    center.act("hold")
    center.advance(5)

    again(start, data, center)  # on hold
    assert snapshot(center, token)["contacts"][0]["connections"][1]["state"]["type"] == "hold"
    center.act("resume")
    center.advance(5)
    center.act("hangup")

    again(start, data, center)  # in after contact work, which has a limit of 60 s
    assert center.current("AGENTS_AFTER_CONTACT_WORK") == {"AGENTS_AFTER_CONTACT_WORK": 1}
    center.advance(59)
    assert center.current("AGENTS_AFTER_CONTACT_WORK") == {"AGENTS_AFTER_CONTACT_WORK": 1}
    center.advance(1)
    assert center.current("AGENTS_AVAILABLE") == {"AGENTS_AVAILABLE": 1}

    again(start, data, center)  # final
    times = ("HANDLE_TIME", "HOLD_TIME", "AFTER_CONTACT_WORK_TIME", "QUEUE_ANSWER_TIME")
    metrics = [{"Name": name, "Unit": "SECONDS", "Statistic": "AVG"} for name in times]
    assert center.history(*metrics) == {
        "HANDLE_TIME": 75,
        "HOLD_TIME": 5,
        "AFTER_CONTACT_WORK_TIME": 60,
        "QUEUE_ANSWER_TIME": 7,
    }
    assert center.contact(waiting)["DisconnectReason"] == "AGENT_DISCONNECT"


def test_a_dialled_and_a_listening_customer_survive(start, data):
    center = FirstCenter(begin(start, data))
    slow = {"behaviour": "answer", "answer_after": 10}
    center.server.sandbox("PUT", f"phones/{center.customer}", slow)
    contact = center.dial()
    again(start, data, center)
    assert "ConnectedToSystemTimestamp" not in center.contact(contact)
    center.advance(10)
    assert center.position(contact) == {"POSITION_IN_QUEUE": 1.0}
    center.server.sandbox("PUT", f"phones/{center.customer}", {"behaviour": "busy"})
    again(start, data, center)
    refused = center.dial()
    center.advance(0)
    assert center.contact(refused)["DisconnectReason"] == "TELECOM_BUSY"


def test_what_is_said_of_an_ended_contact_survives_a_crash_and_the_loss_of_the_history(start, data):
    center = FirstCenter(begin(start, data))
    contact = center.dial(Attributes={"tier": "gold"})
    center.connect.stop_contact(InstanceId=center.instance, ContactId=contact)

    def say(**pairs):
        center.connect.update_contact_attributes(
            InstanceId=center.instance, InitialContactId=contact, Attributes=pairs
        )

    say(note="before", tier="silver")
    center.connect.tag_contact(InstanceId=center.instance, ContactId=contact, Tags={"team": "blue"})
    again(start, data, center)
    assert center.contact(contact)["Attributes"] == {"tier": "silver", "note": "before"}
    say(note="after")
    was = center.contact(contact)
    assert (was["Attributes"]["note"], was["Tags"]["team"]) == ("after", "blue")

    center.server.kill()
    lost = list(data.glob("history*"))
    assert lost
    for file in lost:
        file.unlink()
    center.server = begin(start, data)
    center.connect = center.server.client()
    assert center.contact(contact) == was
    say(more="x")
    assert len(center.contact(contact)["Attributes"]) == 3


@pytest.mark.slow
def test_what_was_acknowledged_while_being_killed_is_there(start, data):
    """A client creates queues as fast as it can; the server is killed in the middle of it."""
    center = FirstCenter(begin(start, data))
    hours = center.found("list_hours_of_operations", "HoursOfOperationSummaryList", "Basic Hours")[
        "Id"
    ]
    acknowledged = {}
    numbers = itertools.count()
    for _ in ROUNDS:
        connect = center.server.client(connect_timeout=2, read_timeout=2)
        for done in range(10):
            name = f"queue {next(numbers)}"
            acknowledged[name] = connect.create_queue(
                InstanceId=center.instance, Name=name, HoursOfOperationId=hours
            )["QueueId"]
            if done == 7:
                center.server.process.kill()
                break
        again(start, data, center)
        pages = center.connect.get_paginator("list_queues").paginate(
            InstanceId=center.instance, PaginationConfig={"PageSize": 7}
        )
        found = {row["Name"]: row["Id"] for page in pages for row in page["QueueSummaryList"]}
        assert acknowledged.items() <= found.items()


def test_a_restart_on_the_wall_clock_catches_up(start, data):
    center = FirstCenter(begin(start, data, clock="wall"))
    contact = center.dial()
    before = center.contact(contact)["QueueInfo"]["EnqueueTimestamp"]
    center.server.kill()
    center.server = begin(start, data, clock="wall")
    center.connect = center.server.client()
    described = center.contact(contact)
    assert described["QueueInfo"]["EnqueueTimestamp"] == before
    assert before < datetime.now(UTC)
    assert center.position(contact) == {"POSITION_IN_QUEUE": 1.0}
