"""CLI for IAM: `ringfloor iam`, a small client of the IAM and STS APIs of a running server.

Called by cli, which gives it a parser. One command per action that the server performs, in the
AWS CLI's spelling; its options are the members of the action's request in botocore's model, and
what is printed is the answer as JSON. Rules:

* Requests go through client: signed with the caller's own keys, faults that say what to do next.
* A listing is asked for until its end, unless --max-items or --marker say otherwise.
"""

import argparse
import functools
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import msgspec

from ringfloor.aws.model import raw_model
from ringfloor.aws.shapes import Model, Shape
from ringfloor.base.errors import Fault
from ringfloor.client import Rejected, Target, send
from ringfloor.config import endpoint
from ringfloor.operations import all as operations
from ringfloor.operations.registry import IDENTITY

assert operations.MODULES, "whose import has filled IDENTITY"

DESCRIPTION = """\
Keeps the users, access keys, groups, roles and policies of a running server, in the words of
`aws iam` and `aws sts`. Requests are signed with RINGFLOOR_ACCESS_KEY_ID and
RINGFLOOR_SECRET_ACCESS_KEY, or else AWS_ACCESS_KEY_ID and so on.

  ringfloor iam create-user --user-name ann
  ringfloor iam create-access-key --user-name ann
  ringfloor iam attach-user-policy --user-name ann \\
      --policy-arn arn:aws:iam::aws:policy/AmazonConnect_FullAccess
  ringfloor iam put-user-policy --user-name ann --policy-name own --policy-document file://own.json
  ringfloor iam whoami"""

REGION = "us-east-1"
"""The scope of signatures that the server takes for IAM and STS wherever it is."""

ALIASES = {"whoami": "sts:GetCallerIdentity"}

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def add_actions(parser: argparse.ArgumentParser) -> None:
    """Give the parser a command for each action."""
    verbs = parser.add_subparsers(required=True, metavar="ACTION")
    for spelled, action in sorted([*_spelled(), *ALIASES.items()]):
        verb = verbs.add_parser(spelled, help=action)
        verb.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
        verb.set_defaults(run=run, action=action, endpoint=endpoint())
        for member, shape, required in _members(action):
            _add_option(verb, action, member, shape, required=required)


def run(options: argparse.Namespace) -> int:
    """Ask the server and print its answer; raises Fault."""
    whole: dict[str, Any] = {}
    parameters = dict(_form(options))
    while True:
        answer = _ask(options.action, options.endpoint, parameters)
        for member, value in answer.items():
            listed = isinstance(value, list) and isinstance(whole.get(member), list)
            whole[member] = whole[member] + value if listed else value
        once = "MaxItems" in parameters or getattr(options, "Marker", None) is not None
        if once or not answer.get("IsTruncated"):
            break
        parameters["Marker"] = answer["Marker"]
    if "MaxItems" not in parameters:
        for member in ("Marker", "IsTruncated"):
            whole.pop(member, None)
    if whole:
        print(json.dumps(whole, indent=4, ensure_ascii=False))
    return 0


# The table: botocore's models


@functools.cache
def _model(service: str) -> Model:
    return msgspec.convert(raw_model(service), Model)


def _spelled() -> Iterator[tuple[str, str]]:
    return ((_kebab(action.partition(":")[2]), action) for action in IDENTITY)


def _kebab(name: str) -> str:
    return _WORD.sub("-", name).lower()


def _shapes(action: str) -> Mapping[str, Shape]:
    return _model(action.partition(":")[0]).shapes


def _members(action: str) -> Iterator[tuple[str, Shape, bool]]:
    service, _, name = action.partition(":")
    trait = _model(service).operations[name]
    if trait.input is not None:
        shape = _shapes(action)[trait.input.shape]
        for member, ref in shape.members.items():
            yield member, _shapes(action)[ref.shape], member in shape.required


def _element(action: str, shape: Shape) -> Shape:
    assert shape.member is not None
    return _shapes(action)[shape.member.shape]


# Options to a form


