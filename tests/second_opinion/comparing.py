"""Comparing: one history, what the center answers and what one gets by counting.

By itself, for as long as one likes: `make opinion`, or

    PYTHONPATH=tests python -m second_opinion.comparing [--histories 3000] [--days 100] [--seed 0]

The first difference ends it, with the seed, the request and the row.
"""

import argparse
import asyncio
import sys
from collections import Counter
from random import Random
from typing import Any

from ringfloor.base.time import DAY, HOUR, MINUTE, Instant, stopwatch
from second_opinion import laws
from second_opinion.asking import PERIODS, ZONES, Asking
from second_opinion.chatter import chatter
from second_opinion.day import Day
from second_opinion.formulas import TALK_METRICS
from second_opinion.opinion import Answer, Opinion
from second_opinion.product import Product
from second_opinion.story import Story, Told
from second_opinion.wide import a_wide_history

CHANGES: tuple[Instant, ...] = (
    1_709_596_800_000 + 9 * HOUR,  # 5 March 2024, the day of the specification's examples
    1_710_054_000_000 - HOUR,  # 10 March 2024, summer time in New York and St. John's
    1_730_613_600_000 - HOUR,  # 3 November 2024, winter time there
    1_710_111_600_000,  # 10 March 2024, late on a Sunday in most of the world
    1_712_415_600_000 - HOUR,  # 6 April 2024, winter time on Lord Howe and Chatham
)
"""When worlds begin: clocks are changed a little later."""


class Difference(AssertionError):
    """What the center says is not what one counts."""


class Both:
    """The center and the second opinion, of the same events, at some moment after them."""

    def __init__(self, told: list[Told], later: int = 0) -> None:
        self.begun = told[0][1]
        self.story = Story().read(told)
        self.product = Product().read(told)
        self.story.at = self.product.at = self.story.at + later
        self.opinion = Opinion(self.story)
        self.seen: Counter[str] = Counter()
        """How often a metric had a value that is not 0."""

    def first(self, request: dict[str, Any]) -> Answer:
        asked = [each["Name"] for each in request["HistoricalMetrics"]]
        mine, theirs = self.opinion.first(request), self.product.first(self.story, request)
        return self._same(request, asked, mine, theirs)

    def second(self, request: dict[str, Any]) -> Answer:
        asked = [each["Name"] for each in request["Metrics"]]
        return self._same(
            request, asked, self.opinion.second(request), self.product.second(request)
        )

    def _same(
        self, request: dict[str, Any], asked: list[str], mine: Answer, theirs: Answer
    ) -> Answer:
        for row in sorted({*mine, *theirs}, key=str):
            if row not in mine or row not in theirs:
                whose = "has no row" if row in mine else "has a row of its own"
                raise Difference(f"the center {whose} {row}; asked: {request}")
            for name, counted, said in zip(asked, mine[row], theirs[row], strict=True):
                if counted != said:
                    raise Difference(f"{name} of {row}: {said}, counted {counted}; {request}")
                self.seen[name] += bool(counted)
        return theirs

    def ask(self, dice: Random, first: int, second: int) -> None:
        """So many requests of each operation, by chance."""
        asking = Asking(self.story, self.begun, dice)
        for _ in range(first):
            self.first(asking.first())
        for _ in range(second):
            self.second(asking.second())

    def obeys(self, dice: Random) -> None:
        """The laws hold of the center's answers; each is counted, too."""
        values = Asking(self.story, self.begun, dice).values
        queues, agents = values.get("QUEUE", [])[:90], values.get("AGENT", [])[:90]
        if not queues or not agents or self.story.at // 1000 <= self.begun // 1000:
            return
        laws.nobody_is_lost_in_queues(self.second, self.story, self.begun, queues)
        whole = laws.asking(self.story, self.begun, laws.OF_CONTACTS, "QUEUE", queues)
        laws.parts_make_the_whole(self.second, whole, laws.OF_CONTACTS, "QUEUE")
        staff = laws.asking(self.story, self.begun, laws.OF_AGENTS, "AGENT", agents)
        laws.parts_make_the_whole(self.second, staff, laws.OF_AGENTS, "AGENT")
        times = laws.asking(self.story, self.begun, laws.OF_TIME, "AGENT", agents)
        sums = laws.parts_make_the_whole(self.second, times, laws.OF_TIME, "AGENT")
        laws.time_is_of_one_kind(sums)
        period, zone = dice.choice(PERIODS), dice.choice(ZONES)
        short = whole["EndTime"] - whole["StartTime"] < 3 * DAY // 1000
        for request, names in ((whole, laws.OF_CONTACTS), (times, laws.OF_TIME)):
            chosen = period if short else "DAY"
            laws.intervals_add_up(self.second, request, names, chosen, zone)
        older = Asking(self.story, self.begun, dice).first()
        if older["EndTime"] <= self.story.at // 1000:  # the newer operation knows no future
            laws.both_say_the_same(self.first, self.second, older, queues)

    def close(self) -> None:
        self.product.close()


async def a_day(seed: int, steps: int) -> tuple[list[Told], list[Told]]:
    """What has happened on a floor before everybody went home, and in all."""
    day = Day(seed)
    await day.begin()
    await day.live(steps)
    before = day.told()
    await day.end()
    return before, day.told()


def held_against(told: list[Told], dice: Random, first: int, second: int) -> Counter[str]:
    """A history is asked about; how often each metric had a value."""
    both = Both(told, dice.choice((0, 1, 7_000, MINUTE)))
    try:
        both.ask(dice, first, second)
        both.obeys(dice)
    finally:
        both.close()
    return both.seen


def held_against_world(seed: int) -> Counter[str]:
    dice = Random(seed)
    return held_against(a_wide_history(dice, 220, dice.choice(CHANGES)), dice, 6, 14)


def held_against_chatter(seed: int) -> Counter[str]:
    """Talks with bots are asked about."""
    dice = Random(seed)
    both = Both(chatter(dice, dice.choice(CHANGES)), dice.choice((1, MINUTE)))
    try:
        asking = Asking(both.story, both.begun, dice)
        for name in TALK_METRICS:
            both.second(asking.second(name))
            both.second(asking.second(name))
    finally:
        both.close()
    return both.seen


def held_against_day(seed: int) -> Counter[str]:
    dice = Random(seed)
    before, whole = asyncio.run(a_day(seed, 450))
    return held_against(before, dice, 4, 12) + held_against(whole, dice, 6, 20)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=3_000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    elapsed, seen = stopwatch(), Counter[str]()
    for what, count in (
        (held_against_world, options.histories),
        (held_against_chatter, options.histories),
        (held_against_day, options.days),
    ):
        for seed in range(options.seed, options.seed + count):
            try:
                seen += what(seed)
            except AssertionError as error:
                print(f"{what.__name__}({seed}): {error}", flush=True)
                return 1
            if seed % 100 == 0:
                print(f"{what.__name__}({seed}), {elapsed():.0f} s", flush=True)
    print(f"{options.histories} worlds and {options.days} days, {elapsed():.0f} s; values: {seen}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
