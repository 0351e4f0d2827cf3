"""Functions: what stands behind InvokeLambdaFunction. An ARN is bound to an HTTP address.

A flow may call the functions that are associated with its instance; in a sandbox all that have an
address. The event of behaviour specification, section 6.5 is POSTed as JSON; the reply is the
function's result. A throttled or failing function is asked again, at most three times, within the
time the block allows. What goes wrong is told to the flow as a failure and to the operator in the
log.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

import httpx
import msgspec

from ringfloor.base.errors import shown
from ringfloor.base.limits import FUNCTION_ATTEMPTS_MAX, FUNCTION_REPLY_BYTES_MAX
from ringfloor.base.time import seconds
from ringfloor.domain import commands, dialogue
from ringfloor.engine.effects import InvokeFunction
from ringfloor.engine.state import Center

log = logging.getLogger(__name__)

Associated = Callable[[str, str], bool]
"""Whether an instance has an association of a function (ARN)."""

Tell = Callable[[commands.Command | None], None]
"""None: it has answered, and nobody waits for what."""

FAILED = dialogue.Failed("NoMatchingError")


class Functions:
    """Calls functions and tells their answers.

    bound: function ARN (without version or alias, or with) to the address that is POSTed to.
    direct: a sandbox: a block may name an http address itself, and what is bound needs no
    association.
    """

    def __init__(
        self,
        bound: Mapping[str, str],
        *,
        direct: bool,
        associated: Associated = lambda _instance_id, _arn: True,
    ) -> None:
        self._bound = bound
        self._direct = direct
        self._associated = associated
        self._client: httpx.AsyncClient | None = None
        self._calls: set[asyncio.Task[commands.Hear | None]] = set()

    def invoke(self, instance_id: str, effect: InvokeFunction, tell: Tell) -> None:
        """Call a function; its answer is told as Hear, unless the block does not wait."""

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
        if self._client is not None:
            await self._client.aclose()

    async def _call(self, instance_id: str, effect: InvokeFunction) -> commands.Hear | None:
        answer = await self._answer(instance_id, effect)
        if effect.asynchronous:
            return None
        return commands.Hear(effect.contact_id, effect.ask, answer)

    async def _answer(self, instance_id: str, effect: InvokeFunction) -> dialogue.Heard:
        arn = effect.function_arn
        address = self._address(arn)
        if address is None:
            log.warning(
                "contact %s calls %s, bound to no address; bind it with --function ARN=URL",
                effect.contact_id,
                shown(arn),
            )
            return FAILED
        if not self._direct and not self._associated(instance_id, arn):
            log.warning(
                "contact %s calls %s, which is not associated with instance %s; see"
                " AssociateLambdaFunction",
                effect.contact_id,
                shown(arn),
                instance_id,
            )
            return FAILED
        try:
            async with asyncio.timeout(seconds(effect.timeout_ms)):
                return await self._ask(address, msgspec.json.encode(effect.event))
        except TimeoutError:
            problem = f"no answer within {effect.timeout_ms} ms"
        except Exception as error:  # noqa: BLE001  whatever it is, the flow must not wait for ever
            problem = f"{type(error).__name__}: {error}"
        arn = shown(effect.function_arn)
        log.warning("contact %s: %s failed: %s", effect.contact_id, arn, problem)
        return FAILED

    async def _ask(self, address: str, event: bytes) -> dialogue.Heard:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113  the caller's timeout bounds it
        for _ in range(FUNCTION_ATTEMPTS_MAX):
            async with self._client.stream(
                "POST", address, content=event, headers={"content-type": "application/json"}
            ) as response:
                if response.status_code == 429 or response.status_code >= 500:
                    continue
                response.raise_for_status()
                return dialogue.Answer(msgspec.json.decode(await _bounded(response)))
        raise ValueError(f"it failed {FUNCTION_ATTEMPTS_MAX} times")

    def _address(self, arn: str) -> str | None:
        found = self._bound.get(arn) or self._bound.get(unqualified(arn))
        if found is None and self._direct and arn.startswith(("http://", "https://")):
            return arn
        return found


def unqualified(arn: str) -> str:
    """The ARN of a function without version or alias."""
    return ":".join(arn.split(":")[:7])


def is_associated(center: Center, arn: str) -> bool:
    """Whether this function, or it with all its versions and aliases, is associated."""
    names = center.names["lambda_function"]
    return arn in names or unqualified(arn) in names


async def _bounded(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > FUNCTION_REPLY_BYTES_MAX:
            raise ValueError(f"its reply is longer than {FUNCTION_REPLY_BYTES_MAX} bytes")
    return body