def _add_option(
    verb: argparse.ArgumentParser, action: str, member: str, shape: Shape, *, required: bool
) -> None:
    option = f"--{_kebab(member)}"
    if shape.type == "boolean":
        verb.add_argument(option, dest=member, action="store_true", default=None)
        verb.add_argument(f"--no-{_kebab(member)}", dest=member, action="store_false", default=None)
    elif shape.type == "list":
        fields = _element(action, shape).members
        form = ",".join(f"{name}=..." for name in fields) if fields else _kebab(member)
        verb.add_argument(option, dest=member, nargs="+", metavar=form, required=required)
    else:
        metavar = "|".join(shape.enum) if shape.enum else shape.type.upper()
        verb.add_argument(option, dest=member, metavar=metavar, required=required)


def _form(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for member, shape, _ in _members(options.action):
        value = getattr(options, member)
        if isinstance(value, list):
            element = _element(options.action, shape)
            for number, each in enumerate(value, 1):
                name = f"{member}.member.{number}"
                yield from _parts(name, each) if element.members else [(name, _text(each))]
        elif value is not None:
            yield member, str(value).lower() if isinstance(value, bool) else _text(value)


def _text(value: str) -> str:
    """An option's value; file://NAME stands for what is in the file."""
    if not value.startswith("file://"):
        return value
    path = Path(value.removeprefix("file://"))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Fault(f"cannot read {path}: {error}") from error


def _parts(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Key=a,Value=b as the members of a structure; what has no = goes on with the one before."""
    member, values = "", list[str]()
    found: dict[str, list[str]] = {}
    for piece in value.split(","):
        left, equals, right = piece.partition("=")
        if equals:
            member, values = left, found.setdefault(left, [])
        if not member:
            raise Fault(f"{value!r} is not of the form Key=...,Value=...")
        values.append(right if equals else piece)
    for member, values in found.items():
        if member.endswith("Values"):
            for number, each in enumerate(values, 1):
                yield f"{name}.{member}.member.{number}", each
        else:
            yield f"{name}.{member}", ",".join(values)


# A request and its answer


def _ask(action: str, address: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    service, _, name = action.partition(":")
    version = _model(service).metadata.api_version
    body = urllib.parse.urlencode({"Action": name, "Version": version, **parameters}).encode()
    target = Target(address, service, REGION)
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    try:
        return _decoded(action, send(target, "POST", "/", "", body, kind))
    except Rejected as error:
        raise _refused(error) from None


def _refused(error: Rejected) -> Fault:
    try:
        found = {
            each.tag.rpartition("}")[2]: each.text or "" for each in _parsed(error.body).iter()
        }
    except ET.ParseError:
        found = {}
    return error.fault(found.get("Code", ""), found.get("Message", ""))


def _parsed(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314  the answer of the server that we were told to ask


def _decoded(action: str, body: bytes) -> dict[str, Any]:
    """The result in an answer, as JSON values; empty where the action answers nothing."""
    service, _, name = action.partition(":")
    output = _model(service).operations[name].output
    if output is None:
        return {}
    result = next(iter(_parsed(body)))
    return cast("dict[str, Any]", _value(_shapes(action), output.shape, result))


def _value(shapes: Mapping[str, Shape], name: str, element: ET.Element) -> Any:  # noqa: ANN401  JSON
    shape = shapes[name]
    text = element.text or ""
    match shape.type:
        case "structure":
            return {
                member: _value(shapes, ref.shape, found)
                for member, ref in shape.members.items()
                if (found := element.find(f"{{*}}{member}")) is not None
            }
        case "list":
            assert shape.member is not None
            return [_value(shapes, shape.member.shape, each) for each in element]
        case "map":
            assert shape.value is not None
            return {
                str(key.text): _value(shapes, shape.value.shape, value)
                for key, value in (tuple(entry) for entry in element)
            }
        case "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case _ if name == "policyDocumentType":
            return _document(urllib.parse.unquote(text))
        case _:
            return text


def _document(text: str) -> Any:  # noqa: ANN401  JSON
    try:
        return json.loads(text)
    except ValueError:
        return text
