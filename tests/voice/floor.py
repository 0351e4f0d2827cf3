"""A floor with real phones: agents at their desktops, each far end with a tone of its own.

One server serves many floors: each has its instance, its number, and its agents' desk phones, which
the probe answers as it does everything behind the trunk.
"""

import io
import itertools
import json
import struct
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from botocore.config import Config

from acceptance.center import PASSWORD
from acceptance.conftest import KEY, REGION, SECRET
from acceptance.test_transfers import Desk
from flow_builders import a_document, an_action
from voice.center import VoiceCenter, a_voice_center
from voice.probe import FRAME, LINEAR, RATE, Call, Line, tone
from voice.scenario import stereo

CUSTOMER, ANN, BOB, OUTSIDE, EVE = 440, 700, 1_000, 1_300, 1_700
"""Who has which tone, in hertz; music and prompts that are played have others."""

QUEUED, HELD, SPOKEN, ASKED = 550, 850, 1_150, 1_500

PART = 5 * FRAME
"""Samples of a recording in which a tone is looked for."""

_NUMBERS, _CLAIMED = itertools.count(1), itertools.count(100)


def a_number() -> str:
    """That nobody has been called by yet."""
    return f"+1206556{next(_NUMBERS):04}"


class Agent(Desk):
    """An agent at a desktop, with a desk phone."""

    def __init__(self, floor: "Floor", username: str, user_id: str, frequency: int) -> None:
        super().__init__(floor.center, username)
        self.floor, self.username, self.user_id = floor, username, user_id
        self.frequency, self.number = frequency, a_number()
        floor.trunk.lines[self.number] = Line(frequency=frequency)
        floor.connect.update_user_phone_config(
            InstanceId=floor.instance,
            UserId=user_id,
            PhoneConfig={"PhoneType": "DESK_PHONE", "DeskPhoneNumber": self.number},
        )

    def phone(self) -> Call:
        """The last call to his phone, which is up."""
        return self.floor.trunk.call_to(self.number).wait("up")

    def rings(self, before: int = 0, seconds: float = 10) -> Call:
        """The call to his phone that comes after so many."""

        def found() -> list[Call]:
            return [each for each in self.floor.trunk.calls if each.number == self.number]

        self.floor.trunk.until(
            lambda: len(found()) > before, seconds, lambda: f"{self.username} is not called"
        )
        return found()[before]

    def connection(self, state: str) -> str:
        """The only party in this state that is neither he himself nor the contact's customer."""
        contact = self.contact()["contactId"]

        def others() -> list[str]:
            parties = self.parties().items()
            return [
                each
                for each, now in parties
                if now == state and each not in (contact, f"{contact}/agent")
            ]

        (found,) = self.floor.until(others, lambda seen: len(seen) == 1)
        return found

    def dial(self, endpoint: dict[str, Any]) -> str:
        """Dial somebody besides; the connection."""
        contact = self.contact()["contactId"]
        self.do("CreateAdditionalConnection", contactId=contact, endpoint=endpoint)
        return next(each for each in self.parties() if not each.startswith(contact))


