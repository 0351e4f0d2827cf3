"""A gateway's SIP side with its trunks, and what it tells."""

import asyncio
from contextlib import asynccontextmanager

from sippy.Core.EventDispatcher import ED2

from ringfloor.gateway.sip.calls import Sip
from ringfloor.gateway.sip.trunks import Trunk
from voice.sip_far_end import OFFER, PATIENCE, FarEnd


class World:
    """sip: the Signalling; far: a far end, which is the trunk `main`; told: its signals."""

    def __init__(self, sip, far):
        self.sip, self.far = sip, far
        self.at = sip.address
        self.ends = [far]
        self.told = []
        self._news = asyncio.Event()

    def tell(self, signal):
        self.told.append(signal)
        self._news.set()

    async def hears(self, kind, seconds=PATIENCE):
        """The next signal of a kind, which must be the next of all."""
        async with asyncio.timeout(seconds):
            while not self.told:
                self._news.clear()
                await self._news.wait()
        signal = self.told.pop(0)
        assert isinstance(signal, kind), signal
        return signal

    async def another(self, host="127.0.0.1"):
        """One more far end."""
        self.ends.append(await FarEnd.open(host))
        return self.ends[-1]

    async def settled(self):
        """All that was posted to the thread of SIP before is done, and told."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.sip.stack.post(lambda: loop.call_soon_threadsafe(done.set))
        await asyncio.wait_for(done.wait(), PATIENCE)

    async def later(self, seconds):
        """Let time pass for sippy's timers, and happen what is due by then."""

        def shift():
            for timer in ED2.tlisteners:
                timer.etime.offset(-seconds)

        self.sip.stack.post(shift)
        await self.settled()
        await self.settled()

    def dial(self, leg_id="out", to="+15550123", from_="+15550100", headers=(), trunk=""):
        self.sip.invite(leg_id, to, from_, OFFER, headers, trunk)


@asynccontextmanager
async def a_world(*, trunks=None, **given):
    """trunks: they, or what makes them of the far end; else one, `main`, which is the far end."""
    far = await FarEnd.open()
    if trunks is None:
        trunks = [
            Trunk(name="main", host=far.host, port=far.port, sources=("127.0.0.1",), keep_alive=0)
        ]
    elif callable(trunks):
        trunks = trunks(far)
    world = None
    sip = Sip(
        ("127.0.0.1", 0),
        on_signal=lambda signal: world.tell(signal),  # noqa: PLW0108  it is made below
        loop=asyncio.get_running_loop(),
        trunks=trunks,
        **given,
    )
    world = World(sip, far)
    sip.start()
    try:
        yield world
    finally:
        for each in world.ends:
            each.take_leave()
        sip.close()
        await asyncio.wait_for(sip.closed(), PATIENCE)
        for each in world.ends:
            each.close()
