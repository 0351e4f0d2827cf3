"""CLI: the commands. Each parses, calls one function below it, and says what went wrong."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ringfloor import __version__
from ringfloor.app import App, run
from ringfloor.base.errors import Fault
from ringfloor.base.ids import secret
from ringfloor.config import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    SETTINGS,
    Settings,
    add_options,
    settings,
    variable,
)
from ringfloor.journal import upkeep
from ringfloor.journal.journal import Report
from ringfloor.simulator import demo

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 well, 1 a fault, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        return int(options.run(options))
    except Fault as fault:
        print(f"ringfloor: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
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
    live.set_defaults(run=_demo)

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
    return parser


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
    run(app.run(sys.stdout))
    return 0


def _demo(options: argparse.Namespace) -> int:
    wanted = Settings(port=options.port, sandbox=True)
    app = App(_with_keys(wanted, demo.ACCESS_KEY_ID, demo.SECRET_ACCESS_KEY), _report)
    run(app.run(sys.stdout, app.demo(sys.stdout)))
    return 0


def _with_keys(wanted: Settings, access_key_id: str, secret_access_key: str) -> Settings:
    return replace(wanted, access_key_id=access_key_id, secret_access_key=secret_access_key)


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