class Floor(VoiceCenter):
    """An instance on a server that has others, too; ann works in it."""

    def __init__(self, base: VoiceCenter) -> None:
        super().__init__(base.server, base.trunk, base.data, base.voice)
        self.number = f"+1800555{next(_CLAIMED):04}"  # the one of the sandbox is everybody's
        self.number_id = self.connect.claim_phone_number(
            InstanceId=self.instance, PhoneNumber=self.number
        )["PhoneNumberId"]
        self.ann = Agent(self, "ann", self.center.agent, ANN)
        self._made = itertools.count(1)

    # Making

    def hire(self, username: str, frequency: int, profile: str = "Agent") -> Agent:
        """Another one who takes the same queue."""
        kinds = [
            self.center.found("list_security_profiles", "SecurityProfileSummaryList", each)["Id"]
            for each in {"Agent", profile}
        ]
        user = self.connect.create_user(
            InstanceId=self.instance,
            Username=username,
            Password=PASSWORD,
            IdentityInfo={"FirstName": username, "LastName": "Agent"},
            PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            SecurityProfileIds=kinds,
            RoutingProfileId=self.center.profile,
        )["UserId"]
        return Agent(self, username, user, frequency)

    def flow(self, *actions: dict[str, Any], kind: str = "CONTACT_FLOW") -> str:
        """A published flow of these actions; its id."""
        return self.connect.create_contact_flow(
            InstanceId=self.instance,
            Name=f"{kind} {next(self._made)}",
            Type=kind,
            Content=content(*actions),
        )["ContactFlowId"]

    def prompt(self, frequency: int, seconds: float = 1.0) -> str:
        """A prompt that is a tone, by way of S3; its id."""
        name = f"{frequency}-{seconds}.wav"
        bring(self.server, name, frequency, seconds)
        made = self.connect.create_prompt(
            InstanceId=self.instance, Name=f"{name} {next(self._made)}", S3Uri=f"s3://tones/{name}"
        )
        return made["PromptId"]

    def quick_connect(self, name: str, **config: Any) -> dict[str, Any]:
        """One that agents on calls of the queue have; as an endpoint."""
        made = self.connect.create_quick_connect(
            InstanceId=self.instance, Name=name, QuickConnectConfig=config
        )
        self.connect.associate_queue_quick_connects(
            InstanceId=self.instance,
            QueueId=self.center.queue,
            QuickConnectIds=[made["QuickConnectId"]],
        )
        kind = {"USER": "agent", "QUEUE": "queue", "PHONE_NUMBER": "phone_number"}
        return {
            "endpointARN": made["QuickConnectARN"],
            "type": kind[config["QuickConnectType"]],
            "name": name,
        }

    def outside(self, **line: Any) -> str:
        """The number of somebody outside."""
        number = a_number()
        self.trunk.lines[number] = Line(**{"frequency": OUTSIDE, **line})
        return number

    # Calling

    def answers_with(self, *actions: dict[str, Any]) -> None:
        """The flow of the floor's number."""
        self.connect.associate_phone_number_contact_flow(
            InstanceId=self.instance,
            PhoneNumberId=self.number_id,
            ContactFlowId=self.flow(*actions),
        )

    def queues(self, *first: dict[str, Any]) -> None:
        """That flow sets the queue and transfers to it, after these actions."""
        self.answers_with(*in_a_row(*first, *to_queue(self.center.queue_arn)))

    def call_in(self) -> Call:
        return self.trunk.dial(self.number)

    def talk(self, agent: Agent | None = None) -> tuple[Call, str]:
        """A customer and an agent (ann) talk; the customer's call and the contact."""
        agent = agent or self.ann
        agent.choose("Available")
        customer = self.call_in().wait("up")
        phone = agent.rings()
        phone.await_tone(CUSTOMER)
        customer.await_tone(agent.frequency)
        self.until(agent.parties, lambda seen: set(seen.values()) == {"connected"})
        return customer, agent.contact()["contactId"]

    def recording(self, contact_id: str) -> Path:
        """The file of an ended contact's recording."""
        found = self.until(
            lambda: [
                each for each in (self.data / "storage").rglob("*.wav") if contact_id in each.name
            ],
            bool,
        )
        return found[0]

    def attributes(self, contact_id: str) -> dict[str, str]:
        return self.connect.get_contact_attributes(
            InstanceId=self.instance, InitialContactId=contact_id
        )["Attributes"]


EVERYBODY = (CUSTOMER, ANN, BOB, OUTSIDE, EVE, QUEUED, HELD, SPOKEN, ASKED)


def hears_exactly(call: Call, *tones: int, seconds: float = 10) -> None:
    """Until a call hears these tones of the floor and no other."""
    size = int(0.3 * RATE)

    def seen() -> dict[int, float]:
        codes = call.lately(size)
        (found,) = shares([LINEAR[code] for code in codes], EVERYBODY, len(codes)) or [[]]
        return dict(zip(EVERYBODY, found, strict=False))

    def met() -> bool:
        found = seen()
        if tones and len(call.heard) < size:
            return False
        return all(
            found.get(each, 0.0) > 0.5 / len(tones)
            if each in tones
            else found.get(each, 0.0) < 0.05
            for each in EVERYBODY
        )

    def why() -> str:
        heard = {each: round(share, 2) for each, share in seen().items() if share >= 0.05}
        return f"{call.story()} hears {heard} instead of {tones}"

    call.probe.until(met, seconds, why)


