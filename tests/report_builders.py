"""Reports: a day to draw, and what a page's tables say."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
from typing_extensions import override

from ringfloor.base.time import HOUR, MINUTE, Instant
from ringfloor.report import plots
from ringfloor.report.contents import (
    AgentDay,
    Cell,
    Figures,
    Queue,
    Report,
    Stretch,
    Waits,
)

ZONE = "Europe/Berlin"
DAY: Instant = 1_772_665_200_000
"""Thu 5 Mar 2026, 00:00 in Berlin."""
ARRIVALS = (1, 3, 4, 9, 13, 11, 12, 15, 12, 9, 8, 6, 10, 11, 12, 10, 9, 8, 7, 4, 2, 1)
"""By half hour, from 08:00 on."""
NAMES = ("Ann Agent", "Bob Seller", "Chloé Dubois", "Deniz Öztürk", "Eva Novak", "Farid Haddad")


def a_cell(number: int, arrivals: int) -> Cell:
    """A half hour with so many contacts: the more there are, the longer they wait."""
    start = DAY + number * 30 * MINUTE
    abandoned = arrivals // 6
    waits = [2.5 + 1.5 * each * arrivals / 4 for each in range(arrivals)]
    return Cell(
        start=start,
        end=start + 30 * MINUTE,
        figures=Figures(
            arrivals=arrivals,
            answered=arrivals - abandoned,
            abandoned=abandoned,
            service_levels=(_share(waits, 20), _share(waits, 60)),
            answer_seconds_average=sum(waits) / arrivals if arrivals else None,
            handle_seconds_average=181.5 if arrivals else None,
            wait_seconds_max=waits[-1] if waits else None,
        ),
        waits=_waits(waits) if waits else None,
        occupancy=35.0 + 4 * arrivals if arrivals else None,
    )


def _share(waits: list[float], below: int) -> float | None:
    return 100 * sum(each < below for each in waits) / len(waits) if waits else None


def _waits(waits: list[float]) -> Waits:
    places = (-(-percentile * len(waits) // 100) - 1 for percentile in (50, 90, 95))
    return Waits(contacts=len(waits), seconds=tuple(waits[place] for place in places))


def an_agent(number: int, name: str) -> AgentDay:
    """Eight hours with a break and lunch; every third agent also has chats beside calls."""
    begins = DAY + 8 * HOUR + (number % 3) * 30 * MINUTE
    borders = (0, 110, 125, 250, 295, 480)
    whats = ("Available", "Break", "Available", "Lunch", "Available")
    statuses = tuple(
        Stretch(begins + since * MINUTE, begins + until * MINUTE, what)
        for since, until, what in zip(borders, borders[1:], whats, strict=False)
    )
    calls = [
        Stretch(each.start + after * MINUTE, each.start + (after + 9) * MINUTE, "VOICE")
        for each in statuses[::2]
        for after in range(3 + number, (each.end - each.start) // MINUTE - 9, 14)
    ]
    chats = [
        Stretch(each.start + 4 * MINUTE, each.end + 6 * MINUTE, "CHAT")
        for each in calls[:: 3 if number % 3 == 0 else 99]
    ]
    return AgentDay(
        name=name,
        statuses=statuses,
        contacts=tuple(sorted(calls + chats, key=lambda each: each.start)),
        answered=len(calls) + len(chats),
        missed=number % 2,
        online_seconds=8 * 3600,
        contact_seconds=len(calls) * 540.5,
        idle_seconds=7 * 3600 - len(calls) * 540.5,
        other_seconds=3600,
        occupancy=61.25,
    )


def a_report(**changes: Any) -> Report:
    """A day of two queues; changes: members of it."""
    arrivals = (*(0,) * 16, *ARRIVALS, *(0,) * 10)
    cells = tuple(a_cell(number, each) for number, each in enumerate(arrivals))
    totals = Figures(
        arrivals=sum(ARRIVALS),
        answered=sum(each.figures.answered for each in cells),
        abandoned=sum(each.figures.abandoned for each in cells),
        service_levels=(62.7, 96.4),
        answer_seconds_average=17.2,
        handle_seconds_average=181.5,
        wait_seconds_max=max(each.figures.wait_seconds_max or 0 for each in cells),
    )
    members: dict[str, Any] = {
        "source": "first (6c1d4a0e-9f0f-4b7e-8f3a-000000000000)",
        "zone": ZONE,
        "start": DAY,
        "end": DAY + 24 * HOUR,
        "made_at": DAY + 24 * HOUR + 5 * MINUTE,
        "cell_words": "half hour",
        "thresholds": (20, 60),
        "percentiles": (50, 90, 95),
        "cells": cells,
        "totals": totals,
        "all_waits": Waits(contacts=177, seconds=(14.5, 48.2, 59.75)),
        "occupancy": 61.25,
        "queues": (Queue("sales", totals), Queue("support", Figures())),
        "profiles": ("sellers",),
        "agents": tuple(an_agent(*each) for each in enumerate(NAMES)),
        "day_start": DAY,
        "day_end": DAY + 24 * HOUR,
    }
    return Report(**members | changes)


def picture(name: str) -> str:
    """A plot as the guide shows it: of the day, with three agents."""
    report = a_report()
    if name == "outcomes":
        return plots.outcomes(report)
    [drawn] = plots.agents(msgspec.structs.replace(report, agents=report.agents[:3]))
    return drawn


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in_cell = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self._rows = self.found[(given["class"] or "").split()[0]] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._in_cell = True
        elif tag == "data":
            self._rows[-1][-1] = given["value"] or ""
            self._in_cell = False

    @override
    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self._rows[-1][-1] += data

    @override
    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")


def tables(html: str) -> dict[str, list[list[str]]]:
    """The rows of each table, heads first; numbers are exact."""
    reader = _Tables()
    reader.feed(html)
    return reader.found


if __name__ == "__main__":
    for drawn in ("outcomes", "agents"):
        file = Path(__file__).parents[1] / f"docs/report-{drawn}.svg"
        file.write_text(picture(drawn), encoding="utf-8")
