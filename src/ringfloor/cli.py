"""CLI: the commands. Each parses, calls one function below it, and says what went wrong."""

import argparse
import base64
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from msgspec import json
from msgspec.structs import replace

from ringfloor import (
    __version__,
    cli_export,
    cli_flow,
    cli_forecast,
    cli_gateway,
    cli_iam,
    cli_import,
    cli_load,
    cli_report,
    cli_simulate,
    cli_staff,
    cli_stream,
    cli_trace,
    cli_waits,
    cli_whatif,
    running,
)
from ringfloor.app import App
from ringfloor.base.ids import secret
from ringfloor.base.time import WallClock
from ringfloor.client import moment
from ringfloor.config import (
    ACCESS_KEY_ID,
    ENCRYPTION_KEY,
    SECRET_ACCESS_KEY,
    STREAM_SECRET,
    Settings,
    add_options,
    settings,
)
from ringfloor.journal import upkeep
from ringfloor.journal.journal import Report
from ringfloor.journal.reading import reading
from ringfloor.node import audit
from ringfloor.node.vault import KEY_BYTES
from ringfloor.settings_table import SETTINGS, variable
from ringfloor.simulator import demo
from ringfloor.simulator.live import Past, moved

DESCRIPTION = """\
Ringfloor is a contact center that you run yourself and that speaks the Amazon Connect API.
Point boto3, the AWS CLI or any AWS SDK at its endpoint."""

EPILOG = """\
first steps:
  ringfloor demo                           a live example center, and commands to paste
  ringfloor serve --memory --sandbox       an empty center for tests, gone when it ends
  ringfloor serve --data DIR               a center that survives a crash
"""

SERVE = f"""\
Serves the Amazon Connect API until it is stopped (Ctrl-C or SIGTERM). Requests are signed with the
key pair in {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}; without them a pair is
made for this run and printed."""


AUDIT = """\
Shows the audit trail of a data directory, also while a server uses it: every change of an instance,
a resource or an identity, with its time (UTC), principal, source address, operation and request id.
PATTERN may hold * and ?; TIME is 2026-11-20, 2026-11-20T08:30:00Z, or an age such as 90m, 12h, 7d.

  ringfloor audit --principal user/ann --since 7d
  ringfloor audit --resource sales --json"""

AUDIT_PATTERNS = {
    "principal": "ARN, or its end such as root or user/ann",
    "operation": "such as CreateQueue or Update*",
    "source": "network address of the caller",
    "instance": "id of an instance, or account for users, groups, roles and policies",
    "request-id": "as the caller was told it",
    "resource": "name or id of what was changed",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 well, 1 a fault, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given[:1] == ["iam"]).parse_args(given)
    return running.command(lambda: int(options.run(options)))


def _parser(iam: bool) -> argparse.ArgumentParser:
    """iam: with the actions of `ringfloor iam`, whose table takes a moment to read."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="ringfloor", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=f"ringfloor {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve", help="serve the API", description=SERVE, formatter_class=raw
    )
    add_options(serve)
    serve.set_defaults(run=_serve)

    live = commands.add_parser(
        "demo",
        help="a live example center with traffic, and commands to paste",
        description=demo.DESCRIPTION,
        formatter_class=raw,
    )
    port = next(setting for setting in SETTINGS if setting.name == "port")
    live.add_argument("--port", type=int, default=8080, help=f"{port.help} [{variable(port)}]")
    live.add_argument(
        "--scenario", type=Path, metavar="FILE", help="a scenario of your own; docs/simulator.md"
    )
    live.set_defaults(run=_demo)

    trail = commands.add_parser(
        "audit",
        help="who changed what, when and from where",
        description=AUDIT,
        formatter_class=raw,
    )
    trail.add_argument("--data", type=Path, default=Path("ringfloor-data"), metavar="DIR")
    for name, text in AUDIT_PATTERNS.items():
        trail.add_argument(f"--{name}", default="*", metavar="PATTERN", help=text)
    trail.add_argument("--since", default="", metavar="TIME", help="from then on")
    trail.add_argument("--until", default="", metavar="TIME", help="before then")
    trail.add_argument("--all", action="store_true", help="also contacts and agents at work")
    trail.add_argument("--last", type=int, default=50, metavar="N", help="how many [50; 0: all]")
    trail.add_argument("--json", action="store_true", help="one JSON object a line, with values")
    trail.set_defaults(run=_audit)

    identity = commands.add_parser(
        "iam",
        help="users, access keys, groups, roles and policies of a running server",
        description=cli_iam.DESCRIPTION,
        formatter_class=raw,
    )
    if iam:
        cli_iam.add_actions(identity)

    flows = commands.add_parser(
        "flow",
        help="check, try, draw and import contact flows kept as files",
        description=cli_flow.DESCRIPTION,
        formatter_class=raw,
    )
    cli_flow.add_actions(flows)

    for name, text, command in (
        ("trace", "what a contact has been through in its flows", cli_trace),
        ("stream", "follow what happens: contacts, their records, agents", cli_stream),
        ("report", "arrivals, service level, waits and agents' day as a page", cli_report),
        ("export", "write contact records, agents' time or metrics to a file", cli_export),
        ("import", "bring the log of another contact center in", cli_import),
        ("simulate", "a day of a center in seconds, with callers and agents", cli_simulate),
        ("load", "customers and agents of a scenario against a live server", cli_load),
        ("forecast", "how many contacts the next days will bring", cli_forecast),
        ("staff", "how many agents each half hour of a scenario needs", cli_staff),
        ("whatif", "a day that was, with other staff, routing or flows", cli_whatif),
    ):
        described = commands.add_parser(
            name, help=text, description=command.DESCRIPTION, formatter_class=raw
        )
        command.add_options(described)

    gateway = commands.add_parser(
        "gateway",
        help="carry real calls for a server: SIP trunks, desk phones, browsers",
        description=cli_gateway.DESCRIPTION,
        formatter_class=raw,
    )
    cli_gateway.add_options(gateway)
    gateway.set_defaults(run=cli_gateway.run)

    waits = commands.add_parser(
        "waits",
        help="how well waits can be told on a log",
        description=cli_waits.SUMMARY,
    )
    cli_waits.add_options(waits)

    _add_upkeep(commands)
    return parser


def _add_upkeep(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Keys, and journals that are not in use."""
    keys = commands.add_parser("keys", help="keys that encrypt secrets at rest")
    new = keys.add_subparsers(required=True, metavar="VERB").add_parser(
        "new", help=f"print a fresh key for {ENCRYPTION_KEY}"
    )
    new.add_argument("--webhook", action="store_true", help=f"a secret for {STREAM_SECRET} instead")
    new.set_defaults(run=_new_key)

    journal = commands.add_parser("journal", help="check or mend a journal that is not in use")
    verbs = journal.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser("check", help="read every record and say what is wrong")
    cut = verbs.add_parser(
        "cut", help="drop the records of an instance after a number, keeping a copy of the file"
    )
    for verb, command in ((check, _check), (cut, _cut)):
        verb.add_argument("--data", type=Path, default=Path("ringfloor-data"), metavar="DIR")
        verb.set_defaults(run=command)
    cut.add_argument("--instance", required=True, metavar="I", help="id of the instance")
    cut.add_argument("--after", required=True, type=int, metavar="N", help="last record to keep")


