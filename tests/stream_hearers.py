"""Stream hearers: targets that tests hold in their hands, and streams that are told to them."""

import asyncio
import os

from ringfloor.node.stream_lines import STREAMS
from ringfloor.node.stream_targets import STORED, Gone, Taken, Targets
from ringfloor.node.streams import Streams


async def until(found):
    async with asyncio.timeout(5):
        while not found():
            await asyncio.get_running_loop().run_in_executor(None, os.getpid)  # others' turn


class Hearer:
    """A target that takes what it is in the mood for."""

    def __init__(self, mood="takes"):
        self.mood = mood
        self.lines = []
        self.asked = 0

    async def take(self, lines):
        self.asked += 1
        match self.mood:
            case "hangs":
                await asyncio.get_running_loop().create_future()
            case "refuses":
                return Taken(lines, "not now")
            case "goes":
                raise Gone
            case "breaks":
                raise RuntimeError
            case "takes one":
                self.lines.append(lines[0])
                return Taken(lines[1:], "one is enough")
        self.lines += lines
        return Taken([])

    async def close(self):
        pass

    @property
    def ids(self):
        return [each.id for each in self.lines]


class Known(Targets):
    """Opens targets that tests hold in their hands."""

    def __init__(self, *, stores=None, **hearers):
        super().__init__()
        self.hearers = hearers
        self.of_stores = stores or {}

    @property
    def stores(self):
        return bool(self.of_stores)

    def open(self, target):
        return self.of_stores.get(target) or self.hearers[target]

    def told(self, properties):
        stream = STORED[properties["ResourceType"]]
        return stream, properties["StorageConfig"]["KinesisStreamConfig"]["StreamArn"]


def heard_by(hearer, *streams):
    wanted = dict.fromkeys(streams or STREAMS, "hearer")
    return Streams(wanted, Known(hearer=hearer))


def outlet(streams, stream="contact-events"):
    return next(each for each in streams._everywhere if each.stream == stream)


async def level(streams, *instances):
    await until(
        lambda: all(
            each.is_level(instance) for each in streams._everywhere for instance in instances
        )
    )
