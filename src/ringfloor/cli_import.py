"""CLI for imports: `ringfloor import`, which brings the log of another contact center in.

Called by cli, which gives it a parser. The log is read twice: once to find out whether all of it
can be read, and then to send it, part by part, to a running server. Nothing is sent before every
row is understood, every queue and agent is there, and the server would keep what comes.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ringfloor.base.errors import Fault, shown, shown_list
from ringfloor.base.ids import secret
from ringfloor.base.limits import IMPORT_CONTACTS_MAX, IMPORT_PART_BYTES, IMPORT_PROBLEMS_MAX
from ringfloor.base.time import iso
from ringfloor.call_logs.reading import Dropped, Problem, Read
from ringfloor.client import Connect, Progress
from ringfloor.config import endpoint, region
from ringfloor.domain.logged import LoggedContact
from ringfloor.node.log_files import digest, planned, rows, shipped

DESCRIPTION = """\
Brings a log of another contact center into an instance, so that searches, reports and metrics work
on it. A mapping file (TOML) says how the log is read: docs/records.md shows how to write one. Every
row is understood before anything is written; what cannot be is told with line, column, value and
rule. A log that is imported again changes nothing.

  ringfloor import calls.csv --mapping ours.toml --dry-run
  ringfloor import calls.csv --mapping ours.toml --instance ID
  ringfloor import bank.tsv --mapping bank-1999 --instance ID --create

