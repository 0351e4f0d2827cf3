"""Outcome: what a load test tells, as JSON and as lines; load.page draws it.

Called by cli_load. Lengths are in seconds in JSON and in milliseconds in the table, shares 0 to 1,
rates per second.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ringfloor import output
from ringfloor.load.histogram import Histogram
from ringfloor.load.measures import Measures, Tally, Window
from ringfloor.load.run import Result

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

LAG_SECONDS = 0.05
"""A timer that is so late at the 99th percentile adds to what is measured."""
CPU_SHARE = 0.85
"""Of a core; one process has no more than one."""

DOORS = {
    "phones": "simulated phones of the sandbox (/_ringfloor/phones)",
    "outbound": "StartOutboundVoiceContact, for without --sandbox calls have no door from outside",
}


def told(result: Result) -> dict[str, Any]:
    """All of it as JSON."""
    wanted, measures = result.wanted, result.measures
    return {
        "scenario": wanted.scenario.name,
        "seed": wanted.scenario.seed,
        "endpoint": wanted.endpoint,
        "speed": wanted.speed,
        "agents": result.agents,
        "voice": result.voice,
        "stopped": result.stopped,
        "came_for": result.came_for,
        "lasted": result.lasted,
        "built_in": result.built_in,
        "contacts": {
            channel: {
                **{name: getattr(each, name) for name in each.__struct_fields__},
                "left": each.left,
            }
            for channel, each in result.figures.items()
        },
        "requests": measures.count,
        "rate": measures.count / max(result.lasted, 0.001),
        "errors": dict(measures.errors),
        "operations": [_operation(name, each, result.lasted) for name, each in _sorted(measures)],
        "told": {name: _lengths(each) for name, each in sorted(measures.told.items())},
        "unheard": result.unheard,
        "generator": {
            "lag": _lengths(measures.lag),
            "cpu": result.cpu,
            "is_bottleneck": is_bottleneck(result),
        },
        "server": [
            {
                "channel": each.channel,
                "what": each.what,
                "here": each.here,
                "server": each.server,
                "difference": each.difference,
            }
            for each in result.compared
        ],
        "uncounted": result.uncounted,
        "unplayed": unplayed(result),
        "left_behind": result.left_behind,
        "before": [
            _operation(name, each, result.built_in) for name, each in _sorted(result.before)
        ],
        "window": measures.window,
        "windows": [_window(number, each, measures) for number, each in enumerate(windows(result))],
    }


def windows(result: Result) -> Sequence[Window]:
    """Those that lie in its time."""
    most = int(result.lasted / result.measures.window) + 1
    return result.measures.windows[:most]


def is_bottleneck(result: Result) -> bool:
    """Whether this program was slower than what it tested."""
    lag = result.measures.lag.quantile(0.99) or 0.0
    return lag > LAG_SECONDS or result.cpu > CPU_SHARE


def differs(result: Result) -> bool:
    """Whether the server has counted something else, or could not be asked."""
    return bool(result.uncounted) or any(each.difference for each in result.compared)


def _sorted(measures: Measures) -> list[tuple[str, Tally]]:
    return sorted(measures.operations.items(), key=lambda each: (-each[1].count, each[0]))


def _operation(name: str, tally: Tally, lasted: float) -> dict[str, Any]:
    return {
        "operation": name,
        "count": tally.count,
        "rate": tally.count / max(lasted, 0.001),
        "response": _lengths(tally.response),
        "service": _lengths(tally.service),
        "errors": dict(sorted(tally.errors.items())),
        "races": tally.races,
    }


def _lengths(histogram: Histogram) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {
        name: histogram.quantile(share) for name, share in QUANTILES.items()
    }
    return {"count": histogram.count, **found, "max": histogram.longest, "mean": histogram.mean}


def _window(number: int, window: Window, measures: Measures) -> dict[str, Any]:
    return {
        "at": number * measures.window,
        "requests": window.count,
        "started": window.started,
        "errors": window.errors,
        "throttled": window.throttled,
        "p50": window.response.quantile(0.5),
        "p99": window.response.quantile(0.99),
    }


# Lines

HEADS = ("operation", "count", "per s", "p50", "p90", "p99", "max", "service p99", "errors")


def lines(result: Result) -> Iterator[str]:
    """As people read it."""
    wanted = result.wanted
    yield (
        f"{wanted.scenario.name} against {wanted.endpoint}: {result.agents} agents, speed"
        f" {wanted.speed:g}, customers for {result.came_for:.0f} s, over after"
        f" {result.lasted:.0f} s" + (" (stopped)" if result.stopped else "")
    )
    yield ""
    yield from output.table([HEADS, *table(result)])
    yield "  lengths in ms, from when the request was due; service p99: from when it was sent"
    yield from _wrong(result)
    yield ""
    yield from output.table([CONTACT_HEADS, *contacts(result)])
    if "VOICE" in result.figures:
        yield f"  calls came by {DOORS[result.voice]}"
    yield ""
    yield from conclusions(result)


def table(result: Result) -> Iterator[list[str]]:
    """A row for each operation, then those for what is heard."""
    for name, tally in _sorted(result.measures):
        yield [
            name,
            f"{tally.count:,}",
            f"{tally.count / max(result.lasted, 0.001):,.1f}",
            *_milliseconds(tally.response),
            _ms(tally.service.quantile(0.99)),
            f"{sum(tally.errors.values()):,}",
        ]
    for name, heard in sorted(result.measures.told.items()):
        rate = f"{heard.count / max(result.lasted, 0.001):,.1f}"
        yield [name, f"{heard.count:,}", rate, *_milliseconds(heard), "", ""]


def _wrong(result: Result) -> Iterator[str]:
    """Errors and races, by operation and code."""
    for name, tally in _sorted(result.measures):
        for code, count in sorted(tally.errors.items()):
            yield f"  {count:,} of {tally.count:,} {name}: {code}"
    raced = [(name, each.races) for name, each in _sorted(result.measures) if each.races]
    if raced:
        said = ", ".join(f"{count:,} {name}" for name, count in raced)
        yield f"  too late, for the other side was quicker (no errors): {said}"


CONTACT_HEADS = ("contacts", "came", "started", "handled", "gave up", "turned away", "left")


def contacts(result: Result) -> Iterator[list[str]]:
    """A row for each channel."""
    for channel, each in result.figures.items():
        told = (
            each.came, each.started, each.handled, each.gave_up, each.turned_away, each.left
        )  # fmt: skip
        yield [channel, *[f"{number:,}" for number in told]]


def conclusions(result: Result) -> Iterator[str]:
    """What is to be known before the figures are believed."""
    yield from _counted(result)
    refused = sum(each.refused + each.unknown for each in result.figures.values())
    if refused:
        yield f"{refused:,} contacts could not be started, or nobody has answered whether they were"
    if result.unheard:
        yield f"{result.unheard:,} chat messages were not heard by the other side"
    lag = result.measures.lag.quantile(0.99)
    own = f"timers {_ms(lag)} ms late (p99), {result.cpu:.0%} of a core"
    if is_bottleneck(result):
        yield f"this program was late itself ({own}): the server can do more than this shows"
    else:
        yield f"this program kept up: {own}"
    for each in unplayed(result):
        yield f"not played: {each}"
    for each in result.left_behind:
        yield f"could not be taken away: {each}"


def unplayed(result: Result) -> list[str]:
    """Parts of the scenario that only the simulator plays."""
    scenario = result.wanted.scenario
    handed_on = sorted(name for name, each in scenario.queues.items() if each.hands_on)
    return [
        *([f"hands_on of {', '.join(handed_on)}"] if handed_on else []),
        *(["functions; the server's own answer"] if scenario.functions else []),
        *(["bots; the server's own answer"] if scenario.bots else []),
    ]


def _counted(result: Result) -> Iterator[str]:
    if result.uncounted:
        yield f"the server could not be asked for its own count: {result.uncounted}"
        return
    wrong = [each for each in result.compared if each.difference]
    for each in wrong:
        yield (
            f"differs: {each.channel} {each.what}: {each.here:,} here, {each.server:,} at the"
            " server"
        )
    if not wrong:
        asked = "SearchContacts and GetMetricDataV2"
        yield f"the server has counted the same: started, handled, abandoned ({asked})"


def _milliseconds(histogram: Histogram) -> list[str]:
    return [
        *[_ms(histogram.quantile(share)) for share in QUANTILES.values()],
        _ms(histogram.longest),
    ]


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    length = seconds * 1000
    return f"{length:,.1f}" if length < 100 else f"{length:,.0f}"
