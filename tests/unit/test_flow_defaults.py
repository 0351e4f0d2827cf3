"""Defaults: the flows of a new instance are valid, and do what their names say."""

import json

import pytest

from flow_builders import VIEW, walk
from ringfloor.domain.dialogue import (
    Answer,
    CreateCallback,
    Digits,
    Disconnect,
    Done,
    End,
    EnterFlow,
    Failed,
    Gather,
    Play,
    PlayLoop,
    Prompt,
    Result,
    SetAttributes,
    SetCallbackNumber,
    SetLogging,
    SetTargetQueue,
    TransferToQueue,
)
from ringfloor.flow.defaults import PROMPTS, DefaultFlow, default_flows, sample_inbound
from ringfloor.flow.language import Flow, parse, static_references
from ringfloor.flow.samples import sample_flows

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


# The other samples


def samples() -> list[DefaultFlow]:
    """Every sample; each asks only for flows that came before it."""
    arns: dict[str, str] = {}
    taken = []
    for flow in sample_flows(QUEUE_ARN, arns.__getitem__):
        arns[flow.name] = f"arn of {flow.name}"
        taken.append(flow)
    return taken


@pytest.mark.parametrize("sample", samples(), ids=lambda flow: flow.name)
def test_every_sample_is_valid_and_names_what_an_instance_has(sample):
    flow = parse(json.dumps(sample.content), sample.type, published=True)
    names = {f"arn of {each.name}" for each in samples()} | {QUEUE_ARN}
    assert {name for _, name, _, _ in static_references(flow)} <= names
    reached, open_ = set(), [flow.start]
    while open_:
        action = flow.actions[open_.pop()]
        if action.identifier not in reached:
            reached.add(action.identifier)
            open_ += [action.next or "", *(next_ for _, next_ in action.errors)]
            open_ += [condition.next for condition in action.conditions]
            open_ = [each for each in open_ if each]
    assert reached == set(flow.actions)


def test_the_samples_have_the_names_that_clients_look_up():
    assert sorted(flow.name for flow in samples()) == [
        "Sample AB test",
        "Sample Lambda integration",
        "Sample disconnect flow",
        "Sample inbound flow (first contact experience)",
        "Sample interruptible queue flow with callback",
        "Sample note for screenpop",
        "Sample queue configurations flow",
        "Sample queue customer",
        "Sample recording behavior",
        "Sample secure input with agent",
        "Sample secure input with no agent",
    ]


def sample(name: str) -> Flow:
    found = next(flow for flow in samples() if flow.name == name)
    return parse(json.dumps(found.content), found.type, published=True)


def test_a_waiting_customer_may_ask_to_be_called_back():
    flow = sample("Sample interruptible queue flow with callback")
    heards = [
        Result("MessagesInterrupted"),
        Digits("2", "max_digits"),
        Result("MessagesInterrupted"),
        Digits("1", "max_digits"),
        Digits("4930123456", "terminated"),
        Done(),
        Done(),
        Done(),
    ]
    steps = walk(flow, heards)
    kinds = [PlayLoop, Gather, PlayLoop, Gather, Gather, SetCallbackNumber, CreateCallback]
    assert [type(taken.ask) for taken in steps] == [*kinds, Play, Disconnect]
    assert steps[5].ask == SetCallbackNumber("+4930123456")


def test_the_first_experience_leads_calls_to_a_menu_and_others_to_the_queue():
    flow = sample("Sample inbound flow (first contact experience)")
    call = walk(flow, [Done()] * 3 + [Digits("3", "max_digits")])
    assert call[-1].ask == EnterFlow("arn of Sample AB test")
    chat = walk(flow, [Done()] * 3, VIEW | {"Channel": "CHAT"})
    assert chat[-1].ask == EnterFlow("arn of Sample queue customer")


def test_a_function_that_is_not_named_is_asked_for():
    flow = sample("Sample Lambda integration")
    asked = walk(flow, [])[0].ask
    assert isinstance(asked, Play)
    assert "functionArn" in asked.prompt.value
    known = VIEW | {"Attributes": {"functionArn": "arn:f"}}
    steps = walk(flow, [Answer({"message": "Hi"})], known)
    assert steps[1].ask == Play(Prompt("text", "The function says: Hi"))
