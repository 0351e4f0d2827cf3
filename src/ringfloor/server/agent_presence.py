"""Agent presence: whether a desktop of an agent still asks for his snapshot.

Called by server.agent_operations around every GetAgentSnapshot. A desktop asks again as soon as it
has been answered. Who has not been heard of for AGENT_ABSENT_SECONDS of real time has vanished:
the center is told (AgentVanished), and again when he is back (AgentReturned). That is no sign-out:
his status stays, offers to him go on and are missed (behaviour specification, section 3.3). Agents
who never asked, because the sandbox acts for them, never vanish.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from ringfloor.base.errors import Refusal
from ringfloor.base.limits import AGENT_ABSENT_SECONDS
from ringfloor.domain import commands

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Instance and user."""

Tell = Callable[[str, commands.Command], Coroutine[Any, Any, object]]
"""Sends a command to an instance."""


class Presence:
    """The agents whose desktops have asked since the start."""

    def __init__(self, tell: Tell, absent_seconds: float = AGENT_ABSENT_SECONDS) -> None:
        self._tell = tell
        self._absent_seconds = absent_seconds
        self._asking: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._vanished: set[Key] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def asking(self, instance_id: str, user_id: str) -> Iterator[None]:
        """A desktop asks, perhaps for long."""
        key = instance_id, user_id
        self._asking[key] = self._asking.get(key, 0) + 1
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._vanished:
            self._vanished.discard(key)
            self._say(instance_id, commands.AgentReturned(user_id))
        try:
            yield
        finally:
            self._asking[key] -= 1
            if not self._asking[key]:
                del self._asking[key]
                loop = asyncio.get_running_loop()
                self._timers[key] = loop.call_later(self._absent_seconds, self._vanish, key)

    def _vanish(self, key: Key) -> None:
        self._timers.pop(key, None)
        self._vanished.add(key)
        instance_id, user_id = key
        self._say(instance_id, commands.AgentVanished(user_id))

    def _say(self, instance_id: str, command: commands.Command) -> None:
        task = asyncio.ensure_future(self._told(instance_id, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _told(self, instance_id: str, command: commands.Command) -> None:
        try:
            await self._tell(instance_id, command)
        except Refusal as refusal:  # the instance is gone
            log.info("nobody is told of %s: %s", command, refusal)
