"""Changes: what is to be different in a recorded day: a TOML file, and what it comes to.

    [[staff]]  [profiles.NAME]  [flows.NAME]  [queues.NAME]  [callers]

read holds a file against the center of the day and tells all that is wrong at once, each with its
key, its value and the rule; docs/whatif.md explains the members. changed makes the commands of it,
those that the API's operations send, and the statuses that agents take instead of the recorded
ones.
"""

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from ringfloor.base import zones
from ringfloor.base.errors import Fault, Refusal, shown
from ringfloor.base.ids import derive
from ringfloor.base.limits import SIMULATED_AGENTS_MAX, WHATIF_FACTOR_MAX
from ringfloor.base.reading import Part, Problem
from ringfloor.base.time import MINUTE, Instant
from ringfloor.domain import commands
from ringfloor.domain.resources import Properties, Resource
from ringfloor.domain.vocabulary import Channel
from ringfloor.engine import engine
from ringfloor.engine.state import Center
from ringfloor.flow import language, names
from ringfloor.simulator.recorded.day import Day
from ringfloor.simulator.recorded.replay import UNCHANGED, Changed
from ringfloor.simulator.scenario import Row, moment
from ringfloor.simulator.scenario_file import (
    CHANNEL,
    CHANNELS,
    CONCURRENCY_MAX,
    DELAY_SECONDS_MAX,
    PRIORITY_MAX,
    minutes,
)

NEW = "new"
"""What ids of agents who are added begin with."""

DAY_MINUTES = 24 * 60


class Added(NamedTuple):
    """Agents more. like: an agent whom they resemble; None: there is none in the profile.

    begins, ends: minutes since midnight; None: at work when the agent is whom they resemble.
    """

    agents: int
    profile: str
    like: str | None
    begins: int | None
    ends: int | None


class Moved(NamedTuple):
    """An agent is at work later, or has another profile."""

    agent: str
    minutes: int
    profile: str | None


class Profiled(NamedTuple):
    """A routing profile as it is to be. rows: None: those that it has."""

    rows: tuple[Row, ...] | None
    concurrency: Mapping[Channel, int]


class Queued(NamedTuple):
    """max_contacts: None: as it is; 0: no bound."""

    max_contacts: int | None
    pace: float


