"""Defaults: the flows of a new instance are valid, and do what their names say."""

import json

import pytest

from flow_builders import VIEW, walk
from ringfloor.domain.dialogue import (
    Disconnect,
    Done,
    End,
    Failed,
    Play,
    Prompt,
    SetAttributes,
    SetLogging,
    SetTargetQueue,
    TransferToQueue,
)
from ringfloor.flow.defaults import PROMPTS, default_flows, sample_inbound
from ringfloor.flow.language import parse, static_references

WITH_PROMPTS = default_flows({name: f"id of {name}" for name in PROMPTS})
QUEUE_ARN = "arn:aws:connect:eu-west-1:1:instance/i/queue/q1"


@pytest.mark.parametrize(
    "flow",
    [*default_flows(), *WITH_PROMPTS, sample_inbound(QUEUE_ARN)],
    ids=lambda flow: flow.name,
)
def test_every_default_flow_is_valid_published_content(flow):
    parse(json.dumps(flow.content), flow.type, published=True)


def test_the_names_and_types_are_those_that_clients_look_up():
    assert [(flow.name, flow.type) for flow in default_flows()] == [
        ("Default agent hold", "AGENT_HOLD"),
        ("Default agent transfer", "AGENT_TRANSFER"),
        ("Default agent whisper", "AGENT_WHISPER"),
        ("Default customer hold", "CUSTOMER_HOLD"),
        ("Default customer queue", "CUSTOMER_QUEUE"),
        ("Default customer whisper", "CUSTOMER_WHISPER"),
        ("Default outbound", "OUTBOUND_WHISPER"),
        ("Default queue transfer", "QUEUE_TRANSFER"),
    ]


def test_recordings_are_played_where_the_instance_has_them():
    played = {
        name
        for flow in WITH_PROMPTS
        for _, name, _, _ in static_references(
            parse(json.dumps(flow.content), flow.type, published=True)
        )
    }
    assert played == {f"id of {name}" for name in PROMPTS}


def test_a_whisper_names_the_queue_and_ends():
    whisper = default_flows()[2]
    flow = parse(json.dumps(whisper.content), whisper.type, published=True)
    steps = walk(flow, [Done()])
    assert [taken.ask for taken in steps] == [Play(Prompt("text", "Sales")), End("finished")]


def test_the_sample_greets_and_enqueues():
    sample = sample_inbound(QUEUE_ARN)
    flow = parse(json.dumps(sample.content), sample.type, published=True)
    assert static_references(flow) == (("queue", QUEUE_ARN, "choose queue", "QueueId"),)
    steps = walk(flow, [Done()] * 6)
    kinds = [SetLogging, SetAttributes, Play, SetTargetQueue, Play, TransferToQueue, End]
    assert [type(taken.ask) for taken in steps] == kinds
    assert steps[1].ask == SetAttributes({"enteredBy": VIEW["Channel"]})
    assert steps[3].ask == SetTargetQueue(queue_id=QUEUE_ARN)


def test_the_sample_says_goodbye_when_the_queue_is_full():
    sample = sample_inbound(QUEUE_ARN)
    flow = parse(json.dumps(sample.content), sample.type, published=True)
    steps = walk(flow, [*[Done()] * 5, Failed("QueueAtCapacity"), Done()])
    assert isinstance(steps[-2].ask, Play)
    assert steps[-1].ask == Disconnect()
