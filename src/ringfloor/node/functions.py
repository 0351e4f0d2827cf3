"""Functions: what stands behind InvokeLambdaFunction and behind a bot's block.

A function's ARN, a bot's alias ARN or its name is bound to an HTTP address or to a Python callable.
Rules:

* A flow may call the functions and bots that are associated with its instance; in a sandbox all
  that are bound, and a block may name an http address itself.
* A function gets the event of behaviour specification, section 6.5; a bot gets the request of Lex
  V2's RecognizeText and answers as that does. At an address it is POSTed as JSON and the reply is
  the result; a throttled or failing address is asked again, at most three times.
* A callable gets the event as a dict of its own, runs in a thread and returns what JSON can say. It
  is called once. Nothing can end a thread: one that goes on after its time holds its place, and
  when all places are taken, calls wait.
* All of it within the time that the block allows. What goes wrong is told to the flow as a failure
  and to the operator in the log; so is a reply that the journal could not keep.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from ringfloor.base.errors import Fault, shown
from ringfloor.base.limits import (
    FUNCTION_ATTEMPTS_MAX,
    FUNCTION_REPLY_BYTES_MAX,
    FUNCTION_THREADS_MAX,
)
from ringfloor.base.time import seconds
from ringfloor.domain import commands, dialogue
from ringfloor.engine.effects import AskBot, InvokeFunction
from ringfloor.engine.state import Center
from ringfloor.flow.blocks import checked_reply
from ringfloor.node.web import Unreachable, Web

log = logging.getLogger(__name__)

Call = InvokeFunction | AskBot

Function = Callable[[dict[str, Any]], Any]
"""The event in, the reply out."""

Target = str | Function
"""An http address, or a callable."""

Associated = Callable[[str, Call], bool]
"""Whether an instance has an association of the function or the bot that is called."""

Tell = Callable[[commands.Command | None], None]
"""None: it has answered, and nobody waits for what."""

PYTHON = "python:"
"""What the name of a callable begins with: python:package.module:callable."""

FAILED = dialogue.Failed("NoMatchingError")


class _Named(NamedTuple):
    """What is called: its name, for the log and for its binding, and how one makes that known."""

    kind: str
    name: str
    option: str
    operation: str


def _named(call: Call) -> _Named:
    if isinstance(call, InvokeFunction):
        name = call.function_arn
        return _Named("function", name, "--function ARN=URL", "AssociateLambdaFunction")
    return _Named("bot", call.bot, "--bot NAME=URL", "AssociateBot")


class Functions:
    """Calls functions and bots and tells their answers.

    bound: function ARN (without version or alias, or with) to what is called. bots: alias ARN, id
    or name of a bot likewise. direct: a sandbox: a block may name an http address itself, and what
    is bound needs no association.
    """

    def __init__(
        self,
        bound: Mapping[str, Target],
        *,
        direct: bool,
        associated: Associated = lambda _instance_id, _call: True,
        bots: Mapping[str, Target] | None = None,
    ) -> None:
        self._bound = bound
        self._bots = bots or {}
        self._direct = direct
        self._associated = associated
        self._web = Web()
        self._calls: set[asyncio.Task[commands.Hear | None]] = set()
        self._places = asyncio.Semaphore(FUNCTION_THREADS_MAX)

    def invoke(self, instance_id: str, effect: Call, tell: Tell) -> None:
        """Make a call; its answer is told as Hear, unless the block does not wait."""

        def done(call: asyncio.Task[commands.Hear | None]) -> None:
            self._calls.discard(call)  # first: who is told may ask whether anybody is busy
            if not call.cancelled():
                tell(call.result())

        call = asyncio.get_running_loop().create_task(self._call(instance_id, effect))
        self._calls.add(call)
        call.add_done_callback(done)

    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._calls)

    async def close(self) -> None:
        """Give up all calls."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._web.close()

    async def _call(self, instance_id: str, effect: Call) -> commands.Hear | None:
        answer = await self._answer(instance_id, effect)
        if isinstance(effect, InvokeFunction) and effect.asynchronous:
            return None
        return commands.Hear(effect.contact_id, effect.ask, answer)

    async def _answer(self, instance_id: str, effect: Call) -> dialogue.Heard:
        kind, name, option, operation = _named(effect)
        target = self._target(effect)
        if target is None:
            log.warning(
                "contact %s calls %s %s, bound to nothing; bind it with %s",
                effect.contact_id,
                kind,
                shown(name),
                option,
            )
            return FAILED
        if not self._direct and not self._associated(instance_id, effect):
            log.warning(
                "contact %s calls %s %s, which is not associated with instance %s; see %s",
                effect.contact_id,
                kind,
                shown(name),
                instance_id,
                operation,
            )
            return FAILED
        try:
            async with asyncio.timeout(seconds(effect.timeout_ms)):
                event = msgspec.json.encode(effect.event)
                if isinstance(target, str):
                    return answered(msgspec.json.decode(await self._ask(target, event)))
                return answered(await self._run(target, event))
        except TimeoutError:
            problem = f"no answer within {effect.timeout_ms} ms"
        except Exception as error:  # noqa: BLE001  whatever it is, the flow must not wait for ever
            known = isinstance(error, ValueError | Unreachable)
            problem = str(error) if known else f"{type(error).__name__}: {error}"
        log.warning("contact %s: %s %s failed: %s", effect.contact_id, kind, shown(name), problem)
        return FAILED

    async def _ask(self, address: str, event: bytes) -> bytes:
        for _ in range(FUNCTION_ATTEMPTS_MAX):
            answer = await self._web.ask(address, event, FUNCTION_REPLY_BYTES_MAX)
            if answer.is_success:
                return answer.body
            if answer.status != 429 and answer.status < 500:
                raise ValueError(f"it answered with status {answer.status}")
        raise ValueError(f"it failed {FUNCTION_ATTEMPTS_MAX} times")

    async def _run(self, function: Function, event: bytes) -> Any:  # noqa: ANN401  any JSON value
        """What a callable returns, or what it raises. Its place is free when its thread is over."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()

        def over(returned: object, raised: BaseException | None) -> None:
            self._places.release()
            if reply.done():
                return  # nobody waits any more
            if raised is None:
                reply.set_result(returned)
            else:
                reply.set_exception(ValueError(f"{type(raised).__name__}: {raised}"))

        def work() -> None:
            returned: object = None
            raised: BaseException | None = None
            try:
                returned = function(msgspec.json.decode(event))
            except BaseException as error:  # noqa: BLE001  it is somebody else's code
                raised = error
            with suppress(RuntimeError):  # the loop is closed: the server has ended meanwhile
                loop.call_soon_threadsafe(over, returned, raised)

        threading.Thread(target=work, name="function", daemon=True).start()
        return await reply

    def _target(self, effect: Call) -> Target | None:
        if isinstance(effect, InvokeFunction):
            name, bound = effect.function_arn, self._bound
            names = name, unqualified(name)
        else:
            name, bound = effect.bot, self._bots
            names = name, bot_id(name)
        found = next((bound[each] for each in names if each in bound), None)
        if found is None and self._direct and name.startswith(("http://", "https://")):
            return name
        return found


def answered(payload: object) -> dialogue.Answer:
    """What somebody's program replied, as the flow hears it; raises ValueError.

    Whatever the journal could not keep (numbers over 64 bits, what nests too deep, what is too
    long) or JSON cannot say is no reply.
    """
    return dialogue.Answer(checked_reply(payload, is_map=False))


def resolved(bindings: Mapping[str, str]) -> dict[str, Target]:
    """What names are bound to; callables are imported. Raises Fault naming what is wrong."""
    return {
        name: _callable(name, target) if target.startswith(PYTHON) else target
        for name, target in bindings.items()
    }


def _callable(name: str, target: str) -> Function:
    module, _, path = target.removeprefix(PYTHON).partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise Fault(
            f"{name}={target} cannot be imported: {type(error).__name__}: {error}; modules are"
            " looked for where PYTHONPATH says"
        ) from error
    if not callable(found):
        raise Fault(f"{name}={target} is no callable, but of type {type(found).__name__}")
    function: Function = found
    return function


def unqualified(arn: str) -> str:
    """The ARN of a function without version or alias."""
    return ":".join(arn.split(":")[:7])


def bot_id(alias_arn: str) -> str:
    """The id of the bot that an alias ARN (...:bot-alias/BOT/ALIAS) is of; else the name itself."""
    parts = alias_arn.split("/")
    return parts[1] if len(parts) == 3 else alias_arn


def is_associated(center: Center, call: Call) -> bool:
    """Whether the center may call this function, or it in all its versions; or this bot."""
    if isinstance(call, InvokeFunction):
        names = center.names["lambda_function"]
        return call.function_arn in names or unqualified(call.function_arn) in names
    bot = call.event.get("bot")
    region = bot.get("region") if isinstance(bot, dict) else None
    if call.bot in center.names["lex_v2_bot"]:
        return True
    return f"{region or center.home.region}/{call.bot}" in center.names["lex_bot"]