class Changes(NamedTuple):
    """What a file says. flows: content by name."""

    added: tuple[Added, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    profiles: Mapping[str, Profiled] = {}
    flows: Mapping[str, str] = {}
    queues: Mapping[str, Queued] = {}
    factor: float = 1.0


def parsed(path: Path) -> str:
    """The text of a file of changes; raises Fault if it cannot be read or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: cannot be read: {error}") from error
    _table(text, str(path))
    return text


def _table(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(f"{name}: {error}") from error


def load(path: Path, day: Day) -> Changes:
    """The changes of a file; raises Fault with all that is wrong."""
    text = parsed(path)
    return read(text, str(path), day, lambda name: (path.parent / name).read_text(encoding="utf-8"))


def read(text: str, name: str, day: Day, content: Callable[[str], str]) -> Changes:
    """The changes of a text. name: of its file. content: of a file that it names."""
    table = _table(text, name)
    problems: list[Problem] = []
    found = _Reading(engine.restore(day.center), content).of(Part(table, "", problems))
    if problems:
        wrong = dict.fromkeys(problems)
        lines = [f"{name}: {each.key} = {each.value} {each.rule}" for each in wrong]
        raise Fault("\n  ".join(lines) if len(lines) == 1 else "\n  " + "\n  ".join(lines))
    return found


class _Reading:
    """A file against a center."""

    def __init__(self, center: Center, content: Callable[[str], str]) -> None:
        self.center, self.content = center, content
        self.users = _named(center, "user")
        self.profiles = _named(center, "routing_profile")
        self.queues = {
            name: each
            for name, each in _named(center, "queue").items()
            if each.properties.get("QueueType") == "STANDARD"
        }
        self.flows = _named(center, "contact_flow")

    def of(self, file: Part) -> Changes:
        written = dict(file.parts("profiles"))
        known = [*self.profiles, *(name for name in written if name not in self.profiles)]
        profiles = {name: self._profile(name, part) for name, part in written.items()}
        added, removed, moved = self._staff(file, known)
        callers = file.part("callers")
        found = Changes(
            added=tuple(added),
            removed=tuple(removed),
            moved=tuple(moved),
            profiles=profiles,
            flows=dict(self._flows(file)),
            queues=dict(self._queues(file)),
            factor=callers.number("factor", 0, WHATIF_FACTOR_MAX, 1.0),
        )
        callers.close()
        file.close()
        return found

    def _staff(self, file: Part, profiles: list[str]) -> tuple[list[Added], list[str], list[Moved]]:
        added, removed, moved = list[Added](), list[str](), list[Moved]()
        for row in file.rows("staff"):
            kinds = [each for each in ("add", "remove", "agent") if row.has(each)]
            if len(kinds) != 1:
                row.wrong(
                    "add", None, "or remove, or agent: exactly one of them says what is meant"
                )
            elif kinds == ["add"]:
                added.append(self._added(row, profiles))
            elif kinds == ["remove"]:
                removed.extend(self._removed(row, {each.agent for each in moved}))
            else:
                moved.append(self._moved(row, profiles))
                if moved[-1].agent in (*removed, *(each.agent for each in moved[:-1])):
                    row.wrong("agent", moved[-1].agent, "stands in another table of staff already")
            row.close("add", "remove", "agent")
        return added, removed, moved

    def _added(self, row: Part, profiles: list[str]) -> Added:
        if row.has("like") == row.has("profile"):
            row.wrong("like", row.take("like"), "or profile: exactly one says what they can do")
        like = row.choice("like", list(self.users)) if row.has("like") else None
        if like is not None and like in self.users:
            profile = self.center.resources["routing_profile"][
                self.users[like].properties["RoutingProfileId"]
            ].name
        else:
            profile = row.choice("profile", profiles)
            like = self._somebody(profile)
        begins = _clock(row, "from") if row.has("from") or not row.has("like") else None
        ends = _clock(row, "to") if row.has("to") or not row.has("like") else None
        if (begins is None) != (ends is None):
            row.wrong("to", row.take("to"), "and from: both of them, or of one like another none")
        return Added(row.whole("add", 1, SIMULATED_AGENTS_MAX), profile, like, begins, ends)

    def _somebody(self, profile: str) -> str | None:
        """The first agent of a profile by name."""
        known = self.profiles.get(profile)
        return next(
            (
                name
                for name, user in sorted(self.users.items())
                if known is not None and user.properties["RoutingProfileId"] == known.id
            ),
            None,
        )

    def _removed(self, row: Part, moved: Collection[str]) -> Iterator[str]:
        told = row.take("remove")
        for each in told if isinstance(told, list) else [told]:
            if isinstance(each, str) and each in moved:
                row.wrong("remove", each, "stands in another table of staff already")
            elif isinstance(each, str) and each in self.users:
                yield each
            else:
                row.wrong("remove", each, _none_of("agent", self.users))

    def _moved(self, row: Part, profiles: list[str]) -> Moved:
        if not row.has("minutes") and not row.has("profile"):
            row.wrong("minutes", None, "or profile: one of them says what is different")
        return Moved(
            row.choice("agent", list(self.users)),
            row.whole("minutes", -DAY_MINUTES, DAY_MINUTES, 0),
            row.choice("profile", profiles) if row.has("profile") else None,
        )

    def _profile(self, name: str, part: Part) -> Profiled:
        rows = [self._row(row) for row in part.rows("queues")]
        pairs = [(each.queue, each.channel) for each in rows]
        if len(set(pairs)) < len(pairs):
            part.wrong("queues", len(pairs), "name a queue twice for one channel")
        if not rows and (name not in self.profiles or part.has("queues")):
            part.wrong("queues", None, "is left out; a new profile serves queues")
        concurrency: dict[Channel, int] = {}
        for channel in CHANNELS:
            if part.has(channel.lower()):
                most = 1 if channel == "VOICE" else CONCURRENCY_MAX
                concurrency[channel] = part.whole(channel.lower(), 1, most)
        part.close("voice", "chat", "task", "queues")
        return Profiled(tuple(rows) or None, concurrency)

    def _row(self, row: Part) -> Row:
        found = Row(
            queue=row.choice("queue", list(self.queues)),
            channel=CHANNEL[row.choice("channel", CHANNELS, "VOICE")],
            priority=row.whole("priority", 1, PRIORITY_MAX, 1),
            delay_seconds=row.whole("delay", 0, DELAY_SECONDS_MAX, 0),
        )
        row.close()
        return found

    def _queues(self, file: Part) -> Iterator[tuple[str, Queued]]:
        for name, part in file.parts("queues"):
            if name not in self.queues:
                part.wrong("", name, _none_of("queue", self.queues))
            yield (
                name,
                Queued(
                    part.whole("max_contacts", 0, 1_000_000) if part.has("max_contacts") else None,
                    part.number("pace", 0.01, 100, 1.0),
                ),
            )
            part.close("max_contacts")

    def _flows(self, file: Part) -> Iterator[tuple[str, str]]:
        new = {name for name, _ in file.parts("flows")}
        for name, part in file.parts("flows"):
            written = part.text("file")
            part.close()
            if not written:
                continue
            try:
                found = self.content(written)
            except (OSError, UnicodeDecodeError) as error:
                part.wrong("file", written, f"cannot be read: {error}")
                continue
            known = known_names(self.center, new)
            for use in names.names(found):
                if use.kind != "lambda" and use.name not in known.get(use.kind, {}):
                    rule = f"names a {use.kind} {shown(use.name)} of which there is none"
                    part.wrong("file", written, rule)
            flow = self.flows.get(name)
            type_ = "CONTACT_FLOW" if flow is None else flow.properties["Type"]
            try:
                language.parse(found, type_, published=True, lenient=True)
            except Refusal as refusal:
                part.wrong("file", written, f"cannot run: {_said(refusal)}")
            yield name, found


def _said(refusal: Refusal) -> str:
    """What is wrong with a flow, all of it."""
    problems: Any = refusal.members.get("problems")
    return "; ".join(each["message"] for each in problems or ()) or str(refusal.message)


def _clock(row: Part, name: str) -> int:
    told = row.text(name)
    found = minutes(told)
    if found is None and told:
        row.wrong(name, told, "is no clock time such as 08:30")
    return found or 0


def _none_of(kind: str, known: Mapping[str, Any]) -> str:
    there = f"; there are {', '.join(sorted(known))}" if len(known) <= 20 else ""
    return f"is no {kind} of that day{there}"


def _named(center: Center, kind: str) -> dict[str, Resource]:
    return {each.name: each for each in center.resources[kind].values()}


KINDS: Mapping[str, str] = {
    "queue": "queue",
    "flow": "contact_flow",
    "module": "contact_flow_module",
    "prompt": "prompt",
    "hours": "hours_of_operation",
    "agent": "user",
    "quick_connect": "quick_connect",
}
"""What flows name, and its kind of resource."""


def flow_id(name: str) -> str:
    """The id of a flow that a file of changes adds."""
    return derive(blake2b(name.encode(), digest_size=16).digest(), 0)


def known_names(center: Center, new: set[str]) -> dict[str, dict[str, list[str]]]:
    """ARNs by kind and name. new: flows that are added."""
    home = center.home
    found = {
        word: {name: [home.arn_of(kind, each.id)] for name, each in _named(center, kind).items()}
        for word, kind in KINDS.items()
    }
    for name in new:
        found["flow"].setdefault(name, [home.arn_of("contact_flow", flow_id(name))])
    return found


# What it comes to


def changed(changes: Changes, day: Day) -> Changed:
    """The changes as a replay takes them."""
    if changes == Changes():
        return UNCHANGED
    return _Making(changes, day).made()


class _Making:
    """Commands and statuses out of changes."""

    def __init__(self, changes: Changes, day: Day) -> None:
        self.changes, self.day = changes, day
        self.center = engine.restore(day.center)
        self.users = _named(self.center, "user")
        self.profiles = {
            name: each.id for name, each in _named(self.center, "routing_profile").items()
        }
        self.queues = {name: each.id for name, each in _named(self.center, "queue").items()}
        statuses = self.center.resources["agent_status"].values()
        self.available = next(e.id for e in statuses if e.properties["Type"] == "ROUTABLE")
        self.offline = next(e.id for e in statuses if e.properties["Type"] == "OFFLINE")
        self.commands: list[commands.Command] = []
        self.edited: set[str] = set()
        self.marks: dict[str, tuple[tuple[Instant, str], ...]] = {}
        self.like: dict[str, str] = {}

    def made(self) -> Changed:
        for name, queue in self.changes.queues.items():
            if queue.max_contacts is not None:
                bound = {"MaxContacts": queue.max_contacts or None}
                self._update("queue", self.queues[name], bound)
        self._flows()
        for name, profile in self.changes.profiles.items():
            self._profile(name, profile)
        self._staff()
        return Changed(
            made=tuple(self.commands),
            edited=frozenset(self.edited),
            marks=self.marks,
            like=self.like,
            factor=self.changes.factor,
            pace={self.queues[name]: each.pace for name, each in self.changes.queues.items()},
        )

    def _update(self, kind: str, identifier: str, changes: Properties) -> None:
        self.edited.add(identifier)
        self.commands.append(commands.UpdateResource(kind, identifier, changes))

    def _flows(self) -> None:
        there = _named(self.center, "contact_flow")
        known = known_names(self.center, set(self.changes.flows))
        home = self.center.home
        for name, content in self.changes.flows.items():
            used = {use.name for use in names.names(content) if use.kind == "lambda"}
            known["lambda"] = {
                each: [f"arn:aws:lambda:{home.region}:{home.account}:function:{each}"]
                for each in used
            }
            resolved = names.resolved(content, known)
            if name in there:
                self._update("contact_flow", there[name].id, {"Content": resolved})
                continue
            flow = {
                "Name": name,
                "Type": "CONTACT_FLOW",
                "State": "ACTIVE",
                "Status": "PUBLISHED",
                "Content": resolved,
            }
            made = commands.CreateResource(kind="contact_flow", properties=flow, id=flow_id(name))
            self.commands.insert(0, made)

    def _profile(self, name: str, profile: Profiled) -> None:
        identifier = self.profiles.get(name)
        before: Properties = {}
        if identifier is not None:
            before = self.center.resources["routing_profile"][identifier].properties
        media = {each["Channel"]: each for each in before.get("MediaConcurrencies") or ()}
        for row in profile.rows or ():
            media.setdefault(row.channel, {"Channel": row.channel, "Concurrency": 1})
        for channel, most in profile.concurrency.items():
            media[channel] = {**media.get(channel, {"Channel": channel}), "Concurrency": most}
        properties: Properties = {"MediaConcurrencies": list(media.values())}
        if profile.rows is not None:
            properties["QueueConfigs"] = [
                {
                    "QueueReference": {"QueueId": self.queues[row.queue], "Channel": row.channel},
                    "Priority": row.priority,
                    "Delay": row.delay_seconds,
                }
                for row in profile.rows
            ]
        if identifier is not None:
            self._update("routing_profile", identifier, properties)
            return
        rows = profile.rows or ()
        properties |= {
            "Name": name,
            "Description": "",
            "DefaultOutboundQueueId": self.queues[rows[0].queue],
        }
        made = self.profiles[name] = f"{NEW}-profile-{len(self.profiles)}"
        self.commands.append(
            commands.CreateResource(kind="routing_profile", properties=properties, id=made)
        )

    def _staff(self) -> None:
        for name in self.changes.removed:
            self.marks[self.users[name].id] = ((self.day.start, self.offline),)
        for agent, later, profile in self.changes.moved:
            identifier = self.users[agent].id
            if profile is not None:
                change = {"RoutingProfileId": self.profiles[profile]}
                self._update("user", identifier, change)
            if later:
                self.marks[identifier] = tuple(
                    (at + later * MINUTE, status_id) for at, status_id in self._marks(identifier)
                )
        number = 0
        for added in self.changes.added:
            for _ in range(added.agents):
                number += 1
                self._add(added, number)

    def _marks(self, agent_id: str) -> Iterator[tuple[Instant, str]]:
        for mark in self.day.marks:
            if mark.agent_id == agent_id:
                yield mark.at, mark.status_id

    def _add(self, added: Added, number: int) -> None:
        identifier, name = f"{NEW}-agent-{number}", f"{NEW}-{number:03}"
        like = None if added.like is None else self.users[added.like]
        security = next(iter(self.center.resources["security_profile"]))
        properties: Properties = {
            "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 0},
            "SecurityProfileIds": [security],
        }
        if like is not None:
            properties = dict(like.properties)
            self.like[identifier] = like.id
        properties |= {
            "Username": name,
            "IdentityInfo": {"FirstName": NEW, "LastName": f"{number:03}"},
            "RoutingProfileId": self.profiles[added.profile],
        }
        self.commands.append(
            commands.CreateResource(kind="user", properties=properties, id=identifier)
        )
        self.marks[identifier] = tuple(self._presence(added, like))

    def _presence(self, added: Added, like: Resource | None) -> Iterator[tuple[Instant, str]]:
        if added.begins is None or added.ends is None:
            assert like is not None, "the file says from and to, or whom he is like"
            yield self.day.start, self.center.agents[like.id].status_id
            yield from self._marks(like.id)
            return
        date = zones.local(self.day.begins, self.day.zone).date()
        longer = DAY_MINUTES if added.ends <= added.begins else 0
        yield moment(date, added.begins, self.day.zone), self.available
        yield moment(date, added.ends + longer, self.day.zone), self.offline
