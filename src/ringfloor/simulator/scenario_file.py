"""Scenario file: TOML, read and checked as a whole.

    name, start, end, time_zone, seed, thresholds, words_per_minute, prompt_seconds
    [distributions.NAME]   [queues.NAME]      [flows.NAME]   [profiles.NAME]
    [agents.NAME]          [callers.NAME]     [functions.NAME]   [bots.NAME]

Called by the commands that simulate. Durations are seconds. What is wrong is told all at once: each
with its key, its value and the rule. docs/simulator.md explains the members.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ringfloor.base import zones
from ringfloor.base.errors import Fault, Refusal, shown
from ringfloor.base.limits import (
    REPORT_THRESHOLDS_MAX,
    SIMULATED_AGENTS_MAX,
    SIMULATED_DAYS_MAX,
    SIMULATED_QUEUES_MAX,
    SIMULATED_RATE_MAX,
    SIMULATED_RETRIES_MAX,
    SIMULATED_SECONDS_MAX,
    THRESHOLD_SECONDS_MAX,
)
from ringfloor.base.reading import Part, Problem, is_number
from ringfloor.base.time import DAY, HOUR, Instant
from ringfloor.domain.quotas import QUOTAS
from ringfloor.domain.vocabulary import Channel
from ringfloor.flow import language, names
from ringfloor.flow.blocks import checked_reply
from ringfloor.simulator import distributions
from ringfloor.simulator.distributions import KINDS, Distribution
from ringfloor.simulator.scenario import (
    AT_ONCE,
    HALF_HOUR_MINUTES,
    Bot,
    Callers,
    Function,
    Group,
    Holds,
    Profile,
    Queue,
    Retries,
    Row,
    Scenario,
    Shift,
    Speech,
    Stretch,
)

CHANNELS: tuple[Channel, ...] = ("VOICE", "CHAT", "TASK")
CHANNEL: Mapping[str, Channel] = {each: each for each in CHANNELS}
SEED_MAX = 2**63 - 1
CONCURRENCY_MAX = 10
PRIORITY_MAX = 99
DELAY_SECONDS_MAX = 9_999
RANK_MAX = 2**31 - 1
LEVELS = range(1, 6)
"""As in the API."""

PROFICIENCIES_MAX = QUOTAS["user_proficiency"].default

Named = Mapping[str, Distribution]


def load(path: Path) -> Scenario:
    """The scenario of a file; raises Fault with all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: cannot be read: {error}") from error
    return read(text, str(path), lambda name: (path.parent / name).read_text(encoding="utf-8"))