Queues and agents are found by their names; --create makes those that are missing. Contacts older
than the instance keeps them are refused: its tag ringfloor:record-months says how long that is.
Requests are signed with RINGFLOOR_ACCESS_KEY_ID and RINGFLOOR_SECRET_ACCESS_KEY, or else
AWS_ACCESS_KEY_ID and so on; policies allow connect:ImportContacts on the instance, ListQueues and
ListUsers, and with --create what makes queues and users."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser its options."""
    parser.add_argument("log", type=Path, metavar="LOG", help="the file")
    parser.add_argument(
        "--mapping",
        metavar="MAPPING",
        help="how it is read: a TOML file, or one that comes with Ringfloor"
        f" ({', '.join(shipped())}) [that which reads it]",
    )
    parser.add_argument("--instance", default="", metavar="ID", help="id of the instance")
    parser.add_argument(
        "--create", action="store_true", help="make the queues and agents that are missing"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would come")
    for option, kept, text in (
        ("--hours", "Basic Hours", "hours of operation of new queues"),
        ("--routing-profile", "Basic Routing Profile", "of new agents"),
        ("--security-profile", "Agent", "of new agents"),
    ):
        parser.add_argument(option, default=kept, metavar="NAME", help=f"{text} [{kept}]")
    parser.add_argument("--endpoint", metavar="URL", help="[RINGFLOOR_URL, default %(default)s]")
    parser.set_defaults(run=run, endpoint=endpoint())


def run(options: argparse.Namespace) -> int:
    """Read the log, and import it; raises Fault."""
    if not options.instance and not options.dry_run:
        raise Fault("--instance ID is missing; --dry-run needs none")
    how = planned(options.mapping, options.log)
    reader = partial(rows, options.log, how, digest(options.log))
    found = summary(reader())
    if found.problems:
        print(*told(options.log, found), sep="\n", file=sys.stderr)
        raise Fault(f"{options.log}: {found.wrong:,} problems; nothing has been imported")
    print(*lines(found), sep="\n")
    if options.dry_run or not found.contacts:
        return 0
    server = Connect(options.endpoint, region())
    edges = [each for each in (found.first, found.last) if each is not None]
    server.import_contacts(options.instance, list(map(_raw, map(_times, edges))), check=True)
    names = _ids(server, options, found)
    done = Counter[str]()
    progress = Progress(sys.stderr, "contacts")
    try:
        for part in parts(_resolved(reader(), *names)):
            done.update(server.import_contacts(options.instance, part))
            progress.show(done.total(), found.contacts)
    finally:
        progress.end()
    print(f"{done['imported']:,} contacts imported, {done['known']:,} known before")
    return 0


# The log


class Summary(Struct):
    """What a log has told."""

    contacts: int = 0
    dropped: int = 0
    wrong: int = 0
    problems: list[Problem] = field(default_factory=list)
    """The first of those that are wrong."""
    queues: dict[str, Counter[str]] = field(default_factory=dict)
    """By name: contacts, queued, answered, abandoned."""
    agents: dict[str, None] = field(default_factory=dict)
    """A set in order."""
    first: LoggedContact | None = None
    last: LoggedContact | None = None
    """The earliest, and the one that is over last."""


def summary(read: Iterable[Read]) -> Summary:
    """What the rows tell in all."""
    found = Summary()
    progress = Progress(sys.stderr, "rows read")
    for number, row in enumerate(read, 1):
        progress.show(number)
        match row:
            case Dropped():
                found.dropped += 1
            case Problem():
                found.wrong += 1
                if found.wrong <= IMPORT_PROBLEMS_MAX:
                    found.problems.append(row)
            case LoggedContact():
                _count(found, row)
    progress.end()
    return found


def _count(found: Summary, contact: LoggedContact) -> None:
    found.contacts += 1
    queue = found.queues.setdefault(contact.queue or "", Counter())
    queued, answered = contact.enqueued_at is not None, contact.connected_to_agent_at is not None
    queue.update(contacts=1, queued=queued, answered=answered, abandoned=queued and not answered)
    if contact.agent is not None:
        found.agents[contact.agent] = None
    if found.first is None or contact.initiated_at < found.first.initiated_at:
        found.first = contact
    if found.last is None or contact.over_at > found.last.over_at:
        found.last = contact


def told(log: Path, found: Summary) -> Iterator[str]:
    """The problems of a log, one a line."""
    for each in found.problems:
        where = f"{log}:{each.line}: " + (f"column {each.column}: " if each.column else "")
        yield f"{where}{shown(each.value)} {each.rule}"
    if found.wrong > len(found.problems):
        yield f"... and {found.wrong - len(found.problems):,} more"


def lines(found: Summary) -> Iterator[str]:
    """What comes, as a table."""
    yield f"{found.contacts:,} contacts, {found.dropped:,} rows dropped"
    if found.first is not None and found.last is not None:
        yield f"from {iso(found.first.initiated_at)} to {iso(found.last.over_at)}"
    if found.agents:
        yield f"{len(found.agents)} agents: {', '.join(found.agents)}"
    head = ("contacts", "queued", "answered", "abandoned")
    width = max([len(name) for name in found.queues] + [5])
    yield "  ".join(["queue".ljust(width), *head])
    for name, counts in sorted(found.queues.items()):
        cells = (f"{counts[each]:>{len(each)},}" for each in head)
        yield "  ".join([(name or "-").ljust(width), *cells])


# Names


Ids = Mapping[str, str]


def _ids(server: Connect, options: argparse.Namespace, found: Summary) -> tuple[Ids, Ids]:
    """The ids of queues and of agents by their names, made if that is asked for."""
    instance = {"InstanceId": options.instance}
    queues = {
        each["Name"]: each["Id"]
        for each in server.listed("ListQueues", "QueueSummaryList", **instance)
        if each["QueueType"] == "STANDARD"
    }
    users = {
        each["Username"]: each["Id"]
        for each in server.listed("ListUsers", "UserSummaryList", **instance)
    }
    new_queues = [name for name in found.queues if name and name not in queues]
    new_users = [name for name in found.agents if name not in users]
    if (new_queues or new_users) and not options.create:
        missing = [f"queue {each!r}" for each in new_queues]
        missing += [f"agent {each!r}" for each in new_users]
        raise Fault(
            f"not there: {shown_list(missing, IMPORT_PROBLEMS_MAX)}; --create makes them, or the"
            " mapping's values name others"
        )
    if new_queues:
        hours = _id(server, options, "ListHoursOfOperations", options.hours)
        for name in new_queues:
            made = server.ask("CreateQueue", **instance, Name=name, HoursOfOperationId=hours)
            queues[name] = made["QueueId"]
    if new_users:
        users |= _made_users(server, options, new_users)
    return queues, users


SUMMARIES = {
    "ListHoursOfOperations": "HoursOfOperationSummaryList",
    "ListRoutingProfiles": "RoutingProfileSummaryList",
    "ListSecurityProfiles": "SecurityProfileSummaryList",
}


def _id(server: Connect, options: argparse.Namespace, operation: str, name: str) -> str:
    listed = server.listed(operation, SUMMARIES[operation], InstanceId=options.instance)
    found = next((each["Id"] for each in listed if each["Name"] == name), None)
    if found is None:
        raise Fault(f"{operation} of the instance has no {name!r}")
    return str(found)


def _made_users(server: Connect, options: argparse.Namespace, names: list[str]) -> dict[str, str]:
    """Agents, with passwords that nobody knows: an administrator gives them others."""
    told = server.ask("DescribeInstance", InstanceId=options.instance)["Instance"]
    has_passwords = told["IdentityManagementType"] == "CONNECT_MANAGED"
    profile = _id(server, options, "ListRoutingProfiles", options.routing_profile)
    security = _id(server, options, "ListSecurityProfiles", options.security_profile)
    made = {}
    for name in names:
        password = {"Password": f"Aa1{secret(12).hex()}"} if has_passwords else {}
        answer = server.ask(
            "CreateUser",
            InstanceId=options.instance,
            Username=name,
            IdentityInfo={"FirstName": name, "LastName": name},
            PhoneConfig={"PhoneType": "SOFT_PHONE"},
            RoutingProfileId=profile,
            SecurityProfileIds=[security],
            **password,
        )
        made[name] = answer["UserId"]
    return made


# What is sent


def _times(contact: LoggedContact) -> LoggedContact:
    """When a contact was, and nothing else."""
    return LoggedContact(
        id=contact.id, initiated_at=contact.initiated_at, disconnected_at=contact.over_at
    )


def _resolved(read: Iterable[Read], queues: Ids, users: Ids) -> Iterator[LoggedContact]:
    """The contacts, with ids where the log has names."""
    for row in read:
        if isinstance(row, LoggedContact):
            queue = None if row.queue is None else queues[row.queue]
            agent = None if row.agent is None else users[row.agent]
            yield replace(row, queue=queue, agent=agent)


def _raw(contact: LoggedContact) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(contact))


def parts(contacts: Iterable[LoggedContact]) -> Iterator[list[msgspec.Raw]]:
    """Contacts as they are sent: so many at a time that a part is taken."""
    part: list[msgspec.Raw] = []
    size = 0
    for contact in contacts:
        part.append(_raw(contact))
        size += len(bytes(part[-1]))
        if len(part) == IMPORT_CONTACTS_MAX or size >= IMPORT_PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
