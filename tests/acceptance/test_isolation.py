"""Isolation: who may do everything in one instance reads and changes nothing in another.

Every operation that is real is asked for, about things of the other instance, in every way in which
the two could be taken for each other: ids, ARNs, paths, other case, one instance with what belongs
to the other. The same requests by the root show that there was something to find.
"""

import http.client
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.center import CUSTOMER, FirstCenter
from acceptance.conftest import KEY, REGION, SECRET, Server, Start
from acceptance.fuzz import JSON, grounded, things
from ringfloor.aws.access_table import NAMED, ROWS, Row
from ringfloor.aws.request import HttpRequest
from ringfloor.aws.sigv4 import sign
from ringfloor.base.time import WallClock
from ringfloor.operations import all as operations
from ringfloor.operations.registry import HANDLERS
from wire import samples
from wire.client import serialised

assert operations  # importing it has filled the table

BASE = f"arn:aws:connect:{REGION}:123456789012:"
MARK = "of-the-other-instance-alone"
NUMBERS = f"{BASE}phone-number/*"

OF_THE_ACCOUNT = frozenset(
    {
        *("DescribePhoneNumber", "ListPhoneNumbersV2", "ReleasePhoneNumber"),
        *("ListTagsForResource", "TagResource", "UntagResource"),
        *("UpdatePhoneNumber", "UpdatePhoneNumberMetadata"),
    }
)
"""Who may use the account's phone numbers has those of every instance, as at AWS."""

Known = dict[str, str]
Params = dict[str, Any]
Request = tuple[str, HttpRequest]
"""Operation, and the request as it is before it is signed."""


