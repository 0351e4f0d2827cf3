"""CLI for flows: `ringfloor flow`, which checks, draws and imports files of flow language.

Called by cli, which gives it a parser. check and draw need no server; import is a client of the
`connect` API of a running one; run is cli_flow_run's. Rules:

* Everything that is wrong with all files is told at once, a line each: file, line, action,
  parameter, what is wrong and what to write instead.
* Nothing is imported while anything is wrong with any of the files.
* Exit status: 0 well, 1 problems, 2 a file that cannot be used, or wrong usage.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ringfloor import cli_flow_run
from ringfloor.base.errors import Fault, Refusal
from ringfloor.base.limits import FLOW_PROBLEMS_MAX
from ringfloor.client import Connect
from ringfloor.config import endpoint, region
from ringfloor.flow import advice, names
from ringfloor.flow.advice import Finding
from ringfloor.flow.draw import drawing
from ringfloor.flow.envelope import MODULE, TYPES, Letter, Unreadable, letters

DESCRIPTION = """\
Checks, tries, draws and imports contact flows that are kept as files of flow language: what the
console exports, what DescribeContactFlow answers, or what a person writes.

  ringfloor flow check flows/*.json
  ringfloor flow run flows/main.json
  ringfloor flow draw flows/main.json -o main.svg
  ringfloor flow import flows/*.json --instance ID"""

CHECK = """\
Tells all that is wrong with flows: file, line, action, parameter, and what to write instead. The
rules are those that a flow must keep to be published.

  ringfloor flow check main.json
      main.json:14: greet (MessageParticipant) Text: ...
  ringfloor flow check hold.json --type CUSTOMER_HOLD
  ringfloor flow check flows/*.json --lenient        only what keeps them from running
  ringfloor flow check main.json --format json | jq -r '.[].message'

The type of a flow is what its file says (an export of the console, an answer of the API), or else
CONTACT_FLOW. Resources are named by id, by ARN, or by name: ${queue:Sales}, which import resolves.
Exit status: 0 nothing is wrong, 1 something is, 2 a file cannot be used."""

IMPORT = f"""\
Creates the flows of files in an instance, or changes and publishes those that are there by the same
name. Requests are signed as `ringfloor iam` does.

  ringfloor flow import main.json --instance ID
  ringfloor flow import hold.json --instance ID --name "Quiet hold" --type CUSTOMER_HOLD
  ringfloor flow import flows/*.json --instance ID --check      look, and change nothing

Names stand for ARNs anywhere in parameters, so that a file fits any instance:

  "QueueId": "${{queue:Sales}}"             "ContactFlowId": "${{flow:Main menu}}:live"
  "LambdaFunctionARN": "${{lambda:find}}"   $${{ is a ${{ that begins no name

Kinds: {", ".join(names.KINDS)}.
Files that are imported together may name each other's flows. Every name that leads nowhere is told
with its line; nothing is imported then. Without --name, a flow is called what its file says, or
else as the file."""

DRAW = """\
Draws a flow as SVG: from left to right, a box for each action with its parameters and a line for
each branch. Errors are dashed; what cannot be reached is shown apart.

  ringfloor flow draw main.json                  writes main.svg
  ringfloor flow draw main.json -o - | less      writes to standard output"""

SVG = ".svg"


class Sheet(NamedTuple):
    """One flow of one file, as a command takes it."""

    file: str
    letter: Letter
    name: str
    type: str


class Usage(Exception):
    """A file or an option that cannot be used; the message says why."""


def add_actions(parser: argparse.ArgumentParser) -> None:
    """Give the parser its commands."""
    raw = argparse.RawDescriptionHelpFormatter
    verbs = parser.add_subparsers(required=True, metavar="ACTION")
    check = verbs.add_parser(
        "check", help="all that is wrong with flows", description=CHECK, formatter_class=raw
    )
    put = verbs.add_parser(
        "import", help="create or change flows", description=IMPORT, formatter_class=raw
    )
    draw = verbs.add_parser(
        "draw", help="a flow as a picture", description=DRAW, formatter_class=raw
    )
    for verb in (check, put):
        verb.add_argument("files", nargs="+", metavar="FILE", help="flow language; - is stdin")
        verb.add_argument("--type", choices=TYPES, metavar="TYPE", help=", ".join(TYPES))
        verb.add_argument(
            "--lenient", action="store_true", help="only what keeps a flow from running"
        )
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.set_defaults(run=_run, act=_check)

    put.add_argument("--instance", required=True, metavar="ID", help="id or ARN of the instance")
    put.add_argument("--name", metavar="N", help="what the flow is called; with one flow")
    put.add_argument("--check", action="store_true", help="change nothing")
    put.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    put.add_argument("--region", metavar="R", help="[RINGFLOOR_REGION or AWS_REGION, %(default)s]")
    put.set_defaults(run=_run, act=_import, endpoint=endpoint(), region=region())

    draw.add_argument("file", metavar="FILE", help="flow language; - is stdin")
    draw.add_argument("-o", "--output", metavar="SVG", help="[the file's name with .svg]")
    draw.set_defaults(run=_run, act=_draw)
    cli_flow_run.add(verbs)


def _run(options: argparse.Namespace) -> int:
    try:
        return int(options.act(options))
    except Usage as error:
        print(f"ringfloor: {error}", file=sys.stderr)
        return 2


# Files


def _sheets(options: argparse.Namespace, files: Sequence[str]) -> list[Sheet]:
    """The flows of all files; raises Usage with all that cannot be used."""
    found: list[Sheet] = []
    wrong: list[str] = []
    for file in files:
        try:
            inside = letters(_text(file))
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            wrong.append(f"{file}: cannot be read: {reason}")
        except Unreadable as error:
            wrong.append(f"{file}:{error.place.line}:{error.place.column}: {error.reason}")
        else:
            given = getattr(options, "type", None)
            for letter in inside:
                kind = given or letter.flow_type or "CONTACT_FLOW"
                found.append(Sheet(file, letter, letter.name or Path(file).stem, kind))
    if wrong:
        raise Usage("\nringfloor: ".join(wrong))
    return found


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    return Path(file).read_text(encoding="utf-8-sig")


# check


def _check(options: argparse.Namespace) -> int:
    sheets = _sheets(options, options.files)
    wrong = [(sheet, found) for sheet in sheets for found in _findings(sheet, options.lenient)]
    if options.format == "json":
        rows = [_row(sheet, found) for sheet, found in wrong]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _tell(wrong)
        _sum_up(sheets, wrong)
    return 1 if wrong else 0


def _findings(sheet: Sheet, lenient: bool) -> list[Finding]:
    """What is wrong whatever the instance."""
    found = advice.findings(sheet.letter, sheet.type, lenient=lenient)
    misused = names.misused(sheet.letter, names.names(sheet.letter.content))
    return sorted([*found, *misused], key=lambda each: (each.line, each.column))


def _row(sheet: Sheet, found: Finding) -> dict[str, Any]:
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return {"file": sheet.file, "flow": sheet.name, "flow_type": sheet.type, **fields}


def _tell(wrong: Sequence[tuple[Sheet, Finding]]) -> None:
    for sheet, found in wrong:
        about = [found.action, f"({found.type})" if found.type else "", found.parameter]
        where = " ".join(filter(None, about))
        print(f"{sheet.file}:{found.line}: {where + ': ' if where else ''}{found.message}")
        if found.instead:
            print(f"    {found.instead}")


def _sum_up(sheets: Sequence[Sheet], wrong: Sequence[tuple[Sheet, Finding]]) -> None:
    bad = {id(sheet.letter): 0 for sheet, _ in wrong}
    for sheet, _ in wrong:
        bad[id(sheet.letter)] += 1
    total = f"{len(wrong)} problem{'' if len(wrong) == 1 else 's'}" if wrong else "nothing is wrong"
    flows = f"{len(sheets)} flow{'' if len(sheets) == 1 else 's'}"
    print(f"{flows}: {total}", file=sys.stderr)
    if any(count >= FLOW_PROBLEMS_MAX for count in bad.values()):
        print(f"of a flow, the first {FLOW_PROBLEMS_MAX} are told", file=sys.stderr)


# draw


def _draw(options: argparse.Namespace) -> int:
    sheets = _sheets(options, [options.file])
    if len(sheets) > 1:
        raise Usage(f"{options.file}: it holds {len(sheets)} flows; draw them one by one")
    (sheet,) = sheets
    try:
        picture = drawing(sheet.letter.content, sheet.name)
    except Refusal as refusal:
        told = [f"{options.file}: {each['message']}" for each in _problems(refusal)]
        raise Usage("\nringfloor: ".join(told)) from refusal
    output = options.output or ("-" if options.file == "-" else f"{Path(options.file).stem}{SVG}")
    if output == "-":
        print(picture)
        return 0
    try:
        Path(output).write_text(picture + "\n", encoding="utf-8")
    except OSError as error:
        raise Usage(f"{output}: cannot be written: {error.strerror}") from error
    print(output)
    return 0


def _problems(refusal: Refusal) -> list[dict[str, str]]:
    found = refusal.members["problems"]
    assert isinstance(found, list), "as language says"
    return found


# import


def _import(options: argparse.Namespace) -> int:
    sheets = _sheets(options, options.files)
    if options.name is not None:
        if len(sheets) != 1:
            raise Usage(f"--name is for one flow; here are {len(sheets)}")
        sheets = [sheets[0]._replace(name=options.name)]
    twice = sorted({_key(each) for each in sheets if _named_as(sheets, each) > 1})
    if twice:
        raise Usage(f"more than one file has the {twice[0][0]} {twice[0][1]!r}")
    server = Server(options)
    sheets = [_as_there(sheet, server, options.type) for sheet in sheets]
    wrong = [(sheet, found) for sheet in sheets for found in _told(sheet, sheets, server, options)]
    if wrong:
        _tell(wrong)
        _sum_up(sheets, wrong)
        _report("nothing has been imported")
        return 1
    _put(sheets, server, check=options.check)
    return 0


class Server:
    """The instance that flows are imported into: what it has, by kind, asked for once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._connect = Connect(options.endpoint, options.region)
        self.instance = str(options.instance).rpartition("/")[2]
        self._rows: dict[str, list[Any]] = {}

    def rows(self, kind: str) -> list[Any]:
        """What it has of a kind; raises Fault."""
        if kind not in self._rows:
            row = names.KINDS[kind]
            try:
                self._rows[kind] = list(self.listed(row.operation, row.rows, row.parameters))
            except Fault as fault:
                raise Fault(f"{row.operation}, for names of the kind {kind}: {fault}") from fault
        return self._rows[kind]

    def listed(self, operation: str, member: str, parameters: names.Parameters) -> Iterator[Any]:
        return self._connect.listed(operation, member, InstanceId=self.instance, **dict(parameters))

    def ask(self, operation: str, **parameters: str) -> dict[str, Any]:
        return self._connect.ask(operation, InstanceId=self.instance, **parameters)


def _kind(sheet: Sheet) -> str:
    return "module" if sheet.type == MODULE else "flow"


def _key(sheet: Sheet) -> tuple[str, str]:
    return _kind(sheet), sheet.name


def _named_as(sheets: Sequence[Sheet], sheet: Sheet) -> int:
    return sum(_key(each) == _key(sheet) for each in sheets)


def _there(sheet: Sheet, server: Server) -> dict[str, Any] | None:
    """The flow of that name, if the instance has one."""
    return next((row for row in server.rows(_kind(sheet)) if row["Name"] == sheet.name), None)


def _as_there(sheet: Sheet, server: Server, given: str | None) -> Sheet:
    """With the type of the flow that is there, which cannot change."""
    found = _there(sheet, server)
    if found is None or _kind(sheet) == "module":
        return sheet
    said, there = given or sheet.letter.flow_type, str(found["ContactFlowType"])
    if said not in (None, there):
        raise Usage(
            f"{sheet.file}: the flow {sheet.name!r} of the instance is a {there}, not a {said};"
            " import it under another --name, or leave --type out"
        )
    return sheet._replace(type=there)


def _told(
    sheet: Sheet, sheets: Sequence[Sheet], server: Server, options: argparse.Namespace
) -> list[Finding]:
    """What is wrong with a flow for this instance."""
    found = advice.findings(sheet.letter, sheet.type, lenient=options.lenient)
    uses = names.names(sheet.letter.content)
    unresolved = names.unresolved(sheet.letter, uses, _known(uses, sheets, server))
    return sorted([*found, *unresolved], key=lambda each: (each.line, each.column))


def _known(
    uses: Sequence[names.Use], sheets: Sequence[Sheet], server: Server
) -> dict[str, dict[str, list[str]]]:
    """ARNs by kind and name; of a flow that is only being imported, what stands for one."""
    known = {kind: names.known_by(kind, server.rows(kind)) for kind in names.kinds(uses)}
    for sheet in sheets:
        if _kind(sheet) in known:
            known[_kind(sheet)].setdefault(sheet.name, [""])
    return known


BLANK = json.dumps(
    {
        "Version": "2019-10-30",
        "StartAction": "end",
        "Actions": [
            {
                "Identifier": "end",
                "Type": "EndFlowModuleExecution",
                "Parameters": {},
                "Transitions": {},
            }
        ],
    }
)
"""What a module holds until those that it names are there too."""


def _put(sheets: Sequence[Sheet], server: Server, *, check: bool) -> None:
    """Create what is missing, then publish each content: by then every name has an ARN."""
    done = [("changed" if _there(sheet, server) else "created") for sheet in sheets]
    if not check:
        created = [sheet for sheet in sheets if _there(sheet, server) is None]
        for sheet in created:
            _create(sheet, server)
        try:
            for sheet in sheets:
                _publish(sheet, sheets, server)
        except Fault as fault:
            left = ", ".join(repr(sheet.name) for sheet in created)
            raise Fault(f"{fault}" + (f"\n  created, as drafts: {left}" if left else "")) from fault
    for sheet, what in zip(sheets, done, strict=True):
        there = _there(sheet, server) or {}
        told = f"would be {what}" if check else f"{what} {there.get('Arn')}"
        print(f"{sheet.file}: {_kind(sheet)} {sheet.name!r} ({sheet.type}) {told}")


def _create(sheet: Sheet, server: Server) -> None:
    """A draft of a flow; an empty module, which has no drafts."""
    if _kind(sheet) == "module":
        made = server.ask("CreateContactFlowModule", Name=sheet.name, Content=BLANK)
        row = {"Id": made["Id"], "Arn": made["Arn"], "Name": sheet.name}
    else:
        made = server.ask(
            "CreateContactFlow",
            Name=sheet.name,
            Type=sheet.type,
            Status="SAVED",
            Content=sheet.letter.content,
        )
        row = {"Id": made["ContactFlowId"], "Arn": made["ContactFlowArn"], "Name": sheet.name}
    server.rows(_kind(sheet)).append({**row, "ContactFlowType": sheet.type})


def _publish(sheet: Sheet, sheets: Sequence[Sheet], server: Server) -> None:
    there = _there(sheet, server)
    assert there is not None, "it has been created"
    noun = "ContactFlowModule" if _kind(sheet) == "module" else "ContactFlow"
    uses = names.names(sheet.letter.content)
    content = names.resolved(sheet.letter.content, _known(uses, sheets, server))
    try:
        server.ask(f"Update{noun}Content", **{f"{noun}Id": there["Id"]}, Content=content)
    except Fault as fault:
        raise Fault(f"{sheet.file}: {_kind(sheet)} {sheet.name!r}: {fault}") from fault


def _report(text: str) -> None:
    print(f"ringfloor: {text}", file=sys.stderr)