def _report(text: str) -> None:
    print(f"ringfloor: {text}", file=sys.stderr)


def _serve(options: argparse.Namespace) -> int:
    wanted = settings(options)
    if wanted.access_key_id is None:
        wanted = _with_keys(wanted, "AKIA" + secret(8).hex().upper(), secret(20).hex())
        _report(
            "no key pair is configured; for this run use"
            f"\n  export AWS_ACCESS_KEY_ID={wanted.access_key_id}"
            f"\n  export AWS_SECRET_ACCESS_KEY={wanted.secret_access_key}"
        )
    app = App(wanted, _report)
    running.run(app.run(sys.stdout))
    return 0


def _demo(options: argparse.Namespace) -> int:
    now = WallClock().now
    past = Past(moved(demo.scenario(options.scenario), now()))
    bar = cli_simulate.Bar(sys.stderr)
    try:
        past.run(now, bar.show)
    finally:
        bar.end()
    wanted = Settings(port=options.port, sandbox=True)
    keys = demo.ACCESS_KEY_ID, demo.SECRET_ACCESS_KEY
    app = App(_with_keys(wanted, *keys), _report, past.journal)
    running.run(app.run(sys.stdout, app.demo(past, sys.stdout)))
    return 0


def _with_keys(wanted: Settings, access_key_id: str, secret_access_key: str) -> Settings:
    return replace(
        wanted,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        temporary_pair=True,
    )


def _new_key(options: argparse.Namespace) -> int:
    print(("whsec_" if options.webhook else "") + base64.b64encode(secret(KEY_BYTES)).decode())
    return 0


def _audit(options: argparse.Namespace) -> int:
    now = WallClock().now()
    chosen = audit.Filter(
        **{
            name.replace("-", "_"): getattr(options, name.replace("-", "_"))
            for name in AUDIT_PATTERNS
        },
        since=moment("since", options.since, now) if options.since else 0,
        until=moment("until", options.until, now) if options.until else None,
        everything=options.all,
    )
    with reading(options.data) as journal:
        streams = [journal.records(instance) for instance in journal.instances()]
        found = filter(chosen.fits, audit.entries(streams))
        shown = deque(found, options.last or None)
    for entry in shown:
        print(json.encode(entry).decode() if options.json else audit.line(entry))
    if not shown:
        _report("nothing in the audit trail fits")
    return 0


def _check(options: argparse.Namespace) -> int:
    report = upkeep.check(options.data)
    _show(report)
    return 1 if report.damage else 0


def _cut(options: argparse.Namespace) -> int:
    _show(upkeep.cut(options.data, options.instance, options.after))
    return 0


def _show(report: Report) -> None:
    print(f"journal in {report.directory}")
    for standing in report.standings:
        sound = "sound" if standing.sound == standing.last else f"sound up to {standing.sound}"
        print(f"  instance {standing.instance}: {standing.last} records, {sound}")
    for notice in report.notices:
        print(f"  note: {notice}")
    for damage in report.damage:
        print(f"  damaged: {damage}")