class Two:
    """Two instances; what there is of each by the names of members, as fuzz.things says it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.callers: list[Caller] = []
        mine, self.theirs = FirstCenter(server), FirstCenter(server)
        self.here = things(mine, mine.dial())
        self.there = things(self.theirs, self.theirs.dial(Attributes={"secret": MARK}))
        self._add_associations(self.theirs.connect, self.there)
        for arn in self._arns(self.there):
            if "/contact/" not in arn:
                self.theirs.connect.tag_resource(resourceArn=arn, tags={"secret": MARK})
        self.theirs.connect.tag_contact(
            InstanceId=self.theirs.instance,
            ContactId=self.there["contactid"],
            Tags={"secret": MARK},
        )
        self.ids = {each for each in self.there.values() if len(each) == 36} | {self.theirs.alias}
        self.ids -= set(self.here.values())

    def _add_associations(self, connect: Any, there: Known) -> None:
        home = {"InstanceId": there["instanceid"]}
        number = arn_of("PhoneNumberId", there, there["instanceid"])
        there |= {"resourceid": number, "resourcetype": "SMS_PHONE_NUMBER"}
        for kind in ("SMS_PHONE_NUMBER", "WHATSAPP_MESSAGING_PHONE_NUMBER"):
            connect.associate_flow(
                **home, ResourceId=number, ResourceType=kind, FlowId=there["contactflowid"]
            )
        there["integrationassociationid"] = connect.create_integration_association(
            **home, IntegrationType="WISDOM_ASSISTANT", IntegrationArn="arn:aws:wisdom:::a"
        )["IntegrationAssociationId"]

    def _arns(self, known: Known) -> Iterator[str]:
        for member in NAMED:
            if known.get(member.lower()):
                yield arn_of(member, known, known["instanceid"])

    def caller(self, key: str = KEY, secret: str = SECRET) -> "Caller":
        """The root, or whose key it is."""
        self.callers.append(Caller(self.server, key, secret))
        return self.callers[-1]

    def requests(self) -> Iterator[Request]:
        model = samples.service_model()
        for name in sorted(HANDLERS.keys() - {"CreateInstance"}):
            operation = model.operation_model(name)
            shape = samples.input_of(operation)
            for number, form in enumerate(FORMS):
                known = form(self.here, self.there)
                dice = random.Random(f"{name} {number}")
                for sample in (samples.minimal(shape), samples.chosen_request(shape, dice)):
                    params = {key: sample[key] for key in sample if key.lower() != "nexttoken"}
                    yield name, serialised(operation, grounded(params, known))

    def renamed(self) -> Iterator[Request]:
        """Requests about one of their things, by other names of it."""
        model = samples.service_model()
        for name in sorted(HANDLERS):
            operation = model.operation_model(name)
            members = NAMED.keys() - set(ROWS.get(name, Row()).without)
            about = set(operation.input_shape.required_members) & members
            for rename in NAMES if about else ():
                names = {
                    member.lower(): rename(
                        self.there[member.lower()],
                        arn_of(member, self.there, self.theirs.instance),
                    )
                    for member in about
                    if self.there.get(member.lower())
                }
                params = grounded(samples.minimal(operation.input_shape), self.there | names)
                if names:
                    yield name, serialised(operation, params)


NAMES: tuple[Callable[[str, str], str], ...] = (
    lambda plain, _arn: plain,
    lambda plain, _arn: f"{plain}:$LATEST",
    lambda plain, _arn: f"{plain}:$SAVED",
    lambda plain, _arn: f"x/{plain}",
    lambda plain, _arn: plain.upper(),
    lambda _plain, arn: arn,
    lambda _plain, arn: f"{arn}:$LATEST",
    lambda plain, arn: f"{arn}/alias/{plain}",
    lambda plain, arn: f"{arn}/x/{plain}",
    lambda plain, arn: f"{arn}/{plain}",
    lambda plain, arn: f"{arn.rpartition('/')[0]}//{plain}",
)
"""Id and ARN of something to what it might be called, too."""


def arn_of(member: str, known: Known, instance: str) -> str:
    """What a member names, as an ARN of that instance."""
    form = NAMED[member]
    above = BASE if form.startswith("/") else f"{BASE}instance/{instance}/"
    return f"{above}{form.removeprefix('/')}/{known[member.lower()]}"


def all_theirs(_here: Known, there: Known) -> Known:
    return there


def theirs_within(instance: Callable[[str, str], str], thing: Callable[[str], str]) -> Any:
    """Their things under an instance that is made of both ids; each id changed by thing."""

    def form(here: Known, there: Known) -> Known:
        mine, theirs = here["instanceid"], there["instanceid"]
        changed = {name: thing(each) for name, each in there.items() if len(each) == 36}
        arn = f"{BASE}instance/{instance(mine, theirs)}"
        return there | changed | {"instanceid": instance(mine, theirs), "targetarn": arn}

    return form


def their_arns(under: str) -> Any:
    """Their things as ARNs of an instance, under mine."""

    def form(here: Known, there: Known) -> Known:
        owner = {"mine": here, "theirs": there}[under]["instanceid"]
        arns = {
            member.lower(): arn_of(member, there, owner)
            for member in NAMED
            if there.get(member.lower())
        }
        arns["resourcearn"] = arns["queueid"]
        return there | arns | {"instanceid": here["instanceid"]}

    return form


def mine_within_theirs(here: Known, there: Known) -> Known:
    theirs = f"{BASE}instance/{there['instanceid']}"
    return here | {"instanceid": theirs, "targetarn": theirs}


def just(text: str) -> str:
    return text


FORMS: tuple[Callable[[Known, Known], Known], ...] = (
    all_theirs,
    mine_within_theirs,
    their_arns("theirs"),
    their_arns("mine"),
    theirs_within(lambda mine, _theirs: mine, just),
    theirs_within(lambda mine, _theirs: mine, lambda each: f"x/{each}"),
    theirs_within(lambda mine, _theirs: mine, lambda each: f"{each}:$LATEST"),
    theirs_within(lambda _mine, theirs: theirs.upper(), str.upper),
    theirs_within(lambda mine, theirs: f"{mine}/../{theirs}", just),
    theirs_within(lambda mine, theirs: f"{mine}%2F..%2F{theirs}", just),
    theirs_within(lambda mine, theirs: f"{mine}:{theirs}", just),
)


class Caller:
    """Asks a server in somebody's name."""

    def __init__(self, server: Server, key: str, secret: str) -> None:
        self._keys = key, secret, None
        host, _, port = server.address.removeprefix("http://").rpartition(":")
        self._host = f"{host}:{port}".encode()
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)

    def close(self) -> None:
        self._connection.close()

    def ask(self, request: HttpRequest) -> tuple[int, str]:
        """Status and body."""
        given = ((b"host", self._host), *((k.encode(), v.encode()) for k, v in JSON.items()))
        raw = HttpRequest(request.method, request.raw_path, request.raw_query, given, request.body)
        signed = sign(raw, self._keys, WallClock().now(), region=REGION, service="connect")
        headers = {name.decode(): value.decode() for name, value in (*given, *signed)}
        query = f"?{raw.raw_query.decode()}" if raw.raw_query else ""
        self._connection.request(raw.method, raw.raw_path.decode() + query, raw.body, headers)
        with self._connection.getresponse() as answer:
            return answer.status, answer.read().decode()