def shares(samples: Sequence[int], tones: Sequence[int], size: int) -> list[list[float]]:
    """The share of each tone in each part of so many samples, 0 to 1; a rest is left out."""
    count = len(samples) // size if size else 0
    parts = np.array(samples[: count * size], dtype=np.float64).reshape(count, size)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size) / RATE, tones))
    energy = np.maximum((parts**2).sum(axis=1, keepdims=True), 1.0)
    found: list[list[float]] = (2 * np.abs(parts @ turns) ** 2 / (size * energy)).tolist()
    return found


def never_heard(call: Call, frequency: int, start: int = 0, end: int | None = None) -> bool:
    """Whether the tone was in nothing that has been heard, or in this part of it."""
    return not share_of_time(call, frequency, start, end)


def share_of_time(call: Call, frequency: int, start: int = 0, end: int | None = None) -> float:
    """In how much of what was heard the tone was: seconds."""
    return _share([LINEAR[code] for code in call.heard[start:end]], frequency)


def loud_seconds(call: Call, start: int = 0, end: int | None = None) -> float:
    """How much of it was more than silence."""
    codes = bytes(call.heard[start:end])
    frames = (codes[at : at + FRAME] for at in range(0, len(codes) - FRAME + 1, FRAME))
    return sum(max(abs(LINEAR[code]) for code in each) > 500 for each in frames) * FRAME / RATE


def place_of(call: Call, frequency: int) -> int:
    """The sample at which the tone was first heard."""
    at = call.onset(frequency)
    return call.arrivals.index(at) * FRAME


def sides(file: Path, *frequencies: int) -> tuple[dict[int, float], dict[int, float]]:
    """For how many seconds each tone is on the left and on the right of a recording."""
    return tuple({each: _share(side, each) for each in frequencies} for side in stereo(file))  # type: ignore[return-value]  # there are two


def _share(samples: Sequence[int], frequency: int) -> float:
    found = shares(samples, (frequency,), PART)
    return sum(share > 0.2 for (share,) in found) * PART / RATE


# Flows


def content(*actions: dict[str, Any]) -> str:
    return json.dumps(a_document(*actions))


def in_a_row(*actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Each leads to the one after it."""
    for one, other in itertools.pairwise(actions):
        one["Transitions"]["NextAction"] = other["Identifier"]
    return actions


_ids = itertools.count(1)


def act(type_: str, errors: tuple[str, ...] = (), **parameters: Any) -> dict[str, Any]:
    """An action with an identifier of its own."""
    return an_action(type_, parameters, identifier=f"a{next(_ids)}", then="bye", errors=errors)


def end(type_: str = "EndFlowExecution") -> dict[str, Any]:
    return an_action(type_, identifier=f"end{next(_ids)}", then=None)


def hook(name: str, flow_id: str) -> dict[str, Any]:
    """Which flow is to run where the name says."""
    return act("UpdateContactEventHooks", ("NoMatchingError",), EventHooks={name: flow_id})


def to_queue(queue: str) -> tuple[dict[str, Any], ...]:
    return (
        act("UpdateContactTargetQueue", ("NoMatchingError",), QueueId=queue),
        act("TransferContactToQueue", ("QueueAtCapacity", "NoMatchingError")),
    )


def loop(*messages: dict[str, str]) -> dict[str, Any]:
    """Messages over and over."""
    return an_action(
        "MessageParticipantIteratively",
        {"Messages": list(messages)},
        identifier=f"a{next(_ids)}",
        then=None,
    )


def recorded(*participants: str) -> dict[str, Any]:
    return act(
        "UpdateContactRecordingBehavior", RecordingBehavior={"RecordedParticipants": participants}
    )


# Sounds


def a_wav(frequency: int, seconds: float) -> bytes:
    """A tone as a file."""
    out = io.BytesIO()
    codes = b"".join(tone(frequency))
    samples = [LINEAR[codes[at % RATE]] for at in range(int(seconds * RATE))]
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return out.getvalue()


@cache
def bring(server: Any, name: str, frequency: int, seconds: float) -> None:
    """Have a tone among the objects of a server, once."""
    s3 = s3_of(server)
    s3.create_bucket(Bucket="tones")
    s3.put_object(Bucket="tones", Key=name, Body=a_wav(frequency, seconds))


@cache
def s3_of(server: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.address,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@contextmanager
def a_building(directory: Path, *options: str) -> Iterator[VoiceCenter]:
    """A server whose floors are made by Floor(building)."""
    with a_voice_center(directory, {}, *options) as building:
        yield building