def read(text: str, name: str, content: Callable[[str], str]) -> Scenario:
    """The scenario of a text. name: of its file. content: of a file that it names."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(f"{name}: {error}") from error
    problems: list[Problem] = []
    found = _scenario(Part(table, "", problems), Path(name).stem, content)
    if problems:
        lines = [f"{name}: {each.key} = {each.value} {each.rule}" for each in problems]
        raise Fault("\n  ".join(lines) if len(lines) == 1 else "\n  " + "\n  ".join(lines))
    return found


def _scenario(file: Part, stem: str, content: Callable[[str], str]) -> Scenario:
    zone = file.text("time_zone", "UTC")
    if not zones.known(zone):
        file.wrong("time_zone", zone, "is no time zone of the IANA database")
        zone = "UTC"
    start, end = _span(file, zone)
    named = _distributions(file)
    queues = {each: _queue(part, named) for each, part in file.parts("queues")}
    for each, part in file.parts("queues"):
        _check_hands_on(part, each, queues)
    if not 1 <= len(queues) <= SIMULATED_QUEUES_MAX:
        file.wrong("queues", len(queues), f"are not 1 to {SIMULATED_QUEUES_MAX} queues")
    flows = dict(_flows(file, list(queues), content))
    profiles = {each: _profile(part, list(queues)) for each, part in file.parts("profiles")}
    groups = {
        each: _group(part, list(profiles), list(queues), named)
        for each, part in file.parts("agents")
    }
    count = sum(each.count for each in groups.values())
    if count > SIMULATED_AGENTS_MAX:
        file.wrong("agents", count, f"are more than {SIMULATED_AGENTS_MAX}")
    callers = {
        each: _callers(part, list(queues), list(flows), named)
        for each, part in file.parts("callers")
    }
    if not callers:
        file.wrong("callers", None, "is left out; without callers nothing happens")
    found = Scenario(
        name=file.text("name", stem),
        start=start,
        end=end,
        zone=zone,
        seed=file.whole("seed", 0, SEED_MAX, 1),
        thresholds=_thresholds(file),
        speech=Speech(
            words_per_minute=file.whole("words_per_minute", 0, 1_000, 0),
            prompt_seconds=file.number("prompt_seconds", 0, 3_600, 0.0),
        ),
        queues=queues,
        flows=flows,
        functions={each: _function(part, named) for each, part in file.parts("functions")},
        bots={each: _bot(part, named) for each, part in file.parts("bots")},
        profiles=profiles,
        groups=groups,
        callers=callers,
    )
    file.close()
    return found


def _span(file: Part, zone: str) -> tuple[Instant, Instant]:
    start = _instant(file, "start", file.moment("start"), zone)
    end = _instant(file, "end", file.moment("end"), zone)
    if file.has("start") and file.has("end"):
        if end <= start:
            file.wrong("end", file.take("end"), "is not after start")
        elif end - start > SIMULATED_DAYS_MAX * DAY:
            file.wrong("end", file.take("end"), f"is more than {SIMULATED_DAYS_MAX} days later")
    return start, max(end, start + HOUR)


def _instant(file: Part, name: str, wall: datetime, zone: str) -> Instant:
    found = zones.instant(wall, zone)
    if found is None:
        file.wrong(name, wall.isoformat(), f"is leapt over by the clocks of {zone}")
        return zones.instant(wall + timedelta(hours=1), zone) or 0
    if wall.minute % HALF_HOUR_MINUTES or wall.second or wall.microsecond:
        file.wrong(name, wall.isoformat(), "is no full or half hour")
    return found


def _thresholds(file: Part) -> tuple[int, ...]:
    told = file.take("thresholds")
    found = [20] if told is None else told
    fine = isinstance(found, list) and 1 <= len(found) <= REPORT_THRESHOLDS_MAX
    if not fine or not all(
        is_number(each) and isinstance(each, int) and 1 <= each <= THRESHOLD_SECONDS_MAX
        for each in found
    ):
        rule = (
            f"is a list of up to {REPORT_THRESHOLDS_MAX} whole numbers,"
            f" 1 to {THRESHOLD_SECONDS_MAX} seconds"
        )
        file.wrong("thresholds", told, rule)
        return (20,)
    return tuple(sorted(set(found)))


# Distributions


def _distributions(file: Part) -> Named:
    found: dict[str, Distribution] = {}
    for name, part in file.parts("distributions"):
        found[name] = _made(part, found)
    return found


def _distribution(
    part: Part, name: str, named: Named, otherwise: Distribution | None = None
) -> Distribution:
    """The member, written as a number, as a name or as a table."""
    if not part.has(name):
        if otherwise is None:
            part.wrong(name, None, "is left out; it is a number of seconds or a distribution")
        return otherwise or AT_ONCE
    return _told(part, name, part.take(name), named)


def _told(part: Part, name: str, told: Any, named: Named) -> Distribution:  # noqa: ANN401  any TOML value
    if is_number(told) and 0 <= told <= SIMULATED_SECONDS_MAX:
        return distributions.constant(float(told))
    if isinstance(told, str) and told in named:
        return named[told]
    if isinstance(told, dict):
        return _made(Part(told, ".".join(filter(None, (part.key, name))), part.problems), named)
    known = f"; there are {', '.join(named)}" if named else ""
    rule = f"is neither 0 to {SIMULATED_SECONDS_MAX} seconds, a distribution nor the name of one"
    part.wrong(name, told, f"{rule}{known}")
    return AT_ONCE


def _made(part: Part, named: Named) -> Distribution:
    before = len(part.problems)
    kind = part.choice("kind", list(KINDS))
    if len(part.problems) > before:
        return AT_ONCE  # its parameters would be held against those of another kind
    values: dict[str, Any] = {
        name: PARAMETERS[name](part, name, named) for name in KINDS[kind].parameters
    }
    if kind == "uniform" and values["high"] < values["low"]:
        part.wrong("high", values["high"], "is less than low")
    if kind == "mixture" and len(values["of"]) != len(values["weights"]):
        part.wrong("weights", len(values["weights"]), "are not as many as the distributions")
    part.close()
    return AT_ONCE if len(part.problems) > before else KINDS[kind].make(**values)


def _seconds(part: Part, name: str, _named: Named) -> float:
    low = 0.0 if name in ("value", "low", "high") else 0.001
    return part.number(name, low, SIMULATED_SECONDS_MAX)


def _shape(part: Part, name: str, _named: Named) -> float:
    if part.take("kind") == "erlang":
        return part.whole(name, 1, 100)
    return part.number(name, 0.1, 100)


def _numbers(part: Part, name: str, _named: Named) -> list[float]:
    told = part.take(name)
    if (
        not isinstance(told, list)
        or not told
        or not all(is_number(each) and 0 <= each <= SIMULATED_SECONDS_MAX for each in told)
        or not any(told)
    ):
        part.wrong(name, told, f"is no list of numbers from 0 to {SIMULATED_SECONDS_MAX}")
        return []
    return [float(each) for each in told]


def _several(part: Part, name: str, named: Named) -> list[Distribution]:
    told = part.take(name)
    if not isinstance(told, list) or not told:
        part.wrong(name, told, "is no list of distributions")
        return []
    return [_told(part, f"{name}[{number}]", each, named) for number, each in enumerate(told)]


PARAMETERS: Mapping[str, Callable[[Part, str, Named], Any]] = {
    "value": _seconds,
    "mean": _seconds,
    "deviation": _seconds,
    "low": _seconds,
    "high": _seconds,
    "shape": _shape,
    "values": _numbers,
    "weights": _numbers,
    "of": _several,
}
"""How each parameter of distributions.KINDS is read."""


# The center


def _queue(part: Part, named: Named) -> Queue:
    found = Queue(
        handle=_distribution(part, "handle", named),
        after_work=_distribution(part, "after_work", named, AT_ONCE),
        max_contacts=part.whole("max_contacts", 1, 1_000_000) if part.has("max_contacts") else None,
        holds=_holds(part.part("holds"), named) if part.has("holds") else None,
        hands_on=part.table("hands_on", _is_part, "is shares of 0 to 1 by queue"),
    )
    part.close("max_contacts", "holds")
    return found


def _is_part(_name: str, value: Any) -> bool:  # noqa: ANN401  any TOML value
    return is_number(value) and 0 <= value <= 1


def _holds(part: Part, named: Named) -> Holds:
    found = Holds(chance=part.number("chance", 0, 1), lasts=_distribution(part, "lasts", named))
    part.close()
    return found


def _check_hands_on(part: Part, name: str, queues: Mapping[str, Queue]) -> None:
    """Contacts are handed on to other queues that there are, and no more than all of them."""
    shares = queues[name].hands_on
    for each in shares:
        if each == name or each not in queues:
            part.wrong(f"hands_on.{each}", shares[each], "is no share of another queue")
    if sum(shares.values()) > 1:
        part.wrong("hands_on", sum(shares.values()), "are more than all contacts")


def _function(part: Part, named: Named) -> Function:
    if part.has("answer") and part.has("answers"):
        part.wrong("answers", part.take("answers"), "or answer: one of them")
    rows = list(part.rows("answers"))
    answers = [(row.number("weight", 0.001, SIMULATED_RATE_MAX, 1.0), _answer(row)) for row in rows]
    for row in rows:
        row.close()
    found = Function(
        answers=tuple(answers) or ((1.0, _answer(part)),),
        takes=_distribution(part, "takes", named, AT_ONCE),
        fails=part.number("fails", 0, 1, 0.0),
    )
    part.close()
    return found


def _answer(part: Part) -> dict[str, Any]:
    told = part.table("answer", lambda _name, _value: True, "is the members of an answer")
    try:
        found: dict[str, Any] = checked_reply(told, is_map=False)
    except ValueError as error:
        part.wrong("answer", told, f"is no answer of a function: {error}")
        return {}
    return found


def _bot(part: Part, named: Named) -> Bot:
    intents = part.table(
        "intents", lambda name, value: bool(name) and _share(value), "is intents with their weights"
    )
    if not intents:
        part.wrong("intents", None, "is left out; a bot understands something")
    found = Bot(
        intents=intents,
        says=part.text("says", ""),
        takes=_distribution(part, "takes", named, AT_ONCE),
        fails=part.number("fails", 0, 1, 0.0),
    )
    part.close()
    return found


def _flows(
    file: Part, queues: list[str], content: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    known = {name for name, _ in file.parts("flows")}
    for name, part in file.parts("flows"):
        written = part.text("file")
        part.close()
        if not written:
            continue
        try:
            found = content(written)
        except (OSError, UnicodeDecodeError) as error:
            part.wrong("file", written, f"cannot be read: {error}")
            continue
        for each in names.names(found):
            there = {"queue": set(queues), "flow": known}.get(each.kind)
            if there is not None and each.name not in there:
                part.wrong(
                    "file",
                    written,
                    f"names a {each.kind} {shown(each.name)} of which there is none",
                )
            elif there is None and each.kind not in ("lambda", "prompt"):
                part.wrong("file", written, f"names a {each.kind}; scenarios have queues and flows")
        try:
            language.parse(found, "CONTACT_FLOW", published=True, lenient=True)
        except Refusal as refusal:
            part.wrong("file", written, f"cannot run: {refusal.members or refusal.message}")
        yield name, found


def _profile(part: Part, queues: list[str]) -> Profile:
    rows = []
    for row in part.rows("queues"):
        rows.append(
            Row(
                queue=row.choice("queue", queues),
                channel=CHANNEL[row.choice("channel", CHANNELS, "VOICE")],
                priority=row.whole("priority", 1, PRIORITY_MAX, 1),
                delay_seconds=row.whole("delay", 0, DELAY_SECONDS_MAX, 0),
            )
        )
        row.close()
    if not rows:
        part.wrong("queues", None, "is left out; a profile serves queues")
    double = [
        each
        for each in rows
        if sum((o.queue, o.channel) == (each.queue, each.channel) for o in rows) > 1
    ]
    if double:
        part.wrong("queues", double[0].queue, "is named twice for one channel")
    concurrency: dict[Channel, int] = {}
    for channel in CHANNELS:
        served = any(each.channel == channel for each in rows)
        most = 1 if channel == "VOICE" else CONCURRENCY_MAX
        name = channel.lower()
        if served or part.has(name):
            concurrency[channel] = part.whole(name, 1, most, 1)
    found = Profile(rows=tuple(rows), concurrency=concurrency)
    part.close(*(each.lower() for each in CHANNELS))
    return found


# People


def _group(part: Part, profiles: list[str], queues: list[str], named: Named) -> Group:
    found = Group(
        count=part.whole("count", 1, SIMULATED_AGENTS_MAX),
        profile=part.choice("profile", profiles),
        shifts=tuple(_shift(row) for row in part.rows("shifts")),
        answers=_distribution(part, "answers", named, AT_ONCE),
        misses=part.number("misses", 0, 1, 0.0),
        returns=_distribution(part, "returns", named, AT_ONCE),
        pace=part.number("pace", 0.01, 100, 1.0),
        handle=_by_queue(part, "handle", queues, named),
        after_work=_by_queue(part, "after_work", queues, named),
        proficiencies=_proficiencies(part.part("proficiencies")),
    )
    part.close()
    return found


def _proficiencies(part: Part) -> dict[str, dict[str, int]]:
    found = {
        name: part.table(
            name,
            lambda value, level: bool(value) and is_number(level) and level in LEVELS,
            "is levels of 1 to 5 by value",
        )
        for name in part.names
    }
    count = sum(map(len, found.values()))
    if count > PROFICIENCIES_MAX:
        part.wrong("", count, f"are more than {PROFICIENCIES_MAX}, as many as AWS lets a user have")
    return found


def _by_queue(part: Part, name: str, queues: list[str], named: Named) -> Named:
    inner = part.part(name)
    found = {each: _distribution(inner, each, named, AT_ONCE) for each in queues if inner.has(each)}
    inner.close(*queues)
    return found


def _shift(part: Part) -> Shift:
    found = Shift(
        work=Stretch(_clock(part, "from"), _clock(part, "to")),
        breaks=tuple(_break(row) for row in part.rows("breaks")),
    )
    part.close()
    return found


def _break(part: Part) -> Stretch:
    status = part.text("status", "Break")
    if status in ("Available", "Offline") or not re.fullmatch(r"[A-Za-z][\w -]{0,98}", status):
        part.wrong("status", status, "is no name of a break")
    found = Stretch(_clock(part, "from"), _clock(part, "to"), status)
    part.close()
    return found


_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def minutes(text: str) -> int | None:
    """Minutes since midnight of a clock time such as 08:30; None: it is none."""
    if _CLOCK.fullmatch(text) is None:
        return None
    hours, rest = text.split(":")
    return int(hours) * 60 + int(rest)


def _clock(part: Part, name: str) -> int:
    told = part.text(name)
    found = minutes(told)
    if found is None and told:
        part.wrong(name, told, "is no clock time such as 08:30")
    return found or 0


def _callers(part: Part, queues: list[str], flows: list[str], named: Named) -> Callers:
    if part.has("queue") == part.has("flow"):
        part.wrong("queue", part.take("queue"), "or flow: callers come to exactly one of them")
    found = Callers(
        arrivals=_arrivals(part),
        queue=part.choice("queue", queues) if part.has("queue") else None,
        flow=part.choice("flow", flows) if part.has("flow") else None,
        channels=_mix(part),
        evenly=part.choice("arrive", ("at random", "evenly"), "at random") == "evenly",
        patience=_distribution(part, "patience", named) if part.has("patience") else None,
        retries=_retries(part.part("retries"), named) if part.has("retries") else None,
        keys=part.table(
            "keys",
            lambda name, value: re.fullmatch(r"[0-9*#]{0,20}", name) is not None and _share(value),
            "is keys of a phone (0-9, * and #; none: nothing is pressed) with their weights",
        ),
        thinks=_distribution(part, "thinks", named, AT_ONCE),
        attributes=part.table(
            "attributes", lambda _name, value: isinstance(value, str), "is texts by their names"
        ),
        priority=part.whole("priority", 1, RANK_MAX) if part.has("priority") else None,
    )
    if found.priority is not None and found.flow is not None:
        part.wrong("priority", found.priority, "is of callers to a queue; a flow sets its own")
    part.close("patience", "retries", "per_hour", "flow", "queue")
    return found


def _share(value: Any) -> bool:  # noqa: ANN401  any TOML value
    return is_number(value) and 0 < value <= SIMULATED_RATE_MAX


def _arrivals(part: Part) -> dict[int, float]:
    if part.has("per_hour") == part.has("arrivals"):
        part.wrong("arrivals", None, "or per_hour: exactly one of them says how many come")
    if part.has("per_hour"):
        each = part.number("per_hour", 0, 2 * SIMULATED_RATE_MAX) / 2
        part.take("arrivals")
        return dict.fromkeys(range(0, 24 * 60, HALF_HOUR_MINUTES), each)
    told = part.table(
        "arrivals",
        lambda name, value: (
            (minutes(name) or 0) % HALF_HOUR_MINUTES == 0
            and minutes(name) is not None
            and name != "24:00"
            and is_number(value)
            and 0 <= value <= SIMULATED_RATE_MAX
        ),
        f"is half hours such as 08:30 with 0 to {SIMULATED_RATE_MAX} expected contacts",
    )
    return {minutes(name) or 0: float(value) for name, value in told.items()}


def _mix(part: Part) -> dict[Channel, float]:
    if part.has("channel") and part.has("channels"):
        part.wrong("channels", part.take("channels"), "or channel: one of them")
    if part.has("channel"):
        return {CHANNEL[part.choice("channel", CHANNELS)]: 1.0}
    found = part.table(
        "channels",
        lambda name, value: name in CHANNELS and _share(value),
        f"is weights of {', '.join(CHANNELS)}",
    )
    return {CHANNEL[name]: float(share) for name, share in found.items()} or {"VOICE": 1.0}


def _retries(part: Part, named: Named) -> Retries:
    found = Retries(
        chance=part.number("chance", 0, 1),
        after=_distribution(part, "after", named),
        at_most=part.whole("at_most", 1, SIMULATED_RETRIES_MAX, 1),
    )
    part.close()
    return found