def a_tenant(two: Two, name: str, *more: str) -> Caller:
    """Somebody who may do everything with the first instance, and with what else is named."""
    home = f"{BASE}instance/{two.here['instanceid']}"
    statement = {"Effect": "Allow", "Action": "connect:*", "Resource": [home, f"{home}/*", *more]}
    return a_user(two, name, statement)


def a_user(two: Two, name: str, *statements: dict[str, Any]) -> Caller:
    """Somebody with this policy."""
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam = two.server.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return two.caller(key["AccessKeyId"], key["SecretAccessKey"])


def told(two: Two, request: HttpRequest, body: str) -> list[str]:
    """What an answer says of the other instance that the request did not say itself."""
    sent = f"{request.raw_path!r} {request.raw_query!r} {request.body!r}".lower()
    return [each for each in (MARK, *two.ids) if each in body and each.lower() not in sent]


def changed(data: Any, instance: str, principal: str) -> set[str]:
    """The operations by which somebody has changed an instance."""
    command = [sys.executable, "-m", "ringfloor", "audit", "--data", str(data), "--all", "--json"]
    command += ["--instance", instance, "--principal", f"*{principal}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return {json.loads(line)["operation"] for line in lines.splitlines()}


@pytest.fixture
def two(start: Start, data: Any) -> Iterator[Two]:
    """On a clock that stands still, and on a disk."""
    found = Two(start("--data", str(data), "--sandbox", "--clock", "virtual"))
    yield found
    for each in found.callers:
        each.close()


def test_an_instance_is_closed_to_whom_another_one_is_open(two: Two, data: Any) -> None:
    requests = list(two.requests())
    tenant, user = a_tenant(two, "tenant"), a_tenant(two, "caller", NUMBERS)
    leaks, faults, own = [], [], set()
    for who, but in ((tenant, frozenset[str]()), (user, OF_THE_ACCOUNT)):
        for name, request in requests:
            if name in but:
                continue
            status, body = who.ask(request)
            leaks += [(name, request, each) for each in told(two, request, body)]
            faults += [(name, request, body)] if status >= 500 else []
            own |= {name} if status == 200 else set()
    assert faults == []
    assert leaks == []
    assert len(own) > 30, "the tenant has not even reached his own instance"
    for name in ("user/tenant", "user/caller"):
        assert changed(data, two.theirs.instance, name) == set()
    root = two.caller()
    gentle = [each for each in requests if not each[0].startswith(("Delete", "Release"))]
    reached = {name for name, request in gentle if root.ask(request)[0] == 200}
    assert len(reached) > 100, f"of {len(HANDLERS)} operations only {sorted(reached)} were tried"
    assert len(changed(data, two.theirs.instance, ":root")) > 10


def test_what_is_closed_is_closed_by_every_name_that_it_has(two: Two) -> None:
    tagged = {"StringEquals": {"aws:ResourceTag/secret": MARK}}
    user = a_user(
        two,
        "user",
        {"Effect": "Allow", "Action": "connect:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "connect:*", "Resource": "*", "Condition": tagged},
    )
    requests = list(two.renamed())
    assert [(name, each) for name, each in requests if user.ask(each)[0] == 200] == []
    root = two.caller()
    gentle = [each for each in requests if not each[0].startswith(("Delete", "Release"))]
    assert len({name for name, request in gentle if root.ask(request)[0] == 200}) > 50


def test_a_contact_has_no_other_names(fresh: Server) -> None:
    center = FirstCenter(fresh)
    call = {"InstanceId": center.instance, "ContactFlowId": center.flow}
    contact = fresh.sandbox("POST", f"phones/{CUSTOMER}/call", call)["ContactId"]
    center.advance(30)
    arn = f"{BASE}instance/{center.instance}/contact/{contact}"
    assert center.position(contact) == center.position(arn)
    for name in (f"x/{contact}", f"{arn}/x/{contact}", f"{BASE}instance/x/contact/{contact}"):
        with pytest.raises(ClientError, match="no contact"):
            center.position(name)
